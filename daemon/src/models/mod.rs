//! Semantic models: read from a source's files, kept while they do not change, compiled for whoever asks.

mod files;

use crate::gate::Gate;
use std::collections::HashMap;
use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};
use wharf_policy::nearest;
use wharf_protocol::{ApiError, ErrorKind, MetricInfo, ModelSummary};
use wharf_semantic::{Compiled, MetricKind, MetricQuery, Model, ModelError, Options, QueryError};

/// The models of all sources. Cheap to clone.
#[derive(Clone)]
pub struct Models(Arc<Inner>);

struct Inner {
    gate: Gate,
    kept: Mutex<HashMap<String, Arc<Loaded>>>,
}

/// The models of one source.
pub struct Loaded {
    /// The source.
    pub source: String,
    /// The checked model.
    pub model: Model,
    /// Changes when a model file does.
    pub stamp: String,
    files: Vec<String>,
}

impl Models {
    /// The models of the sources behind `gate`.
    pub fn new(gate: Gate) -> Self {
        Self(Arc::new(Inner { gate, kept: Mutex::default() }))
    }

    /// Reads model files without keeping them: whether a source may be added with them.
    ///
    /// # Errors
    /// The first faults, with file, line and column.
    pub async fn check(&self, path: &Path) -> Result<(), ApiError> {
        let path = path.to_owned();
        blocking(move || files::read(&path).and_then(|found| parse(&found)).map(|_| ())).await
    }

    /// The models of a source; read anew when a file has changed.
    ///
    /// # Errors
    /// When the source has none, or they are faulty.
    pub async fn of(&self, source: &str) -> Result<Arc<Loaded>, ApiError> {
        let this = self.clone();
        let source = source.to_owned();
        blocking(move || this.load(&source)).await
    }

    /// The source whose models a request means: the one it names, else the only one that has models.
    ///
    /// # Errors
    /// When that is none or several.
    pub fn choose(&self, source: Option<&str>) -> Result<String, ApiError> {
        let catalog = self.0.gate.catalog();
        if let Some(source) = catalog.choose(source)? {
            return Ok(source);
        }
        let with_models: Vec<String> =
            catalog.sources().into_iter().filter(|s| s.models.is_some()).map(|s| s.name).collect();
        match &with_models[..] {
            [only] => Ok(only.clone()),
            _ => catalog.require(None),
        }
    }

    /// Compiles a metric query.
    ///
    /// # Errors
    /// When it asks for something that the model does not have; nothing has run then.
    pub fn compile(
        &self,
        loaded: &Loaded,
        query: &MetricQuery,
        today: Option<&str>,
    ) -> Result<Compiled, ApiError> {
        let table = |name: &str| relation(&loaded.source, name);
        let options = Options { table: Some(&table), today, ..Options::default() };
        wharf_semantic::compile(&loaded.model, query, &options).map_err(|e| query_error(&e))
    }

    /// The query for the values that a dimension takes.
    ///
    /// # Errors
    /// When there is no such dimension.
    pub fn dimension_values(&self, loaded: &Loaded, item: &str) -> Result<Compiled, ApiError> {
        let table = |name: &str| relation(&loaded.source, name);
        let options = Options { table: Some(&table), ..Options::default() };
        wharf_semantic::dimension_values(&loaded.model, &[], item, &options).map_err(|e| query_error(&e))
    }

    /// The metrics of a source, or of all sources whose models are sound.
    ///
    /// # Errors
    /// When the named source has no sound models.
    pub async fn metrics(&self, source: Option<&str>) -> Result<Vec<MetricInfo>, ApiError> {
        if let Some(source) = source {
            return Ok(listed(&*self.of(source).await?));
        }
        let mut all = Vec::new();
        for source in self.0.gate.catalog().sources() {
            if source.models.is_some()
                && let Ok(loaded) = self.of(&source.name).await
            {
                all.extend(listed(&loaded));
            }
        }
        Ok(all)
    }

    /// The models of all sources in short, the faulty ones with their faults.
    pub async fn summaries(&self) -> Vec<ModelSummary> {
        let mut all = Vec::new();
        for source in self.0.gate.catalog().sources() {
            if source.models.is_none() {
                continue;
            }
            all.push(match self.of(&source.name).await {
                Ok(loaded) => ModelSummary {
                    source: source.name,
                    files: loaded.files.clone(),
                    models: loaded.model.semantic_models().iter().map(|m| m.name.clone()).collect(),
                    metrics: loaded.model.offered().count() as u64,
                    errors: Vec::new(),
                },
                Err(e) => ModelSummary {
                    source: source.name,
                    files: Vec::new(),
                    models: Vec::new(),
                    metrics: 0,
                    errors: e.message.lines().map(str::to_owned).collect(),
                },
            });
        }
        all
    }

    fn load(&self, source: &str) -> Result<Arc<Loaded>, ApiError> {
        let path = self.0.gate.catalog().models_path(source)?.ok_or_else(|| {
            ApiError::new(
                ErrorKind::NotFound,
                "no_models",
                format!("the source `{source}` has no semantic models"),
            )
            .hint(format!("give it some: wharf source add {source} PATH --models FOLDER --replace"))
        })?;
        let stamp = files::stamp(&path);
        let mut kept = self.0.kept.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(loaded) = kept.get(source).filter(|l| l.stamp == stamp) {
            return Ok(loaded.clone());
        }
        let found = files::read(&path)?;
        let model = parse(&found)?;
        let files = found.into_iter().map(|(name, _)| name).collect();
        let loaded = Arc::new(Loaded { source: source.to_owned(), model, stamp, files });
        kept.insert(source.to_owned(), loaded.clone());
        Ok(loaded)
    }
}

async fn blocking<T: Send + 'static>(
    work: impl FnOnce() -> Result<T, ApiError> + Send + 'static,
) -> Result<T, ApiError> {
    tokio::task::spawn_blocking(work)
        .await
        .map_err(|e| ApiError::new(ErrorKind::Internal, "panic", e.to_string()))?
}

fn parse(found: &[(String, String)]) -> Result<Model, ApiError> {
    let files: Vec<(&str, &str)> = found.iter().map(|(name, text)| (name.as_str(), text.as_str())).collect();
    Model::parse(&files).map_err(|errors| model_error(&errors))
}

fn model_error(errors: &[ModelError]) -> ApiError {
    let lines: Vec<String> = errors.iter().take(20).map(ToString::to_string).collect();
    let more = errors.len().saturating_sub(lines.len());
    let more = if more > 0 { format!("\nand {more} more") } else { String::new() };
    ApiError::new(ErrorKind::Failed, "model_invalid", format!("{}{more}", lines.join("\n")))
        .hint("`wharf model lint FILE...` checks models without using them")
}

/// A refused metric query as the doors tell it.
pub fn query_error(error: &QueryError) -> ApiError {
    use wharf_semantic::QueryErrorKind as Kind;
    let kind = match error.kind {
        Kind::UnknownMetric | Kind::UnknownGroupBy | Kind::UnknownSavedQuery => ErrorKind::NotFound,
        _ => ErrorKind::Invalid,
    };
    ApiError::new(kind, error.kind.name(), &error.message).maybe_hint(error.hint.clone())
}

/// A table of the model as the engine's SQL names it: `table`, `schema.table` or `catalog.schema.table`.
fn relation(source: &str, name: &str) -> String {
    use crate::sources::duckdb::quote;
    let parts: Vec<&str> = name.split('.').collect();
    match &parts[..] {
        [table] => format!("{}.\"main\".{}", quote(source), quote(table)),
        [schema, table] => format!("{}.{}.{}", quote(source), quote(schema), quote(table)),
        parts => parts.iter().map(|p| quote(p)).collect::<Vec<_>>().join("."),
    }
}

fn listed(loaded: &Loaded) -> Vec<MetricInfo> {
    let dimensions = |name: &str| {
        wharf_semantic::group_by_items(&loaded.model, &[name])
            .map(|items| items.dimensions)
            .unwrap_or_default()
    };
    loaded
        .model
        .offered()
        .map(|metric| MetricInfo {
            name: metric.name.clone(),
            label: metric.about.label.clone(),
            description: metric.about.description.clone(),
            r#type: kind_name(&metric.kind).to_owned(),
            synonyms: metric.about.synonyms.clone(),
            dimensions: dimensions(&metric.name),
            source: loaded.source.clone(),
        })
        .collect()
}

fn kind_name(kind: &MetricKind) -> &'static str {
    match kind {
        MetricKind::Simple { .. } => "simple",
        MetricKind::Ratio { .. } => "ratio",
        MetricKind::Derived { .. } => "derived",
        MetricKind::Cumulative { .. } => "cumulative",
        MetricKind::Conversion { .. } => "conversion",
    }
}

/// Reads a metric query document, naming the nearest field when one is not known.
///
/// # Errors
/// When it is not an object of the known fields.
pub fn read_query(value: serde_json::Value) -> Result<MetricQuery, ApiError> {
    const FIELDS: &[&str] =
        &["metrics", "group_by", "where", "order_by", "limit", "start_time", "end_time", "saved_query"];
    if let Some(unknown) = value.as_object().and_then(|o| o.keys().find(|k| !FIELDS.contains(&k.as_str()))) {
        let near = nearest(unknown, FIELDS.iter().copied());
        let hint = near.first().map_or_else(
            || format!("the fields are {}", FIELDS.join(", ")),
            |n| format!("did you mean {n}?"),
        );
        return Err(ApiError::new(
            ErrorKind::Invalid,
            "bad_query",
            format!("a metric query has no field `{unknown}`"),
        )
        .hint(hint));
    }
    serde_json::from_value(value).map_err(|e| {
        ApiError::new(ErrorKind::Invalid, "bad_query", format!("the metric query does not fit: {e}"))
            .hint(format!("the fields are {}", FIELDS.join(", ")))
    })
}
