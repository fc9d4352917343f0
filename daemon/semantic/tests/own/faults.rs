//! Faults of model files point at the place and say what to do.

use wharf_semantic::{Model, lint};

use crate::library;

fn faults(text: &str) -> Vec<(u32, u32, String, String)> {
    let found = lint(&[("m.yml", text)], None);
    found.into_iter().map(|e| (e.line, e.column, e.message, e.hint.unwrap_or_default())).collect()
}

/// The sound model with one line changed, and the faults that gives.
fn changed(from: &str, to: &str) -> Vec<(u32, u32, String, String)> {
    assert!(library::MODEL.contains(from), "{from} is in the model");
    faults(&library::MODEL.replacen(from, to, 1))
}

#[test]
fn a_misspelt_key_is_found_where_it_stands() {
    let found = faults("semantic_models:\n  - name: loans\n    model: loans\n    messures: []\n");
    let [(4, 5, message, hint)] = found.as_slice() else { panic!("{found:?}") };
    assert!(message.contains("`messures`"), "{message}");
    assert_eq!(hint, "did you mean `measures`?");
}

#[test]
fn a_wrong_word_is_answered_with_the_right_one() {
    let found = changed("agg: median", "agg: medain");
    let [(_, 34, message, hint)] = found.as_slice() else { panic!("{found:?}") };
    assert!(message.contains("`medain`") && hint.contains("`median`"), "{message} {hint}");
}

#[test]
fn a_reference_that_leads_nowhere_names_the_nearest() {
    let found = changed("denominator: fees", "denominator: fee");
    let [(line, _, message, hint)] = found.as_slice() else { panic!("{found:?}") };
    assert_eq!(
        library::MODEL.lines().nth(*line as usize - 1).map(|l| l.contains("fine_per_fee")),
        Some(true)
    );
    assert!(message.contains("`fee`") && hint.contains("`fees`"), "{message} {hint}");
}

#[test]
fn all_faults_of_all_files_come_at_once_in_order() {
    let a = "metrics:\n  - {name: aa, type: simple, type_params: {measure: nothing_here}}\n  - {name: bb, type: sum}\n";
    let b = "metrics:\n  - {name: cc, type: ratio, type_params: {numerator: bb, denominator: zz}}\n";
    let errors = Model::parse(&[("b.yml", b), ("a.yml", a)]).expect_err("faulty");
    let places: Vec<(&str, u32)> = errors.iter().map(|e| (e.file.as_str(), e.line)).collect();
    assert_eq!(places, [("b.yml", 2), ("a.yml", 2), ("a.yml", 3)], "{errors:?}");
}

#[test]
fn an_expression_that_could_leak_is_refused() {
    for bad in ["fee); drop table x", "fee -- x", "fee, 1", "fee from loans", "'fee"] {
        let found = changed("agg: sum, expr: fee}", &format!("agg: sum, expr: {}}}", serde_json::json!(bad)));
        assert!(found.iter().any(|(.., message, _)| message.contains("fee_total")), "{bad}: {found:?}");
    }
}

#[test]
fn a_derived_expression_knows_its_inputs_only() {
    let found = changed("fees + coalesce(fine_total, 0)", "fees + coalesce(fine_totl, 0)");
    let [(.., message, hint)] = found.as_slice() else { panic!("{found:?}") };
    assert!(message.contains("`fine_totl`") && hint.contains("`fine_total`"), "{message} {hint}");
}

#[test]
fn a_file_for_other_tools_is_left_alone() {
    let other = "version: 2\nmodels:\n  - name: stg\n    columns:\n      - name: a\n        tests: [unique]\nsources: []\n";
    assert_eq!(faults(other), []);
    assert_eq!(faults(""), []);
    assert_eq!(faults("# only a comment\n"), []);
}

#[test]
fn a_broken_document_is_one_fault() {
    for broken in ["a: [", "- 1\n- 2\n", "just text", "metrics: 5", "metrics: [5]", "a: b: c"] {
        assert!(!faults(broken).is_empty(), "{broken:?}");
    }
}
