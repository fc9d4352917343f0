//! Large results (R16): memory of daemon and client is bounded whatever comes out, and a reader that has seen enough
//! ends the statement.
//!
//! Each result has some 150 MB instead of the gigabyte that a release build is held to: the executables under test are
//! not optimised. The bounds are the same, since they must not depend on the size.

use super::http::{post, status};
use super::process::{peak_mib, reset_peak};
use crate::support::{Place, wait_until};
use serde_json::json;
use std::io::{BufRead, BufReader, Read};
use std::process::Stdio;
use std::time::{Duration, Instant};

const DAEMON_MIB: u64 = 512;
const CLIENT_MIB: u64 = 64;

/// Some 150 MB of text that does not repeat, so that no format can make it small.
const BIG: &str =
    "select i, md5(i::varchar) || md5((i + 1)::varchar) || repeat('x', 900) as t from range(150000) t(i)";

/// Reads a child's output to the end and returns its size, and the child's highest memory in MiB.
fn drained(mut child: std::process::Child) -> (u64, u64) {
    let mut out = child.stdout.take().unwrap();
    let (mut buffer, mut total, mut peak) = (vec![0; 1 << 20], 0, 0);
    loop {
        let n = out.read(&mut buffer).unwrap();
        peak = peak.max(peak_mib(child.id()).unwrap_or(0));
        if n == 0 {
            break;
        }
        total += n as u64;
    }
    assert!(child.wait().unwrap().success());
    (total, peak)
}

#[test]
fn memory_is_bounded_in_every_format_through_the_command() {
    let place = Place::new();
    place.ok(&["query", "select 1", "--csv"]);
    let pid = place.daemon_pid().unwrap();
    for format in ["csv", "ndjson", "arrow", "parquet"] {
        reset_peak(pid);
        let child = place
            .command(&["query", BIG, "--format", format])
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        let (bytes, client) = drained(child);
        let daemon = peak_mib(pid).unwrap();
        println!("{format}: {} MB, daemon {daemon} MiB, client {client} MiB", bytes / 1_000_000);
        // Parquet squeezes the repeated part away.
        assert!(bytes > if format == "parquet" { 5_000_000 } else { 140_000_000 }, "{format}: {bytes} bytes");
        assert!(daemon < DAEMON_MIB, "{format}: daemon {daemon} MiB");
        assert!(client > 0 && client < CLIENT_MIB, "{format}: client {client} MiB");
    }
}

#[test]
fn memory_is_bounded_in_every_format_over_http() {
    let place = Place::new();
    place.ok(&["query", "select 1", "--csv"]);
    let pid = place.daemon_pid().unwrap();
    for format in ["csv", "ndjson", "arrow", "parquet", "rows"] {
        reset_peak(pid);
        let mut reply = post(&place, "/api/queries/stream", &json!({"sql": BIG, "format": format}));
        assert_eq!(reply.status, 200);
        let bytes = std::io::copy(&mut reply, &mut std::io::sink()).unwrap();
        let daemon = peak_mib(pid).unwrap();
        println!("{format}: {} MB, daemon {daemon} MiB", bytes / 1_000_000);
        assert!(bytes > if format == "parquet" { 5_000_000 } else { 140_000_000 }, "{format}: {bytes} bytes");
        assert!(daemon < DAEMON_MIB, "{format}: daemon {daemon} MiB");
    }
}

#[test]
fn a_reader_that_has_seen_enough_ends_the_statement_at_once() {
    let place = Place::new();
    place.ok(&["query", "select 1", "--csv"]);
    let endless = "select i, repeat('x', 100) t from range(100000000000) t(i)";
    for format in ["csv", "ndjson", "arrow"] {
        let mut child = place.start(&["query", endless, "--format", format]);
        let mut out = BufReader::new(child.stdout.take().unwrap());
        let mut line = Vec::new();
        out.read_until(b'\n', &mut line).unwrap();
        assert!(!line.is_empty());
        drop(out);
        let left = Instant::now();
        let ended = child.wait_with_output().unwrap();
        let waited = left.elapsed();
        assert_eq!(ended.status.code(), Some(0), "{format}");
        assert_eq!(String::from_utf8_lossy(&ended.stderr), "", "{format}");
        // Promised are 500 ms.
        assert!(waited < Duration::from_millis(1500), "{format}: {waited:?}");
        wait_until("no statement runs", || status(&place)["statements"] == 0);
        assert!(left.elapsed() < Duration::from_millis(1500), "{format}: {:?}", left.elapsed());
    }
    let mut reply = post(&place, "/api/queries/stream", &json!({"sql": endless, "format": "csv"}));
    let mut some = [0; 1000];
    reply.read_exact(&mut some).unwrap();
    drop(reply);
    let left = Instant::now();
    wait_until("no statement runs", || status(&place)["statements"] == 0);
    assert!(left.elapsed() < Duration::from_millis(1500), "{:?}", left.elapsed());
}
