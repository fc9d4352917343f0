//! `wharf model`: semantic models.

use super::Context;
use super::query::read_file;
use super::result::{out, out_json};
use crate::cli::ModelAction;
use crate::link::Failure;
use serde::Deserialize;
use serde_json::json;
use std::process::ExitCode;
use wharf_protocol::ModelSummary;

/// Runs the command.
///
/// # Errors
/// When files cannot be read.
pub async fn run(context: &Context, action: ModelAction) -> Result<ExitCode, Failure> {
    match action {
        ModelAction::List { json } => {
            let client = context.client().await?;
            let models: Vec<ModelSummary> = client.get("/api/models").await?;
            if json {
                out_json(&models);
                return Ok(ExitCode::SUCCESS);
            }
            let mut text = String::new();
            for model in models {
                text.push_str(&format!(
                    "{}: {} semantic models, {} metrics\n",
                    model.source,
                    model.models.len(),
                    model.metrics
                ));
                for line in model.models.iter().chain(&model.errors) {
                    text.push_str(&format!("  {line}\n"));
                }
            }
            out(&text);
            Ok(ExitCode::SUCCESS)
        }
        ModelAction::Lint { files, tables, json } => lint(context, &files, tables, json).await,
    }
}

#[derive(Deserialize)]
struct Findings {
    errors: Vec<Finding>,
}

#[derive(Deserialize, serde::Serialize)]
struct Finding {
    file: String,
    line: u32,
    column: u32,
    message: String,
    hint: Option<String>,
}

async fn lint(
    context: &Context,
    files: &[std::path::PathBuf],
    tables: Option<Vec<String>>,
    as_json: bool,
) -> Result<ExitCode, Failure> {
    let mut texts = Vec::new();
    for file in files {
        texts.push((file.display().to_string(), read_file(file)?));
    }
    let client = context.client().await?;
    let found: Findings = client.post("/api/models/lint", &json!({"files": texts, "tables": tables})).await?;
    if as_json {
        out_json(&found.errors);
    } else {
        for f in &found.errors {
            let hint = f.hint.as_ref().map(|h| format!(" ({h})")).unwrap_or_default();
            out(&format!("{}:{}:{}: {}{hint}\n", f.file, f.line, f.column, f.message));
        }
    }
    Ok(if found.errors.is_empty() { ExitCode::SUCCESS } else { ExitCode::from(1) })
}
