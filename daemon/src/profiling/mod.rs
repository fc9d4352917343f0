//! Profiles of tables: figures of every column, each exact or said to be an estimate, kept until the data changes.
//!
//! ```text
//! request -> table or file -> stored and still true? -> reuse
//!                                 else -> passes through the gate -> figures -> alerts -> store
//! ```
//! Numbers and times of tables that are not huge are read once and measured in memory ([`held`]). Everything else takes
//! few passes with wide statements instead of many with narrow ones: the first finds counts and extremes; with those
//! known, the second computes sums, quantiles and histograms; the third counts frequent values. At last the table is
//! looked at as a whole.

mod alerts;
mod basics;
mod bins;
mod column;
mod copy;
mod details;
mod frequent;
mod held;
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
        crate::measures::profile(true);
        return Ok(profile);
    }
    crate::measures::profile(false);
    let copy = match target.is_far() {
        true => Some(copy::Copy::make(gate, &target, &cancel, progress).await?),
        false => None,
    };
    let mut profile = make(&Passes::new(gate, &target, copy.as_ref(), &cancel, progress)).await?;
    if let Some(copy) = &copy {
        copy.qualify(&mut profile);
    }
    if !target.is_far() && target.stamp(gate).await? != stamp {
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
    let mut notes = Vec::new();
    let rows = match passes.target.together {
        true => None,
        false => Some(passes.count().await?),
    };
    let columns = passes.columns().await?;
    let (held, mut others): (Vec<Subject>, Vec<Subject>) =
        columns.into_iter().partition(|s| rows.is_some_and(|rows| held::fits(s, rows)));
    let no_other_numbers = others.iter().all(|s| !s.class.is_number());
    let held = held::measure(passes, rows.unwrap_or(0), held, whole::CORRELATED).await?;
    let rows = basics::measure(passes, rows, &mut others, &mut notes).await?;
    let found = details::measure(passes, rows, &mut others, &mut notes).await?;
    frequent::measure(passes, rows, &mut others, &mut notes).await?;
    let mut subjects = held.subjects;
    subjects.append(&mut others);
    subjects.sort_by_key(|s| s.place);
    whole::note_limit(&subjects, &mut notes);
    let correlations = match held.correlations.filter(|_| no_other_numbers).or(found) {
        Some(found) => found,
        None => whole::correlations(passes, &subjects, &mut notes).await?,
    };
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
