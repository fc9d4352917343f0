//! The checked model: what the files of all layouts are read into.

use indexmap::IndexMap;

use crate::error::Place;
use crate::expr::Expr;
use crate::grain::{Grain, Window};
use crate::graph::Graph;

/// Words about an object for people and for readers of natural language.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct About {
    /// A short title.
    pub label: Option<String>,
    /// A sentence or more.
    pub description: Option<String>,
    /// Other names people use for it.
    pub synonyms: Vec<String>,
    /// What the file says under `meta`, as it stands there.
    pub meta: serde_json::Map<String, serde_json::Value>,
}

impl About {
    /// A text under `meta`, for example `unit` or `format`.
    #[must_use]
    pub fn meta_text(&self, key: &str) -> Option<&str> {
        self.meta.get(key).and_then(serde_json::Value::as_str)
    }
}

/// A name that refers to another object, with the place where it is written.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Reference {
    /// The name.
    pub name: String,
    /// Where it is written.
    pub place: Place,
}

/// What an entity column is in its table.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum EntityKind {
    /// One row per value, never NULL.
    Primary,
    /// One row per value, may be NULL.
    Unique,
    /// Many rows per value.
    Foreign,
    /// The key of a table with validity windows: one row per value and instant.
    Natural,
}

/// A key by which tables join.
#[derive(Debug, Clone)]
pub struct Entity {
    /// The name that joined tables share.
    pub name: String,
    /// What it is in this table.
    pub kind: EntityKind,
    /// Column or SQL expression.
    pub expr: String,
    /// Words about it.
    pub about: About,
    /// Where it is declared.
    pub place: Place,
}

/// Whether a time dimension bounds the validity of its row.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Validity {
    /// The row holds from this time on.
    Start,
    /// The row holds until just before this time; NULL is for ever.
    End,
}

/// The type of a dimension.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum DimensionKind {
    /// Any value.
    Categorical,
    /// A date or time stamp.
    Time {
        /// The finest grain at which it can be asked.
        grain: Grain,
        /// Its part in a validity window.
        validity: Option<Validity>,
    },
}

/// Something to group and filter by.
#[derive(Debug, Clone)]
pub struct Dimension {
    /// The name inside its semantic model.
    pub name: String,
    /// Its type.
    pub kind: DimensionKind,
    /// Column or SQL expression.
    pub expr: String,
    /// True when it is the partition column of the table.
    pub is_partition: bool,
    /// Words about it.
    pub about: About,
    /// Where it is declared.
    pub place: Place,
}

impl Dimension {
    /// The declared grain of a time dimension.
    #[must_use]
    pub const fn grain(&self) -> Option<Grain> {
        match self.kind {
            DimensionKind::Time { grain, .. } => Some(grain),
            DimensionKind::Categorical => None,
        }
    }
}

/// How row values become one value.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Aggregation {
    /// The sum.
    Sum,
    /// The smallest.
    Min,
    /// The largest.
    Max,
    /// The mean.
    Average,
    /// How many rows have a value.
    Count,
    /// How many different values there are.
    CountDistinct,
    /// How many rows are true.
    SumBoolean,
    /// The middle value.
    Median,
    /// The value below which a share of the values lies.
    Percentile {
        /// The share, between 0 and 1.
        share: f64,
        /// True: a value that occurs; false: interpolated.
        discrete: bool,
        /// True: an estimate will do.
        approximate: bool,
    },
}

impl Aggregation {
    /// The name in layouts A and B.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Sum => "sum",
            Self::Min => "min",
            Self::Max => "max",
            Self::Average => "average",
            Self::Count => "count",
            Self::CountDistinct => "count_distinct",
            Self::SumBoolean => "sum_boolean",
            Self::Median => "median",
            Self::Percentile { .. } => "percentile",
        }
    }
}

/// The time along which a measure may not be summed, such as the day of a stock count.
#[derive(Debug, Clone)]
pub struct NonAdditive {
    /// A time dimension of the same semantic model.
    pub dimension: Reference,
    /// True: the last date counts; false: the first.
    pub last: bool,
    /// Entities of the same semantic model that each have a date of their own.
    pub groupings: Vec<Reference>,
}

/// A value per row and how to aggregate it.
#[derive(Debug, Clone)]
pub struct Measure {
    /// The name, unique over all semantic models.
    pub name: String,
    /// How it is aggregated.
    pub aggregation: Aggregation,
    /// Column or SQL expression.
    pub expr: String,
    /// The time dimension that `metric_time` stands for; only single documents may have none.
    pub agg_time_dimension: Option<Reference>,
    /// Set when it may not be summed over time.
    pub non_additive: Option<NonAdditive>,
    /// Words about it.
    pub about: About,
    /// Where it is declared.
    pub place: Place,
}

/// A table and what its columns mean.
#[derive(Debug, Clone)]
pub struct SemanticModel {
    /// The name.
    pub name: String,
    /// The table, as `ref` names it or dotted.
    pub table: Reference,
    /// The name of the grain of a row: the primary entity's, or a name of its own.
    pub primary_entity: Option<String>,
    /// Keys.
    pub entities: Vec<Entity>,
    /// Things to group and filter by.
    pub dimensions: Vec<Dimension>,
    /// Values to aggregate.
    pub measures: Vec<Measure>,
    /// Words about it.
    pub about: About,
    /// Where it is declared.
    pub place: Place,
}

impl SemanticModel {
    /// The dimension of that name.
    #[must_use]
    pub fn dimension(&self, name: &str) -> Option<&Dimension> {
        self.dimensions.iter().find(|dimension| dimension.name == name)
    }

    /// The entity of that name.
    #[must_use]
    pub fn entity(&self, name: &str) -> Option<&Entity> {
        self.entities.iter().find(|entity| entity.name == name)
    }

    /// The time dimension that bounds validity on that side.
    pub(crate) fn validity(&self, side: Validity) -> Option<&Dimension> {
        self.dimensions
            .iter()
            .find(|d| matches!(d.kind, DimensionKind::Time { validity: Some(v), .. } if v == side))
    }
}

/// A filter of the model's author, parsed.
#[derive(Debug, Clone, PartialEq)]
pub struct Filter {
    /// The expression over items.
    pub expr: Expr,
    /// The text as written.
    pub text: String,
}

/// A measure as a metric uses it.
#[derive(Debug, Clone)]
pub struct MeasureInput {
    /// The measure.
    pub measure: Reference,
    /// Row filters.
    pub filters: Vec<Filter>,
    /// True: periods without rows get a row.
    pub join_to_timespine: bool,
    /// What a missing value becomes.
    pub fill_nulls_with: Option<i64>,
}

/// A metric as another metric uses it.
#[derive(Debug, Clone)]
pub struct MetricInput {
    /// The metric.
    pub metric: Reference,
    /// The name in the expression.
    pub alias: Option<String>,
    /// Row filters for this input only.
    pub filters: Vec<Filter>,
    /// Moves the input along time.
    pub offset: Option<Offset>,
}

impl MetricInput {
    /// The name by which the expression knows the input.
    #[must_use]
    pub fn known_as(&self) -> &str {
        self.alias.as_deref().unwrap_or(&self.metric.name)
    }
}

/// How an input of a derived metric is moved along time.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Offset {
    /// Back by a length of time.
    Back(Window),
    /// To the start of its period.
    ToStartOf(Grain),
}

/// Over which stretch of time a cumulative metric runs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Running {
    /// From the beginning.
    AllTime,
    /// The last so many days, months and so on.
    Trailing(Window),
    /// From the start of the period.
    ToDate(Grain),
}

/// Which base-grain value stands for a coarser period.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum PeriodAgg {
    /// The first.
    First,
    /// The last.
    Last,
    /// The mean of all.
    Average,
}

/// Events of one entity that follow another event.
#[derive(Debug, Clone)]
pub struct Conversion {
    /// The entity both events share.
    pub entity: Reference,
    /// What is counted first.
    pub base: MeasureInput,
    /// What is counted when it follows.
    pub conversion: MeasureInput,
    /// True: conversions divided by base events; false: conversions.
    pub rate: bool,
    /// How long after the base event a conversion still counts.
    pub window: Option<Window>,
    /// Pairs of base and conversion element that must be equal.
    pub constant_properties: Vec<(Reference, Reference)>,
}

/// How a metric is made.
#[derive(Debug, Clone)]
pub enum MetricKind {
    /// One measure.
    Simple(MeasureInput),
    /// One metric divided by another.
    Ratio {
        /// Above the line.
        numerator: MetricInput,
        /// Below the line.
        denominator: MetricInput,
    },
    /// An expression over metrics.
    Derived {
        /// The expression; its names are the inputs'.
        expr: Expr,
        /// The inputs.
        inputs: Vec<MetricInput>,
    },
    /// A running value.
    Cumulative {
        /// What runs.
        measure: MeasureInput,
        /// Over which stretch.
        running: Running,
        /// Which value stands for a coarser period.
        period_agg: PeriodAgg,
    },
    /// Events that follow events.
    Conversion(Conversion),
}

impl MetricKind {
    /// The type's name in the files.
    #[must_use]
    pub const fn name(&self) -> &'static str {
        match self {
            Self::Simple(_) => "simple",
            Self::Ratio { .. } => "ratio",
            Self::Derived { .. } => "derived",
            Self::Cumulative { .. } => "cumulative",
            Self::Conversion(_) => "conversion",
        }
    }
}

/// A number people ask for.
#[derive(Debug, Clone)]
pub struct Metric {
    /// The name.
    pub name: String,
    /// How it is made.
    pub kind: MetricKind,
    /// Row filters.
    pub filters: Vec<Filter>,
    /// The grain `metric_time` takes when the asker names none.
    pub time_granularity: Option<Grain>,
    /// True: only other metrics use it; it is not offered.
    pub hidden: bool,
    /// Words about it.
    pub about: About,
    /// Where it is declared.
    pub place: Place,
}

/// A grain of the user's own calendar.
#[derive(Debug, Clone)]
pub struct CustomGrain {
    /// The name, for example `fiscal_quarter`.
    pub name: String,
    /// The spine's column that holds the first day of the period.
    pub column: String,
}

/// A table with one row per day (hour, ...), used where time has gaps.
#[derive(Debug, Clone)]
pub struct TimeSpine {
    /// The table.
    pub table: Reference,
    /// The column with the time.
    pub column: String,
    /// One row per what.
    pub grain: Grain,
    /// Grains of the user's own calendar.
    pub custom: Vec<CustomGrain>,
}

/// A query with a name.
#[derive(Debug, Clone)]
pub struct SavedQuery {
    /// The name.
    pub name: String,
    /// The query.
    pub query: crate::MetricQuery,
    /// Words about it.
    pub about: About,
    /// Where it is declared.
    pub place: Place,
}

/// A checked model: every reference in it leads somewhere.
#[derive(Debug, Clone)]
pub struct Model {
    pub(crate) semantic_models: Vec<SemanticModel>,
    pub(crate) metrics: IndexMap<String, Metric>,
    pub(crate) spines: Vec<TimeSpine>,
    pub(crate) saved_queries: IndexMap<String, SavedQuery>,
    /// Measure name to (semantic model, measure) positions.
    pub(crate) measures: IndexMap<String, (usize, usize)>,
    pub(crate) graph: Graph,
}

impl Model {
    /// The semantic models, in file order.
    #[must_use]
    pub fn semantic_models(&self) -> &[SemanticModel] {
        &self.semantic_models
    }

    /// All metrics, hidden ones too, in file order.
    pub fn metrics(&self) -> impl Iterator<Item = &Metric> {
        self.metrics.values()
    }

    /// The metric of that name, in any letter case.
    #[must_use]
    pub fn metric(&self, name: &str) -> Option<&Metric> {
        self.metrics.get(name).or_else(|| self.metrics.get(&name.to_lowercase()))
    }

    /// The saved queries, in file order.
    pub fn saved_queries(&self) -> impl Iterator<Item = &SavedQuery> {
        self.saved_queries.values()
    }

    /// The time spines, in file order.
    #[must_use]
    pub fn time_spines(&self) -> &[TimeSpine] {
        &self.spines
    }

    /// The measure of that name and the semantic model it belongs to.
    #[must_use]
    pub fn measure(&self, name: &str) -> Option<(&SemanticModel, &Measure)> {
        let &(model, measure) = self.measures.get(name)?;
        let model = self.semantic_models.get(model)?;
        Some((model, model.measures.get(measure)?))
    }

    /// The custom grain of that name and its spine.
    pub(crate) fn custom_grain(&self, name: &str) -> Option<(&TimeSpine, &CustomGrain)> {
        self.spines.iter().find_map(|spine| {
            spine.custom.iter().find(|grain| grain.name == name).map(|grain| (spine, grain))
        })
    }
}
