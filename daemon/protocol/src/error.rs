//! One error shape for every door, and the kinds that decide status, exit code and whether to try again.

use serde::{Deserialize, Serialize};
use utoipa::openapi::RefOr;
use utoipa::openapi::schema::Schema;
use utoipa::{PartialSchema, ToSchema};

/// Why something failed, from the caller's point of view. Doors turn a kind into an HTTP status, the client into an exit code.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum ErrorKind {
    /// The request ran and failed: SQL rejected by the engine, an unreadable file.
    Failed,
    /// The request itself is malformed: a bad parameter, a wrong setting.
    Invalid,
    /// A backend or the daemon cannot be reached; trying again may help.
    Unavailable,
    /// The deadline passed before the work was done.
    Deadline,
    /// Not signed in, an expired token, or not permitted at all.
    Unauthorized,
    /// The named object does not exist.
    NotFound,
    /// Refused by policy, or needs an approval that was not given.
    Refused,
    /// A quota, rate or size limit.
    Limit,
    /// It clashes with what is already there.
    Conflict,
    /// Stopped because the caller asked for it or went away.
    Cancelled,
    /// A fault of wharf itself.
    Internal,
}

impl ErrorKind {
    /// The HTTP status of this kind.
    pub fn status(self) -> u16 {
        match self {
            Self::Failed | Self::Invalid => 400,
            Self::Unauthorized => 401,
            Self::Refused => 403,
            Self::NotFound => 404,
            Self::Deadline => 408,
            Self::Conflict => 409,
            Self::Limit => 429,
            Self::Cancelled => 499,
            Self::Internal => 500,
            Self::Unavailable => 503,
        }
    }

    /// The exit code of a command that ends with this kind: a public contract (`wharf help exit-codes`).
    pub fn exit_code(self) -> u8 {
        match self {
            Self::Failed | Self::Conflict => 1,
            Self::Invalid => 2,
            Self::Unavailable => 3,
            Self::Deadline => 4,
            Self::Unauthorized => 5,
            Self::NotFound => 6,
            Self::Refused => 7,
            Self::Limit => 8,
            Self::Internal => 70,
            Self::Cancelled => 130,
        }
    }

    /// Whether the same request may succeed later without a change.
    pub fn retryable(self) -> bool {
        match self {
            Self::Unavailable | Self::Deadline | Self::Limit => true,
            Self::Failed
            | Self::Invalid
            | Self::Unauthorized
            | Self::NotFound
            | Self::Refused
            | Self::Conflict
            | Self::Cancelled
            | Self::Internal => false,
        }
    }
}

/// An error as it goes over the wire and to `--json`: what, why, and what to do next.
///
/// In JSON it also has `retryable` and `status_code`, which follow from the kind, and `detail`, the message under the name
/// that clients of older services read.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(into = "Wire", from = "Wire")]
pub struct ApiError {
    /// Stable name of the failure, in `snake_case`: `table_not_found`, `syntax`, `disk_full`.
    pub code: String,
    /// What happened and to which object: one sentence, lower case, no full stop.
    pub message: String,
    /// What to do next, if there is something to do.
    pub hint: Option<String>,
    /// The id under which the log and the audit know this request.
    pub request_id: Option<String>,
    /// The kind, from which status and exit code follow.
    pub kind: ErrorKind,
}

#[derive(Serialize, Deserialize, ToSchema)]
struct Wire {
    code: String,
    message: String,
    #[serde(default)]
    hint: Option<String>,
    #[serde(default)]
    retryable: bool,
    #[serde(default)]
    request_id: Option<String>,
    #[serde(default)]
    detail: String,
    #[serde(default)]
    status_code: u16,
    kind: ErrorKind,
}

impl PartialSchema for ApiError {
    fn schema() -> RefOr<Schema> {
        Wire::schema()
    }
}

impl ToSchema for ApiError {
    fn schemas(all: &mut Vec<(String, RefOr<Schema>)>) {
        Wire::schemas(all);
    }
}

impl From<ApiError> for Wire {
    fn from(error: ApiError) -> Self {
        Self {
            code: error.code,
            detail: error.message.clone(),
            message: error.message,
            hint: error.hint,
            retryable: error.kind.retryable(),
            request_id: error.request_id,
            status_code: error.kind.status(),
            kind: error.kind,
        }
    }
}

impl From<Wire> for ApiError {
    fn from(wire: Wire) -> Self {
        Self {
            code: wire.code,
            message: wire.message,
            hint: wire.hint,
            request_id: wire.request_id,
            kind: wire.kind,
        }
    }
}

impl ApiError {
    /// An error of `kind` with the stable `code` and a `message`.
    pub fn new(kind: ErrorKind, code: &str, message: impl Into<String>) -> Self {
        Self { code: code.to_owned(), message: message.into(), hint: None, request_id: None, kind }
    }

    /// The same error with a hint.
    #[must_use]
    pub fn hint(mut self, hint: impl Into<String>) -> Self {
        self.hint = Some(hint.into());
        self
    }

    /// The same error with a hint, where there is one.
    #[must_use]
    pub fn maybe_hint(mut self, hint: Option<String>) -> Self {
        self.hint = hint.or(self.hint);
        self
    }
}

impl std::fmt::Display for ApiError {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.message)
    }
}

impl std::error::Error for ApiError {}
