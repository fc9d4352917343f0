//! One query of a statement, taken apart: what WITH names, and the selects that set operations join, each with what it reads.

use super::text::{Span, Typing};
use super::words::Kind;

/// A query.
#[derive(Default)]
pub(super) struct Query {
    pub(super) ctes: Vec<Cte>,
    pub(super) recursive: bool,
    pub(super) arms: Vec<Arm>,
}

/// What WITH names.
#[derive(Clone)]
pub(super) struct Cte {
    pub(super) name: String,
    pub(super) columns: Vec<String>,
    pub(super) body: Span,
}

/// A select.
#[derive(Default)]
pub(super) struct Arm {
    pub(super) span: Span,
    /// Its list of columns.
    pub(super) list: Option<Span>,
    pub(super) relations: Vec<Relation>,
    /// Columns that USING makes one of two.
    pub(super) merged: Vec<String>,
}

/// What a select reads.
pub(super) struct Relation {
    pub(super) what: What,
    pub(super) alias: Option<String>,
    pub(super) columns: Vec<String>,
    pub(super) span: Span,
    /// It may see those before it.
    pub(super) lateral: bool,
}

/// See [`Relation`].
pub(super) enum What {
    /// A table, by the parts of its name.
    Named(Vec<String>),
    /// A query in brackets.
    Query(Span),
    /// Something whose columns are not known: a function, a file.
    Unknown,
}

impl Relation {
    /// What its columns are called by.
    pub(super) fn name(&self) -> Option<&str> {
        let own = match &self.what {
            What::Named(parts) => parts.last().map(String::as_str),
            What::Query(_) | What::Unknown => None,
        };
        self.alias.as_deref().or(own)
    }
}

const SETS: &[&str] = &["union", "intersect", "except", "minus"];
/// Words that end what FROM tells.
const CLAUSES: &[&str] = &[
    "where",
    "group",
    "having",
    "order",
    "limit",
    "offset",
    "fetch",
    "qualify",
    "window",
    "returning",
    "select",
    "set",
    "sort",
    "distribute",
    "cluster",
    "for",
    "into",
];
const JOINS: &[&str] = &[
    "join",
    "inner",
    "left",
    "right",
    "full",
    "outer",
    "cross",
    "natural",
    "asof",
    "positional",
    "anti",
    "semi",
    "straight_join",
];
/// Words behind a relation that are no alias.
const NO_ALIAS: &[&str] = &[
    "on",
    "using",
    "tablesample",
    "pivot",
    "unpivot",
    "as",
    "match_recognize",
    "at",
    "before",
    "changes",
    "sample",
    "with",
    "lateral",
    "values",
    "when",
    "and",
    "or",
];

/// Takes the query in a span apart.
pub(super) fn query(text: &Typing, (from, to): Span) -> Query {
    let mut found = Query::default();
    let mut at = from;
    if text.is_word(at, &["with"]) {
        at = with(text, at + 1, to, &mut found);
    }
    let mut begins = at;
    while at <= to {
        if at == to || text.is_word(at, SETS) {
            found.arms.push(arm(text, (begins, at)));
            let mut next = at + 1;
            while next < to && text.is_word(next, &["all", "distinct", "by", "name"]) {
                next += 1;
            }
            (begins, at) = (next, next.max(at + 1));
            if begins > to {
                break;
            }
            continue;
        }
        at = text.next(at).min(to);
    }
    found
}

/// Reads the names of a WITH; returns what is behind them.
fn with(text: &Typing, from: usize, to: usize, found: &mut Query) -> usize {
    let mut at = from;
    if text.is_word(at, &["recursive"]) {
        found.recursive = true;
        at += 1;
    }
    while at < to {
        let Some(name) = text.name(at) else { break };
        at += 1;
        let mut columns = Vec::new();
        if text.is(at, b'(') {
            columns = names(text, text.inside(at));
            at = text.next(at);
        }
        if text.is_word(at, &["using"]) {
            at = text.next(at + 2);
        }
        if !text.is_word(at, &["as"]) {
            break;
        }
        at += 1;
        while at < to && text.is_word(at, &["not", "materialized"]) {
            at += 1;
        }
        if !text.is(at, b'(') {
            break;
        }
        found.ctes.push(Cte { name, columns, body: text.inside(at) });
        at = text.next(at);
        if !text.is(at, b',') {
            break;
        }
        at += 1;
    }
    at.min(to)
}

/// The names of a list.
fn names(text: &Typing, (from, to): Span) -> Vec<String> {
    let begins = |at: &usize| *at == from || text.is(at - 1, b',');
    (from..to).filter(begins).filter_map(|at| text.name(at)).collect()
}

fn arm(text: &Typing, span: Span) -> Arm {
    let (mut at, to) = span;
    let mut arm = Arm { span, ..Arm::default() };
    let mut list: Option<usize> = None;
    while at < to {
        if text.is_word(at, &["select"]) {
            list = Some(at + 1);
            at += 1;
        } else if is_from(text, at) {
            arm.list = list.take().map(|from| (from, at)).or(arm.list);
            at = relations(text, (at + 1, to), &mut arm, 0);
        } else if text.is_word(at, &["update", "using"]) && at == span.0 {
            at = relations(text, (at + 1, to), &mut arm, 0);
        } else {
            if text.is_word(at, CLAUSES) && !text.is_word(at, &["select"]) {
                arm.list = list.take().map(|from| (from, at)).or(arm.list);
            }
            at = text.next(at);
        }
    }
    arm.list = list.map(|from| (from, to)).or(arm.list);
    arm
}

/// Whether a FROM stands there that begins a clause, and not the one of IS DISTINCT FROM.
pub(super) fn is_from(text: &Typing, at: usize) -> bool {
    let distinct = at > 1
        && text.is_word(at - 1, &["distinct"])
        && (text.is_word(at - 2, &["is"]) || text.is_word(at - 2, &["not"]));
    text.is_word(at, &["from"]) && !distinct
}

/// Whether a JOIN or a word before it stands there, and not a function of that name.
pub(super) fn is_join(text: &Typing, at: usize) -> bool {
    text.is_word(at, JOINS) && !text.is(at + 1, b'(') || text.is_word(at, &["join"])
}

/// Reads what FROM names; returns what is behind it. `depth` counts the brackets around joins.
fn relations(text: &Typing, (from, to): Span, arm: &mut Arm, depth: u32) -> usize {
    let (mut at, mut wanted, mut lateral) = (from, true, false);
    while at < to {
        if text.is_word(at, CLAUSES) || is_from(text, at) {
            break;
        }
        if text.is(at, b',') || is_join(text, at) {
            (wanted, lateral) = (true, false);
            at += 1;
        } else if text.is_word(at, &["using"]) && text.is(at + 1, b'(') {
            arm.merged.extend(names(text, text.inside(at + 1)));
            at = text.next(at + 1);
        } else if wanted && text.is_word(at, &["lateral"]) {
            lateral = true;
            at += 1;
        } else if wanted && text.is(at, b'(') && !text.is_query(text.inside(at)) && depth < 20 {
            relations(text, text.inside(at), arm, depth + 1);
            at = text.next(at);
            wanted = false;
        } else if wanted && !text.is_word(at, &["on", "only"]) {
            at = relation(text, at, to, lateral, arm);
            wanted = false;
        } else {
            at = text.next(at);
        }
    }
    at.min(to)
}

/// Reads one table, query or function with its alias.
fn relation(text: &Typing, from: usize, to: usize, lateral: bool, arm: &mut Arm) -> usize {
    let mut at = from;
    let what = match text.token(at).map(|t| t.kind) {
        Some(Kind::Symbol(b'(')) => {
            at = text.next(at);
            What::Query(text.inside(from))
        }
        Some(Kind::Word | Kind::Quoted) => {
            let mut parts: Vec<String> = text.name(at).into_iter().collect();
            at += 1;
            while at < to && text.is(at, b'.') {
                parts.extend(text.name(at + 1));
                at = if text.is_name(at + 1) { at + 2 } else { at + 1 };
            }
            if at < to && text.is(at, b'(') {
                at = text.next(at);
                What::Unknown
            } else {
                What::Named(parts)
            }
        }
        _ => {
            at = text.next(at);
            What::Unknown
        }
    };
    let mut relation = Relation { what, alias: None, columns: Vec::new(), span: (from, at), lateral };
    at = alias(text, at, to, &mut relation);
    relation.span.1 = at;
    let typing = text.token(from).is_some_and(|t| t.kind == Kind::Cursor);
    if !typing {
        arm.relations.push(relation);
    }
    at
}

fn alias(text: &Typing, from: usize, to: usize, relation: &mut Relation) -> usize {
    let mut at = from;
    let said = text.is_word(at, &["as"]);
    at += usize::from(said);
    let names_it = |at: usize| {
        text.is_name(at)
            && !text.is_word(at, CLAUSES)
            && !text.is_word(at, NO_ALIAS)
            && !text.is_word(at, SETS)
            && !is_from(text, at)
            && !is_join(text, at)
    };
    if at >= to || !names_it(at) {
        return at.min(to);
    }
    relation.alias = text.name(at);
    at += 1;
    if at < to && text.is(at, b'(') {
        relation.columns = names(text, text.inside(at));
        at = text.next(at);
    }
    at.min(to)
}
