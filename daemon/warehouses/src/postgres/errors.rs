//! What the server says, in our kinds.

use crate::wire::states::{self, Said};
pub(super) use crate::wire::states::{late, odd};
use deadpool_postgres::PoolError;
use tokio_postgres::error::{DbError, ErrorPosition};
use tokio_postgres::types::FromSql;
use tokio_postgres::{Error, Row};
use wharf_protocol::{ApiError, ErrorKind};

/// An error of a statement or a connection.
pub(super) fn failed(source: &str, error: &Error) -> ApiError {
    match error.as_db_error() {
        Some(said) => from_server(source, said),
        None => states::unreachable(source, &root(error)),
    }
}

fn from_server(source: &str, error: &DbError) -> ApiError {
    let said = Said { state: error.code().code(), message: error.message(), hint: error.hint() };
    states::said(source, &said)
}

/// Why there is no connection.
pub(super) fn no_connection(source: &str, error: PoolError) -> ApiError {
    match error {
        PoolError::Backend(error) => failed(source, &error),
        PoolError::PostCreateHook(deadpool_postgres::HookError::Backend(error)) => failed(source, &error),
        PoolError::Timeout(_) => states::no_free(source),
        other => {
            ApiError::new(ErrorKind::Unavailable, "unreachable", format!("the source `{source}`: {other}"))
        }
    }
}

/// A value of an answer to a question of our own.
pub(super) fn cell<'a, T: FromSql<'a>>(source: &str, row: &'a Row, at: usize) -> Result<T, ApiError> {
    row.try_get(at).map_err(|_| odd(source))
}

/// Line and column of what the server refused.
pub(super) fn place(sql: &str, error: &Error) -> Option<(usize, usize)> {
    let ErrorPosition::Original(at) = error.as_db_error()?.position()? else { return None };
    states::place(sql, *at)
}

fn root(error: &Error) -> String {
    let mut cause: &dyn std::error::Error = error;
    while let Some(inner) = cause.source() {
        cause = inner;
    }
    cause.to_string()
}
