//! A metric query as the asker writes it: metrics by dimensions, no SQL.

use serde::{Deserialize, Serialize};

use crate::error::{QueryError, QueryErrorKind as Kind};

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

impl MetricQuery {
    /// Reads the JSON form.
    ///
    /// # Errors
    /// A field is unknown or has the wrong type; a limit below 0 is a [`Kind::BadLimit`].
    pub fn from_json(value: &serde_json::Value) -> Result<Self, QueryError> {
        if let Some(limit) = value.get("limit").filter(|limit| !limit.is_null())
            && limit.as_u64().is_none()
        {
            return Err(QueryError::new(
                Kind::BadLimit,
                format!("limit `{limit}` is no whole number from 0"),
            ));
        }
        Self::deserialize(value)
            .map_err(|error| QueryError::new(Kind::BadQuery, format!("the query cannot be read: {error}")))
    }
}
