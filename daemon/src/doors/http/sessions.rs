//! Conversations: list, show, follow.

use super::failure::{Body, Failure, Path, Query};
use crate::Rooms;
use axum::Json;
use axum::extract::State;
use axum::http::HeaderMap;
use axum::response::sse::{Event, KeepAlive, Sse};
use futures::Stream;
use serde::Deserialize;
use serde_json::{Value, json};
use std::convert::Infallible;
use std::time::Duration;
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
    let start = (rooms, session, after, news, std::collections::VecDeque::new());
    let stream =
        futures::stream::unfold(start, |(rooms, session, mut after, mut news, mut page)| async move {
            loop {
                if let Some(entry) = page.pop_front() {
                    let entry: crate::sessions::Entry = entry;
                    after = entry.seq;
                    let event = Event::default().id(entry.seq.to_string()).event(entry.kind).data(entry.json);
                    return Some((Ok(event), (rooms, session, after, news, page)));
                }
                // Marked as seen before reading, so that an event written while reading is not missed.
                news.borrow_and_update();
                match rooms.sessions.events(&session, after, PAGE).await {
                    Ok(entries) if !entries.is_empty() => page.extend(entries),
                    Ok(_) => {
                        if news.changed().await.is_err() {
                            return None;
                        }
                    }
                    Err(e) => {
                        tracing::warn!(error = %e, "the journal could not be read; the stream ends");
                        return None;
                    }
                }
            }
        });
    Ok(Sse::new(stream).keep_alive(
        KeepAlive::new().interval(Duration::from_secs(10)).event(Event::default().event("ping").data("{}")),
    ))
}
