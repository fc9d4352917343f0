//! What the server tells of itself: schemas, tables, sizes, keys.

use super::errors::{cell, odd};
use crate::port::{Column, Details, Estimate, ForeignKey, Page, Reference, TableFacts, TableKind};
use std::time::Duration;
use tokio_postgres::Row;
use wharf_protocol::ApiError;

/// How long a question about the server itself may take.
pub(super) const PATIENCE: Duration = Duration::from_secs(60);

/// Tables of one page.
pub(super) const PAGE: i64 = 500;

/// Who we are to the server.
pub(super) const WHO: &str = "
    select current_user::text, split_part(version(), ' ', 1) || ' ' || split_part(version(), ' ', 2),
      coalesce((select rolsuper from pg_roles where rolname = current_user), false),
      coalesce((select ssl from pg_stat_ssl where pid = pg_backend_pid()), false)";

/// Schemas with something for this user.
pub(super) const SCHEMAS: &str = r"
    select nspname::text from pg_namespace
    where nspname <> 'information_schema' and nspname !~ '^pg_' and has_schema_privilege(oid, 'usage')
    order by 1";

/// Tables that this user may read, a row for each column. $1 schema, $2 the last name of the page before, $3 tables.
pub(super) const TABLES: &str = "
    with page as (
      select c.oid, c.relname::text as name, c.relkind::text as kind, obj_description(c.oid, 'pg_class') as comment
      from pg_class c join pg_namespace n on n.oid = c.relnamespace
      where n.nspname = $1::text and c.relkind in ('r', 'p', 'v', 'm', 'f') and c.relname > $2::text
        and (has_table_privilege(c.oid, 'select') or has_any_column_privilege(c.oid, 'select'))
      order by c.relname::text collate \"C\" limit $3
    )
    select p.name, p.kind, p.comment, a.attname::text, format_type(a.atttypid, a.atttypmod),
      not a.attnotnull, col_description(p.oid, a.attnum)
    from page p left join pg_attribute a on a.attrelid = p.oid and a.attnum > 0 and not a.attisdropped
      and has_column_privilege(p.oid, a.attnum, 'select')
    order by p.name collate \"C\", a.attnum";

/// Estimated rows and bytes. $1 schema, $2 table.
pub(super) const SIZE: &str = "
    select c.reltuples::float8, pg_total_relation_size(c.oid), c.relkind::text
    from pg_class c join pg_namespace n on n.oid = c.relnamespace where n.nspname = $1::text and c.relname = $2::text";

/// Primary and foreign keys. $1 schema, $2 table.
pub(super) const KEYS: &str = "
    select k.contype::text,
      (select array_agg(a.attname::text order by u.n) from unnest(k.conkey) with ordinality u(num, n)
        join pg_attribute a on a.attrelid = k.conrelid and a.attnum = u.num),
      fn.nspname::text, fc.relname::text,
      (select array_agg(a.attname::text order by u.n) from unnest(k.confkey) with ordinality u(num, n)
        join pg_attribute a on a.attrelid = k.confrelid and a.attnum = u.num)
    from pg_constraint k join pg_class c on c.oid = k.conrelid join pg_namespace n on n.oid = c.relnamespace
      left join pg_class fc on fc.oid = k.confrelid left join pg_namespace fn on fn.oid = fc.relnamespace
    where n.nspname = $1::text and c.relname = $2::text and k.contype in ('p', 'f') order by k.conname";

/// The tables of a page, from a row for each column.
pub(super) fn tables(source: &str, schema: &str, rows: &[Row]) -> Result<Page<TableFacts>, ApiError> {
    let mut items: Vec<TableFacts> = Vec::new();
    for row in rows {
        let name: String = cell(source, row, 0)?;
        if items.last().is_none_or(|last| last.name != name) {
            let kind: &str = cell(source, row, 1)?;
            items.push(TableFacts {
                schema: schema.to_owned(),
                name,
                kind: if matches!(kind, "v" | "m") { TableKind::View } else { TableKind::Table },
                // The planner's guess is no count.
                rows: None,
                comment: cell(source, row, 2)?,
                columns: Vec::new(),
            });
        }
        let column: Option<String> = cell(source, row, 3)?;
        if let (Some(name), Some(table)) = (column, items.last_mut()) {
            table.columns.push(Column {
                name,
                type_name: cell(source, row, 4)?,
                nullable: cell(source, row, 5)?,
                comment: cell(source, row, 6)?,
            });
        }
    }
    let full = i64::try_from(items.len()).is_ok_and(|n| n >= PAGE);
    let next = items.last().filter(|_| full).map(|last| last.name.clone());
    Ok(Page { items, next })
}

/// What is known of a table beyond its columns.
pub(super) fn details(source: &str, facts: &[Row], keys: &[Row]) -> Result<Details, ApiError> {
    let mut details = Details::default();
    if let Some(row) = facts.first() {
        let (rows, bytes, kind): (f64, i64, &str) =
            (cell(source, row, 0)?, cell(source, row, 1)?, cell(source, row, 2)?);
        // -1 where nobody has looked yet.
        if rows >= 0.0 && kind != "v" {
            #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss)]
            let rows = rows as u64;
            (details.rows, details.rows_estimated) = (Some(rows), true);
        }
        details.bytes = u64::try_from(bytes).ok().filter(|_| kind != "v");
    }
    for row in keys {
        let (kind, columns): (&str, Vec<String>) = (cell(source, row, 0)?, cell(source, row, 1)?);
        if kind == "p" {
            details.primary_key = columns;
            continue;
        }
        let to = Reference {
            schema: cell(source, row, 2)?,
            table: cell(source, row, 3)?,
            columns: cell(source, row, 4)?,
        };
        details.foreign_keys.push(ForeignKey { columns, to });
    }
    Ok(details)
}

/// The planner's guess of a query.
pub(super) fn estimate(source: &str, rows: &[Row]) -> Result<Option<Estimate>, ApiError> {
    let Some(row) = rows.first() else { return Ok(None) };
    let raw: super::decode::Raw<'_> = cell(source, row, 0)?;
    let plan: serde_json::Value = serde_json::from_slice(raw.0).map_err(|_| odd(source))?;
    let top = &plan[0]["Plan"];
    #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss)]
    let guessed = top["Plan Rows"].as_f64().filter(|n| *n >= 0.0).map(|n| n as u64);
    Ok(Some(Estimate { rows: guessed, bytes: None }))
}
