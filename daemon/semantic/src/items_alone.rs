//! Looking up a query without metrics: one table must reach all items.

use crate::MetricQuery;
use crate::error::{QueryError, QueryErrorKind as Kind};
use crate::expr::{self, ItemKind};
use crate::graph::Element;
use crate::items::ItemKey;
use crate::model::EntityKind;
use crate::names;
use crate::resolve::{Fact, Purpose};
use crate::resolved::Resolved;

impl<'m> Resolved<'m> {
    /// Looks up group-by items and filters without metrics.
    pub(crate) fn items_alone(&mut self, query: &MetricQuery) -> Result<(), QueryError> {
        let wanted = self.wanted(query)?;
        let base = self.base_for(&wanted)?;
        self.base = base.map(|fact| fact.model);
        let is_custom = |name: &str| self.model.custom_grain(name).is_some();
        let facts: Vec<Fact<'m>> = base.into_iter().collect();
        let times = self.lookup(Vec::new(), Purpose::GroupBy);
        let lookup = self.lookup(facts.clone(), Purpose::GroupBy);
        let mut keys = Vec::new();
        for text in &query.group_by {
            let of_time = is_metric_time(text, &is_custom);
            keys.push((if of_time { times.group_item(text)? } else { lookup.group_item(text)? }, text));
        }
        for (key, text) in keys {
            self.add_group(key, text)?;
        }
        let lookup = self.lookup(facts, Purpose::Filter);
        for text in &query.r#where {
            self.conds.push(lookup.filter(text)?);
        }
        if !self.range.is_empty() && !self.group.iter().any(ItemKey::is_metric_time) {
            let message = "a time range without metrics needs `metric_time`";
            return Err(QueryError::new(Kind::BadTimeRange, message));
        }
        Ok(())
    }

    /// The full names of all items but times of the calendar; one that no table knows is refused.
    fn wanted(&self, query: &MetricQuery) -> Result<Vec<String>, QueryError> {
        let is_custom = |name: &str| self.model.custom_grain(name).is_some();
        let mut items = Vec::new();
        for text in &query.group_by {
            items.extend(expr::parse_item(text, &is_custom).ok().map(|item| (item, Purpose::GroupBy)));
        }
        for text in &query.r#where {
            let Ok(filter) = expr::parse_filter(text, &is_custom) else { continue };
            items.extend(filter.items().into_iter().map(|item| (item.clone(), Purpose::Filter)));
        }
        let all = self.all_tables();
        let mut wanted = Vec::new();
        for (item, purpose) in items {
            let of_time = item.path.is_empty() && item.element == names::METRIC_TIME;
            if of_time || item.kind == ItemKind::Metric {
                continue;
            }
            let full = item.full();
            if !all.iter().any(|fact| self.model.graph.path(fact.model, &full).is_some()) {
                // No table has it under this name: the look-up says what is wrong with it.
                self.lookup(all.clone(), purpose).item(&item)?;
            }
            wanted.push(full);
        }
        Ok(wanted)
    }

    fn all_tables(&self) -> Vec<Fact<'m>> {
        (0..self.model.semantic_models.len()).map(|model| Fact { model, time: None }).collect()
    }

    /// The table with the fewest joins, and of those one in which the entities asked for are keys.
    fn base_for(&self, wanted: &[String]) -> Result<Option<Fact<'m>>, QueryError> {
        if wanted.is_empty() {
            return Ok(None);
        }
        let cost = |fact: &Fact<'_>| -> Option<(usize, usize)> {
            let mut cost = (0, 0);
            for full in wanted {
                let path = self.model.graph.path(fact.model, full)?;
                cost.0 += path.hops.len();
                if let Element::Entity(at) = path.element {
                    let kind = self.model.semantic_models.get(path.model)?.entities.get(at)?.kind;
                    cost.1 += usize::from(kind == EntityKind::Foreign);
                }
            }
            Some(cost)
        };
        let all = self.all_tables();
        let best =
            all.into_iter().filter_map(|fact| Some((cost(&fact)?, fact))).min_by_key(|(cost, _)| *cost);
        best.map(|(_, fact)| Some(fact)).ok_or_else(|| {
            let message = format!("no table leads to all of {}", names::listed(wanted));
            QueryError::new(Kind::UnreachableGroupBy, message).hint("add a metric that knows all of them")
        })
    }
}

fn is_metric_time(text: &str, is_custom: &dyn Fn(&str) -> bool) -> bool {
    expr::parse_item(text, is_custom)
        .is_ok_and(|item| item.path.is_empty() && item.element == names::METRIC_TIME)
}
