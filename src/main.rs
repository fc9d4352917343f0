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
        Err(e) => {
            let _ = e.print();
            return ExitCode::from(u8::try_from(e.exit_code()).unwrap_or(2));
        }
    };
    match cli::Cli::from_arg_matches(&matches) {
        Ok(cli) => commands::run(cli, &env),
        Err(e) => {
            let _ = e.print();
            ExitCode::from(2)
        }
    }
}
