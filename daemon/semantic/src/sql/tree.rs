//! Selects as data, and the one place that lays them out as text.

use super::Dialect;

/// A whole statement: named parts, then the result.
#[derive(Debug, Clone)]
pub(crate) struct Statement {
    pub parts: Vec<(String, Query)>,
    pub body: Query,
}

/// One select, or several on top of one another without repeats.
#[derive(Debug, Clone)]
pub(crate) enum Query {
    Select(Box<Select>),
    Union(Vec<Select>),
}

impl From<Select> for Query {
    fn from(select: Select) -> Self {
        Self::Select(Box::new(select))
    }
}

/// An output column.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Output {
    pub sql: String,
    pub name: String,
}

/// A `SELECT`.
#[derive(Debug, Clone, Default)]
pub(crate) struct Select {
    pub distinct: bool,
    pub columns: Vec<Output>,
    pub from: Option<(Relation, Option<String>)>,
    pub joins: Vec<Join>,
    pub filters: Vec<String>,
    /// Group by this many of the first columns.
    pub group: usize,
    pub order: Vec<String>,
    pub limit: Option<u64>,
}

impl Select {
    pub(crate) fn column(&mut self, sql: impl Into<String>, name: impl Into<String>) {
        self.columns.push(Output { sql: sql.into(), name: name.into() });
    }
}

/// What a `FROM` or `JOIN` reads.
#[derive(Debug, Clone)]
pub(crate) enum Relation {
    /// SQL of a name, quoted already.
    Name(String),
    Query(Box<Select>),
}

/// How a relation is joined.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum JoinKind {
    Inner,
    Left,
    Full,
    Cross,
}

/// A join.
#[derive(Debug, Clone)]
pub(crate) struct Join {
    pub kind: JoinKind,
    pub relation: Relation,
    pub alias: Option<String>,
    pub on: Vec<String>,
}

impl Statement {
    pub(crate) fn text(&self, dialect: Dialect) -> String {
        let mut printer = Printer { out: String::new(), dialect };
        for (position, (name, query)) in self.parts.iter().enumerate() {
            printer.out.push_str(if position == 0 { "WITH " } else { ",\n" });
            printer.out.push_str(&dialect.quote(name));
            printer.out.push_str(" AS (\n");
            printer.query(query, 1);
            printer.out.push_str("\n)");
        }
        if !self.parts.is_empty() {
            printer.out.push('\n');
        }
        printer.query(&self.body, 0);
        printer.out.push('\n');
        printer.out
    }
}

struct Printer {
    out: String,
    dialect: Dialect,
}

impl Printer {
    fn line(&mut self, depth: usize, text: &str) {
        if !self.out.is_empty() && !self.out.ends_with('\n') {
            self.out.push('\n');
        }
        self.out.push_str(&"  ".repeat(depth));
        self.out.push_str(text);
    }

    fn query(&mut self, query: &Query, depth: usize) {
        match query {
            Query::Select(select) => self.select(select, depth),
            Query::Union(selects) => {
                for (position, select) in selects.iter().enumerate() {
                    if position > 0 {
                        self.line(depth, "UNION");
                    }
                    self.select(select, depth);
                }
            }
        }
    }

    fn select(&mut self, select: &Select, depth: usize) {
        self.line(depth, if select.distinct { "SELECT DISTINCT" } else { "SELECT" });
        let last = select.columns.len().saturating_sub(1);
        for (position, column) in select.columns.iter().enumerate() {
            let alias = self.dialect.quote(&column.name);
            let comma = if position < last { "," } else { "" };
            let text = if column.sql == alias {
                format!("{alias}{comma}")
            } else {
                format!("{} AS {alias}{comma}", column.sql)
            };
            self.line(depth + 1, &text);
        }
        if let Some((relation, alias)) = &select.from {
            self.line(depth, "FROM ");
            self.relation(relation, alias.as_deref(), depth);
        }
        for join in &select.joins {
            let word = match join.kind {
                JoinKind::Inner => "JOIN ",
                JoinKind::Left => "LEFT JOIN ",
                JoinKind::Full => "FULL JOIN ",
                JoinKind::Cross => "CROSS JOIN ",
            };
            self.line(depth, word);
            self.relation(&join.relation, join.alias.as_deref(), depth);
            self.conditions("ON", &join.on, depth + 1);
        }
        self.conditions("WHERE", &select.filters, depth);
        if select.group > 0 {
            let list: Vec<String> = (1..=select.group).map(|n| n.to_string()).collect();
            self.line(depth, &format!("GROUP BY {}", list.join(", ")));
        }
        if !select.order.is_empty() {
            self.line(depth, &format!("ORDER BY {}", select.order.join(", ")));
        }
        if let Some(limit) = select.limit {
            self.line(depth, &format!("LIMIT {limit}"));
        }
    }

    fn conditions(&mut self, word: &str, list: &[String], depth: usize) {
        for (position, condition) in list.iter().enumerate() {
            let word = if position == 0 { word } else { "  AND" };
            self.line(depth, &format!("{word} {condition}"));
        }
    }

    fn relation(&mut self, relation: &Relation, alias: Option<&str>, depth: usize) {
        match relation {
            Relation::Name(name) => {
                self.out.push_str(name);
                if let Some(alias) = alias {
                    let alias = self.dialect.quote(alias);
                    if alias != *name {
                        self.out.push_str(" AS ");
                        self.out.push_str(&alias);
                    }
                }
            }
            Relation::Query(select) => {
                self.out.push('(');
                self.select(select, depth + 1);
                self.line(depth, ")");
                if let Some(alias) = alias {
                    self.out.push_str(" AS ");
                    self.out.push_str(&self.dialect.quote(alias));
                }
            }
        }
    }
}
