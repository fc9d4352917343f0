//! Where written bytes go: a descriptor that the client handed over, or the body of an HTTP reply.

use crate::sources::{Cancel, Stop};
use axum::body::Bytes;
use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::fs::{FileType, Mode, OFlags};
use std::os::fd::{AsRawFd, OwnedFd};
use wharf_protocol::{ApiError, ErrorKind};

/// Takes bytes in order. Blocks while the reader is behind; ends with [`Stop`] when it is gone.
pub trait Sink: Send {
    /// Hands `bytes` over.
    ///
    /// # Errors
    /// When the reader is gone, the statement was cancelled, or the device failed.
    fn write(&mut self, bytes: Vec<u8>) -> Result<(), Stop>;
}

/// The body of an HTTP reply.
pub struct BodySink(pub tokio::sync::mpsc::Sender<Bytes>);

impl Sink for BodySink {
    fn write(&mut self, bytes: Vec<u8>) -> Result<(), Stop> {
        if bytes.is_empty() {
            return Ok(());
        }
        self.0.blocking_send(Bytes::from(bytes)).map_err(|_| Stop::ReaderGone)
    }
}

/// A client's own output: pipe, file or terminal. The daemon writes to it directly, which saves a copy.
pub struct FdSink {
    fd: OwnedFd,
    pipe: bool,
    cancel: Cancel,
}

/// As much as Linux lets an ordinary user have; it saves wake-ups.
const PIPE_SIZE: usize = 1 << 20;
/// How often a writer that waits for the reader looks whether the statement was cancelled.
const LOOK: Timespec = Timespec { tv_sec: 0, tv_nsec: 50_000_000 };

impl FdSink {
    /// Writes to `fd` until `cancel` is raised.
    ///
    /// # Errors
    /// When `fd` is not something that can be written to.
    pub fn new(fd: OwnedFd, cancel: Cancel) -> Result<Self, ApiError> {
        let bad = |e: rustix::io::Errno| {
            ApiError::new(
                ErrorKind::Invalid,
                "output",
                format!("the output that was handed over cannot be used: {e}"),
            )
        };
        let stat = rustix::fs::fstat(&fd).map_err(bad)?;
        let pipe = FileType::from_raw_mode(stat.st_mode) == FileType::Fifo;
        if !pipe {
            return Ok(Self { fd, pipe, cancel });
        }
        // The client shares its descriptor's flags with other processes, so it must not be made non-blocking. A
        // descriptor of our own on the same pipe can be.
        let own = format!("/proc/self/fd/{}", fd.as_raw_fd());
        match rustix::fs::open(own, OFlags::WRONLY | OFlags::NONBLOCK | OFlags::CLOEXEC, Mode::empty()) {
            Ok(own) => {
                let _ = rustix::pipe::fcntl_setpipe_size(&own, PIPE_SIZE);
                Ok(Self { fd: own, pipe, cancel })
            }
            Err(_) => Ok(Self { fd, pipe: false, cancel }),
        }
    }

    fn wait(&self) -> Result<(), Stop> {
        loop {
            if self.cancel.raised() {
                return Err(Stop::Cancelled);
            }
            let mut fds = [PollFd::new(&self.fd, PollFlags::OUT)];
            match poll(&mut fds, Some(&LOOK)) {
                Ok(0) | Err(rustix::io::Errno::INTR) => {}
                Ok(_) => return Ok(()),
                Err(e) => return Err(failed(e)),
            }
        }
    }
}

fn failed(e: rustix::io::Errno) -> Stop {
    match e {
        rustix::io::Errno::PIPE => Stop::ReaderGone,
        rustix::io::Errno::NOSPC | rustix::io::Errno::DQUOT => Stop::Failed(
            ApiError::new(ErrorKind::Failed, "disk_full", "the disk of the output file is full")
                .hint("free some space, or write to another place with -o"),
        ),
        e => Stop::Failed(ApiError::new(
            ErrorKind::Failed,
            "output",
            format!("writing the output failed: {e}"),
        )),
    }
}

impl Sink for FdSink {
    fn write(&mut self, bytes: Vec<u8>) -> Result<(), Stop> {
        let mut rest = &bytes[..];
        while !rest.is_empty() {
            if self.cancel.raised() {
                return Err(Stop::Cancelled);
            }
            match rustix::io::write(&self.fd, rest) {
                Ok(n) => rest = &rest[n..],
                Err(rustix::io::Errno::INTR) => {}
                Err(rustix::io::Errno::AGAIN) if self.pipe => self.wait()?,
                Err(e) => return Err(failed(e)),
            }
        }
        Ok(())
    }
}
