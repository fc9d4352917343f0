//! Statements that run, and how the last ones went.

use crate::sources::{Cancel, Reason};
use std::collections::{HashMap, VecDeque};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard};
use wharf_protocol::QueryStats;

/// Finished statements whose outcome can still be asked for.
const REMEMBERED: usize = 256;

/// The register. Cheap to clone.
#[derive(Clone, Default)]
pub struct Registry(Arc<Inner>);

#[derive(Default)]
struct Inner {
    // By id: whose it is, and how to end it.
    running: Mutex<HashMap<String, (String, Cancel)>>,
    // Those that nobody waits for.
    background: AtomicU64,
    ended: Mutex<VecDeque<(String, QueryStats)>>,
    waiting: AtomicU64,
    begun: AtomicU64,
}

/// A running statement's entry; it leaves the register when dropped.
pub struct Guard {
    registry: Registry,
    id: String,
    background: bool,
}

impl Registry {
    /// Enters a statement of somebody's.
    pub fn enter(&self, id: &str, whose: String, cancel: &Cancel) -> Guard {
        self.0.begun.fetch_add(1, Ordering::Relaxed);
        self.running().insert(id.to_owned(), (whose, cancel.clone()));
        Guard { registry: self.clone(), id: id.to_owned(), background: false }
    }

    /// Whether a statement runs that somebody waits for.
    pub fn has_readers(&self) -> bool {
        self.running_count() > self.0.background.load(Ordering::Relaxed)
    }

    /// Remembers how a statement of somebody's went.
    pub fn remember(&self, whose: String, stats: QueryStats) {
        let mut ended = self.ended();
        if ended.len() >= REMEMBERED {
            ended.pop_front();
        }
        ended.push_back((whose, stats));
    }

    /// How a statement of theirs went, if it is over and not forgotten.
    pub fn outcome(&self, id: &str, whose: &str) -> Option<QueryStats> {
        self.ended().iter().rev().find(|(w, s)| s.query_id == id && w == whose).map(|(_, s)| s.clone())
    }

    /// Whether a statement of theirs runs.
    pub fn is_running(&self, id: &str, whose: &str) -> bool {
        self.running().get(id).is_some_and(|(w, _)| w == whose)
    }

    /// Ends a statement of theirs; false if none of this id runs.
    pub fn cancel(&self, id: &str, whose: &str, reason: Reason) -> bool {
        let found = self.running().get(id).filter(|(w, _)| w == whose).map(|(_, c)| c.clone());
        found.is_some_and(|c| {
            c.raise(reason);
            true
        })
    }

    /// Ends all statements of these askers: they may ask no longer.
    pub fn cancel_of(&self, whose: &[String]) {
        let theirs: Vec<Cancel> =
            self.running().values().filter(|(w, _)| whose.contains(w)).map(|(_, c)| c.clone()).collect();
        for cancel in theirs {
            cancel.raise(Reason::Gone);
        }
    }

    /// Ends all statements.
    pub fn cancel_all(&self, reason: Reason) {
        let all: Vec<Cancel> = self.running().values().map(|(_, c)| c.clone()).collect();
        for cancel in all {
            cancel.raise(reason);
        }
    }

    /// Statements that run.
    pub fn running_count(&self) -> u64 {
        self.running().len() as u64
    }

    /// Statements entered since the start.
    pub fn begun(&self) -> u64 {
        self.0.begun.load(Ordering::Relaxed)
    }

    /// Statements that wait for a place.
    pub fn waiting(&self) -> u64 {
        self.0.waiting.load(Ordering::Relaxed)
    }

    pub(super) fn wait(&self) -> Waiting {
        self.0.waiting.fetch_add(1, Ordering::Relaxed);
        Waiting(self.clone())
    }

    fn running(&self) -> MutexGuard<'_, HashMap<String, (String, Cancel)>> {
        self.0.running.lock().unwrap_or_else(std::sync::PoisonError::into_inner)
    }

    fn ended(&self) -> MutexGuard<'_, VecDeque<(String, QueryStats)>> {
        self.0.ended.lock().unwrap_or_else(std::sync::PoisonError::into_inner)
    }
}

impl Drop for Guard {
    fn drop(&mut self) {
        self.registry.running().remove(&self.id);
        if self.background {
            self.registry.0.background.fetch_sub(1, Ordering::Relaxed);
        }
    }
}

impl Guard {
    /// Nobody waits for this statement: it is to give way to those that somebody waits for.
    pub fn in_background(mut self) -> Self {
        if !self.background {
            self.registry.0.background.fetch_add(1, Ordering::Relaxed);
            self.background = true;
        }
        self
    }
}

pub(super) struct Waiting(Registry);

impl Drop for Waiting {
    fn drop(&mut self) {
        self.0.0.waiting.fetch_sub(1, Ordering::Relaxed);
    }
}
