//! Statements of a profile on their way through the gate, and how far the profile is.

use super::column::Subject;
use super::copy::Copy;
use super::{Progress, Step};
use crate::gate::{Deliver, Gate, Rights, Statement};
use crate::lifecycle::blocking;
use crate::sampling;
use crate::sources::duckdb::{Discovered, discover, literal};
use crate::sources::{Cancel, Collect, Consumer};
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use wharf_policy::Dialect;
use wharf_protocol::{ApiError, Cell, ErrorKind, ProfileRequest, Sample};

/// Columns in one statement over a table whose columns lie apart.
const COLUMNS_APART: usize = 32;
/// Columns in one statement over a text file, which is read whole each time.
const COLUMNS_TOGETHER: usize = 200;
/// The share of the whole that the columns held in memory make up.
pub(super) const HELD_MARK: u64 = 40;
/// Values that one statement may look at before people wonder whether anything happens.
const VALUES: u64 = 24_000_000;

/// The table or file to profile.
pub(super) struct Target {
    /// As it stands in SQL.
    pub(super) sql: String,
    /// For people.
    pub(super) name: String,
    /// Under which the profile is stored.
    pub(super) key: String,
    source: Option<String>,
    rights: Rights,
    /// Its language, where it is elsewhere.
    far: Option<Dialect>,
    file: Option<PathBuf>,
    /// Whether reading one column means reading all of them.
    pub(super) together: bool,
}

impl Target {
    /// Finds what the request names.
    pub(super) async fn find(gate: &Gate, request: &ProfileRequest) -> Result<Self, ApiError> {
        let (relation, rights) = sampling::relation(gate, &request.table, request.source.clone()).await?;
        if rights == Rights::Source {
            return Ok(Self {
                key: format!("table:{}{}", relation.name, gate.mark().await?),
                sql: relation.sql,
                name: relation.name,
                source: relation.source,
                rights,
                far: Some(relation.dialect).filter(|dialect| *dialect != Dialect::Duckdb),
                file: None,
                together: false,
            });
        }
        let path = request
            .cwd
            .as_deref()
            .map_or_else(|| PathBuf::from(&request.table), |cwd| Path::new(cwd).join(&request.table));
        let glob = request.table.contains(['*', '?', '[']) && !path.exists();
        if !glob && let Discovered::Database(_) = discover(&path)? {
            let message = format!("{} is a database, and a profile is of one table", path.display());
            return Err(ApiError::new(ErrorKind::Invalid, "database_file", message)
                .hint("add it with `wharf source add NAME PATH` and name the table"));
        }
        if !glob && path.is_dir() {
            let message = format!("{} is a folder, and a profile is of one table", path.display());
            return Err(
                ApiError::new(ErrorKind::Invalid, "folder", message).hint("name one of the files in it")
            );
        }
        let path = if glob {
            path
        } else {
            std::fs::canonicalize(&path).map_err(|e| crate::lifecycle::io_error(&path, &e))?
        };
        let text = path.to_string_lossy().into_owned();
        let ending = text.to_ascii_lowercase();
        Ok(Self {
            sql: literal(&text),
            key: format!("file:{text}"),
            name: text,
            source: relation.source,
            rights,
            far: None,
            together: !(ending.ends_with(".parquet") || ending.ends_with(".pq")),
            file: (!glob).then_some(path),
        })
    }

    /// A text that changes when the data does; none when that cannot be told.
    pub(super) async fn stamp(&self, gate: &Gate) -> Result<Option<String>, ApiError> {
        if let Some(file) = &self.file {
            let meta = std::fs::metadata(file).map_err(|e| crate::lifecycle::io_error(file, &e))?;
            let (size, inode, device) = (meta.len(), meta.ino(), meta.dev());
            return Ok(Some(format!("{size}-{}.{:09}-{inode}-{device}", meta.mtime(), meta.mtime_nsec())));
        }
        let (Rights::Source, Some(source)) = (&self.rights, self.source.clone()) else { return Ok(None) };
        let gate = gate.clone();
        blocking(move || gate.catalog().stamp(&source)).await.map(Some)
    }
}

impl Target {
    /// Whether it is elsewhere.
    pub(super) fn is_far(&self) -> bool {
        self.far.is_some()
    }

    /// A statement about it.
    pub(super) fn statement(&self, sql: String) -> Statement {
        let mut statement = Statement::new("profile", self.rights.clone(), sql);
        statement.source.clone_from(&self.source);
        statement
    }

    /// The statement that draws a random share of its rows, in percent.
    pub(super) fn share(&self, percent: f64) -> Result<String, ApiError> {
        let dialect = self.far.unwrap_or(Dialect::Duckdb);
        sampling::draw(dialect, &self.sql, &Sample::Percent(percent), None)
    }
}

/// The statements of one profile.
pub(super) struct Passes<'a> {
    gate: &'a Gate,
    pub(super) target: &'a Target,
    /// Where the rows are, if not behind the gate.
    copy: Option<&'a Copy>,
    cancel: &'a Cancel,
    progress: &'a Progress,
}

impl<'a> Passes<'a> {
    pub(super) fn new(
        gate: &'a Gate,
        target: &'a Target,
        copy: Option<&'a Copy>,
        cancel: &'a Cancel,
        progress: &'a Progress,
    ) -> Self {
        Self { gate, target, copy, cancel, progress }
    }

    /// Tells how far it is: `part` of `parts` between two marks of a hundred.
    pub(super) fn tell(&self, what: &'static str, (from, to): (u64, u64), part: usize, parts: usize) {
        let done = from + (to - from) * part as u64 / parts.max(1) as u64;
        // Nothing of a text file is held, so there the other marks are all there is.
        let whole = Step::OF - HELD_MARK;
        let done =
            if self.target.together { done.saturating_sub(HELD_MARK) * Step::OF / whole } else { done };
        (self.progress)(Step { done, what });
    }

    /// Runs one statement; its rows come back.
    pub(super) async fn rows(&self, sql: String) -> Result<Vec<Vec<Cell>>, ApiError> {
        Ok(self.through(sql, Collect::default()).await?.rows(false).rows)
    }

    /// Runs one statement, whose rows go through a consumer.
    pub(super) async fn through<C: Consumer + 'static>(&self, sql: String, rows: C) -> Result<C, ApiError> {
        if self.cancel.raised() {
            return Err(self.cancel.error());
        }
        if let Some(copy) = self.copy {
            return copy.run(sql, self.cancel, rows).await;
        }
        let statement = self.target.statement(sql);
        let delivered = self.gate.run(statement, self.cancel.clone(), Deliver::Rows(rows)).await?;
        let missing = || ApiError::new(ErrorKind::Internal, "profile", "the statement's rows are gone");
        delivered.consumer.ok_or_else(missing)
    }

    /// What stands behind FROM.
    pub(super) fn relation(&self) -> &str {
        self.copy.map_or(&self.target.sql, |copy| &copy.sql)
    }

    /// Rows of the table.
    pub(super) async fn count(&self) -> Result<u64, ApiError> {
        Ok(count(&self.row(&["count(*)".to_owned()]).await?[0]))
    }

    /// Runs one statement over the table that yields these expressions in one row.
    pub(super) async fn row(&self, expressions: &[String]) -> Result<Vec<Cell>, ApiError> {
        let sql = format!("select {} from {} as t", expressions.join(", "), self.relation());
        let row = self.rows(sql).await?.into_iter().next();
        row.filter(|r| r.len() == expressions.len()).ok_or_else(|| {
            ApiError::new(ErrorKind::Internal, "profile", "the engine returned no row of figures")
        })
    }

    /// The columns of the table with their types.
    pub(super) async fn columns(&self) -> Result<Vec<Subject>, ApiError> {
        let columns = match (&self.target.rights, &self.target.source) {
            (Rights::Source, Some(source)) if self.copy.is_none() => self.listed(source).await?,
            _ => {
                let rows = self.rows(format!("describe select * from {}", self.relation())).await?;
                let text =
                    |row: &[Cell], i: usize| row.get(i).and_then(Cell::text).unwrap_or_default().to_owned();
                rows.iter().map(|row| (text(row, 0), text(row, 1))).collect()
            }
        };
        Ok(columns
            .iter()
            .enumerate()
            .map(|(i, (name, type_name))| Subject::new(i, name, type_name))
            .collect())
    }

    /// The columns that the asker may see.
    async fn listed(&self, source: &str) -> Result<Vec<(String, String)>, ApiError> {
        let table = self.gate.table(&self.target.name, Some(source)).await?;
        Ok(table.columns.into_iter().map(|c| (c.name, c.r#type)).collect())
    }

    /// Makes sure that statements one after another saw the same table.
    pub(super) fn same_rows(&self, before: u64, now: u64) -> Result<(), ApiError> {
        if before == now {
            return Ok(());
        }
        let message =
            format!("{} changed while it was profiled: it had {before} rows, then {now}", self.target.name);
        Err(ApiError::new(ErrorKind::Conflict, "data_changed", message)
            .hint("run it again when nothing writes to it"))
    }

    /// How many columns go into one statement over a table of so many rows.
    pub(super) fn batch(&self, rows: u64) -> usize {
        if self.target.together {
            return COLUMNS_TOGETHER;
        }
        usize::try_from(VALUES / rows.max(1)).unwrap_or(COLUMNS_APART).clamp(1, COLUMNS_APART)
    }
}

/// Expressions of one statement, each remembered by its place.
#[derive(Default)]
pub(super) struct Asked(pub(super) Vec<String>);

impl Asked {
    /// Adds an expression; the place where its value will stand.
    pub(super) fn ask(&mut self, sql: String) -> usize {
        self.0.push(sql);
        self.0.len() - 1
    }
}

/// Whether an error may be the fault of one column, so that asking for the others apart makes sense.
pub(super) fn of_one_column(error: &ApiError) -> bool {
    matches!(error.kind, ErrorKind::Failed | ErrorKind::NotFound | ErrorKind::Refused)
        && error.code != "syntax"
}

pub(super) fn count(cell: &Cell) -> u64 {
    cell.text().and_then(|t| t.parse().ok()).unwrap_or(0)
}

pub(super) fn float(cell: &Cell) -> Option<f64> {
    cell.text().and_then(|t| t.parse().ok()).filter(|f: &f64| f.is_finite())
}
