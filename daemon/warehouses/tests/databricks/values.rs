//! Values of every type, the same in both forms of a result.

use super::face::{Face, Plan};
use super::support::{ask, one, small, source};
use arrow::array::*;
use arrow::buffer::{NullBuffer, OffsetBuffer};
use arrow::datatypes::*;
use arrow::util::display::ArrayFormatter;
use serde_json::{Value, json};
use std::sync::Arc;
use wharf_warehouses::{Source, TYPE_NAME};

/// A type: its text, its name, the Arrow column that the engine sends (a value, NULL), the cell, the type and text that are
/// handed out.
struct Case {
    text: &'static str,
    name: &'static str,
    arrow: ArrayRef,
    cell: Value,
    target: DataType,
    shown: &'static str,
}

fn zoned() -> DataType {
    DataType::Timestamp(TimeUnit::Microsecond, Some("UTC".into()))
}

fn case(
    text: &'static str,
    name: &'static str,
    arrow: impl Array + 'static,
    cell: impl Into<Value>,
    shown: &'static str,
) -> Case {
    let arrow: ArrayRef = Arc::new(arrow);
    Case { text, name, target: arrow.data_type().clone(), arrow, cell: cell.into(), shown }
}

fn cases() -> Vec<Case> {
    let mut cases = vec![
        case("BOOLEAN", "BOOLEAN", BooleanArray::from(vec![Some(true), None]), "true", "true"),
        case("TINYINT", "BYTE", Int8Array::from(vec![Some(-128), None]), "-128", "-128"),
        case("SMALLINT", "SHORT", Int16Array::from(vec![Some(-32768), None]), "-32768", "-32768"),
        case("INT", "INT", Int32Array::from(vec![Some(i32::MIN), None]), "-2147483648", "-2147483648"),
        case(
            "BIGINT",
            "LONG",
            Int64Array::from(vec![Some(i64::MAX), None]),
            "9223372036854775807",
            "9223372036854775807",
        ),
        case("FLOAT", "FLOAT", Float32Array::from(vec![Some(0.1), None]), "0.1", "0.1"),
        case(
            "DOUBLE",
            "DOUBLE",
            Float64Array::from(vec![Some(f64::NEG_INFINITY), None]),
            "-Infinity",
            "-inf",
        ),
        case("DATE", "DATE", Date32Array::from(vec![Some(-719_162), None]), "0001-01-01", "0001-01-01"),
        case(
            "STRING",
            "STRING",
            StringArray::from(vec![Some("naïve\n\u{1f600}"), None]),
            "naïve\n\u{1f600}",
            "naïve\n\u{1f600}",
        ),
        case("CHAR(3)", "CHAR", StringArray::from(vec![Some(""), None]), "", ""),
        case(
            "VARIANT",
            "VARIANT",
            StringArray::from(vec![Some("{\"a\":1}"), None]),
            "{\"a\":1}",
            "{\"a\":1}",
        ),
        case("INTERVAL YEAR TO MONTH", "INTERVAL", StringArray::from(vec![Some("1-2"), None]), "1-2", "1-2"),
        case(
            "GEOMETRY(4326)",
            "GEOMETRY",
            StringArray::from(vec![Some("POINT (1 2)"), None]),
            "POINT (1 2)",
            "POINT (1 2)",
        ),
        case("HLLSKETCH", "USER_DEFINED_TYPE", StringArray::from(vec![Some("x"), None]), "x", "x"),
        case("VOID", "NULL", NullArray::new(2), Value::Null, ""),
        case(
            "DECIMAL(38,18)",
            "DECIMAL",
            Decimal128Array::from(vec![Some(-12_345_678_901_234_567_890_123_456_789_012_345_678), None])
                .with_precision_and_scale(38, 18)
                .unwrap(),
            "-12345678901234567890.123456789012345678",
            "-12345678901234567890.123456789012345678",
        ),
    ];
    let micros = TimestampMicrosecondArray::from(vec![Some(1_609_524_000_000_001), None]);
    cases.push(Case {
        target: zoned(),
        ..case(
            "TIMESTAMP",
            "TIMESTAMP",
            micros.clone().with_timezone("America/Los_Angeles"),
            "2021-01-01T10:00:00.000001-08:00",
            "2021-01-01T18:00:00.000001Z",
        )
    });
    cases.push(case(
        "TIMESTAMP_NTZ",
        "TIMESTAMP",
        micros,
        "2021-01-01 18:00:00.000001",
        "2021-01-01T18:00:00.000001",
    ));
    // An instant that lost its zone on the way to Arrow.
    cases.push(Case {
        target: zoned(),
        ..case(
            "TIMESTAMP_LTZ",
            "TIMESTAMP",
            TimestampMicrosecondArray::from(vec![Some(-1), None]),
            "1969-12-31T23:59:59.999999Z",
            "1969-12-31T23:59:59.999999Z",
        )
    });
    // Intervals also as Arrow has them.
    cases.push(Case {
        target: DataType::Utf8,
        ..case(
            "INTERVAL MONTH",
            "INTERVAL",
            IntervalYearMonthArray::from(vec![Some(-14), None]),
            "-1-2",
            "-1-2",
        )
    });
    cases.push(Case {
        target: DataType::Utf8,
        ..case(
            "INTERVAL DAY TO SECOND",
            "INTERVAL",
            DurationMicrosecondArray::from(vec![Some(93_784_000_000), None]),
            "1 02:03:04.000000000",
            "1 02:03:04.000000000",
        )
    });
    cases.extend(nested());
    cases
}

/// Nested columns with the engine's own names of their parts, and with its zone inside.
fn nested() -> Vec<Case> {
    let nulls = || Some(NullBuffer::from(vec![true, false]));
    let element = |data_type: DataType| Arc::new(Field::new("element", data_type, true));
    let item = |data_type: DataType| DataType::List(Arc::new(Field::new("item", data_type, true)));
    let times = TimestampMicrosecondArray::from(vec![Some(0), None]).with_timezone("Etc/UTC");
    let list = ListArray::new(
        element(times.data_type().clone()),
        OffsetBuffer::from_lengths([2, 0]),
        Arc::new(times),
        nulls(),
    );
    let array = Case {
        target: item(zoned()),
        ..case(
            "ARRAY<TIMESTAMP>",
            "ARRAY",
            list,
            "[\"1970-01-01T00:00:00.000Z\",null]",
            "[1970-01-01T00:00:00Z, ]",
        )
    };

    let prices = Decimal128Array::from(vec![Some(150), None]).with_precision_and_scale(38, 2).unwrap();
    let entries = StructArray::from(vec![
        (
            Arc::new(Field::new("key", DataType::Utf8, false)),
            Arc::new(StringArray::from(vec!["a.b", "größe"])) as ArrayRef,
        ),
        (Arc::new(Field::new("value", prices.data_type().clone(), true)), Arc::new(prices) as ArrayRef),
    ]);
    let field = Arc::new(Field::new("key_value", entries.data_type().clone(), false));
    let map = MapArray::new(field, OffsetBuffer::from_lengths([2, 0]), entries, nulls(), false);
    let pair: Fields = vec![
        Field::new("key", DataType::Utf8, false),
        Field::new("value", DataType::Decimal128(38, 2), true),
    ]
    .into();
    let target = DataType::Map(Arc::new(Field::new("entries", DataType::Struct(pair), false)), false);
    let map = Case {
        target,
        ..case(
            "MAP<STRING, DECIMAL(38,2)>",
            "MAP",
            map,
            "{\"a.b\":1.50,\"größe\":null}",
            "{a.b: 1.50, größe: }",
        )
    };

    let ids = Int64Array::from(vec![Some(i64::MAX), None]);
    let fields: Fields =
        vec![Field::new("id", DataType::Int64, true), Field::new("a b`", DataType::Utf8, true)].into();
    let structure = StructArray::new(
        fields,
        vec![Arc::new(ids), Arc::new(StringArray::from(vec![None::<&str>, None]))],
        nulls(),
    );
    let structure = case(
        "STRUCT<id: BIGINT, `a b```: STRING>",
        "STRUCT",
        structure,
        "{\"id\":\"9223372036854775807\"}",
        "{id: 9223372036854775807, a b`: }",
    );
    vec![array, map, structure]
}

#[tokio::test]
async fn every_type_is_the_same_in_both_forms() {
    let (vague, exact): (Vec<_>, Vec<_>) =
        cases().into_iter().partition(|case| case.text == "ARRAY<TIMESTAMP>");
    is_the_same_in_both_forms(exact, 2).await;
    // What JSON may have cut takes a third statement.
    is_the_same_in_both_forms(vague, 3).await;
}

async fn is_the_same_in_both_forms(cases: Vec<Case>, statements: usize) {
    let columns: Vec<Value> = cases
        .iter()
        .enumerate()
        .map(|(at, case)| json!({"name": format!("c{at}"), "type_text": case.text, "type_name": case.name, "position": at}))
        .collect();
    let arrow = RecordBatch::try_from_iter_with_nullable(
        cases.iter().enumerate().map(|(at, c)| (format!("c{at}"), Arc::clone(&c.arrow), true)),
    )
    .unwrap();
    let value: Vec<Value> = cases.iter().map(|case| case.cell.clone()).collect();
    let rows = vec![Value::from(value), vec![Value::Null; cases.len()].into()];
    let face = Face::start().await;
    face.plan(
        "q",
        Plan { columns: columns.into(), batches: vec![vec![arrow]], rows: vec![rows], ..Plan::default() },
    );
    let source = source(&face);
    let (inline, links) = (one(&source, small("q")).await, one(&source, ask("q")).await);
    assert_eq!(inline.schema(), links.schema());
    for (at, case) in cases.iter().enumerate() {
        let field = links.schema().field(at).clone();
        assert_eq!(*field.data_type(), case.target, "{}", case.text);
        assert_eq!(field.metadata()[TYPE_NAME], case.text);
        assert_eq!(field.metadata().contains_key("wharf.json"), case.text == "VARIANT");
        for (form, batch) in [("inline", &inline), ("links", &links)] {
            let column = batch.column(at);
            // The formatter knows no names of zones.
            let shift = DataType::Timestamp(TimeUnit::Microsecond, Some("+00:00".into()));
            let column = &match case.text {
                "TIMESTAMP" | "TIMESTAMP_LTZ" => arrow::compute::cast(column, &shift).unwrap(),
                "ARRAY<TIMESTAMP>" => {
                    let item = DataType::List(Arc::new(Field::new("item", shift, true)));
                    arrow::compute::cast(column, &item).unwrap()
                }
                _ => Arc::clone(column),
            };
            let shown = ArrayFormatter::try_new(column, &Default::default()).unwrap();
            assert_eq!(shown.value(0).to_string(), case.shown, "{} {form}", case.text);
            assert!(column.is_null(1) || case.text == "VOID", "{} {form}", case.text);
        }
    }
    assert_eq!(inline, links);
    assert_eq!(
        face.count(|request| request.method == "POST" && request.path.ends_with("/statements")),
        statements
    );
}

#[tokio::test]
async fn instants_that_may_have_been_cut_inline_are_asked_for_again() {
    let face = Face::start().await;
    let micros = TimestampMicrosecondArray::from(vec![1_609_524_000_123_456]).with_timezone("UTC");
    let batch =
        RecordBatch::try_from_iter_with_nullable([("at", Arc::new(micros) as ArrayRef, true)]).unwrap();
    let source = source(&face);
    for (cell, statements) in [
        ("2021-01-01T18:00:00.123Z", 2),
        ("2021-01-01T10:00:00.123-08:00", 2),
        ("2021-01-01T18:00:00.123456Z", 1),
        ("2021-01-01 18:00:00.123456000", 1),
    ] {
        let columns = json!([{"name": "at", "type_text": "TIMESTAMP"}]);
        let rows = vec![vec![json!([cell])]];
        face.plan("q", Plan { columns, batches: vec![vec![batch.clone()]], rows, ..Plan::default() });
        let before = face.count(|request| request.method == "POST" && request.path.ends_with("/statements"));
        let came = one(&source, small("q")).await;
        assert_eq!(came.column(0).as_primitive::<TimestampMicrosecondType>().value(0), 1_609_524_000_123_456);
        let after = face.count(|request| request.method == "POST" && request.path.ends_with("/statements"));
        assert_eq!(after - before, statements, "{cell}");
    }
}

#[tokio::test]
async fn names_of_columns_may_be_odd_empty_and_twice() {
    let face = Face::start().await;
    let names = ["", "a", "a", "a b", "x.y", "`", "größe"];
    let columns: Vec<Value> = names.iter().map(|name| json!({"name": name, "type_text": "INT"})).collect();
    let batch = RecordBatch::try_from_iter_with_nullable(
        names.map(|n| (n, Arc::new(Int32Array::from(vec![None, Some(1)])) as ArrayRef, true)),
    )
    .unwrap();
    let rows = vec![vec![
        json!([null, null, null, null, null, null, null]),
        json!(["1", "1", "1", 1, "1", "1", "1"]),
    ]];
    face.plan("q", Plan { columns: columns.into(), batches: vec![vec![batch]], rows, ..Plan::default() });
    for asked in [ask("q"), small("q")] {
        let batch = one(&source(&face), asked).await;
        let found: Vec<_> = batch.schema().fields().iter().map(|field| field.name().clone()).collect();
        assert_eq!(found, names);
        assert_eq!(batch.column(6).as_primitive::<Int32Type>().value(1), 1);
    }
}

#[tokio::test]
async fn ten_thousand_columns_come_in_both_forms() {
    let face = Face::start().await;
    let columns: Vec<Value> = (0..10_000)
        .map(|at| json!({"name": format!("c{at}"), "type_text": "BIGINT", "position": 9_999 - at}))
        .collect();
    let batch = RecordBatch::try_from_iter(
        (0..10_000)
            .map(|at| (format!("c{}", 9_999 - at), Arc::new(Int64Array::from(vec![at, at])) as ArrayRef)),
    )
    .unwrap();
    let row: Value = (0..10_000).map(|at| at.to_string()).collect();
    face.plan(
        "q",
        Plan {
            columns: columns.into(),
            batches: vec![vec![batch]],
            rows: vec![vec![row.clone(), row]],
            ..Plan::default()
        },
    );
    let source = source(&face);
    assert_eq!(one(&source, ask("q")).await, one(&source, small("q")).await);
}

#[tokio::test]
async fn a_value_that_is_not_of_its_type_is_an_error_that_does_not_tell_the_value() {
    let face = Face::start().await;
    for (text, cell) in [
        ("INT", "9999999999"),
        ("DATE", "yesterday"),
        ("DECIMAL(4,2)", "1.234"),
        ("BOOLEAN", "maybe"),
        ("ARRAY<INT>", "[1"),
        ("VOID", "x"),
    ] {
        let columns = json!([{"name": "c", "type_text": text}]);
        face.plan("q", Plan { columns, rows: vec![vec![json!([cell])]], ..Plan::default() });
        let error = super::support::failure(&source(&face), small("q")).await;
        assert_eq!(error.code, "result_unreadable", "{text}");
        assert!(error.message.contains("column `c`") && !error.message.contains(cell), "{error}");
    }
    let wrong =
        RecordBatch::try_from_iter([("c", Arc::new(StringArray::from(vec!["1"])) as ArrayRef)]).unwrap();
    face.plan(
        "q",
        Plan {
            columns: json!([{"name": "c", "type_text": "INT"}]),
            batches: vec![vec![wrong]],
            ..Plan::default()
        },
    );
    assert_eq!(super::support::failure(&source(&face), ask("q")).await.code, "result_unreadable");
    let source: &dyn Source = &source(&face);
    assert_eq!((source.catalog(), source.default_schema()), ("main", "sales"));
}
