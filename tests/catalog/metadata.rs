//! The lists, as the owner and others get them.

use super::{HIDDEN, Town, each};
use crate::access::server::Server;
use serde_json::{Value, json};

#[test]
fn each_sees_what_they_may_read_in_every_list() {
    let town = Town::open();
    let (red, blue) = (&town.red, &town.blue);
    assert_eq!(each(&town.get(red, "/api/metadata/catalogs"), "name"), ["shop"]);
    assert_eq!(each(&town.get(blue, "/api/metadata/catalogs"), "name"), ["shop", "vault"]);
    let catalog = &town.get(red, "/api/metadata/catalogs")[0];
    assert_eq!((&catalog["tables"], &catalog["kind"]), (&json!(1), &json!("duckdb")), "{catalog}");
    assert_eq!((&catalog["cached"], &catalog["comment"]), (&json!(true), &Value::Null), "{catalog}");

    let schemas = town.get(blue, "/api/metadata/schemas");
    assert_eq!(each(&schemas, "catalog"), ["shop", "vault"]);
    assert_eq!((each(&schemas, "name"), &schemas[0]["tables"]), (vec!["main".to_owned(); 2], &json!(1)));
    assert_eq!(each(&town.get(blue, "/api/metadata/schemas?catalog=vault"), "name"), ["main"]);

    let tables = town.get(red, "/api/metadata/tables?catalog=shop&schema=main");
    assert_eq!(each(&tables, "name"), ["orders"]);
    // Which rows there are in all is not theirs to know.
    assert_eq!((&tables[0]["row_count"], &tables[0]["table_type"]), (&Value::Null, &json!("TABLE")));
    assert_eq!(tables[0]["columns"], 5);
    let tables = town.get(blue, "/api/metadata/tables");
    assert_eq!(
        (each(&tables, "name"), &tables[0]["row_count"]),
        (vec!["payroll".into(), "treasure".into()], &json!(1))
    );

    let columns = town.get(red, "/api/metadata/columns?catalog=shop&schema=main&table=orders");
    assert_eq!(each(&columns, "name"), ["id", "tenant", "email", "amount", "day"]);
    assert_eq!(each(&columns, "position"), ["1", "2", "3", "4", "5"]);
    assert_eq!((&columns[2]["data_type"], &columns[2]["nullable"]), (&json!("VARCHAR"), &json!(true)));
    assert_eq!(columns[0]["is_partition_key"], false);
    assert_eq!(town.get(red, "/api/metadata/columns?table=orders"), columns);
    assert_eq!(each(&town.get(red, "/api/metadata/columns?search=TEN"), "name"), ["tenant"]);
    assert_eq!(town.get(red, "/api/metadata/columns?search=phone"), json!([]));
    for what in ["catalogs", "schemas", "tables", "columns", "tables?search=a", "columns?refresh=true"] {
        let said = town.get(red, &format!("/api/metadata/{what}")).to_string();
        assert!(!HIDDEN.iter().any(|h| said.contains(h)), "{what}: {said}");
    }
    // The owner's own command has it all.
    let own = town.server.place.json(&["catalog", "--json"]);
    assert_eq!(each(&own, "name"), ["shop", "vault"]);
    let own = town.server.place.json(&["catalog", "shop.main.orders", "--json"]);
    assert!(each(&own, "name").contains(&"phone".to_owned()), "{own}");
}

#[test]
fn what_is_hidden_and_what_is_missing_look_alike() {
    let town = Town::open();
    let told = |path: &str, name: &str| {
        let (status, reply) = town.server.get(&town.red, path);
        let plain = |v: &Value| v.to_string().replace(name, "X");
        (status, reply["code"].clone(), plain(&reply["message"]), plain(&reply["hint"]))
    };
    for (path, hidden, missing) in [
        ("/api/metadata/schemas?catalog=", "vault", "nosuch"),
        ("/api/metadata/tables?catalog=", "vault", "nosuch"),
        ("/api/metadata/columns?catalog=", "vault", "nosuch"),
        ("/api/metadata/tables?catalog=shop&table=", "payroll", "nothere"),
        ("/api/metadata/columns?catalog=shop&schema=main&table=", "payroll", "nothere"),
        ("/api/metadata/columns?table=", "treasure", "nothere_"),
        ("/api/metadata/sql-autocomplete?sql=select&catalog=", "vault", "nosuch"),
        ("/api/metadata/tables?refresh=true&catalog=", "vault", "nosuch"),
    ] {
        let (a, b) = (told(&format!("{path}{hidden}"), hidden), told(&format!("{path}{missing}"), missing));
        assert_eq!(a, b, "{path}");
        assert_eq!(a.0, 404, "{path}");
    }
    let (status, reply) = town.server.get(&town.red, "/api/metadata/tables?catalog=shop&schema=mian");
    assert_eq!((status, &reply["code"]), (404, &json!("schema_not_found")));
    assert!(reply["hint"].to_string().contains("main"), "{reply}");
    let (status, _) = town.server.get("", "/api/metadata/catalogs");
    assert_eq!(status, 401);
}

#[test]
fn lists_are_arrays_and_pages_where_pages_are_asked_for() {
    let server = Server::start(&[]);
    for table in 0..60 {
        server.place.file(&format!("d/t{table:02}.csv"), "a,b\n1,2\n");
    }
    server.place.ok(&["source", "add", "many", "d"]);
    server.place.ok(&["table", "allow", "many.*", "--to", "everyone"]);
    let who = server.agent("red", "acme");
    let get = |path: &str| {
        let (status, reply) = server.get(&who, path);
        assert_eq!(status, 200, "{path}: {reply}");
        reply
    };
    assert_eq!(get("/api/metadata/tables").as_array().unwrap().len(), 60);
    let page = get("/api/metadata/tables?page=2");
    assert_eq!(page["pagination"], json!({"total": 60, "page": 2, "page_size": 50, "total_pages": 2}));
    assert_eq!(each(&page["data"], "name")[0], "t50");
    let page = get("/api/metadata/columns?page_size=7&page=18");
    assert_eq!((page["data"].as_array().unwrap().len(), &page["pagination"]["total"]), (1, &json!(120)));
    assert_eq!(get("/api/metadata/tables?page=99")["data"], json!([]));
    assert_eq!(get("/api/metadata/catalogs?page=1")["data"][0]["name"], "many");
    for bad in ["page=-1", "page=x", "page_size=1.5", "refresh=perhaps"] {
        let (status, reply) = server.get(&who, &format!("/api/metadata/tables?{bad}"));
        assert_eq!(status, 400, "{bad}: {reply}");
    }
    let reply = server.send(&who, "GET", "/api/metadata/tables?page=1", "");
    assert!(reply.head.to_lowercase().contains("\r\nage: "), "{}", reply.head);
    assert!(reply.head.to_lowercase().contains("x-ratelimit-") || reply.status == 200, "{}", reply.head);
}

#[test]
fn the_command_walks_down_and_finds() {
    let town = Town::open();
    let place = &town.server.place;
    place.ok(&["table", "update", "shop.orders", "--description", "What people bought"]);
    let sources = place.ok(&["catalog"]);
    assert!(sources.contains("shop") && sources.contains("vault") && sources.contains("duckdb"), "{sources}");
    assert!(place.ok(&["catalog", "shop"]).contains("main"));
    let tables = place.ok(&["catalog", "shop.main"]);
    assert!(tables.contains("What people bought") && tables.contains("payroll"), "{tables}");
    for name in [
        &["catalog", "shop.main.orders"][..],
        &["catalog", "shop.orders"],
        &["catalog", "main.orders", "-s", "shop"],
    ] {
        let columns = place.ok(name);
        assert!(columns.contains("phone") && columns.contains("day"), "{name:?}: {columns}");
    }
    let found = place.ok(&["catalog", "search", "BOUGHT"]);
    assert!(found.contains("shop.main.orders") && !found.contains("payroll"), "{found}");
    let found = place.json(&["catalog", "search", "al", "--json"]);
    assert_eq!(each(&found["columns"], "name"), ["salary"], "{found}");
    assert!(place.fails(&["catalog", "shpo"], 6).contains("shop"));
    assert!(place.fails(&["catalog", "shop.main.ordres"], 6).contains("orders"));
    assert!(place.fails(&["catalog", "shop.mian"], 6).contains("main"));
    assert!(place.fails(&["catalog", "a.b.c.d"], 2).contains("SOURCE.SCHEMA.TABLE"));
    assert!(place.ok(&["catalog", "shop.main", "--csv"]).starts_with("table,type,columns,rows,comment"));
}
