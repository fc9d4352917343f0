//! Running what was planned for a source elsewhere.

use super::allowance::{Allowance, ReadWithin, Within};
use super::place::Patient;
use super::plan::{Journey, Plan, Route};
use super::results::{Keeping, Results};
use super::work::{Both, Deliver, Gated, Statement, TakeBytes};
use crate::formats::{ParquetWriter, Shape};
use crate::sources::{Cancel, Consumer, Outcome, Stop, run_far};
use arrow::array::RecordBatch;
use std::io::PipeWriter;
use std::sync::Arc;
use std::sync::mpsc::{Sender, channel};
use wharf_protocol::{ApiError, ErrorKind, QueryStats};
use wharf_warehouses::Ask;

/// Runs it and hands the rows on. Blocking.
#[allow(clippy::too_many_arguments)]
pub(super) fn execute<C: Consumer + 'static>(
    statement: &Statement,
    plan: &Plan,
    allowance: &Allowance,
    cancel: &Cancel,
    deliver: Deliver<C>,
    gated: &mut Gated<'_>,
    stats: &mut QueryStats,
    results: &Results,
) -> (Option<C>, Result<Outcome, Stop>) {
    let Route::Far(journey) = &plan.route else {
        let error = ApiError::new(ErrorKind::Internal, "route", "the statement runs in the embedded engine");
        return (None, Err(Stop::Failed(error)));
    };
    let ask = Ask {
        id: statement.id.clone(),
        sql: plan.sql.clone(),
        params: journey.params.clone(),
        deadline: gated.deadline,
        session: journey.session.clone(),
        writes: journey.writes,
        limit: statement.limit,
    };
    match deliver {
        Deliver::Rows(mut consumer) => {
            let (seat, runtime) = (gated.seat, gated.runtime);
            let mut within = Within { inner: &mut consumer, most: allowance.bytes };
            let both = Both { gated, consumer: &mut within };
            let mut patient = Patient { inner: both, seat, runtime, cancel };
            let result = supply(journey, ask, results, cancel, runtime, &mut patient);
            stats.bytes = consumer.bytes();
            (Some(consumer), result)
        }
        Deliver::Parquet(take) => {
            let result = parquet(journey, ask, results, allowance, cancel, gated, take);
            let result = result.map(|(outcome, bytes)| {
                stats.bytes = bytes;
                outcome
            });
            (None, result)
        }
    }
}

/// Hands the rows on: those that are kept, or those of the source, which are kept where that was asked for.
fn supply(
    journey: &Journey,
    ask: Ask,
    results: &Results,
    cancel: &Cancel,
    runtime: &tokio::runtime::Handle,
    consumer: &mut dyn Consumer,
) -> Result<Outcome, Stop> {
    if let Some(kept) = &journey.kept {
        return kept.replay(consumer);
    }
    let Some(key) = journey.key else { return run_far(&*journey.source, ask, cancel, runtime, consumer) };
    let mut keeping = Keeping::new(consumer);
    let outcome = run_far(&*journey.source, ask, cancel, runtime, &mut keeping)?;
    keeping.keep(key, outcome.truncated, results);
    Ok(outcome)
}

/// Runs it and hands its rows on as Parquet; returns how many bytes that were. One thread reads what the other writes.
fn parquet(
    journey: &Journey,
    ask: Ask,
    results: &Results,
    allowance: &Allowance,
    cancel: &Cancel,
    gated: &mut Gated<'_>,
    mut take: Box<TakeBytes>,
) -> Result<(Outcome, u64), Stop> {
    let (reader, writer) = std::io::pipe()
        .map_err(|e| Stop::Failed(ApiError::new(ErrorKind::Unavailable, "pipe", e.to_string())))?;
    let (seat, runtime) = (gated.seat, gated.runtime);
    let (shapes, announced) = channel::<Arc<Shape>>();
    let (left, most) = (allowance.bytes, allowance.bytes.unwrap_or_default());
    std::thread::scope(|scope| {
        let taking = scope.spawn(move || {
            // The reader ends with this thread, so that a writer does not wait for one that has given up.
            let mut reader = reader;
            let Ok(shape) = announced.recv() else { return Ok(0) };
            let mut patient = Patient { inner: &mut reader as &mut dyn std::io::Read, seat, runtime, cancel };
            take(&shape, &mut ReadWithin { inner: &mut patient, left, most })
        });
        let mut announcing = Announcing { gated, shapes, rows: ParquetWriter::new(writer) };
        let ran = supply(journey, ask, results, cancel, runtime, &mut announcing);
        drop(announcing);
        let taken = taking.join().unwrap_or_else(|_| {
            let error = ApiError::new(ErrorKind::Internal, "panic", "taking the result broke off");
            Err(Stop::Failed(error))
        });
        match (ran, taken) {
            // Why the reader gave up says more than that it did.
            (Err(Stop::ReaderGone), Err(stop)) => Err(stop),
            (ran, taken) => Ok((ran?, taken?)),
        }
    })
}

/// Tells the reading thread the columns before the first byte, once the statement is on record.
struct Announcing<'a, 'b> {
    gated: &'a mut Gated<'b>,
    shapes: Sender<Arc<Shape>>,
    rows: ParquetWriter<PipeWriter>,
}

impl Consumer for Announcing<'_, '_> {
    fn shape(&mut self, shape: &Arc<Shape>) -> Result<(), Stop> {
        self.gated.shape(shape)?;
        let _ = self.shapes.send(shape.clone());
        self.rows.shape(shape)
    }

    fn batch(&mut self, batch: RecordBatch) -> Result<(), Stop> {
        self.rows.batch(batch)
    }

    fn end(&mut self) -> Result<(), Stop> {
        self.rows.end()
    }
}
