//! Ends of turns that the disk did not take.
//!
//! Whoever waits for such a turn is told at once, outside of the journal; its session can go on as soon as the disk takes
//! the end. If the daemon goes before that, the next one finds a turn that was interrupted.

use super::{Ending, Entry, Sessions};
use std::collections::HashMap;
use std::sync::{MutexGuard, PoisonError};
use std::time::Duration;
use wharf_protocol::{Answer, ApiError, Event, EventBody, TurnStatus};

/// How often it is tried again while the disk is full.
const AGAIN: Duration = Duration::from_secs(1);

impl Sessions {
    /// Ends a turn, also when that cannot be kept: then it has failed, and those who wait are told why.
    pub async fn end_surely(&self, ending: Ending) {
        let Err(error) = self.end(ending.clone()).await else { return };
        let turn = ending.answer.turn_id.clone();
        tracing::error!(%error, turn, "the end of a turn could not be kept");
        let again = error.code == "disk_full";
        let failed = failed(ending, error);
        self.unkept().insert(failed.answer.session_id.clone(), failed.answer.clone());
        self.nudge(&failed.answer.session_id);
        if again {
            tokio::spawn(self.clone().keep_later(failed));
        }
    }

    async fn keep_later(self, ending: Ending) {
        loop {
            tokio::time::sleep(AGAIN).await;
            match self.end(ending.clone()).await {
                Err(error) if error.code == "disk_full" => {}
                Err(error) => return tracing::error!(%error, "the end of a turn will not be kept"),
                Ok(()) => break,
            }
        }
        self.unkept().remove(&ending.answer.session_id);
    }

    /// The answer of a turn of this session that has failed although the journal does not say so.
    pub(super) fn unkept_answer(&self, session: &str, turn: &str) -> Option<Answer> {
        self.unkept().get(session).filter(|answer| answer.turn_id == turn).cloned()
    }

    /// What those who follow a session are told of an end that the journal does not have, as an event with the number of
    /// the last one.
    pub fn unkept_event(&self, session: &str, last: u64) -> Option<Entry> {
        let answer = self.unkept().get(session).cloned()?;
        let body = EventBody::Error(answer.error?);
        let kind = body.kind().to_owned();
        let event = Event { seq: last, turn_id: answer.turn_id, at: crate::clock::now_text(), body };
        Some(Entry { seq: last, kind, json: event.to_json().ok()? })
    }

    fn unkept(&self) -> MutexGuard<'_, HashMap<String, Answer>> {
        self.0.unkept.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The same turn, failed for want of a disk.
fn failed(ending: Ending, error: ApiError) -> Ending {
    let mut answer = ending.answer;
    answer.status = TurnStatus::Failed;
    answer.error = Some(error.clone());
    Ending { answer, follow_up: None, events: vec![EventBody::Error(error)] }
}
