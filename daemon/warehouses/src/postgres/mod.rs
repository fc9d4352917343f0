//! PostgreSQL over its own wire protocol, version 3, rows in binary.
//!
//! Reading happens in a transaction that the server itself holds to reading, under a statement timeout that the server itself
//! keeps. Types that have no exact counterpart in Arrow come as the text that the server writes.

mod connect;
mod copy;
mod decode;
mod errors;
mod metadata;
mod numeric;
mod rows;
mod running;
mod types;

use crate::Address;
use crate::port::{
    Answer, Ask, Capabilities, Column, Details, Estimate, Page, Session, Source, TableFacts, Tested,
};
use async_trait::async_trait;
use connect::Connections;
use copy::Tuples;
use rows::Feed;
use running::Running;
use secrecy::SecretString;
use std::borrow::Cow;
use std::time::Instant;
use tokio_postgres::Statement;
use tokio_postgres::types::{Format, IsNull, ToSql, Type, to_sql_checked};
use wharf_policy::Dialect;
use wharf_protocol::{ApiError, ErrorKind, Param, SourceKind};

/// What an address looks like.
const EXAMPLE: &str = "postgres://alice@db.example.com/sales";

/// A PostgreSQL server.
pub struct Postgres {
    name: String,
    catalog: String,
    schema: String,
    connections: Connections,
}

impl Postgres {
    /// A server that is asked when the first statement comes. `name` is the source's, for messages; `secret` the password.
    ///
    /// # Errors
    /// When the address lacks something or an option makes no sense.
    pub fn new(name: &str, address: &Address, secret: Option<&SecretString>) -> Result<Self, ApiError> {
        let catalog = address.need(&address.catalog, "database", EXAMPLE)?.to_owned();
        let schema = address.schema.clone().unwrap_or_else(|| "public".to_owned());
        let connections = Connections::new(name, address, secret)?;
        Ok(Self { name: name.to_owned(), catalog, schema, connections })
    }

    async fn begin(&self, ask: &Ask) -> Result<Running, ApiError> {
        let client = self.connections.get(ask.deadline).await?;
        let left = ask.deadline.map(|until| until.saturating_duration_since(Instant::now()));
        let running = Running::new(client, self.connections.tls());
        running.begin(&self.schema, left, ask.writes).await.map_err(|e| self.failed(&e))?;
        Ok(running)
    }

    /// Has the server look at a statement; one whose result holds a type that Arrow lacks is read as text in that place. Returns
    /// the text that was looked at.
    async fn prepare<'a>(
        &self,
        running: &Running,
        sql: &'a str,
    ) -> Result<(Statement, Cow<'a, str>), ApiError> {
        let failed = |e: tokio_postgres::Error| self.failed(&e).at_place_of(sql, &e);
        let statement = running.client()?.prepare(sql).await.map_err(failed)?;
        let Some(readable) = types::with_texts(&statement, sql) else {
            return Ok((statement, Cow::Borrowed(sql)));
        };
        let statement = running.client()?.prepare(&readable).await.map_err(|e| self.failed(&e))?;
        Ok((statement, Cow::Owned(readable)))
    }

    fn failed(&self, error: &tokio_postgres::Error) -> ApiError {
        errors::failed(&self.name, error)
    }

    /// Rows of a question of our own.
    async fn ask(
        &self,
        sql: &str,
        values: &[&(dyn ToSql + Sync)],
    ) -> Result<Vec<tokio_postgres::Row>, ApiError> {
        let until = Instant::now() + metadata::PATIENCE;
        let client = self.connections.get(Some(until)).await?;
        let running = Running::new(client, self.connections.tls());
        let asked = async {
            let failed = |e: tokio_postgres::Error| self.failed(&e);
            running.begin(&self.schema, Some(metadata::PATIENCE), false).await.map_err(failed)?;
            running.client()?.query(sql, values).await.map_err(failed)
        };
        let rows =
            tokio::time::timeout_at(until.into(), asked).await.map_err(|_| errors::late(&self.name))??;
        running.end(false).await;
        Ok(rows)
    }
}

/// Whether a statement can stand inside a COPY.
fn is_query(sql: &str) -> bool {
    let word: String = sql
        .trim_start_matches([' ', '\n', '\t', '\r', '('])
        .chars()
        .take_while(char::is_ascii_alphabetic)
        .collect();
    ["select", "with", "values", "table"].iter().any(|query| word.eq_ignore_ascii_case(query))
}

/// What the server says about a place is in the text that was sent.
trait AtPlace {
    fn at_place_of(self, sql: &str, error: &tokio_postgres::Error) -> Self;
}

impl AtPlace for ApiError {
    fn at_place_of(mut self, sql: &str, error: &tokio_postgres::Error) -> Self {
        if let Some((line, column)) = errors::place(sql, error) {
            self.message.push_str(&format!(" (line {line}, column {column})"));
        }
        self
    }
}

#[async_trait]
impl Source for Postgres {
    fn kind(&self) -> SourceKind {
        SourceKind::Postgres
    }

    fn dialect(&self) -> Dialect {
        Dialect::Postgres
    }

    fn capabilities(&self) -> Capabilities {
        Capabilities { read_only_sessions: true, parameters: true, estimates: true, tenants: false }
    }

    fn catalog(&self) -> &str {
        &self.catalog
    }

    fn default_schema(&self) -> &str {
        &self.schema
    }

    async fn test(&self) -> Result<Tested, ApiError> {
        let rows = self.ask(metadata::WHO, &[]).await?;
        let row = rows.first().ok_or_else(|| errors::odd(&self.name))?;
        let mut tested = Tested {
            user: errors::cell(&self.name, row, 0)?,
            version: Some(errors::cell(&self.name, row, 1)?),
            ..Tested::default()
        };
        let (superuser, encrypted): (bool, bool) =
            (errors::cell(&self.name, row, 2)?, errors::cell(&self.name, row, 3)?);
        if superuser {
            let warning = "the user is a superuser: one that may only read the tables in question is safer";
            tested.warnings.push(warning.to_owned());
        }
        if !encrypted && !self.connections.is_local() {
            tested.warnings.push("the connection is not encrypted".to_owned());
        }
        tested.warnings.extend(self.connections.warning().map(str::to_owned));
        Ok(tested)
    }

    async fn execute(&self, ask: Ask) -> Result<Answer, ApiError> {
        let running = self.begin(&ask).await?;
        let (statement, text) = self.prepare(&running, &ask.sql).await?;
        let wanted = statement.params().len();
        if wanted != ask.params.len() {
            let message =
                format!("the statement has {wanted} parameters, but {} values came", ask.params.len());
            return Err(ApiError::new(ErrorKind::Invalid, "parameter_missing", message)
                .hint("give each with --param NAME=VALUE, and write $NAME where it belongs"));
        }
        let failed = |e: tokio_postgres::Error| self.failed(&e);
        // Whoever wants all rows gets them as a copy, which takes another round trip and half the time for each row.
        if wanted == 0 && ask.limit.is_none() && !ask.writes && is_query(&text) {
            let copy = format!("copy ({text}\n) to stdout (format binary)");
            let stream = running.client()?.copy_out(&copy).await.map_err(failed)?;
            let feed = Feed::Copy(Box::pin(stream), Tuples::default());
            return rows::answer(self.name.clone(), running, &statement, feed, false).await;
        }
        let values: Vec<Bound> = ask.params.into_iter().map(|(_, value)| Bound(value)).collect();
        let stream = running.client()?.query_raw(&statement, values).await.map_err(failed)?;
        if statement.columns().is_empty() {
            return rows::count(&self.name, running, stream, ask.writes).await;
        }
        let feed = Feed::Rows(Box::pin(stream));
        rows::answer(self.name.clone(), running, &statement, feed, ask.writes).await
    }

    async fn describe(&self, sql: &str, _: &Session) -> Result<Vec<Column>, ApiError> {
        let until = Instant::now() + metadata::PATIENCE;
        let client = self.connections.get(Some(until)).await?;
        let running = Running::new(client, self.connections.tls());
        running.begin(&self.schema, Some(metadata::PATIENCE), false).await.map_err(|e| self.failed(&e))?;
        let prepared = running.client()?.prepare(sql).await;
        let statement = prepared.map_err(|e| self.failed(&e).at_place_of(sql, &e))?;
        running.end(false).await;
        Ok(types::columns(&statement))
    }

    async fn schemas(&self) -> Result<Vec<String>, ApiError> {
        let rows = self.ask(metadata::SCHEMAS, &[]).await?;
        rows.iter().map(|row| errors::cell(&self.name, row, 0)).collect()
    }

    async fn tables(&self, schema: &str, after: Option<&str>) -> Result<Page<TableFacts>, ApiError> {
        let after = after.unwrap_or_default();
        let rows = self.ask(metadata::TABLES, &[&schema, &after, &metadata::PAGE]).await?;
        metadata::tables(&self.name, schema, &rows)
    }

    async fn details(&self, schema: &str, table: &str) -> Result<Details, ApiError> {
        let facts = self.ask(metadata::SIZE, &[&schema, &table]).await?;
        let keys = self.ask(metadata::KEYS, &[&schema, &table]).await?;
        metadata::details(&self.name, &facts, &keys)
    }

    async fn estimate(&self, sql: &str, _: &Session) -> Result<Option<Estimate>, ApiError> {
        let rows = self.ask(&format!("explain (format json) {sql}"), &[]).await?;
        metadata::estimate(&self.name, &rows)
    }
}

/// A value that goes to the server as text, whatever type the server takes it for.
#[derive(Debug)]
struct Bound(Param);

impl ToSql for Bound {
    fn to_sql(
        &self,
        _: &Type,
        out: &mut tokio_postgres::types::private::BytesMut,
    ) -> Result<IsNull, Box<dyn std::error::Error + Sync + Send>> {
        let text = match &self.0 {
            Param::Null => return Ok(IsNull::Yes),
            Param::Bool(yes) => yes.to_string(),
            Param::Int(number) => number.to_string(),
            Param::Text(text) => text.clone(),
        };
        out.extend_from_slice(text.as_bytes());
        Ok(IsNull::No)
    }

    fn accepts(_: &Type) -> bool {
        true
    }

    fn encode_format(&self, _: &Type) -> Format {
        Format::Text
    }

    to_sql_checked!();
}
