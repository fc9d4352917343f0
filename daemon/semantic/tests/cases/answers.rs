//! Every query has its known answer, every wrong query its refusal.

use serde_json::Value;
use wharf_semantic::{MetricQuery, Model, Options, QueryError, compile, dimension_values, group_by_items};

use crate::support;

fn compiled(model: &Model, query: &Value) -> Result<String, QueryError> {
    let query = MetricQuery::from_json(query)?;
    Ok(compile(model, &query, &Options::default())?.sql)
}

/// Runs a case; the reason when it fails.
fn failure(model: &Model, engine: &duckdb::Connection, case: &Value) -> Option<String> {
    let expect = &case["expect"];
    let outcome = compiled(model, &case["query"]);
    if let Some(wanted) = expect.get("error") {
        return match outcome {
            Ok(_) => Some("was not refused".to_owned()),
            Err(error) => refusal(&error, wanted),
        };
    }
    match outcome {
        Err(error) => Some(format!("refused: {} {error} {:?}", error.kind.name(), error.hint)),
        Ok(sql) => match support::run(engine, &sql) {
            Err(error) => Some(format!("{error}\n{sql}")),
            Ok((names, rows)) => support::differs(&names, &rows, expect).map(|why| format!("{why}\n{sql}")),
        },
    }
}

fn refusal(error: &QueryError, wanted: &Value) -> Option<String> {
    let plain = |kind: &str| kind.replace("unknown_", "unreachable_");
    let kind = wanted["kind"].as_str().unwrap_or_default();
    if plain(kind) != plain(error.kind.name()) {
        return Some(format!("kind {}, wanted {kind}: {error}", error.kind.name()));
    }
    let texts = |key: &str| -> Vec<String> {
        let list = wanted[key].as_array().cloned().unwrap_or_default();
        list.iter().filter_map(|text| text.as_str().map(str::to_owned)).collect()
    };
    let mention = texts("must_mention").into_iter().find(|text| !error.message.contains(text));
    let suggest = texts("must_suggest").into_iter().find(|text| !error.suggestions.contains(text));
    mention
        .map(|text| format!("does not mention {text}: {error}"))
        .or(suggest.map(|text| format!("does not suggest {text}: {:?}", error.suggestions)))
}

fn check(model_folder: &str, files: &[&str]) {
    let Some(folder) = support::folder() else { return };
    let engine = support::engine(&folder);
    let model = support::model(&folder, model_folder);
    let mut failed = Vec::new();
    let mut count = 0;
    for file in files {
        for case in support::json(&folder, file).as_array().expect("cases") {
            count += 1;
            if let Some(why) = failure(&model, &engine, case) {
                failed.push(format!("{} {}: {why}", case["id"], case["title"]));
            }
        }
    }
    assert!(failed.is_empty(), "{} of {count} failed\n\n{}", failed.len(), failed.join("\n\n"));
}

const FILES: [&str; 3] = ["queries.json", "errors.json", "beyond_peer.json"];

#[test]
fn every_query_has_its_answer_in_layout_a() {
    check("model", &FILES);
}

#[test]
fn every_query_has_its_answer_in_layout_b() {
    check("model_v2", &FILES);
}

#[test]
fn what_can_be_asked_is_listed() {
    let Some(folder) = support::folder() else { return };
    let engine = support::engine(&folder);
    let model = support::model(&folder, "model");
    let texts = |value: &Value| -> Vec<String> {
        value.as_array().expect("a list").iter().filter_map(|v| v.as_str().map(str::to_owned)).collect()
    };
    for case in support::json(&folder, "listings.json").as_array().expect("cases") {
        let (query, expect) = (&case["query"], &case["expect"]);
        if let Some(item) = query["dimension_values"].as_str() {
            let metrics = texts(&query["metrics"]);
            let metrics: Vec<&str> = metrics.iter().map(String::as_str).collect();
            let compiled = dimension_values(&model, &metrics, item, &Options::default()).expect("compiles");
            let (_, rows) = support::run(&engine, &compiled.sql).expect("runs");
            let values: Vec<Value> = rows.into_iter().flatten().collect();
            assert_eq!(Value::Array(values), expect["values"], "{}\n{}", case["id"], compiled.sql);
            continue;
        }
        let metrics = texts(&query["list_group_by_for"]);
        let metrics: Vec<&str> = metrics.iter().map(String::as_str).collect();
        let items = group_by_items(&model, &metrics).expect("known metrics");
        assert_eq!(items.dimensions, texts(&expect["dimensions"]), "{}", case["id"]);
        assert_eq!(items.entities, texts(&expect["entities"]), "{}", case["id"]);
    }
}
