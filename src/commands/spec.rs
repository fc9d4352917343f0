//! `wharf spec`: everything a program needs to know to call wharf, as JSON.

use super::help::TOPICS;
use super::result::out_json;
use crate::cli::Cli;
use crate::link::Failure;
use clap::{Arg, Command, CommandFactory};
use serde_json::{Value, json};
use std::process::ExitCode;

/// Event types of a turn, with what their data holds.
const EVENTS: &[(&str, &str)] = &[
    ("session", "{question, title}: a turn began"),
    ("status", "{text}: what it is doing"),
    ("thinking", "{text, query}: how the question was read"),
    ("tool", "{name, target, rows, time_ms}: a tool was called, and again when it is done"),
    ("sql", "{text}: the statement that is about to run"),
    ("table", "{columns, rows, truncated}: a result"),
    ("chart", "{mark, title, x, y, color, summary}: a chart over the result"),
    ("token", "{text}: a piece of the answer"),
    ("usage", "{input_tokens, output_tokens, time_ms, rows}"),
    (
        "error",
        "{code, message, hint, retryable, request_id, detail, status_code, kind}: it failed; the turn is over",
    ),
    ("complete", "{status, answer, offers}: the turn is over"),
];

/// Runs the command.
///
/// # Errors
/// Never.
pub fn run() -> Result<ExitCode, Failure> {
    let mut command = Cli::command();
    command.build();
    let codes: Vec<Value> = TOPICS
        .iter()
        .filter(|(name, ..)| *name == "exit-codes")
        .flat_map(|(_, _, text)| text.lines())
        .filter_map(|line| {
            let (code, meaning) = line.trim().split_once(' ')?;
            Some(json!({"code": code.parse::<u8>().ok()?, "meaning": meaning.trim()}))
        })
        .collect();
    let events: Vec<Value> = EVENTS.iter().map(|(name, data)| json!({"type": name, "data": data})).collect();
    out_json(&json!({
        "name": "wharf",
        "version": env!("CARGO_PKG_VERSION"),
        "protocol": wharf_protocol::PROTOCOL,
        "command": tree(&command),
        "exit_codes": codes,
        "events": {"envelope": "{seq, turn_id, at, type, data}; unknown types must be skipped", "types": events},
        "settings": wharf_settings::schema(),
    }));
    Ok(ExitCode::SUCCESS)
}

fn tree(command: &Command) -> Value {
    let arguments: Vec<Value> = command.get_arguments().filter(|a| !a.is_hide_set()).map(argument).collect();
    let commands: Vec<Value> = command.get_subcommands().filter(|c| !c.is_hide_set()).map(tree).collect();
    json!({
        "name": command.get_name(),
        "about": command.get_about().map(ToString::to_string),
        "arguments": arguments,
        "commands": commands,
    })
}

fn argument(argument: &Arg) -> Value {
    let values: Vec<String> =
        argument.get_possible_values().iter().map(|v| v.get_name().to_owned()).collect();
    let takes_value = argument.get_action().takes_values();
    json!({
        "name": argument.get_id().as_str(),
        "long": argument.get_long(),
        "short": argument.get_short(),
        "positional": argument.is_positional(),
        "required": argument.is_required_set(),
        "repeatable": matches!(argument.get_action(), clap::ArgAction::Append | clap::ArgAction::Count),
        "type": if !takes_value { "flag" } else if values.is_empty() { "text" } else { "choice" },
        "values": values,
        "help": argument.get_help().map(ToString::to_string),
        "global": argument.is_global_set(),
    })
}
