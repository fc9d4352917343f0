//! The server's types: how each is read, and what people call it.

use crate::port::Column;
use crate::wire::read::{Read, numeric};
use tokio_postgres::Statement;
use tokio_postgres::types::{Kind, Type};

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
            Type::NUMERIC => Self::numeric(modifier),
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
