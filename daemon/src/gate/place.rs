//! A statement's place among those that run at once, which it gives up while its reader is behind.
//!
//! Places bound what works at the same time. A statement whose rows nobody takes (`| less`, a terminal that is scrolled back) does not
//! work, so it must not keep others waiting; when its reader goes on it queues for a place like everybody else.

use super::Registry;
use crate::formats::Shape;
use crate::sources::{Cancel, Consumer, Stop};
use arrow::array::RecordBatch;
use std::io::Read;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio_util::task::AbortOnDropHandle;
use wharf_protocol::{ApiError, ErrorKind};

/// A reader that has taken nothing for this long is behind.
const BEHIND: Duration = Duration::from_secs(1);
/// Statements without a place for each place: what they hold in memory stays bounded.
const AWAY_PER_PLACE: usize = 4;

/// All places.
pub(super) struct Places {
    free: Arc<Semaphore>,
    away: Arc<AtomicUsize>,
    most_away: usize,
    queue: usize,
}

impl Places {
    /// So many places, and so many statements that may wait for one.
    pub(super) fn new(places: usize, queue: usize) -> Self {
        let places = places.max(1);
        let free = Arc::new(Semaphore::new(places));
        Self { free, away: Arc::default(), most_away: places * AWAY_PER_PLACE, queue }
    }

    /// A place, waited for unless too many wait already.
    pub(super) async fn take(&self, registry: &Registry, cancel: &Cancel) -> Result<Place, ApiError> {
        let permit = match self.free.clone().try_acquire_owned() {
            Ok(permit) => permit,
            Err(_) if registry.waiting() >= self.queue as u64 => {
                let message = "too many statements are waiting already";
                return Err(ApiError::new(ErrorKind::Limit, "overloaded", message)
                    .hint("try again in a moment, or raise limits.queue"));
            }
            Err(_) => {
                let _waiting = registry.wait();
                next(self.free.clone(), cancel).await?
            }
        };
        let seat = Arc::new(Seat {
            permit: Mutex::new(Some(permit)),
            since: Mutex::new(None),
            free: self.free.clone(),
            away: self.away.clone(),
            most_away: self.most_away,
        });
        let watched = seat.clone();
        let watch = tokio::spawn(async move {
            loop {
                tokio::time::sleep(BEHIND / 2).await;
                watched.leave_if_behind();
            }
        });
        Ok(Place { seat, _watch: AbortOnDropHandle::new(watch) })
    }
}

async fn next(free: Arc<Semaphore>, cancel: &Cancel) -> Result<OwnedSemaphorePermit, ApiError> {
    let permit = tokio::select! {
        biased;
        () = cancel.wait() => return Err(cancel.error_while("waiting for a place")),
        permit = free.acquire_owned() => permit,
    };
    permit.map_err(|_| ApiError::new(ErrorKind::Unavailable, "shutdown", "the daemon is stopping"))
}

/// One statement's place; others may have it when this is dropped.
pub(super) struct Place {
    seat: Arc<Seat>,
    _watch: AbortOnDropHandle<()>,
}

impl Place {
    /// The same place for the thread that does the work.
    pub(super) fn seat(&self) -> Arc<Seat> {
        self.seat.clone()
    }
}

/// Where a statement stands: working, waiting for its reader, or without a place because of that.
pub(super) struct Seat {
    permit: Mutex<Option<OwnedSemaphorePermit>>,
    /// Since when the reader is waited for.
    since: Mutex<Option<Instant>>,
    free: Arc<Semaphore>,
    away: Arc<AtomicUsize>,
    most_away: usize,
}

impl Seat {
    /// Gives the place up when the reader has been behind for long enough.
    fn leave_if_behind(&self) {
        let since = lock(&self.since);
        if since.is_none_or(|since| since.elapsed() < BEHIND) {
            return;
        }
        let mut permit = lock(&self.permit);
        if permit.is_none() {
            return;
        }
        let room = self.away.try_update(Ordering::SeqCst, Ordering::SeqCst, |away| {
            (away < self.most_away).then_some(away + 1)
        });
        if room.is_ok() {
            *permit = None;
        }
    }

    /// From here the reader is waited for.
    fn hand_over(&self) {
        *lock(&self.since) = Some(Instant::now());
    }

    /// The reader took it: works on, with a place.
    fn go_on(&self, runtime: &tokio::runtime::Handle, cancel: &Cancel) -> Result<(), Stop> {
        *lock(&self.since) = None;
        if lock(&self.permit).is_some() {
            return Ok(());
        }
        let permit = runtime.block_on(next(self.free.clone(), cancel)).map_err(|_| Stop::Cancelled)?;
        *lock(&self.permit) = Some(permit);
        self.away.fetch_sub(1, Ordering::SeqCst);
        Ok(())
    }
}

impl Drop for Seat {
    fn drop(&mut self) {
        if lock(&self.permit).is_none() {
            self.away.fetch_sub(1, Ordering::SeqCst);
        }
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// What a statement hands its result to, with its place given up while that does not take it.
pub(super) struct Patient<'a, T> {
    pub(super) inner: T,
    pub(super) seat: &'a Seat,
    pub(super) runtime: &'a tokio::runtime::Handle,
    pub(super) cancel: &'a Cancel,
}

impl<T> Patient<'_, T> {
    fn waiting<R>(&mut self, hand: impl FnOnce(&mut T) -> Result<R, Stop>) -> Result<R, Stop> {
        self.seat.hand_over();
        let handed = hand(&mut self.inner);
        self.seat.go_on(self.runtime, self.cancel)?;
        handed
    }
}

impl<C: Consumer> Consumer for Patient<'_, C> {
    fn shape(&mut self, shape: &Arc<Shape>) -> Result<(), Stop> {
        self.inner.shape(shape)
    }

    fn batch(&mut self, batch: RecordBatch) -> Result<(), Stop> {
        self.waiting(|consumer| consumer.batch(batch))
    }

    fn end(&mut self) -> Result<(), Stop> {
        self.waiting(Consumer::end)
    }
}

/// What the engine writes: between two reads the reader is waited for.
impl Read for Patient<'_, &mut dyn Read> {
    fn read(&mut self, buffer: &mut [u8]) -> std::io::Result<usize> {
        self.seat.go_on(self.runtime, self.cancel).map_err(|_| std::io::Error::other("cancelled"))?;
        let read = self.inner.read(buffer);
        self.seat.hand_over();
        read
    }
}
