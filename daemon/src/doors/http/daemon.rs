//! The daemon about itself.

use super::failure::{Failure, Query};
use crate::Rooms;
use axum::Json;
use axum::extract::State;
use serde::Deserialize;
use serde_json::{Value, json};
use wharf_protocol::{Hello, PROTOCOL, Status, StopReply};

pub(super) async fn hello(State(rooms): State<Rooms>) -> Json<Hello> {
    Json(Hello {
        protocol: PROTOCOL,
        version: env!("CARGO_PKG_VERSION").to_owned(),
        pid: std::process::id(),
        capabilities: vec!["handoff".to_owned()],
        busy: busy(&rooms),
    })
}

fn busy(rooms: &Rooms) -> bool {
    rooms.activity.turns() > 0 || rooms.gate.registry().running_count() > 0
}

pub(super) async fn status(State(rooms): State<Rooms>) -> Json<Status> {
    Json(Status {
        pid: std::process::id(),
        version: env!("CARGO_PKG_VERSION").to_owned(),
        protocol: PROTOCOL,
        uptime_seconds: rooms.activity.uptime().as_secs(),
        clients: rooms.activity.clients(),
        statements: rooms.gate.registry().running_count(),
        turns: rooms.activity.turns(),
        jobs: 0,
        queue: rooms.gate.waiting(),
        memory_bytes: crate::telemetry::resident_bytes(),
        cache_bytes: rooms.gate.catalog().cache_bytes(),
        instances: rooms.gate.pool().open_instances(),
        open_transaction: rooms.state.writing(),
        socket: rooms.config.socket.display().to_string(),
        log: rooms.config.dirs.log_file().display().to_string(),
        state_dir: rooms.config.dirs.state.display().to_string(),
        idle_exit_seconds: rooms.config.idle_exit.map_or(0, |d| d.as_secs()),
        degraded: degraded(&rooms),
    })
}

/// Why writes are refused, if they are.
fn degraded(rooms: &Rooms) -> Option<String> {
    rooms.state.degraded().or_else(|| rooms.gate.audit().degraded()).map(str::to_owned)
}

#[derive(Deserialize)]
pub(super) struct StopQuery {
    /// Stop only if nothing is going on.
    #[serde(default)]
    if_idle: bool,
}

pub(super) async fn stop(State(rooms): State<Rooms>, Query(query): Query<StopQuery>) -> Json<StopReply> {
    let pid = std::process::id();
    if query.if_idle && busy(&rooms) {
        let reason = Some("a statement or a turn is running".to_owned());
        return Json(StopReply { stopping: false, reason, pid });
    }
    rooms.activity.stop();
    Json(StopReply { stopping: true, reason: None, pid })
}

/// What `wharf doctor` cannot see from outside.
pub(super) async fn checks(State(rooms): State<Rooms>) -> Result<Json<Value>, Failure> {
    let verdict = rooms.gate.audit().verify().await?;
    let degraded = degraded(&rooms);
    let parser = tokio::task::spawn_blocking(move || {
        let answer = rooms.gate.pool().lease(crate::sources::duckdb::Fence::Locked, Vec::new(), "").and_then(
            |lease| {
                let connection = lease.connect()?;
                let read = |sql: &str| connection.query_row(sql, [], |row| row.get::<_, String>(0));
                Ok((
                    read("select library_version from pragma_version()").map_err(|e| e.to_string()),
                    read(
                        "select (timestamptz '2024-07-01 00:00:00+00' at time zone 'Europe/Berlin')::varchar",
                    )
                    .map_err(|e| e.to_string()),
                ))
            },
        );
        answer.unwrap_or_else(|e| (Err(e.to_string()), Err(e.to_string())))
    });
    let (version, zones) = parser.await.unwrap_or_else(|e| (Err(e.to_string()), Err(e.to_string())));
    Ok(Json(json!({
        "writes": {"refused": degraded},
        "audit": verdict,
        "engine": {"version": version.as_ref().ok(), "error": version.err()},
        "time_zones": {"works": zones.is_ok(), "error": zones.err()},
    })))
}
