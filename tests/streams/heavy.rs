//! Statements that are too much (R17): they spill, or are refused clearly, and the daemon stays up and small.

use super::http::{post, send, status};
use super::process::{peak_mib, reset_peak, resident_mib};
use crate::support::{Place, wait_until};
use serde_json::{Value, json};
use std::time::{Duration, Instant};

/// Memory that the engine may have in these tests. The pool gives each of its four instances a quarter.
const MEMORY: (&str, &str) = ("WHARF_MEMORY", "512MB");
/// What the daemon may have beside the engine's share: its own program, and what is on its way out.
const DAEMON_MIB: u64 = 512;

fn small(place: &Place) -> u32 {
    daemon_with(place, MEMORY)
}

fn daemon_with(place: &Place, memory: (&str, &str)) -> u32 {
    let out = place.command(&["daemon", "start"]).env(memory.0, memory.1).output().unwrap();
    assert!(out.status.success());
    place.daemon_pid().unwrap()
}

/// Runs a statement and hands back status and body.
fn run(place: &Place, sql: &str, format: &str) -> (u16, Vec<u8>) {
    let reply = post(place, "/api/queries/stream", &json!({"sql": sql, "format": format}));
    (reply.status, reply.whole().unwrap_or_default())
}

/// A refusal says what, and what to do.
fn clear(body: &[u8]) -> String {
    let error: Value = serde_json::from_slice(body).unwrap();
    assert!(error["code"].is_string() && error["message"].is_string(), "{error}");
    assert!(error["code"] != "panic" && error["code"] != "engine", "{error}");
    error["code"].as_str().unwrap().to_owned()
}

fn still_well(place: &Place, pid: u32, what: &str) {
    still_under(DAEMON_MIB, place, pid, what);
}

fn still_under(most: u64, place: &Place, pid: u32, what: &str) {
    assert_eq!(place.daemon_pid(), Some(pid), "{what}: the daemon is another");
    let (code, body) = run(place, "select 41 + 1 as n", "csv");
    assert_eq!((code, &body[..]), (200, &b"n\n42\n"[..]), "{what}");
    assert_eq!(status(place)["statements"], 0, "{what}");
    let peak = peak_mib(pid).unwrap();
    println!("{what}: {peak} MiB");
    assert!(peak < most, "{what}: {peak} MiB");
    reset_peak(pid);
}

#[test]
fn what_does_not_fit_into_memory_spills_or_is_refused() {
    let place = Place::new();
    let pid = small(&place);
    let wide = "select i, md5(i::varchar) as k, md5((i * 7)::varchar) as v from range(1500000) t(i)";
    // A quarter of a gigabyte of keys against 128 MiB of memory.
    let cases = [
        (
            "sort",
            format!(
                "select max(i), count(*) from (select i, row_number() over (order by v, k) r from ({wide}))"
            ),
            "1499999,1500000",
        ),
        ("distinct", format!("select count(*) from (select distinct k, v from ({wide}))"), "1500000"),
        ("join", format!("select count(*) from ({wide}) a join ({wide}) b on a.k = b.k"), "1500000"),
        ("list", format!("select length(string_agg(k || v, '')) from ({wide})"), "96000000"),
    ];
    for (what, sql, expected) in cases {
        let (code, body) = run(&place, &sql, "csv");
        let text = String::from_utf8_lossy(&body).into_owned();
        if code == 200 {
            assert_eq!(text.lines().nth(1), Some(expected), "{what}");
        } else {
            assert_eq!((code, clear(&body).as_str()), (429, "out_of_memory"), "{what}: {text}");
        }
        println!("{what}: {code}");
        still_well(&place, pid, what);
    }
    let spill = place.path("k").join(format!("scratch-{pid}"));
    let left: u64 = walk(&spill);
    assert!(left < 1 << 20, "{left} bytes are left in {}", spill.display());
}

/// Bytes of all files below a folder.
fn walk(dir: &std::path::Path) -> u64 {
    std::fs::read_dir(dir).into_iter().flatten().flatten().fold(0, |sum, entry| {
        let meta = entry.metadata().unwrap();
        sum + if meta.is_dir() { walk(&entry.path()) } else { meta.len() }
    })
}

#[test]
fn ten_thousand_columns_and_many_of_one_name() {
    let place = Place::new();
    let pid = daemon_with(&place, (MEMORY.0, "2GB"));
    // A statement may have 64 KiB, so ten thousand columns come from a file.
    let line = |cell: &dyn Fn(usize) -> String| (0..10_000).map(cell).collect::<Vec<_>>().join(",");
    let text = format!("{}\n{}\n", line(&|i| format!("c{i}")), line(&|i| i.to_string()));
    place.file("d/wide.csv", text);
    place.ok(&["source", "add", "d", "d"]);
    // The engine buffers each column of a file it reads in.
    still_under(900, &place, pid, "a source of 10,000 columns");
    for format in ["csv", "tsv", "json", "ndjson", "arrow", "parquet", "rows"] {
        let (code, body) = run(&place, "from wide", format);
        assert_eq!(code, 200, "{format}: {:.200}", String::from_utf8_lossy(&body));
        if format == "csv" {
            let text = String::from_utf8(body).unwrap();
            let values: Vec<&str> = text.lines().nth(1).unwrap().split(',').collect();
            assert_eq!((values.len(), values[9999]), (10_000, "9999"));
        }
        still_under(900, &place, pid, &format!("10,000 columns as {format}"));
    }
    let columns: Vec<String> = (0..2000).map(|i| format!("{i} as a")).collect();
    let same = format!("select {}", columns.join(","));
    for format in ["csv", "tsv", "json", "ndjson", "arrow", "parquet", "rows"] {
        let (code, body) = run(&place, &same, format);
        assert_eq!(code, 200, "{format}: {:.200}", String::from_utf8_lossy(&body));
        if format == "ndjson" {
            let row: Value = serde_json::from_slice(&body).unwrap();
            let row = row.as_object().unwrap();
            assert_eq!((row.len(), &row["a"], &row["a_1999"]), (2000, &json!(0), &json!(1999)));
        }
        still_under(900, &place, pid, &format!("2,000 columns of one name as {format}"));
    }
    for look in ["table", "plain", "vertical", "markdown"] {
        let out = place.ok(&["query", &same, "--format", look]);
        assert!(out.contains("1999"), "{look}");
    }
    place.ok(&["query", &same, "-o", "same.parquet"]);
    assert_eq!(place.ok(&["query", "select a_1999 from 'same.parquet'", "--csv", "-t"]), "1999\n");
}

#[test]
fn a_cell_of_100_megabytes_comes_whole_and_its_memory_is_given_back() {
    let place = Place::new();
    let pid = daemon_with(&place, (MEMORY.0, "2GB"));
    // Left to itself the allocator takes ten seconds and more, or waits for the next statement.
    let given_back = || {
        let begun = Instant::now();
        wait_until("the memory is given back", || resident_mib(pid).unwrap() < 150);
        assert!(begun.elapsed() < Duration::from_secs(5), "after {:?}", begun.elapsed());
    };
    for format in ["csv", "arrow"] {
        let sql = "select 'a' || repeat('x', n) || 'z' as t from (select 100000000 as n from range(1))";
        let (code, body) = run(&place, sql, format);
        assert_eq!(code, 200, "{format}");
        assert!(body.len() >= 100_000_002, "{format}: {} bytes", body.len());
        // The engine alone holds the cell three to five times while it makes it.
        still_under(900, &place, pid, &format!("a cell of 100 MB as {format}"));
        given_back();
    }
    // The engine's own threads read it from a file, and what they free stays with their allocator for a while.
    let cell = "select repeat('x', n) as t from (select 100000000 as n from range(1))";
    place.ok(&["query", cell, "-o", "cell.parquet"]);
    for _ in 0..2 {
        assert_eq!(place.ok(&["query", "select t from 'cell.parquet'", "--csv", "-t"]).len(), 100_000_001);
    }
    given_back();
    let refused =
        run(&place, "select repeat('x', n) as t from (select 5000000000 as n from range(1))", "csv");
    assert!((400..500).contains(&refused.0), "{}", refused.0);
    println!("a cell of 5 GB: {}", clear(&refused.1));
    still_under(900, &place, pid, "a cell of 5 GB");
}

#[test]
fn deep_and_long_texts_are_read_or_refused() {
    let place = Place::new();
    let pid = small(&place);
    let deep = |n: usize, open: &str, close: &str| format!("{}{}", open.repeat(n), close.repeat(n));
    let cases = [
        ("JSON in SQL, 10,000 deep", format!("select json_valid('{}') as v", deep(10_000, "[", "]"))),
        (
            "JSON to a list, 10,000 deep",
            format!("select json_extract('{}', '$[0][0]') as v", deep(10_000, "[", "]")),
        ),
        ("JSON structure, 10,000 deep", format!("select json_structure('{}') as v", deep(10_000, "[", "]"))),
        (
            "JSON objects",
            format!("select ('{}'::json).a.a.a as v", deep(10_000, "{\"a\":", "}").replace(":}", ":1}")),
        ),
        ("parentheses, 10,000 deep", format!("select {}1{} as v", "(".repeat(10_000), ")".repeat(10_000))),
        (
            "subqueries, 2,000 deep",
            format!("select * from {}(select 1 v){}", "(select * from ".repeat(2000), ")".repeat(2000)),
        ),
        ("lists, 5,000 deep", format!("select {} as v", deep(5000, "[", "]"))),
        ("a sum of 20,000", format!("select {}1 as v", "1+".repeat(20_000))),
        ("not, 20,000 times", format!("select {}true as v", "not ".repeat(20_000))),
        (
            "case, 3,000 deep",
            format!("select {}1{} as v", "case when true then ".repeat(3000), " end".repeat(3000)),
        ),
        ("1 MB of SQL in one literal", format!("select length('{}') as v", "x".repeat(1 << 20))),
        ("1 MB of SQL in a list", format!("select 1 as v where 1 in ({}1)", "1,".repeat(500_000))),
        ("1 MB of comment", format!("select /*{}*/ 1 as v", "x".repeat(1 << 20))),
        ("1 MB of union", format!("{}select 1 as v", "select 1 as v union all ".repeat(2000))),
        ("15 MB of SQL", format!("select length('{}') as v", "x".repeat(15 << 20))),
    ];
    for (what, sql) in &cases {
        for format in ["csv", "parquet"] {
            let (code, body) = run(&place, sql, format);
            if code != 200 {
                assert!((400..500).contains(&code), "{what}: {code} {:.300}", String::from_utf8_lossy(&body));
                println!("{what}: {code} {}", clear(&body));
            }
            still_well(&place, pid, what);
        }
    }
    let reply =
        send(&place, "POST", "/api/queries/stream", "", format!("{{\"sql\": \"{}\"}}", "x".repeat(17 << 20)));
    assert!((400..500).contains(&reply.status), "{}", reply.status);
    let deep = format!("{{\"query\": {}, \"format\": \"csv\"}}", deep(10_000, "[", "]"));
    let reply = send(&place, "POST", "/api/metrics/query", "", deep);
    assert!((400..500).contains(&reply.status), "{}", reply.status);
    still_well(&place, pid, "deep bodies");
}
