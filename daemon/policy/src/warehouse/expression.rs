//! Expressions: operands. Precedence does not matter for what an expression names, so there is none here.

use super::ahead::Content;
use super::cursor::{CLOUD, DATABRICKS, POSTGRES, POSTGRES_KIN, Read, Reader, SNOWFLAKE};
use super::facts::{FunctionUse, Part, Seat};
use super::functions;
use super::operators::Until;
use crate::denial::DenialCode;
use crate::lexer::Kind;
use crate::names::Dialect;

/// The dialects that have `column(+)`.
const OUTER_SIGN: &[Dialect] = &[Dialect::Redshift, Dialect::Snowflake];

/// Words before an operand, beside NOT.
const PREFIXES: &[&str] = &["not", "prior", "connect_by_root"];

impl Reader<'_> {
    /// One expression.
    pub(super) fn expression(&mut self) -> Read {
        self.expression_until(Until::default())
    }

    /// One expression that ends before the words of `until`.
    pub(super) fn expression_until(&mut self, until: Until) -> Read {
        self.deeper(|r| {
            r.operand()?;
            r.operators(until, 0)
        })
    }

    /// What an expression goes on with when its first operand was read as something in brackets.
    pub(super) fn after_operand(&mut self, until: Until, operand: Content) -> Read {
        if operand == Content::Nothing && !self.symbols(0, b"->") {
            return Err(self.unexpected("a value"));
        }
        self.postfixes()?;
        self.operators(until, 0)
    }

    /// Signs, an operand, and what belongs to it.
    pub(super) fn operand(&mut self) -> Read {
        let mut signs = 0_usize;
        loop {
            let sign = matches!(self.kind(0), Some(Kind::Symbol(b'-' | b'+' | b'~')))
                || self.speaks(POSTGRES_KIN) && self.prefix_operator()
                || self.speaks(DATABRICKS) && self.symbol(0, b'!') && !self.symbols(0, b"!=")
                || self.is("not")
                || self.is_any(0, PREFIXES)
                    && self.is_name(1)
                    && !self.symbol(1, b'(')
                    && !self.symbol(1, b'.');
            if !sign {
                break;
            }
            signs += 1;
            self.bound(signs)?;
            self.at += 1;
        }
        let content = self.primary_content()?;
        self.after_primary(content)
    }

    fn after_primary(&mut self, content: Content) -> Read {
        if content == Content::Nothing && !(self.speaks(CLOUD) && self.symbols(0, b"->")) {
            return Err(self.unexpected("a value"));
        }
        self.postfixes()
    }

    /// PostgreSQL: `@x`, `|/ x`, `||/ x`, `!! x`.
    fn prefix_operator(&mut self) -> bool {
        let signs: [&[u8]; 4] = [b"||/", b"|/", b"!!", b"@"];
        for sign in signs {
            if self.symbols(0, sign) {
                self.at += sign.len() - 1;
                return true;
            }
        }
        false
    }

    /// An operand without what may follow it.
    pub(super) fn primary(&mut self) -> Read {
        self.primary_content().map(|_| ())
    }

    fn primary_content(&mut self) -> Read<Content> {
        let Some(token) = self.token(0) else { return Err(self.unexpected("a value")) };
        match token.kind {
            Kind::Text => {
                self.at += 1;
                // Constants side by side are one.
                while !self.speaks(SNOWFLAKE) && self.take_kind(Kind::Text) {}
            }
            Kind::Number => self.number()?,
            Kind::Parameter => self.dollar_parameter()?,
            Kind::Symbol(b'?') if !self.speaks(POSTGRES) => {
                self.at += 1;
                let position = (self.facts.parameters.len() + 1).to_string();
                self.facts.parameters.push(position);
            }
            Kind::Symbol(b':') if !self.speaks(POSTGRES) => self.named_parameter()?,
            Kind::Symbol(b'(') => {
                self.at += 1;
                return self.brackets();
            }
            Kind::Symbol(b'[') if self.speaks(SNOWFLAKE) => self.array()?,
            Kind::Symbol(b'{') if self.speaks(SNOWFLAKE) => self.object()?,
            Kind::Symbol(b'@') => {
                let message = "a stage is named; only tables may be read";
                return Err(self.refuse(DenialCode::FileAccess, message, "name a table"));
            }
            Kind::Quoted => self.path()?,
            Kind::Word => self.word_operand()?,
            Kind::Symbol(_) => return Err(self.unexpected("a value")),
        }
        Ok(Content::Values)
    }

    /// A number must not run into letters.
    fn number(&mut self) -> Read {
        let spelled = self.token(0).map_or("", |token| token.text(self.text)).to_ascii_lowercase();
        let digits =
            |text: &str| text.bytes().all(|byte| byte.is_ascii_digit() || byte == b'_' || byte == b'.');
        let based = ["0x", "0o", "0b"].iter().any(|base| {
            spelled.strip_prefix(base).is_some_and(|rest| {
                !rest.is_empty() && rest.bytes().all(|byte| byte.is_ascii_hexdigit() || byte == b'_')
            })
        });
        let suffix = ["bd", "l", "s", "y", "d", "f"].iter().find_map(|suffix| spelled.strip_suffix(suffix));
        let plain = suffix.filter(|_| self.speaks(DATABRICKS)).unwrap_or(&spelled);
        let (mantissa, exponent) = plain.split_once('e').unwrap_or((plain, "0"));
        let exponent = exponent.strip_prefix(['+', '-']).unwrap_or(exponent);
        let decimal =
            digits(mantissa) && !exponent.is_empty() && exponent.bytes().all(|byte| byte.is_ascii_digit());
        if !based && !decimal {
            return Err(self.unexpected("a number"));
        }
        self.at += 1;
        Ok(())
    }

    /// `$1` is a bind parameter, in Snowflake a column; `$name` is a variable of the session.
    fn dollar_parameter(&mut self) -> Read {
        let name = self.token(0).map_or("", |token| token.text(self.text)).trim_start_matches('$');
        let numbered = name.bytes().all(|byte| byte.is_ascii_digit());
        if !numbered || self.speaks(DATABRICKS) {
            let message = "variables of the session are not read";
            return Err(self.refuse(
                DenialCode::FunctionNotAllowed,
                message,
                "write the value itself, or bind it",
            ));
        }
        if !self.speaks(SNOWFLAKE) {
            self.facts.parameters.push(name.to_owned());
        }
        self.at += 1;
        Ok(())
    }

    fn named_parameter(&mut self) -> Read {
        let name = self.token(1).map_or("", |token| token.text(self.text));
        let named = match self.kind(1) {
            Some(Kind::Word) => true,
            // `:1from` would be `:1 FROM` to an engine.
            Some(Kind::Number) => name.bytes().all(|byte| byte.is_ascii_digit()),
            _ => false,
        };
        if !named || !self.joined(1) {
            return Err(self.unexpected("a value"));
        }
        self.facts.parameters.push(name.to_owned());
        self.at += 2;
        Ok(())
    }

    /// `[a, b]`
    pub(super) fn array(&mut self) -> Read {
        self.expect_symbol(b'[')?;
        if !self.symbol(0, b']') {
            self.list(|r| {
                if r.symbol(0, b'[') && r.speaks(POSTGRES_KIN) {
                    r.roomy(Self::array)
                } else {
                    r.expression()
                }
            })?;
        }
        self.expect_symbol(b']')
    }

    /// `{'key': value}`, `{*}`
    fn object(&mut self) -> Read {
        self.expect_symbol(b'{')?;
        if !self.symbol(0, b'}') {
            self.list(|r| {
                if r.take_symbol(b'*') {
                    return r.star_modifiers();
                }
                if !r.take_kind(Kind::Text) {
                    return r.path();
                }
                r.expect_symbol(b':')?;
                r.expression()
            })?;
        }
        self.expect_symbol(b'}')
    }

    /// An operand that starts with a bare word.
    fn word_operand(&mut self) -> Read {
        let word = self.word(0).to_ascii_lowercase();
        let called = self.symbol(1, b'(');
        match word.as_str() {
            "case" => return self.case(),
            "exists" if called => return self.exists(),
            "any" | "all" | "some" if called => return self.quantified(),
            "array" if self.symbol(1, b'[') && !self.speaks(SNOWFLAKE) => {
                self.at += 1;
                return self.array();
            }
            "interval" if self.interval_follows() => return self.interval(),
            "approximate" if self.is_name(1) && !called => {
                self.at += 1;
                return self.path();
            }
            "values" if called && self.speaks(DATABRICKS) => return Err(self.unexpected("a value")),
            _ => {}
        }
        if called && self.special_call(&word)? {
            return self.call_tail(&word);
        }
        if !called && self.kind(1) == Some(Kind::Text) && !super::words::is_reserved(&word) {
            return self.typed_constant(&word);
        }
        if self.zoned_constant(&word) {
            self.type_name()?;
            return if self.take_kind(Kind::Text) { Ok(()) } else { Err(self.unexpected("a string")) };
        }
        self.path()
    }

    /// `DATE '2024-01-01'`
    fn typed_constant(&mut self, word: &str) -> Read {
        self.note_type(word);
        self.at += 2;
        Ok(())
    }

    /// `TIMESTAMP WITH TIME ZONE '..'`, `TIMESTAMP(3) '..'`
    fn zoned_constant(&self, word: &str) -> bool {
        matches!(word, "timestamp" | "time")
            && (self.is_any(1, &["with", "without"]) && self.is_at(2, "time")
                || self.symbol(1, b'(') && self.symbol(3, b')') && self.kind(4) == Some(Kind::Text))
            || word == "double" && self.is_at(1, "precision") && self.kind(2) == Some(Kind::Text)
    }

    fn case(&mut self) -> Read {
        self.at += 1;
        if !self.is("when") {
            self.expression()?;
        }
        if !self.is("when") {
            return Err(self.unexpected("WHEN"));
        }
        while self.take("when") {
            self.list(Self::expression)?;
            self.expect("then")?;
            self.expression()?;
        }
        if self.take("else") {
            self.expression()?;
        }
        self.expect("end")
    }

    /// EXISTS with a query; in Databricks also a function of an array.
    fn exists(&mut self) -> Read {
        let from = self.at;
        self.at += 2;
        let content = self.brackets()?;
        if content == Content::Query {
            return Ok(());
        }
        if content == Content::Values && self.speaks(DATABRICKS) {
            return Ok(());
        }
        self.at = from + 2;
        Err(self.unexpected("a query"))
    }

    /// ANY, ALL and SOME with a query or values.
    fn quantified(&mut self) -> Read {
        let word = self.word(0).to_ascii_lowercase();
        self.at += 2;
        if self.brackets()? == Content::Nothing {
            return Err(self.unexpected("a value"));
        }
        self.call_tail(&word)
    }

    fn interval_follows(&self) -> bool {
        match self.kind(1) {
            Some(Kind::Text | Kind::Number) => true,
            Some(Kind::Symbol(b'-' | b'+')) => {
                self.speaks(DATABRICKS) && matches!(self.kind(2), Some(Kind::Number | Kind::Text))
            }
            Some(Kind::Symbol(b'(')) => {
                self.speaks(POSTGRES) && self.symbol(3, b')') && self.kind(4) == Some(Kind::Text)
                    || self.speaks(DATABRICKS)
            }
            Some(Kind::Symbol(b':' | b'?')) => !self.speaks(POSTGRES) && self.joined(2),
            Some(Kind::Word | Kind::Quoted) => {
                self.speaks(DATABRICKS) && self.is_name(1) && is_unit(self.word(2))
            }
            _ => false,
        }
    }

    /// An interval with its units, as far as they stand outside the string.
    fn interval(&mut self) -> Read {
        self.at += 1;
        if self.speaks(POSTGRES) && self.take_symbol(b'(') {
            self.number()?;
            self.expect_symbol(b')')?;
        }
        loop {
            if !self.take_symbol(b'-') {
                self.take_symbol(b'+');
            }
            self.primary()?;
            if is_unit(self.word(0)) {
                self.unit()?;
                if self.take("to") {
                    self.unit()?;
                }
            }
            let more = self.speaks(DATABRICKS) && matches!(self.kind(0), Some(Kind::Number | Kind::Text));
            if !more || !is_unit(self.word(1)) {
                return Ok(());
            }
        }
    }

    fn unit(&mut self) -> Read {
        if !is_unit(self.word(0)) {
            return Err(self.unexpected("a unit of time"));
        }
        self.at += 1;
        if self.speaks(POSTGRES_KIN) && self.symbol(0, b'(') {
            return self.bracketed(Self::number);
        }
        Ok(())
    }

    /// A column with its path, or a call.
    pub(super) fn path(&mut self) -> Read {
        let at = self.at;
        let bare = self.kind(0) == Some(Kind::Word);
        // Some functions are named like words of clauses.
        let field = self.is("window") && self.symbol(1, b'.') && self.speaks(DATABRICKS);
        let free = self.speaks(CLOUD) && bare && super::words::is_column(self.word(0));
        let callable =
            field || free || bare && self.symbol(1, b'(') && functions::is_callable_word(self.word(0));
        let first = self.name(callable)?;
        let mut parts = vec![first];
        while self.symbol(0, b'.') && !self.symbol(1, b'*') {
            self.at += 1;
            if self.speaks(SNOWFLAKE) && self.take_kind(Kind::Parameter) {
                break;
            }
            parts.push(self.name(true)?);
        }
        if self.symbol(0, b'(') {
            // The old sign of an outer join.
            if self.symbol(1, b'+') && self.symbol(2, b')') && self.speaks(OUTER_SIGN) {
                self.at += 3;
                self.note_columns(parts, false);
                return Ok(());
            }
            return self.call(parts);
        }
        if self.symbol(0, b'.') {
            self.at += 2;
            self.note_columns(parts, true);
            return Ok(());
        }
        if bare && parts.len() == 1 {
            let name = self.tokens.get(at).map_or("", |token| token.text(self.text)).to_ascii_lowercase();
            if functions::is_session_word(&name, self.dialect) {
                let at = parts.first().map_or(0, |part| part.span.start);
                self.facts.functions.push(FunctionUse { owner: Vec::new(), name, seat: Seat::Word, at });
            }
        }
        self.note_columns(parts, false);
        Ok(())
    }

    /// Notes a path, and refuses what is a sequence in the shape of a column.
    fn note_columns(&mut self, parts: Vec<Part>, star: bool) {
        if self.speaks(SNOWFLAKE)
            && parts.len() > 1
            && let Some(last) = parts.last().filter(|last| last.name.eq_ignore_ascii_case("nextval"))
        {
            let at = last.span.start;
            self.facts.functions.push(FunctionUse {
                owner: Vec::new(),
                name: "nextval".to_owned(),
                seat: Seat::Expression,
                at,
            });
        }
        if parts.len() > 2 || star && parts.len() > 1 {
            self.facts.columns.push(parts);
        }
    }

    /// Casts, subscripts, fields and paths into documents.
    pub(super) fn postfixes(&mut self) -> Read {
        let mut steps = 0_usize;
        loop {
            if self.symbols(0, b"::") {
                self.at += 2;
                self.type_name()?;
            } else if self.speaks(DATABRICKS) && self.symbols(0, b"?::") {
                self.at += 3;
                self.type_name()?;
            } else if self.symbol(0, b'[') || self.symbol(0, b'.') {
                self.subscript_or_field()?;
            } else if self.speaks(CLOUD) && self.symbol(0, b':') && self.document_follows() {
                self.at += 1;
                if !self.symbol(0, b'[') {
                    self.name(true)?;
                }
            } else {
                return Ok(());
            }
            steps += 1;
            self.bound(steps)?;
        }
    }

    /// A colon in `column:path`; the words of a query never stand there.
    fn document_follows(&self) -> bool {
        self.symbol(1, b'[') || matches!(self.kind(1), Some(Kind::Word | Kind::Quoted))
    }

    /// `[index]`, `[from:to]`, `[*]`, `.field`, `.*`
    pub(super) fn subscript_or_field(&mut self) -> Read {
        if self.take_symbol(b'.') {
            if self.take_symbol(b'*') {
                return Ok(());
            }
            return self.name(true).map(|_| ());
        }
        self.expect_symbol(b'[')?;
        if self.speaks(DATABRICKS) && self.take_symbol(b'*') {
            return self.expect_symbol(b']');
        }
        if !self.symbol(0, b':') {
            self.expression()?;
        }
        if self.speaks(POSTGRES_KIN) && self.take_symbol(b':') && !self.symbol(0, b']') {
            self.expression()?;
        }
        self.expect_symbol(b']')
    }
}

/// Units of time, with the plural.
pub(super) fn is_unit(word: &str) -> bool {
    const UNITS: &[&str] = &[
        "year",
        "quarter",
        "month",
        "week",
        "day",
        "hour",
        "minute",
        "second",
        "millisecond",
        "microsecond",
        "nanosecond",
    ];
    UNITS.iter().any(|unit| {
        word.eq_ignore_ascii_case(unit)
            || word.get(..unit.len()).is_some_and(|head| head.eq_ignore_ascii_case(unit))
                && word.get(unit.len()..).is_some_and(|tail| tail.eq_ignore_ascii_case("s"))
    })
}
