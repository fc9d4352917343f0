//! `wharf replica`: local copies of tables and queries.

use super::Context;
use super::result::{list, out, out_json};
use super::source::{confirmed, encoded, send};
use super::token::seconds;
use crate::cli::{ReplicaAction, ReplicaAddArgs};
use crate::link::{Client, Failure};
use crate::output::{grouped, note};
use serde_json::Value;
use std::process::ExitCode;
use wharf_protocol::{ColumnKind, Incremental, Replica, ReplicaAdd, ReplicaRefreshRequest, Source};

/// Runs the command.
///
/// # Errors
/// When a replica or its source is unknown, or its rows cannot be fetched.
pub async fn run(context: &Context, action: ReplicaAction) -> Result<ExitCode, Failure> {
    let client = context.client().await?;
    match action {
        ReplicaAction::Add(args) => add(context, &client, *args).await,
        ReplicaAction::Refresh { name, full, json } => {
            let path = format!("/api/replicas/{}/refresh", encoded(&name));
            let replica = send(context, &client, &path, &ReplicaRefreshRequest { full }, "replica").await?;
            told(context, replica, "refreshed", json)
        }
        ReplicaAction::List { output } => {
            let all: Vec<Replica> = client.get("/api/replicas").await?;
            let columns = [
                ("name", ColumnKind::Text),
                ("source", ColumnKind::Text),
                ("table", ColumnKind::Text),
                ("status", ColumnKind::Text),
                ("rows", ColumnKind::Number),
                ("bytes", ColumnKind::Number),
                ("data_at", ColumnKind::Time),
                ("next_refresh", ColumnKind::Time),
            ];
            let rows = all
                .iter()
                .map(|r| {
                    vec![
                        Some(r.add.name.clone()),
                        Some(r.add.source.clone()),
                        Some(table(&r.add)),
                        Some(r.status.clone()),
                        r.rows.map(|n| n.to_string()),
                        r.bytes.map(|n| n.to_string()),
                        r.data_at.clone(),
                        r.next_refresh.clone(),
                    ]
                })
                .collect();
            list(context, &output, &columns, rows, &all)
        }
        ReplicaAction::Show { name, json } => show(&client, &name, json).await,
        ReplicaAction::Delete { name, confirm } => {
            let _: Replica = client.get(&format!("/api/replicas/{}", encoded(&name))).await?;
            let what = format!("This deletes the replica {name}; its source stays as it is.");
            confirmed(context, &what, &name, confirm.as_deref())?;
            let _: Value = client.delete(&format!("/api/replicas/{}", encoded(&name))).await?;
            note(&context.terminal, &format!("deleted {name}"));
            Ok(ExitCode::SUCCESS)
        }
    }
}

fn table(add: &ReplicaAdd) -> String {
    match &add.schema {
        Some(schema) => format!("{schema}.{}", add.table),
        None => add.table.clone(),
    }
}

async fn add(context: &Context, client: &Client, args: ReplicaAddArgs) -> Result<ExitCode, Failure> {
    let (root, schema, table) = match &args.table {
        Some(table) => parts(table)?,
        None => (None, None, args.name.clone()),
    };
    let source = match (args.source, root) {
        (Some(source), Some(root)) if source != root => {
            let message = format!("--source says `{source}`, --table says `{root}`");
            return Err(Failure::usage(message).hint("leave one of them out"));
        }
        (Some(source), _) | (None, Some(source)) => source,
        (None, None) => only_source(client).await?,
    };
    let add = ReplicaAdd {
        name: args.name,
        source,
        schema,
        table,
        columns: args.columns,
        filter: args.filter,
        sql: args.sql,
        incremental: args.cursor.map(|cursor| Incremental { cursor, keys: args.keys, deleted: args.deleted }),
        schedule: args.schedule,
        jitter: args.jitter.as_deref().map(seconds).transpose()?.unwrap_or(0),
        max_age: args.max_age.as_deref().map(seconds).transpose()?,
    };
    let replica = send(context, client, "/api/replicas", &add, "replica").await?;
    told(context, replica, "copied", args.json)
}

/// Source, schema and table of a name; a part with a dot in it stands in double quotes.
fn parts(name: &str) -> Result<(Option<String>, Option<String>, String), Failure> {
    let (mut parts, mut quoted, mut letters) = (vec![String::new()], false, name.chars().peekable());
    while let Some(letter) = letters.next() {
        let last = parts.len() - 1;
        match letter {
            '"' if quoted && letters.peek() == Some(&'"') => parts[last].extend(letters.next()),
            '"' => quoted = !quoted,
            '.' if !quoted => parts.push(String::new()),
            letter => parts[last].push(letter),
        }
    }
    let mut parts = parts.into_iter().rev();
    match (parts.next(), parts.next(), parts.next(), parts.next()) {
        (Some(table), schema, source, None) if !quoted && !table.is_empty() => Ok((source, schema, table)),
        _ => Err(Failure::usage(format!("`{name}` names no table")).hint(
            "write TABLE, SCHEMA.TABLE or SOURCE.SCHEMA.TABLE; a part with a dot in it stands in double quotes",
        )),
    }
}

/// The source that is meant where none is named.
async fn only_source(client: &Client) -> Result<String, Failure> {
    let sources: Vec<Source> = client.get("/api/sources").await?;
    match &sources[..] {
        [one] => Ok(one.name.clone()),
        _ => {
            Err(Failure::usage("say which source is copied from")
                .hint("add --source NAME (`wharf source list`)"))
        }
    }
}

fn told(context: &Context, replica: Value, done: &str, json: bool) -> Result<ExitCode, Failure> {
    if json {
        out_json(&replica);
        return Ok(ExitCode::SUCCESS);
    }
    let replica: Replica = serde_json::from_value(replica).map_err(|e| Failure::usage(e.to_string()))?;
    let count = replica.rows.unwrap_or(0);
    let rows = format!("{} {}", grouped(&count.to_string()), if count == 1 { "row" } else { "rows" });
    let fetched = replica.history.first().map_or(0, |refresh| refresh.rows);
    let part = match replica.history.first() {
        Some(refresh) if refresh.mode == "incremental" => {
            format!(", {} of them fetched", grouped(&fetched.to_string()))
        }
        _ => String::new(),
    };
    note(&context.terminal, &format!("{done} {}: {rows}{part}", replica.add.name));
    if done == "copied" && replica.query_as.ends_with(&format!(".replica.{}", replica.add.name)) {
        note(&context.terminal, &format!("read it as {}", replica.query_as));
    }
    Ok(ExitCode::SUCCESS)
}

async fn show(client: &Client, name: &str, json: bool) -> Result<ExitCode, Failure> {
    let replica: Replica = client.get(&format!("/api/replicas/{}", encoded(name))).await?;
    if json {
        out_json(&replica);
        return Ok(ExitCode::SUCCESS);
    }
    let add = &replica.add;
    let mut text = format!("{}  {} from {}\n", add.name, table(add), add.source);
    let mut line = |what: &str, value: Option<String>| {
        if let Some(value) = value {
            text.push_str(&format!("{what}  {value}\n"));
        }
    };
    line("status", Some(replica.status.clone()));
    line("query as", Some(replica.query_as.clone()));
    line("columns", (!add.columns.is_empty()).then(|| add.columns.join(", ")));
    line("where", add.filter.clone());
    line("sql", add.sql.clone());
    line("cursor", add.incremental.as_ref().map(|i| format!("{}, keys {}", i.cursor, i.keys.join(", "))));
    line("schedule", add.schedule.clone());
    line("max age", add.max_age.map(|seconds| format!("{seconds} s")));
    line("rows", replica.rows.map(|n| grouped(&n.to_string())));
    line("bytes", replica.bytes.map(|n| grouped(&n.to_string())));
    line("data of", replica.data_at.clone());
    line("used", replica.used_at.clone());
    line("next refresh", replica.next_refresh.clone());
    for refresh in &replica.history {
        let rows = grouped(&refresh.rows.to_string());
        let why = refresh.error.as_ref().map(|e| format!(": {e}")).unwrap_or_default();
        text.push_str(&format!(
            "  {} {} {}, {rows} rows{why}\n",
            refresh.begun_at, refresh.mode, refresh.outcome
        ));
    }
    out(&text);
    Ok(ExitCode::SUCCESS)
}

#[cfg(test)]
mod tests {
    use super::parts;

    #[test]
    fn names_are_taken_apart_at_their_dots() {
        let of =
            |name: &str| parts(name).ok().map(|(a, b, c)| [a, b, Some(c)].map(Option::unwrap_or_default));
        assert_eq!(of("t"), Some(["", "", "t"].map(str::to_owned)));
        assert_eq!(of("s.t"), Some(["", "s", "t"].map(str::to_owned)));
        assert_eq!(of("far.s.t"), Some(["far", "s", "t"].map(str::to_owned)));
        assert_eq!(of(r#"s."a.b ""c""""#), Some(["", "s", r#"a.b "c""#].map(str::to_owned)));
        for wrong in ["", "s.", "a.b.c.d", "\"t"] {
            assert_eq!(of(wrong), None, "{wrong}");
        }
    }
}
