//! Questions: asked, looked up, stopped; and asked in one call, whose reply is the answer.

use super::access::Asker;
use super::failure::{Body, Failure, Path};
use super::follow::{Follower, Told};
use axum::Json;
use axum::response::sse::{Event as Sent, KeepAlive, Sse};
use axum::response::{IntoResponse, Response};
use serde::Serialize;
use std::convert::Infallible;
use std::time::Duration;
use utoipa::ToSchema;
use wharf_protocol::{
    ApiError, AskRequest, AskStarted, ChatReply, ChatRequest, ErrorKind, Event, EventBody, Offer,
    ResponseMetadata, ToolCall, Turn, TurnStatus,
};

pub(super) async fn ask(asker: Asker, Body(request): Body<AskRequest>) -> Result<Json<AskStarted>, Failure> {
    Ok(Json(begin(&asker, request).await?))
}

async fn begin(asker: &Asker, request: AskRequest) -> Result<AskStarted, ApiError> {
    let started = asker.rooms().agents.ask(&asker.gate, request).await?;
    if asker.principal().is_owner() {
        asker.rooms().completion_changed();
    }
    Ok(started)
}

pub(super) async fn show(asker: Asker, Path(id): Path<String>) -> Result<Json<Turn>, Failure> {
    let turn = asker.rooms().sessions.turn(&asker.principal().name(), &id).await?;
    Ok(Json(asker.shown(turn)))
}

/// A turn that was told to end.
#[derive(Serialize, ToSchema)]
pub(super) struct Stopping {
    turn_id: String,
    /// `stopping`.
    status: &'static str,
}

pub(super) async fn stop(asker: Asker, Path(id): Path<String>) -> Result<Json<Stopping>, Failure> {
    if asker.rooms().agents.stop(&asker.principal().name(), &id) {
        return Ok(Json(Stopping { turn_id: id, status: "stopping" }));
    }
    Err(Failure(ApiError::new(ErrorKind::NotFound, "turn_not_found", format!("no turn `{id}` is running"))))
}

/// Asks and waits. The turn goes on when the client goes away, and is found in its session.
pub(super) async fn chat(asker: Asker, Body(request): Body<ChatRequest>) -> Result<Json<ChatReply>, Failure> {
    Ok(Json(answered(&asker, request).await?))
}

async fn answered(asker: &Asker, request: ChatRequest) -> Result<ChatReply, ApiError> {
    let started = said(asker, request).await?;
    let (sessions, whose) = (&asker.rooms().sessions, asker.principal().name());
    let mut news = sessions.follow(&started.session_id);
    let turn = loop {
        // Marked as seen before reading, so that an end written while reading is not missed.
        news.borrow_and_update();
        let turn = sessions.turn(&whose, &started.turn_id).await?;
        if turn.answer.status != TurnStatus::Incomplete {
            break turn;
        }
        if news.changed().await.is_err() {
            let message = "the session was deleted while its turn ran";
            return Err(ApiError::new(ErrorKind::NotFound, "session_not_found", message));
        }
    };
    let answer = asker.shown(turn).answer;
    if let Some(error) = answer.error {
        return Err(error);
    }
    let ResponseMetadata { tools, tokens, time_ms } = answer.usage.into();
    Ok(ChatReply { session_id: started.session_id, response: answer.answer, tools, tokens, time_ms })
}

/// Begins a turn in the session that is meant. One that is not theirs is like one that is not there: they get a new one.
async fn said(asker: &Asker, request: ChatRequest) -> Result<AskStarted, ApiError> {
    let session = match &request.session_id {
        Some(id) => match asker.rooms().sessions.find(&asker.principal().name(), id).await {
            Ok(session) => Some(session.session_id).filter(|found| found == id),
            Err(error) if error.code == "session_not_found" => None,
            Err(error) => return Err(error),
        },
        None => None,
    };
    let request = AskRequest {
        question: request.message,
        session,
        create: false,
        ephemeral: false,
        source: request.source,
        provider: request.provider,
        now: request.now,
        context: None,
        timeout_ms: None,
    };
    begin(asker, request).await
}

/// Asks, and tells what happens as it happens, until the turn is over.
pub(super) async fn stream(asker: Asker, Body(request): Body<ChatRequest>) -> Result<Response, Failure> {
    if request.stream == Some(false) {
        return Ok(Json(answered(&asker, request).await?).into_response());
    }
    let started = said(&asker, request).await?;
    let follower = Follower::new(asker, started.session_id.clone(), started.after)?.ending_by_itself();
    let telling = Telling { follower, started, workflow: Vec::new(), over: false };
    let events = futures::stream::unfold(telling, |mut telling| async move {
        let sent = telling.next().await?;
        Some((Ok::<_, Infallible>(sent), telling))
    });
    let ping = Sent::default().data(r#"{"type":"ping"}"#);
    let alive = KeepAlive::new().interval(Duration::from_secs(10)).event(ping);
    Ok(Sse::new(events).keep_alive(alive).into_response())
}

/// One turn as the chat's clients read it: `data: {"type": ...}` and no more.
struct Telling {
    follower: Follower,
    started: AskStarted,
    workflow: Vec<Step>,
    over: bool,
}

/// A tool that was called.
#[derive(Clone, Serialize)]
struct Step {
    name: String,
    message: String,
    rows: Option<u64>,
    time_ms: Option<f64>,
}

/// The events that chat clients have always read; others carry their data beside the type.
#[derive(Serialize)]
#[serde(tag = "type", rename_all = "snake_case")]
enum Line<'a> {
    Session { session_id: &'a str, turn_id: &'a str, title: &'a str },
    Token { content: &'a str },
    Tool(Step),
    Complete { response: &'a str, workflow: &'a [Step], status: TurnStatus, offers: &'a [Offer] },
}

impl Telling {
    async fn next(&mut self) -> Option<Sent> {
        while !self.over {
            let Told { seq, entry } = self.follower.next().await?;
            // What is in the journal was written by this build or one before it.
            let Ok(event) = Event::from_json(&entry.json) else { continue };
            if event.turn_id != self.started.turn_id {
                continue;
            }
            self.over = event.body.ends_turn();
            let Ok(line) = self.line(&event.body) else { continue };
            let sent = Sent::default().data(line);
            return Some(match seq {
                Some(seq) => sent.id(seq.to_string()),
                None => sent,
            });
        }
        None
    }

    fn line(&mut self, body: &EventBody) -> serde_json::Result<String> {
        let AskStarted { session_id, turn_id, .. } = &self.started;
        let line = match body {
            EventBody::Session(began) => Line::Session { session_id, turn_id, title: &began.title },
            EventBody::Token(text) => Line::Token { content: &text.text },
            EventBody::Tool(call) => {
                let step = step(call);
                if call.time_ms.is_some() {
                    self.workflow.push(step.clone());
                }
                Line::Tool(step)
            }
            EventBody::Complete(complete) => Line::Complete {
                response: &complete.answer,
                workflow: &self.workflow,
                status: complete.status,
                offers: &complete.offers,
            },
            other => return beside_type(other),
        };
        serde_json::to_string(&line)
    }
}

fn step(call: &ToolCall) -> Step {
    let on = if call.target.is_empty() { String::new() } else { format!(" on {}", call.target) };
    let message = match (call.rows, call.time_ms) {
        (Some(rows), Some(_)) => format!("{}{on}: {rows} rows", call.name),
        _ => format!("Running {}{on}...", call.name),
    };
    Step { name: call.name.clone(), message, rows: call.rows, time_ms: call.time_ms }
}

/// An event's data with its type put in. It is done on the text, because numbers must keep every digit.
fn beside_type(body: &EventBody) -> serde_json::Result<String> {
    let (kind, data) = (body.kind(), body.data()?);
    Ok(match data.strip_prefix('{').map(str::trim_start) {
        Some(fields) if fields != "}" => format!("{{\"type\":\"{kind}\",{fields}"),
        _ => format!("{{\"type\":\"{kind}\"}}"),
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use wharf_protocol::{Cell, Rows, Text};

    #[test]
    fn a_type_is_put_in_and_no_digit_is_lost() {
        let rows = Rows {
            columns: vec![],
            rows: vec![vec![Cell::Number("12345678901234567890.120".into())]],
            truncated: false,
        };
        let line = beside_type(&EventBody::Table(rows)).unwrap();
        assert_eq!(
            line,
            r#"{"type":"table","columns":[],"rows":[[12345678901234567890.120]],"truncated":false}"#
        );
        assert_eq!(beside_type(&EventBody::Unknown).unwrap(), r#"{"type":"unknown"}"#);
        let status = EventBody::Status(Text { text: "a \"b\"".to_owned() });
        assert_eq!(beside_type(&status).unwrap(), r#"{"type":"status","text":"a \"b\""}"#);
    }
}
