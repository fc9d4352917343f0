//! The parts of a result: fetched some ahead of the reader, in order, each whole or not at all.

use super::errors;
use super::link::{Bad, Call, Link, PATIENCE, Reply};
use super::rows::{self, Shape};
use super::statement::Far;
use super::wire::{self, Done, Outcome};
use crate::port::Answer;
use crate::snowflake::cells::Column;
use arrow::array::RecordBatch;
use futures::StreamExt;
use futures::stream::BoxStream;
use std::collections::VecDeque;
use std::sync::Arc;
use std::time::Instant;
use tokio::sync::OwnedSemaphorePermit;
use tokio_util::task::AbortOnDropHandle;
use wharf_protocol::{ApiError, ErrorKind};

/// How many parts are fetched ahead of the reader.
const AHEAD: usize = 4;
/// How many bytes of text may be on their way, as Snowflake announces them, beyond the first part of them.
const AHEAD_BYTES: u64 = 96 << 20;
/// The most bytes of the text of a result that are read on the thread that waits.
const SHORT_READ: usize = 64 << 10;

/// How many rows a part has, and how long its text is.
#[derive(Debug, Clone, Copy, PartialEq)]
struct Part {
    rows: u64,
    bytes: u64,
}

/// The answer to a statement that is done. Its first part, which has already come, is read before this returns.
///
/// # Errors
/// When the answer contradicts itself, or its first part cannot be had whole.
pub(super) async fn answer(
    link: &Arc<Link>,
    mut far: Far,
    done: Done,
    limit: Option<u64>,
    deadline: Option<Instant>,
    permit: OwnedSemaphorePermit,
) -> Result<Answer, ApiError> {
    let who = &link.place.who;
    let parts = parts(who, &done, limit)?;
    let columns: Vec<Column> =
        done.meta.row_type.as_deref().unwrap_or_default().iter().map(Column::of).collect();
    let schema = crate::port::Column::schema(columns.iter().map(Column::field).collect());
    let shape = Arc::new(Shape { who: who.clone(), columns, schema: Arc::clone(&schema) });
    if let Some(handle) = done.handle.clone().filter(|_| far.handle.is_empty()) {
        far.handle = handle;
    }
    if far.handle.is_empty() && parts.len() > 1 {
        return Err(errors::broken(who, "it has several parts, but no handle to ask for them"));
    }
    let statement_id = Some(far.handle.clone()).filter(|handle| !handle.is_empty());
    let expected = parts.first().map_or(0, |part| part.rows);
    let first = match inline(&shape, done, expected).await {
        Ok(batches) => batches,
        Err(Bad::Final(error)) => return Err(error),
        Err(Bad::Broken(why)) if far.handle.is_empty() => return Err(errors::broken(who, &why)),
        Err(Bad::Broken(_)) => fetch(link, &shape, &far.handle, 0, expected, deadline).await?,
    };
    let flow = Flow {
        link: Arc::clone(link),
        shape,
        far,
        deadline,
        parts,
        next: 1,
        fetched: VecDeque::new(),
        ready: first.into(),
        _permit: permit,
    };
    Ok(Answer { statement_id, schema, batches: flow.stream() })
}

/// The parts that are announced, which must add up.
fn parts(who: &str, done: &Done, limit: Option<u64>) -> Result<Vec<Part>, ApiError> {
    let contradicts = |why: String| {
        ApiError::new(
            ErrorKind::Failed,
            "result_contradicts",
            format!("{who}: its result is not trusted: {why}"),
        )
        .hint("run it again; if it stays so, tell Snowflake's support the statement's id")
    };
    let total = done.meta.num_rows;
    let infos = done.meta.partition_info.as_deref().unwrap_or_default();
    let mut parts = Vec::with_capacity(infos.len().max(1));
    for info in infos {
        let rows = match (info.row_count, infos.len()) {
            (Some(rows), _) => rows,
            (None, 1) => {
                total.ok_or_else(|| contradicts("it does not tell how many rows it has".to_owned()))?
            }
            (None, _) => return Err(contradicts("it does not tell how many rows a part has".to_owned())),
        };
        parts.push(Part { rows, bytes: info.uncompressed_size.unwrap_or(0) });
    }
    if parts.is_empty() {
        let rows = total.ok_or_else(|| contradicts("it does not tell how many rows it has".to_owned()))?;
        parts.push(Part { rows, bytes: 0 });
    }
    let sum = parts.iter().fold(0_u64, |sum, part| sum.saturating_add(part.rows));
    // A result that was cut where it was asked to be cut is whole as far as the reader goes.
    if done.code.as_deref() == Some(errors::TRUNCATED) && limit.is_none_or(|limit| sum < limit) {
        return Err(errors::truncated(who));
    }
    match total {
        Some(total) if total != sum => {
            Err(contradicts(format!("it should have {total} rows, but its parts have {sum}")))
        }
        _ => Ok(parts),
    }
}

/// The part that came with the answer.
async fn inline(shape: &Arc<Shape>, done: Done, expected: u64) -> Result<Vec<RecordBatch>, Bad> {
    let shape = Arc::clone(shape);
    let range = match done.rows {
        Some(range) => range,
        None if expected == 0 => return Ok(Vec::new()),
        None => return Err(Bad::Broken("it came without its rows".to_owned())),
    };
    let short = range.len() < SHORT_READ;
    let work = move || rows::read(&shape, done.body.get(range).unwrap_or_default(), expected);
    if short {
        return work();
    }
    tokio::task::spawn_blocking(work).await.unwrap_or_else(|error| {
        Err(Bad::Final(ApiError::new(ErrorKind::Internal, "reader", format!("reading rows failed: {error}"))))
    })
}

/// Fetches a part.
async fn fetch(
    link: &Arc<Link>,
    shape: &Arc<Shape>,
    handle: &str,
    number: usize,
    expected: u64,
    deadline: Option<Instant>,
) -> Result<Vec<RecordBatch>, ApiError> {
    let path = format!("/api/v2/statements/{handle}?partition={number}");
    let call = Call { path, body: None, marked: false };
    let until = deadline.unwrap_or_else(|| Instant::now() + PATIENCE);
    let (reader, known) = (Arc::clone(shape), Arc::clone(link));
    link.exchange(until, &call, move |reply: Reply| match reply.status {
        200 => rows::read(&reader, &reply.body, expected),
        _ => match wire::outcome(reply)? {
            Outcome::Refused(failure) => {
                Err(Bad::Final(errors::refused(&failure, &known.place, known.credential_kind())))
            }
            Outcome::Running(_) | Outcome::Several(_) | Outcome::Done(_) => {
                Err(Bad::Broken("it is no part of the result".to_owned()))
            }
        },
    })
    .await
}

/// A part on its way; dropped, it is given up.
type Fetching = AbortOnDropHandle<Result<Vec<RecordBatch>, ApiError>>;

/// A result on its way to its reader.
struct Flow {
    link: Arc<Link>,
    shape: Arc<Shape>,
    far: Far,
    deadline: Option<Instant>,
    parts: Vec<Part>,
    /// The next part to fetch.
    next: usize,
    /// Parts on their way, in order, each with the length of its text.
    fetched: VecDeque<(u64, Fetching)>,
    /// Batches that have come.
    ready: VecDeque<RecordBatch>,
    /// The statement counts as running until its last row is handed out.
    _permit: OwnedSemaphorePermit,
}

impl Flow {
    fn stream(mut self) -> BoxStream<'static, Result<RecordBatch, ApiError>> {
        self.reach_ahead();
        futures::stream::unfold(Some(self), |flow| async {
            let mut flow = flow?;
            match flow.batch().await {
                Some(Ok(batch)) => Some((Ok(batch), Some(flow))),
                // Dropped, it stops the statement.
                Some(Err(error)) => Some((Err(error), None)),
                None => None,
            }
        })
        .boxed()
    }

    async fn batch(&mut self) -> Option<Result<RecordBatch, ApiError>> {
        loop {
            if let Some(batch) = self.ready.pop_front() {
                if self.ready.is_empty() && self.fetched.is_empty() && self.next >= self.parts.len() {
                    self.far.done();
                }
                return Some(Ok(batch));
            }
            let Some((_, part)) = self.fetched.front_mut() else {
                self.far.done();
                return None;
            };
            let part = part.await;
            self.fetched.pop_front();
            self.reach_ahead();
            match part {
                Ok(Ok(batches)) => self.ready.extend(batches),
                Ok(Err(error)) => return Some(Err(error)),
                Err(error) => {
                    let message = format!("{}: fetching rows failed: {error}", self.shape.who);
                    return Some(Err(ApiError::new(ErrorKind::Internal, "fetching", message)));
                }
            }
        }
    }

    /// Begins to fetch further parts, as far as there is room for them.
    fn reach_ahead(&mut self) {
        while let Some(part) = self.parts.get(self.next).copied() {
            let bytes: u64 = self.fetched.iter().map(|(bytes, _)| *bytes).sum();
            let full = self.fetched.len() >= AHEAD || bytes.saturating_add(part.bytes) > AHEAD_BYTES;
            if full && !self.fetched.is_empty() {
                return;
            }
            let (link, shape, handle) =
                (Arc::clone(&self.link), Arc::clone(&self.shape), self.far.handle.clone());
            let (number, deadline) = (self.next, self.deadline);
            let fetching = async move { fetch(&link, &shape, &handle, number, part.rows, deadline).await };
            self.fetched.push_back((part.bytes, AbortOnDropHandle::new(tokio::spawn(fetching))));
            self.next += 1;
        }
    }
}
