//! Handing our own output to the daemon, which then writes rows straight into it.

use crate::link::Failure;
use rustix::net::{SendAncillaryBuffer, SendAncillaryMessage, SendFlags};
use std::io::{IoSlice, Read};
use std::mem::MaybeUninit;
use std::os::fd::BorrowedFd;
use std::os::unix::net::UnixStream;
use std::path::Path;
use std::time::Duration;
use wharf_protocol::{ApiError, ErrorKind};

/// Hands `output` over and returns the id to name it by.
///
/// # Errors
/// When the daemon does not take it.
pub fn hand_over(socket: &Path, output: BorrowedFd<'_>) -> Result<String, Failure> {
    let refused = |e: std::io::Error| {
        Failure::from(ApiError::new(
            ErrorKind::Unavailable,
            "handoff",
            format!("the daemon did not take the output: {e}"),
        ))
    };
    let id = *uuid::Uuid::new_v4().as_bytes();
    let mut stream = UnixStream::connect(socket).map_err(refused)?;
    stream.set_read_timeout(Some(Duration::from_secs(5))).map_err(refused)?;
    let fds = [output];
    let mut space = [MaybeUninit::uninit(); rustix::cmsg_space!(ScmRights(1))];
    let mut control = SendAncillaryBuffer::new(&mut space);
    control.push(SendAncillaryMessage::ScmRights(&fds));
    rustix::net::sendmsg(&stream, &[IoSlice::new(&id)], &mut control, SendFlags::empty())
        .map_err(|e| refused(e.into()))?;
    let mut taken = [0_u8; 1];
    stream.read_exact(&mut taken).map_err(refused)?;
    if taken[0] != 1 {
        return Err(Failure::from(ApiError::new(
            ErrorKind::Limit,
            "handoff",
            "the daemon has too many outputs waiting",
        )));
    }
    Ok(id.iter().map(|b| format!("{b:02x}")).collect())
}
