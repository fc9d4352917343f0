//! A statement that is being typed: its words before and behind the cursor, and which brackets belong together.

use super::words::{Kind, Token, goes_on, tokens, unquoted};
use wharf_policy::Dialect;

/// The statement in which the cursor stands.
pub(super) struct Typing<'a> {
    pub(super) sql: &'a str,
    /// Its tokens; the word that is half there is [`Kind::Cursor`].
    pub(super) tokens: Vec<Token>,
    /// The place of [`Kind::Cursor`] among them.
    pub(super) at: usize,
    /// For each token that opens a bracket, where it is closed: the number of tokens if nowhere.
    close: Vec<usize>,
    /// What was typed of the name.
    pub(super) typed: String,
    /// It began with a quote.
    pub(super) in_quotes: bool,
    /// What a suggestion replaces.
    pub(super) replaces: (usize, usize),
}

/// Tokens from the first up to the second.
pub(super) type Span = (usize, usize);

impl<'a> Typing<'a> {
    /// Reads a text around the cursor; none where nothing can be suggested: in a string, a comment, a number.
    pub(super) fn read(sql: &'a str, cursor: usize, dialect: Dialect) -> Option<Self> {
        let mut all = tokens(sql, 0, cursor, dialect);
        let last = all.last().copied();
        let (mut typed, mut in_quotes, mut replaces) = (String::new(), false, (cursor, cursor));
        match last {
            Some(t) if matches!(t.kind, Kind::Text | Kind::Comment) && !t.whole => return None,
            Some(t) if t.kind == Kind::Number && t.end == cursor => return None,
            Some(t) if t.kind == Kind::Quoted && !t.whole => {
                let quote = char::from(*sql.as_bytes().get(t.start)?);
                typed = unquoted(t.text(sql).get(1..)?, quote, false);
                in_quotes = true;
                replaces = (t.start, quoted_end(sql, cursor, quote));
                all.pop();
            }
            Some(t) if t.kind == Kind::Word && t.end == cursor => {
                typed = t.text(sql).to_owned();
                let rest = sql.get(cursor..).unwrap_or_default();
                replaces = (t.start, cursor + rest.find(|c| !goes_on(c)).unwrap_or(rest.len()));
                all.pop();
            }
            _ => {}
        }
        all.retain(|t| t.kind != Kind::Comment);
        let begins = all.iter().rposition(|t| t.is(b';')).map_or(0, |at| at + 1);
        let mut kept = all.split_off(begins);
        let at = kept.len();
        kept.push(Token { kind: Kind::Cursor, start: replaces.0, end: replaces.1, whole: true });
        let rest = tokens(sql, replaces.1, sql.len(), dialect);
        kept.extend(rest.into_iter().filter(|t| t.kind != Kind::Comment).take_while(|t| !t.is(b';')));
        let close = brackets(&kept);
        Some(Self { sql, tokens: kept, at, close, typed, in_quotes, replaces })
    }

    pub(super) fn token(&self, at: usize) -> Option<&Token> {
        self.tokens.get(at)
    }

    pub(super) fn is_word(&self, at: usize, words: &[&str]) -> bool {
        self.token(at).is_some_and(|t| t.is_word(self.sql, words))
    }

    pub(super) fn is(&self, at: usize, symbol: u8) -> bool {
        self.token(at).is_some_and(|t| t.is(symbol))
    }

    /// Whether a name or a keyword stands there.
    pub(super) fn is_name(&self, at: usize) -> bool {
        self.token(at).is_some_and(Token::is_name)
    }

    /// The bare word there in lower case; empty for all else.
    pub(super) fn word(&self, at: usize) -> String {
        match self.token(at) {
            Some(t) if t.kind == Kind::Word => t.text(self.sql).to_lowercase(),
            _ => String::new(),
        }
    }

    /// Whether a bracket of any kind opens there.
    pub(super) fn opens(&self, at: usize) -> bool {
        self.token(at).is_some_and(|t| matches!(t.kind, Kind::Symbol(b'(' | b'[' | b'{')))
    }

    /// What is inside the bracket that opens there.
    pub(super) fn inside(&self, open: usize) -> Span {
        (open + 1, self.close.get(open).copied().unwrap_or(self.tokens.len()))
    }

    /// The token behind this one on the same level: behind its bracket, if it opens one.
    pub(super) fn next(&self, at: usize) -> usize {
        if self.opens(at) { (self.inside(at).1 + 1).min(self.tokens.len()) } else { at + 1 }
    }

    /// Whether a bracket holds the cursor.
    pub(super) fn holds_cursor(&self, open: usize) -> bool {
        let (from, to) = self.inside(open);
        (from..to.max(from)).contains(&self.at)
    }

    /// The round brackets around the cursor, the outermost first.
    pub(super) fn around(&self) -> Vec<usize> {
        (0..self.at).filter(|at| self.is(*at, b'(') && self.holds_cursor(*at)).collect()
    }

    /// Whether a query stands in this span.
    pub(super) fn is_query(&self, (from, to): Span) -> bool {
        // Nobody writes more brackets around a query, and a text of brackets only would be looked through again for each.
        let most = to.min(from + 32);
        let mut at = from;
        while at < most && self.is(at, b'(') {
            at += 1;
        }
        at < to && self.is_word(at, &["select", "with", "from", "values"])
    }

    /// The name at `at`, in whose place a word stands that is no keyword of a clause.
    pub(super) fn name(&self, at: usize) -> Option<String> {
        self.token(at).filter(|t| t.is_name()).map(|t| t.name(self.sql))
    }
}

/// Where a half typed name in quotes ends: at its own quote, if nothing but the rest of a name stands before that.
fn quoted_end(sql: &str, cursor: usize, quote: char) -> usize {
    let rest = sql.get(cursor..).unwrap_or_default();
    let end = rest.find(|c| !goes_on(c)).unwrap_or(rest.len());
    match rest.get(end..).is_some_and(|r| r.starts_with(quote)) {
        true => cursor + end + quote.len_utf8(),
        false => cursor,
    }
}

fn brackets(tokens: &[Token]) -> Vec<usize> {
    let mut close = vec![tokens.len(); tokens.len()];
    let mut open: Vec<(usize, u8)> = Vec::new();
    // How many of each kind are open, so that one that closes nothing is told without a search.
    let mut counts = [0_usize; 128];
    for (at, token) in tokens.iter().enumerate() {
        let Kind::Symbol(symbol) = token.kind else { continue };
        match symbol {
            b'(' | b'[' | b'{' => {
                open.push((at, symbol));
                counts[usize::from(symbol & 127)] += 1;
            }
            b')' | b']' | b'}' => {
                let pair = match symbol {
                    b')' => b'(',
                    b']' => b'[',
                    _ => b'{',
                };
                // What was opened since and never closed ends here too.
                while counts[usize::from(pair)] > 0
                    && let Some((opened, kind)) = open.pop()
                {
                    counts[usize::from(kind & 127)] -= 1;
                    if let Some(place) = close.get_mut(opened) {
                        *place = at;
                    }
                    if kind == pair {
                        break;
                    }
                }
            }
            _ => {}
        }
    }
    close
}

/// A name as it must be written, with the quotes that the typing began or the dialect needs.
pub(super) fn written(name: &str, dialect: Dialect, in_quotes: bool) -> String {
    use crate::sources::word;
    use wharf_policy::quoted;
    let folds_nothing = matches!(dialect, Dialect::Duckdb | Dialect::Databricks);
    let plain = |c: char| c.is_ascii_alphanumeric() || c == '_';
    match () {
        () if in_quotes || super::vocabulary::is_reserved(name) => quoted(name, dialect),
        // Names are compared there without regard to case.
        () if folds_nothing && name.chars().all(plain) && !name.starts_with(|c: char| c.is_ascii_digit()) => {
            if name.is_empty() {
                quoted(name, dialect)
            } else {
                name.to_owned()
            }
        }
        () => word(name, dialect),
    }
}
