//! Where a secret is that somebody else keeps.

use crate::SecretsError;
use secrecy::SecretString;
use std::path::{Path, PathBuf};
use std::str::FromStr;
use zeroize::Zeroizing;

/// A place from which a secret is read when it is needed: `env:NAME` or `file:/PATH`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Reference {
    /// A variable of the daemon's environment.
    Env(String),
    /// A file; a line's end after the secret does not count.
    File(PathBuf),
}

impl FromStr for Reference {
    type Err = SecretsError;

    fn from_str(text: &str) -> Result<Self, SecretsError> {
        match text.split_once(':') {
            Some(("env", name)) if is_name(name) => Ok(Self::Env(name.to_owned())),
            Some(("file", path)) if Path::new(path).is_absolute() => Ok(Self::File(path.into())),
            // The text may be the secret itself, which nobody may see.
            _ => Err(SecretsError::NoReference("…".to_owned())),
        }
    }
}

impl std::fmt::Display for Reference {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Env(name) => write!(f, "env:{name}"),
            Self::File(path) => write!(f, "file:{}", path.display()),
        }
    }
}

fn is_name(name: &str) -> bool {
    !name.is_empty()
        && !name.starts_with(|c: char| c.is_ascii_digit())
        && name.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_')
}

impl Reference {
    /// The secret as it is now.
    ///
    /// # Errors
    /// When the variable is not set, or the file cannot be read.
    pub fn read(&self) -> Result<SecretString, SecretsError> {
        match self {
            Self::Env(name) => match std::env::var(name) {
                Ok(secret) if !secret.is_empty() => Ok(SecretString::from(secret)),
                _ => Err(SecretsError::NoVariable(name.clone())),
            },
            Self::File(path) => {
                let text = std::fs::read_to_string(path).map_err(|e| SecretsError::io(path, e))?;
                let text = Zeroizing::new(text);
                Ok(SecretString::from(text.trim_end_matches(['\r', '\n'])))
            }
        }
    }
}
