//! Groups of leaves over plain rows, and over the rows of one date only.

use super::Lowering;
use super::rows::Rows;
use crate::error::QueryError;
use crate::explain::Step;
use crate::grain::{Grain, Window};
use crate::items::ItemKey;
use crate::leaves::Leaf;
use crate::model::{NonAdditive, Offset};
use crate::resolved::Resolved;
use crate::sql::{Relation, Select};

impl<'m> Lowering<'m> {
    /// One select with the group-by columns, then one column per leaf under the leaf's name.
    pub(super) fn group(&mut self, resolved: &Resolved<'m>, group: &[usize]) -> Result<Select, QueryError> {
        let leaves: Vec<&Leaf<'m>> = group.iter().map(|&at| &resolved.leaves[at]).collect();
        let first = leaves[0];
        let select = if let Some(conversion) = first.conversion {
            self.conversion(resolved, first, conversion)?
        } else if first.running.is_some() || looks_back(resolved, first) {
            self.windowed(resolved, &leaves)?
        } else if let Some(non_additive) = &first.measure.non_additive {
            self.semi_additive(resolved, &leaves, non_additive)?
        } else {
            self.plain(resolved, &leaves)?
        };
        let timed = resolved.group.iter().any(|key| resolved.is_axis(key, &first.fact));
        if first.join_to_timespine && timed {
            return self.fill_gaps(resolved, &leaves, select);
        }
        Ok(select)
    }

    fn plain(&mut self, resolved: &Resolved<'m>, leaves: &[&Leaf<'m>]) -> Result<Select, QueryError> {
        let first = leaves[0];
        let shift = forward(first);
        let rows = Rows::new(self, first.fact, &keys(resolved, first), &shift)?;
        let mut select = Select::default();
        for key in &resolved.group {
            select.column(rows.item(key).sql, key.column());
        }
        select.group = resolved.group.len();
        for leaf in leaves {
            let value = rows.own(&leaf.measure.name, &leaf.measure.expr);
            let sql = self.dialect.aggregate(leaf.measure.aggregation, &value.sql, select.group > 0);
            select.column(sql, &leaf.name);
        }
        select.filters = first.conds.iter().map(|cond| rows.filter(cond)).collect();
        select.filters.extend(rows.range(&resolved.range, resolved.widening()));
        self.explain_rows(leaves, &rows, notes(first));
        rows.write(self, &mut select);
        Ok(select)
    }

    /// Only the rows of the first or last date of each period (and of each grouping) are aggregated.
    fn semi_additive(
        &mut self,
        resolved: &Resolved<'m>,
        leaves: &[&Leaf<'m>],
        non_additive: &'m NonAdditive,
    ) -> Result<Select, QueryError> {
        let first = leaves[0];
        let rows = Rows::new(self, first.fact, &keys(resolved, first), &forward(first))?;
        let table = rows.table();
        let mut inner = Select::default();
        let mut partition = Vec::new();
        for key in &resolved.group {
            let sql = rows.item(key).sql;
            if resolved.is_axis(key, &first.fact)
                || is_own(resolved, key, first, &non_additive.dimension.name)
            {
                partition.push(sql.clone());
            }
            inner.column(sql, key.column());
        }
        for grouping in &non_additive.groupings {
            if let Some(entity) = table.entity(&grouping.name) {
                partition.push(rows.own(&entity.name, &entity.expr).sql);
            }
        }
        let date = self.own_date(&rows, &non_additive.dimension.name);
        let (which, pick) = if non_additive.last { ("MAX", "last_date") } else { ("MIN", "first_date") };
        let over = if partition.is_empty() {
            String::new()
        } else {
            format!("PARTITION BY {}", partition.join(", "))
        };
        inner.column(date.clone(), "row_date");
        inner.column(format!("{which}({date}) OVER ({over})"), pick);
        for leaf in leaves {
            inner.column(rows.own(&leaf.measure.name, &leaf.measure.expr).sql, value_name(leaf));
        }
        inner.filters = first.conds.iter().map(|cond| rows.filter(cond)).collect();
        inner.filters.extend(rows.range(&resolved.range, resolved.widening()));
        let mut notes = notes(first);
        let side = if non_additive.last { "last" } else { "first" };
        notes.push(format!("only rows of the {side} {} of each period", non_additive.dimension.name));
        self.explain_rows(leaves, &rows, notes);
        rows.write(self, &mut inner);
        let part = self.part(&format!("{}_rows", first.name), inner);
        let quote = |name: &str| self.dialect.quote(name);
        let mut select = Select {
            group: resolved.group.len(),
            filters: vec![format!("{} = {}", quote("row_date"), quote(pick))],
            ..Select::default()
        };
        for key in &resolved.group {
            select.column(quote(&key.column()), key.column());
        }
        for leaf in leaves {
            let value = quote(&value_name(leaf));
            select.column(
                self.dialect.aggregate(leaf.measure.aggregation, &value, select.group > 0),
                &leaf.name,
            );
        }
        select.from = Some((Relation::Name(quote(&part)), None));
        Ok(select)
    }

    /// A time dimension of the table itself, at its declared grain.
    fn own_date(&self, rows: &Rows<'_>, name: &str) -> String {
        rows.table().dimension(name).map_or_else(
            || "NULL".to_owned(),
            |dimension| {
                let raw = rows.own(&dimension.name, &dimension.expr);
                self.dialect.truncate(dimension.grain().unwrap_or(Grain::Day), &raw.sql)
            },
        )
    }

    pub(super) fn explain_rows(&mut self, leaves: &[&Leaf<'_>], rows: &Rows<'_>, notes: Vec<String>) {
        let first = leaves[0];
        let described = |leaf: &&Leaf<'_>| {
            format!("{} = {}({})", leaf.name, leaf.measure.aggregation.name(), leaf.measure.expr)
        };
        self.step(Step {
            table: rows.table().table.name.clone(),
            measures: leaves.iter().map(described).collect(),
            time: first.fact.time.map(|time| time.name.clone()),
            joins: rows.described_joins(),
            filters: first.conds.iter().map(|cond| cond.text.clone()).collect(),
            notes,
        });
    }
}

/// The column of a leaf's row value between two selects.
pub(super) fn value_name(leaf: &Leaf<'_>) -> String {
    format!("{}_value", leaf.name)
}

/// The items a leaf's rows must have: grouped by or filtered by.
pub(super) fn keys(resolved: &Resolved<'_>, leaf: &Leaf<'_>) -> Vec<ItemKey> {
    let filtered = leaf.conds.iter().flat_map(|cond| cond.keys.iter().map(|(_, key)| key.clone()));
    resolved.group.iter().cloned().chain(filtered).collect()
}

/// True when the item is the semantic model's own dimension of that name.
fn is_own(resolved: &Resolved<'_>, key: &ItemKey, leaf: &Leaf<'_>, name: &str) -> bool {
    let ItemKey::Element { full, .. } = key else { return false };
    let path = resolved.model.graph.path(leaf.fact.model, full);
    path.is_some_and(|path| path.hops.is_empty()) && full.rsplit("__").next() == Some(name)
}

/// True when a moved leaf cannot be had by moving its rows forward: days have no month to move one to one,
/// and the start of a period is one value for many results.
pub(super) fn looks_back(resolved: &Resolved<'_>, leaf: &Leaf<'_>) -> bool {
    let asked = resolved.asked_grain(&leaf.fact);
    leaf.offsets.iter().any(|offset| match offset {
        Offset::ToStartOf(_) => true,
        Offset::Back(window) => window.grain.is_calendar() && asked.is_some_and(|grain| grain <= Grain::Day),
    })
}

/// The windows by which rows move forward.
pub(super) fn forward(leaf: &Leaf<'_>) -> Vec<Window> {
    let back = leaf.offsets.iter().filter_map(|offset| match offset {
        Offset::Back(window) => Some(*window),
        Offset::ToStartOf(_) => None,
    });
    back.collect()
}

pub(super) fn notes(leaf: &Leaf<'_>) -> Vec<String> {
    let mut notes: Vec<String> = leaf
        .offsets
        .iter()
        .map(|offset| match offset {
            Offset::Back(window) => format!("moved back by {window}"),
            Offset::ToStartOf(grain) => format!("taken at the start of the {}", grain.name()),
        })
        .collect();
    if leaf.join_to_timespine {
        notes.push("periods without rows are filled in".to_owned());
    }
    notes
}
