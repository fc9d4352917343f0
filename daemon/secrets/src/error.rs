//! What can go wrong with secrets, and what mends it.

use crate::Place;
use std::path::{Path, PathBuf};

/// Why a secret cannot be had or kept. No message holds one.
#[derive(Debug, thiserror::Error)]
pub enum SecretsError {
    /// The keyring does not answer, or refuses.
    #[error("the OS keyring, where secrets are kept, does not answer: {0}")]
    Keyring(String),
    /// The settings ask for another place than the one in use.
    #[error("secrets are kept in {kept}, and secrets.store asks for {wanted}")]
    Moved {
        /// Where they are.
        kept: Place,
        /// Where they should be.
        wanted: Place,
        /// The file that says where they are.
        record: PathBuf,
    },
    /// A file cannot be read or written.
    #[error("{}: {source}", path.display())]
    Io {
        /// The file.
        path: PathBuf,
        /// The cause.
        #[source]
        source: std::io::Error,
    },
    /// The folder cannot be used.
    #[error("{0}")]
    Folder(String),
    /// A file is not what it should be.
    #[error("{} is damaged: {why}", path.display())]
    Damaged {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        why: String,
    },
    /// The encrypted file does not open with this key.
    #[error("{} does not open with the key in {}", path.display(), key.display())]
    WrongKey {
        /// The encrypted file.
        path: PathBuf,
        /// Where the key is.
        key: PathBuf,
    },
    /// The key's file holds no key.
    #[error("{} holds {bytes} bytes; a key has at least 32", path.display())]
    ShortKey {
        /// The file.
        path: PathBuf,
        /// How much it holds.
        bytes: usize,
    },
    /// A reference names a variable that is not set.
    #[error("the environment variable {0} is not set")]
    NoVariable(String),
    /// A text is no reference.
    #[error("`{0}` does not say where a secret is")]
    NoReference(String),
}

impl SecretsError {
    pub(crate) fn io(path: &Path, source: std::io::Error) -> Self {
        Self::Io { path: path.to_owned(), source }
    }

    pub(crate) fn damaged(path: &Path, why: impl Into<String>) -> Self {
        Self::Damaged { path: path.to_owned(), why: why.into() }
    }

    /// What mends it.
    pub fn hint(&self) -> String {
        match self {
            Self::Keyring(_) => {
                "unlock the keyring, or start it: a session bus with a Secret Service is needed".to_owned()
            }
            Self::Moved { record, .. } => {
                format!("take the setting back; or remove {} and give the secrets again", record.display())
            }
            Self::Io { .. } | Self::Folder(_) => {
                "make it a folder or file of your own that can be read and written".to_owned()
            }
            Self::Damaged { path, .. } => {
                format!("put {} back from a backup; or remove it and give the secrets again", path.display())
            }
            Self::WrongKey { .. } => {
                "put the key back that it was written with; without it the secrets have to be given again"
                    .to_owned()
            }
            Self::ShortKey { .. } => "make one with: head -c 32 /dev/urandom > FILE".to_owned(),
            Self::NoVariable(name) => {
                format!("set {name} where the daemon starts, and run `wharf daemon restart`")
            }
            Self::NoReference(_) => "say env:NAME or file:/PATH".to_owned(),
        }
    }
}
