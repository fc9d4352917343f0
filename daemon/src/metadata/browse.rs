//! Looking around: sources, their schemas, tables and columns.

use super::Metadata;
use crate::gate::Gate;
use crate::lifecycle::blocking;
use std::collections::BTreeMap;
use std::time::Duration;
use wharf_policy::TableName;
use wharf_protocol::{
    ApiError, Catalog, ErrorKind, MetadataColumn, MetadataTable, Schema, SourceKind, Table,
};
use wharf_warehouses::Details;

/// Which part is looked at.
#[derive(Debug, Clone, Default)]
pub struct Wanted {
    /// Of this source.
    pub catalog: Option<String>,
    /// Of this schema.
    pub schema: Option<String>,
    /// This table.
    pub table: Option<String>,
    /// The source is listed anew before.
    pub refresh: bool,
}

/// What was found.
pub struct Scope {
    /// The tables as they may be seen.
    pub tables: Vec<Table>,
    /// How old the oldest of it is; none where nothing is kept.
    pub age: Option<Duration>,
}

/// How long a source may take to tell more of one table than is known: it is not worth a long wait.
const PATIENCE: Duration = Duration::from_secs(3);

impl Metadata {
    /// The sources: all for the owner, for others those of which they may read something.
    ///
    /// # Errors
    /// When one that is to be listed anew cannot be listed.
    pub async fn catalogs(&self, gate: &Gate, refresh: bool) -> Result<Vec<Catalog>, ApiError> {
        if refresh {
            self.tables(gate, &Wanted { refresh, ..Wanted::default() }).await?;
        }
        let mut counts: BTreeMap<String, Option<u64>> = BTreeMap::new();
        if gate.principal().is_owner() {
            for source in gate.catalog().sources() {
                let known = self.counted(gate, &source.name, source.kind).await;
                counts.insert(source.name, known);
            }
        } else {
            for table in gate.tables(None).await? {
                let count = counts.entry(table.catalog).or_default();
                *count = Some(count.unwrap_or(0) + 1);
            }
        }
        let told = counts.into_iter().filter_map(|(name, tables)| {
            let source = gate.catalog().get(&name).ok()?;
            let age = gate.catalog().known(&name).map(|(_, age)| age.as_secs());
            Some(Catalog {
                name,
                comment: None,
                owner: None,
                created_at: Some(source.created_at),
                kind: source.kind.name().to_owned(),
                tables,
                cached: age.is_some(),
                age_seconds: age,
            })
        });
        Ok(told.collect())
    }

    /// How many tables a source has. One elsewhere is not waited for.
    async fn counted(&self, gate: &Gate, name: &str, kind: SourceKind) -> Option<u64> {
        if kind != SourceKind::Duckdb && gate.catalog().known(name).is_none() {
            self.look(gate, name);
            return None;
        }
        match gate.tables(Some(name)).await {
            Ok(tables) => Some(tables.len() as u64),
            Err(error) => {
                tracing::warn!(source = %name, %error, "a source cannot be listed");
                None
            }
        }
    }

    /// The tables of a part.
    ///
    /// # Errors
    /// When there is no such source, schema or table, or none that who asks may see: nobody can tell which.
    pub async fn tables(&self, gate: &Gate, wanted: &Wanted) -> Result<Scope, ApiError> {
        if wanted.refresh {
            self.refresh(gate, wanted.catalog.as_deref()).await?;
        }
        let mut tables = gate.tables(wanted.catalog.as_deref()).await?;
        if let Some(schema) = &wanted.schema {
            tables = named(tables, schema, Part::Schema, wanted)?;
        }
        if let Some(table) = &wanted.table {
            tables = named(tables, table, Part::Table, wanted)?;
        }
        let ages = tables.iter().map(|t| t.catalog.as_str()).collect::<std::collections::BTreeSet<_>>();
        let age = ages.into_iter().filter_map(|name| gate.catalog().known(name)).map(|(_, age)| age).max();
        Ok(Scope { tables, age })
    }

    /// Has sources listed anew. What is not theirs is not touched, and looks as if it were not there.
    async fn refresh(&self, gate: &Gate, catalog: Option<&str>) -> Result<(), ApiError> {
        let seen = gate.tables(catalog).await?;
        let mut names: Vec<String> = seen.into_iter().map(|t| t.catalog).collect();
        names.dedup();
        // The owner's may be empty, which is when somebody would look again.
        names.extend(catalog.filter(|_| gate.principal().is_owner()).map(str::to_owned));
        let (catalog, owner) = (gate.catalog().clone(), gate.principal().is_owner());
        blocking(move || {
            for name in names {
                match catalog.refresh(&name) {
                    Err(error) if owner => return Err(error),
                    // How a source fails is not for others to read; `Age` tells them that it is not new.
                    Err(error) => tracing::warn!(source = %name, %error, "a source could not be listed anew"),
                    Ok(()) => {}
                }
            }
            Ok(())
        })
        .await
    }

    /// The schemas of these tables.
    pub fn schemas(&self, gate: &Gate, tables: &[Table]) -> Vec<Schema> {
        let mut counts: BTreeMap<(&str, &str), u64> = BTreeMap::new();
        for table in tables {
            *counts.entry((&table.catalog, &table.schema)).or_default() += 1;
        }
        let told = counts.into_iter().map(|((catalog, schema), tables)| Schema {
            name: schema.to_owned(),
            catalog: catalog.to_owned(),
            comment: None,
            tables,
            is_default: self.language(gate, catalog).1 == schema,
        });
        told.collect()
    }

    /// A table, with what was written about it in wharf.
    ///
    /// # Errors
    /// When the notes cannot be read.
    pub async fn told(&self, gate: &Gate, table: &Table) -> Result<MetadataTable, ApiError> {
        let note = gate.policies().note(&table.catalog, &table.schema, &table.name).await?;
        Ok(MetadataTable {
            name: table.name.clone(),
            catalog: table.catalog.clone(),
            schema: table.schema.clone(),
            table_type: if table.view { "VIEW" } else { "TABLE" }.to_owned(),
            comment: note.description.or_else(|| table.comment.clone()),
            row_count: table.rows,
            size_bytes: None,
            created_at: None,
            updated_at: None,
            qualified: table.qualified.clone(),
            columns: table.columns.len() as u64,
            row_count_estimated: false,
            primary_key: Vec::new(),
        })
    }

    /// The same with what its source knows beyond its columns. A source that does not tell soon is not waited for.
    ///
    /// # Errors
    /// When the policies cannot be read.
    pub async fn told_in_full(&self, gate: &Gate, table: &Table) -> Result<MetadataTable, ApiError> {
        let mut told = self.told(gate, table).await?;
        let name = TableName::new(&table.catalog, &table.schema, &table.name);
        let filtered = match gate.effective().await? {
            Some(theirs) => theirs.rules(&name).any(|r| r.rule.filter.is_some()),
            None => false,
        };
        let Some(details) = details(gate, table).await else { return Ok(told) };
        // How much there is in all is not theirs to know when they see only some.
        if !filtered {
            told.row_count_estimated = details.rows.is_some() && details.rows_estimated;
            told.row_count = details.rows.or(told.row_count);
            told.size_bytes = details.bytes;
        }
        let seen = |column: &String| table.columns.iter().any(|c| c.name == *column);
        if details.primary_key.iter().all(seen) {
            told.primary_key = details.primary_key;
        }
        Ok(told)
    }

    /// The columns of a table.
    pub fn columns(table: &Table) -> impl Iterator<Item = MetadataColumn> {
        table.columns.iter().zip(1..).map(|(column, position)| MetadataColumn {
            name: column.name.clone(),
            data_type: column.r#type.clone(),
            nullable: column.nullable.unwrap_or(true),
            comment: column.comment.clone(),
            is_partition_key: false,
            catalog: table.catalog.clone(),
            schema: table.schema.clone(),
            table: table.name.clone(),
            position,
        })
    }
}

/// What a source elsewhere tells of one table.
async fn details(gate: &Gate, table: &Table) -> Option<Details> {
    let (catalog, name) = (gate.catalog().clone(), table.catalog.clone());
    let far = tokio::task::spawn_blocking(move || catalog.far(&name)).await.ok()?.ok()??;
    match tokio::time::timeout(PATIENCE, far.details(&table.schema, &table.name)).await {
        Ok(Ok(details)) => Some(details),
        Ok(Err(error)) => {
            tracing::debug!(source = %table.catalog, %error, "a source does not tell more of a table");
            None
        }
        Err(_) => None,
    }
}

/// A part of a table's name.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Part {
    Schema,
    Table,
}

impl Part {
    fn of(self, table: &Table) -> &str {
        match self {
            Self::Schema => &table.schema,
            Self::Table => &table.name,
        }
    }
}

/// Those whose part is called so: as it is spelled, else without regard to case.
fn named(tables: Vec<Table>, name: &str, part: Part, wanted: &Wanted) -> Result<Vec<Table>, ApiError> {
    let exact = tables.iter().any(|t| part.of(t) == name);
    let fits = |t: &Table| if exact { part.of(t) == name } else { part.of(t).eq_ignore_ascii_case(name) };
    if tables.iter().any(fits) {
        return Ok(tables.into_iter().filter(fits).collect());
    }
    let (noun, code) = match part {
        Part::Schema => ("schema", "schema_not_found"),
        Part::Table => ("table", "table_not_found"),
    };
    let place = match (part, &wanted.catalog, &wanted.schema) {
        (Part::Table, Some(catalog), Some(schema)) => format!(" in {catalog}.{schema}"),
        (Part::Table, None, Some(schema)) => format!(" in the schema {schema}"),
        (_, Some(catalog), _) => format!(" in {catalog}"),
        (_, None, _) => String::new(),
    };
    let mut known: Vec<&str> = tables.iter().map(|t| part.of(t)).collect();
    known.sort_unstable();
    known.dedup();
    let nearest = wharf_policy::nearest(name, known);
    let hint = match &nearest[..] {
        [] => format!("`GET /api/metadata/{noun}s` lists those that you may read"),
        nearest => format!("did you mean {}?", nearest.join(" or ")),
    };
    let message = format!("there is no {noun} `{name}`{place} that you may read");
    Err(ApiError::new(ErrorKind::NotFound, code, message).hint(hint))
}
