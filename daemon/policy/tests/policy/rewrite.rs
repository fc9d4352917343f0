//! Column rules and row filters: what the engine gives for rewritten statements equals what it gives over views that keep
//! the same rules.

use crate::rewrite_support::{
    MARKER, NUMBER, Outcome, Pair, Rule, attributes, columns_of, key, shown, table_name,
};
use crate::support::Engine;
use wharf_policy::{
    Attributes, BoundFilter, DenialCode, Dialect, Mask, Policy, RowFilter, Treatment, View, ViewColumn,
    check, rewrite,
};

pub fn rules() -> Vec<Rule> {
    vec![
        Rule {
            table: "orders",
            columns: vec![("secret", "deny"), ("amount", "mask:bucket(10)"), ("placed", "mask:date(month)")],
            filter: Some("tenant = :tenant"),
        },
        Rule {
            table: "customers",
            columns: vec![("email", "mask:hash"), ("name", "mask:partial(1,2)"), ("born", "mask:null")],
            filter: Some("lower(tenant) = :tenant"),
        },
        Rule {
            table: "Odd \"Table",
            columns: vec![("a\"b", "deny"), ("select", "mask:redact")],
            filter: Some("tenant = :tenant"),
        },
    ]
}

/// One statement a line; `!` before it: the order of rows is not given.
const STATEMENTS: &str = include_str!("rewrite.txt");

fn sorted(outcome: Outcome) -> Outcome {
    outcome.map(|mut rows| {
        // A column without a name is named by its text, where the tables have other names.
        for table in ["orders", "customers"] {
            let seen = format!("{table}_seen AS {table}");
            rows[0] = rows[0].replace(&seen, table).replace(&format!("sales.{table}"), table);
        }
        rows.sort();
        rows
    })
}

#[test]
fn statements_see_what_views_show() {
    let pair = Pair::new(&rules());
    let mut wrong = Vec::new();
    for line in STATEMENTS.lines().filter(|line| !line.is_empty() && !line.starts_with("##")) {
        let expected = sorted(pair.oracle(line));
        if let Err(error) = &expected {
            wrong.push(format!("{line}\n    the views: {error}"));
        }
        match pair.rewrite(line) {
            Err(denial) => wrong.push(format!("{line}\n    refused: {denial}")),
            Ok(text) => {
                let found = sorted(pair.ruled(line).unwrap());
                if found != expected {
                    wrong.push(format!("{line}\n    {text}\n    {found:?}\n    {expected:?}"));
                }
                let all = format!("{found:?}");
                if all.contains(MARKER) || all.contains(NUMBER) {
                    wrong.push(format!("{line}\n    shows: {all}"));
                }
            }
        }
    }
    assert!(wrong.is_empty(), "{} wrong:\n{}", wrong.len(), wrong.join("\n"));
}

#[test]
fn what_is_not_seen_is_not_there() {
    let pair = Pair::new(&rules());
    let cases = [
        "SELECT secret FROM orders",
        "SELECT o.secret FROM orders o",
        "SELECT sales.orders.secret FROM sales.orders",
        "SELECT rowid FROM orders",
        "SELECT * EXCLUDE (secret) FROM orders",
        "SELECT * REPLACE ('x' AS secret) FROM orders",
        "SELECT COLUMNS('secret') FROM orders",
        "SELECT orders['secret'] FROM orders",
        "SELECT struct_extract(orders, 'secret') FROM orders",
        "SELECT id FROM orders WHERE secret = 'x'",
        "SELECT id FROM orders ORDER BY secret",
        "SELECT 1 FROM orders GROUP BY secret",
        "SELECT id FROM plain JOIN orders USING (secret)",
        "SELECT (SELECT secret) FROM orders",
        "PIVOT orders ON secret USING count(*)",
        "UNPIVOT orders ON secret, region",
        "SELECT max(secret) OVER () FROM orders",
        "SELECT id FROM orders AS o(a, b, c, d, e, f, g, h)",
        "SELECT \"a\"\"b\" FROM \"Odd \"\"Table\"",
    ];
    for sql in cases {
        let outcome = pair.ruled(sql).unwrap_or_else(|denial| panic!("{sql}: {denial}"));
        let error = outcome.expect_err(sql);
        let oracle = pair.oracle(sql).expect_err(sql);
        assert!(!shown(&error).contains(MARKER), "{sql}: {error}");
        assert_eq!(shown(&error), shown(&oracle).replace("base.", "sales."), "{sql}");
    }
}

#[test]
fn forms_that_take_a_table_only_are_refused_or_kept() {
    let pair = Pair::new(&rules());
    let refused = [
        "EXPLAIN SELECT * FROM orders",
        "EXPLAIN ANALYZE SELECT id FROM plain, customers",
        "SELECT * FROM orders AT (VERSION => 1)",
        "FROM sales.orders AT (TIMESTAMP => now())",
        "PIVOT orders ON region IN (TABLE customers)",
        "SELECT * FROM (WITH o AS (FROM orders) PIVOT o ON region)",
    ];
    for sql in refused {
        assert_eq!(pair.rewrite(sql).map_err(|denial| denial.code), Err(DenialCode::RuledTable), "{sql}");
    }
    for sql in ["EXPLAIN SELECT * FROM plain", "SELECT 1", "FROM plain AT (VERSION => 1)"] {
        assert_eq!(pair.rewrite(sql).as_deref(), Ok(sql));
    }
}

#[test]
fn a_text_is_changed_at_its_head_and_tables_only() {
    let pair = Pair::new(&[Rule { table: "plain", columns: vec![("word", "mask:null")], filter: None }]);
    let query =
        r#"(SELECT "id", CASE WHEN FALSE THEN "word" END AS "word" FROM "warehouse"."sales"."plain")"#;
    let ctes = |name: &str| format!("\"{name}\" AS NOT MATERIALIZED {query}");
    let cases = [
        ("FROM plain", "{h}FROM {q}"),
        (
            "SELECT 'plain', $1 -- plain\n FROM sales . /* plain */ \"PLAIN\" p",
            "{h}SELECT 'plain', $1 -- plain\n FROM \"plain_seen\" p",
        ),
        (" ; /* a */ TABLE plain;", " ; /* a */ {h}SELECT * FROM {q};"),
        ("(table\tsales.plain) LIMIT 1", "{h}(SELECT * FROM {q}) LIMIT 1"),
        ("WITH plain AS (FROM plain) FROM plain", "WITH {c},\n plain AS (FROM {q}) FROM plain"),
        ("with recursive a AS (FROM plain) FROM a", "with recursive {c},\n a AS (FROM {q}) FROM a"),
        ("SELECT sales.plain.id, plain.word FROM sales.plain", "{h}SELECT plain.id, plain.word FROM {q}"),
        ("SELECT warehouse.sales.plain.id FROM plain", "{h}SELECT plain.id FROM {q}"),
        ("SELECT 'é', id\u{a0}FROM\u{3000}plain", "{h}SELECT 'é', id\u{a0}FROM\u{3000}{q}"),
        ("FROM 'plain'", "{h}FROM {q}"),
        ("FROM x: plain", "{h}FROM x: \"plain_seen\""),
        ("PIVOT plain ON word, id % 2 USING count(*)", "{h}PIVOT {q} ON word, id % 2 USING count(*)"),
        (
            "PIVOT plain ON word IN (SELECT word FROM plain)",
            "{h}PIVOT {q} ON word IN (SELECT word FROM {i} AS \"plain\")",
        ),
        (
            "SELECT max(id) OVER w, min(id) OVER w FROM orders WINDOW w AS (ORDER BY (SELECT max(id) FROM plain))",
            "{h}SELECT max(id) OVER w, min(id) OVER w FROM orders WINDOW w AS (ORDER BY (SELECT max(id) FROM {q}))",
        ),
    ];
    for (sql, expected) in cases {
        let expected = expected
            .replace("{h}", &format!("WITH {}\n", ctes("plain_seen")))
            .replace("{c}", &ctes("plain_seen"));
        let expected = expected.replace("{q}", "\"plain_seen\" AS \"plain\"").replace("{i}", query);
        assert_eq!(pair.rewrite(sql).map_err(|denial| denial.to_string()), Ok(expected), "{sql}");
    }
    let taken = "SELECT 1 AS Plain_Seen, 'plain_seen_2' FROM plain";
    assert!(pair.rewrite(taken).unwrap().starts_with(&format!("WITH {}", ctes("plain_seen__"))));
    let taken = "WITH plain_seen__ AS (SELECT 1) FROM plain, plain_seen__";
    assert!(pair.rewrite(taken).unwrap().starts_with(&format!("WITH {}", ctes("plain_seen___"))));
}

#[test]
fn places_that_do_not_fit_the_text_are_refused() {
    let pair = Pair::new(&rules());
    let sql = "SELECT id FROM orders";
    let mut checked = pair.check(sql).unwrap();
    checked.places[0].span = 15..400;
    let refused = rewrite(sql, &checked, &pair.views, Dialect::Duckdb, &key());
    assert_eq!(refused.map_err(|denial| denial.code), Err(DenialCode::RuledTable));
    checked.places.clear();
    let refused = rewrite(sql, &checked, &pair.views, Dialect::Duckdb, &key());
    assert_eq!(refused.map_err(|denial| denial.code), Err(DenialCode::RuledTable));
}

#[test]
fn a_rule_is_not_lost_by_spelling_or_number() {
    let pair = Pair::new(&rules());
    let sql = "SELECT id FROM orders";
    let checked = pair.check(sql).unwrap();
    let put =
        |views: &[View]| rewrite(sql, &checked, views, Dialect::Duckdb, &key()).map_err(|denial| denial.code);
    let mut view = pair.views[0].clone();
    view.table.table = "Orders".into();
    assert!(put(&[view.clone()]).unwrap().contains("\"Orders_seen\" AS \"orders\""));
    assert_eq!(put(&[pair.views[0].clone(), pair.views[0].clone()]), Err(DenialCode::RuledTable));
    assert!(
        put(&[view.clone(), pair.views[0].clone()]).unwrap().contains("\"orders_seen\""),
        "the very name first"
    );
    view.filter = None;
    view.columns.iter_mut().for_each(|column| column.treatment = Treatment::Show);
    assert_eq!(put(&[view]).as_deref(), Ok(sql));
}

#[test]
fn two_tables_of_one_name_get_two_names() {
    let pair = Pair::new(&[]);
    let (mut one, mut other) = (rules()[0].view(&pair), rules()[0].view(&pair));
    one.table.schema = "sales".into();
    other.table.schema = "Other".into();
    let policy =
        Policy::new(Dialect::Duckdb, vec![one.table.clone(), other.table.clone()], "warehouse", "sales");
    let sql = "SELECT a.id FROM orders a, other.orders b WHERE sales.orders.id = 1";
    let checked = check(sql, &policy, &pair.engine).unwrap();
    let text = rewrite(sql, &checked, &[one, other], Dialect::Duckdb, &key()).unwrap();
    assert!(text.contains("FROM \"orders_seen\" a, \"orders_seen__\" b"), "{text}");
}

#[test]
fn a_table_without_visible_columns_is_refused() {
    let pair = Pair::new(&[]);
    let mut view =
        Rule { table: "plain", columns: vec![("id", "deny"), ("word", "deny")], filter: None }.view(&pair);
    let checked = pair.check("SELECT count(*) FROM plain").unwrap();
    let refused = |view: &View| {
        rewrite("SELECT count(*) FROM plain", &checked, std::slice::from_ref(view), Dialect::Duckdb, &key())
            .map_err(|denial| denial.code)
    };
    assert_eq!(refused(&view), Err(DenialCode::TableNotAllowed));
    view.columns[0].treatment = Treatment::Mask(Mask::Redact);
    assert_eq!(refused(&view), Err(DenialCode::RuledTable), "a mask that does not fit");
}

#[test]
fn a_missing_attribute_shows_no_rows() {
    let engine = Engine::new();
    let columns = columns_of("orders");
    let filter = |text: &str| RowFilter::new(text, columns, Dialect::Duckdb, &engine).unwrap();
    let bound = |text: &str, attributes: &Attributes| filter(text).bind(attributes).sql().to_owned();
    let nobody = Attributes::default();
    assert_eq!(bound("tenant = :tenant OR region = 'x'", &nobody), "FALSE");
    assert_eq!(bound("tenant = :tenant", &nobody.clone().with("tenant", "")), "FALSE");
    assert_eq!(bound("tenant = :tenant", &nobody.clone().with("tenant", "a\0b")), "FALSE");
    assert_eq!(bound("region IN (:role)", &nobody.clone().with_all("role", [])), "FALSE");
    assert_eq!(
        bound("tenant = :tenant", &nobody.clone().with_all("tenant", ["a".into(), "b".into()])),
        "FALSE"
    );
    assert_eq!(
        bound("tenant = :user AND region IN ( :role )", &attributes()),
        "tenant = 'o''neil\\' AND region IN ( 'north', 'south' )"
    );
    assert_eq!(BoundFilter::nothing().and(&filter("id = 1").bind(&nobody)).sql(), "(FALSE) AND (id = 1)");
}

/// An attribute stays one text whatever it spells.
#[test]
fn attributes_are_never_read_as_sql() {
    let pair = Pair::new(&[]);
    let columns = columns_of("orders");
    let filter = RowFilter::new("tenant = :tenant", columns, Dialect::Duckdb, &pair).unwrap();
    for value in [
        "x' OR '1'='1",
        "\\' OR 1=1 --",
        "'' OR TRUE",
        "a\\",
        "$$",
        "${tenant}",
        ":user",
        "x') OR (TRUE",
        "é'\n--",
    ] {
        let filter = Some(filter.bind(&Attributes::default().with("tenant", value)));
        let columns =
            vec![ViewColumn { name: "id".into(), data_type: "INTEGER".into(), treatment: Treatment::Show }];
        let view = View { table: table_name("orders"), columns, filter };
        let checked = pair.check("FROM orders").unwrap();
        let text = rewrite("FROM orders", &checked, &[view], Dialect::Duckdb, &key()).unwrap();
        assert_eq!(pair.unruled(&text), Ok(vec!["id".to_owned()]), "{text}");
    }
}
