//! The file of a replica: made aside from fetched rows, and moved into place when it is whole.
//!
//! A new file is written each time, also where only changes were fetched, so that readers never see half of anything and no
//! space is lost to rows that are gone.

use super::spec::DELETED;
use crate::formats::{Logical, Shape};
use crate::lifecycle::io_error;
use crate::sources::duckdb::{UTC, engine_error, literal, quote};
use std::fs::File;
use std::path::{Path, PathBuf};
use wharf_protocol::{ApiError, ErrorKind, Incremental};

/// Memory that building a file may take; what does not fit goes to the disk.
const MEMORY: &str = "200MiB";

/// What a file is made of.
pub(super) struct Build<'a> {
    /// Folder of the replica.
    pub(super) folder: &'a Path,
    /// Schema and name of the table in it.
    pub(super) schema: &'a str,
    pub(super) table: &'a str,
    /// The fetched rows, as Parquet, and their columns.
    pub(super) fetched: &'a Path,
    pub(super) shape: &'a Shape,
    /// The file so far, where only changes were fetched.
    pub(super) before: Option<&'a Path>,
    pub(super) incremental: Option<&'a Incremental>,
    /// Nobody waits for an answer: all processors may be used.
    pub(super) alone: bool,
}

/// A file that is whole and in its place.
#[derive(Debug)]
pub(super) struct Built {
    pub(super) file: PathBuf,
    pub(super) rows: u64,
    pub(super) bytes: u64,
    pub(super) cursor: Option<String>,
}

impl Build<'_> {
    /// Makes the file. Blocking.
    ///
    /// # Errors
    /// When a number does not fit a type, the columns have changed since ([`COLUMNS_CHANGED`]), or the disk is full. What there was
    /// is as it was.
    pub(super) fn run(&self) -> Result<Built, ApiError> {
        let name = format!("{}.duckdb", uuid::Uuid::now_v7());
        let (file, aside) = (self.folder.join(&name), self.folder.join(format!("{name}.new")));
        let made = self.fill(&aside).and_then(|(rows, cursor)| {
            settle(&aside, &file, self.folder)?;
            let bytes = std::fs::metadata(&file).map_err(|e| io_error(&file, &e))?.len();
            Ok(Built { file, rows, bytes, cursor })
        });
        if made.is_err() {
            remove_all(&aside);
        }
        made
    }

    fn fill(&self, aside: &Path) -> Result<(u64, Option<String>), ApiError> {
        let failed = |e: duckdb::Error| engine_error(&e);
        let spill = self.folder.join("spill");
        let config = duckdb::Config::default()
            .enable_autoload_extension(false)
            .and_then(|c| c.with("autoinstall_known_extensions", "false"))
            .and_then(|c| c.with("memory_limit", MEMORY))
            .and_then(|c| c.with("temp_directory", spill.to_string_lossy()))
            .and_then(|c| if self.alone { Ok(c) } else { c.with("threads", "1") })
            .map_err(failed)?;
        let connection = duckdb::Connection::open_with_flags(aside, config).map_err(failed)?;
        let table = format!("{}.{}", quote(self.schema), quote(self.table));
        connection
            .execute_batch(&format!("{UTC} create schema if not exists {};", quote(self.schema)))
            .map_err(failed)?;
        let fetched = self.typed(&connection)?;
        let sql = match self.before {
            None => format!("create table {table} as {}", self.without_deleted(&fetched)),
            Some(before) => {
                let before = literal(&before.to_string_lossy());
                connection
                    .execute_batch(&format!("attach {before} as before (read_only)"))
                    .map_err(failed)?;
                self.same_columns(&connection, &fetched)?;
                self.merged(&table, &fetched)
            }
        };
        connection.execute_batch(&sql).map_err(failed)?;
        let one =
            |sql: &str| connection.query_row(sql, [], |row| row.get::<_, Option<String>>(0)).map_err(failed);
        let rows = one(&format!("select count(*)::varchar from {table}"))?;
        let cursor = match self.incremental {
            Some(incremental) => {
                one(&format!("select max({})::varchar from {table}", quote(&incremental.cursor)))?
            }
            None => None,
        };
        if self.before.is_some() {
            connection.execute_batch("detach before").map_err(failed)?;
        }
        connection.execute_batch("force checkpoint").map_err(failed)?;
        connection.close().map_err(|(_, e)| engine_error(&e))?;
        let _ = std::fs::remove_dir_all(&spill);
        Ok((rows.and_then(|n| n.parse().ok()).unwrap_or(0), cursor))
    }

    /// The fetched rows as a query, numbers that came as digits in the narrowest decimal that holds them all.
    fn typed(&self, connection: &duckdb::Connection) -> Result<String, ApiError> {
        let from = literal(&self.fetched.to_string_lossy());
        let mut casts = Vec::new();
        for (column, logical) in self.shape.columns.iter().zip(&self.shape.logical) {
            let name = quote(&column.name);
            match logical {
                Logical::Json => casts.push(format!("{name}::json as {name}")),
                Logical::Number => {
                    let scale = self.scale(connection, &from, &column.name)?;
                    casts.push(format!("{name}::decimal(38,{scale}) as {name}"));
                }
                Logical::Plain | Logical::HugeInt => {}
            }
        }
        let replaced =
            if casts.is_empty() { String::new() } else { format!(" replace ({})", casts.join(", ")) };
        Ok(format!("select *{replaced} from {from}"))
    }

    /// Digits behind the point that a column of digits needs.
    fn scale(&self, connection: &duckdb::Connection, from: &str, column: &str) -> Result<u32, ApiError> {
        let name = quote(column);
        let sql = format!(
            "select coalesce(max(length(split_part({name}, '.', 2))), 0)::integer, \
             coalesce(max(length(ltrim(split_part({name}, '.', 1), '-'))), 0)::integer, \
             coalesce(bool_or({name} similar to '.*[A-Za-z].*'), false) from {from}"
        );
        let (behind, before, words) = connection
            .query_row(&sql, [], |row| {
                Ok((row.get::<_, u32>(0)?, row.get::<_, u32>(1)?, row.get::<_, bool>(2)?))
            })
            .map_err(|e| engine_error(&e))?;
        if words || behind + before > 38 {
            let message = format!(
                "the numbers of the column `{column}` have no decimal type that holds them all exactly"
            );
            return Err(ApiError::new(ErrorKind::Failed, "conversion", message)
                .hint("copy a query that casts them: --sql 'select cast(... as numeric(38,10)) ...'"));
        }
        Ok(behind)
    }

    fn deleted(&self) -> Option<String> {
        let incremental = self.incremental?;
        incremental.deleted.as_ref().map(|_| quote(DELETED))
    }

    fn without_deleted(&self, fetched: &str) -> String {
        match self.deleted() {
            Some(deleted) => {
                format!("select * exclude ({deleted}) from ({fetched}) where {deleted} is not true")
            }
            None => fetched.to_owned(),
        }
    }

    /// What there was without the rows that have changed, and those that have.
    fn merged(&self, table: &str, fetched: &str) -> String {
        let Some(incremental) = self.incremental else { return format!("create table {table} as {fetched}") };
        let keys: Vec<String> = incremental.keys.iter().map(|key| quote(key)).collect();
        let same: Vec<String> =
            keys.iter().map(|key| format!("c.{key} is not distinct from b.{key}")).collect();
        // Several versions of a row can come at once; the last one counts.
        let latest = format!(
            "select * from ({fetched}) qualify row_number() over (partition by {} order by {} desc) = 1",
            keys.join(", "),
            quote(&incremental.cursor)
        );
        format!(
            "create temp table changed as {latest}; \
             create table {table} as \
             select b.* from before.{table} b where not exists (select 1 from changed c where {}) \
             union all by name {}; drop table changed",
            same.join(" and "),
            self.without_deleted("select * from changed")
        )
    }

    /// Changes can be put into the table only while it has the columns that it had.
    fn same_columns(&self, connection: &duckdb::Connection, fetched: &str) -> Result<(), ApiError> {
        let failed = |e: duckdb::Error| engine_error(&e);
        let of = |query: &str| -> Result<Vec<(String, String)>, ApiError> {
            let sql = format!("select column_name, column_type from (describe {query})");
            let mut statement = connection.prepare(&sql).map_err(failed)?;
            let rows = statement.query_map([], |row| Ok((row.get(0)?, row.get(1)?))).map_err(failed)?;
            rows.collect::<Result<_, _>>().map_err(failed)
        };
        let before = of(&format!("select * from before.{}.{}", quote(self.schema), quote(self.table)))?;
        let now = of(&self.without_deleted(fetched))?;
        // Numbers without a fixed scale need more or fewer digits each time.
        let alike = |(a, b): (&(String, String), &(String, String))| {
            a.0 == b.0 && (a.1 == b.1 || a.1.starts_with("DECIMAL(38,") && b.1.starts_with("DECIMAL(38,"))
        };
        if before.len() == now.len() && before.iter().zip(&now).all(alike) {
            return Ok(());
        }
        Err(ApiError::new(ErrorKind::Conflict, COLUMNS_CHANGED, "the columns have changed at the source"))
    }
}

/// Code of the error that says a full refresh is needed.
pub(super) const COLUMNS_CHANGED: &str = "columns_changed";

/// Brings a file that is whole into its place: after this it is there, whatever happens to the machine.
fn settle(aside: &Path, file: &Path, folder: &Path) -> Result<(), ApiError> {
    let log = PathBuf::from(format!("{}.wal", aside.display()));
    if log.exists() {
        // The engine replays such a log when it opens the file, and has died of that.
        let message = format!("the engine left a log beside {}", aside.display());
        return Err(ApiError::new(ErrorKind::Internal, "replica_log", message));
    }
    File::open(aside).and_then(|f| f.sync_all()).map_err(|e| io_error(aside, &e))?;
    std::fs::rename(aside, file).map_err(|e| io_error(file, &e))?;
    File::open(folder).and_then(|f| f.sync_all()).map_err(|e| io_error(folder, &e))
}

fn remove_all(aside: &Path) {
    for path in [aside.to_owned(), PathBuf::from(format!("{}.wal", aside.display()))] {
        let _ = std::fs::remove_file(path);
    }
}
