//! The server's types: how each is read from text, and what people call it.

use super::link::Described;
use crate::port::Column;
use crate::wire::read::{Read, numeric};

/// How a column is read. What has no counterpart in Arrow stays the text that the server writes: geometry as hex, sketches.
pub(super) fn read(column: &Described) -> Read {
    match column.oid {
        16 => Read::Bool,
        21 => Read::Int16,
        23 => Read::Int32,
        20 => Read::Int64,
        26 => Read::Oid,
        700 => Read::Float32,
        701 => Read::Float64,
        1700 => Read::numeric(column.modifier),
        1082 => Read::Date,
        1083 => Read::Time,
        1114 => Read::Timestamp(false),
        1184 => Read::Timestamp(true),
        1186 | 1188 | 1190 => Read::Interval,
        4000 => Read::Json(false),
        6551 => Read::Bytes,
        2278 => Read::Void,
        _ => Read::Text,
    }
}

/// The columns of a result.
pub(super) fn columns(described: &[Described]) -> Vec<Column> {
    let column = |column: &Described| Column {
        name: column.name.clone(),
        type_name: name(column.oid, column.modifier),
        nullable: None,
        comment: None,
    };
    described.iter().map(column).collect()
}

/// The type as SQL names it.
fn name(oid: u32, modifier: i32) -> String {
    let length = modifier.checked_sub(4).filter(|length| *length > 0);
    let with_length = |name: &str| length.map_or(name.to_owned(), |n| format!("{name}({n})"));
    let plain = match oid {
        16 => "boolean",
        18 => "\"char\"",
        19 => "name",
        20 => "bigint",
        21 => "smallint",
        23 => "integer",
        25 => "text",
        26 => "oid",
        700 => "real",
        701 => "double precision",
        705 => "unknown",
        1042 => return with_length("character"),
        1043 => return with_length("character varying"),
        1082 => "date",
        1083 => "time without time zone",
        1114 => "timestamp without time zone",
        1184 => "timestamp with time zone",
        1186 => "interval",
        1188 => "interval year to month",
        1190 => "interval day to second",
        1266 => "time with time zone",
        1700 => return numeric(modifier).map_or("numeric".to_owned(), |(p, s)| format!("numeric({p},{s})")),
        2278 => "void",
        3000 => "geometry",
        3001 => "geography",
        3999 => "geometryhex",
        4000 => "super",
        6551 => "varbyte",
        other => return format!("type {other}"),
    };
    plain.to_owned()
}
