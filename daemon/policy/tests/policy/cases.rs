//! The shared cases.

use crate::support::Engine;
use wharf_policy::{Decision, PolicyCase, judge_line};

const CASES: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../../../shared/cases/sql-policy.jsonl");

#[test]
fn shared_cases() {
    let Ok(text) = std::fs::read_to_string(CASES) else {
        println!("skipped: the shared cases are not beside this repository");
        return;
    };
    let engine = Engine::new();
    let mut wrong = Vec::new();
    for line in text.lines() {
        let case: serde_json::Value = serde_json::from_str(line).unwrap();
        let judged: PolicyCase = serde_json::from_str(line).unwrap();
        let verdict = judged.judge(&engine);
        let allowed = verdict.decision == Decision::Allow;
        let expected = case["expect"] == "allow";
        if allowed != expected {
            wrong.push(format!("{line}\n    {verdict:?}"));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn a_line_gives_a_line() {
    let line = r#"{"id": "a", "sql": "TABLE t", "dialect": "duckdb", "allowed_tables": ["s.t"], "default_catalog": "c",
        "default_schema": "s", "more": 1}"#;
    let engine = Engine::new();
    assert_eq!(judge_line(line, &engine).unwrap(), r#"{"id":"a","decision":"allow","reason":"reads c.s.t"}"#);
    let refused = judge_line(&line.replace("TABLE t", "TABLE u"), &engine).unwrap();
    assert!(refused.contains(r#""decision":"deny","reason":"table_not_allowed: "#), "{refused}");
    let postgres = judge_line(&line.replace("\"duckdb\"", "\"postgres\""), &engine).unwrap();
    assert!(postgres.contains(r#""decision":"allow","reason":"reads c.s.t""#), "{postgres}");
    let unreadable = judge_line(&line.replace("\"s.t\"", "\"t\""), &engine).unwrap();
    assert!(unreadable.contains("bad_policy"), "{unreadable}");
    assert!(judge_line("{}", &engine).is_err());
}
