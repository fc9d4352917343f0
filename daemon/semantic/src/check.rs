//! The rules a model must keep, applied to all files together.

use std::cell::RefCell;
use std::collections::HashMap;

use indexmap::IndexMap;

use crate::error::{ModelError, Place};
use crate::expr::{ItemKind, ItemRef};
use crate::graph::Graph;
use crate::model::{
    Aggregation, Conversion, EntityKind, Filter, MeasureInput, Metric, MetricInput, MetricKind, Model,
    Reference, SemanticModel, Validity,
};
use crate::names::METRIC_TIME;
use crate::read::{self, Declared, nowhere, twice};

impl Model {
    /// Reads model files, given as name and text, into one model. Layouts may be mixed.
    ///
    /// # Errors
    /// Every fault found, in the order of file, line and column; at least one.
    pub fn parse(files: &[(&str, &str)]) -> Result<Self, Vec<ModelError>> {
        build(files, None)
    }
}

/// Checks model files; with `tables`, also whether the tables they name exist.
///
/// A table of the list may be dotted; a model may name it by its last part or in full, in any letter case.
#[must_use]
pub fn lint(files: &[(&str, &str)], tables: Option<&[&str]>) -> Vec<ModelError> {
    build(files, tables).err().unwrap_or_default()
}

fn build(files: &[(&str, &str)], tables: Option<&[&str]>) -> Result<Model, Vec<ModelError>> {
    let errors = RefCell::default();
    let declared = read::read(files, &errors);
    let model = Checker { errors: &errors, broken: declared.broken_metrics.clone() }.check(declared, tables);
    let mut found = errors.into_inner();
    if found.is_empty() {
        return Ok(model);
    }
    let order: HashMap<&str, usize> = files.iter().enumerate().map(|(at, (name, _))| (*name, at)).collect();
    found.sort_by(|a, b| {
        let key = |e: &ModelError| (order.get(e.file.as_str()).copied(), e.line, e.column);
        key(a).cmp(&key(b))
    });
    found.dedup();
    Err(found)
}

struct Checker<'a> {
    errors: &'a RefCell<Vec<ModelError>>,
    broken: Vec<String>,
}

impl Checker<'_> {
    fn fault(&self, error: ModelError) {
        self.errors.borrow_mut().push(error);
    }

    fn check(&self, declared: Declared, tables: Option<&[&str]>) -> Model {
        let annotated = declared.annotated;
        let semantic_models = self.semantic_models(declared.semantic_models, &annotated, tables);
        let measures = self.measures(&semantic_models, &annotated);
        let metrics = self.metrics(declared.metrics);
        let mut saved_queries: IndexMap<String, crate::model::SavedQuery> = IndexMap::new();
        for saved in declared.saved_queries {
            if let Some(first) = saved_queries.get(&saved.name) {
                self.fault(twice("saved query", &saved.name, &saved.place, &first.place));
            } else {
                saved_queries.insert(saved.name.clone(), saved);
            }
        }
        if let Some(tables) = tables {
            declared.spines.iter().for_each(|spine| self.table(&spine.table, tables));
        }
        let mut model = Model {
            graph: Graph::new(&semantic_models),
            semantic_models,
            metrics,
            spines: declared.spines,
            saved_queries,
            measures,
        };
        follow_annotations(&mut model, &annotated);
        for metric in model.metrics.values() {
            self.metric(&model, metric);
        }
        self.cycles(&model);
        self.saved(&model);
        model
    }

    fn semantic_models(
        &self,
        declared: Vec<SemanticModel>,
        annotated: &[String],
        tables: Option<&[&str]>,
    ) -> Vec<SemanticModel> {
        let mut kept: Vec<SemanticModel> = Vec::new();
        for model in declared {
            if let Some(first) = kept.iter().find(|other| other.name == model.name) {
                self.fault(twice("semantic model", &model.name, &model.place, &first.place));
                continue;
            }
            self.semantic_model(&model, annotated);
            if let Some(tables) = tables {
                self.table(&model.table, tables);
            }
            kept.push(model);
        }
        self.one_role_per_name(&kept);
        kept
    }

    fn table(&self, table: &Reference, tables: &[&str]) {
        let plain = |name: &str| name.replace('"', "").to_lowercase();
        let wanted = plain(&table.name);
        let known = |name: &&str| {
            let name = plain(name);
            name == wanted || name.rsplit('.').next() == wanted.rsplit('.').next()
        };
        if !tables.iter().any(known) {
            let message = format!("the table `{}` does not exist", table.name);
            self.fault(nowhere(&table.place, message, &table.name, tables.iter().copied()));
        }
    }

    fn semantic_model(&self, model: &SemanticModel, annotated: &[String]) {
        let mut seen: HashMap<&str, &Place> = HashMap::new();
        let entities = model.entities.iter().map(|e| (&e.name, &e.place));
        let dimensions = model.dimensions.iter().map(|d| (&d.name, &d.place));
        let measures = model.measures.iter().map(|m| (&m.name, &m.place));
        // In layout B a measure is a metric, and metrics have names of their own.
        let measures = measures.filter(|(name, _)| !annotated.contains(name));
        for (name, place) in entities.chain(dimensions).chain(measures) {
            if let Some(first) = seen.insert(name, place) {
                self.fault(twice("element", name, place, first));
            }
        }
        let primaries: Vec<_> = model.entities.iter().filter(|e| e.kind == EntityKind::Primary).collect();
        if let [_, second, ..] = primaries.as_slice() {
            let message = format!("the semantic model `{}` has two primary entities", model.name);
            self.fault(ModelError::new(&second.place, message).hint("make one of them `unique`".to_owned()));
        }
        if model.primary_entity.is_none() && !model.dimensions.is_empty() {
            let message = format!("the semantic model `{}` has dimensions but no primary entity", model.name);
            let hint = "give an entity the type primary, or name the grain with `primary_entity`";
            self.fault(ModelError::new(&model.place, message).hint(hint.to_owned()));
        }
        self.validity(model);
        for measure in &model.measures {
            self.measure(model, measure);
        }
    }

    fn validity(&self, model: &SemanticModel) {
        let count = |side| {
            let is = |d: &&crate::model::Dimension| matches!(d.kind, crate::model::DimensionKind::Time { validity: Some(v), .. } if v == side);
            model.dimensions.iter().filter(is).count()
        };
        let name = &model.name;
        match (count(Validity::Start), count(Validity::End)) {
            (0, 0) => {}
            (1, 1) => {
                if let Some(measure) = model.measures.first() {
                    let message = format!(
                        "the semantic model `{name}` has a validity window and so cannot have measures"
                    );
                    self.fault(ModelError::new(&measure.place, message));
                }
                if !model.entities.iter().any(|e| e.kind == EntityKind::Natural) {
                    let message =
                        format!("the semantic model `{name}` has a validity window but no natural entity");
                    self.fault(ModelError::new(&model.place, message));
                }
            }
            (starts, ends) => {
                let message = format!(
                    "the validity window of `{name}` needs one start and one end, not {starts} and {ends}"
                );
                self.fault(ModelError::new(&model.place, message));
            }
        }
    }

    fn measure(&self, model: &SemanticModel, measure: &crate::model::Measure) {
        let times = || model.dimensions.iter().filter(|d| d.grain().is_some()).map(|d| d.name.as_str());
        if let Some(time) = &measure.agg_time_dimension
            && !times().any(|name| name == time.name)
        {
            let message = format!(
                "`{}`, the time of measure `{}`, is no time dimension of `{}`",
                time.name, measure.name, model.name
            );
            self.fault(nowhere(&time.place, message, &time.name, times()));
        }
        let Some(non_additive) = &measure.non_additive else { return };
        let wanted = &non_additive.dimension;
        if !times().any(|name| name == wanted.name) {
            let message = format!(
                "`{}`, over which measure `{}` does not add up, is no time dimension of `{}`",
                wanted.name, measure.name, model.name
            );
            self.fault(nowhere(&wanted.place, message, &wanted.name, times()));
        }
        for grouping in &non_additive.groupings {
            if model.entity(&grouping.name).is_none() {
                let known = model.entities.iter().map(|e| e.name.as_str());
                let message = format!(
                    "the grouping `{}` of `{}` is no entity of `{}`",
                    grouping.name, measure.name, model.name
                );
                self.fault(nowhere(&grouping.place, message, &grouping.name, known));
            }
        }
    }

    /// One name may not be an entity here and a dimension there.
    fn one_role_per_name(&self, models: &[SemanticModel]) {
        let mut entities: HashMap<&str, &Place> = HashMap::new();
        for model in models {
            for entity in &model.entities {
                entities.entry(&entity.name).or_insert(&entity.place);
            }
        }
        for model in models {
            for dimension in &model.dimensions {
                if let Some(place) = entities.get(dimension.name.as_str())
                    && model.entity(&dimension.name).is_none()
                {
                    let message = format!("`{}` is a dimension here and an entity elsewhere", dimension.name);
                    self.fault(
                        ModelError::new(&dimension.place, message)
                            .hint(format!("the entity stands at {place}")),
                    );
                }
            }
        }
    }

    fn measures(&self, models: &[SemanticModel], annotated: &[String]) -> IndexMap<String, (usize, usize)> {
        let mut measures: IndexMap<String, (usize, usize)> = IndexMap::new();
        for (at, model) in models.iter().enumerate() {
            for (position, measure) in model.measures.iter().enumerate() {
                let known = measures.get(&measure.name).copied();
                if let Some((other, first)) = known {
                    // In layout B the metric of that name is reported, and within one model the model's own check.
                    if other != at && !annotated.contains(&measure.name) {
                        let first = &models[other].measures[first];
                        self.fault(twice("measure", &measure.name, &measure.place, &first.place));
                    }
                } else {
                    measures.insert(measure.name.clone(), (at, position));
                }
            }
        }
        measures
    }

    fn metrics(&self, declared: Vec<Metric>) -> IndexMap<String, Metric> {
        let mut metrics: IndexMap<String, Metric> = IndexMap::new();
        for metric in declared {
            if let Some(first) = metrics.get(&metric.name) {
                self.fault(twice("metric", &metric.name, &metric.place, &first.place));
            } else {
                metrics.insert(metric.name.clone(), metric);
            }
        }
        metrics
    }

    fn metric(&self, model: &Model, metric: &Metric) {
        self.filters(model, &metric.filters, &metric.name, &metric.place);
        match &metric.kind {
            MetricKind::Simple(input) => self.measure_input(model, metric, input),
            MetricKind::Cumulative { measure, .. } => self.measure_input(model, metric, measure),
            MetricKind::Ratio { numerator, denominator } => {
                for input in [numerator, denominator] {
                    self.metric_input(model, metric, input);
                }
            }
            MetricKind::Derived { inputs, .. } => {
                for input in inputs {
                    self.metric_input(model, metric, input);
                }
            }
            MetricKind::Conversion(conversion) => self.conversion(model, metric, conversion),
        }
    }

    fn measure_input(&self, model: &Model, metric: &Metric, input: &MeasureInput) {
        if !model.measures.contains_key(&input.measure.name) {
            let name = &input.measure.name;
            let message =
                format!("the metric `{}` uses the measure `{name}`, which does not exist", metric.name);
            let known = model.measures.keys().map(String::as_str);
            self.fault(nowhere(&input.measure.place, message, name, known));
        }
        self.filters(model, &input.filters, &metric.name, &input.measure.place);
    }

    fn metric_input(&self, model: &Model, metric: &Metric, input: &MetricInput) {
        let name = &input.metric.name;
        if !model.metrics.contains_key(name) && !self.broken.contains(name) {
            let message =
                format!("the metric `{}` uses the metric `{name}`, which does not exist", metric.name);
            let known = model.metrics.keys().map(String::as_str);
            self.fault(nowhere(&input.metric.place, message, name, known));
        }
        self.filters(model, &input.filters, &metric.name, &input.metric.place);
    }

    fn conversion(&self, model: &Model, metric: &Metric, conversion: &Conversion) {
        for input in [&conversion.base, &conversion.conversion] {
            self.measure_input(model, metric, input);
            let Some((table, measure)) = model.measure(&input.measure.name) else { continue };
            if table.entity(&conversion.entity.name).is_none() {
                let message = format!(
                    "the metric `{}` follows the entity `{}`, which `{}` does not have",
                    metric.name, conversion.entity.name, table.name
                );
                let known = table.entities.iter().map(|entity| entity.name.as_str());
                self.fault(nowhere(&conversion.entity.place, message, &conversion.entity.name, known));
            }
            let counts = match measure.aggregation {
                Aggregation::Count | Aggregation::CountDistinct => true,
                Aggregation::Sum => measure.expr.trim() == "1",
                _ => false,
            };
            if !counts {
                let message = format!(
                    "`{}` in the conversion metric `{}` does not count events",
                    measure.name, metric.name
                );
                let error = ModelError::new(&input.measure.place, message);
                self.fault(error.hint("use count, count_distinct or a sum of 1".to_owned()));
            }
        }
        for (base, other) in &conversion.constant_properties {
            for (property, input) in [(base, &conversion.base), (other, &conversion.conversion)] {
                let Some((table, _)) = model.measure(&input.measure.name) else { continue };
                if table.dimension(&property.name).is_none() && table.entity(&property.name).is_none() {
                    let known = table.dimensions.iter().map(|d| d.name.as_str());
                    let message = format!(
                        "the constant property `{}` is no element of `{}`",
                        property.name, table.name
                    );
                    self.fault(nowhere(&property.place, message, &property.name, known));
                }
            }
        }
    }

    /// Filter items must exist somewhere; whether this metric reaches them is known only with its measures.
    fn filters(&self, model: &Model, filters: &[Filter], owner: &str, place: &Place) {
        for item in filters.iter().flat_map(|filter| filter.expr.items()) {
            if let Some(problem) = item_fault(model, item) {
                let known: Vec<&str> = (0..model.semantic_models.len())
                    .filter_map(|at| model.graph.reach(at))
                    .flat_map(|r| r.keys().map(String::as_str))
                    .collect();
                let message = format!("the filter of `{owner}` uses {problem}, which does not exist");
                self.fault(nowhere(place, message, &item.full(), known));
            }
        }
    }

    fn cycles(&self, model: &Model) {
        let mut done: Vec<&str> = Vec::new();
        for metric in model.metrics.values() {
            let mut trail = Vec::new();
            self.visit(model, metric, &mut trail, &mut done);
        }
    }

    fn visit<'m>(
        &self,
        model: &'m Model,
        metric: &'m Metric,
        trail: &mut Vec<&'m str>,
        done: &mut Vec<&'m str>,
    ) {
        if done.contains(&metric.name.as_str()) {
            return;
        }
        if let Some(start) = trail.iter().position(|name| *name == metric.name) {
            let mut ring: Vec<&str> = trail[start..].to_vec();
            ring.push(&metric.name);
            let message = format!("these metrics need each other: {}", ring.join(" -> "));
            self.fault(ModelError::new(&metric.place, message));
            done.extend_from_slice(&trail[start..]);
            return;
        }
        trail.push(&metric.name);
        for input in inputs(&metric.kind) {
            if let Some(next) = model.metrics.get(&input.metric.name) {
                self.visit(model, next, trail, done);
            }
        }
        trail.pop();
        done.push(&metric.name);
    }

    fn saved(&self, model: &Model) {
        for saved in model.saved_queries.values() {
            let mut sound = true;
            for name in &saved.query.metrics {
                if !model.metrics.contains_key(name) {
                    sound = false;
                    if !self.broken.contains(name) {
                        let message = format!(
                            "the saved query `{}` asks for the metric `{name}`, which does not exist",
                            saved.name
                        );
                        let known = model.metrics.keys().map(String::as_str);
                        self.fault(nowhere(&saved.place, message, name, known));
                    }
                }
            }
            if saved.query.metrics.is_empty() && saved.query.group_by.is_empty() {
                let message = format!("the saved query `{}` asks for nothing", saved.name);
                self.fault(ModelError::new(&saved.place, message));
                sound = false;
            }
            if sound
                && self.errors.borrow().is_empty()
                && let Err(error) = crate::compile(model, &saved.query, &crate::Options::default())
            {
                let message =
                    format!("the saved query `{}` cannot be answered: {}", saved.name, error.message);
                self.fault(ModelError::new(&saved.place, message).hint(error.hint));
            }
        }
    }
}

/// The metrics another metric is made of.
pub(crate) fn inputs(kind: &MetricKind) -> Vec<&MetricInput> {
    match kind {
        MetricKind::Ratio { numerator, denominator } => vec![numerator, denominator],
        MetricKind::Derived { inputs, .. } => inputs.iter().collect(),
        _ => Vec::new(),
    }
}

/// What about a filter item leads nowhere.
fn item_fault(model: &Model, item: &ItemRef) -> Option<String> {
    if item.kind == ItemKind::Metric {
        return (!model.metrics.contains_key(&item.element))
            .then(|| format!("the metric `{}`", item.element));
    }
    if item.element == METRIC_TIME && item.path.is_empty() {
        return None;
    }
    (!model.graph.exists(&item.path, &item.element)).then(|| format!("`{}`", item.full()))
}

/// In layout B a cumulative or conversion metric names a metric; its filter and gap filling come along.
fn follow_annotations(model: &mut Model, annotated: &[String]) {
    let simple: HashMap<String, (MeasureInput, Vec<Filter>)> = model
        .metrics
        .values()
        .filter_map(|metric| match &metric.kind {
            MetricKind::Simple(input) => Some((metric.name.clone(), (input.clone(), metric.filters.clone()))),
            _ => None,
        })
        .collect();
    let known: Vec<String> = model.measures.keys().cloned().collect();
    let follow = |input: &mut MeasureInput| {
        let is_metric = annotated.contains(&input.measure.name) || !known.contains(&input.measure.name);
        let Some((simple, filters)) = simple.get(&input.measure.name).filter(|_| is_metric) else { return };
        input.measure.name.clone_from(&simple.measure.name);
        input.filters.extend(simple.filters.iter().chain(filters).cloned());
        input.join_to_timespine |= simple.join_to_timespine;
        input.fill_nulls_with = input.fill_nulls_with.or(simple.fill_nulls_with);
    };
    for metric in model.metrics.values_mut() {
        match &mut metric.kind {
            MetricKind::Cumulative { measure, .. } => follow(measure),
            MetricKind::Conversion(conversion) => {
                follow(&mut conversion.base);
                follow(&mut conversion.conversion);
            }
            _ => {}
        }
    }
}
