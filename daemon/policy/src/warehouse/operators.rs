//! Operators: what may stand between and behind operands.

use super::cursor::{CLOUD, DATABRICKS, POSTGRES, POSTGRES_KIN, Read, Reader, SNOWFLAKE};
use crate::denial::DenialCode;
use crate::lexer::Kind;
use crate::names::Dialect;

/// Words at which an expression ends although they are operators elsewhere.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Until {
    /// AND, as in the bounds of a window frame.
    pub(super) and: bool,
    /// IN, as in POSITION.
    pub(super) inside: bool,
}

/// What was taken behind an operand.
enum Taken {
    /// An operator that wants an operand.
    Operator,
    /// AND or OR: chains of them are flat.
    Connective,
    /// Something complete: `IS NULL`, `IN (..)`.
    Test,
}

/// Operators of PostgreSQL that belong to the engine and its usual types.
const POSTGRES_SIGNS: &[&str] = &[
    "+", "-", "*", "/", "%", "^", "&", "|", "#", "<<", ">>", "||", "=", "<>", "!=", "<", ">", "<=", ">=",
    "~", "~*", "!~", "!~*", "~~", "~~*", "!~~", "!~~*", "^@", "->", "->>", "#>", "#>>", "@>", "<@", "?",
    "?|", "?&", "@?", "@@", "@@@", "#-", "&&", "-|-", "&<", "&>", "<<|", "|>>", "&<|", "|&>", "##", "<->",
    "?#", "?-", "?-|", "?||", "~=", "<<=", ">>=", "<^", ">^", "<#>", "<=>", "<%", "%>", "~>=~", "~<=~",
    "~>~", "~<~",
];
const REDSHIFT_SIGNS: &[&str] = &[
    "+", "-", "*", "/", "%", "^", "&", "|", "#", "<<", ">>", "||", "=", "<>", "!=", "<", ">", "<=", ">=",
    "~", "~*", "!~", "!~*", "~~", "~~*", "!~~", "!~~*",
];
const SNOWFLAKE_SIGNS: &[&str] =
    &["+", "-", "*", "/", "%", "||", "=", "<>", "!=", "<", ">", "<=", ">=", "->", "**"];
const DATABRICKS_SIGNS: &[&str] = &[
    "+", "-", "*", "/", "%", "||", "=", "==", "<>", "!=", "<", ">", "<=", ">=", "<=>", "&", "|", "^", "<<",
    ">>", ">>>", "->", "!", "=>",
];

impl Reader<'_> {
    /// Everything behind the first operand; `between` counts the BETWEENs that still want their AND.
    pub(super) fn operators(&mut self, until: Until, mut between: usize) -> Read {
        let mut chain = 0_usize;
        loop {
            let taken = self.operator(until, &mut between)?;
            chain += 1;
            match taken {
                None => break,
                Some(Taken::Test) => {}
                Some(Taken::Operator) => self.operand()?,
                Some(Taken::Connective) => {
                    chain = 0;
                    self.operand()?;
                }
            }
            self.bound(chain)?;
        }
        if between > 0 { Err(self.unexpected("AND")) } else { Ok(()) }
    }

    fn operator(&mut self, until: Until, between: &mut usize) -> Read<Option<Taken>> {
        if let Some(length) = self.sign()? {
            self.at += length;
            return Ok(Some(Taken::Operator));
        }
        if self.kind(0) != Some(Kind::Word) {
            return Ok(None);
        }
        if self.is("and") {
            if *between == 0 && until.and {
                return Ok(None);
            }
            *between = between.saturating_sub(1);
            self.at += 1;
            return Ok(Some(Taken::Connective));
        }
        if self.take("or") {
            return Ok(Some(Taken::Connective));
        }
        let negated = self.is("not")
            && self.is_any(1, &["in", "like", "ilike", "rlike", "regexp", "similar", "between"]);
        let ahead = usize::from(negated);
        if self.is_at(ahead, "between") {
            self.at += ahead + 1;
            self.take_any(&["symmetric", "asymmetric"]);
            *between += 1;
            return Ok(Some(Taken::Operator));
        }
        if self.is_at(ahead, "in") {
            if until.inside && !negated {
                return Ok(None);
            }
            self.at += ahead + 1;
            return self.in_list().map(|()| Some(Taken::Test));
        }
        if self.is_any(ahead, &["like", "ilike", "rlike", "regexp"]) {
            self.at += ahead + 1;
            return Ok(Some(Taken::Operator));
        }
        if self.is_at(ahead, "similar") {
            self.at += ahead + 1;
            self.expect("to")?;
            return Ok(Some(Taken::Operator));
        }
        self.word_operator()
    }

    fn word_operator(&mut self) -> Read<Option<Taken>> {
        if self.take("is") {
            return self.is_test();
        }
        if self.take("escape") {
            return Ok(Some(Taken::Operator));
        }
        if self.is_all_words(&["at", "time", "zone"]) {
            self.at += 3;
            return Ok(Some(Taken::Operator));
        }
        if self.is_all_words(&["at", "local"]) && self.speaks(POSTGRES) {
            self.at += 2;
            return Ok(Some(Taken::Test));
        }
        if self.take("collate") {
            if !self.take_kind(Kind::Text) {
                self.name(true)?;
                while self.take_symbol(b'.') {
                    self.name(true)?;
                }
            }
            return Ok(Some(Taken::Test));
        }
        if self.speaks(POSTGRES_KIN) {
            if self.take_any(&["isnull", "notnull"]) {
                return Ok(Some(Taken::Test));
            }
            if self.take("overlaps") {
                return Ok(Some(Taken::Operator));
            }
            if self.is("operator") && self.symbol(1, b'(') {
                self.at += 1;
                self.operator_name()?;
                return Ok(Some(Taken::Operator));
            }
        }
        if self.speaks(DATABRICKS) && self.is("div") {
            self.at += 1;
            return Ok(Some(Taken::Operator));
        }
        Ok(None)
    }

    fn is_all_words(&self, words: &[&str]) -> bool {
        words.iter().enumerate().all(|(ahead, word)| self.is_at(ahead, word))
    }

    /// What stands behind IS.
    fn is_test(&mut self) -> Read<Option<Taken>> {
        self.take("not");
        if self.take("distinct") {
            self.expect("from")?;
            return Ok(Some(Taken::Operator));
        }
        if self.speaks(POSTGRES) {
            if self.take("json") {
                self.take_any(&["value", "array", "object", "scalar"]);
                if self.take_any(&["with", "without"]) {
                    self.expect("unique")?;
                    self.take("keys");
                }
                return Ok(Some(Taken::Test));
            }
            if self.take_any(&["nfc", "nfd", "nfkc", "nfkd"]) {
                self.expect("normalized")?;
                return Ok(Some(Taken::Test));
            }
        }
        self.expect_any(&["null", "true", "false", "unknown", "document", "normalized", "missing", "nan"])?;
        Ok(Some(Taken::Test))
    }

    /// What stands behind IN: a list or a query; Snowflake also takes a plain value.
    fn in_list(&mut self) -> Read {
        if !self.take_symbol(b'(') {
            let bound = self.speaks(CLOUD) && matches!(self.kind(0), Some(Kind::Symbol(b'?' | b':')));
            return if bound { self.primary() } else { Err(self.unexpected("a list in brackets")) };
        }
        match self.brackets()? {
            super::ahead::Content::Nothing => Err(self.unexpected("a value")),
            _ => Ok(()),
        }
    }

    /// The operator that starts here, if any: how many tokens it has.
    fn sign(&self) -> Read<Option<usize>> {
        let Some(Kind::Symbol(first)) = self.kind(0) else { return Ok(None) };
        if !is_sign(first) || self.speaks(DATABRICKS) && self.symbols(0, b"|>") {
            return Ok(None);
        }
        let mut length = 1;
        while let Some(Kind::Symbol(symbol)) = self.kind(length)
            && is_sign(symbol)
            && self.joined(length)
        {
            length += 1;
        }
        let postgres = self.speaks(POSTGRES_KIN);
        let known = match self.dialect {
            Dialect::Postgres | Dialect::Duckdb => POSTGRES_SIGNS,
            Dialect::Redshift => REDSHIFT_SIGNS,
            Dialect::Snowflake => SNOWFLAKE_SIGNS,
            Dialect::Databricks => DATABRICKS_SIGNS,
        };
        let run = |length: usize| {
            let (start, end) = (self.token(0)?.start, self.token(length - 1)?.end);
            self.text.get(start..end)
        };
        if postgres {
            // An operator ends in a sign only when it holds one of these; otherwise the sign belongs to the operand.
            let special = run(length)
                .is_some_and(|text| text.contains(['~', '!', '@', '#', '%', '^', '&', '|', '`', '?']));
            while length > 1 && !special && run(length).is_some_and(|text| text.ends_with(['+', '-'])) {
                length -= 1;
            }
        } else {
            while length > 1 && !run(length).is_some_and(|text| known.contains(&text)) {
                length -= 1;
            }
        }
        if run(length).is_some_and(|text| known.contains(&text)) {
            return Ok(Some(length));
        }
        if self.speaks(SNOWFLAKE) && first == b'@' {
            return Ok(None);
        }
        Err(self.unexpected("an operator of the engine"))
    }

    /// `(schema.sign)` of OPERATOR, or a bare sign behind USING.
    pub(super) fn operator_name(&mut self) -> Read {
        let open = self.take_symbol(b'(');
        if open && self.kind(0) == Some(Kind::Word) {
            if !self.is("pg_catalog") {
                let message = "an operator of a schema is named; only those of the engine are allowed";
                return Err(self.refuse(DenialCode::FunctionNotAllowed, message, "write the operator alone"));
            }
            self.at += 1;
            self.expect_symbol(b'.')?;
        }
        let length = self.sign()?.ok_or_else(|| self.unexpected("an operator"))?;
        self.at += length;
        if open { self.expect_symbol(b')') } else { Ok(()) }
    }
}

fn is_sign(symbol: u8) -> bool {
    b"+-*/<>=~!@#%^&|?".contains(&symbol)
}
