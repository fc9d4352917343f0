//! Questions that are refused before any SQL exists.

use wharf_semantic::{Options, compile};

use crate::library::{model, query};

fn kind(filter: &str) -> &'static str {
    let mut asked = query(&["loans"], &["loan__branch"]);
    asked.r#where = vec![filter.to_owned()];
    match compile(&model(), &asked, &Options::default()) {
        Ok(compiled) => panic!("{filter} was let through:\n{}", compiled.sql),
        Err(error) => error.kind.name(),
    }
}

#[test]
fn a_filter_is_one_condition_over_items_and_values() {
    let branch = "{{ Dimension('loan__branch') }}";
    for bad in [
        "1 = 1; drop table loans".to_owned(),
        format!("{branch} = 'x' -- "),
        format!("{branch} = 'x' /* x */"),
        format!("{branch} in (select town from members)"),
        format!("{branch} = (table members)"),
        "exists (from members)".to_owned(),
        format!("{branch} = 'x') or (true"),
        format!("{branch} = town"),
        format!("{branch} = loans.town"),
        format!("read_text('/etc/passwd') = {branch}"),
        format!("getenv('HOME') = {branch}"),
        format!("{branch} = 'x' union all select 1"),
        "count(*) > 1".to_owned(),
        "{{ Dimension('branch') }} = 'x'".to_owned(),
        "{{ Dimension('loan__branch' }} = 'x'".to_owned(),
        "{{ loan__branch }} = 'x'".to_owned(),
        "{% if true %} 1 = 1".to_owned(),
        "{{ Dimension('loan__branch').__class__ }} = 'x'".to_owned(),
        "{{ TimeDimension('metric_time', 'day') }} > 'yesterday'".to_owned(),
        format!("{branch} = E'\\x41'"),
        format!("{branch} = $1"),
        format!("{branch} = @@version"),
        "\u{0}".to_owned(),
    ] {
        assert_eq!(kind(&bad), "bad_filter", "{bad}");
    }
    assert_eq!(kind("{{ Dimension('loan__colour') }} = 'x'"), "unreachable_filter");
    assert_eq!(kind("{{ Dimension('fine__reason') }} = 'x'"), "unreachable_filter");
    assert_eq!(kind("{{ TimeDimension('metric_time', 'hour') }} > '2024-01-01'"), "unreachable_filter");
}

#[test]
fn a_group_by_item_is_a_name_and_nothing_else() {
    for bad in [
        "loan__branch; drop table x",
        "loan__branch' or '1'='1",
        "loan__branch)",
        "\"loan__branch\"",
        "*",
        "",
    ] {
        let error = compile(&model(), &query(&["loans"], &[bad]), &Options::default()).expect_err(bad);
        assert_eq!(error.kind.name(), "unknown_group_by", "{bad}");
    }
}

#[test]
fn a_time_range_is_two_dates_in_order() {
    for (start, end) in [("2024-13-01", "2024-12-01"), ("soon", "2024-01-01"), ("2024-02-02", "2024-02-01")] {
        let mut asked = query(&["loans"], &[]);
        (asked.start_time, asked.end_time) = (Some(start.into()), Some(end.into()));
        let error = compile(&model(), &asked, &Options::default()).expect_err(start);
        assert_eq!(error.kind.name(), "bad_time_range");
        assert!(error.message.contains(start), "{error}");
    }
}
