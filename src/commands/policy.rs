//! `wharf policy`: what others than the owner may read, how, and how much.

use super::Context;
use super::query::read_file;
use super::result::{format, out, out_json};
use crate::cli::{OutputArgs, OutputFormat, PolicyAction, PolicySetArgs};
use crate::link::{Client, Failure};
use crate::output::{grouped, note};
use std::collections::BTreeMap;
use std::io::Read;
use std::path::Path;
use std::process::ExitCode;
use wharf_protocol::{
    ColumnKind, PolicyBook, PolicyChange, PolicyTest, PolicyVerdict, RuleEntry, SubjectLimits, TableRule,
};

/// Runs the command.
///
/// # Errors
/// When a table or subject is unknown, or something given does not fit.
pub async fn run(context: &Context, action: PolicyAction) -> Result<ExitCode, Failure> {
    match action {
        PolicyAction::Check { from, output } => check(context, &from, &output).await,
        PolicyAction::Show { json } => show(&context.client().await?, json).await,
        PolicyAction::Set(args) => set(context, args).await,
        PolicyAction::Test { subject, sql, json } => {
            let test = PolicyTest { subject, sql, source: context.source() };
            let verdict: PolicyVerdict = context.client().await?.post("/api/policy/test", &test).await?;
            if json {
                out_json(&verdict);
            } else {
                out(&explained(&verdict));
            }
            Ok(if verdict.decision == "allow" { ExitCode::SUCCESS } else { ExitCode::from(7) })
        }
    }
}

async fn show(client: &Client, json: bool) -> Result<ExitCode, Failure> {
    let book: PolicyBook = client.get("/api/policy").await?;
    if json {
        out_json(&book);
        return Ok(ExitCode::SUCCESS);
    }
    let mut text = String::new();
    for grant in &book.grants {
        text.push_str(&format!(
            "{} may read {}.{}.{}\n",
            grant.subject, grant.source, grant.schema, grant.table
        ));
    }
    for rule in &book.rules {
        text.push_str(&told(rule));
    }
    for entry in &book.limits {
        text.push_str(&format!("{} takes at most {}\n", entry.subject, entry.limits));
    }
    if text.is_empty() {
        text.push_str("nothing is granted to anybody\n");
    }
    out(&text);
    Ok(ExitCode::SUCCESS)
}

fn told(entry: &RuleEntry) -> String {
    let RuleEntry { subject, source, schema, table, rule } = entry;
    format!("{subject} sees {source}.{schema}.{table} with {rule}\n")
}

fn explained(verdict: &PolicyVerdict) -> String {
    let mut text = format!("{}\n", verdict.decision);
    if let Some(error) = &verdict.error {
        text.push_str(&format!("why: {}\n", error.message));
        if let Some(hint) = &error.hint {
            text.push_str(&format!("hint: {hint}\n"));
        }
    }
    text.push_str(&format!("counts as: {}\n", verdict.subjects.join(", ")));
    if !verdict.tables.is_empty() {
        text.push_str(&format!("reads: {}\n", verdict.tables.join(", ")));
    }
    for rule in &verdict.rules {
        text.push_str(&format!("rule: {}", told(rule)));
    }
    if verdict.limits != SubjectLimits::default() {
        text.push_str(&format!("at most: {}\n", verdict.limits));
    }
    if let Some(route) = &verdict.route {
        let about = |n: u64, what: &str| format!(", about {} {what}", grouped(&n.to_string()));
        let rows = verdict.estimated_rows.map(|n| about(n, if n == 1 { "row" } else { "rows" }));
        let bytes = verdict.estimated_bytes.map(|n| about(n, if n == 1 { "byte" } else { "bytes" }));
        text.push_str(&format!(
            "runs on: {route}{}{}\n",
            rows.unwrap_or_default(),
            bytes.unwrap_or_default()
        ));
    }
    if let Some(sql) = &verdict.rewritten {
        text.push_str(&format!("runs as: {sql}\n"));
    }
    text
}

async fn set(context: &Context, args: PolicySetArgs) -> Result<ExitCode, Failure> {
    let change = change(context, &args)?;
    let reply: serde_json::Value = context.client().await?.put("/api/policy", &change).await?;
    if args.json {
        out_json(&reply);
    } else {
        note(&context.terminal, reply["message"].as_str().unwrap_or("done"));
    }
    Ok(ExitCode::SUCCESS)
}

fn change(context: &Context, args: &PolicySetArgs) -> Result<PolicyChange, Failure> {
    let limits = SubjectLimits {
        rows: args.rows,
        bytes: args.bytes,
        seconds: args.seconds,
        concurrent: args.concurrent,
        per_day: args.per_day,
        cost: args.cost,
    };
    let some = if args.table.is_some() {
        !args.columns.is_empty() || args.filter.is_some()
    } else {
        limits != SubjectLimits::default()
    };
    if some == args.clear {
        return Err(Failure::usage(if some { "--clear goes alone" } else { "nothing is to be set" })
            .hint("`wharf policy set --help` shows what can be"));
    }
    let subject = args.subject.clone();
    let Some(table) = args.table.clone() else {
        return Ok(PolicyChange { subject, table: None, source: None, rule: None, limits: Some(limits) });
    };
    let mut columns = BTreeMap::new();
    for column in &args.columns {
        let (name, treatment) = column.rsplit_once('=').ok_or_else(|| {
            Failure::usage(format!("`{column}` does not say how the column is seen"))
                .hint("say COLUMN=deny or COLUMN=mask:hash")
        })?;
        columns.insert(name.to_owned(), treatment.to_owned());
    }
    let rule = TableRule { columns, filter: args.filter.clone() };
    Ok(PolicyChange { subject, table: Some(table), source: context.source(), rule: Some(rule), limits: None })
}

/// What an agent's statements would meet: lines of cases in, verdicts out.
async fn check(context: &Context, from: &Path, output: &OutputArgs) -> Result<ExitCode, Failure> {
    let text = if from == Path::new("-") {
        let mut text = String::new();
        std::io::stdin().read_to_string(&mut text)?;
        text
    } else {
        read_file(from)?
    };
    let client = context.client().await?;
    let verdicts = client.post_text("/api/policy/check", text).await?;
    if format(context, output)? == OutputFormat::Ndjson && output.output.is_none() {
        out(&verdicts);
        return Ok(ExitCode::SUCCESS);
    }
    let values: Vec<serde_json::Value> =
        verdicts.lines().filter_map(|l| serde_json::from_str(l).ok()).collect();
    let cell = |v: &serde_json::Value, key: &str| v.get(key).and_then(|t| t.as_str()).map(str::to_owned);
    let rows = values.iter().map(|v| vec![cell(v, "id"), cell(v, "decision"), cell(v, "reason")]).collect();
    let columns = [("id", ColumnKind::Text), ("decision", ColumnKind::Text), ("reason", ColumnKind::Text)];
    super::result::list(context, output, &columns, rows, &values)
}
