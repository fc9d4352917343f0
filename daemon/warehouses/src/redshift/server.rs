//! A server reached by the PostgreSQL protocol, as Redshift's own drivers speak it: values as text, parameters apart from the SQL.
//!
//! Reading happens in a transaction that the server itself holds to reading, under a statement timeout that the server itself
//! keeps.

use super::link::Prepared;
use super::rows::{self, Begun, GRACE, odd, within};
use super::running::{Connections, Running};
use super::settings::Settings;
use super::told::{self, Way};
use super::trouble::Trouble;
use super::{metadata, types};
use crate::Address;
use crate::port::{
    Answer, Ask, Capabilities, Column, Details, Estimate, Page, Session, Source, TableFacts, Tested,
};
use async_trait::async_trait;
use secrecy::SecretString;
use std::sync::Arc;
use std::time::Instant;
use wharf_policy::Dialect;
use wharf_protocol::{ApiError, ErrorKind, Param, SourceKind};

/// The endpoint of a cluster or workgroup.
pub(super) struct Server {
    name: String,
    catalog: String,
    schema: String,
    connections: Arc<Connections>,
}

impl Server {
    /// A server that is asked when the first statement comes. `name` is the source's, for messages; `secret` the password.
    ///
    /// # Errors
    /// When the address lacks something or an option makes no sense.
    pub(super) fn new(
        name: &str,
        address: &Address,
        secret: Option<&SecretString>,
    ) -> Result<Self, ApiError> {
        let settings = Settings::of(address, secret)?;
        Ok(Self {
            name: name.to_owned(),
            catalog: settings.database.clone(),
            schema: address.schema.clone().unwrap_or_else(|| "public".to_owned()),
            connections: Connections::new(settings),
        })
    }

    fn told(&self, trouble: &Trouble, sql: Option<&str>) -> ApiError {
        trouble.told(&self.name, sql)
    }

    /// Has the server look at a statement within a transaction of its own.
    async fn prepare(
        &self,
        sql: &str,
        deadline: Option<Instant>,
        writes: bool,
    ) -> Result<(Running, Prepared), ApiError> {
        let begun = self.connections.begin(&self.schema, deadline, writes).await;
        let mut running = begun.map_err(|trouble| self.told(&trouble, None))?;
        match running.link()?.prepare(sql).await {
            Ok(prepared) => Ok((running, prepared)),
            Err(trouble) => {
                running.end_with(&trouble, writes).await;
                Err(self.told(&trouble, Some(sql)))
            }
        }
    }

    async fn begun(&self, ask: Ask) -> Result<(Begun, Prepared), ApiError> {
        let (mut running, prepared) = self.prepare(&ask.sql, ask.deadline, ask.writes).await?;
        let (wanted, came) = (prepared.params, ask.params.len());
        if wanted != came {
            running.end(ask.writes).await;
            let message = format!("the statement has {wanted} parameters, but {came} values came");
            return Err(ApiError::new(ErrorKind::Invalid, "parameter_missing", message)
                .hint("give each with --param NAME=VALUE, and write $NAME where it belongs"));
        }
        let values: Vec<Param> = ask.params.into_iter().map(|(_, value)| value).collect();
        running.link()?.start(&values).await.map_err(|trouble| self.told(&trouble, None))?;
        let begun = Begun { source: self.name.clone(), running, writes: ask.writes, deadline: ask.deadline };
        Ok((begun, prepared))
    }
}

#[async_trait]
impl Way for Server {
    fn name(&self) -> &str {
        &self.name
    }

    async fn ask(&self, sql: &str, values: &[&str]) -> Result<Vec<metadata::Row>, ApiError> {
        let until = Instant::now() + metadata::PATIENCE;
        let asked = async {
            let (mut running, _) = self.prepare(sql, Some(until), false).await?;
            let values: Vec<Param> = values.iter().map(|text| Param::Text((*text).to_owned())).collect();
            match running.link()?.all(&values).await {
                Ok(rows) => {
                    running.end(false).await;
                    rows.iter().map(|row| rows::cells(row).ok_or_else(|| odd(&self.name))).collect()
                }
                Err(trouble) => {
                    running.end_with(&trouble, false).await;
                    Err(self.told(&trouble, None))
                }
            }
        };
        within(&self.name, Some(until + GRACE), asked).await?
    }
}

#[async_trait]
impl Source for Server {
    fn kind(&self) -> SourceKind {
        SourceKind::Redshift
    }

    fn dialect(&self) -> Dialect {
        Dialect::Redshift
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
        let mut tested = told::tested(self).await?;
        let settings = &self.connections.settings;
        if !settings.encrypted() && !settings.local {
            tested.warnings.push("the connection is not encrypted".to_owned());
        }
        tested.warnings.extend(settings.warning.map(str::to_owned));
        Ok(tested)
    }

    async fn execute(&self, ask: Ask) -> Result<Answer, ApiError> {
        let until = ask.deadline.map(|until| until + GRACE);
        let (begun, prepared) = within(&self.name, until, self.begun(ask)).await??;
        rows::answer(begun, &prepared.columns).await
    }

    async fn describe(&self, sql: &str, _: &Session) -> Result<Vec<Column>, ApiError> {
        let until = Instant::now() + metadata::PATIENCE;
        let prepare = self.prepare(sql, Some(until), false);
        let (running, prepared) = within(&self.name, Some(until + GRACE), prepare).await??;
        running.end(false).await;
        Ok(types::columns(&prepared.columns))
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
