//! audit.

use super::output::OutputArgs;
use clap::{Args, Subcommand};

/// `wharf audit`
#[derive(Debug, Subcommand)]
pub enum AuditAction {
    /// Show the last lines, the newest at the end
    #[command(
        after_help = "Examples:\n  wharf audit tail -n 50\n  wharf audit tail --follow --outcome denied"
    )]
    Tail {
        /// How many lines
        #[arg(short = 'n', long, value_name = "N", default_value_t = 20)]
        lines: u64,
        /// Go on as lines come
        #[arg(short, long)]
        follow: bool,
        /// Which lines
        #[command(flatten)]
        filter: AuditFilter,
        /// How they are printed
        #[command(flatten)]
        output: OutputArgs,
    },
    /// Find lines, the newest first
    #[command(
        after_help = "Examples:\n  wharf audit search --since 2h --outcome denied\n  wharf audit search salaries --principal agent:AGENT\n  wharf audit search --table orders --since 2026-11-01 --until 2026-12-01 --csv"
    )]
    Search {
        /// Text in the statement, the reason or a table's name
        text: Option<String>,
        /// Which lines
        #[command(flatten)]
        filter: AuditFilter,
        /// How they are printed
        #[command(flatten)]
        output: OutputArgs,
    },
    /// Write the log out, the oldest line first: NDJSON as it stands in the files, CSV or JSON
    #[command(
        after_help = "Examples:\n  wharf audit export -o audit.csv\n  wharf audit export --since 30d | jq -c 'select(.rows > 100000)'"
    )]
    Export {
        /// Which lines
        #[command(flatten)]
        filter: AuditFilter,
        /// How they are printed
        #[command(flatten)]
        output: OutputArgs,
    },
    /// Check that no line was changed, removed, added or moved: exit 0, or 1 with file, line and what is wrong
    Verify {
        /// As JSON
        #[arg(long)]
        json: bool,
    },
}

/// Which lines of the audit log. All that is given must hold.
#[derive(Debug, Clone, Default, Args)]
pub struct AuditFilter {
    /// From this time on: 2h, 3d, 2026-11-21, 2026-11-21T15:00 (UTC)
    #[arg(long, value_name = "TIME", help_heading = "Filter")]
    pub since: Option<String>,
    /// Before this time
    #[arg(long, value_name = "TIME", help_heading = "Filter")]
    pub until: Option<String>,
    /// Who asked: owner, user:NAME, agent:ID
    #[arg(long, value_name = "WHO", help_heading = "Filter")]
    pub principal: Option<String>,
    /// The agent's swarm
    #[arg(long, value_name = "ID", help_heading = "Filter")]
    pub swarm: Option<String>,
    /// Whose rows
    #[arg(long, value_name = "NAME", help_heading = "Filter")]
    pub tenant: Option<String>,
    /// What was done: query, metric, sample, profile, ask, login, token, policy, ...
    #[arg(long, value_name = "WORD", help_heading = "Filter")]
    pub action: Option<String>,
    /// How it ended: started, completed, failed, cancelled, denied
    #[arg(long, value_name = "WORD", help_heading = "Filter")]
    pub outcome: Option<String>,
    /// A table or file that was named
    #[arg(long, value_name = "TABLE", help_heading = "Filter")]
    pub table: Option<String>,
    /// The id of a request
    #[arg(long, value_name = "ID", help_heading = "Filter")]
    pub request_id: Option<String>,
}
