//! A frontend's build, with cache headers.

use axum::Router;
use axum::extract::Request;
use axum::http::{HeaderValue, StatusCode, header};
use axum::middleware::{self, Next};
use axum::response::Response;
use std::path::Path;
use tower_http::services::{ServeDir, ServeFile};

/// A file whose name holds a hash of its content never changes: eight characters or more between a dash or dot and the ending,
/// as bundlers write them.
fn is_immutable(path: &str) -> bool {
    let name = path.rsplit('/').next().unwrap_or_default();
    let Some((stem, _)) = name.rsplit_once('.') else { return false };
    let Some((_, hash)) = stem.rsplit_once(['-', '.']) else { return false };
    hash.len() >= 8
        && hash.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_')
        && hash.bytes().any(|b| b.is_ascii_digit())
}

/// The files under `dir`. A path that is no file is the page itself, which then finds its own way; the API's paths are not.
pub(super) fn files(dir: &Path) -> Router {
    let page = ServeFile::new(dir.join("index.html"));
    Router::new()
        .fallback_service(ServeDir::new(dir).append_index_html_on_directories(true).fallback(page))
        .layer(middleware::from_fn(cached))
}

async fn cached(request: Request, next: Next) -> Response {
    let path = request.uri().path().to_owned();
    let api = ["/api/", "/ai/api/", "/auth/", "/manage/"].iter().any(|p| path.starts_with(p));
    if api {
        return axum::response::IntoResponse::into_response(super::unknown(request).await);
    }
    let mut response = next.run(request).await;
    if response.status() == StatusCode::OK {
        let lasts = if is_immutable(&path) { "public, max-age=31536000, immutable" } else { "no-cache" };
        response.headers_mut().insert(header::CACHE_CONTROL, HeaderValue::from_static(lasts));
        let policy = "default-src 'self'; img-src 'self' data:; style-src 'self' 'unsafe-inline'; object-src 'none'; base-uri 'none'; frame-ancestors 'none'";
        response.headers_mut().insert(header::CONTENT_SECURITY_POLICY, HeaderValue::from_static(policy));
    }
    response
}

#[cfg(test)]
mod tests {
    use super::is_immutable;

    #[test]
    fn names_with_a_hash_are_kept_for_good() {
        for (path, kept) in [
            ("/assets/index-BdH3kX9a.js", true),
            ("/static/js/main.4f2a9c1d.chunk.js", false),
            ("/static/main.4f2a9c1d.js", true),
            ("/index.html", false),
            ("/favicon.ico", false),
            ("/some-component.js", false),
            ("/", false),
        ] {
            assert_eq!(is_immutable(path), kept, "{path}");
        }
    }
}
