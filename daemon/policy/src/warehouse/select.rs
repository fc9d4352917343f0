//! SELECT and its clauses up to WINDOW.

use super::cursor::{CLOUD, DATABRICKS, POSTGRES, REDSHIFT, Read, Reader, SNOWFLAKE};
use super::facts::Frame;
use super::words;
use crate::lexer::Kind;
use crate::names::Dialect;

/// Redshift and Snowflake have TOP.
const TOP: &[Dialect] = &[Dialect::Redshift, Dialect::Snowflake];
/// All but PostgreSQL have QUALIFY.
const QUALIFY: &[Dialect] = &[Dialect::Redshift, Dialect::Snowflake, Dialect::Databricks];

impl Reader<'_> {
    /// SELECT in its usual order.
    pub(super) fn select(&mut self) -> Read {
        if !self.is("select") {
            return Err(self.unexpected("a query"));
        }
        self.framed(|r| {
            r.select_clause()?;
            r.no_lock()?;
            if r.take("from") {
                r.sources()?;
            }
            r.select_rest()
        })
    }

    /// Databricks: FROM first, then perhaps SELECT; pipes come behind.
    pub(super) fn sources_first(&mut self) -> Read {
        self.framed(|r| {
            r.expect("from")?;
            r.sources()?;
            r.no_write()?;
            if r.is("select") {
                r.select_clause()?;
                r.no_lock()?;
            }
            r.select_rest()
        })
    }

    /// Reads a query block with a frame of its own for the names in FROM.
    fn framed(&mut self, work: impl FnOnce(&mut Self) -> Read) -> Read {
        let outer = self.outer;
        self.outer = Some(self.facts.frames.len());
        self.facts.frames.push(Frame { parent: outer, names: Vec::new() });
        work(self)?;
        self.outer = outer;
        Ok(())
    }

    fn select_clause(&mut self) -> Read {
        self.expect("select")?;
        if !self.take("all") && self.take("distinct") && self.speaks(POSTGRES) && self.take("on") {
            self.bracketed(|r| r.list(Self::expression))?;
        }
        if self.speaks(TOP) && self.is("top") && matches!(self.kind(1), Some(Kind::Number | Kind::Parameter))
        {
            self.at += 1;
            self.primary()?;
        }
        let empty = self.speaks(POSTGRES) && self.is("from");
        if empty { Ok(()) } else { self.select_list() }
    }

    /// Items with commas between; Snowflake and Databricks take one more comma before FROM.
    pub(super) fn select_list(&mut self) -> Read {
        loop {
            self.select_item()?;
            if !self.take_symbol(b',') || self.speaks(SNOWFLAKE) && self.is("from") {
                return Ok(());
            }
        }
    }

    fn select_item(&mut self) -> Read {
        if self.take_symbol(b'*') {
            return self.star_modifiers();
        }
        self.expression()?;
        let last = self.at.checked_sub(1).and_then(|at| self.tokens.get(at));
        if last.is_some_and(|token| token.is(b'*')) {
            return self.star_modifiers();
        }
        self.item_alias()
    }

    /// The name of an expression.
    pub(super) fn item_alias(&mut self) -> Read {
        if self.take("as") {
            if self.speaks(DATABRICKS) && self.symbol(0, b'(') {
                return self.name_list();
            }
            return self.name(true).map(|_| ());
        }
        if self.is_alias() {
            self.at += 1;
        }
        Ok(())
    }

    /// Whether the next token is a name without AS.
    pub(super) fn is_alias(&self) -> bool {
        let context = |words: &[&str], next: &str| self.is_any(0, words) && self.is_at(1, next);
        let called = self.kind(0) == Some(Kind::Word) && self.symbol(1, b'(');
        self.is_name(0)
            && !called
            && !words::continues(self.word(0))
            && !context(&["start"], "with")
            && !context(&["version", "timestamp", "system_version", "system_time"], "as")
    }

    /// Names in brackets.
    pub(super) fn name_list(&mut self) -> Read {
        self.bracketed(|r| r.list(|r| r.name(false).map(|_| ())))
    }

    /// EXCEPT, EXCLUDE, REPLACE, RENAME and ILIKE behind a star.
    pub(super) fn star_modifiers(&mut self) -> Read {
        if self.speaks(POSTGRES) {
            return Ok(());
        }
        if self.speaks(SNOWFLAKE) && self.take("ilike") && !self.take_kind(Kind::Text) {
            return Err(self.unexpected("a pattern"));
        }
        let except =
            self.is("except") && self.symbol(1, b'(') && !self.starts_query(2) && !self.symbol(2, b'(');
        if self.is("exclude") || except && !self.speaks(REDSHIFT) {
            self.at += 1;
            if self.symbol(0, b'(') {
                self.bracketed(|r| r.list(Self::column_name))?;
            } else {
                self.column_name()?;
            }
        }
        if self.speaks(CLOUD) && self.take("replace") {
            self.one_or_more(|r| {
                r.expression()?;
                r.expect("as")?;
                r.name(false).map(|_| ())
            })?;
        }
        if self.speaks(SNOWFLAKE) && self.take("rename") {
            self.one_or_more(|r| {
                r.name(false)?;
                r.expect("as")?;
                r.name(false).map(|_| ())
            })?;
        }
        Ok(())
    }

    fn one_or_more(&mut self, mut item: impl FnMut(&mut Self) -> Read) -> Read {
        if self.symbol(0, b'(') { self.bracketed(|r| r.list(item)) } else { item(self) }
    }

    /// A column, perhaps with parts before it.
    pub(super) fn column_name(&mut self) -> Read {
        self.name(false)?;
        while self.take_symbol(b'.') {
            self.name(true)?;
        }
        Ok(())
    }

    /// WHERE and what follows it, in the order of each engine.
    fn select_rest(&mut self) -> Read {
        self.maybe_expression("where")?;
        if self.hierarchy()? {
            self.maybe_expression("where")?;
        }
        if self.take_all(&["group", "by"]) {
            self.group()?;
        }
        self.maybe_expression("having")?;
        if self.speaks(QUALIFY) {
            self.maybe_expression("qualify")?;
        }
        if self.is("window") {
            self.windows()?;
            if self.speaks(QUALIFY) {
                self.maybe_expression("qualify")?;
            }
        }
        Ok(())
    }

    fn maybe_expression(&mut self, word: &str) -> Read {
        if self.take(word) { self.expression() } else { Ok(()) }
    }

    /// START WITH and CONNECT BY, in either order; says whether there was one.
    fn hierarchy(&mut self) -> Read<bool> {
        let mut found = false;
        while self.speaks(TOP) {
            if self.take_all(&["start", "with"]) {
                self.expression()?;
            } else if self.take_all(&["connect", "by"]) {
                self.take("nocycle");
                self.list(Self::expression)?;
            } else {
                break;
            }
            found = true;
        }
        Ok(found)
    }

    /// What stands behind GROUP BY.
    pub(super) fn group(&mut self) -> Read {
        let all = self.is("all") && !self.symbol(1, b'(');
        if all {
            self.at += 1;
            if !self.speaks(POSTGRES) || !self.is_name(0) {
                return Ok(());
            }
        }
        if self.speaks(POSTGRES) {
            self.take("distinct");
        }
        self.list(Self::grouping)?;
        if self.speaks(DATABRICKS) {
            if self.take("with") {
                self.expect_any(&["rollup", "cube"])?;
            } else if self.is_all(&["grouping", "sets"]) {
                self.grouping()?;
            }
        }
        Ok(())
    }

    fn is_all(&self, words: &[&str]) -> bool {
        words.iter().enumerate().all(|(ahead, word)| self.is_at(ahead, word))
    }

    fn grouping(&mut self) -> Read {
        if self.is_any(0, &["rollup", "cube"]) && self.symbol(1, b'(') {
            self.at += 1;
            return self.bracketed(|r| r.list(Self::grouping));
        }
        if self.take_all(&["grouping", "sets"]) {
            return self.roomy(|r| r.bracketed(|r| r.list(Self::grouping)));
        }
        if self.symbol(0, b'(') && self.symbol(1, b')') {
            self.at += 2;
            return Ok(());
        }
        self.expression()?;
        if self.speaks(DATABRICKS) && self.take("as") {
            self.name(false)?;
        }
        Ok(())
    }
}
