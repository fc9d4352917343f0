//! What the state knows of the log: how far it reaches, and where it begins. A chain that is cut at its end, or has lost
//! its first files, is whole in itself; held against this note it is not.
//!
//! The note is written behind the files, never before them: after a crash it may lag by [`LAG`].

use super::line::Head;
use super::recover::Known;
use super::segment;
use crate::state::{State, StateError};
use blake3::Hash;
use std::path::Path;
use std::time::Duration;
use tokio::sync::watch;

/// Lines are noted this long after they were written, or earlier.
const LAG: Duration = Duration::from_millis(250);

/// See the module.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Note {
    pub(super) known: Known,
    /// The oldest segment that is kept.
    pub(super) oldest_segment: u64,
    /// Where the log stood before it.
    pub(super) before: Head,
    /// Whether lines of an earlier version wait to be moved.
    pub(super) waiting: bool,
}

type Row = (i64, String, i64, i64, i64, String, bool);

const SELECT: &str = "select seq, hash, segment, oldest_segment, oldest_seq, oldest_previous, \
                      exists (select 1 from audit) from audit_note where id = 1";

impl Note {
    /// Reads the note; at boot over the connection that writes.
    ///
    /// # Errors
    /// When the state cannot be read.
    pub(super) async fn load(state: &State, boot: bool) -> Result<Self, StateError> {
        let pool = if boot { state.at_boot() } else { state.read() };
        let row: Option<Row> =
            sqlx::query_as(SELECT).fetch_optional(pool).await.map_err(|e| state.error(e))?;
        let row = row.ok_or_else(|| state.damaged("the note about the audit log is missing".to_owned()))?;
        let (seq, hash, segment, oldest_segment, oldest_seq, previous, waiting) = row;
        let number =
            |n: i64| u64::try_from(n).map_err(|_| state.damaged(format!("the audit's note says {n}")));
        let text = |hex: &str| {
            Hash::from_hex(hex).map_err(|e| state.damaged(format!("the audit's note says {hex:?}: {e}")))
        };
        Ok(Self {
            known: Known { head: Head { seq: number(seq)?, hash: text(&hash)? }, segment: number(segment)? },
            oldest_segment: number(oldest_segment)?,
            before: Head { seq: number(oldest_seq)?.saturating_sub(1), hash: text(&previous)? },
            waiting,
        })
    }
}

fn column(n: u64) -> i64 {
    i64::try_from(n).unwrap_or(i64::MAX)
}

/// Notes how far the log reaches. Another process may have noted more.
///
/// # Errors
/// When it is not on the disk.
pub(super) async fn reach(state: &State, known: Known) -> Result<(), StateError> {
    let mut write = state.write().await?;
    let sql = "update audit_note set seq = ?1, hash = ?2, segment = ?3 where id = 1 and seq < ?1";
    let done = sqlx::query(sql)
        .bind(column(known.head.seq))
        .bind(known.head.hash.to_hex().as_str())
        .bind(column(known.segment))
        .execute(write.on())
        .await;
    done.map_err(|e| write.error(e))?;
    write.commit().await
}

/// Notes that the log begins with a segment, which comes behind `before`. Files older than that may go.
///
/// # Errors
/// When it is not on the disk.
pub(super) async fn begins(state: &State, segment: u64, before: Head) -> Result<(), StateError> {
    let mut write = state.write().await?;
    let sql = "update audit_note set oldest_segment = ?1, oldest_seq = ?2, oldest_previous = ?3 \
               where id = 1 and oldest_segment < ?1";
    let done = sqlx::query(sql)
        .bind(column(segment))
        .bind(column(before.seq + 1))
        .bind(before.hash.to_hex().as_str())
        .execute(write.on())
        .await;
    done.map_err(|e| write.error(e))?;
    write.commit().await
}

/// A state that knows of no log, beside a log whose first segments are gone, is not the state that saw them go: somebody
/// has begun a new one. The log begins with what is there. Returns what a line should say about it.
///
/// # Errors
/// When the files cannot be read or the state cannot be written.
pub(super) async fn adopt(state: &State, folder: &Path, note: &Note) -> Result<Option<String>, StateError> {
    if note.known.segment > 0 {
        return Ok(None);
    }
    let failed = |e: std::io::Error| StateError::Io { file: folder.to_owned(), cause: e.to_string() };
    let segments = segment::list(folder).map_err(failed)?;
    let Some(first) = segments.first().filter(|first| first.number > note.oldest_segment) else {
        return Ok(None);
    };
    // One that cannot be read is found by the check.
    let Ok((header, _)) = first.header() else { return Ok(None) };
    let Some(hash) = header.previous() else { return Ok(None) };
    begins(state, first.number, Head { seq: header.first.saturating_sub(1), hash }).await?;
    Ok(Some(format!("found without a note of how far it reaches; it begins with line {}", header.first)))
}

/// Notes the log's reach behind its growth, until the log is closed.
pub(super) async fn follow(state: State, mut position: watch::Receiver<Known>) {
    while position.changed().await.is_ok() {
        tokio::time::sleep(LAG).await;
        let known = *position.borrow_and_update();
        if let Err(error) = reach(&state, known).await {
            // The files hold every line; only a cut of their end would go unseen, until this works again.
            tracing::warn!(%error, "how far the audit log reaches could not be noted");
        }
    }
}
