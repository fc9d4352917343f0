//! Errors as HTTP replies, and request bodies read with errors of the same shape.

use axum::Json;
use axum::body::HttpBody;
use axum::extract::{FromRequest, FromRequestParts, Request};
use axum::http::StatusCode;
use axum::http::request::Parts;
use axum::response::{IntoResponse, Response};
use serde::de::DeserializeOwned;
use wharf_protocol::{ApiError, ErrorKind};

/// An error on its way out.
pub struct Failure(pub ApiError);

tokio::task_local! {
    /// The id of the request that is being answered.
    pub(super) static ASKED: String;
}

impl IntoResponse for Failure {
    fn into_response(self) -> Response {
        let status = StatusCode::from_u16(self.0.kind.status()).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
        self.with_status(status)
    }
}

impl Failure {
    /// The reply with a status that says more than the error's kind.
    pub(super) fn with_status(mut self, status: StatusCode) -> Response {
        crate::measures::error(self.0.kind);
        if self.0.request_id.is_none() {
            self.0.request_id = ASKED.try_with(Clone::clone).ok();
        }
        let mut body = serde_json::to_value(self.0).unwrap_or_default();
        body["status_code"] = status.as_u16().into();
        (status, Json(body)).into_response()
    }
}

impl<E: Into<ApiError>> From<E> for Failure {
    fn from(error: E) -> Self {
        Self(error.into())
    }
}

fn misfit(code: &str, message: String) -> Failure {
    Failure(ApiError::new(ErrorKind::Invalid, code, message))
}

/// A JSON body. What does not fit is an error with place and reason, never a panic.
pub struct Body<T>(pub T);

impl<T: DeserializeOwned, S: Send + Sync> FromRequest<S> for Body<T> {
    type Rejection = Failure;

    async fn from_request(request: Request, state: &S) -> Result<Self, Failure> {
        let bytes = axum::body::Bytes::from_request(request, state)
            .await
            .map_err(|e| misfit("body", format!("the request's body cannot be read: {}", e.body_text())))?;
        // serde would take a list for a struct too, field by field.
        if bytes.iter().find(|b| !b.is_ascii_whitespace()) != Some(&b'{') {
            return Err(misfit("body", "the request's body is not a JSON object".to_owned()));
        }
        let mut reader = serde_json::Deserializer::from_slice(&bytes);
        let value = T::deserialize(&mut reader).and_then(|value| reader.end().map(|()| value));
        value.map(Self).map_err(|e| misfit("body", format!("the request's body does not fit: {e}")))
    }
}

/// A JSON body that may be left away.
pub struct BodyIfAny<T>(pub T);

impl<T: DeserializeOwned + Default, S: Send + Sync> FromRequest<S> for BodyIfAny<T> {
    type Rejection = Failure;

    async fn from_request(request: Request, state: &S) -> Result<Self, Failure> {
        // It has come whole, so its length is known.
        if HttpBody::is_end_stream(request.body()) {
            return Ok(Self(T::default()));
        }
        Body::from_request(request, state).await.map(|body| Self(body.0))
    }
}

/// A body of text.
pub struct Text(pub String);

impl<S: Send + Sync> FromRequest<S> for Text {
    type Rejection = Failure;

    async fn from_request(request: Request, state: &S) -> Result<Self, Failure> {
        String::from_request(request, state)
            .await
            .map(Self)
            .map_err(|e| misfit("body", format!("the request's body cannot be read: {}", e.body_text())))
    }
}

/// What stands behind the question mark.
pub struct Query<T>(pub T);

impl<T: DeserializeOwned, S: Send + Sync> FromRequestParts<S> for Query<T> {
    type Rejection = Failure;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Failure> {
        let query = axum::extract::Query::<T>::from_request_parts(parts, state).await;
        query.map(|q| Self(q.0)).map_err(|e| misfit("query", e.body_text()))
    }
}

/// A name in the path.
pub struct Path<T>(pub T);

impl<T: DeserializeOwned + Send, S: Send + Sync> FromRequestParts<S> for Path<T> {
    type Rejection = Failure;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Failure> {
        let path = axum::extract::Path::<T>::from_request_parts(parts, state).await;
        path.map(|p| Self(p.0)).map_err(|e| misfit("path", e.body_text()))
    }
}
