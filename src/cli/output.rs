//! How results are printed.

use clap::{Args, ValueEnum};
use std::path::PathBuf;

/// The forms of a result.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum OutputFormat {
    /// A table with borders
    Table,
    /// Aligned columns without borders
    Plain,
    /// One line a value
    Vertical,
    /// A Markdown table
    Markdown,
    /// Comma-separated values
    Csv,
    /// Tab-separated values
    Tsv,
    /// One array of objects
    Json,
    /// One object a line
    Ndjson,
    /// Arrow IPC stream
    Arrow,
    /// Parquet
    Parquet,
    /// Run it, print nothing
    None,
}

/// How results are printed.
#[derive(Debug, Clone, Default, Args)]
pub struct OutputArgs {
    /// The form of the result
    #[arg(long, value_enum, value_name = "FORMAT", help_heading = "Output")]
    pub format: Option<OutputFormat>,
    /// Short for --format json
    #[arg(long, conflicts_with_all = ["format", "csv", "ndjson"], help_heading = "Output")]
    pub json: bool,
    /// Short for --format csv
    #[arg(long, conflicts_with_all = ["format", "ndjson"], help_heading = "Output")]
    pub csv: bool,
    /// Short for --format ndjson
    #[arg(long, conflicts_with = "format", help_heading = "Output")]
    pub ndjson: bool,
    /// Write to a file; its ending chooses the form
    #[arg(short, long, value_name = "FILE", help_heading = "Output")]
    pub output: Option<PathBuf>,
    /// Rows only: no header, no footer
    #[arg(short = 't', long, help_heading = "Output")]
    pub tuples_only: bool,
    /// No header line
    #[arg(long, help_heading = "Output")]
    pub no_header: bool,
    /// Text for NULL
    #[arg(long, value_name = "TEXT", help_heading = "Output")]
    pub null: Option<String>,
    /// Fetch at most this many rows
    #[arg(long, value_name = "N", help_heading = "Output")]
    pub limit: Option<u64>,
    /// Exit with 9 if rows were cut off
    #[arg(long, help_heading = "Output")]
    pub fail_on_truncate: bool,
    /// Print one line of JSON about the run on standard error
    #[arg(long, help_heading = "Output")]
    pub stats: bool,
}
