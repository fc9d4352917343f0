//! From a chart and its rows to series of points.

use crate::tui::text::safe;
use crate::tui::time::days;
use wharf_protocol::{Cell, Chart, ChartField, ChartMark, Rows};

/// More series than this cannot be told apart.
const MOST_SERIES: usize = 12;

/// One drawn value.
pub(super) struct Point {
    /// Place on the horizontal axis.
    pub(super) x: f64,
    pub(super) y: f64,
    /// The value as it came.
    pub(super) text: String,
}

pub(super) struct Series {
    pub(super) name: String,
    pub(super) points: Vec<Point>,
}

/// What is drawn.
pub(super) struct Data {
    pub(super) series: Vec<Series>,
    /// Label of each place: in order of place.
    pub(super) labels: Vec<(f64, String)>,
    /// Values that are not drawn because they, or their place, are no value.
    pub(super) dropped: usize,
}

pub(super) enum Reading {
    Data(Data),
    Nothing(String),
}

pub(super) fn read(chart: &Chart, rows: &Rows) -> Reading {
    let column = |field: &ChartField| rows.columns.iter().position(|c| c.name == field.field);
    let measures: Vec<(usize, &ChartField)> = chart.y.iter().filter_map(|y| Some((column(y)?, y))).collect();
    if measures.is_empty() {
        return Reading::Nothing("the result has no column to measure".to_owned());
    }
    let x = match &chart.x {
        Some(field) => match column(field) {
            Some(at) => Some((at, field)),
            None => return Reading::Nothing(format!("the result has no column `{}`", safe(&field.field))),
        },
        None => None,
    };
    let split = match &chart.color {
        Some(field) => match column(field) {
            Some(at) => Some(at),
            None => return Reading::Nothing(format!("the result has no column `{}`", safe(&field.field))),
        },
        None => None,
    };
    let mut places = Places::new(chart.mark, x, rows);
    let mut data = Data { series: Vec::new(), labels: Vec::new(), dropped: 0 };
    for row in &rows.rows {
        let place = places.of(row);
        for (at, field) in &measures {
            let number = row.get(*at).and_then(number);
            let (Some(place), Some((y, text))) = (place, number) else {
                data.dropped += 1;
                continue;
            };
            let name = match split {
                Some(split) => {
                    row.get(split).and_then(Cell::text).map_or_else(|| "(no value)".to_owned(), safe)
                }
                None => safe(&field.title),
            };
            series(&mut data.series, name).points.push(Point { x: place, y, text });
        }
    }
    if data.series.is_empty() {
        return Reading::Nothing(match data.dropped {
            0 => "the result has no rows".to_owned(),
            n => format!("none of the {n} values can be drawn"),
        });
    }
    if data.series.len() > MOST_SERIES {
        return Reading::Nothing(format!(
            "{} series are too many to tell apart; the table has them",
            data.series.len()
        ));
    }
    data.labels = places.labels;
    data.labels.sort_by(|a, b| a.0.total_cmp(&b.0));
    Reading::Data(data)
}

fn series(all: &mut Vec<Series>, name: String) -> &mut Series {
    let at = all.iter().position(|s| s.name == name).unwrap_or_else(|| {
        all.push(Series { name, points: Vec::new() });
        all.len() - 1
    });
    &mut all[at]
}

fn number(cell: &Cell) -> Option<(f64, String)> {
    let text = match cell {
        Cell::Number(text) | Cell::Text(text) => text,
        Cell::Null | Cell::Bool(_) => return None,
    };
    let value: f64 = text.trim().parse().ok()?;
    value.is_finite().then(|| (value, text.trim().to_owned()))
}

/// Where rows stand on the horizontal axis.
struct Places {
    column: Option<usize>,
    kind: Kind,
    labels: Vec<(f64, String)>,
    shorten: usize,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Kind {
    Time,
    Number,
    Order,
}

impl Places {
    fn new(mark: ChartMark, x: Option<(usize, &ChartField)>, rows: &Rows) -> Self {
        let Some((column, field)) = x else {
            return Self { column: None, kind: Kind::Order, labels: Vec::new(), shorten: usize::MAX };
        };
        let texts = || rows.rows.iter().filter_map(move |row| row.get(column).and_then(Cell::text));
        let bars = mark == ChartMark::Bar;
        let kind = match field.r#type.as_str() {
            "temporal" if !bars && texts().any(|t| days(t).is_some()) => Kind::Time,
            "quantitative" if !bars => Kind::Number,
            _ => Kind::Order,
        };
        let shorten = if field.r#type == "temporal" { common_end(&texts()) } else { usize::MAX };
        Self { column: Some(column), kind, labels: Vec::new(), shorten }
    }

    fn of(&mut self, row: &[Cell]) -> Option<f64> {
        let Some(column) = self.column else { return Some(0.0) };
        let cell = row.get(column)?;
        let text = cell.text();
        let label =
            text.map_or_else(|| "(no value)".to_owned(), |t| safe(t.get(..self.shorten).unwrap_or(t)));
        let place = match self.kind {
            Kind::Time => days(text?)?,
            Kind::Number => number(cell)?.0,
            Kind::Order => {
                let known = self.labels.iter().find(|(_, l)| *l == label);
                #[expect(clippy::cast_precision_loss, reason = "a count of categories")]
                known.map_or(self.labels.len() as f64, |(place, _)| *place)
            }
        };
        if self.kind != Kind::Order || self.labels.iter().all(|(p, _)| (*p - place).abs() > 0.25) {
            self.labels.push((place, label));
        }
        Some(place)
    }
}

/// How much of each time is worth showing: months that begin a year are years, midnights are days.
fn common_end<'a>(texts: &(impl Iterator<Item = &'a str> + Clone)) -> usize {
    let all = |end: &str| texts.clone().all(|t| t.get(4..).is_some_and(|rest| midnight(rest, end)));
    if all("-01-01") {
        return 4;
    }
    let texts_from =
        |at: usize, end: &str| texts.clone().all(|t| t.get(at..).is_some_and(|rest| midnight(rest, end)));
    if texts_from(7, "-01") {
        7
    } else if texts_from(10, "") {
        10
    } else {
        16
    }
}

fn midnight(rest: &str, end: &str) -> bool {
    rest.strip_prefix(end).is_some_and(|rest| {
        let rest = rest.trim_start_matches(['T', ' ']).trim_end_matches('Z');
        rest.bytes().all(|b| matches!(b, b'0' | b':' | b'.'))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_as_short_as_they_can_be() {
        assert_eq!(common_end(&["2023-01-01", "2024-01-01"].into_iter()), 4);
        assert_eq!(common_end(&["2023-01-01", "2023-02-01T00:00:00"].into_iter()), 7);
        assert_eq!(common_end(&["2023-01-02 00:00:00"].into_iter()), 10);
        assert_eq!(common_end(&["2023-01-02 10:00:00"].into_iter()), 16);
    }
}
