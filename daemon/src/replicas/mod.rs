//! Replicas: local copies of tables and queries, refreshed by hand or by themselves.
//!
//! ```text
//! definition -> fetch through the gate -> Parquet aside -> new DuckDB file aside -> renamed -> state -> answers come from it
//! ```
//! Whatever ends the daemon in between, the file that the state names is whole; what stands beside it is removed at the next
//! start.

mod background;
mod build;
mod files;
mod refresh;
mod schedule;
mod spec;
mod store;

use crate::catalog::{Catalog, Copies, Holds, LocalCopy, PARTS};
use crate::clock;
use crate::gate::{Gate, Rights, Statement, check_rule};
use crate::lifecycle::blocking;
use crate::sources::Cancel;
use crate::state::State;
use background::Background;
use chrono::{DateTime, SecondsFormat, Utc};
use files::Folder;
use spec::Fetch;
use std::collections::{BTreeMap, HashMap, HashSet};
use std::path::Path;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;
use store::Stored;
use wharf_policy::{TableName, quoted};
use wharf_protocol::{
    ApiError, ErrorKind, PolicyBook, Replica, ReplicaAdd, RuleEntry, SourceKind, Table, TableRule,
};
use wharf_warehouses::Source;

/// What a replica holds, and as what statements call it.
fn called(add: &ReplicaAdd) -> (Holds, TableName) {
    let of = TableName::new(&add.source, add.schema.as_deref().unwrap_or_default(), &add.table);
    let own = TableName::new(&add.source, PARTS, &add.name);
    match (&add.sql, add.columns.is_empty() && add.filter.is_none()) {
        (Some(_), _) => (Holds::Query, own),
        (None, false) => (Holds::Part(of), own),
        (None, true) => (Holds::Table, of),
    }
}

/// A source that is copied from. Blocking.
fn far_of(gate: &Gate, source: &str) -> Result<Arc<dyn Source>, ApiError> {
    gate.catalog()
        .far(source)?
        .ok_or_else(|| ApiError::new(ErrorKind::Invalid, "bad_replica", "its source is on this machine now"))
}

/// What fetches a replica's rows at its source.
fn fetch_of(add: &ReplicaAdd, far: &dyn Source, cursor: Option<&str>) -> Fetch {
    let (dialect, schema) = (far.dialect(), add.schema.as_deref().unwrap_or_default());
    let root = format!("{}.{}", quoted(far.catalog(), dialect), quoted(schema, dialect));
    spec::fetch(add, dialect, &root, cursor)
}

/// Whether every filter of rows that anybody has on this table can be applied to these columns of it.
///
/// # Errors
/// Which one cannot: without its columns, nobody who has it could be shown the rows that are theirs.
fn filters_work(gate: &Gate, book: &PolicyBook, copied: &Table) -> Result<(), ApiError> {
    let on_it = |entry: &&RuleEntry| {
        (&entry.source, &entry.schema, &entry.table) == (&copied.catalog, &copied.schema, &copied.name)
    };
    for entry in book.rules.iter().filter(on_it) {
        let only = TableRule { filter: entry.rule.filter.clone(), ..TableRule::default() };
        check_rule(gate, copied, &only).map_err(|error| {
            let message = format!(
                "rows of {} are filtered for {}, and the copied columns are not enough for that: {}",
                copied.qualified, entry.subject, error.message
            );
            ApiError::new(ErrorKind::Invalid, "filter_column_missing", message)
                .hint("add the columns of the filter to --columns (`wharf policy show` lists the filters)")
        })?;
    }
    Ok(())
}

/// Told while rows are fetched: what is done, rows so far.
pub type Progress = Arc<dyn Fn(&str, u64) + Send + Sync>;

/// All replicas. Cheap to clone.
#[derive(Clone)]
pub struct Replicas(Arc<Inner>);

struct Inner {
    state: State,
    gate: Gate,
    folder: Folder,
    /// What fetches and writes.
    background: Background,
    /// Bytes that all files together may take.
    quota: u64,
    all: Mutex<BTreeMap<String, Stored>>,
    refreshing: Mutex<HashSet<String>>,
    /// When each is refreshed next.
    due: Mutex<HashMap<String, DateTime<Utc>>>,
}

/// A refresh that runs; nobody else refreshes the same replica meanwhile.
struct Turn<'a>(&'a Inner, String);

impl Drop for Turn<'_> {
    fn drop(&mut self) {
        lock(&self.0.refreshing).remove(&self.1);
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Replicas {
    /// The replicas in `state`, their files under `folder`. `private` is a daemon of one command: it leaves alone what the shared
    /// one may be at.
    ///
    /// # Errors
    /// When they cannot be read.
    pub async fn open(
        state: State,
        gate: Gate,
        folder: &Path,
        quota: u64,
        private: bool,
    ) -> Result<Self, ApiError> {
        let all = store::load(&state).await?;
        let folder = Folder::new(folder);
        if !private {
            for name in store::interrupted(&state).await? {
                tracing::warn!(replica = %name, "a refresh was cut by the end of the daemon before this one");
            }
            folder.sweep(&all);
        }
        let inner = Inner {
            state,
            gate,
            folder,
            background: Background::default(),
            quota,
            all: Mutex::new(all),
            refreshing: Mutex::default(),
            due: Mutex::default(),
        };
        let this = Self(Arc::new(inner));
        let now = clock::now();
        for stored in this.stored() {
            this.plan_next(&stored.add, now);
        }
        Ok(this)
    }

    /// Looks at the files that the state names, so that answers may come from them. Blocking.
    pub fn look(&self) {
        for stored in self.stored() {
            if let Err(error) = self.offer(&stored) {
                tracing::warn!(replica = %stored.add.name, %error, "a replica cannot be read; refresh it");
            }
        }
    }

    /// Adds a replica and fills it. What others than the owner wish to have copied must be a query on the source's tables and
    /// nothing else, because refreshes run with the owner's rights.
    ///
    /// # Errors
    /// When it makes no sense, its name is taken, or its rows cannot be fetched: then there is none.
    pub async fn add(
        &self,
        add: ReplicaAdd,
        by_owner: bool,
        cancel: Cancel,
        progress: Progress,
    ) -> Result<Replica, ApiError> {
        let add = self.settled(add).await?;
        if !by_owner {
            let (source, wanted) = (add.source.clone(), add.clone());
            let gate = self.0.gate.clone();
            let sql = blocking(move || Ok(fetch_of(&wanted, &*far_of(&gate, &source)?, None).sql)).await?;
            let mut statement = Statement::new("replica", Rights::Source, sql);
            statement.source = Some(add.source.clone());
            self.0.gate.validate(statement).await?;
        }
        let name = add.name.clone();
        if lock(&self.0.all).contains_key(&name) {
            let message = format!("there is a replica `{name}` already");
            return Err(ApiError::new(ErrorKind::Conflict, "replica_exists", message)
                .hint(format!("choose another name, or delete it: wharf replica delete {name}")));
        }
        let stored = Stored { add, created_at: clock::now_text(), data: None, used_at: None };
        store::insert(&self.0.state, &stored).await?;
        lock(&self.0.all).insert(name.clone(), stored.clone());
        self.plan_next(&stored.add, clock::now());
        match self.refresh(&name, true, cancel, progress).await {
            Ok(replica) => Ok(replica),
            Err(error) => {
                self.remove(&name).await?;
                Err(error)
            }
        }
    }

    /// A definition with what it leaves to the source filled in, checked against the table.
    async fn settled(&self, mut add: ReplicaAdd) -> Result<ReplicaAdd, ApiError> {
        let (gate, book) = (self.0.gate.clone(), self.0.gate.policies().all().await?);
        blocking(move || {
            let catalog = gate.catalog();
            let source = catalog.get(&add.source)?;
            let far = catalog.far(&add.source)?.filter(|_| source.kind != SourceKind::Duckdb);
            let Some(far) = far else {
                let message = format!("the source `{}` is on this machine already", add.source);
                return Err(ApiError::new(ErrorKind::Invalid, "bad_replica", message)
                    .hint("replicas are copies of what is elsewhere"));
            };
            let schema = add.schema.get_or_insert_with(|| far.default_schema().to_owned()).clone();
            let is_meant = |t: &&Table| t.schema == schema && t.name == add.table;
            let mut tables = catalog.tables(&add.source, gate.pool())?;
            if add.sql.is_none() && !tables.iter().any(|t| is_meant(&t)) {
                catalog.look_again(&add.source);
                tables = catalog.tables(&add.source, gate.pool())?;
            }
            let table = tables.iter().find(is_meant);
            match (&add.sql, table) {
                (None, None) => {
                    let known: Vec<&str> = tables.iter().map(|t| t.name.as_str()).collect();
                    return Err(crate::catalog::unknown_table(&add.source, &add.table, &known));
                }
                (Some(_), _) => spec::check(&add, None)?,
                (None, table) => spec::check(&add, table)?,
            }
            if called(&add).0 != Holds::Table
                && tables.iter().any(|t| t.schema == PARTS && t.name.eq_ignore_ascii_case(&add.name))
            {
                let message = format!("the source has a table `{PARTS}.{}` of its own", add.name);
                return Err(ApiError::new(ErrorKind::Conflict, "bad_replica", message)
                    .hint("give the replica another name"));
            }
            if let Some(table) = table.filter(|_| !add.columns.is_empty()) {
                let copied = Table {
                    columns: table
                        .columns
                        .iter()
                        .filter(|c| add.columns.contains(&c.name))
                        .cloned()
                        .collect(),
                    ..table.clone()
                };
                filters_work(&gate, &book, &copied)?;
            }
            Ok(add)
        })
        .await
    }

    /// All replicas, by name, each with its last refresh.
    ///
    /// # Errors
    /// When the history cannot be read.
    pub async fn list(&self) -> Result<Vec<Replica>, ApiError> {
        let mut all = Vec::new();
        for stored in self.stored() {
            all.push(self.told(&stored, 1).await?);
        }
        Ok(all)
    }

    /// One replica with its history.
    ///
    /// # Errors
    /// When there is none of this name.
    pub async fn show(&self, name: &str) -> Result<Replica, ApiError> {
        let stored = self.get(name)?;
        self.told(&stored, 20).await
    }

    /// Deletes a replica and its file.
    ///
    /// # Errors
    /// When there is none of this name, or it is being refreshed.
    pub async fn delete(&self, name: &str) -> Result<(), ApiError> {
        self.get(name)?;
        let _turn = self.turn(name)?;
        self.remove(name).await
    }

    /// Deletes the replicas of a source that is gone.
    ///
    /// # Errors
    /// When the state cannot be written.
    pub async fn delete_of(&self, source: &str) -> Result<(), ApiError> {
        for stored in self.stored().into_iter().filter(|stored| stored.add.source == source) {
            self.remove(&stored.add.name).await?;
        }
        Ok(())
    }

    async fn remove(&self, name: &str) -> Result<(), ApiError> {
        store::delete(&self.0.state, name).await?;
        lock(&self.0.all).remove(name);
        lock(&self.0.due).remove(name);
        self.withdraw(name);
        self.0.folder.remove(name);
        Ok(())
    }

    fn get(&self, name: &str) -> Result<Stored, ApiError> {
        let all = lock(&self.0.all);
        all.get(name).cloned().ok_or_else(|| {
            let near = wharf_policy::nearest(name, all.keys().map(String::as_str));
            let hint = match &near[..] {
                [] => "`wharf replica list` shows the replicas there are".to_owned(),
                near => format!("did you mean {}?", near.join(" or ")),
            };
            ApiError::new(ErrorKind::NotFound, "replica_not_found", format!("there is no replica `{name}`"))
                .hint(hint)
        })
    }

    fn stored(&self) -> Vec<Stored> {
        lock(&self.0.all).values().cloned().collect()
    }

    fn turn(&self, name: &str) -> Result<Turn<'_>, ApiError> {
        if !lock(&self.0.refreshing).insert(name.to_owned()) {
            let message = format!("the replica `{name}` is being refreshed");
            return Err(
                ApiError::new(ErrorKind::Conflict, "replica_busy", message).hint("wait until that has ended")
            );
        }
        Ok(Turn(&self.0, name.to_owned()))
    }

    async fn told(&self, stored: &Stored, refreshes: i64) -> Result<Replica, ApiError> {
        let name = &stored.add.name;
        let history = store::history(&self.0.state, name, refreshes).await?;
        let status = match (&stored.data, lock(&self.0.refreshing).contains(name)) {
            (_, true) => "refreshing",
            (Some(_), false) => "ready",
            (None, false) => "empty",
        };
        let next = lock(&self.0.due).get(name).map(|due| due.to_rfc3339_opts(SecondsFormat::Secs, true));
        let data = stored.data.as_ref();
        Ok(Replica {
            add: stored.add.clone(),
            status: status.to_owned(),
            rows: data.map(|d| d.rows),
            bytes: data.map(|d| d.bytes),
            data_at: data.map(|d| d.data_at.clone()),
            used_at: self.copies().used(name).or_else(|| stored.used_at.clone()),
            next_refresh: next,
            created_at: stored.created_at.clone(),
            query_as: called(&stored.add).1.to_string(),
            history,
        })
    }

    fn copies(&self) -> &Copies {
        self.0.gate.catalog().copies()
    }

    /// Lets answers come from a replica's data. Blocking.
    fn offer(&self, stored: &Stored) -> Result<(), ApiError> {
        let add = &stored.add;
        let Some(data) = &stored.data else { return Ok(()) };
        let (schema, pool) = (add.schema.clone().unwrap_or_default(), self.0.gate.pool());
        let bad = |e: chrono::ParseError| ApiError::new(ErrorKind::Internal, "replica_time", e.to_string());
        let data_at = DateTime::parse_from_rfc3339(&data.data_at).map_err(bad)?.with_timezone(&Utc);
        let (holds, table) = called(add);
        let mut copy = LocalCopy {
            replica: add.name.clone(),
            holds,
            table,
            columns: Arc::new(Table::default()),
            file: self.0.folder.of(&add.name).join(&data.file),
            data_at,
            max_age: add.max_age.map(Duration::from_secs),
        };
        let listed = Catalog::listed(&copy.attachment(), pool)?;
        let table =
            listed.into_iter().find(|t| t.schema == schema && t.name == add.table).ok_or_else(|| {
                ApiError::new(ErrorKind::Failed, "replica_damaged", "its file does not hold its table")
            })?;
        copy.columns = Arc::new(Table { catalog: add.source.clone(), ..table });
        self.copies().put(copy);
        Ok(())
    }

    /// From here on no answer comes from a replica.
    fn withdraw(&self, name: &str) {
        self.copies().remove(name);
        self.0.gate.pool().drop_source(&format!("replica_{name}"));
    }

    fn plan_next(&self, add: &ReplicaAdd, after: DateTime<Utc>) {
        let next = add.schedule.as_ref().and_then(|text| schedule::parse(text).ok());
        match next.and_then(|cron| schedule::next(&cron, add.jitter, after)) {
            Some(due) => drop(lock(&self.0.due).insert(add.name.clone(), due)),
            None => drop(lock(&self.0.due).remove(&add.name)),
        }
    }

    /// Whether any is refreshed by itself, so that the daemon must not end for want of work.
    pub fn is_scheduled(&self) -> bool {
        !lock(&self.0.due).is_empty()
    }

    /// Begins the refreshes that are due, and writes down what was used. Called every second.
    pub async fn tick(&self) {
        let now = clock::now();
        let due: Vec<String> =
            lock(&self.0.due).iter().filter(|(_, due)| **due <= now).map(|(name, _)| name.clone()).collect();
        for name in due {
            let Ok(stored) = self.get(&name) else { continue };
            self.plan_next(&stored.add, now);
            let this = self.clone();
            tokio::spawn(async move {
                if let Err(error) = this.refresh(&name, false, Cancel::default(), Arc::new(|_, _| {})).await {
                    tracing::warn!(replica = %name, %error, "a scheduled refresh failed");
                }
            });
        }
    }

    /// Writes down when answers last came from each replica.
    ///
    /// # Errors
    /// When the state cannot be written.
    pub async fn flush(&self) -> Result<(), ApiError> {
        let used = self.copies().take_used();
        if used.is_empty() {
            return Ok(());
        }
        for (name, at) in &used {
            if let Some(stored) = lock(&self.0.all).get_mut(name) {
                stored.used_at = Some(at.clone());
            }
        }
        Ok(store::set_used(&self.0.state, &used).await?)
    }
}
