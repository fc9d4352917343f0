//! A PostgreSQL source: names that need quotes, what its catalogue tells, and how old that is.

use super::{each, encoded};
use crate::access::server::Server as Door;
use crate::support::postgres::{PASSWORD, Server};
use serde_json::{Value, json};

fn open() -> Option<(Server, Door, String)> {
    let server = Server::start(&[])?;
    server.run(
        "postgres",
        "create table orders(id int primary key, tenant text not null, phone text, \"Größe in cm\" int, \"a.b\" int, \"quo\"\"te\" int);
         comment on table orders is 'what people bought'; comment on column orders.tenant is 'whose it is';
         insert into orders select i, 'acme', 'p', i, i, i from generate_series(1, 1000) i; analyze orders;
         create schema \"Odd Schema\"; create table \"Odd Schema\".\"Order \"\"Lines\"\" v1.0\"(id int, \"日本\" text);
         create view recent as select id, tenant from orders;
         create table payroll(id int, salary int)",
    );
    let door = Door::start(&[]);
    let address = server.address("admin", "postgres");
    let added = door.place.pipe(&["source", "add", "crm", &address, "--secret", "-"], PASSWORD);
    assert_eq!(added.code, 0, "{}", added.err);
    let who = door.agent("red", "acme");
    for table in ["crm.public.orders", "crm.public.recent"] {
        door.place.ok(&["table", "allow", table, "--to", "everyone"]);
    }
    door.place.ok(&["table", "allow", "crm.Odd Schema.*", "--to", "everyone"]);
    door.place.ok(&["policy", "set", "crm.public.orders", "--column", "phone=deny"]);
    Some((server, door, who))
}

#[test]
fn what_a_server_tells_is_told_on() {
    let Some((server, door, who)) = open() else { return };
    let get = |path: &str| {
        let (status, reply) = door.get(&who, path);
        assert_eq!(status, 200, "{path}: {reply}");
        reply
    };
    assert_eq!(each(&get("/api/metadata/catalogs"), "kind"), ["postgres"]);
    let schemas = get("/api/metadata/schemas?catalog=crm");
    assert!(each(&schemas, "name").contains(&"public".to_owned()), "{schemas}");
    let default = schemas.as_array().unwrap().iter().find(|s| s["is_default"] == true).unwrap();
    assert_eq!(default["name"], "public");
    let tables = get("/api/metadata/tables?catalog=crm&schema=public");
    assert_eq!(each(&tables, "name"), ["orders", "recent"], "{tables}");
    assert_eq!(each(&tables, "table_type"), ["TABLE", "VIEW"]);
    let one = &get("/api/metadata/tables?catalog=crm&schema=public&table=orders")[0];
    assert_eq!((&one["comment"], &one["row_count"]), (&json!("what people bought"), &json!(1000)), "{one}");
    assert!(one["size_bytes"].as_u64().unwrap() > 8192 && one["primary_key"] == json!(["id"]), "{one}");
    let columns = get("/api/metadata/columns?catalog=crm&table=orders");
    assert_eq!(each(&columns, "name"), ["id", "tenant", "Größe in cm", "a.b", "quo\"te"]);
    assert_eq!((&columns[1]["nullable"], &columns[1]["comment"]), (&json!(false), &json!("whose it is")));
    assert_eq!(columns[2]["nullable"], true);
    // A rule on rows hides how many there are in all.
    door.place.ok(&[
        "policy",
        "set",
        "crm.public.orders",
        "--column",
        "phone=deny",
        "--column",
        "id=deny",
        "--filter",
        "tenant = :tenant",
    ]);
    let one = &get("/api/metadata/tables?catalog=crm&schema=public&table=orders")[0];
    assert_eq!(
        (&one["row_count"], &one["size_bytes"], &one["primary_key"]),
        (&Value::Null, &Value::Null, &json!([]))
    );

    // What is known is kept, and its age is told; who wants it new says so.
    server.run("postgres", "create table fresh(a int)");
    door.place.ok(&["table", "allow", "crm.public.*", "--to", "everyone"]);
    let names = |path: &str| each(&get(path), "name");
    assert!(!names("/api/metadata/tables?catalog=crm").contains(&"fresh".to_owned()));
    crate::support::wait_until("a refresh shows the new table", || {
        names("/api/metadata/tables?catalog=crm&refresh=true").contains(&"fresh".to_owned())
    });
    assert!(get("/api/metadata/catalogs")[0]["age_seconds"].as_u64().unwrap() < 20);
    let listed = door.place.ok(&["catalog", "crm.public", "--refresh"]);
    assert!(listed.contains("fresh") && listed.contains("what people bought"), "{listed}");
}

#[test]
fn names_that_need_quotes_get_them() {
    let Some((server, door, who)) = open() else { return };
    let ask = |who: &str, sql: &str| {
        let (status, reply) = door.get(who, &format!("/api/metadata/sql-autocomplete?sql={}", encoded(sql)));
        assert_eq!(status, 200, "{sql}: {reply}");
        each(&reply["suggestions"], "insert_text")
    };
    assert_eq!(
        ask(&who, "select * from orders o where o."),
        ["id", "tenant", "\"Größe in cm\"", "\"a.b\"", "\"quo\"\"te\""]
    );
    assert_eq!(ask(&who, "select * from orders o where o.\"gr"), ["\"Größe in cm\""]);
    assert_eq!(ask(&who, "select * from orders where ten"), ["tenant"]);
    let schema = ask(&who, "select * from odd");
    assert!(schema.contains(&"\"Odd Schema\"".to_owned()), "{schema:?}");
    let table = ask(&who, "select * from \"Odd Schema\".");
    assert_eq!(table, ["\"Order \"\"Lines\"\" v1.0\""]);
    assert_eq!(
        ask(&who, "select x. from \"Odd Schema\".\"Order \"\"Lines\"\" v1.0\" x where x.日"),
        ["\"日本\""]
    );
    assert!(ask(&who, "select * from pay").is_empty());
    assert_eq!(ask(&who, "select string_a"), ["string_agg("]);
    // What is inserted runs.
    let sql = "select \"Größe in cm\" + \"a.b\" + \"quo\"\"te\" as n from orders where id = 2";
    assert_eq!(door.rows(&who, sql)[0]["n"], 6);
    // The owner's command reads and writes the same names.
    let columns = door.place.ok(&["catalog", "crm.Odd Schema.\"Order \"\"Lines\"\" v1.0\""]);
    assert!(columns.contains("日本"), "{columns}");
    let found = door.place.ok(&["catalog", "search", "lines"]);
    assert!(found.contains("crm.Odd Schema.\"Order \"\"Lines\"\" v1.0\""), "{found}");
    drop(server);
}

#[test]
fn a_server_that_is_gone_leaves_what_was_known() {
    let Some((server, door, who)) = open() else { return };
    let ask = || door.get(&who, "/api/metadata/sql-autocomplete?sql=select+*+from+ord");
    assert_eq!(ask().1["suggestions"][0]["insert_text"], "orders");
    drop(server);
    let (status, reply) = ask();
    assert_eq!((status, &reply["suggestions"][0]["insert_text"]), (200, &json!("orders")), "{reply}");
    assert_eq!(door.get(&who, "/api/metadata/tables?catalog=crm").0, 200);
    // Who asks for it anew takes nothing away from others; only the owner is told how it failed.
    std::thread::sleep(std::time::Duration::from_secs(5));
    assert_eq!(door.get(&who, "/api/metadata/tables?catalog=crm&refresh=true").0, 200);
    assert!(!door.place.fails(&["catalog", "crm", "--refresh"], 3).is_empty());
    assert!(door.place.ok(&["catalog", "crm.public"]).contains("orders"));
    // Its size is not known any more, but the table is.
    let (status, one) = door.get(&who, "/api/metadata/tables?catalog=crm&table=orders");
    assert_eq!((status, &one[0]["size_bytes"]), (200, &Value::Null), "{one}");
}
