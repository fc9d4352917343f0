//! Cancels (R20): whoever stops waiting, and however, the engine stops within a second and nothing is left behind.

use super::http::{connect, get, post, send, status, write_request};
use super::process::signal;
use crate::cases::shop;
use crate::support::{Place, wait_until};
use serde_json::{Value, json};
use std::time::{Duration, Instant};

/// Nothing comes out of it for hours, so it ends by cancel only.
const SILENT: &str = "select count(*) from range(1000000000000) t(i) where i % 7 = 3";
/// Rows come out of it for hours.
const CHATTY: &str = "select i, repeat('x', 100) t from range(100000000000) t(i)";

/// Waits until nothing runs, at most three times the second that is promised.
#[track_caller]
fn ended(place: &Place, since: Instant, what: &str) {
    loop {
        let now = status(place);
        if now["statements"] == 0 && now["turns"] == 0 && now["queue"] == 0 {
            return;
        }
        assert!(since.elapsed() < Duration::from_secs(3), "{what}: still running after 3 s: {now}");
        std::thread::sleep(Duration::from_millis(5));
    }
}

#[track_caller]
fn runs(place: &Place, count: u64) {
    wait_until("the statements run", || {
        let now = status(place);
        now["statements"] == count && now["queue"] == 0
    });
}

/// A different instant for each: some cancels come before the engine has begun.
fn moment(i: u64) {
    std::thread::sleep(Duration::from_micros(i % 30 * 700));
}

fn usable(place: &Place) {
    let reply = post(place, "/api/queries/stream", &json!({"sql": "select 42 as n", "format": "csv"}));
    assert_eq!(reply.whole().unwrap(), b"n\n42\n");
}

fn request(i: u64, id: &str) -> (String, String) {
    let sql = if i.is_multiple_of(2) { SILENT } else { CHATTY };
    let format = ["csv", "ndjson", "arrow", "parquet", "rows", "none"][i as usize % 6];
    (format!("X-Request-ID: {id}\r\n"), json!({"sql": sql, "format": format}).to_string())
}

#[test]
fn sockets_that_close_end_their_statements() {
    let place = Place::new();
    place.ok(&["daemon", "start"]);
    usable(&place);
    for i in 0..30 {
        let (header, body) = request(i, &format!("close-{i}"));
        let mut stream = connect(&place);
        write_request(&mut stream, "POST", "/api/queries/stream", &header, body.as_bytes());
        moment(i);
        drop(stream);
        ended(&place, Instant::now(), &format!("closed socket {i}"));
    }
    usable(&place);
}

#[test]
fn statements_end_when_they_are_told_to_by_id() {
    let place = Place::new();
    place.ok(&["daemon", "start"]);
    usable(&place);
    for i in 0..30 {
        let id = format!("delete-{i}");
        let (header, body) = request(i, &id);
        let mut stream = connect(&place);
        write_request(&mut stream, "POST", "/api/queries/stream", &header, body.as_bytes());
        moment(i);
        let asked = Instant::now();
        loop {
            let reply = send(&place, "DELETE", &format!("/api/queries/{id}"), "", "");
            if reply.status == 200 {
                break;
            }
            assert_eq!(reply.status, 404);
            assert!(asked.elapsed() < Duration::from_secs(5), "{id} never began");
        }
        ended(&place, Instant::now(), &id);
        let how = get(&place, &format!("/api/queries/{id}/status"));
        assert_eq!(how["status"], "cancelled", "{how}");
        drop(stream);
    }
    usable(&place);
}

#[test]
fn statements_that_wait_for_a_place_can_be_cancelled_too() {
    let place = Place::new();
    place.command(&["daemon", "start"]).env("WHARF_STATEMENTS", "2").output().unwrap();
    usable(&place);
    let start = |id: &str, extra: Value| {
        let mut stream = connect(&place);
        let mut body = json!({"sql": SILENT, "format": "csv"});
        body.as_object_mut().unwrap().extend(extra.as_object().unwrap().clone());
        let header = format!("X-Request-ID: {id}\r\n");
        write_request(&mut stream, "POST", "/api/queries/stream", &header, body.to_string().as_bytes());
        stream
    };
    let running = [start("running-0", json!({})), start("running-1", json!({}))];
    runs(&place, 2);
    let queue = |count: u64| {
        wait_until(&format!("{count} wait"), || status(&place)["queue"] == count);
    };
    // By id, by a closed socket, by a deadline: none of them has to wait for a place to be told to end.
    let told = start("told", json!({}));
    let closed = start("closed", json!({}));
    queue(2);
    assert_eq!(send(&place, "DELETE", "/api/queries/told", "", "").status, 200);
    queue(1);
    drop(closed);
    queue(0);
    let late = start("late", json!({"timeout_ms": 300}));
    let reply = super::http::Reply::read(late).unwrap().json();
    assert_eq!(reply["code"], "deadline", "{reply}");
    let reply = super::http::Reply::read(told).unwrap().json();
    assert_eq!(reply["code"], "cancelled", "{reply}");
    assert_eq!(status(&place)["statements"], 2);
    drop(running);
    ended(&place, Instant::now(), "the running ones");
}

#[test]
fn deadlines_hold() {
    let place = Place::new();
    place.ok(&["daemon", "start"]);
    usable(&place);
    for i in 0..20 {
        let limit = 1 + i * 11;
        let (_, body) = request(i, "");
        let mut body: Value = serde_json::from_str(&body).unwrap();
        body["timeout_ms"] = json!(limit);
        let begun = Instant::now();
        let mut stream = post(&place, "/api/queries/stream", &body);
        let mut text = String::new();
        // Rows may have come before the deadline; then the body breaks off, or (rows) tells in its last line.
        let whole = std::io::Read::read_to_string(&mut stream, &mut text);
        assert!(
            begun.elapsed() < Duration::from_millis(limit) + Duration::from_secs(3),
            "{limit} ms: {body}"
        );
        assert!(whole.is_err() || text.contains("\"deadline\""), "{body}: {text:.200}");
        ended(&place, Instant::now(), &format!("{limit} ms"));
    }
    let err = place.fails(&["query", SILENT, "--csv", "--timeout", "200ms"], 4);
    assert!(err.contains("deadline"), "{err}");
    usable(&place);
}

#[test]
fn interrupted_commands_leave_nothing_behind() {
    let place = Place::new();
    if !shop(&place) {
        return;
    }
    place.ok(&[
        "query",
        &format!(
            "copy (select i, md5(i::varchar) a, md5((i+1)::varchar) b from range(400000) t(i)) to '{}'",
            place.work().join("wide.csv").display()
        ),
        "--write",
    ]);
    let commands: [&[&str]; 6] = [
        &["query", SILENT, "--csv"],
        &["query", CHATTY, "--csv"],
        &["query", SILENT, "-o", "never.csv"],
        &["query", CHATTY, "-o", "never.parquet"],
        &["profile", "wide.csv", "--refresh"],
        &["ask", "revenue by month in 2024", "--session", "daily"],
    ];
    for i in 0..24 {
        let args = commands[i as usize % commands.len()];
        let mut child = place.start(args);
        let mut out = child.stdout.take().unwrap();
        let reader = std::thread::spawn(move || std::io::copy(&mut out, &mut std::io::sink()));
        std::thread::sleep(Duration::from_millis(60 + i % 8 * 20));
        signal(child.id(), "INT");
        let told = Instant::now();
        let code = child.wait().unwrap().code();
        assert!(told.elapsed() < Duration::from_secs(3), "{args:?}: {:?}", told.elapsed());
        // An answer may have been there already.
        let done = args[0] == "ask" && code == Some(0) || args[0] == "profile" && code == Some(0);
        assert!(done || code == Some(130), "{args:?}: {code:?}");
        ended(&place, told, &format!("{args:?}"));
        reader.join().unwrap().unwrap();
    }
    let left: Vec<_> = std::fs::read_dir(place.work()).unwrap().map(|e| e.unwrap().file_name()).collect();
    assert_eq!(left, ["wide.csv"], "half a file is left");
    // The session that was asked and left six times answers.
    let answer = place.json(&["ask", "revenue by month in 2024", "--session", "daily", "--json"]);
    assert_eq!(answer["status"], "completed", "{answer}");
    usable(&place);
}

#[test]
fn turns_can_be_stopped_and_the_session_goes_on() {
    let place = Place::new();
    if !shop(&place) {
        return;
    }
    for i in 0..10_u64 {
        let question = json!({"question": "revenue by month in 2024", "session": "daily", "create": true});
        let started = post(&place, "/api/chat/turns", &question).json();
        let turn = started["turn_id"].as_str().unwrap_or_else(|| panic!("{started}")).to_owned();
        moment(i);
        let stopped = send(&place, "DELETE", &format!("/api/chat/turns/{turn}"), "", "").status;
        ended(&place, Instant::now(), "a stopped turn");
        let told = get(&place, &format!("/api/chat/turns/{turn}"));
        let how = told["answer"]["status"].as_str().unwrap().to_owned();
        assert!(how == "completed" || how == "interrupted" && stopped == 200, "{told}");
    }
    let answer = place.json(&["ask", "revenue by month in 2024", "--session", "daily", "--json"]);
    assert_eq!(answer["result"]["rows"].as_array().unwrap().len(), 12, "{answer}");
}

#[test]
fn a_client_that_leaves_in_the_middle_of_a_profile_ends_it() {
    let place = Place::new();
    place.ok(&[
        "query",
        "select i, md5(i::varchar) a, md5((i+1)::varchar) b, md5((i+2)::varchar) c from range(600000) t(i)",
        "-o",
        "wide.parquet",
    ]);
    let body = json!({"table": "wide.parquet", "cwd": place.work(), "refresh": true}).to_string();
    for i in 0..6 {
        let mut stream = connect(&place);
        write_request(&mut stream, "POST", "/api/profiles", "", body.as_bytes());
        wait_until("the profile runs", || status(&place)["statements"] != 0);
        std::thread::sleep(Duration::from_millis(i * 25));
        drop(stream);
        ended(&place, Instant::now(), "a profile");
    }
    // And a whole one works afterwards.
    assert_eq!(place.json(&["profile", "wide.parquet", "--json"])["rows"], 600_000);
}

#[test]
fn a_cancel_that_comes_while_the_engine_still_plans_is_not_forgotten() {
    let place = Place::new();
    place.ok(&["daemon", "start"]);
    usable(&place);
    // Some hundred subqueries take a while to plan; what comes then would take hours.
    let branch = "select count(*) c from range(1000000000000) t(i) where i % 7 = 3 group by i % 3";
    let sql = vec![branch; 150].join(" union all ");
    for i in 0..30 {
        let id = format!("planned-{i}");
        let mut stream = connect(&place);
        let body = json!({"sql": sql, "format": "csv"}).to_string();
        write_request(
            &mut stream,
            "POST",
            "/api/queries/stream",
            &format!("X-Request-ID: {id}\r\n"),
            body.as_bytes(),
        );
        runs(&place, 1);
        std::thread::sleep(Duration::from_micros(i * 500));
        assert_eq!(send(&place, "DELETE", &format!("/api/queries/{id}"), "", "").status, 200);
        ended(&place, Instant::now(), &id);
        drop(stream);
    }
    usable(&place);
}

#[test]
fn an_output_that_is_a_socket_nobody_reads_does_not_hold_a_statement() {
    use std::os::fd::OwnedFd;
    let place = Place::new();
    place.ok(&["daemon", "start"]);
    usable(&place);
    let (ours, theirs) = std::os::unix::net::UnixStream::pair().unwrap();
    let mut child = place.command(&["query", CHATTY, "--csv"]).stdout(OwnedFd::from(theirs)).spawn().unwrap();
    runs(&place, 1);
    // Long enough for the socket to be full.
    wait_until("the writer waits", || full(&ours));
    signal(child.id(), "INT");
    let told = Instant::now();
    assert_eq!(child.wait().unwrap().code(), Some(130));
    ended(&place, told, "a statement into a socket");
    drop(ours);
}

/// Whether the socket's far side can write no more: what can be read does not grow.
fn full(socket: &std::os::unix::net::UnixStream) -> bool {
    let waiting = || rustix::io::ioctl_fionread(socket).unwrap();
    let before = waiting();
    std::thread::sleep(Duration::from_millis(50));
    before > 0 && before == waiting()
}
