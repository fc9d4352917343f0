//! The face of `tests/faces/snowflake`: the SQL API over real SQL.

use super::{asked, keys::Keys};
use secrecy::SecretString;
use serde_json::{Value, json};
use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};
use wharf_protocol::ApiError;
use wharf_warehouses::{Address, Snowflake};

/// A face of its own; gone when dropped.
pub struct Face {
    child: Child,
    pub port: u16,
}

impl Face {
    /// Starts it, and waits until it listens.
    pub fn new(config: &Value) -> Self {
        let top = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../..");
        let python = top.join(".venv-snowflake/bin/python");
        assert!(python.exists(), "the face of Snowflake needs its Python packages: sh scripts/faces.sh");
        let mut child = Command::new(python)
            .arg(top.join("tests/faces/snowflake/face.py"))
            .arg(config.to_string())
            .env("PYTHONDONTWRITEBYTECODE", "1")
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let mut line = String::new();
        BufReader::new(child.stdout.take().unwrap()).read_line(&mut line).unwrap();
        let port = serde_json::from_str::<Value>(&line).expect("the face says where it listens")["port"]
            .as_u64()
            .unwrap();
        Self { child, port: u16::try_from(port).unwrap() }
    }

    /// An address of it with these options; `user` and `options` as they stand in an address.
    pub fn address(&self, user: &str, options: &str) -> Address {
        let endpoint = format!("http%3A%2F%2F127.0.0.1%3A{}", self.port);
        let text = format!("snowflake://{user}@myorg-acct/DB1/S1?endpoint={endpoint}&{options}");
        Address::parse(&text).unwrap()
    }

    pub fn source(&self, options: &str) -> Snowflake {
        self.source_with(options, Some("pat-secret"))
    }

    pub fn source_with(&self, options: &str, secret: Option<&str>) -> Snowflake {
        let secret = secret.map(|text| SecretString::from(text.to_owned()));
        Snowflake::new("sales", self.address("alice", options), secret).unwrap()
    }

    /// What was asked so far: `kind`, `query`, `handle`, `body`, `headers`.
    pub fn log(&self) -> Vec<Value> {
        let reply = self.control("GET", "/control/log", "");
        serde_json::from_str(&reply).unwrap()
    }

    pub fn faults(&self, faults: &Value) {
        self.control("POST", "/control/faults", &faults.to_string());
    }

    /// Waits until a request of a kind has come.
    pub fn saw(&self, kind: &str, within: Duration) -> bool {
        let end = Instant::now() + within;
        while Instant::now() < end {
            if self.log().iter().any(|entry| entry["kind"] == kind) {
                return true;
            }
            std::thread::sleep(Duration::from_millis(5));
        }
        false
    }

    fn control(&self, method: &str, path: &str, body: &str) -> String {
        let mut stream = TcpStream::connect(("127.0.0.1", self.port)).unwrap();
        write!(stream, "{method} {path} HTTP/1.1\r\nContent-Length: {}\r\n\r\n{body}", body.len()).unwrap();
        let mut reader = BufReader::new(stream);
        let mut length = 0;
        loop {
            let mut line = String::new();
            reader.read_line(&mut line).unwrap();
            if let Some(text) = line.strip_prefix("Content-Length: ") {
                length = text.trim().parse().unwrap();
            }
            if line.trim().is_empty() {
                break;
            }
        }
        let mut reply = vec![0; length];
        reader.read_exact(&mut reply).unwrap();
        String::from_utf8(reply).unwrap()
    }
}

impl Drop for Face {
    fn drop(&mut self) {
        // It ends when its input closes.
        drop(self.child.stdin.take());
        let end = Instant::now() + Duration::from_secs(2);
        while Instant::now() < end && matches!(self.child.try_wait(), Ok(None)) {
            std::thread::sleep(Duration::from_millis(5));
        }
        self.child.kill().ok();
        self.child.wait().ok();
    }
}

/// The public half of a key as the face takes it.
pub fn public_key(keys: &Keys) -> Value {
    json!({"account": "MYORG-ACCT", "user": "ALICE", "public_key": keys.public_text()})
}

/// What a statement fails with.
pub async fn failure(source: &Snowflake, sql: &str) -> ApiError {
    asked(source, sql).await.unwrap_err()
}
