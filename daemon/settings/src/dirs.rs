//! The five directories, and the files in them that both sides must agree on.

use std::os::unix::fs::{DirBuilderExt, MetadataExt, PermissionsExt};
use std::path::{Path, PathBuf};

type Lookup = dyn Fn(&str) -> Option<String> + Send + Sync;

/// The environment as seen at the start of the process: a variable's value, absent when empty.
pub struct Env(Box<Lookup>);

impl Env {
    /// The real environment.
    pub fn process() -> Self {
        Self(Box::new(|name| std::env::var(name).ok()))
    }

    /// A made-up environment, for tests.
    pub fn of<const N: usize>(pairs: [(&str, &str); N]) -> Self {
        let pairs: Vec<(String, String)> =
            pairs.iter().map(|(k, v)| ((*k).to_owned(), (*v).to_owned())).collect();
        Self(Box::new(move |name| pairs.iter().find(|(k, _)| k == name).map(|(_, v)| v.clone())))
    }

    /// A variable that is set and not empty.
    pub fn get(&self, name: &str) -> Option<String> {
        (self.0)(name).filter(|v| !v.is_empty())
    }
}

/// Why a directory cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum DirsError {
    /// No home directory is known.
    #[error("no home directory is known for this user")]
    NoHome,
    /// An override is not an absolute path.
    #[error("{variable} must be an absolute path, not `{value}`")]
    Relative {
        /// The variable.
        variable: &'static str,
        /// Its value.
        value: String,
    },
    /// It cannot be created or looked at.
    #[error("cannot use the directory {}: {source}", path.display())]
    Io {
        /// The directory.
        path: PathBuf,
        /// The cause.
        #[source]
        source: std::io::Error,
    },
    /// It belongs to somebody else, is a link, or is open to others.
    #[error("refusing the directory {}: {reason}", path.display())]
    Unsafe {
        /// The directory.
        path: PathBuf,
        /// What is wrong with it.
        reason: String,
    },
    /// The socket's path does not fit into a socket address.
    #[error("the socket path {} has {} bytes, more than the {} that this system allows", path.display(), path.as_os_str().len(), crate::SOCKET_PATH_MAX)]
    TooLong {
        /// The path.
        path: PathBuf,
    },
}

/// The directories of one user. All are absolute; none needs to exist yet.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Dirs {
    /// `config.toml`.
    pub config: PathBuf,
    /// What the user would miss: the demo's data.
    pub data: PathBuf,
    /// The daemon's database, logs, history, drafts.
    pub state: PathBuf,
    /// What can be made again: snapshots, spill files, completion lists.
    pub cache: PathBuf,
    /// Sockets and locks.
    pub runtime: PathBuf,
}

impl Dirs {
    /// Resolves the directories: `WHARF_{CONFIG,DATA,STATE,CACHE,RUNTIME}_DIR`, else the XDG base directories, else
    /// the platform's defaults. Relative XDG values are ignored, as the XDG specification asks.
    ///
    /// # Errors
    /// When no home is known, or an override is relative.
    pub fn resolve(env: &Env) -> Result<Self, DirsError> {
        let home = env
            .get("HOME")
            .map(PathBuf::from)
            .or_else(|| directories::BaseDirs::new().map(|d| d.home_dir().to_owned()))
            .ok_or(DirsError::NoHome)?;
        let xdg = |name: &str| env.get(name).map(PathBuf::from).filter(|p| p.is_absolute());
        let pick = |variable: &'static str, default: PathBuf| match env.get(variable) {
            Some(value) if !Path::new(&value).is_absolute() => Err(DirsError::Relative { variable, value }),
            Some(value) => Ok(PathBuf::from(value)),
            None => Ok(default),
        };
        let base =
            |name: &str, fallback: &str| xdg(name).unwrap_or_else(|| home.join(fallback)).join("wharf");
        let uid = rustix::process::getuid().as_raw();
        let runtime = xdg("XDG_RUNTIME_DIR")
            .filter(|p| p.is_dir())
            .map_or_else(|| std::env::temp_dir().join(format!("wharf-{uid}")), |p| p.join("wharf"));
        Ok(Self {
            config: pick("WHARF_CONFIG_DIR", base("XDG_CONFIG_HOME", ".config"))?,
            data: pick("WHARF_DATA_DIR", base("XDG_DATA_HOME", ".local/share"))?,
            state: pick("WHARF_STATE_DIR", base("XDG_STATE_HOME", ".local/state"))?,
            cache: pick("WHARF_CACHE_DIR", base("XDG_CACHE_HOME", ".cache"))?,
            runtime: pick("WHARF_RUNTIME_DIR", runtime)?,
        })
    }

    /// The user's settings.
    pub fn config_file(&self) -> PathBuf {
        self.config.join("config.toml")
    }

    /// Where the daemon listens by default.
    pub fn socket(&self) -> PathBuf {
        self.runtime.join("wharfd.sock")
    }

    /// Where clients hand their outputs over.
    pub fn handoff_socket(&self) -> PathBuf {
        self.runtime.join("handoff.sock")
    }

    /// Where the running daemon writes its real address, so that a client with another environment finds it.
    pub fn address_file(&self) -> PathBuf {
        self.state.join("daemon.json")
    }

    /// Locked by the daemon for its whole life.
    pub fn pid_file(&self) -> PathBuf {
        self.state.join("wharfd.pid")
    }

    /// Locked by a client while it starts the daemon.
    pub fn start_lock(&self) -> PathBuf {
        self.state.join("start.lock")
    }

    /// The daemon's log.
    pub fn log_file(&self) -> PathBuf {
        self.state.join("wharfd.log")
    }

    /// The lists that shell completion reads.
    pub fn completion_file(&self) -> PathBuf {
        self.cache.join("completion.json")
    }

    /// Creates `dir` with mode 0700 if it is missing.
    ///
    /// # Errors
    /// When it cannot be created, or is not a directory.
    pub fn ensure(dir: &Path) -> Result<(), DirsError> {
        let io = |source| DirsError::Io { path: dir.to_owned(), source };
        match std::fs::metadata(dir) {
            Ok(meta) if meta.is_dir() => Ok(()),
            Ok(_) => Err(io(std::io::Error::from(std::io::ErrorKind::NotADirectory))),
            Err(_) => std::fs::DirBuilder::new().recursive(true).mode(0o700).create(dir).map_err(io),
        }
    }

    /// Creates the runtime directory if needed, and checks that nobody else can put a socket there: a real directory,
    /// owned by this user, mode 0700, and a socket path that fits.
    ///
    /// # Errors
    /// When any of that does not hold.
    pub fn ensure_runtime(&self) -> Result<(), DirsError> {
        let path = &self.runtime;
        Self::ensure(path)?;
        let refuse = |reason: String| Err(DirsError::Unsafe { path: path.clone(), reason });
        let meta =
            std::fs::symlink_metadata(path).map_err(|source| DirsError::Io { path: path.clone(), source })?;
        if meta.file_type().is_symlink() {
            return refuse("it is a symbolic link".to_owned());
        }
        let uid = rustix::process::getuid().as_raw();
        if meta.uid() != uid {
            return refuse(format!("it belongs to user {}, not to user {uid}", meta.uid()));
        }
        let mode = meta.permissions().mode() & 0o777;
        if mode & 0o077 != 0 {
            return refuse(format!("its mode is {mode:o}; others may enter (chmod 700 mends it)"));
        }
        let too_long = |path: &PathBuf| path.as_os_str().len() > crate::SOCKET_PATH_MAX;
        match [self.socket(), self.handoff_socket()].into_iter().find(too_long) {
            Some(path) => Err(DirsError::TooLong { path }),
            None => Ok(()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn overrides_win_over_xdg_and_xdg_over_home() {
        let env = Env::of([
            ("HOME", "/home/a"),
            ("XDG_STATE_HOME", "/x/state"),
            ("XDG_CACHE_HOME", "relative"),
            ("WHARF_DATA_DIR", "/d"),
        ]);
        let dirs = Dirs::resolve(&env).unwrap();
        assert_eq!(dirs.config, Path::new("/home/a/.config/wharf"));
        assert_eq!(dirs.state, Path::new("/x/state/wharf"));
        assert_eq!(dirs.cache, Path::new("/home/a/.cache/wharf"));
        assert_eq!(dirs.data, Path::new("/d"));
    }

    #[test]
    fn a_relative_override_is_refused() {
        let env = Env::of([("HOME", "/home/a"), ("WHARF_STATE_DIR", "here")]);
        assert_eq!(
            Dirs::resolve(&env).unwrap_err().to_string(),
            "WHARF_STATE_DIR must be an absolute path, not `here`"
        );
    }

    #[test]
    fn a_runtime_directory_that_others_may_enter_is_refused() {
        let tmp = tempfile::tempdir().unwrap();
        let open = tmp.path().join("open");
        std::fs::create_dir(&open).unwrap();
        std::fs::set_permissions(&open, std::fs::Permissions::from_mode(0o755)).unwrap();
        let link = tmp.path().join("link");
        let good = tmp.path().join("good");
        let mut dirs = Dirs::resolve(&Env::of([("HOME", "/h")])).unwrap();
        for (runtime, refused) in [(open, true), (good.clone(), false)] {
            dirs.runtime = runtime;
            assert_eq!(dirs.ensure_runtime().is_err(), refused);
        }
        std::os::unix::fs::symlink(&good, &link).unwrap();
        dirs.runtime = link;
        assert!(dirs.ensure_runtime().unwrap_err().to_string().contains("symbolic link"));
        dirs.runtime = tmp.path().join("x".repeat(120));
        assert!(matches!(dirs.ensure_runtime(), Err(DirsError::TooLong { .. })));
    }
}
