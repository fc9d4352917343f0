//! Profiles in the daemon's own database: one for each table or file, true while its stamp is.

use crate::state::{State, StateError};
use wharf_protocol::Profile;

/// Changes when profiles are computed differently, so that older ones are not reused.
const EDITION: u32 = 1;
/// Profiles kept; the oldest go first.
const KEPT: i64 = 500;

/// The stored profile, if the data is still what it was.
pub(super) async fn load(state: &State, key: &str, stamp: &str) -> Result<Option<Profile>, StateError> {
    let kept: Option<String> = sqlx::query_scalar("select profile from profiles where key = ? and stamp = ?")
        .bind(key)
        .bind(edition(stamp))
        .fetch_optional(state.read())
        .await
        .map_err(|e| state.error(e))?;
    // One that an older wharf wrote and that no longer reads is as good as none.
    let profile = kept.and_then(|text| serde_json::from_str::<Profile>(&text).ok());
    Ok(profile.map(|profile| Profile { reused: true, ..profile }))
}

/// Stores a profile in the place of an older one.
pub(super) async fn save(state: &State, key: &str, stamp: &str, profile: &Profile) -> Result<(), StateError> {
    let text = serde_json::to_string(profile).map_err(|e| StateError::Other(e.to_string()))?;
    let mut write = state.write().await?;
    let done = sqlx::query(
        "insert into profiles (key, stamp, profile, created_at) values (?, ?, ?, ?) \
         on conflict (key) do update set stamp = excluded.stamp, profile = excluded.profile, created_at = excluded.created_at",
    )
    .bind(key)
    .bind(edition(stamp))
    .bind(text)
    .bind(&profile.created_at)
    .execute(write.on())
    .await;
    done.map_err(|e| write.error(e))?;
    let pruned = sqlx::query(
        "delete from profiles where key in (select key from profiles order by created_at desc limit -1 offset ?)",
    )
    .bind(KEPT)
    .execute(write.on())
    .await;
    pruned.map_err(|e| write.error(e))?;
    write.commit().await
}

fn edition(stamp: &str) -> String {
    format!("{EDITION}:{stamp}")
}
