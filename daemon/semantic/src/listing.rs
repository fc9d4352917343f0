//! What can be asked: items for a set of metrics, and where a metric's numbers come from.

use std::collections::BTreeSet;

use crate::error::QueryError;
use crate::grain::Grain;
use crate::graph::{Element, ends_with};
use crate::leaves::Expansion;
use crate::model::{About, Dimension, Metric, Model};
use crate::names::METRIC_TIME;
use crate::resolve::{Fact, Lookup, Purpose};

/// What a set of metrics can be grouped by.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct GroupByItems {
    /// Dimensions by full name without grain; `metric_time` is one of them. Sorted.
    pub dimensions: Vec<String>,
    /// Entities by bare name. Sorted.
    pub entities: Vec<String>,
}

/// What a reachable item is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ReachableKind {
    /// A dimension without time.
    Categorical,
    /// A time, with its finest grain.
    Time(Grain),
    /// An entity.
    Entity,
}

/// An item a set of metrics can be grouped by, with the words people may use for it.
#[derive(Debug, Clone)]
pub struct Reachable<'m> {
    /// The full name, to be used in a query.
    pub full: String,
    /// The element's own name, the last part of the full one.
    pub element: String,
    /// What it is.
    pub kind: ReachableKind,
    /// Label, description, synonyms; of the dimension or entity itself.
    pub about: Option<&'m About>,
    /// The semantic model that has it; none for `metric_time`.
    pub semantic_model: Option<&'m str>,
    /// How many joins away it is.
    pub joins: usize,
    /// Full names of other ways to an element of the same name; its bare name is ambiguous when there are any.
    pub others: Vec<String>,
}

/// The dimensions and entities that all the metrics can be grouped by under the same full name.
///
/// # Errors
/// One of the metrics does not exist.
pub fn group_by_items(model: &Model, metrics: &[&str]) -> Result<GroupByItems, QueryError> {
    let mut dimensions = BTreeSet::new();
    let mut entities = BTreeSet::new();
    for item in reachable(model, metrics)? {
        if item.kind == ReachableKind::Entity {
            entities.insert(item.element);
        } else {
            dimensions.insert(item.full);
        }
    }
    Ok(GroupByItems {
        dimensions: dimensions.into_iter().collect(),
        entities: entities.into_iter().collect(),
    })
}

/// Everything all the metrics can be grouped by, sorted by full name; `metric_time` first when they have a time.
///
/// # Errors
/// One of the metrics does not exist.
pub fn reachable<'m>(model: &'m Model, metrics: &[&str]) -> Result<Vec<Reachable<'m>>, QueryError> {
    let facts = facts(model, metrics)?;
    let lookup = Lookup { model, facts, metrics: metrics.len(), purpose: Purpose::GroupBy };
    let names = lookup.reachable();
    let mut items: Vec<Reachable<'m>> = Vec::new();
    let grains: Option<Vec<Grain>> = lookup.facts.iter().map(Fact::grain).collect();
    if let Some(grain) = grains.and_then(|grains| grains.into_iter().max()) {
        items.push(Reachable {
            full: METRIC_TIME.to_owned(),
            element: METRIC_TIME.to_owned(),
            kind: ReachableKind::Time(grain),
            about: None,
            semantic_model: None,
            joins: 0,
            others: Vec::new(),
        });
    }
    let start = lookup.facts.first().map_or(0, |fact| fact.model);
    for &full in &names {
        let Some(path) = model.graph.path(start, full) else { continue };
        let Some(table) = model.semantic_models.get(path.model) else { continue };
        let element = full.rsplit("__").next().unwrap_or(full);
        let (kind, about) = match path.element {
            Element::Dimension(at) => {
                let dimension = table.dimensions.get(at);
                let kind = dimension
                    .and_then(Dimension::grain)
                    .map_or(ReachableKind::Categorical, ReachableKind::Time);
                (kind, dimension.map(|d| &d.about))
            }
            Element::Entity(at) => (ReachableKind::Entity, table.entities.get(at).map(|e| &e.about)),
        };
        let others = names.iter().filter(|other| **other != full && ends_with(other, element));
        items.push(Reachable {
            full: full.to_owned(),
            element: element.to_owned(),
            kind,
            about,
            semantic_model: Some(&table.name),
            joins: path.hops.len(),
            others: others.map(|&other| other.to_owned()).collect(),
        });
    }
    Ok(items)
}

fn facts<'m>(model: &'m Model, metrics: &[&str]) -> Result<Vec<Fact<'m>>, QueryError> {
    let mut expansion = Expansion::new(model);
    for name in metrics {
        expansion.metric(name)?;
    }
    let mut facts: Vec<Fact<'m>> = Vec::new();
    for leaf in &expansion.leaves {
        if !facts.iter().any(|fact| fact.model == leaf.fact.model && fact.grain() == leaf.fact.grain()) {
            facts.push(leaf.fact);
        }
    }
    Ok(facts)
}

impl Model {
    /// The metrics that are offered to people: all but the hidden ones.
    pub fn offered(&self) -> impl Iterator<Item = &Metric> {
        self.metrics.values().filter(|metric| !metric.hidden)
    }

    /// The semantic models that a metric's measures come from, each once; empty when there is no such metric.
    #[must_use]
    pub fn sources(&self, metric: &str) -> Vec<&crate::SemanticModel> {
        let facts = facts(self, &[metric]).unwrap_or_default();
        let mut models: Vec<&crate::SemanticModel> = Vec::new();
        for fact in facts {
            if let Some(model) = self.semantic_models.get(fact.model)
                && !models.iter().any(|known| known.name == model.name)
            {
                models.push(model);
            }
        }
        models
    }
}
