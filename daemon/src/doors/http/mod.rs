//! HTTP/1.1 on the owner's Unix socket: JSON in, JSON or rows out, events as SSE.

mod chat;
mod connection;
mod daemon;
mod demo;
mod failure;
mod metrics;
mod policy;
mod profiles;
mod queries;
mod samples;
mod sessions;
mod sources;

pub use connection::serve;

use crate::Rooms;
use axum::Router;
use axum::extract::{DefaultBodyLimit, Request};
use axum::http::{HeaderName, HeaderValue, header};
use axum::middleware::{self, Next};
use axum::response::{IntoResponse, Response};
use axum::routing::{delete, get, post};
use failure::Failure;
use std::time::Instant;
use wharf_protocol::{ApiError, ErrorKind, REQUEST_ID};

/// The largest request body, in bytes.
const BODY_LIMIT: usize = 16 << 20;

/// All routes of the owner's socket.
pub fn router(rooms: Rooms) -> Router {
    Router::new()
        .route("/health", get(daemon::health))
        .route("/api/demo", post(demo::create))
        .route("/api/daemon/hello", get(daemon::hello))
        .route("/api/daemon/status", get(daemon::status))
        .route("/api/daemon/stop", post(daemon::stop))
        .route("/api/daemon/checks", get(daemon::checks))
        .route("/api/sources", get(sources::list).post(sources::add))
        .route("/api/sources/{name}", get(sources::show).delete(sources::remove))
        .route("/api/tables", get(sources::tables))
        .route("/api/queries/stream", post(queries::stream))
        .route("/api/queries/{id}/status", get(queries::status))
        .route("/api/queries/{id}", delete(queries::cancel))
        .route("/api/samples/stream", post(samples::stream))
        .route("/api/profiles", post(profiles::create))
        .route("/api/metrics", get(metrics::list))
        .route("/api/metrics/query", post(metrics::query))
        .route("/api/models", get(metrics::models))
        .route("/api/models/lint", post(metrics::lint))
        .route("/api/policy/check", post(policy::check))
        .route("/api/sessions", get(sessions::list).post(sessions::create))
        .route("/api/sessions/{id}", get(sessions::show).patch(sessions::update).delete(sessions::remove))
        .route("/api/sessions/{id}/turns", get(sessions::turns))
        .route("/api/sessions/{id}/events", get(sessions::events))
        .route("/api/chat/turns", post(chat::ask))
        .route("/api/chat/turns/{id}", get(chat::show).delete(chat::stop))
        .fallback(unknown)
        .layer(DefaultBodyLimit::max(BODY_LIMIT))
        .layer(middleware::from_fn(about))
        .layer(middleware::from_fn(local_only))
        .with_state(rooms)
}

async fn unknown(request: Request) -> Failure {
    let path = request.uri().path().to_owned();
    Failure(ApiError::new(ErrorKind::NotFound, "route_not_found", format!("there is nothing at {path}")))
}

/// A browser that was led to the socket, or a request meant for another host, is refused even here.
async fn local_only(request: Request, next: Next) -> Response {
    let headers = request.headers();
    let foreign = [header::ORIGIN, header::REFERER].into_iter().find(|name| headers.contains_key(name));
    let host = headers.get(header::HOST).map(HeaderValue::as_bytes);
    let reason = match (foreign, host) {
        (Some(name), _) => {
            Some(format!("requests with the header `{name}` come from browsers and are refused here"))
        }
        (None, None | Some(b"" | b"wharf" | b"localhost")) => None,
        (None, Some(_)) => {
            Some("this socket answers to the host names `wharf` and `localhost` only".to_owned())
        }
    };
    match reason {
        Some(reason) => {
            tracing::warn!(%reason, path = %request.uri().path(), "refused a request");
            Failure(ApiError::new(ErrorKind::Refused, "foreign_request", reason)).into_response()
        }
        None => next.run(request).await,
    }
}

/// An id for the log, and the time it took.
async fn about(mut request: Request, next: Next) -> Response {
    let begun = Instant::now();
    let id_header = HeaderName::from_static(REQUEST_ID);
    let given = request.headers().get(&id_header).cloned();
    let sane = |v: &HeaderValue| {
        v.len() <= 64 && v.as_bytes().iter().all(|b| b.is_ascii_alphanumeric() || *b == b'-')
    };
    let id = given.filter(sane).unwrap_or_else(|| {
        HeaderValue::from_str(&uuid::Uuid::now_v7().to_string()).unwrap_or(HeaderValue::from_static("none"))
    });
    request.headers_mut().insert(id_header.clone(), id.clone());
    let mut response = next.run(request).await;
    response.headers_mut().insert(id_header, id);
    let seconds = format!("{:.6}", begun.elapsed().as_secs_f64());
    if let Ok(value) = HeaderValue::from_str(&seconds) {
        response.headers_mut().insert("x-process-time", value);
    }
    response
}
