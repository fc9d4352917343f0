//! The API described for people: Swagger UI at `/docs`, ReDoc at `/redoc`, both with everything they load inside this program.

use axum::Router;
use axum::extract::Request;
use axum::http::{HeaderValue, header};
use axum::middleware::{self, Next};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use utoipa::openapi::OpenApi;
use utoipa_swagger_ui::SwaggerUi;

/// Fetched by `make setup`.
static REDOC: &[u8] = include_bytes!("../../../../.redoc/redoc.standalone.js");

const REDOC_PAGE: &str = r#"<!doctype html>
<html lang="en">
<head><meta charset="utf-8"><meta name="viewport" content="width=device-width, initial-scale=1"><title>wharf API</title>
<style>body { margin: 0 }</style></head>
<body><redoc spec-url="/openapi.json" disable-search="false" hide-hostname="true"></redoc>
<script src="/redoc/redoc.standalone.js"></script></body>
</html>
"#;

/// What these pages may load: what this server gives them.
const POLICY: &str = "default-src 'self'; style-src 'self' 'unsafe-inline'; img-src 'self' data:; script-src 'self'; worker-src 'self' blob:; object-src 'none'; base-uri 'none'; frame-ancestors 'none'";

/// The pages and `/openapi.json`.
pub(super) fn router(api: OpenApi) -> Router {
    let script = || async { ([(header::CONTENT_TYPE, "text/javascript; charset=utf-8")], REDOC) };
    let page = || async { ([(header::CONTENT_TYPE, "text/html; charset=utf-8")], REDOC_PAGE) };
    Router::new()
        .merge(SwaggerUi::new("/docs").url("/openapi.json", api))
        .route("/redoc", get(page))
        .route("/redoc/redoc.standalone.js", get(script))
        .layer(middleware::from_fn(own_files_only))
}

async fn own_files_only(request: Request, next: Next) -> Response {
    let mut response = next.run(request).await.into_response();
    response.headers_mut().insert(header::CONTENT_SECURITY_POLICY, HeaderValue::from_static(POLICY));
    response.headers_mut().insert(header::CACHE_CONTROL, HeaderValue::from_static("no-cache"));
    response
}
