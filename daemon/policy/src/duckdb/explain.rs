//! EXPLAIN in front of a statement: it is judged by the statement inside.

use crate::lexer::{Kind, Token, closing};

/// Words that start a query after an opening bracket.
pub(crate) const QUERY_STARTERS: &[&str] =
    &["select", "with", "from", "values", "table", "pivot", "pivot_wider", "unpivot", "pivot_longer"];

/// What an EXPLAIN does.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Explain {
    /// There is none.
    No,
    /// It shows the plan.
    Plan,
    /// It runs the statement and shows what that took.
    Analyze,
}

/// The first token of the statement inside, and what stands before it.
///
/// Only `EXPLAIN [ANALYZE] [VERBOSE] [(analyze | verbose | format ..)]` is skipped; with anything else the engine's parser
/// is left to refuse the text.
pub(crate) fn skip(text: &str, tokens: &[Token]) -> (usize, Explain) {
    let word = |at: usize, words: &[&str]| tokens.get(at).is_some_and(|token| token.is_one_of(text, words));
    let mut at = tokens.iter().position(|token| !token.is(b';')).unwrap_or(0);
    if !word(at, &["explain"]) {
        return (at, Explain::No);
    }
    at += 1;
    let mut found = Explain::Plan;
    if word(at, &["analyze", "analyse"]) {
        found = Explain::Analyze;
        at += 1;
    }
    if word(at, &["verbose"]) {
        at += 1;
    }
    if tokens.get(at).is_some_and(|token| token.is(b'('))
        && word(at + 1, &["analyze", "analyse", "verbose", "format"])
    {
        let Some(close) = closing(tokens, at) else { return (at, found) };
        for token in &tokens[at + 1..close] {
            if token.is_one_of(text, &["analyze", "analyse"]) {
                found = Explain::Analyze;
            }
            if !matches!(token.kind, Kind::Word | Kind::Symbol(b',')) {
                return (at, found);
            }
        }
        at = close + 1;
    }
    (at, found)
}

/// The text with the words of `tokens` blanked, so that later places stay true.
///
/// Only words and brackets are blanked, never quotes or comments: whatever the engine takes for a comment or a string, it
/// still does, so what it parses now is what it would run after EXPLAIN.
pub(crate) fn blank(text: &str, tokens: &[Token]) -> String {
    let mut left = String::with_capacity(text.len());
    for token in tokens {
        left.push_str(text.get(left.len()..token.start).unwrap_or_default());
        if token.is(b';') {
            left.push(';');
        } else {
            (token.start..token.end).for_each(|_| left.push(' '));
        }
    }
    left.push_str(text.get(left.len()..).unwrap_or_default());
    left
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::lexer::tokens;

    fn inside(text: &str) -> (&str, Explain) {
        let tokens = tokens(text);
        let (at, found) = skip(text, &tokens);
        (tokens.get(at).map_or("", |token| &text[token.start..]), found)
    }

    #[test]
    fn the_statement_inside_is_found() {
        assert_eq!(inside("select 1"), ("select 1", Explain::No));
        assert_eq!(inside("/* x */ explain select 1"), ("select 1", Explain::Plan));
        assert_eq!(inside("EXPLAIN ANALYZE DELETE FROM x"), ("DELETE FROM x", Explain::Analyze));
        assert_eq!(inside("explain (format json) select 1"), ("select 1", Explain::Plan));
        assert_eq!(inside("explain (analyze, format json) from x"), ("from x", Explain::Analyze));
        assert_eq!(inside("explain (select 1)"), ("(select 1)", Explain::Plan));
        assert_eq!(inside("explain explain select 1"), ("explain select 1", Explain::Plan));
    }

    #[test]
    fn blanking_keeps_places_and_comments() {
        let text = ";/* é */ explain -- x\n analyze select 1";
        let all = tokens(text);
        let (at, _) = skip(text, &all);
        assert_eq!(blank(text, &all[..at]), ";/* é */         -- x\n         select 1");
    }
}
