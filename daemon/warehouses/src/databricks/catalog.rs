//! Unity Catalog: what schemas and tables there are, read without starting a warehouse.

use super::errors::About;
use super::far::{Far, PATIENCE};
use crate::port::{Column, Details, ForeignKey, Page, Reference, TableFacts, TableKind};
use serde::Deserialize;
use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Instant;
use wharf_protocol::ApiError;

const SCHEMAS: &str = "/api/2.1/unity-catalog/schemas";
const TABLES: &str = "/api/2.1/unity-catalog/tables";
/// The schema that every catalog has for the sake of the standard.
const SYSTEM: &str = "information_schema";

#[derive(Deserialize, Default)]
#[serde(default)]
struct Schemas {
    schemas: Option<Vec<SchemaFacts>>,
    next_page_token: Option<String>,
}

#[derive(Deserialize, Default)]
#[serde(default)]
struct SchemaFacts {
    name: Option<String>,
}

#[derive(Deserialize, Default)]
#[serde(default)]
struct Tables {
    tables: Option<Vec<Table>>,
    next_page_token: Option<String>,
}

/// A table, as Unity Catalog tells it.
#[derive(Deserialize, Default)]
#[serde(default)]
struct Table {
    name: Option<String>,
    table_type: Option<String>,
    comment: Option<String>,
    columns: Option<Vec<TableColumn>>,
    properties: Option<BTreeMap<String, serde_json::Value>>,
    table_constraints: Option<Constraints>,
}

#[derive(Deserialize, Default)]
#[serde(default)]
struct TableColumn {
    name: Option<String>,
    position: Option<i64>,
    nullable: Option<bool>,
    type_text: Option<String>,
    type_name: Option<String>,
    comment: Option<String>,
}

/// A list of constraints, or an object that holds one.
#[derive(Deserialize)]
#[serde(untagged)]
enum Constraints {
    List(Vec<Constraint>),
    Held { table_constraints: Option<Vec<Constraint>> },
}

#[derive(Deserialize, Default)]
#[serde(default)]
struct Constraint {
    primary_key_constraint: Option<Key>,
    foreign_key_constraint: Option<Key>,
}

#[derive(Deserialize, Default)]
#[serde(default)]
struct Key {
    child_columns: Option<Vec<String>>,
    parent_table: Option<String>,
    parent_columns: Option<Vec<String>>,
}

/// The schemas of a catalog but for the system's, sorted.
pub(super) async fn schemas(far: &Arc<Far>, catalog: &str) -> Result<Vec<String>, ApiError> {
    let until = Instant::now() + PATIENCE;
    let mut names = Vec::new();
    let mut token: Option<String> = None;
    loop {
        let mut url = far.url(SCHEMAS)?;
        url.query_pairs_mut().append_pair("catalog_name", catalog).append_pair("max_results", "0");
        if let Some(token) = &token {
            url.query_pairs_mut().append_pair("page_token", token);
        }
        let page: Schemas = far.json(&far.get(url, About::Catalog(catalog.to_owned()), until)).await?;
        names.extend(page.schemas.into_iter().flatten().filter_map(|schema| schema.name));
        match page.next_page_token.filter(|next| !next.is_empty()) {
            None => break,
            Some(next) if token.as_ref() == Some(&next) => {
                return Err(far.unreadable("the list of schemas goes round in circles"));
            }
            Some(next) => token = Some(next),
        }
    }
    names.retain(|name| !name.eq_ignore_ascii_case(SYSTEM));
    names.sort();
    names.dedup();
    Ok(names)
}

/// A page of a schema's tables, as large as the far side makes them. It may be empty and not the last.
pub(super) async fn tables(
    far: &Arc<Far>,
    catalog: &str,
    schema: &str,
    after: Option<&str>,
) -> Result<Page<TableFacts>, ApiError> {
    let mut url = far.url(TABLES)?;
    url.query_pairs_mut()
        .append_pair("catalog_name", catalog)
        .append_pair("schema_name", schema)
        .append_pair("max_results", "0");
    if let Some(after) = after {
        url.query_pairs_mut().append_pair("page_token", after);
    }
    let about = About::Catalog(format!("{catalog}.{schema}"));
    let page: Tables = far.json(&far.get(url, about, Instant::now() + PATIENCE)).await?;
    let next = page.next_page_token.filter(|next| !next.is_empty());
    if next.is_some() && next.as_deref() == after {
        return Err(far.unreadable("the list of tables goes round in circles"));
    }
    let mut items: Vec<_> =
        page.tables.into_iter().flatten().filter_map(|table| facts(schema, table)).collect();
    items.sort_by(|a: &TableFacts, b| a.name.cmp(&b.name));
    Ok(Page { items, next })
}

fn facts(schema: &str, table: Table) -> Option<TableFacts> {
    let rows = statistic(&table, "numRows");
    let kind = match table.table_type.as_deref().unwrap_or_default() {
        view if view.contains("VIEW") => TableKind::View,
        _ => TableKind::Table,
    };
    let mut columns = table.columns.unwrap_or_default();
    columns.sort_by_key(|column| column.position.unwrap_or(i64::MAX));
    let columns = columns.into_iter().map(|column| Column {
        name: column.name.unwrap_or_default(),
        type_name: column.type_text.or(column.type_name).unwrap_or_default(),
        nullable: Some(column.nullable.unwrap_or(true)),
        comment: column.comment.filter(|comment| !comment.is_empty()),
    });
    Some(TableFacts {
        schema: schema.to_owned(),
        name: table.name.filter(|name| !name.is_empty())?,
        kind,
        rows,
        comment: table.comment.filter(|comment| !comment.is_empty()),
        columns: columns.collect(),
    })
}

/// What the last `ANALYZE TABLE` counted.
fn statistic(table: &Table, name: &str) -> Option<u64> {
    match table.properties.as_ref()?.get(&format!("spark.sql.statistics.{name}"))? {
        serde_json::Value::String(text) => text.trim().parse().ok(),
        other => other.as_u64(),
    }
}

/// Keys, and what was counted once.
pub(super) async fn details(
    far: &Arc<Far>,
    catalog: &str,
    schema: &str,
    table: &str,
) -> Result<Details, ApiError> {
    let full = format!("{catalog}.{schema}.{table}");
    let url = far.segments(TABLES, &[&full])?;
    let about = About::Catalog(full);
    let told: Table = far.json(&far.get(url, about, Instant::now() + PATIENCE)).await?;
    let rows = statistic(&told, "numRows");
    let bytes = statistic(&told, "totalSize");
    let constraints = match told.table_constraints {
        Some(Constraints::List(list)) => list,
        Some(Constraints::Held { table_constraints }) => table_constraints.unwrap_or_default(),
        None => Vec::new(),
    };
    let mut details = Details {
        rows,
        rows_estimated: rows.is_some(),
        bytes,
        primary_key: Vec::new(),
        foreign_keys: Vec::new(),
    };
    for constraint in constraints {
        if let Some(key) = constraint.primary_key_constraint {
            details.primary_key = key.child_columns.unwrap_or_default();
        }
        if let Some(key) = constraint.foreign_key_constraint {
            // A key to another catalog points at nothing that this source shows.
            let parent = names(&key.parent_table.unwrap_or_default());
            if let [parent_catalog, schema, table] = &parent[..]
                && parent_catalog == catalog
            {
                details.foreign_keys.push(ForeignKey {
                    columns: key.child_columns.unwrap_or_default(),
                    to: Reference {
                        schema: schema.clone(),
                        table: table.clone(),
                        columns: key.parent_columns.unwrap_or_default(),
                    },
                });
            }
        }
    }
    Ok(details)
}

/// The parts of a dotted name, in backticks or not.
fn names(full: &str) -> Vec<String> {
    let mut parts = vec![String::new()];
    let mut quoted = false;
    let mut chars = full.chars().peekable();
    while let Some(c) = chars.next() {
        let Some(last) = parts.last_mut() else { break };
        match c {
            '`' if quoted && chars.next_if_eq(&'`').is_some() => last.push('`'),
            '`' => quoted = !quoted,
            '.' if !quoted => parts.push(String::new()),
            other => last.push(other),
        }
    }
    parts
}

/// A name in backticks.
pub(super) fn quoted(name: &str) -> String {
    format!("`{}`", name.replace('`', "``"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dotted_names_are_taken_apart() {
        assert_eq!(names("a.b.c"), ["a", "b", "c"]);
        assert_eq!(names("`a.b`.`c``d`.e f"), ["a.b", "c`d", "e f"]);
        assert_eq!(quoted("a`b"), "`a``b`");
    }
}
