mod fuzz;
mod timing;

use super::*;
use wharf_protocol::{Permission, Role, TokenCreate, TokenRotate, UserCreate, UserUpdate};

pub(super) struct Place {
    _dir: tempfile::TempDir,
    state: State,
    pub(super) identity: Identity,
}

const TIMES: Times = Times { jwt: Duration::from_secs(1800), login: Duration::from_secs(43_200) };

pub(super) async fn place() -> Place {
    let dir = tempfile::tempdir().unwrap();
    let state = State::open(dir.path()).await.unwrap();
    let identity = Identity::new(state.clone(), Secrets::new(dir.path()), TIMES);
    Place { _dir: dir, state, identity }
}

pub(super) fn create(kind: TokenKind) -> TokenCreate {
    TokenCreate { kind, label: None, swarm_id: None, tenant: None, roles: None, expires_in: None }
}

impl Place {
    pub(super) async fn code(&self, header: &str) -> String {
        let Err(error) = self.who(header).await else { return "ok".to_owned() };
        assert_eq!(error.kind, ErrorKind::Unauthorized);
        error.code
    }

    pub(super) async fn who(&self, header: &str) -> Result<Principal, ApiError> {
        self.identity.authenticate(Shown::read(header.as_bytes())?).await
    }

    pub(super) async fn alice(&self) -> TokenResponse {
        self.identity.login("alice", "correct horse".to_owned()).await.unwrap().reply
    }
}

use wharf_protocol::TokenResponse;

pub(super) fn alice() -> UserCreate {
    UserCreate {
        username: "alice".to_owned(),
        password: "correct horse".to_owned(),
        email: None,
        display_name: None,
        roles: None,
        tenant: Some("acme".to_owned()),
    }
}

#[tokio::test]
async fn an_agent_is_its_own_token_beside_that_of_its_swarm() {
    let place = place().await;
    let id = &place.identity;
    assert_eq!(id.create_token(create(TokenKind::Agent)).await.unwrap_err().code, "no_swarm");
    let red = id
        .create_token(TokenCreate { tenant: Some("red".to_owned()), ..create(TokenKind::Swarm) })
        .await
        .unwrap();
    let agent = id.create_token(create(TokenKind::Agent)).await.unwrap();
    let blue = id.create_token(create(TokenKind::Swarm)).await.unwrap();
    assert_eq!(id.create_token(create(TokenKind::Agent)).await.unwrap_err().code, "swarm_needed");
    let (s, a, b) = (&red.secret, &agent.secret, &blue.secret);
    let who = place.who(&format!("Bearer {s};{a}")).await.unwrap();
    assert_eq!(who.tenant.as_deref(), Some("red"));
    assert_eq!(who.name(), format!("agent:{}", agent.token.token_id));
    assert!(who.may(Permission::Execute) && !who.may(Permission::Manage) && !who.may(Permission::ViewSql));
    let cut = &a[..a.len() - 1];
    for (header, code) in [
        (format!("Bearer {b};{a}"), "token_invalid"),
        (format!("Bearer {s};AGENT-{}", "A".repeat(43)), "token_invalid"),
        (format!("Bearer {a};{s}"), "credentials_malformed"),
        (format!("Bearer {s}"), "credentials_malformed"),
        (format!("Bearer {s};"), "credentials_malformed"),
        (format!("Bearer {s};{cut}"), "credentials_malformed"),
        (format!("Bearer {s};{a};{a}"), "credentials_malformed"),
        (format!("Basic {s};{a}"), "credentials_malformed"),
        (format!("Bearer {}", "x".repeat(9000)), "credentials_malformed"),
        ("Bearer ü;ü".to_owned(), "credentials_malformed"),
        ("Bearer a.b.c".to_owned(), "token_invalid"),
        (String::new(), "credentials_malformed"),
    ] {
        assert_eq!(place.code(&header).await, code, "{header}");
    }
    // No secret stands in the state.
    let kept: Vec<String> = sqlx::query_scalar("select hash || token_id from token_secrets")
        .fetch_all(place.state.read())
        .await
        .unwrap();
    assert!(kept.len() == 3 && kept.iter().all(|k| ![s, a, b].iter().any(|secret| k.contains(&secret[6..]))));
}

#[tokio::test]
async fn rotation_overlaps_and_revocation_is_at_once_and_for_every_process() {
    let place = place().await;
    let id = &place.identity;
    let swarm = id.create_token(create(TokenKind::Swarm)).await.unwrap();
    let agent = id.create_token(create(TokenKind::Agent)).await.unwrap();
    let pair = |a: &str| format!("Bearer {};{a}", swarm.secret);
    let rotated = id.rotate_token(&agent.token.token_id, &TokenRotate { overlap: Some(3600) }).await.unwrap();
    assert_eq!(place.code(&pair(&agent.secret)).await, "ok");
    assert_eq!(place.code(&pair(&rotated.secret)).await, "ok");
    let again = id.rotate_token(&agent.token.token_id, &TokenRotate::default()).await.unwrap();
    assert_eq!(place.code(&pair(&agent.secret)).await, "token_invalid");
    assert_eq!(place.code(&pair(&rotated.secret)).await, "token_invalid");
    assert_eq!(place.code(&pair(&again.secret)).await, "ok");
    id.flush().await.unwrap();
    assert!(id.token(&agent.token.token_id).await.unwrap().last_used_at.is_some());
    // Another process over the same state.
    let other = Identity::new(place.state.clone(), Secrets::new(place._dir.path()), TIMES);
    let revoked = other.revoke_token(&swarm.token.token_id).await.unwrap();
    assert_eq!(revoked.status, "revoked");
    assert_eq!(place.code(&pair(&again.secret)).await, "token_invalid");
    assert_eq!(id.token(&agent.token.token_id).await.unwrap().status, "revoked");
    assert_eq!(
        id.rotate_token(&agent.token.token_id, &TokenRotate::default()).await.unwrap_err().code,
        "token_over"
    );
}

#[tokio::test]
async fn what_is_over_stays_over() {
    let place = place().await;
    let id = &place.identity;
    let swarm = id.create_token(create(TokenKind::Swarm)).await.unwrap();
    let agent =
        id.create_token(TokenCreate { expires_in: Some(0), ..create(TokenKind::Agent) }).await.unwrap();
    let pair = format!("Bearer {};{}", swarm.secret, agent.secret);
    assert_eq!(place.code(&pair).await, "token_expired");
    // As if the clock had been set back: its time has not come by the state's dates.
    let mut write = place.state.write().await.unwrap();
    sqlx::query("update tokens set expires_at = '2999-01-01T00:00:00Z'").execute(write.on()).await.unwrap();
    write.changes(KEY).await.unwrap();
    write.commit().await.unwrap();
    assert_eq!(place.code(&pair).await, "token_expired");
    let far = TokenCreate { expires_in: Some(u64::MAX), ..create(TokenKind::Agent) };
    assert_eq!(id.create_token(far).await.unwrap_err().code, "bad_time");
}

#[tokio::test]
async fn a_login_gives_jwts_until_it_ends() {
    let place = place().await;
    let id = &place.identity;
    id.create_user(alice()).await.unwrap();
    assert_eq!(
        id.create_user(UserCreate { username: "Alice".to_owned(), ..alice() }).await.unwrap_err().code,
        "user_exists"
    );
    let codes = [("alice", "wrong horse"), ("bob", "correct horse"), ("", "")];
    for (name, password) in codes {
        let Err(error) = id.login(name, password.to_owned()).await else { panic!("{name}") };
        assert_eq!(
            (error.code.as_str(), error.message.as_str()),
            ("login_failed", "the user name or the password is wrong")
        );
    }
    let first = place.alice().await;
    assert_eq!((first.token_type.as_str(), first.expires_in), ("bearer", 1800));
    let who = place.who(&format!("Bearer {}", first.access_token)).await.unwrap();
    assert_eq!((who.name().as_str(), who.tenant.as_deref()), ("user:alice", Some("acme")));
    let renewed = id.jwt(&who).unwrap();
    let (one, two) = (format!("Bearer {}", first.access_token), format!("Bearer {}", renewed.access_token));
    assert_eq!((place.code(&one).await.as_str(), place.code(&two).await.as_str()), ("ok", "ok"));
    id.logout(&who).await.unwrap();
    assert_eq!(
        (place.code(&one).await.as_str(), place.code(&two).await.as_str()),
        ("token_invalid", "token_invalid")
    );
    // A new password, a shut account and a removed one end what is open. Roles change at once.
    let jwt = format!("Bearer {}", place.alice().await.access_token);
    id.update_user("alice", UserUpdate { roles: Some(vec![Role::Engineer]), ..UserUpdate::default() })
        .await
        .unwrap();
    assert!(place.who(&jwt).await.unwrap().may(Permission::ViewSql));
    id.update_user(
        "alice",
        UserUpdate { password: Some("another horse".to_owned()), ..UserUpdate::default() },
    )
    .await
    .unwrap();
    assert_eq!(place.code(&jwt).await, "token_invalid");
    assert!(id.login("alice", "correct horse".to_owned()).await.is_err());
    let jwt =
        format!("Bearer {}", id.login("alice", "another horse".to_owned()).await.unwrap().reply.access_token);
    id.update_user("alice", UserUpdate { disabled: Some(true), ..UserUpdate::default() }).await.unwrap();
    assert_eq!(place.code(&jwt).await, "token_invalid");
    assert!(id.login("alice", "another horse".to_owned()).await.is_err());
    id.delete_user("alice").await.unwrap();
    assert_eq!(id.delete_user("alice").await.unwrap_err().code, "user_not_found");
}

#[tokio::test]
async fn nobody_becomes_the_owner() {
    let place = place().await;
    let id = &place.identity;
    id.create_token(create(TokenKind::Swarm)).await.unwrap();
    for roles in [vec![Role::Owner], vec![], vec![Role::Agent, Role::Owner]] {
        let token = TokenCreate { roles: Some(roles.clone()), ..create(TokenKind::Agent) };
        assert_eq!(id.create_token(token).await.unwrap_err().code, "bad_role");
        let user = UserCreate { roles: Some(roles), ..alice() };
        assert_eq!(id.create_user(user).await.unwrap_err().code, "bad_role");
    }
    for name in ["", "a b", "-a", "ä", &"x".repeat(65), "a\n"] {
        let user = UserCreate { username: name.to_owned(), ..alice() };
        assert_eq!(id.create_user(user).await.unwrap_err().code, "bad_user_name", "{name:?}");
    }
}
