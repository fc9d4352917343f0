//! A far side that fails in every way: the whole result, or an error; never a part of it.

use super::far::{Far, Reply, Request};
use super::story::{HANDLE, Story, running};
use super::{all, ask, ids, source_at};
use rand::rngs::StdRng;
use rand::{RngExt, SeedableRng};
use serde_json::{Value, json};
use std::collections::{BTreeMap, HashSet};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};
use wharf_protocol::{ApiError, ErrorKind};
use wharf_warehouses::Source;

/// What a statement comes to when its second part meets `fault` the first `times` times, and how often that part was asked for.
async fn second_part(
    times: usize,
    fault: impl Fn(&Story) -> Reply + Send + Sync + 'static,
) -> (Result<Vec<i64>, ApiError>, usize) {
    let story = Story::numbers(&[3, 4, 5]);
    let met = AtomicUsize::new(0);
    let far = Far::new(move |request| {
        let second = request.query.get("partition").is_some_and(|number| number == "1");
        match second && met.fetch_add(1, Ordering::SeqCst) < times {
            true => fault(&story),
            false => story.answer(request),
        }
    })
    .await;
    let result = run(&far, "").await;
    let asked =
        far.log().iter().filter(|r| r.query.get("partition").is_some_and(|number| number == "1")).count();
    (result, asked)
}

async fn run(far: &Far, options: &str) -> Result<Vec<i64>, ApiError> {
    let source = source_at(&far.base, options);
    let answer = source.execute(ask("select 1")).await?;
    all(answer).await.map(|batches| ids(&batches))
}

fn whole() -> Vec<i64> {
    (0..12).collect()
}

#[tokio::test]
async fn a_part_that_is_not_whole_is_fetched_again() {
    for (name, fault) in [
        ("cut", (|story| Reply::Cut(story.part(1))) as fn(&Story) -> Reply),
        ("short length", |story| Reply::Short(story.part(1))),
        ("cut gzip", |story| Reply::PackedCut(story.part(1), 800)),
        ("nearly whole gzip", |story| Reply::PackedCut(story.part(1), 990)),
        ("a row less", |story| Reply::Packed(json!({"data": story.parts[1][1..]}).to_string())),
        ("a row more", |story| {
            Reply::Packed(json!({"data": ([&story.parts[1][..], &story.parts[2][..1]].concat())}).to_string())
        }),
        ("no rows", |_| Reply::Packed("{}".to_owned())),
        ("another column", |story| Reply::Packed(story.part(1).replace("[\"4\",", "[\"4\",null,"))),
        ("no JSON", |_| Reply::Text(200, "<html>".to_owned())),
        ("not ready", |_| running()),
    ] {
        let (result, asked) = second_part(2, fault).await;
        assert_eq!((result.unwrap(), asked), (whole(), 3), "{name}");
        let (result, asked) = second_part(3, fault).await;
        let error = result.unwrap_err();
        assert_eq!(
            (error.kind, error.code.as_str(), asked),
            (ErrorKind::Unavailable, "reply_broken", 3),
            "{name}"
        );
        assert!(error.message.contains("`sales`"), "{}", error.message);
    }
}

#[tokio::test]
async fn what_passes_is_waited_for() {
    for (name, fault) in [
        (
            "429",
            (|_| Reply::Json(429, json!({"code": "390505", "message": "too many requests"})))
                as fn(&Story) -> Reply,
        ),
        ("429 that asks to wait", |_| Reply::With(429, json!({}), "Retry-After: 1".to_owned())),
        ("500", |_| Reply::Text(500, String::new())),
        ("502", |_| Reply::Text(502, "<html>".to_owned())),
        ("503", |_| Reply::Text(503, String::new())),
        ("504", |_| Reply::Text(504, String::new())),
        ("hangs up", |_| Reply::Close),
        ("slow", |story| Reply::Slow(story.part(1), Duration::from_millis(30))),
        ("not packed", |story| Reply::Text(200, story.part(1))),
    ] {
        let begun = Instant::now();
        let (result, _) = second_part(2, fault).await;
        assert_eq!(result.unwrap(), whole(), "{name}");
        assert!(begun.elapsed() >= Duration::from_secs(2) || !name.contains("asks"), "{name}");
    }
}

#[tokio::test]
async fn what_does_not_pass_is_an_error() {
    let answer = |status, value: Value| move |_: &Story| Reply::Json(status, value.clone());
    let failed = json!({"code": "100035", "sqlState": "22007", "message": "Timestamp 'x' is not recognized", "statementHandle": HANDLE});
    let (result, asked) = second_part(9, answer(422, failed)).await;
    let error = result.unwrap_err();
    assert!(
        error.message.contains("Timestamp 'x' is not recognized [100035/22007]") && asked == 1,
        "{}",
        error.message
    );
    let (result, _) = second_part(
        9,
        answer(401, json!({"code": "394400", "message": "Programmatic access token is invalid."})),
    )
    .await;
    let error = result.unwrap_err();
    assert_eq!(error.kind, ErrorKind::Unauthorized);
    assert!(error.hint.unwrap().contains("access token"));
    let (result, _) =
        second_part(9, |story| Reply::Packed(json!({"code": "391908", "data": story.parts[1]}).to_string()))
            .await;
    assert_eq!(result.unwrap_err().code, "result_truncated");
    let (result, asked) =
        second_part(9, |story| Reply::Packed(story.part(1).replace("\"4\"", "\"four\""))).await;
    let error = result.unwrap_err();
    assert_eq!((error.code.as_str(), asked), ("value_unreadable", 1));
    assert!(error.message.contains("`ID`") && !error.message.contains("four"), "{}", error.message);
}

#[tokio::test]
async fn a_line_that_stays_open_without_a_word_ends_with_the_deadline() {
    let story = Story::numbers(&[3, 3]);
    let far = Far::new(move |request| match request.query.contains_key("partition") {
        true => Reply::Silence,
        false => story.answer(request),
    })
    .await;
    let source = source_at(&far.base, "");
    let mut ask = ask("select 1");
    let begun = Instant::now();
    ask.deadline = Some(begun + Duration::from_millis(400));
    let error = all(source.execute(ask).await.unwrap()).await.unwrap_err();
    assert_eq!(error.kind, ErrorKind::Deadline);
    assert!(begun.elapsed() < Duration::from_secs(5));
    assert!(far.saw(Request::is_cancel, Duration::from_secs(1)).await);
}

/// A result of one part, changed before it is told.
async fn changed(
    change: impl Fn(&mut Value) + Send + Sync + 'static,
) -> (Result<Vec<i64>, ApiError>, Vec<Request>) {
    let story = Story::numbers(&[4]);
    let far = Far::new(move |request| {
        let mut result = story.result();
        change(&mut result);
        match request.is_submit() || request.is_cancel() || request.query.contains_key("partition") {
            true => story.answer(request),
            false => Reply::Json(200, result),
        }
    })
    .await;
    (run(&far, "").await, far.log())
}

#[tokio::test]
async fn results_that_contradict_themselves_are_refused() {
    let cut = changed(|result| result["code"] = json!("391908")).await.0.unwrap_err();
    assert_eq!(cut.code, "result_truncated");
    let cut = changed(|result| result["code"] = json!(391_908)).await.0.unwrap_err();
    assert_eq!(cut.code, "result_truncated");
    for change in [
        (|result| result["resultSetMetaData"]["numRows"] = json!(5)) as fn(&mut Value),
        (|result| result["resultSetMetaData"]["partitionInfo"][0]["rowCount"] = json!(3)),
        (|result| {
            result["resultSetMetaData"]["numRows"] = Value::Null;
            result["resultSetMetaData"]["partitionInfo"] = json!([]);
        }),
    ] {
        assert_eq!(changed(change).await.0.unwrap_err().code, "result_contradicts");
    }
}

#[tokio::test]
async fn what_is_told_otherwise_is_understood() {
    for change in [
        (|result| result["resultSetMetaData"]["partitionInfo"] = Value::Null) as fn(&mut Value),
        (|result| {
            result["resultSetMetaData"].as_object_mut().unwrap().remove("numRows");
        }),
        (|result| result["resultSetMetaData"]["numRows"] = json!("4")),
        (|result| result["resultSetMetaData"]["rowType"][0]["precision"] = json!("18")),
        (|result| result["code"] = json!(90001)),
        // Rows that did not come with the answer, or not all, are fetched.
        (|result| result["data"] = Value::Null),
        (|result| {
            result["data"].as_array_mut().unwrap().pop();
        }),
        (|result| result["unknown"] = json!({"data": [[1]]})),
    ] {
        assert_eq!(changed(change).await.0.unwrap(), [0, 1, 2, 3]);
    }
}

#[tokio::test]
async fn a_submission_that_got_lost_is_repeated_under_its_id() {
    let story = Arc::new(Story::numbers(&[2]));
    for fault in [
        Reply::Close,
        Reply::Json(503, json!({})),
        Reply::Json(429, json!({})),
        Reply::Cut("{".to_owned()),
        Reply::Text(200, "{".to_owned()),
    ] {
        let (told, met) = (Arc::clone(&story), AtomicUsize::new(0));
        let fault_again = fault.clone();
        let far =
            Far::new(move |request| match request.is_submit() && met.fetch_add(1, Ordering::SeqCst) < 2 {
                true => fault_again.clone(),
                false => told.answer(request),
            })
            .await;
        assert_eq!(run(&far, "").await.unwrap(), [0, 1], "{fault:?}");
        let submits: Vec<Request> = far.log().into_iter().filter(Request::is_submit).collect();
        assert_eq!(submits.len(), 3);
        assert_eq!(submits.iter().map(|submit| &submit.query["requestId"]).collect::<HashSet<_>>().len(), 1);
        assert!(
            !submits[0].query.contains_key("retry")
                && submits[1..].iter().all(|submit| submit.query["retry"] == "true")
        );
    }
}

/// Looks that meet 429 find a statement that still runs.
#[tokio::test]
async fn a_look_too_many_is_not_a_failure() {
    let story = Story::numbers(&[2]);
    let met = AtomicUsize::new(0);
    let far =
        Far::new(move |request| match request.method == "GET" && met.fetch_add(1, Ordering::SeqCst) < 3 {
            true => Reply::Json(429, json!({"code": "390505", "message": "x"})),
            false => story.answer(request),
        })
        .await;
    assert_eq!(run(&far, "").await.unwrap(), [0, 1]);
}

#[tokio::test]
async fn sql_that_fails_on_the_way_says_why() {
    for (status, body, kind, part) in [
        (
            422,
            json!({"code": "000904", "sqlState": "42000", "message": "SQL compilation error:\nerror line 1 at position 7\ninvalid identifier 'X'"}),
            ErrorKind::NotFound,
            "invalid identifier 'X' [000904/42000]",
        ),
        (
            422,
            json!({"code": "002003", "sqlState": "42S02", "message": "Object 'T' does not exist or not authorized."}),
            ErrorKind::NotFound,
            "[002003/42S02]",
        ),
        (
            422,
            json!({"code": "003001", "sqlState": "42501", "message": "Insufficient privileges to operate on table 'T'."}),
            ErrorKind::Refused,
            "Insufficient privileges",
        ),
        (
            422,
            json!({"code": "000604", "sqlState": "57014", "message": "SQL execution canceled"}),
            ErrorKind::Cancelled,
            "canceled",
        ),
        (
            422,
            json!({"code": "000630", "sqlState": "57014", "message": "Statement reached its statement or warehouse timeout of 1 second(s) and was canceled."}),
            ErrorKind::Deadline,
            "[000630/57014]",
        ),
        (408, json!({"code": "000000", "message": "timeout"}), ErrorKind::Deadline, "timeout"),
        (
            422,
            json!({"code": "100038", "sqlState": "22018", "message": "Numeric value 'x' is not recognized"}),
            ErrorKind::Failed,
            "Numeric value",
        ),
    ] {
        let far = Far::new(
            move |request| if request.is_submit() { running() } else { Reply::Json(status, body.clone()) },
        )
        .await;
        let error = run(&far, "").await.unwrap_err();
        assert_eq!(error.kind, kind, "{}", error.message);
        assert!(
            error.message.contains(part)
                && error.message.contains("`sales`")
                && !error.message.contains('\n'),
            "{}",
            error.message
        );
        // There is nothing left to stop.
        assert!(!far.log().iter().any(Request::is_cancel));
    }
}

/// Something that goes wrong with one request.
fn random_fault(random: &mut StdRng, story: &Story, request: &Request) -> Reply {
    let part = request
        .query
        .get("partition")
        .and_then(|text| text.parse::<usize>().ok())
        .filter(|n| *n < story.parts.len());
    let text = match part {
        Some(number) => story.part(number),
        None => story.result().to_string(),
    };
    let rows = story.parts.get(part.unwrap_or(0)).cloned().unwrap_or_default();
    match random.random_range(0..16) {
        0 => Reply::Json(429, json!({"code": "390505"})),
        1 => Reply::Text(500, String::new()),
        2 => Reply::Text(502, "<html>".to_owned()),
        3 => Reply::Text(503, String::new()),
        4 => Reply::Close,
        5 => Reply::Cut(text),
        6 => Reply::Short(text),
        7 | 8 => Reply::PackedCut(text, random.random_range(0..1000)),
        9 if part.is_some() => Reply::Packed(json!({"data": rows.get(1..).unwrap_or_default()}).to_string()),
        10 if part.is_some() => Reply::Packed(json!({"data": ([rows.clone(), rows].concat())}).to_string()),
        11 => Reply::Slow(text, Duration::from_millis(1)),
        12 => Reply::Json(
            422,
            json!({"code": "100038", "sqlState": "22018", "message": "Numeric value is not recognized"}),
        ),
        13 => Reply::Text(200, text[..text.len() / 2].to_owned()),
        14 => Reply::Json(401, json!({"code": "390303"})),
        15 => Reply::Json(200, json!({"code": "391908", "data": rows})),
        _ => Reply::Text(504, String::new()),
    }
}

/// One statement of some parts, with faults at some of its requests.
async fn one_run(seed: u64) -> bool {
    let mut random = StdRng::seed_from_u64(seed);
    let sizes: Vec<usize> = (0..random.random_range(1..7)).map(|_| random.random_range(0..40)).collect();
    let story = Arc::new(Story { looks: random.random_range(0..3), ..Story::numbers(&sizes) });
    let faults: BTreeMap<usize, u64> =
        (0..random.random_range(0..5)).map(|_| (random.random_range(0..12), random.random())).collect();
    let (told, count) = (Arc::clone(&story), AtomicUsize::new(0));
    let far = Far::new(move |request| match faults.get(&count.fetch_add(1, Ordering::SeqCst)) {
        Some(seed) if !request.is_cancel() => random_fault(&mut StdRng::seed_from_u64(*seed), &told, request),
        _ => told.answer(request),
    })
    .await;
    let source = source_at(&far.base, "");
    let mut ask = ask("select 1");
    ask.deadline = Some(Instant::now() + Duration::from_secs(60));
    let result = match source.execute(ask).await {
        Ok(answer) => all(answer).await,
        Err(error) => Err(error),
    };
    let submits: HashSet<String> =
        far.log().iter().filter(|r| r.is_submit()).map(|r| r.query["requestId"].clone()).collect();
    assert_eq!(submits.len(), 1, "seed {seed}: it ran more than once");
    match result {
        Ok(batches) => {
            let whole: Vec<i64> = (0..i64::try_from(story.rows()).unwrap()).collect();
            assert_eq!(ids(&batches), whole, "seed {seed}");
            true
        }
        Err(error) => {
            assert!(error.message.contains("`sales`"), "seed {seed}: {}", error.message);
            false
        }
    }
}

/// Whatever goes wrong and when: no row is lost and none comes twice, or there is an error.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_whole_result_or_an_error() {
    let base: u64 = std::env::var("WHARF_SEED").ok().and_then(|text| text.parse().ok()).unwrap_or(1);
    let mut wholes = 0;
    for chunk in (base..base + 720).collect::<Vec<_>>().chunks(100) {
        let runs = chunk.iter().map(|seed| tokio::spawn(one_run(*seed)));
        for run in futures::future::join_all(runs).await {
            wholes += usize::from(run.unwrap());
        }
    }
    // Both ends are met.
    assert!((200..720).contains(&wholes), "{wholes} of 720 were whole");
}
