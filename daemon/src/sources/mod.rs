//! Sources: where data lives. A source runs a statement that the gate has passed, and hands its rows to a consumer.
//!
//! The embedded engine is a room of its own; those elsewhere stand behind one port in the package `wharf-warehouses`.

pub mod duckdb;
mod far;

pub use far::{connect, run as run_far, vouch, word};

use crate::formats::Shape;
use arrow::array::RecordBatch;
use std::sync::atomic::{AtomicU8, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;
use tokio_util::sync::CancellationToken;
use wharf_protocol::{ApiError, ErrorKind};

/// Takes a result: its columns once, then its rows, then the end.
pub trait Consumer: Send {
    /// The columns.
    ///
    /// # Errors
    /// To end the statement.
    fn shape(&mut self, shape: &Arc<Shape>) -> Result<(), Stop>;
    /// Some rows.
    ///
    /// # Errors
    /// To end the statement.
    fn batch(&mut self, batch: RecordBatch) -> Result<(), Stop>;
    /// How many bytes it has handed on so far; 0 for one that keeps rows.
    fn bytes(&self) -> u64 {
        0
    }
    /// There are no more rows.
    ///
    /// # Errors
    /// When what was taken cannot be brought to its place.
    fn end(&mut self) -> Result<(), Stop>;
}

/// How a statement went.
#[derive(Debug, Clone, Copy, Default)]
pub struct Outcome {
    /// Rows handed over.
    pub rows: u64,
    /// Whether the limit cut rows off.
    pub truncated: bool,
}

impl Outcome {
    /// Counts the rows of a batch, and cuts off those beyond `limit`.
    pub(crate) fn count(&mut self, batch: RecordBatch, limit: Option<u64>) -> RecordBatch {
        let left = limit.map_or(u64::MAX, |limit| limit.saturating_sub(self.rows));
        let batch = match batch.num_rows() as u64 > left {
            true => {
                self.truncated = true;
                batch.slice(0, usize::try_from(left).unwrap_or(usize::MAX))
            }
            false => batch,
        };
        self.rows += batch.num_rows() as u64;
        batch
    }
}

/// Why a statement ends before its last row.
#[derive(Debug)]
pub enum Stop {
    /// Nobody reads any more. Not an error: `wharf query ... | head -1`.
    ReaderGone,
    /// Somebody asked for it; [`Cancel`] knows why.
    Cancelled,
    /// Something failed.
    Failed(ApiError),
}

impl From<ApiError> for Stop {
    fn from(error: ApiError) -> Self {
        Self::Failed(error)
    }
}

/// Why a statement is to end.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(u8)]
pub enum Reason {
    /// The caller asked for it.
    Asked = 1,
    /// The caller went away.
    Gone = 2,
    /// The deadline passed.
    Deadline = 3,
    /// The daemon ends.
    Shutdown = 4,
}

/// A wish to end a statement, shared by all who may have it. The first reason counts.
#[derive(Clone, Default)]
pub struct Cancel(Arc<CancelState>);

#[derive(Default)]
struct CancelState {
    reason: AtomicU8,
    raised: CancellationToken,
    interrupt: Mutex<Option<Interrupt>>,
}

type Interrupt = Box<dyn Fn() + Send>;

/// How often a running statement that is to end is interrupted, until it ends.
const AGAIN: Duration = Duration::from_millis(10);

impl Cancel {
    /// Ends the statement: interrupts the engine now, and as soon as it begins if it has not begun.
    pub fn raise(&self, reason: Reason) {
        let first = self.0.reason.compare_exchange(0, reason as u8, Ordering::SeqCst, Ordering::SeqCst);
        self.0.raised.cancel();
        if first.is_err() || !self.interrupt() {
            return;
        }
        // The engine forgets an interrupt that comes between two steps of a statement (bound, but not yet begun), so it
        // is told again until the statement has ended.
        let this = self.clone();
        let again = move || {
            while this.interrupt() {
                std::thread::sleep(AGAIN);
            }
        };
        if let Err(error) = std::thread::Builder::new().name("interrupt".to_owned()).spawn(again) {
            tracing::warn!(%error, "a statement was interrupted once only");
        }
    }

    /// Whether somebody wishes it to end.
    pub fn raised(&self) -> bool {
        self.0.reason.load(Ordering::SeqCst) != 0
    }

    /// Waits until somebody wishes it to end.
    pub async fn wait(&self) {
        self.0.raised.cancelled().await;
    }

    /// How to interrupt what runs now; `None` when nothing runs.
    pub fn on_raise(&self, interrupt: Option<Interrupt>) {
        *self.running() = interrupt;
    }

    /// Interrupts what runs; false if nothing does.
    fn interrupt(&self) -> bool {
        self.running().as_ref().map(|interrupt| interrupt()).is_some()
    }

    fn running(&self) -> MutexGuard<'_, Option<Interrupt>> {
        self.0.interrupt.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The error that tells the caller why it ended.
    pub fn error(&self) -> ApiError {
        self.error_while("executing")
    }

    /// The same, when it was doing something else than executing.
    pub fn error_while(&self, doing: &str) -> ApiError {
        match self.0.reason.load(Ordering::SeqCst) {
            r if r == Reason::Deadline as u8 => ApiError::new(
                ErrorKind::Deadline,
                "deadline",
                format!("the statement was stopped at its deadline, while {doing}"),
            )
            .hint("give it more time with --timeout, or ask for less"),
            r if r == Reason::Shutdown as u8 => ApiError::new(
                ErrorKind::Unavailable,
                "shutdown",
                "the daemon is stopping; the statement was ended",
            ),
            _ => ApiError::new(ErrorKind::Cancelled, "cancelled", "the statement was cancelled"),
        }
    }
}

/// Collects a result, up to a number of rows.
#[derive(Default)]
pub struct Collect {
    /// The columns, once known.
    pub shape: Option<Arc<Shape>>,
    /// The rows.
    pub batches: Vec<RecordBatch>,
}

impl Consumer for Collect {
    fn shape(&mut self, shape: &Arc<Shape>) -> Result<(), Stop> {
        self.shape = Some(shape.clone());
        Ok(())
    }

    fn batch(&mut self, batch: RecordBatch) -> Result<(), Stop> {
        self.batches.push(batch);
        Ok(())
    }

    fn end(&mut self) -> Result<(), Stop> {
        Ok(())
    }
}

impl Collect {
    /// The rows as wire cells.
    pub fn rows(&self, truncated: bool) -> wharf_protocol::Rows {
        let Some(shape) = &self.shape else { return wharf_protocol::Rows::default() };
        let rows = self.batches.iter().flat_map(|batch| crate::formats::cells(shape, batch)).collect();
        wharf_protocol::Rows { columns: shape.columns.clone(), rows, truncated }
    }
}
