//! Real SQL, real credentials, and faults on the way.

use super::face::{Face, failure, public_key};
use super::keys::{Keys, PASSPHRASE};
use super::{all, ask, asked, ids};
use arrow::array::{Array, AsArray};
use arrow::datatypes::{
    Date32Type, Decimal128Type, Float64Type, Time64NanosecondType, TimestampNanosecondType,
};
use futures::StreamExt;
use serde_json::json;
use std::time::{Duration, Instant};
use wharf_protocol::{ErrorKind, Param};
use wharf_warehouses::{Session, Source, TableKind};

#[tokio::test]
async fn values_of_real_sql_are_exact() {
    let face = Face::new(&json!({"tokens": ["pat-secret"]}));
    let source = face.source("warehouse=WH");
    let values = "select 1.25::number(10,2) a, 0.1::float b, 'NaN'::float c, true d, 'it''s ü' e, to_binary('ff00', 'hex') f, \
                  '1969-12-31'::date g, '12:34:56.123456'::time h, '1969-12-31 23:59:59.5'::timestamp_ntz i, \
                  '2020-01-01 00:00:00 +0100'::timestamp_tz j, parse_json('{\"a\": [1, null]}') k";
    let batches = asked(&source, values).await.unwrap();
    let [batch] = &batches[..] else { panic!("one row was asked for") };
    let column = |at: usize| batch.column(at);
    assert_eq!(column(0).as_primitive::<Decimal128Type>().value(0), 125);
    assert_eq!(column(1).as_primitive::<Float64Type>().value(0).to_bits(), 0.1_f64.to_bits());
    assert!(column(2).as_primitive::<Float64Type>().value(0).is_nan());
    assert!(column(3).as_boolean().value(0));
    assert_eq!(column(4).as_string::<i32>().value(0), "it's ü");
    assert_eq!(column(5).as_binary::<i32>().value(0), [0xff, 0]);
    assert_eq!(column(6).as_primitive::<Date32Type>().value(0), -1);
    assert_eq!(column(7).as_primitive::<Time64NanosecondType>().value(0), 45_296_123_456_000);
    assert_eq!(column(8).as_primitive::<TimestampNanosecondType>().value(0), -500_000_000);
    assert_eq!(column(9).as_primitive::<TimestampNanosecondType>().value(0), 1_577_833_200_000_000_000);
    assert!(column(10).as_string::<i32>().value(0).contains("\"a\""));
    let nulls =
        asked(&source, "select null::number(10,2) a, null::date b, null::varchar c, null::timestamp_tz d")
            .await
            .unwrap();
    assert!(nulls[0].columns().iter().all(|column| column.is_null(0)));
}

#[tokio::test]
async fn bound_values_and_parts_hold() {
    let face = Face::new(&json!({
        "tokens": ["pat-secret"], "partition_rows": 7, "looks": 1,
        "setup": ["create table numbers(n number(10,0), t varchar)", "insert into numbers select seq, 'row ' || seq from (select unnest(range(100)) as seq)"],
    }));
    let source = face.source("warehouse=WH");
    assert_eq!(
        ids(&asked(&source, "select n from numbers order by n").await.unwrap()),
        (0..100).collect::<Vec<_>>()
    );
    let mut bound = ask("select n::number(10,0) as n from numbers where t = ? and n = ? order by n");
    bound.params = vec![("t".to_owned(), Param::Text("row 7".to_owned())), ("n".to_owned(), Param::Int(7))];
    assert_eq!(ids(&all(source.execute(bound).await.unwrap()).await.unwrap()), [7]);
    let mut limited = ask("select n from numbers order by n");
    limited.limit = Some(9);
    assert_eq!(ids(&all(source.execute(limited).await.unwrap()).await.unwrap()).len(), 9);
    // Each of these once at the right place, and twice in a row.
    for fault in ["cut", "length", "gzip", "short", "close", "slow", "running"] {
        face.faults(&json!([{"on": "partition", "after": 2, "times": 2, "do": fault}]));
        let read = asked(&source, "select n from numbers order by n").await;
        assert_eq!(ids(&read.unwrap()), (0..100).collect::<Vec<_>>(), "{fault}");
    }
    for (on, fault) in [
        ("submit", "close"),
        ("submit", "cut"),
        ("status", "cut"),
        ("result", "cut"),
        ("result", "short"),
        ("result", "running"),
        ("result", "gzip"),
    ] {
        face.faults(&json!([{"on": on, "do": fault}]));
        let read = asked(&source, "select n from numbers order by n").await;
        assert_eq!(ids(&read.unwrap()), (0..100).collect::<Vec<_>>(), "{on} {fault}");
    }
    for (on, fault, code) in [
        ("result", json!({"do": "truncated"}), "result_truncated"),
        ("result", json!({"do": "fail"}), "statement_failed"),
        ("partition", json!({"do": "fail"}), "statement_failed"),
        ("partition", json!({"do": "short", "times": 99}), "reply_broken"),
        ("partition", json!({"do": "expire"}), "credential"),
    ] {
        let mut fault = fault;
        fault["on"] = json!(on);
        face.faults(&json!([fault]));
        let read = asked(&source, "select n from numbers order by n").await;
        assert_eq!(
            read.map(|batches| batches.len()).map_err(|error| error.code),
            Err(code.to_owned()),
            "{fault}"
        );
    }
}

#[tokio::test]
async fn tenants_see_their_rows_and_no_others() {
    let odd = r"o'h\'; select * from orders -- ";
    let quoted = odd.replace('\\', "\\\\").replace('\'', "''");
    let face = Face::new(&json!({
        "tokens": ["pat-secret"], "row_policies": {"ORDERS": "tenant"},
        "setup": ["create table orders(id number(10,0), tenant varchar)", format!("insert into orders values (1, 'a'), (2, 'b'), (3, 'a'), (4, '{quoted}')")],
    }));
    let source = face.source("warehouse=WH&tenant=tenant");
    let seen = async |tenant: Option<&str>| {
        let mut ask = ask("select o.id from orders as o order by 1;");
        ask.session = Session { tenant: tenant.map(str::to_owned), ..Session::default() };
        ids(&all(source.execute(ask).await.unwrap()).await.unwrap())
    };
    assert_eq!(seen(Some("a")).await, [1, 3]);
    assert_eq!(seen(Some(odd)).await, [4]);
    assert_eq!(seen(Some("")).await, Vec::<i64>::new());
    assert_eq!(seen(Some("a' or 'a'='a")).await, Vec::<i64>::new());
    // Nobody's tenant: the policy lets nothing through.
    assert_eq!(seen(None).await, Vec::<i64>::new());
    let mut bad = ask("select nowhere from orders");
    bad.session.tenant = Some("a".to_owned());
    assert!(source.execute(bad).await.map(|_| ()).unwrap_err().message.contains("`sales`"));
}

#[tokio::test]
async fn every_kind_of_credential_signs_in() {
    let keys = Keys::new();
    let face =
        Face::new(&json!({"tokens": ["pat-secret"], "oauth": ["oauth-token"], "keys": [public_key(&keys)]}));
    let by_key = |path: &std::path::Path, passphrase: Option<&str>| {
        let path: String =
            url::form_urlencoded::byte_serialize(path.display().to_string().as_bytes()).collect();
        face.source_with(&format!("warehouse=WH&private_key={path}"), passphrase)
    };
    for source in [
        face.source("warehouse=WH"),
        face.source("warehouse=WH&auth=pat"),
        face.source_with("warehouse=WH&auth=oauth", Some("oauth-token\n")),
        by_key(&keys.plain(), None),
        by_key(&keys.older(), None),
        by_key(&keys.plain(), Some("not needed")),
        by_key(&keys.encrypted(&["-v2", "aes-256-cbc"]), Some(PASSPHRASE)),
        by_key(&keys.encrypted(&["-v2", "des3"]), Some(PASSPHRASE)),
        by_key(&keys.encrypted(&["-v2", "des3", "-v2prf", "hmacWithSHA1"]), Some(PASSPHRASE)),
        by_key(&keys.encrypted(&["-scrypt"]), Some(&format!("{PASSPHRASE}\n"))),
    ] {
        assert_eq!(asked(&source, "select 1").await.unwrap().len(), 1, "{source:?}");
    }
    let stranger = Keys::new();
    let wrong = failure(&by_key(&stranger.plain(), None), "select 1").await;
    assert_eq!((wrong.kind, wrong.code.as_str()), (ErrorKind::Unauthorized, "credential"));
    assert!(wrong.hint.unwrap().contains("RSA_PUBLIC_KEY_FP"));
    assert!(
        failure(&face.source_with("warehouse=WH&auth=oauth", Some("old")), "select 1")
            .await
            .hint
            .unwrap()
            .contains("OAuth")
    );
    assert!(
        failure(&face.source_with("warehouse=WH", Some("old")), "select 1")
            .await
            .hint
            .unwrap()
            .contains("access token")
    );
}

/// A token that runs out while parts are fetched is signed anew, and no row is lost or doubled.
#[tokio::test]
async fn a_token_that_expires_on_the_way_is_renewed() {
    let keys = Keys::new();
    let face = Face::new(&json!({
        "keys": [public_key(&keys)], "partition_rows": 5,
        "setup": ["create table numbers(n number(10,0))", "insert into numbers select unnest(range(60))"],
    }));
    let path: String =
        url::form_urlencoded::byte_serialize(keys.plain().display().to_string().as_bytes()).collect();
    let source = face.source_with(&format!("warehouse=WH&private_key={path}"), None);
    for after in [0, 3, 7] {
        face.faults(
            &json!([{"on": "partition", "after": after, "do": "expire"}, {"on": "status", "do": "expire"}]),
        );
        assert_eq!(
            ids(&asked(&source, "select n from numbers order by n").await.unwrap()),
            (0..60).collect::<Vec<_>>()
        );
    }
    let tokens: std::collections::HashSet<String> =
        face.log().iter().map(|entry| entry["headers"]["authorization"].to_string()).collect();
    assert_eq!(tokens.len(), 7);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_nobody_waits_for_is_stopped_within_a_second() {
    let face = Face::new(&json!({"tokens": ["pat-secret"]}));
    let source = std::sync::Arc::new(face.source("warehouse=WH"));
    let runs = std::sync::Arc::clone(&source);
    let waiting = tokio::spawn(async move { runs.execute(ask("select system$wait(60)")).await.map(|_| ()) });
    assert!(face.saw("status", Duration::from_secs(5)));
    waiting.abort();
    assert!(face.saw("cancel", Duration::from_secs(1)));
    // The far side's own clock.
    let mut late = ask("select system$wait(60)");
    late.deadline = Some(Instant::now() + Duration::from_millis(1500));
    assert_eq!(source.execute(late).await.map(|_| ()).unwrap_err().kind, ErrorKind::Deadline);
    // A big result, of which one batch is taken.
    let mut big = source.execute(ask("select canned(1000000, 50)")).await.unwrap();
    assert!(big.batches.next().await.unwrap().unwrap().num_rows() > 0);
    let before = face.log().iter().filter(|entry| entry["kind"] == "cancel").count();
    drop(big);
    let end = Instant::now() + Duration::from_secs(1);
    while face.log().iter().filter(|entry| entry["kind"] == "cancel").count() == before {
        assert!(Instant::now() < end, "the far side was not told");
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
}

#[tokio::test]
async fn metadata_tells_what_there_is() {
    let odd = "we\"ird. näme";
    let quoted = odd.replace('"', "\"\"");
    let wide: Vec<String> = (0..10_000).map(|at| format!("c{at} int")).collect();
    let face = Face::new(&json!({
        "tokens": ["pat-secret"],
        "setup": [
            "create schema \"odd schema\"",
            "create table customers(id number(10,0) primary key, name varchar(20), since timestamp_ntz) comment = 'who buys'",
            "create table orders(id number(10,0), customer number(10,0), amount number(12,2) not null)",
            "insert into orders values (1, 1, 2.50), (2, 1, 3.50)",
            format!("create table \"{quoted}\"(\"co\"\"l. 1\" varchar, \"ü\" int)"),
            format!("create table wide({})", wide.join(", ")),
        ],
        "answers": [{
            "match": "show imported keys in table .*\"ORDERS\"",
            "columns": (["pk_database_name", "pk_schema_name", "pk_table_name", "pk_column_name", "fk_table_name", "fk_column_name", "key_sequence", "fk_name"]).map(|name| json!({"name": name, "type": "text"})),
            "rows": [
                ["DB1", "S1", "PAIRS", "B", "ORDERS", "AMOUNT", "2", "FK_2"], ["DB1", "S1", "PAIRS", "A", "ORDERS", "ID", "1", "FK_2"],
                ["DB1", "S1", "CUSTOMERS", "ID", "ORDERS", "CUSTOMER", "1", "FK_1"], ["ELSEWHERE", "S1", "T", "ID", "ORDERS", "ID", "1", "FK_0"],
            ],
        }],
    }));
    let source = face.source("warehouse=wh");
    assert_eq!((source.catalog(), source.default_schema()), ("DB1", "S1"));
    assert_eq!(source.schemas().await.unwrap(), ["S1", "odd schema"]);
    let page = source.tables("S1", None).await.unwrap();
    assert_eq!(page.next, None);
    let names: Vec<&str> = page.items.iter().map(|table| table.name.as_str()).collect();
    assert_eq!(names, ["CUSTOMERS", "ORDERS", "WIDE", odd]);
    let [customers, orders, wide, odd_table] = &page.items[..] else { unreachable!("four were counted") };
    assert_eq!(orders.kind, TableKind::Table);
    assert_eq!((orders.rows, customers.comment.as_deref()), (Some(2), Some("who buys")));
    let types: Vec<&str> = orders.columns.iter().map(|column| column.type_name.as_str()).collect();
    assert_eq!(types, ["NUMBER(10,0)", "NUMBER(10,0)", "NUMBER(12,2)"]);
    assert_eq!(orders.columns[2].nullable, Some(false));
    assert_eq!(customers.columns[1].type_name, "VARCHAR(20)");
    assert_eq!((wide.columns.len(), wide.columns[9_999].name.as_str()), (10_000, "C9999"));
    assert_eq!(odd_table.columns[0].name, "co\"l. 1");
    let rest = source.tables("S1", Some("ORDERS")).await.unwrap();
    assert_eq!(rest.items.iter().map(|table| table.name.as_str()).collect::<Vec<_>>(), ["WIDE", odd]);
    assert!(source.tables("odd schema", None).await.unwrap().items.is_empty());
    let details = source.details("S1", "ORDERS").await.unwrap();
    assert_eq!(details.rows, Some(2));
    let keys: Vec<_> = details
        .foreign_keys
        .iter()
        .map(|key| (key.columns.clone(), key.to.table.clone(), key.to.columns.clone()))
        .collect();
    let texts = |names: &[&str]| names.iter().map(|name| (*name).to_owned()).collect::<Vec<_>>();
    assert_eq!(
        keys,
        [
            (texts(&["CUSTOMER"]), "CUSTOMERS".to_owned(), texts(&["ID"])),
            (texts(&["ID", "AMOUNT"]), "PAIRS".to_owned(), texts(&["A", "B"])),
        ]
    );
    assert_eq!(source.details("S1", "CUSTOMERS").await.unwrap().primary_key, ["ID"]);
    assert!(source.details("S1", odd).await.unwrap().rows.is_some());
    assert_eq!(source.details("S1", "nowhere").await.unwrap_err().kind, ErrorKind::NotFound);
    let columns = source
        .describe("select id, amount * 2 as twice from orders -- all;", &Session::default())
        .await
        .unwrap();
    assert_eq!(columns.iter().map(|column| column.name.as_str()).collect::<Vec<_>>(), ["ID", "TWICE"]);
    assert!(source.describe("show tables", &Session::default()).await.unwrap().is_empty());
    assert!(source.describe("select nope from orders", &Session::default()).await.is_err());
    assert!(source.describe("select 1) union (select 2", &Session::default()).await.is_err());
    assert_eq!(source.estimate("select 1", &Session::default()).await.unwrap(), None);
}

#[tokio::test]
async fn a_test_tells_who_and_with_what() {
    let face = Face::new(
        &json!({"tokens": ["pat-secret"], "warehouses": {"WH": "STARTED", "SLEEPY": "SUSPENDED"}, "roles": ["READER"]}),
    );
    let tested = face.source("warehouse=wh&role=reader").test().await.unwrap();
    assert_eq!((tested.user.as_str(), tested.version.as_deref()), ("ALICE", Some("10.0.0")));
    assert_eq!((tested.role.as_deref(), tested.warehouse.as_deref()), (Some("READER"), Some("WH (STARTED)")));
    assert!(tested.warnings.is_empty());
    assert_eq!(
        face.source("warehouse=sleepy").test().await.unwrap().warehouse.as_deref(),
        Some("SLEEPY (SUSPENDED)")
    );
    let wrong = face.source("warehouse=nowhere").test().await.unwrap_err();
    assert!(wrong.code == "warehouse" && wrong.hint.unwrap().contains("warehouse=NOWHERE"));
    let wrong = face.source("warehouse=wh&role=nobody").test().await.unwrap_err();
    assert!(wrong.code == "role" && wrong.hint.unwrap().contains("role=NOBODY"));
    assert!(face.source("connections=2").test().await.unwrap().warnings[0].contains("warehouse=COMPUTE_WH"));
    let wrong = failure(&face.source("warehouse=nowhere"), "select * from information_schema.tables").await;
    assert!(wrong.code == "warehouse" && wrong.hint.unwrap().contains("warehouse=NOWHERE"));
    // Functions that are not known there are left out.
    let bare = Face::new(
        &json!({"answers": [{"match": "current_(version|role|warehouse)", "error": ["001003", "42000", "unknown"]}]}),
    );
    let tested = bare.source("warehouse=wh").test().await.unwrap();
    assert_eq!(
        (tested.user.as_str(), tested.version, tested.warehouse.as_deref()),
        ("ALICE", None, Some("WH (STARTED)"))
    );
}
