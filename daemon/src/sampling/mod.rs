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
    if is_file_name(name) {
        let relation = Relation { sql: literal(name), source, name: name.to_owned() };
        return Ok((relation, Rights::Owner { write: false }));
    }
    let catalog = gate.catalog();
    // `source.table` and `source.schema.table` name their source themselves.
    let first = name.split('.').next().unwrap_or_default();
    let source = match source {
        Some(source) => source,
        None if name.contains('.') && catalog.exists(first) => first.to_owned(),
        None => catalog.require(None)?,
    };
    let (gate, wanted, from) = (gate.clone(), name.to_owned(), source.clone());
    let listed = tokio::task::spawn_blocking(move || gate.catalog().tables(&from, gate.pool())).await;
    let tables = listed.map_err(|e| ApiError::new(ErrorKind::Internal, "panic", e.to_string()))??;
    let parts: Vec<&str> = wanted.split('.').collect();
    let known = tables.iter().find(|t| {
        let full = [t.catalog.as_str(), t.schema.as_str(), t.name.as_str()];
        let tail = &full[full.len().saturating_sub(parts.len())..];
        let short = parts.len() == 2
            && parts[0].eq_ignore_ascii_case(&t.catalog)
            && parts[1].eq_ignore_ascii_case(&t.name);
        short
            || t.name.eq_ignore_ascii_case(&wanted)
            || parts.len() <= 3 && tail.iter().zip(&parts).all(|(a, b)| a.eq_ignore_ascii_case(b))
    });
    let Some(table) = known else {
        let names: Vec<&str> = tables.iter().map(|t| t.qualified.as_str()).collect();
        return Err(crate::catalog::unknown_table(&source, name, &names));
    };
    let sql = format!("{}.{}.{}", quote(&table.catalog), quote(&table.schema), quote(&table.name));
    let name = format!("{}.{}.{}", table.catalog, table.schema, table.name);
    Ok((Relation { sql, source: Some(source), name }, Rights::Source))
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
