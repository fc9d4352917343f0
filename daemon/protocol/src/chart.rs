//! Charts: a small part of Vega-Lite, enough for a terminal.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// The mark of a chart.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum ChartMark {
    /// Bars, one per category.
    Bar,
    /// A line over time or another ordered axis.
    Line,
    /// As a line, filled to the baseline.
    Area,
    /// One dot a row.
    Point,
    /// One number.
    Value,
}

/// Which column an axis or a colour takes, and how it is called.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct ChartField {
    /// Column name in the result.
    pub field: String,
    /// `temporal`, `nominal` or `quantitative`, as in Vega-Lite.
    pub r#type: String,
    /// Title for people.
    pub title: String,
}

/// A chart over a turn's result.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Chart {
    /// The mark.
    pub mark: ChartMark,
    /// Title for people.
    pub title: String,
    /// Horizontal axis; none for a single value.
    pub x: Option<ChartField>,
    /// Measured values; several make several series.
    pub y: Vec<ChartField>,
    /// The column that splits rows into series.
    pub color: Option<ChartField>,
    /// Range, maximum, trend, missing values in one line of text.
    pub summary: String,
}
