//! Rows into bytes: CSV, TSV, JSON, NDJSON, Arrow, and the rows that the client's own views read.
//!
//! One place decides how a value is written ([`cell`]), so every door and every format says the same. Values keep all
//! their digits; NULL, NaN, and nested values are defined once.

mod arrow_ipc;
mod cell;
mod columns;
mod delimited;
mod json;
mod parquet;
mod pipeline;
mod sink;

pub use columns::{Logical, Shape, unique_names};
pub(crate) use parquet::{ParquetFile, ParquetWriter};
pub use pipeline::{Encoding, Totals};
pub(crate) use sink::PIPE_SIZE;
pub use sink::{BodySink, FdSink, Sink};

use arrow::array::RecordBatch;
use std::sync::Arc;
use wharf_protocol::{ApiError, ErrorKind, Format};

/// Writes batches of one result. Text encoders hold no state, so that several threads can work on one result.
pub(crate) trait Encoder: Send + Sync {
    /// What stands before the first row.
    fn head(&self, out: &mut Vec<u8>) -> Result<(), ApiError>;
    /// The rows of a batch; `first` when no row came before.
    fn batch(&self, batch: &RecordBatch, first: bool, out: &mut Vec<u8>) -> Result<(), ApiError>;
    /// What stands behind the last row; `any` when there was one.
    fn tail(&self, any: bool, out: &mut Vec<u8>) -> Result<(), ApiError>;
    /// Whether batches may be written by several threads at once.
    fn parallel(&self) -> bool {
        true
    }
}

/// Choices within a format.
#[derive(Debug, Clone, Default)]
pub struct Style {
    /// No header line (csv, tsv).
    pub no_header: bool,
    /// Text for NULL (csv, tsv).
    pub null: Option<String>,
}

pub(crate) fn encoder(
    format: Format,
    style: &Style,
    shape: &Arc<Shape>,
) -> Result<Arc<dyn Encoder>, ApiError> {
    let null = style.null.clone().unwrap_or_default();
    let header = !style.no_header;
    Ok(match format {
        Format::Csv => Arc::new(delimited::Delimited::csv(shape.clone(), header, null)),
        Format::Tsv => Arc::new(delimited::Delimited::tsv(shape.clone(), header, null)),
        Format::Json => Arc::new(json::Json::array(shape.clone())),
        Format::Ndjson => Arc::new(json::Json::lines(shape.clone())),
        Format::Rows => Arc::new(json::RowTexts::new(shape.clone())),
        Format::None => Arc::new(Nothing),
        Format::Arrow => Arc::new(arrow_ipc::ArrowStream::new(shape)?),
        Format::Parquet => {
            return Err(ApiError::new(
                ErrorKind::Internal,
                "format",
                "Parquet is written by the engine, not here",
            ));
        }
    })
}

/// The first value of an array, as every format writes it; none for NULL.
pub(crate) fn first_text(array: &dyn arrow::array::Array) -> Option<String> {
    cell::Reader::new(array, Logical::Plain).wire(0).text().map(str::to_owned)
}

/// Reads one value of a batch as a wire cell.
pub(crate) fn cells(shape: &Shape, batch: &RecordBatch) -> Vec<Vec<wharf_protocol::Cell>> {
    let columns = cell::readers(shape, batch);
    (0..batch.num_rows()).map(|row| columns.iter().map(|c| c.wire(row)).collect()).collect()
}

struct Nothing;

impl Encoder for Nothing {
    fn head(&self, _: &mut Vec<u8>) -> Result<(), ApiError> {
        Ok(())
    }
    fn batch(&self, _: &RecordBatch, _: bool, _: &mut Vec<u8>) -> Result<(), ApiError> {
        Ok(())
    }
    fn tail(&self, _: bool, _: &mut Vec<u8>) -> Result<(), ApiError> {
        Ok(())
    }
}
