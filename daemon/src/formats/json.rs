//! JSON: one array of objects, or one object a line; and the texts that the client's views read.

use super::cell::{Written, json_string, readers};
use super::{Encoder, Shape};
use arrow::array::RecordBatch;
use std::sync::Arc;
use wharf_protocol::{ApiError, ErrorKind};

/// Objects, in an array or one a line.
pub(super) struct Json {
    shape: Arc<Shape>,
    // Each column's `"name":` with the brace or comma before it, made once.
    keys: Vec<Vec<u8>>,
    lines: bool,
}

impl Json {
    pub(super) fn array(shape: Arc<Shape>) -> Self {
        Self { keys: keys(&shape), shape, lines: false }
    }

    pub(super) fn lines(shape: Arc<Shape>) -> Self {
        Self { keys: keys(&shape), shape, lines: true }
    }
}

fn keys(shape: &Shape) -> Vec<Vec<u8>> {
    let mut keys = Vec::new();
    for (i, column) in shape.columns.iter().enumerate() {
        let mut key = vec![if i == 0 { b'{' } else { b',' }];
        json_string(&column.name, &mut key);
        key.push(b':');
        keys.push(key);
    }
    keys
}

impl Encoder for Json {
    fn head(&self, out: &mut Vec<u8>) -> Result<(), ApiError> {
        if !self.lines {
            out.push(b'[');
        }
        Ok(())
    }

    fn batch(&self, batch: &RecordBatch, first: bool, out: &mut Vec<u8>) -> Result<(), ApiError> {
        let columns = readers(&self.shape, batch);
        for row in 0..batch.num_rows() {
            if !self.lines {
                out.extend_from_slice(if first && row == 0 { b"\n" } else { b",\n" });
            }
            for (key, column) in self.keys.iter().zip(&columns) {
                out.extend_from_slice(key);
                column.json(row, out);
            }
            out.push(b'}');
            if self.lines {
                out.push(b'\n');
            }
        }
        Ok(())
    }

    fn tail(&self, any: bool, out: &mut Vec<u8>) -> Result<(), ApiError> {
        if !self.lines {
            out.extend_from_slice(if any { b"\n]\n" } else { b"]\n" });
        }
        Ok(())
    }
}

/// A line `{"columns":[...]}`, then one array of texts (or null) a row.
pub(super) struct RowTexts {
    shape: Arc<Shape>,
}

impl RowTexts {
    pub(super) fn new(shape: Arc<Shape>) -> Self {
        Self { shape }
    }
}

impl Encoder for RowTexts {
    fn head(&self, out: &mut Vec<u8>) -> Result<(), ApiError> {
        let columns = serde_json::to_string(&self.shape.columns)
            .map_err(|e| ApiError::new(ErrorKind::Internal, "format", e.to_string()))?;
        out.extend_from_slice(format!("{{\"columns\":{columns}}}\n").as_bytes());
        Ok(())
    }

    fn batch(&self, batch: &RecordBatch, _first: bool, out: &mut Vec<u8>) -> Result<(), ApiError> {
        let columns = readers(&self.shape, batch);
        let mut text = Vec::new();
        for row in 0..batch.num_rows() {
            out.push(b'[');
            for (i, column) in columns.iter().enumerate() {
                if i > 0 {
                    out.push(b',');
                }
                text.clear();
                match column.write(row, &mut text) {
                    Written::Null => out.extend_from_slice(b"null"),
                    _ => json_string(&String::from_utf8_lossy(&text), out),
                }
            }
            out.extend_from_slice(b"]\n");
        }
        Ok(())
    }

    fn tail(&self, _any: bool, _out: &mut Vec<u8>) -> Result<(), ApiError> {
        Ok(())
    }
}
