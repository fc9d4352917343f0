//! What a caller sees of a table, put into the statement where the table stands.
//!
//! The statement gets a CTE for every table with rules that it names, and every place of the table takes the CTE's name:
//!
//! ```text
//! SELECT name FROM customers
//!
//! WITH "customers_seen" AS NOT MATERIALIZED (SELECT "id", <mask> AS "name" FROM "shop"."sales"."customers" WHERE <filter>)
//! SELECT name FROM "customers_seen" AS "customers"
//! ```
//!
//! A query in the very place would do the same, but engines name columns by their text: the caller would read filter and key
//! of a hash in the head of `SELECT (SELECT count(*) FROM customers)`, and in many an error.
//!
//! A denied column is not in the list, so the engine knows it as little as one that never was. The name inside is full and
//! quoted, so it is never a CTE.
//!
//! Behind a row filter stands a fence. Optimisers run the caller's own conditions on rows before the filter does when they
//! think that cheaper, and an error then shows a hidden value: in DuckDB `WHERE regexp_full_match('1', name)` named values
//! of other tenants.

mod filter;
mod mask;
mod places;
mod quote;
mod rooted;
mod treatment;
mod types;

pub use filter::{Attributes, BadFilter, BoundFilter, PLACEHOLDERS, RowFilter};
pub use places::rewrite;
pub use quote::name as quoted;
pub use rooted::rooted;
pub use treatment::{BadTreatment, Mask, Treatment};
pub use types::DateUnit;

use crate::denial::{Denial, DenialCode};
use crate::names::{Dialect, TableName};
use std::fmt;

/// The key of [`Mask::Hash`]. Without it, hashes of few possible values could be tried out.
#[derive(Clone, PartialEq, Eq)]
pub struct MaskKey(String);

impl MaskKey {
    /// A key of 32 random bytes; it must stay the same as long as hashes are to stay comparable.
    pub fn new(bytes: &[u8; 32]) -> Self {
        Self(bytes.iter().map(|byte| format!("{byte:02x}")).collect())
    }

    fn hex(&self) -> &str {
        &self.0
    }

    /// A text without the key, to be shown.
    pub fn hide(&self, text: &str) -> String {
        text.replace(&self.0, "...")
    }
}

impl fmt::Debug for MaskKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("MaskKey(..)")
    }
}

/// What one caller sees of one table.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct View {
    /// The table, as the catalogue spells it.
    pub table: TableName,
    /// Its columns, in the order of the table. A column that is missing here is not seen.
    pub columns: Vec<ViewColumn>,
    /// Which rows are seen; all without one.
    pub filter: Option<BoundFilter>,
}

/// What one caller sees of one column.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ViewColumn {
    /// The name, as the catalogue spells it.
    pub name: String,
    /// The type, as the catalogue spells it.
    pub data_type: String,
    /// What is seen.
    pub treatment: Treatment,
}

impl View {
    /// Whether anything is held back. A table without rules stays in the statement as it is.
    pub fn has_rules(&self) -> bool {
        self.filter.is_some() || self.columns.iter().any(|column| column.treatment != Treatment::Show)
    }

    /// The columns that are seen, in the order of the table.
    pub fn visible(&self) -> impl Iterator<Item = &ViewColumn> {
        self.columns.iter().filter(|column| column.treatment != Treatment::Deny)
    }

    /// The query over the table that shows what may be seen, in brackets.
    ///
    /// # Errors
    /// [`Denial`] when no column may be seen, or a mask does not fit its column, as after a change of the table.
    pub fn query(&self, dialect: Dialect, key: &MaskKey) -> Result<String, Denial> {
        let mut columns = Vec::with_capacity(self.columns.len());
        for column in self.visible() {
            let name = quote::name(&column.name, dialect);
            column.treatment.fits(&column.data_type, dialect).map_err(|bad| {
                ruled(format!(
                    "the rule of column {} of {} cannot be kept: {}",
                    column.name, self.table, bad.what
                ))
                .hint("ask an admin to change the rule")
            })?;
            columns.push(match column.treatment {
                Treatment::Mask(mask) => (mask::expression(column, mask, dialect, key), name),
                Treatment::Show | Treatment::Deny => (name.clone(), name),
            });
        }
        if columns.is_empty() {
            let message = format!("no column of the table {} may be seen", self.table);
            return Err(Denial::new(DenialCode::TableNotAllowed, message)
                .hint("`wharf table list` lists the tables and columns that you may read"));
        }
        Ok(fenced(&columns, &quote::table(&self.table, dialect), self.filter.as_ref(), dialect))
    }
}

/// The query, with a fence that keeps the caller's conditions behind the filter.
///
/// - DuckDB: a sample of everything, which no condition passes. It is drawn by blocks of 2,048 rows, runs in parallel and
///   keeps the order. Of what else was tried, a materialised CTE lets conditions through, and a LIMIT makes the scan run on
///   one core. What is lost is the pruning by the caller's conditions: looking for one of a million rows took 15 ms in place of
///   0.5 ms; scans and groupings took the same time. `TRY` turns a failing filter into no row, so that a filter shows nothing
///   in an error either.
/// - PostgreSQL: `OFFSET 0` is its known fence.
/// - The others promise no order at all, so hidden rows are made empty: every column is NULL where the filter does not hold.
fn fenced(
    columns: &[(String, String)],
    table: &str,
    filter: Option<&BoundFilter>,
    dialect: Dialect,
) -> String {
    let list = |shown: &dyn Fn(&str) -> String| {
        let named = columns.iter().map(|(expression, name)| match shown(expression) {
            same if same == *name => same,
            other => format!("{other} AS {name}"),
        });
        named.collect::<Vec<_>>().join(", ")
    };
    let plain = |expression: &str| expression.to_owned();
    let Some(filter) = filter else { return format!("(SELECT {} FROM {table})", list(&plain)) };
    let condition = filter.sql();
    match dialect {
        Dialect::Duckdb => {
            let condition =
                if filter.may_fail() { format!("TRY({condition})") } else { format!("({condition})") };
            format!(
                "(SELECT * FROM (SELECT {} FROM {table} WHERE {condition}) USING SAMPLE 100 PERCENT (system))",
                list(&plain)
            )
        }
        Dialect::Postgres => {
            format!("(SELECT {} FROM {table} WHERE ({condition}) OFFSET 0)", list(&plain))
        }
        Dialect::Redshift | Dialect::Snowflake | Dialect::Databricks => {
            let emptied = |expression: &str| format!("CASE WHEN ({condition}) THEN {expression} END");
            format!("(SELECT {} FROM {table} WHERE ({condition}))", list(&emptied))
        }
    }
}

/// The refusal of a statement over a table with rules.
fn ruled(message: String) -> Denial {
    Denial::new(DenialCode::RuledTable, message)
}
