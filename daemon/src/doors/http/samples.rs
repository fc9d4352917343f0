//! Samples of a table.

use super::failure::{Body, Failure};
use super::queries::Output;
use crate::Rooms;
use crate::formats::Style;
use axum::extract::State;
use axum::http::HeaderMap;
use axum::response::Response;
use wharf_protocol::SampleRequest;

pub(super) async fn stream(
    State(rooms): State<Rooms>,
    output: Output,
    headers: HeaderMap,
    Body(request): Body<SampleRequest>,
) -> Result<Response, Failure> {
    let style = Style { no_header: request.no_header, null: request.null.clone() };
    let format = request.format;
    let statement = crate::sampling::statement(&rooms.gate, request).await?;
    super::queries::send(rooms, &headers, output, statement, format, style).await
}
