//! Values of the wire into Arrow columns.

use super::numeric::Numeric;
use crate::wire::columns::{Builder, Unreadable, append};
use arrow::datatypes::IntervalMonthDayNano;
use std::fmt::Write as _;
use tokio_postgres::types::{FromSql, Type};

/// Days from 1970-01-01 to 2000-01-01, where the server's time begins.
const EPOCH_DAYS: i32 = 10_957;
/// The same in microseconds.
const EPOCH_MICROS: i64 = 946_684_800_000_000;
/// Microseconds of a day.
const DAY_MICROS: i64 = 86_400_000_000;

/// The bytes of a value, as they came.
pub(super) struct Raw<'a>(pub(super) &'a [u8]);

impl<'a> FromSql<'a> for Raw<'a> {
    fn from_sql(_: &Type, raw: &'a [u8]) -> Result<Self, Box<dyn std::error::Error + Sync + Send>> {
        Ok(Self(raw))
    }

    fn accepts(_: &Type) -> bool {
        true
    }
}

fn fixed<const N: usize>(bytes: &[u8]) -> Result<[u8; N], Unreadable> {
    bytes.try_into().map_err(|_| Unreadable::Odd)
}

fn text(bytes: &[u8]) -> Result<&str, Unreadable> {
    std::str::from_utf8(bytes).map_err(|_| Unreadable::Beyond("text that is not UTF-8"))
}

fn date(bytes: &[u8]) -> Result<i32, Unreadable> {
    match i32::from_be_bytes(fixed(bytes)?) {
        i32::MAX | i32::MIN => Err(Unreadable::Beyond("an infinite date")),
        days => days.checked_add(EPOCH_DAYS).ok_or(Unreadable::Beyond("a date too far away")),
    }
}

fn timestamp(bytes: &[u8]) -> Result<i64, Unreadable> {
    match i64::from_be_bytes(fixed(bytes)?) {
        i64::MAX | i64::MIN => Err(Unreadable::Beyond("an infinite timestamp")),
        micros => micros.checked_add(EPOCH_MICROS).ok_or(Unreadable::Beyond("a timestamp too far away")),
    }
}

fn time(bytes: &[u8]) -> Result<i64, Unreadable> {
    match i64::from_be_bytes(fixed(bytes)?) {
        DAY_MICROS => Err(Unreadable::Beyond("the time 24:00:00")),
        micros => Ok(micros),
    }
}

fn interval(bytes: &[u8]) -> Result<IntervalMonthDayNano, Unreadable> {
    let whole: [u8; 16] = fixed(bytes)?;
    let (time, days) = whole.split_at(8);
    let micros = i64::from_be_bytes(fixed(time)?);
    let (days, months) = days.split_at(4);
    let nanos =
        micros.checked_mul(1000).ok_or(Unreadable::Beyond("an interval of more than 292 years of time"))?;
    Ok(IntervalMonthDayNano::new(i32::from_be_bytes(fixed(months)?), i32::from_be_bytes(fixed(days)?), nanos))
}

fn uuid(bytes: &[u8]) -> Result<String, Unreadable> {
    let bytes: [u8; 16] = fixed(bytes)?;
    let mut text = String::with_capacity(36);
    for (at, byte) in bytes.iter().enumerate() {
        if matches!(at, 4 | 6 | 8 | 10) {
            text.push('-');
        }
        let _ = write!(text, "{byte:02x}");
    }
    Ok(text)
}

fn json(bytes: &[u8], versioned: bool) -> Result<&str, Unreadable> {
    match (versioned, bytes) {
        (false, all) => text(all),
        (true, [1, rest @ ..]) => text(rest),
        (true, _) => Err(Unreadable::Odd),
    }
}

fn decimal(bytes: &[u8], scale: i8) -> Result<i128, Unreadable> {
    let number = Numeric::read(bytes).ok_or(Unreadable::Odd)?;
    number.scaled(scale).ok_or(Unreadable::Beyond("NaN or more digits than its type has"))
}

impl Builder {
    /// Takes one value; none is NULL.
    ///
    /// # Errors
    /// When Arrow cannot hold it.
    pub(super) fn push(&mut self, raw: Option<&[u8]>) -> Result<(), Unreadable> {
        match self {
            Self::Bool(b) => append!(b, raw, |v| fixed(v).map(|[byte]: [u8; 1]| byte != 0)),
            Self::Int16(b) => append!(b, raw, |v| fixed(v).map(i16::from_be_bytes)),
            Self::Int32(b) => append!(b, raw, |v| fixed(v).map(i32::from_be_bytes)),
            Self::Int64(b) => append!(b, raw, |v| fixed(v).map(i64::from_be_bytes)),
            Self::Oid(b) => append!(b, raw, |v| fixed(v).map(u32::from_be_bytes)),
            Self::Float32(b) => append!(b, raw, |v| fixed(v).map(f32::from_be_bytes)),
            Self::Float64(b) => append!(b, raw, |v| fixed(v).map(f64::from_be_bytes)),
            Self::Decimal(b, _, scale) => append!(b, raw, |v| decimal(v, *scale)),
            Self::Number(b, digits) => match raw {
                None => b.append_null(),
                Some(bytes) => {
                    digits.clear();
                    Numeric::read(bytes).ok_or(Unreadable::Odd)?.text(digits);
                    b.append_value(&digits);
                }
            },
            Self::Text(b) => append!(b, raw, text),
            Self::Json(b, versioned) => append!(b, raw, |v| json(v, *versioned)),
            Self::Uuid(b) => append!(b, raw, uuid),
            Self::Bytes(b) => append!(b, raw, Ok::<_, Unreadable>),
            Self::Date(b) => append!(b, raw, date),
            Self::Time(b) => append!(b, raw, time),
            Self::Timestamp(b, _) => append!(b, raw, timestamp),
            Self::Interval(b) => append!(b, raw, interval),
            Self::Void(b) => b.append_null(),
        }
        Ok(())
    }
}
