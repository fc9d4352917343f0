//! The statement that draws a sample, in each language. Pure.

use wharf_policy::Dialect;
use wharf_protocol::{ApiError, ErrorKind, Sample};

/// Draws from `relation`, a quoted name.
///
/// # Errors
/// When the sample makes no sense, or the source cannot draw it.
pub(crate) fn select(
    dialect: Dialect,
    relation: &str,
    sample: &Sample,
    seed: Option<u32>,
) -> Result<String, ApiError> {
    match *sample {
        Sample::First(n) => Ok(format!("select * from {relation} limit {n}")),
        Sample::Random(n) => random(dialect, relation, n, seed),
        Sample::Percent(p) if p > 0.0 && p <= 100.0 => percent(dialect, relation, p, seed),
        Sample::Percent(p) => {
            let message = format!("a share of {p} percent makes no sense; it lies above 0 and up to 100");
            Err(ApiError::new(ErrorKind::Invalid, "bad_sample", message))
        }
    }
}

fn random(dialect: Dialect, relation: &str, n: u64, seed: Option<u32>) -> Result<String, ApiError> {
    Ok(match (dialect, seed) {
        // A reservoir over one thread in the table's own order: the same rows for the same seed.
        (Dialect::Duckdb, Some(seed)) => {
            format!("select * from {relation} using sample reservoir({n} rows) repeatable ({seed})")
        }
        (Dialect::Duckdb, None) => format!("select * from {relation} using sample reservoir({n} rows)"),
        (Dialect::Snowflake, None) => format!("select * from {relation} sample ({n} rows)"),
        (Dialect::Databricks, None) => format!("select * from {relation} order by rand() limit {n}"),
        (Dialect::Databricks, Some(seed)) => {
            format!("select * from {relation} order by rand({seed}) limit {n}")
        }
        (Dialect::Postgres | Dialect::Redshift, None) => {
            format!("select * from {relation} order by random() limit {n}")
        }
        // The order of these follows from the rows themselves, whatever order the engine reads them in.
        (Dialect::Postgres, Some(seed)) => {
            format!("select * from {relation} as t order by md5(t::text || '{seed}'), t::text limit {n}")
        }
        (Dialect::Snowflake, Some(seed)) => {
            format!("select * from {relation} order by hash(*, {seed}) limit {n}")
        }
        (Dialect::Redshift, Some(_)) => return Err(no_seed()),
    })
}

fn percent(dialect: Dialect, relation: &str, p: f64, seed: Option<u32>) -> Result<String, ApiError> {
    Ok(match (dialect, seed) {
        (Dialect::Duckdb, Some(seed)) => {
            format!("select * from {relation} using sample {p} percent (bernoulli, {seed})")
        }
        (Dialect::Duckdb, None) => format!("select * from {relation} using sample {p} percent (bernoulli)"),
        (Dialect::Postgres, None) => format!("select * from {relation} tablesample bernoulli ({p})"),
        (Dialect::Postgres, Some(seed)) => {
            format!("select * from {relation} tablesample bernoulli ({p}) repeatable ({seed})")
        }
        (Dialect::Snowflake, None) => format!("select * from {relation} sample bernoulli ({p})"),
        (Dialect::Snowflake, Some(seed)) => {
            format!("select * from {relation} sample bernoulli ({p}) seed ({seed})")
        }
        (Dialect::Databricks, None) => format!("select * from {relation} tablesample ({p} percent)"),
        (Dialect::Databricks, Some(seed)) => {
            format!("select * from {relation} tablesample ({p} percent) repeatable ({seed})")
        }
        (Dialect::Redshift, None) => format!("select * from {relation} where random() < {}", p / 100.0),
        (Dialect::Redshift, Some(_)) => return Err(no_seed()),
    })
}

fn no_seed() -> ApiError {
    let message =
        "Redshift cannot draw the same sample again: it has no order of rows and no seed for a query";
    ApiError::new(ErrorKind::Invalid, "bad_sample", message).hint("leave --seed away")
}
