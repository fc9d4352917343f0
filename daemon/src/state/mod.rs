//! The daemon's own database: SQLite, one file, write-ahead log, full synchronisation.
//!
//! Writes go one at a time through [`State::write`] and are on the disk when [`Write::commit`] returns. A commit that
//! fails for any reason other than a full disk leaves the store degraded: reads go on, writes are refused until a
//! restart, because a second fsync after a failed one may lie.

mod error;
mod log;
mod open;
mod version;

pub use error::StateError;
use sqlx::sqlite::SqlitePool;
use sqlx::{Sqlite, Transaction};
use std::path::{Path, PathBuf};
use std::sync::{Arc, OnceLock};
use std::time::Duration;
use tokio::sync::{Mutex, OwnedMutexGuard};

/// The store. Cheap to clone.
#[derive(Clone)]
pub struct State(Arc<Inner>);

struct Inner {
    writer: SqlitePool,
    readers: SqlitePool,
    file: PathBuf,
    degraded: OnceLock<(String, Option<String>)>,
    turn: Arc<Mutex<()>>,
    versions: version::Versions,
}

/// A write transaction. Dropped without a commit, it changes nothing.
pub struct Write {
    tx: Transaction<'static, Sqlite>,
    state: State,
    _turn: OwnedMutexGuard<()>,
}

/// A write that waits longer than this for those before it fails.
const WAIT: Duration = Duration::from_secs(10);

impl State {
    /// Opens the store in `dir`, creating it and bringing it up to date.
    ///
    /// # Errors
    /// When the file is damaged, was written by a newer wharf, or cannot be read and written.
    pub async fn open(dir: &Path) -> Result<Self, StateError> {
        let (writer, readers, file) = open::open(dir).await?;
        let (degraded, turn, versions) = (OnceLock::new(), Arc::default(), version::Versions::default());
        let inner = Inner { writer, readers, file, degraded, turn, versions };
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
        // Held until it is known how the write went, so that none begins behind one that failed.
        let turn = tokio::time::timeout(WAIT, self.0.turn.clone().lock_owned()).await;
        let turn = turn.map_err(|_| StateError::Other("another write takes too long".to_owned()))?;
        if let Some((reason, remedy)) = self.0.degraded.get() {
            return Err(StateError::Degraded { reason: reason.clone(), remedy: remedy.clone() });
        }
        let tx = self.0.writer.begin_with("BEGIN IMMEDIATE").await.map_err(|e| self.failed(e))?;
        Ok(Write { tx, state: self.clone(), _turn: turn })
    }

    /// Turns an engine error of a read into one that names the file and the remedy. When the file is damaged, writes are
    /// refused from here on.
    pub fn error(&self, error: sqlx::Error) -> StateError {
        let error = StateError::of(error, &self.0.file);
        if matches!(error, StateError::Damaged { .. }) {
            self.degrade(&error);
        }
        error
    }

    /// The error for a row that says what wharf never wrote. Writes are refused from here on.
    pub fn damaged(&self, cause: String) -> StateError {
        let error = StateError::Damaged { file: self.0.file.clone(), cause };
        self.degrade(&error);
        error
    }

    /// The error of a write. When the disk failed or the file is damaged, writes are refused from here on.
    fn failed(&self, error: sqlx::Error) -> StateError {
        let error = self.error(error);
        if error.forbids_writes() {
            self.degrade(&error);
        }
        error
    }

    fn degrade(&self, error: &StateError) {
        tracing::error!(%error, "the state store failed; writes are refused until a restart");
        let _ = self.0.degraded.set((error.to_string(), error.hint()));
    }

    /// Looks whether the file is sound all through, and refuses writes if it is not. Takes a while with a large one.
    pub async fn examine(&self) {
        let found: Result<String, _> =
            sqlx::query_scalar("pragma quick_check(1)").fetch_one(self.read()).await;
        match found {
            Ok(found) if found == "ok" => {}
            Ok(cause) => drop(self.damaged(cause)),
            Err(error) => drop(self.error(error)),
        }
    }

    /// Why writes are refused, if they are.
    pub fn degraded(&self) -> Option<&str> {
        self.0.degraded.get().map(|(reason, _)| reason.as_str())
    }

    /// Whether a write transaction is open.
    pub fn writing(&self) -> bool {
        self.0.turn.try_lock().is_err()
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
        self.state.failed(error)
    }

    /// Commits. When this returns, the change is on the disk.
    ///
    /// # Errors
    /// When it is not: nothing of the change will be seen.
    pub async fn commit(self) -> Result<(), StateError> {
        let Self { tx, state, _turn } = self;
        tx.commit().await.map_err(|e| state.failed(e))
    }
}
