//! Replicas: local copies of tables and queries.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// What is copied: `POST /api/replicas`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ReplicaAdd {
    /// Its name: lower-case letters, digits, `_`; begins with a letter.
    pub name: String,
    /// The source that it copies from.
    pub source: String,
    /// Schema of the table, as the source stores it; the source's default schema without one.
    #[serde(default)]
    pub schema: Option<String>,
    /// The table, as the source stores it. For a query: the name that its rows get, which must be none of a table there.
    pub table: String,
    /// Only these columns; all without any.
    #[serde(default)]
    pub columns: Vec<String>,
    /// Only rows for which this holds, in the source's SQL.
    #[serde(default)]
    pub filter: Option<String>,
    /// A query in the source's SQL, in the place of a table.
    #[serde(default)]
    pub sql: Option<String>,
    /// How a refresh finds what has changed; without it every refresh copies everything.
    #[serde(default)]
    pub incremental: Option<Incremental>,
    /// When it is refreshed by itself: a cron expression of five fields, in UTC.
    #[serde(default)]
    pub schedule: Option<String>,
    /// A scheduled refresh begins up to this many seconds later, drawn anew each time.
    #[serde(default)]
    #[schema(format = "uint64")]
    pub jitter: u64,
    /// Answers may come from it while its data are at most this many seconds old, unless a request says otherwise.
    #[serde(default)]
    #[schema(format = "uint64")]
    pub max_age: Option<u64>,
}

/// How a refresh finds what has changed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Incremental {
    /// A column that grows with every change: rows at or beyond its largest value are fetched.
    pub cursor: String,
    /// The columns that tell rows apart: a fetched row takes the place of the one with the same values.
    pub keys: Vec<String>,
    /// Holds for rows that count as deleted, in the source's SQL.
    #[serde(default)]
    pub deleted: Option<String>,
}

/// A replica.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Replica {
    /// What it copies, and when.
    #[serde(flatten)]
    pub add: ReplicaAdd,
    /// `ready`, `empty` (never refreshed, or put aside to make room) or `refreshing`.
    pub status: String,
    /// Rows it holds.
    pub rows: Option<u64>,
    /// Bytes of its file.
    pub bytes: Option<u64>,
    /// When its data were read at the source.
    pub data_at: Option<String>,
    /// When an answer last came from it.
    pub used_at: Option<String>,
    /// When it is refreshed next.
    pub next_refresh: Option<String>,
    /// When it was added.
    pub created_at: String,
    /// As statements call it: the table that it stands for, else SOURCE.replica.NAME.
    pub query_as: String,
    /// Its last refreshes, the latest first; in a list only the last one.
    pub history: Vec<ReplicaRefresh>,
}

/// One refresh.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct ReplicaRefresh {
    /// When it began.
    pub begun_at: String,
    /// When it ended; none while it runs, or when the daemon ended first.
    pub ended_at: Option<String>,
    /// `full` or `incremental`.
    pub mode: String,
    /// `running`, `completed`, `failed` or `interrupted`.
    pub outcome: String,
    /// Rows fetched.
    pub rows: u64,
    /// Why it failed.
    pub error: Option<String>,
}

/// `POST /api/replicas/{name}/refresh`.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ReplicaRefreshRequest {
    /// Copy everything, also where only changes would be fetched.
    #[serde(default)]
    pub full: bool,
}
