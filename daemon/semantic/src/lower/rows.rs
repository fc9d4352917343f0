//! The rows of a fact table with the joins its items need, as the `FROM` of a select.

use std::cell::RefCell;

use indexmap::{IndexMap, IndexSet};

use super::Lowering;
use crate::error::QueryError;
use crate::grain::{Grain, Window};
use crate::graph::{Element, Hop, Path};
use crate::items::{AnyGrain, ItemKey, TimeForm};
use crate::model::{Dimension, SemanticModel, Validity};
use crate::resolve::{Cond, Fact};
use crate::sql::{Dialect, Join, JoinKind, Relation, Rendered, Select, is_column, render};
use crate::{expr, time};

/// A metric per entity, joined for a filter.
struct SubMetric {
    key: ItemKey,
    part: String,
    /// Column of the part and the fact's item that it equals.
    on: Vec<(String, ItemKey)>,
    value: String,
}

/// A calendar joined to read a custom grain.
struct Calendar {
    key: ItemKey,
    alias: String,
    table: String,
    day: String,
    column: String,
}

/// Columns of one table that are read, by the name they get: each with its expression.
type Uses = IndexMap<String, String>;

/// A fact table and what is joined to it. Columns are asked for first, then the `FROM` is written.
pub(crate) struct Rows<'m> {
    model: &'m crate::Model,
    dialect: Dialect,
    today: Option<String>,
    fact: Fact<'m>,
    /// Moves the fact's time forward.
    shift: Vec<Window>,
    joins: IndexSet<Vec<Hop>>,
    subs: Vec<SubMetric>,
    calendars: Vec<Calendar>,
    alias: String,
    uses: RefCell<IndexMap<Vec<Hop>, Uses>>,
    kind: JoinKind,
}

impl<'m> Rows<'m> {
    /// Plans the joins for items; `alias` is free for the caller to choose when the table occurs twice.
    pub(crate) fn new(
        low: &mut Lowering<'m>,
        fact: Fact<'m>,
        keys: &[ItemKey],
        shift: &[Window],
    ) -> Result<Self, QueryError> {
        let mut rows = Self {
            model: low.model,
            dialect: low.dialect,
            today: low.today.clone(),
            fact,
            shift: shift.to_vec(),
            joins: IndexSet::new(),
            subs: Vec::new(),
            calendars: Vec::new(),
            alias: low.model.semantic_models[fact.model].name.clone(),
            uses: RefCell::default(),
            kind: JoinKind::Left,
        };
        for key in keys {
            rows.need(low, key)?;
        }
        if rows.joins.iter().any(|hops| join_alias(hops) == rows.alias) {
            rows.alias.push_str("_rows");
        }
        Ok(rows)
    }

    /// Joins everything in full, for questions without metrics.
    pub(crate) const fn fully(mut self) -> Self {
        self.kind = JoinKind::Full;
        self
    }

    fn need(&mut self, low: &mut Lowering<'m>, key: &ItemKey) -> Result<(), QueryError> {
        match key {
            ItemKey::Element { full, .. } => {
                if let Some(path) = self.model.graph.path(self.fact.model, full) {
                    for length in 1..=path.hops.len() {
                        self.joins.insert(path.hops[..length].to_vec());
                    }
                }
            }
            ItemKey::MetricTime(_) => {}
            ItemKey::Metric { name, group_by } => {
                if self.subs.iter().any(|sub| sub.key == *key) {
                    return Ok(());
                }
                let (part, columns) = low.sub_metric(name, group_by)?;
                let fact_keys: Vec<ItemKey> =
                    group_by.iter().map(|full| ItemKey::Element { full: full.clone(), time: None }).collect();
                for key in &fact_keys {
                    self.need(low, key)?;
                }
                self.subs.push(SubMetric {
                    key: key.clone(),
                    part,
                    on: columns.into_iter().zip(fact_keys).collect(),
                    value: name.clone(),
                });
            }
        }
        if let Some(TimeForm::Grain(AnyGrain::Custom(name))) = key.time()
            && let Some((spine, grain)) = self.model.custom_grain(name)
            && !self.calendars.iter().any(|calendar| calendar.key == *key)
        {
            self.calendars.push(Calendar {
                key: key.clone(),
                alias: format!("{}_calendar", key.column()),
                table: low.relation(&spine.table.name),
                day: spine.column.clone(),
                column: grain.column.clone(),
            });
        }
        Ok(())
    }

    pub(crate) fn table(&self) -> &'m SemanticModel {
        &self.model.semantic_models[self.fact.model]
    }

    fn alone(&self) -> bool {
        self.joins.is_empty() && self.subs.is_empty() && self.calendars.is_empty()
    }

    /// A column or expression of the fact table.
    pub(crate) fn own(&self, name: &str, expr: &str) -> Rendered {
        self.column(&[], name, expr)
    }

    fn column(&self, hops: &[Hop], name: &str, expr: &str) -> Rendered {
        if !expr.is_empty() && expr.chars().all(|c| c.is_ascii_digit()) {
            return Rendered::atomic(expr);
        }
        if self.alone() {
            return if is_column(expr) {
                Rendered::atomic(self.dialect.quote_word(expr))
            } else {
                Rendered { sql: expr.to_owned(), atomic: false }
            };
        }
        let alias = self.dialect.quote(&self.alias_of(hops));
        let mut uses = self.uses.borrow_mut();
        let uses = uses.entry(hops.to_vec()).or_default();
        // An expression is computed once, below the join, under a name of its own.
        let mut output =
            if is_column(expr) { self.dialect.quote_word(expr) } else { self.dialect.quote(name) };
        while uses.get(&output).is_some_and(|known| known != expr) {
            output = self.dialect.quote(&format!("{}_expr", output.trim_matches(['"', '`'])));
        }
        uses.insert(output.clone(), expr.to_owned());
        Rendered::atomic(format!("{alias}.{output}"))
    }

    /// The name a table has in the statement: the entities that lead to it, and its own where two share those.
    fn alias_of(&self, hops: &[Hop]) -> String {
        let Some(last) = hops.last() else { return self.alias.clone() };
        let alias = join_alias(hops);
        if self.joins.iter().any(|other| other != hops && join_alias(other) == alias) {
            return format!("{alias}_{}", self.model.semantic_models[last.to].name);
        }
        alias
    }

    /// The fact's time, moved, not truncated.
    pub(crate) fn axis(&self) -> Rendered {
        self.axis_at(0)
    }

    /// The fact's time without the first moves.
    fn axis_at(&self, level: usize) -> Rendered {
        let raw = self.raw_time();
        let shift = self.shift.get(level..).unwrap_or_default();
        if shift.is_empty() {
            return raw;
        }
        let mut sql = raw.bracketed();
        for window in shift {
            sql = format!("{sql} + {}", self.dialect.interval(*window));
        }
        Rendered { sql, atomic: false }
    }

    fn raw_time(&self) -> Rendered {
        match self.fact.time {
            Some(time) => self.own(&time.name, &time.expr),
            None => Rendered::atomic("NULL"),
        }
    }

    /// The fact's time at its declared grain, moved.
    pub(crate) fn base_time(&self) -> String {
        let grain = self.fact.grain().unwrap_or(Grain::Day);
        self.dialect.truncate(grain, &self.axis().sql)
    }

    /// An item as SQL.
    pub(crate) fn item(&self, key: &ItemKey) -> Rendered {
        self.item_at(key, 0)
    }

    fn item_at(&self, key: &ItemKey, level: usize) -> Rendered {
        match key {
            ItemKey::MetricTime(form) => self.time(key, form, &self.axis_at(level)),
            ItemKey::Element { full, time } => {
                let Some(path) = self.model.graph.path(self.fact.model, full) else {
                    return Rendered::atomic("NULL");
                };
                let raw = self.element(path, level);
                match time {
                    Some(form) => self.time(key, form, &raw),
                    None => raw,
                }
            }
            ItemKey::Metric { .. } => {
                let sub = self.subs.iter().find(|sub| sub.key == *key);
                Rendered::atomic(sub.map_or_else(
                    || "NULL".to_owned(),
                    |sub| format!("{}.{}", self.dialect.quote(&sub.part), self.dialect.quote(&sub.value)),
                ))
            }
        }
    }

    fn element(&self, path: &Path, level: usize) -> Rendered {
        let table = &self.model.semantic_models[path.model];
        match path.element {
            Element::Dimension(at) => {
                let dimension = &table.dimensions[at];
                if path.hops.is_empty() && self.fact.time.is_some_and(|time| time.name == dimension.name) {
                    return self.axis_at(level);
                }
                self.column(&path.hops, &dimension.name, &dimension.expr)
            }
            Element::Entity(at) => {
                let entity = &table.entities[at];
                self.column(&path.hops, &entity.name, &entity.expr)
            }
        }
    }

    fn time(&self, key: &ItemKey, form: &TimeForm, raw: &Rendered) -> Rendered {
        Rendered::atomic(match form {
            TimeForm::Grain(AnyGrain::Standard(grain)) => self.dialect.truncate(*grain, &raw.sql),
            TimeForm::Part(part) => self.dialect.part(*part, &raw.sql),
            TimeForm::Grain(AnyGrain::Custom(_)) => {
                // The raw time is read by the join to the calendar.
                match self.calendars.iter().find(|calendar| calendar.key == *key) {
                    Some(calendar) => {
                        let alias = self.dialect.quote(&calendar.alias);
                        format!("{alias}.{}", self.dialect.quote_word(&calendar.column))
                    }
                    None => "NULL".to_owned(),
                }
            }
        })
    }

    /// A filter as SQL, ready to be joined with AND.
    pub(crate) fn filter(&self, cond: &Cond) -> String {
        condition(self.dialect, self.today.as_deref(), cond, &|key| self.item_at(key, cond.level))
    }

    /// The limits of a time range on the fact's own time.
    pub(crate) fn range(&self, range: &crate::range::Range, asked: Option<Grain>) -> Vec<String> {
        let base = self.fact.grain().unwrap_or(Grain::Day);
        limits(self.dialect, &self.axis().bracketed(), range.bounds(base, asked))
    }

    /// Writes `FROM` and joins; every column must have been asked for before.
    pub(crate) fn write(self, low: &mut Lowering<'m>, select: &mut Select) {
        let subs: Vec<Join> = self.subs.iter().map(|sub| self.sub_join(sub)).collect();
        let calendars: Vec<Join> =
            self.calendars.iter().map(|calendar| self.calendar_join(calendar)).collect();
        let conditions: Vec<Vec<String>> = self.joins.iter().map(|hops| self.hop_conditions(hops)).collect();
        let alias = (!self.alone()).then(|| self.alias.clone());
        select.from = Some((self.relation(low, &[]), alias));
        for (hops, on) in self.joins.iter().zip(conditions) {
            select.joins.push(Join {
                kind: self.kind,
                relation: self.relation(low, hops),
                alias: Some(self.alias_of(hops)),
                on,
            });
        }
        select.joins.extend(subs);
        select.joins.extend(calendars);
    }

    /// The table itself, or a select that computes its expressions below the join.
    fn relation(&self, low: &mut Lowering<'m>, hops: &[Hop]) -> Relation {
        let model = hops.last().map_or(self.fact.model, |hop| hop.to);
        let name = low.relation(&self.model.semantic_models[model].table.name);
        let uses = self.uses.borrow();
        let Some(uses) = uses.get(hops).filter(|uses| uses.values().any(|expr| !is_column(expr))) else {
            return Relation::Name(name);
        };
        let mut inner = Select { from: Some((Relation::Name(name), None)), ..Select::default() };
        for (output, expr) in uses {
            let sql = if is_column(expr) { self.dialect.quote_word(expr) } else { expr.clone() };
            let plain = match self.dialect {
                Dialect::Databricks => output.trim_matches('`').replace("``", "`"),
                _ => output
                    .strip_prefix('"')
                    .and_then(|o| o.strip_suffix('"'))
                    .unwrap_or(output)
                    .replace("\"\"", "\""),
            };
            inner.column(sql, plain);
        }
        Relation::Query(Box::new(inner))
    }

    fn hop_conditions(&self, hops: &[Hop]) -> Vec<String> {
        let Some((last, before)) = hops.split_last() else { return Vec::new() };
        let from = before.last().map_or(self.fact.model, |hop| hop.to);
        let (left, right) = (&self.model.semantic_models[from], &self.model.semantic_models[last.to]);
        let key = |table: &SemanticModel, hops: &[Hop]| {
            let expr = table.entity(&last.entity).map_or(last.entity.as_str(), |entity| &entity.expr);
            self.column(hops, &last.entity, expr).bracketed()
        };
        let mut on = vec![format!("{} = {}", key(left, before), key(right, hops))];
        if let (Some(start), Some(end)) = (right.validity(Validity::Start), right.validity(Validity::End))
            && self.fact.time.is_some()
        {
            let base = self.fact.grain().unwrap_or(Grain::Day);
            let at = self.dialect.truncate(base, &self.raw_time().sql);
            let bound = |d: &Dimension| {
                let raw = self.column(hops, &d.name, &d.expr);
                self.dialect.truncate(d.grain().unwrap_or(Grain::Day), &raw.sql)
            };
            let (start, end) = (bound(start), bound(end));
            on.push(format!("{at} >= {start}"));
            on.push(format!("({at} < {end} OR {end} IS NULL)"));
        }
        on
    }

    fn sub_join(&self, sub: &SubMetric) -> Join {
        let part = self.dialect.quote(&sub.part);
        let on = sub.on.iter().map(|(column, key)| {
            format!("{} = {part}.{}", self.item(key).bracketed(), self.dialect.quote(column))
        });
        Join { kind: JoinKind::Left, relation: Relation::Name(part.clone()), alias: None, on: on.collect() }
    }

    fn calendar_join(&self, calendar: &Calendar) -> Join {
        let raw = match &calendar.key {
            ItemKey::Element { full, .. } => match self.model.graph.path(self.fact.model, full) {
                Some(path) => self.element(path, 0),
                None => self.axis(),
            },
            _ => self.axis(),
        };
        let day =
            format!("{}.{}", self.dialect.quote(&calendar.alias), self.dialect.quote_word(&calendar.day));
        Join {
            kind: JoinKind::Left,
            relation: Relation::Name(calendar.table.clone()),
            alias: Some(calendar.alias.clone()),
            on: vec![format!(
                "{} = {}",
                self.dialect.truncate(Grain::Day, &raw.sql),
                self.dialect.truncate(Grain::Day, &day)
            )],
        }
    }

    /// Words about the joins, for the plan.
    pub(crate) fn described_joins(&self) -> Vec<String> {
        let name = |hops: &Vec<Hop>| {
            let hop = hops.last()?;
            Some(format!("{} by {}", self.model.semantic_models[hop.to].table.name, join_alias(hops)))
        };
        self.joins.iter().filter_map(name).collect()
    }
}

fn join_alias(hops: &[Hop]) -> String {
    hops.iter().map(|hop| hop.entity.as_str()).collect::<Vec<_>>().join("__")
}

/// A filter as SQL over items from anywhere, in brackets when AND would tear it apart.
pub(crate) fn condition(
    dialect: Dialect,
    today: Option<&str>,
    cond: &Cond,
    item: &dyn Fn(&ItemKey) -> Rendered,
) -> String {
    let find = |item_ref: &expr::ItemRef| match cond.key(item_ref) {
        Some(key) => item(key),
        None => Rendered::atomic("NULL"),
    };
    let dated = today.map(|today| with_today(&cond.expr, today));
    let expr = dated.as_ref().unwrap_or(&cond.expr);
    let rendered = render(expr, dialect, &find, &|_| Rendered::atomic("NULL"));
    match expr {
        expr::Expr::Binary(_, expr::Op::Or, _) => format!("({})", rendered.sql),
        _ => rendered.sql,
    }
}

/// Puts a fixed day where the filter says `current_date`.
fn with_today(expr: &expr::Expr, today: &str) -> expr::Expr {
    use expr::Expr as E;
    let down = |expr: &E| Box::new(with_today(expr, today));
    let all = |list: &[E]| list.iter().map(|expr| with_today(expr, today)).collect();
    match expr {
        E::CurrentDate => E::Date(today.to_owned()),
        E::Not(a) => E::Not(down(a)),
        E::Negative(a) => E::Negative(down(a)),
        E::Binary(a, op, b) => E::Binary(down(a), *op, down(b)),
        E::Is(a, what, not) => E::Is(down(a), *what, *not),
        E::Distinct(a, b, not) => E::Distinct(down(a), down(b), *not),
        E::Between(x, a, b, not) => E::Between(down(x), down(a), down(b), *not),
        E::In(x, list, not) => E::In(down(x), all(list), *not),
        E::Like(a, b, not, fold) => E::Like(down(a), down(b), *not, *fold),
        E::Case(subject, arms, otherwise) => E::Case(
            subject.as_deref().map(down),
            arms.iter().map(|(a, b)| (with_today(a, today), with_today(b, today))).collect(),
            otherwise.as_deref().map(down),
        ),
        E::Cast(a, target) => E::Cast(down(a), target.clone()),
        E::Extract(part, a) => E::Extract(part.clone(), down(a)),
        E::Call(name, list) => E::Call(name.clone(), all(list)),
        other => other.clone(),
    }
}

/// `from <= x AND x < to` as conditions.
pub(crate) fn limits(
    dialect: Dialect,
    sql: &str,
    (from, to): (Option<chrono::NaiveDateTime>, Option<chrono::NaiveDateTime>),
) -> Vec<String> {
    let literal = |at: chrono::NaiveDateTime| {
        if time::floor(at, Grain::Day) == at {
            format!("DATE {}", dialect.text(&at.format("%Y-%m-%d").to_string()))
        } else {
            format!("TIMESTAMP {}", dialect.text(&time::timestamp(at)))
        }
    };
    let from = from.map(|at| format!("{sql} >= {}", literal(at)));
    let to = to.map(|at| format!("{sql} < {}", literal(at)));
    from.into_iter().chain(to).collect()
}
