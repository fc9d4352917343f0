//! Files in volumes, through the Files API.

use super::errors::About;
use super::far::{Body, Call, Far, PATIENCE};
use crate::http::Again;
use crate::port::{FileEntry, Files};
use async_trait::async_trait;
use reqwest::Method;
use serde::Deserialize;
use std::sync::Arc;
use std::time::Instant;
use url::Url;
use wharf_protocol::{ApiError, ErrorKind};

const FILES: &str = "/api/2.0/fs/files";
const FOLDERS: &str = "/api/2.0/fs/directories";
/// The most entries asked for at once.
const PAGE: &str = "1000";

/// The files of Unity Catalog's volumes, by paths like `/Volumes/CATALOG/SCHEMA/VOLUME/FOLDER/FILE`.
///
/// There is no renaming and no conditional write: what must not be lost belongs into files of its own names, written with
/// `overwrite` off.
#[derive(Clone)]
pub struct Volumes {
    far: Arc<Far>,
}

#[derive(Deserialize, Default)]
#[serde(default)]
struct Listing {
    contents: Option<Vec<Entry>>,
    next_page_token: Option<String>,
}

#[derive(Deserialize, Default)]
#[serde(default)]
struct Entry {
    path: Option<String>,
    is_directory: Option<bool>,
    file_size: Option<u64>,
    last_modified: Option<i64>,
}

#[async_trait]
impl Files for Volumes {
    async fn list(&self, folder: &str) -> Result<Vec<FileEntry>, ApiError> {
        let until = Instant::now() + PATIENCE;
        let mut all = Vec::new();
        let mut token: Option<String> = None;
        loop {
            let mut url = self.url(FOLDERS, folder)?;
            url.query_pairs_mut().append_pair("page_size", PAGE);
            if let Some(token) = &token {
                url.query_pairs_mut().append_pair("page_token", token);
            }
            let page: Listing =
                self.far.json(&self.far.get(url, About::File(folder.to_owned()), until)).await?;
            all.extend(page.contents.into_iter().flatten().filter_map(|entry| {
                let folder = entry.is_directory.unwrap_or(false);
                let size = entry.file_size.or(Some(0)).filter(|_| !folder);
                Some(FileEntry { path: entry.path?, folder, size, modified: entry.last_modified })
            }));
            match page.next_page_token.filter(|next| !next.is_empty()) {
                None => break,
                Some(next) if token.as_ref() == Some(&next) => {
                    return Err(self.far.unreadable("the list of files goes round in circles"));
                }
                Some(next) => token = Some(next),
            }
        }
        all.sort_by(|a, b| a.path.cmp(&b.path));
        Ok(all)
    }

    /// At most 256 MiB.
    async fn read(&self, path: &str) -> Result<Vec<u8>, ApiError> {
        let url = self.url(FILES, path)?;
        self.far.call(&self.far.get(url, About::File(path.to_owned()), Instant::now() + PATIENCE)).await
    }
}

impl Volumes {
    pub(super) fn new(far: Arc<Far>) -> Self {
        Self { far }
    }

    /// Writes a file whole; folders on the way to it are made. With `overwrite` off, one that is there is left alone.
    ///
    /// # Errors
    /// `file_exists` where it is there and may not be overwritten, `permission_denied`. Without `overwrite`, an answer that is
    /// lost leaves open whether the file was written: then it is not sent again.
    pub async fn write(&self, path: &str, bytes: Vec<u8>, overwrite: bool) -> Result<(), ApiError> {
        let mut url = self.url(FILES, path)?;
        url.query_pairs_mut().append_pair("overwrite", if overwrite { "true" } else { "false" });
        let again = if overwrite { Again::Always } else { Again::IfRefused };
        self.done(Method::PUT, url, Body::Bytes(Arc::new(bytes)), again, path).await
    }

    /// Makes a folder and those above it; one that is there is fine.
    ///
    /// # Errors
    /// `permission_denied`, or when the volume does not exist.
    pub async fn make_folder(&self, path: &str) -> Result<(), ApiError> {
        self.done(Method::PUT, self.url(FOLDERS, path)?, Body::None, Again::Always, path).await
    }

    /// Deletes a file.
    ///
    /// # Errors
    /// `file_not_found`, `permission_denied`.
    pub async fn delete(&self, path: &str) -> Result<(), ApiError> {
        self.done(Method::DELETE, self.url(FILES, path)?, Body::None, Again::IfRefused, path).await
    }

    async fn done(
        &self,
        method: Method,
        url: Url,
        body: Body,
        again: Again,
        path: &str,
    ) -> Result<(), ApiError> {
        let until = Instant::now() + PATIENCE;
        let call = Call { method, url, body, again, until, about: About::File(path.to_owned()) };
        self.far.call(&call).await.map(|_| ())
    }

    /// The address of a path, each segment encoded by itself.
    fn url(&self, prefix: &str, path: &str) -> Result<Url, ApiError> {
        let segments: Vec<&str> = path.trim_end_matches('/').split('/').skip(1).collect();
        let odd = |segment: &&str| matches!(*segment, "" | "." | "..");
        if !path.starts_with("/Volumes/") || segments.len() < 4 || segments.iter().any(odd) {
            let message = format!("`{path}` is no path of a volume");
            return Err(ApiError::new(ErrorKind::Invalid, "bad_path", message)
                .hint("write it like /Volumes/CATALOG/SCHEMA/VOLUME/FOLDER/FILE"));
        }
        self.far.segments(prefix, &segments)
    }
}
