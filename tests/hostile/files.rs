//! Malformed data files (R12): each is read as a table, or refused with file and, where there is one, line; the daemon
//! lives, and a source that could not be added is not there.

use super::dice::Dice;
use crate::streams::http::{get, post, send};
use crate::support::Place;
use serde_json::{Value, json};
use std::path::Path;
use std::time::{Duration, Instant};

const MANGLED: u64 = 100;

const CSV: &str = "id,name,amount,day\n1,\"a, b\",1.50,2024-01-01\n2,c,2.25,2024-01-02\n3,\"d\"\"e\",-3,2024-01-03\n4,,4e2,2024-01-04\n";
const NDJSON: &str = "{\"id\":1,\"name\":\"a\",\"in\":{\"x\":[1,2]}}\n{\"id\":2,\"name\":null,\"in\":{\"x\":[]}}\n{\"id\":3,\"name\":\"c\",\"in\":null}\n";

/// Adds a folder as a source; the last line of the reply.
fn add(place: &Place, name: &str, folder: &Path, types: &Value) -> Value {
    let begun = Instant::now();
    let reply = post(place, "/api/sources", &json!({"name": name, "path": folder, "types": types}));
    assert_eq!(reply.status, 200);
    let text = String::from_utf8(reply.whole().unwrap()).unwrap();
    assert!(begun.elapsed() < Duration::from_secs(10), "{:?}", begun.elapsed());
    serde_json::from_str(text.lines().last().unwrap()).unwrap()
}

fn sources(place: &Place) -> usize {
    get(place, "/api/sources").as_array().unwrap().len()
}

/// A few bytes changed, doubled, cut out or put in.
fn mangled(text: &[u8], dice: &mut Dice) -> Vec<u8> {
    let mut bytes = text.to_vec();
    let pieces: [&[u8]; 14] = [
        b"\"",
        b",",
        b"\n",
        b"\r",
        b"\r\n",
        b"\0",
        b"\xff",
        b"{",
        b"}",
        b"[",
        b"\xef\xbb\xbf",
        b"\xff\xfe",
        b"99999999999999999999999",
        b"\\u0000",
    ];
    for _ in 0..=dice.below(5) {
        let at = usize::try_from(dice.below(bytes.len() as u64 + 1)).unwrap();
        let end = (at + usize::try_from(dice.below(30)).unwrap()).min(bytes.len());
        match dice.below(4) {
            0 => bytes.truncate(at.max(1)),
            1 => drop(bytes.splice(at..at, bytes[at..end].to_vec())),
            2 => drop(bytes.drain(at..end)),
            _ => drop(bytes.splice(at..at, dice.pick(&pieces).iter().copied())),
        }
    }
    bytes
}

#[test]
fn mangled_files_are_read_or_refused_by_name() {
    let place = Place::new();
    place.ok(&["query", "select 1 as a, 'x' as b from range(1000)", "-o", "good.parquet"]);
    let pid = place.daemon_pid();
    let parquet = std::fs::read(place.work().join("good.parquet")).unwrap();
    let mut dice = Dice::new();
    let (mut refused, mut by_line) = (0, 0);
    for i in 0..MANGLED {
        let (ending, good): (&str, &[u8]) = *dice.pick(&[
            ("csv", CSV.as_bytes()),
            ("csv", CSV.as_bytes()),
            ("tsv", CSV.as_bytes()),
            ("ndjson", NDJSON.as_bytes()),
            ("json", NDJSON.as_bytes()),
            ("csv.gz", CSV.as_bytes()),
            ("parquet", &parquet[..]),
            ("duckdb", &parquet[..]),
        ]);
        let bytes = mangled(good, &mut dice);
        let file = place.file(&format!("f{i}/t.{ending}"), &bytes);
        let types = if dice.once_in(2) { json!({"t": {"id": "INTEGER"}}) } else { json!({}) };
        // A database is added as the file it is.
        let path = if ending == "duckdb" { file.as_path() } else { file.parent().unwrap() };
        let told = add(&place, "t", path, &types);
        if let Some(error) = told.get("error") {
            let message = error["message"].as_str().unwrap();
            assert!(
                message.contains(&format!("t.{ending}")),
                "{error} {:?}",
                String::from_utf8_lossy(&bytes)
            );
            assert!(!message.contains("(line 1, column"), "a place in our own statement: {error}");
            assert!(error["kind"] != "internal", "{error} {:?}", String::from_utf8_lossy(&bytes));
            assert_eq!(sources(&place), 0, "{error}");
            (refused, by_line) = (refused + 1, by_line + usize::from(message.contains("line ")));
        } else {
            let reply = post(
                &place,
                "/api/queries/stream",
                &json!({"sql": "from t", "format": "json", "source": "t"}),
            );
            assert!(reply.status < 500, "{}", String::from_utf8_lossy(&reply.whole().unwrap()));
            assert_eq!(send(&place, "DELETE", "/api/sources/t", "", "").status, 200);
        }
    }
    println!("{refused} of {MANGLED} refused, {by_line} with a line");
    assert!(refused > 20 && by_line > 3, "{refused}, {by_line}");
    assert_eq!(place.daemon_pid(), pid);
    let log = std::fs::read_to_string(place.path("s").join("wharfd.log")).unwrap();
    assert!(!log.contains("panicked"), "{log}");
}

#[test]
fn a_broken_line_is_told_by_file_and_number() {
    let place = Place::new();
    place.ok(&["daemon", "start"]);
    let cases: [(&str, Vec<u8>, Value, &[&str]); 6] = [
        (
            "orders.csv",
            b"id,amount\n1,2\n2,x\n".to_vec(),
            json!({"orders": {"amount": "INTEGER"}}),
            &["orders.csv", "line 3"],
        ),
        (
            "orders.csv",
            b"id,amount\n1,2\n2,\xff\xfe\n".to_vec(),
            json!({"orders": {"amount": "VARCHAR"}}),
            &["orders.csv", "line 3"],
        ),
        (
            "orders.ndjson",
            b"{\"id\":1}\n{\"id\":2}\n{\"id\":\n".to_vec(),
            json!({}),
            &["orders.ndjson, line 3"],
        ),
        (
            "orders.json",
            b"[{\"id\":1},\n{\"id\":2},\n{\"id\":oops}]\n".to_vec(),
            json!({}),
            &["orders.json, line 3: "],
        ),
        ("orders.parquet", b"PAR1 not really PAR1".to_vec(), json!({}), &["orders.parquet"]),
        ("orders.csv.gz", b"\x1f\x8b\x08 cut".to_vec(), json!({}), &["orders.csv.gz"]),
    ];
    for (i, (name, bytes, types, mentions)) in cases.into_iter().enumerate() {
        let file = place.file(&format!("c{i}/{name}"), &bytes);
        let told = add(&place, "t", file.parent().unwrap(), &types);
        let message =
            told["error"]["message"].as_str().unwrap_or_else(|| panic!("{name}: {told}")).to_owned();
        println!("{message}");
        for mention in mentions {
            assert!(message.contains(mention), "{name}: {message}");
        }
        assert_eq!(sources(&place), 0);
    }
}
