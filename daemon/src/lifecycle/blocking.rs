//! Work that blocks, kept off the threads that serve.

use wharf_protocol::{ApiError, ErrorKind};

/// Does what blocks, on a thread for that. It goes on to its end also where nobody waits any more.
///
/// # Errors
/// Those of `work`, or that it broke off.
pub async fn blocking<T: Send + 'static>(
    work: impl FnOnce() -> Result<T, ApiError> + Send + 'static,
) -> Result<T, ApiError> {
    let done = tokio::task::spawn_blocking(work).await;
    done.map_err(|e| ApiError::new(ErrorKind::Internal, "panic", e.to_string()))?
}
