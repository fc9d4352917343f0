//! Periods without rows get a row, from the time spine.

use super::Lowering;
use super::groups::value_name;
use super::rows::{condition, limits};
use crate::error::{QueryError, QueryErrorKind as Kind};
use crate::grain::Grain;
use crate::items::{AnyGrain, ItemKey, TimeForm};
use crate::leaves::Leaf;
use crate::model::TimeSpine;
use crate::resolved::Resolved;
use crate::sql::{Join, JoinKind, Relation, Rendered, Select};

impl<'m> Lowering<'m> {
    /// The coarsest spine that has rows of at least this grain, and the custom grains asked for.
    pub(super) fn spine(&self, grain: Grain, keys: &[&ItemKey]) -> Result<&'m TimeSpine, QueryError> {
        let custom: Vec<&str> = keys.iter().filter_map(|key| custom_of(key)).collect();
        let fits = |spine: &&TimeSpine| {
            spine.grain <= grain
                && custom.iter().all(|name| spine.custom.iter().any(|grain| grain.name == *name))
        };
        self.model.spines.iter().filter(fits).max_by_key(|spine| spine.grain).ok_or_else(|| {
            let message = format!("the model has no time spine of grain {} or finer", grain.name());
            QueryError::new(Kind::UnreachableGroupBy, message)
                .hint("declare one under `models` with `time_spine`")
        })
    }

    /// A time item over a spine.
    pub(super) fn spine_item(
        &self,
        spine: &TimeSpine,
        alias: Option<&str>,
        time: &str,
        key: &ItemKey,
    ) -> Rendered {
        Rendered::atomic(match key.time() {
            Some(TimeForm::Grain(AnyGrain::Standard(grain))) => self.dialect.truncate(*grain, time),
            Some(TimeForm::Part(part)) => self.dialect.part(*part, time),
            Some(TimeForm::Grain(AnyGrain::Custom(name))) => {
                let column =
                    spine.custom.iter().find(|grain| grain.name == *name).map(|grain| grain.column.as_str());
                let column = self.dialect.quote_word(column.unwrap_or(name));
                match alias {
                    Some(alias) => format!("{}.{column}", self.dialect.quote(alias)),
                    None => column,
                }
            }
            None => time.to_owned(),
        })
    }

    /// Left-joins what was found to every period of the spine.
    pub(super) fn fill_gaps(
        &mut self,
        resolved: &Resolved<'m>,
        leaves: &[&Leaf<'m>],
        found: Select,
    ) -> Result<Select, QueryError> {
        let first = leaves[0];
        let axes: Vec<&ItemKey> =
            resolved.group.iter().filter(|key| resolved.is_axis(key, &first.fact)).collect();
        let needed =
            axes.iter().filter_map(|key| key.time()).map(TimeForm::needs).min().unwrap_or(Grain::Day);
        let spine = self.spine(needed, &axes)?;
        let periods = self.periods(resolved, first, spine, &axes);
        let periods = self.part(&format!("{}_periods", first.name), periods);
        let found = self.part(&format!("{}_found", first.name), found);
        let (periods_sql, found_sql) = (self.dialect.quote(&periods), self.dialect.quote(&found));
        let quote = |name: &str| self.dialect.quote(name);
        let mut select = Select::default();
        for key in &resolved.group {
            let from = if axes.contains(&key) { &periods_sql } else { &found_sql };
            select.column(format!("{from}.{}", quote(&key.column())), key.column());
        }
        for leaf in leaves {
            select.column(format!("{found_sql}.{}", quote(&leaf.name)), &leaf.name);
        }
        let on = axes.iter().map(|key| {
            let column = quote(&key.column());
            format!("{periods_sql}.{column} = {found_sql}.{column}")
        });
        select.joins.push(Join {
            kind: JoinKind::Left,
            relation: Relation::Name(found_sql.clone()),
            alias: None,
            on: on.collect(),
        });
        select.from = Some((Relation::Name(periods_sql.clone()), None));
        // The rows added must keep the filters that the result can be tested by.
        let today = self.today.clone();
        for cond in &first.conds {
            let in_result = |key: &ItemKey| resolved.group.contains(key);
            let on_periods = cond.keys.iter().all(|(_, key)| axes.contains(&key));
            let moved = cond.level > 0 && cond.keys.iter().any(|(_, key)| axes.contains(&key));
            if !on_periods && !moved && cond.keys.iter().all(|(_, key)| in_result(key)) {
                let item = |key: &ItemKey| {
                    let from = if axes.contains(&key) { &periods_sql } else { &found_sql };
                    Rendered::atomic(format!("{from}.{}", quote(&key.column())))
                };
                select.filters.push(condition(self.dialect, today.as_deref(), cond, &item));
            }
        }
        Ok(select)
    }

    /// The periods asked for, each once.
    fn periods(
        &mut self,
        resolved: &Resolved<'m>,
        leaf: &Leaf<'m>,
        spine: &'m TimeSpine,
        axes: &[&ItemKey],
    ) -> Select {
        let time = self.dialect.quote_word(&spine.column);
        let mut select = Select { distinct: true, ..Select::default() };
        for key in axes {
            select.column(self.spine_item(spine, None, &time, key).sql, key.column());
        }
        let relation = self.relation(&spine.table.name);
        select.from = Some((Relation::Name(relation), None));
        let today = self.today.clone();
        for cond in &leaf.conds {
            let on_time = |key: &ItemKey| {
                let known =
                    custom_of(key).is_none_or(|name| spine.custom.iter().any(|grain| grain.name == name));
                resolved.is_axis(key, &leaf.fact)
                    && key.time().is_some_and(|t| t.needs() >= spine.grain)
                    && known
            };
            let tests_periods = cond.level == 0 && !cond.keys.is_empty();
            if tests_periods && cond.keys.iter().all(|(_, key)| on_time(key)) {
                let item = |key: &ItemKey| self.spine_item(spine, None, &time, key);
                select.filters.push(condition(self.dialect, today.as_deref(), cond, &item));
            }
        }
        select.filters.extend(limits(
            self.dialect,
            &time,
            resolved.range.bounds(spine.grain, resolved.widening()),
        ));
        select
    }

    /// The name of a leaf's column between two selects.
    pub(super) fn value_column(&self, leaf: &Leaf<'_>) -> String {
        self.dialect.quote(&value_name(leaf))
    }
}

/// The custom grain of a key.
pub(super) fn custom_of(key: &ItemKey) -> Option<&str> {
    match key.time() {
        Some(TimeForm::Grain(AnyGrain::Custom(name))) => Some(name),
        _ => None,
    }
}
