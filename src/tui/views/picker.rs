//! The list of sessions.

use super::{Frame, Picture, status, with_foot};
use crate::tui::state::{Picker, State};
use crate::tui::text::{cut, fit, safe, width};
use crate::tui::time::{age, days};
use ratatui::text::{Line, Span};
use wharf_protocol::Session;

/// Draws the list, and what was typed to narrow it down.
pub(super) fn draw(picker: &Picker, state: &State, frame: Frame) -> Picture {
    let theme = frame.theme;
    let filter = cut(&safe(&picker.filter), frame.width.saturating_sub(14), theme.ascii);
    let cursor = Some((11 + width(&filter), 0));
    let hint = if picker.filter.is_empty() {
        Span::styled("type to narrow the list down", theme.dim())
    } else {
        Span::raw(filter)
    };
    let mut lines =
        vec![Line::from(vec![Span::styled(" Sessions  ", theme.strong()), hint]), Line::default()];
    let found = picker.matching();
    match (&picker.sessions, found.is_empty()) {
        (None, _) => lines.push(Line::styled("  looking", theme.dim())),
        (Some(all), true) if all.is_empty() => lines.push(Line::raw("  there are no sessions yet")),
        (Some(_), true) => lines.push(Line::raw("  no session matches")),
        (Some(_), false) => {}
    }
    let room = frame.height.saturating_sub(4).max(1);
    let top = (picker.at + 1).saturating_sub(room);
    let current = state.session.as_ref().map(|o| o.id.as_str());
    for (i, session) in found.iter().enumerate().skip(top).take(room) {
        lines.push(entry(session, i == picker.at, current == Some(&session.session_id), state.today, frame));
    }
    let keys = format!(" {} of {} · Enter opens · Esc closes", (picker.at + 1).min(found.len()), found.len());
    let foot = match &state.notice {
        Some(notice) => status::told(notice, frame),
        None => Line::styled(cut(&keys, frame.width, theme.ascii), theme.dim()),
    };
    Picture { lines: with_foot(lines, vec![Line::default(), foot], frame.height), cursor }
}

fn entry(session: &Session, chosen: bool, current: bool, today: f64, frame: Frame) -> Line<'static> {
    let theme = frame.theme;
    let age = days(&session.updated_at).map(|at| age(today - at)).unwrap_or_default();
    let mut about = vec![format!("{} messages", session.message_count), age];
    if session.message_count == 1 {
        about[0] = "1 message".to_owned();
    }
    if session.busy {
        about.insert(0, "busy".to_owned());
    }
    if current {
        about.insert(0, "here".to_owned());
    }
    if frame.width < 60 {
        about.retain(|a| !a.contains("message"));
    }
    let about = about.join(" · ");
    let room = frame.width.saturating_sub(width(&about) + 6);
    let title = fit(&safe(&session.title), room, false, theme.ascii);
    let mark = if chosen { theme.glyph("▸", ">") } else { " " };
    let style = if chosen { theme.selected() } else { ratatui::style::Style::new() };
    Line::from(vec![
        Span::styled(format!(" {mark} {title}  "), style),
        Span::styled(about, style.patch(theme.dim())),
    ])
}
