//! What a server of this kind says, in our kinds; its SQLSTATE stays in the message.

use wharf_protocol::{ApiError, ErrorKind};

/// What the server said.
pub(crate) struct Said<'a> {
    /// Its SQLSTATE.
    pub(crate) state: &'a str,
    /// Its words.
    pub(crate) message: &'a str,
    /// Its advice.
    pub(crate) hint: Option<&'a str>,
}

/// The error that the server's words make.
pub(crate) fn said(source: &str, said: &Said<'_>) -> ApiError {
    let Said { state, message, hint } = said;
    let (kind, code, advice) = classify(state);
    let message = match code {
        "source_login" | "source_catalog" | "source_busy" => {
            format!("the source `{source}` does not let us in: {message} [{state}]")
        }
        _ => format!("{message} [{state}]"),
    };
    ApiError::new(kind, code, message).maybe_hint(hint.or(advice).map(str::to_owned))
}

/// Kind, code and advice of a SQLSTATE (PostgreSQL documentation, appendix A).
pub(crate) fn classify(state: &str) -> (ErrorKind, &'static str, Option<&'static str>) {
    match state {
        "42601" => (ErrorKind::Failed, "syntax", None),
        "42P01" => {
            (ErrorKind::NotFound, "table_not_found", Some("`wharf table list` shows the tables there are"))
        }
        "42703" => (ErrorKind::NotFound, "column_not_found", None),
        "42883" => (ErrorKind::NotFound, "function_not_found", None),
        "3F000" => (ErrorKind::NotFound, "schema_not_found", None),
        "3D000" => (ErrorKind::Failed, "source_catalog", Some("check the database in the source's address")),
        "42501" => (
            ErrorKind::Refused,
            "source_permission",
            Some("the source's user may not do that: ask who runs the server for the right"),
        ),
        "25006" => (
            ErrorKind::Refused,
            "write_not_allowed",
            Some("statements only read; if you mean it, run it again with --write"),
        ),
        "57014" => {
            (ErrorKind::Deadline, "deadline", Some("give it more time with --timeout, or ask for less"))
        }
        "53300" | "57P03" => (ErrorKind::Unavailable, "source_busy", Some("try again in a moment")),
        "42P18" => (ErrorKind::Failed, "binder", Some("say its type where it stands: $NAME::varchar")),
        "53100" => (ErrorKind::Unavailable, "source_disk_full", None),
        _ => match state.get(..2).unwrap_or_default() {
            "28" => (
                ErrorKind::Failed,
                "source_login",
                Some("check user and password: wharf source add NAME ADDRESS --secret ask --replace"),
            ),
            "22" => (ErrorKind::Failed, "conversion", None),
            "08" | "57" => (ErrorKind::Unavailable, "source_gone", Some("try again in a moment")),
            "42" => (ErrorKind::Failed, "binder", None),
            _ => (ErrorKind::Failed, "sql", None),
        },
    }
}

/// The error of a connection that could not be made or was lost.
pub(crate) fn unreachable(source: &str, why: &str) -> ApiError {
    let (kind, code, hint) = if why.contains("certificate")
        || why.contains("UnknownIssuer")
        || why.contains("NotValidForName")
    {
        (
            ErrorKind::Unavailable,
            "certificate",
            "check the host in the address, and give the server's own authority: ...?sslrootcert=/PATH.pem",
        )
    } else if why.contains("does not support TLS") {
        (
            ErrorKind::Unavailable,
            "no_encryption",
            "the server speaks no TLS; if that is meant: ...?sslmode=disable",
        )
    } else if why.contains("password missing") {
        (
            ErrorKind::Failed,
            "source_login",
            "give the password: wharf source add NAME ADDRESS --secret ask --replace",
        )
    } else if why.contains("unknown authentication") || why.contains("unsupported authentication") {
        (ErrorKind::Failed, "source_login", "the server asks for a way of signing in that is not known here")
    } else {
        (
            ErrorKind::Unavailable,
            "unreachable",
            "check host and port in the source's address, and that the server runs",
        )
    };
    ApiError::new(kind, code, format!("the source `{source}` cannot be reached: {why}")).hint(hint)
}

/// No connection became free before the deadline.
pub(crate) fn no_free(source: &str) -> ApiError {
    let message = format!("no connection to the source `{source}` became free in time");
    ApiError::new(ErrorKind::Deadline, "deadline", message)
        .hint("give it more time with --timeout, or allow more at once: ...?connections=N in the address")
}

/// A question of our own took too long.
pub(crate) fn late(source: &str) -> ApiError {
    let message = format!("the source `{source}` did not answer in time");
    ApiError::new(ErrorKind::Unavailable, "unreachable", message).hint("try again in a moment")
}

/// A question of our own was answered in a way that makes no sense.
pub(crate) fn odd(source: &str) -> ApiError {
    let message = format!("the source `{source}` answered a question about itself in an unknown way");
    ApiError::new(ErrorKind::Failed, "source_odd", message)
}

/// Line and column of the n-th character, counted from 1, of a statement that the server refused.
pub(crate) fn place(sql: &str, at: u32) -> Option<(usize, usize)> {
    let before: String = sql.chars().take((at as usize).checked_sub(1)?).collect();
    let line = before.matches('\n').count() + 1;
    let column = before.rsplit('\n').next().unwrap_or_default().chars().count() + 1;
    Some((line, column))
}
