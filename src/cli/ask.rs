//! ask and chat.

use clap::Args;

/// `wharf ask`
#[derive(Debug, Args)]
#[command(
    after_help = "Examples:\n  wharf ask \"top 5 products by revenue last month\"\n  wharf ask --session weekly \"and by country?\" --json"
)]
pub struct AskArgs {
    /// The question; `-` reads it from standard input
    pub question: String,
    /// Agent provider that answers
    #[arg(long, value_name = "NAME")]
    pub provider: Option<String>,
    /// Go on in this session (id or title); a title that does not exist is created
    #[arg(long, value_name = "SESSION", conflicts_with_all = ["continue_last", "ephemeral"])]
    pub session: Option<String>,
    /// Go on in the latest session
    #[arg(short, long = "continue", conflicts_with = "ephemeral")]
    pub continue_last: bool,
    /// Keep nothing of this
    #[arg(long)]
    pub ephemeral: bool,
    /// The clock that relative dates are read against
    #[arg(long, value_name = "TIME")]
    pub now: Option<String>,
    /// Stop after this long: 30s, 5m
    #[arg(long, value_name = "TIME")]
    pub max_time: Option<String>,
    /// Print one JSON object
    #[arg(long)]
    pub json: bool,
    /// Print the events as they come, one JSON object a line
    #[arg(long, conflicts_with = "json")]
    pub stream_json: bool,
    /// Print the SQL too
    #[arg(long)]
    pub show_sql: bool,
    /// Draw with ASCII characters only, or not at all
    #[arg(long, value_name = "HOW", value_parser = ["auto", "ascii", "none"])]
    pub chart: Option<String>,
}

/// `wharf chat`
#[derive(Debug, Clone, Default, Args)]
pub struct ChatArgs {
    /// Open this session (id or title); a title that does not exist is created
    #[arg(long, value_name = "SESSION")]
    pub session: Option<String>,
    /// Choose a session from a list
    #[arg(short, long, conflicts_with = "session")]
    pub resume: bool,
    /// Open the latest session
    #[arg(short, long = "continue", conflicts_with_all = ["session", "resume"])]
    pub continue_last: bool,
    /// Take the whole screen instead of the terminal's own scrollback
    #[arg(long)]
    pub full: bool,
    /// Keep the terminal's own scrollback
    #[arg(long, alias = "no-alt-screen", conflicts_with = "full")]
    pub inline: bool,
    /// Draw with ASCII characters only
    #[arg(long)]
    pub ascii: bool,
}
