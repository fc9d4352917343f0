//! One value of an Arrow column, as text and as JSON.
//!
//! Dates and timestamps are ISO 8601 (RFC 3339 where they carry a zone), intervals ISO 8601 durations, bytes base64,
//! nested values JSON. Numbers keep every digit; floating point is the shortest text that reads back the same.

use super::columns::{Logical, Shape};
use arrow::array::*;
use arrow::datatypes::*;
use base64::Engine as _;
use wharf_protocol::Cell;

/// A typed view of one column.
pub(super) enum Reader<'a> {
    Null,
    Bool(&'a BooleanArray),
    I8(&'a Int8Array),
    I16(&'a Int16Array),
    I32(&'a Int32Array),
    I64(&'a Int64Array),
    U8(&'a UInt8Array),
    U16(&'a UInt16Array),
    U32(&'a UInt32Array),
    U64(&'a UInt64Array),
    F32(&'a Float32Array),
    F64(&'a Float64Array),
    Decimal(&'a Decimal128Array, u32),
    Text(&'a StringArray),
    Json(&'a StringArray),
    /// Digits as text.
    Number(&'a StringArray),
    Bytes(&'a BinaryArray),
    Date(&'a Date32Array),
    Time(&'a Time64MicrosecondArray),
    TimeNs(&'a Time64NanosecondArray),
    Stamp(Stamps<'a>, bool),
    Interval(&'a IntervalMonthDayNanoArray),
    Enum(Vec<Option<usize>>, &'a StringArray),
    Nested(&'a dyn Array),
}

pub(super) enum Stamps<'a> {
    Seconds(&'a TimestampSecondArray),
    Millis(&'a TimestampMillisecondArray),
    Micros(&'a TimestampMicrosecondArray),
    Nanos(&'a TimestampNanosecondArray),
}

/// How a value must be treated by a text format.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Written {
    /// It was NULL; nothing was written.
    Null,
    /// Digits and the like, which no format needs to quote; a number in JSON.
    Number,
    /// `true` or `false`.
    Bool,
    /// A number that JSON cannot hold: NaN or an infinity.
    NotFinite,
    /// Digits, colons, dashes: never needs quoting in delimited text, a string in JSON.
    Plain,
    /// Anything: may need quoting.
    Text,
    /// JSON text.
    Json,
}

pub(super) fn readers<'a>(shape: &Shape, batch: &'a RecordBatch) -> Vec<Reader<'a>> {
    batch
        .columns()
        .iter()
        .zip(&shape.logical)
        .map(|(array, logical)| Reader::new(array.as_ref(), *logical))
        .collect()
}

fn as_array<T: 'static>(array: &dyn Array) -> Option<&T> {
    array.as_any().downcast_ref::<T>()
}

impl<'a> Reader<'a> {
    pub(super) fn new(array: &'a dyn Array, logical: Logical) -> Self {
        Self::typed(array, logical).unwrap_or(Self::Nested(array))
    }

    fn typed(array: &'a dyn Array, logical: Logical) -> Option<Self> {
        Some(match array.data_type() {
            DataType::Null => Self::Null,
            DataType::Boolean => Self::Bool(as_array(array)?),
            DataType::Int8 => Self::I8(as_array(array)?),
            DataType::Int16 => Self::I16(as_array(array)?),
            DataType::Int32 => Self::I32(as_array(array)?),
            DataType::Int64 => Self::I64(as_array(array)?),
            DataType::UInt8 => Self::U8(as_array(array)?),
            DataType::UInt16 => Self::U16(as_array(array)?),
            DataType::UInt32 => Self::U32(as_array(array)?),
            DataType::UInt64 => Self::U64(as_array(array)?),
            DataType::Float32 => Self::F32(as_array(array)?),
            DataType::Float64 => Self::F64(as_array(array)?),
            DataType::Decimal128(_, scale) => Self::Decimal(as_array(array)?, u32::try_from(*scale).ok()?),
            DataType::Utf8 if logical == Logical::Json => Self::Json(as_array(array)?),
            DataType::Utf8 if logical == Logical::Number => Self::Number(as_array(array)?),
            DataType::Utf8 => Self::Text(as_array(array)?),
            DataType::Binary => Self::Bytes(as_array(array)?),
            DataType::Date32 => Self::Date(as_array(array)?),
            DataType::Time64(TimeUnit::Microsecond) => Self::Time(as_array(array)?),
            DataType::Time64(TimeUnit::Nanosecond) => Self::TimeNs(as_array(array)?),
            DataType::Timestamp(unit, zone) => Self::Stamp(
                match unit {
                    TimeUnit::Second => Stamps::Seconds(as_array(array)?),
                    TimeUnit::Millisecond => Stamps::Millis(as_array(array)?),
                    TimeUnit::Microsecond => Stamps::Micros(as_array(array)?),
                    TimeUnit::Nanosecond => Stamps::Nanos(as_array(array)?),
                },
                zone.is_some(),
            ),
            DataType::Interval(IntervalUnit::MonthDayNano) => Self::Interval(as_array(array)?),
            DataType::Dictionary(_, _) => {
                let dictionary = array.as_any_dictionary_opt()?;
                let values = as_array(dictionary.values().as_ref())?;
                let keys = dictionary.normalized_keys();
                let nulls = array.logical_nulls();
                let keep = |row: usize| nulls.as_ref().is_none_or(|n| n.is_valid(row));
                Self::Enum(
                    keys.into_iter().enumerate().map(|(row, key)| keep(row).then_some(key)).collect(),
                    values,
                )
            }
            _ => return None,
        })
    }

    /// Writes the value at `row` as text, and tells what it was.
    pub(super) fn write(&self, row: usize, out: &mut Vec<u8>) -> Written {
        macro_rules! integer {
            ($array:expr) => {{
                if $array.is_null(row) {
                    return Written::Null;
                }
                out.extend_from_slice(itoa::Buffer::new().format($array.value(row)).as_bytes());
                Written::Number
            }};
        }
        macro_rules! present {
            ($array:expr) => {{
                if $array.is_null(row) {
                    return Written::Null;
                }
                $array.value(row)
            }};
        }
        match self {
            Self::Null => Written::Null,
            Self::Bool(a) => {
                out.extend_from_slice(if present!(a) { b"true" } else { b"false" });
                Written::Bool
            }
            Self::I8(a) => integer!(a),
            Self::I16(a) => integer!(a),
            Self::I32(a) => integer!(a),
            Self::I64(a) => integer!(a),
            Self::U8(a) => integer!(a),
            Self::U16(a) => integer!(a),
            Self::U32(a) => integer!(a),
            Self::U64(a) => integer!(a),
            Self::F32(a) => {
                let value = present!(a);
                float(value, f64::from(value), out)
            }
            Self::F64(a) => {
                let value = present!(a);
                float(value, value, out)
            }
            Self::Decimal(a, scale) => {
                decimal(present!(a), *scale, out);
                Written::Number
            }
            Self::Number(a) => {
                let digits = present!(a);
                out.extend_from_slice(digits.as_bytes());
                if digits.ends_with(|c: char| c.is_ascii_digit()) {
                    Written::Number
                } else {
                    Written::NotFinite
                }
            }
            Self::Text(a) => {
                out.extend_from_slice(present!(a).as_bytes());
                Written::Text
            }
            Self::Json(a) => {
                one_line(present!(a), out);
                Written::Json
            }
            Self::Bytes(a) => {
                let text = base64::engine::general_purpose::STANDARD.encode(present!(a));
                out.extend_from_slice(text.as_bytes());
                Written::Plain
            }
            Self::Date(a) => {
                date(i64::from(present!(a)), out);
                Written::Plain
            }
            Self::Time(a) => {
                time(present!(a), 1_000_000, out);
                Written::Plain
            }
            Self::TimeNs(a) => {
                time(present!(a), 1_000_000_000, out);
                Written::Plain
            }
            Self::Stamp(stamps, zoned) => {
                let (value, per_second) = match stamps {
                    Stamps::Seconds(a) => (present!(a), 1),
                    Stamps::Millis(a) => (present!(a), 1_000),
                    Stamps::Micros(a) => (present!(a), 1_000_000),
                    Stamps::Nanos(a) => (present!(a), 1_000_000_000),
                };
                stamp(value, per_second, *zoned, out);
                Written::Plain
            }
            Self::Interval(a) => {
                interval(present!(a), out);
                Written::Plain
            }
            Self::Enum(keys, values) => match keys.get(row).copied().flatten() {
                Some(key) => {
                    out.extend_from_slice(values.value(key).as_bytes());
                    Written::Text
                }
                None => Written::Null,
            },
            Self::Nested(array) => {
                if array.is_null(row) && !matches!(array.data_type(), DataType::Union(_, _)) {
                    return Written::Null;
                }
                nested(*array, row, out);
                Written::Json
            }
        }
    }

    /// Writes the value at `row` as JSON.
    pub(super) fn json(&self, row: usize, out: &mut Vec<u8>) {
        // Text is the commonest case and can be escaped without a copy.
        if let Self::Text(a) = self {
            if a.is_null(row) {
                out.extend_from_slice(b"null");
            } else {
                json_string(a.value(row), out);
            }
            return;
        }
        let start = out.len();
        match self.write(row, out) {
            Written::Null => out.extend_from_slice(b"null"),
            Written::Number | Written::Bool | Written::Json => {}
            Written::NotFinite => {
                out.truncate(start);
                out.extend_from_slice(b"null");
            }
            Written::Plain => {
                out.insert(start, b'"');
                out.push(b'"');
            }
            Written::Text => {
                let text = out.split_off(start);
                json_string(&String::from_utf8_lossy(&text), out);
            }
        }
    }

    /// The value at `row` as a wire cell.
    pub(super) fn wire(&self, row: usize) -> Cell {
        let mut out = Vec::new();
        let written = self.write(row, &mut out);
        let text = String::from_utf8_lossy(&out).into_owned();
        match written {
            Written::Null => Cell::Null,
            Written::Bool => Cell::Bool(text == "true"),
            Written::Number => Cell::Number(text),
            Written::NotFinite | Written::Plain | Written::Text | Written::Json => Cell::Text(text),
        }
    }
}

fn float(value: impl zmij::Float, wide: f64, out: &mut Vec<u8>) -> Written {
    if wide.is_finite() {
        out.extend_from_slice(zmij::Buffer::new().format_finite(value).as_bytes());
        return Written::Number;
    }
    let text: &[u8] = if wide.is_nan() {
        b"NaN"
    } else if wide > 0.0 {
        b"Infinity"
    } else {
        b"-Infinity"
    };
    out.extend_from_slice(text);
    Written::NotFinite
}

/// Writes `value / 10^scale` with exactly `scale` digits behind the point.
fn decimal(value: i128, scale: u32, out: &mut Vec<u8>) {
    let mut buffer = itoa::Buffer::new();
    if scale == 0 {
        out.extend_from_slice(buffer.format(value).as_bytes());
        return;
    }
    if value < 0 {
        out.push(b'-');
    }
    let digits = buffer.format(value.unsigned_abs()).as_bytes();
    let scale = scale as usize;
    if digits.len() > scale {
        let (whole, fraction) = digits.split_at(digits.len() - scale);
        out.extend_from_slice(whole);
        out.push(b'.');
        out.extend_from_slice(fraction);
    } else {
        out.extend_from_slice(b"0.");
        out.resize(out.len() + scale - digits.len(), b'0');
        out.extend_from_slice(digits);
    }
}

fn two(n: u32, out: &mut Vec<u8>) {
    out.push(b'0' + (n / 10 % 10) as u8);
    out.push(b'0' + (n % 10) as u8);
}

/// Days since 1970-01-01 as `YYYY-MM-DD`; years outside 0..=9999 carry a sign and as many digits as they need
/// (ISO 8601). The algorithm is Howard Hinnant's `civil_from_days`.
fn date(days: i64, out: &mut Vec<u8>) {
    match i32::try_from(days) {
        Ok(i32::MAX) => return out.extend_from_slice(b"infinity"),
        Ok(d) if d == -i32::MAX => return out.extend_from_slice(b"-infinity"),
        _ => {}
    }
    let z = days + 719_468;
    let era = z.div_euclid(146_097);
    let day_of_era = z.rem_euclid(146_097);
    let year_of_era = (day_of_era - day_of_era / 1_460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
    let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let shifted = (5 * day_of_year + 2) / 153;
    let day = (day_of_year - (153 * shifted + 2) / 5 + 1) as u32;
    let month = (if shifted < 10 { shifted + 3 } else { shifted - 9 }) as u32;
    let year = year_of_era + era * 400 + i64::from(month <= 2);
    if (0..=9999).contains(&year) {
        two((year / 100) as u32, out);
        two((year % 100) as u32, out);
    } else {
        out.extend_from_slice(format!("{year:+05}").as_bytes());
    }
    out.push(b'-');
    two(month, out);
    out.push(b'-');
    two(day, out);
}

/// `HH:MM:SS` and, if there is one, the fraction with 3, 6 or 9 digits.
fn time(value: i64, per_second: i64, out: &mut Vec<u8>) {
    let seconds = value.div_euclid(per_second);
    let fraction = value.rem_euclid(per_second);
    two((seconds / 3600) as u32, out);
    out.push(b':');
    two((seconds / 60 % 60) as u32, out);
    out.push(b':');
    two((seconds % 60) as u32, out);
    if fraction != 0 {
        fraction_of(fraction * (1_000_000_000 / per_second), out);
    }
}

fn fraction_of(nanos: i64, out: &mut Vec<u8>) {
    let text = if nanos % 1_000_000 == 0 {
        format!(".{:03}", nanos / 1_000_000)
    } else if nanos % 1_000 == 0 {
        format!(".{:06}", nanos / 1_000)
    } else {
        format!(".{nanos:09}")
    };
    out.extend_from_slice(text.as_bytes());
}

fn stamp(value: i64, per_second: i64, zoned: bool, out: &mut Vec<u8>) {
    if value == i64::MAX {
        return out.extend_from_slice(b"infinity");
    }
    if value == -i64::MAX {
        return out.extend_from_slice(b"-infinity");
    }
    let per_day = 86_400 * per_second;
    date(value.div_euclid(per_day), out);
    out.push(b'T');
    time(value.rem_euclid(per_day), per_second, out);
    if zoned {
        out.push(b'Z');
    }
}

/// An ISO 8601 duration; each part has its own sign, as the engine's months, days and time are independent.
fn interval(value: IntervalMonthDayNano, out: &mut Vec<u8>) {
    let mut text = String::from("P");
    let (years, months) = (value.months / 12, value.months % 12);
    let nanos = value.nanoseconds;
    let whole = nanos / 1_000_000_000;
    let fraction = (nanos % 1_000_000_000).abs();
    for (n, unit) in [(i64::from(years), 'Y'), (i64::from(months), 'M'), (i64::from(value.days), 'D')] {
        if n != 0 {
            text.push_str(&format!("{n}{unit}"));
        }
    }
    if nanos != 0 {
        text.push('T');
        for (n, unit) in [(whole / 3600, 'H'), (whole / 60 % 60, 'M')] {
            if n != 0 {
                text.push_str(&format!("{n}{unit}"));
            }
        }
        let seconds = whole % 60;
        if seconds != 0 || fraction != 0 {
            if nanos < 0 && seconds == 0 {
                text.push('-');
            }
            text.push_str(&seconds.to_string());
            if fraction != 0 {
                let digits = format!("{fraction:09}");
                text.push('.');
                text.push_str(digits.trim_end_matches('0'));
            }
            text.push('S');
        }
    }
    if text.len() == 1 {
        text.push_str("T0S");
    }
    out.extend_from_slice(text.as_bytes());
}

/// Copies JSON text on one line: raw line breaks stand only between tokens, so a space means the same.
fn one_line(text: &str, out: &mut Vec<u8>) {
    if text.bytes().any(|b| b == b'\n' || b == b'\r') {
        out.extend(text.bytes().map(|b| if b == b'\n' || b == b'\r' { b' ' } else { b }));
    } else {
        out.extend_from_slice(text.as_bytes());
    }
}

/// Writes a JSON string.
pub(super) fn json_string(text: &str, out: &mut Vec<u8>) {
    out.push(b'"');
    let bytes = text.as_bytes();
    let mut from = 0;
    for (i, &b) in bytes.iter().enumerate() {
        let escape: &[u8] = match b {
            b'"' => b"\\\"",
            b'\\' => b"\\\\",
            b'\n' => b"\\n",
            b'\r' => b"\\r",
            b'\t' => b"\\t",
            0x20.. if b != 0x7f => continue,
            _ => &[],
        };
        out.extend_from_slice(&bytes[from..i]);
        if escape.is_empty() {
            out.extend_from_slice(format!("\\u{b:04x}").as_bytes());
        } else {
            out.extend_from_slice(escape);
        }
        from = i + 1;
    }
    out.extend_from_slice(&bytes[from..]);
    out.push(b'"');
}

fn nested(array: &dyn Array, row: usize, out: &mut Vec<u8>) {
    if let Some(list) = array.as_list_opt::<i32>() {
        sequence(list.value(row).as_ref(), out);
    } else if let Some(list) = array.as_fixed_size_list_opt() {
        sequence(list.value(row).as_ref(), out);
    } else if let Some(structure) = array.as_struct_opt() {
        out.push(b'{');
        for (i, (field, column)) in structure.fields().iter().zip(structure.columns()).enumerate() {
            if i > 0 {
                out.push(b',');
            }
            json_string(field.name(), out);
            out.push(b':');
            Reader::new(column.as_ref(), Logical::Plain).json(row, out);
        }
        out.push(b'}');
    } else if let Some(map) = array.as_map_opt() {
        map_entries(map, row, out);
    } else if let Some(union) = array.as_union_opt() {
        let member = union.child(union.type_id(row));
        Reader::new(member.as_ref(), Logical::Plain).json(union.value_offset(row), out);
    } else {
        out.extend_from_slice(b"null");
    }
}

fn sequence(items: &dyn Array, out: &mut Vec<u8>) {
    let reader = Reader::new(items, Logical::Plain);
    out.push(b'[');
    for i in 0..items.len() {
        if i > 0 {
            out.push(b',');
        }
        reader.json(i, out);
    }
    out.push(b']');
}

fn map_entries(map: &MapArray, row: usize, out: &mut Vec<u8>) {
    let entries = map.value(row);
    let (keys, values) = (entries.column(0), entries.column(1));
    let (key, value) =
        (Reader::new(keys.as_ref(), Logical::Plain), Reader::new(values.as_ref(), Logical::Plain));
    out.push(b'{');
    let mut text = Vec::new();
    for i in 0..entries.len() {
        if i > 0 {
            out.push(b',');
        }
        text.clear();
        key.write(i, &mut text);
        json_string(&String::from_utf8_lossy(&text), out);
        out.push(b':');
        value.json(i, out);
    }
    out.push(b'}');
}

#[cfg(test)]
mod tests {
    use super::*;

    fn text(f: impl Fn(&mut Vec<u8>)) -> String {
        let mut out = Vec::new();
        f(&mut out);
        String::from_utf8(out).unwrap()
    }

    #[test]
    fn decimals_keep_every_digit() {
        assert_eq!(text(|o| decimal(5, 2, o)), "0.05");
        assert_eq!(text(|o| decimal(-5, 2, o)), "-0.05");
        assert_eq!(text(|o| decimal(-12345, 2, o)), "-123.45");
        assert_eq!(text(|o| decimal(100, 2, o)), "1.00");
        assert_eq!(text(|o| decimal(0, 3, o)), "0.000");
        assert_eq!(text(|o| decimal(i128::MIN, 0, o)), i128::MIN.to_string());
        assert_eq!(
            text(|o| decimal(99_999_999_999_999_999_999_999_999_999_999_999_999, 10, o)),
            "9999999999999999999999999999.9999999999"
        );
    }

    #[test]
    fn dates_and_timestamps_agree_with_chrono() {
        for days in (-800_000..2_000_000_i64).step_by(137) {
            let expected =
                chrono::NaiveDate::from_num_days_from_ce_opt(i32::try_from(days).unwrap() + 719_163).unwrap();
            use chrono::Datelike;
            let year = expected.year();
            let expected = if (0..=9999).contains(&year) {
                expected.format("%Y-%m-%d").to_string()
            } else {
                format!("{year:+05}-{:02}-{:02}", expected.month(), expected.day())
            };
            assert_eq!(text(|o| date(days, o)), expected);
        }
        assert_eq!(text(|o| stamp(-1, 1_000_000, true, o)), "1969-12-31T23:59:59.999999Z");
        assert_eq!(text(|o| stamp(1_700_000_000_120, 1_000, false, o)), "2023-11-14T22:13:20.120");
        assert_eq!(text(|o| stamp(i64::MAX, 1_000_000, true, o)), "infinity");
        assert_eq!(text(|o| time(86_400_000_000, 1_000_000, o)), "24:00:00");
    }

    #[test]
    fn intervals_are_iso_durations() {
        let of = |months, days, nanoseconds| {
            text(|o| interval(IntervalMonthDayNano { months, days, nanoseconds }, o))
        };
        assert_eq!(of(14, 3, 14_706_789_000_000), "P1Y2M3DT4H5M6.789S");
        assert_eq!(of(0, 0, 0), "PT0S");
        assert_eq!(of(0, -1, -500_000_000), "P-1DT-0.5S");
    }

    #[test]
    fn json_strings_escape_what_a_terminal_or_a_parser_would_trip_over() {
        assert_eq!(text(|o| json_string("a\"b\\c\n\u{1b}\u{7f}é", o)), r#""a\"b\\c\n\u001b\u007fé""#);
    }
}
