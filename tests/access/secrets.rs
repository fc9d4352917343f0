//! Planted secrets are in no place where anybody could find them.

use super::server::Server;
use crate::support::Place;
use base64::Engine as _;
use serde_json::json;
use std::path::Path;

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

/// The forms in which a secret could stand somewhere.
fn forms(secret: &str) -> Vec<Vec<u8>> {
    let hex: String = secret.bytes().map(|b| format!("{b:02x}")).collect();
    let base64 = base64::engine::general_purpose::STANDARD.encode(secret);
    let url: String = secret
        .bytes()
        .map(|b| if b.is_ascii_alphanumeric() { char::from(b).to_string() } else { format!("%{b:02X}") })
        .collect();
    let mut all = vec![secret.to_owned(), hex, base64.trim_end_matches('=').to_owned()];
    if url != secret {
        all.push(url);
    }
    all.into_iter().map(String::into_bytes).collect()
}

fn holds(bytes: &[u8], part: &[u8]) -> bool {
    bytes.windows(part.len()).any(|w| w == part)
}

#[test]
fn secrets_stand_in_no_file_no_reply_and_no_process() {
    let server = Server::shop(&[("WHARF_LOG", "trace"), ("WHARF_GUESSES", "0")]);
    let place: &Place = &server.place;
    let who = server.agent("red", "acme");
    let (swarm, agent) = who.strip_prefix("Bearer ").unwrap().split_once(';').unwrap();
    place.pipe(&["user", "create", "alice"], "planted horse 4711\n");
    let (_, login) =
        server.post("", "/api/auth/login", &json!({"username": "alice", "password": "planted horse 4711"}));
    let jwt = login["access_token"].as_str().unwrap().to_owned();
    place.ok(&["table", "allow", "orders", "--to", "swarm:red"]);
    place.ok(&["policy", "set", "orders", "--column", "email=mask:hash"]);
    let mut said = Vec::new();
    for who in [
        who.clone(),
        format!("Bearer {jwt}"),
        format!("Bearer {swarm};{}x", &agent[..agent.len() - 1]),
        format!("Bearer {swarm}"),
    ] {
        for path in
            ["/list_data", "/api/auth/me", "/api/auth/permissions", "/api/tokens", "/api/nothere", "/metrics"]
        {
            let reply = server.send(&who, "GET", path, "");
            said.extend(reply.head.clone().into_bytes());
            said.extend(reply.whole().unwrap());
        }
        for sql in [
            "select * from orders",
            "select * from nothere",
            "selec",
            "select cast(email as int) from orders",
        ] {
            let reply = server.send(&who, "POST", "/api/queries/execute", &json!({"query": sql}).to_string());
            said.extend(reply.whole().unwrap());
        }
    }
    server.post("", "/api/auth/login", &json!({"username": "alice", "password": "planted horse 4712"}));
    for args in [
        vec!["token", "list", "--json"],
        vec!["token", "show", "red", "--json"],
        vec!["user", "list", "--json"],
        vec!["policy", "show", "--json"],
        vec!["audit", "tail", "--json"],
        vec!["config", "show", "--json"],
        vec!["doctor", "--json"],
        vec!["daemon", "status", "--json"],
    ] {
        let ran = place.run(&args);
        said.extend(ran.out.into_bytes());
        said.extend(ran.err.into_bytes());
    }
    let pid = place.daemon_pid().unwrap();
    for name in ["cmdline", "environ"] {
        said.extend(std::fs::read(format!("/proc/{pid}/{name}")).unwrap());
    }
    let mut sinks = vec![("what was said".to_owned(), said)];
    for folder in ["s", "k", "d", "c", "r", "home"] {
        read_all(&place.path(folder), &mut sinks);
    }
    // The keys themselves stand in files of their own, for the user alone; nowhere else.
    let keys: Vec<(String, Vec<u8>)> =
        sinks.iter().filter(|(name, _)| name.ends_with(".key")).cloned().collect();
    assert_eq!(keys.len(), 2, "{:?}", keys.iter().map(|k| &k.0).collect::<Vec<_>>());
    sinks.retain(|(name, _)| !name.ends_with(".key"));
    assert!(sinks.len() > 4, "state, log and audit were looked at");
    for secret in [swarm, agent, &jwt, "planted horse 4711", "planted horse 4712"] {
        for form in forms(secret) {
            for (name, bytes) in &sinks {
                assert!(!holds(bytes, &form), "{name} holds {}", String::from_utf8_lossy(&form));
            }
        }
    }
    for (file, key) in &keys {
        let hex: String = key.iter().map(|b| format!("{b:02x}")).collect();
        for (name, bytes) in &sinks {
            assert!(!holds(bytes, key) && !holds(bytes, hex.as_bytes()), "{name} holds {file}");
        }
        let mode = std::os::unix::fs::PermissionsExt::mode(&std::fs::metadata(file).unwrap().permissions());
        assert_eq!(mode & 0o777, 0o600);
    }
}
