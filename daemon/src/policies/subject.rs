//! To whom something is given.

use wharf_protocol::{ApiError, ErrorKind, Role};

/// A subject of grants, rules and limits.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Subject {
    /// Everybody but the owner.
    Everyone,
    /// Whoever has a role.
    Role(Role),
    /// Whoever belongs to a tenant.
    Tenant(String),
    /// The agents of a swarm, by the id or label of its token.
    Swarm(String),
    /// One user.
    User(String),
    /// One agent, by the id or label of its token.
    Agent(String),
}

impl Subject {
    /// Reads `everyone`, `role:analyst`, `tenant:acme`, `swarm:ID`, `user:NAME`, `agent:ID`.
    ///
    /// # Errors
    /// When it is none of these.
    pub fn parse(text: &str) -> Result<Self, ApiError> {
        let (kind, name) = text.split_once(':').unwrap_or((text, ""));
        let named = !name.trim().is_empty();
        match kind {
            "everyone" if text == "everyone" => Ok(Self::Everyone),
            "role" => {
                let role = Role::ALL.into_iter().find(|r| r.name() == name && *r != Role::Owner);
                role.map(Self::Role).ok_or_else(|| {
                    bad(format!("`{name}` is not a role that can be given something"))
                        .hint("roles are admin, engineer, analyst and agent")
                })
            }
            "tenant" if named => Ok(Self::Tenant(name.to_owned())),
            "swarm" if named => Ok(Self::Swarm(name.to_owned())),
            "user" if named => Ok(Self::User(name.to_owned())),
            "agent" if named => Ok(Self::Agent(name.to_owned())),
            _ => Err(bad(format!("`{text}` names nobody"))
                .hint("say everyone, role:NAME, tenant:NAME, swarm:ID, user:NAME or agent:ID")),
        }
    }
}

fn bad(message: String) -> ApiError {
    ApiError::new(ErrorKind::Invalid, "bad_subject", message)
}

impl std::fmt::Display for Subject {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Everyone => f.write_str("everyone"),
            Self::Role(role) => write!(f, "role:{}", role.name()),
            Self::Tenant(name) => write!(f, "tenant:{name}"),
            Self::Swarm(id) => write!(f, "swarm:{id}"),
            Self::User(name) => write!(f, "user:{name}"),
            Self::Agent(id) => write!(f, "agent:{id}"),
        }
    }
}
