//! What signs requests: a programmatic access token, an OAuth token, or a key pair.

use super::key_pair::KeyPair;
use secrecy::{ExposeSecret, SecretString};
use wharf_protocol::ApiError;

/// What signs requests. Its `Debug` shows no secret.
#[derive(Debug)]
pub(super) enum Credential {
    /// A programmatic access token.
    Pat(SecretString),
    /// An OAuth access token.
    OAuth(SecretString),
    /// A private key, with which tokens for an hour are made.
    KeyPair(KeyPair),
}

impl Credential {
    /// What Snowflake calls the kind of token.
    pub(super) fn kind(&self) -> &'static str {
        match self {
            Self::Pat(_) => "PROGRAMMATIC_ACCESS_TOKEN",
            Self::OAuth(_) => "OAUTH",
            Self::KeyPair(_) => "KEYPAIR_JWT",
        }
    }

    /// The token to send now.
    ///
    /// # Errors
    /// When the private key cannot be read, opened or used.
    pub(super) async fn token(&self, who: &str) -> Result<SecretString, ApiError> {
        match self {
            Self::Pat(token) | Self::OAuth(token) => Ok(token.clone()),
            Self::KeyPair(pair) => pair.token(who).await,
        }
    }

    /// Puts away a token that was refused. True when the next one will be another.
    pub(super) async fn renew(&self, refused: &SecretString) -> bool {
        match self {
            Self::Pat(_) | Self::OAuth(_) => false,
            Self::KeyPair(pair) => {
                pair.forget(refused.expose_secret()).await;
                true
            }
        }
    }
}
