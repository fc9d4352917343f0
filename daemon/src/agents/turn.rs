//! One turn as it happens: events into the journal, and the answer that they add up to.

use crate::sessions::{Ending, Sessions};
use crate::sources::Cancel;
use std::time::Instant;
use wharf_protocol::{
    Answer, ApiError, Chart, Completion, ErrorKind, EventBody, Offer, Rows, Text, Thinking, ToolCall,
    TurnStatus, Usage,
};

/// Writes a turn down.
pub(crate) struct TurnLog {
    sessions: Sessions,
    answer: Answer,
    begun: Instant,
    cancel: Cancel,
}

/// How a provider ends its answer.
pub(crate) struct Finished {
    pub(crate) status: TurnStatus,
    pub(crate) offers: Vec<Offer>,
    /// What the provider needs to read the next question of the session.
    pub(crate) follow_up: Option<String>,
}

impl TurnLog {
    pub(crate) fn new(sessions: Sessions, session: &str, turn: &str, cancel: Cancel) -> Self {
        let answer = crate::sessions::empty_answer(session, turn);
        Self { sessions, answer, begun: Instant::now(), cancel }
    }

    /// Raised when the turn is to end.
    pub(crate) fn cancel(&self) -> &Cancel {
        &self.cancel
    }

    pub(crate) async fn status(&mut self, text: &str) -> Result<(), ApiError> {
        self.append(vec![EventBody::Status(Text { text: text.to_owned() })]).await
    }

    /// How the question was read, and the SQL that is about to run.
    pub(crate) async fn reading(
        &mut self,
        text: &str,
        query: serde_json::Value,
        sql: &str,
    ) -> Result<(), ApiError> {
        self.answer.reading = Some(text.to_owned());
        self.answer.query = Some(query.clone());
        self.answer.sql = Some(sql.to_owned());
        let thinking = Thinking { text: text.to_owned(), query: Some(query) };
        self.append(vec![EventBody::Thinking(thinking), EventBody::Sql(Text { text: sql.to_owned() })]).await
    }

    pub(crate) async fn tool(&mut self, call: ToolCall) -> Result<(), ApiError> {
        // Told twice, when it begins and when it is done; counted once.
        if call.time_ms.is_none() {
            *self.answer.usage.tools.entry(call.name.clone()).or_default() += 1;
        }
        self.append(vec![EventBody::Tool(call)]).await
    }

    pub(crate) async fn result(&mut self, rows: Rows, chart: Option<Chart>) -> Result<(), ApiError> {
        self.answer.usage.rows = rows.rows.len() as u64;
        self.answer.result = Some(rows.clone());
        self.answer.chart.clone_from(&chart);
        let mut bodies = vec![EventBody::Table(rows)];
        bodies.extend(chart.map(EventBody::Chart));
        self.append(bodies).await
    }

    /// A piece of the answer's text.
    pub(crate) async fn say(&mut self, text: &str) -> Result<(), ApiError> {
        self.answer.answer.push_str(text);
        self.append(vec![EventBody::Token(Text { text: text.to_owned() })]).await
    }

    async fn append(&mut self, bodies: Vec<EventBody>) -> Result<(), ApiError> {
        if self.cancel.raised() {
            return Err(self.cancel.error());
        }
        self.sessions.append(&self.answer.session_id, &self.answer.turn_id, bodies).await.map(|_| ())
    }

    /// Ends the turn with what the provider made of it.
    pub(crate) async fn end(mut self, result: Result<Finished, ApiError>) {
        self.answer.usage = Usage { time_ms: crate::clock::millis_since(self.begun), ..self.answer.usage };
        let mut events = vec![EventBody::Usage(self.answer.usage.clone())];
        let mut follow_up = None;
        match result {
            Ok(finished) => {
                self.answer.status = finished.status;
                self.answer.offers.clone_from(&finished.offers);
                follow_up = finished.follow_up;
                events.push(EventBody::Complete(Completion {
                    status: finished.status,
                    answer: self.answer.answer.clone(),
                    offers: finished.offers,
                }));
            }
            Err(error) => {
                let stopped = self.cancel.raised() && error.kind != ErrorKind::Deadline;
                self.answer.status = if stopped { TurnStatus::Interrupted } else { TurnStatus::Failed };
                self.answer.error = Some(error.clone());
                events.push(EventBody::Error(error));
            }
        }
        self.sessions.end_surely(Ending { answer: self.answer, follow_up, events }).await;
    }
}
