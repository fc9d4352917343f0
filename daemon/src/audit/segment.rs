//! The files of the log: their names, their beginnings and their ends.

use super::line::{Head, Header, Parts};
use chrono::{DateTime, Utc};
use std::ffi::OsStr;
use std::fs::{File, OpenOptions};
use std::io;
use std::os::unix::fs::{FileExt, OpenOptionsExt};
use std::path::{Path, PathBuf};

/// Read at a time.
const BLOCK: u64 = 64 << 10;
const ENDING: &str = ".ndjson";

/// A file of the log.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Segment {
    pub(super) number: u64,
    pub(super) path: PathBuf,
}

impl Segment {
    /// The segment with this number, begun at this time.
    pub(super) fn new(folder: &Path, number: u64, at: DateTime<Utc>) -> Self {
        let name = format!("{number:06}-{}{ENDING}", at.format("%Y%m%dT%H%M%SZ"));
        Self { number, path: folder.join(name) }
    }

    /// The file's name.
    pub(super) fn name(&self) -> String {
        self.path.file_name().unwrap_or_default().to_string_lossy().into_owned()
    }

    /// Opens it for reading.
    ///
    /// # Errors
    /// When it is not there, or is not a file.
    pub(super) fn read(&self) -> io::Result<File> {
        regular(OpenOptions::new().read(true).custom_flags(no_follow()).open(&self.path)?)
    }

    /// Opens it for adding to it.
    ///
    /// # Errors
    /// When it cannot be written, or is not a file.
    pub(super) fn append(&self) -> io::Result<File> {
        let mut options = OpenOptions::new();
        regular(options.read(true).append(true).custom_flags(no_follow()).open(&self.path)?)
    }

    /// Its first line.
    ///
    /// # Errors
    /// When it cannot be read, or does not begin as a segment does.
    pub(super) fn header(&self) -> io::Result<(Header, Head)> {
        let file = self.read()?;
        let mut start = vec![0; 1024];
        let read = file.read_at(&mut start, 0)?;
        let line = start[..read].split(|b| *b == b'\n').next().unwrap_or_default();
        let parts = Parts::of(line).filter(|_| line.len() < read);
        let header = parts.and_then(|p| Some((Header::of(&p)?, p.hash)));
        let damaged = || io::Error::new(io::ErrorKind::InvalidData, "it does not begin as a segment does");
        header.map(|(header, hash)| (header.clone(), header.head(hash))).ok_or_else(damaged)
    }
}

fn no_follow() -> i32 {
    i32::try_from(rustix::fs::OFlags::NOFOLLOW.bits() | rustix::fs::OFlags::NONBLOCK.bits()).unwrap_or(0)
}

fn regular(file: File) -> io::Result<File> {
    if file.metadata()?.is_file() {
        return Ok(file);
    }
    Err(io::Error::new(io::ErrorKind::InvalidInput, "it is not a regular file"))
}

/// The segments in a folder, the oldest first. What has another name is not ours.
///
/// # Errors
/// When the folder cannot be read.
pub(super) fn list(folder: &Path) -> io::Result<Vec<Segment>> {
    let mut found = Vec::new();
    for entry in std::fs::read_dir(folder)? {
        let name = entry?.file_name();
        if let Some(number) = number_of(&name) {
            found.push(Segment { number, path: folder.join(name) });
        }
    }
    found.sort_by(|a, b| (a.number, &a.path).cmp(&(b.number, &b.path)));
    Ok(found)
}

/// The newest segment. A start looks for nothing else, however many there are.
///
/// # Errors
/// When the folder cannot be read.
pub(super) fn newest(folder: &Path) -> io::Result<Option<Segment>> {
    let mut newest = None;
    for entry in std::fs::read_dir(folder)? {
        let name = entry?.file_name();
        newest = newest.max(number_of(&name).map(|number| (number, name)));
    }
    Ok(newest.map(|(number, name)| Segment { number, path: folder.join(name) }))
}

fn number_of(name: &OsStr) -> Option<u64> {
    let (number, _) = name.to_str()?.strip_suffix(ENDING)?.split_once('-')?;
    number.parse().ok()
}

/// The end of a segment, read from behind.
#[derive(Debug, Default)]
pub(super) struct Tail {
    /// The last line that looks like one, and where the line ends in the file.
    pub(super) last: Option<(Head, u64)>,
    /// Whether lines that do not look like any stand behind that.
    pub(super) damaged: bool,
    /// What stands behind the last line break.
    pub(super) torn: Vec<u8>,
}

/// Reads the end of a segment: as much of it as it takes to find a line.
///
/// # Errors
/// When it cannot be read.
pub(super) fn tail(file: &File) -> io::Result<Tail> {
    let size = file.metadata()?.len();
    let mut lines = Backward::new(size);
    let mut tail = Tail { torn: lines.after_last_break(file)?, ..Tail::default() };
    while let Some((start, line)) = lines.next(file)? {
        if let Some(head) = head_of(&line) {
            tail.last = Some((head, start + line.len() as u64 + 1));
            break;
        }
        tail.damaged = true;
    }
    Ok(tail)
}

/// Where the log stands behind a line, if it is one.
pub(super) fn head_of(line: &[u8]) -> Option<Head> {
    let parts = Parts::of(line)?;
    match parts.seq_and_time() {
        Some((seq, _)) => Some(Head { seq, hash: parts.hash }),
        None => Header::of(&parts).map(|header| header.head(parts.hash)),
    }
}

/// The whole lines of a file, the last first. Holds one block or one line at a time, whichever is longer.
pub(super) struct Backward {
    /// What stands in `held` begins here.
    start: u64,
    held: Vec<u8>,
    /// Bytes of `held` in which no line break is.
    seen: usize,
}

impl Backward {
    /// Lines that end before `end`.
    pub(super) fn new(end: u64) -> Self {
        Self { start: end, held: Vec::new(), seen: 0 }
    }

    /// Takes what stands behind the last line break: it is no whole line.
    fn after_last_break(&mut self, file: &File) -> io::Result<Vec<u8>> {
        let cut = self.cut(file)?;
        let rest = self.held.split_off(cut);
        self.seen = 0;
        Ok(rest)
    }

    /// The line before, without its line break, and where it begins.
    ///
    /// # Errors
    /// When the file cannot be read.
    pub(super) fn next(&mut self, file: &File) -> io::Result<Option<(u64, Vec<u8>)>> {
        loop {
            if self.held.is_empty() && self.start == 0 {
                return Ok(None);
            }
            // `held` ends behind a line break, except at first.
            let whole = self.held.pop_if(|b| *b == b'\n').is_some();
            let cut = self.cut(file)?;
            let line = self.held.split_off(cut);
            self.seen = 0;
            if whole {
                return Ok(Some((self.start + cut as u64, line)));
            }
        }
    }

    /// Where the last line in `held` begins; reads on until that is known.
    fn cut(&mut self, file: &File) -> io::Result<usize> {
        loop {
            let fresh = self.held.len() - self.seen;
            if let Some(at) = self.held[..fresh].iter().rposition(|b| *b == b'\n') {
                return Ok(at + 1);
            }
            self.seen = self.held.len();
            if self.start == 0 {
                return Ok(0);
            }
            // Long lines are read in ever longer blocks, so that they are not moved about for ever.
            let size = BLOCK.max(self.held.len() as u64).min(self.start);
            let mut block = vec![0; usize::try_from(size).unwrap_or(0)];
            file.read_exact_at(&mut block, self.start - size)?;
            self.start -= size;
            block.append(&mut self.held);
            self.held = block;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::Write;

    fn lines_of(text: &[u8]) -> Vec<(u64, Vec<u8>)> {
        let mut file = tempfile::tempfile().unwrap();
        file.write_all(text).unwrap();
        let mut lines = Backward::new(text.len() as u64);
        std::iter::from_fn(|| lines.next(&file).unwrap()).collect()
    }

    #[test]
    fn whole_lines_are_read_from_behind_whatever_their_length() {
        let long = vec![b'x'; 300_000];
        let mut text = b"one\n\n".to_vec();
        text.extend_from_slice(&long);
        text.extend_from_slice(b"\ntwo\ntorn");
        let expected: Vec<(u64, Vec<u8>)> =
            vec![(300_006, b"two".to_vec()), (5, long), (4, Vec::new()), (0, b"one".to_vec())];
        assert_eq!(lines_of(&text), expected);
        assert_eq!(lines_of(b""), []);
        assert_eq!(lines_of(b"torn"), []);
        assert_eq!(lines_of(b"\n"), [(0, Vec::new())]);
    }

    #[test]
    fn lines_around_the_edges_of_blocks_are_whole() {
        for n in 0..40_u64 {
            let first = "a".repeat(usize::try_from(BLOCK - 20 + n).unwrap());
            let text = format!("{first}\nbc\ndef\n");
            let lines = lines_of(text.as_bytes());
            let texts: Vec<&[u8]> = lines.iter().map(|(_, line)| line.as_slice()).collect();
            assert_eq!(texts, [&b"def"[..], b"bc", first.as_bytes()], "{n}");
        }
    }

    #[test]
    fn segments_are_listed_by_number_and_strangers_left_out() {
        let tmp = tempfile::tempdir().unwrap();
        let at = DateTime::from_timestamp(1_795_273_200, 0).unwrap();
        for number in [10, 2, 1_000_000] {
            std::fs::write(Segment::new(tmp.path(), number, at).path, "").unwrap();
        }
        for name in ["lock", "000003.ndjson", "x-1.ndjson", "000004-20261121T150000Z.ndjson.gz"] {
            std::fs::write(tmp.path().join(name), "").unwrap();
        }
        let names: Vec<String> = list(tmp.path()).unwrap().iter().map(Segment::name).collect();
        assert_eq!(names[0], "000002-20261121T150000Z.ndjson");
        assert_eq!(names.len(), 3);
        assert_eq!(newest(tmp.path()).unwrap(), list(tmp.path()).unwrap().pop());
        assert!(names[2].starts_with("1000000-"));
    }
}
