//! Semantic models one by one, for people and programs that look at them.

use super::{Loaded, Models};
use std::sync::Arc;
use wharf_policy::nearest;
use wharf_protocol::{
    ApiError, ErrorKind, ModelDetail, ModelDimension, ModelEntity, ModelInfo, ModelMeasure, ModelMetric,
    Permission,
};
use wharf_semantic::{EntityKind, Metric, MetricKind, SemanticModel};

impl Models {
    /// The semantic models of a source, or of all sources whose models are sound.
    ///
    /// # Errors
    /// When the named source has no sound models.
    pub async fn list(&self, source: Option<&str>) -> Result<Vec<ModelInfo>, ApiError> {
        let mut all = Vec::new();
        for loaded in self.loaded(source).await? {
            all.extend(loaded.model.semantic_models().iter().map(|model| ModelInfo {
                id: model.name.clone(),
                name: model.name.clone(),
                label: model.about.label.clone(),
                description: model.about.description.clone(),
                model: model.table.name.clone(),
                source: loaded.source.clone(),
                metrics: metrics_of(&loaded, model).map(|metric| metric.name.clone()).collect(),
            }));
        }
        Ok(all)
    }

    /// A semantic model by name. Its SQL is for who may see SQL.
    ///
    /// # Errors
    /// When there is none of this name that may be seen, or several sources have one.
    pub async fn show(&self, name: &str, source: Option<&str>) -> Result<ModelDetail, ApiError> {
        let (loaded, at) = self.find(name, source).await?;
        let model = &loaded.model.semantic_models()[at];
        let sql = self.1.principal().may(Permission::ViewSql);
        let expr = |expr: &str| sql.then(|| expr.to_owned());
        Ok(ModelDetail {
            id: model.name.clone(),
            name: model.name.clone(),
            label: model.about.label.clone(),
            description: model.about.description.clone(),
            model: model.table.name.clone(),
            source: loaded.source.clone(),
            version: None,
            entities: entities(model, &expr),
            dimensions: dimensions(model, &expr),
            measures: measures(model, &expr),
            metrics: metrics_of(&loaded, model).map(|metric| described(metric, &expr)).collect(),
            defaults: defaults(model),
            meta: serde_json::Value::Object(model.about.meta.clone()),
        })
    }

    /// The file in which a semantic model is declared.
    ///
    /// # Errors
    /// When there is no such model, or its source's files say more than may be seen.
    pub async fn file_of(&self, name: &str, source: Option<&str>) -> Result<String, ApiError> {
        let (loaded, at) = self.find(name, source).await?;
        if !loaded.whole {
            let message = format!("the file of the model `{name}` says more than you may see");
            return Err(ApiError::new(ErrorKind::Refused, "model_partly_seen", message)
                .hint(format!("GET /api/models/{name} gives what you may see of it")));
        }
        let file = loaded.model.semantic_models()[at].place.file.clone();
        let (this, source) = (self.clone(), loaded.source.clone());
        let found = super::blocking(move || this.place(&source)?.read()).await?;
        let text = found.into_iter().find(|(name, _)| **name == *file).map(|(_, text)| text);
        text.ok_or_else(|| unknown(name, &[]))
    }

    async fn find(&self, name: &str, source: Option<&str>) -> Result<(Arc<Loaded>, usize), ApiError> {
        let (mut found, mut names) = (Vec::new(), Vec::new());
        for loaded in self.loaded(source).await? {
            let models = loaded.model.semantic_models();
            names.extend(models.iter().map(|model| model.name.clone()));
            if let Some(at) = models.iter().position(|model| model.name == name) {
                found.push((loaded.clone(), at));
            }
        }
        if found.len() > 1 {
            let sources: Vec<&str> = found.iter().map(|(loaded, _)| loaded.source.as_str()).collect();
            let message = format!("`{name}` is a model of several sources");
            return Err(ApiError::new(ErrorKind::Invalid, "model_ambiguous", message)
                .hint(format!("add ?source= with one of: {}", sources.join(", "))));
        }
        found.pop().ok_or_else(|| unknown(name, &names))
    }
}

fn unknown(name: &str, known: &[String]) -> ApiError {
    let near = nearest(name, known.iter().map(String::as_str));
    let hint = match &near[..] {
        [] => "GET /api/models/ lists the models there are".to_owned(),
        near => format!("did you mean {}?", near.join(" or ")),
    };
    ApiError::new(ErrorKind::NotFound, "model_not_found", format!("there is no model `{name}`")).hint(hint)
}

/// The offered metrics that a model's table has a part in.
fn metrics_of<'a>(loaded: &'a Loaded, model: &'a SemanticModel) -> impl Iterator<Item = &'a Metric> {
    loaded.model.offered().filter(move |metric| {
        loaded.model.sources(&metric.name).iter().any(|source| source.name == model.name)
    })
}

/// SQL as it may be told.
type Told<'a> = &'a dyn Fn(&str) -> Option<String>;

fn entities(model: &SemanticModel, expr: Told<'_>) -> Vec<ModelEntity> {
    let kind = |kind: EntityKind| match kind {
        EntityKind::Primary => "primary",
        EntityKind::Unique => "unique",
        EntityKind::Foreign => "foreign",
        EntityKind::Natural => "natural",
    };
    let all = model.entities.iter().map(|entity| ModelEntity {
        name: entity.name.clone(),
        r#type: kind(entity.kind).to_owned(),
        description: entity.about.description.clone(),
        expr: expr(&entity.expr),
        role: None,
    });
    all.collect()
}

/// The time that all measures share, if they do.
fn defaults(model: &SemanticModel) -> serde_json::Value {
    let mut times =
        model.measures.iter().map(|m| m.agg_time_dimension.as_ref().map(|time| time.name.as_str()));
    let first = times.next().flatten();
    let shared = first.filter(|_| times.all(|time| time == first));
    serde_json::json!({"agg_time_dimension": shared})
}

fn dimensions(model: &SemanticModel, expr: Told<'_>) -> Vec<ModelDimension> {
    let all = model.dimensions.iter().map(|dimension| ModelDimension {
        name: dimension.name.clone(),
        r#type: if dimension.grain().is_some() { "time" } else { "categorical" }.to_owned(),
        description: dimension.about.description.clone(),
        expr: expr(&dimension.expr),
        label: dimension.about.label.clone(),
    });
    all.collect()
}

fn measures(model: &SemanticModel, expr: Told<'_>) -> Vec<ModelMeasure> {
    let all = model.measures.iter().map(|measure| ModelMeasure {
        name: measure.name.clone(),
        agg: measure.aggregation.name().to_owned(),
        description: measure.about.description.clone(),
        expr: expr(&measure.expr),
        label: measure.about.label.clone(),
    });
    all.collect()
}

fn described(metric: &Metric, expr: Told<'_>) -> ModelMetric {
    use serde_json::json;
    let type_params = match &metric.kind {
        MetricKind::Simple(input) => json!({"measure": input.measure.name}),
        MetricKind::Cumulative { measure, .. } => json!({"measure": measure.measure.name}),
        MetricKind::Ratio { numerator, denominator } => {
            json!({"numerator": numerator.metric.name, "denominator": denominator.metric.name})
        }
        MetricKind::Derived { inputs, .. } => {
            json!({"metrics": inputs.iter().map(|input| &input.metric.name).collect::<Vec<_>>()})
        }
        MetricKind::Conversion(conversion) => json!({
            "entity": conversion.entity.name,
            "base_measure": conversion.base.measure.name,
            "conversion_measure": conversion.conversion.measure.name,
        }),
    };
    let filters: Vec<&str> = metric.filters.iter().map(|filter| filter.text.as_str()).collect();
    ModelMetric {
        name: metric.name.clone(),
        r#type: metric.kind.name().to_owned(),
        description: metric.about.description.clone(),
        type_params,
        label: metric.about.label.clone(),
        filter: (!filters.is_empty()).then(|| filters.join(" AND ")).and_then(|text| expr(&text)),
    }
}
