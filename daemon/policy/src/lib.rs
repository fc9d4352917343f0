//! SQL text and a policy in; what the statement reads, or a refusal, out.
//!
//! The package is pure: it opens no file and no connection. For DuckDB, the tree it judges comes from the engine's own
//! parser, handed in through [`DuckdbParser`], so that the text is read here exactly as it will be read when it runs. The
//! engines of warehouses cannot be asked; their dialects are read by a strict reader of this package. Everything that the
//! walk over the tree or the reader does not know is refused.
//!
//! ```text
//! text -> guards (size, control characters, brackets) -> engine's parser or reader -> reading -> judgement
//! ```
//!
//! [`check`] judges a statement for agents and users. [`rewrite`](rewrite()) then puts in what they see of each table: column
//! rules and row filters. [`classify`] sorts statements for the owner of the machine.

mod bind;
mod classify;
mod denial;
mod duckdb;
mod functions;
mod lexer;
mod lines;
mod names;
mod nearest;
mod placed;
mod portable;
mod rewrite;
mod warehouse;

pub use bind::{Bound, bind, replaced};
pub use classify::{Class, Statement, classify};
pub use denial::{Denial, DenialCode, Place};
pub use duckdb::{DuckdbParser, MAX_DEPTH, MAX_TEXT_BYTES, ParserUnavailable, SERIALIZE_SQL};
pub use functions::functions;
pub use lines::{Decision, PolicyCase, Verdict, judge_line};
pub use names::{BadTableName, Dialect, Policy, TableName};
pub use nearest::nearest;
pub use placed::{ALONE, Placed, Qualifier, TABLE_COMMAND};
pub use portable::{ColumnClass, portable};
pub use rewrite::{
    Attributes, BadFilter, BadTreatment, BoundFilter, DateUnit, Mask, MaskKey, PLACEHOLDERS, RowFilter,
    Treatment, View, ViewColumn, quoted, rewrite, rooted,
};

/// What an admitted statement reads.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize)]
pub struct Checked {
    /// The allowed tables that the statement names, as the policy spells them, each once, in the order of appearance.
    pub tables: Vec<TableName>,
    /// Bind parameters: names without the dollar sign, or positions as decimal text, in the order of appearance.
    pub parameters: Vec<String>,
    /// Functions called, lower case, sorted, each once. Operators are left out.
    pub functions: Vec<String>,
    /// The statement is an EXPLAIN; its result is a plan and not rows.
    pub explain: bool,
    /// The engine runs this text as several steps of its own: a PIVOT that takes its columns from the data.
    pub several_steps: bool,
    /// Every naming of a table, in the order of the text.
    pub places: Vec<Placed>,
    /// Columns written with the schema of their table.
    pub qualifiers: Vec<Qualifier>,
}

/// Judges one statement for a caller who may read only the tables of `policy`.
///
/// # Errors
/// A [`Denial`] that says what was refused, where, and what to do instead. A parser that cannot be asked is a denial too
/// (`parser_unavailable`): when in doubt, deny.
pub fn check(sql: &str, policy: &Policy, parser: &dyn DuckdbParser) -> Result<Checked, Denial> {
    match policy.dialect() {
        Dialect::Duckdb => duckdb::check(sql, policy, parser),
        Dialect::Postgres | Dialect::Redshift | Dialect::Snowflake | Dialect::Databricks => {
            warehouse::check(sql, policy)
        }
    }
}
