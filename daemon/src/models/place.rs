//! Where a source's model files are: on this machine, or among the files that the source itself keeps.

use super::files;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;
use wharf_protocol::{ApiError, ErrorKind};
use wharf_warehouses::{FileEntry, Files, Source};

/// A place beneath which a Databricks workspace keeps files.
const VOLUMES: &str = "/Volumes/";

/// How long a workspace may take to hand out its files.
const PATIENCE: Duration = Duration::from_secs(60);

/// How long what a source keeps is taken for unchanged.
pub(super) const UNCHANGED: Duration = Duration::from_secs(60);

/// Where model files are.
#[derive(Clone)]
pub enum Place {
    /// A file or a folder of this machine.
    Here(PathBuf),
    /// A file or a folder of the source's own.
    There(Arc<dyn Files>, String),
}

impl Place {
    /// What a path means for a source: one in a volume is the source's own where it keeps files, and there is nothing of that name
    /// here.
    pub fn of(path: &Path, source: Option<&dyn Source>) -> Self {
        let text = path.to_string_lossy();
        match source.and_then(Source::files).filter(|_| text.starts_with(VOLUMES) && !path.exists()) {
            Some(files) => Self::There(files, text.into_owned()),
            None => Self::Here(path.to_owned()),
        }
    }

    /// Whether asking for it costs a journey.
    pub(super) fn is_far(&self) -> bool {
        matches!(self, Self::There(..))
    }

    /// The model files: name and text. Blocking, on a thread of the runtime that may block.
    pub(super) fn read(&self) -> Result<Vec<(String, String)>, ApiError> {
        match self {
            Self::Here(path) => files::read(path),
            Self::There(from, path) => wait(there(&**from, path)),
        }
    }

    /// Changes when a model file does. Blocking, on a thread of the runtime that may block.
    pub(super) fn stamp(&self) -> Result<String, ApiError> {
        match self {
            Self::Here(path) => Ok(files::stamp(path)),
            Self::There(from, path) => {
                let entries = wait(entries(&**from, path))?;
                let parts: Vec<String> =
                    entries.iter().map(|e| format!("{}{:?}{:?}", e.path, e.size, e.modified)).collect();
                Ok(blake3::hash(parts.join("\n").as_bytes()).to_hex().to_string())
            }
        }
    }
}

fn wait<T>(work: impl Future<Output = Result<T, ApiError>>) -> Result<T, ApiError> {
    let runtime = tokio::runtime::Handle::try_current()
        .map_err(|e| ApiError::new(ErrorKind::Internal, "runtime", e.to_string()))?;
    let late = || ApiError::new(ErrorKind::Deadline, "deadline", "the model files did not come in time");
    runtime.block_on(async { tokio::time::timeout(PATIENCE, work).await }).map_err(|_| late())?
}

async fn there(from: &dyn Files, path: &str) -> Result<Vec<(String, String)>, ApiError> {
    let entries = entries(from, path).await?;
    if entries.is_empty() {
        return Err(files::none_at(path));
    }
    let mut found = Vec::new();
    for entry in entries {
        files::check_size(&entry.path, entry.size.unwrap_or(0))?;
        let bytes = from.read(&entry.path).await?;
        files::check_size(&entry.path, bytes.len() as u64)?;
        found.push((entry.path.clone(), files::text(&entry.path, bytes)?));
    }
    Ok(found)
}

/// The model files there: the one that is named, or those of the folder.
async fn entries(from: &dyn Files, path: &str) -> Result<Vec<FileEntry>, ApiError> {
    let path = path.trim_end_matches('/');
    let folder =
        if files::is_model(path) { path.rsplit_once('/').map_or(path, |(above, _)| above) } else { path };
    let all = from.list(folder).await?;
    let meant = |e: &FileEntry| !e.folder && files::is_model(&e.path) && (folder == path || e.path == path);
    Ok(all.into_iter().filter(meant).collect())
}
