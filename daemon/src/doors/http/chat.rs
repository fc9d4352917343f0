//! Questions: asked, looked up, stopped.

use super::failure::{Body, Failure, Path};
use crate::Rooms;
use axum::Json;
use axum::extract::State;
use serde_json::{Value, json};
use wharf_protocol::{ApiError, AskRequest, AskStarted, ErrorKind, Turn};

pub(super) async fn ask(
    State(rooms): State<Rooms>,
    Body(request): Body<AskRequest>,
) -> Result<Json<AskStarted>, Failure> {
    let started = rooms.agents.ask(request).await?;
    rooms.completion_changed();
    Ok(Json(started))
}

pub(super) async fn show(State(rooms): State<Rooms>, Path(id): Path<String>) -> Result<Json<Turn>, Failure> {
    Ok(Json(rooms.sessions.turn(&id).await?))
}

pub(super) async fn stop(State(rooms): State<Rooms>, Path(id): Path<String>) -> Result<Json<Value>, Failure> {
    if rooms.agents.stop(&id) {
        return Ok(Json(json!({"turn_id": id, "status": "stopping"})));
    }
    Err(Failure(ApiError::new(ErrorKind::NotFound, "turn_not_found", format!("no turn `{id}` is running"))))
}
