//! The second pass: sums, means, deviations, quantiles and histograms, between the ends that the first pass found.

use super::bins::{UnitBins, float_bins};
use super::column::{Class, QUANTILES, Range, SQUARE_SAFE, Subject};
use super::frequent::Unique;
use super::passes::{Asked, Passes, count, float, of_one_column};
use super::whole::Pairs;
use bigdecimal::{BigDecimal, ToPrimitive as _};
use wharf_protocol::{ApiError, Bin, Cell, Correlation, Quantile};

const WHAT: &str = "sums, quantiles and histograms";
const MARKS: (u64, u64) = (55, 70);
/// Up to this many rows quantiles are found by sorting, and so are exact.
const SORTED_ROWS: u64 = 200_000;

/// Measures all columns that have numbers or times. Over a text file, which each statement reads whole, the first one
/// also asks for what would otherwise take statements of their own; the correlations among it come back.
pub(super) async fn measure(
    passes: &Passes<'_>,
    rows: u64,
    subjects: &mut [Subject],
    notes: &mut Vec<String>,
) -> Result<Option<Vec<Correlation>>, ApiError> {
    passes.tell(WHAT, MARKS, 0, 1);
    let (mut riding, mut correlations) = (passes.target.together, None);
    let scaled = |s: &Subject| !s.opaque && (s.class.is_number() || s.range != Range::None) && s.present > 0;
    let chosen: Vec<usize> = (0..subjects.len()).filter(|i| scaled(&subjects[*i])).collect();
    let (batch, total) = (passes.batch(rows), chosen.len());
    let mut open: Vec<(usize, usize)> =
        (0..total).step_by(batch).map(|at| (at, (at + batch).min(total))).rev().collect();
    while let Some((from, to)) = open.pop() {
        let mut asked = Asked::default();
        let places: Vec<Places> =
            chosen[from..to].iter().map(|i| Places::ask(&subjects[*i], rows, &mut asked)).collect();
        let riders = std::mem::take(&mut riding)
            .then(|| (Pairs::ask(subjects, &mut asked), Unique::ask(subjects, &mut asked)));
        let row = if asked.0.is_empty() { Ok(Vec::new()) } else { passes.row(&asked.0).await };
        match row {
            Ok(row) => {
                for (i, places) in chosen[from..to].iter().zip(places) {
                    places.read(&mut subjects[*i], &row);
                }
                if let Some((pairs, unique)) = riders {
                    correlations = Some(pairs.read(&row));
                    unique.read(&row, subjects);
                }
            }
            Err(error) if !of_one_column(&error) => return Err(error),
            Err(_) if to - from > 1 => {
                let middle = from + (to - from) / 2;
                open.extend([(middle, to), (from, middle)]);
            }
            Err(error) => {
                let name = &subjects[chosen[from]].profile.name;
                notes.push(format!("{name} has no sum, quantiles and histogram: {}", error.message));
            }
        }
        passes.tell(WHAT, MARKS, to, total);
    }
    Ok(correlations)
}

/// How the sum is asked for.
enum Sum {
    Exact(usize),
    /// Sum of the digits without the point, which stands so many digits before the end.
    Digits(usize, u32),
    /// Mean of the values divided by this number.
    Mean(usize, f64),
}

/// Where the figures of one column stand in the row.
struct Places {
    sum: Option<Sum>,
    std: Option<(usize, f64)>,
    quantiles: Option<(usize, bool)>,
    bins: Option<(usize, Bounds)>,
}

/// Bounds of bins: known here, or told by the engine.
enum Bounds {
    Known(Vec<String>),
    Told(usize),
}

impl Places {
    fn ask(subject: &Subject, rows: u64, asked: &mut Asked) -> Self {
        if !subject.class.is_number() {
            return Self { sum: None, std: None, quantiles: None, bins: bins(subject, asked) };
        }
        let (x, finite) = (&subject.sql, subject.finite());
        let scale = scale(subject);
        let plain = if subject.class == Class::Int { x.clone() } else { format!("{x}::double") };
        let divided = if scale == 1.0 { plain } else { format!("({plain} / {scale:e})") };
        let sum = match subject.class {
            Class::Float => Sum::Mean(asked.ask(format!("favg({divided}){finite}")), scale),
            Class::Wide => Sum::Exact(asked.ask(format!("sum({x}::bignum)::varchar"))),
            Class::Decimal(width, digits) if width as usize + rows.to_string().len() > 38 => Sum::Digits(
                asked.ask(format!("sum(replace({x}::varchar, '.', '')::bignum)::varchar")),
                digits,
            ),
            _ => Sum::Exact(asked.ask(format!("sum({x})::varchar"))),
        };
        Self {
            sum: Some(sum),
            std: Some((asked.ask(format!("stddev_samp({divided}){finite}")), scale)),
            quantiles: Some(quantiles(subject, rows, asked)),
            bins: bins(subject, asked),
        }
    }

    fn read(self, subject: &mut Subject, row: &[Cell]) {
        let present = subject.present;
        if let Some(number) = &mut subject.profile.number {
            let exact = match self.sum {
                Some(Sum::Exact(at)) => row[at].text().and_then(|t| t.parse::<BigDecimal>().ok()),
                Some(Sum::Digits(at, digits)) => {
                    let parsed = row[at].text().and_then(|t| t.parse::<BigDecimal>().ok());
                    parsed.map(|n| {
                        (n * BigDecimal::new(1.into(), i64::from(digits))).with_scale(i64::from(digits))
                    })
                }
                Some(Sum::Mean(at, scale)) => {
                    number.mean = float(&row[at]).map(|m| m * scale).filter(|m| m.is_finite());
                    None
                }
                None => None,
            };
            if let Some(sum) = exact {
                number.mean = (&sum / BigDecimal::from(present)).to_f64().filter(|m| m.is_finite());
                number.sum = Some(sum.to_plain_string());
            }
            number.std =
                self.std.and_then(|(at, scale)| float(&row[at]).map(|s| s * scale)).filter(|s| s.is_finite());
            if let Some((at, exact)) = self.quantiles {
                let values = list(&row[at]);
                let one = |(percent, value): (u64, &Cell)| {
                    let q = percent as f64 / 100.0;
                    value.text().map(|value| Quantile { q, value: value.to_owned(), exact })
                };
                number.quantiles = QUANTILES.into_iter().zip(&values).filter_map(one).collect();
            }
        }
        if let Some((at, bounds)) = self.bins {
            let bounds = match bounds {
                Bounds::Known(bounds) => bounds,
                Bounds::Told(at) => {
                    list(&row[at]).iter().filter_map(|c| c.text().map(str::to_owned)).collect()
                }
            };
            let counts = list(&row[at]);
            let bin = |(ends, cell): (&[String], &Cell)| Bin {
                low: ends[0].clone(),
                high: ends[1].clone(),
                count: count(cell),
            };
            subject.profile.histogram = bounds.windows(2).zip(&counts).map(bin).collect();
        }
    }
}

/// What values are divided by so that their squares and sums stay finite.
fn scale(subject: &Subject) -> f64 {
    match subject.range {
        Range::Float(low, high) => {
            let most = low.abs().max(high.abs());
            if most > SQUARE_SAFE { most } else { 1.0 }
        }
        _ => 1.0,
    }
}

fn quantiles(subject: &Subject, rows: u64, asked: &mut Asked) -> (usize, bool) {
    let (x, finite) = (&subject.sql, subject.finite());
    let exact = rows <= SORTED_ROWS;
    let function = if exact { "quantile_disc" } else { "approx_quantile" };
    let wide = if subject.class == Class::Wide { "::varchar[]" } else { "" };
    let points = QUANTILES.map(|percent| format!("0.{percent:02}")).join(", ");
    (asked.ask(format!("({function}({x}, [{points}]){finite}){wide}")), exact)
}

fn bins(subject: &Subject, asked: &mut Asked) -> Option<(usize, Bounds)> {
    let (x, finite) = (&subject.sql, subject.finite());
    let mut histogram = |values: &str, bounds: Vec<String>, element: &str| {
        asked.ask(format!("map_values(histogram({values}, [{}]::{element}[]){finite})", bounds.join(", ")))
    };
    match (&subject.range, subject.ticks()) {
        (Range::Units(low, high), Some(ticks)) => {
            let bins = UnitBins::new(*low, *high)?;
            let at = histogram(&ticks, bins.last.iter().map(ToString::to_string).collect(), "bigint");
            let values: Vec<String> =
                bins.whole_bounds().into_iter().map(|b| subject.tick_value(b)).collect();
            Some((at, Bounds::Told(asked.ask(format!("[{}]", values.join(", "))))))
        }
        (Range::Units(low, high), None) => {
            let bins = UnitBins::new(*low, *high)?;
            let scale = if let Class::Decimal(_, scale) = subject.class { scale } else { 0 };
            let last =
                bins.last.iter().map(|n| BigDecimal::new((*n).into(), i64::from(scale)).to_plain_string());
            Some((histogram(x, last.collect(), &subject.profile.r#type), Bounds::Known(bins.bounds(scale))))
        }
        (Range::Float(low, high), _) => {
            let (bounds, last) = float_bins(*low, *high);
            let at =
                histogram(&format!("{x}::double"), last.iter().map(|n| format!("{n:e}")).collect(), "double");
            Some((
                at,
                Bounds::Known(bounds.iter().map(|b| zmij::Buffer::new().format(*b).to_owned()).collect()),
            ))
        }
        (Range::None, _) => None,
    }
}

/// The elements of a list, which arrives as JSON text.
fn list(cell: &Cell) -> Vec<Cell> {
    cell.text().and_then(|text| serde_json::from_str(text).ok()).unwrap_or_default()
}
