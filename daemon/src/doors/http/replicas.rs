//! Replicas.

use super::access::Asker;
use super::failure::{Body, Failure, Path};
use super::progress::{self, Telling};
use crate::Rooms;
use crate::replicas::Progress;
use crate::sources::Cancel;
use axum::Json;
use axum::extract::State;
use axum::response::Response;
use serde_json::json;
use std::sync::Arc;
use wharf_protocol::{ApiError, Replica, ReplicaAdd, ReplicaRefreshRequest};

fn told(telling: Telling) -> Progress {
    Arc::new(move |what: &str, rows: u64| telling.tell(&json!({"what": what, "done": rows, "of": 0})))
}

pub(super) async fn list(State(rooms): State<Rooms>) -> Result<Json<Vec<Replica>>, Failure> {
    Ok(Json(rooms.replicas.list().await?))
}

pub(super) async fn show(
    State(rooms): State<Rooms>,
    Path(name): Path<String>,
) -> Result<Json<Replica>, Failure> {
    Ok(Json(rooms.replicas.show(&name).await?))
}

/// Streams progress while rows are fetched, then the replica; see [`progress`].
pub(super) async fn add(asker: Asker, Body(add): Body<ReplicaAdd>) -> Response {
    progress::stream(
        "replica",
        |cancel, telling| async move { added(&asker, add, cancel, told(telling)).await },
    )
}

/// Adds a replica in the name of who asks.
pub(super) async fn added(
    asker: &Asker,
    add: ReplicaAdd,
    cancel: Cancel,
    progress: Progress,
) -> Result<Replica, ApiError> {
    asker.audit("replica add", format!("{} from {}", add.name, add.source), "started").await?;
    asker.rooms().replicas.add(add, asker.principal().is_owner(), cancel, progress).await
}

/// Deletes a replica in the name of who asks.
pub(super) async fn removed(asker: &Asker, name: &str) -> Result<String, ApiError> {
    asker.audit("replica delete", name.to_owned(), "started").await?;
    asker.rooms().replicas.delete(name).await?;
    Ok(format!("Replica {name} removed"))
}

/// Streams progress while rows are fetched, then the replica; see [`progress`].
pub(super) async fn refresh(
    State(rooms): State<Rooms>,
    Path(name): Path<String>,
    Body(request): Body<ReplicaRefreshRequest>,
) -> Response {
    progress::stream("replica", |cancel, telling| async move {
        rooms.replicas.refresh(&name, request.full, cancel, told(telling)).await
    })
}

pub(super) async fn remove(
    asker: Asker,
    Path(name): Path<String>,
) -> Result<Json<serde_json::Value>, Failure> {
    Ok(Json(json!({"message": removed(&asker, &name).await?})))
}
