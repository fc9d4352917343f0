//! Columns of Snowflake as columns of Arrow, and the text of a cell as a value. Every value is exact, or it is an error.
//!
//! | Snowflake | Arrow |
//! | --- | --- |
//! | `NUMBER(p,0)`, p up to 18 | `Int64` |
//! | `NUMBER(p,0)`, larger | `Decimal128(38,0)` |
//! | `NUMBER(p,s)` | `Decimal128(p,s)` |
//! | `FLOAT` | `Float64`, with NaN and infinities |
//! | `BOOLEAN` | `Boolean` |
//! | `DATE` | `Date32` |
//! | `TIME` | `Time64(ns)` |
//! | `TIMESTAMP_NTZ(s)` | `Timestamp`; microseconds for s up to 6, else nanoseconds (years 1677 to 2262) |
//! | `TIMESTAMP_LTZ(s)` | the same in UTC |
//! | `TIMESTAMP_TZ(s)` | the same in UTC: the instant is exact, the offset it was written with is lost |
//! | `BINARY` | `Binary` |
//! | `VARIANT`, `OBJECT`, `ARRAY`, `MAP` | `Utf8`, marked as JSON |
//! | `DECFLOAT` | `Utf8`, marked as a number |
//! | `TEXT` and whatever else there is | `Utf8`, as it comes |

use super::numbers;
use super::wire::ColumnType;
use crate::port::{Column as PortColumn, NUMBER};
use arrow::array::builder::{
    BinaryBuilder, BooleanBuilder, Date32Builder, Decimal128Builder, Float64Builder, Int64Builder,
    StringBuilder, Time64NanosecondBuilder, TimestampMicrosecondBuilder, TimestampNanosecondBuilder,
};
use arrow::array::{ArrayBuilder, ArrayRef};
use arrow::datatypes::{DataType, Field, TimeUnit};
use std::borrow::Cow;
use std::sync::Arc;

/// The largest precision whose every number fits 64 bits.
const INTEGER_DIGITS: u64 = 18;
/// What Snowflake holds at most.
const MOST_DIGITS: u64 = 38;
/// What a text without a length may hold.
const UNBOUNDED_TEXT: u64 = 16_777_216;
/// Nanoseconds of a day.
const DAY: i64 = 86_400_000_000_000;

/// A column of a result.
#[derive(Debug, Clone)]
pub(super) struct Column {
    pub(super) name: String,
    /// Snowflake's type, with its parameters.
    pub(super) type_name: String,
    kind: Kind,
}

#[derive(Debug, Clone, Copy, PartialEq)]
enum Kind {
    Integer,
    Decimal {
        precision: u8,
        scale: i8,
    },
    Float,
    Boolean,
    Date,
    Time,
    Stamp {
        nanoseconds: bool,
        zone: Zone,
    },
    Binary,
    Json,
    /// A number of up to 38 digits with an exponent, as text: no type of Arrow holds it.
    Number,
    Text,
}

#[derive(Debug, Clone, Copy, PartialEq)]
enum Zone {
    None,
    Utc,
    /// The text has an offset behind the instant.
    Offset,
}

impl Column {
    /// Reads what an answer tells of a column. Types are compared without case and without what stands in parentheses.
    pub(super) fn of(told: &ColumnType) -> Self {
        let upper = told.type_name.trim().to_ascii_uppercase();
        let (base, inner) = upper.split_once('(').unwrap_or((&upper, ""));
        let mut inner = inner.trim_end_matches(')').split(',').map(|part| part.trim().parse::<u64>().ok());
        let (first, second) = (inner.next().flatten(), inner.next().flatten());
        let base = base.trim();
        let scale_of = |inner: Option<u64>| told.scale.or(inner).unwrap_or(9).min(9);
        let stamp = |zone| Kind::Stamp { nanoseconds: scale_of(first) > 6, zone };
        let (kind, type_name) = match base {
            "FIXED" | "NUMBER" | "DECIMAL" | "NUMERIC" | "INT" | "INTEGER" | "BIGINT" | "SMALLINT"
            | "TINYINT" | "BYTEINT" => {
                let precision =
                    told.precision.or(first).filter(|p| (1..=MOST_DIGITS).contains(p)).unwrap_or(MOST_DIGITS);
                let scale = told.scale.or(second).unwrap_or(0).min(MOST_DIGITS - 1);
                (number(precision, scale), format!("NUMBER({precision},{scale})"))
            }
            "DECFLOAT" => (Kind::Number, base.to_owned()),
            "REAL" | "FLOAT" | "FLOAT4" | "FLOAT8" | "DOUBLE" | "DOUBLE PRECISION" => {
                (Kind::Float, "FLOAT".to_owned())
            }
            "BOOLEAN" => (Kind::Boolean, base.to_owned()),
            "DATE" => (Kind::Date, base.to_owned()),
            "TIME" => (Kind::Time, format!("TIME({})", scale_of(first))),
            "TIMESTAMP_NTZ" | "TIMESTAMP" | "DATETIME" | "TIMESTAMPNTZ" => {
                (stamp(Zone::None), format!("TIMESTAMP_NTZ({})", scale_of(first)))
            }
            "TIMESTAMP_LTZ" | "TIMESTAMPLTZ" => {
                (stamp(Zone::Utc), format!("TIMESTAMP_LTZ({})", scale_of(first)))
            }
            "TIMESTAMP_TZ" | "TIMESTAMPTZ" => {
                (stamp(Zone::Offset), format!("TIMESTAMP_TZ({})", scale_of(first)))
            }
            "BINARY" | "VARBINARY" => (Kind::Binary, "BINARY".to_owned()),
            "VARIANT" | "OBJECT" | "ARRAY" | "MAP" => (Kind::Json, upper.clone()),
            "TEXT" | "VARCHAR" | "STRING" | "CHAR" | "CHARACTER" | "NVARCHAR" => {
                let length = told.length.or(first).filter(|length| *length < UNBOUNDED_TEXT);
                (
                    Kind::Text,
                    length.map_or_else(|| "VARCHAR".to_owned(), |length| format!("VARCHAR({length})")),
                )
            }
            _ => (Kind::Text, upper.clone()),
        };
        Self { name: told.name.clone(), type_name, kind }
    }

    /// The column of Arrow.
    pub(super) fn field(&self) -> Field {
        let field = PortColumn::field(&self.name, self.data_type(), &self.type_name, self.kind == Kind::Json);
        if self.kind != Kind::Number {
            return field;
        }
        let mut metadata = field.metadata().clone();
        metadata.insert(NUMBER.to_owned(), String::new());
        field.with_metadata(metadata)
    }

    fn data_type(&self) -> DataType {
        match self.kind {
            Kind::Integer => DataType::Int64,
            Kind::Decimal { precision, scale } => DataType::Decimal128(precision, scale),
            Kind::Float => DataType::Float64,
            Kind::Boolean => DataType::Boolean,
            Kind::Date => DataType::Date32,
            Kind::Time => DataType::Time64(TimeUnit::Nanosecond),
            Kind::Stamp { nanoseconds, zone } => {
                let unit = if nanoseconds { TimeUnit::Nanosecond } else { TimeUnit::Microsecond };
                DataType::Timestamp(unit, (zone != Zone::None).then(|| "UTC".into()))
            }
            Kind::Binary => DataType::Binary,
            Kind::Json | Kind::Number | Kind::Text => DataType::Utf8,
        }
    }
}

/// A number of so many digits.
fn number(precision: u64, scale: u64) -> Kind {
    match (scale, precision) {
        (0, ..=INTEGER_DIGITS) => Kind::Integer,
        (0, _) => Kind::Decimal { precision: 38, scale: 0 },
        // Both are at most 38.
        _ => Kind::Decimal {
            precision: u8::try_from(precision.max(scale)).unwrap_or(38),
            scale: i8::try_from(scale).unwrap_or(37),
        },
    }
}

/// Why the text of a cell is no value of its column.
#[derive(Debug, PartialEq)]
pub(super) enum Unfit {
    /// It is written in another way.
    Unreadable,
    /// It is a time that nanoseconds in 64 bits do not reach.
    OutOfRange,
}

/// The values of a column, as they are gathered.
pub(super) enum Cells {
    Integer(Int64Builder),
    Decimal(Decimal128Builder, u8, i8),
    Float(Float64Builder),
    Boolean(BooleanBuilder),
    Date(Date32Builder),
    Time(Time64NanosecondBuilder),
    Microseconds(TimestampMicrosecondBuilder, bool),
    Nanoseconds(TimestampNanosecondBuilder, bool),
    Binary(BinaryBuilder, Vec<u8>),
    Json(StringBuilder),
    Text(StringBuilder),
}

impl Cells {
    /// An empty column with room for so many rows.
    pub(super) fn new(column: &Column, rows: usize) -> Self {
        let data_type = column.data_type();
        match column.kind {
            Kind::Integer => Self::Integer(Int64Builder::with_capacity(rows)),
            Kind::Decimal { precision, scale } => Self::Decimal(
                Decimal128Builder::with_capacity(rows).with_data_type(data_type),
                precision,
                scale,
            ),
            Kind::Float => Self::Float(Float64Builder::with_capacity(rows)),
            Kind::Boolean => Self::Boolean(BooleanBuilder::with_capacity(rows)),
            Kind::Date => Self::Date(Date32Builder::with_capacity(rows)),
            Kind::Time => Self::Time(Time64NanosecondBuilder::with_capacity(rows)),
            Kind::Stamp { nanoseconds: false, zone } => Self::Microseconds(
                TimestampMicrosecondBuilder::with_capacity(rows).with_data_type(data_type),
                zone == Zone::Offset,
            ),
            Kind::Stamp { nanoseconds: true, zone } => Self::Nanoseconds(
                TimestampNanosecondBuilder::with_capacity(rows).with_data_type(data_type),
                zone == Zone::Offset,
            ),
            Kind::Binary => Self::Binary(BinaryBuilder::with_capacity(rows, 0), Vec::new()),
            Kind::Json => Self::Json(StringBuilder::with_capacity(rows, 0)),
            Kind::Number | Kind::Text => Self::Text(StringBuilder::with_capacity(rows, rows * 8)),
        }
    }

    /// Adds a NULL.
    pub(super) fn push_null(&mut self) {
        match self {
            Self::Integer(cells) => cells.append_null(),
            Self::Decimal(cells, ..) => cells.append_null(),
            Self::Float(cells) => cells.append_null(),
            Self::Boolean(cells) => cells.append_null(),
            Self::Date(cells) => cells.append_null(),
            Self::Time(cells) => cells.append_null(),
            Self::Microseconds(cells, _) => cells.append_null(),
            Self::Nanoseconds(cells, _) => cells.append_null(),
            Self::Binary(cells, _) => cells.append_null(),
            Self::Json(cells) | Self::Text(cells) => cells.append_null(),
        }
    }

    /// Adds a value.
    ///
    /// # Errors
    /// When the text is no value of this column; nothing is added then.
    pub(super) fn push(&mut self, text: &str) -> Result<(), Unfit> {
        match self {
            Self::Integer(cells) => cells.append_value(match text.parse() {
                Ok(number) => number,
                // `5.0`, `+5`, `5E2`.
                Err(_) => {
                    let number = numbers::decimal(text, 19, 0).ok_or(Unfit::Unreadable)?;
                    i64::try_from(number).map_err(|_| Unfit::Unreadable)?
                }
            }),
            Self::Decimal(cells, precision, scale) => {
                cells.append_value(numbers::decimal(text, *precision, *scale).ok_or(Unfit::Unreadable)?);
            }
            // Rust reads `NaN`, `inf` and `Infinity` in any case.
            Self::Float(cells) => cells.append_value(text.trim().parse().map_err(|_| Unfit::Unreadable)?),
            Self::Boolean(cells) => cells.append_value(match text {
                "true" | "1" => true,
                "false" | "0" => false,
                other if other.eq_ignore_ascii_case("true") => true,
                other if other.eq_ignore_ascii_case("false") => false,
                _ => return Err(Unfit::Unreadable),
            }),
            Self::Date(cells) => cells.append_value(text.trim().parse().map_err(|_| Unfit::Unreadable)?),
            Self::Time(cells) => {
                let since_midnight = numbers::time_of_day(text).ok_or(Unfit::Unreadable)?;
                match (0..DAY).contains(&since_midnight) {
                    true => cells.append_value(since_midnight),
                    false => return Err(Unfit::Unreadable),
                }
            }
            Self::Microseconds(cells, offset) => {
                let nanoseconds = instant(text, *offset)?;
                if nanoseconds % 1000 != 0 {
                    return Err(Unfit::Unreadable);
                }
                cells.append_value(i64::try_from(nanoseconds / 1000).map_err(|_| Unfit::OutOfRange)?);
            }
            Self::Nanoseconds(cells, offset) => {
                cells.append_value(i64::try_from(instant(text, *offset)?).map_err(|_| Unfit::OutOfRange)?);
            }
            Self::Binary(cells, bytes) => {
                numbers::from_hex(text, bytes).ok_or(Unfit::Unreadable)?;
                cells.append_value(bytes);
            }
            Self::Json(cells) => cells.append_value(as_json(text)),
            Self::Text(cells) => cells.append_value(text),
        }
        Ok(())
    }

    /// What was gathered; the column is empty then.
    pub(super) fn finish(&mut self) -> ArrayRef {
        match self {
            Self::Integer(cells) => ArrayBuilder::finish(cells),
            Self::Decimal(cells, ..) => ArrayBuilder::finish(cells),
            Self::Float(cells) => ArrayBuilder::finish(cells),
            Self::Boolean(cells) => ArrayBuilder::finish(cells),
            Self::Date(cells) => ArrayBuilder::finish(cells),
            Self::Time(cells) => ArrayBuilder::finish(cells),
            Self::Microseconds(cells, _) => ArrayBuilder::finish(cells),
            Self::Nanoseconds(cells, _) => ArrayBuilder::finish(cells),
            Self::Binary(cells, _) => Arc::new(cells.finish()),
            Self::Json(cells) | Self::Text(cells) => Arc::new(cells.finish()),
        }
    }
}

/// Nanoseconds since 1970. With an offset, what stands behind the space must be a number of minutes: the instant itself is in UTC.
fn instant(text: &str, offset: bool) -> Result<i128, Unfit> {
    let (seconds, minutes) = match text.trim().split_once(' ') {
        Some((seconds, minutes)) if offset => (seconds, Some(minutes)),
        Some(_) => return Err(Unfit::Unreadable),
        None => (text.trim(), None),
    };
    if minutes.is_some_and(|minutes| minutes.trim().parse::<i32>().is_err()) {
        return Err(Unfit::Unreadable);
    }
    numbers::nanoseconds(seconds).ok_or(Unfit::Unreadable)
}

/// The text of a semi-structured value as JSON. Snowflake writes some values that JSON does not know: `undefined` becomes `null`,
/// `NaN` and the like become text.
fn as_json(text: &str) -> Cow<'_, str> {
    if !["undefined", "NaN", "Infinity"].iter().any(|word| text.contains(word)) {
        return Cow::Borrowed(text);
    }
    let mut json = String::with_capacity(text.len() + 8);
    let mut rest = text;
    while let Some(next) = rest.chars().next() {
        let length = match next {
            '"' => string_length(rest),
            _ if next.is_ascii_alphabetic() => {
                rest.find(|c: char| !c.is_ascii_alphabetic()).unwrap_or(rest.len())
            }
            '-' if rest.starts_with("-Infinity") => "-Infinity".len(),
            _ => next.len_utf8(),
        };
        let (part, after) = rest.split_at(length);
        match part {
            "undefined" => json.push_str("null"),
            "NaN" | "Infinity" | "-Infinity" => json.extend(["\"", part, "\""]),
            _ => json.push_str(part),
        }
        rest = after;
    }
    Cow::Owned(json)
}

/// How long the string is that a text begins with, with its quotes.
fn string_length(text: &str) -> usize {
    let mut escaped = false;
    for (at, byte) in text.bytes().enumerate().skip(1) {
        match byte {
            _ if escaped => escaped = false,
            b'\\' => escaped = true,
            b'"' => return at + 1,
            _ => {}
        }
    }
    text.len()
}

#[cfg(test)]
mod tests {
    use super::*;
    use arrow::array::AsArray;
    use arrow::datatypes::TimestampNanosecondType;
    use arrow::util::display::array_value_to_string;

    fn column(type_name: &str, precision: Option<u64>, scale: Option<u64>) -> Column {
        let type_name = type_name.to_owned();
        Column::of(&ColumnType { name: "C".to_owned(), type_name, precision, scale, ..ColumnType::default() })
    }

    #[test]
    fn types_are_found_in_any_spelling() {
        for (told, precision, scale, type_name, data_type) in [
            ("fixed", Some(18), Some(0), "NUMBER(18,0)", DataType::Int64),
            ("FIXED", Some(19), Some(0), "NUMBER(19,0)", DataType::Decimal128(38, 0)),
            ("Number(10,2)", None, None, "NUMBER(10,2)", DataType::Decimal128(10, 2)),
            ("fixed", None, None, "NUMBER(38,0)", DataType::Decimal128(38, 0)),
            ("fixed", Some(2), Some(5), "NUMBER(2,5)", DataType::Decimal128(5, 5)),
            ("real", None, None, "FLOAT", DataType::Float64),
            ("VARCHAR(16777216)", None, None, "VARCHAR", DataType::Utf8),
            ("text", None, None, "VARCHAR", DataType::Utf8),
            (
                "timestamp_ntz",
                Some(0),
                Some(6),
                "TIMESTAMP_NTZ(6)",
                DataType::Timestamp(TimeUnit::Microsecond, None),
            ),
            (
                "TIMESTAMP_LTZ(9)",
                None,
                None,
                "TIMESTAMP_LTZ(9)",
                DataType::Timestamp(TimeUnit::Nanosecond, Some("UTC".into())),
            ),
            ("time", None, Some(3), "TIME(3)", DataType::Time64(TimeUnit::Nanosecond)),
            ("decfloat", None, None, "DECFLOAT", DataType::Utf8),
            ("vector(float, 3)", None, None, "VECTOR(FLOAT, 3)", DataType::Utf8),
            ("", None, None, "", DataType::Utf8),
        ] {
            let column = column(told, precision, scale);
            assert_eq!((column.type_name.as_str(), column.data_type()), (type_name, data_type), "{told}");
        }
        assert!(column("object", None, None).field().metadata().contains_key(crate::port::JSON));
    }

    #[test]
    fn values_are_exact_or_refused() {
        for (type_name, precision, scale, text, value) in [
            ("fixed", 18, 0, "-999999999999999999", Some("-999999999999999999")),
            ("fixed", 18, 0, "5.00", Some("5")),
            ("fixed", 18, 0, "5.5", None),
            (
                "fixed",
                38,
                0,
                "99999999999999999999999999999999999999",
                Some("99999999999999999999999999999999999999"),
            ),
            ("fixed", 38, 10, "-0.0000000001", Some("-0.0000000001")),
            ("fixed", 10, 2, "12345678.91", Some("12345678.91")),
            ("fixed", 10, 2, "123456789.01", None),
            ("fixed", 10, 2, "1.234", None),
            ("fixed", 10, 2, "", None),
            ("real", 0, 0, "-Infinity", Some("-inf")),
            ("real", 0, 0, "nan", Some("NaN")),
            ("boolean", 0, 0, "TRUE", Some("true")),
            ("boolean", 0, 0, "0", Some("false")),
            ("boolean", 0, 0, "yes", None),
            ("date", 0, 0, "-719162", Some("0001-01-01")),
            ("time", 0, 9, "86399.999999999", Some("23:59:59.999999999")),
            ("time", 0, 9, "86400", None),
            ("timestamp_ntz", 0, 9, "-0.000000001", Some("1969-12-31T23:59:59.999999999")),
            ("timestamp_ntz", 0, 9, "1616173619123456789", Some("2021-03-19T17:06:59.123456789")),
            ("timestamp_ntz", 0, 9, "253402300799.000000000", None),
            ("timestamp_ntz", 0, 6, "253402300799.999999000", Some("9999-12-31T23:59:59.999999")),
            ("timestamp_ntz", 0, 6, "1.000000001", None),
            ("timestamp_tz", 0, 9, "1616173619.000000000 2160", Some("2021-03-19T17:06:59")),
            ("timestamp_tz", 0, 9, "-1.250000000 960", Some("1969-12-31T23:59:58.750")),
            ("timestamp_tz", 0, 9, "1.0 x", None),
            ("binary", 0, 0, "00fFA0", Some("00ffa0")),
            ("binary", 0, 0, "0", None),
            (
                "variant",
                0,
                0,
                "{\"a\\\"undefined\": [undefined, NaN]}",
                Some("{\"a\\\"undefined\": [null, \"NaN\"]}"),
            ),
            ("text", 0, 0, "", Some("")),
        ] {
            let mut cells = Cells::new(&column(type_name, Some(precision), Some(scale)), 1);
            let pushed = cells.push(text);
            assert_eq!(pushed.is_ok(), value.is_some(), "{type_name} {text}");
            if let Some(value) = value {
                // Arrow prints no named zones here.
                let cells = match cells.finish() {
                    utc if utc.data_type()
                        == &DataType::Timestamp(TimeUnit::Nanosecond, Some("UTC".into())) =>
                    {
                        Arc::new(
                            utc.as_primitive::<TimestampNanosecondType>()
                                .clone()
                                .with_timezone_opt(None::<&str>),
                        )
                    }
                    cells => cells,
                };
                assert_eq!(array_value_to_string(&cells, 0).unwrap(), value, "{type_name} {text}");
            }
        }
    }
}
