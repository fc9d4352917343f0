//! Connections that other programs have on this machine, to be offered. The readers are pure: the text of a file in,
//! candidates out; what touches the disk is here and in `look.rs`.

mod aws;
mod databricks;
pub mod dotenv;
pub mod env_file;
mod ini;
mod look;
mod parts;
mod postgres;
mod snowflake;
#[cfg(test)]
mod tests;

pub use look::{look, text_in};
pub use parts::{Parts, source_name};

use std::collections::HashMap;
use std::path::{Path, PathBuf};
use wharf_protocol::{SourceKey, SourceKind};
use wharf_secrets::{ExposeSecret, Reference, SecretString};

/// A connection that was found.
#[derive(Debug, Clone)]
pub struct Candidate {
    /// What it is called: `postgres:crm`.
    pub id: String,
    /// A name for the source.
    pub name: String,
    /// Its address, as far as it is known.
    pub parts: Parts,
    /// File and section.
    pub origin: String,
    /// What opens it.
    pub secret: Secret,
    /// Why wharf cannot use it.
    pub unusable: Option<String>,
    /// What should be known about it.
    pub remarks: Vec<String>,
}

/// What opens a connection that was found.
#[derive(Debug, Clone)]
pub enum Secret {
    /// Nothing does, or AWS knows.
    None,
    /// It is not there: what it would be, and whether there is no way in without.
    Ask(&'static str, bool),
    /// It stands in the file.
    Value(SecretString),
    /// It is kept where the file says.
    At(Reference),
}

impl Secret {
    fn value(text: &str) -> Self {
        Self::Value(SecretString::from(text.to_owned()))
    }

    /// As the daemon takes it.
    pub fn key(&self) -> Option<SourceKey> {
        match self {
            Self::None | Self::Ask(..) => None,
            Self::Value(secret) => Some(SourceKey::Secret(secret.expose_secret().to_owned())),
            Self::At(reference) => Some(SourceKey::Reference(reference.to_string())),
        }
    }
}

impl Candidate {
    /// A connection of `section` in `file`; `program` and `section` are its id.
    fn new(program: &str, section: &str, kind: SourceKind, file: &Path) -> Self {
        Self {
            id: format!("{program}:{section}"),
            name: source_name(section, kind),
            parts: Parts::of(kind),
            origin: format!("{} [{section}]", file.display()),
            secret: Secret::None,
            unusable: None,
            remarks: Vec::new(),
        }
    }

    /// Sets a part where the file has it.
    fn take(&mut self, part: &str, value: Option<&str>) {
        if let Some(value) = value.filter(|v| !v.trim().is_empty())
            && let Err(why) = self.parts.set(part, value)
        {
            self.remarks.push(format!("its {part} is left out: {why}"));
        }
    }

    /// What must be said before it can be added.
    pub fn needs(&self) -> Vec<&'static str> {
        let mut needs = self.parts.missing();
        if matches!(self.secret, Secret::Ask(_, true)) {
            needs.push("secret");
        }
        needs
    }

    /// Whether it can be added: `ready`, `needs database, secret` or `unusable`.
    pub fn state(&self) -> String {
        match (&self.unusable, &self.needs()[..]) {
            (Some(_), _) => "unusable".to_owned(),
            (None, []) => "ready".to_owned(),
            (None, needs) => format!("needs {}", needs.join(", ")),
        }
    }

    /// Why it is unusable, or what should be known.
    pub fn note(&self) -> Option<String> {
        match &self.unusable {
            Some(why) => Some(why.clone()),
            None => Some(self.remarks.join("; ")).filter(|text| !text.is_empty()),
        }
    }
}

/// What was found: connections, and what could not be read, each with its file.
#[derive(Debug, Default)]
pub struct Found {
    /// Connections, those of one program together.
    pub candidates: Vec<Candidate>,
    by_id: HashMap<String, usize>,
    /// `FILE:LINE: what is wrong`.
    pub troubles: Vec<String>,
}

impl Found {
    /// The connection of this id.
    fn with_id(&mut self, id: &str) -> Option<&mut Candidate> {
        self.candidates.get_mut(*self.by_id.get(id)?)
    }

    fn push(&mut self, candidate: Candidate) {
        self.by_id.insert(candidate.id.clone(), self.candidates.len());
        self.candidates.push(candidate);
    }

    /// Notes the faults of an INI file.
    fn blame(&mut self, file: &Path, faults: &[(usize, &'static str)]) {
        self.troubles.extend(faults.iter().map(|(line, what)| format!("{}:{line}: {what}", file.display())));
    }
}

/// A path as a file of settings has it: from the home folder, or from where that file is.
fn path_in(text: &str, file: &Path, home: Option<&Path>) -> PathBuf {
    match (text.strip_prefix("~/"), home) {
        (Some(rest), Some(home)) => home.join(rest),
        _ => file.parent().unwrap_or(Path::new("/")).join(text),
    }
}
