//! Conversations: list, show, follow.

use super::failure::{Body, Failure, Path, Query};
use crate::Rooms;
use crate::sessions::Entry;
use axum::Json;
use axum::extract::State;
use axum::http::HeaderMap;
use axum::response::sse::{Event, KeepAlive, Sse};
use futures::Stream;
use serde::Deserialize;
use serde_json::{Value, json};
use std::collections::VecDeque;
use std::convert::Infallible;
use std::time::Duration;
use tokio::sync::watch;
use wharf_protocol::{Session, SessionCreate, SessionUpdate, Turn};

/// Events read from the journal at a time.
const PAGE: u32 = 200;

#[derive(Deserialize)]
pub(super) struct ListQuery {
    limit: Option<u32>,
}

pub(super) async fn list(
    State(rooms): State<Rooms>,
    Query(query): Query<ListQuery>,
) -> Result<Json<Value>, Failure> {
    let sessions = rooms.sessions.list(query.limit.unwrap_or(100).min(1000)).await?;
    Ok(Json(json!({"sessions": sessions})))
}

pub(super) async fn create(
    State(rooms): State<Rooms>,
    Body(request): Body<SessionCreate>,
) -> Result<Json<Session>, Failure> {
    let title = request.title.unwrap_or_else(|| "New session".to_owned());
    Ok(Json(rooms.sessions.create(&title, request.source.as_deref()).await?))
}

pub(super) async fn show(
    State(rooms): State<Rooms>,
    Path(id): Path<String>,
) -> Result<Json<Session>, Failure> {
    Ok(Json(rooms.sessions.find(&id).await?))
}

pub(super) async fn update(
    State(rooms): State<Rooms>,
    Path(id): Path<String>,
    Body(update): Body<SessionUpdate>,
) -> Result<Json<Session>, Failure> {
    Ok(Json(rooms.sessions.update(&id, &update).await?))
}

pub(super) async fn remove(
    State(rooms): State<Rooms>,
    Path(id): Path<String>,
) -> Result<Json<Value>, Failure> {
    let session = rooms.sessions.delete(&id).await?;
    Ok(Json(json!({"message": format!("Session {} deleted", session.session_id)})))
}

pub(super) async fn turns(
    State(rooms): State<Rooms>,
    Path(id): Path<String>,
) -> Result<Json<Vec<Turn>>, Failure> {
    let session = rooms.sessions.find(&id).await?;
    Ok(Json(rooms.sessions.turns(&session.session_id).await?))
}

#[derive(Deserialize)]
pub(super) struct EventsQuery {
    after: Option<u64>,
}

/// The journal as SSE, from behind `Last-Event-ID` (or `after`) on, for as long as the client stays.
pub(super) async fn events(
    State(rooms): State<Rooms>,
    Path(id): Path<String>,
    Query(query): Query<EventsQuery>,
    headers: HeaderMap,
) -> Result<Sse<impl Stream<Item = Result<Event, Infallible>>>, Failure> {
    let session = rooms.sessions.find(&id).await?.session_id;
    let last = headers.get("last-event-id").and_then(|v| v.to_str().ok()).and_then(|v| v.parse().ok());
    let after = last.or(query.after).unwrap_or(0);
    let news = rooms.sessions.follow(&session);
    let follower = Follower { rooms, session, after, news, page: VecDeque::new(), told: false };
    let stream = futures::stream::unfold(follower, |mut follower| async move {
        let event = follower.next().await?;
        Some((Ok(event), follower))
    });
    Ok(Sse::new(stream).keep_alive(
        KeepAlive::new().interval(Duration::from_secs(10)).event(Event::default().event("ping").data("{}")),
    ))
}

/// One who reads a session's journal as it grows.
struct Follower {
    rooms: Rooms,
    session: String,
    after: u64,
    news: watch::Receiver<u64>,
    page: VecDeque<Entry>,
    // Whether an end that the journal does not have was told since its last entry.
    told: bool,
}

impl Follower {
    /// The next event; none when the journal cannot be read or is over.
    async fn next(&mut self) -> Option<Event> {
        loop {
            if let Some(entry) = self.page.pop_front() {
                (self.after, self.told) = (entry.seq, false);
                return Some(Event::default().id(entry.seq.to_string()).event(entry.kind).data(entry.json));
            }
            // Marked as seen before reading, so that an event written while reading is not missed.
            self.news.borrow_and_update();
            match self.rooms.sessions.events(&self.session, self.after, PAGE).await {
                Ok(entries) if !entries.is_empty() => self.page.extend(entries),
                Ok(_) => {
                    let unkept = self.rooms.sessions.unkept_event(&self.session, self.after);
                    if let Some(entry) = unkept.filter(|_| !self.told) {
                        self.told = true;
                        // Without a number: a client that comes back reads on where the journal is.
                        return Some(Event::default().event(entry.kind).data(entry.json));
                    }
                    self.news.changed().await.ok()?;
                }
                Err(e) => {
                    tracing::warn!(error = %e, "the journal could not be read; the stream ends");
                    return None;
                }
            }
        }
    }
}
