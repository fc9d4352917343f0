//! Checks the whole chain: every line against the one before, every segment against the one before, and both ends
//! against the note in the state.

use super::line::{Head, Parts};
use super::lock::Lock;
use super::note::Note;
use super::recover::Known;
use super::segment::{self, Segment};
use super::{Audit, StateError};
use serde::Serialize;
use std::collections::VecDeque;
use std::io::{self, BufRead, BufReader, Read};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use utoipa::ToSchema;

/// More problems than these are counted, not told.
const TOLD: usize = 100;

/// Something that is not as it was written.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
#[schema(as = AuditProblem)]
pub struct Problem {
    /// The file.
    pub file: String,
    /// The line in the file, from 1 on; 0 if the file itself is meant.
    pub line: u64,
    /// What is wrong.
    pub what: String,
}

/// What was checked and what was found.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, ToSchema)]
#[schema(as = AuditVerdict)]
pub struct Verdict {
    /// Whether nothing was found.
    pub sound: bool,
    /// Lines checked.
    pub lines: u64,
    /// Segments checked.
    pub segments: u64,
    /// Number of the first line that is kept.
    pub first: u64,
    /// Number of the last line.
    pub last: u64,
    /// Hash of the last line. Who notes it elsewhere can tell later that nothing before it was changed.
    pub head: String,
    /// Where the files are.
    pub folder: String,
    /// The first problems, in the order of the files.
    pub problems: Vec<Problem>,
    /// How many there are.
    pub found: u64,
}

/// What is to be checked, as it was at one instant.
struct Extent {
    segments: Vec<Segment>,
    last_bytes: u64,
    note: Note,
    /// What this process has written.
    own: Known,
}

impl Audit {
    /// Checks every line that was written before the call.
    ///
    /// # Errors
    /// When the files or the state cannot be read.
    pub async fn verify(&self) -> Result<Verdict, StateError> {
        loop {
            // The note first: the files are never behind it.
            let note = Note::load(&self.0.state, false).await?;
            let audit = self.clone();
            // Checking ends when nobody waits for it any longer.
            let wanted = Arc::new(AtomicBool::new(true));
            let _gone = Unwanted(wanted.clone());
            let oldest = note.oldest_segment;
            let check = tokio::task::spawn_blocking(move || audit.check(note, &wanted));
            let verdict = check.await.map_err(|e| StateError::Other(e.to_string()))??;
            // Unless old segments were deleted in the meantime.
            if verdict.sound || Note::load(&self.0.state, false).await?.oldest_segment == oldest {
                return Ok(verdict);
            }
        }
    }

    fn check(&self, note: Note, wanted: &AtomicBool) -> Result<Verdict, StateError> {
        let folder = &self.0.folder;
        let extent = self.extent(note).map_err(|e| self.unreadable(folder, &e))?;
        let mut walk = Walk::new(&extent);
        walk.verdict.folder = folder.display().to_string();
        let count = extent.segments.len();
        for (index, segment) in extent.segments.iter().enumerate() {
            let limit = if index + 1 == count { extent.last_bytes } else { u64::MAX };
            if !walk.segment(segment, limit, wanted).map_err(|e| self.unreadable(&segment.path, &e))? {
                return Err(StateError::Other("nobody waits for the check".to_owned()));
            }
        }
        Ok(walk.end(&extent))
    }

    /// While nobody writes, so that a line which is not whole is not one that is being written.
    fn extent(&self, note: Note) -> io::Result<Extent> {
        let lock = Lock::open(&self.0.folder)?;
        let _held = lock.hold()?;
        let mut segments = segment::list(&self.0.folder)?;
        // Those before are on their way out.
        segments.retain(|s| s.number >= note.oldest_segment);
        let size = |s: &Segment| std::fs::symlink_metadata(&s.path).map(|m| m.len());
        let last_bytes = segments.last().map(size).transpose()?.unwrap_or(0);
        let own = *self.0.position.borrow();
        Ok(Extent { segments, last_bytes, note, own })
    }
}

struct Unwanted(Arc<AtomicBool>);

impl Drop for Unwanted {
    fn drop(&mut self) {
        self.0.store(false, Ordering::Relaxed);
    }
}

/// The way along the chain.
struct Walk {
    verdict: Verdict,
    /// The line before, as it says it is.
    head: Head,
    next_segment: u64,
    /// Lines that are known to have been written, and are yet to come.
    known: VecDeque<Head>,
}

impl Walk {
    fn new(extent: &Extent) -> Self {
        let note = &extent.note;
        let verdict = Verdict { first: note.before.seq + 1, ..Verdict::default() };
        let mut known = vec![note.known.head, extent.own.head];
        known.retain(|k| k.seq > note.before.seq);
        known.sort_by_key(|k| k.seq);
        known.dedup();
        Self { verdict, head: note.before, next_segment: note.oldest_segment, known: known.into() }
    }

    fn problem(&mut self, file: &str, line: u64, what: String) {
        self.verdict.found += 1;
        if self.verdict.problems.len() < TOLD {
            self.verdict.problems.push(Problem { file: file.to_owned(), line, what });
        }
    }

    /// Checks a segment up to `limit` bytes. False if nobody wants to know any longer.
    fn segment(&mut self, segment: &Segment, limit: u64, wanted: &AtomicBool) -> io::Result<bool> {
        let name = segment.name();
        self.number(segment.number, &name);
        let file = match segment.read() {
            Ok(file) => file,
            Err(e) if e.kind() != io::ErrorKind::NotFound => {
                self.problem(&name, 0, format!("it cannot be read: {e}"));
                return Ok(true);
            }
            Err(_) => return Ok(true),
        };
        self.verdict.segments += 1;
        let mut reader = BufReader::with_capacity(256 << 10, file.take(limit));
        let (mut line, mut number) = (Vec::new(), 0);
        while reader.read_until(b'\n', &mut line)? > 0 {
            number += 1;
            let whole = line.pop_if(|b| *b == b'\n').is_some();
            match (whole, number) {
                (false, _) => self.problem(&name, number, "the file ends in the middle of a line".to_owned()),
                (true, 1) => self.header(segment, &name, &line),
                (true, _) => self.line(&name, number, &line),
            }
            line.clear();
            if number % 4096 == 0 && !wanted.load(Ordering::Relaxed) {
                return Ok(false);
            }
        }
        if number == 0 {
            self.problem(&name, 0, "the file is empty".to_owned());
        }
        Ok(true)
    }

    /// Whether the segment is the next one.
    fn number(&mut self, number: u64, name: &str) {
        let expected = self.next_segment;
        if number < expected {
            self.problem(name, 0, format!("there are two segments with the number {number}"));
        } else if number > expected {
            self.problem(name, 0, gone("segment", expected, number - 1));
        }
        self.next_segment = number + 1;
    }

    fn header(&mut self, segment: &Segment, name: &str, line: &[u8]) {
        let header = Parts::of(line).and_then(|p| Some((p, super::line::Header::of(&p)?)));
        let Some((parts, header)) = header else {
            return self.problem(name, 1, "it does not begin as a segment does".to_owned());
        };
        let previous = header.previous();
        let named = header.segment == segment.number;
        if !named || !previous.is_some_and(|previous| parts.fits(&previous)) {
            self.problem(name, 1, "the line was changed: its hash does not fit".to_owned());
        } else if header.first > self.head.seq + 1 {
            self.problem(name, 1, gone("line", self.head.seq + 1, header.first - 1));
        } else if previous != Some(self.head.hash) || header.first != self.head.seq + 1 {
            self.problem(name, 1, "the segment does not come behind what stands before it".to_owned());
        }
        self.settle(name, 1, header.first, None);
        self.head = header.head(parts.hash);
    }

    fn line(&mut self, name: &str, number: u64, line: &[u8]) {
        let parts = Parts::of(line).and_then(|p| Some((p, p.seq_and_time()?.0)));
        let Some((parts, seq)) = parts else {
            return self.problem(name, number, "it is no line of the log".to_owned());
        };
        self.verdict.lines += 1;
        let expected = self.head.seq + 1;
        let fits = parts.fits(&self.head.hash);
        if seq > expected {
            self.problem(name, number, gone("line", expected, seq - 1));
        } else if seq < expected {
            self.problem(name, number, format!("line {seq} stands where line {expected} belongs"));
        } else if !fits {
            self.problem(name, number, "the line was changed: its hash does not fit".to_owned());
        }
        self.settle(name, number, seq, Some(Head { seq, hash: parts.hash }));
        self.head = Head { seq, hash: parts.hash };
    }

    /// Holds what is known against the line `seq`.
    fn settle(&mut self, name: &str, number: u64, seq: u64, line: Option<Head>) {
        while let Some(known) = self.known.front().copied().filter(|k| k.seq <= seq) {
            match line {
                Some(line) if known.seq == seq => {
                    self.known.pop_front();
                    let told = self
                        .verdict
                        .problems
                        .last()
                        .is_some_and(|p| (p.file.as_str(), p.line) == (name, number));
                    if line != known && !told {
                        self.problem(name, number, format!("line {seq} is not the one that was written"));
                    }
                }
                // It was passed over, and that has been told.
                _ if known.seq < seq => drop(self.known.pop_front()),
                _ => return,
            }
        }
    }

    /// What is known to have been written, and was not met.
    fn end(mut self, extent: &Extent) -> Verdict {
        let name = extent.segments.last().map_or_else(|| "audit".to_owned(), Segment::name);
        let last = extent.note.known.segment.max(extent.own.segment);
        if self.next_segment <= last {
            self.problem(&name, 0, gone("segment", self.next_segment, last));
        }
        if let Some(known) = self.known.back().copied().filter(|k| k.seq > self.head.seq) {
            let what = gone("line", self.head.seq + 1, known.seq);
            self.problem(&name, 0, format!("the log ends too early: {what}"));
        }
        let mut verdict = self.verdict;
        (verdict.last, verdict.head) = (self.head.seq, self.head.hash.to_hex().to_string());
        verdict.sound = verdict.found == 0;
        verdict
    }
}

fn gone(what: &str, first: u64, last: u64) -> String {
    if first == last {
        format!("{what} {first} is missing")
    } else {
        format!("{what}s {first} to {last} are missing")
    }
}
