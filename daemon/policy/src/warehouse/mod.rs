//! PostgreSQL, Redshift, Snowflake and Databricks: the text is read by a grammar of our own and judged.
//!
//! These engines cannot be asked for their tree, so the text is read here once, from left to right, without going back. The
//! reader knows the clauses of a query exactly and refuses every word that it does not expect; in expressions it does not
//! care for precedence, only for what may stand where. It therefore sees every naming of a relation, a function or a type
//! with its place in the text, and its time and its stack grow with the length and the nesting of the text alone.
//!
//! ```text
//! text -> lexer (one per dialect) -> guards -> reader (facts) -> judgement
//! ```
//!
//! A general SQL parser is a second reader in the tests: whatever is admitted here must not name more to it.

mod ahead;
mod call;
mod cursor;
mod expression;
mod facts;
mod from;
pub(crate) mod functions;
mod judge;
mod lexer;
mod operators;
mod pipe;
mod pivot;
mod query;
mod recognize;
mod scope;
mod select;
mod special;
mod statement;
mod types;
mod window;
mod words;

use crate::denial::Denial;
use crate::duckdb::{MAX_DEPTH, MAX_TEXT_BYTES};
use crate::names::{Dialect, Policy};
use crate::{Checked, lexer as guards};

/// The words of a text; none where it cannot be split into words.
pub(crate) fn lex(sql: &str, dialect: Dialect) -> Option<Vec<guards::Token>> {
    let lexed = lexer::lex(sql, dialect);
    lexed.fault.is_none().then_some(lexed.tokens)
}

/// Judges one statement. See [`crate::check`].
pub(crate) fn check(sql: &str, policy: &Policy) -> Result<Checked, Denial> {
    let lexed = lexer::lex(sql, policy.dialect());
    guards::guard(sql, &lexed.tokens, MAX_TEXT_BYTES, MAX_DEPTH)?;
    if let Some(fault) = lexed.fault {
        return Err(fault.at(sql, lexed.fault_at));
    }
    let facts = statement::read(sql, &lexed.tokens, policy.dialect())?;
    judge::judge(&facts, policy, sql)
}
