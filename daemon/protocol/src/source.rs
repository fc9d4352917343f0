//! Sources and their tables.

use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use utoipa::ToSchema;

/// What stands behind a source.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum SourceKind {
    /// Files and databases on this machine, read by the embedded engine.
    Duckdb,
    /// A PostgreSQL server.
    Postgres,
    /// Amazon Redshift.
    Redshift,
    /// Snowflake.
    Snowflake,
    /// Databricks SQL.
    Databricks,
}

impl SourceKind {
    /// All of them.
    pub const ALL: [Self; 5] =
        [Self::Duckdb, Self::Postgres, Self::Redshift, Self::Snowflake, Self::Databricks];

    /// What an address (`KIND://...`) is of; none for the path of a file or folder.
    pub fn of_address(text: &str) -> Option<Self> {
        let (scheme, _) = text.split_once("://")?;
        match scheme.to_ascii_lowercase().as_str() {
            "postgresql" => Some(Self::Postgres),
            scheme => Self::ALL.into_iter().find(|kind| *kind != Self::Duckdb && kind.name() == scheme),
        }
    }

    /// The kind of this name.
    pub fn named(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.name() == name)
    }

    /// Its name.
    pub fn name(self) -> &'static str {
        match self {
            Self::Duckdb => "duckdb",
            Self::Postgres => "postgres",
            Self::Redshift => "redshift",
            Self::Snowflake => "snowflake",
            Self::Databricks => "databricks",
        }
    }
}

/// What opens a source. Its `{:?}` does not show a secret.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum SourceKey {
    /// The key itself, to be kept among the daemon's secrets.
    Secret(String),
    /// Where somebody else keeps it: `env:NAME` or `file:/PATH`, read when the daemon needs it.
    Reference(String),
}

impl std::fmt::Debug for SourceKey {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Secret(_) => f.write_str("Secret(..)"),
            Self::Reference(reference) => f.debug_tuple("Reference").field(reference).finish(),
        }
    }
}

/// A request to configure a source.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct SourceAdd {
    /// The root of its tables' names: lower-case letters, digits, `_`; begins with a letter.
    pub name: String,
    /// Absolute path of a folder, a data file or a `.duckdb` database; or the address of a source elsewhere, without a
    /// credential: `postgres://alice@db.example.com/sales`.
    pub path: String,
    /// Absolute path of a semantic model file, or of a folder of them.
    #[serde(default)]
    pub models: Option<String>,
    /// Column types by table and column, which override what is found by looking at the files.
    #[serde(default)]
    pub types: BTreeMap<String, BTreeMap<String, String>>,
    /// Further names of tables: alias to table.
    #[serde(default)]
    pub aliases: BTreeMap<String, String>,
    /// What opens it: the key of an encrypted database, the password, token or passphrase of a source elsewhere.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub key: Option<SourceKey>,
    /// Replace a source of the same name instead of refusing.
    #[serde(default)]
    pub replace: bool,
}

/// A configured source.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Source {
    /// Its name.
    pub name: String,
    /// What stands behind it.
    pub kind: SourceKind,
    /// Where its data is.
    pub path: String,
    /// Where its semantic models are.
    pub models: Option<String>,
    /// Where what opens it is: `kept`, `env:NAME` or `file:/PATH`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub key: Option<String>,
    /// When it was added.
    pub created_at: String,
    /// Number of tables, where known.
    pub tables: Option<u64>,
    /// What statements wait for now before they can begin: a warehouse that starts, or has no room.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub waiting_for: Option<String>,
}

/// What came of connecting to a source.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct SourceTest {
    /// What stands behind it.
    pub kind: SourceKind,
    /// Whom it takes the daemon for.
    pub user: Option<String>,
    /// Its product and version.
    pub version: Option<String>,
    /// The role that holds there.
    pub role: Option<String>,
    /// What computes there, and its state.
    pub warehouse: Option<String>,
    /// What is odd without being wrong.
    pub warnings: Vec<String>,
    /// How long it took, in milliseconds.
    pub elapsed_ms: f64,
}

/// A table, view or file as seen through a source.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Table {
    /// The source's name.
    pub catalog: String,
    /// Schema; `main` for files.
    pub schema: String,
    /// Table name.
    pub name: String,
    /// What people call it in SQL: the shortest name that resolves with this source as default.
    pub qualified: String,
    /// Rows, where they are known without counting.
    pub rows: Option<u64>,
    /// What somebody wrote about it, where the source knows.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub comment: Option<String>,
    /// It is made of other tables at every look.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub view: bool,
    /// Its columns, in order.
    pub columns: Vec<TableColumn>,
}

/// One column of a table.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct TableColumn {
    /// Name as stored.
    pub name: String,
    /// The engine's name of the type.
    pub r#type: String,
    /// What somebody wrote about it, where the source knows.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub comment: Option<String>,
    /// Whether it may hold NULL, where the source knows.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub nullable: Option<bool>,
}
