//! Deep and long texts: refused or handled, quickly, on a small stack.

use crate::support::{Engine, policy};
use std::time::{Duration, Instant};
use wharf_policy::{DenialCode, check};

/// The longest a check may take: a second as shipped, more where the test is built without optimisation.
const LONGEST: Duration = Duration::from_secs(if cfg!(debug_assertions) { 5 } else { 1 });

/// Judges on a thread with a stack of 512 KiB and returns the code of the refusal, and the time taken.
fn judged(texts: Vec<(String, String)>) -> Vec<(String, Option<DenialCode>, Duration)> {
    let judge = move || {
        let (engine, policy) = (Engine::new(), policy());
        let timed = |(name, sql): (String, String)| {
            let start = Instant::now();
            let code = check(&sql, &policy, &engine).err().map(|denial| denial.code);
            (name, code, start.elapsed())
        };
        texts.into_iter().map(timed).collect()
    };
    std::thread::Builder::new().stack_size(512 * 1024).spawn(judge).unwrap().join().unwrap()
}

/// Forms that nest: before the core, the core, behind it.
const NESTED: &[(&str, &str, &str, &str)] = &[
    ("brackets", "(", "1", ")"),
    ("lists", "[", "1", "]"),
    ("structs", "{'a': ", "1", "}"),
    ("calls", "abs(", "1", ")"),
    ("not", "NOT ", "TRUE", ""),
    ("minus", "- ", "id", ""),
    ("sum", "1 + ", "1", ""),
    ("concat", "'a' || ", "'b'", ""),
    ("case", "CASE WHEN TRUE THEN ", "1", " END"),
    ("casts", "", "1", "::INT"),
    ("indexes", "", "[1]", "[1]"),
    ("fields", "", "(id)", ".a"),
    ("lambdas", "list_transform([1], lambda x: ", "1", ")"),
    ("subqueries", "(SELECT ", "1", ")"),
    ("types", "", "NULL::INT", "[]"),
    ("exists", "EXISTS (SELECT ", "1", ")"),
];

#[test]
fn nesting_beyond_the_limit_is_refused_quickly() {
    let mut texts = Vec::new();
    for (name, before, core, behind) in NESTED {
        for levels in [501, 700, 1_500, 6_000] {
            let sql = format!("SELECT {}{core}{} FROM orders", before.repeat(levels), behind.repeat(levels));
            if sql.len() <= 64 * 1024 {
                texts.push((format!("{name} {levels}"), sql));
            }
        }
    }
    for (name, code, took) in judged(texts) {
        assert_eq!(code, Some(DenialCode::TooDeep), "{name}");
        assert!(took < LONGEST / 2, "{name} took {took:?}");
    }
}

#[test]
fn ordinary_depth_and_length_pass_quickly() {
    let list = |count: usize, item: &str, between: &str| vec![item; count].join(between);
    let texts = vec![
        ("sum of 200", format!("SELECT {}", list(200, "1", " + "))),
        ("600 conditions", format!("SELECT * FROM orders WHERE {}", list(600, "id > 1", " AND "))),
        ("4,000 conditions", format!("SELECT * FROM orders WHERE {}", list(4_000, "id = 1", " OR "))),
        ("8,000 numbers", format!("SELECT * FROM orders WHERE id IN ({})", list(8_000, "1234", ","))),
        ("32,000 numbers", format!("SELECT [{}]", list(32_000, "1", ","))),
        ("300 arms", list(300, "SELECT id FROM orders", " UNION ALL ")),
        ("2,500 arms", list(2_500, "FROM orders", " UNION ALL ")),
        ("300 joins", format!("SELECT 1 FROM {}", list(300, "orders", " CROSS JOIN "))),
        ("60 levels", format!("{}SELECT 1{}", "SELECT * FROM (".repeat(60), ")".repeat(60))),
        ("100 brackets", format!("SELECT {}1{}", "(".repeat(100), ")".repeat(100))),
        ("2,000 branches", format!("SELECT CASE {} END FROM orders", list(2_000, "WHEN id = 1 THEN 2", " "))),
        ("500 CTEs", {
            let ctes: Vec<String> = (0..500).map(|i| format!("c{i} AS (SELECT {i})")).collect();
            format!("WITH {} SELECT * FROM c499", ctes.join(", "))
        }),
        ("a long comment", format!("/* {} */ SELECT 1", "finance.ledger ".repeat(4_000))),
        ("a long string", format!("SELECT '{}'", "x".repeat(65_000))),
    ];
    for (name, code, took) in judged(texts.into_iter().map(|(name, sql)| (name.to_owned(), sql)).collect()) {
        assert_eq!(code, None, "{name}");
        assert!(took < LONGEST, "{name} took {took:?}");
    }
}

#[test]
fn the_length_has_a_limit() {
    let code = judged(vec![("long".into(), format!("SELECT '{}'", "x".repeat(64 * 1024)))]);
    assert_eq!(code[0].1, Some(DenialCode::TooLong));
}

#[test]
fn what_the_engine_would_copy_is_bounded() {
    let nested = |before: &str, behind: &str, levels: usize| {
        format!("SELECT {}id{} FROM orders", before.repeat(levels), behind.repeat(levels))
    };
    let rollup: Vec<String> = (0..3_000).map(|column| format!("c{column}")).collect();
    let texts = vec![
        ("case", nested("CASE ", " WHEN 1 THEN 1 WHEN 2 THEN 2 END", 30), DenialCode::TooComplex),
        ("macros", nested("nullif(", ", 1)", 30), DenialCode::TooDeep),
        (
            "rollup",
            format!("SELECT 1 FROM orders GROUP BY ROLLUP ({})", rollup.join(", ")),
            DenialCode::TooComplex,
        ),
    ];
    let codes: Vec<DenialCode> = texts.iter().map(|(_, _, code)| *code).collect();
    let texts = texts.into_iter().map(|(name, sql, _)| (name.to_owned(), sql)).collect();
    for ((name, code, took), expected) in judged(texts).into_iter().zip(codes) {
        assert_eq!(code, Some(expected), "{name}");
        assert!(took < LONGEST / 2, "{name} took {took:?}");
    }
}
