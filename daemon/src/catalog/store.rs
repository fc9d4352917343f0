//! Sources in the daemon's own database.

use super::keys::KeyFrom;
use crate::state::{State, StateError};
use sqlx::Row;
use sqlx::sqlite::SqliteRow;
use std::collections::BTreeMap;
use wharf_protocol::{Source, SourceKind};

/// A source with what only the engine needs to know of it.
#[derive(Debug, Clone)]
pub(super) struct Stored {
    pub(super) source: Source,
    pub(super) types: BTreeMap<String, BTreeMap<String, String>>,
    pub(super) aliases: BTreeMap<String, String>,
    /// Where what opens it is.
    pub(super) key: Option<KeyFrom>,
}

pub(super) async fn load(state: &State) -> Result<BTreeMap<String, Stored>, StateError> {
    let rows = sqlx::query("select name, path, models, types, aliases, created_at, key, kind from sources")
        .fetch_all(state.at_boot())
        .await
        .map_err(|e| state.error(e))?;
    rows.into_iter()
        .map(|row| {
            let stored = stored(&row);
            stored.map_err(|e| state.damaged(format!("a source is stored wrongly: {e}")))
        })
        .collect()
}

type Unreadable = Box<dyn std::error::Error + Send + Sync>;

fn stored(row: &SqliteRow) -> Result<(String, Stored), Unreadable> {
    let name: String = row.try_get(0)?;
    let types = serde_json::from_str(row.try_get(3)?)?;
    let aliases = serde_json::from_str(row.try_get(4)?)?;
    let key: Option<KeyFrom> = row.try_get::<Option<&str>, _>(6)?.map(str::parse).transpose()?;
    let kind: &str = row.try_get(7)?;
    let source = Source {
        name: name.clone(),
        kind: SourceKind::named(kind).ok_or_else(|| format!("`{kind}` is no kind of source"))?,
        path: row.try_get(1)?,
        models: row.try_get(2)?,
        key: key.as_ref().map(ToString::to_string),
        created_at: row.try_get(5)?,
        tables: None,
        waiting_for: None,
    };
    Ok((name, Stored { source, types, aliases, key }))
}

pub(super) async fn save(state: &State, stored: &Stored) -> Result<(), StateError> {
    let source = &stored.source;
    let text = |e: serde_json::Error| StateError::Other(e.to_string());
    let types = serde_json::to_string(&stored.types).map_err(text)?;
    let aliases = serde_json::to_string(&stored.aliases).map_err(text)?;
    let mut write = state.write().await?;
    let done = sqlx::query(
        "insert into sources (name, kind, path, models, types, aliases, created_at, key) values (?, ?, ?, ?, ?, ?, ?, ?) \
         on conflict (name) do update set kind = excluded.kind, path = excluded.path, models = excluded.models, types = excluded.types, \
         aliases = excluded.aliases, created_at = excluded.created_at, key = excluded.key",
    )
    .bind(&source.name)
    .bind(source.kind.name())
    .bind(&source.path)
    .bind(&source.models)
    .bind(types)
    .bind(aliases)
    .bind(&source.created_at)
    .bind(&source.key)
    .execute(write.on())
    .await;
    done.map_err(|e| write.error(e))?;
    write.commit().await
}

pub(super) async fn delete(state: &State, name: &str) -> Result<(), StateError> {
    let mut write = state.write().await?;
    let done = sqlx::query("delete from sources where name = ?").bind(name).execute(write.on()).await;
    done.map_err(|e| write.error(e))?;
    write.commit().await
}
