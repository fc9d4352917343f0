//! Rows of the wire into batches, as they arrive.

use super::copy::{Bad, Tuples};
use super::decode::Raw;
use super::errors;
use super::running::Running;
use super::types;
use crate::port::{Answer, Column};
use crate::wire::columns::{Builder, unreadable};
use crate::wire::read::{Read, field};
use arrow::array::{Int64Array, RecordBatch};
use arrow::datatypes::{DataType, SchemaRef};
use bytes::Bytes;
use futures::{FutureExt, StreamExt, stream};
use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;
use tokio_postgres::{CopyOutStream, Error, Row, RowStream, Statement};
use wharf_protocol::{ApiError, ErrorKind};

/// Rows of a full batch.
const ROWS: usize = 8192;
/// How long rows are held back in the hope of more.
const LINGER: Duration = Duration::from_millis(20);

/// How rows come.
pub(super) enum Feed {
    /// A message for each.
    Rows(Pin<Box<RowStream>>),
    /// As a copy, in pieces.
    Copy(Pin<Box<CopyOutStream>>, Tuples),
}

/// What came.
enum Piece {
    Row(Row),
    Bytes(Bytes),
}

impl Feed {
    async fn next(&mut self) -> Option<Result<Piece, Error>> {
        match self {
            Self::Rows(stream) => stream.next().await.map(|row| row.map(Piece::Row)),
            Self::Copy(stream, _) => stream.next().await.map(|bytes| bytes.map(Piece::Bytes)),
        }
    }
}

/// The answer that rows make.
pub(super) async fn answer(
    source: String,
    running: Running,
    statement: &Statement,
    feed: Feed,
    writes: bool,
) -> Result<Answer, ApiError> {
    let reads: Vec<Read> = statement
        .columns()
        .iter()
        .map(|column| Read::of(column.type_(), column.type_modifier()).unwrap_or(Read::Text))
        .collect();
    let schema =
        Column::schema(types::columns(statement).iter().zip(&reads).map(|(c, r)| field(c, *r)).collect());
    let mut rows = Rows {
        source,
        running: Some(running),
        writes,
        feed,
        schema: schema.clone(),
        builders: reads.into_iter().map(Builder::new).collect(),
        held: 0,
        begun: false,
        ended: false,
    };
    // What fails before its first row fails here, where it can still become the status of a reply.
    let first = rows.next().await?;
    let batches = stream::iter(first.map(Ok)).chain(stream::unfold(rows, |mut rows| async {
        match rows.next().await {
            Ok(Some(batch)) => Some((Ok(batch), rows)),
            Ok(None) => None,
            Err(error) => {
                rows.ended = true;
                Some((Err(error), rows))
            }
        }
    }));
    Ok(Answer { statement_id: None, schema, batches: batches.boxed() })
}

/// The answer of a statement without rows: how many it touched, where the server tells.
pub(super) async fn count(
    source: &str,
    running: Running,
    stream: RowStream,
    writes: bool,
) -> Result<Answer, ApiError> {
    let mut stream = Box::pin(stream);
    while let Some(row) = stream.next().await {
        row.map_err(|e| errors::failed(source, &e))?;
    }
    let touched = stream.rows_affected().unwrap_or(0);
    running.end(writes).await;
    let schema = Column::schema(vec![Column::field("Count", DataType::Int64, "bigint", false)]);
    let counts = Int64Array::from(vec![i64::try_from(touched).unwrap_or(i64::MAX)]);
    let batch = RecordBatch::try_new(schema.clone(), vec![Arc::new(counts)])
        .map_err(|e| ApiError::new(ErrorKind::Internal, "arrow", e.to_string()))?;
    Ok(Answer { statement_id: None, schema, batches: stream::iter([Ok(batch)]).boxed() })
}

struct Rows {
    source: String,
    running: Option<Running>,
    writes: bool,
    feed: Feed,
    schema: SchemaRef,
    builders: Vec<Builder>,
    /// Rows in the builders.
    held: usize,
    begun: bool,
    ended: bool,
}

impl Rows {
    /// The next rows; none at the end. The first are handed on at once, later ones when there are many or no more come for a
    /// moment.
    async fn next(&mut self) -> Result<Option<RecordBatch>, ApiError> {
        while !self.ended && self.held < ROWS {
            let row = match self.feed.next().now_or_never() {
                Some(row) => row,
                None if self.held == 0 => self.feed.next().await,
                None if !self.begun => break,
                None => match tokio::time::timeout(LINGER, self.feed.next()).await {
                    Ok(row) => row,
                    Err(_) => break,
                },
            };
            match row {
                Some(Ok(Piece::Row(row))) => self.take(&row)?,
                Some(Ok(Piece::Bytes(bytes))) => self.take_bytes(&bytes)?,
                Some(Err(error)) => return Err(errors::failed(&self.source, &error)),
                None => self.end()?,
            }
        }
        if self.ended
            && let Some(running) = self.running.take()
        {
            running.end(self.writes).await;
        }
        if self.held == 0 {
            return Ok(None);
        }
        self.begun = true;
        self.held = 0;
        let columns = self.builders.iter_mut().map(Builder::finish).collect();
        RecordBatch::try_new(self.schema.clone(), columns)
            .map(Some)
            .map_err(|e| ApiError::new(ErrorKind::Internal, "arrow", e.to_string()))
    }

    fn take(&mut self, row: &Row) -> Result<(), ApiError> {
        for (at, builder) in self.builders.iter_mut().enumerate() {
            let raw: Option<Raw<'_>> = row.try_get(at).map_err(|e| errors::failed(&self.source, &e))?;
            builder.push(raw.map(|raw| raw.0)).map_err(|why| unreadable(&self.schema, at, why))?;
        }
        self.held += 1;
        Ok(())
    }

    fn take_bytes(&mut self, bytes: &[u8]) -> Result<(), ApiError> {
        let Feed::Copy(_, tuples) = &mut self.feed else { return Ok(()) };
        match tuples.take(bytes, &mut self.builders) {
            Ok(rows) => self.held += rows,
            Err(Bad(Some(column), why)) => return Err(unreadable(&self.schema, column, why)),
            Err(Bad(None, _)) => return Err(errors::odd(&self.source)),
        }
        Ok(())
    }

    /// Nothing more comes. A copy says itself that it is whole.
    fn end(&mut self) -> Result<(), ApiError> {
        self.ended = true;
        match &self.feed {
            Feed::Copy(_, tuples) if !tuples.whole => {
                let message = format!("the rows of the source `{}` broke off before their end", self.source);
                Err(ApiError::new(ErrorKind::Unavailable, "reply_broken", message)
                    .hint("run it again; nothing of it was kept"))
            }
            _ => Ok(()),
        }
    }
}
