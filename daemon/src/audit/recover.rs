//! Where to go on writing, at the start and whenever somebody else has touched the files.
//!
//! A line is acknowledged only when it is on the disk, so what a crash leaves behind the last line break was promised to
//! nobody: it is cut off, and a line tells what it was. Anything else that does not fit is not the work of a crash. It is
//! left as it is, and the log goes on in a new segment that names the line which should stand there, so that the gap is
//! found by everyone who checks the chain, for as long as the segment is kept.

use super::line::Head;
use super::segment::{self, Backward, Segment, Tail};
use std::fs::File;
use std::io;
use std::path::Path;

/// Of a torn line, this much is kept in the log.
const TORN_KEPT: usize = 64 << 10;

/// What is known to have been written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Known {
    /// The last line.
    pub(super) head: Head,
    /// The segment it is in; 0 before the first.
    pub(super) segment: u64,
}

/// A segment open for writing.
#[derive(Debug)]
pub(super) struct Open {
    pub(super) segment: Segment,
    pub(super) file: File,
    pub(super) bytes: u64,
    /// When it was begun, as its first line says.
    pub(super) begun: String,
}

/// What was not as it was left, for a line of its own.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Remark {
    /// `repaired` or `damaged`.
    pub(super) outcome: &'static str,
    pub(super) reason: String,
    /// What was cut off.
    pub(super) text: String,
}

/// How to go on.
#[derive(Debug)]
pub(super) struct Found {
    /// Where to add lines; none: a new segment is to be begun.
    pub(super) open: Option<Open>,
    /// The segment that a new one comes behind.
    pub(super) last_segment: u64,
    /// The line to go on behind.
    pub(super) head: Head,
    pub(super) remark: Option<Remark>,
}

/// Looks at the end of the log in `folder`. Nobody else may be writing.
///
/// # Errors
/// When it cannot be read, or a torn line cannot be cut off.
pub(super) fn recover(folder: &Path, known: Known) -> io::Result<Found> {
    let Some(last) = segment::newest(folder)? else {
        let reason = format!("all segments are gone; line {} was the last", known.head.seq);
        let remark = (known.head.seq > 0).then(|| damaged(reason));
        return Ok(Found { open: None, last_segment: known.segment, head: known.head, remark });
    };
    let last_segment = last.number.max(known.segment);
    let anew =
        |head, reason: String| Ok(Found { open: None, last_segment, head, remark: Some(damaged(reason)) });
    let name = last.name();
    let (file, begun) = match last.append().and_then(|file| Ok((file, last.header()?.0.at))) {
        Ok(opened) => opened,
        Err(e) if e.kind() == io::ErrorKind::InvalidData => return anew(known.head, format!("{name}: {e}")),
        Err(e) => return Err(e),
    };
    let Tail { last: found, damaged: garbage, torn } = segment::tail(&file)?;
    let (head, end) = found.unwrap_or((known.head, 0));
    if head.seq < known.head.seq {
        let reason =
            format!("{name} ends at line {}, and line {} had been written", head.seq, known.head.seq);
        return anew(known.head, reason);
    }
    if garbage || found.is_none() {
        return anew(head, format!("{name} ends in what is no line of the log"));
    }
    if !contains(folder, &file, known.head)? {
        let reason = format!("line {} is not the one that had been written", known.head.seq);
        // With that line's hash, which nothing in the files leads to.
        return anew(Head { seq: head.seq, hash: known.head.hash }, reason);
    }
    let remark = if torn.is_empty() { None } else { Some(cut_off(&file, end, &name, &torn)?) };
    let open = Open { segment: last, file, bytes: end, begun };
    Ok(Found { open: Some(open), last_segment, head, remark })
}

fn damaged(reason: String) -> Remark {
    tracing::error!(%reason, "the audit log is not as it was left");
    Remark { outcome: "damaged", reason, text: String::new() }
}

/// Cuts a torn line off.
fn cut_off(file: &File, end: u64, name: &str, torn: &[u8]) -> io::Result<Remark> {
    file.set_len(end)?;
    file.sync_data()?;
    let kept = &torn[..torn.len().min(TORN_KEPT)];
    let reason = format!("{} bytes behind the last line of {name} were cut off: a torn line", torn.len());
    tracing::warn!(%reason, "the audit log was repaired");
    Ok(Remark { outcome: "repaired", reason, text: String::from_utf8_lossy(kept).into_owned() })
}

/// Whether the line `known` stands in the log. Looks from behind, and so costs what was written since; nearly always the
/// line is in the newest segment.
fn contains(folder: &Path, newest: &File, known: Head) -> io::Result<bool> {
    if known.seq == 0 {
        return Ok(true);
    }
    if let Some(found) = look_back(newest, known)? {
        return Ok(found);
    }
    for segment in segment::list(folder)?.iter().rev().skip(1) {
        let found = match segment.read() {
            Ok(file) => look_back(&file, known)?,
            // It was too old to be kept.
            Err(e) if e.kind() == io::ErrorKind::NotFound => None,
            Err(e) => return Err(e),
        };
        if let Some(found) = found {
            return Ok(found);
        }
    }
    // It went with a segment that was kept no longer, while another process wrote. Were the segment taken away, the note
    // would tell.
    Ok(true)
}

/// Whether the line stands in a segment; none if it could still be in one before.
fn look_back(file: &File, known: Head) -> io::Result<Option<bool>> {
    let mut lines = Backward::new(file.metadata()?.len());
    while let Some((_, line)) = lines.next(file)? {
        match segment::head_of(&line) {
            Some(head) if head == known => return Ok(Some(true)),
            // The first line of a segment counts as the line before it, under a hash of its own.
            Some(head) if head.seq < known.seq => return Ok(Some(false)),
            _ => {}
        }
    }
    Ok(None)
}
