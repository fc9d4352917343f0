//! Rows that come through us on their way out.

use super::RowsRequest;
use crate::link::{Client, Failure};
use std::io::{ErrorKind as Io, Write};
use wharf_protocol::{ApiError, ErrorKind, QueryStats};

/// A result as bytes, and the id under which its outcome is asked for.
struct Bytes<'a> {
    client: &'a Client,
    reply: reqwest::Response,
    id: String,
}

impl<'a> Bytes<'a> {
    async fn begin(client: &'a Client, request: &impl RowsRequest) -> Result<Self, Failure> {
        let reply = client.stream(request.path(), request).await?;
        let header = reply.headers().get(wharf_protocol::QUERY_ID).and_then(|v| v.to_str().ok());
        let id = header.unwrap_or_default().to_owned();
        Ok(Self { client, reply, id })
    }

    /// The next bytes; none when all have come. A result that breaks off says why, if anybody knows.
    async fn next(&mut self) -> Result<Option<impl AsRef<[u8]> + use<>>, Failure> {
        match self.reply.chunk().await {
            Ok(chunk) => Ok(chunk),
            Err(e) => {
                let told = self.outcome().await.ok().and_then(|s| s.error).map(Failure::from);
                let broken = || {
                    let message = format!("the result broke off: {e}");
                    Failure::from(ApiError::new(ErrorKind::Unavailable, "stream_broken", message))
                        .hint("what was written is not the whole result")
                };
                Err(told.unwrap_or_else(broken))
            }
        }
    }

    async fn outcome(&self) -> Result<QueryStats, Failure> {
        self.client.get(&format!("/api/queries/{}/status", self.id)).await
    }
}

/// Writes a result into `out`. A reader that went away is no error.
///
/// # Errors
/// When the result breaks off, or `out` cannot be written.
pub(super) async fn copy(
    client: &Client,
    request: &impl RowsRequest,
    out: &mut impl Write,
) -> Result<QueryStats, Failure> {
    let mut bytes = Bytes::begin(client, request).await?;
    while let Some(chunk) = bytes.next().await? {
        match out.write_all(chunk.as_ref()) {
            Ok(()) => {}
            Err(e) if e.kind() == Io::BrokenPipe => break,
            Err(e) => return Err(e.into()),
        }
    }
    match out.flush() {
        Err(e) if e.kind() != Io::BrokenPipe => Err(e.into()),
        _ => bytes.outcome().await,
    }
}

/// A terminal must not be commanded by data: control characters other than line breaks and tabs are shown as escapes.
///
/// # Errors
/// When the result breaks off.
pub(super) async fn onto_terminal(
    client: &Client,
    request: &impl RowsRequest,
) -> Result<QueryStats, Failure> {
    let mut bytes = Bytes::begin(client, request).await?;
    let mut out = std::io::stdout().lock();
    let mut rest: Vec<u8> = Vec::new();
    while let Some(chunk) = bytes.next().await? {
        rest.extend_from_slice(chunk.as_ref());
        let cut = rest.iter().rposition(|b| *b == b'\n').map_or(0, |i| i + 1);
        let text = String::from_utf8_lossy(&rest[..cut]).into_owned();
        for line in text.split_inclusive('\n') {
            let parts: Vec<String> = line
                .trim_end_matches('\n')
                .split('\t')
                .map(|p| crate::output::visible(p).into_owned())
                .collect();
            if writeln!(out, "{}", parts.join("\t")).is_err() {
                return bytes.outcome().await;
            }
        }
        rest.drain(..cut);
    }
    let text = String::from_utf8_lossy(&rest).into_owned();
    let _ = write!(out, "{}", crate::output::visible(&text));
    bytes.outcome().await
}
