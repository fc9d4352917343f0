//! Conversations and their journal.
//!
//! An event is numbered and on the disk before anybody sees it; subscribers read the journal itself, so what is streamed
//! and what is kept can never differ, and a slow subscriber costs no memory.
//!
//! A conversation belongs to the principal who began it, by name. For everybody else it is not there: not for admins, and
//! not for the owner either.

mod journal;
mod redaction;
mod store;
mod turns;
mod unkept;

pub use journal::Entry;
pub use redaction::Redact;
pub(crate) use turns::empty_answer;
pub use turns::{Begun, Ending};

use crate::state::State;
use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use tokio::sync::watch;
use wharf_protocol::{Answer, ApiError, ErrorKind, Session, SessionUpdate, Turn};

/// All conversations. Cheap to clone.
#[derive(Clone)]
pub struct Sessions(Arc<Inner>);

struct Inner {
    state: State,
    // The number of the last event of each session that somebody follows or writes to.
    live: Mutex<HashMap<String, watch::Sender<u64>>>,
    // By session: the answer of a turn whose end is not on the disk.
    unkept: Mutex<HashMap<String, Answer>>,
}

impl Sessions {
    /// The conversations in `state`.
    pub fn new(state: State) -> Self {
        Self(Arc::new(Inner { state, live: Mutex::default(), unkept: Mutex::default() }))
    }

    /// Begins a conversation of somebody's.
    ///
    /// # Errors
    /// When it cannot be kept.
    pub async fn create(&self, whose: &str, title: &str, source: Option<&str>) -> Result<Session, ApiError> {
        Ok(store::create(&self.0.state, whose, &one_line(title), source).await?)
    }

    /// Somebody's conversations, the latest first.
    ///
    /// # Errors
    /// When they cannot be read.
    pub async fn list(&self, whose: &str, limit: u32) -> Result<Vec<Session>, ApiError> {
        let mut sessions = store::list(&self.0.state, whose, limit).await?;
        for session in &mut sessions {
            session.attached = self.attached(&session.session_id);
        }
        Ok(sessions)
    }

    /// A conversation of theirs by id, by the beginning of its id (eight characters or more), or by title.
    ///
    /// # Errors
    /// When they have none.
    pub async fn find(&self, whose: &str, name: &str) -> Result<Session, ApiError> {
        let found = store::find(&self.0.state, whose, name).await?;
        let mut session = found.ok_or_else(|| {
            ApiError::new(ErrorKind::NotFound, "session_not_found", format!("there is no session `{name}`"))
                .hint("`wharf session list` shows the sessions there are")
        })?;
        session.attached = self.attached(&session.session_id);
        Ok(session)
    }

    /// Changes the title of a conversation of theirs.
    ///
    /// # Errors
    /// When they have none of this id.
    pub async fn update(&self, whose: &str, id: &str, update: &SessionUpdate) -> Result<Session, ApiError> {
        let session = self.find(whose, id).await?;
        if let Some(title) = &update.title {
            store::rename(&self.0.state, &session.session_id, &one_line(title)).await?;
        }
        self.find(whose, &session.session_id).await
    }

    /// Deletes a conversation of theirs with all that was said.
    ///
    /// # Errors
    /// When they have none of this id, or a turn of it runs.
    pub async fn delete(&self, whose: &str, id: &str) -> Result<Session, ApiError> {
        let session = self.find(whose, id).await?;
        if session.busy {
            return Err(ApiError::new(
                ErrorKind::Conflict,
                "session_busy",
                "a turn of this session is still running",
            )
            .hint("stop it first, or wait until it is done"));
        }
        store::delete(&self.0.state, &session.session_id).await?;
        self.live().remove(&session.session_id);
        Ok(session)
    }

    /// Deletes every conversation of somebody's: who is called as they are later is somebody else.
    ///
    /// # Errors
    /// When they cannot be deleted.
    pub async fn forget(&self, whose: &str) -> Result<(), ApiError> {
        Ok(store::forget(&self.0.state, whose).await?)
    }

    /// The turns of a conversation, oldest first.
    ///
    /// # Errors
    /// When they cannot be read.
    pub async fn turns(&self, id: &str) -> Result<Vec<Turn>, ApiError> {
        Ok(turns::of_session(&self.0.state, id).await?)
    }

    /// A turn of theirs by id.
    ///
    /// # Errors
    /// When they have none.
    pub async fn turn(&self, whose: &str, id: &str) -> Result<Turn, ApiError> {
        let mut turn = turns::one(&self.0.state, whose, id).await?.ok_or_else(|| {
            ApiError::new(ErrorKind::NotFound, "turn_not_found", format!("there is no turn `{id}`"))
        })?;
        if let Some(answer) = self.unkept_answer(&turn.answer.session_id, id) {
            turn.answer = answer;
        }
        Ok(turn)
    }

    /// Follows a conversation: the receiver changes whenever a new event is in the journal.
    pub fn follow(&self, id: &str) -> watch::Receiver<u64> {
        self.live().entry(id.to_owned()).or_insert_with(|| watch::channel(0).0).subscribe()
    }

    fn attached(&self, id: &str) -> u64 {
        self.live().get(id).map_or(0, |sender| sender.receiver_count() as u64)
    }

    fn told(&self, id: &str, last: u64) {
        let mut live = self.live();
        if let Some(sender) = live.get(id) {
            sender.send_replace(last);
        }
        live.retain(|_, sender| sender.receiver_count() > 0);
    }

    /// Wakes those who follow a session although the journal has nothing new.
    fn nudge(&self, id: &str) {
        if let Some(sender) = self.live().get(id) {
            sender.send_modify(|_| {});
        }
    }

    fn live(&self) -> MutexGuard<'_, HashMap<String, watch::Sender<u64>>> {
        self.0.live.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A title is one line of at most 80 characters.
fn one_line(text: &str) -> String {
    let line = text.split_whitespace().collect::<Vec<_>>().join(" ");
    let clean: String = line.chars().filter(|c| !c.is_control()).collect();
    if clean.chars().count() <= 80 {
        return clean;
    }
    let cut: String = clean.chars().take(79).collect();
    format!("{}…", cut.trim_end())
}
