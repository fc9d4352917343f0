//! The engine's own parser, for the policy.

use super::attach::Fence;
use super::pool::{Lease, Pool};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use wharf_policy::{DuckdbParser, ParserUnavailable, SERIALIZE_SQL};
use wharf_protocol::ApiError;

/// A connection that only ever parses, on the locked instance without files: opening one more for the parser alone
/// would cost every start ten milliseconds. Cheap to clone.
#[derive(Clone)]
pub struct EngineParser(Arc<Inner>);

struct Inner {
    pool: Pool,
    open: Mutex<Option<(duckdb::Connection, Lease)>>,
}

impl EngineParser {
    /// A parser whose connection is opened at the first use.
    pub fn new(pool: Pool) -> Self {
        Self(Arc::new(Inner { pool, open: Mutex::default() }))
    }

    /// Opens what the first statement would otherwise wait for.
    pub fn warm(&self) {
        let _ = self.serialize("select 1");
    }

    fn open(&self) -> Result<(duckdb::Connection, Lease), ApiError> {
        // The lease keeps the instance in the pool for as long as somebody parses on it.
        let lease = self.0.pool.lease(Fence::Locked, Vec::new(), "")?;
        Ok((lease.connect()?, lease))
    }

    fn connection(&self) -> MutexGuard<'_, Option<(duckdb::Connection, Lease)>> {
        self.0.open.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl DuckdbParser for EngineParser {
    fn serialize(&self, sql: &str) -> Result<String, ParserUnavailable> {
        let mut guard = self.connection();
        // Taken out, so that a panic in the engine's bindings leaves no half-used connection behind.
        let (connection, lease) = match guard.take() {
            Some(open) => open,
            None => self.open().map_err(|e| ParserUnavailable(e.to_string()))?,
        };
        let result = connection
            .prepare_cached(SERIALIZE_SQL)
            .and_then(|mut statement| statement.query_row([sql], |row| row.get::<_, String>(0)))
            .map_err(|e| ParserUnavailable(e.to_string()));
        *guard = Some((connection, lease));
        result
    }
}
