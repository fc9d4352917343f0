//! Arrow streams of the engine's, whole or not at all, brought to the types that results are handed out in.

use super::{cells, types};
use arrow::array::{
    Array, ArrayRef, AsArray, ListArray, MapArray, NullArray, RecordBatch, StringArray, StructArray,
    new_null_array,
};
use arrow::buffer::Buffer;
use arrow::compute::{CastOptions, cast_with_options};
use arrow::datatypes::{
    DataType, DurationMicrosecondType, IntervalUnit, IntervalYearMonthType, SchemaRef, TimeUnit,
    TimestampMicrosecondType,
};
use arrow::ipc::reader::StreamDecoder;
use std::borrow::Cow;
use std::sync::Arc;

/// The batches of a whole stream. Its values lie in the bytes themselves: nothing is copied.
///
/// # Errors
/// When it is cut, or no Arrow stream at all.
pub(super) fn decode(bytes: Vec<u8>) -> Result<(Option<SchemaRef>, Vec<RecordBatch>), String> {
    let mut buffer = Buffer::from_vec(bytes);
    let mut decoder = StreamDecoder::new();
    let mut batches = Vec::new();
    while !buffer.is_empty() {
        let before = buffer.len();
        match decoder.decode(&mut buffer).map_err(|e| e.to_string())? {
            Some(batch) => batches.push(batch),
            None if buffer.len() == before => break,
            None => {}
        }
    }
    decoder.finish().map_err(|e| e.to_string())?;
    Ok((decoder.schema(), batches))
}

/// A batch with columns of the types of `schema`, by position.
///
/// # Errors
/// When there are more or fewer, or one is of another type.
pub(super) fn fit_batch(batch: &RecordBatch, schema: &SchemaRef) -> Result<RecordBatch, String> {
    if batch.num_columns() != schema.fields().len() {
        return Err(format!(
            "{} columns came where {} were told",
            batch.num_columns(),
            schema.fields().len()
        ));
    }
    let columns: Result<Vec<_>, String> = batch
        .columns()
        .iter()
        .zip(schema.fields())
        .map(|(column, field)| {
            fit(column, field.data_type()).map_err(|e| format!("column `{}`: {e}", field.name()))
        })
        .collect();
    let options = arrow::array::RecordBatchOptions::new().with_row_count(Some(batch.num_rows()));
    RecordBatch::try_new_with_options(Arc::clone(schema), columns?, &options).map_err(|e| e.to_string())
}

/// An array as `target`. What is the same but for names and marks is not copied.
pub(super) fn fit(array: &ArrayRef, target: &DataType) -> Result<ArrayRef, String> {
    let from = array.data_type();
    if from == target {
        return Ok(Arc::clone(array));
    }
    match (from, target) {
        (DataType::Null, _) => Ok(new_null_array(target, array.len())),
        (_, DataType::Null) if array.null_count() == array.len() => Ok(Arc::new(NullArray::new(array.len()))),
        (
            DataType::Timestamp(TimeUnit::Microsecond, from_zone),
            DataType::Timestamp(TimeUnit::Microsecond, zone),
        ) if zone.is_some() || from_zone.is_none() => {
            // An instant that came without a zone is the engine's own count, which is in UTC.
            let instants = array.as_primitive::<TimestampMicrosecondType>().clone();
            Ok(Arc::new(instants.with_timezone_opt(zone.clone())))
        }
        (DataType::List(_), DataType::List(_))
        | (DataType::Struct(_), DataType::Struct(_))
        | (DataType::Map(_, _), DataType::Map(_, _)) => fit_parts(array, target),
        (DataType::Interval(IntervalUnit::YearMonth), DataType::Utf8) => {
            let months = array.as_primitive::<IntervalYearMonthType>();
            Ok(Arc::new(months.iter().map(|months| months.map(year_month)).collect::<StringArray>()))
        }
        (DataType::Duration(TimeUnit::Microsecond), DataType::Utf8) => {
            let micros = array.as_primitive::<DurationMicrosecondType>();
            Ok(Arc::new(micros.iter().map(|micros| micros.map(day_time)).collect::<StringArray>()))
        }
        (DataType::Utf8, DataType::List(_) | DataType::Struct(_) | DataType::Map(_, _)) => {
            let texts = array.as_string::<i32>();
            let texts: Vec<_> = texts.iter().map(|text| text.map(Cow::Borrowed)).collect();
            cells::column(target, &texts)
        }
        _ if keeps_everything(from, target) => {
            let options = CastOptions { safe: false, ..CastOptions::default() };
            cast_with_options(array, target, &options).map_err(|e| e.to_string())
        }
        _ => Err(format!("{from} came where {target} was told")),
    }
}

/// A nested array with parts as the target has them.
fn fit_parts(array: &ArrayRef, target: &DataType) -> Result<ArrayRef, String> {
    match target {
        DataType::List(item) => {
            let list = array.as_list::<i32>();
            let values = fit(list.values(), item.data_type())?;
            let fitted =
                ListArray::try_new(Arc::clone(item), list.offsets().clone(), values, list.nulls().cloned());
            Ok(Arc::new(fitted.map_err(|e| e.to_string())?))
        }
        DataType::Struct(fields) => {
            let structure = array.as_struct();
            if structure.num_columns() != fields.len() {
                return Err(format!(
                    "{} fields came where {} were told",
                    structure.num_columns(),
                    fields.len()
                ));
            }
            if fields.is_empty() {
                let fitted = StructArray::new_empty_fields(array.len(), structure.nulls().cloned());
                return Ok(Arc::new(fitted));
            }
            let parts =
                structure.columns().iter().zip(fields).map(|(part, field)| fit(part, field.data_type()));
            let parts = parts.collect::<Result<Vec<_>, _>>()?;
            let fitted = StructArray::try_new(fields.clone(), parts, structure.nulls().cloned());
            Ok(Arc::new(fitted.map_err(|e| e.to_string())?))
        }
        DataType::Map(entries, sorted) => {
            let map = array.as_map();
            let both: ArrayRef = Arc::new(map.entries().clone());
            let both = fit(&both, entries.data_type())?.as_struct().clone();
            let (offsets, nulls) = (map.offsets().clone(), map.nulls().cloned());
            let fitted = MapArray::try_new(Arc::clone(entries), offsets, both, nulls, *sorted);
            Ok(Arc::new(fitted.map_err(|e| e.to_string())?))
        }
        other => Err(format!("{other} has no parts")),
    }
}

/// Whether a cast cannot lose anything without an error.
fn keeps_everything(from: &DataType, target: &DataType) -> bool {
    use DataType::{
        BinaryView, Boolean, Date32, Date64, Decimal128, Dictionary, Float32, Float64, LargeBinary,
        LargeList, LargeUtf8, List, Timestamp, Utf8, Utf8View,
    };
    match (from, target) {
        (Dictionary(_, value), _) => **value == *target || keeps_everything(value, target),
        (from, target) if from.is_integer() => {
            target.is_integer() || matches!(target, Decimal128(_, _) | Utf8)
        }
        (Utf8View | LargeUtf8 | Boolean, Utf8)
        | (LargeBinary | BinaryView, DataType::Binary)
        | (Float32, Float64)
        | (Date64, Date32)
        | (LargeList(_), List(_)) => true,
        (Decimal128(_, scale), Decimal128(_, wanted)) => wanted >= scale,
        (Timestamp(_, from), Timestamp(_, zone)) => from.is_some() == zone.is_some(),
        _ => false,
    }
}

/// `1-2`, as the engine writes it.
fn year_month(months: i32) -> String {
    let sign = if months < 0 { "-" } else { "" };
    let months = months.unsigned_abs();
    format!("{sign}{}-{}", months / 12, months % 12)
}

/// `1 02:03:04.000000000`, as the engine writes it.
fn day_time(micros: i64) -> String {
    let sign = if micros < 0 { "-" } else { "" };
    let micros = micros.unsigned_abs();
    let seconds = micros / 1_000_000;
    let (days, hours, minutes) = (seconds / 86_400, seconds / 3600 % 24, seconds / 60 % 60);
    format!("{sign}{days} {hours:02}:{minutes:02}:{:02}.{:06}000", seconds % 60, micros % 1_000_000)
}

/// The type that a column is handed out in: by its name, else by what came.
pub(super) fn target(kind: &types::Kind, came: Option<&DataType>) -> DataType {
    match (&kind.target, came) {
        (Some(target), _) => target.clone(),
        (None, Some(came)) => types::plain(came),
        (None, None) => DataType::Utf8,
    }
}
