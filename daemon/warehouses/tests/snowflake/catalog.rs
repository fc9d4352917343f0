//! Lists of tables that fakesnow cannot make: views, and more columns than a page holds.

use super::far::{Far, Request};
use super::source_at;
use super::story::{HANDLE, Story};
use serde_json::{Value, json};
use std::sync::Mutex;
use wharf_warehouses::{Source, TableKind};

fn texts(names: &[&str]) -> Vec<Value> {
    names.iter().map(|name| json!({"name": name, "type": "text"})).collect()
}

/// The value bound to a position.
fn bound(body: &Value, at: &str) -> String {
    body["bindings"][at]["value"].as_str().unwrap_or_default().to_owned()
}

fn tables(body: &Value) -> Story {
    let after = bound(body, "2");
    let names = (0..7).map(|at| format!("T{at}")).filter(|name| *name > after);
    let kinds = |name: &str| if name == "T3" { "MATERIALIZED VIEW" } else { "BASE TABLE" };
    let rows = names.map(|name| vec![json!(name), json!(kinds(&name)), Value::Null, json!("")]).collect();
    Story::of(texts(&["TABLE_NAME", "TABLE_TYPE", "ROW_COUNT", "COMMENT"]), rows)
}

fn columns(body: &Value) -> Story {
    let (after, last) = (bound(body, "2"), bound(body, "3"));
    let names = (0..7).map(|at| format!("T{at}")).filter(|name| *name > after && *name <= last);
    let rows = names.flat_map(|name| {
        (0..10_000).map(move |at| {
            vec![
                json!(name),
                json!(format!("C{at}")),
                json!("TEXT"),
                json!("16777216"),
                Value::Null,
                Value::Null,
                json!("NO"),
                json!("what it is"),
            ]
        })
    });
    Story::of(
        texts(&[
            "TABLE_NAME",
            "COLUMN_NAME",
            "DATA_TYPE",
            "CHARACTER_MAXIMUM_LENGTH",
            "NUMERIC_PRECISION",
            "NUMERIC_SCALE",
            "IS_NULLABLE",
            "COMMENT",
        ]),
        rows.collect(),
    )
}

#[tokio::test]
async fn many_columns_make_short_pages_and_views_are_told() {
    let story: Mutex<Story> = Mutex::default();
    let far = Far::new(move |request: &Request| {
        let mut story = story.lock().unwrap();
        if request.is_submit() {
            let body = request.json();
            *story = if body["statement"].as_str().unwrap().contains(".COLUMNS") {
                columns(&body)
            } else {
                tables(&body)
            };
        }
        story.answer(request)
    })
    .await;
    let source = source_at(&far.base, "");
    let first = source.tables("S1", None).await.unwrap();
    assert_eq!(first.items.len(), 6);
    assert_eq!(first.next.as_deref(), Some("T5"));
    assert!(
        first
            .items
            .iter()
            .all(|table| table.columns.len() == 10_000 && table.rows.is_none() && table.comment.is_none())
    );
    assert_eq!((first.items[3].kind, first.items[4].kind), (TableKind::View, TableKind::Table));
    let column = &first.items[0].columns[0];
    assert_eq!(
        (column.type_name.as_str(), column.nullable, column.comment.as_deref()),
        ("VARCHAR", Some(false), Some("what it is"))
    );
    let rest = source.tables("S1", first.next.as_deref()).await.unwrap();
    assert_eq!((rest.items.len(), rest.items[0].name.as_str(), rest.next), (1, "T6", None));
    // What was not read to its end is stopped.
    assert!(far.log().iter().any(|request| request.is_cancel() && request.path.contains(HANDLE)));
}
