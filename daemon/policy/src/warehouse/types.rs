//! Types in casts and column definitions.

use super::cursor::{POSTGRES_KIN, Read, Reader};
use super::facts::TypeUse;
use crate::lexer::Kind;

/// Second and later words of types that have several.
const MORE: &[&str] = &["varying", "precision", "large"];

impl Reader<'_> {
    /// Notes the type named by the next token.
    pub(super) fn note_type(&mut self, name: &str) {
        let at = self.offset();
        self.facts.types.push(TypeUse { name: name.to_ascii_lowercase(), at });
    }

    /// One type with its arguments.
    pub(super) fn type_name(&mut self) -> Read {
        self.deeper(|r| {
            if r.speaks(POSTGRES_KIN) && r.is("pg_catalog") && r.symbol(1, b'.') {
                r.at += 2;
            }
            r.take("setof");
            if r.kind(0) != Some(Kind::Word) || r.symbol(1, b'.') {
                return Err(r.unexpected("a type of the engine"));
            }
            let name = r.word(0).to_ascii_lowercase();
            r.note_type(&name);
            r.at += 1;
            if matches!(name.as_str(), "national") {
                r.expect_any(&["character", "char"])?;
            }
            while matches!(
                name.as_str(),
                "character" | "char" | "bit" | "double" | "national" | "binary" | "nchar"
            ) && r.take_any(MORE)
            {}
            if name == "interval" {
                r.interval_fields()?;
            }
            if r.symbol(0, b'(') {
                r.bracketed(|r| r.list(Self::type_argument))?;
            }
            if r.symbol(0, b'<') && matches!(name.as_str(), "array" | "map" | "struct") {
                r.generic()?;
            }
            if matches!(name.as_str(), "time" | "timestamp")
                && r.is_any(0, &["with", "without"])
                && r.is_any(1, &["time", "local"])
            {
                r.at += 1;
                r.take("local");
                r.expect("time")?;
                r.expect("zone")?;
            }
            r.array_signs()
        })
    }

    fn interval_fields(&mut self) -> Read {
        if super::expression::is_unit(self.word(0)) {
            self.at += 1;
            if self.take("to") {
                if !super::expression::is_unit(self.word(0)) {
                    return Err(self.unexpected("a unit of time"));
                }
                self.at += 1;
            }
        }
        Ok(())
    }

    /// A number, or a type as in Snowflake's `ARRAY(NUMBER NOT NULL)` and `OBJECT(name VARCHAR)`.
    fn type_argument(&mut self) -> Read {
        self.take_symbol(b'-');
        if self.take_kind(Kind::Number) || self.take("max") {
            self.take_any(&["char", "byte"]);
            return Ok(());
        }
        if self.speaks(POSTGRES_KIN) {
            return Err(self.unexpected("a number"));
        }
        let field = matches!(self.kind(1), Some(Kind::Word)) && !self.is_at(1, "not");
        if field || self.kind(0) == Some(Kind::Quoted) {
            self.name(true)?;
        }
        self.type_name()?;
        self.not_null()
    }

    fn not_null(&mut self) -> Read {
        if self.take("not") { self.expect("null") } else { Ok(()) }
    }

    /// `<..>` of ARRAY, MAP and STRUCT.
    fn generic(&mut self) -> Read {
        self.expect_symbol(b'<')?;
        if !self.symbol(0, b'>') {
            self.list(|r| {
                let colon = r.symbol(1, b':');
                let field =
                    colon || matches!(r.kind(1), Some(Kind::Word)) && r.kind(0) != Some(Kind::Symbol(b'('));
                if field {
                    r.name(true)?;
                    r.take_symbol(b':');
                }
                r.type_name()?;
                r.not_null()?;
                if r.take("collate") {
                    r.name(true)?;
                }
                if r.take("comment") && !r.take_kind(Kind::Text) {
                    return Err(r.unexpected("a comment in quotes"));
                }
                Ok(())
            })?;
        }
        self.expect_symbol(b'>')
    }

    /// `[]`, `[3]` and ARRAY behind a type of PostgreSQL.
    fn array_signs(&mut self) -> Read {
        if !self.speaks(POSTGRES_KIN) {
            return Ok(());
        }
        self.take("array");
        let mut signs = 0_usize;
        while self.symbol(0, b'[')
            && (self.symbol(1, b']') || self.kind(1) == Some(Kind::Number) && self.symbol(2, b']'))
        {
            self.at += if self.symbol(1, b']') { 2 } else { 3 };
            signs += 1;
            self.bound(signs)?;
        }
        Ok(())
    }
}
