//! What a replica copies, as statements. Pure.

use std::collections::BTreeMap;
use wharf_policy::Dialect;
use wharf_policy::quoted;
use wharf_protocol::{ApiError, ErrorKind, Incremental, Param, ReplicaAdd, Table};

/// Name of the parameter that holds the cursor.
const CURSOR: &str = "wharf_cursor";
/// Name of the column that tells of a fetched row whether it counts as deleted.
pub(super) const DELETED: &str = "wharf_deleted";

/// The statement that fetches rows, in the source's SQL, and its values.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Fetch {
    pub(super) sql: String,
    pub(super) params: BTreeMap<String, Param>,
}

/// Checks what is asked for against the table that is copied; none for a query.
///
/// # Errors
/// What does not fit: a name, a column, a part that makes no sense with another.
pub(super) fn check(add: &ReplicaAdd, table: Option<&Table>) -> Result<(), ApiError> {
    let bad = |what: String| ApiError::new(ErrorKind::Invalid, "bad_replica", what);
    let good = add.name.len() <= 63
        && add.name.starts_with(|c: char| c.is_ascii_lowercase())
        && add.name.chars().all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '_');
    if !good {
        return Err(bad(format!("`{}` cannot be a replica's name", add.name))
            .hint("use lower-case letters, digits and _, beginning with a letter"));
    }
    if add.sql.is_some() && (!add.columns.is_empty() || add.filter.is_some()) {
        return Err(bad("a query says itself which columns and rows it gives".to_owned())
            .hint("leave --columns and --where away, or name a table"));
    }
    if let Some(schedule) = &add.schedule {
        super::schedule::parse(schedule)?;
    }
    if let Some(incremental) = &add.incremental
        && incremental.keys.is_empty()
    {
        return Err(bad("changes can be fetched only where keys tell rows apart".to_owned())
            .hint("name the key: --keys COLUMN,..."));
    }
    let Some(table) = table else { return Ok(()) };
    let keys = add.incremental.iter().flat_map(|i| i.keys.iter().chain([&i.cursor]));
    for column in add.columns.iter().chain(keys) {
        if !table.columns.iter().any(|known| known.name == *column) {
            let near = wharf_policy::nearest(column, table.columns.iter().map(|c| c.name.as_str()));
            let message = format!("the table {} has no column `{column}`", table.qualified);
            return Err(ApiError::new(ErrorKind::NotFound, "column_not_found", message)
                .maybe_hint((!near.is_empty()).then(|| format!("did you mean {}?", near.join(" or ")))));
        }
        if !add.columns.is_empty() && !add.columns.contains(column) {
            return Err(bad(format!("the column `{column}` is needed for fetching changes, but not copied"))
                .hint("add it to --columns"));
        }
    }
    Ok(())
}

/// Fetches everything, or what has changed since `cursor`. `root` is the quoted catalog and schema of the source.
pub(super) fn fetch(add: &ReplicaAdd, dialect: Dialect, root: &str, cursor: Option<&str>) -> Fetch {
    let quote = |name: &str| quoted(name, dialect);
    let mut columns = match add.columns.is_empty() {
        true => vec!["*".to_owned()],
        false => add.columns.iter().map(|name| quote(name)).collect(),
    };
    let from = match &add.sql {
        // The line break ends a comment that may close the query.
        Some(sql) => format!("({sql}\n) as q"),
        None => format!("{root}.{}", quote(&add.table)),
    };
    let mut conditions: Vec<String> = add.filter.iter().map(|filter| format!("({filter}\n)")).collect();
    let mut params = BTreeMap::new();
    if let Some(Incremental { cursor: column, deleted, .. }) = &add.incremental {
        if let Some(deleted) = deleted {
            columns.push(format!("({deleted}\n) as {}", quote(DELETED)));
        }
        if let Some(cursor) = cursor {
            conditions.push(format!("{} >= ${CURSOR}", quote(column)));
            params.insert(CURSOR.to_owned(), Param::Text(cursor.to_owned()));
        }
    }
    let condition = match conditions.is_empty() {
        true => String::new(),
        false => format!(" where {}", conditions.join(" and ")),
    };
    Fetch { sql: format!("select {} from {from}{condition}", columns.join(", ")), params }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn add() -> ReplicaAdd {
        ReplicaAdd {
            name: "orders".to_owned(),
            source: "crm".to_owned(),
            schema: Some("public".to_owned()),
            table: "Orders".to_owned(),
            columns: vec!["id".to_owned(), "at".to_owned()],
            filter: Some("at > '2026-01-01' -- new".to_owned()),
            sql: None,
            incremental: Some(Incremental {
                cursor: "at".to_owned(),
                keys: vec!["id".to_owned()],
                deleted: Some("gone".to_owned()),
            }),
            schedule: None,
            jitter: 0,
            max_age: None,
        }
    }

    #[test]
    fn what_is_fetched_is_written_in_the_sources_sql() {
        let all = fetch(&add(), Dialect::Postgres, "\"sales\".\"public\"", None);
        assert_eq!(
            all.sql,
            "select \"id\", \"at\", (gone\n) as \"wharf_deleted\" from \"sales\".\"public\".\"Orders\" where (at > '2026-01-01' -- new\n)"
        );
        let changes = fetch(&add(), Dialect::Postgres, "\"sales\".\"public\"", Some("2026-02-01"));
        assert!(changes.sql.ends_with("-- new\n) and \"at\" >= $wharf_cursor"), "{}", changes.sql);
        assert_eq!(changes.params["wharf_cursor"], Param::Text("2026-02-01".to_owned()));
        let query = ReplicaAdd {
            columns: Vec::new(),
            filter: None,
            incremental: None,
            sql: Some("select 1 as a -- one".to_owned()),
            ..add()
        };
        let query = fetch(&query, Dialect::Databricks, "`main`.`default`", None);
        assert_eq!(query.sql, "select * from (select 1 as a -- one\n) as q");
    }

    #[test]
    fn what_does_not_fit_is_told() {
        let told = |change: &dyn Fn(&mut ReplicaAdd)| {
            let mut add = add();
            change(&mut add);
            check(&add, None).unwrap_err().message
        };
        assert!(told(&|a| a.name = "Orders".to_owned()).contains("cannot be a replica's name"));
        assert!(told(&|a| a.sql = Some("select 1".to_owned())).contains("says itself"));
        assert!(told(&|a| a.schedule = Some("every day".to_owned())).contains("every day"));
        assert!(told(&|a| a.incremental.as_mut().unwrap().keys.clear()).contains("keys"));
        check(&add(), None).unwrap();
    }
}
