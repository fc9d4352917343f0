//! Errors as HTTP replies, and request bodies read with errors of the same shape.

use axum::Json;
use axum::extract::{FromRequest, Request};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use serde::de::DeserializeOwned;
use wharf_protocol::{ApiError, ErrorKind};

/// An error on its way out.
pub struct Failure(pub ApiError);

impl IntoResponse for Failure {
    fn into_response(self) -> Response {
        let status = StatusCode::from_u16(self.0.kind.status()).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
        (status, Json(self.0)).into_response()
    }
}

impl<E: Into<ApiError>> From<E> for Failure {
    fn from(error: E) -> Self {
        Self(error.into())
    }
}

/// A JSON body. What does not fit is an error with place and reason, never a panic.
pub struct Body<T>(pub T);

impl<T: DeserializeOwned, S: Send + Sync> FromRequest<S> for Body<T> {
    type Rejection = Failure;

    async fn from_request(request: Request, state: &S) -> Result<Self, Failure> {
        let bytes = axum::body::Bytes::from_request(request, state).await.map_err(|e| {
            Failure(ApiError::new(
                ErrorKind::Invalid,
                "body",
                format!("the request's body cannot be read: {}", e.body_text()),
            ))
        })?;
        let mut reader = serde_json::Deserializer::from_slice(&bytes);
        T::deserialize(&mut reader).map(Self).map_err(|e| {
            Failure(ApiError::new(
                ErrorKind::Invalid,
                "body",
                format!("the request's body does not fit: {e}"),
            ))
        })
    }
}
