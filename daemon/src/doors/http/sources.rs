//! Sources and tables.

use super::failure::{Body, Failure, Path};
use super::progress;
use crate::Rooms;
use axum::Json;
use axum::extract::State;
use axum::response::Response;
use serde_json::json;
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

/// Streams progress while files are read, then the source; see [`progress`].
pub(super) async fn add(State(rooms): State<Rooms>, Body(add): Body<SourceAdd>) -> Response {
    progress::stream("source", |cancel, telling| async move {
        let told = move |file: &str, done: usize, of: usize| {
            telling.tell(&json!({"file": file, "done": done, "of": of}));
        };
        if let Some(path) = &add.models {
            rooms.models.check(std::path::Path::new(path)).await?;
        }
        let added = rooms.gate.catalog().add(add, rooms.gate.pool(), cancel, told).await;
        rooms.completion_changed();
        added
    })
}

pub(super) async fn remove(
    State(rooms): State<Rooms>,
    Path(name): Path<String>,
) -> Result<Json<serde_json::Value>, Failure> {
    rooms.gate.catalog().remove(&name, rooms.gate.pool()).await?;
    rooms.completion_changed();
    Ok(Json(json!({"message": format!("Source {name} removed")})))
}

async fn all_tables(rooms: &Rooms, name: String) -> Result<std::sync::Arc<Vec<Table>>, ApiError> {
    let gate = rooms.gate.clone();
    let listed = tokio::task::spawn_blocking(move || gate.catalog().tables(&name, gate.pool())).await;
    listed.map_err(|e| ApiError::new(ErrorKind::Internal, "panic", e.to_string()))?
}
