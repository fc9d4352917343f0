//! A question becomes an answer: the turn loop. Each provider answers in its own way; the turn around it is the same.

mod chart;
mod local;
mod turn;

use crate::clock;
use crate::gate::Gate;
use crate::lifecycle::Activity;
use crate::models::Models;
use crate::sessions::Sessions;
use crate::sources::{Cancel, Reason};
use chrono::{DateTime, NaiveDate, Utc};
use local::Local;
use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;
use turn::TurnLog;
use wharf_protocol::{ApiError, AskRequest, AskStarted, ErrorKind, Session};

/// Providers that this build has.
const PROVIDERS: &[&str] = &["local"];

/// All providers and the turns that run. Cheap to clone.
#[derive(Clone)]
pub struct Agents(Arc<Inner>);

struct Inner {
    models: Models,
    sessions: Sessions,
    activity: Activity,
    local: Local,
    running: Mutex<HashMap<String, Cancel>>,
}

/// What a provider gets: the question and its circumstances.
pub(crate) struct Question {
    pub(crate) text: String,
    pub(crate) source: String,
    pub(crate) now: DateTime<Utc>,
    pub(crate) follow_up: Option<String>,
    pub(crate) has_context: bool,
}

impl Agents {
    /// Providers over these rooms.
    pub fn new(gate: Gate, models: Models, sessions: Sessions, activity: Activity) -> Self {
        let local = Local::new(gate, models.clone());
        Self(Arc::new(Inner { models, sessions, activity, local, running: Mutex::default() }))
    }

    /// Begins a turn. When this returns the turn is on the disk and runs, whether or not the asker stays.
    ///
    /// # Errors
    /// When the session is unknown or busy, or the request does not fit.
    pub async fn ask(&self, request: AskRequest) -> Result<AskStarted, ApiError> {
        let question = request.question.trim();
        if question.is_empty() {
            return Err(ApiError::new(ErrorKind::Invalid, "empty_question", "there is no question"));
        }
        let provider = request.provider.as_deref().unwrap_or("local");
        if !PROVIDERS.contains(&provider) {
            return Err(ApiError::new(
                ErrorKind::NotFound,
                "provider_not_found",
                format!("there is no agent provider `{provider}`"),
            )
            .hint(format!("this build has: {}", PROVIDERS.join(", "))));
        }
        let now = request.now.as_deref().map(instant).transpose()?.unwrap_or_else(clock::now);
        let session = self.session(&request, question).await?;
        let source = self.0.models.choose(request.source.as_deref().or(session.source.as_deref()))?;
        let begun = self.0.sessions.begin(&session, question, provider).await?;
        let asked = Question {
            text: question.to_owned(),
            source,
            now,
            follow_up: begun.follow_up,
            has_context: request.context.is_some_and(|c| !c.trim().is_empty()),
        };
        self.start(&session, &begun.turn_id, asked, request.timeout_ms.map(Duration::from_millis));
        Ok(AskStarted {
            session_id: session.session_id,
            title: session.title,
            turn_id: begun.turn_id,
            after: begun.after,
        })
    }

    /// Stops a running turn; false if it does not run.
    pub fn stop(&self, turn: &str) -> bool {
        let cancel = self.running().get(turn).cloned();
        cancel.is_some_and(|c| {
            c.raise(Reason::Asked);
            true
        })
    }

    /// Stops all turns.
    pub fn stop_all(&self) {
        let all: Vec<Cancel> = self.running().values().cloned().collect();
        for cancel in all {
            cancel.raise(Reason::Shutdown);
        }
    }

    async fn session(&self, request: &AskRequest, question: &str) -> Result<Session, ApiError> {
        let sessions = &self.0.sessions;
        // A turn's source must exist before a session is made for it.
        let source = self.0.models.choose(request.source.as_deref());
        match &request.session {
            None => sessions.create(question, Some(&source?)).await,
            Some(name) => match sessions.find(name).await {
                Err(e) if e.code == "session_not_found" && request.create => {
                    sessions.create(name, Some(&source?)).await
                }
                found => found,
            },
        }
    }

    fn start(&self, session: &Session, turn: &str, question: Question, timeout: Option<Duration>) {
        let cancel = Cancel::default();
        self.running().insert(turn.to_owned(), cancel.clone());
        let busy = self.0.activity.turn();
        let (this, session, turn) = (self.clone(), session.session_id.clone(), turn.to_owned());
        tokio::spawn(async move {
            let _busy = busy;
            let deadline = timeout.map(|limit| {
                let cancel = cancel.clone();
                tokio::spawn(async move {
                    tokio::time::sleep(limit).await;
                    cancel.raise(Reason::Deadline);
                })
            });
            let mut log = TurnLog::new(this.0.sessions.clone(), &session, &turn, cancel);
            let result = this.0.local.answer(&question, &mut log).await;
            log.end(result).await;
            if let Some(deadline) = deadline {
                deadline.abort();
            }
            this.running().remove(&turn);
        });
    }

    fn running(&self) -> MutexGuard<'_, HashMap<String, Cancel>> {
        self.0.running.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Reads an instant: RFC 3339, or a date, which means its first instant in UTC.
fn instant(text: &str) -> Result<DateTime<Utc>, ApiError> {
    if let Ok(instant) = DateTime::parse_from_rfc3339(text) {
        return Ok(instant.with_timezone(&Utc));
    }
    let date = NaiveDate::parse_from_str(text, "%Y-%m-%d").ok().and_then(|d| d.and_hms_opt(0, 0, 0));
    date.map(|d| d.and_utc()).ok_or_else(|| {
        ApiError::new(ErrorKind::Invalid, "bad_time", format!("`{text}` is not a time"))
            .hint("write it as 2024-12-15 or 2024-12-15T10:00:00Z")
    })
}
