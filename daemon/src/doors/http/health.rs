//! Whether wharf is well, for load balancers and people.

use super::failure::{Failure, Path};
use crate::Rooms;
use axum::Json;
use axum::extract::State;
use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use serde_json::{Map, Value, json};
use std::time::Instant;
use wharf_protocol::{ApiError, ErrorKind};

const VERSION: &str = env!("CARGO_PKG_VERSION");

/// That the process answers at all.
pub(super) async fn quick() -> Json<Value> {
    Json(json!({"status": "healthy"}))
}

pub(super) async fn service() -> Json<Value> {
    Json(json!({"status": "healthy", "service": "wharf", "version": VERSION, "environment": "production"}))
}

/// As the seed with the queue behind it tells it; here the queue is in the process.
pub(super) async fn gateway(State(rooms): State<Rooms>) -> Response {
    let well = rooms.state.degraded().is_none();
    let status = if well { StatusCode::OK } else { StatusCode::SERVICE_UNAVAILABLE };
    let told = if well { "healthy" } else { "unhealthy" };
    let body =
        json!({"status": told, "redis_status": "embedded", "agent_initialized": true, "mcp_status": "none"});
    (status, Json(body)).into_response()
}

/// Whether a source answers.
pub(super) async fn source(
    State(rooms): State<Rooms>,
    Path(name): Path<String>,
) -> Result<Response, Failure> {
    let begun = Instant::now();
    rooms.gate.catalog().get(&name).map_err(|e| ApiError { hint: None, ..e })?;
    let well = answers(&rooms, &name).await;
    if !well {
        let message = format!("the source `{name}` does not answer");
        return Err(Failure(ApiError::new(ErrorKind::Unavailable, "source_unavailable", message)));
    }
    let mut body = Map::new();
    body.insert("status".to_owned(), json!("healthy"));
    body.insert(format!("{name}_connection"), json!("OK"));
    body.insert("response_time_ms".to_owned(), json!(crate::clock::millis_since(begun)));
    Ok(Json(Value::Object(body)).into_response())
}

async fn answers(rooms: &Rooms, name: &str) -> bool {
    let (gate, name) = (rooms.gate.clone(), name.to_owned());
    let listed = tokio::task::spawn_blocking(move || gate.catalog().tables(&name, gate.pool()).is_ok());
    listed.await.unwrap_or(false)
}

/// Whether everything that is needed is there: state, audit, engine, sources.
pub(super) async fn ready(State(rooms): State<Rooms>) -> Response {
    let state = rooms.state.degraded().is_none() && rooms.state.version("ready").await.is_ok();
    let engine = wharf_policy::DuckdbParser::serialize(rooms.gate.parser(), "select 1").is_ok();
    let mut sources = true;
    for source in rooms.gate.catalog().sources() {
        sources &= answers(&rooms, &source.name).await;
    }
    let audit = rooms.gate.audit().degraded().is_none();
    let checks =
        [("api", true), ("state", state), ("audit", audit), ("engine", engine), ("sources", sources)];
    let word = |well: bool| if well { "healthy" } else { "unhealthy" };
    let all = checks.iter().all(|(_, well)| *well);
    let shown: Map<String, Value> =
        checks.iter().map(|(name, well)| ((*name).to_owned(), json!(word(*well)))).collect();
    let status = if all { StatusCode::OK } else { StatusCode::SERVICE_UNAVAILABLE };
    (status, Json(json!({"status": word(all), "checks": shown, "version": VERSION}))).into_response()
}

/// Everything that is counted, for Prometheus.
pub(super) async fn measures(State(rooms): State<Rooms>) -> Response {
    for (name, value) in [
        ("wharf_statements_running", rooms.gate.registry().running_count()),
        ("wharf_statements_waiting", rooms.gate.waiting()),
        ("wharf_connections", rooms.activity.clients()),
        ("wharf_turns_running", rooms.activity.turns()),
        ("wharf_resident_bytes", crate::telemetry::resident_bytes()),
    ] {
        crate::measures::now(name, value);
    }
    let kind = HeaderValue::from_static("text/plain; version=0.0.4; charset=utf-8");
    ([(header::CONTENT_TYPE, kind)], rooms.measures.text()).into_response()
}
