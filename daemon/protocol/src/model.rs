//! Semantic models as clients read them: one for each table.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// A line of `GET /api/models/`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct ModelInfo {
    /// Its name, by which it is asked for.
    pub id: String,
    /// The same.
    pub name: String,
    /// Label for people.
    pub label: Option<String>,
    /// What it is about.
    pub description: Option<String>,
    /// The table.
    pub model: String,
    /// The source it belongs to.
    pub source: String,
    /// Metrics that are made of it.
    pub metrics: Vec<String>,
}

/// `GET /api/models/{id}`: what of a model may be seen. SQL is null for who may not see it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct ModelDetail {
    /// Its name, by which it is asked for.
    pub id: String,
    /// The same.
    pub name: String,
    /// Label for people.
    pub label: Option<String>,
    /// What it is about.
    pub description: Option<String>,
    /// The table.
    pub model: String,
    /// The source it belongs to.
    pub source: String,
    /// Versions are not kept of models that are files.
    pub version: Option<String>,
    /// Keys.
    pub entities: Vec<ModelEntity>,
    /// Things to group and filter by.
    pub dimensions: Vec<ModelDimension>,
    /// Values to aggregate.
    pub measures: Vec<ModelMeasure>,
    /// Metrics that are made of it.
    pub metrics: Vec<ModelMetric>,
    /// What holds for measures that say nothing else: `agg_time_dimension`.
    #[schema(value_type = Object)]
    pub defaults: serde_json::Value,
    /// What else the author says.
    #[schema(value_type = Object)]
    pub meta: serde_json::Value,
}

/// A key.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct ModelEntity {
    /// The name that joined tables share.
    pub name: String,
    /// `primary`, `unique`, `foreign` or `natural`.
    pub r#type: String,
    /// What it is.
    pub description: Option<String>,
    /// Column or SQL expression.
    pub expr: Option<String>,
    /// Under which other name it is joined; models that are files have none.
    pub role: Option<String>,
}

/// Something to group and filter by.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct ModelDimension {
    /// Its name.
    pub name: String,
    /// `categorical` or `time`.
    pub r#type: String,
    /// What it is.
    pub description: Option<String>,
    /// Column or SQL expression.
    pub expr: Option<String>,
    /// Label for people.
    pub label: Option<String>,
}

/// A value to aggregate.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct ModelMeasure {
    /// Its name.
    pub name: String,
    /// `sum`, `count`, ...
    pub agg: String,
    /// What it is.
    pub description: Option<String>,
    /// Column or SQL expression.
    pub expr: Option<String>,
    /// Label for people.
    pub label: Option<String>,
}

/// A metric of a model.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct ModelMetric {
    /// Its name.
    pub name: String,
    /// `simple`, `ratio`, `derived`, ...
    pub r#type: String,
    /// What it means.
    pub description: Option<String>,
    /// What it is made of: measures and metrics by name.
    #[schema(value_type = Object)]
    pub type_params: serde_json::Value,
    /// Label for people.
    pub label: Option<String>,
    /// Which rows count.
    pub filter: Option<String>,
}

/// Which part of a list this is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Pagination {
    /// Entries in all.
    pub total: u64,
    /// The page, from 1 on.
    pub page: u64,
    /// Entries on a page.
    pub page_size: u64,
    /// Pages in all.
    pub total_pages: u64,
}

/// A part of a list.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Page<T> {
    /// Its entries.
    pub data: Vec<T>,
    /// Which part it is.
    pub pagination: Pagination,
}
