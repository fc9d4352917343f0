//! kill -9 at any instant: what was acknowledged is there, whole, and the next start is clean.

use crate::cases::shop;
use crate::support::Place;
use serde_json::Value;

fn audit_is_sound(place: &Place) {
    let checks = place.run(&["doctor", "--json"]);
    let checks: Value = serde_json::from_str(&checks.out).unwrap();
    let audit = checks.as_array().unwrap().iter().find(|c| c["id"] == "audit").unwrap();
    assert_eq!(audit["status"], "ok", "{audit}");
}

#[test]
fn kills_under_load_lose_no_answer_and_no_source() {
    let place = Place::new();
    if !shop(&place) {
        return;
    }
    let mut acknowledged: Vec<String> = Vec::new();
    for round in 0..8 {
        let askers: Vec<_> = (0..3)
            .map(|i| {
                place.start(&[
                    "ask",
                    "revenue by month in 2024",
                    "--session",
                    &format!("s{round}-{i}"),
                    "--json",
                ])
            })
            .collect();
        let readers: Vec<_> =
            (0..2).map(|_| place.start(&["query", "from range(3000000)", "--csv"])).collect();
        // A different instant each round.
        std::thread::sleep(std::time::Duration::from_millis(7 * round + 3));
        place.kill_daemon();
        for (i, asker) in askers.into_iter().enumerate() {
            let output = asker.wait_with_output().unwrap();
            let answer: Option<Value> = serde_json::from_slice(&output.stdout).ok();
            if answer.is_some_and(|a| a["status"] == "completed") {
                acknowledged.push(format!("s{round}-{i}"));
            }
        }
        for mut reader in readers {
            drop(reader.stdout.take());
            let _ = reader.wait();
        }
    }
    assert_eq!(place.json(&["source", "list", "--json"]).as_array().unwrap().len(), 1);
    for session in &acknowledged {
        let shown = place.json(&["session", "show", session, "--json"]);
        let turn = &shown["turns"][0];
        assert_eq!(turn["answer"]["status"], "completed", "{session}: {turn}");
        assert_eq!(turn["answer"]["result"]["rows"].as_array().unwrap().len(), 12);
    }
    for session in place.json(&["session", "list", "--json"]).as_array().unwrap() {
        assert_eq!(session["busy"], false, "{session}");
    }
    audit_is_sound(&place);
    let left: Vec<String> = std::fs::read_dir(place.path("k"))
        .unwrap()
        .map(|e| e.unwrap().file_name().into_string().unwrap())
        .filter(|n| n.starts_with("scratch-") && !n.ends_with(&place.daemon_pid().unwrap().to_string()))
        .collect();
    assert!(left.is_empty(), "{left:?}");
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
