//! Statements for a warehouse that mean the same in DuckDB, to the last digit.
//!
//! Engines that read the same text often do not mean the same by it: `/` of integers, the order of texts and NULLs, patterns,
//! rounding, padding of CHAR. So only what is known to agree passes: one SELECT of columns and counts, sums and extremes, with
//! comparisons, joins, grouping, and an order by numbers and dates. Everything else is for the warehouse itself.

use crate::lexer::{Kind, Token};
use crate::names::Dialect;
use crate::warehouse::lex;

/// What a column of the statement's tables is, as far as it matters here.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ColumnClass {
    /// Numbers, dates, times, flags: compared and ordered alike everywhere.
    Plain,
    /// Text: alike when compared for equality, but ordered by the engine's own rules.
    Text,
    /// What engines compare in ways of their own: padded text, JSON, types of the engine.
    Special,
}

/// Functions that agree.
const FUNCTIONS: &[&str] = &["count", "sum", "min", "max", "coalesce", "nullif", "lower", "upper"];

/// Words of SQL that may stand in the statement.
const WORDS: &[&str] = &[
    "select",
    "distinct",
    "from",
    "where",
    "group",
    "by",
    "having",
    "order",
    "limit",
    "offset",
    "join",
    "inner",
    "left",
    "right",
    "full",
    "outer",
    "cross",
    "on",
    "using",
    "and",
    "or",
    "not",
    "in",
    "is",
    "null",
    "between",
    "like",
    "asc",
    "desc",
    "nulls",
    "first",
    "last",
    "as",
    "true",
    "false",
    "case",
    "when",
    "then",
    "else",
    "end",
    "date",
    "timestamp",
];

/// Words that would be taken for names and are more than that.
const MORE: &[&str] = &[
    "similar",
    "rlike",
    "regexp",
    "glob",
    "collate",
    "at",
    "over",
    "window",
    "filter",
    "lateral",
    "tablesample",
    "sample",
    "pivot",
    "unpivot",
    "qualify",
    "unnest",
    "fetch",
    "for",
    "rows",
    "interval",
    "array",
    "row",
    "any",
    "all",
    "some",
    "exists",
    "with",
    "union",
    "intersect",
    "except",
    "minus",
    "values",
    "table",
    "natural",
    "escape",
    "ilike",
    "top",
    "user",
    "session_user",
    "sysdate",
    "localtime",
    "localtimestamp",
    "div",
    "mod",
    "xor",
    "isnull",
    "notnull",
    "match",
    "within",
    "grouping",
    "rollup",
    "cube",
    "sets",
    "semi",
    "anti",
    "asof",
    "positional",
    "time",
    "numeric",
    "decimal",
];

/// The statement as DuckDB's SQL with the heads that the warehouse would give its columns; none where the two could differ.
/// `class` tells what a column is by its name in lower case, none for a name that is no column.
pub fn portable(sql: &str, dialect: Dialect, class: &dyn Fn(&str) -> Option<ColumnClass>) -> Option<String> {
    let tokens = lex(sql, dialect)?;
    let text = Text { sql, tokens: &tokens, depths: depths(&tokens), dialect, class };
    if !text.word_is(0, "select") || !(0..tokens.len()).all(|at| text.may_stand(at)) {
        return None;
    }
    let from = (0..tokens.len()).find(|at| text.depth(*at) == 0 && text.word_is(*at, "from"))?;
    let items = text.items(from)?;
    let order = (0..tokens.len()).find(|at| text.depth(*at) == 0 && text.word_is(*at, "order"));
    if let Some(order) = order
        && !text.orders_alike(order + 2, &items)
    {
        return None;
    }
    let mut out = String::with_capacity(sql.len() + 16 * items.len());
    let mut copied = 0;
    for item in &items {
        let Some(head) = &item.head else { continue };
        out.push_str(sql.get(copied..item.end)?);
        out.push_str(&format!(" as \"{}\"", head.replace('"', "\"\"")));
        copied = item.until;
    }
    out.push_str(sql.get(copied..)?);
    Some(out)
}

/// One item of the SELECT list.
struct Item {
    /// Its first token.
    first: usize,
    /// Where its expression ends, in bytes.
    end: usize,
    /// Where it ends with its alias, in bytes.
    until: usize,
    /// The head of its column; none for `*`.
    head: Option<String>,
}

struct Text<'a> {
    sql: &'a str,
    tokens: &'a [Token],
    depths: Vec<usize>,
    dialect: Dialect,
    class: &'a dyn Fn(&str) -> Option<ColumnClass>,
}

/// For each token the brackets that are open where it stands; one that closes stands outside.
fn depths(tokens: &[Token]) -> Vec<usize> {
    let mut open = 0_usize;
    let depth = |token: &Token| {
        open = open.saturating_sub(usize::from(token.is(b')')));
        let here = open;
        open += usize::from(token.is(b'('));
        here
    };
    tokens.iter().map(depth).collect()
}

impl Text<'_> {
    fn word(&self, at: usize) -> Option<String> {
        let token = self.tokens.get(at).filter(|token| token.kind == Kind::Word)?;
        Some(token.text(self.sql).to_ascii_lowercase())
    }

    fn word_is(&self, at: usize, word: &str) -> bool {
        self.tokens.get(at).is_some_and(|token| token.is_word(self.sql, word))
    }

    fn symbol(&self, at: usize) -> Option<u8> {
        match self.tokens.get(at)?.kind {
            Kind::Symbol(symbol) => Some(symbol),
            _ => None,
        }
    }

    /// Brackets that are open where a token stands.
    fn depth(&self, at: usize) -> usize {
        self.depths.get(at).copied().unwrap_or(0)
    }

    /// The name that a token is, in lower case: a bare word that is no word of SQL, or one in quotes.
    fn name(&self, at: usize) -> Option<String> {
        let token = self.tokens.get(at)?;
        match token.kind {
            Kind::Word => self.word(at).filter(|word| !WORDS.contains(&word.as_str())),
            Kind::Quoted => {
                let inner = token.text(self.sql).strip_prefix('"')?.strip_suffix('"')?;
                Some(inner.replace("\"\"", "\"").to_lowercase())
            }
            _ => None,
        }
    }

    fn class_at(&self, at: usize) -> Option<ColumnClass> {
        self.name(at).and_then(|name| (self.class)(&name))
    }

    /// Whether a token is one that agrees where it stands.
    fn may_stand(&self, at: usize) -> bool {
        let token = &self.tokens[at];
        if self.class_at(at) == Some(ColumnClass::Special) {
            return false;
        }
        match token.kind {
            Kind::Word => {
                let word = self.word(at).unwrap_or_default();
                let calls = self.symbol(at + 1) == Some(b'(');
                let known = WORDS.contains(&word.as_str());
                match (calls, known) {
                    _ if MORE.contains(&word.as_str()) || word.starts_with("current_") => false,
                    (_, true) => !(at > 0 && word == "select") && self.between_alike(at, &word),
                    (true, false) => FUNCTIONS.contains(&word.as_str()) && self.extreme_alike(at, &word),
                    (false, false) => true,
                }
            }
            Kind::Quoted => token.text(self.sql).starts_with('"'),
            // A backslash is read by settings or as an escape.
            Kind::Text => {
                let text = token.text(self.sql);
                text.starts_with('\'') && !text.contains('\\')
            }
            Kind::Number => true,
            Kind::Parameter => false,
            Kind::Symbol(symbol) => match symbol {
                b'(' | b')' | b',' | b'.' | b'=' | b'+' | b'-' => true,
                b'*' => {
                    at > 0
                        && (matches!(self.symbol(at - 1), Some(b'(' | b',' | b'.'))
                            || self.word_is(at - 1, "select"))
                }
                b'!' => self.symbol(at + 1) == Some(b'='),
                // Texts are ordered by each engine's own rules; `<>` compares for equality.
                b'<' | b'>' => {
                    let unequal = symbol == b'<' && self.symbol(at + 1) == Some(b'>')
                        || symbol == b'>' && at > 0 && self.symbol(at - 1) == Some(b'<');
                    unequal || !self.beside_text(at)
                }
                _ => false,
            },
        }
    }

    fn beside_text(&self, at: usize) -> bool {
        let equals = usize::from(self.symbol(at + 1) == Some(b'='));
        let from = at + 1 + equals;
        // A column may stand behind the names of its table and schema.
        let dotted =
            |at: &usize| *at == from || self.symbol(at - 1) == Some(b'.') || self.symbol(*at) == Some(b'.');
        let right =
            (from..from + 6).take_while(dotted).any(|at| self.class_at(at) == Some(ColumnClass::Text));
        let left =
            at > 0 && (self.class_at(at - 1) == Some(ColumnClass::Text) || self.symbol(at - 1) == Some(b')'));
        left || right
    }

    fn between_alike(&self, at: usize, word: &str) -> bool {
        word != "between" || at > 0 && self.class_at(at - 1) == Some(ColumnClass::Plain)
    }

    /// The extremes of texts follow their order.
    fn extreme_alike(&self, at: usize, word: &str) -> bool {
        if !matches!(word, "min" | "max") {
            return true;
        }
        let end = (at + 2..self.tokens.len())
            .find(|end| self.depth(*end) == self.depth(at + 1) && self.symbol(*end) == Some(b')'));
        let Some(end) = end else { return false };
        (at + 2..end).any(|at| self.class_at(at) == Some(ColumnClass::Plain))
            && !(at + 2..end).any(|at| self.class_at(at) == Some(ColumnClass::Text))
    }

    /// The items between SELECT and FROM.
    fn items(&self, from: usize) -> Option<Vec<Item>> {
        let begin = if self.word_is(1, "distinct") { 2 } else { 1 };
        let (mut first, mut items) = (begin, Vec::new());
        for at in begin..=from {
            if at < from && !(self.symbol(at) == Some(b',') && self.depth(at) == 0) {
                continue;
            }
            items.push(self.item(first, at)?);
            first = at + 1;
        }
        Some(items)
    }

    fn item(&self, first: usize, end: usize) -> Option<Item> {
        let last = end.checked_sub(1).filter(|last| *last >= first)?;
        let until = self.tokens.get(last)?.end;
        if self.symbol(last) == Some(b'*') && (last == first || self.symbol(last - 1) == Some(b'.')) {
            return Some(Item { first, end: until, until, head: None });
        }
        let aliased = last > first && self.word_is(last - 1, "as");
        if aliased {
            let end = self.tokens.get(last.checked_sub(2)?)?.end;
            return Some(Item { first, end, until, head: Some(self.folded(last)?) });
        }
        // A name behind something that is no dot is an alias without AS: rare, and easily taken for something else.
        let plain = (first..=last).all(|at| {
            if (at - first).is_multiple_of(2) {
                self.name(at).is_some()
            } else {
                self.symbol(at) == Some(b'.')
            }
        });
        let head = if plain { self.folded(last)? } else { self.call_head(first, last)? };
        Some(Item { first, end: until, until, head: Some(head) })
    }

    /// A name as the warehouse shows it.
    fn folded(&self, at: usize) -> Option<String> {
        let token = self.tokens.get(at)?;
        let text = token.text(self.sql);
        match (token.kind, self.dialect) {
            (Kind::Quoted, _) => Some(text.strip_prefix('"')?.strip_suffix('"')?.replace("\"\"", "\"")),
            (Kind::Word, Dialect::Snowflake) => Some(text.to_ascii_uppercase()),
            (Kind::Word, Dialect::Databricks) => Some(text.to_owned()),
            (Kind::Word, _) => Some(text.to_ascii_lowercase()),
            _ => None,
        }
    }

    /// The head of one call without an alias. Only PostgreSQL and Redshift name it after the function.
    fn call_head(&self, first: usize, last: usize) -> Option<String> {
        let named = matches!(self.dialect, Dialect::Postgres | Dialect::Redshift);
        let word = self.word(first).filter(|word| named && FUNCTIONS.contains(&word.as_str()))?;
        let inside = first + 2..last;
        let one_call = self.symbol(first + 1) == Some(b'(')
            && self.symbol(last) == Some(b')')
            && inside.clone().all(|at| self.depth(at) > self.depth(first));
        one_call.then_some(word)
    }

    /// Whether everything behind ORDER BY is ordered alike.
    fn orders_alike(&self, from: usize, items: &[Item]) -> bool {
        let stop = |at: &usize| self.word_is(*at, "limit") || self.word_is(*at, "offset");
        let until = (from..self.tokens.len()).find(stop).unwrap_or(self.tokens.len());
        let mut keys = 0;
        let mut first = from;
        for at in from..=until {
            if at < until && self.symbol(at) != Some(b',') {
                continue;
            }
            if !self.key_alike(first, at, items) {
                return false;
            }
            (keys, first) = (keys + 1, at + 1);
        }
        keys > 0
    }

    fn key_alike(&self, first: usize, end: usize, items: &[Item]) -> bool {
        let has = |word: &str| (first..end).any(|at| self.word_is(at, word));
        // NULL comes last upwards and first downwards here, and the other way round in Databricks; DuckDB puts it last always.
        let says = has("nulls");
        let nulls_alike = match self.dialect {
            Dialect::Databricks => says || has("desc"),
            _ => says || !has("desc"),
        };
        let mut last_name = None;
        for at in first..end {
            if let Some(name) = self.name(at) {
                last_name = Some(name);
            } else if self.symbol(at) != Some(b'.') && self.word(at).is_none() {
                return false;
            }
        }
        let Some(name) = last_name else { return false };
        let plain = (self.class)(&name) == Some(ColumnClass::Plain);
        let number = items.iter().any(|item| {
            item.head.as_ref().is_some_and(|head| head.to_lowercase() == name)
                && (self.word_is(item.first, "count") || self.word_is(item.first, "sum"))
        });
        nulls_alike && (plain || number)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(dialect: Dialect, sql: &str) -> Option<String> {
        let class = |name: &str| match name {
            "id" | "amount" | "day" => Some(ColumnClass::Plain),
            "status" => Some(ColumnClass::Text),
            "code" | "note" => Some(ColumnClass::Special),
            _ => None,
        };
        portable(sql, dialect, &class)
    }

    #[test]
    fn what_agrees_passes_with_the_heads_of_the_warehouse() {
        let pg = |sql: &str| of(Dialect::Postgres, sql).unwrap();
        assert_eq!(pg("select count(*) from orders"), "select count(*) as \"count\" from orders");
        assert_eq!(
            pg(
                "SELECT o.Status, Sum(amount) AS Total FROM orders o WHERE day >= date '2026-01-01' GROUP BY o.Status ORDER BY total"
            ),
            "SELECT o.Status as \"status\", Sum(amount) as \"total\" FROM orders o WHERE day >= date '2026-01-01' GROUP BY o.Status ORDER BY total"
        );
        assert_eq!(
            pg("select * from orders where status = 'open' and id <> 3"),
            "select * from orders where status = 'open' and id <> 3"
        );
        assert_eq!(
            pg("select id from orders order by id desc nulls last limit 3"),
            "select id as \"id\" from orders order by id desc nulls last limit 3"
        );
        assert_eq!(
            of(Dialect::Snowflake, "select status as s from orders").unwrap(),
            "select status as \"S\" from orders"
        );
        assert_eq!(
            pg("select min(day), max(id) as m from orders where id between 1 and 5").matches(" as ").count(),
            2
        );
    }

    #[test]
    fn what_could_differ_does_not() {
        for sql in [
            "select 1/2 from orders",
            "select id / 2 as h from orders",
            "select amount * 0.1 as t from orders",
            "select avg(amount) from orders",
            "select round(amount) from orders",
            "select amount::int from orders",
            "select status from orders order by status",
            "select status from orders order by 1",
            "select id from orders order by id desc",
            "select max(status) from orders",
            "select * from orders where status > 'a'",
            "select * from orders where 'a' < status",
            "select * from orders where status between 'a' and 'b'",
            "select * from orders where lower(status) > 'a'",
            "select * from orders where status ~ 'a'",
            "select * from orders where status similar to 'a%'",
            "select * from orders where code = 'y'",
            "select note from orders",
            "select current_date from orders",
            "select now() from orders",
            "select id n from orders",
            "select id + 1 from orders",
            "with x as (select 1) select * from x",
            "select * from (select 1) x",
            "select id from orders union select 2",
            "select sum(id) over () as s from orders",
            "select E'\\x' from orders",
            "select interval '1 day' as i from orders",
            "delete from orders",
            "select $1 from orders",
            "select 'open",
        ] {
            assert_eq!(of(Dialect::Postgres, sql), None, "{sql}");
        }
        assert_eq!(of(Dialect::Snowflake, "select count(*) from orders"), None);
        assert_eq!(of(Dialect::Databricks, "select id from orders order by id"), None);
        assert!(of(Dialect::Databricks, "select id from orders order by id desc").is_some());
    }
}
