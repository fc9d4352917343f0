//! Where the server is and how to get in.

use super::EXAMPLE;
use super::trouble::Trouble;
use crate::Address;
use crate::wire::encryption::{Encryption, is_local};
use crate::wire::number;
use bytes::BytesMut;
use postgres_protocol::message::frontend;
use rustls::pki_types::ServerName;
use secrecy::{ExposeSecret, SecretString};
use std::sync::Arc;
use std::time::Duration;
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;
use wharf_protocol::ApiError;

/// Redshift's port.
const PORT: u16 = 5439;
/// What opening a connection may take unless the address says otherwise. A paused serverless workgroup needs some seconds.
const CONNECT: Duration = Duration::from_secs(30);

/// What a new connection is told, and whether it is of no use without: times come and are read in UTC and in ISO form. The two
/// last are taken where the server knows them. Two more digits are all that Redshift adds to a DOUBLE PRECISION, which makes
/// 17, enough for every value; PostgreSQL's 3 would be refused. It is no parameter of the start, where a refusal would end the
/// connection.
pub(super) const SESSION: &[(&str, bool)] = &[
    ("set timezone to 'UTC'", true),
    ("set datestyle to 'ISO, YMD'", true),
    ("set extra_float_digits to 2", false),
    ("set intervalstyle to 'postgres'", false),
];

/// Bytes to and from the server.
pub(super) type Io = Box<dyn Duplex>;

/// What bytes go to and fro on.
pub(super) trait Duplex: AsyncRead + AsyncWrite + Send + Sync + Unpin {}

impl<T: AsyncRead + AsyncWrite + Send + Sync + Unpin> Duplex for T {}

/// Where the server is and how to get in.
pub(super) struct Settings {
    host: String,
    port: u16,
    pub(super) user: String,
    pub(super) database: String,
    password: Option<SecretString>,
    /// How TLS is spoken; none where it is not.
    tls: Option<TlsConnector>,
    /// What opening a connection may take.
    pub(super) patience: Duration,
    /// Connections at once.
    pub(super) connections: Option<usize>,
    pub(super) local: bool,
    pub(super) warning: Option<&'static str>,
}

impl Settings {
    /// Reads them from an address.
    ///
    /// # Errors
    /// When it lacks something, or asks for what is not available.
    pub(super) fn of(address: &Address, password: Option<&SecretString>) -> Result<Self, ApiError> {
        let host = address.need(&address.host, "host", EXAMPLE)?.trim_matches(['[', ']']).to_owned();
        let user = address.need(address.user.as_deref().unwrap_or_default(), "user", EXAMPLE)?.to_owned();
        let database = address.need(&address.catalog, "database", EXAMPLE)?.to_owned();
        let local = is_local(&host);
        let encryption = Encryption::of(address, local)?;
        let config = Arc::new(encryption.config(address)?);
        Ok(Self {
            host,
            port: address.port.unwrap_or(PORT),
            user,
            database,
            password: password.cloned(),
            tls: (encryption != Encryption::None).then(|| TlsConnector::from(config)),
            patience: number(address, "connect_timeout")?.map_or(CONNECT, Duration::from_secs),
            connections: number(address, "connections")?
                .and_then(|n| usize::try_from(n).ok())
                .filter(|n| *n > 0),
            local,
            warning: encryption.warning(),
        })
    }

    /// The password.
    pub(super) fn password(&self) -> Result<&[u8], Trouble> {
        let password = self.password.as_ref().ok_or(Trouble::NoPassword)?;
        Ok(password.expose_secret().as_bytes())
    }

    /// Whether connections are encrypted.
    pub(super) fn encrypted(&self) -> bool {
        self.tls.is_some()
    }

    /// A way to the server, encrypted where that is wished for. Never without where it is.
    pub(super) async fn io(&self) -> Result<Io, Trouble> {
        let mut tcp = TcpStream::connect((self.host.as_str(), self.port)).await?;
        tcp.set_nodelay(true)?;
        let Some(tls) = &self.tls else { return Ok(Box::new(tcp)) };
        let mut request = BytesMut::new();
        frontend::ssl_request(&mut request);
        tcp.write_all(&request).await?;
        if tcp.read_u8().await? != b'S' {
            return Err(Trouble::Lost("server does not support TLS".to_owned()));
        }
        let name = ServerName::try_from(self.host.clone()).map_err(|e| Trouble::Lost(e.to_string()))?;
        Ok(Box::new(tls.connect(name, tcp).await?))
    }

    /// Asks the server to end what the connection with this key runs.
    pub(super) async fn cancel(&self, (process, secret): (i32, i32)) -> Result<(), Trouble> {
        let asking = async {
            let mut io = self.io().await?;
            let mut request = BytesMut::new();
            frontend::cancel_request(process, secret, &mut request);
            io.write_all(&request).await?;
            io.flush().await?;
            // The server closes the connection once it has passed the wish on.
            let _ = io.read(&mut [0; 1]).await;
            Ok(())
        };
        tokio::time::timeout(self.patience, asking)
            .await
            .unwrap_or_else(|_| Err(Trouble::Lost("no answer to a request to cancel".to_owned())))
    }
}
