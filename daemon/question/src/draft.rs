//! Draft: what the phrases of one question ask for, before the model decides which item each of them means.

use crate::grain::Grain;
use crate::mark::{ChartHint, Op, Rank};
use crate::period::Period;

/// The parts of one question, in the order of the words.
#[derive(Debug, Default)]
pub(crate) struct Draft {
    pub(crate) metrics: Vec<Choice>,
    pub(crate) groups: Vec<GroupAsk>,
    /// Things named without "by": they group, are counted in a condition, or only name what a filter is about.
    pub(crate) loose: Vec<LooseAsk>,
    pub(crate) filters: Vec<FilterAsk>,
    pub(crate) periods: Vec<PeriodAsk>,
    /// "the day before": a grain and a direction.
    pub(crate) earlier: Option<(Option<Grain>, i32)>,
    /// "versus the previous month".
    pub(crate) versus_earlier: Option<(Option<Grain>, i32)>,
    pub(crate) all_time: bool,
    /// "remove the filter".
    pub(crate) clear_filters: bool,
    /// "in total": the groups end.
    pub(crate) ungroup: bool,
    /// "without limit".
    pub(crate) unlimited: bool,
    /// "drop the month": the time groups end.
    pub(crate) drop_time: bool,
    pub(crate) rank: Option<Rank>,
    pub(crate) count: Option<u64>,
    /// The thing ranked is named in the singular: one row is wanted.
    pub(crate) single: bool,
    pub(crate) having: Vec<HavingAsk>,
    pub(crate) sort: Vec<SortAsk>,
    /// Sort direction said apart; true is descending.
    pub(crate) descending: Option<bool>,
    pub(crate) share: bool,
    pub(crate) growth: Option<Option<Grain>>,
    pub(crate) versus: bool,
    pub(crate) compare: bool,
    pub(crate) chart: Option<ChartHint>,
    pub(crate) trend: bool,
    pub(crate) follow: FollowMarks,
    /// Metrics to take out: "instead of revenue", "drop items".
    pub(crate) removed: Vec<Choice>,
    /// Dimensions whose filter or split ends: "all channels".
    pub(crate) all_of: Vec<Choice>,
    pub(crate) dropped_groups: Vec<Choice>,
    /// "per", "in each": a ranking is then meant within each of the groups.
    pub(crate) per: bool,
    /// Whether the metric was reached by "by": "by items instead".
    pub(crate) by_metric: bool,
    /// The metric said after "by": the one to rank by.
    pub(crate) rank_by: Option<Choice>,
    /// Words that are known, but that have no place in the question.
    pub(crate) unplaced: Vec<String>,
    /// Words that nothing knows.
    pub(crate) unknown: Vec<String>,
    /// Dates that can be read two ways.
    pub(crate) unclear: Vec<String>,
}

impl Draft {
    /// Whether the question asks for nothing at all, not even a change.
    pub(crate) fn is_empty(&self) -> bool {
        let lists = self.metrics.is_empty()
            && self.groups.is_empty()
            && self.loose.is_empty()
            && self.filters.is_empty()
            && self.periods.is_empty()
            && self.having.is_empty()
            && self.sort.is_empty()
            && self.removed.is_empty()
            && self.all_of.is_empty()
            && self.dropped_groups.is_empty();
        let options = self.earlier.is_some()
            || self.versus_earlier.is_some()
            || self.rank.is_some()
            || self.count.is_some()
            || self.descending.is_some()
            || self.growth.is_some()
            || self.chart.is_some();
        let switches = self.all_time
            || self.clear_filters
            || self.ungroup
            || self.unlimited
            || self.drop_time
            || self.share
            || self.trend;
        lists && !options && !switches
    }
}

/// Words that tie a question to the one before it.
#[derive(Debug, Default, Clone, Copy)]
pub(crate) struct FollowMarks {
    pub(crate) leading_and: bool,
    pub(crate) and_by: bool,
    pub(crate) also: bool,
    pub(crate) instead: bool,
    pub(crate) same: bool,
    pub(crate) only: bool,
}

impl FollowMarks {
    pub(crate) fn any(self) -> bool {
        self.leading_and || self.and_by || self.also || self.instead || self.same
    }
}

/// A phrase with the items of the vocabulary it may mean.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Choice {
    pub(crate) items: Vec<usize>,
    pub(crate) text: String,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum GroupAsk {
    Grain(Grain),
    Calendar(usize),
    /// Dimensions, and for a time dimension the grain asked for.
    Dimension(Choice, Option<Grain>),
}

#[derive(Debug, Clone)]
pub(crate) struct LooseAsk {
    pub(crate) dimensions: Choice,
    pub(crate) nouns: Vec<usize>,
    /// "which", "top" or a number before it, so it is what the rows are.
    pub(crate) ranked: bool,
    /// A filter stands right beside it: "vip customers".
    pub(crate) beside_filter: bool,
    /// The metric follows at once: "store revenue".
    pub(crate) before_metric: bool,
}

#[derive(Debug, Clone)]
pub(crate) struct FilterAsk {
    pub(crate) test: TestAsk,
    pub(crate) negated: bool,
    /// The dimension said beside the value: "segment business".
    pub(crate) said: Vec<usize>,
    /// The entity said behind the value: "web orders".
    pub(crate) noun: Vec<usize>,
    pub(crate) text: String,
}

#[derive(Debug, Clone)]
pub(crate) enum TestAsk {
    /// Pairs of dimension and value.
    Value(Vec<(usize, usize)>),
    /// Boolean dimensions.
    True(Vec<usize>),
    /// A number as it stands in the values of the dimension said.
    Text(String),
}

#[derive(Debug, Clone, Copy)]
pub(crate) struct PeriodAsk {
    pub(crate) period: Period,
    pub(crate) negated: bool,
    pub(crate) versus: bool,
}

#[derive(Debug, Clone)]
pub(crate) struct HavingAsk {
    pub(crate) metric: Option<Choice>,
    pub(crate) op: Op,
    pub(crate) number: String,
}

#[derive(Debug, Clone)]
pub(crate) enum SortAsk {
    Metric(Choice),
    Dimension(Choice),
    Grain(Grain),
}
