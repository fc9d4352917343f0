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

use super::rows::odd;
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

    /// Rows of a question of our own.
    async fn ask(&self, sql: &str, values: &[&str]) -> Result<Vec<metadata::Row>, ApiError> {
        let ask = question(sql, values);
        let ended = self.statements.run(&self.name, &ask).await?;
        result::texts(&self.statements.client, ended, ask.deadline).await
    }

    /// The same where the answer is welcome but not needed: some views are for few, some are missing on some clusters.
    async fn ask_leniently(&self, sql: &str, values: &[&str]) -> Result<Vec<metadata::Row>, ApiError> {
        match self.ask(sql, values).await {
            Err(error) if !matches!(error.kind, ErrorKind::Unavailable | ErrorKind::Deadline) => {
                tracing::debug!(source = self.name, %error.message, "the server does not tell");
                Ok(Vec::new())
            }
            told => told,
        }
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
        let rows = self.ask(metadata::WHO, &[]).await?;
        let mut tested = metadata::tested(&rows).ok_or_else(|| odd(&self.name))?;
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
        self.ask(metadata::SCHEMAS, &[&self.catalog]).await.map(metadata::names)
    }

    async fn tables(&self, schema: &str, after: Option<&str>) -> Result<Page<TableFacts>, ApiError> {
        let rows = self.ask(metadata::TABLES, &[&self.catalog, schema, after.unwrap_or_default()]).await?;
        let mut page = metadata::tables(schema, rows).ok_or_else(|| odd(&self.name))?;
        if let [first, .., last] | [first @ last] = &page.items[..] {
            let asked = [&self.catalog, schema, &first.name, &last.name];
            let columns = self.ask(metadata::COLUMNS, &asked).await?;
            metadata::with_columns(&mut page.items, columns).ok_or_else(|| odd(&self.name))?;
        }
        Ok(page)
    }

    async fn details(&self, schema: &str, table: &str) -> Result<Details, ApiError> {
        let size = self.ask_leniently(metadata::SIZE, &[schema, table]).await?;
        let keys = self.ask_leniently(metadata::KEYS, &[schema, table]).await?;
        metadata::details(&size, keys).ok_or_else(|| odd(&self.name))
    }

    async fn estimate(&self, sql: &str, _: &Session) -> Result<Option<Estimate>, ApiError> {
        let plan = self.ask(&format!("explain {sql}"), &[]).await?;
        Ok(metadata::guessed_rows(&plan).map(|rows| Estimate { rows: Some(rows), bytes: None }))
    }
}
