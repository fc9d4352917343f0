//! What of a source's models somebody may know of: the one rule, for metrics, dimensions, values, offers and errors alike.
//! Pure.
//!
//! A semantic model is known when its table may be read; an element of it, when its expression names no column that is
//! denied; a metric, when everything that it is made of is known (see [`wharf_semantic::Model::seen`]).

use std::collections::{HashMap, HashSet};
use wharf_protocol::Table;
use wharf_semantic::Sight;

/// A source as one reader sees it, by the names that models use.
pub(super) struct Seen {
    source: String,
    /// The schema of names without one.
    schema: String,
    /// By schema and table: the columns that are denied, and those that are not.
    tables: HashMap<(String, String), Columns>,
    /// Names of tables that may not be read.
    hidden_tables: HashSet<String>,
    /// Columns that are denied anywhere.
    hidden_columns: HashSet<String>,
}

#[derive(Default)]
struct Columns {
    hidden: HashSet<String>,
    seen: HashSet<String>,
}

impl Seen {
    /// Of `all` tables of a source with all their columns, the reader sees `seen`.
    pub(super) fn new(source: &str, schema: &str, all: &[Table], seen: &[Table]) -> Self {
        let key = |table: &Table| (table.schema.to_lowercase(), table.name.to_lowercase());
        let names = |table: &Table| table.columns.iter().map(|c| c.name.to_lowercase()).collect();
        let known: HashMap<_, HashSet<String>> = seen.iter().map(|t| (key(t), names(t))).collect();
        let (mut tables, mut hidden_tables, mut hidden_columns) =
            (HashMap::new(), HashSet::new(), HashSet::new());
        for table in all {
            let columns: HashSet<String> = names(table);
            let Some(seen) = known.get(&key(table)) else {
                hidden_tables.insert(table.name.to_lowercase());
                hidden_columns.extend(columns);
                continue;
            };
            let hidden: HashSet<String> = columns.difference(seen).cloned().collect();
            hidden_columns.extend(hidden.iter().cloned());
            tables.insert(key(table), Columns { hidden, seen: seen.clone() });
        }
        let (source, schema) = (source.to_lowercase(), schema.to_lowercase());
        Self { source, schema, tables, hidden_tables, hidden_columns }
    }

    /// A table by the name that a model has for it: `table`, `schema.table` or `source.schema.table`.
    fn columns(&self, table: &str) -> Option<&Columns> {
        let name = table.to_lowercase();
        let parts: Vec<&str> = name.split('.').collect();
        let key = match parts[..] {
            [table] => (self.schema.as_str(), table),
            [schema, table] => (schema, table),
            [source, schema, table] if source == self.source => (schema, table),
            _ => return None,
        };
        self.tables.get(&(key.0.to_owned(), key.1.to_owned()))
    }
}

impl Sight for Seen {
    fn table(&self, table: &str) -> bool {
        self.columns(table).is_some()
    }

    fn expression(&self, table: &str, expr: &str) -> bool {
        let Some(columns) = self.columns(table) else { return false };
        let words = words(expr);
        // Inside a subquery a word may be a column of any table, and a table.
        let inner = words.iter().any(|word| word == "select");
        let hidden = |word: &String| {
            columns.hidden.contains(word)
                || self.hidden_tables.contains(word)
                || inner && self.hidden_columns.contains(word)
        };
        words.iter().all(|word| !inner && columns.seen.contains(word) || !hidden(word))
    }
}

/// The names in an expression, in lower case: plain and quoted ones, and not what stands in texts.
fn words(expr: &str) -> Vec<String> {
    let mut found = Vec::new();
    let mut rest = expr;
    while let Some(first) = rest.chars().next() {
        let taken = match first {
            '\'' | '"' | '`' => {
                let inner = &rest[1..];
                let end = inner.find(first).unwrap_or(inner.len());
                if first != '\'' {
                    found.push(inner[..end].to_lowercase());
                }
                (end + 2).min(rest.len())
            }
            c if is_word(c) => {
                let end = rest.find(|c| !is_word(c)).unwrap_or(rest.len());
                found.push(rest[..end].to_lowercase());
                end
            }
            c => c.len_utf8(),
        };
        rest = &rest[taken..];
    }
    found
}

fn is_word(c: char) -> bool {
    c.is_alphanumeric() || c == '_' || c == '$'
}

#[cfg(test)]
mod tests {
    use super::*;
    use wharf_protocol::TableColumn;
    use wharf_semantic::{MetricQuery, Model, Options, compile, group_by_items};

    fn table(name: &str, columns: &[&str]) -> Table {
        let column = |name: &&str| TableColumn {
            name: (*name).to_owned(),
            r#type: "VARCHAR".to_owned(),
            comment: None,
            nullable: None,
        };
        Table {
            catalog: "shop".to_owned(),
            schema: "main".to_owned(),
            name: name.to_owned(),
            qualified: name.to_owned(),
            rows: None,
            comment: None,
            view: false,
            columns: columns.iter().map(column).collect(),
        }
    }

    fn all() -> Vec<Table> {
        vec![
            table("orders", &["id", "buyer", "amount", "tip", "day", "email", "payroll"]),
            table("buyers", &["buyer", "town", "email"]),
            table("payroll", &["id", "salary"]),
        ]
    }

    /// Orders without tips and addresses, buyers whole, no payroll.
    fn seen() -> Vec<Table> {
        vec![
            table("orders", &["id", "buyer", "amount", "day", "payroll"]),
            table("buyers", &["buyer", "town", "email"]),
        ]
    }

    #[test]
    fn an_expression_is_known_when_it_names_nothing_hidden() {
        let seen = Seen::new("shop", "main", &all(), &seen());
        for (table, expr, known) in [
            ("orders", "amount", true),
            ("Orders", "AMOUNT * 2", true),
            ("main.orders", "amount", true),
            ("shop.main.orders", "amount", true),
            ("other.main.orders", "amount", false),
            ("payroll", "id", false),
            ("nothere", "1", false),
            ("orders", "tip", false),
            ("orders", "coalesce(\"Tip\", 0)", false),
            ("orders", "orders.tip + 1", false),
            ("orders", "amount > 0 and tip > 0", false),
            ("orders", "case when amount > 1 then 'tip' else 'it''s tip' end", true),
            // A column may be called as a hidden table is.
            ("orders", "payroll", true),
            ("orders", "(select max(salary) from payroll)", false),
            ("orders", "(select max(email) from buyers)", false),
            ("buyers", "email", true),
            ("orders", "1", true),
            // What hidden tables call theirs is no secret of this one.
            ("orders", "extract(year from day)", true),
            ("buyers", "(from payroll)", false),
        ] {
            assert_eq!(seen.table(table) && seen.expression(table, expr), known, "{table}: {expr}");
        }
    }

    const MODEL: &str = "
semantic_models:
  - name: orders
    model: ref('orders')
    defaults: {agg_time_dimension: sold}
    entities:
      - {name: order, type: primary, expr: id}
      - {name: buyer, type: foreign, expr: buyer}
    dimensions:
      - {name: sold, type: time, expr: day, type_params: {time_granularity: day}}
      - {name: email, type: categorical}
    measures:
      - {name: amount_sum, agg: sum, expr: amount}
      - {name: tip_sum, agg: sum, expr: tip}
  - name: buyers
    model: ref('buyers')
    entities:
      - {name: buyer, type: primary, expr: buyer}
    dimensions:
      - {name: town, type: categorical}
  - name: payroll
    model: ref('payroll')
    entities:
      - {name: worker, type: primary, expr: id}
    dimensions:
      - {name: salary, type: categorical}
metrics:
  - {name: revenue, type: simple, type_params: {measure: amount_sum}}
  - {name: tips, type: simple, type_params: {measure: tip_sum}}
  - {name: town_revenue, type: simple, type_params: {measure: amount_sum}, filter: \"{{ Dimension('buyer__town') }} = 'Ulm'\"}
  - {name: mail_revenue, type: simple, type_params: {measure: amount_sum}, filter: \"{{ Dimension('order__email') }} is not null\"}
  - {name: tip_share, type: ratio, type_params: {numerator: tips, denominator: revenue}}
  - {name: share_twice, type: derived, type_params: {expr: x * 2, metrics: [{name: tip_share, alias: x}]}}
saved_queries:
  - {name: by_town, query_params: {metrics: [revenue], group_by: [buyer__town]}}
  - {name: by_email, query_params: {metrics: [revenue], group_by: [order__email]}}
";

    #[test]
    fn what_is_hidden_takes_along_what_is_made_of_it() {
        let whole = Model::parse(&[("m.yml", MODEL)]).unwrap();
        let part = whole.seen(&Seen::new("shop", "main", &all(), &seen()));
        let metrics = |model: &Model| model.metrics().map(|m| m.name.clone()).collect::<Vec<_>>();
        assert_eq!(metrics(&part), ["revenue", "town_revenue"]);
        let tables: Vec<&str> = part.semantic_models().iter().map(|m| m.name.as_str()).collect();
        assert_eq!(tables, ["orders", "buyers"]);
        let saved: Vec<&str> = part.saved_queries().map(|s| s.name.as_str()).collect();
        assert_eq!(saved, ["by_town"]);
        let items = group_by_items(&part, &["revenue"]).unwrap();
        assert_eq!(items.dimensions, ["buyer__town", "metric_time", "order__sold"]);
        // Not even a mistake tells of what is hidden.
        for metric in ["tip", "tips", "tip_shar", "mail_revenue"] {
            let query = MetricQuery { metrics: vec![metric.to_owned()], ..MetricQuery::default() };
            let error = compile(&part, &query, &Options::default()).unwrap_err();
            let said = format!("{error:?}").replace(metric, "");
            assert!(!said.contains("tip") && !said.contains("mail") && !said.contains("payroll"), "{said}");
        }
        assert_eq!(metrics(&whole.seen(&Seen::new("shop", "main", &all(), &all()))), metrics(&whole));
        assert!(metrics(&whole.seen(&Seen::new("shop", "main", &all(), &[]))).is_empty());
        // Without the buyers the filter by their town has no meaning.
        assert_eq!(metrics(&whole.seen(&Seen::new("shop", "main", &all(), &seen()[..1]))), ["revenue"]);
    }
}
