//! source, table, session, model, policy.

use super::output::OutputArgs;
use clap::{Args, Subcommand};
use std::path::PathBuf;

/// `wharf source`
#[derive(Debug, Subcommand)]
pub enum SourceAction {
    /// Add a folder of data files, one file, a database, or a server elsewhere; alone on a terminal it asks
    #[command(visible_alias = "create")]
    Add(SourceAddArgs),
    /// List the connections that other programs have on this machine: those of Snowflake, Databricks, AWS and PostgreSQL
    Found {
        /// How it is printed
        #[command(flatten)]
        output: OutputArgs,
    },
    /// Connect to a source and tell who one is there
    Test {
        /// Its name
        name: String,
        /// As JSON
        #[arg(long)]
        json: bool,
    },
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
    after_help = "Examples:\n  wharf source add                            shows what is there, and asks\n  wharf source add shop ./data --models ./models\n  wharf source add sales sales.duckdb\n  wharf source add crm postgres://alice@db.example.com/crm --secret ask\n  wharf source add crm --found postgres:crm   a connection that another program has\n  wharf source add --from-env .env"
)]
pub struct SourceAddArgs {
    /// The name by which its tables are called: NAME.SCHEMA.TABLE
    pub name: Option<String>,
    /// Folder of CSV, TSV, JSON and Parquet files; one such file; a .duckdb database; or an address: postgres://USER@HOST/DATABASE
    pub path: Option<PathBuf>,
    /// A connection that another program has on this machine, by its id in `wharf source found`
    #[arg(long, value_name = "ID", conflicts_with = "path")]
    pub found: Option<String>,
    /// The sources that the variables of a .env file describe (SNOWFLAKE_*, DATABRICKS_*, REDSHIFT_*, AWS_*, PG*, POSTGRES_*,
    /// DATABASE_URL); several are called NAME_KIND; `-` reads standard input
    #[arg(long, value_name = "FILE", conflicts_with_all = ["path", "found"])]
    pub from_env: Option<PathBuf>,
    /// Only this kind of --from-env
    #[arg(long, value_name = "KIND", value_parser = ["snowflake", "databricks", "redshift", "postgres"])]
    pub kind: Option<String>,
    /// Fill in or change a part of what --found or --from-env says: user, host, port, database, schema, or an option of the kind
    #[arg(long, value_name = "PART=VALUE")]
    pub set: Vec<String>,
    /// Semantic models: a YAML file or a folder of them; for Databricks also in a volume, /Volumes/...
    #[arg(long, value_name = "PATH")]
    pub models: Option<PathBuf>,
    /// Column types, as JSON: {"tables": {TABLE: [{"name": COLUMN, "type": TYPE}]}}
    #[arg(long, value_name = "FILE")]
    pub types: Option<PathBuf>,
    /// Where what opens it is, a password or the key of an encrypted database: `ask` and `-` (standard input) keep it among the
    /// secrets; env:NAME and file:/PATH are read by the daemon when it needs it
    #[arg(long, value_name = "WHERE", alias = "key")]
    pub secret: Option<String>,
    /// Replace a source of this name
    #[arg(long)]
    pub replace: bool,
    /// As JSON
    #[arg(long)]
    pub json: bool,
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
    /// Let others read a table
    #[command(
        after_help = "Examples:\n  wharf table allow orders --to swarm:pricing\n  wharf table allow 'shop.*' --to role:analyst"
    )]
    Allow {
        /// TABLE, SCHEMA.TABLE, SOURCE.SCHEMA.TABLE, or all: SCHEMA.*, SOURCE.*
        table: String,
        /// everyone, role:NAME, tenant:NAME, swarm:ID, user:NAME or agent:ID
        #[arg(long, value_name = "SUBJECT")]
        to: String,
        /// As JSON
        #[arg(long)]
        json: bool,
    },
    /// Let others read a table no longer
    Deny {
        /// As it was allowed
        table: String,
        /// As it was allowed
        #[arg(long, value_name = "SUBJECT")]
        to: String,
        /// As JSON
        #[arg(long)]
        json: bool,
    },
    /// Say what a table is about, and give it tags to be found by
    #[command(visible_alias = "tag")]
    Update {
        /// Table name
        table: String,
        /// A sentence or two
        #[arg(long, value_name = "TEXT")]
        description: Option<String>,
        /// Words to find it by, in place of those before
        #[arg(long, value_name = "TAGS", value_delimiter = ',')]
        tags: Option<Vec<String>>,
        /// As JSON
        #[arg(long)]
        json: bool,
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
    /// Show who may read what, how, and how much
    Show {
        /// As JSON
        #[arg(long)]
        json: bool,
    },
    /// Set how a table is seen, or how much may be taken, in place of what was set before
    #[command(
        after_help = "Examples:\n  wharf policy set customers --column email=mask:hash --column phone=deny\n  wharf policy set orders --filter 'tenant = :tenant'\n  wharf policy set --for swarm:pricing --rows 10000 --per-day 500"
    )]
    Set(PolicySetArgs),
    /// Say what would happen to somebody's statement, and why
    Test {
        /// user:NAME, agent:ID, swarm:ID, role:NAME, tenant:NAME or everyone
        #[arg(long = "for", value_name = "SUBJECT")]
        subject: String,
        /// The statement
        sql: String,
        /// As JSON
        #[arg(long)]
        json: bool,
    },
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

/// `wharf policy set`
#[derive(Debug, Args)]
pub struct PolicySetArgs {
    /// The table that columns and filter are for
    pub table: Option<String>,
    /// For whom; absent: everyone
    #[arg(long = "for", value_name = "SUBJECT")]
    pub subject: Option<String>,
    /// COLUMN=TREATMENT: show, deny, mask:null, mask:redact, mask:hash, mask:partial(2,2), mask:bucket(10), mask:date(month)
    #[arg(long = "column", value_name = "COLUMN=TREATMENT", requires = "table")]
    pub columns: Vec<String>,
    /// An expression that holds for the rows that may be seen; :tenant, :user, :agent, :swarm, :role and :permission are the reader's
    #[arg(long, value_name = "SQL", requires = "table")]
    pub filter: Option<String>,
    /// Take the rule or the limits away
    #[arg(long)]
    pub clear: bool,
    /// Rows of one result
    #[arg(long, value_name = "N", conflicts_with = "table")]
    pub rows: Option<u64>,
    /// Bytes of one result
    #[arg(long, value_name = "N", conflicts_with = "table")]
    pub bytes: Option<u64>,
    /// Seconds for one statement
    #[arg(long, value_name = "N", conflicts_with = "table")]
    pub seconds: Option<u64>,
    /// Statements at the same time
    #[arg(long, value_name = "N", conflicts_with = "table")]
    pub concurrent: Option<u64>,
    /// Statements a day
    #[arg(long, value_name = "N", conflicts_with = "table")]
    pub per_day: Option<u64>,
    /// Cost of a day: the seconds that all statements together may run
    #[arg(long, value_name = "N", conflicts_with = "table")]
    pub cost: Option<u64>,
    /// As JSON
    #[arg(long)]
    pub json: bool,
}
