//! JWTs: who logged in, signed with a key of this daemon (HS256, RFC 7519).

use super::principal::Principal;
use super::secret;
use crate::secrets::Secrets;
use jsonwebtoken::{Algorithm, DecodingKey, EncodingKey, Header, Validation};
use serde::{Deserialize, Serialize};
use wharf_protocol::{ApiError, ErrorKind, Permission, Role};

/// What a JWT says. The account decides what its bearer may do; the names in here are for the client to show.
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct Claims {
    /// User name.
    pub(super) sub: String,
    /// Login.
    pub(super) sid: String,
    /// This token.
    jti: String,
    iss: String,
    aud: String,
    iat: i64,
    nbf: i64,
    pub(super) exp: i64,
    email: String,
    display_name: String,
    roles: Vec<Role>,
    permissions: Vec<Permission>,
    tenant: Option<String>,
}

const ISSUER: &str = "wharf";
/// Clocks may differ by this much, in seconds.
const LEEWAY: i64 = 5;

/// Signs and reads JWTs.
pub(super) struct Signer {
    sign: EncodingKey,
    read: DecodingKey,
    rules: Validation,
}

impl Signer {
    /// With this daemon's key.
    pub(super) fn open(secrets: &Secrets) -> Result<Self, ApiError> {
        let key = secrets.key("jwt")?;
        let mut rules = Validation::new(Algorithm::HS256);
        rules.set_issuer(&[ISSUER]);
        rules.set_audience(&[ISSUER]);
        rules.set_required_spec_claims(&["exp", "nbf", "iss", "aud", "sub"]);
        // Times are judged by the daemon's own clock, which never goes back.
        (rules.validate_exp, rules.validate_nbf) = (false, false);
        Ok(Self {
            sign: EncodingKey::from_secret(key.bytes()),
            read: DecodingKey::from_secret(key.bytes()),
            rules,
        })
    }

    /// A JWT for a login, valid for `seconds` from `now` (seconds since 1970).
    pub(super) fn sign(
        &self,
        who: &Principal,
        login: &str,
        now: i64,
        seconds: i64,
    ) -> Result<String, ApiError> {
        let claims = Claims {
            sub: who.id.clone(),
            sid: login.to_owned(),
            jti: secret::id()?,
            iss: ISSUER.to_owned(),
            aud: ISSUER.to_owned(),
            iat: now,
            nbf: now,
            exp: now + seconds,
            email: who.email.clone(),
            display_name: who.label.clone(),
            roles: who.roles.clone(),
            permissions: who.permissions(),
            tenant: who.tenant.clone(),
        };
        jsonwebtoken::encode(&Header::new(Algorithm::HS256), &claims, &self.sign)
            .map_err(|e| ApiError::new(ErrorKind::Internal, "jwt", e.to_string()))
    }

    /// What a JWT says, if this daemon signed it and its time has come and not gone.
    pub(super) fn read(&self, jwt: &str, now: i64) -> Result<Claims, Unfit> {
        let claims =
            jsonwebtoken::decode::<Claims>(jwt, &self.read, &self.rules).map_err(|_| Unfit::Unknown)?.claims;
        if claims.iat > now + LEEWAY || claims.nbf > now + LEEWAY {
            return Err(Unfit::Unknown);
        }
        if claims.exp <= now { Err(Unfit::Expired) } else { Ok(claims) }
    }
}

/// Why a JWT is worth nothing.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Unfit {
    /// Not one of ours, or not yet valid.
    Unknown,
    /// Its time is over.
    Expired,
}

#[cfg(test)]
mod tests {
    use super::*;

    fn open(dir: &std::path::Path) -> Signer {
        Signer::open(&Secrets::new(dir)).unwrap()
    }

    #[test]
    fn only_what_this_daemon_signed_counts_and_only_in_its_time() {
        let (dir, other) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
        let (signer, stranger) = (open(dir.path()), open(other.path()));
        let jwt = signer.sign(&Principal::owner(), "login", 1000, 60).unwrap();
        assert_eq!(signer.read(&jwt, 1030).unwrap().sid, "login");
        // The key outlives the process.
        assert!(open(dir.path()).read(&jwt, 1030).is_ok());
        assert_eq!(signer.read(&jwt, 1060).unwrap_err(), Unfit::Expired);
        assert_eq!(signer.read(&jwt, 900).unwrap_err(), Unfit::Unknown);
        assert_eq!(stranger.read(&jwt, 1030).unwrap_err(), Unfit::Unknown);
        let [head, body, _] = jwt.split('.').collect::<Vec<_>>()[..] else { panic!("{jwt}") };
        // {"alg":"none","typ":"JWT"}
        let none = "eyJhbGciOiJub25lIiwidHlwIjoiSldUIn0";
        for forged in [
            format!("{none}.{body}."),
            format!("{head}.{body}."),
            format!("{head}.{body}"),
            String::new(),
            "a.b.c".to_owned(),
        ] {
            assert_eq!(signer.read(&forged, 1030).unwrap_err(), Unfit::Unknown, "{forged}");
        }
        let key = EncodingKey::from_secret(&std::fs::read(dir.path().join("jwt.key")).unwrap());
        let claims = signer.read(&jwt, 1030).unwrap();
        let wrong = jsonwebtoken::encode(&Header::new(Algorithm::HS512), &claims, &key).unwrap();
        assert_eq!(signer.read(&wrong, 1030).unwrap_err(), Unfit::Unknown);
    }
}
