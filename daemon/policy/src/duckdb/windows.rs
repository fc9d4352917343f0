//! Named windows. The engine's tree keeps a definition only where it is used; "every relation named anywhere" asks for
//! the unused ones too, so each definition with a subquery is read on its own.

use super::explain::QUERY_STARTERS;
use super::{DuckdbParser, judge, parse};
use crate::denial::Denial;
use crate::lexer::{Token, closing, tokens};
use crate::names::Policy;

/// Judges the subqueries in the definitions of WINDOW clauses. CTEs are not visible to them here, which can only refuse.
pub(crate) fn check(
    text: &str,
    all: &[Token],
    policy: &Policy,
    parser: &dyn DuckdbParser,
) -> Result<(), Denial> {
    for at in (0..all.len()).filter(|at| all[*at].is_word(text, "window")) {
        let mut name = at + 1;
        while let Some(open) = definition(text, all, name) {
            let Some(close) = closing(all, open) else { break };
            if has_query(text, &all[open..close]) {
                let inside = text.get(all[open].start..all[close].end).unwrap_or_default();
                let alone = format!("SELECT count(*) OVER {inside}");
                let query = parse::query(&alone, &tokens(&alone), parser)?;
                judge::relations(&query.reading, policy, "")?;
                judge::functions(&query.reading, policy, "")?;
            }
            if !all.get(close + 1).is_some_and(|token| token.is(b',')) {
                break;
            }
            name = close + 2;
        }
    }
    Ok(())
}

/// The opening bracket of `name AS (`.
fn definition(text: &str, all: &[Token], name: usize) -> Option<usize> {
    let found = all.get(name + 1)?.is_word(text, "as") && all.get(name + 2)?.is(b'(');
    found.then_some(name + 2)
}

fn has_query(text: &str, tokens: &[Token]) -> bool {
    tokens.windows(2).any(|pair| pair[0].is(b'(') && pair[1].is_one_of(text, QUERY_STARTERS))
}
