//! What opens sources, the key of a database or the password of a server: kept among the secrets, or read where somebody else
//! keeps it.

use std::collections::HashMap;
use std::str::FromStr;
use std::sync::{Mutex, MutexGuard, PoisonError};
use wharf_protocol::{ApiError, ErrorKind, SourceKey};
use wharf_secrets::{Reference, SecretString, SecretsError, Vault};

/// Where a key is. Its text form is stored with the source.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum KeyFrom {
    /// Among the daemon's secrets.
    Kept,
    /// Somewhere else.
    Elsewhere(Reference),
}

impl std::fmt::Display for KeyFrom {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Kept => f.write_str("kept"),
            Self::Elsewhere(reference) => reference.fmt(f),
        }
    }
}

impl FromStr for KeyFrom {
    type Err = SecretsError;

    fn from_str(text: &str) -> Result<Self, SecretsError> {
        if text == "kept" { Ok(Self::Kept) } else { text.parse().map(Self::Elsewhere) }
    }
}

/// The keys of all sources. They are asked for once in a daemon's life: a keyring takes its time.
pub(super) struct Keys {
    vault: Vault,
    known: Mutex<HashMap<String, SecretString>>,
}

impl Keys {
    pub(super) fn new(vault: Vault) -> Self {
        Self { vault, known: Mutex::default() }
    }

    /// A key as it was given, before anything is kept.
    pub(super) fn given(key: &SourceKey) -> Result<(KeyFrom, SecretString), ApiError> {
        match key {
            SourceKey::Secret(secret) if secret.is_empty() => {
                Err(ApiError::new(ErrorKind::Invalid, "empty_key", "the key is empty"))
            }
            SourceKey::Secret(secret) => Ok((KeyFrom::Kept, SecretString::from(secret.as_str()))),
            SourceKey::Reference(text) => {
                let reference: Reference = text.parse().map_err(|e| failed(&e))?;
                let key = reference.read().map_err(|e| failed(&e))?;
                Ok((KeyFrom::Elsewhere(reference), key))
            }
        }
    }

    /// Keeps the key of a source that is added, and forgets the one that it `had`. Blocking.
    pub(super) fn keep(
        &self,
        source: &str,
        key: Option<&SourceKey>,
        had: Option<&KeyFrom>,
    ) -> Result<(), ApiError> {
        self.known().remove(source);
        let kept = match (key, had) {
            (Some(SourceKey::Secret(secret)), _) => {
                self.vault.set(&name_of(source), &SecretString::from(secret.as_str()))
            }
            (_, Some(KeyFrom::Kept)) => self.vault.remove(&name_of(source)).map(drop),
            _ => Ok(()),
        };
        kept.map_err(|e| failed(&e))
    }

    /// The key of a source. Blocking.
    pub(super) fn get(&self, source: &str, from: &KeyFrom) -> Result<SecretString, ApiError> {
        if let Some(known) = self.known().get(source) {
            return Ok(known.clone());
        }
        let secret = match from {
            KeyFrom::Elsewhere(reference) => reference.read().map_err(|e| failed(&e))?,
            KeyFrom::Kept => self.vault.get(&name_of(source)).map_err(|e| failed(&e))?.ok_or_else(|| {
                let message = format!("the key of the source `{source}` is not among the secrets any more");
                ApiError::new(ErrorKind::Failed, "key_lost", message)
                    .hint("give it again: wharf source add NAME PATH --replace --secret ask")
            })?,
        };
        self.known().insert(source.to_owned(), secret.clone());
        Ok(secret)
    }

    fn known(&self) -> MutexGuard<'_, HashMap<String, SecretString>> {
        self.known.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn name_of(source: &str) -> String {
    format!("source/{source}")
}

fn failed(error: &SecretsError) -> ApiError {
    ApiError::new(ErrorKind::Failed, "secrets", error.to_string()).hint(error.hint())
}
