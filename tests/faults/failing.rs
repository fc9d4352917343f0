//! R4: a sync of the state or of the audit log fails once. The caller is told, further writes there are refused, reads go on
//! (statements only with an audit log that can be written), a restart recovers.

use super::trace::{Fault, Trace, available};
use super::{ask, audit_is_sound, has_no_gap, till};
use crate::audit::segments;
use crate::support::Place;
use serde_json::Value;

/// What a file of the log is called.
const STATE: &str = "state.db";
const AUDIT: &str = "audit/0";

/// The next sync of this log fails, during `args`.
fn with_a_failing_sync(place: &Place, log: &str, args: &[&str]) -> crate::support::Ran {
    let file = if log == AUDIT { segments(place).pop().unwrap() } else { place.path("s/state.db-wal") };
    let log = [file];
    let fault = Fault { calls: "fsync,fdatasync", effect: "error=EIO", when: "1", files: &log };
    let trace = Trace::inject(place.daemon_pid().unwrap(), &place.path("told"), &fault);
    let ran = place.run(args);
    let seen = trace.end();
    assert!(seen.iter().any(|line| line.contains("EIO")), "no sync failed during {args:?}: {seen:?}");
    ran
}

#[track_caller]
fn names_the_failure(log: &str, text: &str) {
    assert!(text.contains(log) && text.contains("restart"), "{text}");
}

#[test]
fn after_a_failed_sync_nothing_is_written_until_a_restart() {
    if !available() {
        return;
    }
    let place = Place::new();
    till(&place);
    place.file("more/t.csv", "a\n1\n");
    // Which log each needs first.
    let operations: [(&[&str], &str); 5] = [
        (&["source", "add", "more", "more"], STATE),
        (&ask("during"), STATE),
        (&["query", "select 'during'", "--csv"], AUDIT),
        (&["query", "copy (select 1) to 'written.csv'", "--write"], AUDIT),
        (&["session", "rename", "kept", "renamed"], STATE),
    ];
    for (operation, log) in operations {
        place.run(&["source", "delete", "more", "--confirm", "more"]);
        place.ok(&ask("kept"));
        let failed = with_a_failing_sync(&place, log, operation);
        assert_ne!(failed.code, 0, "{operation:?}");
        names_the_failure(log, &format!("{}{}", failed.out, failed.err));
        assert!(!failed.out.contains("during\n"), "rows left without an audit line");
        // Further writes are refused, and what only reads goes on. A question needs both logs.
        let same = operations.iter().filter(|(_, other)| *other == log).map(|(write, _)| *write);
        for write in same.chain([&ask("later")[..]]) {
            let refused = place.run(write);
            assert_ne!(refused.code, 0, "{write:?} after {operation:?}");
            names_the_failure(log, &format!("{}{}", refused.out, refused.err));
        }
        assert!(!place.work().join("written.csv").exists(), "written without an audit line");
        place.ok(&["source", "list"]);
        place.ok(&["session", "show", "kept"]);
        let status = place.json(&["daemon", "status", "--json"]);
        names_the_failure(log, &format!("{} restart", status["degraded"]));
        assert_eq!(status["open_transaction"], false);
        let doctor = place.run(&["doctor", "--json"]);
        assert_eq!(doctor.code, 1);
        names_the_failure(log, &doctor.out);
        place.ok(&["daemon", "restart"]);
        assert!(place.json(&["daemon", "status", "--json"])["degraded"].is_null());
        assert_eq!(place.ok(&["query", "select 1", "--csv", "-t"]), "1\n");
        let shown = place.json(&["session", "show", "kept", "--json"]);
        assert!(shown["turns"].as_array().unwrap().iter().all(|t| t["answer"]["status"] == "completed"));
        has_no_gap(&place, "kept");
        audit_is_sound(&place);
        place.run(&["session", "delete", "kept"]);
    }
}

#[test]
fn a_turn_that_is_cut_by_a_failing_disk_ends_for_those_who_wait() {
    if !available() {
        return;
    }
    let place = Place::new();
    till(&place);
    place.ok(&ask("warm"));
    let mut told = 0;
    for n in 2..=6 {
        let log = [place.path("s/state.db-wal")];
        let fault =
            Fault { calls: "fsync,fdatasync", effect: "error=EIO", when: &n.to_string(), files: &log };
        let trace = Trace::inject(place.daemon_pid().unwrap(), &place.path("told"), &fault);
        let begun = std::time::Instant::now();
        let ran = place.run(&ask(&format!("cut{n}")));
        assert!(begun.elapsed().as_secs() < 10, "the client was left waiting");
        let failed = trace.end().iter().any(|line| line.contains("EIO"));
        if !failed {
            break;
        }
        if ran.code != 0 {
            names_the_failure(STATE, &format!("{}{}", ran.out, ran.err));
            let answer: Option<Value> = serde_json::from_str(&ran.out).ok();
            told += usize::from(answer.is_some_and(|a| a["status"] == "failed"));
        }
        place.ok(&["daemon", "restart"]);
        if place.run(&["session", "show", &format!("cut{n}")]).code == 0 {
            has_no_gap(&place, &format!("cut{n}"));
        }
    }
    assert!(told >= 2, "{told}");
}
