//! What a source holds, as completion looks things up: made once for a listing and a reader, asked at every key.

use std::collections::{BTreeSet, HashMap};
use std::sync::Arc;
use wharf_policy::Dialect;
use wharf_protocol::{Table, TableColumn};

/// The tables of one source that a reader may see.
pub struct Index {
    /// The source's name, the root of its tables' names.
    pub source: String,
    /// The language it reads.
    pub dialect: Dialect,
    /// The schema of names without one.
    pub default_schema: String,
    /// The tables as they are seen.
    pub tables: Arc<Vec<Table>>,
    /// Schemas in the order of their names.
    pub(super) schemas: Vec<String>,
    by_name: HashMap<String, Vec<usize>>,
    /// Every name of a column in lower case, in order, with one column that is called so and how many are.
    names: Vec<ColumnName>,
}

/// A name that columns have.
pub(super) struct ColumnName {
    pub(super) lower: String,
    /// The table and the column where it is met first.
    pub(super) at: (usize, usize),
    /// In how many tables.
    pub(super) tables: usize,
}

impl Index {
    /// Of the tables that somebody sees of a source.
    pub fn new(source: &str, dialect: Dialect, default_schema: &str, tables: Arc<Vec<Table>>) -> Self {
        let schemas: BTreeSet<String> = tables.iter().map(|t| t.schema.clone()).collect();
        let mut by_name: HashMap<String, Vec<usize>> = HashMap::new();
        let mut columns: HashMap<String, ((usize, usize), usize)> = HashMap::new();
        for (t, table) in tables.iter().enumerate() {
            by_name.entry(table.name.to_lowercase()).or_default().push(t);
            for (c, column) in table.columns.iter().enumerate() {
                columns.entry(column.name.to_lowercase()).or_insert(((t, c), 0)).1 += 1;
            }
        }
        let names = columns.into_iter().map(|(lower, (at, tables))| ColumnName { lower, at, tables });
        let mut names: Vec<ColumnName> = names.collect();
        names.sort_unstable_by(|a, b| a.lower.cmp(&b.lower));
        Self {
            source: source.to_owned(),
            dialect,
            default_schema: default_schema.to_owned(),
            tables,
            schemas: schemas.into_iter().collect(),
            by_name,
            names,
        }
    }

    /// The names of columns.
    pub(super) fn names(&self) -> &[ColumnName] {
        &self.names
    }

    /// A column by its place.
    pub(super) fn column(&self, (table, column): (usize, usize)) -> Option<(&Table, &TableColumn)> {
        let table = self.tables.get(table)?;
        Some((table, table.columns.get(column)?))
    }

    /// The table of this name: as it is spelled, else without regard to case; in the default schema where none is named.
    pub(super) fn table(&self, schema: Option<&str>, name: &str) -> Option<&Table> {
        let wanted = schema.unwrap_or(&self.default_schema);
        let all = self.by_name.get(&name.to_lowercase())?;
        let all = || all.iter().filter_map(|t| self.tables.get(*t));
        let in_schema = || all().filter(|t| t.schema.eq_ignore_ascii_case(wanted));
        let exact = in_schema().find(|t| t.name == name && t.schema == wanted);
        exact.or_else(|| in_schema().next()).or_else(|| all().next().filter(|_| schema.is_none()))
    }

    /// Whether there is a schema of this name.
    pub(super) fn has_schema(&self, name: &str) -> bool {
        self.schemas.iter().any(|s| s.eq_ignore_ascii_case(name))
    }
}
