//! What can go wrong with the store, in words for the person who has to mend it.

use std::path::{Path, PathBuf};
use wharf_protocol::{ApiError, ErrorKind};

/// Why the store could not be read or written.
#[derive(Debug, thiserror::Error)]
pub enum StateError {
    /// No space left.
    #[error("the disk is full: {} cannot grow", dir.display())]
    DiskFull {
        /// The directory that needs space.
        dir: PathBuf,
    },
    /// The device failed.
    #[error("reading or writing {} failed: {cause}", file.display())]
    Io {
        /// The file.
        file: PathBuf,
        /// The engine's words.
        cause: String,
    },
    /// Writes are refused after a failure.
    #[error("the state store refuses writes since an earlier failure: {reason}")]
    Degraded {
        /// The failure.
        reason: String,
    },
    /// The file is not a sound database.
    #[error("{} is damaged: {cause}", file.display())]
    Damaged {
        /// The file.
        file: PathBuf,
        /// The engine's words.
        cause: String,
    },
    /// The file was written by a newer wharf.
    #[error("{} was written by wharf {written_by} (store version {found}); this is wharf {} and knows version {known}", file.display(), env!("CARGO_PKG_VERSION"))]
    Newer {
        /// The file.
        file: PathBuf,
        /// Its version.
        found: i64,
        /// The newest version that this build knows.
        known: i64,
        /// The version of wharf that wrote it.
        written_by: String,
    },
    /// It cannot be created or written here.
    #[error("{} cannot be written: {cause}", file.display())]
    ReadOnly {
        /// The file.
        file: PathBuf,
        /// The engine's words.
        cause: String,
    },
    /// Anything else.
    #[error("the state store failed: {0}")]
    Other(String),
}

// SQLite's primary result codes, https://www.sqlite.org/rescode.html
const READONLY: i32 = 8;
const IOERR: i32 = 10;
const CORRUPT: i32 = 11;
const FULL: i32 = 13;
const CANTOPEN: i32 = 14;
const NOTADB: i32 = 26;

impl StateError {
    // By value, as `map_err` hands it over.
    #[allow(clippy::needless_pass_by_value)]
    pub(super) fn of(error: sqlx::Error, file: &Path) -> Self {
        let file = file.to_owned();
        let (code, cause) = match &error {
            sqlx::Error::Database(db) => {
                (db.code().and_then(|c| c.parse::<i32>().ok()), db.message().to_owned())
            }
            other => (None, other.to_string()),
        };
        match code.map(|c| c & 0xff) {
            Some(FULL) => Self::DiskFull { dir: file.parent().map(Path::to_owned).unwrap_or_default() },
            Some(IOERR) => Self::Io { file, cause },
            Some(CORRUPT | NOTADB) => Self::Damaged { file, cause },
            Some(READONLY | CANTOPEN) => Self::ReadOnly { file, cause },
            _ => Self::Other(cause),
        }
    }

    pub(super) fn is_io(&self) -> bool {
        matches!(self, Self::Io { .. })
    }

    /// What to do about it.
    pub fn hint(&self) -> Option<String> {
        Some(match self {
            Self::DiskFull { dir } => {
                format!("free some space on the file system of {} and try again", dir.display())
            }
            Self::Io { .. } | Self::Degraded { .. } => {
                "check the disk, then restart the daemon with `wharf daemon restart`".to_owned()
            }
            Self::Damaged { file, .. } => format!(
                "it was left untouched; move it away (mv {0} {0}.damaged) to start afresh, or put a backup in its place",
                file.display()
            ),
            Self::Newer { .. } => "use that version or a newer one; the file was left untouched".to_owned(),
            Self::ReadOnly { file, .. } => {
                format!("make {} writable, or set WHARF_STATE_DIR to a folder that is", file.display())
            }
            Self::Other(_) => return None,
        })
    }
}

impl From<StateError> for ApiError {
    fn from(error: StateError) -> Self {
        let (kind, code) = match &error {
            StateError::DiskFull { .. } => (ErrorKind::Unavailable, "disk_full"),
            StateError::Io { .. } => (ErrorKind::Unavailable, "state_io"),
            StateError::Degraded { .. } => (ErrorKind::Unavailable, "state_degraded"),
            StateError::Damaged { .. } => (ErrorKind::Failed, "state_damaged"),
            StateError::Newer { .. } => (ErrorKind::Failed, "state_newer"),
            StateError::ReadOnly { .. } => (ErrorKind::Failed, "state_read_only"),
            StateError::Other(_) => (ErrorKind::Internal, "state"),
        };
        Self::new(kind, code, error.to_string()).maybe_hint(error.hint())
    }
}
