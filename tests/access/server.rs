//! A daemon with its door over TCP open, and clients of it.

use crate::streams::http::{Reply, write_request};
use crate::support::Place;
use serde_json::{Value, json};
use std::io::{BufRead, BufReader};
use std::net::TcpStream;
use std::process::{Child, Stdio};
use std::time::Duration;

/// A source `shop`: orders of two tenants, and a table that nobody is given.
pub const ORDERS: &str = "id,tenant,email,phone,amount,day\n1,acme,ann@acme.example,+4917011111,10.50,2024-01-15\n2,acme,bob@acme.example,+4917022222,20.00,2024-02-20\n3,umbra,cid@umbra.example,+4917033333,30.25,2024-02-21\n";

/// The server; it ends when dropped.
pub struct Server {
    pub place: Place,
    pub address: String,
    child: Child,
}

impl Server {
    /// Serves on a port of the system's choosing, with these settings beside.
    pub fn start(settings: &[(&str, &str)]) -> Self {
        Self::with(Place::new(), &["--listen", "127.0.0.1:0"], settings)
    }

    pub fn with(place: Place, args: &[&str], settings: &[(&str, &str)]) -> Self {
        let (child, ready) = spawn(&place, args, settings);
        let address = ready["address"].as_str().unwrap_or_else(|| panic!("{ready}")).to_owned();
        Self { place, address: address.rsplit("//").next().unwrap().to_owned(), child }
    }

    /// With the source `shop`.
    pub fn shop(settings: &[(&str, &str)]) -> Self {
        let server = Self::start(settings);
        server.place.file("d/orders.csv", ORDERS);
        server.place.file("d/payroll.csv", "id,salary\n1,77777\n");
        server.place.ok(&["source", "add", "shop", "d"]);
        server
    }

    /// The `Authorization` of a new agent in a new swarm.
    pub fn agent(&self, swarm: &str, tenant: &str) -> String {
        let shared = self.secret(&["token", "create", "swarm", "--label", swarm, "--tenant", tenant]);
        let own = self.secret(&[
            "token",
            "create",
            "agent",
            "--swarm",
            swarm,
            "--label",
            &format!("{swarm}-agent"),
        ]);
        format!("Bearer {shared};{own}")
    }

    pub fn secret(&self, args: &[&str]) -> String {
        self.place.ok(args).trim().to_owned()
    }

    pub fn connect(&self) -> TcpStream {
        let stream = TcpStream::connect(&self.address).unwrap();
        stream.set_read_timeout(Some(Duration::from_secs(30))).unwrap();
        stream.set_write_timeout(Some(Duration::from_secs(30))).unwrap();
        stream
    }

    /// Sends one request; `who` is the value of `Authorization`, empty for none.
    #[track_caller]
    pub fn send(&self, who: &str, method: &str, path: &str, body: &str) -> Reply {
        let mut stream = self.connect();
        let credentials = if who.is_empty() { String::new() } else { format!("Authorization: {who}\r\n") };
        let headers = format!("{credentials}Content-Type: application/json\r\nConnection: close\r\n");
        write_request(&mut stream, method, path, &headers, body.as_bytes());
        Reply::read(stream).unwrap_or_else(|| panic!("{method} {path}: no reply"))
    }

    #[track_caller]
    pub fn get(&self, who: &str, path: &str) -> (u16, Value) {
        answer(self.send(who, "GET", path, ""))
    }

    #[track_caller]
    pub fn post(&self, who: &str, path: &str, body: &Value) -> (u16, Value) {
        answer(self.send(who, "POST", path, &body.to_string()))
    }

    /// Rows of a query that must succeed.
    #[track_caller]
    pub fn rows(&self, who: &str, sql: &str) -> Value {
        let (status, reply) = self.post(who, "/api/queries/execute", &json!({"query": sql}));
        assert_eq!(status, 200, "{sql}: {reply}");
        reply["rows"].clone()
    }

    /// The code and the text of a query that must fail.
    #[track_caller]
    pub fn refusal(&self, who: &str, sql: &str) -> (u16, String, String) {
        let (status, reply) = self.post(who, "/api/queries/execute", &json!({"query": sql}));
        assert!(status >= 400, "{sql}: {reply}");
        (status, reply["code"].as_str().unwrap().to_owned(), reply.to_string())
    }

    /// Asks it to end and waits.
    pub fn stop(&mut self) -> bool {
        let _ = std::process::Command::new("kill").args(["-TERM", &self.child.id().to_string()]).status();
        self.child.wait().unwrap().success()
    }
}

/// Starts `wharf serve` and reads the line it tells when it is ready, or why it is not.
pub fn spawn(place: &Place, args: &[&str], settings: &[(&str, &str)]) -> (Child, Value) {
    let all: Vec<&str> = std::iter::once("serve").chain(args.iter().copied()).collect();
    let mut command = place.command(&all);
    // Tests ask more often than people do.
    command.envs([("WHARF_RATE_METADATA", "0"), ("WHARF_RATE_QUERY", "0"), ("WHARF_RATE_HEALTH", "0")]);
    command.envs(settings.iter().copied());
    let mut child = command.stdout(Stdio::piped()).stderr(Stdio::null()).spawn().unwrap();
    let mut line = String::new();
    BufReader::new(child.stdout.take().unwrap()).read_line(&mut line).unwrap();
    (child, serde_json::from_str(&line).unwrap_or(Value::Null))
}

/// Status and JSON of a reply.
#[track_caller]
pub fn answer(reply: Reply) -> (u16, Value) {
    let status = reply.status;
    (status, reply.json())
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
