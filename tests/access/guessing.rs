//! Guessing (R13): an address that guesses has to wait, nobody else does, and neither the log nor the memory grows by it.

use super::server::Server;
use crate::streams::http::{Reply, write_request};
use crate::streams::process::{peak_mib, reset_peak};
use rustix::net::{AddressFamily, SocketType, bind, connect, socket};
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::net::{Ipv4Addr, SocketAddr, SocketAddrV4, TcpStream};
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

const GUESSES: usize = 2000;
/// Wrong ones in a minute, after which an address has to wait.
const MOST: usize = 10;

/// A connection from another address of this machine.
fn from(server: &Server, address: Ipv4Addr) -> TcpStream {
    let far: SocketAddr = server.address.parse().unwrap();
    let near = socket(AddressFamily::INET, SocketType::STREAM, None).unwrap();
    bind(&near, &SocketAddrV4::new(address, 0)).unwrap();
    connect(&near, &far).unwrap();
    let stream = TcpStream::from(near);
    stream.set_read_timeout(Some(Duration::from_secs(60))).unwrap();
    stream
}

/// One request on a connection that stays; status and head.
fn ask(stream: &mut TcpStream, who: &str, method: &str, path: &str, body: &str) -> (u16, String) {
    let headers = format!("Authorization: {who}\r\nContent-Type: application/json\r\n");
    write_request(stream, method, path, &headers, body.as_bytes());
    let reply = Reply::read(stream.try_clone().unwrap()).unwrap();
    let (status, head) = (reply.status, reply.head.to_lowercase());
    reply.whole().unwrap();
    (status, head)
}

/// Seconds until which an address has to wait.
fn wait_of(head: &str) -> u64 {
    let wait = head.lines().find_map(|l| l.strip_prefix("retry-after: ")).unwrap_or_else(|| panic!("{head}"));
    wait.trim().parse().unwrap()
}

/// Lines about guesses, by address.
fn noted(server: &Server) -> BTreeMap<String, usize> {
    let lines = server.place.json(&["audit", "search", "--action", "authenticate", "--json"]);
    let mut found = BTreeMap::new();
    for line in lines.as_array().unwrap() {
        assert_eq!(line["outcome"], "denied", "{line}");
        *found.entry(line["principal"].as_str().unwrap().to_owned()).or_default() += 1;
    }
    found
}

#[test]
fn an_address_that_guesses_waits_and_others_notice_nothing() {
    let server = Server::shop(&[]);
    let right = server.agent("red", "acme");
    let swarm = right.strip_prefix("Bearer ").unwrap().split(';').next().unwrap();
    let here = Ipv4Addr::new(127, 0, 0, 1);
    let (begun, mut stream) = (Instant::now(), from(&server, here));
    let mut other = from(&server, Ipv4Addr::new(127, 0, 0, 2));
    let mut looked_at = 0;
    for guess in 0..GUESSES {
        let token = format!("AGENT-{guess:043}");
        let who = match guess % 3 {
            0 => format!("Bearer {swarm};{token}"),
            1 => format!("Bearer SWARM-{};{token}", "x".repeat(43)),
            _ => "Bearer eyJhbGciOiJIUzI1NiJ9.e30.c2lnbmF0dXJl".to_owned(),
        };
        let (status, head) = ask(&mut stream, &who, "GET", "/list_data", "");
        if status == 401 {
            looked_at += 1;
        } else {
            assert_eq!(status, 429, "{head}");
            assert!((1..=60).contains(&wait_of(&head)), "{head}");
        }
        if guess % 100 == 50 {
            assert_eq!(ask(&mut other, &right, "GET", "/list_data", "").0, 200);
        }
    }
    // A run of many minutes would let as many more through.
    let minutes = usize::try_from(begun.elapsed().as_secs() / 60).unwrap() + 1;
    assert!((MOST..=MOST * minutes).contains(&looked_at), "{looked_at} were looked at");
    // Even what is right has to wait here, passwords too.
    assert_eq!(ask(&mut stream, &right, "GET", "/list_data", "").0, 429);
    let login = json!({"username": "alice", "password": "wrong horse"}).to_string();
    assert_eq!(ask(&mut stream, "", "POST", "/api/auth/login", &login).0, 429);
    let found = noted(&server);
    let lines = found.get("address:127.0.0.1").copied().unwrap_or_default();
    assert!((1..=minutes).contains(&lines) && found.len() == 1, "{found:?}");
    // Many addresses: a line each.
    let others: Vec<Ipv4Addr> = (10..30).map(|last| Ipv4Addr::new(127, 0, 0, last)).collect();
    for address in &others {
        let mut stream = from(&server, *address);
        let statuses: Vec<u16> =
            (0..15).map(|_| ask(&mut stream, "Bearer a.b.c", "GET", "/api/auth/me", "").0).collect();
        assert_eq!(statuses.iter().filter(|s| **s == 401).count(), MOST, "{statuses:?}");
    }
    let found = noted(&server);
    for address in others {
        assert_eq!(found.get(&format!("address:{address}")), Some(&1), "{found:?}");
    }
    assert_eq!(ask(&mut other, &right, "GET", "/list_data", "").0, 200);
}

/// Threads that hash passwords.
fn hashing(pid: u32) -> usize {
    let threads = std::fs::read_dir(format!("/proc/{pid}/task")).unwrap().flatten();
    let names = threads.filter_map(|t| std::fs::read_to_string(t.path().join("comm")).ok());
    names.filter(|name| name.trim() == "password").count()
}

#[test]
fn passwords_tried_all_at_once_are_no_more_guesses_and_take_no_more_memory() {
    let server = Server::start(&[]);
    server.place.pipe(&["user", "create", "alice"], "correct horse\n");
    let pid = server.place.daemon_pid().unwrap();
    let login = &|address: Ipv4Addr, password: &str| {
        let body = json!({"username": "alice", "password": password}).to_string();
        ask(&mut from(&server, address), "", "POST", "/api/auth/login", &body).0
    };
    assert_eq!(login(Ipv4Addr::new(127, 0, 1, 1), "correct horse"), 200);
    reset_peak(pid);
    let before = peak_mib(pid).unwrap();
    // From one address, all at the same time: no more are looked at than one after the other, but for those that already are.
    let at_once = |address: fn(u8) -> Ipv4Addr| -> Vec<u16> {
        std::thread::scope(|scope| {
            let tried: Vec<_> =
                (0..60).map(|n| scope.spawn(move || login(address(n), "wrong horse"))).collect();
            tried.into_iter().map(|t| t.join().unwrap()).collect()
        })
    };
    let statuses = at_once(|_| Ipv4Addr::new(127, 0, 0, 3));
    let looked_at = statuses.iter().filter(|s| **s == 401).count();
    assert!((MOST..MOST + 4).contains(&looked_at), "{statuses:?}");
    assert_eq!(statuses.iter().filter(|s| **s == 429).count(), 60 - looked_at, "{statuses:?}");
    // From as many addresses: all are looked at, four at a time. Each takes 19 MiB, and the allocator some of its own.
    let (done, mut most) = (AtomicBool::new(false), 0);
    let statuses = std::thread::scope(|scope| {
        let tried = scope.spawn(|| {
            let statuses = at_once(|n| Ipv4Addr::new(127, 0, 2, n + 1));
            done.store(true, Ordering::Release);
            statuses
        });
        while !done.load(Ordering::Acquire) {
            most = most.max(hashing(pid));
        }
        tried.join().unwrap()
    });
    assert!(statuses.iter().all(|s| *s == 401), "{statuses:?}");
    assert!((1..=4).contains(&most), "{most} hashed at once");
    let grown = peak_mib(pid).unwrap() - before;
    // All 60 at once would take twice as much.
    assert!(grown < 60 * 19 / 2, "{grown} MiB");
    let verdict: Value = server.place.json(&["audit", "verify", "--json"]);
    assert_eq!(verdict["sound"], true);
}
