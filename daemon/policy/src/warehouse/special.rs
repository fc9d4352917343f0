//! Functions whose arguments are not a plain list.

use super::cursor::{POSTGRES, REDSHIFT, Read, Reader};
use super::from::Item;
use super::functions;
use super::operators::Until;
use crate::lexer::{Kind, closing};

impl Reader<'_> {
    /// Reads a call when its name has a form of its own; the name and `(` are next.
    pub(super) fn special_call(&mut self, name: &str) -> Read<bool> {
        let at = self.offset();
        let form: fn(&mut Self) -> Read = match name {
            "cast" | "try_cast" | "safe_cast" => Self::cast,
            "convert" if self.speaks(REDSHIFT) => Self::convert,
            "extract" => Self::extract,
            "trim" => Self::trim,
            "substring" | "substr" => Self::substring,
            "overlay" => Self::overlay,
            "position" => Self::position,
            "array" if self.starts_query(2) => Self::array_of_query,
            "normalize" if self.speaks(POSTGRES) => Self::normalize,
            "collation" if self.is_at(2, "for") => return Ok(false),
            "xmlelement" | "xmlforest" | "xmlparse" | "xmlserialize" | "xmlpi" | "xmlroot" | "xmlexists"
                if self.speaks(POSTGRES) =>
            {
                Self::xml
            }
            "json_object" | "json_array" | "json_value" | "json_query" | "json_exists" | "json_objectagg"
            | "json_arrayagg" | "json_scalar" | "json_serialize" | "json"
                if self.speaks(POSTGRES) =>
            {
                Self::json
            }
            _ => return Ok(false),
        };
        self.note_function(Vec::new(), name.to_owned(), at);
        self.at += 1;
        self.bracketed(form)?;
        Ok(true)
    }

    fn cast(&mut self) -> Read {
        self.expression()?;
        self.expect("as")?;
        self.type_name()?;
        // Snowflake renames and adds fields of structured types in a cast.
        if self.take("rename") || self.take("add") {
            self.expect("fields")?;
        }
        if self.take("format") && !self.take_kind(Kind::Text) {
            return Err(self.unexpected("a format"));
        }
        Ok(())
    }

    /// Redshift: `CONVERT(type, value)`.
    fn convert(&mut self) -> Read {
        self.type_name()?;
        self.expect_symbol(b',')?;
        self.expression()
    }

    fn extract(&mut self) -> Read {
        if !self.take_kind(Kind::Text) {
            self.name(true)?;
        }
        if !self.take_symbol(b',') {
            self.expect("from")?;
        }
        self.expression()
    }

    fn trim(&mut self) -> Read {
        let sided = self.is_any(0, &["both", "leading", "trailing"])
            && !self.symbol(1, b')')
            && !self.symbol(1, b',');
        self.at += usize::from(sided);
        if !self.take("from") {
            self.expression()?;
            if !self.take("from") {
                return if self.take_symbol(b',') { self.list(Self::expression) } else { Ok(()) };
            }
        }
        self.list(Self::expression)
    }

    fn substring(&mut self) -> Read {
        self.expression()?;
        if self.take_symbol(b',') {
            return self.list(Self::expression);
        }
        if self.take("from") {
            self.expression()?;
        }
        if self.take("for") {
            self.expression()?;
        }
        Ok(())
    }

    fn overlay(&mut self) -> Read {
        self.expression()?;
        if self.take_symbol(b',') {
            return self.list(Self::expression);
        }
        self.expect("placing")?;
        self.expression()?;
        self.expect("from")?;
        self.expression()?;
        if self.take("for") { self.expression() } else { Ok(()) }
    }

    fn position(&mut self) -> Read {
        self.expression_until(Until { and: false, inside: true })?;
        if self.take_symbol(b',') {
            return self.list(Self::expression);
        }
        self.expect("in")?;
        self.expression()
    }

    fn array_of_query(&mut self) -> Read {
        self.query(None)
    }

    fn normalize(&mut self) -> Read {
        self.expression()?;
        if self.take_symbol(b',') {
            self.expect_any(&["nfc", "nfd", "nfkc", "nfkd"])?;
        }
        Ok(())
    }

    /// The XML constructors: names, values, and the words between them.
    fn xml(&mut self) -> Read {
        if self.take("name") {
            self.name(true)?;
            self.take_symbol(b',');
        } else {
            self.take_any(&["document", "content"]);
        }
        if self.symbol(0, b')') {
            return Ok(());
        }
        self.list(|r| {
            if r.take("version") {
                return if r.take_all(&["no", "value"]) { Ok(()) } else { r.expression() };
            }
            if r.take("standalone") {
                r.expect_any(&["yes", "no"])?;
                r.take("value");
                return Ok(());
            }
            if r.is("xmlattributes") && r.symbol(1, b'(') {
                r.at += 1;
                return r.roomy(|r| r.bracketed(Self::xml));
            }
            r.expression()?;
            if r.take("passing") {
                r.mechanism();
                r.expression()?;
                r.mechanism();
            }
            if r.take("as") {
                // XMLSERIALIZE names a type here and the others a label; a label is no type of the engine.
                let serial = r.is_any(0, &["text", "varchar", "character", "char"]);
                if serial {
                    r.type_name()?;
                } else {
                    r.name(true)?;
                }
                if !r.take_all(&["no", "indent"]) {
                    r.take("indent");
                }
            }
            if r.take_any(&["preserve", "strip"]) {
                r.expect("whitespace")?;
            }
            Ok(())
        })
    }

    fn mechanism(&mut self) {
        if self.take("by") {
            self.take_any(&["ref", "value"]);
        }
    }

    /// The SQL/JSON functions: values, keys, and the words between them.
    fn json(&mut self) -> Read {
        while !self.symbol(0, b')') {
            let pair = self.take("key");
            if self.is_any(0, &["absent", "null", "error", "empty", "default", "true", "false", "unknown"])
                && self.json_clause()?
            {
                continue;
            }
            if self.take("passing") {
                self.list(|r| {
                    r.expression()?;
                    r.expect("as")?;
                    r.name(true).map(|_| ())
                })?;
            } else if self.take("returning") {
                self.type_name()?;
                self.json_format()?;
            } else if self.take_any(&["with", "without"]) {
                self.take_any(&["conditional", "unconditional"]);
                self.take("array");
                self.expect_any(&["unique", "wrapper"])?;
                self.take("keys");
            } else if self.take_any(&["keep", "omit"]) {
                self.expect("quotes")?;
                self.take_all(&["on", "scalar", "string"]);
            } else if self.take_all(&["order", "by"]) {
                self.orders()?;
            } else {
                self.json_value(pair)?;
            }
        }
        Ok(())
    }

    /// `NULL ON EMPTY`, `ABSENT ON NULL`, `DEFAULT x ON ERROR`.
    fn json_clause(&mut self) -> Read<bool> {
        if self.take("default") {
            self.expression()?;
        } else {
            let ahead = if self.is_any(1, &["array", "object"]) { 2 } else { 1 };
            if !self.is_at(ahead, "on") {
                return Ok(false);
            }
            self.at += ahead;
        }
        self.expect("on")?;
        self.expect_any(&["null", "empty", "error"])?;
        Ok(true)
    }

    fn json_value(&mut self, pair: bool) -> Read {
        if self.starts_query(0) {
            return self.query(None);
        }
        self.expression()?;
        self.json_format()?;
        if self.take_symbol(b':') || self.take("value") || pair {
            self.expression()?;
            self.json_format()?;
        }
        if self.take_symbol(b',') && self.symbol(0, b')') {
            return Err(self.unexpected("a value"));
        }
        Ok(())
    }

    fn json_format(&mut self) -> Read {
        if self.take("format") {
            self.expect("json")?;
            if self.take("encoding") {
                self.name(true)?;
            }
        }
        Ok(())
    }

    /// JSON_TABLE and XMLTABLE: a value, a path, and columns that only name paths and types.
    pub(super) fn document_table(&mut self) -> Read<Item> {
        self.at += 1;
        self.bracketed(|r| {
            let mut before = r.at;
            while !r.is("columns") {
                if !r.take_any(&["passing", "by", "ref", "value", "as"]) {
                    r.list(Self::expression)?;
                }
                if r.at == before {
                    return Err(r.unexpected("COLUMNS"));
                }
                before = r.at;
            }
            r.at += 1;
            r.document_columns()
        })?;
        Ok(Item::Other)
    }

    /// Columns hold names, types, strings and numbers, and nothing that calls or queries.
    fn document_columns(&mut self) -> Read {
        const QUERIES: &[&str] = &["select", "from", "table", "with", "join", "values", "union", "lateral"];
        let bracketed = self.symbol(0, b'(');
        let end = if bracketed {
            closing(self.tokens, self.at).map(|close| close + 1)
        } else {
            self.at.checked_sub(1).and_then(|_| self.end_of_brackets())
        };
        let Some(end) = end else { return Err(self.unexpected("columns")) };
        while self.at < end {
            let calls = matches!(self.kind(0), Some(Kind::Word | Kind::Quoted))
                && self.symbol(1, b'(')
                && !self.is_any(
                    0,
                    &[
                        "columns",
                        "varchar",
                        "numeric",
                        "decimal",
                        "char",
                        "character",
                        "varying",
                        "timestamp",
                        "time",
                        "bit",
                    ],
                );
            let symbols = matches!(self.kind(0), Some(Kind::Symbol(symbol)) if !b"(),[]".contains(&symbol));
            let unknown_type = self.symbol(0, b'.')
                || self.word(0).get(..3).is_some_and(|start| start.eq_ignore_ascii_case("reg"))
                || functions::is_session_word(&self.word(0).to_ascii_lowercase(), self.dialect);
            if calls
                || symbols
                || unknown_type
                || self.is_any(0, QUERIES)
                    && !self.is_any(1, &["wrapper", "unique"])
                    && !self.is_any(1, &["conditional", "unconditional", "array"])
            {
                return Err(self.unexpected("a plain column"));
            }
            self.at += 1;
        }
        Ok(())
    }

    /// The bracket that closes what is open here.
    fn end_of_brackets(&self) -> Option<usize> {
        let mut depth = 0_usize;
        for (at, token) in self.tokens.iter().enumerate().skip(self.at) {
            if token.opens() {
                depth += 1;
            } else if token.closes() {
                if depth == 0 {
                    return Some(at);
                }
                depth -= 1;
            }
        }
        None
    }
}
