//! Each thing in a turn as lines. The full screen and the scrollback draw from here.

use crate::tui::state::Item;
use crate::tui::text::{cut, grouped, safe, spell_millis, wrap};
use crate::tui::theme::Theme;
use crate::tui::widgets::{chart, markdown, table};
use ratatui::text::{Line, Span};
use wharf_protocol::{ApiError, Offer, ToolCall, TurnStatus, Usage};

/// Everything below a question is set in by this much.
pub const INDENT: usize = 2;
/// Rows of a result that are shown with the answer.
const PREVIEW_ROWS: usize = 10;
/// The widest a text is set; longer lines are hard to read.
const MOST_WIDTH: usize = 100;

/// How things are drawn.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Frame {
    /// Columns.
    pub width: usize,
    /// Rows of the screen: a chart takes only its part.
    pub height: usize,
    /// Statements are shown.
    pub show_sql: bool,
    /// The look.
    pub theme: Theme,
}

impl Frame {
    /// Columns for what is set in.
    pub fn inner(&self) -> usize {
        self.width.saturating_sub(INDENT).clamp(8, MOST_WIDTH)
    }
}

/// The question, with the mark of the asker.
pub fn question(text: &str, frame: Frame) -> Vec<Line<'static>> {
    let theme = frame.theme;
    let mark = Span::styled(format!("{} ", theme.glyph("❯", ">")), theme.accent().patch(theme.strong()));
    let mut lines = vec![Line::default()];
    for (i, line) in text.split('\n').enumerate() {
        let first = if i == 0 { mark.clone() } else { Span::raw("  ") };
        let spans = [Span::styled(safe(line), theme.strong())];
        lines.extend(wrap(&spans, frame.width.clamp(8, MOST_WIDTH), &[first], &[Span::raw("  ")]));
    }
    lines
}

/// One thing of a turn; no lines where it is not shown. Text is drawn by [`prose`].
pub fn item(item: &Item, frame: Frame) -> Vec<Line<'static>> {
    let theme = frame.theme;
    match item {
        Item::Reading(text) => {
            let spans = [Span::styled(format!("read as: {}", safe(text)), theme.dim())];
            indented(wrap(&spans, frame.inner(), &[], &[Span::raw("         ")]))
        }
        Item::Step(call) => indented(vec![step(call, frame)]),
        Item::Sql(sql) if frame.show_sql => statement(sql, frame),
        Item::Sql(_) => Vec::new(),
        Item::SqlAgain(sql) => statement(sql, frame),
        Item::Table(rows) if rows.columns.is_empty() || (rows.rows.len() == 1 && rows.columns.len() == 1) => {
            Vec::new()
        }
        Item::Table(rows) => {
            let more = "Tab opens all of it";
            spaced(indented(table::preview(rows, frame.inner(), PREVIEW_ROWS, more, theme)))
        }
        Item::Chart(spec, rows) => {
            let height = (frame.height / 2).clamp(6, 14);
            spaced(indented(chart::draw(spec, rows, frame.inner().min(80), height, theme)))
        }
        Item::Text(text) => prose(text, frame),
        Item::Failed(error) => failure(error, frame),
    }
}

/// Text of the answer.
pub fn prose(text: &str, frame: Frame) -> Vec<Line<'static>> {
    spaced(indented(markdown::draw(text, frame.inner(), frame.theme)))
}

/// The end of a turn: how it went, what it cost, what else can be asked.
pub fn end(
    status: TurnStatus,
    usage: Option<&Usage>,
    offers: &[Offer],
    said: bool,
    frame: Frame,
) -> Vec<Line<'static>> {
    let theme = frame.theme;
    let (mark, word, style) = match status {
        TurnStatus::Completed => (theme.glyph("✓", "ok"), "", theme.good()),
        TurnStatus::Unanswered => (theme.glyph("○", "-"), "not answered", theme.warn()),
        TurnStatus::Failed => (theme.glyph("✗", "x"), "failed", theme.bad()),
        TurnStatus::Interrupted => (theme.glyph("■", "="), "interrupted", theme.warn()),
        TurnStatus::Incomplete => return Vec::new(),
    };
    let mut parts: Vec<String> = Vec::new();
    if let Some(usage) = usage {
        parts.push(spell_millis(usage.time_ms));
        if usage.rows > 0 {
            parts.push(format!(
                "{} {}",
                grouped(&usage.rows.to_string()),
                if usage.rows == 1 { "row" } else { "rows" }
            ));
        }
        if usage.input_tokens + usage.output_tokens > 0 {
            parts.push(format!("{} tokens in, {} out", usage.input_tokens, usage.output_tokens));
        }
    }
    if matches!(status, TurnStatus::Interrupted | TurnStatus::Failed) {
        parts.push("/retry asks again".to_owned());
    }
    let mut lines = vec![Line::default()];
    let told = parts.join(" · ");
    let gap = if word.is_empty() || told.is_empty() { "" } else { " · " };
    lines.push(Line::from(vec![
        Span::raw(" ".repeat(INDENT)),
        Span::styled(format!("{mark} {word}"), style),
        Span::styled(
            cut(&format!("{gap}{told}"), frame.inner().saturating_sub(14), theme.ascii),
            theme.dim(),
        ),
    ]));
    // The local provider says its offers in the answer; others may not.
    if !said {
        for offer in offers {
            let spans = [Span::raw(safe(&offer.text))];
            let mark = Span::styled(format!("  {} ", theme.glyph("•", "-")), theme.accent());
            lines.extend(wrap(&spans, frame.width, &[mark], &[Span::raw("    ")]));
        }
    }
    lines
}

/// A tool in one line: what, on what, rows, time.
fn step(call: &ToolCall, frame: Frame) -> Line<'static> {
    let theme = frame.theme;
    let done = call.rows.is_some() || call.time_ms.is_some();
    let mark = if done { theme.glyph("✓", "ok") } else { theme.glyph("…", "..") };
    let mut text = format!("{} {}", safe(&call.name), safe(&call.target));
    if let Some(rows) = call.rows {
        text.push_str(&format!(
            " · {} {}",
            grouped(&rows.to_string()),
            if rows == 1 { "row" } else { "rows" }
        ));
    }
    if let Some(time) = call.time_ms {
        text.push_str(&format!(" · {}", spell_millis(time)));
    }
    let text = cut(&text, frame.inner().saturating_sub(3), theme.ascii);
    Line::from(vec![
        Span::styled(format!("{mark} "), if done { theme.good() } else { theme.dim() }),
        Span::styled(text, theme.dim()),
    ])
}

fn statement(sql: &str, frame: Frame) -> Vec<Line<'static>> {
    let theme = frame.theme;
    let bar = || Span::styled(theme.glyph("▏ ", "| "), theme.dim());
    let mut lines = vec![Line::styled("SQL", theme.dim())];
    for line in sql.trim_end().lines() {
        let spans = [Span::styled(safe(&line.replace('\t', "    ")), theme.code())];
        lines.extend(wrap(&spans, frame.inner(), &[bar()], &[bar()]));
    }
    spaced(indented(lines))
}

fn failure(error: &ApiError, frame: Frame) -> Vec<Line<'static>> {
    let theme = frame.theme;
    let mark = Span::styled(format!("{} ", theme.glyph("✗", "x")), theme.bad());
    let mut lines =
        wrap(&[Span::styled(safe(&error.message), theme.bad())], frame.inner(), &[mark], &[Span::raw("  ")]);
    if let Some(hint) = &error.hint {
        let spans = [Span::styled(safe(hint), theme.dim())];
        lines.extend(wrap(&spans, frame.inner(), &[Span::raw("  ")], &[Span::raw("  ")]));
    }
    spaced(indented(lines))
}

fn indented(lines: Vec<Line<'static>>) -> Vec<Line<'static>> {
    let set_in = |mut line: Line<'static>| {
        line.spans.insert(0, Span::raw(" ".repeat(INDENT)));
        line
    };
    lines.into_iter().map(set_in).collect()
}

/// With a blank line before it.
fn spaced(mut lines: Vec<Line<'static>>) -> Vec<Line<'static>> {
    if !lines.is_empty() {
        lines.insert(0, Line::default());
    }
    lines
}
