//! How a command fails.

use std::process::ExitCode;
use wharf_protocol::{ApiError, ErrorKind};

/// A failed command: the error, and whether it still has to be told.
#[derive(Debug, Clone)]
pub struct Failure {
    /// What happened.
    pub error: ApiError,
    /// It was told already, in a form of its own (`ask --json`).
    pub told: bool,
}

impl Failure {
    /// A mistake in how the command was called.
    pub fn usage(message: impl Into<String>) -> Self {
        Self::from(ApiError::new(ErrorKind::Invalid, "usage", message))
    }

    /// The same failure with a hint.
    #[must_use]
    pub fn hint(mut self, hint: impl Into<String>) -> Self {
        self.error = self.error.hint(hint);
        self
    }

    /// The process's exit code.
    pub fn exit_code(&self) -> ExitCode {
        ExitCode::from(self.error.kind.exit_code())
    }
}

impl From<ApiError> for Failure {
    fn from(error: ApiError) -> Self {
        Self { error, told: false }
    }
}

impl From<std::io::Error> for Failure {
    fn from(error: std::io::Error) -> Self {
        Self::from(ApiError::new(ErrorKind::Failed, "io", error.to_string()))
    }
}
