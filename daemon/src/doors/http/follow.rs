//! Following a conversation: its journal as it grows, for as long as who follows stays and may.

use super::access::Asker;
use crate::lifecycle::OpenStream;
use crate::sessions::Entry;
use std::collections::VecDeque;
use std::time::Duration;
use tokio::sync::watch;
use tokio::time::{Interval, MissedTickBehavior};
use wharf_protocol::{ApiError, ErrorKind};

/// Events read from the journal at a time.
const PAGE: u32 = 200;
/// Streams that one principal may have open over TCP: they last, and connections are few.
const STREAMS: u64 = 32;
/// How often it is looked whether who follows still may, while nothing is told.
const LOOK: Duration = Duration::from_millis(500);

/// One who reads a session's journal as it grows.
pub(super) struct Follower {
    asker: Asker,
    session: String,
    after: u64,
    news: watch::Receiver<u64>,
    /// Becomes true when the door closes; none where the end comes by itself.
    closing: Option<watch::Receiver<bool>>,
    look: Interval,
    page: VecDeque<Entry>,
    // Whether an end that the journal does not have was told since its last entry.
    told: bool,
    _open: OpenStream,
}

/// An event on its way out.
pub(super) struct Told {
    /// Its number; none for an end that the journal does not have: a client that comes back reads on where the journal is.
    pub(super) seq: Option<u64>,
    /// The event, as who follows may see it.
    pub(super) entry: Entry,
}

impl Follower {
    /// Follows a session of the asker's behind event `after`, without an end.
    pub(super) fn new(asker: Asker, session: String, after: u64) -> Result<Self, ApiError> {
        let activity = &asker.rooms().activity;
        let most = (!asker.principal().is_owner()).then_some(STREAMS);
        let open = activity.streams().open(asker.principal().name(), most).ok_or_else(|| {
            let message = format!("{STREAMS} of your streams are open already");
            ApiError::new(ErrorKind::Limit, "too_many_streams", message).hint("close one of them")
        })?;
        let closing = (!asker.principal().is_owner()).then(|| activity.closing());
        let news = asker.rooms().sessions.follow(&session);
        let mut look = tokio::time::interval(LOOK);
        look.set_missed_tick_behavior(MissedTickBehavior::Delay);
        Ok(Self {
            asker,
            session,
            after,
            news,
            closing,
            look,
            page: VecDeque::new(),
            told: false,
            _open: open,
        })
    }

    /// The same for somebody who reads to the end of a turn: the door waits for it.
    pub(super) fn ending_by_itself(self) -> Self {
        Self { closing: None, ..self }
    }

    /// The next event; none when the journal cannot be read or is over, and when who follows may no longer.
    pub(super) async fn next(&mut self) -> Option<Told> {
        let mut told = self.entry().await?;
        if !self.may().await {
            return None;
        }
        told.entry = self.asker.shown(told.entry);
        Some(told)
    }

    async fn entry(&mut self) -> Option<Told> {
        loop {
            if let Some(entry) = self.page.pop_front() {
                (self.after, self.told) = (entry.seq, false);
                return Some(Told { seq: Some(entry.seq), entry });
            }
            // Marked as seen before reading, so that an event written while reading is not missed.
            self.news.borrow_and_update();
            let sessions = &self.asker.rooms().sessions;
            match sessions.events(&self.session, self.after, PAGE).await {
                Ok(entries) if !entries.is_empty() => self.page.extend(entries),
                Ok(_) => {
                    let unkept = sessions.unkept_event(&self.session, self.after);
                    if let Some(entry) = unkept.filter(|_| !self.told) {
                        self.told = true;
                        return Some(Told { seq: None, entry });
                    }
                    self.wait().await?;
                }
                Err(e) => {
                    tracing::warn!(error = %e, "the journal could not be read; the stream ends");
                    return None;
                }
            }
        }
    }

    /// Waits until there is something new; none when there will not be.
    async fn wait(&mut self) -> Option<()> {
        let owner = self.asker.principal().is_owner();
        loop {
            let closed = async {
                match &mut self.closing {
                    Some(closing) => drop(closing.wait_for(|closing| *closing).await),
                    None => std::future::pending().await,
                }
            };
            tokio::select! {
                changed = self.news.changed() => return changed.ok(),
                () = closed => return None,
                _ = self.look.tick(), if !owner => {}
            }
            if !self.may().await {
                return None;
            }
        }
    }

    async fn may(&self) -> bool {
        let stands = self.asker.rooms().identity.stands(self.asker.principal()).await;
        stands.unwrap_or_else(|error| {
            tracing::warn!(%error, "it cannot be told whether who follows still may; the stream ends");
            false
        })
    }
}
