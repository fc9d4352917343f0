//! Sources and tables.

use super::failure::{Body, Failure, Path, Query};
use crate::Rooms;
use crate::sources::{Cancel, Reason};
use axum::Json;
use axum::body::Bytes;
use axum::extract::State;
use axum::response::Response;
use serde::Deserialize;
use serde_json::json;
use tokio_stream::wrappers::ReceiverStream;
use wharf_protocol::{ApiError, ErrorKind, Source, SourceAdd, Table};

pub(super) async fn list(State(rooms): State<Rooms>) -> Json<Vec<Source>> {
    Json(rooms.gate.catalog().sources())
}

pub(super) async fn show(
    State(rooms): State<Rooms>,
    Path(name): Path<String>,
) -> Result<Json<Source>, Failure> {
    let mut source = rooms.gate.catalog().get(&name)?;
    let tables = all_tables(&rooms, name).await?;
    source.tables = Some(tables.len() as u64);
    Ok(Json(source))
}

/// Streams NDJSON: `{"progress": {...}}` lines while files are read, then `{"source": ...}` or `{"error": ...}`.
pub(super) async fn add(State(rooms): State<Rooms>, Body(add): Body<SourceAdd>) -> Result<Response, Failure> {
    let (lines, body) = tokio::sync::mpsc::channel::<Result<Bytes, std::io::Error>>(64);
    let told = lines.clone();
    let progress = move |file: &str, done: usize, of: usize| {
        let line = json!({"progress": {"file": file, "done": done, "of": of}});
        // Progress that nobody has room for is left out; the end is not.
        let _ = told.try_send(Ok(Bytes::from(format!("{line}\n"))));
    };
    let cancel = Cancel::default();
    let guard = CancelOnDrop(cancel.clone());
    tokio::spawn(async move {
        let work = async {
            if let Some(path) = &add.models {
                rooms.models.check(std::path::Path::new(path)).await?;
            }
            rooms.gate.catalog().add(add, rooms.gate.pool(), cancel, progress).await
        };
        tokio::pin!(work);
        let result = tokio::select! {
            result = &mut work => result,
            () = lines.closed() => { drop(guard); work.await }
        };
        rooms.completion_changed();
        let line = match result {
            Ok(source) => json!({"source": source}),
            Err(error) => json!({"error": error}),
        };
        let _ = lines.send(Ok(Bytes::from(format!("{line}\n")))).await;
    });
    Ok(ndjson(ReceiverStream::new(body)))
}

pub(super) fn ndjson(stream: ReceiverStream<Result<Bytes, std::io::Error>>) -> Response {
    let mut response = Response::new(axum::body::Body::from_stream(stream));
    let value = axum::http::HeaderValue::from_static("application/x-ndjson");
    response.headers_mut().insert(axum::http::header::CONTENT_TYPE, value);
    response
}

/// Ends the work when whoever waits for it goes away.
pub(super) struct CancelOnDrop(pub(super) Cancel);

impl Drop for CancelOnDrop {
    fn drop(&mut self) {
        self.0.raise(Reason::Gone);
    }
}

pub(super) async fn remove(
    State(rooms): State<Rooms>,
    Path(name): Path<String>,
) -> Result<Json<serde_json::Value>, Failure> {
    rooms.gate.catalog().remove(&name, rooms.gate.pool()).await?;
    rooms.completion_changed();
    Ok(Json(json!({"message": format!("Source {name} removed")})))
}

#[derive(Deserialize)]
pub(super) struct TablesQuery {
    source: Option<String>,
}

pub(super) async fn tables(
    State(rooms): State<Rooms>,
    Query(query): Query<TablesQuery>,
) -> Result<Json<Vec<Table>>, Failure> {
    let names = match query.source {
        Some(name) => vec![rooms.gate.catalog().get(&name)?.name],
        None => rooms.gate.catalog().sources().into_iter().map(|s| s.name).collect(),
    };
    let mut tables = Vec::new();
    for name in names {
        tables.extend(all_tables(&rooms, name).await?.iter().cloned());
    }
    Ok(Json(tables))
}

async fn all_tables(rooms: &Rooms, name: String) -> Result<std::sync::Arc<Vec<Table>>, ApiError> {
    let gate = rooms.gate.clone();
    let listed = tokio::task::spawn_blocking(move || gate.catalog().tables(&name, gate.pool())).await;
    listed.map_err(|e| ApiError::new(ErrorKind::Internal, "panic", e.to_string()))?
}
