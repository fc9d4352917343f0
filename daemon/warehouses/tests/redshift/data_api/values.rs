//! Values come to the last digit and in the same types as by the PostgreSQL protocol, and parameters go as they are.

use super::super::values::EVERYTHING;
use super::super::{ask, asked, dressed, ids, one, server, with_params};
use super::{Face, Files, KEY, SILENCE, USUAL, at};
use arrow::array::AsArray;
use arrow::datatypes::Int64Type;
use wharf_protocol::{ErrorKind, Param};
use wharf_redshift_face::data_api::refusal;
use wharf_warehouses::{Ask, Session, Source, TYPE_NAME, TableKind};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn both_ways_give_the_same_types_and_values() {
    let Some(server) = server() else { return };
    server.run("postgres", EVERYTHING);
    server.run("postgres", "insert into everything(a) values (null)");
    server.run("postgres", "insert into everything(a, c, i, k, l, m, p, q, w) values (false, 0, '', '\"\"', '', '9999-12-31', '9999-12-31 23:59:59.999999', '4713-01-01 00:00:00+00 BC', -99999999999999999999999999999999999999)");
    let (_wire_face, wire) = dressed(&server).await;
    let (_face, _files, source) = at(&server).await;
    let sql = "select * from everything order by a, d nulls last";
    let both = [asked(&wire, ask(sql)).await.unwrap(), asked(&source, ask(sql)).await.unwrap()];
    let [by_wire, by_api] = both.map(|all| arrow::compute::concat_batches(&all[0].schema(), &all).unwrap());
    assert_eq!(by_api.num_rows(), 3);
    for (wire, api) in by_wire.schema().fields().iter().zip(by_api.schema().fields()) {
        assert_eq!(wire, api);
    }
    for (at, (wire, api)) in by_wire.columns().iter().zip(by_api.columns()).enumerate() {
        assert_eq!(wire, api, "{}", by_wire.schema().field(at).name());
    }
    for special in [
        "'NaN'::float8",
        "'-Infinity'::float4",
        "'0044-03-15 BC'::date",
        "1e-307::float8",
        "16777217::float4",
    ] {
        let sql = format!("select {special} as x");
        let both = [asked(&wire, ask(&sql)).await.unwrap(), asked(&source, ask(&sql)).await.unwrap()];
        assert_eq!(format!("{:?}", both[0]), format!("{:?}", both[1]), "{special}");
    }
    for (value, word) in [("'infinity'::date", "an infinite date"), ("'NaN'::numeric(10, 2)", "NaN")] {
        let error = asked(&source, ask(&format!("select {value} as t"))).await.unwrap_err();
        assert_eq!(error.code, "conversion");
        assert!(error.message.contains("`t`") && error.message.contains(word), "{}", error.message);
    }
    let none = source.execute(ask("select * from everything where false")).await.unwrap();
    assert_eq!(none.schema, by_wire.schema());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn parameters_are_values_whatever_stands_in_them() {
    let Some(server) = server() else { return };
    let (face, _files, source) = at(&server).await;
    let nasty = [
        "",
        "'",
        "''",
        "\\",
        "\\'",
        "\\\\'; drop table x; --",
        "\"",
        "$1",
        "$$",
        "%s",
        ":wharf_1",
        ":wharf_2",
        "?",
        "größe 🦀 \u{202e}",
        "a\nb\tc",
        "E'\\x00'",
        "NULL",
        "null",
        "'); select pg_sleep(1000); --",
        "/*",
        "{}",
        " ",
    ];
    for text in nasty {
        let value = Param::Text(text.to_owned());
        let back = one(&source, with_params("select $1::varchar as t", std::slice::from_ref(&value))).await;
        assert_eq!(back.unwrap().as_deref(), Some(text));
        let both = "select 'x' || $2::varchar || '$1' || $1::varchar as t";
        let values = [value, Param::Text("\\".to_owned())];
        assert_eq!(one(&source, with_params(both, &values)).await.unwrap(), Some(format!("x\\$1{text}")));
    }
    let none = one(&source, with_params("select $1::varchar as t", &[Param::Null])).await;
    assert_eq!(none.unwrap(), None);
    let typed = "select n from generate_series(1, 9) as g(n) where n > $1 and ($2 or n < $3) and $4::date > '2025-01-01' limit $5";
    let text = |text: &str| Param::Text(text.to_owned());
    let values = [Param::Int(3), Param::Bool(false), Param::Int(6), text("2026-01-01"), Param::Int(9)];
    assert_eq!(ids(&asked(&source, with_params(typed, &values)).await.unwrap()), [4, 5]);
    for edge in [i64::MIN, i64::MAX, -1] {
        let back = asked(&source, with_params("select $1::bigint as n", &[Param::Int(edge)])).await.unwrap();
        assert_eq!(back[0].column(0).as_primitive::<Int64Type>().value(0), edge);
    }
    // No text ever stood in SQL.
    for call in face.log().iter().filter(|call| call.operation == "BatchExecuteStatement") {
        let sql = call.body["Sqls"].to_string();
        assert!(!sql.contains("pg_sleep") && !sql.contains("drop table"), "{sql}");
    }
    let wrong = asked(&source, with_params("select $1::int as n", &[text("1; x")])).await.unwrap_err();
    assert_eq!(wrong.code, "conversion", "{}", wrong.message);
    let missing = asked(&source, ask("select $1::int as n")).await.unwrap_err();
    assert_eq!((missing.kind, missing.code.as_str()), (ErrorKind::Invalid, "parameter_missing"));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn reading_only_reads_and_writing_counts() {
    let Some(server) = server() else { return };
    server.run("postgres", "create table t (n int); create schema other; create table other.t (m int)");
    let (face, files, source) = at(&server).await;
    let refused = asked(&source, ask("insert into t values (1)")).await.unwrap_err();
    assert_eq!((refused.kind, refused.code.as_str()), (ErrorKind::Refused, "write_not_allowed"));
    assert!(refused.message.contains("[FAILED]"), "{}", refused.message);
    let writes = |sql: &str| Ask { writes: true, ..ask(sql) };
    let counted = asked(&source, writes("insert into t values (1), (2)")).await.unwrap();
    assert_eq!(counted[0].column(0).as_primitive::<Int64Type>().value(0), 2);
    assert_eq!(server.run("postgres", "select count(*) from t"), "2");
    // What cannot stand in a transaction runs too.
    asked(&source, writes("vacuum t")).await.unwrap();
    assert_eq!(asked(&source, ask("delete from t")).await.unwrap_err().code, "write_not_allowed");
    // The schema of the address stands in front.
    let other =
        files.source(&face, "analytics/postgres/other?profile=tests&region=eu-west-1", SILENCE).unwrap();
    assert_eq!(other.execute(ask("select * from t")).await.unwrap().schema.field(0).name(), "m");
    // A server that does not know such transactions is read all the same, and that is told.
    *face.state.fence.lock().unwrap() = false;
    assert_eq!(ids(&asked(&source, ask("select n from t order by n")).await.unwrap()), [1, 2]);
    let tested = source.test().await.unwrap();
    assert!(tested.warnings.iter().any(|w| w.contains("does not hold transactions to reading")));
    let batches =
        face.log().iter().filter(|call| call.body["Sqls"][0] == "set transaction read only").count();
    assert_eq!(ids(&asked(&source, ask("select 1 as n")).await.unwrap()), [1]);
    let later = face.log().iter().filter(|call| call.body["Sqls"][0] == "set transaction read only").count();
    assert_eq!(batches, later, "what is not known is not asked for again");
    // Nor may the request be refused for it.
    let other = files.source(&face, super::USUAL, SILENCE).unwrap();
    face.faults(|call| {
        let fenced = call.body["Sqls"][0] == "set transaction read only";
        fenced.then(|| refusal("ValidationException", "Transaction statements are not allowed in a batch"))
    });
    assert_eq!(ids(&asked(&other, ask("select 1 as n")).await.unwrap()), [1]);
    assert!(!source.capabilities().read_only_sessions);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_there_is_is_told_as_by_the_wire() {
    let Some(server) = server() else { return };
    server.run("postgres", r#"create schema "Odd ""schema'"; create table "Odd ""schema'"."t'a""b\c ö" ("Id" int primary key, "x y" numeric(18,4), v varchar(12))"#);
    server.run(
        "postgres",
        r#"insert into "Odd ""schema'"."t'a""b\c ö" select n, n from generate_series(1, 42) as g(n)"#,
    );
    server.run("postgres", "create table child (a int references \"Odd \"\"schema'\".\"t'a\"\"b\\c ö\" (\"Id\"), t text); create view v as select 1 as one");
    server.run("postgres", "analyze");
    let (_wire_face, wire) = dressed(&server).await;
    let (face, _files, source) = at(&server).await;
    assert_eq!(source.schemas().await.unwrap(), wire.schemas().await.unwrap());
    for schema in source.schemas().await.unwrap() {
        let page = source.tables(&schema, None).await.unwrap();
        assert_eq!(page, wire.tables(&schema, None).await.unwrap());
        for table in &page.items {
            let details = source.details(&schema, &table.name).await.unwrap();
            assert_eq!(details, wire.details(&schema, &table.name).await.unwrap());
        }
    }
    let page = source.tables("public", Some("child")).await.unwrap();
    assert_eq!(
        page.items.iter().map(|t| (t.name.as_str(), t.kind)).collect::<Vec<_>>(),
        [("v", TableKind::View)]
    );
    let sql = "select a, 'x'::varchar(7) as v from child -- all";
    let columns = source.describe(sql, &Session::default()).await.unwrap();
    assert_eq!(columns, wire.describe(sql, &Session::default()).await.unwrap());
    assert!(source.describe("insert into child values (1)", &Session::default()).await.is_err());
    let estimate = source.estimate("select * from child", &Session::default()).await.unwrap();
    assert_eq!(estimate, wire.estimate("select * from child", &Session::default()).await.unwrap());
    let tested = source.test().await.unwrap();
    assert_eq!((tested.user.as_str(), tested.version.as_deref()), ("admin", Some("Redshift 1.0.71629")));
    assert!(tested.warnings.iter().any(|w| w.contains("superuser")), "{:?}", tested.warnings);
    assert_eq!((source.catalog(), source.default_schema()), ("postgres", "public"));
    assert!(face.log().iter().all(|call| call.region == "eu-west-1"));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn statements_run_where_and_as_whom_the_address_says() {
    let Some(server) = server() else { return };
    server.run("postgres", "create user alice; create table secret (n int)");
    let face = Face::start(server.port).await;
    let files = Files::new(KEY);
    let of = |address: &str| files.source(&face, address, SILENCE).unwrap();
    let alice = of("alice@main/postgres?profile=tests&cluster=main&secret_arn=");
    assert_eq!(alice.test().await.unwrap().user, "alice");
    let refused = asked(&alice, ask("select * from secret")).await.unwrap_err();
    assert_eq!((refused.kind, refused.code.as_str()), (ErrorKind::Refused, "source_permission"));
    // The region of the profile, where the address tells none.
    assert!(face.log().iter().all(|call| call.region == "eu-west-3"));
    let answer = of(USUAL).execute(Ask { id: "q-7".to_owned(), ..ask("select 1 as n") }).await.unwrap();
    assert_eq!(answer.schema.field(0).metadata()[TYPE_NAME], "integer");
    let id = answer.statement_id.unwrap();
    assert!(uuid::Uuid::parse_str(&id).is_ok());
    let last = face.log().into_iter().rfind(|call| call.operation == "BatchExecuteStatement").unwrap();
    assert_eq!(
        (last.body["StatementName"].as_str(), last.body["WorkgroupName"].as_str()),
        (Some("wharf q-7"), Some("analytics"))
    );
    let nowhere = of("nowhere/postgres?profile=tests").test().await.unwrap_err();
    assert_eq!((nowhere.kind, nowhere.code.as_str()), (ErrorKind::NotFound, "workgroup_not_found"));
    let missing = of("analytics/nothere?profile=tests").test().await.unwrap_err();
    assert_eq!((missing.kind, missing.code.as_str()), (ErrorKind::Failed, "source_catalog"));
    assert!(missing.message.contains("\"nothere\" does not exist"), "{}", missing.message);
}
