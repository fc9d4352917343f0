//! How a source signs in: a personal access token, or OAuth for a service principal (client credentials).

use super::errors::{self, Refused};
use super::far::Far;
use crate::http::{self, Again};
use reqwest::Method;
use reqwest::header::HeaderValue;
use secrecy::{ExposeSecret, SecretString};
use serde::Deserialize;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};
use tokio::sync::{Mutex, OnceCell};
use url::Url;
use wharf_protocol::{ApiError, ErrorKind};

/// A token is renewed this long before its end, or at half of its life if that is later.
const EARLY: Duration = Duration::from_secs(20 * 60);
/// How long a token is taken to live where nothing is told.
const LIFE: Duration = Duration::from_secs(3600);
/// The largest answer of the sign-in, in bytes.
const LARGEST: usize = 1 << 20;

/// What a source signs in with.
pub(super) enum Auth {
    /// A personal access token.
    Token(SecretString),
    /// A service principal.
    Machine(Box<Machine>),
}

/// A service principal and the token that it has just now.
pub(super) struct Machine {
    client_id: String,
    secret: SecretString,
    token: Mutex<Option<Token>>,
    renewing: AtomicBool,
    token_endpoint: OnceCell<Url>,
}

#[derive(Clone)]
struct Token {
    value: SecretString,
    stale: Instant,
    ends: Instant,
}

#[derive(Deserialize, Default)]
#[serde(default)]
struct Discovery {
    oidc_endpoint: Option<String>,
    token_endpoint: Option<String>,
}

#[derive(Deserialize)]
struct Grant {
    access_token: String,
    #[serde(default)]
    expires_in: Option<serde_json::Value>,
}

impl Auth {
    pub(super) fn machine(client_id: &str, secret: SecretString) -> Self {
        Self::Machine(Box::new(Machine {
            client_id: client_id.to_owned(),
            secret,
            token: Mutex::new(None),
            renewing: AtomicBool::new(false),
            token_endpoint: OnceCell::new(),
        }))
    }

    /// Whether it is a service principal.
    pub(super) fn is_machine(&self) -> bool {
        matches!(self, Self::Machine(_))
    }

    /// The token to send. One that is near its end is renewed beside, by one caller only; one that has ended is waited for.
    pub(super) async fn token(&self, far: &Arc<Far>, until: Instant) -> Result<SecretString, ApiError> {
        let machine = match self {
            Self::Token(token) => return Ok(token.clone()),
            Self::Machine(machine) => machine,
        };
        let mut held = machine.token.lock().await;
        let now = Instant::now();
        if let Some(token) = held.as_ref().filter(|token| now < token.ends) {
            if now >= token.stale && !machine.renewing.swap(true, Ordering::AcqRel) {
                let far = Arc::clone(far);
                tokio::spawn(async move { far.renew_token().await });
            }
            return Ok(token.value.clone());
        }
        // The lock is held meanwhile: whoever comes now waits for this one answer.
        let token = machine.fetch(far, until).await?;
        let value = token.value.clone();
        *held = Some(token);
        Ok(value)
    }

    /// Forgets a token that was refused, unless another has come meanwhile. True if asking again makes sense.
    pub(super) async fn forget(&self, refused: &SecretString) -> bool {
        let Self::Machine(machine) = self else { return false };
        let mut held = machine.token.lock().await;
        if held.as_ref().is_some_and(|token| token.value.expose_secret() == refused.expose_secret()) {
            *held = None;
        }
        true
    }

    /// Renews a token that still holds. A failure is no harm: the next caller tries again.
    pub(super) async fn renew(&self, far: &Arc<Far>) {
        let Self::Machine(machine) = self else { return };
        match machine.fetch(far, Instant::now() + Duration::from_secs(60)).await {
            Ok(token) => *machine.token.lock().await = Some(token),
            Err(error) => {
                tracing::info!(source = far.name, code = error.code, "the token could not be renewed yet");
            }
        }
        machine.renewing.store(false, Ordering::Release);
    }

    /// A foreign text without our secrets, should it repeat them.
    pub(super) fn scrub(&self, text: String) -> String {
        let secret = match self {
            Self::Token(token) => token,
            Self::Machine(machine) => &machine.secret,
        };
        match secret.expose_secret() {
            short if short.len() < 4 => text,
            secret => text.replace(secret, "***"),
        }
    }
}

impl Machine {
    async fn fetch(&self, far: &Far, until: Instant) -> Result<Token, ApiError> {
        let endpoint = self.token_endpoint.get_or_try_init(|| self.discover(far, until)).await?;
        let asked = Instant::now();
        let reply = http::send(&far.who, Again::Always, until, |_| {
            far.client
                .post(endpoint.clone())
                .basic_auth(&self.client_id, Some(self.secret.expose_secret()))
                .form(&[("grant_type", "client_credentials"), ("scope", "all-apis")])
        })
        .await?;
        let status = reply.status();
        let body = http::body(&far.who, reply, LARGEST).await?;
        if !status.is_success() {
            let refused = Refused::read(status, &body);
            let said = far.auth.scrub(format!("{} [{} {}]", refused.message, status.as_u16(), refused.code));
            return Err(match status.as_u16() {
                429 | 500.. => ApiError::new(
                    ErrorKind::Unavailable,
                    "unavailable",
                    format!("{}: no token can be had: {said}", far.who),
                )
                .hint("try again in a little while"),
                404 => ApiError::new(
                    ErrorKind::Invalid,
                    "not_databricks",
                    format!("{}: the host has no sign-in for service principals: {said}", far.who),
                )
                .hint("check the host in the source's address: it must be the one of a workspace"),
                _ => errors::credential(&far.who, true, &said),
            });
        }
        let grant: Grant = serde_json::from_slice(&body).map_err(|_| {
            let message = format!("{}: the sign-in answered without a token", far.who);
            ApiError::new(ErrorKind::Unavailable, "reply_unreadable", message)
                .hint("check the host in the source's address")
        })?;
        let life = grant.expires_in.and_then(|told| match told {
            serde_json::Value::String(text) => text.trim().parse().ok(),
            other => other.as_f64(),
        });
        let life =
            life.filter(|life| *life >= 0.0).map_or(LIFE, |life| Duration::from_secs_f64(life.min(1e8)));
        Ok(Token {
            value: grant.access_token.into(),
            stale: asked + life - EARLY.min(life / 2),
            ends: asked + life,
        })
    }

    /// Where tokens are handed out: what the workspace tells, or the place where they always were.
    async fn discover(&self, far: &Far, until: Instant) -> Result<Url, ApiError> {
        let plain = far.url("/oidc/v1/token")?;
        let Some(told) = discovery(far, far.url("/.well-known/databricks-config")?, until).await? else {
            return Ok(plain);
        };
        // Account consoles write a placeholder into it; only a workspace is of use here.
        let Some(oidc) = told.oidc_endpoint.filter(|oidc| !oidc.contains('{')) else { return Ok(plain) };
        let oidc = oidc.trim_end_matches('/');
        let fallback = far.absolute(&format!("{oidc}/v1/token"))?;
        let server = far.absolute(&format!("{oidc}/.well-known/oauth-authorization-server"))?;
        match discovery(far, server, until).await?.and_then(|told| told.token_endpoint) {
            Some(endpoint) => far.absolute(&endpoint),
            None => Ok(fallback),
        }
    }
}

/// A document of discovery; none where there is no such thing.
async fn discovery(far: &Far, url: Url, until: Instant) -> Result<Option<Discovery>, ApiError> {
    let reply =
        http::send(&far.who, Again::Always, until, |_| far.client.request(Method::GET, url.clone())).await?;
    if !reply.status().is_success() {
        return Ok(None);
    }
    let body = http::body(&far.who, reply, LARGEST).await?;
    Ok(serde_json::from_slice(&body).ok())
}

/// The header of a token, marked so that nothing prints it.
pub(super) fn bearer(token: &SecretString) -> Option<HeaderValue> {
    let mut value = HeaderValue::from_str(&format!("Bearer {}", token.expose_secret())).ok()?;
    value.set_sensitive(true);
    Some(value)
}
