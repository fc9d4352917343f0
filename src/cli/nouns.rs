//! source, table, session, model, policy.

use super::output::OutputArgs;
use clap::{Args, Subcommand};
use std::path::PathBuf;

/// `wharf source`
#[derive(Debug, Subcommand)]
pub enum SourceAction {
    /// Add a folder of data files, one file, or a database
    #[command(visible_alias = "create")]
    Add(SourceAddArgs),
    /// List the sources
    List {
        /// How it is printed
        #[command(flatten)]
        output: OutputArgs,
    },
    /// Show one source and its tables
    Show {
        /// Its name
        name: String,
        /// As JSON
        #[arg(long)]
        json: bool,
    },
    /// Forget a source; its files stay
    #[command(visible_alias = "remove")]
    Delete {
        /// Its name
        name: String,
        /// Its name again, instead of being asked
        #[arg(long, value_name = "NAME")]
        confirm: Option<String>,
    },
}

/// `wharf source add`
#[derive(Debug, Args)]
#[command(
    after_help = "Examples:\n  wharf source add shop ./data --models ./models\n  wharf source add sales sales.duckdb"
)]
pub struct SourceAddArgs {
    /// The name by which its tables are called: NAME.main.TABLE
    pub name: String,
    /// Folder of CSV, TSV, JSON and Parquet files; one such file; or a .duckdb database
    pub path: PathBuf,
    /// Semantic models: a YAML file or a folder of them
    #[arg(long, value_name = "PATH")]
    pub models: Option<PathBuf>,
    /// Column types, as JSON: {"tables": {TABLE: [{"name": COLUMN, "type": TYPE}]}}
    #[arg(long, value_name = "FILE")]
    pub types: Option<PathBuf>,
    /// Replace a source of this name
    #[arg(long)]
    pub replace: bool,
}

/// `wharf table`
#[derive(Debug, Subcommand)]
pub enum TableAction {
    /// List the tables of a source, or of all
    List {
        /// How it is printed
        #[command(flatten)]
        output: OutputArgs,
    },
    /// Show a table's columns
    Show {
        /// Table name
        table: String,
        /// How it is printed
        #[command(flatten)]
        output: OutputArgs,
    },
}

/// `wharf session`
#[derive(Debug, Subcommand)]
pub enum SessionAction {
    /// List the conversations, the latest first
    List {
        /// How it is printed
        #[command(flatten)]
        output: OutputArgs,
    },
    /// Print a conversation
    Show {
        /// Id or title
        session: String,
        /// As JSON
        #[arg(long)]
        json: bool,
    },
    /// Change a conversation's title
    #[command(visible_alias = "rename")]
    Update {
        /// Id or title
        session: String,
        /// The new title
        title: String,
    },
    /// Delete a conversation
    Delete {
        /// Id or title
        session: String,
    },
}

/// `wharf model`
#[derive(Debug, Subcommand)]
pub enum ModelAction {
    /// List the semantic models of all sources
    List {
        /// As JSON
        #[arg(long)]
        json: bool,
    },
    /// Check model files: exit 0, or 1 with file, line, column and message
    Lint {
        /// Model files
        #[arg(required = true)]
        files: Vec<PathBuf>,
        /// Tables that exist; others are faults
        #[arg(long, value_name = "TABLES", value_delimiter = ',')]
        tables: Option<Vec<String>>,
        /// As JSON
        #[arg(long)]
        json: bool,
    },
}

/// `wharf policy`
#[derive(Debug, Subcommand)]
pub enum PolicyAction {
    /// Judge statements: JSON lines in, verdicts out
    Check {
        /// File of JSON lines; `-` reads standard input
        #[arg(long, value_name = "FILE")]
        from: PathBuf,
        /// How it is printed
        #[command(flatten)]
        output: OutputArgs,
    },
}
