//! Metric queries, metrics, models.

use super::access::Asker;
use super::failure::{Body, Failure, Path, Query};
use super::paging::SourcePageQuery;
use super::queries::Output;
use crate::formats::Style;
use crate::gate::{Rights, Statement};
use axum::Json;
use axum::http::{HeaderMap, header};
use axum::response::{IntoResponse, Response};
use serde::Deserialize;
use std::time::Duration;
use wharf_protocol::{
    ApiError, ErrorKind, MetricColumn, MetricInfo, MetricReply, MetricRequest, ModelDetail, ModelInfo,
    ModelSummary, Page, Permission,
};
use wharf_semantic::Role;

pub(super) async fn query(
    asker: Asker,
    output: Output,
    headers: HeaderMap,
    Body(request): Body<MetricRequest>,
) -> Result<Response, Failure> {
    let query = crate::models::read_query(request.query)?;
    // Models as the asker may see them: what they say about a mistake names nothing else.
    let models = asker.models();
    let source = models.choose(request.source.as_deref()).await?;
    let loaded = models.of(&source).await?;
    let compiled = models.compile(&loaded, &query, None)?;
    if !asker.principal().is_owner() {
        // An expression may read something hidden that does not show in its words; the engine's parser knows.
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
    statement.local = models.compile_local(&loaded, &query, None);
    statement.max_age = request.max_age.map(Duration::from_secs);
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
    asker: Asker,
    Query(query): Query<ListQuery>,
) -> Result<Json<Vec<MetricInfo>>, Failure> {
    Ok(Json(asker.models().metrics(query.source.as_deref()).await?))
}

pub(super) async fn explore(
    asker: Asker,
    Query(query): Query<SourcePageQuery>,
) -> Result<Json<Page<MetricInfo>>, Failure> {
    Ok(Json(query.part(asker.models().metrics(query.source.as_deref()).await?)))
}

pub(super) async fn summaries(asker: Asker) -> Result<Json<Vec<ModelSummary>>, Failure> {
    Ok(Json(asker.models().summaries().await?))
}

pub(super) async fn models(
    asker: Asker,
    Query(query): Query<SourcePageQuery>,
) -> Result<Json<Page<ModelInfo>>, Failure> {
    Ok(Json(query.part(asker.models().list(query.source.as_deref()).await?)))
}

pub(super) async fn model(
    asker: Asker,
    Path(id): Path<String>,
    Query(query): Query<ListQuery>,
) -> Result<Json<ModelDetail>, Failure> {
    Ok(Json(asker.models().show(&id, query.source.as_deref()).await?))
}

/// The file in which a model is declared.
pub(super) async fn download(
    asker: Asker,
    Path(id): Path<String>,
    Query(query): Query<ListQuery>,
) -> Result<Response, Failure> {
    let text = asker.models().file_of(&id, query.source.as_deref()).await?;
    Ok(([(header::CONTENT_TYPE, "text/yaml; charset=utf-8")], text).into_response())
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
