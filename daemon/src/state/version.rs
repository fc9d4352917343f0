//! How often a part of the state has changed, by whichever process: what is kept in memory is read anew when it has.

use super::{State, StateError, Write};
use std::collections::HashMap;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, SystemTime};

/// Two writes this close together may leave the same time on the log: the kernel's clock for files ticks every 4 ms.
const TICK: Duration = Duration::from_millis(20);

/// The log's length and time of its last change.
type Trace = (u64, SystemTime);

/// Versions as they were when the log looked like this.
#[derive(Default)]
pub(super) struct Versions(Mutex<HashMap<&'static str, (Trace, i64)>>);

impl Versions {
    fn kept(&self) -> MutexGuard<'_, HashMap<&'static str, (Trace, i64)>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl State {
    /// How often what goes by `key` has changed. Costs a look at the log's dates, and a read when anything was written.
    ///
    /// # Errors
    /// When the state cannot be read.
    pub async fn version(&self, key: &'static str) -> Result<i64, StateError> {
        let trace = self.trace();
        let known = self.0.versions.kept().get(key).filter(|(then, _)| Some(*then) == trace).map(|(_, n)| *n);
        if let Some(number) = known {
            return Ok(number);
        }
        let read = sqlx::query_scalar::<_, i64>("select cast(value as integer) from store where key = ?")
            .bind(format!("version:{key}"))
            .fetch_optional(self.read())
            .await;
        let number = read.map_err(|e| self.error(e))?.unwrap_or(0);
        let settled = |trace: &Trace| trace.1.elapsed().is_ok_and(|age| age > TICK);
        if let Some(trace) = trace.filter(settled) {
            self.0.versions.kept().insert(key, (trace, number));
        }
        Ok(number)
    }

    /// What the write-ahead log looks like; none when there is none.
    fn trace(&self) -> Option<Trace> {
        let mut log = self.0.file.clone().into_os_string();
        log.push("-wal");
        let meta = std::fs::metadata(log).ok()?;
        Some((meta.len(), meta.modified().ok()?))
    }
}

impl Write {
    /// Notes that what goes by `key` changes with this write.
    ///
    /// # Errors
    /// When the state cannot be written.
    pub async fn changes(&mut self, key: &'static str) -> Result<(), StateError> {
        let sql = "insert into store (key, value) values (?, '1') \
                   on conflict (key) do update set value = cast(value as integer) + 1";
        let done = sqlx::query(sql).bind(format!("version:{key}")).execute(self.on()).await;
        done.map(drop).map_err(|e| self.error(e))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_change_by_another_process_is_seen_at_once() {
        let tmp = tempfile::tempdir().unwrap();
        let ours = State::open(tmp.path()).await.unwrap();
        let theirs = State::open(tmp.path()).await.unwrap();
        for round in 1..=20 {
            let mut write = theirs.write().await.unwrap();
            write.changes("things").await.unwrap();
            write.commit().await.unwrap();
            assert_eq!(ours.version("things").await.unwrap(), round);
            assert_eq!(ours.version("others").await.unwrap(), 0);
        }
        // Once it has settled, the log's dates answer.
        tokio::time::sleep(TICK * 2).await;
        assert_eq!(ours.version("things").await.unwrap(), 20);
        assert!(ours.0.versions.kept().contains_key("things"));
        assert_eq!(ours.version("things").await.unwrap(), 20);
    }
}
