//! Charts as lines of text. A row whose value cannot be placed is left out and counted, never drawn as zero.

mod bars;
mod data;
mod plane;
mod scale;

use crate::tui::text::{cut, grouped, safe, width};
use crate::tui::theme::Theme;
use data::{Data, Reading};
use ratatui::text::{Line, Span};
use wharf_protocol::{Chart, ChartMark, Rows};

/// Draws a chart in at most `limit` columns and `height` lines. Without anything to draw it says so.
pub fn draw(chart: &Chart, rows: &Rows, limit: usize, height: usize, theme: Theme) -> Vec<Line<'static>> {
    let limit = limit.max(12);
    let data = match data::read(chart, rows) {
        Reading::Data(data) => data,
        Reading::Nothing(why) => {
            return vec![Line::styled(cut(&format!("no chart: {why}"), limit, theme.ascii), theme.warn())];
        }
    };
    if chart.mark == ChartMark::Value {
        return value(&data, limit, theme);
    }
    let mut lines = Vec::new();
    lines.extend(legend(chart, &data, limit, theme));
    let foot = foot(&data);
    let room = height.saturating_sub(lines.len() + usize::from(foot.is_some())).max(3);
    match chart.mark {
        ChartMark::Bar => lines.extend(bars::draw(&data, limit, room, theme)),
        ChartMark::Line | ChartMark::Area | ChartMark::Point | ChartMark::Value => {
            lines.extend(plane::draw(chart.mark, &data, limit, room, theme));
        }
    }
    lines.extend(foot.map(|text| Line::styled(cut(&text, limit, theme.ascii), theme.warn())));
    lines
}

/// The mark of a series: it tells series apart where there is no colour.
fn marker(index: usize, theme: Theme) -> &'static str {
    const GLYPHS: [&str; 12] = ["●", "▲", "■", "◆", "○", "△", "□", "◇", "★", "☆", "✚", "×"];
    const PLAIN: [&str; 12] = ["*", "+", "o", "x", "#", "@", "%", "&", "$", "=", "^", "~"];
    let markers = if theme.ascii { PLAIN } else { GLYPHS };
    markers[index % markers.len()]
}

/// What is measured, and which mark is which series.
fn legend(chart: &Chart, data: &Data, limit: usize, theme: Theme) -> Vec<Line<'static>> {
    let one = data.series.len() == 1;
    let measured: Vec<String> = if chart.color.is_some() || one {
        chart.y.iter().take(1).map(|y| safe(&y.title)).collect()
    } else {
        Vec::new()
    };
    let mut spans: Vec<Span<'static>> = Vec::new();
    if let Some(title) = measured.first() {
        let by = chart.x.as_ref().map(|x| format!(" by {}", safe(&plain_name(&x.title)))).unwrap_or_default();
        spans.push(Span::styled(cut(&format!("{title}{by}"), limit, theme.ascii), theme.strong()));
    }
    let mut lines = vec![];
    if !one {
        for (i, series) in data.series.iter().enumerate() {
            let text = format!("{} {}", marker(i, theme), cut(&series.name, 24, theme.ascii));
            let used: usize = spans.iter().map(|s| width(&s.content)).sum();
            if used > 0 && used + 2 + width(&text) > limit {
                lines.push(Line::from(std::mem::take(&mut spans)));
            } else if used > 0 {
                spans.push(Span::raw("  "));
            }
            spans.push(Span::styled(text, theme.series(i)));
        }
    }
    if !spans.is_empty() {
        lines.push(Line::from(spans));
    }
    lines.truncate(4);
    lines
}

/// A title that is still a name, `metric_time__month`, as people say it: `month`.
fn plain_name(title: &str) -> String {
    title.rsplit("__").next().unwrap_or(title).replace('_', " ")
}

fn foot(data: &Data) -> Option<String> {
    match data.dropped {
        0 => None,
        1 => Some("1 value not drawn: no number, or no place on the axis".to_owned()),
        n => Some(format!("{n} values not drawn: no number, or no place on the axis")),
    }
}

/// One number, or a few, each with its name.
fn value(data: &Data, limit: usize, theme: Theme) -> Vec<Line<'static>> {
    let mut lines = Vec::new();
    for series in &data.series {
        let Some(point) = series.points.first() else { continue };
        lines.push(Line::from(vec![
            Span::styled(
                cut(&grouped(&safe(&point.text)), limit, theme.ascii),
                theme.strong().patch(theme.accent()),
            ),
            Span::raw("  "),
            Span::styled(cut(&series.name, limit / 2, theme.ascii), theme.dim()),
        ]));
    }
    lines
}

#[cfg(test)]
mod tests;
