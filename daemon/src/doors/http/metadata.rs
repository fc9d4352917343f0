//! Metadata as seed 004 has it, and completion of SQL.
//!
//! A list is an array, as that seed's clients expect it; who asks for a page gets `data` and `pagination`. How old what is told
//! may be stands in the header `Age`.

use super::access::Asker;
use super::failure::{Failure, Query};
use super::paging::PageQuery;
use crate::metadata::{Metadata, Scope, Typing, Wanted};
use axum::Json;
use axum::http::{HeaderValue, header};
use axum::response::{IntoResponse, Response};
use serde::{Deserialize, Serialize};
use std::time::Duration;
use wharf_protocol::{Catalog, MetadataColumn, MetadataTable, Page, Schema, SqlCompletion, Table};

/// What narrows a list.
#[derive(Deserialize)]
pub(super) struct Narrowed {
    catalog: Option<String>,
    schema: Option<String>,
    table: Option<String>,
    search: Option<String>,
    #[serde(default)]
    refresh: bool,
}

impl Narrowed {
    fn wanted(&self) -> Wanted {
        Wanted {
            catalog: self.catalog.clone(),
            schema: self.schema.clone(),
            table: self.table.clone(),
            refresh: self.refresh,
        }
    }

    /// Whether a name or a comment has the text that is looked for.
    fn finds(&self, name: &str, comment: Option<&str>) -> bool {
        let Some(text) = self.search.as_ref().map(|s| s.to_lowercase()) else { return true };
        name.to_lowercase().contains(&text) || comment.is_some_and(|c| c.to_lowercase().contains(&text))
    }
}

/// A list as it goes out.
#[derive(Serialize)]
#[serde(untagged)]
enum Listed<T> {
    All(Vec<T>),
    Part(Page<T>),
}

fn listed<T: Serialize>(all: Vec<T>, page: &PageQuery, age: Option<Duration>) -> Response {
    let list = if page.is_asked() { Listed::Part(page.part(all)) } else { Listed::All(all) };
    let mut response = Json(list).into_response();
    if let Some(age) = age {
        response.headers_mut().insert(header::AGE, HeaderValue::from(age.as_secs()));
    }
    response
}

pub(super) async fn catalogs(
    asker: Asker,
    Query(narrowed): Query<Narrowed>,
    Query(page): Query<PageQuery>,
) -> Result<Response, Failure> {
    let all: Vec<Catalog> = asker.rooms().metadata.catalogs(&asker.gate, narrowed.refresh).await?;
    let age = all.iter().filter_map(|c| c.age_seconds).max().map(Duration::from_secs);
    Ok(listed(all, &page, age))
}

pub(super) async fn schemas(
    asker: Asker,
    Query(narrowed): Query<Narrowed>,
    Query(page): Query<PageQuery>,
) -> Result<Response, Failure> {
    let metadata = &asker.rooms().metadata;
    let wanted = Wanted { schema: None, table: None, ..narrowed.wanted() };
    let Scope { tables, age } = metadata.tables(&asker.gate, &wanted).await?;
    let all: Vec<Schema> = metadata.schemas(&asker.gate, &tables);
    Ok(listed(all, &page, age))
}

pub(super) async fn tables(
    asker: Asker,
    Query(narrowed): Query<Narrowed>,
    Query(page): Query<PageQuery>,
) -> Result<Response, Failure> {
    let metadata = &asker.rooms().metadata;
    let Scope { tables, age } = metadata.tables(&asker.gate, &narrowed.wanted()).await?;
    let mut all: Vec<MetadataTable> = Vec::new();
    // Each table that is told in full costs its source a question.
    let full = narrowed.table.is_some() && tables.len() == 1;
    for table in &tables {
        let told = match full {
            true => metadata.told_in_full(&asker.gate, table).await?,
            false => metadata.told(&asker.gate, table).await?,
        };
        if narrowed.finds(&told.name, told.comment.as_deref()) {
            all.push(told);
        }
    }
    Ok(listed(all, &page, age))
}

pub(super) async fn columns(
    asker: Asker,
    Query(narrowed): Query<Narrowed>,
    Query(page): Query<PageQuery>,
) -> Result<Response, Failure> {
    let Scope { tables, age } = asker.rooms().metadata.tables(&asker.gate, &narrowed.wanted()).await?;
    let of = |table: &Table| Metadata::columns(table).collect::<Vec<MetadataColumn>>();
    let all = tables.iter().flat_map(of);
    let all = all.filter(|c| narrowed.finds(&c.name, c.comment.as_deref())).collect();
    Ok(listed(all, &page, age))
}

/// SQL that is being typed.
#[derive(Deserialize)]
pub(super) struct Typed {
    #[serde(default, alias = "query")]
    sql: String,
    cursor: Option<u64>,
    catalog: Option<String>,
    limit: Option<u64>,
}

/// Suggestions unless the request says otherwise, and at most.
const SUGGESTIONS: (u64, u64) = (50, 500);

pub(super) async fn autocomplete(
    asker: Asker,
    Query(typed): Query<Typed>,
) -> Result<Json<SqlCompletion>, Failure> {
    let limit = typed.limit.unwrap_or(SUGGESTIONS.0).clamp(1, SUGGESTIONS.1);
    let typing = Typing {
        sql: &typed.sql,
        cursor: typed.cursor,
        catalog: typed.catalog.as_deref(),
        limit: usize::try_from(limit).unwrap_or(usize::MAX),
    };
    Ok(Json(asker.rooms().metadata.complete(&asker.gate, &typing).await?))
}
