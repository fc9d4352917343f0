//! Connections: settings, encryption, the pool.

use super::{EXAMPLE, errors};
use crate::Address;
use crate::wire::encryption::{Encryption, is_local};
use crate::wire::number;
use deadpool_postgres::{Hook, HookError, Manager, ManagerConfig, Object, Pool, RecyclingMethod, Timeouts};
use secrecy::{ExposeSecret, SecretString};
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
        let warning = encryption.warning();
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
