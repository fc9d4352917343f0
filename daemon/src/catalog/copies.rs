//! Local copies that answers may come from: which file stands for which table, and how old its data are.

use crate::sources::duckdb::Attachment;
use chrono::{DateTime, Utc};
use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, RwLock};
use std::time::Duration;
use wharf_policy::TableName;
use wharf_protocol::Table;

/// The schema under which copies are called that stand for no whole table: `SOURCE.replica.NAME`.
pub const PARTS: &str = "replica";

/// What a copy holds of its source.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Holds {
    /// Every row and every column of a table: answers may come from it that ask for the table.
    Table,
    /// Some rows or some columns of this table, whose grants and rules hold for it too.
    Part(TableName),
    /// The rows of a query. What rules hold for those nobody can tell, so they are the owner's.
    Query,
}

/// A local copy of what is elsewhere.
#[derive(Debug, Clone)]
pub struct LocalCopy {
    /// The replica's name.
    pub replica: String,
    /// What it holds.
    pub holds: Holds,
    /// As statements call it, under its source's name: the table that it stands for, else a name of its own.
    pub table: TableName,
    /// Its columns as the embedded engine has them; the schema and the name are those of the table in the file.
    pub columns: Arc<Table>,
    /// The database file.
    pub file: PathBuf,
    /// When the data were read at the source.
    pub data_at: DateTime<Utc>,
    /// Up to what age of its data answers may come from it, where a request does not say.
    pub max_age: Option<Duration>,
}

impl LocalCopy {
    /// The catalog that it is attached as.
    pub fn alias(&self) -> String {
        format!("replica_{}", self.replica)
    }

    /// Where an instance that has attached it finds its rows.
    pub fn place(&self) -> TableName {
        TableName::new(self.alias(), &self.columns.schema, &self.columns.name)
    }

    /// The table whose grants and rules hold for it; none where only the owner may read it.
    pub fn ruled_as(&self) -> Option<&TableName> {
        match &self.holds {
            Holds::Table => Some(&self.table),
            Holds::Part(table) => Some(table),
            Holds::Query => None,
        }
    }

    /// As an instance attaches it.
    pub fn attachment(&self) -> Attachment {
        let stamp = self.file.file_name().unwrap_or_default().to_string_lossy().into_owned();
        Attachment {
            alias: self.alias(),
            file: self.file.clone(),
            reads: Vec::new(),
            stamp,
            foreign: false,
            key: None,
        }
    }

    /// Whether its data are young enough: at most as old as a request says, else as old as it says itself.
    pub fn serves(&self, asked: Option<Duration>, now: DateTime<Utc>) -> bool {
        let age = now.signed_duration_since(self.data_at).to_std().unwrap_or_default();
        asked.or(self.max_age).is_some_and(|most| age <= most)
    }
}

/// All of them, by replica. Cheap to clone.
#[derive(Clone, Default)]
pub struct Copies(Arc<Inner>);

#[derive(Default)]
struct Inner {
    all: RwLock<BTreeMap<String, LocalCopy>>,
    /// By replica: when an answer last came from it, since that was last written down.
    used: Mutex<BTreeMap<String, String>>,
}

impl Copies {
    /// From here on answers may come from this copy.
    pub fn put(&self, copy: LocalCopy) {
        self.0.all.write().unwrap_or_else(PoisonError::into_inner).insert(copy.replica.clone(), copy);
    }

    /// From here on none comes from it.
    pub fn remove(&self, replica: &str) {
        self.0.all.write().unwrap_or_else(PoisonError::into_inner).remove(replica);
    }

    /// For each table of a source the youngest copy that is young enough.
    pub fn of(&self, source: &str, asked: Option<Duration>, now: DateTime<Utc>) -> Vec<LocalCopy> {
        let all = self.0.all.read().unwrap_or_else(PoisonError::into_inner);
        let mut found: Vec<LocalCopy> = Vec::new();
        let whole = |copy: &&LocalCopy| copy.holds == Holds::Table && copy.table.catalog == source;
        for copy in all.values().filter(whole).filter(|copy| copy.serves(asked, now)) {
            match found.iter_mut().find(|other| other.table == copy.table) {
                None => found.push(copy.clone()),
                Some(older) if older.data_at < copy.data_at => *older = copy.clone(),
                Some(_) => {}
            }
        }
        found
    }

    /// The copies of a source that stand for no whole table.
    pub fn parts(&self, source: &str) -> Vec<LocalCopy> {
        let all = self.0.all.read().unwrap_or_else(PoisonError::into_inner);
        let part = |copy: &&LocalCopy| copy.holds != Holds::Table && copy.table.catalog == source;
        all.values().filter(part).cloned().collect()
    }

    /// An answer comes from this one.
    pub fn note_use(&self, replica: &str) {
        self.times().insert(replica.to_owned(), crate::clock::now_text());
    }

    /// When an answer last came from a replica, if that has not been written down yet.
    pub fn used(&self, replica: &str) -> Option<String> {
        self.times().get(replica).cloned()
    }

    /// Hands out what is to be written down.
    pub fn take_used(&self) -> Vec<(String, String)> {
        std::mem::take(&mut *self.times()).into_iter().collect()
    }

    fn times(&self) -> MutexGuard<'_, BTreeMap<String, String>> {
        self.0.used.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
