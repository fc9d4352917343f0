//! Replies that tell how far the work is: NDJSON lines `{"progress": {...}}`, then one with the result or `{"error": ...}`.

use crate::sources::{Cancel, Reason};
use axum::body::{Body, Bytes};
use axum::http::{HeaderValue, header};
use axum::response::Response;
use serde::Serialize;
use serde_json::json;
use tokio::sync::mpsc;
use tokio_stream::wrappers::ReceiverStream;
use wharf_protocol::ApiError;

/// Lines that may wait for the reader.
const WAITING: usize = 64;

/// Takes progress on its way to the client. Cheap to clone.
#[derive(Clone)]
pub(super) struct Telling(mpsc::Sender<Result<Bytes, std::io::Error>>);

impl Telling {
    /// Tells `progress`, an object with at least `done` and `of`. What the reader has no room for is left out.
    pub(super) fn tell(&self, progress: &serde_json::Value) {
        let _ = self.0.try_send(Ok(line(&json!({"progress": progress}))));
    }
}

/// Does `work` and streams how far it is; its result stands under `name` in the last line. The work is told to end when
/// the client goes away.
pub(super) fn stream<T, F>(name: &'static str, work: impl FnOnce(Cancel, Telling) -> F) -> Response
where
    T: Serialize + Send,
    F: Future<Output = Result<T, ApiError>> + Send + 'static,
{
    let (lines, body) = mpsc::channel(WAITING);
    let cancel = Cancel::default();
    let work = work(cancel.clone(), Telling(lines.clone()));
    tokio::spawn(async move {
        tokio::pin!(work);
        let result = tokio::select! {
            result = &mut work => result,
            () = lines.closed() => {
                cancel.raise(Reason::Gone);
                work.await
            }
        };
        let last = match result {
            Ok(done) => json!({name: done}),
            Err(error) => json!({"error": error}),
        };
        let _ = lines.send(Ok(line(&last))).await;
    });
    let mut response = Response::new(Body::from_stream(ReceiverStream::new(body)));
    let kind = HeaderValue::from_static("application/x-ndjson");
    response.headers_mut().insert(header::CONTENT_TYPE, kind);
    response
}

fn line(value: &serde_json::Value) -> Bytes {
    Bytes::from(format!("{value}\n"))
}
