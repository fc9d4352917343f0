//! The whole conversation, where the whole screen is ours.

use super::{Frame, Picture, items, live, status};
use crate::tui::state::{Item, State, Turn};
use ratatui::text::Line;
use wharf_protocol::TurnStatus;

/// Draws the conversation above the composer. The tail is followed unless the user has gone up.
pub(super) fn draw(state: &mut State, frame: Frame) -> Picture {
    let bottom = if state.turns.is_empty() {
        live::live(state, Vec::new(), frame)
    } else {
        live::bottom(state, frame)
    };
    let activity = if state.turns.is_empty() { None } else { status::activity(state, frame) };
    let below = bottom.lines.len() + usize::from(activity.is_some());
    let room = frame.height.saturating_sub(below);
    let mut needed = room + state.scrolled;
    // From the last turn up, only as many as are seen.
    let mut parts: Vec<Vec<Line<'static>>> = Vec::new();
    if let Some(question) = state.asking.as_ref().filter(|_| !state.turns.is_empty()) {
        parts.push(items::question(question, frame));
    }
    for turn in state.turns.iter().rev() {
        let have: usize = parts.iter().map(Vec::len).sum();
        if have >= needed {
            break;
        }
        parts.push(lines_of(turn, frame));
    }
    let all: Vec<Line<'static>> = parts.into_iter().rev().flatten().collect();
    // There is nothing above the first line.
    state.scrolled = state.scrolled.min(all.len().saturating_sub(room));
    needed = room + state.scrolled;
    let from = all.len().saturating_sub(needed);
    let to = all.len() - state.scrolled.min(all.len());
    let mut lines: Vec<Line<'static>> = all[from..to].to_vec();
    if state.scrolled > 0
        && let Some(last) = lines.last_mut()
    {
        *last =
            Line::styled(format!("  {} lines below · PgDn or Esc", state.scrolled + 1), frame.theme.accent());
    }
    lines.extend(activity);
    let used = lines.len();
    lines.resize(used.max(frame.height.saturating_sub(bottom.lines.len())), Line::default());
    let cursor = bottom.cursor.map(|(column, row)| (column, row + lines.len()));
    lines.extend(bottom.lines);
    Picture { lines, cursor }
}

fn lines_of(turn: &Turn, frame: Frame) -> Vec<Line<'static>> {
    let mut lines = items::question(&turn.question, frame);
    for item in &turn.items {
        lines.extend(items::item(item, frame));
    }
    if turn.status != TurnStatus::Incomplete {
        let said = turn
            .items
            .iter()
            .any(|i| matches!(i, Item::Text(text) if turn.offers.iter().all(|o| text.contains(&o.text))));
        lines.extend(items::end(turn.status, turn.usage.as_ref(), &turn.offers, said, frame));
    }
    lines
}
