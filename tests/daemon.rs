//! The daemon's life: starts, races, stale and stuck sockets, idle exit, unsafe folders.

use crate::support::{Place, wait_until};
use std::io::{Read, Write};
use std::os::unix::fs::PermissionsExt;
use std::os::unix::net::UnixStream;
use std::process::Command;

#[test]
fn many_clients_at_once_start_exactly_one_daemon() {
    let place = Place::new();
    for _ in 0..3 {
        let children: Vec<_> =
            (0..20).map(|i| place.start(&["query", &format!("select {i}"), "--csv", "-t"])).collect();
        for (i, child) in children.into_iter().enumerate() {
            let output = child.wait_with_output().unwrap();
            let err = String::from_utf8_lossy(&output.stderr).into_owned();
            assert_eq!(String::from_utf8_lossy(&output.stdout), format!("{i}\n"), "{err}");
        }
        let pid = place.daemon_pid().unwrap().to_string();
        let folder = place.path("s").display().to_string();
        let mine = std::fs::read_dir("/proc").unwrap().flatten().filter(|e| {
            let environment = std::fs::read(e.path().join("environ")).unwrap_or_default();
            let name = std::fs::read_to_string(e.path().join("comm")).unwrap_or_default();
            name.trim() == "wharfd" && String::from_utf8_lossy(&environment).contains(&folder)
        });
        let mine: Vec<String> = mine.map(|e| e.file_name().into_string().unwrap()).collect();
        assert_eq!(mine, [pid]);
        place.kill_daemon();
    }
}

#[test]
fn a_killed_daemon_leaves_nothing_that_hinders_the_next() {
    let place = Place::new();
    for _ in 0..3 {
        place.ok(&["query", "select 1", "--csv"]);
        assert!(place.path("r").join("wharfd.sock").exists());
        place.kill_daemon();
    }
    let told = place.run(&["daemon", "status", "--json"]);
    assert_eq!(told.code, 3);
    assert!(told.out.contains("not running"), "{}", told.out);
}

#[test]
fn a_stuck_daemon_is_told_and_replaced_by_force() {
    let place = Place::new();
    place.ok(&["query", "select 1", "--csv"]);
    let pid = place.daemon_pid().unwrap();
    Command::new("kill").args(["-STOP", &pid.to_string()]).status().unwrap();
    let begun = std::time::Instant::now();
    let err = place.fails(&["query", "select 1"], 3);
    assert!(err.contains(&pid.to_string()) && err.contains("restart --force"), "{err}");
    assert!(begun.elapsed().as_secs() < 20);
    place.ok(&["daemon", "restart", "--force", "--json"]);
    assert_ne!(place.daemon_pid().unwrap(), pid);
    assert_eq!(place.ok(&["query", "select 2", "--csv", "-t"]), "2\n");
}

#[test]
fn stop_start_status_and_idle_exit() {
    let place = Place::new();
    assert_eq!(place.json(&["daemon", "start", "--json"])["state"], "running");
    let status = place.json(&["daemon", "status", "--json"]);
    for key in [
        "pid",
        "version",
        "uptime_seconds",
        "clients",
        "memory_bytes",
        "cache_bytes",
        "queue",
        "log",
        "open_transaction",
    ] {
        assert!(!status[key].is_null(), "{key}");
    }
    assert_eq!(place.json(&["daemon", "stop", "--json"])["state"], "stopped");
    assert!(place.daemon_pid().is_none());
    assert!(!place.path("r").join("wharfd.sock").exists());
    let out = place
        .command(&["query", "select 1", "--csv", "-t"])
        .env("WHARF_IDLE_EXIT", "200ms")
        .output()
        .unwrap();
    assert_eq!(String::from_utf8_lossy(&out.stdout), "1\n");
    wait_until("the idle daemon has ended", || place.daemon_pid().is_none());
    assert!(std::fs::read_to_string(place.path("s").join("wharfd.log")).unwrap().contains("idle"));
}

#[test]
fn an_unsafe_runtime_folder_is_refused() {
    let place = Place::new();
    std::fs::set_permissions(place.path("r"), std::fs::Permissions::from_mode(0o755)).unwrap();
    let err = place.fails(&["query", "select 1"], 1);
    assert!(err.contains("others may enter"), "{err}");
    std::fs::set_permissions(place.path("r"), std::fs::Permissions::from_mode(0o700)).unwrap();
    let long = place.path(&"x".repeat(110));
    let output = place.command(&["query", "select 1"]).env("WHARF_RUNTIME_DIR", long).output().unwrap();
    assert!(String::from_utf8_lossy(&output.stderr).contains("more than the"), "{output:?}");
}

fn raw(place: &Place, request: &str) -> String {
    let mut stream = UnixStream::connect(place.path("r").join("wharfd.sock")).unwrap();
    stream.set_read_timeout(Some(std::time::Duration::from_secs(10))).unwrap();
    stream.write_all(request.as_bytes()).unwrap();
    let mut reply = String::new();
    let _ = stream.read_to_string(&mut reply);
    reply
}

#[test]
fn requests_of_browsers_and_for_other_hosts_are_refused() {
    let place = Place::new();
    place.ok(&["daemon", "start"]);
    let get = |headers: &str| {
        raw(&place, &format!("GET /api/daemon/status HTTP/1.1\r\n{headers}Connection: close\r\n\r\n"))
    };
    assert!(get("Host: wharf\r\n").starts_with("HTTP/1.1 200"));
    for headers in [
        "Host: wharf\r\nOrigin: http://evil\r\n",
        "Host: wharf\r\nReferer: http://evil\r\n",
        "Host: evil.example\r\n",
    ] {
        let reply = get(headers);
        assert!(reply.starts_with("HTTP/1.1 403") && reply.contains("foreign_request"), "{headers}: {reply}");
    }
    let mode = std::fs::metadata(place.path("r").join("wharfd.sock")).unwrap().permissions().mode() & 0o777;
    assert_eq!(mode & 0o077, 0, "{mode:o}");
    let mode = std::fs::metadata(place.path("s").join("state.db")).unwrap().permissions().mode() & 0o777;
    assert_eq!(mode, 0o600, "{mode:o}");
}

#[test]
fn bad_requests_get_an_error_with_a_code_and_never_a_5xx() {
    let place = Place::new();
    place.ok(&["daemon", "start"]);
    let bodies = [
        "",
        "{",
        "[]",
        "null",
        "{\"sql\": 5}",
        "{\"sql\":\"select 1\",\"format\":\"hologram\"}",
        "\u{0}\u{1}",
        "{\"sql\":\"\",\"format\":\"csv\"}",
    ];
    let routes = [
        "/api/queries/stream",
        "/api/samples/stream",
        "/api/metrics/query",
        "/api/chat/turns",
        "/api/sources",
        "/api/sessions",
        "/api/policy/check",
        "/api/models/lint",
        "/api/nothing",
    ];
    for route in routes {
        for body in bodies {
            let request = format!(
                "POST {route} HTTP/1.1\r\nHost: wharf\r\nConnection: close\r\nContent-Length: {}\r\n\r\n{body}",
                body.len()
            );
            let reply = raw(&place, &request);
            let status = reply.split_whitespace().nth(1).unwrap_or("none").to_owned();
            assert!(!status.starts_with('5'), "{route} {body:?}: {reply}");
            if status.starts_with('4') && status != "405" {
                assert!(
                    reply.contains("\"code\"") && reply.contains("\"message\""),
                    "{route} {body:?}: {reply}"
                );
            }
        }
    }
}

#[test]
fn a_read_only_home_works_with_a_private_daemon() {
    if rustix::process::getuid().is_root() {
        println!("skipped: root writes everywhere");
        return;
    }
    let place = Place::new();
    std::fs::create_dir(place.path("s")).unwrap();
    std::fs::set_permissions(place.path("s"), std::fs::Permissions::from_mode(0o500)).unwrap();
    assert!(place.fails(&["query", "select 1"], 3).contains("--no-daemon"));
    assert_eq!(place.ok(&["query", "select 1", "--csv", "-t", "--no-daemon"]), "1\n");
}
