//! Whatever passes in the dialects of warehouses names allowed tables only, also to a second reader.
//!
//! The second reader is a general SQL parser that shares nothing with the check. Fixed seed, about two seconds;
//! `WHARF_FUZZ_SECONDS` makes the runs longer.

use crate::warehouse::{ALLOW, DIALECTS, refused, statements};
use crate::warehouse_reader::{parsed_by, probe};
use proptest::prelude::*;
use proptest::strategy::ValueTree;
use proptest::test_runner::{Config, RngAlgorithm, TestRng, TestRunner};
use sqlparser::parser::Parser;
use std::time::{Duration, Instant};
use wharf_policy::Dialect;

/// Pieces that change the meaning of a statement when they land in it.
const PIECES: &[&str] = &[
    "finance.ledger",
    "ledger",
    "FROM finance.ledger",
    "(SELECT max(balance) FROM finance.ledger)",
    "JOIN finance.ledger",
    ", finance.ledger",
    "UNION ALL SELECT * FROM finance.ledger",
    "TABLE finance.ledger",
    "(TABLE ledger)",
    "'",
    "\"",
    "`",
    "$$",
    "$t$",
    "--",
    "//",
    "/*",
    "*/",
    "/*+",
    "\\",
    "\\'",
    "\n",
    "\r",
    ";",
    "(",
    ")",
    "[",
    "]",
    "{",
    "}",
    ",",
    ".",
    ":",
    "::",
    "->",
    "=>",
    "@",
    "$1",
    "?",
    ":x",
    "E'\\''",
    "r'\\'",
    "U&'x'",
    "WITH ledger AS (SELECT 1)",
    "WITH orders AS (SELECT * FROM ledger)",
    "RECURSIVE",
    "LATERAL",
    "LATERAL VIEW",
    "ONLY",
    "AS",
    "SELECT",
    "FROM",
    "WHERE",
    "ORDER BY",
    "GROUP BY",
    "LIMIT",
    "ON",
    "IN",
    "USING",
    "JOIN",
    "UNION",
    "EXCEPT",
    "VALUES (1)",
    "|>",
    "|> JOIN finance.ledger",
    "|> UNION ALL TABLE ledger",
    "PIVOT",
    "UNPIVOT",
    "TABLESAMPLE (1)",
    "AT (OFFSET => 1)",
    "VERSION AS OF 1",
    "IDENTIFIER('ledger')",
    "TABLE('ledger')",
    "@stage",
    "finance",
    "orders finance",
    "orders ledger",
    "INTO x",
    "FOR UPDATE",
    "EXISTS",
    "CASE",
    "WHEN",
    "END",
    "OVER",
    "WINDOW w AS (ORDER BY (SELECT 1 FROM ledger))",
    "pg_sleep(1)",
    "pg_catalog.pg_tables",
    "json.`/x`",
    "'x'::regclass",
    "information_schema.tables",
    "\u{a0}",
    "\u{200b}",
    "\u{0}",
    "INTERVAL",
    "NOT",
    "AND",
    "BETWEEN",
    "EXTRACT(year FROM ledger)",
    "TRIM(both FROM",
    "IS DISTINCT FROM ledger",
    "EXPLAIN",
    "AS from",
    ":1from",
    "1.from ledger",
    "EXCLUDE",
    "NTH_VALUE(id, 2) FROM LAST",
    "SAMPLE",
    "UNPIVOT x AS v AT k",
    "ASOF JOIN ledger",
    "COLUMNS (a int)",
    "FILTER (WHERE",
    "WITHIN GROUP (ORDER BY",
    "USING ledger",
];

fn honest() -> Vec<(Dialect, String)> {
    let lists = ALLOW.iter();
    lists.flat_map(|(dialect, list)| statements(list).into_iter().map(|sql| (*dialect, sql))).collect()
}

fn hostile() -> Vec<(Dialect, String)> {
    refused().into_iter().map(|(dialect, _, sql)| (dialect, sql)).collect()
}

/// A statement of the lists with some words replaced, put in, taken out or broken.
fn mutated() -> impl Strategy<Value = (Dialect, String)> {
    let edit = (0_usize..6, any::<prop::sample::Index>(), any::<prop::sample::Index>(), 0..PIECES.len());
    let seeds = prop_oneof![4 => prop::sample::select(honest()), 1 => prop::sample::select(hostile())];
    (seeds, prop::collection::vec(edit, 1..4)).prop_map(|((dialect, sql), edits)| {
        let mut words: Vec<String> = sql.split(' ').map(str::to_owned).collect();
        for (kind, first, second, piece) in edits {
            let (at, other) = (first.index(words.len()), second.index(words.len()));
            match kind {
                0 => words.insert(at, PIECES[piece].to_owned()),
                1 => words[at] = PIECES[piece].to_owned(),
                2 => words[at] = words[other].clone(),
                3 => words.swap(at, other),
                4 if words.len() > 1 => drop(words.remove(at)),
                _ => {
                    let ends: Vec<usize> = words[at].char_indices().map(|(end, _)| end).collect();
                    if let Some(end) = ends.get(other % ends.len().max(1)) {
                        words[at].insert_str(*end, PIECES[piece]);
                    }
                }
            }
        }
        (dialect, words.join(" "))
    })
}

/// A query from a small grammar whose names are at times allowed, at times not, at times CTEs.
fn grown() -> impl Strategy<Value = (Dialect, String)> {
    let names = vec!["orders", "customers", "ledger", "finance.ledger", "sales.orders", "a", "b", "t"];
    let ctes = prop::sample::select(vec!["a", "b", "ledger", "orders", "t"]);
    let leaf = prop::sample::select(names).prop_map(|name| format!("SELECT * FROM {name}"));
    let query = leaf.prop_recursive(4, 24, 3, move |query| {
        let two = (query.clone(), query.clone());
        let three = (ctes.clone(), query.clone(), query.clone());
        prop_oneof![
            three.clone().prop_map(|(c, x, y)| format!("WITH {c} AS ({x}) {y}")),
            three.clone().prop_map(|(c, x, y)| format!(
                "WITH RECURSIVE {c} AS (({x}) UNION ALL ({y})) SELECT * FROM {c}"
            )),
            three.prop_map(|(c, x, y)| format!("({x}) UNION ALL (WITH {c} AS (SELECT 1) {y})")),
            two.clone().prop_map(|(x, y)| format!("SELECT * FROM ({x}) q, ({y}) r")),
            two.clone().prop_map(|(x, y)| format!("SELECT *, EXISTS ({x}) FROM ({y}) q")),
            two.clone().prop_map(|(x, y)| format!("SELECT (({x}) + 1) FROM (({y})) q ORDER BY ({x})")),
            two.prop_map(|(x, y)| format!("SELECT * FROM (({x}) UNION ({y})) q")),
        ]
    });
    (prop::sample::select(DIALECTS.to_vec()), query)
}

fn seconds() -> Duration {
    let wanted = std::env::var("WHARF_FUZZ_SECONDS").ok().and_then(|text| text.parse().ok());
    Duration::from_secs_f64(wanted.unwrap_or(1.0))
}

fn hunt(strategy: &impl Strategy<Value = (Dialect, String)>) -> (usize, usize) {
    let rng = TestRng::from_seed(RngAlgorithm::ChaCha, &[11; 32]);
    let mut runner = TestRunner::new_with_rng(Config::default(), rng);
    let (start, mut counts) = (Instant::now(), (0, 0));
    while start.elapsed() < seconds() {
        let (dialect, sql) = strategy.new_tree(&mut runner).unwrap().current();
        counts.0 += 1;
        counts.1 += usize::from(probe(&sql, dialect));
    }
    counts
}

#[test]
fn mutated_statements_name_allowed_tables_only() {
    let (drawn, passed) = hunt(&mutated());
    println!("drawn {drawn}, passed {passed}");
    assert!(drawn > 50 && passed > drawn / 100, "drawn {drawn}, passed {passed}");
}

#[test]
fn grown_statements_name_allowed_tables_only() {
    let (drawn, passed) = hunt(&grown());
    println!("drawn {drawn}, passed {passed}");
    assert!(drawn > 50 && passed > drawn / 100, "drawn {drawn}, passed {passed}");
}

#[test]
fn any_text_of_a_warehouse_gets_an_answer() {
    let text = prop_oneof![
        ".{0,200}",
        "[ -~]{0,300}",
        "(\\(|\\)|SELECT |FROM |'|\"|`|\\$\\$|/\\*|\\*/|--|;|é| |1|,|\\.|::|\\|>|x){0,60}"
    ];
    hunt(&(prop::sample::select(DIALECTS.to_vec()), text));
}

#[test]
fn the_second_reader_agrees_about_the_lists() {
    let mut read = 0;
    for (dialect, sql) in honest().into_iter().chain(hostile()) {
        probe(&sql, dialect);
        read += usize::from(Parser::parse_sql(&*parsed_by(dialect), &sql).is_ok());
    }
    assert!(read > 300, "the second reader read {read} statements only");
}
