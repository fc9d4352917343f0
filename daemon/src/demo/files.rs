//! The demo's folder: its database, its models, and a note of what is in the database.

use super::facts::{COUNTS, Facts, VERSION};
use crate::lifecycle::io_error;
use chrono::NaiveDate;
use duckdb::{AccessMode, Config, Connection};
use std::fs::{self, File};
use std::path::{Path, PathBuf};
use wharf_protocol::{ApiError, ErrorKind};
use wharf_settings::{Dirs, Use, write_whole};

/// The demo's semantic models: file and text.
pub(super) const MODELS: [(&str, &str); 4] = [
    ("calendar.yml", include_str!("models/calendar.yml")),
    ("metrics.yml", include_str!("models/metrics.yml")),
    ("orders.yml", include_str!("models/orders.yml")),
    ("people_and_goods.yml", include_str!("models/people_and_goods.yml")),
];

/// Where the demo is kept.
#[derive(Debug, Clone)]
pub(super) struct Folder(PathBuf);

impl Folder {
    /// The folder within the user's data folder.
    pub(super) fn new(data: &Path) -> Self {
        Self(data.join("demo"))
    }

    pub(super) fn database(&self) -> PathBuf {
        self.0.join("demo.duckdb")
    }

    pub(super) fn models(&self) -> PathBuf {
        self.0.join("models")
    }

    fn note(&self) -> PathBuf {
        self.0.join("facts.json")
    }

    /// Creates the folders.
    pub(super) fn ensure(&self) -> Result<(), ApiError> {
        Dirs::ensure(&self.models()).map_err(|e| {
            ApiError::new(ErrorKind::Failed, "folder", e.to_string())
                .hint("mend it, or point WHARF_DATA_DIR to a folder of your own")
        })
    }

    /// The facts of the database, if it is the one that the note speaks of, of this version, and ends on `last_day` or
    /// later.
    pub(super) fn sound(&self, last_day: NaiveDate) -> Option<Facts> {
        let facts: Facts = serde_json::from_slice(&fs::read(self.note()).ok()?).ok()?;
        let ends: NaiveDate = facts.last_day.parse().ok()?;
        let current = facts.version == VERSION && ends >= last_day && !log_of(&self.database()).exists();
        (current && counts(&self.database()).ok()? == counts_of(&facts)).then_some(facts)
    }

    /// Puts the database that `make` writes in the place of the one that is there, in one step.
    pub(super) fn replace_database(
        &self,
        make: impl FnOnce(&Path) -> Result<Facts, ApiError>,
    ) -> Result<Facts, ApiError> {
        self.sweep();
        let fresh = self.0.join(format!("making-{}-{}.duckdb", std::process::id(), uuid::Uuid::now_v7()));
        let result = make(&fresh).and_then(|facts| {
            File::open(&fresh).and_then(|f| f.sync_all()).map_err(|e| io_error(&fresh, &e))?;
            // Without its note a database is not sound, so an end between these steps leaves one that is made anew.
            let _ = fs::remove_file(self.note());
            fs::rename(&fresh, self.database()).map_err(|e| io_error(&self.database(), &e))?;
            let _ = fs::remove_file(log_of(&self.database()));
            let text = serde_json::to_string_pretty(&facts);
            let text = text.map_err(|e| ApiError::new(ErrorKind::Internal, "facts", e.to_string()))?;
            write(&self.note(), &text)?;
            Ok(facts)
        });
        for left in [log_of(&fresh), fresh] {
            let _ = fs::remove_file(left);
        }
        result
    }

    /// Writes the models: all of them, or only those that are missing. Files of the user's own beside them stay.
    pub(super) fn write_models(&self, all: bool) -> Result<(), ApiError> {
        for (name, text) in MODELS {
            let file = self.models().join(name);
            if all || !file.exists() {
                write(&file, text)?;
            }
        }
        Ok(())
    }

    /// Removes what a making left behind whose daemon is gone.
    pub(super) fn sweep(&self) {
        for entry in fs::read_dir(&self.0).into_iter().flatten().flatten() {
            let name = entry.file_name().to_string_lossy().into_owned();
            let maker = name.strip_prefix("making-").and_then(|rest| rest.split('-').next()?.parse().ok());
            if maker.is_some_and(|pid: u32| !crate::lifecycle::lives(pid)) {
                let _ = fs::remove_file(entry.path());
            }
        }
    }
}

/// Where the engine keeps what it has not yet written into the database itself.
fn log_of(database: &Path) -> PathBuf {
    database.with_extension("duckdb.wal")
}

/// Counts the rows; an error when the file is no database or lacks a table.
fn counts(database: &Path) -> duckdb::Result<[u64; 6]> {
    let config =
        Config::default().access_mode(AccessMode::ReadOnly)?.with("autoinstall_known_extensions", "false")?;
    let connection = Connection::open_with_flags(database, config)?;
    connection.query_row(COUNTS, [], |row| {
        Ok([row.get(0)?, row.get(1)?, row.get(2)?, row.get(3)?, row.get(4)?, row.get(5)?])
    })
}

fn counts_of(facts: &Facts) -> [u64; 6] {
    [facts.customers, facts.products, facts.stores, facts.orders, facts.order_lines, facts.returns]
}

/// Writes a file whole or not at all.
fn write(file: &Path, text: &str) -> Result<(), ApiError> {
    write_whole(file, text, Use::Own).map_err(|e| io_error(file, &e))
}
