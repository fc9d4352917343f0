//! A metric query to SQL: look up, plan, write.

use indexmap::IndexSet;

use crate::MetricQuery;
use crate::error::{QueryError, QueryErrorKind as Kind};
use crate::explain::Explain;
use crate::lower::Lowering;
use crate::model::Model;
use crate::names;
use crate::resolved::Resolved;
use crate::sql::{Dialect, Query, Statement};

/// How to write the SQL.
#[derive(Clone, Copy, Default)]
pub struct Options<'a> {
    /// The warehouse's SQL.
    pub dialect: Dialect,
    /// Turns a table of the model into a quoted relation name; without it the model's own name is quoted.
    pub table: Option<&'a dyn Fn(&str) -> String>,
    /// The day that `current_date` in a filter stands for, ISO; without it the warehouse's own.
    pub today: Option<&'a str>,
}

impl std::fmt::Debug for Options<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Options")
            .field("dialect", &self.dialect)
            .field("today", &self.today)
            .finish_non_exhaustive()
    }
}

/// What an output column is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Role {
    /// A number asked for.
    Metric,
    /// A dimension grouped by.
    Dimension,
    /// A time grouped by.
    Time,
    /// An entity grouped by.
    Entity,
}

/// An output column.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Column {
    /// Its name in the result.
    pub name: String,
    /// What it is.
    pub role: Role,
    /// A short title.
    pub label: Option<String>,
    /// The grain of a time column, for example `month`.
    pub grain: Option<String>,
    /// The unit of a metric, from the model's `meta`.
    pub unit: Option<String>,
    /// How a metric is to be shown, from the model's `meta`.
    pub format: Option<String>,
}

/// A compiled query.
#[derive(Debug, Clone)]
pub struct Compiled {
    /// One read-only statement.
    pub sql: String,
    /// The columns of its result, in order.
    pub columns: Vec<Column>,
    /// The tables it reads, as the model names them.
    pub tables: Vec<String>,
    /// How the answer is made, for people.
    pub explain: Explain,
}

/// Compiles a query to one SQL statement.
///
/// # Errors
/// The query asks for something the model does not have or that would give a wrong number; nothing was sent anywhere.
pub fn compile(model: &Model, query: &MetricQuery, options: &Options<'_>) -> Result<Compiled, QueryError> {
    let query = with_saved(model, query)?;
    let resolved = Resolved::new(model, &query)?;
    let mut lowering = Lowering::new(model, options, 0);
    let select = lowering.query(&resolved)?;
    Ok(finish(&resolved, lowering, select.into(), options.dialect))
}

/// The query for the values a dimension takes for the metrics, or at all when there are none; NULL is a value too.
///
/// # Errors
/// As for [`compile`].
pub fn dimension_values(
    model: &Model,
    metrics: &[&str],
    item: &str,
    options: &Options<'_>,
) -> Result<Compiled, QueryError> {
    let query = MetricQuery {
        metrics: metrics.iter().map(|&name| name.to_owned()).collect(),
        group_by: vec![item.to_owned()],
        order_by: vec![item.to_owned()],
        ..MetricQuery::default()
    };
    let mut resolved = Resolved::new(model, &query)?;
    let mut lowering = Lowering::new(model, options, 0);
    let select = lowering.values(&resolved)?;
    resolved.metrics.clear();
    Ok(finish(&resolved, lowering, select.into(), options.dialect))
}

fn finish(resolved: &Resolved<'_>, lowering: Lowering<'_>, body: Query, dialect: Dialect) -> Compiled {
    let (parts, tables, explain) = lowering.into_parts();
    Compiled {
        sql: Statement { parts, body }.text(dialect),
        columns: resolved.columns(),
        tables: tables.into_iter().collect(),
        explain,
    }
}

/// The saved query as a base, the rest added.
fn with_saved(model: &Model, query: &MetricQuery) -> Result<MetricQuery, QueryError> {
    let Some(name) = &query.saved_query else { return Ok(query.clone()) };
    let Some(saved) = model.saved_queries.get(name).or_else(|| model.saved_queries.get(&name.to_lowercase()))
    else {
        let known = model.saved_queries.keys().map(String::as_str);
        return Err(QueryError::new(Kind::UnknownSavedQuery, format!("there is no saved query `{name}`"))
            .suggest(names::nearest(name, known, 3)));
    };
    let mut merged = saved.query.clone();
    merged.metrics.extend(query.metrics.iter().filter(|m| !saved.query.metrics.contains(m)).cloned());
    merged.group_by.extend(query.group_by.iter().filter(|g| !saved.query.group_by.contains(g)).cloned());
    merged.r#where.extend(query.r#where.iter().cloned());
    if !query.order_by.is_empty() {
        merged.order_by.clone_from(&query.order_by);
    }
    merged.limit = query.limit.or(merged.limit);
    merged.start_time.clone_from(&query.start_time);
    merged.end_time.clone_from(&query.end_time);
    Ok(merged)
}

/// The tables a statement reads, in the order they are met.
pub(crate) type Tables = IndexSet<String>;
