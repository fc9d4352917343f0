//! Profiles of a table.

use super::access::Asker;
use super::failure::Body;
use super::progress;
use crate::profiling::{self, Step};
use axum::response::Response;
use serde_json::json;
use wharf_protocol::ProfileRequest;

/// Streams progress, then the profile; see [`progress`].
pub(super) async fn create(asker: Asker, Body(request): Body<ProfileRequest>) -> Response {
    progress::stream("profile", |cancel, telling| async move {
        let told = move |step: Step| {
            telling.tell(&json!({"done": step.done, "of": Step::OF, "what": step.what}));
        };
        profiling::profile(&asker.rooms().state, &asker.gate, &request, cancel, &told).await
    })
}
