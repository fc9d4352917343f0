//! Metrics and saved queries, in the words of both layouts.

use super::Declared;
use super::fields::{Fields, Source};
use super::tables::references;
use crate::MetricQuery;
use crate::error::ModelError;
use crate::expr::{self, Expr};
use crate::grain::Window;
use crate::model::{
    Conversion, MeasureInput, Metric, MetricInput, MetricKind, Offset, PeriodAgg, Reference, Running,
    SavedQuery,
};
use crate::yaml::{Node, Value};

#[derive(Clone, Copy, PartialEq)]
enum Type {
    Simple,
    Ratio,
    Derived,
    Cumulative,
    Conversion,
}

const TYPES: [(&str, Type); 5] = [
    ("simple", Type::Simple),
    ("ratio", Type::Ratio),
    ("derived", Type::Derived),
    ("cumulative", Type::Cumulative),
    ("conversion", Type::Conversion),
];

/// Reads a metric of either layout; `measure` is set for a simple metric of layout B, whose measure was read already.
pub(super) fn metric(fields: &Fields<'_, '_>, measure: Option<MeasureInput>, declared: &mut Declared) {
    let name = fields.name();
    if !fields.has("type") {
        fields.missing("type");
    }
    let kind = fields.choice("type", &TYPES);
    let filters = fields.filters("filter");
    let params = fields.mapping("type_params");
    let inner = params.as_ref().unwrap_or(fields);
    let kind = kind.and_then(|kind| match kind {
        Type::Simple => simple(inner, measure),
        Type::Ratio => ratio(inner),
        Type::Derived => derived(inner),
        Type::Cumulative => cumulative(inner),
        Type::Conversion => conversion(inner),
    });
    if let Some(params) = &params {
        params.done();
    }
    let time_granularity =
        fields.has("time_granularity").then(|| super::grain(fields, "time_granularity")).flatten();
    let hidden = fields.flag("hidden").unwrap_or(false);
    let about = fields.about();
    fields.allow(&["tags", "group"]);
    fields.done();
    let Some(name) = name else { return };
    match kind {
        Some(kind) => declared.metrics.push(Metric {
            name,
            kind,
            filters,
            time_granularity,
            hidden,
            about,
            place: fields.place.clone(),
        }),
        None => declared.broken_metrics.push(name),
    }
}

fn simple(fields: &Fields<'_, '_>, measure: Option<MeasureInput>) -> Option<MetricKind> {
    if let Some(measure) = measure {
        return Some(MetricKind::Simple(measure));
    }
    let Some(node) = fields.get("measure") else {
        fields.missing("type_params.measure");
        return None;
    };
    fields.allow(&["expr", "metrics"]);
    measure_input(fields.source, node, &fields.what).map(MetricKind::Simple)
}

/// A measure by name, or with filter and gap filling.
pub(super) fn measure_input(source: &Source<'_>, node: &Node, what: &str) -> Option<MeasureInput> {
    if !matches!(node.value, Value::Map(_)) {
        return Some(MeasureInput {
            measure: Reference {
                name: source.scalar(node, &format!("the measure of {what}"))?.to_lowercase(),
                place: source.place(node),
            },
            filters: Vec::new(),
            join_to_timespine: false,
            fill_nulls_with: None,
        });
    }
    let fields = Fields::open(source, node, "measure")?;
    let name = fields.reference("name");
    if name.is_none() {
        fields.missing("name");
    }
    let input = MeasureInput {
        measure: name.unwrap_or_else(|| Reference { name: String::new(), place: fields.place.clone() }),
        filters: fields.filters("filter"),
        join_to_timespine: fields.flag("join_to_timespine").unwrap_or(false),
        fill_nulls_with: fields.whole("fill_nulls_with"),
    };
    fields.allow(&["alias"]);
    fields.done();
    (!input.measure.name.is_empty()).then_some(input)
}

fn metric_input(source: &Source<'_>, node: &Node, what: &str) -> Option<MetricInput> {
    if !matches!(node.value, Value::Map(_)) {
        return Some(MetricInput {
            metric: Reference {
                name: source.scalar(node, &format!("an input of {what}"))?.to_lowercase(),
                place: source.place(node),
            },
            alias: None,
            filters: Vec::new(),
            offset: None,
        });
    }
    let fields = Fields::open(source, node, "input")?;
    let metric = fields.reference("name");
    if metric.is_none() {
        fields.missing("name");
    }
    let window = window(&fields, "offset_window", what).map(Offset::Back);
    let to_grain = fields.has("offset_to_grain").then(|| super::grain(&fields, "offset_to_grain")).flatten();
    if window.is_some() && to_grain.is_some() {
        fields.fault(
            "offset_to_grain",
            format!("an input of {what} has `offset_window` and `offset_to_grain`; only one can hold"),
        );
    }
    let input = MetricInput {
        metric: metric?,
        alias: fields.reference("alias").map(|alias| alias.name),
        filters: fields.filters("filter"),
        offset: window.or(to_grain.map(Offset::ToStartOf)),
    };
    fields.done();
    Some(input)
}

fn ratio(fields: &Fields<'_, '_>) -> Option<MetricKind> {
    let side = |key: &'static str| {
        let Some(node) = fields.get(key) else {
            fields.missing(key);
            return None;
        };
        metric_input(fields.source, node, &fields.what)
    };
    let (numerator, denominator) = (side("numerator"), side("denominator"));
    fields.allow(&["expr", "metrics"]);
    Some(MetricKind::Ratio { numerator: numerator?, denominator: denominator? })
}

fn derived(fields: &Fields<'_, '_>) -> Option<MetricKind> {
    let key = if fields.has("input_metrics") { "input_metrics" } else { "metrics" };
    let nodes = fields.source.list(fields.get(key), &format!("`{key}` of {}", fields.what));
    let inputs: Vec<MetricInput> =
        nodes.iter().filter_map(|node| metric_input(fields.source, node, &fields.what)).collect();
    if nodes.is_empty() {
        fields.missing(key);
    }
    let Some(text) = fields.text("expr") else {
        fields.missing("expr");
        return None;
    };
    let expr = match expr::parse_derived(&text) {
        Ok(expr) => expr,
        Err(fault) => {
            fields.fault("expr", format!("`expr` of {} cannot be read: {}", fields.what, fault.message));
            return None;
        }
    };
    check_names(fields, &expr, &inputs);
    Some(MetricKind::Derived { expr, inputs })
}

/// Every name in the expression is an input, and every alias is used.
fn check_names(fields: &Fields<'_, '_>, expr: &Expr, inputs: &[MetricInput]) {
    let names = expr.names();
    for name in &names {
        if !inputs.iter().any(|input| input.known_as() == *name) {
            let known = inputs.iter().map(MetricInput::known_as);
            let message = format!("`{name}` in `expr` of {} is none of its inputs", fields.what);
            let node =
                fields.get("expr").map_or_else(|| fields.place.clone(), |node| fields.source.place(node));
            fields.source.fault(super::nowhere(&node, message, name, known));
        }
    }
    for (at, input) in inputs.iter().enumerate() {
        let known_as = input.known_as();
        if input.alias.is_some() && !names.contains(&known_as) {
            let message = format!("the alias `{known_as}` does not occur in `expr` of {}", fields.what);
            fields.source.fault(ModelError::new(&input.metric.place, message));
        }
        if inputs[..at].iter().any(|other| other.known_as() == known_as) {
            let message = format!("two inputs of {} are called `{known_as}`", fields.what);
            let error = ModelError::new(&input.metric.place, message);
            fields.source.fault(error.hint("give one of them an `alias`".to_owned()));
        }
    }
}

fn window(fields: &Fields<'_, '_>, key: &'static str, what: &str) -> Option<Window> {
    let text = fields.text(key)?;
    match Window::parse(&text) {
        Ok(window) => Some(window),
        Err(why) => {
            fields.fault(key, format!("`{key}` of {what}: {why}"));
            None
        }
    }
}

fn cumulative(fields: &Fields<'_, '_>) -> Option<MetricKind> {
    let measure = match (fields.get("measure"), fields.get("input_metric")) {
        (Some(node), _) | (None, Some(node)) => measure_input(fields.source, node, &fields.what),
        (None, None) => {
            fields.missing("measure");
            None
        }
    };
    let nested = fields.mapping("cumulative_type_params");
    let mut stretch = None;
    let mut period_agg = None;
    for inner in std::iter::once(fields).chain(nested.as_ref()) {
        let trailing = window(inner, "window", &fields.what).map(Running::Trailing);
        let to_date = inner.has("grain_to_date").then(|| super::grain(inner, "grain_to_date")).flatten();
        if trailing.is_some() && to_date.is_some() {
            inner.fault(
                "grain_to_date",
                format!("{} has `window` and `grain_to_date`; only one can hold", fields.what),
            );
        }
        stretch = trailing.or(to_date.map(Running::ToDate)).or(stretch);
        let choices =
            [("first", PeriodAgg::First), ("last", PeriodAgg::Last), ("average", PeriodAgg::Average)];
        period_agg = inner.choice("period_agg", &choices).or(period_agg);
    }
    if let Some(nested) = nested {
        nested.allow(&["metric"]);
        nested.done();
    }
    Some(MetricKind::Cumulative {
        measure: measure?,
        running: stretch.unwrap_or(Running::AllTime),
        period_agg: period_agg.unwrap_or(PeriodAgg::First),
    })
}

fn conversion(fields: &Fields<'_, '_>) -> Option<MetricKind> {
    let nested = fields.mapping("conversion_type_params");
    let inner = nested.as_ref().unwrap_or(fields);
    let event = |old: &'static str, new: &'static str| {
        let node = inner.get(old).or_else(|| inner.get(new));
        if node.is_none() {
            inner.missing(old);
        }
        measure_input(inner.source, node?, &fields.what)
    };
    let base = event("base_measure", "base_metric");
    let conversion = event("conversion_measure", "conversion_metric");
    let entity = inner.reference("entity");
    if entity.is_none() {
        inner.missing("entity");
    }
    let rate =
        inner.choice("calculation", &[("conversion_rate", true), ("conversions", false)]).unwrap_or(true);
    let window = window(inner, "window", &fields.what);
    let mut constant_properties = Vec::new();
    for pair in inner.mappings("constant_properties", "constant property") {
        let sides = (pair.reference("base_property"), pair.reference("conversion_property"));
        if let (Some(base), Some(conversion)) = sides {
            constant_properties.push((base, conversion));
        } else {
            pair.missing("base_property` and `conversion_property");
        }
        pair.done();
    }
    if let Some(nested) = &nested {
        nested.done();
    }
    Some(MetricKind::Conversion(Conversion {
        entity: entity?,
        base: base?,
        conversion: conversion?,
        rate,
        window,
        constant_properties,
    }))
}

/// Reads a saved query.
pub(super) fn saved_query(fields: &Fields<'_, '_>) -> Option<SavedQuery> {
    let name = fields.name();
    let about = fields.about();
    let mut query = MetricQuery::default();
    match fields.mapping("query_params") {
        Some(params) => {
            query.metrics = references(&params, "metrics").into_iter().map(|metric| metric.name).collect();
            query.group_by = params.texts("group_by").into_iter().map(|(text, _)| text).collect();
            query.order_by = params.texts("order_by").into_iter().map(|(text, _)| text).collect();
            query.r#where = params.filters("where").into_iter().map(|filter| filter.text).collect();
            query.limit = params.whole("limit").and_then(|limit| {
                let positive = u64::try_from(limit).ok();
                if positive.is_none() {
                    params.fault("limit", format!("`limit` of {} is below 0", fields.what));
                }
                positive
            });
            params.done();
        }
        None => fields.missing("query_params"),
    }
    fields.allow(&["exports", "tags", "group"]);
    fields.done();
    Some(SavedQuery { name: name?, query, about, place: fields.place.clone() })
}
