//! R5: the disk is full. The error names the folder and what it needs, reads go on, nothing acknowledged is lost, no partial
//! file stays, and writes go on once there is space, without a restart.

use super::trace::{Fault, Trace, available};
use super::{ask, audit_is_sound, files, has_no_gap, is_right, no_litter, till};
use crate::audit::segments;
use crate::support::{Place, Ran, wait_until};
use std::process::{Command, Stdio};

fn said(ran: &Ran) -> String {
    format!("{}{}", ran.out, ran.err)
}

/// The command failed, and says which folder is full and what to do.
#[track_caller]
fn names_the_need(ran: &Ran, folder: &str) {
    let said = said(ran);
    assert_ne!(ran.code, 0, "{said}");
    assert!(
        said.contains("disk is full") && said.contains(folder) && said.contains("free some space"),
        "{said}"
    );
}

/// A place whose folders `full` are small file systems of their own, which only its daemon and what is run in it see.
struct Small {
    place: Place,
    pid: u32,
}

impl Small {
    /// None, with a word, where nothing can be mounted.
    fn new(folder: &str, mebibytes: u32) -> Option<Self> {
        let mut tried = Command::new("unshare");
        tried.args(["-m", "mount", "-t", "tmpfs", "none", "/mnt"]).stderr(Stdio::null());
        if !tried.status().is_ok_and(|s| s.success()) {
            println!("skipped: no file system can be mounted here");
            return None;
        }
        let place = Place::new();
        std::fs::create_dir_all(place.path(folder)).unwrap();
        let mount =
            format!("mount -t tmpfs -o mode=700,size={mebibytes}m none {folder} && exec \"$0\" daemon start");
        let mut command =
            place.command_of("unshare", &["-m", "sh", "-c", &mount, env!("CARGO_BIN_EXE_wharf")]);
        // Little memory, so that a sort spills soon.
        let output = command.current_dir(place.path(".")).env("WHARF_MEMORY", "512MB").output().unwrap();
        assert!(output.status.success(), "{output:?}");
        let pid = place.daemon_pid().unwrap();
        Some(Self { place, pid })
    }

    /// A command that sees the small file system.
    fn command(&self, program: &str, args: &[&str]) -> Command {
        let pid = self.pid.to_string();
        let work = format!("--wd={}", self.place.work().display());
        let mut all = vec!["-t", &pid, "-m", &work, program];
        all.extend(args);
        self.place.command_of("nsenter", &all)
    }

    fn run(&self, args: &[&str]) -> Ran {
        Ran::of(&self.command(env!("CARGO_BIN_EXE_wharf"), args).output().unwrap())
    }

    #[track_caller]
    fn ok(&self, args: &[&str]) -> String {
        let ran = self.run(args);
        assert_eq!(ran.code, 0, "{args:?}: {}", ran.err);
        ran.out
    }

    /// There is space again.
    fn grow(&self, folder: &str) {
        let folder = self.place.path(folder).display().to_string();
        let status = self.command("mount", &["-o", "remount,size=256m", &folder]).status();
        assert!(status.unwrap().success());
    }

    /// What stands in the small file system.
    fn listed(&self, folder: &str) -> Vec<String> {
        let folder = self.place.path(folder).display().to_string();
        let output = self.command("find", &[&folder, "-type", "f"]).output().unwrap();
        String::from_utf8_lossy(&output.stdout).lines().map(str::to_owned).collect()
    }
}

#[test]
fn a_full_state_folder_refuses_writes_and_takes_them_again_without_a_restart() {
    if !available() {
        return;
    }
    let place = Place::new();
    till(&place);
    place.file("more/t.csv", "a\n1\n");
    let log = [place.path("s/state.db-wal"), place.path("s/state.db"), place.path("s/wharfd.log")];
    // Which write of the operation is the first that finds no space.
    let points: &[(&[&str], u32)] = &[
        (&["source", "add", "more", "more"], 1),
        (&["profile", "sales", "--json", "--refresh"], 1),
        (&["query", "select 'during'", "--csv"], 1),
        (&["session", "rename", "kept", "renamed"], 1),
        (&["session", "delete", "kept"], 2),
        (&ask("during"), 1),
        (&ask("during"), 9),
        (&ask("during"), 16),
    ];
    for (operation, first) in points {
        place.ok(&ask("kept"));
        let pid = place.daemon_pid().unwrap();
        let when = format!("{first}+");
        let files: Vec<_> = log.iter().cloned().chain(segments(&place).pop()).collect();
        let fault = Fault { calls: "pwrite64,write", effect: "error=ENOSPC", when: &when, files: &files };
        let trace = Trace::inject(pid, &place.path("told"), &fault);
        let failed = place.run(operation);
        names_the_need(&failed, &place.path("s").display().to_string());
        assert!(!failed.out.contains("during\n"), "rows left without an audit line");
        place.ok(&["source", "list"]);
        let shown = place.json(&["session", "show", "kept", "--json"]);
        assert!(shown["turns"].as_array().unwrap().iter().all(|t| is_right(&t["answer"])), "{shown}");
        assert!(trace.end().iter().any(|line| line.contains("ENOSPC")));
        wait_until("writes go on", || place.run(operation).code == 0);
        assert_eq!(place.daemon_pid().unwrap(), pid, "it was restarted");
        for session in ["kept", "renamed", "during"] {
            if place.run(&["session", "show", session]).code == 0 {
                has_no_gap(&place, session);
                place.ok(&["session", "delete", session]);
            }
        }
        place.run(&["source", "delete", "more", "--confirm", "more"]);
    }
    audit_is_sound(&place);
    no_litter(&place);
}

#[test]
fn a_full_disk_answers_nothing_that_is_not_recorded() {
    let Some(small) = Small::new("s/audit", 1) else { return };
    small.ok(&["query", "select 'warm'", "--csv"]);
    let folder = small.place.path("s/audit").display().to_string();
    let filler = format!("of={folder}/filler");
    // Till nothing fits, not even what is left of the last page.
    assert!(!small.command("dd", &["if=/dev/zero", &filler, "bs=4096"]).output().unwrap().status.success());
    let text = format!("select 'during' as \"{}\"", "x".repeat(9000));
    for _ in 0..3 {
        let refused = small.run(&["query", &text, "--csv"]);
        names_the_need(&refused, &folder);
        assert!(!refused.out.contains("during"), "{}", refused.out);
    }
    let out = "copy (select 1) to 'unrecorded.csv' (header, quote '\"')".to_owned() + &" ".repeat(9000);
    names_the_need(&small.run(&["query", &out, "--write"]), &folder);
    assert!(!small.place.work().join("unrecorded.csv").exists());
    small.ok(&["audit", "tail"]);
    small.grow("s/audit");
    small.ok(&["query", &text, "--csv"]);
    small.ok(&["audit", "verify"]);
    let log = small.ok(&["audit", "search", "during", "--outcome", "started", "--ndjson"]);
    assert_eq!(log.lines().count(), 1, "{log}");
    assert_eq!(small.place.daemon_pid(), Some(small.pid));
}

#[test]
fn a_full_cache_fails_what_needs_it_and_nothing_else() {
    let Some(small) = Small::new("k", 4) else { return };
    let cache = small.place.path("k").display().to_string();
    small.place.file("good/t.csv", "a\n1\n2\n");
    small.ok(&["source", "add", "good", "good"]);
    let long = (0..300_000_u64).fold("a,b\n".to_owned(), |text, n| {
        text + &format!(
            "{},{:x}\n",
            n.wrapping_mul(0x9E37_79B9_7F4A_7C15),
            n.wrapping_mul(0xD1B5_4A32_D192_ED03)
        )
    });
    small.place.file("large/t.csv", &long);
    // A snapshot, new or made again.
    names_the_need(&small.run(&["source", "add", "large", "large"]), &cache);
    assert_eq!(small.ok(&["query", "select sum(a) from t", "--csv", "-t"]), "3\n");
    small.place.file("good/u.csv", &long);
    names_the_need(&small.run(&["query", "select count(*) from u", "--csv"]), &cache);
    std::fs::remove_file(small.place.work().join("good/u.csv")).unwrap();
    assert_eq!(small.ok(&["query", "select sum(a) from t", "--csv", "-t"]), "3\n");
    // Parquet goes straight into the output, so it needs no room here.
    let random = "select hash(i) a, hash(i + 1) b from range(1000000) t(i)";
    small.ok(&["query", random, "-o", "whole.parquet"]);
    let out = format!("{cache}/out.parquet");
    names_the_need(&small.run(&["query", random, "-o", &out]), &cache);
    assert!(!std::path::Path::new(&out).exists());
    // A sort that spills.
    let sort = "select * from (select hash(i) a, repeat('x', 200) || i b from range(800000) t(i)) order by a";
    names_the_need(&small.run(&["query", sort, "-o", "out.csv"]), &cache);
    // The output itself.
    let out = format!("{cache}/out.csv");
    names_the_need(&small.run(&["query", random, "-o", &out]), &cache);
    let litter: Vec<String> = small
        .listed("k")
        .into_iter()
        .filter(|f| !f.contains("/good-") && !f.ends_with("completion.json"))
        .collect();
    assert!(litter.is_empty(), "{litter:?}");
    assert!(
        files(&small.place).iter().all(|f| !f.to_string_lossy().contains("out.")),
        "{:?}",
        files(&small.place)
    );
    small.grow("k");
    small.ok(&["source", "add", "large", "large"]);
    assert_eq!(small.ok(&["query", "select count(*) from t", "-s", "large", "--csv", "-t"]), "300000\n");
    small.ok(&["query", random, "-o", &out]);
    small.ok(&["query", random, "-o", "out.parquet"]);
    audit_is_sound(&small.place);
}

#[test]
fn a_demo_that_does_not_fit_leaves_nothing_and_is_made_once_it_does() {
    let Some(small) = Small::new("d", 6) else { return };
    names_the_need(&small.run(&["demo", "--yes"]), &small.place.path("d").display().to_string());
    assert!(small.listed("d").is_empty(), "{:?}", small.listed("d"));
    assert_eq!(small.ok(&["source", "list", "--json"]).trim(), "[]");
    small.grow("d");
    small.ok(&["demo", "--yes"]);
}

#[test]
fn settings_that_do_not_fit_leave_the_old_ones() {
    if !available() {
        return;
    }
    let place = Place::new();
    place.ok(&["config", "init"]);
    std::fs::write(place.path("c/config.toml"), "# mine\n").unwrap();
    for calls in ["write", "linkat", "fsync"] {
        let when = if calls == "write" { "1+" } else { "1" };
        let mut traced = vec!["-f".to_owned(), "-qq".to_owned(), "-o".to_owned(), "/dev/null".to_owned()];
        traced.extend(Fault { calls, effect: "error=ENOSPC", when, files: &[] }.arguments());
        traced.extend([env!("CARGO_BIN_EXE_wharf"), "config", "init", "--force"].map(str::to_owned));
        let traced: Vec<&str> = traced.iter().map(String::as_str).collect();
        let output = place.command_of("strace", &traced).output().unwrap();
        assert!(!output.status.success(), "{calls}");
        assert_eq!(std::fs::read_to_string(place.path("c/config.toml")).unwrap(), "# mine\n");
    }
    assert_eq!(std::fs::read_dir(place.path("c")).unwrap().count(), 1);
}
