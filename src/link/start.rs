//! Finding the daemon, and starting it where there is none.
//!
//! Ready means that it answers, never that a file exists. A socket nobody answers at is stale and replaced; a daemon
//! that holds its lock but does not answer is stuck, and is not killed behind its owner's back.

use crate::link::{Failure, GREETING};
use serde::Deserialize;
use std::fs::{File, OpenOptions, TryLockError};
use std::io::{BufRead, BufReader};
use std::os::unix::fs::OpenOptionsExt;
use std::os::unix::net::UnixStream;
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};
use wharf_protocol::{ApiError, ErrorKind, PROTOCOL};
use wharf_settings::Dirs;

/// A daemon that is not ready after this long has failed to start.
const READY: Duration = Duration::from_secs(20);

/// A daemon that gives way to one that is not there is started again, at most so often.
const TRIES: usize = 10;

/// What is needed to start a daemon.
#[derive(Clone)]
pub struct Spawn {
    /// Its folders.
    pub dirs: Dirs,
}

/// The address a running daemon has told.
#[derive(Debug, Clone, Deserialize)]
pub struct Address {
    /// Process id.
    pub pid: u32,
    /// Build version.
    pub version: String,
    /// Protocol number.
    pub protocol: u32,
    /// The socket.
    pub socket: PathBuf,
}

/// What stands where a daemon would be.
#[derive(Debug)]
pub enum Found {
    /// Something accepts connections there.
    Listening(Address),
    /// A daemon holds its lock but nothing accepts connections.
    Silent(Option<u32>),
    /// No daemon.
    Nothing,
}

/// A private daemon of this process; it ends when this is dropped.
pub struct Private {
    child: Child,
    dir: PathBuf,
    /// Its socket.
    pub socket: PathBuf,
}

impl Drop for Private {
    fn drop(&mut self) {
        // Its standard input closes with this, which is its sign to end.
        drop(self.child.stdin.take());
        let deadline = Instant::now() + Duration::from_secs(6);
        while Instant::now() < deadline && matches!(self.child.try_wait(), Ok(None)) {
            std::thread::sleep(Duration::from_millis(2));
        }
        let _ = self.child.kill();
        let _ = self.child.wait();
        let _ = std::fs::remove_dir_all(&self.dir);
    }
}

impl Spawn {
    /// A daemon in `dirs`.
    pub fn new(dirs: Dirs) -> Self {
        Self { dirs }
    }
}

/// Looks for a daemon without starting one.
pub fn find(dirs: &Dirs) -> Found {
    let told =
        std::fs::read(dirs.address_file()).ok().and_then(|b| serde_json::from_slice::<Address>(&b).ok());
    if let Some(address) = told
        && !is_dying(address.pid)
        && UnixStream::connect(&address.socket).is_ok()
    {
        return Found::Listening(address);
    }
    match lock_holder(dirs) {
        Some(pid) => Found::Silent(pid),
        None => Found::Nothing,
    }
}

/// A killed process still accepts connections for a moment, until the system has closed its descriptors.
fn is_dying(pid: u32) -> bool {
    let stat = std::fs::read_to_string(format!("/proc/{pid}/stat")).unwrap_or_default();
    let state = stat.rsplit_once(") ").and_then(|(_, rest)| rest.chars().next());
    matches!(state, Some('Z' | 'X'))
}

/// Whether a daemon holds its lock, and its pid where it is told.
pub fn lock_holder(dirs: &Dirs) -> Option<Option<u32>> {
    let file = File::open(dirs.pid_file()).ok()?;
    match file.try_lock_shared() {
        Ok(()) => None,
        Err(TryLockError::WouldBlock) => {
            let text = std::fs::read_to_string(dirs.pid_file()).unwrap_or_default();
            Some(serde_json::from_str::<Address>(&text).ok().map(|a| a.pid))
        }
        Err(TryLockError::Error(_)) => None,
    }
}

/// The socket of a daemon that answers; one is started if there is none.
pub(super) async fn ensure(spawn: &Spawn) -> Result<PathBuf, Failure> {
    let begun = Instant::now();
    loop {
        match find(&spawn.dirs) {
            Found::Listening(address) if address.protocol == PROTOCOL => return Ok(address.socket),
            Found::Listening(address) => return replace(spawn, &address).await,
            // It may be starting, or ending: its lock comes before its socket and goes after it.
            Found::Silent(_) if begun.elapsed() < GREETING => {
                tokio::time::sleep(Duration::from_millis(3)).await;
            }
            Found::Silent(_) => return Err(stuck(spawn)),
            Found::Nothing => return start(spawn),
        }
    }
}

/// A daemon of another protocol is asked to end if it is idle; it decides itself.
async fn replace(spawn: &Spawn, old: &Address) -> Result<PathBuf, Failure> {
    let http = reqwest::Client::builder()
        .unix_socket(old.socket.as_path())
        .tls_certs_only(std::iter::empty())
        .no_proxy()
        .build();
    let asked = match http {
        Ok(http) => {
            http.post("http://wharf/api/daemon/stop?if_idle=true").timeout(GREETING).send().await.is_ok()
        }
        Err(_) => false,
    };
    let deadline = Instant::now() + Duration::from_secs(5);
    while asked && Instant::now() < deadline {
        if lock_holder(&spawn.dirs).is_none() {
            return start(spawn);
        }
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    Err(Failure::from(ApiError::new(
        ErrorKind::Unavailable,
        "protocol",
        format!(
            "the running daemon (pid {}, version {}) speaks protocol {} and this client {PROTOCOL}, and it is busy",
            old.pid, old.version, old.protocol
        ),
    )
    .hint("wait until it is idle, or stop it with `wharf daemon stop`")))
}

/// Starts the daemon and waits until it is ready. Of many clients at once, one starts it and the others wait.
fn start(spawn: &Spawn) -> Result<PathBuf, Failure> {
    let dirs = &spawn.dirs;
    Dirs::ensure(&dirs.state).map_err(|e| cannot_start(&e.to_string(), true))?;
    let lock_path = dirs.start_lock();
    let lock = OpenOptions::new().create(true).truncate(false).write(true).mode(0o600).open(&lock_path);
    let lock = lock.map_err(|e| cannot_start(&format!("{}: {e}", lock_path.display()), true))?;
    lock.lock().map_err(|e| cannot_start(&format!("{}: {e}", lock_path.display()), false))?;
    if let Found::Listening(address) = find(dirs) {
        return Ok(address.socket);
    }
    // A client that looks whether somebody holds the daemon's lock holds it itself for that instant, and a daemon that begins
    // in it takes it for another daemon and gives way.
    for _ in 0..TRIES {
        let log = log_file(dirs)?;
        let mut command = Command::new(daemon_path()?);
        command.arg("--detached").stdin(Stdio::null()).stdout(Stdio::piped()).stderr(log).process_group(0);
        let mut child = command.spawn().map_err(|e| cannot_start(&e.to_string(), false))?;
        wait_ready(&mut child)?;
        if let Found::Listening(address) = find(dirs) {
            return Ok(address.socket);
        }
    }
    Err(cannot_start("it ended as soon as it was ready", false))
}

/// A daemon for this process alone.
pub(super) async fn private(spawn: &Spawn) -> Result<Private, Failure> {
    let dir = std::env::temp_dir().join(format!("wharf-private-{}", uuid::Uuid::now_v7().simple()));
    let mut builder = std::fs::DirBuilder::new();
    std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
    builder.create(&dir).map_err(|e| cannot_start(&format!("{}: {e}", dir.display()), false))?;
    let mut command = Command::new(daemon_path()?);
    command.arg("--private").stdin(Stdio::piped()).stdout(Stdio::piped()).process_group(0);
    command.env("WHARF_RUNTIME_DIR", &dir);
    if Dirs::ensure(&spawn.dirs.state).is_err() || !writable(&spawn.dirs.state) {
        // A read-only home: everything that would be kept goes where it is swept away.
        command.env("WHARF_STATE_DIR", dir.join("state")).env("WHARF_CACHE_DIR", dir.join("cache"));
        command.stderr(Stdio::null());
    } else {
        command.stderr(log_file(&spawn.dirs)?);
    }
    let mut child = command.spawn().map_err(|e| cannot_start(&e.to_string(), false))?;
    let ready = wait_ready(&mut child);
    let private = Private { child, socket: dir.join("wharfd.sock"), dir };
    ready.map(|()| private)
}

fn writable(dir: &Path) -> bool {
    let probe = dir.join(format!(".probe-{}", std::process::id()));
    let made = File::create(&probe).is_ok();
    let _ = std::fs::remove_file(probe);
    made
}

fn log_file(dirs: &Dirs) -> Result<File, Failure> {
    let path = dirs.log_file();
    let opened = OpenOptions::new().append(true).create(true).mode(0o600).open(&path);
    opened.map_err(|e| cannot_start(&format!("{}: {e}", path.display()), true))
}

/// `wharfd` beside this executable, else on the search path.
fn daemon_path() -> Result<PathBuf, Failure> {
    let own = std::env::current_exe().and_then(std::fs::canonicalize);
    let beside = own.ok().and_then(|p| Some(p.parent()?.join("wharfd")));
    match beside {
        Some(path) if path.is_file() => Ok(path),
        _ => Err(cannot_start("`wharfd` does not stand beside `wharf`", false)),
    }
}

#[derive(Deserialize)]
struct Told {
    #[serde(default)]
    error: Option<ApiError>,
}

/// Reads the one line that a starting daemon says.
fn wait_ready(child: &mut Child) -> Result<(), Failure> {
    let Some(stdout) = child.stdout.take() else { return Err(cannot_start("it has no output", false)) };
    let (sender, receiver) = std::sync::mpsc::channel();
    std::thread::spawn(move || {
        let mut line = String::new();
        let _ = BufReader::new(stdout).read_line(&mut line);
        let _ = sender.send(line);
    });
    let Ok(line) = receiver.recv_timeout(READY) else {
        return Err(cannot_start(&format!("it was not ready after {} s", READY.as_secs()), false));
    };
    match serde_json::from_str::<Told>(&line) {
        Ok(Told { error: None }) => Ok(()),
        // Another client's daemon was faster: that is as good.
        Ok(Told { error: Some(error) }) if error.code == "already_running" => Ok(()),
        Ok(Told { error: Some(error) }) => Err(Failure::from(error)),
        Err(_) => Err(cannot_start("it ended before it was ready", false)),
    }
}

fn cannot_start(why: &str, folder: bool) -> Failure {
    let error =
        ApiError::new(ErrorKind::Unavailable, "daemon_start", format!("the daemon cannot be started: {why}"));
    Failure::from(error.hint(if folder {
        "make the folder writable, set WHARF_STATE_DIR to one that is, or use --no-daemon"
    } else {
        "`wharf daemon logs` may say more; `wharf doctor` checks the set-up"
    }))
}

/// The failure for a daemon that holds its lock and does not answer.
pub(super) fn stuck(spawn: &Spawn) -> Failure {
    let pid = lock_holder(&spawn.dirs).flatten().map(|p| format!(" (pid {p})")).unwrap_or_default();
    Failure::from(
        ApiError::new(
            ErrorKind::Unavailable,
            "daemon_stuck",
            format!("the daemon{pid} is running but does not answer"),
        )
        .hint("`wharf daemon restart --force` ends it and starts another"),
    )
}

/// Ends the process that holds the daemon's lock, after making sure that it is a daemon of ours.
///
/// # Errors
/// When it is something else, or does not end.
pub fn force_stop(dirs: &Dirs) -> Result<Option<u32>, Failure> {
    let Some(holder) = lock_holder(dirs) else { return Ok(None) };
    let Some(pid) = holder else {
        return Err(cannot_start("the lock is held by a process that does not say which it is", false));
    };
    let exe = std::fs::read_link(format!("/proc/{pid}/exe")).unwrap_or_default();
    let name = exe.file_name().map(|n| n.to_string_lossy().into_owned()).unwrap_or_default();
    if !name.starts_with("wharfd") {
        return Err(cannot_start(
            &format!("process {pid} is `{}`, not a daemon of wharf; it was left alone", exe.display()),
            false,
        ));
    }
    let Some(process) = i32::try_from(pid).ok().and_then(rustix::process::Pid::from_raw) else {
        return Ok(None);
    };
    for signal in [rustix::process::Signal::TERM, rustix::process::Signal::KILL] {
        let _ = rustix::process::kill_process(process, signal);
        let deadline = Instant::now() + Duration::from_secs(3);
        while Instant::now() < deadline {
            if lock_holder(dirs).is_none() {
                return Ok(Some(pid));
            }
            std::thread::sleep(Duration::from_millis(5));
        }
    }
    Err(cannot_start(&format!("process {pid} does not end"), false))
}
