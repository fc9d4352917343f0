//! Rows in JSON, straight into columns of Arrow: no tree is built, and text without escapes is not copied on the way.

use super::cells::{Cells, Column, Unfit};
use super::link::Bad;
use arrow::array::{RecordBatch, RecordBatchOptions};
use arrow::datatypes::SchemaRef;
use serde::de::{DeserializeSeed, Deserializer, Error, IgnoredAny, MapAccess, SeqAccess, Visitor};
use std::fmt;
use std::sync::Arc;
use wharf_protocol::{ApiError, ErrorKind};

/// How many cells a batch holds, about.
const BATCH_CELLS: usize = 1 << 18;
/// The most rows of a batch.
const BATCH_ROWS: usize = 1 << 14;

/// The columns of a result.
#[derive(Debug)]
pub(super) struct Shape {
    /// The source, for messages.
    pub(super) who: String,
    pub(super) columns: Vec<Column>,
    pub(super) schema: SchemaRef,
}

impl Shape {
    /// How many rows a batch has: fewer when there are many columns.
    fn batch_rows(&self) -> usize {
        (BATCH_CELLS / self.columns.len().max(1)).clamp(1, BATCH_ROWS)
    }
}

/// Reads the rows of a partition: the array of rows itself, or an object that has it as `data`.
///
/// # Errors
/// [`Bad::Broken`] when it is not whole JSON, or has another number of rows than `expected`; [`Bad::Final`] when a cell cannot be
/// read, or the answer says that the result was cut.
pub(super) fn read(shape: &Arc<Shape>, text: &[u8], expected: u64) -> Result<Vec<RecordBatch>, Bad> {
    let text =
        std::str::from_utf8(text).map_err(|_| Bad::Broken("its rows are no text in UTF-8".to_owned()))?;
    let mut decoder = Decoder::new(Arc::clone(shape), expected);
    let mut json = serde_json::Deserializer::from_str(text);
    let read = Part(&mut decoder).deserialize(&mut json).and_then(|()| json.end());
    if let Some(error) = decoder.fault {
        return Err(Bad::Final(error));
    }
    read.map_err(|e| Bad::Broken(format!("its rows are not the JSON they should be: {e}")))?;
    if decoder.total != expected {
        let why = format!("it has {} rows in a part that should have {expected}", decoder.total);
        return Err(Bad::Broken(why));
    }
    decoder.flush()?;
    Ok(decoder.batches)
}

struct Decoder {
    shape: Arc<Shape>,
    cells: Vec<Cells>,
    /// Rows in `cells`.
    rows: usize,
    batch_rows: usize,
    expected: u64,
    total: u64,
    batches: Vec<RecordBatch>,
    /// What no repetition mends.
    fault: Option<ApiError>,
}

impl Decoder {
    fn new(shape: Arc<Shape>, expected: u64) -> Self {
        let batch_rows = shape.batch_rows();
        let room = usize::try_from(expected).unwrap_or(batch_rows).min(batch_rows);
        let cells = shape.columns.iter().map(|column| Cells::new(column, room)).collect();
        Self { shape, cells, rows: 0, batch_rows, expected, total: 0, batches: Vec::new(), fault: None }
    }

    /// Counts a row that is whole.
    fn row_done(&mut self) -> Result<(), Bad> {
        self.rows += 1;
        self.total += 1;
        if self.rows == self.batch_rows { self.flush() } else { Ok(()) }
    }

    fn flush(&mut self) -> Result<(), Bad> {
        if self.rows == 0 {
            return Ok(());
        }
        let columns = self.cells.iter_mut().map(Cells::finish).collect();
        let options = RecordBatchOptions::new().with_row_count(Some(self.rows));
        let batch = RecordBatch::try_new_with_options(Arc::clone(&self.shape.schema), columns, &options)
            .map_err(|e| {
                let message = format!("{}: its rows make no batch: {e}", self.shape.who);
                Bad::Final(ApiError::new(ErrorKind::Internal, "batch", message))
            })?;
        self.rows = 0;
        self.batches.push(batch);
        Ok(())
    }

    fn unfit(&mut self, at: usize, unfit: &Unfit) {
        let Some(column) = self.shape.columns.get(at) else { return };
        let (who, name, type_name) = (&self.shape.who, &column.name, &column.type_name);
        let error = match unfit {
            Unfit::Unreadable => {
                let message = format!("{who}: column `{name}` holds a value that is no {type_name}");
                ApiError::new(ErrorKind::Failed, "value_unreadable", message)
                    .hint(format!("cast it to text in the query to see it: \"{name}\"::varchar"))
            }
            Unfit::OutOfRange => {
                let message = format!(
                    "{who}: column `{name}` ({type_name}) holds a time beyond the years 1677 to 2262, where nine decimals of a second do not fit"
                );
                let base = type_name.split('(').next().unwrap_or("TIMESTAMP_NTZ");
                ApiError::new(ErrorKind::Failed, "time_out_of_range", message)
                    .hint(format!("cast it to microseconds in the query: \"{name}\"::{base}(6)"))
            }
        };
        self.fault = Some(error);
    }

    /// A code in a part that has nothing to do with its rows.
    fn code(&mut self, code: &str) {
        if code == super::errors::TRUNCATED {
            self.fault = Some(super::errors::truncated(&self.shape.who));
        }
    }
}

struct Part<'d>(&'d mut Decoder);

impl<'de> DeserializeSeed<'de> for Part<'_> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, json: D) -> Result<(), D::Error> {
        json.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Part<'_> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("rows")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<(), A::Error> {
        while let Some(key) = map.next_key::<std::borrow::Cow<'de, str>>()? {
            match key.as_ref() {
                "data" => map.next_value_seed(Part(self.0))?,
                "code" => {
                    let code = map.next_value::<serde_json::Value>()?.to_string();
                    self.0.code(code.trim_matches('"'));
                }
                _ => {
                    map.next_value::<IgnoredAny>()?;
                }
            }
        }
        Ok(())
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut rows: A) -> Result<(), A::Error> {
        while rows.next_element_seed(Row(self.0))?.is_some() {
            // More than there should be is not kept: memory is bounded by what was announced.
            if self.0.total > self.0.expected {
                return Err(A::Error::custom("more rows than announced"));
            }
        }
        Ok(())
    }

    fn visit_unit<E>(self) -> Result<(), E> {
        Ok(())
    }
}

struct Row<'d>(&'d mut Decoder);

impl<'de> DeserializeSeed<'de> for Row<'_> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, json: D) -> Result<(), D::Error> {
        json.deserialize_seq(self)
    }
}

impl<'de> Visitor<'de> for Row<'_> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a row")
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut row: A) -> Result<(), A::Error> {
        let decoder = self.0;
        for (at, cells) in decoder.cells.iter_mut().enumerate() {
            match row.next_element_seed(Cell(cells))? {
                Some(Ok(())) => {}
                Some(Err(unfit)) => {
                    decoder.unfit(at, &unfit);
                    return Err(A::Error::custom("a value that cannot be read"));
                }
                None => return Err(A::Error::custom("a row with too few values")),
            }
        }
        if row.next_element::<IgnoredAny>()?.is_some() {
            return Err(A::Error::custom("a row with too many values"));
        }
        decoder.row_done().map_err(|bad| {
            if let Bad::Final(error) = bad {
                decoder.fault = Some(error);
            }
            A::Error::custom("no batch")
        })
    }
}

struct Cell<'c>(&'c mut Cells);

impl<'de> DeserializeSeed<'de> for Cell<'_> {
    type Value = Result<(), Unfit>;

    fn deserialize<D: Deserializer<'de>>(self, json: D) -> Result<Self::Value, D::Error> {
        json.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Cell<'_> {
    type Value = Result<(), Unfit>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("text or null")
    }

    fn visit_str<E>(self, text: &str) -> Result<Self::Value, E> {
        Ok(self.0.push(text))
    }

    fn visit_unit<E>(self) -> Result<Self::Value, E> {
        self.0.push_null();
        Ok(Ok(()))
    }

    fn visit_bool<E>(self, truth: bool) -> Result<Self::Value, E> {
        Ok(self.0.push(if truth { "true" } else { "false" }))
    }

    fn visit_i64<E>(self, number: i64) -> Result<Self::Value, E> {
        Ok(self.0.push(&number.to_string()))
    }

    fn visit_u64<E>(self, number: u64) -> Result<Self::Value, E> {
        Ok(self.0.push(&number.to_string()))
    }

    /// A number without quotes has already gone through 64 bits: only a FLOAT is still exact then, and what has few digits.
    fn visit_f64<E>(self, number: f64) -> Result<Self::Value, E> {
        let text = number.to_string();
        let exact =
            matches!(self.0, Cells::Float(_)) || text.bytes().filter(u8::is_ascii_digit).count() <= 15;
        Ok(if exact { self.0.push(&text) } else { Err(Unfit::Unreadable) })
    }
}
