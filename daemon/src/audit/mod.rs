//! The audit log: who asked what, what it read, how it ended. Append-only, each line bound to the one before it.
//!
//! ```text
//! append -> writer (one thread: group, write, sync) -> segments: audit/000001-20261121T150000Z.ndjson, ...
//!                                                   -> note in the state: how far they reach, soon after
//! ```
//! A segment is lines of JSON, each with a hash over the line before and its own text; the first names the last hash of
//! the segment before. A line that is changed, removed, put in or moved breaks the chain; a chain that is cut at its end,
//! or a file that is taken away, does not fit the note. Segments are closed by size and age and kept for a time.
//!
//! A line is on the disk when [`Audit::append`] returns. A full disk fails the append and is tried again with the next;
//! after any other failure nothing is written until a restart, because a second sync after a failed one may lie.

mod entry;
mod import;
mod line;
mod lock;
mod note;
mod read;
mod recover;
mod retain;
mod search;
mod segment;
#[cfg(test)]
mod tests;
mod verify;
mod writer;

pub use entry::{Entry, Line, seq_of};
pub use read::{Lines, Order};
pub use search::{Filter, Page};
pub use verify::{Problem, Verdict};

use crate::state::{State, StateError};
use line::Head;
use recover::Known;
use std::path::{Path, PathBuf};
use std::sync::mpsc::{self, Sender};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::JoinHandle;
use std::time::Duration;
use tokio::sync::{oneshot, watch};
use tokio_util::task::AbortOnDropHandle;
use writer::{Ask, Message, Refusal, Writer};

/// When segments are closed and how long they are kept.
#[derive(Debug, Clone, Copy)]
pub struct Rules {
    /// Bytes of a segment; one line alone may have more.
    pub max_size: u64,
    /// A segment this old takes no more lines; `None` = any age.
    pub max_age: Option<Duration>,
    /// A segment whose last line is this old is deleted; `None` = never.
    pub keep: Option<Duration>,
}

impl Default for Rules {
    fn default() -> Self {
        Self { max_size: 64 << 20, max_age: None, keep: None }
    }
}

/// The log. Cheap to clone.
#[derive(Clone)]
pub struct Audit(Arc<Inner>);

struct Inner {
    folder: PathBuf,
    state: State,
    rules: Rules,
    messages: Sender<Message>,
    position: watch::Receiver<Known>,
    refusal: Refusal,
    thread: Mutex<Option<JoinHandle<()>>>,
    _noting: AbortOnDropHandle<()>,
}

/// A line on its way to the disk. It gets there also when nobody waits for it.
#[must_use = "what was to be audited must wait until its line is on the disk"]
pub struct Receipt(oneshot::Receiver<Result<(), StateError>>);

impl Receipt {
    /// Waits until the line is on the disk.
    ///
    /// # Errors
    /// When it is not.
    pub async fn written(self) -> Result<(), StateError> {
        self.0.await.unwrap_or_else(|_| Err(ended()))
    }

    /// The same for a thread that may block.
    ///
    /// # Errors
    /// When it is not.
    pub fn wait(self) -> Result<(), StateError> {
        self.0.blocking_recv().unwrap_or_else(|_| Err(ended()))
    }
}

fn ended() -> StateError {
    StateError::Other("the audit log is closed; the daemon is ending".to_owned())
}

impl Audit {
    /// Opens the log in `folder`, creating it if it is missing, and mends what a crash has left.
    ///
    /// # Errors
    /// When the folder or the last segment cannot be used.
    pub async fn open(state: State, folder: &Path, rules: Rules) -> Result<Self, StateError> {
        ensure(folder)?;
        let mut note = note::Note::load(&state, true).await?;
        if note.waiting {
            note = import::import(&state, folder).await?;
        }
        let adopted = note::adopt(&state, folder, &note).await?;
        let (position, seen) = watch::channel(note.known);
        let refusal = Refusal::default();
        let (messages, inbox) = mpsc::channel();
        let (opened, when_open) = oneshot::channel();
        let (own, refused) = (folder.to_owned(), refusal.clone());
        let work = move || match Writer::open(&own, rules, position, &refused) {
            Ok(writer) => {
                let _ = opened.send(Ok(()));
                writer.run(&inbox);
            }
            Err(error) => drop(opened.send(Err(error))),
        };
        let thread = std::thread::Builder::new().name("audit".to_owned()).spawn(work);
        let thread = thread.map_err(|e| StateError::Other(format!("no thread for the audit log: {e}")))?;
        when_open.await.unwrap_or_else(|_| Err(ended()))?;
        let noting = tokio::spawn(note::follow(state.clone(), seen.clone()));
        let audit = Self(Arc::new(Inner {
            folder: folder.to_owned(),
            state,
            rules,
            messages,
            position: seen,
            refusal,
            thread: Mutex::new(Some(thread)),
            _noting: AbortOnDropHandle::new(noting),
        }));
        if let Some(reason) = adopted {
            tracing::warn!(%reason, "the audit log's note is missing");
            audit.append(Entry::of_the_log("damaged", reason, String::new())).await?;
        }
        Ok(audit)
    }

    /// Puts a line into the queue, at once and in the order of the calls.
    pub fn submit(&self, entry: &Entry) -> Receipt {
        let (done, receipt) = oneshot::channel();
        match serde_json::to_string(entry) {
            Ok(entry) => {
                // A log that is closed drops the ask, and with it who waits.
                let _ = self.0.messages.send(Message::Append(Ask { entry, done }));
            }
            Err(e) => drop(done.send(Err(StateError::Other(e.to_string())))),
        }
        Receipt(receipt)
    }

    /// Appends a line; it is on the disk when this returns.
    ///
    /// # Errors
    /// When it is not on the disk. What was to be audited must then not happen.
    pub async fn append(&self, entry: Entry) -> Result<(), StateError> {
        self.submit(&entry).written().await
    }

    /// Why nothing is written until a restart, if that is so.
    pub fn degraded(&self) -> Option<&str> {
        self.0.refusal.get().map(|(reason, _)| reason.as_str())
    }

    /// Writes what is in the queue and notes how far the log reaches. Nothing can be appended afterwards.
    pub async fn close(&self) {
        let _ = self.0.messages.send(Message::Stop);
        let thread = self.0.thread.lock().unwrap_or_else(PoisonError::into_inner).take();
        let Some(thread) = thread else { return };
        let _ = tokio::task::spawn_blocking(move || thread.join()).await;
        let known = *self.0.position.borrow();
        if let Err(error) = note::reach(&self.0.state, known).await {
            tracing::warn!(%error, "how far the audit log reaches could not be noted");
        }
    }

    /// Deletes segments that are to be kept no longer, now and whenever one is closed, for as long as the daemon runs.
    pub fn retain(&self) {
        let audit = self.clone();
        if self.0.rules.keep.is_some() {
            tokio::spawn(retain::run(audit));
        }
    }

    fn head(&self) -> Head {
        self.0.position.borrow().head
    }
}

/// The log's folder, for the user alone.
fn ensure(folder: &Path) -> Result<(), StateError> {
    use std::os::unix::fs::{DirBuilderExt, PermissionsExt};
    let refused = |cause: String| StateError::ReadOnly { file: folder.to_owned(), cause };
    match std::fs::symlink_metadata(folder) {
        Ok(meta) if !meta.is_dir() => Err(refused("it is not a folder".to_owned())),
        Ok(meta) if meta.permissions().mode() & 0o077 != 0 => {
            let own = std::fs::Permissions::from_mode(0o700);
            std::fs::set_permissions(folder, own).map_err(|e| refused(e.to_string()))
        }
        Ok(_) => Ok(()),
        Err(_) => match std::fs::DirBuilder::new().mode(0o700).create(folder) {
            // The folder's own name must outlive a power cut as its files do.
            Ok(()) => folder
                .parent()
                .map_or(Ok(()), |above| std::fs::File::open(above).and_then(|f| f.sync_all()))
                .map_err(|e| StateError::Io { file: folder.to_owned(), cause: e.to_string() }),
            Err(e) if e.kind() == std::io::ErrorKind::AlreadyExists => Ok(()),
            Err(e) if e.kind() == std::io::ErrorKind::StorageFull => {
                Err(StateError::DiskFull { dir: folder.to_owned() })
            }
            Err(e) => Err(refused(e.to_string())),
        },
    }
}
