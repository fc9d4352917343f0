//! What is suggested where. `|` is the cursor.

use super::{Index, Sight, complete};
use proptest::prelude::*;
use std::sync::Arc;
use wharf_policy::Dialect;
use wharf_protocol::{SqlSuggestion, SuggestionKind, Table, TableColumn};

fn table(source: &str, schema: &str, name: &str, columns: &[&str]) -> Table {
    let column = |text: &&str| {
        let (name, kind) = text.split_once(':').unwrap_or((text, "int"));
        TableColumn { name: name.to_owned(), r#type: kind.to_owned(), comment: None, nullable: None }
    };
    Table {
        catalog: source.to_owned(),
        schema: schema.to_owned(),
        name: name.to_owned(),
        qualified: name.to_owned(),
        rows: None,
        comment: None,
        view: false,
        columns: columns.iter().map(column).collect(),
    }
}

/// Two sources: a shop, and what a server elsewhere holds.
fn sources(dialect: Dialect) -> Vec<Arc<Index>> {
    let home = if dialect == Dialect::Postgres { "public" } else { "main" };
    let shop = vec![
        table(
            "shop",
            home,
            "orders",
            &["id", "customer_id", "amount:decimal(10,2)", "status:varchar", "day:date"],
        ),
        table("shop", home, "customers", &["customer_id", "name:varchar", "country:varchar"]),
        table("shop", home, "Odd Names", &["größe", "two words", "order", "quo\"te", "a.b"]),
        table("shop", "staging", "raw_orders", &["id", "payload:json"]),
    ];
    let crm = vec![table("crm", "public", "leads", &["lead_id", "email:text"])];
    vec![
        Arc::new(Index::new("shop", dialect, home, Arc::new(shop))),
        Arc::new(Index::new("crm", dialect, "public", Arc::new(crm))),
    ]
}

fn found(text: &str, dialect: Dialect) -> (Vec<SqlSuggestion>, String) {
    let cursor = text.find('|').unwrap();
    let sql = text.replace('|', "");
    let sources = sources(dialect);
    let sight = Sight { sources: &sources, home: Some(0), dialect };
    let done = complete(&sql, cursor, &sight, 200);
    (done.suggestions, sql[done.replaces.0..done.replaces.1].to_owned())
}

fn inserts(text: &str) -> Vec<String> {
    found(text, Dialect::Duckdb).0.into_iter().map(|s| s.insert_text).collect()
}

/// The suggestions begin with these.
#[track_caller]
fn first(text: &str, wanted: &[&str]) {
    let all = inserts(text);
    assert!(all.len() >= wanted.len() && all.iter().zip(wanted).all(|(a, b)| a == b), "{text}: {all:?}");
}

/// Among the suggestions are these, and none of those.
#[track_caller]
fn has(text: &str, wanted: &[&str], without: &[&str]) {
    let all = inserts(text);
    for word in wanted {
        assert!(all.iter().any(|s| s == word), "{text}: no {word} in {all:?}");
    }
    for word in without {
        assert!(!all.iter().any(|s| s == word), "{text}: {word} in {all:?}");
    }
}

#[track_caller]
fn none(text: &str) {
    assert_eq!(inserts(text), Vec::<String>::new(), "{text}");
}

#[test]
fn statements_begin_and_clauses_follow() {
    first("|", &["select", "with", "from"]);
    first("sel|", &["select"]);
    first("SEL|", &["SELECT"]);
    first("select 1; sel|", &["select"]);
    has("select id |", &["from", "as", "and"], &["having", "id"]);
    has(
        "select id from orders |",
        &["where", "join", "left join", "group by", "order by", "limit"],
        &["from", "orders"],
    );
    has("select id from orders o |", &["where", "join", "on"], &["from"]);
    has("select id from orders where id = 1 |", &["and", "group by", "order by"], &["where", "from", "join"]);
    first("select id from orders where id = 1 o|", &["or", "order by", "offset"]);
    first("select * from orders ord|", &["order by"]);
    first("select * from orders group |", &["by"]);
    first("select * from orders left |", &["join", "outer join"]);
    has("select * from orders order by id |", &["desc", "nulls last", "limit"], &["where", "group by"]);
    has("select case when id = 1 |", &["then", "and"], &[]);
    first("select * from orders where id is |", &["null", "not null"]);
    has("select id from orders union |", &["all", "select"], &["id"]);
    has("SELECT id |", &["FROM"], &["from"]);
}

#[test]
fn tables_stand_behind_from_and_join() {
    first("select * from |", &["orders", "customers", "\"Odd Names\""]);
    has("select * from |", &["staging.raw_orders", "crm.public.leads", "staging", "crm"], &["select", "id"]);
    first("select * from ord|", &["orders", "staging.raw_orders"]);
    first("select * from orders o join c|", &["customers", "crm"]);
    first("select * from orders, cust|", &["customers"]);
    first("from ord|", &["orders"]);
    first("select * from staging.|", &["raw_orders"]);
    first("select * from crm.|", &["public", "leads"]);
    first("select * from crm.public.|", &["leads"]);
    first("select * from shop.main.o|", &["orders"]);
    none("select * from nosuch.|");
    none("select * from crm.nosuch.|");
    has("select * from (|", &["select", "orders"], &[]);
    first("with a as (select 1 x), b as (select 2 y) select * from |", &["b", "a", "orders"]);
    has("with a as (select 1 x), b as (select * from |) select 1", &["a", "orders"], &["b"]);
    has("with recursive a as (select 1 x union all select * from |)", &["a"], &[]);
    has("select * from orders where id in (select * from |)", &["customers"], &[]);
}

#[test]
fn columns_come_from_what_is_in_scope() {
    first("select | from orders", &["id", "customer_id", "amount", "status", "day", "orders"]);
    first("select * from orders where st|", &["status"]);
    first("select * from orders o where o.|", &["id", "customer_id", "amount", "status", "day"]);
    first("select * from orders o where o.c|", &["customer_id"]);
    first(
        "select c.| from orders o join customers c using (customer_id)",
        &["customer_id", "name", "country"],
    );
    has(
        "select | from orders o join customers c on true",
        &["o.customer_id", "c.customer_id", "name"],
        &["customer_id"],
    );
    has(
        "select | from orders o join customers c using (customer_id)",
        &["customer_id", "o", "c"],
        &["o.customer_id"],
    );
    has("select 1 from orders group by |", &["id"], &["leads"]);
    has("select amount * 2 as twice from orders order by |", &["twice", "id"], &[]);
    has("select amount * 2 twice from orders order by t|", &["twice"], &[]);
    first("select sum(am|) from orders", &["amount"]);
    first("select * from orders where day between | and now()", &["id"]);
    has("select extract(year from |) from orders", &["day"], &["customers"]);
    has("update orders set |", &["amount"], &[]);
    first("select orders.| from orders", &["id"]);
    first("select main.orders.i| from main.orders", &["id"]);
    first("select shop.main.orders.| from shop.main.orders", &["id"]);
    first("select l.| from crm.public.leads l", &["lead_id", "email"]);
    first("select * from orders where id is distinct from am|", &["amount"]);
    first("from orders select am|", &["amount"]);
    none("select x.| from orders o");
}

#[test]
fn queries_within_queries_see_what_they_may() {
    first(
        "select s.| from (select id, amount as a, day d, o.status from orders o) s",
        &["id", "a", "d", "status"],
    );
    first(
        "select s.| from (select *, 1 as one from orders) as s",
        &["id", "customer_id", "amount", "status", "day", "one"],
    );
    first("select t.| from (values (1, 2)) t(a, b)", &["a", "b"]);
    first("with x as (select id, amount total from orders) select x.| from x", &["id", "total"]);
    first("with x(p, q) as (select id, amount from orders) select | from x", &["p", "q", "x"]);
    first("with x as (select * from orders), y as (select x.*, 2 two from x) select y.t| from y", &["two"]);
    first(
        "select * from customers c where exists (select 1 from orders o where o.customer_id = c.|)",
        &["customer_id", "name"],
    );
    has("select (select max(|) from orders) from customers", &["amount", "name"], &[]);
    has("select * from customers c, (select | from orders) o", &["amount"], &["name"]);
    has("select * from customers c, lateral (select | from orders) o", &["amount", "name"], &[]);
    has("with x as (select | from orders) select * from customers", &["amount"], &["name"]);
    has("select id from orders union select | from customers", &["name"], &["amount"]);
    first("select u.| from (select id from orders union all select customer_id from customers) u", &["id"]);
}

#[test]
fn what_stands_around_the_cursor_does_not_mislead() {
    first("select o.| , day from orders o order by id", &["id", "customer_id"]);
    first("select * from orders o where o.| order by id", &["id", "customer_id"]);
    first("select id, | from orders", &["id"]);
    first("select id, am|, day from orders", &["amount"]);
    has("select * from | where id = 1", &["orders", "customers"], &["where"]);
    has("select count(*) over (|) from orders", &["partition by", "order by"], &["from"]);
    has("select count(*) over (partition by |) from orders", &["status"], &["orders.status"]);
    has("select * from orders where id in (1, |)", &["id"], &[]);
    has(
        "select * from orders o left join customers c on c.customer_id = o.customer_id and |",
        &["country", "o"],
        &[],
    );
    has("select * from (select id from orders) |", &["where", "join"], &["from"]);
    has("select * from orders where (|", &["status", "not", "select"], &[]);
    has("delete from |", &["orders"], &[]);
    has("delete from orders where |", &["status"], &["country"]);
    has("insert into |", &["orders"], &[]);
    has("insert into orders select | from customers", &["country"], &["status"]);
    has("select * from orders as o where |", &["o", "status"], &["orders"]);
    has("select a.| from orders a, orders b", &["status"], &[]);
    has("select case when status = 'x' then |", &["null"], &[]);
    has("select * from orders tablesample (10 percent) |", &["where"], &[]);
    has("explain select | from orders", &["status"], &[]);
    has("select * from orders where status like '%x' |", &["and", "order by"], &["status"]);
    has("with a as (select 1 x) |", &["select"], &["as"]);
    first("with a |", &["as"]);
    has("select * from orders order by id desc |", &["limit", "nulls last"], &[]);
    none("select * from orders o(a, |");
    none("select date '|");
}

#[test]
fn joins_are_proposed_by_equal_names() {
    first("select * from orders o join customers c on |", &["o.customer_id = c.customer_id"]);
    first("select * from orders join customers on c|", &["orders.customer_id = customers.customer_id"]);
    first("select * from orders o join customers c using (|", &["customer_id"]);
    has(
        "select * from orders o join customers c on o.customer_id = c.customer_id |",
        &["where", "and", "join"],
        &[],
    );
    has("select * from orders o join customers c on true join |", &["\"Odd Names\""], &["amount"]);
}

#[test]
fn functions_and_types_are_the_dialects() {
    first("select coa|", &["coalesce("]);
    first("select COA|", &["COALESCE("]);
    first("select count|(*) from orders", &["count"]);
    has("select date_|", &["date_trunc(", "date_diff("], &[]);
    first("select id::big| from orders", &["BIGINT"]);
    first("select cast(id as var| from orders", &["VARCHAR"]);
    let (postgres, _) = found("select string_a|", Dialect::Postgres);
    assert_eq!(postgres[0].insert_text, "string_agg(");
    let (snowflake, _) = found("select div0|", Dialect::Snowflake);
    assert_eq!(snowflake[0].insert_text, "div0(");
}

#[test]
fn nothing_is_suggested_in_strings_comments_and_numbers() {
    for text in [
        "select 'or| from orders",
        "select 'it''s |' from orders",
        "select 1 -- or|",
        "select /* or| */ 1",
        "select /* a /* b */ |",
        "select $$ or| $$",
        "select 12| from orders",
        "select id as | from orders",
        "select * from orders limit |",
        "with |x",
    ] {
        let all = inserts(text);
        assert!(all.iter().all(|s| s == "recursive"), "{text}: {all:?}");
    }
    has("select 'a' -- x\n from |", &["orders"], &[]);
}

#[test]
fn names_get_quotes_where_they_are_needed_or_begun() {
    has(
        "select | from \"Odd Names\"",
        &["\"größe\"", "\"two words\"", "\"order\"", "\"quo\"\"te\"", "\"a.b\""],
        &[],
    );
    let (all, replaced) = found("select \"two| from \"Odd Names\"", Dialect::Duckdb);
    assert_eq!((all[0].insert_text.as_str(), replaced.as_str()), ("\"two words\"", "\"two"));
    let (all, replaced) = found("select \"am|ou\" from orders", Dialect::Duckdb);
    assert_eq!((all[0].insert_text.as_str(), replaced.as_str()), ("\"amount\"", "\"amou\""));
    let (all, replaced) = found("select * from \"o|", Dialect::Duckdb);
    assert_eq!((all[0].insert_text.as_str(), replaced.as_str()), ("\"orders\"", "\"o"));
    let (all, _) = found("select `am| from orders", Dialect::Databricks);
    assert_eq!(all[0].insert_text, "`amount`");
    let (all, _) = found("select am| from orders", Dialect::Snowflake);
    assert_eq!(all[0].insert_text, "\"amount\"");
    let (all, _) = found("select o.\"am| from orders o", Dialect::Postgres);
    assert_eq!(all[0].insert_text, "\"amount\"");
    let (all, replaced) = found("select am|ou from orders", Dialect::Postgres);
    assert_eq!((all[0].insert_text.as_str(), replaced.as_str()), ("amount", "amou"));
    assert!(found("select \"coa|", Dialect::Duckdb).0.is_empty());
}

#[test]
fn what_begins_so_comes_before_what_is_like_it() {
    first("select C| from customers", &["customer_id", "country", "customers", "COUNT("]);
    first("select cid from orders where cid|", &["customer_id"]);
    let (all, _) = found("select cust| from orders", Dialect::Duckdb);
    assert_eq!(all[0].kind, SuggestionKind::Column);
    assert_eq!(all[0].detail.as_deref(), Some("int · orders"));
    // Before there is a FROM, columns are looked for everywhere.
    first("select coun|", &["count(", "country"]);
}

/// Statements of all kinds, cut and glued anywhere.
fn statements() -> Vec<String> {
    let path = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("../../shared/cases/sql-policy.jsonl");
    let Ok(text) = std::fs::read_to_string(&path) else {
        println!("skipped: {} is not there", path.display());
        return vec![
            "with a as (select * from orders o) select \"x\" from a join customers c using (".to_owned(),
        ];
    };
    let sql = |line: &str| {
        serde_json::from_str::<serde_json::Value>(line).unwrap()["sql"].as_str().map(str::to_owned)
    };
    text.lines().filter_map(sql).filter(|sql| sql.len() < 5000).collect()
}

fn never_panics(sql: &str, cursor: usize, dialect: Dialect) {
    let sources = sources(dialect);
    let sight = Sight { sources: &sources, home: Some(0), dialect };
    let done = complete(sql, cursor, &sight, 50);
    let (from, to) = done.replaces;
    assert!(from <= to && sql.get(from..to).is_some(), "{sql}");
    assert!(
        done.suggestions.len() <= 50 && done.suggestions.iter().all(|s| !s.insert_text.is_empty()),
        "{sql}"
    );
}

const DIALECTS: [Dialect; 5] =
    [Dialect::Duckdb, Dialect::Snowflake, Dialect::Databricks, Dialect::Postgres, Dialect::Redshift];

#[test]
fn every_statement_can_be_typed_key_by_key() {
    for (at, sql) in statements().iter().enumerate() {
        let dialect = DIALECTS[at % DIALECTS.len()];
        let cuts = sql.char_indices().map(|(at, _)| at).step_by(1 + sql.len() / 60);
        cuts.for_each(|cut| {
            never_panics(&sql[..cut], cut, dialect);
            never_panics(sql, cut, dialect);
        });
    }
}

#[test]
fn hostile_texts_end() {
    for text in [
        "(".repeat(65_000),
        "(]".repeat(32_000),
        "(select ".repeat(8_000),
        format!("select * from orders{}", ", orders".repeat(8_000)),
        format!("with a as (select * from orders, orders) {}", ", a as (select * from a, a)".repeat(2_000)),
        format!(
            "{} select ",
            (0..1000)
                .map(|i| format!("with a{i} as (select * from a{i}, a{i}, orders) select * from ("))
                .collect::<String>()
        ),
        "'\"`$".repeat(16_000),
        "/*--".repeat(16_000),
        "a.".repeat(30_000),
        "select 1 union ".repeat(4_000),
        "case ".repeat(13_000),
    ] {
        never_panics(&text, text.len(), Dialect::Duckdb);
        never_panics(&text, text.len() / 2, Dialect::Postgres);
    }
}

proptest! {
    #[test]
    fn no_cut_and_no_glue_makes_it_panic(
        a in any::<prop::sample::Index>(), b in any::<prop::sample::Index>(),
        cut in any::<prop::sample::Index>(), from in any::<prop::sample::Index>(),
        cursor in any::<prop::sample::Index>(), dialect in 0..5_usize, noise in "[()\\[\\]'\"`$.;,*:ä🦀 \\n/-]{0,6}",
    ) {
        static ALL: std::sync::LazyLock<Vec<String>> = std::sync::LazyLock::new(statements);
        let chars = |sql: &String| sql.chars().collect::<Vec<_>>();
        let (a, b) = (chars(&ALL[a.index(ALL.len())]), chars(&ALL[b.index(ALL.len())]));
        let left: String = a[..cut.index(a.len() + 1)].iter().collect();
        let right: String = b[from.index(b.len() + 1)..].iter().collect();
        let sql = format!("{left}{noise}{right}");
        let places: Vec<usize> = sql.char_indices().map(|(at, _)| at).chain([sql.len()]).collect();
        never_panics(&sql, places[cursor.index(places.len())], DIALECTS[dialect]);
    }
}

/// The figure: `cargo test --release -p wharf-daemon --lib -- --ignored --nocapture suggest`.
#[test]
#[ignore = "a figure, not a test"]
fn figure_of_fifty_thousand_columns() {
    let columns: Vec<String> = (0..20).map(|c| format!("column_{c}_of_something")).collect();
    let tables = (0..2500).map(|t| {
        let own: Vec<String> =
            columns.iter().map(|c| format!("{c}_{t}")).chain(["customer_id".to_owned()]).take(20).collect();
        let own: Vec<&str> = own.iter().map(String::as_str).collect();
        table("big", if t % 2 == 0 { "main" } else { "other" }, &format!("table_{t}"), &own)
    });
    let begun = std::time::Instant::now();
    let sources = [Arc::new(Index::new("big", Dialect::Duckdb, "main", Arc::new(tables.collect())))];
    println!("made in {:?}", begun.elapsed());
    let sight = Sight { sources: &sources, home: Some(0), dialect: Dialect::Duckdb };
    for sql in [
        "select ",
        "select col",
        "select cls",
        "select column_19_of_something_2",
        "select * from ",
        "select * from tab",
        "select * from tbl",
        "select * from table_0 a join table_2 b on a.",
        "with x as (select * from table_0) select * from x, table_4 where col",
        "select * from other.",
    ] {
        let mut times: Vec<_> = (0..50)
            .map(|_| {
                let begun = std::time::Instant::now();
                assert!(!complete(sql, sql.len(), &sight, 50).suggestions.is_empty(), "{sql}");
                begun.elapsed()
            })
            .collect();
        times.sort();
        println!("{sql:70} median {:?}, worst {:?}", times[25], times[49]);
    }
}
