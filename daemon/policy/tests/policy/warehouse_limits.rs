//! Deep and long texts of the dialects of warehouses: refused or handled, quickly, on a small stack.

use crate::warehouse::{ALLOW, DIALECTS, judged, statements};
use std::time::{Duration, Instant};
use wharf_policy::{DenialCode, Dialect};

/// The longest a check may take as shipped, and where the test is built without optimisation.
const LONGEST: Duration = Duration::from_millis(if cfg!(debug_assertions) { 1_500 } else { 50 });

/// Judges on a thread with a stack of 512 KiB in every dialect.
fn code_of(name: &str, sql: &str, dialects: &[Dialect]) -> Vec<Option<DenialCode>> {
    let (sql, dialects, name) = (sql.to_owned(), dialects.to_vec(), name.to_owned());
    let judge = move || {
        let timed = |dialect: &Dialect| {
            let start = Instant::now();
            let code = judged(&sql, *dialect).err().map(|denial| denial.code);
            assert!(start.elapsed() < LONGEST, "{name} took {:?} in {dialect}", start.elapsed());
            code
        };
        dialects.iter().map(timed).collect()
    };
    std::thread::Builder::new().stack_size(512 * 1024).spawn(judge).unwrap().join().unwrap()
}

/// Forms that nest: before the core, the core, behind it.
const NESTED: &[(&str, &str, &str, &str)] = &[
    ("brackets", "(", "1", ")"),
    ("calls", "abs(", "1", ")"),
    ("not", "NOT ", "TRUE", ""),
    ("minus", "- ", "id", ""),
    ("sum", "1 + ", "1", ""),
    ("concat", "'a' || ", "'b'", ""),
    ("case", "CASE WHEN TRUE THEN ", "1", " END"),
    ("casts", "", "1", "::int"),
    ("indexes", "", "id", "[1]"),
    ("fields", "", "(id)", ".a"),
    ("subqueries", "(SELECT ", "1", ")"),
    ("exists", "EXISTS (SELECT ", "1", ")"),
    ("quantified", "1 = ANY (SELECT ", "1", ")"),
];

#[test]
fn nesting_beyond_the_limit_is_refused_quickly() {
    for (name, before, core, behind) in NESTED {
        for levels in [501, 700, 1_500, 6_000] {
            let sql = format!("SELECT {}{core}{} FROM orders", before.repeat(levels), behind.repeat(levels));
            if sql.len() <= 64 * 1024 {
                let codes = code_of(name, &sql, &DIALECTS);
                assert!(
                    codes.iter().all(|code| *code == Some(DenialCode::TooDeep)),
                    "{name} {levels}: {codes:?}"
                );
            }
        }
    }
}

#[test]
fn nesting_up_to_the_limit_passes() {
    for (name, before, core, behind) in NESTED {
        let levels = 480;
        let sql = format!("SELECT {}{core}{} FROM orders", before.repeat(levels), behind.repeat(levels));
        let codes = code_of(name, &sql, &DIALECTS);
        assert!(codes.iter().all(Option::is_none), "{name}: {codes:?}");
    }
    let tables = format!("SELECT * FROM {}orders{}", "(SELECT * FROM ".repeat(400), ") x".repeat(400));
    assert!(code_of("derived", &tables, &DIALECTS).iter().all(Option::is_none));
}

#[test]
fn ordinary_depth_and_length_pass_quickly() {
    let list = |count: usize, item: &str, between: &str| vec![item; count].join(between);
    let texts = [
        ("sum of 200", format!("SELECT {}", list(200, "1", " + "))),
        ("600 conditions", format!("SELECT * FROM orders WHERE {}", list(600, "id > 1", " AND "))),
        ("4,000 conditions", format!("SELECT * FROM orders WHERE {}", list(4_000, "id = 1", " OR "))),
        ("8,000 numbers", format!("SELECT * FROM orders WHERE id IN ({})", list(8_000, "1234", ","))),
        ("300 arms", list(300, "SELECT id FROM orders", " UNION ALL ")),
        ("300 joins", format!("SELECT 1 FROM {}", list(300, "orders", " CROSS JOIN "))),
        ("2,000 branches", format!("SELECT CASE {} END FROM orders", list(2_000, "WHEN id = 1 THEN 2", " "))),
        ("500 CTEs", {
            let ctes: Vec<String> = (0..500).map(|i| format!("c{i} AS (SELECT {i})")).collect();
            format!("WITH {} SELECT * FROM c499", ctes.join(", "))
        }),
        ("a long comment", format!("/* {} */ SELECT 1", "finance.ledger ".repeat(4_000))),
        ("a long string", format!("SELECT '{}'", "x".repeat(65_000))),
        ("11,000 columns", format!("SELECT {} FROM orders", list(11_000, "o.id", ","))),
    ];
    for (name, sql) in texts {
        let codes = code_of(name, &sql, &DIALECTS);
        assert!(codes.iter().all(Option::is_none), "{name}: {codes:?}");
    }
}

#[test]
fn hostile_texts_of_the_greatest_length_are_judged_quickly() {
    let most = 64 * 1024 - 100;
    let repeated = |piece: &str| piece.repeat(most / piece.len());
    let pieces = [
        "(",
        ")",
        "[",
        "SELECT ",
        "SELECT(",
        "((SELECT",
        "FROM (",
        "a.",
        "a,",
        "'",
        "\"",
        "`",
        "$$",
        "$a$",
        "/*",
        "--",
        "/* */",
        "::",
        "- ",
        "NOT ",
        "CASE ",
        "CASE WHEN ",
        "WITH a AS (",
        "(SELECT 1)",
        "a b ",
        "x -> ",
        "|> ",
        "{",
        "@",
        "$1",
        "?",
        "INTERVAL ",
        "INTERVAL 1 DAY ",
        "ARRAY<",
        "a:b",
        "a[1]",
        "JOIN orders ",
        "orders, ",
        "1 BETWEEN ",
        "EXISTS (",
        "UNION ",
        "é",
        "\\'",
        "$1$",
        "$a",
        "XMLTABLE(",
        "JSON_TABLE(",
        "PATTERN((",
    ];
    for piece in pieces {
        for before in ["", "SELECT ", "SELECT * FROM ", "SELECT * FROM orders WHERE ", "SELECT CAST(1 AS "] {
            let codes = code_of(piece, &format!("{before}{}", repeated(piece)), &DIALECTS);
            assert_eq!(codes.len(), DIALECTS.len());
        }
    }
    let aliases: Vec<String> = (0..4_000).map(|i| format!("orders a{i}")).collect();
    code_of("aliases", &format!("SELECT 1 FROM {}", aliases.join(",")), &DIALECTS);
    let ctes: Vec<String> = (0..2_900).map(|i| format!("c{i} AS (SELECT 1)")).collect();
    code_of("CTEs", &format!("WITH {} SELECT 1", ctes.join(",")), &DIALECTS);
    let reading: Vec<String> = (0..1_500).map(|i| format!("c{i} AS (SELECT 1 FROM c1,c2,c3)")).collect();
    code_of("CTEs that read", &format!("WITH {} SELECT 1", reading.join(",")), &DIALECTS);
    let bound: Vec<String> = (0..9_000).map(|i| format!("${i}")).collect();
    code_of("parameters", &format!("SELECT {}", bound.join(",")), &[Dialect::Postgres]);
    let paths = "a.b,".repeat(12_000);
    code_of("paths", &format!("SELECT 1 FROM orders a,{paths}a.b"), &[Dialect::Redshift]);
    let names = format!("SELECT {} FROM sales.orders", vec!["sales.orders.id"; 3_500].join(","));
    assert!(code_of("qualifiers", &names, &DIALECTS).iter().all(Option::is_none));
    let places = vec!["SELECT sales.orders.id FROM sales.orders"; 1_200].join(" UNION ALL ");
    assert!(code_of("places", &places, &DIALECTS).iter().all(Option::is_none));
}

#[test]
fn the_length_has_a_limit() {
    let codes = code_of("long", &format!("SELECT '{}'", "x".repeat(64 * 1024)), &DIALECTS);
    assert!(codes.iter().all(|code| *code == Some(DenialCode::TooLong)));
}

#[test]
fn ordinary_statements_are_judged_quickly() {
    for (dialect, list) in ALLOW {
        let all = statements(list);
        let bytes: usize = all.iter().map(String::len).sum();
        let start = Instant::now();
        for _ in 0..5 {
            for sql in &all {
                judged(sql, *dialect).unwrap();
            }
        }
        let each = start.elapsed() / 5 * 2048 / u32::try_from(bytes).unwrap();
        println!("{dialect}: {each:?} for each 2 KiB");
        // Generous, as tests run unoptimised on busy machines; as shipped the promise is 200 microseconds.
        assert!(
            each < Duration::from_millis(if cfg!(debug_assertions) { 20 } else { 1 }),
            "{dialect}: {each:?}"
        );
    }
}
