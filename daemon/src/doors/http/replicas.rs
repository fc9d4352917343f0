//! Replicas.

use super::failure::{Body, Failure, Path};
use super::progress::{self, Telling};
use crate::Rooms;
use crate::replicas::Progress;
use axum::Json;
use axum::extract::State;
use axum::response::Response;
use serde_json::json;
use std::sync::Arc;
use wharf_protocol::{Replica, ReplicaAdd, ReplicaRefreshRequest};

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
pub(super) async fn add(State(rooms): State<Rooms>, Body(add): Body<ReplicaAdd>) -> Response {
    progress::stream("replica", |cancel, telling| async move {
        rooms.replicas.add(add, cancel, told(telling)).await
    })
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
    State(rooms): State<Rooms>,
    Path(name): Path<String>,
) -> Result<Json<serde_json::Value>, Failure> {
    rooms.replicas.delete(&name).await?;
    Ok(Json(json!({"message": format!("Replica {name} removed")})))
}
