//! The words a question may use: the models' names and the values in the data that who asks may see, read through the
//! gate and kept until any of it changes.

use crate::agents::Question;
use crate::gate::{Deliver, Rights, Statement};
use crate::lifecycle::blocking;
use crate::models::Loaded;
use crate::sources::{Cancel, Collect};
use std::collections::{BTreeMap, HashMap};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use wharf_protocol::{ApiError, Cell, ColumnKind, ErrorKind};
use wharf_question::{DimensionKind, DimensionTerm, Grain, MetricTerm, Reader, Vocabulary};
use wharf_semantic::{EntityKind, MetricQuery, Model, QueryErrorKind, Reachable, ReachableKind};

/// Values of one dimension that are read; with more, the rest is not known by name.
const MOST_VALUES: u64 = 5_000;

/// Readers that are kept.
const KEPT: usize = 100;

/// By source and what holds for who asks: the stamp of models and data, and the reader built from them.
type Kept = HashMap<(String, String), (String, Arc<Reader>)>;

#[derive(Default)]
pub(super) struct Vocabularies {
    kept: Mutex<Kept>,
}

impl Vocabularies {
    pub(super) async fn reader(
        &self,
        asked: &Question,
        loaded: &Loaded,
        cancel: &Cancel,
    ) -> Result<Arc<Reader>, ApiError> {
        // Looked at before anything is read: what is kept under it can be stricter than it, never laxer.
        let key = (loaded.source.clone(), asked.gate.mark().await?);
        let (gate, source) = (asked.gate.clone(), loaded.source.clone());
        let data = blocking(move || gate.catalog().stamp(&source)).await?;
        let stamp = format!("{}{data}", loaded.stamp);
        let known = self.kept().get(&key).cloned();
        if let Some((_, reader)) = known.filter(|(s, _)| *s == stamp) {
            return Ok(reader);
        }
        let reader = Arc::new(Reader::new(build(asked, loaded, cancel).await?));
        let mut kept = self.kept();
        if kept.len() >= KEPT {
            kept.clear();
        }
        kept.insert(key, (stamp, reader.clone()));
        Ok(reader)
    }

    fn kept(&self) -> MutexGuard<'_, Kept> {
        self.kept.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

async fn build(asked: &Question, loaded: &Loaded, cancel: &Cancel) -> Result<Vocabulary, ApiError> {
    let mut vocabulary = words_of(&loaded.model);
    // Several paths lead to the same column: its values are read once, along the shortest.
    let mut shortest: BTreeMap<String, String> = BTreeMap::new();
    for term in vocabulary.dimensions.iter().filter(|t| t.kind == DimensionKind::Categorical) {
        let path = shortest.entry(column(&term.name)).or_insert_with(|| term.name.clone());
        if term.name.len() < path.len() {
            path.clone_from(&term.name);
        }
    }
    let mut read: HashMap<String, (DimensionKind, Vec<String>, bool)> = HashMap::new();
    for (column, path) in shortest {
        match values(asked, loaded, &path, cancel).await {
            Ok(found) => drop(read.insert(column, found)),
            // Over what a rule masks an expression may mean nothing; then its values are not known by name.
            Err(error) if !asked.gate.principal().is_owner() && error.kind == ErrorKind::Failed => {
                tracing::debug!(%error, item = path, "the values of a dimension cannot be read");
            }
            Err(error) => return Err(error),
        }
    }
    for term in vocabulary.dimensions.iter_mut().filter(|t| t.kind == DimensionKind::Categorical) {
        if let Some((kind, values, truncated)) = read.get(&column(&term.name)) {
            (term.kind, term.values, term.values_truncated) = (*kind, values.clone(), *truncated);
        }
    }
    Ok(vocabulary)
}

async fn values(
    asked: &Question,
    loaded: &Loaded,
    item: &str,
    cancel: &Cancel,
) -> Result<(DimensionKind, Vec<String>, bool), ApiError> {
    let compiled = asked.models.dimension_values(loaded, item)?;
    let mut statement = Statement::new("vocabulary", Rights::Source, compiled.sql).source(&loaded.source);
    statement.limit = Some(MOST_VALUES);
    let delivered = asked.gate.run(statement, cancel.clone(), Deliver::Rows(Collect::default())).await?;
    let rows = delivered.consumer.map(|c| c.rows(delivered.stats.truncated)).unwrap_or_default();
    let kind = match rows.columns.first().map(|c| c.kind) {
        Some(ColumnKind::Bool) => DimensionKind::Boolean,
        Some(ColumnKind::Number) => DimensionKind::Number,
        _ => DimensionKind::Categorical,
    };
    let values =
        rows.rows.iter().filter_map(|row| row.first().and_then(Cell::text)).map(str::to_owned).collect();
    Ok((kind, values, rows.truncated))
}

/// The column behind a full path: its last entity and its element.
fn column(path: &str) -> String {
    path.rsplitn(3, "__").take(2).collect::<Vec<_>>().join("/")
}

/// The names, labels and synonyms of a model.
fn words_of(model: &Model) -> Vocabulary {
    let mut dimensions: Vec<DimensionTerm> = Vec::new();
    let mut at: HashMap<String, usize> = HashMap::new();
    let mut metrics = Vec::new();
    for metric in model.offered() {
        let items = wharf_semantic::reachable(model, &[metric.name.as_str()]).unwrap_or_default();
        let mut indexes = Vec::new();
        let mut finest = None;
        for item in &items {
            if item.full == "metric_time" {
                finest = time_grain(item);
                continue;
            }
            let index = *at.entry(item.full.clone()).or_insert_with(|| {
                dimensions.push(dimension(item));
                dimensions.len() - 1
            });
            indexes.push(index);
        }
        metrics.push(MetricTerm {
            name: metric.name.clone(),
            label: metric.about.label.clone(),
            description: metric.about.description.clone(),
            synonyms: metric.about.synonyms.clone(),
            dimensions: indexes,
            has_time: finest.is_some(),
            needs_time: needs_time(model, &metric.name),
            finest_grain: finest,
            entity: home(model, &metric.name),
            time_bounds: None,
        });
    }
    let custom_grains =
        model.time_spines().iter().flat_map(|spine| spine.custom.iter().map(|g| g.name.clone())).collect();
    Vocabulary { metrics, dimensions, custom_grains }
}

fn dimension(item: &Reachable<'_>) -> DimensionTerm {
    DimensionTerm {
        name: item.full.clone(),
        label: item.about.and_then(|a| a.label.clone()),
        description: item.about.and_then(|a| a.description.clone()),
        synonyms: item.about.map(|a| a.synonyms.clone()).unwrap_or_default(),
        kind: match item.kind {
            ReachableKind::Categorical => DimensionKind::Categorical,
            ReachableKind::Entity => DimensionKind::EntityKey,
            ReachableKind::Time(_) => DimensionKind::Time { grain: time_grain(item).unwrap_or(Grain::Day) },
        },
        values: Vec::new(),
        values_truncated: false,
    }
}

fn time_grain(item: &Reachable<'_>) -> Option<Grain> {
    use wharf_semantic::Grain as Of;
    let ReachableKind::Time(grain) = item.kind else { return None };
    Some(match grain {
        Of::Nanosecond | Of::Microsecond | Of::Millisecond | Of::Second => Grain::Second,
        Of::Minute => Grain::Minute,
        Of::Hour => Grain::Hour,
        Of::Day => Grain::Day,
        Of::Week => Grain::Week,
        Of::Month => Grain::Month,
        Of::Quarter => Grain::Quarter,
        Of::Year => Grain::Year,
    })
}

/// Whether the metric means something only along time: asked alone it is refused for that reason.
fn needs_time(model: &Model, metric: &str) -> bool {
    let query = MetricQuery { metrics: vec![metric.to_owned()], ..MetricQuery::default() };
    wharf_semantic::compile(model, &query, &wharf_semantic::Options::default())
        .is_err_and(|e| e.kind == QueryErrorKind::MissingMetricTime)
}

/// The entity whose rows the metric counts or sums.
fn home(model: &Model, metric: &str) -> Option<String> {
    let table = *model.sources(metric).first()?;
    let primary = table.entities.iter().find(|e| e.kind == EntityKind::Primary).map(|e| e.name.clone());
    primary.or_else(|| table.primary_entity.clone())
}
