//! `wharf policy check`: what an agent's statements would meet.

use super::Context;
use super::query::read_file;
use super::result::{format, out};
use crate::cli::{OutputFormat, PolicyAction};
use crate::link::Failure;
use std::io::Read;
use std::path::Path;
use std::process::ExitCode;
use wharf_protocol::ColumnKind;

/// Runs the command.
///
/// # Errors
/// When a line does not fit.
pub async fn run(context: &Context, action: PolicyAction) -> Result<ExitCode, Failure> {
    let PolicyAction::Check { from, output } = action;
    let text = if from == Path::new("-") {
        let mut text = String::new();
        std::io::stdin().read_to_string(&mut text)?;
        text
    } else {
        read_file(&from)?
    };
    let client = context.client().await?;
    let verdicts = client.post_text("/api/policy/check", text).await?;
    if format(context, &output)? == OutputFormat::Ndjson && output.output.is_none() {
        out(&verdicts);
        return Ok(ExitCode::SUCCESS);
    }
    let values: Vec<serde_json::Value> =
        verdicts.lines().filter_map(|l| serde_json::from_str(l).ok()).collect();
    let cell = |v: &serde_json::Value, key: &str| v.get(key).and_then(|t| t.as_str()).map(str::to_owned);
    let rows = values.iter().map(|v| vec![cell(v, "id"), cell(v, "decision"), cell(v, "reason")]).collect();
    let columns = [("id", ColumnKind::Text), ("decision", ColumnKind::Text), ("reason", ColumnKind::Text)];
    super::result::list(context, &output, &columns, rows, &values)
}
