//! The journal: events numbered from 1 without a gap, on the disk before they are seen.

use super::Sessions;
use crate::clock;
use crate::state::{StateError, Write};
use wharf_protocol::{ApiError, Event, EventBody};

/// An event as it is streamed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Entry {
    /// Number within the session.
    pub seq: u64,
    /// Name of its type.
    pub kind: String,
    /// The event as JSON.
    pub json: String,
}

/// Events that are read at a time have about this many bytes together; one that is larger comes alone. It bounds what
/// a subscriber who stopped reading costs.
const PAGE_BYTES: i64 = 256 << 10;

/// The next events of a session, up to the first with a page's bytes ahead of it. Bodies are read of those only.
const PAGE: &str = "
    select seq, kind, body from events where session_id = ?1 and seq > ?2 and seq <= (
        select max(seq) from (
            select seq, sum(octet_length(body)) over (order by seq rows between unbounded preceding and 1 preceding) as ahead
            from events where session_id = ?1 and seq > ?2 and seq <= ?2 + ?3
        ) where coalesce(ahead, 0) < ?4
    ) order by seq";

impl Sessions {
    /// Appends events in one commit and tells those who follow. Returns the last number.
    ///
    /// # Errors
    /// When they are not on the disk; then nobody sees any of them.
    pub async fn append(&self, session: &str, turn: &str, bodies: Vec<EventBody>) -> Result<u64, ApiError> {
        let mut write = self.0.state.write().await?;
        let last = insert(&mut write, session, turn, bodies).await?;
        write.commit().await?;
        self.told(session, last);
        Ok(last)
    }

    /// Up to `limit` events behind number `after`; fewer if they are large, but never none if there are some.
    ///
    /// # Errors
    /// When the journal cannot be read.
    pub async fn events(&self, session: &str, after: u64, limit: u32) -> Result<Vec<Entry>, ApiError> {
        let rows: Vec<(i64, String, String)> = sqlx::query_as(PAGE)
            .bind(session)
            .bind(i64::try_from(after).unwrap_or(i64::MAX).min(i64::MAX - i64::from(limit)))
            .bind(limit)
            .bind(PAGE_BYTES)
            .fetch_all(self.0.state.read())
            .await
            .map_err(|e| self.0.state.error(e))?;
        let entry = |(seq, kind, json)| Entry { seq: u64::try_from(seq).unwrap_or(0), kind, json };
        Ok(rows.into_iter().map(entry).collect())
    }
}

/// Numbers and inserts events within a transaction. Returns the last number.
pub(super) async fn insert(
    write: &mut Write,
    session: &str,
    turn: &str,
    bodies: Vec<EventBody>,
) -> Result<u64, StateError> {
    let last: Result<i64, sqlx::Error> =
        sqlx::query_scalar("select coalesce(max(seq), 0) from events where session_id = ?")
            .bind(session)
            .fetch_one(write.on())
            .await;
    let mut last = last.map_err(|e| write.error(e))?;
    let at = clock::now_text();
    for body in bodies {
        last += 1;
        let kind = body.kind();
        let event =
            Event { seq: u64::try_from(last).unwrap_or(0), turn_id: turn.to_owned(), at: at.clone(), body };
        let json = event.to_json().map_err(|e| StateError::Other(e.to_string()))?;
        let done =
            sqlx::query("insert into events (session_id, seq, turn_id, kind, body) values (?, ?, ?, ?, ?)")
                .bind(session)
                .bind(last)
                .bind(turn)
                .bind(kind)
                .bind(json)
                .execute(write.on())
                .await;
        done.map_err(|e| write.error(e))?;
    }
    Ok(u64::try_from(last).unwrap_or(0))
}
