//! Snowflake's `connections.toml`, and the `[connections.NAME]` of its `config.toml`.

use super::{Candidate, Found, Secret, path_in};
use std::path::Path;
use toml_edit::{Document, Item, TableLike, TomlError};
use wharf_protocol::SourceKind;
use wharf_secrets::Reference;

/// What signs in where nothing of the file does.
const TOKEN: &str = "programmatic access token";

/// Reads a file. In `connections.toml` each table is a connection; in `config.toml` those under `connections` are.
pub fn read(text: &str, file: &Path, home: Option<&Path>, found: &mut Found) {
    let document = match Document::parse(text) {
        Ok(document) => document,
        Err(e) => return found.troubles.push(trouble(text, file, &e)),
    };
    let top = document.as_table();
    let first = top.get("default_connection_name").and_then(Item::as_str).map(str::to_owned);
    let own = file.file_name().is_some_and(|name| name == "connections.toml");
    let connections: &dyn TableLike = match top.get("connections").and_then(Item::as_table_like) {
        _ if own => top,
        Some(connections) => connections,
        None => return,
    };
    let mut read: Vec<Candidate> = Vec::new();
    for (name, item) in connections.iter() {
        let Some(settings) = item.as_table_like() else { continue };
        let candidate = connection(name, settings, file, home);
        match found.with_id(&candidate.id) {
            Some(before) => before.remarks.push(format!("{} has one of this name too", file.display())),
            None => read.push(candidate),
        }
    }
    read.sort_by_key(|c| first.as_ref().is_none_or(|first| c.id != format!("snowflake:{first}")));
    read.into_iter().for_each(|candidate| found.push(candidate));
}

/// What is wrong and where; never the line itself, which may hold a secret.
fn trouble(text: &str, file: &Path, error: &TomlError) -> String {
    let line = error
        .span()
        .and_then(|span| text.get(..span.start))
        .map_or(1, |before| before.matches('\n').count() + 1);
    format!("{}:{line}: {}", file.display(), error.message())
}

fn connection(name: &str, settings: &dyn TableLike, file: &Path, home: Option<&Path>) -> Candidate {
    let mut candidate = Candidate::new("snowflake", name, SourceKind::Snowflake, file);
    let get = |keys: &[&str]| {
        let value = settings.iter().find(|(key, _)| keys.contains(&key.to_lowercase().as_str()))?.1;
        let text = value.as_str().map(str::to_owned).or_else(|| value.as_integer().map(|n| n.to_string()))?;
        Some(text).filter(|text| !text.trim().is_empty())
    };
    candidate.take("account", get(&["account"]).as_deref());
    if let Some(host) = get(&["host"]) {
        candidate.take("account", Some(&host_url(&host, get(&["protocol"]), get(&["port"]))));
    }
    for (part, keys) in [
        ("user", &["user", "username"][..]),
        ("database", &["database", "dbname"]),
        ("schema", &["schema", "schemaname"]),
        ("warehouse", &["warehouse"]),
        ("role", &["role", "rolename"]),
    ] {
        candidate.take(part, get(keys).as_deref());
    }
    sign_in(&mut candidate, &get, file, home);
    if candidate.parts.host.is_empty() {
        candidate.unusable = Some("it names no account".to_owned());
    }
    candidate
}

/// A host with a protocol and a port of its own is an endpoint; one of Snowflake's is an account.
fn host_url(host: &str, protocol: Option<String>, port: Option<String>) -> String {
    let protocol = protocol.unwrap_or_else(|| "https".to_owned());
    let port = port.filter(|port| port != "443").map(|port| format!(":{port}")).unwrap_or_default();
    format!("{protocol}://{host}{port}")
}

/// What opens it. The SQL API takes tokens and key pairs, and neither passwords nor browsers.
fn sign_in(
    candidate: &mut Candidate,
    get: &impl Fn(&[&str]) -> Option<String>,
    file: &Path,
    home: Option<&Path>,
) {
    let authenticator = get(&["authenticator"]).map(|a| a.to_lowercase());
    let token = match get(&["token_file_path", "token_file"]) {
        Some(path) => Some(Secret::At(Reference::File(path_in(&path, file, home)))),
        None => get(&["token"]).map(|token| Secret::value(&token)),
    };
    let key = get(&["private_key_file", "private_key_path"]);
    let password = get(&["password"]);
    let ask = Secret::Ask(TOKEN, true);
    match (authenticator.as_deref(), token, key) {
        (Some("snowflake_jwt") | None, None, Some(key)) => {
            let key = path_in(&key, file, home);
            candidate.take("private_key", key.to_str());
            let phrase = get(&["private_key_passphrase", "private_key_file_pwd", "private_key_pwd"]);
            candidate.secret = phrase.map_or(Secret::None, |phrase| Secret::value(&phrase));
        }
        (Some("oauth"), Some(token), _) => {
            candidate.take("auth", Some("oauth"));
            candidate.secret = token;
        }
        (Some("programmatic_access_token") | None, Some(token), _) => candidate.secret = token,
        (Some("programmatic_access_token"), None, _) => {
            candidate.secret = password.map_or(ask, |password| Secret::value(&password));
        }
        (None | Some("snowflake"), _, _) if password.as_deref().is_some_and(is_token) => {
            candidate.secret = password.map_or(ask, |password| Secret::value(&password));
        }
        (Some(other), _, _) if other != "snowflake" || password.is_none() => {
            candidate.secret = ask;
            candidate.remarks.push(format!(
                "it signs in with `{other}` there, which needs more than a file has; wharf takes a {TOKEN}"
            ));
        }
        (_, _, _) => {
            candidate.secret = ask;
            let has = if password.is_some() {
                "it has a password, which Snowflake's SQL API does not take"
            } else {
                "it has nothing to sign in with"
            };
            candidate.remarks.push(format!("{has}; wharf takes a {TOKEN}"));
        }
    }
}

/// Whether a password is a token, which Snowflake's drivers take in its place: three parts of base64, the first a JSON object.
pub fn is_token(text: &str) -> bool {
    text.starts_with("eyJ") && text.split('.').count() == 3 && !text.contains(char::is_whitespace)
}
