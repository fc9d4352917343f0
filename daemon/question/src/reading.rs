//! Reading: what a question was taken to mean, or why it cannot be answered.

use serde::{Deserialize, Serialize};
use wharf_semantic::MetricQuery;

use crate::grain::Grain;
use crate::mark::{ChartHint, Op};
use crate::plan::Plan;

/// The result of reading one question.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "outcome", rename_all = "snake_case")]
pub enum Outcome {
    /// Every word has a meaning: run this.
    Query(Box<Reading>),
    /// The question cannot be answered as it stands; no number may be shown.
    Cannot(Cannot),
}

/// A question read in full. A session stores it and hands it to the next question.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Reading {
    /// The query to run.
    pub query: MetricQuery,
    /// Conditions on the result rows, all of which must hold. They apply before the limit: when there are any, the
    /// limit is in [`Self::limit`] and not in the query.
    pub having: Vec<Having>,
    /// Rows to keep after [`Self::having`], in the order of the query.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub limit: Option<u64>,
    /// One line that states the reading in plain words.
    pub summary: String,
    /// The picture asked for, when one was.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub chart: Option<ChartHint>,
    /// What the result is to be compared with.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub comparison: Option<Comparison>,
    /// The parts, for the next question of the session.
    pub(crate) plan: Plan,
}

/// A condition on a result row.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Having {
    /// The output column.
    pub metric: String,
    /// How it is compared; NULL never holds.
    pub op: Op,
    /// The number in plain decimal digits, exact.
    pub number: String,
}

/// What a result is compared with. The numbers come from result rows; nothing is computed here.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum Comparison {
    /// The same question over another period: rows meet on the group-by columns, time columns by their position.
    OtherPeriod {
        /// The other period in words.
        label: String,
        /// The query for the other period.
        query: MetricQuery,
    },
    /// Each row as a share of a total.
    ShareOfTotal {
        /// The query whose one row is the total.
        query: MetricQuery,
    },
    /// Each row against the row one `step` earlier. The query sorts by the time column.
    PeriodOverPeriod {
        /// The distance between the two rows.
        step: Grain,
    },
}

/// Why a question cannot be answered, and what could be asked instead.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Cannot {
    /// The kind of obstacle.
    pub kind: CannotKind,
    /// What is the matter, for the person: lower case, no full stop.
    pub message: String,
    /// What to do next.
    pub hint: String,
    /// The words that were understood.
    pub understood: Vec<String>,
    /// The words that were not.
    pub unknown: Vec<String>,
    /// The names to choose from, when the question is ambiguous.
    pub choices: Vec<String>,
    /// Questions that work and are near the one asked.
    pub offers: Vec<Offer>,
}

/// The kind of obstacle.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum CannotKind {
    /// Some words mean nothing in this model.
    UnknownWords,
    /// Known words whose place in the question is not clear.
    Unclear,
    /// Several readings are equally near.
    Ambiguous,
    /// The metric does not have that dimension, period or grain.
    NotAvailable,
    /// No metric is named.
    NoMetric,
    /// The question asks to change something.
    Refused,
}

/// A question that works.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Offer {
    /// The question to ask.
    pub text: String,
    /// The metric and dimensions it uses, by name.
    pub names: Vec<String>,
}

/// A [`Cannot`] before offers are made.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Trouble {
    pub(crate) kind: CannotKind,
    pub(crate) message: String,
    pub(crate) hint: String,
    pub(crate) unknown: Vec<String>,
    pub(crate) choices: Vec<String>,
    /// Metrics the question did name, to build the offers on.
    pub(crate) metrics: Box<[usize]>,
}

impl Trouble {
    pub(crate) fn new(kind: CannotKind, message: String, hint: &str) -> Self {
        Self {
            kind,
            message,
            hint: hint.to_owned(),
            unknown: Vec::new(),
            choices: Vec::new(),
            metrics: Box::default(),
        }
    }
}

/// `“a”, “b” and “c”`.
pub(crate) fn quoted(words: &[String]) -> String {
    let quoted: Vec<String> = words.iter().map(|word| format!("“{word}”")).collect();
    listed(&quoted)
}

/// `a, b and c`.
pub(crate) fn listed(words: &[String]) -> String {
    match words {
        [] => String::new(),
        [one] => one.clone(),
        [many @ .., last] => format!("{} and {last}", many.join(", ")),
    }
}
