//! Arguments of `wharf replica`.

use super::OutputArgs;
use clap::{Args, Subcommand};

/// `wharf replica`
#[derive(Debug, Subcommand)]
pub enum ReplicaAction {
    /// Copy a table or the rows of a query, and keep the copy
    #[command(visible_alias = "create")]
    Add(Box<ReplicaAddArgs>),
    /// Bring a replica up to date
    Refresh {
        /// Its name
        name: String,
        /// Copy everything, also where only changes would be fetched
        #[arg(long)]
        full: bool,
        /// As JSON
        #[arg(long)]
        json: bool,
    },
    /// List the replicas
    List {
        /// How it is printed
        #[command(flatten)]
        output: OutputArgs,
    },
    /// Show one replica and its last refreshes
    Show {
        /// Its name
        name: String,
        /// As JSON
        #[arg(long)]
        json: bool,
    },
    /// Delete a replica; its source stays as it is
    #[command(visible_alias = "remove")]
    Delete {
        /// Its name
        name: String,
        /// Its name again, instead of being asked
        #[arg(long, value_name = "NAME")]
        confirm: Option<String>,
    },
}

/// `wharf replica add`
#[derive(Debug, Args)]
#[command(
    after_help = "Examples:\n  wharf replica add orders --source crm --table orders --max-age 1h --schedule '0 * * * *'\n  wharf replica add open_orders --source crm --table orders --where \"status = 'open'\"\n  wharf replica add orders --source crm --table orders --cursor changed_at --keys id --deleted 'deleted_at is not null'\n  wharf replica add daily --source crm --sql 'select day, sum(amount) as amount from orders group by day'"
)]
pub struct ReplicaAddArgs {
    /// Its name
    pub name: String,
    /// The source that is copied from
    #[arg(long)]
    pub source: Option<String>,
    /// TABLE, SCHEMA.TABLE or SOURCE.SCHEMA.TABLE, as the source stores it; for a query the name that its rows get in the file
    #[arg(long, required_unless_present = "sql")]
    pub table: Option<String>,
    /// Only these columns
    #[arg(long, value_delimiter = ',', value_name = "COLUMN")]
    pub columns: Vec<String>,
    /// Only rows for which this holds, in the source's SQL
    #[arg(long = "where", value_name = "CONDITION")]
    pub filter: Option<String>,
    /// The rows of this query, in the source's SQL
    #[arg(long)]
    pub sql: Option<String>,
    /// Fetch only rows at or beyond the largest value of this column, which grows with every change
    #[arg(long, value_name = "COLUMN", requires = "keys")]
    pub cursor: Option<String>,
    /// The columns that tell rows apart
    #[arg(long, value_delimiter = ',', value_name = "COLUMN", requires = "cursor")]
    pub keys: Vec<String>,
    /// Holds for rows that count as deleted, in the source's SQL
    #[arg(long, value_name = "CONDITION", requires = "cursor")]
    pub deleted: Option<String>,
    /// Refresh by itself: a cron expression of five fields, in UTC
    #[arg(long, value_name = "CRON")]
    pub schedule: Option<String>,
    /// Begin a scheduled refresh up to this much later
    #[arg(long, value_name = "TIME", requires = "schedule")]
    pub jitter: Option<String>,
    /// Answer from it while its data are at most this old, unless a request says otherwise
    #[arg(long, value_name = "TIME")]
    pub max_age: Option<String>,
    /// As JSON
    #[arg(long)]
    pub json: bool,
}
