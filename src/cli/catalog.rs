//! catalog.

use super::output::OutputArgs;
use clap::{Args, Subcommand};

/// `wharf catalog`
#[derive(Debug, Args)]
#[command(
    args_conflicts_with_subcommands = true,
    after_help = "Examples:\n  wharf catalog\n  wharf catalog shop.main\n  wharf catalog shop.main.orders --json\n  wharf catalog 'crm.public.\"Order Lines\"'\n  wharf catalog search email"
)]
pub struct CatalogArgs {
    /// SOURCE, SOURCE.SCHEMA or SOURCE.SCHEMA.TABLE; absent: the sources. A part with a dot in it stands in double quotes
    pub name: Option<String>,
    /// Have sources elsewhere listed anew before
    #[arg(long)]
    pub refresh: bool,
    /// How it is printed
    #[command(flatten)]
    pub output: OutputArgs,
    /// What else can be done
    #[command(subcommand)]
    pub action: Option<CatalogAction>,
}

/// See [`CatalogArgs`].
#[derive(Debug, Subcommand)]
pub enum CatalogAction {
    /// Find tables and columns by their names and what is written about them
    Search {
        /// Part of a name or of a comment, in any case
        text: String,
        /// How it is printed
        #[command(flatten)]
        output: OutputArgs,
    },
}
