//! Opening the store: checks, backup, migrations.

use super::StateError;
use sqlx::Connection as _;
use sqlx::SqliteConnection;
use sqlx::sqlite::{
    SqliteConnectOptions, SqliteJournalMode, SqlitePool, SqlitePoolOptions, SqliteSynchronous,
};
use std::path::{Path, PathBuf};
use std::time::Duration;

/// The migrations, oldest first: the store's version is their number.
const MIGRATIONS: &[&str] = &[
    include_str!("migrations/0001_initial.sql"),
    include_str!("migrations/0002_session_order.sql"),
    include_str!("migrations/0003_audit.sql"),
    include_str!("migrations/0004_identity.sql"),
    include_str!("migrations/0005_policies.sql"),
    include_str!("migrations/0006_session_principals.sql"),
    include_str!("migrations/0007_source_keys.sql"),
    include_str!("migrations/0008_spending.sql"),
    include_str!("migrations/0009_replicas.sql"),
];

pub(super) async fn open(dir: &Path) -> Result<(SqlitePool, SqlitePool, PathBuf), StateError> {
    let file = dir.join("state.db");
    let err = |e| StateError::of(e, &file);
    if file.is_symlink() || file.is_dir() {
        return Err(StateError::ReadOnly { file, cause: "it is not a regular file".to_owned() });
    }
    whole(&file).map_err(|cause| StateError::Damaged { file: file.clone(), cause })?;
    let options = SqliteConnectOptions::new()
        .filename(&file)
        .create_if_missing(true)
        .journal_mode(SqliteJournalMode::Wal)
        .synchronous(SqliteSynchronous::Full)
        .foreign_keys(true)
        .busy_timeout(Duration::from_secs(5))
        .pragma("journal_size_limit", "16777216")
        .pragma("cache_size", "-2000");
    let writer = SqlitePoolOptions::new()
        .max_connections(1)
        .acquire_timeout(Duration::from_secs(10))
        .idle_timeout(None)
        .max_lifetime(None)
        .after_release(|connection, _| Box::pin(is_clean(connection)))
        .connect_with(options.clone())
        .await
        .map_err(err)?;
    migrate(&writer, &file).await?;
    let readers = SqlitePoolOptions::new()
        .max_connections(4)
        .min_connections(0)
        .acquire_timeout(Duration::from_secs(10))
        .idle_timeout(Duration::from_secs(60))
        .connect_lazy_with(options.create_if_missing(false).pragma("query_only", "on"));
    Ok((writer, readers, file))
}

/// What the engine would take for a new store or for the end of a log, and then write over.
fn whole(file: &Path) -> Result<(), String> {
    super::log::check(file)?;
    let bytes = |path: &Path| std::fs::metadata(path).map_or(0, |m| m.len());
    // Nothing is told before the store is there, so an empty one beside a log that tells something has lost what it had.
    let began = bytes(&file.with_file_name("wharfd.log")) > 0;
    if began && file.exists() && bytes(file) == 0 { Err("it is empty".to_owned()) } else { Ok(()) }
}

/// Whether a connection that was given back can be used again. On a full disk the engine rolls a transaction back by
/// itself, which the pool does not notice: it would refuse every later one.
async fn is_clean(connection: &mut SqliteConnection) -> Result<bool, sqlx::Error> {
    // The end of the transaction before is on its way; this waits for it.
    connection.ping().await?;
    Ok(!connection.is_in_transaction())
}

async fn migrate(pool: &SqlitePool, file: &Path) -> Result<(), StateError> {
    let err = |e| StateError::of(e, file);
    let found: i64 = sqlx::query_scalar("pragma user_version").fetch_one(pool).await.map_err(err)?;
    let known = i64::try_from(MIGRATIONS.len()).unwrap_or(i64::MAX);
    if found > known {
        let written_by = sqlx::query_scalar("select value from store where key = 'written_by'")
            .fetch_optional(pool)
            .await
            .ok()
            .flatten()
            .unwrap_or_else(|| "a later version".to_owned());
        return Err(StateError::Newer { file: file.to_owned(), found, known, written_by });
    }
    if found == known {
        return Ok(());
    }
    if found > 0 {
        backup(pool, file, found).await?;
    }
    let first = usize::try_from(found).unwrap_or(0);
    for (index, sql) in MIGRATIONS.iter().enumerate().skip(first) {
        // One transaction a step, the version inside it: a kill at any instant leaves the step done or not begun.
        let mut tx = pool.begin_with("BEGIN IMMEDIATE").await.map_err(err)?;
        sqlx::raw_sql(*sql).execute(&mut *tx).await.map_err(err)?;
        sqlx::query("insert into store (key, value) values ('written_by', ?) on conflict (key) do update set value = excluded.value")
            .bind(env!("CARGO_PKG_VERSION"))
            .execute(&mut *tx)
            .await
            .map_err(err)?;
        let version = format!("pragma user_version = {}", index + 1);
        sqlx::raw_sql(sqlx::AssertSqlSafe(version)).execute(&mut *tx).await.map_err(err)?;
        tx.commit().await.map_err(err)?;
    }
    Ok(())
}

async fn backup(pool: &SqlitePool, file: &Path, version: i64) -> Result<(), StateError> {
    let target = file.with_file_name(format!("state.v{version}.backup.db"));
    let partial = file.with_file_name(format!("state.v{version}.backup.tmp"));
    let _ = std::fs::remove_file(&partial);
    let err = |e| StateError::of(e, file);
    sqlx::query("vacuum into ?").bind(partial.display().to_string()).execute(pool).await.map_err(err)?;
    std::fs::rename(&partial, &target).map_err(|e| StateError::Io { file: target, cause: e.to_string() })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::state::State;

    #[tokio::test]
    async fn a_newer_store_is_refused_by_name_and_left_alone() {
        let tmp = tempfile::tempdir().unwrap();
        let state = State::open(tmp.path()).await.unwrap();
        let mut write = state.write().await.unwrap();
        sqlx::raw_sql("update store set value = '9.9.9'; pragma user_version = 99")
            .execute(write.on())
            .await
            .unwrap();
        write.commit().await.unwrap();
        state.close().await;
        let before = std::fs::read(tmp.path().join("state.db")).unwrap();
        let error = State::open(tmp.path()).await.err().unwrap().to_string();
        assert!(error.contains("written by wharf 9.9.9 (store version 99)"), "{error}");
        assert_eq!(std::fs::read(tmp.path().join("state.db")).unwrap(), before);
    }

    #[tokio::test]
    async fn a_damaged_file_is_refused_with_a_remedy_and_left_alone() {
        let tmp = tempfile::tempdir().unwrap();
        let file = tmp.path().join("state.db");
        std::fs::write(&file, vec![b'x'; 8192]).unwrap();
        let error = State::open(tmp.path()).await.err().unwrap();
        assert!(matches!(error, StateError::Damaged { .. }), "{error}");
        assert!(error.hint().unwrap().contains("mv "));
        assert_eq!(std::fs::read(&file).unwrap(), vec![b'x'; 8192]);
    }

    #[tokio::test]
    async fn an_older_store_is_brought_up_to_date_and_kept_beside() {
        let tmp = tempfile::tempdir().unwrap();
        let options =
            SqliteConnectOptions::new().filename(tmp.path().join("state.db")).create_if_missing(true);
        let old = SqlitePool::connect_with(options).await.unwrap();
        let rows = "insert into sessions values ('a', 'a', null, '1', '2'), ('b', 'b', null, '1', '1'), ('c', 'c', null, '1', '3');
                    pragma user_version = 1";
        for sql in [MIGRATIONS[0], rows] {
            sqlx::raw_sql(sql).execute(&old).await.unwrap();
        }
        old.close().await;
        let state = State::open(tmp.path()).await.unwrap();
        let ids: Vec<String> = sqlx::query_scalar("select id from sessions order by touched")
            .fetch_all(state.read())
            .await
            .unwrap();
        assert_eq!(ids, ["b", "a", "c"]);
        assert!(tmp.path().join("state.v1.backup.db").exists());
    }

    #[tokio::test]
    async fn a_dropped_write_changes_nothing_and_a_second_open_finds_the_committed_one() {
        let tmp = tempfile::tempdir().unwrap();
        let state = State::open(tmp.path()).await.unwrap();
        for (key, keep) in [("lost", false), ("kept", true)] {
            let mut write = state.write().await.unwrap();
            sqlx::query("insert into store values (?, '1')").bind(key).execute(write.on()).await.unwrap();
            if keep {
                write.commit().await.unwrap();
            }
        }
        state.close().await;
        let state = State::open(tmp.path()).await.unwrap();
        let keys: Vec<String> =
            sqlx::query_scalar("select key from store order by key").fetch_all(state.read()).await.unwrap();
        assert_eq!(keys, ["kept", "written_by"]);
    }
}
