//! The line at the bottom: where we are, or what just happened.

use super::Frame;
use crate::tui::state::{Link, Notice, State};
use crate::tui::text::{cut, safe, width};
use ratatui::text::{Line, Span};
use wharf_protocol::TurnStatus;

/// The status line.
pub(super) fn line(state: &State, frame: Frame) -> Line<'static> {
    let theme = frame.theme;
    if state.quit_until.is_some() {
        return Line::styled(cut(" press Ctrl-C again to quit", frame.width, theme.ascii), theme.warn());
    }
    if let Link::Broken(since) = state.link {
        let seconds = state.now.saturating_sub(since) / 1000;
        let text = format!(
            " {} the daemon went away; connecting again, {seconds} s",
            theme.spinner(state.now / 100)
        );
        return Line::styled(cut(&text, frame.width, theme.ascii), theme.warn());
    }
    if let Some(notice) = &state.notice {
        return told(notice, frame);
    }
    let open = state.session.as_ref();
    let source = open.and_then(|o| o.source.as_ref()).or(state.source.as_ref());
    let mut left: Vec<String> = source.map(|s| safe(s)).into_iter().collect();
    left.push(open.map_or_else(|| "new session".to_owned(), |o| safe(&o.title)));
    let again = state.again().map(|_| "Enter asks again".to_owned());
    let sql = state.show_sql.then(|| "SQL shown".to_owned());
    let right = [again, sql, Some("? keys".to_owned())].into_iter().flatten().collect::<Vec<_>>().join(" · ");
    let room = frame.width.saturating_sub(width(&right) + 3);
    let left = cut(&left.join(" · "), room, theme.ascii);
    let gap = " ".repeat(frame.width.saturating_sub(width(&left) + width(&right) + 2));
    Line::from(Span::styled(format!(" {left}{gap}{right}"), theme.dim()))
}

/// A notice; a failure has its mark.
pub(super) fn told(notice: &Notice, frame: Frame) -> Line<'static> {
    let theme = frame.theme;
    let (mark, style) = if notice.failure {
        (theme.glyph("✗", "x"), theme.bad())
    } else {
        (theme.glyph("•", "-"), theme.accent())
    };
    Line::styled(cut(&format!(" {mark} {}", safe(&notice.text)), frame.width, theme.ascii), style)
}

/// What is going on, while something is.
pub(super) fn activity(state: &State, frame: Frame) -> Option<Line<'static>> {
    let theme = frame.theme;
    let (text, since) = match (state.running(), &state.asking) {
        (Some(turn), _) if turn.stopping => ("stopping".to_owned(), turn.begun),
        (Some(turn), _) if turn.activity.is_empty() => ("thinking".to_owned(), turn.begun),
        (Some(turn), _) => (safe(&turn.activity), turn.begun),
        (None, Some(_)) => ("asking".to_owned(), state.now),
        (None, None) => return None,
    };
    debug_assert!(state.running().is_none_or(|t| t.status == TurnStatus::Incomplete));
    let seconds = state.now.saturating_sub(since) / 1000;
    let time = if seconds > 0 { format!(" · {seconds} s") } else { String::new() };
    let end = format!("{time} · Esc stops");
    let room = frame.width.saturating_sub(width(&end) + 4);
    Some(Line::from(vec![
        Span::raw("  "),
        Span::styled(theme.spinner(state.now / 100), theme.accent()),
        Span::raw(format!(" {}", cut(&text, room, theme.ascii))),
        Span::styled(end, theme.dim()),
    ]))
}
