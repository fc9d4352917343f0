//! `wharf doctor`: is everything in order, and if not, what mends it.

use super::Context;
use super::result::{out, out_json};
use crate::cli::DoctorArgs;
use crate::link::{Client, Failure, Found, find};
use crate::output::visible;
use serde::{Deserialize, Serialize};
use std::os::unix::fs::PermissionsExt;
use std::process::ExitCode;
use wharf_secrets::{KeyOf, Place, SecretsError};

#[derive(Serialize)]
struct Check {
    id: &'static str,
    status: &'static str,
    details: String,
    remedy: Option<String>,
}

fn good(id: &'static str, details: impl Into<String>) -> Check {
    Check { id, status: "ok", details: details.into(), remedy: None }
}

fn bad(id: &'static str, details: impl Into<String>, remedy: impl Into<String>) -> Check {
    Check { id, status: "fail", details: details.into(), remedy: Some(remedy.into()) }
}

fn so_so(id: &'static str, details: impl Into<String>, remedy: impl Into<String>) -> Check {
    Check { id, status: "warn", details: details.into(), remedy: Some(remedy.into()) }
}

/// Runs the command: exit 0 if nothing failed, else 1.
///
/// # Errors
/// Never: what is wrong is what it reports.
pub async fn run(context: &Context, args: DoctorArgs) -> Result<ExitCode, Failure> {
    let mut checks = vec![executables(), settings(context)];
    checks.extend(folders(context));
    checks.push(terminal(context));
    checks.push(completion(context));
    checks.push(secrets(context));
    checks.extend(daemon(context).await);
    let failed = checks.iter().any(|c| c.status == "fail");
    if args.json {
        out_json(&checks);
    } else {
        for check in &checks {
            out(&format!("{:<5} {:<12} {}\n", check.status, check.id, visible(&check.details)));
            if let Some(remedy) = &check.remedy {
                out(&format!("                   {}\n", visible(remedy)));
            }
        }
    }
    Ok(if failed { ExitCode::from(1) } else { ExitCode::SUCCESS })
}

fn executables() -> Check {
    let exe = std::env::current_exe().and_then(std::fs::canonicalize).unwrap_or_default();
    let daemon = exe.with_file_name("wharfd");
    if daemon.is_file() {
        good(
            "executables",
            format!("wharf {} in {}", env!("CARGO_PKG_VERSION"), exe.parent().unwrap_or(&exe).display()),
        )
    } else {
        bad(
            "executables",
            format!("{} is missing", daemon.display()),
            "install wharf and wharfd into one folder: make install PREFIX=DIR",
        )
    }
}

fn settings(context: &Context) -> Check {
    let file = context.dirs.config_file();
    if file.exists() {
        good("settings", format!("{} is valid", file.display()))
    } else {
        good("settings", "no settings file; the defaults hold (`wharf config init` writes one)")
    }
}

fn folders(context: &Context) -> Vec<Check> {
    let dirs = &context.dirs;
    let named =
        [("state", &dirs.state), ("cache", &dirs.cache), ("data", &dirs.data), ("runtime", &dirs.runtime)];
    named
        .into_iter()
        .map(|(id, dir)| match std::fs::metadata(dir) {
            Err(_) => good(id, format!("{} does not exist yet", dir.display())),
            Ok(meta) => {
                let mode = meta.permissions().mode() & 0o777;
                let probe = dir.join(format!(".doctor-{}", std::process::id()));
                let writable = std::fs::write(&probe, b"").is_ok();
                let _ = std::fs::remove_file(&probe);
                if !writable {
                    bad(id, format!("{} cannot be written", dir.display()), "make it writable, choose another with its WHARF_..._DIR variable, or use --no-daemon")
                } else if mode & 0o077 != 0 && id != "data" {
                    so_so(id, format!("{} has mode {mode:o}", dir.display()), format!("chmod 700 {}", dir.display()))
                } else {
                    good(id, dir.display().to_string())
                }
            }
        })
        .collect()
}

fn terminal(context: &Context) -> Check {
    let t = &context.terminal;
    let size = match (t.width, t.height) {
        (Some(w), Some(h)) => format!("{w}x{h}"),
        _ => "no terminal".to_owned(),
    };
    let details = format!(
        "{size}, colour {}, {}",
        if t.color_out { "on" } else { "off" },
        if t.unicode { "UTF-8" } else { "ASCII" }
    );
    match t.width {
        Some(width) if width < 40 => so_so("terminal", details, "the chat needs 40 columns or more"),
        _ => good("terminal", details),
    }
}

fn completion(context: &Context) -> Check {
    let shell = context.env.get("SHELL").unwrap_or_default();
    let name = shell.rsplit('/').next().unwrap_or_default().to_owned();
    let home = context.env.get("HOME").unwrap_or_default();
    let file = match name.as_str() {
        "bash" => ".bashrc",
        "zsh" => ".zshrc",
        "fish" => ".config/fish/config.fish",
        _ => return good("completion", format!("`wharf completions SHELL` switches it on ({name})")),
    };
    let text = std::fs::read_to_string(format!("{home}/{file}")).unwrap_or_default();
    if text.contains("COMPLETE=") && text.contains("wharf") || text.contains("wharf completions") {
        good("completion", format!("on for {name}"))
    } else {
        so_so("completion", format!("off for {name}"), format!("wharf completions {name} >> ~/{file}"))
    }
}

/// Where secrets are kept, and whether they can be had.
fn secrets(context: &Context) -> Check {
    let vault = context.vault();
    let bad = |e: SecretsError| bad("secrets", e.to_string(), e.hint());
    let place = match vault.place() {
        Ok(place) => place,
        Err(e) => return bad(e),
    };
    let Some(place) = place else {
        return good("secrets", format!("none are kept; the first one would be kept in {}", vault.best()));
    };
    match (vault.get("doctor"), place, vault.key()) {
        (Err(e), ..) => bad(e),
        (Ok(_), Place::File, KeyOf::Beside(key)) => so_so(
            "secrets",
            "kept in an encrypted file; its key lies beside it, which protects copies of the file, not the folder",
            format!("keep the key elsewhere: move {} and set secrets.key_file", key.display()),
        ),
        (Ok(_), Place::File, KeyOf::Given(key)) => {
            good("secrets", format!("kept in an encrypted file that {} opens", key.display()))
        }
        (Ok(_), Place::Keyring, _) => good("secrets", "kept in the OS keyring"),
    }
}

#[derive(Deserialize)]
struct Checks {
    writes: Writes,
    audit: Audit,
    engine: Engine,
    time_zones: Zones,
}

#[derive(Deserialize)]
struct Writes {
    refused: Option<String>,
}

#[derive(Deserialize)]
struct Audit {
    lines: u64,
    segments: u64,
    found: u64,
}

#[derive(Deserialize)]
struct Engine {
    version: Option<String>,
    error: Option<String>,
}

#[derive(Deserialize)]
struct Zones {
    works: bool,
}

async fn daemon(context: &Context) -> Vec<Check> {
    let found = find(&context.dirs);
    if let Found::Silent(pid) = &found {
        let pid = pid.map_or_else(|| "?".to_owned(), |p| p.to_string());
        return vec![bad(
            "daemon",
            format!("process {pid} holds the lock but does not answer"),
            "wharf daemon restart --force",
        )];
    }
    let client = match Client::connect(&context.dirs, context.global.no_daemon).await {
        Ok(client) => client,
        Err(failure) => {
            let remedy = failure.error.hint.unwrap_or_else(|| "wharf daemon logs".to_owned());
            return vec![bad("daemon", failure.error.message, remedy)];
        }
    };
    let mut checks = Vec::new();
    match client.hello().await {
        Ok(hello) => checks.push(good(
            "daemon",
            format!("pid {}, version {}, protocol {}", hello.pid, hello.version, hello.protocol),
        )),
        Err(failure) => {
            checks.push(bad("daemon", failure.error.message, failure.error.hint.unwrap_or_default()));
        }
    }
    let Ok(inside) = client.get::<Checks>("/api/daemon/checks").await else { return checks };
    checks.push(match inside.writes.refused {
        None => good("writes", "accepted"),
        Some(why) => bad(
            "writes",
            format!("refused since an earlier failure: {why}"),
            "check the disk, then `wharf daemon restart`",
        ),
    });
    checks.push(match (inside.engine.version, inside.engine.error) {
        (Some(version), _) => good("engine", format!("DuckDB {version}")),
        (None, error) => {
            bad("engine", error.unwrap_or_default(), "reinstall: lib/libduckdb.so must stand beside bin/")
        }
    });
    checks.push(if inside.time_zones.works {
        good("time zones", "work")
    } else {
        so_so(
            "time zones",
            "this engine was built without ICU: time zones and current_date fail",
            "use the prebuilt library: build without the feature `bundled`",
        )
    });
    let Audit { lines, segments, found } = inside.audit;
    checks.push(if found == 0 {
        good("audit", format!("{lines} lines in {segments} segments, unbroken"))
    } else {
        bad(
            "audit",
            format!("the log is not as it was written: {found} places"),
            "`wharf audit verify` names them; keep a copy of the files for whoever looks into this",
        )
    });
    checks
}
