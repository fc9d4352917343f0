//! A connection in the middle of a statement.

use deadpool_postgres::Object;
use std::time::Duration;
use tokio_postgres::{CancelToken, Client};
use tokio_postgres_rustls::MakeRustlsConnect;
use wharf_protocol::{ApiError, ErrorKind};

/// A connection that runs a statement. Dropped before its end, it has the server cancel the statement, and is closed: nobody
/// else gets a connection in an unknown state.
pub(super) struct Running {
    client: Option<Object>,
    cancel: CancelToken,
    tls: MakeRustlsConnect,
}

impl Running {
    pub(super) fn new(client: Object, tls: MakeRustlsConnect) -> Self {
        let cancel = client.cancel_token();
        Self { client: Some(client), cancel, tls }
    }

    /// The connection.
    ///
    /// # Errors
    /// When it has ended, which is a fault of ours.
    pub(super) fn client(&self) -> Result<&Client, ApiError> {
        self.client.as_deref().map(|client| &**client).ok_or_else(|| {
            ApiError::new(ErrorKind::Internal, "connection", "the connection was used after its end")
        })
    }

    /// Begins a transaction that may only read, or nothing where the statement writes: some statements cannot run in one.
    /// Both have the server end the statement when `left` has passed.
    pub(super) async fn begin(
        &self,
        schema: &str,
        left: Option<Duration>,
        writes: bool,
    ) -> Result<(), tokio_postgres::Error> {
        let Some(client) = &self.client else { return Ok(()) };
        // 0 would mean without end.
        let millis = left.map_or(0, |left| left.as_millis().clamp(1, i32::MAX as u128));
        let path = schema.replace('"', "\"\"");
        let local = if writes { "" } else { "local " };
        let begin = if writes { "" } else { "begin transaction read only; " };
        client
            .batch_execute(&format!(
                "{begin}set {local}statement_timeout = {millis}; set {local}search_path = \"{path}\""
            ))
            .await
    }

    /// Ends the statement, keeping what it wrote or not, and gives the connection back.
    pub(super) async fn end(mut self, writes: bool) {
        let Some(client) = self.client.take() else { return };
        let ended = match writes {
            true => client.batch_execute("set statement_timeout = 0").await,
            false => client.batch_execute("rollback").await,
        };
        if let Err(error) = ended {
            tracing::debug!(%error, "a connection is closed, as its transaction could not be ended");
            drop(Object::take(client));
        }
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        let Some(client) = self.client.take() else { return };
        let client = Object::take(client);
        let (cancel, tls) = (self.cancel.clone(), self.tls.clone());
        if let Ok(runtime) = tokio::runtime::Handle::try_current() {
            runtime.spawn(async move {
                if let Err(error) = cancel.cancel_query(tls).await {
                    tracing::warn!(%error, "a statement could not be cancelled; its connection is closed");
                }
                drop(client);
            });
        }
    }
}
