//! `wharf source`: where data lives.

use super::Context;
use super::query::read_file;
use super::result::{list, out, out_json};
use crate::cli::{SourceAction, SourceAddArgs};
use crate::link::{Client, Failure};
use crate::output::{Progress, note};
use serde::Deserialize;
use serde_json::Value;
use std::collections::BTreeMap;
use std::process::ExitCode;
use wharf_protocol::{
    ApiError, ColumnKind, ErrorKind, Source, SourceAdd, SourceKey, SourceKind, SourceTest, Table,
};
use wharf_secrets::Reference;

/// Runs the command.
///
/// # Errors
/// When the source is unknown, or its files cannot be read.
pub async fn run(context: &Context, action: SourceAction) -> Result<ExitCode, Failure> {
    let client = context.client().await?;
    match action {
        SourceAction::Add(args) => add(context, &client, args).await,
        SourceAction::List { output } => {
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
        SourceAction::Test { name, json } => test(&client, &name, json).await,
        SourceAction::Show { name, json } => show(&client, &name, json).await,
        SourceAction::Delete { name, confirm } => delete(context, &client, &name, confirm.as_deref()).await,
    }
}

async fn add(context: &Context, client: &Client, args: SourceAddArgs) -> Result<ExitCode, Failure> {
    let (types, aliases) = match &args.types {
        Some(file) => types(&read_file(file)?, &file.display().to_string())?,
        None => Default::default(),
    };
    let add = SourceAdd {
        name: args.name,
        path: match args.path.to_str() {
            Some(address) if SourceKind::of_address(address).is_some() => address.to_owned(),
            _ => context.absolute(&args.path),
        },
        models: args.models.as_deref().map(|m| context.absolute(m)),
        types,
        aliases,
        key: args.secret.as_deref().map(|place| secret(context, place)).transpose()?,
        replace: args.replace,
    };
    let source = send(context, client, "/api/sources", &add, "source").await?;
    let source: Source = serde_json::from_value(source).map_err(|e| Failure::usage(e.to_string()))?;
    let tables = source.tables.unwrap_or(0);
    let tables_word = if tables == 1 { "table" } else { "tables" };
    note(
        &context.terminal,
        &format!("added {} with {tables} {tables_word} from {}", source.name, source.path),
    );
    Ok(ExitCode::SUCCESS)
}

/// What opens a source, or where it is. Never the secret itself as an argument, which others on the machine can read.
fn secret(context: &Context, place: &str) -> Result<SourceKey, Failure> {
    match place {
        "-" => {
            let mut line = String::new();
            std::io::stdin().read_line(&mut line)?;
            Ok(SourceKey::Secret(line.trim_end_matches(['\r', '\n']).to_owned()))
        }
        "ask" if context.terminal.input && !context.terminal.no_input => {
            Ok(SourceKey::Secret(rpassword::prompt_password("Secret: ")?))
        }
        "ask" => Err(Failure::usage("there is no terminal to ask at").hint("pipe it in: --secret - < FILE")),
        place => match place.parse::<Reference>() {
            Ok(reference) => Ok(SourceKey::Reference(reference.to_string())),
            Err(_) => Err(Failure::usage("--secret does not say where the secret is")
                .hint("say ask, - for standard input, env:NAME or file:/PATH")),
        },
    }
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

type Types = BTreeMap<String, BTreeMap<String, String>>;

/// The types file: `{"tables": {TABLE: {COLUMN: TYPE}}}`, or the inner object alone; other names for tables under any
/// key that begins with `aliases`.
fn types(text: &str, file: &str) -> Result<(Types, BTreeMap<String, String>), Failure> {
    let bad = |why: String| {
        Failure::usage(format!("{file}: {why}"))
            .hint("it must be {\"tables\": {TABLE: [{\"name\": COLUMN, \"type\": TYPE}, ...]}}")
    };
    let value: Value = serde_json::from_str(text).map_err(|e| bad(e.to_string()))?;
    let object = value.as_object().ok_or_else(|| bad("it is not an object".to_owned()))?;
    let tables = object.get("tables").unwrap_or(&value);
    let mut found = Types::new();
    for (table, columns) in tables.as_object().into_iter().flatten() {
        if table.starts_with("aliases") {
            continue;
        }
        let types = column_types(columns).map_err(|why| bad(format!("table `{table}`: {why}")))?;
        found.insert(table.clone(), types);
    }
    let mut aliases = BTreeMap::new();
    for (_, names) in object.iter().filter(|(key, _)| key.starts_with("aliases")) {
        for (alias, table) in names.as_object().into_iter().flatten() {
            let table = table.as_str().ok_or_else(|| bad(format!("the alias `{alias}` names no table")))?;
            aliases.insert(alias.clone(), table.to_owned());
        }
    }
    Ok((found, aliases))
}

/// Columns as a list of `{"name": ..., "type": ...}`, or as an object from name to type.
fn column_types(columns: &Value) -> Result<BTreeMap<String, String>, String> {
    let pair = |name: Option<&str>, of: Option<&str>| match (name, of) {
        (Some(name), Some(of)) => Ok((name.to_owned(), of.to_owned())),
        _ => Err("a column needs a name and a type, both texts".to_owned()),
    };
    match columns {
        Value::Array(list) => list
            .iter()
            .map(|c| pair(c.get("name").and_then(Value::as_str), c.get("type").and_then(Value::as_str)))
            .collect(),
        Value::Object(map) => map.iter().map(|(name, of)| pair(Some(name), of.as_str())).collect(),
        _ => Err("its columns are neither a list nor an object".to_owned()),
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

#[cfg(test)]
mod tests {
    use super::types;

    #[test]
    fn types_are_read_in_both_forms_and_mistakes_name_the_table() {
        let text = r#"{"tables": {"a": [{"name": "x", "type": "DATE"}], "b": {"y": "INTEGER"}}, "aliases_for_v2": {"c": "a"}}"#;
        let (types_by_table, aliases) = types(text, "t.json").unwrap();
        assert_eq!(types_by_table["a"]["x"], "DATE");
        assert_eq!(types_by_table["b"]["y"], "INTEGER");
        assert_eq!(aliases["c"], "a");
        let wrong = types(r#"{"tables": {"a": [{"name": "x"}]}}"#, "t.json").unwrap_err();
        assert!(wrong.error.message.contains("t.json: table `a`"), "{}", wrong.error.message);
    }
}
