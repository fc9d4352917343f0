//! What compiles is SQL that the engine accepts, for every metric by everything it can be grouped by.

use wharf_semantic::{
    MetricQuery, Options, QueryErrorKind, ReachableKind, compile, dimension_values, reachable,
};

use crate::support;

/// The engine binds the statement without running it.
fn accepted(engine: &duckdb::Connection, sql: &str) -> Result<(), String> {
    engine.prepare(sql).map(|_| ()).map_err(|error| format!("{error}\n{sql}"))
}

#[test]
fn every_metric_by_every_item_is_accepted_by_the_engine() {
    let Some(folder) = support::folder() else { return };
    let engine = support::engine(&folder);
    let model = support::model(&folder, "model");
    let options = Options::default();
    let mut count = 0;
    for metric in model.offered() {
        for item in reachable(&model, &[&metric.name]).expect("a known metric") {
            let filter = match item.kind {
                ReachableKind::Entity => format!("{{{{ Entity('{}') }}}} is not null", item.full),
                _ => format!("{{{{ Dimension('{}') }}}} is not null", item.full),
            };
            for (extra, start) in [(None, None), (Some("metric_time__month"), Some("2024-02-10"))] {
                if extra.is_some() && item.full == "metric_time" && metric.name == "target" {
                    continue;
                }
                let mut group_by = vec![item.full.clone()];
                group_by.extend(extra.map(str::to_owned));
                let query = MetricQuery {
                    metrics: vec![metric.name.clone(), "revenue_mom".to_owned()]
                        .into_iter()
                        .take(if extra.is_some() && item.full == "metric_time" { 2 } else { 1 })
                        .collect(),
                    order_by: group_by.clone(),
                    group_by,
                    r#where: vec![filter.clone()],
                    start_time: start.map(str::to_owned),
                    limit: Some(5),
                    ..MetricQuery::default()
                };
                match compile(&model, &query, &options) {
                    Ok(compiled) => {
                        accepted(&engine, &compiled.sql).unwrap_or_else(|why| panic!("{query:?}\n{why}"));
                        count += 1;
                    }
                    Err(error) => {
                        let known = [
                            QueryErrorKind::MissingMetricTime,
                            QueryErrorKind::Duplicate,
                            QueryErrorKind::BadOrderBy,
                        ];
                        assert!(known.contains(&error.kind), "{query:?}\n{} {error}", error.kind.name());
                    }
                }
            }
            if metric.name != "target"
                && let Ok(values) = dimension_values(&model, &[&metric.name], &item.full, &options)
            {
                accepted(&engine, &values.sql)
                    .unwrap_or_else(|why| panic!("{} {}\n{why}", metric.name, item.full));
            }
        }
    }
    assert!(count > 1_000, "only {count} questions were compiled");
}

#[test]
fn all_metrics_together_along_any_calendar_are_accepted_by_the_engine() {
    let Some(folder) = support::folder() else { return };
    let engine = support::engine(&folder);
    let model = support::model(&folder, "model");
    let all: Vec<String> = model.offered().map(|metric| metric.name.clone()).collect();
    for items in [
        vec!["metric_time__month"],
        vec!["metric_time__year", "metric_time__quarter"],
        vec!["metric_time__month", "TimeDimension('metric_time', date_part_name='quarter')"],
    ] {
        let query = MetricQuery {
            metrics: all.clone(),
            group_by: items.iter().map(|item| (*item).to_owned()).collect(),
            r#where: vec!["{{ TimeDimension('metric_time', 'year') }} >= '2023-01-01'".to_owned()],
            ..MetricQuery::default()
        };
        let compiled =
            compile(&model, &query, &Options::default()).unwrap_or_else(|e| panic!("{items:?} {e}"));
        accepted(&engine, &compiled.sql).unwrap_or_else(|why| panic!("{why}"));
    }
    for metric in &all {
        let query = MetricQuery {
            metrics: vec![metric.clone()],
            group_by: vec!["metric_time__fiscal_quarter".to_owned()],
            ..MetricQuery::default()
        };
        match compile(&model, &query, &Options::default()) {
            Ok(compiled) => accepted(&engine, &compiled.sql).unwrap_or_else(|why| panic!("{metric}: {why}")),
            Err(error) => assert_eq!(error.kind, QueryErrorKind::UnreachableGroupBy, "{metric}: {error}"),
        }
    }
}

#[test]
fn any_two_items_together_are_accepted_by_the_engine() {
    let Some(folder) = support::folder() else { return };
    let engine = support::engine(&folder);
    let model = support::model(&folder, "model");
    for metric in ["orders", "revenue", "stock_units_per_product", "visit_to_order_7d", "signups"] {
        let items = reachable(&model, &[metric]).expect("a known metric");
        for (at, first) in items.iter().enumerate() {
            for second in &items[at + 1..] {
                let query = MetricQuery {
                    metrics: vec![metric.to_owned()],
                    group_by: vec![first.full.clone(), second.full.clone()],
                    ..MetricQuery::default()
                };
                let compiled =
                    compile(&model, &query, &Options::default()).unwrap_or_else(|e| panic!("{query:?} {e}"));
                accepted(&engine, &compiled.sql).unwrap_or_else(|why| panic!("{why}"));
            }
        }
    }
}

#[test]
fn a_filter_may_test_any_metric_per_entity() {
    let Some(folder) = support::folder() else { return };
    let engine = support::engine(&folder);
    let model = support::model(&folder, "model");
    for (metric, filter) in [
        ("orders", "{{ Metric('revenue_per_order', group_by=['order']) }} > 100"),
        (
            "orders",
            "{{ Metric('visits', group_by=['customer']) }} > 3 and {{ Metric('orders', group_by=['customer']) }} > 2",
        ),
        ("revenue", "{{ Metric('visits', group_by=['customer']) }} is null"),
        ("revenue_28d", "{{ Metric('orders', group_by=['customer']) }} > 2"),
        ("stock_units", "{{ Metric('revenue', group_by=['product']) }} > 1000"),
    ] {
        let query = MetricQuery {
            metrics: vec![metric.to_owned()],
            group_by: vec!["metric_time__day".to_owned()],
            r#where: vec![filter.to_owned()],
            ..MetricQuery::default()
        };
        let compiled =
            compile(&model, &query, &Options::default()).unwrap_or_else(|e| panic!("{filter} {e}"));
        accepted(&engine, &compiled.sql).unwrap_or_else(|why| panic!("{why}"));
    }
}
