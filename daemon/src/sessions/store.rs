//! Sessions as rows.

use crate::clock;
use crate::state::{State, StateError, Write};
use sqlx::Row;
use sqlx::sqlite::SqliteRow;
use wharf_protocol::{Session, Usage};

const SELECT: &str = "
    select s.id, s.title, s.source, s.created_at, s.updated_at,
           (select count(*) from turns t where t.session_id = s.id) as questions,
           (select count(*) from turns t where t.session_id = s.id and t.status not in ('incomplete')) as answers,
           (select coalesce(max(seq), 0) from events e where e.session_id = s.id) as last_event,
           (select t.usage from turns t where t.session_id = s.id and t.usage is not null order by t.position desc limit 1)
    from sessions s";

fn session(row: &SqliteRow) -> sqlx::Result<Session> {
    let number = |i: usize| row.try_get::<i64, _>(i).map(|n| u64::try_from(n).unwrap_or(0));
    let (questions, answers) = (number(5)?, number(6)?);
    let usage: Option<Usage> =
        row.try_get::<Option<String>, _>(8)?.and_then(|text| serde_json::from_str(&text).ok());
    Ok(Session {
        session_id: row.try_get(0)?,
        title: row.try_get(1)?,
        source: row.try_get(2)?,
        created_at: row.try_get(3)?,
        updated_at: row.try_get(4)?,
        message_count: questions + answers,
        busy: questions > answers,
        attached: 0,
        last_event: number(7)?,
        last_response_metadata: usage.map(Into::into),
    })
}

pub(super) async fn create(
    state: &State,
    whose: &str,
    title: &str,
    source: Option<&str>,
) -> Result<Session, StateError> {
    let (id, now) = (uuid::Uuid::now_v7().to_string(), clock::now_text());
    let mut write = state.write().await?;
    let done = sqlx::query(
        "insert into sessions (id, principal, title, source, created_at, updated_at, touched) \
         values (?, ?, ?, ?, ?, ?, (select coalesce(max(touched), 0) + 1 from sessions))",
    )
    .bind(&id)
    .bind(whose)
    .bind(title)
    .bind(source)
    .bind(&now)
    .bind(&now)
    .execute(write.on())
    .await;
    done.map_err(|e| write.error(e))?;
    write.commit().await?;
    Ok(Session {
        session_id: id,
        title: title.to_owned(),
        source: source.map(str::to_owned),
        created_at: now.clone(),
        updated_at: now,
        message_count: 0,
        busy: false,
        attached: 0,
        last_event: 0,
        last_response_metadata: None,
    })
}

/// Notes that a session was used just now.
pub(super) async fn touch(write: &mut Write, id: &str, now: &str) -> Result<(), StateError> {
    let done = sqlx::query(
        "update sessions set updated_at = ?, touched = (select max(touched) + 1 from sessions) where id = ?",
    )
    .bind(now)
    .bind(id)
    .execute(write.on())
    .await;
    done.map(drop).map_err(|e| write.error(e))
}

pub(super) async fn list(state: &State, whose: &str, limit: u32) -> Result<Vec<Session>, StateError> {
    let sql = format!("{SELECT} where s.principal = ? order by s.touched desc limit ?");
    let rows = sqlx::query(sqlx::AssertSqlSafe(sql)).bind(whose).bind(limit).fetch_all(state.read()).await;
    rows.and_then(|rows| rows.iter().map(session).collect()).map_err(|e| state.error(e))
}

pub(super) async fn find(state: &State, whose: &str, name: &str) -> Result<Option<Session>, StateError> {
    let sql = format!(
        "{SELECT} where s.principal = ?2 \
         and (s.id = ?1 or s.title = ?1 or (length(?1) >= 8 and substr(s.id, 1, length(?1)) = ?1)) \
         order by s.id = ?1 desc, s.title = ?1 desc, s.touched desc limit 1"
    );
    let row = sqlx::query(sqlx::AssertSqlSafe(sql)).bind(name).bind(whose).fetch_optional(state.read()).await;
    row.and_then(|row| row.as_ref().map(session).transpose()).map_err(|e| state.error(e))
}

pub(super) async fn rename(state: &State, id: &str, title: &str) -> Result<(), StateError> {
    let mut write = state.write().await?;
    let done = sqlx::query("update sessions set title = ? where id = ?")
        .bind(title)
        .bind(id)
        .execute(write.on())
        .await;
    done.map_err(|e| write.error(e))?;
    write.commit().await
}

/// Takes away all that is somebody's. What a turn still writes to is nobody's from here on, and goes with the next.
pub(super) async fn forget(state: &State, whose: &str) -> Result<(), StateError> {
    let mut write = state.write().await?;
    for (sql, bound) in [
        ("update sessions set principal = '' where principal = ?", Some(whose)),
        (
            "delete from sessions where principal = '' and id not in \
             (select session_id from turns where status = 'incomplete')",
            None,
        ),
    ] {
        let query = sqlx::query(sql);
        let query = if let Some(bound) = bound { query.bind(bound) } else { query };
        query.execute(write.on()).await.map_err(|e| write.error(e))?;
    }
    write.commit().await
}

pub(super) async fn delete(state: &State, id: &str) -> Result<(), StateError> {
    let mut write = state.write().await?;
    let done = sqlx::query("delete from sessions where id = ?").bind(id).execute(write.on()).await;
    done.map_err(|e| write.error(e))?;
    write.commit().await
}
