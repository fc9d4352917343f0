//! What the daemon was told at its start, resolved once. No room reads the environment or a settings file.

use crate::audit::Rules;
use crate::gate::Limits;
use std::path::PathBuf;
use std::time::Duration;
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
    /// What all statements together may take.
    pub limits: Limits,
    /// When the audit log's files are closed and deleted.
    pub audit: Rules,
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
            limits: Limits {
                statements: usize::try_from(settings.count("limits.statements")).unwrap_or(8),
                queue: usize::try_from(settings.count("limits.queue")).unwrap_or(64),
                timeout: settings.duration("limits.statement_timeout"),
            },
            audit: Rules {
                max_size: settings.size("audit.max_size").unwrap_or(Rules::default().max_size),
                max_age: settings.duration("audit.max_age"),
                keep: settings.duration("audit.keep"),
            },
            default_source: settings.optional("chat.source").map(str::to_owned),
            log_level: settings.text("daemon.log_level").to_owned(),
            private: false,
            dirs,
        }
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
