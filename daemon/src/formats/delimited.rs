//! CSV (RFC 4180) and TSV.

use super::cell::{Written, readers};
use super::{Encoder, Shape};
use arrow::array::RecordBatch;
use std::sync::Arc;
use wharf_protocol::ApiError;

/// Delimited text. In CSV a NULL is an empty field and an empty text is `""`, so they can be told apart.
pub(super) struct Delimited {
    shape: Arc<Shape>,
    header: bool,
    null: Vec<u8>,
    comma: u8,
    quote: fn(&mut Vec<u8>, usize, &[u8]),
}

impl Delimited {
    pub(super) fn csv(shape: Arc<Shape>, header: bool, null: String) -> Self {
        Self { shape, header, null: null.into_bytes(), comma: b',', quote: quote_csv }
    }

    pub(super) fn tsv(shape: Arc<Shape>, header: bool, null: String) -> Self {
        Self { shape, header, null: null.into_bytes(), comma: b'\t', quote: escape_tsv }
    }
}

impl Encoder for Delimited {
    fn head(&self, out: &mut Vec<u8>) -> Result<(), ApiError> {
        if self.header {
            for (i, column) in self.shape.columns.iter().enumerate() {
                if i > 0 {
                    out.push(self.comma);
                }
                let start = out.len();
                out.extend_from_slice(column.name.as_bytes());
                (self.quote)(out, start, &self.null);
            }
            out.push(b'\n');
        }
        Ok(())
    }

    fn batch(&self, batch: &RecordBatch, _first: bool, out: &mut Vec<u8>) -> Result<(), ApiError> {
        let columns = readers(&self.shape, batch);
        for row in 0..batch.num_rows() {
            for (i, column) in columns.iter().enumerate() {
                if i > 0 {
                    out.push(self.comma);
                }
                let start = out.len();
                match column.write(row, out) {
                    Written::Null => out.extend_from_slice(&self.null),
                    Written::Number | Written::Bool | Written::NotFinite | Written::Plain => {
                        if !self.null.is_empty() && out[start..] == self.null[..] {
                            (self.quote)(out, start, &self.null);
                        }
                    }
                    Written::Text | Written::Json => (self.quote)(out, start, &self.null),
                }
            }
            out.push(b'\n');
        }
        Ok(())
    }

    fn tail(&self, _any: bool, _out: &mut Vec<u8>) -> Result<(), ApiError> {
        Ok(())
    }
}

/// Quotes the field that begins at `start` if it needs it.
fn quote_csv(out: &mut Vec<u8>, start: usize, null: &[u8]) {
    let field = &out[start..];
    let needs = field == null || field.iter().any(|b| matches!(b, b',' | b'"' | b'\n' | b'\r'));
    if !needs {
        return;
    }
    let field = out.split_off(start);
    out.push(b'"');
    for b in field {
        if b == b'"' {
            out.push(b'"');
        }
        out.push(b);
    }
    out.push(b'"');
}

/// Escapes the field that begins at `start`.
fn escape_tsv(out: &mut Vec<u8>, start: usize, null: &[u8]) {
    let field = &out[start..];
    if !field.iter().any(|b| matches!(b, b'\t' | b'\n' | b'\r' | b'\\')) && (null.is_empty() || field != null)
    {
        return;
    }
    let field = out.split_off(start);
    // A text that spells the NULL marker is told apart by a backslash before it.
    if field == null {
        out.push(b'\\');
    }
    for b in field {
        match b {
            b'\t' => out.extend_from_slice(b"\\t"),
            b'\n' => out.extend_from_slice(b"\\n"),
            b'\r' => out.extend_from_slice(b"\\r"),
            b'\\' => out.extend_from_slice(b"\\\\"),
            b => out.push(b),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::formats::Logical;
    use arrow::array::{ArrayRef, Int32Array, StringArray};

    fn write(encoder: impl Fn(Arc<Shape>) -> Delimited) -> String {
        let texts: ArrayRef =
            Arc::new(StringArray::from(vec![Some("a,\"b\""), Some(""), None, Some("x\ty\nz"), Some("-")]));
        let numbers: ArrayRef = Arc::new(Int32Array::from(vec![Some(1), None, Some(-3), Some(4), Some(5)]));
        let batch =
            RecordBatch::try_from_iter_with_nullable([("te,xt", texts, true), ("n", numbers, true)]).unwrap();
        let shape = Arc::new(Shape::new(batch.schema(), vec![Logical::Plain; 2]));
        let encoder = encoder(shape);
        let mut out = Vec::new();
        encoder.head(&mut out).unwrap();
        encoder.batch(&batch, true, &mut out).unwrap();
        String::from_utf8(out).unwrap()
    }

    #[test]
    fn csv_tells_null_from_empty_and_quotes_only_where_needed() {
        let csv = write(|s| Delimited::csv(s, true, String::new()));
        assert_eq!(csv, "\"te,xt\",n\n\"a,\"\"b\"\"\",1\n\"\",\n,-3\n\"x\ty\nz\",4\n-,5\n");
        let csv = write(|s| Delimited::csv(s, false, "-".into()));
        assert_eq!(csv, "\"a,\"\"b\"\"\",1\n,-\n-,-3\n\"x\ty\nz\",4\n\"-\",5\n");
    }

    #[test]
    fn tsv_never_breaks_a_line() {
        let tsv = write(|s| Delimited::tsv(s, true, String::new()));
        assert_eq!(tsv, "te,xt\tn\na,\"b\"\t1\n\t\n\t-3\nx\\ty\\nz\t4\n-\t5\n");
    }
}
