//! The door itself: encryption, limits, headers, pages, its closing.

use super::server::{Server, answer, spawn};
use crate::streams::http::{Reply, write_request};
use crate::support::Place;
use serde_json::json;
use std::io::{Read, Write};
use std::process::Command;
use std::time::Duration;

#[test]
fn beyond_this_machine_nothing_is_said_in_the_clear() {
    let place = Place::new();
    let (mut child, told) = spawn(&place, &["--listen", "0.0.0.0:0"], &[]);
    assert_eq!(told["error"]["code"], "plain_tcp", "{told}");
    assert!(!child.wait().unwrap().success());
    for (args, code) in [
        (vec!["--listen", "nonsense"], "listen"),
        (vec!["--listen", "127.0.0.1:0", "--tls-cert", "no.pem", "--tls-key", "no.key"], "certificate"),
        (vec!["--listen", "127.0.0.1:0", "--cors", "ftp://x"], "cors_origin"),
    ] {
        let (mut child, told) = spawn(&place, &args, &[]);
        assert_eq!(told["error"]["code"], code, "{told}");
        assert!(!child.wait().unwrap().success());
    }
}

#[test]
fn a_certificate_made_for_trials_encrypts_and_stays() {
    let server = Server::with(Place::new(), &["--listen", "127.0.0.1:0", "--self-signed"], &[]);
    let pem = server.place.path("s").join("self-signed.pem");
    let url = format!("https://localhost:{}/health", server.address.rsplit(':').next().unwrap());
    let curl = |args: &[&str]| {
        Command::new("curl").args(["-sS", "-i", "--max-time", "10"]).args(args).arg(&url).output().unwrap()
    };
    let reply = curl(&["--cacert", pem.to_str().unwrap()]);
    let said = String::from_utf8_lossy(&reply.stdout);
    assert!(
        said.contains("200 OK") && said.contains("strict-transport-security"),
        "{said}{}",
        String::from_utf8_lossy(&reply.stderr)
    );
    assert!(!curl(&[]).status.success(), "nobody vouches for it");
    let mode = std::fs::metadata(server.place.path("s").join("self-signed.key")).unwrap();
    assert_eq!(std::os::unix::fs::PermissionsExt::mode(&mode.permissions()) & 0o777, 0o600);
    // What is no TLS, and what begins and goes no further, holds nobody up.
    let plain = server.send_plain("GET /health HTTP/1.1\r\nHost: x\r\n\r\n");
    assert!(!plain.contains("healthy"), "{plain}");
    assert!(curl(&["-k"]).status.success());
}

impl Server {
    fn send_plain(&self, text: &str) -> String {
        let mut stream = self.connect();
        stream.write_all(text.as_bytes()).unwrap();
        let mut reply = Vec::new();
        let _ = stream.read_to_end(&mut reply);
        String::from_utf8_lossy(&reply).into_owned()
    }
}

#[test]
fn requests_are_counted_by_principal_and_told() {
    let server = Server::shop(&[("WHARF_RATE_METADATA", "5"), ("WHARF_RATE_QUERY", "2")]);
    let (red, blue) = (server.agent("red", "a"), server.agent("blue", "b"));
    let header = |reply: &Reply, name: &str| {
        let lines = reply.head.to_lowercase();
        lines.lines().find_map(|l| l.strip_prefix(&format!("{name}: ")).map(str::to_owned))
    };
    for left in (0..5).rev() {
        let reply = server.send(&red, "GET", "/list_data", "");
        assert_eq!((reply.status, header(&reply, "x-ratelimit-remaining")), (200, Some(left.to_string())));
        assert_eq!(header(&reply, "x-ratelimit-limit").as_deref(), Some("5"));
    }
    let reply = server.send(&red, "GET", "/list_data", "");
    assert_eq!(reply.status, 429);
    let wait: u64 = header(&reply, "retry-after").unwrap().parse().unwrap();
    let reset: u64 = header(&reply, "x-ratelimit-reset").unwrap().parse().unwrap();
    let now = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap().as_secs();
    assert!((1..=13).contains(&wait) && reset >= now && reset <= now + 75, "{wait} {reset} {now}");
    assert_eq!(server.get(&blue, "/list_data").0, 200);
    let body = json!({"query": "select 1"});
    let statuses: Vec<u16> = (0..3).map(|_| server.post(&red, "/api/queries/execute", &body).0).collect();
    assert_eq!(statuses, [403, 403, 429]);
    // The owner's socket is not counted.
    for _ in 0..8 {
        server.place.ok(&["table", "list"]);
    }
}

#[test]
fn every_reply_carries_its_headers_and_pages_are_served() {
    let place = Place::new();
    place.file("build/index.html", "<!doctype html><title>board</title>");
    place.file("build/assets/index-BdH3kX9a.js", "console.log(1)");
    let server = Server::with(
        place,
        &["--listen", "127.0.0.1:0", "--static", "build", "--cors", "https://board.example"],
        &[],
    );
    let page = server.send("", "GET", "/", "");
    let head = page.head.to_lowercase();
    assert!(
        head.contains("cache-control: no-cache")
            && head.contains("content-security-policy: default-src 'self'"),
        "{head}"
    );
    assert!(String::from_utf8(page.whole().unwrap()).unwrap().contains("board"));
    let script = server.send("", "GET", "/assets/index-BdH3kX9a.js", "").head.to_lowercase();
    assert!(script.contains("immutable") && script.contains("nosniff"), "{script}");
    let deep = server.send("", "GET", "/some/page", "");
    assert_eq!(deep.status, 200);
    for path in ["/../../../etc/passwd", "/%2e%2e/%2e%2e/etc/passwd", "/assets/..%2f..%2fsecret"] {
        let reply = server.send("", "GET", path, "");
        assert!(!String::from_utf8_lossy(&reply.whole().unwrap_or_default()).contains("root:"), "{path}");
    }
    let (status, reply) = server.get("", "/api/nothere");
    assert_eq!((status, &reply["code"]), (404, &json!("route_not_found")));
    let asked = |origin: &str| {
        let mut stream = server.connect();
        let headers =
            format!("Origin: {origin}\r\nAccess-Control-Request-Method: GET\r\nConnection: close\r\n");
        write_request(&mut stream, "OPTIONS", "/list_data", &headers, b"");
        Reply::read(stream).unwrap().head.to_lowercase()
    };
    assert!(asked("https://board.example").contains("access-control-allow-origin: https://board.example"));
    assert!(!asked("https://evil.example").contains("access-control-allow-origin"));
}

#[test]
fn what_has_begun_is_answered_when_the_daemon_is_told_to_end() {
    let mut server = Server::shop(&[]);
    let who = server.agent("red", "acme");
    server.place.ok(&["table", "allow", "orders", "--to", "swarm:red"]);
    let address = server.address.clone();
    let body = json!({"query": "select sum(hash(i)::hugeint) s, (select count(*) from orders) n from range(20000000) t(i)"}).to_string();
    let asked: Vec<_> = (0..4)
        .map(|_| {
            let (address, who, body) = (address.clone(), who.clone(), body.clone());
            std::thread::spawn(move || {
                let mut stream = std::net::TcpStream::connect(address).unwrap();
                stream.set_read_timeout(Some(Duration::from_secs(60))).unwrap();
                write_request(
                    &mut stream,
                    "POST",
                    "/api/queries/execute",
                    &format!("Authorization: {who}\r\n"),
                    body.as_bytes(),
                );
                Reply::read(stream).map(answer)
            })
        })
        .collect();
    crate::support::wait_until("all run", || crate::streams::http::status(&server.place)["statements"] == 4);
    assert!(server.stop());
    for reply in asked {
        let (status, reply) = reply.join().unwrap().expect("a request was lost");
        assert_eq!((status, &reply["rows"][0]["n"]), (200, &json!(3)), "{reply}");
    }
}

#[test]
fn wrong_bodies_and_heads_are_told_and_change_nothing() {
    let server = Server::shop(&[]);
    let swarm = server.secret(&["token", "create", "swarm"]);
    let admin = server.secret(&["token", "create", "agent", "--role", "admin"]);
    let boss = format!("Bearer {swarm};{admin}");
    let deep = format!("{}1{}", "[".repeat(100_000), "]".repeat(100_000));
    let long = format!("{{\"query\": \"{}\"}}", "x".repeat(17 << 20));
    let before = server.place.ok(&["token", "list", "--json"]);
    for path in [
        "/api/tokens",
        "/api/users",
        "/api/tables",
        "/api/queries/execute",
        "/sample_data",
        "/manage/tokens",
        "/api/policy/test",
    ] {
        for body in [
            "",
            "nonsense",
            "{",
            "null",
            "[]",
            "\"x\"",
            "{\"nosuch\": 1}",
            "{\"kind\": 7}",
            "\u{0}",
            deep.as_str(),
            long.as_str(),
        ] {
            let reply = server.send(&boss, "POST", path, body);
            assert!((400..500).contains(&reply.status), "{path} {:.40}: {}", body, reply.head);
            let reply = reply.json();
            assert!(
                reply["code"].is_string() && reply["request_id"].is_string(),
                "{path} {body:.40}: {reply}"
            );
        }
    }
    let (_, reply) = server.post(&boss, "/api/tokens", &json!({"kind": "swarm", "colour": "red"}));
    assert!(reply["message"].as_str().unwrap().contains("colour"), "{reply}");
    for head in [
        "GET /list_data HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n".to_owned(),
        format!("GET /list_data HTTP/1.1\r\nHost: x\r\nX-Long: {}\r\n\r\n", "y".repeat(400 << 10)),
        format!("GET /{} HTTP/1.1\r\nHost: x\r\n\r\n", "z".repeat(100_000)),
        "BREW /pot HTTP/1.1\r\nHost: x\r\n\r\n".to_owned(),
        "GET /list_data HTTP/1.1\r\nHost: x\r\nContent-Length: -5\r\n\r\n".to_owned(),
        "POST /api/tokens HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n".to_owned(),
        "\u{1}\u{2}\u{3}\r\n\r\n".to_owned(),
    ] {
        let said = server.send_plain(&head);
        assert!(!said.contains(" 500 ") && !said.contains(" 200 "), "{head:.60}: {said:.200}");
    }
    assert_eq!(server.place.ok(&["token", "list", "--json"]), before);
    assert_eq!(server.get("", "/health").0, 200);
}
