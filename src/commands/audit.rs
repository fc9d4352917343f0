//! `wharf audit`: who asked what, and whether the record is whole.

use super::Context;
use super::result::{Target, format, list, out, out_json};
use super::source::encoded;
use crate::cli::{AuditAction, AuditFilter, OutputArgs, OutputFormat};
use crate::link::{Client, Failure};
use crate::output::{visible, warn};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use std::io::{self, Write};
use std::process::ExitCode;
use wharf_protocol::{ApiError, ColumnKind, ErrorKind};

/// Lines that a search shows unless more are asked for.
const FOUND: u64 = 100;
/// Characters of a statement in a table.
const STATEMENT: usize = 120;

/// Runs the command.
///
/// # Errors
/// When a filter does not fit, or the log cannot be read.
pub async fn run(context: &Context, action: AuditAction) -> Result<ExitCode, Failure> {
    let client = context.client().await?;
    match action {
        AuditAction::Tail { lines, follow, filter, output } => {
            let query = query(context, &filter, None);
            if follow {
                return follow_lines(context, &client, &query, lines, &output).await;
            }
            let lines = output.limit.unwrap_or(lines);
            let mut found = newest(&client, &query, lines).await?;
            found.reverse();
            show(context, &output, &found)
        }
        AuditAction::Search { text, filter, output } => {
            let limit = output.limit.unwrap_or(FOUND);
            let query = query(context, &filter, text.as_deref());
            // One more, to see whether there are more.
            let mut found = newest(&client, &query, limit.saturating_add(1)).await?;
            let more = found.len() as u64 > limit;
            found.truncate(usize::try_from(limit).unwrap_or(usize::MAX));
            let code = show(context, &output, &found)?;
            if more {
                warn(&format!(
                    "showing {limit} lines; there are more (--limit N shows more, `wharf audit export` all)"
                ));
            }
            Ok(if more && output.fail_on_truncate { ExitCode::from(9) } else { code })
        }
        AuditAction::Export { filter, output } => {
            let query = query(context, &filter, None);
            export(context, &client, &query, &output).await
        }
        AuditAction::Verify { json } => verify(&client, json).await,
    }
}

/// The filter as the daemon reads it; each part begins with `&`.
fn query(context: &Context, filter: &AuditFilter, text: Option<&str>) -> String {
    let parts = [
        ("since", filter.since.as_deref()),
        ("until", filter.until.as_deref()),
        ("principal", filter.principal.as_deref()),
        ("swarm", filter.swarm.as_deref()),
        ("tenant", filter.tenant.as_deref()),
        ("action", filter.action.as_deref()),
        ("source", context.global.source.as_deref()),
        ("outcome", filter.outcome.as_deref()),
        ("table", filter.table.as_deref()),
        ("request_id", filter.request_id.as_deref()),
        ("text", text),
    ];
    let given = parts.into_iter().filter_map(|(name, value)| Some((name, value?)));
    given.fold(String::new(), |all, (name, value)| all + "&" + name + "=" + &encoded(value))
}

/// The last lines that fit, the newest first.
async fn newest(client: &Client, query: &str, limit: u64) -> Result<Vec<Value>, Failure> {
    let path = format!("/api/audit/export?order=newest&limit={limit}{query}");
    let mut found = Vec::new();
    let mut stream = Stream::open(client, &path).await?;
    while let Some(line) = stream.line().await? {
        found.push(read(&line)?);
    }
    Ok(found)
}

fn read(line: &[u8]) -> Result<Value, Failure> {
    serde_json::from_slice(line).map_err(|e| broken(&format!("a line does not fit: {e}")))
}

fn broken(why: &str) -> Failure {
    let message = format!("the log's lines broke off: {why}");
    Failure::from(ApiError::new(ErrorKind::Unavailable, "stream_broken", message))
        .hint("try again; `wharf audit verify` checks the log")
}

/// Lines as the daemon sends them.
struct Stream {
    reply: reqwest::Response,
    held: Vec<u8>,
    /// Up to here `held` has been handed out.
    at: usize,
}

impl Stream {
    async fn open(client: &Client, path: &str) -> Result<Self, Failure> {
        Ok(Self { reply: client.get_stream(path).await?, held: Vec::new(), at: 0 })
    }

    /// Whole lines, as many as there are; none at the end.
    async fn chunk(&mut self) -> Result<Option<Vec<u8>>, Failure> {
        loop {
            if let Some(end) = self.held[self.at..].iter().rposition(|b| *b == b'\n') {
                let rest = self.held.split_off(self.at + end + 1);
                let whole = std::mem::replace(&mut self.held, rest).split_off(self.at);
                self.at = 0;
                return Ok(Some(whole));
            }
            if !self.more().await? {
                let rest = std::mem::take(&mut self.held).split_off(std::mem::take(&mut self.at));
                return Ok(Some(rest).filter(|rest| !rest.is_empty()));
            }
        }
    }

    /// The next line; none at the end.
    async fn line(&mut self) -> Result<Option<Vec<u8>>, Failure> {
        loop {
            if let Some(end) = self.held[self.at..].iter().position(|b| *b == b'\n') {
                let line = self.held[self.at..self.at + end].to_vec();
                self.at += end + 1;
                return Ok(Some(line));
            }
            if !self.more().await? {
                return Ok(None);
            }
        }
    }

    /// Reads on; false at the end.
    async fn more(&mut self) -> Result<bool, Failure> {
        self.held.drain(..std::mem::take(&mut self.at));
        match self.reply.chunk().await {
            Ok(chunk) => {
                self.held.extend_from_slice(chunk.as_deref().unwrap_or_default());
                Ok(chunk.is_some())
            }
            Err(e) => Err(broken(&e.to_string())),
        }
    }
}

fn text(line: &Value, key: &str) -> Option<String> {
    match line.get(key)? {
        Value::Null => None,
        Value::String(text) => Some(text.clone()).filter(|t| !t.is_empty()),
        Value::Array(items) => {
            let items: Vec<&str> = items.iter().filter_map(Value::as_str).collect();
            Some(items.join(", ")).filter(|t| !t.is_empty())
        }
        other => Some(other.to_string()),
    }
}

/// A statement on one line, and not too much of it.
fn short(statement: &str) -> String {
    let words: Vec<&str> = statement.split_whitespace().collect();
    let line = words.join(" ");
    match line.char_indices().nth(STATEMENT) {
        Some((cut, _)) => format!("{}…", &line[..cut]),
        None => line,
    }
}

fn show(context: &Context, output: &OutputArgs, lines: &[Value]) -> Result<ExitCode, Failure> {
    let columns = [
        ("at", ColumnKind::Time),
        ("principal", ColumnKind::Text),
        ("action", ColumnKind::Text),
        ("outcome", ColumnKind::Text),
        ("tables", ColumnKind::Text),
        ("rows", ColumnKind::Number),
        ("statement", ColumnKind::Text),
        ("reason", ColumnKind::Text),
    ];
    let people = matches!(
        format(context, output)?,
        OutputFormat::Table | OutputFormat::Plain | OutputFormat::Markdown
    );
    let cell = |line: &Value, key: &str| {
        let full = text(line, key);
        if people && key != "at" { full.map(|t| short(&t)) } else { full }
    };
    let rows = lines.iter().map(|line| columns.iter().map(|(key, _)| cell(line, key)).collect()).collect();
    list(context, output, &columns, rows, &lines)
}

/// The last lines, then those that come, until the reader has enough.
async fn follow_lines(
    context: &Context,
    client: &Client,
    query: &str,
    lines: u64,
    output: &OutputArgs,
) -> Result<ExitCode, Failure> {
    let raw = match format(context, output)? {
        OutputFormat::Ndjson | OutputFormat::Json => true,
        OutputFormat::Table | OutputFormat::Plain => false,
        _ => return Err(Failure::usage("--follow prints lines for people, or --ndjson")),
    };
    if output.output.is_some() {
        return Err(
            Failure::usage("--follow prints to standard output").hint("use `wharf audit export -o FILE`")
        );
    }
    let page: Value = client.get("/api/audit?page_size=1").await?;
    let last = page["data"][0]["seq"].as_u64().unwrap_or(0);
    let before = format!("&before={}{query}", last + 1);
    let mut stdout = io::stdout();
    let mut print = |line: &Value| {
        let text = if raw { line.to_string() } else { one_line(line) };
        let text = if context.terminal.out { visible(&text).into_owned() } else { text };
        writeln!(stdout, "{text}").and_then(|()| stdout.flush()).is_ok()
    };
    for line in newest(client, &before, lines).await?.iter().rev() {
        if !print(line) {
            return Ok(ExitCode::SUCCESS);
        }
    }
    let path = format!("/api/audit/export?follow=true&after={last}{query}");
    let mut stream = Stream::open(client, &path).await?;
    while let Some(line) = stream.line().await? {
        if !print(&read(&line)?) {
            return Ok(ExitCode::SUCCESS);
        }
    }
    Err(broken("the daemon has ended"))
}

fn one_line(line: &Value) -> String {
    let keys = ["at", "principal", "action", "outcome", "tables", "statement", "reason"];
    let parts: Vec<String> = keys.iter().filter_map(|key| text(line, key).map(|t| short(&t))).collect();
    parts.join("  ")
}

/// Streams the log into a file or standard output.
async fn export(
    context: &Context,
    client: &Client,
    query: &str,
    output: &OutputArgs,
) -> Result<ExitCode, Failure> {
    let chosen =
        output.format.is_some() || output.json || output.csv || output.ndjson || output.output.is_some();
    let form = if chosen { format(context, output)? } else { OutputFormat::Ndjson };
    let wire = match form {
        OutputFormat::Csv => "csv",
        OutputFormat::Ndjson | OutputFormat::Json => "ndjson",
        _ => {
            return Err(Failure::usage("the audit log is exported as ndjson, json or csv").hint(
                "`wharf query \"from 'audit.ndjson'\" -o audit.parquet` turns an export into other forms",
            ));
        }
    };
    let limit = output.limit.map_or_else(String::new, |n| format!("&limit={n}"));
    let path = format!("/api/audit/export?format={wire}{limit}{query}");
    let mut stream = Stream::open(client, &path).await?;
    let array = form == OutputFormat::Json;
    let headless = wire == "csv" && (output.no_header || output.tuples_only);
    match &output.output {
        Some(path) => {
            let mut target = Target::create(path)?;
            if let Err(error) = copy(&mut stream, target.file(), array, headless, false).await? {
                return Err(target.failed(&error));
            }
            target.finish()?;
        }
        None => {
            // A reader that went away is no error.
            let _ =
                copy(&mut stream, &mut io::stdout().lock(), array, headless, context.terminal.out).await?;
        }
    }
    Ok(ExitCode::SUCCESS)
}

/// Copies what the daemon sends. The inner error is the output's.
async fn copy(
    stream: &mut Stream,
    to: &mut impl Write,
    array: bool,
    headless: bool,
    terminal: bool,
) -> Result<io::Result<()>, Failure> {
    let mut head = headless;
    let mut first = true;
    let mut put = |chunk: &[u8], first: bool| {
        if array {
            let parts = chunk.split(|b| *b == b'\n').filter(|line| !line.is_empty()).enumerate();
            for (index, line) in parts {
                to.write_all(if first && index == 0 { b"[\n" } else { b",\n" })?;
                to.write_all(line)?;
            }
            return Ok(());
        }
        if !terminal {
            return to.write_all(chunk);
        }
        let text = String::from_utf8_lossy(chunk);
        text.lines().try_for_each(|line| writeln!(to, "{}", visible(line)))
    };
    while let Some(chunk) = stream.chunk().await? {
        let cut =
            if head { chunk.iter().position(|b| *b == b'\n').map_or(chunk.len(), |at| at + 1) } else { 0 };
        head = false;
        if let Err(error) = put(&chunk[cut..], first) {
            return Ok(Err(error));
        }
        first = first && chunk.len() == cut;
    }
    let end: &[u8] = match (array, first) {
        (false, _) => b"",
        (true, true) => b"[]\n",
        (true, false) => b"\n]\n",
    };
    Ok(to.write_all(end).and_then(|()| to.flush()))
}

#[derive(Serialize, Deserialize)]
struct Verdict {
    sound: bool,
    lines: u64,
    segments: u64,
    first: u64,
    last: u64,
    head: String,
    folder: String,
    problems: Vec<Problem>,
    found: u64,
}

#[derive(Serialize, Deserialize)]
struct Problem {
    file: String,
    line: u64,
    what: String,
}

async fn verify(client: &Client, json: bool) -> Result<ExitCode, Failure> {
    let verdict: Verdict = client.get("/api/audit/verify").await?;
    let code = if verdict.sound { ExitCode::SUCCESS } else { ExitCode::from(1) };
    if json {
        out_json(&verdict);
        return Ok(code);
    }
    if verdict.sound {
        let Verdict { lines, segments, last, head, .. } = verdict;
        out(&format!(
            "{lines} lines in {segments} segments, unbroken\nthe last is line {last}, hash {head}\n"
        ));
        return Ok(code);
    }
    let mut text = String::new();
    for Problem { file, line, what } in &verdict.problems {
        text.push_str(&format!("{}/{}:{line}: {}\n", visible(&verdict.folder), visible(file), visible(what)));
    }
    out(&text);
    let more = verdict.found.saturating_sub(verdict.problems.len() as u64);
    let more = if more > 0 { format!(", {more} of them not shown") } else { String::new() };
    warn(&format!(
        "the audit log is not as it was written: {} places in {} lines{more}\n  keep a copy of {} for whoever looks into this",
        verdict.found, verdict.lines, verdict.folder
    ));
    Ok(code)
}
