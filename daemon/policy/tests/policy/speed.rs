//! How long a check takes.

use crate::support::{Engine, policy};
use std::time::{Duration, Instant};
use wharf_policy::check;

#[test]
fn a_typical_statement_is_checked_quickly() {
    let (engine, policy) = (Engine::new(), policy());
    let sql = "WITH big AS (SELECT * FROM sales.orders WHERE amount > 15)
        SELECT c.country, date_trunc('month', b.placed) AS month, sum(b.amount) AS total, count(DISTINCT b.id) AS n
        FROM big b JOIN sales.customers c ON c.id = b.customer_id
        WHERE b.status = 'paid' AND c.country IN ('DE', 'FR', 'DK')
        GROUP BY ALL ORDER BY total DESC LIMIT 10";
    check(sql, &policy, &engine).unwrap();
    let mut times: Vec<Duration> = (0..200)
        .map(|_| {
            let start = Instant::now();
            check(sql, &policy, &engine).unwrap();
            start.elapsed()
        })
        .collect();
    times.sort_unstable();
    println!("check of a typical statement: median {:?}, slowest of 200 {:?}", times[100], times[199]);
    // Generous, as tests run unoptimised on busy machines.
    assert!(times[100] < Duration::from_millis(20), "{:?}", times[100]);
}
