//! Bad input at every HTTP route (R11): some 2,000 requests that are almost right. Each gets an error with code, message
//! and hint, none a 5xx; nothing hangs, nothing panics, and what was refused has changed nothing.

use super::dice::Dice;
use crate::cases::shop;
use crate::streams::http::{Reply, connect, get, send};
use crate::support::Place;
use serde_json::{Value, json};
use std::io::{Read, Write};
use std::time::{Duration, Instant};

const REQUESTS: usize = 1700;
const HEADS: usize = 300;

/// A route, and a body that it takes. Ids in paths are of things that do not exist.
fn routes() -> Vec<(&'static str, &'static str, Value)> {
    vec![
        ("GET", "/health", Value::Null),
        ("GET", "/api/daemon/hello", Value::Null),
        ("GET", "/api/daemon/status", Value::Null),
        ("GET", "/api/sources", Value::Null),
        (
            "POST",
            "/api/sources",
            json!({"name": "x", "path": "/nowhere/at/all", "models": null, "types": {"t": {"a": "INT"}}, "aliases": {}, "replace": false}),
        ),
        ("GET", "/api/sources/nix", Value::Null),
        ("DELETE", "/api/sources/nix", Value::Null),
        ("GET", "/api/tables?source=nix", Value::Null),
        (
            "POST",
            "/api/queries/stream",
            json!({"sql": "select $a + 1 as n", "source": "shop", "params": {"a": 41}, "format": "csv", "limit": 10, "timeout_ms": 5000, "write": false, "only_tables": null, "cwd": "/", "no_header": false, "null": "-"}),
        ),
        ("GET", "/api/queries/nix/status", Value::Null),
        ("DELETE", "/api/queries/nix", Value::Null),
        (
            "POST",
            "/api/samples/stream",
            json!({"table": "nix", "source": "shop", "sample": {"first": 3}, "seed": 7, "format": "ndjson"}),
        ),
        ("POST", "/api/profiles", json!({"table": "nix", "source": "shop", "refresh": true, "cwd": "/"})),
        ("GET", "/api/metrics?source=nix", Value::Null),
        (
            "POST",
            "/api/metrics/query",
            json!({"query": {"metrics": ["revenue"], "group_by": ["metric_time__month"], "where": [], "order_by": ["-revenue"], "limit": 3, "start_time": "2024-01-01", "end_time": "2024-12-31"}, "source": "shop", "format": "json", "dry_run": false, "timeout_ms": 5000}),
        ),
        ("GET", "/api/metrics-explorer/metrics?source=shop&page=2&page_size=3", Value::Null),
        ("GET", "/api/models", Value::Null),
        ("GET", "/api/models/?page=1&page_size=1000000000", Value::Null),
        ("GET", "/api/models/nix?source=shop", Value::Null),
        ("GET", "/api/models/nix/download", Value::Null),
        (
            "POST",
            "/api/models/lint",
            json!({"files": [["a.yml", "semantic_models: []"]], "tables": ["orders"]}),
        ),
        (
            "POST",
            "/api/policy/check",
            json!({"id": "1", "sql": "select 1", "dialect": "duckdb", "allowed_tables": ["a.b.c"], "default_catalog": "a", "default_schema": "b"}),
        ),
        ("GET", "/api/sessions?limit=3", Value::Null),
        ("PATCH", "/api/sessions/nix", json!({"title": "another"})),
        ("GET", "/api/sessions/nix", Value::Null),
        ("DELETE", "/api/sessions/nix", Value::Null),
        ("GET", "/api/sessions/nix/turns", Value::Null),
        ("GET", "/api/sessions/nix/events?after=1", Value::Null),
        (
            "POST",
            "/api/chat/turns",
            json!({"question": "revenue", "session": "nix", "create": false, "ephemeral": false, "source": "shop", "provider": "nobody", "now": "2024-12-15", "context": "", "timeout_ms": 1000}),
        ),
        ("GET", "/api/chat/turns/nix", Value::Null),
        ("DELETE", "/api/chat/turns/nix", Value::Null),
        ("POST", "/api/demo", json!({"replace": 5})),
        ("PUT", "/api/sessions", json!({})),
        ("GET", "/api/nothing/here", Value::Null),
    ]
}

/// Values that stand where another was.
fn odd(dice: &mut Dice) -> Value {
    let texts = [
        "",
        " ",
        "\u{0}",
        "'; drop table x; --",
        "../../etc/passwd",
        "\u{202e}abc",
        "😀".repeat(500).leak(),
        "nul\\u0000",
        "%00",
        "1e999",
        "-",
        "𝕏",
        "a\nb\r\nX: y",
    ];
    match dice.below(12) {
        0 => Value::Null,
        1 => json!(true),
        2 => json!(-1),
        3 => json!(u64::MAX),
        4 => json!(i64::MIN),
        5 => json!(1.5e300),
        6 => json!([]),
        7 => json!({}),
        8 => json!([[[[[["deep"]]]]]]),
        9 => json!({"first": -1, "x": {"y": []}}),
        _ => json!(*dice.pick(&texts)),
    }
}

/// The body with something wrong in it somewhere.
fn bent(value: &Value, dice: &mut Dice) -> Value {
    match value {
        Value::Object(map) if !map.is_empty() && !dice.once_in(10) => {
            let mut map = map.clone();
            let keys: Vec<String> = map.keys().cloned().collect();
            let key = dice.pick(&keys).clone();
            match dice.below(6) {
                0 => drop(map.remove(&key)),
                1 => drop(map.insert(format!("{key}_"), odd(dice))),
                _ => {
                    let inner = map[&key].clone();
                    map.insert(key, bent(&inner, dice));
                }
            }
            Value::Object(map)
        }
        Value::Array(items) if !items.is_empty() && dice.once_in(2) => {
            let mut items = items.clone();
            items[0] = bent(&items[0], dice);
            Value::Array(items)
        }
        _ => odd(dice),
    }
}

/// The body as bytes, sometimes not even JSON.
fn body(value: &Value, dice: &mut Dice) -> Vec<u8> {
    let mut bytes = bent(value, dice).to_string().into_bytes();
    match dice.below(8) {
        0 => bytes.truncate(bytes.len() / 2),
        1 => bytes.insert(bytes.len() / 2, *dice.pick(&[0, 0xff, b'"', b'{', b'\\', 0xc3])),
        2 => bytes.extend_from_slice(b" trailing"),
        3 => bytes = vec![b'['; 20_000],
        _ => {}
    }
    bytes
}

/// The path with something wrong in an id or behind the question mark.
fn path(template: &str, dice: &mut Dice) -> String {
    let ids = [
        "nix",
        "%00",
        "%ff%fe",
        "..%2f..%2fetc",
        "%27%20or%201=1",
        "😀",
        "%F0%9F%98%80",
        "%",
        "%zz",
        ".",
        "0",
        "-1",
    ];
    let long = "x".repeat(5000);
    let id = if dice.once_in(8) { &long } else { *dice.pick(&ids) };
    // What is not ASCII never stands in a request line as such.
    let id: String = if id.is_ascii() { id.to_owned() } else { "%E2%82".to_owned() };
    let mut path = template.replace("nix", &id);
    if dice.once_in(3) {
        let queries = [
            "limit=-1",
            "limit=abc",
            "limit=99999999999999999999",
            "after=-1",
            "after=x",
            "source=%ff",
            "source=",
            "limit=1&limit=2",
            "=",
            "&&&",
            "%",
            "if_idle=maybe",
            "a[]=1",
        ];
        let joint = if path.contains('?') { '&' } else { '?' };
        path = format!("{path}{joint}{}", dice.pick(&queries));
    }
    path
}

/// What must not change by what is refused.
fn state(place: &Place) -> String {
    ["/api/sources", "/api/sessions", "/api/models", "/api/tables"]
        .map(|path| get(place, path).to_string())
        .join("\n")
}

/// The first line of a stream that never ends by itself; the whole of any other body.
fn read(mut reply: Reply) -> Vec<u8> {
    if reply.head.contains("text/event-stream") {
        return Vec::new();
    }
    let mut bytes = Vec::new();
    let _ = reply.read_to_end(&mut bytes);
    bytes
}

fn is_well_told(status: u16, bytes: &[u8]) -> bool {
    let Ok(error) = serde_json::from_slice::<Value>(bytes) else { return false };
    let fields = ["code", "message", "hint", "retryable", "request_id", "detail"];
    fields.iter().all(|f| error.get(f).is_some())
        && !error["code"].as_str().unwrap_or_default().is_empty()
        && !error["message"].as_str().unwrap_or_default().is_empty()
        && (error["status_code"] == status || status == 405)
}

/// The daemon lives, has not panicked, and works.
fn unharmed(place: &Place, pid: u32) {
    assert_eq!(place.daemon_pid(), Some(pid));
    let log = std::fs::read_to_string(place.path("s").join("wharfd.log")).unwrap();
    assert!(!log.contains("panicked"), "{log}");
    let checks = place.json(&["doctor", "--json"]);
    let audit = checks.as_array().unwrap().iter().find(|c| c["id"] == "audit").unwrap();
    assert_eq!(audit["status"], "ok", "{audit}");
    assert_eq!(place.ok(&["query", "select 7", "--csv", "-t"]), "7\n");
}

#[test]
fn requests_that_are_almost_right_get_an_error_and_change_nothing() {
    let place = Place::new();
    if !shop(&place) {
        return;
    }
    place.ok(&["ask", "revenue", "--session", "kept", "--json"]);
    let pid = place.daemon_pid().unwrap();
    let mut dice = Dice::new();
    let routes = routes();
    let (mut refused, mut times) = (0, Vec::new());
    let mut before = state(&place);
    for i in 0..REQUESTS {
        let (method, template, good) = &routes[i % routes.len()];
        let (path, body) = (path(template, &mut dice), body(good, &mut dice));
        let headers = *dice.pick(&[
            "",
            "Content-Type: application/json\r\n",
            "Content-Type: text/html\r\nX-Request-ID: \x01\r\n",
            "Last-Event-ID: -5\r\nX-Output-ID: zz\r\n",
            "Accept: nothing\r\nX-Request-ID: a b\r\n",
        ]);
        let body = if good.is_null() && !dice.once_in(5) { Vec::new() } else { body };
        let told = || format!("{method} {path:.200} {headers:?} {:.2000}", String::from_utf8_lossy(&body));
        let begun = Instant::now();
        let reply = send(&place, method, &path, headers, &body);
        let status = reply.status;
        let bytes = read(reply);
        times.push(begun.elapsed());
        assert!(begun.elapsed() < Duration::from_secs(5), "{:?}: {}", begun.elapsed(), told());
        let text = String::from_utf8_lossy(&bytes);
        assert!(status < 500, "{status} {text:.1000}: {}", told());
        // A request with a broken header never reaches a route; the HTTP library answers it without a body.
        let reached = !headers.contains('\x01') && path.is_ascii();
        if status >= 400 && reached {
            assert!(is_well_told(status, &bytes), "{status} {text:.1000}: {}", told());
        }
        refused += usize::from(status >= 400 || text.contains("\"error\""));
        // What went through (a session that may be made, say) may change things; what was refused may not.
        if status < 400 && *method != "GET" {
            before = state(&place);
        } else if i % 10 == 0 {
            assert_eq!(state(&place), before, "{}", told());
        }
    }
    times.sort();
    println!("{refused} of {REQUESTS} refused, p99 {:?}", times[times.len() * 99 / 100]);
    assert!(refused > REQUESTS / 2, "{refused}");
    unharmed(&place, pid);
}

#[test]
fn heads_that_are_no_http_are_answered_or_dropped() {
    let place = Place::new();
    place.ok(&["daemon", "start"]);
    let pid = place.daemon_pid().unwrap();
    let mut dice = Dice::new();
    let known = [
        "GET / HTTP/9.9\r\n\r\n".to_owned(),
        "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n".to_owned(),
        "GET /health\r\n\r\n".to_owned(),
        "\u{16}\u{3}\u{1}\u{2}\u{0}\u{1}\u{0}".to_owned(),
        "GET /health HTTP/1.1\r\nHost: wharf\r\nContent-Length: -1\r\n\r\n".to_owned(),
        "GET /health HTTP/1.1\r\nHost: wharf\r\nContent-Length: 99999999999999999999\r\n\r\n".to_owned(),
        "POST /api/sessions HTTP/1.1\r\nHost: wharf\r\nContent-Length: 5\r\nContent-Length: 6\r\n\r\n{}{}{}".to_owned(),
        "POST /api/sessions HTTP/1.1\r\nHost: wharf\r\nTransfer-Encoding: chunked\r\n\r\nZZZ\r\n".to_owned(),
        "POST /api/sessions HTTP/1.1\r\nHost: wharf\r\nTransfer-Encoding: chunked\r\n\r\nffffffffffffffff\r\n".to_owned(),
        "POST /api/sessions HTTP/1.1\r\nHost: wharf\r\nTransfer-Encoding: chunked, gzip\r\n\r\n".to_owned(),
        format!("GET /health HTTP/1.1\r\nHost: wharf\r\nX: {}\r\n\r\n", "x".repeat(1 << 20)),
        format!("GET /health HTTP/1.1\r\nHost: wharf\r\n{}\r\n", "X: y\r\n".repeat(5000)),
        format!("GET /{} HTTP/1.1\r\nHost: wharf\r\n\r\n", "x".repeat(1 << 19)),
    ];
    let base =
        b"POST /api/queries/stream HTTP/1.1\r\nHost: wharf\r\nContent-Length: 2\r\nX-Request-ID: a\r\n\r\n{}"
            .to_vec();
    for i in 0..HEADS {
        let bytes = known.get(i).map_or_else(
            || {
                let mut bytes = base.clone();
                for _ in 0..=dice.below(6) {
                    let at = usize::try_from(dice.below(bytes.len() as u64)).unwrap();
                    match dice.below(3) {
                        0 => bytes[at] = u8::try_from(dice.below(256)).unwrap(),
                        1 => drop(bytes.remove(at)),
                        _ => bytes.insert(at, u8::try_from(dice.below(256)).unwrap()),
                    }
                }
                bytes
            },
            |text| text.clone().into_bytes(),
        );
        let mut stream = connect(&place);
        let _ = stream.write_all(&bytes);
        // The daemon must not wait for more than we have.
        let _ = stream.shutdown(std::net::Shutdown::Write);
        let (begun, mut reply) = (Instant::now(), Vec::new());
        let _ = stream.read_to_end(&mut reply);
        let reply = String::from_utf8_lossy(&reply).into_owned();
        let sent = String::from_utf8_lossy(&bytes[..bytes.len().min(300)]).into_owned();
        assert!(begun.elapsed() < Duration::from_secs(5), "{:?}: {sent:?}", begun.elapsed());
        assert!(!reply.starts_with("HTTP/1.1 5"), "{sent:?}: {reply}");
    }
    unharmed(&place, pid);
}
