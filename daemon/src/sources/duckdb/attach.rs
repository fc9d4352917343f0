//! What an instance may touch: the identity by which instances are pooled and never shared.

use std::path::PathBuf;
use std::sync::Arc;
use wharf_secrets::{ExposeSecret, SecretString};

/// What opens an encrypted database. Compared by a digest, and never shown.
#[derive(Clone)]
pub struct DatabaseKey {
    secret: Arc<SecretString>,
    digest: [u8; 32],
}

impl DatabaseKey {
    /// The key that this secret is.
    pub fn new(secret: SecretString) -> Self {
        let digest = *blake3::hash(secret.expose_secret().as_bytes()).as_bytes();
        Self { secret: Arc::new(secret), digest }
    }

    pub(super) fn secret(&self) -> &str {
        self.secret.expose_secret()
    }
}

impl std::fmt::Debug for DatabaseKey {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("DatabaseKey(..)")
    }
}

impl PartialEq for DatabaseKey {
    fn eq(&self, other: &Self) -> bool {
        self.digest == other.digest
    }
}

impl Eq for DatabaseKey {}

impl std::hash::Hash for DatabaseKey {
    fn hash<H: std::hash::Hasher>(&self, state: &mut H) {
        self.digest.hash(state);
    }
}

/// A database file that an instance sees as a catalog.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Attachment {
    /// Catalog name: the source's name.
    pub alias: String,
    /// The file: a snapshot, or the user's own database.
    pub file: PathBuf,
    /// Other files that its views read.
    pub reads: Vec<PathBuf>,
    /// Changes when any of these files does.
    pub stamp: String,
    /// A database of the user's own, which others may want to open for writing: it is let go soon.
    pub foreign: bool,
    /// What opens it, where it is encrypted.
    pub key: Option<DatabaseKey>,
}

/// How an instance is fenced.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Fence {
    /// Only the attached files, read-only; configuration locked. For everyone, and for the owner's ordinary queries.
    Locked,
    /// The owner's own: attached read-only, other files may be read, configuration locked.
    OwnerReads,
    /// The owner has said `--write`: nothing is fenced. Never pooled.
    OwnerWrites,
}

/// The key under which instances are pooled.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(super) struct Key {
    pub(super) fence: Fence,
    pub(super) attachments: Vec<Attachment>,
    /// What distinguishes callers whose files are the same but whose rights are not.
    pub(super) policy: String,
}
