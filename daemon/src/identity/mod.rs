//! Who asks: tokens of swarms and agents, users with passwords, and what each may do.
//!
//! Whoever comes over the Unix socket with the daemon's uid is the owner. Everybody else shows either two tokens
//! (`Bearer <SwarmToken>;<AgentToken>`) or a JWT from a login. What they may read is decided elsewhere, by policy.

mod directory;
mod jwt;
mod password;
mod principal;
mod secret;
mod standing;
mod tokens;
mod users;

pub use password::AT_ONCE as PASSWORDS_AT_ONCE;
pub use principal::{Kind, Principal, Who};
pub use users::LoggedIn;

use crate::clock;
use crate::secrets::Secrets;
use crate::state::{State, StateError, Write};
use chrono::{DateTime, Utc};
use directory::{Directory, Worthless};
use std::collections::{HashMap, HashSet};
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError, RwLock};
use std::time::{Duration, Instant};
use wharf_protocol::{ApiError, ErrorKind, TokenKind};

/// What goes by this name in the state changes with every token, user and login.
const KEY: &str = "identity";

/// All principals. Cheap to clone.
#[derive(Clone)]
pub struct Identity(Arc<Inner>);

struct Inner {
    state: State,
    secrets: Secrets,
    times: Times,
    signer: OnceLock<jwt::Signer>,
    directory: RwLock<Option<Arc<Directory>>>,
    begun: (DateTime<Utc>, Instant),
    /// Tokens used since the last note of it, and when.
    used: Mutex<HashMap<String, DateTime<Utc>>>,
    /// Secrets and logins once found to be over. A clock that is set back does not revive them.
    over: Mutex<HashSet<String>>,
}

/// How long logins last.
#[derive(Debug, Clone, Copy)]
pub struct Times {
    /// A JWT.
    pub jwt: Duration,
    /// A login, however often its JWT is renewed.
    pub login: Duration,
}

/// What a request showed in `Authorization`, or that it showed nothing usable.
#[derive(Debug, Clone, Copy)]
pub enum Shown<'a> {
    /// Two tokens.
    Pair {
        /// The swarm's.
        swarm: &'a str,
        /// The agent's.
        agent: &'a str,
    },
    /// A JWT.
    Jwt(&'a str),
}

/// The longest `Authorization` that is looked at, in bytes.
const LONGEST: usize = 8192;

impl<'a> Shown<'a> {
    /// Reads the value of an `Authorization` header.
    ///
    /// # Errors
    /// When it is none of the two forms.
    pub fn read(value: &'a [u8]) -> Result<Self, ApiError> {
        let bad = |message: &str| {
            unauthorized("credentials_malformed", message)
                .hint("send `Authorization: Bearer <SwarmToken>;<AgentToken>`, or `Bearer <JWT>` from POST /api/auth/login")
        };
        let text = std::str::from_utf8(value).ok().filter(|t| t.is_ascii() && t.len() <= LONGEST);
        let text = text.ok_or_else(|| bad("the Authorization header is too long or not ASCII"))?;
        let (scheme, rest) = text.split_once(' ').unwrap_or((text, ""));
        if !scheme.eq_ignore_ascii_case("bearer") || rest.trim().is_empty() {
            return Err(bad("the Authorization header has no bearer token"));
        }
        let rest = rest.trim();
        let parts: Vec<&str> = rest.split(';').map(str::trim).collect();
        match parts[..] {
            [swarm, agent]
                if secret::looks_like(TokenKind::Swarm, swarm)
                    && secret::looks_like(TokenKind::Agent, agent) =>
            {
                Ok(Self::Pair { swarm, agent })
            }
            [first, second] if first.starts_with("AGENT-") && second.starts_with("SWARM-") => {
                Err(bad("the swarm token comes first, the agent token second"))
            }
            [one] if one.starts_with("SWARM-") || one.starts_with("AGENT-") => {
                Err(bad("a swarm token and an agent token are needed, joined by a semicolon"))
            }
            [jwt] if jwt.split('.').count() == 3 => Ok(Self::Jwt(jwt)),
            _ => Err(bad("the bearer token is neither a pair of tokens nor a JWT")),
        }
    }
}

pub(crate) fn unauthorized(code: &str, message: impl Into<String>) -> ApiError {
    ApiError::new(ErrorKind::Unauthorized, code, message)
}

impl Identity {
    /// The principals in `state`; the key for JWTs is one of `secrets`.
    pub fn new(state: State, secrets: Secrets, times: Times) -> Self {
        Self(Arc::new(Inner {
            state,
            secrets,
            times,
            signer: OnceLock::new(),
            directory: RwLock::default(),
            begun: (clock::now(), Instant::now()),
            used: Mutex::default(),
            over: Mutex::default(),
        }))
    }

    /// Who stands behind what was shown. What was revoked, by whichever process, is worth nothing from that instant on.
    ///
    /// # Errors
    /// When it is nobody, or nobody any more.
    pub async fn authenticate(&self, shown: Shown<'_>) -> Result<Principal, ApiError> {
        let directory = self.directory().await?;
        let now = self.now();
        match shown {
            Shown::Pair { swarm, agent } => {
                let swarm = self.living(swarm, directory.token(swarm, now));
                let agent = self.living(agent, directory.token(agent, now));
                let (swarm, agent) = (swarm?, agent?);
                if agent.swarm_id.as_deref() != Some(swarm.token_id.as_str()) {
                    return Err(unauthorized("token_invalid", "a token is not valid"));
                }
                self.note_use([&swarm.token_id, &agent.token_id], now);
                Ok(directory.agent(swarm, agent))
            }
            Shown::Jwt(jwt) => {
                let claims = match self.signer()?.read(jwt, now.timestamp()) {
                    Ok(claims) => claims,
                    Err(jwt::Unfit::Unknown) => {
                        return Err(unauthorized("token_invalid", "the JWT is not valid"));
                    }
                    Err(jwt::Unfit::Expired) => {
                        self.over().insert(jwt.to_owned());
                        return Err(expired());
                    }
                };
                if self.over().contains(jwt) {
                    return Err(expired());
                }
                self.living(&claims.sid, directory.login(&claims.sid, &claims.sub, now))
            }
        }
    }

    /// Holds what was found to what was known before: who was over once stays so.
    fn living<T>(&self, key: &str, found: Result<T, Worthless>) -> Result<T, ApiError> {
        match found {
            Err(Worthless::Unknown) => Err(unauthorized("token_invalid", "a token is not valid")),
            Err(Worthless::Expired) => {
                self.over().insert(secret::Digest::of(key).hex());
                Err(expired())
            }
            Ok(_) if self.over().contains(&secret::Digest::of(key).hex()) => Err(expired()),
            Ok(found) => Ok(found),
        }
    }

    /// Notes that tokens were used; [`Identity::flush`] brings it to the disk.
    fn note_use<const N: usize>(&self, tokens: [&String; N], now: DateTime<Utc>) {
        let mut used = self.0.used.lock().unwrap_or_else(PoisonError::into_inner);
        for token in tokens {
            match used.get_mut(token) {
                Some(at) => *at = now,
                None => drop(used.insert(token.clone(), now)),
            }
        }
    }

    /// Brings to the disk when tokens were last used.
    ///
    /// # Errors
    /// When the state cannot be written; it is tried again with the next.
    pub async fn flush(&self) -> Result<(), StateError> {
        let used = std::mem::take(&mut *self.0.used.lock().unwrap_or_else(PoisonError::into_inner));
        if used.is_empty() {
            return Ok(());
        }
        let mut write = self.0.state.write().await?;
        for (token, at) in used {
            let at = at.format("%Y-%m-%dT%H:%M:00Z").to_string();
            let done = sqlx::query("update tokens set last_used_at = ? where id = ?").bind(at).bind(token);
            done.execute(write.on()).await.map_err(|e| write.error(e))?;
        }
        write.changes(KEY).await?;
        write.commit().await
    }

    /// Now, never earlier than it was: a clock that is set back while the daemon runs makes nothing valid again.
    fn now(&self) -> DateTime<Utc> {
        let (wall, start) = self.0.begun;
        let passed = chrono::TimeDelta::from_std(start.elapsed()).unwrap_or_default();
        clock::now().max(wall + passed)
    }

    async fn directory(&self) -> Result<Arc<Directory>, ApiError> {
        let version = self.0.state.version(KEY).await?;
        let known = self.0.directory.read().unwrap_or_else(PoisonError::into_inner).clone();
        if let Some(known) = known.filter(|d| d.version == version) {
            return Ok(known);
        }
        let loaded = Arc::new(Directory::load(&self.0.state, version).await?);
        *self.0.directory.write().unwrap_or_else(PoisonError::into_inner) = Some(loaded.clone());
        Ok(loaded)
    }

    fn signer(&self) -> Result<&jwt::Signer, ApiError> {
        if let Some(signer) = self.0.signer.get() {
            return Ok(signer);
        }
        let signer = jwt::Signer::open(&self.0.secrets)?;
        Ok(self.0.signer.get_or_init(|| signer))
    }

    fn over(&self) -> MutexGuard<'_, HashSet<String>> {
        self.0.over.lock().unwrap_or_else(PoisonError::into_inner)
    }

    async fn write(&self) -> Result<Write, StateError> {
        let mut write = self.0.state.write().await?;
        write.changes(KEY).await?;
        Ok(write)
    }
}

fn expired() -> ApiError {
    unauthorized("token_expired", "the token's time is over")
}

fn text(at: DateTime<Utc>) -> String {
    at.to_rfc3339_opts(chrono::SecondsFormat::Secs, true)
}

/// Owner is who has the daemon's uid; nobody is made one.
fn check_roles(roles: &[wharf_protocol::Role]) -> Result<(), ApiError> {
    if roles.is_empty() || roles.contains(&wharf_protocol::Role::Owner) {
        let message = if roles.is_empty() { "a role is needed" } else { "the role owner cannot be given" };
        return Err(ApiError::new(ErrorKind::Invalid, "bad_role", message)
            .hint("roles are admin, engineer, analyst and agent"));
    }
    Ok(())
}

/// A short line that people call something by.
fn check_line(what: &str, text: &str) -> Result<(), ApiError> {
    let good = !text.trim().is_empty() && text.len() <= 200 && !text.chars().any(char::is_control);
    if good {
        return Ok(());
    }
    let message = format!("the {what} has 1 to 200 bytes and no control characters");
    Err(ApiError::new(ErrorKind::Invalid, "bad_name", message))
}

#[cfg(test)]
mod tests;
