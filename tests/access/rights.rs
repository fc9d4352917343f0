//! Who may do what (R24), for every operation that the description tells: what it says it needs is what it asks for, nothing
//! of others is there, and what does not fit is named.

use super::contract::operations;
use super::server::Server;
use serde_json::{Value, json};

/// The operation with these names in its path, and `{}` where it takes a body.
fn ask(server: &Server, who: &str, method: &str, path: &str, body: &Value) -> (u16, Value) {
    let body = if method == "GET" { String::new() } else { body.to_string() };
    let reply = server.send(who, method, path, &body);
    (reply.status, serde_json::from_slice(&reply.whole().unwrap()).unwrap_or(Value::Null))
}

/// The path with what is there nowhere; a source is one that is.
fn nowhere(path: &str) -> String {
    path.replace("{source}", "shop").replace(['{', '}'], "")
}

/// Whoever shows these is nobody: who, and as which error.
fn strangers(server: &Server) -> Vec<(String, &'static str)> {
    let bare = |who: String| who.strip_prefix("Bearer ").unwrap().to_owned();
    let (red, blue) = (bare(server.agent("red", "acme")), bare(server.agent("blue", "umbra")));
    let spent = server.agent("spent", "acme");
    server.place.ok(&["token", "revoke", "spent", "--confirm", "spent"]);
    let over = server.secret(&["token", "create", "agent", "--swarm", "red", "--expires", "0s"]);
    let (swarm, agent) = red.split_once(';').unwrap();
    let other = blue.split(';').next().unwrap();
    vec![
        (String::new(), "credentials_missing"),
        ("Bearer nonsense".to_owned(), "credentials_malformed"),
        (format!("Bearer {agent};{swarm}"), "credentials_malformed"),
        (format!("Bearer {swarm};AGENT-{}", "x".repeat(43)), "token_invalid"),
        (format!("Bearer {other};{agent}"), "token_invalid"),
        (format!("Bearer {swarm};{over}"), "token_expired"),
        (spent, "token_invalid"),
        ("Bearer eyJhbGciOiJIUzI1NiJ9.e30.c2lnbmF0dXJl".to_owned(), "token_invalid"),
    ]
}

/// An agent of this role in a swarm of its own.
fn agent(server: &Server, role: &str, tenant: &str) -> String {
    let label = format!("{role}-{tenant}");
    let swarm = server.secret(&["token", "create", "swarm", "--label", &label, "--tenant", tenant]);
    let own = server.secret(&["token", "create", "agent", "--swarm", &label, "--role", role]);
    format!("Bearer {swarm};{own}")
}

/// Roles, and what each may.
const ROLES: [(&str, &[&str]); 4] = [
    ("agent", &["read", "execute"]),
    ("analyst", &["read", "write", "execute"]),
    ("engineer", &["read", "write", "delete", "execute", "view_sql"]),
    ("admin", &["read", "write", "delete", "execute", "manage", "view_sql"]),
];

#[test]
fn every_operation_asks_for_what_it_says_it_needs() {
    let server = Server::shop(&[("WHARF_GUESSES", "0")]);
    let strangers = strangers(&server);
    let known: Vec<_> = ROLES.iter().map(|(role, may)| (role, agent(&server, role, "acme"), may)).collect();
    let before = server.place.ok(&["token", "list", "--json"]);
    for (method, path, needs) in operations(&server) {
        let path = nowhere(&path);
        for (who, code) in &strangers {
            let (status, reply) = ask(&server, who, &method, &path, &json!({}));
            if needs.is_some() {
                assert_eq!((status, reply["code"].as_str()), (401, Some(*code)), "{method} {path}: {reply}");
            } else {
                // What needs nobody answers anybody alike, also who shows something wrong.
                assert!(status < 500 && status != 401 && status != 403, "{method} {path}: {status} {reply}");
            }
        }
        let Some(needs) = needs else { continue };
        for (role, who, may) in &known {
            let (status, reply) = ask(&server, who, &method, &path, &json!({}));
            if may.contains(&needs.as_str()) {
                let let_in = status != 401 && status < 500 && reply["code"] != "not_permitted";
                assert!(let_in, "{role}: {method} {path}: {status} {reply}");
            } else {
                let refused = (status, reply["code"].as_str());
                assert_eq!(refused, (403, Some("not_permitted")), "{role}: {method} {path}: {reply}");
            }
        }
    }
    let uses = |text: &str| text.lines().filter(|line| !line.contains("last_used")).count();
    assert_eq!(uses(&server.place.ok(&["token", "list", "--json"])), uses(&before));
    // What only the owner may do is not there for anybody else.
    let (_, boss, _) = &known[3];
    for (method, path) in [
        ("POST", "/api/daemon/stop"),
        ("POST", "/api/sources"),
        ("DELETE", "/api/sources/shop"),
        ("POST", "/api/demo"),
        ("GET", "/api/daemon/status"),
        ("GET", "/api/daemon/checks"),
        ("POST", "/api/policy/check"),
    ] {
        let (status, reply) = ask(&server, boss, method, path, &json!({}));
        assert!(matches!(status, 404 | 405), "{method} {path}: {status} {reply}");
    }
    assert_eq!(server.place.ok(&["source", "list", "--csv"]).lines().count(), 2);
}

/// A path whose last name is one of another's, by how the path begins.
fn foreign(path: &str, theirs: &[(&str, String)]) -> Option<String> {
    let found = theirs.iter().find(|(begin, _)| path.starts_with(begin))?;
    Some(found.1.clone())
}

#[test]
fn what_is_of_others_is_like_what_is_not_there() {
    let server = Server::shop(&[]);
    let (red, blue) = (agent(&server, "engineer", "acme"), agent(&server, "engineer", "umbra"));
    for swarm in ["swarm:engineer-acme", "swarm:engineer-umbra"] {
        server.place.ok(&["table", "allow", "orders", "--to", swarm]);
    }
    let made = |path: &str, body: Value, id: &str| {
        let (status, reply) = server.post(&blue, path, &body);
        assert!(status < 300, "{path}: {reply}");
        reply[id].as_str().unwrap_or_else(|| panic!("{reply}")).to_owned()
    };
    let session = made("/api/sessions", json!({"title": "theirs"}), "session_id");
    let turn = made("/api/chat/turns", json!({"question": "revenue", "session": session}), "turn_id");
    let query = made("/api/queries/execute", json!({"query": "select 1 from orders"}), "statement_id");
    let theirs = [
        ("/api/sessions/{", session),
        ("/api/chat/turns/{", turn),
        ("/api/queries/{", query),
        ("/api/tables/{", "payroll".to_owned()),
    ];
    let mut tried = 0;
    for (method, path, needs) in operations(&server) {
        let Some(id) = foreign(&path, &theirs) else { continue };
        if !ROLES[2].1.contains(&needs.as_deref().unwrap_or_default()) {
            continue;
        }
        let shape = |id: &str| {
            let from = path.find('{').unwrap();
            let to = path.find('}').unwrap() + 1;
            let path = format!("{}{id}{}", &path[..from], &path[to..]);
            let fits = if path.ends_with("/sample") {
                json!({"sample_type": "first", "sample_size": 1})
            } else {
                json!({})
            };
            let (status, mut reply) = ask(&server, &red, &method, &path, &fits);
            reply["request_id"] = Value::Null;
            (status, reply.to_string().replace(id, "ID"))
        };
        // As long, of the same form, and of nobody.
        let missing: String = id
            .chars()
            .map(|c| {
                if c == '7' {
                    '8'
                } else if c == 'p' {
                    'q'
                } else {
                    c
                }
            })
            .rev()
            .collect();
        let (found, none) = (shape(&id), shape(&missing));
        assert_eq!(found, none, "{method} {path}");
        assert_eq!(found.0, 404, "{method} {path}: {}", found.1);
        tried += 1;
    }
    assert!(tried >= 9, "only {tried} operations were tried");
}

/// The schema that a reference names.
fn resolved<'a>(api: &'a Value, schema: &'a Value) -> &'a Value {
    let name = schema["$ref"].as_str().and_then(|r| r.strip_prefix("#/components/schemas/"));
    name.map_or(schema, |name| &api["components"]["schemas"][name])
}

#[test]
fn what_does_not_fit_is_named() {
    let server = Server::shop(&[]);
    let boss = agent(&server, "admin", "acme");
    let (_, api) = server.get("", "/openapi.json");
    let mut bodies = 0;
    for (method, path, _) in operations(&server) {
        let operation = &api["paths"][&path][method.to_lowercase()];
        let body = &operation["requestBody"]["content"]["application/json"]["schema"];
        if !body.is_null() {
            let closed = &resolved(&api, body)["additionalProperties"];
            assert_eq!(closed, &json!(false), "{method} {path} takes what it does not know");
            let (status, reply) = ask(&server, &boss, &method, &nowhere(&path), &json!({"surprise": 1}));
            let told = reply["message"].as_str().unwrap_or_default();
            assert!(status == 400 && told.contains("`surprise`"), "{method} {path}: {status} {reply}");
            bodies += 1;
        }
        for parameter in operation["parameters"].as_array().into_iter().flatten() {
            if parameter["name"] != "page_size" {
                continue;
            }
            let path = format!("{path}?page_size=1000000000");
            let (status, reply) = ask(&server, &boss, &method, &path, &Value::Null);
            let size = reply["pagination"]["page_size"].as_u64();
            assert!(status == 400 || status == 200 && size.is_some_and(|s| s <= 1000), "{path}: {reply}");
        }
    }
    assert!(bodies >= 20, "only {bodies} operations take a body");
}

/// The largest body, in bytes.
const LARGEST: usize = 16 << 20;

#[test]
fn a_body_may_be_as_large_as_it_may_and_not_a_byte_larger() {
    let server = Server::shop(&[]);
    let who = server.agent("red", "acme");
    let padded = |length: usize| {
        let (begin, end) = ("{\"query\": \"", "\"}");
        format!("{begin}{}{end}", "x".repeat(length - begin.len() - end.len()))
    };
    for path in ["/api/queries/execute", "/sample_data", "/api/tokens"] {
        let (status, reply) = ask(&server, &who, "POST", path, &Value::Null);
        let fits = server.send(&who, "POST", path, &padded(LARGEST)).status;
        assert!(fits != 413 && fits < 500, "{path}: {fits}; with nothing: {status} {reply}");
        let reply = server.send(&who, "POST", path, &padded(LARGEST + 1));
        assert_eq!(reply.status, 413, "{path}: {}", reply.head);
        let reply = reply.json();
        assert_eq!(
            (&reply["code"], &reply["status_code"]),
            (&json!("body_too_large"), &json!(413)),
            "{reply}"
        );
    }
}
