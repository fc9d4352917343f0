//! A file that the engine writes and somebody reads at the same time: a named pipe in the instance's spool.
//!
//! The engine can write Parquet only into a file. A pipe lets its bytes go on as they come: nothing waits for the last
//! row, and no disk has to hold the result.

use crate::formats::PIPE_SIZE;
use crate::lifecycle::io_error;
use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::fs::{FileType, Mode, OFlags};
use std::fs::File;
use std::io::{ErrorKind, Read};
use std::os::fd::OwnedFd;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use wharf_protocol::ApiError;

/// How often a reader looks whether the engine has begun, or is done without having begun.
const LOOK: Timespec = Timespec { tv_sec: 0, tv_nsec: 1_000_000 };

/// The pipe's place, for the engine. It is removed with this.
pub(super) struct StreamFile {
    pub(super) path: PathBuf,
    written: Arc<AtomicBool>,
}

/// What the engine writes.
pub(super) struct Written {
    file: File,
    /// The engine has closed the file, or never will open it.
    written: Arc<AtomicBool>,
}

impl StreamFile {
    /// A pipe in `folder`, and its reader.
    pub(super) fn new(folder: &Path, name: &str) -> Result<(Self, Written), ApiError> {
        let path = folder.join(name);
        let bad = |e: rustix::io::Errno| io_error(&path, &e.into());
        rustix::fs::mknodat(rustix::fs::CWD, &path, FileType::Fifo, Mode::RUSR | Mode::WUSR, 0)
            .map_err(bad)?;
        let written = Arc::new(AtomicBool::new(false));
        let this = Self { path: path.clone(), written: written.clone() };
        // Opened for reading first, or the engine would wait for a reader when it opens the file.
        let flags = OFlags::RDONLY | OFlags::NONBLOCK | OFlags::CLOEXEC;
        let reader: OwnedFd = rustix::fs::open(&path, flags, Mode::empty()).map_err(bad)?;
        let _ = rustix::pipe::fcntl_setpipe_size(&reader, PIPE_SIZE);
        Ok((this, Written { file: File::from(reader), written }))
    }

    /// Tells the reader that nothing more comes.
    pub(super) fn end(&self) {
        self.written.store(true, Ordering::SeqCst);
    }
}

impl Drop for StreamFile {
    fn drop(&mut self) {
        self.end();
        if let Err(e) = std::fs::remove_file(&self.path) {
            tracing::warn!(error = %io_error(&self.path, &e), "a spool could not be removed");
        }
    }
}

impl Read for Written {
    fn read(&mut self, buffer: &mut [u8]) -> std::io::Result<usize> {
        loop {
            // Read before the pipe is: what was written before the end was told is then seen.
            let written = self.written.load(Ordering::SeqCst);
            match self.file.read(buffer) {
                // No writer yet looks like the end.
                Ok(0) if !written => std::thread::sleep(std::time::Duration::from_millis(1)),
                // A statement that failed may hold the file open for as long as it exists itself.
                Err(e) if e.kind() == ErrorKind::WouldBlock && written => return Ok(0),
                Err(e) if e.kind() == ErrorKind::WouldBlock => {
                    let mut fds = [PollFd::new(&self.file, PollFlags::IN)];
                    poll(&mut fds, Some(&LOOK))?;
                }
                other => return other,
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::Write as _;

    #[test]
    fn bytes_arrive_while_they_are_written_and_the_pipe_is_gone_afterwards() {
        let folder = tempfile::tempdir().unwrap();
        let (pipe, mut reader) = StreamFile::new(folder.path(), "p").unwrap();
        let mut writer = File::options().write(true).open(&pipe.path).unwrap();
        writer.write_all(b"first").unwrap();
        let mut piece = [0; 16];
        assert_eq!(reader.read(&mut piece).unwrap(), 5);
        writer.write_all(b"rest").unwrap();
        drop(writer);
        pipe.end();
        let mut rest = String::new();
        reader.read_to_string(&mut rest).unwrap();
        assert_eq!(rest, "rest");
        drop(pipe);
        assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 0);
    }

    #[test]
    fn a_file_that_is_never_opened_ends_empty() {
        let folder = tempfile::tempdir().unwrap();
        let (pipe, mut reader) = StreamFile::new(folder.path(), "p").unwrap();
        pipe.end();
        assert_eq!(reader.read(&mut [0; 4]).unwrap(), 0);
    }

    #[test]
    fn a_writer_that_keeps_the_file_open_holds_nobody_up() {
        let folder = tempfile::tempdir().unwrap();
        let (pipe, mut reader) = StreamFile::new(folder.path(), "p").unwrap();
        let mut writer = File::options().write(true).open(&pipe.path).unwrap();
        writer.write_all(b"all").unwrap();
        pipe.end();
        let mut all = String::new();
        reader.read_to_string(&mut all).unwrap();
        assert_eq!(all, "all");
    }
}
