//! Shell completion: the shell calls back into this executable, which answers from a list in the cache. It never wakes
//! the daemon and is silent when something is wrong.

use super::result::out;
use crate::cli::{Cli, Shell};
use crate::link::Failure;
use clap::{Command, CommandFactory};
use clap_complete::engine::{ArgValueCandidates, CompletionCandidate};
use serde::Deserialize;
use std::process::ExitCode;
use wharf_settings::{Dirs, Env};

/// Prints the line that a shell's start-up file evaluates.
///
/// # Errors
/// Never.
pub fn run(shell: Shell) -> Result<ExitCode, Failure> {
    let line = match shell {
        Shell::Bash => "source <(COMPLETE=bash wharf)",
        Shell::Zsh => "source <(COMPLETE=zsh wharf)",
        Shell::Fish => "COMPLETE=fish wharf | source",
        Shell::Elvish => "eval (E:COMPLETE=elvish wharf | slurp)",
        Shell::Powershell => {
            "$env:COMPLETE = \"powershell\"; wharf | Out-String | Invoke-Expression; Remove-Item Env:\\COMPLETE"
        }
    };
    out(&format!("{line}\n"));
    Ok(ExitCode::SUCCESS)
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Lists {
    sources: Vec<String>,
    tables: Vec<String>,
    metrics: Vec<(String, Option<String>)>,
    sessions: Vec<(String, String)>,
}

fn lists() -> Lists {
    let file = Dirs::resolve(&Env::process()).ok().map(|d| d.completion_file());
    file.and_then(|f| std::fs::read(f).ok()).and_then(|b| serde_json::from_slice(&b).ok()).unwrap_or_default()
}

fn plain(names: Vec<String>) -> Vec<CompletionCandidate> {
    names.into_iter().map(CompletionCandidate::new).collect()
}

fn sources() -> Vec<CompletionCandidate> {
    plain(lists().sources)
}

fn found() -> Vec<CompletionCandidate> {
    let found = super::source::found::look(&Env::process());
    let usable = found.candidates.into_iter().filter(|c| c.unusable.is_none());
    usable.map(|c| CompletionCandidate::new(&c.id).help(Some(c.origin.into()))).collect()
}

fn tables() -> Vec<CompletionCandidate> {
    plain(lists().tables)
}

fn metrics() -> Vec<CompletionCandidate> {
    lists()
        .metrics
        .into_iter()
        .map(|(name, label)| CompletionCandidate::new(name).help(label.map(Into::into)))
        .collect()
}

fn sessions() -> Vec<CompletionCandidate> {
    lists()
        .sessions
        .into_iter()
        .map(|(id, title)| CompletionCandidate::new(id).help(Some(title.into())))
        .collect()
}

/// The command tree with the lists attached to the arguments that take their names.
pub fn command() -> Command {
    type Values = fn() -> Vec<CompletionCandidate>;
    let within = |command: Command, path: &[&str], argument: &'static str, values: Values| -> Command {
        fn descend(
            command: Command,
            path: &[&str],
            argument: &'static str,
            values: fn() -> Vec<CompletionCandidate>,
        ) -> Command {
            match path {
                [] => command.mut_arg(argument, |a| a.add(ArgValueCandidates::new(values))),
                [first, rest @ ..] => {
                    let (first, rest) = ((*first).to_owned(), rest.to_vec());
                    command.mut_subcommand(first, |c| descend(c, &rest, argument, values))
                }
            }
        }
        descend(command, path, argument, values)
    };
    let places: [(&[&str], &'static str, Values); 13] = [
        (&[], "source", sources),
        (&["sample"], "table", tables),
        (&["profile"], "table", tables),
        (&["table", "show"], "table", tables),
        (&["metric", "query"], "metrics", metrics),
        (&["metric", "show"], "name", metrics),
        (&["source", "add"], "found", found),
        (&["source", "show"], "name", sources),
        (&["source", "delete"], "name", sources),
        (&["session", "show"], "session", sessions),
        (&["session", "delete"], "session", sessions),
        (&["ask"], "session", sessions),
        (&["chat"], "session", sessions),
    ];
    places
        .into_iter()
        .fold(Cli::command(), |command, (path, argument, values)| within(command, path, argument, values))
}
