//! Listing a source's tables and columns, and of what its views are made, from the engine's own catalogue.

use super::Definitions;
use crate::sources::duckdb::{Attachment, Pool, engine_error};
use std::sync::Arc;
use wharf_policy::TableName;
use wharf_protocol::{ApiError, ErrorKind, Table, TableColumn};

const COLUMNS: &str = "
    select c.schema_name, c.table_name, c.column_name, c.data_type, t.estimated_size, c.is_nullable, c.comment,
      coalesce(t.comment, v.comment), v.view_name is not null
    from duckdb_columns() c
    left join duckdb_tables() t
      on t.database_name = c.database_name and t.schema_name = c.schema_name and t.table_name = c.table_name
    left join duckdb_views() v
      on v.database_name = c.database_name and v.schema_name = c.schema_name and v.view_name = c.table_name
    where c.database_name = ? and not c.internal
    order by c.schema_name, c.table_name, c.column_index";

/// Views and macros with their text. A view may call a macro, so both are followed.
const DEFINITIONS: &str = "
    select view_name, sql from duckdb_views() where database_name = ?1 and not internal
    union all
    select function_name, macro_definition from duckdb_functions()
    where database_name = ?1 and not internal and macro_definition is not null";

/// What a source holds at one stamp of its files. Cheap to clone.
#[derive(Clone)]
pub struct Listing {
    /// Its tables with their columns.
    pub tables: Arc<Vec<Table>>,
    /// Of what its views are made.
    pub definitions: Arc<Definitions>,
}

impl Listing {
    /// The names of its tables.
    pub fn names(&self) -> Vec<TableName> {
        self.tables.iter().map(|t| TableName::new(&t.catalog, &t.schema, &t.name)).collect()
    }
}

pub(super) fn list(source: &str, attachment: &Attachment, pool: &Pool) -> Result<Listing, ApiError> {
    let lease = pool.lease(super::LISTING_FENCE, vec![attachment.clone()], "")?;
    let connection = lease.connect()?;
    let failed = |e: duckdb::Error| engine_error(&e);
    let mut statement = connection.prepare(DEFINITIONS).map_err(failed)?;
    let texts = statement.query_map([source], |row| Ok((row.get::<_, String>(0)?, row.get::<_, String>(1)?)));
    let texts = texts.and_then(Iterator::collect::<Result<Vec<_>, _>>).map_err(failed)?;
    let mut tables = tables(source, &connection)?;
    if !attachment.foreign {
        // In a snapshot of ours a view is how a file is read, and nothing that anybody made.
        tables.iter_mut().for_each(|table| table.view = false);
    }
    let tables = Arc::new(tables);
    Ok(Listing { tables, definitions: Arc::new(Definitions::new(texts)) })
}

fn tables(source: &str, connection: &duckdb::Connection) -> Result<Vec<Table>, ApiError> {
    let failed = |e: duckdb::Error| engine_error(&e);
    let mut statement = connection.prepare(COLUMNS).map_err(failed)?;
    let mut rows = statement.query([source]).map_err(failed)?;
    let mut tables: Vec<Table> = Vec::new();
    while let Some(row) = rows.next().map_err(failed)? {
        let (schema, name): (String, String) = (row.get(0).map_err(failed)?, row.get(1).map_err(failed)?);
        let column = TableColumn {
            name: row.get(2).map_err(failed)?,
            r#type: row.get(3).map_err(failed)?,
            nullable: row.get(5).map_err(failed)?,
            comment: row.get(6).map_err(failed)?,
        };
        let size: Option<i64> = row.get(4).map_err(failed)?;
        match tables.last_mut().filter(|t| t.schema == schema && t.name == name) {
            Some(table) => table.columns.push(column),
            None => tables.push(Table {
                catalog: source.to_owned(),
                qualified: if schema == "main" { name.clone() } else { format!("{schema}.{name}") },
                schema,
                name,
                rows: size.and_then(|n| u64::try_from(n).ok()),
                comment: row.get(7).map_err(failed)?,
                view: row.get(8).map_err(failed)?,
                columns: vec![column],
            }),
        }
    }
    Ok(tables)
}

/// The error for a table that a source does not hold, with the nearest names.
pub fn unknown_table(source: &str, name: &str, known: &[&str]) -> ApiError {
    let nearest = wharf_policy::nearest(name, known.iter().copied());
    let hint = match &nearest[..] {
        [] => format!("`wharf table list --source {source}` shows the tables there are"),
        nearest => format!("did you mean {}?", nearest.join(" or ")),
    };
    ApiError::new(
        ErrorKind::NotFound,
        "table_not_found",
        format!("the source `{source}` has no table `{name}`"),
    )
    .hint(hint)
}
