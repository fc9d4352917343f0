//! Where wharf keeps its files, and what its settings are: resolved once, early, by client and daemon alike.
//!
//! Nothing else in the product reads the environment or knows a folder.

mod dirs;
mod layers;
mod table;
mod whole;

pub use dirs::{Dirs, DirsError, Env};
pub use layers::{Layer, Resolved, Settings, SettingsError};
pub use table::{Kind, Setting, TABLE, duration, init_text, schema};
pub use whole::{Use, WholeFile, write_whole};

/// The longest socket path that the platform takes, in bytes, the closing NUL not counted.
pub const SOCKET_PATH_MAX: usize = if cfg!(target_os = "macos") { 103 } else { 107 };
