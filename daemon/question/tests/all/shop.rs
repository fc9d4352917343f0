//! The shop of the shared cases: its vocabulary from the model files and the data, its questions from `shop.jsonl`.

use std::collections::{BTreeSet, HashMap, HashSet};
use std::path::PathBuf;

use serde_json::Value;
use wharf_question::{DimensionKind, DimensionTerm, Grain, MetricTerm, Outcome, Reader, Reading, Vocabulary};

use crate::script;

fn cases() -> Option<PathBuf> {
    let path = PathBuf::from(concat!(env!("CARGO_MANIFEST_DIR"), "/../../../shared/cases"));
    if path.is_dir() {
        return Some(path);
    }
    println!("skipped: the shared cases are not beside the repository");
    None
}

fn yaml(path: &std::path::Path) -> Value {
    serde_saphyr::from_str(&std::fs::read_to_string(path).unwrap()).unwrap()
}

fn text<'a>(value: &'a Value, key: &str) -> &'a str {
    value[key].as_str().unwrap_or_default()
}

fn list(value: &Value) -> &[Value] {
    value.as_array().map_or(&[], Vec::as_slice)
}

/// The vocabulary of the shop, by the join rules of the model: at most two joins, many to one.
struct Shop {
    models: Vec<Value>,
    columns: HashMap<(String, String), Vec<String>>,
    dimensions: Vec<DimensionTerm>,
}

impl Shop {
    fn primary(model: &Value) -> Option<&str> {
        let own = list(&model["entities"]).iter().find(|entity| text(entity, "type") == "primary");
        own.map(|entity| text(entity, "name")).or(model["primary_entity"].as_str())
    }

    /// Adds the items reachable from `model` and returns their places.
    fn reach(&mut self, model: &Value, path: &[String], joins: usize) -> Vec<usize> {
        let mut places = Vec::new();
        let table = text(model, "model").trim_start_matches("ref('").trim_end_matches("')").to_owned();
        for dimension in list(&model["dimensions"]) {
            let name = text(dimension, "name");
            let column = dimension["expr"].as_str().unwrap_or(name);
            let values = self.columns.get(&(table.clone(), column.to_owned())).cloned().unwrap_or_default();
            let boolean = ["is_", "has_", "was_"].iter().any(|start| name.starts_with(start));
            let kind = match text(dimension, "type") {
                "time" => DimensionKind::Time { grain: Grain::Day },
                _ if boolean => DimensionKind::Boolean,
                _ => DimensionKind::Categorical,
            };
            let values = if kind == DimensionKind::Categorical { values } else { Vec::new() };
            let full = [path, &[name.to_owned()]].concat().join("__");
            let label = dimension["label"].as_str().map(str::to_owned);
            places.push(self.place(DimensionTerm {
                name: full,
                label,
                kind,
                values,
                ..DimensionTerm::default()
            }));
        }
        let entities = list(&model["entities"]).iter().map(|entity| text(entity, "name").to_owned());
        for entity in entities.collect::<Vec<_>>() {
            let on_path = path.last() == Some(&entity);
            let prefix = if path.len() == 1 && joins == 2 { &[] } else { path };
            let full = if on_path { path.to_vec() } else { [prefix, std::slice::from_ref(&entity)].concat() };
            let key = DimensionTerm {
                name: full.join("__"),
                kind: DimensionKind::EntityKey,
                ..DimensionTerm::default()
            };
            places.push(self.place(key));
            if on_path || joins == 0 {
                continue;
            }
            let targets: Vec<Value> = self
                .models
                .iter()
                .filter(|target| {
                    list(&target["entities"]).iter().any(|e| {
                        text(e, "name") == entity && matches!(text(e, "type"), "primary" | "natural")
                    })
                })
                .cloned()
                .collect();
            for target in targets {
                places.extend(self.reach(&target, &full, joins - 1));
            }
        }
        places
    }

    fn place(&mut self, term: DimensionTerm) -> usize {
        self.dimensions.iter().position(|known| known.name == term.name).unwrap_or_else(|| {
            self.dimensions.push(term);
            self.dimensions.len() - 1
        })
    }
}

fn columns(data: &std::path::Path) -> HashMap<(String, String), Vec<String>> {
    let mut columns: HashMap<(String, String), BTreeSet<String>> = HashMap::new();
    for entry in std::fs::read_dir(data).unwrap() {
        let path = entry.unwrap().path();
        let table = path.file_stem().unwrap().to_str().unwrap().to_owned();
        let content = std::fs::read_to_string(&path).unwrap();
        let mut lines = content.lines();
        let names: Vec<&str> = lines.next().unwrap().split(',').collect();
        for line in lines {
            for (name, value) in names.iter().zip(line.split(',')) {
                if !value.is_empty() {
                    columns.entry((table.clone(), (*name).to_owned())).or_default().insert(value.to_owned());
                }
            }
        }
    }
    columns.into_iter().map(|(key, values)| (key, values.into_iter().collect())).collect()
}

pub fn vocabulary() -> Option<Vocabulary> {
    let cases = cases()?;
    let model = cases.join("semantic/model");
    let models = list(&yaml(&model.join("semantic_models.yml"))["semantic_models"]).to_vec();
    let mut shop = Shop {
        models: models.clone(),
        columns: columns(&cases.join("semantic/data")),
        dimensions: Vec::new(),
    };
    let mut measures: HashMap<String, (Vec<usize>, String, Grain)> = HashMap::new();
    for model in &models {
        let Some(primary) = Shop::primary(model).map(str::to_owned) else { continue };
        let places = shop.reach(model, std::slice::from_ref(&primary), 2);
        for measure in list(&model["measures"]) {
            let time =
                measure["agg_time_dimension"].as_str().or(model["defaults"]["agg_time_dimension"].as_str());
            let grain = list(&model["dimensions"]).iter().find(|d| Some(text(d, "name")) == time);
            let grain = match grain.map(|d| text(&d["type_params"], "time_granularity").to_owned()).as_deref()
            {
                Some("hour") => Grain::Hour,
                Some("month") => Grain::Month,
                _ => Grain::Day,
            };
            measures.insert(text(measure, "name").to_owned(), (places.clone(), primary.clone(), grain));
        }
    }
    let document = yaml(&model.join("metrics.yml"));
    let metrics = list(&document["metrics"]);
    let terms = metrics.iter().map(|metric| term(metric, metrics, &measures)).collect();
    let custom_grains = vec!["fiscal_quarter".to_owned(), "fiscal_year".to_owned()];
    Some(Vocabulary { metrics: terms, dimensions: shop.dimensions, custom_grains })
}

fn term(
    metric: &Value,
    metrics: &[Value],
    measures: &HashMap<String, (Vec<usize>, String, Grain)>,
) -> MetricTerm {
    let mut names = HashSet::new();
    inputs(metric, metrics, &mut names);
    let used: Vec<_> = names.iter().filter_map(|name| measures.get(name)).collect();
    let mut dimensions = used.first().map(|(places, ..)| places.clone()).unwrap_or_default();
    dimensions.retain(|place| used.iter().all(|(places, ..)| places.contains(place)));
    let params = &metric["type_params"];
    let window = &params["cumulative_type_params"];
    MetricTerm {
        name: text(metric, "name").to_owned(),
        label: metric["label"].as_str().map(str::to_owned),
        dimensions,
        has_time: true,
        needs_time: !window.is_null() || params.to_string().contains("offset_"),
        finest_grain: used.iter().map(|(.., grain)| *grain).max(),
        entity: used.first().map(|(_, entity, _)| entity.clone()),
        ..MetricTerm::default()
    }
}

/// The measures a metric rests on.
fn inputs(metric: &Value, metrics: &[Value], found: &mut HashSet<String>) {
    let params = &metric["type_params"];
    let named = |value: &Value| value.as_str().or(value["name"].as_str()).map(str::to_owned);
    found.extend(named(&params["measure"]));
    found.extend(named(&params["conversion_type_params"]["base_measure"]));
    let below = [&params["numerator"], &params["denominator"]].into_iter().chain(list(&params["metrics"]));
    for name in below.filter_map(named) {
        if let Some(inner) = metrics.iter().find(|other| text(other, "name") == name) {
            inputs(inner, metrics, found);
        }
    }
}

/// The parts of a query that decide its rows, in a fixed order.
fn parts(query: &Value) -> [BTreeSet<String>; 4] {
    let set = |key: &str| list(&query[key]).iter().map(ToString::to_string).collect::<BTreeSet<_>>();
    let scalars = ["limit", "start_time", "end_time"].iter().map(|key| format!("{key}={}", query[*key]));
    [set("metrics"), set("group_by"), set("where"), scalars.collect()]
}

fn matches(reading: &Reading, turn: &Value) -> bool {
    let mut query = serde_json::to_value(&reading.query).unwrap();
    if let Some(limit) = reading.limit {
        query["limit"] = limit.into();
    }
    let having: Vec<Value> = reading
        .having
        .iter()
        .map(|having| {
            serde_json::json!([having.metric, having.op.sign(), having.number.parse::<i64>().unwrap()])
        })
        .collect();
    let order = |wanted: &Value| wanted["order_by"].is_null() || wanted["order_by"] == query["order_by"];
    list(&turn["having"]) == having
        && list(&turn["any_of"]).iter().any(|wanted| parts(wanted) == parts(&query) && order(wanted))
}

#[test]
fn every_shared_question_is_read_right() {
    let (Some(cases), Some(vocabulary)) = (cases(), vocabulary()) else { return };
    let reader = Reader::new(vocabulary);
    let (mut turns, mut right) = (0, 0);
    for line in std::fs::read_to_string(cases.join("questions/shop.jsonl")).unwrap().lines() {
        let case: Value = serde_json::from_str(line).unwrap();
        let now = text(&case, "now").parse().unwrap();
        let mut previous: Option<Reading> = None;
        for turn in list(&case["turns"]) {
            turns += 1;
            let outcome = reader.read(text(turn, "question"), now, previous.as_ref());
            let good = match &outcome {
                Outcome::Query(reading) => matches(reading, turn),
                Outcome::Cannot(cannot) => {
                    let said = script::mention(cannot);
                    turn["cannot"] == true
                        && list(&turn["must_offer"])
                            .iter()
                            .all(|offer| said.contains(offer.as_str().unwrap()))
                }
            };
            right += usize::from(good);
            if !good {
                println!("{} {:?}: {outcome:#?}", text(&case, "id"), text(turn, "question"));
            }
            previous = match outcome {
                Outcome::Query(reading) => Some(*reading),
                Outcome::Cannot(_) => previous,
            };
        }
    }
    println!("shop: {right} of {turns} turns");
    assert_eq!(right, turns);
}

#[test]
fn own_questions_about_the_shop() {
    let Some(vocabulary) = vocabulary() else { return };
    let reader = Reader::new(vocabulary);
    let score = script::play(&reader, script::noon("2024-12-15"), include_str!("shop.txt"));
    println!("own shop questions: {score:?}");
    assert_eq!(score.wrong, 0);
    assert!(score.turns >= 60 && score.right * 100 >= score.turns * 97, "{score:?}");
}
