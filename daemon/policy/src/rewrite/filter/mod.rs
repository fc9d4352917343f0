//! Row filters: a condition over a table's own columns, with the principal's attributes put in.

mod duckdb;
mod scan;
mod warehouse;

use super::quote;
use crate::DuckdbParser;
use crate::denial::Denial;
use crate::names::Dialect;
use scan::Piece;
use std::collections::BTreeMap;

/// The longest filter, in bytes.
const MAX_BYTES: usize = 4 * 1024;

/// What may stand behind a colon in a filter, and whether it is a list. A list stands alone in the brackets of an IN.
pub const PLACEHOLDERS: &[(&str, bool)] = &[
    ("tenant", false),
    ("user", false),
    ("agent", false),
    ("swarm", false),
    ("role", true),
    ("permission", true),
];

/// What is known of a principal, by the names of [`PLACEHOLDERS`].
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Attributes(BTreeMap<String, Vec<String>>);

impl Attributes {
    /// Adds an attribute. An empty value is a missing one.
    #[must_use]
    pub fn with(self, name: &str, value: impl Into<String>) -> Self {
        self.with_all(name, [value.into()])
    }

    /// Adds an attribute with several values. Empty values are left out.
    #[must_use]
    pub fn with_all(mut self, name: &str, values: impl IntoIterator<Item = String>) -> Self {
        let values = values.into_iter().filter(|value| !value.is_empty()).collect();
        self.0.insert(name.to_owned(), values);
        self
    }
}

/// A filter that is not usable.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("the row filter {what}; {hint}")]
pub struct BadFilter {
    /// What is wrong; goes on after "the row filter".
    pub what: String,
    /// What to do instead.
    pub hint: String,
}

impl BadFilter {
    fn new(what: impl Into<String>, hint: impl Into<String>) -> Self {
        Self { what: what.into(), hint: hint.into() }
    }

    fn of(denial: &Denial) -> Self {
        let hint = denial.hint.clone().unwrap_or_else(|| "write a plainer condition".into());
        Self::new(format!("is refused: {}", denial.message), hint)
    }
}

/// A condition that was looked at: one expression over the table's own columns, without subqueries, aggregates and functions
/// that reach beyond their arguments.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RowFilter {
    text: String,
    dialect: Dialect,
    may_fail: bool,
}

impl RowFilter {
    /// Looks at a filter. `columns` are the names and types of the table's columns, as the catalogue spells them; `parser`
    /// is asked for the DuckDB dialect only.
    ///
    /// # Errors
    /// [`BadFilter`] with what is wrong and what to do. Whether the expression is a condition, and fits the types of the
    /// columns, only the engine can say: run it once when it is set.
    pub fn new(
        text: &str,
        columns: &[(&str, &str)],
        dialect: Dialect,
        parser: &dyn DuckdbParser,
    ) -> Result<Self, BadFilter> {
        let text = text.trim();
        if text.is_empty() || text.len() > MAX_BYTES {
            let what = format!("has {} bytes, where 1 to {MAX_BYTES} are read", text.len());
            return Err(BadFilter::new(what, "write one condition, such as tenant = :tenant"));
        }
        let pieces = scan::pieces(text, dialect)?;
        let sample: String = pieces
            .iter()
            .map(|piece| match piece {
                Piece::Text(text) => text,
                Piece::Placeholder(_) => "'x'",
            })
            .collect();
        let may_fail = match dialect {
            Dialect::Duckdb => duckdb::look(&sample, columns, parser)?,
            _ => {
                warehouse::look(&sample, columns, dialect)?;
                true
            }
        };
        Ok(Self { text: text.to_owned(), dialect, may_fail })
    }

    /// The filter as written.
    pub fn text(&self) -> &str {
        &self.text
    }

    /// The condition for one principal. When an attribute is missing, it holds for no row.
    pub fn bind(&self, attributes: &Attributes) -> BoundFilter {
        let sql = self.bound(attributes).unwrap_or_else(|| "FALSE".into());
        BoundFilter { sql, may_fail: self.may_fail }
    }

    fn bound(&self, attributes: &Attributes) -> Option<String> {
        let mut sql = String::with_capacity(self.text.len() + 32);
        for piece in scan::pieces(&self.text, self.dialect).ok()? {
            match piece {
                Piece::Text(text) => sql.push_str(text),
                Piece::Placeholder(name) => {
                    let values = attributes.0.get(name).filter(|values| !values.is_empty())?;
                    let values: Option<Vec<String>> =
                        values.iter().map(|value| quote::text(value, self.dialect)).collect();
                    let values = values?;
                    let is_list = PLACEHOLDERS.iter().any(|(known, list)| *known == name && *list);
                    if values.len() > 1 && !is_list {
                        return None;
                    }
                    sql.push_str(&values.join(", "));
                }
            }
        }
        Some(sql)
    }
}

/// A condition with the principal's attributes put in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BoundFilter {
    sql: String,
    may_fail: bool,
}

impl BoundFilter {
    /// The filter that holds for no row.
    pub fn nothing() -> Self {
        Self { sql: "FALSE".into(), may_fail: false }
    }

    /// Rows must hold to both.
    #[must_use]
    pub fn and(&self, other: &Self) -> Self {
        let sql = format!("({}) AND ({})", self.sql, other.sql);
        Self { sql, may_fail: self.may_fail || other.may_fail }
    }

    /// The condition.
    pub fn sql(&self) -> &str {
        &self.sql
    }

    /// Whether the engine may fail to compute it on some row.
    pub(super) fn may_fail(&self) -> bool {
        self.may_fail
    }
}

/// Refuses the name of a column that the table does not have.
fn known(name: &str, columns: &[(&str, &str)], same: impl Fn(&str) -> bool) -> Result<(), BadFilter> {
    if columns.iter().any(|(known, _)| same(known)) {
        return Ok(());
    }
    let near = crate::nearest(name, columns.iter().map(|(known, _)| known));
    let hint = match near.as_slice() {
        [] => {
            let all: Vec<&str> = columns.iter().map(|(known, _)| *known).collect();
            format!("write a column alone, without its table; there are {}", all.join(", "))
        }
        near => format!("did you mean {}?", near.join(" or ")),
    };
    Err(BadFilter::new(format!("names {name}, which is no column of the table"), hint))
}
