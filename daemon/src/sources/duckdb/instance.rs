//! One engine instance: opened, given its files, fenced, in that order.

use super::attach::{Fence, Key};
use super::{engine_error, literal, quote};
use std::path::{Path, PathBuf};
use std::sync::Mutex;
use wharf_protocol::ApiError;

/// An open instance. Each statement gets a connection of its own, so nothing of one is seen by another.
pub(super) struct Instance {
    root: Mutex<duckdb::Connection>,
    /// A folder that only this instance may write to, for results that the engine itself writes.
    pub(super) spool: PathBuf,
}

/// What every instance gets of the machine.
#[derive(Debug, Clone)]
pub(super) struct Means {
    /// Bytes of memory for one instance.
    pub(super) memory: u64,
    /// Folder for spilling and for spools.
    pub(super) scratch: PathBuf,
}

impl Instance {
    pub(super) fn open(key: &Key, means: &Means, id: u64) -> Result<Self, ApiError> {
        let spool = means.scratch.join(format!("spool-{id}"));
        std::fs::create_dir_all(&spool).map_err(|e| crate::lifecycle::io_error(&spool, &e))?;
        let root = open(key, means, &spool).map_err(|e| engine_error(&e)).inspect_err(|_| {
            let _ = std::fs::remove_dir_all(&spool);
        })?;
        Ok(Self { root: Mutex::new(root), spool })
    }

    /// A connection for one statement.
    pub(super) fn connect(&self) -> Result<duckdb::Connection, ApiError> {
        self.root
            .lock()
            .unwrap_or_else(std::sync::PoisonError::into_inner)
            .try_clone()
            .map_err(|e| engine_error(&e))
    }
}

impl Drop for Instance {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.spool);
    }
}

/// Every instance reckons in UTC, on all its connections: what one session sets, the others don't have, and they would
/// reckon in the machine's zone. The engine built from source knows no other zone, and not the setting either.
pub const UTC: &str = if cfg!(feature = "bundled") { "" } else { "set global TimeZone = 'UTC';" };

fn open(key: &Key, means: &Means, spool: &Path) -> duckdb::Result<duckdb::Connection> {
    let config = duckdb::Config::default()
        .enable_autoload_extension(false)?
        .max_memory(&format!("{}B", means.memory))?
        .with("autoinstall_known_extensions", "false")?
        .with("temp_directory", means.scratch.join("spill").to_string_lossy())?
        .with("allow_community_extensions", "false")?;
    let connection = duckdb::Connection::open_in_memory_with_flags(config)?;
    let mut setup = zeroize::Zeroizing::new(String::from(UTC));
    // Without it the allocator keeps what a large statement needed until the next one comes.
    setup.push_str("set allocator_background_threads = true;");
    for attachment in &key.attachments {
        let writes = key.fence == Fence::OwnerWrites && attachment.foreign;
        let file = literal(&attachment.file.to_string_lossy());
        setup.push_str(&format!("attach {file} as {} (", quote(&attachment.alias)));
        if let Some(key) = &attachment.key {
            setup.push_str("encryption_key ");
            setup.push_str(&zeroize::Zeroizing::new(literal(key.secret())));
            setup.push_str(", ");
        }
        setup.push_str(if writes { "read_write);" } else { "read_only);" });
    }
    if key.fence == Fence::Locked {
        let paths: Vec<String> = key
            .attachments
            .iter()
            .flat_map(|a| a.reads.iter())
            .map(|p| literal(&p.to_string_lossy()))
            .collect();
        setup.push_str(&format!("set allowed_paths = [{}];", paths.join(", ")));
        let spool = format!("{}/", spool.to_string_lossy());
        setup.push_str(&format!("set allowed_directories = [{}];", literal(&spool)));
        setup.push_str("set enable_external_access = false;");
    }
    if key.fence != Fence::OwnerWrites {
        // The folder that relative names are read against is set per statement by the owner's instance, before the
        // caller's text runs, so only the fenced ones are locked for good.
        if key.fence == Fence::Locked {
            setup.push_str("set lock_configuration = true;");
        }
    }
    connection.execute_batch(&setup)?;
    Ok(connection)
}
