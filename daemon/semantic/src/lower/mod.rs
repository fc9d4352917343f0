//! A resolved query to selects: one per group of measures that share rows, then one that puts them together.

mod alone;
mod conversion;
mod gaps;
mod groups;
mod rows;
mod window;

use crate::MetricQuery;
use crate::compile::{Options, Tables};
use crate::error::{QueryError, QueryErrorKind as Kind};
use crate::explain::{Explain, Step};
use crate::items::ItemKey;
use crate::leaves::Calc;
use crate::model::Model;
use crate::resolved::Resolved;
use crate::sql::{Dialect, Join, JoinKind, Output, Query, Relation, Rendered, Select, render};

/// Metric filters inside metric filters go at most this deep.
const MAX_DEPTH: usize = 4;

/// Collects the named parts of a statement.
pub(crate) struct Lowering<'m> {
    pub model: &'m Model,
    pub dialect: Dialect,
    pub today: Option<String>,
    table: Option<&'m dyn Fn(&str) -> String>,
    parts: Vec<(String, Query)>,
    tables: Tables,
    explain: Explain,
    depth: usize,
}

impl<'m> Lowering<'m> {
    pub(crate) fn new<'o: 'm>(model: &'m Model, options: &Options<'o>, depth: usize) -> Self {
        Self {
            model,
            dialect: options.dialect,
            today: options.today.map(str::to_owned),
            table: options.table,
            parts: Vec::new(),
            tables: Tables::new(),
            explain: Explain::default(),
            depth,
        }
    }

    pub(crate) fn into_parts(self) -> (Vec<(String, Query)>, Tables, Explain) {
        (self.parts, self.tables, self.explain)
    }

    /// The quoted relation of a table of the model; it counts as read.
    fn relation(&mut self, table: &str) -> String {
        self.tables.insert(table.to_owned());
        match self.table {
            Some(resolve) => resolve(table),
            None => self.dialect.quote_table(table),
        }
    }

    /// Adds a named part; the name is made free if it is taken.
    fn part(&mut self, wanted: &str, query: impl Into<Query>) -> String {
        let taken = |name: &str| {
            self.parts.iter().any(|(known, _)| known == name)
                || self.model.semantic_models.iter().any(|m| m.table.name.eq_ignore_ascii_case(name))
                || self.model.spines.iter().any(|spine| spine.table.name.eq_ignore_ascii_case(name))
        };
        let mut name = wanted.to_owned();
        let mut number = 1;
        while taken(&name) {
            number += 1;
            name = format!("{wanted}_{number}");
        }
        self.parts.push((name.clone(), query.into()));
        name
    }

    fn step(&mut self, step: Step) {
        self.explain.steps.push(step);
    }

    /// A metric per entity, for a filter: a part, and its group columns in order.
    fn sub_metric(&mut self, name: &str, group_by: &[String]) -> Result<(String, Vec<String>), QueryError> {
        if self.depth >= MAX_DEPTH {
            let message = format!("the filter on the metric `{name}` is nested more than {MAX_DEPTH} deep");
            return Err(QueryError::new(Kind::BadFilter, message));
        }
        let query = MetricQuery {
            metrics: vec![name.to_owned()],
            group_by: group_by.to_vec(),
            ..MetricQuery::default()
        };
        // On the far side an entity may have a shorter or longer way: only its last part must agree.
        let resolved = Resolved::new(self.model, &query).or_else(|first| {
            let last = |full: &String| full.rsplit("__").next().unwrap_or(full).to_owned();
            let short = MetricQuery { group_by: group_by.iter().map(last).collect(), ..query.clone() };
            Resolved::new(self.model, &short).map_err(|_| first)
        });
        let resolved = resolved.map_err(|mut error| {
            error.message = format!("the filter on the metric `{name}`: {}", error.message);
            error.kind =
                if error.kind == Kind::MissingMetricTime { Kind::BadFilter } else { Kind::UnreachableFilter };
            error
        })?;
        self.depth += 1;
        let select = self.query(&resolved)?;
        self.depth -= 1;
        let columns: Vec<String> = resolved.group.iter().map(ItemKey::column).collect();
        let part = self.part(&format!("{name}_by_{}", columns.join("_")), select);
        Ok((part, columns))
    }

    /// The select that answers the query.
    pub(crate) fn query(&mut self, resolved: &Resolved<'m>) -> Result<Select, QueryError> {
        let mut select =
            if resolved.metrics.is_empty() { self.alone(resolved)? } else { self.metrics(resolved)? };
        self.finish(resolved, &mut select);
        Ok(select)
    }

    fn finish(&self, resolved: &Resolved<'_>, select: &mut Select) {
        for (column, down) in &resolved.order {
            let direction = if *down { " DESC" } else { "" };
            select.order.push(format!("{}{direction} NULLS LAST", self.dialect.quote(column)));
        }
        // Equal values come in one order always, and a limit cuts the same rows of them always.
        if !select.order.is_empty() || resolved.limit.is_some() {
            let columns = resolved.group.iter().map(ItemKey::column);
            for column in columns.filter(|c| !resolved.order.iter().any(|(ordered, _)| ordered == c)) {
                select.order.push(format!("{} NULLS LAST", self.dialect.quote(&column)));
            }
        }
        select.limit = resolved.limit;
    }

    fn metrics(&mut self, resolved: &Resolved<'m>) -> Result<Select, QueryError> {
        let groups = groups_of(resolved);
        for (metric, calc) in &resolved.metrics {
            let formula = self.formula(resolved, calc);
            self.explain.metrics.push((metric.name.clone(), formula));
        }
        let all_leaves = resolved.metrics.iter().all(|(_, calc)| matches!(calc, Calc::Leaf { .. }));
        if let ([only], true) = (groups.as_slice(), all_leaves) {
            let select = self.group(resolved, only)?;
            return Ok(self.renamed(resolved, select));
        }
        let mut parts = Vec::new();
        for group in &groups {
            let select = self.group(resolved, group)?;
            let name = self.group_name(resolved, group);
            parts.push(self.part(&name, select));
        }
        Ok(self.together(resolved, &groups, &parts))
    }

    /// A telling name for a group of leaves that is no table's name.
    fn group_name(&self, resolved: &Resolved<'_>, group: &[usize]) -> String {
        let base = match group {
            [only] => resolved.leaves[*only].name.clone(),
            _ => {
                let fact = resolved.leaves[group[0]].fact.model;
                self.model.semantic_models[fact].name.clone()
            }
        };
        format!("{base}_{}", if resolved.group.is_empty() { "total" } else { "grouped" })
    }

    /// The columns of a single group under the names of the metrics.
    fn renamed(&self, resolved: &Resolved<'_>, mut select: Select) -> Select {
        let items = resolved.group.len();
        let leaves: Vec<Output> = select.columns.split_off(items);
        for (metric, calc) in &resolved.metrics {
            let Calc::Leaf { leaf, fill } = calc else { continue };
            let name = &resolved.leaves[*leaf].name;
            let Some(output) = leaves.iter().find(|output| output.name == *name) else { continue };
            let sql = match fill {
                Some(value) => format!("COALESCE({}, {value})", output.sql),
                None => output.sql.clone(),
            };
            select.column(sql, &metric.name);
        }
        select
    }

    /// Joins the groups on what they are grouped by; a group that one of them lacks is kept.
    fn together(&mut self, resolved: &Resolved<'m>, groups: &[Vec<usize>], parts: &[String]) -> Select {
        let mut select = Select::default();
        let columns: Vec<String> = resolved.group.iter().map(ItemKey::column).collect();
        let keys = self.keys(&columns, parts);
        let quote = |name: &str| self.dialect.quote(name);
        for column in &columns {
            select.column(format!("{}.{}", quote(&keys), quote(column)), column);
        }
        let leaf_sql = |leaf: usize| {
            let at = groups.iter().position(|group| group.contains(&leaf)).unwrap_or(0);
            format!("{}.{}", quote(&parts[at]), quote(&resolved.leaves[leaf].name))
        };
        for (metric, calc) in &resolved.metrics {
            select.column(self.calc(calc, &leaf_sql).sql, &metric.name);
        }
        select.from = Some((Relation::Name(quote(&keys)), None));
        for part in parts.iter().filter(|part| **part != keys) {
            let on = columns.iter().map(|column| {
                let column = quote(column);
                self.dialect.same(&format!("{}.{column}", quote(&keys)), &format!("{}.{column}", quote(part)))
            });
            select.joins.push(Join {
                kind: if columns.is_empty() { JoinKind::Cross } else { JoinKind::Left },
                relation: Relation::Name(quote(part)),
                alias: None,
                on: on.collect(),
            });
        }
        select
    }

    /// The part that has every key: the only one, or the union of all.
    fn keys(&mut self, columns: &[String], parts: &[String]) -> String {
        let first = parts.first().cloned().unwrap_or_default();
        if parts.len() < 2 || columns.is_empty() {
            return first;
        }
        let selects = parts.iter().map(|part| self.columns_of(columns, part)).collect();
        self.part("keys", Query::Union(selects))
    }

    fn columns_of(&self, columns: &[String], part: &str) -> Select {
        let mut select =
            Select { from: Some((Relation::Name(self.dialect.quote(part)), None)), ..Select::default() };
        for column in columns {
            select.column(self.dialect.quote(column), column);
        }
        select
    }

    /// The values of the group-by items, without the metrics.
    pub(crate) fn values(&mut self, resolved: &Resolved<'m>) -> Result<Select, QueryError> {
        if resolved.metrics.is_empty() {
            return self.query(resolved);
        }
        let mut parts = Vec::new();
        for group in &groups_of(resolved) {
            let mut select = self.group(resolved, group)?;
            // The measures are not asked for; a group exists where rows exist.
            select.columns.truncate(resolved.group.len());
            let name = self.group_name(resolved, group);
            parts.push(self.part(&name, select));
        }
        let columns: Vec<String> = resolved.group.iter().map(ItemKey::column).collect();
        let keys = self.keys(&columns, &parts);
        let mut select = self.columns_of(&columns, &keys);
        select.distinct = true;
        self.finish(resolved, &mut select);
        Ok(select)
    }

    fn calc(&self, calc: &Calc<'_>, leaf: &dyn Fn(usize) -> String) -> Rendered {
        match calc {
            Calc::Leaf { leaf: at, fill: None } => Rendered::atomic(leaf(*at)),
            Calc::Leaf { leaf: at, fill: Some(fill) } => {
                Rendered::atomic(format!("COALESCE({}, {fill})", leaf(*at)))
            }
            Calc::Ratio(above, below) => {
                let (above, below) = (self.calc(above, leaf).sql, self.calc(below, leaf).sql);
                let double = self.dialect.double();
                Rendered { sql: format!("CAST({above} AS {double}) / NULLIF({below}, 0)"), atomic: false }
            }
            Calc::Derived(expr, inputs) => {
                let name = |name: &str| match inputs.iter().find(|(known, _)| *known == name) {
                    Some((_, calc)) => self.calc(calc, leaf),
                    None => Rendered::atomic("NULL"),
                };
                render(expr, self.dialect, &|_| Rendered::atomic("NULL"), &name)
            }
        }
    }

    fn formula(&self, resolved: &Resolved<'_>, calc: &Calc<'_>) -> String {
        self.calc(calc, &|leaf| resolved.leaves[leaf].name.clone()).sql
    }
}

/// Leaves that can be aggregated together.
fn groups_of(resolved: &Resolved<'_>) -> Vec<Vec<usize>> {
    let mut groups: Vec<Vec<usize>> = Vec::new();
    for (at, leaf) in resolved.leaves.iter().enumerate() {
        match groups.iter_mut().find(|group| resolved.leaves[group[0]].shares_rows(leaf)) {
            Some(group) => group.push(at),
            None => groups.push(vec![at]),
        }
    }
    groups
}
