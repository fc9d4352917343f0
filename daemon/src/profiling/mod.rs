//! Profiles of tables: figures of every column, each exact or said to be an estimate, kept until the data changes.
//!
//! ```text
//! request -> table or file -> stored and still true? -> reuse
//!                                 else -> passes through the gate -> figures -> alerts -> store
//! ```
//! A profile takes few passes with wide statements instead of many with narrow ones. The first finds counts and
//! extremes; with those known, the second computes sums, quantiles and histograms; the third looks at the table as a
//! whole; the last counts frequent values.

mod alerts;
mod basics;
mod bins;
mod column;
mod details;
mod frequent;
mod passes;
mod store;
mod whole;

#[cfg(test)]
mod tests;

use crate::clock;
use crate::gate::Gate;
use crate::sources::Cancel;
use crate::state::State;
use column::Subject;
use passes::{Passes, Target};
use std::time::Instant;
use wharf_protocol::{ApiError, ErrorKind, Profile, ProfileRequest};

/// How far a profile is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Step {
    /// Parts done, of [`Step::OF`].
    pub done: u64,
    /// What is being done now, for people.
    pub what: &'static str,
}

impl Step {
    /// Parts in all.
    pub const OF: u64 = 100;
}

/// Told as the work goes on.
pub type Progress = dyn Fn(Step) + Send + Sync;

/// The profile of a table or file: the stored one if the data has not changed since, else a new one, which is stored.
///
/// # Errors
/// When there is no such table or file, it cannot be read, it changes meanwhile, or `cancel` is raised.
pub async fn profile(
    state: &State,
    gate: &Gate,
    request: &ProfileRequest,
    cancel: Cancel,
    progress: &Progress,
) -> Result<Profile, ApiError> {
    let begun = Instant::now();
    let target = Target::find(gate, request).await?;
    let stamp = target.stamp(gate).await?;
    if let (Some(stamp), false) = (&stamp, request.refresh)
        && let Some(profile) = store::load(state, &target.key, stamp).await?
    {
        return Ok(profile);
    }
    let mut profile = make(&Passes::new(gate, &target, &cancel, progress)).await?;
    if target.stamp(gate).await? != stamp {
        return Err(ApiError::new(
            ErrorKind::Conflict,
            "data_changed",
            format!("{} changed while it was profiled", target.name),
        )
        .hint("run it again when nothing writes to it"));
    }
    profile.time_ms = clock::millis_since(begun);
    if let Some(stamp) = &stamp {
        store::save(state, &target.key, stamp, &profile).await?;
    }
    Ok(profile)
}

async fn make(passes: &Passes<'_>) -> Result<Profile, ApiError> {
    let mut subjects: Vec<Subject> = passes.columns().await?;
    let mut notes = Vec::new();
    let rows = basics::measure(passes, &mut subjects, &mut notes).await?;
    let found = details::measure(passes, rows, &mut subjects, &mut notes).await?;
    whole::note_limit(&subjects, &mut notes);
    let correlations = match found {
        Some(found) => found,
        None => whole::correlations(passes, &subjects, &mut notes).await?,
    };
    frequent::measure(passes, rows, &mut subjects, &mut notes).await?;
    let duplicate_rows = whole::duplicates(passes, rows, &subjects, &mut notes).await?;
    let mut profile = Profile {
        table: passes.target.name.clone(),
        created_at: clock::now_text(),
        reused: false,
        rows,
        duplicate_rows,
        time_ms: 0.0,
        columns: subjects.into_iter().map(|s| s.profile).collect(),
        correlations,
        alerts: Vec::new(),
        notes,
    };
    profile.alerts = alerts::of(&profile);
    Ok(profile)
}
