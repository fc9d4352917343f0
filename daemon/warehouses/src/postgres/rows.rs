//! Rows of the wire into batches, as they arrive.

use super::decode::Raw;
use super::errors;
use super::running::Running;
use super::types;
use crate::port::{Answer, Column};
use crate::wire::columns::{Builder, unreadable};
use crate::wire::read::{Read, field};
use arrow::array::{Int64Array, RecordBatch};
use arrow::datatypes::{DataType, SchemaRef};
use futures::{FutureExt, StreamExt, stream};
use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;
use tokio_postgres::{Row, RowStream, Statement};
use wharf_protocol::{ApiError, ErrorKind};

/// Rows of a full batch.
const ROWS: usize = 8192;
/// How long rows are held back in the hope of more.
const LINGER: Duration = Duration::from_millis(20);

/// The answer that a stream of rows makes.
pub(super) async fn answer(
    source: String,
    running: Running,
    statement: &Statement,
    stream: RowStream,
    writes: bool,
) -> Result<Answer, ApiError> {
    let reads: Vec<Read> = statement
        .columns()
        .iter()
        .map(|column| Read::of(column.type_(), column.type_modifier()).unwrap_or(Read::Text))
        .collect();
    if statement.columns().is_empty() {
        return count(&source, running, stream, writes).await;
    }
    let schema =
        Column::schema(types::columns(statement).iter().zip(&reads).map(|(c, r)| field(c, *r)).collect());
    let mut rows = Rows {
        source,
        running: Some(running),
        writes,
        stream: Box::pin(stream),
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
async fn count(source: &str, running: Running, stream: RowStream, writes: bool) -> Result<Answer, ApiError> {
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
    stream: Pin<Box<RowStream>>,
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
            let row = match self.stream.next().now_or_never() {
                Some(row) => row,
                None if self.held == 0 => self.stream.next().await,
                None if !self.begun => break,
                None => match tokio::time::timeout(LINGER, self.stream.next()).await {
                    Ok(row) => row,
                    Err(_) => break,
                },
            };
            match row {
                Some(row) => self.take(&row.map_err(|e| errors::failed(&self.source, &e))?)?,
                None => self.ended = true,
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
}
