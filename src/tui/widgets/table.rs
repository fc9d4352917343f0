//! The first rows of a result as a small table, and how single values are shown.

use crate::tui::text::{cut, fit, grouped, safe, width};
use crate::tui::theme::Theme;
use ratatui::style::{Modifier, Style};
use ratatui::text::{Line, Span};
use wharf_protocol::{Cell, ColumnKind, Rows, headings};

/// A column wider than this is cut in a preview.
const MOST_WIDTH: usize = 32;
/// Columns between two columns of a table.
pub const GAP: usize = 2;

/// What stands for NULL.
pub fn null_mark(theme: Theme) -> &'static str {
    theme.glyph("∅", "<null>")
}

/// A value as shown: control characters made visible, numbers grouped, NULL as a mark that no text looks like.
pub fn shown(cell: &Cell, kind: ColumnKind, theme: Theme) -> String {
    match cell.text() {
        None => null_mark(theme).to_owned(),
        Some(text) if kind == ColumnKind::Number => safe(&grouped(text)),
        // A text that looks like the mark is quoted, so that it is not taken for it.
        Some(text) if text == null_mark(theme) => format!("'{text}'"),
        Some(text) => safe(text),
    }
}

/// Whether values of this kind stand at the right.
pub fn at_right(kind: ColumnKind) -> bool {
    kind == ColumnKind::Number
}

/// The style of a value.
pub fn value_style(cell: &Cell, theme: Theme) -> Style {
    if *cell == Cell::Null { theme.dim().add_modifier(Modifier::ITALIC) } else { Style::new() }
}

/// The width each column wants, by what stands over it and the rows in `sample`, never more than `most`.
pub fn widths(
    rows: &Rows,
    names: &[String],
    sample: std::ops::Range<usize>,
    most: usize,
    types: bool,
    theme: Theme,
) -> Vec<usize> {
    let wanted = |(i, column): (usize, &wharf_protocol::Column)| {
        let head = width(&safe(&names[i])).max(if types { width(&safe(&column.r#type)) } else { 0 });
        let cells = rows.rows.get(sample.clone()).unwrap_or_default().iter().filter_map(|row| row.get(i));
        let body = cells.map(|cell| width(&shown(cell, column.kind, theme))).max().unwrap_or(0);
        head.max(body).clamp(1, most.max(1))
    };
    rows.columns.iter().enumerate().map(wanted).collect()
}

/// A table of the first `most_rows` rows in `limit` columns, and a line that says what is not shown.
///
/// `more` says how all of it can be seen, for example `Tab opens the table`.
pub fn preview(rows: &Rows, limit: usize, most_rows: usize, more: &str, theme: Theme) -> Vec<Line<'static>> {
    let shown_rows = rows.rows.len().min(most_rows);
    let names = headings(&rows.columns);
    let widths = fitted(widths(rows, &names, 0..shown_rows, MOST_WIDTH, false, theme), limit);
    let mut lines = Vec::with_capacity(shown_rows + 3);
    if !widths.is_empty() {
        lines.push(header(rows, &names, &widths, theme));
        let rule: Vec<String> = widths.iter().map(|w| theme.glyph("─", "-").repeat(*w)).collect();
        lines.push(Line::styled(rule.join(&" ".repeat(GAP)), theme.dim()));
    }
    for row in &rows.rows[..shown_rows] {
        let mut spans = Vec::with_capacity(widths.len() * 2);
        for (i, ((column, wide), cell)) in rows.columns.iter().zip(&widths).zip(row).enumerate() {
            if i > 0 {
                spans.push(Span::raw(" ".repeat(GAP)));
            }
            let text = fit(&shown(cell, column.kind, theme), *wide, at_right(column.kind), theme.ascii);
            spans.push(Span::styled(text, value_style(cell, theme)));
        }
        lines.push(Line::from(spans));
    }
    let foot = foot(rows, shown_rows, widths.len(), more);
    lines.push(Line::styled(cut(&foot, limit, theme.ascii), theme.dim()));
    lines
}

fn header(rows: &Rows, names: &[String], widths: &[usize], theme: Theme) -> Line<'static> {
    let mut spans = Vec::new();
    for (i, ((column, name), wide)) in rows.columns.iter().zip(names).zip(widths).enumerate() {
        if i > 0 {
            spans.push(Span::raw(" ".repeat(GAP)));
        }
        let text = fit(&safe(name), *wide, at_right(column.kind), theme.ascii);
        spans.push(Span::styled(text, theme.strong()));
    }
    Line::from(spans)
}

/// As many of the first columns as fit; at least one, which is cut if need be.
fn fitted(widths: Vec<usize>, limit: usize) -> Vec<usize> {
    let mut used = 0;
    let mut kept = Vec::new();
    for wide in widths {
        let gap = if kept.is_empty() { 0 } else { GAP };
        let room = limit.saturating_sub(used + gap);
        // A column that would be cut to a stump is left to the full view.
        if room < wide.min(6) && !kept.is_empty() {
            break;
        }
        let wide = wide.min(room.max(1));
        used += gap + wide;
        kept.push(wide);
    }
    kept
}

fn foot(rows: &Rows, shown_rows: usize, shown_columns: usize, more: &str) -> String {
    let count = rows.rows.len();
    let noun = if count == 1 && !rows.truncated { "row" } else { "rows" };
    let total = grouped(&count.to_string());
    let mut parts = Vec::new();
    parts.push(match (rows.truncated, shown_rows < count) {
        (true, _) => format!("first {shown_rows} of more than {total} {noun} (cut off)"),
        (false, true) => format!("first {shown_rows} of {total} {noun}"),
        (false, false) => format!("{total} {noun}"),
    });
    let hidden = rows.columns.len() - shown_columns;
    if hidden > 0 {
        parts.push(format!("{hidden} more {}", if hidden == 1 { "column" } else { "columns" }));
    }
    if !more.is_empty() && (hidden > 0 || shown_rows < count) {
        parts.push(more.to_owned());
    }
    parts.join(" · ")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tui::testing::{plain, rows};

    const THEME: Theme = Theme { color: false, ascii: false };

    #[test]
    fn hostile_values_wide_glyphs_and_null_keep_the_columns_straight() {
        let rows = rows(
            &[("name", ColumnKind::Text), ("amount", ColumnKind::Number)],
            &[
                &[Some("日本"), Some("1234567.50")],
                &[Some("a\u{1b}[2Jb\nc"), None],
                &[Some(""), Some("-3")],
                &[Some("∅"), Some("12")],
                &[None, Some("0")],
            ],
        );
        insta::assert_snapshot!("preview", plain(&preview(&rows, 60, 10, "Tab opens the table", THEME)));
    }

    #[test]
    fn what_is_not_shown_is_said() {
        let columns: Vec<(String, ColumnKind)> =
            (0..12).map(|i| (format!("column_{i}"), ColumnKind::Text)).collect();
        let columns: Vec<(&str, ColumnKind)> = columns.iter().map(|(n, k)| (n.as_str(), *k)).collect();
        let row = vec![Some("value"); 12];
        let data: Vec<&[Option<&str>]> = vec![&row; 25];
        let mut rows = rows(&columns, &data);
        rows.truncated = true;
        let text = plain(&preview(&rows, 40, 3, "Tab opens the table", THEME));
        assert!(text.lines().all(|l| width(l) <= 40), "{text}");
        assert!(text.contains("first 3 of more than 25 rows (cut off)"), "{text}");
        let wide = plain(&preview(&rows, 100, 3, "Tab opens the table", THEME));
        assert!(wide.contains("2 more columns · Tab opens the table"), "{wide}");
    }
}
