//! A client hands over its own output descriptor, so that rows go from the engine straight into its pipe or file.
//!
//! The descriptor travels over a Unix socket of its own (`SCM_RIGHTS`) with a 16-byte id that the client chooses; the
//! statement that follows over HTTP names the id. What nobody asks for is closed after a while.

use rustix::net::{RecvAncillaryBuffer, RecvAncillaryMessage, RecvFlags};
use std::collections::HashMap;
use std::io::IoSliceMut;
use std::mem::MaybeUninit;
use std::os::fd::OwnedFd;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;
use tokio::io::{AsyncWriteExt, Interest};
use tokio::net::{UnixListener, UnixStream};

/// How long a descriptor waits for its statement.
const WAIT: Duration = Duration::from_secs(10);
/// Descriptors that may wait at once.
const MOST: usize = 256;

/// Descriptors handed over and not yet taken. Cheap to clone.
#[derive(Clone, Default)]
pub struct Handoff(Arc<Mutex<Waiting>>);

/// Chosen by the client at random.
type Id = [u8; 16];

type Waiting = HashMap<Id, OwnedFd>;

impl Handoff {
    /// Takes the descriptor that was handed over under this id (32 hexadecimal digits).
    pub fn take(&self, id: &str) -> Option<OwnedFd> {
        let mut key = [0_u8; 16];
        if id.len() != 32 || !id.is_ascii() {
            return None;
        }
        for (i, byte) in key.iter_mut().enumerate() {
            *byte = u8::from_str_radix(&id[2 * i..2 * i + 2], 16).ok()?;
        }
        self.waiting().remove(&key)
    }

    /// Takes in descriptors until the listener fails.
    pub async fn serve(self, listener: UnixListener) {
        let own = rustix::process::getuid().as_raw();
        loop {
            let Ok((stream, _)) = listener.accept().await else {
                tokio::time::sleep(Duration::from_millis(20)).await;
                continue;
            };
            match stream.peer_cred() {
                Ok(peer) if peer.uid() == own => {
                    let this = self.clone();
                    tokio::spawn(async move {
                        let received = tokio::time::timeout(WAIT, this.receive(stream)).await;
                        if let Ok(Ok(Some(id))) = received {
                            // Its client may have died: whoever reads the output must not wait for us.
                            tokio::time::sleep(WAIT).await;
                            this.waiting().remove(&id);
                        }
                    });
                }
                peer => {
                    let who = peer.map_or_else(|e| e.to_string(), |p| format!("user {}", p.uid()));
                    tracing::warn!(%who, "refused the output of another user");
                }
            }
        }
    }

    /// Takes one descriptor in; its id, if there was room for it.
    async fn receive(&self, mut stream: UnixStream) -> std::io::Result<Option<Id>> {
        let received = loop {
            stream.readable().await?;
            match stream.try_io(Interest::READABLE, || read_one(&stream)) {
                Err(e) if e.kind() == std::io::ErrorKind::WouldBlock => {}
                other => break other?,
            }
        };
        let Some((id, fd)) = received else { return Ok(None) };
        let room = {
            let mut waiting = self.waiting();
            let room = waiting.len() < MOST;
            if room {
                waiting.insert(id, fd);
            }
            room
        };
        let told = stream.write_all(&[u8::from(room)]).await;
        if told.is_err() {
            self.waiting().remove(&id);
        }
        told.map(|()| room.then_some(id))
    }

    fn waiting(&self) -> MutexGuard<'_, Waiting> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn read_one(stream: &UnixStream) -> std::io::Result<Option<(Id, OwnedFd)>> {
    let mut id = [0_u8; 16];
    let mut space = [MaybeUninit::uninit(); rustix::cmsg_space!(ScmRights(1))];
    let mut control = RecvAncillaryBuffer::new(&mut space);
    let got =
        rustix::net::recvmsg(stream, &mut [IoSliceMut::new(&mut id)], &mut control, RecvFlags::CMSG_CLOEXEC)?;
    let mut fd = None;
    for message in control.drain() {
        if let RecvAncillaryMessage::ScmRights(fds) = message {
            fd = fds.into_iter().next();
        }
    }
    Ok(fd.filter(|_| got.bytes == id.len()).map(|fd| (id, fd)))
}
