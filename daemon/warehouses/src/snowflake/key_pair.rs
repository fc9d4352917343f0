//! A private key, and the tokens (JWT, RS256) that it signs.

use aws_lc_rs::digest;
use aws_lc_rs::encoding::{AsDer, PublicKeyX509Der};
use aws_lc_rs::signature::KeyPair as _;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use jsonwebtoken::{Algorithm, EncodingKey, Header};
use pkcs8::der::{Decode, SecretDocument};
use pkcs8::{EncryptedPrivateKeyInfoRef, PrivateKeyInfoRef};
use secrecy::{ExposeSecret, SecretString};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};
use tokio::sync::Mutex;
use wharf_protocol::{ApiError, ErrorKind};

/// How long a token is used. Snowflake takes none that is older than an hour.
const USED: Duration = Duration::from_secs(55 * 60);
/// What a token is valid for, from its own time of issue.
const VALID: u64 = 3600;
/// How far the time of issue is put back, so that a clock that is a little ahead does no harm.
const PUT_BACK: u64 = 60;

/// A private key in a file, and the token that it signed last.
#[derive(Debug)]
pub(super) struct KeyPair {
    path: PathBuf,
    passphrase: Option<SecretString>,
    /// `ACCOUNT.USER`.
    subject: String,
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    key: Option<Arc<Signer>>,
    token: Option<Token>,
    /// When the last token says it was issued. The next one says a later second, so that no token is handed out twice: one that
    /// was refused would be refused again.
    issued: u64,
}

impl std::fmt::Debug for State {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("State").field("signed", &self.token.is_some()).finish_non_exhaustive()
    }
}

struct Token {
    text: SecretString,
    signed: Instant,
}

impl KeyPair {
    /// A key that is read when the first token is asked for.
    pub(super) fn new(path: PathBuf, passphrase: Option<SecretString>, account: &str, user: &str) -> Self {
        let subject = format!("{}.{}", claimed_account(account), user.to_uppercase());
        Self { path, passphrase, subject, state: Mutex::default() }
    }

    /// The token to send now: the last one, or a new one when that is 55 minutes old.
    ///
    /// # Errors
    /// When the key cannot be read, opened or used; which of these, and which setting to look at.
    pub(super) async fn token(&self, who: &str) -> Result<SecretString, ApiError> {
        let mut state = self.state.lock().await;
        if let Some(token) = state.token.as_ref().filter(|token| token.signed.elapsed() < USED) {
            return Ok(token.text.clone());
        }
        let key = match &state.key {
            Some(key) => Arc::clone(key),
            None => {
                let (path, passphrase) = (self.path.clone(), self.passphrase.clone());
                // Passphrases are stretched on purpose: that takes a while.
                let read = tokio::task::spawn_blocking(move || Signer::read(&path, passphrase.as_ref()));
                let read = read.await.map_err(|e| Fault::Unusable(e.to_string())).and_then(|read| read);
                let key = Arc::new(read.map_err(|fault| fault.told(who, &self.path))?);
                state.key = Some(Arc::clone(&key));
                key
            }
        };
        let now = SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |since| since.as_secs());
        let issued = now.saturating_sub(PUT_BACK).max(state.issued + 1);
        let text = key.sign(&self.subject, issued).map_err(|fault| fault.told(who, &self.path))?;
        state.issued = issued;
        state.token = Some(Token { text: text.clone(), signed: Instant::now() });
        Ok(text)
    }

    /// Puts a token away, unless another has taken its place.
    pub(super) async fn forget(&self, refused: &str) {
        let mut state = self.state.lock().await;
        if state.token.as_ref().is_some_and(|token| token.text.expose_secret() == refused) {
            state.token = None;
        }
    }
}

/// The account as claims name it: without region and cloud, in capitals.
fn claimed_account(account: &str) -> String {
    let lower = account.to_ascii_lowercase();
    let end = match lower.contains(".global") {
        true => lower.find('-'),
        false => lower.find('.'),
    };
    account[..end.unwrap_or(account.len())].to_uppercase()
}

struct Signer {
    key: EncodingKey,
    /// `SHA256:` and the digest of the public key, as `DESC USER` shows it.
    fingerprint: String,
}

/// What is wrong with a key.
#[derive(Debug, PartialEq)]
enum Fault {
    Unread(String),
    NoPem,
    Public,
    OldEncryption,
    NoPassphrase,
    WrongPassphrase,
    Unusable(String),
}

#[derive(serde::Serialize)]
struct Claims<'a> {
    iss: String,
    sub: &'a str,
    iat: u64,
    exp: u64,
}

impl Signer {
    /// Reads a key: PKCS#8, plain or encrypted, or the older PKCS#1 without encryption; PEM.
    fn read(path: &Path, passphrase: Option<&SecretString>) -> Result<Self, Fault> {
        let text = std::fs::read_to_string(path).map_err(|e| Fault::Unread(e.to_string()))?;
        let text = text.get(text.find("-----BEGIN ").ok_or(Fault::NoPem)?..).unwrap_or_default();
        if text.contains("Proc-Type: 4,ENCRYPTED") {
            return Err(Fault::OldEncryption);
        }
        let (label, document) = SecretDocument::from_pem(text).map_err(|_| Fault::NoPem)?;
        match label {
            "PRIVATE KEY" => Self::of_pkcs8(document.as_bytes()),
            "ENCRYPTED PRIVATE KEY" => {
                let unusable = |e: &dyn std::fmt::Display| Fault::Unusable(e.to_string());
                let closed =
                    EncryptedPrivateKeyInfoRef::from_der(document.as_bytes()).map_err(|e| unusable(&e))?;
                let passphrase = passphrase.ok_or(Fault::NoPassphrase)?.expose_secret();
                let open = [passphrase, passphrase.trim_end_matches(['\r', '\n'])]
                    .iter()
                    .find_map(|passphrase| closed.decrypt(passphrase).ok())
                    .ok_or(Fault::WrongPassphrase)?;
                Self::of_pkcs8(open.as_bytes())
            }
            "RSA PRIVATE KEY" => Self::of_pkcs1(document.as_bytes()),
            label if label.ends_with("PUBLIC KEY") => Err(Fault::Public),
            label => Err(Fault::Unusable(format!("it holds a {label}"))),
        }
    }

    fn of_pkcs8(der: &[u8]) -> Result<Self, Fault> {
        let info = PrivateKeyInfoRef::from_der(der).map_err(|e| Fault::Unusable(e.to_string()))?;
        // rsaEncryption
        if info.algorithm.oid.to_string() != "1.2.840.113549.1.1.1" {
            return Err(Fault::Unusable("it is no RSA key".to_owned()));
        }
        Self::of_pkcs1(info.private_key.as_bytes())
    }

    fn of_pkcs1(der: &[u8]) -> Result<Self, Fault> {
        let pair = aws_lc_rs::rsa::KeyPair::from_der(der).map_err(|e| Fault::Unusable(e.to_string()))?;
        let public: PublicKeyX509Der<'_> =
            pair.public_key().as_der().map_err(|e| Fault::Unusable(e.to_string()))?;
        let print = STANDARD.encode(digest::digest(&digest::SHA256, public.as_ref()));
        Ok(Self { key: EncodingKey::from_rsa_der(der), fingerprint: format!("SHA256:{print}") })
    }

    fn sign(&self, subject: &str, issued: u64) -> Result<SecretString, Fault> {
        let iss = format!("{subject}.{}", self.fingerprint);
        let claims = Claims { iss, sub: subject, iat: issued, exp: issued + VALID };
        jsonwebtoken::encode(&Header::new(Algorithm::RS256), &claims, &self.key)
            .map(SecretString::from)
            .map_err(|e| Fault::Unusable(e.to_string()))
    }
}

impl Fault {
    fn told(self, who: &str, path: &Path) -> ApiError {
        let (kind, what, hint) = match self {
            Self::Unread(why) => (
                ErrorKind::Invalid,
                format!("cannot be read: {why}"),
                "check the option private_key of its address",
            ),
            Self::NoPem => (
                ErrorKind::Invalid,
                "is no private key in PEM".to_owned(),
                "the option private_key wants a file that begins with -----BEGIN PRIVATE KEY----- or -----BEGIN ENCRYPTED PRIVATE KEY-----",
            ),
            Self::Public => (
                ErrorKind::Invalid,
                "holds the public key".to_owned(),
                "the option private_key wants the private one; the public one goes to Snowflake: ALTER USER ... SET RSA_PUBLIC_KEY",
            ),
            Self::OldEncryption => (
                ErrorKind::Invalid,
                "is encrypted in the old way of OpenSSL".to_owned(),
                "convert it: openssl pkcs8 -topk8 -v2 aes-256-cbc -in OLD.pem -out NEW.p8",
            ),
            Self::NoPassphrase => (
                ErrorKind::Unauthorized,
                "is encrypted, and no passphrase was given".to_owned(),
                "give it as the source's secret: --secret ask, --secret env:NAME or --secret file:/PATH",
            ),
            Self::WrongPassphrase => (
                ErrorKind::Unauthorized,
                "cannot be opened: the passphrase is wrong or the file is damaged".to_owned(),
                "give the right passphrase as the source's secret: --secret ask",
            ),
            Self::Unusable(why) => (
                ErrorKind::Invalid,
                format!("cannot be used: {why}"),
                "make one of RSA with 2048 bits or more: openssl genrsa 2048 | openssl pkcs8 -topk8 -out rsa_key.p8",
            ),
        };
        ApiError::new(kind, "private_key", format!("{who}: its private key {} {what}", path.display()))
            .hint(hint)
    }
}

#[cfg(test)]
mod tests {
    use super::claimed_account;

    #[test]
    fn claims_name_the_account_without_region() {
        for (account, claimed) in [
            ("myorg-acct", "MYORG-ACCT"),
            ("xy12345.eu-central-1", "XY12345"),
            ("xy12345.eu-central-1.aws", "XY12345"),
            ("org-1.global", "ORG"),
            ("myorg-acct.snowflakecomputing.com", "MYORG-ACCT"),
        ] {
            assert_eq!(claimed_account(account), claimed);
        }
    }
}
