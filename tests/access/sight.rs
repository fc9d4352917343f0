//! What each sees: only what was granted, only as the rules show it, and nothing of the rest by any way round.

use super::server::Server;
use serde_json::{Value, json};

pub fn governed() -> (Server, String, String) {
    let server = Server::shop(&[]);
    let (red, blue) = (server.agent("red", "acme"), server.agent("blue", "umbra"));
    for swarm in ["swarm:red", "swarm:blue"] {
        server.place.ok(&["table", "allow", "orders", "--to", swarm]);
    }
    server.place.ok(&[
        "policy",
        "set",
        "orders",
        "--column",
        "email=mask:hash",
        "--column",
        "phone=deny",
        "--filter",
        "tenant = :tenant",
    ]);
    (server, red, blue)
}

#[test]
fn two_swarms_of_two_tenants_see_only_their_own() {
    let (server, red, blue) = governed();
    for (who, ids, sum) in [(&red, json!([1, 2]), "30.5"), (&blue, json!([3]), "30.25")] {
        let rows = server.rows(who, "select id from orders order by id");
        let found: Vec<Value> = rows.as_array().unwrap().iter().map(|r| r["id"].clone()).collect();
        assert_eq!(Value::from(found), ids);
        assert_eq!(server.rows(who, "select sum(amount) s from shop.main.orders o")[0]["s"].to_string(), sum);
        let (_, listed) = server.get(who, "/list_data");
        assert_eq!(listed.as_array().unwrap().len(), 1);
        let names: Vec<&str> =
            listed[0]["columns"].as_array().unwrap().iter().map(|c| c["name"].as_str().unwrap()).collect();
        assert_eq!(names, ["id", "tenant", "email", "amount", "day"]);
        let (status, sample) = server.post(
            who,
            "/sample_data",
            &json!({"table_name": "orders", "schema_name": "main", "sample_type": "first", "sample_size": 100}),
        );
        assert_eq!(status, 200, "{sample}");
        assert_eq!(sample["data"].as_array().unwrap().len(), ids.as_array().unwrap().len());
        let (status, profile) =
            server.post(who, "/profile_data", &json!({"table_name": "orders", "schema_name": "main"}));
        assert_eq!(status, 200, "{profile}");
        assert_eq!(profile["rows"], ids.as_array().unwrap().len());
        let said = format!("{listed}{sample}{profile}");
        assert!(
            !said.contains("+4917") && !said.contains("@acme.example") && !said.contains("@umbra.example"),
            "{said}"
        );
        assert!(!said.contains("phone") && !said.contains("payroll"), "{said}");
    }
    // A profile made for one is not shown to the other, nor to the owner.
    assert_eq!(server.place.json(&["profile", "orders", "--json"])["rows"], 3);
    // Equal values stay equal under a hash, and the owner sees everything.
    let hashed = server.rows(&red, "select count(distinct email) n, min(length(email)) l from orders");
    assert_eq!((&hashed[0]["n"], &hashed[0]["l"]), (&json!(2), &json!(64)));
    assert!(server.place.ok(&["query", "select phone from orders", "--csv"]).contains("+4917033333"));
}

#[test]
fn no_way_round_shows_what_is_hidden() {
    let (server, red, _) = governed();
    let hidden = ["+4917", "@acme.example", "umbra", "cid@", "77777", "salary"];
    let refused = [
        "select phone from orders",
        "select orders.phone from orders",
        "select * from payroll",
        "select * from shop.main.payroll",
        "select * from main.payroll",
        "with orders as (select * from payroll) select * from orders",
        "select * from 'd/orders.csv'",
        "select * from read_csv('/etc/passwd')",
        "select * from duckdb_tables()",
        "select * from information_schema.columns",
        "explain select * from orders",
        "pragma table_info('orders')",
        "attach '/tmp/x' as y",
        "copy orders to '/tmp/x.csv'",
        "select * from query('select * from payroll')",
        "select * from query_table('payroll')",
        "select getenv('HOME')",
        "select current_setting('temp_directory')",
        "select cast(email as int) from orders",
        "select 1/0::decimal(1,0) from orders where cast(tenant as int) = 1",
        "select * from orders where regexp_full_match('1', tenant || '(')",
        "select error(tenant) from orders",
    ];
    for sql in refused {
        let (status, _, said) = server.refusal(&red, sql);
        assert!(status < 500, "{sql}: {said}");
        assert!(
            !hidden.iter().any(|h| said.replace(sql, "").contains(h) && !sql.contains(h)),
            "{sql}: {said}"
        );
    }
    let allowed = [
        "select * from orders",
        "from orders",
        "table orders",
        "select orders from orders",
        "select to_json(orders) j from orders",
        "select columns(*) from orders",
        "select columns('ph.*|em.*') from orders",
        "select * exclude (id) from orders",
        "select * from orders using sample 100 percent",
        "select * from (select * from orders) union all select * from orders",
        "select a.* from orders a natural join orders b",
        "select (select string_agg(email, ',') from orders) x",
        "with recursive orders_(n) as (select 1 union all select n + 1 from orders_ where n < 3) select * from orders_, orders",
        "pivot orders on tenant using sum(amount)",
        "unpivot (select id, amount from orders) on amount",
        "summarize_me: from orders",
        "select histogram(tenant) from orders",
        "select tenant, count(*) over () from orders qualify row_number() over (order by id) < 9",
        "select max(rowid) from (select row_number() over () rowid from orders)",
    ];
    for sql in allowed {
        let (status, reply) = server.post(&red, "/api/queries/execute", &json!({"query": sql}));
        assert!(status == 200 || status < 500, "{sql}: {reply}");
        let said = reply.to_string();
        assert!(!hidden.iter().any(|h| said.contains(h)), "{sql}: {said}");
    }
}

#[test]
fn what_is_hidden_and_what_is_missing_look_alike() {
    let (server, red, _) = governed();
    let shape = |sql: &str, name: &str| {
        let (status, code, said) = server.refusal(&red, sql);
        let reply: Value = serde_json::from_str(&said).unwrap();
        (
            status,
            code,
            reply["message"].to_string().replace(name, "X"),
            reply["hint"].to_string().replace(name, "X"),
        )
    };
    assert_eq!(shape("select * from payroll", "payroll"), shape("select * from nothere", "nothere"));
    assert_eq!(shape("select phone from orders", "phone"), shape("select fhone from orders", "fhone"));
    for path in [
        "/api/tables/payroll",
        "/api/tables/nothere",
        "/api/tables/shop.payroll",
        "/api/tables/nosuch.payroll",
    ] {
        let (status, reply) = server.get(&red, path);
        assert_eq!((status, &reply["code"]), (404, &json!("table_not_found")), "{path}: {reply}");
    }
    let ask = |source: &str| {
        server.post(&red, "/api/queries/execute", &json!({"query": "select 1", "source": source}))
    };
    server.place.file("e/secret.csv", "a\n1\n");
    server.place.ok(&["source", "add", "other", "e"]);
    let ((s1, r1), (s2, r2)) = (ask("other"), ask("nothere"));
    assert_eq!(
        (s1, r1["message"].to_string().replace("other", "X")),
        (s2, r2["message"].to_string().replace("nothere", "X"))
    );
    let list = |source: &str| {
        let (status, reply) = server.get(&red, &format!("/api/tables?source={source}"));
        (status, reply["message"].to_string().replace(source, "X"), reply["hint"].clone())
    };
    assert_eq!(list("other"), list("othre"));
    assert_eq!((list("other").0, list("shop").0), (404, 200));
    // A second source of which nothing is granted makes nothing ambiguous.
    assert_eq!(server.rows(&red, "select count(*) n from orders")[0]["n"], 2);
}

#[test]
fn limits_hold_and_are_told() {
    let (server, red, _) = governed();
    server.place.ok(&[
        "policy",
        "set",
        "--for",
        "swarm:red",
        "--rows",
        "1",
        "--bytes",
        "200",
        "--seconds",
        "1",
    ]);
    let (_, reply) = server.post(&red, "/api/queries/execute", &json!({"query": "select id from orders"}));
    assert_eq!((&reply["row_count"], &reply["truncated"]), (&json!(1), &json!(true)));
    let (status, code, _) = server.refusal(&red, "select repeat('x', 300) x");
    assert_eq!((status, code.as_str()), (429, "too_many_bytes"));
    let (status, code, _) =
        server.refusal(&red, "select count(*) from range(100000000000) a(i) where hash(i) = 1");
    assert_eq!((status, code.as_str()), (408, "deadline"));
    server.place.ok(&["policy", "set", "--for", "swarm:red", "--per-day", "2"]);
    assert_eq!(server.rows(&red, "select 1 x")[0]["x"], 1);
    assert_eq!(server.rows(&red, "select 2 x")[0]["x"], 2);
    let (status, code, _) = server.refusal(&red, "select 3 x");
    assert_eq!((status, code.as_str()), (429, "daily_limit"));
    server.place.ok(&["policy", "set", "--for", "swarm:red", "--clear"]);
    assert_eq!(server.rows(&red, "select 4 x")[0]["x"], 4);
}

#[test]
fn a_day_costs_so_much_running_time_and_no_more() {
    let (server, red, blue) = governed();
    server.place.ok(&["policy", "set", "--for", "swarm:red", "--cost", "1"]);
    assert!(server.place.ok(&["policy", "show"]).contains("1 seconds of running time a day"));
    assert_eq!(server.rows(&red, "select 1 x")[0]["x"], 1);
    // One statement takes what is left, and is cut there; the next finds nothing.
    let endless = "select count(*) from range(100000000000) a(i) where hash(i) = 1";
    let (status, code, _) = server.refusal(&red, endless);
    assert_eq!((status, code.as_str()), (408, "deadline"));
    let (status, code, text) = server.refusal(&red, "select 2 x");
    assert_eq!((status, code.as_str()), (429, "daily_cost"), "{text}");
    // It is nobody else's, and stays when the limit changes.
    assert_eq!(server.rows(&blue, "select 3 x")[0]["x"], 3);
    server.place.ok(&["policy", "set", "--for", "swarm:red", "--cost", "100"]);
    assert_eq!(server.rows(&red, "select 4 x")[0]["x"], 4);
    server.place.ok(&["policy", "set", "--for", "swarm:red", "--cost", "1"]);
    assert_eq!(server.refusal(&red, "select 5 x").1, "daily_cost");
}

#[test]
fn a_policy_can_be_tried_before_it_bites() {
    let (server, ..) = governed();
    let test = |subject: &str, sql: &str| {
        let ran = server.place.run(&["policy", "test", "--for", subject, sql, "--json"]);
        (ran.code, serde_json::from_str::<Value>(&ran.out).unwrap())
    };
    let (code, verdict) = test("agent:red-agent", "select email from orders");
    assert_eq!((code, &verdict["decision"]), (0, &json!("allow")));
    let rewritten = verdict["rewritten"].as_str().unwrap();
    assert!(rewritten.contains("'acme'") && !rewritten.contains("phone"), "{rewritten}");
    assert_eq!(verdict["rules"][0]["rule"]["filter"], "tenant = :tenant");
    // Who knew the key could try out what was hashed.
    assert!(rewritten.contains("sha256('...' || "), "{rewritten}");
    let (code, verdict) = test("role:analyst", "select 1 from orders");
    assert_eq!((code, &verdict["error"]["code"]), (7, &json!("nothing_granted")));
    let bad = [
        (vec!["policy", "set", "orders", "--column", "nosuch=deny"], "no column `nosuch`"),
        (vec!["policy", "set", "orders", "--column", "amount=mask:redact"], "does not fit"),
        (vec!["policy", "set", "orders", "--column", "email=hide"], "hide"),
        (vec!["policy", "set", "orders", "--filter", "tenant = (select 1)"], "row filter"),
        (vec!["policy", "set", "orders", "--filter", "nosuch = :tenant"], "row filter"),
        (vec!["policy", "set", "nosuch", "--column", "email=deny"], "nosuch"),
        (vec!["policy", "set", "orders", "--column", "email=deny", "--for", "swarm:nosuch"], "nosuch"),
        (vec!["policy", "set"], "nothing is to be set"),
    ];
    let before = server.place.ok(&["policy", "show", "--json"]);
    for (args, said) in bad {
        let ran = server.place.run(&args);
        assert!(ran.code != 0 && ran.err.contains(said), "{args:?}: {} {}", ran.code, ran.err);
    }
    assert_eq!(server.place.ok(&["policy", "show", "--json"]), before);
}

#[test]
fn what_is_set_says_what_it_replaces_and_can_be_taken_back_when_the_table_is_gone() {
    let (server, ..) = governed();
    let told = |args: &[&str]| {
        let ran = server.place.run(args);
        (ran.code, ran.err)
    };
    let (_, masked) = told(&["policy", "set", "orders", "--column", "phone=deny"]);
    assert!(
        masked.contains("with phone as deny; until now: email as mask:hash, phone as deny, "),
        "{masked}"
    );
    assert!(masked.trim().ends_with("rows where tenant = :tenant"), "{masked}");
    let (_, none) = told(&["policy", "set", "orders", "--clear"]);
    assert!(none.contains("with no rule; until now: phone as deny"), "{none}");
    told(&["policy", "set", "--for", "swarm:red", "--rows", "5"]);
    let (_, limits) = told(&["policy", "set", "--for", "swarm:red", "--seconds", "9"]);
    assert!(limits.contains("takes at most 9 seconds; until now: 5 rows"), "{limits}");

    // A schema that is not there is a slip; a table that is no longer there keeps nothing.
    let (code, slip) = told(&["table", "allow", "shpo.*", "--to", "swarm:red"]);
    assert!(code == 6 && slip.contains("no schema `shpo`"), "{slip}");
    let extra = server.place.file("d/extra.csv", "id\n1\n");
    assert_eq!(told(&["table", "allow", "extra", "--to", "swarm:red"]).0, 0);
    assert_eq!(told(&["policy", "set", "extra", "--filter", "id = 1"]).0, 0);
    std::fs::remove_file(extra).unwrap();
    let (_, gone) = told(&["table", "allow", "extra", "--to", "swarm:blue"]);
    assert!(gone.contains("no table `extra`"), "{gone}");
    for args in [&["table", "deny", "extra", "--to", "swarm:red"][..], &["policy", "set", "extra", "--clear"]]
    {
        assert_eq!(told(args).0, 0, "{args:?}: {}", told(args).1);
    }
    let left = server.place.ok(&["policy", "show"]);
    assert!(!left.contains("extra"), "{left}");
}
