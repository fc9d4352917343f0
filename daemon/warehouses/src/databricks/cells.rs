//! Cells of the JSON form as Arrow columns. Every cell that is not NULL is text; nested values are JSON within it. They become
//! the same Arrow types as the same result in Arrow's own form, so that nobody can tell which way it came.

use super::times;
use arrow::array::{
    ArrayRef, BinaryArray, BooleanArray, Date32Array, Decimal128Array, ListArray, MapArray, NullArray,
    PrimitiveArray, StringArray, StructArray, TimestampMicrosecondArray,
};
use arrow::buffer::{NullBuffer, OffsetBuffer};
use arrow::datatypes::{
    ArrowPrimitiveType, DataType, FieldRef, Fields, Float32Type, Float64Type, Int8Type, Int16Type, Int32Type,
    Int64Type, TimeUnit,
};
use base64::Engine;
use serde::Deserialize;
use serde::de::{Deserializer, MapAccess, Visitor};
use serde_json::value::RawValue;
use std::borrow::Cow;
use std::str::FromStr;
use std::sync::Arc;

/// Cells, NULL where none.
type Texts<'a> = &'a [Option<Cow<'a, str>>];

/// A column of `target` from its cells.
///
/// # Errors
/// The cell that is no such value.
pub(super) fn column(target: &DataType, cells: Texts<'_>) -> Result<ArrayRef, String> {
    Ok(match target {
        DataType::Null => match cells.iter().flatten().next() {
            None => Arc::new(NullArray::new(cells.len())),
            Some(cell) => return Err(no_value(cell, target)),
        },
        DataType::Boolean => Arc::new(
            each(cells, target, |text| match text {
                "true" | "TRUE" | "True" | "1" => Some(true),
                "false" | "FALSE" | "False" | "0" => Some(false),
                _ => None,
            })?
            .collect::<BooleanArray>(),
        ),
        DataType::Int8 => numbers::<Int8Type>(cells, target)?,
        DataType::Int16 => numbers::<Int16Type>(cells, target)?,
        DataType::Int32 => numbers::<Int32Type>(cells, target)?,
        DataType::Int64 => numbers::<Int64Type>(cells, target)?,
        DataType::Float32 => numbers::<Float32Type>(cells, target)?,
        DataType::Float64 => numbers::<Float64Type>(cells, target)?,
        DataType::Decimal128(precision, scale) => {
            let values = each(cells, target, |text| decimal(text, *precision, *scale))?;
            let array = values.collect::<Decimal128Array>().with_precision_and_scale(*precision, *scale);
            Arc::new(array.map_err(|e| e.to_string())?)
        }
        DataType::Date32 => Arc::new(each(cells, target, times::days)?.collect::<Date32Array>()),
        DataType::Timestamp(TimeUnit::Microsecond, Some(zone)) => {
            let values = each(cells, target, |text| times::micros(text).map(|(at, _)| at))?;
            Arc::new(values.collect::<TimestampMicrosecondArray>().with_timezone(Arc::clone(zone)))
        }
        // A time of the clock on the wall. A zone beside it that would move it is a contradiction.
        DataType::Timestamp(TimeUnit::Microsecond, None) => {
            let values = each(cells, target, |text| times::micros(text).filter(|(_, moved)| !moved))?;
            Arc::new(values.map(|value| value.map(|(at, _)| at)).collect::<TimestampMicrosecondArray>())
        }
        DataType::Binary => {
            let values =
                each(cells, target, |text| base64::engine::general_purpose::STANDARD.decode(text).ok())?;
            Arc::new(values.collect::<BinaryArray>())
        }
        DataType::Utf8 => Arc::new(cells.iter().map(|cell| cell.as_deref()).collect::<StringArray>()),
        DataType::List(_) | DataType::Map(_, _) | DataType::Struct(_) => {
            let values =
                each(cells, target, |text| serde_json::from_str::<&RawValue>(text).ok().map(RawValue::get))?;
            let values: Vec<Option<&str>> = values.collect();
            nested(target, &values)?
        }
        other => return Err(format!("no values of type {other} are known in this form")),
    })
}

/// What each cell is.
fn each<'a, T>(
    cells: Texts<'a>,
    target: &DataType,
    read: impl Fn(&'a str) -> Option<T>,
) -> Result<impl Iterator<Item = Option<T>>, String> {
    let mut values = Vec::with_capacity(cells.len());
    for cell in cells {
        values.push(match cell {
            None => None,
            Some(cell) => Some(read(cell).ok_or_else(|| no_value(cell, target))?),
        });
    }
    Ok(values.into_iter())
}

/// The cell itself is not told: it is data, and errors are logged.
fn no_value(cell: &str, target: &DataType) -> String {
    format!("a value of {} characters is no {target}", cell.chars().count())
}

fn numbers<T>(cells: Texts<'_>, target: &DataType) -> Result<ArrayRef, String>
where
    T: ArrowPrimitiveType,
    T::Native: FromStr,
{
    Ok(Arc::new(each(cells, target, |text| text.parse::<T::Native>().ok())?.collect::<PrimitiveArray<T>>()))
}

/// `1.50` at scale 2 as 150. Also `1E+3` and `0E-18`, as Java writes some. A digit that would be lost is an error.
fn decimal(text: &str, precision: u8, scale: i8) -> Option<i128> {
    let (mantissa, exponent) = match text.split_once(['e', 'E']) {
        Some((mantissa, exponent)) => (mantissa, exponent.parse::<i32>().ok()?),
        None => (text, 0),
    };
    let (negative, digits) = match mantissa.as_bytes().first()? {
        b'-' => (true, &mantissa[1..]),
        b'+' => (false, &mantissa[1..]),
        _ => (false, mantissa),
    };
    let (whole, fraction) = digits.split_once('.').unwrap_or((digits, ""));
    if whole.is_empty() && fraction.is_empty() {
        return None;
    }
    let mut value: i128 = 0;
    for digit in whole.bytes().chain(fraction.bytes()) {
        let digit = (digit as char).to_digit(10)?;
        value = value.checked_mul(10)?.checked_add(i128::from(digit))?;
    }
    let shift = i32::from(scale) + exponent - i32::try_from(fraction.len()).ok()?;
    for _ in 0..shift.min(40) {
        value = value.checked_mul(10)?;
    }
    for _ in shift.max(-80)..0 {
        if value % 10 != 0 {
            return None;
        }
        value /= 10;
    }
    (value < 10_i128.pow(u32::from(precision))).then_some(if negative { -value } else { value })
}

/// A column of a nested type from the JSON texts of its values.
fn nested(target: &DataType, values: &[Option<&str>]) -> Result<ArrayRef, String> {
    match target {
        DataType::List(item) => list(item, values),
        DataType::Struct(fields) => structure(fields, values),
        DataType::Map(entries, _) => mapping(entries, values),
        _ => {
            let texts: Vec<_> = values.iter().map(|value| value.and_then(leaf)).collect();
            column(target, &texts)
        }
    }
}

fn present(value: Option<&str>) -> Option<&str> {
    value.filter(|text| text.trim() != "null")
}

/// The text of a value without parts: what stands in the quotes, else the JSON itself. Numbers keep every digit.
fn leaf(json: &str) -> Option<Cow<'_, str>> {
    present(Some(json)).map(|json| match json.trim_start().starts_with('"') {
        true => serde_json::from_str::<String>(json).map_or(Cow::Borrowed(json), Cow::Owned),
        false => Cow::Borrowed(json),
    })
}

fn parsed<'a, T: Deserialize<'a>>(json: &'a str, what: &str) -> Result<T, String> {
    serde_json::from_str(json).map_err(|_| format!("a nested value is no {what}"))
}

fn list(item: &FieldRef, values: &[Option<&str>]) -> Result<ArrayRef, String> {
    let (mut lengths, mut valid, mut items) = (Vec::new(), Vec::new(), Vec::new());
    for value in values {
        let parts: Option<Vec<Option<&RawValue>>> = present(*value).map(|v| parsed(v, "list")).transpose()?;
        valid.push(parts.is_some());
        lengths.push(parts.as_ref().map_or(0, Vec::len));
        items.extend(parts.into_iter().flatten().map(|part| part.map(RawValue::get)));
    }
    let items = nested(item.data_type(), &items)?;
    let array =
        ListArray::try_new(Arc::clone(item), OffsetBuffer::from_lengths(lengths), items, Some(valid.into()));
    Ok(Arc::new(array.map_err(|e| e.to_string())?))
}

/// Fields that are left out are NULL, as the engine's own writer leaves them out.
fn structure(fields: &Fields, values: &[Option<&str>]) -> Result<ArrayRef, String> {
    let mut valid = Vec::new();
    let mut columns = vec![Vec::with_capacity(values.len()); fields.len()];
    for value in values {
        let pairs: Option<Pairs<'_>> = present(*value).map(|v| parsed(v, "structure")).transpose()?;
        valid.push(pairs.is_some());
        let pairs = pairs.map(|pairs| pairs.0).unwrap_or_default();
        for (at, (column, field)) in columns.iter_mut().zip(fields).enumerate() {
            let same = pairs.get(at).filter(|(name, _)| name == field.name());
            let found = same.or_else(|| pairs.iter().find(|(name, _)| name == field.name()));
            column.push(found.and_then(|(_, part)| part.map(RawValue::get)));
        }
    }
    let nulls = NullBuffer::from(valid);
    if fields.is_empty() {
        return Ok(Arc::new(StructArray::new_empty_fields(values.len(), Some(nulls))));
    }
    let columns: Result<Vec<_>, _> =
        columns.iter().zip(fields).map(|(column, field)| nested(field.data_type(), column)).collect();
    let array = StructArray::try_new(fields.clone(), columns?, Some(nulls));
    Ok(Arc::new(array.map_err(|e| e.to_string())?))
}

/// An object, or a list of objects with `key` and `value` where keys are no text.
fn mapping(entries: &FieldRef, values: &[Option<&str>]) -> Result<ArrayRef, String> {
    #[derive(Deserialize)]
    struct Entry<'a> {
        #[serde(borrow)]
        key: &'a RawValue,
        #[serde(borrow, default)]
        value: Option<&'a RawValue>,
    }
    let DataType::Struct(pair) = entries.data_type() else { return Err("a map without entries".to_owned()) };
    let (mut lengths, mut valid, mut items) = (Vec::new(), Vec::new(), Vec::new());
    let mut keys: Vec<Option<Cow<'_, str>>> = Vec::new();
    for value in values {
        let before = items.len();
        match present(*value) {
            Some(list) if list.trim_start().starts_with('[') => {
                for entry in parsed::<Vec<Entry<'_>>>(list, "map")? {
                    keys.push(Some(leaf(entry.key.get()).unwrap_or_default()));
                    items.push(entry.value.map(RawValue::get));
                }
            }
            Some(object) => {
                for (key, part) in parsed::<Pairs<'_>>(object, "map")?.0 {
                    keys.push(Some(Cow::Owned(key)));
                    items.push(part.map(RawValue::get));
                }
            }
            None => {}
        }
        valid.push(present(*value).is_some());
        lengths.push(items.len() - before);
    }
    let keys = match pair[0].data_type() {
        nested_key @ (DataType::List(_) | DataType::Struct(_) | DataType::Map(_, _)) => {
            let texts: Vec<_> = keys.iter().map(|key| key.as_deref()).collect();
            nested(nested_key, &texts)?
        }
        plain => column(plain, &keys)?,
    };
    let items = nested(pair[1].data_type(), &items)?;
    let both = StructArray::try_new(pair.clone(), vec![keys, items], None).map_err(|e| e.to_string())?;
    let offsets = OffsetBuffer::from_lengths(lengths);
    let array = MapArray::try_new(Arc::clone(entries), offsets, both, Some(valid.into()), false);
    Ok(Arc::new(array.map_err(|e| e.to_string())?))
}

/// An object's pairs as they stand there, also those whose name is there twice.
struct Pairs<'a>(Vec<(String, Option<&'a RawValue>)>);

impl<'de: 'a, 'a> Deserialize<'de> for Pairs<'a> {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        struct PairsVisitor;
        impl<'de> Visitor<'de> for PairsVisitor {
            type Value = Pairs<'de>;
            fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str("an object")
            }
            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
                let mut pairs = Vec::new();
                while let Some(pair) = map.next_entry::<String, Option<&'de RawValue>>()? {
                    pairs.push(pair);
                }
                Ok(Pairs(pairs))
            }
        }
        from.deserialize_map(PairsVisitor)
    }
}

#[cfg(test)]
mod tests {
    use super::super::types;
    use super::*;

    #[test]
    fn decimals_keep_every_digit_or_are_refused() {
        assert_eq!(decimal("1.50", 18, 2), Some(150));
        assert_eq!(decimal("-0.05", 18, 2), Some(-5));
        assert_eq!(decimal("0E-18", 38, 18), Some(0));
        assert_eq!(decimal("1E+3", 18, 2), Some(100_000));
        assert_eq!(decimal("99999999999999999999999999999999999999", 38, 0), Some(10_i128.pow(38) - 1));
        for odd in ["", ".", "1.505", "1e", "12345678901234567890", "NaN", "1.2.3", "1E99"] {
            assert_eq!(decimal(odd, 18, 2), None, "{odd}");
        }
    }

    #[test]
    fn nested_values_are_read_whatever_their_leaves_are_written_as() {
        let target = types::parse("STRUCT<a: ARRAY<BIGINT>, m: MAP<INT, DECIMAL(38,2)>, s: STRING>").unwrap();
        let cells: Vec<Option<Cow<'_, str>>> = [
            Some(r#"{"a":[1,"2",null],"m":{"7":"1.50"},"s":"x"}"#),
            Some(r#"{"m":[{"key":7,"value":123456789012345678901234567890123456.78}],"s":1.10}"#),
            Some("null"),
            None,
        ]
        .into_iter()
        .map(|cell| cell.map(Cow::Borrowed))
        .collect();
        let array = column(&target, &cells).unwrap();
        let shown = arrow::util::display::ArrayFormatter::try_new(&array, &Default::default()).unwrap();
        assert_eq!(shown.value(0).to_string(), "{a: [1, 2, ], m: {7: 1.50}, s: x}");
        assert_eq!(
            shown.value(1).to_string(),
            "{a: , m: {7: 123456789012345678901234567890123456.78}, s: 1.10}"
        );
        assert!(array.is_null(2) && array.is_null(3));
        assert!(column(&target, &[Some(Cow::Borrowed("[1]"))]).is_err());
        assert!(column(&target, &[Some(Cow::Borrowed("{"))]).is_err());
    }
}
