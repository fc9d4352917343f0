//! The way of a statement: what is sent, how rows flow, what a drop stops.

use super::far::{Far, Reply, Request};
use super::story::{HANDLE, Story, running};
use super::{all, ask, asked, ids, source_at};
use arrow::array::AsArray;
use futures::StreamExt;
use serde_json::{Value, json};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};
use wharf_protocol::Param;
use wharf_warehouses::{Session, Source};

#[tokio::test]
async fn what_is_sent_is_exact() {
    let story = Story { looks: 2, ..Story::numbers(&[3]) };
    let far = Far::new(move |request| story.answer(request)).await;
    let source = source_at(&far.base, "&role=%22My%20Role%22");
    let mut ask = ask("select ?, ?, ?, ?");
    ask.params = vec![
        ("a".to_owned(), Param::Int(-5)),
        ("b".to_owned(), Param::Text("it's".to_owned())),
        ("c".to_owned(), Param::Bool(true)),
        ("d".to_owned(), Param::Null),
    ];
    ask.limit = Some(10);
    let answer = source.execute(ask).await.unwrap();
    assert_eq!(answer.statement_id.as_deref(), Some(HANDLE));
    assert_eq!(ids(&all(answer).await.unwrap()), [0, 1, 2]);
    let log = far.log();
    let [submit, looks @ ..] = &log[..] else { panic!("nothing was sent") };
    assert!(submit.is_submit());
    assert_eq!(submit.query["async"], "true");
    assert_eq!(submit.query["requestId"].len(), 36);
    assert!(!submit.query.contains_key("retry"));
    assert_eq!(submit.headers["authorization"], "Bearer pat-secret");
    assert_eq!(submit.headers["x-snowflake-authorization-token-type"], "PROGRAMMATIC_ACCESS_TOKEN");
    assert_eq!(
        (submit.headers["content-type"].as_str(), submit.headers["accept"].as_str()),
        ("application/json", "application/json")
    );
    assert!(submit.headers["user-agent"].starts_with("wharf/"));
    let mut body = submit.json();
    let timeout = body.as_object_mut().unwrap().remove("timeout").unwrap().as_u64().unwrap();
    assert!((19..=20).contains(&timeout));
    assert_eq!(
        body,
        json!({
            "statement": "select ?, ?, ?, ?", "database": "DB1", "schema": "S1", "warehouse": "WH", "role": "My Role",
            "parameters": {"MULTI_STATEMENT_COUNT": "1", "QUERY_TAG": "q-1", "ROWS_PER_RESULTSET": "10"},
            "bindings": {
                "1": {"type": "FIXED", "value": "-5"}, "2": {"type": "TEXT", "value": "it's"},
                "3": {"type": "BOOLEAN", "value": "true"}, "4": {"type": "TEXT", "value": null},
            },
        })
    );
    assert_eq!(looks.len(), 3);
    assert!(
        looks.iter().all(|look| look.method == "GET" && look.path == format!("/api/v2/statements/{HANDLE}"))
    );
}

#[tokio::test]
async fn parts_come_in_order_and_a_few_ahead() {
    let story = Arc::new(Story::numbers(&[5, 1, 0, 900, 20_000, 3, 3, 3, 3, 3]));
    let told = Arc::clone(&story);
    let far = Far::new(move |request| {
        let wait = request.query.get("partition").and_then(|text| text.parse().ok()).unwrap_or(0_u64);
        // Later parts are there before earlier ones.
        Reply::Late(Duration::from_millis(60 - 6 * wait.min(10)), Box::new(told.answer(request)))
    })
    .await;
    let source = source_at(&far.base, "");
    let mut answer = source.execute(ask("select 1")).await.unwrap();
    let first = answer.batches.next().await.unwrap().unwrap();
    assert_eq!(ids(&[first]), [0, 1, 2, 3, 4]);
    // A reader that does not read is not run over: four parts are fetched ahead, no more.
    let parts = || far.log().iter().filter(|request| request.query.contains_key("partition")).count();
    assert!(
        far.saw(|request| request.query.get("partition").is_some_and(|n| n == "4"), Duration::from_secs(2))
            .await
    );
    tokio::time::sleep(Duration::from_millis(150)).await;
    assert_eq!(parts(), 4);
    let rest = ids(&all(answer).await.unwrap());
    assert_eq!(rest, (5..i64::try_from(story.rows()).unwrap()).collect::<Vec<_>>());
    assert_eq!(parts(), 9);
    assert!(!far.saw(Request::is_cancel, Duration::from_millis(50)).await);
}

#[tokio::test]
async fn the_first_part_does_not_wait_for_the_second() {
    let story = Story::numbers(&[3, 3]);
    let far = Far::new(move |request| match request.query.contains_key("partition") {
        true => Reply::Silence,
        false => story.answer(request),
    })
    .await;
    let source = source_at(&far.base, "");
    let mut quickest = Duration::MAX;
    // The best of some: what else the machine does is not measured.
    for _ in 0..10 {
        let mut answer = source.execute(ask("select 1")).await.unwrap();
        let delivered =
            far.times().iter().rev().find(|(_, request)| !request.query.contains_key("partition")).unwrap().0;
        assert_eq!(answer.batches.next().await.unwrap().unwrap().num_rows(), 3);
        quickest = quickest.min(delivered.elapsed());
    }
    assert!(quickest < Duration::from_millis(20), "{quickest:?}");
}

#[tokio::test]
async fn a_dropped_stream_stops_the_statement() {
    let story = Story::numbers(&[3, 3, 3]);
    let far = Far::new(move |request| story.answer(request)).await;
    let source = source_at(&far.base, "");
    let mut answer = source.execute(ask("select 1")).await.unwrap();
    answer.batches.next().await.unwrap().unwrap();
    drop(answer);
    assert!(
        far.saw(|request| request.is_cancel() && request.path.contains(HANDLE), Duration::from_secs(1)).await
    );
}

#[tokio::test]
async fn a_dropped_wait_stops_the_statement() {
    let far = Far::new(|request| match request.is_cancel() {
        true => Reply::Json(200, json!({"code": "000604"})),
        false => running(),
    })
    .await;
    let source = Arc::new(source_at(&far.base, ""));
    let runs = Arc::clone(&source);
    let waiting = tokio::spawn(async move { runs.execute(ask("select 1")).await.map(|_| ()) });
    assert!(far.saw(|request| request.method == "GET", Duration::from_secs(2)).await);
    waiting.abort();
    assert!(far.saw(Request::is_cancel, Duration::from_secs(1)).await);
}

/// The handle is only known from an answer that has not come when the caller leaves.
#[tokio::test]
async fn a_drop_before_the_handle_is_known_stops_the_statement_too() {
    let far = Far::new(|request| match request.is_cancel() {
        true => Reply::Json(200, json!({"code": "000604"})),
        false => Reply::Late(Duration::from_millis(300), Box::new(running())),
    })
    .await;
    let source = Arc::new(source_at(&far.base, ""));
    let runs = Arc::clone(&source);
    let waiting = tokio::spawn(async move { runs.execute(ask("select 1")).await.map(|_| ()) });
    assert!(far.saw(Request::is_submit, Duration::from_secs(2)).await);
    waiting.abort();
    assert!(far.saw(Request::is_cancel, Duration::from_secs(2)).await);
}

#[tokio::test]
async fn a_deadline_ends_it_here_and_there() {
    let far = Far::new(|request| match request.is_cancel() {
        true => Reply::Json(200, json!({})),
        false => running(),
    })
    .await;
    let source = source_at(&far.base, "");
    let mut ask = ask("select 1");
    ask.deadline = Some(Instant::now() + Duration::from_millis(300));
    let begun = Instant::now();
    let error = source.execute(ask).await.map(|_| ()).unwrap_err();
    assert_eq!(error.code, "deadline");
    assert!(begun.elapsed() < Duration::from_secs(3));
    assert!(far.saw(Request::is_cancel, Duration::from_secs(1)).await);
    assert_eq!(far.log()[0].json()["timeout"], 1);
}

/// Answers as for `SET` and a query.
fn for_tenant(request: &Request, story: &Story) -> Reply {
    let path = &request.path;
    if request.is_submit() {
        return running();
    }
    if path.ends_with("-child") {
        let mut result = story.result();
        result["statementHandle"] = json!(format!("{HANDLE}-child"));
        return Reply::Json(200, result);
    }
    let mut result = Story::of(
        vec![json!({"name": "multiple statement execution", "type": "text"})],
        vec![vec![json!("Multiple statements executed successfully.")]],
    )
    .result();
    result["statementHandles"] = json!([format!("{HANDLE}-set"), format!("{HANDLE}-child")]);
    Reply::Json(200, result)
}

#[tokio::test]
async fn a_tenant_is_set_before_the_statement() {
    let story = Story::numbers(&[4]);
    let far = Far::new(move |request| for_tenant(request, &story)).await;
    let source = source_at(&far.base, "&tenant=tenant");
    assert!(source.capabilities().tenants);
    let mut asked = ask("select * from orders; -- all");
    asked.session = Session {
        tenant: Some(r"o'h\'; x".to_owned()),
        role: Some("R2".to_owned()),
        warehouse: Some("WH2".to_owned()),
    };
    let answer = source.execute(asked.clone()).await.unwrap();
    assert_eq!(answer.statement_id, Some(format!("{HANDLE}-child")));
    assert_eq!(ids(&all(answer).await.unwrap()).len(), 4);
    let body = far.log()[0].json();
    assert_eq!(body["statement"], r"SET TENANT='o''h\\''; x'; select * from orders");
    assert_eq!(body["parameters"]["MULTI_STATEMENT_COUNT"], "2");
    assert_eq!((&body["role"], &body["warehouse"]), (&json!("R2"), &json!("WH2")));
    // Nothing that would undo it is sent.
    let sent = far.log().len();
    for sql in ["select 1; select 2", "select 1 ->> set tenant='b'", "set tenant='b'", "call p()"] {
        asked.sql = sql.to_owned();
        assert_eq!(source.execute(asked.clone()).await.map(|_| ()).unwrap_err().code, "tenant_fence");
    }
    asked.sql = "select ?".to_owned();
    asked.params = vec![("a".to_owned(), Param::Int(1))];
    asked.params.push(("b".to_owned(), Param::Null));
    assert_eq!(source.execute(asked.clone()).await.map(|_| ()).unwrap_err().code, "parameter_missing");
    assert_eq!(far.log().len(), sent);
    // Values are bound nowhere beside a tenant, so they stand in the text.
    asked.sql = "select * from orders where a = ? or a is ?".to_owned();
    asked.params[0].1 = Param::Text(r"x\' or 1=1; --".to_owned());
    drop(source.execute(asked).await);
    let body = far.log()[sent].json();
    let told = r"SET TENANT='o''h\\''; x'; select * from orders where a = 'x\\'' or 1=1; --' or a is NULL";
    assert_eq!((&body["statement"], &body["bindings"]), (&json!(told), &json!(null)));
}

/// An endpoint that runs something else than what was sent must not pass for one that knows the tenant.
#[tokio::test]
async fn an_answer_without_the_tenant_is_none() {
    let calls = Arc::new(AtomicUsize::new(0));
    let story = Story::numbers(&[4]);
    let far = Far::new(move |request| {
        calls.fetch_add(1, Ordering::SeqCst);
        story.answer(request)
    })
    .await;
    let source = source_at(&far.base, "&tenant=TENANT");
    let mut asked = ask("select 1");
    asked.session.tenant = Some("acme".to_owned());
    assert_eq!(source.execute(asked).await.map(|_| ()).unwrap_err().code, "tenant_unknown");
}

#[tokio::test]
async fn as_many_run_at_once_as_the_address_says() {
    let story = Story::numbers(&[1]);
    let far = Far::new(move |request| story.answer(request)).await;
    let source = source_at(&far.base, "&connections=1");
    let first = source.execute(ask("select 1")).await.unwrap();
    let mut second = ask("select 2");
    second.deadline = Some(Instant::now() + Duration::from_millis(100));
    assert_eq!(source.execute(second).await.map(|_| ()).unwrap_err().code, "deadline");
    assert_eq!(far.log().iter().filter(|request| request.is_submit()).count(), 1);
    drop(first);
    assert_eq!(
        asked(&source, "select 3").await.unwrap()[0].column(1).as_string::<i32>().null_count_here(),
        1
    );
}

trait NullCount {
    fn null_count_here(&self) -> usize;
}

impl NullCount for arrow::array::StringArray {
    fn null_count_here(&self) -> usize {
        arrow::array::Array::null_count(self)
    }
}

/// Also the first answer may come packed, since that is asked for.
#[tokio::test]
async fn a_first_answer_that_is_packed_is_unpacked() {
    let story = Story::numbers(&[30_000]);
    let far = Far::new(move |request| match request.is_submit() {
        true => running(),
        false => Reply::Packed(story.result().to_string()),
    })
    .await;
    let read = ids(&asked(&source_at(&far.base, ""), "select 1").await.unwrap());
    assert_eq!(read, (0..30_000).collect::<Vec<_>>());
    assert!(far.log().iter().all(|request| request.headers["accept-encoding"] == "gzip"));
}

/// A server may answer at once, however it was asked.
#[tokio::test]
async fn an_answer_at_once_is_taken() {
    let story = Story::numbers(&[2, 2]);
    let far = Far::new(move |request| match request.is_submit() {
        true => Reply::Json(200, story.result()),
        false => story.answer(request),
    })
    .await;
    assert_eq!(ids(&asked(&source_at(&far.base, ""), "select 1").await.unwrap()), [0, 1, 2, 3]);
    assert_eq!(far.log().len(), 2);
    let none: Value = far.log()[1].json();
    assert!(none.is_null());
}
