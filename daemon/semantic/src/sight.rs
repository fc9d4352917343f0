//! What of a model is left for somebody who may not know all of its tables and columns.

use indexmap::IndexMap;

use crate::MetricQuery;
use crate::compile::{Options, compile};
use crate::graph::Graph;
use crate::model::{DimensionKind, EntityKind, Measure, Model, SemanticModel, TimeSpine};
use crate::names::METRIC_TIME;

/// Which tables somebody knows of, and which expressions over them.
pub trait Sight {
    /// Whether they know of a table, by the name that the model has for it.
    fn table(&self, table: &str) -> bool;

    /// Whether they know of everything that an SQL expression over a known table reads.
    fn expression(&self, table: &str, expr: &str) -> bool;
}

impl Model {
    /// The model as it is for somebody who knows only what `sight` lets through.
    ///
    /// What is not known takes along what needs it. A metric or saved query stays only if it still means the same: if it
    /// compiles to the very statement that it compiles to in the whole model. A name in one of its filters could
    /// otherwise lead another way and give another number.
    #[must_use]
    pub fn seen(&self, sight: &dyn Sight) -> Self {
        let semantic_models: Vec<SemanticModel> =
            self.semantic_models.iter().filter_map(|table| known(table, sight)).collect();
        let mut measures: IndexMap<String, (usize, usize)> = IndexMap::new();
        for (at, table) in semantic_models.iter().enumerate() {
            for (position, measure) in table.measures.iter().enumerate() {
                measures.entry(measure.name.clone()).or_insert((at, position));
            }
        }
        let mut seen = Self {
            graph: Graph::new(&semantic_models),
            semantic_models,
            metrics: self.metrics.clone(),
            spines: self.spines.iter().filter_map(|spine| known_spine(spine, sight)).collect(),
            saved_queries: self.saved_queries.clone(),
            measures,
        };
        // A metric that goes may take others along that are made of it.
        loop {
            let lost: Vec<String> =
                seen.metrics.keys().filter(|name| !self.same_metric(&seen, name)).cloned().collect();
            if lost.is_empty() {
                break;
            }
            seen.metrics.retain(|name, _| !lost.contains(name));
        }
        let kept: Vec<bool> =
            seen.saved_queries.values().map(|saved| self.same(&seen, &saved.query) == Some(true)).collect();
        let mut kept = kept.into_iter();
        seen.saved_queries.retain(|_, _| kept.next().unwrap_or(false));
        seen
    }

    /// Whether a metric has the same value in both, alone and along time; at least one of the two must have a meaning.
    fn same_metric(&self, seen: &Self, name: &str) -> bool {
        let alone = MetricQuery { metrics: vec![name.to_owned()], ..MetricQuery::default() };
        let along = MetricQuery { group_by: vec![METRIC_TIME.to_owned()], ..alone.clone() };
        let verdicts = [self.same(seen, &alone), self.same(seen, &along)];
        verdicts.contains(&Some(true)) && !verdicts.contains(&Some(false))
    }

    /// Whether a query compiles to the same statement in both; none when it has no meaning in the whole model.
    fn same(&self, seen: &Self, query: &MetricQuery) -> Option<bool> {
        let sql = |model: &Self| compile(model, query, &Options::default()).map(|compiled| compiled.sql).ok();
        let whole = sql(self)?;
        Some(sql(seen).is_some_and(|sql| sql == whole))
    }
}

/// What of a semantic model is known; none when its table is not.
fn known(table: &SemanticModel, sight: &dyn Sight) -> Option<SemanticModel> {
    let sees = |expr: &str| sight.expression(&table.table.name, expr);
    let is_window = |kind: DimensionKind| matches!(kind, DimensionKind::Time { validity: Some(_), .. });
    // Without its window a row would be joined at every time.
    let torn = table.dimensions.iter().any(|d| is_window(d.kind) && !sees(&d.expr));
    if torn || !sight.table(&table.table.name) {
        return None;
    }
    let mut kept = table.clone();
    // Dimensions are named after the primary entity, whether or not its key is known.
    let primary = table.entities.iter().find(|e| e.kind == EntityKind::Primary).map(|e| e.name.clone());
    kept.primary_entity = kept.primary_entity.or(primary);
    kept.entities.retain(|entity| sees(&entity.expr));
    kept.dimensions.retain(|dimension| sees(&dimension.expr));
    kept.measures.retain(|measure| sees(&measure.expr));
    let whole = |measure: &Measure| {
        let times =
            measure.agg_time_dimension.iter().chain(measure.non_additive.iter().map(|n| &n.dimension));
        let mut keys = measure.non_additive.iter().flat_map(|n| &n.groupings);
        times.into_iter().all(|time| kept.dimension(&time.name).is_some())
            && keys.all(|key| kept.entity(&key.name).is_some())
    };
    let measures = kept.measures.iter().filter(|measure| whole(measure)).cloned().collect();
    kept.measures = measures;
    Some(kept)
}

/// What of a time spine is known; none when its table or its time is not.
fn known_spine(spine: &TimeSpine, sight: &dyn Sight) -> Option<TimeSpine> {
    let sees = |column: &str| sight.expression(&spine.table.name, column);
    if !sight.table(&spine.table.name) || !sees(&spine.column) {
        return None;
    }
    let mut kept = spine.clone();
    kept.custom.retain(|grain| sees(&grain.column));
    Some(kept)
}
