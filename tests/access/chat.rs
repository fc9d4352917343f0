//! Conversations, metrics and models over TCP: everybody has their own, and hears of nothing else.

use super::server::{ORDERS, Server};
use crate::streams::http::{Reply, send, write_request};
use crate::support::wait_until;
use serde_json::{Value, json};
use std::io::{BufRead, BufReader};
use std::time::{Duration, Instant};

const MODEL: &str = r#"
semantic_models:
  - name: orders
    model: ref('orders')
    defaults: {agg_time_dimension: sold}
    entities:
      - {name: order, type: primary, expr: id}
    dimensions:
      - {name: sold, type: time, expr: day, type_params: {time_granularity: day}}
      - {name: tenant, type: categorical, label: Tenant}
      - {name: caller, type: categorical, expr: phone}
    measures:
      - {name: amount_sum, agg: sum, expr: amount}
      - {name: caller_count, agg: count_distinct, expr: "coalesce(phone, '-')"}
  - name: payroll
    model: ref('payroll')
    defaults: {agg_time_dimension: paid}
    entities:
      - {name: worker, type: primary, expr: id}
    dimensions:
      - {name: paid, type: time, type_params: {time_granularity: day}}
      - {name: nickname, type: categorical}
    measures:
      - {name: salary_sum, agg: sum, expr: salary}
metrics:
  - {name: revenue, label: Revenue, type: simple, type_params: {measure: amount_sum}}
  - {name: callers, label: Callers, type: simple, type_params: {measure: caller_count}}
  - {name: wages, label: Wages, type: simple, type_params: {measure: salary_sum}}
  - {name: wages_per_caller, type: ratio, type_params: {numerator: wages, denominator: callers}}
"#;

/// Red may read orders of its tenant without phone numbers, blue the payroll; nobody both.
fn shop(settings: &[(&str, &str)]) -> (Server, String, String) {
    let server = Server::start(settings);
    let place = &server.place;
    place.file("d/orders.csv", ORDERS);
    place.file("d/payroll.csv", "id,nickname,salary,paid\n1,Zoe,77777,2024-01-31\n2,Yan,55555,2024-01-31\n");
    place.file("m/shop.yml", MODEL);
    place.ok(&["source", "add", "shop", "d", "--models", "m"]);
    let (red, blue) = (server.agent("red", "acme"), server.agent("blue", "umbra"));
    place.ok(&["table", "allow", "orders", "--to", "swarm:red"]);
    place.ok(&["table", "allow", "payroll", "--to", "swarm:blue"]);
    place.ok(&["policy", "set", "orders", "--column", "phone=deny", "--filter", "tenant = :tenant"]);
    (server, red, blue)
}

impl Server {
    #[track_caller]
    fn chat(&self, who: &str, message: &str) -> Value {
        let (status, reply) = self.post(who, "/api/chat", &json!({"message": message}));
        assert_eq!(status, 200, "{message}: {reply}");
        reply
    }

    /// Opens a stream of a session's events behind `after`.
    #[track_caller]
    fn events(&self, who: &str, session: &str, after: u64) -> BufReader<Reply> {
        let mut stream = self.connect();
        let headers = format!("Authorization: {who}\r\nLast-Event-ID: {after}\r\n");
        write_request(&mut stream, "GET", &format!("/api/sessions/{session}/events"), &headers, b"");
        let reply = Reply::read(stream).unwrap();
        assert_eq!(reply.status, 200, "{}", reply.head);
        reply.lines()
    }
}

/// The next event as it stands on the wire; none at the end.
fn next(stream: &mut BufReader<Reply>) -> Option<String> {
    loop {
        let mut event = String::new();
        while !event.ends_with("\n\n") {
            if stream.read_line(&mut event).ok()? == 0 {
                return None;
            }
        }
        if !event.contains("ping") {
            return Some(event);
        }
    }
}

/// The JSON of an event.
fn data(event: &str) -> Value {
    let line = event.lines().find_map(|line| line.strip_prefix("data: ")).unwrap();
    serde_json::from_str(line).unwrap_or_else(|e| panic!("{e}: {event}"))
}

fn until_the_end(mut stream: BufReader<Reply>) -> Vec<String> {
    std::iter::from_fn(|| next(&mut stream)).collect()
}

fn names(list: &Value) -> Vec<&str> {
    list.as_array().unwrap().iter().map(|item| item["name"].as_str().unwrap()).collect()
}

#[test]
fn two_swarms_ask_the_same_and_each_hears_of_its_own() {
    let (server, red, blue) = shop(&[]);
    let said = server.chat(&red, "revenue");
    assert!(said["response"].as_str().unwrap().contains("30.5"), "{said}");
    assert_eq!(said["tools"]["metric_query"], 1);
    assert!(server.chat(&blue, "wages")["response"].as_str().unwrap().contains("133,332"));
    // The owner, asked the same, hears everything.
    assert!(server.place.ok(&["ask", "revenue"]).contains("60.75"));
    let of_blue =
        ["wages", "Wages", "worker", "nickname", "Zoe", "Yan", "salar", "payroll", "133332", "77777"];
    let of_red = ["revenue", "Revenue", "tenant", "Tenant", "acme", "order"];
    let of_nobody = ["caller", "Caller", "phone", "+49", "umbra", "per_caller"];
    let questions = [
        "revenue",
        "wages",
        "callers",
        "wages per caller",
        "revenue by tenant",
        "revenue by caller",
        "revenue for umbra",
        "revenue for acme",
        "wages by nickname",
        "wages for Zoe",
        "what can I ask",
        "show me the payroll of everybody",
    ];
    for (who, hidden) in [(&red, &of_blue[..]), (&blue, &of_red[..])] {
        for question in questions {
            let (_, started) = server.post(who, "/api/chat/turns", &json!({"question": question}));
            let session = started["session_id"].as_str().unwrap();
            let mut told = String::new();
            let mut stream = server.events(who, session, 0);
            loop {
                let event = next(&mut stream).unwrap();
                told.push_str(&event);
                if event.contains("event: complete") || event.contains("event: error") {
                    break;
                }
            }
            let (_, turns) = server.get(who, &format!("/api/sessions/{session}/turns"));
            told.push_str(&turns.to_string());
            // What stands in the question was said by who asks.
            let told = told.replace(question, "");
            let asked = question.to_lowercase();
            let hidden = hidden.iter().chain(&of_nobody);
            for word in hidden.filter(|word| !asked.contains(&word.to_lowercase())) {
                assert!(!told.contains(word), "`{question}` told `{word}`: {told}");
            }
        }
    }
    // What is hidden is answered as what does not exist.
    let answer = |who: &str, word: &str| {
        let said = server.chat(who, &format!("{word} by month"));
        said["response"].as_str().unwrap().replace(word, "X")
    };
    assert_eq!(answer(&red, "wages"), answer(&red, "wagxs"));
    assert_eq!(answer(&red, "callers"), answer(&red, "cxllxrs"));
    assert_eq!(answer(&blue, "revenue"), answer(&blue, "rxvxnxx"));
    // Each statement is on record under who asked.
    let lines = server.place.json(&["audit", "search", "--action", "ask", "--json"]);
    let who = |name: &str| {
        let all = lines.as_array().unwrap().iter();
        all.filter(|line| line["principal"].as_str().unwrap().starts_with(name)).count()
    };
    assert!(who("agent:") >= 4 && who("owner") >= 1, "{lines}");
}

#[test]
fn metrics_and_models_are_there_for_who_may_see_their_tables() {
    let (server, red, blue) = shop(&[]);
    for (who, metric, model) in [(&red, "revenue", "orders"), (&blue, "wages", "payroll")] {
        assert_eq!(names(&server.get(who, "/api/metrics").1), [metric]);
        let (status, page) = server.get(who, "/api/metrics-explorer/metrics?page=1&page_size=1");
        assert_eq!((status, names(&page["data"])), (200, vec![metric]));
        assert_eq!(page["pagination"], json!({"total": 1, "page": 1, "page_size": 1, "total_pages": 1}));
        assert_eq!(server.get(who, "/api/metrics-explorer/metrics?page=2").1["data"], json!([]));
        let (_, page) = server.get(who, "/api/models/?page_size=1000000000");
        assert_eq!((names(&page["data"]), &page["pagination"]["page_size"]), (vec![model], &json!(1000)));
        let (_, short) = server.get(who, "/api/models");
        assert_eq!((&short[0]["models"], &short[0]["files"]), (&json!([model]), &json!([])));
        let (status, shown) = server.get(who, &format!("/api/models/{model}"));
        assert_eq!((status, names(&shown["metrics"])), (200, vec![metric]));
        assert!(
            ["sold", "paid"].contains(&shown["defaults"]["agg_time_dimension"].as_str().unwrap()),
            "{shown}"
        );
        let said = shown.to_string();
        assert!(!said.contains("phone") && !said.contains("caller") && !said.contains("salary\""), "{said}");
        assert!(shown["measures"][0]["expr"].is_null(), "an expression is SQL: {shown}");
        assert_eq!(server.get(who, &format!("/api/models/{model}/download")).1["code"], "not_permitted");
    }
    // What is hidden looks like what is missing.
    let shape = |path: &str, name: &str| {
        let (status, mut reply) = server.get(&red, &path.replace("NAME", name));
        reply["request_id"].take();
        (status, reply.to_string().replace(name, "NAME"))
    };
    for path in ["/api/models/NAME", "/api/models/NAME?source=shop"] {
        assert_eq!(shape(path, "payroll"), shape(path, "zzzzzzz"));
    }
    for path in ["/api/metrics?source=NAME", "/api/models/?source=NAME"] {
        server.place.file("e/secret.csv", "a\n1\n");
        server.place.ok(&["source", "add", "other", "e", "--replace"]);
        assert_eq!(shape(path, "other"), shape(path, "nixes"));
    }
    let query = |who: &str, query: Value| {
        let (status, mut reply) =
            server.post(who, "/api/metrics/query", &json!({"query": query, "format": "json"}));
        if reply.is_object() {
            reply["request_id"].take();
        }
        (status, reply)
    };
    assert_eq!(query(&red, json!({"metrics": ["revenue"]})).1[0]["revenue"].to_string(), "30.5");
    for (hidden, missing) in [("wages", "zzzzz"), ("callers", "zzzzzzz")] {
        let (status, reply) = query(&red, json!({"metrics": [hidden]}));
        let (_, other) = query(&red, json!({"metrics": [missing]}));
        assert_eq!((status, &reply["code"]), (404, &json!("unknown_metric")), "{reply}");
        assert_eq!(reply.to_string().replace(hidden, "X"), other.to_string().replace(missing, "X"));
    }
    // A mistake in what may be seen is helped with.
    let (_, reply) = query(&red, json!({"metrics": ["revenu"]}));
    assert!(reply["hint"].as_str().unwrap().contains("revenue"), "{reply}");
    let (_, reply) = query(&red, json!({"metrics": ["revenue"], "group_by": ["order__caller"]}));
    assert_eq!(reply["code"], "unknown_group_by", "{reply}");
    // Who sees all of it and may see SQL gets the file; who sees a part does not.
    let boss =
        server.secret(&["token", "create", "agent", "--swarm", "red", "--role", "admin", "--label", "b"]);
    let boss = format!("{};{boss}", red.split_once(';').unwrap().0);
    assert_eq!(server.get(&boss, "/api/models/orders/download").1["code"], "model_partly_seen");
    assert_eq!(server.get(&boss, "/api/models/orders").1["measures"][0]["expr"], "amount");
    let whole = send(&server.place, "GET", "/api/models/orders/download", "", "");
    assert_eq!(String::from_utf8(whole.whole().unwrap()).unwrap(), MODEL);
}

#[test]
fn nothing_granted_is_nothing_told() {
    let (server, ..) = shop(&[]);
    let green = server.agent("green", "acme");
    let (status, reply) = server.post(&green, "/api/chat", &json!({"message": "revenue"}));
    assert_eq!((status, &reply["code"]), (403, &json!("nothing_granted")), "{reply}");
    for path in ["/api/metrics", "/api/models", "/api/sessions"] {
        let (status, reply) = server.get(&green, path);
        assert!(
            status == 200 && !reply.to_string().contains('"') || reply["sessions"] == json!([]),
            "{reply}"
        );
    }
    // A table whose models are all over others.
    server.place.file("d/notes.csv", "id,text\n1,a\n");
    server.place.ok(&["source", "add", "shop", "d", "--models", "m", "--replace"]);
    server.place.ok(&["table", "allow", "notes", "--to", "swarm:green"]);
    let (status, reply) = server.post(&green, "/api/chat", &json!({"message": "revenue"}));
    let code = reply["code"].as_str().unwrap();
    assert!(status == 404 && code == "no_models" && !reply.to_string().contains("orders"), "{reply}");
}

#[test]
fn a_conversation_of_another_is_like_one_that_is_not_there() {
    let (server, red, blue) = shop(&[]);
    let boss =
        server.secret(&["token", "create", "agent", "--swarm", "blue", "--role", "admin", "--label", "b"]);
    let boss = format!("{};{boss}", blue.split_once(';').unwrap().0);
    let (_, started) = server.post(&red, "/api/chat/turns", &json!({"question": "revenue"}));
    let (session, turn) = (started["session_id"].as_str().unwrap(), started["turn_id"].as_str().unwrap());
    wait_until("the turn is over", || {
        server.get(&red, &format!("/api/chat/turns/{turn}")).1["answer"]["status"] == "completed"
    });
    let missing = "0199aaaa-bbbb-7ccc-8ddd-eeeeffff0000";
    let ask = json!({"question": "revenue", "session": "ID"}).to_string();
    for (method, path, body) in [
        ("GET", "/api/sessions/ID", ""),
        ("GET", "/api/sessions/ID/turns", ""),
        ("GET", "/api/sessions/ID/events", ""),
        ("PATCH", "/api/sessions/ID", "{\"title\": \"mine\"}"),
        ("DELETE", "/api/sessions/ID", ""),
        ("POST", "/api/chat/turns", ask.as_str()),
        ("GET", "/api/chat/turns/ID", ""),
        ("DELETE", "/api/chat/turns/ID", ""),
    ] {
        let told = |who: &str, id: &str| {
            let reply = server.send(who, method, &path.replace("ID", id), &body.replace("ID", id));
            let status = reply.status;
            let mut reply = reply.json();
            reply["request_id"].take();
            (status, reply.to_string().replace(id, "ID"))
        };
        let id = if path.contains("turns/ID") { turn } else { session };
        for other in [&blue, &boss] {
            assert_eq!(told(other, id), told(other, missing), "{method} {path}");
            assert_eq!(told(other, id).0, 404, "{method} {path}");
        }
    }
    // Chat goes on in a session of one's own, whichever was named.
    let (_, said) = server.post(&blue, "/api/chat", &json!({"message": "wages", "session_id": session}));
    assert_ne!(said["session_id"], session);
    // The owner has their own too, and admins see neither.
    server.place.ok(&["ask", "revenue", "--session", "weekly"]);
    assert_eq!(server.place.json(&["session", "list", "--json"]).as_array().unwrap().len(), 1);
    server.place.fails(&["session", "show", session], 6);
    assert_eq!(server.get(&boss, "/api/sessions").1, json!({"sessions": []}));
    // Who gets the name of somebody who is gone gets nothing of theirs.
    let login = || {
        server.place.pipe(&["user", "create", "alice", "--role", "analyst"], "correct horse\n");
        let (_, login) =
            server.post("", "/api/auth/login", &json!({"username": "alice", "password": "correct horse"}));
        format!("Bearer {}", login["access_token"].as_str().unwrap())
    };
    let alice = login();
    server.post(&alice, "/api/sessions", &json!({"title": "private"}));
    assert_eq!(server.get(&alice, "/api/sessions").1["sessions"][0]["title"], "private");
    server.place.ok(&["user", "delete", "alice", "--confirm", "alice"]);
    assert_eq!(server.get(&login(), "/api/sessions").1, json!({"sessions": []}));
    // It is all still there for whose it is.
    let (_, shown) = server.get(&red, &format!("/api/sessions/{session}"));
    assert_eq!((&shown["title"], &shown["message_count"]), (&json!("revenue"), &json!(2)));
}

#[test]
fn clients_of_the_chat_services_before_find_their_shapes() {
    let (server, red, _) = shop(&[]);
    let keys = |value: &Value| value.as_object().unwrap().keys().cloned().collect::<Vec<_>>();
    let reply = server.send(&red, "POST", "/api/sessions", "");
    assert_eq!(reply.status, 200);
    let session = reply.json()["session_id"].as_str().unwrap().to_owned();
    let ask = |id: Value| server.post(&red, "/api/chat", &json!({"session_id": id, "message": "revenue"})).1;
    let said = ask(json!(session));
    assert_eq!(keys(&said), ["session_id", "response", "tools", "tokens", "time_ms"]);
    assert_eq!(said["session_id"], json!(session));
    assert_eq!(said["tokens"], json!({"input_tokens": 0, "output_tokens": 0, "total_tokens": 0}));
    assert!(said["time_ms"].as_f64().unwrap() > 0.0);
    for id in [Value::Null, json!("new"), json!("revenue")] {
        assert_ne!(ask(id)["session_id"], json!(session));
    }
    let (_, listed) = server.get(&red, "/api/sessions");
    let listed = listed["sessions"].as_array().unwrap();
    assert_eq!(listed.len(), 4);
    let own = listed.iter().find(|s| s["session_id"] == json!(session)).unwrap();
    assert_eq!(own, &server.get(&red, &format!("/api/sessions/{session}")).1);
    assert_eq!(own["message_count"], 2);
    let took = json!({"tools": said["tools"], "tokens": said["tokens"], "time_ms": said["time_ms"]});
    assert_eq!(own["last_response_metadata"], took);
    assert!(own["created_at"].is_string() && own["updated_at"].is_string());
    let (_, gone) = server.answer_of(&red, "DELETE", &format!("/api/sessions/{session}"));
    assert_eq!(gone, json!({"message": format!("Session {session} deleted")}));
    assert_eq!(server.get(&red, &format!("/api/sessions/{session}")).0, 404);
    for (body, code) in [
        (json!({"message": " "}), "empty_question"),
        (json!({"message": "revenue", "colour": "red"}), "body"),
        (json!({"message": "revenue", "provider": "oracle"}), "provider_not_found"),
        (json!({"message": "revenue", "source": "payroll"}), "source_not_found"),
    ] {
        let (status, reply) = server.post(&red, "/api/chat", &body);
        assert!((400..500).contains(&status) && reply["code"] == code, "{body}: {reply}");
    }
}

impl Server {
    fn answer_of(&self, who: &str, method: &str, path: &str) -> (u16, Value) {
        super::server::answer(self.send(who, method, path, ""))
    }
}

#[test]
fn an_answer_is_streamed_as_it_is_made() {
    let (server, red, _) = shop(&[]);
    for (path, header) in [("/api/chat/stream", "Authorization"), ("/ai/api/chat/stream", "X-API-Key")] {
        let mut stream = server.connect();
        let body = json!({"message": "revenue by tenant"}).to_string();
        write_request(&mut stream, "POST", path, &format!("{header}: {red}\r\n"), body.as_bytes());
        let reply = Reply::read(stream).unwrap();
        assert_eq!(reply.status, 200);
        assert!(reply.head.to_lowercase().contains("content-type: text/event-stream"), "{}", reply.head);
        let events: Vec<Value> = until_the_end(reply.lines()).iter().map(|event| data(event)).collect();
        let kinds: Vec<&str> = events.iter().map(|e| e["type"].as_str().unwrap()).collect();
        assert_eq!((kinds[0], kinds[kinds.len() - 1]), ("session", "complete"), "{kinds:?}");
        let of = |kind: &str| events.iter().filter(|e| e["type"] == kind).collect::<Vec<_>>();
        let said: String = of("token").iter().map(|e| e["content"].as_str().unwrap()).collect();
        let last = &events[events.len() - 1];
        assert_eq!(last["response"], json!(said));
        assert_eq!((&last["workflow"][0]["name"], of("tool").len()), (&json!("metric_query"), 2));
        assert!(of("tool")[0]["message"].as_str().unwrap().starts_with("Running metric_query"));
        let session = events[0]["session_id"].as_str().unwrap();
        // It is the session's journal: what a client missed can be had from there.
        let (_, turns) = server.get(&red, &format!("/api/sessions/{session}/turns"));
        assert_eq!(turns[0]["answer"]["answer"], json!(said));
        let (_, at_once) = server.post(&red, path, &json!({"message": "revenue", "stream": false}));
        assert!(at_once["response"].as_str().unwrap().contains("30.5"), "{at_once}");
    }
}

#[test]
fn a_stream_that_was_cut_is_taken_up_without_gap_or_double() {
    let (server, red, _) = shop(&[]);
    let session = server.chat(&red, "revenue by tenant")["session_id"].as_str().unwrap().to_owned();
    server.post(&red, "/api/chat", &json!({"message": "wagons", "session_id": session}));
    let last = server.get(&red, &format!("/api/sessions/{session}")).1["last_event"].as_u64().unwrap();
    let read = |after: u64| -> Vec<String> {
        let mut stream = server.events(&red, &session, after);
        (after..last).map(|_| next(&mut stream).unwrap()).collect()
    };
    let whole = read(0);
    assert!(last > 8);
    for (at, event) in whole.iter().enumerate() {
        assert!(event.starts_with(&format!("id: {}\n", at + 1)), "{event}");
        assert_eq!(read(at as u64), whole[at..]);
    }
}

#[test]
fn who_may_not_see_sql_sees_none() {
    let (server, red, _) = shop(&[]);
    let seer =
        server.secret(&["token", "create", "agent", "--swarm", "red", "--role", "engineer", "--label", "e"]);
    let seer = format!("{};{seer}", red.split_once(';').unwrap().0);
    let told = |who: &str| {
        let said = server.chat(who, "revenue by tenant");
        let session = said["session_id"].as_str().unwrap();
        let (_, turns) = server.get(who, &format!("/api/sessions/{session}/turns"));
        let turn = turns[0]["answer"]["turn_id"].as_str().unwrap().to_owned();
        let (_, turn) = server.get(who, &format!("/api/chat/turns/{turn}"));
        let (_, shown) = server.get(who, &format!("/api/sessions/{session}"));
        let mut stream = server.events(who, session, 0);
        let last = shown["last_event"].as_u64().unwrap();
        let events: String = (0..last).map(|_| next(&mut stream).unwrap()).collect();
        let streamed = server.send(who, "POST", "/api/chat/stream", r#"{"message": "revenue"}"#);
        let streamed = String::from_utf8(streamed.whole().unwrap()).unwrap();
        [said.to_string(), turns.to_string(), turn.to_string(), shown.to_string(), events, streamed]
    };
    for (all, sees) in [(told(&red), false), (told(&seer), true)] {
        for (at, text) in all.iter().enumerate() {
            let sql = text.to_lowercase().contains("select") || text.contains("GROUP BY");
            // A reply of one call and a session's entry have no place for it.
            assert_eq!(sql, sees && at != 0 && at != 3, "{text}");
        }
        assert!(all[4].contains("event: sql") && all[4].contains("event: table"), "{}", all[4]);
    }
    let dry = json!({"query": {"metrics": ["revenue"]}, "format": "json", "dry_run": true});
    assert_eq!(server.post(&red, "/api/metrics/query", &dry).1["code"], "not_permitted");
    assert!(server.post(&seer, "/api/metrics/query", &dry).1["sql"].is_string());
}

/// How many streams of events are open, as it is counted.
fn open_streams(server: &Server) -> f64 {
    let text = send(&server.place, "GET", "/metrics", "", "").whole().unwrap();
    let text = String::from_utf8(text).unwrap();
    text.lines().find_map(|line| line.strip_prefix("wharf_streams ")?.parse().ok()).unwrap_or(0.0)
}

#[test]
fn streams_end_with_the_right_to_read_them() {
    let (server, red, blue) = shop(&[]);
    let session = server.chat(&red, "revenue")["session_id"].as_str().unwrap().to_owned();
    let other = server.chat(&blue, "wages")["session_id"].as_str().unwrap().to_owned();
    server
        .place
        .pipe(&["user", "create", "alice", "--role", "analyst", "--tenant", "acme"], "correct horse\n");
    let (_, login) =
        server.post("", "/api/auth/login", &json!({"username": "alice", "password": "correct horse"}));
    let alice = format!("Bearer {}", login["access_token"].as_str().unwrap());
    let own = server.post(&alice, "/api/sessions", &json!({})).1["session_id"].as_str().unwrap().to_owned();
    let (of_red, of_blue) = (server.events(&red, &session, 0), server.events(&blue, &other, 0));
    let of_alice = server.events(&alice, &own, 0);
    wait_until("three streams are counted", || open_streams(&server) == 3.0);
    server.place.ok(&["token", "revoke", "red", "--confirm", "red"]);
    assert!(until_the_end(of_red).len() > 4);
    assert_eq!(server.post(&alice, "/api/auth/logout", &json!({})).0, 200);
    assert!(until_the_end(of_alice).is_empty());
    wait_until("one stream is left", || open_streams(&server) == 1.0);
    // Other rights are another principal: what was opened with those before ends.
    let mut of_blue = of_blue;
    assert!(next(&mut of_blue).unwrap().contains("event: session"));
    assert_eq!(server.get(&red, &format!("/api/sessions/{session}")).0, 401);
    server.place.ok(&["token", "revoke", "blue-agent", "--confirm", "blue-agent"]);
    until_the_end(of_blue);
    wait_until("no stream is left", || open_streams(&server) == 0.0);
}

#[test]
fn a_turn_ends_when_its_asker_may_no_longer() {
    let (server, red, _) = shop(&[]);
    // One that would take days.
    let slow = "(select count(*) from range(1000000000000) t(i) where i % 7 = amount)";
    server.place.file("m/shop.yml", MODEL.replace("expr: amount", &format!("expr: \"{slow}\"")));
    let whole = {
        let (address, red) = (server.address.clone(), red.clone());
        std::thread::spawn(move || {
            let mut stream = std::net::TcpStream::connect(address).unwrap();
            stream.set_read_timeout(Some(Duration::from_secs(60))).unwrap();
            let headers = format!("Authorization: {red}\r\n");
            write_request(&mut stream, "POST", "/api/chat", &headers, br#"{"message": "revenue"}"#);
            super::server::answer(Reply::read(stream).unwrap())
        })
    };
    let mut stream = server.connect();
    let headers = format!("Authorization: {red}\r\n");
    write_request(&mut stream, "POST", "/api/chat/stream", &headers, br#"{"message": "revenue"}"#);
    let streamed = Reply::read(stream).unwrap().lines();
    let running = || crate::streams::http::status(&server.place)["statements"].as_u64().unwrap();
    wait_until("both run", || running() == 2);
    server.place.ok(&["token", "revoke", "red", "--confirm", "red"]);
    let (status, reply) = whole.join().unwrap();
    assert!(status >= 400 && reply["response"].is_null(), "{reply}");
    let events = until_the_end(streamed);
    // How far it had come is a matter of timing; it had begun, and never came to an answer.
    assert!(
        events[0].contains("session") && !events.iter().any(|event| event.contains("complete")),
        "{events:?}"
    );
    wait_until("nothing runs", || running() == 0);
}

#[test]
fn streams_of_one_are_bounded_and_hold_up_no_end() {
    let (mut server, red, blue) = shop(&[]);
    let session = server.chat(&red, "revenue")["session_id"].as_str().unwrap().to_owned();
    let streams: Vec<_> = (0..32).map(|_| server.events(&red, &session, 0)).collect();
    let (status, reply) = server.get(&red, &format!("/api/sessions/{session}/events"));
    assert_eq!((status, &reply["code"]), (429, &json!("too_many_streams")), "{reply}");
    let other = server.chat(&blue, "wages")["session_id"].as_str().unwrap().to_owned();
    drop(server.events(&blue, &other, 0));
    let begun = Instant::now();
    assert!(server.stop());
    assert!(begun.elapsed() < Duration::from_secs(8), "{:?}", begun.elapsed());
    drop(streams);
}
