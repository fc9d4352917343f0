//! The demo shop: a made-up retailer with four years of orders, for people who have no data at hand yet.
//!
//! Everything is made on this machine by SQL that hashes row numbers, so the same last day gives the same shop.
//! Two things have gone wrong in it, for people to find: [`Facts::anomalies`] says which.

mod facts;
mod files;
mod generate;
#[cfg(test)]
mod tests;

pub use facts::{Anomaly, Facts};

use crate::gate::Gate;
use crate::lifecycle::blocking;
use crate::models::{Models, Place};
use crate::sources::Cancel;
use chrono::{Datelike, Days, NaiveDate};
use files::Folder;
use serde::Serialize;
use std::path::Path;
use wharf_protocol::{ApiError, ErrorKind, SourceAdd};

/// The name of the demo's source.
pub const SOURCE: &str = "demo";

/// Questions that show what can be asked of a demo that ends on `last_day`: months, a ranking, a comparison. Only whole
/// years, so that no line falls at its end for want of days.
pub fn questions(last_day: NaiveDate) -> [String; 3] {
    let year = last_day.year() - 1;
    [
        format!("revenue by month in {} and {year}", year - 1),
        "top 10 products by gross profit last year".to_owned(),
        format!("revenue by country in {year} compared to {}", year - 1),
    ]
}

/// A demo that is ready for use.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Demo {
    /// Its source.
    pub source: String,
    /// Absolute path of its database.
    pub path: String,
    /// Questions to begin with.
    pub questions: Vec<String>,
    /// What is in it.
    pub facts: Facts,
}

// One at a time: two clients that ask at once get the same shop.
static MAKING: tokio::sync::Mutex<()> = tokio::sync::Mutex::const_new(());

/// Makes the demo in the folder `data` if there is no sound one that ends on `last_day` or later, and adds its source.
/// `progress` is told the step, steps done, steps in all.
///
/// # Errors
/// When the user has another source of the demo's name, the folder cannot be written, or `cancel` was raised. A demo
/// that was there before is still there then.
pub async fn set_up(
    gate: &Gate,
    models: &Models,
    data: &Path,
    wish: Wish,
    cancel: Cancel,
    progress: impl Fn(&str, usize, usize) + Clone + Send + Sync + 'static,
) -> Result<Demo, ApiError> {
    let folder = Folder::new(data);
    let path = folder.database().to_string_lossy().into_owned();
    not_taken(gate, &path)?;
    let _making = MAKING.lock().await;
    let (work, told, stop) = (folder.clone(), progress.clone(), cancel.clone());
    let (facts, made) = blocking(move || prepare(&work, wish, &stop, &told)).await?;
    models.check(Place::Here(folder.models())).await?;
    let add = SourceAdd {
        name: SOURCE.to_owned(),
        path: path.clone(),
        models: Some(folder.models().to_string_lossy().into_owned()),
        types: Default::default(),
        aliases: Default::default(),
        key: None,
        replace: true,
    };
    let known = gate.catalog().get(SOURCE).is_ok_and(|s| s.path == add.path && s.models == add.models);
    if made || !known {
        gate.catalog().add(add, gate.pool(), cancel, progress).await?;
    }
    let questions = questions(wish.last_day).to_vec();
    Ok(Demo { source: SOURCE.to_owned(), path, questions, facts })
}

/// Removes from the folder `data` what the making of a demo left behind when its daemon was killed.
pub fn sweep(data: &Path) {
    Folder::new(data).sweep();
}

/// What the caller wants of the demo.
#[derive(Debug, Clone, Copy)]
pub struct Wish {
    /// The last day with orders; the first is four years before.
    pub last_day: NaiveDate,
    /// Make it anew even if there is a sound one.
    pub replace: bool,
}

impl Wish {
    /// A demo that ends yesterday by the daemon's clock, in UTC.
    pub fn now(replace: bool) -> Self {
        let today = crate::clock::now().date_naive();
        Self { last_day: today.checked_sub_days(Days::new(1)).unwrap_or(today), replace }
    }
}

/// The facts of the demo, and whether it was made just now. Blocking.
fn prepare(
    folder: &Folder,
    wish: Wish,
    cancel: &Cancel,
    progress: &dyn Fn(&str, usize, usize),
) -> Result<(Facts, bool), ApiError> {
    folder.ensure()?;
    if !wish.replace
        && let Some(facts) = folder.sound(wish.last_day)
    {
        folder.write_models(false)?;
        return Ok((facts, false));
    }
    let facts = folder.replace_database(|file| generate::database(file, wish.last_day, cancel, progress))?;
    folder.write_models(true)?;
    Ok((facts, true))
}

/// A source of the same name that is not the demo belongs to the user and is left alone.
fn not_taken(gate: &Gate, path: &str) -> Result<(), ApiError> {
    match gate.catalog().get(SOURCE) {
        Ok(source) if source.path != path => {
            let message = format!("there is a source `{SOURCE}` already, of your own: {}", source.path);
            Err(ApiError::new(ErrorKind::Conflict, "source_exists", message).hint(format!(
                "`wharf source delete {SOURCE}` forgets it and keeps its files; add it again under another name"
            )))
        }
        _ => Ok(()),
    }
}
