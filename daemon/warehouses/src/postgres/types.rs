//! The server's types: how each is read, and what people call it.

use crate::port::Column;
use arrow::datatypes::{DataType, IntervalUnit, TimeUnit};
use tokio_postgres::Statement;
use tokio_postgres::types::{Kind, Type};

/// How the values of a column are read from the wire.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Read {
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
    /// How a column is read; none where its type has no exact counterpart, so that the server must write it as text.
    pub(super) fn of(of: &Type, modifier: i32) -> Option<Self> {
        Some(match *of {
            Type::BOOL => Self::Bool,
            Type::INT2 => Self::Int16,
            Type::INT4 => Self::Int32,
            Type::INT8 => Self::Int64,
            Type::OID => Self::Oid,
            Type::FLOAT4 => Self::Float32,
            Type::FLOAT8 => Self::Float64,
            Type::NUMERIC => match numeric(modifier) {
                Some((precision @ 1..=38, scale @ 0..=38)) if scale <= i32::from(precision) => {
                    Self::Decimal(precision, i8::try_from(scale).ok()?)
                }
                _ => Self::Number,
            },
            Type::TEXT | Type::VARCHAR | Type::BPCHAR | Type::NAME | Type::UNKNOWN | Type::XML => Self::Text,
            Type::JSON => Self::Json(false),
            Type::JSONB => Self::Json(true),
            Type::UUID => Self::Uuid,
            Type::BYTEA => Self::Bytes,
            Type::DATE => Self::Date,
            Type::TIME => Self::Time,
            Type::TIMESTAMP => Self::Timestamp(false),
            Type::TIMESTAMPTZ => Self::Timestamp(true),
            Type::INTERVAL => Self::Interval,
            Type::VOID => Self::Void,
            _ if matches!(of.kind(), Kind::Enum(_)) || of.name() == "citext" => Self::Text,
            _ => return None,
        })
    }

    /// The type of the Arrow column.
    pub(super) fn data_type(self) -> DataType {
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
}

/// Precision and scale of a NUMERIC with such a modifier (PostgreSQL source, `numeric.c`: 11 bits of signed scale).
fn numeric(modifier: i32) -> Option<(u8, i32)> {
    let packed = modifier.checked_sub(4).filter(|packed| *packed >= 0)?;
    let scale = ((packed & 0x7ff) ^ 1024) - 1024;
    u8::try_from((packed >> 16) & 0xffff).ok().map(|precision| (precision, scale))
}

/// The statement with the columns that cannot be read cast to text, where there are such.
pub(super) fn with_texts(statement: &Statement, sql: &str) -> Option<String> {
    let columns = statement.columns();
    let readable =
        |column: &tokio_postgres::Column| Read::of(column.type_(), column.type_modifier()).is_some();
    if columns.iter().all(readable) {
        return None;
    }
    // Names may repeat in a result, but not in what a SELECT reads from.
    let inner: Vec<String> = (1..=columns.len()).map(|n| format!("c{n}")).collect();
    let select: Vec<String> = columns
        .iter()
        .zip(&inner)
        .map(|(column, inner)| {
            let cast = if readable(column) { "" } else { "::text" };
            format!("q.{inner}{cast} as \"{}\"", column.name().replace('"', "\"\""))
        })
        .collect();
    // The line break ends a comment that may close the statement.
    Some(format!("select {} from ({sql}\n) as q({})", select.join(", "), inner.join(", ")))
}

/// The columns of a statement's result.
pub(super) fn columns(statement: &Statement) -> Vec<Column> {
    let column = |column: &tokio_postgres::Column| Column {
        name: column.name().to_owned(),
        type_name: name(column.type_(), column.type_modifier()),
        nullable: None,
        comment: None,
    };
    statement.columns().iter().map(column).collect()
}

/// The type as SQL names it.
pub(super) fn name(of: &Type, modifier: i32) -> String {
    let length = modifier.checked_sub(4).filter(|length| *length > 0);
    let with_length = |name: &str| length.map_or(name.to_owned(), |n| format!("{name}({n})"));
    match *of {
        Type::BOOL => "boolean".to_owned(),
        Type::INT2 => "smallint".to_owned(),
        Type::INT4 => "integer".to_owned(),
        Type::INT8 => "bigint".to_owned(),
        Type::FLOAT4 => "real".to_owned(),
        Type::FLOAT8 => "double precision".to_owned(),
        Type::NUMERIC => numeric(modifier).map_or("numeric".to_owned(), |(p, s)| format!("numeric({p},{s})")),
        Type::VARCHAR => with_length("character varying"),
        Type::BPCHAR => with_length("character"),
        Type::TIMESTAMP => "timestamp without time zone".to_owned(),
        Type::TIMESTAMPTZ => "timestamp with time zone".to_owned(),
        Type::TIME => "time without time zone".to_owned(),
        Type::TIMETZ => "time with time zone".to_owned(),
        _ => match of.kind() {
            Kind::Array(item) => format!("{}[]", name(item, -1)),
            _ => of.name().to_owned(),
        },
    }
}
