//! `wharfd`: the daemon. `wharf` starts it by itself; run it by hand under systemd, in containers, or to debug.

use std::io::Write as _;
use std::path::PathBuf;
use std::process::ExitCode;
use wharf_daemon::Config;
use wharf_protocol::{ApiError, ErrorKind};
use wharf_settings::{Dirs, Env, Settings};

const HELP: &str = "\
wharfd - the local daemon of wharf

wharf starts it when it is needed; you rarely run it yourself.

Usage: wharfd [--detached | --private]

  --detached  leave the terminal's session; tell on standard output when ready
  --private   serve one command: no lock on the state, end when standard input closes
  -V, --version
  -h, --help

Settings: `wharf config show`. Folders: WHARF_CONFIG_DIR, WHARF_DATA_DIR, WHARF_STATE_DIR,
WHARF_CACHE_DIR, WHARF_RUNTIME_DIR, else the XDG base directories.
";

#[derive(Clone, Copy, PartialEq, Eq)]
enum Mode {
    Foreground,
    Detached,
    Private,
}

fn main() -> ExitCode {
    let mut mode = Mode::Foreground;
    for argument in std::env::args().skip(1) {
        match argument.as_str() {
            "--detached" => mode = Mode::Detached,
            "--private" => mode = Mode::Private,
            "-V" | "--version" => return say(&format!("wharfd {}\n", env!("CARGO_PKG_VERSION")), 0),
            "-h" | "--help" => return say(HELP, 0),
            other => {
                let _ = writeln!(
                    std::io::stderr(),
                    "error: unknown argument `{other}`\n  wharfd --help shows what there is"
                );
                return ExitCode::from(2);
            }
        }
    }
    rustix::process::umask(rustix::fs::Mode::from_raw_mode(0o077));
    if mode == Mode::Detached {
        let _ = rustix::process::setsid();
    }
    match run(mode) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            tell(&serde_json::json!({ "error": error }));
            let _ = writeln!(std::io::stderr(), "error: {error}");
            if let Some(hint) = &error.hint {
                let _ = writeln!(std::io::stderr(), "  {hint}");
            }
            ExitCode::from(error.kind.exit_code())
        }
    }
}

fn say(text: &str, code: u8) -> ExitCode {
    let _ = std::io::stdout().write_all(text.as_bytes());
    ExitCode::from(code)
}

/// One line on standard output, for whoever started the daemon and waits.
fn tell(line: &serde_json::Value) {
    let mut out = std::io::stdout();
    let _ = writeln!(out, "{line}");
    let _ = out.flush();
}

fn run(mode: Mode) -> Result<(), ApiError> {
    let env = Env::process();
    let dirs = Dirs::resolve(&env).map_err(|e| ApiError::new(ErrorKind::Invalid, "folder", e.to_string()))?;
    let settings = Settings::load(&dirs, &env, None, Vec::new()).map_err(|e| {
        ApiError::new(ErrorKind::Invalid, "settings", e.to_string()).maybe_hint(e.hint.clone())
    })?;
    if settings.text("daemon.core_dumps") != "true" {
        wharf_daemon::lifecycle::keep_memory_private()
            .map_err(|e| ApiError::new(ErrorKind::Internal, "core_dumps", e.to_string()))?;
    }
    let mut config = Config::new(dirs, &settings);
    config.private = mode == Mode::Private;
    // DuckDB works on threads of its own; the rest is waiting. The stacks have the room that the engine's parser is given: a
    // new one for each statement takes longer than half of its policy check. What is not touched takes no memory.
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(2)
        .thread_stack_size(16 << 20)
        .enable_all()
        .build()
        .map_err(|e| ApiError::new(ErrorKind::Internal, "runtime", e.to_string()))?;
    let log: PathBuf = config.dirs.log_file();
    let (errands, mine) = std::sync::mpsc::channel();
    let running = runtime.spawn(wharf_daemon::run(config, errands, move |address| {
        tell(&serde_json::json!({"ready": true, "pid": std::process::id(), "log": log, "address": address}));
        if mode == Mode::Detached {
            close_stdout();
        }
    }));
    for errand in mine {
        errand();
    }
    let result = runtime.block_on(running).unwrap_or_else(|e| {
        Err(ApiError::new(ErrorKind::Internal, "panic", format!("the daemon broke off: {e}")))
    });
    runtime.shutdown_timeout(std::time::Duration::from_millis(500));
    result
}

/// The starter must not wait for our end to see the end of our output.
fn close_stdout() {
    if let Ok(null) = std::fs::File::options().write(true).open("/dev/null") {
        let _ = rustix::stdio::dup2_stdout(&null);
    }
}
