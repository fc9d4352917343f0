//! Model files on disk.

use crate::lifecycle::io_error;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use wharf_protocol::{ApiError, ErrorKind};

/// A model file larger than this is a mistake.
const MOST_BYTES: u64 = 8 << 20;

/// The model files at `path`: the file, or the folder's YAML files by name.
pub(super) fn read(path: &Path) -> Result<Vec<(String, String)>, ApiError> {
    let files = list(path).map_err(|e| match e.kind() {
        std::io::ErrorKind::NotFound => ApiError::new(
            ErrorKind::NotFound,
            "models_not_found",
            format!("{} does not exist", path.display()),
        ),
        _ => io_error(path, &e),
    })?;
    if files.is_empty() {
        return Err(none_at(&path.display().to_string()));
    }
    files
        .into_iter()
        .map(|file| {
            let name = file.display().to_string();
            check_size(&name, std::fs::metadata(&file).map_err(|e| io_error(&file, &e))?.len())?;
            let bytes = std::fs::read(&file).map_err(|e| io_error(&file, &e))?;
            Ok((name.clone(), text(&name, bytes)?))
        })
        .collect()
}

/// There is a place, and no model in it.
pub(super) fn none_at(path: &str) -> ApiError {
    ApiError::new(ErrorKind::NotFound, "no_models", format!("{path} holds no .yml or .yaml file"))
}

/// Refuses what is too large for a model file.
pub(super) fn check_size(name: &str, size: u64) -> Result<(), ApiError> {
    if size <= MOST_BYTES {
        return Ok(());
    }
    Err(ApiError::new(ErrorKind::Limit, "model_too_large", format!("{name} has {size} bytes")))
}

/// A file's bytes as text.
pub(super) fn text(name: &str, bytes: Vec<u8>) -> Result<String, ApiError> {
    String::from_utf8(bytes).map_err(|e| {
        let line = e.as_bytes()[..e.utf8_error().valid_up_to()].iter().filter(|b| **b == b'\n').count() + 1;
        ApiError::new(ErrorKind::Failed, "not_utf8", format!("{name}:{line}: this is not UTF-8 text"))
    })
}

/// Whether a file of this name holds models.
pub(super) fn is_model(name: &str) -> bool {
    name.ends_with(".yml") || name.ends_with(".yaml")
}

/// Changes when a model file does.
pub(super) fn stamp(path: &Path) -> String {
    let parts = list(path).unwrap_or_default().into_iter().map(|file| {
        let meta = std::fs::metadata(&file).ok();
        let meta = meta.map(|m| (m.len(), m.mtime(), m.mtime_nsec(), m.ino()));
        format!("{}{meta:?}", file.display())
    });
    blake3::hash(parts.collect::<Vec<_>>().join("\n").as_bytes()).to_hex().to_string()
}

fn list(path: &Path) -> std::io::Result<Vec<PathBuf>> {
    if std::fs::metadata(path)?.is_file() {
        return Ok(vec![path.to_owned()]);
    }
    let mut files: Vec<PathBuf> = std::fs::read_dir(path)?
        .filter_map(Result::ok)
        .map(|entry| entry.path())
        .filter(|p| p.is_file() && p.to_str().is_some_and(is_model))
        .collect();
    files.sort();
    Ok(files)
}
