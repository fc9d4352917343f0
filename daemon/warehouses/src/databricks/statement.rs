//! One statement at the far side: sent, waited for, and cancelled when nobody waits any more.

use super::errors::{self, About};
use super::far::{Body, Call, Far, PATIENCE};
use super::wire::Reply;
use crate::http::Again;
use crate::port::Ask;
use reqwest::Method;
use serde_json::{Value, json};
use std::sync::Arc;
use std::sync::atomic::{AtomicU8, Ordering};
use std::time::{Duration, Instant};
use tokio::runtime::Handle;
use tokio::time::timeout_at;
use url::Url;
use wharf_protocol::{ApiError, ErrorKind, Param};

/// The longest text of a statement that is accepted, in bytes.
const LONGEST: usize = 16 << 20;
/// The shortest and the longest pause between two questions whether it has ended; between them a tenth of the time so far.
const PAUSES: (Duration, Duration) = (Duration::from_millis(20), Duration::from_secs(5));
/// After this time the warehouse is asked why it has not begun, and again after each such time.
const QUIET: Duration = Duration::from_millis(250);
const QUIET_AGAIN: Duration = Duration::from_secs(5);

/// How the rows are to come.
///
/// `EXTERNAL_LINKS` with `ARROW_STREAM` is exact for every type, has no limit that matters and is fetched in parallel, but it
/// costs two more round trips (the state, the link). So a result that is known to be small, because its reader takes few rows,
/// comes inside the answer to the statement itself, as `INLINE` with `JSON_ARRAY`. `INLINE_OR_EXTERNAL_LINKS` would do both at
/// once, but it is the vendor's drivers' own and not documented.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Way {
    /// Inside the answer.
    Inline,
    /// As links to chunks.
    Links,
}

/// The most rows that are asked for inside the answer.
pub(super) const INLINE_ROWS: u64 = 500;

impl Way {
    /// The way for a statement. What writes never comes inline: should that fail for its size, it could not be run again.
    pub(super) fn of(ask: &Ask) -> Self {
        match ask.limit {
            Some(limit) if limit <= INLINE_ROWS && !ask.writes => Self::Inline,
            _ => Self::Links,
        }
    }
}

/// The body of the request. An inline answer is waited for by the far side for as short as it allows (5 seconds): it then comes
/// in one round trip. Links are not waited for, so that the id is known at once and a cancellation finds it.
pub(super) fn request(ask: &Ask, way: Way, warehouse: &str, catalog: &str, schema: Option<&str>) -> Value {
    let (disposition, format, wait) = match way {
        Way::Inline => ("INLINE", "JSON_ARRAY", "5s"),
        Way::Links => ("EXTERNAL_LINKS", "ARROW_STREAM", "0s"),
    };
    let mut body = json!({
        "statement": ask.sql,
        "warehouse_id": warehouse,
        "catalog": catalog,
        "disposition": disposition,
        "format": format,
        "wait_timeout": wait,
        "on_wait_timeout": "CONTINUE",
    });
    if let Some(schema) = schema {
        body["schema"] = schema.into();
    }
    if let Some(limit) = row_limit(ask) {
        body["row_limit"] = limit.into();
    }
    if !ask.params.is_empty() {
        body["parameters"] = ask.params.iter().map(|(name, value)| parameter(name, value)).collect();
    }
    if !ask.id.is_empty() {
        body["query_tags"] = json!([{ "key": "wharf", "value": ask.id }]);
    }
    body
}

/// The limit that the far side is told. What writes has none: its few rows tell what it did.
pub(super) fn row_limit(ask: &Ask) -> Option<u64> {
    ask.limit.filter(|limit| !ask.writes && *limit > 0)
}

fn parameter(name: &str, value: &Param) -> Value {
    match value {
        Param::Null => json!({ "name": name, "type": "VOID" }),
        Param::Bool(value) => json!({ "name": name, "type": "BOOLEAN", "value": value.to_string() }),
        Param::Int(value) => json!({ "name": name, "type": "BIGINT", "value": value.to_string() }),
        Param::Text(value) => json!({ "name": name, "type": "STRING", "value": value }),
    }
}

/// A statement that the far side knows.
pub(super) struct Statement {
    pub(super) far: Arc<Far>,
    pub(super) id: String,
    pub(super) deadline: Option<Instant>,
    warehouse: String,
}

const RUNS: u8 = 0;
const HELD: u8 = 1;
const OVER: u8 = 2;

/// Ends a statement at the far side when it is dropped.
pub(super) struct Guard {
    statement: Arc<Statement>,
    state: AtomicU8,
    runtime: Handle,
}

impl Guard {
    /// The statement that is guarded.
    pub(super) fn statement(&self) -> &Arc<Statement> {
        &self.statement
    }

    /// It needs no ending: it failed, or its result is gone.
    pub(super) fn over(&self) {
        self.state.store(OVER, Ordering::Release);
    }

    /// It has run and its result is kept for us.
    fn held(&self) {
        self.state.store(HELD, Ordering::Release);
    }

    /// All of it was read. A result that lies in chunks is given back; one that came in the answer costs nothing there.
    pub(super) fn read(&self, in_chunks: bool) {
        self.over();
        if in_chunks {
            let statement = Arc::clone(&self.statement);
            self.runtime.spawn(async move { statement.end(Method::DELETE, "").await });
        }
    }
}

impl Drop for Guard {
    fn drop(&mut self) {
        let state = self.state.load(Ordering::Acquire);
        if state == OVER {
            return;
        }
        let statement = Arc::clone(&self.statement);
        self.runtime.spawn(async move {
            statement.end(Method::POST, "/cancel").await;
            if state == HELD {
                statement.end(Method::DELETE, "").await;
            }
        });
    }
}

impl Statement {
    /// Until when a call for it may be repeated. A little beyond its deadline, so that whoever waits tells what for.
    pub(super) fn until(&self) -> Instant {
        until(self.deadline)
    }

    /// The address of the statement itself, or of `tail` below it.
    pub(super) fn url(&self, tail: &str) -> Result<Url, ApiError> {
        let mut url = self.far.segments("/api/2.0/sql/statements", &[&self.id])?;
        url.set_path(&format!("{}{tail}", url.path()));
        Ok(url)
    }

    /// Cancels or closes it. Nobody waits for that, and a failure harms nobody: the far side forgets it by itself.
    async fn end(&self, method: Method, tail: &str) {
        let until = Instant::now() + Duration::from_secs(30);
        let Ok(url) = self.url(tail) else { return };
        let about = About::Statement(self.warehouse.clone());
        let call = Call { method, url, body: Body::None, again: Again::Always, until, about };
        if let Err(error) = self.far.call(&call).await {
            tracing::debug!(
                source = self.far.name,
                statement = self.id,
                code = error.code,
                "not ended there"
            );
        }
    }

    async fn ask(&self) -> Result<Reply, ApiError> {
        let about = About::Chunk;
        self.far.json(&self.far.get(self.url("")?, about, self.until())).await
    }

    /// An error that its time is over.
    pub(super) fn late(&self, while_what: &str) -> ApiError {
        let message = format!("{}: the time ran out while {while_what}; it was cancelled", self.far.who);
        ApiError::new(ErrorKind::Deadline, "deadline", message)
            .hint("give it more time with --timeout, or ask for less")
    }
}

/// Until when calls may be repeated that belong to something with this deadline.
pub(super) fn until(deadline: Option<Instant>) -> Instant {
    let patience = Instant::now() + PATIENCE;
    deadline.map_or(patience, |deadline| patience.min(deadline + Duration::from_secs(1)))
}

/// Sends a statement. Should nobody wait for the answer any more, the statement is cancelled as soon as its id is known.
pub(super) async fn submit(
    far: &Arc<Far>,
    body: &Value,
    warehouse: &str,
    deadline: Option<Instant>,
) -> Result<(Guard, Reply), ApiError> {
    let text = body.to_string();
    if body["statement"].as_str().map_or(0, str::len) > LONGEST {
        let message = format!("{}: the statement is longer than 16 MiB", far.who);
        return Err(ApiError::new(ErrorKind::Limit, "statement_too_long", message));
    }
    let (waiting, gone) = tokio::sync::oneshot::channel::<()>();
    let call = Call {
        method: Method::POST,
        url: far.url("/api/2.0/sql/statements")?,
        body: Body::Json(Arc::new(text.into_bytes())),
        again: Again::IfRefused,
        // Not cut at the deadline: an answer that comes later still tells the id that is to be cancelled.
        until: until(deadline).max(Instant::now() + Duration::from_secs(15)),
        about: About::Statement(warehouse.to_owned()),
    };
    let (who, far, warehouse) = (far.who.clone(), Arc::clone(far), warehouse.to_owned());
    let sent = tokio::spawn(async move { send(far, call, warehouse, deadline, gone).await });
    let result = match deadline {
        None => sent.await,
        Some(at) => timeout_at(at.into(), sent).await.unwrap_or_else(|_| Ok(Err(late_to_begin(&who)))),
    };
    drop(waiting);
    result.unwrap_or_else(|e| Err(ApiError::new(ErrorKind::Internal, "task", format!("a task ended: {e}"))))
}

fn late_to_begin(who: &str) -> ApiError {
    ApiError::new(ErrorKind::Deadline, "deadline", format!("{who} did not take the statement in time"))
        .hint("give it more time with --timeout; a warehouse may need minutes to start")
}

async fn send(
    far: Arc<Far>,
    call: Call,
    warehouse: String,
    deadline: Option<Instant>,
    mut gone: tokio::sync::oneshot::Receiver<()>,
) -> Result<(Guard, Reply), ApiError> {
    // While it is refused (429, 503) nothing runs yet, so there it may simply be left.
    let reply = {
        let asked = far.json::<Reply>(&call);
        tokio::pin!(asked);
        tokio::select! {
            reply = &mut asked => reply?,
            _ = &mut gone => match tokio::time::timeout(Duration::from_secs(15), asked).await {
                Ok(reply) => reply?,
                Err(_) => return Err(late_to_begin(&far.who)),
            },
        }
    };
    let Some(id) = reply.statement_id.clone().filter(|id| !id.is_empty()) else {
        return Err(far.unreadable("its answer to a statement names no statement"));
    };
    let statement = Arc::new(Statement { far, id, deadline, warehouse });
    let guard = Guard { statement, state: AtomicU8::new(RUNS), runtime: Handle::current() };
    Ok((guard, reply))
}

/// Waits until a statement has ended.
///
/// # Errors
/// When it ended otherwise than well. `Ok(None)` if only because its result does not fit into an answer.
pub(super) async fn wait(guard: &Guard, mut reply: Reply, way: Way) -> Result<Option<Reply>, ApiError> {
    let statement = guard.statement();
    let begun = Instant::now();
    let mut told = begun - QUIET_AGAIN + QUIET;
    let mut waits = Some(statement.far.begin_waiting());
    loop {
        let state = reply.state();
        match &state[..] {
            "SUCCEEDED" => {
                guard.held();
                return Ok(Some(reply));
            }
            "FAILED" if way == Way::Inline && errors::too_large_inline(reply.status.as_ref()) => {
                guard.over();
                return Ok(None);
            }
            "FAILED" | "CANCELED" | "CANCELLED" | "CLOSED" => {
                guard.over();
                let error = errors::ended(&statement.far.who, &state, reply.status.as_ref());
                return Err(statement.far.scrubbed(error));
            }
            _ => {}
        }
        let pause = (begun.elapsed() / 10).clamp(PAUSES.0, PAUSES.1);
        let pending = state == "PENDING";
        if !pending {
            waits = None;
        }
        let next = async {
            tokio::time::sleep(pause).await;
            if let Some(waits) = waits.as_ref().filter(|_| told.elapsed() >= QUIET_AGAIN) {
                told = Instant::now();
                waits.tell(why(statement, begun).await?);
            }
            statement.ask().await
        };
        let waiting_for = match pending {
            true => "it waited for the warehouse to start or to have room",
            false => "it ran",
        };
        reply = match statement.deadline {
            None => next.await?,
            Some(at) => match timeout_at(at.into(), next).await {
                Ok(reply) => reply?,
                Err(_) => return Err(statement.late(waiting_for)),
            },
        };
    }
}

/// Tells why a statement has not begun. A warehouse that is gone is an error: it would be waited for in vain.
async fn why(statement: &Statement, begun: Instant) -> Result<String, ApiError> {
    let far = &statement.far;
    let id = &statement.warehouse;
    let soon = Instant::now() + Duration::from_secs(10);
    let facts = far.warehouse_facts(id, soon.min(statement.until())).await.unwrap_or_default();
    let name = facts.name.clone().unwrap_or_else(|| id.clone());
    let what = match &facts.state()[..] {
        "RUNNING" => format!("waiting for room on warehouse {name}"),
        "DELETED" | "DELETING" => {
            far.choose_anew().await;
            let message = format!("{}: warehouse {name} was deleted [{}]", far.who, facts.state());
            return Err(ApiError::new(ErrorKind::NotFound, "warehouse_not_found", message)
                .hint("name another one in the source's address: ?warehouse=ID"));
        }
        "" => format!("waiting for warehouse {name}"),
        state => format!("waiting for warehouse {name} to start ({})", state.to_ascii_lowercase()),
    };
    Ok(format!("{what}, {:.0} s so far", begun.elapsed().as_secs_f64()))
}
