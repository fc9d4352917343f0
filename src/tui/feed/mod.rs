//! What goes up into the terminal's scrollback: every finished line exactly once, in order, at a readable pace.
//!
//! A line goes up when nothing that comes later can change it. Until then it is drawn in the live area below. What has
//! gone up is never drawn again.

use crate::tui::state::{Item, Millis, State, Turn};
use crate::tui::views::items::{self, Frame};
use crate::tui::widgets::markdown;
use ratatui::text::Line;
use std::collections::VecDeque;
use wharf_protocol::TurnStatus;

/// This many lines behind, the backlog is let out at once.
const MOST_BEHIND: usize = 8;
/// So is a backlog this old, in milliseconds.
const MOST_WAIT: Millis = 120;

/// Where the scrollback stands.
#[derive(Default)]
pub struct Feed {
    session: Option<String>,
    // The turn, the thing in it and the byte of its text that are next.
    turn: usize,
    begun: bool,
    item: usize,
    byte: usize,
    ended: bool,
    queue: VecDeque<Line<'static>>,
    // Lines at the head of the queue that the live area has shown already: they go up at once.
    seen: usize,
    // Lines of unfinished text in the live area now.
    tail: usize,
    waiting_since: Option<Millis>,
    draining: bool,
}

impl Feed {
    /// Takes in what has become final.
    pub fn take_in(&mut self, state: &State, frame: Frame) {
        let session = state.session.as_ref().map(|open| open.id.clone());
        if session != self.session && (session.is_some() || state.turns.is_empty()) {
            let queue = std::mem::take(&mut self.queue);
            *self = Self { session, queue, ..Self::default() };
            if let Some(open) =
                state.session.as_ref().filter(|open| open.history > 0 && open.seen <= open.history)
            {
                self.draining = true;
                self.queue.extend(heading(&open.title, frame));
            }
        }
        while let Some(turn) = state.turns.get(self.turn) {
            // What was there before is not performed again.
            self.draining |= turn.old && turn.status != TurnStatus::Incomplete;
            if !self.turn(turn, self.turn + 1 == state.turns.len(), frame) {
                break;
            }
        }
        if self.queue.is_empty() {
            self.waiting_since = None;
        } else {
            self.waiting_since.get_or_insert(state.now);
        }
    }

    /// Takes in of one turn what is final; true when the turn is over and all of it is.
    fn turn(&mut self, turn: &Turn, last: bool, frame: Frame) -> bool {
        if !self.begun {
            self.queue.extend(items::question(&turn.question, frame));
            self.begun = true;
        }
        let over = turn.status != TurnStatus::Incomplete;
        while let Some(item) = turn.items.get(self.item) {
            let newest = self.item + 1 == turn.items.len();
            match item {
                Item::Text(text) if newest && !over => {
                    let settled = markdown::settled(&text[self.byte..]);
                    if settled > 0 {
                        self.text(&text[self.byte..self.byte + settled], frame);
                        self.byte += settled;
                    }
                    return false;
                }
                Item::Text(text) => self.text(&text[self.byte..], frame),
                Item::Step(call) if call.rows.is_none() && call.time_ms.is_none() && !over => return false,
                item => self.queue.extend(items::item(item, frame)),
            }
            (self.item, self.byte) = (self.item + 1, 0);
        }
        if !over {
            return false;
        }
        if !std::mem::replace(&mut self.ended, true) {
            let said = turn
                .items
                .iter()
                .any(|i| matches!(i, Item::Text(text) if turn.offers.iter().all(|o| text.contains(&o.text))));
            self.queue.extend(items::end(turn.status, turn.usage.as_ref(), &turn.offers, said, frame));
        }
        // The last turn stays open: something may be added to it, like its SQL.
        if last {
            return false;
        }
        (self.turn, self.begun, self.item, self.ended) = (self.turn + 1, false, 0, false);
        true
    }

    fn text(&mut self, text: &str, frame: Frame) {
        let lines = items::prose(text, frame);
        // What stood in the live area a moment ago must not blink away before it comes back above.
        if self.tail > 0 && self.seen == self.queue.len() {
            self.seen += self.tail.min(lines.len());
        }
        self.tail = 0;
        self.queue.extend(lines);
    }

    /// The lines that go up now: one a tick while it is calm, the whole backlog when it grows long or old.
    pub fn let_out(&mut self, now: Millis) -> Vec<Line<'static>> {
        let waited = self.waiting_since.map_or(0, |since| now.saturating_sub(since));
        self.draining |= self.queue.len() >= MOST_BEHIND || waited >= MOST_WAIT;
        let count = if self.draining { self.queue.len() } else { (self.seen + 1).min(self.queue.len()) };
        let lines: Vec<Line<'static>> = self.queue.drain(..count).collect();
        self.seen = self.seen.saturating_sub(count);
        if self.queue.is_empty() {
            (self.draining, self.waiting_since) = (false, None);
        }
        lines
    }

    /// Everything that waits, at once.
    pub fn flush(&mut self) -> Vec<Line<'static>> {
        (self.seen, self.waiting_since, self.draining) = (0, None, false);
        self.queue.drain(..).collect()
    }

    /// Whether lines wait.
    pub fn waits(&self) -> bool {
        !self.queue.is_empty()
    }

    /// What is not final yet, for the live area. Nothing while lines wait above it, so that the order is kept.
    pub fn live(&mut self, state: &State, frame: Frame) -> Vec<Line<'static>> {
        let Some(turn) = state.turns.get(self.turn).filter(|_| self.queue.is_empty()) else {
            return Vec::new();
        };
        let mut lines = Vec::new();
        for (i, item) in turn.items.iter().enumerate().skip(self.item) {
            match item {
                Item::Text(text) if i == self.item => lines.extend(items::prose(&text[self.byte..], frame)),
                item => lines.extend(items::item(item, frame)),
            }
        }
        self.tail = lines.len();
        lines
    }
}

/// The line above a session that was there before.
fn heading(title: &str, frame: Frame) -> Vec<Line<'static>> {
    use crate::tui::text::{cut, safe};
    let theme = frame.theme;
    let rule = theme.glyph("──", "--");
    let title = cut(&safe(title), frame.width.saturating_sub(8), theme.ascii);
    vec![Line::default(), Line::styled(format!("{rule} {title} {rule}"), theme.dim())]
}

#[cfg(test)]
mod tests;
