//! Headers that every reply over TCP carries, and which pages of others may call.

use crate::config::Tcp;
use axum::extract::Request;
use axum::http::{HeaderName, HeaderValue, Method, header};
use axum::middleware::Next;
use axum::response::Response;
use std::time::Duration;
use tower_http::cors::{AllowOrigin, CorsLayer};
use wharf_protocol::{ApiError, ErrorKind};

/// Set unless a handler has set its own. A reply of the API may load nothing; the pages that wharf serves load their own files.
const HEADERS: &[(&str, &str)] = &[
    (
        "content-security-policy",
        "default-src 'none'; frame-ancestors 'none'; base-uri 'none'; form-action 'none'",
    ),
    ("x-content-type-options", "nosniff"),
    ("x-frame-options", "DENY"),
    ("x-xss-protection", "0"),
    ("referrer-policy", "no-referrer"),
    ("cross-origin-resource-policy", "same-origin"),
    ("cache-control", "no-store"),
];

pub(super) async fn secure(request: Request, next: Next) -> Response {
    let mut response = next.run(request).await;
    for (name, value) in HEADERS {
        let name = HeaderName::from_static(name);
        if !response.headers().contains_key(&name) {
            response.headers_mut().insert(name, HeaderValue::from_static(value));
        }
    }
    response
}

/// Tells browsers to come back encrypted only.
pub(super) async fn strict(request: Request, next: Next) -> Response {
    let mut response = next.run(request).await;
    let value = HeaderValue::from_static("max-age=31536000");
    response.headers_mut().insert(header::STRICT_TRANSPORT_SECURITY, value);
    response
}

/// The origins that were configured, and no other.
pub(super) fn cors(tcp: &Tcp) -> Result<CorsLayer, ApiError> {
    let origins: Result<Vec<HeaderValue>, ApiError> = tcp
        .cors_origins
        .iter()
        .map(|origin| {
            let parsed = HeaderValue::from_str(origin.trim_end_matches('/')).ok();
            let good = origin.starts_with("https://") || origin.starts_with("http://");
            parsed.filter(|_| good).ok_or_else(|| {
                let message = format!("`{origin}` is not an origin");
                ApiError::new(ErrorKind::Invalid, "cors_origin", message)
                    .hint("an origin is https://host or https://host:port")
            })
        })
        .collect();
    let own = [
        "x-request-id",
        "x-process-time",
        "x-ratelimit-limit",
        "x-ratelimit-remaining",
        "x-ratelimit-reset",
        "retry-after",
    ];
    Ok(CorsLayer::new()
        .allow_origin(AllowOrigin::list(origins?))
        .allow_methods([Method::GET, Method::POST, Method::PUT, Method::PATCH, Method::DELETE])
        .allow_headers([
            header::AUTHORIZATION,
            header::CONTENT_TYPE,
            HeaderName::from_static("x-api-key"),
            HeaderName::from_static("x-request-id"),
            HeaderName::from_static("last-event-id"),
        ])
        .expose_headers(own.map(HeaderName::from_static))
        .max_age(Duration::from_secs(600)))
}
