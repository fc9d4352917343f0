//! wharf-semantic

mod query;

pub use query::MetricQuery;
