//! Tables: which there are, who may read them, what is said of them.

use super::access::Asker;
use super::failure::{Body, Failure, Path, Query};
use super::paging::SourcePageQuery;
use crate::policies::Subject;
use axum::Json;
use wharf_protocol::{
    ApiError, ErrorKind, Grant, GrantAction, GrantChange, ListedTable, Page, Permission, PolicyChanged,
    Table, TableNote, TokenKind,
};

pub(super) async fn list(
    asker: Asker,
    Query(query): Query<SourcePageQuery>,
) -> Result<Json<Page<Table>>, Failure> {
    Ok(Json(query.part(asker.gate.tables(query.source.as_deref()).await?)))
}

pub(super) async fn show(asker: Asker, Path(name): Path<String>) -> Result<Json<Table>, Failure> {
    Ok(Json(asker.gate.table(&name, None).await?))
}

/// What the caller may read, as agents know it.
pub(super) async fn list_data(asker: Asker) -> Result<Json<Vec<ListedTable>>, Failure> {
    let mut listed = Vec::new();
    for table in asker.gate.tables(None).await? {
        let note = asker.gate.policies().note(&table.catalog, &table.schema, &table.name).await?;
        listed.push(ListedTable {
            source: "duckdb".to_owned(),
            table_id: table.name,
            schema_id: table.schema,
            catalog_id: table.catalog,
            tags: note.tags,
            description: note.description,
            columns: table.columns,
        });
    }
    Ok(Json(listed))
}

pub(super) async fn describe(
    asker: Asker,
    Path(name): Path<String>,
    Body(note): Body<TableNote>,
) -> Result<Json<ListedTable>, Failure> {
    let table = asker.gate.table(&name, None).await?;
    let what = format!("{}.{}.{}: {note:?}", table.catalog, table.schema, table.name);
    check_note(&note)?;
    let note = asker.gate.policies().set_note(&table.catalog, &table.schema, &table.name, note).await?;
    asker.audit("table describe", what, "completed").await?;
    Ok(Json(ListedTable {
        source: "duckdb".to_owned(),
        table_id: table.name,
        schema_id: table.schema,
        catalog_id: table.catalog,
        tags: note.tags,
        description: note.description,
        columns: table.columns,
    }))
}

fn check_note(note: &TableNote) -> Result<(), ApiError> {
    let bad = |message: &str| Err(ApiError::new(ErrorKind::Invalid, "bad_note", message));
    if note.description.as_ref().is_some_and(|d| d.len() > 2000) {
        return bad("a description has at most 2,000 bytes");
    }
    let tags = note.tags.iter().flatten();
    if tags.clone().count() > 50 || tags.clone().any(|t| t.trim().is_empty() || t.len() > 100) {
        return bad("there are at most 50 tags of 1 to 100 bytes");
    }
    Ok(())
}

pub(super) async fn change(
    asker: Asker,
    Body(change): Body<GrantChange>,
) -> Result<Json<PolicyChanged>, Failure> {
    Ok(Json(grant(&asker, change).await?))
}

/// Lets somebody read a table, or no longer.
pub(super) async fn grant(asker: &Asker, change: GrantChange) -> Result<PolicyChanged, ApiError> {
    asker.principal().need(Permission::Manage)?;
    let subject = subject(asker, change.subject.as_deref()).await?;
    let named = pattern(asker, &change.table, change.source.as_deref()).await;
    let [source, schema, table] = match (change.action, named) {
        (GrantAction::Allow, Ok(named)) => {
            there(asker, &named).await?;
            named
        }
        (GrantAction::Deny, Err(error)) => {
            let book = asker.gate.policies().all().await?;
            let theirs = book.grants.iter().filter(|g| g.subject == subject);
            let kept = theirs.map(|g| [g.source.as_str(), g.schema.as_str(), g.table.as_str()]);
            kept_for(&change.table, change.source.as_deref(), kept).ok_or(error)?
        }
        (_, named) => named?,
    };
    let grant = Grant { subject, source, schema, table };
    let name = format!("{}.{}.{}", grant.source, grant.schema, grant.table);
    let (action, done) = match change.action {
        GrantAction::Allow => ("table allow", "may read"),
        GrantAction::Deny => ("table deny", "may no longer read"),
    };
    asker.audit(action, format!("{name} for {}", grant.subject), "started").await?;
    match change.action {
        GrantAction::Allow => asker.gate.policies().allow(&grant).await?,
        GrantAction::Deny => asker.gate.policies().deny(&grant).await?,
    }
    let message = format!("{} {done} {name}", grant.subject);
    Ok(PolicyChanged::done(message, Some(grant)))
}

/// The subject that is meant, by its id where a label was given.
pub(super) async fn subject(asker: &Asker, text: Option<&str>) -> Result<String, ApiError> {
    let identity = &asker.rooms().identity;
    let subject = match Subject::parse(text.unwrap_or("everyone"))? {
        Subject::Swarm(name) => Subject::Swarm(token(asker, &name, TokenKind::Swarm).await?),
        Subject::Agent(name) => Subject::Agent(token(asker, &name, TokenKind::Agent).await?),
        Subject::User(name) => Subject::User(identity.user(&name).await?.id),
        other => other,
    };
    Ok(subject.to_string())
}

async fn token(asker: &Asker, name: &str, kind: TokenKind) -> Result<String, ApiError> {
    let token = asker.rooms().identity.token(name).await?;
    if token.kind == kind {
        return Ok(token.token_id);
    }
    let message = format!("`{name}` is a token of another kind");
    Err(ApiError::new(ErrorKind::Invalid, "bad_subject", message))
}

/// Source, schema and table of `table`, `schema.table`, `source.table` or `source.schema.table`, where `*` stands for all. Only
/// the owner knows every table; others may only hand on what they know.
async fn pattern(asker: &Asker, name: &str, source: Option<&str>) -> Result<[String; 3], ApiError> {
    let catalog = asker.gate.catalog();
    let parts: Vec<&str> = name.split('.').collect();
    if parts.last() != Some(&"*") {
        // An admin may allow what they themselves may not read.
        let table = asker.rooms().gate.table(name, source).await?;
        return Ok([table.catalog, table.schema, table.name]);
    }
    let (source, schema) = match (&parts[..], source) {
        (["*"], source) => (catalog.require(source)?, "*"),
        ([first, "*"], None) if catalog.exists(first) => ((*first).to_owned(), "*"),
        ([schema, "*"], source) => (catalog.require(source)?, *schema),
        ([first, schema, "*"], None) => (catalog.get(first)?.name, *schema),
        _ => {
            let message = format!("`{name}` names no table");
            return Err(ApiError::new(ErrorKind::Invalid, "bad_table", message)
                .hint("say TABLE, SCHEMA.TABLE, SOURCE.SCHEMA.TABLE, SCHEMA.* or SOURCE.*"));
        }
    };
    Ok([source, schema.to_owned(), "*".to_owned()])
}

/// All tables of a schema can be allowed where there is such a schema: a slip of the pen would wait there for one to be made.
async fn there(asker: &Asker, [source, schema, table]: &[String; 3]) -> Result<(), ApiError> {
    if table != "*" || schema == "*" || schema.eq_ignore_ascii_case("main") {
        return Ok(());
    }
    let tables = asker.rooms().gate.tables(Some(source)).await?;
    if tables.iter().any(|t| t.schema.eq_ignore_ascii_case(schema)) {
        return Ok(());
    }
    let message = format!("the source `{source}` has no schema `{schema}`, and no source is called so");
    Err(ApiError::new(ErrorKind::NotFound, "schema_not_found", message)
        .hint(format!("`{source}.*` stands for all its tables; `wharf table list` shows them")))
}

/// The one table among those that something was set for that a name means; the table itself may be gone.
pub(super) fn kept_for<'a>(
    name: &str,
    source: Option<&str>,
    kept: impl Iterator<Item = [&'a str; 3]>,
) -> Option<[String; 3]> {
    let parts: Vec<&str> = name.split('.').collect();
    let mut fitting = kept.filter(|full| {
        let fits = full.ends_with(&parts) || matches!(parts[..], [s, t] if s == full[0] && t == full[2]);
        fits && source.is_none_or(|s| s == full[0])
    });
    let one = fitting.next()?;
    fitting.next().is_none().then(|| one.map(str::to_owned))
}
