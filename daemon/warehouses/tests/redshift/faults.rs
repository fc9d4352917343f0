//! A wire that breaks in every way: the whole result, or an error; never a part of it as if it were whole.

use super::{ask, asked, drained, dressed, ids, server, source_at};
use futures::StreamExt;
use rand::rngs::StdRng;
use rand::{RngExt, SeedableRng};
use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};
use wharf_protocol::ErrorKind;
use wharf_redshift_face::{Face, Fault, Nature};
use wharf_warehouses::{Ask, Source};

/// So often the wire is broken by chance.
const RUNS: u64 = 320;

fn numbers(rows: usize) -> String {
    format!("select n as id, repeat('x', n * 7 % 50) as numbers from generate_series(1, {rows}) as g(n)")
}

fn fault(dice: &mut StdRng, rows: usize) -> Option<Fault> {
    Some(match dice.random_range(0..10) {
        0..4 => Fault::Cut(dice.random_range(0..rows * 45 + 10)),
        4 | 5 => Fault::Refuse(dice.random_range(0..rows + 2)),
        6 => Fault::RefuseAndClose(dice.random_range(0..rows + 2)),
        7 => Fault::Slow(rows / 4 + 1, Duration::from_millis(dice.random_range(0..30))),
        8 => Fault::Pieces(dice.random_range(1..200)),
        _ => return None,
    })
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn no_fault_of_the_wire_loses_or_doubles_a_row() {
    let Some(server) = server() else { return };
    let (face, source) = dressed(&server).await;
    let seed = 20_261_121;
    let (mut whole, mut broken) = (0, 0);
    for run in 0..RUNS {
        let mut dice = StdRng::seed_from_u64(seed + run);
        let rows = if run % 16 == 0 { 20_000 } else { dice.random_range(0..400) };
        let fault = fault(&mut dice, rows);
        face.set(fault);
        let told = match source.execute(ask(&numbers(rows))).await {
            Ok(answer) => drained(answer).await,
            Err(error) => (Vec::new(), Some(error)),
        };
        let (batches, error) = told;
        let got = ids(&batches);
        let wanted: Vec<i32> = (1..=i32::try_from(rows).unwrap()).collect();
        // What came is the beginning of the whole, each row once and in order.
        assert!(wanted.starts_with(&got), "run {run}: {fault:?} gave {} of {rows} rows", got.len());
        match (fault, error) {
            (_, None) => {
                assert_eq!(got.len(), rows, "run {run}: {fault:?} lost rows without a word");
                whole += 1;
            }
            (Some(Fault::Cut(_)), Some(error)) => {
                assert_eq!((error.kind, error.code.as_str()), (ErrorKind::Unavailable, "unreachable"));
                broken += 1;
            }
            (Some(Fault::Refuse(_)), Some(error)) => {
                assert!(error.message.contains("disk full on a compute node [XX000]"), "{}", error.message);
                broken += 1;
            }
            (Some(Fault::RefuseAndClose(_)), Some(error)) => {
                assert!(error.message.contains("the cluster is resized [57P01]"), "{}", error.message);
                broken += 1;
            }
            (fault, Some(error)) => panic!("run {run}: {fault:?} failed: {}", error.message),
        }
        // Whatever happened, the next statement gets a connection in order.
        face.set(None);
        assert_eq!(ids(&asked(&source, ask("select 7 as n")).await.unwrap()), [7], "after run {run}");
    }
    assert!(whole > 60 && broken > 100, "{whole} whole, {broken} broken");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_first_rows_come_long_before_the_last() {
    let Some(server) = server() else { return };
    let (face, source) = dressed(&server).await;
    face.set(Some(Fault::Stall(100)));
    let begun = Instant::now();
    let mut answer = source.execute(ask(&numbers(5000))).await.unwrap();
    let mut got = Vec::new();
    while got.len() < 100 {
        got.extend(ids(&[answer.batches.next().await.unwrap().unwrap()]));
    }
    assert_eq!(got, (1..=100).collect::<Vec<_>>());
    assert!(begun.elapsed() < Duration::from_secs(5), "{:?}", begun.elapsed());
    // A server that says nothing any more is waited for until the deadline and not longer.
    let until = Instant::now() + Duration::from_millis(300);
    let answer = source.execute(Ask { deadline: Some(until), ..ask(&numbers(5000)) }).await.unwrap();
    let (_, error) = drained(answer).await;
    assert_eq!(error.unwrap().kind, ErrorKind::Deadline);
    assert!(until.elapsed() < Duration::from_secs(3));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_dropped_statement_is_cancelled_within_a_second() {
    let Some(server) = server() else { return };
    let (face, source) = dressed(&server).await;
    let running = || {
        let sql = "select count(*) from pg_stat_activity where query like '%sleep(1000)%' and state = 'active' and pid <> pg_backend_pid()";
        server.run("postgres", sql)
    };
    for sql in [
        "select pg_sleep(1000)",
        "select pg_sleep(least(n / 5, 1) * 1000)::text, repeat('x', 9000) from generate_series(1, 9) as g(n) -- sleep(1000)",
    ] {
        let work = source.execute(ask(sql));
        let _ =
            tokio::time::timeout(Duration::from_millis(700), async { drained(work.await.unwrap()).await })
                .await;
        let dropped = Instant::now();
        super::wait_until("the statement to end", || running() == "0");
        assert!(dropped.elapsed() < Duration::from_secs(1), "{sql}: {:?}", dropped.elapsed());
    }
    assert_eq!(face.nature.cancels.load(Ordering::SeqCst), 2);
    // The server keeps the deadline itself.
    let until = Instant::now() + Duration::from_millis(300);
    let late =
        asked(&source, Ask { deadline: Some(until), ..ask("select pg_sleep(1000)") }).await.unwrap_err();
    assert_eq!(late.kind, ErrorKind::Deadline);
    assert!(late.message.contains("[57014]"), "{}", late.message);
    assert_eq!(running(), "0");
    assert_eq!(ids(&asked(&source, ask("select 1 as n")).await.unwrap()), [1]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn connections_rest_and_one_that_was_lost_meanwhile_is_replaced() {
    let Some(server) = server() else { return };
    let face = Face::start(server.port, Nature::default()).await;
    let source = source_at(face.port, "admin", "postgres?connections=2", None).unwrap();
    for _ in 0..5 {
        asked(&source, ask("select 1 as n")).await.unwrap();
    }
    // A refused statement does not cost the connection either.
    assert!(asked(&source, ask("select nothing")).await.is_err());
    assert!(asked(&source, ask("select 1 / 0")).await.is_err());
    assert_eq!(face.nature.connections.load(Ordering::SeqCst), 1);
    server.run("postgres", "select pg_terminate_backend(pid) from pg_stat_activity where pid <> pg_backend_pid() and backend_type = 'client backend'");
    assert_eq!(ids(&asked(&source, ask("select 2 as n")).await.unwrap()), [2]);
    // No more than two at once; who waits too long hears of it.
    let until = Some(Instant::now() + Duration::from_secs(20));
    let long = || source.execute(Ask { deadline: until, ..ask("select pg_sleep(2)::text") });
    let soon = Some(Instant::now() + Duration::from_millis(700));
    let third = async {
        tokio::time::sleep(Duration::from_millis(300)).await;
        source.execute(Ask { deadline: soon, ..ask("select 3") }).await.map(|_| ())
    };
    let (a, b, c) = tokio::join!(long(), long(), third);
    assert!(a.is_ok() && b.is_ok());
    let busy = c.unwrap_err();
    assert_eq!(busy.kind, ErrorKind::Deadline);
    assert!(busy.message.contains("became free") && busy.hint.unwrap().contains("connections=N"));
}
