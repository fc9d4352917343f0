//! What the daemon was told at its start, resolved once. No room reads the environment or a settings file.

use crate::audit::Rules;
use crate::gate::Limits;
use crate::identity::Times;
use std::path::PathBuf;
use std::time::Duration;
use wharf_secrets::Vault;
use wharf_settings::{Dirs, Settings};

/// The daemon's configuration.
#[derive(Debug, Clone)]
pub struct Config {
    /// Its folders.
    pub dirs: Dirs,
    /// Where it listens.
    pub socket: PathBuf,
    /// Where descriptors are handed over.
    pub handoff_socket: PathBuf,
    /// It ends after this long without work; `None` = never.
    pub idle_exit: Option<Duration>,
    /// It ends after this long, as soon as nothing runs; `None` = never.
    pub max_lifetime: Option<Duration>,
    /// A request must have come whole within this time.
    pub request_time: Duration,
    /// A client that reads nothing for this long is dropped.
    pub write_stall: Duration,
    /// Bytes of memory for all engine instances together.
    pub memory: u64,
    /// Bytes that the files of all replicas may take together.
    pub replicas_quota: u64,
    /// What all statements together may take.
    pub limits: Limits,
    /// The door for agents and users over TCP; none: it stays shut.
    pub tcp: Option<Tcp>,
    /// How long logins last.
    pub logins: Times,
    /// When the audit log's files are closed and deleted.
    pub audit: Rules,
    /// Where secrets are kept.
    pub vault: Vault,
    /// The source meant when a request names none.
    pub default_source: Option<String>,
    /// How much goes to the log.
    pub log_level: String,
    /// It serves one command of one client beside a daemon that may run: it takes no lock on the state, repairs nothing,
    /// and ends when its standard input closes.
    pub private: bool,
}

impl Config {
    /// The configuration that `settings` mean in `dirs`.
    pub fn new(dirs: Dirs, settings: &Settings) -> Self {
        let half = available_memory() / 2;
        Self {
            socket: dirs.socket(),
            handoff_socket: dirs.handoff_socket(),
            idle_exit: settings.duration("daemon.idle_exit"),
            max_lifetime: settings.duration("daemon.max_lifetime"),
            request_time: settings.duration("limits.request_time").unwrap_or(Duration::from_secs(10)),
            write_stall: settings.duration("limits.write_stall").unwrap_or(Duration::from_secs(30)),
            memory: settings.size("limits.memory").unwrap_or(half),
            replicas_quota: settings.size("replicas.quota").unwrap_or(u64::MAX),
            limits: Limits {
                statements: usize::try_from(settings.count("limits.statements")).unwrap_or(8),
                queue: usize::try_from(settings.count("limits.queue")).unwrap_or(64),
                timeout: settings.duration("limits.statement_timeout"),
            },
            tcp: Tcp::of(settings),
            logins: Times {
                jwt: settings.duration("auth.jwt").unwrap_or(Duration::from_secs(1800)),
                login: settings.duration("auth.login").unwrap_or(Duration::from_secs(43_200)),
            },
            audit: Rules {
                max_size: settings.size("audit.max_size").unwrap_or(Rules::default().max_size),
                max_age: settings.duration("audit.max_age"),
                keep: settings.duration("audit.keep"),
            },
            vault: Vault::of(&dirs, settings, std::env::var("CREDENTIALS_DIRECTORY").ok()),
            default_source: settings.optional("chat.source").map(str::to_owned),
            log_level: settings.text("daemon.log_level").to_owned(),
            private: false,
            dirs,
        }
    }
}

/// The door over TCP.
#[derive(Debug, Clone)]
pub struct Tcp {
    /// Address and port.
    pub listen: String,
    /// How it is encrypted.
    pub tls: Tls,
    /// Whether it may be open beyond loopback without encryption.
    pub plain: bool,
    /// Folder with a frontend's build.
    pub static_dir: Option<PathBuf>,
    /// Origins whose pages may call.
    pub cors_origins: Vec<String>,
    /// Requests a minute.
    pub rates: Rates,
    /// Wrong credentials from one address in a minute; 0 = no limit.
    pub guesses: u32,
    /// Connections at once.
    pub connections: usize,
}

/// Where the certificate comes from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Tls {
    /// There is none.
    Off,
    /// PEM files: the chain and its key.
    Files(PathBuf, PathBuf),
    /// One made at the first start, for trials.
    SelfSigned,
    /// An ACME authority.
    Acme {
        /// Host names.
        domains: Vec<String>,
        /// Whom the authority writes to.
        email: Option<String>,
        /// Its directory; none: Let's Encrypt.
        directory: Option<String>,
        /// PEM file with what vouches for the directory; none: what browsers trust.
        root: Option<PathBuf>,
    },
}

/// Requests a minute; 0 = no limit.
#[derive(Debug, Clone, Copy)]
pub struct Rates {
    /// For each principal, but for statements.
    pub metadata: u32,
    /// Statements, samples, profiles and metric queries of each principal.
    pub query: u32,
    /// Health checks of each address.
    pub health: u32,
}

impl Tcp {
    fn of(settings: &Settings) -> Option<Self> {
        let listen = settings.optional("http.listen")?.to_owned();
        let list = |key| -> Vec<String> {
            let words = settings.optional(key).unwrap_or_default().split(',');
            words.map(str::trim).filter(|w| !w.is_empty()).map(str::to_owned).collect()
        };
        let rate = |key| u32::try_from(settings.count(key)).unwrap_or(u32::MAX);
        let path = |key| settings.optional(key).map(PathBuf::from);
        let files = || {
            Tls::Files(path("http.tls_cert").unwrap_or_default(), path("http.tls_key").unwrap_or_default())
        };
        let acme = || Tls::Acme {
            domains: list("http.acme_domains"),
            email: settings.optional("http.acme_email").map(str::to_owned),
            directory: settings.optional("http.acme_directory").map(str::to_owned),
            root: path("http.acme_root"),
        };
        let tls = match settings.text("http.tls") {
            "files" => files(),
            "self-signed" => Tls::SelfSigned,
            "acme" => acme(),
            "auto" if path("http.tls_cert").is_some() => files(),
            "auto" if settings.optional("http.acme_domains").is_some() => acme(),
            _ => Tls::Off,
        };
        Some(Self {
            listen,
            tls,
            plain: settings.text("http.plain") == "true",
            static_dir: path("http.static_dir"),
            cors_origins: list("http.cors_origins"),
            rates: Rates {
                metadata: rate("http.rate_metadata"),
                query: rate("http.rate_query"),
                health: rate("http.rate_health"),
            },
            guesses: rate("http.guesses"),
            connections: usize::try_from(settings.count("http.connections")).unwrap_or(1024).max(1),
        })
    }
}

/// Memory of the machine, or of the cgroup if that is less.
fn available_memory() -> u64 {
    let machine = std::fs::read_to_string("/proc/meminfo")
        .ok()
        .and_then(|text| {
            let line = text.lines().find(|l| l.starts_with("MemTotal:"))?;
            line.split_whitespace().nth(1)?.parse::<u64>().ok()
        })
        .map_or(4 << 30, |kib| kib << 10);
    cgroup_limit().map_or(machine, |limit| limit.min(machine))
}

/// The smallest `memory.max` on the way from this process's cgroup (version 2) to the root.
fn cgroup_limit() -> Option<u64> {
    let own = std::fs::read_to_string("/proc/self/cgroup").ok()?;
    let path = own.lines().find_map(|l| l.strip_prefix("0::"))?.trim_start_matches('/').to_owned();
    let mut dir = PathBuf::from("/sys/fs/cgroup").join(path);
    let mut least = None;
    while dir.starts_with("/sys/fs/cgroup") {
        let limit =
            std::fs::read_to_string(dir.join("memory.max")).ok().and_then(|t| t.trim().parse::<u64>().ok());
        least = match (least, limit) {
            (Some(a), Some(b)) => Some(std::cmp::min::<u64>(a, b)),
            (a, b) => a.or(b),
        };
        dir.pop();
    }
    least
}
