//! Whether somebody who was let in may still be: for what lasts longer than a request.

use super::directory::Directory;
use super::principal::{Kind, Principal};
use super::{Identity, directory};
use chrono::{DateTime, Utc};
use wharf_protocol::{ApiError, Token};

impl Identity {
    /// Whether a principal is let in now as they were: not when a token or login was revoked or has expired, an account was
    /// shut, or they have other roles or another tenant since. The owner always is.
    ///
    /// # Errors
    /// When the state cannot be read.
    pub async fn stands(&self, principal: &Principal) -> Result<bool, ApiError> {
        if principal.is_owner() {
            return Ok(true);
        }
        let directory = self.directory().await?;
        Ok(directory.again(principal, self.now()).is_some_and(|now| now == *principal))
    }
}

impl Directory {
    /// A principal as they would be let in now, if they would.
    fn again(&self, principal: &Principal, now: DateTime<Utc>) -> Option<Principal> {
        let living = |id: &str| -> Option<&Token> {
            self.tokens.get(id).filter(|token| directory::status(token, now) == "active")
        };
        match principal.kind {
            Kind::Owner => Some(principal.clone()),
            Kind::User => self.login(principal.login.as_deref()?, &principal.id, now).ok(),
            Kind::Agent => {
                let agent = living(&principal.id)?;
                Some(self.agent(living(agent.swarm_id.as_deref()?)?, agent))
            }
        }
    }
}
