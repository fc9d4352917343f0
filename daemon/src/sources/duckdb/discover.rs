//! Which tables a path holds: a folder of data files, one data file, or a database.

use std::collections::BTreeMap;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use wharf_protocol::{ApiError, ErrorKind};

/// How the engine reads a file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Reader {
    /// Comma- or otherwise separated, found out by looking.
    Csv,
    /// Tab-separated.
    Tsv,
    /// JSON: an array of objects, or one object a line.
    Json,
    /// Parquet, read in place.
    Parquet,
}

/// A data file that becomes a table.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DataFile {
    /// Table name: the file's name without its endings.
    pub table: String,
    /// Absolute path.
    pub path: PathBuf,
    /// How it is read.
    pub reader: Reader,
    /// Size in bytes.
    pub bytes: u64,
}

/// What a path holds.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Discovered {
    /// A database file of the engine.
    Database(PathBuf),
    /// Data files, by table name.
    Files(Vec<DataFile>),
}

const READS: &str = "wharf reads .csv, .tsv, .json, .ndjson, .jsonl (also .gz), .parquet and .duckdb";

/// Looks at `path`.
///
/// # Errors
/// When it is missing, unreadable, of an unknown kind, or holds no data file.
pub fn discover(path: &Path) -> Result<Discovered, ApiError> {
    let meta = std::fs::metadata(path).map_err(|e| unreadable(path, &e))?;
    if meta.is_dir() {
        return folder(path);
    }
    if is_database(path) {
        std::fs::File::open(path).map_err(|e| unreadable(path, &e))?;
        return Ok(Discovered::Database(path.to_owned()));
    }
    match data_file(path, meta.len()) {
        Some(file) => Ok(Discovered::Files(vec![checked(file)?])),
        None => Err(unknown_kind(path)),
    }
}

fn folder(path: &Path) -> Result<Discovered, ApiError> {
    let mut tables: BTreeMap<String, DataFile> = BTreeMap::new();
    let mut excel = None;
    for entry in std::fs::read_dir(path).map_err(|e| unreadable(path, &e))? {
        let entry = entry.map_err(|e| unreadable(path, &e))?;
        let file = entry.path();
        let hidden = entry.file_name().to_string_lossy().starts_with('.');
        let Ok(meta) = std::fs::metadata(&file) else { continue };
        if hidden || !meta.is_file() {
            continue;
        }
        if ending(&file) == "xlsx" {
            excel = Some(file.clone());
        }
        let Some(found) = data_file(&file, meta.len()) else { continue };
        let found = checked(found)?;
        if let Some(other) = tables.get(&found.table.to_lowercase()) {
            return Err(ApiError::new(
                ErrorKind::Conflict,
                "same_table_twice",
                format!(
                    "{} and {} would both be the table `{}`",
                    other.path.display(),
                    file.display(),
                    found.table
                ),
            )
            .hint("rename one of the files"));
        }
        tables.insert(found.table.to_lowercase(), found);
    }
    if tables.is_empty() {
        return Err(match excel {
            Some(file) => unknown_kind(&file),
            None => ApiError::new(
                ErrorKind::NotFound,
                "no_data_files",
                format!("the folder {} holds no data file", path.display()),
            )
            .hint(READS),
        });
    }
    Ok(Discovered::Files(tables.into_values().collect()))
}

fn checked(file: DataFile) -> Result<DataFile, ApiError> {
    std::fs::File::open(&file.path).map_err(|e| unreadable(&file.path, &e))?;
    if file.bytes == 0 {
        return Err(ApiError::new(
            ErrorKind::Failed,
            "empty_file",
            format!("{} is empty", file.path.display()),
        )
        .hint("a CSV file needs at least its header line; remove the file or fill it"));
    }
    Ok(file)
}

fn ending(path: &Path) -> String {
    path.extension().map(|e| e.to_string_lossy().to_lowercase()).unwrap_or_default()
}

fn is_database(path: &Path) -> bool {
    matches!(ending(path).as_str(), "duckdb" | "ddb" | "db")
}

fn data_file(path: &Path, bytes: u64) -> Option<DataFile> {
    let plain = if ending(path) == "gz" { path.with_extension("") } else { path.to_owned() };
    let zipped = plain != path;
    let reader = match ending(&plain).as_str() {
        "csv" => Reader::Csv,
        "tsv" | "tab" => Reader::Tsv,
        "json" | "ndjson" | "jsonl" => Reader::Json,
        "parquet" | "pq" if !zipped => Reader::Parquet,
        _ => return None,
    };
    let table = plain.file_stem()?.to_string_lossy().into_owned();
    Some(DataFile { table, path: path.to_owned(), reader, bytes })
}

fn unreadable(path: &Path, e: &std::io::Error) -> ApiError {
    let shown = path.display();
    match e.kind() {
        std::io::ErrorKind::NotFound => {
            ApiError::new(ErrorKind::NotFound, "file_not_found", format!("{shown} does not exist"))
        }
        std::io::ErrorKind::PermissionDenied => ApiError::new(
            ErrorKind::Failed,
            "file_unreadable",
            format!("{shown} may not be read by this user"),
        )
        .hint(format!("check its permissions: ls -l {shown}")),
        _ => ApiError::new(ErrorKind::Failed, "file_unreadable", format!("{shown} cannot be read: {e}")),
    }
}

fn unknown_kind(path: &Path) -> ApiError {
    let message = if matches!(ending(path).as_str(), "xlsx" | "xls") {
        format!("{} is an Excel file; the engine of this build has no reader for it", path.display())
    } else {
        format!("{} is not a kind of file that wharf reads", path.display())
    };
    let hint = if message.contains("Excel") { "save the sheet as CSV and add that" } else { READS };
    ApiError::new(ErrorKind::Failed, "unknown_file_kind", message).hint(hint)
}

/// A text that changes when a file does: size, time of change to the nanosecond, inode.
pub fn stamp(paths: impl Iterator<Item = PathBuf>) -> String {
    let mut hasher = blake3::Hasher::new();
    for path in paths {
        hasher.update(path.as_os_str().as_encoded_bytes());
        if let Ok(meta) = std::fs::metadata(&path) {
            for part in [meta.len(), meta.ino(), meta.dev()] {
                hasher.update(&part.to_le_bytes());
            }
            for part in [meta.mtime(), meta.mtime_nsec()] {
                hasher.update(&part.to_le_bytes());
            }
        }
        hasher.update(b"\n");
    }
    hasher.finalize().to_hex()[..32].to_owned()
}
