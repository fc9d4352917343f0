//! What looks like the Data API from the wire: JSON 1.1 over HTTP, signed requests, statements that really run. It breaks what
//! it is told to break.

mod engine;
mod signature;

use engine::{Done, Session, with_values};
use serde_json::{Value, json};
use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;

/// The key that the face knows, and its secret.
pub const KEY: (&str, &str) = ("AKIDOFTESTS", "secret/of+tests");

/// One request as it came.
#[derive(Clone)]
pub struct Request {
    pub path: String,
    pub headers: BTreeMap<String, String>,
    pub body: Vec<u8>,
}

/// One call.
#[derive(Clone, Debug)]
pub struct Call {
    pub operation: String,
    pub body: Value,
    /// With which key it was signed.
    pub key: String,
    /// For which region.
    pub region: String,
}

/// What goes wrong with a call.
#[derive(Clone, Debug)]
pub enum Fault {
    /// This status, headers and body in the place of an answer.
    Status(u16, Vec<(&'static str, String)>, String),
    /// The connection closes without an answer, before anything is done.
    Reset,
    /// It closes without an answer after all is done.
    Deaf,
    /// It stays open without an answer.
    Hang,
    /// Half of the body, then the end.
    Cut,
    /// The length says more than there is, and the connection stays open.
    Longer,
    /// The statement that is asked for has failed, with these words.
    Fails(&'static str),
    /// A page is left out: its token leads to the one behind it.
    LosesPage,
    /// `NextToken` leads back to the same page.
    GoesRound,
    /// The last rows of the page are left out.
    Short,
    /// `TotalNumRows` says this much more.
    Total(i64),
    /// `ResultRows` says this much more.
    Rows(i64),
}

/// A refusal of the Data API.
pub fn refusal(code: &str, message: &str) -> Fault {
    let body = json!({ "__type": format!("com.amazonaws.redshiftdata#{code}"), "message": message });
    Fault::Status(if code.starts_with("Internal") { 500 } else { 400 }, Vec::new(), body.to_string())
}

type FaultFn = Box<dyn FnMut(&Call) -> Option<Fault> + Send>;

struct Run {
    parts: Vec<Part>,
    status: &'static str,
    error: Option<String>,
    begun: Instant,
    cancelled: Option<Instant>,
    cancel: Option<tokio_postgres::CancelToken>,
    over: watch::Receiver<bool>,
    body: Value,
}

#[derive(Clone)]
struct Part {
    sql: String,
    status: &'static str,
    error: Option<String>,
    done: Done,
}

/// How the face is.
pub struct State {
    server: u16,
    runs: Mutex<HashMap<String, Run>>,
    tokens: Mutex<HashMap<String, (String, Value)>>,
    pub log: Mutex<Vec<Call>>,
    pub faults: Mutex<Option<FaultFn>>,
    /// Secrets by key.
    pub keys: Mutex<BTreeMap<String, String>>,
    pub expired: Mutex<BTreeSet<String>>,
    /// Rows of a page.
    pub page: Mutex<usize>,
    /// Whether `set transaction read only` is known.
    pub fence: Mutex<bool>,
}

/// A face that listens.
pub struct Face {
    pub state: Arc<State>,
    pub base: String,
    task: tokio::task::JoinHandle<()>,
}

impl Drop for Face {
    fn drop(&mut self) {
        self.task.abort();
    }
}

impl Face {
    /// Listens on a port of its own; `server` is PostgreSQL's port.
    pub async fn start(server: u16) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let base = format!("http://{}", listener.local_addr().unwrap());
        let state = Arc::new(State {
            server,
            runs: Mutex::default(),
            tokens: Mutex::default(),
            log: Mutex::default(),
            faults: Mutex::new(None),
            keys: Mutex::new(BTreeMap::from([(KEY.0.to_owned(), KEY.1.to_owned())])),
            expired: Mutex::default(),
            page: Mutex::new(1000),
            fence: Mutex::new(true),
        });
        let shared = state.clone();
        let task = tokio::spawn(async move {
            let mut open = tokio::task::JoinSet::new();
            while let Ok((socket, _)) = listener.accept().await {
                socket.set_nodelay(true).unwrap();
                open.spawn(serve(socket, shared.clone()));
            }
        });
        Self { state, base, task }
    }

    pub fn faults(&self, faults: impl FnMut(&Call) -> Option<Fault> + Send + 'static) {
        *self.state.faults.lock().unwrap() = Some(Box::new(faults));
    }

    pub fn log(&self) -> Vec<Call> {
        self.state.log.lock().unwrap().clone()
    }

    pub fn count(&self, operation: &str) -> usize {
        self.log().iter().filter(|call| call.operation == operation).count()
    }

    /// How many statements were really begun.
    pub fn begun(&self) -> usize {
        self.state.runs.lock().unwrap().len()
    }

    /// How many statements have not ended.
    pub fn running(&self) -> usize {
        self.state.runs.lock().unwrap().values().filter(|run| !*run.over.borrow()).count()
    }

    /// When the statements were cancelled that were.
    pub fn cancelled(&self) -> Vec<Instant> {
        self.state.runs.lock().unwrap().values().filter_map(|run| run.cancelled).collect()
    }
}

async fn serve(mut socket: TcpStream, state: Arc<State>) {
    let mut held = Vec::new();
    while let Some(request) = read(&mut socket, &mut held).await {
        let (mut fault, (mut status, mut body)) = (None, (400, Value::Null));
        let mut headers = Vec::new();
        match admitted(&state, &request) {
            Err(refused) => body = refused,
            Ok(call) => {
                state.log.lock().unwrap().push(call.clone());
                fault = state.faults.lock().unwrap().as_mut().and_then(|faults| faults(&call));
                match &fault {
                    Some(Fault::Reset) => return,
                    Some(Fault::Hang) => {
                        // Until the other side gives up.
                        let _ = socket.read(&mut [0; 1]).await;
                        return;
                    }
                    Some(Fault::Status(..)) => {}
                    _ => match act(&state, &call, fault.as_ref()).await {
                        Ok(answer) => (status, body) = (200, answer),
                        Err(refused) => body = refused,
                    },
                }
            }
        }
        let mut bytes = body.to_string().into_bytes();
        if let Some(Fault::Status(other, more, text)) = &fault {
            (status, headers, bytes) = (*other, more.clone(), text.clone().into_bytes());
        }
        if matches!(fault, Some(Fault::Deaf)) {
            return;
        }
        let length = bytes.len() + if matches!(fault, Some(Fault::Longer)) { 100 } else { 0 };
        if matches!(fault, Some(Fault::Cut)) {
            bytes.truncate(bytes.len() / 2);
        }
        let mut head = format!("HTTP/1.1 {status} X\r\ncontent-type: application/x-amz-json-1.1\r\n");
        head.push_str(&format!("content-length: {length}\r\nx-amzn-requestid: 1\r\n"));
        for (name, value) in headers {
            head.push_str(&format!("{name}: {value}\r\n"));
        }
        head.push_str("\r\n");
        let sent = [head.as_bytes(), &bytes].concat();
        if socket.write_all(&sent).await.is_err() || matches!(fault, Some(Fault::Cut)) {
            return;
        }
        if matches!(fault, Some(Fault::Longer)) {
            let _ = socket.read(&mut [0; 1]).await;
            return;
        }
    }
}

async fn read(socket: &mut TcpStream, held: &mut Vec<u8>) -> Option<Request> {
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
    let path = lines.next()?.strip_prefix("POST ")?.split(' ').next()?.to_owned();
    let headers: BTreeMap<String, String> = lines
        .filter_map(|line| line.split_once(':'))
        .map(|(name, value)| (name.to_ascii_lowercase(), value.trim().to_owned()))
        .collect();
    let length = headers.get("content-length").and_then(|length| length.parse().ok()).unwrap_or(0);
    held.drain(..end + 4);
    while held.len() < length {
        if socket.read_buf(held).await.ok()? == 0 {
            return None;
        }
    }
    Some(Request { path, headers, body: held.drain(..length).collect() })
}

fn refused(code: &str, message: &str) -> Value {
    json!({ "__type": code, "Message": message })
}

/// Who comes, and with what.
fn admitted(state: &State, request: &Request) -> Result<Call, Value> {
    let bad = |code: &str, message: &str| Err(refused(code, message));
    let Some(claim) = signature::claim(request) else {
        return bad("MissingAuthenticationTokenException", "Missing Authentication Token");
    };
    let Some(secret) = state.keys.lock().unwrap().get(&claim.key).cloned() else {
        return bad("UnrecognizedClientException", "The security token included in the request is invalid.");
    };
    if !signature::is_right(&claim, request, &secret) {
        return bad("InvalidSignatureException", "The request signature we calculated does not match");
    }
    if state.expired.lock().unwrap().contains(&claim.key) {
        return bad("ExpiredTokenException", "The security token included in the request is expired");
    }
    let kind = request.headers.get("content-type").map(String::as_str);
    let target = request.headers.get("x-amz-target").and_then(|target| target.strip_prefix("RedshiftData."));
    let (Some("application/x-amz-json-1.1"), Some(operation)) = (kind, target) else {
        return bad("UnknownOperationException", "");
    };
    match serde_json::from_slice(&request.body) {
        Ok(body) => {
            Ok(Call { operation: operation.to_owned(), body, key: claim.key.clone(), region: claim.region })
        }
        Err(_) => bad("SerializationException", "Start of structure or map found where not expected."),
    }
}

async fn act(state: &Arc<State>, call: &Call, fault: Option<&Fault>) -> Result<Value, Value> {
    let body = &call.body;
    match call.operation.as_str() {
        "ExecuteStatement" => begin(state, body, vec![text(body, "Sql")?], false).await,
        "BatchExecuteStatement" => {
            let list = body["Sqls"].as_array().cloned().unwrap_or_default();
            let all: Vec<String> = list.iter().filter_map(Value::as_str).map(str::to_owned).collect();
            if !(1..=40).contains(&all.len()) {
                return Err(refused("ValidationException", "Sqls must have 1 to 40 statements"));
            }
            begin(state, body, all, true).await
        }
        "DescribeStatement" => describe(state, body, fault).await,
        "GetStatementResult" => result(state, body, fault),
        "CancelStatement" => cancel(state, body).await,
        other => Err(refused("UnknownOperationException", other)),
    }
}

fn text(body: &Value, name: &str) -> Result<String, Value> {
    let told = || refused("ValidationException", &format!("{name} is missing"));
    body[name].as_str().filter(|text| !text.is_empty()).map(str::to_owned).ok_or_else(told)
}

async fn begin(state: &Arc<State>, body: &Value, sqls: Vec<String>, batch: bool) -> Result<Value, Value> {
    let invalid = |message: &str| Err(refused("ValidationException", message));
    let user = match (body["WorkgroupName"].as_str(), body["ClusterIdentifier"].as_str()) {
        (Some("analytics"), None) if body["DbUser"].is_null() => "admin".to_owned(),
        (None, Some("main")) => body["DbUser"].as_str().unwrap_or("admin").to_owned(),
        _ => return invalid("Redshift endpoint doesn't exist in this region."),
    };
    let database = text(body, "Database")?;
    if sqls.iter().any(|sql| sql.len() > 100 << 10) {
        return invalid("Sql exceeds 100 KB");
    }
    let mut values = Vec::new();
    for value in body["Parameters"].as_array().into_iter().flatten() {
        values.push((text(value, "name")?, text(value, "value")?));
    }
    let (sqls, used): (Vec<String>, Vec<Vec<String>>) =
        sqls.iter().map(|sql| with_values(sql, &values)).unzip();
    if values.iter().any(|(name, _)| !used.iter().flatten().any(|used| used == name)) {
        return invalid("Parameters list contains unused parameters.");
    }
    let token = body["ClientToken"].as_str().map(str::to_owned);
    if let Some((id, before)) =
        token.as_ref().and_then(|token| state.tokens.lock().unwrap().get(token).cloned())
    {
        return match before == *body {
            true => Ok(json!({ "Id": id, "CreatedAt": 1.5, "Database": database })),
            false => invalid("the ClientToken was used with other parameters"),
        };
    }
    let id = uuid::Uuid::new_v4().to_string();
    if let Some(token) = token {
        state.tokens.lock().unwrap().insert(token, (id.clone(), body.clone()));
    }
    let (tell, over) = watch::channel(false);
    let fresh =
        |sql: &String| Part { sql: sql.clone(), status: "SUBMITTED", error: None, done: Done::default() };
    let run = Run {
        parts: sqls.iter().map(fresh).collect(),
        status: "SUBMITTED",
        error: None,
        begun: Instant::now(),
        cancelled: None,
        cancel: None,
        over,
        body: json!({ "batch": batch }),
    };
    state.runs.lock().unwrap().insert(id.clone(), run);
    let transaction = batch && body["ExecutionMode"] != "AUTO_COMMIT";
    let (shared, own) = (state.clone(), id.clone());
    let db = database.clone();
    tokio::spawn(async move {
        run_all(&shared, &own, &user, &db, transaction).await;
        let _ = tell.send(true);
    });
    Ok(json!({ "Id": id, "CreatedAt": 1_760_000_000.5, "Database": database }))
}

/// Runs the statements of a batch, one after the other.
async fn run_all(state: &State, id: &str, user: &str, database: &str, transaction: bool) {
    let with = |change: &mut dyn FnMut(&mut Run)| change(state.runs.lock().unwrap().get_mut(id).unwrap());
    let mut sqls = Vec::new();
    with(&mut |run| sqls = run.parts.iter().map(|part| part.sql.clone()).collect());
    let session = match Session::open(state.server, user, database).await {
        Ok(session) => session,
        Err(error) => {
            with(&mut |run| {
                (run.status, run.error) = ("FAILED", Some(error.clone()));
                run.parts.iter_mut().for_each(|part| part.status = "ABORTED");
            });
            return;
        }
    };
    with(&mut |run| (run.status, run.cancel) = ("STARTED", Some(session.cancel())));
    if transaction {
        session.run("begin").await.unwrap();
    }
    let mut failed = None;
    for (at, sql) in sqls.iter().enumerate() {
        let mut wanted = true;
        with(&mut |run| (run.parts[at].status, wanted) = ("STARTED", run.cancelled.is_none()));
        let done = match sql.starts_with("set transaction read only") && !*state.fence.lock().unwrap() {
            true => Err("ERROR: syntax error at or near \"transaction\"\n  Position: 5".to_owned()),
            false if !wanted => Err("ERROR: cancelled before it began".to_owned()),
            false => session.run(sql).await,
        };
        match done {
            Ok(done) => {
                with(&mut |run| (run.parts[at].status, run.parts[at].done) = ("FINISHED", done.clone()));
            }
            Err(error) => {
                with(&mut |run| {
                    let status = if run.cancelled.is_some() { "ABORTED" } else { "FAILED" };
                    (run.parts[at].status, run.parts[at].error) = (status, Some(error.clone()));
                });
                failed.get_or_insert(error);
                if transaction {
                    with(&mut |run| run.parts[at + 1..].iter_mut().for_each(|part| part.status = "ABORTED"));
                    break;
                }
            }
        }
    }
    if transaction {
        let _ = session.run("commit").await;
    }
    with(&mut |run| {
        run.status = match &failed {
            _ if run.cancelled.is_some() => "ABORTED",
            Some(_) if transaction || sqls.len() == 1 => "FAILED",
            _ => "FINISHED",
        };
        run.error = failed.clone();
    });
}

async fn describe(state: &State, body: &Value, fault: Option<&Fault>) -> Result<Value, Value> {
    let id = text(body, "Id")?;
    let over = state.runs.lock().unwrap().get(&id).map(|run| run.over.clone());
    let Some(mut over) = over else {
        return Err(refused("ResourceNotFoundException", "Query does not exist."));
    };
    if let Some(seconds) = body["WaitTimeSeconds"].as_u64() {
        if !(1..=30).contains(&seconds) {
            return Err(refused("ValidationException", "WaitTimeSeconds must be 1 to 30"));
        }
        let _ = tokio::time::timeout(Duration::from_secs(seconds), over.wait_for(|over| *over)).await;
    }
    let runs = state.runs.lock().unwrap();
    let run = &runs[&id];
    let more = if let Some(Fault::Rows(more)) = fault { *more } else { 0 };
    let part = |at: usize, part: &Part| {
        json!({
            "Id": format!("{id}:{}", at + 1), "Status": part.status, "Error": part.error, "QueryString": part.sql,
            "HasResultSet": !part.done.columns.is_empty(), "ResultRows": part.done.count + more,
            "ResultSize": -1, "Duration": run.begun.elapsed().as_nanos() as u64,
        })
    };
    let parts: Vec<Value> = run.parts.iter().enumerate().map(|(at, told)| part(at, told)).collect();
    let last = run.parts.last().unwrap();
    let mut told = json!({
        "Id": id, "Status": run.status, "HasResultSet": !last.done.columns.is_empty(), "ResultRows": -1,
        "ResultSize": -1, "Duration": 1000, "RedshiftQueryId": 12, "CreatedAt": 1_760_000_000.5,
    });
    match run.body["batch"] == true {
        true => told["SubStatements"] = parts.into(),
        false => told["ResultRows"] = (last.done.count + more).into(),
    }
    if let Some(error) = &run.error {
        told["Error"] = error.as_str().into();
    }
    if let Some(Fault::Fails(words)) = fault {
        (told["Status"], told["Error"]) = ("FAILED".into(), (*words).into());
    }
    Ok(told)
}

fn result(state: &State, body: &Value, fault: Option<&Fault>) -> Result<Value, Value> {
    let id = text(body, "Id")?;
    let (run, at) = match id.split_once(':') {
        Some((run, at)) => (run.to_owned(), at.parse::<usize>().unwrap_or(0)),
        None => (id.clone(), 1),
    };
    let runs = state.runs.lock().unwrap();
    let missing = || {
        refused(
            "ResourceNotFoundException",
            "Query does not have result. Please check query status with DescribeStatement.",
        )
    };
    let part = runs.get(&run).and_then(|run| run.parts.get(at.checked_sub(1)?)).ok_or_else(missing)?;
    if part.status != "FINISHED" || part.done.columns.is_empty() {
        return Err(missing());
    }
    let from: usize = match body["NextToken"].as_str() {
        None => 0,
        Some(token) => {
            token.strip_prefix(&format!("{id}/")).and_then(|n| n.parse().ok()).ok_or_else(missing)?
        }
    };
    let page = *state.page.lock().unwrap();
    let rows = &part.done.rows;
    let end = (from + page).min(rows.len());
    let mut records = rows[from.min(end)..end].to_vec();
    let mut next = end;
    let mut total = rows.len() as i64;
    match fault {
        Some(Fault::LosesPage) => next = (end + page).min(rows.len()),
        Some(Fault::GoesRound) => next = from,
        Some(Fault::Short) => records.truncate(records.len() / 2),
        Some(Fault::Total(more)) => total += more,
        _ => {}
    }
    let mut told = json!({ "ColumnMetadata": part.done.columns, "Records": records, "TotalNumRows": total });
    if next < rows.len() {
        told["NextToken"] = format!("{id}/{next}").into();
    }
    Ok(told)
}

async fn cancel(state: &State, body: &Value) -> Result<Value, Value> {
    let id = text(body, "Id")?;
    let (token, over) = {
        let mut runs = state.runs.lock().unwrap();
        let Some(run) = runs.get_mut(&id) else {
            return Err(refused("ResourceNotFoundException", "Query does not exist."));
        };
        if *run.over.borrow() {
            let message =
                format!("Could not cancel a query that is already in {} state with ID: {id}", run.status);
            return Err(refused("ValidationException", &message));
        }
        run.cancelled = Some(Instant::now());
        (run.cancel.clone(), run.over.clone())
    };
    // One that comes between two statements is lost on PostgreSQL.
    tokio::spawn(async move {
        let Some(token) = token else { return };
        let is_over = || *over.borrow();
        while !is_over() {
            let _ = token.cancel_query(tokio_postgres::NoTls).await;
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    });
    Ok(json!({ "Status": true }))
}
