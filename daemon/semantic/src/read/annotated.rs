//! dbt models: time spines (both layouts) and semantic annotations (layout B).

use super::fields::Fields;
use super::tables::{self, AGGREGATIONS, ENTITY_KINDS};
use super::{Declared, grain, metrics};
use crate::Grain;
use crate::model::{
    About, Aggregation, CustomGrain, Dimension, DimensionKind, Entity, EntityKind, Measure, MeasureInput,
    NonAdditive, Reference, SemanticModel, TimeSpine,
};
use crate::yaml::Value;

/// Keys of a dbt model or column that say nothing about meaning.
const OTHER_KEYS: [&str; 20] = [
    "access",
    "config",
    "constraints",
    "contract",
    "data_tests",
    "data_type",
    "database",
    "deprecation_date",
    "docs",
    "group",
    "latest_version",
    "meta",
    "quote",
    "schema",
    "tags",
    "tests",
    "versions",
    "description",
    "label",
    "synonyms",
];

/// Reads one entry of `models`.
pub(super) fn model(fields: &Fields<'_, '_>, declared: &mut Declared) {
    let spine = fields.has("time_spine");
    let annotated = fields.get("semantic_model").is_some_and(|node| node.truth() != Some(false));
    if !spine && !annotated {
        return;
    }
    fields.allow(&OTHER_KEYS);
    if spine {
        declared.spines.extend(time_spine(fields));
    }
    if annotated {
        semantic_model(fields, declared);
    }
    fields.done();
}

fn time_spine(fields: &Fields<'_, '_>) -> Option<TimeSpine> {
    let table = fields.reference("name");
    let spine = fields.mapping("time_spine")?;
    let column = spine.text("standard_granularity_column");
    let mut custom = Vec::new();
    for inner in spine.mappings("custom_granularities", "custom granularity") {
        let name = inner.name();
        let column = inner.text("column_name");
        inner.allow(&["description"]);
        inner.done();
        if let Some(name) = name {
            custom.push(CustomGrain { column: column.unwrap_or_else(|| name.clone()), name });
        }
    }
    spine.done();
    let Some(column) = column else {
        spine.missing("standard_granularity_column");
        return None;
    };
    let mut read = None;
    let mut listed = false;
    for inner in fields.mappings("columns", "column") {
        if inner.text("name").is_some_and(|name| name.eq_ignore_ascii_case(&column)) {
            listed = true;
            read = inner.has("granularity").then(|| grain(&inner, "granularity")).flatten();
            if !inner.has("granularity") {
                inner.missing("granularity");
            }
        }
    }
    if !listed {
        fields.fault(
            "columns",
            format!("the spine column `{column}` is not listed in `columns` with a `granularity`"),
        );
    }
    Some(TimeSpine { table: table?, column, grain: read.unwrap_or(Grain::Day), custom })
}

/// What a column or a derived element has in common.
struct Parts {
    entities: Vec<Entity>,
    dimensions: Vec<Dimension>,
}

fn semantic_model(fields: &Fields<'_, '_>, declared: &mut Declared) {
    let Some(table) = fields.reference("name") else {
        fields.missing("name");
        return;
    };
    let mut name = table.name.clone();
    if let Some(node) = fields.get("semantic_model")
        && matches!(node.value, Value::Map(_))
        && let Some(inner) = fields.mapping("semantic_model")
    {
        name = inner.reference("name").map_or(name, |reference| reference.name);
        let enabled = inner.flag("enabled").unwrap_or(true);
        inner.allow(&["group", "config"]);
        inner.done();
        if !enabled {
            fields.allow(&[
                "columns",
                "metrics",
                "derived_semantics",
                "agg_time_dimension",
                "primary_entity",
            ]);
            return;
        }
    }
    let default_time = fields.reference("agg_time_dimension");
    let primary_key = fields.reference("primary_entity").map(|reference| reference.name);
    let parts = elements(fields);
    let mut measures = Vec::new();
    for inner in fields.mappings("metrics", "metric") {
        model_metric(&inner, default_time.as_ref(), &mut measures, declared);
    }
    let about = fields.about();
    let primary = tables::primary_name(fields, &parts.entities, primary_key.as_deref());
    declared.semantic_models.push(SemanticModel {
        name,
        table,
        primary_entity: primary.or(primary_key),
        entities: parts.entities,
        dimensions: parts.dimensions,
        measures,
        about,
        place: fields.place.clone(),
    });
}

fn elements(fields: &Fields<'_, '_>) -> Parts {
    let mut parts = Parts { entities: Vec::new(), dimensions: Vec::new() };
    for column in fields.mappings("columns", "column") {
        self::column(&column, &mut parts);
        column.allow(&OTHER_KEYS);
        column.done();
    }
    if let Some(derived) = fields.mapping("derived_semantics") {
        for inner in derived.mappings("entities", "entity") {
            parts.entities.extend(entity(&inner, None, None));
            inner.done();
        }
        for inner in derived.mappings("dimensions", "dimension") {
            let declared = read_grain(&inner);
            parts.dimensions.extend(dimension(&inner, None, declared));
            inner.done();
        }
        derived.done();
    }
    parts
}

fn read_grain(fields: &Fields<'_, '_>) -> Option<Grain> {
    fields.has("granularity").then(|| grain(fields, "granularity")).flatten()
}

fn column(fields: &Fields<'_, '_>, parts: &mut Parts) {
    let Some(name) = fields.text("name") else {
        fields.missing("name");
        return;
    };
    let about = fields.about();
    let declared = read_grain(fields);
    if let Some(node) = fields.get("entity") {
        if matches!(node.value, Value::Map(_)) {
            let inner = fields.mapping("entity");
            parts.entities.extend(inner.and_then(|inner| {
                let entity = entity(&inner, Some(&name), Some(&about));
                inner.done();
                entity
            }));
        } else if let Some(kind) = fields.choice("entity", &ENTITY_KINDS) {
            parts.entities.push(Entity {
                name: name.to_lowercase(),
                kind,
                expr: name.clone(),
                about: about.clone(),
                place: fields.place.clone(),
            });
        }
    }
    if let Some(node) = fields.get("dimension") {
        if matches!(node.value, Value::Map(_)) {
            let inner = fields.mapping("dimension");
            parts.dimensions.extend(inner.and_then(|inner| {
                let mut dimension = dimension(&inner, Some(&name), declared)?;
                inner.done();
                fill_about(&mut dimension.about, &about);
                Some(dimension)
            }));
        } else if let Some(is_time) = fields.choice("dimension", &[("categorical", false), ("time", true)]) {
            parts.dimensions.push(Dimension {
                name: name.to_lowercase(),
                kind: kind_of(fields, is_time, declared),
                expr: name,
                is_partition: false,
                about,
                place: fields.place.clone(),
            });
        }
    }
}

fn fill_about(about: &mut About, column: &About) {
    about.label = about.label.take().or_else(|| column.label.clone());
    about.description = about.description.take().or_else(|| column.description.clone());
    about.synonyms.extend(column.synonyms.iter().cloned());
}

/// The name of an element: its own, or the column's.
fn element_name(fields: &Fields<'_, '_>, column: Option<&str>) -> Option<String> {
    match column {
        Some(column) if !fields.has("name") => Some(column.to_lowercase()),
        _ => fields.name(),
    }
}

fn entity(fields: &Fields<'_, '_>, column: Option<&str>, about: Option<&About>) -> Option<Entity> {
    let name = element_name(fields, column);
    if !fields.has("type") {
        fields.missing("type");
    }
    let kind = fields.choice("type", &ENTITY_KINDS).unwrap_or(EntityKind::Foreign);
    let expr = if column.is_none() { fields.sql("expr") } else { None };
    let mut own = fields.about();
    if let Some(about) = about {
        fill_about(&mut own, about);
    }
    fields.allow(&["role"]);
    let name = name?;
    Some(Entity {
        expr: column.map(str::to_owned).or(expr).unwrap_or_else(|| name.clone()),
        name,
        kind,
        about: own,
        place: fields.place.clone(),
    })
}

fn dimension(fields: &Fields<'_, '_>, column: Option<&str>, declared: Option<Grain>) -> Option<Dimension> {
    let name = element_name(fields, column);
    if !fields.has("type") {
        fields.missing("type");
    }
    let is_time = fields.choice("type", &[("categorical", false), ("time", true)]).unwrap_or(false);
    let expr = if column.is_none() { fields.sql("expr") } else { None };
    let kind = kind_of(fields, is_time, declared);
    let is_partition = fields.flag("is_partition").unwrap_or(false);
    let about = fields.about();
    fields.allow(&["datatype"]);
    let name = name?;
    Some(Dimension {
        expr: column.map(str::to_owned).or(expr).unwrap_or_else(|| name.clone()),
        name,
        kind,
        is_partition,
        about,
        place: fields.place.clone(),
    })
}

fn kind_of(fields: &Fields<'_, '_>, is_time: bool, declared: Option<Grain>) -> DimensionKind {
    let validity = tables::validity(fields);
    if !is_time {
        return DimensionKind::Categorical;
    }
    if declared.is_none() {
        fields.fault("type", format!("{} is a time and needs `granularity`", fields.what));
    }
    DimensionKind::Time { grain: declared.unwrap_or(Grain::Day), validity }
}

/// A metric under a model: a simple one carries its measure.
fn model_metric(
    fields: &Fields<'_, '_>,
    default_time: Option<&Reference>,
    measures: &mut Vec<Measure>,
    declared: &mut Declared,
) {
    if !fields.has("agg") {
        metrics::metric(fields, None, declared);
        return;
    }
    let Some(name) = fields.reference("name") else {
        metrics::metric(fields, None, declared);
        return;
    };
    let aggregation = aggregation(fields);
    let expr = fields.sql("expr");
    if aggregation == Aggregation::Count && expr.is_none() {
        fields.fault("agg", format!("{} counts, so it needs `expr`: what to count", fields.what));
    }
    let time = fields.reference("agg_time_dimension").or_else(|| default_time.cloned());
    if time.is_none() {
        fields.fault("agg", format!("{} has no time: `agg_time_dimension` is missing", fields.what));
    }
    let non_additive = fields.mapping("non_additive_dimension").and_then(|inner| {
        let last = inner.choice("window_agg", &[("min", false), ("max", true)]).unwrap_or(false);
        let groupings = tables::references(&inner, "group_by");
        let dimension = inner.reference("name");
        if dimension.is_none() {
            inner.missing("non_additive_dimension.name");
        }
        inner.done();
        Some(NonAdditive { dimension: dimension?, last, groupings })
    });
    measures.push(Measure {
        name: name.name.clone(),
        aggregation,
        expr: expr.unwrap_or_else(|| name.name.clone()),
        agg_time_dimension: time,
        non_additive,
        about: About::default(),
        place: fields.place.clone(),
    });
    declared.annotated.push(name.name.clone());
    let input = MeasureInput {
        measure: name,
        filters: Vec::new(),
        join_to_timespine: fields.flag("join_to_timespine").unwrap_or(false),
        fill_nulls_with: fields.whole("fill_nulls_with"),
    };
    metrics::metric(fields, Some(input), declared);
}

fn aggregation(fields: &Fields<'_, '_>) -> Aggregation {
    let kind = fields.choice("agg", &AGGREGATIONS).unwrap_or(Aggregation::Sum);
    let share = fields.number("percentile");
    let discrete =
        fields.choice("percentile_type", &[("discrete", true), ("continuous", false)]).unwrap_or(false);
    if matches!(kind, Aggregation::Percentile { .. }) {
        return tables::percentile(fields, "percentile", share, discrete, false);
    }
    if share.is_some() {
        fields
            .fault("percentile", format!("{} is no percentile, so `percentile` has no meaning", fields.what));
    }
    kind
}
