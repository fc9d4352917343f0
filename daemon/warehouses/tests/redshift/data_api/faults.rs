//! A wire that breaks in every way: the whole result, or an error; never a part of it as if it were whole.

use super::super::{ask, asked, drained, ids, server};
use super::{Files, KEY, SILENCE, USUAL, at};
use futures::{StreamExt, stream};
use rand::rngs::StdRng;
use rand::{RngExt, SeedableRng};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};
use wharf_protocol::ErrorKind;
use wharf_redshift_face::data_api::{Call, Face, Fault, refusal};
use wharf_warehouses::{Ask, Source};

/// So often calls are broken by chance.
const RUNS: u64 = 320;

fn numbers(rows: usize) -> String {
    format!("select n as id, repeat('x', n * 7 % 50) as word from generate_series(1, {rows}) as g(n)")
}

fn status(status: u16, after: &str) -> Fault {
    Fault::Status(status, vec![("retry-after", after.to_owned())], String::new())
}

fn fault(dice: &mut StdRng) -> Fault {
    match dice.random_range(0..17) {
        0 => refusal("ThrottlingException", "Rate exceeded"),
        1 => status(429, "0"),
        2 => status(503, "0"),
        3 => Fault::Status(502, Vec::new(), "<html>bad gateway</html>".to_owned()),
        4 => refusal("InternalServerException", "try again"),
        5 => Fault::Reset,
        6 => Fault::Deaf,
        7 | 8 => Fault::Cut,
        9 => Fault::Fails("ERROR: disk full on a compute node"),
        10 => Fault::LosesPage,
        11 => Fault::GoesRound,
        12 => Fault::Short,
        13 => Fault::Total(dice.random_range(1..3)),
        14 => Fault::Rows(dice.random_range(1..3)),
        15 => refusal("ExpiredTokenException", "The security token included in the request is expired"),
        _ => Fault::Status(200, Vec::new(), "{\"Records\": [[".to_owned()),
    }
}

/// One run: whether the result came whole.
async fn run(server: u16, number: u64) -> bool {
    let mut dice = StdRng::seed_from_u64(20_261_122 + number);
    let rows: usize = if number.is_multiple_of(16) { 6000 } else { dice.random_range(0..400) };
    let face = Face::start(server).await;
    *face.state.page.lock().unwrap() = dice.random_range(1..=rows / 4 + 20);
    // Up to three faults, each at a call of its own.
    let mut faults: Vec<(usize, Fault)> = Vec::new();
    for _ in 0..dice.random_range(0..=3) {
        faults.push((dice.random_range(0..8), fault(&mut dice)));
    }
    let (plan, calls) = (faults.clone(), AtomicUsize::new(0));
    face.faults(move |call: &Call| {
        let number = calls.fetch_add(1, Ordering::SeqCst);
        let _ = &call.operation;
        faults.iter().find(|(at, _)| *at == number).map(|(_, fault)| fault.clone())
    });
    let files = Files::new(KEY);
    let source = files.source(&face, USUAL, SILENCE).unwrap();
    let (batches, error) = match source.execute(ask(&numbers(rows))).await {
        Ok(answer) => drained(answer).await,
        Err(error) => (Vec::new(), Some(error)),
    };
    let got = ids(&batches);
    let wanted: Vec<i32> = (1..=i32::try_from(rows).unwrap()).collect();
    let told = format!("run {number}: {plan:?} gave {} of {rows} rows: {error:?}", got.len());
    // What came is the beginning of the whole, each row once and in order, and an end without an error is the end.
    let short =
        plan.iter().any(|(_, fault)| matches!(fault, Fault::Short | Fault::LosesPage | Fault::GoesRound));
    assert!(wanted.starts_with(&got) || short && error.is_some(), "{told}");
    assert!(got.windows(2).all(|pair| pair[0] < pair[1]) || error.is_some(), "{told}");
    assert!(error.is_some() || got == wanted, "{told}");
    // Nothing was begun twice, whatever was sent twice.
    assert!(face.begun() <= 1, "{told}");
    let expected = plan.iter().any(|(_, fault)| {
        !matches!(fault, Fault::Reset | Fault::Deaf | Fault::Cut)
            && !matches!(fault, Fault::Status(status, ..) if *status >= 429)
    });
    assert!(error.is_none() || expected, "{told}");
    error.is_none()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn no_fault_at_any_step_loses_or_doubles_a_row() {
    let Some(server) = server() else { return };
    let port = server.port;
    let whole = stream::iter(0..RUNS).map(|number| run(port, number)).buffer_unordered(12);
    let whole = whole.filter(|whole| std::future::ready(*whole)).count().await;
    assert!(whole > 100 && whole < 300, "{whole} of {RUNS} came whole");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_was_put_off_is_asked_for_again_no_sooner_than_told() {
    let Some(server) = server() else { return };
    let (face, _files, source) = at(&server).await;
    for operation in ["BatchExecuteStatement", "DescribeStatement", "GetStatementResult"] {
        for (status, body) in
            [(429, ""), (503, ""), (400, r#"{"__type":"ThrottlingException","message":"Rate exceeded"}"#)]
        {
            let mut put_off = None;
            let (tell, hear) = std::sync::mpsc::channel();
            face.faults(move |call| {
                if call.operation != operation {
                    return None;
                }
                match put_off {
                    None => {
                        put_off = Some(Instant::now());
                        let headers = vec![("retry-after", "1".to_owned())];
                        Some(Fault::Status(status, headers, body.to_owned()))
                    }
                    Some(since) => {
                        let _ = tell.send(since.elapsed());
                        None
                    }
                }
            });
            assert_eq!(ids(&asked(&source, ask("select 1 as n")).await.unwrap()), [1]);
            let waited = hear.recv().unwrap();
            assert!(
                waited >= Duration::from_secs(1) && waited < Duration::from_secs(3),
                "{operation}: {waited:?}"
            );
        }
    }
    assert_eq!(face.begun(), 9, "what was put off is begun once");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn silence_is_not_waited_for_longer_than_told() {
    let Some(server) = server() else { return };
    let face = Face::start(server.port).await;
    let files = Files::new(KEY);
    let source = files.source(&face, USUAL, Duration::from_secs(1)).unwrap();
    for operation in ["BatchExecuteStatement", "DescribeStatement", "GetStatementResult"] {
        for silent in [Fault::Hang, Fault::Longer] {
            let mut once = Some(silent);
            face.faults(move |call| once.take_if(|_| call.operation == operation));
            let begun = Instant::now();
            assert_eq!(ids(&asked(&source, ask(&numbers(40))).await.unwrap()).len(), 40);
            assert!(begun.elapsed() < Duration::from_secs(5), "{operation}: {:?}", begun.elapsed());
        }
    }
    // One that never answers again is given up at the deadline, and whatever runs there is cancelled.
    for operation in ["BatchExecuteStatement", "DescribeStatement", "GetStatementResult"] {
        face.faults(move |call| (call.operation == operation).then_some(Fault::Hang));
        let until = Instant::now() + Duration::from_millis(600);
        let error = asked(&source, Ask { deadline: Some(until), ..ask("select 1 as n") }).await.unwrap_err();
        assert_eq!(error.kind, ErrorKind::Deadline, "{operation}: {}", error.message);
        assert!(until.elapsed() < Duration::from_millis(2500), "{operation}: {:?}", until.elapsed());
    }
    // A server that is gone is told, and by its name.
    drop(face);
    let error = source.test().await.unwrap_err();
    assert_eq!((error.kind, error.code.as_str()), (ErrorKind::Unavailable, "unreachable"));
    assert!(error.message.contains("`rs`"), "{}", error.message);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_dropped_statement_is_cancelled_within_a_second() {
    let Some(server) = server() else { return };
    let (face, _files, source) = at(&server).await;
    let running = || {
        let sql = "select count(*) from pg_stat_activity where query like '%sleep(1000)%' and state = 'active' and pid <> pg_backend_pid()";
        server.run("postgres", sql)
    };
    for number in 1..=3 {
        let work = asked(&source, ask("select pg_sleep(1000)"));
        let _ = tokio::time::timeout(Duration::from_millis(400), work).await;
        let dropped = Instant::now();
        super::super::wait_until("the statement to end", || running() == "0" && face.running() == 0);
        assert!(dropped.elapsed() < Duration::from_secs(1), "{:?}", dropped.elapsed());
        assert_eq!(face.cancelled().len(), number);
    }
    // Given up before its id is known, it is cancelled as soon as that is.
    let (tell, hear) = std::sync::mpsc::channel();
    let mut first = true;
    face.faults(move |call| {
        if call.operation == "BatchExecuteStatement" && std::mem::take(&mut first) {
            tell.send(()).unwrap();
            return Some(Fault::Deaf);
        }
        None
    });
    let work = tokio::spawn(async move { asked(&source, ask("select pg_sleep(1000)")).await.map(|_| ()) });
    tokio::task::spawn_blocking(move || hear.recv().unwrap()).await.unwrap();
    work.abort();
    super::super::wait_until("the statement to end", || face.running() == 0 && face.cancelled().len() == 4);
    assert_eq!(running(), "0");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_server_keeps_the_deadline_and_a_pause_between_questions_grows() {
    let Some(server) = server() else { return };
    let (face, _files, source) = at(&server).await;
    let until = Instant::now() + Duration::from_millis(400);
    let late =
        asked(&source, Ask { deadline: Some(until), ..ask("select pg_sleep(1000)") }).await.unwrap_err();
    assert_eq!(late.kind, ErrorKind::Deadline);
    assert!(late.message.contains("[FAILED]"), "{}", late.message);
    assert!(face.cancelled().is_empty(), "the server ended it itself");
    // Where too many wait already, the state is asked for without waiting, at growing pauses.
    let before = face.count("DescribeStatement");
    face.faults(|call| match call.body["WaitTimeSeconds"].is_null() {
        true => None,
        false => Some(refusal("ActiveWaitingRequestsExceededException", "too many")),
    });
    let begun = Instant::now();
    asked(&source, ask("select pg_sleep(1.5)::text")).await.unwrap();
    let asked_for = face.count("DescribeStatement") - before;
    assert!((4..=7).contains(&asked_for), "{asked_for} questions in {:?}", begun.elapsed());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_next_page_is_fetched_while_one_is_read_and_no_more() {
    let Some(server) = server() else { return };
    let (face, _files, source) = at(&server).await;
    *face.state.page.lock().unwrap() = 100;
    let mut answer = source.execute(ask(&numbers(5000))).await.unwrap();
    let pages = || face.count("GetStatementResult");
    super::super::wait_until("the page after the first", || pages() == 2);
    assert_eq!(ids(&[answer.batches.next().await.unwrap().unwrap()]).len(), 100);
    assert_eq!(pages(), 2, "the reader has not asked for the second page yet");
    answer.batches.next().await.unwrap().unwrap();
    super::super::wait_until("the third page", || pages() == 3);
    drop(answer);
    assert!(face.cancelled().is_empty(), "what has run is not cancelled");
    assert_eq!(ids(&asked(&source, ask(&numbers(5000))).await.unwrap()).len(), 5000);
}

/// A page of three rows, in every form of a value.
const PAGE: &str = r#"{"ColumnMetadata": [{"label": "id", "name": "id", "precision": 10, "scale": 0, "typeName": "int4"},
 {"name": "d", "precision": 38, "scale": 2, "typeName": "numeric"}, {"name": "b", "typeName": "varbyte"},
 {"name": "f", "typeName": "float8"}, {"name": "t", "typeName": "timestamptz"}, {"name": "y", "typeName": "bool"}],
"Records": [
 [{"longValue": 1}, {"stringValue": "1.50"}, {"stringValue": "YWJj"}, {"doubleValue": 0.1}, {"stringValue": "2026-01-01 00:00:00+00"}, {"booleanValue": true}],
 [{"longValue": 2}, {"isNull": true}, {"blobValue": "YQ=="}, {"doubleValue": "NaN"}, {"isNull": true}, {"booleanValue": false}],
 [{"longValue": 3}, {"stringValue": "-0.01"}, {"isNull": true}, {"doubleValue": 1e300}, {"isNull": true}, {"isNull": true}]],
"TotalNumRows": 3}"#;

/// The page with some bytes changed, left out, doubled or cut off.
fn mutated(dice: &mut StdRng) -> String {
    let mut bytes = PAGE.as_bytes().to_vec();
    for _ in 0..dice.random_range(1..4) {
        let at = dice.random_range(0..bytes.len());
        match dice.random_range(0..5) {
            0 => bytes[at] = dice.random_range(32..127),
            1 => drop(bytes.remove(at)),
            2 => bytes.insert(at, b"{}[]\",:0-e\\\0"[dice.random_range(0..12)]),
            3 => bytes.truncate(at.max(1)),
            _ => {
                let end = (at + dice.random_range(1..60)).min(bytes.len());
                let piece = bytes[at..end].to_vec();
                bytes.splice(at..at, piece);
            }
        }
    }
    String::from_utf8_lossy(&bytes).into_owned()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_page_that_lies_is_an_error_or_as_many_rows_as_were_told() {
    let Some(server) = server() else { return };
    let (face, _files, source) = at(&server).await;
    let (mut whole, mut refused) = (0, 0);
    for seed in 0..500 {
        let page = mutated(&mut StdRng::seed_from_u64(seed));
        let told = page.clone();
        face.faults(move |call| {
            let page = Fault::Status(200, Vec::new(), page.clone());
            (call.operation == "GetStatementResult").then_some(page)
        });
        let until = Instant::now() + Duration::from_secs(5);
        let ask = Ask { deadline: Some(until), ..ask("select n as id from generate_series(1, 3) as g(n)") };
        match asked(&source, ask).await {
            Ok(batches) => {
                let rows: usize = batches.iter().map(arrow::array::RecordBatch::num_rows).sum();
                assert_eq!(rows, 3, "seed {seed}: {told}");
                whole += 1;
            }
            Err(error) => {
                let codes = ["source_odd", "result_incomplete", "conversion", "arrow"];
                assert!(codes.contains(&error.code.as_str()), "seed {seed}: {error:?}\n{told}");
                refused += 1;
            }
        }
    }
    assert!(whole > 20 && refused > 200, "{whole} whole, {refused} refused");
}
