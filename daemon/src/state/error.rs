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
        /// What to do about it.
        remedy: Option<String>,
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
    /// Another process holds what is needed.
    #[error("another process keeps {} locked", file.display())]
    Locked {
        /// The file.
        file: PathBuf,
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
// Extended: the index of the log could not grow.
const IOERR_SHMSIZE: i32 = 4874;
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
        let code = code.map(|c| if c == IOERR_SHMSIZE { FULL } else { c & 0xff });
        match code {
            Some(FULL) => Self::DiskFull { dir: file.parent().map(Path::to_owned).unwrap_or_default() },
            Some(IOERR) => Self::Io { file, cause },
            Some(CORRUPT | NOTADB) => Self::Damaged { file, cause },
            Some(READONLY | CANTOPEN) => Self::ReadOnly { file, cause },
            _ => Self::Other(cause),
        }
    }

    /// Whether a write after this could make things worse: the file is damaged, or the disk lies.
    pub(super) fn forbids_writes(&self) -> bool {
        matches!(self, Self::Io { .. } | Self::Damaged { .. })
    }

    /// What to do about it.
    pub fn hint(&self) -> Option<String> {
        Some(match self {
            Self::DiskFull { dir } => {
                format!("free some space on the file system of {} and try again", dir.display())
            }
            Self::Io { .. } => {
                "check the disk, then restart the daemon with `wharf daemon restart`".to_owned()
            }
            Self::Degraded { remedy, .. } => return remedy.clone(),
            Self::Damaged { file, .. } => {
                let aside = file.with_file_name("damaged");
                format!(
                    "it is left as it is; stop the daemon and put a backup in its place, or move it away with its log to start \
                     afresh: mkdir {1} && mv {0}* {1}",
                    file.display(),
                    aside.display()
                )
            }
            Self::Newer { .. } => "use that version or a newer one; the file was left untouched".to_owned(),
            Self::ReadOnly { file, .. } => {
                format!("make {} writable, or set WHARF_STATE_DIR to a folder that is", file.display())
            }
            Self::Locked { .. } => {
                "try again; a process that was stopped or hangs may have it open".to_owned()
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
            StateError::Locked { .. } => (ErrorKind::Unavailable, "state_locked"),
            StateError::Other(_) => (ErrorKind::Internal, "state"),
        };
        Self::new(kind, code, error.to_string()).maybe_hint(error.hint())
    }
}
