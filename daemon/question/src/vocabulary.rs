//! What can be asked: the metrics, dimensions and values of a model, in plain data.

use chrono::NaiveDate;
use serde::{Deserialize, Serialize};

use crate::grain::Grain;

/// Everything a question may name. Build it once per model and version, then hand it to [`crate::Reader::new`].
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Vocabulary {
    /// The metrics, in the order in which they should be offered.
    pub metrics: Vec<MetricTerm>,
    /// The group-by items, each full path once.
    pub dimensions: Vec<DimensionTerm>,
    /// Custom grains of the calendar, such as `fiscal_quarter`.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub custom_grains: Vec<String>,
}

/// One metric and the words people use for it.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct MetricTerm {
    /// The name in the model, such as `avg_discount`.
    pub name: String,
    /// The label for people, such as `Average discount`.
    #[serde(default)]
    pub label: Option<String>,
    /// The description. It steers offers, never the reading.
    #[serde(default)]
    pub description: Option<String>,
    /// Other names that count as much as the label.
    #[serde(default)]
    pub synonyms: Vec<String>,
    /// Indexes into [`Vocabulary::dimensions`]: the items this metric can be grouped and filtered by.
    #[serde(default)]
    pub dimensions: Vec<usize>,
    /// Whether the metric has a `metric_time`, so that periods and grains apply.
    #[serde(default)]
    pub has_time: bool,
    /// Whether the metric has values only along a time axis (windows, offsets), so a query must group by `metric_time`.
    #[serde(default)]
    pub needs_time: bool,
    /// The finest grain `metric_time` can be asked at, when known.
    #[serde(default)]
    pub finest_grain: Option<Grain>,
    /// The entity whose rows the metric counts or sums, when known. Dimensions of this entity are the nearest ones.
    #[serde(default)]
    pub entity: Option<String>,
    /// First and last day with data, both included, when known.
    #[serde(default)]
    pub time_bounds: Option<(NaiveDate, NaiveDate)>,
}

/// One group-by item and the words people use for it.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct DimensionTerm {
    /// The full path as a query writes it, such as `product__category__category_name`; for an entity key the path of
    /// entities, such as `customer`.
    pub name: String,
    /// The label for people, such as `Sales channel`.
    #[serde(default)]
    pub label: Option<String>,
    /// The description. It steers offers, never the reading.
    #[serde(default)]
    pub description: Option<String>,
    /// Other names that count as much as the label.
    #[serde(default)]
    pub synonyms: Vec<String>,
    /// What the values are.
    #[serde(default)]
    pub kind: DimensionKind,
    /// Known distinct values, as text. Empty when unknown.
    #[serde(default)]
    pub values: Vec<String>,
    /// Whether `values` is only a part of what there is.
    #[serde(default)]
    pub values_truncated: bool,
}

/// What the values of a group-by item are.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum DimensionKind {
    /// Text.
    #[default]
    Categorical,
    /// A date or an instant, kept at this grain.
    Time {
        /// The grain of the column.
        grain: Grain,
    },
    /// True or false.
    Boolean,
    /// Numbers: written without quotes in a filter.
    Number,
    /// The key of an entity.
    EntityKey,
}

impl MetricTerm {
    /// The text for people: the label, else the name with spaces.
    #[must_use]
    pub fn title(&self) -> String {
        title(self.label.as_deref(), &self.name)
    }
}

impl DimensionTerm {
    /// The text for people: the label, else the element name with spaces.
    #[must_use]
    pub fn title(&self) -> String {
        title(self.label.as_deref(), self.element())
    }

    /// The last part of the path: the name of the dimension in its own table.
    #[must_use]
    pub fn element(&self) -> &str {
        self.name.rsplit("__").next().unwrap_or(&self.name)
    }

    /// The entities that lead to the item; for an entity key, the key itself included.
    #[must_use]
    pub fn entities(&self) -> Vec<&str> {
        let mut parts: Vec<&str> = self.name.split("__").collect();
        if self.kind != DimensionKind::EntityKey {
            parts.pop();
        }
        parts
    }

    /// The entity that holds the item: the last one of [`Self::entities`].
    #[must_use]
    pub fn entity(&self) -> Option<&str> {
        self.entities().last().copied()
    }

    /// Joins between a table whose key is `home` and the item. Fewer is nearer.
    pub(crate) fn hops(&self, home: Option<&str>) -> usize {
        let entities = self.entities();
        let local = home.is_some() && entities.first().copied() == home;
        entities.len() - usize::from(local && !entities.is_empty())
    }
}

fn title(label: Option<&str>, name: &str) -> String {
    match label {
        Some(label) if !label.trim().is_empty() => lower_first(label.trim()),
        _ => name.replace("__", " ").replace('_', " "),
    }
}

/// Lower-cases the first letter unless the word looks like an abbreviation (`MRR`).
fn lower_first(text: &str) -> String {
    let mut letters = text.chars();
    let (Some(first), second) = (letters.next(), letters.next()) else { return text.to_owned() };
    if second.is_some_and(|letter| letter.is_uppercase() || letter.is_ascii_digit()) {
        return text.to_owned();
    }
    first.to_lowercase().chain(text.chars().skip(1)).collect()
}
