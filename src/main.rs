//! `wharf`: commands and chat for people and scripts. It knows the protocol and nothing of the daemon's inside.

mod cli;
mod commands;
mod link;
mod output;
mod tui;

use clap::{CommandFactory, FromArgMatches};
use std::process::ExitCode;
use wharf_settings::Env;

fn main() -> ExitCode {
    let env = Env::process();
    // Shell completion calls back into this executable; it must answer without anything else being started.
    if env.get("COMPLETE").is_some() {
        clap_complete::CompleteEnv::with_factory(commands::completions::command).complete();
    }
    let matches = match cli::Cli::command().try_get_matches() {
        Ok(matches) => matches,
        Err(e) => return told(&e),
    };
    match cli::Cli::from_arg_matches(&matches) {
        Ok(cli) => commands::run(cli, &env),
        Err(e) => told(&e),
    }
}

/// Help and version on standard output, mistakes on standard error. A mistake repeats what was given, which must not
/// command the terminal.
fn told(error: &clap::Error) -> ExitCode {
    let text = error.render().to_string();
    let hostile = |line| matches!(output::visible(line), std::borrow::Cow::Owned(_));
    if error.use_stderr() && text.lines().any(hostile) {
        output::warn(text.trim_end());
    } else {
        let _ = error.print();
    }
    ExitCode::from(u8::try_from(error.exit_code()).unwrap_or(2))
}
