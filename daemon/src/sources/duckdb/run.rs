//! Running one statement: bind, execute, stream, cut at the limit, interrupt.

use super::engine_error::disk_full;
use super::pool::Lease;
use super::stream_file::StreamFile;
use super::{engine_error, literal, quote};
use crate::formats::{Logical, Shape};
use crate::lifecycle::io_error;
use crate::sources::{Cancel, Consumer, Outcome, Stop};
use arrow::array::{Array, RecordBatch};
use duckdb::core::{LogicalTypeHandle, LogicalTypeId};
use duckdb::types::Value;
use std::collections::BTreeMap;
use std::io::Read;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use wharf_protocol::{ApiError, ErrorKind, Param};

/// A statement that the gate has passed.
pub struct Run<'a> {
    /// Its text, without a closing semicolon.
    pub sql: &'a str,
    /// The catalog that unqualified names belong to.
    pub catalog: Option<&'a str>,
    /// Values for `$name`.
    pub params: &'a BTreeMap<String, Param>,
    /// At most this many rows.
    pub limit: Option<u64>,
    /// Folder against which relative file names are read (the owner's instances only).
    pub cwd: Option<&'a Path>,
    /// Whether it is a query whose text may be wrapped into another one.
    pub wraps: bool,
}

/// Where the rows go.
pub enum Output<'a> {
    /// To a consumer, batch by batch.
    Rows(&'a mut dyn Consumer),
    /// As Parquet, which the engine writes itself: called with its bytes, on another thread, while they are written.
    Parquet(&'a mut TakeBytes<'a>),
}

/// Takes the columns of a result and its bytes. No byte at all means that the statement failed.
pub type TakeBytes<'a> = dyn FnMut(&Arc<Shape>, &mut dyn Read) -> Result<(), Stop> + Send + 'a;

impl Run<'_> {
    /// Runs the statement on an instance.
    ///
    /// # Errors
    /// [`Stop`]: the reader went away, somebody cancelled it, or the engine failed.
    pub fn on(&self, lease: &Lease, cancel: &Cancel, output: Output) -> Result<Outcome, Stop> {
        let connection = lease.connect()?;
        let folder = self.cwd.map(|cwd| Folder::new(cwd, lease.spool())).transpose()?;
        self.prepare_session(&connection, folder.as_ref())?;
        let interrupt = connection.interrupt_handle();
        cancel.on_raise(Some(Box::new(move || interrupt.interrupt())));
        let result = if cancel.raised() {
            Err(Stop::Cancelled)
        } else {
            match output {
                Output::Rows(consumer) => self.stream(&connection, self.sql, cancel, consumer),
                Output::Parquet(take) => self.parquet(&connection, lease, cancel, take),
            }
        };
        cancel.on_raise(None);
        match result {
            Err(Stop::Failed(_)) if cancel.raised() => Err(Stop::Cancelled),
            // The engine does not say where it spills to.
            Err(Stop::Failed(e)) if e.code == "disk_full" && !e.message.contains('/') => {
                Err(Stop::Failed(disk_full(lease.spool().parent())))
            }
            other => other,
        }
    }

    fn prepare_session(
        &self,
        connection: &duckdb::Connection,
        folder: Option<&Folder>,
    ) -> Result<(), ApiError> {
        let mut setup = String::new();
        if let Some(catalog) = self.catalog {
            setup.push_str(&format!("use {};", quote(catalog)));
        }
        if let Some(Folder { path, .. }) = folder {
            setup.push_str(&format!("set session file_search_path = {};", literal(&path.to_string_lossy())));
        }
        if setup.is_empty() { Ok(()) } else { connection.execute_batch(&setup).map_err(|e| engine_error(&e)) }
    }

    fn stream(
        &self,
        connection: &duckdb::Connection,
        sql: &str,
        cancel: &Cancel,
        consumer: &mut dyn Consumer,
    ) -> Result<Outcome, Stop> {
        let failed = |e: duckdb::Error| Stop::Failed(engine_error(&e));
        let mut statement = connection.prepare(sql).map_err(failed)?;
        let values = bound(&statement, self.params)?;
        match statement.stream_arrow(duckdb::params_from_iter(values)) {
            Ok(_) => {}
            Err(duckdb::Error::FromSqlConversionFailure(..)) if self.wraps && sql == self.sql => {
                drop(statement);
                return self.stream(connection, &self.as_text(connection)?, cancel, consumer);
            }
            Err(e) => return Err(failed(e)),
        }
        let types: Vec<LogicalTypeHandle> =
            (0..statement.column_count()).map(|i| statement.column_logical_type(i)).collect();
        if self.wraps && sql == self.sql && types.iter().any(needs_text) {
            drop(statement);
            return self.stream(connection, &self.as_text(connection)?, cancel, consumer);
        }
        let shape = Arc::new(Shape::new(statement.schema(), types.iter().map(logical).collect()));
        consumer.shape(&shape)?;
        let mut outcome = Outcome::default();
        while let Some(rows) = statement.step().map_err(failed)? {
            if cancel.raised() {
                return Err(Stop::Cancelled);
            }
            let batch = outcome.count(RecordBatch::from(&rows), self.limit);
            if batch.num_rows() > 0 {
                consumer.batch(batch)?;
            }
            if outcome.truncated {
                break;
            }
        }
        consumer.end()?;
        Ok(outcome)
    }

    /// The statement with every column of a type that Arrow cannot hold exactly cast to text.
    fn as_text(&self, connection: &duckdb::Connection) -> Result<String, ApiError> {
        let described = format!("select column_type from (describe {})", self.sql);
        let mut statement = connection.prepare(&described).map_err(|e| engine_error(&e))?;
        let mut columns = Vec::new();
        let mut rows = statement.query([]).map_err(|e| engine_error(&e))?;
        while let Some(row) = rows.next().map_err(|e| engine_error(&e))? {
            let name: String = row.get(0).map_err(|e| engine_error(&e))?;
            columns.push(name);
        }
        let names = self.column_names(connection)?;
        let select: Vec<String> = columns
            .iter()
            .zip(names)
            .enumerate()
            .map(|(i, (type_name, name))| {
                let exotic = ["UHUGEINT", "BIGNUM", "BIT", "TIME WITH TIME ZONE", "VARIANT", "GEOMETRY"];
                let cast = if exotic.iter().any(|t| type_name.contains(t)) { "::varchar" } else { "" };
                format!("#{}{cast} as {}", i + 1, quote(&name))
            })
            .collect();
        Ok(format!("select {} from ({})", select.join(", "), self.sql))
    }

    fn column_names(&self, connection: &duckdb::Connection) -> Result<Vec<String>, ApiError> {
        let described = format!("select column_name from (describe {})", self.sql);
        let mut statement = connection.prepare(&described).map_err(|e| engine_error(&e))?;
        let names = statement.query_map([], |row| row.get::<_, String>(0)).map_err(|e| engine_error(&e))?;
        names.collect::<Result<_, _>>().map_err(|e| engine_error(&e))
    }

    fn parquet(
        &self,
        connection: &duckdb::Connection,
        lease: &Lease,
        cancel: &Cancel,
        take: &mut TakeBytes<'_>,
    ) -> Result<Outcome, Stop> {
        if !self.wraps {
            let error = ApiError::new(
                ErrorKind::Invalid,
                "format",
                "only the rows of a query can be written as Parquet",
            );
            return Err(Stop::Failed(error.hint("choose another format")));
        }
        let shape = self.shape_only(connection, cancel)?;
        let (pipe, mut bytes) = StreamFile::new(lease.spool(), &format!("{}.parquet", uuid::Uuid::now_v7()))?;
        let select = self.parquet_select(&shape);
        let limit = self.limit.map(|n| format!(" limit {n}")).unwrap_or_default();
        let to = literal(&pipe.path.to_string_lossy());
        let copy = format!("copy ({select}{limit}) to {to} (format parquet, use_tmp_file false)");
        let failed = |e: duckdb::Error| Stop::Failed(engine_error(&e));
        let mut statement = connection.prepare(&copy).map_err(failed)?;
        let values = bound(&statement, self.params)?;
        let (rows, taken) = std::thread::scope(|scope| {
            // The reader goes with the thread, so that the engine does not wait for one that has given up.
            let taking = scope.spawn(move || take(&shape, &mut bytes));
            let rows = statement.execute(duckdb::params_from_iter(values));
            pipe.end();
            (rows, taking.join())
        });
        taken.unwrap_or_else(|_| {
            let error = ApiError::new(ErrorKind::Internal, "panic", "taking the result broke off");
            Err(Stop::Failed(error))
        })?;
        let rows = rows.map_err(failed)? as u64;
        let mut outcome = Outcome { rows, truncated: false };
        if self.limit == Some(rows) {
            let more = format!("select 1 from ({}) limit 1 offset {rows}", self.sql);
            let mut statement = connection.prepare(&more).map_err(failed)?;
            let values = bound(&statement, self.params)?;
            let _ = statement.stream_arrow(duckdb::params_from_iter(values)).map_err(failed)?;
            outcome.truncated = statement.step().map_err(failed)?.is_some_and(|b| b.len() > 0);
        }
        Ok(outcome)
    }

    /// The columns of the statement, without its rows.
    fn shape_only(&self, connection: &duckdb::Connection, cancel: &Cancel) -> Result<Arc<Shape>, Stop> {
        let mut probe = ShapeOnly(None);
        let none = format!("select * from ({}) limit 0", self.sql);
        Run { sql: &none, ..*self }.stream(connection, &none, cancel, &mut probe)?;
        probe.0.ok_or_else(|| {
            Stop::Failed(ApiError::new(ErrorKind::Internal, "shape", "the engine told no columns"))
        })
    }

    /// The engine would write HUGEINT as floating point; 38 digits of decimal are exact, and more is an error.
    fn parquet_select(&self, shape: &Shape) -> String {
        let columns: Vec<String> = shape
            .columns
            .iter()
            .enumerate()
            .map(|(i, column)| {
                let cast = if shape.logical[i] == Logical::HugeInt { "::decimal(38,0)" } else { "" };
                format!("#{}{cast} as {}", i + 1, quote(&column.name))
            })
            .collect();
        format!("select {} from ({})", columns.join(", "), self.sql)
    }
}

/// The folder that relative names are read against.
struct Folder {
    path: PathBuf,
    _link: Option<Remove>,
}

impl Folder {
    /// The engine's search path has commas between folders and no way to escape one, so a folder with a comma in its
    /// name is reached through a link, which lasts as long as the statement.
    fn new(cwd: &Path, spool: &Path) -> Result<Self, ApiError> {
        if !cwd.as_os_str().as_encoded_bytes().contains(&b',') {
            return Ok(Self { path: cwd.to_owned(), _link: None });
        }
        let path = spool.join(uuid::Uuid::now_v7().to_string());
        std::os::unix::fs::symlink(cwd, &path).map_err(|e| io_error(&path, &e))?;
        Ok(Self { _link: Some(Remove(path.clone())), path })
    }
}

/// Removes what the spool held for one statement.
struct Remove(PathBuf);

impl Drop for Remove {
    fn drop(&mut self) {
        if let Err(e) = std::fs::remove_file(&self.0)
            && e.kind() != std::io::ErrorKind::NotFound
        {
            tracing::warn!(error = %io_error(&self.0, &e), "a spooled result could not be removed");
        }
    }
}

struct ShapeOnly(Option<Arc<Shape>>);

impl Consumer for ShapeOnly {
    fn shape(&mut self, shape: &Arc<Shape>) -> Result<(), Stop> {
        self.0 = Some(shape.clone());
        Ok(())
    }
    fn batch(&mut self, _: RecordBatch) -> Result<(), Stop> {
        Ok(())
    }
    fn end(&mut self) -> Result<(), Stop> {
        Ok(())
    }
}

/// The values of the statement's parameters, in its own order.
fn bound(
    statement: &duckdb::Statement<'_>,
    params: &BTreeMap<String, Param>,
) -> Result<Vec<Value>, ApiError> {
    let mut used = std::collections::BTreeSet::new();
    let mut values = Vec::new();
    for i in 1..=statement.parameter_count() {
        let name = statement.parameter_name(i).map_err(|e| engine_error(&e))?;
        let Some(value) = params.get(&name) else {
            return Err(ApiError::new(
                ErrorKind::Invalid,
                "parameter_missing",
                format!("the parameter ${name} has no value"),
            )
            .hint(format!("give it with --param {name}=VALUE")));
        };
        used.insert(name);
        values.push(match value {
            Param::Null => Value::Null,
            Param::Bool(b) => Value::Boolean(*b),
            Param::Int(n) => Value::BigInt(*n),
            Param::Text(text) => Value::Text(text.clone()),
        });
    }
    match params.keys().find(|name| !used.contains(*name)) {
        Some(name) => Err(ApiError::new(
            ErrorKind::Invalid,
            "parameter_unknown",
            format!("the statement has no parameter ${name}"),
        )
        .hint(if used.is_empty() {
            "it has none; write $name where the value belongs".to_owned()
        } else {
            format!("it has {}", used.iter().map(|n| format!("${n}")).collect::<Vec<_>>().join(", "))
        })),
        None => Ok(values),
    }
}

/// Types that Arrow, as the engine fills it, does not hold exactly.
fn needs_text(handle: &LogicalTypeHandle) -> bool {
    let own = matches!(
        handle.id(),
        LogicalTypeId::UHugeint
            | LogicalTypeId::Bignum
            | LogicalTypeId::Bit
            | LogicalTypeId::TimeTZ
            | LogicalTypeId::Variant
            | LogicalTypeId::Geometry
    );
    let nested = matches!(
        handle.id(),
        LogicalTypeId::List
            | LogicalTypeId::Array
            | LogicalTypeId::Struct
            | LogicalTypeId::Map
            | LogicalTypeId::Union
    );
    own || nested && (0..handle.num_children()).any(|i| needs_text(&handle.child(i)))
}

fn logical(handle: &LogicalTypeHandle) -> Logical {
    match handle.id() {
        LogicalTypeId::Hugeint => Logical::HugeInt,
        LogicalTypeId::Varchar if handle.get_alias().as_deref() == Some("JSON") => Logical::Json,
        _ => Logical::Plain,
    }
}
