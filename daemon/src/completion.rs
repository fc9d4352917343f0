//! The lists that shell completion reads: a file in the cache, so that completing never wakes the daemon.

use crate::Rooms;
use serde_json::json;
use wharf_settings::{Use, write_whole};

impl Rooms {
    /// Writes the lists anew in the background, because a source, a model or a session has changed.
    pub fn completion_changed(&self) {
        let rooms = self.clone();
        tokio::spawn(async move {
            if let Err(e) = write(&rooms).await {
                tracing::debug!(error = %e, "the completion lists could not be written");
            }
        });
    }
}

async fn write(rooms: &Rooms) -> Result<(), wharf_protocol::ApiError> {
    let sources: Vec<String> = rooms.gate.catalog().sources().into_iter().map(|s| s.name).collect();
    let (gate, names) = (rooms.gate.clone(), sources.clone());
    let tables = tokio::task::spawn_blocking(move || {
        let listed = names.iter().filter_map(|name| gate.catalog().tables(name, gate.pool()).ok());
        listed
            .flat_map(|tables| tables.iter().map(|t| t.qualified.clone()).collect::<Vec<_>>())
            .collect::<Vec<_>>()
    });
    let tables = tables.await.unwrap_or_default();
    let metrics = rooms.models.metrics(None).await.unwrap_or_default();
    let metrics: Vec<_> = metrics.into_iter().map(|m| json!([m.name, m.label])).collect();
    let sessions = rooms.sessions.list(&rooms.gate.principal().name(), 50).await?;
    let sessions: Vec<_> = sessions.into_iter().map(|s| json!([s.session_id, s.title])).collect();
    let text =
        json!({"sources": sources, "tables": tables, "metrics": metrics, "sessions": sessions}).to_string();
    let file = rooms.config.dirs.completion_file();
    write_whole(&file, text, Use::Cache).map_err(|e| crate::lifecycle::io_error(&file, &e))
}
