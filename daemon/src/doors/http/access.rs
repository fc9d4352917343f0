//! Who comes in: the owner over the socket, everybody else with what they show; and what they may do.

use super::failure::Failure;
use super::guesses::Guesses;
use super::rates::{Class, Rates};
use super::tcp::Peer;
use crate::Rooms;
use crate::audit::Entry;
use crate::gate::Gate;
use crate::identity::{Principal, Shown};
use crate::models::Models;
use crate::sessions::Redact;
use axum::extract::{FromRequestParts, Request, State};
use axum::http::request::Parts;
use axum::http::{HeaderMap, HeaderValue, header};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use std::borrow::Cow;
use std::net::IpAddr;
use std::ops::Deref;
use std::sync::Arc;
use tokio::sync::Semaphore;
use wharf_protocol::{ApiError, ErrorKind, Permission};

/// Who asks, with the rooms and a gate that is open for nobody else.
pub(super) struct Asker {
    rooms: Rooms,
    /// The gate, open for who asks.
    pub(super) gate: Gate,
}

impl Asker {
    /// Who it is.
    pub(super) fn principal(&self) -> &Principal {
        self.gate.principal()
    }

    /// The rooms themselves. What a handler reads from a source it reads through [`Asker::gate`].
    pub(super) fn rooms(&self) -> &Rooms {
        &self.rooms
    }

    /// Semantic models as who asks may see them.
    pub(super) fn models(&self) -> Models {
        self.rooms.models.behind(&self.gate)
    }

    /// Something of a conversation as who asks may see it.
    pub(super) fn shown<T: Redact>(&self, thing: T) -> T {
        if self.principal().may(Permission::ViewSql) { thing } else { thing.without_sql() }
    }

    /// Ends what these askers have running: they may ask no longer.
    pub(super) fn end_work_of(&self, whose: &[String]) {
        self.gate.registry().cancel_of(whose);
        self.rooms.agents.stop_of(whose);
    }

    /// Notes what was done with tokens, users, tables and rules.
    pub(super) async fn audit(&self, action: &str, what: String, outcome: &str) -> Result<(), ApiError> {
        let entry = Entry { statement: what, ..self.principal().entry(action, outcome) };
        Ok(self.gate.audit().append(entry).await?)
    }
}

impl FromRequestParts<Rooms> for Asker {
    type Rejection = Failure;

    async fn from_request_parts(parts: &mut Parts, rooms: &Rooms) -> Result<Self, Failure> {
        let principal = parts.extensions.get::<Principal>().cloned().ok_or_else(|| Failure(missing()))?;
        Ok(Self { rooms: rooms.clone(), gate: rooms.gate.acting_for(principal) })
    }
}

/// Handlers reach the owner's rooms only where no data lies.
impl Deref for Asker {
    type Target = Gate;
    fn deref(&self) -> &Gate {
        &self.gate
    }
}

pub(super) fn missing() -> ApiError {
    ApiError::new(ErrorKind::Unauthorized, "credentials_missing", "this needs credentials").hint(
        "send `Authorization: Bearer <SwarmToken>;<AgentToken>`, or `Bearer <JWT>` from POST /api/auth/login",
    )
}

/// On the socket everybody is its owner: another uid was not let in.
pub(super) async fn owner(mut request: Request, next: Next) -> Response {
    request.extensions_mut().insert(Principal::owner());
    next.run(request).await
}

/// What stands before the door over TCP.
#[derive(Clone)]
pub(super) struct Watch {
    pub(super) rooms: Rooms,
    pub(super) guesses: Guesses,
    pub(super) rates: Rates,
    /// Whose password is being looked at. Others wait before their guesses are counted, so that many at once are not many
    /// guesses.
    pub(super) logins: Arc<Semaphore>,
}

/// Finds out who asks; nobody, where nothing is shown.
async fn authenticate(
    watch: &Watch,
    headers: &HeaderMap,
    address: IpAddr,
) -> Result<Option<Principal>, Response> {
    let shown = match credentials(headers) {
        Ok(None) => return Ok(None),
        Ok(Some(shown)) => shown,
        Err(error) => return Err(watch.wrong(address, error).await),
    };
    if let Some(wait) = watch.guesses.barred(address) {
        return Err(barred(wait));
    }
    let found = match Shown::read(&shown) {
        Ok(shown) => watch.rooms.identity.authenticate(shown).await,
        Err(error) => Err(error),
    };
    match found {
        Ok(principal) => {
            crate::measures::authentication(true);
            Ok(Some(principal))
        }
        Err(error) if error.kind == ErrorKind::Unauthorized => Err(watch.wrong(address, error).await),
        Err(error) => Err(Failure(error).into_response()),
    }
}

/// The one value of `Authorization`, or of `X-API-Key`, under which older clients send the same; there `Bearer` may be left out.
fn credentials(headers: &HeaderMap) -> Result<Option<Cow<'_, [u8]>>, ApiError> {
    let has_scheme = headers.contains_key(header::AUTHORIZATION);
    let api_key = header::HeaderName::from_static("x-api-key");
    let name = if has_scheme { header::AUTHORIZATION } else { api_key };
    let mut values = headers.get_all(name).iter();
    let first = values.next();
    if values.next().is_some() {
        let message = "credentials were sent more than once";
        return Err(ApiError::new(ErrorKind::Unauthorized, "credentials_malformed", message)
            .hint("send one Authorization header"));
    }
    Ok(first.map(|value| match value.as_bytes() {
        bare if !has_scheme && !bare.contains(&b' ') => Cow::Owned([b"Bearer ", bare].concat()),
        whole => Cow::Borrowed(whole),
    }))
}

impl Watch {
    /// Counts a guess; the audit learns of the first in each minute.
    pub(super) async fn wrong(&self, address: IpAddr, error: ApiError) -> Response {
        crate::measures::authentication(false);
        if self.guesses.count(address) {
            let entry = Entry {
                request_id: uuid::Uuid::now_v7().to_string(),
                principal: format!("address:{address}"),
                action: "authenticate".to_owned(),
                outcome: "denied".to_owned(),
                reason: Some(format!("{}: {}", error.code, error.message)),
                ..Entry::default()
            };
            if let Err(error) = self.rooms.gate.audit().append(entry).await {
                return Failure(error.into()).into_response();
            }
        }
        tracing::warn!(%address, code = %error.code, "credentials were refused");
        let mut response = Failure(error).into_response();
        response.headers_mut().insert(header::WWW_AUTHENTICATE, HeaderValue::from_static("Bearer"));
        response
    }
}

pub(super) fn barred(wait: u64) -> Response {
    let error = ApiError::new(
        ErrorKind::Limit,
        "too_many_guesses",
        "too many wrong credentials came from this address",
    )
    .hint(format!("try again in {wait} s"));
    let mut response = Failure(error).into_response();
    response.headers_mut().insert(header::RETRY_AFTER, HeaderValue::from(wait));
    response
}

/// What a group of routes asks of who comes.
#[derive(Clone, Copy)]
pub(super) struct Need {
    /// The permission; none: nobody in particular needs to be asking.
    pub(super) permission: Option<Permission>,
    /// How often.
    pub(super) class: Class,
}

/// Holds a group of routes to what it needs.
pub(super) async fn hold(
    State((need, watch)): State<(Need, Option<Watch>)>,
    mut request: Request,
    next: Next,
) -> Response {
    let address = request.extensions().get::<Peer>().map_or(IpAddr::from([0, 0, 0, 0]), |p| p.0);
    // What needs nobody in particular is not held up by what a stranger shows.
    if let (Some(watch), Some(_)) = (&watch, need.permission) {
        let headers = request.headers().clone();
        match authenticate(watch, &headers, address).await {
            Ok(Some(principal)) => drop(request.extensions_mut().insert(principal)),
            Ok(None) => {}
            Err(response) => return response,
        }
    }
    let principal = request.extensions().get::<Principal>().cloned();
    // Who is asking comes before how often: a stranger learns nothing of the limits.
    if let Some(permission) = need.permission {
        let may = principal.as_ref().ok_or_else(missing).and_then(|p| p.need(permission));
        if let Err(error) = may {
            let what = format!("{} {}", request.method(), request.uri().path());
            return refused(watch.as_ref(), principal.as_ref(), what, error).await;
        }
    }
    let Some(watch) = watch else { return next.run(request).await };
    let key = principal.map_or_else(|| format!("address:{address}"), |p| p.name());
    match watch.rates.admit(need.class, &key) {
        Ok(told) => {
            let mut response = next.run(request).await;
            told.into_headers(response.headers_mut());
            response
        }
        Err(told) => {
            let error = ApiError::new(
                ErrorKind::Limit,
                "rate_limit",
                format!("more than {} requests in a minute", told.limit),
            )
            .hint(format!("try again in {} s", told.retry_after()));
            let mut response = Failure(error).into_response();
            told.into_headers(response.headers_mut());
            response.headers_mut().insert(header::RETRY_AFTER, HeaderValue::from(told.retry_after()));
            response
        }
    }
}

/// A lack of rights of somebody known is on record.
async fn refused(
    watch: Option<&Watch>,
    principal: Option<&Principal>,
    what: String,
    error: ApiError,
) -> Response {
    if let (Some(watch), Some(principal)) = (watch, principal) {
        let why = Some(format!("{}: {}", error.code, error.message));
        let entry = Entry { statement: what, reason: why, ..principal.entry("request", "denied") };
        if let Err(error) = watch.rooms.gate.audit().append(entry).await {
            return Failure(error.into()).into_response();
        }
    }
    let unknown = error.kind == ErrorKind::Unauthorized;
    let mut response = Failure(error).into_response();
    if unknown {
        response.headers_mut().insert(header::WWW_AUTHENTICATE, HeaderValue::from_static("Bearer"));
    }
    response
}
