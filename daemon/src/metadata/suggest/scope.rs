//! Which tables and columns can be named where the cursor stands.

use super::Sight;
use super::query::{Arm, Cte, Query, Relation, What, query};
use super::text::{Span, Typing};
use std::cell::Cell;
use std::rc::Rc;
use wharf_protocol::TableColumn;

/// A column that can be named.
#[derive(Clone)]
pub(super) struct Col {
    pub(super) name: String,
    pub(super) r#type: Option<String>,
    pub(super) comment: Option<String>,
}

/// A relation that can be named, with its columns.
pub(super) struct Seen {
    pub(super) name: Option<String>,
    /// The parts of the table's name, where it is one.
    pub(super) parts: Vec<String>,
    pub(super) columns: Vec<Col>,
    pub(super) span: Span,
}

/// Everything that can be named.
#[derive(Default)]
pub(super) struct Scope {
    /// Relations of the innermost select, then of those around it.
    pub(super) levels: Vec<Vec<Seen>>,
    /// What WITH names, the nearest first.
    pub(super) ctes: Vec<(String, Vec<Col>)>,
    /// Columns that USING makes one of two.
    pub(super) merged: Vec<String>,
    /// What the select's own list names.
    pub(super) outputs: Vec<Col>,
    /// The select in which the cursor stands.
    pub(super) arm: Span,
}

/// Queries and tables looked into for one request, wide ones counting more, and how deep: a text of a few kilobytes could ask
/// for more than there is time for.
const MOST: u32 = 2000;
const DEEPEST: u32 = 40;
/// Columns of one relation.
const WIDEST: usize = 5000;

/// What WITH names, from the inside out.
type Env = Option<Rc<Named>>;

struct Named {
    cte: Cte,
    next: Env,
}

struct Reader<'a> {
    text: &'a Typing<'a>,
    sight: &'a Sight<'a>,
    left: Cell<u32>,
}

/// Looks around from the cursor.
pub(super) fn scope(text: &Typing, sight: &Sight) -> Scope {
    let reader = Reader { text, sight, left: Cell::new(MOST) };
    let (mut env, mut scope): (Env, Scope) = (None, Scope::default());
    let mut spans = vec![(0, text.tokens.len())];
    let around = text.around();
    spans.extend(around.iter().map(|open| text.inside(*open)).filter(|span| text.is_query(*span)));
    for (at, span) in spans.iter().enumerate() {
        let inner = spans.get(at + 1).map(|s| s.0);
        reader.enter(*span, inner, &mut env, &mut scope);
    }
    let mut next = env;
    while let Some(named) = next {
        let columns = reader.named(&named.cte, &named.next, 0);
        scope.ctes.push((named.cte.name.clone(), columns));
        next = named.next.clone();
    }
    scope
}

impl Reader<'_> {
    /// One query on the way in to the cursor, which stands in the query that begins at `inner`, or in this one.
    fn enter(&self, span: Span, inner: Option<usize>, env: &mut Env, scope: &mut Scope) {
        let Query { ctes, recursive, arms } = query(self.text, span);
        let at = inner.unwrap_or(self.text.at);
        let holds = |(from, to): Span| from <= at && at < to;
        let inside = ctes.iter().position(|cte| holds(cte.body));
        let known = match inside {
            Some(body) => body + usize::from(recursive),
            None => ctes.len(),
        };
        for cte in ctes.into_iter().take(known) {
            *env = Some(Rc::new(Named { cte, next: env.take() }));
        }
        if inside.is_some() {
            scope.levels.clear();
            return;
        }
        let Some(arm) = arms.iter().rev().find(|arm| holds(arm.span)) else { return };
        // A query in FROM does not see what stands beside it, unless it says so.
        let from = arm
            .relations
            .iter()
            .find(|r| inner.is_some() && holds(r.span) && matches!(r.what, What::Query(_)));
        let hidden = from.is_some_and(|r| !r.lateral);
        let seen = |r: &&Relation| !hidden && from.is_none_or(|from| r.span.1 <= from.span.0);
        let level: Vec<Seen> = arm.relations.iter().filter(seen).map(|r| self.seen(r, env, 0)).collect();
        if inner.is_none() {
            scope.outputs = arm.list.map(|list| self.outputs(list, &level)).unwrap_or_default();
            (scope.merged, scope.arm) = (arm.merged.clone(), arm.span);
        }
        scope.levels.insert(0, level);
    }

    fn seen(&self, relation: &Relation, env: &Env, depth: u32) -> Seen {
        let parts = match &relation.what {
            What::Named(parts) => parts.clone(),
            What::Query(_) | What::Unknown => Vec::new(),
        };
        let mut columns = match &relation.what {
            What::Named(parts) => self.table(parts, env, depth),
            What::Query(span) => self.columns(*span, env, depth + 1),
            What::Unknown => Vec::new(),
        };
        rename(&mut columns, &relation.columns);
        Seen { name: relation.name().map(str::to_owned), parts, columns, span: relation.span }
    }

    /// The columns of a table or of what WITH names so.
    fn table(&self, parts: &[String], env: &Env, depth: u32) -> Vec<Col> {
        if let [name] = parts {
            let mut next = env;
            while let Some(named) = next {
                if named.cte.name.eq_ignore_ascii_case(name) {
                    return self.named(&named.cte, &named.next, depth + 1);
                }
                next = &named.next;
            }
        }
        let Some(table) = self.sight.table(parts).filter(|t| self.pay(t.columns.len())) else {
            return Vec::new();
        };
        table.columns.iter().map(Col::of).collect()
    }

    fn named(&self, cte: &Cte, env: &Env, depth: u32) -> Vec<Col> {
        let mut columns = self.columns(cte.body, env, depth);
        rename(&mut columns, &cte.columns);
        columns
    }

    /// The columns that a query gives.
    fn columns(&self, span: Span, env: &Env, depth: u32) -> Vec<Col> {
        if depth > DEEPEST || !self.pay(0) {
            return Vec::new();
        }
        let Query { ctes, arms, .. } = query(self.text, span);
        let mut env = env.clone();
        for cte in ctes {
            env = Some(Rc::new(Named { cte, next: env }));
        }
        let Some(first) = arms.first() else { return Vec::new() };
        if self.text.is(first.span.0, b'(') {
            return self.columns(self.text.inside(first.span.0), &env, depth + 1);
        }
        let columns = self.given(first, &env, depth);
        if self.pay(columns.len()) { columns } else { Vec::new() }
    }

    /// Takes what looking at so many columns costs from what is left.
    fn pay(&self, columns: usize) -> bool {
        let left = self.left.get();
        self.left.set(left.saturating_sub(1 + u32::try_from(columns / 20).unwrap_or(u32::MAX)));
        left > 0
    }

    fn given(&self, arm: &Arm, env: &Env, depth: u32) -> Vec<Col> {
        let level: Vec<Seen> = arm.relations.iter().map(|r| self.seen(r, env, depth)).collect();
        match arm.list {
            Some(list) => self.outputs(list, &level),
            // FROM alone gives all.
            None => level.into_iter().flat_map(|seen| seen.columns).take(WIDEST).collect(),
        }
    }

    /// What a select's list names.
    fn outputs(&self, (from, to): Span, level: &[Seen]) -> Vec<Col> {
        let mut from = from;
        while from < to && self.text.is_word(from, &["distinct", "all"]) {
            from += 1;
            if self.text.is_word(from, &["on"]) && self.text.is(from + 1, b'(') {
                from = self.text.next(from + 1);
            }
        }
        let (mut found, mut at, mut begins) = (Vec::new(), from, from);
        while at <= to && found.len() < WIDEST {
            if at >= to || self.text.is(at, b',') {
                self.output((begins, at.min(to)), level, &mut found);
                begins = at + 1;
                at += 1;
            } else {
                at = self.text.next(at).min(to);
            }
        }
        found.truncate(WIDEST);
        found
    }

    /// What one entry of a select's list names.
    fn output(&self, (from, to): Span, level: &[Seen], found: &mut Vec<Col>) {
        let text = self.text;
        let Some(last) = to.checked_sub(1).filter(|last| *last >= from) else { return };
        if text.is(from, b'*') {
            return found.extend(level.iter().flat_map(|seen| seen.columns.iter().cloned()).take(WIDEST));
        }
        if text.is(from + 1, b'.') && text.is(from + 2, b'*') {
            let name = text.name(from).unwrap_or_default();
            let of = level.iter().find(|s| s.name.as_ref().is_some_and(|n| n.eq_ignore_ascii_case(&name)));
            return found.extend(of.iter().flat_map(|seen| seen.columns.iter().cloned()));
        }
        let Some(name) = text.name(last) else { return };
        let dotted = (from..last).all(|at| match (at - from) % 2 {
            0 => text.is_name(at),
            _ => text.is(at, b'.'),
        });
        if dotted && (last - from).is_multiple_of(2) {
            let relation = last.checked_sub(2).filter(|at| *at >= from).and_then(|at| text.name(at));
            let fits = |seen: &&Seen| match (&relation, &seen.name) {
                (Some(wanted), Some(name)) => wanted.eq_ignore_ascii_case(name),
                (Some(_), None) => false,
                (None, _) => true,
            };
            let known = level.iter().filter(fits).flat_map(|seen| &seen.columns);
            let known = known.into_iter().find(|c| c.name.eq_ignore_ascii_case(&name)).cloned();
            return found.push(known.unwrap_or(Col { name, r#type: None, comment: None }));
        }
        let ends_value = last.checked_sub(1).is_some_and(|before| {
            before >= from
                && text.token(before).is_some_and(|t| {
                    use super::words::Kind::{Number, Symbol, Text};
                    t.is_name() && !t.is_word(text.sql, OPERATORS)
                        || matches!(t.kind, Number | Text | Symbol(b')' | b']' | b'}'))
                })
        });
        if ends_value && !text.is_word(last, &["end", "null", "true", "false"]) {
            found.push(Col { name, r#type: None, comment: None });
        }
    }
}

/// Words before a value, which what follows them is then no name of.
const OPERATORS: &[&str] = &[
    "and", "or", "not", "in", "like", "ilike", "is", "between", "case", "when", "then", "else", "from",
    "distinct", "interval", "escape", "similar", "to", "by",
];

impl Col {
    fn of(column: &TableColumn) -> Self {
        Self {
            name: column.name.clone(),
            r#type: Some(column.r#type.clone()),
            comment: column.comment.clone(),
        }
    }
}

/// Names given in brackets behind an alias: they hold for the first columns.
fn rename(columns: &mut Vec<Col>, names: &[String]) {
    for (at, name) in names.iter().enumerate() {
        match columns.get_mut(at) {
            Some(column) => column.name.clone_from(name),
            None => columns.push(Col { name: name.clone(), r#type: None, comment: None }),
        }
    }
}
