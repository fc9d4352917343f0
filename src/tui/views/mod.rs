//! What the state looks like. A view makes lines; [`crate::tui::screen`] puts them on the terminal.

mod conversation;
mod grid;
mod help;
pub mod items;
mod live;
mod picker;
mod status;

pub use items::Frame;
pub use live::live;

use crate::tui::state::{Popup, State};
use crate::tui::theme::Theme;
use ratatui::text::Line;

/// Lines from top to bottom, and where the cursor stands in them: column, row.
#[derive(Debug, Default, Clone)]
pub struct Picture {
    /// The lines.
    pub lines: Vec<Line<'static>>,
    /// The cursor; none hides it.
    pub cursor: Option<(usize, usize)>,
}

/// How the conversation is drawn now.
pub fn frame(state: &State, theme: Theme) -> Frame {
    let (columns, rows) = state.size;
    Frame { width: usize::from(columns), height: usize::from(rows), show_sql: state.show_sql, theme }
}

/// What takes the whole screen now: a popup, or the conversation where the whole screen is ours. Else none.
pub fn whole(state: &mut State, theme: Theme) -> Option<Picture> {
    let frame = frame(state, theme);
    let mut popup = state.popup.take();
    let picture = match &mut popup {
        Some(Popup::Help) => Some(help::draw(frame)),
        Some(Popup::Picker(picker)) => Some(picker::draw(picker, state, frame)),
        Some(Popup::Grid(grid)) => Some(grid::draw(grid, state.notice.as_ref(), frame)),
        None if state.full => Some(conversation::draw(state, frame)),
        None => None,
    };
    state.popup = popup;
    picture
}

/// The lines in exactly `height` rows, with `foot` as the last ones.
fn with_foot(mut lines: Vec<Line<'static>>, foot: Vec<Line<'static>>, height: usize) -> Vec<Line<'static>> {
    lines.resize(height.saturating_sub(foot.len()), Line::default());
    lines.extend(foot);
    lines
}

#[cfg(test)]
mod tests;
