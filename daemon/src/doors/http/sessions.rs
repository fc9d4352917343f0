//! Conversations: list, show, follow. Everybody has their own.

use super::access::Asker;
use super::failure::{Body, BodyIfAny, Failure, Path, Query};
use super::follow::{Follower, Told};
use axum::Json;
use axum::http::HeaderMap;
use axum::response::sse::{Event, KeepAlive, Sse};
use futures::Stream;
use serde::{Deserialize, Serialize};
use std::convert::Infallible;
use std::time::Duration;
use utoipa::ToSchema;
use wharf_protocol::{Done, Session, SessionCreate, SessionUpdate, Turn};

#[derive(Deserialize)]
pub(super) struct ListQuery {
    limit: Option<u32>,
}

/// Conversations, the latest first.
#[derive(Serialize, ToSchema)]
pub(super) struct Listed {
    sessions: Vec<Session>,
}

pub(super) async fn list(asker: Asker, Query(query): Query<ListQuery>) -> Result<Json<Listed>, Failure> {
    let limit = query.limit.unwrap_or(100).min(1000);
    let sessions = asker.rooms().sessions.list(&asker.principal().name(), limit).await?;
    Ok(Json(Listed { sessions }))
}

pub(super) async fn create(
    asker: Asker,
    BodyIfAny(request): BodyIfAny<SessionCreate>,
) -> Result<Json<Session>, Failure> {
    let title = request.title.unwrap_or_else(|| "New session".to_owned());
    let whose = asker.principal().name();
    Ok(Json(asker.rooms().sessions.create(&whose, &title, request.source.as_deref()).await?))
}

pub(super) async fn show(asker: Asker, Path(id): Path<String>) -> Result<Json<Session>, Failure> {
    Ok(Json(asker.rooms().sessions.find(&asker.principal().name(), &id).await?))
}

pub(super) async fn update(
    asker: Asker,
    Path(id): Path<String>,
    Body(update): Body<SessionUpdate>,
) -> Result<Json<Session>, Failure> {
    Ok(Json(asker.rooms().sessions.update(&asker.principal().name(), &id, &update).await?))
}

pub(super) async fn remove(asker: Asker, Path(id): Path<String>) -> Result<Json<Done>, Failure> {
    let session = asker.rooms().sessions.delete(&asker.principal().name(), &id).await?;
    Ok(Json(Done::new(format!("Session {} deleted", session.session_id))))
}

pub(super) async fn turns(asker: Asker, Path(id): Path<String>) -> Result<Json<Vec<Turn>>, Failure> {
    let sessions = &asker.rooms().sessions;
    let session = sessions.find(&asker.principal().name(), &id).await?;
    let turns = sessions.turns(&session.session_id).await?;
    Ok(Json(turns.into_iter().map(|turn| asker.shown(turn)).collect()))
}

#[derive(Deserialize)]
pub(super) struct EventsQuery {
    after: Option<u64>,
}

/// The journal as SSE, from behind `Last-Event-ID` (or `after`) on, for as long as the client stays and may.
pub(super) async fn events(
    asker: Asker,
    Path(id): Path<String>,
    Query(query): Query<EventsQuery>,
    headers: HeaderMap,
) -> Result<Sse<impl Stream<Item = Result<Event, Infallible>>>, Failure> {
    let session = asker.rooms().sessions.find(&asker.principal().name(), &id).await?.session_id;
    let last = headers.get("last-event-id").and_then(|v| v.to_str().ok()).and_then(|v| v.parse().ok());
    let after = last.or(query.after).unwrap_or(0);
    let follower = Follower::new(asker, session, after)?;
    let stream = futures::stream::unfold(follower, |mut follower| async move {
        let Told { seq, entry } = follower.next().await?;
        let event = seq.map_or_else(Event::default, |seq| Event::default().id(seq.to_string()));
        Some((Ok(event.event(entry.kind).data(entry.json)), follower))
    });
    Ok(Sse::new(stream).keep_alive(
        KeepAlive::new().interval(Duration::from_secs(10)).event(Event::default().event("ping").data("{}")),
    ))
}
