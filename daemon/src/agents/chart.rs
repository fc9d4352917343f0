//! Which chart a result wants, if any.

use wharf_protocol::{Cell, Chart, ChartField, ChartMark, Rows};
use wharf_question::{ChartHint, Reading};
use wharf_semantic::{Column, Role};

/// A line along time, bars over categories, one number for one number. None where a table says more.
pub(super) fn choose(rows: &Rows, columns: &[Column], reading: &Reading) -> Option<Chart> {
    if reading.chart == Some(ChartHint::Table) || rows.rows.is_empty() {
        return None;
    }
    let metrics: Vec<&Column> = columns.iter().filter(|c| c.role == Role::Metric).collect();
    let time = columns.iter().find(|c| c.role == Role::Time);
    let groups: Vec<&Column> =
        columns.iter().filter(|c| matches!(c.role, Role::Dimension | Role::Entity)).collect();
    let y: Vec<ChartField> = metrics.iter().map(|m| field(m, "quantitative")).collect();
    let first = metrics.first()?;
    let (mark, x, color) = match (time, &groups[..]) {
        (None, []) => (ChartMark::Value, None, None),
        (Some(time), []) => (ChartMark::Line, Some(field(time, "temporal")), None),
        (Some(time), [group]) => {
            (ChartMark::Line, Some(field(time, "temporal")), Some(field(group, "nominal")))
        }
        (None, [group]) => (ChartMark::Bar, Some(field(group, "nominal")), None),
        (None, [group, by]) => (ChartMark::Bar, Some(field(group, "nominal")), Some(field(by, "nominal"))),
        _ => return None,
    };
    let mark = match (reading.chart, mark) {
        (_, ChartMark::Value) => ChartMark::Value,
        (Some(ChartHint::Bar), _) => ChartMark::Bar,
        (Some(ChartHint::Line), _) if time.is_some() => ChartMark::Line,
        (_, mark) => mark,
    };
    // One row over a category or a time draws nothing that the sentence does not say.
    if rows.rows.len() == 1 && mark != ChartMark::Value && reading.chart.is_none() {
        return None;
    }
    Some(Chart { mark, title: reading.summary.clone(), x, y, color, summary: summary(rows, first) })
}

fn field(column: &Column, kind: &str) -> ChartField {
    let title = column.label.clone().unwrap_or_else(|| column.name.clone());
    ChartField { field: column.name.clone(), r#type: kind.to_owned(), title }
}

/// Range and missing values in one line.
fn summary(rows: &Rows, metric: &Column) -> String {
    let Some(at) = rows.columns.iter().position(|c| c.name == metric.name) else { return String::new() };
    let values: Vec<(f64, &str)> =
        rows.rows.iter().filter_map(|row| Some((row[at].as_f64()?, row[at].text()?))).collect();
    let missing = rows.rows.iter().filter(|row| row[at] == Cell::Null).count();
    let title = metric.label.as_deref().unwrap_or(&metric.name);
    let least = values.iter().min_by(|a, b| a.0.total_cmp(&b.0));
    let most = values.iter().max_by(|a, b| a.0.total_cmp(&b.0));
    let range = match (least, most) {
        (Some(least), Some(most)) => format!("from {} to {}", least.1, most.1),
        _ => "no values".to_owned(),
    };
    let missing = if missing > 0 { format!(", {missing} missing") } else { String::new() };
    format!("{title}: {} points, {range}{missing}", values.len())
}
