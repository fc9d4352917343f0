//! Everybody who may ask, as it stands in the state: read whole, looked up in memory.

use super::principal::{Kind, Principal, Who};
use super::secret::Digest;
use crate::state::{State, StateError};
use chrono::{DateTime, Utc};
use std::collections::HashMap;
use wharf_protocol::{Role, Token, TokenKind, User};

/// All tokens, users and logins at one version of the state.
#[derive(Default)]
pub(super) struct Directory {
    pub(super) version: i64,
    pub(super) tokens: HashMap<String, Token>,
    secrets: HashMap<u128, Vec<Secret>>,
    pub(super) users: HashMap<String, Account>,
    logins: HashMap<String, Login>,
}

struct Secret {
    digest: Digest,
    token: String,
    expires_at: Option<DateTime<Utc>>,
}

/// A user with what is not shown.
#[derive(Clone)]
pub(super) struct Account {
    pub(super) user: User,
    /// PHC text.
    pub(super) password: String,
}

struct Login {
    user: String,
    expires_at: DateTime<Utc>,
    ended: bool,
}

/// Why a secret or a login is worth nothing.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Worthless {
    /// Nobody has it, or it was revoked.
    Unknown,
    /// Its time is over.
    Expired,
}

impl Directory {
    /// Reads it from the state.
    pub(super) async fn load(state: &State, version: i64) -> Result<Self, StateError> {
        let mut directory = Self { version, ..Self::default() };
        directory.load_tokens(state).await?;
        directory.load_users(state).await?;
        Ok(directory)
    }

    async fn load_tokens(&mut self, state: &State) -> Result<(), StateError> {
        type Row = (
            String,
            String,
            String,
            Option<String>,
            Option<String>,
            String,
            String,
            Option<String>,
            Option<String>,
            Option<String>,
        );
        let sql = "select id, kind, label, swarm_id, tenant, roles, created_at, expires_at, last_used_at, revoked_at from tokens";
        let rows: Vec<Row> = sqlx::query_as(sql).fetch_all(state.read()).await.map_err(|e| state.error(e))?;
        for (
            token_id,
            kind,
            label,
            swarm_id,
            tenant,
            roles,
            created_at,
            expires_at,
            last_used_at,
            revoked_at,
        ) in rows
        {
            let kind = if kind == "swarm" { TokenKind::Swarm } else { TokenKind::Agent };
            let roles = roles_of(state, &roles)?;
            let status = String::new();
            let token = Token {
                token_id,
                kind,
                label,
                swarm_id,
                tenant,
                roles,
                created_at,
                expires_at,
                last_used_at,
                revoked_at,
                status,
            };
            self.tokens.insert(token.token_id.clone(), token);
        }
        let sql = "select hash, token_id, expires_at from token_secrets";
        let rows: Vec<(String, String, Option<String>)> =
            sqlx::query_as(sql).fetch_all(state.read()).await.map_err(|e| state.error(e))?;
        for (hash, token, expires_at) in rows {
            let digest = Digest::from_hex(&hash)
                .ok_or_else(|| state.damaged(format!("the secret of token {token} has no hash")))?;
            let expires_at = expires_at.map(|at| time_of(state, &at)).transpose()?;
            self.secrets.entry(digest.bucket()).or_default().push(Secret { digest, token, expires_at });
        }
        Ok(())
    }

    async fn load_users(&mut self, state: &State) -> Result<(), StateError> {
        type Row = (String, String, String, String, String, Option<String>, String, Option<String>);
        let sql =
            "select name, email, display_name, password, roles, tenant, created_at, disabled_at from users";
        let rows: Vec<Row> = sqlx::query_as(sql).fetch_all(state.read()).await.map_err(|e| state.error(e))?;
        for (id, email, display_name, password, roles, tenant, created_at, disabled_at) in rows {
            let mut user = User {
                id,
                email,
                display_name,
                roles: roles_of(state, &roles)?,
                permissions: Vec::new(),
                groups: tenant.iter().cloned().collect(),
                tenant,
                created_at: Some(created_at),
                disabled_at,
            };
            user.permissions = principal_of(&user, None).permissions();
            self.users.insert(user.id.clone(), Account { user, password });
        }
        let sql = "select id, user, expires_at, ended_at is not null from logins";
        let rows: Vec<(String, String, String, bool)> =
            sqlx::query_as(sql).fetch_all(state.read()).await.map_err(|e| state.error(e))?;
        for (id, user, expires_at, ended) in rows {
            let expires_at = time_of(state, &expires_at)?;
            self.logins.insert(id, Login { user, expires_at, ended });
        }
        Ok(())
    }

    /// The token that a secret belongs to.
    pub(super) fn token(&self, secret: &str, now: DateTime<Utc>) -> Result<&Token, Worthless> {
        let digest = Digest::of(secret);
        let found = self.secrets.get(&digest.bucket()).into_iter().flatten().find(|s| s.digest.same(digest));
        let found = found.ok_or(Worthless::Unknown)?;
        let token = self.tokens.get(&found.token).ok_or(Worthless::Unknown)?;
        if token.revoked_at.is_some() {
            return Err(Worthless::Unknown);
        }
        let over = |at: DateTime<Utc>| at <= now;
        if found.expires_at.is_some_and(over) || parsed(token.expires_at.as_deref()).is_some_and(over) {
            return Err(Worthless::Expired);
        }
        Ok(token)
    }

    /// The agent that two tokens stand for.
    pub(super) fn agent(&self, swarm: &Token, agent: &Token) -> Principal {
        Principal::from(Who {
            kind: Kind::Agent,
            id: agent.token_id.clone(),
            email: String::new(),
            label: agent.label.clone(),
            swarm: Some(swarm.token_id.clone()),
            tenant: agent.tenant.clone().or_else(|| swarm.tenant.clone()),
            roles: agent.roles.clone(),
            login: None,
        })
    }

    /// The user of a login that goes on.
    pub(super) fn login(&self, id: &str, user: &str, now: DateTime<Utc>) -> Result<Principal, Worthless> {
        let login = self.logins.get(id).filter(|l| l.user == user && !l.ended).ok_or(Worthless::Unknown)?;
        if login.expires_at <= now {
            return Err(Worthless::Expired);
        }
        let account =
            self.users.get(user).filter(|a| a.user.disabled_at.is_none()).ok_or(Worthless::Unknown)?;
        Ok(principal_of(&account.user, Some(id)))
    }
}

/// A user as a principal.
pub(super) fn principal_of(user: &User, login: Option<&str>) -> Principal {
    Principal::from(Who {
        kind: Kind::User,
        id: user.id.clone(),
        email: user.email.clone(),
        label: user.display_name.clone(),
        swarm: None,
        tenant: user.tenant.clone(),
        roles: user.roles.clone(),
        login: login.map(str::to_owned),
    })
}

fn roles_of(state: &State, text: &str) -> Result<Vec<Role>, StateError> {
    serde_json::from_str(text).map_err(|_| state.damaged(format!("`{text}` is no list of roles")))
}

fn time_of(state: &State, text: &str) -> Result<DateTime<Utc>, StateError> {
    parsed(Some(text)).ok_or_else(|| state.damaged(format!("`{text}` is no time")))
}

fn parsed(text: Option<&str>) -> Option<DateTime<Utc>> {
    text.and_then(|t| DateTime::parse_from_rfc3339(t).ok()).map(|t| t.to_utc())
}

/// `active`, `expired` or `revoked`.
pub(super) fn status(token: &Token, now: DateTime<Utc>) -> &'static str {
    match (&token.revoked_at, parsed(token.expires_at.as_deref())) {
        (Some(_), _) => "revoked",
        (None, Some(at)) if at <= now => "expired",
        _ => "active",
    }
}
