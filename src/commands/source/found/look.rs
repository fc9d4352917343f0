//! Where other programs keep their connections on this machine, and the reading of those files.

use super::{Candidate, Found, Secret, aws, databricks, postgres, snowflake};
use std::io::Read;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use wharf_settings::Env;

/// The largest file that is read, in bytes. Those of people have a hundredth of it.
const LARGEST: u64 = 256 << 10;
/// Where PostgreSQL's programs look for the socket.
const SOCKETS: &str = "/var/run/postgresql";

/// Reads what there is. No file at all is the ordinary case.
pub fn look(env: &Env) -> Found {
    let mut found = Found::default();
    let home = env.get("HOME").map(PathBuf::from);
    let home = home.as_deref();
    for file in snowflake_files(env, home) {
        if let Some(text) = read(&file, &mut found) {
            snowflake::read(&text, &file, home, &mut found);
        }
    }
    let place = |variable: &str, below: &str| {
        let named = env.get(variable).map(|path| expanded(&path, home));
        named.or_else(|| home.map(|home| home.join(below)))
    };
    if let Some(file) = place("DATABRICKS_CONFIG_FILE", ".databrickscfg")
        && let Some(text) = read(&file, &mut found)
    {
        databricks::read(&text, &file, &mut found);
    }
    let mut of_aws = |variable, below| {
        let file = place(variable, below)?;
        Some((read(&file, &mut found)?, file))
    };
    let config = of_aws("AWS_CONFIG_FILE", ".aws/config");
    let credentials = of_aws("AWS_SHARED_CREDENTIALS_FILE", ".aws/credentials");
    let both =
        [&config, &credentials].map(|file| file.as_ref().map(|(text, path)| (text.as_str(), path.as_path())));
    aws::read(both[0], both[1], &mut found);
    services(env, home, &mut found);
    for candidate in &mut found.candidates {
        look_at_key(candidate);
    }
    found
}

fn snowflake_files(env: &Env, home: Option<&Path>) -> Vec<PathBuf> {
    let own = home.map(|home| home.join(".snowflake"));
    let named = env.get("SNOWFLAKE_HOME").map(|path| expanded(&path, home));
    let config = env.get("XDG_CONFIG_HOME").map(PathBuf::from).filter(|path| path.is_absolute());
    let config = config.or_else(|| home.map(|home| home.join(".config")));
    let library = home.map(|home| home.join("Library/Application Support/snowflake"));
    // Its programs take the first folder that there is.
    let folder =
        [named, own, config.map(|c| c.join("snowflake")), library].into_iter().flatten().find(|f| f.is_dir());
    folder.into_iter().flat_map(|f| [f.join("connections.toml"), f.join("config.toml")]).collect()
}

fn services(env: &Env, home: Option<&Path>, found: &mut Found) {
    let user = env.get("PGUSER").or_else(|| env.get("USER")).or_else(|| env.get("LOGNAME"));
    let own = env.get("PGSERVICEFILE").map(|path| expanded(&path, home));
    let own = own.or_else(|| home.map(|home| home.join(".pg_service.conf")));
    let system =
        env.get("PGSYSCONFDIR").map_or_else(|| PathBuf::from("/etc/postgresql-common"), PathBuf::from);
    let usual = env.get("PGPASSFILE").map(|path| expanded(&path, home));
    let usual = usual.or_else(|| home.map(|home| home.join(".pgpass")));
    let host = if Path::new(SOCKETS).is_dir() { SOCKETS } else { "localhost" };
    let defaults = postgres::Defaults { user: user.as_deref(), host, home };
    for file in own.into_iter().chain([system.join("pg_service.conf")]) {
        let Some(text) = read(&file, found) else { continue };
        let password = |passfile: Option<&Path>, parts: &super::Parts| {
            let Some(file) = passfile.or(usual.as_deref()) else { return Ok(None) };
            password_file(file).map(|text| text.and_then(|text| postgres::password(&text, parts)))
        };
        postgres::read(&text, &file, defaults, password, found);
    }
}

/// The text of a password file, which nobody else may be able to read: libpq's rule.
fn password_file(file: &Path) -> Result<Option<String>, String> {
    let Ok(about) = std::fs::metadata(file) else { return Ok(None) };
    if about.permissions().mode() & 0o077 != 0 {
        return Err(format!("{0} is left out, because others may read it: chmod 600 {0}", file.display()));
    }
    text_of(file).map_err(|why| format!("{}: {why}", file.display()))
}

/// An encrypted key needs its pass phrase; one that is not there cannot be used.
fn look_at_key(candidate: &mut Candidate) {
    let Some(key) = candidate.parts.options.get("private_key") else { return };
    match text_of(Path::new(key)) {
        Ok(Some(text)) if text.contains("ENCRYPTED") && matches!(candidate.secret, Secret::None) => {
            candidate.secret = Secret::Ask("pass phrase of the key", true);
        }
        Ok(Some(_)) => {}
        Ok(None) => candidate.unusable = Some(format!("its key {key} does not exist")),
        Err(why) => candidate.unusable = Some(format!("its key {key} cannot be read: {why}")),
    }
}

fn read(file: &Path, found: &mut Found) -> Option<String> {
    text_of(file).unwrap_or_else(|why| {
        found.troubles.push(format!("{}: {why}", file.display()));
        None
    })
}

/// The text of a file; none where there is no file.
///
/// # Errors
/// Why it cannot be read.
pub fn text_of(file: &Path) -> Result<Option<String>, String> {
    let about = match std::fs::metadata(file) {
        Ok(about) => about,
        Err(e) if e.kind() == std::io::ErrorKind::NotFound => return Ok(None),
        Err(e) => return Err(e.to_string()),
    };
    if !about.is_file() {
        return Err("it is no file".to_owned());
    }
    text_in(std::fs::File::open(file).map_err(|e| e.to_string())?).map(Some)
}

/// All the text of a stream, if it is not too long.
///
/// # Errors
/// Why it cannot be read.
pub fn text_in(stream: impl Read) -> Result<String, String> {
    let mut bytes = Vec::new();
    stream.take(LARGEST + 1).read_to_end(&mut bytes).map_err(|e| e.to_string())?;
    if bytes.len() as u64 > LARGEST {
        return Err("it is larger than 256 KiB".to_owned());
    }
    let text = String::from_utf8(bytes).map_err(|e| {
        let valid = e.as_bytes().get(..e.utf8_error().valid_up_to()).unwrap_or_default();
        let line = valid.iter().filter(|b| **b == b'\n').count() + 1;
        format!("line {line} is no text in UTF-8")
    })?;
    Ok(text.strip_prefix('\u{feff}').map(str::to_owned).unwrap_or(text))
}

fn expanded(path: &str, home: Option<&Path>) -> PathBuf {
    match (path.strip_prefix("~/"), home) {
        (Some(rest), Some(home)) => home.join(rest),
        _ => PathBuf::from(path),
    }
}
