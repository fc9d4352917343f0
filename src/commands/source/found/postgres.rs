//! PostgreSQL's service file, and the password file beside it.

use super::ini::{Dialect, Ini, Section};
use super::{Candidate, Found, Parts, Secret, path_in};
use std::path::Path;
use wharf_protocol::SourceKind;

/// As libpq reads it: a value goes to the end of its line, and what comes first holds.
const DIALECT: Dialect = Dialect { comments_behind: false, quotes: false, nested: false, first_holds: true };

/// What libpq would take where a service says nothing.
#[derive(Debug, Clone, Copy)]
pub struct Defaults<'a> {
    /// The name of who is logged in here.
    pub user: Option<&'a str>,
    /// The folder of the socket, or this machine.
    pub host: &'a str,
    /// The home folder.
    pub home: Option<&'a Path>,
}

/// Reads a service file. A name that was found before holds. `password` looks into a password file.
pub fn read(
    text: &str,
    file: &Path,
    defaults: Defaults<'_>,
    mut password: impl FnMut(Option<&Path>, &Parts) -> Result<Option<String>, String>,
    found: &mut Found,
) {
    let ini = Ini::read(text, DIALECT);
    found.blame(file, &ini.faults);
    for section in &ini.sections {
        let mut candidate = service(section, file, defaults);
        if let Some(before) = found.with_id(&candidate.id) {
            before.remarks.push(format!("{} has one of this name too", file.display()));
            continue;
        }
        let passfile = section.get("passfile").map(|path| path_in(path, file, defaults.home));
        candidate.secret = match section.get("password") {
            Some(password) => Secret::value(password),
            None => match password(passfile.as_deref(), &candidate.parts) {
                Ok(Some(password)) => Secret::value(&password),
                Ok(None) => Secret::Ask("password", false),
                Err(why) => {
                    candidate.remarks.push(why);
                    Secret::Ask("password", false)
                }
            },
        };
        found.push(candidate);
    }
}

fn service(section: &Section, file: &Path, defaults: Defaults<'_>) -> Candidate {
    let mut candidate = Candidate::new("postgres", &section.name, SourceKind::Postgres, file);
    let user = section.get("user").or(defaults.user);
    let host = section.get("host").or(section.get("hostaddr")).unwrap_or(defaults.host);
    candidate.take("host", Some(host));
    candidate.take("user", user);
    candidate.take("port", section.get("port"));
    candidate.take("database", section.get("dbname").or(user));
    candidate.take("sslmode", section.get("sslmode"));
    candidate.take("sslrootcert", section.get("sslrootcert").filter(|file| *file != "system"));
    candidate.take("application_name", section.get("application_name"));
    candidate.take(
        "connect_timeout",
        section.get("connect_timeout").filter(|n| n.parse::<u32>().is_ok_and(|n| n > 0)),
    );
    candidate.take("schema", section.get("options").and_then(search_path));
    if let Some(mode @ ("allow" | "prefer")) = section.get("sslmode") {
        candidate.remarks.push(format!(
            "sslmode={mode} is not known here: it is encrypted and checked beyond this machine"
        ));
    }
    if section.get("sslcert").is_some() {
        candidate.remarks.push("its client certificate is not shown".to_owned());
    }
    if host.contains(',') {
        candidate.unusable = Some("it names several hosts, and wharf goes to one".to_owned());
    } else if section.name.is_empty() {
        candidate.unusable = Some("it has no name".to_owned());
    }
    candidate
}

/// The first schema of `-c search_path=a,b`.
fn search_path(options: &str) -> Option<&str> {
    let (_, path) = options.split_once("search_path=")?;
    let first = path.split([',', ' ']).next()?;
    Some(first.trim_matches('"')).filter(|schema| !schema.is_empty() && !schema.starts_with('$'))
}

/// The password for a server in the text of a password file: the first line whose four first fields fit.
pub fn password(text: &str, parts: &Parts) -> Option<String> {
    let port = parts.port.unwrap_or(5432).to_string();
    // A socket's folder is the machine itself there, as far as it is the usual one.
    let host = match parts.host.as_str() {
        "" | "/var/run/postgresql" | "/tmp" => "localhost",
        host => host,
    };
    let wanted = [host, &port, &parts.catalog, parts.user.as_deref().unwrap_or_default()];
    text.lines().filter(|line| !line.starts_with('#')).find_map(|line| {
        let mut fields = fields(line.trim_end_matches('\r'));
        let fits = |(field, wanted): (&Field, &&str)| field.any || field.text == *wanted;
        let all = fields.len() >= 5 && fields.iter().zip(&wanted).all(fits);
        all.then(|| fields.swap_remove(4).text).filter(|password| !password.is_empty())
    })
}

struct Field {
    text: String,
    any: bool,
}

/// The fields of a line: parted by colons, of which `\:` is none.
fn fields(line: &str) -> Vec<Field> {
    let (mut fields, mut field, mut raw) = (Vec::new(), String::new(), String::new());
    let mut letters = line.chars();
    while let Some(letter) = letters.next() {
        match letter {
            '\\' => {
                raw.push(letter);
                field.extend(letters.next());
            }
            ':' if fields.len() < 5 => {
                let any = raw.is_empty() && field == "*";
                fields.push(Field { text: std::mem::take(&mut field), any });
                raw.clear();
            }
            letter => field.push(letter),
        }
    }
    fields.push(Field { any: raw.is_empty() && field == "*", text: field });
    fields
}
