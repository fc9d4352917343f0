//! One writer at a time: a private daemon may write beside the main one.
//!
//! The file also holds the number of the newest segment, so that a writer sees with one small read whether another has
//! begun one. It is written before the segment is, and is only a hint to look again.

use std::fs::{File, OpenOptions, TryLockError};
use std::io;
use std::os::unix::fs::{FileExt, OpenOptionsExt};
use std::path::Path;
use std::time::{Duration, Instant};

/// Who holds the lock longer than this is stuck.
const WAIT: Duration = Duration::from_secs(if cfg!(test) { 1 } else { 10 });
const DIGITS: usize = 20;

/// The file `lock` in the log's folder.
pub(super) struct Lock(File);

/// The lock while it is held.
pub(super) struct Held<'a>(&'a File);

impl Lock {
    /// Opens the file, creating it if it is missing.
    ///
    /// # Errors
    /// When that fails, or it is a link.
    pub(super) fn open(folder: &Path) -> io::Result<Self> {
        let flags = i32::try_from(rustix::fs::OFlags::NOFOLLOW.bits()).unwrap_or(0);
        let mut options = OpenOptions::new();
        options.read(true).write(true).create(true).truncate(false).mode(0o600).custom_flags(flags);
        Ok(Self(options.open(folder.join("lock"))?))
    }

    /// Takes the lock; waits for who has it.
    ///
    /// # Errors
    /// When that takes too long.
    pub(super) fn hold(&self) -> io::Result<Held<'_>> {
        let begun = Instant::now();
        loop {
            match self.0.try_lock() {
                Ok(()) => return Ok(Held(&self.0)),
                Err(TryLockError::WouldBlock) if begun.elapsed() < WAIT => {
                    std::thread::sleep(Duration::from_micros(200));
                }
                Err(TryLockError::WouldBlock) => {
                    let message = "another process keeps the audit log locked";
                    return Err(io::Error::new(io::ErrorKind::TimedOut, message));
                }
                Err(TryLockError::Error(e)) => return Err(e),
            }
        }
    }
}

impl Held<'_> {
    /// The newest segment, as the last who began one has noted.
    pub(super) fn newest(&self) -> Option<u64> {
        let mut digits = [0; DIGITS];
        self.0.read_exact_at(&mut digits, 0).ok()?;
        std::str::from_utf8(&digits).ok()?.parse().ok()
    }

    /// Notes the newest segment.
    ///
    /// # Errors
    /// When it cannot be written.
    pub(super) fn set_newest(&self, number: u64) -> io::Result<()> {
        self.0.write_all_at(format!("{number:0DIGITS$}").as_bytes(), 0)
    }
}

impl Drop for Held<'_> {
    fn drop(&mut self) {
        let _ = self.0.unlock();
    }
}
