//! Rules in the statements of the warehouses: where the text changes. What the engines make of it cannot be tried here.

use crate::rewrite_support::key;
use crate::support::Engine;
use wharf_policy::{
    Attributes, DenialCode, Dialect, Policy, RowFilter, TableName, Treatment, View, ViewColumn, check,
    rewrite,
};

fn table(dialect: Dialect) -> TableName {
    match dialect {
        Dialect::Snowflake => TableName::new("SHOP", "SALES", "ORDERS"),
        _ => TableName::new("shop", "sales", "orders"),
    }
}

fn view(dialect: Dialect) -> View {
    let upper = dialect == Dialect::Snowflake;
    let column = |name: &str, treatment: &str| ViewColumn {
        name: if upper { name.to_uppercase() } else { name.to_owned() },
        data_type: "varchar".into(),
        treatment: treatment.parse::<Treatment>().unwrap(),
    };
    let columns = vec![column("id", "show"), column("secret", "deny"), column("tenant", "show")];
    let known: Vec<(&str, &str)> =
        columns.iter().map(|column| (column.name.as_str(), column.data_type.as_str())).collect();
    let filter = RowFilter::new("tenant = :tenant", &known, dialect, &Engine::new()).unwrap();
    let filter = Some(filter.bind(&Attributes::default().with("tenant", "a")));
    View { table: table(dialect), columns, filter }
}

fn rewritten(sql: &str, dialect: Dialect) -> Result<String, (DenialCode, String)> {
    let name = table(dialect);
    let policy = Policy::new(dialect, vec![name.clone()], name.catalog, name.schema);
    let why = |denial: wharf_policy::Denial| (denial.code, denial.to_string());
    let checked = check(sql, &policy, &Engine::new()).map_err(why)?;
    rewrite(sql, &checked, &[view(dialect)], dialect, &key()).map_err(why)
}

const DIALECTS: [Dialect; 4] =
    [Dialect::Postgres, Dialect::Redshift, Dialect::Snowflake, Dialect::Databricks];

#[test]
fn names_and_head_are_changed_and_nothing_else() {
    let cases = [
        ("SELECT * FROM orders", "{h}SELECT * FROM {q}"),
        ("select id from sales.orders o where o.id = '1'", "{h}select id from {n} o where o.id = '1'"),
        ("SELECT id FROM shop.sales.orders", "{h}SELECT id FROM {q}"),
        ("-- orders\n SELECT 'orders' FROM orders", "-- orders\n {h}SELECT 'orders' FROM {q}"),
        (
            "/* orders */ (SELECT id FROM orders) UNION ALL SELECT id FROM orders;",
            "/* orders */ {h}(SELECT id FROM {q}) UNION ALL SELECT id FROM {q};",
        ),
        (
            "WITH a AS (SELECT * FROM orders) SELECT * FROM a",
            "WITH {c},\n a AS (SELECT * FROM {q}) SELECT * FROM a",
        ),
        (
            "WITH orders AS (SELECT * FROM sales.orders) SELECT * FROM orders",
            "WITH {c},\n orders AS (SELECT * FROM {q}) SELECT * FROM orders",
        ),
        ("SELECT sales.orders.id FROM sales.orders", "{h}SELECT orders.id FROM {q}"),
        (
            "SELECT a.id FROM orders a JOIN orders b ON a.id = b.id",
            "{h}SELECT a.id FROM {n} a JOIN {n} b ON a.id = b.id",
        ),
        (
            "SELECT (SELECT max(id) FROM orders) FROM orders AS x",
            "{h}SELECT (SELECT max(id) FROM {q}) FROM {n} AS x",
        ),
    ];
    for dialect in DIALECTS {
        let quote = |name: &str| {
            if dialect == Dialect::Databricks { format!("`{name}`") } else { format!("\"{name}\"") }
        };
        let name = table(dialect).table;
        let seen = quote(&format!("{name}_seen"));
        let hint = if dialect == Dialect::Postgres { "NOT MATERIALIZED " } else { "" };
        let cte = format!("{seen} AS {hint}{}", view(dialect).query(dialect, &key()).unwrap());
        for (sql, expected) in cases {
            let expected = expected.replace("{h}", &format!("WITH {cte}\n")).replace("{c}", &cte);
            let expected =
                expected.replace("{q}", &format!("{seen} AS {}", quote(&name))).replace("{n}", &seen);
            assert_eq!(rewritten(sql, dialect), Ok(expected), "{dialect}: {sql}");
        }
    }
}

#[test]
fn forms_of_single_dialects() {
    let starts = |sql: &str, dialect: Dialect, end: &str| {
        let text = rewritten(sql, dialect).unwrap_or_else(|why| panic!("{dialect}: {sql}: {why:?}"));
        assert!(text.ends_with(end), "{dialect}: {text}");
    };
    starts("TABLE orders", Dialect::Postgres, "\nSELECT * FROM \"orders_seen\" AS \"orders\"");
    starts(
        "// orders\nSELECT ID FROM Orders",
        Dialect::Snowflake,
        "\nSELECT ID FROM \"ORDERS_seen\" AS \"ORDERS\"",
    );
    starts(
        "SELECT 'it\\'s orders', id FROM orders",
        Dialect::Snowflake,
        "\nSELECT 'it\\'s orders', id FROM \"ORDERS_seen\" AS \"ORDERS\"",
    );
    starts("FROM orders", Dialect::Databricks, "\nFROM `orders_seen` AS `orders`");
    starts(
        "FROM orders |> WHERE id = '1' |> SELECT id",
        Dialect::Databricks,
        "\nFROM `orders_seen` AS `orders` |> WHERE id = '1' |> SELECT id",
    );
    starts("SELECT id FROM ORDERS", Dialect::Redshift, "\nSELECT id FROM \"orders_seen\" AS \"orders\"");
    starts(
        "WITH RECURSIVE a AS (SELECT id FROM orders) SELECT id FROM a",
        Dialect::Postgres,
        ",\n a AS (SELECT id FROM \"orders_seen\" AS \"orders\") SELECT id FROM a",
    );
}

#[test]
fn forms_that_take_a_table_only_are_refused() {
    let cases = [
        ("EXPLAIN SELECT * FROM orders", Dialect::Postgres),
        ("EXPLAIN SELECT * FROM orders", Dialect::Databricks),
        ("SELECT * FROM ONLY orders", Dialect::Postgres),
        ("SELECT * FROM orders TABLESAMPLE SYSTEM (10)", Dialect::Postgres),
        ("SELECT * FROM orders AT (OFFSET => -60)", Dialect::Snowflake),
        ("SELECT * FROM orders BEFORE (STATEMENT => 'x')", Dialect::Snowflake),
        ("SELECT * FROM orders VERSION AS OF 3", Dialect::Databricks),
        ("SELECT * FROM orders TIMESTAMP AS OF '2024-01-01'", Dialect::Databricks),
        ("SELECT * FROM orders@v3", Dialect::Databricks),
        ("SELECT ctid FROM orders", Dialect::Postgres),
    ];
    for (sql, dialect) in cases {
        match rewritten(sql, dialect) {
            Err(_) => {}
            // What the engine cannot find in the query is as good as refused.
            Ok(text) => assert!(text.contains("ctid FROM \"orders_seen\""), "{dialect}: {text}"),
        }
    }
}
