//! Profiles of a table.

use super::access::Asker;
use super::failure::{Body, Failure, Path};
use super::progress;
use crate::profiling::{self, Step};
use crate::sources::Cancel;
use axum::Json;
use axum::response::Response;
use serde::Deserialize;
use serde_json::json;
use utoipa::ToSchema;
use wharf_protocol::{ApiError, Profile, ProfileRequest};

/// Streams progress, then the profile; see [`progress`].
pub(super) async fn create(asker: Asker, Body(request): Body<ProfileRequest>) -> Response {
    progress::stream("profile", |cancel, telling| async move {
        let told = move |step: Step| {
            telling.tell(&json!({"done": step.done, "of": Step::OF, "what": step.what}));
        };
        profiling::profile(&asker.rooms().state, &asker.gate, &request, cancel, &told).await
    })
}

/// `POST /api/tables/{table}/profile`
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct TableProfile {
    /// Make it anew although the data has not changed.
    #[serde(default)]
    force_refresh: bool,
}

pub(super) async fn of_table(
    asker: Asker,
    Path(table): Path<String>,
    Body(asked): Body<TableProfile>,
) -> Result<Json<Profile>, Failure> {
    let wanted = ProfileRequest { table, source: None, refresh: asked.force_refresh, cwd: None };
    Ok(Json(made(&asker, &wanted).await?))
}

/// Makes a profile for who asks, until they go away.
pub(super) async fn made(asker: &Asker, wanted: &ProfileRequest) -> Result<Profile, ApiError> {
    let cancel = Cancel::default();
    let _guard = super::queries::CancelOnDrop(cancel.clone());
    crate::profiling::profile(&asker.rooms().state, &asker.gate, wanted, cancel, &|_| {}).await
}
