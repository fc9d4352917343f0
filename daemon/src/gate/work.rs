//! A statement on its way: place, plan, audit, run, audit.

use super::allowance::{Allowance, ReadWithin, Within};
use super::place::{Patient, Seat};
use super::plan::{Instance, Plan, Rights, Route};
use super::{Gate, views};
use crate::audit::Entry;
use crate::clock;
use crate::formats::Shape;
use crate::policies::Effective;
use crate::sources::duckdb::{Attachment, Fence, Output, Run, is_damage};
use crate::sources::{Cancel, Consumer, Outcome, Reason, Stop};
use arrow::array::RecordBatch;
use std::collections::BTreeMap;
use std::io::Read;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::{Duration, Instant};
use tokio_util::task::AbortOnDropHandle;
use wharf_protocol::{ApiError, ErrorKind, Param, QueryStats};
use wharf_warehouses::Session;

/// A statement as a door hands it in.
#[derive(Debug, Clone)]
pub struct Statement {
    /// Its id, also the id of its audit lines.
    pub id: String,
    /// What the asker may do with it.
    pub rights: Rights,
    /// What it is part of: `query`, `metric`, `sample`, `profile`, `ask`.
    pub action: &'static str,
    /// Its text.
    pub sql: String,
    /// Values for `$name`.
    pub params: BTreeMap<String, Param>,
    /// The source that unqualified names belong to.
    pub source: Option<String>,
    /// At most this many rows.
    pub limit: Option<u64>,
    /// How long it may take.
    pub timeout: Option<Duration>,
    /// Folder against which relative file names are read.
    pub cwd: Option<PathBuf>,
    /// The answer may come from a local copy whose data are at most this old; zero: never from one. Without it the copies say
    /// themselves how old they may get.
    pub max_age: Option<Duration>,
    /// What computes at the source, and with whose rights; the owner's choice. Who the tenant is follows from who asks.
    pub session: Session,
    /// The same in the embedded engine's SQL, tables under the name of their source, where whoever wrote the statement knows it.
    pub local: Option<String>,
}

impl Statement {
    /// A statement with a new id and nothing but its text.
    pub fn new(action: &'static str, rights: Rights, sql: impl Into<String>) -> Self {
        Self {
            id: uuid::Uuid::now_v7().to_string(),
            rights,
            action,
            sql: sql.into(),
            params: BTreeMap::new(),
            source: None,
            limit: None,
            timeout: None,
            cwd: None,
            max_age: None,
            session: Session::default(),
            local: None,
        }
    }

    /// The same statement over this source.
    #[must_use]
    pub fn source(mut self, source: &str) -> Self {
        self.source = Some(source.to_owned());
        self
    }
}

/// Where the rows go.
pub enum Deliver<C> {
    /// To a consumer.
    Rows(C),
    /// As Parquet, which the engine writes itself.
    Parquet(Box<TakeBytes>),
}

/// Takes the columns of a result and its bytes while they are written; returns how many there were.
pub type TakeBytes = dyn FnMut(&Arc<Shape>, &mut dyn Read) -> Result<u64, Stop> + Send;

/// What became of it.
pub struct Delivered<C> {
    /// The consumer, with what it took.
    pub consumer: Option<C>,
    /// How it went.
    pub stats: QueryStats,
}

/// What statements are part of, as they are counted.
const ACTIONS: &[&str] = &["query", "metric", "sample", "profile", "ask", "vocabulary", "replica"];

impl Gate {
    /// Takes a statement through the gate. The rows go to `deliver` as they come; the reply tells how it went.
    ///
    /// # Errors
    /// When it was refused, failed, was cancelled, or ran out of time. A reader that went away is not an error.
    pub async fn run<C: Consumer + 'static>(
        &self,
        mut statement: Statement,
        cancel: Cancel,
        deliver: Deliver<C>,
    ) -> Result<Delivered<C>, ApiError> {
        let arrived = Instant::now();
        let effective = self.effective().await?;
        let allowance = match self.admit(&mut statement, effective.as_ref()).await {
            Ok(allowance) => allowance,
            Err(error) => {
                let entry = self.entry(&statement);
                self.audit()
                    .append(Entry { outcome: "denied".into(), reason: Some(reason(&error)), ..entry })
                    .await?;
                return Err(with_id(error, &statement.id));
            }
        };
        let registry = self.registry().clone();
        let mut guard = registry.enter(&statement.id, self.principal().name(), &cancel);
        if statement.action == "replica" {
            guard = guard.in_background();
        }
        // Whoever sets a deadline means the time until there is an answer, waiting included.
        let deadline = statement.timeout.or(self.0.limits.timeout).map(|limit| {
            let cancel = cancel.clone();
            AbortOnDropHandle::new(tokio::spawn(async move {
                tokio::time::sleep(limit).await;
                cancel.raise(Reason::Deadline);
            }))
        });
        let place = self.0.places.take(&registry, &cancel).await.map_err(|e| with_id(e, &statement.id))?;
        let seat = place.seat();
        let queue_ms = clock::millis_since(arrived);
        let gate = self.clone();
        let runtime = tokio::runtime::Handle::current();
        let work = tokio::task::spawn_blocking(move || {
            let begun = Instant::now();
            let result = gate.work(
                &statement,
                effective.as_ref(),
                &allowance,
                &cancel,
                deliver,
                &runtime,
                &seat,
                arrived,
                queue_ms,
            );
            drop(guard);
            runtime.block_on(gate.settle(&allowance, begun.elapsed()));
            result
        });
        let result = work.await.map_err(|e| {
            ApiError::new(ErrorKind::Internal, "panic", format!("the statement's thread failed: {e}"))
        });
        drop(deadline);
        drop(place);
        result?
    }

    #[allow(clippy::too_many_arguments)]
    fn work<C: Consumer + 'static>(
        &self,
        statement: &Statement,
        effective: Option<&Effective>,
        allowance: &Allowance,
        cancel: &Cancel,
        deliver: Deliver<C>,
        runtime: &tokio::runtime::Handle,
        seat: &Seat,
        arrived: Instant,
        queue_ms: f64,
    ) -> Result<Delivered<C>, ApiError> {
        let entry = self.entry(statement);
        let audit = self.audit().clone();
        let plan = match self.plan(statement, effective, cancel) {
            Ok(plan) => plan,
            Err(error) => {
                let outcome = if error.kind == ErrorKind::Refused { "denied" } else { "failed" };
                let entry = Entry { outcome: outcome.into(), reason: Some(reason(&error)), ..entry };
                audit.submit(&entry).wait()?;
                return Err(with_id(error, &statement.id));
            }
        };
        let source = plan.catalog.clone().or(entry.source);
        let entry = Entry { route: plan.route(), tables: plan.tables.clone(), source, ..entry };
        // The line that says who reads what goes to the disk while the engine starts; no row leaves before it is there.
        let begun = Entry { outcome: "started".to_owned(), ..entry.clone() };
        let begun = audit.submit(&begun);
        let (data_at, cache) = plan.age();
        cache.into_iter().for_each(crate::measures::result);
        let mut stats = QueryStats {
            query_id: statement.id.clone(),
            status: "running".to_owned(),
            rows: 0,
            truncated: false,
            columns: Vec::new(),
            elapsed_ms: 0.0,
            queue_ms,
            bytes: 0,
            route: plan.route(),
            data_at: data_at.map(clock::text),
            cache: cache.map(str::to_owned),
            tables: plan.tables.clone(),
            error: None,
        };
        let limit = statement.timeout.or(self.0.limits.timeout);
        let deadline = limit.map(|limit| arrived + limit);
        let mut gated = Gated { begun: Some(begun), runtime, seat, deadline, shape: None };
        let (consumer, result) =
            self.execute(statement, &plan, allowance, cancel, deliver, &mut gated, &mut stats);
        let result = gated.settle().and(result);
        if let Some(shape) = gated.shape {
            stats.columns.clone_from(&shape.columns);
        }
        stats.elapsed_ms = clock::millis_since(arrived);
        self.finish(&plan, effective, entry, stats, consumer, result, cancel)
    }

    #[allow(clippy::too_many_arguments)]
    fn execute<C: Consumer + 'static>(
        &self,
        statement: &Statement,
        plan: &Plan,
        allowance: &Allowance,
        cancel: &Cancel,
        deliver: Deliver<C>,
        gated: &mut Gated<'_>,
        stats: &mut QueryStats,
    ) -> (Option<C>, Result<Outcome, Stop>) {
        // What writes has done so before it tells its columns, so its line must be there first.
        if plan.writes()
            && let Err(stop) = gated.settle()
        {
            return (None, Err(stop));
        }
        let instance = match &plan.route {
            Route::Embedded(instance) => instance,
            Route::Far(_) => {
                let results = &self.0.results;
                return super::far_run::execute(
                    statement, plan, allowance, cancel, deliver, gated, stats, results,
                );
            }
        };
        let Instance { fence, attachments, policy, wraps, cwd, catalog, copies } = instance;
        copies.iter().for_each(|copy| self.catalog().copies().note_use(&copy.replica));
        let lease = match self.pool().lease(*fence, attachments.clone(), policy) {
            Ok(lease) => lease,
            Err(e) => return (None, Err(Stop::Failed(e))),
        };
        let run = Run {
            sql: &plan.sql,
            catalog: catalog.as_deref(),
            params: &statement.params,
            limit: statement.limit,
            cwd: if *fence == Fence::Locked { None } else { cwd.as_deref() },
            wraps: *wraps,
        };
        match deliver {
            Deliver::Rows(mut consumer) => {
                let (seat, runtime) = (gated.seat, gated.runtime);
                let mut within = Within { inner: &mut consumer, most: allowance.bytes };
                let both = Both { gated, consumer: &mut within };
                let mut patient = Patient { inner: both, seat, runtime, cancel };
                let result = run.on(&lease, cancel, Output::Rows(&mut patient));
                stats.bytes = consumer.bytes();
                (Some(consumer), result)
            }
            Deliver::Parquet(mut take) => {
                let result = run.on(
                    &lease,
                    cancel,
                    Output::Parquet(&mut |shape, bytes| {
                        gated.shape(shape)?;
                        let (seat, runtime) = (gated.seat, gated.runtime);
                        let mut patient = Patient { inner: bytes, seat, runtime, cancel };
                        let (left, most) = (allowance.bytes, allowance.bytes.unwrap_or_default());
                        stats.bytes = take(shape, &mut ReadWithin { inner: &mut patient, left, most })?;
                        Ok(())
                    }),
                );
                (None, result)
            }
        }
    }

    /// A snapshot that is damaged inside is thrown away: it can be made again, and the caller can try again.
    fn after_damage(&self, error: ApiError, attachments: &[Attachment]) -> ApiError {
        let damaged = is_damage(&error);
        let Some(snapshot) = attachments.iter().find(|a| damaged && !a.foreign) else { return error };
        if let Some(replica) = snapshot.alias.strip_prefix("replica_") {
            self.catalog().copies().remove(replica);
            let message = format!("the replica `{replica}` is damaged: {}", error.message);
            return ApiError::new(ErrorKind::Unavailable, "replica_damaged", message)
                .hint(format!("run the statement once more, it goes to the source; `wharf replica refresh {replica} --full` makes another copy"));
        }
        tracing::warn!(source = %snapshot.alias, error = %error.message, "a snapshot is damaged; it will be made again");
        self.pool().drop_source(&snapshot.alias);
        self.catalog().discard_snapshot(&snapshot.alias);
        let message = format!("the snapshot of `{}` is damaged: {}", snapshot.alias, error.message);
        ApiError::new(ErrorKind::Unavailable, "snapshot_damaged", message)
            .hint("it was thrown away and is made again from the source's files; run the statement once more")
    }

    #[allow(clippy::too_many_arguments)]
    fn finish<C>(
        &self,
        plan: &Plan,
        effective: Option<&Effective>,
        entry: Entry,
        mut stats: QueryStats,
        consumer: Option<C>,
        result: Result<Outcome, Stop>,
        cancel: &Cancel,
    ) -> Result<Delivered<C>, ApiError> {
        let (outcome, error) = match result {
            Ok(outcome) => {
                (stats.rows, stats.truncated) = (outcome.rows, outcome.truncated);
                ("completed", None)
            }
            Err(Stop::ReaderGone) => ("cancelled", None),
            Err(Stop::Cancelled) => ("cancelled", Some(cancel.error())),
            Err(Stop::Failed(error)) => (
                "failed",
                Some(views::shielded(effective, plan.ruled, self.after_damage(error, plan.attachments()))),
            ),
        };
        stats.status = outcome.to_owned();
        let error = error.map(|e| with_id(e, &stats.query_id));
        stats.error.clone_from(&error);
        let entry = Entry {
            outcome: outcome.to_owned(),
            reason: error.as_ref().map(reason),
            rows: Some(stats.rows),
            bytes: Some(stats.bytes),
            time_ms: Some(stats.elapsed_ms),
            ..entry
        };
        let action = ACTIONS.iter().find(|a| **a == entry.action).copied().unwrap_or("other");
        crate::measures::statement(action, outcome, stats.elapsed_ms / 1000.0, stats.rows, stats.bytes);
        self.registry().remember(self.principal().name(), stats.clone());
        // The caller need not wait for the closing line: the opening one, which tells what was read, is on the disk.
        drop(self.audit().submit(&entry));
        match error {
            Some(error) => Err(error),
            None => Ok(Delivered { consumer, stats }),
        }
    }

    fn entry(&self, statement: &Statement) -> Entry {
        let principal = match statement.rights {
            Rights::Tables(_) => format!("{} as agent", self.principal().name()),
            Rights::Owner { .. } | Rights::Source => self.principal().name(),
        };
        Entry {
            request_id: statement.id.clone(),
            principal,
            source: statement.source.clone(),
            statement: statement.sql.clone(),
            ..self.principal().entry(statement.action, "")
        }
    }
}

fn reason(error: &ApiError) -> String {
    format!("{}: {}", error.code, error.message)
}

fn with_id(mut error: ApiError, id: &str) -> ApiError {
    error.request_id = Some(id.to_owned());
    error
}

/// Holds rows back until the opening audit line is on the disk.
pub(super) struct Gated<'a> {
    begun: Option<crate::audit::Receipt>,
    pub(super) runtime: &'a tokio::runtime::Handle,
    pub(super) seat: &'a Seat,
    /// When the statement must have ended.
    pub(super) deadline: Option<Instant>,
    shape: Option<Arc<Shape>>,
}

impl Gated<'_> {
    fn settle(&mut self) -> Result<(), Stop> {
        let Some(begun) = self.begun.take() else { return Ok(()) };
        begun.wait().map_err(|e| Stop::Failed(e.into()))
    }

    pub(super) fn shape(&mut self, shape: &Arc<Shape>) -> Result<(), Stop> {
        self.shape = Some(shape.clone());
        self.settle()
    }
}

pub(super) struct Both<'a, 'b, C> {
    pub(super) gated: &'a mut Gated<'b>,
    pub(super) consumer: &'a mut C,
}

impl<C: Consumer> Consumer for Both<'_, '_, C> {
    fn shape(&mut self, shape: &Arc<Shape>) -> Result<(), Stop> {
        self.gated.shape(shape)?;
        self.consumer.shape(shape)
    }

    fn batch(&mut self, batch: RecordBatch) -> Result<(), Stop> {
        self.consumer.batch(batch)
    }

    fn end(&mut self) -> Result<(), Stop> {
        self.consumer.end()
    }
}
