//! The words of a text that is being typed: quotes and comments may be open, brackets unbalanced, words half there.
//!
//! Nothing is admitted because of what is read here, so this reader is lenient where the policy's are strict: what it takes
//! wrongly costs a suggestion.

use wharf_policy::Dialect;

/// What a token is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    /// A bare name or keyword.
    Word,
    /// A name in quotes.
    Quoted,
    /// A string constant of any form.
    Text,
    /// A number.
    Number,
    /// A comment. It is kept only where it is open, or ends where the text does.
    Comment,
    /// A character of punctuation.
    Symbol(u8),
    /// Where the typing goes on, in the place of the word that is half there.
    Cursor,
}

/// One token: kind and byte range.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Token {
    pub(super) kind: Kind,
    pub(super) start: usize,
    pub(super) end: usize,
    /// Whether what was opened is closed.
    pub(super) whole: bool,
}

impl Token {
    pub(super) fn text<'a>(&self, sql: &'a str) -> &'a str {
        sql.get(self.start..self.end).unwrap_or_default()
    }

    pub(super) fn is(&self, symbol: u8) -> bool {
        self.kind == Kind::Symbol(symbol)
    }

    pub(super) fn is_name(&self) -> bool {
        matches!(self.kind, Kind::Word | Kind::Quoted)
    }

    /// Whether it is one of these bare words, which are in lower case.
    pub(super) fn is_word(&self, sql: &str, words: &[&str]) -> bool {
        self.kind == Kind::Word && words.iter().any(|w| self.text(sql).eq_ignore_ascii_case(w))
    }

    /// The name that it spells, without quotes.
    pub(super) fn name(&self, sql: &str) -> String {
        let text = self.text(sql);
        match (self.kind, text.chars().next()) {
            (Kind::Quoted, Some(quote)) => unquoted(text.get(1..).unwrap_or_default(), quote, self.whole),
            _ => text.to_owned(),
        }
    }
}

/// What stands in quotes, of which the first is gone.
pub(super) fn unquoted(text: &str, quote: char, whole: bool) -> String {
    let inner = if whole { text.strip_suffix(quote).unwrap_or(text) } else { text };
    inner.replace(&format!("{quote}{quote}"), &quote.to_string())
}

/// Whether a character can go on with a bare word.
pub(super) fn goes_on(c: char) -> bool {
    c.is_alphanumeric() || c == '_' || c == '$'
}

/// The tokens of `sql` from byte `from` to byte `to`; both stand between characters.
pub(super) fn tokens(sql: &str, from: usize, to: usize, dialect: Dialect) -> Vec<Token> {
    let text = sql.get(..to).unwrap_or(sql);
    let bytes = text.as_bytes();
    let (mut found, mut at) = (Vec::new(), from);
    while let Some(&byte) = bytes.get(at) {
        let next = bytes.get(at + 1).copied().unwrap_or(0);
        let (kind, (end, whole)) = match byte {
            b'-' if next == b'-' => (Kind::Comment, line(bytes, at)),
            b'/' if next == b'/' && dialect == Dialect::Snowflake => (Kind::Comment, line(bytes, at)),
            b'/' if next == b'*' => (Kind::Comment, block(bytes, at, dialect)),
            b'\'' => (Kind::Text, quoted(bytes, at, backslashes(dialect))),
            b'e' | b'E' if next == b'\'' => (Kind::Text, quoted(bytes, at + 1, true)),
            b'`' => (Kind::Quoted, quoted(bytes, at, false)),
            b'"' if dialect == Dialect::Databricks => (Kind::Text, quoted(bytes, at, true)),
            b'"' => (Kind::Quoted, quoted(bytes, at, false)),
            b'$' => dollar(text, at),
            b'0'..=b'9' => (Kind::Number, (number(bytes, at), true)),
            _ => {
                let letter = text.get(at..).and_then(|rest| rest.chars().next()).unwrap_or(' ');
                if letter.is_whitespace() {
                    at += letter.len_utf8();
                    continue;
                }
                match goes_on(letter) {
                    true => (Kind::Word, (word(text, at), true)),
                    false => {
                        (Kind::Symbol(if byte.is_ascii() { byte } else { 0 }), (at + letter.len_utf8(), true))
                    }
                }
            }
        };
        if kind != Kind::Comment || end == bytes.len() {
            found.push(Token { kind, start: at, end, whole });
        }
        at = end;
    }
    found
}

/// Whether a backslash in a string takes the next character's meaning away.
fn backslashes(dialect: Dialect) -> bool {
    matches!(dialect, Dialect::Snowflake | Dialect::Databricks)
}

fn line(bytes: &[u8], at: usize) -> (usize, bool) {
    let end = bytes.iter().skip(at).position(|b| *b == b'\n');
    end.map_or((bytes.len(), false), |end| (at + end + 1, true))
}

fn block(bytes: &[u8], at: usize, dialect: Dialect) -> (usize, bool) {
    let nests = !matches!(dialect, Dialect::Snowflake);
    let (mut i, mut depth) = (at + 2, 1_usize);
    while let (Some(a), Some(b)) = (bytes.get(i), bytes.get(i + 1)) {
        match (a, b) {
            (b'*', b'/') if depth == 1 => return (i + 2, true),
            (b'*', b'/') => (i, depth) = (i + 2, depth - 1),
            (b'/', b'*') if nests => (i, depth) = (i + 2, depth + 1),
            _ => i += 1,
        }
    }
    (bytes.len(), false)
}

/// The end of what the quote at `at` opens.
fn quoted(bytes: &[u8], at: usize, backslash: bool) -> (usize, bool) {
    let quote = bytes.get(at).copied().unwrap_or(b'\'');
    let mut i = at + 1;
    while let Some(&byte) = bytes.get(i) {
        match byte {
            b'\\' if backslash => i += 2,
            _ if byte == quote && bytes.get(i + 1) == Some(&quote) => i += 2,
            _ if byte == quote => return (i + 1, true),
            _ => i += 1,
        }
    }
    (bytes.len(), false)
}

/// `$1`, `$name`, or a string between `$tag$` and `$tag$`.
fn dollar(text: &str, at: usize) -> (Kind, (usize, bool)) {
    let rest = text.get(at + 1..).unwrap_or_default();
    let tag = rest.find(|c: char| !(c.is_alphanumeric() || c == '_')).unwrap_or(rest.len());
    if rest.get(tag..).is_some_and(|r| r.starts_with('$')) && !rest.starts_with(|c: char| c.is_ascii_digit())
    {
        let mark = text.get(at..at + tag + 2).unwrap_or("$$");
        let body = at + mark.len();
        let end = text.get(body..).and_then(|inner| inner.find(mark));
        return (Kind::Text, end.map_or((text.len(), false), |end| (body + end + mark.len(), true)));
    }
    (Kind::Number, (at + 1 + tag, true))
}

fn number(bytes: &[u8], at: usize) -> usize {
    let goes = |b: &u8| b.is_ascii_alphanumeric() || matches!(b, b'_' | b'.');
    at + bytes.iter().skip(at).take_while(|b| goes(b)).count()
}

fn word(text: &str, at: usize) -> usize {
    let rest = text.get(at..).unwrap_or_default();
    at + rest.find(|c| !goes_on(c)).unwrap_or(rest.len())
}
