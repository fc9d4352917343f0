//! The one thread that writes: takes what has been asked for in the meantime, writes it as one group, syncs once, and
//! only then answers. Hundreds of statements at once share a sync.

use super::Rules;
use super::line::{self, Head, Header};
use super::lock::{Held, Lock};
use super::recover::{Known, Open, Remark, recover};
use super::segment::Segment;
use crate::clock;
use crate::state::StateError;
use chrono::{DateTime, SecondsFormat, Utc};
use std::fs::File;
use std::io::{self, Write};
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::sync::mpsc::Receiver;
use std::sync::{Arc, OnceLock};
use tokio::sync::{oneshot, watch};
use wharf_settings::{Use, WholeFile};

/// A group is closed at this many bytes: who waits behind it gets a sync of their own.
const GROUP_BYTES: usize = 1 << 20;

/// What the thread is asked for.
pub(super) enum Message {
    /// Write this entry's JSON object.
    Append(Ask),
    /// Write what was asked for before, and end.
    Stop,
}

pub(super) struct Ask {
    pub(super) entry: String,
    pub(super) done: oneshot::Sender<Result<(), StateError>>,
}

/// Why a group was not written.
#[derive(Debug, Clone)]
enum Fault {
    Full,
    ReadOnly { file: PathBuf, cause: String },
    Locked,
    Io { file: PathBuf, cause: String },
    Degraded,
}

/// Why writing is refused for good: the words and the remedy of the first failure.
pub(super) type Refusal = Arc<OnceLock<(String, Option<String>)>>;

pub(super) struct Writer {
    folder: PathBuf,
    rules: Rules,
    lock: Arc<Lock>,
    open: Option<Open>,
    known: Known,
    remarks: Vec<Remark>,
    position: watch::Sender<Known>,
    refusal: Refusal,
}

impl Writer {
    /// Opens the log in `folder`, which reaches at least as far as `known`, and mends what a crash has left.
    ///
    /// # Errors
    /// When the files cannot be read, or are not files.
    pub(super) fn open(
        folder: &Path,
        rules: Rules,
        position: watch::Sender<Known>,
        refusal: &Refusal,
    ) -> Result<Self, StateError> {
        let failed = |e: io::Error| Fault::of(folder, &e).told(folder, refusal);
        let lock = Arc::new(Lock::open(folder).map_err(failed)?);
        let known = *position.borrow();
        let (folder, refusal) = (folder.to_owned(), refusal.clone());
        let mut writer =
            Self { folder, rules, lock, open: None, known, remarks: Vec::new(), position, refusal };
        // A remark that cannot be written now is written with the first line that can.
        match writer.begin() {
            Err(Fault::Full) | Ok(()) => Ok(writer),
            Err(fault) => Err(fault.told(&writer.folder, &writer.refusal)),
        }
    }

    fn begin(&mut self) -> Result<(), Fault> {
        let lock = self.lock.clone();
        let held = lock.hold().map_err(|e| Fault::of(&self.folder, &e))?;
        self.look_again(&held)?;
        if self.remarks.is_empty() { Ok(()) } else { self.put(&held, &[]) }
    }

    /// Writes groups until it is told to end, or nobody is left to ask.
    pub(super) fn run(mut self, messages: &Receiver<Message>) {
        let mut stopped = false;
        while !stopped {
            let Ok(first) = messages.recv() else { return };
            let (mut asks, mut bytes) = (Vec::new(), 0);
            let mut next = Some(first);
            while let Some(message) = next {
                match message {
                    Message::Append(ask) => {
                        bytes += ask.entry.len();
                        asks.push(ask);
                    }
                    Message::Stop => stopped = true,
                }
                next = if stopped || bytes >= GROUP_BYTES { None } else { messages.try_recv().ok() };
            }
            let result = if asks.is_empty() { Ok(()) } else { self.group(&asks) };
            for ask in asks {
                let told = result.clone().map_err(|fault| fault.told(&self.folder, &self.refusal));
                let _ = ask.done.send(told);
            }
        }
    }

    fn group(&mut self, asks: &[Ask]) -> Result<(), Fault> {
        if self.refusal.get().is_some() {
            return Err(Fault::Degraded);
        }
        let lock = self.lock.clone();
        let held = lock.hold().map_err(|e| Fault::of(&self.folder, &e))?;
        if !self.untouched(&held) {
            self.look_again(&held)?;
        }
        self.put(&held, asks)
    }

    /// Whether nobody else has written since this writer did.
    fn untouched(&self, held: &Held) -> bool {
        let same =
            |open: &Open| open.file.metadata().is_ok_and(|meta| meta.len() == open.bytes && meta.nlink() > 0);
        held.newest() == Some(self.known.segment) && self.open.as_ref().is_none_or(same)
    }

    fn look_again(&mut self, held: &Held) -> Result<(), Fault> {
        self.open = None;
        let found = recover(&self.folder, self.known).map_err(|e| Fault::of(&self.folder, &e))?;
        self.open = found.open;
        self.known = Known { head: found.head, segment: found.last_segment };
        self.remarks.extend(found.remark);
        if held.newest() != Some(found.last_segment) {
            held.set_newest(found.last_segment).map_err(|e| Fault::of(&self.folder, &e))?;
        }
        self.position.send_replace(self.known);
        Ok(())
    }

    /// Writes the lines of a group, in this segment or a new one.
    fn put(&mut self, held: &Held, asks: &[Ask]) -> Result<(), Fault> {
        let now = clock::now();
        let remarks: Vec<String> = self.remarks.iter().map(Remark::entry).collect();
        let entries: Vec<&str> =
            remarks.iter().map(String::as_str).chain(asks.iter().map(|a| a.entry.as_str())).collect();
        let bytes: u64 = entries.iter().map(|e| e.len() as u64 + line::OVERHEAD).sum();
        let room = self.open.as_ref().is_some_and(|open| {
            let old = self.rules.max_age.is_some_and(|limit| age(&open.begun, now) > Some(limit));
            !old && open.bytes + bytes <= self.rules.max_size
        });
        let written = if room { self.extend(&entries, now) } else { self.next_segment(held, &entries, now) };
        match written {
            Ok(known) => {
                self.known = known;
                self.remarks.clear();
                self.position.send_replace(known);
                Ok(())
            }
            Err(fault) => {
                // What a failed sync has left is not known, and a second one may say that all is well.
                if matches!(fault, Fault::Io { .. }) {
                    let told = fault.clone().told(&self.folder, &self.refusal);
                    tracing::error!(error = %told, "the audit log failed; nothing is answered until a restart");
                    let _ = self.refusal.set((told.to_string(), told.hint()));
                }
                Err(fault)
            }
        }
    }

    fn extend(&mut self, entries: &[&str], now: DateTime<Utc>) -> Result<Known, Fault> {
        let Some(open) = &mut self.open else { return Err(Fault::Degraded) };
        let mut text = Vec::new();
        let head = lines(&mut text, self.known.head, entries, now);
        let written = open.file.write_all(&text).and_then(|()| open.file.sync_data());
        if let Err(e) = written {
            let fault = Fault::of(&open.segment.path, &e);
            // Nobody was told of these lines. If they cannot be taken back, the next group finds them and mends.
            if matches!(fault, Fault::Full) {
                let _ = open.file.set_len(open.bytes);
            }
            return Err(fault);
        }
        open.bytes += text.len() as u64;
        Ok(Known { head, segment: open.segment.number })
    }

    /// Begins a segment. It appears under its name with its first lines in it, or not at all.
    fn next_segment(&mut self, held: &Held, entries: &[&str], now: DateTime<Utc>) -> Result<Known, Fault> {
        let number = self.known.segment + 1;
        let segment = Segment::new(&self.folder, number, now);
        let failed = |e: &io::Error| Fault::of(&segment.path, e);
        let header = Header {
            segment: number,
            first: self.known.head.seq + 1,
            at: text_of(now),
            version: env!("CARGO_PKG_VERSION").to_owned(),
            previous: self.known.head.hash.to_hex().to_string(),
        };
        let mut text = Vec::new();
        let hash = line::put_header(&mut text, &header, &self.known.head.hash);
        let head = lines(&mut text, header.head(hash), entries, now);
        held.set_newest(number).map_err(|e| failed(&e))?;
        let mut whole = WholeFile::create(&segment.path, Use::Own).map_err(|e| failed(&e))?;
        whole.file.write_all(&text).and_then(|()| whole.keep()).map_err(|e| failed(&e))?;
        sync_folder(&self.folder).map_err(|e| failed(&e))?;
        // Should it not open, the next group looks for it.
        let bytes = text.len() as u64;
        self.open = segment.append().ok().map(|file| Open { segment, file, bytes, begun: header.at });
        Ok(Known { head, segment: number })
    }
}

/// Puts the names in a folder on the disk. Not every file system can be asked for that.
fn sync_folder(folder: &Path) -> io::Result<()> {
    match File::open(folder).and_then(|f| f.sync_all()) {
        Err(e) if e.kind() == io::ErrorKind::InvalidInput => Ok(()),
        done => done,
    }
}

fn text_of(time: DateTime<Utc>) -> String {
    time.to_rfc3339_opts(SecondsFormat::Micros, true)
}

fn lines(text: &mut Vec<u8>, head: Head, entries: &[&str], now: DateTime<Utc>) -> Head {
    let at = text_of(now);
    entries.iter().fold(head, |head, entry| line::put(text, head, &at, entry))
}

/// How old something is; none if it is of the future, because the clock was set back.
fn age(begun: &str, now: DateTime<Utc>) -> Option<std::time::Duration> {
    let begun = DateTime::parse_from_rfc3339(begun).ok()?;
    (now - begun.with_timezone(&Utc)).to_std().ok()
}

impl Fault {
    fn of(file: &Path, error: &io::Error) -> Self {
        let (file, cause) = (file.to_owned(), error.to_string());
        if error.raw_os_error() == Some(rustix::io::Errno::LOOP.raw_os_error()) {
            return Self::ReadOnly { file, cause: "it is a symbolic link".to_owned() };
        }
        match error.kind() {
            io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded => Self::Full,
            io::ErrorKind::TimedOut => Self::Locked,
            io::ErrorKind::PermissionDenied
            | io::ErrorKind::ReadOnlyFilesystem
            | io::ErrorKind::IsADirectory
            | io::ErrorKind::NotADirectory
            | io::ErrorKind::InvalidInput => Self::ReadOnly { file, cause },
            _ => Self::Io { file, cause },
        }
    }

    fn told(self, folder: &Path, refusal: &Refusal) -> StateError {
        match self {
            Self::Full => StateError::DiskFull { dir: folder.to_owned() },
            Self::ReadOnly { file, cause } => StateError::ReadOnly { file, cause },
            Self::Locked => StateError::Locked { file: folder.join("lock") },
            Self::Io { file, cause } => StateError::Io { file, cause },
            Self::Degraded => {
                let (reason, remedy) = refusal.get().cloned().unwrap_or_default();
                StateError::Degraded { reason, remedy }
            }
        }
    }
}

impl Remark {
    fn entry(&self) -> String {
        let entry = super::Entry::of_the_log(self.outcome, self.reason.clone(), self.text.clone());
        serde_json::to_string(&entry).unwrap_or_default()
    }
}
