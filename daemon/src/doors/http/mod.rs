//! HTTP/1.1, on the owner's Unix socket and over TCP: JSON in, JSON or rows out, events as SSE.

mod access;
mod audit;
mod catalogue;
mod chat;
mod compat;
mod connection;
mod daemon;
mod demo;
mod execute;
mod failure;
mod follow;
mod frontend;
mod guesses;
mod headers;
mod health;
mod identity;
mod metadata;
mod metrics;
mod openapi;
mod pages;
mod paging;
mod policies;
mod policy;
mod profiles;
mod progress;
mod queries;
mod rates;
mod replicas;
mod samples;
mod sessions;
mod sources;
mod tables;
mod talk;
mod tcp;
mod tls;

pub use connection::serve;
pub use tcp::Door;

use crate::Rooms;
use crate::config::Tcp;
use crate::measures;
use access::Watch;
use axum::Router;
use axum::extract::{DefaultBodyLimit, MatchedPath, Request, State};
use axum::http::{HeaderName, HeaderValue, Method, StatusCode, header};
use axum::middleware::{self, Next};
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use failure::Failure;
use guesses::Guesses;
use http_body_util::LengthLimitError;
use openapi::Group;
use rates::Rates;
use std::error::Error;
use std::sync::Arc;
use std::time::{Duration, Instant};
use tokio::sync::Semaphore;
use wharf_protocol::{ApiError, ErrorKind, REQUEST_ID};

/// The largest request body, in bytes.
const BODY_LIMIT: usize = 16 << 20;

/// Routes over TCP. Their handlers ask who comes, and all but the login are the same on the socket.
fn open_to_all() -> Vec<Group> {
    let mut groups = catalogue::groups();
    groups.push(catalogue::login());
    groups
}

/// Routes of the owner alone.
fn owners() -> Router<Rooms> {
    Router::new()
        .route("/api/demo", post(demo::create))
        .route("/api/daemon/hello", get(daemon::hello))
        .route("/api/daemon/status", get(daemon::status))
        .route("/api/daemon/stop", post(daemon::stop))
        .route("/api/daemon/checks", get(daemon::checks))
        .route("/api/sources", get(sources::list).post(sources::add))
        .route("/api/sources/{name}", get(sources::show).delete(sources::remove))
        .route("/api/sources/{name}/test", post(sources::test))
        .route("/api/models/lint", post(metrics::lint))
        .route("/api/policy/check", post(policy::check))
}

/// All routes of the owner's socket.
pub fn router(rooms: Rooms) -> Router {
    let request_time = rooms.config.request_time;
    Router::new()
        .merge(owners())
        .merge(openapi::router(catalogue::groups(), None))
        .fallback(unknown)
        .method_not_allowed_fallback(other_method)
        .layer(DefaultBodyLimit::max(BODY_LIMIT))
        .layer(middleware::from_fn_with_state(request_time, whole))
        .layer(middleware::from_fn(access::owner))
        .layer(middleware::from_fn(about))
        .layer(middleware::from_fn(local_only))
        .with_state(rooms)
}

/// All routes over TCP.
///
/// # Errors
/// When an origin that was configured is none.
pub fn public_router(rooms: Rooms, tcp: &Tcp, encrypted: bool) -> Result<Router, ApiError> {
    let request_time = rooms.config.request_time;
    let watch = Watch {
        rooms: rooms.clone(),
        guesses: Guesses::new(tcp.guesses),
        rates: Rates::new(tcp.rates),
        logins: Arc::new(Semaphore::new(crate::identity::PASSWORDS_AT_ONCE)),
    };
    let rates = watch.rates.clone();
    tokio::spawn(async move {
        loop {
            tokio::time::sleep(Duration::from_secs(60)).await;
            rates.forget();
        }
    });
    let routes = openapi::router(open_to_all(), Some(&watch)).with_state(rooms);
    let mut router = Router::new().merge(routes).merge(pages::router(openapi::described(open_to_all())));
    router = match &tcp.static_dir {
        Some(dir) => router.fallback_service(frontend::files(dir)),
        None => router.fallback(unknown),
    };
    let mut router = router
        .method_not_allowed_fallback(other_method)
        .layer(DefaultBodyLimit::max(BODY_LIMIT))
        .layer(middleware::from_fn_with_state(request_time, whole))
        .layer(axum::Extension(watch))
        .layer(headers::cors(tcp)?)
        .layer(middleware::from_fn(about))
        .layer(middleware::from_fn(headers::secure));
    if encrypted {
        router = router.layer(middleware::from_fn(headers::strict));
    }
    Ok(router)
}

async fn unknown(request: Request) -> Failure {
    let path = request.uri().path().to_owned();
    Failure(ApiError::new(ErrorKind::NotFound, "route_not_found", format!("there is nothing at {path}")))
}

async fn other_method(request: Request) -> Response {
    let message = format!("{} does not take {}", request.uri().path(), request.method());
    let failure = Failure(ApiError::new(ErrorKind::Invalid, "method_not_allowed", message));
    failure.with_status(StatusCode::METHOD_NOT_ALLOWED)
}

/// Waits for the body, but not for ever: one that never ends would hold a connection and what it has sent so far.
async fn whole(State(limit): State<Duration>, request: Request, next: Next) -> Response {
    let (head, body) = request.into_parts();
    let error = match tokio::time::timeout(limit, axum::body::to_bytes(body, BODY_LIMIT)).await {
        Ok(Ok(bytes)) => return next.run(Request::from_parts(head, bytes.into())).await,
        Ok(Err(e)) if e.source().is_some_and(<dyn Error>::is::<LengthLimitError>) => {
            let message = format!("a body may have {} MiB, and this one is larger", BODY_LIMIT >> 20);
            let error = ApiError::new(ErrorKind::Invalid, "body_too_large", message);
            return Failure(error).with_status(StatusCode::PAYLOAD_TOO_LARGE);
        }
        Ok(Err(e)) => {
            ApiError::new(ErrorKind::Invalid, "body", format!("the request's body cannot be read: {e}"))
        }
        Err(_) => {
            let message = format!("the request's body did not come whole within {} s", limit.as_secs_f32());
            ApiError::new(ErrorKind::Deadline, "body_late", message)
                .hint("send it at once, or raise limits.request_time")
        }
    };
    Failure(error).into_response()
}

/// A browser that was led to the socket, or a request meant for another host, is refused even here.
async fn local_only(request: Request, next: Next) -> Response {
    let headers = request.headers();
    let foreign = [header::ORIGIN, header::REFERER].into_iter().find(|name| headers.contains_key(name));
    let ours = |host: &[u8]| matches!(host, b"" | b"wharf" | b"localhost");
    // A client may name the host in the request line too, and a header may stand there twice.
    let named = request.uri().authority().map(|a| a.as_str().as_bytes());
    let mut hosts = headers.get_all(header::HOST).iter().map(HeaderValue::as_bytes).chain(named);
    let reason = match (foreign, hosts.find(|host| !ours(host))) {
        (Some(name), _) => {
            Some(format!("requests with the header `{name}` come from browsers and are refused here"))
        }
        (None, None) => None,
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

/// A method's name; those that nobody has heard of are one.
fn known(method: &Method) -> &'static str {
    let all = [
        Method::GET,
        Method::POST,
        Method::PUT,
        Method::PATCH,
        Method::DELETE,
        Method::HEAD,
        Method::OPTIONS,
    ];
    let names = ["GET", "POST", "PUT", "PATCH", "DELETE", "HEAD", "OPTIONS"];
    all.iter().zip(names).find(|(m, _)| *m == method).map_or("other", |(_, name)| name)
}

/// An id for the log, the time it took, and the count.
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
    let route = request.extensions().get::<MatchedPath>().map_or("none", MatchedPath::as_str).to_owned();
    let method = request.method().clone();
    let name = id.to_str().unwrap_or_default().to_owned();
    let mut response = failure::ASKED.scope(name, next.run(request)).await;
    response.headers_mut().insert(id_header, id);
    measures::request(known(&method), &route, response.status().as_u16(), begun.elapsed());
    let seconds = format!("{:.6}", begun.elapsed().as_secs_f64());
    if let Ok(value) = HeaderValue::from_str(&seconds) {
        response.headers_mut().insert("x-process-time", value);
    }
    response
}
