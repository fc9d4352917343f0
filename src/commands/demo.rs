//! `wharf demo`: a shop to try things on.

use super::Context;
use super::source::send;
use crate::cli::{AskArgs, ChatArgs, DemoArgs};
use crate::link::Failure;
use crate::output::note;
use serde::Deserialize;
use serde_json::json;
use std::process::ExitCode;
use wharf_settings::{Use, write_whole};

#[derive(Deserialize)]
struct Demo {
    source: String,
    path: String,
    questions: Vec<String>,
}

/// Runs the command.
///
/// # Errors
/// When the demo cannot be made.
pub async fn run(context: &Context, args: DemoArgs) -> Result<ExitCode, Failure> {
    let client = context.client().await?;
    let begun = std::time::Instant::now();
    let made = send(context, &client, "/api/demo", &json!({"replace": args.replace}), "demo").await?;
    let demo: Demo = serde_json::from_value(made).map_err(|e| Failure::usage(e.to_string()))?;
    note(
        &context.terminal,
        &format!(
            "The demo shop is ready after {:.1} s: source `{}` in {}",
            begun.elapsed().as_secs_f64(),
            demo.source,
            demo.path
        ),
    );
    keep_questions(context, &demo.questions);
    let Some(first) = demo.questions.first().cloned() else { return Ok(ExitCode::SUCCESS) };
    if context.terminal.out && context.terminal.input && !args.yes {
        return super::chat::run(&of_source(context, &demo.source), ChatArgs::default(), Some(first)).await;
    }
    note(&context.terminal, &format!("\n> {first}"));
    let ask = AskArgs {
        question: first,
        provider: None,
        session: None,
        continue_last: false,
        ephemeral: false,
        now: None,
        max_time: None,
        json: false,
        stream_json: false,
        show_sql: false,
        chart: None,
    };
    let code = super::ask::run(&of_source(context, &demo.source), ask).await?;
    let more: Vec<String> = demo.questions.iter().skip(1).map(|q| format!("  wharf ask \"{q}\"")).collect();
    note(&context.terminal, &format!("\nNow try:\n{}\n  wharf", more.join("\n")));
    Ok(code)
}

fn of_source(context: &Context, source: &str) -> Context {
    let mut global = context.global.clone();
    global.source = Some(source.to_owned());
    Context {
        dirs: context.dirs.clone(),
        settings: context.settings.clone(),
        terminal: context.terminal.clone(),
        global,
        env: wharf_settings::Env::process(),
        cwd: context.cwd.clone(),
    }
}

/// The chat shows them on an empty screen.
fn keep_questions(context: &Context, questions: &[String]) {
    let file = context.dirs.data.join("demo").join("questions.json");
    let _ = write_whole(&file, json!({"questions": questions}).to_string(), Use::Cache);
}
