//! The log over real files.

mod many;
mod reading;
mod recovering;
mod tampering;

use super::{Audit, Entry, Filter, Line, Order, Rules, Verdict};
use crate::state::State;
use std::path::PathBuf;

/// A log in a folder of its own.
struct Log {
    dir: tempfile::TempDir,
    state: State,
    audit: Audit,
    rules: Rules,
}

impl Log {
    async fn new(rules: Rules) -> Self {
        let dir = tempfile::tempdir().unwrap();
        let state = State::open(dir.path()).await.unwrap();
        let audit = Audit::open(state.clone(), &dir.path().join("audit"), rules).await.unwrap();
        Self { dir, state, audit, rules }
    }

    /// A log of `lines` lines in segments of a few each, closed and opened again.
    async fn of(lines: usize) -> Self {
        let mut log = Self::new(Rules { max_size: 2500, ..Rules::default() }).await;
        log.add(0..lines).await;
        log.reopen().await;
        log
    }

    async fn add(&self, numbers: std::ops::Range<usize>) {
        for n in numbers {
            self.audit.append(entry(n)).await.unwrap();
        }
    }

    /// Closes it as a daemon does that ends, and opens it again.
    async fn reopen(&mut self) {
        self.audit.close().await;
        self.open().await;
    }

    /// Opens it anew, as after a crash: nothing was noted at the end.
    async fn open(&mut self) {
        self.audit = Audit::open(self.state.clone(), &self.folder(), self.rules).await.unwrap();
    }

    fn folder(&self) -> PathBuf {
        self.dir.path().join("audit")
    }

    fn files(&self) -> Vec<PathBuf> {
        super::segment::list(&self.folder()).unwrap().into_iter().map(|s| s.path).collect()
    }

    async fn verdict(&self) -> Verdict {
        self.audit.verify().await.unwrap()
    }

    #[track_caller]
    fn lines(&self) -> Vec<Line> {
        let mut found = self.audit.lines(Filter::default(), Order::Oldest).unwrap();
        let read = std::iter::from_fn(|| found.read().unwrap());
        read.map(|line| serde_json::from_slice(&line).unwrap()).collect()
    }
}

fn entry(n: usize) -> Entry {
    Entry {
        request_id: format!("request-{n}"),
        principal: if n.is_multiple_of(2) { "owner".into() } else { "agent:a1".into() },
        swarm: (!n.is_multiple_of(2)).then(|| "bees".into()),
        action: "query".into(),
        tables: vec![format!("shop.main.t{n}")],
        outcome: "started".into(),
        statement: format!("select {n} -- \"ö\"\n"),
        ..Entry::default()
    }
}
