//! Questions without metrics: the values that exist.

use super::Lowering;
use super::rows::{Rows, condition, limits};
use crate::error::QueryError;
use crate::grain::Grain;
use crate::items::{ItemKey, TimeForm};
use crate::resolve::Fact;
use crate::resolved::Resolved;
use crate::sql::{Join, JoinKind, Relation, Rendered, Select};

impl<'m> Lowering<'m> {
    pub(super) fn alone(&mut self, resolved: &Resolved<'m>) -> Result<Select, QueryError> {
        let (times, others): (Vec<&ItemKey>, Vec<&ItemKey>) =
            resolved.group.iter().partition(|key| key.is_metric_time());
        let Some(base) = resolved.base else {
            return self.calendar(resolved, &times);
        };
        let fact = Fact { model: base, time: None };
        let mut keys: Vec<ItemKey> = others.iter().map(|key| (*key).clone()).collect();
        let timed = |cond: &&crate::resolve::Cond| cond.keys.iter().any(|(_, key)| key.is_metric_time());
        keys.extend(
            resolved.conds.iter().filter(|c| !timed(c)).flat_map(|c| c.keys.iter().map(|(_, k)| k.clone())),
        );
        let rows = Rows::new(self, fact, &keys, &[])?.fully();
        let mut select = Select { distinct: true, ..Select::default() };
        for key in &others {
            select.column(rows.item(key).sql, key.column());
        }
        select.filters = resolved.conds.iter().filter(|c| !timed(c)).map(|cond| rows.filter(cond)).collect();
        rows.write(self, &mut select);
        if times.is_empty() {
            return Ok(select);
        }
        let calendar = self.calendar(resolved, &times)?;
        let calendar = self.part("periods", calendar);
        let values = self.part("values_found", select);
        let mut crossed = Select::default();
        for key in &resolved.group {
            let from = if key.is_metric_time() { &calendar } else { &values };
            crossed.column(
                format!("{}.{}", self.dialect.quote(from), self.dialect.quote(&key.column())),
                key.column(),
            );
        }
        crossed.from = Some((Relation::Name(self.dialect.quote(&values)), None));
        crossed.joins.push(Join {
            kind: JoinKind::Cross,
            relation: Relation::Name(self.dialect.quote(&calendar)),
            alias: None,
            on: Vec::new(),
        });
        Ok(crossed)
    }

    /// Periods of the spine.
    fn calendar(&mut self, resolved: &Resolved<'m>, times: &[&ItemKey]) -> Result<Select, QueryError> {
        let conds =
            resolved.conds.iter().filter(|cond| cond.keys.iter().all(|(_, key)| key.is_metric_time()));
        let conds: Vec<_> = conds.collect();
        let filtered = conds.iter().flat_map(|cond| cond.keys.iter().map(|(_, key)| key));
        let all: Vec<&ItemKey> = times.iter().copied().chain(filtered).collect();
        let needed = all.iter().filter_map(|key| key.time()).map(TimeForm::needs).min().unwrap_or(Grain::Day);
        let spine = self.spine(needed, &all)?;
        let time = self.dialect.quote_word(&spine.column);
        let mut select = Select { distinct: true, ..Select::default() };
        for key in times {
            select.column(self.spine_item(spine, None, &time, key).sql, key.column());
        }
        let relation = self.relation(&spine.table.name);
        select.from = Some((Relation::Name(relation), None));
        let today = self.today.clone();
        for cond in conds {
            let item = |key: &ItemKey| -> Rendered { self.spine_item(spine, None, &time, key) };
            select.filters.push(condition(self.dialect, today.as_deref(), cond, &item));
        }
        select.filters.extend(limits(
            self.dialect,
            &time,
            resolved.range.bounds(spine.grain, resolved.widening()),
        ));
        Ok(select)
    }
}
