//! Against the face of `tests/faces/databricks`, with Spark as its engine. One process for all: Spark takes its time to start.

use super::support::{all, ask, failure, one, small, told};
use arrow::array::{Array, AsArray, RecordBatch};
use arrow::datatypes::{DataType, Int64Type};
use futures::StreamExt;
use serde_json::{Value, json};
use std::io::{BufRead, BufReader};
use std::path::PathBuf;
use std::process::{Child, ChildStdin, Command, Stdio};
use std::sync::Arc;
use std::time::{Duration, Instant};
use wharf_protocol::Param;
use wharf_warehouses::{Address, Ask, Databricks, Source, TableKind};

/// The face in a process of its own, which ends with this.
struct Face {
    child: Child,
    stdin: Option<ChildStdin>,
    facts: Value,
}

fn top() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../..")
}

fn python() -> PathBuf {
    let python = top().join(".venv-databricks/bin/python");
    assert!(
        top().join(".venv-databricks/installed").exists(),
        "the test face of Databricks is not installed: run `sh scripts/faces.sh databricks`"
    );
    python
}

impl Face {
    fn start(arguments: &[&str]) -> Self {
        let mut child = Command::new(python())
            .arg(top().join("tests/faces/databricks/face.py"))
            .args(arguments)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        let mut line = String::new();
        BufReader::new(child.stdout.take().unwrap()).read_line(&mut line).unwrap();
        let stdin = child.stdin.take();
        Self { facts: serde_json::from_str(&line).expect("the face did not start"), child, stdin }
    }

    fn fact(&self, name: &str) -> &str {
        self.facts[name].as_str().unwrap()
    }

    fn base(&self) -> String {
        format!("http://127.0.0.1:{}", self.facts["port"])
    }

    fn source(&self, more: &str, secret: &str) -> Databricks {
        let (catalog, port) = (self.fact("catalog"), &self.facts["port"]);
        let text = format!(
            "databricks://ws.example.com/{catalog}/default?endpoint=http%3A%2F%2F127.0.0.1%3A{port}{more}"
        );
        let secret = Some(self.fact(secret).to_owned().into());
        Databricks::with_silence("lake", Address::parse(&text).unwrap(), secret, Duration::from_secs(8))
            .unwrap()
    }

    async fn control(&self, route: &str, body: Value) {
        let reply = reqwest::Client::new()
            .post(format!("{}/__control/{route}", self.base()))
            .json(&body)
            .send()
            .await;
        assert!(reply.unwrap().status().is_success());
    }

    async fn log(&self) -> Vec<Value> {
        let reply = reqwest::get(format!("{}/__control/log", self.base())).await.unwrap();
        reply.json().await.unwrap()
    }
}

impl Drop for Face {
    fn drop(&mut self) {
        // It ends with its input, and Spark with it; should it not, it is ended.
        drop(self.stdin.take());
        let deadline = Instant::now() + Duration::from_secs(15);
        while self.child.try_wait().is_ok_and(|ended| ended.is_none()) {
            if Instant::now() > deadline {
                let _ = self.child.kill();
                let _ = self.child.wait();
                return;
            }
            std::thread::sleep(Duration::from_millis(20));
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn spark_answers_as_it_should_in_every_way() {
    let face = Face::start(&[]);
    let source = Arc::new(face.source("", "token"));
    let begun = Instant::now();
    let first = tokio::spawn({
        let source = Arc::clone(&source);
        async move { one(&*source, ask("select 1 as one")).await.num_rows() }
    });
    let mut told = None;
    while told.is_none() && !first.is_finished() {
        tokio::time::sleep(Duration::from_millis(5)).await;
        told = source.waiting();
    }
    assert_eq!(first.await.unwrap(), 1);
    println!("Spark was there after {:?}; told meanwhile: {told:?}", begun.elapsed());
    assert!(told.unwrap().contains("warehouse face to start"));

    values(&source).await;
    statements(&face, &source).await;
    metadata(&source).await;
    trouble(&source).await;
    ends(&face, &source).await;
    faults(&face, &face.source("", "token")).await;
    let machine = format!("&auth=m2m&client_id={}", face.fact("client_id"));
    tokens(&face, &face.source(&machine, "client_secret")).await;
    sdk(&face).await;
}

async fn both(source: &Databricks, sql: &str) -> RecordBatch {
    let (inline, links) = (one(source, small(sql)).await, one(source, ask(sql)).await);
    assert_eq!(inline.schema(), links.schema(), "{sql}");
    assert_eq!(inline, links, "{sql}");
    links
}

/// Every type with a value, the least and the greatest where it has such, and NULL.
async fn values(source: &Databricks) {
    for (type_name, target, values) in [
        ("BOOLEAN", DataType::Boolean, vec!["true", "false"]),
        ("TINYINT", DataType::Int8, vec!["-128", "127"]),
        ("SMALLINT", DataType::Int16, vec!["-32768", "32767"]),
        ("INT", DataType::Int32, vec!["-2147483648", "2147483647"]),
        ("BIGINT", DataType::Int64, vec!["-9223372036854775808", "9007199254740993"]),
        ("FLOAT", DataType::Float32, vec!["0.1", "3.4028235e38", "'NaN'", "'-Infinity'"]),
        ("DOUBLE", DataType::Float64, vec!["0.1", "1.7976931348623157e308", "'NaN'", "'Infinity'", "1e-300"]),
        (
            "DECIMAL(38,18)",
            DataType::Decimal128(38, 18),
            vec!["'0'", "'-12345678901234567890.123456789012345678'"],
        ),
        ("DECIMAL(10,0)", DataType::Decimal128(10, 0), vec!["'9999999999'"]),
        ("STRING", DataType::Utf8, vec!["''", "'null'", "'größe \\n \\'\"` \u{1f600}'"]),
        ("BINARY", DataType::Binary, vec!["X''", "X'00ff80'"]),
        ("DATE", DataType::Date32, vec!["'0001-01-01'", "'1582-10-15'", "'9999-12-31'"]),
        (
            "TIMESTAMP",
            zoned(),
            vec![
                "'0001-01-01 00:00:00'",
                "'2024-02-29 23:59:59.999999-08:00'",
                "'9999-12-31 23:59:59.999999'",
            ],
        ),
        (
            "TIMESTAMP_NTZ",
            DataType::Timestamp(arrow::datatypes::TimeUnit::Microsecond, None),
            vec!["'1969-12-31 23:59:59.999999'"],
        ),
        ("VARIANT", DataType::Utf8, vec!["parse_json('{\"a\":[1,null]}')"]),
    ] {
        let rows: Vec<_> = values.iter().map(|value| format!("(cast({value} as {type_name}))")).collect();
        let batch =
            both(source, &format!("select a as v from values {}, (null) as t(a)", rows.join(", "))).await;
        assert_eq!(
            (batch.column(0).data_type(), batch.num_rows()),
            (&target, values.len() + 1),
            "{type_name}"
        );
        assert_eq!(batch.column(0).null_count(), 1, "{type_name}");
        // Spark's own way to Arrow knows no lists of variants.
        if type_name == "VARIANT" {
            continue;
        }
        let sql = format!("select cast(null as {type_name}) as v, array(cast(null as {type_name})) as l");
        let nulls = both(source, &sql).await;
        assert!(nulls.column(0).is_null(0), "{type_name}");
        assert!(nulls.column(1).as_list::<i32>().value(0).is_null(0), "{type_name}");
    }
    for sql in [
        "select null as nothing, interval '1-2' year to month as a, interval '-1 02:03:04.5' day to second as b",
        "select array_remove(array(1), 1) as e, array(array(1, null), null) as l, cast(null as array<string>) as n",
        "select map('a.b', 1.50BD, 'größe', null) as m, map(1, array(date'2024-02-29')) as k, cast(null as map<int,int>) as n",
        "select named_struct('id', 9223372036854775807, 'a b', null, 'x`y:z', timestamp'2024-01-01 00:00:00.000001Z') as s, \
         cast(null as struct<a:int>) as n",
        "select array(named_struct('d', cast('1.10' as decimal(38,2)), 'f', double('NaN'), 'm', map('k', false))) as deep",
        "select 1 as `a b`, 2 as `x.y`, 3 as ```q```, 4 as `größe`, 5 as `日本語`, 6 as a, 7 as a, 8 as A",
        "select 1 as id where false",
    ] {
        both(source, sql).await;
    }
    let batch =
        both(source, "select named_struct('d', cast('1.10' as decimal(38,2)), 'l', array(1, 2)) as s").await;
    let s = batch.column(0).as_struct();
    assert_eq!(*s.column(0).data_type(), DataType::Decimal128(38, 2));
    assert_eq!(s.column(0).as_primitive::<arrow::datatypes::Decimal128Type>().value(0), 110);
}

fn zoned() -> DataType {
    DataType::Timestamp(arrow::datatypes::TimeUnit::Microsecond, Some("UTC".into()))
}

async fn statements(face: &Face, source: &Databricks) {
    let params = vec![
        ("n".to_owned(), Param::Int(i64::MAX)),
        ("t".to_owned(), Param::Text("it's `1`; -- ?".to_owned())),
        ("b".to_owned(), Param::Bool(false)),
        ("v".to_owned(), Param::Null),
    ];
    for limit in [None, Some(10)] {
        let asked =
            Ask { params: params.clone(), limit, ..ask("select :n as n, :t as t, :b as b, :v is null as v") };
        let batch = one(source, asked).await;
        assert_eq!(batch.column(0).as_primitive::<Int64Type>().value(0), i64::MAX);
        assert_eq!(batch.column(1).as_string::<i32>().value(0), "it's `1`; -- ?");
        assert!(!batch.column(2).as_boolean().value(0) && batch.column(3).as_boolean().value(0));
    }
    let batch = one(source, ask("select id from range(23456) order by id")).await;
    assert!(batch.column(0).as_primitive::<Int64Type>().values().iter().copied().eq(0..23456));
    let batch = one(source, Ask { limit: Some(3), ..ask("select id from range(100) order by id") }).await;
    assert_eq!(batch.num_rows(), 3);
    face.control("set", json!({"chunk_rows": 7})).await;
    let batch = one(source, small("select id from range(100) order by id")).await;
    assert!(batch.column(0).as_primitive::<Int64Type>().values().iter().copied().eq(0..100));
    face.control("set", json!({"chunk_rows": 5000})).await;

    let columns = source
        .describe("select 1 as a, 'x' as `b c`, map('k', 1.5) as m -- the end;", &Default::default())
        .await
        .unwrap();
    let told: Vec<_> = columns.iter().map(|c| (c.name.as_str(), c.type_name.as_str())).collect();
    assert_eq!(told, [("a", "int"), ("b c", "string"), ("m", "map<string,decimal(2,1)>")]);
    let columns =
        source.describe("with t as (select 1 as a) select * from t;", &Default::default()).await.unwrap();
    assert_eq!(columns.len(), 1);
    // It reads only: whatever else it is given is refused.
    assert_eq!(
        source.describe("create table never (a int)", &Default::default()).await.unwrap_err().code,
        "syntax"
    );
    assert_eq!(
        source.describe("select * from nowhere", &Default::default()).await.unwrap_err().code,
        "table_not_found"
    );
}

async fn metadata(source: &Databricks) {
    for sql in [
        "create schema if not exists shop",
        "create table shop.orders (id bigint not null comment 'the key', `a b` string, tags array<string>) comment 'all of them'",
        "create table shop.empty_one (x int)",
        "create view shop.latest as select * from shop.orders",
        "insert into shop.orders values (1, 'x', array('y'))",
    ] {
        all(source.execute(Ask { writes: true, ..ask(sql) }).await.unwrap()).await.unwrap();
    }
    assert_eq!(source.schemas().await.unwrap(), ["default", "shop"]);
    let (mut tables, mut after, mut pages) = (Vec::new(), None, 0);
    loop {
        let page = source.tables("shop", after.as_deref()).await.unwrap();
        tables.extend(page.items);
        pages += 1;
        match page.next {
            Some(next) => after = Some(next),
            None => break,
        }
    }
    assert_eq!((tables.len(), pages), (3, 3), "{tables:?}");
    let orders = tables.iter().find(|table| table.name == "orders").unwrap();
    assert_eq!((orders.kind, orders.comment.as_deref()), (TableKind::Table, Some("all of them")));
    let told: Vec<_> = orders
        .columns
        .iter()
        .map(|c| (c.name.as_str(), c.type_name.as_str(), c.comment.as_deref()))
        .collect();
    assert_eq!(
        told,
        [("id", "BIGINT", Some("the key")), ("a b", "STRING", None), ("tags", "ARRAY<STRING>", None)]
    );
    assert_eq!(tables.iter().filter(|table| table.kind == TableKind::View).count(), 1);
    source.details("shop", "orders").await.unwrap();
    assert_eq!(source.details("shop", "nothing").await.unwrap_err().code, "not_in_catalog");
    assert_eq!(source.tables("nowhere", None).await.unwrap_err().code, "not_in_catalog");
    assert_eq!(both(source, "select * from shop.latest").await.num_rows(), 1);
}

async fn trouble(source: &Databricks) {
    for (sql, code, holds) in [
        ("selec 1", "syntax", "PARSE_SYNTAX_ERROR"),
        ("", "syntax", "42617"),
        ("select * from `no such`.`tab.le`", "table_not_found", "42P01"),
        ("select nothing from values (1) as t(a)", "column_not_found", "UNRESOLVED_COLUMN"),
        ("select cast('x' as int)", "sql", "22018"),
        ("select 1 / (id - 40) from range(50)", "sql", "DIVIDE_BY_ZERO"),
        ("select :missing", "sql", "42P02"),
    ] {
        for asked in [ask(sql), small(sql)] {
            let error = failure(source, asked).await;
            if sql.is_empty() {
                assert!(matches!(&error.code[..], "syntax" | "bad_request"), "{error:?}");
                continue;
            }
            assert_eq!(error.code, code, "{error:?}");
            assert!(error.message.contains(holds) && !error.message.contains('\n'), "{error:?}");
        }
    }
    assert!(told(&failure(source, ask("select * from nowhere")).await).contains("source `lake`"));
}

async fn ends(face: &Face, source: &Databricks) {
    let endless = "select count(*) from range(1000000000000) where id % 7 = 3";
    let waiting = tokio::time::timeout(Duration::from_millis(700), source.execute(ask(endless))).await;
    assert!(waiting.is_err());
    let deadline = Instant::now() + Duration::from_secs(1);
    let cancels =
        async || face.log().await.iter().filter(|r| r["path"].as_str().unwrap().ends_with("/cancel")).count();
    while cancels().await < 1 {
        assert!(Instant::now() < deadline, "it was not cancelled within a second");
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    let soon = Ask { deadline: Some(Instant::now() + Duration::from_millis(500)), ..ask(endless) };
    assert_eq!(failure(source, soon).await.code, "deadline");
    // The one core is free again for others.
    let after = Ask {
        deadline: Some(Instant::now() + Duration::from_secs(20)),
        ..ask("select sum(id) from range(1000)")
    };
    assert_eq!(one(source, after).await.num_rows(), 1);
}

async fn faults(face: &Face, source: &Databricks) {
    let sql = "select id from range(12000) order by id";
    for fault in [
        json!({"kind": "status", "status": 429, "headers": {"Retry-After": "1"}, "count": 1}),
        json!({"kind": "status", "status": 429, "count": 2}),
        json!({"kind": "status", "status": 503, "count": 2, "method": "POST"}),
        json!({"kind": "status", "status": 500, "count": 2, "method": "GET"}),
        json!({"kind": "status", "status": 403, "store": true, "after": 1}),
        json!({"kind": "cut", "store": true, "after": 1, "count": 2}),
        json!({"kind": "longer", "store": true, "seconds": 1}),
        json!({"kind": "short", "store": true, "after": 2}),
        json!({"kind": "reset", "store": true, "count": 2}),
        json!({"kind": "reset", "method": "GET", "store": false}),
        json!({"kind": "late", "store": true, "seconds": 0.5}),
    ] {
        face.control("faults", json!([fault])).await;
        let batch = one(source, ask(sql)).await;
        assert!(batch.column(0).as_primitive::<Int64Type>().values().iter().copied().eq(0..12000), "{fault}");
    }
    face.control("faults", json!([])).await;
    for (setting, plain, code) in [
        (json!({"truncated": true}), json!({"truncated": false}), "result_truncated"),
        (json!({"fail_after_running": "Job aborted"}), json!({"fail_after_running": ""}), "sql"),
    ] {
        face.control("set", setting).await;
        assert_eq!(failure(source, ask(sql)).await.code, code);
        face.control("set", plain).await;
    }
    // Links that end at once are asked for again; what stays so is an error.
    face.control("set", json!({"link_seconds": -1})).await;
    assert_eq!(failure(source, ask(sql)).await.code, "result_incomplete");
    face.control("set", json!({"link_seconds": 900, "pending_polls": 12})).await;
    assert_eq!(one(source, ask("select 1 as one")).await.num_rows(), 1);
    face.control("set", json!({"pending_polls": 0})).await;
}

async fn tokens(face: &Face, source: &Databricks) {
    face.control("set", json!({"chunk_rows": 500})).await;
    let mut answer = source.execute(ask("select id from range(12000) order by id")).await.unwrap();
    let mut rows = answer.batches.next().await.unwrap().unwrap().num_rows();
    face.control("set", json!({"expire_tokens": true})).await;
    while let Some(batch) = answer.batches.next().await {
        rows += batch.unwrap().num_rows();
    }
    assert_eq!(rows, 12000);
    assert_eq!(source.test().await.unwrap().user, "face@example.com");
    face.control("set", json!({"chunk_rows": 5000})).await;
}

/// What stands in for Databricks is itself tried, by the official client.
async fn sdk(face: &Face) {
    let output = tokio::process::Command::new(python())
        .arg(top().join("tests/faces/databricks/check_sdk.py"))
        .args([face.facts["port"].to_string().as_str(), face.fact("token"), face.fact("client_id")])
        .args([face.fact("client_secret"), face.fact("warehouse"), face.fact("catalog")])
        .output()
        .await
        .unwrap();
    let said = String::from_utf8_lossy(&output.stdout);
    assert!(said.ends_with("ok\n"), "{said}{}", String::from_utf8_lossy(&output.stderr));
}

/// A big result that no engine has to make first.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_big_result_flows() {
    let face = Face::start(&["--no-spark"]);
    let source = face.source("", "token");
    let asked = || ask("select * from canned(2000000, 20)");
    let begun = Instant::now();
    let mut answer = source.execute(asked()).await.unwrap();
    let (mut rows, mut first) = (0_i64, None);
    while let Some(batch) = answer.batches.next().await {
        let batch = batch.unwrap();
        first.get_or_insert(begun.elapsed());
        let ids = batch.column(0).as_primitive::<Int64Type>();
        assert_eq!((ids.value(0), ids.value(ids.len() - 1)), (rows, rows + ids.len() as i64 - 1));
        rows += ids.len() as i64;
    }
    assert_eq!(rows, 2_000_000);
    println!("first rows after {:?}, all {rows} after {:?}", first.unwrap(), begun.elapsed());
    // Few of them, in both forms.
    let few = "select * from canned(30, 3)";
    assert_eq!(one(&source, small(few)).await, one(&source, ask(few)).await);
    let error = failure(&source, ask("select 1")).await;
    assert_eq!(error.code, "sql", "{error:?}");
}
