//! Snowflake's MATCH_RECOGNIZE.

use super::cursor::{Read, Reader};
use crate::lexer::{Kind, closing};

impl Reader<'_> {
    /// `MATCH_RECOGNIZE ( PARTITION BY .. MEASURES .. PATTERN (..) DEFINE .. )`.
    pub(super) fn match_recognize(&mut self) -> Read {
        self.expect("match_recognize")?;
        self.bracketed(|r| {
            loop {
                if r.take_all(&["partition", "by"]) {
                    r.list(Self::expression)?;
                } else if r.take_all(&["order", "by"]) {
                    r.orders()?;
                } else if r.take("measures") {
                    r.list(Self::measure)?;
                } else if r.take_any(&["one", "all"]) {
                    r.rows_per_match()?;
                } else if r.take_all(&["after", "match", "skip"]) {
                    r.skip_to()?;
                } else if r.take("pattern") {
                    r.pattern()?;
                } else if r.take("subset") {
                    r.list(|r| {
                        r.name(false)?;
                        r.expect_symbol(b'=')?;
                        r.name_list()
                    })?;
                } else if r.take("define") {
                    r.list(|r| {
                        r.name(false)?;
                        r.expect("as")?;
                        r.expression()
                    })?;
                } else {
                    return Ok(());
                }
            }
        })
    }

    fn measure(&mut self) -> Read {
        self.take_any(&["final", "running"]);
        self.expression()?;
        self.expect("as")?;
        self.name(false).map(|_| ())
    }

    fn rows_per_match(&mut self) -> Read {
        if !self.take("row") {
            self.expect("rows")?;
        }
        self.expect("per")?;
        self.expect("match")?;
        if self.take_any(&["show", "omit"]) {
            self.expect("empty")?;
            self.expect("matches")?;
        } else if self.take("with") {
            self.expect("unmatched")?;
            self.expect("rows")?;
        }
        Ok(())
    }

    fn skip_to(&mut self) -> Read {
        if self.take("past") {
            self.expect("last")?;
            return self.expect("row");
        }
        self.expect("to")?;
        if self.take("next") {
            return self.expect("row");
        }
        self.take_any(&["first", "last"]);
        self.name(false).map(|_| ())
    }

    /// A pattern holds names and repetition signs only.
    fn pattern(&mut self) -> Read {
        let Some(close) = closing(self.tokens, self.at).filter(|_| self.symbol(0, b'(')) else {
            return Err(self.unexpected("a pattern"));
        };
        while self.at < close {
            let fits = match self.kind(0) {
                Some(Kind::Symbol(symbol)) => b"()|*+?{},^$-".contains(&symbol),
                Some(Kind::Number) => true,
                _ => self.is_name(0),
            };
            if !fits {
                return Err(self.unexpected("a pattern"));
            }
            self.at += 1;
        }
        self.expect_symbol(b')')
    }
}
