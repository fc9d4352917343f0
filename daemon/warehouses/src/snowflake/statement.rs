//! A statement on its way: what is sent, waiting until it is done, and stopping it when nobody waits any more.

use super::errors;
use super::fence;
use super::link::{Call, Link, PATIENCE};
use super::settings::Place;
use super::wire::{self, Done, Outcome};
use crate::port::Ask;
use serde_json::{Map, Value, json};
use std::sync::Arc;
use std::time::{Duration, Instant};
use tokio::runtime::Handle;
use tokio::sync::oneshot;
use wharf_protocol::{ApiError, ErrorKind, Param};

/// The shortest wait between two looks at a statement that runs.
const SHORTEST_LOOK: Duration = Duration::from_millis(5);
/// The longest.
const LONGEST_LOOK: Duration = Duration::from_secs(2);
/// How long stopping a statement is tried.
const STOPPING: Duration = Duration::from_secs(20);
/// The longest time, in seconds, that Snowflake lets a statement run.
const LONGEST_RUN: u64 = 604_800;
/// The longest tag of a statement.
const LONGEST_TAG: usize = 2000;

/// A statement that the far side has. Dropped before [`Far::done`], it stops it there.
pub(super) struct Far {
    link: Arc<Link>,
    runtime: Handle,
    pub(super) handle: String,
    stops: bool,
}

impl Far {
    fn new(link: &Arc<Link>, handle: String) -> Self {
        // Whoever drops it may do so outside of the runtime.
        Self { link: Arc::clone(link), runtime: Handle::current(), handle, stops: true }
    }

    /// There is nothing left to stop.
    pub(super) fn done(&mut self) {
        self.stops = false;
    }
}

impl Drop for Far {
    fn drop(&mut self) {
        if !self.stops {
            return;
        }
        let (link, handle) = (Arc::clone(&self.link), std::mem::take(&mut self.handle));
        self.runtime.spawn(async move {
            let path = format!("/api/v2/statements/{handle}/cancel");
            let call = Call { path, body: Some(b"{}".to_vec()), marked: false };
            let until = Instant::now() + STOPPING;
            // A statement that is already done answers with an error, which is as good.
            if let Err(error) = link.exchange(until, &call, |_| Ok(())).await {
                tracing::warn!(handle, error = error.message, "a statement could not be stopped");
            }
        });
    }
}

/// A statement as it is sent.
pub(super) struct Sending {
    body: Vec<u8>,
    /// It goes behind a `SET` of the tenant.
    several: bool,
    deadline: Option<Instant>,
}

impl Sending {
    /// # Errors
    /// When the statement is none that may run for a tenant, or its values there are not as many as its placeholders.
    pub(super) fn of(place: &Place, ask: &Ask) -> Result<Self, ApiError> {
        let tenant = place.tenant.as_ref().zip(ask.session.tenant.as_ref());
        let statement = match tenant {
            None => ask.sql.clone(),
            Some((variable, tenant)) => {
                // Snowflake binds no values where it runs several statements.
                let sql = fence::filled(&place.who, &ask.sql, &ask.params)?;
                let sql = fence::one_statement(&place.who, &sql, ask.writes)?.text;
                format!("SET {variable}={}; {sql}", fence::literal(&place.who, tenant)?)
            }
        };
        let several = tenant.is_some();
        let mut parameters = json!({"MULTI_STATEMENT_COUNT": if several { "2" } else { "1" }});
        if !ask.id.is_empty() {
            parameters["QUERY_TAG"] = ask.id.chars().take(LONGEST_TAG).collect::<String>().into();
        }
        if let Some(limit) = ask.limit.filter(|limit| *limit > 0) {
            parameters["ROWS_PER_RESULTSET"] = limit.to_string().into();
        }
        let mut body = json!({
            "statement": statement,
            "database": place.database,
            "schema": place.schema,
            "parameters": parameters,
        });
        if let Some(warehouse) = ask.session.warehouse.as_ref().or(place.warehouse.as_ref()) {
            body["warehouse"] = warehouse.as_str().into();
        }
        if let Some(role) = ask.session.role.as_ref().or(place.role.as_ref()) {
            body["role"] = role.as_str().into();
        }
        if let Some(deadline) = ask.deadline {
            let left = deadline.saturating_duration_since(Instant::now());
            // Zero would mean a week.
            let seconds = left.as_secs() + u64::from(left.subsec_nanos() > 0);
            body["timeout"] = seconds.clamp(1, LONGEST_RUN).into();
        }
        if !several && !ask.params.is_empty() {
            body["bindings"] = Value::Object(bindings(&ask.params));
        }
        Ok(Self { body: body.to_string().into_bytes(), several, deadline: ask.deadline })
    }

    /// Sends it and waits until it is done.
    ///
    /// # Errors
    /// When it cannot be sent, is refused or fails. Once it is not waited for any more, it is stopped.
    pub(super) async fn run(self, link: &Arc<Link>) -> Result<(Far, Done), ApiError> {
        let deadline = self.deadline;
        let several = self.several;
        let (mut far, mut outcome) = self.submitted(link).await?;
        let mut told = None;
        loop {
            outcome = match outcome {
                Outcome::Done(done) if several == told.is_some() => return Ok((far, *done)),
                Outcome::Done(_) => return Err(unset(&link.place)),
                Outcome::Running(_) => finished(link, &far.handle, deadline).await?,
                // The second is the statement itself.
                Outcome::Several(handles) if several && told.is_none() && handles.len() == 2 => {
                    let handle = handles.into_iter().nth(1).unwrap_or_default();
                    told = Some(());
                    let next = Far::new(link, handle);
                    far.done();
                    far = next;
                    finished(link, &far.handle, deadline).await?
                }
                Outcome::Several(_) => return Err(unset(&link.place)),
                Outcome::Refused(failure) => {
                    far.done();
                    return Err(errors::refused(&failure, &link.place, link.credential_kind()));
                }
            };
        }
    }

    /// Sends it. That goes on when this future is dropped, because only the answer tells what there is to stop.
    async fn submitted(self, link: &Arc<Link>) -> Result<(Far, Outcome), ApiError> {
        let (mut sender, receiver) = oneshot::channel();
        let link = Arc::clone(link);
        tokio::spawn(async move {
            let path =
                format!("/api/v2/statements?requestId={}&async=true&nullable=true", uuid::Uuid::new_v4());
            let call = Call { path, body: Some(self.body), marked: true };
            let until = self.deadline.unwrap_or_else(|| Instant::now() + PATIENCE);
            let sending = async {
                let outcome = link.exchange(until, &call, wire::outcome).await?;
                let handle = match &outcome {
                    Outcome::Running(handle) => handle.clone(),
                    Outcome::Done(done) => done.handle.clone().unwrap_or_default(),
                    Outcome::Several(_) | Outcome::Refused(_) => String::new(),
                };
                let mut far = Far::new(&link, handle);
                if far.handle.is_empty() {
                    far.done();
                }
                Ok((far, outcome))
            };
            let sent = tokio::select! {
                sent = sending => sent,
                // Nobody waits any more, and what cannot be sent in a while needs no stopping.
                () = async { sender.closed().await; tokio::time::sleep(STOPPING).await } => return,
            };
            // Not taken, the statement is dropped and thereby stopped.
            drop(sender.send(sent));
        });
        match receiver.await {
            Ok(sent) => sent,
            Err(_) => {
                Err(ApiError::new(ErrorKind::Internal, "sending", "the sending of a statement was cut short"))
            }
        }
    }
}

/// Looks at a statement until it no longer runs: at first quickly, then ever less often, but never later than by a quarter of the
/// time it has taken.
async fn finished(link: &Arc<Link>, handle: &str, deadline: Option<Instant>) -> Result<Outcome, ApiError> {
    let start = Instant::now();
    loop {
        match looked(link, handle, deadline).await? {
            Outcome::Running(_) => {}
            // Too many looks; the statement itself still runs.
            Outcome::Refused(failure) if failure.status == 429 => {}
            outcome => return Ok(outcome),
        }
        let wait = (start.elapsed() / 4).clamp(SHORTEST_LOOK, LONGEST_LOOK);
        tokio::time::sleep(wait).await;
    }
}

async fn looked(link: &Arc<Link>, handle: &str, deadline: Option<Instant>) -> Result<Outcome, ApiError> {
    let call = Call { path: format!("/api/v2/statements/{handle}"), body: None, marked: false };
    link.exchange(deadline.unwrap_or_else(|| Instant::now() + PATIENCE), &call, wire::outcome).await
}

fn unset(place: &Place) -> ApiError {
    let message = format!(
        "{}: the answer is not that of the statements that were sent, so it is not known what ran and for whom",
        place.who
    );
    ApiError::new(ErrorKind::Failed, "tenant_unknown", message)
        .hint("check that the option endpoint leads to Snowflake's SQL API")
}

/// Values as Snowflake takes them: text of a type, by position.
fn bindings(params: &[(String, Param)]) -> Map<String, Value> {
    let value = |param: &Param| match param {
        Param::Null => json!({"type": "TEXT", "value": null}),
        Param::Bool(truth) => json!({"type": "BOOLEAN", "value": truth.to_string()}),
        Param::Int(number) => json!({"type": "FIXED", "value": number.to_string()}),
        Param::Text(text) => json!({"type": "TEXT", "value": text}),
    };
    params.iter().enumerate().map(|(at, (_, param))| ((at + 1).to_string(), value(param))).collect()
}
