//! The demo shop.

use super::failure::Body;
use super::progress;
use crate::Rooms;
use crate::demo::{self, Wish};
use axum::extract::State;
use axum::response::Response;
use serde::Deserialize;
use serde_json::json;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct DemoRequest {
    /// Make it anew even if there is one.
    #[serde(default)]
    replace: bool,
}

/// Streams progress while the shop is made, then what it is; see [`progress`].
pub(super) async fn create(State(rooms): State<Rooms>, Body(request): Body<DemoRequest>) -> Response {
    progress::stream("demo", |cancel, telling| async move {
        let told = move |step: &str, done: usize, of: usize| {
            telling.tell(&json!({"file": step, "done": done, "of": of}));
        };
        let wish = Wish::now(request.replace);
        let made =
            demo::set_up(&rooms.gate, &rooms.models, &rooms.config.dirs.data, wish, cancel, told).await;
        rooms.completion_changed();
        made
    })
}
