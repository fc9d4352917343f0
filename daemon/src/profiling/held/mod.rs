//! Columns held in memory: read once, sorted, and every figure of theirs told exactly.
//!
//! Sorting a million numbers takes less time than the engine needs for its estimates of their quantiles and distinct
//! values alone, so up to [`ROWS`] rows numbers and times are measured here. Larger tables, text, and numbers wider
//! than 64 bits are measured by statements.

mod correlate;
mod figures;
mod keys;

use super::column::{Class, Subject};
use super::passes::{HELD_MARK, Passes};
use crate::lifecycle::blocking;
use figures::Sorted;
use futures::StreamExt;
use keys::Keys;
use wharf_protocol::{ApiError, Correlation};

const WHAT: &str = "sorting values";
const MARKS: (u64, u64) = (0, HELD_MARK);
/// Up to this many rows a column is held: 64 MiB for its keys, and as much again while it is read.
const ROWS: u64 = 8_000_000;
/// Columns read at once.
const AT_ONCE: usize = 2;
/// Values that correlations may hold: 128 MiB.
const ALIGNED: u64 = 16_000_000;

/// What came of it.
pub(super) struct Held {
    /// The columns that were measured, with their figures.
    pub(super) subjects: Vec<Subject>,
    /// Their correlations; none where there are too many values for that.
    pub(super) correlations: Option<Vec<Correlation>>,
}

/// Whether a column of so many rows is measured here.
pub(super) fn fits(subject: &Subject, rows: u64) -> bool {
    rows <= ROWS
        && match subject.class {
            Class::Int => subject.profile.r#type != "UBIGINT",
            Class::Decimal(width, _) => width <= 18,
            Class::Float | Class::Date | Class::Time => true,
            Class::Stamp { .. } => !matches!(subject.profile.r#type.as_str(), "TIMESTAMP_S" | "TIMESTAMP_MS"),
            _ => false,
        }
}

/// Reads and measures these columns of a table of so many rows; the first `correlated` numeric ones also against one
/// another.
pub(super) async fn measure(
    passes: &Passes<'_>,
    rows: u64,
    subjects: Vec<Subject>,
    correlated: usize,
) -> Result<Held, ApiError> {
    let total = subjects.len();
    let numeric = subjects.iter().filter(|s| s.class.is_number()).take(correlated).count() as u64;
    let aligned = (rows * numeric <= ALIGNED).then_some(correlated);
    let mut wanted = aligned.unwrap_or(0);
    let mut columns = futures::stream::iter(subjects)
        .map(|subject| {
            let align = subject.class.is_number() && wanted > 0;
            wanted -= usize::from(align);
            column(passes, rows, subject, align)
        })
        .buffered(AT_ONCE);
    let (mut measured, mut values) = (Vec::with_capacity(total), Vec::new());
    while let Some(column) = columns.next().await {
        let (subject, aligned) = column?;
        values.extend(aligned.map(|v| (subject.profile.name.clone(), v)));
        measured.push(subject);
        passes.tell(WHAT, MARKS, measured.len(), total);
    }
    drop(columns);
    let correlations = match aligned {
        Some(_) => Some(blocking(move || Ok(correlate::all(&values))).await?),
        None => None,
    };
    Ok(Held { subjects: measured, correlations })
}

async fn column(
    passes: &Passes<'_>,
    rows: u64,
    mut subject: Subject,
    align: bool,
) -> Result<(Subject, Option<correlate::Values>), ApiError> {
    let sql = format!("select {} from {} as t", subject.sql, passes.relation());
    let keys = passes.through(sql, Keys::new(rows, align)).await?;
    passes.same_rows(rows, keys.rows())?;
    blocking(move || {
        let (sorted, aligned) = Sorted::of(keys);
        sorted.tell(&mut subject);
        Ok((subject, aligned))
    })
    .await
}
