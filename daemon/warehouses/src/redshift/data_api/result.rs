//! The rows of a statement that has ended: pages of JSON into batches, the next one fetched while one is read. Never fewer rows
//! than were told, and never more.

use super::cells;
use super::client::Client;
use super::messages::{Head, Page};
use super::statement::{Ended, late, until};
use super::trouble::{incomplete, odd};
use crate::port::{Answer, Column};
use crate::redshift::metadata::Row;
use crate::redshift::types;
use crate::wire::columns::{Builder, unreadable};
use crate::wire::read::{Read, field};
use arrow::array::RecordBatch;
use arrow::datatypes::SchemaRef;
use futures::{StreamExt, stream};
use serde_json::json;
use std::collections::HashSet;
use std::sync::Arc;
use std::time::Instant;
use tokio::time::timeout_at;
use tokio_util::task::AbortOnDropHandle;
use wharf_protocol::{ApiError, ErrorKind};

/// Pages of one result, as they come.
struct Pages {
    client: Arc<Client>,
    /// Where the result is.
    id: String,
    deadline: Option<Instant>,
    /// The page that is on its way; none after the last.
    coming: Option<AbortOnDropHandle<Result<Vec<u8>, ApiError>>>,
    /// How many rows there are, where told.
    told: Option<u64>,
    came: u64,
    /// What was told as places to go on from: one that comes again would go round for ever.
    seen: HashSet<String>,
    heads: Option<Vec<Head>>,
}

impl Pages {
    fn new(client: &Arc<Client>, id: String, told: Option<u64>, deadline: Option<Instant>) -> Self {
        let (seen, heads) = (HashSet::new(), None);
        let mut pages =
            Self { client: client.clone(), id, deadline, coming: None, told, came: 0, seen, heads };
        pages.fetch(None);
        pages
    }

    fn fetch(&mut self, token: Option<&str>) {
        let client = self.client.clone();
        let mut body = json!({ "Id": self.id });
        if let Some(token) = token {
            body["NextToken"] = token.into();
        }
        let until = until(self.deadline);
        let fetching = tokio::spawn(async move { client.call("GetStatementResult", &body, until).await });
        self.coming = Some(AbortOnDropHandle::new(fetching));
    }

    /// The bytes of the next page; none at the end.
    async fn bytes(&mut self) -> Result<Option<Vec<u8>>, ApiError> {
        let Some(coming) = self.coming.take() else { return Ok(None) };
        let came = match self.deadline {
            None => coming.await,
            Some(at) => match timeout_at(at.into(), coming).await {
                Ok(came) => came,
                Err(_) => return Err(late(&self.client.who, "its rows were fetched")),
            },
        };
        came.map_err(|e| ApiError::new(ErrorKind::Internal, "task", format!("a task ended: {e}")))?.map(Some)
    }

    /// Reads a page, checks it against what came before, and has the next one fetched.
    fn read<'a>(&mut self, bytes: &'a [u8]) -> Result<Page<'a>, ApiError> {
        let who = self.client.who.clone();
        let page: Page<'a> =
            serde_json::from_slice(bytes).map_err(|_| odd(&who, "a page of a result that is none"))?;
        if let Some(heads) = &page.column_metadata {
            match &self.heads {
                None => self.heads = Some(heads.clone()),
                Some(before) if before == heads => {}
                Some(_) => return Err(odd(&who, "pages of different columns")),
            }
        }
        self.came += page.records.len() as u64;
        let total = page.total_num_rows.and_then(|rows| u64::try_from(rows).ok());
        match (self.told, total) {
            (Some(told), Some(total)) if told != total => {
                return Err(incomplete(&who, &format!("{told} rows were told, then {total}")));
            }
            (told, total) => self.told = told.or(total),
        }
        let next = page.next_token.as_deref().filter(|token| !token.is_empty());
        match (next, self.told) {
            (_, Some(told)) if self.came > told => {
                Err(incomplete(&who, &format!("{told} rows were told, and {} came", self.came)))
            }
            (None, Some(told)) if self.came < told => {
                Err(incomplete(&who, &format!("{told} rows were told, and {} came", self.came)))
            }
            (None, _) => Ok(page),
            (Some(token), _) => {
                if !self.seen.insert(token.to_owned()) {
                    return Err(odd(&who, "a page that leads back to one before"));
                }
                self.fetch(Some(token));
                Ok(page)
            }
        }
    }
}

/// Rows as batches.
struct Batches {
    pages: Pages,
    schema: SchemaRef,
    builders: Vec<Builder>,
    /// A page that is read already.
    first: Option<RecordBatch>,
}

impl Batches {
    async fn next(&mut self) -> Result<Option<RecordBatch>, ApiError> {
        if let Some(first) = self.first.take() {
            return Ok(Some(first));
        }
        while let Some(bytes) = self.pages.bytes().await? {
            let page = self.pages.read(&bytes)?;
            if !page.records.is_empty() {
                return batch(&self.pages.client.who, &self.schema, &mut self.builders, &page).map(Some);
            }
        }
        Ok(None)
    }
}

/// The answer that the rows of a statement make. What fails before its first row fails here, where it can still become the status
/// of a reply.
///
/// # Errors
/// When the first page cannot be had or makes no sense.
pub(super) async fn answer(
    client: &Arc<Client>,
    ended: Ended,
    deadline: Option<Instant>,
) -> Result<Answer, ApiError> {
    let Some(result) = ended.result else {
        return crate::redshift::rows::count(ended.rows.unwrap_or(0), Some(ended.id));
    };
    let mut pages = Pages::new(client, result, ended.rows, deadline);
    let Some(bytes) = pages.bytes().await? else { return Err(odd(&client.who, "a result without a page")) };
    let page = pages.read(&bytes)?;
    let heads = page.column_metadata.as_deref().unwrap_or_default();
    if heads.is_empty() {
        return Err(odd(&client.who, "a result without columns"));
    }
    let described: Vec<_> = heads.iter().map(cells::described).collect();
    let reads: Vec<Read> = described.iter().map(types::read).collect();
    let columns = cells::columns(heads, &described);
    let schema = Column::schema(columns.iter().zip(&reads).map(|(c, r)| field(c, *r)).collect());
    let mut builders: Vec<Builder> = reads.into_iter().map(Builder::new).collect();
    let first = match page.records.is_empty() {
        true => None,
        false => Some(batch(&client.who, &schema, &mut builders, &page)?),
    };
    let batches = Batches { pages, schema: schema.clone(), builders, first };
    let batches = stream::unfold(Some(batches), |batches| async {
        let mut batches = batches?;
        match batches.next().await {
            Ok(next) => next.map(|batch| (Ok(batch), Some(batches))),
            // Nothing follows an error.
            Err(error) => Some((Err(error), None)),
        }
    });
    Ok(Answer { statement_id: Some(ended.id), schema, batches: batches.boxed() })
}

fn batch(
    who: &str,
    schema: &SchemaRef,
    builders: &mut [Builder],
    page: &Page<'_>,
) -> Result<RecordBatch, ApiError> {
    for record in &page.records {
        if record.len() != builders.len() {
            return Err(odd(who, "a row with more or fewer values than columns"));
        }
        for (at, (builder, cell)) in builders.iter_mut().zip(record).enumerate() {
            cells::push(builder, cell).map_err(|why| unreadable(schema, at, why))?;
        }
    }
    let columns = builders.iter_mut().map(Builder::finish).collect();
    RecordBatch::try_new(schema.clone(), columns)
        .map_err(|e| ApiError::new(ErrorKind::Internal, "arrow", e.to_string()))
}

/// The rows as texts: for questions of our own.
///
/// # Errors
/// When they do not come whole.
pub(super) async fn texts(
    client: &Arc<Client>,
    ended: Ended,
    deadline: Option<Instant>,
) -> Result<Vec<Row>, ApiError> {
    let Some(result) = ended.result else { return Ok(Vec::new()) };
    let mut pages = Pages::new(client, result, ended.rows, deadline);
    let mut rows = Vec::new();
    while let Some(bytes) = pages.bytes().await? {
        let page = pages.read(&bytes)?;
        rows.extend(page.records.iter().map(|record| record.iter().map(cells::text).collect::<Row>()));
    }
    Ok(rows)
}
