//! The daemon as a process: its lock, its socket, its address, its end.

mod blocking;
mod lock;
mod streams;
mod trim;
mod work;

pub use blocking::blocking;
pub use lock::{Address, LifeLock, LifecycleError};
pub use streams::{OpenStream, Streams};
pub use trim::let_go_of_program_text;
pub use work::{Activity, Busy};

use std::path::{Path, PathBuf};
use wharf_protocol::{ApiError, ErrorKind};

/// A file operation that failed, as an error that names the place and the remedy.
pub fn io_error(path: &Path, error: &std::io::Error) -> ApiError {
    let shown = path.display();
    match error.kind() {
        std::io::ErrorKind::StorageFull | std::io::ErrorKind::QuotaExceeded => ApiError::new(
            ErrorKind::Failed,
            "disk_full",
            format!("the disk is full: {shown} cannot be written"),
        )
        .hint(format!("free some space on the file system of {shown} and try again")),
        std::io::ErrorKind::PermissionDenied | std::io::ErrorKind::ReadOnlyFilesystem => {
            ApiError::new(ErrorKind::Failed, "not_writable", format!("{shown} cannot be written: {error}"))
                .hint("make it writable, or point WHARF_STATE_DIR and WHARF_CACHE_DIR to folders that are")
        }
        _ => ApiError::new(ErrorKind::Failed, "io", format!("{shown}: {error}"))
            .hint("look at what stands there, and move it away if it is in the way"),
    }
}

/// A folder for what this process spills and spools. Those of processes that are gone are removed.
///
/// # Errors
/// When it cannot be made.
pub fn scratch(cache: &Path) -> Result<PathBuf, ApiError> {
    for entry in std::fs::read_dir(cache).into_iter().flatten().flatten() {
        let name = entry.file_name().to_string_lossy().into_owned();
        let Some(pid) = name.strip_prefix("scratch-").and_then(|p| p.parse::<u32>().ok()) else { continue };
        if !lives(pid) || pid == std::process::id() {
            let _ = std::fs::remove_dir_all(entry.path());
        }
    }
    let own = cache.join(format!("scratch-{}", std::process::id()));
    std::fs::create_dir_all(&own).map_err(|e| io_error(&own, &e))?;
    Ok(own)
}

/// Keeps this process's memory, in which secrets are, out of core dumps and from other processes of the same user.
///
/// # Errors
/// When the system refuses.
pub fn keep_memory_private() -> std::io::Result<()> {
    use rustix::process::{DumpableBehavior, set_dumpable_behavior};
    Ok(set_dumpable_behavior(DumpableBehavior::NotDumpable)?)
}

/// Whether a process lives; one that has ended and waits for its parent does not.
pub fn lives(pid: u32) -> bool {
    let stat = std::fs::read_to_string(format!("/proc/{pid}/stat")).unwrap_or_default();
    let state = stat.rsplit_once(") ").and_then(|(_, rest)| rest.chars().next());
    state.is_some_and(|s| s != 'Z' && s != 'X')
}

/// Removes this process's scratch folder.
pub fn remove_scratch(cache: &Path) {
    let _ = std::fs::remove_dir_all(cache.join(format!("scratch-{}", std::process::id())));
}
