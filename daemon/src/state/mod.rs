//! The daemon's own database: SQLite, one file, write-ahead log, full synchronisation.
//!
//! Writes go one at a time through [`State::write`] and are on the disk when [`Write::commit`] returns. A commit that
//! fails for any reason other than a full disk leaves the store degraded: reads go on, writes are refused until a
//! restart, because a second fsync after a failed one may lie.

mod error;
mod open;

pub use error::StateError;
use sqlx::sqlite::SqlitePool;
use sqlx::{Sqlite, Transaction};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, OnceLock};

/// The store. Cheap to clone.
#[derive(Clone)]
pub struct State(Arc<Inner>);

struct Inner {
    writer: SqlitePool,
    readers: SqlitePool,
    file: PathBuf,
    degraded: OnceLock<String>,
    writing: AtomicBool,
}

/// A write transaction. Dropped without a commit, it changes nothing.
pub struct Write {
    tx: Transaction<'static, Sqlite>,
    state: State,
}

impl State {
    /// Opens the store in `dir`, creating it and bringing it up to date.
    ///
    /// # Errors
    /// When the file is damaged, was written by a newer wharf, or cannot be read and written.
    pub async fn open(dir: &Path) -> Result<Self, StateError> {
        let (writer, readers, file) = open::open(dir).await?;
        let inner =
            Inner { writer, readers, file, degraded: OnceLock::new(), writing: AtomicBool::new(false) };
        Ok(Self(Arc::new(inner)))
    }

    /// Connections for reading.
    pub fn read(&self) -> &SqlitePool {
        &self.0.readers
    }

    /// The writing connection, for what is read at boot: nobody writes yet, and a second connection takes milliseconds
    /// to open.
    pub fn at_boot(&self) -> &SqlitePool {
        &self.0.writer
    }

    /// Begins a write transaction; waits for the one before it.
    ///
    /// # Errors
    /// When the store is degraded or cannot be written.
    pub async fn write(&self) -> Result<Write, StateError> {
        if let Some(reason) = self.0.degraded.get() {
            return Err(StateError::Degraded { reason: reason.clone() });
        }
        let tx = self.0.writer.begin_with("BEGIN IMMEDIATE").await.map_err(|e| self.error(e))?;
        self.0.writing.store(true, Ordering::Relaxed);
        Ok(Write { tx, state: self.clone() })
    }

    /// Turns an engine error of a read into one that names the file and the remedy.
    pub fn error(&self, error: sqlx::Error) -> StateError {
        StateError::of(error, &self.0.file)
    }

    /// Why writes are refused, if they are.
    pub fn degraded(&self) -> Option<&str> {
        self.0.degraded.get().map(String::as_str)
    }

    /// Whether a write transaction is open.
    pub fn writing(&self) -> bool {
        self.0.writing.load(Ordering::Relaxed)
    }

    /// Folds the log into the file and closes it.
    pub async fn close(&self) {
        self.0.readers.close().await;
        self.0.writer.close().await;
    }
}

impl Write {
    /// The connection to run statements on.
    pub fn on(&mut self) -> &mut sqlx::SqliteConnection {
        &mut self.tx
    }

    /// Maps an error of a statement in this transaction, and degrades the store if the disk failed.
    pub fn error(&self, error: sqlx::Error) -> StateError {
        let error = self.state.error(error);
        if error.is_io() {
            let reason = error.to_string();
            tracing::error!(%reason, "the state store failed; writes are refused until a restart");
            let _ = self.state.0.degraded.set(reason);
        }
        error
    }

    /// Commits. When this returns, the change is on the disk.
    ///
    /// # Errors
    /// When it is not: nothing of the change will be seen.
    pub async fn commit(self) -> Result<(), StateError> {
        let Self { tx, state } = self;
        let result = tx.commit().await;
        state.0.writing.store(false, Ordering::Relaxed);
        result.map_err(|e| {
            let error = state.error(e);
            if error.is_io() {
                let reason = error.to_string();
                tracing::error!(%reason, "a commit failed; writes are refused until a restart");
                let _ = state.0.degraded.set(reason);
            }
            error
        })
    }
}
