//! Bars that lie: one line a value, its label at the left, its exact value at the right of its bar.

use super::data::Data;
use super::marker;
use crate::tui::text::{fit, grouped, safe, width};
use crate::tui::theme::Theme;
use ratatui::text::{Line, Span};

struct Bar {
    label: String,
    series: usize,
    value: f64,
    text: String,
}

pub(super) fn draw(data: &Data, limit: usize, height: usize, theme: Theme) -> Vec<Line<'static>> {
    let bars = collect(data);
    let room = if bars.len() > height { height.saturating_sub(1).max(1) } else { bars.len() };
    let shown = &bars[..room.min(bars.len())];
    let many = data.series.len() > 1;
    let label = shown.iter().map(|b| width(&b.label)).max().unwrap_or(0).min(limit / 3).max(1);
    let number = shown.iter().map(|b| width(&b.text)).max().unwrap_or(0).min(limit / 3);
    let mark = if many { 2 } else { 0 };
    let plot = limit.saturating_sub(label + number + mark + 3).max(3);
    let least = shown.iter().map(|b| b.value).fold(0.0, f64::min);
    let most = shown.iter().map(|b| b.value).fold(0.0, f64::max);
    let mut lines = Vec::with_capacity(shown.len() + 1);
    let mut last = "";
    for (i, bar) in shown.iter().enumerate() {
        let name = if i > 0 && many && bar.label == last { "" } else { bar.label.as_str() };
        last = bar.label.as_str();
        let mut spans = vec![Span::raw(fit(name, label, true, theme.ascii)), Span::raw(" ")];
        if many {
            spans.push(Span::styled(format!("{} ", marker(bar.series, theme)), theme.series(bar.series)));
        }
        spans.extend(body(bar, (least, most), plot, theme));
        lines.push(Line::from(spans));
    }
    if shown.len() < bars.len() {
        let text = format!("{} more not drawn; the table has them", bars.len() - shown.len());
        lines.push(Line::styled(text, theme.dim()));
    }
    lines
}

fn collect(data: &Data) -> Vec<Bar> {
    let mut bars = Vec::new();
    // Without an axis there is one place without a name.
    let nameless = (0.0, String::new());
    let places = if data.labels.is_empty() { std::slice::from_ref(&nameless) } else { &data.labels[..] };
    for (place, label) in places {
        for (i, series) in data.series.iter().enumerate() {
            for point in series.points.iter().filter(|p| (p.x - place).abs() < 0.25) {
                bars.push(Bar {
                    label: label.clone(),
                    series: i,
                    value: point.y,
                    text: grouped(&safe(&point.text)),
                });
            }
        }
    }
    bars
}

/// The bar from the common zero line, and its value just behind its end.
fn body(bar: &Bar, (least, most): (f64, f64), plot: usize, theme: Theme) -> Vec<Span<'static>> {
    let style = theme.series(bar.series);
    let span = (most / 2.0 - least / 2.0).max(f64::MIN_POSITIVE);
    #[expect(clippy::cast_precision_loss, reason = "columns of a terminal")]
    let eighths = |v: f64| (v.abs() / 2.0 / span) * (plot * 8) as f64;
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "not negative, at most the plot"
    )]
    let whole = |v: f64| eighths(v).round() as usize;
    let zero = if least < 0.0 { (whole(least) + 4) / 8 } else { 0 };
    // A value that is not zero is never invisible.
    let size = whole(bar.value).max(usize::from(bar.value != 0.0));
    let axis = Span::styled(theme.glyph("│", "|"), theme.dim());
    if bar.value < 0.0 {
        let cells = size.div_ceil(8).min(zero.max(1));
        let pad = " ".repeat(zero.max(1) - cells);
        let drawn = theme.glyph("▒", "=").repeat(cells);
        return vec![Span::raw(pad), Span::styled(drawn, style), axis, Span::raw(format!(" {}", bar.text))];
    }
    let mut drawn = theme.glyph("█", "#").repeat(size / 8);
    let rest = size % 8;
    if theme.ascii {
        drawn.push_str(if rest >= 4 || size < 8 && size > 0 { "#" } else { "" });
    } else if rest > 0 {
        drawn.push_str(["▏", "▎", "▍", "▌", "▋", "▊", "▉"][rest - 1]);
    }
    vec![Span::raw(" ".repeat(zero)), axis, Span::styled(drawn, style), Span::raw(format!(" {}", bar.text))]
}
