//! How long the policy takes to judge a statement that has not been seen before: one of 2 KB as analysts write them, and hostile
//! ones of up to 64 KiB. `cargo bench -p wharf-daemon --bench policy`

#![allow(clippy::unwrap_used, clippy::print_stdout, missing_docs)]

use std::time::{Duration, Instant};
use wharf_daemon::sources::duckdb::{EngineParser, Pool};
use wharf_policy::{Dialect, Policy, TableName, check};

const ROUNDS: usize = 300;

/// About 2 KB in a form that every dialect reads.
fn report() -> String {
    let mut sql = String::from(
        "WITH monthly AS (\n  SELECT customer_id, date_trunc('month', ordered_at) AS month, sum(amount) AS total, count(*) AS n\n  FROM orders WHERE status IN ('paid', 'shipped') AND amount BETWEEN 10 AND 5000 GROUP BY customer_id, date_trunc('month', ordered_at)\n), ranked AS (\n  SELECT customer_id, month, total, n, row_number() OVER (PARTITION BY customer_id ORDER BY total DESC) AS place,\n    lag(total) OVER (PARTITION BY customer_id ORDER BY month) AS before FROM monthly\n)\nSELECT c.country, c.segment",
    );
    for month in 1..=12 {
        sql.push_str(&format!(
            ",\n  sum(CASE WHEN extract(month FROM r.month) = {month} THEN coalesce(r.total, 0) - coalesce(r.before, 0) ELSE 0 END) AS m{month}"
        ));
    }
    sql.push_str("\nFROM ranked r JOIN customers c ON c.id = r.customer_id\nWHERE r.place <= 3 AND lower(c.email) NOT LIKE '%test%' AND c.country <> 'XX'\nGROUP BY c.country, c.segment HAVING count(*) > 5 ORDER BY c.country LIMIT 100");
    sql
}

/// Texts that cost most for their length: deep, long, broken.
fn hostile() -> Vec<(&'static str, String)> {
    vec![
        ("500 brackets", format!("SELECT {}1{} FROM orders", "(".repeat(498), ")".repeat(498))),
        ("500 subqueries", format!("SELECT {}1{} FROM orders", "(SELECT ".repeat(498), ")".repeat(498))),
        ("64 KiB of brackets", "(".repeat(65_000)),
        ("64 KiB of columns", format!("SELECT id{} FROM orders", ", id".repeat(16_000))),
        ("64 KiB of joins", format!("SELECT 1 FROM orders{}", ", orders".repeat(8_000))),
        ("64 KiB of unions", format!("SELECT 1{}", " UNION ALL SELECT 1".repeat(3_400))),
        ("64 KiB of quotes", "'\"`$".repeat(16_000)),
        ("64 KiB of comments", "/*--".repeat(16_000)),
    ]
}

fn main() {
    // As the daemon's threads are.
    std::thread::Builder::new().stack_size(16 << 20).spawn(measure).unwrap().join().unwrap();
}

fn measure() {
    let dir = tempfile::tempdir().unwrap();
    let parser = EngineParser::new(Pool::new(1 << 30, dir.path()));
    let tables = || ["orders", "customers"].map(|t| TableName::new("shop", "main", t)).to_vec();
    let report = report();
    println!(
        "judging {} bytes for the first time, median of {ROUNDS}; the slowest of the hostile texts, once each",
        report.len()
    );
    for dialect in
        [Dialect::Duckdb, Dialect::Postgres, Dialect::Redshift, Dialect::Snowflake, Dialect::Databricks]
    {
        let schema = if dialect == Dialect::Snowflake { "MAIN" } else { "main" };
        let allowed = match dialect {
            Dialect::Snowflake => ["ORDERS", "CUSTOMERS"].map(|t| TableName::new("SHOP", "MAIN", t)).to_vec(),
            _ => tables(),
        };
        let catalog = if dialect == Dialect::Snowflake { "SHOP" } else { "shop" };
        let policy = Policy::new(dialect, allowed, catalog, schema);
        check(&report, &policy, &parser).unwrap();
        let mut all: Vec<Duration> = (0..ROUNDS)
            .map(|_| {
                let begun = Instant::now();
                check(&report, &policy, &parser).unwrap();
                begun.elapsed()
            })
            .collect();
        all.sort_unstable();
        let slowest = hostile()
            .into_iter()
            .map(|(name, sql)| {
                let begun = Instant::now();
                drop(check(&sql, &policy, &parser));
                (begun.elapsed(), name)
            })
            .max()
            .unwrap();
        println!(
            "{:<12} {:>8.1} us   hostile {:>8.2} ms ({})",
            dialect.to_string(),
            all[ROUNDS / 2].as_secs_f64() * 1e6,
            slowest.0.as_secs_f64() * 1e3,
            slowest.1
        );
    }
}
