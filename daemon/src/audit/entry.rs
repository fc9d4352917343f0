//! What one line says.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// One thing that happened. Number, time and hash are the log's to give.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, ToSchema)]
#[schema(as = AuditEntry)]
#[serde(default)]
pub struct Entry {
    /// Id of the request, shared by the lines about one statement.
    pub request_id: String,
    /// `owner`, `owner as agent` when the owner tries a policy out, `user:NAME`, `agent:ID`.
    pub principal: String,
    /// The swarm an agent belongs to.
    pub swarm: Option<String>,
    /// Whose rows the principal sees.
    pub tenant: Option<String>,
    /// `query`, `metric`, `sample`, `profile`, `ask`, `connect`, `login`, `token`, `policy`, ...
    pub action: String,
    /// The source that unqualified names belong to.
    pub source: Option<String>,
    /// Tables and files it names.
    pub tables: Vec<String>,
    /// Where it ran.
    pub route: String,
    /// `started`, `denied`, `completed`, `failed`, `cancelled`.
    pub outcome: String,
    /// Why, for denials and failures.
    pub reason: Option<String>,
    /// Rows handed out.
    pub rows: Option<u64>,
    /// Bytes handed out.
    pub bytes: Option<u64>,
    /// Milliseconds it took.
    pub time_ms: Option<f64>,
    /// The full text.
    pub statement: String,
}

impl Entry {
    /// What the log says of itself.
    pub(super) fn of_the_log(outcome: &str, reason: String, text: String) -> Self {
        Self {
            request_id: uuid::Uuid::now_v7().to_string(),
            principal: "wharf".to_owned(),
            action: "audit".to_owned(),
            outcome: outcome.to_owned(),
            reason: Some(reason),
            statement: text,
            ..Self::default()
        }
    }
}

/// The number of a line, without reading what it says; none if it is no line of the log.
pub fn seq_of(line: &[u8]) -> Option<u64> {
    super::line::Parts::of(line)?.seq_and_time().map(|(seq, _)| seq)
}

/// A line as it is read back.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
#[schema(as = AuditLine)]
pub struct Line {
    /// Its number; the first line of the log is 1.
    pub seq: u64,
    /// When it was written, UTC, by the wall clock.
    pub at: String,
    /// What it says.
    #[serde(flatten)]
    pub entry: Entry,
    /// Binds it to all lines before it.
    pub hash: String,
}
