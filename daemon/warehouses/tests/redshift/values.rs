//! Values come to the last digit, and parameters go as they are.

use super::{ask, asked, dressed, one, server, with_params};
use arrow::array::{Array, AsArray};
use arrow::datatypes::{
    DataType, Date32Type, Decimal128Type, Float32Type, Float64Type, Int16Type, Int32Type, Int64Type,
    IntervalMonthDayNanoType, IntervalUnit, Time64MicrosecondType, TimeUnit, TimestampMicrosecondType,
};
use wharf_protocol::{ErrorKind, Param};
use wharf_warehouses::{JSON, NUMBER, Session, Source, TYPE_NAME};

pub const EVERYTHING: &str = r#"
    create table everything as select true as a, (-32768)::int2 as b, 2147483647 as c, (-9223372036854775808)::int8 as d,
      0.1::float4 as e, 0.1::float8 + 0.2::float8 as f, 12345678901234567890.123456789::numeric as g,
      (-12.30)::numeric(10,2) as h, 'größe "x" \'::varchar(30) as i, 'y'::char(3) as j, '{"a": [1, null]}'::json as k,
      '\xdeadBEEF'::bytea as l, '0001-01-01'::date as m, '23:59:59.999999'::time as n, '04:05:06.5+02'::timetz as o,
      '2026-01-31 12:34:56.789012'::timestamp as p, '2026-01-31 12:34:56.789012+05:30'::timestamptz as q,
      '1 year 2 mons'::interval year to month as r, '3 days -04:05:06.7'::interval as s, point(1, 2) as t,
      '1e-307'::float8 as u, '1234567.1'::float4 as v, 99999999999999999999999999999999999999::numeric(38,0) as w"#;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn values_of_all_types_come_to_the_last_digit() {
    let Some(server) = server() else { return };
    server.run("postgres", EVERYTHING);
    server.run("postgres", "insert into everything(a) values (null)");
    let (face, source) = dressed(&server).await;
    let batches = asked(&source, ask("select * from everything order by a nulls last")).await.unwrap();
    let all = arrow::compute::concat_batches(&batches[0].schema(), &batches).unwrap();
    assert_eq!(all.num_rows(), 2);
    for column in all.columns() {
        assert!(column.is_valid(0) && column.is_null(1), "{:?}", column.data_type());
    }
    let at = |name: &str| all.column_by_name(name).unwrap().clone();
    assert!(at("a").as_boolean().value(0));
    assert_eq!(at("b").as_primitive::<Int16Type>().value(0), i16::MIN);
    assert_eq!(at("c").as_primitive::<Int32Type>().value(0), i32::MAX);
    assert_eq!(at("d").as_primitive::<Int64Type>().value(0), i64::MIN);
    assert_eq!(at("e").as_primitive::<Float32Type>().value(0), 0.1_f32);
    assert_eq!(at("f").as_primitive::<Float64Type>().value(0), 0.1 + 0.2);
    assert_eq!(at("u").as_primitive::<Float64Type>().value(0), 1e-307);
    assert_eq!(at("v").as_primitive::<Float32Type>().value(0), 1_234_567.1);
    assert_eq!(at("h").data_type(), &DataType::Decimal128(10, 2));
    assert_eq!(at("h").as_primitive::<Decimal128Type>().value(0), -1230);
    assert_eq!(at("w").as_primitive::<Decimal128Type>().value(0), 10_i128.pow(38) - 1);
    assert_eq!(at("l").as_binary::<i32>().value(0), [0xde, 0xad, 0xbe, 0xef]);
    assert_eq!(at("m").as_primitive::<Date32Type>().value(0), -719_162);
    assert_eq!(at("n").as_primitive::<Time64MicrosecondType>().value(0), 86_399_999_999);
    assert_eq!(at("p").data_type(), &DataType::Timestamp(TimeUnit::Microsecond, None));
    assert_eq!(at("p").as_primitive::<TimestampMicrosecondType>().value(0), 1_769_862_896_789_012);
    assert_eq!(at("q").data_type(), &DataType::Timestamp(TimeUnit::Microsecond, Some("UTC".into())));
    assert_eq!(
        at("q").as_primitive::<TimestampMicrosecondType>().value(0),
        1_769_862_896_789_012 - 19_800_000_000
    );
    assert_eq!(at("r").data_type(), &DataType::Interval(IntervalUnit::MonthDayNano));
    let interval = |name: &str| {
        let value = at(name).as_primitive::<IntervalMonthDayNanoType>().value(0);
        (value.months, value.days, value.nanoseconds)
    };
    assert_eq!(interval("r"), (14, 0, 0));
    assert_eq!(interval("s"), (0, 3, -14_706_700_000_000));
    for (name, text) in [
        ("g", "12345678901234567890.123456789"),
        ("i", "größe \"x\" \\"),
        ("j", "y  "),
        ("k", "{\"a\": [1, null]}"),
        ("o", "04:05:06.5+02"),
        ("t", "(1,2)"),
    ] {
        assert_eq!(at(name).as_string::<i32>().value(0), text, "{name}");
    }
    let schema = all.schema();
    let mark = |name: &str, mark: &str| schema.field_with_name(name).unwrap().metadata().get(mark).cloned();
    assert!(mark("g", NUMBER).is_some() && mark("k", JSON).is_some());
    for (name, called) in [
        ("h", "numeric(10,2)"),
        ("i", "character varying(30)"),
        ("k", "super"),
        ("l", "varbyte"),
        ("q", "timestamp with time zone"),
        ("r", "interval year to month"),
        ("s", "interval day to second"),
        ("t", "geometry"),
    ] {
        assert_eq!(mark(name, TYPE_NAME).as_deref(), Some(called), "{name}");
    }
    assert!(!face.seen().iter().any(|sql| sql.contains("pg_type") || sql.contains("digits to 3")));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_arrow_cannot_hold_is_an_error_that_tells_the_column() {
    let Some(server) = server() else { return };
    let (_face, source) = dressed(&server).await;
    for (value, word) in [
        ("'infinity'::date", "an infinite date"),
        ("'-infinity'::timestamp", "an infinite timestamp"),
        ("'24:00'::time", "24:00:00"),
        ("'NaN'::numeric(10, 2)", "NaN"),
    ] {
        let error = asked(&source, ask(&format!("select {value} as t"))).await.unwrap_err();
        assert_eq!(error.code, "conversion");
        assert!(error.message.contains("`t`") && error.message.contains(word), "{}", error.message);
        assert!(error.hint.unwrap().contains("t::text"));
    }
    let special =
        asked(&source, ask("select 'NaN'::float8, '-Infinity'::float4, '0044-03-15 BC'::date")).await;
    let special = &special.unwrap()[0];
    assert!(special.column(0).as_primitive::<Float64Type>().value(0).is_nan());
    assert_eq!(special.column(1).as_primitive::<Float32Type>().value(0), f32::NEG_INFINITY);
    assert_eq!(special.column(2).as_primitive::<Date32Type>().value(0), -735_160);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn parameters_are_values_whatever_stands_in_them() {
    let Some(server) = server() else { return };
    let (face, source) = dressed(&server).await;
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
        ":name",
        "?",
        "größe 🦀 \u{202e}",
        "a\nb\tc",
        "E'\\x00'",
        "NULL",
        "null",
        "'); select pg_sleep(1000); --",
        "/*",
        "{}",
    ];
    for text in nasty {
        let back =
            one(&source, with_params("select $1::varchar as t", &[Param::Text(text.to_owned())])).await;
        assert_eq!(back.unwrap().as_deref(), Some(text));
        let both = "select 'x' || $2::varchar || '$1' || $1::varchar as t";
        let values = [Param::Text(text.to_owned()), Param::Text("\\".to_owned())];
        assert_eq!(one(&source, with_params(both, &values)).await.unwrap(), Some(format!("x\\$1{text}")));
    }
    let none = one(&source, with_params("select $1::varchar as t", &[Param::Null])).await;
    assert_eq!(none.unwrap(), None);
    let typed = "select n from generate_series(1, 9) as g(n) where n > $1 and ($2 or n < $3) and $4::date > '2025-01-01'";
    let values = [Param::Int(3), Param::Bool(false), Param::Int(6), Param::Text("2026-01-01".to_owned())];
    let batches = asked(&source, with_params(typed, &values)).await.unwrap();
    assert_eq!(super::ids(&batches), [4, 5]);
    // Nothing of the values ever stood in SQL.
    assert!(!face.seen().iter().any(|sql| sql.contains("pg_sleep") || sql.contains("drop table")));
    let wrong = asked(&source, with_params("select $1::int as n", &[Param::Text("1; x".to_owned())])).await;
    assert_eq!(wrong.unwrap_err().code, "conversion");
    let missing = asked(&source, ask("select $1::int as n")).await.unwrap_err();
    assert_eq!((missing.kind, missing.code.as_str()), (ErrorKind::Invalid, "parameter_missing"));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn reading_only_reads_and_writing_counts() {
    let Some(server) = server() else { return };
    server.run("postgres", "create table t (n int)");
    let (_face, source) = dressed(&server).await;
    let refused = asked(&source, ask("insert into t values (1)")).await.unwrap_err();
    assert_eq!((refused.kind, refused.code.as_str()), (ErrorKind::Refused, "write_not_allowed"));
    let writes = |sql: &str| wharf_warehouses::Ask { writes: true, ..ask(sql) };
    let counted = asked(&source, writes("insert into t values (1), (2)")).await.unwrap();
    assert_eq!(counted[0].column(0).as_primitive::<Int64Type>().value(0), 2);
    assert_eq!(server.run("postgres", "select count(*) from t"), "2");
    // After a write the same connection is held to reading again.
    assert_eq!(asked(&source, ask("delete from t")).await.unwrap_err().code, "write_not_allowed");
    let empty = source.execute(ask("select n from t where false")).await.unwrap();
    assert_eq!(empty.schema.field(0).name(), "n");
    let columns =
        source.describe("select n, 'x'::varchar(7) as v from t", &Session::default()).await.unwrap();
    let told: Vec<_> = columns.iter().map(|c| (c.name.as_str(), c.type_name.as_str())).collect();
    assert_eq!(told, [("n", "integer"), ("v", "character varying(7)")]);
    let error = asked(&source, ask("select n,\n  x from t")).await.unwrap_err();
    assert_eq!(error.code, "column_not_found");
    assert!(error.message.contains("[42703] (line 2, column 3)"), "{}", error.message);
}
