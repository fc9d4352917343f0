//! What can stand where the cursor is, as the words before it tell.

use super::query::{is_from, is_join};
use super::text::{Span, Typing};
use super::vocabulary as v;
use super::words::Kind;

/// What can stand there.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Place {
    /// Nothing that is known: a new name, a number.
    Nothing,
    /// One of these words.
    Words(Vec<&'static str>),
    /// A table, or one of these words.
    Table(Vec<&'static str>),
    /// A value, or one of these words.
    Value { on: bool, outputs: bool, words: Vec<&'static str> },
    /// A column that both sides of a join have.
    Using,
    /// A type.
    Type,
    /// What is beneath a name.
    Beneath { path: Vec<String>, table: bool },
}

/// The part of a select.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Clause {
    Start,
    Select,
    From,
    On,
    Where,
    Group,
    Having,
    Qualify,
    Order,
    Limit,
    Other,
}

/// What can stand at the cursor, in the select of this span.
pub(super) fn place(text: &Typing, arm: Span) -> Place {
    let mut at = text.at;
    let mut path = Vec::new();
    while at > 0 && text.is(at - 1, b'.') {
        let Some(name) = at.checked_sub(2).and_then(|name| text.name(name)) else { break };
        path.insert(0, name);
        at -= 2;
    }
    if at == 0 && path.is_empty() {
        return Place::Words(v::STATEMENTS.to_vec());
    }
    if at > 0 && path.is_empty() && text.is(at - 1, b'.') {
        return Place::Nothing;
    }
    let spot = Spot::find(text, arm, at);
    if path.is_empty() {
        return spot.place();
    }
    Place::Beneath { path, table: matches!(spot.place(), Place::Table(_)) }
}

/// A place between two words, and what is around it.
struct Spot<'a> {
    text: &'a Typing<'a>,
    at: usize,
    clause: Clause,
    /// The innermost bracket around it that holds no query.
    bracket: Option<usize>,
    /// A CASE is open.
    case: bool,
    /// FROM is behind it.
    from: bool,
}

impl<'a> Spot<'a> {
    fn find(text: &'a Typing<'a>, arm: Span, at: usize) -> Self {
        let mut spot = Self { text, at, clause: Clause::Start, bracket: None, case: false, from: false };
        let (mut i, mut cases) = (arm.0.min(at), 0_usize);
        while i < at {
            if text.opens(i) {
                if text.holds_cursor(i) {
                    (spot.bracket, cases) = (Some(i), 0);
                    i += 1;
                } else {
                    i = text.next(i);
                }
                continue;
            }
            if text.is_word(i, &["case"]) {
                cases += 1;
            } else if text.is_word(i, &["end"]) {
                cases = cases.saturating_sub(1);
            }
            if spot.bracket.is_none() {
                spot.enter(i);
            }
            i += 1;
        }
        spot.case = cases > 0;
        spot
    }

    /// A word of the select itself.
    fn enter(&mut self, at: usize) {
        let joins = self.clause == Clause::On && (self.text.is(at, b',') || is_join(self.text, at));
        self.clause = match self.text.word(at).as_str() {
            "select" => Clause::Select,
            "from" if is_from(self.text, at) => Clause::From,
            "update" if self.clause == Clause::Start => Clause::From,
            "on" if self.clause == Clause::From => Clause::On,
            "where" | "set" => Clause::Where,
            "group" => Clause::Group,
            "having" => Clause::Having,
            "qualify" => Clause::Qualify,
            "order" => Clause::Order,
            "limit" | "offset" | "fetch" => Clause::Limit,
            "window" | "returning" => Clause::Other,
            _ if joins => Clause::From,
            _ => self.clause,
        };
        self.from |= self.clause == Clause::From;
    }

    fn before(&self) -> Option<usize> {
        self.at.checked_sub(1)
    }

    /// Whether the bracket around it belongs to what FROM names, and not to an expression.
    fn in_from(&self) -> bool {
        let Some(open) = self.bracket else { return self.clause == Clause::From };
        self.clause == Clause::From && open > 0 && (self.is_source(open - 1) || self.text.is(open - 1, b'('))
    }

    /// Whether what follows the word there is a table.
    fn is_source(&self, at: usize) -> bool {
        let text = self.text;
        is_from(text, at)
            || text.is_word(at, &["join", "lateral", "into", "update"])
            || text.is(at, b',') && self.clause == Clause::From
    }

    fn place(&self) -> Place {
        let Some(before) = self.before() else { return Place::Words(v::STATEMENTS.to_vec()) };
        let Some(token) = self.text.token(before) else { return Place::Nothing };
        match token.kind {
            Kind::Word => self.behind_word(before),
            Kind::Quoted | Kind::Text | Kind::Number => self.behind_value(),
            Kind::Symbol(symbol) => self.behind_symbol(before, symbol),
            Kind::Comment | Kind::Cursor => Place::Nothing,
        }
    }

    fn behind_word(&self, before: usize) -> Place {
        let words = |words: &[&'static str]| Place::Words(words.to_vec());
        let called = self.bracket.is_some() && !self.in_from();
        match self.text.word(before).as_str() {
            // extract(year FROM ...)
            "from" if called || !is_from(self.text, before) => self.value(&[]),
            "from" | "join" | "into" | "summarize" | "pivot" | "lateral" => Place::Table(Vec::new()),
            "update" | "describe" | "table" if before == 0 => Place::Table(Vec::new()),
            "as" => self.behind_as(),
            "with" if self.clause == Clause::Start => words(&["RECURSIVE"]),
            "recursive" if self.clause == Clause::Start => Place::Nothing,
            "group" | "order" | "partition" => words(&["BY"]),
            "left" | "right" | "full" => words(&["JOIN", "OUTER JOIN"]),
            "inner" | "cross" | "outer" | "asof" | "positional" | "anti" | "semi" => words(&["JOIN"]),
            "natural" => words(&["JOIN", "LEFT JOIN", "INNER JOIN", "FULL JOIN"]),
            "is" => words(v::TRUTHS),
            "nulls" => words(&["FIRST", "LAST"]),
            "union" | "intersect" | "except" | "minus" => {
                words(&["ALL", "SELECT", "DISTINCT", "FROM", "VALUES"])
            }
            "insert" => words(&["INTO"]),
            "delete" => words(&["FROM"]),
            "explain" | "analyze" => words(v::STATEMENTS),
            "rows" | "range" if self.bracket.is_some() => {
                words(&["BETWEEN", "UNBOUNDED PRECEDING", "CURRENT ROW"])
            }
            "limit" | "offset" | "fetch" | "interval" | "over" | "values" | "tablesample" | "escape" => {
                Place::Nothing
            }
            "using" if self.clause == Clause::From => Place::Nothing,
            "all" if before > 0 && self.text.is_word(before - 1, &["union", "except", "intersect"]) => {
                words(v::QUERIES)
            }
            "select" => self.value(&["DISTINCT", "ALL"]),
            "not" => self.value(&["IN", "LIKE", "ILIKE", "BETWEEN", "EXISTS", "NULL"]),
            "distinct" | "all" | "where" | "and" | "or" | "on" | "having" | "by" | "when" | "then"
            | "else" | "case" | "between" | "in" | "like" | "ilike" | "qualify" | "set" | "exists"
            | "returning" | "any" | "some" => self.value(&[]),
            _ => self.behind_value(),
        }
    }

    fn behind_as(&self) -> Place {
        let of_cast =
            |open: usize| open > 0 && self.text.is_word(open - 1, &["cast", "try_cast", "safe_cast"]);
        match self.bracket {
            Some(open) if of_cast(open) => Place::Type,
            None if self.clause == Clause::Start => Place::Words(vec!["MATERIALIZED", "NOT MATERIALIZED"]),
            _ => Place::Nothing,
        }
    }

    /// A value of an expression.
    fn value(&self, first: &[&'static str]) -> Place {
        let words = first.iter().chain(v::VALUES).copied().collect();
        let outputs = matches!(self.clause, Clause::Group | Clause::Having | Clause::Order | Clause::Qualify);
        Place::Value { on: self.clause == Clause::On && self.bracket.is_none(), outputs, words }
    }

    /// Behind something that is complete: a value, a table, a name.
    fn behind_value(&self) -> Place {
        if self.clause == Clause::Start {
            let named = self.text.is_word(0, &["with"]) || self.text.is_word(1, &["with"]);
            return if named { Place::Words(vec!["AS"]) } else { Place::Nothing };
        }
        let mut words: Vec<&'static str> = Vec::new();
        if self.case {
            words.extend(v::CASES);
        }
        if self.in_from() {
            words.extend(v::JOINS);
        } else if self.clause != Clause::Limit {
            let sorts = self.clause == Clause::Order || self.bracket.is_some();
            words.extend(if self.clause == Clause::Select { &["AS"][..] } else { &[] });
            words.extend(if sorts { &["ASC", "DESC", "NULLS FIRST", "NULLS LAST"][..] } else { &[] });
            words.extend(v::OPERATORS);
        }
        match self.bracket {
            None => {
                words.extend(self.next_clauses());
                words.extend(if self.clause == Clause::On {
                    v::JOINS.get(..7).unwrap_or_default()
                } else {
                    &[]
                });
                words.extend(if self.clause == Clause::Select { &["OVER", "FILTER"][..] } else { &[] });
                words.extend(v::SETS);
            }
            Some(_) => words.extend(["AS", "ORDER BY", "PARTITION BY", "FROM", "SEPARATOR", "ROWS BETWEEN"]),
        }
        Place::Words(words)
    }

    fn next_clauses(&self) -> &'static [&'static str] {
        let behind = match self.clause {
            // Hardly anybody filters before there is something to filter.
            Clause::Start | Clause::Select if !self.from => return v::UNREAD,
            Clause::Start | Clause::Select | Clause::From | Clause::On | Clause::Other => 1,
            Clause::Where => 2,
            Clause::Group => 3,
            Clause::Having => 4,
            Clause::Qualify => 5,
            Clause::Order => 6,
            Clause::Limit => 7,
        };
        v::CLAUSES.get(behind..).unwrap_or_default()
    }

    fn behind_symbol(&self, before: usize, symbol: u8) -> Place {
        match symbol {
            b'(' => self.behind_open(before),
            b')' | b']' | b'}' if self.clause == Clause::Start => Place::Words(v::QUERIES.to_vec()),
            b')' | b']' | b'}' => self.behind_value(),
            b',' => match self.bracket {
                Some(open) => match self.behind_open(open) {
                    Place::Value { .. } => self.value(&[]),
                    Place::Words(_) => Place::Nothing,
                    other => other,
                },
                None if self.clause == Clause::From => Place::Table(vec!["LATERAL"]),
                None if self.clause == Clause::Start => Place::Nothing,
                None => self.value(&[]),
            },
            b'*' if self.is_star(before) => self.behind_value(),
            b':' if before > 0 && self.text.is(before - 1, b':') => Place::Type,
            b':' | b'.' | b'@' | b'?' | 0 => Place::Nothing,
            _ => self.value(&[]),
        }
    }

    /// Whether a star stands for all columns there, and multiplies nothing.
    fn is_star(&self, at: usize) -> bool {
        let Some(before) = at.checked_sub(1) else { return true };
        let (text, symbols) = (self.text, [b',', b'.', b'(']);
        text.is_word(before, &["select", "distinct", "all"]) || symbols.iter().any(|s| text.is(before, *s))
    }

    /// Right behind a bracket that opens.
    fn behind_open(&self, open: usize) -> Place {
        let text = self.text;
        let Some(before) = open.checked_sub(1) else { return Place::Words(v::QUERIES.to_vec()) };
        if !text.is(open, b'(') {
            return self.value(&[]);
        }
        match text.word(before).as_str() {
            "using" if self.clause == Clause::From => Place::Using,
            "over" => Place::Words(v::WINDOW.to_vec()),
            "as" | "union" | "all" | "except" | "intersect" if self.clause == Clause::Start => {
                Place::Words(v::QUERIES.to_vec())
            }
            "as" | "materialized" => Place::Words(v::QUERIES.to_vec()),
            "in" | "exists" | "any" | "all" | "some" => self.value(v::QUERIES),
            _ if self.is_source(before) => Place::Table(v::QUERIES.to_vec()),
            // Names of the columns of what WITH names.
            _ if self.clause == Clause::Start && text.is_name(before) => Place::Nothing,
            // Names of the columns behind an alias.
            _ if self.clause == Clause::From && self.alias_before(before) => Place::Nothing,
            word if text.is_name(before) && !v::is_reserved(word) => self.value(&["DISTINCT"]),
            _ => self.value(v::QUERIES),
        }
    }

    /// Whether the name there is an alias in FROM, and no function.
    fn alias_before(&self, at: usize) -> bool {
        let name = |at: usize| self.text.is_name(at);
        let behind = at.checked_sub(1);
        name(at) && behind.is_some_and(|b| name(b) && !self.is_source(b) || self.text.is(b, b')'))
    }
}
