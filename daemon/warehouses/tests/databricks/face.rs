//! A workspace within the test's own process: quick, and able to fail in every way at a chosen step.

use arrow::array::RecordBatch;
use arrow::ipc::writer::StreamWriter;
use serde_json::{Value, json};
use std::collections::{BTreeMap, HashMap};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};

/// One request as it came.
#[derive(Clone, Debug)]
pub struct Request {
    pub method: String,
    /// Path, still encoded.
    pub path: String,
    pub query: BTreeMap<String, String>,
    pub headers: BTreeMap<String, String>,
    pub body: Vec<u8>,
    /// It came to the store of results, and not to the workspace.
    pub store: bool,
}

impl Request {
    pub fn json(&self) -> Value {
        serde_json::from_slice(&self.body).unwrap_or(Value::Null)
    }
}

/// What goes wrong with an answer.
#[derive(Clone, Debug)]
pub enum Fault {
    /// This status, headers and body in its place.
    Status(u16, Vec<(&'static str, String)>, String),
    /// The connection closes without an answer.
    Reset,
    /// The connection stays open without an answer.
    Hang,
    /// Half of the body, then the end.
    Cut,
    /// The length says more than there is, and the connection stays open.
    Longer,
    /// The last batch of a chunk is left out, the stream is whole otherwise.
    Short,
    /// The answer comes this much later.
    Late(Duration),
}

pub fn status(status: u16) -> Fault {
    Fault::Status(
        status,
        Vec::new(),
        json!({"error_code": "TEMPORARILY_UNAVAILABLE", "message": "try later"}).to_string(),
    )
}

/// What a statement comes to.
#[derive(Clone)]
pub struct Plan {
    pub columns: Value,
    /// Arrow chunks, for links.
    pub batches: Vec<Vec<RecordBatch>>,
    /// JSON chunks, for inline answers.
    pub rows: Vec<Vec<Value>>,
    /// How long it is PENDING and then RUNNING.
    pub pending: Duration,
    pub running: Duration,
    /// What it ends as.
    pub status: Value,
    pub truncated: bool,
    /// What to change about the manifest.
    pub manifest: Value,
    /// Inline, it fails for its size.
    pub too_large_inline: bool,
    /// Links end this many seconds from now.
    pub expires: i64,
}

impl Default for Plan {
    fn default() -> Self {
        Self {
            columns: json!([]),
            batches: Vec::new(),
            rows: Vec::new(),
            pending: Duration::ZERO,
            running: Duration::ZERO,
            status: json!({"state": "SUCCEEDED"}),
            truncated: false,
            manifest: json!({}),
            too_large_inline: false,
            expires: 900,
        }
    }
}

struct Run {
    plan: Arc<Plan>,
    inline: bool,
    begun: Instant,
    cancelled: Option<Instant>,
    closed: bool,
}

type FaultFn = Box<dyn FnMut(&Request) -> Option<Fault> + Send>;
type RouteFn = Box<dyn FnMut(&Request) -> Option<(u16, Value)> + Send>;

pub struct State {
    pub plans: Mutex<HashMap<String, Arc<Plan>>>,
    runs: Mutex<HashMap<String, Run>>,
    pub log: Mutex<Vec<Request>>,
    pub faults: Mutex<Option<FaultFn>>,
    /// Answers in the place of the built-in ones.
    pub routes: Mutex<Option<RouteFn>>,
    pub token: Mutex<String>,
    pub token_life: Mutex<Value>,
    pub discovery: Mutex<bool>,
    pub warehouses: Mutex<Value>,
    pub files: Mutex<BTreeMap<String, Vec<u8>>>,
    serial: AtomicU64,
    base: Mutex<(String, String)>,
}

pub struct Face {
    pub state: Arc<State>,
    pub base: String,
    tasks: Vec<tokio::task::JoinHandle<()>>,
}

impl Drop for Face {
    fn drop(&mut self) {
        for task in &self.tasks {
            task.abort();
        }
    }
}

pub const TOKEN: &str = "dapi-0123456789abcdef";
pub const CLIENT_SECRET: &str = "dose-of-secret-4711";

impl Face {
    pub async fn start() -> Self {
        let state = Arc::new(State {
            plans: Mutex::default(),
            runs: Mutex::default(),
            log: Mutex::default(),
            faults: Mutex::new(None),
            routes: Mutex::new(None),
            token: Mutex::new(TOKEN.to_owned()),
            token_life: Mutex::new(json!(3600)),
            discovery: Mutex::new(true),
            warehouses: Mutex::new(json!([
                {"id": "w-gone", "name": "gone", "state": "DELETED"},
                {"id": "w-off", "name": "off", "state": "STOPPED"},
                {"id": "w1", "name": "main", "state": "RUNNING"},
            ])),
            files: Mutex::default(),
            serial: AtomicU64::new(0),
            base: Mutex::default(),
        });
        let mut tasks = Vec::new();
        let mut bases = Vec::new();
        for store in [false, true] {
            let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
            bases.push(format!("http://{}", listener.local_addr().unwrap()));
            let state = Arc::clone(&state);
            tasks.push(tokio::spawn(async move {
                let mut open = tokio::task::JoinSet::new();
                while let Ok((socket, _)) = listener.accept().await {
                    socket.set_nodelay(true).unwrap();
                    open.spawn(serve(socket, Arc::clone(&state), store));
                }
            }));
        }
        *state.base.lock().unwrap() = (bases[0].clone(), bases[1].clone());
        Self { state, base: bases[0].clone(), tasks }
    }

    pub fn plan(&self, sql: &str, plan: Plan) {
        self.state.plans.lock().unwrap().insert(sql.to_owned(), Arc::new(plan));
    }

    pub fn faults(&self, faults: impl FnMut(&Request) -> Option<Fault> + Send + 'static) {
        *self.state.faults.lock().unwrap() = Some(Box::new(faults));
    }

    pub fn routes(&self, routes: impl FnMut(&Request) -> Option<(u16, Value)> + Send + 'static) {
        *self.state.routes.lock().unwrap() = Some(Box::new(routes));
    }

    pub fn log(&self) -> Vec<Request> {
        self.state.log.lock().unwrap().clone()
    }

    pub fn count(&self, wanted: impl Fn(&Request) -> bool) -> usize {
        self.log().iter().filter(|request| wanted(request)).count()
    }

    /// Waits until as many statements were cancelled; when the first of them was.
    pub async fn cancelled(&self, within: Duration) -> Instant {
        let deadline = Instant::now() + within;
        loop {
            let at = self.state.runs.lock().unwrap().values().filter_map(|run| run.cancelled).min();
            match at {
                Some(at) => return at,
                None => assert!(Instant::now() < deadline, "no statement was cancelled within {within:?}"),
            }
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    }

    pub async fn closed(&self, within: Duration) {
        let deadline = Instant::now() + within;
        while !self.state.runs.lock().unwrap().values().any(|run| run.closed) {
            assert!(Instant::now() < deadline, "no statement was closed within {within:?}");
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    }
}

/// An Arrow stream of some batches.
pub fn stream(batches: &[RecordBatch]) -> Vec<u8> {
    let mut bytes = Vec::new();
    if let Some(first) = batches.first() {
        let mut writer = StreamWriter::try_new(&mut bytes, &first.schema()).unwrap();
        for batch in batches {
            writer.write(batch).unwrap();
        }
        writer.finish().unwrap();
    }
    bytes
}

async fn serve(mut socket: TcpStream, state: Arc<State>, store: bool) {
    let mut held = Vec::new();
    while let Some(request) = read(&mut socket, &mut held, store).await {
        state.log.lock().unwrap().push(request.clone());
        let fault = state.faults.lock().unwrap().as_mut().and_then(|faults| faults(&request));
        match &fault {
            Some(Fault::Reset) => return,
            Some(Fault::Hang) => {
                // Until the other side gives up.
                let _ = socket.read(&mut [0; 1]).await;
                return;
            }
            Some(Fault::Late(by)) => tokio::time::sleep(*by).await,
            _ => {}
        }
        let (status, headers, body) = match &fault {
            Some(Fault::Status(status, headers, body)) => {
                let headers = headers.iter().map(|(n, v)| ((*n).to_owned(), v.clone())).collect();
                (*status, headers, body.clone().into_bytes())
            }
            _ => {
                let (status, body) = route(&state, &request, matches!(fault, Some(Fault::Short)));
                (status, vec![("content-type".to_owned(), "application/json".to_owned())], body)
            }
        };
        let mut length = body.len();
        let mut sent = body.len();
        match fault {
            Some(Fault::Cut) => sent /= 2,
            Some(Fault::Longer) => length += 100,
            _ => {}
        }
        let mut head = format!("HTTP/1.1 {status} X\r\n");
        if status != 204 {
            head.push_str(&format!("content-length: {length}\r\n"));
        }
        for (name, value) in headers {
            head.push_str(&format!("{name}: {value}\r\n"));
        }
        head.push_str("\r\n");
        if socket.write_all(head.as_bytes()).await.is_err() || socket.write_all(&body[..sent]).await.is_err()
        {
            return;
        }
        match fault {
            Some(Fault::Cut) => return,
            Some(Fault::Longer) => {
                let _ = socket.read(&mut [0; 1]).await;
                return;
            }
            _ => {}
        }
    }
}

async fn read(socket: &mut TcpStream, held: &mut Vec<u8>, store: bool) -> Option<Request> {
    let end = loop {
        if let Some(at) = held.windows(4).position(|four| four == b"\r\n\r\n") {
            break at;
        }
        if socket.read_buf(held).await.ok()? == 0 {
            return None;
        }
    };
    let head = String::from_utf8(held[..end].to_vec()).ok()?;
    let mut lines = head.lines();
    let mut words = lines.next()?.split(' ');
    let (method, target) = (words.next()?.to_owned(), words.next()?.to_owned());
    let headers: BTreeMap<String, String> = lines
        .filter_map(|line| line.split_once(": "))
        .map(|(name, value)| (name.to_ascii_lowercase(), value.to_owned()))
        .collect();
    let length = headers.get("content-length").and_then(|length| length.parse().ok()).unwrap_or(0);
    held.drain(..end + 4);
    while held.len() < length {
        if socket.read_buf(held).await.ok()? == 0 {
            return None;
        }
    }
    let body = held.drain(..length).collect();
    let url = url::Url::parse(&format!("http://x{target}")).ok()?;
    let query = url.query_pairs().map(|(k, v)| (k.into_owned(), v.into_owned())).collect();
    Some(Request { method, path: url.path().to_owned(), query, headers, body, store })
}

fn refusal(code: &str, message: &str) -> Value {
    json!({ "error_code": code, "message": message })
}

fn route(state: &State, request: &Request, short: bool) -> (u16, Vec<u8>) {
    if request.store {
        return stored(state, request, short);
    }
    if let Some((status, value)) = state.routes.lock().unwrap().as_mut().and_then(|routes| routes(request)) {
        return (status, if status == 204 { Vec::new() } else { value.to_string().into_bytes() });
    }
    let (status, value) = match request.path.as_str() {
        "/.well-known/databricks-config" if *state.discovery.lock().unwrap() => {
            let base = state.base.lock().unwrap().0.clone();
            (200, json!({"oidc_endpoint": format!("{base}/oidc"), "host_type": "WORKSPACE_HOST"}))
        }
        "/oidc/.well-known/oauth-authorization-server" => {
            let base = state.base.lock().unwrap().0.clone();
            (200, json!({"token_endpoint": format!("{base}/oidc/v1/token")}))
        }
        "/oidc/v1/token" => grant(state, request),
        path if path.starts_with("/.well-known") => (404, refusal("ENDPOINT_NOT_FOUND", "no such API")),
        _ => {
            let expected = format!("Bearer {}", state.token.lock().unwrap());
            match request.headers.get("authorization") {
                None => (401, json!({"error_code": 401, "message": "Credential was not sent"})),
                Some(sent) if *sent != expected => {
                    (403, json!({"error_code": 403, "message": "Invalid access token."}))
                }
                Some(_) if request.path.starts_with("/api/2.0/fs/") => return files(state, request),
                Some(_) => workspace(state, request, short),
            }
        }
    };
    (status, value.to_string().into_bytes())
}

fn grant(state: &State, request: &Request) -> (u16, Value) {
    use base64::Engine;
    let expected = base64::engine::general_purpose::STANDARD.encode(format!("client-1:{CLIENT_SECRET}"));
    if request.headers.get("authorization") != Some(&format!("Basic {expected}")) {
        let what = "Client authentication failed";
        return (401, json!({"error": "invalid_client", "error_description": what}));
    }
    let serial = state.serial.fetch_add(1, Ordering::SeqCst);
    let token = format!("eyJ-{serial}");
    *state.token.lock().unwrap() = token.clone();
    let life = state.token_life.lock().unwrap().clone();
    (200, json!({"access_token": token, "token_type": "Bearer", "expires_in": life, "scope": "all-apis"}))
}

fn workspace(state: &State, request: &Request, short: bool) -> (u16, Value) {
    let parts: Vec<&str> = request.path.trim_matches('/').split('/').collect();
    match (&request.method[..], &parts[..]) {
        ("GET", ["api", "2.0", "preview", "scim", "v2", "Me"]) => {
            (200, json!({"userName": "ada@example.com", "active": true}))
        }
        ("GET", ["api", "2.0", "sql", "warehouses"]) => {
            (200, json!({"warehouses": *state.warehouses.lock().unwrap()}))
        }
        ("GET", ["api", "2.0", "sql", "warehouses", id]) => {
            let all = state.warehouses.lock().unwrap();
            match all.as_array().unwrap().iter().find(|w| w["id"] == *id) {
                Some(found) => (200, found.clone()),
                None => {
                    (404, refusal("RESOURCE_DOES_NOT_EXIST", &format!("SQL warehouse {id} does not exist.")))
                }
            }
        }
        ("POST", ["api", "2.0", "sql", "statements"]) => execute(state, &request.json()),
        (method, ["api", "2.0", "sql", "statements", id, rest @ ..]) => {
            let mut runs = state.runs.lock().unwrap();
            let Some(run) = runs.get_mut(*id) else {
                return (404, refusal("NOT_FOUND", "no such statement"));
            };
            match (method, rest) {
                ("GET", []) => (200, told(state, id, run, short)),
                ("GET", ["result", "chunks", n]) => (200, part(state, id, run, n.parse().unwrap(), short)),
                ("POST", ["cancel"]) => {
                    run.cancelled.get_or_insert(Instant::now());
                    (200, json!({}))
                }
                ("DELETE", []) => {
                    run.closed = true;
                    (200, json!({}))
                }
                _ => (404, refusal("ENDPOINT_NOT_FOUND", "no such route")),
            }
        }
        _ => (404, refusal("ENDPOINT_NOT_FOUND", "no such route")),
    }
}

fn execute(state: &State, body: &Value) -> (u16, Value) {
    let warehouse = body["warehouse_id"].as_str().unwrap();
    let all = state.warehouses.lock().unwrap().clone();
    let known = all.as_array().unwrap().iter().any(|w| w["id"] == warehouse && w["state"] != "DELETED");
    if !known {
        return (404, refusal("RESOURCE_DOES_NOT_EXIST", &format!("Warehouse {warehouse} does not exist")));
    }
    let sql = body["statement"].as_str().unwrap();
    let plan = state.plans.lock().unwrap().get(sql).cloned().unwrap_or_default();
    let inline = match (body["disposition"].as_str(), body["format"].as_str()) {
        (Some("INLINE"), Some("JSON_ARRAY")) => true,
        (Some("EXTERNAL_LINKS"), Some("ARROW_STREAM")) => false,
        other => return (400, refusal("INVALID_PARAMETER_VALUE", &format!("not offered: {other:?}"))),
    };
    let id = format!("s{}", state.serial.fetch_add(1, Ordering::SeqCst));
    let run = Run { plan, inline, begun: Instant::now(), cancelled: None, closed: false };
    let reply = told(state, &id, &run, false);
    state.runs.lock().unwrap().insert(id, run);
    (200, reply)
}

fn told(state: &State, id: &str, run: &Run, short: bool) -> Value {
    let (plan, since) = (&run.plan, run.begun.elapsed());
    if run.cancelled.is_some() {
        return json!({"statement_id": id, "status": {"state": "CANCELED"}});
    }
    if since < plan.pending {
        return json!({"statement_id": id, "status": {"state": "PENDING"}});
    }
    if since < plan.pending + plan.running {
        return json!({"statement_id": id, "status": {"state": "RUNNING"}});
    }
    if run.inline && plan.too_large_inline {
        let message = "Inline byte limit exceeded. Statements executed with disposition=INLINE can have a result size of at most \
                       26214400 bytes. Please execute the statement with disposition=EXTERNAL_LINKS if you want to download the full result.";
        return json!({"statement_id": id, "status": {"state": "FAILED", "error": {"error_code": "BAD_REQUEST", "message": message}}});
    }
    if plan.status["state"] != "SUCCEEDED" {
        return json!({"statement_id": id, "status": plan.status});
    }
    let counts = counts(run);
    let mut offset = 0;
    let chunks: Vec<Value> = counts
        .iter()
        .enumerate()
        .map(|(i, rows)| {
            offset += rows;
            json!({"chunk_index": i, "row_offset": offset - rows, "row_count": rows})
        })
        .collect();
    let columns = plan.columns.as_array().unwrap();
    let mut schema = json!({"column_count": columns.len()});
    if !columns.is_empty() {
        schema["columns"] = plan.columns.clone();
    }
    let mut manifest = json!({
        "schema": schema, "total_chunk_count": counts.len(), "total_row_count": counts.iter().sum::<usize>(),
        "truncated": plan.truncated,
    });
    if !counts.is_empty() {
        manifest["chunks"] = chunks.into();
    }
    for (name, value) in plan.manifest.as_object().unwrap() {
        manifest[name] = value.clone();
    }
    let result = if counts.is_empty() { json!({}) } else { part(state, id, run, 0, short) };
    json!({"statement_id": id, "status": {"state": "SUCCEEDED"}, "manifest": manifest, "result": result})
}

fn counts(run: &Run) -> Vec<usize> {
    match run.inline {
        true => run.plan.rows.iter().map(Vec::len).collect(),
        false => run.plan.batches.iter().map(|b| b.iter().map(RecordBatch::num_rows).sum()).collect(),
    }
}

fn part(state: &State, id: &str, run: &Run, n: usize, short: bool) -> Value {
    let counts = counts(run);
    let mut part =
        json!({"chunk_index": n, "row_offset": counts[..n].iter().sum::<usize>(), "row_count": counts[n]});
    if n + 1 < counts.len() {
        part["next_chunk_index"] = (n + 1).into();
        part["next_chunk_internal_link"] = format!(
            "/api/2.0/sql/statements/{id}/result/chunks/{}?row_offset={}",
            n + 1,
            counts[..=n].iter().sum::<usize>()
        )
        .into();
    }
    if run.inline {
        let mut rows = run.plan.rows[n].clone();
        if short {
            rows.pop();
        }
        part["data_array"] = rows.into();
        return part;
    }
    let ends = chrono::Utc::now() + chrono::Duration::seconds(run.plan.expires);
    let store = state.base.lock().unwrap().1.clone();
    part["external_link"] = format!("{store}/r/{id}/{n}?sig=very-secret-signature").into();
    part["expiration"] = ends.format("%Y-%m-%dT%H:%M:%S%.3fZ").to_string().into();
    part["http_headers"] = json!({"x-store-key": "very-secret-header"});
    json!({"external_links": [part]})
}

fn stored(state: &State, request: &Request, short: bool) -> (u16, Vec<u8>) {
    if request.headers.contains_key("authorization") {
        return (400, b"<Error>only one way to sign in</Error>".to_vec());
    }
    if request.headers.get("x-store-key").map(String::as_str) != Some("very-secret-header") {
        return (403, b"<Error>a header is missing</Error>".to_vec());
    }
    let parts: Vec<&str> = request.path.trim_matches('/').split('/').collect();
    let plan = Arc::clone(&state.runs.lock().unwrap()[parts[1]].plan);
    let mut batches = plan.batches[parts[2].parse::<usize>().unwrap()].clone();
    if short && let Some(last) = batches.pop() {
        // The stream still ends as it should.
        batches.push(last.slice(0, last.num_rows().saturating_sub(1)));
    }
    (200, stream(&batches))
}

fn files(state: &State, request: &Request) -> (u16, Vec<u8>) {
    let text = |value: Value| value.to_string().into_bytes();
    let mut files = state.files.lock().unwrap();
    let raw = &request.path["/api/2.0/fs/".len()..];
    let decoded: String = url::form_urlencoded::parse(raw.replace('+', "%2B").as_bytes())
        .map(|(k, _)| k.into_owned())
        .collect();
    let (kind, path) = decoded.split_at(decoded.find('/').unwrap());
    let gone = || {
        (
            404,
            text(
                json!({"error_code": "NOT_FOUND", "message": "no such file", "details": [{"reason": "FILES_API_RESOURCE_NOT_FOUND"}]}),
            ),
        )
    };
    match (&request.method[..], kind) {
        ("PUT", "directories") => (204, Vec::new()),
        ("PUT", "files") => {
            if files.contains_key(path) && request.query["overwrite"] != "true" {
                return (409, text(refusal("ALREADY_EXISTS", "the file exists")));
            }
            files.insert(path.to_owned(), request.body.clone());
            (204, Vec::new())
        }
        ("GET", "files") => files.get(path).map_or_else(gone, |bytes| (200, bytes.clone())),
        ("DELETE", "files") => files.remove(path).map_or_else(gone, |_| (204, Vec::new())),
        ("GET", "directories") => {
            let all: Vec<_> =
                files.iter().filter(|(name, _)| name.starts_with(&format!("{path}/"))).collect();
            if all.is_empty() {
                return gone();
            }
            // One a page, and an empty page first.
            let at: usize = request.query.get("page_token").map_or(0, |token| token.parse().unwrap());
            let items = all.iter().skip(at.max(1) - 1).take(usize::from(at > 0));
            let contents: Vec<Value> = items
                .map(|(name, bytes)| json!({"path": name, "file_size": bytes.len(), "last_modified": 1_700_000_000_000_u64}))
                .collect();
            let mut page = json!({});
            if !contents.is_empty() {
                page["contents"] = contents.into();
            }
            if at < all.len() {
                page["next_page_token"] = (at + 1).to_string().into();
            }
            (200, text(page))
        }
        _ => (404, text(refusal("ENDPOINT_NOT_FOUND", "no such route"))),
    }
}
