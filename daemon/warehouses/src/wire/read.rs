//! How a column is read, whatever the form its values come in.

use crate::port::{Column, NUMBER};
use arrow::datatypes::{DataType, Field, IntervalUnit, TimeUnit};

/// How the values of a column are read from the wire.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Read {
    Bool,
    Int16,
    Int32,
    Int64,
    /// An object id: 32 bits without sign.
    Oid,
    Float32,
    Float64,
    /// A NUMERIC of known width and scale.
    Decimal(u8, i8),
    /// A NUMERIC whose scale differs from value to value: its digits as text.
    Number,
    Text,
    /// JSON as text; `true` where a version byte stands before it (jsonb).
    Json(bool),
    Uuid,
    Bytes,
    Date,
    Time,
    /// Microseconds; `true` with a time zone.
    Timestamp(bool),
    Interval,
    /// Of no type: always NULL.
    Void,
}

impl Read {
    /// The type of the Arrow column.
    pub(crate) fn data_type(self) -> DataType {
        match self {
            Self::Bool => DataType::Boolean,
            Self::Int16 => DataType::Int16,
            Self::Int32 => DataType::Int32,
            Self::Int64 => DataType::Int64,
            Self::Oid => DataType::UInt32,
            Self::Float32 => DataType::Float32,
            Self::Float64 => DataType::Float64,
            Self::Decimal(precision, scale) => DataType::Decimal128(precision, scale),
            Self::Number | Self::Text | Self::Json(_) | Self::Uuid => DataType::Utf8,
            Self::Bytes => DataType::Binary,
            Self::Date => DataType::Date32,
            Self::Time => DataType::Time64(TimeUnit::Microsecond),
            Self::Timestamp(zoned) => DataType::Timestamp(TimeUnit::Microsecond, zoned.then(|| "UTC".into())),
            Self::Interval => DataType::Interval(IntervalUnit::MonthDayNano),
            Self::Void => DataType::Null,
        }
    }

    /// How a NUMERIC with such a modifier is read.
    pub(crate) fn numeric(modifier: i32) -> Self {
        match numeric(modifier) {
            Some((precision @ 1..=38, scale @ 0..=38)) if scale <= i32::from(precision) => {
                i8::try_from(scale).map_or(Self::Number, |scale| Self::Decimal(precision, scale))
            }
            _ => Self::Number,
        }
    }
}

/// Precision and scale of a NUMERIC with such a modifier (PostgreSQL source, `numeric.c`: 11 bits of signed scale).
pub(crate) fn numeric(modifier: i32) -> Option<(u8, i32)> {
    let packed = modifier.checked_sub(4).filter(|packed| *packed >= 0)?;
    let scale = ((packed & 0x7ff) ^ 1024) - 1024;
    u8::try_from((packed >> 16) & 0xffff).ok().map(|precision| (precision, scale))
}

/// The field of a column that is read so.
pub(crate) fn field(column: &Column, read: Read) -> Field {
    let json = matches!(read, Read::Json(_));
    let field = Column::field(&column.name, read.data_type(), &column.type_name, json);
    if read != Read::Number {
        return field;
    }
    let mut metadata = field.metadata().clone();
    metadata.insert(NUMBER.to_owned(), String::new());
    field.with_metadata(metadata)
}
