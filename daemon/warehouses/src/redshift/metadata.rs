//! What the server tells of itself: schemas, tables, sizes, keys.
//!
//! The views `svv_all_*` also hold tables that are shared or lie outside (Spectrum). What a user may not see there is
//! missing, not refused.

use crate::port::{Column, Details, ForeignKey, Page, Reference, TableFacts, TableKind, Tested};
use std::time::Duration;

/// Cells of a row.
pub(super) type Row = Vec<Option<String>>;

/// How long a question about the server itself may take.
pub(super) const PATIENCE: Duration = Duration::from_secs(60);

/// Tables of one page.
pub(super) const PAGE: usize = 500;

/// Who we are to the server.
pub(super) const WHO: &str =
    "select usename, version(), usesuper from pg_catalog.pg_user where usename = current_user";

/// Schemas of a database. $1 database.
pub(super) const SCHEMAS: &str = "
    select schema_name from svv_all_schemas
    where database_name = $1 and schema_name <> 'information_schema' and schema_name <> 'catalog_history'
      and substring(schema_name, 1, 3) <> 'pg_'
    order by schema_name";

/// Tables. $1 database, $2 schema, $3 the last name of the page before.
pub(super) const TABLES: &str = "
    select table_name, table_type, remarks from svv_all_tables
    where database_name = $1 and schema_name = $2 and table_name > $3
    order by table_name limit 500";

/// Columns of the tables between two names. $1 database, $2 schema, $3 first and $4 last table.
pub(super) const COLUMNS: &str = "
    select table_name, column_name, data_type, character_maximum_length, numeric_precision, numeric_scale,
      is_nullable, remarks
    from svv_all_columns
    where database_name = $1 and schema_name = $2 and table_name >= $3 and table_name <= $4
    order by table_name, ordinal_position";

/// Rows and blocks of 1 MB. $1 schema, $2 table.
pub(super) const SIZE: &str = "
    select estimated_visible_rows, tbl_rows, size from svv_table_info where \"schema\" = $1 and \"table\" = $2";

/// Columns of primary and foreign keys. $1 schema, $2 table. `generate_series` runs on the leader, where these tables are.
pub(super) const KEYS: &str = "
    select k.conname, k.contype, a.attname, fn.nspname, fc.relname, fa.attname
    from pg_catalog.pg_constraint k
      join pg_catalog.pg_class c on c.oid = k.conrelid
      join pg_catalog.pg_namespace n on n.oid = c.relnamespace
      join pg_catalog.generate_series(1, 32) as place(n) on k.conkey[place.n] is not null
      join pg_catalog.pg_attribute a on a.attrelid = k.conrelid and a.attnum = k.conkey[place.n]
      left join pg_catalog.pg_class fc on fc.oid = k.confrelid
      left join pg_catalog.pg_namespace fn on fn.oid = fc.relnamespace
      left join pg_catalog.pg_attribute fa on fa.attrelid = k.confrelid and fa.attnum = k.confkey[place.n]
    where n.nspname = $1 and c.relname = $2 and k.contype in ('p', 'f')
    order by k.conname, place.n";

/// What [`WHO`] tells.
pub(super) fn tested(rows: &[Row]) -> Option<Tested> {
    let [Some(user), Some(version), superuser] = rows.first()?.as_slice() else { return None };
    let product = product(version);
    let mut warnings = Vec::new();
    if product.is_none() {
        warnings.push(format!("the server does not call itself Redshift, but `{version}`"));
    }
    if matches!(superuser.as_deref(), Some("t" | "true")) {
        let warning = "the user is a superuser: one that may only read the tables in question is safer";
        warnings.push(warning.to_owned());
    }
    let version = Some(product.unwrap_or(version).to_owned());
    Some(Tested { user: user.clone(), version, warnings, ..Tested::default() })
}

/// The names of the first column.
pub(super) fn names(rows: Vec<Row>) -> Vec<String> {
    rows.into_iter().filter_map(|row| row.into_iter().next().flatten()).collect()
}

/// The tables of a page, still without columns.
pub(super) fn tables(schema: &str, rows: Vec<Row>) -> Option<Page<TableFacts>> {
    let mut items = Vec::new();
    for row in rows {
        let [Some(name), kind, comment] = <[_; 3]>::try_from(row).ok()? else { return None };
        // VIEW, MATERIALIZED VIEW, LATE BINDING VIEW; TABLE, EXTERNAL TABLE, SHARED TABLE.
        let view = kind.is_some_and(|kind| kind.to_ascii_uppercase().contains("VIEW"));
        items.push(TableFacts {
            schema: schema.to_owned(),
            name,
            kind: if view { TableKind::View } else { TableKind::Table },
            rows: None,
            comment: comment.filter(|text| !text.is_empty()),
            columns: Vec::new(),
        });
    }
    let next = items.last().filter(|_| items.len() >= PAGE).map(|last| last.name.clone());
    Some(Page { items, next })
}

/// Puts columns to their tables; both are in the same order.
pub(super) fn with_columns(tables: &mut [TableFacts], rows: Vec<Row>) -> Option<()> {
    let mut tables = tables.iter_mut().peekable();
    for row in rows {
        let [Some(table), Some(name), Some(kind), length, precision, scale, nullable, comment] =
            <[_; 8]>::try_from(row).ok()?
        else {
            return None;
        };
        while tables.peek().is_some_and(|facts| facts.name < table) {
            tables.next();
        }
        let Some(facts) = tables.peek_mut().filter(|facts| facts.name == table) else { continue };
        facts.columns.push(Column {
            name,
            type_name: type_name(kind, length, precision, scale),
            nullable: nullable.map(|word| !word.eq_ignore_ascii_case("no")),
            comment: comment.filter(|text| !text.is_empty()),
        });
    }
    Some(())
}

/// A type with its parameters. Lengths of 0 and below mean that there is none to tell.
fn type_name(
    name: String,
    length: Option<String>,
    precision: Option<String>,
    scale: Option<String>,
) -> String {
    let above_zero = |text: &String| text.parse::<i64>().is_ok_and(|n| n > 0);
    match name.as_str() {
        "numeric" | "decimal" => match (precision.filter(above_zero), scale) {
            (Some(precision), Some(scale)) => format!("{name}({precision},{scale})"),
            _ => name,
        },
        "character varying" | "character" | "varchar" | "char" | "varbyte" => {
            length.filter(above_zero).map_or(name.clone(), |length| format!("{name}({length})"))
        }
        _ => name,
    }
}

/// What is known of a table beyond its columns. No size where the server does not tell one: an empty table is missing there,
/// and so is every table for a user without the right to see the view.
pub(super) fn details(size: &[Row], keys: Vec<Row>) -> Option<Details> {
    let mut details = Details::default();
    let whole = |cell: &Option<String>| -> Option<u64> {
        let text = cell.as_deref()?;
        text.split('.').next()?.parse().ok()
    };
    if let Some([visible, stored, blocks]) = size.first().map(Vec::as_slice) {
        details.rows = whole(visible).or_else(|| whole(stored));
        details.rows_estimated = details.rows.is_some();
        details.bytes = whole(blocks).and_then(|blocks| blocks.checked_mul(1 << 20));
    }
    let mut last = None;
    for row in keys {
        let [Some(name), Some(kind), Some(column), schema, table, to] = <[_; 6]>::try_from(row).ok()? else {
            return None;
        };
        if kind == "p" {
            details.primary_key.push(column);
            continue;
        }
        let (schema, table, to) = (schema?, table?, to?);
        match details.foreign_keys.last_mut().filter(|_| last.as_ref() == Some(&name)) {
            Some(key) => {
                key.columns.push(column);
                key.to.columns.push(to);
            }
            None => details.foreign_keys.push(ForeignKey {
                columns: vec![column],
                to: Reference { schema, table, columns: vec![to] },
            }),
        }
        last = Some(name);
    }
    Some(details)
}

/// The product of `version()`: `PostgreSQL 8.0.2 on i686-pc-linux-gnu, compiled by GCC ..., Redshift 1.0.12345`.
fn product(version: &str) -> Option<&str> {
    version.find("Redshift ").map(|at| &version[at..])
}

/// The planner's guess: `XN Seq Scan on sales  (cost=0.00..4.50 rows=450 width=17)`.
pub(super) fn guessed_rows(plan: &[Row]) -> Option<u64> {
    let top = plan.first()?.first()?.as_deref()?;
    let (_, behind) = top.split_once(" rows=")?;
    behind.split(|c: char| !c.is_ascii_digit()).next()?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn versions_and_plans_are_read() {
        let told =
            "PostgreSQL 8.0.2 on i686-pc-linux-gnu, compiled by GCC gcc (GCC) 3.4.2, Redshift 1.0.71629";
        assert_eq!(product(told), Some("Redshift 1.0.71629"));
        assert_eq!(product("PostgreSQL 15.18"), None);
        let plan = |text: &str| vec![vec![Some(text.to_owned())]];
        assert_eq!(guessed_rows(&plan("XN Limit  (cost=0.00..0.02 rows=2 width=17)")), Some(2));
        assert_eq!(guessed_rows(&plan("XN Seq Scan")), None);
    }

    #[test]
    fn types_get_their_parameters() {
        let of = |name: &str, length: Option<&str>, precision: Option<&str>, scale: Option<&str>| {
            let text = |t: Option<&str>| t.map(str::to_owned);
            type_name(name.to_owned(), text(length), text(precision), text(scale))
        };
        assert_eq!(of("numeric", None, Some("18"), Some("0")), "numeric(18,0)");
        assert_eq!(of("character varying", Some("256"), None, None), "character varying(256)");
        assert_eq!(of("integer", None, Some("32"), Some("0")), "integer");
        assert_eq!(of("super", Some("0"), None, None), "super");
    }
}
