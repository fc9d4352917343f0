//! `wharf source add --from-env FILE`: the sources that the variables of a `.env` file describe.

use super::add::{add_one, request, set, still_needed};
use super::found::env_file::{self, Described, Description, variable_for};
use super::found::text_in;
use crate::cli::SourceAddArgs;
use crate::commands::Context;
use crate::commands::result::out_json;
use crate::link::Failure;
use crate::output::note;
use serde_json::json;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use wharf_protocol::{ApiError, ErrorKind, SourceAdd, SourceKind};

/// Runs the command. All of the file is judged before anything is added.
///
/// # Errors
/// When the file describes no source or half of one, or the daemon refuses it.
pub async fn run(context: &Context, args: SourceAddArgs, file: &Path) -> Result<ExitCode, Failure> {
    let mut description = read(context, &args, file)?;
    for described in &mut description.sources {
        // What is said of one kind need not fit another.
        set(&mut described.candidate, &args.set)?;
    }
    if description.sources.len() > 1 && (!args.set.is_empty() || args.secret.is_some()) {
        let kinds = kinds(&description).join(", ");
        return Err(Failure::usage(format!("{} describes {kinds}: which of them is meant?", file.display()))
            .hint("say it with --kind"));
    }
    let common = request(context, &args)?;
    check(file, &description, common.key.is_some())?;
    let adds = requests(&description, &common);
    tell(context, &description);
    let client = context.client().await?;
    let mut sources = Vec::new();
    for add in &adds {
        sources.push(add_one(context, &client, add).await?);
    }
    if args.json {
        let used: Vec<&String> = description.sources.iter().flat_map(|s| &s.used).collect();
        out_json(&json!({"sources": sources, "used": used, "ignored": description.ignored}));
    }
    Ok(ExitCode::SUCCESS)
}

fn read(context: &Context, args: &SourceAddArgs, file: &Path) -> Result<Description, Failure> {
    let unreadable = |why: String| Failure::usage(format!("{} cannot be read: {why}", file.display()));
    let text = if file.as_os_str() == "-" {
        text_in(std::io::stdin())
    } else {
        // A pipe is a file like any other here: a shell's <(...) brings secrets that lie on no disk.
        let opened = std::fs::File::open(context.cwd.join(file)).map_err(|e| match e.kind() {
            std::io::ErrorKind::NotFound => {
                let message = format!("{} does not exist", file.display());
                Failure::from(ApiError::new(ErrorKind::NotFound, "file_not_found", message))
            }
            _ => unreadable(e.to_string()),
        })?;
        text_in(opened)
    };
    let text = text.map_err(unreadable)?;
    let home = context.env.get("HOME").map(PathBuf::from);
    let kind = args.kind.as_deref().and_then(SourceKind::named);
    // Paths in the file are meant from where it is; faults name it as it was called.
    let mut description = env_file::read(&text, &context.cwd.join(file), home.as_deref(), kind);
    let (whole, called) = (context.cwd.join(file).display().to_string(), file.display().to_string());
    for fault in &mut description.faults {
        *fault = fault.replacen(&whole, &called, 1);
    }
    Ok(description)
}

fn kinds(description: &Description) -> Vec<&'static str> {
    description.sources.iter().map(|s| s.candidate.parts.kind.name()).collect()
}

/// Refuses what is not whole.
fn check(file: &Path, description: &Description, secret_given: bool) -> Result<(), Failure> {
    let name = file.display();
    if let Some(first) = description.faults.first() {
        let more = description.faults.len() - 1;
        let rest =
            description.faults.iter().skip(1).map(|f| format!("also {f}")).collect::<Vec<_>>().join("\n  ");
        let error = Failure::usage(first.clone());
        return Err(if more > 0 { error.hint(rest) } else { error });
    }
    if description.sources.is_empty() {
        return Err(Failure::usage(format!("{name} says nothing about a source")).hint(
            "known are SNOWFLAKE_*, DATABRICKS_*, REDSHIFT_* with AWS_*, and PG*, POSTGRES_* or DATABASE_URL",
        ));
    }
    for Described { candidate, .. } in &description.sources {
        let needs = still_needed(candidate, secret_given);
        if needs.is_empty() {
            continue;
        }
        let kind = candidate.parts.kind;
        let variables: Vec<&str> = needs.iter().map(|need| variable_for(kind, need)).collect();
        let message = format!("{name} lacks {} for {}", variables.join(" and "), kind.name());
        let say = super::add::how_to_say(&needs);
        let remarks: String = candidate.remarks.iter().map(|remark| format!("\n  {remark}")).collect();
        let others = if description.sources.len() > 1 { "\n  --kind adds one of several alone" } else { "" };
        return Err(Failure::usage(message).hint(format!("add it to the file, or {say}{others}{remarks}")));
    }
    Ok(())
}

/// One request for each source: under the name that was given, or the kind's; several under both.
fn requests(description: &Description, common: &SourceAdd) -> Vec<SourceAdd> {
    let several = description.sources.len() > 1;
    let named = |kind: SourceKind| match (common.name.as_str(), several) {
        ("", _) => kind.name().to_owned(),
        (name, false) => name.to_owned(),
        (name, true) => format!("{name}_{}", kind.name()),
    };
    description
        .sources
        .iter()
        .map(|Described { candidate, .. }| SourceAdd {
            name: named(candidate.parts.kind),
            path: candidate.parts.to_string(),
            key: common.key.clone().or_else(|| candidate.secret.key()),
            ..common.clone()
        })
        .collect()
}

/// Says which variables were used, and for what; never what stands in them.
fn tell(context: &Context, description: &Description) {
    for Described { candidate, used } in &description.sources {
        note(&context.terminal, &format!("{}: uses {}", candidate.parts.kind.name(), used.join(", ")));
        for remark in &candidate.remarks {
            note(&context.terminal, &format!("{}: {remark}", candidate.parts.kind.name()));
        }
    }
    if !description.ignored.is_empty() {
        note(&context.terminal, &format!("ignored: {}", description.ignored.join(", ")));
    }
}
