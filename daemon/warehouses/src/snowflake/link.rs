//! One exchange with Snowflake: signed, retried, unpacked, and read away from the threads that wait.

use super::auth::Credential;
use super::errors;
use super::settings::Place;
use crate::http::{self, Again};
use flate2::read::MultiGzDecoder;
use reqwest::{Client, RequestBuilder, header};
use secrecy::ExposeSecret;
use std::io::Read;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};
use tokio::sync::OnceCell;
use wharf_protocol::{ApiError, ErrorKind};

/// How long one exchange is tried when the statement has no deadline.
pub(super) const PATIENCE: Duration = Duration::from_secs(120);
/// How often an answer that broke off or is not whole is asked for again.
const REPEATS: u32 = 2;
/// The largest body, packed or unpacked. Partitions are some ten megabytes.
const MOST_BYTES: usize = 1 << 30;
/// From this size on a body is read on a thread that may be busy for long.
const LONG_READ: usize = 64 << 10;

/// The way to one account.
pub(super) struct Link {
    pub(super) place: Arc<Place>,
    /// Made with the first request: that reads the system's certificates.
    client: OnceCell<Client>,
    credential: Credential,
}

/// What is sent.
pub(super) struct Call {
    /// Below the base, with what stands behind the question mark.
    pub(super) path: String,
    /// POST with this, or GET without.
    pub(super) body: Option<Vec<u8>>,
    /// A repetition says that it is one (`retry=true`).
    pub(super) marked: bool,
}

/// What came back, unpacked.
pub(super) struct Reply {
    pub(super) status: u16,
    pub(super) body: Vec<u8>,
    /// How many seconds this machine's clock is ahead of the far side's.
    pub(super) clock_ahead: Option<i64>,
}

/// Why an answer cannot be used.
pub(super) enum Bad {
    /// It is not whole; another try may bring it whole.
    Broken(String),
    /// It says what no repetition changes.
    Final(ApiError),
}

impl From<ApiError> for Bad {
    fn from(error: ApiError) -> Self {
        Self::Final(error)
    }
}

impl Link {
    /// Opens nothing yet.
    pub(super) fn new(place: Place, credential: Credential) -> Self {
        Self { place: Arc::new(place), client: OnceCell::new(), credential }
    }

    /// What Snowflake calls the kind of the credential.
    pub(super) fn credential_kind(&self) -> &'static str {
        self.credential.kind()
    }

    /// Sends a call and reads the answer with `read`. An answer that broke off or that `read` finds broken is asked for again,
    /// twice. A token that was refused is signed anew, once.
    ///
    /// # Errors
    /// When the far side cannot be reached in time, or `read` cannot use the last answer.
    pub(super) async fn exchange<T, R>(&self, until: Instant, call: &Call, read: R) -> Result<T, ApiError>
    where
        T: Send + 'static,
        R: Fn(Reply) -> Result<T, Bad> + Clone + Send + 'static,
    {
        let who = &self.place.who;
        // Bodies stay packed here and are unpacked where they are read, so that neither keeps others waiting.
        let encrypted = self.place.base.starts_with("https:");
        let client = self.client.get_or_try_init(|| async { http::packed_client(encrypted) }).await?;
        let sent = AtomicU32::new(0);
        let (mut renewed, mut broken) = (false, 0);
        loop {
            let token = self.credential.token(who).await?;
            let signed = |_| {
                let again = sent.fetch_add(1, Ordering::Relaxed) > 0;
                self.request(client, call, again).bearer_auth(token.expose_secret())
            };
            let why = match self.once(until, signed).await {
                Ok(reply) if reply.status == 401 && !renewed && self.credential.renew(&token).await => {
                    renewed = true;
                    continue;
                }
                Ok(reply) => match read_away(reply, read.clone()).await {
                    Ok(read) => return Ok(read),
                    Err(Bad::Final(error)) => return Err(error),
                    Err(Bad::Broken(why)) => errors::broken(who, &why),
                },
                Err(error) if error.code == "reply_broken" => error,
                Err(error) => return Err(error),
            };
            if broken >= REPEATS || Instant::now() >= until {
                return Err(why);
            }
            tracing::debug!(who, broken, why = why.message, "asking again");
            tokio::time::sleep(http::jittered(broken)).await;
            broken += 1;
        }
    }

    fn request(&self, client: &Client, call: &Call, again: bool) -> RequestBuilder {
        let mark = if again && call.marked { "&retry=true" } else { "" };
        let url = format!("{}{}{mark}", self.place.base, call.path);
        let request = match &call.body {
            Some(body) => {
                client.post(url).header(header::CONTENT_TYPE, "application/json").body(body.clone())
            }
            None => client.get(url),
        };
        request
            .header("X-Snowflake-Authorization-Token-Type", self.credential.kind())
            .header(header::ACCEPT, "application/json")
            .header(header::ACCEPT_ENCODING, "gzip")
    }

    async fn once(&self, until: Instant, make: impl Fn(u32) -> RequestBuilder) -> Result<Reply, ApiError> {
        let who = &self.place.who;
        let reply = http::send(who, Again::AlwaysBut408, until, make)
            .await
            .map_err(|e| errors::unreached(e, &self.place))?;
        let status = reply.status().as_u16();
        let date = reply.headers().get(header::DATE).and_then(|date| date.to_str().ok());
        let clock_ahead = date.and_then(clock_ahead);
        let body = tokio::time::timeout_at(until.into(), http::body(who, reply, MOST_BYTES));
        let body = body.await.map_err(|_| errors::late(who))??;
        Ok(Reply { status, body, clock_ahead })
    }
}

/// Unpacks and reads a body; long ones on a thread of their own.
async fn read_away<T, R>(reply: Reply, read: R) -> Result<T, Bad>
where
    T: Send + 'static,
    R: Fn(Reply) -> Result<T, Bad> + Send + 'static,
{
    let short = reply.body.len() < LONG_READ;
    let work = move || read(Reply { body: unpacked(reply.body)?, ..reply });
    if short {
        return work();
    }
    match tokio::task::spawn_blocking(work).await {
        Ok(read) => read,
        Err(error) => {
            let message = format!("reading an answer of Snowflake failed: {error}");
            Err(Bad::Final(ApiError::new(ErrorKind::Internal, "reader", message)))
        }
    }
}

/// A body as it was before it was packed. What is packed shows in its first bytes, whatever the headers say: text of JSON never
/// begins so.
fn unpacked(body: Vec<u8>) -> Result<Vec<u8>, Bad> {
    if !body.starts_with(&[0x1f, 0x8b]) {
        return Ok(body);
    }
    // The last four bytes tell the unpacked size; a wrong one costs no more than a few copies.
    let size = body.last_chunk::<4>().map_or(0, |bytes| u32::from_le_bytes(*bytes) as usize);
    let mut text = Vec::with_capacity(size.min(body.len().saturating_mul(32)).min(MOST_BYTES));
    let mut unpacker = MultiGzDecoder::new(&body[..]).take(MOST_BYTES as u64 + 1);
    unpacker
        .read_to_end(&mut text)
        .map_err(|e| Bad::Broken(format!("its packed body cannot be unpacked: {e}")))?;
    if text.len() > MOST_BYTES {
        return Err(Bad::Broken(format!("its body unpacks to more than {} MiB", MOST_BYTES >> 20)));
    }
    Ok(text)
}

/// How many seconds this machine's clock is ahead of a `Date` header.
fn clock_ahead(date: &str) -> Option<i64> {
    let theirs = chrono::DateTime::parse_from_rfc2822(date).ok()?.timestamp();
    let ours = SystemTime::now().duration_since(UNIX_EPOCH).ok()?.as_secs();
    Some(i64::try_from(ours).ok()? - theirs)
}
