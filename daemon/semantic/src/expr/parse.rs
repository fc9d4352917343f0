//! Tokens to expressions.

use super::lex::{Token, tokens};
use super::{Expr, Fault, Is, Op, TypeName, call};
use crate::grain::Grain;
use crate::names;

/// Deeper nesting than any person writes; keeps the stack bounded.
const MAX_DEPTH: usize = 64;

/// Scalar functions that a filter may call, with the fewest and most arguments.
const FUNCTIONS: [(&str, usize, usize); 27] = [
    ("abs", 1, 1),
    ("ceil", 1, 1),
    ("ceiling", 1, 1),
    ("coalesce", 1, 50),
    ("concat", 1, 50),
    ("contains", 2, 2),
    ("date_trunc", 2, 2),
    ("ends_with", 2, 2),
    ("floor", 1, 1),
    ("greatest", 1, 50),
    ("least", 1, 50),
    ("left", 2, 2),
    ("length", 1, 1),
    ("lower", 1, 1),
    ("ltrim", 1, 2),
    ("mod", 2, 2),
    ("nullif", 2, 2),
    ("power", 2, 2),
    ("replace", 3, 3),
    ("right", 2, 2),
    ("round", 1, 2),
    ("rtrim", 1, 2),
    ("sign", 1, 1),
    ("starts_with", 2, 2),
    ("substring", 2, 3),
    ("trim", 1, 2),
    ("upper", 1, 1),
];

const TYPES: [&str; 17] = [
    "bigint",
    "boolean",
    "date",
    "decimal",
    "double",
    "float",
    "int",
    "integer",
    "numeric",
    "real",
    "smallint",
    "string",
    "text",
    "time",
    "timestamp",
    "tinyint",
    "varchar",
];

const AGGREGATES: [&str; 14] = [
    "sum",
    "min",
    "max",
    "avg",
    "average",
    "count",
    "median",
    "stddev",
    "variance",
    "any_value",
    "first",
    "last",
    "string_agg",
    "array_agg",
];

const PARTS: [&str; 12] =
    ["year", "quarter", "month", "week", "day", "dow", "isodow", "doy", "hour", "minute", "second", "epoch"];

/// Words that can never be a name in an expression.
const RESERVED: [&str; 40] = [
    "select",
    "from",
    "where",
    "group",
    "having",
    "order",
    "limit",
    "union",
    "intersect",
    "except",
    "join",
    "exists",
    "and",
    "or",
    "not",
    "in",
    "is",
    "like",
    "ilike",
    "between",
    "case",
    "when",
    "then",
    "else",
    "end",
    "null",
    "over",
    "distinct",
    "any",
    "all",
    "some",
    "with",
    "values",
    "insert",
    "update",
    "delete",
    "drop",
    "create",
    "alter",
    "attach",
];

/// Reads a filter: one boolean expression over templates and values.
pub(crate) fn parse_filter(text: &str, is_custom: &dyn Fn(&str) -> bool) -> Result<Expr, Fault> {
    let expr = Parser::new(text, Some(is_custom))?.whole()?;
    if boolean(&expr) {
        Ok(expr)
    } else {
        Err(Fault::new(format!("`{}` is a value, not a condition", text.trim()))
            .hint("a filter compares, for example {{ Dimension('order__status') }} = 'placed'"))
    }
}

/// Reads the expression of a derived metric: names of inputs and values.
pub(crate) fn parse_derived(text: &str) -> Result<Expr, Fault> {
    Parser::new(text, None)?.whole()
}

fn boolean(expr: &Expr) -> bool {
    match expr {
        Expr::Item(_) | Expr::Bool(_) | Expr::Null | Expr::Not(_) | Expr::Is(..) | Expr::Distinct(..) => true,
        Expr::Between(..) | Expr::In(..) | Expr::Like(..) => true,
        Expr::Binary(_, op, _) => op.binding() <= 4,
        Expr::Case(_, arms, _) => arms.iter().all(|(_, then)| boolean(then)),
        Expr::Cast(_, target) => target.name == "boolean",
        Expr::Call(name, args) => match name.as_str() {
            "starts_with" | "ends_with" | "contains" => true,
            "coalesce" | "nullif" => args.first().is_some_and(boolean),
            _ => false,
        },
        _ => false,
    }
}

struct Parser<'a> {
    tokens: Vec<(usize, Token)>,
    at: usize,
    depth: usize,
    text: &'a str,
    /// Set for filters: templates are allowed, names are not.
    is_custom: Option<&'a dyn Fn(&str) -> bool>,
}

impl<'a> Parser<'a> {
    fn new(text: &'a str, is_custom: Option<&'a dyn Fn(&str) -> bool>) -> Result<Self, Fault> {
        Ok(Self { tokens: tokens(text)?, at: 0, depth: 0, text, is_custom })
    }

    fn whole(mut self) -> Result<Expr, Fault> {
        if self.tokens.is_empty() {
            return Err(Fault::new("the expression is empty"));
        }
        let expr = self.expression(0)?;
        if self.at < self.tokens.len() {
            return Err(self.unexpected());
        }
        Ok(expr)
    }

    fn peek(&self) -> Option<&Token> {
        self.tokens.get(self.at).map(|(_, token)| token)
    }

    fn peek_word(&self, ahead: usize) -> Option<String> {
        match self.tokens.get(self.at + ahead) {
            Some((_, Token::Word(word))) => Some(word.to_lowercase()),
            _ => None,
        }
    }

    fn eat(&mut self, symbol: &'static str) -> bool {
        let found = self.peek() == Some(&Token::Symbol(symbol));
        self.at += usize::from(found);
        found
    }

    fn eat_word(&mut self, word: &str) -> bool {
        let found = self.peek_word(0).as_deref() == Some(word);
        self.at += usize::from(found);
        found
    }

    fn expect(&mut self, symbol: &'static str) -> Result<(), Fault> {
        if self.eat(symbol) { Ok(()) } else { Err(self.missing(symbol)) }
    }

    fn expect_word(&mut self, word: &str) -> Result<(), Fault> {
        if self.eat_word(word) { Ok(()) } else { Err(self.missing(word)) }
    }

    fn missing(&self, what: &str) -> Fault {
        Fault::new(format!("expected `{what}`, found {}, in `{}`", self.found(), self.text.trim()))
    }

    fn found(&self) -> String {
        match self.tokens.get(self.at) {
            Some((at, token)) => format!("`{}` at character {}", token.shown(), at + 1),
            None => "the end".to_owned(),
        }
    }

    fn unexpected(&self) -> Fault {
        let fault = Fault::new(format!("unexpected {}, in `{}`", self.found(), self.text.trim()));
        match self.peek_word(0).as_deref() {
            Some("select" | "exists" | "union" | "from") => fault.hint("a filter cannot hold a subquery"),
            _ => fault,
        }
    }

    fn expression(&mut self, least: u8) -> Result<Expr, Fault> {
        self.depth += 1;
        if self.depth > MAX_DEPTH {
            return Err(
                Fault::new("the expression is nested too deep").hint(format!("at most {MAX_DEPTH} levels"))
            );
        }
        let mut left = self.prefix()?;
        let mut links = 0_usize;
        while let Some(next) = self.infix(&left, least)? {
            left = next;
            links += 1;
            if links > 500 {
                return Err(
                    Fault::new("the expression has too many parts").hint("use `in (...)` for long lists")
                );
            }
        }
        self.depth -= 1;
        Ok(left)
    }

    fn prefix(&mut self) -> Result<Expr, Fault> {
        if self.eat_word("not") {
            return Ok(Expr::Not(Box::new(self.expression(3)?)));
        }
        if self.eat("-") {
            return Ok(Expr::Negative(Box::new(self.expression(8)?)));
        }
        if self.eat("+") {
            return self.expression(8);
        }
        let mut value = self.value()?;
        while self.eat("::") {
            value = Expr::Cast(Box::new(value), self.type_name()?);
        }
        Ok(value)
    }

    fn infix(&mut self, left: &Expr, least: u8) -> Result<Option<Expr>, Fault> {
        let operator = match self.peek() {
            Some(Token::Symbol(symbol)) => operator(symbol),
            Some(Token::Word(word)) => match word.to_lowercase().as_str() {
                "and" => Some(Op::And),
                "or" => Some(Op::Or),
                _ => None,
            },
            _ => None,
        };
        let boxed = || Box::new(left.clone());
        if let Some(op) = operator {
            if op.binding() < least || (op.binding() == least && least > 0) {
                return Ok(None);
            }
            self.at += 1;
            let right = self.expression(op.binding())?;
            return Ok(Some(Expr::Binary(boxed(), op, Box::new(right))));
        }
        if least >= 4 {
            return Ok(None);
        }
        self.predicate(left)
    }

    /// `IS`, `BETWEEN`, `IN`, `LIKE`, with `NOT` before them.
    fn predicate(&mut self, left: &Expr) -> Result<Option<Expr>, Fault> {
        let boxed = Box::new(left.clone());
        if self.eat_word("is") {
            let not = self.eat_word("not");
            if self.eat_word("distinct") {
                self.expect_word("from")?;
                return Ok(Some(Expr::Distinct(boxed, Box::new(self.expression(4)?), not)));
            }
            let what = match self.peek_word(0).as_deref() {
                Some("null") => Is::Null,
                Some("true") => Is::True,
                Some("false") => Is::False,
                _ => return Err(self.missing("null")),
            };
            self.at += 1;
            return Ok(Some(Expr::Is(boxed, what, not)));
        }
        let not = self.peek_word(0).as_deref() == Some("not");
        let word = self.peek_word(usize::from(not)).unwrap_or_default();
        if !matches!(word.as_str(), "between" | "in" | "like" | "ilike") {
            return Ok(None);
        }
        self.at += usize::from(not) + 1;
        Ok(Some(match word.as_str() {
            "between" => {
                let low = self.expression(4)?;
                self.expect_word("and")?;
                Expr::Between(boxed, Box::new(low), Box::new(self.expression(4)?), not)
            }
            "in" => {
                self.expect("(")?;
                Expr::In(boxed, self.list()?, not)
            }
            other => Expr::Like(boxed, Box::new(self.expression(4)?), not, other == "ilike"),
        }))
    }

    /// Expressions up to the closing bracket, at least one.
    fn list(&mut self) -> Result<Vec<Expr>, Fault> {
        let mut list = vec![self.expression(0)?];
        while self.eat(",") {
            list.push(self.expression(0)?);
        }
        self.expect(")")?;
        Ok(list)
    }

    fn value(&mut self) -> Result<Expr, Fault> {
        let Some(token) = self.peek().cloned() else {
            return Err(self.unexpected());
        };
        match token {
            Token::Number(number) => {
                self.at += 1;
                Ok(Expr::Number(number))
            }
            Token::Text(text) => {
                self.at += 1;
                Ok(Expr::Text(text))
            }
            Token::Symbol("(") => {
                self.at += 1;
                let inner = self.expression(0)?;
                self.expect(")")?;
                Ok(inner)
            }
            Token::Template(inner) => match self.is_custom {
                Some(is_custom) => {
                    self.at += 1;
                    self.template(&inner, is_custom)
                }
                None => Err(Fault::new("a derived expression names its inputs, it has no templates")),
            },
            Token::Word(word) => self.word(&word),
            Token::Quoted(name) => Err(self.raw_column(&name)),
            Token::Symbol(_) => Err(self.unexpected()),
        }
    }

    fn template(&self, inner: &str, is_custom: &dyn Fn(&str) -> bool) -> Result<Expr, Fault> {
        if !inner.contains('(') {
            return Err(Fault::new(format!("the template `{{{{{inner}}}}}` is no call"))
                .hint("write for example {{ Dimension('order__status') }}"));
        }
        let item = call::parse_item(inner, is_custom)?;
        if item.descending {
            return Err(Fault::new(format!("`.descending` in `{}` belongs into an order", item.text)));
        }
        Ok(Expr::Item(Box::new(item)))
    }

    fn word(&mut self, word: &str) -> Result<Expr, Fault> {
        let lower = word.to_lowercase();
        let text_follows = matches!(self.tokens.get(self.at + 1), Some((_, Token::Text(_))));
        let call_follows = matches!(self.tokens.get(self.at + 1), Some((_, Token::Symbol("("))));
        match lower.as_str() {
            "true" | "false" => {
                self.at += 1;
                Ok(Expr::Bool(lower == "true"))
            }
            "null" => {
                self.at += 1;
                Ok(Expr::Null)
            }
            "date" | "timestamp" if text_follows => self.time_literal(&lower),
            "interval" => self.interval(),
            "current_date" => {
                self.at += 1;
                if self.eat("(") {
                    self.expect(")")?;
                }
                Ok(Expr::CurrentDate)
            }
            "case" => self.case(),
            "cast" if call_follows => self.cast(),
            "extract" if call_follows => self.extract(),
            _ if call_follows && !RESERVED.contains(&lower.as_str()) => self.call(&lower),
            _ if RESERVED.contains(&lower.as_str()) => Err(self.unexpected()),
            _ if self.is_custom.is_none() => {
                self.at += 1;
                Ok(Expr::Name(lower))
            }
            _ => Err(self.raw_column(word)),
        }
    }

    fn raw_column(&self, name: &str) -> Fault {
        if self.is_custom.is_some() {
            Fault::new(format!("`{name}` is a bare name; a filter knows only templates and values"))
                .hint(format!("write {{{{ Dimension('<entity>__{name}') }}}}, or '{name}' for a text"))
        } else {
            Fault::new(format!("`\"{name}\"` is quoted; write the name of the input without quotes"))
        }
    }

    fn time_literal(&mut self, kind: &str) -> Result<Expr, Fault> {
        self.at += 1;
        let Some(Token::Text(text)) = self.peek().cloned() else {
            return Err(self.unexpected());
        };
        self.at += 1;
        let read = crate::time::Moment::parse(&text);
        match read {
            Some(moment) if kind == "date" && !moment.has_time => Ok(Expr::Date(text)),
            Some(moment) if kind == "timestamp" => Ok(Expr::Timestamp(moment.timestamp())),
            _ => Err(Fault::new(format!("`{kind} '{text}'` is no {kind} in ISO form"))
                .hint("write date '2024-01-31'")),
        }
    }

    fn interval(&mut self) -> Result<Expr, Fault> {
        self.at += 1;
        let words = match self.peek().cloned() {
            Some(Token::Text(text)) => {
                self.at += 1;
                if text.trim().contains(' ') {
                    text
                } else {
                    let unit = self.peek_word(0).unwrap_or_default();
                    self.at += 1;
                    format!("{text} {unit}")
                }
            }
            Some(Token::Number(number)) => {
                self.at += 1;
                let unit = self.peek_word(0).unwrap_or_default();
                self.at += 1;
                format!("{number} {unit}")
            }
            _ => return Err(self.unexpected()),
        };
        let window = crate::grain::Window::parse(&words).map_err(Fault::new)?;
        Ok(Expr::Interval(window.count.to_string(), window.grain))
    }

    fn case(&mut self) -> Result<Expr, Fault> {
        self.at += 1;
        let subject = if self.peek_word(0).as_deref() == Some("when") {
            None
        } else {
            Some(Box::new(self.expression(0)?))
        };
        let mut arms = Vec::new();
        while self.eat_word("when") {
            let when = self.expression(0)?;
            self.expect_word("then")?;
            arms.push((when, self.expression(0)?));
        }
        if arms.is_empty() {
            return Err(self.missing("when"));
        }
        let otherwise = if self.eat_word("else") { Some(Box::new(self.expression(0)?)) } else { None };
        self.expect_word("end")?;
        Ok(Expr::Case(subject, arms, otherwise))
    }

    fn cast(&mut self) -> Result<Expr, Fault> {
        self.at += 1;
        self.expect("(")?;
        let value = self.expression(0)?;
        self.expect_word("as")?;
        let target = self.type_name()?;
        self.expect(")")?;
        Ok(Expr::Cast(Box::new(value), target))
    }

    fn type_name(&mut self) -> Result<TypeName, Fault> {
        let name = self.peek_word(0).unwrap_or_default();
        if !TYPES.contains(&name.as_str()) {
            return Err(Fault::new(format!("expected a type, found {}", self.found()))
                .hint(format!("there are {}", TYPES.join(", "))));
        }
        self.at += 1;
        let mut sizes = Vec::new();
        if self.eat("(") {
            loop {
                match self.peek().cloned() {
                    Some(Token::Number(n)) if n.parse::<u32>().is_ok() => {
                        sizes.extend(n.parse::<u32>());
                        self.at += 1;
                    }
                    _ => return Err(self.missing("a whole number")),
                }
                if self.eat(")") {
                    break;
                }
                self.expect(",")?;
            }
        }
        Ok(TypeName { name, sizes })
    }

    fn extract(&mut self) -> Result<Expr, Fault> {
        self.at += 1;
        self.expect("(")?;
        let part = self.peek_word(0).unwrap_or_default();
        if !PARTS.contains(&part.as_str()) {
            return Err(Fault::new(format!("expected a part of a date, found {}", self.found()))
                .hint(format!("there are {}", PARTS.join(", "))));
        }
        self.at += 1;
        self.expect_word("from")?;
        let value = self.expression(0)?;
        self.expect(")")?;
        Ok(Expr::Extract(part, Box::new(value)))
    }

    fn call(&mut self, name: &str) -> Result<Expr, Fault> {
        let bounds = FUNCTIONS.iter().find(|(known, ..)| *known == name).map(|&(_, low, high)| (low, high));
        if AGGREGATES.contains(&name) {
            return Err(Fault::new(format!("`{name}` aggregates; only scalar functions may stand here"))
                .hint("use {{ Metric('name', group_by=['entity']) }} to filter by an aggregate"));
        }
        if bounds.is_none() && self.is_custom.is_some() {
            let fault = Fault::new(format!("the function `{name}` is not allowed in a filter"));
            return Err(match names::did_you_mean(name, FUNCTIONS.iter().map(|(known, ..)| *known)) {
                Some(hint) => fault.hint(hint),
                None => fault,
            });
        }
        self.at += 2;
        let list = if self.eat(")") { Vec::new() } else { self.list()? };
        if let Some((low, high)) = bounds
            && !(low..=high).contains(&list.len())
        {
            return Err(Fault::new(format!("`{name}` takes {low} to {high} arguments, not {}", list.len())));
        }
        if name == "date_trunc" && !matches!(list.first(), Some(Expr::Text(g)) if Grain::parse(g).is_some()) {
            return Err(
                Fault::new("`date_trunc` needs a grain in quotes first").hint("date_trunc('month', ...)")
            );
        }
        Ok(Expr::Call(name.to_owned(), list))
    }
}

fn operator(symbol: &str) -> Option<Op> {
    Some(match symbol {
        "=" | "==" => Op::Eq,
        "<>" | "!=" => Op::NotEq,
        "<" => Op::Less,
        "<=" => Op::LessEq,
        ">" => Op::Greater,
        ">=" => Op::GreaterEq,
        "+" => Op::Plus,
        "-" => Op::Minus,
        "||" => Op::Concat,
        "*" => Op::Times,
        "/" => Op::Divide,
        "%" => Op::Modulo,
        _ => return None,
    })
}
