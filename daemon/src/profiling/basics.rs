//! The first pass: rows, NULLs, distinct values (estimated), extremes, zeros, lengths.

use super::column::{Class, Range, Subject, shorten};
use super::passes::{Asked, HELD_MARK, Passes, count, float, of_one_column};
use bigdecimal::{BigDecimal, ToPrimitive as _};
use wharf_protocol::{ApiError, Cell, Figure, NumberStats, TextStats};

const WHAT: &str = "counting values";
const MARKS: (u64, u64) = (HELD_MARK, 55);

/// Measures these columns of a table that has so many rows, if that is known; the number of rows comes back.
pub(super) async fn measure(
    passes: &Passes<'_>,
    rows: Option<u64>,
    subjects: &mut [Subject],
    notes: &mut Vec<String>,
) -> Result<u64, ApiError> {
    passes.tell(WHAT, MARKS, 0, 1);
    let (batch, total) = (passes.batch(rows.unwrap_or(0)), subjects.len());
    let mut counted = rows;
    let mut open: Vec<(usize, usize)> =
        (0..total).step_by(batch).map(|at| (at, (at + batch).min(total))).rev().collect();
    while let Some((from, to)) = open.pop() {
        let mut asked = Asked::default();
        let all = asked.ask("count(*)".to_owned());
        let places: Vec<Places> = subjects[from..to].iter().map(|s| Places::ask(s, &mut asked)).collect();
        match passes.row(&asked.0).await {
            Ok(row) => {
                let now = count(&row[all]);
                passes.same_rows(*counted.get_or_insert(now), now)?;
                for (subject, places) in subjects[from..to].iter_mut().zip(&places) {
                    places.read(subject, &row, now);
                }
            }
            Err(error) if !of_one_column(&error) => return Err(error),
            Err(_) if to - from > 1 => {
                let middle = from + (to - from) / 2;
                open.extend([(middle, to), (from, middle)]);
            }
            Err(error) => {
                let subject = &mut subjects[from];
                let row = passes.row(&["count(*)".to_owned(), format!("count({})", subject.sql)]).await?;
                counted.get_or_insert(count(&row[0]));
                subject.opaque = true;
                subject.present = count(&row[1]);
                subject.profile.nulls = count(&row[0]).saturating_sub(subject.present);
                subject.profile.distinct.exact = false;
                notes.push(format!(
                    "only the NULLs of {} are counted: {}",
                    subject.profile.name, error.message
                ));
            }
        }
        passes.tell(WHAT, MARKS, to, total);
    }
    Ok(counted.unwrap_or(0))
}

/// Where the figures of one column stand in the row.
struct Places {
    present: usize,
    distinct: usize,
    ends: Option<(usize, usize)>,
    ticks: Option<(usize, usize)>,
    number: Option<(usize, usize, Option<usize>)>,
    text: Option<[usize; 4]>,
}

impl Places {
    fn ask(subject: &Subject, asked: &mut Asked) -> Self {
        let x = &subject.sql;
        let finite = subject.finite();
        // Infinite dates are values with a name; infinite numbers are accidents, told apart.
        let among = if subject.class == Class::Float { finite.as_str() } else { "" };
        let shown = |end: &str| subject.shown(&format!("({end}({x}){among})"));
        let ordered = !matches!(subject.class, Class::Binary | Class::Nested);
        let length = match subject.class {
            Class::Text | Class::Enum => Some(format!("length({x}::varchar)")),
            Class::Binary => Some(format!("octet_length({x})")),
            _ => None,
        };
        Self {
            present: asked.ask(format!("count({x})")),
            distinct: asked.ask(format!("approx_count_distinct({x})")),
            ends: ordered.then(|| (asked.ask(shown("min")), asked.ask(shown("max")))),
            ticks: subject.ticks().map(|ticks| {
                let mut end = |end: &str| asked.ask(format!("{end}({ticks}){finite}"));
                (end("min"), end("max"))
            }),
            number: subject.class.is_number().then(|| {
                let zeros = asked.ask(format!("count_if({x} = 0)"));
                let negative = asked.ask(format!("count_if({x} < 0){among}"));
                let not_finite = (subject.class == Class::Float)
                    .then(|| asked.ask(format!("count_if(not isfinite({x}))")));
                (zeros, negative, not_finite)
            }),
            text: length.map(|length| {
                ["min({})", "max({})", "avg({})", "count_if({} = 0)"]
                    .map(|f| asked.ask(f.replace("{}", &length)))
            }),
        }
    }

    fn read(&self, subject: &mut Subject, row: &[Cell], rows: u64) {
        let profile = &mut subject.profile;
        subject.present = count(&row[self.present]);
        profile.nulls = rows.saturating_sub(subject.present);
        // The estimate may exceed what is possible.
        let distinct = count(&row[self.distinct]).min(subject.present);
        profile.distinct = Figure { value: distinct, exact: subject.present == 0 };
        if let Some((min, max)) = self.ends {
            profile.min = row[min].text().map(shorten);
            profile.max = row[max].text().map(shorten);
        }
        if let Some((zeros, negative, not_finite)) = self.number {
            profile.number = Some(NumberStats {
                mean: None,
                std: None,
                sum: None,
                zeros: count(&row[zeros]),
                negative: count(&row[negative]),
                not_finite: not_finite.map_or(0, |at| count(&row[at])),
                quantiles: Vec::new(),
            });
        }
        if let Some([min, max, mean, empty]) = self.text {
            subject.mean_length = float(&row[mean]).unwrap_or(0.0);
            profile.text = (subject.present > 0).then(|| TextStats {
                min_length: count(&row[min]),
                max_length: count(&row[max]),
                mean_length: subject.mean_length,
                empty: count(&row[empty]),
            });
        }
        subject.range = range(subject, self.ticks.map(|(low, high)| (&row[low], &row[high])));
    }
}

/// The ends of the histogram.
fn range(subject: &Subject, ticks: Option<(&Cell, &Cell)>) -> Range {
    if let Some((low, high)) = ticks {
        let tick = |cell: &Cell| cell.text().and_then(|t| t.parse().ok());
        return tick(low).zip(tick(high)).map_or(Range::None, |(low, high)| Range::Units(low, high));
    }
    let (Some(min), Some(max)) = (&subject.profile.min, &subject.profile.max) else { return Range::None };
    let floats =
        || min.parse().ok().zip(max.parse().ok()).map_or(Range::None, |(low, high)| Range::Float(low, high));
    match subject.class {
        Class::Float => floats(),
        Class::Int => {
            units(min, 0).zip(units(max, 0)).map_or(Range::None, |(low, high)| Range::Units(low, high))
        }
        // What does not fit into the arithmetic of whole units is drawn as floating point.
        Class::Decimal(_, scale) => match units(min, scale).zip(units(max, scale)) {
            Some((low, high)) if super::bins::UnitBins::new(low, high).is_some() => Range::Units(low, high),
            _ => floats(),
        },
        Class::Wide => floats(),
        _ => Range::None,
    }
}

fn units(text: &str, scale: u32) -> Option<i128> {
    let value: BigDecimal = text.parse().ok()?;
    (value * BigDecimal::new(1.into(), -i64::from(scale))).to_i128()
}
