//! What both ways to the server ask of the server itself, in the same words.

use super::metadata::{self, Row};
use super::rows::odd;
use crate::port::{Details, Estimate, Page, TableFacts, Tested};
use async_trait::async_trait;
use wharf_protocol::{ApiError, ErrorKind};

/// A way to the server, as questions of our own see it.
#[async_trait]
pub(super) trait Way: Sync {
    /// The source's name, for messages.
    fn name(&self) -> &str;

    /// Rows of a question of our own; `values` are bound, as text.
    async fn ask(&self, sql: &str, values: &[&str]) -> Result<Vec<Row>, ApiError>;

    /// The same where the answer is welcome but not needed: some views are for few, some are missing on some clusters.
    async fn ask_leniently(&self, sql: &str, values: &[&str]) -> Result<Vec<Row>, ApiError> {
        match self.ask(sql, values).await {
            Err(error) if !matches!(error.kind, ErrorKind::Unavailable | ErrorKind::Deadline) => {
                tracing::debug!(source = self.name(), %error.message, "the server does not tell");
                Ok(Vec::new())
            }
            told => told,
        }
    }
}

/// Who we are to it; warnings about the way are added by who goes it.
pub(super) async fn tested(way: &dyn Way) -> Result<Tested, ApiError> {
    let rows = way.ask(metadata::WHO, &[]).await?;
    metadata::tested(&rows).ok_or_else(|| odd(way.name()))
}

/// Schemas of a database.
pub(super) async fn schemas(way: &dyn Way, catalog: &str) -> Result<Vec<String>, ApiError> {
    way.ask(metadata::SCHEMAS, &[catalog]).await.map(metadata::names)
}

/// A page of tables with their columns.
pub(super) async fn tables(
    way: &dyn Way,
    catalog: &str,
    schema: &str,
    after: Option<&str>,
) -> Result<Page<TableFacts>, ApiError> {
    let rows = way.ask(metadata::TABLES, &[catalog, schema, after.unwrap_or_default()]).await?;
    let mut page = metadata::tables(schema, rows).ok_or_else(|| odd(way.name()))?;
    if let [first, .., last] | [first @ last] = &page.items[..] {
        let columns = way.ask(metadata::COLUMNS, &[catalog, schema, &first.name, &last.name]).await?;
        metadata::with_columns(&mut page.items, columns).ok_or_else(|| odd(way.name()))?;
    }
    Ok(page)
}

/// What is known of one table beyond its columns.
pub(super) async fn details(way: &dyn Way, schema: &str, table: &str) -> Result<Details, ApiError> {
    let size = way.ask_leniently(metadata::SIZE, &[schema, table]).await?;
    let keys = way.ask_leniently(metadata::KEYS, &[schema, table]).await?;
    metadata::details(&size, keys).ok_or_else(|| odd(way.name()))
}

/// The planner's guess.
pub(super) async fn estimate(way: &dyn Way, sql: &str) -> Result<Option<Estimate>, ApiError> {
    let plan = way.ask(&format!("explain {sql}"), &[]).await?;
    Ok(metadata::guessed_rows(&plan).map(|rows| Estimate { rows: Some(rows), bytes: None }))
}
