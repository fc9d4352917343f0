//! Profiles: what a table holds, column by column, each figure exact or said to be approximate.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// `POST /api/profiles`: profile a table.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ProfileRequest {
    /// Table name, or the path of a file.
    pub table: String,
    /// See [`crate::QueryRequest::source`].
    #[serde(default)]
    pub source: Option<String>,
    /// Profile anew even if a stored profile of the same data exists.
    #[serde(default)]
    pub refresh: bool,
    /// Folder against which a relative file name is read.
    #[serde(default)]
    pub cwd: Option<String>,
}

/// A figure and whether it is exact.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct Figure<T> {
    /// The value.
    pub value: T,
    /// False: an estimate.
    pub exact: bool,
}

/// A profile of one table.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct Profile {
    /// The table, fully named.
    pub table: String,
    /// When it was made.
    pub created_at: String,
    /// Whether it was taken from the store.
    pub reused: bool,
    /// Rows.
    pub rows: u64,
    /// Rows that occur more than once, counted beyond their first occurrence.
    pub duplicate_rows: Figure<u64>,
    /// Milliseconds it took to make.
    pub time_ms: f64,
    /// Columns, in order.
    pub columns: Vec<ColumnProfile>,
    /// Pearson's r of pairs of numeric columns.
    pub correlations: Vec<Correlation>,
    /// What deserves a look.
    pub alerts: Vec<Alert>,
    /// What was left out or estimated, and why: one sentence each.
    #[serde(default)]
    pub notes: Vec<String>,
}

/// One column's profile.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct ColumnProfile {
    /// Name.
    pub name: String,
    /// The engine's name of the type.
    pub r#type: String,
    /// `number`, `time`, `text`, `bool`, `nested`, `binary`.
    pub kind: crate::ColumnKind,
    /// Rows that are NULL.
    pub nulls: u64,
    /// Distinct values, NULL not counted.
    pub distinct: Figure<u64>,
    /// Smallest value as text, exact; NaN and infinities of numbers do not count. None for bytes and nested values.
    /// A text longer than 256 characters is cut there and ends with an ellipsis.
    pub min: Option<String>,
    /// Largest value, likewise.
    pub max: Option<String>,
    /// Figures of a numeric column.
    pub number: Option<NumberStats>,
    /// Lengths of a text column, or of a column of bytes.
    pub text: Option<TextStats>,
    /// Most frequent values, at most ten; empty where counting them would cost too much.
    pub top: Vec<TopValue>,
    /// Whether counts in `top` are exact.
    pub top_exact: bool,
    /// Equal-width bins from min to max (numbers and times).
    pub histogram: Vec<Bin>,
}

/// Figures of a numeric column, over its non-NULL, finite values.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct NumberStats {
    /// Arithmetic mean.
    pub mean: Option<f64>,
    /// Sample standard deviation.
    pub std: Option<f64>,
    /// Sum as exact text; None for floating point.
    pub sum: Option<String>,
    /// Values that are zero.
    pub zeros: u64,
    /// Values below zero.
    pub negative: u64,
    /// NaN and infinities.
    pub not_finite: u64,
    /// 5, 25, 50, 75, 95 percent quantiles.
    pub quantiles: Vec<Quantile>,
}

/// A quantile.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct Quantile {
    /// Between 0 and 1.
    pub q: f64,
    /// Value as text.
    pub value: String,
    /// False: an estimate.
    pub exact: bool,
}

/// Lengths of a text column in characters, of a column of bytes in bytes.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct TextStats {
    /// Shortest.
    pub min_length: u64,
    /// Longest.
    pub max_length: u64,
    /// Mean.
    pub mean_length: f64,
    /// Empty texts.
    pub empty: u64,
}

/// A frequent value.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct TopValue {
    /// As text.
    pub value: String,
    /// How often.
    pub count: u64,
}

/// A bin of a histogram: from `low` (included) to `high` (excluded, but included in the last bin).
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct Bin {
    /// Lower bound as text.
    pub low: String,
    /// Upper bound as text.
    pub high: String,
    /// Values in it.
    pub count: u64,
}

/// Pearson's correlation of two numeric columns over all rows where both are present and finite.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct Correlation {
    /// One column.
    pub a: String,
    /// The other.
    pub b: String,
    /// Between -1 and 1; None when it is not defined (a constant column).
    pub r: Option<f64>,
}

/// Something that deserves a look.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Alert {
    /// `constant`, `unique`, `duplicates`, `mostly_null`, `all_null`, `high_correlation`, `skewed`, `zeros`, `not_finite`.
    pub kind: String,
    /// The column, if it is about one.
    pub column: Option<String>,
    /// One sentence.
    pub message: String,
}
