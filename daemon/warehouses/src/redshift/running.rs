//! Connections that rest, and one in the middle of a statement.

use super::link::Link;
use super::settings::Settings;
use super::trouble::Trouble;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use wharf_protocol::{ApiError, ErrorKind};

/// Connections at once unless the address says otherwise. A cluster runs few statements at once (50 at most, 15 by advice).
const CONNECTIONS: usize = 8;
/// A connection that rested longer is closed: VPNs and load balancers forget theirs after some minutes without a word.
const REST: Duration = Duration::from_secs(120);

/// The connections to one server.
pub(super) struct Connections {
    pub(super) settings: Settings,
    slots: Arc<Semaphore>,
    resting: Mutex<Vec<(Link, Instant)>>,
}

impl Connections {
    /// Opens nothing yet.
    pub(super) fn new(settings: Settings) -> Arc<Self> {
        let slots = Arc::new(Semaphore::new(settings.connections.unwrap_or(CONNECTIONS)));
        Arc::new(Self { settings, slots, resting: Mutex::default() })
    }

    fn rested(&self) -> Option<Link> {
        let mut resting = self.resting.lock().unwrap_or_else(PoisonError::into_inner);
        while let Some((mut link, since)) = resting.pop() {
            if since.elapsed() < REST && link.is_quiet() {
                return Some(link);
            }
        }
        None
    }

    /// A connection with a transaction that may only read, or none where the statement writes: some statements cannot run in
    /// one. Both have the server end the statement when the deadline has passed.
    pub(super) async fn begin(
        self: &Arc<Self>,
        schema: &str,
        deadline: Option<Instant>,
        writes: bool,
    ) -> Result<Running, Trouble> {
        let slot = self.slots.clone().acquire_owned();
        let slot = match deadline {
            Some(until) => tokio::time::timeout_at(until.into(), slot).await.map_err(|_| Trouble::Busy)?,
            None => slot.await,
        };
        let slot = slot.map_err(|_| Trouble::Busy)?;
        let millis = deadline.map_or(0, |until| {
            // 0 would mean without end.
            until.saturating_duration_since(Instant::now()).as_millis().clamp(1, i32::MAX as u128)
        });
        let path = schema.replace('"', "\"\"");
        let (begin, local) = if writes { ("", "") } else { ("begin read only; ", "local ") };
        let sql =
            format!("{begin}set {local}search_path to \"{path}\"; set {local}statement_timeout to {millis}");
        // One that rested may be gone without a sign. Nothing has run on it yet, so a new one may take its place.
        if let Some(mut link) = self.rested() {
            match link.command(&sql).await {
                Ok(()) => return Ok(Running::new(link, self, slot)),
                Err(Trouble::Said(said)) => return Err(Trouble::Said(said)),
                Err(trouble) => tracing::debug!(?trouble, "a connection that rested was gone"),
            }
        }
        let mut link = Link::open(&self.settings).await?;
        link.command(&sql).await?;
        Ok(Running::new(link, self, slot))
    }
}

/// A connection that runs a statement. Dropped before its end, it has the server cancel the statement, and is closed: nobody
/// else gets a connection in an unknown state.
pub(super) struct Running {
    link: Option<Link>,
    home: Arc<Connections>,
    slot: Option<OwnedSemaphorePermit>,
}

impl Running {
    fn new(link: Link, home: &Arc<Connections>, slot: OwnedSemaphorePermit) -> Self {
        Self { link: Some(link), home: home.clone(), slot: Some(slot) }
    }

    /// The connection.
    ///
    /// # Errors
    /// When it has ended, which is a fault of ours.
    pub(super) fn link(&mut self) -> Result<&mut Link, ApiError> {
        self.link.as_mut().ok_or_else(|| {
            ApiError::new(ErrorKind::Internal, "connection", "the connection was used after its end")
        })
    }

    /// Ends the statement's transaction and lets the connection rest.
    pub(super) async fn end(mut self, writes: bool) {
        let Some(mut link) = self.link.take() else { return };
        let sql = if writes { "set statement_timeout to 0" } else { "rollback" };
        match link.command(sql).await {
            Ok(()) => {
                let mut resting = self.home.resting.lock().unwrap_or_else(PoisonError::into_inner);
                resting.push((link, Instant::now()));
            }
            Err(trouble) => {
                tracing::debug!(?trouble, "a connection is closed, as its transaction did not end");
            }
        }
    }

    /// Ends after trouble: what the server has refused is over, so that there is nothing to cancel and the connection can serve
    /// again; a lost connection is only closed.
    pub(super) async fn end_with(mut self, trouble: &Trouble, writes: bool) {
        match trouble {
            Trouble::Said(_) => self.end(writes).await,
            _ => drop(self.link.take()),
        }
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        let Some(link) = self.link.take() else { return };
        let (home, slot) = (self.home.clone(), self.slot.take());
        if let (Some(key), Ok(runtime)) = (link.key, tokio::runtime::Handle::try_current()) {
            runtime.spawn(async move {
                if let Err(trouble) = home.settings.cancel(key).await {
                    tracing::warn!(?trouble, "a statement could not be cancelled; its connection is closed");
                }
                drop((link, slot));
            });
        }
    }
}
