//! Conversations: sessions and turns.

use crate::{ApiError, Cell, Chart, Column};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use utoipa::ToSchema;

/// `POST /api/sessions`.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct SessionCreate {
    /// Title; otherwise taken from the first question.
    #[serde(default)]
    pub title: Option<String>,
    /// The source that questions are about.
    #[serde(default)]
    pub source: Option<String>,
}

/// `PATCH /api/sessions/{id}`.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct SessionUpdate {
    /// New title.
    #[serde(default)]
    pub title: Option<String>,
}

/// A conversation.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct Session {
    /// Its id, a UUID.
    pub session_id: String,
    /// What people call it.
    pub title: String,
    /// The source that questions are about.
    pub source: Option<String>,
    /// When it began.
    pub created_at: String,
    /// When something last happened in it.
    pub updated_at: String,
    /// Number of questions and answers.
    pub message_count: u64,
    /// Whether a turn is running.
    pub busy: bool,
    /// How many clients follow it now.
    pub attached: u64,
    /// Number of the last event.
    pub last_event: u64,
    /// What the last answer took; none before there is one.
    #[serde(default)]
    pub last_response_metadata: Option<ResponseMetadata>,
}

/// What an answer took.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct ResponseMetadata {
    /// Tools by name, and how often each was called.
    pub tools: BTreeMap<String, u64>,
    /// Tokens of a model.
    pub tokens: Tokens,
    /// Milliseconds from question to answer.
    pub time_ms: f64,
}

/// Tokens that a model read and wrote; 0 for `local`.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Tokens {
    /// Read.
    pub input_tokens: u64,
    /// Written.
    pub output_tokens: u64,
    /// Both.
    pub total_tokens: u64,
}

impl From<Usage> for ResponseMetadata {
    fn from(usage: Usage) -> Self {
        let (input_tokens, output_tokens) = (usage.input_tokens, usage.output_tokens);
        let tokens = Tokens { input_tokens, output_tokens, total_tokens: input_tokens + output_tokens };
        Self { tools: usage.tools, tokens, time_ms: usage.time_ms }
    }
}

/// `POST /api/chat`, `POST /api/chat/stream`: say something.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ChatRequest {
    /// The conversation. One that is absent or not known begins anew, under the id that the reply tells.
    #[serde(default)]
    pub session_id: Option<String>,
    /// The question.
    pub message: String,
    /// See [`AskRequest::source`].
    #[serde(default)]
    pub source: Option<String>,
    /// See [`AskRequest::provider`].
    #[serde(default)]
    pub provider: Option<String>,
    /// See [`AskRequest::now`].
    #[serde(default)]
    pub now: Option<String>,
    /// False: `POST /api/chat/stream` answers as `POST /api/chat` does.
    #[serde(default)]
    pub stream: Option<bool>,
}

/// The reply to [`ChatRequest`].
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct ChatReply {
    /// The conversation.
    pub session_id: String,
    /// The answer in words.
    pub response: String,
    /// Tools by name, and how often each was called.
    pub tools: BTreeMap<String, u64>,
    /// Tokens of a model.
    pub tokens: Tokens,
    /// Milliseconds from question to answer.
    pub time_ms: f64,
}

/// `POST /api/chat/turns`: ask something.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct AskRequest {
    /// The question.
    pub question: String,
    /// Session id or exact title. None: a new session.
    #[serde(default)]
    pub session: Option<String>,
    /// Create the session under this title when `session` names none.
    #[serde(default)]
    pub create: bool,
    /// Forget the session when the turn is over.
    #[serde(default)]
    pub ephemeral: bool,
    /// Source; the session's, or the only one with models, if absent.
    #[serde(default)]
    pub source: Option<String>,
    /// Agent provider; `local` if absent.
    #[serde(default)]
    pub provider: Option<String>,
    /// Clock against which relative dates are read (ISO 8601); now if absent.
    #[serde(default)]
    pub now: Option<String>,
    /// Text that came through a pipe, as context.
    #[serde(default)]
    pub context: Option<String>,
    /// Milliseconds after which the turn is stopped.
    #[serde(default)]
    #[schema(format = "uint64")]
    pub timeout_ms: Option<u64>,
}

/// The answer to [`AskRequest`]: the turn is journaled and running; its events follow on the session's stream.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct AskStarted {
    /// The session.
    pub session_id: String,
    /// Its title.
    pub title: String,
    /// The turn.
    pub turn_id: String,
    /// Number of the last event before this turn: subscribe after it.
    pub after: u64,
}

/// How far a turn is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum TurnStatus {
    /// Running.
    Incomplete,
    /// Answered.
    Completed,
    /// It could not be answered from what is known; the offers say what can be.
    Unanswered,
    /// Failed.
    Failed,
    /// Stopped by the asker, or cut by the end of the daemon.
    Interrupted,
}

/// Rows of a result as texts.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct Rows {
    /// Columns.
    pub columns: Vec<Column>,
    /// Values.
    #[schema(value_type = Vec<Vec<serde_json::Value>>)]
    pub rows: Vec<Vec<Cell>>,
    /// Whether rows were cut off.
    #[serde(default)]
    pub truncated: bool,
}

/// Something nearby that can be answered.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Offer {
    /// A question that works.
    pub text: String,
    /// The metrics and dimensions in it.
    pub names: Vec<String>,
}

/// What a turn cost.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct Usage {
    /// Tokens read by a model; 0 for `local`.
    pub input_tokens: u64,
    /// Tokens written by a model; 0 for `local`.
    pub output_tokens: u64,
    /// Milliseconds from question to answer.
    pub time_ms: f64,
    /// Rows read from the result.
    pub rows: u64,
    /// Tools by name, and how often each was called.
    #[serde(default)]
    pub tools: BTreeMap<String, u64>,
}

/// An answered (or unanswered) question, as `wharf ask --json` prints it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct Answer {
    /// `incomplete` until a completion event promotes it.
    pub status: TurnStatus,
    /// The session.
    pub session_id: String,
    /// The turn.
    pub turn_id: String,
    /// The answer in words.
    pub answer: String,
    /// How the question was read, in one line.
    pub reading: Option<String>,
    /// The metric query it became.
    pub query: Option<serde_json::Value>,
    /// The SQL, for those who may see it.
    pub sql: Option<String>,
    /// The rows.
    pub result: Option<Rows>,
    /// The chart.
    pub chart: Option<Chart>,
    /// What else can be asked.
    pub offers: Vec<Offer>,
    /// What it cost.
    pub usage: Usage,
    /// Why it failed.
    pub error: Option<ApiError>,
}

/// A turn as kept in the session.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct Turn {
    /// The question.
    pub question: String,
    /// When it was asked.
    pub created_at: String,
    /// Agent provider.
    pub provider: String,
    /// The answer so far.
    pub answer: Answer,
}
