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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::identity::{Shown, Times};
    use crate::secrets::Secrets;
    use crate::state::State;
    use std::time::Duration;
    use wharf_protocol::{Role, TokenCreate, TokenKind, UserCreate, UserUpdate};

    fn token(kind: TokenKind, expires_in: Option<u64>) -> TokenCreate {
        TokenCreate { kind, label: None, swarm_id: None, tenant: None, roles: None, expires_in }
    }

    async fn identity(dir: &std::path::Path) -> Identity {
        let times = Times { jwt: Duration::from_secs(1800), login: Duration::from_secs(43_200) };
        Identity::new(State::open(dir).await.unwrap(), Secrets::new(dir), times)
    }

    #[tokio::test]
    async fn an_agent_stands_until_its_token_or_its_swarms_is_over() {
        let dir = tempfile::tempdir().unwrap();
        let identity = identity(dir.path()).await;
        let swarm = identity.create_token(token(TokenKind::Swarm, None)).await.unwrap();
        let mut agents = Vec::new();
        for expires_in in [None, Some(3600), Some(1)] {
            let agent = identity.create_token(token(TokenKind::Agent, expires_in)).await.unwrap();
            let header = format!("Bearer {};{}", swarm.secret, agent.secret);
            let shown = Shown::read(header.as_bytes()).unwrap();
            agents.push((identity.authenticate(shown).await.unwrap(), agent.token.token_id));
        }
        assert!(identity.stands(&agents[0].0).await.unwrap());
        let deadline = std::time::Instant::now() + Duration::from_secs(10);
        while identity.stands(&agents[2].0).await.unwrap() {
            assert!(std::time::Instant::now() < deadline, "its second is over");
            tokio::task::yield_now().await;
        }
        identity.revoke_token(&agents[0].1).await.unwrap();
        assert!(!identity.stands(&agents[0].0).await.unwrap());
        assert!(identity.stands(&agents[1].0).await.unwrap());
        identity.revoke_token(&swarm.token.token_id).await.unwrap();
        assert!(!identity.stands(&agents[1].0).await.unwrap());
        assert!(identity.stands(&Principal::owner()).await.unwrap());
    }

    #[tokio::test]
    async fn a_user_stands_while_the_login_does_and_nothing_about_them_changes() {
        let dir = tempfile::tempdir().unwrap();
        let identity = identity(dir.path()).await;
        let create = UserCreate {
            username: "alice".to_owned(),
            password: "correct horse".to_owned(),
            email: None,
            display_name: None,
            roles: None,
            tenant: Some("acme".to_owned()),
        };
        identity.create_user(create).await.unwrap();
        let login = async || identity.login("alice", "correct horse".to_owned()).await.unwrap().principal;
        let (first, second) = (login().await, login().await);
        identity.logout(&first).await.unwrap();
        assert!(!identity.stands(&first).await.unwrap() && identity.stands(&second).await.unwrap());
        for update in [
            UserUpdate { roles: Some(vec![Role::Engineer]), ..UserUpdate::default() },
            UserUpdate { tenant: Some("umbra".to_owned()), ..UserUpdate::default() },
            UserUpdate { disabled: Some(true), ..UserUpdate::default() },
        ] {
            let before = login().await;
            assert!(identity.stands(&before).await.unwrap());
            identity.update_user("alice", update).await.unwrap();
            assert!(!identity.stands(&before).await.unwrap());
        }
    }
}
