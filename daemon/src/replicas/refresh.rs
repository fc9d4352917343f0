//! One refresh: fetch, build, settle, make room.

use super::background::Pace;
use super::build::{Build, COLUMNS_CHANGED};
use super::spec::Fetch;
use super::store::{self, Data, Stored};
use super::{Progress, Replicas, blocking, far_of, fetch_of, lock};
use crate::clock;
use crate::formats::{ParquetFile, Shape};
use crate::gate::{Deliver, Rights, Statement};
use crate::lifecycle::io_error;
use crate::sources::Cancel;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};
use tokio_util::task::AbortOnDropHandle;
use wharf_protocol::{ApiError, ErrorKind, Replica};

/// How often is told how far the fetching is.
const TOLD: Duration = Duration::from_millis(200);

/// Rows that were fetched. The file is removed when it is dropped.
struct Fetched {
    file: PathBuf,
    shape: Arc<Shape>,
    rows: u64,
}

impl Drop for Fetched {
    fn drop(&mut self) {
        let _ = std::fs::remove_file(&self.file);
    }
}

impl Replicas {
    /// Brings a replica up to date: with what has changed where it can tell and `full` is not wished, else with everything.
    ///
    /// # Errors
    /// When it is being refreshed, its rows cannot be fetched or written, or it is larger than all replicas may be. What it held
    /// it still holds.
    pub async fn refresh(
        &self,
        name: &str,
        full: bool,
        cancel: Cancel,
        progress: Progress,
    ) -> Result<Replica, ApiError> {
        let stored = self.get(name)?;
        let turn = self.turn(name)?;
        let changes = !full
            && stored.add.incremental.is_some()
            && stored.data.as_ref().is_some_and(|d| d.cursor.is_some());
        let mut done = self.refresh_once(&stored, changes, &cancel, &progress).await;
        if changes && done.as_ref().is_err_and(|e| e.code == COLUMNS_CHANGED) {
            done = self.refresh_once(&stored, false, &cancel, &progress).await;
        }
        drop(turn);
        done?;
        self.show(name).await
    }

    async fn refresh_once(
        &self,
        stored: &Stored,
        changes: bool,
        cancel: &Cancel,
        progress: &Progress,
    ) -> Result<(), ApiError> {
        let name = &stored.add.name;
        let id = store::begun(&self.0.state, name, if changes { "incremental" } else { "full" }).await?;
        let done = self.run(stored, changes, cancel, progress).await;
        let (outcome, rows, error) = match &done {
            Ok(rows) => ("completed", *rows, None),
            Err(error) => ("failed", 0, Some(error.message.as_str())),
        };
        store::ended(&self.0.state, id, outcome, rows, error).await?;
        done.map(drop)
    }

    /// Does it; returns how many rows were fetched.
    async fn run(
        &self,
        stored: &Stored,
        changes: bool,
        cancel: &Cancel,
        progress: &Progress,
    ) -> Result<u64, ApiError> {
        let name = &stored.add.name;
        let folder = self.0.folder.make(name)?;
        // What changes at the source while it is read may be missing, so the data are as old as the beginning.
        let data_at = clock::now_text();
        let before = stored.data.as_ref().filter(|_| changes);
        let cursor = before.and_then(|d| d.cursor.clone());
        let (this, of, into) = (self.clone(), stored.clone(), folder.clone());
        let (stop, telling) = (cancel.clone(), progress.clone());
        let fetching = async move { this.fetch(&of, cursor, &into, &stop, &telling).await };
        let fetched = self.0.background.run(fetching).await?;
        let rows = fetched.rows;
        progress("writing the copy", rows);
        let before = before.map(|data| folder.join(&data.file));
        let (add, place) = (stored.add.clone(), folder.clone());
        let registry = self.0.gate.registry().clone();
        let build = move || {
            let build = Build {
                alone: !registry.has_readers(),
                folder: &place,
                schema: add.schema.as_deref().unwrap_or_default(),
                table: &add.table,
                fetched: &fetched.file,
                shape: &fetched.shape,
                before: before.as_deref(),
                incremental: add.incremental.as_ref(),
            };
            build.run()
        };
        let built = self.0.background.run(async move { blocking(build).await }).await?;
        let file = built.file.file_name().unwrap_or_default().to_string_lossy().into_owned();
        let data = Data { file, rows: built.rows, bytes: built.bytes, data_at, cursor: built.cursor };
        if let Err(error) = self.make_room(name, data.bytes).await {
            let _ = std::fs::remove_file(&built.file);
            return Err(error);
        }
        store::set_data(&self.0.state, name, Some(&data)).await?;
        let stored = Stored { data: Some(data.clone()), ..stored.clone() };
        lock(&self.0.all).insert(name.clone(), stored.clone());
        let this = self.clone();
        blocking(move || {
            this.offer(&stored)?;
            // Who reads the file before goes on with it; it is gone when they have closed it.
            this.0.folder.keep_only(&stored.add.name, Some(&data.file));
            Ok(())
        })
        .await?;
        Ok(rows)
    }

    async fn fetch(
        &self,
        stored: &Stored,
        cursor: Option<String>,
        folder: &Path,
        cancel: &Cancel,
        progress: &Progress,
    ) -> Result<Fetched, ApiError> {
        let (gate, add) = (self.0.gate.clone(), stored.add.clone());
        let fetch = blocking(move || Ok(fetch_of(&add, &*far_of(&gate, &add.source)?, cursor.as_deref())));
        let Fetch { sql, params } = fetch.await?;
        let file = folder.join(format!("{}.parquet", uuid::Uuid::now_v7()));
        let mut pace = Pace::new(self.0.gate.registry().clone());
        let into = ParquetFile::create(&file).map_err(|e| io_error(&file, &e))?.pausing(move || pace.pause());
        let mut fetched = Fetched { file, shape: Arc::new(Shape::default()), rows: 0 };
        let mut statement = Statement::new("replica", Rights::Owner { write: false }, sql);
        statement.source = Some(stored.add.source.clone());
        statement.params = params;
        let _telling = tell(into.counter(), fetched.file.clone(), progress.clone());
        let delivered = self.0.gate.run(statement, cancel.clone(), Deliver::Rows(into)).await?;
        let broken =
            || ApiError::new(ErrorKind::Unavailable, "broken_off", "the rows broke off before their end");
        let into = delivered.consumer.filter(|into| into.ended).ok_or_else(broken)?;
        fetched.rows = into.rows();
        fetched.shape = into.shape.clone().ok_or_else(broken)?;
        Ok(fetched)
    }

    /// Puts the longest unused replicas aside until one of `bytes` fits beside the others.
    async fn make_room(&self, name: &str, bytes: u64) -> Result<(), ApiError> {
        if bytes > self.0.quota {
            let message = format!(
                "the replica `{name}` takes {} MiB, and all together may take {} MiB",
                bytes >> 20,
                self.0.quota >> 20
            );
            return Err(ApiError::new(ErrorKind::Limit, "replica_too_large", message)
                .hint("copy fewer rows or columns, or raise replicas.quota (`wharf config show`)"));
        }
        self.flush().await?;
        loop {
            let others: Vec<Stored> =
                self.stored().into_iter().filter(|s| s.add.name != name && s.data.is_some()).collect();
            let held: u64 = others.iter().filter_map(|s| s.data.as_ref()).map(|d| d.bytes).sum();
            if held + bytes <= self.0.quota {
                return Ok(());
            }
            let last = |s: &Stored| s.used_at.clone().or_else(|| s.data.as_ref().map(|d| d.data_at.clone()));
            let Some(oldest) = others.into_iter().min_by_key(last) else { return Ok(()) };
            tracing::info!(replica = %oldest.add.name, "put aside to make room");
            let oldest_name = oldest.add.name.clone();
            store::set_data(&self.0.state, &oldest_name, None).await?;
            lock(&self.0.all).insert(oldest_name.clone(), Stored { data: None, ..oldest });
            self.withdraw(&oldest_name);
            self.0.folder.keep_only(&oldest_name, None);
        }
    }
}

/// Tells every moment how many rows have come, and how fast.
fn tell(counter: Arc<AtomicU64>, file: PathBuf, progress: Progress) -> AbortOnDropHandle<()> {
    let begun = Instant::now();
    AbortOnDropHandle::new(tokio::spawn(async move {
        loop {
            tokio::time::sleep(TOLD).await;
            let rows = counter.load(Ordering::Relaxed);
            #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss, clippy::cast_precision_loss)]
            let rate = (rows as f64 / begun.elapsed().as_secs_f64()) as u64;
            let bytes = std::fs::metadata(&file).map_or(0, |meta| meta.len());
            progress(&format!("{rows} rows, {} MiB, {rate} rows a second", bytes >> 20), rows);
        }
    }))
}
