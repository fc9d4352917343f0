//! Certificates for the door over TCP: from files, made for trials, or fetched from an ACME authority.

use crate::config::Tls;
use crate::lifecycle::io_error;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::{ClientConfig, RootCertStore, ServerConfig};
use rustls_acme::caches::DirCache;
use rustls_acme::{AcmeConfig, is_tls_alpn_challenge};
use std::convert::Infallible;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::SystemTime;
use tokio::net::TcpStream;
use tokio_rustls::LazyConfigAcceptor;
use tokio_rustls::server::TlsStream;
use tokio_stream::StreamExt;
use wharf_protocol::{ApiError, ErrorKind};

/// Makes encrypted streams of plain ones. Cheap to clone.
#[derive(Clone)]
pub(super) enum Acceptor {
    /// With this certificate.
    Fixed(Arc<ServerConfig>),
    /// With the certificate in these files, read again when they change.
    Files(Arc<Files>),
    /// With one that an authority gives, and gives again before it ends.
    Acme {
        /// For clients.
        ours: Arc<ServerConfig>,
        /// For the authority, which looks whether the host is ours (TLS-ALPN-01, RFC 8737).
        challenge: Arc<ServerConfig>,
    },
}

/// See [`Acceptor::Files`].
pub(super) struct Files {
    cert: PathBuf,
    key: PathBuf,
    now: Mutex<(Dates, Arc<ServerConfig>)>,
}

type Dates = (Option<SystemTime>, Option<SystemTime>);

impl Acceptor {
    /// What was configured; none where nothing is to be encrypted. `dir` keeps what is made or fetched.
    pub(super) fn open(tls: &Tls, dir: &Path) -> Result<Option<Self>, ApiError> {
        Ok(Some(match tls {
            Tls::Off => return Ok(None),
            Tls::Files(cert, key) => Self::Files(Arc::new(Files::open(cert, key)?)),
            Tls::SelfSigned => Self::Fixed(self_signed(dir)?),
            Tls::Acme { domains, email, directory, root } => {
                let mut wanted =
                    AcmeConfig::new(domains).contact(email.iter().map(|e| format!("mailto:{e}")));
                wanted = match directory {
                    Some(url) => wanted.directory(url),
                    None => wanted.directory_lets_encrypt(true),
                };
                if let Some(root) = root {
                    wanted = wanted.client_tls_config(trusting(root)?);
                }
                acme(wanted, domains, dir)?
            }
        }))
    }

    /// The encrypted stream; none for a connection that was about the certificate only.
    ///
    /// # Errors
    /// When the peer does not manage to agree on anything.
    pub(super) async fn accept(&self, stream: TcpStream) -> std::io::Result<Option<TlsStream<TcpStream>>> {
        let begun = LazyConfigAcceptor::new(rustls::server::Acceptor::default(), stream).await?;
        let config = match self {
            Self::Fixed(config) => config.clone(),
            Self::Files(files) => files.current(),
            Self::Acme { challenge, .. } if is_tls_alpn_challenge(&begun.client_hello()) => {
                let mut told = begun.into_stream(challenge.clone()).await?;
                tokio::io::AsyncWriteExt::shutdown(&mut told).await?;
                return Ok(None);
            }
            Self::Acme { ours, .. } => ours.clone(),
        };
        begun.into_stream(config).await.map(Some)
    }
}

fn bad(message: String) -> ApiError {
    ApiError::new(ErrorKind::Invalid, "certificate", message)
}

impl Files {
    fn open(cert: &Path, key: &Path) -> Result<Self, ApiError> {
        let now = Mutex::new((dates(cert, key), read(cert, key)?));
        Ok(Self { cert: cert.to_owned(), key: key.to_owned(), now })
    }

    /// The configuration for what the files hold now. One that can't be read leaves the one before.
    fn current(&self) -> Arc<ServerConfig> {
        let found = dates(&self.cert, &self.key);
        let mut now = self.now.lock().unwrap_or_else(PoisonError::into_inner);
        if now.0 != found {
            match read(&self.cert, &self.key) {
                Ok(config) => *now = (found, config),
                Err(error) => {
                    tracing::error!(%error, "the renewed certificate cannot be used; the one before serves on");
                    now.0 = found;
                }
            }
        }
        now.1.clone()
    }
}

fn dates(cert: &Path, key: &Path) -> Dates {
    let date = |path: &Path| std::fs::metadata(path).and_then(|m| m.modified()).ok();
    (date(cert), date(key))
}

fn read(cert: &Path, key: &Path) -> Result<Arc<ServerConfig>, ApiError> {
    let told =
        |path: &Path, e: &dyn std::fmt::Display| bad(format!("{} cannot be used: {e}", path.display()));
    let chain: Result<Vec<CertificateDer<'static>>, _> =
        CertificateDer::pem_file_iter(cert).and_then(Iterator::collect);
    let chain = chain.map_err(|e| told(cert, &e))?;
    let key_read = PrivateKeyDer::from_pem_file(key).map_err(|e| told(key, &e))?;
    config(chain, key_read).map_err(|e| told(cert, &e))
}

fn config(
    chain: Vec<CertificateDer<'static>>,
    key: PrivateKeyDer<'static>,
) -> Result<Arc<ServerConfig>, rustls::Error> {
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let builder = ServerConfig::builder_with_provider(provider).with_safe_default_protocol_versions()?;
    let mut config = builder.with_no_client_auth().with_single_cert(chain, key)?;
    config.alpn_protocols = vec![b"http/1.1".to_vec()];
    Ok(Arc::new(config))
}

/// A certificate that nobody vouches for, made once and kept, so that a client can pin it.
fn self_signed(dir: &Path) -> Result<Arc<ServerConfig>, ApiError> {
    let (cert, key) = (dir.join("self-signed.pem"), dir.join("self-signed.key"));
    if !cert.exists() || !key.exists() {
        let host = rustix::system::uname().nodename().to_string_lossy().into_owned();
        let names = vec!["localhost".to_owned(), "127.0.0.1".to_owned(), "::1".to_owned(), host];
        let made = rcgen::generate_simple_self_signed(names).map_err(|e| bad(e.to_string()))?;
        let write = |path: &Path, text: String| {
            wharf_settings::write_whole(path, text, wharf_settings::Use::Own).map_err(|e| io_error(path, &e))
        };
        write(&key, made.key_pair.serialize_pem())?;
        write(&cert, made.cert.pem())?;
    }
    read(&cert, &key)
}

/// A client that trusts these certificates and no others.
fn trusting(file: &Path) -> Result<Arc<ClientConfig>, ApiError> {
    let told = |e: &dyn std::fmt::Display| bad(format!("{} cannot be used: {e}", file.display()));
    let found: Result<Vec<_>, _> = CertificateDer::pem_file_iter(file).and_then(Iterator::collect);
    let mut roots = RootCertStore::empty();
    for root in found.map_err(|e| told(&e))? {
        roots.add(root).map_err(|e| told(&e))?;
    }
    if roots.is_empty() {
        return Err(told(&"it holds no certificate"));
    }
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let builder = ClientConfig::builder_with_provider(provider).with_safe_default_protocol_versions();
    let builder = builder.map_err(|e| told(&e))?;
    Ok(Arc::new(builder.with_root_certificates(roots).with_no_client_auth()))
}

/// Fetches a certificate, and another before it ends. Both it and the account are kept.
fn acme(wanted: AcmeConfig<Infallible>, domains: &[String], dir: &Path) -> Result<Acceptor, ApiError> {
    if domains.is_empty() {
        return Err(bad("http.acme_domains names no host".to_owned()));
    }
    let cache = dir.join("acme");
    wharf_settings::Dirs::ensure(&cache).map_err(|e| bad(e.to_string()))?;
    let mut state = wanted.cache(DirCache::new(cache)).state();
    let (ours, challenge) = (state.default_rustls_config(), state.challenge_rustls_config());
    tokio::spawn(async move {
        while let Some(event) = state.next().await {
            match event {
                Ok(event) => tracing::info!(?event, "certificate"),
                Err(error) => tracing::error!(%error, "no certificate was given; it is tried again"),
            }
        }
    });
    Ok(Acceptor::Acme { ours, challenge })
}
