//! One statement at the far side: sent, waited for, and cancelled when nobody waits any more.
//!
//! A statement travels in a batch that first says how it is to run: in a transaction that only reads, with the source's schema
//! in front, under a timeout that the server keeps even when nobody is there to cancel. What writes runs without a transaction,
//! because some statements cannot run in one.

use super::client::{Client, token};
use super::messages::{Begun, Described, Part};
use super::settings::Place;
use super::trouble::{self, WAITING, ended, odd};
use crate::port::Ask;
use crate::redshift::rows::GRACE;
use crate::wire::states;
use serde_json::{Value, json};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};
use tokio::runtime::Handle;
use tokio::sync::{OwnedSemaphorePermit, Semaphore, oneshot};
use tokio::time::timeout_at;
use wharf_policy::Dialect;
use wharf_protocol::{ApiError, ErrorKind, Param};

/// The longest statement that the Data API takes, in bytes.
const LONGEST: usize = 100 << 10;
/// How long calls are repeated for a statement without a deadline.
const PATIENCE: Duration = Duration::from_secs(300);
/// How long a request that begins a statement is still waited for when nobody wants the statement any more: its answer tells
/// what to cancel.
const LEFT: Duration = Duration::from_secs(15);
/// The shortest and the longest pause between two questions whether it has ended.
const PAUSES: (Duration, Duration) = (Duration::from_millis(250), Duration::from_secs(5));

/// The statements of one source.
pub(super) struct Statements {
    pub(super) client: Arc<Client>,
    slots: Arc<Semaphore>,
    /// Whether the far side holds a transaction to reading. It is believed to, until it says that it does not know how.
    fence: AtomicBool,
}

/// A statement that has ended well.
pub(super) struct Ended {
    /// The far side's id of it.
    pub(super) id: String,
    /// Where its rows are; none where it has none.
    pub(super) result: Option<String>,
    /// How many rows it has, or touched, where known.
    pub(super) rows: Option<u64>,
}

/// A statement's text with the far side's placeholders, and the values that travel beside it.
#[derive(Debug, PartialEq)]
pub(super) struct Text {
    pub(super) sql: String,
    pub(super) values: Vec<Value>,
}

impl Text {
    /// Puts `:wharf_1` in the place of `$1`, in brackets, so that no word around it is read as part of it. The Data API can bind
    /// neither NULL nor an empty text, and knows only texts; so NULL, numbers and truth stand in the statement themselves, where
    /// they have their own type, and so does the empty text.
    ///
    /// # Errors
    /// When the statement has other parameters than there are values.
    pub(super) fn of(ask: &Ask) -> Result<Self, ApiError> {
        let mut used = vec![false; ask.params.len()];
        let mut wanted = 0;
        let sql = wharf_policy::replaced(&ask.sql, Dialect::Redshift, |number| {
            let number: usize = number.parse().ok().filter(|number| *number > 0)?;
            wanted = wanted.max(number);
            let (_, value) = ask.params.get(number - 1)?;
            *used.get_mut(number - 1)? = true;
            Some(match value {
                Param::Null => "(NULL)".to_owned(),
                Param::Bool(yes) => format!("({yes})"),
                // Its digits alone would be a NUMERIC, since the sign is not part of them.
                Param::Int(i64::MIN) => format!("('{}'::bigint)", i64::MIN),
                Param::Int(whole) => format!("({whole})"),
                Param::Text(text) if text.is_empty() => "('')".to_owned(),
                Param::Text(_) => format!("(:wharf_{number})"),
            })
        });
        let came = ask.params.len();
        if wanted != came {
            let message = format!("the statement has {wanted} parameters, but {came} values came");
            return Err(ApiError::new(ErrorKind::Invalid, "parameter_missing", message)
                .hint("give each with --param NAME=VALUE, and write $NAME where it belongs"));
        }
        let bound = ask.params.iter().zip(used).enumerate().filter(|(_, (_, used))| *used);
        let values = bound.filter_map(|(at, ((_, value), _))| match value {
            Param::Text(text) if !text.is_empty() => {
                Some(json!({ "name": format!("wharf_{}", at + 1), "value": text }))
            }
            _ => None,
        });
        Ok(Self { sql, values: values.collect() })
    }
}

/// Cancels a statement at the far side when it is dropped.
struct Guard {
    client: Arc<Client>,
    id: String,
    over: bool,
    slot: Option<OwnedSemaphorePermit>,
    runtime: Handle,
}

impl Drop for Guard {
    fn drop(&mut self) {
        if self.over {
            return;
        }
        let (client, id, slot) = (self.client.clone(), self.id.clone(), self.slot.take());
        self.runtime.spawn(async move {
            let until = Instant::now() + Duration::from_secs(30);
            // It may have ended meanwhile, which is refused and harms nobody.
            if let Err(error) = client.call("CancelStatement", &json!({ "Id": id }), until).await {
                tracing::debug!(who = client.who, id, error.code, "not cancelled there");
            }
            drop(slot);
        });
    }
}

impl Statements {
    /// None runs yet.
    pub(super) fn new(client: Client) -> Self {
        let slots = Arc::new(Semaphore::new(client.settings.connections));
        Self { client: Arc::new(client), slots, fence: AtomicBool::new(true) }
    }

    /// Whether the far side holds statements to reading, as far as is known.
    pub(super) fn are_fenced(&self) -> bool {
        self.fence.load(Ordering::Relaxed)
    }

    /// Runs a statement until its end.
    ///
    /// # Errors
    /// When it is refused, fails or runs out of time; then nothing of it runs any more.
    pub(super) async fn run(&self, source: &str, ask: &Ask) -> Result<Ended, ApiError> {
        if ask.sql.len() > LONGEST {
            let message = format!(
                "{}: the statement has {} KB, and the Data API takes 100 at most",
                self.client.who,
                ask.sql.len().div_ceil(1 << 10)
            );
            return Err(ApiError::new(ErrorKind::Limit, "statement_too_long", message)
                .hint("join a table in the place of a long list, or take the PostgreSQL protocol"));
        }
        let text = Text::of(ask)?;
        let mut fenced = !ask.writes && self.are_fenced();
        loop {
            let slot = self.slot(source, ask.deadline).await?;
            match self.submit(ask, &text, fenced, slot).await {
                Err(error) if fenced && fence_not_taken(&error) => {}
                begun => {
                    let mut guard = begun?;
                    let described = self.wait(&mut guard, ask.deadline).await?;
                    if !(fenced && fence_refused(&described)) {
                        return self.ended(&guard, &described, ask, &text);
                    }
                }
            }
            tracing::warn!(who = self.client.who, "the far side does not hold transactions to reading");
            self.fence.store(false, Ordering::Relaxed);
            fenced = false;
        }
    }

    /// A place among the statements that run at once.
    async fn slot(&self, source: &str, deadline: Option<Instant>) -> Result<OwnedSemaphorePermit, ApiError> {
        let slot = self.slots.clone().acquire_owned();
        let slot = match deadline {
            Some(until) => timeout_at(until.into(), slot).await.map_err(|_| states::no_free(source))?,
            None => slot.await,
        };
        slot.map_err(|_| states::no_free(source))
    }

    /// The request that begins a statement.
    fn request(&self, ask: &Ask, text: &Text, fenced: bool) -> Value {
        let settings = &self.client.settings;
        let path = settings.schema.replace('"', "\"\"");
        let local = if ask.writes { "" } else { "local " };
        let mut statements = Vec::new();
        if fenced {
            statements.push(FENCE.to_owned());
        }
        statements.push(format!("set {local}search_path to \"{path}\""));
        if let Some(deadline) = ask.deadline {
            let left = deadline.saturating_duration_since(Instant::now());
            // 0 would mean without end.
            let millis = left.as_millis().clamp(1, i32::MAX as u128);
            statements.push(format!("set {local}statement_timeout to {millis}"));
        }
        statements.push(text.sql.clone());
        let mut body = json!({
            "Sqls": statements,
            "Database": settings.database,
            "ClientToken": token(),
        });
        match &settings.place {
            Place::Workgroup(name) => body["WorkgroupName"] = name.as_str().into(),
            Place::Cluster(name, user) => {
                body["ClusterIdentifier"] = name.as_str().into();
                if let Some(user) = user {
                    body["DbUser"] = user.as_str().into();
                }
            }
        }
        if let Some(secret) = &settings.secret_arn {
            body["SecretArn"] = secret.as_str().into();
        }
        if !text.values.is_empty() {
            body["Parameters"] = text.values.clone().into();
        }
        if ask.writes {
            body["ExecutionMode"] = "AUTO_COMMIT".into();
        }
        if !ask.id.is_empty() {
            body["StatementName"] = format!("wharf {}", ask.id).into();
        }
        body
    }

    /// Sends a statement. It is not waited for in the same request, so that its id is known at once and a cancellation finds it.
    /// Should nobody wait for the answer any more, the statement is cancelled as soon as its id is known.
    async fn submit(
        &self,
        ask: &Ask,
        text: &Text,
        fenced: bool,
        slot: OwnedSemaphorePermit,
    ) -> Result<Guard, ApiError> {
        let body = self.request(ask, text, fenced);
        let until = until(ask.deadline);
        let (waiting, gone) = oneshot::channel::<()>();
        let client = self.client.clone();
        let who = client.who.clone();
        let sent = tokio::spawn(async move { begin(client, body, until, slot, gone).await });
        let result = match ask.deadline {
            None => sent.await,
            Some(at) => match timeout_at(at.into(), sent).await {
                Ok(result) => result,
                Err(_) => return Err(late(&who, "it was sent")),
            },
        };
        drop(waiting);
        result
            .unwrap_or_else(|e| Err(ApiError::new(ErrorKind::Internal, "task", format!("a task ended: {e}"))))
    }

    /// Waits until a statement has ended, well or not.
    async fn wait(&self, guard: &mut Guard, deadline: Option<Instant>) -> Result<Described, ApiError> {
        let mut pause = PAUSES.0;
        let mut holds = true;
        let waiting = async {
            loop {
                let asked = Instant::now();
                let mut body = json!({ "Id": guard.id });
                if holds {
                    body["WaitTimeSeconds"] = self.client.wait.into();
                }
                match self.client.read::<Described>("DescribeStatement", &body, until(deadline)).await {
                    Ok(described) => match described.status.as_str() {
                        "FINISHED" | "FAILED" | "ABORTED" => return Ok(described),
                        "SUBMITTED" | "PICKED" | "STARTED" => {}
                        _ => return Err(odd(&self.client.who, "a statement in an unknown state")),
                    },
                    Err(error) if error.code == WAITING && holds => holds = false,
                    Err(error) => return Err(error),
                }
                // An answer that was held back has waited enough already.
                tokio::time::sleep(pause.saturating_sub(asked.elapsed())).await;
                pause = pause.mul_f64(1.5).min(PAUSES.1);
            }
        };
        let described = match deadline {
            None => waiting.await?,
            // The server ends it itself at the deadline, and tells more of it.
            Some(at) => match timeout_at((at + GRACE).into(), waiting).await {
                Ok(described) => described?,
                Err(_) => return Err(late(&self.client.who, "it ran")),
            },
        };
        guard.over = true;
        Ok(described)
    }

    fn ended(&self, guard: &Guard, described: &Described, ask: &Ask, text: &Text) -> Result<Ended, ApiError> {
        let who = &self.client.who;
        let parts = &described.sub_statements;
        let fine = |part: &Part| part.status == "FINISHED";
        if described.status != "FINISHED" || !parts.iter().all(fine) {
            return Err(self.failed(described, ask, text));
        }
        let Some(Part { id, has_result_set, result_rows, .. }) = parts.last() else {
            return Err(odd(who, "a batch without statements"));
        };
        // Statements like EXPLAIN have rows, but say that there are none.
        let rows = result_rows.and_then(|rows| u64::try_from(rows).ok());
        let rows = rows.filter(|rows| *rows > 0 || !has_result_set);
        Ok(Ended { id: guard.id.clone(), result: has_result_set.then(|| id.clone()), rows })
    }

    /// The error of a batch that did not end well: of the statement in it that failed, else of the whole.
    fn failed(&self, described: &Described, ask: &Ask, text: &Text) -> ApiError {
        let parts = &described.sub_statements;
        let at = parts.iter().position(|part| part.status == "FAILED");
        let part = at.and_then(|at| parts.get(at));
        let told = part.and_then(|part| part.error.as_deref()).filter(|text| !text.is_empty());
        let told = told.or(described.error.as_deref());
        let status = if described.status == "ABORTED" { "ABORTED" } else { "FAILED" };
        let own = at.is_some_and(|at| at + 1 == parts.len()) && text.sql == ask.sql;
        let error = ended(&self.client.who, status, told, own.then_some(ask.sql.as_str()));
        self.late_by_server(error, ask)
    }

    /// A statement that ended by the server's own timeout may be told as somebody's wish.
    fn late_by_server(&self, error: ApiError, ask: &Ask) -> ApiError {
        match (error.kind, ask.deadline) {
            (ErrorKind::Cancelled, Some(at)) if at <= Instant::now() => late(&self.client.who, "it ran"),
            _ => error,
        }
    }
}

/// What holds a transaction to reading.
const FENCE: &str = "set transaction read only";

/// Whether the far side failed at the fence itself, because it does not know it. Nothing else has run then.
fn fence_refused(described: &Described) -> bool {
    let Some(Part { status, error, .. }) = described.sub_statements.first() else { return false };
    let told = error.as_deref().or(described.error.as_deref()).unwrap_or_default().to_ascii_lowercase();
    status == "FAILED"
        && ["syntax error", "set transaction", "transaction_read_only", "not supported"]
            .iter()
            .any(|w| told.contains(w))
}

/// Whether the request was refused for the fence in it, before anything ran.
fn fence_not_taken(error: &ApiError) -> bool {
    error.code == "source_refused" && error.message.to_ascii_lowercase().contains("transaction")
}

/// Until when calls may be repeated that belong to something with this deadline.
pub(super) fn until(deadline: Option<Instant>) -> Instant {
    let patience = Instant::now() + PATIENCE;
    deadline.map_or(patience, |deadline| patience.min(deadline + GRACE))
}

/// An error that its time is over.
pub(super) fn late(who: &str, while_what: &str) -> ApiError {
    let message = format!("{who}: the time ran out while {while_what}; it was cancelled");
    ApiError::new(ErrorKind::Deadline, "deadline", message)
        .hint("give it more time with --timeout, or ask for less")
}

async fn begin(
    client: Arc<Client>,
    body: Value,
    until: Instant,
    slot: OwnedSemaphorePermit,
    mut gone: oneshot::Receiver<()>,
) -> Result<Guard, ApiError> {
    let begun = {
        // Not cut at the deadline: an answer that comes later still tells the id that is to be cancelled.
        let until = until.max(Instant::now() + LEFT);
        let asked = client.read::<Begun>("BatchExecuteStatement", &body, until);
        tokio::pin!(asked);
        tokio::select! {
            begun = &mut asked => begun?,
            _ = &mut gone => match tokio::time::timeout(LEFT, asked).await {
                Ok(begun) => begun?,
                Err(_) => return Err(late(&client.who, "it was sent")),
            },
        }
    };
    if begun.id.is_empty() {
        return Err(trouble::odd(&client.who, "a statement without an id"));
    }
    Ok(Guard { client, id: begun.id, over: false, slot: Some(slot), runtime: Handle::current() })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::port::Session;

    fn ask(sql: &str, values: &[Param]) -> Ask {
        Ask {
            id: String::new(),
            sql: sql.to_owned(),
            params: values.iter().enumerate().map(|(n, v)| (format!("p{n}"), v.clone())).collect(),
            deadline: None,
            session: Session::default(),
            writes: false,
            limit: None,
        }
    }

    #[test]
    fn values_travel_beside_the_text_where_they_can() {
        let text = |text: &str| Param::Text(text.to_owned());
        let sql = "select $1::date, '$2', $2 -- $3\n, $3, $4, \"$5\", $5, $1, $6";
        let values = [
            text("2026-01-01"),
            text(""),
            Param::Null,
            Param::Int(-7),
            Param::Bool(true),
            Param::Int(i64::MIN),
        ];
        let made = Text::of(&ask(sql, &values)).unwrap();
        assert_eq!(
            made.sql,
            "select (:wharf_1)::date, '$2', ('') -- $3\n, (NULL), (-7), \"$5\", (true), (:wharf_1), \
             ('-9223372036854775808'::bigint)"
        );
        assert_eq!(made.values, [json!({ "name": "wharf_1", "value": "2026-01-01" })]);
        for (sql, values) in
            [("select $2", vec![text("a")]), ("select 1", vec![text("a")]), ("select $1", vec![])]
        {
            assert_eq!(Text::of(&ask(sql, &values)).unwrap_err().code, "parameter_missing", "{sql}");
        }
    }
}
