//! Events of a session, read from an SSE stream.

use crate::link::Failure;
use eventsource_stream::Eventsource as _;
use futures::StreamExt as _;
use futures::stream::BoxStream;
use wharf_protocol::{ApiError, ErrorKind, Event};

/// An event larger than this is not ours.
const MOST_BYTES: usize = 64 << 20;

/// A session's events in order, as they come.
pub struct EventStream(BoxStream<'static, Result<Event, Failure>>);

impl EventStream {
    pub(super) fn new(reply: reqwest::Response) -> Self {
        // The parser's cost grows with the pieces of an event, so it gets whole events only.
        let whole = futures::stream::unfold(
            (reply, Vec::<u8>::new(), 0_usize),
            |(mut reply, mut buffer, mut seen)| async move {
                loop {
                    let from = seen.saturating_sub(1);
                    if let Some(end) = buffer[from..].windows(2).position(|w| w == b"\n\n") {
                        let rest = buffer.split_off(from + end + 2);
                        let event = std::mem::replace(&mut buffer, rest);
                        return Some((Ok(event), (reply, buffer, 0)));
                    }
                    seen = buffer.len();
                    if buffer.len() > MOST_BYTES {
                        return Some((Err(broken("an event is too large")), (reply, Vec::new(), 0)));
                    }
                    match reply.chunk().await {
                        Ok(Some(chunk)) => buffer.extend_from_slice(&chunk),
                        Ok(None) => return None,
                        Err(e) => return Some((Err(broken(&e.to_string())), (reply, Vec::new(), 0))),
                    }
                }
            },
        );
        let events = whole.eventsource().filter_map(|message| async move {
            match message {
                Ok(message) if message.event == "ping" => None,
                Ok(message) => Some(Event::from_json(&message.data).map_err(|e| broken(&e.to_string()))),
                Err(eventsource_stream::EventStreamError::Transport(failure)) => Some(Err(failure)),
                Err(_) => Some(Err(broken("it is not what a stream of events looks like"))),
            }
        });
        Self(events.boxed())
    }

    /// The next event; none when the daemon has closed the stream.
    pub async fn next(&mut self) -> Option<Result<Event, Failure>> {
        self.0.next().await
    }
}

fn broken(why: &str) -> Failure {
    Failure::from(ApiError::new(
        ErrorKind::Unavailable,
        "stream_broken",
        format!("the stream of events broke off: {why}"),
    ))
}
