//! Policies: which tables others than the owner may read, how they see them, and how much they may take.
//!
//! Grants add up: a table may be read when any subject of the reader has it. Rules and limits narrow: all that fit apply at
//! once, and the strictest wins. Nothing is granted by default.

mod book;
mod store;
mod subject;

pub use book::{Effective, strictest};
pub use subject::Subject;

use crate::clock;
use crate::identity::Principal;
use crate::secrets::Secrets;
use crate::state::State;
use book::Book;
use std::sync::{Arc, OnceLock, PoisonError, RwLock};
use std::time::Duration;
use wharf_policy::MaskKey;
use wharf_protocol::{ApiError, ErrorKind, Grant, PolicyBook, RuleEntry, SubjectLimits, TableNote};

/// What goes by this name in the state changes with every grant, rule and limit.
const KEY: &str = "policies";

/// All policies. Cheap to clone.
#[derive(Clone)]
pub struct Policies(Arc<Inner>);

struct Inner {
    state: State,
    secrets: Secrets,
    key: OnceLock<MaskKey>,
    book: RwLock<Option<Arc<Book>>>,
}

/// What people say of a table.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Note {
    /// A sentence or two.
    pub description: Option<String>,
    /// Words to find it by.
    pub tags: Vec<String>,
}

impl Policies {
    /// The policies in `state`; the key of hashes is one of `secrets`.
    pub fn new(state: State, secrets: Secrets) -> Self {
        Self(Arc::new(Inner { state, secrets, key: OnceLock::new(), book: RwLock::default() }))
    }

    /// What holds for a principal, as of now.
    ///
    /// # Errors
    /// When the state cannot be read.
    pub async fn of(&self, principal: &Principal) -> Result<Effective, ApiError> {
        Ok(Effective::new(principal.clone(), principal.subjects(), self.book().await?))
    }

    /// What holds for a subject that is nobody in particular.
    ///
    /// # Errors
    /// When the state cannot be read.
    pub async fn of_subjects(
        &self,
        principal: Principal,
        subjects: Vec<String>,
    ) -> Result<Effective, ApiError> {
        Ok(Effective::new(principal, subjects, self.book().await?))
    }

    /// Everything that was set.
    ///
    /// # Errors
    /// When the state cannot be read.
    pub async fn all(&self) -> Result<PolicyBook, ApiError> {
        Ok(self.book().await?.shown())
    }

    /// The key of `mask:hash`: the same for good, so that hashes stay comparable.
    ///
    /// # Errors
    /// When it cannot be read or made.
    pub fn mask_key(&self) -> Result<&MaskKey, ApiError> {
        if let Some(key) = self.0.key.get() {
            return Ok(key);
        }
        let key = MaskKey::new(self.0.secrets.key("mask")?.bytes());
        Ok(self.0.key.get_or_init(|| key))
    }

    /// What people say of a table.
    ///
    /// # Errors
    /// When the state cannot be read.
    pub async fn note(&self, source: &str, schema: &str, table: &str) -> Result<Note, ApiError> {
        Ok(self.book().await?.note(source, schema, table))
    }

    /// Lets a subject read a table.
    ///
    /// # Errors
    /// When it cannot be kept.
    pub async fn allow(&self, grant: &Grant) -> Result<(), ApiError> {
        Ok(store::allow(&self.0.state, grant, &clock::now_text()).await?)
    }

    /// Takes a grant back. What another subject was given stays.
    ///
    /// # Errors
    /// When there is no such grant.
    pub async fn deny(&self, grant: &Grant) -> Result<(), ApiError> {
        if store::deny(&self.0.state, grant).await? {
            return Ok(());
        }
        let name = format!("{}.{}.{}", grant.source, grant.schema, grant.table);
        let message = format!("`{}` was not allowed to read {name}", grant.subject);
        Err(ApiError::new(ErrorKind::NotFound, "grant_not_found", message)
            .hint("`wharf policy show` lists what was granted to whom"))
    }

    /// Sets the rule of a subject for a table; an empty one takes it away.
    ///
    /// # Errors
    /// When it cannot be kept.
    pub async fn set_rule(&self, entry: &RuleEntry) -> Result<(), ApiError> {
        Ok(store::set_rule(&self.0.state, entry, &clock::now_text()).await?)
    }

    /// Sets a subject's limits; empty ones take them away.
    ///
    /// # Errors
    /// When they cannot be kept.
    pub async fn set_limits(&self, subject: &str, limits: &SubjectLimits) -> Result<(), ApiError> {
        Ok(store::set_limits(&self.0.state, subject, limits, &clock::now_text()).await?)
    }

    /// Says something of a table.
    ///
    /// # Errors
    /// When it cannot be kept.
    pub async fn set_note(
        &self,
        source: &str,
        schema: &str,
        table: &str,
        note: TableNote,
    ) -> Result<Note, ApiError> {
        let mut now = self.note(source, schema, table).await?;
        if let Some(description) = note.description {
            now.description = Some(description).filter(|d| !d.is_empty());
        }
        if let Some(tags) = note.tags {
            now.tags = tags;
        }
        store::set_note(&self.0.state, [source, schema, table], &now).await?;
        Ok(now)
    }

    /// Counts one more statement of today's; false when there were `most` already.
    ///
    /// # Errors
    /// When it cannot be kept.
    pub async fn count(&self, principal: &Principal, most: u64) -> Result<bool, ApiError> {
        Ok(store::count(&self.0.state, &principal.name(), &today(), most).await?)
    }

    /// How long the principal's statements of today ran, together.
    ///
    /// # Errors
    /// When the state cannot be read.
    pub async fn spent(&self, principal: &Principal) -> Result<Duration, ApiError> {
        let spent = store::spent(&self.0.state, &principal.name(), &today()).await?;
        Ok(Duration::from_millis(spent))
    }

    /// Adds to what the principal's statements of today cost.
    ///
    /// # Errors
    /// When it cannot be kept.
    pub async fn spend(&self, principal: &Principal, time: Duration) -> Result<(), ApiError> {
        // A statement is never free, however short.
        let millis = u64::try_from(time.as_millis()).unwrap_or(u64::MAX).saturating_add(1);
        Ok(store::spend(&self.0.state, &principal.name(), &today(), millis).await?)
    }

    async fn book(&self) -> Result<Arc<Book>, ApiError> {
        let version = self.0.state.version(KEY).await?;
        let known = self.0.book.read().unwrap_or_else(PoisonError::into_inner).clone();
        if let Some(known) = known.filter(|b| b.version == version) {
            return Ok(known);
        }
        let loaded = Arc::new(store::load(&self.0.state, version).await?);
        *self.0.book.write().unwrap_or_else(PoisonError::into_inner) = Some(loaded.clone());
        Ok(loaded)
    }
}

/// Today in UTC, as usage is counted by it.
fn today() -> String {
    clock::now().format("%Y-%m-%d").to_string()
}

#[cfg(test)]
mod tests;
