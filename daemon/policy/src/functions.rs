//! Functions by name, for those who help with writing SQL: what is offered is what would be admitted.

use crate::duckdb::functions as duckdb;
use crate::names::Dialect;
use crate::warehouse::functions as warehouse;
use std::sync::LazyLock;

/// The functions that an expression may call, in lower case, sorted.
pub fn functions(dialect: Dialect) -> &'static [&'static str] {
    static ALL: LazyLock<[Vec<&'static str>; 5]> = LazyLock::new(|| {
        [Dialect::Duckdb, Dialect::Snowflake, Dialect::Databricks, Dialect::Postgres, Dialect::Redshift]
            .map(of)
    });
    let [duckdb, snowflake, databricks, postgres, redshift] = &*ALL;
    match dialect {
        Dialect::Duckdb => duckdb,
        Dialect::Snowflake => snowflake,
        Dialect::Databricks => databricks,
        Dialect::Postgres => postgres,
        Dialect::Redshift => redshift,
    }
}

fn of(dialect: Dialect) -> Vec<&'static str> {
    let all: Vec<&str> = match dialect {
        Dialect::Duckdb => duckdb::allowed().collect(),
        _ => warehouse::allowed(dialect).collect(),
    };
    let called = |name: &&str| {
        name.starts_with(|c: char| c.is_ascii_lowercase())
            && name.chars().all(|c| c.is_ascii_alphanumeric() || c == '_')
    };
    let mut all: Vec<&str> = all.into_iter().filter(called).collect();
    all.sort_unstable();
    all.dedup();
    all
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_offered_is_sorted_and_admitted_everywhere() {
        for dialect in
            [Dialect::Duckdb, Dialect::Snowflake, Dialect::Databricks, Dialect::Postgres, Dialect::Redshift]
        {
            let all = functions(dialect);
            assert!(all.is_sorted() && all.len() > 100, "{dialect}: {}", all.len());
            for name in ["count", "sum", "lower", "date_trunc", "row_number"] {
                assert!(all.binary_search(&name).is_ok(), "{dialect}: {name}");
            }
            assert!(!all.contains(&"read_csv") && !all.contains(&"pg_read_file"), "{dialect}");
        }
    }
}
