//! What a text unfolds to in the engine's parser, estimated before it is parsed.
//!
//! Three forms are copied by the parser: the operand of `CASE x WHEN ..` once for every WHEN, a named window once for
//! every OVER, and the columns of ROLLUP, CUBE and GROUPING SETS once for every set. Nested, they grow without bound:
//! 500 bytes of CASE have made 15 MB of tree. The estimate only refuses; it admits nothing.

use crate::denial::{Denial, DenialCode};
use crate::lexer::{Kind, Token, closing};
use std::collections::HashMap;

/// A statement may unfold to this many words. A text of the greatest length without copies stays below it.
const MOST_WORDS: u64 = 70_000;

/// A column number in a grouping set takes this part of the room of a word.
const SET_ENTRIES_PER_WORD: u64 = 8;

/// Refuses a text that unfolds to too much.
pub(crate) fn check(text: &str, tokens: &[Token]) -> Result<(), Denial> {
    let windows = named_windows(text, tokens);
    let unfolded =
        windows.map(|windows| unfold(text, tokens, &windows).saturating_add(grouping_sets(text, tokens)));
    if unfolded.is_some_and(|words| words <= MOST_WORDS) {
        return Ok(());
    }
    let message = format!("the statement unfolds to more than {MOST_WORDS} words inside the engine");
    Err(Denial::new(DenialCode::TooComplex, message)
        .hint("compute repeated CASE operands, windows and grouping sets once, in a CTE"))
}

/// A CASE that is open.
struct Open {
    operand: u64,
    rest: u64,
    branches: u64,
}

/// The words after copying.
fn unfold(text: &str, tokens: &[Token], windows: &HashMap<String, u64>) -> u64 {
    let mut total = 0_u64;
    let mut open: Vec<Open> = Vec::new();
    for (at, token) in tokens.iter().enumerate() {
        let mut words = 1;
        if token.kind == Kind::Word && !is_label(text, tokens, at) {
            if token.is_word(text, "case") {
                open.push(Open { operand: 0, rest: 0, branches: 0 });
                continue;
            }
            if token.is_word(text, "when")
                && let Some(case) = open.last_mut()
            {
                case.branches += 1;
            }
            if token.is_word(text, "end")
                && let Some(case) = open.pop()
            {
                words = close(&case);
            }
            if token.is_word(text, "over") {
                words += window_behind(text, tokens, at + 1, windows);
            }
        }
        add(&mut open, &mut total, words);
    }
    while let Some(case) = open.pop() {
        let words = close(&case);
        add(&mut open, &mut total, words);
    }
    total
}

fn close(case: &Open) -> u64 {
    case.operand.saturating_mul(case.branches.max(1)).saturating_add(case.rest)
}

fn add(open: &mut [Open], total: &mut u64, words: u64) {
    let sum = match open.last_mut() {
        None => total,
        Some(case) if case.branches == 0 => &mut case.operand,
        Some(case) => &mut case.rest,
    };
    *sum = sum.saturating_add(words);
}

/// `AS end` and `t.end` are names and not keywords.
fn is_label(text: &str, tokens: &[Token], at: usize) -> bool {
    let before = at.checked_sub(1).and_then(|before| tokens.get(before));
    before.is_some_and(|token| token.is(b'.') || token.is_word(text, "as"))
}

/// The weight of the named window that an OVER uses: `OVER w` or `OVER (w ..)`.
fn window_behind(text: &str, tokens: &[Token], at: usize, windows: &HashMap<String, u64>) -> u64 {
    let at = if tokens.get(at).is_some_and(|token| token.is(b'(')) { at + 1 } else { at };
    tokens.get(at).and_then(|token| windows.get(&name(text, token))).copied().unwrap_or(0)
}

fn name(text: &str, token: &Token) -> String {
    token.text(text).trim_matches('"').to_ascii_lowercase()
}

/// The weight of each named window; `None` when one holds further named windows, whose copies would multiply.
fn named_windows(text: &str, tokens: &[Token]) -> Option<HashMap<String, u64>> {
    let mut found: HashMap<String, u64> = HashMap::new();
    for (_, open, close) in definitions(text, tokens) {
        if tokens[open..close].iter().any(|token| token.is_word(text, "window")) {
            return None;
        }
    }
    // A window may build on one before it; the second round also knows those behind it.
    for _ in 0..2 {
        for (at, open, close) in definitions(text, tokens) {
            let own = unfold(text, &tokens[open..close], &HashMap::new());
            let base = window_behind(text, tokens, open, &found);
            let entry = found.entry(name(text, &tokens[at])).or_default();
            *entry = own.saturating_add(base).max(*entry);
        }
    }
    Some(found)
}

/// Positions of name and brackets of every `name AS (..)` behind WINDOW.
pub(crate) fn definitions(text: &str, tokens: &[Token]) -> Vec<(usize, usize, usize)> {
    let mut found = Vec::new();
    for window in (0..tokens.len()).filter(|at| tokens[*at].is_word(text, "window")) {
        let mut at = window + 1;
        while tokens.get(at + 1).is_some_and(|token| token.is_word(text, "as"))
            && tokens.get(at + 2).is_some_and(|token| token.is(b'('))
        {
            let Some(close) = closing(tokens, at + 2) else { break };
            found.push((at, at + 2, close));
            if !tokens.get(close + 1).is_some_and(|token| token.is(b',')) {
                break;
            }
            at = close + 2;
        }
    }
    found
}

/// Room for the grouping sets: sets times columns, per GROUP BY.
fn grouping_sets(text: &str, tokens: &[Token]) -> u64 {
    let (mut total, mut sets, mut columns) = (0_u64, 1_u64, 0_u64);
    for (at, token) in tokens.iter().enumerate() {
        if token.is_word(text, "group") {
            total = total.saturating_add(sets.saturating_mul(columns));
            (sets, columns) = (1, 0);
        }
        if !token.is_one_of(text, &["cube", "rollup", "sets"])
            || !tokens.get(at + 1).is_some_and(|t| t.is(b'('))
        {
            continue;
        }
        let count = items(tokens, at + 1);
        columns = columns.saturating_add(count);
        sets = sets.saturating_mul(match () {
            () if token.is_word(text, "cube") => {
                1_u64.checked_shl(count.try_into().unwrap_or(63)).unwrap_or(u64::MAX)
            }
            () if token.is_word(text, "rollup") => count + 1,
            () => count,
        });
    }
    total.saturating_add(sets.saturating_mul(columns)) / SET_ENTRIES_PER_WORD
}

/// The number of items between commas inside a bracket.
fn items(tokens: &[Token], open: usize) -> u64 {
    let (mut depth, mut count) = (0_usize, 1_u64);
    for token in tokens.iter().skip(open) {
        if token.opens() {
            depth += 1;
        } else if token.closes() {
            depth = depth.saturating_sub(1);
            if depth == 0 {
                break;
            }
        } else if depth == 1 && token.is(b',') {
            count += 1;
        }
    }
    count
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::lexer::tokens;

    fn passes(text: &str) -> bool {
        check(text, &tokens(text)).is_ok()
    }

    #[test]
    fn ordinary_statements_stay_below() {
        assert!(passes(&format!("SELECT {}", vec!["1"; 30_000].join(","))));
        assert!(passes(&format!("SELECT CASE x {} END", "WHEN 1 THEN 2 ".repeat(2_000))));
        assert!(passes(
            "SELECT CASE WHEN a THEN CASE b WHEN 1 THEN 2 END END AS end FROM t GROUP BY CUBE (a, b, c, d)"
        ));
        assert!(passes(&format!(
            "SELECT {} FROM t WINDOW w AS (ORDER BY a)",
            vec!["sum(a) OVER w"; 500].join(",")
        )));
    }

    #[test]
    fn what_multiplies_is_refused() {
        let mut case = "x".to_owned();
        for _ in 0..20 {
            case = format!("CASE {case} WHEN 1 THEN 1 WHEN 2 THEN 2 END");
        }
        assert!(!passes(&format!("SELECT {case}")));
        let hidden = case.replacen("CASE x", "CASE (SELECT 1 AS end, x.when)", 1);
        assert!(!passes(&format!("SELECT {hidden}")));
        let wide = format!("CASE {} {} END", vec!["a"; 200].join("+"), "WHEN 1 THEN 1 ".repeat(1_000));
        assert!(!passes(&format!("SELECT {wide}")));
        let order = vec!["a"; 200].join("+");
        let uses = vec!["sum(1) OVER w"; 1_000].join(",");
        assert!(!passes(&format!("SELECT {uses} FROM t WINDOW w AS (ORDER BY {order})")));
        let base = format!("WINDOW v AS (PARTITION BY {order}), \"W\" AS (v ORDER BY b)");
        assert!(!passes(&format!("SELECT {uses} FROM t {base}")));
        assert!(!passes(
            "SELECT 1 OVER w FROM t WINDOW w AS (ORDER BY (SELECT 1 OVER v FROM t WINDOW v AS ()))"
        ));
        let columns: Vec<String> = (0..3_000).map(|i| format!("c{i}")).collect();
        assert!(!passes(&format!("SELECT 1 FROM t GROUP BY ROLLUP ({})", columns.join(","))));
        let twice = "ROLLUP (a,b,c,d,e,f,g,h,i,j,k,l,m,n,o,p,q,r,s,t,u,v,w,x,y,z)";
        assert!(!passes(&format!("SELECT 1 FROM t GROUP BY {twice}, {twice}, {twice}")));
    }
}
