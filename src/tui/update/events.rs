//! How the events of a session add up to what is shown.

use crate::tui::state::{Item, State, Turn};
use std::sync::Arc;
use wharf_protocol::{ApiError, ErrorKind, Event, EventBody, ToolCall, TurnStatus};

/// Applies an event once: what was seen already is passed over, whatever way it came.
pub(super) fn apply(state: &mut State, event: Event) {
    let now = state.now;
    let Some(open) = &mut state.session else { return };
    if event.seq <= open.seen {
        return;
    }
    open.seen = event.seq;
    let old = event.seq <= open.history;
    if let EventBody::Session(began) = event.body {
        open.title = began.title;
        if state.asking.as_deref().is_some_and(|asked| asked.trim() == began.question.trim()) {
            state.asking = None;
        }
        if state.turns.iter().any(|t| t.id == event.turn_id) {
            return;
        }
        state.composer.remember(&began.question);
        state.turns.push(Turn {
            id: event.turn_id,
            question: began.question,
            status: TurnStatus::Incomplete,
            activity: String::new(),
            begun: now,
            old,
            stopping: false,
            items: Vec::new(),
            usage: None,
            offers: Vec::new(),
        });
        return;
    }
    if let Some(turn) = state.turns.iter_mut().rev().find(|t| t.id == event.turn_id) {
        add(turn, event.body);
    }
}

fn add(turn: &mut Turn, body: EventBody) {
    match body {
        EventBody::Status(status) => turn.activity = status.text,
        EventBody::Thinking(thinking) => turn.items.push(Item::Reading(thinking.text)),
        EventBody::Tool(call) => step(turn, call),
        EventBody::Sql(sql) => turn.items.push(Item::Sql(sql.text)),
        EventBody::Table(rows) => turn.items.push(Item::Table(Arc::new(rows))),
        EventBody::Chart(chart) => {
            let rows = turn.items.iter().rev().find_map(|item| match item {
                Item::Table(rows) => Some(rows.clone()),
                _ => None,
            });
            turn.items.extend(rows.map(|rows| Item::Chart(chart, rows)));
        }
        EventBody::Token(token) => match turn.items.last_mut() {
            Some(Item::Text(text)) => text.push_str(&token.text),
            _ => turn.items.push(Item::Text(token.text)),
        },
        EventBody::Usage(usage) => turn.usage = Some(usage),
        EventBody::Error(error) => {
            turn.status = if stopped(&error) { TurnStatus::Interrupted } else { TurnStatus::Failed };
            turn.items.push(Item::Failed(error));
        }
        EventBody::Complete(done) => {
            // An answer that came without pieces is shown all the same.
            if !done.answer.is_empty() && !turn.items.iter().any(|i| matches!(i, Item::Text(_))) {
                turn.items.push(Item::Text(done.answer));
            }
            turn.status = done.status;
            turn.offers = done.offers;
        }
        EventBody::Session(_) | EventBody::Unknown => {}
    }
}

/// Stopped by somebody, or by the end of the daemon: it may be asked again.
fn stopped(error: &ApiError) -> bool {
    error.kind == ErrorKind::Cancelled || matches!(error.code.as_str(), "interrupted" | "shutdown")
}

/// A call that is done takes the place of the same call as it began.
fn step(turn: &mut Turn, call: ToolCall) {
    let done = call.rows.is_some() || call.time_ms.is_some();
    let begun = turn.items.iter_mut().rev().find_map(|item| match item {
        Item::Step(step)
            if step.time_ms.is_none()
                && step.rows.is_none()
                && step.name == call.name
                && step.target == call.target =>
        {
            Some(step)
        }
        _ => None,
    });
    match begun {
        Some(step) if done => *step = call,
        _ => turn.items.push(Item::Step(call)),
    }
}
