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
    /// By turn: who asks, and how to end it.
    running: Mutex<HashMap<String, (String, Cancel)>>,
}

/// What a provider gets: the question, who asks, and the circumstances.
pub(crate) struct Question {
    /// Open for who asks: the only way to data that a provider has.
    pub(crate) gate: Gate,
    /// The models that who asks may see.
    pub(crate) models: Models,
    pub(crate) text: String,
    pub(crate) source: String,
    pub(crate) now: DateTime<Utc>,
    pub(crate) follow_up: Option<String>,
    pub(crate) has_context: bool,
}

impl Agents {
    /// Providers over these rooms.
    pub fn new(models: Models, sessions: Sessions, activity: Activity) -> Self {
        let local = Local::default();
        Self(Arc::new(Inner { models, sessions, activity, local, running: Mutex::default() }))
    }

    /// Begins a turn for whom the gate is open. When this returns the turn is on the disk and runs, whether or not the
    /// asker stays.
    ///
    /// # Errors
    /// When the session is not theirs or busy, or the request does not fit.
    pub async fn ask(&self, gate: &Gate, request: AskRequest) -> Result<AskStarted, ApiError> {
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
        let models = self.0.models.behind(gate);
        let whose = gate.principal().name();
        let session = self.session(&models, &whose, &request, question).await?;
        let source = models.choose(request.source.as_deref().or(session.source.as_deref())).await?;
        let begun = self.0.sessions.begin(&session, question, provider).await?;
        let asked = Question {
            gate: gate.clone(),
            models,
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

    /// Stops a running turn of theirs; false if they have none of this id that runs.
    pub fn stop(&self, whose: &str, turn: &str) -> bool {
        let found = self.running().get(turn).filter(|(w, _)| w == whose).map(|(_, cancel)| cancel.clone());
        found.is_some_and(|cancel| {
            cancel.raise(Reason::Asked);
            true
        })
    }

    /// Stops all turns of these askers: they may ask no longer.
    pub fn stop_of(&self, whose: &[String]) {
        self.raise(Reason::Gone, |asker| whose.contains(asker));
    }

    /// Stops all turns.
    pub fn stop_all(&self) {
        self.raise(Reason::Shutdown, |_| true);
    }

    fn raise(&self, reason: Reason, of: impl Fn(&String) -> bool) {
        let meant: Vec<Cancel> =
            self.running().values().filter(|(whose, _)| of(whose)).map(|(_, c)| c.clone()).collect();
        for cancel in meant {
            cancel.raise(reason);
        }
    }

    async fn session(
        &self,
        models: &Models,
        whose: &str,
        request: &AskRequest,
        question: &str,
    ) -> Result<Session, ApiError> {
        let sessions = &self.0.sessions;
        // A turn's source must exist before a session is made for it.
        let source = models.choose(request.source.as_deref());
        match &request.session {
            None => sessions.create(whose, question, Some(&source.await?)).await,
            Some(name) => match sessions.find(whose, name).await {
                Err(e) if e.code == "session_not_found" && request.create => {
                    sessions.create(whose, name, Some(&source.await?)).await
                }
                found => found,
            },
        }
    }

    fn start(&self, session: &Session, turn: &str, question: Question, timeout: Option<Duration>) {
        let cancel = Cancel::default();
        let whose = question.gate.principal().name();
        self.running().insert(turn.to_owned(), (whose, cancel.clone()));
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

    fn running(&self) -> MutexGuard<'_, HashMap<String, (String, Cancel)>> {
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
