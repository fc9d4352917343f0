//! The daemon speaking of itself: the handshake, its status, the end.

use serde::{Deserialize, Serialize};

/// The answer to `GET /api/daemon/hello`: enough to decide whether client and daemon can talk.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Hello {
    /// See [`crate::PROTOCOL`].
    pub protocol: u32,
    /// Build version, for people.
    pub version: String,
    /// Process id.
    pub pid: u32,
    /// Names of what this daemon can do beyond the protocol's minimum.
    pub capabilities: Vec<String>,
    /// Whether a turn, a statement or a stream is running.
    pub busy: bool,
}

/// The answer to `GET /api/daemon/status`. Sizes in bytes, durations in seconds.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Status {
    /// Process id.
    pub pid: u32,
    /// Build version.
    pub version: String,
    /// See [`crate::PROTOCOL`].
    pub protocol: u32,
    /// Seconds since the start.
    pub uptime_seconds: u64,
    /// Open connections.
    pub clients: u64,
    /// Statements running now.
    pub statements: u64,
    /// Turns running now.
    pub turns: u64,
    /// Background jobs running or waiting.
    pub jobs: u64,
    /// Requests waiting for a place.
    pub queue: u64,
    /// Resident memory.
    pub memory_bytes: u64,
    /// Snapshots and other rebuildable files.
    pub cache_bytes: u64,
    /// Open engine instances.
    pub instances: u64,
    /// Whether a write transaction on the state is open.
    pub open_transaction: bool,
    /// The socket it listens on.
    pub socket: String,
    /// Its log file.
    pub log: String,
    /// Its state folder.
    pub state_dir: String,
    /// Seconds without work after which it stops by itself; 0 = never.
    pub idle_exit_seconds: u64,
    /// Set when the daemon refuses writes, with the reason.
    pub degraded: Option<String>,
}

/// The answer to `POST /api/daemon/stop`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct StopReply {
    /// Whether it will stop.
    pub stopping: bool,
    /// Why not, if not.
    pub reason: Option<String>,
    /// Process id, to wait for.
    pub pid: u32,
}
