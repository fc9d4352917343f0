//! The second reader of the dialects of warehouses: a general SQL parser that shares nothing with the check. The tests and
//! the fuzzer hold what passes to what it sees.

use crate::judge::judged;
use sqlparser::ast::{Visit, Visitor};
use sqlparser::dialect as dialects;
use sqlparser::keywords::Keyword;
use sqlparser::parser::Parser;
use sqlparser::tokenizer::{Token, Tokenizer};
use std::collections::HashSet;
use std::ops::ControlFlow;
use std::time::{Duration, Instant};
use wharf_policy::{Checked, Dialect};

/// The second reader's own notion of a dialect.
pub fn parsed_by(dialect: Dialect) -> Box<dyn dialects::Dialect> {
    match dialect {
        Dialect::Postgres | Dialect::Duckdb => Box::new(dialects::PostgreSqlDialect {}),
        Dialect::Redshift => Box::new(dialects::RedshiftSqlDialect {}),
        Dialect::Snowflake => Box::new(dialects::SnowflakeDialect),
        Dialect::Databricks => Box::new(dialects::DatabricksDialect {}),
    }
}

/// What the second reader sees: relations, CTE names and aliases, in lower case.
#[derive(Default)]
struct Seen {
    relations: Vec<Vec<String>>,
    ctes: HashSet<String>,
    aliases: HashSet<String>,
}

impl Visitor for Seen {
    type Break = ();

    fn pre_visit_relation(&mut self, name: &sqlparser::ast::ObjectName) -> ControlFlow<()> {
        let parts = name.0.iter().map(|part| part.to_string().trim_matches(['"', '`']).to_lowercase());
        self.relations.push(parts.collect());
        ControlFlow::Continue(())
    }

    fn pre_visit_query(&mut self, query: &sqlparser::ast::Query) -> ControlFlow<()> {
        let ctes = query.with.iter().flat_map(|with| &with.cte_tables);
        self.ctes.extend(ctes.map(|cte| cte.alias.name.value.to_lowercase()));
        ControlFlow::Continue(())
    }

    fn pre_visit_table_factor(&mut self, factor: &sqlparser::ast::TableFactor) -> ControlFlow<()> {
        if let sqlparser::ast::TableFactor::Table { name, alias, .. } = factor {
            let named = alias.as_ref().map(|alias| alias.name.value.to_lowercase());
            let own = name.0.last().map(|part| part.to_string().to_lowercase());
            self.aliases.extend(named.or(own));
        }
        ControlFlow::Continue(())
    }
}

/// A relation of the second reader that the check did not see.
fn unseen(sql: &str, dialect: Dialect, checked: &Checked) -> Option<String> {
    // It takes IS behind INTERVAL for a value, and the rest of IS DISTINCT FROM for a clause.
    if sql.to_lowercase().contains("interval is ") {
        return None;
    }
    let statements = Parser::parse_sql(&*parsed_by(dialect), sql).ok()?;
    let mut seen = Seen::default();
    let _ = statements.visit(&mut seen);
    let places: HashSet<String> = checked
        .places
        .iter()
        .map(|place| sql[place.span.clone()].replace(['"', '`', ' ', '\n', '\r', '\t'], "").to_lowercase())
        .collect();
    let known = |parts: &Vec<String>| {
        let path = dialect == Dialect::Redshift && parts.len() > 1 && seen.aliases.contains(&parts[0]);
        places.contains(&parts.join("."))
            || parts.len() == 1 && (seen.ctes.contains(&parts[0]) || checked.functions.contains(&parts[0]))
            || path
            // It takes ONLY for a name and the name for an alias.
            || dialect == Dialect::Postgres && *parts == ["only"]
    };
    seen.relations.iter().find(|parts| !known(parts)).map(|parts| parts.join("."))
}

/// A forbidden table directly behind a word that takes a relation, by the tokens alone.
fn behind_from(sql: &str, dialect: Dialect) -> bool {
    let Ok(tokens) = Tokenizer::new(&*parsed_by(dialect), sql).tokenize() else { return false };
    let tokens: Vec<Token> =
        tokens.into_iter().filter(|token| !matches!(token, Token::Whitespace(_))).collect();
    let is = |at: usize, word: &str| matches!(tokens.get(at), Some(Token::Word(found)) if found.value.eq_ignore_ascii_case(word));
    let alias =
        (1..tokens.len()).any(|at| is(at, "finance") && !matches!(tokens.get(at + 1), Some(Token::Period)));
    tokens.iter().enumerate().any(|(at, token)| {
        let opens = matches!(token, Token::Word(word) if matches!(word.keyword, Keyword::JOIN | Keyword::TABLE | Keyword::ONLY));
        opens && is(at + 1, "finance") && is(at + 3, "ledger") && !(alias && dialect == Dialect::Redshift)
    })
}

/// Judges one statement; panics on a leak or a slow judgement.
pub fn probe(sql: &str, dialect: Dialect) -> bool {
    let start = Instant::now();
    let verdict = judged(sql, dialect);
    assert!(start.elapsed() < Duration::from_secs(1), "slow in {dialect}: {sql}");
    let Ok(checked) = verdict else { return false };
    for place in &checked.places {
        let named = &sql[place.span.clone()];
        assert!(
            named.to_lowercase().contains("orders") || named.to_lowercase().contains("customers"),
            "{dialect}: {sql}"
        );
    }
    if let Some(relation) = unseen(sql, dialect, &checked) {
        panic!("{relation} was not seen in {dialect}: {sql}");
    }
    assert!(!behind_from(sql, dialect), "a forbidden table passed in {dialect}: {sql}");
    true
}
