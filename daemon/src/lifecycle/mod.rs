//! The daemon as a process: its lock, its socket, its address, its end.

mod lock;
mod work;

pub use lock::{Address, LifeLock, LifecycleError};
pub use work::{Activity, Busy};

use std::path::Path;
use wharf_protocol::{ApiError, ErrorKind};

/// A file operation that failed, as an error that names the place and the remedy.
pub fn io_error(path: &Path, error: &std::io::Error) -> ApiError {
    let shown = path.display();
    match error.kind() {
        std::io::ErrorKind::StorageFull | std::io::ErrorKind::QuotaExceeded => {
            ApiError::new(ErrorKind::Failed, "disk_full", format!("the disk is full: {shown} cannot be written"))
                .hint(format!("free some space on the file system of {shown} and try again"))
        }
        std::io::ErrorKind::PermissionDenied | std::io::ErrorKind::ReadOnlyFilesystem => {
            ApiError::new(ErrorKind::Failed, "not_writable", format!("{shown} cannot be written: {error}"))
                .hint("make it writable, or point WHARF_STATE_DIR and WHARF_CACHE_DIR to folders that are")
        }
        _ => ApiError::new(ErrorKind::Failed, "io", format!("{shown}: {error}")),
    }
}
