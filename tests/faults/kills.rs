//! R2: the daemon, or the client, dies at the Nth write, sync, rename or unlink of an operation. Afterwards it was done or
//! it was not; the next start is clean.

use super::trace::{Fault, Trace, available};
use super::{ask, audit_is_sound, has_no_gap, is_right, no_litter, till};
use crate::audit::segments;
use crate::support::Place;
use serde_json::Value;
use std::io::{BufRead, BufReader};
use std::path::PathBuf;
use std::process::Stdio;

/// An operation that changes something.
struct Operation<'a> {
    /// The command.
    args: &'a [&'a str],
    /// Calls at which the daemon dies, and at how many of each.
    calls: &'a [(&'a str, u32)],
    /// Only those on these files.
    files: Vec<PathBuf>,
    /// Brings the place to where it is before.
    before: &'a dyn Fn(&Place),
    /// Done, or not; anything between fails. A daemon runs.
    done: &'a dyn Fn(&Place) -> bool,
}

/// What the store does to its files.
const STATE: &[(&str, u32)] = &[("pwrite64", 10), ("fsync,fdatasync", 10)];

/// Kills at each call in turn until the operation gets through. Returns how often it was killed.
fn kill_at_every_call(place: &Place, operation: &Operation) -> usize {
    let mut killed = 0;
    for (call, most) in operation.calls {
        for n in 1..=*most {
            place.ok(&["daemon", "start"]);
            (operation.before)(place);
            let fault =
                Fault { calls: call, effect: "signal=KILL", when: &n.to_string(), files: &operation.files };
            let pid = place.daemon_pid().unwrap();
            let trace = Trace::inject(pid, &place.path("told"), &fault);
            let ran = place.run(operation.args);
            let died = trace.end().iter().any(|line| line.ends_with("+++ killed by SIGKILL +++"));
            place.ok(&["daemon", "start"]);
            let done = (operation.done)(place);
            assert!(
                done || ran.code != 0,
                "{:?} was told done and is not, {call} {n}: {}",
                operation.args,
                ran.out
            );
            no_litter(place);
            if !died {
                assert!(done, "{:?} {call} {n}: {}", operation.args, ran.err);
                break;
            }
            killed += 1;
        }
    }
    audit_is_sound(place);
    println!("{:?}: killed {killed} times", operation.args);
    killed
}

#[test]
fn what_a_statement_did_is_in_the_log() {
    if !available() {
        return;
    }
    let place = Place::new();
    place.ok(&["query", "select 'warm'", "--csv"]);
    let (made, statement) = (std::cell::Cell::new(0), "copy (select 1) to 'made.csv'");
    let made_file = place.work().join("made.csv");
    let copy = Operation {
        args: &["query", statement, "--write"],
        calls: &[("write", 10), ("fsync,fdatasync", 10)],
        files: vec![segments(&place).pop().unwrap()],
        before: &|_| drop(std::fs::remove_file(&made_file)),
        done: &|place| {
            made.set(made.get() + u32::from(made_file.exists()));
            let log = place.ok(&["audit", "search", statement, "--outcome", "started", "--ndjson"]);
            assert!(log.lines().count() >= made.get() as usize, "{} made: {log}", made.get());
            place.ok(&["audit", "verify"]);
            made_file.exists()
        },
    };
    // The opening line, and the closing one.
    let killed = kill_at_every_call(&place, &copy);
    assert!(killed >= 2, "{killed}");
}

#[test]
fn a_segment_is_begun_whole_or_not_at_all() {
    if !available() {
        return;
    }
    let place = Place::new();
    std::fs::create_dir_all(place.path("c")).unwrap();
    // Every line needs a segment of its own.
    std::fs::write(place.path("c/config.toml"), "[audit]\nmax_size = \"100\"\n").unwrap();
    place.ok(&["query", "select 'warm'", "--csv"]);
    let answered = std::cell::Cell::new(0);
    let query = Operation {
        args: &["query", "select 'answered'", "--csv", "-o", "answer.csv"],
        calls: &[("linkat", 4), ("fsync,fdatasync", 8), ("pwrite64", 6)],
        files: Vec::new(),
        before: &|place| drop(std::fs::remove_file(place.work().join("answer.csv"))),
        done: &|place| {
            let there = place.work().join("answer.csv").exists();
            answered.set(answered.get() + usize::from(there));
            place.ok(&["audit", "verify"]);
            let log = place.ok(&["audit", "search", "answered", "--outcome", "started", "--ndjson"]);
            assert!(log.lines().count() >= answered.get(), "{log}");
            there
        },
    };
    let killed = kill_at_every_call(&place, &query);
    assert!(killed >= 6, "{killed}");
}

fn state_files(place: &Place) -> Vec<PathBuf> {
    ["s/state.db", "s/state.db-wal"].iter().map(|f| place.path(f)).collect()
}

fn names(place: &Place) -> Vec<String> {
    let list = place.json(&["source", "list", "--json"]);
    list.as_array().unwrap().iter().map(|s| s["name"].as_str().unwrap().to_owned()).collect()
}

fn session(place: &Place, name: &str) -> Option<Value> {
    let ran = place.run(&["session", "show", name, "--json"]);
    (ran.code == 0).then(|| serde_json::from_str(&ran.out).unwrap())
}

#[test]
fn a_source_is_added_or_not_and_removed_or_not() {
    if !available() {
        return;
    }
    let place = Place::new();
    till(&place);
    place.file("more/t.csv", "a\n1\n2\n");
    // The same file under the same name has the same snapshot, so that its name is known beforehand.
    place.ok(&["source", "add", "more", "more"]);
    let snapshots = std::fs::read_dir(place.path("k/snapshots")).unwrap().flatten().map(|e| e.path());
    let snapshot = snapshots.into_iter().find(|p| {
        p.extension().is_some_and(|e| e == "duckdb")
            && p.file_name().unwrap().to_string_lossy().starts_with("more-")
    });
    let snapshot = snapshot.unwrap();
    let mut files = state_files(&place);
    files.push(snapshot.clone());
    files.extend(["partial", "partial.wal", "json"].iter().map(|e| snapshot.with_extension(e)));
    let added = |place: &Place| {
        let there = names(place).contains(&"more".to_owned());
        if there {
            assert_eq!(sum(place), "3\n");
        }
        there
    };
    let remove = |place: &Place| {
        place.run(&["source", "delete", "more", "--confirm", "more"]);
    };
    let add = Operation {
        args: &["source", "add", "more", "more"],
        calls: &[("pwrite64", 10), ("write", 10), ("fsync,fdatasync", 10), ("rename", 10), ("unlink", 10)],
        files: files.clone(),
        before: &remove,
        done: &added,
    };
    let killed = kill_at_every_call(&place, &add);
    assert!(killed >= 8, "{killed}");
    let delete = Operation {
        args: &["source", "delete", "more", "--confirm", "more"],
        calls: &[("pwrite64", 10), ("fsync,fdatasync", 10), ("unlink", 10)],
        files,
        before: &|place| {
            place.run(&["source", "add", "more", "more"]);
        },
        done: &|place| !added(place),
    };
    let killed = kill_at_every_call(&place, &delete);
    assert!(killed >= 4, "{killed}");
}

fn sum(place: &Place) -> String {
    place.ok(&["query", "select sum(a) from t", "-s", "more", "--csv", "-t"])
}

#[test]
fn a_source_is_replaced_or_stays() {
    if !available() {
        return;
    }
    let place = Place::new();
    place.file("old/t.csv", "a\n1\n2\n");
    place.file("new/t.csv", "a\n40\n2\n");
    let replace = Operation {
        args: &["source", "add", "more", "new", "--replace"],
        calls: STATE,
        files: state_files(&place),
        before: &|place| {
            place.ok(&["source", "add", "more", "old", "--replace"]);
        },
        done: &|place| match sum(place).as_str() {
            "3\n" => false,
            "42\n" => true,
            other => panic!("{other}"),
        },
    };
    let killed = kill_at_every_call(&place, &replace);
    assert!(killed >= 3, "{killed}");
}

#[test]
fn a_turn_is_whole_or_interrupted_and_a_session_keeps_its_name_or_has_the_new_one_or_is_gone() {
    if !available() {
        return;
    }
    let place = Place::new();
    till(&place);
    let turn = Operation {
        args: &ask("talk"),
        calls: STATE,
        files: state_files(&place),
        before: &|place| {
            place.run(&["session", "delete", "talk"]);
        },
        done: &|place| {
            let Some(told) = session(place, "talk") else { return false };
            has_no_gap(place, "talk");
            let [turn] = &told["turns"].as_array().unwrap()[..] else { return false };
            assert!(turn["answer"]["status"] == "interrupted" || is_right(&turn["answer"]), "{turn}");
            is_right(&turn["answer"])
        },
    };
    assert!(kill_at_every_call(&place, &turn) >= 10);
    let rename = Operation {
        args: &["session", "rename", "old", "new"],
        calls: STATE,
        files: state_files(&place),
        before: &|place| {
            place.run(&["session", "delete", "new"]);
            place.ok(&ask("old"));
        },
        done: &|place| {
            let (old, new) = (session(place, "old"), session(place, "new"));
            assert!(old.is_some() != new.is_some(), "{old:?} {new:?}");
            new.is_some()
        },
    };
    assert!(kill_at_every_call(&place, &rename) >= 2);
    let delete = Operation {
        args: &["session", "delete", "gone"],
        calls: STATE,
        files: state_files(&place),
        before: &|place| {
            place.ok(&ask("gone"));
        },
        done: &|place| match session(place, "gone") {
            None => true,
            Some(told) => {
                has_no_gap(place, "gone");
                assert!(told["turns"].as_array().unwrap().iter().all(|t| is_right(&t["answer"])), "{told}");
                false
            }
        },
    };
    assert!(kill_at_every_call(&place, &delete) >= 4);
}

#[test]
fn a_profile_is_stored_or_made_again() {
    if !available() {
        return;
    }
    let place = Place::new();
    place.file("more/t.csv", "a\n1\n");
    place.ok(&["source", "add", "more", "more"]);
    let row = std::cell::Cell::new(1);
    let profile = Operation {
        args: &["profile", "t", "--json"],
        calls: STATE,
        files: state_files(&place),
        before: &|place| {
            row.set(row.get() + 1);
            place.file("more/t.csv", (0..row.get()).fold("a\n".to_owned(), |text, n| format!("{text}{n}\n")));
        },
        done: &|place| {
            let profile = place.json(&["profile", "t", "--json"]);
            assert_eq!(profile["rows"], row.get(), "{profile}");
            profile["reused"] == true
        },
    };
    assert!(kill_at_every_call(&place, &profile) >= 3);
}

#[test]
fn a_demo_is_made_or_made_again_and_never_half() {
    if !available() {
        return;
    }
    let place = Place::new();
    let demo = Operation {
        args: &["demo", "--replace", "--yes"],
        calls: &[("rename", 1), ("linkat", 2), ("unlink", 1)],
        files: Vec::new(),
        before: &|_| {},
        done: &|place| {
            let there = names(place).contains(&"demo".to_owned());
            if there {
                let counted =
                    place.ok(&["query", "select count(*) > 1000 from orders", "-s", "demo", "--csv", "-t"]);
                assert_eq!(counted, "true\n");
            }
            there
        },
    };
    assert!(kill_at_every_call(&place, &demo) >= 3);
}

/// Kills the client at each call in turn until it gets through. `done` tells whether the file is the new one.
fn kill_client_at_every_call(place: &Place, args: &[&str], calls: &[&str], done: &dyn Fn() -> bool) -> usize {
    let mut killed = 0;
    for call in calls {
        for n in 1..=10 {
            place.ok(&["daemon", "start"]);
            let fault = Fault { calls: call, effect: "signal=KILL", when: &n.to_string(), files: &[] };
            let told = place.path("told").display().to_string();
            let mut traced: Vec<String> = ["-f", "-qq", "-o", &told].map(str::to_owned).to_vec();
            traced.extend(fault.arguments());
            traced.push(env!("CARGO_BIN_EXE_wharf").to_owned());
            traced.extend(args.iter().map(|a| (*a).to_owned()));
            let traced: Vec<&str> = traced.iter().map(String::as_str).collect();
            let output = place.command_of("strace", &traced).output().unwrap();
            let through = output.status.success();
            let done = done();
            assert!(done || !through, "{args:?} {call} {n}");
            if through {
                break;
            }
            killed += 1;
        }
    }
    // What the death of one client left, the next one that writes there sweeps away.
    place.ok(args);
    assert!(done());
    no_litter(place);
    println!("{args:?}: killed {killed} times");
    killed
}

#[test]
fn a_file_that_a_client_writes_is_the_old_one_or_the_new_one() {
    if !available() {
        return;
    }
    let place = Place::new();
    let calls = ["write", "fsync,fdatasync", "linkat", "rename"];
    let one_of = |name: &str, old: &str, new: &str| {
        let path = place.path(name);
        let text = std::fs::read_to_string(&path).unwrap_or_default();
        // So that the next one begins where this one began.
        std::fs::write(&path, old).unwrap();
        assert!(text == old || text == new, "{name}: {text}");
        text == new
    };
    let rows: String = (0..20_000).fold("i\n".to_owned(), |text, n| format!("{text}{n}\n"));
    place.file("out.csv", "old");
    let written = || one_of("work/out.csv", "old", &rows);
    let killed = kill_client_at_every_call(
        &place,
        &["query", "select i from range(20000) t(i)", "-o", "out.csv"],
        &calls,
        &written,
    );
    assert!(killed >= 4, "{killed}");
    place.ok(&["config", "init"]);
    let text = std::fs::read_to_string(place.path("c/config.toml")).unwrap();
    std::fs::write(place.path("c/config.toml"), "# mine\n").unwrap();
    let written = || one_of("c/config.toml", "# mine\n", &text);
    let killed = kill_client_at_every_call(&place, &["config", "init", "--force"], &calls, &written);
    assert!(killed >= 3, "{killed}");
}

#[test]
fn a_first_start_that_is_killed_is_no_hindrance_to_the_second() {
    if !available() {
        return;
    }
    let mut killed = 0;
    for call in ["pwrite64", "fsync,fdatasync", "openat", "rename", "linkat"] {
        // Most of what is opened before the store are libraries.
        let points: &[u32] = if call == "openat" { &[10, 20, 30, 40, 60] } else { &[1, 2, 3, 5, 8, 13] };
        for n in points {
            let place = Place::new();
            let fault = Fault { calls: call, effect: "signal=KILL", when: &n.to_string(), files: &[] };
            let mut traced = vec!["-f".to_owned(), "-qq".to_owned(), "-o".to_owned(), "/dev/null".to_owned()];
            traced.extend(fault.arguments());
            traced.push(env!("CARGO_BIN_EXE_wharfd").to_owned());
            let traced: Vec<&str> = traced.iter().map(String::as_str).collect();
            let mut daemon = place.command_of("strace", &traced);
            let mut daemon = daemon.stdout(Stdio::piped()).stderr(Stdio::null()).spawn().unwrap();
            let mut line = String::new();
            let _ = BufReader::new(daemon.stdout.take().unwrap()).read_line(&mut line);
            let through = line.contains("\"ready\":true");
            if through {
                place.ok(&["daemon", "stop"]);
            }
            let _ = daemon.wait();
            assert_eq!(place.ok(&["query", "select 42", "--csv", "-t"]), "42\n", "{call} {n}");
            audit_is_sound(&place);
            no_litter(&place);
            if through {
                break;
            }
            killed += 1;
        }
    }
    println!("first start: killed {killed} times");
    assert!(killed >= 8, "{killed}");
}
