//! Snapshots: text files read once into a database file, so that a query need not read them again.
//!
//! A snapshot is built under a temporary name, checkpointed, closed and renamed into place, with no log beside it. It is
//! rebuilt when a file's size, time or inode changes, or when another engine version made it; a damaged one is set aside
//! and rebuilt.

use super::attach::Attachment;
use super::discover::{DataFile, Discovered, Reader, discover, stamp};
use super::{engine_error, literal, quote};
use crate::lifecycle::io_error;
use crate::sources::Cancel;
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, HashMap};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};
use wharf_protocol::{ApiError, ErrorKind};

/// What a source says about itself, as far as the engine needs it.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Spec {
    /// Source name.
    pub name: String,
    /// Folder, file or database.
    pub path: PathBuf,
    /// Column types by table and column.
    pub types: BTreeMap<String, BTreeMap<String, String>>,
    /// Further table names: alias to table.
    pub aliases: BTreeMap<String, String>,
}

/// Makes and finds snapshots.
#[derive(Clone)]
pub struct Snapshots {
    dir: PathBuf,
    memory: u64,
    building: Arc<Mutex<HashMap<String, Arc<Mutex<()>>>>>,
}

/// Told beside a snapshot.
#[derive(Debug, PartialEq, Eq, Serialize, Deserialize)]
struct Manifest {
    stamp: String,
    engine: String,
    reads: Vec<PathBuf>,
    /// Length of the snapshot and hash of its headers: what is not whole is not opened.
    #[serde(default)]
    seal: String,
}

/// Told while a snapshot is made: file name, files done, files in all.
pub type Progress<'a> = &'a (dyn Fn(&str, usize, usize) + Sync);

impl Snapshots {
    /// Snapshots in `dir`, each made with at most `memory` bytes.
    pub fn new(dir: &Path, memory: u64) -> Self {
        Self { dir: dir.to_owned(), memory: memory.max(128 << 20), building: Arc::default() }
    }

    /// The source as an instance attaches it, made up to date first.
    ///
    /// # Errors
    /// When its path is gone, or a file cannot be read as data: file, line and cause.
    pub fn attachment(
        &self,
        spec: &Spec,
        cancel: &Cancel,
        progress: Progress,
    ) -> Result<Attachment, ApiError> {
        let (files, wanted) = match wanted(&self.dir, spec)? {
            Wanted::Database(attachment) => return Ok(attachment),
            Wanted::Snapshot(files, wanted) => (files, wanted),
        };
        let lock = self
            .building
            .lock()
            .unwrap_or_else(std::sync::PoisonError::into_inner)
            .entry(spec.name.clone())
            .or_default()
            .clone();
        let guard = lock.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        if !is_current(&wanted) {
            self.build(spec, &files, &wanted, cancel, progress)?;
        }
        drop(guard);
        Ok(wanted)
    }

    /// The source as an instance attaches it, if nothing has to be made for that.
    pub fn current(&self, spec: &Spec) -> Option<Attachment> {
        match wanted(&self.dir, spec).ok()? {
            Wanted::Database(attachment) => Some(attachment),
            Wanted::Snapshot(_, wanted) => is_current(&wanted).then_some(wanted),
        }
    }

    /// Removes a source's snapshots.
    pub fn remove(&self, source: &str) {
        self.sweep(source, None);
    }

    /// Bytes on disk.
    pub fn bytes(&self) -> u64 {
        let entries = std::fs::read_dir(&self.dir).into_iter().flatten().flatten();
        entries.filter_map(|e| e.metadata().ok()).map(|m| m.len()).sum()
    }

    /// Removes what an interrupted build left behind, and snapshots of sources that are not `known`: the daemon ended
    /// between the end of a snapshot and the note of its source, or between the end of a source and that of its snapshot.
    pub fn sweep_strays(&self, known: impl Fn(&str) -> bool) {
        for entry in std::fs::read_dir(&self.dir).into_iter().flatten().flatten() {
            let name = entry.file_name().to_string_lossy().into_owned();
            if name.contains(".partial") || !known(source_of(&name)) {
                remove(&entry.path());
            }
        }
    }

    /// Forgets a source's snapshot that turned out to be damaged inside; the next use makes another.
    pub fn discard(&self, source: &str) {
        self.sweep(source, None);
    }

    fn build(
        &self,
        spec: &Spec,
        files: &[DataFile],
        wanted: &Attachment,
        cancel: &Cancel,
        progress: Progress,
    ) -> Result<(), ApiError> {
        let file = wanted.file.as_path();
        std::fs::create_dir_all(&self.dir).map_err(|e| io_error(&self.dir, &e))?;
        let partial = file.with_extension("partial");
        let log = file.with_extension("partial.wal");
        // What is no file would stand in the way.
        for path in [file, &manifest_of(file)] {
            if path.is_dir() {
                remove(path);
            }
        }
        for old in [&partial, &log] {
            let _ = std::fs::remove_file(old);
        }
        let result = fill(spec, files, &partial, self.memory, cancel, progress).and_then(|()| {
            let sealed = Manifest::of(wanted, seal(&partial).unwrap_or_default());
            let text = serde_json::to_vec(&sealed).unwrap_or_default();
            std::fs::write(manifest_of(file), text)
                .and_then(|()| std::fs::File::open(&partial)?.sync_all())
                .and_then(|()| std::fs::rename(&partial, file))
                .map_err(|e| io_error(&self.dir, &e))
        });
        if result.is_err() {
            let _ = std::fs::remove_file(&partial);
        }
        let _ = std::fs::remove_file(&log);
        result?;
        self.sweep(&spec.name, Some(file));
        Ok(())
    }

    /// Removes other snapshots of a source than `keep`.
    fn sweep(&self, source: &str, keep: Option<&Path>) {
        for entry in std::fs::read_dir(&self.dir).into_iter().flatten().flatten() {
            let path = entry.path();
            let name = entry.file_name().to_string_lossy().into_owned();
            let kept = keep.is_some_and(|k| path == k || path == manifest_of(k));
            if source_of(&name) == source && !kept {
                remove(&path);
            }
        }
    }
}

/// A name is `source-stamp-types.ending`; source names hold no dash.
fn source_of(name: &str) -> &str {
    name.split('-').next().unwrap_or_default()
}

/// Removes a snapshot's file, or the folder that the engine spilled into while it made one.
fn remove(path: &Path) {
    if std::fs::remove_file(path).is_err() {
        let _ = std::fs::remove_dir_all(path);
    }
}

fn manifest_of(file: &Path) -> PathBuf {
    file.with_extension("json")
}

/// What a source is to be attached as, whether or not it is there yet.
enum Wanted {
    /// The user's own database.
    Database(Attachment),
    /// A snapshot of these files.
    Snapshot(Vec<DataFile>, Attachment),
}

fn wanted(dir: &Path, spec: &Spec) -> Result<Wanted, ApiError> {
    let alias = spec.name.clone();
    let files = match discover(&spec.path)? {
        Discovered::Database(file) => {
            let stamp = stamp(std::iter::once(file.clone()));
            let attachment = Attachment { alias, file, reads: Vec::new(), stamp, foreign: true, key: None };
            return Ok(Wanted::Database(attachment));
        }
        Discovered::Files(files) => files,
    };
    // Types and aliases make another snapshot of the same files.
    let spec_hash = blake3::hash(serde_json::to_string(spec).unwrap_or_default().as_bytes()).to_hex();
    let stamp = format!("{}-{}", stamp(files.iter().map(|f| f.path.clone())), &spec_hash[..8]);
    let file = dir.join(format!("{alias}-{stamp}.duckdb"));
    let reads = files.iter().filter(|f| f.reader == Reader::Parquet).map(|f| f.path.clone()).collect();
    Ok(Wanted::Snapshot(files, Attachment { alias, file, reads, stamp, foreign: false, key: None }))
}

fn is_current(wanted: &Attachment) -> bool {
    // A snapshot has no log; one that stands there is not ours, and replaying it could end the process.
    remove(&wanted.file.with_extension("duckdb.wal"));
    let told = std::fs::read(manifest_of(&wanted.file)).ok();
    let told = told.and_then(|bytes| serde_json::from_slice::<Manifest>(&bytes).ok());
    told.is_some() && told == seal(&wanted.file).map(|seal| Manifest::of(wanted, seal))
}

impl Manifest {
    fn of(wanted: &Attachment, seal: String) -> Self {
        Self { stamp: wanted.stamp.clone(), engine: ENGINE.to_owned(), reads: wanted.reads.clone(), seal }
    }
}

/// The engine whose format the snapshots have.
const ENGINE: &str = "1.5.6";

/// Length and hash of the headers (the engine keeps three of 4 KiB at the front) of a regular file.
fn seal(file: &Path) -> Option<String> {
    use std::io::Read;
    let meta = std::fs::symlink_metadata(file).ok().filter(std::fs::Metadata::is_file)?;
    let mut head = Vec::new();
    std::fs::File::open(file).ok()?.take(3 * 4096).read_to_end(&mut head).ok()?;
    Some(format!("{}-{}", meta.len(), blake3::hash(&head).to_hex()))
}

fn fill(
    spec: &Spec,
    files: &[DataFile],
    partial: &Path,
    memory: u64,
    cancel: &Cancel,
    progress: Progress,
) -> Result<(), ApiError> {
    let config = duckdb::Config::default()
        .enable_autoload_extension(false)
        .and_then(|c| c.with("autoinstall_known_extensions", "false"))
        .and_then(|c| c.max_memory(&format!("{memory}B")))
        .map_err(|e| engine_error(&e))?;
    let connection = duckdb::Connection::open_with_flags(partial, config).map_err(|e| engine_error(&e))?;
    connection.execute_batch(super::instance::UTC).map_err(|e| engine_error(&e))?;
    let interrupt = connection.interrupt_handle();
    cancel.on_raise(Some(Box::new(move || interrupt.interrupt())));
    let result = fill_tables(&connection, spec, files, cancel, progress);
    cancel.on_raise(None);
    result?;
    connection.execute_batch("checkpoint").map_err(|e| engine_error(&e))?;
    connection.close().map_err(|(_, e)| engine_error(&e))
}

fn fill_tables(
    connection: &duckdb::Connection,
    spec: &Spec,
    files: &[DataFile],
    cancel: &Cancel,
    progress: Progress,
) -> Result<(), ApiError> {
    for (i, file) in files.iter().enumerate() {
        progress(&file.table, i, files.len());
        if cancel.raised() {
            return Err(cancel.error());
        }
        let types = find_ignoring_case(&spec.types, &file.table);
        let from = reader_call(file, types);
        let table = quote(&file.table);
        let sql = match file.reader {
            Reader::Parquet => format!("create view {table} as select * from {from}"),
            Reader::Csv | Reader::Tsv | Reader::Json => {
                format!("create table {table} as select * from {from}")
            }
        };
        connection.execute_batch(&sql).map_err(|e| read_error(file, &e, cancel))?;
    }
    progress("", files.len(), files.len());
    for (alias, table) in &spec.aliases {
        if files.iter().any(|f| f.table.eq_ignore_ascii_case(alias)) {
            continue;
        }
        let sql = format!("create view {} as select * from {}", quote(alias), quote(table));
        connection.execute_batch(&sql).map_err(|e| engine_error(&e))?;
    }
    Ok(())
}

fn find_ignoring_case<'a, V>(map: &'a BTreeMap<String, V>, key: &str) -> Option<&'a V> {
    map.iter().find(|(k, _)| k.eq_ignore_ascii_case(key)).map(|(_, v)| v)
}

fn reader_call(file: &DataFile, types: Option<&BTreeMap<String, String>>) -> String {
    let path = literal(&file.path.to_string_lossy());
    let types = types.filter(|t| !t.is_empty()).map(|types| {
        let pairs: Vec<String> =
            types.iter().map(|(c, t)| format!("{}: {}", literal(c), literal(t))).collect();
        format!("{{{}}}", pairs.join(", "))
    });
    // Looking at every line finds the type that fits all of them; very large files are sampled.
    let sample = if file.bytes <= 256 << 20 { "-1" } else { "1000000" };
    let types_argument = types.map(|t| format!(", types = {t}")).unwrap_or_default();
    match file.reader {
        Reader::Csv => format!("read_csv({path}, sample_size = {sample}{types_argument})"),
        Reader::Tsv => format!("read_csv({path}, sample_size = {sample}, delim = '\t'{types_argument})"),
        Reader::Json => {
            let columns = types_argument.replace("types =", "columns =");
            format!("read_json({path}, maximum_object_size = 67108864{columns})")
        }
        Reader::Parquet => format!("read_parquet({path})"),
    }
}

fn read_error(file: &DataFile, error: &duckdb::Error, cancel: &Cancel) -> ApiError {
    if cancel.raised() {
        return cancel.error();
    }
    let mut said = super::engine_error::without_place(error);
    let shown = file.path.display().to_string();
    if matches!(said.code.as_str(), "disk_full" | "cancelled" | "out_of_memory") {
        return said;
    }
    said.code = "malformed_file".to_owned();
    said.kind = ErrorKind::Failed;
    let reason = said.message.strip_prefix("malformed JSON").and_then(|m| m.rsplit(": ").next());
    if let Some((reason, line)) = reason.zip(super::json_place::first_fault(&file.path)) {
        said.message = format!("{shown}, line {line}: {reason}");
        said.hint =
            Some("mend that line; each must be one object, or the file one array of objects".to_owned());
    }
    if !said.message.contains(&shown) {
        said.message = format!("{shown}: {}", said.message);
    }
    said
}
