//! Tables, and the policy that lists them.

use serde::{Deserialize, Serialize};
use std::fmt;

/// The language a statement is written in.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Dialect {
    /// DuckDB 1.5.
    Duckdb,
    /// Snowflake.
    Snowflake,
    /// Databricks SQL.
    Databricks,
    /// PostgreSQL.
    Postgres,
    /// Amazon Redshift.
    Redshift,
}

impl fmt::Display for Dialect {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.serialize(f)
    }
}

/// The full name of a table, spelled as the catalogue stores it.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub struct TableName {
    /// Catalog: the attached database.
    pub catalog: String,
    /// Schema.
    pub schema: String,
    /// Table or view.
    pub table: String,
}

impl TableName {
    /// A name from its three parts.
    pub fn new(catalog: impl Into<String>, schema: impl Into<String>, table: impl Into<String>) -> Self {
        Self { catalog: catalog.into(), schema: schema.into(), table: table.into() }
    }

    /// Reads an entry of a list of tables: `catalog.schema.table`, or `schema.table` in `default_catalog`. A part that
    /// holds a dot is quoted: `"a.b".c`; a doubled quote inside quotes is one quote.
    ///
    /// # Errors
    /// [`BadTableName`] when there are not two or three parts, a part is empty or a quote is not closed.
    pub fn parse(entry: &str, default_catalog: &str) -> Result<Self, BadTableName> {
        let bad = |why| BadTableName { entry: entry.to_owned(), why };
        let mut parts = split_parts(entry).map_err(bad)?;
        if parts.iter().any(String::is_empty) {
            return Err(bad("has an empty part"));
        }
        let table = parts.pop().unwrap_or_default();
        match (parts.pop(), parts.pop(), parts.is_empty()) {
            (Some(schema), catalog, true) => {
                Ok(Self::new(catalog.unwrap_or_else(|| default_catalog.to_owned()), schema, table))
            }
            _ => Err(bad("has neither two nor three parts")),
        }
    }

    /// Equal in DuckDB, which ignores the case of ASCII letters in every part.
    pub(crate) fn same_ignoring_case(&self, catalog: &str, schema: &str, table: &str) -> bool {
        self.table.eq_ignore_ascii_case(table)
            && self.schema.eq_ignore_ascii_case(schema)
            && self.catalog.eq_ignore_ascii_case(catalog)
    }
}

impl fmt::Display for TableName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (at, part) in [&self.catalog, &self.schema, &self.table].into_iter().enumerate() {
            if at > 0 {
                f.write_str(".")?;
            }
            if part.contains(['.', '"']) {
                write!(f, "\"{}\"", part.replace('"', "\"\""))?;
            } else {
                f.write_str(part)?;
            }
        }
        Ok(())
    }
}

/// An entry in a list of tables that cannot be read.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("the allowed table `{entry}` {why}")]
pub struct BadTableName {
    /// The entry as given.
    pub entry: String,
    why: &'static str,
}

/// What one caller may read.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Policy {
    dialect: Dialect,
    allowed: Vec<TableName>,
    default_catalog: String,
    default_schema: String,
    other_schemas: Vec<String>,
}

impl Policy {
    /// A policy from full names.
    pub fn new(
        dialect: Dialect,
        allowed: Vec<TableName>,
        default_catalog: impl Into<String>,
        default_schema: impl Into<String>,
    ) -> Self {
        let (default_catalog, default_schema) = (default_catalog.into(), default_schema.into());
        Self { dialect, allowed, default_catalog, default_schema, other_schemas: Vec::new() }
    }

    /// Adds names of schemas and catalogs that exist beside those of the allowed tables.
    ///
    /// DuckDB writes `name.upper()` for `upper(name)`, which looks like a function of the schema `name`. The more schemas
    /// are known here, the surer the two are told apart: a known schema is never taken for a column.
    #[must_use]
    pub fn with_schemas(mut self, names: impl IntoIterator<Item = String>) -> Self {
        self.other_schemas.extend(names);
        self
    }

    /// Whether a name is a schema or catalog that this policy knows of.
    pub(crate) fn knows_schema(&self, name: &str) -> bool {
        let own = [&self.default_catalog, &self.default_schema];
        let listed = self.allowed.iter().flat_map(|entry| [&entry.catalog, &entry.schema]);
        own.into_iter().chain(listed).chain(&self.other_schemas).any(|known| known.eq_ignore_ascii_case(name))
    }

    /// A policy from entries as people write them (see [`TableName::parse`]).
    ///
    /// # Errors
    /// [`BadTableName`] for the first entry that cannot be read.
    pub fn parse(
        dialect: Dialect,
        entries: &[impl AsRef<str>],
        default_catalog: &str,
        default_schema: &str,
    ) -> Result<Self, BadTableName> {
        let allowed = entries.iter().map(|entry| TableName::parse(entry.as_ref(), default_catalog));
        Ok(Self::new(dialect, allowed.collect::<Result<_, _>>()?, default_catalog, default_schema))
    }

    /// The language of the statements.
    pub fn dialect(&self) -> Dialect {
        self.dialect
    }

    /// The only relations that may be read.
    pub fn allowed(&self) -> &[TableName] {
        &self.allowed
    }

    /// What a name without a catalog resolves against.
    pub fn default_catalog(&self) -> &str {
        &self.default_catalog
    }

    /// What a bare name resolves against.
    pub fn default_schema(&self) -> &str {
        &self.default_schema
    }
}

/// Splits at dots outside double quotes.
fn split_parts(entry: &str) -> Result<Vec<String>, &'static str> {
    let mut parts = Vec::new();
    let mut letters = entry.chars().peekable();
    loop {
        let mut part = String::new();
        if letters.next_if_eq(&'"').is_some() {
            loop {
                match letters.next() {
                    Some('"') if letters.next_if_eq(&'"').is_some() => part.push('"'),
                    Some('"') => break,
                    Some(letter) => part.push(letter),
                    None => return Err("has a quote that is not closed"),
                }
            }
        } else {
            while let Some(letter) = letters.next_if(|letter| *letter != '.') {
                part.push(letter);
            }
        }
        parts.push(part);
        match letters.next() {
            None => return Ok(parts),
            Some('.') => {}
            Some(_) => return Err("has text after a closing quote"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn entries_have_two_or_three_parts() {
        assert_eq!(TableName::parse("s.t", "c"), Ok(TableName::new("c", "s", "t")));
        assert_eq!(TableName::parse("a.b.c", "x"), Ok(TableName::new("a", "b", "c")));
        assert_eq!(TableName::parse("\"a.b\".c", "x"), Ok(TableName::new("x", "a.b", "c")));
        assert_eq!(TableName::parse("s.\"t\"\"u\"", "x"), Ok(TableName::new("x", "s", "t\"u")));
        for bad in ["t", "a.b.c.d", "", ".", "a.", "a..b", "\"a.b", "\"a\"b.c"] {
            assert!(TableName::parse(bad, "x").is_err(), "{bad}");
        }
    }

    #[test]
    fn names_print_so_that_they_can_be_read_again() {
        for name in [TableName::new("c", "s", "t"), TableName::new("c.d", "s\"", "t")] {
            assert_eq!(TableName::parse(&name.to_string(), "other"), Ok(name));
        }
    }
}
