//! Sources from the variables of `.env` files.

use crate::support::faces::Face;
use crate::support::postgres::{PASSWORD, Server};
use crate::support::{Place, Ran};
use serde_json::json;

const TOKEN: &str = "a-token-of-tests-planted";

fn from(place: &Place, file: &str, text: &str, more: &[&str]) -> Ran {
    place.file(file, text);
    let ran = place.run(&[&["source", "add", "--from-env", file], more].concat());
    assert!(!format!("{}{}", ran.out, ran.err).contains("planted"), "{} {}", ran.out, ran.err);
    ran
}

#[test]
fn a_file_of_the_snowflake_seed_gives_a_source_that_answers() {
    let face = Face::start(
        "snowflake",
        &json!({"tokens": [TOKEN], "database": "SALES_INTELLIGENCE", "schema": "DATA", "user": "ALICE",
            "setup": ["use schema DATA", "create table t (a int)", "insert into t values (42)"]}),
    );
    let place = Place::new();
    let text = format!(
        "# Backend server\nBACKEND_PORT=4000\n\n# Snowflake connection\nSNOWFLAKE_URL=http://127.0.0.1:{}\nSNOWFLAKE_PAT={TOKEN}\nSNOWFLAKE_WAREHOUSE=WH\n\nSEMANTIC_MODEL_PATH=@SALES_INTELLIGENCE.DATA.MODELS/sales_metrics_model.yaml\nSEARCH_SERVICE_PATH=SALES_INTELLIGENCE.DATA.SALES_CONVERSATION_SEARCH\n",
        face.port()
    );
    let ran = from(&place, ".env", &text, &[]);
    assert_eq!(ran.code, 0, "{}", ran.err);
    assert!(
        ran.err.contains(
            "snowflake: uses SNOWFLAKE_URL, SNOWFLAKE_WAREHOUSE, SEMANTIC_MODEL_PATH, SNOWFLAKE_PAT"
        ),
        "{}",
        ran.err
    );
    assert!(ran.err.contains("ignored: BACKEND_PORT, SEARCH_SERVICE_PATH"), "{}", ran.err);
    let count = place.ok(&["query", "select a from t", "--source", "snowflake", "--csv", "-t"]);
    assert_eq!(count, "42\n");
    // Under another name, and with the token where somebody else keeps it.
    let key = place.file("token", TOKEN);
    let reference = format!("file:{}", key.display());
    let ran = place.run(&["source", "add", "sf", "--from-env", ".env", "--secret", &reference]);
    assert_eq!(ran.code, 0, "{}", ran.err);
    assert!(place.ok(&["source", "show", "sf"]).contains(&reference));
}

#[test]
fn a_file_of_the_databricks_seed_gives_a_source_that_answers() {
    let face = Face::start("databricks", &json!({}));
    let place = Place::new();
    let of = |key: &str| face.ready[key].as_str().unwrap().to_owned();
    let text = format!(
        "# Databricks Configuration\r\nDATABRICKS_HOST=http://127.0.0.1:{}\r\nDATABRICKS_TOKEN={}\r\nDATABRICKS_HTTP_PATH=/sql/1.0/warehouses/{}\r\nDEBUG=false\r\nVOLUME_BASE_PATH=/Volumes/{}/default\r\n",
        face.port(),
        of("token"),
        of("warehouse"),
        of("catalog"),
    );
    place.file(".env", &text);
    let added = place.json(&["source", "add", "lake", "--from-env", ".env", "--json"]);
    assert_eq!(
        (&added["sources"][0]["name"], &added["ignored"]),
        (&json!("lake"), &json!(["DEBUG"])),
        "{added}"
    );
    let tested = place.json(&["source", "test", "lake", "--json"]);
    assert!(tested["warehouse"].as_str().is_some_and(|w| !w.is_empty()), "{tested}");
}

#[test]
fn several_sources_of_one_file_are_named_by_their_kinds() {
    let place = Place::new();
    let Some(server) = Server::start(&[]) else { return };
    let face = Face::start(
        "snowflake",
        &json!({"tokens": [TOKEN], "database": "D", "schema": "PUBLIC", "user": "ALICE", "setup": []}),
    );
    let text = format!(
        "SNOWFLAKE_URL=http://127.0.0.1:{}\nSNOWFLAKE_PAT=\"{TOKEN}\"\nSNOWFLAKE_DATABASE=D\nSNOWFLAKE_WAREHOUSE=WH\nexport DATABASE_URL='postgresql+asyncpg://admin:{PASSWORD}@127.0.0.1:{}/postgres' # local\n",
        face.port(),
        server.port
    );
    let refused = from(&place, "both.env", &text, &["--set", "schema=public"]);
    assert!(refused.code == 2 && refused.err.contains("--kind"), "{}", refused.err);
    let one = from(&place, "both.env", &text, &["pg", "--kind", "postgres", "--set", "schema=public"]);
    assert_eq!(one.code, 0, "{}", one.err);
    assert!(place.ok(&["source", "show", "pg"]).contains("/postgres/public"));
    let both = from(&place, "both.env", &text, &["shop", "--json"]);
    assert_eq!(both.code, 0, "{}", both.err);
    let told: serde_json::Value = serde_json::from_str(&both.out).unwrap();
    let names: Vec<&str> =
        told["sources"].as_array().unwrap().iter().map(|s| s["name"].as_str().unwrap()).collect();
    assert_eq!(names, ["shop_snowflake", "shop_postgres"]);
    assert!(!both.out.contains(PASSWORD) && !both.err.contains(PASSWORD));
    place.ok(&["daemon", "stop"]);
    let log = std::fs::read_to_string(place.path("s/wharfd.log")).unwrap_or_default();
    assert!(!log.contains("planted") && !log.contains(PASSWORD));
}

#[test]
fn what_is_missing_or_a_placeholder_is_told_by_its_variable_and_changes_nothing() {
    let place = Place::new();
    for (text, code, mentions) in [
        (
            "SNOWFLAKE_URL=https://<ACCOUNT_LOCATOR>.snowflakecomputing.com\nSNOWFLAKE_PAT=<YOUR_PERSONAL_ACCESS_TOKEN>\n",
            2,
            &["x.env:1: SNOWFLAKE_URL", "x.env:2: SNOWFLAKE_PAT", "placeholder"][..],
        ),
        (
            "DATABRICKS_HOST=https://your-workspace.cloud.databricks.com\nDATABRICKS_TOKEN=your-databricks-token\n",
            2,
            &["DATABRICKS_HOST", "DATABRICKS_TOKEN"],
        ),
        (
            "SNOWFLAKE_ACCOUNT=a\nSNOWFLAKE_PAT=planted\n",
            2,
            &["lacks SNOWFLAKE_DATABASE for snowflake", "--set database=..."],
        ),
        (
            "SNOWFLAKE_ACCOUNT=a\nSNOWFLAKE_DATABASE=d\nSNOWFLAKE_PASSWORD=planted\n",
            2,
            &["SNOWFLAKE_PAT", "takes no passwords", "--secret ask"],
        ),
        (
            "export AWS_PROFILE=\"3VDEV\"\nexport AWS_DEFAULT_REGION=\"us-east-1\"\n",
            2,
            &["REDSHIFT_WORKGROUP or REDSHIFT_CLUSTER and REDSHIFT_DATABASE"],
        ),
        ("PORT=1\nDEBUG=planted\n", 2, &["says nothing about a source"]),
        ("A=1\nplanted words\n", 2, &["x.env:2: not of the form NAME=VALUE"]),
        (
            "PGHOST=h\nPGUSER=u\nPGDATABASE=d\nPGPASSWORD='planted\n",
            2,
            &["x.env:4: a quote that does not end"],
        ),
        // The second is not whole, so the first is not added either.
        (
            "DATABASE_URL=postgres://u:planted@127.0.0.1:1/d\nDATABRICKS_HOST=h\n",
            2,
            &["DATABRICKS_CATALOG and DATABRICKS_TOKEN", "--kind"],
        ),
        ("DATABASE_URL=postgres://u:planted@127.0.0.1:1/d\n", 3, &["postgres"]),
    ] {
        let ran = from(&place, "x.env", text, &[]);
        assert_eq!(ran.code, code, "{text}: {}", ran.err);
        for mention in mentions {
            assert!(ran.err.contains(mention), "{mention}: {}", ran.err);
        }
    }
    assert!(
        place
            .fails(&["source", "add", "--from-env", "missing.env"], 6)
            .contains("missing.env does not exist")
    );
    assert!(place.fails(&["source", "add", "--from-env", "."], 2).contains("cannot be read"));
    let both = ["source", "add", "x", "--from-env", "x.env", "--found", "y"];
    assert!(place.fails(&both, 2).contains("cannot be used with"));
    let piped = place.pipe(&["source", "add", "--from-env", "-"], "SNOWFLAKE_PAT=planted\n");
    assert!(piped.code == 2 && piped.err.contains("SNOWFLAKE_URL or SNOWFLAKE_ACCOUNT"), "{}", piped.err);
    assert_eq!(place.ok(&["source", "list", "--json"]), "[]\n");
}
