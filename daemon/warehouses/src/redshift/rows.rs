//! Rows of the wire into batches, as they arrive.

use super::link::{Described, Step};
use super::running::Running;
use super::types;
use crate::port::{Answer, Column};
use crate::wire::columns::{Builder, unreadable};
use crate::wire::read::{Read, field};
use crate::wire::states;
use arrow::array::{Int64Array, RecordBatch};
use arrow::datatypes::{DataType, SchemaRef};
use fallible_iterator::FallibleIterator;
use futures::{FutureExt, StreamExt, stream};
use postgres_protocol::message::backend::DataRowBody;
use std::sync::Arc;
use std::time::{Duration, Instant};
use wharf_protocol::{ApiError, ErrorKind};

/// Rows of a full batch.
const ROWS: usize = 8192;
/// Bytes after which a batch is handed on with fewer: a row may hold 16 MB of SUPER.
const BYTES: usize = 8 << 20;
/// How long rows are held back in the hope of more.
const LINGER: Duration = Duration::from_millis(20);
/// How much longer than the deadline is waited for the server to end the statement itself, whose words tell more.
pub(super) const GRACE: Duration = Duration::from_secs(1);

/// A statement that runs.
pub(super) struct Begun {
    pub(super) source: String,
    pub(super) running: Running,
    pub(super) writes: bool,
    pub(super) deadline: Option<Instant>,
}

/// The answer that the rows of a statement make.
pub(super) async fn answer(begun: Begun, described: &[Described]) -> Result<Answer, ApiError> {
    let reads: Vec<Read> = described.iter().map(types::read).collect();
    let columns = types::columns(described);
    let schema = Column::schema(columns.iter().zip(&reads).map(|(c, r)| field(c, *r)).collect());
    let mut rows = Rows {
        begun: Some(begun),
        schema: schema.clone(),
        builders: reads.into_iter().map(Builder::new).collect(),
        held: 0,
        bytes: 0,
        handed_on: false,
        touched: None,
    };
    // What fails before its first row fails here, where it can still become the status of a reply.
    let first = rows.next().await?;
    if described.is_empty() {
        return count(rows.touched.unwrap_or(0), None);
    }
    let batches = stream::iter(first.map(Ok)).chain(stream::unfold(rows, |mut rows| async {
        let next = rows.next().await.transpose()?;
        Some((next, rows))
    }));
    Ok(Answer { statement_id: None, schema, batches: batches.boxed() })
}

/// The answer of a statement without rows: how many it touched, where the server tells.
pub(super) fn count(touched: u64, statement_id: Option<String>) -> Result<Answer, ApiError> {
    let schema = Column::schema(vec![Column::field("Count", DataType::Int64, "bigint", false)]);
    let counts = Int64Array::from(vec![i64::try_from(touched).unwrap_or(i64::MAX)]);
    let batch = RecordBatch::try_new(schema.clone(), vec![Arc::new(counts)])
        .map_err(|e| ApiError::new(ErrorKind::Internal, "arrow", e.to_string()))?;
    Ok(Answer { statement_id, schema, batches: stream::iter([Ok(batch)]).boxed() })
}

struct Rows {
    /// None once it has ended, well or not.
    begun: Option<Begun>,
    schema: SchemaRef,
    builders: Vec<Builder>,
    /// Rows in the builders.
    held: usize,
    /// Their bytes on the wire.
    bytes: usize,
    handed_on: bool,
    touched: Option<u64>,
}

impl Rows {
    /// The next rows; none at the end. The first are handed on at once, later ones when there are many or no more come for a
    /// moment.
    async fn next(&mut self) -> Result<Option<RecordBatch>, ApiError> {
        let filled = self.fill().await;
        if filled.is_err() {
            // Rows that are held are not handed on, as the answer as a whole is lost. What still runs is cancelled by the drop.
            (self.begun, self.held) = (None, 0);
        }
        filled.and_then(|()| self.batch())
    }

    async fn fill(&mut self) -> Result<(), ApiError> {
        while self.held < ROWS && self.bytes < BYTES {
            let Some(begun) = &mut self.begun else { break };
            let link = begun.running.link()?;
            let step = match link.step().now_or_never() {
                Some(step) => step,
                None if self.held == 0 => {
                    let until = begun.deadline.map(|until| until + GRACE);
                    within(&begun.source, until, link.step()).await?
                }
                None if !self.handed_on => break,
                None => match tokio::time::timeout(LINGER, link.step()).await {
                    Ok(step) => step,
                    Err(_) => break,
                },
            };
            match step {
                Ok(Step::Row(row)) => self.append(&row)?,
                Ok(Step::End(touched)) => {
                    self.touched = touched;
                    if let Some(begun) = self.begun.take() {
                        begun.running.end(begun.writes).await;
                    }
                }
                Err(trouble) => {
                    let Some(begun) = self.begun.take() else { break };
                    let told = trouble.told(&begun.source, None);
                    begun.running.end_with(&trouble, begun.writes).await;
                    return Err(told);
                }
            }
        }
        Ok(())
    }

    fn batch(&mut self) -> Result<Option<RecordBatch>, ApiError> {
        if self.held == 0 {
            return Ok(None);
        }
        self.handed_on = true;
        (self.held, self.bytes) = (0, 0);
        let columns = self.builders.iter_mut().map(Builder::finish).collect();
        RecordBatch::try_new(self.schema.clone(), columns)
            .map(Some)
            .map_err(|e| ApiError::new(ErrorKind::Internal, "arrow", e.to_string()))
    }

    fn append(&mut self, row: &DataRowBody) -> Result<(), ApiError> {
        let odd = || {
            let message = "a row came in another form than the server announced";
            ApiError::new(ErrorKind::Failed, "source_odd", message)
        };
        let mut ranges = row.ranges();
        for (at, builder) in self.builders.iter_mut().enumerate() {
            let range = ranges.next().ok().flatten().ok_or_else(odd)?;
            let raw = range.map(|range| row.buffer().get(range).ok_or_else(odd)).transpose()?;
            builder.push_text(raw).map_err(|why| unreadable(&self.schema, at, why))?;
        }
        self.held += 1;
        self.bytes += row.buffer().len();
        Ok(())
    }
}

/// Waits for the server, but not much longer than until the deadline: one that has vanished does not end anything itself.
pub(super) async fn within<T>(
    source: &str,
    until: Option<Instant>,
    work: impl Future<Output = T>,
) -> Result<T, ApiError> {
    let Some(until) = until else { return Ok(work.await) };
    let late = |_| {
        let message = format!("the source `{source}` did not answer before the deadline");
        ApiError::new(ErrorKind::Deadline, "deadline", message)
            .hint("give it more time with --timeout, or ask for less")
    };
    tokio::time::timeout_at(until.into(), work).await.map_err(late)
}

/// The text of a row's cells, for questions of our own.
pub(super) fn cells(row: &DataRowBody) -> Option<Vec<Option<String>>> {
    let mut cells = Vec::new();
    let mut ranges = row.ranges();
    while let Some(range) = ranges.next().ok()? {
        let cell = match range {
            Some(range) => Some(std::str::from_utf8(row.buffer().get(range)?).ok()?.to_owned()),
            None => None,
        };
        cells.push(cell);
    }
    Some(cells)
}

/// The error that cells which make no sense are.
pub(super) fn odd(source: &str) -> ApiError {
    states::odd(source)
}
