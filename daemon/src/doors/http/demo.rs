//! The demo shop.

use super::failure::Body;
use super::sources::{CancelOnDrop, ndjson};
use crate::Rooms;
use crate::demo::{self, Wish};
use crate::sources::Cancel;
use axum::body::Bytes;
use axum::extract::State;
use axum::response::Response;
use serde::Deserialize;
use serde_json::json;
use tokio_stream::wrappers::ReceiverStream;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct DemoRequest {
    /// Make it anew even if there is one.
    #[serde(default)]
    replace: bool,
}

/// Streams NDJSON: `{"progress": {...}}` lines while the shop is made, then `{"demo": ...}` or `{"error": ...}`.
pub(super) async fn create(State(rooms): State<Rooms>, Body(request): Body<DemoRequest>) -> Response {
    let (lines, body) = tokio::sync::mpsc::channel::<Result<Bytes, std::io::Error>>(64);
    let told = lines.clone();
    let progress = move |step: &str, done: usize, of: usize| {
        let line = json!({"progress": {"file": step, "done": done, "of": of}});
        // Progress that nobody has room for is left out; the end is not.
        let _ = told.try_send(Ok(Bytes::from(format!("{line}\n"))));
    };
    let cancel = Cancel::default();
    let guard = CancelOnDrop(cancel.clone());
    tokio::spawn(async move {
        let wish = Wish::now(request.replace);
        let work = demo::set_up(&rooms.gate, &rooms.models, &rooms.config.dirs.data, wish, cancel, progress);
        tokio::pin!(work);
        let result = tokio::select! {
            result = &mut work => result,
            () = lines.closed() => { drop(guard); work.await }
        };
        rooms.completion_changed();
        let line = match result {
            Ok(demo) => json!({"demo": demo}),
            Err(error) => json!({"error": error}),
        };
        let _ = lines.send(Ok(Bytes::from(format!("{line}\n")))).await;
    });
    ndjson(ReceiverStream::new(body))
}
