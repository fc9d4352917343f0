//! The workspace at the far side: calls with a credential, renewed and repeated where that is safe.

use super::auth::{self, Auth};
use super::errors::{About, Refused};
use crate::http::{self, Again};
use reqwest::{Client, Method, RequestBuilder, StatusCode};
use secrecy::SecretString;
use serde::Deserialize;
use serde::de::DeserializeOwned;
use std::collections::BTreeMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, PoisonError};
use std::time::{Duration, Instant};
use tokio::sync::{Mutex, Semaphore};
use url::Url;
use wharf_protocol::{ApiError, ErrorKind};

/// What one call may take with all its repetitions, where the statement has no deadline of its own.
pub(super) const PATIENCE: Duration = Duration::from_secs(300);
/// The largest answer to a call, in bytes once unpacked. Inline results are up to 25 MiB in the engine's own counting.
const LARGEST: usize = 256 << 20;
/// How often a call that only reads is repeated because its answer broke off.
const BROKEN: u32 = 4;
/// How long a warehouse that was chosen from the list is taken to be the right one.
const CHOICE: Duration = Duration::from_secs(600);

/// A workspace and how it is reached.
pub(super) struct Far {
    /// The source's name.
    pub(super) name: String,
    /// The source in messages.
    pub(super) who: String,
    /// HTTP, without any credential.
    pub(super) client: Client,
    /// The credential.
    pub(super) auth: Auth,
    /// By number: what each statement that waits is waiting for.
    waits: std::sync::Mutex<BTreeMap<u64, String>>,
    waited: AtomicU64,
    /// How many statements may still be begun.
    pub(super) slots: Arc<Semaphore>,
    base: Url,
    configured: Option<String>,
    chosen: Mutex<Option<(String, Instant)>>,
}

/// One call.
pub(super) struct Call {
    pub(super) method: Method,
    pub(super) url: Url,
    pub(super) body: Body,
    pub(super) again: Again,
    pub(super) until: Instant,
    pub(super) about: About,
}

/// What a call carries.
#[derive(Clone)]
pub(super) enum Body {
    None,
    Json(Arc<Vec<u8>>),
    Bytes(Arc<Vec<u8>>),
}

/// A warehouse, as the list tells it.
#[derive(Deserialize, Default, Clone)]
#[serde(default)]
pub(super) struct Warehouse {
    pub(super) id: Option<String>,
    pub(super) name: Option<String>,
    pub(super) state: Option<String>,
}

impl Warehouse {
    /// `name (STATE)`.
    pub(super) fn told(&self) -> String {
        let name = self.name.as_deref().or(self.id.as_deref()).unwrap_or_default();
        format!("{name} ({})", self.state.as_deref().unwrap_or("unknown"))
    }

    /// Its state in capitals.
    pub(super) fn state(&self) -> String {
        self.state.as_deref().unwrap_or_default().to_ascii_uppercase()
    }
}

#[derive(Deserialize, Default)]
#[serde(default)]
struct Warehouses {
    warehouses: Option<Vec<Warehouse>>,
    next_page_token: Option<String>,
}

impl Far {
    /// A workspace of the source `name`, with the id of a warehouse or none, and how many statements may run at once.
    pub(super) fn new(
        name: &str,
        base: Url,
        auth: Auth,
        configured: Option<String>,
        client: Client,
        connections: usize,
    ) -> Self {
        Self {
            name: name.to_owned(),
            who: format!("source `{name}` (Databricks)"),
            client,
            auth,
            waits: std::sync::Mutex::default(),
            waited: AtomicU64::default(),
            slots: Arc::new(Semaphore::new(connections.min(Semaphore::MAX_PERMITS))),
            base,
            configured,
            chosen: Mutex::new(None),
        }
    }

    /// The address of a path below the workspace. The path is taken as it is, encoded already.
    pub(super) fn url(&self, path: &str) -> Result<Url, ApiError> {
        let joined = format!("{}{path}", self.base.as_str().trim_end_matches('/'));
        Url::parse(&joined).map_err(|e| self.unreadable(&format!("an address of its own is odd: {e}")))
    }

    /// The address of `/segment/segment`, each encoded, behind `prefix`.
    pub(super) fn segments(&self, prefix: &str, segments: &[&str]) -> Result<Url, ApiError> {
        let mut url = self.url(prefix)?;
        if let Ok(mut path) = url.path_segments_mut() {
            path.pop_if_empty().extend(segments);
        }
        Ok(url)
    }

    /// An address that the workspace told. Credentials go to encrypted places only where the workspace is one itself.
    pub(super) fn absolute(&self, text: &str) -> Result<Url, ApiError> {
        let url =
            self.base.join(text).map_err(|e| self.unreadable(&format!("it told an odd address: {e}")))?;
        if self.base.scheme() == "https" && url.scheme() != "https" {
            return Err(self.unreadable("it sends to a place without encryption"));
        }
        Ok(url)
    }

    /// A link into the API, which is opaque: a path or a whole address on the same host.
    pub(super) fn internal(&self, link: &str) -> Result<Url, ApiError> {
        if link.starts_with('/') {
            return self.url(link);
        }
        let url = self.absolute(link)?;
        if url.origin() != self.base.origin() {
            return Err(self.unreadable("it told a link to another host as one of its own"));
        }
        Ok(url)
    }

    /// Makes a call and returns the body of its success.
    pub(super) async fn call(self: &Arc<Self>, call: &Call) -> Result<Vec<u8>, ApiError> {
        let mut broken = 0;
        let mut renewed = false;
        loop {
            let token = self.auth.token(self, call.until).await?;
            let reply = http::send(&self.who, call.again, call.until, |_| self.request(call, &token)).await?;
            let status = reply.status();
            let body = match http::body(&self.who, reply, LARGEST).await {
                Ok(body) => body,
                Err(error) => {
                    let safe = call.again == Again::Always && error.code == "reply_broken";
                    if !safe || broken >= BROKEN || Instant::now() >= call.until {
                        return Err(error);
                    }
                    tokio::time::sleep(http::jittered(broken)).await;
                    broken += 1;
                    continue;
                }
            };
            if status.is_success() {
                return Ok(body);
            }
            let refused = Refused::read(status, &body);
            // Refused before it was acted on, so that it may be sent again whatever it is.
            if refused.of_credential() && !renewed && self.auth.forget(&token).await {
                renewed = true;
                continue;
            }
            return Err(self.refused(&refused, &call.about));
        }
    }

    /// Makes a call whose success is JSON.
    pub(super) async fn json<T: DeserializeOwned>(self: &Arc<Self>, call: &Call) -> Result<T, ApiError> {
        let mut tries = 0;
        loop {
            let body = self.call(call).await?;
            let error = match serde_json::from_slice(&body) {
                Ok(read) => return Ok(read),
                Err(error) => error,
            };
            // A proxy can cut an answer without anybody saying so.
            if error.is_eof() && call.again == Again::Always && tries < BROKEN && !body.is_empty() {
                tokio::time::sleep(http::jittered(tries)).await;
                tries += 1;
                continue;
            }
            return Err(match body.trim_ascii_start().first() {
                Some(b'<') => {
                    self.unreadable("the host answers with a web page and not with Databricks' API")
                }
                _ => self.unreadable(&format!("its answer cannot be read: {error}")),
            });
        }
    }

    /// A call that reads.
    pub(super) fn get(&self, url: Url, about: About, until: Instant) -> Call {
        Call { method: Method::GET, url, body: Body::None, again: Again::Always, until, about }
    }

    fn request(&self, call: &Call, token: &SecretString) -> RequestBuilder {
        let request = self.client.request(call.method.clone(), call.url.clone());
        let request = match auth::bearer(token) {
            Some(value) => request.header(reqwest::header::AUTHORIZATION, value),
            None => request,
        };
        match &call.body {
            Body::None => request,
            Body::Json(json) => {
                request.header(reqwest::header::CONTENT_TYPE, "application/json").body(json.as_ref().clone())
            }
            Body::Bytes(bytes) => request
                .header(reqwest::header::CONTENT_TYPE, "application/octet-stream")
                .body(bytes.as_ref().clone()),
        }
    }

    /// The error for a refusal, without anything that is secret.
    fn refused(&self, refused: &Refused, about: &About) -> ApiError {
        self.scrubbed(refused.error(&self.who, self.auth.is_machine(), about))
    }

    /// An error of the far side without our secrets, should it repeat them.
    pub(super) fn scrubbed(&self, mut error: ApiError) -> ApiError {
        error.message = self.auth.scrub(error.message);
        error
    }

    /// The error for an answer that makes no sense.
    pub(super) fn unreadable(&self, what: &str) -> ApiError {
        let message = format!("{}: {what}", self.who);
        ApiError::new(ErrorKind::Unavailable, "reply_unreadable", message).hint(
            "check the host in the source's address: it must be the one of a workspace, like \
             adb-123.4.azuredatabricks.net or dbc-1.cloud.databricks.com",
        )
    }

    /// Renews the token beside everything else.
    pub(super) async fn renew_token(self: Arc<Self>) {
        self.auth.renew(&self).await;
    }

    /// What statements wait for now.
    pub(super) fn waiting(&self) -> Option<String> {
        self.waits().values().next_back().cloned()
    }

    fn waits(&self) -> std::sync::MutexGuard<'_, BTreeMap<u64, String>> {
        self.waits.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// A statement waits from here on, until what is returned is dropped.
    pub(super) fn begin_waiting(self: &Arc<Self>) -> Waiting {
        Waiting { far: Arc::clone(self), number: self.waited.fetch_add(1, Ordering::Relaxed) }
    }

    /// The id of the warehouse to use: the session's, the configured one, else the first that runs, else the first that is there.
    pub(super) async fn warehouse(
        self: &Arc<Self>,
        asked: Option<&str>,
        until: Instant,
    ) -> Result<String, ApiError> {
        if let Some(id) = asked.or(self.configured.as_deref()) {
            return Ok(id.rsplit('/').next().unwrap_or(id).to_owned());
        }
        let mut chosen = self.chosen.lock().await;
        if let Some((id, since)) = chosen.as_ref()
            && since.elapsed() < CHOICE
        {
            return Ok(id.clone());
        }
        let all = self.warehouses(until).await?;
        let running = all.iter().find(|w| w.state() == "RUNNING");
        let there = || all.iter().find(|w| !matches!(&w.state()[..], "DELETED" | "DELETING"));
        let id = running.or_else(there).and_then(|w| w.id.clone()).ok_or_else(|| {
            let message = format!("{}: there is no SQL warehouse that may be used", self.who);
            ApiError::new(ErrorKind::NotFound, "warehouse_not_found", message)
                .hint("make one in Databricks, or name one in the source's address: ?warehouse=ID")
        })?;
        *chosen = Some((id.clone(), Instant::now()));
        Ok(id)
    }

    /// Forgets which warehouse was chosen, because it is not there any more.
    pub(super) async fn choose_anew(&self) {
        *self.chosen.lock().await = None;
    }

    /// What is known of a warehouse. It is not started by that.
    pub(super) async fn warehouse_facts(
        self: &Arc<Self>,
        id: &str,
        until: Instant,
    ) -> Result<Warehouse, ApiError> {
        let url = self.segments("/api/2.0/sql/warehouses", &[id])?;
        self.json(&self.get(url, About::Warehouse(id.to_owned()), until)).await
    }

    async fn warehouses(self: &Arc<Self>, until: Instant) -> Result<Vec<Warehouse>, ApiError> {
        let mut all = Vec::new();
        let mut token: Option<String> = None;
        loop {
            let mut url = self.url("/api/2.0/sql/warehouses")?;
            if let Some(token) = &token {
                url.query_pairs_mut().append_pair("page_token", token);
            }
            let page: Warehouses = self.json(&self.get(url, About::Warehouses, until)).await?;
            all.extend(page.warehouses.unwrap_or_default());
            match page.next_page_token.filter(|next| !next.is_empty()) {
                Some(next) if token.as_ref() != Some(&next) => token = Some(next),
                _ => return Ok(all),
            }
        }
    }
}

/// Whether a status says that a link has expired or may be asked for anew.
pub(super) fn link_is_over(status: StatusCode) -> bool {
    matches!(status.as_u16(), 400 | 401 | 403 | 404 | 410)
}

/// A statement that waits for its warehouse.
pub(super) struct Waiting {
    far: Arc<Far>,
    number: u64,
}

impl Waiting {
    /// Tells for what.
    pub(super) fn tell(&self, what: String) {
        tracing::info!(source = self.far.name, "{what}");
        self.far.waits().insert(self.number, what);
    }
}

impl Drop for Waiting {
    fn drop(&mut self) {
        self.far.waits().remove(&self.number);
    }
}
