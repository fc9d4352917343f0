//! Expressions of filters and derived metrics, and references to things one can group by.
//!
//! A filter is text that someone typed or an agent made up. It never reaches a warehouse as text: it is read into
//! [`Expr`], which can hold values, items, operators and scalar functions and nothing else, and written anew from there.

mod call;
mod lex;
mod parse;
mod raw;

pub(crate) use call::parse_item;
pub(crate) use lex::is_plain_word;
pub(crate) use parse::{parse_derived, parse_filter};
pub(crate) use raw::check as check_raw;

use crate::grain::DatePart;

/// Why a text was refused.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Fault {
    pub message: String,
    pub hint: Option<String>,
    pub suggestions: Vec<String>,
}

impl Fault {
    pub(crate) fn new(message: impl Into<String>) -> Self {
        Self { message: message.into(), hint: None, suggestions: Vec::new() }
    }

    pub(crate) fn hint(mut self, hint: impl Into<String>) -> Self {
        self.hint = Some(hint.into());
        self
    }
}

/// What an item was called as.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum ItemKind {
    /// A plain name, which can be anything.
    Any,
    /// `Dimension('...')`.
    Dimension,
    /// `TimeDimension('...')`.
    TimeDimension,
    /// `Entity('...')`.
    Entity,
    /// `Metric('...', group_by=[...])`.
    Metric,
}

/// A reference to something one can group or filter by, as written, not yet looked up.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct ItemRef {
    /// What it was called as.
    pub kind: ItemKind,
    /// Entities on the way, outermost first.
    pub path: Vec<String>,
    /// The dimension, entity or metric.
    pub element: String,
    /// The grain asked for: a standard or a custom one.
    pub grain: Option<String>,
    /// The date part asked for.
    pub part: Option<DatePart>,
    /// For a metric: what it is grouped by.
    pub group_by: Vec<String>,
    /// True when `.descending(True)` was called on it, which only an order can use.
    pub descending: bool,
    /// The text as written.
    pub text: String,
}

impl ItemRef {
    /// Path and element joined, without grain or part.
    pub(crate) fn full(&self) -> String {
        let mut full = self.path.join("__");
        if !full.is_empty() {
            full.push_str("__");
        }
        full + &self.element
    }
}

/// A binary operator.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[allow(missing_docs)]
pub enum Op {
    Or,
    And,
    Eq,
    NotEq,
    Less,
    LessEq,
    Greater,
    GreaterEq,
    Plus,
    Minus,
    Concat,
    Times,
    Divide,
    Modulo,
}

impl Op {
    pub(crate) const fn sql(self) -> &'static str {
        match self {
            Self::Or => "OR",
            Self::And => "AND",
            Self::Eq => "=",
            Self::NotEq => "<>",
            Self::Less => "<",
            Self::LessEq => "<=",
            Self::Greater => ">",
            Self::GreaterEq => ">=",
            Self::Plus => "+",
            Self::Minus => "-",
            Self::Concat => "||",
            Self::Times => "*",
            Self::Divide => "/",
            Self::Modulo => "%",
        }
    }

    /// How tightly it binds; `NOT` binds as 3, predicates such as `IN` as 4.
    pub(crate) const fn binding(self) -> u8 {
        match self {
            Self::Or => 1,
            Self::And => 2,
            Self::Eq | Self::NotEq | Self::Less | Self::LessEq | Self::Greater | Self::GreaterEq => 4,
            Self::Concat => 5,
            Self::Plus | Self::Minus => 6,
            Self::Times | Self::Divide | Self::Modulo => 7,
        }
    }

    /// True for `=`, `<` and their like.
    pub(crate) const fn is_comparison(self) -> bool {
        self.binding() == 4
    }
}

/// What `IS` asks.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[allow(missing_docs)]
pub enum Is {
    Null,
    True,
    False,
}

/// A type that a value can be cast to.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct TypeName {
    /// The name in lower case, for example `decimal`.
    pub name: String,
    /// Its numbers, for example 10 and 2.
    pub sizes: Vec<u32>,
}

/// An expression: one value per row or group.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum Expr {
    /// A template.
    Item(Box<ItemRef>),
    /// An input of a derived metric.
    Name(String),
    /// A number as written.
    Number(String),
    /// A text.
    Text(String),
    /// A date literal.
    Date(String),
    /// A time stamp literal.
    Timestamp(String),
    /// A length of time: count and unit.
    Interval(String, crate::Grain),
    /// True or false.
    Bool(bool),
    /// No value.
    Null,
    /// Today.
    CurrentDate,
    /// `NOT x`.
    Not(Box<Expr>),
    /// `-x`.
    Negative(Box<Expr>),
    /// `a op b`.
    Binary(Box<Expr>, Op, Box<Expr>),
    /// `x IS [NOT] NULL`; the flag is the NOT.
    Is(Box<Expr>, Is, bool),
    /// `a IS [NOT] DISTINCT FROM b`; the flag is the NOT.
    Distinct(Box<Expr>, Box<Expr>, bool),
    /// `x [NOT] BETWEEN a AND b`.
    Between(Box<Expr>, Box<Expr>, Box<Expr>, bool),
    /// `x [NOT] IN (...)`.
    In(Box<Expr>, Vec<Expr>, bool),
    /// `x [NOT] LIKE y`; the second flag is for ILIKE.
    Like(Box<Expr>, Box<Expr>, bool, bool),
    /// `CASE [subject] WHEN ... THEN ... ELSE ... END`.
    Case(Option<Box<Expr>>, Vec<(Expr, Expr)>, Option<Box<Expr>>),
    /// `CAST(x AS type)`.
    Cast(Box<Expr>, TypeName),
    /// `EXTRACT(part FROM x)`.
    Extract(String, Box<Expr>),
    /// A scalar function.
    Call(String, Vec<Expr>),
}

impl Expr {
    /// The direct parts.
    pub(crate) fn children(&self) -> Vec<&Self> {
        match self {
            Self::Not(a) | Self::Negative(a) | Self::Is(a, ..) | Self::Cast(a, _) | Self::Extract(_, a) => {
                vec![a]
            }
            Self::Binary(a, _, b) | Self::Distinct(a, b, _) | Self::Like(a, b, ..) => vec![a, b],
            Self::Between(a, b, c, _) => vec![a, b, c],
            Self::In(a, list, _) => std::iter::once(&**a).chain(list).collect(),
            Self::Call(_, list) => list.iter().collect(),
            Self::Case(subject, arms, otherwise) => subject
                .iter()
                .map(|b| &**b)
                .chain(arms.iter().flat_map(|(when, then)| [when, then]))
                .chain(otherwise.iter().map(|b| &**b))
                .collect(),
            _ => Vec::new(),
        }
    }

    /// Calls `visit` on this and every part below it.
    pub(crate) fn walk<'a>(&'a self, visit: &mut impl FnMut(&'a Self)) {
        visit(self);
        for child in self.children() {
            child.walk(visit);
        }
    }

    /// The items it mentions, each once, in order.
    pub(crate) fn items(&self) -> Vec<&ItemRef> {
        let mut items: Vec<&ItemRef> = Vec::new();
        self.walk(&mut |expr| {
            if let Self::Item(item) = expr
                && !items.contains(&&**item)
            {
                items.push(item);
            }
        });
        items
    }

    /// The names it mentions, each once, in order.
    pub(crate) fn names(&self) -> Vec<&str> {
        let mut names: Vec<&str> = Vec::new();
        self.walk(&mut |expr| {
            if let Self::Name(name) = expr
                && !names.contains(&name.as_str())
            {
                names.push(name);
            }
        });
        names
    }
}
