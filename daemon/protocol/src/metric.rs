//! Metric queries and the list of metrics.

use crate::Format;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// `POST /api/metrics/query`: a metric query against a source's semantic models.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct MetricRequest {
    /// The query, in the JSON form of `wharf metric query --from`.
    pub query: serde_json::Value,
    /// The source whose models are meant. None: the only one with models.
    #[serde(default)]
    pub source: Option<String>,
    /// The form of the rows.
    pub format: Format,
    /// Compile only: answer with a [`MetricReply`] instead of rows.
    #[serde(default)]
    pub dry_run: bool,
    /// Milliseconds after which the statement is stopped.
    #[serde(default)]
    #[schema(format = "uint64")]
    pub timeout_ms: Option<u64>,
    /// See [`crate::QueryRequest::max_age`].
    #[serde(default)]
    #[schema(format = "uint64")]
    pub max_age: Option<u64>,
    /// Leave the header line away (csv, tsv).
    #[serde(default)]
    pub no_header: bool,
    /// Text for NULL (csv, tsv).
    #[serde(default)]
    pub null: Option<String>,
}

/// A compiled metric query.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct MetricReply {
    /// The SQL that answers it.
    pub sql: String,
    /// How it was compiled, for a person: measures, joins, filters, time column.
    pub explain: String,
    /// Output columns.
    pub columns: Vec<MetricColumn>,
    /// Tables read.
    pub tables: Vec<String>,
}

/// An output column of a metric query.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct MetricColumn {
    /// Output name: `revenue`, `metric_time__month`.
    pub name: String,
    /// `metric`, `dimension`, `time` or `entity`.
    pub role: String,
    /// Label for people.
    pub label: String,
}

/// A metric as `wharf metric list` shows it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct MetricInfo {
    /// Name.
    pub name: String,
    /// Label for people.
    pub label: Option<String>,
    /// What it means.
    pub description: Option<String>,
    /// `simple`, `ratio`, `derived`, ...
    pub r#type: String,
    /// Other words for it.
    pub synonyms: Vec<String>,
    /// What it can be grouped by, as full path names.
    pub dimensions: Vec<String>,
    /// The source it belongs to.
    pub source: String,
}

/// A source's semantic models in short.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct ModelSummary {
    /// Source name.
    pub source: String,
    /// Model files.
    pub files: Vec<String>,
    /// Semantic models (one per table).
    pub models: Vec<String>,
    /// Number of metrics.
    pub metrics: u64,
    /// Why the models cannot be used, if so: one entry an error, with file, line and column.
    pub errors: Vec<String>,
}
