//! The argument tree. Each noun has its own file here, its behaviour in `commands/` under the same name.

mod access;
mod ask;
mod audit;
mod catalog;
mod data;
mod nouns;
mod output;
mod replica;
mod system;

pub use access::{LoginArgs, LogoutArgs, RoleArg, ServeArgs, TokenAction, TokenKindArg, UserAction};
pub use ask::{AskArgs, ChatArgs};
pub use audit::{AuditAction, AuditFilter};
pub use catalog::{CatalogAction, CatalogArgs};
pub use data::{MetricAction, MetricArgs, MetricQueryArgs, ProfileArgs, QueryArgs, SampleArgs};
pub use nouns::{
    ModelAction, PolicyAction, PolicySetArgs, SessionAction, SourceAction, SourceAddArgs, TableAction,
};
pub use output::{OutputArgs, OutputFormat};
pub use replica::{ReplicaAction, ReplicaAddArgs};
pub use system::{ConfigAction, DaemonAction, DemoArgs, DoctorArgs};

use clap::{Parser, Subcommand, ValueEnum};

/// Chat with your data, query it, and hand it out: one client, one local daemon.
#[derive(Debug, Parser)]
#[command(
    name = "wharf",
    version,
    max_term_width = 100,
    arg_required_else_help = false,
    disable_help_subcommand = true,
    after_help = "Examples:\n  wharf demo                                  a shop to try things on\n  wharf ask \"revenue by month in 2024\"\n  wharf query \"select count(*) from 'x.parquet'\" --csv\n\nExit codes: wharf help exit-codes"
)]
pub struct Cli {
    /// What to do; without a command the chat opens.
    #[command(subcommand)]
    pub command: Option<Command>,
    /// Flags that every command takes.
    #[command(flatten)]
    pub global: Global,
}

/// When to use colour.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum ColorWhen {
    /// When the output is a terminal.
    Auto,
    /// Always.
    Always,
    /// Never.
    Never,
}

/// Flags that every command takes.
#[derive(Debug, Clone, clap::Args)]
pub struct Global {
    /// When to use colour
    #[arg(long, global = true, value_enum, value_name = "WHEN", help_heading = "Global options")]
    pub color: Option<ColorWhen>,
    /// Say less on standard error
    #[arg(short, long, global = true, help_heading = "Global options")]
    pub quiet: bool,
    /// Say more on standard error
    #[arg(short, long, global = true, action = clap::ArgAction::Count, help_heading = "Global options")]
    pub verbose: u8,
    /// Never ask anything; fail instead
    #[arg(long, global = true, help_heading = "Global options")]
    pub no_input: bool,
    /// Run a private daemon for this command only
    #[arg(long, global = true, help_heading = "Global options")]
    pub no_daemon: bool,
    /// Never page long output
    #[arg(long, global = true, help_heading = "Global options")]
    pub no_pager: bool,
    /// Work at this server instead of the daemon of this machine
    #[arg(long, global = true, value_name = "URL", help_heading = "Global options")]
    pub server: Option<String>,
    /// The source that is meant
    #[arg(short = 's', long, global = true, value_name = "NAME", help_heading = "Global options")]
    pub source: Option<String>,
}

/// The commands, the commonest first.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Ask a question and print the answer
    Ask(AskArgs),
    /// Open the chat
    Chat(ChatArgs),
    /// Run a SQL statement
    Query(QueryArgs),
    /// Show some rows of a table or file
    Sample(SampleArgs),
    /// Profile a table or file, column by column
    Profile(ProfileArgs),
    /// Query metrics by dimensions, without SQL
    Metric(MetricArgs),
    /// Set up a shop with four years of sales, and ask it something
    Demo(DemoArgs),
    /// Sources: where data lives
    #[command(subcommand)]
    Source(SourceAction),
    /// Tables of a source
    #[command(subcommand)]
    Table(TableAction),
    /// What there is to be read: sources, their schemas, tables and columns
    Catalog(CatalogArgs),
    /// Conversations
    #[command(subcommand)]
    Session(SessionAction),
    /// Semantic models
    #[command(subcommand)]
    Model(ModelAction),
    /// Local copies of tables and queries
    #[command(subcommand)]
    Replica(ReplicaAction),
    /// Tokens of swarms and agents
    #[command(subcommand)]
    Token(TokenAction),
    /// Users with passwords
    #[command(subcommand)]
    User(UserAction),
    /// What others than you may read, how, and how much
    #[command(subcommand)]
    Policy(PolicyAction),
    /// Open the door to agents and users over TCP
    Serve(ServeArgs),
    /// Log in at a server, as a user or as an agent
    Login(LoginArgs),
    /// End the login at a server
    Logout(LogoutArgs),
    /// The audit log: who asked what, and whether the record is whole
    #[command(subcommand)]
    Audit(AuditAction),
    /// The local daemon
    #[command(subcommand)]
    Daemon(DaemonAction),
    /// Settings
    #[command(subcommand)]
    Config(ConfigAction),
    /// Check the installation and say how to mend it
    Doctor(DoctorArgs),
    /// Print the line that switches shell completion on
    Completions {
        /// The shell
        #[arg(value_enum)]
        shell: Shell,
    },
    /// Print the whole command tree, exit codes and event types as JSON
    Spec {
        /// As JSON (the only form there is)
        #[arg(long)]
        json: bool,
    },
    /// Print help on a command or a topic: exit-codes, formats, settings, safety
    Help {
        /// Command or topic
        topic: Vec<String>,
    },
    /// Write the man pages into a folder
    #[command(hide = true)]
    Man {
        /// The folder
        folder: std::path::PathBuf,
    },
}

/// Shells with completion.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Shell {
    /// bash
    Bash,
    /// zsh
    Zsh,
    /// fish
    Fish,
    /// elvish
    Elvish,
    /// PowerShell
    Powershell,
}
