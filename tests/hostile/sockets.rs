//! Starts and sockets (R21, R23): one daemon whatever stands in its place, and it serves its owner only.

use crate::streams::http::{connect, write_request};
use crate::support::{Place, wait_until};
use std::io::{Read, Write};
use std::os::unix::fs::{PermissionsExt, chown, symlink};
use std::os::unix::net::UnixListener;
use std::path::Path;
use std::process::{Command, Output, Stdio};
use std::time::{Duration, Instant};

const NOBODY: u32 = 65534;

fn is_root() -> bool {
    let root = rustix::process::getuid().is_root();
    if !root {
        println!("skipped: only root can make another user knock");
    }
    root
}

fn mode(path: &Path, mode: u32) {
    std::fs::set_permissions(path, std::fs::Permissions::from_mode(mode)).unwrap();
}

/// Daemons whose state folder is this place's.
fn daemons(place: &Place) -> usize {
    let folder = place.path("s").display().to_string();
    let is_ours = |entry: &std::fs::DirEntry| {
        let environment = std::fs::read(entry.path().join("environ")).unwrap_or_default();
        let name = std::fs::read_to_string(entry.path().join("comm")).unwrap_or_default();
        name.trim() == "wharfd" && String::from_utf8_lossy(&environment).contains(&folder)
    };
    std::fs::read_dir("/proc").unwrap().flatten().filter(is_ours).count()
}

#[test]
fn fifty_clients_at_once_find_or_start_exactly_one_daemon() {
    let place = Place::new();
    for round in 0..4 {
        let begun = Instant::now();
        let children: Vec<_> =
            (0..50).map(|i| place.start(&["query", &format!("select {i}"), "--csv", "-t"])).collect();
        for (i, child) in children.into_iter().enumerate() {
            let output = child.wait_with_output().unwrap();
            let err = String::from_utf8_lossy(&output.stderr);
            assert_eq!(String::from_utf8_lossy(&output.stdout), format!("{i}\n"), "round {round}: {err}");
        }
        // Nobody waits over 5 s; here fifty debug builds share two cores with other tests.
        assert!(begun.elapsed() < Duration::from_secs(15), "{:?}", begun.elapsed());
        assert_eq!(daemons(&place), 1, "round {round}");
        // What the next round finds: a dead daemon's files, or none.
        if round % 2 == 0 { place.kill_daemon() } else { drop(place.ok(&["daemon", "stop"])) }
    }
}

#[test]
fn whatever_stands_at_the_sockets_place_a_daemon_starts_or_says_why_not() {
    let place = Place::new();
    let socket = place.path("r").join("wharfd.sock");
    let address = place.path("s").join("daemon.json");
    let works = |what: &str| {
        assert_eq!(place.ok(&["query", "select 7", "--csv", "-t"]), "7\n", "{what}");
        place.kill_daemon();
        let _ = std::fs::remove_file(&socket);
    };
    works("nothing");
    std::fs::write(&socket, "text").unwrap();
    works("a file");
    symlink("/nowhere", &socket).unwrap();
    works("a link to nowhere");
    let precious = place.file("precious", "keep me");
    symlink(&precious, &socket).unwrap();
    works("a link to a file");
    assert_eq!(std::fs::read_to_string(&precious).unwrap(), "keep me");
    drop(UnixListener::bind(&socket).unwrap());
    works("a stale socket");
    for garbage in ["", "{", "[]", "{\"pid\": 1}", "\u{0}\u{1}"] {
        std::fs::write(&address, garbage).unwrap();
        works(&format!("an address file that says {garbage:?}"));
    }
    std::fs::write(
        &address,
        format!(
            "{{\"pid\":1,\"version\":\"0\",\"protocol\":1,\"socket\":{:?}}}",
            place.work().join("gone.sock")
        ),
    )
    .unwrap();
    works("an address where nobody listens");
    std::fs::create_dir(&socket).unwrap();
    let err = place.fails(&["query", "select 1"], 1);
    assert!(err.contains("wharfd.sock") && err.contains("directory"), "{err}");
    wait_until("no daemon is left", || daemons(&place) == 0);
}

#[test]
fn a_stranger_at_the_address_is_told_from_a_daemon() {
    let place = Place::new();
    place.ok(&["query", "select 1", "--csv"]);
    place.kill_daemon();
    // The address of the dead daemon, taken by a program that closes whatever connects.
    let path = place.path("r").join("wharfd.sock");
    std::fs::remove_file(&path).unwrap();
    let listener = UnixListener::bind(&path).unwrap();
    std::thread::spawn(move || listener.incoming().for_each(drop));
    let begun = Instant::now();
    let ran = place.run(&["query", "select 1", "--csv"]);
    assert!(begun.elapsed() < Duration::from_secs(20), "{:?}", begun.elapsed());
    assert!(ran.code == 0 || ran.code == 3 && ran.err.contains("daemon"), "{ran:?}");
    let ran = place.run(&["daemon", "restart", "--force"]);
    assert_eq!(ran.code, 0, "{}", ran.err);
    assert_eq!(place.ok(&["query", "select 7", "--csv", "-t"]), "7\n");
}

fn with_runtime(place: &Place, runtime: &Path) -> Output {
    let mut command = place.command(&["query", "select 1", "--csv", "-t"]);
    command.env("WHARF_RUNTIME_DIR", runtime).output().unwrap()
}

#[test]
fn folders_that_others_can_reach_are_refused_with_the_reason() {
    let place = Place::new();
    let refused = |runtime: &Path, reason: &str| {
        let output = with_runtime(&place, runtime);
        let err = String::from_utf8_lossy(&output.stderr).into_owned();
        assert_eq!(output.status.code(), Some(1), "{}: {err}", runtime.display());
        assert!(err.contains(reason) && err.contains("WHARF_"), "{}: {err}", runtime.display());
        // The refused daemon may still be on its way out.
        wait_until("no daemon is left", || daemons(&place) == 0);
    };
    let runtime = place.path("r");
    for open in [0o755, 0o777, 0o710, 0o701, 0o704, 0o720] {
        mode(&runtime, open);
        refused(&runtime, &format!("its mode is {open:o}"));
    }
    mode(&runtime, 0o700);
    let link = place.path("link");
    symlink(&runtime, &link).unwrap();
    refused(&link, "symbolic link");
    refused(&place.file("a-file", ""), "directory");
    let relative = with_runtime(&place, Path::new("here"));
    assert_eq!(relative.status.code(), Some(2));
    assert!(String::from_utf8_lossy(&relative.stderr).contains("absolute path"));
    if is_root() {
        chown(&runtime, Some(NOBODY), None).unwrap();
        refused(&runtime, "belongs to user 65534");
        chown(&runtime, Some(0), None).unwrap();
    }
    // The longest path that is taken, and one that is a byte longer.
    let room = wharf_settings::SOCKET_PATH_MAX - "/handoff.sock".len();
    let base = place.path("x").display().to_string();
    let long = |length: usize| format!("{base}{}", "x".repeat(length - base.len()));
    refused(Path::new(&long(room + 1)), "more than the");
    let longest = with_runtime(&place, Path::new(&long(room)));
    assert_eq!(String::from_utf8_lossy(&longest.stdout), "1\n", "{longest:?}");
}

#[test]
fn requests_that_a_browser_was_led_to_send_are_refused() {
    let place = Place::new();
    place.ok(&["daemon", "start"]);
    let said = |request: &str| {
        let mut stream = connect(&place);
        stream.write_all(request.as_bytes()).unwrap();
        let mut reply = String::new();
        let _ = stream.read_to_string(&mut reply);
        reply
    };
    let routes = [
        "GET /health",
        "GET /api/daemon/status",
        "POST /api/queries/stream",
        "POST /api/daemon/stop",
        "GET /nowhere",
    ];
    let hostile = [
        "Host: wharf\r\nOrigin: http://evil.example\r\n",
        "Host: wharf\r\nOrigin: null\r\n",
        "Host: localhost\r\nReferer: http://localhost/\r\n",
        "Host: evil.example\r\n",
        "Host: localhost.evil.example\r\n",
        "Host: wharf\r\nHost: evil.example\r\n",
        "Host: evil.example\r\nHost: wharf\r\n",
        "Host: 127.0.0.1:80\r\n",
    ];
    for route in routes {
        for headers in hostile {
            let reply =
                said(&format!("{route} HTTP/1.1\r\n{headers}Connection: close\r\nContent-Length: 0\r\n\r\n"));
            assert!(reply.starts_with("HTTP/1.1 403"), "{route} {headers}: {reply}");
            assert!(reply.contains("foreign_request"), "{reply}");
        }
    }
    let reply = said("GET http://evil.example/health HTTP/1.1\r\nHost: wharf\r\nConnection: close\r\n\r\n");
    assert!(reply.starts_with("HTTP/1.1 403"), "{reply}");
    let log = std::fs::read_to_string(place.path("s").join("wharfd.log")).unwrap();
    assert!(log.matches("refused a request").count() >= routes.len() * hostile.len(), "{log}");
    let mut stream = connect(&place);
    write_request(&mut stream, "GET", "/health", "Connection: close\r\n", b"");
    let mut reply = String::new();
    stream.read_to_string(&mut reply).unwrap();
    assert!(reply.starts_with("HTTP/1.1 200"), "{reply}");
}

#[test]
fn another_user_is_refused_even_if_the_folder_lets_him_in() {
    if !is_root() {
        return;
    }
    let place = Place::new();
    place.ok(&["query", "select 1", "--csv"]);
    let pid = place.daemon_pid().unwrap();
    // Somebody has opened what was closed when the daemon started.
    for folder in ["", "r"] {
        mode(&place.path(folder), 0o711);
    }
    for socket in ["r/wharfd.sock", "r/handoff.sock"] {
        mode(&place.path(socket), 0o666);
    }
    // The other user has the program, and an address file that names this daemon.
    let state = place.path("theirs");
    std::fs::create_dir(&state).unwrap();
    for (from, to) in
        [(env!("CARGO_BIN_EXE_wharf").into(), "wharf"), (place.path("s/daemon.json"), "daemon.json")]
    {
        std::fs::copy(from, state.join(to)).unwrap();
        chown(state.join(to), Some(NOBODY), Some(NOBODY)).unwrap();
    }
    chown(&state, Some(NOBODY), Some(NOBODY)).unwrap();
    let knock = |args: &[&str]| {
        let mut command = Command::new("setpriv");
        command
            .args(["--reuid=65534", "--regid=65534", "--clear-groups"])
            .arg(state.join("wharf"))
            .args(args);
        command.env_clear().current_dir("/").stdin(Stdio::null()).env("HOME", &state);
        for name in ["CONFIG", "DATA", "STATE", "CACHE", "RUNTIME"] {
            command.env(format!("WHARF_{name}_DIR"), &state);
        }
        command.output().unwrap()
    };
    for args in [&["daemon", "status", "--json"][..], &["query", "select 1"], &["query", "select 1", "--csv"]]
    {
        let begun = Instant::now();
        let output = knock(args);
        assert_eq!(output.status.code(), Some(3), "{args:?}: {output:?}");
        assert!(!output.stderr.is_empty() && output.stdout.is_empty(), "{args:?}: {output:?}");
        assert!(begun.elapsed() < Duration::from_secs(20), "{args:?}: {:?}", begun.elapsed());
    }
    let log = || std::fs::read_to_string(place.path("s").join("wharfd.log")).unwrap();
    assert!(
        log().contains("refused a connection of another user") && log().contains("user 65534"),
        "{}",
        log()
    );
    assert!(log().contains("refused the output of another user"), "{}", log());
    wait_until("the audit has it", || {
        place
            .ok(&["audit", "search", "--action", "connect", "--outcome", "denied", "--ndjson"])
            .contains("the socket serves its owner only")
    });
    assert_eq!(place.daemon_pid(), Some(pid));
    assert_eq!(place.ok(&["query", "select 7", "--csv", "-t"]), "7\n");
}
