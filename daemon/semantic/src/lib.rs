//! Semantic models: YAML to a checked model, and a question in its terms to SQL.
//!
//! Pure: nothing here reads a file or talks to a warehouse. [`Model::parse`] reads the three layouts a user may bring,
//! [`compile`] turns a [`MetricQuery`] into one read-only statement or says why it will not.
//!
//! The way of a query: `resolve` looks every name up (all refusals happen there), `leaves` takes metrics apart into
//! measures, `lower` turns each group of measures into a select and puts them together, `sql` writes the text.

mod check;
mod compile;
mod error;
mod explain;
mod expr;
mod grain;
mod graph;
mod items;
mod items_alone;
mod leaves;
mod listing;
mod lower;
mod model;
mod names;
mod query;
mod range;
mod read;
mod resolve;
mod resolved;
mod sight;
mod sql;
mod time;
mod yaml;

pub use check::lint;
pub use compile::{Column, Compiled, Options, Role, compile, dimension_values};
pub use error::{ModelError, Place, QueryError, QueryErrorKind};
pub use explain::{Explain, Step};
pub use expr::{Expr, Is, ItemKind, ItemRef, Op, TypeName};
pub use grain::{DatePart, Grain, Window};
pub use listing::{GroupByItems, Reachable, ReachableKind, group_by_items, reachable};
pub use model::{
    About, Aggregation, Conversion, CustomGrain, Dimension, DimensionKind, Entity, EntityKind, Filter,
    Measure, MeasureInput, Metric, MetricInput, MetricKind, Model, NonAdditive, Offset, PeriodAgg, Reference,
    Running, SavedQuery, SemanticModel, TimeSpine, Validity,
};
pub use query::MetricQuery;
pub use sight::Sight;
pub use sql::Dialect;
