//! Calls of functions: arguments and what follows them.

use super::ahead::Content;
use super::cursor::{DATABRICKS, POSTGRES, Read, Reader, SNOWFLAKE};
use super::facts::{FunctionUse, Part, Seat};
use crate::lexer::Kind;

impl Reader<'_> {
    /// A call whose name was read.
    pub(super) fn call(&mut self, mut parts: Vec<Part>) -> Read {
        let Some(last) = parts.pop() else { return Err(self.unexpected("a name")) };
        let name = self.function_name(&last);
        let owner = parts.into_iter().map(|part| part.name.to_ascii_lowercase()).collect();
        self.note_function(owner, name.clone(), last.span.start);
        self.arguments()?;
        self.call_tail(&name)
    }

    /// The name of a function in lower case; a quoted name in another case means another function and keeps its quotes.
    pub(super) fn function_name(&self, part: &Part) -> String {
        let name = part.name.to_ascii_lowercase();
        if super::cursor::fold(&name, false, self.dialect) == part.name {
            name
        } else {
            format!("\"{}\"", part.name)
        }
    }

    /// Notes a function of an expression.
    pub(super) fn note_function(&mut self, owner: Vec<String>, name: String, at: usize) {
        self.facts.functions.push(FunctionUse { owner, name, seat: Seat::Expression, at });
    }

    /// Arguments in brackets, in the general form.
    pub(super) fn arguments(&mut self) -> Read {
        self.bracketed(|r| {
            if r.symbol(0, b')') {
                return Ok(());
            }
            if (r.is("distinct") || r.is("all")) && !r.symbol(1, b'(') || r.is("distinct") {
                r.at += 1;
            }
            r.list(Self::argument)?;
            if r.take_any(&["ignore", "respect"]) {
                r.expect("nulls")?;
            }
            if r.take_all(&["order", "by"]) {
                r.orders()?;
            }
            if r.take("limit") {
                r.expression()?;
            }
            r.overflow()?;
            if r.take_any(&["ignore", "respect"]) {
                r.expect("nulls")?;
            }
            Ok(())
        })
    }

    /// `ON OVERFLOW` of LISTAGG, `ON NULL` of JSON constructors.
    fn overflow(&mut self) -> Read {
        if self.take_all(&["on", "overflow"]) {
            if self.take("truncate") {
                self.take_kind(Kind::Text);
                if self.take_any(&["with", "without"]) {
                    self.expect("count")?;
                }
                return Ok(());
            }
            return self.expect("error");
        }
        Ok(())
    }

    fn argument(&mut self) -> Read {
        if self.take_symbol(b'*') {
            return self.star_modifiers();
        }
        let named = matches!(self.kind(0), Some(Kind::Word | Kind::Quoted));
        if named && (self.symbols(1, b"=>") || self.symbols(1, b":=") && self.speaks(POSTGRES)) {
            self.at += 3;
        } else if self.speaks(POSTGRES) {
            self.take("variadic");
        }
        self.no_identifier()?;
        if self.starts_query(0) {
            return self.query(None);
        }
        if self.speaks(SNOWFLAKE) && self.typed_lambda() {
            self.name(false)?;
            self.type_name()?;
        } else {
            self.expression()?;
            let last = self.at.checked_sub(1).and_then(|at| self.tokens.get(at));
            if last.is_some_and(|token| token.is(b'*')) {
                return self.star_modifiers();
            }
            // Fields of a struct are named so.
            if self.speaks(DATABRICKS) && self.take("as") {
                self.name(true)?;
            }
            return Ok(());
        }
        self.after_operand(super::operators::Until::default(), Content::Nothing)
    }

    /// `x INT -> ..`
    fn typed_lambda(&self) -> bool {
        self.is_name(0) && self.kind(1) == Some(Kind::Word) && self.symbols(2, b"->")
    }

    /// Names that come from text are refused in every seat.
    fn no_identifier(&self) -> Read {
        if self.is("identifier") && self.symbol(1, b'(') { self.no_named_by_value() } else { Ok(()) }
    }

    /// WITHIN GROUP, FILTER, IGNORE NULLS and OVER.
    pub(super) fn call_tail(&mut self, name: &str) -> Read {
        if self.take_all(&["within", "group"]) {
            self.bracketed(|r| {
                r.expect("order")?;
                r.expect("by")?;
                r.orders()
            })?;
        }
        if self.is("filter") && self.symbol(1, b'(') {
            self.at += 1;
            self.bracketed(|r| {
                r.expect("where")?;
                r.expression()
            })?;
        }
        // Elsewhere FROM starts the clause here, and FIRST is a table.
        let sided = self.is("from") && self.is_any(1, &["first", "last"]);
        let nulls = if self.is_any(2, &["ignore", "respect"]) && self.is_at(3, "nulls") { 2 } else { 0 };
        let goes_on = self.is_at(nulls + 2, "over") && self.symbol(nulls + 3, b'(');
        if name == "nth_value" && sided && goes_on && self.speaks(SNOWFLAKE) {
            self.at += 2;
        }
        if self.is_any(0, &["ignore", "respect"]) && self.is_at(1, "nulls") {
            self.at += 2;
        }
        if self.is("over") && (self.symbol(1, b'(') || self.is_name(1)) { self.over() } else { Ok(()) }
    }

    /// Items of brackets that hold values.
    pub(super) fn items(&mut self) -> Read {
        self.list(|r| {
            r.no_write()?;
            r.expression()?;
            // Parameters of a lambda may carry a type.
            if r.speaks(SNOWFLAKE) && r.is_name(0) { r.type_name() } else { Ok(()) }
        })
    }
}
