//! Events that follow another event of the same entity.

use super::Lowering;
use super::groups::keys;
use super::rows::Rows;
use crate::error::QueryError;
use crate::explain::Step;
use crate::items::ItemKey;
use crate::leaves::Leaf;
use crate::model::{Conversion, Measure, SemanticModel};
use crate::resolve::{Cond, Fact, Lookup, Purpose};
use crate::resolved::Resolved;
use crate::sql::{Join, JoinKind, Relation, Select};

const ENTITY: &str = "entity_key";
const BASE_TIME: &str = "base_time";
const EVENT_TIME: &str = "event_time";
const EVENT: &str = "event_number";
const VALUE: &str = "event_value";
const PLACE: &str = "place";

impl<'m> Lowering<'m> {
    /// Counts conversions per group of the base event they belong to: the latest one before.
    pub(super) fn conversion(
        &mut self,
        resolved: &Resolved<'m>,
        leaf: &Leaf<'m>,
        conversion: &'m Conversion,
    ) -> Result<Select, QueryError> {
        let bases = self.base_events(resolved, leaf, conversion)?;
        let Some((measure, events)) = self.following_events(leaf, conversion)? else {
            return Ok(Select::default());
        };
        let matched = self.matched(resolved, conversion, &bases, &events);
        let matched = self.part(&format!("{}_matched", leaf.name), matched);
        let quote = |name: &str| self.dialect.quote(name);
        let mut select = Select {
            group: resolved.group.len(),
            filters: vec![format!("{} = 1", quote(PLACE))],
            ..Select::default()
        };
        for key in &resolved.group {
            select.column(quote(&key.column()), key.column());
        }
        let value = quote(VALUE);
        select.column(self.dialect.aggregate(measure.aggregation, &value, select.group > 0), &leaf.name);
        select.from = Some((Relation::Name(quote(&matched)), None));
        Ok(select)
    }

    fn base_events(
        &mut self,
        resolved: &Resolved<'m>,
        leaf: &Leaf<'m>,
        conversion: &'m Conversion,
    ) -> Result<String, QueryError> {
        let rows = Rows::new(self, leaf.fact, &keys(resolved, leaf), &[])?;
        let mut select = Select::default();
        for key in &resolved.group {
            select.column(rows.item(key).sql, key.column());
        }
        select.column(own(&rows, rows.table(), &conversion.entity.name), ENTITY);
        select.column(rows.base_time(), BASE_TIME);
        for (position, (base, _)) in conversion.constant_properties.iter().enumerate() {
            select.column(own(&rows, rows.table(), &base.name), property(position));
        }
        select.filters = leaf.conds.iter().map(|cond| rows.filter(cond)).collect();
        select.filters.extend(rows.range(&resolved.range, resolved.widening()));
        self.explain_rows(&[leaf], &rows, vec![format!("base events of each {}", conversion.entity.name)]);
        rows.write(self, &mut select);
        Ok(self.part(&format!("{}_base_events", leaf.name), select))
    }

    fn following_events(
        &mut self,
        leaf: &Leaf<'m>,
        conversion: &'m Conversion,
    ) -> Result<Option<(&'m Measure, String)>, QueryError> {
        let Some(&(model, at)) = self.model.measures.get(&conversion.conversion.measure.name) else {
            return Ok(None);
        };
        let table = &self.model.semantic_models[model];
        let measure = &table.measures[at];
        let time = measure.agg_time_dimension.as_ref().and_then(|time| table.dimension(&time.name));
        let fact = Fact { model, time };
        let lookup = Lookup { model: self.model, facts: vec![fact], metrics: 1, purpose: Purpose::Filter };
        let filters = conversion.conversion.filters.iter();
        let conds: Vec<Cond> =
            filters.map(|f| lookup.condition(&f.expr, &f.text)).collect::<Result<_, _>>()?;
        let needed: Vec<ItemKey> =
            conds.iter().flat_map(|cond| cond.keys.iter().map(|(_, key)| key.clone())).collect();
        let rows = Rows::new(self, fact, &needed, &[])?;
        let mut select = Select::default();
        select.column(own(&rows, table, &conversion.entity.name), ENTITY);
        select.column(rows.base_time(), EVENT_TIME);
        select.column(format!("ROW_NUMBER() OVER (ORDER BY {})", rows.axis().sql), EVENT);
        select.column(rows.own(&measure.name, &measure.expr).sql, VALUE);
        for (position, (_, other)) in conversion.constant_properties.iter().enumerate() {
            select.column(own(&rows, table, &other.name), property(position));
        }
        select.filters = conds.iter().map(|cond| rows.filter(cond)).collect();
        self.step(Step {
            table: table.table.name.clone(),
            measures: vec![format!("{} = {}({})", measure.name, measure.aggregation.name(), measure.expr)],
            time: time.map(|time| time.name.clone()),
            joins: rows.described_joins(),
            filters: conds.iter().map(|cond| cond.text.clone()).collect(),
            notes: vec!["events that follow a base event".to_owned()],
        });
        rows.write(self, &mut select);
        Ok(Some((measure, self.part(&format!("{}_events", leaf.name), select))))
    }

    /// Every pair of base event and event, numbered so that the latest base event of an event is first.
    fn matched(&self, resolved: &Resolved<'m>, conversion: &Conversion, bases: &str, events: &str) -> Select {
        let quote = |name: &str| self.dialect.quote(name);
        let base = |name: &str| format!("{}.{}", quote(bases), quote(name));
        let event = |name: &str| format!("{}.{}", quote(events), quote(name));
        let mut select = Select::default();
        for key in &resolved.group {
            select.column(base(&key.column()), key.column());
        }
        select.column(event(VALUE), VALUE);
        let order = format!("PARTITION BY {} ORDER BY {} DESC", event(EVENT), base(BASE_TIME));
        select.column(format!("ROW_NUMBER() OVER ({order})"), PLACE);
        let mut on = vec![
            format!("{} = {}", base(ENTITY), event(ENTITY)),
            format!("{} <= {}", base(BASE_TIME), event(EVENT_TIME)),
        ];
        if let Some(window) = conversion.window {
            on.push(format!(
                "{} > {} - {}",
                base(BASE_TIME),
                event(EVENT_TIME),
                self.dialect.interval(window)
            ));
        }
        for position in 0..conversion.constant_properties.len() {
            let column = property(position);
            on.push(format!("{} = {}", base(&column), event(&column)));
        }
        select.from = Some((Relation::Name(quote(bases)), None));
        select.joins.push(Join {
            kind: JoinKind::Inner,
            relation: Relation::Name(quote(events)),
            alias: None,
            on,
        });
        select
    }
}

fn property(position: usize) -> String {
    format!("property_{}", position + 1)
}

/// An element of the table itself, by its bare name.
fn own(rows: &Rows<'_>, table: &SemanticModel, name: &str) -> String {
    if let Some(entity) = table.entity(name) {
        return rows.own(&entity.name, &entity.expr).sql;
    }
    match table.dimension(name) {
        Some(dimension) => rows.own(&dimension.name, &dimension.expr).sql,
        None => "NULL".to_owned(),
    }
}
