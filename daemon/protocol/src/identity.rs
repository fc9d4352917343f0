//! Who asks: tokens, users, and what they may do.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// What a principal is for. Roles give permissions.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum Role {
    /// The user whose daemon this is: everything.
    Owner,
    /// Hands out tokens, users, tables and rules; reads the audit log; sees SQL.
    Admin,
    /// Reads, writes and deletes models, runs statements, sees SQL.
    Engineer,
    /// Reads, runs statements, writes what is their own.
    Analyst,
    /// A program: reads and runs statements.
    Agent,
}

/// One thing that a principal may do.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum Permission {
    /// See tables, models, metrics and profiles.
    Read,
    /// Make and change what is shared: models, tags, artefacts.
    Write,
    /// Remove it.
    Delete,
    /// Run statements, samples and metric queries.
    Execute,
    /// Hand out tokens, users, tables and rules; read the audit log.
    Manage,
    /// See the SQL of answers.
    ViewSql,
}

impl Role {
    /// All roles, the mightiest first.
    pub const ALL: [Self; 5] = [Self::Owner, Self::Admin, Self::Engineer, Self::Analyst, Self::Agent];

    /// What the role may do.
    pub fn permissions(self) -> &'static [Permission] {
        use Permission::{Delete, Execute, Manage, Read, ViewSql, Write};
        match self {
            Self::Owner | Self::Admin => &[Read, Write, Delete, Execute, Manage, ViewSql],
            Self::Engineer => &[Read, Write, Delete, Execute, ViewSql],
            Self::Analyst => &[Read, Write, Execute],
            Self::Agent => &[Read, Execute],
        }
    }

    /// Its name on the wire.
    pub fn name(self) -> &'static str {
        match self {
            Self::Owner => "owner",
            Self::Admin => "admin",
            Self::Engineer => "engineer",
            Self::Analyst => "analyst",
            Self::Agent => "agent",
        }
    }
}

impl Permission {
    /// Its name on the wire.
    pub fn name(self) -> &'static str {
        match self {
            Self::Read => "read",
            Self::Write => "write",
            Self::Delete => "delete",
            Self::Execute => "execute",
            Self::Manage => "manage",
            Self::ViewSql => "view_sql",
        }
    }
}

/// What a token stands for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum TokenKind {
    /// Shared by all agents of a swarm.
    Swarm,
    /// One agent's own.
    Agent,
}

/// A token without its secret.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Token {
    /// By which it is managed; not a secret.
    pub token_id: String,
    /// What it stands for.
    pub kind: TokenKind,
    /// What people call it.
    pub label: String,
    /// The swarm that an agent belongs to.
    pub swarm_id: Option<String>,
    /// Whose rows its bearer sees. An agent without one has its swarm's.
    pub tenant: Option<String>,
    /// What its bearer may do (agents only).
    pub roles: Vec<Role>,
    /// When it was made, UTC.
    pub created_at: String,
    /// When it ends by itself, UTC.
    pub expires_at: Option<String>,
    /// When it was last used, UTC, to the minute.
    pub last_used_at: Option<String>,
    /// When it was revoked, UTC.
    pub revoked_at: Option<String>,
    /// `active`, `expired` or `revoked`.
    pub status: String,
}

/// `POST /api/tokens`
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct TokenCreate {
    /// What it stands for.
    pub kind: TokenKind,
    /// What people call it.
    #[serde(default)]
    pub label: Option<String>,
    /// The swarm that an agent belongs to; absent: the only one there is.
    #[serde(default)]
    pub swarm_id: Option<String>,
    /// Whose rows its bearer sees.
    #[serde(default)]
    pub tenant: Option<String>,
    /// What an agent may do; absent: `agent`.
    #[serde(default)]
    pub roles: Option<Vec<Role>>,
    /// Seconds until it ends; absent: never.
    #[serde(default)]
    #[schema(format = "uint64")]
    pub expires_in: Option<u64>,
}

/// A token with its secret, which is shown this once.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct TokenIssued {
    /// What it is.
    #[serde(flatten)]
    pub token: Token,
    /// The secret. It cannot be shown again.
    pub secret: String,
}

/// `POST /api/tokens/{id}/rotate`
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct TokenRotate {
    /// Seconds for which the secret before stays valid; absent: it ends at once.
    #[serde(default)]
    #[schema(format = "uint64")]
    pub overlap: Option<u64>,
}

/// A user, as seed clients know one.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct User {
    /// The name to log in with.
    pub id: String,
    /// E-mail address.
    pub email: String,
    /// What people call them.
    pub display_name: String,
    /// What they are for.
    pub roles: Vec<Role>,
    /// What they may do.
    pub permissions: Vec<Permission>,
    /// Groups, of which wharf has one kind: tenants.
    pub groups: Vec<String>,
    /// Whose rows they see.
    pub tenant: Option<String>,
    /// When the account was made, UTC; absent for who is not one.
    pub created_at: Option<String>,
    /// When it was disabled, UTC.
    pub disabled_at: Option<String>,
}

/// `POST /api/users`
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct UserCreate {
    /// The name to log in with.
    pub username: String,
    /// The password; kept as an argon2id hash only.
    pub password: String,
    /// E-mail address; absent: none is known.
    #[serde(default)]
    pub email: Option<String>,
    /// What people call them; absent: the name.
    #[serde(default)]
    pub display_name: Option<String>,
    /// What they are for; absent: `analyst`.
    #[serde(default)]
    pub roles: Option<Vec<Role>>,
    /// Whose rows they see.
    #[serde(default)]
    pub tenant: Option<String>,
}

/// `PATCH /api/users/{name}`. What is absent stays.
#[derive(Clone, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct UserUpdate {
    /// A new password; every login ends.
    #[serde(default)]
    pub password: Option<String>,
    /// What they are for.
    #[serde(default)]
    pub roles: Option<Vec<Role>>,
    /// Whose rows they see; empty text: nobody's in particular.
    #[serde(default)]
    pub tenant: Option<String>,
    /// Whether the account is shut; every login ends.
    #[serde(default)]
    pub disabled: Option<bool>,
}

/// `POST /api/auth/login`
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct LoginRequest {
    /// The name.
    pub username: String,
    /// The password.
    pub password: String,
}

/// The reply to a login or refresh.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct TokenResponse {
    /// The JWT for `Authorization: Bearer`.
    pub access_token: String,
    /// `bearer`.
    pub token_type: String,
    /// Seconds until it ends.
    pub expires_in: u64,
    /// Who it is for; absent after a refresh.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub user: Option<User>,
}

/// `GET /api/auth/permissions`
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Permissions {
    /// Who.
    pub user_id: String,
    /// E-mail address.
    pub email: String,
    /// What they are for.
    pub roles: Vec<Role>,
    /// What they may do.
    pub permissions: Vec<Permission>,
    /// Groups.
    pub groups: Vec<String>,
}

/// Prints who, never the secret.
macro_rules! redacted_debug {
    ($($type:ident { $($shown:ident),* })*) => {$(
        impl std::fmt::Debug for $type {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.debug_struct(stringify!($type))$(.field(stringify!($shown), &self.$shown))*.finish_non_exhaustive()
            }
        }
    )*};
}
redacted_debug! {
    UserCreate { username, roles, tenant }
    UserUpdate { roles, tenant, disabled }
    LoginRequest { username }
    TokenResponse { expires_in, user }
    TokenIssued { token }
}
