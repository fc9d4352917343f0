//! Names of a query to things of the model; every refusal happens here, before there is any SQL.

use crate::error::{QueryError, QueryErrorKind as Kind};
use crate::expr::{self, Expr, ItemKind, ItemRef};
use crate::grain::Grain;
use crate::graph::{Element, Path, ends_with};
use crate::items::{AnyGrain, ItemKey, TimeForm, needs_prefix};
use crate::model::{Dimension, Model};
use crate::names::{self, METRIC_TIME};
use crate::time::Moment;

/// Where the facts of a metric come from: a semantic model, and the time dimension that is its `metric_time`.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Fact<'m> {
    pub model: usize,
    pub time: Option<&'m Dimension>,
}

impl Fact<'_> {
    pub(crate) fn grain(&self) -> Option<Grain> {
        self.time.and_then(Dimension::grain)
    }
}

/// A filter whose items are looked up.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Cond {
    pub expr: Expr,
    pub keys: Vec<(ItemRef, ItemKey)>,
    pub text: String,
    /// How many of a leaf's offsets lie outside the filter: its time is moved by the others only.
    pub level: usize,
}

impl Cond {
    pub(crate) fn key(&self, item: &ItemRef) -> Option<&ItemKey> {
        self.keys.iter().find(|(known, _)| known == item).map(|(_, key)| key)
    }
}

/// What an item is wanted for; decides the kind of the refusal.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Purpose {
    GroupBy,
    Filter,
}

/// Looks items up for a set of facts that must all reach them under one full name.
pub(crate) struct Lookup<'m> {
    pub model: &'m Model,
    pub facts: Vec<Fact<'m>>,
    /// How many metrics the query asks for.
    pub metrics: usize,
    pub purpose: Purpose,
}

impl<'m> Lookup<'m> {
    pub(crate) fn is_custom(&self, name: &str) -> bool {
        self.model.custom_grain(name).is_some()
    }

    fn refuse(&self, kind: Kind, message: String) -> QueryError {
        let kind = match (self.purpose, kind) {
            (Purpose::Filter, Kind::UnknownGroupBy | Kind::UnreachableGroupBy | Kind::NoCommonGroupBy) => {
                Kind::UnreachableFilter
            }
            (_, kind) => kind,
        };
        QueryError::new(kind, message)
    }

    /// Reads and looks up a group-by item.
    pub(crate) fn group_item(&self, text: &str) -> Result<ItemKey, QueryError> {
        let item = expr::parse_item(text, &|name| self.is_custom(name)).map_err(|fault| {
            let error =
                self.refuse(Kind::UnknownGroupBy, format!("cannot group by `{text}`: {}", fault.message));
            match fault.hint {
                Some(hint) => error.hint(hint),
                None => error,
            }
        })?;
        if item.kind == ItemKind::Metric {
            return Err(self.refuse(Kind::UnknownGroupBy, format!("cannot group by the metric in `{text}`")));
        }
        self.item(&item)
    }

    /// Looks an item up.
    pub(crate) fn item(&self, item: &ItemRef) -> Result<ItemKey, QueryError> {
        if item.kind == ItemKind::Metric {
            return self.metric_item(item);
        }
        if item.path.is_empty() && item.element == METRIC_TIME {
            return self.metric_time(item);
        }
        let full = self.full_name(item)?;
        let path = self.sample(&full);
        let dimension = path.and_then(|path| self.dimension(path));
        match (item.kind, dimension) {
            (ItemKind::Entity, Some(_)) => return Err(self.wrong_kind(item, "is a dimension, not an entity")),
            (ItemKind::Dimension, None) => return Err(self.wrong_kind(item, "is an entity, not a dimension")),
            (ItemKind::TimeDimension, d) if d.and_then(Dimension::grain).is_none() => {
                return Err(self.wrong_kind(item, "is no time dimension"));
            }
            _ => {}
        }
        let time = match dimension.and_then(Dimension::grain) {
            Some(grain) => Some(self.time_form(item, grain, &full)?),
            None if item.grain.is_some() || item.part.is_some() => {
                return Err(self.wrong_kind(item, "is no time, so it has no grain or date part"));
            }
            None => None,
        };
        Ok(ItemKey::Element { full, time })
    }

    fn wrong_kind(&self, item: &ItemRef, what: &str) -> QueryError {
        self.refuse(Kind::UnknownGroupBy, format!("`{}` {what}, in `{}`", item.full(), item.text.trim()))
    }

    fn metric_item(&self, item: &ItemRef) -> Result<ItemKey, QueryError> {
        let name = &item.element;
        if self.model.metric(name).is_none() {
            let known = self.model.metrics.keys().map(String::as_str);
            return Err(QueryError::new(
                Kind::BadFilter,
                format!("the filter uses the unknown metric `{name}`"),
            )
            .suggest(names::nearest(name, known, 3)));
        }
        if item.group_by.is_empty() {
            let message = format!("`{}` needs `group_by`: per what the metric is taken", item.text.trim());
            return Err(QueryError::new(Kind::BadFilter, message)
                .hint(format!("write {{{{ Metric('{name}', group_by=['<entity>']) }}}}")));
        }
        let mut group_by = Vec::new();
        for name in &item.group_by {
            let key = self.group_item(name)?;
            if key.time().is_some() {
                let message =
                    format!("`{}` may be grouped by entities and dimensions without time", item.text.trim());
                return Err(QueryError::new(Kind::BadFilter, message));
            }
            group_by.push(key.column());
        }
        Ok(ItemKey::Metric { name: name.clone(), group_by })
    }

    fn metric_time(&self, item: &ItemRef) -> Result<ItemKey, QueryError> {
        if item.kind == ItemKind::Entity {
            return Err(self.wrong_kind(item, "is a time, not an entity"));
        }
        let mut coarsest = None;
        for fact in &self.facts {
            let Some(grain) = fact.grain() else {
                let name = &self.model.semantic_models[fact.model].name;
                let message =
                    format!("`{METRIC_TIME}` has no meaning for `{name}`, whose measures have no time");
                return Err(self.refuse(Kind::UnreachableGroupBy, message));
            };
            coarsest = coarsest.max(Some(grain));
        }
        let Some(grain) = coarsest.or_else(|| self.spine_grain(item)) else {
            let message =
                format!("`{METRIC_TIME}` without metrics needs a time spine, and the model has none");
            return Err(self.refuse(Kind::UnreachableGroupBy, message));
        };
        Ok(ItemKey::MetricTime(self.time_form(item, grain, METRIC_TIME)?))
    }

    /// Without metrics the spines are the data; days are meant when no grain is named and there are any.
    fn spine_grain(&self, item: &ItemRef) -> Option<Grain> {
        let grains = || self.model.spines.iter().map(|spine| spine.grain);
        let named = item.grain.is_some() || item.part.is_some();
        if !named && grains().any(|grain| grain == Grain::Day) {
            return Some(Grain::Day);
        }
        grains().min()
    }

    /// The form a time is asked in; refused when the data are coarser.
    fn time_form(&self, item: &ItemRef, declared: Grain, full: &str) -> Result<TimeForm, QueryError> {
        let form = match (item.part, &item.grain) {
            (Some(part), _) => TimeForm::Part(part),
            (None, Some(name)) => TimeForm::Grain(match Grain::parse(name) {
                Some(grain) => AnyGrain::Standard(grain),
                None => AnyGrain::Custom(name.clone()),
            }),
            (None, None) => TimeForm::Grain(AnyGrain::Standard(declared)),
        };
        if form.needs() < declared {
            let asked = ItemKey::Element { full: full.to_owned(), time: Some(form) };
            let message = format!(
                "`{}` is finer than the data: `{full}` is known by {}",
                asked.column(),
                declared.name()
            );
            return Err(self
                .refuse(Kind::UnreachableGroupBy, message)
                .suggest(vec![format!("{full}__{}", declared.name())]));
        }
        Ok(form)
    }

    fn sample(&self, full: &str) -> Option<&'m Path> {
        self.facts.iter().find_map(|fact| self.model.graph.path(fact.model, full))
    }

    fn dimension(&self, path: &Path) -> Option<&'m Dimension> {
        match path.element {
            Element::Dimension(at) => self.model.semantic_models.get(path.model)?.dimensions.get(at),
            Element::Entity(_) => None,
        }
    }

    /// The full name that all facts reach, the shortest that ends as written.
    fn full_name(&self, item: &ItemRef) -> Result<String, QueryError> {
        let wanted = item.full();
        let mut sets: Vec<Vec<&'m str>> = Vec::new();
        for fact in &self.facts {
            let reach = self.model.graph.reach(fact.model).into_iter().flatten();
            // A bare name can only be an entity: a dimension is named with the entity before it.
            let fits = |name: &str, paths: &[Path]| {
                let is_entity = paths.iter().any(|path| matches!(path.element, Element::Entity(_)));
                ends_with(name, &wanted) && (is_entity || !item.path.is_empty())
            };
            let fitting = reach.filter(|(name, paths)| fits(name, paths));
            sets.push(fitting.map(|(name, _)| name.as_str()).collect());
        }
        let Some((first, others)) = sets.split_first() else {
            return Err(self.refuse(Kind::UnreachableGroupBy, format!("`{wanted}` cannot be reached")));
        };
        let common: Vec<&str> =
            first.iter().copied().filter(|name| others.iter().all(|set| set.contains(name))).collect();
        if common.is_empty() {
            return Err(self.not_common(item, &wanted, &sets));
        }
        let parts = |name: &str| name.split("__").count();
        let shortest = common.iter().map(|name| parts(name)).min().unwrap_or(0);
        let mut best = common.into_iter().filter(|name| parts(name) == shortest);
        let (Some(full), rest) = (best.next(), best.collect::<Vec<_>>()) else {
            return Err(self.refuse(Kind::UnreachableGroupBy, format!("`{wanted}` cannot be reached")));
        };
        if !rest.is_empty() {
            let mut names: Vec<String> = rest.into_iter().chain([full]).map(str::to_owned).collect();
            names.sort();
            let message = format!("`{wanted}` can be reached by {} ways", names.len());
            return Err(QueryError::new(Kind::AmbiguousGroupBy, message)
                .hint(format!("name one: {}", names::listed(&names)))
                .suggest(names));
        }
        self.one_path(full)?;
        Ok(full.to_owned())
    }

    /// One full name may still lead to two tables with the same key.
    fn one_path(&self, full: &str) -> Result<(), QueryError> {
        for fact in &self.facts {
            let paths = self.model.graph.reach(fact.model).and_then(|reach| reach.get(full));
            if let Some([first, second, ..]) = paths.map(Vec::as_slice) {
                let name = |path: &Path| self.model.semantic_models[path.model].name.clone();
                let message = format!(
                    "`{full}` is declared in `{}` and in `{}`, which share the key",
                    name(first),
                    name(second)
                );
                return Err(QueryError::new(Kind::AmbiguousGroupBy, message)
                    .hint("rename one of the two in the model"));
            }
        }
        Ok(())
    }

    fn not_common(&self, item: &ItemRef, wanted: &str, sets: &[Vec<&str>]) -> QueryError {
        let some = sets.iter().any(|set| !set.is_empty());
        let shown = if wanted == item.text {
            wanted.to_owned()
        } else {
            format!("{wanted}` in `{}", item.text.trim())
        };
        let known = self.reachable();
        let near = names::nearest(wanted, known.iter().copied(), 3);
        if some && self.metrics > 1 {
            let message = format!("not all of the metrics can be grouped by `{shown}` in the same way");
            return self.refuse(Kind::NoCommonGroupBy, message).suggest(near);
        }
        if some {
            let message = format!("the parts of the metric cannot all be grouped by `{shown}`");
            return self.refuse(Kind::UnreachableGroupBy, message).suggest(near);
        }
        if item.path.is_empty() && near.iter().any(|name| ends_with(name, wanted)) {
            let message = format!("`{shown}` is a dimension and needs its entity before it");
            return self.refuse(Kind::UnknownGroupBy, message).suggest(near);
        }
        if self.model.graph.exists(&item.path, &item.element) {
            let from: Vec<String> =
                self.facts.iter().map(|fact| self.model.semantic_models[fact.model].name.clone()).collect();
            let message = format!("`{shown}` cannot be reached from {}", names::listed(&from));
            return self
                .refuse(Kind::UnreachableGroupBy, message)
                .hint(
                    "tables join only towards a key, over at most two joins, so that no row is counted twice",
                )
                .suggest(near);
        }
        let error = self.refuse(Kind::UnknownGroupBy, format!("`{shown}` is unknown"));
        if item.path.first().is_some_and(|first| first == METRIC_TIME) {
            let grains: Vec<&str> = Grain::ALL.iter().map(|grain| grain.name()).collect();
            return error.hint(format!("the grains are {}", grains.join(", "))).suggest(near);
        }
        error.suggest(near)
    }

    /// The full names all facts reach.
    pub(crate) fn reachable(&self) -> Vec<&'m str> {
        let Some((first, others)) = self.facts.split_first() else { return Vec::new() };
        let reach = |fact: &Fact<'_>| self.model.graph.reach(fact.model);
        let names = reach(first).into_iter().flatten().map(|(name, _)| name.as_str());
        names
            .filter(|name| others.iter().all(|fact| reach(fact).is_some_and(|r| r.contains_key(*name))))
            .collect()
    }

    /// Reads and looks up a filter of the asker.
    pub(crate) fn filter(&self, text: &str) -> Result<Cond, QueryError> {
        let parsed = expr::parse_filter(text, &|name| self.is_custom(name)).and_then(|expr| {
            expr.items().into_iter().try_for_each(needs_prefix)?;
            Ok(expr)
        });
        let expr = parsed.map_err(|fault| {
            let error =
                QueryError::new(Kind::BadFilter, format!("the filter cannot be used: {}", fault.message));
            let error = match fault.hint {
                Some(hint) => error.hint(hint),
                None => error,
            };
            error.suggest(fault.suggestions)
        })?;
        self.condition(&expr, text)
    }

    /// Looks up the items of a filter that is parsed already.
    pub(crate) fn condition(&self, expr: &Expr, text: &str) -> Result<Cond, QueryError> {
        let mut keys = Vec::new();
        for item in expr.items() {
            keys.push((item.clone(), self.item(item)?));
        }
        let is_time = |item: &ItemRef| {
            let key = keys.iter().find(|(known, _)| known == item).map(|(_, key)| key);
            matches!(key.and_then(ItemKey::time), Some(TimeForm::Grain(_)))
        };
        let expr = with_moments(expr, &is_time)?;
        Ok(Cond { expr, keys, text: text.trim().to_owned(), level: 0 })
    }
}

/// Texts that are compared with a time become dates or time stamps; what is neither is refused.
fn with_moments(expr: &Expr, is_time: &dyn Fn(&ItemRef) -> bool) -> Result<Expr, QueryError> {
    let timed = |expr: &Expr| matches!(expr, Expr::Item(item) if is_time(item));
    let down = |expr: &Expr| with_moments(expr, is_time).map(Box::new);
    let typed = |expr: &Expr, other: &Expr| match expr {
        Expr::Text(text) if timed(other) => moment(text),
        _ => with_moments(expr, is_time),
    };
    Ok(match expr {
        Expr::Binary(a, op, b) if op.is_comparison() => {
            Expr::Binary(Box::new(typed(a, b)?), *op, Box::new(typed(b, a)?))
        }
        Expr::Binary(a, op, b) => Expr::Binary(down(a)?, *op, down(b)?),
        Expr::Distinct(a, b, not) => Expr::Distinct(Box::new(typed(a, b)?), Box::new(typed(b, a)?), *not),
        Expr::Between(x, a, b, not) => {
            Expr::Between(down(x)?, Box::new(typed(a, x)?), Box::new(typed(b, x)?), *not)
        }
        Expr::In(x, list, not) => {
            let list = list.iter().map(|value| typed(value, x)).collect::<Result<_, _>>()?;
            Expr::In(down(x)?, list, *not)
        }
        Expr::Not(a) => Expr::Not(down(a)?),
        Expr::Is(a, what, not) => Expr::Is(down(a)?, *what, *not),
        other => other.clone(),
    })
}

fn moment(text: &str) -> Result<Expr, QueryError> {
    match Moment::parse(text) {
        Some(moment) if moment.has_time => Ok(Expr::Timestamp(moment.timestamp())),
        Some(_) => Ok(Expr::Date(text.trim().to_owned())),
        None => {
            Err(QueryError::new(Kind::BadFilter, format!("`{text}` is compared with a time and is no date"))
                .hint("write dates as 2024-01-31 and times as 2024-01-31 18:00:00"))
        }
    }
}
