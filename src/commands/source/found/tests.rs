use super::*;

const HOME: &str = "/home/a";

fn home() -> Option<&'static Path> {
    Some(Path::new(HOME))
}

/// Candidates as lines: id, address, state, and what opens it.
fn lines(found: &Found) -> Vec<String> {
    let secret = |secret: &Secret| match secret {
        Secret::None => "none".to_owned(),
        Secret::Ask(what, _) => format!("ask {what}"),
        Secret::Value(value) => format!("value {}", value.expose_secret()),
        Secret::At(reference) => reference.to_string(),
    };
    let line = |c: &Candidate| format!("{} {} {} | {}", c.id, c.parts, c.state(), secret(&c.secret));
    found.candidates.iter().map(line).collect()
}

fn snowflake(text: &str) -> Found {
    let mut found = Found::default();
    snowflake::read(text, Path::new("/home/a/.snowflake/connections.toml"), home(), &mut found);
    found
}

#[test]
fn snowflake_connections_of_every_way_to_sign_in() {
    let found = snowflake(
        r#"
        [pat]
        account = "MYORG-ACCT"
        user = 'ALICE'
        authenticator = "PROGRAMMATIC_ACCESS_TOKEN"
        token = "tok"
        database = "MyDb"
        schema = "s"
        warehouse = "WH"
        role = "R"
        [oauth]
        account = "acct"
        authenticator = "oauth"
        token_file_path = "~/tok"
        database = "D"
        [key]
        account = "acct"
        user = "A"
        authenticator = "SNOWFLAKE_JWT"
        private_key_file = "keys/k.p8"
        private_key_passphrase = "phrase"
        [password]
        account = "acct"
        user = "a@b.c"
        password = "p"
        database = "D"
        [token_as_password]
        account = "acct"
        password = "eyJabc.def.ghi"
        database = "D"
        [browser]
        account = "acct"
        authenticator = "externalbrowser"
        database = "D"
        [private_link]
        account = "acct"
        host = "acct.example.com"
        protocol = "https"
        port = 8443
        token = "t"
        database = "D"
        [nothing]
        user = "x"
    "#,
    );
    assert_eq!(
        lines(&found),
        [
            "snowflake:pat snowflake://ALICE@MYORG-ACCT/MyDb/s?role=R&warehouse=WH ready | value tok",
            "snowflake:oauth snowflake://acct/D?auth=oauth ready | file:/home/a/tok",
            "snowflake:key snowflake://A@acct/?private_key=/home/a/.snowflake/keys/k.p8 needs database | value phrase",
            "snowflake:password snowflake://a%40b.c@acct/D needs secret | ask programmatic access token",
            "snowflake:token_as_password snowflake://acct/D ready | value eyJabc.def.ghi",
            "snowflake:browser snowflake://acct/D needs secret | ask programmatic access token",
            "snowflake:private_link snowflake://acct/D?endpoint=https://acct.example.com:8443 ready | value t",
            "snowflake:nothing snowflake://x@/ unusable | ask programmatic access token",
        ]
    );
    assert!(
        found.candidates[3].note().unwrap().contains("password, which Snowflake's SQL API does not take")
    );
    assert!(found.candidates[5].note().unwrap().contains("`externalbrowser`"));
    assert!(found.troubles.is_empty());
    assert_eq!(found.candidates[0].origin, "/home/a/.snowflake/connections.toml [pat]");
}

#[test]
fn snowflakes_config_comes_second_and_a_fault_is_told_by_its_line() {
    let mut found = snowflake("[a]\naccount = 'x'\n[b]\naccount = 'y'\n");
    let config = "default_connection_name = 'c'\n[cli]\nx = 1\n[connections.a]\naccount = 'z'\n[connections]\nb2 = {account = 'q'}\n[connections.c]\naccount='w'\n";
    snowflake::read(config, Path::new("/c/config.toml"), home(), &mut found);
    let ids: Vec<&str> = found.candidates.iter().map(|c| c.id.as_str()).collect();
    assert_eq!(ids, ["snowflake:a", "snowflake:b", "snowflake:c", "snowflake:b2"]);
    assert!(found.candidates[0].note().unwrap().contains("/c/config.toml"));
    for (text, line) in [
        ("[a]\naccount = 'x'\npassword = planted-secret\n", 3),
        ("[a]\nx = 1\n[a]\ny = 2\n", 3),
        ("[a\n", 1),
        ("\u{1}", 1),
        ("[a]\nkey = \"planted-secret\n", 2),
    ] {
        let found = snowflake(text);
        let told = &found.troubles[0];
        assert!(told.starts_with(&format!("/home/a/.snowflake/connections.toml:{line}: ")), "{told}");
        assert!(!told.contains("planted") && found.candidates.is_empty(), "{told}");
    }
    let odd = snowflake("x = 1\n['größe \u{202e}']\naccount = ['a']\n");
    assert_eq!(odd.candidates[0].unusable.as_deref(), Some("it names no account"));
}

fn databricks(text: &str) -> Found {
    let mut found = Found::default();
    databricks::read(text, Path::new("/home/a/.databrickscfg"), &mut found);
    found
}

#[test]
fn databricks_profiles_of_every_way_to_sign_in() {
    let found = databricks(
        "; c\r\n[DEFAULT]\r\nhost = https://dbc-1.cloud.databricks.com/ # c\r\ntoken = dapi#1 # c\r\nwarehouse_id = 1a2b\r\n\
         [m2m]\nHOST=https://adb-2.azuredatabricks.net\nclient_id = id\nclient_secret = sec\nauth_type = oauth-m2m\n\
         [cli]\nhost = https://dbc-3.cloud.databricks.com\nauth_type = databricks-cli\n\
         [cluster]\nhost = https://dbc-4.cloud.databricks.com\ntoken = t\ncluster_id = 01-x\n\
         [path]\nhost = dbc-5.cloud.databricks.com\ntoken = t\nhttp_path = /sql/1.0/warehouses/9f\ncatalog = c\nschema = s\n\
         [old_path]\nhost = dbc-6.cloud.databricks.com\ntoken = t\nhttp_path = sql/protocolv1/o/1/01-x\n\
         [account]\nhost = https://accounts.cloud.databricks.com\naccount_id = 1\ntoken = t\n\
         [empty]\n[__settings__]\ndefault_profile = path\nbroken\n[DEFAULT]\ntoken = dapi2\n",
    );
    assert_eq!(
        lines(&found),
        [
            "databricks:path databricks://dbc-5.cloud.databricks.com/c/s?warehouse=9f ready | value t",
            "databricks:DEFAULT databricks://dbc-1.cloud.databricks.com/?warehouse=1a2b needs catalog | value dapi2",
            "databricks:m2m databricks://adb-2.azuredatabricks.net/?auth=m2m&client_id=id needs catalog | value sec",
            "databricks:cli databricks://dbc-3.cloud.databricks.com/ needs catalog, secret | ask personal access token",
            "databricks:cluster databricks://dbc-4.cloud.databricks.com/ unusable | value t",
            "databricks:old_path databricks://dbc-6.cloud.databricks.com/ unusable | value t",
            "databricks:account databricks://accounts.cloud.databricks.com/ unusable | value t",
            "databricks:empty databricks:/// unusable | ask personal access token",
        ]
    );
    assert_eq!(found.troubles, ["/home/a/.databrickscfg:35: neither a section nor KEY=VALUE"]);
    assert!(found.candidates[4].note().unwrap().contains("cluster"));
    assert_eq!(found.candidates[1].name, "databricks");
}

#[test]
fn profiles_of_aws_from_both_files() {
    let config = "[default]\nregion = eu-west-1\ns3 =\n  region = nested\n[profile 3VDEV]\nsso_session = x\nregion=us-east-1 ; c\n[profile \"two words\"]\n[sso-session x]\nsso_region = us-east-1\n[services y]\n[nonsense]\n[profile]\n";
    let credentials = "[default]\naws_access_key_id = AKIA\naws_secret_access_key = s\n[only_keys]\naws_access_key_id = x\nbad\n";
    let mut found = Found::default();
    aws::read(Some((config, Path::new("/c"))), Some((credentials, Path::new("/k"))), &mut found);
    assert_eq!(
        lines(&found),
        [
            "aws:default redshift:///?profile=default&region=eu-west-1&transport=data-api needs workgroup, database | none",
            "aws:3VDEV redshift:///?profile=3VDEV&region=us-east-1&transport=data-api needs workgroup, database | none",
            "aws:two words redshift:///?profile=two%20words&transport=data-api needs workgroup, database | none",
            "aws:only_keys redshift:///?profile=only_keys&transport=data-api needs workgroup, database | none",
        ]
    );
    assert_eq!(found.troubles, ["/k:6: neither a section nor KEY=VALUE"]);
    assert!(found.candidates[1].note().unwrap().contains("aws sso login --profile 3VDEV"));
    assert!(found.candidates[2].note().unwrap().contains("--set region="));
    assert_eq!(found.candidates[1].name, "redshift_3vdev");
}

fn services(text: &str, pgpass: &str) -> Found {
    let defaults = postgres::Defaults { user: Some("me"), host: "localhost", home: home() };
    let mut found = Found::default();
    let password = |passfile: Option<&Path>, parts: &Parts| match passfile {
        Some(file) => Err(format!("{} is left out", file.display())),
        None => Ok(postgres::password(pgpass, parts)),
    };
    postgres::read(text, Path::new("/home/a/.pg_service.conf"), defaults, password, &mut found);
    found
}

#[test]
fn services_of_postgresql_with_their_passwords() {
    let found = services(
        "# c\n[crm]\nhost=db.example.com\nport=6000\nuser=alice\ndbname=crm # no comment\nsslmode=prefer\n\
         [bare]\n[own]\nhost=/tmp\npassword=p w\noptions=-c search_path=reports,public\nsslmode=verify-ca\nsslrootcert=/ca.pem\n\
         [several]\nhost=a,b\n[file]\npassfile=~/pass\nconnect_timeout=0\nport=x\n[crm]\nhost=second\nsome junk\n",
        "# c\ndb.example.com:6000:crm # no comment:alice:first\n*:*:*:alice:any\nlocalhost:5432:me:me:by\\:colon\\\\:x\n",
    );
    assert_eq!(
        lines(&found),
        [
            "postgres:crm postgres://alice@db.example.com:6000/crm%20%23%20no%20comment ready | value first",
            "postgres:bare postgres://me@localhost/me ready | value by:colon\\",
            "postgres:own postgres://me@%2Ftmp/me/reports?sslmode=verify-full&sslrootcert=/ca.pem ready | value p w",
            "postgres:several postgres://me@a%2Cb/me unusable | ask password",
            "postgres:file postgres://me@localhost/me ready | ask password",
        ]
    );
    assert!(found.candidates[0].note().unwrap().contains("sslmode=prefer"));
    assert!(found.candidates[4].note().unwrap().contains("/home/a/pass is left out"));
    assert!(found.candidates[4].note().unwrap().contains("its port is left out"));
    assert_eq!(found.troubles, ["/home/a/.pg_service.conf:23: neither a section nor KEY=VALUE"]);
}

#[test]
fn a_password_is_that_of_the_first_line_that_fits() {
    let mut parts = Parts::of(SourceKind::Postgres);
    for (part, value) in [("host", "h"), ("user", "u"), ("database", "d")] {
        parts.set(part, value).unwrap();
    }
    let password = |text: &str| postgres::password(text, &parts);
    assert_eq!(password("h:5432:d:other:no\nh:*:*:u:yes\r\nh:*:*:u:late\n").as_deref(), Some("yes"));
    assert_eq!(password("\\h:5432:d:u:escaped").as_deref(), Some("escaped"));
    // A star with a stroke before it is a star.
    assert_eq!(password("\\*:5432:d:u:x"), None);
    for none in ["", ":", "h:5432:d:u", "h:5432:d:u:", "h:6000:d:u:x", "#h:5432:d:u:x", "🦆:*:*:*:x"] {
        assert_eq!(password(none), None, "{none}");
    }
}

fn described(text: &str) -> env_file::Description {
    env_file::read(text, Path::new("/p/.env"), home(), None)
}

/// Address, state and variables of each source.
fn of_env(text: &str) -> Vec<String> {
    let description = described(text);
    assert!(description.faults.is_empty(), "{:?}", description.faults);
    let line = |s: &env_file::Described| {
        format!("{} {} {}", s.candidate.parts, s.candidate.state(), s.used.join(","))
    };
    description.sources.iter().map(line).collect()
}

#[test]
fn the_files_of_the_seeds_are_understood() {
    let seed_000 = "BACKEND_PORT=4000\nSNOWFLAKE_URL=https://ab12345.snowflakecomputing.com\nSNOWFLAKE_PAT=tok\nSNOWFLAKE_WAREHOUSE=WH\nSEMANTIC_MODEL_PATH=@SALES_INTELLIGENCE.DATA.MODELS/sales_metrics_model.yaml\nSEARCH_SERVICE_PATH=SALES_INTELLIGENCE.DATA.SALES_CONVERSATION_SEARCH\n";
    assert_eq!(
        of_env(seed_000),
        [
            "snowflake://ab12345/SALES_INTELLIGENCE/DATA?warehouse=WH ready SNOWFLAKE_URL,SNOWFLAKE_WAREHOUSE,SEMANTIC_MODEL_PATH,SNOWFLAKE_PAT"
        ]
    );
    assert_eq!(described(seed_000).ignored, ["BACKEND_PORT", "SEARCH_SERVICE_PATH"]);
    let seed_003 = "export AWS_PROFILE=\"3VDEV\"\nexport AWS_DEFAULT_REGION=\"us-east-1\"\nexport OPENAI_API_KEY=\"sk-...\"\n";
    assert_eq!(
        of_env(seed_003),
        [
            "redshift:///?profile=3VDEV&region=us-east-1&transport=data-api needs workgroup, database AWS_DEFAULT_REGION,AWS_PROFILE"
        ]
    );
    let seed_004 = "DATABRICKS_HOST=https://dbc-1.cloud.databricks.com\nDATABRICKS_TOKEN=dapi1\nDATABRICKS_HTTP_PATH=/sql/1.0/warehouses/9f\nDATABRICKS_GENIE_SPACE_ID=g\nDEBUG=false\nVOLUME_BASE_PATH=/Volumes/semantic_layer/metrics\n";
    assert_eq!(
        of_env(seed_004),
        [
            "databricks://dbc-1.cloud.databricks.com/semantic_layer/metrics?warehouse=9f ready DATABRICKS_HOST,DATABRICKS_HTTP_PATH,VOLUME_BASE_PATH,DATABRICKS_TOKEN"
        ]
    );
}

#[test]
fn the_usual_variables_of_each_kind_are_understood() {
    assert_eq!(
        of_env(
            "SNOWFLAKE_ACCOUNT=a\nSNOWFLAKE_USER=u\nSNOWFLAKE_PRIVATE_KEY_PATH=k.p8\nSNOWFLAKE_DATABASE=d\nSNOWFLAKE_SCHEMA=s\nSNOWFLAKE_ROLE=r\n"
        ),
        [
            "snowflake://u@a/d/s?private_key=/p/k.p8&role=r ready SNOWFLAKE_ACCOUNT,SNOWFLAKE_USER,SNOWFLAKE_DATABASE,SNOWFLAKE_SCHEMA,SNOWFLAKE_ROLE,SNOWFLAKE_PRIVATE_KEY_PATH"
        ]
    );
    let password = described("SNOWFLAKE_ACCOUNT=a\nSNOWFLAKE_PASSWORD=p\nSNOWFLAKE_DATABASE=d\n");
    assert_eq!(password.sources[0].candidate.state(), "needs secret");
    assert_eq!(password.ignored, ["SNOWFLAKE_PASSWORD"]);
    assert_eq!(
        of_env(
            "DATABRICKS_SERVER_HOSTNAME=h\nDATABRICKS_CLIENT_ID=i\nDATABRICKS_CLIENT_SECRET=s\nDATABRICKS_CATALOG=c\n"
        ),
        [
            "databricks://h/c?auth=m2m&client_id=i ready DATABRICKS_SERVER_HOSTNAME,DATABRICKS_CATALOG,DATABRICKS_CLIENT_ID,DATABRICKS_CLIENT_SECRET"
        ]
    );
    assert_eq!(
        of_env(
            "REDSHIFT_HOST=h\nREDSHIFT_USER=u\nREDSHIFT_PASSWORD=p\nREDSHIFT_DATABASE=dev\nAWS_REGION=x\n"
        ),
        ["redshift://u@h/dev ready REDSHIFT_DATABASE,REDSHIFT_HOST,REDSHIFT_USER,REDSHIFT_PASSWORD"]
    );
    assert_eq!(
        of_env("REDSHIFT_CLUSTER_ID=c\nREDSHIFT_DB=dev\nAWS_REGION=x\n"),
        [
            "redshift://c/dev?cluster=c&region=x&transport=data-api ready REDSHIFT_DB,AWS_REGION,REDSHIFT_CLUSTER_ID"
        ]
    );
    assert_eq!(
        of_env("DATABASE_URL=postgresql+psycopg2://u:p%40@h:6000/d\nPGHOST=other\n"),
        ["postgres://u@h:6000/d ready DATABASE_URL"]
    );
    assert_eq!(
        of_env(
            "POSTGRES_USER=u\nPOSTGRES_PASSWORD=p\nPOSTGRES_DB=d\nPOSTGRES_HOST=db\nAWS_PROFILE=x\nDATABRICKS_HOST=h\nDATABRICKS_TOKEN=t\nDATABRICKS_CATALOG=c\n"
        ),
        [
            "databricks://h/c ready DATABRICKS_HOST,DATABRICKS_CATALOG,DATABRICKS_TOKEN",
            "postgres://u@db/d ready POSTGRES_HOST,POSTGRES_USER,POSTGRES_DB,POSTGRES_PASSWORD"
        ]
    );
    assert!(of_env("DATABASE_URL=sqlite:///x.db\nAWS_ACCESS_KEY_ID=x\nPORT=1\n").is_empty());
}

#[test]
fn placeholders_are_told_by_variable_and_line() {
    let of = |text: &str| described(text).faults;
    assert_eq!(
        of(
            "SNOWFLAKE_URL=https://<ACCOUNT_LOCATOR>.snowflakecomputing.com\nSNOWFLAKE_PAT=<YOUR_PERSONAL_ACCESS_TOKEN>\nSNOWFLAKE_ROLE=${ROLE}\n"
        ),
        [
            "/p/.env:1: SNOWFLAKE_URL still holds a placeholder",
            "/p/.env:2: SNOWFLAKE_PAT still holds a placeholder",
            "/p/.env:3: SNOWFLAKE_ROLE refers to a variable that the file does not set above it",
        ]
    );
    for value in [
        "https://your-workspace.cloud.databricks.com",
        "/sql/1.0/warehouses/your-warehouse-id",
        "xxxxx",
        "...",
        "changeme",
        "{{ host }}",
        "your-databricks-token",
    ] {
        assert_eq!(
            of(&format!("\nDATABRICKS_HTTP_PATH={value}\nOTHER={value}\n")),
            ["/p/.env:2: DATABRICKS_HTTP_PATH still holds a placeholder"],
            "{value}"
        );
    }
    assert!(of("DATABRICKS_TOKEN=dapi-yours-$x\nDATABRICKS_HOST=h\n").is_empty());
    assert_eq!(of("SNOWFLAKE_PAT='open\n"), ["/p/.env:1: a quote that does not end"]);
}

proptest::proptest! {
    #[test]
    fn any_parts_are_read_again_from_their_address(
        user in "\\PC{1,9}", host in "\\PC{1,9}", port in 1_u16.., database in "[^.\\pC][^\\pC]{0,9}", schema in "[^.\\pC][^\\pC]{0,9}", file in "\\PC{1,9}",
    ) {
        let mut parts = Parts::of(SourceKind::Postgres);
        let port = port.to_string();
        for (part, value) in
            [("user", &user), ("host", &host), ("port", &port), ("database", &database), ("schema", &schema), ("sslrootcert", &file)]
        {
            parts.set(part, value).unwrap();
        }
        proptest::prop_assume!(parts.missing().is_empty() && !host.contains(['[', ']']));
        let (again, password) = Parts::of_url(&parts.to_string()).unwrap();
        proptest::prop_assert_eq!((again, password), (parts, None));
    }
}

#[test]
fn no_text_makes_a_reader_fall() {
    let odd = [
        "",
        "\0",
        "[",
        "]",
        "=",
        "[]\n=",
        "[a]\n=x\nx=",
        "\u{feff}[a]\nhost=\u{202e}",
        "'",
        "a='\\",
        "A=\"\\",
        "A=${",
        "A=${}\nA=${A}",
        "🦆=🦆\n[🦆]\n🦆=🦆",
        "[a]\nhost=://\nport=-1\n",
    ];
    let long = format!("[a]\nhost={}\n", "x".repeat(500_000));
    let many: String = (0..5000).map(|i| format!("[s{i}]\nhost=h{i}\n")).collect();
    for text in odd.iter().copied().chain([long.as_str(), many.as_str()]) {
        for part in [text, &text.replace('\n', "\r\n")] {
            let _ = (
                snowflake(part),
                databricks(part),
                services(part, ""),
                services("[a]\nhost=h\n", part),
                described(part),
            );
            let mut found = Found::default();
            aws::read(Some((part, Path::new("/c"))), Some((part, Path::new("/k"))), &mut found);
        }
    }
    for value in ["", "://", "a://b", "https://", "http://[::1]:x/", "postgres://%ff@h", "🦆"] {
        let _ = Parts::of_url(value);
        for kind in SourceKind::ALL {
            for part in ["host", "account", "port", "workgroup", "cluster", "x"] {
                let mut parts = Parts::of(kind);
                let _ = parts.set(part, value);
                let _ = (parts.to_string(), parts.missing());
            }
        }
    }
}
