//! Parquet of rows that the embedded engine does not have: those of sources elsewhere.

use super::Shape;
use crate::sources::{Consumer, Stop};
use arrow::array::{Array, ArrayRef, RecordBatch, StringArray};
use arrow::datatypes::{DataType, Field, FieldRef, Schema, SchemaRef};
use parquet::arrow::ArrowWriter;
use parquet::basic::Compression;
use parquet::file::properties::{EnabledStatistics, WriterProperties};
use std::fs::File;
use std::io::{BufWriter, Write};
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::mpsc::{SyncSender, sync_channel};
use std::thread::JoinHandle;
use wharf_protocol::{ApiError, ErrorKind};

/// Rows of a row group: as many as the embedded engine takes.
const GROUP: usize = 122_880;

/// Writes rows as Parquet.
pub(crate) struct ParquetWriter<W: Write + Send> {
    out: Option<W>,
    writer: Option<(ArrowWriter<W>, SchemaRef)>,
    properties: WriterProperties,
}

impl<W: Write + Send> ParquetWriter<W> {
    /// Writes to `out`. Without [`Consumer::end`], what was written is no whole file.
    pub(crate) fn new(out: W) -> Self {
        let properties = WriterProperties::builder().set_compression(Compression::SNAPPY);
        Self { out: Some(out), writer: None, properties: properties.build() }
    }
}

impl<W: Write + Send> Consumer for ParquetWriter<W> {
    fn shape(&mut self, shape: &Arc<Shape>) -> Result<(), Stop> {
        let Some(out) = self.out.take() else { return Ok(()) };
        let field = |(field, column): (&FieldRef, &wharf_protocol::Column)| {
            let data_type = match field.data_type() {
                DataType::Interval(_) => DataType::Utf8,
                other => other.clone(),
            };
            Field::new(&column.name, data_type, true)
        };
        let fields: Vec<Field> = shape.schema.fields().iter().zip(&shape.columns).map(field).collect();
        let schema = Arc::new(Schema::new(fields));
        let properties =
            self.properties.clone().into_builder().set_max_row_group_row_count(Some(GROUP)).build();
        let writer = ArrowWriter::try_new(out, schema.clone(), Some(properties)).map_err(|e| failed(&e))?;
        self.writer = Some((writer, schema));
        Ok(())
    }

    fn batch(&mut self, batch: RecordBatch) -> Result<(), Stop> {
        let Some((writer, schema)) = &mut self.writer else { return Ok(()) };
        let columns = batch.columns().iter().map(written).collect();
        let batch = RecordBatch::try_new(schema.clone(), columns)
            .map_err(|e| Stop::Failed(ApiError::new(ErrorKind::Internal, "arrow", e.to_string())))?;
        writer.write(&batch).map_err(|e| failed(&e))
    }

    fn end(&mut self) -> Result<(), Stop> {
        let Some((writer, _)) = self.writer.take() else { return Ok(()) };
        writer.close().map(drop).map_err(|e| failed(&e))
    }
}

/// Collects rows in a Parquet file, for another step to read. They are written by a thread of its own, so that the next ones are
/// fetched meanwhile.
pub(crate) struct ParquetFile {
    between: Option<Between>,
    out: Option<ParquetWriter<BufWriter<File>>>,
    writing: Option<Writing>,
    counter: Arc<AtomicU64>,
    /// The columns, once known.
    pub(crate) shape: Option<Arc<Shape>>,
    /// Whether the last row has come: else the file is not whole.
    pub(crate) ended: bool,
}

/// Called on the thread that writes after each batch; while it has not returned, no more than a few are taken.
pub(crate) type Between = Box<dyn FnMut() + Send>;

/// The thread that writes.
struct Writing {
    batches: SyncSender<RecordBatch>,
    done: JoinHandle<Result<(), Stop>>,
}

/// Batches that may wait for the writer.
const WAITING: usize = 4;

impl ParquetFile {
    /// Into a new file.
    pub(crate) fn create(path: &Path) -> std::io::Result<Self> {
        let file = BufWriter::with_capacity(1 << 20, File::create(path)?);
        // It is read once and thrown away: neither small nor clever.
        let plain = WriterProperties::builder()
            .set_dictionary_enabled(false)
            .set_statistics_enabled(EnabledStatistics::None);
        let out = Some(ParquetWriter { out: Some(file), writer: None, properties: plain.build() });
        Ok(Self { between: None, out, writing: None, counter: Arc::default(), shape: None, ended: false })
    }

    /// Has this called between batches.
    pub(crate) fn pausing(self, between: impl FnMut() + Send + 'static) -> Self {
        Self { between: Some(Box::new(between)), ..self }
    }

    /// Rows so far, for whoever tells how far it is.
    pub(crate) fn counter(&self) -> Arc<AtomicU64> {
        self.counter.clone()
    }

    /// Rows so far.
    pub(crate) fn rows(&self) -> u64 {
        self.counter.load(Ordering::Relaxed)
    }

    /// Waits for the writer, and tells how it ended.
    fn finish(&mut self) -> Result<(), Stop> {
        let Some(Writing { batches, done }) = self.writing.take() else { return Ok(()) };
        drop(batches);
        done.join().unwrap_or_else(|_| {
            Err(Stop::Failed(ApiError::new(ErrorKind::Internal, "panic", "writing the rows broke off")))
        })
    }
}

impl Consumer for ParquetFile {
    fn shape(&mut self, shape: &Arc<Shape>) -> Result<(), Stop> {
        self.shape = Some(shape.clone());
        let Some(mut out) = self.out.take() else { return Ok(()) };
        out.shape(shape)?;
        let (batches, waiting) = sync_channel::<RecordBatch>(WAITING);
        let mut between = self.between.take().unwrap_or_else(|| Box::new(|| {}));
        let work = move || {
            for batch in waiting {
                out.batch(batch)?;
                between();
            }
            out.end()
        };
        let done = std::thread::Builder::new()
            .name("parquet".to_owned())
            .spawn(work)
            .map_err(|e| Stop::Failed(ApiError::new(ErrorKind::Unavailable, "thread", e.to_string())))?;
        self.writing = Some(Writing { batches, done });
        Ok(())
    }

    fn batch(&mut self, batch: RecordBatch) -> Result<(), Stop> {
        let rows = batch.num_rows() as u64;
        let taken = self.writing.as_ref().is_some_and(|writing| writing.batches.send(batch).is_ok());
        if !taken {
            // The writer has given up; it says why.
            self.finish()?;
        }
        self.counter.fetch_add(rows, Ordering::Relaxed);
        Ok(())
    }

    fn end(&mut self) -> Result<(), Stop> {
        self.finish()?;
        self.ended = true;
        Ok(())
    }
}

/// A column as Parquet can hold it: intervals become their text.
fn written(column: &ArrayRef) -> ArrayRef {
    if !matches!(column.data_type(), DataType::Interval(_)) {
        return column.clone();
    }
    let texts = (0..column.len()).map(|row| super::first_text(&column.slice(row, 1)));
    Arc::new(texts.collect::<StringArray>())
}

/// Only what it is written to can fail: a reader that has gone away.
fn failed(error: &parquet::errors::ParquetError) -> Stop {
    match error {
        parquet::errors::ParquetError::External(cause)
            if cause
                .downcast_ref::<std::io::Error>()
                .is_some_and(|e| e.kind() == std::io::ErrorKind::BrokenPipe) =>
        {
            Stop::ReaderGone
        }
        other => Stop::Failed(ApiError::new(
            ErrorKind::Failed,
            "parquet",
            format!("the rows cannot be written as Parquet: {other}"),
        )),
    }
}
