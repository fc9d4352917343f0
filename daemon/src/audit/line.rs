//! How a line looks, and how it is bound to the one before.
//!
//! A line is a JSON object whose last member is `hash`: BLAKE3 over the 32 bytes of the hash before and the line's text
//! up to the comma before that member. Whoever has the files can check them with nothing but this.

use blake3::Hash;
use serde::{Deserialize, Serialize};

/// The hash before the first line of the log.
pub(super) const START: Hash = Hash::from_bytes([0; 32]);

const BEFORE_HASH: &[u8] = b",\"hash\":\"";
const AFTER_HASH: &[u8] = b"\"}";
const HEX: usize = 64;
/// Bytes of a line's end, from the comma before `hash` on, the line break not counted.
const END: usize = BEFORE_HASH.len() + HEX + AFTER_HASH.len();
/// Bytes that a line has beyond its entry's text, at most.
pub(super) const OVERHEAD: u64 = 150;

/// How far a log reaches: the number of its last line, and that line's hash.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Head {
    pub(super) seq: u64,
    pub(super) hash: Hash,
}

impl Head {
    /// Before the first line.
    pub(super) const START: Self = Self { seq: 0, hash: START };
}

/// A line taken apart.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Parts<'a> {
    /// What the hash is over.
    pub(super) body: &'a [u8],
    /// What the line says its hash is.
    pub(super) hash: Hash,
}

impl<'a> Parts<'a> {
    /// Takes a line without its line break apart; none if it does not look like one.
    pub(super) fn of(line: &'a [u8]) -> Option<Self> {
        let (body, end) = line.split_at_checked(line.len().checked_sub(END)?)?;
        let hex = end.strip_prefix(BEFORE_HASH)?.strip_suffix(AFTER_HASH)?;
        // What is written is lower case; anything else is a change, though it would mean the same.
        let lower = hex.iter().all(|b| matches!(b, b'0'..=b'9' | b'a'..=b'f'));
        let hash = Hash::from_hex(hex).ok().filter(|_| lower)?;
        body.starts_with(b"{").then_some(Self { body, hash })
    }

    /// Whether the hash fits what it is over.
    pub(super) fn fits(&self, previous: &Hash) -> bool {
        chain(previous, self.body) == self.hash
    }

    /// Number and time of a line about an entry; none for the first line of a segment.
    pub(super) fn seq_and_time(&self) -> Option<(u64, &'a str)> {
        let rest = self.body.strip_prefix(b"{\"seq\":")?;
        let digits = rest.iter().position(|b| !b.is_ascii_digit())?;
        let seq = std::str::from_utf8(&rest[..digits]).ok()?.parse().ok()?;
        let rest = rest[digits..].strip_prefix(b",\"at\":\"")?;
        let end = rest.iter().take(40).position(|b| *b == b'"')?;
        Some((seq, std::str::from_utf8(&rest[..end]).ok()?))
    }
}

/// The hash of a line behind one with the hash `previous`.
pub(super) fn chain(previous: &Hash, body: &[u8]) -> Hash {
    blake3::Hasher::new().update(previous.as_bytes()).update(body).finalize()
}

/// The first line of a segment. It has no number of its own.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Header {
    /// The segment's number.
    pub(super) segment: u64,
    /// The number of its first line.
    pub(super) first: u64,
    /// When it was begun, UTC.
    pub(super) at: String,
    /// The version of wharf that began it.
    pub(super) version: String,
    /// The hash of the last line of the segment before.
    pub(super) previous: String,
}

impl Header {
    /// Reads the first line of a segment.
    pub(super) fn of(parts: &Parts) -> Option<Self> {
        let mut text = parts.body.to_vec();
        text.push(b'}');
        serde_json::from_slice(&text).ok()
    }

    /// The hash before it.
    pub(super) fn previous(&self) -> Option<Hash> {
        Hash::from_hex(&self.previous).ok()
    }

    /// Where the log stands right behind it.
    pub(super) fn head(&self, hash: Hash) -> Head {
        Head { seq: self.first.saturating_sub(1), hash }
    }
}

/// Puts a segment's first line behind `out`. Returns its hash.
pub(super) fn put_header(out: &mut Vec<u8>, header: &Header, previous: &Hash) -> Hash {
    let start = out.len();
    // A struct of texts and numbers always has a JSON form.
    let text = serde_json::to_string(header).unwrap_or_default();
    out.extend_from_slice(text.trim_end_matches('}').as_bytes());
    close(out, start, previous)
}

/// Puts a line about an entry behind `out`. `entry` is the entry's JSON object. Returns where the log stands then.
pub(super) fn put(out: &mut Vec<u8>, head: Head, at: &str, entry: &str) -> Head {
    let start = out.len();
    let seq = head.seq + 1;
    out.extend_from_slice(format!("{{\"seq\":{seq},\"at\":\"{at}\",").as_bytes());
    let members = entry.strip_prefix('{').and_then(|e| e.strip_suffix('}')).unwrap_or_default();
    out.extend_from_slice(members.as_bytes());
    Head { seq, hash: close(out, start, &head.hash) }
}

fn close(out: &mut Vec<u8>, start: usize, previous: &Hash) -> Hash {
    let hash = chain(previous, &out[start..]);
    out.extend_from_slice(BEFORE_HASH);
    out.extend_from_slice(hash.to_hex().as_bytes());
    out.extend_from_slice(AFTER_HASH);
    out.push(b'\n');
    hash
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_that_is_put_is_taken_apart_again_and_no_changed_byte_fits() {
        let mut text = Vec::new();
        let head = put(&mut text, Head::START, "2026-11-21T15:00:00.000000Z", r#"{"statement":"select ö"}"#);
        let line = text.strip_suffix(b"\n").unwrap();
        let parts = Parts::of(line).unwrap();
        assert!(parts.fits(&START));
        assert_eq!(parts.hash, head.hash);
        assert_eq!(parts.seq_and_time(), Some((1, "2026-11-21T15:00:00.000000Z")));
        let read: super::super::Line = serde_json::from_slice(line).unwrap();
        assert_eq!((read.seq, read.entry.statement.as_str()), (1, "select ö"));
        for at in 0..line.len() {
            for bit in 0..8 {
                let mut changed = line.to_vec();
                changed[at] ^= 1 << bit;
                assert!(!Parts::of(&changed).is_some_and(|p| p.fits(&START)), "byte {at}, bit {bit}");
            }
        }
    }

    #[test]
    fn a_header_is_read_back() {
        let mut text = Vec::new();
        let header = Header {
            segment: 2,
            first: 7,
            at: "2026-11-21T15:00:00.000000Z".into(),
            version: "1".into(),
            previous: START.to_hex().to_string(),
        };
        let hash = put_header(&mut text, &header, &START);
        let parts = Parts::of(text.strip_suffix(b"\n").unwrap()).unwrap();
        assert!(parts.fits(&START));
        assert_eq!(Header::of(&parts), Some(header.clone()));
        assert_eq!(header.head(hash), Head { seq: 6, hash });
        assert_eq!(parts.seq_and_time(), None);
    }
}
