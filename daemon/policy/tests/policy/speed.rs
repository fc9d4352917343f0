//! How long a check takes.

use crate::support::{Engine, policy};
use std::time::{Duration, Instant};
use wharf_policy::{DuckdbParser, check};

#[test]
fn a_typical_statement_is_checked_quickly() {
    let (engine, policy) = (Engine::new(), policy());
    let sql = "WITH big AS (SELECT * FROM sales.orders WHERE amount > 15)
        SELECT c.country, date_trunc('month', b.placed) AS month, sum(b.amount) AS total, count(DISTINCT b.id) AS n
        FROM big b JOIN sales.customers c ON c.id = b.customer_id
        WHERE b.status = 'paid' AND c.country IN ('DE', 'FR', 'DK')
        GROUP BY ALL ORDER BY total DESC LIMIT 10";
    check(sql, &policy, &engine).unwrap();
    let whole = median(|| drop(check(sql, &policy, &engine).unwrap()));
    let parser = median(|| drop(engine.serialize(sql).unwrap()));
    println!("check of a typical statement: median {whole:?}, of which the engine's parser takes {parser:?}");
    // Generous, as tests run unoptimised on busy machines.
    assert!(whole < Duration::from_millis(20), "{whole:?}");
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
