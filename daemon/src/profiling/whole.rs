//! What only the table as a whole tells: rows that repeat, and columns that go together.

use super::column::{Class, Range, SQUARE_SAFE, Subject};
use super::passes::{Asked, Passes, count, float, of_one_column};
use wharf_protocol::{ApiError, Cell, Correlation, Figure};

/// Numeric columns whose correlations are computed: pairs grow with the square.
pub(super) const CORRELATED: usize = 20;
/// Values up to which rows are compared as they are, not by their hash.
const COMPARED: u64 = 4_000_000;

/// Pairs of numeric columns, and where their correlations stand in a row.
pub(super) struct Pairs(Vec<(String, String, Option<usize>)>);

impl Pairs {
    /// Asks for Pearson's r of all pairs.
    pub(super) fn ask(subjects: &[Subject], asked: &mut Asked) -> Self {
        let numeric: Vec<&Subject> = numeric(subjects).take(CORRELATED).collect();
        let mut pairs = Vec::new();
        for (i, a) in numeric.iter().enumerate() {
            for b in &numeric[i + 1..] {
                let place = (a.present > 1 && b.present > 1).then(|| asked.ask(corr(a, b)));
                pairs.push((a.profile.name.clone(), b.profile.name.clone(), place));
            }
        }
        Self(pairs)
    }

    /// The correlations, out of the row that was asked for.
    pub(super) fn read(self, row: &[Cell]) -> Vec<Correlation> {
        let r = |place: Option<usize>| place.and_then(|at| float(&row[at])).map(|r| r.clamp(-1.0, 1.0));
        self.0.into_iter().map(|(a, b, place)| Correlation { a, b, r: r(place) }).collect()
    }
}

fn numeric(subjects: &[Subject]) -> impl Iterator<Item = &Subject> {
    subjects.iter().filter(|s| s.class.is_number() && !s.opaque)
}

/// Pearson's r of all pairs of numeric columns, in a statement of its own.
pub(super) async fn correlations(
    passes: &Passes<'_>,
    subjects: &[Subject],
    notes: &mut Vec<String>,
) -> Result<Vec<Correlation>, ApiError> {
    passes.tell("correlations", (85, 90), 0, 1);
    let mut asked = Asked::default();
    let pairs = Pairs::ask(subjects, &mut asked);
    if asked.0.is_empty() {
        return Ok(pairs.read(&[]));
    }
    match passes.row(&asked.0).await {
        Ok(row) => Ok(pairs.read(&row)),
        Err(error) if !of_one_column(&error) => Err(error),
        Err(error) => {
            notes.push(format!("correlations are left out: {}", error.message));
            Ok(Vec::new())
        }
    }
}

/// Says so where not all numeric columns are correlated.
pub(super) fn note_limit(subjects: &[Subject], notes: &mut Vec<String>) {
    let all = numeric(subjects).count();
    if all > CORRELATED {
        notes.push(format!(
            "correlations are of the first {CORRELATED} of {all} numeric columns: pairs grow with the square"
        ));
    }
}

fn corr(a: &Subject, b: &Subject) -> String {
    let floats: Vec<String> =
        [a, b].iter().filter(|s| s.class == Class::Float).map(|s| format!("isfinite({})", s.sql)).collect();
    let filter =
        if floats.is_empty() { String::new() } else { format!(" filter ({})", floats.join(" and ")) };
    format!("corr({}, {}){filter}", scaled(a), scaled(b))
}

/// The column as floating point; r is the same whatever it is divided by.
fn scaled(subject: &Subject) -> String {
    let most = match subject.range {
        Range::Float(low, high) => low.abs().max(high.abs()),
        _ => 0.0,
    };
    if most > SQUARE_SAFE {
        format!("{}::double / {most:e}", subject.sql)
    } else {
        format!("{}::double", subject.sql)
    }
}

/// Rows beyond the first of their like.
pub(super) async fn duplicates(
    passes: &Passes<'_>,
    rows: u64,
    subjects: &[Subject],
    notes: &mut Vec<String>,
) -> Result<Figure<u64>, ApiError> {
    passes.tell("rows that repeat", (90, 100), 0, 1);
    let unique =
        |s: &Subject| s.profile.distinct.exact && s.profile.nulls == 0 && s.profile.distinct.value == rows;
    if rows < 2 || subjects.iter().any(unique) {
        return Ok(Figure { value: 0, exact: true });
    }
    let width: f64 = subjects.iter().map(|s| s.mean_length.max(8.0) / 8.0).sum();
    let compared = rows as f64 * width <= COMPARED as f64;
    let distinct = if compared {
        let sql = format!("select count(*) from (select distinct * from {})", passes.relation());
        passes.rows(sql).await.map(|rows| rows.into_iter().next().unwrap_or_default())
    } else {
        passes.row(&["count(distinct hash(t))".to_owned()]).await
    };
    match distinct {
        Ok(row) => {
            let value = rows.saturating_sub(row.first().map_or(0, count));
            // Different hashes prove different rows; equal ones only make equal rows all but certain.
            Ok(Figure { value, exact: compared || value == 0 })
        }
        Err(error) if !of_one_column(&error) => Err(error),
        Err(error) => {
            notes.push(format!("rows that repeat could not be counted: {}", error.message));
            Ok(Figure { value: 0, exact: false })
        }
    }
}
