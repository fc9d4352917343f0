//! Everything that was set, and what of it holds for one reader. Pure.

use super::Note;
use crate::identity::Principal;
use std::collections::HashMap;
use std::sync::Arc;
use wharf_policy::TableName;
use wharf_protocol::{Grant, LimitsEntry, PolicyBook, RuleEntry, SubjectLimits};

/// All policies at one version of the state.
#[derive(Default)]
pub(super) struct Book {
    pub(super) version: i64,
    pub(super) grants: Vec<Grant>,
    pub(super) rules: Vec<RuleEntry>,
    pub(super) limits: Vec<LimitsEntry>,
    pub(super) notes: HashMap<(String, String, String), Note>,
}

impl Book {
    pub(super) fn shown(&self) -> PolicyBook {
        PolicyBook { grants: self.grants.clone(), rules: self.rules.clone(), limits: self.limits.clone() }
    }

    pub(super) fn note(&self, source: &str, schema: &str, table: &str) -> Note {
        let key = (source.to_owned(), schema.to_owned(), table.to_owned());
        self.notes.get(&key).cloned().unwrap_or_default()
    }
}

/// What holds for one reader. Cheap to clone.
#[derive(Clone)]
pub struct Effective {
    principal: Principal,
    subjects: Arc<[String]>,
    book: Arc<Book>,
}

impl Effective {
    pub(super) fn new(principal: Principal, subjects: Vec<String>, book: Arc<Book>) -> Self {
        Self { principal, subjects: subjects.into(), book }
    }

    /// Whom it holds for.
    pub fn principal(&self) -> &Principal {
        &self.principal
    }

    /// The subjects whose grants and rules count.
    pub fn subjects(&self) -> &[String] {
        &self.subjects
    }

    /// Whether a table may be read.
    pub fn allows(&self, table: &TableName) -> bool {
        let fits = |pattern: &str, name: &str| pattern == "*" || pattern.eq_ignore_ascii_case(name);
        self.book.grants.iter().filter(|g| self.subjects.contains(&g.subject)).any(|g| {
            g.source == table.catalog && fits(&g.schema, &table.schema) && fits(&g.table, &table.table)
        })
    }

    /// Every rule for a table that applies.
    pub fn rules(&self, table: &TableName) -> impl Iterator<Item = &RuleEntry> {
        self.book.rules.iter().filter(move |r| {
            self.subjects.contains(&r.subject)
                && r.source == table.catalog
                && r.schema.eq_ignore_ascii_case(&table.schema)
                && r.table.eq_ignore_ascii_case(&table.table)
        })
    }

    /// The limits that hold: of all that fit, the strictest.
    pub fn limits(&self) -> SubjectLimits {
        let fitting = self.book.limits.iter().filter(|l| self.subjects.contains(&l.subject));
        fitting.fold(SubjectLimits::default(), |all, one| strictest(&all, &one.limits))
    }

    /// Changes when anything changes that could hold for this reader.
    pub fn mark(&self) -> String {
        format!("{}@{}", self.subjects.join(","), self.book.version)
    }
}

/// The stricter of each limit.
pub fn strictest(a: &SubjectLimits, b: &SubjectLimits) -> SubjectLimits {
    let least = |a: Option<u64>, b: Option<u64>| match (a, b) {
        (Some(a), Some(b)) => Some(a.min(b)),
        (a, b) => a.or(b),
    };
    SubjectLimits {
        rows: least(a.rows, b.rows),
        bytes: least(a.bytes, b.bytes),
        seconds: least(a.seconds, b.seconds),
        concurrent: least(a.concurrent, b.concurrent),
        per_day: least(a.per_day, b.per_day),
        cost: least(a.cost, b.cost),
    }
}
