//! What keeps the daemon alive: open connections, statements, turns. When there is none for long enough, it ends.

use super::Streams;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};
use tokio::sync::{Notify, watch};

/// Counts what is going on. Cheap to clone.
#[derive(Clone)]
pub struct Activity(Arc<Inner>);

struct Inner {
    clients: AtomicU64,
    turns: AtomicU64,
    last: Mutex<Instant>,
    begun: Instant,
    stop: Notify,
    closing: watch::Sender<bool>,
    streams: Streams,
}

/// Something that is going on; it is over when dropped.
pub struct Busy {
    activity: Activity,
    client: bool,
}

impl Activity {
    /// Nothing going on yet.
    pub fn new() -> Self {
        let now = Instant::now();
        Self(Arc::new(Inner {
            clients: AtomicU64::new(0),
            turns: AtomicU64::new(0),
            last: Mutex::new(now),
            begun: now,
            stop: Notify::new(),
            closing: watch::Sender::new(false),
            streams: Streams::default(),
        }))
    }

    /// A connection is open.
    pub fn client(&self) -> Busy {
        self.0.clients.fetch_add(1, Ordering::SeqCst);
        Busy { activity: self.clone(), client: true }
    }

    /// A turn runs.
    pub fn turn(&self) -> Busy {
        self.0.turns.fetch_add(1, Ordering::SeqCst);
        Busy { activity: self.clone(), client: false }
    }

    /// Open connections.
    pub fn clients(&self) -> u64 {
        self.0.clients.load(Ordering::SeqCst)
    }

    /// Running turns.
    pub fn turns(&self) -> u64 {
        self.0.turns.load(Ordering::SeqCst)
    }

    /// Time since the start.
    pub fn uptime(&self) -> Duration {
        self.0.begun.elapsed()
    }

    /// Asks the daemon to end.
    pub fn stop(&self) {
        self.0.stop.notify_one();
    }

    /// Waits until somebody asks the daemon to end.
    pub async fn stopped(&self) {
        self.0.stop.notified().await;
    }

    /// Says that nobody new is let in: what would never end by itself is to end now.
    pub fn close(&self) {
        self.0.closing.send_replace(true);
    }

    /// Becomes true when nobody new is let in.
    pub fn closing(&self) -> watch::Receiver<bool> {
        self.0.closing.subscribe()
    }

    /// Streams of events that are open.
    pub fn streams(&self) -> &Streams {
        &self.0.streams
    }

    /// Waits until nothing has gone on for `idle`, or until `lifetime` has passed and nothing goes on. `None` = never.
    pub async fn over(
        &self,
        idle: Option<Duration>,
        lifetime: Option<Duration>,
        statements: impl Fn() -> u64,
    ) {
        let mut tick =
            tokio::time::interval(idle.unwrap_or(Duration::from_secs(60)).min(Duration::from_secs(1)));
        loop {
            tick.tick().await;
            let quiet = self.clients() == 0 && self.turns() == 0 && statements() == 0;
            if !quiet {
                self.touch();
                continue;
            }
            let since = self.0.last.lock().map_or(Duration::ZERO, |last| last.elapsed());
            if idle.is_some_and(|idle| since >= idle) || lifetime.is_some_and(|most| self.uptime() >= most) {
                return;
            }
        }
    }

    fn touch(&self) {
        if let Ok(mut last) = self.0.last.lock() {
            *last = Instant::now();
        }
    }
}

impl Default for Activity {
    fn default() -> Self {
        Self::new()
    }
}

impl Drop for Busy {
    fn drop(&mut self) {
        let count = if self.client { &self.activity.0.clients } else { &self.activity.0.turns };
        count.fetch_sub(1, Ordering::SeqCst);
        self.activity.touch();
    }
}
