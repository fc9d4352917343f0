//! Snowflake, over its SQL API (version 2).
//!
//! ```text
//! settings  what an address means             auth, key_pair  what signs requests
//! statement what is sent, waiting, stopping   fence           what may run for a tenant
//! link      one exchange, retried             wire            what is answered
//! partitions the parts of a result            rows, cells, numbers  JSON to Arrow
//! metadata  schemas, tables, keys             errors          what went wrong, and what to check
//! ```
//!
//! A statement is sent with `async=true`, so that its handle is known at once and it can be stopped from then on. Snowflake has
//! no read-only session: what may not write is kept from it by the gate and by the role, which should have no more than SELECT.

mod auth;
mod cells;
mod errors;
mod fence;
mod key_pair;
mod link;
mod metadata;
mod numbers;
mod partitions;
mod rows;
mod settings;
mod statement;
mod wire;

use crate::Address;
use crate::port::{
    Answer, Ask, Capabilities, Column, Details, Estimate, Page, Session, Source, TableFacts, Tested,
};
use async_trait::async_trait;
use link::Link;
use secrecy::SecretString;
use settings::Place;
use statement::Sending;
use std::sync::Arc;
use std::time::Instant;
use tokio::sync::Semaphore;
use wharf_policy::Dialect;
use wharf_protocol::{ApiError, ErrorKind, SourceKind};

/// An account of Snowflake.
///
/// Values are exact. Of a `TIMESTAMP_TZ` the instant is kept, in UTC, and the offset it was written with is lost. A timestamp with
/// more than six decimals must lie within the years 1677 to 2262; one beyond is an error that says how to cast it.
///
/// [`Ask::writes`] has no switch at the far side: give the source a role that only reads. Where the address has `tenant=NAME`
/// and who asks has a tenant, the statement runs behind `SET NAME='...'`; there it must stand alone and binds no values, and
/// without a tenant it runs bare, so that row access policies that read the variable let nothing through.
pub struct Snowflake {
    link: Arc<Link>,
    /// As many as may run at once.
    permits: Arc<Semaphore>,
}

impl Snowflake {
    /// An account that is asked when something is asked for; until then nothing is opened or read.
    ///
    /// `address` is `snowflake://USER@ACCOUNT/DATABASE/SCHEMA` with the options `warehouse`, `role`, `tenant` (the session
    /// variable that row access policies read), `auth` (`pat`, `oauth` or `keypair`), `private_key` (path of a PKCS#8 file in
    /// PEM), `endpoint` and `connections`. Names that are plain words are taken in capitals, as Snowflake does; `"name"` in
    /// quotes is taken as it is. The secret is the token, or the passphrase of the key.
    ///
    /// # Errors
    /// What is missing or contradicts itself, with the option to look at.
    pub fn new(name: &str, address: Address, secret: Option<SecretString>) -> Result<Self, ApiError> {
        let place = Place::read(name, &address)?;
        let credential = place.credential(address, secret)?;
        let permits = Arc::new(Semaphore::new(place.connections.min(Semaphore::MAX_PERMITS)));
        Ok(Self { link: Arc::new(Link::new(place, credential)), permits })
    }

    async fn run_in_time(&self, ask: &Ask) -> Result<Answer, ApiError> {
        match ask.deadline {
            None => self.run(ask).await,
            // Nothing is sent only to be stopped at once.
            Some(deadline) if deadline <= Instant::now() => Err(errors::late(&self.link.place.who)),
            Some(deadline) => match tokio::time::timeout_at(deadline.into(), self.run(ask)).await {
                Ok(answer) => answer,
                Err(_) => Err(errors::late(&self.link.place.who)),
            },
        }
    }

    async fn run(&self, ask: &Ask) -> Result<Answer, ApiError> {
        let sending = Sending::of(&self.link.place, ask)?;
        let permit = Arc::clone(&self.permits).acquire_owned().await;
        let permit = permit.map_err(|e| ApiError::new(ErrorKind::Internal, "permits", e.to_string()))?;
        let (far, done) = sending.run(&self.link).await?;
        partitions::answer(&self.link, far, done, ask.limit, ask.deadline, permit).await
    }
}

impl std::fmt::Debug for Snowflake {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Snowflake").field("place", &self.link.place).finish_non_exhaustive()
    }
}

#[async_trait]
impl Source for Snowflake {
    fn kind(&self) -> SourceKind {
        SourceKind::Snowflake
    }

    fn dialect(&self) -> Dialect {
        Dialect::Snowflake
    }

    fn capabilities(&self) -> Capabilities {
        Capabilities {
            read_only_sessions: false,
            parameters: true,
            estimates: false,
            tenants: self.link.place.tenant.is_some(),
        }
    }

    fn catalog(&self) -> &str {
        &self.link.place.database
    }

    fn default_schema(&self) -> &str {
        &self.link.place.schema
    }

    async fn test(&self) -> Result<Tested, ApiError> {
        metadata::test(self).await
    }

    async fn execute(&self, ask: Ask) -> Result<Answer, ApiError> {
        self.run_in_time(&ask).await
    }

    async fn describe(&self, sql: &str, session: &Session) -> Result<Vec<Column>, ApiError> {
        metadata::describe(self, sql, session).await
    }

    async fn schemas(&self) -> Result<Vec<String>, ApiError> {
        metadata::schemas(self).await
    }

    async fn tables(&self, schema: &str, after: Option<&str>) -> Result<Page<TableFacts>, ApiError> {
        metadata::tables(self, schema, after).await
    }

    async fn details(&self, schema: &str, table: &str) -> Result<Details, ApiError> {
        metadata::details(self, schema, table).await
    }

    /// Snowflake tells no cost without running the query.
    async fn estimate(&self, _sql: &str, _session: &Session) -> Result<Option<Estimate>, ApiError> {
        Ok(None)
    }
}
