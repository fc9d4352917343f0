//! Columns of Arrow, filled value by value.

use super::read::Read;
use arrow::array::{
    ArrayRef, BinaryBuilder, BooleanBuilder, Date32Builder, Decimal128Builder, Float32Builder,
    Float64Builder, Int16Builder, Int32Builder, Int64Builder, IntervalMonthDayNanoBuilder, NullBuilder,
    StringBuilder, Time64MicrosecondBuilder, TimestampMicrosecondBuilder, UInt32Builder,
};
use arrow::datatypes::SchemaRef;
use std::sync::Arc;
use wharf_protocol::{ApiError, ErrorKind};

/// A value that Arrow cannot hold, or bytes that are none of their type.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Unreadable {
    /// The value exists, but has no counterpart: `infinity` as a date.
    Beyond(&'static str),
    /// The server sent something else than it announced.
    Odd,
}

/// Collects the values of one column. How a value is read from the wire is each source's own matter.
pub(crate) enum Builder {
    Bool(BooleanBuilder),
    Int16(Int16Builder),
    Int32(Int32Builder),
    Int64(Int64Builder),
    Oid(UInt32Builder),
    Float32(Float32Builder),
    Float64(Float64Builder),
    Decimal(Decimal128Builder, u8, i8),
    Number(StringBuilder, String),
    Text(StringBuilder),
    Json(StringBuilder, bool),
    Uuid(StringBuilder),
    Bytes(BinaryBuilder),
    Date(Date32Builder),
    Time(Time64MicrosecondBuilder),
    Timestamp(TimestampMicrosecondBuilder, bool),
    Interval(IntervalMonthDayNanoBuilder),
    Void(NullBuilder),
}

/// Appends a value or NULL: `$read` makes the value from its bytes.
macro_rules! append {
    ($builder:expr, $raw:expr, $read:expr) => {
        match $raw {
            None => $builder.append_null(),
            Some(bytes) => $builder.append_value($read(bytes)?),
        }
    };
}

pub(crate) use append;

impl Builder {
    /// A builder for columns that are read so.
    pub(crate) fn new(read: Read) -> Self {
        match read {
            Read::Bool => Self::Bool(BooleanBuilder::new()),
            Read::Int16 => Self::Int16(Int16Builder::new()),
            Read::Int32 => Self::Int32(Int32Builder::new()),
            Read::Int64 => Self::Int64(Int64Builder::new()),
            Read::Oid => Self::Oid(UInt32Builder::new()),
            Read::Float32 => Self::Float32(Float32Builder::new()),
            Read::Float64 => Self::Float64(Float64Builder::new()),
            Read::Decimal(precision, scale) => Self::Decimal(Decimal128Builder::new(), precision, scale),
            Read::Number => Self::Number(StringBuilder::new(), String::new()),
            Read::Text => Self::Text(StringBuilder::new()),
            Read::Json(versioned) => Self::Json(StringBuilder::new(), versioned),
            Read::Uuid => Self::Uuid(StringBuilder::new()),
            Read::Bytes => Self::Bytes(BinaryBuilder::new()),
            Read::Date => Self::Date(Date32Builder::new()),
            Read::Time => Self::Time(Time64MicrosecondBuilder::new()),
            Read::Timestamp(zoned) => Self::Timestamp(TimestampMicrosecondBuilder::new(), zoned),
            Read::Interval => Self::Interval(IntervalMonthDayNanoBuilder::new()),
            Read::Void => Self::Void(NullBuilder::new()),
        }
    }

    /// The column, and begins the next.
    pub(crate) fn finish(&mut self) -> ArrayRef {
        match self {
            Self::Bool(b) => Arc::new(b.finish()),
            Self::Int16(b) => Arc::new(b.finish()),
            Self::Int32(b) => Arc::new(b.finish()),
            Self::Int64(b) => Arc::new(b.finish()),
            Self::Oid(b) => Arc::new(b.finish()),
            Self::Float32(b) => Arc::new(b.finish()),
            Self::Float64(b) => Arc::new(b.finish()),
            Self::Decimal(b, precision, scale) => {
                let all = b.finish();
                // The server has checked both before it stored the value.
                Arc::new(all.clone().with_precision_and_scale(*precision, *scale).unwrap_or(all))
            }
            Self::Number(b, _) | Self::Text(b) | Self::Json(b, _) | Self::Uuid(b) => Arc::new(b.finish()),
            Self::Bytes(b) => Arc::new(b.finish()),
            Self::Date(b) => Arc::new(b.finish()),
            Self::Time(b) => Arc::new(b.finish()),
            Self::Timestamp(b, zoned) => {
                let all = b.finish();
                Arc::new(if *zoned { all.with_timezone("UTC") } else { all })
            }
            Self::Interval(b) => Arc::new(b.finish()),
            Self::Void(b) => Arc::new(b.finish()),
        }
    }
}

/// The error that a value which cannot be handed on makes.
pub(crate) fn unreadable(schema: &SchemaRef, at: usize, why: Unreadable) -> ApiError {
    let column = schema.field(at).name();
    match why {
        Unreadable::Beyond(what) => {
            let message = format!("the column `{column}` holds {what}, which cannot be handed on exactly");
            ApiError::new(ErrorKind::Failed, "conversion", message).hint(format!("cast it: {column}::text"))
        }
        Unreadable::Odd => {
            let message = format!("the column `{column}` came in another form than the server announced");
            ApiError::new(ErrorKind::Failed, "source_odd", message)
        }
    }
}
