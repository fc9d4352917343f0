//! The answer in words. Every number in it stands in the result as well.

use super::exact::number;
use wharf_protocol::{Cell, ColumnKind, Rows, grouped};
use wharf_question::{Comparison, Reading};
use wharf_semantic::{Column, Role};

/// The answer, in pieces as they are streamed.
pub(super) fn answer(rows: &Rows, columns: &[Column], reading: &Reading) -> Vec<String> {
    let metrics: Vec<&Column> = columns.iter().filter(|c| c.role == Role::Metric).collect();
    let mut pieces = Vec::new();
    match &rows.rows[..] {
        [] => pieces.push("No rows match.".to_owned()),
        [row] if columns.len() == metrics.len() => {
            let said = metrics
                .iter()
                .filter_map(|m| Some(format!("{} is {}", title(m), shown(row, rows, &m.name, m)?)));
            pieces.push(format!("{}.", capital(&said.collect::<Vec<_>>().join(", "))));
            pieces.extend(change(row, rows, metrics.first().copied(), reading));
        }
        _ => {
            pieces.push(format!(
                "{} {}.",
                grouped(&rows.rows.len().to_string()),
                if rows.rows.len() == 1 { "row" } else { "rows" }
            ));
            if let Some(metric) = metrics.first() {
                pieces.extend(extremes(rows, columns, metric));
            }
        }
    }
    if rows.truncated {
        pieces.push(
            " There are more rows than are kept with an answer; `wharf metric query` gives them all."
                .to_owned(),
        );
    }
    pieces
}

/// `Highest: web with 12; lowest: phone with 3.`
fn extremes(rows: &Rows, columns: &[Column], metric: &Column) -> Option<String> {
    let at = rows.columns.iter().position(|c| c.name == metric.name)?;
    let mut valued: Vec<(usize, _)> =
        rows.rows.iter().enumerate().filter_map(|(i, r)| Some((i, number(&r[at])?))).collect();
    if valued.is_empty() {
        return Some(format!(" {} has no value in any of them.", capital(&title(metric))));
    }
    // Sorting is stable: of equal values the first row counts.
    valued.sort_by(|a, b| b.1.cmp(&a.1));
    let name = |i: usize| {
        let parts = columns.iter().filter(|c| c.role != Role::Metric).filter_map(|c| {
            let at = rows.columns.iter().position(|r| r.name == c.name)?;
            Some(group(&rows.rows[i][at], c))
        });
        parts.collect::<Vec<_>>().join(", ")
    };
    let value = |i: usize| shown(&rows.rows[i], rows, &metric.name, metric).unwrap_or_default();
    let (first, last) = (valued.first()?.0, valued.last()?.0);
    if valued.len() == 1 || valued.first()?.1 == valued.last()?.1 {
        return Some(format!(
            " {} is {} for {}.",
            capital(&title(metric)),
            value(first),
            if valued.len() == 1 { name(first) } else { "each".to_owned() }
        ));
    }
    Some(format!(
        " Highest {}: {} for {}; lowest: {} for {}.",
        title(metric),
        value(first),
        name(first),
        value(last),
        name(last)
    ))
}

fn change(row: &[Cell], rows: &Rows, metric: Option<&Column>, reading: &Reading) -> Option<String> {
    let metric = metric?;
    let Some(Comparison::OtherPeriod { label, .. }) = &reading.comparison else { return None };
    let get = |suffix: &str| {
        let name = format!("{}__{suffix}", metric.name);
        shown(row, rows, &name, metric)
    };
    match (get("previous"), get("change"), get("change_ratio")) {
        (Some(previous), Some(change), _) if previous != "no value" => {
            Some(format!(" In {label} it was {previous}: a change of {change}."))
        }
        _ => Some(format!(" There is no value for {label} to compare with.")),
    }
}

fn title(column: &Column) -> String {
    column.label.clone().unwrap_or_else(|| column.name.replace("__", " ").replace('_', " "))
}

/// A text with its first letter as a capital.
pub(super) fn capital(text: &str) -> String {
    let mut chars = text.chars();
    chars.next().map_or_else(String::new, |c| c.to_uppercase().chain(chars).collect())
}

fn group(cell: &Cell, column: &Column) -> String {
    match (cell.text(), column.grain.as_deref()) {
        (None, _) => format!("no {}", title(column)),
        (Some(text), Some("month")) => text.get(..7).unwrap_or(text).to_owned(),
        (Some(text), Some("year")) => text.get(..4).unwrap_or(text).to_owned(),
        (Some(text), _) => text.to_owned(),
    }
}

fn shown(row: &[Cell], rows: &Rows, name: &str, metric: &Column) -> Option<String> {
    let at = rows.columns.iter().position(|c| c.name == name)?;
    let cell = row.get(at)?;
    let Some(text) = cell.text() else { return Some("no value".to_owned()) };
    let column = &rows.columns[at];
    let text = match column.kind {
        ColumnKind::Number if matches!(column.r#type.to_uppercase().as_str(), "DOUBLE" | "FLOAT") => {
            rounded(text)
        }
        ColumnKind::Number => grouped(text),
        _ => text.to_owned(),
    };
    Some(match metric.unit.as_deref() {
        Some(unit) if name == metric.name => format!("{text} {unit}"),
        _ => text,
    })
}

/// Floating point to six significant digits: what stands behind them is noise to a reader, and the result has it all.
fn rounded(text: &str) -> String {
    let Some(value) = text.parse::<f64>().ok().filter(|v| v.is_finite() && *v != 0.0) else {
        return grouped(text);
    };
    let whole = value.abs().log10().floor();
    if !(-4.0..15.0).contains(&whole) {
        return text.to_owned();
    }
    let digits = (5.0 - whole).max(0.0) as usize;
    let fixed = format!("{value:.digits$}");
    let trimmed =
        if fixed.contains('.') { fixed.trim_end_matches('0').trim_end_matches('.') } else { &fixed };
    grouped(trimmed)
}

#[cfg(test)]
mod tests {
    use super::rounded;
    use wharf_protocol::grouped;

    #[test]
    fn floating_point_is_rounded_in_words_only_behind_six_digits() {
        assert_eq!(rounded("271.00764966740576"), "271.008");
        assert_eq!(rounded("0.07645077720207254"), "0.0764508");
        assert_eq!(rounded("-12345678.9"), "-12,345,679");
        assert_eq!(rounded("0.5"), "0.5");
        assert_eq!(rounded("1e300"), "1e300");
        assert_eq!(rounded("0"), "0");
    }

    #[test]
    fn digits_are_grouped_and_none_is_lost() {
        assert_eq!(grouped("1234567.890"), "1,234,567.890");
        assert_eq!(grouped("-1000"), "-1,000");
        assert_eq!(grouped("999"), "999");
        assert_eq!(grouped("1e21"), "1e21");
    }
}
