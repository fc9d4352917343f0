//! One file per noun: arguments -> link -> output.

mod ask;
mod audit;
mod catalog;
mod chat;
pub mod completions;
mod config;
mod daemon;
mod demo;
mod doctor;
mod help;
mod login;
mod man;
mod metric;
mod model;
mod policy;
mod profile;
mod query;
mod replica;
mod result;
mod sample;
mod serve;
mod session;
mod source;
mod spec;
mod table;
mod token;
mod user;

use crate::cli::{Cli, Command, Global};
use crate::link::{Client, Failure, Server};
use crate::output::{Terminal, fail};
use std::path::PathBuf;
use std::process::ExitCode;
use wharf_protocol::{ApiError, ErrorKind};
use wharf_secrets::Vault;
use wharf_settings::{Dirs, Env, Settings};

/// What every command works with.
pub struct Context {
    /// Folders.
    pub dirs: Dirs,
    /// Settings.
    pub settings: Settings,
    /// The streams.
    pub terminal: Terminal,
    /// Flags that every command takes.
    pub global: Global,
    /// The environment.
    pub env: Env,
    /// The folder the command was called in.
    pub cwd: PathBuf,
}

impl Context {
    /// The daemon of this machine, started if need be; or the server that was named, for who is logged in there.
    ///
    /// # Errors
    /// When it cannot be reached or started, or nobody is logged in.
    pub async fn client(&self) -> Result<Client, Failure> {
        match self.server()? {
            Some(server) => login::client(self, &server).await,
            None => Client::connect(&self.dirs, self.global.no_daemon).await,
        }
    }

    /// The server that was named.
    ///
    /// # Errors
    /// When what was named is none.
    pub fn server(&self) -> Result<Option<Server>, Failure> {
        let named = self.global.server.as_deref().or_else(|| self.settings.optional("client.server"));
        named.map(Server::read).transpose()
    }

    /// Where secrets are kept.
    pub fn vault(&self) -> Vault {
        Vault::of(&self.dirs, &self.settings, self.env.get("CREDENTIALS_DIRECTORY"))
    }

    /// The source that was named.
    pub fn source(&self) -> Option<String> {
        self.global.source.clone().or_else(|| self.settings.optional("chat.source").map(str::to_owned))
    }

    /// The folder the command was called in, as text.
    pub fn cwd_text(&self) -> Option<String> {
        Some(self.cwd.to_string_lossy().into_owned())
    }

    /// A path as the daemon can use it.
    ///
    /// # Errors
    /// When it cannot be made absolute.
    pub fn absolute(&self, path: &std::path::Path) -> String {
        let joined = self.cwd.join(path);
        joined.canonicalize().unwrap_or(joined).to_string_lossy().into_owned()
    }
}

/// Runs a command to its exit code.
pub fn run(cli: Cli, env: &Env) -> ExitCode {
    let json = wants_json(&cli);
    match prepare(&cli.global, env) {
        Ok(context) => {
            let result = execute(&context, cli.command);
            match result {
                Ok(code) => code,
                Err(failure) => {
                    fail(&context.terminal, &failure, json);
                    failure.exit_code()
                }
            }
        }
        Err(failure) => {
            let settings = Settings::resolve(Vec::new(), &Env::of([])).ok();
            if let Some(settings) = settings {
                fail(&Terminal::look(&cli.global, &settings, env), &failure, json);
            }
            failure.exit_code()
        }
    }
}

fn prepare(global: &Global, env: &Env) -> Result<Context, Failure> {
    let dirs = Dirs::resolve(env).map_err(|e| Failure::usage(e.to_string()))?;
    let cwd = std::env::current_dir()
        .map_err(|e| Failure::usage(format!("the current folder cannot be used: {e}")))?;
    let settings = Settings::load(&dirs, env, Some(&cwd), Vec::new()).map_err(|e| {
        let error = ApiError::new(ErrorKind::Invalid, "settings", e.to_string());
        Failure::from(
            error
                .maybe_hint(e.hint.clone())
                .hint(e.hint.unwrap_or_else(|| "`wharf config schema` shows what is known".to_owned())),
        )
    })?;
    let terminal = Terminal::look(global, &settings, env);
    Ok(Context { dirs, settings, terminal, global: global.clone(), env: Env::process(), cwd })
}

fn wants_json(cli: &Cli) -> bool {
    use crate::cli::OutputFormat;
    match &cli.command {
        Some(Command::Query(args)) => args.output.json || args.output.format == Some(OutputFormat::Json),
        Some(Command::Sample(args)) => args.output.json || args.output.format == Some(OutputFormat::Json),
        Some(Command::Profile(args)) => args.json,
        Some(Command::Ask(args)) => args.json || args.stream_json,
        Some(Command::Doctor(args)) => args.json,
        _ => std::env::args().any(|a| a == "--json"),
    }
}

fn execute(context: &Context, command: Option<Command>) -> Result<ExitCode, Failure> {
    // What needs no daemon needs no runtime either.
    match command {
        Some(Command::Config(action)) => return config::run(context, &action),
        Some(Command::Completions { shell }) => return completions::run(shell),
        Some(Command::Spec { .. }) => return spec::run(),
        Some(Command::Help { topic }) => return help::run(&topic),
        Some(Command::Man { folder }) => return man::run(&folder),
        _ => {}
    }
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .map_err(|e| Failure::from(ApiError::new(ErrorKind::Internal, "runtime", e.to_string())))?;
    let work = async {
        tokio::select! {
            result = dispatch(context, command) => result,
            () = interrupted() => {
                // Going away is what cancels: the daemon ends the statement of a client that left.
                Err(Failure::from(ApiError::new(ErrorKind::Cancelled, "interrupted", "interrupted")))
            }
        }
    };
    let result = runtime.block_on(work);
    runtime.shutdown_timeout(std::time::Duration::from_millis(200));
    result
}

async fn interrupted() {
    if tokio::signal::ctrl_c().await.is_err() {
        std::future::pending::<()>().await;
    }
    // A second one does not wait for anything.
    tokio::spawn(async {
        if tokio::signal::ctrl_c().await.is_ok() {
            std::process::exit(130);
        }
    });
}

async fn dispatch(context: &Context, command: Option<Command>) -> Result<ExitCode, Failure> {
    match command {
        None => chat::run(context, crate::cli::ChatArgs::default(), None).await,
        Some(Command::Ask(args)) => ask::run(context, args).await,
        Some(Command::Chat(args)) => chat::run(context, args, None).await,
        Some(Command::Query(args)) => query::run(context, args).await,
        Some(Command::Sample(args)) => sample::run(context, args).await,
        Some(Command::Profile(args)) => profile::run(context, args).await,
        Some(Command::Metric(args)) => metric::run(context, args.action).await,
        Some(Command::Demo(args)) => demo::run(context, args).await,
        Some(Command::Source(action)) => source::run(context, action).await,
        Some(Command::Table(action)) => table::run(context, action).await,
        Some(Command::Catalog(args)) => catalog::run(context, args).await,
        Some(Command::Session(action)) => session::run(context, action).await,
        Some(Command::Model(action)) => model::run(context, action).await,
        Some(Command::Replica(action)) => replica::run(context, action).await,
        Some(Command::Token(action)) => token::run(context, action).await,
        Some(Command::User(action)) => user::run(context, action).await,
        Some(Command::Policy(action)) => policy::run(context, action).await,
        Some(Command::Serve(args)) => serve::run(context, args).await,
        Some(Command::Login(args)) => login::login(context, args).await,
        Some(Command::Logout(args)) => login::logout(context, args).await,
        Some(Command::Audit(action)) => audit::run(context, action).await,
        Some(Command::Daemon(action)) => daemon::run(context, action).await,
        Some(Command::Doctor(args)) => doctor::run(context, args).await,
        Some(
            Command::Config(_)
            | Command::Completions { .. }
            | Command::Spec { .. }
            | Command::Help { .. }
            | Command::Man { .. },
        ) => Ok(ExitCode::SUCCESS),
    }
}
