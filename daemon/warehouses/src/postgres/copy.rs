//! Rows as `COPY ... TO STDOUT (FORMAT binary)` sends them: the same values as in a result, without a message and a list of
//! offsets for each row, which cost more than the values themselves. (PostgreSQL documentation, COPY, "Binary Format".)

use crate::wire::columns::{Builder, Unreadable};

/// What stands at the beginning.
const SIGNATURE: &[u8] = b"PGCOPY\n\xff\r\n\0";

/// Reads tuples from pieces that end anywhere.
#[derive(Default)]
pub(super) struct Tuples {
    /// The beginning of a tuple that goes on in the next piece.
    left: Vec<u8>,
    begun: bool,
    /// The end was told: nothing is missing.
    pub(super) whole: bool,
}

/// A value that cannot be read, and its column; none where the form itself is not what it should be.
pub(super) struct Bad(pub(super) Option<usize>, pub(super) Unreadable);

impl Tuples {
    /// Takes a piece; returns how many rows it completed.
    pub(super) fn take(&mut self, piece: &[u8], builders: &mut [Builder]) -> Result<usize, Bad> {
        if self.left.is_empty() {
            let (rows, used) = self.read(piece, builders)?;
            self.left.extend_from_slice(piece.get(used..).unwrap_or_default());
            return Ok(rows);
        }
        let mut all = std::mem::take(&mut self.left);
        all.extend_from_slice(piece);
        let (rows, used) = self.read(&all, builders)?;
        self.left.extend_from_slice(all.get(used..).unwrap_or_default());
        Ok(rows)
    }

    /// Rows that are whole in `bytes`, and how far they go.
    fn read(&mut self, bytes: &[u8], builders: &mut [Builder]) -> Result<(usize, usize), Bad> {
        let (mut at, mut rows) = (0, 0);
        if !self.begun {
            let Some(length) = head(bytes)? else { return Ok((0, 0)) };
            (self.begun, at) = (true, length);
        }
        while let Some(fields) = int16(bytes, at) {
            if self.whole {
                return Err(odd());
            }
            if fields == -1 {
                (self.whole, at) = (true, at + 2);
                continue;
            }
            if usize::try_from(fields).ok() != Some(builders.len()) {
                return Err(odd());
            }
            let Some(end) = end_of(bytes, at + 2, builders.len())? else { break };
            push(bytes, at + 2, builders)?;
            (at, rows) = (end, rows + 1);
        }
        Ok((rows, at))
    }
}

fn odd() -> Bad {
    Bad(None, Unreadable::Odd)
}

/// The length of the head; none where it is not whole yet.
fn head(bytes: &[u8]) -> Result<Option<usize>, Bad> {
    let known = bytes.len().min(SIGNATURE.len());
    if bytes.get(..known) != SIGNATURE.get(..known) {
        return Err(odd());
    }
    // Flags, then the length of an extension that nobody uses yet.
    let Some(extension) = int32(bytes, SIGNATURE.len() + 4) else { return Ok(None) };
    let length = SIGNATURE.len() + 8 + usize::try_from(extension).map_err(|_| odd())?;
    Ok((bytes.len() >= length).then_some(length))
}

/// Where a tuple of so many fields ends; none where it is not whole yet.
fn end_of(bytes: &[u8], from: usize, fields: usize) -> Result<Option<usize>, Bad> {
    let mut at = from;
    for _ in 0..fields {
        let Some(length) = int32(bytes, at) else { return Ok(None) };
        at += 4;
        if length >= 0 {
            at += usize::try_from(length).map_err(|_| odd())?;
        } else if length != -1 {
            return Err(odd());
        }
    }
    Ok((at <= bytes.len()).then_some(at))
}

/// Hands the fields of a whole tuple to the columns.
fn push(bytes: &[u8], from: usize, builders: &mut [Builder]) -> Result<(), Bad> {
    let mut at = from;
    for (column, builder) in builders.iter_mut().enumerate() {
        let length = int32(bytes, at).ok_or_else(odd)?;
        at += 4;
        let value = match usize::try_from(length) {
            Err(_) => None,
            Ok(length) => {
                let value = bytes.get(at..at + length).ok_or_else(odd)?;
                at += length;
                Some(value)
            }
        };
        builder.push(value).map_err(|why| Bad(Some(column), why))?;
    }
    Ok(())
}

fn int16(bytes: &[u8], at: usize) -> Option<i16> {
    bytes.get(at..at + 2)?.try_into().ok().map(i16::from_be_bytes)
}

fn int32(bytes: &[u8], at: usize) -> Option<i32> {
    bytes.get(at..at + 4)?.try_into().ok().map(i32::from_be_bytes)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::wire::read::Read;

    fn sent(rows: &[(Option<i32>, Option<&str>)]) -> Vec<u8> {
        let mut bytes = [SIGNATURE, &[0; 8]].concat();
        for (number, text) in rows {
            bytes.extend(2_i16.to_be_bytes());
            let mut field = |value: Option<Vec<u8>>| match value {
                None => bytes.extend((-1_i32).to_be_bytes()),
                Some(value) => {
                    bytes.extend(i32::try_from(value.len()).unwrap().to_be_bytes());
                    bytes.extend(value);
                }
            };
            field(number.map(|n| n.to_be_bytes().to_vec()));
            field(text.map(|t| t.as_bytes().to_vec()));
        }
        bytes.extend((-1_i16).to_be_bytes());
        bytes
    }

    #[test]
    fn rows_are_read_wherever_the_pieces_end() {
        let bytes = sent(&[(Some(1), Some("one")), (None, Some("")), (Some(-3), None)]);
        for size in 1..=bytes.len() {
            let mut builders = [Builder::new(Read::Int32), Builder::new(Read::Text)];
            let mut tuples = Tuples::default();
            let rows: usize =
                bytes.chunks(size).map(|piece| tuples.take(piece, &mut builders).ok().unwrap()).sum();
            assert_eq!((rows, tuples.whole), (3, true), "{size}");
            let columns = builders.map(|mut b| b.finish());
            assert_eq!((columns[0].len(), columns[0].null_count(), columns[1].null_count()), (3, 1, 1));
        }
        let mut cut = Tuples::default();
        let mut builders = [Builder::new(Read::Int32), Builder::new(Read::Text)];
        assert!(cut.take(&bytes[..bytes.len() - 2], &mut builders).is_ok() && !cut.whole);
        for wrong in
            [&b"GARBAGE"[..], &[SIGNATURE, &[0; 8], &[0, 3]].concat(), &[&bytes[..], &[0, 2]].concat()]
        {
            assert!(Tuples::default().take(wrong, &mut builders).is_err());
        }
    }
}
