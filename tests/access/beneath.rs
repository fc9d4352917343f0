//! Views of a source's own: they read their tables in the engine, where no rule is put in.

use super::server::Server;
use serde_json::json;

/// A database with a table of two tenants and views over it, some of them hidden behind macros and other views.
fn database(server: &Server) {
    let file = server.place.work().join("books.duckdb");
    let connection = duckdb::Connection::open(&file).unwrap();
    connection
        .execute_batch(
            "create table orders as select * from (values (1, 'acme', 10), (2, 'umbra', 77123)) t(id, tenant, amount);
             create table days as select date '2024-01-01' as day;
             create view open_orders as select * from orders;
             create schema s; create view s.twice(a, b, c) as select * from open_orders;
             create macro total() as (select sum(amount) from orders);
             create view totals as select total() as total;
             create view calendar as select day, 1 as n from days;",
        )
        .unwrap();
    drop(connection);
    server.place.ok(&["source", "add", "books", file.to_str().unwrap()]);
}

#[test]
fn a_view_over_a_table_with_rules_is_refused_until_it_has_a_rule_of_its_own() {
    let server = Server::start(&[]);
    database(&server);
    let who = server.agent("red", "acme");
    let allow = |table: &str| drop(server.place.ok(&["table", "allow", table, "--to", "swarm:red"]));
    for table in ["books.orders", "books.open_orders", "books.s.twice", "books.totals", "books.calendar"] {
        allow(table);
    }
    // Without rules a view is a table as any other.
    assert_eq!(server.rows(&who, "select total from totals"), json!([{"total": 77133}]));
    server.place.ok(&["policy", "set", "books.orders", "--filter", "tenant = :tenant"]);
    assert_eq!(server.rows(&who, "select id from orders"), json!([{"id": 1}]));
    for view in ["open_orders", "s.twice", "totals"] {
        let (status, code, text) = server.refusal(&who, &format!("select * from {view}"));
        assert_eq!((status, code.as_str()), (403, "ruled_view"), "{text}");
        assert!(
            !text.contains("umbra") && !text.contains("77123") && !text.contains("from orders"),
            "{text}"
        );
        let (_, code, _) = server.refusal(&who, &format!("select 1 from days, {view} limit 0"));
        assert!(code == "ruled_view" || code == "table_not_allowed", "{code}");
        let (schema, name) = view.split_once('.').unwrap_or(("main", view));
        let profile = json!({"table_name": name, "schema_name": schema});
        let sample =
            json!({"table_name": name, "schema_name": schema, "sample_type": "first", "sample_size": 1});
        for (path, body) in [("/sample_data", sample), ("/profile_data", profile)] {
            let (status, reply) = server.post(&who, path, &body);
            assert_eq!(
                (status, reply["code"].as_str().unwrap()),
                (403, "ruled_view"),
                "{path} {view}: {reply}"
            );
        }
    }
    assert_eq!(server.rows(&who, "select n from calendar"), json!([{"n": 1}]));
    // The owner sees all; an admin's word on the view lets it be seen.
    assert_eq!(server.place.ok(&["query", "select count(*) as n from open_orders", "--csv"]), "n\n2\n");
    server.place.ok(&["policy", "set", "books.totals", "--filter", "true"]);
    assert_eq!(server.rows(&who, "select total from totals"), json!([{"total": 77133}]));
    server.place.ok(&["policy", "set", "books.open_orders", "--filter", "tenant = :tenant"]);
    assert_eq!(server.rows(&who, "select id from open_orders"), json!([{"id": 1}]));
    // A rule that is for others does not concern this agent.
    server.place.ok(&["policy", "set", "books.orders", "--clear"]);
    // The view beneath this one still has one that does.
    assert_eq!(server.refusal(&who, "select * from s.twice").1, "ruled_view");
    server.place.ok(&["policy", "set", "books.open_orders", "--clear"]);
    server.place.ok(&["policy", "set", "books.orders", "--filter", "false", "--for", "role:admin"]);
    assert_eq!(server.rows(&who, "select count(*) as n from s.twice"), json!([{"n": 2}]));
}
