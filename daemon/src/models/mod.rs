//! Semantic models: read from a source's files, kept while they do not change, compiled for whoever asks.
//!
//! The owner sees all of them; everybody else what is over tables and columns that they may see.

mod describe;
mod files;
mod language;
mod place;
mod sight;

pub use place::Place;

use crate::gate::Gate;
use crate::lifecycle::blocking;
use language::Language;
use place::UNCHANGED;
use sight::Seen;
use std::collections::{BTreeSet, HashMap};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Instant;
use wharf_policy::nearest;
use wharf_protocol::{ApiError, ErrorKind, MetricInfo, ModelSummary, Table};
use wharf_semantic::{Compiled, MetricKind, MetricQuery, Model, ModelError, Options, QueryError};

/// The models of all sources, for one asker. Cheap to clone.
#[derive(Clone)]
pub struct Models(Arc<Inner>, Gate);

#[derive(Default)]
struct Inner {
    kept: Mutex<HashMap<String, Arc<Loaded>>>,
    /// By source: when files that it keeps itself were looked at, and how they were.
    looked: Mutex<HashMap<String, (Instant, String)>>,
    /// By source and what holds for a reader: the models as that reader sees them.
    seen: Mutex<HashMap<(String, String), Arc<Loaded>>>,
}

/// Models that are kept as some reader sees them.
const KEPT: usize = 200;

/// The models of one source.
pub struct Loaded {
    /// The source.
    pub source: String,
    /// The checked model.
    pub model: Model,
    /// Changes when a model file does, and for others than the owner when the data do.
    pub stamp: String,
    /// Whether nothing of them is hidden from who asks.
    pub whole: bool,
    files: Vec<String>,
    language: Language,
}

impl Models {
    /// The models of the sources behind `gate`, for whom it is open.
    pub fn new(gate: Gate) -> Self {
        Self(Arc::default(), gate)
    }

    /// The same models for whom this gate is open.
    #[must_use]
    pub fn behind(&self, gate: &Gate) -> Self {
        Self(self.0.clone(), gate.clone())
    }

    /// Reads model files without keeping them: whether a source may be added with them.
    ///
    /// # Errors
    /// The first faults, with file, line and column.
    pub async fn check(&self, place: Place) -> Result<(), ApiError> {
        blocking(move || place.read().and_then(|found| parse(&found)).map(|_| ())).await
    }

    /// The models of a source as who asks may see them; read anew when a file has changed.
    ///
    /// # Errors
    /// When the source has none that they may see, or they are faulty.
    pub async fn of(&self, source: &str) -> Result<Arc<Loaded>, ApiError> {
        let (this, name) = (self.clone(), source.to_owned());
        if self.1.principal().is_owner() {
            return blocking(move || this.load(&name)).await;
        }
        if !self.1.catalog().exists(source) {
            return Err(no_source(source));
        }
        // Both are looked at before the tables. What is kept under them is found again only while neither has changed, so
        // it is never laxer than what holds, and never older than the data.
        let mark = self.1.mark().await?;
        let data = blocking(move || this.1.catalog().stamp(&name)).await;
        let tables = self.1.tables(Some(source)).await?;
        if tables.is_empty() {
            return Err(no_source(source));
        }
        let (this, name) = (self.clone(), source.to_owned());
        let circumstances = Circumstances { mark, data: data?, tables };
        blocking(move || this.load_seen(&name, circumstances)).await
    }

    /// The source whose models a request means: the one it names, else the only one that has models.
    ///
    /// # Errors
    /// When that is none or several.
    pub async fn choose(&self, source: Option<&str>) -> Result<String, ApiError> {
        if !self.1.principal().is_owner() {
            return self.choose_seen(source).await;
        }
        let catalog = self.1.catalog();
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

    /// The same for others than the owner: a source of which they may read nothing is not there.
    async fn choose_seen(&self, named: Option<&str>) -> Result<String, ApiError> {
        let theirs = self.sources().await?;
        match named {
            Some(name) if theirs.contains(name) => return Ok(name.to_owned()),
            Some(name) => return Err(no_source(name)),
            None if theirs.is_empty() => {
                let message = "you may not read any table yet";
                return Err(ApiError::new(ErrorKind::Refused, "nothing_granted", message)
                    .hint("ask an admin to allow the tables you need: `wharf table allow TABLE --to ...`"));
            }
            None => {}
        }
        let mut with_models = Vec::new();
        for source in &theirs {
            if self.of(source).await.is_ok() {
                with_models.push(source.as_str());
            }
        }
        match with_models[..] {
            [only] => Ok(only.to_owned()),
            // What is the matter with it is told when it is used.
            [] => Ok(theirs.into_iter().next().unwrap_or_default()),
            _ => {
                let message = "there are several sources; say which one is meant";
                Err(ApiError::new(ErrorKind::Invalid, "source_needed", message)
                    .hint(format!("name one of: {}", with_models.join(", "))))
            }
        }
    }

    /// The sources of which who asks may read something.
    async fn sources(&self) -> Result<BTreeSet<String>, ApiError> {
        if self.1.principal().is_owner() {
            return Ok(self.1.catalog().sources().into_iter().map(|s| s.name).collect());
        }
        Ok(self.1.tables(None).await?.into_iter().map(|t| t.catalog).collect())
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
        let table = |name: &str| loaded.language.relation(name);
        let options = Options { dialect: loaded.language.dialect, table: Some(&table), today };
        wharf_semantic::compile(&loaded.model, query, &options).map_err(|e| query_error(&e))
    }

    /// The same query in the embedded engine's SQL, for local copies of what is elsewhere; none for a source that is here.
    pub fn compile_local(&self, loaded: &Loaded, query: &MetricQuery, today: Option<&str>) -> Option<String> {
        if loaded.language.dialect == wharf_semantic::Dialect::DuckDb {
            return None;
        }
        let table = |name: &str| loaded.language.local_relation(name);
        let options = Options { dialect: wharf_semantic::Dialect::DuckDb, table: Some(&table), today };
        wharf_semantic::compile(&loaded.model, query, &options).ok().map(|compiled| compiled.sql)
    }

    /// The query for the values that a dimension takes.
    ///
    /// # Errors
    /// When there is no such dimension.
    pub fn dimension_values(&self, loaded: &Loaded, item: &str) -> Result<Compiled, ApiError> {
        let table = |name: &str| loaded.language.relation(name);
        let options = Options { dialect: loaded.language.dialect, table: Some(&table), today: None };
        wharf_semantic::dimension_values(&loaded.model, &[], item, &options).map_err(|e| query_error(&e))
    }

    /// The metrics of a source, or of all sources whose models are sound.
    ///
    /// # Errors
    /// When the named source has no sound models.
    pub async fn metrics(&self, source: Option<&str>) -> Result<Vec<MetricInfo>, ApiError> {
        Ok(self.loaded(source).await?.iter().flat_map(|loaded| listed(loaded)).collect())
    }

    /// The models of the named source, or the sound ones of all sources.
    async fn loaded(&self, source: Option<&str>) -> Result<Vec<Arc<Loaded>>, ApiError> {
        if let Some(source) = source {
            return Ok(vec![self.of(source).await?]);
        }
        let mut all = Vec::new();
        for source in self.sources().await? {
            if self.has_models(&source) {
                all.extend(self.of(&source).await.ok());
            }
        }
        Ok(all)
    }

    fn has_models(&self, source: &str) -> bool {
        self.1.catalog().models_path(source).is_ok_and(|path| path.is_some())
    }

    /// The models of all sources in short, the faulty ones with their faults.
    ///
    /// # Errors
    /// When the policies cannot be read.
    pub async fn summaries(&self) -> Result<Vec<ModelSummary>, ApiError> {
        let owner = self.1.principal().is_owner();
        let mut all = Vec::new();
        for source in self.sources().await? {
            if !self.has_models(&source) {
                continue;
            }
            all.push(match self.of(&source).await {
                Ok(loaded) => ModelSummary {
                    source,
                    // Where files lie is nobody else's business.
                    files: loaded.files.iter().filter(|_| owner).cloned().collect(),
                    models: loaded.model.semantic_models().iter().map(|m| m.name.clone()).collect(),
                    metrics: loaded.model.offered().count() as u64,
                    errors: Vec::new(),
                },
                Err(e) if e.code == "no_models" && !owner => continue,
                Err(e) => ModelSummary {
                    source,
                    files: Vec::new(),
                    models: Vec::new(),
                    metrics: 0,
                    errors: e.message.lines().map(str::to_owned).collect(),
                },
            });
        }
        Ok(all)
    }

    /// Where a source's models are. Blocking: what opens the source may have to be read.
    fn place(&self, source: &str) -> Result<Place, ApiError> {
        let path = self.1.catalog().models_path(source)?.ok_or_else(|| {
            ApiError::new(
                ErrorKind::NotFound,
                "no_models",
                format!("the source `{source}` has no semantic models"),
            )
            .hint(format!("give it some: wharf source add {source} PATH --models FOLDER --replace"))
        })?;
        let far = self.1.catalog().far(source)?;
        Ok(Place::of(&path, far.as_deref()))
    }

    /// What stands for the state of the files. Those that the source keeps itself are looked at now and then only; while they
    /// cannot be, they count as unchanged.
    fn stamp(&self, source: &str, place: &Place) -> Result<String, ApiError> {
        if !place.is_far() {
            return place.stamp();
        }
        let looked = || self.0.looked.lock().unwrap_or_else(PoisonError::into_inner);
        let known = looked().get(source).cloned();
        match known {
            Some((at, stamp)) if at.elapsed() < UNCHANGED => Ok(stamp),
            known => {
                let stamp = match (place.stamp(), known) {
                    (Ok(stamp), _) => stamp,
                    (Err(error), Some((_, before))) => {
                        tracing::warn!(source, %error, "the model files could not be looked at again");
                        before
                    }
                    (Err(error), None) => return Err(error),
                };
                looked().insert(source.to_owned(), (Instant::now(), stamp.clone()));
                Ok(stamp)
            }
        }
    }

    fn load(&self, source: &str) -> Result<Arc<Loaded>, ApiError> {
        let place = self.place(source)?;
        let stamp = self.stamp(source, &place)?;
        let language = Language::of(self.1.catalog(), source)?;
        let kept = || self.0.kept.lock().unwrap_or_else(PoisonError::into_inner);
        let known = kept().get(source).filter(|l| l.stamp == stamp && l.language == language).cloned();
        if let Some(loaded) = known {
            return Ok(loaded);
        }
        let found = place.read()?;
        let model = parse(&found)?;
        let files = found.into_iter().map(|(name, _)| name).collect();
        let source_name = source.to_owned();
        let loaded = Arc::new(Loaded { source: source_name, model, stamp, whole: true, files, language });
        kept().insert(source.to_owned(), loaded.clone());
        Ok(loaded)
    }

    /// What of a source's models somebody sees who may read these of its tables.
    fn load_seen(&self, source: &str, circumstances: Circumstances) -> Result<Arc<Loaded>, ApiError> {
        let Circumstances { mark, data, tables } = circumstances;
        if !self.has_models(source) {
            return Err(none_seen(source));
        }
        // What is wrong with a file could name what is hidden.
        let whole = self.load(source).map_err(|e| {
            let message = format!("the models of the source `{source}` cannot be used now");
            ApiError::new(e.kind, &e.code, message).hint("its owner sees why: `wharf model list`")
        })?;
        let (key, stamp) = ((source.to_owned(), mark), format!("{}{data}", whole.stamp));
        let known = self.seen().get(&key).filter(|known| known.stamp == stamp).cloned();
        let seen = match known {
            Some(known) => known,
            None => {
                let all = self.1.catalog().tables(source, self.1.pool())?;
                let schema = &whole.language.schema;
                let model = whole.model.seen(&Seen::new(source, schema, &all, &tables));
                let nothing_cut = same_size(&model, &whole.model);
                let (files, language) = (whole.files.clone(), whole.language.clone());
                Arc::new(Loaded { source: key.0.clone(), model, stamp, whole: nothing_cut, files, language })
            }
        };
        let mut kept = self.seen();
        if kept.len() >= KEPT {
            kept.clear();
        }
        kept.insert(key, seen.clone());
        drop(kept);
        if seen.model.semantic_models().is_empty() {
            return Err(none_seen(source));
        }
        Ok(seen)
    }

    fn seen(&self) -> MutexGuard<'_, HashMap<(String, String), Arc<Loaded>>> {
        self.0.seen.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// What decides which part of a source's models somebody sees.
struct Circumstances {
    /// What holds for them.
    mark: String,
    /// The state of the data.
    data: String,
    /// The tables that they may read.
    tables: Vec<Table>,
}

/// Whether nothing of a model was taken away.
fn same_size(part: &Model, whole: &Model) -> bool {
    let size = |model: &Model| {
        let parts =
            model.semantic_models().iter().map(|m| m.entities.len() + m.dimensions.len() + m.measures.len());
        let spines = model.time_spines().iter().map(|s| 1 + s.custom.len());
        let tables = model.semantic_models().len();
        [tables, parts.sum(), spines.sum(), model.metrics().count(), model.saved_queries().count()]
    };
    size(part) == size(whole)
}

/// A source that is not there, or of which nothing may be read.
fn no_source(name: &str) -> ApiError {
    ApiError::new(ErrorKind::NotFound, "source_not_found", format!("there is no source `{name}`"))
        .hint("leave the source away, or name one that `GET /list_data` shows")
}

/// A source without models, or whose models are all hidden.
fn none_seen(source: &str) -> ApiError {
    let message = format!("the source `{source}` has no semantic models that you may see");
    ApiError::new(ErrorKind::NotFound, "no_models", message)
        .hint("`GET /api/metrics` lists the metrics there are; SQL goes to POST /api/queries/execute")
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
