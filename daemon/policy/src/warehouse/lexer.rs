//! Words of a text, by the rules of each dialect.
//!
//! Where engines, their versions or their settings could read the same bytes in two ways, the text is refused: it must not
//! be possible to hide a relation in what one of them takes for a string or a comment.

use crate::denial::{Denial, DenialCode};
use crate::lexer::{Kind, Token};
use crate::names::Dialect;

/// The tokens of a text, and the first thing in it that cannot be read.
pub(super) struct Lexed {
    /// Without comments and white space.
    pub(super) tokens: Vec<Token>,
    /// Why the text is refused.
    pub(super) fault: Option<Denial>,
    /// Where.
    pub(super) fault_at: Option<usize>,
}

/// Splits a text.
pub(super) fn lex(text: &str, dialect: Dialect) -> Lexed {
    let mut lexer = Lexer { text, bytes: text.as_bytes(), dialect, at: 0, escaped: false };
    let mut lexed = Lexed { tokens: Vec::with_capacity(text.len() / 4), fault: None, fault_at: None };
    loop {
        match lexer.next() {
            Ok(Some(token)) => lexed.tokens.push(token),
            Ok(None) => break,
            Err((at, why, hint)) => {
                lexed.fault = Some(Denial::new(DenialCode::Syntax, why).hint(hint));
                lexed.fault_at = Some(at);
                break;
            }
        }
    }
    if let Some(at) = substitution(text, dialect) {
        let why = "`${` is replaced by a setting before the statement is read";
        lexed.fault = Some(Denial::new(DenialCode::UnknownSyntax, why).hint("write the value itself"));
        lexed.fault_at = Some(at);
    }
    lexed
}

/// Spark replaces `${name}` by settings and variables of the environment, in strings and comments too.
fn substitution(text: &str, dialect: Dialect) -> Option<usize> {
    if dialect == Dialect::Databricks { text.find("${") } else { None }
}

/// Place, reason, way on.
type Fault = (usize, &'static str, &'static str);

struct Lexer<'a> {
    text: &'a str,
    bytes: &'a [u8],
    dialect: Dialect,
    at: usize,
    /// The last token was a string with E before it.
    escaped: bool,
}

impl Lexer<'_> {
    fn byte(&self, ahead: usize) -> u8 {
        self.bytes.get(self.at + ahead).copied().unwrap_or(0)
    }

    fn next(&mut self) -> Result<Option<Token>, Fault> {
        loop {
            if self.at >= self.bytes.len() {
                return Ok(None);
            }
            match (self.byte(0), self.byte(1)) {
                (b' ' | b'\t' | b'\r' | b'\n', _) => self.at += 1,
                (b'-', b'-') => self.line_comment()?,
                (b'/', b'/') if self.dialect == Dialect::Snowflake => self.line_comment()?,
                (b'/', b'*') => self.block_comment()?,
                _ => return self.token().map(Some),
            }
        }
    }

    /// Ends at the line break. A bare carriage return, or in Spark a backslash before the break, is read in two ways.
    fn line_comment(&mut self) -> Result<(), Fault> {
        let rest = &self.bytes[self.at..];
        let length = rest.iter().position(|byte| matches!(byte, b'\n' | b'\r')).unwrap_or(rest.len());
        let bare = rest.get(length) == Some(&b'\r') && rest.get(length + 1) != Some(&b'\n');
        let goes_on = self.dialect == Dialect::Databricks
            && length > 0
            && length < rest.len()
            && rest.get(length - 1) == Some(&b'\\');
        if bare || goes_on {
            return Err((self.at, "the comment has no clear end", "end it with an ordinary line break"));
        }
        self.at += length;
        Ok(())
    }

    /// Comments nest, but in Snowflake, where one inside another is refused, and but for a hint inside a comment in Spark.
    fn block_comment(&mut self) -> Result<(), Fault> {
        let start = self.at;
        if self.hints() {
            return self.hint();
        }
        let mut depth = 0_usize;
        while self.at < self.bytes.len() {
            match (self.byte(0), self.byte(1)) {
                (b'/', b'*') if depth > 0 && (self.dialect == Dialect::Snowflake || self.hints()) => {
                    return Err((self.at, "a comment stands inside a comment", "leave one of them out"));
                }
                (b'/', b'*') => {
                    depth += 1;
                    self.at += 2;
                }
                (b'*', b'/') => {
                    depth -= 1;
                    self.at += 2;
                    if depth == 0 {
                        return Ok(());
                    }
                }
                _ => self.at += 1,
            }
        }
        Err((start, "the comment is not closed", "close it with */"))
    }

    fn hints(&self) -> bool {
        self.dialect == Dialect::Databricks && self.byte(2) == b'+'
    }

    /// A hint of Spark is part of the statement, so it may hold names and numbers only.
    fn hint(&mut self) -> Result<(), Fault> {
        let start = self.at;
        let body = self.text.get(start + 3..).unwrap_or_default();
        let length = body.find("*/").ok_or((start, "the hint is not closed", "close it with */"))?;
        let body = body.get(..length).unwrap_or_default();
        let plain = |c: char| {
            c.is_ascii_alphanumeric() || matches!(c, ' ' | '\n' | '\r' | '\t' | '_' | ',' | '.' | '(' | ')')
        };
        let queries = |word: &str| {
            ["select", "from", "with", "table", "values"].iter().any(|query| word.eq_ignore_ascii_case(query))
        };
        let words = body.split(|c: char| !c.is_ascii_alphanumeric() && c != '_');
        if !body.chars().all(plain) || words.into_iter().any(queries) {
            return Err((start, "the hint holds more than names and numbers", "leave the hint out"));
        }
        self.at = start + 3 + length + 2;
        Ok(())
    }

    fn token(&mut self) -> Result<Token, Fault> {
        let start = self.at;
        let escaped = std::mem::take(&mut self.escaped);
        let kind = match (self.byte(0), self.byte(1)) {
            // A string behind one with E goes on with it, and with its rules for backslashes, when a line break is between.
            (b'\'', _) if escaped => {
                let hint = "join the strings with ||";
                return Err((start, "a string goes on behind one with E before it", hint));
            }
            (b'\'', _) => self.string(1, self.backslash())?,
            // A setting of Spark makes it a quoted name, where backslashes mean nothing.
            (b'"', _) if self.dialect == Dialect::Databricks => self.string(1, Backslash::Either)?,
            (b'"', _) => self.quoted()?,
            (b'`', _) if self.dialect == Dialect::Databricks => self.quoted()?,
            (b'0'..=b'9', _) => self.number(),
            (b'.', b'0'..=b'9') if !self.follows_name() => self.number(),
            (b'$', _) => self.dollar()?,
            (b'_' | b'a'..=b'z' | b'A'..=b'Z' | 0x80.., _) => self.word()?,
            (symbol, _) => {
                self.at += 1;
                Kind::Symbol(symbol)
            }
        };
        Ok(Token { kind, start, end: self.at })
    }

    /// A dot directly behind a name, a bracket or a quote is a path and not a number.
    fn follows_name(&self) -> bool {
        let before = self.at.checked_sub(1).and_then(|at| self.bytes.get(at)).copied().unwrap_or(b' ');
        before.is_ascii_alphanumeric() || before >= 0x80 || b"_$\"`)].".contains(&before)
    }

    fn backslash(&self) -> Backslash {
        match self.dialect {
            Dialect::Postgres | Dialect::Duckdb => Backslash::Plain,
            Dialect::Redshift => Backslash::Either,
            Dialect::Snowflake | Dialect::Databricks => Backslash::Escapes,
        }
    }

    /// A string whose quote stands `prefix - 1` bytes ahead.
    fn string(&mut self, prefix: usize, backslash: Backslash) -> Result<Kind, Fault> {
        let start = self.at;
        let quote = self.byte(prefix - 1);
        let from = start + prefix;
        let unclosed = (start, "the string is not closed", "close the quote");
        let plain = || quote_end(self.bytes, from, quote, false);
        let escaped = || quote_end(self.bytes, from, quote, true);
        self.at = match backslash {
            Backslash::Plain => plain(),
            Backslash::Escapes => escaped(),
            Backslash::Either if plain() == escaped() => plain(),
            Backslash::Either => {
                let hint = "write the backslash as chr(92)";
                return Err((start, "a backslash before a quote can be read in two ways", hint));
            }
        }
        .ok_or(unclosed)?;
        Ok(Kind::Text)
    }

    fn quoted(&mut self) -> Result<Kind, Fault> {
        let start = self.at;
        let end = quote_end(self.bytes, start + 1, self.byte(0), false);
        self.at = end.ok_or((start, "the quoted name is not closed", "close the quote"))?;
        if self.at == start + 2 {
            return Err((start, "the quoted name is empty", "give the name"));
        }
        Ok(Kind::Quoted)
    }

    fn number(&mut self) -> Kind {
        let mut dots = 0_usize;
        let hex = self.byte(0) == b'0' && matches!(self.byte(1), b'x' | b'X');
        loop {
            match self.byte(0) {
                b'.' if dots == 0 && self.byte(1) != b'.' => dots += 1,
                b'e' | b'E' if !hex && matches!(self.byte(1), b'+' | b'-') => self.at += 1,
                byte if byte.is_ascii_alphanumeric() || byte == b'_' => {}
                _ => return Kind::Number,
            }
            self.at += 1;
        }
    }

    /// A parameter or column number (`$1`, `$name`) or a string in dollars.
    fn dollar(&mut self) -> Result<Kind, Fault> {
        let start = self.at;
        let unclosed = (start, "the string is not closed", "close it with the same dollar quote");
        let rest = self.text.get(start + 1..).unwrap_or_default();
        let name = rest.find(|c: char| !(c.is_ascii_alphanumeric() || c == '_')).unwrap_or(rest.len());
        let tagged = rest.as_bytes().get(name) == Some(&b'$')
            && !rest.as_bytes().first().is_some_and(u8::is_ascii_digit);
        let has_tags = matches!(self.dialect, Dialect::Postgres | Dialect::Redshift);
        if tagged && (name == 0 || has_tags) && self.dialect != Dialect::Databricks {
            let mark = rest.get(..=name).unwrap_or_default();
            let body = rest.get(name + 1..).unwrap_or_default();
            // The mark is `tag$`, and a dollar goes before it.
            let length = body.match_indices(mark).map(|(at, _)| at);
            let closes = length.into_iter().find(|at| *at > 0 && body.as_bytes().get(at - 1) == Some(&b'$'));
            self.at = start + 1 + name + 1 + closes.ok_or(unclosed)? + mark.len();
            return Ok(Kind::Text);
        }
        self.at = start + 1 + name;
        Ok(if name == 0 { Kind::Symbol(b'$') } else { Kind::Parameter })
    }

    /// A bare word, or a string with letters before its quote.
    fn word(&mut self) -> Result<Kind, Fault> {
        let start = self.at;
        if let Some(kind) = self.prefixed()? {
            return Ok(kind);
        }
        let rest = self.text.get(start..).unwrap_or_default();
        let dollars = self.dialect != Dialect::Databricks;
        let belongs = |c: char| match c {
            '_' => true,
            '$' => dollars,
            c => c.is_alphanumeric(),
        };
        let length = rest.find(|c| !belongs(c)).unwrap_or(rest.len());
        if length == 0 {
            let hint = "use ordinary spaces and quotes";
            return Err((start, "the statement holds a character that belongs to no name", hint));
        }
        let word = rest.get(..length).unwrap_or_default();
        let cloud = matches!(self.dialect, Dialect::Snowflake | Dialect::Databricks);
        if cloud && word.contains(['\u{131}', '\u{17f}']) {
            // Their capitals are I and S, so that a keyword could be spelled with them.
            return Err((start, "the word holds a letter that could stand for I or S", "quote the name"));
        }
        self.at = start + length;
        Ok(Kind::Word)
    }

    fn prefixed(&mut self) -> Result<Option<Kind>, Fault> {
        let postgres = matches!(self.dialect, Dialect::Postgres | Dialect::Redshift);
        let databricks = self.dialect == Dialect::Databricks;
        let kind = match (self.byte(0).to_ascii_lowercase(), self.byte(1), self.byte(2)) {
            (b'e', b'\'', _) if postgres => {
                self.escaped = true;
                self.string(2, Backslash::Escapes)?
            }
            (b'b' | b'x' | b'n', b'\'', _) if postgres => self.string(2, self.backslash())?,
            (b'x', b'\'', _) => self.string(2, self.backslash())?,
            (b'r', b'\'' | b'"', _) if databricks => self.string(2, Backslash::Plain)?,
            (b'u', b'&', b'\'' | b'"') if postgres => {
                let hint = "write the letters themselves";
                return Err((self.at, "names and strings with U& are not read", hint));
            }
            _ => return Ok(None),
        };
        Ok(Some(kind))
    }
}

/// What a backslash in a string does.
#[derive(Clone, Copy)]
enum Backslash {
    /// Nothing.
    Plain,
    /// Takes the next character along.
    Escapes,
    /// Depends on the settings of the engine.
    Either,
}

/// One past the closing quote; a doubled quote does not close.
fn quote_end(bytes: &[u8], from: usize, quote: u8, backslash: bool) -> Option<usize> {
    let mut at = from;
    while let Some(&byte) = bytes.get(at) {
        if backslash && byte == b'\\' {
            at += 2;
        } else if byte != quote {
            at += 1;
        } else if bytes.get(at + 1) == Some(&quote) {
            at += 2;
        } else {
            return Some(at + 1);
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    fn spelled(text: &str, dialect: Dialect) -> Option<Vec<&str>> {
        let lexed = lex(text, dialect);
        lexed.fault.is_none().then(|| lexed.tokens.iter().map(|token| token.text(text)).collect())
    }

    #[test]
    fn strings_follow_the_dialect() {
        let some = |words: &[&'static str]| Some(words.to_vec());
        assert_eq!(spelled(r"'\' x", Dialect::Postgres), some(&[r"'\'", "x"]));
        assert_eq!(spelled(r"e'\' x' y", Dialect::Postgres), some(&[r"e'\' x'", "y"]));
        assert_eq!(spelled(r"'\' x' y", Dialect::Snowflake), some(&[r"'\' x'", "y"]));
        assert_eq!(spelled(r"r'\' x", Dialect::Databricks), some(&[r"r'\'", "x"]));
        assert_eq!(spelled(r#""a'b" `c``d`"#, Dialect::Databricks), some(&["\"a'b\"", "`c``d`"]));
        assert_eq!(spelled(r"'\' x", Dialect::Redshift), None);
        assert_eq!(
            spelled("$$a;b$$ $t$ $$ $t$ $1", Dialect::Postgres),
            some(&["$$a;b$$", "$t$ $$ $t$", "$1"])
        );
        assert_eq!(spelled("$$a'b$$ $v", Dialect::Snowflake), some(&["$$a'b$$", "$v"]));
        assert_eq!(spelled("'open", Dialect::Postgres), None);
        assert_eq!(spelled("$$open", Dialect::Postgres), None);
        assert_eq!(spelled("1e-5 1.5 t.1", Dialect::Postgres), some(&["1e-5", "1.5", "t", ".", "1"]));
    }

    #[test]
    fn comments_follow_the_dialect() {
        let words = |text, dialect| spelled(text, dialect).map(|words| words.len());
        assert_eq!(words("a /* b /* c */ d */ e", Dialect::Postgres), Some(2));
        assert_eq!(words("a /* b /* c */ d", Dialect::Snowflake), None);
        assert_eq!(words("a // b\n c", Dialect::Snowflake), Some(2));
        assert_eq!(words("a -- b\r c", Dialect::Postgres), None);
        assert_eq!(words("a -- b\r\n c", Dialect::Postgres), Some(2));
        assert_eq!(words("a -- b \\\n c", Dialect::Databricks), None);
        assert_eq!(words("a /*+ BROADCAST(b) */ c", Dialect::Databricks), Some(2));
        assert_eq!(words("a /*+ X('*/ b", Dialect::Databricks), None);
        assert_eq!(words("a '${env:HOME}' c", Dialect::Databricks), None);
        assert_eq!(words("a /* b /* c */ d */ e", Dialect::Databricks), Some(2));
        assert_eq!(words("a /* b /*+ c */ d -- */ */", Dialect::Databricks), None);
        assert_eq!(words("E'a'\n'\\' || ' || b || '", Dialect::Postgres), None);
        assert_eq!(words("E'a' || 'b'", Dialect::Postgres), Some(4));
        assert_eq!(words("a\u{a0}b", Dialect::Postgres), None);
    }
}
