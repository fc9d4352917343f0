//! Events: the numbered things that happen in a session, as journaled and as streamed (SSE, the number as `id`).

use crate::{ApiError, Chart, Offer, Rows, Usage};
use serde::{Deserialize, Serialize};

/// One event of a session. Numbers begin with 1 and have no gap.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Event {
    /// Number within the session.
    pub seq: u64,
    /// The turn it belongs to.
    pub turn_id: String,
    /// When it was journaled.
    pub at: String,
    /// What happened.
    #[serde(flatten)]
    pub body: EventBody,
}

/// What happened. A reader skips types it does not know.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "type", content = "data", rename_all = "snake_case")]
pub enum EventBody {
    /// A turn began with this question.
    Session {
        /// The question.
        question: String,
        /// The session's title.
        title: String,
    },
    /// What the turn is doing now.
    Status {
        /// A few words.
        text: String,
    },
    /// How the question was read.
    Thinking {
        /// One line.
        text: String,
        /// The metric query.
        query: Option<serde_json::Value>,
    },
    /// A tool was called.
    Tool {
        /// Its name.
        name: String,
        /// What it was called on.
        target: String,
        /// Rows it brought, when it is done.
        rows: Option<u64>,
        /// Milliseconds it took, when it is done.
        time_ms: Option<f64>,
    },
    /// The SQL that is about to run.
    Sql {
        /// Its text.
        sql: String,
    },
    /// A result.
    Table {
        /// Its rows.
        result: Rows,
    },
    /// A chart over the result.
    Chart {
        /// The chart.
        chart: Chart,
    },
    /// A piece of the answer's text.
    Token {
        /// The piece.
        text: String,
    },
    /// What it cost.
    Usage(Usage),
    /// It failed or was stopped; the turn is over.
    Error(ApiError),
    /// The turn is over.
    Complete {
        /// `completed` or `unanswered`.
        status: crate::TurnStatus,
        /// The whole answer.
        answer: String,
        /// What else can be asked.
        offers: Vec<Offer>,
    },
    /// A type that this build does not know.
    #[serde(other)]
    Unknown,
}

/// The name of an event's type on the wire.
pub type EventKind = &'static str;

impl EventBody {
    /// The type's name, also the SSE event name.
    pub fn kind(&self) -> EventKind {
        match self {
            Self::Session { .. } => "session",
            Self::Status { .. } => "status",
            Self::Thinking { .. } => "thinking",
            Self::Tool { .. } => "tool",
            Self::Sql { .. } => "sql",
            Self::Table { .. } => "table",
            Self::Chart { .. } => "chart",
            Self::Token { .. } => "token",
            Self::Usage(_) => "usage",
            Self::Error(_) => "error",
            Self::Complete { .. } => "complete",
            Self::Unknown => "unknown",
        }
    }

    /// Whether the turn is over with this event.
    pub fn ends_turn(&self) -> bool {
        matches!(self, Self::Error(_) | Self::Complete { .. })
    }
}
