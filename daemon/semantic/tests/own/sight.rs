//! What is left of a model for somebody who may not know all of it.

use wharf_semantic::{MetricQuery, Model, Options, Sight, compile, group_by_items};

/// Knows every table but these, and every expression that does not hold one of these words.
struct Without(&'static [&'static str]);

impl Sight for Without {
    fn table(&self, table: &str) -> bool {
        !self.0.contains(&table)
    }

    fn expression(&self, table: &str, expr: &str) -> bool {
        self.table(table) && !self.0.iter().any(|word| expr.contains(word))
    }
}

/// Parcels know their region themselves and by their customer; a filter takes the shorter way.
const MODEL: &str = "
models:
  - name: calendar
    time_spine: {standard_granularity_column: day}
    columns: [{name: day, granularity: day}]
semantic_models:
  - name: parcels
    model: ref('parcels')
    defaults: {agg_time_dimension: sent}
    entities:
      - {name: parcel, type: primary, expr: id}
      - {name: customer, type: foreign, expr: customer_id}
      - {name: region, type: foreign, expr: region_code}
    dimensions:
      - {name: sent, type: time, type_params: {time_granularity: day}}
    measures:
      - {name: parcel_count, agg: count, expr: id}
      - {name: weight_total, agg: sum, expr: weight}
  - name: customers
    model: ref('customers')
    entities:
      - {name: customer, type: primary, expr: customer_id}
      - {name: region, type: foreign, expr: home_region}
    dimensions:
      - {name: town, type: categorical}
  - name: regions
    model: ref('regions')
    entities:
      - {name: region, type: primary, expr: code}
    dimensions:
      - {name: half, type: categorical}
metrics:
  - {name: parcels, type: simple, type_params: {measure: parcel_count}}
  - {name: weight, type: simple, type_params: {measure: weight_total}}
  - {name: southern, type: simple, type_params: {measure: parcel_count}, filter: \"{{ Dimension('region__half') }} = 'south'\"}
  - {name: southern_share, type: ratio, type_params: {numerator: southern, denominator: parcels}}
  - name: parcels_7_days
    type: cumulative
    type_params: {measure: parcel_count, cumulative_type_params: {window: 7 days}}
";

fn seen(hidden: &'static [&'static str]) -> (Model, Vec<String>) {
    let part = Model::parse(&[("m.yml", MODEL)]).expect("the model is sound").seen(&Without(hidden));
    let names = part.metrics().map(|metric| metric.name.clone()).collect();
    (part, names)
}

#[test]
fn what_is_hidden_takes_along_what_needs_it() {
    let all = ["parcels", "weight", "southern", "southern_share", "parcels_7_days"];
    assert_eq!(seen(&[]).1, all);
    assert_eq!(seen(&["weight"]).1, ["parcels", "southern", "southern_share", "parcels_7_days"]);
    assert_eq!(seen(&["regions"]).1, ["parcels", "weight", "parcels_7_days"]);
    assert_eq!(seen(&["calendar"]).1, ["parcels", "weight", "southern", "southern_share"]);
    // A measure without its time is none.
    assert!(seen(&["sent"]).1.is_empty());
    assert!(seen(&["parcels"]).1.is_empty());
}

#[test]
fn a_filter_never_leads_another_way() {
    // The parcel's own region is hidden; the customer's is another, so what was filtered by the first is gone.
    let (part, names) = seen(&["region_code"]);
    assert_eq!(names, ["parcels", "weight", "parcels_7_days"]);
    let items = group_by_items(&part, &["parcels"]).unwrap().dimensions;
    assert!(
        items.contains(&"customer__region__half".to_owned()) && !items.contains(&"region__half".to_owned())
    );
}

#[test]
fn dimensions_keep_their_names_without_the_key_that_gives_them() {
    let (part, names) = seen(&["id"]);
    assert!(names.contains(&"weight".to_owned()) && !names.contains(&"parcels".to_owned()));
    let items = group_by_items(&part, &["weight"]).unwrap();
    assert!(items.dimensions.contains(&"parcel__sent".to_owned()), "{items:?}");
    assert!(
        !items.entities.contains(&"parcel".to_owned()) && !items.entities.contains(&"customer".to_owned())
    );
}

#[test]
fn a_mistake_names_nothing_hidden() {
    let (part, _) = seen(&["weight", "regions"]);
    for (metric, by) in [("weigh", None), ("southern", None), ("parcels", Some("region__half"))] {
        let query = MetricQuery {
            metrics: vec![metric.to_owned()],
            group_by: by.iter().map(|by| (*by).to_owned()).collect(),
            ..MetricQuery::default()
        };
        let error = format!("{:?}", compile(&part, &query, &Options::default()).unwrap_err());
        let said = error.replace(metric, "").replace(by.unwrap_or_default(), "");
        assert!(!said.contains("weight") && !said.contains("half") && !said.contains("southern"), "{said}");
    }
}
