//! How much one asker may take: statements at once and a day, seconds, rows and bytes.

use super::Gate;
use super::work::Statement;
use crate::formats::Shape;
use crate::policies::Effective;
use crate::sources::{Consumer, Stop};
use arrow::array::RecordBatch;
use std::collections::HashMap;
use std::io::Read;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;
use wharf_protocol::{ApiError, ErrorKind};

/// Statements of each asker that run now. Cheap to clone.
#[derive(Clone, Default)]
pub(super) struct Running(Arc<Mutex<HashMap<String, u64>>>);

/// One of them; counted until it is dropped.
pub(super) struct Counted {
    running: Running,
    name: String,
}

impl Running {
    fn enter(&self, name: String, most: u64) -> Result<Counted, ApiError> {
        let mut counts = self.counts();
        let count = counts.entry(name.clone()).or_default();
        if *count >= most {
            let message = format!("{most} of your statements run already, and no more may run at once");
            return Err(ApiError::new(ErrorKind::Limit, "too_many_statements", message)
                .hint("wait for one of them to end"));
        }
        *count += 1;
        drop(counts);
        Ok(Counted { running: self.clone(), name })
    }

    fn counts(&self) -> MutexGuard<'_, HashMap<String, u64>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Counted {
    fn drop(&mut self) {
        let mut counts = self.running.counts();
        if let Some(count) = counts.get_mut(&self.name) {
            *count -= 1;
            if *count == 0 {
                counts.remove(&self.name);
            }
        }
    }
}

/// What a statement was admitted with.
#[derive(Default)]
pub(super) struct Allowance {
    /// Bytes of its result.
    pub(super) bytes: Option<u64>,
    /// Whether its time is counted.
    costs: bool,
    _counted: Option<Counted>,
}

impl Gate {
    /// Admits a statement within the limits of who asks, and narrows it to them.
    pub(super) async fn admit(
        &self,
        statement: &mut Statement,
        effective: Option<&Effective>,
    ) -> Result<Allowance, ApiError> {
        let Some(effective) = effective else { return Ok(Allowance::default()) };
        let limits = effective.limits();
        let name = effective.principal().name();
        let counted = limits.concurrent.map(|most| self.0.running.enter(name, most)).transpose()?;
        if let Some(most) = limits.per_day
            && !self.0.policies.count(effective.principal(), most).await?
        {
            let message = format!("your {most} statements of today (UTC) are used up");
            return Err(ApiError::new(ErrorKind::Limit, "daily_limit", message)
                .hint("go on tomorrow, or ask an admin for more"));
        }
        let left = match limits.cost {
            Some(most) => Some(self.left(effective, most).await?),
            None => None,
        };
        let costs = left.is_some();
        let seconds = limits.seconds.map(Duration::from_secs);
        statement.timeout = [statement.timeout, seconds, left].into_iter().flatten().min();
        // What wharf reads for itself, to make a profile of it, is not handed out row by row.
        if matches!(statement.action, "profile" | "vocabulary") {
            return Ok(Allowance { bytes: None, costs, _counted: counted });
        }
        statement.limit = [statement.limit, limits.rows].into_iter().flatten().min();
        Ok(Allowance { bytes: limits.bytes, costs, _counted: counted })
    }
}

impl Gate {
    /// What is left of the cost of today.
    async fn left(&self, effective: &Effective, most: u64) -> Result<Duration, ApiError> {
        let spent = self.0.policies.spent(effective.principal()).await?;
        Duration::from_secs(most).checked_sub(spent).filter(|left| !left.is_zero()).ok_or_else(|| {
            let message =
                format!("the {most} seconds that your statements of today (UTC) may run are used up");
            ApiError::new(ErrorKind::Limit, "daily_cost", message)
                .hint("go on tomorrow, or ask an admin for more")
        })
    }

    /// Counts the time that a statement ran, whether or not anybody waited for it.
    pub(super) async fn settle(&self, allowance: &Allowance, ran: Duration) {
        if allowance.costs
            && let Err(error) = self.0.policies.spend(self.principal(), ran).await
        {
            tracing::warn!(%error, "what a statement cost could not be counted");
        }
    }
}

fn too_much(most: u64) -> ApiError {
    ApiError::new(
        ErrorKind::Limit,
        "too_many_bytes",
        format!("the result has more than the {most} bytes you may take"),
    )
    .hint("ask for fewer rows or columns, or aggregate")
}

/// Hands on what fits into so many bytes.
pub(super) struct Within<'a, C> {
    pub(super) inner: &'a mut C,
    pub(super) most: Option<u64>,
}

impl<C: Consumer> Consumer for Within<'_, C> {
    fn shape(&mut self, shape: &Arc<Shape>) -> Result<(), Stop> {
        self.inner.shape(shape)
    }

    fn batch(&mut self, batch: RecordBatch) -> Result<(), Stop> {
        self.inner.batch(batch)?;
        match self.most {
            Some(most) if self.inner.bytes() > most => Err(Stop::Failed(too_much(most))),
            _ => Ok(()),
        }
    }

    fn end(&mut self) -> Result<(), Stop> {
        self.inner.end()?;
        match self.most {
            Some(most) if self.inner.bytes() > most => Err(Stop::Failed(too_much(most))),
            _ => Ok(()),
        }
    }
}

/// Reads what fits into so many bytes.
pub(super) struct ReadWithin<'a> {
    pub(super) inner: &'a mut dyn Read,
    pub(super) left: Option<u64>,
    pub(super) most: u64,
}

impl Read for ReadWithin<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> std::io::Result<usize> {
        let n = self.inner.read(buffer)?;
        if let Some(left) = &mut self.left {
            *left = left
                .checked_sub(n as u64)
                .ok_or_else(|| std::io::Error::other(too_much(self.most).message))?;
        }
        Ok(n)
    }
}
