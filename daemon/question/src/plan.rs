//! Plan: the resolved parts of a question, and the metric query they make.

use serde::{Deserialize, Serialize};
use wharf_semantic::MetricQuery;

use crate::grain::Grain;
use crate::mark::{ChartHint, Rank};
use crate::period::Period;
use crate::reading::{Comparison, Having};
use crate::vocabulary::{DimensionKind, DimensionTerm, Vocabulary};

/// The resolved parts of a question. Follow-ups change some and keep the rest.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub(crate) struct Plan {
    pub(crate) metrics: Vec<String>,
    pub(crate) groups: Vec<Group>,
    pub(crate) filters: Vec<Filter>,
    pub(crate) period: Option<Period>,
    /// Periods left out of `period`.
    pub(crate) without: Vec<Period>,
    /// Periods that do not touch, of one grain: "january and march".
    pub(crate) among: Vec<Period>,
    pub(crate) rank: Option<Ranking>,
    pub(crate) limit: Option<u64>,
    pub(crate) having: Vec<Having>,
    /// Sort columns said by the person.
    pub(crate) sort: Vec<String>,
    pub(crate) against: Option<Against>,
    pub(crate) chart: Option<ChartHint>,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Group {
    Time(Grain),
    Calendar(String),
    Dimension { name: String, grain: Option<Grain> },
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Filter {
    pub(crate) dimension: String,
    pub(crate) test: Test,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Test {
    In(Vec<String>),
    NotIn(Vec<String>),
    True(bool),
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Ranking {
    pub(crate) rank: Rank,
    pub(crate) metric: String,
}

/// What the result is set against.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Against {
    /// The period moved; without a grain by its own length.
    Moved {
        grain: Option<Grain>,
        count: i32,
    },
    Period(Period),
    Share,
    Step(Grain),
}

impl Group {
    /// The column of the result, which is also the group-by item.
    pub(crate) fn column(&self) -> String {
        match self {
            Self::Time(grain) => format!("metric_time__{}", grain.name()),
            Self::Calendar(name) => format!("metric_time__{name}"),
            Self::Dimension { name, grain: Some(grain) } => format!("{name}__{}", grain.name()),
            Self::Dimension { name, grain: None } => name.clone(),
        }
    }

    pub(crate) fn is_time(&self) -> bool {
        matches!(self, Self::Time(_) | Self::Calendar(_))
    }
}

impl Plan {
    /// The metric query, without its limit when conditions on rows come first.
    pub(crate) fn query(&self, vocabulary: &Vocabulary) -> MetricQuery {
        let mut filters: Vec<String> = self.filters.iter().map(|filter| filter.sql(vocabulary)).collect();
        filters.extend(self.time_filters());
        MetricQuery {
            metrics: self.metrics.clone(),
            group_by: self.groups.iter().map(Group::column).collect(),
            r#where: filters,
            order_by: self.order(),
            limit: if self.having.is_empty() { self.limit } else { None },
            start_time: self.period.and_then(|period| period.start).map(|day| day.to_string()),
            end_time: self.period.and_then(|period| period.end).map(|day| day.to_string()),
            saved_query: None,
        }
    }

    /// Sort columns: as said, else the ranking, else along the time.
    fn order(&self) -> Vec<String> {
        if !self.sort.is_empty() {
            return self.sort.clone();
        }
        if let Some(Ranking { rank, metric }) = &self.rank {
            return vec![if *rank == Rank::Best { format!("-{metric}") } else { metric.clone() }];
        }
        self.groups.iter().filter(|group| group.is_time()).map(Group::column).collect()
    }

    fn time_filters(&self) -> Vec<String> {
        let item = |grain: Grain| format!("{{{{ TimeDimension('metric_time', '{}') }}}}", grain.name());
        let first = |period: &Period| period.start.map(|day| format!("'{day}'"));
        let mut filters = Vec::new();
        if let Some(grain) = self.among.first().and_then(Period::exact_unit) {
            let days: Vec<String> = self.among.iter().filter_map(first).collect();
            filters.push(format!("{} in ({})", item(grain), days.join(", ")));
        }
        for period in &self.without {
            if let (Some(grain), Some(day)) = (period.exact_unit(), first(period)) {
                filters.push(format!("{} != {day}", item(grain)));
            }
        }
        filters
    }

    /// What the result is compared with, with the second query ready to run.
    pub(crate) fn comparison(&self, vocabulary: &Vocabulary) -> Option<Comparison> {
        let other = |period: Period| {
            let plan = Self { period: Some(period), against: None, ..self.clone() };
            // Rows of the other period are looked up by key, so a limit would lose some.
            let query = MetricQuery { limit: None, ..plan.query(vocabulary) };
            Comparison::OtherPeriod { label: period.words(), query }
        };
        Some(match self.against.as_ref()? {
            Against::Moved { grain, count } => other(self.period?.moved(*grain, *count)?),
            Against::Period(period) => other(*period),
            Against::Step(step) => Comparison::PeriodOverPeriod { step: *step },
            Against::Share => {
                let grouped = !self.groups.is_empty();
                let total = Self {
                    groups: Vec::new(),
                    filters: if grouped { self.filters.clone() } else { Vec::new() },
                    rank: None,
                    limit: None,
                    having: Vec::new(),
                    sort: Vec::new(),
                    ..self.clone()
                };
                Comparison::ShareOfTotal { query: total.query(vocabulary) }
            }
        })
    }
}

impl Filter {
    fn sql(&self, vocabulary: &Vocabulary) -> String {
        let term = vocabulary.dimensions.iter().find(|term| term.name == self.dimension);
        let item = template(&self.dimension, term);
        let number = term.is_some_and(|term| term.kind == DimensionKind::Number);
        let literal = |value: &String| {
            if number && value.parse::<f64>().is_ok_and(f64::is_finite) {
                value.clone()
            } else {
                format!("'{}'", value.replace('\'', "''"))
            }
        };
        let list = |values: &[String]| values.iter().map(literal).collect::<Vec<_>>().join(", ");
        match &self.test {
            Test::True(true) => item,
            Test::True(false) => format!("not {item}"),
            Test::In(values) if values.len() == 1 => format!("{item} = {}", list(values)),
            Test::In(values) => format!("{item} in ({})", list(values)),
            Test::NotIn(values) if values.len() == 1 => format!("{item} != {}", list(values)),
            Test::NotIn(values) => format!("{item} not in ({})", list(values)),
        }
    }
}

/// The filter template of an item. Entities beyond the last one go into `entity_path`.
fn template(name: &str, term: Option<&DimensionTerm>) -> String {
    let mut parts: Vec<&str> = name.split("__").collect();
    let last = parts.pop().unwrap_or(name);
    let path = |parts: &[&str]| match parts {
        [] => String::new(),
        parts => {
            let quoted: Vec<String> = parts.iter().map(|part| format!("'{part}'")).collect();
            format!(", entity_path=[{}]", quoted.join(", "))
        }
    };
    if term.is_some_and(|term| term.kind == DimensionKind::EntityKey) {
        return format!("{{{{ Entity('{last}'{}) }}}}", path(&parts));
    }
    match parts.pop() {
        Some(entity) => format!("{{{{ Dimension('{entity}__{last}'{}) }}}}", path(&parts)),
        None => format!("{{{{ Dimension('{last}') }}}}"),
    }
}
