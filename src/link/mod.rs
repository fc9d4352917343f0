//! The way to the daemon: find it, start it, greet it; HTTP, rows and events over its Unix socket. Or to a server: the same over
//! TCP, with what was shown at the login.

mod events;
mod failure;
#[cfg(test)]
mod fuzz;
mod handoff;
mod rows;
mod server;
mod start;

pub use events::EventStream;
pub use failure::Failure;
use handoff::hand_over;
pub use rows::{RowStream, RowsEnd};
pub use server::{Credential, Login, Server};
pub use start::{Found, Private, Spawn, find, force_stop, lock_holder};

use serde::Serialize;
use serde::de::DeserializeOwned;
use std::path::{Path, PathBuf};
use std::time::Duration;
use wharf_protocol::{ApiError, ErrorKind, Hello, PROTOCOL, Page};
use wharf_settings::Dirs;

/// A connection is made within this time, or not at all.
const CONNECT: Duration = Duration::from_secs(2);
/// A daemon that does not say hello within this time is stuck.
const GREETING: Duration = Duration::from_secs(3);
/// While an answer is awaited, the daemon is asked this often whether it still lives.
const WATCH: Duration = Duration::from_secs(5);

/// A client of one daemon. Cheap to clone.
#[derive(Clone)]
pub struct Client {
    http: reqwest::Client,
    /// What stands before a path: `http://wharf`, `https://host:8443`.
    base: String,
    place: Place,
}

/// Where the daemon is.
#[derive(Clone)]
enum Place {
    /// On this machine.
    Local(Local),
    /// Behind its door over TCP.
    Server,
}

impl Place {
    /// A path that is answered at once, whatever else goes on.
    fn sign_of_life(&self) -> &'static str {
        match self {
            Self::Local(_) => "/api/daemon/hello",
            Self::Server => "/health",
        }
    }
}

#[derive(Clone)]
struct Local {
    socket: PathBuf,
    handoff: PathBuf,
    spawn: Spawn,
    // A private daemon ends when this is dropped.
    private: Option<std::sync::Arc<Private>>,
}

impl Client {
    /// Finds the daemon, or starts it.
    ///
    /// # Errors
    /// When it cannot be started, is stuck, or speaks another protocol.
    pub async fn connect(dirs: &Dirs, no_daemon: bool) -> Result<Self, Failure> {
        let spawn = Spawn::new(dirs.clone());
        if no_daemon {
            let private = start::private(&spawn).await?;
            let socket = private.socket.clone();
            return Self::at(&socket, spawn, Some(private));
        }
        let socket = start::ensure(&spawn).await?;
        Self::at(&socket, spawn, None)
    }

    fn at(socket: &Path, spawn: Spawn, private: Option<Private>) -> Result<Self, Failure> {
        let http = reqwest::Client::builder()
            .unix_socket(socket)
            // Nothing is encrypted here; reading the system's certificates would take longer than the statement.
            .tls_certs_only(std::iter::empty())
            .connect_timeout(CONNECT)
            .no_proxy()
            .build()
            .map_err(|e| Failure::from(ApiError::new(ErrorKind::Internal, "http_client", e.to_string())))?;
        let local = Local {
            handoff: socket.with_file_name("handoff.sock"),
            socket: socket.to_owned(),
            spawn,
            private: private.map(std::sync::Arc::new),
        };
        Ok(Self { http, base: "http://wharf".to_owned(), place: Place::Local(local) })
    }

    /// A client of a server, for who is logged in there.
    ///
    /// # Errors
    /// When its address or the login's certificate cannot be used.
    pub fn of_server(server: &Server, login: &Login) -> Result<Self, Failure> {
        let http = server::http(server, Some(&login.credential), login.certificate.as_deref())?;
        Ok(Self { http, base: server.to_string(), place: Place::Server })
    }

    /// A client of a server for who has not logged in yet: it trusts the login's certificate and shows nothing.
    ///
    /// # Errors
    /// When its address or the certificate cannot be used.
    pub fn of_stranger(server: &Server, login: &Login) -> Result<Self, Failure> {
        let http = server::http(server, None, login.certificate.as_deref())?;
        Ok(Self { http, base: server.to_string(), place: Place::Server })
    }

    /// The same client after the daemon has gone away: one on this machine is started again if need be.
    ///
    /// # Errors
    /// As for [`Client::connect`].
    pub async fn reconnect(&self) -> Result<Self, Failure> {
        match &self.place {
            Place::Local(local) => {
                let socket = start::ensure(&local.spawn).await?;
                Self::at(&socket, local.spawn.clone(), None)
            }
            Place::Server => Ok(self.clone()),
        }
    }

    /// The greeting: whether a daemon answers, and which.
    ///
    /// # Errors
    /// When none answers in time.
    pub async fn hello(&self) -> Result<Hello, Failure> {
        let request = self.http.get(self.url("/api/daemon/hello")).timeout(GREETING);
        let hello: Hello = decode(request.send().await.map_err(|e| self.unreachable(&e))?).await?;
        if hello.protocol == PROTOCOL {
            return Ok(hello);
        }
        Err(Failure::from(
            ApiError::new(
                ErrorKind::Unavailable,
                "protocol",
                format!(
                    "the running daemon (pid {}, version {}) speaks protocol {}, this client {PROTOCOL}",
                    hello.pid, hello.version, hello.protocol
                ),
            )
            .hint("`wharf daemon restart` starts one that fits, once nothing runs"),
        ))
    }

    /// Whether it answers at all.
    ///
    /// # Errors
    /// When it does not, in time.
    pub async fn answers(&self) -> Result<(), Failure> {
        let request = self.http.get(self.url(self.place.sign_of_life())).timeout(GREETING);
        checked(request.send().await.map_err(|e| self.unreachable(&e))?).await.map(drop)
    }

    /// `GET path`, a JSON reply.
    ///
    /// # Errors
    /// What the daemon says, or that it cannot be reached.
    pub async fn get<T: DeserializeOwned>(&self, path: &str) -> Result<T, Failure> {
        decode(self.send(self.http.get(self.url(path))).await?).await
    }

    /// `GET path`, all pages of a list.
    ///
    /// # Errors
    /// What the daemon says, or that it cannot be reached.
    pub async fn list<T: DeserializeOwned>(&self, path: &str) -> Result<Vec<T>, Failure> {
        let joined = if path.contains('?') { '&' } else { '?' };
        let mut all = Vec::new();
        for page in 1.. {
            let part: Page<T> = self.get(&format!("{path}{joined}page={page}&page_size=1000")).await?;
            all.extend(part.data);
            if page >= part.pagination.total_pages {
                break;
            }
        }
        Ok(all)
    }

    /// `POST path` with a JSON body, a JSON reply.
    ///
    /// # Errors
    /// What the daemon says, or that it cannot be reached.
    pub async fn post<T: DeserializeOwned>(&self, path: &str, body: &impl Serialize) -> Result<T, Failure> {
        decode(self.send(self.http.post(self.url(path)).json(body)).await?).await
    }

    /// `PUT path` with a JSON body, a JSON reply.
    ///
    /// # Errors
    /// What the daemon says, or that it cannot be reached.
    pub async fn put<T: DeserializeOwned>(&self, path: &str, body: &impl Serialize) -> Result<T, Failure> {
        decode(self.send(self.http.put(self.url(path)).json(body)).await?).await
    }

    /// `PATCH path` with a JSON body, a JSON reply.
    ///
    /// # Errors
    /// What the daemon says, or that it cannot be reached.
    pub async fn patch<T: DeserializeOwned>(&self, path: &str, body: &impl Serialize) -> Result<T, Failure> {
        decode(self.send(self.http.patch(self.url(path)).json(body)).await?).await
    }

    /// `DELETE path`, a JSON reply.
    ///
    /// # Errors
    /// What the daemon says, or that it cannot be reached.
    pub async fn delete<T: DeserializeOwned>(&self, path: &str) -> Result<T, Failure> {
        decode(self.send(self.http.delete(self.url(path))).await?).await
    }

    /// `POST path` with a text body, a text reply.
    ///
    /// # Errors
    /// What the daemon says, or that it cannot be reached.
    pub async fn post_text(&self, path: &str, body: String) -> Result<String, Failure> {
        let reply = checked(self.send(self.http.post(self.url(path)).body(body)).await?).await?;
        reply.text().await.map_err(|e| self.unreachable(&e))
    }

    /// `POST path`, the reply's body as it comes.
    ///
    /// # Errors
    /// What the daemon says before the first byte, or that it cannot be reached.
    pub async fn stream(&self, path: &str, body: &impl Serialize) -> Result<reqwest::Response, Failure> {
        checked(self.send(self.http.post(self.url(path)).json(body)).await?).await
    }

    /// `GET path`, the reply's body as it comes.
    ///
    /// # Errors
    /// What the daemon says before the first byte, or that it cannot be reached.
    pub async fn get_stream(&self, path: &str) -> Result<reqwest::Response, Failure> {
        checked(self.send(self.http.get(self.url(path))).await?).await
    }

    /// `POST path`, rows into the descriptor that was handed over as `output`; the reply tells how it went.
    ///
    /// # Errors
    /// What the daemon says, or that it cannot be reached.
    pub async fn post_into<T: DeserializeOwned>(
        &self,
        path: &str,
        body: &impl Serialize,
        output: &str,
    ) -> Result<T, Failure> {
        let request = self.http.post(self.url(path)).header(wharf_protocol::OUTPUT_ID, output).json(body);
        decode(self.send(request).await?).await
    }

    /// Whether the daemon is on this machine, so that outputs can be handed over to it.
    pub fn is_local(&self) -> bool {
        matches!(self.place, Place::Local(_))
    }

    /// Hands an output over. A daemon that ended in between is replaced by another.
    ///
    /// # Errors
    /// When none takes it.
    pub async fn hand_over(&self, output: std::os::fd::BorrowedFd<'_>) -> Result<(Self, String), Failure> {
        let Place::Local(local) = &self.place else {
            let message = "a server cannot write into a file of this machine";
            return Err(Failure::from(ApiError::new(ErrorKind::Internal, "handoff", message)));
        };
        match hand_over(&local.handoff, output) {
            Ok(id) => Ok((self.clone(), id)),
            Err(failure) if local.private.is_some() => Err(failure),
            Err(_) => {
                let socket = start::ensure(&local.spawn).await?;
                let next = Self::at(&socket, local.spawn.clone(), None)?;
                let id = hand_over(&socket.with_file_name("handoff.sock"), output)?;
                Ok((next, id))
            }
        }
    }

    /// The events of a session behind number `after`.
    ///
    /// # Errors
    /// What the daemon says, or that it cannot be reached.
    pub async fn events(&self, session: &str, after: u64) -> Result<EventStream, Failure> {
        let path = format!("/api/sessions/{session}/events?after={after}");
        let reply = checked(self.send(self.http.get(self.url(&path))).await?).await?;
        Ok(EventStream::new(reply))
    }

    /// Sends a request. While the answer is awaited, the daemon is asked now and then whether it lives, so that a stuck
    /// one never hangs a shell while a long statement may take its time.
    async fn send(&self, request: reqwest::RequestBuilder) -> Result<reqwest::Response, Failure> {
        let alive = self.place.sign_of_life();
        let sent = request.send();
        tokio::pin!(sent);
        loop {
            tokio::select! {
                reply = &mut sent => return reply.map_err(|e| self.unreachable(&e)),
                () = tokio::time::sleep(WATCH) => {
                    let probe = self.http.get(self.url(alive)).timeout(GREETING).send().await;
                    if let Err(e) = probe {
                        return Err(if e.is_timeout() { self.stuck() } else { self.unreachable(&e) });
                    }
                }
            }
        }
    }

    fn url(&self, path: &str) -> String {
        format!("{}{path}", self.base)
    }

    fn unreachable(&self, error: &reqwest::Error) -> Failure {
        let Place::Local(local) = &self.place else { return server::unreachable(&self.base, error) };
        let message = if error.is_connect() {
            format!("the daemon at {} cannot be reached", local.socket.display())
        } else {
            "the daemon went away in the middle of an answer".to_owned()
        };
        Failure::from(
            ApiError::new(ErrorKind::Unavailable, "daemon_unreachable", message)
                .hint("try again; `wharf daemon logs` shows what happened"),
        )
    }

    fn stuck(&self) -> Failure {
        match &self.place {
            Place::Local(local) => start::stuck(&local.spawn),
            Place::Server => server::silent(&self.base),
        }
    }
}

async fn checked(reply: reqwest::Response) -> Result<reqwest::Response, Failure> {
    if reply.status().is_success() {
        return Ok(reply);
    }
    let (status, url) = (reply.status(), reply.url().clone());
    let bytes = reply.bytes().await.unwrap_or_default();
    let error = serde_json::from_slice::<ApiError>(&bytes).unwrap_or_else(|_| {
        let text = String::from_utf8_lossy(&bytes).chars().take(200).collect::<String>();
        ApiError::new(ErrorKind::Internal, "reply", format!("the daemon answered {status}: {text}"))
    });
    Err(Failure::from(server::explained(error, &url)))
}

async fn decode<T: DeserializeOwned>(reply: reqwest::Response) -> Result<T, Failure> {
    let reply = checked(reply).await?;
    let lost = |e: reqwest::Error| {
        Failure::from(ApiError::new(
            ErrorKind::Unavailable,
            "daemon_unreachable",
            format!("the answer broke off: {e}"),
        ))
    };
    let bytes = reply.bytes().await.map_err(lost)?;
    serde_json::from_slice(&bytes).map_err(|e| {
        Failure::from(ApiError::new(
            ErrorKind::Internal,
            "reply",
            format!("the daemon's answer does not fit: {e}"),
        ))
    })
}
