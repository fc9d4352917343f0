//! Where written bytes go: a descriptor that the client handed over, or the body of an HTTP reply.

use crate::sources::{Cancel, Stop};
use axum::body::Bytes;
use futures::executor::block_on;
use futures::future::{Either, select};
use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::fs::{FileType, Mode, OFlags};
use rustix::net::SendFlags;
use std::os::fd::{AsRawFd, OwnedFd};
use wharf_protocol::{ApiError, ErrorKind};

/// Takes bytes in order. Blocks while the reader is behind; ends with [`Stop`] when it is gone.
pub trait Sink: Send {
    /// Hands `bytes` over.
    ///
    /// # Errors
    /// When the reader is gone, the statement was cancelled, or the device failed.
    fn write(&mut self, bytes: Vec<u8>) -> Result<(), Stop>;
    /// The same for bytes that the caller keeps.
    ///
    /// # Errors
    /// As [`Self::write`].
    fn write_copy(&mut self, bytes: &[u8]) -> Result<(), Stop> {
        self.write(bytes.to_vec())
    }
}

/// The body of an HTTP reply.
pub struct BodySink {
    pieces: tokio::sync::mpsc::Sender<Bytes>,
    cancel: Cancel,
}

impl BodySink {
    /// Sends `pieces` of a body until `cancel` is raised.
    pub fn new(pieces: tokio::sync::mpsc::Sender<Bytes>, cancel: Cancel) -> Self {
        Self { pieces, cancel }
    }
}

impl Sink for BodySink {
    fn write(&mut self, bytes: Vec<u8>) -> Result<(), Stop> {
        if bytes.is_empty() {
            return Ok(());
        }
        // A reader that does not read must not keep a statement alive that is to end.
        let sent = std::pin::pin!(self.pieces.send(Bytes::from(bytes)));
        let cancelled = std::pin::pin!(self.cancel.wait());
        match block_on(select(sent, cancelled)) {
            Either::Left((sent, _)) => sent.map_err(|_| Stop::ReaderGone),
            Either::Right(_) => Err(Stop::Cancelled),
        }
    }
}

/// A client's own output: pipe, socket, file or terminal. The daemon writes to it directly, which saves a copy.
pub struct FdSink {
    fd: OwnedFd,
    kind: Kind,
    cancel: Cancel,
}

/// How an output is written to so that a reader who is behind never blocks the writer for good.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Kind {
    /// A descriptor of our own that does not block.
    Pipe,
    /// Each write says that it must not block.
    Socket,
    /// It takes what is written.
    File,
}

/// Size of a pipe: as much as Linux lets an ordinary user have, which saves wake-ups.
pub(crate) const PIPE_SIZE: usize = 1 << 20;
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
        match FileType::from_raw_mode(stat.st_mode) {
            FileType::Fifo => {}
            FileType::Socket => return Ok(Self { fd, kind: Kind::Socket, cancel }),
            _ => return Ok(Self { fd, kind: Kind::File, cancel }),
        }
        // The client shares its descriptor's flags with other processes, so it must not be made non-blocking. A
        // descriptor of our own on the same pipe can be.
        let own = format!("/proc/self/fd/{}", fd.as_raw_fd());
        match rustix::fs::open(own, OFlags::WRONLY | OFlags::NONBLOCK | OFlags::CLOEXEC, Mode::empty()) {
            Ok(own) => {
                let _ = rustix::pipe::fcntl_setpipe_size(&own, PIPE_SIZE);
                Ok(Self { fd: own, kind: Kind::Pipe, cancel })
            }
            Err(_) => Ok(Self { fd, kind: Kind::File, cancel }),
        }
    }

    fn write_some(&self, bytes: &[u8]) -> rustix::io::Result<usize> {
        match self.kind {
            Kind::Socket => rustix::net::send(&self.fd, bytes, SendFlags::DONTWAIT | SendFlags::NOSIGNAL),
            Kind::Pipe | Kind::File => rustix::io::write(&self.fd, bytes),
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
        rustix::io::Errno::PIPE | rustix::io::Errno::CONNRESET => Stop::ReaderGone,
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
        self.write_copy(&bytes)
    }

    fn write_copy(&mut self, bytes: &[u8]) -> Result<(), Stop> {
        let mut rest = bytes;
        while !rest.is_empty() {
            if self.cancel.raised() {
                return Err(Stop::Cancelled);
            }
            match self.write_some(rest) {
                Ok(n) => rest = &rest[n..],
                Err(rustix::io::Errno::INTR) => {}
                Err(rustix::io::Errno::AGAIN) if self.kind != Kind::File => self.wait()?,
                Err(e) => return Err(failed(e)),
            }
        }
        Ok(())
    }
}
