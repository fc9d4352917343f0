//! Files to declarations: three layouts, one form.

mod annotated;
mod fields;
mod metrics;
mod tables;

use std::cell::RefCell;
use std::sync::Arc;

use crate::error::{ModelError, Place};
use crate::model::{Metric, SavedQuery, SemanticModel, TimeSpine};
use crate::names;
use crate::yaml::{self, Node, Value};
use fields::{Fields, Source};

/// What all files together declare, before the rules are applied.
#[derive(Debug, Default)]
pub(crate) struct Declared {
    pub semantic_models: Vec<SemanticModel>,
    pub metrics: Vec<Metric>,
    /// Metrics that could not be read, so that mentioning them is no second fault.
    pub broken_metrics: Vec<String>,
    pub saved_queries: Vec<SavedQuery>,
    pub spines: Vec<TimeSpine>,
    /// Layout B: metrics that carry a measure of the same name.
    pub annotated: Vec<String>,
}

/// Top-level keys of a dbt project that say nothing about metrics.
const OTHER_TOP_LEVEL: [&str; 17] = [
    "version",
    "sources",
    "seeds",
    "snapshots",
    "exposures",
    "macros",
    "groups",
    "analyses",
    "unit_tests",
    "data_tests",
    "tests",
    "functions",
    "catalogs",
    "vars",
    "config",
    "meta",
    "anchors",
];

/// Reads all files; faults are collected, what could be read is returned.
pub(crate) fn read(files: &[(&str, &str)], errors: &RefCell<Vec<ModelError>>) -> Declared {
    let mut roots = Vec::new();
    for (name, text) in files {
        let file: Arc<str> = Arc::from(*name);
        match yaml::parse(&file, text) {
            Ok(root) => roots.push((file, root)),
            Err(error) => errors.borrow_mut().push(error),
        }
    }
    let custom_grains: Vec<String> = roots.iter().flat_map(|(_, root)| custom_grains(root)).collect();
    let mut declared = Declared::default();
    for (file, root) in &roots {
        let source = Source { file: Arc::clone(file), errors, custom_grains: &custom_grains };
        read_root(&source, root, &mut declared);
    }
    declared
}

fn read_root(source: &Source<'_>, root: &Node, declared: &mut Declared) {
    if matches!(root.value, Value::Null) {
        return;
    }
    let Some(top) = Fields::open(source, root, "the file") else { return };
    let single = top.has("model") || (top.has("name") && !top.has("semantic_models") && !top.has("models"));
    if single {
        tables::single_document(&top, declared);
        return;
    }
    for fields in top.mappings("models", "model") {
        annotated::model(&fields, declared);
    }
    for fields in top.mappings("semantic_models", "semantic model") {
        declared.semantic_models.extend(tables::semantic_model(&fields, &mut declared.metrics));
    }
    for fields in top.mappings("metrics", "metric") {
        metrics::metric(&fields, None, declared);
    }
    for fields in top.mappings("saved_queries", "saved query") {
        declared.saved_queries.extend(metrics::saved_query(&fields));
    }
    top.allow(&OTHER_TOP_LEVEL);
    top.done();
}

/// The custom grains a file declares, found before the filters are read, which may name them.
fn custom_grains(root: &Node) -> Vec<String> {
    let under = |node: &Node, key: &str| -> Option<Node> {
        match &node.value {
            Value::Map(entries) => entries.iter().find(|(k, _)| k.text == key).map(|(_, node)| node.clone()),
            _ => None,
        }
    };
    let items = |node: Option<Node>| match node.map(|node| node.value) {
        Some(Value::List(items)) => items,
        _ => Vec::new(),
    };
    items(under(root, "models"))
        .iter()
        .filter_map(|model| under(model, "time_spine"))
        .flat_map(|spine| items(under(&spine, "custom_granularities")))
        .filter_map(|grain| match under(&grain, "name")?.value {
            Value::Text(name) => Some(name.to_lowercase()),
            _ => None,
        })
        .collect()
}

/// Removes `ref('...')` around a table name; `ref('package', 'table')` keeps the table.
fn table_name(text: &str) -> Option<String> {
    let text = text.trim();
    let Some(inner) = text.strip_prefix("ref") else {
        return plain_table(text);
    };
    let Some(inner) = inner.trim().strip_prefix('(').and_then(|t| t.strip_suffix(')')) else {
        return plain_table(text);
    };
    let last = inner.split(',').next_back()?.trim();
    let name = last.trim_matches(|c| c == '\'' || c == '"');
    (name.len() + 2 == last.len()).then(|| plain_table(name)).flatten()
}

/// A table name is plain words or quoted names with dots between them.
fn plain_table(text: &str) -> Option<String> {
    let mut rest = text;
    loop {
        rest = if let Some(inner) = rest.strip_prefix('"') {
            let (name, after) = inner.split_once('"')?;
            if name.is_empty() {
                return None;
            }
            after
        } else {
            let end = rest.find(|c: char| !(c.is_alphanumeric() || "_$-".contains(c))).unwrap_or(rest.len());
            if end == 0 {
                return None;
            }
            &rest[end..]
        };
        if rest.is_empty() {
            return Some(text.to_owned());
        }
        rest = rest.strip_prefix('.')?;
    }
}

/// A grain, with a fault that names the nearest one.
fn grain(fields: &Fields<'_, '_>, key: &'static str) -> Option<crate::Grain> {
    let choices: Vec<(&str, crate::Grain)> = crate::Grain::ALL.iter().map(|g| (g.name(), *g)).collect();
    fields.choice(key, &choices)
}

/// Says that one name is used twice.
pub(crate) fn twice(kind: &str, name: &str, second: &Place, first: &Place) -> ModelError {
    ModelError::new(second, format!("the {kind} `{name}` is declared twice"))
        .hint(format!("the first one stands at {first}"))
}

/// Says that a name leads nowhere and what it may have meant.
pub(crate) fn nowhere<'a>(
    place: &Place,
    message: String,
    name: &str,
    known: impl IntoIterator<Item = &'a str>,
) -> ModelError {
    ModelError::new(place, message).hint(names::did_you_mean(name, known))
}
