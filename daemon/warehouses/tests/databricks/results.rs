//! Statements, their ways, their chunks and their ends.

use super::face::{Face, Fault};
use super::support::{all, ask, by, failure, is_whole, one, plan, small, source};
use futures::StreamExt;
use serde_json::json;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};
use wharf_protocol::Param;
use wharf_warehouses::{Ask, Session, Source};

#[tokio::test]
async fn a_small_result_takes_one_round_trip_and_a_large_one_comes_by_links() {
    let face = Face::start().await;
    face.plan("q", plan(&[10]));
    let source = source(&face);
    is_whole(&all(source.execute(small("q")).await.unwrap()).await.unwrap(), 10).unwrap();
    assert_eq!(face.log().len(), 1, "{:?}", face.log());
    let sent = face.log()[0].json();
    assert_eq!(
        (&sent["disposition"], &sent["format"], &sent["row_limit"]),
        (&json!("INLINE"), &json!("JSON_ARRAY"), &json!(100))
    );
    assert_eq!(
        (&sent["catalog"], &sent["schema"], &sent["warehouse_id"]),
        (&json!("main"), &json!("sales"), &json!("w1"))
    );
    assert_eq!(sent["query_tags"], json!([{"key": "wharf", "value": "st_1"}]));

    let answer = source.execute(ask("q")).await.unwrap();
    assert!(answer.statement_id.is_some());
    is_whole(&all(answer).await.unwrap(), 10).unwrap();
    let log = face.log();
    let sent = log.iter().filter(|request| request.method == "POST").nth(1).unwrap().json();
    assert_eq!((&sent["disposition"], &sent["format"]), (&json!("EXTERNAL_LINKS"), &json!("ARROW_STREAM")));
    assert!(sent.get("row_limit").is_none());
    let stored: Vec<_> = log.iter().filter(|request| request.store).collect();
    assert_eq!(stored.len(), 1);
    assert!(!stored[0].headers.contains_key("authorization"));
    face.closed(Duration::from_secs(1)).await;
}

#[tokio::test]
async fn parameters_are_named_and_typed() {
    let face = Face::start().await;
    let params = vec![
        ("n".to_owned(), Param::Int(i64::MAX)),
        ("t".to_owned(), Param::Text("it's `1`".to_owned())),
        ("b".to_owned(), Param::Bool(true)),
        ("v".to_owned(), Param::Null),
    ];
    let asked = Ask { params, ..ask("select :n, :t, :b, :v") };
    all(source(&face).execute(asked).await.unwrap()).await.unwrap();
    let expected = json!([
        {"name": "n", "type": "BIGINT", "value": "9223372036854775807"},
        {"name": "t", "type": "STRING", "value": "it's `1`"},
        {"name": "b", "type": "BOOLEAN", "value": "true"},
        {"name": "v", "type": "VOID"},
    ]);
    assert_eq!(face.log()[0].json()["parameters"], expected);
}

#[tokio::test]
async fn a_statement_without_a_result_has_no_columns_and_no_rows() {
    let face = Face::start().await;
    let batch =
        one(&source(&face), Ask { writes: true, limit: Some(1), ..ask("create table t (a int)") }).await;
    assert_eq!((batch.num_rows(), batch.num_columns()), (0, 0));
    // What writes is not limited, and not asked for inline: it could not be asked for again.
    let sent = face.log()[0].json();
    assert!(sent.get("row_limit").is_none() && sent["disposition"] == "EXTERNAL_LINKS");
    face.plan("empty", plan(&[]));
    assert_eq!(one(&source(&face), ask("empty")).await.num_columns(), 2);
}

#[tokio::test]
async fn many_chunks_come_in_order_side_by_side_and_never_too_many() {
    let face = Face::start().await;
    face.plan("q", plan(&[11; 40]));
    // The first takes its time: meanwhile those behind it are fetched, as many as may be held.
    face.faults(|request| {
        let millis = if request.path.ends_with("/0") { 600 } else { rand::random_range(1..30) };
        request.store.then_some(Fault::Late(Duration::from_millis(millis)))
    });
    let source = source(&face);
    let answer = source.execute(ask("q")).await.unwrap();
    let fetched = || face.count(|request| request.store);
    assert!((3..=6).contains(&fetched()), "{} chunks were fetched before anybody read", fetched());
    is_whole(&all(answer).await.unwrap(), 440).unwrap();
    assert_eq!(fetched(), 40);

    face.plan("inline", plan(&[9; 12]));
    is_whole(&all(source.execute(small("inline")).await.unwrap()).await.unwrap(), 108).unwrap();
}

#[tokio::test]
async fn the_first_chunk_is_handed_on_before_the_second_is_there() {
    let face = Face::start().await;
    face.plan("q", plan(&[5, 5, 5]));
    let first_sent = Arc::new(Mutex::new(None));
    let sent = Arc::clone(&first_sent);
    face.faults(move |request| {
        if request.store && request.path.ends_with("/0") {
            *sent.lock().unwrap() = Some(Instant::now());
            return None;
        }
        request.store.then_some(Fault::Late(Duration::from_millis(700)))
    });
    let source = source(&face);
    let mut answer = source.execute(ask("q")).await.unwrap();
    assert_eq!(answer.batches.next().await.unwrap().unwrap().num_rows(), 2);
    let took = first_sent.lock().unwrap().unwrap().elapsed();
    println!("the first rows came {took:?} after the store had them asked for");
    assert!(took < Duration::from_millis(300), "{took:?}");
}

#[tokio::test]
async fn what_does_not_fit_inline_is_asked_for_by_links() {
    let face = Face::start().await;
    let mut wide = plan(&[10]);
    wide.too_large_inline = true;
    face.plan("wide", wide);
    let mut bytes = plan(&[10]);
    bytes.columns[1]["type_text"] = json!("BINARY");
    for batch in bytes.batches.iter_mut().flatten() {
        let binary = arrow::compute::cast(batch.column(1), &arrow::datatypes::DataType::Binary).unwrap();
        *batch = arrow::array::RecordBatch::try_from_iter_with_nullable([
            ("id", Arc::clone(batch.column(0)), true),
            ("text", binary, true),
        ])
        .unwrap();
    }
    face.plan("bytes", bytes);
    let source = source(&face);
    is_whole(&all(source.execute(small("wide")).await.unwrap()).await.unwrap(), 10).unwrap();
    let batch = one(&source, small("bytes")).await;
    assert_eq!(*batch.column(1).data_type(), arrow::datatypes::DataType::Binary);
    assert_eq!(face.count(|request| request.store), 2);
}

#[tokio::test]
async fn a_result_that_was_cut_is_an_error_unless_we_asked_for_no_more() {
    let face = Face::start().await;
    face.plan("q", super::face::Plan { truncated: true, ..plan(&[100]) });
    let error = failure(&source(&face), ask("q")).await;
    assert_eq!(error.code, "result_truncated");
    is_whole(&all(source(&face).execute(small("q")).await.unwrap()).await.unwrap(), 100).unwrap();
    face.plan("less", super::face::Plan { truncated: true, ..plan(&[99]) });
    assert_eq!(failure(&source(&face), small("less")).await.code, "result_truncated");
}

#[tokio::test]
async fn a_result_without_rows_may_be_told_in_any_way() {
    let face = Face::start().await;
    let columns = super::support::columns();
    for (chunks, result) in [
        (json!(0), json!({})),
        (json!(1), json!({})),
        (json!(null), json!(null)),
        (json!(0), json!({"chunk_index": 0, "row_offset": 0, "row_count": 0, "data_array": []})),
        (json!(1), json!({"chunk_index": 0, "row_count": 0, "data_array": []})),
        (
            json!(1),
            json!({"external_links": [{"chunk_index": 0, "row_count": 0, "external_link": "http://127.0.0.1:1/"}]}),
        ),
    ] {
        let manifest =
            json!({"schema": {"columns": columns}, "total_chunk_count": chunks, "total_row_count": 0});
        let reply = json!({"statement_id": "s", "status": {"state": "SUCCEEDED"}, "manifest": manifest, "result": result});
        face.routes(move |request| {
            Some((200, if request.method == "POST" { reply.clone() } else { json!({}) }))
        });
        for asked in [ask("q"), small("q")] {
            let batch = one(&source(&face), asked).await;
            assert_eq!((batch.num_rows(), batch.num_columns()), (0, 2));
        }
    }
}

#[tokio::test]
async fn a_query_is_described_in_one_round_trip_however_wide_it_is() {
    let face = Face::start().await;
    let columns = json!([{"name": "col_name", "type_text": "STRING"}, {"name": "data_type", "type_text": "STRING"}, {"name": "comment", "type_text": "STRING"}]);
    let rows = (0..10_000).map(|i| {
        json!([format!("c{i}"), "decimal(10,2)", if i == 0 { json!("the key") } else { json!(null) }])
    });
    face.plan(
        "DESCRIBE QUERY\nselect 1 -- x\n",
        super::face::Plan { columns, rows: vec![rows.collect()], ..Default::default() },
    );
    let described = source(&face).describe("select 1 -- x\n;", &Session::default()).await.unwrap();
    assert_eq!(
        (described.len(), described[9_999].name.as_str(), described[9_999].type_name.as_str()),
        (10_000, "c9999", "decimal(10,2)")
    );
    assert_eq!((described[0].comment.as_deref(), described[1].comment.as_deref()), (Some("the key"), None));
    assert_eq!(face.log().len(), 1);
}

#[tokio::test]
async fn totals_that_do_not_hold_are_errors() {
    let face = Face::start().await;
    for (name, manifest) in [
        ("rows", json!({"total_row_count": 21, "chunks": null})),
        ("rows as text", json!({"total_row_count": "21"})),
        ("fewer rows", json!({"total_row_count": 19})),
        ("chunks", json!({"total_chunk_count": 1})),
        (
            "rows of a chunk",
            json!({"chunks": [{"chunk_index": 0, "row_count": 10}, {"chunk_index": 1, "row_count": 11}]}),
        ),
    ] {
        for inline in [false, true] {
            face.plan(name, super::face::Plan { manifest: manifest.clone(), ..plan(&[10, 10]) });
            let asked = if inline { small(name) } else { ask(name) };
            let error = failure(&source(&face), asked).await;
            assert_eq!(error.code, "result_incomplete", "{name}, inline: {inline}: {error}");
        }
    }
    // What is only left out is no reason to fail.
    let manifest = json!({"total_row_count": null, "total_chunk_count": null, "chunks": null});
    face.plan("bare", super::face::Plan { manifest, ..plan(&[10, 10]) });
    is_whole(&all(source(&face).execute(ask("bare")).await.unwrap()).await.unwrap(), 20).unwrap();
}

#[tokio::test]
async fn nobody_waiting_cancels_it_there() {
    for inline in [false, true] {
        let face = Face::start().await;
        face.plan("slow", super::face::Plan { running: Duration::from_secs(60), ..plan(&[5]) });
        let source = source(&face);
        let asked = if inline { small("slow") } else { ask("slow") };
        let waiting = tokio::time::timeout(Duration::from_millis(150), source.execute(asked)).await;
        assert!(waiting.is_err());
        let dropped = Instant::now();
        let at = face.cancelled(Duration::from_secs(1)).await;
        println!("cancelled {:?} after it was dropped", at.saturating_duration_since(dropped));
    }
    // A reader that goes away in the middle.
    let face = Face::start().await;
    face.plan("q", plan(&[5; 30]));
    let mut answer = source(&face).execute(ask("q")).await.unwrap();
    answer.batches.next().await.unwrap().unwrap();
    drop(answer);
    face.cancelled(Duration::from_secs(1)).await;
    face.closed(Duration::from_secs(1)).await;
    assert!(face.count(|request| request.store) < 30);
}

/// The id of a statement is not known before its answer came; dropped before that, it is cancelled right behind.
#[tokio::test]
async fn a_statement_that_is_dropped_while_it_is_sent_is_cancelled_too() {
    let face = Face::start().await;
    face.plan("slow", super::face::Plan { running: Duration::from_secs(60), ..plan(&[5]) });
    face.faults(|request| {
        (request.method == "POST" && request.path.ends_with("/statements"))
            .then_some(Fault::Late(Duration::from_millis(300)))
    });
    let source = source(&face);
    assert!(tokio::time::timeout(Duration::from_millis(100), source.execute(ask("slow"))).await.is_err());
    face.cancelled(Duration::from_secs(2)).await;
}

#[tokio::test]
async fn a_deadline_cancels_and_tells_what_was_waited_for() {
    let face = Face::start().await;
    face.plan("slow", super::face::Plan { running: Duration::from_secs(60), ..plan(&[5]) });
    face.plan("pending", super::face::Plan { pending: Duration::from_secs(60), ..plan(&[5]) });
    let source = source(&face);
    let soon = |sql| Ask { deadline: Some(Instant::now() + Duration::from_millis(300)), ..ask(sql) };
    let error = failure(&source, soon("slow")).await;
    assert_eq!((error.code.as_str(), error.kind), ("deadline", wharf_protocol::ErrorKind::Deadline));
    face.cancelled(Duration::from_secs(1)).await;
    let error = failure(&source, soon("pending")).await;
    assert!(error.message.contains("waited for the warehouse"), "{error}");
    // Rows that do not come.
    face.plan("q", plan(&[5, 5]));
    face.faults(|request| {
        (request.store && request.path.ends_with("/1")).then_some(Fault::Late(Duration::from_secs(30)))
    });
    let begun = Instant::now();
    let error = failure(&source, soon("q")).await;
    assert_eq!(error.code, "deadline");
    assert!(begun.elapsed() < Duration::from_secs(1));
}

#[tokio::test]
async fn a_warehouse_that_starts_is_waited_for_visibly() {
    let face = Face::start().await;
    face.plan("q", super::face::Plan { pending: Duration::from_millis(900), ..plan(&[5]) });
    *face.state.warehouses.lock().unwrap() = json!([{"id": "w1", "name": "main", "state": "STARTING"}]);
    let source = Arc::new(source(&face));
    let asked = tokio::spawn({
        let source = Arc::clone(&source);
        async move { is_whole(&all(source.execute(ask("q")).await.unwrap()).await.unwrap(), 5) }
    });
    let mut told = None;
    while told.is_none() && !asked.is_finished() {
        tokio::time::sleep(Duration::from_millis(5)).await;
        told = source.waiting();
    }
    assert!(told.as_ref().is_some_and(|t| t.contains("warehouse main to start (starting)")), "{told:?}");
    asked.await.unwrap().unwrap();
    assert_eq!(source.waiting(), None);
    // One that is deleted meanwhile is not waited for.
    face.plan("gone", super::face::Plan { pending: Duration::from_secs(60), ..plan(&[5]) });
    *face.state.warehouses.lock().unwrap() = json!([{"id": "w1", "name": "main", "state": "DELETING"}]);
    assert_eq!(failure(&*source, ask("gone")).await.code, "warehouse_not_found");
}

#[tokio::test]
async fn a_warehouse_is_chosen_where_none_is_named() {
    let face = Face::start().await;
    let chosen = |face: &Face| {
        face.log().iter().rev().find(|r| r.method == "POST").unwrap().json()["warehouse_id"].clone()
    };
    one(&by(&face, "", super::face::TOKEN), ask("q")).await;
    assert_eq!(chosen(&face), "w1");
    *face.state.warehouses.lock().unwrap() =
        json!([{"id": "w-gone", "state": "DELETED"}, {"id": "w-off", "state": "STOPPED"}]);
    one(&by(&face, "", super::face::TOKEN), ask("q")).await;
    assert_eq!(chosen(&face), "w-off");
    let session = Session { warehouse: Some("/sql/1.0/warehouses/w-off".to_owned()), ..Session::default() };
    one(&source(&face), Ask { session, ..ask("q") }).await;
    assert_eq!(chosen(&face), "w-off");
    *face.state.warehouses.lock().unwrap() = json!([]);
    let error = failure(&by(&face, "", super::face::TOKEN), ask("q")).await;
    assert_eq!(error.code, "warehouse_not_found");
}

#[tokio::test]
async fn no_more_statements_run_at_once_than_the_address_says() {
    let face = Face::start().await;
    face.plan("q", plan(&[5, 5, 5]));
    let source = by(&face, "&warehouse=w1&connections=1", super::face::TOKEN);
    let first = source.execute(ask("q")).await.unwrap();
    let soon = Ask { deadline: Some(Instant::now() + Duration::from_millis(200)), ..ask("q") };
    let error = failure(&source, soon).await;
    assert!(error.code == "deadline" && error.hint.as_deref().unwrap().contains("connections="), "{error:?}");
    is_whole(&all(first).await.unwrap(), 15).unwrap();
    // Also one that was read half, or failed, or never came inline gives its place back.
    drop(source.execute(ask("q")).await.unwrap());
    face.plan("wide", super::face::Plan { too_large_inline: true, ..plan(&[10]) });
    is_whole(&all(source.execute(small("wide")).await.unwrap()).await.unwrap(), 10).unwrap();
    is_whole(&all(source.execute(ask("q")).await.unwrap()).await.unwrap(), 15).unwrap();
}
