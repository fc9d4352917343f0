//! Values as the server writes them, into Arrow columns.

use super::times;
use crate::wire::columns::{Builder, Unreadable, append};

type Taken<T> = Result<T, Unreadable>;

fn text(bytes: &[u8]) -> Taken<&str> {
    std::str::from_utf8(bytes).map_err(|_| Unreadable::Beyond("text that is not UTF-8"))
}

fn parsed<T: std::str::FromStr>(bytes: &[u8]) -> Taken<T> {
    text(bytes)?.parse().map_err(|_| Unreadable::Odd)
}

fn boolean(bytes: &[u8]) -> Taken<bool> {
    match bytes {
        b"t" | b"true" => Ok(true),
        b"f" | b"false" => Ok(false),
        _ => Err(Unreadable::Odd),
    }
}

/// Hex digits, with PostgreSQL's `\x` before them or without.
fn bytes_of_hex(bytes: &[u8]) -> Taken<Vec<u8>> {
    let digits = bytes.strip_prefix(b"\\x").unwrap_or(bytes);
    let digit = |c: u8| char::from(c).to_digit(16).and_then(|d| u8::try_from(d).ok()).ok_or(Unreadable::Odd);
    let (pairs, []) = digits.as_chunks::<2>() else { return Err(Unreadable::Odd) };
    pairs.iter().map(|[high, low]| Ok(digit(*high)? << 4 | digit(*low)?)).collect()
}

/// A number times 10^`scale`, which must be whole.
fn decimal(bytes: &[u8], scale: i8) -> Taken<i128> {
    const BEYOND: Unreadable = Unreadable::Beyond("NaN or more digits than its type has");
    let written = text(bytes)?;
    if matches!(written, "NaN" | "Infinity" | "-Infinity") {
        return Err(BEYOND);
    }
    let (negative, digits) = match written.strip_prefix('-') {
        Some(rest) => (true, rest),
        None => (false, written),
    };
    let (whole, part) = digits.split_once('.').unwrap_or((digits, ""));
    if whole.is_empty() && part.is_empty() {
        return Err(Unreadable::Odd);
    }
    let scale = usize::try_from(scale).map_err(|_| Unreadable::Odd)?;
    let kept = part.get(..scale.min(part.len())).ok_or(Unreadable::Odd)?;
    if part[kept.len()..].bytes().any(|c| c != b'0') {
        return Err(BEYOND);
    }
    let mut value: i128 = 0;
    for digit in whole.bytes().chain(kept.bytes()).chain(std::iter::repeat_n(b'0', scale - kept.len())) {
        let digit = char::from(digit).to_digit(10).ok_or(Unreadable::Odd)?;
        value = value.checked_mul(10).and_then(|v| v.checked_add(i128::from(digit))).ok_or(BEYOND)?;
    }
    Ok(if negative { -value } else { value })
}

impl Builder {
    /// Takes one value as the server writes it; none is NULL.
    ///
    /// # Errors
    /// When Arrow cannot hold it.
    pub(super) fn push_text(&mut self, raw: Option<&[u8]>) -> Result<(), Unreadable> {
        match self {
            Self::Bool(b) => append!(b, raw, boolean),
            Self::Int16(b) => append!(b, raw, parsed),
            Self::Int32(b) => append!(b, raw, parsed),
            Self::Int64(b) => append!(b, raw, parsed),
            Self::Oid(b) => append!(b, raw, parsed),
            Self::Float32(b) => append!(b, raw, parsed),
            Self::Float64(b) => append!(b, raw, parsed),
            Self::Decimal(b, _, scale) => append!(b, raw, |v| decimal(v, *scale)),
            Self::Number(b, _) | Self::Text(b) | Self::Json(b, _) | Self::Uuid(b) => append!(b, raw, text),
            Self::Bytes(b) => append!(b, raw, bytes_of_hex),
            Self::Date(b) => append!(b, raw, |v| times::date(text(v)?)),
            Self::Time(b) => append!(b, raw, |v| times::time(text(v)?)),
            Self::Timestamp(b, zoned) => append!(b, raw, |v| times::timestamp(text(v)?, *zoned)),
            Self::Interval(b) => append!(b, raw, |v| times::interval(text(v)?)),
            Self::Void(b) => b.append_null(),
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn decimals_are_exact_or_refused() {
        let read = |text: &str| decimal(text.as_bytes(), 2);
        for (text, value) in
            [("0", 0), ("12.3", 1230), ("-12.34", -1234), ("12.3400", 1234), (".5", 50), ("7.", 700)]
        {
            assert_eq!(read(text), Ok(value), "{text}");
        }
        assert_eq!(
            read("999999999999999999999999999999999999.99"),
            Ok(99_999_999_999_999_999_999_999_999_999_999_999_999)
        );
        let beyond = ["NaN", "1.234", "9999999999999999999999999999999999999999"];
        assert!(beyond.iter().all(|text| matches!(read(text), Err(Unreadable::Beyond(_)))));
        assert!(["", ".", "1,0", "1e3", "--1", "1.é", "+-1"].iter().all(|t| read(t) == Err(Unreadable::Odd)));
    }

    #[test]
    fn bytes_come_as_hex() {
        assert_eq!(bytes_of_hex(b"00ffDE"), Ok(vec![0, 255, 0xde]));
        assert_eq!(bytes_of_hex(b"\\x0a"), Ok(vec![10]));
        assert_eq!(bytes_of_hex(b""), Ok(vec![]));
        assert!(bytes_of_hex(b"0").is_err() && bytes_of_hex(b"0g").is_err());
    }
}
