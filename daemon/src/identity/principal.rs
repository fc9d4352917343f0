//! Who asks, and what they may do.

use crate::audit::Entry;
use std::sync::Arc;
use wharf_protocol::{ApiError, ErrorKind, Permission, Role, User};

/// Who asks. Cheap to clone.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Principal(Arc<Who>);

/// See [`Principal`].
#[derive(Debug, PartialEq, Eq)]
pub struct Who {
    /// What they came with.
    pub kind: Kind,
    /// User name, or id of the agent's token; for the owner `owner`.
    pub id: String,
    /// E-mail address, for users that have one.
    pub email: String,
    /// What people call them.
    pub label: String,
    /// The swarm of an agent.
    pub swarm: Option<String>,
    /// Whose rows they see.
    pub tenant: Option<String>,
    /// What they are for.
    pub roles: Vec<Role>,
    /// The login that a JWT belongs to.
    pub login: Option<String>,
}

/// What a principal came with.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Kind {
    /// The uid of the daemon, on the Unix socket.
    Owner,
    /// A JWT.
    User,
    /// A swarm token and an agent token.
    Agent,
}

impl std::ops::Deref for Principal {
    type Target = Who;
    fn deref(&self) -> &Who {
        &self.0
    }
}

impl From<Who> for Principal {
    fn from(who: Who) -> Self {
        Self(Arc::new(who))
    }
}

impl Principal {
    /// The user whose daemon this is.
    pub fn owner() -> Self {
        Self::from(Who {
            kind: Kind::Owner,
            id: "owner".to_owned(),
            email: String::new(),
            label: "owner".to_owned(),
            swarm: None,
            tenant: None,
            roles: vec![Role::Owner],
            login: None,
        })
    }

    /// Whether it is the user whose daemon this is.
    pub fn is_owner(&self) -> bool {
        self.kind == Kind::Owner
    }

    /// As audit and policies name it: `owner`, `user:alice`, `agent:0f3a...`.
    pub fn name(&self) -> String {
        match self.kind {
            Kind::Owner => "owner".to_owned(),
            Kind::User => format!("user:{}", self.id),
            Kind::Agent => format!("agent:{}", self.id),
        }
    }

    /// Every name under which tables and rules may be given to it.
    pub fn subjects(&self) -> Vec<String> {
        let swarm = self.swarm.iter().map(|s| format!("swarm:{s}"));
        let tenant = self.tenant.iter().map(|t| format!("tenant:{t}"));
        let roles = self.roles.iter().map(|r| format!("role:{}", r.name()));
        [self.name(), "everyone".to_owned()].into_iter().chain(swarm).chain(tenant).chain(roles).collect()
    }

    /// What it may do, each once, in a fixed order.
    pub fn permissions(&self) -> Vec<Permission> {
        let mut all: Vec<Permission> = self.roles.iter().flat_map(|r| r.permissions()).copied().collect();
        all.sort_unstable();
        all.dedup();
        all
    }

    /// Whether it may do this.
    pub fn may(&self, permission: Permission) -> bool {
        self.roles.iter().any(|r| r.permissions().contains(&permission))
    }

    /// Holds it to a permission.
    ///
    /// # Errors
    /// When it lacks it.
    pub fn need(&self, permission: Permission) -> Result<(), ApiError> {
        if self.may(permission) {
            return Ok(());
        }
        let message = format!("this needs the permission `{}`, which you don't have", permission.name());
        Err(ApiError::new(ErrorKind::Refused, "not_permitted", message)
            .hint("`GET /api/auth/permissions` lists yours; an admin can give you a role that has it"))
    }

    /// A line of the audit log about something it does, with an id of its own.
    pub fn entry(&self, action: &str, outcome: &str) -> Entry {
        Entry {
            request_id: uuid::Uuid::now_v7().to_string(),
            principal: self.name(),
            swarm: self.swarm.clone(),
            tenant: self.tenant.clone(),
            action: action.to_owned(),
            outcome: outcome.to_owned(),
            ..Entry::default()
        }
    }

    /// As clients know a user.
    pub fn user(&self) -> User {
        User {
            id: self.id.clone(),
            email: self.email.clone(),
            display_name: self.label.clone(),
            roles: self.roles.clone(),
            permissions: self.permissions(),
            groups: self.tenant.iter().cloned().collect(),
            tenant: self.tenant.clone(),
            created_at: None,
            disabled_at: None,
        }
    }
}
