//! Replicas in the daemon's own database.

use crate::clock;
use crate::state::{State, StateError};
use sqlx::Row;
use sqlx::sqlite::SqliteRow;
use std::collections::BTreeMap;
use wharf_protocol::{ReplicaAdd, ReplicaRefresh};

/// Refreshes that are remembered for each replica.
const REMEMBERED: i64 = 100;

/// A replica with what only this room needs to know.
#[derive(Debug, Clone)]
pub(super) struct Stored {
    pub(super) add: ReplicaAdd,
    pub(super) created_at: String,
    pub(super) data: Option<Data>,
    pub(super) used_at: Option<String>,
}

/// The data that it holds.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Data {
    /// Name of the file in the replica's folder.
    pub(super) file: String,
    pub(super) rows: u64,
    pub(super) bytes: u64,
    pub(super) data_at: String,
    /// The largest value of the cursor's column.
    pub(super) cursor: Option<String>,
}

pub(super) async fn load(state: &State) -> Result<BTreeMap<String, Stored>, StateError> {
    let rows = sqlx::query(
        "select name, definition, file, rows, bytes, data_at, cursor, used_at, created_at from replicas",
    )
    .fetch_all(state.at_boot())
    .await
    .map_err(|e| state.error(e))?;
    let read =
        |row: SqliteRow| stored(&row).map_err(|e| state.damaged(format!("a replica is stored wrongly: {e}")));
    rows.into_iter().map(read).collect()
}

type Unreadable = Box<dyn std::error::Error + Send + Sync>;

fn stored(row: &SqliteRow) -> Result<(String, Stored), Unreadable> {
    let add: ReplicaAdd = serde_json::from_str(row.try_get(1)?)?;
    let file: Option<String> = row.try_get(2)?;
    let count = |at: usize| -> Result<u64, Unreadable> {
        Ok(u64::try_from(row.try_get::<Option<i64>, _>(at)?.unwrap_or(0))?)
    };
    let data = match file {
        None => None,
        Some(file) => Some(Data {
            file,
            rows: count(3)?,
            bytes: count(4)?,
            data_at: row.try_get(5)?,
            cursor: row.try_get(6)?,
        }),
    };
    let name: String = row.try_get(0)?;
    Ok((name, Stored { add, data, used_at: row.try_get(7)?, created_at: row.try_get(8)? }))
}

pub(super) async fn insert(state: &State, stored: &Stored) -> Result<(), StateError> {
    let definition = serde_json::to_string(&stored.add).map_err(|e| StateError::Other(e.to_string()))?;
    let mut write = state.write().await?;
    let done = sqlx::query("insert into replicas (name, source, definition, created_at) values (?, ?, ?, ?)")
        .bind(&stored.add.name)
        .bind(&stored.add.source)
        .bind(definition)
        .bind(&stored.created_at)
        .execute(write.on())
        .await;
    done.map_err(|e| write.error(e))?;
    write.commit().await
}

/// Which data a replica holds from here on; none when they were put aside.
pub(super) async fn set_data(state: &State, name: &str, data: Option<&Data>) -> Result<(), StateError> {
    let count = |n: u64| i64::try_from(n).unwrap_or(i64::MAX);
    let mut write = state.write().await?;
    let done = sqlx::query(
        "update replicas set file = ?, rows = ?, bytes = ?, data_at = ?, cursor = ? where name = ?",
    )
    .bind(data.map(|d| &d.file))
    .bind(data.map(|d| count(d.rows)))
    .bind(data.map(|d| count(d.bytes)))
    .bind(data.map(|d| &d.data_at))
    .bind(data.and_then(|d| d.cursor.as_ref()))
    .bind(name)
    .execute(write.on())
    .await;
    done.map_err(|e| write.error(e))?;
    write.commit().await
}

pub(super) async fn set_used(state: &State, used: &[(String, String)]) -> Result<(), StateError> {
    let mut write = state.write().await?;
    for (name, at) in used {
        let done = sqlx::query("update replicas set used_at = ? where name = ?")
            .bind(at)
            .bind(name)
            .execute(write.on())
            .await;
        done.map_err(|e| write.error(e))?;
    }
    write.commit().await
}

pub(super) async fn delete(state: &State, name: &str) -> Result<(), StateError> {
    let mut write = state.write().await?;
    let done = sqlx::query("delete from replicas where name = ?").bind(name).execute(write.on()).await;
    done.map_err(|e| write.error(e))?;
    write.commit().await
}

/// A refresh begins; its number.
pub(super) async fn begun(state: &State, name: &str, mode: &str) -> Result<i64, StateError> {
    let mut write = state.write().await?;
    let done = sqlx::query(
        "insert into replica_refreshes (replica, begun_at, mode, outcome) values (?, ?, ?, 'running')",
    )
    .bind(name)
    .bind(clock::now_text())
    .bind(mode)
    .execute(write.on())
    .await;
    let id = done.map_err(|e| write.error(e))?.last_insert_rowid();
    let pruned = sqlx::query(
        "delete from replica_refreshes where replica = ?1 and id not in \
         (select id from replica_refreshes where replica = ?1 order by id desc limit ?2)",
    )
    .bind(name)
    .bind(REMEMBERED)
    .execute(write.on())
    .await;
    pruned.map_err(|e| write.error(e))?;
    write.commit().await?;
    Ok(id)
}

/// A refresh has ended.
pub(super) async fn ended(
    state: &State,
    id: i64,
    outcome: &str,
    rows: u64,
    error: Option<&str>,
) -> Result<(), StateError> {
    let mut write = state.write().await?;
    let done = sqlx::query(
        "update replica_refreshes set ended_at = ?, outcome = ?, rows = ?, error = ? where id = ?",
    )
    .bind(clock::now_text())
    .bind(outcome)
    .bind(i64::try_from(rows).unwrap_or(i64::MAX))
    .bind(error)
    .bind(id)
    .execute(write.on())
    .await;
    done.map_err(|e| write.error(e))?;
    write.commit().await
}

/// Refreshes that an earlier daemon did not end. Tells which replicas they were of.
pub(super) async fn interrupted(state: &State) -> Result<Vec<String>, StateError> {
    let mut write = state.write().await?;
    let done = sqlx::query_scalar(
        "update replica_refreshes set outcome = 'interrupted' where outcome = 'running' returning replica",
    )
    .fetch_all(write.on())
    .await;
    let names = done.map_err(|e| write.error(e))?;
    write.commit().await?;
    Ok(names)
}

/// The last refreshes of a replica, the latest first.
pub(super) async fn history(state: &State, name: &str, most: i64) -> Result<Vec<ReplicaRefresh>, StateError> {
    let rows = sqlx::query(
        "select begun_at, ended_at, mode, outcome, rows, error from replica_refreshes where replica = ? order by id desc limit ?",
    )
    .bind(name)
    .bind(most)
    .fetch_all(state.read())
    .await
    .map_err(|e| state.error(e))?;
    let read = |row: &SqliteRow| -> Result<ReplicaRefresh, Unreadable> {
        Ok(ReplicaRefresh {
            begun_at: row.try_get(0)?,
            ended_at: row.try_get(1)?,
            mode: row.try_get(2)?,
            outcome: row.try_get(3)?,
            rows: u64::try_from(row.try_get::<i64, _>(4)?)?,
            error: row.try_get(5)?,
        })
    };
    let damaged = |e: Unreadable| state.damaged(format!("a refresh is stored wrongly: {e}"));
    rows.iter().map(|row| read(row).map_err(damaged)).collect()
}
