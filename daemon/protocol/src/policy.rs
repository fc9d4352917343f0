//! What others than the owner may read, and how.

use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::fmt;
use utoipa::ToSchema;

/// A table, or all tables of a schema or source (`*`), that a subject may read.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Grant {
    /// `everyone`, `role:analyst`, `tenant:acme`, `swarm:ID`, `user:NAME` or `agent:ID`.
    pub subject: String,
    /// Source.
    pub source: String,
    /// Schema, or `*`.
    pub schema: String,
    /// Table, or `*`.
    pub table: String,
}

/// `POST /api/tables`: lets somebody read a table, or no longer.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct GrantChange {
    /// `allow` or `deny`.
    pub action: GrantAction,
    /// `table`, `schema.table` or `source.schema.table`; `*` stands for all.
    pub table: String,
    /// The source, where `table` does not name it.
    #[serde(default)]
    pub source: Option<String>,
    /// To whom; absent: `everyone`.
    #[serde(default)]
    #[schema(pattern = "^(everyone|(role|tenant|swarm|user|agent):.+)$")]
    pub subject: Option<String>,
}

/// The reply to a change of who may read what, or how.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct PolicyChanged {
    /// `success`.
    pub status: String,
    /// What holds from here on.
    pub message: String,
    /// What was allowed or taken back; absent for rules and limits.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub grant: Option<Grant>,
}

impl PolicyChanged {
    /// It was done.
    pub fn done(message: String, grant: Option<Grant>) -> Self {
        Self { status: "success".to_owned(), message, grant }
    }
}

/// What is done with a table.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum GrantAction {
    /// It may be read.
    Allow,
    /// It may no longer be read.
    Deny,
}

/// How a subject sees a table it may read.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct TableRule {
    /// By column: `show`, `deny`, or a mask: `mask:null`, `mask:redact`, `mask:hash`, `mask:partial(2,2)`, `mask:bucket(10)`,
    /// `mask:date(month)`.
    #[serde(default)]
    pub columns: BTreeMap<String, String>,
    /// An expression over the table's columns that holds for the rows that may be seen; `:tenant`, `:user`, `:agent`, `:swarm`,
    /// `:role` and `:permission` stand for the reader's own.
    #[serde(default)]
    pub filter: Option<String>,
}

impl fmt::Display for TableRule {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let columns = self.columns.iter().map(|(column, treatment)| format!("{column} as {treatment}"));
        let rows = self.filter.iter().map(|filter| format!("rows where {filter}"));
        let parts: Vec<String> = columns.chain(rows).collect();
        f.write_str(if parts.is_empty() { "no rule" } else { "" })?;
        f.write_str(&parts.join(", "))
    }
}

/// What one subject's statements may take; absent: no limit of its own.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct SubjectLimits {
    /// Rows of one result; more are cut, and said to be.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(format = "uint64")]
    pub rows: Option<u64>,
    /// Bytes of one result; more is an error.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(format = "uint64")]
    pub bytes: Option<u64>,
    /// Seconds for one statement.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(format = "uint64")]
    pub seconds: Option<u64>,
    /// Statements at the same time.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(format = "uint64")]
    pub concurrent: Option<u64>,
    /// Statements a day (UTC).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(format = "uint64")]
    pub per_day: Option<u64>,
    /// Cost of a day (UTC): the seconds that all statements together may run.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(format = "uint64")]
    pub cost: Option<u64>,
}

impl fmt::Display for SubjectLimits {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let parts = [
            (self.rows, "rows"),
            (self.bytes, "bytes"),
            (self.seconds, "seconds"),
            (self.concurrent, "statements at once"),
            (self.per_day, "statements a day"),
            (self.cost, "seconds of running time a day"),
        ];
        let parts: Vec<String> =
            parts.iter().filter_map(|(most, what)| most.map(|n| format!("{n} {what}"))).collect();
        f.write_str(if parts.is_empty() { "what the server allows" } else { "" })?;
        f.write_str(&parts.join(", "))
    }
}

/// A rule with what it is for.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct RuleEntry {
    /// As in [`Grant`].
    pub subject: String,
    /// Source.
    pub source: String,
    /// Schema.
    pub schema: String,
    /// Table.
    pub table: String,
    /// The rule.
    pub rule: TableRule,
}

/// Limits with whom they are for.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct LimitsEntry {
    /// As in [`Grant`].
    pub subject: String,
    /// The limits.
    pub limits: SubjectLimits,
}

/// `PUT /api/policy`: sets a rule for a table, or limits; an empty rule or empty limits take them away.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct PolicyChange {
    /// As in [`Grant`]; absent: `everyone`.
    #[serde(default)]
    #[schema(pattern = "^(everyone|(role|tenant|swarm|user|agent):.+)$")]
    pub subject: Option<String>,
    /// The table that a rule is for.
    #[serde(default)]
    pub table: Option<String>,
    /// The source, where `table` does not name it.
    #[serde(default)]
    pub source: Option<String>,
    /// The rule; goes with `table`.
    #[serde(default, deserialize_with = "object")]
    pub rule: Option<TableRule>,
    /// Limits; go without `table`.
    #[serde(default, deserialize_with = "object")]
    pub limits: Option<SubjectLimits>,
}

/// An object or null: serde would take a list for a struct too, field by field.
fn object<'de, D: serde::Deserializer<'de>, T: serde::de::DeserializeOwned>(
    from: D,
) -> Result<Option<T>, D::Error> {
    let found = Option::<serde_json::Map<String, serde_json::Value>>::deserialize(from)?;
    found.map(|map| serde_json::from_value(map.into()).map_err(serde::de::Error::custom)).transpose()
}

/// `GET /api/policy`: everything that was set.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct PolicyBook {
    /// Who may read what.
    pub grants: Vec<Grant>,
    /// How.
    pub rules: Vec<RuleEntry>,
    /// How much.
    pub limits: Vec<LimitsEntry>,
}

/// `POST /api/policy/test`: what would happen.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct PolicyTest {
    /// `user:NAME`, `agent:ID`, or another subject, which then has no name of its own.
    #[schema(pattern = "^(everyone|(role|tenant|swarm|user|agent):.+)$")]
    pub subject: String,
    /// The statement.
    pub sql: String,
    /// The source.
    #[serde(default)]
    pub source: Option<String>,
}

/// What would happen, and why.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct PolicyVerdict {
    /// `allow` or `deny`.
    pub decision: String,
    /// Why, where it is denied.
    pub error: Option<crate::ApiError>,
    /// The subjects whose grants and rules count.
    pub subjects: Vec<String>,
    /// Tables that the statement reads.
    pub tables: Vec<String>,
    /// Rules that apply to them.
    pub rules: Vec<RuleEntry>,
    /// The limits that hold.
    pub limits: SubjectLimits,
    /// The statement as it would run.
    pub rewritten: Option<String>,
    /// Where it would run: the kind of the source, `replica:NAME`, `duckdb:fenced`.
    pub route: Option<String>,
    /// Rows of its result, as the engine guesses; none where it does not guess.
    #[schema(format = "uint64")]
    pub estimated_rows: Option<u64>,
    /// Bytes that it would read, as the engine guesses.
    #[schema(format = "uint64")]
    pub estimated_bytes: Option<u64>,
}

/// What people say of a table: `PATCH /api/tables/{table}`. What is absent stays.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct TableNote {
    /// A sentence or two.
    #[serde(default)]
    pub description: Option<String>,
    /// Words to find it by.
    #[serde(default)]
    pub tags: Option<Vec<String>>,
}

/// A table that the caller may read: `GET /list_data`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct ListedTable {
    /// Its name.
    pub table_id: String,
    /// Its schema.
    pub schema_id: String,
    /// Its catalog: the source's name.
    pub catalog_id: String,
    /// The kind of source it lives in.
    pub source: String,
    /// Words to find it by.
    pub tags: Vec<String>,
    /// A sentence or two.
    pub description: Option<String>,
    /// Columns that the caller may see.
    pub columns: Vec<crate::TableColumn>,
}
