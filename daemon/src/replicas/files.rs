//! The folders of replicas, and what does not belong there.

use super::store::Stored;
use crate::lifecycle::io_error;
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use wharf_protocol::ApiError;

/// The folder of all replicas: one folder for each in it.
pub(super) struct Folder(PathBuf);

impl Folder {
    pub(super) fn new(path: &Path) -> Self {
        Self(path.to_owned())
    }

    /// The folder of one.
    pub(super) fn of(&self, name: &str) -> PathBuf {
        self.0.join(name)
    }

    /// The same, made where it isn't there.
    pub(super) fn make(&self, name: &str) -> Result<PathBuf, ApiError> {
        use std::os::unix::fs::DirBuilderExt;
        let path = self.of(name);
        let made = std::fs::DirBuilder::new().recursive(true).mode(0o700).create(&path);
        made.map_err(|e| io_error(&path, &e))?;
        Ok(path)
    }

    /// Removes everything of one.
    pub(super) fn remove(&self, name: &str) {
        remove(&self.of(name));
    }

    /// Removes what no replica names: what the end of an earlier daemon left behind.
    pub(super) fn sweep(&self, all: &BTreeMap<String, Stored>) {
        for folder in entries(&self.0) {
            let name = folder.file_name().unwrap_or_default().to_string_lossy().into_owned();
            match all.get(&name) {
                None => remove(&folder),
                Some(stored) => self.keep_only(&name, stored.data.as_ref().map(|data| data.file.as_str())),
            }
        }
    }

    /// Removes all but one file of a replica. A reader that has another one open goes on with it.
    pub(super) fn keep_only(&self, name: &str, file: Option<&str>) {
        for path in entries(&self.of(name)) {
            if path.file_name().is_none_or(|found| Some(found) != file.map(std::ffi::OsStr::new)) {
                remove(&path);
            }
        }
    }
}

fn entries(path: &Path) -> Vec<PathBuf> {
    std::fs::read_dir(path).into_iter().flatten().flatten().map(|entry| entry.path()).collect()
}

fn remove(path: &Path) {
    let removed = if path.is_dir() { std::fs::remove_dir_all(path) } else { std::fs::remove_file(path) };
    if let Err(error) = removed
        && error.kind() != std::io::ErrorKind::NotFound
    {
        tracing::warn!(error = %io_error(path, &error), "what no replica needs could not be removed");
    }
}
