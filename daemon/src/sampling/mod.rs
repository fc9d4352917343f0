//! Samples: some rows of one table, and the same rows again for the same seed.

use crate::gate::{Gate, Rights, Statement};
use crate::sources::duckdb::{literal, quote};
use std::path::PathBuf;
use wharf_protocol::{ApiError, ErrorKind, Sample, SampleRequest};

/// The statement that draws the sample.
///
/// # Errors
/// When there is no such table, or the sample makes no sense.
pub async fn statement(gate: &Gate, request: SampleRequest) -> Result<Statement, ApiError> {
    let (relation, rights) = relation(gate, &request.table, request.source.clone()).await?;
    let sql = select(&relation.sql, &request.sample, request.seed)?;
    let mut statement = Statement::new("sample", rights, sql);
    statement.source = relation.source;
    statement.cwd = request.cwd.map(PathBuf::from);
    Ok(statement)
}

/// A relation that a request names.
pub(crate) struct Relation {
    /// As it stands in SQL.
    pub(crate) sql: String,
    /// The source it belongs to; none for a file.
    pub(crate) source: Option<String>,
    /// Its full name, for people.
    pub(crate) name: String,
}

/// Finds the table or file that `name` means. A name that no source knows, and that looks like a file, is one.
pub(crate) async fn relation(
    gate: &Gate,
    name: &str,
    source: Option<String>,
) -> Result<(Relation, Rights), ApiError> {
    if is_file_name(name) && gate.principal().is_owner() {
        let relation = Relation { sql: literal(name), source, name: name.to_owned() };
        return Ok((relation, Rights::Owner { write: false }));
    }
    let table = gate.table(name, source.as_deref()).await?;
    let sql = format!("{}.{}.{}", quote(&table.catalog), quote(&table.schema), quote(&table.name));
    let name = format!("{}.{}.{}", table.catalog, table.schema, table.name);
    Ok((Relation { sql, source: Some(table.catalog), name }, Rights::Source))
}

fn is_file_name(name: &str) -> bool {
    let endings = [".csv", ".tsv", ".tab", ".json", ".ndjson", ".jsonl", ".parquet", ".pq", ".gz"];
    name.contains('/') || endings.iter().any(|e| name.to_ascii_lowercase().ends_with(e))
}

fn select(relation: &str, sample: &Sample, seed: Option<u32>) -> Result<String, ApiError> {
    let bad = |message: String| ApiError::new(ErrorKind::Invalid, "bad_sample", message);
    Ok(match *sample {
        Sample::First(n) => format!("select * from {relation} limit {n}"),
        // A reservoir over one thread in the table's own order: the same rows for the same seed.
        Sample::Random(n) => match seed {
            Some(seed) => {
                format!("select * from {relation} using sample reservoir({n} rows) repeatable ({seed})")
            }
            None => format!("select * from {relation} using sample reservoir({n} rows)"),
        },
        Sample::Percent(p) => {
            if !(p > 0.0 && p <= 100.0) {
                return Err(bad(format!(
                    "a share of {p} percent makes no sense; it lies above 0 and up to 100"
                )));
            }
            match seed {
                Some(seed) => {
                    format!("select * from {relation} using sample {p} percent (bernoulli, {seed})")
                }
                None => format!("select * from {relation} using sample {p} percent (bernoulli)"),
            }
        }
    })
}
