//! The reply of what has nothing else to say.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// What was done, in a sentence for people.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Done {
    /// The sentence.
    pub message: String,
}

impl Done {
    /// With this sentence.
    pub fn new(message: impl Into<String>) -> Self {
        Self { message: message.into() }
    }
}
