//! Whether wharf is well, for load balancers and people.

use super::failure::{Failure, Path};
use crate::Rooms;
use axum::Json;
use axum::extract::State;
use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use serde::Serialize;
use std::collections::BTreeMap;
use std::time::{Duration, Instant};
use utoipa::ToSchema;
use wharf_protocol::{ApiError, ErrorKind};
use wharf_warehouses::Circuit;

const VERSION: &str = env!("CARGO_PKG_VERSION");

/// `healthy` or `unhealthy`.
fn word(well: bool) -> &'static str {
    if well { "healthy" } else { "unhealthy" }
}

/// That the process answers.
#[derive(Serialize, ToSchema)]
pub(super) struct Alive {
    /// `healthy`.
    status: &'static str,
}

/// The service, for people who look.
#[derive(Serialize, ToSchema)]
pub(super) struct Service {
    /// `healthy`.
    status: &'static str,
    service: &'static str,
    version: &'static str,
    environment: &'static str,
}

/// What is needed, each `healthy` or `unhealthy`.
#[derive(Serialize, ToSchema)]
pub(super) struct Ready {
    status: &'static str,
    checks: BTreeMap<&'static str, &'static str>,
    version: &'static str,
}

/// The names that the gateway with a queue behind it has for the same.
#[derive(Serialize, ToSchema)]
pub(super) struct GatewayHealth {
    status: &'static str,
    redis_status: &'static str,
    agent_initialized: bool,
    mcp_status: &'static str,
}

/// That a source answers; `{source}_connection` is `OK`.
#[derive(Serialize, ToSchema)]
pub(super) struct SourceHealth {
    /// `healthy`.
    status: &'static str,
    response_time_ms: f64,
    /// Of a source elsewhere: `closed`; `open` while it is spared because it failed again and again; `half_open` when the next
    /// call tries it.
    #[serde(skip_serializing_if = "Option::is_none")]
    circuit: Option<&'static str>,
    #[serde(flatten)]
    connection: BTreeMap<String, String>,
}

/// That the process answers at all.
pub(super) async fn quick() -> Json<Alive> {
    Json(Alive { status: word(true) })
}

pub(super) async fn service() -> Json<Service> {
    Json(Service { status: word(true), service: "wharf", version: VERSION, environment: "production" })
}

/// As the seed with the queue behind it tells it; here the queue is in the process.
pub(super) async fn gateway(State(rooms): State<Rooms>) -> Response {
    let well = rooms.state.degraded().is_none();
    let status = if well { StatusCode::OK } else { StatusCode::SERVICE_UNAVAILABLE };
    let body = GatewayHealth {
        status: word(well),
        redis_status: "embedded",
        agent_initialized: true,
        mcp_status: "none",
    };
    (status, Json(body)).into_response()
}

/// Whether a source answers.
pub(super) async fn source(
    State(rooms): State<Rooms>,
    Path(name): Path<String>,
) -> Result<Json<SourceHealth>, Failure> {
    let begun = Instant::now();
    rooms.gate.catalog().get(&name).map_err(|e| ApiError { hint: None, ..e })?;
    let well = answers(&rooms, &name).await;
    if !well {
        let message = format!("the source `{name}` does not answer");
        return Err(Failure(ApiError::new(ErrorKind::Unavailable, "source_unavailable", message)));
    }
    Ok(Json(SourceHealth {
        status: word(true),
        response_time_ms: crate::clock::millis_since(begun),
        circuit: circuit(&rooms, &name).await,
        connection: [(format!("{name}_connection"), "OK".to_owned())].into(),
    }))
}

async fn circuit(rooms: &Rooms, name: &str) -> Option<&'static str> {
    let (gate, name) = (rooms.gate.clone(), name.to_owned());
    let far = tokio::task::spawn_blocking(move || gate.catalog().far(&name)).await;
    far.ok()?.ok()?.map(|far| far.circuit().name())
}

async fn answers(rooms: &Rooms, name: &str) -> bool {
    // What is known of a source elsewhere may be older than its trouble.
    if circuit(rooms, name).await == Some(Circuit::Open(Duration::ZERO).name()) {
        return false;
    }
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
    let all = checks.iter().all(|(_, well)| *well);
    let shown = checks.into_iter().map(|(name, well)| (name, word(well))).collect();
    let status = if all { StatusCode::OK } else { StatusCode::SERVICE_UNAVAILABLE };
    (status, Json(Ready { status: word(all), checks: shown, version: VERSION })).into_response()
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
