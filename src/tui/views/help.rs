//! The keys.

use super::{Frame, Picture, with_foot};
use crate::tui::text::{cut, fit};
use ratatui::text::{Line, Span};

const KEYS: [(&str, &str); 14] = [
    ("Enter", "send; on an empty line after a cut answer: ask again"),
    ("Ctrl-J", "new line (also Alt-Enter)"),
    ("Esc", "close what is open, else stop the answer"),
    ("Ctrl-C", "clear the draft, stop the answer, twice: quit"),
    ("Ctrl-D", "quit, on an empty line"),
    ("Tab", "open the last result (also Ctrl-T)"),
    ("Ctrl-S", "show or hide SQL"),
    ("Ctrl-R", "sessions"),
    ("Up Down", "earlier questions"),
    ("PgUp PgDn", "scroll (full screen)"),
    ("/", "commands"),
    ("Ctrl-U", "delete to the start of the line"),
    ("Ctrl-Z", "suspend"),
    ("?", "this help, on an empty line"),
];

/// Draws the keys, then the commands, as far as there is room.
pub(super) fn draw(frame: Frame) -> Picture {
    let theme = frame.theme;
    let mut lines = vec![Line::styled(" Keys", theme.strong())];
    let entry = |key: &str, about: &str| {
        let about = cut(about, frame.width.saturating_sub(13), theme.ascii);
        Line::from(vec![
            Span::styled(format!(" {} ", fit(key, 10, false, theme.ascii)), theme.accent()),
            Span::raw(about),
        ])
    };
    lines.extend(KEYS.iter().map(|(key, about)| entry(key, about)));
    let commands = crate::tui::update::matching("/");
    if frame.height > lines.len() + commands.len() + 3 {
        lines.push(Line::default());
        lines.push(Line::styled(" Commands", theme.strong()));
        lines.extend(commands.iter().map(|c| entry(&format!("/{}", c.name), c.about)));
    }
    let foot = vec![Line::styled(" Esc closes", theme.dim())];
    Picture { lines: with_foot(lines, foot, frame.height), cursor: None }
}
