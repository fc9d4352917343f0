//! The live area at the bottom: unfinished text, what is going on, the composer, the status line.

use super::{Frame, Picture, items, status};
use crate::tui::state::State;
use crate::tui::text::{cut, fit, safe};
use crate::tui::update::matching;
use ratatui::text::{Line, Span};

/// Lines of a draft that are seen at once.
const DRAFT_LINES: usize = 6;
/// Entries of the `/` menu that are seen at once.
const MENU_LINES: usize = 6;

/// Draws the live area below `tail`, the lines that are not final yet.
pub fn live(state: &State, tail: Vec<Line<'static>>, frame: Frame) -> Picture {
    let bottom = bottom(state, frame);
    let room = frame.height.saturating_sub(bottom.lines.len() + 1);
    let mut lines = above(state, tail, frame);
    // Of a long tail the end is seen.
    lines.drain(..lines.len().saturating_sub(room));
    let cursor = bottom.cursor.map(|(column, row)| (column, row + lines.len()));
    lines.extend(bottom.lines);
    Picture { lines, cursor }
}

/// What stands above the composer.
fn above(state: &State, tail: Vec<Line<'static>>, frame: Frame) -> Vec<Line<'static>> {
    let mut lines = tail;
    if state.turns.is_empty()
        && state.asking.is_none()
        && state.session.as_ref().is_none_or(|o| o.history == 0)
    {
        lines.extend(welcome(state, frame));
    }
    if let Some(question) = &state.asking {
        lines.extend(items::question(question, frame));
    }
    if let Some(activity) = status::activity(state, frame) {
        lines.push(activity);
    }
    lines
}

/// Composer, menu and status line.
pub(super) fn bottom(state: &State, frame: Frame) -> Picture {
    let theme = frame.theme;
    let prompt = Span::styled(format!("{} ", theme.glyph("❯", ">")), theme.accent().patch(theme.strong()));
    let mut lines = vec![Line::default()];
    let (text, (row, column)) = state.composer.wrapped(frame.width.saturating_sub(3));
    let seen = DRAFT_LINES.min(frame.height.saturating_sub(4).max(1));
    let top = (row + 1).saturating_sub(seen);
    for (i, line) in text.iter().enumerate().skip(top).take(seen) {
        let lead = if i == 0 { prompt.clone() } else { Span::raw("  ") };
        lines.push(Line::from(vec![lead, Span::raw(line.clone())]));
    }
    if state.composer.is_empty() {
        lines.truncate(1);
        let hint = if state.again().is_some() {
            "Enter asks the last question again"
        } else {
            "Ask about your data"
        };
        lines.push(Line::from(vec![
            prompt,
            Span::styled(cut(hint, frame.width.saturating_sub(3), theme.ascii), theme.dim()),
        ]));
    }
    let cursor = Some((column + 2, row - top + 1));
    lines.extend(menu(state, frame));
    lines.push(status::line(state, frame));
    Picture { lines, cursor }
}

fn menu(state: &State, frame: Frame) -> Vec<Line<'static>> {
    let theme = frame.theme;
    let found = matching(&state.composer.text());
    let chosen = state.menu.min(found.len().saturating_sub(1));
    let seen = MENU_LINES.min(frame.height.saturating_sub(6).max(1));
    let top = (chosen + 1).saturating_sub(seen);
    let draw = |(i, command): (usize, &crate::tui::update::Command)| {
        let mark = if i == chosen { theme.glyph("▸", ">") } else { " " };
        let name = fit(&format!("/{} {}", command.name, command.argument), 18, false, theme.ascii);
        let text = cut(&format!("  {mark} {name} {}", command.about), frame.width, theme.ascii);
        Line::styled(text, if i == chosen { theme.accent().patch(theme.strong()) } else { theme.dim() })
    };
    found.iter().enumerate().skip(top).take(seen).map(draw).collect()
}

/// What an empty screen says.
fn welcome(state: &State, frame: Frame) -> Vec<Line<'static>> {
    let theme = frame.theme;
    let source = state.source.as_ref().map(|s| format!(" · {}", safe(s))).unwrap_or_default();
    let mut lines = vec![Line::from(vec![
        Span::styled(" wharf", theme.accent().patch(theme.strong())),
        Span::styled(cut(&source, frame.width.saturating_sub(8), theme.ascii), theme.dim()),
    ])];
    if !state.examples.is_empty() {
        lines.push(Line::styled(" Ask in your own words, for example:", theme.dim()));
        let room = frame.width.saturating_sub(5);
        for example in state.examples.iter().take(3) {
            let text = cut(&safe(example), room, theme.ascii);
            lines.push(Line::from(vec![
                Span::styled(format!("   {} ", theme.glyph("•", "-")), theme.accent()),
                Span::raw(text),
            ]));
        }
    }
    let hint = if state.examples.is_empty() {
        " / commands · Ctrl-R sessions"
    } else {
        " Tab takes an example · / commands · Ctrl-R sessions"
    };
    lines.push(Line::styled(cut(hint, frame.width, theme.ascii), theme.dim()));
    lines
}
