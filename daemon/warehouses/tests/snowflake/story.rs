//! A statement as a far side tells it: runs for some looks, then has a result of several parts.

use super::far::{Reply, Request};
use serde_json::{Value, json};
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};

/// One statement and its result.
#[derive(Debug, Default)]
pub struct Story {
    /// Columns as `rowType` has them.
    pub columns: Vec<Value>,
    /// Rows by part.
    pub parts: Vec<Vec<Vec<Value>>>,
    /// How many looks find it running.
    pub looks: usize,
    pub looked: AtomicUsize,
    /// Ids of requests that submitted it.
    pub requests: Mutex<Vec<String>>,
}

pub const HANDLE: &str = "01b2c3d4-0000-0001-0000-00000000abcd";

impl Story {
    /// Numbers from 0 on, in parts of the sizes.
    pub fn numbers(sizes: &[usize]) -> Self {
        let mut next = 0..;
        let parts = sizes.iter().map(|size| {
            let rows = next.by_ref().take(*size);
            rows.map(|n: i64| {
                vec![
                    json!(n.to_string()),
                    if n % 7 == 0 { Value::Null } else { json!(format!("row \"{n}\" ü")) },
                ]
            })
            .collect()
        });
        Self {
            parts: parts.collect(),
            columns: vec![
                json!({"name": "ID", "type": "fixed", "precision": 18, "scale": 0, "nullable": true, "length": null}),
                json!({"name": "T", "type": "TEXT", "precision": null, "scale": null, "length": 16777216}),
            ],
            ..Self::default()
        }
    }

    /// One part with these columns.
    pub fn of(columns: Vec<Value>, rows: Vec<Vec<Value>>) -> Self {
        Self { columns, parts: vec![rows], ..Self::default() }
    }

    pub fn rows(&self) -> usize {
        self.parts.iter().map(Vec::len).sum()
    }

    pub fn meta(&self) -> Value {
        let parts: Vec<Value> = self
            .parts
            .iter()
            .enumerate()
            .map(|(at, part)| match at {
                0 => json!({"rowCount": part.len(), "uncompressedSize": 100}),
                _ => json!({"rowCount": part.len(), "uncompressedSize": 100, "compressedSize": 50}),
            })
            .collect();
        json!({"numRows": self.rows(), "format": "jsonv2", "rowType": self.columns, "partitionInfo": parts})
    }

    pub fn result(&self) -> Value {
        json!({
            "code": "090001", "sqlState": "00000", "message": "Statement executed successfully.",
            "statementHandle": HANDLE, "statementStatusUrl": format!("/api/v2/statements/{HANDLE}"),
            "createdOn": 1_620_151_584_132_u64,
            "resultSetMetaData": self.meta(),
            "data": self.parts.first().cloned().unwrap_or_default(),
        })
    }

    pub fn part(&self, number: usize) -> String {
        json!({"data": self.parts[number]}).to_string()
    }

    /// What a far side in order answers.
    pub fn answer(&self, request: &Request) -> Reply {
        if request.is_cancel() {
            return Reply::Json(
                200,
                json!({"code": "000604", "sqlState": "57014", "message": "canceled", "statementHandle": HANDLE}),
            );
        }
        if request.is_submit() {
            let id = request.query.get("requestId").cloned().unwrap_or_default();
            self.requests.lock().unwrap().push(id);
            return running();
        }
        if !request.path.ends_with(HANDLE) {
            return Reply::Json(422, json!({"code": "000709", "message": "no such statement"}));
        }
        match request.query.get("partition").and_then(|text| text.parse().ok()) {
            None if self.looked.fetch_add(1, Ordering::SeqCst) < self.looks => running(),
            None => Reply::Json(200, self.result()),
            Some(0) => Reply::Json(200, json!({"data": self.parts[0]})),
            Some(number) if number < self.parts.len() => Reply::Packed(self.part(number)),
            Some(_) => Reply::Json(422, json!({"code": "000008", "message": "no such partition"})),
        }
    }
}

pub fn running() -> Reply {
    Reply::Json(
        202,
        json!({"code": "333334", "message": "Asynchronous execution in progress.", "statementHandle": HANDLE, "statementStatusUrl": format!("/api/v2/statements/{HANDLE}")}),
    )
}
