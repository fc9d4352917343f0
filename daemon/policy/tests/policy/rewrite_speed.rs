//! How long putting the rules in takes.

use crate::rewrite::rules;
use crate::rewrite_support::{Pair, key};
use std::time::{Duration, Instant};
use wharf_policy::{Dialect, DuckdbParser, rewrite};

/// A statement of 2 KB over three tables with rules.
fn statement() -> String {
    let mut sql = "WITH big AS (SELECT o.id, o.customer_id, o.amount, o.region FROM sales.orders o WHERE o.amount > 15 AND o.region IS NOT NULL),
        odd AS (SELECT t.id, t.\"select\" FROM sales.\"Odd \"\"Table\" AS t WHERE t.id IN (1, 2, 3, 4, 5, 6, 7))
        SELECT c.name, date_trunc('month', o.placed) AS month, sum(o.amount) AS total, count(DISTINCT o.id) AS n".to_owned();
    for number in 0..16 {
        sql.push_str(&format!(",\n        sum(CASE WHEN b.region = 'north' AND b.amount > {number}00 THEN b.amount ELSE 0 END) AS t{number}"));
    }
    sql.push_str("\n FROM big b JOIN sales.customers c ON c.id = b.customer_id JOIN sales.orders o ON o.id = b.id LEFT JOIN odd ON odd.id = c.id
        WHERE c.name LIKE 'A%' AND o.placed BETWEEN TIMESTAMP '2024-01-01' AND TIMESTAMP '2025-01-01' AND EXISTS (SELECT 1 FROM orders x WHERE x.id = c.id)
        GROUP BY ALL HAVING sum(o.amount) > 10 ORDER BY total DESC, n LIMIT 10");
    sql
}

/// On a stack with room for the engine's recursion, as else each check gets a new one, and a new one is slow: the kernel
/// fills it page by page.
#[test]
fn rules_are_put_in_quickly() {
    std::thread::Builder::new().stack_size(24 << 20).spawn(measure).unwrap().join().unwrap();
}

fn measure() {
    let pair = Pair::new(&rules());
    let sql = statement();
    let checked = pair.check(&sql).unwrap();
    let key = key();
    pair.ruled(&sql).unwrap().unwrap();
    let parser = median(|| drop(pair.serialize(&sql).unwrap()));
    let check = median(|| drop(pair.check(&sql).unwrap()));
    let alone = median(|| drop(rewrite(&sql, &checked, &pair.views, Dialect::Duckdb, &key).unwrap()));
    println!("{} bytes: parser {parser:?}, check {check:?}, rewrite {alone:?}", sql.len());
    // Generous, as tests run unoptimised on busy machines.
    assert!(alone < Duration::from_millis(20), "{alone:?}");
}

fn median(work: impl Fn()) -> Duration {
    let timed = |_| {
        let start = Instant::now();
        work();
        start.elapsed()
    };
    let mut times: Vec<Duration> = (0..200).map(timed).collect();
    times.sort_unstable();
    times[100]
}
