//! Connections: settings, encryption, the pool.

use super::{EXAMPLE, errors};
use crate::Address;
use deadpool_postgres::{Hook, HookError, Manager, ManagerConfig, Object, Pool, RecyclingMethod, Timeouts};
use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, ServerName, UnixTime};
use rustls::{ClientConfig, DigitallySignedStruct, RootCertStore, SignatureScheme};
use rustls_platform_verifier::BuilderVerifierExt;
use secrecy::{ExposeSecret, SecretString};
use std::net::IpAddr;
use std::sync::Arc;
use std::time::{Duration, Instant};
use tokio_postgres::config::SslMode;
use tokio_postgres_rustls::MakeRustlsConnect;
use wharf_protocol::{ApiError, ErrorKind};

/// Connections at once unless the address says otherwise.
const CONNECTIONS: usize = 8;
/// What opening one may take unless the address says otherwise.
const CONNECT: Duration = Duration::from_secs(10);

/// Times are told and cut in UTC here, whatever the server's own zone is. And where the server knows how (from version 14), it
/// looks now and then whether we are still there: else the statement of a daemon that was killed would run on.
const SESSION: &str = "set timezone = 'UTC'; set datestyle = 'ISO'; set intervalstyle = 'iso_8601';
    select set_config(name, '2s', false) from pg_settings where name = 'client_connection_check_interval'";

/// The connections to one server.
pub(super) struct Connections {
    name: String,
    pool: Pool,
    tls: MakeRustlsConnect,
    local: bool,
    warning: Option<&'static str>,
}

impl Connections {
    /// Opens nothing yet.
    pub(super) fn new(
        name: &str,
        address: &Address,
        secret: Option<&SecretString>,
    ) -> Result<Self, ApiError> {
        let host = address.need(&address.host, "host", EXAMPLE)?;
        let user = address.need(address.user.as_deref().unwrap_or_default(), "user", EXAMPLE)?;
        let local = is_local(host);
        let encryption = Encryption::of(address, local)?;
        let tls = MakeRustlsConnect::new(encryption.config(address)?);
        let mut config = tokio_postgres::Config::new();
        config
            .host(host)
            .port(address.port.unwrap_or(5432))
            .user(user)
            .dbname(&address.catalog)
            .application_name(address.option("application_name").unwrap_or("wharf"))
            .connect_timeout(number(address, "connect_timeout")?.map_or(CONNECT, Duration::from_secs))
            .ssl_mode(if encryption == Encryption::None { SslMode::Disable } else { SslMode::Require });
        if let Some(password) = secret {
            config.password(password.expose_secret());
        }
        let recycling = ManagerConfig { recycling_method: RecyclingMethod::Fast };
        let connections = number(address, "connections")?.map_or(Ok(CONNECTIONS), usize::try_from);
        let pool = Pool::builder(Manager::from_config(config, tls.clone(), recycling))
            .max_size(connections.ok().filter(|n| *n > 0).unwrap_or(CONNECTIONS))
            .runtime(deadpool_postgres::Runtime::Tokio1)
            .post_create(Hook::async_fn(|client, _| {
                Box::pin(async move { client.batch_execute(SESSION).await.map_err(HookError::Backend) })
            }))
            .build()
            .map_err(|e| ApiError::new(ErrorKind::Internal, "pool", e.to_string()))?;
        let warning = (encryption == Encryption::Unverified).then_some(
            "the server's certificate is not checked (sslmode=require): somebody between could read along",
        );
        Ok(Self { name: name.to_owned(), pool, tls, local, warning })
    }

    /// A connection, as soon as one is free.
    pub(super) async fn get(&self, deadline: Option<Instant>) -> Result<Object, ApiError> {
        let wait = deadline.map(|until| until.saturating_duration_since(Instant::now()));
        let timeouts = Timeouts { wait, create: wait, recycle: wait };
        self.pool.timeout_get(&timeouts).await.map_err(|e| errors::no_connection(&self.name, e))
    }

    pub(super) fn tls(&self) -> MakeRustlsConnect {
        self.tls.clone()
    }

    /// Whether the server is on this machine.
    pub(super) fn is_local(&self) -> bool {
        self.local
    }

    /// What is odd about the connection.
    pub(super) fn warning(&self) -> Option<&'static str> {
        self.warning
    }
}

fn is_local(host: &str) -> bool {
    host.starts_with('/')
        || host == "localhost"
        || host.trim_matches(['[', ']']).parse::<IpAddr>().is_ok_and(|address| address.is_loopback())
}

fn number(address: &Address, option: &str) -> Result<Option<u64>, ApiError> {
    let Some(text) = address.option(option) else { return Ok(None) };
    text.parse().map(Some).map_err(|_| {
        let message = format!("the option `{option}` of the address is no whole number: {text}");
        ApiError::new(ErrorKind::Invalid, "bad_address", message)
    })
}

/// How the connection is encrypted, in libpq's words for `sslmode`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Encryption {
    /// `disable`.
    None,
    /// `require`: encrypted, but with whom is not checked.
    Unverified,
    /// `verify-full`, the default beyond this machine.
    Verified,
}

impl Encryption {
    fn of(address: &Address, local: bool) -> Result<Self, ApiError> {
        match address.option("sslmode") {
            None if local && address.option("sslrootcert").is_none() => Ok(Self::None),
            None | Some("verify-full") => Ok(Self::Verified),
            Some("require") => Ok(Self::Unverified),
            Some("disable") => Ok(Self::None),
            Some(other) => {
                let message = format!("`{other}` is no sslmode that is known here");
                Err(ApiError::new(ErrorKind::Invalid, "bad_address", message)
                    .hint("say verify-full (the default), require or disable"))
            }
        }
    }

    fn config(self, address: &Address) -> Result<ClientConfig, ApiError> {
        let failed = |what: String| ApiError::new(ErrorKind::Invalid, "certificate", what);
        let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
        let builder = ClientConfig::builder_with_provider(provider.clone())
            .with_safe_default_protocol_versions()
            .map_err(|e| failed(e.to_string()))?;
        if self != Self::Verified {
            let verifier = Arc::new(Unchecked(provider));
            return Ok(builder.dangerous().with_custom_certificate_verifier(verifier).with_no_client_auth());
        }
        let Some(file) = address.option("sslrootcert") else {
            let verified = builder.with_platform_verifier().map_err(|e| failed(e.to_string()))?;
            return Ok(verified.with_no_client_auth());
        };
        let unreadable = |e: &dyn std::fmt::Display| {
            failed(format!("the certificates in {file} cannot be read: {e}"))
                .hint("sslrootcert must be a file in PEM form")
        };
        let mut roots = RootCertStore::empty();
        for certificate in CertificateDer::pem_file_iter(file).map_err(|e| unreadable(&e))? {
            roots.add(certificate.map_err(|e| unreadable(&e))?).map_err(|e| unreadable(&e))?;
        }
        if roots.is_empty() {
            return Err(unreadable(&"there is none in it"));
        }
        Ok(builder.with_root_certificates(roots).with_no_client_auth())
    }
}

/// Takes any certificate, as `sslmode=require` means. Signatures are checked all the same.
#[derive(Debug)]
struct Unchecked(Arc<rustls::crypto::CryptoProvider>);

impl ServerCertVerifier for Unchecked {
    fn verify_server_cert(
        &self,
        _: &CertificateDer<'_>,
        _: &[CertificateDer<'_>],
        _: &ServerName<'_>,
        _: &[u8],
        _: UnixTime,
    ) -> Result<ServerCertVerified, rustls::Error> {
        Ok(ServerCertVerified::assertion())
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        let algorithms = &self.0.signature_verification_algorithms;
        rustls::crypto::verify_tls12_signature(message, certificate, signature, algorithms)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        let algorithms = &self.0.signature_verification_algorithms;
        rustls::crypto::verify_tls13_signature(message, certificate, signature, algorithms)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.0.signature_verification_algorithms.supported_schemes()
    }
}
