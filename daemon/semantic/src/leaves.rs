//! Metrics to their leaves: the measures they are made of, each with its filters and its way through time.

use crate::error::{QueryError, QueryErrorKind as Kind};
use crate::expr::Expr;
use crate::model::{
    Conversion, Filter, Measure, MeasureInput, Metric, MetricInput, MetricKind, Model, Offset, PeriodAgg,
    Running,
};
use crate::names;
use crate::resolve::{Cond, Fact};

/// One aggregated value per group.
#[derive(Debug, Clone)]
pub(crate) struct Leaf<'m> {
    /// Its column.
    pub name: String,
    pub fact: Fact<'m>,
    pub measure: &'m Measure,
    /// Filters of measure and metrics, not yet looked up, each with the number of offsets outside it.
    pub filters: Vec<(&'m Filter, usize)>,
    /// All filters, looked up.
    pub conds: Vec<Cond>,
    /// Outermost first.
    pub offsets: Vec<Offset>,
    pub running: Option<(Running, PeriodAgg)>,
    pub join_to_timespine: bool,
    pub conversion: Option<&'m Conversion>,
    /// The metric of the query that needs it.
    pub asked: &'m str,
}

/// How the value of a metric comes from leaves.
#[derive(Debug, Clone)]
pub(crate) enum Calc<'m> {
    Leaf { leaf: usize, fill: Option<i64> },
    Ratio(Box<Calc<'m>>, Box<Calc<'m>>),
    Derived(&'m Expr, Vec<(&'m str, Calc<'m>)>),
}

/// Deeper nesting of derived metrics than anyone writes; cycles are refused when the model is read.
const MAX_DEPTH: usize = 32;

/// More uses of measures than any query needs; a model whose metrics double themselves at every level stops here.
const MAX_USES: usize = 5_000;

/// Collects leaves; the same leaf of two metrics is one.
pub(crate) struct Expansion<'m> {
    pub model: &'m Model,
    pub leaves: Vec<Leaf<'m>>,
    asked: &'m str,
    uses: usize,
}

/// What is passed down from a metric to its inputs.
#[derive(Clone, Default)]
struct Context<'m> {
    filters: Vec<(&'m Filter, usize)>,
    offsets: Vec<Offset>,
    depth: usize,
    alias: Option<&'m str>,
}

impl<'m> Expansion<'m> {
    pub(crate) const fn new(model: &'m Model) -> Self {
        Self { model, leaves: Vec::new(), asked: "", uses: 0 }
    }

    /// Finds a metric of the query and takes it apart.
    pub(crate) fn metric(&mut self, name: &str) -> Result<(&'m Metric, Calc<'m>), QueryError> {
        let Some(metric) = self.model.metric(name) else {
            let known = self.model.metrics.values().filter(|m| !m.hidden).map(|m| m.name.as_str());
            return Err(QueryError::new(Kind::UnknownMetric, format!("there is no metric `{name}`"))
                .suggest(names::nearest(name, known, 3)));
        };
        self.asked = &metric.name;
        let calc = self.expand(metric, Context::default())?;
        Ok((metric, calc))
    }

    fn expand(&mut self, metric: &'m Metric, mut context: Context<'m>) -> Result<Calc<'m>, QueryError> {
        if context.depth > MAX_DEPTH {
            let message = format!("the metric `{}` is nested more than {MAX_DEPTH} deep", metric.name);
            return Err(QueryError::new(Kind::BadQuery, message));
        }
        let level = context.offsets.len();
        context.filters.extend(metric.filters.iter().map(|filter| (filter, level)));
        match &metric.kind {
            MetricKind::Simple(input) => self.leaf(metric, input, context, None, None),
            MetricKind::Cumulative { measure, running, period_agg } => {
                self.leaf(metric, measure, context, Some((*running, *period_agg)), None)
            }
            MetricKind::Conversion(conversion) => self.conversion(metric, conversion, context),
            MetricKind::Ratio { numerator, denominator } => Ok(Calc::Ratio(
                Box::new(self.input(numerator, &context)?),
                Box::new(self.input(denominator, &context)?),
            )),
            MetricKind::Derived { expr, inputs } => {
                let mut calcs = Vec::new();
                for input in inputs {
                    calcs.push((input.known_as(), self.input(input, &context)?));
                }
                Ok(Calc::Derived(expr, calcs))
            }
        }
    }

    fn input(&mut self, input: &'m MetricInput, context: &Context<'m>) -> Result<Calc<'m>, QueryError> {
        let mut inner = context.clone();
        inner.depth += 1;
        inner.offsets.extend(input.offset);
        let level = inner.offsets.len();
        inner.filters.extend(input.filters.iter().map(|filter| (filter, level)));
        inner.alias = input.alias.as_deref();
        let Some(metric) = self.model.metric(&input.metric.name) else {
            let message = format!("there is no metric `{}`", input.metric.name);
            return Err(QueryError::new(Kind::UnknownMetric, message));
        };
        self.expand(metric, inner)
    }

    fn conversion(
        &mut self,
        metric: &'m Metric,
        conversion: &'m Conversion,
        context: Context<'m>,
    ) -> Result<Calc<'m>, QueryError> {
        if !context.offsets.is_empty() {
            let message = format!("the conversion metric `{}` cannot be moved along time", metric.name);
            return Err(QueryError::new(Kind::BadQuery, message));
        }
        let mut followed = context.clone();
        followed.alias = None;
        let conversions = self.leaf(metric, &conversion.base, followed, None, Some(conversion))?;
        let conversions = match conversions {
            Calc::Leaf { leaf, .. } => Calc::Leaf { leaf, fill: conversion.conversion.fill_nulls_with },
            other => other,
        };
        if !conversion.rate {
            return Ok(conversions);
        }
        let mut base = context;
        let name = format!("{}_base", metric.name);
        base.alias = None;
        let bases = self.leaf(metric, &conversion.base, base, None, None)?;
        if let Calc::Leaf { leaf, .. } = &bases
            && self.leaves[*leaf].name.starts_with(&metric.name)
        {
            self.leaves[*leaf].name = name;
        }
        Ok(Calc::Ratio(Box::new(conversions), Box::new(bases)))
    }

    fn leaf(
        &mut self,
        metric: &'m Metric,
        input: &'m MeasureInput,
        context: Context<'m>,
        running: Option<(Running, PeriodAgg)>,
        conversion: Option<&'m Conversion>,
    ) -> Result<Calc<'m>, QueryError> {
        self.uses += 1;
        if self.uses > MAX_USES {
            let message = format!("`{}` uses measures more than {MAX_USES} times", self.asked);
            return Err(QueryError::new(Kind::BadQuery, message));
        }
        let &(model, at) = self.model.measures.get(&input.measure.name).ok_or_else(|| {
            QueryError::new(Kind::UnknownMetric, format!("there is no measure `{}`", input.measure.name))
        })?;
        let table = &self.model.semantic_models[model];
        let measure = &table.measures[at];
        let mut filters: Vec<(&'m Filter, usize)> = Vec::new();
        let own = input.filters.iter().map(|filter| (filter, context.offsets.len()));
        for (filter, level) in own.chain(context.filters.iter().rev().copied()) {
            if !filters.iter().any(|(known, at)| known.text == filter.text && *at == level) {
                filters.push((filter, level));
            }
        }
        let time = measure.agg_time_dimension.as_ref().and_then(|time| table.dimension(&time.name));
        let leaf = Leaf {
            name: self.free_name(context.alias.unwrap_or(&metric.name)),
            fact: Fact { model, time },
            measure,
            filters,
            conds: Vec::new(),
            offsets: context.offsets,
            running,
            join_to_timespine: input.join_to_timespine,
            conversion,
            asked: self.asked,
        };
        let fill = input.fill_nulls_with;
        let same = self.leaves.iter().position(|known| known.is_same(&leaf));
        let leaf = same.unwrap_or_else(|| {
            self.leaves.push(leaf);
            self.leaves.len() - 1
        });
        Ok(Calc::Leaf { leaf, fill })
    }

    fn free_name(&self, wanted: &str) -> String {
        let taken = |name: &str| self.leaves.iter().any(|leaf| leaf.name == name);
        let mut name = wanted.to_owned();
        let mut number = 1;
        while taken(&name) {
            number += 1;
            name = format!("{wanted}_{number}");
        }
        name
    }
}

impl Leaf<'_> {
    fn is_same(&self, other: &Self) -> bool {
        std::ptr::eq(self.measure, other.measure) && self.shares_rows(other)
    }

    /// True when both can be aggregated in one pass over the same rows.
    pub(crate) fn shares_rows(&self, other: &Self) -> bool {
        let texts =
            |leaf: &Self| leaf.filters.iter().map(|(f, level)| (f.text.clone(), *level)).collect::<Vec<_>>();
        let time = |leaf: &Self| leaf.fact.time.map(|time| time.name.clone());
        let semi = |leaf: &Self| {
            leaf.measure.non_additive.as_ref().map(|n| {
                let groupings: Vec<&str> = n.groupings.iter().map(|g| g.name.as_str()).collect();
                (n.dimension.name.clone(), n.last, groupings.join(","))
            })
        };
        let conversion = |leaf: &Self| leaf.conversion.map(std::ptr::from_ref);
        self.fact.model == other.fact.model
            && time(self) == time(other)
            && texts(self) == texts(other)
            && self.offsets == other.offsets
            && self.running == other.running
            && self.join_to_timespine == other.join_to_timespine
            && semi(self) == semi(other)
            && conversion(self) == conversion(other)
    }
}
