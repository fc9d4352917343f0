//! One daemon per state folder: an exclusive lock held for life, and the address that clients read.

use serde::{Deserialize, Serialize};
use std::fs::{File, OpenOptions, TryLockError};
use std::io::{Read, Seek, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};

/// Why the daemon cannot begin its life.
#[derive(Debug, thiserror::Error)]
pub enum LifecycleError {
    /// Another daemon holds the lock.
    #[error("a daemon is already running{}", pid.map(|p| format!(" (pid {p})")).unwrap_or_default())]
    AlreadyRunning {
        /// Its process id, where it is told.
        pid: Option<u32>,
    },
    /// A file could not be used.
    #[error("{}: {source}", path.display())]
    Io {
        /// The file.
        path: PathBuf,
        /// The cause.
        #[source]
        source: std::io::Error,
    },
}

/// Who the daemon is and where it listens, as told in the pid file and in the address file.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Address {
    /// Process id.
    pub pid: u32,
    /// Build version.
    pub version: String,
    /// Protocol number.
    pub protocol: u32,
    /// The socket.
    pub socket: PathBuf,
}

/// The exclusive lock on the pid file. The system releases it when the process ends, however it ends.
#[derive(Debug)]
pub struct LifeLock {
    file: File,
    address_file: PathBuf,
}

impl LifeLock {
    /// Takes the lock.
    ///
    /// # Errors
    /// When another daemon holds it, or the file cannot be used.
    pub fn take(pid_file: &Path, address_file: &Path) -> Result<Self, LifecycleError> {
        let io = |source| LifecycleError::Io { path: pid_file.to_owned(), source };
        let mut file = OpenOptions::new()
            .read(true)
            .write(true)
            .create(true)
            .truncate(false)
            .mode(0o600)
            .custom_flags(i32::try_from(rustix::fs::OFlags::NOFOLLOW.bits()).unwrap_or(0))
            .open(pid_file)
            .map_err(io)?;
        match file.try_lock() {
            Ok(()) => Ok(Self { file, address_file: address_file.to_owned() }),
            Err(TryLockError::WouldBlock) => {
                let mut text = String::new();
                let _ = file.read_to_string(&mut text);
                let pid = serde_json::from_str::<Address>(&text).ok().map(|a| a.pid);
                Err(LifecycleError::AlreadyRunning { pid })
            }
            Err(TryLockError::Error(source)) => Err(io(source)),
        }
    }

    /// Tells the world where this daemon listens.
    ///
    /// # Errors
    /// When the files cannot be written.
    pub fn announce(&mut self, address: &Address) -> Result<(), LifecycleError> {
        let io = |path: &Path, source| LifecycleError::Io { path: path.to_owned(), source };
        let text = serde_json::to_string(address).map_err(|e| io(&self.address_file, e.into()))?;
        self.file
            .set_len(0)
            .and_then(|()| self.file.rewind())
            .and_then(|()| self.file.write_all(text.as_bytes()))
            .map_err(|e| io(&self.address_file, e))?;
        let partial = self.address_file.with_extension("partial");
        std::fs::write(&partial, &text)
            .and_then(|()| std::fs::rename(&partial, &self.address_file))
            .map_err(|e| io(&self.address_file, e))
    }

    /// Withdraws what was announced.
    pub fn withdraw(&self) {
        let _ = std::fs::remove_file(&self.address_file);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_second_daemon_is_refused_with_the_pid_of_the_first() {
        let tmp = tempfile::tempdir().unwrap();
        let (pid_file, address_file) = (tmp.path().join("pid"), tmp.path().join("daemon.json"));
        let mut first = LifeLock::take(&pid_file, &address_file).unwrap();
        let address = Address { pid: 4711, version: "1".into(), protocol: 1, socket: "/s".into() };
        first.announce(&address).unwrap();
        let told: Address = serde_json::from_slice(&std::fs::read(&address_file).unwrap()).unwrap();
        assert_eq!(told, address);
        let refused = LifeLock::take(&pid_file, &address_file).unwrap_err();
        assert_eq!(refused.to_string(), "a daemon is already running (pid 4711)");
        drop(first);
        LifeLock::take(&pid_file, &address_file).unwrap();
    }
}
