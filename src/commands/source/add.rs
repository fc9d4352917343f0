//! `wharf source add`, as scripts call it.

use super::found::{self, Candidate, Secret};
use super::types::types;
use super::{from_env, guided, send};
use crate::cli::SourceAddArgs;
use crate::commands::Context;
use crate::commands::query::read_file;
use crate::commands::result::out_json;
use crate::link::{Client, Failure};
use crate::output::note;
use std::path::Path;
use std::process::ExitCode;
use wharf_protocol::{ApiError, ErrorKind, Source, SourceAdd, SourceKey, SourceKind};
use wharf_secrets::Reference;

/// What `wharf source add` can be told.
const FORMS: &str = "wharf source add NAME FOLDER|FILE|ADDRESS [--secret ask]\n  wharf source add NAME --found ID      `wharf source found` lists what there is\n  wharf source add [NAME] --from-env FILE\n  On a terminal `wharf source add` alone asks.";

/// Runs the command.
///
/// # Errors
/// When what was said does not make a source, or the daemon refuses it.
pub async fn run(context: &Context, args: SourceAddArgs) -> Result<ExitCode, Failure> {
    if let Some(file) = args.from_env.clone() {
        return from_env::run(context, args, &file).await;
    }
    if let Some(id) = args.found.clone() {
        return add_found(context, args, &id).await;
    }
    not_without(!args.set.is_empty(), "--set", "--found or --from-env")?;
    not_without(args.kind.is_some(), "--kind", "--from-env")?;
    let Some(path) = args.path.clone() else {
        // Questions stand on standard error.
        if context.terminal.input && context.terminal.err && !context.terminal.no_input {
            return guided::run(context, args).await;
        }
        let lacks =
            if args.name.is_some() { "where the source is" } else { "a name and where the source is" };
        return Err(Failure::usage(format!("{lacks} must be said, and there is nobody to ask")).hint(FORMS));
    };
    let add = SourceAdd { path: place(context, &path), ..request(context, &args)? };
    let client = context.client().await?;
    let source = add_one(context, &client, &add).await?;
    if args.json {
        out_json(&source);
    }
    Ok(ExitCode::SUCCESS)
}

fn not_without(given: bool, flag: &str, other: &str) -> Result<(), Failure> {
    match given {
        true => Err(Failure::usage(format!("{flag} says something only with {other}"))),
        false => Ok(()),
    }
}

/// What all forms of the command have in common; the name and the place are still to be filled in where they were not given.
///
/// # Errors
/// When a file that was named cannot be read, or `--secret` says no place.
pub fn request(context: &Context, args: &SourceAddArgs) -> Result<SourceAdd, Failure> {
    let (types, aliases) = match &args.types {
        Some(file) => types(&read_file(file)?, &file.display().to_string())?,
        None => Default::default(),
    };
    Ok(SourceAdd {
        name: args.name.clone().unwrap_or_default(),
        path: String::new(),
        models: args.models.as_deref().map(|m| context.absolute(m)),
        types,
        aliases,
        key: args.secret.as_deref().map(|place| secret(context, place)).transpose()?,
        replace: args.replace,
    })
}

/// An address as it is, a path as the daemon can use it.
pub fn place(context: &Context, path: &Path) -> String {
    match path.to_str() {
        Some(address) if SourceKind::of_address(address).is_some() => address.to_owned(),
        _ => context.absolute(path),
    }
}

/// Has the daemon add a source, and says so.
///
/// # Errors
/// What the daemon says.
pub async fn add_one(context: &Context, client: &Client, add: &SourceAdd) -> Result<Source, Failure> {
    let source = send(context, client, "/api/sources", add, "source").await?;
    let source: Source = serde_json::from_value(source).map_err(|e| {
        let message = format!("the answer does not fit: {e}");
        Failure::from(ApiError::new(ErrorKind::Internal, "reply", message))
    })?;
    let tables = source.tables.unwrap_or(0);
    let tables_word = if tables == 1 { "table" } else { "tables" };
    note(
        &context.terminal,
        &format!("added {} with {tables} {tables_word} from {}", source.name, source.path),
    );
    Ok(source)
}

/// Adds a connection that another program has.
async fn add_found(context: &Context, args: SourceAddArgs, id: &str) -> Result<ExitCode, Failure> {
    not_without(args.kind.is_some(), "--kind", "--from-env")?;
    let found = found::look(&context.env);
    let Some(mut candidate) = found.candidates.iter().find(|c| c.id == id).cloned() else {
        let mut hint = "`wharf source found` lists what there is".to_owned();
        for trouble in &found.troubles {
            hint.push_str(&format!("\n  not read: {trouble}"));
        }
        let message = format!("nothing of the id `{id}` was found on this machine");
        return Err(Failure::from(ApiError::new(ErrorKind::NotFound, "not_found", message)).hint(hint));
    };
    set(&mut candidate, &args.set)?;
    let given = request(context, &args)?;
    let needs = still_needed(&candidate, given.key.is_some());
    // Whoever says something else may have mended it; the daemon judges that.
    if let (Some(why), true) = (&candidate.unusable, args.set.is_empty()) {
        let hint = format!("{}; --set PART=VALUE says something else", candidate.origin);
        return Err(Failure::usage(format!("{id} cannot be used: {why}")).hint(hint));
    }
    if !needs.is_empty() {
        let why = candidate.note().map(|note| format!("; {note}")).unwrap_or_default();
        let error =
            Failure::usage(format!("{id} does not say all that is needed: {}{why}", needs.join(", ")));
        return Err(error.hint(how_to_say(&needs)));
    }
    let name = if given.name.is_empty() { candidate.name.clone() } else { given.name.clone() };
    let add = SourceAdd {
        name,
        path: candidate.parts.to_string(),
        key: given.key.clone().or_else(|| candidate.secret.key()),
        ..given
    };
    for remark in &candidate.remarks {
        note(&context.terminal, remark);
    }
    let client = context.client().await?;
    let source = add_one(context, &client, &add).await?;
    if args.json {
        out_json(&source);
    }
    Ok(ExitCode::SUCCESS)
}

/// What must still be said, with a secret given apart or not.
pub fn still_needed(candidate: &Candidate, secret_given: bool) -> Vec<&'static str> {
    candidate.needs().into_iter().filter(|need| *need != "secret" || !secret_given).collect()
}

/// The flags that say what is needed.
pub fn how_to_say(needs: &[&str]) -> String {
    let flag = |need: &&str| match *need {
        "secret" => "--secret ask".to_owned(),
        part => format!("--set {part}=..."),
    };
    format!("say it with {}", needs.iter().map(flag).collect::<Vec<_>>().join(" "))
}

/// Fills in what `--set PART=VALUE` says.
///
/// # Errors
/// When it is of another form, or no part is called so.
pub fn set(candidate: &mut Candidate, pairs: &[String]) -> Result<(), Failure> {
    for pair in pairs {
        // Not the pair itself: somebody may have tried to give a password so.
        let (part, value) = pair.split_once('=').ok_or_else(|| {
            Failure::usage("--set is not of the form PART=VALUE").hint("--set database=sales")
        })?;
        if ["password", "secret", "token"].contains(&part) {
            return Err(Failure::usage("a secret is no argument: others on this machine can read it")
                .hint("give it with --secret ask, --secret -, --secret env:NAME or --secret file:/PATH"));
        }
        candidate.parts.set(part, value).map_err(|why| {
            Failure::usage(format!("--set {part}: {why}"))
                .hint("parts are user, host, port, database, schema, and the options of the kind")
        })?;
        if part == "private_key" {
            candidate.secret = Secret::None;
        }
    }
    Ok(())
}

/// What opens a source, or where it is. Never the secret itself as an argument, which others on the machine can read.
fn secret(context: &Context, place: &str) -> Result<SourceKey, Failure> {
    match place {
        "-" => {
            let mut line = String::new();
            std::io::stdin().read_line(&mut line)?;
            Ok(SourceKey::Secret(line.trim_end_matches(['\r', '\n']).to_owned()))
        }
        "ask" if context.terminal.input && !context.terminal.no_input => {
            Ok(SourceKey::Secret(rpassword::prompt_password("Secret: ")?))
        }
        "ask" => Err(Failure::usage("there is no terminal to ask at").hint("pipe it in: --secret - < FILE")),
        place => match place.parse::<Reference>() {
            Ok(reference) => Ok(SourceKey::Reference(reference.to_string())),
            Err(_) => Err(Failure::usage("--secret does not say where the secret is")
                .hint("say ask, - for standard input, env:NAME or file:/PATH")),
        },
    }
}
