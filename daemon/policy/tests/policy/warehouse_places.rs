//! Where the allowed tables stand in statements of warehouses.

use crate::warehouse::judged;
use wharf_policy::{Dialect, TABLE_COMMAND};

/// `name` or `name+` with an alias, `name!` where no query fits; then the qualifiers of columns.
fn marks(sql: &str, dialect: Dialect) -> (Vec<String>, Vec<String>) {
    let checked = judged(sql, dialect).unwrap();
    let places = checked.places.iter().map(|place| {
        let alias = if place.aliased { "+" } else { "" };
        let fixed = if place.fixed.is_some() { "!" } else { "" };
        format!("{}{alias}{fixed}", &sql[place.span.clone()])
    });
    let qualifiers = checked.qualifiers.iter().map(|qualifier| sql[qualifier.span.clone()].to_owned());
    (places.collect(), qualifiers.collect())
}

#[test]
fn every_naming_has_its_place() {
    use Dialect::{Databricks, Postgres, Redshift, Snowflake};
    let cases: &[(Dialect, &str, &[&str], &[&str])] = &[
        (Postgres, "SELECT * FROM orders", &["orders"], &[]),
        (
            Postgres,
            "SELECT * FROM orders o, sales . customers AS c(a)",
            &["orders+", "sales . customers+"],
            &[],
        ),
        (Postgres, "TABLE sales.orders", &["sales.orders!"], &[]),
        (Postgres, "SELECT * FROM ONLY orders o", &["orders+!"], &[]),
        (Postgres, "SELECT * FROM orders * ", &["orders!"], &[]),
        (Postgres, "SELECT * FROM orders o TABLESAMPLE SYSTEM (1), orders", &["orders+!", "orders"], &[]),
        (
            Postgres,
            "WITH orders AS (SELECT * FROM orders) SELECT * FROM orders, sales.orders",
            &["orders", "sales.orders"],
            &[],
        ),
        (
            Postgres,
            "SELECT (SELECT max(id) FROM orders) FROM \"customers\" c",
            &["orders", "\"customers\"+"],
            &[],
        ),
        (
            Postgres,
            "SELECT sales.orders.id, warehouse.sales.orders.id FROM sales.orders",
            &["sales.orders"],
            &["sales.", "warehouse.sales."],
        ),
        (Postgres, "SELECT sales.orders.* FROM sales.orders", &["sales.orders"], &["sales."]),
        (Postgres, "SELECT o.info.a FROM sales.orders o", &["sales.orders+"], &[]),
        (
            Postgres,
            "SELECT * FROM (orders JOIN customers c USING (id)) JOIN orders p USING (id)",
            &["orders", "customers+", "orders+"],
            &[],
        ),
        (Redshift, "SELECT * FROM customers c, c.c_orders o", &["customers+"], &[]),
        (Redshift, "SELECT * FROM customers, customers.c_orders o", &["customers"], &[]),
        (Redshift, "SELECT * FROM orders PIVOT (sum(a) FOR b IN (1)) AS p", &["orders"], &[]),
        (Snowflake, "SELECT * FROM orders AT (OFFSET => -60) o", &["orders+!"], &[]),
        (Snowflake, "SELECT * FROM orders o SAMPLE (10)", &["orders+!"], &[]),
        (Snowflake, "SELECT * FROM orders PIVOT (SUM(a) FOR b IN (ANY)) p", &["orders"], &[]),
        (Snowflake, "SELECT * FROM orders o, LATERAL FLATTEN(INPUT => o.tags) f", &["orders+"], &[]),
        (Snowflake, "SELECT SALES.ORDERS.ID FROM PROD.SALES.ORDERS", &["PROD.SALES.ORDERS"], &["SALES."]),
        (
            Databricks,
            "FROM orders |> JOIN customers c USING (id) |> UNION ALL TABLE orders",
            &["orders", "customers+", "orders!"],
            &[],
        ),
        (Databricks, "SELECT * FROM orders VERSION AS OF 3", &["orders!"], &[]),
        (Databricks, "SELECT * FROM orders@v3 o", &["orders+!"], &[]),
        (
            Databricks,
            "SELECT main.sales.orders.id FROM main.sales.orders LATERAL VIEW explode(tags) t AS x",
            &["main.sales.orders"],
            &["main.sales."],
        ),
        (
            Databricks,
            "SELECT * FROM orders TIMESTAMP AS OF '2024-01-01' WHERE id IN (SELECT id FROM `orders`)",
            &["orders!", "`orders`"],
            &[],
        ),
    ];
    for (dialect, sql, places, qualifiers) in cases {
        let (found, columns) = marks(sql, *dialect);
        assert_eq!(found, *places, "{sql}");
        assert_eq!(columns, *qualifiers, "{sql}");
    }
}

#[test]
fn a_table_command_is_marked_as_one() {
    let checked = judged("SELECT id IN (TABLE orders) FROM customers", Dialect::Postgres).unwrap();
    assert_eq!(checked.places[0].fixed, Some(TABLE_COMMAND));
}

#[test]
fn what_is_read_is_reported() {
    let checked = judged(
        "EXPLAIN SELECT Upper(o.region), count(*) FROM orders o, customers WHERE id = $1 AND 2 = $2 AND 1 = $1",
        Dialect::Postgres,
    )
    .unwrap();
    let tables: Vec<String> = checked.tables.iter().map(ToString::to_string).collect();
    assert_eq!(tables, ["warehouse.sales.orders", "warehouse.sales.customers"]);
    assert_eq!(checked.functions, ["count", "upper"]);
    assert_eq!(checked.parameters, ["1", "2"]);
    assert!(checked.explain);
}

#[test]
fn refusals_help_on() {
    let denial = judged("SELECT * FROM ordres", Dialect::Snowflake).unwrap_err();
    assert_eq!(denial.nearest.len(), 1, "{denial}");
    assert!(denial.place.is_some_and(|place| place.column == 15));
    let denial = judged("SELECT lowr(name) FROM customers", Dialect::Postgres).unwrap_err();
    assert!(denial.nearest.contains(&"lower".to_owned()), "{denial:?}");
    let denial = judged("SELECT * FROM finance.ledger", Dialect::Redshift).unwrap_err();
    assert!(
        denial.to_string().contains("finance.ledger") && !denial.to_string().contains("sales"),
        "{denial}"
    );
}
