//! Profiles of a table.

use super::failure::{Body, Failure};
use super::sources::{CancelOnDrop, ndjson};
use crate::Rooms;
use crate::profiling::{self, Step};
use crate::sources::Cancel;
use axum::body::Bytes;
use axum::extract::State;
use axum::response::Response;
use serde_json::json;
use tokio_stream::wrappers::ReceiverStream;
use wharf_protocol::ProfileRequest;

/// Streams NDJSON: `{"progress": {...}}` lines while it works, then `{"profile": ...}` or `{"error": ...}`. It stops
/// when the client goes away.
pub(super) async fn create(
    State(rooms): State<Rooms>,
    Body(request): Body<ProfileRequest>,
) -> Result<Response, Failure> {
    let (lines, body) = tokio::sync::mpsc::channel::<Result<Bytes, std::io::Error>>(64);
    let told = lines.clone();
    let progress = move |step: Step| {
        let line = json!({"progress": {"done": step.done, "of": Step::OF, "what": step.what}});
        // Progress that nobody has room for is left out; the end is not.
        let _ = told.try_send(Ok(Bytes::from(format!("{line}\n"))));
    };
    let cancel = Cancel::default();
    let guard = CancelOnDrop(cancel.clone());
    tokio::spawn(async move {
        let work = profiling::profile(&rooms.state, &rooms.gate, &request, cancel, &progress);
        tokio::pin!(work);
        let result = tokio::select! {
            result = &mut work => result,
            () = lines.closed() => { drop(guard); work.await }
        };
        let line = match result {
            Ok(profile) => json!({"profile": profile}),
            Err(error) => json!({"error": error}),
        };
        let _ = lines.send(Ok(Bytes::from(format!("{line}\n")))).await;
    });
    Ok(ndjson(ReceiverStream::new(body)))
}
