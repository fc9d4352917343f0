//! A lending library: loans of books, fines per loan (several, or none), and a table with awkward names.

use duckdb::Connection;
use wharf_semantic::{MetricQuery, Model, Options, compile, dimension_values, group_by_items, reachable};

pub const MODEL: &str = r#"
semantic_models:
  - name: loans
    model: ref('loans')
    defaults: {agg_time_dimension: lent_on}
    entities:
      - {name: loan, type: primary, expr: loan_id}
      - {name: member, type: foreign, expr: member_id}
      - {name: order, type: foreign, expr: '"weird ""name"'}
    dimensions:
      - {name: lent_on, type: time, type_params: {time_granularity: day}}
      - {name: branch, type: categorical, synonyms: [desk], label: Branch}
      - {name: late, type: categorical, expr: "coalesce(days, 0) > 28"}
    measures:
      - {name: loan_count, agg: count, expr: loan_id}
      - {name: fee_total, agg: sum, expr: fee}
      - {name: days_middle, agg: median, expr: days}
  - name: fines
    model: ref('fines')
    defaults: {agg_time_dimension: fined_on}
    entities:
      - {name: fine, type: primary, expr: fine_id}
      - {name: loan, type: foreign, expr: loan_id}
    dimensions:
      - {name: fined_on, type: time, type_params: {time_granularity: day}}
      - {name: reason, type: categorical}
    measures:
      - {name: fine_total, agg: sum, expr: amount, create_metric: true}
      - {name: fine_count, agg: count, expr: fine_id}
  - name: members
    model: ref('members')
    entities:
      - {name: member, type: primary, expr: member_id}
    dimensions:
      - {name: town, type: categorical}
  - name: orders
    model: ref('order')
    entities:
      - {name: order, type: primary, expr: '"weird ""name"'}
    dimensions:
      - {name: supplier, type: categorical, expr: '"select"'}
metrics:
  - name: loans
    label: Loans
    description: How often something was lent.
    type: simple
    synonyms: [lendings]
    config: {meta: {unit: loans, synonyms: [checkouts]}}
    type_params: {measure: loan_count}
  - {name: fees, type: simple, type_params: {measure: fee_total}}
  - {name: middle_days, type: simple, type_params: {measure: days_middle}}
  - {name: fines, type: simple, type_params: {measure: {name: fine_count, fill_nulls_with: 0}}}
  - {name: fine_per_fee, type: ratio, type_params: {numerator: fine_total, denominator: fees}}
  - name: all_money
    type: derived
    type_params:
      expr: fees + coalesce(fine_total, 0)
      metrics: [fees, fine_total]
  - name: north_loans
    type: simple
    filter: "{{ Dimension('loan__branch') }} = 'north'"
    type_params: {measure: loan_count}
"#;

pub const TABLES: &str = r#"
create table members (member_id integer, town varchar);
insert into members values (1, 'Ayr'), (2, 'Ems'), (9, 'Ulm');
create table "order" ("weird ""name" integer, "select" varchar);
insert into "order" values (7, 'Paper & Co'), (8, 'O''Hara');
create table loans (loan_id integer, member_id integer, "weird ""name" integer, lent_on date, branch varchar, days integer, fee decimal(12,2));
insert into loans values
  (1, 1, 7, '2024-01-05', 'north', 10, 0.10), (2, 1, 8, '2024-01-20', 'south', 40, 0.20),
  (3, 2, 7, '2024-02-03', 'north', 29, 9999999999.99), (4, 5, null, '2024-02-28', null, 5, 0.00);
create table fines (fine_id integer, loan_id integer, fined_on date, amount decimal(12,2), reason varchar);
insert into fines values
  (1, 2, '2024-02-01', 1.50, 'late'), (2, 2, '2024-03-01', 2.50, 'late'), (3, 2, '2024-03-02', 4.00, 'torn'),
  (4, 3, '2024-03-09', 0.01, 'late'), (5, 99, '2024-03-10', 8.00, 'lost');
"#;

pub fn model() -> Model {
    Model::parse(&[("library.yml", MODEL)]).expect("a sound model")
}

pub fn engine() -> Connection {
    let engine = Connection::open_in_memory().expect("DuckDB");
    engine.execute_batch(TABLES).expect("tables");
    engine
}

pub fn query(metrics: &[&str], group_by: &[&str]) -> MetricQuery {
    let texts = |list: &[&str]| list.iter().map(|text| (*text).to_owned()).collect();
    MetricQuery {
        metrics: texts(metrics),
        group_by: texts(group_by),
        order_by: texts(group_by),
        ..MetricQuery::default()
    }
}

fn rows(engine: &Connection, sql: &str) -> Vec<String> {
    // The engine writes every value as text, so decimals are compared to the last digit.
    let sql = format!("SELECT CAST(row_found AS VARCHAR) FROM (\n{sql}) AS row_found");
    let mut statement = engine.prepare(&sql).unwrap_or_else(|e| panic!("{e}\n{sql}"));
    let found = statement.query_map([], |row| row.get::<_, String>(0)).expect("runs");
    found.map(|row| row.expect("a row")).collect()
}

/// Both statements give the same rows in the same order.
fn same(query: &MetricQuery, by_hand: &str) {
    let engine = engine();
    let sql = compile(&model(), query, &Options::default()).expect("compiles").sql;
    assert_eq!(rows(&engine, &sql), rows(&engine, by_hand), "{sql}");
}

#[test]
fn several_fines_of_a_loan_do_not_count_its_fee_twice() {
    same(
        &query(&["fees", "fine_total", "all_money"], &["loan__branch"]),
        "select k.branch as loan__branch, f.v as fees, g.v as fine_total, f.v + coalesce(g.v, 0) as all_money
         from (select branch from loans union select branch from fines left join loans using (loan_id)) k
         left join (select branch, sum(fee) v from loans group by 1) f on f.branch is not distinct from k.branch
         left join (select branch, sum(amount) v from fines left join loans using (loan_id) group by 1) g
           on g.branch is not distinct from k.branch order by 1 nulls last",
    );
}

#[test]
fn a_measure_is_not_grouped_by_what_multiplies_its_rows() {
    let error =
        compile(&model(), &query(&["fees"], &["fine__reason"]), &Options::default()).expect_err("fan-out");
    assert_eq!(error.kind.name(), "unreachable_group_by");
    assert!(error.message.contains("fine__reason"), "{error}");
}

#[test]
fn facts_without_a_partner_stay_under_null() {
    same(
        &query(&["loans"], &["member__town"]),
        "select town as member__town, count(*) as loans from loans left join members using (member_id)
         group by 1 order by 1 nulls last",
    );
}

#[test]
fn names_that_are_words_of_sql_are_quoted() {
    same(
        &query(&["loans", "middle_days"], &["order", "order__supplier", "loan__late"]),
        r#"select l."weird ""name" as "order", o."select" as order__supplier, coalesce(l.days, 0) > 28 as loan__late,
           count(*) as loans, quantile_cont(l.days::double, 0.5) as middle_days
           from loans l left join "order" o on o."weird ""name" = l."weird ""name"
           group by all order by 1 nulls last, 2 nulls last, 3 nulls last"#,
    );
}

#[test]
fn a_ratio_of_nothing_is_missing_and_a_count_that_is_missing_is_filled() {
    same(
        &query(&["fine_per_fee", "fines"], &["metric_time__month"]),
        "select m as metric_time__month, g.v::double / nullif(f.v, 0) as fine_per_fee, coalesce(g.n, 0) as fines
         from (select date '2024-01-01' m union select '2024-02-01' union select '2024-03-01') k
         left join (select date_trunc('month', lent_on)::date m, sum(fee) v from loans group by 1) f using (m)
         left join (select date_trunc('month', fined_on)::date m, sum(amount) v, count(*) n from fines group by 1) g
           using (m) order by 1",
    );
}

#[test]
fn a_hostile_value_stays_a_value() {
    let engine = engine();
    let mut asked = query(&["loans"], &[]);
    asked.r#where = vec!["{{ Dimension('order__supplier') }} = 'O''Hara'".into()];
    let sql = compile(&model(), &asked, &Options::default()).expect("compiles").sql;
    assert_eq!(rows(&engine, &sql), ["{'loans': 1}"], "{sql}");
    asked.r#where = vec!["{{ Dimension('order__supplier') }} = ''' or 1=1 --'".into()];
    let sql = compile(&model(), &asked, &Options::default()).expect("compiles").sql;
    assert_eq!(rows(&engine, &sql), ["{'loans': NULL}"], "{sql}");
}

#[test]
fn the_table_resolver_names_every_relation_read() {
    let resolve = |table: &str| format!("\"main\".\"{table}\"");
    let options = Options { table: Some(&resolve), ..Options::default() };
    let compiled = compile(&model(), &query(&["loans"], &["member__town"]), &options).expect("compiles");
    assert!(compiled.sql.contains("FROM \"main\".\"loans\""), "{}", compiled.sql);
    assert_eq!(compiled.tables, ["loans", "members"]);
}

#[test]
fn words_for_readers_of_language_come_along() {
    let model = model();
    let loans = model.metric("LOANS").expect("a metric");
    assert_eq!(loans.about.synonyms, ["lendings", "checkouts"]);
    assert_eq!(
        model.sources("all_money").iter().map(|m| m.name.as_str()).collect::<Vec<_>>(),
        ["loans", "fines"]
    );
    let items = reachable(&model, &["loans"]).expect("known");
    let branch = items.iter().find(|item| item.full == "loan__branch").expect("reachable");
    assert_eq!(branch.about.map(|about| about.synonyms.clone()), Some(vec!["desk".to_owned()]));
    let listed = group_by_items(&model, &["fees", "fine_total"]).expect("known");
    assert!(
        listed.dimensions.contains(&"metric_time".to_owned())
            && listed.dimensions.contains(&"loan__branch".to_owned())
    );
    let compiled =
        compile(&model, &query(&["loans"], &["loan__branch"]), &Options::default()).expect("compiles");
    let labels: Vec<_> = compiled.columns.iter().map(|c| c.label.as_deref()).collect();
    assert_eq!(labels, [Some("Branch"), Some("Loans")]);
    assert_eq!(compiled.columns[1].unit.as_deref(), Some("loans"));
    assert!(compiled.explain.to_string().contains("loans = count(loan_id)"), "{}", compiled.explain);
}

#[test]
fn the_values_of_a_dimension_include_the_missing_one() {
    let engine = engine();
    let compiled =
        dimension_values(&model(), &["fines"], "loan__branch", &Options::default()).expect("compiles");
    let wanted = ["{'loan__branch': north}", "{'loan__branch': south}", "{'loan__branch': NULL}"];
    assert_eq!(rows(&engine, &compiled.sql), wanted, "{}", compiled.sql);
}

#[test]
fn the_single_document_layout_gives_the_same_answers() {
    let document = r#"
name: loan_desk
description: Loans at the desk.
model: loans
version: "1.0"
entities: [{name: loan, type: primary, expr: loan_id}]
dimensions:
  - {name: lent_on, type: time}
  - {name: branch, type: categorical}
measures:
  - {name: fee_mean, agg: avg, expr: fee}
  - {name: fee_sum, agg: sum, expr: fee}
  - {name: lendings, agg: count}
metrics:
  - {name: mean_fee, type: simple, type_params: {measure: fee_mean}}
  - {name: fee_each, type: ratio, type_params: {numerator: fee_sum, denominator: lendings}}
defaults: {limit: 100}
meta: {owner: desk}
"#;
    let model = Model::parse(&[("desk.yml", document)]).expect("a sound model");
    let engine = engine();
    let sql = compile(&model, &query(&["mean_fee", "fee_each"], &["loan__branch"]), &Options::default())
        .expect("compiles")
        .sql;
    let by_hand =
        "select branch as loan__branch, avg(fee) as mean_fee, sum(fee)::double / count(*) as fee_each
                   from loans group by 1 order by 1 nulls last";
    assert_eq!(rows(&engine, &sql), rows(&engine, by_hand), "{sql}");
}

#[test]
fn a_filter_of_the_metric_itself_tests_the_rows_and_not_the_month_they_are_moved_to() {
    let moved = r#"
metrics:
  - name: january_fees
    type: simple
    filter: "{{ TimeDimension('metric_time', 'month') }} = '2024-01-01'"
    type_params: {measure: fee_total}
  - name: january_fees_before
    type: derived
    type_params:
      expr: january_fees
      metrics: [{name: january_fees, offset_window: 1 month}]
"#;
    let model =
        Model::parse(&[("library.yml", MODEL), ("moved.yml", moved), ("days.yml", DAYS)]).expect("sound");
    let engine = engine();
    engine.execute_batch("create table days as select unnest(range(date '2023-12-01', date '2024-04-30', interval 1 day))::date as day").expect("days");
    for (grain, wanted) in
        [("month", vec!["2024-02-01 0.30"]), ("day", vec!["2024-02-05 0.10", "2024-02-20 0.20"])]
    {
        let asked = query(&["january_fees_before"], &[&format!("metric_time__{grain}")]);
        let sql = compile(&model, &asked, &Options::default()).expect("compiles").sql;
        let flat = format!("SELECT * FROM (\n{sql})");
        let mut statement = engine.prepare(&flat).expect("runs");
        let found = statement.query_map([], |row| {
            let day = row.get::<_, duckdb::types::Value>(0)?;
            let fees = row.get::<_, duckdb::types::Value>(1)?;
            Ok((day, fees))
        });
        let found: Vec<String> = found
            .expect("rows")
            .map(|row| match row.expect("a row") {
                (duckdb::types::Value::Date32(days), duckdb::types::Value::Decimal(fees)) => {
                    let day = chrono::DateTime::from_timestamp(i64::from(days) * 86_400, 0).expect("a day");
                    format!("{} {fees}", day.format("%Y-%m-%d"))
                }
                other => panic!("{other:?}"),
            })
            .collect();
        assert_eq!(found, wanted, "{sql}");
    }
}

const DAYS: &str = "
models:
  - name: days
    time_spine: {standard_granularity_column: day}
    columns: [{name: day, granularity: day}]
";
