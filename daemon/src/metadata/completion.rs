//! Completion for who asks: which sources they see, each made ready once for a listing and a reader.
//!
//! A listing that is known is used however old it is, and looked at anew beside it: who types does not wait. Only where nothing
//! is known at all a source is waited for, and not for long.

use super::Metadata;
use super::suggest::{Completed, Index, Sight, complete};
use crate::gate::Gate;
use std::collections::{HashMap, HashSet};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};
use tokio::task::JoinHandle;
use wharf_policy::{Dialect, MAX_TEXT_BYTES};
use wharf_protocol::{ApiError, ErrorKind, SourceKind, SqlCompletion, Table};

/// A listing of this age is looked at anew beside its use.
const FRESH: Duration = Duration::from_secs(2);
/// How long somebody who types waits for a source of which nothing is known.
const PATIENCE: Duration = Duration::from_secs(3);
/// Columns of all that is kept ready. What was used longest ago goes first.
const MOST_COLUMNS: usize = 500_000;

/// What is kept ready, by reader and source.
#[derive(Default)]
pub(super) struct Shelves {
    ready: Mutex<HashMap<(String, String), Ready>>,
    /// Sources that are being looked at.
    looking: Mutex<HashSet<String>>,
}

struct Ready {
    /// Of which listing it was made.
    listing: Arc<Vec<Table>>,
    /// None where its reader sees nothing.
    index: Option<Arc<Index>>,
    used: Instant,
}

/// What is asked for.
pub struct Typing<'a> {
    /// The text.
    pub sql: &'a str,
    /// In front of which character the cursor stands, counted from 0; absent: at the end.
    pub cursor: Option<u64>,
    /// The source that names without one belong to.
    pub catalog: Option<&'a str>,
    /// At most so many suggestions.
    pub limit: usize,
}

/// The sources that a completion may name, and how old what is known of them is.
struct Seen {
    indexes: Vec<Arc<Index>>,
    home: Option<usize>,
    cached: bool,
    age: Option<Duration>,
}

impl Metadata {
    /// What can go on where the cursor stands.
    ///
    /// # Errors
    /// When the cursor is not in the text, the text is too long, or there is no such source.
    pub async fn complete(&self, gate: &Gate, typing: &Typing<'_>) -> Result<SqlCompletion, ApiError> {
        if typing.sql.len() > MAX_TEXT_BYTES {
            let message = format!("a statement has at most {MAX_TEXT_BYTES} bytes, and this one has more");
            return Err(ApiError::new(ErrorKind::Invalid, "text_too_long", message)
                .hint("send the statement in which the cursor stands, and not all of them"));
        }
        let cursor = byte_of(typing.sql, typing.cursor)?;
        let seen = self.seen(gate, typing.catalog).await?;
        let home = seen.home.and_then(|home| seen.indexes.get(home));
        let dialect = home.map_or(Dialect::Duckdb, |home| home.dialect);
        let sight = Sight { sources: &seen.indexes, home: seen.home, dialect };
        let Completed { suggestions, replaces: (from, to), more } =
            complete(typing.sql, cursor, &sight, typing.limit);
        Ok(SqlCompletion {
            suggestions,
            replace_from: characters(typing.sql, from),
            replace_to: characters(typing.sql, to),
            truncated: more,
            cached: seen.cached,
            age_seconds: seen.age.map(|age| age.as_secs()),
        })
    }

    /// The language of a source, and the schema of names without one.
    pub(super) fn language(&self, gate: &Gate, source: &str) -> (Dialect, String) {
        // A source that was listed is connected, so this waits for nothing.
        match gate.catalog().far(source) {
            Ok(Some(far)) => (far.dialect(), far.default_schema().to_owned()),
            Ok(None) | Err(_) => (Dialect::Duckdb, "main".to_owned()),
        }
    }

    async fn seen(&self, gate: &Gate, catalog: Option<&str>) -> Result<Seen, ApiError> {
        let owner = gate.principal().is_owner();
        let chosen = match owner {
            true => gate.catalog().choose(catalog)?,
            false => catalog.map(str::to_owned),
        };
        let mark = gate.mark().await?;
        let mut seen = Seen { indexes: Vec::new(), home: None, cached: true, age: None };
        for source in gate.catalog().sources() {
            let home = chosen.as_ref() == Some(&source.name);
            let known = gate.catalog().known(&source.name);
            let age = known.as_ref().map(|(_, age)| *age);
            if age.is_none_or(|age| age > FRESH) {
                let looking = self.look(gate, &source.name);
                // Files are looked at in a moment; a server may be far away.
                if known.is_none() && (home || source.kind == SourceKind::Duckdb) {
                    wait(looking).await;
                    seen.cached = false;
                }
            }
            let Some((listing, age)) = gate.catalog().known(&source.name) else {
                seen.cached = false;
                continue;
            };
            let Some(index) = self.ready(gate, &mark, &source.name, &listing).await? else { continue };
            seen.age = seen.age.max(Some(age));
            seen.indexes.push(index);
        }
        seen.home = match &chosen {
            Some(name) => seen.indexes.iter().position(|index| index.source == *name),
            None if seen.indexes.len() == 1 => Some(0),
            None => None,
        };
        if let (None, Some(name)) = (seen.home, catalog)
            && !owner
        {
            // Whether it is hidden, or missing, the gate says the same.
            gate.tables(Some(name)).await?;
        }
        seen.keep_reachable(gate);
        Ok(seen)
    }

    /// A source made ready for a reader; none where they see nothing of it.
    async fn ready(
        &self,
        gate: &Gate,
        mark: &str,
        source: &str,
        listing: &Arc<Vec<Table>>,
    ) -> Result<Option<Arc<Index>>, ApiError> {
        let key = (mark.to_owned(), source.to_owned());
        if let Some(ready) = self.0.shelves.ready().get_mut(&key)
            && Arc::ptr_eq(&ready.listing, listing)
        {
            ready.used = Instant::now();
            return Ok(ready.index.clone());
        }
        let tables = match gate.principal().is_owner() {
            true => listing.clone(),
            false => match gate.tables(Some(source)).await {
                Ok(tables) => Arc::new(tables),
                Err(error) if error.kind == ErrorKind::NotFound => Arc::default(),
                Err(error) => return Err(error),
            },
        };
        let (dialect, default_schema) = self.language(gate, source);
        let index = (gate.principal().is_owner() || !tables.is_empty())
            .then(|| Arc::new(Index::new(source, dialect, &default_schema, tables)));
        // What was seen while the policy changed is not what this mark stands for.
        if gate.mark().await? == mark {
            let ready = Ready { listing: listing.clone(), index: index.clone(), used: Instant::now() };
            self.0.shelves.keep(&key, ready);
        }
        Ok(index)
    }

    /// Looks at a source in the background, unless somebody does already.
    pub(super) fn look(&self, gate: &Gate, source: &str) -> Option<JoinHandle<()>> {
        if !self.0.shelves.looking().insert(source.to_owned()) {
            return None;
        }
        let (this, gate, source) = (self.clone(), gate.clone(), source.to_owned());
        Some(tokio::task::spawn_blocking(move || {
            if let Err(error) = gate.catalog().tables(&source, gate.pool()) {
                tracing::debug!(%source, %error, "a source cannot be listed for completion");
            }
            this.0.shelves.looking().remove(&source);
        }))
    }
}

/// Waits for a look, but not for ever.
async fn wait(looking: Option<JoinHandle<()>>) {
    if let Some(looking) = looking {
        let _ = tokio::time::timeout(PATIENCE, looking).await;
    }
}

impl Seen {
    /// Leaves away what a statement at home cannot reach: a source elsewhere is read alone.
    fn keep_reachable(&mut self, gate: &Gate) {
        let Some(home) = self.home.and_then(|home| self.indexes.get(home)).cloned() else { return };
        let far = |name: &str| gate.catalog().get(name).is_ok_and(|s| s.kind != SourceKind::Duckdb);
        let alone = far(&home.source);
        self.indexes.retain(|index| index.source == home.source || !alone && !far(&index.source));
        self.home = self.indexes.iter().position(|index| index.source == home.source);
    }
}

impl Shelves {
    fn ready(&self) -> MutexGuard<'_, HashMap<(String, String), Ready>> {
        self.ready.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn looking(&self) -> MutexGuard<'_, HashSet<String>> {
        self.looking.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn keep(&self, key: &(String, String), ready: Ready) {
        let mut all = self.ready();
        all.insert(key.clone(), ready);
        let columns = |ready: &Ready| {
            let tables = ready.index.as_ref().map(|index| &index.tables);
            // One without columns takes room too.
            1 + tables.map_or(0, |tables| tables.iter().map(|t| 1 + t.columns.len()).sum::<usize>())
        };
        let mut total: usize = all.values().map(columns).sum();
        while total > MOST_COLUMNS {
            let others = all.iter().filter(|(k, _)| *k != key);
            let Some(oldest) = others.min_by_key(|(_, ready)| ready.used).map(|(k, _)| k.clone()) else {
                break;
            };
            total -= all.remove(&oldest).as_ref().map_or(0, columns);
        }
    }
}

/// The byte of a place that is counted in characters.
fn byte_of(sql: &str, cursor: Option<u64>) -> Result<usize, ApiError> {
    let Some(cursor) = cursor else { return Ok(sql.len()) };
    let places = sql.char_indices().map(|(at, _)| at).chain([sql.len()]);
    let found = usize::try_from(cursor).ok().and_then(|at| places.clone().nth(at));
    found.ok_or_else(|| {
        let last = places.count().saturating_sub(1);
        let message = format!("the cursor is at {cursor}, and the text has {last} characters");
        ApiError::new(ErrorKind::Invalid, "bad_cursor", message)
            .hint("count characters from 0; leave it away for the end of the text")
    })
}

fn characters(sql: &str, byte: usize) -> u64 {
    sql.get(..byte).map_or(0, |before| before.chars().count() as u64)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_cursor_stands_between_characters() {
        for (cursor, byte) in [(None, 7), (Some(0), 0), (Some(1), 2), (Some(2), 6), (Some(3), 7)] {
            assert_eq!(byte_of("ä🦀x", cursor).unwrap(), byte);
            assert_eq!(characters("ä🦀x", byte), cursor.unwrap_or(3));
        }
        assert_eq!(byte_of("ä🦀x", Some(4)).unwrap_err().code, "bad_cursor");
        assert!(byte_of("", Some(u64::MAX)).is_err() && byte_of("", Some(0)).is_ok());
    }

    #[test]
    fn what_was_used_longest_ago_goes_first() {
        let column = wharf_protocol::TableColumn {
            name: "a".to_owned(),
            r#type: "int".to_owned(),
            comment: None,
            nullable: None,
        };
        let table = |columns: usize| Table {
            catalog: "big".to_owned(),
            schema: "main".to_owned(),
            name: "t".to_owned(),
            qualified: "t".to_owned(),
            rows: None,
            comment: None,
            view: false,
            columns: vec![column.clone(); columns],
        };
        let shelves = Shelves::default();
        let key = |reader: &str| (reader.to_owned(), "big".to_owned());
        for reader in ["a", "b", "c"] {
            let listing = Arc::new(vec![table(MOST_COLUMNS / 3)]);
            let index = Some(Arc::new(Index::new("big", Dialect::Duckdb, "main", listing.clone())));
            shelves.keep(&key(reader), Ready { listing, index, used: Instant::now() });
        }
        let left: HashSet<String> = shelves.ready().keys().map(|(reader, _)| reader.clone()).collect();
        assert_eq!(left, ["b", "c"].map(str::to_owned).into());
    }
}
