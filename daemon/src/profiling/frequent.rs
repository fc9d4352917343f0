//! The last pass: exact distinct values and the most frequent ones, where that is affordable.

use super::column::{Class, Subject, TOP, shorten};
use super::passes::{Asked, Passes, count, of_one_column};
use wharf_protocol::{ApiError, Cell, Figure, TopValue};

const WHAT: &str = "frequent values";
const MARKS: (u64, u64) = (70, 85);
/// Columns of few values that share a scan.
const SHARED: usize = 24;
/// Up to this many distinct values a column is one of few.
const FEW: u64 = 20_000;
/// Up to this many distinct values are told apart exactly.
const MANY: u64 = 2_000_000;
/// Both limits for text files, where each statement reads everything.
const TOGETHER: u64 = 200_000;
/// Groups that one statement over several columns may hold.
const GROUPS: u64 = 1_000_000;
/// Bytes that the values to be told apart may take.
const BYTES: f64 = 64e6;
/// A column whose estimate is this close to one value a row is tested for being unique.
const NEARLY: f64 = 0.9;

/// Counts frequent values.
pub(super) async fn measure(
    passes: &Passes<'_>,
    rows: u64,
    subjects: &mut [Subject],
    notes: &mut Vec<String>,
) -> Result<(), ApiError> {
    passes.tell(WHAT, MARKS, 0, 1);
    let (few, most) = if passes.target.together { (TOGETHER, TOGETHER) } else { (FEW, MANY) };
    let estimate = |i: &usize| subjects[*i].profile.distinct.value;
    let fits = |i: &usize| {
        let s = &subjects[*i];
        !s.opaque
            && s.present > 0
            && estimate(i) <= most
            && estimate(i) as f64 * (s.mean_length + 32.0) <= BYTES
    };
    let (few, many): (Vec<usize>, Vec<usize>) =
        (0..subjects.len()).filter(fits).partition(|i| estimate(i) <= few);
    let shared = if passes.target.together { SHARED } else { passes.batch(rows).min(SHARED) };
    let mut open: Vec<Vec<usize>> = shares(&few, shared, estimate);
    open.extend(many.chunks(1).map(<[usize]>::to_vec));
    open.reverse();
    let (mut done, total) = (0, few.len() + many.len());
    while let Some(columns) = open.pop() {
        let chosen: Vec<&Subject> = columns.iter().map(|i| &subjects[*i]).collect();
        match passes.rows(select(&chosen, passes.relation())).await {
            Ok(found) => {
                read(&columns, &found, subjects);
                done += columns.len();
            }
            Err(error) if !of_one_column(&error) => return Err(error),
            Err(_) if columns.len() > 1 => {
                let (left, right) = columns.split_at(columns.len() / 2);
                open.extend([right.to_vec(), left.to_vec()]);
            }
            Err(error) => {
                notes.push(format!(
                    "frequent values of {} are left out: {}",
                    subjects[columns[0]].profile.name, error.message
                ));
                subjects[columns[0]].profile.top_exact = false;
                done += 1;
            }
        }
        passes.tell(WHAT, MARKS, done, total);
    }
    for subject in subjects.iter_mut().filter(|s| s.present > 0 && !s.profile.distinct.exact) {
        subject.profile.top_exact = false;
    }
    test_uniqueness(passes, subjects).await
}

/// Columns in portions of so many, with so many groups at most.
fn shares(columns: &[usize], most: usize, estimate: impl Fn(&usize) -> u64) -> Vec<Vec<usize>> {
    let mut shares: Vec<Vec<usize>> = Vec::new();
    let mut groups = 0;
    for column in columns {
        match shares.last_mut().filter(|share| share.len() < most && groups + estimate(column) <= GROUPS) {
            Some(share) => share.push(*column),
            None => {
                shares.push(vec![*column]);
                groups = 0;
            }
        }
        groups += estimate(column);
    }
    shares
}

/// The largest groups of one column, and how many groups there are.
fn select_one(column: &Subject, table: &str) -> String {
    let (name, shown) = (&column.sql, column.shown("k"));
    format!(
        "with groups as (select {name} as k, count(*) as c from {table} as t where {name} is not null group by 1) \
         select 0, c, (select count(*) from groups), {shown} from groups order by c desc, k limit {TOP}"
    )
}

/// One scan for all these columns: a grouping of its own for each, of which the largest groups come back.
fn select(columns: &[&Subject], table: &str) -> String {
    if let [one] = columns {
        return select_one(one, table);
    }
    let names: Vec<&str> = columns.iter().map(|s| s.sql.as_str()).collect();
    let sets: Vec<String> = names.iter().map(|n| format!("({n})")).collect();
    let keys: Vec<String> = (0..names.len()).map(|i| format!("k{i}")).collect();
    let inner: Vec<String> = names.iter().zip(&keys).map(|(n, k)| format!("{n} as {k}")).collect();
    let shown: Vec<String> =
        columns.iter().zip(&keys).map(|(s, k)| format!("{} as {k}", s.shown(k))).collect();
    let present: Vec<String> = keys.iter().map(|k| format!("{k} is not null")).collect();
    let (names, sets, inner) = (names.join(", "), sets.join(", "), inner.join(", "));
    let (shown, present, order) = (shown.join(", "), present.join(" or "), keys.join(", "));
    format!(
        "select g, c, n, {shown} from (select *, count(*) over (partition by g) as n \
         from (select grouping_id({names}) as g, count(*) as c, {inner} from {table} as t group by grouping sets ({sets})) \
         where {present}) \
         qualify row_number() over (partition by g order by c desc, {order}) <= {TOP} order by g, c desc, {order}"
    )
}

fn read(columns: &[usize], found: &[Vec<Cell>], subjects: &mut [Subject]) {
    for (place, index) in columns.iter().enumerate() {
        let subject = &mut subjects[*index];
        // The number of a set has a bit for every column that it does not group by, the last column's bit lowest.
        let all = (1_u64 << columns.len()) - 1;
        let set = if columns.len() > 1 { all & !(1 << (columns.len() - 1 - place)) } else { 0 };
        let rows: Vec<&Vec<Cell>> = found.iter().filter(|row| count(&row[0]) == set).collect();
        let Some(first) = rows.first() else { continue };
        subject.profile.distinct = Figure { value: count(&first[2]), exact: true };
        let value = |row: &&Vec<Cell>| {
            let text = row[3 + place].text().unwrap_or_default();
            TopValue { value: shorten(text), count: count(&row[1]) }
        };
        subject.profile.top = rows.iter().map(value).collect();
    }
}

/// Columns that are tested for being unique, and where their distinct values stand in a row.
pub(super) struct Unique(Vec<(usize, usize)>);

impl Unique {
    /// Asks about the columns that seem to hold one value a row and are not looked at anyway.
    pub(super) fn ask(subjects: &[Subject], asked: &mut Asked) -> Self {
        let chosen = (0..subjects.len())
            .filter(|i| subjects[*i].profile.distinct.value > TOGETHER && seems_unique(&subjects[*i]));
        Self(chosen.map(|i| (i, asked.ask(format!("count(distinct {})", subjects[i].sql)))).collect())
    }

    /// Takes the answers out of the row that was asked for.
    pub(super) fn read(self, row: &[Cell], subjects: &mut [Subject]) {
        for (index, place) in self.0 {
            subjects[index].profile.distinct = Figure { value: count(&row[place]), exact: true };
        }
    }
}

fn seems_unique(subject: &Subject) -> bool {
    let likely =
        !matches!(subject.class, Class::Nested | Class::Binary | Class::Float) && subject.mean_length <= 64.0;
    let distinct = &subject.profile.distinct;
    let close = distinct.value as f64 >= subject.present as f64 * NEARLY;
    !subject.opaque && subject.present > 0 && !distinct.exact && likely && close
}

/// Finds out for sure about columns that seem to hold one value a row.
async fn test_uniqueness(passes: &Passes<'_>, subjects: &mut [Subject]) -> Result<(), ApiError> {
    let chosen: Vec<usize> = (0..subjects.len()).filter(|i| seems_unique(&subjects[*i])).collect();
    for index in chosen {
        let row = passes.row(&[format!("count(distinct {})", subjects[index].sql)]).await?;
        subjects[index].profile.distinct = Figure { value: count(&row[0]), exact: true };
    }
    Ok(())
}
