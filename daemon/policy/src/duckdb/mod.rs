//! DuckDB: the engine's own tree is walked and judged.

mod budget;
mod explain;
pub(crate) mod functions;
mod json;
pub(crate) mod judge;
pub(crate) mod parse;
mod pivot;
mod places;
mod reading;
pub(crate) mod tree;
mod walk;
mod windows;

use crate::Checked;
use crate::denial::{Denial, DenialCode};
use crate::lexer;
use crate::names::Policy;
pub(crate) use reading::{FunctionUse, Reading, Seat};

/// Expressions and brackets may nest this deep.
pub const MAX_DEPTH: usize = 500;

/// The longest text that is read, in bytes.
pub const MAX_TEXT_BYTES: usize = 64 * 1024;

/// The query a [`DuckdbParser`] runs; its one parameter is the text, its one value the answer.
pub const SERIALIZE_SQL: &str =
    "SELECT json_serialize_sql(?::VARCHAR, skip_null := true, skip_empty := true, skip_default := true)";

/// The parser is called on a stack of at least this size, in bytes: long chains recurse inside the engine.
const STACK_BYTES: usize = 16 * 1024 * 1024;

/// The engine's parser, behind a connection that the caller keeps warm.
///
/// Use the same engine version that will run the statement, with default settings, and prepare [`SERIALIZE_SQL`] once.
/// The call runs on a stack of 16 MiB; an implementation that moves to another thread must give that thread as much.
pub trait DuckdbParser {
    /// Runs [`SERIALIZE_SQL`] on `sql` and returns its value unchanged, also when it describes a syntax error.
    ///
    /// # Errors
    /// [`ParserUnavailable`] when the engine gave no value at all.
    fn serialize(&self, sql: &str) -> Result<String, ParserUnavailable>;
}

/// The engine's parser could not be asked.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("the engine's parser gave no answer: {0}")]
pub struct ParserUnavailable(pub String);

/// Judges one statement. See [`crate::check`].
pub(crate) fn check(sql: &str, policy: &Policy, parser: &dyn DuckdbParser) -> Result<Checked, Denial> {
    let tokens = lexer::tokens(sql);
    guard(sql, &tokens)?;
    on_big_stack(|| {
        let inside = statement_inside(sql, &tokens);
        let query = parse::query(&inside.text, inside.tokens, parser)?;
        let mut checked = judge::judge(&query.reading, policy, sql)?;
        windows::check(&inside.text, inside.tokens, policy, parser)?;
        (checked.places, checked.qualifiers) = places::of(&query.reading, policy, sql, &tokens);
        checked.explain = inside.explains;
        checked.several_steps = query.several_steps;
        Ok(checked)
    })
}

/// Refuses texts that the engine's parser should not be given.
pub(crate) fn guard(sql: &str, tokens: &[lexer::Token]) -> Result<(), Denial> {
    lexer::guard(sql, tokens, MAX_TEXT_BYTES, MAX_DEPTH)?;
    budget::check(sql, tokens)
}

/// The statement inside an EXPLAIN, or the statement itself.
pub(crate) struct Inside<'a> {
    /// The text with the EXPLAIN blanked.
    pub(crate) text: String,
    /// The tokens of the statement inside.
    pub(crate) tokens: &'a [lexer::Token],
    /// There is an EXPLAIN.
    pub(crate) explains: bool,
    /// It runs the statement.
    pub(crate) runs: bool,
}

/// Looks behind an EXPLAIN.
pub(crate) fn statement_inside<'a>(text: &str, tokens: &'a [lexer::Token]) -> Inside<'a> {
    let (start, found) = explain::skip(text, tokens);
    let (before, inner) = tokens.split_at_checked(start).unwrap_or((tokens, &[]));
    Inside {
        text: explain::blank(text, before),
        tokens: inner,
        explains: found != explain::Explain::No,
        runs: found == explain::Explain::Analyze,
    }
}

/// Runs `work` with room for the recursion of the engine and of this walk.
pub(crate) fn on_big_stack<T>(work: impl FnOnce() -> T) -> T {
    stacker::maybe_grow(STACK_BYTES / 2, STACK_BYTES, work)
}

/// The refusal of an unknown part of the tree.
pub(crate) fn unknown(what: impl std::fmt::Display) -> Denial {
    Denial::new(
        DenialCode::UnknownSyntax,
        format!("the statement uses syntax that is not known here: {what}"),
    )
    .hint("write the query in a plainer form")
}
