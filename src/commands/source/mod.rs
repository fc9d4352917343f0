//! `wharf source`: where data lives.

mod add;
mod ask;
mod draft;
pub mod found;
mod from_env;
mod guided;
mod questions;
mod types;

use super::Context;
use super::result::{list, out, out_json};
use crate::cli::{OutputArgs, SourceAction};
use crate::link::{Client, Failure};
use crate::output::{Progress, note, warn};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use std::collections::BTreeMap;
use std::process::ExitCode;
use wharf_protocol::{ApiError, ColumnKind, ErrorKind, Source, SourceTest, Table};

/// Runs the command.
///
/// # Errors
/// When the source is unknown, or its files cannot be read.
pub async fn run(context: &Context, action: SourceAction) -> Result<ExitCode, Failure> {
    match action {
        SourceAction::Add(args) => add::run(context, args).await,
        SourceAction::Found { output } => show_found(context, &output),
        SourceAction::List { output } => {
            let client = context.client().await?;
            let sources: Vec<Source> = client.get("/api/sources").await?;
            let columns = [
                ("name", ColumnKind::Text),
                ("kind", ColumnKind::Text),
                ("path", ColumnKind::Text),
                ("models", ColumnKind::Text),
                ("created_at", ColumnKind::Time),
            ];
            let rows = sources
                .iter()
                .map(|s| {
                    vec![
                        Some(s.name.clone()),
                        Some(s.kind.name().to_owned()),
                        Some(s.path.clone()),
                        s.models.clone(),
                        Some(s.created_at.clone()),
                    ]
                })
                .collect();
            list(context, &output, &columns, rows, &sources)
        }
        SourceAction::Test { name, json } => test(&context.client().await?, &name, json).await,
        SourceAction::Show { name, json } => show(&context.client().await?, &name, json).await,
        SourceAction::Delete { name, confirm } => {
            delete(context, &context.client().await?, &name, confirm.as_deref()).await
        }
    }
}

/// A connection that was found, as it is listed.
#[derive(Serialize)]
struct FoundRow {
    id: String,
    kind: &'static str,
    name: String,
    address: String,
    state: String,
    origin: String,
    note: Option<String>,
}

/// Lists the connections of other programs. What could not be read is told beside them.
fn show_found(context: &Context, output: &OutputArgs) -> Result<ExitCode, Failure> {
    let found = found::look(&context.env);
    for trouble in &found.troubles {
        warn(&format!("not read: {trouble}"));
    }
    let rows: Vec<FoundRow> = found
        .candidates
        .iter()
        .map(|c| FoundRow {
            id: c.id.clone(),
            kind: c.parts.kind.name(),
            name: c.name.clone(),
            address: c.parts.to_string(),
            state: c.state(),
            origin: c.origin.clone(),
            note: c.note(),
        })
        .collect();
    if rows.is_empty() {
        note(&context.terminal, "no connection of another program was found on this machine");
    }
    let columns = ["id", "kind", "name", "address", "state", "origin", "note"].map(|c| (c, ColumnKind::Text));
    let cells = rows
        .iter()
        .map(|r| {
            let texts = [&r.id, r.kind, &r.name, &r.address, &r.state, &r.origin].map(|t| Some(t.to_owned()));
            texts.into_iter().chain([r.note.clone()]).collect()
        })
        .collect();
    list(context, output, &columns, cells, &rows)
}

#[derive(Deserialize)]
struct Line {
    #[serde(default)]
    progress: Option<Step>,
    #[serde(default)]
    error: Option<ApiError>,
    #[serde(flatten)]
    rest: BTreeMap<String, Value>,
}

#[derive(Deserialize)]
struct Step {
    #[serde(default, alias = "file")]
    what: String,
    done: usize,
    of: usize,
}

/// Posts a request that takes a while: progress lines are drawn, the result stands under `key` in the last line.
///
/// # Errors
/// What the daemon says, or that the answer broke off.
pub async fn send(
    context: &Context,
    client: &Client,
    path: &str,
    body: &impl serde::Serialize,
    key: &str,
) -> Result<Value, Failure> {
    let progress = Progress::new(&context.terminal, key);
    let mut reply = client.stream(path, body).await?;
    let mut buffer: Vec<u8> = Vec::new();
    loop {
        while let Some(end) = buffer.iter().position(|b| *b == b'\n') {
            let line: Vec<u8> = buffer.drain(..=end).collect();
            let line: Line = serde_json::from_slice(&line).map_err(|e| {
                Failure::from(ApiError::new(
                    ErrorKind::Internal,
                    "reply",
                    format!("the answer does not fit: {e}"),
                ))
            })?;
            if let Some(error) = line.error {
                return Err(Failure::from(error));
            }
            if let Some(step) = line.progress {
                progress.step(&step.what, step.done, step.of);
            }
            if let Some(value) = line.rest.get(key) {
                return Ok(value.clone());
            }
        }
        match reply.chunk().await {
            Ok(Some(chunk)) => buffer.extend_from_slice(&chunk),
            _ => {
                let error = ApiError::new(
                    ErrorKind::Unavailable,
                    "stream_broken",
                    "the answer broke off before its end",
                );
                return Err(Failure::from(error).hint("try again; `wharf daemon logs` shows what happened"));
            }
        }
    }
}

async fn test(client: &Client, name: &str, json: bool) -> Result<ExitCode, Failure> {
    let nothing = serde_json::json!({});
    let tested: SourceTest = client.post(&format!("/api/sources/{}/test", encoded(name)), &nothing).await?;
    if json {
        out_json(&tested);
        return Ok(ExitCode::SUCCESS);
    }
    let mut text = format!("{name}  {}\n", tested.kind.name());
    for (what, value) in [
        ("user", &tested.user),
        ("version", &tested.version),
        ("role", &tested.role),
        ("warehouse", &tested.warehouse),
    ] {
        if let Some(value) = value {
            text.push_str(&format!("{what}  {value}\n"));
        }
    }
    for warning in &tested.warnings {
        text.push_str(&format!("warning  {warning}\n"));
    }
    out(&text);
    Ok(ExitCode::SUCCESS)
}

async fn show(client: &Client, name: &str, json: bool) -> Result<ExitCode, Failure> {
    let source: Source = client.get(&format!("/api/sources/{}", encoded(name))).await?;
    let tables: Vec<Table> = client.list(&format!("/api/tables?source={}", encoded(name))).await?;
    if json {
        out_json(&serde_json::json!({"source": source, "tables": tables}));
        return Ok(ExitCode::SUCCESS);
    }
    let mut text = format!("{}  {}\n", source.name, source.path);
    if let Some(models) = &source.models {
        text.push_str(&format!("models  {models}\n"));
    }
    if let Some(key) = &source.key {
        text.push_str(&format!("secret  {key}\n"));
    }
    for table in tables {
        let rows = table
            .rows
            .map(|n| format!(", {} rows", crate::output::grouped(&n.to_string())))
            .unwrap_or_default();
        text.push_str(&format!("  {} ({} columns{rows})\n", table.qualified, table.columns.len()));
    }
    out(&text);
    Ok(ExitCode::SUCCESS)
}

async fn delete(
    context: &Context,
    client: &Client,
    name: &str,
    confirm: Option<&str>,
) -> Result<ExitCode, Failure> {
    let _: Source = client.get(&format!("/api/sources/{}", encoded(name))).await?;
    confirmed(context, &format!("This forgets the source {name}; its files stay."), name, confirm)?;
    let _: Value = client.delete(&format!("/api/sources/{}", encoded(name))).await?;
    note(&context.terminal, &format!("forgot {name}"));
    Ok(ExitCode::SUCCESS)
}

/// Has a severe step confirmed: by its name on the command line, or typed at the terminal.
///
/// # Errors
/// When it is not.
pub fn confirmed(context: &Context, what: &str, name: &str, confirm: Option<&str>) -> Result<(), Failure> {
    let sure = match confirm {
        Some(confirm) => confirm == name,
        None if context.terminal.input && !context.terminal.no_input => {
            crate::output::warn(&format!("{what} Type `{name}` to go on:"));
            let mut line = String::new();
            std::io::stdin().read_line(&mut line)?;
            line.trim() == name
        }
        None => {
            return Err(Failure::usage("this must be confirmed").hint(format!("add --confirm {name}")));
        }
    };
    if sure { Ok(()) } else { Err(Failure::usage("the name does not match; nothing was changed")) }
}

/// A name as it stands in a path.
pub fn encoded(name: &str) -> String {
    name.bytes()
        .map(|b| match b {
            b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'-' | b'_' | b'.' | b'~' => char::from(b).to_string(),
            b => format!("%{b:02X}"),
        })
        .collect()
}
