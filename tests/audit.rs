//! The audit log through the real programs: what is in it, how it is read, and that nothing can be done to it unseen.

use crate::support::{Place, wait_until};
use serde_json::Value;
use std::io::{BufRead, BufReader, Read, Write};
use std::os::unix::net::UnixStream;
use std::path::PathBuf;
use std::process::{Command, Stdio};

/// The log's files, the oldest first.
pub fn segments(place: &Place) -> Vec<PathBuf> {
    let entries = std::fs::read_dir(place.path("s/audit")).into_iter().flatten().flatten();
    let mut files: Vec<PathBuf> =
        entries.map(|e| e.path()).filter(|p| p.extension().is_some_and(|e| e == "ndjson")).collect();
    files.sort();
    files
}

fn shop(place: &Place) {
    place.file("shop/orders.csv", "id,amount\n1,10\n2,20\n");
    place.file("shop/other.csv", "id\n1\n");
    place.ok(&["source", "add", "shop", "shop"]);
}

fn lines(place: &Place, args: &[&str]) -> Vec<Value> {
    let out = place.ok(&[&["audit", "export"], args].concat());
    out.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

/// Asks the daemon over its socket. Returns the status and the body.
fn get(place: &Place, path: &str) -> (u16, Value) {
    let mut stream = UnixStream::connect(place.path("r/wharfd.sock")).unwrap();
    write!(stream, "GET {path} HTTP/1.1\r\nHost: wharf\r\nConnection: close\r\n\r\n").unwrap();
    let mut text = String::new();
    stream.read_to_string(&mut text).unwrap();
    let status = text.split_whitespace().nth(1).unwrap().parse().unwrap();
    (status, serde_json::from_str(text.split_once("\r\n\r\n").unwrap().1).unwrap())
}

#[track_caller]
fn is_broken(place: &Place, what: &str) -> Value {
    let ran = place.run(&["audit", "verify", "--json"]);
    assert_eq!(ran.code, 1, "{what}: {} {}", ran.out, ran.err);
    let verdict: Value = serde_json::from_str(&ran.out).unwrap();
    assert_eq!(verdict["sound"], false, "{what}");
    verdict
}

#[test]
fn statements_stand_in_the_log_with_what_they_read_and_how_they_ended() {
    let place = Place::new();
    shop(&place);
    let text = "select sum(amount) as \"sum ö\"\nfrom orders";
    assert_eq!(place.ok(&["query", text, "--csv", "-t"]), "30\n");
    place.fails(&["query", "drop table orders"], 7);
    place.fails(&["query", "select nonsense from orders"], 6);
    place.fails(&["query", "select * from orders", "--only-tables", "other"], 7);
    wait_until("closing lines are there", || lines(&place, &["--outcome", "completed"]).len() == 1);
    let about: Vec<Value> = lines(&place, &["--action", "query", "--table", "orders"]);
    let started = about.iter().find(|l| l["outcome"] == "started" && l["statement"] == text).unwrap();
    assert_eq!(started["principal"], "owner");
    assert_eq!(started["tables"][0], "shop.main.orders");
    let done = lines(&place, &["--request-id", started["request_id"].as_str().unwrap()]);
    assert_eq!(done.len(), 2, "{done:?}");
    assert_eq!((&done[1]["outcome"], &done[1]["rows"]), (&"completed".into(), &1.into()));
    assert!(done[1]["time_ms"].as_f64().unwrap() > 0.0 && done[1]["bytes"].as_u64().unwrap() > 0);
    let denied = lines(&place, &["--outcome", "denied"]);
    assert_eq!(denied.len(), 2, "{denied:?}");
    assert!(denied[0]["reason"].as_str().unwrap().contains("write_not_allowed"));
    assert_eq!(denied[1]["principal"], "owner as agent");
    assert_eq!(lines(&place, &["--principal", "owner", "--outcome", "denied"]).len(), 2);
    assert_eq!(lines(&place, &["--outcome", "failed"])[0]["statement"], "select nonsense from orders");
    let numbers: Vec<u64> = lines(&place, &[]).iter().map(|l| l["seq"].as_u64().unwrap()).collect();
    assert_eq!(numbers, (1..=numbers.len() as u64).collect::<Vec<_>>());
}

#[test]
fn the_log_is_read_from_its_end_searched_and_exported_in_every_form() {
    let place = Place::new();
    for n in 0..6 {
        place.ok(&["query", &format!("select {n}, 'a,b'"), "--csv"]);
    }
    wait_until("closing lines are there", || lines(&place, &[]).len() == 12);
    let tail = place.json(&["audit", "tail", "-n", "3", "--json"]);
    let numbers: Vec<u64> = tail.as_array().unwrap().iter().map(|l| l["seq"].as_u64().unwrap()).collect();
    assert_eq!(numbers, [10, 11, 12]);
    let found =
        place.json(&["audit", "search", "SELECT 4", "--outcome", "started", "--since", "1h", "--json"]);
    assert_eq!(found.as_array().unwrap().len(), 1, "{found}");
    assert_eq!(place.ok(&["audit", "search", "--until", "1h", "--json"]).trim(), "[]");
    let cut = place.run(&["audit", "search", "--limit", "5", "--fail-on-truncate", "--ndjson"]);
    assert_eq!((cut.code, cut.out.lines().count()), (9, 5), "{}", cut.err);
    assert!(cut.err.contains("there are more"));
    assert!(place.ok(&["audit", "tail"]).contains("select 5, 'a,b'"));

    place.ok(&["audit", "export", "-o", "audit.csv"]);
    place.ok(&["audit", "export", "-o", "audit.json"]);
    let counted = |file: &str| {
        place.ok(&[
            "query",
            &format!("select count(*), count(distinct statement), max(seq) from '{file}'"),
            "--csv",
            "-t",
        ])
    };
    assert_eq!(counted("audit.csv"), "12,6,12\n");
    assert_eq!(counted("audit.json"), "12,6,12\n");
    place.ok(&["audit", "export", "--until", "1s", "-o", "none.json", "--request-id", "none"]);
    assert_eq!(std::fs::read_to_string(place.work().join("none.json")).unwrap(), "[]\n");
    // What is exported as it stands is what stands in the files.
    let raw = place.ok(&["audit", "export", "--limit", "12"]);
    let file = std::fs::read_to_string(&segments(&place)[0]).unwrap();
    assert!(file.contains(&raw) && raw.lines().count() == 12);
    assert!(place.fails(&["audit", "export", "-o", "audit.parquet"], 2).contains("ndjson"));
    assert!(place.fails(&["audit", "tail", "--since", "soon"], 2).contains("soon"));
}

#[test]
fn pages_have_the_contract_s_shape_and_wrong_parameters_are_named() {
    let place = Place::new();
    for n in 0..5 {
        place.ok(&["query", &format!("select {n}"), "--csv"]);
    }
    wait_until("closing lines are there", || lines(&place, &[]).len() == 10);
    let (status, page) = get(&place, "/api/audit?page=2&page_size=4");
    assert_eq!(status, 200);
    let wanted = serde_json::json!({"total": 10, "page": 2, "page_size": 4, "total_pages": 3});
    assert_eq!(page["pagination"], wanted);
    let numbers: Vec<u64> =
        page["data"].as_array().unwrap().iter().map(|l| l["seq"].as_u64().unwrap()).collect();
    assert_eq!(numbers, [6, 5, 4, 3]);
    let (_, page) = get(&place, "/api/audit?outcome=completed&page_size=1000000000");
    assert_eq!((&page["pagination"]["total"], &page["pagination"]["page_size"]), (&5.into(), &1000.into()));
    let (_, page) = get(&place, "/api/audit?page=18446744073709551615");
    assert_eq!(page["data"].as_array().unwrap().len(), 0);
    let wrong = [
        ("page=x", "`page`"),
        ("nonsense=1", "`nonsense`"),
        ("since=soon", "`since`"),
        ("after=-1", "`after`"),
        ("page=1&page=2", "twice"),
    ];
    for (query, named) in wrong {
        let (status, error) = get(&place, &format!("/api/audit?{query}"));
        assert_eq!(status, 400, "{query}");
        assert!(error["message"].as_str().unwrap().contains(named), "{query}: {error}");
    }
    for query in
        ["format=xml", "order=random", "follow=maybe", "follow=true&order=newest", "limit=all", "page=1"]
    {
        assert_eq!(get(&place, &format!("/api/audit/export?{query}")).0, 400, "{query}");
    }
    assert_eq!(get(&place, "/api/audit/verify").1["sound"], true);
}

#[test]
fn who_follows_the_log_sees_what_comes() {
    let place = Place::new();
    place.ok(&["query", "select 'before'", "--csv"]);
    wait_until("closing lines are there", || lines(&place, &[]).len() == 2);
    let mut following = place
        .command(&["audit", "tail", "-n", "1", "-f", "--ndjson"])
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut out = BufReader::new(following.stdout.take().unwrap()).lines();
    let mut next = || -> Value { serde_json::from_str(&out.next().unwrap().unwrap()).unwrap() };
    assert_eq!(next()["seq"], 2);
    for n in 0..3 {
        let statement = format!("select 'during {n}'");
        // A private daemon writes into the same log.
        let private = if n == 1 { &["--no-daemon"][..] } else { &[] };
        place.ok(&[private, &["query", &statement, "--csv"]].concat());
        let (started, ended) = (next(), next());
        assert_eq!(
            (&started["statement"], &started["outcome"]),
            (&statement.as_str().into(), &"started".into())
        );
        assert_eq!(
            (&ended["statement"], &ended["outcome"]),
            (&statement.as_str().into(), &"completed".into())
        );
    }
    following.kill().unwrap();
    following.wait().unwrap();
    place.ok(&["audit", "verify"]);
}

/// Something that is done to the files of the log.
type Deed = fn(&[PathBuf]);

fn bytes(path: &PathBuf, change: impl Fn(&mut Vec<u8>)) {
    let mut bytes = std::fs::read(path).unwrap();
    change(&mut bytes);
    std::fs::write(path, bytes).unwrap();
}

#[test]
fn verify_finds_whatever_was_done_to_the_files_while_the_daemon_ran_or_rested() {
    let deeds: &[(&str, Deed)] = &[
        ("a changed byte", |f| bytes(&f[0], |b| b[900] ^= 1)),
        ("a line removed with sed", |f| {
            assert!(Command::new("sed").args(["-i", "3d"]).arg(&f[0]).status().unwrap().success());
        }),
        ("the end cut", |f| {
            bytes(f.last().unwrap(), |b| {
                let end = b[..b.len() - 1].iter().rposition(|c| *c == b'\n').unwrap() + 1;
                b.truncate(end);
            });
        }),
        ("a file removed", |f| std::fs::remove_file(&f[1]).unwrap()),
        ("the last file removed", |f| std::fs::remove_file(f.last().unwrap()).unwrap()),
        ("the folder removed", |f| std::fs::remove_dir_all(f[0].parent().unwrap()).unwrap()),
    ];
    for (what, deed) in deeds {
        for running in [true, false] {
            if running && *what == "the folder removed" {
                continue;
            }
            let place = Place::new();
            let run = |n: u32| {
                let mut command = place.command(&["query", &format!("select {n}"), "--csv", "-t"]);
                let output = command.env("WHARF_AUDIT_MAX_SIZE", "3KB").output().unwrap();
                assert_eq!(String::from_utf8_lossy(&output.stdout), format!("{n}\n"), "{what}: {output:?}");
            };
            (0..12).for_each(run);
            place.ok(&["audit", "verify"]);
            if !running {
                place.ok(&["daemon", "stop"]);
            }
            assert!(segments(&place).len() > 2);
            deed(&segments(&place));
            let verdict = is_broken(&place, what);
            assert!(!verdict["problems"].as_array().unwrap().is_empty());
            // Work goes on, in the log as well, and the damage stays in sight.
            (12..15).for_each(run);
            place.ok(&["daemon", "restart"]);
            (15..18).for_each(run);
            is_broken(&place, what);
            assert!(
                place.run(&["audit", "search", "select 17", "--ndjson"]).out.contains("select 17"),
                "{what}"
            );
            let doctor = place.run(&["doctor", "--json"]);
            assert_eq!(doctor.code, 1, "{what}");
        }
    }
}

#[test]
fn a_problem_is_told_with_file_and_line() {
    let place = Place::new();
    for n in 0..4 {
        place.ok(&["query", &format!("select {n}"), "--csv"]);
    }
    let told = place.ok(&["audit", "verify"]);
    assert!(told.contains("unbroken") && told.contains("hash"), "{told}");
    let file = segments(&place)[0].clone();
    bytes(&file, |b| {
        let at = String::from_utf8(b.clone()).unwrap().find("select 1").unwrap();
        b[at + 7] = b'9';
    });
    let ran = place.run(&["audit", "verify"]);
    assert_eq!(ran.code, 1);
    let line =
        std::fs::read_to_string(&file).unwrap().lines().position(|l| l.contains("select 9")).unwrap() + 1;
    assert!(ran.out.contains(&format!("{}:{line}: the line was changed", file.display())), "{}", ran.out);
    assert!(ran.err.contains("not as it was written"), "{}", ran.err);
}

#[test]
fn fifty_clients_and_private_daemons_at_once_make_one_chain() {
    let place = Place::new();
    place.ok(&["query", "select 0", "--csv"]);
    let clients: Vec<_> = (1..=50)
        .map(|n| {
            let statement = format!("select {n} as fifty");
            // Few private daemons: each opens an engine of its own.
            let private = if n % 10 == 0 { &["--no-daemon"][..] } else { &[] };
            place.start(&[private, &["query", &statement, "--csv", "-t"]].concat())
        })
        .collect();
    for (n, client) in (1..=50).zip(clients) {
        let output = client.wait_with_output().unwrap();
        assert_eq!(String::from_utf8_lossy(&output.stdout), format!("{n}\n"), "{output:?}");
    }
    place.ok(&["audit", "verify"]);
    let mut started: Vec<String> = lines(&place, &["--outcome", "started"])
        .iter()
        .map(|l| l["statement"].as_str().unwrap().to_owned())
        .filter(|s| s.ends_with("fifty"))
        .collect();
    started.sort();
    started.dedup();
    assert_eq!(started.len(), 50);
}

#[test]
fn segments_are_closed_by_size_and_deleted_by_age() {
    let place = Place::new();
    std::fs::create_dir_all(place.path("c")).unwrap();
    std::fs::write(place.path("c/config.toml"), "[audit]\nmax_size = \"2KB\"\nkeep = \"1s\"\n").unwrap();
    for n in 0..10 {
        place.ok(&["query", &format!("select {n}"), "--csv"]);
    }
    let first = segments(&place);
    assert!(
        first.len() > 3 && first.iter().all(|f| std::fs::metadata(f).unwrap().len() <= 2048),
        "{first:?}"
    );
    std::thread::sleep(std::time::Duration::from_millis(1100));
    wait_until("the first segments are gone", || {
        place.ok(&["query", "select 'later'", "--csv"]);
        !first[0].exists() && !first[1].exists()
    });
    let verdict = place.json(&["audit", "verify", "--json"]);
    assert!(verdict["sound"] == true && verdict["first"].as_u64().unwrap() > 1, "{verdict}");
    place.ok(&["daemon", "restart"]);
    place.ok(&["audit", "verify"]);
    // What is to be kept is missed when it goes.
    place.ok(&["daemon", "stop"]);
    std::fs::write(place.path("c/config.toml"), "").unwrap();
    std::fs::remove_file(&segments(&place)[0]).unwrap();
    is_broken(&place, "the oldest that is kept");
}

#[test]
fn a_torn_end_is_cut_off_after_a_kill_and_told() {
    let place = Place::new();
    for n in 0..3 {
        place.ok(&["query", &format!("select {n}"), "--csv"]);
    }
    for torn in [&b"{\"seq\":7,\"at\":\"20"[..], b"\0\0\0\0\0\0"] {
        place.kill_daemon();
        let mut file =
            std::fs::OpenOptions::new().append(true).open(segments(&place).pop().unwrap()).unwrap();
        file.write_all(torn).unwrap();
        place.ok(&["query", "select 'after'", "--csv"]);
        place.ok(&["audit", "verify"]);
        let told = place.json(&["audit", "search", "--action", "audit", "--outcome", "repaired", "--json"]);
        let reason = told[0]["reason"].as_str().unwrap();
        assert!(reason.contains(&format!("{} bytes", torn.len())), "{reason}");
    }
}
