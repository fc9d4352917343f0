//! query, sample, profile, metric.

use super::output::OutputArgs;
use clap::{Args, Subcommand};
use std::path::PathBuf;

/// `wharf query`
#[derive(Debug, Args)]
#[command(
    after_help = "Examples:\n  wharf query \"select count(*) from orders\"\n  wharf query -f report.sql --param year=2024 -o report.parquet"
)]
pub struct QueryArgs {
    /// The statement; `-` or nothing reads standard input
    pub sql: Option<String>,
    /// Read the statement from a file
    #[arg(short, long, value_name = "FILE", conflicts_with = "sql")]
    pub file: Option<PathBuf>,
    /// A value for `$name` in the statement: name=value, or name:type=value with int, bool, text or null
    #[arg(short, long = "param", value_name = "NAME=VALUE")]
    pub params: Vec<String>,
    /// Stop after this long: 30s, 5m
    #[arg(long, value_name = "TIME")]
    pub timeout: Option<String>,
    /// Answer from a replica whose data are at most this old; 0: from the source
    #[arg(long, value_name = "TIME")]
    pub max_age: Option<String>,
    /// What computes, in the place of the source's own: a warehouse of Snowflake or Databricks
    #[arg(long, value_name = "NAME")]
    pub warehouse: Option<String>,
    /// With whose rights, in the place of the source's own: a role of Snowflake
    #[arg(long, value_name = "NAME")]
    pub role: Option<String>,
    /// Allow the statement to change data or files
    #[arg(long)]
    pub write: bool,
    /// Run as an agent would that may read only these tables
    #[arg(long, value_name = "TABLES", value_delimiter = ',', conflicts_with = "write")]
    pub only_tables: Option<Vec<String>>,
    /// How it is printed
    #[command(flatten)]
    pub output: OutputArgs,
}

/// `wharf sample`
#[derive(Debug, Args)]
#[command(after_help = "Examples:\n  wharf sample orders\n  wharf sample orders --random 100 --seed 7 --csv")]
pub struct SampleArgs {
    /// Table or file
    pub table: String,
    /// The first N rows (10 if nothing else is said)
    #[arg(short = 'n', long, value_name = "N", conflicts_with_all = ["random", "percent"])]
    pub first: Option<u64>,
    /// N rows drawn at random
    #[arg(short, long, value_name = "N", conflicts_with = "percent")]
    pub random: Option<u64>,
    /// A random share of the rows, in percent
    #[arg(short, long, value_name = "P")]
    pub percent: Option<f64>,
    /// Draw the same rows again
    #[arg(long, value_name = "SEED")]
    pub seed: Option<u32>,
    /// Answer from a replica whose data are at most this old; 0: from the source
    #[arg(long, value_name = "TIME")]
    pub max_age: Option<String>,
    /// How it is printed
    #[command(flatten)]
    pub output: OutputArgs,
}

/// `wharf profile`
#[derive(Debug, Args)]
#[command(after_help = "Examples:\n  wharf profile orders\n  wharf profile data.csv -o profile.html")]
pub struct ProfileArgs {
    /// Table or file
    pub table: String,
    /// Profile anew even if the data has not changed
    #[arg(long)]
    pub refresh: bool,
    /// Print the profile as JSON
    #[arg(long)]
    pub json: bool,
    /// Write to a file: .html, .json or .txt
    #[arg(short, long, value_name = "FILE")]
    pub output: Option<PathBuf>,
    /// Draw with ASCII characters only
    #[arg(long)]
    pub ascii: bool,
}

/// `wharf metric`
#[derive(Debug, Args)]
pub struct MetricArgs {
    /// What to do
    #[command(subcommand)]
    pub action: MetricAction,
}

/// What can be done with metrics.
#[derive(Debug, Subcommand)]
pub enum MetricAction {
    /// Query metrics by dimensions
    Query(Box<MetricQueryArgs>),
    /// List the metrics there are
    List {
        /// How it is printed
        #[command(flatten)]
        output: OutputArgs,
    },
    /// Show one metric: meaning, dimensions
    Show {
        /// Its name
        name: String,
        /// As JSON
        #[arg(long)]
        json: bool,
    },
}

/// `wharf metric query`
#[derive(Debug, Args)]
#[command(
    after_help = "Examples:\n  wharf metric query revenue --by month,region\n  wharf metric query revenue orders --by order__channel --where \"order__status = 'paid'\" --order -revenue --limit 5"
)]
pub struct MetricQueryArgs {
    /// Metric names
    pub metrics: Vec<String>,
    /// Group by these: month, order__channel, metric_time__week
    #[arg(long, value_name = "ITEMS", value_delimiter = ',')]
    pub by: Vec<String>,
    /// Keep rows where this holds; several are joined by AND
    #[arg(long = "where", value_name = "CONDITION")]
    pub conditions: Vec<String>,
    /// Sort by these output columns; a leading - sorts descending
    #[arg(long, value_name = "COLUMNS", value_delimiter = ',', allow_hyphen_values = true)]
    pub order: Vec<String>,
    /// First day, included
    #[arg(long, value_name = "DATE")]
    pub start: Option<String>,
    /// Last day, included
    #[arg(long, value_name = "DATE")]
    pub end: Option<String>,
    /// Start from a saved query
    #[arg(long, value_name = "NAME")]
    pub saved_query: Option<String>,
    /// Read the query as JSON from a file; `-` reads standard input
    #[arg(long, value_name = "FILE", conflicts_with_all = ["metrics", "by", "conditions", "order", "start", "end", "saved_query"])]
    pub from: Option<PathBuf>,
    /// Print the SQL instead of running it
    #[arg(long)]
    pub show_sql: bool,
    /// Print how the answer is made instead of running it
    #[arg(long, conflicts_with = "show_sql")]
    pub explain: bool,
    /// Answer from a replica whose data are at most this old; 0: from the source
    #[arg(long, value_name = "TIME")]
    pub max_age: Option<String>,
    /// Stop after this long: 30s, 5m
    #[arg(long, value_name = "TIME")]
    pub timeout: Option<String>,
    /// How it is printed
    #[command(flatten)]
    pub output: OutputArgs,
}
