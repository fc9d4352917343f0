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
        return Err(ApiError::new(
            ErrorKind::NotFound,
            "no_models",
            format!("{} holds no .yml or .yaml file", path.display()),
        ));
    }
    files
        .into_iter()
        .map(|file| {
            let size = std::fs::metadata(&file).map_err(|e| io_error(&file, &e))?.len();
            if size > MOST_BYTES {
                return Err(ApiError::new(
                    ErrorKind::Limit,
                    "model_too_large",
                    format!("{} has {size} bytes", file.display()),
                ));
            }
            let bytes = std::fs::read(&file).map_err(|e| io_error(&file, &e))?;
            let text = String::from_utf8(bytes).map_err(|e| {
                let line =
                    e.as_bytes()[..e.utf8_error().valid_up_to()].iter().filter(|b| **b == b'\n').count() + 1;
                ApiError::new(
                    ErrorKind::Failed,
                    "not_utf8",
                    format!("{}:{line}: this is not UTF-8 text", file.display()),
                )
            })?;
            Ok((file.display().to_string(), text))
        })
        .collect()
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
        .filter(|p| p.is_file() && p.extension().is_some_and(|e| e == "yml" || e == "yaml"))
        .collect();
    files.sort();
    Ok(files)
}
