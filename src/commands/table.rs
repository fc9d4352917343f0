//! `wharf table`: what a source holds.

use super::Context;
use super::result::list;
use super::source::encoded;
use crate::cli::TableAction;
use crate::link::Failure;
use std::process::ExitCode;
use wharf_protocol::{ApiError, ColumnKind, ErrorKind, Table};

/// Runs the command.
///
/// # Errors
/// When the source or table is unknown.
pub async fn run(context: &Context, action: TableAction) -> Result<ExitCode, Failure> {
    let client = context.client().await?;
    let path = context
        .source()
        .map_or_else(|| "/api/tables".to_owned(), |s| format!("/api/tables?source={}", encoded(&s)));
    let tables: Vec<Table> = client.get(&path).await?;
    match action {
        TableAction::List { output } => {
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
            let matches = |t: &&Table| {
                let full = format!("{}.{}.{}", t.catalog, t.schema, t.name);
                t.qualified.eq_ignore_ascii_case(&table)
                    || full.eq_ignore_ascii_case(&table)
                    || format!("{}.{}", t.catalog, t.name).eq_ignore_ascii_case(&table)
            };
            let Some(found) = tables.iter().find(matches) else {
                let error = ApiError::new(
                    ErrorKind::NotFound,
                    "table_not_found",
                    format!("there is no table `{table}`"),
                );
                let names: Vec<&str> = tables.iter().map(|t| t.qualified.as_str()).take(12).collect();
                return Err(Failure::from(error).hint(format!("there are: {}", names.join(", "))));
            };
            let columns = [("column", ColumnKind::Text), ("type", ColumnKind::Text)];
            let rows =
                found.columns.iter().map(|c| vec![Some(c.name.clone()), Some(c.r#type.clone())]).collect();
            list(context, &output, &columns, rows, &found.columns)
        }
    }
}
