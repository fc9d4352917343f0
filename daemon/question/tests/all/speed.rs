//! Reading stays fast over a large vocabulary.

use std::time::{Duration, Instant};

use wharf_question::{DimensionKind, DimensionTerm, MetricTerm, Outcome, Reader, Vocabulary};

use crate::script::{self, DAILY};

fn large() -> Vocabulary {
    let dimensions: Vec<DimensionTerm> = (0..200)
        .map(|number| DimensionTerm {
            name: format!("thing__aspect_{}", word(number)),
            kind: DimensionKind::Categorical,
            values: (0..100).map(|value| format!("{} {}", word(number * 100 + value), word(value))).collect(),
            ..DimensionTerm::default()
        })
        .collect();
    let metric = |number: usize| MetricTerm {
        name: format!("figure_{}", word(number)),
        dimensions: (0..200).collect(),
        has_time: true,
        finest_grain: DAILY,
        ..MetricTerm::default()
    };
    Vocabulary { metrics: (0..200).map(metric).collect(), dimensions, custom_grains: Vec::new() }
}

/// A different word for each number.
fn word(mut number: usize) -> String {
    let mut word = String::from("b");
    for _ in 0..4 {
        word.push(char::from(b"bdfgklmnprstvz"[number % 14]));
        word.push(char::from(b"aeiou"[number % 5]));
        number = number / 14 + 3;
    }
    word
}

#[test]
fn a_question_over_twenty_thousand_values_is_quick() {
    let reader = Reader::new(large());
    let now = script::noon("2025-03-12");
    let question =
        format!("figure {} by aspect {} for {} {} last month", word(7), word(9), word(4217), word(17));
    let typo = format!("figur {} by aspct {} in {}x quux blorp", word(7), word(9), word(4217));
    let good = matches!(reader.read(&question, now, None), Outcome::Query(_));
    assert!(good, "{:#?}", reader.read(&question, now, None));
    // A build without optimisation is an order of magnitude slower than a release.
    let most = Duration::from_millis(if cfg!(debug_assertions) { 100 } else { 5 });
    for text in [question, typo] {
        let best = (0..5)
            .map(|_| {
                let start = Instant::now();
                let _ = reader.read(&text, now, None);
                start.elapsed()
            })
            .min()
            .unwrap();
        println!("{text:?}: {best:?}");
        assert!(best < most, "{text:?} took {best:?}");
    }
}
