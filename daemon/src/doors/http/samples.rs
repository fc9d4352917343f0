//! Samples of a table.

use super::access::Asker;
use super::failure::{Body, Failure};
use super::queries::Output;
use crate::formats::Style;
use axum::http::HeaderMap;
use axum::response::Response;
use wharf_protocol::SampleRequest;

pub(super) async fn stream(
    asker: Asker,
    output: Output,
    headers: HeaderMap,
    Body(request): Body<SampleRequest>,
) -> Result<Response, Failure> {
    let style = Style { no_header: request.no_header, null: request.null.clone() };
    let format = request.format;
    let statement = crate::sampling::statement(&asker.gate, request).await?;
    super::queries::send(&asker, &headers, output, statement, format, style).await
}
