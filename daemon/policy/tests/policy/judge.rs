//! Judging statements in the dialects of warehouses: for the tests and for the fuzzer.

use wharf_policy::{Denial, Dialect, DuckdbParser, ParserUnavailable, Policy, check};

/// Nobody asks it: the dialects of warehouses are read without the engine.
pub struct NoEngine;

impl DuckdbParser for NoEngine {
    fn serialize(&self, _: &str) -> Result<String, ParserUnavailable> {
        panic!("the engine was asked for the tree of another dialect")
    }
}

/// Two allowed tables in the default schema of each dialect.
pub fn policy(dialect: Dialect) -> Policy {
    let (entries, catalog, schema): ([&str; 2], _, _) = match dialect {
        Dialect::Snowflake => (["PROD.SALES.ORDERS", "PROD.SALES.CUSTOMERS"], "PROD", "SALES"),
        Dialect::Databricks => (["main.sales.orders", "main.sales.customers"], "main", "sales"),
        Dialect::Redshift => (["sales.orders", "sales.customers"], "dev", "sales"),
        Dialect::Postgres | Dialect::Duckdb => (["sales.orders", "sales.customers"], "warehouse", "sales"),
    };
    Policy::parse(dialect, &entries, catalog, schema).unwrap()
}

/// Judges a statement under the policy of its dialect.
pub fn judged(sql: &str, dialect: Dialect) -> Result<wharf_policy::Checked, Denial> {
    check(sql, &policy(dialect), &NoEngine)
}
