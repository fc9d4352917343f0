//! A source that fails again and again is spared for a while, and with it everybody who would wait for it.
//!
//! ```text
//! closed --(5 failures in a row)--> open --(after 5 s, then 10, 20, 40, 60)--> half open --(one try)--> closed or open
//! ```
//! Only what says that the source cannot be reached or cannot serve counts as a failure; an answer that a statement is wrong is
//! an answer.

use crate::port::{
    Answer, Ask, Capabilities, Circuit, Column, Details, Estimate, Files, Page, Session, Source, TableFacts,
    Tested,
};
use async_trait::async_trait;
use futures::StreamExt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};
use wharf_policy::Dialect;
use wharf_protocol::{ApiError, ErrorKind, SourceKind};

/// Failures in a row that open the circuit.
const FAILURES: u32 = 5;
/// How long it stays open the first time; each time in a row twice as long.
const FIRST: Duration = Duration::from_secs(5);
/// No longer than this.
const LONGEST: Duration = Duration::from_secs(60);

/// A source behind a circuit breaker.
pub struct Guarded {
    name: String,
    inner: Arc<dyn Source>,
    breaker: Arc<Mutex<Breaker>>,
}

/// How often it failed, and until when it is spared. Pure: the time is told to it.
#[derive(Debug, Default)]
struct Breaker {
    failures: u32,
    /// How often the circuit was opened without a success in between.
    opened: u32,
    until: Option<Instant>,
    /// Somebody tries whether it is well again.
    trying: bool,
    last: String,
}

impl Breaker {
    fn state(&self, now: Instant) -> Circuit {
        match self.until {
            None => Circuit::Closed,
            Some(until) if now < until => Circuit::Open(until - now),
            Some(_) => Circuit::HalfOpen,
        }
    }

    /// Whether a call may go through.
    fn enter(&mut self, now: Instant) -> Result<(), Duration> {
        match self.state(now) {
            Circuit::Closed => Ok(()),
            Circuit::Open(left) => Err(left),
            Circuit::HalfOpen if self.trying => Err(Duration::from_secs(1)),
            Circuit::HalfOpen => {
                self.trying = true;
                Ok(())
            }
        }
    }

    fn well(&mut self) {
        *self = Self::default();
    }

    fn failed(&mut self, now: Instant, why: &str) {
        self.failures += 1;
        self.last = why.to_owned();
        if self.trying || self.failures >= FAILURES {
            let wait = FIRST.saturating_mul(1 << self.opened.min(10)).min(LONGEST);
            (self.until, self.trying) = (Some(now + wait), false);
            self.opened += 1;
        }
    }
}

impl Guarded {
    /// Guards a source of this name.
    pub fn new(name: &str, inner: Arc<dyn Source>) -> Self {
        Self { name: name.to_owned(), inner, breaker: Arc::default() }
    }

    async fn through<T>(&self, call: impl Future<Output = Result<T, ApiError>>) -> Result<T, ApiError> {
        let entered = lock(&self.breaker).enter(Instant::now());
        if let Err(left) = entered {
            return Err(self.resting(left));
        }
        // A try that is given up must not keep others out for ever.
        let giving_up = GivingUp(Some(&self.breaker));
        let done = call.await;
        giving_up.decided();
        note(&self.breaker, done.as_ref().err());
        done.map_err(ours)
    }

    fn resting(&self, left: Duration) -> ApiError {
        let breaker = lock(&self.breaker);
        let seconds = left.as_secs() + 1;
        let message = format!(
            "the source `{}` failed {} times in a row and is left alone for {seconds} s; last: {}",
            self.name, breaker.failures, breaker.last
        );
        ApiError::new(ErrorKind::Unavailable, "source_resting", message)
            .hint("`wharf source test NAME` tells more once it is tried again")
    }
}

/// That a source does not take our credential is no fault of who asks: told as such, an agent would renew its own tokens.
fn ours(error: ApiError) -> ApiError {
    match error.kind {
        ErrorKind::Unauthorized => ApiError { kind: ErrorKind::Failed, ..error },
        _ => error,
    }
}

struct GivingUp<'a>(Option<&'a Mutex<Breaker>>);

impl GivingUp<'_> {
    fn decided(mut self) {
        self.0 = None;
    }
}

impl Drop for GivingUp<'_> {
    fn drop(&mut self) {
        if let Some(breaker) = self.0 {
            lock(breaker).trying = false;
        }
    }
}

fn note(breaker: &Mutex<Breaker>, error: Option<&ApiError>) {
    let mut breaker = lock(breaker);
    match error {
        Some(error) if error.kind == ErrorKind::Unavailable => breaker.failed(Instant::now(), &error.message),
        // Whoever gave up or ran out of time says nothing of the source.
        Some(error) if matches!(error.kind, ErrorKind::Cancelled | ErrorKind::Deadline) => {
            breaker.trying = false;
        }
        _ => breaker.well(),
    }
}

fn lock(breaker: &Mutex<Breaker>) -> MutexGuard<'_, Breaker> {
    breaker.lock().unwrap_or_else(PoisonError::into_inner)
}

#[async_trait]
impl Source for Guarded {
    fn kind(&self) -> SourceKind {
        self.inner.kind()
    }

    fn dialect(&self) -> Dialect {
        self.inner.dialect()
    }

    fn capabilities(&self) -> Capabilities {
        self.inner.capabilities()
    }

    fn catalog(&self) -> &str {
        self.inner.catalog()
    }

    fn default_schema(&self) -> &str {
        self.inner.default_schema()
    }

    fn circuit(&self) -> Circuit {
        lock(&self.breaker).state(Instant::now())
    }

    /// Asks even while it is spared: whoever tests wants to know.
    fn waiting(&self) -> Option<String> {
        self.inner.waiting()
    }

    fn files(&self) -> Option<Arc<dyn Files>> {
        self.inner.files()
    }

    async fn test(&self) -> Result<Tested, ApiError> {
        let tested = self.inner.test().await;
        note(&self.breaker, tested.as_ref().err());
        tested.map_err(ours)
    }

    async fn execute(&self, ask: Ask) -> Result<Answer, ApiError> {
        let answer = self.through(self.inner.execute(ask)).await?;
        let breaker = self.breaker.clone();
        let batches = answer.batches.map(move |batch| {
            batch.map_err(|error| {
                note(&breaker, Some(&error));
                ours(error)
            })
        });
        Ok(Answer { batches: batches.boxed(), ..answer })
    }

    async fn describe(&self, sql: &str, session: &Session) -> Result<Vec<Column>, ApiError> {
        self.through(self.inner.describe(sql, session)).await
    }

    async fn schemas(&self) -> Result<Vec<String>, ApiError> {
        self.through(self.inner.schemas()).await
    }

    async fn tables(&self, schema: &str, after: Option<&str>) -> Result<Page<TableFacts>, ApiError> {
        self.through(self.inner.tables(schema, after)).await
    }

    async fn details(&self, schema: &str, table: &str) -> Result<Details, ApiError> {
        self.through(self.inner.details(schema, table)).await
    }

    async fn estimate(&self, sql: &str, session: &Session) -> Result<Option<Estimate>, ApiError> {
        self.through(self.inner.estimate(sql, session)).await
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_opens_after_failures_in_a_row_and_closes_after_one_success() {
        let mut breaker = Breaker::default();
        let mut now = Instant::now();
        for _ in 0..FAILURES - 1 {
            breaker.enter(now).unwrap();
            breaker.failed(now, "gone");
        }
        breaker.enter(now).unwrap();
        breaker.well();
        for _ in 0..FAILURES {
            assert_eq!(breaker.state(now), Circuit::Closed);
            breaker.enter(now).unwrap();
            breaker.failed(now, "gone");
        }
        for wait in [5, 10, 20, 40, 60, 60] {
            assert_eq!(breaker.enter(now), Err(Duration::from_secs(wait)));
            now += Duration::from_secs(wait);
            assert_eq!(breaker.state(now), Circuit::HalfOpen);
            breaker.enter(now).unwrap();
            assert!(breaker.enter(now).is_err(), "one try at a time");
            breaker.failed(now, "still gone");
        }
        now += LONGEST;
        breaker.enter(now).unwrap();
        breaker.well();
        assert_eq!(breaker.state(now), Circuit::Closed);
        breaker.enter(now).unwrap();
        breaker.enter(now).unwrap();
    }
}
