//! The SQL is meant to be read: these snapshots are reviewed for that.

use wharf_semantic::{Dialect, Options, compile};

use crate::library::{model, query};

fn sql(metrics: &[&str], group_by: &[&str], filter: Option<&str>, dialect: Dialect) -> String {
    let mut asked = query(metrics, group_by);
    asked.r#where.extend(filter.map(str::to_owned));
    let options = Options { dialect, ..Options::default() };
    compile(&model(), &asked, &options).expect("compiles").sql
}

#[test]
fn one_table_is_one_plain_select() {
    insta::assert_snapshot!("one_table", sql(&["loans", "fees"], &["loan__branch"], None, Dialect::DuckDb));
}

#[test]
fn two_tables_are_two_named_parts() {
    let filter = "{{ Dimension('member__town', entity_path=['loan']) }} = 'Ayr'";
    insta::assert_snapshot!(
        "two_tables",
        sql(&["fines", "fine_total"], &["metric_time__month", "loan__late"], Some(filter), Dialect::DuckDb)
    );
}

#[test]
fn a_ratio_over_two_tables_joins_the_parts_on_what_they_are_grouped_by() {
    insta::assert_snapshot!("ratio", sql(&["fine_per_fee"], &["loan__branch"], None, Dialect::Snowflake));
}

#[test]
fn each_warehouse_gets_its_own_words() {
    let filter = "{{ TimeDimension('metric_time', date_part_name='dow') }} = 7";
    for (name, dialect) in [
        ("duckdb", Dialect::DuckDb),
        ("postgres", Dialect::Postgres),
        ("snowflake", Dialect::Snowflake),
        ("databricks", Dialect::Databricks),
        ("redshift", Dialect::Redshift),
    ] {
        insta::assert_snapshot!(
            name,
            sql(&["middle_days"], &["order", "metric_time__week"], Some(filter), dialect)
        );
    }
}
