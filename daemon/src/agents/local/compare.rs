//! What is computed from result rows after the query: conditions on metrics, comparisons with another period or a total.

use super::exact::{difference, number, ratio};
use bigdecimal::BigDecimal;
use chrono::{Days, Months, NaiveDate};
use std::collections::HashMap;
use wharf_protocol::{Cell, Column, ColumnKind, Rows};
use wharf_question::{Comparison, Grain, Having, Op};

/// Keeps the rows for which every condition holds. NULL never does.
pub(super) fn having(rows: &mut Rows, conditions: &[Having]) {
    for condition in conditions {
        let Some(at) = position(rows, &condition.metric) else { continue };
        let Ok(bound) = condition.number.parse::<BigDecimal>() else { continue };
        rows.rows.retain(|row| {
            row.get(at).and_then(number).is_some_and(|value| match condition.op {
                Op::Above => value > bound,
                Op::AtLeast => value >= bound,
                Op::Below => value < bound,
                Op::AtMost => value <= bound,
                Op::Equal => value == bound,
            })
        });
    }
}

/// Adds the comparison's columns behind the metrics.
pub(super) fn apply(rows: &mut Rows, comparison: &Comparison, metrics: &[String], other: Option<&Rows>) {
    match comparison {
        Comparison::ShareOfTotal { .. } => share(rows, metrics, other),
        Comparison::OtherPeriod { .. } => {
            let Some(other) = other else { return };
            let partner = partners(rows, other, metrics);
            add_previous(rows, metrics, |rows, row, metric| {
                let at = position(other, &rows.columns[metric].name)?;
                partner.get(row).copied().flatten().and_then(|p| other.rows[p].get(at).cloned())
            });
        }
        Comparison::PeriodOverPeriod { step } => {
            let earlier = earlier_rows(rows, metrics, *step);
            let before = rows.rows.clone();
            add_previous(rows, metrics, |_, row, metric| {
                earlier.get(row).copied().flatten().and_then(|p| before[p].get(metric).cloned())
            });
        }
    }
}

fn share(rows: &mut Rows, metrics: &[String], total: Option<&Rows>) {
    for metric in metrics {
        let Some(at) = position(rows, metric) else { continue };
        let whole =
            total.and_then(|t| t.rows.first()?.get(position(t, metric)?).cloned()).unwrap_or(Cell::Null);
        for row in &mut rows.rows {
            let share = ratio(&row[at], &whole);
            row.push(share);
        }
        rows.columns.push(number_column(&format!("{metric}__share")));
    }
}

/// Adds, per metric, the value before, the change, and the relative change.
fn add_previous(rows: &mut Rows, metrics: &[String], before: impl Fn(&Rows, usize, usize) -> Option<Cell>) {
    let places: Vec<usize> = metrics.iter().filter_map(|m| position(rows, m)).collect();
    let added: Vec<Vec<Cell>> = (0..rows.rows.len())
        .map(|row| {
            places
                .iter()
                .flat_map(|&metric| {
                    let previous = before(rows, row, metric).unwrap_or(Cell::Null);
                    let change = difference(&rows.rows[row][metric], &previous);
                    let relative = ratio(&change, &previous);
                    [previous, change, relative]
                })
                .collect()
        })
        .collect();
    for (row, cells) in rows.rows.iter_mut().zip(added) {
        row.extend(cells);
    }
    for &metric in &places {
        let name = rows.columns[metric].name.clone();
        for suffix in ["previous", "change", "change_ratio"] {
            rows.columns.push(number_column(&format!("{name}__{suffix}")));
        }
    }
}

fn number_column(name: &str) -> Column {
    Column { name: name.to_owned(), r#type: "DECIMAL".to_owned(), kind: ColumnKind::Number }
}

fn position(rows: &Rows, name: &str) -> Option<usize> {
    rows.columns.iter().position(|c| c.name == name)
}

/// Group columns: those that are no metrics; the time columns among them apart.
fn groups(rows: &Rows, metrics: &[String]) -> (Vec<usize>, Vec<usize>) {
    let all = (0..rows.columns.len()).filter(|&i| !metrics.contains(&rows.columns[i].name));
    all.partition(|&i| rows.columns[i].kind == ColumnKind::Time)
}

fn texts(row: &[Cell], columns: &[usize]) -> Vec<Option<String>> {
    columns.iter().map(|&i| row[i].text().map(str::to_owned)).collect()
}

/// For each row the row of the other period with the same groups, times meeting by their position in order.
fn partners(rows: &Rows, other: &Rows, metrics: &[String]) -> Vec<Option<usize>> {
    let (times, plain) = groups(rows, metrics);
    let rank = |of: &Rows, columns: &[usize]| {
        let mut all: Vec<Vec<Option<String>>> = of.rows.iter().map(|r| texts(r, columns)).collect();
        all.sort();
        all.dedup();
        all.into_iter().enumerate().map(|(i, t)| (t, i)).collect::<HashMap<_, _>>()
    };
    let (other_times, other_plain) = groups(other, metrics);
    let (ranks, other_ranks) = (rank(rows, &times), rank(other, &other_times));
    let index: HashMap<(Vec<Option<String>>, Option<usize>), usize> = other
        .rows
        .iter()
        .enumerate()
        .map(|(i, row)| ((texts(row, &other_plain), other_ranks.get(&texts(row, &other_times)).copied()), i))
        .collect();
    rows.rows
        .iter()
        .map(|row| index.get(&(texts(row, &plain), ranks.get(&texts(row, &times)).copied())).copied())
        .collect()
}

/// For each row the row of the same groups exactly one step earlier.
fn earlier_rows(rows: &Rows, metrics: &[String], step: Grain) -> Vec<Option<usize>> {
    let (times, plain) = groups(rows, metrics);
    let Some(&time) = times.first() else { return vec![None; rows.rows.len()] };
    let date = |row: &[Cell]| {
        let text = row[time].text()?;
        NaiveDate::parse_from_str(text.get(..10)?, "%Y-%m-%d").ok()
    };
    let index: HashMap<(Vec<Option<String>>, NaiveDate), usize> = rows
        .rows
        .iter()
        .enumerate()
        .filter_map(|(i, row)| Some(((texts(row, &plain), date(row)?), i)))
        .collect();
    rows.rows.iter().map(|row| index.get(&(texts(row, &plain), back(date(row)?, step)?)).copied()).collect()
}

fn back(date: NaiveDate, step: Grain) -> Option<NaiveDate> {
    match step {
        Grain::Second | Grain::Minute | Grain::Hour => None,
        Grain::Day => date.checked_sub_days(Days::new(1)),
        Grain::Week => date.checked_sub_days(Days::new(7)),
        Grain::Month => date.checked_sub_months(Months::new(1)),
        Grain::Quarter => date.checked_sub_months(Months::new(3)),
        Grain::Year => date.checked_sub_months(Months::new(12)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rows(columns: &[(&str, ColumnKind)], data: &[&[&str]]) -> Rows {
        let columns: Vec<Column> = columns
            .iter()
            .map(|(n, k)| Column { name: (*n).into(), r#type: String::new(), kind: *k })
            .collect();
        let cell = |i: usize, text: &str| match columns[i].kind {
            _ if text == "-" => Cell::Null,
            ColumnKind::Number => Cell::Number(text.into()),
            _ => Cell::Text(text.into()),
        };
        let rows = data.iter().map(|r| r.iter().enumerate().map(|(i, t)| cell(i, t)).collect()).collect();
        Rows { columns, rows, truncated: false }
    }

    fn shown(rows: &Rows) -> Vec<String> {
        rows.rows
            .iter()
            .map(|r| r.iter().map(|c| c.text().unwrap_or("-")).collect::<Vec<_>>().join(" "))
            .collect()
    }

    const MONTHLY: &[(&str, ColumnKind)] =
        &[("metric_time__month", ColumnKind::Time), ("revenue", ColumnKind::Number)];

    #[test]
    fn a_gap_in_time_has_no_previous_value() {
        let mut r = rows(MONTHLY, &[&["2024-01-01", "10"], &["2024-02-01", "15"], &["2024-04-01", "30"]]);
        apply(&mut r, &Comparison::PeriodOverPeriod { step: Grain::Month }, &["revenue".into()], None);
        assert_eq!(shown(&r), ["2024-01-01 10 - - -", "2024-02-01 15 10 5 0.5", "2024-04-01 30 - - -"]);
        let names: Vec<&str> = r.columns.iter().skip(2).map(|c| c.name.as_str()).collect();
        assert_eq!(names, ["revenue__previous", "revenue__change", "revenue__change_ratio"]);
    }

    #[test]
    fn periods_meet_by_position_and_groups_by_value() {
        let columns = &[
            ("metric_time__month", ColumnKind::Time),
            ("channel", ColumnKind::Text),
            ("revenue", ColumnKind::Number),
        ];
        let mut now = rows(
            columns,
            &[&["2024-01-01", "web", "10"], &["2024-02-01", "web", "20"], &["2024-02-01", "phone", "5"]],
        );
        let before = rows(
            columns,
            &[&["2023-01-01", "web", "8"], &["2023-02-01", "phone", "4"], &["2023-02-01", "web", "0"]],
        );
        let query = wharf_semantic::MetricQuery::default();
        let comparison = Comparison::OtherPeriod { label: "2023".into(), query };
        apply(&mut now, &comparison, &["revenue".into()], Some(&before));
        assert_eq!(
            shown(&now),
            ["2024-01-01 web 10 8 2 0.25", "2024-02-01 web 20 0 20 -", "2024-02-01 phone 5 4 1 0.25"]
        );
    }

    #[test]
    fn conditions_compare_exactly_and_null_never_holds() {
        let mut r = rows(MONTHLY, &[&["a", "100000.00"], &["b", "99999.99"], &["c", "-"]]);
        let condition = Having { metric: "revenue".into(), op: Op::AtLeast, number: "100000".into() };
        having(&mut r, &[condition]);
        assert_eq!(shown(&r), ["a 100000.00"]);
    }

    #[test]
    fn shares_are_of_the_whole_and_not_of_the_rows_shown() {
        let mut r = rows(MONTHLY, &[&["a", "25"], &["b", "-"]]);
        let total = rows(&[("revenue", ColumnKind::Number)], &[&["200"]]);
        let comparison = Comparison::ShareOfTotal { query: wharf_semantic::MetricQuery::default() };
        apply(&mut r, &comparison, &["revenue".into()], Some(&total));
        assert_eq!(shown(&r), ["a 25 0.125", "b - -"]);
    }
}
