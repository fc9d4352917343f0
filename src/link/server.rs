//! A server: a daemon behind its door over TCP, and what is shown there.

use crate::link::Failure;
use reqwest::header::{AUTHORIZATION, HeaderMap, HeaderValue};
use reqwest::{Certificate, Url};
use serde::{Deserialize, Serialize};
use std::time::Duration;
use wharf_protocol::{ApiError, ErrorKind};
use wharf_secrets::{ExposeSecret, SecretString};

/// A connection, with its handshake, is made within this time, or not at all.
const CONNECT: Duration = Duration::from_secs(10);

/// The address of a server: `https://host:port`, without a path.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Server(String);

impl std::fmt::Display for Server {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.0)
    }
}

impl Server {
    /// Reads an address. Credentials are never sent in the clear beyond this machine.
    ///
    /// # Errors
    /// When it is no address of a server, holds a password, or would not be encrypted.
    pub fn read(text: &str) -> Result<Self, Failure> {
        let unfit = |why: &str| {
            Failure::usage(format!("this is no server's address: {why}"))
                .hint("say it like https://host:8443")
        };
        let url = Url::parse(text.trim_end_matches('/')).map_err(|e| unfit(&e.to_string()))?;
        if !url.username().is_empty() || url.password().is_some() {
            return Err(unfit("a name and a password do not belong into it"));
        }
        if url.path() != "/" || url.query().is_some() || url.fragment().is_some() {
            return Err(unfit("it ends with the port"));
        }
        let host = url.host_str().ok_or_else(|| unfit("it names no host"))?;
        let ip = host.trim_start_matches('[').trim_end_matches(']').parse::<std::net::IpAddr>();
        let loopback = host == "localhost" || ip.is_ok_and(|ip| ip.is_loopback());
        match url.scheme() {
            "https" => {}
            "http" if loopback => {}
            "http" => return Err(unfit("what is sent over http can be read on the way; https is needed")),
            other => return Err(unfit(&format!("`{other}` is not https"))),
        }
        Ok(Self(url.as_str().trim_end_matches('/').to_owned()))
    }

    /// The name under which the login at it is kept.
    pub fn secret_name(&self) -> String {
        format!("login/{}", self.0)
    }
}

/// Who is logged in at a server. Its text form is kept among the secrets.
#[derive(Clone, Serialize, Deserialize)]
pub struct Login {
    /// The name that the server knows them by.
    pub name: String,
    /// What is shown.
    #[serde(flatten)]
    pub credential: Credential,
    /// The certificate, or that of its authority, that is trusted beside those of the system: PEM.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub certificate: Option<String>,
}

/// What is shown to a server.
#[derive(Clone, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum Credential {
    /// For a user: good until the time it ends.
    Jwt {
        /// The JWT.
        jwt: String,
        /// When it was given, in seconds since 1970.
        given_at: u64,
        /// When it ends, in seconds since 1970.
        ends_at: u64,
    },
    /// For an agent.
    Tokens {
        /// `SWARM-...;AGENT-...`
        pair: String,
    },
}

impl Login {
    /// Reads what was kept.
    ///
    /// # Errors
    /// When it is no login.
    pub fn of(kept: &SecretString) -> Result<Self, Failure> {
        serde_json::from_str(kept.expose_secret()).map_err(|_| {
            let error = ApiError::new(
                ErrorKind::Failed,
                "damaged_login",
                "what was kept of the login makes no sense",
            );
            Failure::from(error.hint("log in again: wharf login URL"))
        })
    }

    /// As it is kept.
    pub fn to_secret(&self) -> SecretString {
        SecretString::from(serde_json::to_string(self).unwrap_or_default())
    }
}

/// An HTTP client that shows a credential, and nothing where there is none.
pub(super) fn http(
    server: &Server,
    credential: Option<&Credential>,
    certificate: Option<&str>,
) -> Result<reqwest::Client, Failure> {
    let mut builder = reqwest::Client::builder()
        .connect_timeout(CONNECT)
        .redirect(reqwest::redirect::Policy::none())
        .https_only(server.0.starts_with("https"))
        .user_agent(concat!("wharf/", env!("CARGO_PKG_VERSION")));
    if server.0.starts_with("http:") {
        builder = builder.no_proxy();
    }
    if let Some(credential) = credential {
        builder = builder.default_headers(HeaderMap::from_iter([(AUTHORIZATION, shown(credential)?)]));
    }
    if let Some(pem) = certificate {
        builder = builder.tls_certs_merge(certificates(pem)?);
    }
    builder
        .build()
        .map_err(|e| Failure::from(ApiError::new(ErrorKind::Internal, "http_client", e.to_string())))
}

fn shown(credential: &Credential) -> Result<HeaderValue, Failure> {
    let (Credential::Jwt { jwt: text, .. } | Credential::Tokens { pair: text }) = credential;
    let mut value = HeaderValue::from_str(&format!("Bearer {text}")).map_err(|_| {
        let message = "the credentials hold characters that cannot be sent";
        Failure::from(ApiError::new(ErrorKind::Invalid, "credentials_malformed", message))
    })?;
    value.set_sensitive(true);
    Ok(value)
}

/// The certificates of a PEM file.
fn certificates(pem: &str) -> Result<Vec<Certificate>, Failure> {
    let found = Certificate::from_pem_bundle(pem.as_bytes()).unwrap_or_default();
    if found.is_empty() {
        let error =
            ApiError::new(ErrorKind::Invalid, "certificate", "the certificate's file holds none in PEM form");
        return Err(Failure::from(error.hint("it begins with -----BEGIN CERTIFICATE-----")));
    }
    Ok(found)
}

/// The causes of an error, the last of which says most.
fn causes(error: &reqwest::Error) -> String {
    let mut cause: &dyn std::error::Error = error;
    while let Some(next) = cause.source() {
        cause = next;
    }
    cause.to_string()
}

/// The failure for a server that cannot be reached.
pub(super) fn unreachable(base: &str, error: &reqwest::Error) -> Failure {
    let why = causes(error);
    let certificate = why.contains("certificate") || why.contains("UnknownIssuer");
    let (message, hint) = if error.is_connect() && certificate {
        let hint = "if you know whose it is: wharf login URL --certificate FILE";
        (format!("the certificate of {base} is not trusted: {why}"), hint)
    } else if error.is_connect() {
        (
            format!("{base} cannot be reached: {why}"),
            "check the address, and that the server runs: wharf serve --listen",
        )
    } else {
        (format!("{base} went away in the middle of an answer: {why}"), "try again")
    };
    Failure::from(ApiError::new(ErrorKind::Unavailable, "server_unreachable", message).hint(hint))
}

/// The failure for a server that has stopped answering.
pub(super) fn silent(base: &str) -> Failure {
    let message = format!("{base} does not answer any more");
    Failure::from(
        ApiError::new(ErrorKind::Unavailable, "server_silent", message).hint("try again, or ask who runs it"),
    )
}

/// A server's error with what it means for who asks from afar.
pub(super) fn explained(error: ApiError, url: &Url) -> ApiError {
    let local = url.host_str() == Some("wharf");
    match error.code.as_str() {
        _ if local => error,
        "route_not_found" => {
            let message = format!("{} does not offer this", url.origin().ascii_serialization());
            ApiError::new(ErrorKind::NotFound, "not_offered", message)
                .hint("sources, the demo, models and the daemon itself are looked after on the server's own machine")
        }
        "credentials_missing" | "token_invalid" | "token_expired" => {
            error.hint(format!("log in: wharf login {}", url.origin().ascii_serialization()))
        }
        _ => error,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_has_a_host_and_is_encrypted_beyond_this_machine() {
        for (given, read) in [
            ("https://example.org:8443", "https://example.org:8443"),
            ("https://example.org/", "https://example.org"),
            ("http://127.0.0.1:8080", "http://127.0.0.1:8080"),
            ("http://[::1]:8080/", "http://[::1]:8080"),
            ("http://localhost:1", "http://localhost:1"),
        ] {
            assert_eq!(Server::read(given).unwrap().to_string(), read);
        }
        for bad in [
            "example.org",
            "http://example.org",
            "http://127.0.0.1.example.org",
            "ftp://example.org",
            "https://user:pass@example.org",
            "https://example.org/path",
            "https://example.org?x=1",
            "unix:/x",
            "",
        ] {
            let error = Server::read(bad).unwrap_err().error;
            assert!(!error.message.contains("pass@") && error.hint.is_some(), "{bad}: {}", error.message);
        }
    }

    #[test]
    fn a_login_is_kept_and_read_again() {
        let login = Login {
            name: "ada".to_owned(),
            credential: Credential::Jwt { jwt: "a.b.c".to_owned(), given_at: 1, ends_at: 2 },
            certificate: None,
        };
        let read = Login::of(&login.to_secret()).unwrap();
        assert!(matches!(read.credential, Credential::Jwt { jwt, ends_at: 2, .. } if jwt == "a.b.c"));
        assert_eq!(Login::of(&SecretString::from("{}")).err().unwrap().error.code, "damaged_login");
    }
}
