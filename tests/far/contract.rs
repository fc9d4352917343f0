//! What holds for every source. The shop of the semantic cases stands in it, under the name `shop`.

use crate::cases;
use crate::support::Place;
use serde_json::{Value, json};

/// Everything that a user does with a source, against one that holds the shop. `table` spells the name of a table as SQL of that
/// source writes it; `questions` is how many of the cases are asked, for an engine that takes its time.
pub fn holds(place: &Place, table: impl Fn(&str) -> String, questions: usize) {
    listing(place);
    queries(place, &table);
    samples(place);
    profiles(place);
    replicas(place, &table);
    cases::metric_queries(place);
    cases::questions(place, questions);
}

fn lower(value: &Value) -> String {
    value.as_str().unwrap_or_default().to_lowercase()
}

fn listing(place: &Place) {
    let shown = place.json(&["source", "show", "shop", "--json"]);
    let tables = shown["tables"].as_array().unwrap();
    let orders = tables.iter().find(|t| lower(&t["name"]) == "orders").unwrap();
    let columns: Vec<String> =
        orders["columns"].as_array().unwrap().iter().map(|c| lower(&c["name"])).collect();
    assert_eq!(columns[..3], ["order_id", "customer_id", "store_id"]);
    assert!(tables.len() >= 13, "{}", tables.len());
    let tested = place.json(&["source", "test", "shop", "--json"]);
    assert!(tested["elapsed_ms"].as_f64().unwrap() > 0.0);
}

fn queries(place: &Place, table: &impl Fn(&str) -> String) {
    let rows = |sql: &str| {
        let text = place.ok(&["query", sql, "--source", "shop", "--format", "json"]);
        // Names are folded to capitals by some engines.
        serde_json::from_str::<Value>(&text.to_lowercase()).unwrap()
    };
    let orders = table("orders");
    let sql = format!(
        "select status, count(*) as n, sum(freight) as f from {orders} group by status order by status"
    );
    let by_status = rows(&sql);
    let total: i64 = by_status.as_array().unwrap().iter().map(|r| r["n"].as_i64().unwrap()).sum();
    assert_eq!(total, 2400);
    // The same tables read as files give the same figures, to the last cent.
    let file = crate::support::shared("cases/semantic/data/orders.csv").unwrap();
    let sql = format!(
        "select status, count(*) as n, sum(freight::decimal(10,2)) as f from '{}' group by status order by status",
        file.display()
    );
    same_figures(&by_status, &rows_of_file(place, &sql));
    let sql = format!("select order_id from {orders} where status = $s and order_id < $n order by order_id");
    let args =
        ["query", &sql, "--source", "shop", "--param", "s=shipped", "--param", "n=40", "--format", "csv"];
    let bound = place.ok(&args);
    assert!(
        bound.lines().count() > 3 && bound.lines().skip(1).all(|id| id.parse::<u32>().unwrap() < 40),
        "{bound}"
    );
    let none = rows(&format!("select * from {orders} where 1 = 0"));
    assert_eq!(none, json!([]));
    let cut = place.ok(&[
        "query",
        &format!("select * from {orders}"),
        "--source",
        "shop",
        "--limit",
        "7",
        "--format",
        "ndjson",
    ]);
    assert_eq!(cut.lines().count(), 7);
    let wrong = place.run(&["query", &format!("select nosuch from {orders}"), "--source", "shop"]);
    assert!(wrong.code != 0 && wrong.err.to_lowercase().contains("nosuch"), "{}", wrong.err);
    let write = place.run(&["query", &format!("delete from {orders}"), "--source", "shop"]);
    assert!(write.code == 7 && write.err.contains("--write"), "{} {}", write.code, write.err);
    for format in ["parquet", "arrow"] {
        let out = place.path(&format!("orders.{format}"));
        let out = out.to_str().unwrap();
        place.ok(&["query", &format!("select * from {orders}"), "--source", "shop", "-o", out]);
        assert!(std::fs::metadata(out).unwrap().len() > 10_000);
    }
    let parquet = place.path("orders.parquet");
    let sql = format!("select count(*) as n from '{}'", parquet.display());
    assert_eq!(rows_of_file(place, &sql), json!([{"n": 2400}]));
}

/// What stands in for a vendor may add up in floating point.
fn same_figures(a: &Value, b: &Value) {
    let (a, b) = (a.as_array().unwrap(), b.as_array().unwrap());
    assert_eq!(a.len(), b.len());
    for (a, b) in a.iter().zip(b) {
        assert_eq!((&a["status"], &a["n"]), (&b["status"], &b["n"]));
        let (x, y) = (a["f"].as_f64().unwrap(), b["f"].as_f64().unwrap());
        assert!((x - y).abs() < 1e-6, "{a} {b}");
    }
}

fn rows_of_file(place: &Place, sql: &str) -> Value {
    serde_json::from_str(&place.ok(&["query", sql, "--format", "json"]).to_lowercase()).unwrap()
}

fn samples(place: &Place) {
    let lines = |more: &[&str]| {
        let args: Vec<&str> =
            ["sample", "orders", "--source", "shop", "--format", "csv"].iter().chain(more).copied().collect();
        let ran = place.run(&args);
        assert_eq!(ran.code, 0, "{args:?}: {}", ran.err);
        ran.out.lines().count() - 1
    };
    assert_eq!(lines(&["--first", "5"]), 5);
    assert_eq!(lines(&["--random", "9"]), 9);
    let share = lines(&["--percent", "20"]);
    assert!((300..700).contains(&share), "{share}");
}

fn profiles(place: &Place) {
    let profile = place.json(&["profile", "orders", "--source", "shop", "--json"]);
    assert_eq!(profile["rows"], 2400);
    let freight =
        profile["columns"].as_array().unwrap().iter().find(|c| lower(&c["name"]) == "freight").unwrap();
    assert_eq!(freight["kind"], "number");
    let file = crate::support::shared("cases/semantic/data/orders.csv").unwrap();
    let of_file = place.json(&["profile", file.to_str().unwrap(), "--json"]);
    let same = of_file["columns"].as_array().unwrap().iter().find(|c| c["name"] == "freight").unwrap();
    assert_eq!(freight["distinct"], same["distinct"]);
    assert_eq!(freight["nulls"], same["nulls"]);
}

/// A copy answers what its table answers, and says so. What is on this machine needs none.
fn replicas(place: &Place, table: &impl Fn(&str) -> String) {
    let shown = place.json(&["source", "show", "shop", "--json"]);
    let orders = shown["tables"].as_array().unwrap().iter().find(|t| lower(&t["name"]) == "orders").unwrap();
    let name = format!("shop.{}.{}", orders["schema"].as_str().unwrap(), orders["name"].as_str().unwrap());
    let added = place.run(&["replica", "add", "orders_copy", "--table", &name, "--json"]);
    if shown["source"]["kind"] == "duckdb" {
        assert!(added.code == 2 && added.err.contains("on this machine"), "{} {}", added.code, added.err);
        return;
    }
    assert_eq!(added.code, 0, "{}", added.err);
    let sql =
        format!("select status, count(*) as n, sum(freight) as f from {} group by status", table("orders"));
    let rows = |age: &str| {
        let ran =
            place.run(&["query", &sql, "--source", "shop", "--max-age", age, "--stats", "--format", "json"]);
        assert_eq!(ran.code, 0, "{}", ran.err);
        let mut rows: Value = serde_json::from_str(&ran.out.to_lowercase()).unwrap();
        rows.as_array_mut().unwrap().sort_by_key(|row| row["status"].to_string());
        let stats = ran.err.lines().rev().find_map(|line| serde_json::from_str::<Value>(line).ok()).unwrap();
        (rows, stats["route"].as_str().unwrap().to_owned())
    };
    let ((there, far), (here, near)) = (rows("0"), rows("1h"));
    assert!(!far.contains("replica") && near == "replica:orders_copy", "{far} {near}");
    same_figures(&there, &here);
    place.ok(&["replica", "delete", "orders_copy", "--confirm", "orders_copy"]);
}

/// Tables may be written under the source's name, whatever the source calls its catalog itself.
pub fn holds_by_full_name(place: &Place) {
    let sql = "select count(*) as n from shop.public.orders o join shop.public.stores on shop.public.stores.store_id = o.store_id";
    assert_eq!(place.ok(&["query", sql, "--format", "csv"]).to_lowercase(), "n\n2400\n");
}
