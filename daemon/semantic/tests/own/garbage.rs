//! Whatever is fed in, the answer is a result and never a panic.

use proptest::prelude::*;
use wharf_semantic::{MetricQuery, Options, compile, lint};

use crate::library;

/// Model text with pieces cut out, doubled or replaced.
fn mangled() -> impl Strategy<Value = String> {
    let piece = prop_oneof![
        Just(String::new()),
        Just("  ".to_owned()),
        Just("{{".to_owned()),
        Just("\n- ".to_owned()),
        Just(": [".to_owned()),
        Just("null".to_owned()),
        Just("&a *a".to_owned()),
        "[ -~\n]{0,12}",
    ];
    (0..library::MODEL.len(), 0..40_usize, piece).prop_map(|(at, length, piece)| {
        let text = library::MODEL;
        let start = (0..=at).rev().find(|&i| text.is_char_boundary(i)).unwrap_or(0);
        let end = (start + length).min(text.len());
        let end = (end..=text.len()).find(|&i| text.is_char_boundary(i)).unwrap_or(text.len());
        format!("{}{piece}{}", &text[..start], &text[end..])
    })
}

fn words() -> impl Strategy<Value = String> {
    prop_oneof![
        Just("loans".to_owned()),
        Just("fine_per_fee".to_owned()),
        Just("loan__branch".to_owned()),
        Just("metric_time__month".to_owned()),
        Just("{{ Dimension('loan__branch') }} = 'x'".to_owned()),
        Just("{{ Metric('fines', group_by=['loan']) }} > 1".to_owned()),
        "[a-z_]{0,10}",
        "[{}()'\"a-zA-Z_ =<>.,;0-9\\[\\]-]{0,40}",
        "\\PC{0,20}",
    ]
}

fn config() -> ProptestConfig {
    ProptestConfig { cases: 400, failure_persistence: None, ..ProptestConfig::default() }
}

proptest! {
    #![proptest_config(config())]

    #[test]
    fn any_model_text_is_read_or_refused(text in prop_oneof![mangled(), "[ -~\n]{0,200}", "\\PC{0,80}"]) {
        for error in lint(&[("m.yml", &text)], Some(&["loans"])) {
            prop_assert!(error.line > 0 && error.column > 0 && !error.message.is_empty());
        }
    }

    #[test]
    fn any_question_is_compiled_or_refused(
        metrics in prop::collection::vec(words(), 0..3),
        group_by in prop::collection::vec(words(), 0..3),
        filters in prop::collection::vec(words(), 0..3),
        order_by in prop::collection::vec(words(), 0..2),
        start_time in prop::option::of(prop_oneof![Just("2024-02-30".to_owned()), Just("262143-12-31".to_owned()), "[0-9T:-]{0,12}"]),
    ) {
        let query = MetricQuery { metrics, group_by, r#where: filters, order_by, start_time, ..MetricQuery::default() };
        let model = library::model();
        if let Err(error) = compile(&model, &query, &Options::default()) {
            prop_assert!(!error.message.is_empty());
        }
    }
}
