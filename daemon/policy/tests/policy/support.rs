//! An engine with allowed tables in one schema and planted values in another.

use duckdb::Connection;
use std::sync::mpsc::RecvTimeoutError;
use std::time::Duration;
use wharf_policy::{Dialect, DuckdbParser, ParserUnavailable, Policy, SERIALIZE_SQL};

/// A value that only forbidden tables hold.
pub const MARKER: &str = "M4RK3R-forbidden";

/// Two allowed tables in `warehouse.sales`; in `warehouse.finance` and elsewhere everything carries the marker.
const SETUP: &str = "
    ATTACH ':memory:' AS warehouse;
    CREATE SCHEMA warehouse.sales;
    CREATE SCHEMA warehouse.finance;
    USE warehouse.sales;
    CREATE TABLE sales.orders (id INT, customer_id INT, amount DOUBLE, region VARCHAR, status VARCHAR,
        placed TIMESTAMP, tags VARCHAR[], info STRUCT(k VARCHAR, v INT));
    INSERT INTO sales.orders SELECT i, i % 3, i * 1.5, ['north', 'south'][i % 2 + 1], ['paid', 'open'][i % 2 + 1],
        TIMESTAMP '2024-01-01' + i * INTERVAL 1 DAY, ['a', 'b'], {'k': 'x', 'v': i} FROM range(6) t(i);
    CREATE TABLE sales.customers (id INT, name VARCHAR, country VARCHAR);
    INSERT INTO sales.customers VALUES (0, 'Ada', 'GB'), (1, 'Bo', 'DK'), (2, 'Cy', 'FR');
    CREATE TABLE finance.ledger (id INT, secret VARCHAR);
    INSERT INTO finance.ledger SELECT i, 'M4RK3R-forbidden' FROM range(3) t(i);
    CREATE TABLE finance.orders AS SELECT * FROM finance.ledger;
    CREATE TABLE sales.ledger AS SELECT * FROM finance.ledger;
    CREATE TABLE warehouse.main.orders AS SELECT * FROM finance.ledger;
    CREATE TABLE warehouse.main.ledger AS SELECT * FROM finance.ledger;
    CREATE VIEW finance.peek AS SELECT * FROM warehouse.finance.ledger;
    CREATE MACRO finance.lower(x) AS 'M4RK3R-forbidden';
    CREATE TYPE finance.mood AS ENUM ('M4RK3R-forbidden');
    CREATE TYPE sales.mood AS ENUM ('M4RK3R-forbidden');
    SET VARIABLE secret = 'M4RK3R-forbidden';
    SET VARIABLE rows = 'M4RK3R-forbidden';
    SET memory_limit = '500MB';
    SET max_temp_directory_size = '0B';
    SET enable_external_access = false;
";

/// DuckDB behind the parser's port.
pub struct Engine {
    pub connection: Connection,
}

impl Engine {
    pub fn new() -> Self {
        let connection = Connection::open_in_memory().unwrap();
        connection.execute_batch(SETUP).unwrap();
        Self { connection }
    }

    /// Every column name and value of a result as one text. Interrupted after a second: a recursion may have no end.
    pub fn run(&self, sql: &str) -> Result<String, duckdb::Error> {
        let handle = self.connection.interrupt_handle();
        let (done, waits) = std::sync::mpsc::channel::<()>();
        std::thread::scope(|scope| {
            scope.spawn(move || {
                while waits.recv_timeout(Duration::from_secs(1)) == Err(RecvTimeoutError::Timeout) {
                    handle.interrupt();
                }
            });
            let result = self.run_to_end(sql);
            drop(done);
            result
        })
    }

    fn run_to_end(&self, sql: &str) -> Result<String, duckdb::Error> {
        let mut statement = self.connection.prepare(sql)?;
        let mut rows = statement.query([])?;
        let mut seen = rows.as_ref().map(|done| done.column_names().join(" ")).unwrap_or_default();
        while let Some(row) = rows.next()? {
            for at in 0.. {
                let Ok(value) = row.get::<_, duckdb::types::Value>(at) else { break };
                seen.push_str(&format!("{value:?} "));
            }
            if seen.len() > 1_000_000 {
                break;
            }
        }
        Ok(seen)
    }
}

impl DuckdbParser for Engine {
    fn serialize(&self, sql: &str) -> Result<String, ParserUnavailable> {
        let failed = |error: duckdb::Error| ParserUnavailable(error.to_string());
        let mut statement = self.connection.prepare_cached(SERIALIZE_SQL).map_err(failed)?;
        statement.query_row([sql], |row| row.get(0)).map_err(failed)
    }
}

/// The policy of the setup: two tables of `warehouse.sales`.
pub fn policy() -> Policy {
    Policy::parse(Dialect::Duckdb, &["sales.orders", "sales.customers"], "warehouse", "sales")
        .unwrap()
        .with_schemas(["finance".to_owned()])
}
