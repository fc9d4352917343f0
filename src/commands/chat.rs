//! `wharf chat`, and plain `wharf`: the screen.

use super::Context;
use super::source::encoded;
use crate::cli::ChatArgs;
use crate::link::{Client, Failure};
use crate::tui::{ChatOptions, Ended, Screen};
use serde::Deserialize;
use std::process::ExitCode;
use wharf_protocol::{MetricInfo, Session, SessionCreate, Source, Table};

/// Runs the command. `first_question` is asked as soon as the screen stands.
///
/// # Errors
/// When there is no terminal, or the session is unknown.
pub async fn run(
    context: &Context,
    args: ChatArgs,
    first_question: Option<String>,
) -> Result<ExitCode, Failure> {
    if !(context.terminal.out && context.terminal.input) {
        return Err(Failure::usage("the chat needs a terminal")
            .hint("in scripts use `wharf ask QUESTION`; `wharf --help` shows the rest"));
    }
    let client = context.client().await?;
    if let Some(nothing) = nothing_there(&client).await? {
        crate::output::note(&context.terminal, nothing);
        return Ok(ExitCode::SUCCESS);
    }
    let session = match args.session {
        Some(name) => Some(open(context, &client, &name).await?),
        None => None,
    };
    let screen = match (args.full, args.inline, context.settings.text("chat.screen")) {
        (true, ..) => Screen::Full,
        (_, true, _) => Screen::Inline,
        (.., "full") => Screen::Full,
        _ => Screen::Inline,
    };
    let options = ChatOptions {
        examples: examples(context, &client).await,
        session,
        resume_picker: args.resume,
        continue_last: args.continue_last,
        source: context.source(),
        screen,
        ascii: args.ascii || !context.terminal.unicode || context.settings.text("chat.chart") == "ascii",
        no_color: !context.terminal.color_out,
        first_question,
    };
    Ok(match crate::tui::run(client, options).await? {
        Ended::Left => ExitCode::SUCCESS,
        Ended::Told => ExitCode::from(143),
    })
}

/// What to do where there is nothing to chat with yet.
async fn nothing_there(client: &Client) -> Result<Option<&'static str>, Failure> {
    if client.is_local() {
        let sources: Vec<Source> = client.get("/api/sources").await?;
        return Ok(sources.is_empty().then_some(
            "There is no source yet.\n  wharf demo                        sets up a shop with four years of sales\n  wharf source add                  shows what there is on this machine, and asks\n  wharf source add NAME FOLDER      adds your own files",
        ));
    }
    let tables: Vec<Table> = client.list("/api/tables").await?;
    Ok(tables.is_empty().then_some(
        "You may not read any table there yet; an admin can allow some: wharf table allow TABLE --to ...",
    ))
}

/// The id of the session of this name; one that does not exist yet is begun under it.
async fn open(context: &Context, client: &Client, name: &str) -> Result<String, Failure> {
    let found: Result<Session, Failure> = client.get(&format!("/api/sessions/{}", encoded(name))).await;
    let session = match found {
        Err(failure) if failure.error.code == "session_not_found" => {
            let create = SessionCreate { title: Some(name.to_owned()), source: context.source() };
            client.post("/api/sessions", &create).await?
        }
        found => found?,
    };
    Ok(session.session_id)
}

/// Three questions that the models can answer.
async fn examples(context: &Context, client: &Client) -> Vec<String> {
    #[derive(Deserialize)]
    struct Kept {
        questions: Vec<String>,
    }
    let source = context.source();
    let file = context.dirs.data.join("demo").join("questions.json");
    if let Some(kept) = std::fs::read(file).ok().and_then(|b| serde_json::from_slice::<Kept>(&b).ok())
        && source.as_deref().is_none_or(|s| s == "demo")
    {
        return kept.questions;
    }
    let path = source.map_or_else(|| "/api/metrics".to_owned(), |s| format!("/api/metrics?source={s}"));
    let metrics: Vec<MetricInfo> = client.get(&path).await.unwrap_or_default();
    let name = |m: &MetricInfo| m.label.clone().unwrap_or_else(|| m.name.clone()).to_lowercase();
    let mut questions: Vec<String> =
        metrics.iter().take(1).map(|m| format!("{} by month", name(m))).collect();
    questions.extend(metrics.get(1).map(|m| format!("{} last month", name(m))));
    questions.extend(metrics.get(2).map(name));
    questions
}
