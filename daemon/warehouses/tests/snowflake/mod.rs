//! The source for Snowflake, before a far side in this process and before the face of `tests/faces/snowflake`.

// Helpers of tests may panic like tests.
#![allow(clippy::unwrap_used, clippy::expect_used)]

mod bad_input;
mod catalog;
mod face;
mod far;
mod faults;
mod flow;
mod keys;
mod shapes;
mod sql;
mod story;

use arrow::array::{AsArray, RecordBatch};
use arrow::datatypes::Int64Type;
use futures::StreamExt;
use secrecy::SecretString;
use std::time::{Duration, Instant};
use wharf_protocol::ApiError;
use wharf_warehouses::{Address, Answer, Ask, Session, Snowflake, Source};

/// A source at a base URL.
fn source_at(base: &str, options: &str) -> Snowflake {
    let endpoint: String = url::form_urlencoded::byte_serialize(base.as_bytes()).collect();
    let text = format!("snowflake://ALICE@myorg-acct/DB1/S1?warehouse=WH&endpoint={endpoint}{options}");
    Snowflake::new("sales", Address::parse(&text).unwrap(), Some(SecretString::from("pat-secret".to_owned())))
        .unwrap()
}

fn ask(sql: &str) -> Ask {
    Ask {
        id: "q-1".to_owned(),
        sql: sql.to_owned(),
        params: Vec::new(),
        deadline: Some(Instant::now() + Duration::from_secs(20)),
        session: Session::default(),
        writes: false,
        limit: None,
    }
}

/// All batches, or the first error.
async fn all(answer: Answer) -> Result<Vec<RecordBatch>, ApiError> {
    let mut batches = Vec::new();
    let mut stream = answer.batches;
    while let Some(batch) = stream.next().await {
        batches.push(batch?);
    }
    Ok(batches)
}

async fn asked(source: &Snowflake, sql: &str) -> Result<Vec<RecordBatch>, ApiError> {
    all(source.execute(ask(sql)).await?).await
}

/// The whole numbers of the first column.
fn ids(batches: &[RecordBatch]) -> Vec<i64> {
    batches.iter().flat_map(|batch| batch.column(0).as_primitive::<Int64Type>().values().to_vec()).collect()
}
