//! Durability and faults: kills, failing and full disks, damaged files, clocks that are set.

mod clock;
mod damage;
mod failing;
mod full;
mod kills;
mod order;
mod trace;

use crate::support::Place;
use serde_json::Value;
use std::io::{BufRead, BufReader, Write};
use std::os::unix::net::UnixStream;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

const MODEL: &str = "
semantic_models:
  - name: sales
    model: ref('sales')
    defaults: {agg_time_dimension: sold_at}
    entities: [{name: sale, type: primary, expr: id}]
    dimensions:
      - {name: sold_at, type: time, type_params: {time_granularity: day}}
      - {name: shop, type: categorical}
    measures:
      - {name: revenue, agg: sum, expr: amount, create_metric: true}
";

/// A small source that can be asked: `revenue by shop` has two rows.
pub fn till(place: &Place) {
    place.file("till/sales.csv", "id,sold_at,shop,amount\n1,2024-01-05,north,10.50\n2,2024-02-07,south,4.25\n3,2024-02-09,north,1.25\n");
    place.file("models/sales.yml", MODEL);
    place.ok(&["source", "add", "till", "till", "--models", "models"]);
}

/// The question to [`till`], in a session of this name.
pub fn ask(session: &str) -> [&str; 7] {
    ["ask", "revenue by shop", "--source", "till", "--session", session, "--json"]
}

/// Two rows, and the right ones.
pub fn is_right(answer: &Value) -> bool {
    answer["status"] == "completed" && answer["result"]["rows"].as_array().is_some_and(|rows| rows.len() == 2)
}

/// Every file below the place's folders, and every folder that is empty.
fn files(place: &Place) -> Vec<PathBuf> {
    fn walk(dir: &Path, found: &mut Vec<PathBuf>) {
        for entry in std::fs::read_dir(dir).into_iter().flatten().flatten() {
            if entry.file_type().is_ok_and(|t| t.is_dir()) {
                walk(&entry.path(), found);
            }
            found.push(entry.path());
        }
    }
    let mut found = Vec::new();
    for folder in ["c", "d", "s", "k", "r", "work"] {
        walk(&place.path(folder), &mut found);
    }
    found
}

/// Nothing is left of what was begun and not ended; every snapshot belongs to a source. A daemon runs.
#[track_caller]
pub fn no_litter(place: &Place) {
    let own = format!("scratch-{}", place.daemon_pid().unwrap());
    let sources: Vec<String> = place
        .json(&["source", "list", "--json"])
        .as_array()
        .unwrap()
        .iter()
        .map(|s| s["name"].as_str().unwrap().to_owned())
        .collect();
    // What the running daemon is writing at this moment is no litter; what somebody left stays.
    let litter = || litter(place, &own, &sources);
    let deadline = Instant::now() + Duration::from_secs(5);
    while !litter().is_empty() && Instant::now() < deadline {
        std::thread::sleep(Duration::from_millis(5));
    }
    let left = litter();
    assert!(left.is_empty(), "{left:?}");
}

fn litter(place: &Place, own: &str, sources: &[String]) -> Vec<PathBuf> {
    files(place)
        .into_iter()
        .filter(|path| {
            let name = path.file_name().unwrap().to_string_lossy().into_owned();
            let unfinished =
                [".partial", ".fresh", ".tmp", ".probe", "making-"].iter().any(|mark| name.contains(mark));
            let orphan = path.parent().unwrap().ends_with("snapshots")
                && !sources.iter().any(|s| name.split('-').next() == Some(s));
            unfinished || orphan || name.starts_with("scratch-") && name != own
        })
        .collect()
}

/// The audit's chain holds, as `wharf doctor` sees it.
#[track_caller]
pub fn audit_is_sound(place: &Place) {
    let checks = place.run(&["doctor", "--json"]);
    let checks: Value = serde_json::from_str(&checks.out).unwrap();
    let audit = checks.as_array().unwrap().iter().find(|c| c["id"] == "audit").unwrap();
    assert_eq!(audit["status"], "ok", "{audit}");
}

/// The events of a session are numbered from 1 to the last one without a gap. A daemon runs.
#[track_caller]
pub fn has_no_gap(place: &Place, session: &str) {
    let shown = place.json(&["session", "show", session, "--json"]);
    let shown = &shown["session"];
    let (id, last) = (shown["session_id"].as_str().unwrap(), shown["last_event"].as_u64().unwrap());
    let mut stream = UnixStream::connect(place.path("r/wharfd.sock")).unwrap();
    stream.set_read_timeout(Some(Duration::from_secs(10))).unwrap();
    write!(stream, "GET /api/sessions/{id}/events?after=0 HTTP/1.1\r\nHost: wharf\r\n\r\n").unwrap();
    let lines = BufReader::new(stream).lines().map_while(Result::ok);
    let numbers = lines.filter_map(|line| line.strip_prefix("id:")?.trim().parse::<u64>().ok());
    let numbers: Vec<u64> = numbers.take(usize::try_from(last).unwrap()).collect();
    assert_eq!(numbers, (1..=last).collect::<Vec<_>>(), "{session}");
}
