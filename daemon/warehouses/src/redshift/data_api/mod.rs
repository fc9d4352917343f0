//! Redshift through its Data API: HTTPS and AWS's own credentials, no way into its network and no password.
//!
//! | file | what it is for |
//! | --- | --- |
//! | `settings.rs` | what an address says |
//! | `credentials.rs`, `client.rs` | who signs, and calls that are signed |
//! | `statement.rs` | one statement: sent, waited for, cancelled |
//! | `result.rs`, `cells.rs` | its rows: pages into batches of the same types as by the PostgreSQL protocol |
//! | `messages.rs`, `trouble.rs` | what is answered, and what went wrong in words that help |
//!
//! What keeps a statement to reading is first of all the policy at the gate, and a database user without the right to write.
//! Beyond them a statement that reads runs in a transaction that is told to be read-only; should a server not know that, the
//! statement runs without it, and a test of the source says so. So no session here counts as held to reading by the engine.

mod cells;
mod client;
mod credentials;
mod messages;
mod result;
mod settings;
mod statement;
mod trouble;

use super::told::{self, Way};
use super::{Surroundings, metadata};
use crate::Address;
use crate::port::{
    Answer, Ask, Capabilities, Column, Details, Estimate, Page, Session, Source, TYPE_NAME, TableFacts,
    Tested,
};
use async_trait::async_trait;
use client::Client;
use secrecy::SecretString;
use settings::Settings;
use statement::Statements;
use std::time::Instant;
use wharf_policy::Dialect;
use wharf_protocol::{ApiError, ErrorKind, Param, SourceKind};

/// A workgroup or cluster behind the Data API.
pub(super) struct DataApi {
    name: String,
    catalog: String,
    schema: String,
    statements: Statements,
}

impl DataApi {
    /// A source that is asked when the first statement comes.
    ///
    /// # Errors
    /// When the address lacks something or an option makes no sense, or a secret came that nothing needs.
    pub(super) fn new(
        name: &str,
        address: &Address,
        secret: Option<&SecretString>,
        around: &Surroundings,
    ) -> Result<Self, ApiError> {
        let settings = Settings::of(address)?;
        if secret.is_some() {
            let message = format!("the source `{name}` got a secret, and the Data API has no use for one");
            return Err(ApiError::new(ErrorKind::Invalid, "needless_secret", message)
                .hint("leave --secret out: AWS's credentials sign, of the profile that profile=NAME in the address names"));
        }
        Ok(Self {
            name: name.to_owned(),
            catalog: settings.database.clone(),
            schema: settings.schema.clone(),
            statements: Statements::new(Client::new(name, settings, around)?),
        })
    }

    async fn run(&self, ask: &Ask) -> Result<Answer, ApiError> {
        let ended = self.statements.run(&self.name, ask).await?;
        result::answer(&self.statements.client, ended, ask.deadline).await
    }
}

fn question(sql: &str, values: &[&str]) -> Ask {
    Ask {
        id: String::new(),
        sql: sql.to_owned(),
        params: values.iter().map(|text| (String::new(), Param::Text((*text).to_owned()))).collect(),
        deadline: Some(Instant::now() + metadata::PATIENCE),
        session: Session::default(),
        writes: false,
        limit: None,
    }
}

#[async_trait]
impl Way for DataApi {
    fn name(&self) -> &str {
        &self.name
    }

    async fn ask(&self, sql: &str, values: &[&str]) -> Result<Vec<metadata::Row>, ApiError> {
        let ask = question(sql, values);
        let ended = self.statements.run(&self.name, &ask).await?;
        result::texts(&self.statements.client, ended, ask.deadline).await
    }
}

#[async_trait]
impl Source for DataApi {
    fn kind(&self) -> SourceKind {
        SourceKind::Redshift
    }

    fn dialect(&self) -> Dialect {
        Dialect::Redshift
    }

    fn capabilities(&self) -> Capabilities {
        Capabilities { read_only_sessions: false, parameters: true, estimates: true, tenants: false }
    }

    fn catalog(&self) -> &str {
        &self.catalog
    }

    fn default_schema(&self) -> &str {
        &self.schema
    }

    async fn test(&self) -> Result<Tested, ApiError> {
        let mut tested = told::tested(self).await?;
        if !self.statements.are_fenced() {
            let warning = "the server does not hold transactions to reading over the Data API: a user that may only read is safer";
            tested.warnings.push(warning.to_owned());
        }
        if self.statements.client.is_plain() {
            tested.warnings.push("the connection is not encrypted".to_owned());
        }
        Ok(tested)
    }

    async fn execute(&self, ask: Ask) -> Result<Answer, ApiError> {
        self.run(&ask).await
    }

    /// The Data API prepares nothing, so the query is run for no row. What cannot stand in brackets after FROM is no query.
    async fn describe(&self, sql: &str, _: &Session) -> Result<Vec<Column>, ApiError> {
        let sql = sql.trim_end().trim_end_matches(';').trim_end();
        // On a line of its own, so that a comment at the end hides nothing.
        let answer =
            self.run(&question(&format!("select * from (\n{sql}\n) as described limit 0"), &[])).await?;
        let columns = answer.schema.fields().iter().map(|field| Column {
            name: field.name().clone(),
            type_name: field.metadata().get(TYPE_NAME).cloned().unwrap_or_default(),
            nullable: None,
            comment: None,
        });
        Ok(columns.collect())
    }

    async fn schemas(&self) -> Result<Vec<String>, ApiError> {
        told::schemas(self, &self.catalog).await
    }

    async fn tables(&self, schema: &str, after: Option<&str>) -> Result<Page<TableFacts>, ApiError> {
        told::tables(self, &self.catalog, schema, after).await
    }

    async fn details(&self, schema: &str, table: &str) -> Result<Details, ApiError> {
        told::details(self, schema, table).await
    }

    async fn estimate(&self, sql: &str, _: &Session) -> Result<Option<Estimate>, ApiError> {
        told::estimate(self, sql).await
    }
}
