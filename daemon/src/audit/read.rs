//! Lines read back, from either end, without holding more than one.

use super::Audit;
use super::line::Parts;
use super::search::Filter;
use super::segment::{self, Backward, Segment};
use crate::state::StateError;
use std::collections::VecDeque;
use std::fs::File;
use std::io::{self, BufRead, BufReader, Seek, SeekFrom};
use std::path::Path;

/// From which end lines are read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Order {
    /// The newest line first.
    Newest,
    /// The oldest line first.
    Oldest,
}

/// The lines of the log that fit a filter. Reading blocks.
pub struct Lines {
    segments: VecDeque<Segment>,
    reader: Option<Reader>,
    order: Order,
    filter: Filter,
}

enum Reader {
    Backward(File, Backward),
    Forward(BufReader<File>),
}

impl Audit {
    /// The lines that fit, as they stand in the files. What is no line of the log is left out; [`Audit::verify`] finds it.
    ///
    /// # Errors
    /// When the files cannot be listed.
    pub fn lines(&self, filter: Filter, order: Order) -> Result<Lines, StateError> {
        let failed = |e| self.unreadable(&self.0.folder, &e);
        let mut segments: VecDeque<Segment> = segment::list(&self.0.folder).map_err(failed)?.into();
        match (order, filter.after()) {
            // The end of the log is found from its end.
            (Order::Oldest, Some(after)) => skip_till(&mut segments, after),
            (Order::Newest, _) => segments.make_contiguous().reverse(),
            (Order::Oldest, None) => {}
        }
        Ok(Lines { segments, reader: None, order, filter })
    }

    pub(super) fn unreadable(&self, file: &Path, e: &io::Error) -> StateError {
        StateError::Io { file: file.to_owned(), cause: e.to_string() }
    }
}

/// Leaves out the segments that hold nothing behind line `after`.
fn skip_till(segments: &mut VecDeque<Segment>, after: u64) {
    let starts_before = |s: &Segment| s.header().is_ok_and(|(header, _)| header.first <= after + 1);
    if let Some(at) = (1..segments.len()).rev().find(|i| starts_before(&segments[*i])) {
        segments.drain(..at);
    }
}

impl Lines {
    /// The next line that fits, without its line break; none at the end.
    ///
    /// # Errors
    /// When a file cannot be read.
    pub fn read(&mut self) -> Result<Option<Vec<u8>>, StateError> {
        loop {
            if self.reader.is_none() && !self.open()? {
                return Ok(None);
            }
            let Some(line) = self.raw()? else {
                self.reader = None;
                continue;
            };
            let Some((seq, at)) = Parts::of(&line).and_then(|p| p.seq_and_time()) else { continue };
            if self.filter.is_past(seq, self.order) {
                (self.reader, self.segments) = (None, VecDeque::new());
                return Ok(None);
            }
            if self.filter.takes(seq, at, &line) {
                return Ok(Some(line));
            }
        }
    }

    /// The next line of the segment that is open.
    fn raw(&mut self) -> Result<Option<Vec<u8>>, StateError> {
        let line = self.reader.as_mut().map(Reader::next).transpose();
        let failed = |e| StateError::Other(format!("the audit log cannot be read: {e}"));
        line.map(Option::flatten).map_err(failed)
    }

    /// Opens the next segment; false if there is none.
    fn open(&mut self) -> Result<bool, StateError> {
        while let Some(segment) = self.segments.pop_front() {
            let opened = segment.read().and_then(|file| Ok((file.metadata()?.len(), file)));
            let (size, file) = match opened {
                Ok(opened) => opened,
                // It was too old to be kept.
                Err(e) if e.kind() == io::ErrorKind::NotFound => continue,
                Err(e) => return Err(StateError::Io { file: segment.path, cause: e.to_string() }),
            };
            self.reader = Some(match self.order {
                Order::Newest => Reader::Backward(file, Backward::new(size)),
                Order::Oldest => {
                    let start = self.filter.after().map_or(Ok(0), |after| start_behind(&file, size, after));
                    let positioned = start.and_then(|at| (&file).seek(SeekFrom::Start(at)));
                    positioned.map_err(|e| StateError::Io { file: segment.path, cause: e.to_string() })?;
                    Reader::Forward(BufReader::with_capacity(256 << 10, file))
                }
            });
            return Ok(true);
        }
        Ok(false)
    }
}

/// Where the first line behind line `after` begins. Who follows the log asks often, and is nearly at its end.
fn start_behind(file: &File, size: u64, after: u64) -> io::Result<u64> {
    let mut lines = Backward::new(size);
    while let Some((at, line)) = lines.next(file)? {
        if segment::head_of(&line).is_some_and(|head| head.seq <= after) {
            return Ok(at + line.len() as u64 + 1);
        }
    }
    Ok(0)
}

impl Reader {
    fn next(&mut self) -> io::Result<Option<Vec<u8>>> {
        match self {
            Self::Backward(file, lines) => Ok(lines.next(file)?.map(|(_, line)| line)),
            Self::Forward(file) => {
                let mut line = Vec::new();
                file.read_until(b'\n', &mut line)?;
                // A line that is being written is whole the next time.
                Ok(line.pop_if(|b| *b == b'\n').map(|_| line))
            }
        }
    }
}
