//! The engine's own parser, for the policy.

use std::sync::{Arc, Mutex};
use wharf_policy::{DuckdbParser, ParserUnavailable, SERIALIZE_SQL};

/// A warm, locked connection that only ever parses. Cheap to clone.
#[derive(Clone, Default)]
pub struct EngineParser(Arc<Mutex<Option<duckdb::Connection>>>);

impl EngineParser {
    /// A parser whose engine is opened at the first use.
    pub fn new() -> Self {
        Self::default()
    }

    /// Opens the engine, which the first statement would otherwise wait for.
    pub fn warm(&self) {
        let _ = self.serialize("select 1");
    }

    fn open() -> duckdb::Result<duckdb::Connection> {
        let config =
            duckdb::Config::default().threads(1)?.max_memory("64MB")?.enable_autoload_extension(false)?;
        let connection = duckdb::Connection::open_in_memory_with_flags(config)?;
        connection.execute_batch(
            "set autoinstall_known_extensions = false; set enable_external_access = false; set lock_configuration = true",
        )?;
        Ok(connection)
    }
}

impl DuckdbParser for EngineParser {
    fn serialize(&self, sql: &str) -> Result<String, ParserUnavailable> {
        let unavailable = |e: duckdb::Error| ParserUnavailable(e.to_string());
        let mut guard = self.0.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        let connection = match guard.take() {
            Some(connection) => connection,
            None => Self::open().map_err(unavailable)?,
        };
        let result = connection
            .prepare_cached(SERIALIZE_SQL)
            .and_then(|mut statement| statement.query_row([sql], |row| row.get::<_, String>(0)))
            .map_err(unavailable);
        *guard = Some(connection);
        result
    }
}
