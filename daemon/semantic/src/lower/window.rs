//! Values that look at rows of other times: running totals, and inputs taken at an earlier time.
//!
//! Both are one shape: each period of the time spine is joined to the rows its value is made of, then aggregated.

use super::Lowering;
use super::gaps::custom_of;
use super::groups::{notes, value_name};
use super::rows::{Rows, condition, limits};
use crate::error::{QueryError, QueryErrorKind as Kind};
use crate::grain::Grain;
use crate::items::ItemKey;
use crate::leaves::Leaf;
use crate::model::{Aggregation, Offset, PeriodAgg, Running, TimeSpine};
use crate::resolve::Cond;
use crate::resolved::Resolved;
use crate::sql::{Join, JoinKind, Relation, Rendered, Select};

const ROW_TIME: &str = "row_time";
const PERIOD: &str = "period_time";
const CALENDAR: &str = "calendar";

/// What is decided before any SQL is written.
struct Plan<'m, 'r> {
    resolved: &'r Resolved<'m>,
    leaves: &'r [&'r Leaf<'m>],
    /// The grain at which rows and periods meet.
    grain: Grain,
    spine: &'m TimeSpine,
    /// Filters on the result's time, applied after the join.
    late: Vec<&'r Cond>,
    /// True when the period moves forward instead of the rows being looked up back in time.
    forward: bool,
    /// Rows are summed per period before the join.
    condensed: bool,
}

impl<'m> Lowering<'m> {
    pub(super) fn windowed(
        &mut self,
        resolved: &Resolved<'m>,
        leaves: &[&Leaf<'m>],
    ) -> Result<Select, QueryError> {
        let plan = self.window_plan(resolved, leaves)?;
        let rows = self.window_rows(&plan)?;
        let daily = self.window_join(&plan, &rows);
        let first = leaves[0];
        let Some((_, period_agg)) = first.running else { return Ok(daily) };
        let asked = resolved.asked_grain(&first.fact);
        if asked.is_none_or(|asked| asked <= plan.grain) {
            return Ok(daily);
        }
        Ok(self.one_per_period(&plan, daily, period_agg))
    }

    fn window_plan<'r>(
        &self,
        resolved: &'r Resolved<'m>,
        leaves: &'r [&'r Leaf<'m>],
    ) -> Result<Plan<'m, 'r>, QueryError> {
        let first = leaves[0];
        let base = first.fact.grain().unwrap_or(Grain::Day);
        let asked = resolved.asked_grain(&first.fact);
        let is_axis = |key: &ItemKey| resolved.is_axis(key, &first.fact);
        // A filter inside all offsets tests the rows themselves; what runs is tested where it ends.
        let is_late = |cond: &&Cond| first.running.is_some() || cond.level < first.offsets.len();
        let on_axis = |cond: &&Cond| cond.keys.iter().any(|(_, key)| is_axis(key));
        let late: Vec<&Cond> = first.conds.iter().filter(|cond| on_axis(cond) && is_late(cond)).collect();
        let late_axes =
            late.iter().flat_map(|cond| cond.keys.iter().map(|(_, key)| key)).filter(|key| is_axis(key));
        let axes: Vec<&ItemKey> = resolved.group.iter().filter(|key| is_axis(key)).chain(late_axes).collect();
        let grain = match (first.running, asked) {
            (None, Some(asked)) => asked,
            _ => base,
        };
        if first.running.is_none() {
            let custom = axes.iter().find_map(|key| custom_of(key));
            let semi = first.measure.non_additive.as_ref().filter(|_| grain > base);
            let finer = late
                .iter()
                .flat_map(|c| &c.keys)
                .any(|(_, key)| is_axis(key) && key.time().is_some_and(|time| time.needs() < grain));
            if custom.is_some() || semi.is_some() || finer {
                let by = custom.unwrap_or(grain.name());
                let message =
                    format!("`{}` is taken at another time and cannot be asked by {by} here", first.asked);
                return Err(QueryError::new(Kind::UnreachableGroupBy, message)
                    .hint("ask by a finer grain, and filter by no finer one"));
            }
        }
        let whole = |offset: &Offset| match offset {
            Offset::Back(window) => asked.is_some_and(|asked| asked >= window.grain),
            Offset::ToStartOf(_) => false,
        };
        Ok(Plan {
            resolved,
            leaves,
            grain,
            spine: self.spine(grain, &axes)?,
            late,
            forward: first.running.is_some() && first.offsets.iter().all(whole),
            condensed: leaves.iter().all(|leaf| condenses(leaf.measure.aggregation)),
        })
    }

    /// The rows with their time, summed per period where that loses nothing.
    fn window_rows(&mut self, plan: &Plan<'m, '_>) -> Result<String, QueryError> {
        let first = plan.leaves[0];
        let is_axis = |key: &ItemKey| plan.resolved.is_axis(key, &first.fact);
        let mut carried: Vec<ItemKey> =
            plan.resolved.group.iter().filter(|key| !is_axis(key)).cloned().collect();
        for (_, key) in plan.late.iter().flat_map(|cond| &cond.keys) {
            if !is_axis(key) && !carried.contains(key) {
                carried.push(key.clone());
            }
        }
        let early: Vec<&Cond> = first.conds.iter().filter(|cond| !plan.late.contains(cond)).collect();
        let tested = early.iter().flat_map(|cond| cond.keys.iter().map(|(_, key)| key.clone()));
        let keys: Vec<ItemKey> = carried.iter().cloned().chain(tested).collect();
        let rows = Rows::new(self, first.fact, &keys, &[])?;
        let mut select = Select::default();
        for key in &carried {
            select.column(rows.item(key).sql, key.column());
        }
        select.column(self.dialect.truncate(plan.grain, &rows.axis().sql), ROW_TIME);
        if plan.condensed {
            select.group = select.columns.len();
        }
        for leaf in plan.leaves {
            let value = rows.own(&leaf.measure.name, &leaf.measure.expr).sql;
            let sql = if plan.condensed {
                self.dialect.aggregate(leaf.measure.aggregation, &value, true)
            } else {
                value
            };
            select.column(sql, value_name(leaf));
        }
        select.filters = early.iter().map(|cond| rows.filter(cond)).collect();
        let mut notes = notes(first);
        notes.extend(first.running.map(|(running, _)| match running {
            Running::AllTime => "running from the beginning".to_owned(),
            Running::Trailing(window) => format!("running over the last {window}"),
            Running::ToDate(grain) => format!("running from the start of the {}", grain.name()),
        }));
        self.explain_rows(plan.leaves, &rows, notes);
        rows.write(self, &mut select);
        Ok(self.part(&format!("{}_rows", first.name), select))
    }

    /// Periods of the spine joined to the rows that make their value.
    fn window_join(&mut self, plan: &Plan<'m, '_>, rows: &str) -> Select {
        let first = plan.leaves[0];
        let (period, relation) = self.period(plan);
        let rows_sql = self.dialect.quote(rows);
        let row_time = format!("{rows_sql}.{}", self.dialect.quote(ROW_TIME));
        let result = self.result_time(plan, &period, 0);
        let item_at = |key: &ItemKey, level: usize| {
            if plan.resolved.is_axis(key, &first.fact) {
                self.spine_item(plan.spine, Some(CALENDAR), &self.result_time(plan, &period, level), key)
            } else {
                Rendered::atomic(format!("{rows_sql}.{}", self.dialect.quote(&key.column())))
            }
        };
        let item = |key: &ItemKey| item_at(key, 0);
        let mut select = Select::default();
        for key in &plan.resolved.group {
            select.column(item(key).sql, key.column());
        }
        let asked = plan.resolved.asked_grain(&first.fact);
        if first.running.is_some() && asked.is_some_and(|asked| asked > plan.grain) {
            select.column(period.clone(), PERIOD);
        }
        select.group = select.columns.len();
        for leaf in plan.leaves {
            let value = format!("{rows_sql}.{}", self.value_column(leaf));
            let aggregation =
                if plan.condensed { merged(leaf.measure.aggregation) } else { leaf.measure.aggregation };
            select.column(self.dialect.aggregate(aggregation, &value, true), &leaf.name);
        }
        let today = self.today.clone();
        let filter =
            |cond: &&Cond| condition(self.dialect, today.as_deref(), cond, &|key| item_at(key, cond.level));
        select.filters = plan.late.iter().map(filter).collect();
        let bounds = plan.resolved.range.bounds(plan.grain, plan.resolved.widening());
        let tested =
            if plan.forward && !first.offsets.is_empty() { format!("({result})") } else { result.clone() };
        select.filters.extend(limits(self.dialect, &tested, bounds));
        select.from = Some((relation, Some(CALENDAR.to_owned())));
        select.joins.push(Join {
            kind: JoinKind::Inner,
            relation: Relation::Name(rows_sql.clone()),
            alias: None,
            on: self.window_conditions(plan, &period, &row_time),
        });
        select
    }

    /// The spine at the grain of the plan: the time of a period, and where it comes from.
    fn period(&mut self, plan: &Plan<'m, '_>) -> (String, Relation) {
        let table = self.relation(&plan.spine.table.name);
        let column = self.dialect.quote_word(&plan.spine.column);
        let calendar = self.dialect.quote(CALENDAR);
        if plan.spine.grain == plan.grain {
            return (format!("{calendar}.{column}"), Relation::Name(table));
        }
        let mut inner =
            Select { distinct: true, from: Some((Relation::Name(table), None)), ..Select::default() };
        inner.column(self.dialect.truncate(plan.grain, &column), PERIOD);
        for grain in plan.spine.custom.iter().filter(|_| plan.grain <= Grain::Day) {
            inner.column(self.dialect.quote_word(&grain.column), &grain.column);
        }
        (format!("{calendar}.{}", self.dialect.quote(PERIOD)), Relation::Query(Box::new(inner)))
    }

    /// The time of a result as a filter inside that many offsets sees it.
    fn result_time(&self, plan: &Plan<'_, '_>, period: &str, level: usize) -> String {
        let offsets = &plan.leaves[0].offsets;
        let level = level.min(offsets.len());
        if plan.forward {
            self.moved(period, &offsets[level..], "+")
        } else {
            self.moved(period, &offsets[..level], "-")
        }
    }

    fn moved(&self, time: &str, offsets: &[Offset], sign: &str) -> String {
        let mut sql = time.to_owned();
        for offset in offsets {
            sql = match offset {
                Offset::Back(window) => format!("{sql} {sign} {}", self.dialect.interval(*window)),
                Offset::ToStartOf(grain) => self.dialect.truncate(*grain, &sql),
            };
        }
        sql
    }

    fn window_conditions(&self, plan: &Plan<'_, '_>, period: &str, row: &str) -> Vec<String> {
        let first = plan.leaves[0];
        let back = if plan.forward { period.to_owned() } else { self.moved(period, &first.offsets, "-") };
        match first.running.map(|(running, _)| running) {
            None => {
                // A day less a month is a time stamp; the start of a period is what it should be already.
                let exact = matches!(first.offsets.last(), Some(Offset::ToStartOf(_)));
                let back = if exact { back } else { self.dialect.truncate(plan.grain, &back) };
                vec![format!("{row} = {back}")]
            }
            Some(Running::AllTime) => vec![format!("{row} <= {back}")],
            Some(Running::Trailing(window)) => {
                vec![
                    format!("{row} <= {back}"),
                    format!("{row} > {back} - {}", self.dialect.interval(window)),
                ]
            }
            Some(Running::ToDate(grain)) => {
                vec![format!("{row} <= {back}"), format!("{row} >= {}", self.dialect.truncate(grain, &back))]
            }
        }
    }

    /// One value of many for each coarser period.
    fn one_per_period(&mut self, plan: &Plan<'m, '_>, daily: Select, period_agg: PeriodAgg) -> Select {
        let first = plan.leaves[0];
        let part = self.part(&format!("{}_by_{}", first.name, plan.grain.name()), daily);
        let quote = |name: &str| self.dialect.quote(name);
        let keys: Vec<String> = plan.resolved.group.iter().map(ItemKey::column).collect();
        let mut select = Select::default();
        for key in &keys {
            select.column(quote(key), key);
        }
        if period_agg == PeriodAgg::Average {
            select.group = keys.len();
            for leaf in plan.leaves {
                select.column(format!("AVG({})", quote(&leaf.name)), &leaf.name);
            }
            select.from = Some((Relation::Name(quote(&part)), None));
            return select;
        }
        let mut ranked = select.clone();
        for leaf in plan.leaves {
            select.column(quote(&leaf.name), &leaf.name);
            ranked.column(quote(&leaf.name), &leaf.name);
        }
        let direction = if period_agg == PeriodAgg::Last { " DESC" } else { "" };
        let partition: Vec<String> = keys.iter().map(|key| quote(key)).collect();
        ranked.column(
            format!(
                "ROW_NUMBER() OVER (PARTITION BY {} ORDER BY {}{direction})",
                partition.join(", "),
                quote(PERIOD)
            ),
            "place",
        );
        ranked.from = Some((Relation::Name(quote(&part)), None));
        select.from = Some((Relation::Query(Box::new(ranked)), Some("ranked".to_owned())));
        select.filters = vec![format!("{} = 1", quote("place"))];
        select
    }
}

/// True when parts of the rows can be aggregated first and the results again.
const fn condenses(aggregation: Aggregation) -> bool {
    matches!(
        aggregation,
        Aggregation::Sum | Aggregation::Min | Aggregation::Max | Aggregation::Count | Aggregation::SumBoolean
    )
}

/// How results of parts are put together.
const fn merged(aggregation: Aggregation) -> Aggregation {
    match aggregation {
        Aggregation::Min => Aggregation::Min,
        Aggregation::Max => Aggregation::Max,
        _ => Aggregation::Sum,
    }
}
