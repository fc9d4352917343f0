//! Arrow IPC streams, for programs that read columns.

use super::{Encoder, Shape};
use arrow::array::{ArrayRef, RecordBatch};
use arrow::datatypes::{DataType, Field, Schema, SchemaRef};
use arrow::ipc::writer::StreamWriter;
use std::sync::{Arc, Mutex};
use wharf_protocol::{ApiError, ErrorKind};

/// One stream. Enumerations are written as plain text, because their dictionaries may change between batches.
pub(super) struct ArrowStream {
    schema: SchemaRef,
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
        Ok(Self { schema, writer: Mutex::new(writer) })
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
