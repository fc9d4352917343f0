//! Segments that are to be kept no longer are deleted.
//!
//! The note comes first: a file that is older than the note says is on its way out, and one that the note still counts is
//! missed when it is gone.

use super::segment::{self, Segment};
use super::{Audit, StateError, note};
use crate::clock;
use chrono::{DateTime, Utc};
use std::time::Duration;

/// Looked at this often, besides whenever a segment is closed.
const EVERY: Duration = Duration::from_secs(3600);

/// Deletes what is too old, until the log is closed.
pub(super) async fn run(audit: Audit) {
    let mut position = audit.0.position.clone();
    let mut looked = None;
    loop {
        let segment = position.borrow_and_update().segment;
        if looked != Some(segment) {
            looked = Some(segment);
            if let Err(error) = once(&audit).await {
                tracing::warn!(%error, "old segments of the audit log could not be deleted");
            }
        }
        tokio::select! {
            changed = position.changed() => if changed.is_err() { return },
            () = tokio::time::sleep(EVERY) => looked = None,
        }
    }
}

/// Deletes the segments whose last line is older than the rules say.
async fn once(audit: &Audit) -> Result<(), StateError> {
    let (folder, state) = (&audit.0.folder, &audit.0.state);
    let failed = |e| audit.unreadable(folder, &e);
    let limit = audit
        .0
        .rules
        .keep
        .and_then(|keep| clock::now().checked_sub_signed(chrono::TimeDelta::from_std(keep).ok()?));
    let segments = segment::list(folder).map_err(failed)?;
    // A segment ends when the next one begins.
    let ended = |two: &&[Segment]| {
        let at = two[1].header().ok().and_then(|(header, _)| DateTime::parse_from_rfc3339(&header.at).ok());
        at.zip(limit).is_some_and(|(at, limit)| at.with_timezone(&Utc) < limit)
    };
    if let Some(last) = segments.windows(2).take_while(ended).last() {
        let kept = &last[1];
        let (header, _) = kept.header().map_err(|e| audit.unreadable(&kept.path, &e))?;
        let previous = header.previous();
        let hash = previous.ok_or_else(|| StateError::Other(format!("{} names no hash", kept.name())))?;
        let before = super::line::Head { seq: header.first.saturating_sub(1), hash };
        note::begins(state, kept.number, before).await?;
    }
    let oldest = note::Note::load(state, false).await?.oldest_segment;
    for segment in segments.iter().filter(|s| s.number < oldest) {
        std::fs::remove_file(&segment.path).map_err(|e| audit.unreadable(&segment.path, &e))?;
        tracing::info!(segment = %segment.name(), "deleted a segment of the audit log: it is kept no longer");
    }
    Ok(())
}
