//! What the tests of this source share.

use super::face::{self, Face, Plan, TOKEN};
use arrow::array::{Array, ArrayRef, AsArray, Int64Array, RecordBatch, StringArray};
use arrow::datatypes::{DataType, Field, Int64Type, Schema};
use futures::StreamExt;
use serde_json::{Value, json};
use std::sync::Arc;
use std::time::Duration;
use wharf_protocol::ApiError;
use wharf_warehouses::{Address, Answer, Ask, Databricks, Session, Source};

pub fn address(base: &str, more: &str) -> Address {
    let port = base.rsplit(':').next().unwrap();
    let text =
        format!("databricks://ws.example.com/main/sales?endpoint=http%3A%2F%2F127.0.0.1%3A{port}{more}");
    Address::parse(&text).unwrap()
}

/// A source on a face, by token, with a short silence.
pub fn source(face: &Face) -> Databricks {
    by(face, "&warehouse=w1", TOKEN)
}

pub fn by(face: &Face, more: &str, secret: &str) -> Databricks {
    let address = address(&face.base, more);
    Databricks::with_silence("lake", address, Some(secret.to_owned().into()), Duration::from_secs(1)).unwrap()
}

pub fn machine(face: &Face) -> Databricks {
    by(face, "&warehouse=w1&auth=m2m&client_id=client-1", face::CLIENT_SECRET)
}

pub fn ask(sql: &str) -> Ask {
    Ask {
        id: "st_1".to_owned(),
        sql: sql.to_owned(),
        params: Vec::new(),
        deadline: None,
        session: Session::default(),
        writes: false,
        limit: None,
    }
}

pub fn small(sql: &str) -> Ask {
    Ask { limit: Some(100), ..ask(sql) }
}

pub async fn all(answer: Answer) -> Result<Vec<RecordBatch>, ApiError> {
    answer.batches.collect::<Vec<_>>().await.into_iter().collect()
}

/// Everything of a statement as one batch.
pub async fn one(source: &dyn Source, ask: Ask) -> RecordBatch {
    let answer = source.execute(ask).await.unwrap();
    let schema = Arc::clone(&answer.schema);
    arrow::compute::concat_batches(&schema, &all(answer).await.unwrap()).unwrap()
}

/// What a statement fails with, at whichever point.
pub async fn failure(source: &dyn Source, ask: Ask) -> ApiError {
    match source.execute(ask).await {
        Err(error) => error,
        Ok(answer) => all(answer).await.expect_err("it was expected to fail"),
    }
}

/// Rows `first..` of two columns: a number and its text, NULL for each seventh.
pub fn numbered(first: i64, rows: i64) -> RecordBatch {
    let ids: ArrayRef = Arc::new(Int64Array::from_iter_values(first..first + rows));
    let texts: StringArray =
        (first..first + rows).map(|id| (id % 7 != 0).then(|| format!("row {id}"))).collect();
    let fields = vec![Field::new("id", DataType::Int64, true), Field::new("text", DataType::Utf8, true)];
    RecordBatch::try_new(Arc::new(Schema::new(fields)), vec![ids, Arc::new(texts)]).unwrap()
}

/// A result of such rows in chunks of these sizes, for both forms.
pub fn plan(chunks: &[i64]) -> Plan {
    let (mut batches, mut rows, mut first) = (Vec::new(), Vec::new(), 0);
    for size in chunks {
        let half = size / 2;
        batches.push(vec![numbered(first, half), numbered(first + half, size - half)]);
        rows.push((first..first + size).map(cells).collect());
        first += size;
    }
    Plan { columns: columns(), batches, rows, ..Plan::default() }
}

pub fn columns() -> Value {
    json!([
        {"name": "id", "type_text": "BIGINT", "type_name": "LONG", "position": 0},
        {"name": "text", "type_text": "STRING", "type_name": "STRING", "position": 1},
    ])
}

fn cells(id: i64) -> Value {
    match id % 7 {
        0 => json!([id.to_string(), null]),
        _ => json!([id.to_string(), format!("row {id}")]),
    }
}

/// Whether batches are exactly the rows `0..total` of such a result.
pub fn is_whole(batches: &[RecordBatch], total: i64) -> Result<(), String> {
    let mut due = 0;
    for batch in batches {
        let (ids, texts) = (batch.column(0).as_primitive::<Int64Type>(), batch.column(1).as_string::<i32>());
        for at in 0..batch.num_rows() {
            if ids.value(at) != due {
                return Err(format!("row {} came where {due} was due", ids.value(at)));
            }
            let text = texts.is_valid(at).then(|| texts.value(at).to_owned());
            if text != (due % 7 != 0).then(|| format!("row {due}")) {
                return Err(format!("row {due} has the text {text:?}"));
            }
            due += 1;
        }
    }
    (due == total).then_some(()).ok_or_else(|| format!("{due} of {total} rows"))
}

pub fn told(error: &ApiError) -> String {
    format!("{}: {}; {}", error.code, error.message, error.hint.as_deref().unwrap_or_default())
}
