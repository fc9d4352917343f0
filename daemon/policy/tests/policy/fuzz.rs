//! Whatever passes touches allowed tables only: checked by running it on an engine with planted values.
//!
//! Fixed seed, about three seconds. `WHARF_FUZZ_SECONDS` makes the runs longer.

use crate::support::{Engine, MARKER, policy};
use proptest::prelude::*;
use proptest::strategy::ValueTree;
use proptest::test_runner::{Config, RngAlgorithm, TestRng, TestRunner};
use std::time::{Duration, Instant};
use wharf_policy::{Policy, check, classify};

const ALLOW: &str = include_str!("allow.txt");
const DENY: &str = include_str!("deny.txt");

/// Pieces that change the meaning of a statement when they land in it.
const PIECES: &[&str] = &[
    "finance.ledger",
    "ledger",
    "FROM finance.ledger",
    "(SELECT max(secret) FROM finance.ledger)",
    "(FROM ledger)",
    "'",
    "\"",
    "$$",
    "$t$",
    "--",
    "/*",
    "*/",
    "\n",
    ";",
    "(",
    ")",
    "[",
    "]",
    "{",
    "}",
    ",",
    ".",
    "::",
    ":=",
    "->",
    "UNION ALL FROM finance.ledger",
    "WITH ledger AS (SELECT 1)",
    "WITH orders AS (FROM finance.ledger)",
    "RECURSIVE",
    "PIVOT",
    "PIVOT finance.ledger ON id",
    "UNPIVOT",
    "ON",
    "IN",
    "USING",
    "EXPLAIN",
    "EXPLAIN ANALYZE",
    "getenv('HOME')",
    "getvariable('secret')",
    "finance.lower(name)",
    "query('FROM finance.ledger')",
    "query_table('ledger')",
    "x.csv",
    "'finance.ledger'",
    "WINDOW w AS (ORDER BY (FROM finance.ledger))",
    "LATERAL",
    "COLUMNS(*)",
    "EXCLUDE (id)",
    "REPLACE ((FROM ledger) AS id)",
    "lambda x: x",
    "NULL::finance.mood",
    "enum_range(NULL::mood)",
    "\u{a0}",
    "\u{200b}",
    "\u{feff}",
    "\u{0}",
    "E'\\''",
    "U&'x'",
    "$1",
    "?",
    "AS",
    "SELECT",
    "FROM",
    "WHERE",
    "ORDER BY",
    "LIMIT",
    "recurring.t",
    "SHOW TABLES",
    "DESCRIBE finance.ledger",
    "SUMMARIZE finance.ledger",
    "duckdb_tables()",
    "main.ledger",
    "VALUES (1)",
    "warehouse.main.orders",
    "finance.peek",
    "finance.orders",
    "TABLE finance.ledger",
    "7000001",
    "IN (7000001)",
];

/// A statement from the lists with one or two words replaced, put in or taken out, or a piece put anywhere.
fn mutated() -> impl Strategy<Value = String> {
    let honest: Vec<String> =
        ALLOW.lines().filter(|line| !line.starts_with("##")).map(str::to_owned).collect();
    let refused = DENY.lines().filter_map(|line| line.split_once("| ")).map(|(_, sql)| sql.to_owned());
    let refused: Vec<String> = refused.collect();
    let seeds = prop_oneof![4 => prop::sample::select(honest), 1 => prop::sample::select(refused)];
    let edit = (0_usize..6, any::<prop::sample::Index>(), any::<prop::sample::Index>(), 0..PIECES.len());
    (seeds, prop::collection::vec(edit, 1..3)).prop_map(|(sql, edits)| {
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
        words.join(" ")
    })
}

/// A query from a small grammar whose names are at times allowed, at times not, at times CTEs.
fn grown() -> impl Strategy<Value = String> {
    let name = prop::sample::select(vec![
        "orders",
        "customers",
        "ledger",
        "finance.ledger",
        "sales.orders",
        "warehouse.sales.customers",
        "a",
        "b",
        "t",
        "main.ledger",
        "finance.orders",
        "\"ORDERS\"",
        "\"finance.ledger\"",
        "range(3)",
        "finance.peek",
    ])
    .prop_map(str::to_owned);
    let leaf = prop_oneof![
        3 => name.prop_map(|name| format!("SELECT * FROM {name}")),
        1 => Just("SELECT 1 AS id, 'fine' AS secret".to_owned()),
    ];
    leaf.prop_recursive(4, 24, 3, |query| {
        let cte = prop::sample::select(vec!["a", "b", "ledger", "orders", "t"]);
        prop_oneof![
            (cte.clone(), query.clone(), query.clone())
                .prop_map(|(c, x, y)| format!("WITH {c} AS ({x}) {y}")),
            (cte.clone(), query.clone(), query.clone())
                .prop_map(|(c, x, y)| format!("WITH RECURSIVE {c} AS ({x}) ({y})")),
            (cte, query.clone(), query.clone(), query.clone())
                .prop_map(|(c, x, y, z)| format!("WITH RECURSIVE {c} AS ({x} UNION ({y} LIMIT 1)) {z}")),
            (query.clone(), query.clone()).prop_map(|(x, y)| format!("SELECT * FROM ({x}) q, ({y}) r")),
            (query.clone(), query.clone()).prop_map(|(x, y)| format!("({x}) UNION ALL BY NAME ({y})")),
            (query.clone(), query.clone()).prop_map(|(x, y)| format!("SELECT *, EXISTS ({x}) FROM ({y}) q")),
            (query.clone(), query.clone())
                .prop_map(|(x, y)| format!("SELECT * FROM ({x}) q ORDER BY (SELECT count(*) FROM ({y}) r)")),
            query
                .clone()
                .prop_map(|x| format!("SELECT * FROM (SELECT COLUMNS(*)::VARCHAR FROM ({x}) q) LIMIT 5")),
            query.clone().prop_map(|x| format!("SELECT to_json(q) FROM ({x}) q")),
            query.clone().prop_map(|x| format!("SELECT * FROM (PIVOT ({x}) ON secret USING count(*))")),
            query.clone().prop_map(|x| format!("SELECT * FROM (PIVOT ({x}) ON COLUMNS('secret'))")),
            prop::sample::select(vec!["a", "b", "t", "ledger", "orders"])
                .prop_map(|name| format!("SELECT * FROM (PIVOT {name} ON secret USING count(*))")),
            query.prop_map(|x| format!("PIVOT orders ON region IN (SELECT secret FROM ({x}) q)")),
        ]
    })
}

fn runner() -> TestRunner {
    TestRunner::new_with_rng(Config::default(), TestRng::from_seed(RngAlgorithm::ChaCha, &[7; 32]))
}

fn seconds() -> Duration {
    let wanted = std::env::var("WHARF_FUZZ_SECONDS").ok().and_then(|text| text.parse().ok());
    Duration::from_secs_f64(wanted.unwrap_or(1.5))
}

/// Draws statements for a while; returns how many were drawn, passed and ran.
fn hunt(strategy: &impl Strategy<Value = String>) -> (usize, usize, usize) {
    let (engine, policy, mut runner) = (Engine::new(), policy(), runner());
    let (start, mut counts) = (Instant::now(), (0, 0, 0));
    while start.elapsed() < seconds() {
        let sql = strategy.new_tree(&mut runner).unwrap().current();
        let (passed, ran) = probe(&engine, &policy, &sql);
        counts.0 += 1;
        counts.1 += usize::from(passed);
        counts.2 += usize::from(ran);
    }
    counts
}

/// Judges, and runs what passes; panics on a leak or a slow judgement.
fn probe(engine: &Engine, policy: &Policy, sql: &str) -> (bool, bool) {
    let start = Instant::now();
    let passed = check(sql, policy, engine).is_ok();
    assert!(start.elapsed() < Duration::from_secs(2), "slow: {sql}");
    let _sorted = classify(sql, engine);
    if !passed {
        return (false, false);
    }
    let result = engine.run(sql);
    let shown = match &result {
        Ok(text) => text.clone(),
        Err(error) => error.to_string(),
    };
    // Text of the statement itself may come back; a statement that spells the marker is none of ours.
    assert!(!shown.contains(MARKER), "leak: {sql}\n{shown}");
    (true, result.is_ok())
}

#[test]
fn mutated_statements_never_leak() {
    let (drawn, passed, ran) = hunt(&mutated());
    println!("drawn {drawn}, passed {passed}, ran {ran}");
    assert!(drawn > 50 && passed > drawn / 50 && ran > 0, "drawn {drawn}, passed {passed}, ran {ran}");
}

#[test]
fn grown_statements_never_leak() {
    let (drawn, passed, ran) = hunt(&grown());
    println!("drawn {drawn}, passed {passed}, ran {ran}");
    assert!(drawn > 50 && passed > drawn / 50 && ran > 0, "drawn {drawn}, passed {passed}, ran {ran}");
}

#[test]
fn any_text_gets_an_answer() {
    let (engine, policy, mut runner) = (Engine::new(), policy(), runner());
    let text =
        prop_oneof![".{0,200}", "[ -~]{0,300}", "(\\(|\\)|SELECT|'|\"|\\$\\$|/\\*|\\*/|--|;|é| |1|,){0,60}"];
    let start = Instant::now();
    while start.elapsed() < seconds() / 2 {
        let sql = text.new_tree(&mut runner).unwrap().current();
        probe(&engine, &policy, &sql);
    }
}
