//! R6: files that are empty, cut, flipped, garbage, missing, folders, links, too open or from a newer version. No panic and
//! no wrong number; what can be made again is made again, what cannot is refused by name with a remedy and left as it is.

use super::{ask, audit_is_sound, is_right, till};
use crate::support::{Place, Ran, wait_until};
use serde_json::Value;
use std::os::unix::fs::{PermissionsExt, symlink};
use std::path::{Path, PathBuf};

/// What happens to a file.
type Damage = fn(&Path);

fn bytes(path: &Path, change: impl Fn(&mut Vec<u8>)) {
    let mut bytes = std::fs::read(path).unwrap_or_default();
    change(&mut bytes);
    std::fs::write(path, bytes).unwrap();
}

fn gone(path: &Path) {
    if std::fs::remove_file(path).is_err() {
        let _ = std::fs::remove_dir_all(path);
    }
}

const EMPTY: Damage = |path| bytes(path, Vec::clear);
const CUT: Damage = |path| bytes(path, |b| b.truncate(b.len() / 2));
const HEAD_FLIPPED: Damage = |path| bytes(path, |b| b[20] ^= 0x40);
const GARBAGE: Damage = |path| bytes(path, |b| *b = (0..9000_u32).map(|n| ((n * 7919) >> 3) as u8).collect());
const ZEROS: Damage = |path| bytes(path, |b| b.fill(0));
const MISSING: Damage = gone;
const FOLDER: Damage = |path| {
    gone(path);
    std::fs::create_dir(path).unwrap();
    std::fs::write(path.join("x"), "x").unwrap();
};
const LINK_TO_NOTHING: Damage = |path| {
    gone(path);
    symlink("/nonexistent/x", path).unwrap();
};
const LINK_TO_ITSELF: Damage = |path| {
    gone(path);
    symlink(path, path).unwrap();
};

/// What stands at a path, to be compared.
fn stands(path: &Path) -> Option<Vec<u8>> {
    match std::fs::symlink_metadata(path) {
        Ok(meta) if meta.is_file() => std::fs::read(path).ok(),
        Ok(meta) if meta.is_dir() => Some(b"a folder".to_vec()),
        Ok(_) => Some(std::fs::read_link(path).unwrap().display().to_string().into_bytes()),
        Err(_) => None,
    }
}

#[track_caller]
fn no_panic(place: &Place) {
    let log = std::fs::read(place.path("s/wharfd.log")).unwrap_or_default();
    let log = String::from_utf8_lossy(&log).into_owned();
    assert!(!log.contains("panicked") && !log.contains("terminate called"), "{log}");
}

/// A failure that names the file and says what to do.
#[track_caller]
fn refused(ran: &Ran, what: &str, file: &Path) {
    assert!([1, 2, 3].contains(&ran.code), "{what}: {} {} {}", ran.code, ran.out, ran.err);
    assert!(ran.err.contains(&file.display().to_string()), "{what}: {}", ran.err);
    let remedy = ran.err.trim_end().lines().count() >= 2 || ran.err.contains("\"hint\":\"");
    assert!(remedy, "no remedy: {what}: {}", ran.err);
}

fn snapshot(place: &Place) -> PathBuf {
    let mut entries = std::fs::read_dir(place.path("k/snapshots")).unwrap().flatten().map(|e| e.path());
    entries.find(|p| p.extension().is_some_and(|e| e == "duckdb")).unwrap()
}

#[test]
fn a_damaged_state_is_refused_with_a_remedy_and_left_as_it_is() {
    let place = Place::new();
    till(&place);
    for n in 0..5 {
        place.ok(&ask(&format!("s{n}")));
    }
    place.ok(&["daemon", "stop"]);
    let state = place.path("s/state.db");
    let whole = std::fs::read(&state).unwrap();
    let newer: Damage = |path| bytes(path, |b| b[60..64].copy_from_slice(&99_u32.to_be_bytes()));
    let cases: [(&str, Damage); 8] = [
        ("empty", EMPTY),
        ("cut", CUT),
        ("head flipped", |path| bytes(path, |b| b[3] ^= 1)),
        ("garbage", GARBAGE),
        ("zeros", ZEROS),
        ("a folder", FOLDER),
        ("a link to itself", LINK_TO_ITSELF),
        ("from a newer version", newer),
    ];
    for (what, damage) in cases {
        damage(&state);
        let damaged = stands(&state);
        let ran = place.run(&["ask", "revenue by shop"]);
        refused(&ran, what, &state);
        no_panic(&place);
        place.run(&["daemon", "stop"]);
        assert_eq!(stands(&state), damaged, "{what}: it was written to");
        gone(&state);
        std::fs::write(&state, &whole).unwrap();
    }
    assert_eq!(place.json(&["session", "list", "--json"]).as_array().unwrap().len(), 5);
    audit_is_sound(&place);
}

#[test]
fn flipped_bits_of_the_state_are_never_a_wrong_number_or_a_panic() {
    let place = Place::new();
    till(&place);
    for n in 0..5 {
        place.ok(&ask(&format!("s{n}")));
    }
    place.ok(&["daemon", "stop"]);
    let state = place.path("s/state.db");
    let whole = std::fs::read(&state).unwrap();
    // The head of every page, where its order is written down.
    for page in 0..whole.len() / 4096 {
        let mut damaged = whole.clone();
        damaged[page * 4096 + if page == 0 { 105 } else { 4 }] ^= 0x80;
        std::fs::write(&state, &damaged).unwrap();
        let started = place.run(&["daemon", "start"]);
        if started.code == 0 {
            // It is looked through right after the start.
            wait_until("the damage is seen", || {
                place.json(&["daemon", "status", "--json"])["degraded"]
                    .as_str()
                    .is_some_and(|d| d.contains("is damaged"))
            });
            let refused = place.run(&ask("more"));
            assert!(refused.code != 0 && format!("{}{}", refused.out, refused.err).contains("mv "));
            place.run(&["session", "list"]);
            place.ok(&["daemon", "stop"]);
        } else {
            refused(&started, &format!("page {page}"), &state);
        }
        no_panic(&place);
    }
}

#[test]
fn a_log_of_the_state_that_is_cut_loses_its_tail_and_one_that_is_damaged_is_refused() {
    let place = Place::new();
    till(&place);
    for n in 0..5 {
        place.ok(&ask(&format!("s{n}")));
    }
    place.kill_daemon();
    let (state, log) = (place.path("s/state.db"), place.path("s/state.db-wal"));
    let (whole, tail) = (std::fs::read(&state).unwrap(), std::fs::read(&log).unwrap());
    assert!(tail.len() > 100_000);
    let cases: [(&str, Damage, bool); 6] = [
        ("head flipped", HEAD_FLIPPED, true),
        ("garbage", GARBAGE, true),
        ("flipped", |path| bytes(path, |b| b[30_000] ^= 4), true),
        ("a folder", FOLDER, true),
        ("cut", |path| bytes(path, |b| b.truncate(b.len() - 5000)), false),
        ("cut to nothing but whole frames", |path| bytes(path, |b| b.truncate(32 + 4120 * 40)), false),
    ];
    for (what, damage, refusal) in cases {
        damage(&log);
        let damaged = stands(&log);
        let ran = place.run(&["session", "list", "--json"]);
        if refusal {
            refused(&ran, what, &state);
            assert_eq!(stands(&log), damaged, "{what}: it was written to");
        } else {
            assert_eq!(ran.code, 0, "{what}: {}", ran.err);
            audit_is_sound(&place);
            place.kill_daemon();
        }
        no_panic(&place);
        for file in [&log, &state, &place.path("s/state.db-shm")] {
            gone(file);
        }
        std::fs::write(&state, &whole).unwrap();
        std::fs::write(&log, &tail).unwrap();
    }
    assert_eq!(place.json(&["session", "list", "--json"]).as_array().unwrap().len(), 5);
}

/// Runs a query until the damaged snapshot is thrown away: the right number, or the word that it was damaged.
#[track_caller]
fn right_in_the_end(place: &Place, what: &str) {
    for _ in 0..2 {
        let ran = place.run(&["query", "select count(*), sum(a) from t", "--csv", "-t"]);
        if ran.code == 0 {
            assert_eq!(ran.out, "50000,1250025000\n", "{what}");
            return;
        }
        assert!(ran.err.contains("snapshot"), "{what}: {}", ran.err);
    }
    panic!("{what}: still damaged");
}

#[test]
fn a_damaged_snapshot_is_made_again_and_never_answers() {
    let place = Place::new();
    place.file("d/t.csv", (1..=50_000).fold("a\n".to_owned(), |text, n| format!("{text}{n}\n")));
    place.ok(&["source", "add", "d", "d"]);
    let file = snapshot(&place);
    let size = std::fs::metadata(&file).unwrap().len();
    let (manifest, log) = (file.with_extension("json"), file.with_extension("duckdb.wal"));
    let older: Damage = |path| {
        let text = std::fs::read_to_string(path).unwrap();
        std::fs::write(path, text.replace("\"engine\":\"", "\"engine\":\"0")).unwrap();
    };
    let cases: [(&str, &Path, Damage); 15] = [
        ("empty", &file, EMPTY),
        ("cut", &file, CUT),
        ("head flipped", &file, HEAD_FLIPPED),
        ("garbage", &file, GARBAGE),
        ("zeros", &file, ZEROS),
        ("missing", &file, MISSING),
        ("a folder", &file, FOLDER),
        ("a link to nothing", &file, LINK_TO_NOTHING),
        ("note empty", &manifest, EMPTY),
        ("note garbage", &manifest, GARBAGE),
        ("note missing", &manifest, MISSING),
        ("note a folder", &manifest, FOLDER),
        ("another engine's", &manifest, older),
        ("a log beside it", &log, GARBAGE),
        ("a folder as log", &log, FOLDER),
    ];
    for (what, path, damage) in cases {
        place.ok(&["daemon", "stop"]);
        damage(path);
        right_in_the_end(&place, what);
        assert!(file.is_file() && !file.is_symlink() && manifest.is_file() && !log.exists(), "{what}");
    }
    // Behind its head.
    for at in (1..12).map(|n| n * size / 12) {
        place.ok(&["daemon", "stop"]);
        let at = usize::try_from(at).unwrap();
        bytes(&file, |b| b[at] ^= 0x10);
        right_in_the_end(&place, &format!("byte {at} of {size} flipped"));
    }
    no_panic(&place);
}

#[test]
fn stored_profiles_and_answers_that_no_longer_read_are_made_again_or_said_to_be_damaged() {
    let place = Place::new();
    till(&place);
    place.ok(&ask("talk"));
    place.ok(&["profile", "sales", "--json"]);
    place.ok(&["daemon", "stop"]);
    let state = place.path("s/state.db");
    bytes(&state, |b| {
        for key in [&b"{\"status\":\"completed\""[..], b"{\"table\":", b"{\"name\":\"sales\""] {
            let found: Vec<usize> = (0..b.len() - key.len()).filter(|i| b[*i..].starts_with(key)).collect();
            for at in found {
                b[at] = b'#';
            }
        }
    });
    let profile = place.json(&["profile", "sales", "--json"]);
    assert_eq!((&profile["rows"], &profile["reused"]), (&Value::from(3), &Value::from(false)), "{profile}");
    let shown = place.json(&["session", "show", "talk", "--json"]);
    assert_eq!(shown["turns"][0]["answer"]["error"]["code"], "answer_damaged", "{shown}");
    assert!(is_right(&serde_json::from_str(&place.ok(&ask("talk"))).unwrap()));
}

#[test]
fn settings_that_cannot_be_read_are_refused_by_place_and_left_alone() {
    let place = Place::new();
    place.ok(&["config", "init"]);
    let file = place.path("c/config.toml");
    let cases: [(&str, Damage); 6] = [
        ("garbage", GARBAGE),
        ("not UTF-8", |path| std::fs::write(path, b"[daemon]\nlog_level = \"\xff\"\n").unwrap()),
        ("cut", |path| std::fs::write(path, "[daemon]\nidle_ex").unwrap()),
        ("an unknown key", |path| std::fs::write(path, "[daemon]\nidle_exits = \"1m\"\n").unwrap()),
        ("a folder", FOLDER),
        ("a link to itself", LINK_TO_ITSELF),
    ];
    for (what, damage) in cases {
        damage(&file);
        let damaged = stands(&file);
        for args in [&["query", "select 1"][..], &["config", "validate"]] {
            let ran = place.run(args);
            assert!(ran.code != 0 && ran.err.contains("config.toml"), "{what}: {} {}", ran.code, ran.err);
        }
        assert_eq!(stands(&file), damaged, "{what}");
        gone(&file);
    }
    for harmless in [EMPTY, LINK_TO_NOTHING] {
        harmless(&file);
        place.ok(&["query", "select 1"]);
        gone(&file);
    }
}

#[test]
fn whatever_stands_where_locks_addresses_sockets_and_logs_belong_is_replaced_or_named() {
    let place = Place::new();
    place.ok(&["query", "select 1"]);
    place.ok(&["daemon", "stop"]);
    let stale: Damage = |path| {
        std::fs::write(path, r#"{"pid":1,"version":"0","protocol":1,"socket":"/nonexistent/s"}"#).unwrap();
    };
    let open: Damage = |path| {
        std::fs::write(path, "x").unwrap();
        std::fs::set_permissions(path, std::fs::Permissions::from_mode(0o666)).unwrap();
    };
    // Whether it is in the way.
    let cases: [(&str, &str, Damage, bool); 24] = [
        ("lock empty", "s/wharfd.pid", EMPTY, false),
        ("lock garbage", "s/wharfd.pid", GARBAGE, false),
        ("lock of a dead daemon", "s/wharfd.pid", stale, false),
        ("lock a folder", "s/wharfd.pid", FOLDER, true),
        ("lock a link", "s/wharfd.pid", LINK_TO_NOTHING, true),
        ("start lock garbage", "s/start.lock", GARBAGE, false),
        ("start lock a folder", "s/start.lock", FOLDER, true),
        ("start lock a link to itself", "s/start.lock", LINK_TO_ITSELF, true),
        ("address empty", "s/daemon.json", EMPTY, false),
        ("address garbage", "s/daemon.json", GARBAGE, false),
        ("address of a dead daemon", "s/daemon.json", stale, false),
        ("address a folder", "s/daemon.json", FOLDER, true),
        ("address a link to itself", "s/daemon.json", LINK_TO_ITSELF, false),
        ("socket a file", "r/wharfd.sock", open, false),
        ("socket a link", "r/wharfd.sock", LINK_TO_NOTHING, false),
        ("socket a folder", "r/wharfd.sock", FOLDER, true),
        ("handoff a file", "r/handoff.sock", GARBAGE, false),
        ("handoff a folder", "r/handoff.sock", FOLDER, true),
        ("log a folder", "s/wharfd.log", FOLDER, true),
        ("log a link to itself", "s/wharfd.log", LINK_TO_ITSELF, true),
        ("completion garbage", "k/completion.json", GARBAGE, false),
        ("completion a folder", "k/completion.json", FOLDER, false),
        ("cache a file", "k", open, true),
        ("snapshots a file", "k/snapshots", open, false),
    ];
    for (what, name, damage, in_the_way) in cases {
        let path = place.path(name);
        if name == "k" {
            gone(&path);
        } else {
            std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        }
        damage(&path);
        let ran = place.run(&["query", "select 41 + 1", "--csv", "-t"]);
        if in_the_way {
            refused(&ran, what, &path);
        } else {
            assert_eq!((ran.code, ran.out.as_str()), (0, "42\n"), "{what}: {}", ran.err);
        }
        place.run(&["daemon", "stop"]);
        gone(&path);
        no_panic(&place);
    }
    assert_eq!(place.ok(&["query", "select 41 + 1", "--csv", "-t"]), "42\n");
}
