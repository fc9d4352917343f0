//! A small far side in this process: it speaks HTTP by hand, so that it can also speak it badly.

use flate2::Compression;
use flate2::write::GzEncoder;
use serde_json::Value;
use std::collections::HashMap;
use std::io::Write;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio_util::task::AbortOnDropHandle;

/// What was asked.
#[derive(Debug, Clone)]
pub struct Request {
    pub method: String,
    pub path: String,
    pub query: HashMap<String, String>,
    pub headers: HashMap<String, String>,
    pub body: Vec<u8>,
}

impl Request {
    pub fn json(&self) -> Value {
        serde_json::from_slice(&self.body).unwrap_or_default()
    }

    pub fn is_submit(&self) -> bool {
        self.method == "POST" && self.path == "/api/v2/statements"
    }

    pub fn is_cancel(&self) -> bool {
        self.method == "POST" && self.path.ends_with("/cancel")
    }
}

/// What is answered.
#[derive(Debug, Clone)]
pub enum Reply {
    Json(u16, Value),
    /// With a header more.
    With(u16, Value, String),
    /// Text, packed and said to be.
    Packed(String),
    /// Packed, then cut to so many bytes of a thousand, with a length that fits what is left.
    PackedCut(String, usize),
    /// Announces more than it sends, then hangs up.
    Cut(String),
    /// Announces less than it sends.
    Short(String),
    /// In pieces, with pauses.
    Slow(String, Duration),
    /// Text that is what it is.
    Text(u16, String),
    /// Hangs up at once.
    Close,
    /// Says nothing, and keeps the line open.
    Silence,
    /// After a while.
    Late(Duration, Box<Reply>),
}

type Answerer = dyn Fn(&Request) -> Reply + Send + Sync;

/// A far side on a port of its own.
pub struct Far {
    pub base: String,
    log: Arc<Mutex<Vec<(Instant, Request)>>>,
    _serving: AbortOnDropHandle<()>,
}

impl Far {
    pub async fn new(answer: impl Fn(&Request) -> Reply + Send + Sync + 'static) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let base = format!("http://{}", listener.local_addr().unwrap());
        let log = Arc::new(Mutex::new(Vec::new()));
        let (answer, written): (Arc<Answerer>, _) = (Arc::new(answer), Arc::clone(&log));
        let serving = tokio::spawn(async move {
            let mut talks = tokio::task::JoinSet::new();
            loop {
                let Ok((stream, _)) = listener.accept().await else { return };
                talks.spawn(talk(stream, Arc::clone(&answer), Arc::clone(&written)));
            }
        });
        Self { base, log, _serving: AbortOnDropHandle::new(serving) }
    }

    pub fn log(&self) -> Vec<Request> {
        self.log.lock().unwrap().iter().map(|(_, request)| request.clone()).collect()
    }

    pub fn times(&self) -> Vec<(Instant, Request)> {
        self.log.lock().unwrap().clone()
    }

    /// Waits until a request has come, at most so long.
    pub async fn saw(&self, what: impl Fn(&Request) -> bool, within: Duration) -> bool {
        let end = Instant::now() + within;
        loop {
            if self.log.lock().unwrap().iter().any(|(_, request)| what(request)) {
                return true;
            }
            if Instant::now() >= end {
                return false;
            }
            tokio::time::sleep(Duration::from_millis(2)).await;
        }
    }
}

async fn talk(mut stream: TcpStream, answer: Arc<Answerer>, log: Arc<Mutex<Vec<(Instant, Request)>>>) {
    let mut kept = Vec::new();
    while let Some(request) = heard(&mut stream, &mut kept).await {
        log.lock().unwrap().push((Instant::now(), request.clone()));
        let mut reply = answer(&request);
        while let Reply::Late(wait, inner) = reply {
            tokio::time::sleep(wait).await;
            reply = *inner;
        }
        if said(&mut stream, reply).await.is_none() {
            return;
        }
    }
}

async fn heard(stream: &mut TcpStream, kept: &mut Vec<u8>) -> Option<Request> {
    let head = loop {
        if let Some(at) = kept.windows(4).position(|four| four == b"\r\n\r\n") {
            break at;
        }
        if stream.read_buf(kept).await.ok()? == 0 {
            return None;
        }
    };
    let text = String::from_utf8(kept[..head].to_vec()).ok()?;
    let mut lines = text.split("\r\n");
    let mut first = lines.next()?.split(' ');
    let (method, target) = (first.next()?.to_owned(), first.next()?);
    let (path, query) = target.split_once('?').unwrap_or((target, ""));
    let query =
        query.split('&').filter_map(|pair| pair.split_once('=')).map(|(k, v)| (k.to_owned(), v.to_owned()));
    let headers: HashMap<String, String> = lines
        .filter_map(|line| line.split_once(':'))
        .map(|(name, value)| (name.to_ascii_lowercase(), value.trim().to_owned()))
        .collect();
    let length: usize = headers.get("content-length").and_then(|text| text.parse().ok()).unwrap_or(0);
    while kept.len() < head + 4 + length {
        if stream.read_buf(kept).await.ok()? == 0 {
            return None;
        }
    }
    let body = kept[head + 4..head + 4 + length].to_vec();
    kept.drain(..head + 4 + length);
    Some(Request { method, path: path.to_owned(), query: query.collect(), headers, body })
}

/// None when the line is closed.
async fn said(stream: &mut TcpStream, reply: Reply) -> Option<()> {
    let head = |status: u16, length: usize, more: &str| {
        format!(
            "HTTP/1.1 {status} X\r\nContent-Type: application/json\r\nContent-Length: {length}\r\n{more}\r\n"
        )
        .into_bytes()
    };
    let packed_header = "Content-Encoding: gzip\r\n";
    let (bytes, open) = match reply {
        Reply::Json(status, value) => {
            let text = value.to_string();
            ([head(status, text.len(), ""), text.into_bytes()].concat(), true)
        }
        Reply::With(status, value, header) => {
            let text = value.to_string();
            ([head(status, text.len(), &format!("{header}\r\n")), text.into_bytes()].concat(), true)
        }
        Reply::Text(status, text) => ([head(status, text.len(), ""), text.into_bytes()].concat(), true),
        Reply::Packed(text) => {
            let body = packed(&text);
            ([head(200, body.len(), packed_header), body].concat(), true)
        }
        Reply::PackedCut(text, part) => {
            let mut body = packed(&text);
            body.truncate(body.len() * part / 1000);
            ([head(200, body.len(), packed_header), body].concat(), true)
        }
        Reply::Cut(text) => ([head(200, text.len() + 100, ""), text.into_bytes()].concat(), false),
        Reply::Short(text) => ([head(200, text.len() / 2, ""), text.into_bytes()].concat(), false),
        Reply::Slow(text, pause) => {
            stream.write_all(&head(200, text.len(), "")).await.ok()?;
            for piece in text.as_bytes().chunks(text.len() / 5 + 1) {
                stream.write_all(piece).await.ok()?;
                tokio::time::sleep(pause).await;
            }
            return Some(());
        }
        Reply::Close | Reply::Late(..) => return None,
        Reply::Silence => {
            // Until the other side gives up.
            let mut rest = [0; 64];
            while stream.read(&mut rest).await.ok()? > 0 {}
            return None;
        }
    };
    stream.write_all(&bytes).await.ok()?;
    open.then_some(())
}

pub fn packed(text: &str) -> Vec<u8> {
    let mut packer = GzEncoder::new(Vec::new(), Compression::fast());
    packer.write_all(text.as_bytes()).unwrap();
    packer.finish().unwrap()
}
