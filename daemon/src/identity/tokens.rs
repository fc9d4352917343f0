//! Tokens: made, listed, rotated, revoked.

use super::directory::status;
use super::secret::{self, Digest};
use super::{Identity, check_line, check_roles, text};
use chrono::TimeDelta;
use wharf_protocol::{ApiError, ErrorKind, Role, Token, TokenCreate, TokenIssued, TokenKind, TokenRotate};

/// The longest time that can be asked for, in seconds: a hundred years.
const LONGEST: u64 = 100 * 365 * 86_400;

impl Identity {
    /// All tokens, the latest first.
    ///
    /// # Errors
    /// When the state cannot be read.
    pub async fn tokens(&self) -> Result<Vec<Token>, ApiError> {
        let (directory, now) = (self.directory().await?, self.now());
        let mut tokens: Vec<Token> = directory.tokens.values().cloned().collect();
        for token in &mut tokens {
            status(token, now).clone_into(&mut token.status);
        }
        tokens.sort_by(|a, b| (&b.created_at, &b.token_id).cmp(&(&a.created_at, &a.token_id)));
        Ok(tokens)
    }

    /// A token by its id, the beginning of its id (four characters or more), or its label where only one has it. One that is
    /// over does not stand in the way of one that is valid.
    ///
    /// # Errors
    /// When there is none, or several.
    pub async fn token(&self, name: &str) -> Result<Token, ApiError> {
        let tokens = self.tokens().await?;
        if let Some(token) = tokens.iter().find(|t| t.token_id == name) {
            return Ok(token.clone());
        }
        let fits = |t: &&Token| t.label == name || (name.len() >= 4 && t.token_id.starts_with(name));
        let mut fitting: Vec<&Token> = tokens.iter().filter(fits).collect();
        if fitting.iter().any(|t| t.status == "active") {
            fitting.retain(|t| t.status == "active");
        }
        match fitting[..] {
            [one] => Ok(one.clone()),
            [] => Err(ApiError::new(
                ErrorKind::NotFound,
                "token_not_found",
                format!("there is no token `{name}`"),
            )
            .hint("`wharf token list` shows the tokens there are")),
            _ => Err(ApiError::new(
                ErrorKind::Invalid,
                "token_ambiguous",
                format!("several tokens are called `{name}`"),
            )
            .hint("give the token's id")),
        }
    }

    /// Makes a token. Its secret is in the reply and nowhere else.
    ///
    /// # Errors
    /// When the swarm is not known, or something given does not fit.
    pub async fn create_token(&self, create: TokenCreate) -> Result<TokenIssued, ApiError> {
        let now = self.now();
        let (swarm_id, roles) = match create.kind {
            TokenKind::Swarm => {
                refuse("a swarm", "swarm_id", create.swarm_id.is_some())?;
                refuse("a swarm", "roles", create.roles.is_some())?;
                (None, Vec::new())
            }
            TokenKind::Agent => {
                let roles = create.roles.unwrap_or_else(|| vec![Role::Agent]);
                check_roles(&roles)?;
                (Some(self.swarm(create.swarm_id.as_deref()).await?.token_id), roles)
            }
        };
        let token_id = secret::id()?;
        let label = create.label.unwrap_or_else(|| token_id.clone());
        check_line("label", &label)?;
        if let Some(tenant) = &create.tenant {
            check_line("tenant", tenant)?;
        }
        let expires_at = create.expires_in.map(seconds).transpose()?.map(|s| text(now + s));
        let secret = secret::make(create.kind)?;
        let kind = match create.kind {
            TokenKind::Swarm => "swarm",
            TokenKind::Agent => "agent",
        };
        let mut write = self.write().await?;
        let sql = "insert into tokens (id, kind, label, swarm_id, tenant, roles, created_at, expires_at) values (?, ?, ?, ?, ?, ?, ?, ?)";
        let insert = sqlx::query(sql)
            .bind(&token_id)
            .bind(kind)
            .bind(&label)
            .bind(&swarm_id)
            .bind(&create.tenant)
            .bind(serde_json::to_string(&roles).unwrap_or_default())
            .bind(text(now))
            .bind(&expires_at);
        insert.execute(write.on()).await.map_err(|e| write.error(e))?;
        let sql = "insert into token_secrets (hash, token_id, created_at) values (?, ?, ?)";
        let insert = sqlx::query(sql).bind(Digest::of(&secret).hex()).bind(&token_id).bind(text(now));
        insert.execute(write.on()).await.map_err(|e| write.error(e))?;
        write.commit().await?;
        Ok(TokenIssued { token: self.token(&token_id).await?, secret })
    }

    /// Gives a token another secret; the one before stays valid for the overlap that was asked for.
    ///
    /// # Errors
    /// When the token is not known or no longer valid.
    pub async fn rotate_token(&self, name: &str, rotate: &TokenRotate) -> Result<TokenIssued, ApiError> {
        let (token, now) = (self.token(name).await?, self.now());
        if token.status != "active" {
            let message = format!("the token {} is {}", token.token_id, token.status);
            return Err(ApiError::new(ErrorKind::Conflict, "token_over", message).hint("make a new one"));
        }
        let until = text(now + seconds(rotate.overlap.unwrap_or(0))?);
        let secret = secret::make(token.kind)?;
        let mut write = self.write().await?;
        // Those from earlier rotations keep their earlier end.
        let sql = "update token_secrets set expires_at = ?1 where token_id = ?2 and (expires_at is null or expires_at > ?1)";
        let older = sqlx::query(sql).bind(&until).bind(&token.token_id);
        older.execute(write.on()).await.map_err(|e| write.error(e))?;
        let over = sqlx::query("delete from token_secrets where token_id = ? and expires_at <= ?");
        let over = over.bind(&token.token_id).bind(text(now));
        over.execute(write.on()).await.map_err(|e| write.error(e))?;
        let sql = "insert into token_secrets (hash, token_id, created_at) values (?, ?, ?)";
        let insert = sqlx::query(sql).bind(Digest::of(&secret).hex()).bind(&token.token_id).bind(text(now));
        insert.execute(write.on()).await.map_err(|e| write.error(e))?;
        write.commit().await?;
        Ok(TokenIssued { token: self.token(&token.token_id).await?, secret })
    }

    /// Revokes a token, at once and for good; with a swarm's go those of its agents.
    ///
    /// # Errors
    /// When the token is not known.
    pub async fn revoke_token(&self, name: &str) -> Result<Token, ApiError> {
        let (token, now) = (self.token(name).await?, self.now());
        let mut write = self.write().await?;
        let sql = "update tokens set revoked_at = ?1 where (id = ?2 or swarm_id = ?2) and revoked_at is null";
        let update = sqlx::query(sql).bind(text(now)).bind(&token.token_id);
        update.execute(write.on()).await.map_err(|e| write.error(e))?;
        let sql = "delete from token_secrets where token_id in (select id from tokens where id = ?1 or swarm_id = ?1)";
        let delete = sqlx::query(sql).bind(&token.token_id);
        delete.execute(write.on()).await.map_err(|e| write.error(e))?;
        write.commit().await?;
        self.token(&token.token_id).await
    }

    /// The swarm that is meant: the one named, else the only one.
    async fn swarm(&self, name: Option<&str>) -> Result<Token, ApiError> {
        let living = |t: &Token| t.kind == TokenKind::Swarm && t.status == "active";
        if let Some(name) = name {
            let token = self.token(name).await?;
            if living(&token) {
                return Ok(token);
            }
            let message = format!("`{name}` is not a swarm's token that is valid");
            return Err(ApiError::new(ErrorKind::Invalid, "not_a_swarm", message));
        }
        let swarms: Vec<Token> = self.tokens().await?.into_iter().filter(living).collect();
        let [one] = &swarms[..] else {
            let (code, message) = if swarms.is_empty() {
                ("no_swarm", "an agent belongs to a swarm, and there is none yet")
            } else {
                ("swarm_needed", "there are several swarms; say to which one the agent belongs")
            };
            return Err(ApiError::new(ErrorKind::Invalid, code, message)
                .hint("`wharf token create swarm` makes a swarm, `wharf token list` shows those there are"));
        };
        Ok(one.clone())
    }
}

fn seconds(count: u64) -> Result<TimeDelta, ApiError> {
    let seconds = i64::try_from(count).ok().filter(|_| count <= LONGEST).map(TimeDelta::seconds);
    seconds.ok_or_else(|| ApiError::new(ErrorKind::Invalid, "bad_time", "a time has at most a hundred years"))
}

fn refuse(what: &str, field: &str, given: bool) -> Result<(), ApiError> {
    if given {
        let message = format!("{what} has no `{field}`: that belongs to agents");
        return Err(ApiError::new(ErrorKind::Invalid, "bad_token", message));
    }
    Ok(())
}
