//! Logins, tokens, users.

use super::access::{Asker, Watch, barred};
use super::failure::{Body, Failure, Path, Query};
use super::paging::PageQuery;
use super::tcp::Peer;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use axum::{Extension, Json};
use serde::{Deserialize, Serialize};
use std::net::IpAddr;
use std::time::Duration;
use utoipa::ToSchema;
use wharf_protocol::{
    ApiError, Done, ErrorKind, LoginRequest, Page, Permissions, Source, SourceKind, Token, TokenCreate,
    TokenIssued, TokenResponse, TokenRotate, User, UserCreate, UserUpdate,
};

/// What can be logged in with: a name and a password, or the token of a warehouse.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct Login {
    #[schema(required = true, value_type = String)]
    username: Option<String>,
    #[schema(required = true, value_type = String)]
    password: Option<String>,
    // A personal token of the workspace behind a Databricks source, in the place of name and password. It is not kept. The
    // description of the API tells of it in words: as a schema, either would be optional, and neither is.
    #[schema(ignore)]
    databricks_token: Option<String>,
    /// The Databricks source that vouches for the token, where there are several.
    #[schema(ignore)]
    source: Option<String>,
}

pub(super) async fn login(
    Extension(watch): Extension<Watch>,
    Extension(peer): Extension<Peer>,
    Body(request): Body<Login>,
) -> Response {
    let _turn = watch.logins.acquire().await;
    if let Some(wait) = watch.guesses.barred(peer.0) {
        return barred(wait);
    }
    let tried = match request {
        Login {
            username: Some(username),
            password: Some(password),
            databricks_token: None,
            source: None,
        } => try_login(&watch, peer.0, LoginRequest { username, password }).await,
        Login { username: None, password: None, databricks_token: Some(token), source } => {
            try_vouched(&watch, peer.0, source.as_deref(), token).await
        }
        Login { .. } => {
            let message = "a login needs username and password, or a databricks_token";
            Err(ApiError::new(ErrorKind::Invalid, "body", message))
        }
    };
    match tried {
        Ok(reply) => Json(reply).into_response(),
        Err(error) if error.kind == ErrorKind::Unauthorized => watch.wrong(peer.0, error).await,
        Err(error) => Failure(error).into_response(),
    }
}

/// Asks the workspace who the bearer of a token is, and lets them in as that.
async fn try_vouched(
    watch: &Watch,
    address: IpAddr,
    source: Option<&str>,
    token: String,
) -> Result<TokenResponse, ApiError> {
    let catalog = watch.rooms.gate.catalog();
    let all = catalog.sources().into_iter().filter(|s| s.kind == SourceKind::Databricks);
    let fitting: Vec<Source> = all.filter(|s| source.is_none_or(|name| name == s.name)).collect();
    let [voucher] = &fitting[..] else {
        let (message, hint) = match fitting.is_empty() {
            true => (
                "there is no Databricks source that could vouch for this token",
                "log in with username and password",
            ),
            false => {
                ("several Databricks sources could vouch for this token", "say which one is meant: `source`")
            }
        };
        return Err(ApiError::new(ErrorKind::Invalid, "no_warehouse", message).hint(hint));
    };
    let asked = crate::sources::vouch(&voucher.name, &voucher.path, token.into());
    let late =
        |_| ApiError::new(ErrorKind::Unavailable, "unreachable", "the workspace did not answer in time");
    let name = tokio::time::timeout(VOUCHING, asked).await.map_err(late)??;
    let logged_in = watch.rooms.identity.login_vouched(&name).await?;
    let statement = format!("from {address}, vouched for by {}", voucher.name);
    let entry = crate::audit::Entry { statement, ..logged_in.principal.entry("login", "completed") };
    watch.rooms.gate.audit().append(entry).await?;
    Ok(logged_in.reply)
}

/// How long a workspace may take to say who somebody is.
const VOUCHING: Duration = Duration::from_secs(30);

async fn try_login(watch: &Watch, address: IpAddr, request: LoginRequest) -> Result<TokenResponse, ApiError> {
    let logged_in = watch.rooms.identity.login(&request.username, request.password).await?;
    let known = logged_in.principal.entry("login", "completed");
    let entry = crate::audit::Entry { statement: format!("from {address}"), ..known };
    // A login that is not on record is not given.
    watch.rooms.gate.audit().append(entry).await?;
    Ok(logged_in.reply)
}

pub(super) async fn logout(asker: Asker) -> Result<Json<Done>, Failure> {
    asker.rooms().identity.logout(asker.principal()).await?;
    asker.audit("logout", String::new(), "completed").await?;
    Ok(Json(Done::new("logged out")))
}

pub(super) async fn refresh(asker: Asker) -> Result<Json<TokenResponse>, Failure> {
    let reply = asker.rooms().identity.jwt(asker.principal())?;
    asker.audit("refresh", String::new(), "completed").await?;
    Ok(Json(reply))
}

/// A JWT under the name that older clients read.
#[derive(Serialize, ToSchema)]
pub(super) struct Jwt {
    token: String,
    token_type: String,
    expires_in: u64,
}

pub(super) async fn jwt(asker: Asker) -> Result<Json<Jwt>, Failure> {
    let Json(TokenResponse { access_token: token, token_type, expires_in, .. }) = refresh(asker).await?;
    Ok(Json(Jwt { token, token_type, expires_in }))
}

pub(super) async fn me(asker: Asker) -> Json<User> {
    Json(asker.principal().user())
}

pub(super) async fn permissions(asker: Asker) -> Json<Permissions> {
    let user = asker.principal().user();
    Json(Permissions {
        user_id: user.id,
        email: user.email,
        roles: user.roles,
        permissions: user.permissions,
        groups: user.groups,
    })
}

pub(super) async fn tokens(
    asker: Asker,
    Query(query): Query<PageQuery>,
) -> Result<Json<Page<Token>>, Failure> {
    Ok(Json(query.part(asker.rooms().identity.tokens().await?)))
}

pub(super) async fn token(asker: Asker, Path(id): Path<String>) -> Result<Json<Token>, Failure> {
    Ok(Json(asker.rooms().identity.token(&id).await?))
}

pub(super) async fn create_token(
    asker: Asker,
    Body(create): Body<TokenCreate>,
) -> Result<(StatusCode, Json<TokenIssued>), Failure> {
    Ok((StatusCode::CREATED, Json(make_token(&asker, create).await?)))
}

/// Makes a token. Who belongs to a swarm makes agents of that swarm, and no other.
pub(super) async fn make_token(asker: &Asker, mut create: TokenCreate) -> Result<TokenIssued, ApiError> {
    if let (Some(own), wharf_protocol::TokenKind::Agent) = (&asker.principal().swarm, create.kind) {
        create.swarm_id.get_or_insert_with(|| own.clone());
    }
    let kind = create.kind;
    let issued = asker.rooms().identity.create_token(create).await?;
    let what = format!("{kind:?} {} ({})", issued.token.token_id, issued.token.label).to_lowercase();
    asker.audit("token create", what, "completed").await?;
    Ok(issued)
}

pub(super) async fn rotate_token(
    asker: Asker,
    Path(id): Path<String>,
    Body(rotate): Body<TokenRotate>,
) -> Result<Json<TokenIssued>, Failure> {
    let issued = asker.rooms().identity.rotate_token(&id, &rotate).await?;
    asker.audit("token rotate", issued.token.token_id.clone(), "completed").await?;
    Ok(Json(issued))
}

pub(super) async fn revoke_token(asker: Asker, Path(id): Path<String>) -> Result<Json<Token>, Failure> {
    Ok(Json(end_token(&asker, &id).await?))
}

/// Revokes a token, and ends what its bearers have running.
pub(super) async fn end_token(asker: &Asker, id: &str) -> Result<Token, ApiError> {
    let identity = &asker.rooms().identity;
    let revoked = identity.revoke_token(id).await?;
    let ended: Vec<String> = identity
        .tokens()
        .await?
        .into_iter()
        .filter(|t| t.token_id == revoked.token_id || t.swarm_id.as_ref() == Some(&revoked.token_id))
        .map(|t| format!("agent:{}", t.token_id))
        .collect();
    asker.end_work_of(&ended);
    asker.audit("token revoke", revoked.token_id.clone(), "completed").await?;
    Ok(revoked)
}

pub(super) async fn users(asker: Asker, Query(query): Query<PageQuery>) -> Result<Json<Page<User>>, Failure> {
    Ok(Json(query.part(asker.rooms().identity.users().await?)))
}

pub(super) async fn user(asker: Asker, Path(name): Path<String>) -> Result<Json<User>, Failure> {
    Ok(Json(asker.rooms().identity.user(&name).await?))
}

pub(super) async fn create_user(
    asker: Asker,
    Body(create): Body<UserCreate>,
) -> Result<(StatusCode, Json<User>), Failure> {
    let user = asker.rooms().identity.create_user(create).await?;
    asker.audit("user create", user.id.clone(), "completed").await?;
    Ok((StatusCode::CREATED, Json(user)))
}

pub(super) async fn update_user(
    asker: Asker,
    Path(name): Path<String>,
    Body(update): Body<UserUpdate>,
) -> Result<Json<User>, Failure> {
    let what = format!("{name}: {update:?}");
    let ends = update.password.is_some() || update.disabled == Some(true);
    let user = asker.rooms().identity.update_user(&name, update).await?;
    if ends {
        asker.end_work_of(&[format!("user:{name}")]);
    }
    asker.audit("user update", what, "completed").await?;
    Ok(Json(user))
}

pub(super) async fn delete_user(asker: Asker, Path(name): Path<String>) -> Result<Json<Done>, Failure> {
    asker.rooms().identity.delete_user(&name).await?;
    let whose = format!("user:{name}");
    asker.end_work_of(std::slice::from_ref(&whose));
    asker.rooms().sessions.forget(&whose).await?;
    asker.audit("user delete", name.clone(), "completed").await?;
    Ok(Json(Done::new(format!("User {name} deleted"))))
}
