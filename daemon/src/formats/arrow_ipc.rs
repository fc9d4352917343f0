//! Arrow IPC streams, for programs that read columns.

use super::{Encoder, Logical, Shape};
use arrow::array::{ArrayRef, AsArray, RecordBatch};
use arrow::datatypes::{DataType, Decimal128Type, Field, Schema, SchemaRef};
use arrow::ipc::writer::StreamWriter;
use std::sync::{Arc, Mutex};
use wharf_protocol::{ApiError, ErrorKind};

/// HUGEINT reaches beyond the 38 digits that Arrow's widest 128-bit decimal declares.
const DIGITS_38: i128 = 10_i128.pow(38);

/// One stream. Enumerations are written as plain text, because their dictionaries may change between batches.
pub(super) struct ArrowStream {
    schema: SchemaRef,
    /// Columns of HUGEINT.
    wide: Vec<usize>,
    writer: Mutex<StreamWriter<Vec<u8>>>,
}

fn failed(e: impl std::fmt::Display) -> ApiError {
    ApiError::new(ErrorKind::Failed, "arrow", format!("the result cannot be written as Arrow: {e}"))
}

impl ArrowStream {
    pub(super) fn new(shape: &Shape) -> Result<Self, ApiError> {
        let fields: Vec<Field> = shape
            .schema
            .fields()
            .iter()
            .zip(&shape.columns)
            .map(|(field, column)| Field::new(&column.name, plain(field.data_type()), true))
            .collect();
        let schema: SchemaRef = Arc::new(Schema::new(fields));
        let writer = StreamWriter::try_new(Vec::new(), &schema).map_err(failed)?;
        let wide = (0..shape.logical.len()).filter(|i| shape.logical[*i] == Logical::HugeInt).collect();
        Ok(Self { schema, wide, writer: Mutex::new(writer) })
    }

    /// Refuses what a reader would take for a smaller number, or for damage.
    fn fits(&self, batch: &RecordBatch) -> Result<(), ApiError> {
        for column in &self.wide {
            let values = batch.column(*column).as_primitive_opt::<Decimal128Type>();
            let beyond =
                values.and_then(|v| v.iter().flatten().find(|v| v.unsigned_abs() >= DIGITS_38 as u128));
            if let Some(value) = beyond {
                let name = self.schema.field(*column).name();
                let message =
                    format!("{value} in the column {name} has more than the 38 digits that Arrow can hold");
                return Err(ApiError::new(ErrorKind::Failed, "arrow", message)
                    .hint("cast the column to VARCHAR, or choose csv or json"));
            }
        }
        Ok(())
    }

    fn with(
        &self,
        out: &mut Vec<u8>,
        f: impl FnOnce(&mut StreamWriter<Vec<u8>>) -> Result<(), ApiError>,
    ) -> Result<(), ApiError> {
        let mut writer = self.writer.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        f(&mut writer)?;
        out.append(writer.get_mut());
        Ok(())
    }
}

fn plain(data_type: &DataType) -> DataType {
    match data_type {
        DataType::Dictionary(_, values) => (**values).clone(),
        other => other.clone(),
    }
}

impl Encoder for ArrowStream {
    fn head(&self, out: &mut Vec<u8>) -> Result<(), ApiError> {
        self.with(out, |_| Ok(()))
    }

    fn batch(&self, batch: &RecordBatch, _first: bool, out: &mut Vec<u8>) -> Result<(), ApiError> {
        self.fits(batch)?;
        let columns: Result<Vec<ArrayRef>, _> = batch
            .columns()
            .iter()
            .zip(self.schema.fields())
            .map(|(array, field)| {
                if array.data_type() == field.data_type() {
                    Ok(array.clone())
                } else {
                    arrow::compute::cast(array, field.data_type())
                }
            })
            .collect();
        let batch = RecordBatch::try_new(self.schema.clone(), columns.map_err(failed)?).map_err(failed)?;
        self.with(out, |writer| writer.write(&batch).map_err(failed))
    }

    fn tail(&self, _any: bool, out: &mut Vec<u8>) -> Result<(), ApiError> {
        self.with(out, |writer| writer.finish().map_err(failed))
    }

    fn parallel(&self) -> bool {
        false
    }
}
