//! `wharf daemon`: its life.

use super::Context;
use super::result::{out, out_json};
use crate::cli::DaemonAction;
use crate::link::{Client, Failure, Found, find, force_stop, lock_holder};
use crate::output::{grouped, note};
use serde_json::json;
use std::io::{Read, Seek, SeekFrom};
use std::process::ExitCode;
use std::time::{Duration, Instant};
use wharf_protocol::{ApiError, ErrorKind, Status, StopReply};

/// Runs the command.
///
/// # Errors
/// When the daemon cannot be reached, started or stopped.
pub async fn run(context: &Context, action: DaemonAction) -> Result<ExitCode, Failure> {
    match action {
        DaemonAction::Start { json } => start(context, json).await,
        DaemonAction::Stop { if_idle, force, json } => {
            let pid = stop(context, if_idle, force).await?;
            said(context, json, "stopped", pid);
            Ok(ExitCode::SUCCESS)
        }
        DaemonAction::Restart { force, json } => {
            stop(context, false, force).await?;
            start(context, json).await
        }
        DaemonAction::Status { json } => status(context, json).await,
        DaemonAction::Logs { follow, lines } => logs(context, follow, lines).await,
        DaemonAction::Run => foreground(),
    }
}

async fn start(context: &Context, json: bool) -> Result<ExitCode, Failure> {
    let client = Client::connect(&context.dirs, false).await?;
    let hello = client.hello().await?;
    said(context, json, "running", Some(hello.pid));
    Ok(ExitCode::SUCCESS)
}

fn said(context: &Context, json: bool, state: &str, pid: Option<u32>) {
    if json {
        out_json(&json!({"state": state, "pid": pid}));
    } else {
        let pid = pid.map(|p| format!(" (pid {p})")).unwrap_or_default();
        note(&context.terminal, &format!("daemon {state}{pid}"));
    }
}

/// Stops the daemon and waits until it is gone.
pub(super) async fn stop(context: &Context, if_idle: bool, force: bool) -> Result<Option<u32>, Failure> {
    let address = match find(&context.dirs) {
        Found::Nothing => return Ok(None),
        Found::Silent(_) if force => return force_stop(&context.dirs),
        Found::Silent(pid) => {
            let pid = pid.map(|p| format!(" (pid {p})")).unwrap_or_default();
            let error = ApiError::new(
                ErrorKind::Unavailable,
                "daemon_stuck",
                format!("the daemon{pid} is running but does not answer"),
            );
            return Err(Failure::from(error).hint("add --force to end it"));
        }
        Found::Listening(address) => address,
    };
    let asked = tokio::time::timeout(Duration::from_secs(3), async {
        let client = Client::connect(&context.dirs, false).await?;
        let path = if if_idle { "/api/daemon/stop?if_idle=true" } else { "/api/daemon/stop" };
        client.post::<StopReply>(path, &json!({})).await
    });
    match asked.await {
        Ok(Ok(reply)) if !reply.stopping => {
            let why = reply.reason.unwrap_or_else(|| "it is busy".to_owned());
            return Err(Failure::from(ApiError::new(
                ErrorKind::Conflict,
                "daemon_busy",
                format!("the daemon goes on: {why}"),
            )));
        }
        Ok(Ok(_)) => {}
        Ok(Err(_)) | Err(_) if force => return force_stop(&context.dirs),
        Ok(Err(failure)) => return Err(failure),
        Err(_) => {
            let error = ApiError::new(
                ErrorKind::Unavailable,
                "daemon_stuck",
                format!("the daemon (pid {}) does not answer", address.pid),
            );
            return Err(Failure::from(error).hint("add --force to end it"));
        }
    }
    let deadline = Instant::now() + Duration::from_secs(8);
    while Instant::now() < deadline {
        if lock_holder(&context.dirs).is_none() {
            return Ok(Some(address.pid));
        }
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    if force {
        return force_stop(&context.dirs);
    }
    let error = ApiError::new(
        ErrorKind::Unavailable,
        "daemon_slow",
        format!("the daemon (pid {}) is still ending", address.pid),
    );
    Err(Failure::from(error).hint("wait a little, or add --force"))
}

async fn status(context: &Context, json: bool) -> Result<ExitCode, Failure> {
    let address = match find(&context.dirs) {
        Found::Listening(address) => address,
        Found::Silent(pid) => {
            said(context, json, "not answering", pid);
            return Ok(ExitCode::from(3));
        }
        Found::Nothing => {
            said(context, json, "not running", None);
            return Ok(ExitCode::from(3));
        }
    };
    let client = Client::connect(&context.dirs, false).await?;
    let status: Status = client.get("/api/daemon/status").await?;
    if json {
        out_json(&status);
        return Ok(ExitCode::SUCCESS);
    }
    let mib = |bytes: u64| format!("{} MiB", grouped(&(bytes >> 20).to_string()));
    let lines = [
        ("pid", status.pid.to_string()),
        ("version", format!("{} (protocol {})", status.version, address.protocol)),
        ("uptime", format!("{} s", grouped(&status.uptime_seconds.to_string()))),
        ("clients", status.clients.to_string()),
        ("statements", format!("{} running, {} waiting", status.statements, status.queue)),
        ("turns", status.turns.to_string()),
        ("memory", mib(status.memory_bytes)),
        ("cache", mib(status.cache_bytes)),
        ("socket", status.socket),
        ("log", status.log),
        ("state", status.state_dir),
        ("writes", status.degraded.map_or_else(|| "accepted".to_owned(), |why| format!("refused: {why}"))),
    ];
    out(&lines.iter().map(|(name, value)| format!("{name:<11} {value}\n")).collect::<String>());
    Ok(ExitCode::SUCCESS)
}

async fn logs(context: &Context, follow: bool, lines: usize) -> Result<ExitCode, Failure> {
    let path = context.dirs.log_file();
    let text = std::fs::read_to_string(&path).unwrap_or_default();
    let all: Vec<&str> = text.lines().collect();
    let last: String = all[all.len().saturating_sub(lines)..]
        .iter()
        .map(|l| format!("{}\n", crate::output::visible(l)))
        .collect();
    out(&last);
    let mut at = text.len() as u64;
    if !follow {
        return Ok(ExitCode::SUCCESS);
    }
    loop {
        tokio::time::sleep(Duration::from_millis(200)).await;
        let Ok(mut file) = std::fs::File::open(&path) else { continue };
        // A shorter file is a new one: the old was put aside.
        if file.metadata().is_ok_and(|m| m.len() < at) {
            at = 0;
        }
        let mut more = String::new();
        if file.seek(SeekFrom::Start(at)).is_ok() && file.read_to_string(&mut more).is_ok() {
            at += more.len() as u64;
            out(&more.lines().map(|l| format!("{}\n", crate::output::visible(l))).collect::<String>());
        }
    }
}

/// Becomes the daemon: the same process, so that a supervisor sees its signals and its end.
fn foreground() -> Result<ExitCode, Failure> {
    become_daemon(&[])
}

/// Becomes the daemon with these settings, as environment variables.
pub(super) fn become_daemon(settings: &[(&str, String)]) -> Result<ExitCode, Failure> {
    use std::os::unix::process::CommandExt;
    let exe = std::env::current_exe().and_then(std::fs::canonicalize)?;
    let mut command = std::process::Command::new(exe.with_file_name("wharfd"));
    let error = command.envs(settings.iter().map(|(name, value)| (name, value))).exec();
    Err(Failure::from(ApiError::new(
        ErrorKind::Unavailable,
        "daemon_start",
        format!("`wharfd` cannot be run: {error}"),
    )))
}
