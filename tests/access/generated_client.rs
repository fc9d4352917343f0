//! The door through a client that was generated from its description: what the description promises is what a client gets.

use super::server::Server;
use super::sight::governed;
use serde_json::{Value, json};
use std::path::{Path, PathBuf};
use std::process::Command;

fn venv(program: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join(".venv-api/bin").join(program)
}

/// Generates the package `wharf_client`; the folder that holds it.
fn generate(server: &Server) -> PathBuf {
    let (_, api) = server.get("", "/openapi.json");
    let file = server.place.file("client/openapi.json", api.to_string());
    let folder = file.parent().unwrap().to_owned();
    let made = Command::new(venv("openapi-python-client"))
        .args(["generate", "--meta", "none", "--fail-on-warning"])
        .arg("--path")
        .arg(&file)
        .arg("--output-path")
        .arg(folder.join("wharf_client"))
        .arg("--config")
        .arg(server.place.file("client/config.yaml", CONFIG))
        .output()
        .unwrap();
    let said = format!("{}{}", String::from_utf8_lossy(&made.stdout), String::from_utf8_lossy(&made.stderr));
    assert!(made.status.success(), "{said}");
    folder
}

/// Media types that the generator does not know are bytes to it; what it made is not formatted.
const CONFIG: &str = "post_hooks: []
content_type_overrides:
  application/x-ndjson: application/octet-stream
  text/csv: application/octet-stream
  text/tab-separated-values: application/octet-stream
  application/vnd.apache.arrow.stream: application/octet-stream
  application/vnd.apache.parquet: application/octet-stream
  application/vnd.wharf.rows+json: application/octet-stream
";

/// Asks as each of these; what each was told.
fn ask(server: &Server, folder: &Path, who: &Value) -> Value {
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/access/generated_client.py");
    let asked =
        json!({"folder": folder, "url": format!("http://{}", server.address), "who": who}).to_string();
    let input = server.place.file("client/asked.json", asked);
    let ran = Command::new(venv("python"))
        .arg(script)
        .stdin(std::fs::File::open(input).unwrap())
        .env("PYTHONDONTWRITEBYTECODE", "1")
        .output()
        .unwrap();
    assert!(ran.status.success(), "{}", String::from_utf8_lossy(&ran.stderr));
    serde_json::from_slice(&ran.stdout).unwrap()
}

#[test]
fn a_generated_client_shows_each_tenant_its_own() {
    if !venv("openapi-python-client").exists() {
        println!("skipped: openapi-python-client is not installed (make test installs it)");
        return;
    }
    let (server, red, blue) = governed();
    let bare = |who: &str| who.strip_prefix("Bearer ").unwrap().to_owned();
    let (red, blue) = (bare(&red), bare(&blue));
    let swarm = red.split(';').next().unwrap();
    let own = server.secret(&["token", "create", "agent", "--swarm", "red", "--role", "admin"]);
    let folder = generate(&server);
    let told = ask(&server, &folder, &json!({"red": red, "blue": blue, "boss": format!("{swarm};{own}")}));
    for (who, tenant, ids) in [("red", "acme", json!([1, 2])), ("blue", "umbra", json!([3]))] {
        let told = &told[who];
        assert_eq!(told["me"]["tenant"], tenant);
        assert_eq!(told["tables"]["data"][0]["name"], "orders");
        assert_eq!(told["listed"].as_array().unwrap().len(), 1, "{told}");
        for rows in [&told["rows"]["rows"], &told["sample"]["data"]] {
            let rows = rows.as_array().unwrap();
            let found: Vec<&Value> = rows.iter().map(|r| &r["id"]).collect();
            assert_eq!(json!(found), ids, "{told}");
            assert!(rows.iter().all(|r| r["tenant"] == tenant && r.get("phone").is_none()), "{told}");
        }
        assert_eq!(told["statement"]["data"].as_array().unwrap().len(), ids.as_array().unwrap().len());
        assert_eq!(told["refused"]["code"], "table_not_allowed", "{told}");
        assert_eq!(
            (&told["tokens"]["code"], &told["tokens"]["status_code"]),
            (&json!("not_permitted"), &json!(403))
        );
    }
    let boss = &told["boss"];
    assert_eq!(boss["allowed"]["grant"]["table"], "payroll", "{boss}");
    assert_eq!((&boss["made"]["id"], &boss["login"]["user"]["id"]), (&json!("carol"), &json!("carol")));
    assert_eq!(boss["deleted"]["message"], "User carol deleted");
    assert_eq!(boss["denials"]["pagination"]["page_size"], 5, "{boss}");
    assert_eq!(boss["verdict"]["sound"], true);
    assert!(boss["tokens"]["data"].as_array().unwrap().len() >= 5);
    assert_eq!(told["health"]["status"], "healthy");
}
