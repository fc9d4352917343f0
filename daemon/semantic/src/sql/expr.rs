//! Filters and derived expressions as SQL.

use super::Dialect;
use crate::expr::{Expr, Is, ItemRef, Op};
use crate::grain::Window;

/// SQL text, and whether it can stand next to an operator without brackets.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Rendered {
    pub sql: String,
    pub atomic: bool,
}

impl Rendered {
    pub(crate) fn atomic(sql: impl Into<String>) -> Self {
        Self { sql: sql.into(), atomic: true }
    }

    /// The text, in brackets unless it needs none.
    pub(crate) fn bracketed(&self) -> String {
        if self.atomic { self.sql.clone() } else { format!("({})", self.sql) }
    }
}

/// Binding of things that never need brackets.
const TIGHT: u8 = 9;

/// Writes an expression; `item` and `name` say what stands for templates and input names.
pub(crate) fn render(
    expr: &Expr,
    dialect: Dialect,
    item: &dyn Fn(&ItemRef) -> Rendered,
    name: &dyn Fn(&str) -> Rendered,
) -> Rendered {
    let writer = Writer { dialect, item, name };
    let (sql, binding) = writer.write(expr);
    Rendered { sql, atomic: binding == TIGHT }
}

struct Writer<'a> {
    dialect: Dialect,
    item: &'a dyn Fn(&ItemRef) -> Rendered,
    name: &'a dyn Fn(&str) -> Rendered,
}

impl Writer<'_> {
    /// The text, in brackets when it binds less tightly than `least`.
    fn inside(&self, expr: &Expr, least: u8) -> String {
        let (sql, binding) = self.write(expr);
        if binding >= least { sql } else { format!("({sql})") }
    }

    fn whole(&self, expr: &Expr) -> String {
        self.write(expr).0
    }

    fn list(&self, list: &[Expr]) -> Vec<String> {
        list.iter().map(|expr| self.whole(expr)).collect()
    }

    fn write(&self, expr: &Expr) -> (String, u8) {
        let not = |not: bool| if not { "NOT " } else { "" };
        match expr {
            Expr::Item(item) => ((self.item)(item).bracketed(), TIGHT),
            Expr::Name(name) => ((self.name)(name).bracketed(), TIGHT),
            Expr::Not(a) => (format!("NOT {}", self.inside(a, 4)), 3),
            Expr::Negative(a) => (format!("-{}", self.inside(a, TIGHT)), 8),
            // DuckDB divides as floating point. Others cut a quotient of whole numbers to a whole one, and of decimals to six digits.
            Expr::Binary(a, Op::Divide, b) if self.dialect != Dialect::DuckDb => {
                let (above, double) = (self.whole(a), self.dialect.double());
                let binding = Op::Divide.binding();
                (format!("CAST({above} AS {double}) / {}", self.inside(b, binding + 1)), binding)
            }
            Expr::Binary(a, op, b) => {
                let binding = op.binding();
                // Comparisons do not chain, and the right side of the others needs brackets at the same level.
                let left = self.inside(a, if op.is_comparison() { binding + 1 } else { binding });
                (format!("{left} {} {}", op.sql(), self.inside(b, binding + 1)), binding)
            }
            Expr::Is(a, what, n) => {
                let what = match what {
                    Is::Null => "NULL",
                    Is::True => "TRUE",
                    Is::False => "FALSE",
                };
                (format!("{} IS {}{what}", self.inside(a, 5), not(*n)), 4)
            }
            Expr::Distinct(a, b, same) => {
                let (a, b) = (self.inside(a, 5), self.inside(b, 5));
                match (same, self.dialect) {
                    (true, dialect) => (dialect.same(&a, &b), 4),
                    (false, Dialect::Redshift) => (format!("NOT {}", self.dialect.same(&a, &b)), 3),
                    (false, _) => (format!("{a} IS DISTINCT FROM {b}"), 4),
                }
            }
            Expr::Between(x, a, b, n) => {
                let (x, a, b) = (self.inside(x, 5), self.inside(a, 5), self.inside(b, 5));
                (format!("{x} {}BETWEEN {a} AND {b}", not(*n)), 4)
            }
            Expr::In(x, list, n) => {
                (format!("{} {}IN ({})", self.inside(x, 5), not(*n), self.list(list).join(", ")), 4)
            }
            Expr::Like(x, pattern, n, fold) => {
                let like = if *fold { "ILIKE" } else { "LIKE" };
                (format!("{} {}{like} {}", self.inside(x, 5), not(*n), self.inside(pattern, 5)), 4)
            }
            Expr::Case(subject, arms, otherwise) => {
                (self.case(subject.as_deref(), arms, otherwise.as_deref()), TIGHT)
            }
            Expr::Cast(x, target) => {
                (format!("CAST({} AS {})", self.whole(x), self.dialect.type_name(target)), TIGHT)
            }
            Expr::Extract(part, x) => (format!("EXTRACT({part} FROM {})", self.whole(x)), TIGHT),
            Expr::Call(name, args) => (self.dialect.call(name, &self.list(args)), TIGHT),
            literal => (self.literal(literal), TIGHT),
        }
    }

    fn literal(&self, expr: &Expr) -> String {
        match expr {
            Expr::Number(number) => number.clone(),
            Expr::Text(text) => self.dialect.text(text),
            Expr::Date(text) => format!("DATE {}", self.dialect.text(text)),
            Expr::Timestamp(text) => format!("TIMESTAMP {}", self.dialect.text(text)),
            Expr::Interval(count, grain) => {
                self.dialect.interval(Window { count: count.parse().unwrap_or(0), grain: *grain })
            }
            Expr::Bool(true) => "TRUE".to_owned(),
            Expr::Bool(false) => "FALSE".to_owned(),
            Expr::CurrentDate => "CURRENT_DATE".to_owned(),
            _ => "NULL".to_owned(),
        }
    }

    fn case(&self, subject: Option<&Expr>, arms: &[(Expr, Expr)], otherwise: Option<&Expr>) -> String {
        let mut sql = "CASE".to_owned();
        if let Some(subject) = subject {
            sql.push(' ');
            sql.push_str(&self.inside(subject, 5));
        }
        for (when, then) in arms {
            sql.push_str(&format!(" WHEN {} THEN {}", self.whole(when), self.whole(then)));
        }
        if let Some(otherwise) = otherwise {
            sql.push_str(&format!(" ELSE {}", self.whole(otherwise)));
        }
        sql + " END"
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::expr::parse_filter;

    fn sql(text: &str) -> String {
        let expr = parse_filter(text, &|_| false).expect("a filter");
        let item = |item: &ItemRef| Rendered::atomic(format!("\"{}\"", item.element));
        render(&expr, Dialect::DuckDb, &item, &|_| Rendered::atomic("?")).sql
    }

    #[test]
    fn brackets_stand_where_the_meaning_needs_them() {
        let x = "{{ Dimension('o__x') }}";
        for (text, want) in [
            (format!("({x} = 1 or {x} = 2) and not {x} = 3"), "(\"x\" = 1 OR \"x\" = 2) AND NOT \"x\" = 3"),
            (format!("{x} - (1 - 2) * 3 > -1"), "\"x\" - (1 - 2) * 3 > -1"),
            (format!("{x} not in ('a', 'it''s')"), "\"x\" NOT IN ('a', 'it''s')"),
            (format!("not ({x} and {x})"), "NOT (\"x\" AND \"x\")"),
            (format!("({x} = 1) is not null"), "(\"x\" = 1) IS NOT NULL"),
            (format!("{x} between 1 and 2 and true"), "\"x\" BETWEEN 1 AND 2 AND TRUE"),
            (format!("lower({x}) like 'a%'"), "lower(\"x\") LIKE 'a%'"),
            (
                format!("case when {x} > 1 then true else false end"),
                "CASE WHEN \"x\" > 1 THEN TRUE ELSE FALSE END",
            ),
            (format!("{x}::date >= date '2024-01-01'"), "CAST(\"x\" AS DATE) >= DATE '2024-01-01'"),
        ] {
            assert_eq!(sql(&text), want, "{text}");
        }
    }

    #[test]
    fn what_is_no_condition_over_values_is_refused() {
        let x = "{{ Dimension('o__x') }}";
        for bad in [
            "status = 'placed'".to_owned(),
            format!("{x} = "),
            format!("{x} = 'a'; drop table t"),
            format!("{x} = 'a' -- "),
            format!("{x} = 'a' /* */"),
            format!("{x} = 'a') or (1 = 1"),
            format!("{x} in (select 1)"),
            "exists (select 1 from t)".to_owned(),
            format!("{x} = (select max(a) from t)"),
            format!("sum({x}) > 1"),
            format!("read_csv({x})"),
            format!("pg_sleep(10) = {x}"),
            format!("{x} = \"column\""),
            format!("{x} + 1"),
            "'text'".to_owned(),
            String::new(),
            format!("{x} = 'a' union select 1"),
            format!("{x} = 'open"),
            format!("{x} = $$a$$"),
            format!("{x} = `a`"),
            format!("{x} = 1 over ()"),
            format!("{x} {x}"),
            "(".repeat(5000),
            format!("{}{x}", "not ".repeat(5000)),
        ] {
            assert!(parse_filter(&bad, &|_| false).is_err(), "{} must be refused", &bad[..bad.len().min(80)]);
        }
    }
}
