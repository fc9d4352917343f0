//! Instances kept warm: opening one costs about ten milliseconds, which no statement should wait for twice.

use super::attach::{Attachment, Fence, Key};
use super::instance::{Instance, Means};
use std::collections::HashMap;
use std::path::Path;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard};
use std::time::{Duration, Instant};
use wharf_protocol::ApiError;

/// Instances that may be open at once: they share one memory budget.
const MOST: usize = 4;
/// An instance over somebody's own database file is closed after this long without use, so that others can open it.
const LET_GO: Duration = Duration::from_secs(5);
/// Any other is closed after this long.
const KEEP: Duration = Duration::from_secs(300);

/// The pool. Cheap to clone.
#[derive(Clone)]
pub struct Pool(Arc<Inner>);

struct Inner {
    means: Means,
    next: AtomicU64,
    slots: Mutex<HashMap<Key, Slot>>,
}

struct Slot {
    // Opening happens under this lock and not under the pool's, so that one slow file delays only those who want it.
    instance: Arc<Mutex<Option<Arc<Instance>>>>,
    used: Instant,
}

/// An instance in use by one statement.
pub struct Lease(Arc<Instance>);

impl Lease {
    /// A connection for one statement.
    ///
    /// # Errors
    /// When the engine cannot give one.
    pub fn connect(&self) -> Result<duckdb::Connection, ApiError> {
        self.0.connect()
    }

    /// The same instance for somebody else too.
    pub fn share(&self) -> Self {
        Self(self.0.clone())
    }

    /// A folder that only this instance may write to.
    pub fn spool(&self) -> &Path {
        &self.0.spool
    }
}

impl Pool {
    /// A pool whose instances share `memory` bytes and put what does not fit into `scratch`.
    pub fn new(memory: u64, scratch: &Path) -> Self {
        let means = Means { memory: (memory / MOST as u64).max(128 << 20), scratch: scratch.to_owned() };
        Self(Arc::new(Inner { means, next: AtomicU64::new(0), slots: Mutex::default() }))
    }

    /// An instance that sees exactly `attachments`, behind `fence`, for callers with the rights named by `policy`.
    ///
    /// # Errors
    /// When a file cannot be attached.
    pub fn lease(&self, fence: Fence, attachments: Vec<Attachment>, policy: &str) -> Result<Lease, ApiError> {
        let key = Key { fence, attachments, policy: policy.to_owned() };
        let id = self.0.next.fetch_add(1, Ordering::Relaxed);
        if fence == Fence::OwnerWrites {
            // It wants the file for itself: let go of every other hold on it.
            self.forget(|k| k.attachments.iter().any(|a| key.attachments.iter().any(|b| a.file == b.file)));
            return Instance::open(&key, &self.0.means, id).map(|i| Lease(Arc::new(i)));
        }
        let cell = {
            let mut slots = self.slots();
            make_room(&mut slots, &key);
            let slot = slots
                .entry(key.clone())
                .or_insert_with(|| Slot { instance: Arc::default(), used: Instant::now() });
            slot.used = Instant::now();
            slot.instance.clone()
        };
        let mut instance = cell.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        if let Some(instance) = &*instance {
            return Ok(Lease(instance.clone()));
        }
        let opened = Arc::new(Instance::open(&key, &self.0.means, id)?);
        *instance = Some(opened.clone());
        Ok(Lease(opened))
    }

    /// Closes instances that have not been used for a while.
    pub fn sweep(&self) {
        let mut slots = self.slots();
        slots.retain(|key, slot| {
            let keep = if key.attachments.iter().any(|a| a.foreign) { LET_GO } else { KEEP };
            slot.used.elapsed() < keep || busy(slot)
        });
    }

    /// Forgets every instance that sees the source `alias`.
    pub fn drop_source(&self, alias: &str) {
        self.forget(|key| key.attachments.iter().any(|a| a.alias == alias));
    }

    /// Open instances.
    pub fn open_instances(&self) -> u64 {
        self.slots().len() as u64
    }

    fn forget(&self, which: impl Fn(&Key) -> bool) {
        self.slots().retain(|key, _| !which(key));
    }

    fn slots(&self) -> MutexGuard<'_, HashMap<Key, Slot>> {
        self.0.slots.lock().unwrap_or_else(std::sync::PoisonError::into_inner)
    }
}

/// Whether a statement runs on the instance, or somebody is opening it.
fn busy(slot: &Slot) -> bool {
    match slot.instance.try_lock() {
        Ok(instance) => instance.as_ref().is_some_and(|i| Arc::strong_count(i) > 1),
        Err(_) => true,
    }
}

/// Drops instances over older versions of the same files, then the longest unused, until one more fits.
fn make_room(slots: &mut HashMap<Key, Slot>, wanted: &Key) {
    if slots.contains_key(wanted) {
        return;
    }
    slots.retain(|key, _| {
        !key.attachments
            .iter()
            .any(|a| wanted.attachments.iter().any(|b| a.alias == b.alias && a.stamp != b.stamp))
    });
    while slots.len() >= MOST {
        let oldest =
            slots.iter().filter(|(_, s)| !busy(s)).min_by_key(|(_, s)| s.used).map(|(k, _)| k.clone());
        let Some(oldest) = oldest else { return };
        slots.remove(&oldest);
    }
}
