//! The embedded engine: files and databases on this machine.
//!
//! A folder becomes a *snapshot*: one database file in the cache that holds the tables of text files (CSV, TSV, JSON)
//! and views over Parquet files, made anew when a file changes. Statements run on pooled *instances*, each fenced before
//! it sees a caller's text: in memory, permitted files attached read-only, external access off, configuration locked.

mod attach;
mod discover;
mod engine_error;
mod instance;
mod json_place;
mod parser;
mod pool;
mod run;
mod snapshot;
mod stream_file;

pub use attach::{Attachment, DatabaseKey, Fence};
pub use discover::{DataFile, Discovered, discover};
pub use engine_error::{engine_error, is_damage};
pub use instance::UTC;
pub use parser::EngineParser;
pub use pool::{Lease, Pool};
pub use run::{Output, Run};
pub use snapshot::{Snapshots, Spec};

/// An identifier as the engine's SQL quotes it.
pub fn quote(name: &str) -> String {
    format!("\"{}\"", name.replace('"', "\"\""))
}

/// A text literal as the engine's SQL quotes it.
pub fn literal(text: &str) -> String {
    format!("'{}'", text.replace('\'', "''"))
}
