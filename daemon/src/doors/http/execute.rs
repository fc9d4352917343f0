//! Statements with a JSON answer: `POST /api/queries/execute`, `POST /api/queries/validate`.

use super::access::Asker;
use super::failure::{Body, Failure};
use crate::formats::{Encoding, Shape, Sink, Style};
use crate::gate::{Deliver, Rights, Statement};
use crate::sources::{Cancel, Stop};
use axum::Json;
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;
use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;
use utoipa::ToSchema;
use wharf_protocol::{ApiError, ErrorKind, Format, Param, QueryStats};

/// Rows of one answer: what is more is for `POST /api/queries/stream`.
const MOST_ROWS: u64 = 100_000;
/// Rows when the request says nothing.
const ROWS: u64 = 1000;

/// See seed 004.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct ExecuteRequest {
    query: String,
    #[serde(default)]
    #[schema(format = "uint64")]
    limit: Option<u64>,
    /// Kept for clients of Databricks; where a statement runs is decided here.
    #[serde(default, rename = "warehouse_id")]
    _warehouse_id: Option<String>,
    #[serde(default)]
    parameters: Option<BTreeMap<String, Param>>,
    #[serde(default)]
    source: Option<String>,
    #[serde(default)]
    #[schema(format = "uint64")]
    timeout_ms: Option<u64>,
    #[serde(default, rename = "async")]
    in_background: bool,
    #[serde(default)]
    export_format: Option<String>,
}

#[derive(Serialize, ToSchema)]
pub(super) struct ExecuteReply {
    columns: Vec<String>,
    #[schema(value_type = Vec<Object>)]
    rows: Box<RawValue>,
    row_count: u64,
    execution_time_ms: f64,
    statement_id: String,
    truncated: bool,
}

pub(super) async fn execute(
    asker: Asker,
    Body(request): Body<ExecuteRequest>,
) -> Result<Json<ExecuteReply>, Failure> {
    if request.in_background || !matches!(request.export_format.as_deref(), None | Some("json")) {
        let message = "statements are answered at once and as JSON here";
        return Err(Failure(
            ApiError::new(ErrorKind::Invalid, "not_offered", message)
                .hint("POST /api/queries/stream gives csv, ndjson, arrow and parquet"),
        ));
    }
    let limit = request.limit.unwrap_or(ROWS);
    if limit > MOST_ROWS {
        let message = format!("a JSON answer has at most {MOST_ROWS} rows");
        return Err(Failure(
            ApiError::new(ErrorKind::Invalid, "limit", message)
                .hint("POST /api/queries/stream gives results of any size"),
        ));
    }
    let mut statement = Statement::new("query", Rights::Source, request.query);
    statement.params = request.parameters.unwrap_or_default();
    statement.source = request.source;
    statement.limit = Some(limit);
    statement.timeout = request.timeout_ms.map(Duration::from_millis);
    let (stats, rows) = collected(&asker, statement).await?;
    Ok(Json(ExecuteReply {
        columns: stats.columns.into_iter().map(|c| c.name).collect(),
        rows,
        row_count: stats.rows,
        execution_time_ms: stats.elapsed_ms,
        statement_id: stats.query_id,
        truncated: stats.truncated,
    }))
}

/// Runs a statement; its rows as one JSON array of objects, numbers exact to the last digit.
pub(super) async fn collected(
    asker: &Asker,
    statement: Statement,
) -> Result<(QueryStats, Box<RawValue>), ApiError> {
    let cancel = Cancel::default();
    // Dropped when the client goes away before the end.
    let guard = super::queries::CancelOnDrop(cancel.clone());
    let kept = Kept::default();
    let sink = kept.clone();
    let begin = move |_: &Arc<Shape>| Ok(Box::new(sink) as Box<dyn Sink>);
    let deliver = Deliver::Rows(Encoding::new(Format::Json, Style::default(), begin));
    let stats = asker.gate.run(statement, cancel, deliver).await?.stats;
    drop(guard);
    let bytes = std::mem::take(&mut *kept.0.lock().unwrap_or_else(PoisonError::into_inner));
    let text = String::from_utf8(bytes).unwrap_or_default();
    let rows = RawValue::from_string(text)
        .map_err(|e| ApiError::new(ErrorKind::Internal, "rows", format!("the rows are no JSON: {e}")))?;
    Ok((stats, rows))
}

/// Bytes kept until all are there.
#[derive(Clone, Default)]
struct Kept(Arc<Mutex<Vec<u8>>>);

/// Bytes of one JSON answer.
const MOST_BYTES: usize = 64 << 20;

impl Sink for Kept {
    fn write(&mut self, bytes: Vec<u8>) -> Result<(), Stop> {
        let mut kept = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if kept.len() + bytes.len() > MOST_BYTES {
            let message = format!("the answer has more than {} MiB", MOST_BYTES >> 20);
            return Err(Stop::Failed(
                ApiError::new(ErrorKind::Limit, "answer_too_large", message)
                    .hint("POST /api/queries/stream gives results of any size"),
            ));
        }
        kept.extend(bytes);
        Ok(())
    }
}

#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct ValidateRequest {
    query: String,
    #[serde(default)]
    source: Option<String>,
}

#[derive(Serialize, ToSchema)]
pub(super) struct ValidateReply {
    is_valid: bool,
    errors: Vec<String>,
    warnings: Vec<String>,
}

/// Whether a statement would run for who asks.
pub(super) async fn validate(
    asker: Asker,
    Body(request): Body<ValidateRequest>,
) -> Result<Json<ValidateReply>, Failure> {
    let mut statement = Statement::new("validate", Rights::Source, request.query.clone());
    statement.source = request.source;
    let judged = asker.gate.validate(statement).await;
    let outcome = if judged.is_ok() { "completed" } else { "denied" };
    asker.audit("validate", request.query, outcome).await?;
    let errors: Vec<String> = judged.err().map(|e| e.message).into_iter().collect();
    Ok(Json(ValidateReply { is_valid: errors.is_empty(), errors, warnings: Vec::new() }))
}
