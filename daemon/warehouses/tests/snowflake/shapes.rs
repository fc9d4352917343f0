//! Results of every shape: types, NULLs, odd names, many columns.

use super::far::{Far, Reply};
use super::story::Story;
use super::{asked, source_at};
use arrow::array::{Array, AsArray, RecordBatch};
use arrow::datatypes::{
    DataType, Date32Type, Decimal128Type, Float64Type, Int64Type, Time64NanosecondType, TimeUnit,
    TimestampMicrosecondType, TimestampNanosecondType,
};
use serde_json::{Value, json};
use wharf_protocol::ApiError;
use wharf_warehouses::{JSON, NUMBER, TYPE_NAME};

async fn told(columns: Vec<Value>, rows: Vec<Vec<Value>>) -> Result<Vec<RecordBatch>, ApiError> {
    let story = Story::of(columns, rows);
    let far = Far::new(move |request| story.answer(request)).await;
    asked(&source_at(&far.base, ""), "select 1").await
}

fn column(name: &str, type_name: &str, precision: Option<u32>, scale: Option<u32>) -> Value {
    json!({"name": name, "type": type_name, "precision": precision, "scale": scale, "length": null, "byteLength": null, "nullable": true})
}

#[tokio::test]
async fn every_type_keeps_its_values() {
    let types = [
        ("fixed", Some(10), Some(0), "42"),
        ("FIXED", Some(38), Some(0), "-99999999999999999999999999999999999999"),
        ("fixed", Some(38), Some(37), "0.1234567890123456789012345678901234567"),
        ("real", None, None, "0.1"),
        ("boolean", None, None, "true"),
        ("text", None, None, "ü \u{1F600}"),
        ("binary", None, None, "DEADbeef"),
        ("date", None, None, "-1"),
        ("time", Some(0), Some(9), "86399.999999999"),
        ("timestamp_ntz", Some(0), Some(9), "1616173619.123456789"),
        ("timestamp_ltz", Some(0), Some(3), "-1.250000000"),
        ("timestamp_tz", Some(0), Some(9), "1616173619.000000000 960"),
        ("variant", None, None, "{\n  \"a\": undefined\n}"),
        ("ARRAY", None, None, "[]"),
        ("decfloat", None, None, "1.5E+400"),
        ("geography", None, None, "POINT(1 2)"),
        ("interval_of_tomorrow", None, None, "as it comes"),
    ];
    let columns = types
        .iter()
        .enumerate()
        .map(|(at, (name, p, s, _))| column(&format!("C{at}"), name, *p, *s))
        .collect();
    let values = types.iter().map(|(.., value)| json!(value)).collect();
    let batches = told(columns, vec![values, vec![Value::Null; types.len()]]).await.unwrap();
    let batch = &batches[0];
    assert!(batch.columns().iter().all(|column| column.null_count() == 1 && column.is_null(1)));
    assert_eq!(batch.column(0).as_primitive::<Int64Type>().value(0), 42);
    assert_eq!(
        batch.column(1).as_primitive::<Decimal128Type>().value_as_string(0),
        "-99999999999999999999999999999999999999"
    );
    assert_eq!(
        batch.column(2).as_primitive::<Decimal128Type>().value_as_string(0),
        "0.1234567890123456789012345678901234567"
    );
    assert_eq!(batch.column(3).as_primitive::<Float64Type>().value(0).to_bits(), 0.1_f64.to_bits());
    assert!(batch.column(4).as_boolean().value(0));
    assert_eq!(batch.column(5).as_string::<i32>().value(0), "ü \u{1F600}");
    assert_eq!(batch.column(6).as_binary::<i32>().value(0), [0xde, 0xad, 0xbe, 0xef]);
    assert_eq!(batch.column(7).as_primitive::<Date32Type>().value(0), -1);
    assert_eq!(batch.column(8).as_primitive::<Time64NanosecondType>().value(0), 86_399_999_999_999);
    assert_eq!(batch.column(9).as_primitive::<TimestampNanosecondType>().value(0), 1_616_173_619_123_456_789);
    assert_eq!(batch.column(10).as_primitive::<TimestampMicrosecondType>().value(0), -1_250_000);
    assert_eq!(
        batch.column(11).as_primitive::<TimestampNanosecondType>().value(0),
        1_616_173_619_000_000_000
    );
    assert_eq!(batch.column(11).data_type(), &DataType::Timestamp(TimeUnit::Nanosecond, Some("UTC".into())));
    assert_eq!(batch.column(12).as_string::<i32>().value(0), "{\n  \"a\": null\n}");
    assert_eq!(batch.column(14).as_string::<i32>().value(0), "1.5E+400");
    assert_eq!(batch.column(16).as_string::<i32>().value(0), "as it comes");
    let schema = batch.schema();
    let marked = |key: &str| -> Vec<&str> {
        schema
            .fields()
            .iter()
            .filter(|field| field.metadata().contains_key(key))
            .map(|field| field.name().as_str())
            .collect()
    };
    assert_eq!((marked(JSON), marked(NUMBER)), (vec!["C12", "C13"], vec!["C14"]));
    assert_eq!(schema.field(2).metadata()[TYPE_NAME], "NUMBER(38,37)");
}

#[tokio::test]
async fn a_time_that_nanoseconds_do_not_reach_says_to_cast_it() {
    let end = vec![vec![json!("253402300799.000000000")]];
    let error =
        told(vec![column("VALID TO", "timestamp_ntz", Some(0), Some(9))], end.clone()).await.unwrap_err();
    assert_eq!(error.code, "time_out_of_range");
    assert!(error.hint.unwrap().contains("\"VALID TO\"::TIMESTAMP_NTZ(6)"));
    assert!(told(vec![column("VALID TO", "timestamp_ntz", Some(0), Some(6))], end).await.is_ok());
}

/// A server may leave the quotes out where nothing is lost by it.
#[tokio::test]
async fn bare_numbers_are_taken_where_they_are_exact() {
    let columns = || {
        vec![
            column("A", "fixed", Some(10), Some(0)),
            column("B", "fixed", Some(20), Some(2)),
            column("C", "boolean", None, None),
        ]
    };
    let batches = told(columns(), vec![vec![json!(5), json!(1.25), json!(true)]]).await.unwrap();
    assert_eq!(batches[0].column(1).as_primitive::<Decimal128Type>().value(0), 125);
    let lossy = r#"{"data": [["1", 123456789012345678.25, "true"]]}"#;
    let story = Story::of(columns(), vec![vec![Value::Null, Value::Null, Value::Null]]);
    let far = Far::new(move |request| match request.query.contains_key("partition") {
        true => Reply::Text(200, lossy.to_owned()),
        false if request.method == "GET" => {
            let mut result = story.result();
            result["data"] = json!([]);
            Reply::Json(200, result)
        }
        false => story.answer(request),
    })
    .await;
    assert_eq!(asked(&source_at(&far.base, ""), "select 1").await.unwrap_err().code, "value_unreadable");
}

#[tokio::test]
async fn names_stay_as_they_are() {
    let names = [
        "a",
        "A",
        "A",
        "",
        "with \"quotes\"",
        "dots.in.it",
        "spaces in it",
        "ünïcödé \u{1F4A9}",
        "'; drop table x; --",
    ];
    let columns = names.iter().map(|name| column(name, "text", None, None)).collect();
    let batches = told(columns, vec![vec![json!("x"); names.len()]]).await.unwrap();
    let schema = batches[0].schema();
    assert_eq!(schema.fields().iter().map(|field| field.name().as_str()).collect::<Vec<_>>(), names);
}

#[tokio::test]
async fn ten_thousand_columns_are_read() {
    let columns = (0..10_000).map(|at| column(&format!("C{at}"), "fixed", Some(10), Some(0))).collect();
    let rows = (0..40)
        .map(|row| {
            (0..10_000)
                .map(|at| if (row + at) % 10 == 0 { json!(at.to_string()) } else { Value::Null })
                .collect()
        })
        .collect();
    let batches = told(columns, rows).await.unwrap();
    assert_eq!(batches.iter().map(RecordBatch::num_rows).sum::<usize>(), 40);
    assert_eq!(batches[0].column(9_990).as_primitive::<Int64Type>().value(0), 9_990);
    // Few rows a batch, so that none is large.
    assert!(batches.iter().all(|batch| batch.num_rows() <= 26));
}

#[tokio::test]
async fn no_rows_and_no_columns_are_results_too() {
    assert!(told(vec![column("A", "text", None, None)], Vec::new()).await.unwrap().is_empty());
    let batches = told(Vec::new(), vec![vec![], vec![]]).await.unwrap();
    assert_eq!(batches.iter().map(RecordBatch::num_rows).sum::<usize>(), 2);
}
