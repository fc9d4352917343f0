//! `wharfd`: one local daemon that holds the sources, enforces the rules and remembers every conversation.
//!
//! The rooms, from the door to the data:
//!
//! | room | what it is for |
//! | --- | --- |
//! | [`doors`] | the ways in; they translate and hold no rules |
//! | [`agents`] | a question becomes an answer: the turn loop and its providers |
//! | [`sessions`] | conversations and their journal |
//! | [`models`] | semantic models: read, kept, compiled |
//! | [`metadata`] | what there is to be read, and completion of SQL |
//! | [`sampling`], [`profiling`] | looks at one table |
//! | [`replicas`] | local copies of tables and queries |
//! | [`demo`] | a shop to try things on |
//! | [`gate`] | the one way to data: policy, route, run, audit |
//! | [`formats`] | rows into bytes |
//! | [`catalog`] | which sources there are and which tables they hold |
//! | [`sources`] | where data lives |
//! | [`identity`] | who asks: tokens, users, JWTs |
//! | [`policies`] | what they may read, how, and how much |
//! | [`secrets`] | keys that wharf makes for itself |
//! | [`audit`], [`state`] | what was done, and the daemon's own database |
//! | [`measures`] | what is counted |
//! | [`lifecycle`] | the daemon as a process |

pub mod agents;
pub mod audit;
pub mod catalog;
pub mod clock;
pub mod config;
pub mod demo;
pub mod doors;
pub mod formats;
pub mod gate;
pub mod identity;
pub mod lifecycle;
pub mod measures;
pub mod metadata;
pub mod models;
pub mod policies;
pub mod profiling;
pub mod replicas;
pub mod sampling;
pub mod secrets;
pub mod sessions;
pub mod sources;
pub mod state;
pub mod telemetry;

mod completion;

pub use config::Config;

use lifecycle::{Activity, Address, LifeLock};
use std::sync::Arc;
use std::time::Duration;
use tokio::net::UnixListener;
use tokio::signal::unix::{SignalKind, signal};
use wharf_protocol::{ApiError, ErrorKind, PROTOCOL};

/// All rooms, as the doors see them. Cheap to clone.
#[derive(Clone)]
pub struct Rooms(Arc<AllRooms>);

/// See [`Rooms`].
pub struct AllRooms {
    /// What the daemon was told.
    pub config: Config,
    /// Its own database.
    pub state: state::State,
    /// The way to data.
    pub gate: gate::Gate,
    /// Local copies.
    pub replicas: replicas::Replicas,
    /// What there is to be read.
    pub metadata: metadata::Metadata,
    /// Semantic models.
    pub models: models::Models,
    /// Conversations.
    pub sessions: sessions::Sessions,
    /// Providers of answers.
    pub agents: agents::Agents,
    /// Who asks.
    pub identity: identity::Identity,
    /// What is counted.
    pub measures: measures::Measures,
    /// What is going on.
    pub activity: Activity,
    /// Outputs that clients handed over.
    pub handoff: doors::handoff::Handoff,
    /// Where the door over TCP is, once it is open: `https://host:port`.
    pub address: std::sync::OnceLock<String>,
}

impl std::ops::Deref for Rooms {
    type Target = AllRooms;
    fn deref(&self) -> &AllRooms {
        &self.0
    }
}

/// Work for the process's first thread.
pub type Errand = Box<dyn FnOnce() + Send>;

/// Runs the daemon until it is told to end or has nothing to do. `ready` is called once clients can connect, with the
/// address of the door over TCP if there is one.
///
/// `first_thread` gets what the process's first thread should do meanwhile: to open an engine, which allocates tens of
/// thousands of times. On any other thread glibc grows its heap page by page, each with a system call that holds up the
/// page faults of all others. Where nobody takes the errand, the engine opens at its first use.
///
/// # Errors
/// When it cannot begin: another daemon runs, a folder is unsafe, the state is damaged.
pub async fn run(
    config: Config,
    first_thread: std::sync::mpsc::Sender<Errand>,
    ready: impl FnOnce(Option<&str>) + Send,
) -> Result<(), ApiError> {
    prepare_folders(&config)?;
    let dir = if config.private { &config.dirs.runtime } else { &config.dirs.state };
    let files = (dir.join("wharfd.pid"), dir.join("daemon.json"));
    let mut lock = LifeLock::take(&files.0, &files.1).map_err(|e| cannot_begin(&e))?;
    telemetry::init(&config.dirs.log_file(), &config.log_level);
    let rooms = open(config, first_thread).await?;
    let (http, handoff) = listen(&rooms.config)?;
    lock.announce(&Address {
        pid: std::process::id(),
        version: env!("CARGO_PKG_VERSION").to_owned(),
        protocol: PROTOCOL,
        socket: rooms.config.socket.clone(),
    })
    .map_err(|e| cannot_begin(&e))?;
    let public = open_public(&rooms).await?;
    let stall = rooms.config.write_stall;
    let router = doors::http::router(rooms.clone());
    let serving = tokio::spawn(doors::http::serve(http, rooms.clone(), router, stall));
    let receiving = tokio::spawn(rooms.handoff.clone().serve(handoff));
    let tidying = tokio::spawn(tidy(rooms.clone()));
    tracing::info!(pid = std::process::id(), socket = %rooms.config.socket.display(), "ready");
    ready(rooms.address.get().map(String::as_str));
    let why = ending(&rooms).await;
    tracing::info!(%why, "ending");
    // Who has begun to ask over TCP gets an answer; nobody new is let in.
    rooms.activity.close();
    if let Some(public) = public
        && tokio::time::timeout(LAST_ANSWERS, public).await.is_err()
    {
        tracing::warn!("some requests were not answered in time");
    }
    for task in [serving, receiving, tidying] {
        task.abort();
    }
    close(&rooms, &lock).await;
    Ok(())
}

/// How long requests that have begun may take once the daemon is told to end.
const LAST_ANSWERS: Duration = Duration::from_secs(10);

/// Opens the door over TCP, where one was asked for.
async fn open_public(rooms: &Rooms) -> Result<Option<tokio::task::JoinHandle<()>>, ApiError> {
    let Some(tcp) = rooms.config.tcp.clone().filter(|_| !rooms.config.private) else { return Ok(None) };
    let door = doors::http::Door::open(&tcp, rooms).await?;
    let router = doors::http::public_router(rooms.clone(), &tcp, door.is_encrypted())?;
    tracing::info!(address = %door.address, encrypted = door.is_encrypted(), "open over TCP");
    let _ = rooms.address.set(format!(
        "{}://{}",
        if door.is_encrypted() { "https" } else { "http" },
        door.address
    ));
    Ok(Some(tokio::spawn(door.serve(rooms.clone(), router, rooms.activity.closing()))))
}

fn cannot_begin(error: &lifecycle::LifecycleError) -> ApiError {
    match error {
        lifecycle::LifecycleError::AlreadyRunning { .. } => {
            ApiError::new(ErrorKind::Unavailable, "already_running", error.to_string())
        }
        lifecycle::LifecycleError::Io { path, source } => lifecycle::io_error(path, source),
    }
}

fn prepare_folders(config: &Config) -> Result<(), ApiError> {
    let dirs = &config.dirs;
    let unusable = |e: wharf_settings::DirsError| {
        ApiError::new(ErrorKind::Failed, "folder", e.to_string()).hint(
            "mend it, or point WHARF_STATE_DIR, WHARF_CACHE_DIR and WHARF_RUNTIME_DIR to folders of your own",
        )
    };
    for dir in [&dirs.state, &dirs.cache] {
        wharf_settings::Dirs::ensure(dir).map_err(unusable)?;
    }
    dirs.ensure_runtime().map_err(unusable)?;
    // Relative names in statements must never mean the folder that the daemon happened to be started in.
    let empty = dirs.state.join("empty");
    wharf_settings::Dirs::ensure(&empty).map_err(unusable)?;
    std::env::set_current_dir(&empty).map_err(|e| lifecycle::io_error(&empty, &e))
}

/// Opens the rooms, the lowest first, and puts in order what a crash left.
async fn open(config: Config, first_thread: std::sync::mpsc::Sender<Errand>) -> Result<Rooms, ApiError> {
    let dirs = config.dirs.clone();
    let scratch = lifecycle::scratch(&dirs.cache)?;
    let snapshots = sources::duckdb::Snapshots::new(&dirs.cache.join("snapshots"), config.memory);
    let pool = sources::duckdb::Pool::new(config.memory, &scratch);
    // An engine takes ten milliseconds to open: it does so while the state is read.
    let parser = sources::duckdb::EngineParser::new(pool.clone());
    let warm = parser.clone();
    let _ = first_thread.send(Box::new(move || warm.warm()));
    drop(first_thread);
    let state = state::State::open(&dirs.state).await?;
    let (vault, default) = (config.vault.clone(), config.default_source.clone());
    let catalog = catalog::Catalog::load(state.clone(), snapshots, vault, default).await?;
    if !config.private {
        let examined = state.clone();
        tokio::spawn(async move { examined.examine().await });
        catalog.sweep_snapshots();
        demo::sweep(&dirs.data);
    }
    let audit = audit::Audit::open(state.clone(), &dirs.state.join("audit"), config.audit).await?;
    if !config.private {
        audit.retain();
    }
    let secrets = secrets::Secrets::new(&dirs.state);
    let policies = policies::Policies::new(state.clone(), secrets.clone());
    let gate = gate::Gate::new(catalog, pool, parser, audit, policies, config.limits.clone());
    let warm = gate.clone();
    tokio::task::spawn_blocking(move || warm.warm());
    let (quota, private, place) = (config.replicas_quota, config.private, dirs.data.join("replicas"));
    let replicas = replicas::Replicas::open(state.clone(), gate.clone(), &place, quota, private).await?;
    let looking = replicas.clone();
    tokio::task::spawn_blocking(move || looking.look());
    let sessions = sessions::Sessions::new(state.clone());
    let interrupted = if config.private { 0 } else { sessions.recover().await? };
    if interrupted > 0 {
        tracing::warn!(interrupted, "turns were cut by the end of the daemon before this one");
    }
    let activity = Activity::new();
    let models = models::Models::new(gate.clone());
    let agents = agents::Agents::new(models.clone(), sessions.clone(), activity.clone());
    let handoff = doors::handoff::Handoff::default();
    let identity = identity::Identity::new(state.clone(), secrets, config.logins);
    let (address, measures) = (std::sync::OnceLock::new(), measures::Measures::begin());
    let rooms = AllRooms {
        config,
        state,
        gate,
        replicas,
        metadata: metadata::Metadata::default(),
        models,
        sessions,
        agents,
        identity,
        measures,
        activity,
        handoff,
        address,
    };
    Ok(Rooms(Arc::new(rooms)))
}

/// Binds both sockets. Whatever stands at their paths is stale: this daemon holds the lock.
fn listen(config: &Config) -> Result<(UnixListener, UnixListener), ApiError> {
    let bind = |path: &std::path::Path| {
        match std::fs::symlink_metadata(path) {
            Ok(meta) if meta.is_dir() => {
                let error = std::io::Error::from(std::io::ErrorKind::IsADirectory);
                return Err(lifecycle::io_error(path, &error));
            }
            Ok(_) => std::fs::remove_file(path).map_err(|e| lifecycle::io_error(path, &e))?,
            Err(_) => {}
        }
        UnixListener::bind(path).map_err(|e| lifecycle::io_error(path, &e))
    };
    Ok((bind(&config.socket)?, bind(&config.handoff_socket)?))
}

/// Waits for a reason to end.
async fn ending(rooms: &Rooms) -> &'static str {
    let terminate = async {
        match signal(SignalKind::terminate()) {
            Ok(mut signal) => signal.recv().await,
            Err(_) => std::future::pending().await,
        }
    };
    let (registry, replicas) = (rooms.gate.registry().clone(), rooms.replicas.clone());
    tokio::select! {
        () = rooms.activity.stopped() => "asked to",
        _ = terminate => "terminated",
        _ = tokio::signal::ctrl_c() => "interrupted",
        () = orphaned(rooms.config.private) => "its client is gone",
        () = rooms.activity.over(rooms.config.idle_exit, rooms.config.max_lifetime, move || registry.running_count() + u64::from(replicas.is_scheduled())) => "idle",
    }
}

/// A private daemon ends with the client that started it, whose end closes our standard input.
async fn orphaned(private: bool) {
    if !private {
        std::future::pending::<()>().await;
    }
    let _ = tokio::io::copy(&mut tokio::io::stdin(), &mut tokio::io::sink()).await;
}

/// After this long without a statement the daemon makes itself small.
const IDLE_SECONDS: u32 = 5;

/// Now and then: instances nobody uses are closed, and what they held goes back to the system.
async fn tidy(rooms: Rooms) {
    let mut tick = tokio::time::interval(Duration::from_secs(1));
    let (mut seen, mut quiet, mut ticks) = (0, 0_u32, 1_u64);
    loop {
        tick.tick().await;
        rooms.gate.pool().sweep();
        let begun = rooms.gate.registry().begun();
        quiet = if begun == seen && rooms.gate.registry().running_count() == 0 { quiet + 1 } else { 0 };
        seen = begun;
        if !rooms.config.private {
            rooms.replicas.tick().await;
        }
        if ticks.is_multiple_of(5) {
            rooms.measures.upkeep();
        }
        if ticks.is_multiple_of(60)
            && let Err(error) = rooms.replicas.flush().await
        {
            tracing::warn!(%error, "it was not noted when replicas were last used");
        }
        if ticks.is_multiple_of(60)
            && let Err(error) = rooms.identity.flush().await
        {
            tracing::warn!(%error, "it was not noted when tokens were last used");
        }
        ticks += 1;
        if quiet == IDLE_SECONDS {
            lifecycle::let_go_of_program_text();
        }
    }
}

/// Ends statements and turns, writes what is to be kept, and leaves no file that claims a daemon runs.
async fn close(rooms: &Rooms, lock: &LifeLock) {
    lock.withdraw();
    for socket in [&rooms.config.socket, &rooms.config.handoff_socket] {
        let _ = std::fs::remove_file(socket);
    }
    rooms.gate.registry().cancel_all(sources::Reason::Shutdown);
    rooms.agents.stop_all();
    let quiet = async {
        while rooms.activity.turns() > 0 || rooms.gate.registry().running_count() > 0 {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    };
    if tokio::time::timeout(Duration::from_secs(5), quiet).await.is_err() {
        tracing::warn!("some work did not end in time");
    }
    rooms.gate.audit().close().await;
    if let Err(error) = rooms.replicas.flush().await {
        tracing::warn!(%error, "it was not noted when replicas were last used");
    }
    if let Err(error) = rooms.identity.flush().await {
        tracing::warn!(%error, "it was not noted when tokens were last used");
    }
    rooms.state.close().await;
    lifecycle::remove_scratch(&rooms.config.dirs.cache);
}
