//! A metric query as the asker writes it: metrics by dimensions, no SQL.

use serde::{Deserialize, Serialize};

/// A question in terms of the model: which metrics, grouped by what, filtered how, in which order and time range.
///
/// The JSON form is the one of `wharf metric query --from FILE`. Every field may be absent.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct MetricQuery {
    /// Metric names, in output order.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub metrics: Vec<String>,
    /// Group-by items: `entity__dimension`, `metric_time__month`, an entity name, or the object syntax
    /// `Dimension('order__status')`.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub group_by: Vec<String>,
    /// Row filters with templates, joined by AND: `{{ Dimension('order__channel') }} = 'web'`.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub r#where: Vec<String>,
    /// Output columns to sort by; a leading `-` sorts descending. NULL sorts last either way.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub order_by: Vec<String>,
    /// At most this many rows; 0 asks for no rows.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub limit: Option<u64>,
    /// First day or instant, ISO 8601, included.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub start_time: Option<String>,
    /// Last day or instant, ISO 8601, included.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub end_time: Option<String>,
    /// A saved query whose parts are the base, to which the rest is added.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub saved_query: Option<String>,
}
