//! What each message does to the screen: a pure function of state, message and clock.

mod commands;
mod events;
mod keys;

pub use commands::{Command, matching};

use crate::tui::state::{Link, Millis, Open, Popup, State};
use crossterm::event::KeyEvent;
use wharf_protocol::{ApiError, AskStarted, Event, Session, TurnStatus};

/// Something that happened.
#[derive(Debug, Clone)]
pub enum Message {
    /// A key was pressed.
    Key(KeyEvent),
    /// Text was pasted.
    Paste(String),
    /// The terminal has another size: columns, rows.
    Resize(u16, u16),
    /// Time went by.
    Tick,
    /// Something happened in a session.
    Event {
        /// The session.
        session: String,
        /// What happened.
        event: Event,
    },
    /// The stream of a session broke; it is being taken up again.
    Broken(String),
    /// The stream of a session is there.
    Following(String),
    /// A session was found; it is to be shown.
    Opened(Session),
    /// The daemon has taken the question.
    Asked(AskStarted),
    /// The sessions there are.
    Sessions(Vec<Session>),
    /// A session has a new title.
    Renamed(Session),
    /// What was asked of the daemon failed.
    Failed(Doing, ApiError),
}

/// What was asked of the daemon.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Doing {
    /// A question.
    Asking,
    /// A turn's end.
    Stopping,
    /// A session.
    Opening,
    /// The list of sessions.
    Listing,
    /// A title.
    Renaming,
}

/// Something to be done outside.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Effect {
    /// Ask a question, in a new session if none is named.
    Ask {
        /// The question.
        question: String,
        /// The session's id.
        session: Option<String>,
        /// The source of a new session.
        source: Option<String>,
    },
    /// Stop a turn.
    Stop(String),
    /// Follow the events of a session behind a number; whatever was followed before is let go.
    Follow {
        /// The session's id.
        session: String,
        /// The last event that is known.
        after: u64,
    },
    /// Follow nothing.
    Unfollow,
    /// Find a session by id or title.
    Open(String),
    /// Find the latest session.
    OpenLatest,
    /// List the sessions.
    List,
    /// Give a session another title.
    Rename {
        /// The session's id.
        session: String,
        /// The title.
        title: String,
    },
    /// Hand the terminal back to the shell until it brings us to the front again.
    Suspend,
}

/// Takes a message in at a time, and says what is to be done.
pub fn update(state: &mut State, message: Message, now: Millis) -> Vec<Effect> {
    state.now = now;
    match message {
        Message::Key(key) => keys::key(state, key),
        Message::Paste(text) => {
            keys::paste(state, &text);
            Vec::new()
        }
        Message::Resize(columns, rows) => {
            state.size = (columns, rows);
            Vec::new()
        }
        Message::Tick => {
            tick(state);
            Vec::new()
        }
        Message::Event { session, event } => {
            if state.session.as_ref().is_some_and(|open| open.id == session) {
                state.link = Link::Live;
                events::apply(state, event);
            }
            Vec::new()
        }
        Message::Broken(session) => {
            if state.session.as_ref().is_some_and(|open| open.id == session) && state.link == Link::Live {
                state.link = Link::Broken(now);
            }
            Vec::new()
        }
        Message::Following(session) => {
            following(state, &session);
            Vec::new()
        }
        Message::Opened(session) => open(state, session),
        Message::Asked(started) => asked(state, started),
        Message::Sessions(sessions) => {
            if let Some(Popup::Picker(picker)) = &mut state.popup {
                picker.sessions = Some(sessions);
            }
            Vec::new()
        }
        Message::Renamed(session) => {
            if let Some(open) = state.session.as_mut().filter(|open| open.id == session.session_id) {
                open.title.clone_from(&session.title);
                state.tell(format!("this session is now called “{}”", session.title), false);
            }
            Vec::new()
        }
        Message::Failed(doing, error) => {
            failed(state, &doing, &error);
            Vec::new()
        }
    }
}

fn tick(state: &mut State) {
    if state.notice.as_ref().is_some_and(|n| n.until <= state.now) {
        state.notice = None;
    }
    if state.quit_until.is_some_and(|until| until <= state.now) {
        state.quit_until = None;
    }
}

fn following(state: &mut State, session: &str) {
    if state.session.as_ref().is_some_and(|open| open.id == session) && state.link != Link::Live {
        state.link = Link::Live;
        state.tell("connected again; nothing was lost", false);
    }
}

fn open(state: &mut State, session: Session) -> Vec<Effect> {
    state.popup = None;
    if state.session.as_ref().is_some_and(|open| open.id == session.session_id) {
        return Vec::new();
    }
    leave(state);
    let id = session.session_id;
    state.session = Some(Open {
        id: id.clone(),
        title: session.title,
        source: session.source,
        seen: 0,
        history: session.last_event,
    });
    vec![Effect::Follow { session: id, after: 0 }]
}

/// Puts the present session away.
fn leave(state: &mut State) {
    state.session = None;
    state.turns.clear();
    state.asking = None;
    state.scrolled = 0;
    state.link = Link::Live;
}

fn asked(state: &mut State, started: AskStarted) -> Vec<Effect> {
    if state.turns.iter().any(|t| t.id == started.turn_id) {
        state.asking = None;
    }
    match &mut state.session {
        Some(open) if open.id == started.session_id => Vec::new(),
        // The user has gone to another session meanwhile.
        Some(_) => Vec::new(),
        None if state.asking.is_none() => Vec::new(),
        None => {
            let id = started.session_id;
            let source = state.source.clone();
            state.session = Some(Open {
                id: id.clone(),
                title: started.title,
                source,
                seen: started.after,
                history: started.after,
            });
            vec![Effect::Follow { session: id, after: started.after }]
        }
    }
}

fn failed(state: &mut State, doing: &Doing, error: &ApiError) {
    match doing {
        Doing::Asking => {
            let question = state.asking.take();
            // The question goes back to where it was written.
            if let Some(question) = question.filter(|_| state.composer.is_empty()) {
                state.composer.set(&question);
            }
        }
        Doing::Stopping => {
            for turn in state.turns.iter_mut().filter(|t| t.status == TurnStatus::Incomplete) {
                turn.stopping = false;
            }
            // It was over before it could be stopped.
            if error.code == "turn_not_found" {
                return;
            }
        }
        Doing::Listing => state.popup = None,
        Doing::Opening | Doing::Renaming => {}
    }
    let hint = error.hint.as_ref().map(|h| format!("; {h}")).unwrap_or_default();
    state.tell(format!("{}{hint}", error.message), true);
}

#[cfg(test)]
mod tests;
