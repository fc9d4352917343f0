//! Exact figures against a naive computation, on random small tables.

use super::*;
use proptest::prelude::*;
use std::collections::{BTreeMap, HashSet};

type Row = (Option<i64>, Option<i32>, Option<String>);

fn rows() -> impl Strategy<Value = Vec<Row>> {
    let integer = prop_oneof![Just(None), (-50_i64..50).prop_map(Some), any::<i64>().prop_map(Some)];
    let cents = prop_oneof![Just(None), (-300_i32..300).prop_map(Some)];
    let word = prop_oneof![Just(None), "[a-cé']{0,3}".prop_map(Some)];
    prop::collection::vec((integer, cents, word), 0..40)
}

fn insert(rows: &[Row]) -> String {
    let text = |v: Option<String>| v.unwrap_or_else(|| "null".to_owned());
    let line = |(i, cents, word): &Row| {
        let cents = cents.map(|c| format!("({c} / 100.0)::decimal(5,2)"));
        let word = word.as_ref().map(|w| format!("'{}'", w.replace('\'', "''")));
        format!("insert into t values ({}, {}, {});", text(i.map(|i| i.to_string())), text(cents), text(word))
    };
    rows.iter().map(line).collect()
}

fn frequent<T: Ord + Clone>(values: &[T]) -> Vec<(T, u64)> {
    let mut counts: BTreeMap<T, u64> = BTreeMap::new();
    for value in values {
        *counts.entry(value.clone()).or_default() += 1;
    }
    let mut counts: Vec<(T, u64)> = counts.into_iter().collect();
    counts.sort_by(|a, b| b.1.cmp(&a.1).then_with(|| a.0.cmp(&b.0)));
    counts.truncate(10);
    counts
}

async fn compare(rows: &[Row]) {
    let world = World::database(&format!(
        "create table t (i bigint, cents decimal(5,2), word varchar); {}",
        insert(rows)
    ))
    .await;
    let p = world.profile("t").await;
    assert_eq!(p.rows, rows.len() as u64);
    let different: HashSet<&Row> = rows.iter().collect();
    assert_eq!(
        (p.duplicate_rows.value, p.duplicate_rows.exact),
        ((rows.len() - different.len()) as u64, true)
    );

    let mut integers: Vec<i64> = rows.iter().filter_map(|r| r.0).collect();
    integers.sort_unstable();
    check_numbers(
        column(&p, "i"),
        rows.len(),
        &integers.iter().map(|i| i128::from(*i)).collect::<Vec<_>>(),
        0,
    );
    let mut cents: Vec<i128> = rows.iter().filter_map(|r| r.1).map(i128::from).collect();
    cents.sort_unstable();
    check_numbers(column(&p, "cents"), rows.len(), &cents, 2);

    let words: Vec<String> = rows.iter().filter_map(|r| r.2.clone()).collect();
    let word = column(&p, "word");
    assert_eq!(word.distinct.value, words.iter().collect::<HashSet<_>>().len() as u64);
    assert_eq!((word.min.as_ref(), word.max.as_ref()), (words.iter().min(), words.iter().max()));
    let expected = frequent(&words);
    assert_eq!(top(word), expected.iter().map(|(w, c)| (w.as_str(), *c)).collect::<Vec<_>>());
    if let Some(text) = &word.text {
        assert_eq!(text.max_length, words.iter().map(|w| w.chars().count()).max().unwrap() as u64);
        assert_eq!(text.empty, words.iter().filter(|w| w.is_empty()).count() as u64);
    }
}

/// `values` are sorted, in units of `10^-scale`.
fn check_numbers(column: &ColumnProfile, rows: usize, values: &[i128], scale: u32) {
    let unit = 10_i128.pow(scale);
    let text = |v: i128| {
        let (sign, v) = (if v < 0 { "-" } else { "" }, v.unsigned_abs());
        let unit = unit.unsigned_abs();
        if scale == 0 { format!("{sign}{v}") } else { format!("{sign}{}.{:02}", v / unit, v % unit) }
    };
    let number = column.number.as_ref().unwrap();
    assert_eq!(column.nulls as usize, rows - values.len());
    assert_eq!(column.min, values.first().map(|v| text(*v)));
    assert_eq!(column.max, values.last().map(|v| text(*v)));
    assert_eq!(column.distinct.value as usize, values.iter().collect::<HashSet<_>>().len());
    assert_eq!(number.zeros as usize, values.iter().filter(|v| **v == 0).count());
    assert_eq!(number.negative as usize, values.iter().filter(|v| **v < 0).count());
    let top: Vec<(String, u64)> = column.top.iter().map(|t| (t.value.clone(), t.count)).collect();
    assert_eq!(top, frequent(values).into_iter().map(|(v, c)| (text(v), c)).collect::<Vec<_>>());
    if values.is_empty() {
        assert!(number.sum.is_none() && number.mean.is_none() && column.histogram.is_empty());
        return;
    }
    let sum: i128 = values.iter().sum();
    assert_eq!(number.sum.as_deref(), Some(&*text(sum)));
    let mean = sum as f64 / unit as f64 / values.len() as f64;
    assert!((number.mean.unwrap() - mean).abs() <= mean.abs() * 1e-12);
    for q in &number.quantiles {
        let at = (q.q * values.len() as f64).ceil().max(1.0) as usize - 1;
        assert_eq!((q.exact, &q.value), (true, &text(values[at])), "{}", q.q);
    }
    check_bins(column, values);
}

/// Every value lies in the bin that its bounds say, counted with whole numbers only.
fn check_bins(column: &ColumnProfile, values: &[i128]) {
    let bins = column.histogram.len() as i128;
    let (low, high) = (values[0], values[values.len() - 1]);
    let mut expected = vec![0; bins as usize];
    for value in values {
        let bin = if high == low { 0 } else { ((value - low) * bins / (high - low)).min(bins - 1) };
        expected[bin as usize] += 1;
    }
    assert_eq!(counts(column), expected);
}

#[test]
fn exact_figures_equal_a_naive_computation() {
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap();
    let mut runner =
        proptest::test_runner::TestRunner::new(ProptestConfig { cases: 60, ..ProptestConfig::default() });
    runner
        .run(&rows(), |rows| {
            runtime.block_on(compare(&rows));
            Ok(())
        })
        .unwrap();
}
