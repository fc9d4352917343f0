//! `wharf profile`: what a table or file holds, column by column.

use super::Context;
use super::result::{Target, out_json};
use crate::cli::ProfileArgs;
use crate::link::Failure;
use crate::output::{Paged, Terminal, profile};
use std::io::Write as _;
use std::path::Path;
use std::process::ExitCode;
use wharf_protocol::{ApiError, ErrorKind, Profile, ProfileRequest};

/// What is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Form {
    Text,
    Json,
    Page,
}

/// Runs the command.
///
/// # Errors
/// When there is no such table or file, it cannot be read, or the profile cannot be written.
pub async fn run(context: &Context, args: ProfileArgs) -> Result<ExitCode, Failure> {
    // A file that cannot be meant is refused before the work is done.
    let form = form(args.output.as_deref(), args.json)?;
    let request = ProfileRequest {
        table: args.table,
        source: context.source(),
        refresh: args.refresh,
        cwd: context.cwd_text(),
    };
    let client = context.client().await?;
    let reply = super::source::send(context, &client, "/api/profiles", &request, "profile").await?;
    let found: Profile = serde_json::from_value(reply).map_err(|e| {
        Failure::from(ApiError::new(
            ErrorKind::Internal,
            "reply",
            format!("the daemon's profile does not fit: {e}"),
        ))
    })?;
    match args.output {
        Some(file) => write(&found, form, &file, args.ascii, &context.terminal)?,
        None if form == Form::Json => out_json(&found),
        None => {
            let text = profile::view(&found, &context.terminal, args.ascii);
            let mut out = Paged::open(&context.terminal, text.lines().count());
            // A reader that leaves early has seen enough.
            let _ = out.write_all(text.as_bytes()).and_then(|()| out.flush());
            out.close();
        }
    }
    Ok(ExitCode::SUCCESS)
}

fn form(file: Option<&Path>, json: bool) -> Result<Form, Failure> {
    let Some(file) = file else { return Ok(if json { Form::Json } else { Form::Text }) };
    let ending = file.extension().map(|e| e.to_string_lossy().to_lowercase()).unwrap_or_default();
    match (ending.as_str(), json) {
        ("html" | "htm", false) => Ok(Form::Page),
        ("txt", false) => Ok(Form::Text),
        ("html" | "htm" | "txt", true) => {
            Err(Failure::usage(format!("--json does not go with {}", file.display()))
                .hint("end the file in .json, or leave --json away"))
        }
        ("json", _) | (_, true) => Ok(Form::Json),
        _ => {
            Err(Failure::usage(format!("the ending of {} does not say which form is meant", file.display()))
                .hint("end it in .html, .json or .txt"))
        }
    }
}

fn write(found: &Profile, form: Form, file: &Path, ascii: bool, terminal: &Terminal) -> Result<(), Failure> {
    let text = match form {
        Form::Page => profile::page(found),
        Form::Json => serde_json::to_string_pretty(found).unwrap_or_default() + "\n",
        Form::Text => profile::view(
            found,
            &Terminal { color_out: false, width: None, unicode: true, ..terminal.clone() },
            ascii,
        ),
    };
    let mut target = Target::create(file)?;
    target.file().write_all(text.as_bytes()).map_err(|e| target.failed(&e))?;
    target.finish()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_ending_chooses_the_form() {
        let of = |file: &str, json: bool| form(Some(Path::new(file)), json).map_err(|f| f.error.code);
        assert_eq!(of("a.html", false), Ok(Form::Page));
        assert_eq!(of("a.JSON", false), Ok(Form::Json));
        assert_eq!(of("/dev/stdout", true), Ok(Form::Json));
        assert_eq!(of("a.html", true), Err("usage".to_owned()));
        assert_eq!(of("a.pdf", false), Err("usage".to_owned()));
        assert_eq!(form(None, false).unwrap(), Form::Text);
    }
}
