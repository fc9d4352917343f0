//! Whatever goes wrong at whichever step: the whole result, or an error.

use super::face::{Face, Fault, Plan, Request, status};
use super::support::{all, ask, failure, is_whole, machine, plan, small, source};
use futures::StreamExt;
use rand::rngs::StdRng;
use rand::{RngExt, SeedableRng};
use serde_json::json;
use std::time::{Duration, Instant};
use wharf_warehouses::Source;

/// A fault for the first `times` requests that `wanted` chooses.
fn once(
    mut times: u32,
    wanted: impl Fn(&Request) -> bool + Send + 'static,
    fault: Fault,
) -> impl FnMut(&Request) -> Option<Fault> + Send + 'static {
    move |request| {
        if times == 0 || !wanted(request) {
            return None;
        }
        times -= 1;
        Some(fault.clone())
    }
}

fn executes(request: &Request) -> bool {
    request.method == "POST" && request.path.ends_with("/statements")
}

fn polls(request: &Request) -> bool {
    !request.store && request.method == "GET"
}

#[tokio::test]
async fn each_fault_of_reading_is_overcome() {
    for (name, fault) in [
        ("429", Fault::Status(429, vec![], json!({"error_code": "RESOURCE_EXHAUSTED"}).to_string())),
        ("429 with a wait", Fault::Status(429, vec![("retry-after", "1".into())], String::new())),
        ("503", status(503)),
        ("500", status(500)),
        ("504 of a proxy", Fault::Status(504, vec![], "<html><pre>upstream</pre></html>".into())),
        ("reset", Fault::Reset),
        ("cut", Fault::Cut),
        ("half open", Fault::Hang),
        ("wrong length", Fault::Longer),
        ("short", Fault::Short),
        ("late", Fault::Late(Duration::from_millis(300))),
    ] {
        for store in [false, true] {
            let face = Face::start().await;
            face.plan("q", Plan { running: Duration::from_millis(50), ..plan(&[8, 8, 8]) });
            face.faults(once(
                1,
                move |request| if store { request.store } else { polls(request) },
                fault.clone(),
            ));
            let begun = Instant::now();
            let answer = source(&face).execute(ask("q")).await.unwrap_or_else(|e| panic!("{name}: {e}"));
            let batches = all(answer).await.unwrap_or_else(|e| panic!("{name}: {e}"));
            is_whole(&batches, 24).unwrap_or_else(|e| panic!("{name}: {e}"));
            if name == "429 with a wait" {
                assert!(begun.elapsed() >= Duration::from_secs(1), "{name}");
            }
        }
    }
}

#[tokio::test]
async fn short_inline_chunks_are_asked_for_again() {
    for n in 0..3 {
        let face = Face::start().await;
        face.plan("q", plan(&[8, 8, 8]));
        let path = format!("/result/chunks/{n}");
        face.faults(once(
            1,
            move |request| (n == 0 && executes(request)) || request.path.contains(&path),
            Fault::Short,
        ));
        is_whole(&all(source(&face).execute(small("q")).await.unwrap()).await.unwrap(), 24).unwrap();
    }
    let face = Face::start().await;
    face.plan("q", plan(&[8, 8, 8]));
    face.faults(|_| Some(Fault::Short));
    assert_eq!(failure(&source(&face), small("q")).await.code, "result_incomplete");
}

#[tokio::test]
async fn what_stays_broken_is_an_error_and_no_partial_result() {
    for (name, fault) in
        [("cut", Fault::Cut), ("short", Fault::Short), ("gone", status(403)), ("reset", Fault::Reset)]
    {
        let face = Face::start().await;
        face.plan("q", plan(&[8, 8, 8]));
        face.faults(once(u32::MAX, |request| request.store && request.path.ends_with("/2"), fault));
        let asked =
            wharf_warehouses::Ask { deadline: Some(Instant::now() + Duration::from_secs(6)), ..ask("q") };
        let mut answer = source(&face).execute(asked).await.unwrap();
        let mut rows = 0;
        let error = loop {
            match answer
                .batches
                .next()
                .await
                .unwrap_or_else(|| panic!("{name}: it ended as if it were whole"))
            {
                Ok(batch) => rows += batch.num_rows(),
                Err(error) => break error,
            }
        };
        assert_eq!(rows, 16, "{name}");
        assert!(answer.batches.next().await.is_none());
        assert!(
            matches!(&error.code[..], "result_incomplete" | "reply_broken" | "unreachable" | "deadline"),
            "{name}: {error:?}"
        );
        let told = format!("{error:?}");
        assert!(!told.contains("very-secret") && !told.contains("127.0.0.1"), "{told}");
        face.cancelled(Duration::from_secs(1)).await;
    }
}

#[tokio::test]
async fn a_statement_is_sent_again_only_where_it_cannot_have_run() {
    for fault in [Fault::Status(429, vec![], String::new()), status(503)] {
        let face = Face::start().await;
        face.plan("q", plan(&[3]));
        face.faults(once(2, executes, fault));
        is_whole(&all(source(&face).execute(ask("q")).await.unwrap()).await.unwrap(), 3).unwrap();
        assert_eq!(face.count(executes), 3);
    }
    for fault in [Fault::Reset, Fault::Cut, status(500), status(504), Fault::Hang] {
        let face = Face::start().await;
        face.plan("q", plan(&[3]));
        face.faults(once(1, executes, fault.clone()));
        let error = failure(&source(&face), ask("q")).await;
        assert_eq!(face.count(executes), 1, "{fault:?}");
        assert!(error.kind.retryable(), "{fault:?}: {error:?}");
    }
}

#[tokio::test]
async fn a_link_that_ended_is_asked_for_again() {
    let face = Face::start().await;
    face.plan("q", plan(&[4, 4, 4]));
    let refused = Fault::Status(403, vec![], "<Error>AccessDenied: Request has expired</Error>".into());
    face.faults(once(2, |request| request.store && !request.path.ends_with("/1"), refused));
    is_whole(&all(source(&face).execute(ask("q")).await.unwrap()).await.unwrap(), 12).unwrap();
    assert_eq!(face.count(|request| request.path.ends_with("/result/chunks/0")), 1);

    // By its date already: it is not even tried. One that is new and yet over tells of a wrong clock and is tried.
    let face = Face::start().await;
    face.plan("q", Plan { expires: -5, ..plan(&[4, 4]) });
    is_whole(&all(source(&face).execute(ask("q")).await.unwrap()).await.unwrap(), 8).unwrap();
    assert_eq!(face.count(|request| request.store), 2);
}

#[tokio::test]
async fn a_token_that_ends_in_mid_result_is_renewed_once() {
    let face = Face::start().await;
    face.plan("q", plan(&[4; 10]));
    let source = machine(&face);
    let mut answer = source.execute(ask("q")).await.unwrap();
    let first = answer.batches.next().await.unwrap().unwrap();
    *face.state.token.lock().unwrap() = "another".to_owned();
    let mut batches = vec![first];
    while let Some(batch) = answer.batches.next().await {
        batches.push(batch.unwrap());
    }
    is_whole(&batches, 40).unwrap();
    assert_eq!(face.count(|request| request.path == "/oidc/v1/token"), 2);
}

/// One run: a result of some chunks, and faults at random steps.
async fn run(seed: u64) -> (bool, u64) {
    let mut dice = StdRng::seed_from_u64(seed);
    let chunks: Vec<i64> = (0..dice.random_range(0..7)).map(|_| dice.random_range(1..40)).collect();
    let total = chunks.iter().sum();
    let (inline, by_machine) = (dice.random_bool(0.3), dice.random_bool(0.3));
    // Sometimes so many that it must fail.
    let often = [0.05, 0.15, 0.6][dice.random_range(0..3)];
    let face = Face::start().await;
    face.plan("q", Plan { running: Duration::from_millis(dice.random_range(0..30)), ..plan(&chunks) });
    let state = std::sync::Arc::clone(&face.state);
    let mut left = 12;
    face.faults(move |request| {
        if left == 0 || !dice.random_bool(often) {
            return None;
        }
        left -= 1;
        Some(match dice.random_range(0..12) {
            0 => Fault::Status(429, vec![("retry-after", "0".into())], String::new()),
            1 => Fault::Status(429, vec![], json!({"error_code": "REQUEST_LIMIT_EXCEEDED"}).to_string()),
            2 => status(503),
            3 => status([500, 502, 504][dice.random_range(0..3)]),
            4 | 5 => Fault::Cut,
            6 | 7 => Fault::Reset,
            8 | 9 => Fault::Short,
            10 if request.store => Fault::Status(403, vec![], "<Error>expired</Error>".into()),
            10 if by_machine => {
                *state.token.lock().unwrap() = "ended".to_owned();
                return None;
            }
            _ => Fault::Late(Duration::from_millis(dice.random_range(0..20))),
        })
    });
    let source = if by_machine { machine(&face) } else { source(&face) };
    let asked = wharf_warehouses::Ask {
        deadline: Some(Instant::now() + Duration::from_secs(15)),
        limit: inline.then_some(400),
        ..ask("q")
    };
    let result = match source.execute(asked).await {
        Ok(answer) => all(answer).await,
        Err(error) => Err(error),
    };
    match result {
        Ok(batches) => {
            is_whole(&batches, total).unwrap_or_else(|e| panic!("seed {seed}: {e}"));
            (true, face.log().len() as u64)
        }
        Err(error) => {
            let told = format!("{error:?}");
            assert!(
                !told.contains("very-secret") && !told.contains(super::face::TOKEN),
                "seed {seed}: {told}"
            );
            assert!(error.kind.retryable() || error.code == "unauthenticated", "seed {seed}: {error:?}");
            (false, face.log().len() as u64)
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn faults_at_random_steps_lose_and_duplicate_no_row() {
    let begun = Instant::now();
    let from = std::env::var("WHARF_SEED").ok().and_then(|seed| seed.parse().ok()).unwrap_or(1_u64);
    let runs = futures::stream::iter(from..from + 800).map(run).buffer_unordered(100);
    let (whole, requests) = runs
        .fold((0, 0), |(whole, requests), (ok, more)| async move { (whole + u32::from(ok), requests + more) })
        .await;
    println!("800 runs, {whole} whole, {requests} requests, {:?}", begun.elapsed());
    assert!((300..800).contains(&whole), "the dice are loaded: {whole} of 800 runs were whole");
}
