//! A whole result: frozen header with types, row numbers, and the window of rows and columns that is seen.

use super::{Frame, Picture, status, with_foot};
use crate::tui::grid::Grid;
use crate::tui::state::Notice;
use crate::tui::text::{cut, fit, grouped, safe};
use crate::tui::widgets::chart;
use crate::tui::widgets::table::{GAP, at_right, shown, value_style, widths};
use ratatui::text::{Line, Span};
use std::ops::Range;
use wharf_protocol::Cell;

/// A column is cut at this width unless the user wants it wide.
const NARROW: usize = 24;
/// Rows that are looked at for the width of a column, beside those that are seen.
const SAMPLE: usize = 200;

/// Draws the result, as rows or as its chart.
pub(super) fn draw(grid: &mut Grid, notice: Option<&Notice>, frame: Frame) -> Picture {
    let theme = frame.theme;
    let of =
        if grid.number.1 > 1 { format!("[{}/{}] ", grid.number.0 + 1, grid.number.1) } else { String::new() };
    let title = cut(&format!(" {of}{}", safe(&grid.title)), frame.width, theme.ascii);
    let mut lines = vec![Line::styled(title, theme.strong())];
    let charted = grid.chart.as_ref().filter(|_| grid.charted);
    if let Some(spec) = charted {
        let height = frame.height.saturating_sub(4);
        lines.push(Line::default());
        lines.extend(chart::draw(spec, &grid.rows, frame.width.saturating_sub(1), height, theme));
        if frame.height > lines.len() + 2 && !spec.summary.is_empty() {
            lines.push(Line::styled(
                cut(&format!(" {}", safe(&spec.summary)), frame.width, theme.ascii),
                theme.dim(),
            ));
        }
    } else {
        grid.see(frame.height.saturating_sub(6).max(1));
        lines.extend(cells(grid, frame));
    }
    let foot = match notice {
        Some(notice) => status::told(notice, frame),
        None => Line::styled(cut(&keys(grid), frame.width, theme.ascii), theme.dim()),
    };
    let place = Line::styled(cut(&place(grid), frame.width, theme.ascii), theme.accent());
    Picture { lines: with_foot(lines, vec![place, foot], frame.height), cursor: None }
}

/// `col 2/5 · row 31 of 400`.
fn place(grid: &Grid) -> String {
    let rows = grid.rows.rows.len();
    let more = if grid.rows.truncated { "more than " } else { "" };
    let row = if rows == 0 {
        "no rows".to_owned()
    } else {
        format!("row {} of {more}{}", grouped(&(grid.row + 1).to_string()), grouped(&rows.to_string()))
    };
    let name =
        grid.rows.columns.get(grid.column).map(|c| format!(" · {}", safe(&c.name))).unwrap_or_default();
    format!(" col {}/{} · {row}{name}", grid.column + 1, grid.rows.columns.len())
}

fn keys(grid: &Grid) -> String {
    let mut keys = String::from(" Esc closes");
    if grid.chart.is_some() {
        keys.push_str(if grid.charted { " · t table" } else { " · c chart" });
    }
    keys.push_str(if grid.wide { " · w narrow" } else { " · w wide" });
    if grid.number.1 > 1 {
        keys.push_str(" · [ ] other results");
    }
    keys + " · arrows PgUp PgDn Home End"
}

fn cells(grid: &mut Grid, frame: Frame) -> Vec<Line<'static>> {
    let theme = frame.theme;
    let rows = grid.rows.clone();
    let window = grid.top..(grid.top + grid.page).min(rows.rows.len());
    let most = if grid.wide { frame.width.saturating_sub(8) } else { NARROW };
    let names: Vec<String> = rows.columns.iter().map(|c| c.name.clone()).collect();
    let sampled = widths(&rows, &names, 0..rows.rows.len().min(SAMPLE), most, true, theme);
    let seen = widths(&rows, &names, window.clone(), most, true, theme);
    let wide: Vec<usize> = sampled.iter().zip(&seen).map(|(a, b)| *a.max(b)).collect();
    let gutter = window.end.to_string().len().max(2);
    let columns = columns(grid, &wide, frame.width.saturating_sub(gutter + 3));
    let mut lines = vec![
        heads(&columns, gutter, |i| (safe(&rows.columns[i].name), theme.strong()), grid, frame),
        heads(&columns, gutter, |i| (safe(&rows.columns[i].r#type), theme.dim()), grid, frame),
    ];
    let rule = format!(
        "{}{}{}",
        theme.glyph("─", "-").repeat(gutter + 1),
        theme.glyph("┼", "+"),
        theme.glyph("─", "-").repeat(frame.width.saturating_sub(gutter + 3))
    );
    lines.push(Line::styled(rule, theme.dim()));
    for at in window {
        let mut spans = vec![gutter_span(&(at + 1).to_string(), gutter, frame)];
        for (i, wide) in &columns {
            let cell = rows.rows[at].get(*i).unwrap_or(&Cell::Null);
            let kind = rows.columns[*i].kind;
            let text = fit(&shown(cell, kind, theme), *wide, at_right(kind), theme.ascii);
            let here = at == grid.row && *i == grid.column;
            let style = value_style(cell, theme);
            spans.push(Span::styled(text, if here { style.patch(theme.selected()) } else { style }));
            spans.push(Span::raw(" ".repeat(GAP)));
        }
        spans.pop();
        lines.push(Line::from(spans));
    }
    lines
}

fn gutter_span(text: &str, gutter: usize, frame: Frame) -> Span<'static> {
    let theme = frame.theme;
    Span::styled(format!("{} {} ", fit(text, gutter, true, theme.ascii), theme.glyph("│", "|")), theme.dim())
}

fn heads(
    columns: &[(usize, usize)],
    gutter: usize,
    name: impl Fn(usize) -> (String, ratatui::style::Style),
    grid: &Grid,
    frame: Frame,
) -> Line<'static> {
    let mut spans = vec![gutter_span("", gutter, frame)];
    for (i, wide) in columns {
        let (text, style) = name(*i);
        let right = at_right(grid.rows.columns[*i].kind);
        spans.push(Span::styled(fit(&text, *wide, right, frame.theme.ascii), style));
        spans.push(Span::raw(" ".repeat(GAP)));
    }
    spans.pop();
    Line::from(spans)
}

/// The columns that are seen, with their widths. The window moves just as far as the chosen column needs.
fn columns(grid: &mut Grid, wide: &[usize], limit: usize) -> Vec<(usize, usize)> {
    let fits = |left: usize| -> Range<usize> {
        let mut used = 0;
        let mut end = left;
        while end < wide.len() && (used + wide[end] <= limit || end == left) {
            used += wide[end] + GAP;
            end += 1;
        }
        left..end
    };
    grid.left = grid.left.min(grid.column);
    while grid.left < grid.column && !fits(grid.left).contains(&grid.column) {
        grid.left += 1;
    }
    fits(grid.left).map(|i| (i, wide[i].min(limit.max(1)))).collect()
}
