//! Trying a policy out: NDJSON lines in, verdicts out.

use super::failure::{Failure, Text};
use crate::Rooms;
use crate::lifecycle::blocking;
use axum::extract::State;
use axum::http::header;
use axum::response::{IntoResponse, Response};
use wharf_protocol::{ApiError, ErrorKind};

pub(super) async fn check(State(rooms): State<Rooms>, Text(body): Text) -> Result<Response, Failure> {
    let text = blocking(move || {
        let mut out = String::new();
        for (number, line) in body.lines().enumerate() {
            if line.trim().is_empty() {
                continue;
            }
            let verdict = wharf_policy::judge_line(line, rooms.gate.parser()).map_err(|e| {
                ApiError::new(ErrorKind::Invalid, "policy_line", format!("line {}: {e}", number + 1))
                    .hint("each line is an object with id, sql, dialect, allowed_tables, default_catalog, default_schema")
            })?;
            out.push_str(&verdict);
            out.push('\n');
        }
        Ok::<_, ApiError>(out)
    })
    .await?;
    Ok(([(header::CONTENT_TYPE, "application/x-ndjson")], text).into_response())
}
