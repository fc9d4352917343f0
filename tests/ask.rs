//! `wharf ask` and sessions.

use crate::cases::shop;
use crate::support::Place;
use serde_json::Value;

#[test]
fn an_answer_states_its_reading_and_follow_ups_keep_what_they_do_not_change() {
    let place = Place::new();
    if !shop(&place) {
        return;
    }
    let ask = |question: &str| {
        place.json(&["ask", question, "--session", "weekly", "--now", "2024-12-15", "--json"])
    };
    let first = ask("revenue by month in 2024");
    assert_eq!(first["status"], "completed");
    assert!(first["reading"].as_str().unwrap().contains("revenue"), "{first}");
    assert!(first["sql"].as_str().unwrap().to_lowercase().contains("select"));
    assert_eq!(first["result"]["rows"].as_array().unwrap().len(), 12);
    assert_eq!(first["chart"]["mark"], "line");
    let second = ask("only web");
    assert_eq!(second["session_id"], first["session_id"]);
    assert!(second["query"].to_string().contains("web"), "{second}");
    let shown = place.ok(&["session", "show", "weekly"]);
    assert!(shown.contains("> revenue by month in 2024") && shown.contains("> only web"), "{shown}");
    let listed = place.json(&["session", "list", "--json"]);
    assert_eq!(listed[0]["message_count"], 4);
    place.ok(&["session", "rename", "weekly", "monthly"]);
    place.ok(&["session", "delete", "monthly"]);
    place.fails(&["session", "show", "monthly"], 6);
}

#[test]
fn what_cannot_be_answered_says_so_without_a_number() {
    let place = Place::new();
    if !shop(&place) {
        return;
    }
    let ran = place.run(&["ask", "profit by month", "--json"]);
    assert_eq!(ran.code, 1);
    let answer: Value = serde_json::from_str(&ran.out).unwrap();
    assert_eq!(answer["status"], "unanswered");
    assert!(answer["result"].is_null() && answer["sql"].is_null());
    assert!(!answer["offers"].as_array().unwrap().is_empty());
    assert!(place.fails(&["ask", "revenue", "--provider", "oracle"], 6).contains("local"));
    assert!(place.fails(&["ask", "revenue", "--now", "tomorrow"], 2).contains("2024-12-15"));
    assert!(place.fails(&["ask", " "], 2).contains("no question"));
}

#[test]
fn events_are_numbered_without_a_gap_and_end_with_complete() {
    let place = Place::new();
    if !shop(&place) {
        return;
    }
    let out = place.ok(&["ask", "orders by channel", "--stream-json"]);
    let events: Vec<Value> = out.lines().map(|l| serde_json::from_str(l).unwrap()).collect();
    let numbers: Vec<u64> = events.iter().map(|e| e["seq"].as_u64().unwrap()).collect();
    assert_eq!(numbers, (1..=numbers.len() as u64).collect::<Vec<_>>());
    let kinds: Vec<&str> = events.iter().map(|e| e["type"].as_str().unwrap()).collect();
    assert_eq!((kinds[0], kinds[kinds.len() - 1]), ("session", "complete"));
    for kind in ["thinking", "sql", "tool", "table", "chart", "token", "usage"] {
        assert!(kinds.contains(&kind), "{kind} is missing in {kinds:?}");
    }
    let ran = place.run(&["ask", "orders by channel", "--ephemeral"]);
    assert_eq!(ran.code, 0, "{}", ran.err);
    assert_eq!(place.json(&["session", "list", "--json"]).as_array().unwrap().len(), 1);
}

#[test]
fn model_lint_gives_the_verdicts_of_the_cases() {
    let Some(file) = crate::support::shared("cases/semantic/validate.json") else { return };
    let place = Place::new();
    let cases: Value = serde_json::from_slice(&std::fs::read(&file).unwrap()).unwrap();
    let cases = cases.as_array().or_else(|| cases["cases"].as_array()).unwrap().clone();
    let mut checked = 0;
    for case in cases.iter().filter(|c| c["expect"]["valid"].is_boolean()) {
        let name = case["file"].as_str().unwrap();
        let path = file.parent().unwrap().join(if name.contains('/') {
            name.to_owned()
        } else {
            format!("validate/{name}")
        });
        let tables: Vec<&str> =
            case["tables"].as_array().into_iter().flatten().filter_map(Value::as_str).collect();
        let (path, tables) = (path.display().to_string(), tables.join(","));
        let mut args = vec!["model", "lint", &path];
        if !tables.is_empty() {
            args.extend(["--tables", &tables]);
        }
        let ran = place.run(&args);
        assert_eq!(
            ran.code,
            if case["expect"]["valid"] == true { 0 } else { 1 },
            "{name}: {} {}",
            ran.out,
            ran.err
        );
        assert_eq!(ran.out.is_empty(), case["expect"]["valid"] == true, "{name}: {}", ran.out);
        for word in case["expect"]["must_mention"].as_array().into_iter().flatten() {
            assert!(ran.out.contains(word.as_str().unwrap()), "{name}: {word} is not in {}", ran.out);
        }
        checked += 1;
    }
    assert!(checked > 30);
}
