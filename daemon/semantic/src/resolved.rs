//! A query whose every name is looked up, ready to be written.

use crate::MetricQuery;
use crate::compile::{Column, Role};
use crate::error::{QueryError, QueryErrorKind as Kind};
use crate::expr;
use crate::grain::Grain;
use crate::graph::Element;
use crate::items::{AnyGrain, ItemKey, TimeForm};
use crate::leaves::{Calc, Expansion, Leaf};
use crate::model::{Metric, Model, Running};
use crate::names;
use crate::range::Range;
use crate::resolve::{Cond, Fact, Lookup, Purpose};

/// A query whose every name is looked up.
#[derive(Debug)]
pub(crate) struct Resolved<'m> {
    pub model: &'m Model,
    pub metrics: Vec<(&'m Metric, Calc<'m>)>,
    pub leaves: Vec<Leaf<'m>>,
    pub group: Vec<ItemKey>,
    /// The asker's filters; also in every leaf.
    pub conds: Vec<Cond>,
    /// Column and whether it descends.
    pub order: Vec<(String, bool)>,
    pub limit: Option<u64>,
    pub range: Range,
    /// Without metrics: the table the items start from.
    pub base: Option<usize>,
}

impl<'m> Resolved<'m> {
    pub(crate) fn new(model: &'m Model, query: &MetricQuery) -> Result<Self, QueryError> {
        if query.metrics.is_empty() && query.group_by.is_empty() {
            return Err(QueryError::new(Kind::EmptyQuery, "the query asks for nothing")
                .hint("name at least one metric or one group-by item"));
        }
        let range = Range::read(query)?;
        let mut expansion = Expansion::new(model);
        let mut metrics: Vec<(&Metric, Calc<'_>)> = Vec::new();
        for name in &query.metrics {
            let (metric, calc) = expansion.metric(name)?;
            if metrics.iter().any(|(known, _)| known.name == metric.name) {
                return Err(QueryError::new(
                    Kind::Duplicate,
                    format!("the metric `{name}` is asked for twice"),
                ));
            }
            metrics.push((metric, calc));
        }
        let mut resolved = Self {
            model,
            metrics,
            leaves: expansion.leaves,
            group: Vec::new(),
            conds: Vec::new(),
            order: Vec::new(),
            limit: query.limit,
            range,
            base: None,
        };
        if resolved.metrics.is_empty() {
            resolved.items_alone(query)?;
        } else {
            resolved.items(query)?;
        }
        resolved.order(query)?;
        Ok(resolved)
    }

    /// The facts of all leaves, each once. A conversion is grouped by what its base event knows.
    fn facts(&self) -> Vec<Fact<'m>> {
        let mut facts: Vec<Fact<'m>> = Vec::new();
        for leaf in &self.leaves {
            let same = |f: &Fact<'_>| f.model == leaf.fact.model && f.grain() == leaf.fact.grain();
            if !facts.iter().any(same) {
                facts.push(leaf.fact);
            }
        }
        facts
    }

    pub(crate) fn lookup(&self, facts: Vec<Fact<'m>>, purpose: Purpose) -> Lookup<'m> {
        Lookup { model: self.model, facts, metrics: self.metrics.len(), purpose }
    }

    fn items(&mut self, query: &MetricQuery) -> Result<(), QueryError> {
        let lookup = self.lookup(self.facts(), Purpose::GroupBy);
        for text in &query.group_by {
            let key = match (self.single_grain(), plain_metric_time(text)) {
                (Some(grain), true) => ItemKey::MetricTime(TimeForm::Grain(AnyGrain::Standard(grain))),
                _ => lookup.group_item(text)?,
            };
            self.add_group(key, text)?;
        }
        let lookup = self.lookup(self.facts(), Purpose::Filter);
        for text in &query.r#where {
            self.conds.push(lookup.filter(text)?);
        }
        for at in 0..self.leaves.len() {
            self.leaf_conds(at)?;
            self.along_time(at)?;
        }
        if !self.range.is_empty()
            && let Some(leaf) = self.leaves.iter().find(|leaf| leaf.fact.time.is_none())
        {
            let message = format!("a time range has no meaning for `{}`, which has no time", leaf.asked);
            return Err(QueryError::new(Kind::BadTimeRange, message));
        }
        Ok(())
    }

    /// The grain a metric declares for `metric_time` without a grain, when all metrics agree on one.
    fn single_grain(&self) -> Option<Grain> {
        let mut grains = self.metrics.iter().map(|(metric, _)| metric.time_granularity);
        let first = grains.next()??;
        let coarse_enough = self.facts().iter().all(|fact| fact.grain().is_some_and(|grain| grain <= first));
        (coarse_enough && grains.all(|grain| grain == Some(first))).then_some(first)
    }

    pub(crate) fn add_group(&mut self, key: ItemKey, text: &str) -> Result<(), QueryError> {
        if self.group.contains(&key) {
            return Err(QueryError::new(Kind::Duplicate, format!("`{text}` is grouped by twice")));
        }
        let column = key.column();
        if self.metrics.iter().any(|(metric, _)| metric.name == column) {
            let message = format!("`{column}` would be two columns: a metric and a group-by item");
            return Err(QueryError::new(Kind::Duplicate, message));
        }
        self.group.push(key);
        Ok(())
    }

    /// Looks up the filters of a leaf, and adds the asker's.
    fn leaf_conds(&mut self, at: usize) -> Result<(), QueryError> {
        let leaf = &self.leaves[at];
        let lookup = self.lookup(vec![leaf.fact], Purpose::Filter);
        let mut conds = Vec::new();
        for (filter, level) in &leaf.filters {
            let mut cond = lookup.condition(&filter.expr, &filter.text).map_err(|mut error| {
                error.message = format!("a filter of the metric `{}`: {}", leaf.asked, error.message);
                error
            })?;
            cond.level = *level;
            let custom = cond.keys.iter().any(|(_, key)| {
                matches!(key.time(), Some(TimeForm::Grain(AnyGrain::Custom(_))))
                    && self.is_axis(key, &leaf.fact)
            });
            if custom && *level > 0 {
                let message =
                    format!("a filter of `{}` uses a custom grain of a time that is moved", leaf.asked);
                return Err(QueryError::new(Kind::BadFilter, message)
                    .hint("use a standard grain in the metric's filter"));
            }
            conds.push(cond);
        }
        conds.extend(self.conds.iter().cloned());
        self.leaves[at].conds = conds;
        Ok(())
    }

    /// Checks that what runs or moves along time has a time to do so.
    fn along_time(&mut self, at: usize) -> Result<(), QueryError> {
        let leaf = &self.leaves[at];
        let timed = self.group.iter().any(|key| self.is_axis(key, &leaf.fact));
        let grained = self.asked_grain(&leaf.fact).is_some();
        let running = leaf.running.map(|(running, _)| running);
        let needs = !leaf.offsets.is_empty() && !timed
            || matches!(running, Some(Running::Trailing(_) | Running::ToDate(_))) && !grained
            || running == Some(Running::AllTime) && timed && !grained;
        if needs {
            let message = format!("`{}` has a meaning only along time", leaf.asked);
            return Err(
                QueryError::new(Kind::MissingMetricTime, message).hint("group by `metric_time` with a grain")
            );
        }
        if !timed && running == Some(Running::AllTime) {
            self.leaves[at].running = None;
        }
        let leaf = &self.leaves[at];
        if leaf.measure.non_additive.is_some() && leaf.running.is_some() {
            let message = format!(
                "`{}` runs over `{}`, which does not add up over time",
                leaf.asked, leaf.measure.name
            );
            return Err(QueryError::new(Kind::BadQuery, message));
        }
        Ok(())
    }

    /// True for `metric_time` and for the fact's own time dimension under its name.
    pub(crate) fn is_axis(&self, key: &ItemKey, fact: &Fact<'_>) -> bool {
        match key {
            ItemKey::MetricTime(_) => true,
            ItemKey::Element { full, time: Some(_) } => {
                let path = self.model.graph.path(fact.model, full);
                let own = path.filter(|path| path.hops.is_empty()).map(|path| path.element);
                let table = self.model.semantic_models.get(fact.model);
                match (own, table, fact.time) {
                    (Some(Element::Dimension(at)), Some(table), Some(time)) => {
                        table.dimensions.get(at).is_some_and(|d| d.name == time.name)
                    }
                    _ => false,
                }
            }
            _ => false,
        }
    }

    /// The finest grain the fact's time is asked by; a custom grain counts as years, for it is coarser than any unit.
    pub(crate) fn asked_grain(&self, fact: &Fact<'_>) -> Option<Grain> {
        let axes = self.group.iter().filter(|key| self.is_axis(key, fact));
        axes.filter_map(|key| match key.time() {
            Some(TimeForm::Grain(AnyGrain::Standard(grain))) => Some(*grain),
            Some(TimeForm::Grain(AnyGrain::Custom(_))) => Some(Grain::Year),
            _ => None,
        })
        .min()
    }

    /// The standard grain to which a time range is widened.
    pub(crate) fn widening(&self) -> Option<Grain> {
        let times = self.group.iter().filter(|key| key.is_metric_time());
        times
            .filter_map(|key| match key.time() {
                Some(TimeForm::Grain(AnyGrain::Standard(grain))) => Some(*grain),
                _ => None,
            })
            .min()
    }

    fn order(&mut self, query: &MetricQuery) -> Result<(), QueryError> {
        for text in &query.order_by {
            let (name, mut down) = match text.trim().strip_prefix('-') {
                Some(rest) => (rest.trim(), true),
                None => (text.trim(), false),
            };
            let (column, descending) = self.order_column(name).ok_or_else(|| {
                let known = self
                    .metrics
                    .iter()
                    .map(|(m, _)| m.name.clone())
                    .chain(self.group.iter().map(ItemKey::column));
                let known: Vec<String> = known.collect();
                let near = names::nearest(name, known.iter().map(String::as_str), 3);
                QueryError::new(
                    Kind::BadOrderBy,
                    format!("cannot order by `{name}`, which is not in the query"),
                )
                .hint(format!("the query has {}", names::listed(&known)))
                .suggest(near)
            })?;
            down ^= descending;
            if !self.order.iter().any(|(known, _)| *known == column) {
                self.order.push((column, down));
            }
        }
        Ok(())
    }

    fn order_column(&self, name: &str) -> Option<(String, bool)> {
        let lower = name.to_lowercase();
        if let Some((metric, _)) = self.metrics.iter().find(|(metric, _)| metric.name == lower) {
            return Some((metric.name.clone(), false));
        }
        if let Some(key) = self.group.iter().find(|key| key.column() == lower) {
            return Some((key.column(), false));
        }
        let item = expr::parse_item(name, &|name| self.model.custom_grain(name).is_some()).ok()?;
        if item.kind == expr::ItemKind::Metric {
            let found = self.metrics.iter().find(|(metric, _)| metric.name == item.element);
            return found.map(|(metric, _)| (metric.name.clone(), item.descending));
        }
        let full = item.full();
        let mut same = self.group.iter().filter(|key| match key {
            ItemKey::MetricTime(_) => full == names::METRIC_TIME,
            ItemKey::Element { full: known, .. } => crate::graph::ends_with(known, &full),
            ItemKey::Metric { .. } => false,
        });
        let matches_time = |key: &&ItemKey| match (key.time(), &item.grain, item.part) {
            (Some(TimeForm::Part(part)), _, Some(wanted)) => *part == wanted,
            (Some(TimeForm::Grain(grain)), Some(wanted), None) => grain.name() == wanted,
            (_, None, None) => true,
            _ => false,
        };
        let first = same.find(matches_time)?;
        let other = same.find(matches_time);
        other.is_none().then(|| (first.column(), item.descending))
    }

    pub(crate) fn columns(&self) -> Vec<Column> {
        let items = self.group.iter().map(|key| self.item_column(key));
        let metrics = self.metrics.iter().map(|(metric, _)| Column {
            name: metric.name.clone(),
            role: Role::Metric,
            label: metric.about.label.clone(),
            grain: None,
            unit: metric.about.meta_text("unit").map(str::to_owned),
            format: metric.about.meta_text("format").map(str::to_owned),
        });
        items.chain(metrics).collect()
    }

    fn item_column(&self, key: &ItemKey) -> Column {
        let mut column = Column {
            name: key.column(),
            role: Role::Dimension,
            label: None,
            grain: None,
            unit: None,
            format: None,
        };
        match key.time() {
            Some(TimeForm::Grain(grain)) => {
                column.role = Role::Time;
                column.grain = Some(grain.name().to_owned());
            }
            Some(TimeForm::Part(_)) | None => {}
        }
        let start = self.leaves.first().map(|leaf| leaf.fact.model).or(self.base);
        if let (ItemKey::Element { full, .. }, Some(start)) = (key, start)
            && let Some(path) = self.model.graph.path(start, full)
            && let Some(table) = self.model.semantic_models.get(path.model)
        {
            column.label = match path.element {
                Element::Dimension(at) => table.dimensions.get(at).and_then(|d| d.about.label.clone()),
                Element::Entity(at) => {
                    column.role = Role::Entity;
                    table.entities.get(at).and_then(|e| e.about.label.clone())
                }
            };
        }
        column
    }
}

fn plain_metric_time(text: &str) -> bool {
    text.trim().eq_ignore_ascii_case(names::METRIC_TIME)
}
