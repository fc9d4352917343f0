//! Policies on the disk.

use super::book::Book;
use super::{KEY, Note};
use crate::state::{State, StateError};
use wharf_protocol::{Grant, LimitsEntry, RuleEntry, SubjectLimits, TableRule};

pub(super) async fn load(state: &State, version: i64) -> Result<Book, StateError> {
    let mut book = Book { version, ..Book::default() };
    let rows: Vec<(String, String, String, String)> =
        sqlx::query_as("select subject, source, schema, name from grants order by 2, 3, 4, 1")
            .fetch_all(state.read())
            .await
            .map_err(|e| state.error(e))?;
    book.grants = rows
        .into_iter()
        .map(|(subject, source, schema, table)| Grant { subject, source, schema, table })
        .collect();
    let rows: Vec<(String, String, String, String, String)> =
        sqlx::query_as("select subject, source, schema, name, rule from table_rules order by 2, 3, 4, 1")
            .fetch_all(state.read())
            .await
            .map_err(|e| state.error(e))?;
    for (subject, source, schema, table, rule) in rows {
        // A rule that cannot be read must not be taken for none.
        let rule: TableRule = read(state, &rule)?;
        book.rules.push(RuleEntry { subject, source, schema, table, rule });
    }
    let rows: Vec<(String, String)> = sqlx::query_as("select subject, limits from limits order by 1")
        .fetch_all(state.read())
        .await
        .map_err(|e| state.error(e))?;
    for (subject, limits) in rows {
        book.limits.push(LimitsEntry { subject, limits: read(state, &limits)? });
    }
    let rows: Vec<(String, String, String, Option<String>, String)> =
        sqlx::query_as("select source, schema, name, description, tags from table_notes")
            .fetch_all(state.read())
            .await
            .map_err(|e| state.error(e))?;
    for (source, schema, table, description, tags) in rows {
        book.notes.insert((source, schema, table), Note { description, tags: read(state, &tags)? });
    }
    Ok(book)
}

fn read<T: serde::de::DeserializeOwned>(state: &State, text: &str) -> Result<T, StateError> {
    serde_json::from_str(text).map_err(|e| state.damaged(format!("a policy cannot be read: {e}")))
}

fn text(value: &impl serde::Serialize) -> Result<String, StateError> {
    serde_json::to_string(value).map_err(|e| StateError::Other(e.to_string()))
}

pub(super) async fn allow(state: &State, grant: &Grant, now: &str) -> Result<(), StateError> {
    let mut write = state.write().await?;
    let sql = "insert into grants (subject, source, schema, name, created_at) values (?, ?, ?, ?, ?) on conflict do nothing";
    let insert = sqlx::query(sql)
        .bind(&grant.subject)
        .bind(&grant.source)
        .bind(&grant.schema)
        .bind(&grant.table)
        .bind(now);
    insert.execute(write.on()).await.map_err(|e| write.error(e))?;
    write.changes(KEY).await?;
    write.commit().await
}

/// Whether there was such a grant.
pub(super) async fn deny(state: &State, grant: &Grant) -> Result<bool, StateError> {
    let mut write = state.write().await?;
    let sql = "delete from grants where subject = ? and source = ? and schema = ? and name = ?";
    let delete =
        sqlx::query(sql).bind(&grant.subject).bind(&grant.source).bind(&grant.schema).bind(&grant.table);
    let gone = delete.execute(write.on()).await.map_err(|e| write.error(e))?.rows_affected();
    write.changes(KEY).await?;
    write.commit().await?;
    Ok(gone > 0)
}

pub(super) async fn set_rule(state: &State, entry: &RuleEntry, now: &str) -> Result<(), StateError> {
    let mut write = state.write().await?;
    let sql = "delete from table_rules where subject = ? and source = ? and schema = ? and name = ?";
    let delete =
        sqlx::query(sql).bind(&entry.subject).bind(&entry.source).bind(&entry.schema).bind(&entry.table);
    delete.execute(write.on()).await.map_err(|e| write.error(e))?;
    if entry.rule != TableRule::default() {
        let sql = "insert into table_rules (subject, source, schema, name, rule, updated_at) values (?, ?, ?, ?, ?, ?)";
        let insert = sqlx::query(sql)
            .bind(&entry.subject)
            .bind(&entry.source)
            .bind(&entry.schema)
            .bind(&entry.table)
            .bind(text(&entry.rule)?)
            .bind(now);
        insert.execute(write.on()).await.map_err(|e| write.error(e))?;
    }
    write.changes(KEY).await?;
    write.commit().await
}

pub(super) async fn set_limits(
    state: &State,
    subject: &str,
    limits: &SubjectLimits,
    now: &str,
) -> Result<(), StateError> {
    let mut write = state.write().await?;
    let delete = sqlx::query("delete from limits where subject = ?").bind(subject);
    delete.execute(write.on()).await.map_err(|e| write.error(e))?;
    if *limits != SubjectLimits::default() {
        let insert = sqlx::query("insert into limits (subject, limits, updated_at) values (?, ?, ?)");
        let insert = insert.bind(subject).bind(text(limits)?).bind(now);
        insert.execute(write.on()).await.map_err(|e| write.error(e))?;
    }
    write.changes(KEY).await?;
    write.commit().await
}

pub(super) async fn set_note(
    state: &State,
    [source, schema, table]: [&str; 3],
    note: &Note,
) -> Result<(), StateError> {
    let mut write = state.write().await?;
    let sql =
        "insert or replace into table_notes (source, schema, name, description, tags) values (?, ?, ?, ?, ?)";
    let insert = sqlx::query(sql)
        .bind(source)
        .bind(schema)
        .bind(table)
        .bind(&note.description)
        .bind(text(&note.tags)?);
    insert.execute(write.on()).await.map_err(|e| write.error(e))?;
    write.changes(KEY).await?;
    write.commit().await
}

/// Counts one more; false when there were `most` already.
pub(super) async fn count(state: &State, subject: &str, day: &str, most: u64) -> Result<bool, StateError> {
    let mut write = state.write().await?;
    let old = sqlx::query("delete from usage where day < ?").bind(day);
    old.execute(write.on()).await.map_err(|e| write.error(e))?;
    let sql = "insert into usage (subject, day, statements) values (?, ?, 1) \
               on conflict (subject, day) do update set statements = statements + 1 returning statements";
    let counted = sqlx::query_scalar::<_, i64>(sql).bind(subject).bind(day).fetch_one(write.on()).await;
    let counted = counted.map_err(|e| write.error(e))?;
    if u64::try_from(counted).is_ok_and(|n| n > most) {
        return Ok(false);
    }
    write.commit().await?;
    Ok(true)
}

/// How long statements of a day ran, in milliseconds.
pub(super) async fn spent(state: &State, subject: &str, day: &str) -> Result<u64, StateError> {
    let sql = "select spent_ms from usage where subject = ? and day = ?";
    let spent = sqlx::query_scalar::<_, i64>(sql).bind(subject).bind(day).fetch_optional(state.read()).await;
    Ok(u64::try_from(spent.map_err(|e| state.error(e))?.unwrap_or(0)).unwrap_or(0))
}

/// Adds to it.
pub(super) async fn spend(state: &State, subject: &str, day: &str, millis: u64) -> Result<(), StateError> {
    let mut write = state.write().await?;
    let sql = "insert into usage (subject, day, statements, spent_ms) values (?, ?, 0, ?) \
               on conflict (subject, day) do update set spent_ms = spent_ms + excluded.spent_ms";
    let millis = i64::try_from(millis).unwrap_or(i64::MAX);
    let added = sqlx::query(sql).bind(subject).bind(day).bind(millis).execute(write.on()).await;
    added.map_err(|e| write.error(e))?;
    write.commit().await
}
