//! Reading tokens one after the other.

use super::facts::{Facts, Part};
use super::scope::Scope;
use super::words;
use crate::denial::{Denial, DenialCode};
use crate::duckdb::MAX_DEPTH;
use crate::lexer::{Kind, Token, too_deep};
use crate::names::Dialect;

/// Stack that must be left before the reader goes one level down, and what is added when there is less; bytes.
const RED_ZONE: usize = 128 * 1024;
const STACK_STEP: usize = 4 * 1024 * 1024;

/// PostgreSQL alone.
pub(super) const POSTGRES: &[Dialect] = &[Dialect::Postgres];
/// Redshift alone.
pub(super) const REDSHIFT: &[Dialect] = &[Dialect::Redshift];
/// PostgreSQL and Redshift.
pub(super) const POSTGRES_KIN: &[Dialect] = &[Dialect::Postgres, Dialect::Redshift];
/// Snowflake alone.
pub(super) const SNOWFLAKE: &[Dialect] = &[Dialect::Snowflake];
/// Databricks alone.
pub(super) const DATABRICKS: &[Dialect] = &[Dialect::Databricks];
/// Snowflake and Databricks.
pub(super) const CLOUD: &[Dialect] = &[Dialect::Snowflake, Dialect::Databricks];

/// The outcome of reading something.
pub(super) type Read<T = ()> = Result<T, Denial>;

/// One pass over the tokens of a statement.
pub(super) struct Reader<'a> {
    /// The whole text.
    pub(super) text: &'a str,
    /// Its tokens.
    pub(super) tokens: &'a [Token],
    /// The next one.
    pub(super) at: usize,
    /// The language.
    pub(super) dialect: Dialect,
    /// What was found.
    pub(super) facts: Facts,
    /// CTE names that are visible, folded.
    pub(super) scope: Scope,
    /// The query block whose names a subquery may use.
    pub(super) outer: Option<usize>,
    depth: usize,
}

impl<'a> Reader<'a> {
    /// At the first token.
    pub(super) fn new(text: &'a str, tokens: &'a [Token], dialect: Dialect) -> Self {
        Self {
            text,
            tokens,
            at: 0,
            dialect,
            facts: Facts::default(),
            scope: Scope::default(),
            outer: None,
            depth: 0,
        }
    }

    /// Whether the statement is in one of `dialects`.
    pub(super) fn speaks(&self, dialects: &[Dialect]) -> bool {
        dialects.contains(&self.dialect)
    }

    /// The token `ahead` of the next one.
    pub(super) fn token(&self, ahead: usize) -> Option<&'a Token> {
        self.tokens.get(self.at + ahead)
    }

    /// The kind of the token `ahead` of the next one.
    pub(super) fn kind(&self, ahead: usize) -> Option<Kind> {
        self.token(ahead).map(|token| token.kind)
    }

    /// The spelling of a bare word, or nothing.
    pub(super) fn word(&self, ahead: usize) -> &'a str {
        match self.token(ahead) {
            Some(token) if token.kind == Kind::Word => token.text(self.text),
            _ => "",
        }
    }

    /// Whether the next token is the bare word.
    pub(super) fn is(&self, word: &str) -> bool {
        self.word(0).eq_ignore_ascii_case(word)
    }

    /// Whether the token `ahead` is the bare word.
    pub(super) fn is_at(&self, ahead: usize, word: &str) -> bool {
        self.word(ahead).eq_ignore_ascii_case(word)
    }

    /// Whether the token `ahead` is one of the bare words.
    pub(super) fn is_any(&self, ahead: usize, words: &[&str]) -> bool {
        words.iter().any(|word| self.is_at(ahead, word))
    }

    /// Whether the token `ahead` is the punctuation.
    pub(super) fn symbol(&self, ahead: usize, symbol: u8) -> bool {
        self.kind(ahead) == Some(Kind::Symbol(symbol))
    }

    /// Whether the punctuation `symbols` stands `ahead`, without space between.
    pub(super) fn symbols(&self, ahead: usize, symbols: &[u8]) -> bool {
        symbols.iter().enumerate().all(|(step, symbol)| {
            self.symbol(ahead + step, *symbol) && (step == 0 || self.joined(ahead + step))
        })
    }

    /// Whether nothing stands between the token `ahead` and the one before it.
    pub(super) fn joined(&self, ahead: usize) -> bool {
        let here = self.at + ahead;
        let before = here.checked_sub(1).and_then(|at| self.tokens.get(at));
        matches!((before, self.tokens.get(here)), (Some(before), Some(token)) if before.end == token.start)
    }

    /// Takes the bare word if it is next.
    pub(super) fn take(&mut self, word: &str) -> bool {
        let found = self.is(word);
        self.at += usize::from(found);
        found
    }

    /// Takes one of the bare words if it is next.
    pub(super) fn take_any(&mut self, words: &[&str]) -> bool {
        let found = self.is_any(0, words);
        self.at += usize::from(found);
        found
    }

    /// Takes all of the bare words if they are next.
    pub(super) fn take_all(&mut self, words: &[&str]) -> bool {
        let found = words.iter().enumerate().all(|(ahead, word)| self.is_at(ahead, word));
        self.at += if found { words.len() } else { 0 };
        found
    }

    /// Takes the punctuation if it is next.
    pub(super) fn take_symbol(&mut self, symbol: u8) -> bool {
        let found = self.symbol(0, symbol);
        self.at += usize::from(found);
        found
    }

    /// Takes the token if it is of the kind.
    pub(super) fn take_kind(&mut self, kind: Kind) -> bool {
        let found = self.kind(0) == Some(kind);
        self.at += usize::from(found);
        found
    }

    /// Requires the bare word.
    pub(super) fn expect(&mut self, word: &str) -> Read {
        if self.take(word) { Ok(()) } else { Err(self.unexpected(&word.to_ascii_uppercase())) }
    }

    /// Requires one of the bare words.
    pub(super) fn expect_any(&mut self, words: &[&str]) -> Read {
        if self.take_any(words) {
            Ok(())
        } else {
            Err(self.unexpected(&words.join(" or ").to_ascii_uppercase()))
        }
    }

    /// Requires the punctuation.
    pub(super) fn expect_symbol(&mut self, symbol: u8) -> Read {
        if self.take_symbol(symbol) {
            Ok(())
        } else {
            Err(self.unexpected(&format!("`{}`", char::from(symbol))))
        }
    }

    /// Reads items with commas between them; there is at least one.
    pub(super) fn list(&mut self, mut item: impl FnMut(&mut Self) -> Read) -> Read {
        item(self)?;
        while self.take_symbol(b',') {
            item(self)?;
        }
        Ok(())
    }

    /// Reads something in round brackets.
    pub(super) fn bracketed(&mut self, inside: impl FnOnce(&mut Self) -> Read) -> Read {
        self.expect_symbol(b'(')?;
        inside(self)?;
        self.expect_symbol(b')')
    }

    /// The byte offset of the next token, or the end of the text.
    pub(super) fn offset(&self) -> usize {
        self.token(0).map_or(self.text.len(), |token| token.start)
    }

    /// The refusal of what stands here.
    pub(super) fn unexpected(&self, wanted: &str) -> Denial {
        let found = match self.token(0) {
            Some(token) if token.text(self.text).len() <= 60 => format!("`{}`", token.text(self.text)),
            Some(_) => "the string".to_owned(),
            None => "the end of the text".to_owned(),
        };
        let message = format!(
            "{found} is not expected here in the {} dialect; {wanted} could stand here",
            self.dialect
        );
        Denial::new(DenialCode::Syntax, message)
            .hint("check the spelling, or write the query in a plainer form")
            .at(self.text, Some(self.offset()))
    }

    /// A refusal at the next token.
    pub(super) fn refuse(&self, code: DenialCode, message: &str, hint: &str) -> Denial {
        Denial::new(code, message).hint(hint).at(self.text, Some(self.offset()))
    }

    /// One level down.
    pub(super) fn deeper<T>(&mut self, work: impl FnOnce(&mut Self) -> Read<T>) -> Read<T> {
        self.depth += 1;
        self.bound(0)?;
        let done = self.roomy(work);
        self.depth -= 1;
        done
    }

    /// With room on the stack, for what nests by brackets, which are counted before the statement is read.
    pub(super) fn roomy<T>(&mut self, work: impl FnOnce(&mut Self) -> Read<T>) -> Read<T> {
        stacker::maybe_grow(RED_ZONE, STACK_STEP, || work(self))
    }

    /// Refuses to go `more` levels below the present one when that is too deep.
    pub(super) fn bound(&self, more: usize) -> Read {
        // The outermost expression is no nesting yet.
        if self.depth + more > MAX_DEPTH + 1 {
            return Err(too_deep(MAX_DEPTH).at(self.text, Some(self.offset())));
        }
        Ok(())
    }

    /// The next token as a part of a name; `free` allows every word, as behind a dot.
    pub(super) fn name(&mut self, free: bool) -> Read<Part> {
        let Some(token) = self.token(0) else { return Err(self.unexpected("a name")) };
        let spelled = token.text(self.text);
        let is_name = match token.kind {
            Kind::Word => free || !words::is_reserved(spelled),
            Kind::Quoted => true,
            _ => false,
        };
        if !is_name {
            return Err(self.unexpected("a name"));
        }
        self.at += 1;
        Ok(Part {
            name: fold(spelled, token.kind == Kind::Quoted, self.dialect),
            span: token.start..token.end,
        })
    }

    /// Whether the token `ahead` can be a name.
    pub(super) fn is_name(&self, ahead: usize) -> bool {
        match self.kind(ahead) {
            Some(Kind::Word) => !words::is_reserved(self.word(ahead)),
            Some(Kind::Quoted) => true,
            _ => false,
        }
    }
}

/// A name as the engine looks it up.
pub(super) fn fold(spelled: &str, quoted: bool, dialect: Dialect) -> String {
    let plain = if quoted { unquote(spelled) } else { spelled.to_owned() };
    match dialect {
        Dialect::Snowflake if !quoted => plain.to_ascii_uppercase(),
        Dialect::Postgres | Dialect::Redshift if !quoted => plain.to_ascii_lowercase(),
        Dialect::Databricks | Dialect::Duckdb => plain.to_ascii_lowercase(),
        _ => plain,
    }
}

fn unquote(spelled: &str) -> String {
    let quote = spelled.chars().next().unwrap_or('"');
    let inside = spelled.get(1..spelled.len().saturating_sub(1)).unwrap_or_default();
    if inside.contains(quote) {
        inside.replace(&format!("{quote}{quote}"), &quote.to_string())
    } else {
        inside.to_owned()
    }
}
