//! HTTP towards a vendor: one client, retries where they are safe, and replies that are bounded.
//!
//! A reply is *transient* when the same request may well succeed a moment later: 408, 429, 502, 503, 504, a connection that
//! could not be opened or broke off. Whether a request may be sent again after it may have reached the far side is the
//! caller's word ([`Again`]).

use rand::RngExt;
use reqwest::{Client, ClientBuilder, RequestBuilder, Response, StatusCode, header};
use std::time::{Duration, Instant};
use wharf_protocol::{ApiError, ErrorKind};

/// What opening a connection may take.
const CONNECT: Duration = Duration::from_secs(10);
/// The longest silence within a reply.
pub(crate) const SILENCE: Duration = Duration::from_secs(60);
/// The first wait is drawn from up to this, each further one from up to twice as much.
const FIRST_WAIT: Duration = Duration::from_millis(200);
/// No single wait is longer, unless the far side asks for it.
const LONGEST_WAIT: Duration = Duration::from_secs(10);
/// The longest wait that the far side may ask for.
const LONGEST_ASKED: Duration = Duration::from_secs(60);

/// A client for one vendor. It follows no redirects: a credential must not travel to where nobody configured it.
///
/// # Errors
/// When the system's certificates cannot be read.
pub(crate) fn client() -> Result<Client, ApiError> {
    built(true, SILENCE)
}

/// The same, with another longest silence.
///
/// # Errors
/// When the system's certificates cannot be read.
pub(crate) fn client_with(silence: Duration) -> Result<Client, ApiError> {
    built(true, silence)
}

/// The same, but bodies stay packed as they come: for who unpacks them on another thread. Where nothing will be encrypted no
/// certificates are read.
///
/// # Errors
/// When the system's certificates cannot be read.
pub(crate) fn packed_client(encrypted: bool) -> Result<Client, ApiError> {
    let builder = settings(false, SILENCE);
    made(if encrypted { builder } else { builder.tls_certs_only([]) })
}

fn built(unpacks: bool, silence: Duration) -> Result<Client, ApiError> {
    made(settings(unpacks, silence))
}

fn settings(unpacks: bool, silence: Duration) -> ClientBuilder {
    Client::builder()
        .user_agent(concat!("wharf/", env!("CARGO_PKG_VERSION")))
        .connect_timeout(CONNECT)
        .read_timeout(silence)
        .redirect(reqwest::redirect::Policy::none())
        .gzip(unpacks)
}

fn made(builder: ClientBuilder) -> Result<Client, ApiError> {
    builder
        .build()
        .map_err(|e| ApiError::new(ErrorKind::Internal, "http_client", format!("no HTTP client: {e}")))
}

/// When a request may be sent again.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Again {
    /// After any transient failure: reading, or writing under an id that the far side knows.
    Always,
    /// The same, but 408 is an answer: the statement, not the request, took too long.
    AlwaysBut408,
    /// Only when the far side cannot have acted on it: it could not be reached, or said 429 or 503.
    IfRefused,
}

/// Sends a request until it has an answer that is not transient, or until `until`. `make` builds the request for each try; the
/// number of the try (from 0) lets it say that it is a repetition.
///
/// # Errors
/// When the far side could not be reached in time; the last transient answer is returned as it is.
pub(crate) async fn send(
    who: &str,
    again: Again,
    until: Instant,
    make: impl Fn(u32) -> RequestBuilder,
) -> Result<Response, ApiError> {
    let mut tries = 0;
    loop {
        let sent = tokio::time::timeout_at(until.into(), make(tries).send()).await;
        let (wait, last) = match sent {
            Err(_) => return Err(late(who)),
            Ok(Ok(reply)) => match transient(reply.status(), again) {
                false => return Ok(reply),
                true => (asked(&reply), Ok(reply)),
            },
            Ok(Err(error)) => {
                let unreached = error.is_connect() || error.is_builder();
                let told = unreachable(who, &error);
                // What was never reached is most likely written wrongly: somebody waits to be told so.
                let hopeless = told.code == "certificate" || (unreached && tries >= MOST_UNREACHED);
                if error.is_builder() || hopeless || !(unreached || again != Again::IfRefused) {
                    return Err(told);
                }
                (None, Err(told))
            }
        };
        let wait = wait.unwrap_or_else(|| jittered(tries));
        // A try that would come after the deadline need not be waited for.
        if Instant::now() + wait >= until || tries >= MOST_TRIES {
            return last;
        }
        tracing::debug!(who, tries, ?wait, "trying again");
        tokio::time::sleep(wait).await;
        tries += 1;
    }
}

/// Tries beyond the first.
const MOST_TRIES: u32 = 12;
/// The same, as long as no connection could be opened.
const MOST_UNREACHED: u32 = 4;

fn transient(status: StatusCode, again: Again) -> bool {
    match status.as_u16() {
        429 | 503 => true,
        408 => again == Again::Always,
        500 | 502 | 504 => again != Again::IfRefused,
        _ => false,
    }
}

/// How long the far side asks to wait: `Retry-After` in seconds.
pub(crate) fn asked(reply: &Response) -> Option<Duration> {
    let seconds: u64 = reply.headers().get(header::RETRY_AFTER)?.to_str().ok()?.trim().parse().ok()?;
    Some(Duration::from_secs(seconds).min(LONGEST_ASKED))
}

/// A wait drawn from the whole range up to a bound that doubles ("full jitter": those who were turned away together do not come
/// back together).
pub(crate) fn jittered(tries: u32) -> Duration {
    let bound = FIRST_WAIT.saturating_mul(1 << tries.min(10)).min(LONGEST_WAIT);
    bound.mul_f64(rand::rng().random_range(0.0..1.0))
}

/// The body of a reply, at most `most` bytes long once unpacked. A body that is cut, or longer than it says, is an error.
///
/// # Errors
/// When it breaks off, is not what it claims, or is too long.
pub(crate) async fn body(who: &str, mut reply: Response, most: usize) -> Result<Vec<u8>, ApiError> {
    let mut bytes =
        Vec::with_capacity(usize::try_from(reply.content_length().unwrap_or(0)).unwrap_or(0).min(most));
    loop {
        match reply.chunk().await {
            Ok(None) => return Ok(bytes),
            Ok(Some(piece)) if bytes.len() + piece.len() <= most => bytes.extend_from_slice(&piece),
            Ok(Some(_)) => {
                let message = format!("{who} answered with more than {} MiB at once", most >> 20);
                return Err(ApiError::new(ErrorKind::Failed, "reply_too_long", message));
            }
            Err(error) => return Err(broken(who, &error)),
        }
    }
}

/// An error that says the far side could not be reached, without the address, which may hold what is secret.
fn unreachable(who: &str, error: &reqwest::Error) -> ApiError {
    let why = root(error);
    let certificate = why.contains("certificate") || why.contains("UnknownIssuer");
    let (code, hint) = match certificate {
        true => (
            "certificate",
            "its certificate is not trusted here: check the host name and the system's certificates",
        ),
        false => ("unreachable", "check the host in the source's address, the network and a proxy between"),
    };
    ApiError::new(ErrorKind::Unavailable, code, format!("{who} cannot be reached: {why}")).hint(hint)
}

/// An error that says the reply broke off.
pub(crate) fn broken(who: &str, error: &reqwest::Error) -> ApiError {
    let message = format!("the answer of {who} broke off: {}", root(error));
    ApiError::new(ErrorKind::Unavailable, "reply_broken", message)
        .hint("run it again; nothing of it was kept")
}

fn late(who: &str) -> ApiError {
    ApiError::new(ErrorKind::Deadline, "deadline", format!("{who} did not answer in time"))
        .hint("give it more time with --timeout, or ask for less")
}

/// The innermost cause, which says what really happened.
fn root(error: &reqwest::Error) -> String {
    let mut cause: &dyn std::error::Error = error;
    while let Some(inner) = cause.source() {
        cause = inner;
    }
    // Where nothing lies beneath, the client itself speaks, and it would tell the address.
    match cause.downcast_ref::<reqwest::Error>() {
        Some(error) if error.is_timeout() => "it fell silent".to_owned(),
        Some(_) => "the request could not be made".to_owned(),
        None => cause.to_string(),
    }
}
