//! HTTP by hand: what a test must be able to do is what a proper client never does.

use crate::support::Place;
use serde_json::Value;
use std::io::{BufRead, BufReader, Read, Write};
use std::os::unix::net::UnixStream;
use std::time::Duration;

/// A reply whose head has been read; the body comes when it is asked for.
pub struct Reply {
    pub status: u16,
    pub head: String,
    body: BufReader<Box<dyn Read + Send>>,
    framing: Framing,
}

enum Framing {
    /// Bytes left in this chunk; none when the last one has come.
    Chunked(Option<u64>),
    /// Bytes left.
    Length(u64),
}

/// A connection that gives up after a while, so that a hang is a failed test.
pub fn connect(place: &Place) -> UnixStream {
    let stream = UnixStream::connect(place.path("r").join("wharfd.sock")).unwrap();
    stream.set_read_timeout(Some(Duration::from_secs(30))).unwrap();
    stream.set_write_timeout(Some(Duration::from_secs(30))).unwrap();
    stream
}

/// Sends a request and reads the head of the reply.
#[track_caller]
pub fn send(place: &Place, method: &str, path: &str, headers: &str, body: impl AsRef<[u8]>) -> Reply {
    let mut stream = connect(place);
    write_request(&mut stream, method, path, headers, body.as_ref());
    Reply::read(stream).unwrap_or_else(|| panic!("{method} {path}: no reply"))
}

/// Writes a whole request. The far side may refuse it before the end.
pub fn write_request(stream: &mut impl Write, method: &str, path: &str, headers: &str, body: &[u8]) {
    let length = body.len();
    let head =
        format!("{method} {path} HTTP/1.1\r\nHost: wharf\r\n{headers}Content-Length: {length}\r\n\r\n");
    let _ = stream.write_all(head.as_bytes()).and_then(|()| stream.write_all(body));
}

/// A `GET` whose reply is JSON.
#[track_caller]
pub fn get(place: &Place, path: &str) -> Value {
    send(place, "GET", path, "", "").json()
}

/// A `POST` of JSON.
#[track_caller]
pub fn post(place: &Place, path: &str, body: &Value) -> Reply {
    send(place, "POST", path, "", body.to_string())
}

/// What `daemon status` tells, without starting a process for it.
#[track_caller]
pub fn status(place: &Place) -> Value {
    get(place, "/api/daemon/status")
}

impl Reply {
    /// Reads the head; none if the far side closed without one.
    pub fn read(stream: impl Read + Send + 'static) -> Option<Self> {
        let mut body = BufReader::new(Box::new(stream) as Box<dyn Read + Send>);
        let mut head = String::new();
        while !head.ends_with("\r\n\r\n") {
            if body.read_line(&mut head).ok()? == 0 {
                return None;
            }
        }
        let status = head.split_whitespace().nth(1)?.parse().ok()?;
        let lower = head.to_lowercase();
        let length = lower.lines().find_map(|l| l.strip_prefix("content-length:")?.trim().parse().ok());
        let framing = if lower.contains("transfer-encoding: chunked") {
            Framing::Chunked(Some(0))
        } else {
            Framing::Length(length.unwrap_or(0))
        };
        Some(Self { status, head, body, framing })
    }

    /// The rest of the body; an error where it breaks off.
    pub fn whole(mut self) -> std::io::Result<Vec<u8>> {
        let mut bytes = Vec::new();
        self.read_to_end(&mut bytes)?;
        Ok(bytes)
    }

    #[track_caller]
    pub fn json(self) -> Value {
        let head = self.head.clone();
        let bytes = self.whole().unwrap();
        serde_json::from_slice(&bytes)
            .unwrap_or_else(|e| panic!("{e}: {head}{}", String::from_utf8_lossy(&bytes)))
    }

    /// The body line by line.
    pub fn lines(self) -> BufReader<Self> {
        BufReader::new(self)
    }

    fn next_chunk(&mut self) -> std::io::Result<Option<u64>> {
        let mut line = String::new();
        while line.trim().is_empty() {
            line.clear();
            if self.body.read_line(&mut line)? == 0 {
                return Err(std::io::ErrorKind::UnexpectedEof.into());
            }
        }
        let size = u64::from_str_radix(line.trim(), 16).map_err(std::io::Error::other)?;
        Ok(Some(size).filter(|s| *s > 0))
    }
}

impl Read for Reply {
    fn read(&mut self, buffer: &mut [u8]) -> std::io::Result<usize> {
        if let Framing::Chunked(Some(0)) = self.framing {
            self.framing = Framing::Chunked(self.next_chunk()?);
        }
        let left = match &self.framing {
            Framing::Chunked(None) | Framing::Length(0) => return Ok(0),
            Framing::Chunked(Some(left)) | Framing::Length(left) => *left,
        };
        let most = usize::try_from(left).unwrap_or(usize::MAX).min(buffer.len());
        let n = self.body.read(&mut buffer[..most])?;
        if n == 0 && most > 0 {
            return Err(std::io::ErrorKind::UnexpectedEof.into());
        }
        match &mut self.framing {
            Framing::Chunked(Some(left)) | Framing::Length(left) => *left -= n as u64,
            Framing::Chunked(None) => {}
        }
        Ok(n)
    }
}
