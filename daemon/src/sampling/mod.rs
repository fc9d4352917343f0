//! Samples: some rows of one table, and the same rows again for the same seed.

use crate::gate::{Gate, Rights, Statement};
use crate::lifecycle::blocking;
use crate::sources::duckdb::literal;
use std::path::PathBuf;
use wharf_policy::Dialect;
use wharf_policy::quoted;
use wharf_protocol::{ApiError, SampleRequest};

mod draw;

pub(crate) use draw::select as draw;

/// The statement that draws the sample.
///
/// # Errors
/// When there is no such table, or the sample makes no sense.
pub async fn statement(gate: &Gate, request: SampleRequest) -> Result<Statement, ApiError> {
    let (relation, rights) = relation(gate, &request.table, request.source.clone()).await?;
    let sql = draw::select(relation.dialect, &relation.sql, &request.sample, request.seed)?;
    let mut statement = Statement::new("sample", rights, sql);
    if relation.dialect != Dialect::Duckdb {
        let local = draw::select(Dialect::Duckdb, &relation.local, &request.sample, request.seed)?;
        statement.local = Some(local);
    }
    statement.max_age = request.max_age.map(std::time::Duration::from_secs);
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
    /// The language of its source.
    pub(crate) dialect: Dialect,
    /// As the embedded engine calls a local copy of it: under its source's name.
    pub(crate) local: String,
}

/// Finds the table or file that `name` means. A name that no source knows, and that looks like a file, is one.
pub(crate) async fn relation(
    gate: &Gate,
    name: &str,
    source: Option<String>,
) -> Result<(Relation, Rights), ApiError> {
    if is_file_name(name) && gate.principal().is_owner() {
        let dialect = Dialect::Duckdb;
        let (sql, local) = (literal(name), literal(name));
        let relation = Relation { sql, source, name: name.to_owned(), dialect, local };
        return Ok((relation, Rights::Owner { write: false }));
    }
    let table = gate.table(name, source.as_deref()).await?;
    let (catalog, holder) = (gate.catalog().clone(), table.catalog.clone());
    // What opens it may have to be read first.
    let far = blocking(move || catalog.far(&holder)).await?;
    let (dialect, root) = match &far {
        Some(far) => (far.dialect(), far.catalog()),
        None => (Dialect::Duckdb, table.catalog.as_str()),
    };
    let sql = [root, &table.schema, &table.name].map(|part| quoted(part, dialect)).join(".");
    let name = format!("{}.{}.{}", table.catalog, table.schema, table.name);
    let own = [&table.catalog, &table.schema, &table.name];
    let local = own.map(|part| quoted(part, Dialect::Duckdb)).join(".");
    Ok((Relation { sql, source: Some(table.catalog), name, dialect, local }, Rights::Source))
}

fn is_file_name(name: &str) -> bool {
    let endings = [".csv", ".tsv", ".tab", ".json", ".ndjson", ".jsonl", ".parquet", ".pq", ".gz"];
    name.contains('/') || endings.iter().any(|e| name.to_ascii_lowercase().ends_with(e))
}
