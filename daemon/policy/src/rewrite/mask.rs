//! The expression of a mask in each dialect. None can fail on a value: an error would show it.

use super::treatment::Mask;
use super::types::ColumnType;
use super::{MaskKey, ViewColumn, quote};
use crate::names::Dialect;

/// What stands in the place of hidden letters; of one length, as the number of letters may say who it is.
const HIDDEN: &str = "'***'";

/// The expression that shows a column under a mask. The mask fits the column's type (see `Treatment::fits`).
pub(crate) fn expression(column: &ViewColumn, mask: Mask, dialect: Dialect, key: &MaskKey) -> String {
    let name = quote::name(&column.name, dialect);
    let data_type = column.data_type.trim();
    match mask {
        // The engine gives the NULL the column's own type, also where the type has no plain name.
        Mask::Null => format!("CASE WHEN FALSE THEN {name} END"),
        Mask::Redact => format!("CASE WHEN {name} IS NOT NULL THEN 'REDACTED' END"),
        Mask::Hash => hash(&name, dialect, key),
        Mask::Partial { first, last } => {
            let shown = u64::from(first) + u64::from(last);
            format!(
                "CASE WHEN {name} IS NULL THEN NULL WHEN length({name}) > {shown} \
                 THEN left({name}, {first}) || {HIDDEN} || right({name}, {last}) ELSE {HIDDEN} END"
            )
        }
        Mask::Bucket { width } => {
            let class = ColumnType::of(data_type, dialect);
            bucket(&name, data_type, class, width.get(), dialect)
        }
        // DuckDB cuts the column's bounds too while it plans, and fails there, outside of TRY, when they are extreme. What
        // is added has no bounds.
        Mask::Date { unit } if dialect == Dialect::Duckdb => {
            format!("TRY(CAST(date_trunc('{unit}', {name} + INTERVAL 0 DAY) AS {data_type}))")
        }
        Mask::Date { unit } => format!("CAST(date_trunc('{unit}', {name}) AS {data_type})"),
    }
}

fn hash(name: &str, dialect: Dialect, key: &MaskKey) -> String {
    let key = key.hex();
    match dialect {
        Dialect::Duckdb => format!("sha256('{key}' || CAST({name} AS VARCHAR))"),
        Dialect::Postgres => {
            format!("encode(sha256(convert_to('{key}' || CAST({name} AS text), 'UTF8')), 'hex')")
        }
        Dialect::Redshift => format!("sha2('{key}' || CAST({name} AS VARCHAR), 256)"),
        Dialect::Snowflake => format!("sha2('{key}' || CAST({name} AS VARCHAR), 256)"),
        Dialect::Databricks => format!("sha2('{key}' || CAST({name} AS STRING), 256)"),
    }
}

/// `x - x mod width` with the remainder made positive, in a type that holds every step exactly. The lowest interval starts
/// at the smallest value of the type.
fn bucket(name: &str, data_type: &str, class: ColumnType, width: u32, dialect: Dialect) -> String {
    let is_duckdb = dialect == Dialect::Duckdb;
    let lower = |value: &str, width: &str| {
        if is_duckdb {
            format!("{value} - (({value} % {width}) + {width}) % {width}")
        } else {
            format!("{value} - mod(mod({value}, {width}) + {width}, {width})")
        }
    };
    let bound = match class {
        ColumnType::Whole { min: Some(min) } => {
            let wide = match () {
                () if !is_duckdb => "DECIMAL(38, 0)",
                // The width has 32 bits.
                () if i32::try_from(min).is_ok_and(|min| min < 0) => "BIGINT",
                () => "HUGEINT",
            };
            let value = format!("CAST({name} AS {wide})");
            // A constant beyond the engine's whole numbers once its sign is taken off is written as a text.
            let lower = lower(&value, &format!("CAST({width} AS {wide})"));
            format!("CAST(greatest({lower}, CAST('{min}' AS {wide})) AS {data_type})")
        }
        ColumnType::Whole { min: None } => {
            format!("CAST({} AS {data_type})", lower(name, &format!("CAST({width} AS {data_type})")))
        }
        ColumnType::Decimal if is_duckdb => {
            format!("CAST({} AS {data_type})", lower(name, &width.to_string()))
        }
        ColumnType::Decimal => lower(name, &width.to_string()),
        _ => format!("CAST(floor({name} / {width}) * {width} AS {data_type})"),
    };
    // `greatest` leaves NULLs out in some dialects.
    let bound = format!("CASE WHEN {name} IS NOT NULL THEN {bound} END");
    if is_duckdb { format!("TRY({bound})") } else { bound }
}
