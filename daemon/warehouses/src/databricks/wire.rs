//! What the Statement Execution API answers, read tolerantly: every field may be missing or null, numbers may come as text, and
//! what is not known is skipped.

use serde::de::{Deserializer, IgnoredAny, MapAccess, SeqAccess, Visitor};
use serde::{Deserialize, de};
use std::collections::BTreeMap;
use std::fmt;

/// The answer to a statement, and to a question about one.
#[derive(Deserialize, Default)]
#[serde(default)]
pub(super) struct Reply {
    pub(super) statement_id: Option<String>,
    pub(super) status: Option<Status>,
    pub(super) manifest: Option<Manifest>,
    pub(super) result: Option<Part>,
}

impl Reply {
    /// The state in capitals; empty where none was told.
    pub(super) fn state(&self) -> String {
        let state = self.status.as_ref().and_then(|status| status.state.as_deref());
        state.unwrap_or_default().to_ascii_uppercase()
    }
}

/// Where a statement is.
#[derive(Deserialize, Default)]
#[serde(default)]
pub(super) struct Status {
    pub(super) state: Option<String>,
    pub(super) error: Option<Fault>,
    pub(super) sql_state: Option<String>,
}

/// Why it failed.
#[derive(Deserialize, Default)]
#[serde(default)]
pub(super) struct Fault {
    pub(super) error_code: Option<String>,
    pub(super) message: Option<String>,
}

/// What the whole result is.
#[derive(Deserialize, Default)]
#[serde(default)]
pub(super) struct Manifest {
    pub(super) schema: Option<Columns>,
    #[serde(deserialize_with = "count")]
    pub(super) total_chunk_count: Option<u64>,
    pub(super) chunks: Option<Vec<ChunkFacts>>,
    #[serde(deserialize_with = "count")]
    pub(super) total_row_count: Option<u64>,
    pub(super) truncated: Option<bool>,
}

/// Its columns; left out where a statement has none.
#[derive(Deserialize, Default)]
#[serde(default)]
pub(super) struct Columns {
    pub(super) columns: Option<Vec<ColumnFacts>>,
}

/// One column.
#[derive(Deserialize, Default, Clone)]
#[serde(default)]
pub(super) struct ColumnFacts {
    pub(super) name: Option<String>,
    pub(super) type_text: Option<String>,
    pub(super) type_name: Option<String>,
    #[serde(deserialize_with = "count")]
    pub(super) position: Option<u64>,
    #[serde(deserialize_with = "count")]
    pub(super) type_precision: Option<u64>,
    #[serde(deserialize_with = "count")]
    pub(super) type_scale: Option<u64>,
}

/// What the manifest tells of one chunk.
#[derive(Deserialize, Default)]
#[serde(default)]
pub(super) struct ChunkFacts {
    #[serde(deserialize_with = "count")]
    pub(super) chunk_index: Option<u64>,
    #[serde(deserialize_with = "count")]
    pub(super) row_count: Option<u64>,
}

/// A part of the result: rows, bytes, or links to them.
#[derive(Deserialize, Default)]
#[serde(default)]
pub(super) struct Part {
    #[serde(deserialize_with = "count")]
    pub(super) chunk_index: Option<u64>,
    #[serde(deserialize_with = "count")]
    pub(super) row_offset: Option<u64>,
    #[serde(deserialize_with = "count")]
    pub(super) row_count: Option<u64>,
    pub(super) data_array: Option<Vec<Vec<Option<Cell>>>>,
    pub(super) external_links: Option<Vec<Link>>,
    /// A whole Arrow stream in base64: what serverless warehouses answer where Arrow was asked for inline.
    pub(super) attachment: Option<String>,
    #[serde(deserialize_with = "count")]
    pub(super) next_chunk_index: Option<u64>,
    pub(super) next_chunk_internal_link: Option<String>,
}

impl Part {
    /// Whether it says of itself that it holds no rows.
    pub(super) fn is_empty(&self) -> bool {
        let links = self.external_links.iter().flatten().all(|link| link.row_count.unwrap_or(0) == 0);
        let rows = self.data_array.as_ref().is_none_or(Vec::is_empty);
        links && rows && self.row_count.unwrap_or(0) == 0 && self.next_chunk_index.is_none()
    }
}

/// Where a chunk lies. The address and the headers are as good as the data: no `Debug`, so that nothing can print them.
#[derive(Deserialize, Default, Clone)]
#[serde(default)]
pub(super) struct Link {
    #[serde(deserialize_with = "count")]
    pub(super) chunk_index: Option<u64>,
    #[serde(deserialize_with = "count")]
    pub(super) row_offset: Option<u64>,
    #[serde(deserialize_with = "count")]
    pub(super) row_count: Option<u64>,
    #[serde(deserialize_with = "count")]
    pub(super) byte_count: Option<u64>,
    pub(super) external_link: Option<String>,
    pub(super) expiration: Option<String>,
    pub(super) http_headers: Option<BTreeMap<String, String>>,
    #[serde(deserialize_with = "count")]
    pub(super) next_chunk_index: Option<u64>,
    pub(super) next_chunk_internal_link: Option<String>,
}

/// A number, also as text (as JSON made from protocol buffers writes 64 bits), also below zero (which counts as unknown).
fn count<'de, D: Deserializer<'de>>(from: D) -> Result<Option<u64>, D::Error> {
    let cell = Option::<Cell>::deserialize(from)?;
    Ok(cell.and_then(|cell| cell.0.parse().ok()))
}

/// A cell that is not NULL. It should always be text; a bare number, truth value or nested value is taken as its JSON text.
pub(super) struct Cell(pub(super) String);

impl<'de> Deserialize<'de> for Cell {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        from.deserialize_any(CellVisitor)
    }
}

struct CellVisitor;

impl<'de> Visitor<'de> for CellVisitor {
    type Value = Cell;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a cell")
    }

    fn visit_str<E: de::Error>(self, text: &str) -> Result<Cell, E> {
        Ok(Cell(text.to_owned()))
    }

    fn visit_string<E: de::Error>(self, text: String) -> Result<Cell, E> {
        Ok(Cell(text))
    }

    fn visit_bool<E: de::Error>(self, value: bool) -> Result<Cell, E> {
        Ok(Cell(value.to_string()))
    }

    fn visit_i64<E: de::Error>(self, value: i64) -> Result<Cell, E> {
        Ok(Cell(value.to_string()))
    }

    fn visit_u64<E: de::Error>(self, value: u64) -> Result<Cell, E> {
        Ok(Cell(value.to_string()))
    }

    fn visit_f64<E: de::Error>(self, value: f64) -> Result<Cell, E> {
        Ok(Cell(value.to_string()))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, seq: A) -> Result<Cell, A::Error> {
        let value = serde_json::Value::deserialize(de::value::SeqAccessDeserializer::new(seq))?;
        Ok(Cell(value.to_string()))
    }

    fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<Cell, A::Error> {
        let value = serde_json::Value::deserialize(de::value::MapAccessDeserializer::new(map))?;
        Ok(Cell(value.to_string()))
    }
}

/// The body of a call that failed, in each of its shapes.
#[derive(Deserialize, Default)]
#[serde(default)]
pub(super) struct Refusal {
    pub(super) error_code: Option<Code>,
    pub(super) message: Option<String>,
    pub(super) error: Option<String>,
    pub(super) error_description: Option<String>,
    pub(super) detail: Option<String>,
    #[serde(rename = "scimType")]
    pub(super) scim_type: Option<String>,
}

/// The code of a failure: a name, or a number where the gateway refused.
pub(super) enum Code {
    Name(String),
    Number(u64),
}

impl<'de> Deserialize<'de> for Code {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        struct CodeVisitor;
        impl<'de> Visitor<'de> for CodeVisitor {
            type Value = Code;
            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a code")
            }
            fn visit_str<E: de::Error>(self, text: &str) -> Result<Code, E> {
                Ok(text.parse().map_or_else(|_| Code::Name(text.to_owned()), Code::Number))
            }
            fn visit_u64<E: de::Error>(self, number: u64) -> Result<Code, E> {
                Ok(Code::Number(number))
            }
            fn visit_i64<E: de::Error>(self, number: i64) -> Result<Code, E> {
                Ok(Code::Number(number.unsigned_abs()))
            }
            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Code, A::Error> {
                while map.next_entry::<IgnoredAny, IgnoredAny>()?.is_some() {}
                Ok(Code::Name(String::new()))
            }
        }
        from.deserialize_any(CodeVisitor)
    }
}
