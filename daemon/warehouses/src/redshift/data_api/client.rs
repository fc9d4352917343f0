//! Calls of the Data API: signed, repeated where that helps, and bounded.
//!
//! AWS's own library finds the credentials and signs; the calls themselves are four, and are made by the client that all
//! sources share. So bodies are bounded, `Retry-After` is heard, and there is one way of trying again and not two.

use super::credentials::Keys;
use super::settings::Settings;
use super::trouble::{Refused, odd};
use crate::http::{self, Again};
use crate::redshift::Surroundings;
use aws_credential_types::Credentials;
use aws_sigv4::http_request::{SignableBody, SignableRequest, SigningSettings, sign};
use aws_sigv4::sign::v4;
use rand::RngExt;
use reqwest::header::{HeaderName, HeaderValue};
use reqwest::{RequestBuilder, Response};
use serde_json::Value;
use std::time::{Instant, SystemTime};
use tokio::sync::OnceCell;
use url::Url;
use wharf_protocol::{ApiError, ErrorKind};

/// No honest reply is longer: a page of a result is about 1 MB, and a row at most 64 KB.
const LONGEST_REPLY: usize = 64 << 20;
/// How often a reply that broke off, or was put off, is asked for again.
const MOST_TRIES: u32 = 8;
/// The longest that the far side is asked to hold an answer back.
const LONGEST_WAIT: u64 = 20;

/// The Data API of one region.
pub(super) struct Client {
    /// How the source is called in messages.
    pub(super) who: String,
    pub(super) settings: Settings,
    /// How long the far side is asked to wait for a statement before it answers, in seconds.
    pub(super) wait: u64,
    http: reqwest::Client,
    keys: Keys,
    at: OnceCell<(String, Url)>,
}

/// What one call is signed with.
struct Signer<'a> {
    region: &'a str,
    url: &'a Url,
    keys: Credentials,
}

impl Client {
    /// Asks for nothing yet.
    ///
    /// # Errors
    /// When the system's certificates cannot be read.
    pub(super) fn new(source: &str, settings: Settings, around: &Surroundings) -> Result<Self, ApiError> {
        Ok(Self {
            who: format!("the source `{source}`"),
            keys: Keys::new(source, settings.profile.clone(), around.aws_files.clone()),
            wait: (around.silence.as_secs() / 3).clamp(1, LONGEST_WAIT),
            http: http::client_with(around.silence)?,
            settings,
            at: OnceCell::new(),
        })
    }

    /// Whether requests travel without encryption: to this machine only.
    pub(super) fn is_plain(&self) -> bool {
        self.settings.endpoint.as_ref().is_some_and(|url| url.scheme() == "http")
    }

    async fn at(&self) -> Result<&(String, Url), ApiError> {
        self.at
            .get_or_try_init(|| async {
                let region = match &self.settings.region {
                    Some(region) => region.clone(),
                    None => self.keys.region().await?,
                };
                let url = self.settings.url(&region)?;
                Ok((region, url))
            })
            .await
    }

    /// The body of the answer to a call that may be repeated: all of them may, since what begins a statement carries a token by
    /// which the far side knows it again.
    ///
    /// # Errors
    /// What the far side refuses it with, or that it could not be reached until then.
    pub(super) async fn call(
        &self,
        operation: &str,
        body: &Value,
        until: Instant,
    ) -> Result<Vec<u8>, ApiError> {
        let body = body.to_string().into_bytes();
        let (region, url) = self.at().await?;
        let (mut tries, mut renewed) = (0, false);
        loop {
            let signer = Signer { region, url, keys: self.keys.get(region).await? };
            let request = || signer.request(&self.http, operation, &body);
            // Told here, where it can be told; it depends on nothing that changes between the tries.
            if let Err(why) = request() {
                let message = format!("{}: a request cannot be signed: {why}", self.who);
                return Err(ApiError::new(ErrorKind::Internal, "signature", message));
            }
            let make = |_| request().unwrap_or_else(|_| self.http.post(url.clone()));
            let reply = http::send(&self.who, Again::Always, until, make).await?;
            let asked = http::asked(&reply);
            let error = match self.judged(reply).await {
                Ok(body) => return Ok(body),
                Err(Judged::OldKeys(error)) => {
                    self.keys.forget(&signer.keys).await;
                    if renewed {
                        return Err(error);
                    }
                    renewed = true;
                    continue;
                }
                Err(Judged::Last(error)) => return Err(error),
                Err(Judged::Again(error)) => error,
            };
            let wait = asked.unwrap_or_else(|| http::jittered(tries));
            if tries >= MOST_TRIES || Instant::now() + wait >= until {
                return Err(error);
            }
            tracing::debug!(who = self.who, operation, tries, ?wait, error.code, "trying again");
            tokio::time::sleep(wait).await;
            tries += 1;
        }
    }

    async fn judged(&self, reply: Response) -> Result<Vec<u8>, Judged> {
        let (status, headers) = (reply.status(), reply.headers().clone());
        let body = http::body(&self.who, reply, LONGEST_REPLY).await;
        if status.is_success() {
            // A body that broke off may come whole the next time; one that is too long will not be shorter.
            return body.map_err(|error| match error.code.as_str() {
                "reply_broken" => Judged::Again(error),
                _ => Judged::Last(error),
            });
        }
        let refused = Refused::read(status, &headers, &body.unwrap_or_default());
        let error = refused.error(&self.who, &self.keys.sign_in());
        // What was put off by its status has been asked for again already.
        let put_off = refused.of_haste() && status.as_u16() != 429;
        Err(match (refused.of_old_keys(), put_off) {
            (true, _) => Judged::OldKeys(error),
            (false, true) => Judged::Again(error),
            (false, false) => Judged::Last(error),
        })
    }

    /// The same, with the answer read.
    ///
    /// # Errors
    /// Also when the answer makes no sense.
    pub(super) async fn read<T: serde::de::DeserializeOwned>(
        &self,
        operation: &str,
        body: &Value,
        until: Instant,
    ) -> Result<T, ApiError> {
        let bytes = self.call(operation, body, until).await?;
        serde_json::from_slice(&bytes).map_err(|_| odd(&self.who, &format!("to {operation}")))
    }
}

/// What a reply that is no success means.
enum Judged {
    OldKeys(ApiError),
    Again(ApiError),
    Last(ApiError),
}

impl Signer<'_> {
    /// A request, signed with the time of this try.
    fn request(
        &self,
        http: &reqwest::Client,
        operation: &str,
        body: &[u8],
    ) -> Result<RequestBuilder, Box<dyn std::error::Error + Send + Sync>> {
        let target = format!("RedshiftData.{operation}");
        let headers = [("content-type", "application/x-amz-json-1.1"), ("x-amz-target", target.as_str())];
        let identity = self.keys.clone().into();
        let params = v4::SigningParams::builder()
            .identity(&identity)
            .region(self.region)
            .name("redshift-data")
            .time(SystemTime::now())
            .settings(SigningSettings::default())
            .build()?
            .into();
        let what =
            SignableRequest::new("POST", self.url.as_str(), headers.into_iter(), SignableBody::Bytes(body))?;
        let (signature, _) = sign(what, &params)?.into_parts();
        let mut request = http.post(self.url.clone()).body(body.to_vec());
        for (name, value) in headers.into_iter().chain(signature.headers()) {
            let mut value = HeaderValue::from_str(value)?;
            // Neither the signature nor the token belongs into a log.
            value.set_sensitive(!matches!(name, "content-type" | "x-amz-target" | "x-amz-date"));
            request = request.header(HeaderName::from_bytes(name.as_bytes())?, value);
        }
        Ok(request)
    }
}

/// A token by which the far side knows a statement again that was sent twice.
pub(super) fn token() -> String {
    let mut bytes = [0_u8; 16];
    rand::rng().fill(&mut bytes);
    uuid::Builder::from_random_bytes(bytes).into_uuid().to_string()
}
