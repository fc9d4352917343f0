//! A table elsewhere is measured in a copy: its rows come here once, through the gate, and every pass reads them here.
//!
//! That gives the same figures for every source, and a warehouse is asked once in place of a dozen times.

use super::passes::Target;
use super::{Progress, Step};
use crate::formats::{Logical, ParquetFile, Shape};
use crate::gate::{Deliver, Gate};
use crate::lifecycle::{blocking, io_error};
use crate::sources::duckdb::{Fence, Lease, Output, Run, literal, quote};
use crate::sources::{Cancel, Collect, Consumer, Stop};
use std::collections::BTreeMap;
use std::path::PathBuf;
use wharf_protocol::{ApiError, ErrorKind, Profile};

/// Rows that are copied at most; of a larger table a random share of about as many.
const MOST: u64 = 5_000_000;

/// The rows of a table elsewhere, or a share of them, in a file here. Removed when it is dropped.
pub(super) struct Copy {
    file: PathBuf,
    lease: Lease,
    /// Relation that passes read.
    pub(super) sql: String,
    /// Rows of the whole table, where only a share of them was copied.
    whole: Option<u64>,
    copied: u64,
    notes: Vec<String>,
}

impl Drop for Copy {
    fn drop(&mut self) {
        if let Err(error) = std::fs::remove_file(&self.file) {
            tracing::warn!(error = %io_error(&self.file, &error), "a copy could not be removed");
        }
    }
}

impl Copy {
    /// Copies the rows that the asker may see.
    pub(super) async fn make(
        gate: &Gate,
        target: &Target,
        cancel: &Cancel,
        progress: &Progress,
    ) -> Result<Self, ApiError> {
        progress(Step { done: 0, what: "counting rows" });
        let count = format!("select count(*) from {}", target.sql);
        let counted = ask(gate, target, count, cancel, Collect::default()).await?.rows(false);
        let rows = counted.rows.first().and_then(|row| row.first()).map_or(0, super::passes::count);
        progress(Step { done: 5, what: "fetching rows" });
        let lease = gate.pool().lease(Fence::OwnerReads, Vec::new(), "")?;
        let file = lease.spool().join(format!("{}.parquet", uuid::Uuid::now_v7()));
        let into = ParquetFile::create(&file).map_err(|e| io_error(&file, &e))?;
        let mut copy = Self { file, lease, sql: String::new(), whole: None, copied: 0, notes: Vec::new() };
        let select = if rows > MOST {
            copy.whole = Some(rows);
            target.share(100.0 * MOST as f64 / rows as f64)?
        } else {
            format!("select * from {}", target.sql)
        };
        let filled = ask(gate, target, select, cancel, into).await?;
        copy.copied = filled.rows();
        copy.read(filled.shape.as_deref());
        Ok(copy)
    }

    /// How passes read it. Numbers without a fixed scale came as their digits; they are measured as floating point.
    fn read(&mut self, shape: Option<&Shape>) {
        let from = literal(&self.file.to_string_lossy());
        let (mut casts, mut names) = (Vec::new(), Vec::new());
        if let Some(shape) = shape {
            for (column, logical) in shape.columns.iter().zip(&shape.logical) {
                if *logical == Logical::Number {
                    let name = quote(&column.name);
                    casts.push(format!("{name}::double as {name}"));
                    names.push(column.name.as_str());
                }
            }
        }
        if casts.is_empty() {
            self.sql = from;
            return;
        }
        self.sql = format!("(select * replace ({}) from {from})", casts.join(", "));
        self.notes
            .push(format!("measured as floating point, as the source fixes no scale: {}", names.join(", ")));
    }

    /// Runs one pass. Blocking work goes to a thread of its own.
    pub(super) async fn run<C: Consumer + 'static>(
        &self,
        sql: String,
        cancel: &Cancel,
        mut rows: C,
    ) -> Result<C, ApiError> {
        let (lease, cancel) = (self.lease.share(), cancel.clone());
        blocking(move || {
            let (params, wraps) = (BTreeMap::new(), true);
            let run = Run { sql: &sql, catalog: None, params: &params, limit: None, cwd: None, wraps };
            match run.on(&lease, &cancel, Output::Rows(&mut rows)) {
                Ok(_) => Ok(rows),
                Err(Stop::Failed(error)) => Err(error),
                Err(Stop::Cancelled | Stop::ReaderGone) => Err(cancel.error()),
            }
        })
        .await
    }

    /// Says of a profile's figures what comes of the copy.
    pub(super) fn qualify(&self, profile: &mut Profile) {
        profile.notes.extend(self.notes.iter().cloned());
        let Some(whole) = self.whole else { return };
        profile.rows = whole;
        profile.duplicate_rows.exact = false;
        for column in &mut profile.columns {
            column.distinct.exact = false;
            column.top_exact = false;
            for quantile in column.number.iter_mut().flat_map(|number| &mut number.quantiles) {
                quantile.exact = false;
            }
        }
        let note = format!(
            "every figure but the number of rows is of a random share: {} of {whole} rows",
            self.copied
        );
        profile.notes.insert(0, note);
    }
}

async fn ask<C: Consumer + 'static>(
    gate: &Gate,
    target: &Target,
    sql: String,
    cancel: &Cancel,
    rows: C,
) -> Result<C, ApiError> {
    let delivered = gate.run(target.statement(sql), cancel.clone(), Deliver::Rows(rows)).await?;
    delivered.consumer.ok_or_else(|| ApiError::new(ErrorKind::Internal, "profile", "the rows are gone"))
}
