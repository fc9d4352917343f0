//! daemon, config, demo, doctor.

use clap::{Args, Subcommand};

/// `wharf daemon`
#[derive(Debug, Subcommand)]
pub enum DaemonAction {
    /// Start the daemon, unless it runs
    Start {
        /// As JSON
        #[arg(long)]
        json: bool,
    },
    /// Stop the daemon
    Stop {
        /// Only if nothing runs
        #[arg(long)]
        if_idle: bool,
        /// End it even if it does not answer
        #[arg(long)]
        force: bool,
        /// As JSON
        #[arg(long)]
        json: bool,
    },
    /// Stop the daemon and start another
    Restart {
        /// End it even if it does not answer
        #[arg(long)]
        force: bool,
        /// As JSON
        #[arg(long)]
        json: bool,
    },
    /// Show what the daemon does
    Status {
        /// As JSON
        #[arg(long)]
        json: bool,
    },
    /// Print the daemon's log
    Logs {
        /// Go on as it grows
        #[arg(short, long)]
        follow: bool,
        /// The last N lines
        #[arg(short = 'n', long, default_value_t = 100)]
        lines: usize,
    },
    /// Run the daemon in the foreground
    Run,
}

/// `wharf config`
#[derive(Debug, Subcommand)]
pub enum ConfigAction {
    /// Show every setting, where its value comes from, and what it overrode
    Show {
        /// As JSON
        #[arg(long)]
        json: bool,
    },
    /// Check the settings files: file, line, key
    Validate,
    /// Print the JSON Schema of the settings file
    Schema,
    /// Write a settings file with every key and its meaning
    Init {
        /// Overwrite an existing file
        #[arg(long)]
        force: bool,
    },
}

/// `wharf demo`
#[derive(Debug, Args)]
pub struct DemoArgs {
    /// Do not ask; do not open the chat
    #[arg(short, long)]
    pub yes: bool,
    /// Make it anew
    #[arg(long)]
    pub replace: bool,
}

/// `wharf doctor`
#[derive(Debug, Args)]
pub struct DoctorArgs {
    /// As JSON
    #[arg(long)]
    pub json: bool,
}
