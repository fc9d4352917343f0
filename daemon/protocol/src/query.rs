//! Statements: what is asked, in which form the rows come back, and how it went.

use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use utoipa::ToSchema;

/// The form in which rows are written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum Format {
    /// Comma-separated, RFC 4180, header line, NULL as an empty field.
    Csv,
    /// Tab-separated; tabs, line breaks and backslashes in text are escaped as `\t`, `\n`, `\r`, `\\`.
    Tsv,
    /// One array of objects.
    Json,
    /// One object a line.
    Ndjson,
    /// Arrow IPC stream.
    Arrow,
    /// A Parquet file.
    Parquet,
    /// Run it, write nothing.
    None,
    /// What the client's own views read: a line `{"columns":[...]}`, then one JSON array of texts (or null) a row.
    Rows,
}

impl Format {
    /// The media type of a body in this form.
    pub fn media_type(self) -> &'static str {
        match self {
            Self::Csv => "text/csv; charset=utf-8",
            Self::Tsv => "text/tab-separated-values; charset=utf-8",
            Self::Json => "application/json",
            Self::Ndjson => "application/x-ndjson",
            Self::Arrow => "application/vnd.apache.arrow.stream",
            Self::Parquet => "application/vnd.apache.parquet",
            Self::None => "application/octet-stream",
            Self::Rows => "application/vnd.wharf.rows+json",
        }
    }
}

/// The value of a named parameter. It is bound, never spliced into the text.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(untagged)]
pub enum Param {
    /// NULL.
    Null,
    /// True or false.
    Bool(bool),
    /// A whole number.
    Int(i64),
    /// Text; also how decimals and dates come, which the engine casts exactly.
    Text(String),
}

/// A statement to run: `POST /api/queries/stream`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct QueryRequest {
    /// One SQL statement.
    pub sql: String,
    /// The source that unqualified names belong to. None: the only one there is, or none at all.
    #[serde(default)]
    pub source: Option<String>,
    /// Values for `$name`.
    #[serde(default)]
    pub params: BTreeMap<String, Param>,
    /// The form of the rows.
    pub format: Format,
    /// At most this many rows; more are cut and said to be.
    #[serde(default)]
    #[schema(format = "uint64")]
    pub limit: Option<u64>,
    /// Milliseconds after which the statement is stopped.
    #[serde(default)]
    #[schema(format = "uint64")]
    pub timeout_ms: Option<u64>,
    /// The owner says that the statement may write.
    #[serde(default)]
    pub write: bool,
    /// Run as somebody who may read only these tables of the source, as an agent would.
    #[serde(default)]
    pub only_tables: Option<Vec<String>>,
    /// Folder against which relative file names are read.
    #[serde(default)]
    pub cwd: Option<String>,
    /// The answer may come from a replica whose data are at most this many seconds old; 0: never from one. Without it each
    /// replica says itself how old it may get.
    #[serde(default)]
    #[schema(format = "uint64")]
    pub max_age: Option<u64>,
    /// What computes, where the source has several warehouses. The owner's choice.
    #[serde(default)]
    pub warehouse: Option<String>,
    /// With whose rights, where the source has roles. The owner's choice.
    #[serde(default)]
    pub role: Option<String>,
    /// Leave the header line away (csv, tsv).
    #[serde(default)]
    pub no_header: bool,
    /// Text for NULL (csv, tsv).
    #[serde(default)]
    pub null: Option<String>,
}

/// What a column holds, as far as a view needs to know.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum ColumnKind {
    /// Integers, decimals, floating point.
    Number,
    /// True or false.
    Bool,
    /// Dates, times, timestamps.
    Time,
    /// Everything that is text.
    Text,
    /// Lists, structs, maps: shown as JSON.
    Nested,
    /// Bytes: shown in base64.
    Binary,
}

/// A column of a result. Names within one result are unique: a repeated one gets a suffix.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Column {
    /// Name as printed.
    pub name: String,
    /// The engine's name of the type.
    pub r#type: String,
    /// What a view needs to know of the type.
    pub kind: ColumnKind,
}

/// How a statement went: `GET /api/queries/{id}/status`, and `--stats`. While it runs only `query_id` and `status` are known;
/// the rest is empty.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct QueryStats {
    /// The statement's id.
    pub query_id: String,
    /// `running`, `completed`, `failed`, `cancelled`.
    pub status: String,
    /// Rows written.
    pub rows: u64,
    /// Whether the limit cut rows off.
    pub truncated: bool,
    /// The result's columns.
    pub columns: Vec<Column>,
    /// Milliseconds from acceptance to the last row.
    pub elapsed_ms: f64,
    /// Milliseconds spent waiting for a place.
    pub queue_ms: f64,
    /// Bytes written.
    pub bytes: u64,
    /// Where it ran: `duckdb:fenced`, `duckdb:owner`; the kind of a source elsewhere; `replica:NAME` for a local copy;
    /// `cache:KIND` for a result that was kept.
    pub route: String,
    /// When the data were read at their source; none where the answer comes from the source itself, now.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub data_at: Option<String>,
    /// `hit` where the answer is a result that was kept, `miss` where it could have been one; none where nobody asked for that.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cache: Option<String>,
    /// Tables read, as far as the statement names them.
    pub tables: Vec<String>,
    /// Set when it failed after the first byte.
    pub error: Option<crate::ApiError>,
}

/// How rows are chosen for a sample.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum Sample {
    /// The first N rows in the table's own order.
    First(u64),
    /// N rows drawn at random, all rows equally likely.
    Random(u64),
    /// Each row with this probability, in percent (0 to 100).
    Percent(f64),
}

/// `POST /api/samples/stream`: rows of one table.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct SampleRequest {
    /// Table name, or the path of a file.
    pub table: String,
    /// See [`QueryRequest::source`].
    #[serde(default)]
    pub source: Option<String>,
    /// How rows are chosen.
    pub sample: Sample,
    /// The same seed over the same data draws the same rows.
    #[serde(default)]
    #[schema(format = "uint32")]
    pub seed: Option<u32>,
    /// See [`crate::QueryRequest::max_age`].
    #[serde(default)]
    #[schema(format = "uint64")]
    pub max_age: Option<u64>,
    /// The form of the rows.
    pub format: Format,
    /// Folder against which relative file names are read.
    #[serde(default)]
    pub cwd: Option<String>,
    /// Leave the header line away (csv, tsv).
    #[serde(default)]
    pub no_header: bool,
    /// Text for NULL (csv, tsv).
    #[serde(default)]
    pub null: Option<String>,
}
