//! The door over TCP, for agents and users.

use super::connection::{Patience, talk};
use super::tls::Acceptor;
use crate::Rooms;
use crate::config::Tcp;
use axum::{Extension, Router};
use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;
use tokio::net::TcpListener;
use tokio::sync::{Semaphore, watch};
use tokio::task::JoinSet;
use wharf_protocol::{ApiError, ErrorKind};

/// The address that a request came from.
#[derive(Debug, Clone, Copy)]
pub(super) struct Peer(pub(super) IpAddr);

/// A door that is open.
pub struct Door {
    listener: TcpListener,
    acceptor: Option<Acceptor>,
    connections: usize,
    /// Where it is.
    pub address: SocketAddr,
}

impl Door {
    /// Opens it, but lets nobody in yet.
    ///
    /// # Errors
    /// When the address is taken or none, the certificate cannot be used, or what goes beyond this machine would not be
    /// encrypted.
    pub async fn open(tcp: &Tcp, rooms: &Rooms) -> Result<Self, ApiError> {
        let cannot = |e: std::io::Error| {
            ApiError::new(ErrorKind::Invalid, "listen", format!("{} cannot be listened at: {e}", tcp.listen))
                .hint("say an address and a port, such as 127.0.0.1:8443")
        };
        let addresses: Vec<SocketAddr> =
            tokio::net::lookup_host(&tcp.listen).await.map_err(cannot)?.collect();
        let acceptor = Acceptor::open(&tcp.tls, &rooms.config.dirs.state)?;
        if acceptor.is_none() && !tcp.plain && addresses.iter().any(|a| !a.ip().is_loopback()) {
            let message = format!("{} goes beyond this machine, and nothing would be encrypted", tcp.listen);
            return Err(ApiError::new(ErrorKind::Refused, "plain_tcp", message)
                .hint("give a certificate (--tls-cert and --tls-key, --self-signed, --acme HOST), or --plain behind a proxy that encrypts"));
        }
        let listener = TcpListener::bind(&addresses[..]).await.map_err(cannot)?;
        let address = listener.local_addr().map_err(cannot)?;
        Ok(Self { listener, acceptor, connections: tcp.connections, address })
    }

    /// Whether what goes through it is encrypted.
    pub fn is_encrypted(&self) -> bool {
        self.acceptor.is_some()
    }

    /// Lets clients in until `closing` says otherwise; requests that have begun are answered.
    pub async fn serve(self, rooms: Rooms, router: Router, mut closing: watch::Receiver<bool>) {
        let patience = Patience { first: rooms.config.request_time, stall: rooms.config.write_stall };
        let places = Arc::new(Semaphore::new(self.connections));
        let mut open = JoinSet::new();
        loop {
            while open.try_join_next().is_some() {}
            let accepted = tokio::select! {
                _ = closing.wait_for(|closing| *closing) => break,
                accepted = async {
                    let place = places.clone().acquire_owned().await;
                    (place, self.listener.accept().await)
                } => accepted,
            };
            let (Ok(place), accepted) = accepted else { break };
            let (stream, peer) = match accepted {
                Ok(accepted) => accepted,
                Err(e) => {
                    tracing::warn!(error = %e, "a connection could not be accepted");
                    tokio::time::sleep(std::time::Duration::from_millis(50)).await;
                    continue;
                }
            };
            let _ = stream.set_nodelay(true);
            let router = router.clone().layer(Extension(Peer(peer.ip())));
            let (acceptor, busy, mut closing) =
                (self.acceptor.clone(), rooms.activity.client(), closing.clone());
            open.spawn(async move {
                let (_place, _busy) = (place, busy);
                let last = async move { drop(closing.wait_for(|closing| *closing).await) };
                let Some(acceptor) = acceptor else { return talk(stream, patience, router, last).await };
                match tokio::time::timeout(patience.first, acceptor.accept(stream)).await {
                    Ok(Ok(Some(stream))) => talk(stream, patience, router, last).await,
                    Ok(Ok(None)) => {}
                    Ok(Err(error)) => tracing::debug!(%peer, %error, "no handshake"),
                    Err(_) => tracing::debug!(%peer, "a handshake was not finished in time"),
                }
            });
        }
        drop(self.listener);
        while open.join_next().await.is_some() {}
    }
}
