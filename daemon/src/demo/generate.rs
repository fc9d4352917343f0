//! Makes the shop's database: a few large statements, one after the other.

use super::facts::{self, Facts};
use crate::sources::Cancel;
use crate::sources::duckdb::UTC;
use crate::sources::duckdb::engine_error;
use chrono::NaiveDate;
use duckdb::{Config, Connection};
use std::path::Path;
use wharf_protocol::ApiError;

/// What is made, in this order, for people to read while they wait, and how.
const STEPS: [(&str, &str); 6] = [
    ("calendar", include_str!("sql/1_shape.sql")),
    ("customers", include_str!("sql/2_customers.sql")),
    ("products and stores", include_str!("sql/3_goods.sql")),
    ("orders", include_str!("sql/4_orders.sql")),
    ("order lines", include_str!("sql/5_order_lines.sql")),
    ("returns", include_str!("sql/6_returns.sql")),
];

/// Memory that the making may take, in the engine's words: it needs less than half of it.
const MEMORY: &str = "1GB";

/// Makes the database at `file`, which must not exist, and closes it: when this returns no `.wal` stands beside it.
/// Blocking.
///
/// # Errors
/// When the file cannot be written or `cancel` was raised; what was written so far is left to the caller.
pub(super) fn database(
    file: &Path,
    last_day: NaiveDate,
    cancel: &Cancel,
    progress: &dyn Fn(&str, usize, usize),
) -> Result<Facts, ApiError> {
    let connection = open(file).map_err(|e| engine_error(&e))?;
    let interrupt = connection.interrupt_handle();
    cancel.on_raise(Some(Box::new(move || interrupt.interrupt())));
    let facts = fill(&connection, last_day, cancel, progress);
    cancel.on_raise(None);
    let facts = facts.map_err(|e| if cancel.raised() { cancel.error() } else { engine_error(&e) })?;
    if cancel.raised() {
        return Err(cancel.error());
    }
    connection.close().map_err(|(_, e)| engine_error(&e))?;
    progress("", STEPS.len(), STEPS.len());
    Ok(facts)
}

fn open(file: &Path) -> duckdb::Result<Connection> {
    let config = Config::default()
        .enable_autoload_extension(false)?
        .max_memory(MEMORY)?
        .with("autoinstall_known_extensions", "false")?;
    Connection::open_with_flags(file, config)
}

fn fill(
    connection: &Connection,
    last_day: NaiveDate,
    cancel: &Cancel,
    progress: &dyn Fn(&str, usize, usize),
) -> duckdb::Result<Facts> {
    connection
        .execute_batch(&format!("{UTC} create temp table chosen as select date '{last_day}' as last_day"))?;
    for (done, (step, sql)) in STEPS.iter().enumerate() {
        if cancel.raised() {
            break;
        }
        progress(step, done, STEPS.len());
        connection.execute_batch(sql)?;
    }
    let facts = facts::of(connection)?;
    connection.execute_batch("checkpoint")?;
    Ok(facts)
}
