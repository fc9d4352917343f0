//! Cells of a result as Arrow columns: the same types as by the PostgreSQL protocol.

use super::messages::{Cell, Head};
use crate::port::Column;
use crate::redshift::link::Described;
use crate::redshift::types;
use crate::wire::columns::{Builder, Unreadable};
use base64::Engine;

/// A column in the terms of the PostgreSQL protocol. A type that is not known there has the number 0.
pub(super) fn described(head: &Head) -> Described {
    let plain = |oid: u32| (oid, -1);
    // The far side tells a length by the name of precision.
    let with_length =
        |oid: u32| (oid, if head.precision > 0 { head.precision.saturating_add(4) } else { -1 });
    let (oid, modifier) = match head.type_name.to_ascii_lowercase().as_str() {
        "bool" | "boolean" => plain(16),
        "int2" | "smallint" => plain(21),
        "int4" | "integer" | "int" => plain(23),
        "int8" | "bigint" => plain(20),
        "oid" => plain(26),
        "float4" | "real" => plain(700),
        "float8" | "double precision" => plain(701),
        "numeric" | "decimal" => (1700, numeric(head.precision, head.scale)),
        "varchar" | "character varying" => with_length(1043),
        "bpchar" | "character" => with_length(1042),
        "char" => plain(18),
        "name" => plain(19),
        "text" => plain(25),
        "unknown" => plain(705),
        "date" => plain(1082),
        "time" => plain(1083),
        "timetz" => plain(1266),
        "timestamp" => plain(1114),
        "timestamptz" => plain(1184),
        "interval" => plain(1186),
        "intervaly2m" | "interval year to month" => plain(1188),
        "intervald2s" | "interval day to second" => plain(1190),
        "super" => plain(4000),
        "varbyte" => plain(6551),
        "geometry" => plain(3000),
        "geography" => plain(3001),
        "geometryhex" => plain(3999),
        "void" => plain(2278),
        _ => plain(0),
    };
    let name = head.label.clone().filter(|label| !label.is_empty()).unwrap_or_else(|| head.name.clone());
    Described { name, oid, modifier }
}

/// Precision and scale as the modifier of a NUMERIC packs them.
fn numeric(precision: i32, scale: i32) -> i32 {
    match (precision, scale) {
        (1..=1000, 0..=1000) => ((precision << 16) | scale) + 4,
        _ => -1,
    }
}

/// The columns of a result, as they are told on.
pub(super) fn columns(heads: &[Head], described: &[Described]) -> Vec<Column> {
    let mut columns = types::columns(described);
    for ((column, described), head) in columns.iter_mut().zip(described).zip(heads) {
        if described.oid == 0 {
            column.type_name.clone_from(&head.type_name);
        }
    }
    columns
}

/// Takes one value.
///
/// # Errors
/// When Arrow cannot hold it, or it is none of the column's type.
pub(super) fn push(builder: &mut Builder, cell: &Cell<'_>) -> Result<(), Unreadable> {
    match (builder, cell) {
        (builder, Cell::IsNull(true)) => builder.push_text(None),
        (_, Cell::IsNull(false)) => Err(Unreadable::Odd),
        // VARBYTE comes as base64, mostly by the name of text.
        (Builder::Bytes(builder), Cell::StringValue(text) | Cell::BlobValue(text)) => {
            let bytes = base64::engine::general_purpose::STANDARD.decode(text.as_bytes());
            builder.append_value(bytes.map_err(|_| Unreadable::Odd)?);
            Ok(())
        }
        (_, Cell::BlobValue(_)) => Err(Unreadable::Odd),
        (builder, Cell::StringValue(text)) => builder.push_text(Some(text.as_bytes())),
        (builder, cell) => builder.push_text(text(cell).as_deref().map(str::as_bytes)),
    }
}

/// The text of a value; none is NULL.
pub(super) fn text(cell: &Cell<'_>) -> Option<String> {
    match cell {
        Cell::IsNull(_) => None,
        Cell::BooleanValue(yes) => Some(yes.to_string()),
        Cell::LongValue(number) => Some(number.to_string()),
        // What JSON cannot write as a number comes in quotes: NaN.
        Cell::DoubleValue(raw) => Some(raw.get().trim_matches('"').to_owned()),
        Cell::StringValue(text) | Cell::BlobValue(text) => Some(text.clone().into_owned()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::wire::read::Read;
    use arrow::array::AsArray;
    use arrow::datatypes::{Float32Type, Float64Type};

    fn cell(json: &str) -> Cell<'_> {
        serde_json::from_str(json).unwrap()
    }

    #[test]
    fn a_cell_is_exactly_one_value() {
        assert!(matches!(cell(r#"{"isNull": true}"#), Cell::IsNull(true)));
        assert_eq!(text(&cell(r#"{"stringValue": "\u00e9\""}"#)).as_deref(), Some("é\""));
        for odd in
            ["{}", r#"{"longValue": 1, "isNull": true}"#, r#"{"longValue": 1.5}"#, r#"{"other": 1}"#, "1"]
        {
            assert!(serde_json::from_str::<Cell<'_>>(odd).is_err(), "{odd}");
        }
        let mut numbers = Builder::new(Read::Int64);
        assert_eq!(push(&mut numbers, &cell(r#"{"isNull": false}"#)), Err(Unreadable::Odd));
        assert_eq!(push(&mut numbers, &cell(r#"{"stringValue": "x"}"#)), Err(Unreadable::Odd));
    }

    #[test]
    fn floats_are_the_nearest_to_the_digits_that_came() {
        let mut single = Builder::new(Read::Float32);
        let mut double = Builder::new(Read::Float64);
        for json in
            [r#"{"doubleValue": 123.456787109375}"#, r#"{"doubleValue": 0.1}"#, r#"{"doubleValue": "NaN"}"#]
        {
            push(&mut single, &cell(json)).unwrap();
            push(&mut double, &cell(json)).unwrap();
        }
        push(&mut double, &cell(r#"{"doubleValue": "-Infinity"}"#)).unwrap();
        push(&mut double, &cell(r#"{"doubleValue": 1.7976931348623157E308}"#)).unwrap();
        let (single, double) = (single.finish(), double.finish());
        let single = single.as_primitive::<Float32Type>().values();
        assert_eq!(single[..2], [123.456_79, 0.1]);
        let double = double.as_primitive::<Float64Type>().values();
        assert_eq!(double[..2], [123.456_787_109_375, 0.1]);
        assert!(single[2].is_nan() && double[2].is_nan());
        assert_eq!(double[3..], [f64::NEG_INFINITY, f64::MAX]);
    }

    #[test]
    fn bytes_come_as_base64() {
        let mut bytes = Builder::new(Read::Bytes);
        push(&mut bytes, &cell(r#"{"stringValue": "YWJj"}"#)).unwrap();
        push(&mut bytes, &cell(r#"{"blobValue": "/w=="}"#)).unwrap();
        push(&mut bytes, &cell(r#"{"stringValue": ""}"#)).unwrap();
        assert_eq!(push(&mut bytes, &cell(r#"{"stringValue": "616"}"#)), Err(Unreadable::Odd));
        let bytes = bytes.finish();
        let bytes: Vec<_> = bytes.as_binary::<i32>().iter().flatten().collect();
        assert_eq!(bytes, [&b"abc"[..], &[0xff], &[]]);
    }
}
