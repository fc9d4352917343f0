//! `wharf source add` alone, on a terminal: shows what was found on this machine, asks what is missing, and says the line that
//! would do the same.

use super::add::{add_one, request};
use super::draft::Draft;
use super::found::{self, Candidate, Found, Parts};
use super::{ask, encoded};
use crate::cli::SourceAddArgs;
use crate::commands::Context;
use crate::commands::result::out_json;
use crate::link::{Client, Failure};
use crate::output::{fail, note, warn};
use std::process::ExitCode;
use wharf_protocol::{ApiError, ErrorKind, Source, SourceKind};

/// Runs the form.
///
/// # Errors
/// When the input ends or somebody says no: then nothing was added.
pub async fn run(context: &Context, args: SourceAddArgs) -> Result<ExitCode, Failure> {
    let common = request(context, &args)?;
    let client = context.client().await?;
    let sources: Vec<Source> = client.get("/api/sources").await?;
    let taken: Vec<String> = sources.into_iter().map(|s| s.name).collect();
    let mut draft = chosen(found::look(&context.env)).await?;
    draft.replace = args.replace;
    draft.ask_place(context, false).await?;
    draft.ask_name(args.name.as_deref(), &taken).await?;
    draft.ask_secret(common.key.is_some(), false).await?;
    loop {
        warn(&format!("\n  {}\n", draft.command(&args)));
        if !ask::yes("Add it?", true).await? {
            let error = ApiError::new(ErrorKind::Cancelled, "declined", "nothing was added");
            return Err(Failure::from(error));
        }
        let (failure, added) =
            match attempt(context, &client, &draft.request(context, &common), args.json).await {
                Ok(code) => return Ok(code),
                Err(failed) => failed,
            };
        fail(&context.terminal, &failure, false);
        match next(added).await? {
            Next::Edit => {
                draft.replace |= added;
                draft.ask_place(context, true).await?;
                draft.ask_secret(common.key.is_some(), true).await?;
            }
            Next::Again => draft.replace |= added,
            Next::Leave => return Err(Failure { told: true, ..failure }),
            Next::Delete => {
                let _: serde_json::Value =
                    client.delete(&format!("/api/sources/{}", encoded(&draft.name))).await?;
                note(&context.terminal, &format!("forgot {}", draft.name));
                return Err(Failure { told: true, ..failure });
            }
        }
    }
}

/// Adds the source and tests it. A failure says whether the source stands there all the same.
async fn attempt(
    context: &Context,
    client: &Client,
    add: &wharf_protocol::SourceAdd,
    json: bool,
) -> Result<ExitCode, (Failure, bool)> {
    let source = add_one(context, client, add).await.map_err(|failure| (failure, false))?;
    if json {
        out_json(&source);
        return Ok(ExitCode::SUCCESS);
    }
    super::test(client, &source.name, false).await.map_err(|failure| (failure, true))
}

/// What to do after a failure.
enum Next {
    Edit,
    Again,
    Leave,
    Delete,
}

/// Asks what to do. A source that was refused is not there; one that was added and fails its test can be kept.
async fn next(added: bool) -> Result<Next, Failure> {
    let question = match added {
        true => "It was added, but its test fails. Edit it, try again, keep it or delete it? (e/a/k/d)",
        false => "Nothing was added. Edit it, try again or quit? (e/a/q)",
    };
    ask::line(question, Some("e"), |answer| match (answer, added) {
        ("e", _) => Ok(Next::Edit),
        ("a", _) => Ok(Next::Again),
        ("k", true) | ("q", false) => Ok(Next::Leave),
        ("d", true) => Ok(Next::Delete),
        _ => Err("say one of the letters".to_owned()),
    })
    .await
}

/// What can be chosen beside what was found.
const OTHERS: [(&str, Option<(SourceKind, bool)>); 6] = [
    ("a folder, a file or a DuckDB database", None),
    ("another PostgreSQL server", Some((SourceKind::Postgres, false))),
    ("another Snowflake account", Some((SourceKind::Snowflake, false))),
    ("another Databricks workspace", Some((SourceKind::Databricks, false))),
    ("Amazon Redshift through a profile of AWS", Some((SourceKind::Redshift, true))),
    ("Amazon Redshift with user and password", Some((SourceKind::Redshift, false))),
];

/// Shows what there is and asks which of it is meant.
async fn chosen(found: Found) -> Result<Draft, Failure> {
    for trouble in &found.troubles {
        warn(&format!("not read: {trouble}"));
    }
    let (usable, unusable): (Vec<Candidate>, Vec<Candidate>) =
        found.candidates.into_iter().partition(|c| c.unusable.is_none());
    if !usable.is_empty() {
        warn("Found on this machine:");
    }
    for (i, candidate) in usable.iter().enumerate() {
        warn(&format!("{:>4}  {}  {}", i + 1, candidate.id, candidate.parts));
        warn(&format!(
            "      {}",
            [Some(candidate.origin.clone()), candidate.note()]
                .into_iter()
                .flatten()
                .collect::<Vec<_>>()
                .join("; ")
        ));
    }
    if !unusable.is_empty() {
        warn("Found, but of no use here:");
    }
    for candidate in &unusable {
        warn(&format!("      {}  {}", candidate.id, candidate.note().unwrap_or_default()));
    }
    warn(if usable.is_empty() { "What is to be added?" } else { "Or:" });
    for (i, (text, _)) in OTHERS.iter().enumerate() {
        warn(&format!("{:>4}  {text}", usable.len() + i + 1));
    }
    let last = usable.len() + OTHERS.len();
    let number = ask::line("Which one?", Some("1"), |answer| match answer.parse::<usize>() {
        Ok(number) if (1..=last).contains(&number) => Ok(number - 1),
        _ => Err(format!("say a number from 1 to {last}")),
    })
    .await?;
    let other = number.checked_sub(usable.len()).and_then(|at| OTHERS.get(at));
    Ok(match (usable.into_iter().nth(number), other) {
        (Some(candidate), _) => Draft::of_found(candidate),
        (None, Some((_, Some((kind, data_api))))) => Draft::of_kind(*kind, *data_api),
        (None, _) => Draft::of_files(),
    })
}

/// The parts of a source elsewhere of which nothing is known.
pub fn unknown(kind: SourceKind, data_api: bool) -> Parts {
    let mut parts = Parts::of(kind);
    if data_api {
        parts.options.insert("transport".to_owned(), "data-api".to_owned());
    }
    parts
}
