//! Whether and how a connection is encrypted, and whose certificate is trusted.

use crate::Address;
use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, ServerName, UnixTime};
use rustls::{ClientConfig, DigitallySignedStruct, RootCertStore, SignatureScheme};
use rustls_platform_verifier::BuilderVerifierExt;
use std::net::IpAddr;
use std::sync::Arc;
use wharf_protocol::{ApiError, ErrorKind};

/// Whether a host is this machine.
pub(crate) fn is_local(host: &str) -> bool {
    host.starts_with('/')
        || host == "localhost"
        || host.trim_matches(['[', ']']).parse::<IpAddr>().is_ok_and(|address| address.is_loopback())
}

/// How the connection is encrypted, in libpq's words for `sslmode`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Encryption {
    /// `disable`.
    None,
    /// `require`: encrypted, but with whom is not checked.
    Unverified,
    /// `verify-full`, the default beyond this machine.
    Verified,
}

impl Encryption {
    /// What the address asks for.
    ///
    /// # Errors
    /// When it is a word that is not known.
    pub(crate) fn of(address: &Address, local: bool) -> Result<Self, ApiError> {
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

    /// What of it is odd.
    pub(crate) fn warning(self) -> Option<&'static str> {
        (self == Self::Unverified).then_some(
            "the server's certificate is not checked (sslmode=require): somebody between could read along",
        )
    }

    /// The settings of TLS.
    ///
    /// # Errors
    /// When the file of certificates cannot be used.
    pub(crate) fn config(self, address: &Address) -> Result<ClientConfig, ApiError> {
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
