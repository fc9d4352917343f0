//! The routes of conversations, metrics and models, as [`super::catalogue`] has all others.

use super::openapi::{Doc, Group, doc};
use super::rates::Class;
use super::{chat, metrics, sessions};
use wharf_protocol::Permission::{Execute, Read, ViewSql};
use wharf_protocol::{
    AskRequest, AskStarted, ChatReply, ChatRequest, Done, MetricInfo, ModelDetail, ModelInfo, ModelSummary,
    Session, SessionCreate, SessionUpdate, Turn,
};

pub(super) fn groups() -> Vec<Group> {
    vec![ask(), converse(), look_back(), models(), model_files()]
}

/// What begins a turn: it runs statements.
fn ask() -> Group {
    let stream = || {
        doc("chat", "Ask, and read the answer as it is made: SSE")
            .body::<ChatRequest>()
            .bytes_or::<ChatReply>(&["text/event-stream", "application/json"])
    };
    Group::new(Some(Execute), Class::Query)
        .post(
            "/api/chat",
            chat::chat,
            doc("chat", "Ask, and wait for the answer").body::<ChatRequest>().reply::<ChatReply>(),
        )
        .post("/api/chat/stream", chat::stream, stream())
        .post("/ai/api/chat/stream", chat::stream, stream())
        .post(
            "/api/chat/turns",
            chat::ask,
            doc("chat", "Begin a turn; its events come on its session's stream")
                .body::<AskRequest>()
                .reply::<AskStarted>(),
        )
}

/// What changes a conversation of the asker's own.
fn converse() -> Group {
    Group::new(Some(Execute), Class::Metadata)
        .delete("/api/chat/turns/{id}", chat::stop, doc("chat", "End a turn").reply::<chat::Stopping>())
        .post(
            "/api/sessions",
            sessions::create,
            doc("sessions", "Begin a conversation").optional_body::<SessionCreate>().reply::<Session>(),
        )
        .patch(
            "/api/sessions/{id}",
            sessions::update,
            doc("sessions", "Give a conversation another title").body::<SessionUpdate>().reply::<Session>(),
        )
        .delete(
            "/api/sessions/{id}",
            sessions::remove,
            doc("sessions", "Delete a conversation with all that was said").reply::<Done>(),
        )
}

fn look_back() -> Group {
    Group::new(Some(Read), Class::Metadata)
        .get("/api/chat/turns/{id}", chat::show, doc("chat", "A turn and its answer").reply::<Turn>())
        .get(
            "/api/sessions",
            sessions::list,
            doc("sessions", "Your conversations, the latest first")
                .number("limit", "At most this many; absent: 100")
                .reply::<sessions::Listed>(),
        )
        .get("/api/sessions/{id}", sessions::show, doc("sessions", "A conversation").reply::<Session>())
        .get(
            "/api/sessions/{id}/turns",
            sessions::turns,
            doc("sessions", "Its turns, oldest first").list::<Turn>(),
        )
        .get(
            "/api/sessions/{id}/events",
            sessions::events,
            doc("sessions", "What happens in it, as it happens: SSE, from behind `Last-Event-ID` on")
                .number("after", "From behind this event on, where no Last-Event-ID is sent")
                .bytes(&["text/event-stream"]),
        )
}

fn of_source(doc: Doc) -> Doc {
    doc.query("source", "Of this source only")
}

fn models() -> Group {
    Group::new(Some(Read), Class::Metadata)
        .get(
            "/api/metrics-explorer/metrics",
            metrics::explore,
            of_source(doc("metrics", "The metrics that may be asked for, page by page")).page::<MetricInfo>(),
        )
        .get(
            "/api/metrics",
            metrics::list,
            of_source(doc("metrics", "All metrics that may be asked for")).list::<MetricInfo>(),
        )
        .get(
            "/api/models",
            metrics::summaries,
            doc("models", "Models by source, in short").list::<ModelSummary>(),
        )
        .get(
            "/api/models/",
            metrics::models,
            of_source(doc("models", "The semantic models that may be seen")).page::<ModelInfo>(),
        )
        .get(
            "/api/models/{id}",
            metrics::model,
            of_source(doc("models", "A semantic model")).reply::<ModelDetail>(),
        )
}

fn model_files() -> Group {
    Group::new(Some(ViewSql), Class::Metadata).get(
        "/api/models/{id}/download",
        metrics::download,
        of_source(doc("models", "The file in which a model is declared")).bytes(&["text/yaml"]),
    )
}
