//! Named windows. The engine's tree keeps a definition only where it is used; "every relation named anywhere" asks for
//! the unused ones too, so each definition with a subquery is read on its own.

use super::budget::definitions;
use super::explain::QUERY_STARTERS;
use super::{DuckdbParser, judge, parse};
use crate::denial::Denial;
use crate::lexer::{Token, tokens};
use crate::names::Policy;

/// Judges the subqueries in the definitions of WINDOW clauses. CTEs are not visible to them here, which can only refuse.
pub(crate) fn check(
    text: &str,
    all: &[Token],
    policy: &Policy,
    parser: &dyn DuckdbParser,
) -> Result<(), Denial> {
    for (_, open, close) in definitions(text, all) {
        if has_query(text, &all[open..close]) {
            let inside = text.get(all[open].start..all[close].end).unwrap_or_default();
            let alone = format!("SELECT count(*) OVER {inside}");
            let query = parse::query(&alone, &tokens(&alone), parser)?;
            judge::relations(&query.reading, policy, "")?;
            judge::functions(&query.reading, policy, "")?;
        }
    }
    Ok(())
}

fn has_query(text: &str, tokens: &[Token]) -> bool {
    tokens.windows(2).any(|pair| pair[0].is(b'(') && pair[1].is_one_of(text, QUERY_STARTERS))
}
