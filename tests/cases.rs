//! The shared cases, through the executable as a script would call it.

use crate::support::{Place, shared};
use serde_json::{Value, json};

#[test]
fn policy_cases_of_all_dialects() {
    let Some(file) = shared("cases/sql-policy.jsonl") else { return };
    let place = Place::new();
    let out = place.ok(&["policy", "check", "--from", &file.display().to_string(), "--format", "ndjson"]);
    let verdicts: Vec<Value> = out.lines().map(|l| serde_json::from_str(l).unwrap()).collect();
    let cases: Vec<Value> =
        std::fs::read_to_string(&file).unwrap().lines().map(|l| serde_json::from_str(l).unwrap()).collect();
    assert_eq!(verdicts.len(), cases.len());
    for (case, verdict) in cases.iter().zip(&verdicts) {
        assert_eq!(case["id"], verdict["id"]);
        assert_eq!(case["expect"], verdict["decision"], "{case} {verdict}");
    }
    assert!(cases.len() > 30);
}

/// The shop of the semantic cases as a source.
pub fn shop(place: &Place) -> bool {
    let Some(dir) = shared("cases/semantic") else { return false };
    let path = |name: &str| dir.join(name).display().to_string();
    place.ok(&[
        "source",
        "add",
        "shop",
        &path("data"),
        "--models",
        &path("model"),
        "--types",
        &path("tables.json"),
    ]);
    true
}

/// A value as the cases write it, compared within their tolerance.
fn same(expected: &Value, got: &Value) -> bool {
    match (expected, got) {
        (Value::Number(a), Value::Number(b)) => {
            let (a, b) = (a.as_f64().unwrap(), b.as_f64().unwrap());
            (a - b).abs() <= 1e-9 * a.abs().max(1.0)
        }
        // Some engines have hours as instants, which end with a Z.
        (Value::String(a), Value::String(b)) => {
            let b = b.strip_suffix('Z').unwrap_or(b);
            a == b || b.strip_suffix("T00:00:00") == Some(a.as_str())
        }
        (a, b) => a == b,
    }
}

/// Sorted by text, so that multisets can be compared row by row.
fn sorted(mut rows: Vec<Vec<Value>>) -> Vec<Vec<Value>> {
    let key = |row: &Vec<Value>| {
        row.iter()
            .map(|v| {
                v.as_f64().map_or_else(|| v.to_string().replace("T00:00:00", ""), |f| format!("{f:.6e}"))
            })
            .collect::<Vec<_>>()
    };
    rows.sort_by_key(key);
    rows
}

fn compare(columns: &[String], expected: &[Value], ordered: bool, got: &Value) -> Result<(), String> {
    let expected: Vec<Vec<Value>> = expected.iter().map(|r| r.as_array().unwrap().clone()).collect();
    let got: Vec<Vec<Value>> = got
        .as_array()
        .unwrap()
        .iter()
        .map(|row| columns.iter().map(|c| row.get(c).cloned().unwrap_or(json!("missing column"))).collect())
        .collect();
    let (expected, got) = if ordered { (expected, got) } else { (sorted(expected), sorted(got)) };
    if expected.len() != got.len() {
        return Err(format!("{} rows expected, {} came", expected.len(), got.len()));
    }
    for (e, g) in expected.iter().zip(&got) {
        if !e.iter().zip(g).all(|(a, b)| same(a, b)) {
            return Err(format!("expected {e:?}, came {g:?}"));
        }
    }
    Ok(())
}

#[test]
fn metric_queries_give_the_expected_rows() {
    let place = Place::new();
    if !shop(&place) {
        return;
    }
    metric_queries(&place);
}

/// Runs every metric query of the cases against the source `shop`.
pub fn metric_queries(place: &Place) {
    let cases: Value =
        serde_json::from_slice(&std::fs::read(shared("cases/semantic/queries.json").unwrap()).unwrap())
            .unwrap();
    let cases = cases
        .as_array()
        .or_else(|| cases["cases"].as_array())
        .or_else(|| cases["queries"].as_array())
        .unwrap();
    let mut wrong = Vec::new();
    for case in cases {
        let args = ["metric", "query", "--source", "shop", "--from", "-", "--format", "json"];
        let ran = place.pipe(&args, case["query"].to_string());
        let columns: Vec<String> = case["expect"]["columns"]
            .as_array()
            .unwrap()
            .iter()
            .map(|c| c["name"].as_str().or(c.as_str()).unwrap().to_owned())
            .collect();
        let ordered = case["ordered"].as_bool().or(case["expect"]["ordered"].as_bool()).unwrap_or(false);
        let result = if ran.code == 0 {
            let got: Value = serde_json::from_str(&ran.out).unwrap();
            compare(&columns, case["expect"]["rows"].as_array().unwrap(), ordered, &got)
        } else {
            Err(ran.err)
        };
        if let Err(why) = result {
            wrong.push(format!("{}: {why}", case["id"]));
        }
    }
    assert!(wrong.is_empty(), "{} of {}:\n{}", wrong.len(), cases.len(), wrong.join("\n"));
    assert!(cases.len() > 100);
}

/// The answer's rows must equal those of one of the queries, in order where the query orders.
fn right(place: &Place, turn: &Value, answer: &Value) -> Result<(), String> {
    if turn["cannot"].as_bool() == Some(true) {
        if !answer["result"].is_null() || answer["status"] != "unanswered" {
            return Err(format!("answered what cannot be answered: {answer}"));
        }
        let offer = format!("{} {}", answer["answer"], answer["offers"]);
        let missing =
            turn["must_offer"].as_array().unwrap().iter().find(|m| !offer.contains(m.as_str().unwrap()));
        return missing.map_or(Ok(()), |m| Err(format!("{m} is not offered: {offer}")));
    }
    if answer["result"].is_null() {
        return Err(format!("no answer: {}", answer["answer"]));
    }
    let columns: Vec<String> = answer["result"]["columns"]
        .as_array()
        .unwrap()
        .iter()
        .map(|c| c["name"].as_str().unwrap().to_owned())
        .collect();
    let rows: Vec<Value> = answer["result"]["rows"]
        .as_array()
        .unwrap()
        .iter()
        .map(|row| {
            Value::Object(columns.iter().cloned().zip(row.as_array().unwrap().iter().cloned()).collect())
        })
        .collect();
    let mut why = String::new();
    for query in turn["any_of"].as_array().unwrap() {
        let args = ["metric", "query", "--source", "shop", "--from", "-", "--format", "json"];
        let expected: Value = serde_json::from_str(&place.pipe(&args, query.to_string()).out).unwrap();
        let mut expected: Vec<Value> = expected.as_array().unwrap().clone();
        for condition in turn["having"].as_array().into_iter().flatten() {
            let (metric, op, bound) = (
                condition[0].as_str().unwrap(),
                condition[1].as_str().unwrap(),
                condition[2].as_f64().unwrap(),
            );
            expected.retain(|row| {
                let value = row[metric].as_f64().unwrap_or(f64::NAN);
                match op {
                    ">" => value > bound,
                    ">=" => value >= bound,
                    "<" => value < bound,
                    _ => value <= bound,
                }
            });
        }
        let names: Vec<String> = match expected.first() {
            Some(row) => row.as_object().unwrap().keys().cloned().collect(),
            None => Vec::new(),
        };
        let expected: Vec<Value> =
            expected.iter().map(|row| Value::Array(names.iter().map(|n| row[n].clone()).collect())).collect();
        match compare(&names, &expected, !query["order_by"].is_null(), &Value::Array(rows.clone())) {
            Ok(()) => return Ok(()),
            Err(e) => why = e,
        }
    }
    Err(format!("read as {}: {why}", answer["reading"]))
}

#[test]
fn questions_are_answered_with_the_right_rows() {
    let place = Place::new();
    if shop(&place) {
        questions(&place, usize::MAX);
    }
}

/// Asks the questions of the cases of the source `shop`, at most so many conversations.
pub fn questions(place: &Place, most: usize) {
    let text = std::fs::read_to_string(shared("cases/questions/shop.jsonl").unwrap()).unwrap();
    let (mut wrong, mut turns) = (Vec::new(), 0);
    for case in text.lines().take(most).map(|l| serde_json::from_str::<Value>(l).unwrap()) {
        let (id, now) = (case["id"].as_str().unwrap(), case["now"].as_str().unwrap());
        for turn in case["turns"].as_array().unwrap() {
            turns += 1;
            let question = turn["question"].as_str().unwrap();
            let ran =
                place.run(&["ask", question, "--source", "shop", "--session", id, "--now", now, "--json"]);
            let answer: Value = serde_json::from_str(&ran.out)
                .unwrap_or_else(|e| panic!("{question}: {e}: {} {}", ran.out, ran.err));
            if let Err(why) = right(place, turn, &answer) {
                wrong.push(format!("{id} {question}: {why}"));
            }
        }
    }
    assert!(wrong.is_empty(), "{} of {turns}:\n{}", wrong.len(), wrong.join("\n"));
}
