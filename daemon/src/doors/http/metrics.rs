//! Metric queries, metrics, models.

use super::access::Asker;
use super::failure::{Body, Failure, Query};
use super::queries::Output;
use crate::Rooms;
use crate::formats::Style;
use crate::gate::{Rights, Statement};
use axum::Json;
use axum::extract::State;
use axum::http::HeaderMap;
use axum::response::{IntoResponse, Response};
use serde::Deserialize;
use std::time::Duration;
use wharf_protocol::{
    ApiError, ErrorKind, MetricColumn, MetricInfo, MetricReply, MetricRequest, ModelSummary, Permission,
};
use wharf_semantic::Role;

pub(super) async fn query(
    asker: Asker,
    output: Output,
    headers: HeaderMap,
    Body(request): Body<MetricRequest>,
) -> Result<Response, Failure> {
    let query = crate::models::read_query(request.query)?;
    let rooms = asker.rooms();
    let compiled = async {
        let source = rooms.models.choose(request.source.as_deref())?;
        let loaded = rooms.models.of(&source).await?;
        Ok::<_, ApiError>((rooms.models.compile(&loaded, &query, None)?, source))
    };
    // Models name tables and columns; what they say about a mistake is for who may see all of them.
    let hidden = |error: ApiError| if asker.principal().is_owner() { error } else { not_seen() };
    let (compiled, source) = compiled.await.map_err(hidden)?;
    if !asker.principal().is_owner() {
        let statement = Statement::new("metric", Rights::Source, compiled.sql.clone()).source(&source);
        asker.gate.validate(statement).await.map_err(|_| not_seen())?;
    }
    if request.dry_run {
        asker.principal().need(Permission::ViewSql)?;
        let columns = compiled.columns.iter().map(|c| MetricColumn {
            name: c.name.clone(),
            role: role(c.role).to_owned(),
            label: c.label.clone().unwrap_or_else(|| c.name.clone()),
        });
        let reply = MetricReply {
            columns: columns.collect(),
            explain: compiled.explain.to_string(),
            sql: compiled.sql,
            tables: compiled.tables,
        };
        return Ok(Json(reply).into_response());
    }
    let mut statement = Statement::new("metric", Rights::Source, compiled.sql).source(&source);
    statement.timeout = request.timeout_ms.map(Duration::from_millis);
    let style = Style { no_header: request.no_header, null: request.null };
    super::queries::send(&asker, &headers, output, statement, request.format, style).await
}

fn not_seen() -> ApiError {
    let message =
        "the query names a metric or dimension that is not there, or that reads what you may not see";
    ApiError::new(ErrorKind::NotFound, "metric_not_found", message)
}

fn role(role: Role) -> &'static str {
    match role {
        Role::Metric => "metric",
        Role::Dimension => "dimension",
        Role::Time => "time",
        Role::Entity => "entity",
    }
}

#[derive(Deserialize)]
pub(super) struct ListQuery {
    source: Option<String>,
}

pub(super) async fn list(
    State(rooms): State<Rooms>,
    Query(query): Query<ListQuery>,
) -> Result<Json<Vec<MetricInfo>>, Failure> {
    let source = match query.source {
        Some(source) => Some(rooms.gate.catalog().get(&source)?.name),
        None => None,
    };
    Ok(Json(rooms.models.metrics(source.as_deref()).await?))
}

pub(super) async fn models(State(rooms): State<Rooms>) -> Json<Vec<ModelSummary>> {
    Json(rooms.models.summaries().await)
}

#[derive(Deserialize)]
pub(super) struct LintRequest {
    files: Vec<(String, String)>,
    #[serde(default)]
    tables: Option<Vec<String>>,
}

pub(super) async fn lint(Body(request): Body<LintRequest>) -> Json<serde_json::Value> {
    let files: Vec<(&str, &str)> = request.files.iter().map(|(n, t)| (n.as_str(), t.as_str())).collect();
    let tables: Option<Vec<&str>> = request.tables.as_ref().map(|t| t.iter().map(String::as_str).collect());
    let errors = wharf_semantic::lint(&files, tables.as_deref());
    let errors: Vec<_> = errors
        .into_iter()
        .map(|e| serde_json::json!({"file": e.file, "line": e.line, "column": e.column, "message": e.message, "hint": e.hint}))
        .collect();
    Json(serde_json::json!({"errors": errors}))
}
