//! Planted secrets are in no place where anybody could find them (R15): everything is run with trace logging, right and wrong,
//! to the end and to a crash.

use super::server::{Server, spawn};
use crate::streams::http::{Reply, write_request};
use crate::support::{Place, wait_until};
use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE};
use serde_json::{Value, json};
use std::io::{BufRead, BufReader};
use std::os::unix::process::ExitStatusExt;
use std::path::Path;
use std::process::{Command, ExitStatus, Stdio};

fn read_all(dir: &Path, found: &mut Vec<(String, Vec<u8>)>) {
    for entry in std::fs::read_dir(dir).into_iter().flatten().flatten() {
        let path = entry.path();
        if path.is_dir() {
            read_all(&path, found);
        } else if let Ok(bytes) = std::fs::read(&path) {
            found.push((path.display().to_string(), bytes));
        }
    }
}

/// The forms in which a secret could stand somewhere: as it is, in hex, in base64 wherever it begins in what was encoded,
/// as a part of a URL, as JSON.
fn forms(secret: &[u8]) -> Vec<Vec<u8>> {
    let each = |form: fn(u8) -> String| secret.iter().map(|b| form(*b)).collect::<String>();
    let plain =
        |b: u8| if b.is_ascii_alphanumeric() { char::from(b).to_string() } else { format!("%{b:02X}") };
    let mut all = vec![
        String::from_utf8_lossy(secret).into_owned(),
        each(|b| format!("{b:02x}")),
        each(|b| format!("{b:02X}")),
        each(plain),
        each(plain).replace("%2D", "-").replace("%5F", "_").replace("%2E", "."),
        each(plain).replace("%20", "+"),
        Value::from(String::from_utf8_lossy(secret)).to_string().trim_matches('"').to_owned(),
    ];
    for before in 0..3_usize {
        let shifted = [&vec![b' '; before][..], secret].concat();
        for engine in [STANDARD, URL_SAFE] {
            let text = engine.encode(&shifted);
            // The first and the last letters also hold bits of what stands beside it.
            let (from, to) = ((before * 8).div_ceil(6), shifted.len() * 8 / 6);
            all.push(text[from..to].to_owned());
        }
    }
    all.sort();
    all.dedup();
    all.into_iter().map(String::into_bytes).collect()
}

fn holds(bytes: &[u8], part: &[u8]) -> bool {
    let first = part[0];
    let mut rest = bytes;
    while let Some(at) = rest.iter().position(|b| *b == first) {
        if rest[at..].starts_with(part) {
            return true;
        }
        rest = &rest[at + 1..];
    }
    false
}

#[test]
fn a_form_is_found_wherever_it_stands() {
    for before in ["", "a", "ab", "abc"] {
        let text = format!("{before}planted-horse-4711?behind");
        for found in [STANDARD.encode(&text), URL_SAFE.encode(&text), text.clone()] {
            let forms = forms(b"planted-horse-4711");
            assert!(forms.iter().any(|form| holds(found.as_bytes(), form)), "{found}");
        }
    }
}

/// A server that was shown secrets, and which.
struct Planted {
    server: Server,
    secrets: Vec<String>,
    /// What it said over the door.
    said: Vec<u8>,
}

impl Planted {
    fn new() -> Self {
        let settings = [("WHARF_LOG", "trace"), ("WHARF_GUESSES", "0"), ("WHARF_CORE_DUMPS", "false")];
        let server = Server::shop(&settings);
        Self { server, secrets: Vec::new(), said: Vec::new() }
    }

    fn plant(&mut self, secret: &str) -> String {
        self.secrets.push(secret.to_owned());
        secret.to_owned()
    }

    /// Sends a request with any headers, and keeps what comes back.
    fn send(&mut self, method: &str, path: &str, headers: &str, body: &str) -> Value {
        let mut stream = self.server.connect();
        let headers = format!("{headers}Content-Type: application/json\r\nConnection: close\r\n");
        write_request(&mut stream, method, path, &headers, body.as_bytes());
        let reply = Reply::read(stream).unwrap();
        self.said.extend(reply.head.clone().into_bytes());
        let body = reply.whole().unwrap();
        self.said.extend(&body);
        serde_json::from_slice(&body).unwrap_or_default()
    }

    fn as_who(&mut self, who: &str, method: &str, path: &str, body: &str) -> Value {
        self.send(method, path, &format!("Authorization: {who}\r\n"), body)
    }

    /// Tokens of a swarm, an agent, an admin, and one that was given another secret; a user who logs in.
    fn principals(&mut self) -> Vec<String> {
        let who = self.server.agent("red", "acme");
        let (swarm, agent) = who.strip_prefix("Bearer ").unwrap().split_once(';').unwrap();
        let (swarm, agent) = (self.plant(swarm), self.plant(agent));
        let admin = self
            .server
            .secret(&["token", "create", "agent", "--swarm", "red", "--label", "boss", "--role", "admin"]);
        let rotated = self.server.secret(&["token", "rotate", "boss", "--overlap", "1h"]);
        let boss = format!("Bearer {swarm};{rotated}");
        self.plant(&admin);
        self.plant(&rotated);
        let password = self.plant("planted horse 4711");
        self.server.place.pipe(&["user", "create", "alice"], format!("{password}\n"));
        let change = json!({"password": self.plant("planted horse 4714 Ümlaut")}).to_string();
        let login = |password: &str| json!({"username": "alice", "password": password}).to_string();
        let body = login(&password);
        let jwt = self.server.post("", "/api/auth/login", &serde_json::from_str(&body).unwrap()).1;
        let jwt = self.plant(jwt["access_token"].as_str().unwrap());
        let wrong = login(&self.plant("planted horse 4712"));
        self.send("POST", "/api/auth/login", "", &wrong);
        let bent = self.plant(&format!("{}x", &agent[..agent.len() - 1]));
        let all = vec![
            who.clone(),
            format!("Bearer {jwt}"),
            format!("Bearer {swarm};{bent}"),
            format!("Bearer {swarm}"),
            format!("Bearer {agent};{swarm}"),
            boss.clone(),
        ];
        self.traffic(&all);
        // The password that ends the login comes last.
        self.as_who(&boss, "PATCH", "/api/users/alice", &change);
        all
    }

    /// Every kind of request that goes well and that fails.
    fn traffic(&mut self, all: &[String]) {
        for who in all {
            for path in [
                "/list_data",
                "/api/auth/me",
                "/api/auth/permissions",
                "/api/tokens",
                "/api/nothere",
                "/metrics",
            ] {
                self.as_who(who, "GET", path, "");
            }
            for sql in [
                "select * from orders",
                "select * from nothere",
                "selec",
                "select cast(email as int) from orders",
            ] {
                self.as_who(who, "POST", "/api/queries/execute", &json!({"query": sql}).to_string());
            }
        }
    }

    /// Secrets of others, in places where they do not belong.
    fn misplaced(&mut self) {
        let pat = self.plant("dapi0123456789abcdefplanted4715");
        self.send("POST", "/api/auth/login", "", &json!({"databricks_token": pat}).to_string());
        self.send("GET", "/list_data", &format!("Authorization: Bearer {pat}\r\n"), "");
        let cloud = self.plant("AKIAPLANTED4716EXAMPLE");
        self.send("GET", "/list_data", &format!("X-API-Key: {cloud}\r\n"), "");
        let cookie = self.plant("session-planted-4717");
        self.send("GET", "/list_data", &format!("Cookie: sid={cookie}\r\n"), "");
        let basic = STANDARD.encode(format!("alice:{}", self.plant("planted-basic-4718")));
        self.send("GET", "/list_data", &format!("Authorization: Basic {basic}\r\n"), "");
        let query = self.plant("planted-query-4719");
        self.send("GET", &format!("/list_data?access_token={query}"), "", "");
        let user = self.plant("planted-made-4720");
        let made = json!({"username": "bob", "password": user, "roles": ["owner"]}).to_string();
        let wrong = json!({"username": 5, "password": user}).to_string();
        for body in [made, wrong] {
            self.send("POST", "/api/users", "", &body);
        }
        let short = self.plant("pw-4721");
        self.server.place.pipe(&["user", "create", "carol"], format!("{short}\n"));
    }

    /// Every place where something could be found.
    fn sinks(&self) -> Vec<(String, Vec<u8>)> {
        let mut sinks = vec![("what was said".to_owned(), self.said.clone())];
        for folder in ["s", "k", "d", "c", "r", "home", "work"] {
            read_all(&self.server.place.path(folder), &mut sinks);
        }
        sinks
    }

    /// What commands print, and what the system knows of the processes.
    fn look(&mut self) {
        let place = &self.server.place;
        for args in [
            vec!["token", "list", "--json"],
            vec!["token", "show", "red", "--json"],
            vec!["user", "list", "--json"],
            vec!["policy", "show", "--json"],
            vec!["audit", "tail", "--json"],
            vec!["audit", "search", "--json"],
            vec!["config", "show", "--json"],
            vec!["doctor", "--json"],
            vec!["daemon", "status", "--json"],
            vec!["daemon", "logs"],
        ] {
            let ran = place.run(&args);
            self.said.extend(ran.out.into_bytes());
            self.said.extend(ran.err.into_bytes());
        }
        let pid = place.daemon_pid().unwrap();
        for pid in std::iter::once(pid).chain(children(pid)) {
            for name in ["cmdline", "environ"] {
                self.said.extend(std::fs::read(format!("/proc/{pid}/{name}")).unwrap_or_default());
            }
        }
        assert!(holds(&self.said, b"WHARF_STATE_DIR"), "the environment was looked at");
    }

    /// No secret, in no form, in no place.
    fn check(&self) {
        let mut sinks = self.sinks();
        // The keys themselves stand in files of their own, for the user alone; nowhere else.
        let keys: Vec<(String, Vec<u8>)> =
            sinks.iter().filter(|(name, _)| name.ends_with(".key")).cloned().collect();
        assert_eq!(keys.len(), 2, "{:?}", keys.iter().map(|k| &k.0).collect::<Vec<_>>());
        sinks.retain(|(name, _)| !name.ends_with(".key"));
        assert!(sinks.len() > 4, "state, log and audit were looked at");
        let named = self.secrets.iter().map(|s| (s.clone(), s.clone().into_bytes()));
        let all: Vec<(String, Vec<u8>)> = named.chain(keys.iter().cloned()).collect();
        for (secret, bytes) in &all {
            for form in forms(bytes) {
                for (name, held) in &sinks {
                    assert!(
                        !holds(held, &form),
                        "{name} holds {secret} as {}",
                        String::from_utf8_lossy(&form)
                    );
                }
            }
        }
        for (file, _) in &keys {
            let mode =
                std::os::unix::fs::PermissionsExt::mode(&std::fs::metadata(file).unwrap().permissions());
            assert_eq!(mode & 0o777, 0o600);
        }
    }
}

/// Processes that this one has started.
fn children(pid: u32) -> Vec<u32> {
    let tasks = std::fs::read_dir(format!("/proc/{pid}/task")).into_iter().flatten().flatten();
    let lists = tasks.filter_map(|task| std::fs::read_to_string(task.path().join("children")).ok());
    lists
        .flat_map(|list| list.split_whitespace().filter_map(|id| id.parse().ok()).collect::<Vec<_>>())
        .collect()
}

#[test]
fn secrets_stand_in_no_file_no_reply_and_no_process() {
    let mut planted = Planted::new();
    planted.server.place.ok(&["table", "allow", "orders", "--to", "everyone"]);
    planted.server.place.ok(&["policy", "set", "orders", "--column", "email=mask:hash"]);
    let all = planted.principals();
    planted.misplaced();
    planted.look();
    assert!(planted.secrets.len() >= 14, "{:?}", planted.secrets);
    planted.check();
    // What was revoked, and what a crash leaves behind.
    planted.server.place.ok(&["token", "revoke", "red", "--confirm", "red"]);
    planted.traffic(&all);
    let pid = planted.server.place.daemon_pid().unwrap();
    crate::streams::process::signal(pid, "ABRT");
    wait_until("the daemon is gone", || {
        std::fs::read_to_string(format!("/proc/{pid}/stat")).map_or(true, |s| s.contains(") Z "))
    });
    planted.check();
}

/// A shell that lets crashes write as much as they like, and becomes the command.
const UNLIMITED: &str = "ulimit -c unlimited 2>/dev/null; exec \"$@\"";

fn crashed(place: &Place, signal: &str, settings: &[(&str, &str)]) -> ExitStatus {
    let wharf = env!("CARGO_BIN_EXE_wharf");
    let mut command =
        place.command_of("sh", &["-c", UNLIMITED, "sh", wharf, "serve", "--listen", "127.0.0.1:0"]);
    command.envs(settings.iter().copied()).stdout(Stdio::piped()).stderr(Stdio::null());
    let mut child = command.spawn().unwrap();
    let mut line = String::new();
    BufReader::new(child.stdout.take().unwrap()).read_line(&mut line).unwrap();
    assert!(line.contains("ready"), "{line}");
    let mut ended = None;
    // A fault that was only sent is taken once for one that will come again at once.
    wait_until("it has crashed", || {
        let _ = Command::new("kill").args([&format!("-{signal}"), &child.id().to_string()]).status();
        ended = child.try_wait().unwrap();
        ended.is_some()
    });
    ended.unwrap()
}

#[test]
fn a_crash_leaves_no_memory_behind() {
    let place = Place::new();
    for signal in ["ABRT", "SEGV"] {
        let status = crashed(&place, signal, &[("WHARF_CORE_DUMPS", "false")]);
        assert!(status.signal().is_some() && !status.core_dumped(), "{signal}: {status}");
    }
    let mut left = Vec::new();
    for folder in ["s", "k", "work", "r"] {
        read_all(&place.path(folder), &mut left);
    }
    assert!(left.iter().all(|(name, _)| !name.rsplit('/').next().unwrap().starts_with("core")), "{left:?}");
    // The same crash would leave it, where that is wanted and the system does so at all.
    let wanted = crashed(&place, "ABRT", &[("WHARF_CORE_DUMPS", "true")]);
    if !wanted.core_dumped() {
        println!("this system writes no core dumps, so nothing was shown by their absence");
    }
    // And the next daemon starts as if nothing had been.
    let (mut child, told) = spawn(&place, &["--listen", "127.0.0.1:0"], &[]);
    assert_eq!(told["ready"], true, "{told}");
    child.kill().unwrap();
    child.wait().unwrap();
}
