//! token, user, serve, login.

use super::output::OutputArgs;
use clap::{Args, Subcommand, ValueEnum};
use std::path::PathBuf;

/// What a token stands for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum TokenKindArg {
    /// Shared by all agents of a swarm
    Swarm,
    /// One agent's own
    Agent,
}

/// Roles that can be given.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum RoleArg {
    /// Hands out tokens, users, tables and rules
    Admin,
    /// Reads, writes and deletes models, runs statements, sees SQL
    Engineer,
    /// Reads and runs statements
    Analyst,
    /// A program: reads and runs statements
    Agent,
}

/// `wharf token`
#[derive(Debug, Subcommand)]
pub enum TokenAction {
    /// Make a token; its secret is shown this once
    #[command(
        after_help = "Examples:\n  wharf token create swarm --label pricing --tenant acme\n  wharf token create agent --label scout --expires 30d"
    )]
    Create {
        /// What it stands for
        #[arg(value_enum)]
        kind: TokenKindArg,
        /// What people call it
        #[arg(long, value_name = "TEXT")]
        label: Option<String>,
        /// The swarm that an agent belongs to; not needed where there is only one
        #[arg(long, value_name = "SWARM")]
        swarm: Option<String>,
        /// Whose rows its bearer sees
        #[arg(long, value_name = "TENANT")]
        tenant: Option<String>,
        /// What an agent may do
        #[arg(long = "role", value_enum, value_name = "ROLE")]
        roles: Vec<RoleArg>,
        /// Ends after this long: 12h, 30d
        #[arg(long, value_name = "TIME")]
        expires: Option<String>,
        /// As JSON
        #[arg(long)]
        json: bool,
    },
    /// List the tokens, the latest first
    List {
        /// How it is printed
        #[command(flatten)]
        output: OutputArgs,
    },
    /// Show a token, without its secret
    Show {
        /// Id or label
        token: String,
        /// As JSON
        #[arg(long)]
        json: bool,
    },
    /// Give a token another secret
    Rotate {
        /// Id or label
        token: String,
        /// The secret before stays valid for this long: 1h
        #[arg(long, value_name = "TIME")]
        overlap: Option<String>,
        /// As JSON
        #[arg(long)]
        json: bool,
    },
    /// Revoke a token at once and for good; with a swarm's go those of its agents
    #[command(visible_alias = "revoke")]
    Delete {
        /// Id or label
        token: String,
        /// The same again, instead of being asked
        #[arg(long, value_name = "TOKEN")]
        confirm: Option<String>,
    },
}

/// `wharf user`
#[derive(Debug, Subcommand)]
pub enum UserAction {
    /// Make an account; the password is asked for, or read from standard input
    Create {
        /// The name to log in with
        name: String,
        /// What they are for
        #[arg(long = "role", value_enum, value_name = "ROLE")]
        roles: Vec<RoleArg>,
        /// Whose rows they see
        #[arg(long, value_name = "TENANT")]
        tenant: Option<String>,
        /// E-mail address
        #[arg(long, value_name = "ADDRESS")]
        email: Option<String>,
        /// What people call them
        #[arg(long, value_name = "TEXT")]
        display_name: Option<String>,
        /// As JSON
        #[arg(long)]
        json: bool,
    },
    /// List the users
    List {
        /// How it is printed
        #[command(flatten)]
        output: OutputArgs,
    },
    /// Show a user
    Show {
        /// The name
        name: String,
        /// As JSON
        #[arg(long)]
        json: bool,
    },
    /// Change a user
    Update {
        /// The name
        name: String,
        /// What they are for, in place of what they were
        #[arg(long = "role", value_enum, value_name = "ROLE")]
        roles: Vec<RoleArg>,
        /// Whose rows they see; empty: nobody's in particular
        #[arg(long, value_name = "TENANT")]
        tenant: Option<String>,
        /// Ask for a new password, or read it from standard input
        #[arg(long)]
        password: bool,
        /// Shut the account and end its logins
        #[arg(long, conflicts_with = "enable")]
        disable: bool,
        /// Open it again
        #[arg(long)]
        enable: bool,
        /// As JSON
        #[arg(long)]
        json: bool,
    },
    /// Delete a user and end their logins
    Delete {
        /// The name
        name: String,
        /// The same again, instead of being asked
        #[arg(long, value_name = "NAME")]
        confirm: Option<String>,
    },
}

/// `wharf serve`
#[derive(Debug, Args)]
#[command(
    after_help = "Examples:\n  wharf serve --listen 127.0.0.1:8080\n  wharf serve --listen 0.0.0.0:8443 --self-signed\n  wharf serve --listen 0.0.0.0:443 --acme data.example.com --email ops@example.com"
)]
pub struct ServeArgs {
    /// Address and port
    #[arg(long, value_name = "ADDRESS")]
    pub listen: Option<String>,
    /// PEM file with the certificate chain
    #[arg(long, value_name = "FILE", requires = "tls_key")]
    pub tls_cert: Option<PathBuf>,
    /// PEM file with its key
    #[arg(long, value_name = "FILE", requires = "tls_cert")]
    pub tls_key: Option<PathBuf>,
    /// Encrypt with a certificate made here, for trials
    #[arg(long, conflicts_with_all = ["tls_cert", "acme"])]
    pub self_signed: bool,
    /// Fetch a certificate for these host names from an ACME authority
    #[arg(long, value_name = "HOST", value_delimiter = ',', conflicts_with = "tls_cert")]
    pub acme: Vec<String>,
    /// Where the authority writes to
    #[arg(long, value_name = "ADDRESS", requires = "acme")]
    pub email: Option<String>,
    /// The authority's directory; absent: Let's Encrypt
    #[arg(long, value_name = "URL", requires = "acme")]
    pub acme_directory: Option<String>,
    /// PEM file with what vouches for the directory; absent: the roots that browsers know
    #[arg(long, value_name = "FILE", requires = "acme_directory")]
    pub acme_root: Option<PathBuf>,
    /// Do without encryption beyond this machine: only behind a proxy that encrypts
    #[arg(long)]
    pub plain: bool,
    /// Serve a frontend's build from this folder
    #[arg(long = "static", value_name = "DIR")]
    pub static_dir: Option<PathBuf>,
    /// Origins whose pages may call the API
    #[arg(long = "cors", value_name = "ORIGIN", value_delimiter = ',')]
    pub cors: Vec<String>,
}

/// `wharf login`
#[derive(Debug, Args)]
#[command(
    after_help = "Examples:\n  wharf login https://data.example.com:8443 --user ada\n  wharf login https://data.example.com:8443 --tokens agent.tokens\n  wharf login https://127.0.0.1:8443 --certificate server.pem --user ada < password"
)]
pub struct LoginArgs {
    /// The server's address; without it the one in client.server
    pub url: Option<String>,
    /// The name to log in with; the password is asked for, or read from standard input
    #[arg(short, long, value_name = "NAME", conflicts_with = "tokens")]
    pub user: Option<String>,
    /// Log in as an agent: a file with the swarm token and the agent token, `-` for standard input
    #[arg(long, value_name = "FILE")]
    pub tokens: Option<PathBuf>,
    /// Trust this certificate, or those it signed, beside the system's: a PEM file
    #[arg(long, value_name = "FILE")]
    pub certificate: Option<PathBuf>,
    /// As JSON
    #[arg(long)]
    pub json: bool,
}

/// `wharf logout`
#[derive(Debug, Args)]
pub struct LogoutArgs {
    /// The server's address; without it the one in client.server
    pub url: Option<String>,
    /// As JSON
    #[arg(long)]
    pub json: bool,
}
