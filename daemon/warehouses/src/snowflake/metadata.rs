//! What there is: schemas, tables with their columns, keys; and whether the account answers at all.

use super::Snowflake;
use super::fence::{self, quoted};
use crate::port::{
    Ask, Column, Details, ForeignKey, Page, Reference, Session, TYPE_NAME, TableFacts, TableKind, Tested,
};
use arrow::array::{Array, AsArray, RecordBatch};
use arrow::datatypes::{DataType, Decimal128Type, Int64Type};
use futures::StreamExt;
use std::collections::HashMap;
use std::time::{Duration, Instant};
use wharf_protocol::{ApiError, ErrorKind, Param};

/// How long a look at the catalog may take; a warehouse may have to start for it.
const LOOK: Duration = Duration::from_secs(120);
/// How long signing in and asking who one is may take.
const TEST: Duration = Duration::from_secs(30);
/// Tables of a page.
const PAGE_TABLES: usize = 500;
/// From so many columns on a page ends early: tables of 10,000 columns are not rare where logs are kept.
const PAGE_COLUMNS: usize = 60_000;
/// What SHOW lists at once.
const SHOWN: usize = 10_000;
/// What a text without a length may hold.
const UNBOUNDED_TEXT: &str = "16777216";

/// Rows as text, found by the name of their column in any case.
struct Listing {
    names: HashMap<String, usize>,
    rows: Vec<Vec<Option<String>>>,
}

impl Listing {
    /// The cells of a column by row; nothing where there is no such column.
    fn cell<'r>(&self, row: &'r [Option<String>], name: &str) -> Option<&'r str> {
        row.get(*self.names.get(name)?)?.as_deref()
    }

    fn number(&self, row: &[Option<String>], name: &str) -> Option<u64> {
        self.cell(row, name)?.parse().ok()
    }

    fn add(&mut self, batch: &RecordBatch) {
        let columns: Vec<Vec<Option<String>>> = batch.columns().iter().map(|column| texts(column)).collect();
        for row in 0..batch.num_rows() {
            self.rows.push(columns.iter().map(|column| column.get(row).cloned().flatten()).collect());
        }
    }
}

/// Values as text. Types that no list is read for are left out.
fn texts(column: &dyn Array) -> Vec<Option<String>> {
    match column.data_type() {
        DataType::Utf8 => column.as_string::<i32>().iter().map(|text| text.map(str::to_owned)).collect(),
        DataType::Int64 => {
            column.as_primitive::<Int64Type>().iter().map(|n| n.map(|n| n.to_string())).collect()
        }
        DataType::Decimal128(_, 0) => {
            column.as_primitive::<Decimal128Type>().iter().map(|n| n.map(|n| n.to_string())).collect()
        }
        DataType::Boolean => column.as_boolean().iter().map(|b| b.map(|b| b.to_string())).collect(),
        _ => vec![None; column.len()],
    }
}

/// A statement of our own.
fn ask(sql: String, params: &[&str], within: Duration) -> Ask {
    Ask {
        id: String::new(),
        sql,
        params: params.iter().map(|text| (String::new(), Param::Text((*text).to_owned()))).collect(),
        deadline: Some(Instant::now() + within),
        session: Session::default(),
        writes: false,
        limit: None,
    }
}

async fn list(source: &Snowflake, ask: Ask) -> Result<Listing, ApiError> {
    let mut answer = source.run_in_time(&ask).await?;
    let names = answer.schema.fields().iter().enumerate();
    let names = names.map(|(at, field)| (field.name().to_ascii_lowercase(), at)).collect();
    let mut listing = Listing { names, rows: Vec::new() };
    while let Some(batch) = answer.batches.next().await {
        listing.add(&batch?);
    }
    Ok(listing)
}

/// Whether an error is about the statement itself, and not about the way there.
fn is_refused(error: &ApiError) -> bool {
    match error.kind {
        ErrorKind::Failed | ErrorKind::NotFound | ErrorKind::Refused | ErrorKind::Invalid => true,
        ErrorKind::Unavailable
        | ErrorKind::Deadline
        | ErrorKind::Unauthorized
        | ErrorKind::Limit
        | ErrorKind::Conflict
        | ErrorKind::Cancelled
        | ErrorKind::Internal => false,
    }
}

/// A list that may be missing where the statement is not known or not permitted.
async fn list_if_known(
    source: &Snowflake,
    sql: String,
    within: Duration,
) -> Result<Option<Listing>, ApiError> {
    match list(source, ask(sql, &[], within)).await {
        Ok(listing) => Ok(Some(listing)),
        Err(error) if is_refused(&error) => Ok(None),
        Err(error) => Err(error),
    }
}

/// Who one is taken for, and with what. None of it starts a warehouse.
pub(super) async fn test(source: &Snowflake) -> Result<Tested, ApiError> {
    let names = ["user", "version", "role", "warehouse"];
    let select = |names: &[&str]| {
        let columns: Vec<String> =
            names.iter().map(|name| format!("CURRENT_{}() AS WHARF_{name}", name.to_uppercase())).collect();
        format!("SELECT {}", columns.join(", "))
    };
    let mut found: HashMap<&str, String> = HashMap::new();
    let mut asked = HashMap::new();
    match list(source, ask(select(&names), &[], TEST)).await {
        Ok(listing) => {
            asked.insert("warehouse", true);
            take(&mut found, &listing, &names);
        }
        // A server that does not know all of them may know some. The first must go through: it is what tells what is wrong.
        Err(error) if error.kind == ErrorKind::Failed || error.kind == ErrorKind::NotFound => {
            take(&mut found, &list(source, ask(select(&names[..1]), &[], TEST)).await?, &names);
            for name in &names[1..] {
                if let Some(listing) = list_if_known(source, select(&[*name]), TEST).await? {
                    asked.insert(*name, true);
                    take(&mut found, &listing, &names);
                }
            }
        }
        Err(error) => return Err(error),
    }
    let mut tested = Tested {
        user: found.remove("user").unwrap_or_default(),
        version: found.remove("version"),
        role: found.remove("role"),
        warehouse: None,
        warnings: Vec::new(),
    };
    let current = found.remove("warehouse");
    let denied = asked.contains_key("warehouse") && current.is_none();
    warehouse(source, current, denied, &mut tested).await?;
    Ok(tested)
}

fn take<'n>(found: &mut HashMap<&'n str, String>, listing: &Listing, names: &[&'n str]) {
    let Some(row) = listing.rows.first() else { return };
    for name in names {
        if let Some(value) = listing.cell(row, &format!("wharf_{name}")) {
            found.insert(*name, value.to_owned());
        }
    }
}

/// Looks for the warehouse and its state. `denied`: the session says that it has none.
async fn warehouse(
    source: &Snowflake,
    current: Option<String>,
    denied: bool,
    tested: &mut Tested,
) -> Result<(), ApiError> {
    let place = &source.link.place;
    let Some(name) = current.or_else(|| place.warehouse.clone()) else {
        tested
            .warnings
            .push("it has no warehouse: name one in the source's address, warehouse=COMPUTE_WH".to_owned());
        return Ok(());
    };
    let Some(listing) = list_if_known(source, "SHOW WAREHOUSES".to_owned(), TEST).await? else {
        tested.warehouse = Some(name);
        return Ok(());
    };
    let row = listing.rows.iter().find(|row| listing.cell(row, "name") == Some(name.as_str()));
    let Some(row) = row else {
        let role = tested.role.as_deref().or(place.role.as_deref()).unwrap_or("the user's default role");
        let what = format!("warehouse {name} is not among those that {role} may use");
        if denied {
            let message = format!("{}: {what}", place.who);
            return Err(ApiError::new(ErrorKind::Invalid, "warehouse", message).hint(format!(
                "check warehouse={name} in the source's address (names are case-sensitive), or GRANT USAGE ON WAREHOUSE {name} TO ROLE {role}"
            )));
        }
        tested.warnings.push(what);
        tested.warehouse = Some(name);
        return Ok(());
    };
    let state = listing.cell(row, "state").unwrap_or_default();
    let resumes = !listing.cell(row, "auto_resume").is_some_and(|text| text.eq_ignore_ascii_case("false"));
    if !resumes && !state.eq_ignore_ascii_case("STARTED") {
        tested.warnings.push(format!(
            "warehouse {name} is {state} and does not resume by itself: ALTER WAREHOUSE {name} RESUME"
        ));
    }
    tested.warehouse = Some(if state.is_empty() { name } else { format!("{name} ({state})") });
    Ok(())
}

/// Columns of a query, which is compiled but brings no rows.
pub(super) async fn describe(
    source: &Snowflake,
    sql: &str,
    session: &Session,
) -> Result<Vec<Column>, ApiError> {
    // It is put in parentheses, so it must be one query whose own are balanced.
    let one = fence::one_statement(&source.link.place.who, sql, false)?;
    if !one.query {
        // SHOW and its like cannot be selected from: Snowflake does not tell their columns without running them.
        return Ok(Vec::new());
    }
    let sql = one.text;
    // A comment at its end must not swallow the parenthesis.
    let mut ask = ask(format!("SELECT * FROM (\n{sql}\n) LIMIT 0"), &[], LOOK);
    ask.session = session.clone();
    let answer = source.run_in_time(&ask).await?;
    let columns = answer.schema.fields().iter().map(|field| Column {
        name: field.name().clone(),
        type_name: field.metadata().get(TYPE_NAME).cloned().unwrap_or_default(),
        nullable: None,
        comment: None,
    });
    Ok(columns.collect())
}

/// Names of the schemas. SHOW needs no warehouse.
pub(super) async fn schemas(source: &Snowflake) -> Result<Vec<String>, ApiError> {
    let show = format!("SHOW SCHEMAS IN DATABASE {}", quoted(&source.link.place.database));
    let mut names: Vec<String> = Vec::new();
    let mut from = String::new();
    loop {
        let listing = list(source, ask(format!("{show}{from}"), &[], LOOK)).await?;
        let before = names.len();
        names.extend(listing.rows.iter().filter_map(|row| listing.cell(row, "name")).map(str::to_owned));
        let last = names.last().cloned().unwrap_or_default();
        let more = listing.rows.len() >= SHOWN && names.len() > before;
        if !more {
            break;
        }
        from = format!(" LIMIT {SHOWN} FROM {}", fence::literal(&source.link.place.who, &last)?);
    }
    names.retain(|name| !name.eq_ignore_ascii_case("INFORMATION_SCHEMA"));
    names.sort_unstable();
    names.dedup();
    Ok(names)
}

/// A page of tables with their columns.
pub(super) async fn tables(
    source: &Snowflake,
    schema: &str,
    after: Option<&str>,
) -> Result<Page<TableFacts>, ApiError> {
    let from = format!("{}.INFORMATION_SCHEMA", quoted(&source.link.place.database));
    let after = after.unwrap_or_default();
    let sql = format!(
        "SELECT TABLE_NAME, TABLE_TYPE, ROW_COUNT, COMMENT FROM {from}.TABLES \
         WHERE TABLE_SCHEMA = ? AND TABLE_NAME > ? ORDER BY TABLE_NAME LIMIT {}",
        PAGE_TABLES + 1
    );
    let listing = list(source, ask(sql, &[schema, after], LOOK)).await?;
    let mut items: Vec<TableFacts> = listing
        .rows
        .iter()
        .take(PAGE_TABLES)
        .map(|row| TableFacts {
            schema: schema.to_owned(),
            name: listing.cell(row, "table_name").unwrap_or_default().to_owned(),
            kind: kind(listing.cell(row, "table_type")),
            rows: listing.number(row, "row_count"),
            comment: comment(listing.cell(row, "comment")),
            columns: Vec::new(),
        })
        .collect();
    let mut more = listing.rows.len() > PAGE_TABLES;
    if let Some(last) = items.last().map(|table| table.name.clone()) {
        let whole = columns(source, &from, schema, after, &last, &mut items).await?;
        more |= whole < items.len();
        items.truncate(whole);
    }
    let next = items.last().filter(|_| more).map(|table| table.name.clone());
    Ok(Page { items, next })
}

fn kind(table_type: Option<&str>) -> TableKind {
    match table_type.is_some_and(|kind| kind.to_ascii_uppercase().contains("VIEW")) {
        true => TableKind::View,
        false => TableKind::Table,
    }
}

fn comment(text: Option<&str>) -> Option<String> {
    text.filter(|text| !text.is_empty()).map(str::to_owned)
}

/// Gives tables their columns, and tells how many of the tables have all of theirs.
async fn columns(
    source: &Snowflake,
    from: &str,
    schema: &str,
    after: &str,
    last: &str,
    items: &mut [TableFacts],
) -> Result<usize, ApiError> {
    let sql = format!(
        "SELECT TABLE_NAME, COLUMN_NAME, DATA_TYPE, CHARACTER_MAXIMUM_LENGTH, NUMERIC_PRECISION, NUMERIC_SCALE, \
         IS_NULLABLE, COMMENT FROM {from}.COLUMNS \
         WHERE TABLE_SCHEMA = ? AND TABLE_NAME > ? AND TABLE_NAME <= ? ORDER BY TABLE_NAME, ORDINAL_POSITION"
    );
    let places: HashMap<String, usize> =
        items.iter().enumerate().map(|(at, table)| (table.name.clone(), at)).collect();
    let mut answer = source.run_in_time(&ask(sql, &[schema, after, last], LOOK)).await?;
    let names = answer.schema.fields().iter().enumerate();
    let names: HashMap<_, _> = names.map(|(at, field)| (field.name().to_ascii_lowercase(), at)).collect();
    let (mut gathered, mut current) = (0, 0);
    while let Some(batch) = answer.batches.next().await {
        let mut listing = Listing { names: names.clone(), rows: Vec::new() };
        listing.add(&batch?);
        for row in &listing.rows {
            let Some(&at) = listing.cell(row, "table_name").and_then(|name| places.get(name)) else {
                continue;
            };
            // The answer is dropped here, which stops the statement.
            if at != current && gathered >= PAGE_COLUMNS && at > current {
                return Ok(at);
            }
            current = at;
            gathered += 1;
            if let Some(table) = items.get_mut(at) {
                table.columns.push(column(&listing, row));
            }
        }
    }
    Ok(items.len())
}

fn column(listing: &Listing, row: &[Option<String>]) -> Column {
    let cell = |name| listing.cell(row, name);
    let base = cell("data_type").unwrap_or_default();
    let type_name =
        match (base, cell("numeric_precision"), cell("numeric_scale"), cell("character_maximum_length")) {
            ("NUMBER", Some(precision), scale, _) => format!("NUMBER({precision},{})", scale.unwrap_or("0")),
            ("TEXT", _, _, Some(length)) if length != UNBOUNDED_TEXT => format!("VARCHAR({length})"),
            ("TEXT", ..) => "VARCHAR".to_owned(),
            _ => base.to_owned(),
        };
    Column {
        name: cell("column_name").unwrap_or_default().to_owned(),
        type_name,
        nullable: cell("is_nullable").map(|text| text.eq_ignore_ascii_case("YES") || text == "true"),
        comment: comment(cell("comment")),
    }
}

/// Size and keys of a table. Keys are declared in Snowflake, not enforced.
pub(super) async fn details(source: &Snowflake, schema: &str, table: &str) -> Result<Details, ApiError> {
    let place = &source.link.place;
    let database = quoted(&place.database);
    let sql = format!(
        "SELECT TABLE_TYPE, ROW_COUNT, BYTES FROM {database}.INFORMATION_SCHEMA.TABLES \
         WHERE TABLE_SCHEMA = ? AND TABLE_NAME = ?"
    );
    let listing = list(source, ask(sql, &[schema, table], LOOK)).await?;
    let Some(row) = listing.rows.first() else {
        let message = format!("{}: there is no table {}.{}.{}", place.who, place.database, schema, table);
        return Err(ApiError::new(ErrorKind::NotFound, "table_not_found", message)
            .hint("names are case-sensitive here; a role sees only what it has a grant on"));
    };
    let mut details = Details {
        rows: listing.number(row, "row_count"),
        bytes: listing.number(row, "bytes"),
        ..Details::default()
    };
    if kind(listing.cell(row, "table_type")) == TableKind::View {
        return Ok(details);
    }
    let name = format!("{database}.{}.{}", quoted(schema), quoted(table));
    if let Some(keys) = list_if_known(source, format!("SHOW PRIMARY KEYS IN TABLE {name}"), LOOK).await? {
        details.primary_key = primary_key(&keys, table);
    }
    if let Some(keys) = list_if_known(source, format!("SHOW IMPORTED KEYS IN TABLE {name}"), LOOK).await? {
        details.foreign_keys = foreign_keys(&keys, table, &place.database);
    }
    Ok(details)
}

fn sequence(keys: &Listing, row: &[Option<String>]) -> u64 {
    keys.number(row, "key_sequence").unwrap_or(0)
}

fn primary_key(keys: &Listing, table: &str) -> Vec<String> {
    let mut rows: Vec<_> = keys
        .rows
        .iter()
        .filter(|row| keys.cell(row, "table_name").is_none_or(|name| name == table))
        .collect();
    rows.sort_by_key(|row| sequence(keys, row));
    rows.iter().filter_map(|row| keys.cell(row, "column_name")).map(str::to_owned).collect()
}

/// Foreign keys in the order of their names; those that point into other databases are left out, because nothing there is shown.
fn foreign_keys(keys: &Listing, table: &str, database: &str) -> Vec<ForeignKey> {
    let mut rows: Vec<_> = keys
        .rows
        .iter()
        .filter(|row| keys.cell(row, "fk_table_name").is_none_or(|name| name == table))
        .filter(|row| keys.cell(row, "pk_database_name").is_none_or(|name| name == database))
        .collect();
    let name_of = |row: &Vec<Option<String>>| {
        let parts = ["fk_name", "pk_schema_name", "pk_table_name"];
        parts.map(|part| keys.cell(row, part).unwrap_or_default().to_owned())
    };
    rows.sort_by_key(|row| (name_of(row), sequence(keys, row)));
    let mut found: Vec<([String; 3], ForeignKey)> = Vec::new();
    for row in rows {
        let (Some(from), Some(to)) = (keys.cell(row, "fk_column_name"), keys.cell(row, "pk_column_name"))
        else {
            continue;
        };
        let name = name_of(row);
        if found.last().is_none_or(|(last, _)| *last != name) {
            let [_, schema, table] = name.clone();
            let to = Reference { schema, table, columns: Vec::new() };
            found.push((name, ForeignKey { columns: Vec::new(), to }));
        }
        if let Some((_, key)) = found.last_mut() {
            key.columns.push(from.to_owned());
            key.to.columns.push(to.to_owned());
        }
    }
    found.into_iter().map(|(_, key)| key).collect()
}
