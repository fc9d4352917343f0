//! PIVOT statements that take their columns from the data.
//!
//! The engine turns `PIVOT t ON c` into several statements and will not serialise them. The same text with a list of
//! columns, `PIVOT t ON (c) IN (7000001)`, is one query over the same relations, so that one is read. A subquery in place
//! of the list, `ON c IN (SELECT ..)`, is taken out and read alone, because the engine runs it alone: no CTE of the
//! statement is visible to it.
//!
//! Why this cannot be tricked: the original text parsed, so only its meaning is in question. The edits add no quote and
//! no comment sign, so what the engine takes for a string or a comment stays one. The number planted does not occur in
//! the text, and the caller counts the PIVOT lists that hold it: an edit that landed anywhere else is missed there, and
//! the statement is refused.

use super::explain::QUERY_STARTERS;
use crate::lexer::{Token, closing};

/// Words that end the list of PIVOT columns.
const AFTER_COLUMNS: &[&str] = &[
    "using",
    "group",
    "order",
    "limit",
    "offset",
    "union",
    "except",
    "intersect",
    "fetch",
    "qualify",
    "window",
];

/// A text that the engine can serialise.
pub(crate) struct Rewritten {
    /// The text.
    pub(crate) text: String,
    /// The number that was planted.
    pub(crate) planted: i64,
    /// How often it was planted.
    pub(crate) columns: usize,
    /// The subqueries that were taken out, with their byte offsets.
    pub(crate) subqueries: Vec<(usize, String)>,
    /// What was changed, in the order of the text.
    edits: Vec<Edit>,
}

impl Rewritten {
    /// The byte offset in the text as submitted; `None` inside what was put in.
    pub(crate) fn submitted(&self, at: usize) -> Option<usize> {
        let (mut left, mut here) = (0, 0);
        for edit in &self.edits {
            let start = here + edit.start - left;
            if at < start {
                break;
            }
            (left, here) = (edit.end, start + edit.new.len());
            if at < here {
                return None;
            }
        }
        Some(left + at - here)
    }
}

/// Bytes `start..end` of the text give way to `new`.
struct Edit {
    start: usize,
    end: usize,
    new: String,
}

/// Gives a list to every PIVOT column without one; `None` when there is none, or the form is too unusual.
pub(crate) fn rewrite(text: &str, tokens: &[Token]) -> Option<Rewritten> {
    let planted = (7_000_001..).find(|number: &i64| !text.contains(&number.to_string()))?;
    let mut edits = Vec::new();
    let mut subqueries = Vec::new();
    let mut columns = 0;
    for (at, token) in tokens.iter().enumerate() {
        if token.is_one_of(text, &["pivot", "pivot_wider"]) && !is_table_form(text, tokens, at + 1) {
            columns += statement(text, tokens, at + 1, planted, &mut edits, &mut subqueries)?;
        }
    }
    edits.sort_by_key(|edit| edit.start);
    edits.first()?;
    let mut rewritten = String::with_capacity(text.len() + 32 * edits.len());
    let mut copied = 0;
    for edit in &edits {
        rewritten.push_str(text.get(copied..edit.start)?);
        rewritten.push_str(&edit.new);
        copied = edit.end;
    }
    rewritten.push_str(text.get(copied..)?);
    Some(Rewritten { text: rewritten, planted, columns, subqueries, edits })
}

/// `PIVOT (sum(x) FOR y IN (..))` behind a relation: it always has a list.
fn is_table_form(text: &str, tokens: &[Token], open: usize) -> bool {
    if !tokens.get(open).is_some_and(|token| token.is(b'(')) {
        return false;
    }
    let mut depth = 0_usize;
    for token in tokens.iter().skip(open) {
        if token.opens() {
            depth += 1;
        } else if token.closes() {
            depth = depth.saturating_sub(1);
            if depth == 0 {
                return false;
            }
        } else if depth == 1 && token.is_word(text, "for") {
            return true;
        }
    }
    false
}

/// The edits of one PIVOT statement whose source starts at `from`; returns how many columns got a list.
fn statement(
    text: &str,
    tokens: &[Token],
    from: usize,
    planted: i64,
    edits: &mut Vec<Edit>,
    subqueries: &mut Vec<(usize, String)>,
) -> Option<usize> {
    let Some(on) = own_on(text, tokens, from) else { return Some(0) };
    let mut columns = 0;
    for (first, end) in items(text, tokens, on + 1) {
        let Some(list) = top_level(tokens, first, end, |token| token.is_word(text, "in")) else {
            let (start, behind) = (tokens.get(first)?.start, tokens.get(end - 1)?.end);
            edits.push(Edit { start, end: start, new: "(".to_owned() });
            edits.push(Edit { start: behind, end: behind, new: format!(") IN ({planted})") });
            columns += 1;
            continue;
        };
        let open = list + 1;
        let is_query = tokens.get(open + 1).is_some_and(|t| t.is(b'(') || t.is_one_of(text, QUERY_STARTERS));
        if !tokens.get(open).is_some_and(|token| token.is(b'(')) || !is_query {
            continue;
        }
        let close = closing(tokens, open).filter(|close| close + 1 == end)?;
        let (start, stop) = (tokens.get(open)?.end, tokens.get(close)?.start);
        let subquery = plain(text.get(start..stop)?)?;
        subqueries.push((start, subquery.to_owned()));
        edits.push(Edit { start, end: stop, new: planted.to_string() });
        columns += 1;
    }
    Some(columns)
}

/// The ON of the PIVOT itself: those of joins in its source come first.
fn own_on(text: &str, tokens: &[Token], from: usize) -> Option<usize> {
    let mut joins = 0_usize;
    let mut depth = 0_usize;
    for (at, token) in tokens.iter().enumerate().skip(from) {
        if token.opens() {
            depth += 1;
        } else if token.closes() {
            depth = depth.checked_sub(1)?;
        } else if depth > 0 {
        } else if token.is_word(text, "join") {
            let bare = tokens.get(at.checked_sub(1)?)?.is_one_of(text, &["cross", "positional"]);
            let natural = (at.saturating_sub(3)..at).any(|before| tokens[before].is_word(text, "natural"));
            joins += usize::from(!bare && !natural);
        } else if token.is_one_of(text, &["on", "using"]) && joins > 0 {
            joins -= 1;
        } else if token.is_word(text, "on") {
            return Some(at);
        } else if token.is(b';') || token.is_one_of(text, AFTER_COLUMNS) {
            return None;
        }
    }
    None
}

/// The columns behind ON: token ranges between commas.
fn items(text: &str, tokens: &[Token], from: usize) -> Vec<(usize, usize)> {
    let mut found = Vec::new();
    let (mut first, mut depth, mut at) = (from, 0_usize, from);
    while let Some(token) = tokens.get(at) {
        let ends = depth == 0 && (token.closes() || token.is(b';') || token.is_one_of(text, AFTER_COLUMNS));
        if ends {
            break;
        }
        if token.opens() {
            depth += 1;
        } else if token.closes() {
            depth -= 1;
        } else if depth == 0 && token.is(b',') {
            found.push((first, at));
            first = at + 1;
        }
        at += 1;
    }
    found.push((first, at));
    found.retain(|(first, end)| first < end);
    found
}

fn top_level(tokens: &[Token], from: usize, end: usize, wanted: impl Fn(&Token) -> bool) -> Option<usize> {
    let mut depth = 0_usize;
    for at in from..end {
        let token = tokens.get(at)?;
        if token.opens() {
            depth += 1;
        } else if token.closes() {
            depth = depth.saturating_sub(1);
        } else if depth == 0 && wanted(token) {
            return Some(at);
        }
    }
    None
}

/// A subquery is taken out only when both lexers surely agree on it, and it needs no edit of its own.
fn plain(subquery: &str) -> Option<&str> {
    let odd = ["--", "/*", "$", "\\"].iter().any(|sign| subquery.contains(sign));
    let nested = subquery.to_ascii_lowercase().contains("pivot");
    (subquery.is_ascii() && !odd && !nested).then_some(subquery)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::lexer::tokens;

    fn rewritten(text: &str) -> Option<String> {
        rewrite(text, &tokens(text)).map(|rewritten| rewritten.text)
    }

    #[test]
    fn columns_without_a_list_get_one() {
        let cases = [
            ("PIVOT t ON c USING sum(v)", "PIVOT t ON (c) IN (7000001) USING sum(v)"),
            ("PIVOT t ON c, d || e;", "PIVOT t ON (c) IN (7000001), (d || e) IN (7000001);"),
            ("PIVOT t ON c IN (1), d", "PIVOT t ON c IN (1), (d) IN (7000001)"),
            ("PIVOT a JOIN b ON x = y ON c", "PIVOT a JOIN b ON x = y ON (c) IN (7000001)"),
            (
                "PIVOT (FROM (PIVOT a ON b)) ON c",
                "PIVOT (FROM (PIVOT a ON (b) IN (7000001))) ON (c) IN (7000001)",
            ),
            ("PIVOT t ON c IN (SELECT k FROM s)", "PIVOT t ON c IN (7000001)"),
            ("PIVOT t ON c -- 7000001", "PIVOT t ON (c) IN (7000002) -- 7000001"),
        ];
        for (text, expected) in cases {
            assert_eq!(rewritten(text).as_deref(), Some(expected), "{text}");
        }
    }

    #[test]
    fn other_texts_are_left_alone() {
        for text in ["SELECT 1", "PIVOT t ON c IN (1)", "FROM t PIVOT (sum(v) FOR c IN (1)) JOIN u ON a = b"]
        {
            assert_eq!(rewritten(text), None, "{text}");
        }
    }
}
