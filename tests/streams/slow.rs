//! Readers that stop reading (R8): they cost a bounded amount of memory, are dropped within the write limit, and
//! nobody else notices.

use super::http::{Reply, connect, get, post, status, write_request};
use super::process::{descriptors, peak_mib, reset_peak, resident_mib};
use crate::support::{Place, wait_until};
use serde_json::json;
use std::os::unix::net::UnixStream;
use std::process::Stdio;
use std::time::{Duration, Instant};

const STREAMS: usize = 20;
const DOWNLOADS: usize = 4;
/// The daemon under test drops readers after one second.
const STALL: (&str, &str) = ("WHARF_WRITE_STALL", "1s");

/// A session whose journal is far larger than what sockets hold: thirty answers of a thousand rows, 250 KB each.
fn long_session(place: &Place) -> String {
    place.file(
        "m.yml",
        "semantic_models:\n  - name: things\n    model: ref('things')\n    entities: [{name: thing, type: primary, expr: id}]\n    \
         defaults: {agg_time_dimension: made}\n    dimensions: [{name: label, type: categorical}, {name: made, type: time, type_params: {time_granularity: day}}]\n    measures: [{name: weight, agg: sum, expr: n}]\n\
         metrics: [{name: weight, label: Weight, type: simple, type_params: {measure: weight}}]\n",
    );
    place.ok(&[
        "query",
        "select i as id, 'label ' || i || repeat(' of a thing', 20) as label, i as n, date '2024-01-01' as made from range(1000) t(i)",
        "-o",
        "d/things.csv",
    ]);
    place.ok(&["source", "add", "d", "d", "--models", "m.yml"]);
    let mut id = String::new();
    for _ in 0..30 {
        let ran = place.run(&["ask", "weight by label", "--session", "long", "--json"]);
        let answer: serde_json::Value = serde_json::from_str(&ran.out).unwrap();
        assert_eq!(ran.code, 0, "{answer}");
        assert_eq!(answer["result"]["rows"].as_array().unwrap().len(), 1000);
        id = answer["session_id"].as_str().unwrap().to_owned();
    }
    id
}

/// Opens a stream and reads nothing of it.
fn unread(place: &Place, method: &str, path: &str, body: &str) -> UnixStream {
    let mut stream = connect(place);
    write_request(&mut stream, method, path, "", body.as_bytes());
    stream
}

/// For half a second, in which the sockets of the others fill up.
fn neighbours_are_served(place: &Place) {
    let begun = Instant::now();
    while begun.elapsed() < Duration::from_millis(500) {
        let asked = Instant::now();
        let reply = post(place, "/api/queries/stream", &json!({"sql": "select 42 as n", "format": "csv"}));
        assert_eq!(reply.whole().unwrap(), b"n\n42\n");
        assert!(asked.elapsed() < Duration::from_secs(3), "a neighbour waited {:?}", asked.elapsed());
    }
}

#[test]
fn readers_that_stop_are_dropped_and_cost_little() {
    let place = Place::new();
    std::fs::create_dir(place.work().join("d")).unwrap();
    place.command(&["daemon", "start"]).env(STALL.0, STALL.1).output().unwrap();
    let session = long_session(&place);
    let pid = place.daemon_pid().unwrap();
    // One reader that reads shows how much there is to send, and warms what stays open.
    let events = format!("/api/sessions/{session}/events");
    let journal = get(&place, &format!("/api/sessions/{session}"))["last_event"].as_u64().unwrap();
    assert!(journal > 200);
    wait_until("nothing but the listeners is open", || status(&place)["clients"] == 1);
    let (before, at_rest) = (descriptors(pid), resident_mib(pid).unwrap());
    reset_peak(pid);

    let big =
        json!({"sql": "select i, repeat('x', 200) t from range(50000000) t(i)", "format": "csv"}).to_string();
    let streams: Vec<_> = (0..STREAMS).map(|_| unread(&place, "GET", &events, "")).collect();
    wait_until("all follow", || status(&place)["clients"] == STREAMS + 1);
    neighbours_are_served(&place);
    let following = peak_mib(pid).unwrap();
    let downloads: Vec<_> =
        (0..DOWNLOADS).map(|_| unread(&place, "POST", "/api/queries/stream", &big)).collect();
    wait_until("all are served", || status(&place)["statements"] == DOWNLOADS);
    let stalled = Instant::now();
    neighbours_are_served(&place);
    let peak = peak_mib(pid).unwrap();
    wait_until("all are dropped", || status(&place)["clients"] == 1);
    wait_until("their statements are ended", || status(&place)["statements"] == 0);
    assert!(stalled.elapsed() < Duration::from_secs(9), "{:?}", stalled.elapsed());
    println!(
        "{at_rest} MiB at rest, {following} with {STREAMS} streams, {peak} with {DOWNLOADS} downloads too"
    );
    // A stream may hold a page of its journal (256 KiB) and what of it is being written; a download what its pipeline
    // holds, some 30 MB.
    assert!(following < at_rest + STREAMS as u64 * 3 / 2, "{following} MiB, {at_rest} at rest");
    assert!(peak < at_rest + 60 * DOWNLOADS as u64, "{peak} MiB, {at_rest} at rest");
    drop(streams);
    let what = format!("descriptors are back at {before:?}, now {:?}", descriptors(pid));
    wait_until(&what, || {
        descriptors(pid).iter().all(|(kind, count)| before.get(kind).is_some_and(|b| count <= b))
    });
    // What was sent until then breaks off visibly: no last chunk.
    for stream in downloads {
        assert!(Reply::read(stream).unwrap().whole().is_err());
    }
}

#[test]
fn a_reader_that_is_merely_slow_gets_everything() {
    let place = Place::new();
    place.command(&["daemon", "start"]).env(STALL.0, STALL.1).output().unwrap();
    let request = json!({"sql": "select i, repeat('x', 100) t from range(100000) t(i)", "format": "csv"});
    let mut reply = post(&place, "/api/queries/stream", &request);
    let (mut buffer, mut total) = (vec![0; 1 << 20], 0);
    loop {
        let n = std::io::Read::read(&mut reply, &mut buffer).unwrap();
        if n == 0 {
            break;
        }
        total += n;
        // Twice the write limit in all, but never a whole one between two reads.
        if total < 4 << 20 && n > 1000 {
            std::thread::sleep(Duration::from_millis(10));
        }
        if total % 7 == 0 {
            std::thread::sleep(Duration::from_millis(50));
        }
    }
    assert_eq!(total, "i,t\n".len() + (0..100_000).map(|i: u32| i.to_string().len() + 102).sum::<usize>());
}

#[test]
fn a_pager_left_open_keeps_nobody_waiting() {
    let place = Place::new();
    std::fs::create_dir(place.path("c")).unwrap();
    std::fs::write(place.path("c/config.toml"), "[limits]\nstatements = 2\n").unwrap();
    let sql = "select i, repeat('x', 100) t from range(1000000) t(i)";
    let paused = ["csv", "parquet"].map(|format| {
        let mut pager = place.command(&["query", sql, "--format", format]);
        pager.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::null()).spawn().unwrap()
    });
    wait_until("both run", || place.daemon_pid().is_some() && status(&place)["statements"] == 2);
    // Both places are taken, until it shows that nobody reads.
    assert_eq!(place.ok(&["query", "select 42 as n", "--format", "csv", "--timeout", "20s"]), "n\n42\n");
    assert_eq!(status(&place)["statements"], 2);
    // What was paused goes on where it stood, whole.
    let [csv, parquet] = paused.map(|pager| pager.wait_with_output().unwrap());
    assert!(csv.status.success() && parquet.status.success());
    assert_eq!(csv.stdout.iter().filter(|b| **b == b'\n').count(), 1_000_001);
    place.file("back.parquet", &parquet.stdout);
    let counted = "select count(*) n, sum(i)::bigint s from 'back.parquet'";
    assert_eq!(place.ok(&["query", counted, "--format", "csv"]), "n,s\n1000000,499999500000\n");
}
