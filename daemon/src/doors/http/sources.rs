//! Sources and tables.

use super::failure::{Body, Failure, Path};
use super::progress;
use crate::Rooms;
use crate::lifecycle::blocking;
use crate::models::Place;
use axum::Json;
use axum::extract::State;
use axum::response::Response;
use serde_json::json;
use std::time::{Duration, Instant};
use wharf_protocol::{ApiError, ErrorKind, Source, SourceAdd, SourceKind, SourceTest, Table};
use wharf_warehouses::Tested;

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
            let probe = rooms.gate.catalog().probe(&add)?;
            rooms.models.check(Place::of(std::path::Path::new(path), probe.as_deref())).await?;
        }
        let added = rooms.gate.catalog().add(add, rooms.gate.pool(), cancel, told).await;
        rooms.completion_changed();
        added
    })
}

/// Connects to a source and tells who the daemon is there.
pub(super) async fn test(
    State(rooms): State<Rooms>,
    Path(name): Path<String>,
) -> Result<Json<SourceTest>, Failure> {
    let begun = Instant::now();
    let (gate, wanted) = (rooms.gate.clone(), name.clone());
    let far = blocking(move || gate.catalog().far(&wanted)).await?;
    let tested = match far {
        Some(far) => {
            let tested = tokio::time::timeout(PATIENCE, far.test()).await.map_err(|_| late(&name))??;
            let Tested { user, version, role, warehouse, warnings } = tested;
            SourceTest {
                kind: far.kind(),
                user: Some(user),
                version,
                role,
                warehouse,
                warnings,
                elapsed_ms: 0.0,
            }
        }
        None => {
            all_tables(&rooms, name).await?;
            let (user, version, role, warehouse, warnings) = (None, None, None, None, Vec::new());
            SourceTest { kind: SourceKind::Duckdb, user, version, role, warehouse, warnings, elapsed_ms: 0.0 }
        }
    };
    Ok(Json(SourceTest { elapsed_ms: crate::clock::millis_since(begun), ..tested }))
}

/// How long a source may take to say who we are.
const PATIENCE: Duration = Duration::from_secs(60);

fn late(name: &str) -> ApiError {
    let message = format!("the source `{name}` did not answer within {} seconds", PATIENCE.as_secs());
    ApiError::new(ErrorKind::Deadline, "deadline", message).hint("check its address and the network between")
}

pub(super) async fn remove(
    State(rooms): State<Rooms>,
    Path(name): Path<String>,
) -> Result<Json<serde_json::Value>, Failure> {
    rooms.gate.catalog().remove(&name, rooms.gate.pool()).await?;
    rooms.replicas.delete_of(&name).await?;
    rooms.completion_changed();
    Ok(Json(json!({"message": format!("Source {name} removed")})))
}

async fn all_tables(rooms: &Rooms, name: String) -> Result<std::sync::Arc<Vec<Table>>, ApiError> {
    let gate = rooms.gate.clone();
    blocking(move || gate.catalog().tables(&name, gate.pool())).await
}
