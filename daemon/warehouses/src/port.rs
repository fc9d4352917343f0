//! What every source can do.

use arrow::array::RecordBatch;
use arrow::datatypes::{Field, Schema, SchemaRef};
use async_trait::async_trait;
use futures::stream::BoxStream;
use std::collections::HashMap;
use std::sync::Arc;
use std::time::{Duration, Instant};
use wharf_policy::Dialect;
use wharf_protocol::{ApiError, Param, SourceKind};

/// An engine that runs SQL somewhere else.
///
/// Every method that asks the engine may be called by many at once. What it returns or fails with never holds a secret. An
/// error tells which source it was (its name is in the message or the caller adds it), what to check, and keeps the engine's
/// own code (SQLSTATE, number or class) in the message, in brackets.
#[async_trait]
pub trait Source: Send + Sync {
    /// What it is.
    fn kind(&self) -> SourceKind;

    /// The language it reads.
    fn dialect(&self) -> Dialect;

    /// What it can do beyond running a query.
    fn capabilities(&self) -> Capabilities;

    /// The catalog (database) it is rooted in, spelled as the engine stores it. Only its tables are shown and read.
    fn catalog(&self) -> &str;

    /// The schema that names without one belong to, spelled as the engine stores it.
    fn default_schema(&self) -> &str;

    /// Whether it is spared because it failed again and again.
    fn circuit(&self) -> Circuit {
        Circuit::Closed
    }

    /// What statements wait for now before they can begin: a warehouse that starts, or has no room.
    fn waiting(&self) -> Option<String> {
        None
    }

    /// Files that it keeps beside its tables; none where it keeps no files.
    fn files(&self) -> Option<Arc<dyn Files>> {
        None
    }

    /// Connects and signs in, without starting anything that costs money where that can be avoided.
    ///
    /// # Errors
    /// What is wrong and which setting to check: host, account, user, credential, certificate, warehouse, role, clock.
    async fn test(&self) -> Result<Tested, ApiError>;

    /// Runs one statement. The rows come as the engine delivers them. Dropping this future, or the answer's batches before their
    /// end, cancels the statement in the engine.
    ///
    /// # Errors
    /// When it cannot be sent, is refused, fails, or runs out of time. A stream of batches that breaks off ends with an error,
    /// never as if it were whole.
    async fn execute(&self, ask: Ask) -> Result<Answer, ApiError>;

    /// The columns that a query would have, without running it. For engines that cannot tell, the query is only compiled and the
    /// list is empty.
    ///
    /// # Errors
    /// What the engine says about names and types.
    async fn describe(&self, sql: &str, session: &Session) -> Result<Vec<Column>, ApiError>;

    /// The names of the schemas of its catalog, without those of the system, sorted.
    ///
    /// # Errors
    /// When they cannot be listed.
    async fn schemas(&self) -> Result<Vec<String>, ApiError>;

    /// Some tables of a schema with their columns, by name. `after` is what the page before told to go on with.
    ///
    /// # Errors
    /// When they cannot be listed.
    async fn tables(&self, schema: &str, after: Option<&str>) -> Result<Page<TableFacts>, ApiError>;

    /// What is known of one table beyond its columns.
    ///
    /// # Errors
    /// When it cannot be asked for.
    async fn details(&self, schema: &str, table: &str) -> Result<Details, ApiError>;

    /// What a query would cost, where the engine tells without running it.
    ///
    /// # Errors
    /// When the query does not compile.
    async fn estimate(&self, sql: &str, session: &Session) -> Result<Option<Estimate>, ApiError>;
}

/// Files that an engine keeps beside its tables.
#[async_trait]
pub trait Files: Send + Sync {
    /// What is in a folder, by path.
    ///
    /// # Errors
    /// `file_not_found` where there is no such folder, `permission_denied` where it may not be read.
    async fn list(&self, folder: &str) -> Result<Vec<FileEntry>, ApiError>;

    /// The bytes of a file.
    ///
    /// # Errors
    /// `file_not_found`, `permission_denied`, or `reply_broken` when it did not come whole.
    async fn read(&self, path: &str) -> Result<Vec<u8>, ApiError>;
}

/// Something in a folder.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FileEntry {
    /// Its whole path.
    pub path: String,
    /// It is a folder.
    pub folder: bool,
    /// Bytes, of a file.
    pub size: Option<u64>,
    /// When it was written, in milliseconds since 1970.
    pub modified: Option<i64>,
}

/// What a source can do beyond running a query.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Capabilities {
    /// The engine itself holds a read-only session to it.
    pub read_only_sessions: bool,
    /// Values can be bound to parameters.
    pub parameters: bool,
    /// It tells what a query would cost.
    pub estimates: bool,
    /// It knows a tenant of the session, for row policies of its own.
    pub tenants: bool,
}

/// Whether calls go through to a source.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Circuit {
    /// They do.
    Closed,
    /// It is spared for this long.
    Open(Duration),
    /// The next call tries whether it is well again.
    HalfOpen,
}

impl Circuit {
    /// As health tells it.
    pub fn name(self) -> &'static str {
        match self {
            Self::Closed => "closed",
            Self::Open(_) => "open",
            Self::HalfOpen => "half_open",
        }
    }
}

/// One statement.
#[derive(Debug, Clone)]
pub struct Ask {
    /// The gate's id of it, which the engine is told where it has a place for that.
    pub id: String,
    /// Its text, with the engine's own placeholders: `$1` (PostgreSQL, Redshift), `?` (Snowflake), `:name` (Databricks).
    pub sql: String,
    /// The values in the order of the placeholders, each with its name.
    pub params: Vec<(String, Param)>,
    /// When it must have ended. The engine is told, so that it ends even when nobody is there to cancel it.
    pub deadline: Option<Instant>,
    /// For whom and how it runs.
    pub session: Session,
    /// Whether it may change something. What may not runs in a read-only session where the engine has such.
    pub writes: bool,
    /// How many rows the reader will take at most, so that an engine need not prepare more.
    pub limit: Option<u64>,
}

/// For whom and how a statement runs.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Session {
    /// The tenant of who asks, for the engine's own row policies.
    pub tenant: Option<String>,
    /// A role in the place of the configured one.
    pub role: Option<String>,
    /// A warehouse in the place of the configured one.
    pub warehouse: Option<String>,
}

/// The rows of a statement.
pub struct Answer {
    /// The engine's own id of the statement, where it has one.
    pub statement_id: Option<String>,
    /// The columns. A field's metadata tells what Arrow's type does not: [`Column::field`].
    pub schema: SchemaRef,
    /// The rows, as they arrive. Dropped before its end, it cancels the statement.
    pub batches: BoxStream<'static, Result<RecordBatch, ApiError>>,
}

/// One column of a table or a result.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Column {
    /// Name as stored.
    pub name: String,
    /// The engine's name of the type, with its parameters: `NUMBER(10,2)`, `timestamp with time zone`.
    pub type_name: String,
    /// Whether it may hold NULL, where known.
    pub nullable: Option<bool>,
    /// What somebody wrote about it.
    pub comment: Option<String>,
}

/// Key of a field's metadata: the engine's name of the type.
pub const TYPE_NAME: &str = "wharf.type";
/// Key of a field's metadata: present where the text is a number whose digits behind the point differ from value to value.
pub const NUMBER: &str = "wharf.number";
/// Key of a field's metadata: present where the text is JSON.
pub const JSON: &str = "wharf.json";

impl Column {
    /// An Arrow field with what Arrow's type does not tell: the engine's type, and whether text is JSON.
    pub fn field(name: &str, data_type: arrow::datatypes::DataType, type_name: &str, json: bool) -> Field {
        let mut metadata = HashMap::from([(TYPE_NAME.to_owned(), type_name.to_owned())]);
        if json {
            metadata.insert(JSON.to_owned(), String::new());
        }
        Field::new(name, data_type, true).with_metadata(metadata)
    }

    /// A schema of such fields.
    pub fn schema(fields: Vec<Field>) -> SchemaRef {
        Arc::new(Schema::new(fields))
    }
}

/// What came of a test.
#[derive(Debug, Clone, Default, PartialEq, Eq, serde::Serialize)]
pub struct Tested {
    /// Whom the engine takes us for.
    pub user: String,
    /// The engine's version or product, as it tells.
    pub version: Option<String>,
    /// The role that holds.
    pub role: Option<String>,
    /// What computes, and its state: `COMPUTE_WH (STARTED)`.
    pub warehouse: Option<String>,
    /// What is odd without being wrong: a role that may write, a connection without encryption.
    pub warnings: Vec<String>,
}

/// A part of a list.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Page<T> {
    /// Its items.
    pub items: Vec<T>,
    /// What to go on with; none at the end. A page may be empty and still not the last.
    pub next: Option<String>,
}

/// What kind of table it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TableKind {
    /// A table of the engine's own, or one it reads from elsewhere.
    Table,
    /// A view, also a materialised one.
    View,
}

/// A table with its columns.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TableFacts {
    /// Schema, as stored.
    pub schema: String,
    /// Name, as stored.
    pub name: String,
    /// What it is.
    pub kind: TableKind,
    /// Rows, where the engine knows without counting; an estimate is fine if it says so in [`Details`].
    pub rows: Option<u64>,
    /// What somebody wrote about it.
    pub comment: Option<String>,
    /// Its columns in order.
    pub columns: Vec<Column>,
}

/// What is known of one table beyond its columns.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Details {
    /// Rows, where known without counting.
    pub rows: Option<u64>,
    /// The rows are an estimate.
    pub rows_estimated: bool,
    /// Bytes it takes.
    pub bytes: Option<u64>,
    /// Columns of its primary key, in order.
    pub primary_key: Vec<String>,
    /// Its foreign keys.
    pub foreign_keys: Vec<ForeignKey>,
}

/// A foreign key.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ForeignKey {
    /// Columns of the table, in order.
    pub columns: Vec<String>,
    /// What they point at.
    pub to: Reference,
}

/// The columns that a foreign key points at.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Reference {
    /// Schema.
    pub schema: String,
    /// Table.
    pub table: String,
    /// Columns, in the order of those that point.
    pub columns: Vec<String>,
}

/// What a query would cost.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Estimate {
    /// Rows of the result, as the engine guesses.
    pub rows: Option<u64>,
    /// Bytes that would be read.
    pub bytes: Option<u64>,
}
