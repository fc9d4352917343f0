//! What Snowflake answers, as far as it matters here. Fields that may be missing are; numbers may come as text.

use super::link::{Bad, Reply};
use serde::Deserialize;
use serde::de::{Deserializer, Visitor};
use serde_json::value::RawValue;
use std::fmt;
use std::ops::Range;

/// What an answer to a statement or to a look at its status says.
pub(super) enum Outcome {
    /// It runs.
    Running(String),
    /// It was several statements; these are their handles.
    Several(Vec<String>),
    /// It is done.
    Done(Box<Done>),
    /// It came to nothing.
    Refused(Failure),
}

/// A result, or its first part.
pub(super) struct Done {
    pub(super) handle: Option<String>,
    pub(super) code: Option<String>,
    pub(super) meta: MetaData,
    /// The whole answer; the rows of its first part stand in `rows`.
    pub(super) body: Vec<u8>,
    pub(super) rows: Option<Range<usize>>,
}

/// Why it came to nothing, in Snowflake's words.
#[derive(Debug, Default)]
pub(super) struct Failure {
    pub(super) status: u16,
    pub(super) code: String,
    pub(super) state: String,
    pub(super) message: String,
    pub(super) clock_ahead: Option<i64>,
}

/// What a result looks like.
#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct MetaData {
    #[serde(default, deserialize_with = "number")]
    pub(super) num_rows: Option<u64>,
    #[serde(default)]
    pub(super) row_type: Option<Vec<ColumnType>>,
    #[serde(default)]
    pub(super) partition_info: Option<Vec<PartitionInfo>>,
}

/// A column.
#[derive(Debug, Default, Clone, Deserialize)]
pub(super) struct ColumnType {
    #[serde(default)]
    pub(super) name: String,
    #[serde(default, rename = "type")]
    pub(super) type_name: String,
    #[serde(default, deserialize_with = "number")]
    pub(super) precision: Option<u64>,
    #[serde(default, deserialize_with = "number")]
    pub(super) scale: Option<u64>,
    #[serde(default, deserialize_with = "number")]
    pub(super) length: Option<u64>,
}

/// A part of a result.
#[derive(Debug, Clone, Copy, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct PartitionInfo {
    #[serde(default, deserialize_with = "number")]
    pub(super) row_count: Option<u64>,
    #[serde(default, deserialize_with = "number")]
    pub(super) uncompressed_size: Option<u64>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Envelope<'a> {
    #[serde(default, deserialize_with = "text")]
    code: Option<String>,
    #[serde(default, deserialize_with = "text")]
    sql_state: Option<String>,
    #[serde(default, deserialize_with = "text")]
    message: Option<String>,
    #[serde(default)]
    statement_handle: Option<String>,
    #[serde(default)]
    statement_handles: Option<Vec<String>>,
    #[serde(default)]
    result_set_meta_data: Option<MetaData>,
    #[serde(default, borrow)]
    data: Option<&'a RawValue>,
}

/// Codes of a statement that still runs.
const RUNNING: &[&str] = &["333333", "333334"];

/// Reads an answer.
///
/// # Errors
/// When a good answer is not whole.
pub(super) fn outcome(reply: Reply) -> Result<Outcome, Bad> {
    let Reply { status, body, clock_ahead } = reply;
    let good = matches!(status, 200 | 202);
    let text = match std::str::from_utf8(&body) {
        Ok(text) => text,
        Err(_) if good => return Err(Bad::Broken("it is no text in UTF-8".to_owned())),
        Err(_) => "",
    };
    let envelope: Envelope = match serde_json::from_str(text) {
        Ok(envelope) => envelope,
        Err(error) if good => return Err(Bad::Broken(format!("it is not the JSON it should be: {error}"))),
        // A page for people, from a proxy or from a host that is nobody's account.
        Err(_) => return Ok(Outcome::Refused(Failure { status, clock_ahead, ..Failure::default() })),
    };
    let code = envelope.code.unwrap_or_default();
    if !good {
        let (state, message) = (envelope.sql_state.unwrap_or_default(), envelope.message.unwrap_or_default());
        return Ok(Outcome::Refused(Failure { status, code, state, message, clock_ahead }));
    }
    if status == 202 || RUNNING.contains(&code.as_str()) {
        let handle = envelope.statement_handle.filter(|handle| is_handle(handle));
        let handle =
            handle.ok_or_else(|| Bad::Broken("it says that the statement runs, but not which".to_owned()))?;
        return Ok(Outcome::Running(handle));
    }
    if let Some(handles) = envelope.statement_handles.filter(|handles| handles.len() > 1) {
        return match handles.iter().all(|handle| is_handle(handle)) {
            true => Ok(Outcome::Several(handles)),
            false => Err(Bad::Broken("its handles of statements are none".to_owned())),
        };
    }
    let meta =
        envelope.result_set_meta_data.ok_or_else(|| Bad::Broken("it has no resultSetMetaData".to_owned()))?;
    let rows = envelope.data.map(|data| {
        // Both borrow from the same text.
        let start = data.get().as_ptr() as usize - text.as_ptr() as usize;
        start..start + data.get().len()
    });
    let handle = envelope.statement_handle.filter(|handle| is_handle(handle));
    Ok(Outcome::Done(Box::new(Done {
        handle,
        code: Some(code).filter(|code| !code.is_empty()),
        meta,
        body,
        rows,
    })))
}

/// Whether a text may stand in a path as it is.
fn is_handle(text: &str) -> bool {
    !text.is_empty()
        && text.len() <= 200
        && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-_.".contains(&byte))
        && !text.starts_with('.')
}

/// Text, or a number as text.
fn text<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<String>, D::Error> {
    deserializer.deserialize_any(Plain)
}

/// A whole number, or text that holds one. What is neither counts as missing.
fn number<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<u64>, D::Error> {
    Ok(deserializer.deserialize_any(Plain)?.and_then(|text| text.trim().parse().ok()))
}

struct Plain;

impl<'de> Visitor<'de> for Plain {
    type Value = Option<String>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("text, a number or null")
    }

    fn visit_str<E>(self, text: &str) -> Result<Self::Value, E> {
        Ok(Some(text.to_owned()))
    }

    fn visit_u64<E>(self, number: u64) -> Result<Self::Value, E> {
        Ok(Some(number.to_string()))
    }

    fn visit_i64<E>(self, number: i64) -> Result<Self::Value, E> {
        Ok(Some(number.to_string()))
    }

    fn visit_f64<E>(self, number: f64) -> Result<Self::Value, E> {
        Ok(Some(number.to_string()))
    }

    fn visit_bool<E>(self, _: bool) -> Result<Self::Value, E> {
        Ok(None)
    }

    fn visit_unit<E>(self) -> Result<Self::Value, E> {
        Ok(None)
    }
}
