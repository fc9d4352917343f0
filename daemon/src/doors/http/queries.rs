//! Statements: rows out, as a stream or into the client's own output.

use super::access::Asker;
use super::failure::{Body, Failure, Path};
use crate::Rooms;
use crate::formats::{BodySink, Encoding, FdSink, Shape, Sink, Style};
use crate::gate::{Deliver, Gate, Rights, Statement};
use crate::identity::Principal;
use crate::sources::{Cancel, Reason, Stop};
use axum::Json;
use axum::body::Bytes;
use axum::extract::FromRequestParts;
use axum::http::request::Parts;
use axum::http::{HeaderMap, HeaderValue, header};
use axum::response::{IntoResponse, Response};
use futures::StreamExt as _;
use serde::Serialize;
use std::io::Read;
use std::os::fd::OwnedFd;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::{mpsc, oneshot};
use tokio_stream::wrappers::ReceiverStream;
use utoipa::ToSchema;
use wharf_protocol::{
    ApiError, ErrorKind, Format, OUTPUT_ID, QUERY_ID, QueryRequest, QueryStats, REQUEST_ID,
};

/// Pieces of a body that wait for a reader, each of some 100 KB.
const PIECES: usize = 2;

/// The output that the client handed over, if the request names one. It is claimed before anything else is looked at, so
/// that it is closed when the request turns out to be wrong: whoever reads it must see its end.
pub(super) struct Output(Option<OwnedFd>);

impl Output {
    /// None: the rows are the reply's body.
    pub(super) fn body() -> Self {
        Self(None)
    }
}

impl FromRequestParts<Rooms> for Output {
    type Rejection = Failure;

    async fn from_request_parts(parts: &mut Parts, rooms: &Rooms) -> Result<Self, Failure> {
        // Only who shares the machine hands outputs over.
        let owner = parts.extensions.get::<Principal>().is_some_and(Principal::is_owner);
        let Some(id) = parts.headers.get(OUTPUT_ID).filter(|_| owner) else { return Ok(Self(None)) };
        match id.to_str().ok().and_then(|id| rooms.handoff.take(id)) {
            Some(fd) => Ok(Self(Some(fd))),
            None => Err(Failure(ApiError::new(
                ErrorKind::Invalid,
                "output",
                "no output was handed over under this id",
            ))),
        }
    }
}

pub(super) async fn stream(
    asker: Asker,
    output: Output,
    headers: HeaderMap,
    Body(request): Body<QueryRequest>,
) -> Result<Response, Failure> {
    let rights = match request.only_tables {
        Some(tables) => Rights::Tables(tables),
        None => Rights::Owner { write: request.write },
    };
    let mut statement = Statement::new("query", rights, request.sql);
    statement.max_age = request.max_age.map(Duration::from_secs);
    statement.session.warehouse = request.warehouse;
    statement.session.role = request.role;
    statement.params = request.params;
    statement.source = request.source;
    statement.limit = request.limit;
    statement.timeout = request.timeout_ms.map(Duration::from_millis);
    statement.cwd = request.cwd.map(PathBuf::from);
    let style = Style { no_header: request.no_header, null: request.null };
    send(&asker, &headers, output, statement, request.format, style).await
}

/// Runs a statement and sends its rows: into the output that the client handed over, if it names one, else as the body.
pub(super) async fn send(
    asker: &Asker,
    headers: &HeaderMap,
    output: Output,
    mut statement: Statement,
    format: Format,
    style: Style,
) -> Result<Response, Failure> {
    // The owner's client names its statements, so that it can end them; nobody else chooses an id.
    let named = headers.get(REQUEST_ID).filter(|_| asker.principal().is_owner());
    if let Some(id) = named.and_then(|v| v.to_str().ok()) {
        id.clone_into(&mut statement.id);
    }
    let gate = asker.gate.clone();
    match output.0 {
        Some(fd) => into_output(gate, fd, statement, format, style).await,
        None => as_body(gate, statement, format, style).await,
    }
}

/// The reply comes when the last row is written, and tells how it went.
async fn into_output(
    gate: Gate,
    fd: OwnedFd,
    statement: Statement,
    format: Format,
    style: Style,
) -> Result<Response, Failure> {
    let cancel = Cancel::default();
    let sink = FdSink::new(fd, cancel.clone())?;
    // Dropped when the client goes away before the end.
    let guard = CancelOnDrop(cancel.clone());
    let stats = deliver(&gate, statement, cancel, format, style, move |_| Ok(Box::new(sink))).await?;
    drop(guard);
    Ok(Json(stats).into_response())
}

/// The reply begins with the first rows. One that fails after that ends without its last chunk; the status tells why.
async fn as_body(
    gate: Gate,
    statement: Statement,
    format: Format,
    style: Style,
) -> Result<Response, Failure> {
    let id = statement.id.clone();
    let (bytes, body) = mpsc::channel::<Bytes>(PIECES);
    let (begun, begins) = oneshot::channel::<()>();
    let (failed, fails) = oneshot::channel::<ApiError>();
    let cancel = Cancel::default();
    let guard = CancelOnDrop(cancel.clone());
    let rows = format == Format::Rows;
    tokio::spawn(async move {
        let tail = bytes.clone();
        let stop = cancel.clone();
        let begin = move |_: &Arc<Shape>| {
            let _ = begun.send(());
            Ok(Box::new(BodySink::new(bytes, stop)) as Box<dyn Sink>)
        };
        match deliver(&gate, statement, cancel, format, style, begin).await {
            Ok(stats) if rows => {
                let line = serde_json::json!({"stats": stats});
                let _ = tail.send(Bytes::from(format!("{line}\n"))).await;
            }
            Ok(_) => {}
            Err(error) => {
                let _ = failed.send(error);
            }
        }
    });
    if begins.await.is_err() {
        let error = fails.await.unwrap_or_else(|_| {
            ApiError::new(ErrorKind::Internal, "lost", "the statement ended without a word")
        });
        return Err(Failure(error));
    }
    let end = async move {
        let end = fails.await.ok()?;
        if rows {
            let line = serde_json::json!({"error": end});
            return Some(Ok(Bytes::from(format!("{line}\n"))));
        }
        Some(Err(std::io::Error::other(end.message)))
    };
    let stream = ReceiverStream::new(body)
        .map(Ok::<Bytes, std::io::Error>)
        .chain(futures::stream::once(end).filter_map(futures::future::ready));
    let guarded = stream.chain(
        futures::stream::once(async move {
            drop(guard);
            Ok(Bytes::new())
        })
        .filter(|b| futures::future::ready(b.as_ref().is_ok_and(|b| !b.is_empty()))),
    );
    let mut response = Response::new(axum::body::Body::from_stream(guarded));
    response.headers_mut().insert(header::CONTENT_TYPE, HeaderValue::from_static(format.media_type()));
    if let Ok(value) = HeaderValue::from_str(&id) {
        response.headers_mut().insert(QUERY_ID, value);
    }
    Ok(response)
}

async fn deliver(
    gate: &Gate,
    statement: Statement,
    cancel: Cancel,
    format: Format,
    style: Style,
    begin: impl FnOnce(&Arc<Shape>) -> Result<Box<dyn Sink>, Stop> + Send + 'static,
) -> Result<QueryStats, ApiError> {
    let deliver = if format == Format::Parquet {
        let mut begin = Some(begin);
        Deliver::Parquet(Box::new(move |shape, bytes| match begin.take() {
            Some(begin) => copy(bytes, || begin(shape)),
            None => Ok(0),
        }))
    } else {
        Deliver::Rows(Encoding::new(format, style, begin))
    };
    Ok(gate.run(statement, cancel, deliver).await?.stats)
}

/// Copies what the engine writes into the sink, which is begun with the first byte: a statement that fails before has
/// not begun an answer.
fn copy(bytes: &mut dyn Read, begin: impl FnOnce() -> Result<Box<dyn Sink>, Stop>) -> Result<u64, Stop> {
    let failed = |e: std::io::Error| {
        let message = format!("what the engine wrote cannot be read: {e}");
        Stop::Failed(ApiError::new(ErrorKind::Failed, "output", message))
    };
    let (mut begin, mut sink, mut total) = (Some(begin), None, 0);
    let mut piece = vec![0; 1 << 18];
    loop {
        let n = bytes.read(&mut piece).map_err(failed)?;
        if n == 0 {
            return Ok(total);
        }
        total += n as u64;
        if let Some(begin) = begin.take() {
            sink = Some(begin()?);
        }
        if let Some(sink) = &mut sink {
            sink.write_copy(&piece[..n])?;
        }
    }
}

pub(super) async fn status(asker: Asker, Path(id): Path<String>) -> Result<Json<QueryStats>, Failure> {
    let (registry, whose) = (asker.gate.registry(), asker.principal().name());
    if let Some(stats) = registry.outcome(&id, &whose) {
        return Ok(Json(stats));
    }
    if registry.is_running(&id, &whose) {
        return Ok(Json(QueryStats { query_id: id, status: "running".to_owned(), ..QueryStats::default() }));
    }
    Err(not_found(&id))
}

/// A statement that was told to end.
#[derive(Serialize, ToSchema)]
pub(super) struct Cancelling {
    query_id: String,
    /// `cancelling`.
    status: String,
}

pub(super) async fn cancel(asker: Asker, Path(id): Path<String>) -> Result<Json<Cancelling>, Failure> {
    if asker.gate.registry().cancel(&id, &asker.principal().name(), Reason::Asked) {
        return Ok(Json(Cancelling { query_id: id, status: "cancelling".to_owned() }));
    }
    Err(not_found(&id))
}

fn not_found(id: &str) -> Failure {
    Failure(ApiError::new(
        ErrorKind::NotFound,
        "query_not_found",
        format!("no statement `{id}` is running or remembered"),
    ))
}

/// Ends the work when whoever waits for it goes away.
pub(super) struct CancelOnDrop(pub(super) Cancel);

impl Drop for CancelOnDrop {
    fn drop(&mut self) {
        self.0.raise(Reason::Gone);
    }
}
