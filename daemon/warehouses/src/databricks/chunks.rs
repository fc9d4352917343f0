//! The chunks of a result: asked for one after the other, fetched side by side, handed on in order, each of them whole.

use super::arrow_form;
use super::errors::About;
use super::far::link_is_over;
use super::statement::Statement;
use super::wire::{Cell, Link, Manifest, Part};
use crate::http::{self, Again};
use arrow::array::RecordBatch;
use arrow::datatypes::SchemaRef;
use chrono::{DateTime, Utc};
use futures::stream::{BoxStream, StreamExt, TryStreamExt, try_unfold};
use reqwest::header::{HeaderMap, HeaderName, HeaderValue};
use std::collections::VecDeque;
use std::sync::Arc;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio_util::task::AbortOnDropHandle;
use url::Url;
use wharf_protocol::{ApiError, ErrorKind};

/// How many chunks are fetched side by side.
const AHEAD: usize = 4;
/// How many MiB of chunks are held at once, unless a single one is larger.
const HELD: u32 = 96;
/// The largest chunk, in bytes. The engine makes them of some 20 MiB.
const LARGEST: usize = 1 << 30;
/// How often a chunk is fetched until it is whole.
const TRIES: u32 = 6;
/// A link that ends sooner than this is asked for anew.
const TOO_SOON: chrono::Duration = chrono::Duration::seconds(5);

/// A chunk as it came.
pub(super) struct Chunk {
    pub(super) rows: Rows,
    /// Its share of the memory that chunks may take.
    pub(super) permit: Option<OwnedSemaphorePermit>,
}

/// What is in a chunk.
pub(super) enum Rows {
    /// Rows of cells.
    Cells(Vec<Vec<Option<Cell>>>),
    /// Batches, and the schema that they had there.
    Batches(Option<SchemaRef>, Vec<RecordBatch>),
}

impl Rows {
    fn count(&self) -> u64 {
        match self {
            Self::Cells(rows) => rows.len() as u64,
            Self::Batches(_, batches) => batches.iter().map(|batch| batch.num_rows() as u64).sum(),
        }
    }
}

/// Where a chunk's content is.
enum Content {
    Rows(Vec<Vec<Option<Cell>>>),
    Attached(String),
    Link(Link),
}

/// A chunk that is to be fetched.
struct Piece {
    index: u64,
    rows: Option<u64>,
    content: Content,
    permit: Option<OwnedSemaphorePermit>,
}

/// Where in the result we are.
struct Cursor {
    statement: Arc<Statement>,
    queue: VecDeque<Piece>,
    /// The index of the next piece that is told, and where to ask for it.
    next: Option<(u64, Url)>,
    seen: u64,
    offset: Option<u64>,
    facts: Vec<Option<u64>>,
    total: Option<u64>,
    room: Arc<Semaphore>,
}

/// The chunks of a result in their order. `first` is the part that came with the statement's state.
///
/// # Errors
/// When what came with it contradicts itself.
pub(super) fn chunks(
    statement: &Arc<Statement>,
    manifest: &Manifest,
    first: Option<Part>,
) -> Result<BoxStream<'static, Result<Chunk, ApiError>>, ApiError> {
    let mut facts = Vec::new();
    for (at, chunk) in manifest.chunks.iter().flatten().enumerate() {
        let index = chunk.chunk_index.and_then(|index| usize::try_from(index).ok()).unwrap_or(at);
        if index < 1 << 24 {
            facts.resize(facts.len().max(index + 1), None);
            facts[index] = chunk.row_count;
        }
    }
    let mut cursor = Cursor {
        statement: Arc::clone(statement),
        queue: VecDeque::new(),
        next: None,
        seen: 0,
        offset: Some(0),
        facts,
        total: manifest.total_chunk_count,
        room: Arc::new(Semaphore::new(HELD as usize)),
    };
    cursor.take(first.unwrap_or_default())?;
    let pieces = try_unfold(cursor, |mut cursor| async move {
        Ok::<_, ApiError>(cursor.advance().await?.map(|piece| (piece, cursor)))
    });
    let statement = Arc::clone(statement);
    let fetched = pieces.map_ok(move |piece| {
        // A task of its own, so that chunks arrive also while nobody asks for the next one. Dropped, it stops.
        let task = AbortOnDropHandle::new(tokio::spawn(fetch(Arc::clone(&statement), piece)));
        async move {
            task.await.unwrap_or_else(|e| {
                Err(ApiError::new(ErrorKind::Internal, "task", format!("a task ended: {e}")))
            })
        }
    });
    Ok(fetched.try_buffered(AHEAD).boxed())
}

impl Cursor {
    /// The next piece, with its share of memory.
    async fn advance(&mut self) -> Result<Option<Piece>, ApiError> {
        loop {
            if let Some(mut piece) = self.queue.pop_front() {
                if let Content::Link(link) = &piece.content {
                    let size = link.byte_count.unwrap_or(16 << 20) >> 20;
                    let share = u32::try_from(size).unwrap_or(HELD).clamp(1, HELD);
                    piece.permit = Arc::clone(&self.room).acquire_many_owned(share).await.ok();
                }
                return Ok(Some(piece));
            }
            let Some((index, url)) = self.next.take() else { return Ok(None) };
            if index != self.seen {
                return Err(
                    self.odd(&format!("chunk {index} is told to follow chunk {}", self.seen.max(1) - 1))
                );
            }
            let part = part(&self.statement, url).await?;
            let before = self.seen;
            self.take(part)?;
            if self.seen == before && self.next.is_some() {
                return Err(self.odd(&format!("chunk {index} came without content")));
            }
        }
    }

    /// Takes the chunks of a part, and where the one behind them is.
    fn take(&mut self, part: Part) -> Result<(), ApiError> {
        let mut next = (part.next_chunk_index, part.next_chunk_internal_link);
        if let Some(links) = part.external_links.filter(|links| !links.is_empty()) {
            for link in links {
                next = (link.next_chunk_index, link.next_chunk_internal_link.clone());
                let (index, offset, rows) = (link.chunk_index, link.row_offset, link.row_count);
                self.push(index, offset, rows, Content::Link(link))?;
            }
        } else if let Some(attached) = part.attachment {
            self.push(part.chunk_index, part.row_offset, part.row_count, Content::Attached(attached))?;
        } else if let Some(rows) = part.data_array {
            self.push(part.chunk_index, part.row_offset, part.row_count, Content::Rows(rows))?;
        } else if part.row_count.is_some_and(|count| count > 0) {
            return Err(self.odd("a chunk with rows came without any"));
        }
        let told = next.0.unwrap_or(self.seen);
        self.next = match next {
            (_, Some(link)) if !link.is_empty() => Some((told, self.statement.far.internal(&link)?)),
            // No link, but more to come: then the documented route is asked.
            (Some(_), _) => Some((told, self.chunk_url(told)?)),
            _ if self.total.is_some_and(|total| self.seen < total) => Some((told, self.chunk_url(told)?)),
            _ => None,
        };
        Ok(())
    }

    fn push(
        &mut self,
        index: Option<u64>,
        offset: Option<u64>,
        rows: Option<u64>,
        content: Content,
    ) -> Result<(), ApiError> {
        let at = self.seen;
        if index.is_some_and(|index| index != at) || self.total.is_some_and(|total| at >= total) {
            return Err(self.odd(&format!("chunk {} came where chunk {at} was due", index.unwrap_or(at))));
        }
        if let (Some(told), Some(due)) = (offset, self.offset)
            && told != due
        {
            return Err(self.odd(&format!("chunk {at} begins with row {told} where row {due} was due")));
        }
        let fact = usize::try_from(at).ok().and_then(|at| self.facts.get(at).copied().flatten());
        if let (Some(told), Some(fact)) = (rows, fact)
            && told != fact
        {
            return Err(self.odd(&format!("chunk {at} is said to have {told} rows, and {fact}")));
        }
        let rows = rows.or(fact);
        self.offset = self.offset.zip(rows).map(|(offset, rows)| offset + rows);
        self.seen += 1;
        self.queue.push_back(Piece { index: at, rows, content, permit: None });
        Ok(())
    }

    fn chunk_url(&self, index: u64) -> Result<Url, ApiError> {
        self.statement.url(&format!("/result/chunks/{index}"))
    }

    fn odd(&self, what: &str) -> ApiError {
        incomplete(&self.statement.far.who, what)
    }
}

/// The error for a result that is not what was told.
pub(super) fn incomplete(who: &str, what: &str) -> ApiError {
    let message = format!("{who}: the result did not come whole: {what}");
    ApiError::new(ErrorKind::Unavailable, "result_incomplete", message)
        .hint("run it again; nothing of it was kept")
}

/// A part of the result by its address.
async fn part(statement: &Statement, url: Url) -> Result<Part, ApiError> {
    statement.far.json(&statement.far.get(url, About::Chunk, statement.until())).await
}

/// What became of one try to fetch a chunk.
enum Fetched {
    Whole(Rows),
    /// The link has ended: another one must be asked for.
    Ended(ApiError),
    /// It broke off or was short.
    Broken(ApiError),
}

/// Fetches a chunk until it is whole.
async fn fetch(statement: Arc<Statement>, piece: Piece) -> Result<Chunk, ApiError> {
    let Piece { index, rows, content, permit } = piece;
    let mut content = Some(content);
    let mut tries = 0;
    loop {
        let fresh = content.is_none();
        let now = match content.take() {
            Some(content) => content,
            None => again(&statement, index).await?,
        };
        let error = match try_fetch(&statement, index, rows, now, fresh).await? {
            Fetched::Whole(rows) => return Ok(Chunk { rows, permit }),
            Fetched::Ended(error) if tries == 0 => {
                tries += 1;
                tracing::debug!(
                    source = statement.far.name,
                    index,
                    code = error.code,
                    "asking for its link anew"
                );
                continue;
            }
            Fetched::Ended(error) | Fetched::Broken(error) => error,
        };
        tries += 1;
        if tries >= TRIES {
            return Err(error);
        }
        tokio::time::sleep(http::jittered(tries)).await;
    }
}

/// Asks for one chunk again, by the documented route.
async fn again(statement: &Arc<Statement>, index: u64) -> Result<Content, ApiError> {
    let part = part(statement, statement.url(&format!("/result/chunks/{index}"))?).await?;
    let link =
        part.external_links.into_iter().flatten().find(|link| link.chunk_index.is_none_or(|at| at == index));
    let other = part.chunk_index.is_some_and(|at| at != index);
    match (link, part.attachment, part.data_array) {
        (Some(link), _, _) => Ok(Content::Link(link)),
        (None, Some(attached), _) if !other => Ok(Content::Attached(attached)),
        (None, None, Some(rows)) if !other => Ok(Content::Rows(rows)),
        _ => Err(incomplete(&statement.far.who, &format!("chunk {index} is not to be had again"))),
    }
}

async fn try_fetch(
    statement: &Statement,
    index: u64,
    told: Option<u64>,
    content: Content,
    fresh: bool,
) -> Result<Fetched, ApiError> {
    let broken =
        |what: String| Fetched::Broken(incomplete(&statement.far.who, &format!("chunk {index} {what}")));
    let bytes = match content {
        Content::Rows(rows) => Err(rows),
        Content::Attached(text) => {
            use base64::Engine;
            match base64::engine::general_purpose::STANDARD.decode(text) {
                Ok(bytes) => Ok(bytes),
                Err(_) => return Ok(broken("is no base64".to_owned())),
            }
        }
        Content::Link(link) => match download(statement, &link, fresh).await? {
            Ok(bytes) => Ok(bytes),
            Err(ended) => return Ok(ended),
        },
    };
    let rows = match bytes {
        Err(rows) => Rows::Cells(rows),
        Ok(bytes) => match arrow_form::decode(bytes) {
            Ok((schema, batches)) => Rows::Batches(schema, batches),
            Err(what) => return Ok(broken(format!("is cut or no Arrow stream ({what})"))),
        },
    };
    let came = rows.count();
    Ok(match told {
        Some(told) if told != came => broken(format!("has {came} rows where {told} were told")),
        _ => Fetched::Whole(rows),
    })
}

/// Fetches what a link points at: without our credential, which the store would reject, and with every header it came with.
/// The inner error is one that another try may mend.
async fn download(
    statement: &Statement,
    link: &Link,
    fresh: bool,
) -> Result<Result<Vec<u8>, Fetched>, ApiError> {
    let who = format!("{}: the store of its results", statement.far.who);
    let ended = |what: &str| Ok(Err(Fetched::Ended(incomplete(&statement.far.who, what))));
    // A link that is new and yet over tells that a clock is wrong; whether it holds is then tried.
    let ends = link.expiration.as_deref().and_then(|text| DateTime::parse_from_rfc3339(text).ok());
    if !fresh && ends.is_some_and(|ends| ends.with_timezone(&Utc) - Utc::now() < TOO_SOON) {
        return ended("a link ended before it was used");
    }
    let Some(address) = link.external_link.as_deref().and_then(|text| Url::parse(text).ok()) else {
        return Err(incomplete(&statement.far.who, "a chunk came without a link"));
    };
    let headers = headers(link);
    let get = |_| statement.far.client.get(address.clone()).headers(headers.clone());
    // What else goes wrong is counted as a try of the chunk, so that a silent store is not waited for again and again.
    let reply = match http::send(&who, Again::IfRefused, statement.until(), get).await {
        Ok(reply) => reply,
        Err(error) if error.kind == ErrorKind::Unavailable => return Ok(Err(Fetched::Broken(error))),
        Err(error) => return Err(error),
    };
    let status = reply.status();
    if link_is_over(status) {
        return ended(&format!("a link was refused [{}]", status.as_u16()));
    }
    if !status.is_success() {
        let what = format!("the store answered with status {}", status.as_u16());
        return Ok(Err(Fetched::Broken(incomplete(&statement.far.who, &what))));
    }
    Ok(http::body(&who, reply, LARGEST).await.map_err(Fetched::Broken))
}

fn headers(link: &Link) -> HeaderMap {
    let mut headers = HeaderMap::new();
    for (name, value) in link.http_headers.iter().flatten() {
        let pair = HeaderName::from_bytes(name.as_bytes()).ok().zip(HeaderValue::from_str(value).ok());
        if let Some((name, mut value)) = pair {
            value.set_sensitive(true);
            headers.insert(name, value);
        }
    }
    headers
}
