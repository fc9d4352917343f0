//! `wharf table`: what a source holds, and who may read it.

use super::Context;
use super::result::{list, out_json};
use super::source::encoded;
use crate::cli::TableAction;
use crate::link::{Client, Failure};
use crate::output::note;
use std::process::ExitCode;
use wharf_protocol::{
    ApiError, ColumnKind, ErrorKind, GrantAction, GrantChange, ListedTable, Table, TableNote,
};

/// Runs the command.
///
/// # Errors
/// When the source or table is unknown.
pub async fn run(context: &Context, action: TableAction) -> Result<ExitCode, Failure> {
    let client = context.client().await?;
    match action {
        TableAction::List { output } => {
            let tables = tables(context, &client).await?;
            let columns = [
                ("source", ColumnKind::Text),
                ("table", ColumnKind::Text),
                ("columns", ColumnKind::Number),
                ("rows", ColumnKind::Number),
            ];
            let rows = tables
                .iter()
                .map(|t| {
                    vec![
                        Some(t.catalog.clone()),
                        Some(t.qualified.clone()),
                        Some(t.columns.len().to_string()),
                        t.rows.map(|n| n.to_string()),
                    ]
                })
                .collect();
            list(context, &output, &columns, rows, &tables)
        }
        TableAction::Show { table, output } => {
            let tables = tables(context, &client).await?;
            let found = find(&tables, &table)?;
            let columns = [("column", ColumnKind::Text), ("type", ColumnKind::Text)];
            let rows =
                found.columns.iter().map(|c| vec![Some(c.name.clone()), Some(c.r#type.clone())]).collect();
            list(context, &output, &columns, rows, &found.columns)
        }
        TableAction::Allow { table, to, json } => {
            grant(context, &client, GrantAction::Allow, table, to, json).await
        }
        TableAction::Deny { table, to, json } => {
            grant(context, &client, GrantAction::Deny, table, to, json).await
        }
        TableAction::Update { table, description, tags, json } => {
            let note_of = TableNote { description, tags };
            let path = format!("/api/tables/{}", encoded(&named(context, table)));
            let listed: ListedTable = client.patch(&path, &note_of).await?;
            if json {
                out_json(&listed);
            } else {
                note(&context.terminal, &format!("{} is described", listed.table_id));
            }
            Ok(ExitCode::SUCCESS)
        }
    }
}

/// The table's name with the source that was named, if one was.
fn named(context: &Context, table: String) -> String {
    match context.source() {
        Some(source) if !table.starts_with(&format!("{source}.")) => format!("{source}.{table}"),
        _ => table,
    }
}

async fn tables(context: &Context, client: &Client) -> Result<Vec<Table>, Failure> {
    let path = context
        .source()
        .map_or_else(|| "/api/tables".to_owned(), |s| format!("/api/tables?source={}", encoded(&s)));
    client.list(&path).await
}

fn find<'a>(tables: &'a [Table], table: &str) -> Result<&'a Table, Failure> {
    let matches = |t: &&Table| {
        let full = format!("{}.{}.{}", t.catalog, t.schema, t.name);
        t.qualified.eq_ignore_ascii_case(table)
            || full.eq_ignore_ascii_case(table)
            || format!("{}.{}", t.catalog, t.name).eq_ignore_ascii_case(table)
    };
    tables.iter().find(matches).ok_or_else(|| {
        let error =
            ApiError::new(ErrorKind::NotFound, "table_not_found", format!("there is no table `{table}`"));
        let names: Vec<&str> = tables.iter().map(|t| t.qualified.as_str()).take(12).collect();
        Failure::from(error).hint(format!("there are: {}", names.join(", ")))
    })
}

async fn grant(
    context: &Context,
    client: &Client,
    action: GrantAction,
    table: String,
    to: String,
    json: bool,
) -> Result<ExitCode, Failure> {
    let change = GrantChange { action, table, source: context.source(), subject: Some(to) };
    let reply: serde_json::Value = client.post("/api/tables", &change).await?;
    if json {
        out_json(&reply);
    } else {
        note(&context.terminal, reply["message"].as_str().unwrap_or("done"));
    }
    Ok(ExitCode::SUCCESS)
}
