//! Metadata, as seed 004 has it: catalogs, schemas, tables, columns; and suggestions for SQL that is being typed.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// A source, the root of its tables' names.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Catalog {
    /// The source's name.
    pub name: String,
    /// What stands behind it, and where.
    pub comment: Option<String>,
    /// Who added it.
    pub owner: Option<String>,
    /// When it was added.
    pub created_at: Option<String>,
    /// What stands behind it: `duckdb`, `postgres`, `redshift`, `snowflake`, `databricks`.
    pub kind: String,
    /// How many of its tables may be read; none where it has not been looked at yet.
    pub tables: Option<u64>,
    /// Whether what is told of it was known already.
    pub cached: bool,
    /// How old that is, in seconds; none where nothing is known.
    pub age_seconds: Option<u64>,
}

/// A schema of a source.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Schema {
    /// Its name.
    pub name: String,
    /// The source.
    pub catalog: String,
    /// What somebody wrote about it, where the source knows.
    pub comment: Option<String>,
    /// How many of its tables may be read.
    pub tables: u64,
    /// Names without a schema belong to it.
    pub is_default: bool,
}

/// A table or a view.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct MetadataTable {
    /// Its name.
    pub name: String,
    /// The source.
    pub catalog: String,
    /// The schema.
    pub schema: String,
    /// `TABLE` or `VIEW`.
    pub table_type: String,
    /// What somebody wrote about it: in wharf, else at the source.
    pub comment: Option<String>,
    /// Rows, where known without counting.
    pub row_count: Option<u64>,
    /// Bytes, where known: told when one table is asked for.
    pub size_bytes: Option<u64>,
    /// When it was made, where the source tells.
    pub created_at: Option<String>,
    /// When it was changed last, where the source tells.
    pub updated_at: Option<String>,
    /// What it is called in SQL with its source as default.
    pub qualified: String,
    /// How many columns may be seen.
    pub columns: u64,
    /// The row count is an estimate.
    #[serde(default)]
    pub row_count_estimated: bool,
    /// The columns of its primary key, where known: told when one table is asked for.
    #[serde(default)]
    pub primary_key: Vec<String>,
}

/// A column.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct MetadataColumn {
    /// Its name.
    pub name: String,
    /// The engine's name of the type.
    pub data_type: String,
    /// Whether it may hold NULL; true where the source does not tell.
    pub nullable: bool,
    /// What somebody wrote about it, where the source knows.
    pub comment: Option<String>,
    /// Whether the table is split by it; false where the source does not tell.
    pub is_partition_key: bool,
    /// The source.
    pub catalog: String,
    /// The schema.
    pub schema: String,
    /// The table.
    pub table: String,
    /// Its place among those that may be seen, from 1 on.
    pub position: u64,
}

/// What a suggestion is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum SuggestionKind {
    /// A word of SQL.
    Keyword,
    /// A schema, or a source.
    Schema,
    /// A table, or what WITH names.
    Table,
    /// A column, or a condition of columns that joins two tables.
    Column,
    /// A function.
    Function,
    /// What the statement itself calls a table.
    Alias,
}

/// Something that can go on where SQL is typed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct SqlSuggestion {
    /// What is shown.
    pub label: String,
    /// What it is.
    pub kind: SuggestionKind,
    /// What is put in the place of `replace_from` to `replace_to`, with quotes where they are needed.
    pub insert_text: String,
    /// Type, table, or what else tells it from others.
    pub detail: Option<String>,
    /// What somebody wrote about it.
    pub comment: Option<String>,
}

/// What can go on where SQL is typed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct SqlCompletion {
    /// The likeliest first.
    pub suggestions: Vec<SqlSuggestion>,
    /// The first character that a suggestion replaces, counted from 0.
    pub replace_from: u64,
    /// The character behind the last that it replaces.
    pub replace_to: u64,
    /// There were more suggestions than fit.
    pub truncated: bool,
    /// Whether everything was known already.
    pub cached: bool,
    /// How old the oldest of it is, in seconds; none where nothing is known.
    pub age_seconds: Option<u64>,
}
