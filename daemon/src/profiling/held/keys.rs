//! A column as it is read: each value becomes a 64-bit key that sorts as the value does.

use crate::formats::Shape;
use crate::sources::{Consumer, Stop};
use arrow::array::*;
use arrow::buffer::Buffer;
use arrow::datatypes::*;
use std::sync::Arc;
use wharf_protocol::{ApiError, ErrorKind};

/// The keys of a column, and how to read them back.
pub(super) struct Keys {
    pub(super) values: Vec<i64>,
    pub(super) nulls: u64,
    /// The values row by row as floating point, NaN where there is none, if somebody wants to align columns.
    pub(super) aligned: Option<Vec<f64>>,
    pub(super) reading: Reading,
}

/// What a key stands for.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Reading {
    data_type: DataType,
    /// Digits behind the point.
    pub(super) scale: u32,
}

impl Keys {
    /// For about so many rows.
    pub(super) fn new(rows: u64, align: bool) -> Self {
        let room = usize::try_from(rows).unwrap_or(0);
        Self {
            values: Vec::with_capacity(room),
            nulls: 0,
            aligned: align.then(|| Vec::with_capacity(room)),
            reading: Reading { data_type: DataType::Null, scale: 0 },
        }
    }

    pub(super) fn rows(&self) -> u64 {
        self.values.len() as u64 + self.nulls
    }

    fn take<T: ArrowPrimitiveType>(&mut self, array: &dyn Array, key: impl Fn(T::Native) -> i64) {
        let array = array.as_primitive::<T>();
        self.nulls += array.null_count() as u64;
        let reading = &self.reading;
        if let Some(aligned) = &mut self.aligned {
            aligned.extend(array.iter().map(|v| v.map_or(f64::NAN, |v| reading.number(key(v)))));
        }
        if array.null_count() == 0 {
            self.values.extend(array.values().iter().map(|v| key(*v)));
        } else {
            self.values.extend(array.iter().flatten().map(key));
        }
    }
}

impl Consumer for Keys {
    fn shape(&mut self, shape: &Arc<Shape>) -> Result<(), Stop> {
        let data_type = shape.schema.field(0).data_type().clone();
        let scale = if let DataType::Decimal128(_, scale) = data_type { scale } else { 0 };
        self.reading = Reading { data_type, scale: u32::try_from(scale).unwrap_or(0) };
        Ok(())
    }

    fn batch(&mut self, batch: RecordBatch) -> Result<(), Stop> {
        let array = batch.column(0).as_ref();
        match array.data_type() {
            DataType::Int8 => self.take::<Int8Type>(array, i64::from),
            DataType::Int16 => self.take::<Int16Type>(array, i64::from),
            DataType::Int32 => self.take::<Int32Type>(array, i64::from),
            DataType::Int64 => self.take::<Int64Type>(array, |v| v),
            DataType::UInt8 => self.take::<UInt8Type>(array, i64::from),
            DataType::UInt16 => self.take::<UInt16Type>(array, i64::from),
            DataType::UInt32 => self.take::<UInt32Type>(array, i64::from),
            // At most 18 digits, so the cast keeps them all.
            DataType::Decimal128(..) => self.take::<Decimal128Type>(array, |v| v as i64),
            DataType::Float32 => self.take::<Float32Type>(array, |v| float_key(f64::from(v))),
            DataType::Float64 => self.take::<Float64Type>(array, float_key),
            DataType::Date32 => self.take::<Date32Type>(array, i64::from),
            DataType::Time64(TimeUnit::Microsecond) => self.take::<Time64MicrosecondType>(array, |v| v),
            DataType::Timestamp(TimeUnit::Microsecond, _) => {
                self.take::<TimestampMicrosecondType>(array, |v| v);
            }
            DataType::Timestamp(TimeUnit::Nanosecond, _) => {
                self.take::<TimestampNanosecondType>(array, |v| v);
            }
            other => {
                let message = format!("a column came as {other}, which has no 64-bit keys");
                return Err(ApiError::new(ErrorKind::Internal, "profile", message).into());
            }
        }
        Ok(())
    }

    fn end(&mut self) -> Result<(), Stop> {
        Ok(())
    }
}

/// The key of zero in a column of floating point.
pub(super) fn float_zero() -> i64 {
    float_key(0.0)
}

/// Sorts as the engine sorts: negative zero is zero, and NaN is one value beyond infinity.
pub(super) fn float_key(value: f64) -> i64 {
    let value = if value.is_nan() { f64::NAN } else { value + 0.0 };
    flip(value.to_bits() as i64)
}

/// Turns the order of a float's bits into that of integers, and back.
fn flip(bits: i64) -> i64 {
    bits ^ (((bits >> 63) as u64) >> 1) as i64
}

impl Reading {
    /// Whether the values are floating point.
    pub(super) fn is_float(&self) -> bool {
        matches!(self.data_type, DataType::Float32 | DataType::Float64)
    }

    /// The key's value as a number.
    pub(super) fn number(&self, key: i64) -> f64 {
        match self.data_type {
            DataType::Float32 | DataType::Float64 => f64::from_bits(flip(key) as u64),
            _ if self.scale == 0 => key as f64,
            _ => key as f64 / 10_f64.powi(self.scale as i32),
        }
    }

    /// The keys between which values are finite, both excluded.
    pub(super) fn infinities(&self) -> Option<(i64, i64)> {
        match self.data_type {
            DataType::Float32 | DataType::Float64 => {
                Some((float_key(f64::NEG_INFINITY), float_key(f64::INFINITY)))
            }
            // As the engine stores the dates and timestamps `-infinity` and `infinity`.
            DataType::Date32 => Some((-i64::from(i32::MAX), i64::from(i32::MAX))),
            DataType::Timestamp(..) => Some((-i64::MAX, i64::MAX)),
            _ => None,
        }
    }

    /// The key as every door writes the value.
    pub(super) fn text(&self, key: i64) -> String {
        let bytes = match self.data_type {
            DataType::Float64 => Buffer::from_slice_ref([self.number(key)]),
            DataType::Float32 => Buffer::from_slice_ref([self.number(key) as f32]),
            _ => match self.data_type.primitive_width() {
                Some(1) => Buffer::from_slice_ref([key as i8]),
                Some(2) => Buffer::from_slice_ref([key as i16]),
                Some(4) => Buffer::from_slice_ref([key as i32]),
                Some(16) => Buffer::from_slice_ref([i128::from(key)]),
                _ => Buffer::from_slice_ref([key]),
            },
        };
        let data = ArrayData::builder(self.data_type.clone()).len(1).add_buffer(bytes).build();
        data.ok().and_then(|data| crate::formats::first_text(&make_array(data))).unwrap_or_default()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_of_floats_sort_as_the_engine_sorts_and_read_back() {
        let sorted = [f64::NEG_INFINITY, -1e308, -1.5, -f64::MIN_POSITIVE, 0.0, 1e-300, 2.0, f64::INFINITY];
        let keys: Vec<i64> = sorted.iter().map(|f| float_key(*f)).collect();
        assert!(keys.is_sorted_by(|a, b| a < b), "{keys:?}");
        let reading = Reading { data_type: DataType::Float64, scale: 0 };
        assert!(keys.iter().zip(sorted).all(|(k, f)| reading.number(*k) == f));
        assert_eq!(float_key(-0.0), float_key(0.0));
        assert_eq!(float_key(-f64::NAN), float_key(f64::NAN));
        assert!(float_key(f64::NAN) > float_key(f64::INFINITY));
    }

    #[test]
    fn keys_are_written_as_the_values_they_stand_for() {
        let text = |data_type: DataType, scale, key| Reading { data_type, scale }.text(key);
        assert_eq!(text(DataType::Int8, 0, -128), "-128");
        assert_eq!(text(DataType::UInt32, 0, 4_294_967_295), "4294967295");
        assert_eq!(text(DataType::Decimal128(18, 2), 2, -5), "-0.05");
        assert_eq!(text(DataType::Date32, 0, 19_723), "2024-01-01");
        assert_eq!(text(DataType::Float32, 0, float_key(f64::from(0.1_f32))), "0.1");
        let zoned = DataType::Timestamp(TimeUnit::Microsecond, Some("UTC".into()));
        assert_eq!(text(zoned, 0, 500_000), "1970-01-01T00:00:00.500Z");
    }
}
