//! A result from its chunks: one schema for all of it, and never less than was told.

use super::arrow_form;
use super::cells;
use super::chunks::{self, Chunk, Rows, incomplete};
use super::far::Far;
use super::statement::{self, Guard, Statement, Way};
use super::types::Kind;
use super::wire::{Cell, Manifest, Part, Reply};
use crate::port::{Answer, Ask, Column};
use arrow::array::{RecordBatch, RecordBatchOptions};
use arrow::datatypes::SchemaRef;
use futures::stream::{BoxStream, StreamExt, try_unfold};
use std::borrow::Cow;
use std::collections::VecDeque;
use std::sync::Arc;
use std::time::Instant;
use tokio::sync::OwnedSemaphorePermit;
use tokio::time::timeout_at;
use wharf_protocol::{ApiError, ErrorKind};

/// What a statement is to be run with.
pub(super) struct Place<'a> {
    pub(super) warehouse: &'a str,
    pub(super) catalog: &'a str,
    pub(super) schema: Option<&'a str>,
}

/// Runs a statement up to its first rows, in the given way if that goes.
pub(super) async fn run(far: &Arc<Far>, ask: &Ask, place: &Place<'_>, way: Way) -> Result<Answer, ApiError> {
    if way == Way::Inline
        && let Some(answer) = run_by(far, ask, place, Way::Inline).await?
    {
        return Ok(answer);
    }
    match run_by(far, ask, place, Way::Links).await? {
        Some(answer) => Ok(answer),
        None => Err(incomplete(&far.who, "it came in no form that can be read")),
    }
}

/// Runs it in one way; none if the other one is needed.
async fn run_by(far: &Arc<Far>, ask: &Ask, place: &Place<'_>, way: Way) -> Result<Option<Answer>, ApiError> {
    let slot = slot(far, ask.deadline).await?;
    let body = statement::request(ask, way, place.warehouse, place.catalog, place.schema);
    let (guard, reply) = statement::submit(far, &body, place.warehouse, ask.deadline).await?;
    let Some(Reply { manifest, result, .. }) = statement::wait(&guard, reply, way).await? else {
        tracing::debug!(source = far.name, "too large to come inline; asked again by links");
        return Ok(None);
    };
    let manifest = manifest.unwrap_or_default();
    let kinds = kinds(&manifest);
    if way == Way::Inline && is_vague(&kinds, &manifest, result.as_ref()) {
        tracing::debug!(source = far.name, "not exact inline; asked again by links");
        return Ok(None);
    }
    whole(&far.who, &manifest, statement::row_limit(ask))?;
    let statement = Arc::clone(guard.statement());
    // Whether a result without rows has a chunk is told in several ways, and does not matter.
    let empty = manifest.total_row_count == Some(0) && result.as_ref().is_none_or(Part::is_empty);
    let mut chunks = match empty {
        true => futures::stream::empty().boxed(),
        false => chunks::chunks(&statement, &manifest, result)?,
    };
    let first = within(&statement, chunks.next()).await?.transpose()?;
    let schema = schema(&kinds, first.as_ref());
    let id = statement.id.clone();
    let stream = Stream {
        guard,
        chunks,
        schema: Arc::clone(&schema),
        first,
        ready: VecDeque::new(),
        permit: None,
        _slot: slot,
        rows: 0,
        count: 0,
        told: (manifest.total_row_count, manifest.total_chunk_count.filter(|_| !empty)),
    };
    let batches =
        try_unfold(stream, |mut stream| async move { Ok(stream.next().await?.map(|batch| (batch, stream))) });
    Ok(Some(Answer { statement_id: Some(id), schema, batches: batches.boxed() }))
}

/// A place among the statements that may run at once; kept until the last row was read.
async fn slot(far: &Arc<Far>, deadline: Option<Instant>) -> Result<OwnedSemaphorePermit, ApiError> {
    let free = Arc::clone(&far.slots).acquire_owned();
    let free = match deadline {
        None => Ok(free.await),
        Some(at) => timeout_at(at.into(), free).await,
    };
    let late = |_| {
        let message = format!("{}: the time ran out before another statement of it ended", far.who);
        ApiError::new(ErrorKind::Deadline, "deadline", message)
            .hint("give it more time with --timeout, or let more run at once: `connections=` in the address")
    };
    free.map_err(late)?
        .map_err(|_| ApiError::new(ErrorKind::Internal, "slots", "no statement may begin any more"))
}

/// Whether values may have lost something on the way into JSON. Instants with exactly three digits behind the point may have been
/// cut there (the recordings of real workspaces know no others), so they are asked for again in Arrow; the engine's own cache of
/// results makes that cheap.
fn is_vague(kinds: &[Kind], manifest: &Manifest, first: Option<&Part>) -> bool {
    let instants: Vec<usize> = (0..kinds.len()).filter(|at| kinds[*at].is_instant()).collect();
    let cut = |cell: &Cell| {
        let fraction = cell.0.split_once('.').map_or("", |(_, fraction)| fraction);
        fraction.bytes().take_while(u8::is_ascii_digit).count() == 3
    };
    let rows = first.and_then(|part| part.data_array.as_ref());
    let seen = || rows.into_iter().flatten().flat_map(|row| instants.iter().filter_map(|at| row.get(*at)));
    // Of further chunks only the first is here to be looked at.
    let more = !instants.is_empty() && manifest.total_chunk_count.is_some_and(|count| count > 1);
    more || kinds.iter().any(Kind::is_vague_in_json) || seen().flatten().any(cut)
}

/// Refuses what the far side cut, unless we asked for no more.
fn whole(who: &str, manifest: &Manifest, limit: Option<u64>) -> Result<(), ApiError> {
    let by_us = limit.is_some_and(|limit| manifest.total_row_count.is_none_or(|rows| rows >= limit));
    if manifest.truncated == Some(true) && !by_us {
        let message = format!("{who}: the result is larger than Databricks hands out, and was cut");
        return Err(ApiError::new(ErrorKind::Limit, "result_truncated", message)
            .hint("ask for less: fewer columns, a filter, or an aggregate"));
    }
    Ok(())
}

/// What the columns are, in their order.
fn kinds(manifest: &Manifest) -> Vec<Kind> {
    let mut columns = manifest.schema.as_ref().and_then(|schema| schema.columns.clone()).unwrap_or_default();
    if columns.iter().all(|column| column.position.is_some()) {
        columns.sort_by_key(|column| column.position);
    }
    columns.iter().map(Kind::of).collect()
}

fn schema(kinds: &[Kind], first: Option<&Chunk>) -> SchemaRef {
    let came = match first.map(|chunk| &chunk.rows) {
        Some(Rows::Batches(schema, batches)) => {
            schema.clone().or_else(|| batches.first().map(RecordBatch::schema))
        }
        _ => None,
    };
    let fields = kinds.iter().enumerate().map(|(at, kind)| {
        let came = came.as_ref().and_then(|schema| schema.fields().get(at)).map(|field| field.data_type());
        Column::field(&kind.name, arrow_form::target(kind, came), &kind.type_text, kind.json)
    });
    Column::schema(fields.collect())
}

/// Waits no longer than the statement may take.
async fn within<T>(statement: &Statement, future: impl Future<Output = T>) -> Result<T, ApiError> {
    match statement.deadline {
        None => Ok(future.await),
        Some(at) => timeout_at(at.into(), future).await.map_err(|_| statement.late("its rows came")),
    }
}

/// The rows on their way. Dropped before the end, it ends the statement there.
struct Stream {
    guard: Guard,
    chunks: BoxStream<'static, Result<Chunk, ApiError>>,
    schema: SchemaRef,
    first: Option<Chunk>,
    ready: VecDeque<RecordBatch>,
    permit: Option<OwnedSemaphorePermit>,
    _slot: OwnedSemaphorePermit,
    rows: u64,
    count: u64,
    told: (Option<u64>, Option<u64>),
}

impl Stream {
    async fn next(&mut self) -> Result<Option<RecordBatch>, ApiError> {
        loop {
            if let Some(batch) = self.ready.pop_front() {
                return Ok(Some(batch));
            }
            // The rows before have been handed on: their room is free for others.
            self.permit = None;
            let chunk = match self.first.take() {
                Some(chunk) => Some(chunk),
                None => within(self.guard.statement(), self.chunks.next()).await?.transpose()?,
            };
            let Some(chunk) = chunk else {
                self.check()?;
                self.guard.read(self.count > 0);
                return Ok(None);
            };
            self.count += 1;
            self.permit = chunk.permit;
            self.take(chunk.rows)?;
        }
    }

    fn take(&mut self, rows: Rows) -> Result<(), ApiError> {
        let who = &self.guard.statement().far.who;
        let odd = |what: String| {
            ApiError::new(
                ErrorKind::Failed,
                "result_unreadable",
                format!("{who}: the result cannot be read: {what}"),
            )
        };
        match rows {
            Rows::Cells(rows) => {
                self.rows += rows.len() as u64;
                if !rows.is_empty() {
                    self.ready.push_back(batch(&self.schema, &rows).map_err(odd)?);
                }
            }
            Rows::Batches(_, batches) => {
                for batch in batches {
                    self.rows += batch.num_rows() as u64;
                    if batch.num_rows() > 0 {
                        self.ready.push_back(arrow_form::fit_batch(&batch, &self.schema).map_err(odd)?);
                    }
                }
            }
        }
        Ok(())
    }

    /// Whether all that was told has come.
    fn check(&self) -> Result<(), ApiError> {
        let who = &self.guard.statement().far.who;
        for (told, came, what) in [(self.told.0, self.rows, "rows"), (self.told.1, self.count, "chunks")] {
            if let Some(told) = told.filter(|told| *told != came) {
                return Err(incomplete(who, &format!("{came} of {told} {what}")));
            }
        }
        Ok(())
    }
}

/// A batch from rows of cells.
fn batch(schema: &SchemaRef, rows: &[Vec<Option<Cell>>]) -> Result<RecordBatch, String> {
    let width = schema.fields().len();
    if let Some(odd) = rows.iter().find(|row| row.len() != width) {
        return Err(format!("a row has {} cells where {width} were told", odd.len()));
    }
    let mut columns = Vec::with_capacity(width);
    for (at, field) in schema.fields().iter().enumerate() {
        let texts: Vec<Option<Cow<'_, str>>> =
            rows.iter().map(|row| row[at].as_ref().map(|cell| Cow::Borrowed(&cell.0[..]))).collect();
        let column = cells::column(field.data_type(), &texts);
        columns.push(column.map_err(|e| format!("column `{}`: {e}", field.name()))?);
    }
    let options = RecordBatchOptions::new().with_row_count(Some(rows.len()));
    RecordBatch::try_new_with_options(Arc::clone(schema), columns, &options).map_err(|e| e.to_string())
}

/// All rows of a small result as text; what cannot be shown so, as instants with a zone, is left out.
pub(super) async fn rows_of_text(mut answer: Answer) -> Result<Vec<Vec<Option<String>>>, ApiError> {
    use arrow::util::display::{ArrayFormatter, FormatOptions};
    let options = FormatOptions::default();
    let mut rows = Vec::new();
    while let Some(batch) = answer.batches.next().await {
        let batch = batch?;
        let odd = |e: arrow::error::ArrowError| {
            ApiError::new(ErrorKind::Internal, "arrow", format!("a value cannot be shown: {e}"))
        };
        let shown = batch.columns().iter().map(|column| ArrayFormatter::try_new(column.as_ref(), &options));
        let shown: Vec<_> = shown.collect::<Result<_, _>>().map_err(odd)?;
        for at in 0..batch.num_rows() {
            let cells = shown.iter().zip(batch.columns());
            rows.push(
                cells
                    .map(|(shown, column)| column.is_valid(at).then(|| shown.value(at).to_string()))
                    .collect(),
            );
        }
    }
    Ok(rows)
}
