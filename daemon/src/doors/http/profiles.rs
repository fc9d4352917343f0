//! Profiles of a table.

use super::failure::Body;
use super::progress;
use crate::Rooms;
use crate::profiling::{self, Step};
use axum::extract::State;
use axum::response::Response;
use serde_json::json;
use wharf_protocol::ProfileRequest;

/// Streams progress, then the profile; see [`progress`].
pub(super) async fn create(State(rooms): State<Rooms>, Body(request): Body<ProfileRequest>) -> Response {
    progress::stream("profile", |cancel, telling| async move {
        let told = move |step: Step| {
            telling.tell(&json!({"done": step.done, "of": Step::OF, "what": step.what}));
        };
        profiling::profile(&rooms.state, &rooms.gate, &request, cancel, &told).await
    })
}
