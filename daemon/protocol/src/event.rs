//! Events: the numbered things that happen in a session, as journaled and as streamed (SSE, the number as `id`).

use crate::{ApiError, Chart, Offer, Rows, TurnStatus, Usage};
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;

/// One event of a session. Numbers begin with 1 and have no gap.
///
/// On the wire: `{seq, turn_id, at, type, data}`. It is read by hand, because numbers inside `data` must keep every
/// digit, which serde's buffering of tagged enums does not do.
#[derive(Debug, Clone, PartialEq)]
pub struct Event {
    /// Number within the session.
    pub seq: u64,
    /// The turn it belongs to.
    pub turn_id: String,
    /// When it was journaled.
    pub at: String,
    /// What happened.
    pub body: EventBody,
}

#[derive(Serialize, Deserialize)]
struct Wire {
    seq: u64,
    turn_id: String,
    at: String,
    r#type: String,
    data: Box<RawValue>,
}

impl Event {
    /// The event as one line of JSON.
    ///
    /// # Errors
    /// Never for events made by this build.
    pub fn to_json(&self) -> serde_json::Result<String> {
        let wire = Wire {
            seq: self.seq,
            turn_id: self.turn_id.clone(),
            at: self.at.clone(),
            r#type: self.body.kind().to_owned(),
            data: RawValue::from_string(self.body.data()?)?,
        };
        serde_json::to_string(&wire)
    }

    /// Reads an event. A type that this build does not know becomes [`EventBody::Unknown`].
    ///
    /// # Errors
    /// When it is not an event, or the data does not fit its type.
    pub fn from_json(text: &str) -> serde_json::Result<Self> {
        let wire: Wire = serde_json::from_str(text)?;
        let body = EventBody::parse(&wire.r#type, wire.data.get())?;
        Ok(Self { seq: wire.seq, turn_id: wire.turn_id, at: wire.at, body })
    }
}

/// What happened. A reader skips types it does not know.
#[derive(Debug, Clone, PartialEq)]
pub enum EventBody {
    /// A turn began with this question.
    Session(TurnBegan),
    /// What the turn is doing now: a few words.
    Status(Text),
    /// How the question was read.
    Thinking(Thinking),
    /// A tool was called, or is done.
    Tool(ToolCall),
    /// The SQL that is about to run.
    Sql(Text),
    /// A result.
    Table(Rows),
    /// A chart over the result.
    Chart(Chart),
    /// A piece of the answer's text.
    Token(Text),
    /// What it cost.
    Usage(Usage),
    /// It failed or was stopped; the turn is over.
    Error(ApiError),
    /// The turn is over.
    Complete(Completion),
    /// A type that this build does not know.
    Unknown,
}

/// A piece of text.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Text {
    /// The text.
    pub text: String,
}

/// A turn began.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct TurnBegan {
    /// The question.
    pub question: String,
    /// The session's title.
    pub title: String,
}

/// How the question was read.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Thinking {
    /// One line.
    pub text: String,
    /// The metric query.
    pub query: Option<serde_json::Value>,
}

/// A call of a tool. It is sent once when the call begins and once, with rows and time, when it is done.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ToolCall {
    /// Its name.
    pub name: String,
    /// What it was called on.
    pub target: String,
    /// Rows it brought, when it is done.
    pub rows: Option<u64>,
    /// Milliseconds it took, when it is done.
    pub time_ms: Option<f64>,
}

/// A turn is over.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Completion {
    /// `completed` or `unanswered`.
    pub status: TurnStatus,
    /// The whole answer.
    pub answer: String,
    /// What else can be asked.
    pub offers: Vec<Offer>,
}

/// The name of an event's type on the wire.
pub type EventKind = &'static str;

impl EventBody {
    /// The type's name, also the SSE event name.
    pub fn kind(&self) -> EventKind {
        match self {
            Self::Session(_) => "session",
            Self::Status(_) => "status",
            Self::Thinking(_) => "thinking",
            Self::Tool(_) => "tool",
            Self::Sql(_) => "sql",
            Self::Table(_) => "table",
            Self::Chart(_) => "chart",
            Self::Token(_) => "token",
            Self::Usage(_) => "usage",
            Self::Error(_) => "error",
            Self::Complete(_) => "complete",
            Self::Unknown => "unknown",
        }
    }

    /// The event's data as JSON text.
    ///
    /// # Errors
    /// Never for events made by this build.
    pub fn data(&self) -> serde_json::Result<String> {
        match self {
            Self::Session(data) => serde_json::to_string(data),
            Self::Status(data) | Self::Sql(data) | Self::Token(data) => serde_json::to_string(data),
            Self::Thinking(data) => serde_json::to_string(data),
            Self::Tool(data) => serde_json::to_string(data),
            Self::Table(data) => serde_json::to_string(data),
            Self::Chart(data) => serde_json::to_string(data),
            Self::Usage(data) => serde_json::to_string(data),
            Self::Error(data) => serde_json::to_string(data),
            Self::Complete(data) => serde_json::to_string(data),
            Self::Unknown => Ok("null".to_owned()),
        }
    }

    /// Reads the data of an event of type `kind`.
    ///
    /// # Errors
    /// When the data does not fit the type.
    pub fn parse(kind: &str, data: &str) -> serde_json::Result<Self> {
        Ok(match kind {
            "session" => Self::Session(serde_json::from_str(data)?),
            "status" => Self::Status(serde_json::from_str(data)?),
            "thinking" => Self::Thinking(serde_json::from_str(data)?),
            "tool" => Self::Tool(serde_json::from_str(data)?),
            "sql" => Self::Sql(serde_json::from_str(data)?),
            "table" => Self::Table(serde_json::from_str(data)?),
            "chart" => Self::Chart(serde_json::from_str(data)?),
            "token" => Self::Token(serde_json::from_str(data)?),
            "usage" => Self::Usage(serde_json::from_str(data)?),
            "error" => Self::Error(serde_json::from_str(data)?),
            "complete" => Self::Complete(serde_json::from_str(data)?),
            _ => Self::Unknown,
        })
    }

    /// Whether the turn is over with this event.
    pub fn ends_turn(&self) -> bool {
        matches!(self, Self::Error(_) | Self::Complete(_))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Cell;

    #[test]
    fn an_event_keeps_every_digit_and_an_unknown_type_is_skippable() {
        let rows = Rows {
            columns: vec![],
            rows: vec![vec![Cell::Number("12345678901234567890.120".into())]],
            truncated: false,
        };
        let event = Event { seq: 7, turn_id: "t".into(), at: "now".into(), body: EventBody::Table(rows) };
        let text = event.to_json().unwrap();
        assert!(text.contains("[[12345678901234567890.120]]"), "{text}");
        assert_eq!(Event::from_json(&text).unwrap(), event);
        let strange = r#"{"seq":8,"turn_id":"t","at":"now","type":"hologram","data":{"x":1}}"#;
        assert_eq!(Event::from_json(strange).unwrap().body, EventBody::Unknown);
    }
}
