//! Man pages, made from the same definitions as the help texts.

use crate::cli::Cli;
use crate::link::Failure;
use clap::{Command, CommandFactory};
use std::path::Path;
use std::process::ExitCode;

/// Writes all man pages into `folder`.
///
/// # Errors
/// When they cannot be written.
pub fn run(folder: &Path) -> Result<ExitCode, Failure> {
    std::fs::create_dir_all(folder)?;
    let mut command = Cli::command().disable_help_subcommand(true);
    command.build();
    write(&command, "wharf", folder)?;
    Ok(ExitCode::SUCCESS)
}

fn write(command: &Command, name: &str, folder: &Path) -> Result<(), Failure> {
    let named = command.clone().name(name.to_owned());
    let mut page = Vec::new();
    clap_mangen::Man::new(named).render(&mut page)?;
    std::fs::write(folder.join(format!("{name}.1")), page)?;
    for sub in command.get_subcommands().filter(|c| !c.is_hide_set()) {
        write(sub, &format!("{name}-{}", sub.get_name()), folder)?;
    }
    Ok(())
}
