//! Who is let in, and who isn't.

use super::server::Server;
use crate::streams::http::{Reply, write_request};
use crate::support::wait_until;
use base64::Engine as _;
use serde_json::{Value, json};
use std::io::Read;

/// Wrong ways to ask; none may be a fault of the server, and none may change anything.
#[test]
fn wrong_credentials_are_told_apart_from_missing_ones_and_change_nothing() {
    let server = Server::shop(&[]);
    let right = server.agent("red", "acme");
    let other = server.agent("blue", "umbra");
    let (swarm, agent) = right.strip_prefix("Bearer ").unwrap().split_once(';').unwrap();
    let (_, other_agent) = other.split_once(';').unwrap();
    let flipped = |s: &str| format!("{}{}", &s[..s.len() - 1], if s.ends_with('A') { 'B' } else { 'A' });
    let cases = [
        (String::new(), "credentials_missing"),
        ("Bearer".to_owned(), "credentials_malformed"),
        (format!("Bearer {swarm}"), "credentials_malformed"),
        (format!("Bearer ;{agent}"), "credentials_malformed"),
        (format!("Bearer {agent};{swarm}"), "credentials_malformed"),
        (format!("Basic {swarm};{agent}"), "credentials_malformed"),
        (format!("Bearer {swarm};{agent}é"), "credentials_malformed"),
        (format!("Bearer {}", "a".repeat(20_000)), "credentials_malformed"),
        (format!("Bearer {swarm};{}", flipped(agent)), "token_invalid"),
        (format!("Bearer {swarm};{other_agent}"), "token_invalid"),
    ];
    for (who, code) in &cases {
        let (status, reply) = server.get(who, "/list_data");
        assert_eq!((status, reply["code"].as_str().unwrap()), (401, *code), "{who}: {reply}");
        assert!(!reply.to_string().contains(&swarm[6..]), "{reply}");
    }
    // Twice the same header is not taken for either.
    let mut stream = server.connect();
    write_request(
        &mut stream,
        "GET",
        "/list_data",
        &format!("Authorization: {right}\r\nAuthorization: {right}\r\nConnection: close\r\n"),
        b"",
    );
    assert_eq!(Reply::read(stream).unwrap().status, 401);
    // Ten were wrong: the address has to wait, even with the right ones, and is told for how long.
    let reply = server.send(&right, "GET", "/list_data", "");
    assert_eq!(reply.status, 429, "{}", reply.head);
    let wait = reply
        .head
        .lines()
        .find_map(|l| l.to_lowercase().strip_prefix("retry-after: ").map(str::to_owned))
        .unwrap();
    assert!((1..=60).contains(&wait.trim().parse::<u32>().unwrap()));
    // Health is not held up, and the owner notices nothing.
    assert_eq!(server.get("", "/health").0, 200);
    assert!(server.place.ok(&["token", "list"]).contains("red-agent"));
    let lines = server.place.ok(&["audit", "search", "--action", "authenticate", "--json"]);
    assert_eq!(serde_json::from_str::<Value>(&lines).unwrap().as_array().unwrap().len(), 1, "{lines}");
}

#[test]
fn a_label_means_the_token_that_is_valid() {
    let server = Server::shop(&[]);
    server.agent("red", "acme");
    let one = || server.place.run(&["token", "show", "red-agent"]);
    let again = || {
        let args = ["token", "create", "agent", "--swarm", "red", "--label", "red-agent"];
        server.place.ok(&args)
    };
    server.place.ok(&["token", "revoke", "red-agent", "--confirm", "red-agent"]);
    assert!(one().out.contains("revoked"), "{}", one().out);
    again();
    assert!(one().out.contains("active"), "{}{}", one().out, one().err);
    again();
    assert!(one().err.contains("several tokens"), "{}", one().err);
}

#[test]
fn an_older_client_may_send_its_tokens_as_an_api_key() {
    let server = Server::shop(&[]);
    let who = server.agent("red", "acme");
    // With the word before it, or without.
    for key in [who.as_str(), who.strip_prefix("Bearer ").unwrap()] {
        let mut stream = server.connect();
        let headers = format!("X-API-Key: {key}\r\nConnection: close\r\n");
        write_request(&mut stream, "GET", "/api/auth/me", &headers, b"");
        assert_eq!(Reply::read(stream).unwrap().json()["display_name"], "red-agent");
    }
}

fn login(server: &Server, name: &str, password: &str) -> (u16, Value) {
    server.post("", "/api/auth/login", &json!({"username": name, "password": password}))
}

#[test]
fn a_user_logs_in_renews_and_logs_out() {
    let server = Server::shop(&[]);
    let made = server
        .place
        .pipe(&["user", "create", "alice", "--role", "analyst", "--tenant", "acme"], "correct horse\n");
    assert_eq!(made.code, 0, "{}", made.err);
    let (status, reply) = login(&server, "alice", "correct horse");
    assert_eq!(
        (status, &reply["token_type"], &reply["expires_in"]),
        (200, &json!("bearer"), &json!(1800)),
        "{reply}"
    );
    assert_eq!(reply["user"]["permissions"], json!(["read", "write", "execute"]));
    let who = format!("Bearer {}", reply["access_token"].as_str().unwrap());
    assert_eq!(server.get(&who, "/api/auth/me").1["id"], "alice");
    let (_, renewed) = server.post(&who, "/api/auth/refresh", &json!({}));
    let renewed = format!("Bearer {}", renewed["access_token"].as_str().unwrap());
    assert_eq!(server.get(&renewed, "/api/auth/permissions").1["groups"], json!(["acme"]));
    // Nothing is granted to users by default, and managing needs a role.
    assert_eq!(server.refusal(&who, "select 1 from orders").1, "nothing_granted");
    assert_eq!(server.get(&who, "/api/tokens").0, 403);
    assert_eq!(server.post(&who, "/api/auth/logout", &json!({})).0, 200);
    for who in [&who, &renewed] {
        assert_eq!(server.get(who, "/api/auth/me").1["code"], "token_invalid");
    }
    for (name, password) in [("alice", "wrong horse"), ("nobody", "correct horse")] {
        let (status, reply) = login(&server, name, password);
        assert_eq!((status, &reply["message"]), (401, &json!("the user name or the password is wrong")));
    }
}

#[test]
fn forged_jwts_are_worth_nothing() {
    let server = Server::start(&[]);
    server.place.pipe(&["user", "create", "alice", "--role", "admin"], "correct horse\n");
    let jwt = login(&server, "alice", "correct horse").1["access_token"].as_str().unwrap().to_owned();
    let [head, body, signature] = jwt.split('.').collect::<Vec<_>>()[..] else { panic!("{jwt}") };
    let engine = base64::engine::general_purpose::URL_SAFE_NO_PAD;
    let claims: Value = serde_json::from_slice(&engine.decode(body).unwrap()).unwrap();
    let with = |key: &str, value: Value| {
        let mut claims = claims.clone();
        claims[key] = value;
        engine.encode(claims.to_string())
    };
    let none = engine.encode(r#"{"alg":"none","typ":"JWT"}"#);
    let rs = engine.encode(r#"{"alg":"RS256","typ":"JWT"}"#);
    let forged = [
        format!("{none}.{body}."),
        format!("{none}.{body}.{signature}"),
        format!("{rs}.{body}.{signature}"),
        format!("{head}.{}.{signature}", with("exp", json!(9_999_999_999_u64))),
        format!("{head}.{}.{signature}", with("sub", json!("root"))),
        format!("{head}.{body}.{}", engine.encode("x".repeat(32))),
        format!("{head}.{body}."),
        format!("{head}..{signature}"),
    ];
    for forged in &forged {
        let (status, reply) = server.get(&format!("Bearer {forged}"), "/api/tokens");
        assert_eq!((status, &reply["code"]), (401, &json!("token_invalid")), "{forged}");
    }
    assert_eq!(server.get(&format!("Bearer {jwt}"), "/api/tokens").0, 200);
}

#[test]
fn revoking_a_token_ends_what_it_has_running() {
    let server = Server::shop(&[]);
    let who = server.agent("red", "acme");
    server.place.ok(&["table", "allow", "orders", "--to", "swarm:red"]);
    let endless = json!({"sql": "select i, repeat('x', 100) t from range(2000000000) t(i)", "format": "csv"});
    let mut reply = server.send(&who, "POST", "/api/queries/stream", &endless.to_string());
    assert_eq!(reply.status, 200);
    let mut some = vec![0; 4096];
    reply.read_exact(&mut some).unwrap();
    server.place.ok(&["token", "revoke", "red", "--confirm", "red"]);
    // It breaks off visibly, and soon.
    assert!(reply.whole().is_err());
    wait_until("its statement is ended", || crate::streams::http::status(&server.place)["statements"] == 0);
    assert_eq!(server.get(&who, "/list_data").0, 401);
}

#[test]
fn the_seeds_management_calls_work_for_an_agent_that_may_manage() {
    let server = Server::shop(&[]);
    let swarm = server.secret(&["token", "create", "swarm", "--label", "red"]);
    let admin = server.secret(&["token", "create", "agent", "--label", "boss", "--role", "admin"]);
    let boss = format!("Bearer {swarm};{admin}");
    let (status, made) = server.post(&boss, "/manage/tokens", &json!({"action": "generate_agent"}));
    assert_eq!(status, 200, "{made}");
    let worker = format!("Bearer {swarm};{}", made["token"].as_str().unwrap());
    assert_eq!(server.get(&worker, "/list_data").1, json!([]));
    let table = json!({"action": "add", "table_name": "orders", "schema_name": "main"});
    assert_eq!(server.post(&worker, "/manage/tables", &table).0, 403);
    assert_eq!(server.post(&boss, "/manage/tables", &table).1["status"], "success");
    assert_eq!(server.get(&worker, "/list_data").1[0]["table_id"], "orders");
    let revoke = json!({"action": "revoke_agent", "token_id": made["token_id"]});
    assert_eq!(server.post(&boss, "/manage/tokens", &revoke).1["status"], "success");
    assert_eq!(server.get(&worker, "/list_data").0, 401);
    for bad in [
        json!({"action": "revoke_agent"}),
        json!({"action": "revoke_agent", "token_id": "nosuch"}),
        json!({"action": "explode"}),
        json!({"action": "generate_agent", "roles": ["owner"]}),
        json!({"action": "generate_agent", "colour": "red"}),
        json!([]),
    ] {
        let (status, reply) = server.post(&boss, "/manage/tokens", &bad);
        assert!((400..500).contains(&status) && reply["code"].is_string(), "{bad}: {reply}");
    }
}
