//! Users: accounts, logins, and their end.

use super::directory::principal_of;
use super::{Identity, Principal, check_line, check_roles, password, text, unauthorized};
use chrono::TimeDelta;
use wharf_protocol::{ApiError, ErrorKind, Role, TokenResponse, User, UserCreate, UserUpdate};

/// A login that was granted.
pub struct LoggedIn {
    /// Who it is.
    pub principal: Principal,
    /// What the client gets.
    pub reply: TokenResponse,
}

impl Identity {
    /// All users, by name.
    ///
    /// # Errors
    /// When the state cannot be read.
    pub async fn users(&self) -> Result<Vec<User>, ApiError> {
        let directory = self.directory().await?;
        let mut users: Vec<User> = directory.users.values().map(|a| a.user.clone()).collect();
        users.sort_by(|a, b| a.id.cmp(&b.id));
        Ok(users)
    }

    /// A user by name.
    ///
    /// # Errors
    /// When there is none.
    pub async fn user(&self, name: &str) -> Result<User, ApiError> {
        let directory = self.directory().await?;
        let found = directory.users.get(name).map(|a| a.user.clone());
        found.ok_or_else(|| {
            let near = wharf_policy::nearest(name, directory.users.keys());
            let hint = match &near[..] {
                [] => "`wharf user list` shows the users there are".to_owned(),
                near => format!("did you mean {}?", near.join(" or ")),
            };
            ApiError::new(ErrorKind::NotFound, "user_not_found", format!("there is no user `{name}`"))
                .hint(hint)
        })
    }

    /// Makes an account.
    ///
    /// # Errors
    /// When the name is taken or not a name, or the password is too short.
    pub async fn create_user(&self, create: UserCreate) -> Result<User, ApiError> {
        check_name(&create.username)?;
        let roles = create.roles.unwrap_or_else(|| vec![Role::Analyst]);
        check_roles(&roles)?;
        let display_name = create.display_name.unwrap_or_else(|| create.username.clone());
        check_line("display name", &display_name)?;
        if let Some(tenant) = &create.tenant {
            check_line("tenant", tenant)?;
        }
        let taken = |name: &String| name.eq_ignore_ascii_case(&create.username);
        if self.directory().await?.users.keys().any(taken) {
            let message = format!("there is a user `{}` already", create.username);
            return Err(ApiError::new(ErrorKind::Conflict, "user_exists", message));
        }
        let hashed = password::hash(create.password).await?;
        let mut write = self.write().await?;
        let sql = "insert into users (name, email, display_name, password, roles, tenant, created_at) values (?, ?, ?, ?, ?, ?, ?)";
        let insert = sqlx::query(sql)
            .bind(&create.username)
            .bind(create.email.unwrap_or_default())
            .bind(display_name)
            .bind(hashed)
            .bind(serde_json::to_string(&roles).unwrap_or_default())
            .bind(create.tenant)
            .bind(text(self.now()));
        insert.execute(write.on()).await.map_err(|e| write.error(e))?;
        write.commit().await?;
        self.user(&create.username).await
    }

    /// Changes an account. A new password and a shut account end every login.
    ///
    /// # Errors
    /// When there is no such user, or something given does not fit.
    pub async fn update_user(&self, name: &str, update: UserUpdate) -> Result<User, ApiError> {
        let mut user = self.user(name).await?;
        if let Some(roles) = update.roles {
            check_roles(&roles)?;
            user.roles = roles;
        }
        if let Some(tenant) = update.tenant {
            user.tenant = if tenant.is_empty() { None } else { Some(tenant) };
        }
        if let Some(tenant) = &user.tenant {
            check_line("tenant", tenant)?;
        }
        if let Some(disabled) = update.disabled {
            user.disabled_at = disabled.then(|| text(self.now()));
        }
        let ends_logins = update.password.is_some() || user.disabled_at.is_some();
        let hashed = match update.password {
            Some(password) => Some(password::hash(password).await?),
            None => None,
        };
        let mut write = self.write().await?;
        let sql = "update users set roles = ?, tenant = ?, disabled_at = ?, password = coalesce(?, password) where name = ?";
        let change = sqlx::query(sql)
            .bind(serde_json::to_string(&user.roles).unwrap_or_default())
            .bind(&user.tenant)
            .bind(&user.disabled_at)
            .bind(hashed)
            .bind(name);
        change.execute(write.on()).await.map_err(|e| write.error(e))?;
        if ends_logins {
            let end = sqlx::query("delete from logins where user = ?").bind(name);
            end.execute(write.on()).await.map_err(|e| write.error(e))?;
        }
        write.commit().await?;
        self.user(name).await
    }

    /// Removes an account and its logins.
    ///
    /// # Errors
    /// When there is no such user.
    pub async fn delete_user(&self, name: &str) -> Result<(), ApiError> {
        self.user(name).await?;
        let mut write = self.write().await?;
        for sql in ["delete from logins where user = ?", "delete from users where name = ?"] {
            sqlx::query(sql).bind(name).execute(write.on()).await.map_err(|e| write.error(e))?;
        }
        Ok(write.commit().await?)
    }

    /// Logs a user in. Who does not exist takes as long as a wrong password.
    ///
    /// # Errors
    /// When name and password don't fit, or the account is shut: which of them is not told.
    pub async fn login(&self, name: &str, password: String) -> Result<LoggedIn, ApiError> {
        let directory = self.directory().await?;
        let account = directory.users.get(name).filter(|a| a.user.disabled_at.is_none()).cloned();
        let fits = password::fits(password, account.as_ref().map(|a| a.password.clone())).await?;
        let Some(account) = account.filter(|_| fits) else {
            return Err(unauthorized("login_failed", "the user name or the password is wrong"));
        };
        self.begin_login(&account.user).await
    }

    /// A login for whom a warehouse vouches. Whoever is new gets an account: an analyst, who may read nothing yet but what everyone
    /// may, and whose password nobody knows.
    ///
    /// # Errors
    /// When the account is shut, or the name is none for a user.
    pub async fn login_vouched(&self, name: &str) -> Result<LoggedIn, ApiError> {
        let known = self.directory().await?.users.get(name).map(|account| account.user.clone());
        let user = match known {
            Some(user) if user.disabled_at.is_some() => {
                return Err(unauthorized("login_failed", "this account is shut"));
            }
            Some(user) => user,
            None => {
                let password = super::secret::unknown()?;
                let email = name.contains('@').then(|| name.to_owned());
                let (username, roles, tenant, display_name) = (name.to_owned(), None, None, None);
                self.create_user(UserCreate { username, password, email, roles, tenant, display_name })
                    .await?
            }
        };
        self.begin_login(&user).await
    }

    async fn begin_login(&self, user: &User) -> Result<LoggedIn, ApiError> {
        let name = &user.id;
        let (login, now) = (uuid::Uuid::now_v7().to_string(), self.now());
        let lasts = TimeDelta::from_std(self.0.times.login).unwrap_or(TimeDelta::hours(12));
        let mut write = self.write().await?;
        let over = sqlx::query("delete from logins where expires_at <= ?").bind(text(now));
        over.execute(write.on()).await.map_err(|e| write.error(e))?;
        let sql = "insert into logins (id, user, created_at, expires_at) select ?, name, ?, ? from users where name = ? and disabled_at is null";
        let insert = sqlx::query(sql).bind(&login).bind(text(now)).bind(text(now + lasts)).bind(name);
        insert.execute(write.on()).await.map_err(|e| write.error(e))?;
        write.commit().await?;
        let principal = principal_of(user, Some(&login));
        let mut reply = self.jwt(&principal)?;
        reply.user = Some(principal.user());
        Ok(LoggedIn { principal, reply })
    }

    /// Another JWT for a login that goes on.
    ///
    /// # Errors
    /// When the principal did not log in.
    pub fn jwt(&self, principal: &Principal) -> Result<TokenResponse, ApiError> {
        let login = principal.login.as_deref().ok_or_else(no_login)?;
        let seconds = i64::try_from(self.0.times.jwt.as_secs()).unwrap_or(1800);
        let access_token = self.signer()?.sign(principal, login, self.now().timestamp(), seconds)?;
        Ok(TokenResponse {
            access_token,
            token_type: "bearer".to_owned(),
            expires_in: seconds.unsigned_abs(),
            user: None,
        })
    }

    /// Ends a login: every JWT of it is worth nothing from here on.
    ///
    /// # Errors
    /// When the principal did not log in.
    pub async fn logout(&self, principal: &Principal) -> Result<(), ApiError> {
        let login = principal.login.as_deref().ok_or_else(no_login)?;
        let mut write = self.write().await?;
        let end = sqlx::query("update logins set ended_at = ? where id = ? and ended_at is null");
        let end = end.bind(text(self.now())).bind(login);
        end.execute(write.on()).await.map_err(|e| write.error(e))?;
        Ok(write.commit().await?)
    }
}

fn no_login() -> ApiError {
    ApiError::new(
        ErrorKind::Refused,
        "no_login",
        "only who logged in has a JWT to renew or to end; tokens are rotated and revoked",
    )
}

fn check_name(name: &str) -> Result<(), ApiError> {
    let good = |c: char| c.is_ascii_alphanumeric() || "._@+-".contains(c);
    if (1..=64).contains(&name.len())
        && name.starts_with(|c: char| c.is_ascii_alphanumeric())
        && name.chars().all(good)
    {
        return Ok(());
    }
    Err(ApiError::new(
        ErrorKind::Invalid,
        "bad_user_name",
        format!("`{}` cannot be a user's name", name.escape_default()),
    )
    .hint("use 1 to 64 letters, digits and . _ @ + -, beginning with a letter or digit"))
}
