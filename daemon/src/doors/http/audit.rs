//! The audit log: pages, the whole of it as a stream, and the check of its chain.

use super::failure::{Failure, Query};
use super::paging::{bounded, pagination};
use crate::audit::{Audit, Filter, Lines, Order, Verdict};
use crate::clock;
use crate::state::StateError;
use crate::{Rooms, audit};
use axum::Json;
use axum::body::{Body, Bytes};
use axum::extract::State;
use axum::http::{HeaderValue, header};
use axum::response::Response;
use serde::Serialize;
use serde_json::value::RawValue;
use std::collections::BTreeMap;
use std::io;
use std::time::Duration;
use tokio::sync::mpsc;
use tokio_stream::wrappers::ReceiverStream;
use utoipa::ToSchema;
use wharf_protocol::{ApiError, ErrorKind, Pagination};

/// Bytes that are handed on at a time.
const CHUNK: usize = 64 << 10;
/// Chunks that may wait for the reader.
const WAITING: usize = 4;
/// Whether somebody else has written is looked for this often.
const LOOK: Duration = Duration::from_millis(250);

type Parameters = BTreeMap<String, String>;

/// A page of the log.
#[derive(Serialize, ToSchema)]
pub(super) struct AuditPage {
    #[schema(value_type = Vec<audit::Line>)]
    data: Vec<Box<RawValue>>,
    pagination: Pagination,
}

/// `GET /api/audit`: a page, the newest line first.
pub(super) async fn list(
    State(rooms): State<Rooms>,
    Query(given): Query<Vec<(String, String)>>,
) -> Result<Json<AuditPage>, Failure> {
    let mut given = once_each(given)?;
    let filter = Filter::take(&mut given, clock::now())?;
    let (page, size) = bounded(number(&mut given, "page")?, number(&mut given, "page_size")?);
    nothing_left(&given)?;
    let found = rooms.gate.audit().page(filter, page, size).await?;
    let pagination = pagination(found.total, page, size);
    Ok(Json(AuditPage { data: found.lines, pagination }))
}

/// `GET /api/audit/verify`: checks the whole chain.
pub(super) async fn verify(State(rooms): State<Rooms>) -> Result<Json<Verdict>, Failure> {
    Ok(Json(rooms.gate.audit().verify().await?))
}

/// `GET /api/audit/export`: lines as they stand in the files (`format=ndjson`) or as `csv`; `order=newest` begins at the
/// end, `limit` bounds their number, `follow=true` goes on as lines come.
pub(super) async fn export(
    State(rooms): State<Rooms>,
    Query(given): Query<Vec<(String, String)>>,
) -> Result<Response, Failure> {
    let mut given = once_each(given)?;
    let filter = Filter::take(&mut given, clock::now())?;
    let csv = one_of(&mut given, "format", ["ndjson", "csv"])? == "csv";
    let newest = one_of(&mut given, "order", ["oldest", "newest"])? == "newest";
    let follow = one_of(&mut given, "follow", ["false", "true"])? == "true";
    let limit = number(&mut given, "limit")?.unwrap_or(u64::MAX);
    nothing_left(&given)?;
    if newest && follow {
        return Err(invalid("`follow` needs `order=oldest`: nothing comes before the oldest line").into());
    }
    let order = if newest { Order::Newest } else { Order::Oldest };
    let audit = rooms.gate.audit().clone();
    let lines = audit.lines(filter.clone(), order)?;
    let (chunks, body) = mpsc::channel(WAITING);
    let held = if csv { CSV_HEAD.as_bytes().to_vec() } else { Vec::new() };
    let export = Export { chunks, held, csv, left: limit, last: 0 };
    tokio::spawn(export.run(audit, lines, follow.then_some(filter)));
    let mut response = Response::new(Body::from_stream(ReceiverStream::new(body)));
    let kind = if csv { "text/csv; charset=utf-8" } else { "application/x-ndjson" };
    response.headers_mut().insert(header::CONTENT_TYPE, HeaderValue::from_static(kind));
    Ok(response)
}

fn invalid(message: impl Into<String>) -> ApiError {
    ApiError::new(ErrorKind::Invalid, "query", message.into())
}

fn once_each(given: Vec<(String, String)>) -> Result<Parameters, ApiError> {
    let mut parameters = Parameters::new();
    for (name, value) in given {
        if parameters.contains_key(&name) {
            return Err(invalid(format!("`{name}` is given twice")));
        }
        parameters.insert(name, value);
    }
    Ok(parameters)
}

fn number(given: &mut Parameters, name: &str) -> Result<Option<u64>, ApiError> {
    let Some(text) = given.remove(name) else { return Ok(None) };
    text.parse().map(Some).map_err(|_| invalid(format!("`{name}` is not a whole number: `{text}`")))
}

/// The value of a parameter that is one of two words; the first if it is absent.
fn one_of(given: &mut Parameters, name: &str, words: [&'static str; 2]) -> Result<&'static str, ApiError> {
    let Some(text) = given.remove(name) else { return Ok(words[0]) };
    let found = words.into_iter().find(|word| *word == text);
    found.ok_or_else(|| invalid(format!("`{name}` is {} or {}, not `{text}`", words[0], words[1])))
}

fn nothing_left(given: &Parameters) -> Result<(), ApiError> {
    match given.keys().next() {
        Some(name) => Err(invalid(format!("there is no parameter `{name}` here"))),
        None => Ok(()),
    }
}

/// Lines on their way to a reader.
struct Export {
    chunks: mpsc::Sender<io::Result<Bytes>>,
    held: Vec<u8>,
    csv: bool,
    left: u64,
    /// The last line that was handed on.
    last: u64,
}

impl Export {
    /// Hands on all lines; with a filter to follow, those that come later too, until the reader has gone.
    async fn run(mut self, audit: Audit, mut lines: Lines, follow: Option<Filter>) {
        loop {
            let whole = tokio::task::spawn_blocking(move || {
                let whole = self.all(&mut lines);
                (self, whole)
            });
            let Ok((export, whole)) = whole.await else { return };
            self = export;
            let behind = match (&follow, whole) {
                (Some(filter), Ok(())) if self.left > 0 => filter.clone().behind(self.last),
                (_, Ok(()) | Err(None)) => return,
                (_, Err(Some(error))) => {
                    tracing::warn!(%error, "an export of the audit log broke off");
                    let _ = self.chunks.send(Err(io::Error::other(error.to_string()))).await;
                    return;
                }
            };
            tokio::select! {
                () = tokio::time::sleep(LOOK) => {}
                () = self.chunks.closed() => return,
            }
            match audit.lines(behind, Order::Oldest) {
                Ok(next) => lines = next,
                Err(_) => return,
            }
        }
    }

    /// Hands on what there is. The error is none when the reader has gone.
    fn all(&mut self, lines: &mut Lines) -> Result<(), Option<StateError>> {
        while self.left > 0 {
            let Some(line) = lines.read().map_err(Some)? else { break };
            self.left -= 1;
            self.put(&line);
            if self.held.len() >= CHUNK {
                self.hand_on()?;
            }
        }
        self.hand_on()
    }

    fn put(&mut self, line: &[u8]) {
        self.last = audit::seq_of(line).unwrap_or(self.last);
        if self.csv {
            // What is no JSON any more has no fields.
            if let Ok(read) = serde_json::from_slice(line) {
                put_csv(&mut self.held, &read);
            }
        } else {
            self.held.extend_from_slice(line);
            self.held.push(b'\n');
        }
    }

    fn hand_on(&mut self) -> Result<(), Option<StateError>> {
        if self.held.is_empty() {
            return Ok(());
        }
        let chunk = Bytes::from(std::mem::take(&mut self.held));
        self.chunks.blocking_send(Ok(chunk)).map_err(|_| None)
    }
}

const CSV_HEAD: &str = "seq,at,request_id,principal,swarm,tenant,action,source,tables,route,outcome,reason,rows,bytes,time_ms,statement,hash\n";

/// What makes a spreadsheet take a field for a formula. Agents choose what stands in the log, and admins open it.
const FORMULA: [char; 6] = ['=', '+', '-', '@', '\t', '\r'];

/// A line as CSV (RFC 4180). What is absent is an empty field; several tables are parted by a comma and a space; a field that
/// a spreadsheet would run begins with an apostrophe. NDJSON has every field as it was.
fn put_csv(out: &mut Vec<u8>, line: &audit::Line) {
    let entry = &line.entry;
    let text = |text: &Option<String>| text.clone().unwrap_or_default();
    let number = |n: Option<u64>| n.map_or_else(String::new, |n| n.to_string());
    let fields = [
        line.seq.to_string(),
        line.at.clone(),
        entry.request_id.clone(),
        entry.principal.clone(),
        text(&entry.swarm),
        text(&entry.tenant),
        entry.action.clone(),
        text(&entry.source),
        entry.tables.join(", "),
        entry.route.clone(),
        entry.outcome.clone(),
        text(&entry.reason),
        number(entry.rows),
        number(entry.bytes),
        entry.time_ms.map_or_else(String::new, |ms| ms.to_string()),
        entry.statement.clone(),
        line.hash.clone(),
    ];
    for (index, field) in fields.iter().enumerate() {
        if index > 0 {
            out.push(b',');
        }
        let guard = if field.starts_with(FORMULA) { "'" } else { "" };
        if field.contains([',', '"', '\n', '\r']) {
            out.extend_from_slice(format!("\"{guard}{}\"", field.replace('"', "\"\"")).as_bytes());
        } else {
            out.extend_from_slice(guard.as_bytes());
            out.extend_from_slice(field.as_bytes());
        }
    }
    out.push(b'\n');
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn csv_has_a_field_for_each_name_and_quotes_what_must_be() {
        let mut out = Vec::new();
        let entry = audit::Entry {
            tables: vec!["a".into(), "b".into()],
            statement: "select \"x\"\nfrom t".into(),
            rows: Some(3),
            ..audit::Entry::default()
        };
        put_csv(&mut out, &audit::Line { seq: 7, at: "now".into(), entry, hash: "h".into() });
        let text = String::from_utf8(out).unwrap();
        assert_eq!(text, "7,now,,,,,,,\"a, b\",,,,3,,,\"select \"\"x\"\"\nfrom t\",h\n");
        assert_eq!(CSV_HEAD.split(',').count(), 17);
    }

    #[test]
    fn a_statement_is_no_formula_in_a_spreadsheet() {
        for statement in ["=cmd|' /C calc'!A0", "+1", "-1", "@SUM(A1)", "\t=1", "\r=1"] {
            let mut out = Vec::new();
            let entry = audit::Entry { statement: statement.into(), ..audit::Entry::default() };
            put_csv(&mut out, &audit::Line { seq: 1, at: "now".into(), entry, hash: "h".into() });
            let text = String::from_utf8(out).unwrap();
            assert!(text.contains(&format!("'{statement}")), "{text}");
        }
    }
}
