//! Lines, areas and points on a plane of dots.

use super::data::{Data, Series};
use super::marker;
use super::scale::Scale;
use crate::tui::text::{fit, width};
use crate::tui::theme::Theme;
use ratatui::text::{Line, Span};
use wharf_protocol::ChartMark;

pub(super) fn draw(
    mark: ChartMark,
    data: &Data,
    limit: usize,
    height: usize,
    theme: Theme,
) -> Vec<Line<'static>> {
    let ys = || data.series.iter().flat_map(|s| s.points.iter().map(|p| p.y));
    let (min, max) = (ys().fold(f64::INFINITY, f64::min), ys().fold(f64::NEG_INFINITY, f64::max));
    let rows = height.saturating_sub(2).max(2);
    let scale = Scale::new(min, max, (rows / 2).clamp(2, 5), mark == ChartMark::Area);
    let names: Vec<(f64, String)> = scale.ticks().into_iter().map(|t| (t, scale.name(t))).collect();
    let gutter = names.iter().map(|(_, n)| width(n)).max().unwrap_or(1);
    let columns = limit.saturating_sub(gutter + 2).max(4);
    let across = Across::new(data);
    let mut canvas = Canvas::new(columns, rows, theme);
    for (i, series) in data.series.iter().enumerate() {
        canvas.series(mark, i, series, &across, &scale, data.series.len() > 1);
    }
    let mut lines: Vec<Line<'static>> = Vec::with_capacity(rows + 2);
    let tick_row = |tick: f64| at(1.0 - scale.place(tick), rows);
    for row in 0..rows {
        let name = names.iter().rev().find(|(tick, _)| tick_row(*tick) == row).map(|(_, n)| n.as_str());
        let edge = if name.is_some() { theme.glyph("┤", "+") } else { theme.glyph("│", "|") };
        let mut spans = vec![
            Span::styled(fit(name.unwrap_or(""), gutter, true, theme.ascii), theme.dim()),
            Span::styled(format!(" {edge}"), theme.dim()),
        ];
        spans.extend(canvas.row(row));
        lines.push(Line::from(spans));
    }
    let axis =
        format!("{} {}{}", " ".repeat(gutter), theme.glyph("└", "+"), theme.glyph("─", "-").repeat(columns));
    lines.push(Line::styled(axis, theme.dim()));
    let labels = labels(data, &across, columns);
    lines.push(Line::styled(format!("{}{labels}", " ".repeat(gutter + 2)), theme.dim()));
    lines
}

/// The cell among `cells` for a place between 0 and 1.
#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    clippy::cast_precision_loss,
    reason = "cells of a terminal, clamped to them"
)]
fn at(place: f64, cells: usize) -> usize {
    (place * (cells.saturating_sub(1)) as f64).round().clamp(0.0, cells.saturating_sub(1) as f64) as usize
}

/// The horizontal axis.
struct Across {
    low: f64,
    high: f64,
}

impl Across {
    fn new(data: &Data) -> Self {
        let xs = || data.series.iter().flat_map(|s| s.points.iter().map(|p| p.x));
        Self { low: xs().fold(f64::INFINITY, f64::min), high: xs().fold(f64::NEG_INFINITY, f64::max) }
    }

    fn place(&self, x: f64) -> f64 {
        if self.high > self.low { (x - self.low) / (self.high - self.low) } else { 0.5 }
    }
}

/// As many labels as fit, the first and the last always, none over another.
fn labels(data: &Data, across: &Across, columns: usize) -> String {
    let mut taken: Vec<(usize, usize, &str)> = Vec::new();
    let count = data.labels.len();
    let widest = data.labels.iter().map(|(_, l)| width(l)).max().unwrap_or(1);
    let step = count.div_ceil((columns / (widest + 2)).max(1)).max(1);
    let inner = (step..count.saturating_sub(1)).step_by(step);
    for i in [0, count.saturating_sub(1)].into_iter().chain(inner) {
        let Some((x, label)) = data.labels.get(i) else { continue };
        let wide = width(label);
        let middle = at(across.place(*x), columns);
        let from = middle.saturating_sub(wide / 2).min(columns.saturating_sub(wide));
        let free = taken.iter().all(|(start, end, _)| from > *end + 1 || from + wide + 1 < *start);
        if free && wide <= columns {
            taken.push((from, from + wide, label));
        }
    }
    taken.sort_unstable();
    let mut line = String::new();
    for (from, _, label) in taken {
        line.push_str(&" ".repeat(from.saturating_sub(width(&line))));
        line.push_str(label);
    }
    line
}

#[derive(Clone, Default)]
struct Cell {
    dots: u8,
    series: usize,
    mark: Option<&'static str>,
}

/// Cells of two by four dots; in ASCII a cell is one dot.
struct Canvas {
    columns: usize,
    rows: usize,
    cells: Vec<Cell>,
    theme: Theme,
}

impl Canvas {
    fn new(columns: usize, rows: usize, theme: Theme) -> Self {
        Self { columns, rows, cells: vec![Cell::default(); columns * rows], theme }
    }

    /// Dots across and down.
    fn dots(&self) -> (usize, usize) {
        if self.theme.ascii { (self.columns, self.rows) } else { (self.columns * 2, self.rows * 4) }
    }

    fn series(
        &mut self,
        mark: ChartMark,
        index: usize,
        series: &Series,
        across: &Across,
        scale: &Scale,
        many: bool,
    ) {
        let (wide, high) = self.dots();
        let mut points: Vec<(usize, usize)> = Vec::with_capacity(series.points.len());
        let mut sorted: Vec<_> = series.points.iter().collect();
        sorted.sort_by(|a, b| a.x.total_cmp(&b.x));
        for point in sorted {
            points.push((at(across.place(point.x), wide), at(1.0 - scale.place(point.y), high)));
        }
        if mark != ChartMark::Point {
            for pair in points.windows(2) {
                self.line(pair[0], pair[1], index);
            }
        }
        if mark == ChartMark::Area {
            let base = at(1.0 - scale.place(0.0), high);
            self.fill(&points, base, index);
        }
        // Marks show where the points are, as long as they leave the line to be seen.
        let marked =
            mark == ChartMark::Point || many || points.len() == 1 || points.len() * 4 <= self.columns;
        // Of several lines each has a few marks, enough to tell which it is.
        let apart = match mark {
            ChartMark::Point => 1,
            _ if many => (points.len() / 6).max(1),
            _ => (points.len() * 4).div_ceil(self.columns.max(1)).max(1),
        };
        for (i, (x, y)) in points.iter().enumerate() {
            self.dot(*x, *y, index);
            if marked && (i + index).is_multiple_of(apart) {
                let cell = self.cell(*x, *y);
                self.cells[cell].mark = Some(marker(index, self.theme));
                self.cells[cell].series = index;
            }
        }
    }

    fn line(&mut self, from: (usize, usize), to: (usize, usize), index: usize) {
        let steps = from.0.abs_diff(to.0).max(from.1.abs_diff(to.1)).max(1);
        let between = |a: usize, b: usize, i: usize| {
            let moved = (a.abs_diff(b) * i + steps / 2) / steps;
            if b >= a { a + moved } else { a - moved }
        };
        for i in 0..=steps {
            self.dot(between(from.0, to.0, i), between(from.1, to.1, i), index);
        }
    }

    fn fill(&mut self, points: &[(usize, usize)], base: usize, index: usize) {
        for pair in points.windows(2) {
            let (a, b) = (pair[0], pair[1]);
            for x in a.0..=b.0 {
                let run = (b.0 - a.0).max(1);
                let y = (a.1 * (b.0 - x) + b.1 * (x - a.0)) / run;
                for y in y.min(base)..=y.max(base) {
                    // Every other dot: the line stays visible on its area.
                    if self.theme.ascii || (x + y) % 2 == 0 {
                        self.dot(x, y, index);
                    }
                }
            }
        }
    }

    fn cell(&self, x: usize, y: usize) -> usize {
        let (x, y) = if self.theme.ascii { (x, y) } else { (x / 2, y / 4) };
        y.min(self.rows - 1) * self.columns + x.min(self.columns - 1)
    }

    fn dot(&mut self, x: usize, y: usize, index: usize) {
        const BITS: [[u8; 2]; 4] = [[0x01, 0x08], [0x02, 0x10], [0x04, 0x20], [0x40, 0x80]];
        let cell = self.cell(x, y);
        self.cells[cell].dots |= BITS[y % 4][x % 2];
        self.cells[cell].series = index;
    }

    fn row(&self, row: usize) -> Vec<Span<'static>> {
        let mut spans = Vec::new();
        for cell in &self.cells[row * self.columns..(row + 1) * self.columns] {
            let text = match (cell.mark, cell.dots) {
                (Some(mark), _) => mark.to_owned(),
                (None, 0) => " ".to_owned(),
                (None, _) if self.theme.ascii => if self.many_like_dot() { "." } else { "*" }.to_owned(),
                (None, dots) => {
                    char::from_u32(0x2800 + u32::from(dots)).map(String::from).unwrap_or_default()
                }
            };
            let style =
                if cell.dots == 0 { ratatui::style::Style::new() } else { self.theme.series(cell.series) };
            spans.push(Span::styled(text, style));
        }
        spans
    }

    fn many_like_dot(&self) -> bool {
        self.cells.iter().any(|c| c.mark.is_some())
    }
}
