//! What is said and answered: JSON 1.1 of the Data API. Fields that nothing here needs are left out.

use serde::Deserialize;
use serde_json::value::RawValue;
use std::borrow::Cow;

/// The answer to a statement that was sent.
#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct Begun {
    pub(super) id: String,
}

/// How a statement is.
#[derive(Deserialize, Default)]
#[serde(rename_all = "PascalCase", default)]
pub(super) struct Described {
    pub(super) status: String,
    pub(super) error: Option<String>,
    pub(super) sub_statements: Vec<Part>,
}

/// One statement of a batch.
#[derive(Deserialize, Default)]
#[serde(rename_all = "PascalCase", default)]
pub(super) struct Part {
    pub(super) id: String,
    pub(super) status: String,
    pub(super) error: Option<String>,
    pub(super) has_result_set: bool,
    pub(super) result_rows: Option<i64>,
}

/// A page of a result.
#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct Page<'a> {
    #[serde(borrow)]
    pub(super) records: Vec<Vec<Cell<'a>>>,
    #[serde(default)]
    pub(super) column_metadata: Option<Vec<Head>>,
    #[serde(default)]
    pub(super) total_num_rows: Option<i64>,
    #[serde(default)]
    pub(super) next_token: Option<String>,
}

/// A column, as the far side describes it.
#[derive(Debug, Clone, Deserialize, Default, PartialEq, Eq)]
#[serde(rename_all = "camelCase", default)]
pub(super) struct Head {
    pub(super) name: String,
    pub(super) label: Option<String>,
    pub(super) type_name: String,
    pub(super) precision: i32,
    pub(super) scale: i32,
}

/// A value: exactly one of these.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) enum Cell<'a> {
    IsNull(bool),
    BooleanValue(bool),
    LongValue(i64),
    /// The digits as they came: a REAL is nearer to them than to the double in between.
    DoubleValue(#[serde(borrow)] &'a RawValue),
    StringValue(#[serde(borrow)] Cow<'a, str>),
    BlobValue(#[serde(borrow)] Cow<'a, str>),
}
