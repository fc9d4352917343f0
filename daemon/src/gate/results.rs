//! Results of sources elsewhere, kept for whoever says that they may be a while old.
//!
//! A result is found again by the very statement that ran at the source, rules and tenant already in it, by its values and its
//! limit, by who asked and what held for them: it never crosses from one asker to another.

use crate::formats::Shape;
use crate::sources::{Consumer, Outcome, Stop};
use arrow::array::RecordBatch;
use chrono::{DateTime, Utc};
use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};
use wharf_protocol::Param;
use wharf_warehouses::Session;

/// Bytes of the largest result that is kept.
const LARGEST: usize = 16 << 20;
/// Bytes of all of them.
const ALL: usize = 96 << 20;

/// What a result depends on.
pub(super) struct Asked<'a> {
    /// Who asks, and what holds for them.
    pub(super) principal: &'a str,
    pub(super) mark: &'a str,
    pub(super) source: &'a str,
    pub(super) sql: &'a str,
    pub(super) params: &'a [(String, Param)],
    pub(super) session: &'a Session,
    pub(super) limit: Option<u64>,
}

/// A digest of [`Asked`].
pub(super) type Key = [u8; 32];

impl Asked<'_> {
    /// Each part stands with its length before it, so that no two questions look the same.
    pub(super) fn key(&self) -> Key {
        let mut digest = blake3::Hasher::new();
        let mut part = |bytes: &[u8]| {
            digest.update(&(bytes.len() as u64).to_le_bytes());
            digest.update(bytes);
        };
        for text in [self.principal, self.mark, self.source, self.sql] {
            part(text.as_bytes());
        }
        for text in [&self.session.tenant, &self.session.role, &self.session.warehouse] {
            part(format!("{text:?}").as_bytes());
        }
        for (name, value) in self.params {
            part(name.as_bytes());
            part(format!("{value:?}").as_bytes());
        }
        part(format!("{:?}", self.limit).as_bytes());
        *digest.finalize().as_bytes()
    }
}

/// A whole result.
pub(super) struct Kept {
    shape: Arc<Shape>,
    batches: Vec<RecordBatch>,
    truncated: bool,
    bytes: usize,
    /// When the source was asked.
    pub(super) asked_at: DateTime<Utc>,
    since: Instant,
}

impl Kept {
    /// Hands the rows on as if they came from the source.
    pub(super) fn replay(&self, consumer: &mut dyn Consumer) -> Result<Outcome, Stop> {
        consumer.shape(&self.shape)?;
        let mut outcome = Outcome { rows: 0, truncated: self.truncated };
        for batch in &self.batches {
            outcome.rows += batch.num_rows() as u64;
            consumer.batch(batch.clone())?;
        }
        consumer.end()?;
        Ok(outcome)
    }
}

/// The results that are kept.
#[derive(Default)]
pub(super) struct Results(Mutex<HashMap<Key, Arc<Kept>>>);

impl Results {
    /// A result that is at most this old. The age follows the monotonic clock: a clock that is set back revives nothing.
    pub(super) fn get(&self, key: &Key, most: Duration) -> Option<Arc<Kept>> {
        self.all().get(key).filter(|kept| kept.since.elapsed() <= most).cloned()
    }

    /// Keeps a result; the oldest make room.
    fn put(&self, key: Key, kept: Kept) {
        let mut all = self.all();
        all.insert(key, Arc::new(kept));
        while all.values().map(|kept| kept.bytes).sum::<usize>() > ALL {
            let oldest = all.iter().min_by_key(|(_, kept)| kept.since).map(|(key, _)| *key);
            let Some(oldest) = oldest else { return };
            all.remove(&oldest);
        }
    }

    fn all(&self) -> MutexGuard<'_, HashMap<Key, Arc<Kept>>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Hands rows on and keeps them, while there are not too many.
pub(super) struct Keeping<'a> {
    inner: &'a mut dyn Consumer,
    shape: Option<Arc<Shape>>,
    batches: Vec<RecordBatch>,
    bytes: usize,
    asked_at: DateTime<Utc>,
    since: Instant,
    ended: bool,
}

impl<'a> Keeping<'a> {
    /// Made before the source is asked, so that a result is never taken for younger than it is.
    pub(super) fn new(inner: &'a mut dyn Consumer) -> Self {
        let (asked_at, since) = (crate::clock::now(), Instant::now());
        Self { inner, shape: None, batches: Vec::new(), bytes: 0, asked_at, since, ended: false }
    }

    /// Keeps what came, if it is whole and not too large.
    pub(super) fn keep(self, key: Key, truncated: bool, results: &Results) {
        let Self { shape: Some(shape), batches, bytes, asked_at, since, ended: true, .. } = self else {
            return;
        };
        if bytes <= LARGEST {
            results.put(key, Kept { shape, batches, truncated, bytes, asked_at, since });
        }
    }
}

impl Consumer for Keeping<'_> {
    fn shape(&mut self, shape: &Arc<Shape>) -> Result<(), Stop> {
        self.shape = Some(shape.clone());
        self.inner.shape(shape)
    }

    fn batch(&mut self, batch: RecordBatch) -> Result<(), Stop> {
        self.bytes = self.bytes.saturating_add(batch.get_array_memory_size());
        if self.bytes <= LARGEST {
            self.batches.push(batch.clone());
        } else {
            self.batches = Vec::new();
        }
        self.inner.batch(batch)
    }

    fn end(&mut self) -> Result<(), Stop> {
        self.inner.end()?;
        self.ended = true;
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sources::Collect;
    use arrow::array::Int64Array;
    use arrow::datatypes::{DataType, Field, Schema};

    fn batch(n: usize) -> RecordBatch {
        let schema = Arc::new(Schema::new(vec![Field::new("n", DataType::Int64, true)]));
        let values: Int64Array = (0..n as i64).collect();
        RecordBatch::try_new(schema, vec![Arc::new(values)]).unwrap()
    }

    fn fill(results: &Results, key: Key, rows: usize, ends: bool) {
        let mut collect = Collect::default();
        let mut keeping = Keeping::new(&mut collect);
        let batch = batch(rows);
        keeping.shape(&Arc::new(Shape::of_source(&batch.schema()))).unwrap();
        keeping.batch(batch).unwrap();
        if ends {
            keeping.end().unwrap();
        }
        keeping.keep(key, false, results);
    }

    #[test]
    fn a_result_is_found_by_everything_that_it_depends_on() {
        let params = [("a".to_owned(), Param::Int(1))];
        let session = Session::default();
        let asked = || Asked {
            principal: "agent a",
            mark: "1",
            source: "pg",
            sql: "select 1",
            params: &params,
            session: &session,
            limit: None,
        };
        let key = asked().key();
        let tenant = Session { tenant: Some("acme".to_owned()), ..Session::default() };
        let others = [
            Asked { principal: "agent b", ..asked() },
            Asked { mark: "2", ..asked() },
            Asked { source: "other", ..asked() },
            Asked { sql: "select 2", ..asked() },
            Asked { principal: "agent a1", mark: "", ..asked() },
            Asked { params: &[], ..asked() },
            Asked { session: &tenant, ..asked() },
            Asked { limit: Some(1), ..asked() },
        ];
        assert_eq!(asked().key(), key);
        assert!(others.iter().all(|other| other.key() != key));
    }

    #[test]
    fn whole_results_are_kept_and_the_oldest_make_room() {
        let results = Results::default();
        let day = Duration::from_secs(86_400);
        fill(&results, [1; 32], 10, true);
        let mut again = Collect::default();
        let outcome = results.get(&[1; 32], day).unwrap().replay(&mut again).unwrap();
        assert_eq!((outcome.rows, again.batches[0].num_rows()), (10, 10));
        assert!(results.get(&[1; 32], Duration::ZERO).is_none());
        fill(&results, [2; 32], 10, false);
        assert!(results.get(&[2; 32], day).is_none(), "one that broke off");
        fill(&results, [3; 32], LARGEST / 8 + 1, true);
        assert!(results.get(&[3; 32], day).is_none(), "one that is too large");
        for n in 4..20 {
            fill(&results, [n; 32], LARGEST / 8 - 100, true);
        }
        assert!(results.get(&[1; 32], day).is_none() && results.get(&[19; 32], day).is_some());
        let held: usize = results.all().values().map(|kept| kept.bytes).sum();
        assert!(held <= ALL, "{held}");
    }
}
