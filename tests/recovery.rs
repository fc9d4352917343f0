//! R1: kill -9 at any instant: what was acknowledged is there, whole, and the next start is clean.

use crate::faults::{ask, audit_is_sound, has_no_gap, is_right, no_litter, till};
use crate::hostile::dice::Dice;
use crate::support::Place;
use serde_json::Value;
use std::process::{Child, Output};
use std::time::{Duration, Instant};

const KILLS: u64 = 40;

/// What was asked for in one life of the daemon, and the processes that wait for it.
struct Load {
    turns: Vec<(String, Child)>,
    queries: Vec<Child>,
    /// Adds this source, or removes it.
    source: (&'static str, bool, Child),
    profile: Child,
}

impl Load {
    fn start(place: &Place, round: u64, dice: &mut Dice) -> Self {
        let turns = (0..2).map(|i| format!("s{round}-{i}"));
        let turns = turns.map(|name| (name.clone(), place.start(&ask(&name)))).collect();
        let queries = (0..2).map(|_| place.start(&["query", "from range(50000)", "--csv"])).collect();
        let name = *dice.pick(&["a", "b", "c"]);
        let add = dice.once_in(2);
        let child = if add {
            place.start(&["source", "add", name, "more"])
        } else {
            place.start(&["source", "delete", name, "--confirm", name])
        };
        let refreshed = ["profile", "sales", "-s", "till", "--refresh", "--json"];
        Self { turns, queries, source: (name, add, child), profile: place.start(&refreshed) }
    }

    /// Waits for all of it. Returns the turns that were answered, and what is known of the source now.
    fn end(self) -> (Vec<String>, (&'static str, Option<bool>)) {
        let mut answered = Vec::new();
        for (name, child) in self.turns {
            let output = ended(child);
            let answer: Option<Value> = serde_json::from_slice(&output.stdout).ok();
            if output.status.success() {
                assert!(is_right(&answer.unwrap()), "{name}");
                answered.push(name);
            }
        }
        for mut child in self.queries {
            drop(child.stdout.take());
            ended(child);
        }
        let profile = ended(self.profile);
        if profile.status.success() {
            let profile: Value = serde_json::from_slice(&profile.stdout).unwrap();
            assert_eq!(profile["rows"], 3);
        }
        let (name, added, child) = self.source;
        let done = ended(child).status.success();
        (answered, (name, done.then_some(added)))
    }
}

/// The output of a client, which must not wait for ever for what a killed daemon can no longer give.
#[track_caller]
fn ended(mut child: Child) -> Output {
    let deadline = Instant::now() + Duration::from_secs(20);
    while child.try_wait().unwrap().is_none() {
        if Instant::now() > deadline {
            let _ = child.kill();
            let output = child.wait_with_output().unwrap();
            panic!("a client was left waiting: {}", String::from_utf8_lossy(&output.stderr));
        }
        std::thread::sleep(Duration::from_millis(2));
    }
    child.wait_with_output().unwrap()
}

/// How long the load takes here and now when nobody is killed: the instants of the kills are spread over that and a bit
/// more, so that on a slow machine too some come before an answer and some behind it.
fn undisturbed(place: &Place, dice: &mut Dice) -> Duration {
    place.ok(&["daemon", "restart"]);
    let begun = Instant::now();
    let (answered, _) = Load::start(place, KILLS, dice).end();
    assert_eq!(answered.len(), 2, "the load does not even work undisturbed");
    begun.elapsed()
}

#[test]
fn kills_at_any_instant_of_a_mixed_load_lose_nothing_that_was_acknowledged() {
    let place = Place::new();
    till(&place);
    place.file("more/t.csv", "a\n1\n2\n");
    let mut dice = Dice::new();
    let instants = undisturbed(&place, &mut dice).mul_f64(1.3);
    let (mut answered, mut slowest) = (Vec::new(), Duration::ZERO);
    let mut sources = std::collections::BTreeMap::new();
    for round in 0..KILLS {
        let begun = Instant::now();
        place.ok(&["daemon", "start"]);
        slowest = slowest.max(begun.elapsed());
        let load = Load::start(&place, round, &mut dice);
        std::thread::sleep(Duration::from_micros(dice.below(u64::try_from(instants.as_micros()).unwrap())));
        place.kill_daemon();
        let (turns, (name, known)) = load.end();
        answered.extend(turns);
        sources.insert(name, known);
    }
    assert!(!answered.is_empty(), "the load did nothing");
    println!("{} turns answered between {KILLS} kills, slowest start {slowest:?}", answered.len());
    println!("killed within {instants:?} of the load's begin");
    assert!(slowest < Duration::from_secs(3), "{slowest:?}");
    let listed = place.json(&["source", "list", "--json"]);
    let there = |name: &str| listed.as_array().unwrap().iter().any(|s| s["name"] == name);
    assert!(there("till"));
    for (name, known) in sources {
        assert!(known.is_none_or(|known| known == there(name)), "{name}: {known:?} {listed}");
        if there(name) {
            assert_eq!(place.ok(&["query", "select sum(a) from t", "-s", name, "--csv", "-t"]), "3\n");
        }
    }
    let sessions = place.json(&["session", "list", "--json"]);
    let sessions = sessions.as_array().unwrap();
    for name in &answered {
        assert!(sessions.iter().any(|s| s["title"] == name.as_str()), "{name} is gone");
    }
    for session in sessions {
        let (id, title) = (session["session_id"].as_str().unwrap(), session["title"].as_str().unwrap());
        assert_eq!(session["busy"], false, "{session}");
        has_no_gap(&place, id);
        let shown = place.json(&["session", "show", id, "--json"]);
        for turn in shown["turns"].as_array().unwrap() {
            let whole = is_right(&turn["answer"]);
            assert!(whole || turn["answer"]["status"] == "interrupted", "{turn}");
            assert!(whole || !answered.iter().any(|name| name == title), "{title}: {turn}");
        }
    }
    audit_is_sound(&place);
    no_litter(&place);
}

#[test]
fn a_damaged_snapshot_is_rebuilt_and_a_damaged_state_is_refused_and_kept() {
    let place = Place::new();
    place.file("d/t.csv", "a\n1\n2\n");
    place.ok(&["source", "add", "d", "d"]);
    place.ok(&["daemon", "stop"]);
    let snapshot = std::fs::read_dir(place.path("k/snapshots"))
        .unwrap()
        .map(|e| e.unwrap().path())
        .find(|p| p.extension().is_some_and(|e| e == "duckdb"))
        .unwrap();
    for damage in [b"".to_vec(), vec![0; 4096], vec![0xff; 40_000]] {
        std::fs::write(&snapshot, &damage).unwrap();
        assert_eq!(
            place.ok(&["query", "select sum(a) from t", "--csv", "-t"]),
            "3\n",
            "{} bytes",
            damage.len()
        );
        place.ok(&["daemon", "stop"]);
    }
    let state = place.path("s/state.db");
    std::fs::write(&state, vec![7; 9000]).unwrap();
    let _ = std::fs::remove_file(place.path("s/state.db-wal"));
    let err = place.fails(&["query", "select 1"], 1);
    assert!(err.contains("is damaged") && err.contains("mv "), "{err}");
    assert_eq!(std::fs::read(&state).unwrap(), vec![7; 9000]);
}
