//! Marks: words and phrases that say what the words around them do.

use serde::{Deserialize, Serialize};

use crate::grain::Grain;

/// What a grammar phrase announces.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Mark {
    /// Groups follow.
    By,
    /// As [`Self::By`]; beside a ranking it asks for one within each group.
    Per,
    /// Groups follow, added to those of the previous question.
    AndBy,
    And,
    Or,
    Not,
    /// Denies the next word only: "non-vip".
    Non,
    /// "remove the filter".
    Filters,
    /// "in total": no split.
    Ungroup,
    Only,
    With,
    In,
    Is,
    Op(Op),
    Between,
    /// "or more" behind a number.
    Beyond(Op),
    Top(Rank),
    Most(Rank),
    /// "rank stores by revenue".
    Rank,
    Which,
    What,
    HowMany,
    Share,
    Growth(Option<Grain>),
    /// "growth by month": the groups follow too.
    GrowthBy,
    Versus,
    Compare,
    Instead,
    InsteadOf,
    Same,
    Also,
    Remove,
    MakeIt,
    /// "without limit".
    Unlimited,
    SortBy,
    /// Sort direction; true is descending.
    Direction(bool),
    Chart(ChartHint),
    Trend,
    All,
    Filler,
}

/// Which end of a ranking is wanted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Rank {
    Best,
    Worst,
}

/// The form of picture asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ChartHint {
    /// A chart, whichever fits.
    Any,
    /// Lines along the time axis.
    Line,
    /// Bars.
    Bar,
    /// No chart: a table.
    Table,
}

/// How a result is compared with a number.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum Op {
    /// `>`
    #[serde(rename = ">")]
    Above,
    /// `>=`
    #[serde(rename = ">=")]
    AtLeast,
    /// `<`
    #[serde(rename = "<")]
    Below,
    /// `<=`
    #[serde(rename = "<=")]
    AtMost,
    /// `=`
    #[serde(rename = "=")]
    Equal,
}

impl Op {
    /// The sign as SQL writes it.
    #[must_use]
    pub fn sign(self) -> &'static str {
        match self {
            Self::Above => ">",
            Self::AtLeast => ">=",
            Self::Below => "<",
            Self::AtMost => "<=",
            Self::Equal => "=",
        }
    }
}
