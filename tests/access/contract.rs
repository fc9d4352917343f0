//! The API as it is described: every route held to what it says it needs, and a fuzzer that reads the description.

use super::server::Server;
use crate::streams::http::{Reply, write_request};
use serde_json::json;
use std::path::Path;
use std::process::Command;

/// Method, path and needed permission of every operation that OpenAPI tells.
pub fn operations(server: &Server) -> Vec<(String, String, Option<String>)> {
    let (status, api) = server.get("", "/openapi.json");
    assert_eq!(status, 200);
    let mut all = Vec::new();
    for (path, item) in api["paths"].as_object().unwrap() {
        for (method, operation) in item.as_object().unwrap() {
            let told = operation["description"].as_str().unwrap_or_default();
            let permission = told.strip_prefix("Needs the permission `").and_then(|t| t.strip_suffix("`."));
            assert_eq!(
                permission.is_some(),
                operation["security"][0].get("tokens").is_some(),
                "{method} {path}"
            );
            assert!(operation["operationId"].is_string(), "{method} {path} has no name");
            for (status, reply) in operation["responses"].as_object().unwrap() {
                let content = reply["content"].as_object().unwrap();
                let Some(json) = content.get("application/json").filter(|_| content.len() == 1) else {
                    continue;
                };
                let shape = &json["schema"];
                let shaped = shape["$ref"].is_string() || shape["items"]["$ref"].is_string();
                assert!(shaped, "{method} {path}: no shape for {status}: {reply}");
            }
            all.push((method.to_uppercase(), path.clone(), permission.map(str::to_owned)));
        }
    }
    assert!(all.len() > 40, "{all:?}");
    all
}

#[test]
fn a_statement_of_another_is_like_one_that_is_not_there() {
    let server = Server::shop(&[]);
    let (red, blue) = (server.agent("red", "acme"), server.agent("blue", "umbra"));
    server.place.ok(&["table", "allow", "orders", "--to", "everyone"]);
    let (_, reply) = server.post(&red, "/api/queries/execute", &json!({"query": "select 1 from orders"}));
    let path = format!("/api/queries/{}", reply["statement_id"].as_str().unwrap());
    assert_eq!(server.get(&red, &format!("{path}/status")).1["status"], "completed");
    let told = |who: &str, path: &str| {
        let (status, reply) = server.get(who, &format!("{path}/status"));
        (status, reply["code"].clone())
    };
    assert_eq!(told(&blue, &path), told(&blue, "/api/queries/nothere"));
    assert_eq!(told(&blue, &path), (404, json!("query_not_found")));
    assert_eq!(server.send(&blue, "DELETE", &path, "").status, 404);
    // A statement keeps the id that wharf gave it, whatever its caller calls the request.
    let mut stream = server.connect();
    let headers = format!("Authorization: {blue}\r\nX-Request-ID: {}\r\nConnection: close\r\n", &path[13..]);
    write_request(
        &mut stream,
        "POST",
        "/api/queries/execute",
        &headers,
        b"{\"query\": \"select 2 from orders\"}",
    );
    let reply = Reply::read(stream).unwrap();
    assert!(reply.head.to_lowercase().contains(&format!("x-request-id: {}", &path[13..])), "{}", reply.head);
    assert_ne!(reply.json()["statement_id"], path[13..]);
}

/// The fuzzer that `scripts/test-tools.sh` installs.
#[test]
fn schemathesis_finds_no_violation() {
    let fuzzer = Path::new(env!("CARGO_MANIFEST_DIR")).join(".venv-api/bin/schemathesis");
    if !fuzzer.exists() {
        println!("skipped: schemathesis is not installed (make test installs it)");
        return;
    }
    let server = Server::shop(&[("WHARF_GUESSES", "0")]);
    let agent = server.agent("red", "acme");
    let swarm = agent.strip_prefix("Bearer ").unwrap().split(';').next().unwrap().to_owned();
    let boss = server.secret(&[
        "token",
        "create",
        "agent",
        "--swarm",
        "red",
        "--role",
        "admin",
        "--label",
        "conductor-7261",
    ]);
    server.place.ok(&["table", "allow", "orders", "--to", "everyone"]);
    // A log that is followed has no end, for which the fuzzer would wait.
    server.place.file("schemathesis.toml", "[parameters]\n\"query.follow\" = \"false\"\n");
    let report = Command::new(fuzzer)
        .arg("run")
        .arg(format!("http://{}/openapi.json", server.address))
        .args(["-H", &format!("Authorization: Bearer {swarm};{boss}")])
        // One worker: with more, the library beneath it now and then trips over itself while it makes its cases.
        .args(["--phases", "coverage,fuzzing", "--max-examples", "10", "--seed", "7", "--workers", "1"])
        // SQL that is a text is not yet SQL that runs; a fuzzer that may end tokens ends its own; and a stream of events has
        // no end to wait for.
        .args([
            "--exclude-checks",
            "positive_data_acceptance",
            "--exclude-path-regex",
            "rotate|tokens|/api/policy$|/events$",
        ])
        .current_dir(server.place.work())
        .output()
        .unwrap();
    let said = String::from_utf8_lossy(&report.stdout);
    assert!(report.status.success(), "{said}{}", String::from_utf8_lossy(&report.stderr));
    assert_eq!(
        server.get(&format!("Bearer {swarm};{boss}"), "/api/auth/me").0,
        200,
        "it was let in all the time"
    );
}
