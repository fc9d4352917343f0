//! Semantic models of layout A, and the single document of layout C.

use super::fields::Fields;
use super::{Declared, grain, table_name};
use crate::error::ModelError;
use crate::model::{
    Aggregation, Dimension, DimensionKind, Entity, EntityKind, Measure, MeasureInput, Metric, MetricKind,
    NonAdditive, Reference, SemanticModel, Validity,
};

pub(super) const ENTITY_KINDS: [(&str, EntityKind); 4] = [
    ("primary", EntityKind::Primary),
    ("unique", EntityKind::Unique),
    ("foreign", EntityKind::Foreign),
    ("natural", EntityKind::Natural),
];

/// The bare aggregations by name; a percentile gets its numbers later.
pub(super) const AGGREGATIONS: [(&str, Aggregation); 10] = [
    ("sum", Aggregation::Sum),
    ("min", Aggregation::Min),
    ("max", Aggregation::Max),
    ("average", Aggregation::Average),
    ("avg", Aggregation::Average),
    ("count", Aggregation::Count),
    ("count_distinct", Aggregation::CountDistinct),
    ("sum_boolean", Aggregation::SumBoolean),
    ("median", Aggregation::Median),
    ("percentile", Aggregation::Percentile { share: 0.5, discrete: false, approximate: false }),
];

/// Reads one entry of `semantic_models`.
pub(super) fn semantic_model(fields: &Fields<'_, '_>, metrics: &mut Vec<Metric>) -> Option<SemanticModel> {
    let model = body(fields, metrics, false);
    fields.done();
    model
}

/// Reads layout C: one object with its metrics inside.
pub(super) fn single_document(fields: &Fields<'_, '_>, declared: &mut Declared) {
    let mut own = Vec::new();
    let model = body(fields, &mut own, true);
    declared.metrics.append(&mut own);
    let first = declared.metrics.len();
    for metric in fields.mappings("metrics", "metric") {
        super::metrics::metric(&metric, None, declared);
    }
    measures_as_metrics(model.as_ref(), first, declared);
    fields.allow(&["version"]);
    fields.done();
    declared.semantic_models.extend(model);
}

/// The primary entity by type; a fault when `primary_entity` names another one.
pub(super) fn primary_name(
    fields: &Fields<'_, '_>,
    entities: &[Entity],
    key: Option<&str>,
) -> Option<String> {
    let primary = entities.iter().find(|e| e.kind == EntityKind::Primary)?;
    if key.is_some_and(|key| key != primary.name) {
        let message = format!(
            "{} has the primary entity `{}`, and `primary_entity` names another",
            fields.what, primary.name
        );
        fields.fault("primary_entity", message);
    }
    Some(primary.name.clone())
}

/// In a single document a ratio or derived metric may name a measure that no metric stands for.
fn measures_as_metrics(model: Option<&SemanticModel>, first: usize, declared: &mut Declared) {
    let wanted: Vec<String> = declared.metrics[first..]
        .iter()
        .flat_map(|metric| crate::check::inputs(&metric.kind))
        .map(|input| input.metric.name.clone())
        .collect();
    for measure in model.iter().flat_map(|model| &model.measures) {
        let known = declared.metrics.iter().any(|metric| metric.name == measure.name);
        if wanted.contains(&measure.name) && !known && !declared.broken_metrics.contains(&measure.name) {
            declared.metrics.push(Metric { hidden: true, ..metric_of(measure) });
        }
    }
}

fn body(fields: &Fields<'_, '_>, metrics: &mut Vec<Metric>, single: bool) -> Option<SemanticModel> {
    let name = fields.name();
    let table = table(fields, "model");
    let default_time = fields.mapping("defaults").and_then(|defaults| {
        let time = defaults.reference("agg_time_dimension");
        // In a single document the defaults are free.
        if !single {
            defaults.done();
        }
        time
    });
    let primary_key = fields.reference("primary_entity").map(|reference| reference.name);
    let entities: Vec<Entity> = fields.mappings("entities", "entity").iter().filter_map(entity).collect();
    let dimensions: Vec<Dimension> =
        fields.mappings("dimensions", "dimension").iter().filter_map(|d| dimension(d, single)).collect();
    let only_time = || {
        let mut times = dimensions.iter().filter(|d| d.grain().is_some());
        let first = times.next()?;
        (single && times.next().is_none())
            .then(|| Reference { name: first.name.clone(), place: first.place.clone() })
    };
    let default_time = default_time.or_else(only_time);
    let mut measures = Vec::new();
    for inner in fields.mappings("measures", "measure") {
        let Some((measure, creates)) = measure(&inner, default_time.as_ref(), single) else {
            continue;
        };
        if creates {
            metrics.push(metric_of(&measure));
        }
        measures.push(measure);
    }
    let about = fields.about();
    let name = name?;
    let primary = primary_name(fields, &entities, primary_key.as_deref());
    let primary_entity = primary.or(primary_key).or_else(|| single.then(|| name.clone()));
    Some(SemanticModel {
        table: table.unwrap_or_else(|| Reference { name: name.clone(), place: fields.place.clone() }),
        name,
        primary_entity,
        entities,
        dimensions,
        measures,
        about,
        place: fields.place.clone(),
    })
}

/// The simple metric that `create_metric: true` makes of a measure.
fn metric_of(measure: &Measure) -> Metric {
    Metric {
        name: measure.name.clone(),
        kind: MetricKind::Simple(MeasureInput {
            measure: Reference { name: measure.name.clone(), place: measure.place.clone() },
            filters: Vec::new(),
            join_to_timespine: false,
            fill_nulls_with: None,
        }),
        filters: Vec::new(),
        time_granularity: None,
        hidden: false,
        about: measure.about.clone(),
        place: measure.place.clone(),
    }
}

fn table(fields: &Fields<'_, '_>, key: &'static str) -> Option<Reference> {
    let Some(node) = fields.get(key) else {
        fields.missing(key);
        return None;
    };
    let text = fields.source.scalar(node, "the table")?;
    let place = fields.source.place(node);
    let name = table_name(&text);
    if name.is_none() {
        let message = format!("`{text}` is no table: {} needs a name or ref('name')", fields.what);
        fields.source.fault(ModelError::new(&place, message));
    }
    name.map(|name| Reference { name, place })
}

fn entity(fields: &Fields<'_, '_>) -> Option<Entity> {
    let name = fields.name();
    if !fields.has("type") {
        fields.missing("type");
    }
    let kind = fields.choice("type", &ENTITY_KINDS).unwrap_or(EntityKind::Foreign);
    let expr = fields.sql("expr");
    let about = fields.about();
    fields.allow(&["role"]);
    fields.done();
    let name = name?;
    Some(Entity {
        expr: expr.unwrap_or_else(|| name.clone()),
        name,
        kind,
        about,
        place: fields.place.clone(),
    })
}

fn dimension(fields: &Fields<'_, '_>, single: bool) -> Option<Dimension> {
    let name = fields.name();
    if !fields.has("type") {
        fields.missing("type");
    }
    let is_time = fields.choice("type", &[("categorical", false), ("time", true)]).unwrap_or(false);
    let params = fields.mapping("type_params");
    let kind = if is_time {
        time_kind(fields, params.as_ref(), single)
    } else {
        if let Some(params) = &params {
            params.allow(&["time_granularity", "validity_params"]);
        }
        DimensionKind::Categorical
    };
    if let Some(params) = params {
        params.done();
    }
    let expr = fields.sql("expr");
    let is_partition = fields.flag("is_partition").unwrap_or(false);
    let about = fields.about();
    fields.allow(&["datatype"]);
    fields.done();
    let name = name?;
    Some(Dimension {
        expr: expr.unwrap_or_else(|| name.clone()),
        name,
        kind,
        is_partition,
        about,
        place: fields.place.clone(),
    })
}

fn time_kind(fields: &Fields<'_, '_>, params: Option<&Fields<'_, '_>>, single: bool) -> DimensionKind {
    let declared = params.is_some_and(|p| p.has("time_granularity"));
    let read = params.and_then(|p| grain(p, "time_granularity"));
    if !declared && !single {
        fields.fault("type", format!("{} is a time and needs `type_params.time_granularity`", fields.what));
    }
    DimensionKind::Time { grain: read.unwrap_or(crate::Grain::Day), validity: params.and_then(validity) }
}

/// Reads `validity_params`.
pub(super) fn validity(fields: &Fields<'_, '_>) -> Option<Validity> {
    let params = fields.mapping("validity_params")?;
    let (start, end) = (params.flag("is_start").unwrap_or(false), params.flag("is_end").unwrap_or(false));
    params.done();
    match (start, end) {
        (true, false) => Some(Validity::Start),
        (false, true) => Some(Validity::End),
        (false, false) => None,
        (true, true) => {
            fields.fault(
                "validity_params",
                format!("{} cannot be both start and end of validity", fields.what),
            );
            None
        }
    }
}

fn measure(
    fields: &Fields<'_, '_>,
    default_time: Option<&Reference>,
    single: bool,
) -> Option<(Measure, bool)> {
    let name = fields.name();
    let aggregation = aggregation(fields);
    let expr = fields.sql("expr");
    let time = fields.reference("agg_time_dimension").or_else(|| default_time.cloned());
    if time.is_none() && !single {
        let error = ModelError::new(
            &fields.place,
            format!("{} has no time: `agg_time_dimension` is missing", fields.what),
        )
        .hint("name a time dimension in the measure or in `defaults` of the semantic model".to_owned());
        fields.source.fault(error);
    }
    let expr = match (aggregation, expr) {
        // A single document may leave out what is counted: its rows.
        (Aggregation::Count, None) if single => Some("1".to_owned()),
        (Aggregation::Count, None) => {
            fields.fault("agg", format!("{} counts, so it needs `expr`: what to count", fields.what));
            None
        }
        (_, expr) => expr,
    };
    let non_additive = fields.mapping("non_additive_dimension").and_then(|inner| {
        let last = inner.choice("window_choice", &[("min", false), ("max", true)]).unwrap_or(false);
        let groupings = references(&inner, "window_groupings");
        let dimension = inner.reference("name");
        if dimension.is_none() {
            inner.missing("non_additive_dimension.name");
        }
        inner.done();
        Some(NonAdditive { dimension: dimension?, last, groupings })
    });
    let creates = fields.flag("create_metric").unwrap_or(false);
    let about = fields.about();
    fields.done();
    let name = name?;
    let measure = Measure {
        expr: expr.unwrap_or_else(|| name.clone()),
        name,
        aggregation,
        agg_time_dimension: time,
        non_additive,
        about,
        place: fields.place.clone(),
    };
    Some((measure, creates))
}

/// Names of a list with their places.
pub(super) fn references(fields: &Fields<'_, '_>, key: &'static str) -> Vec<Reference> {
    let pairs = fields.texts(key).into_iter();
    pairs.map(|(name, place)| Reference { name: name.to_lowercase(), place }).collect()
}

fn aggregation(fields: &Fields<'_, '_>) -> Aggregation {
    if !fields.has("agg") {
        fields.missing("agg");
    }
    let kind = fields.choice("agg", &AGGREGATIONS).unwrap_or(Aggregation::Sum);
    let params = fields.mapping("agg_params");
    let is_percentile = matches!(kind, Aggregation::Percentile { .. });
    let Some(params) = params else {
        if is_percentile {
            fields.fault("agg", format!("{} needs `agg_params.percentile`, between 0 and 1", fields.what));
        }
        return kind;
    };
    let share = params.number("percentile");
    let discrete = params.flag("use_discrete_percentile").unwrap_or(false);
    let approximate = params.flag("use_approximate_percentile").unwrap_or(false);
    params.done();
    if !is_percentile {
        fields
            .fault("agg_params", format!("{} is no percentile, so `agg_params` has no meaning", fields.what));
        return kind;
    }
    percentile(fields, "agg_params", share, discrete, approximate)
}

/// Checks the share of a percentile.
pub(super) fn percentile(
    fields: &Fields<'_, '_>,
    key: &'static str,
    share: Option<f64>,
    discrete: bool,
    approximate: bool,
) -> Aggregation {
    if !share.is_some_and(|share| share > 0.0 && share < 1.0) {
        fields.fault(key, format!("the percentile of {} must lie between 0 and 1", fields.what));
    }
    Aggregation::Percentile { share: share.unwrap_or(0.5), discrete, approximate }
}
