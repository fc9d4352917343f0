//! What goes wrong on the wire, and the error it makes.

use crate::wire::states;
use postgres_protocol::message::backend::ErrorResponseBody;
use wharf_protocol::{ApiError, ErrorKind};

/// Words of the server.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Said {
    pub(super) state: String,
    pub(super) message: String,
    pub(super) hint: Option<String>,
    /// The character of the statement that it is about, counted from 1.
    pub(super) at: Option<u32>,
}

/// What goes wrong.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Trouble {
    /// The server refused; the connection is ready for more.
    Said(Said),
    /// The server refused, and the connection ended with it.
    SaidLast(Said),
    /// The connection cannot be made or is lost.
    Lost(String),
    /// The server wants a password, and there is none.
    NoPassword,
    /// The server wants a way of signing in that is not spoken here.
    NoSuchLogin(i32),
    /// No connection became free in time.
    Busy,
}

impl Said {
    pub(super) fn read(body: &ErrorResponseBody) -> Self {
        use fallible_iterator::FallibleIterator;
        let mut said = Self::default();
        let mut fields = body.fields();
        while let Ok(Some(field)) = fields.next() {
            // Not all servers keep to UTF-8 before somebody is signed in.
            let value = String::from_utf8_lossy(field.value_bytes()).into_owned();
            match field.type_() {
                b'C' => said.state = value,
                b'M' => said.message = value,
                b'H' => said.hint = Some(value),
                b'P' => said.at = value.parse().ok(),
                _ => {}
            }
        }
        said
    }
}

impl From<std::io::Error> for Trouble {
    fn from(error: std::io::Error) -> Self {
        Self::Lost(error.to_string())
    }
}

impl Trouble {
    /// Messages in an order that makes no sense.
    pub(super) fn odd() -> Self {
        Self::Lost("the server sent a message that does not belong there".to_owned())
    }

    /// The error it makes of a source; `sql` is what the server was asked, where it may tell a place in it.
    pub(super) fn told(&self, source: &str, sql: Option<&str>) -> ApiError {
        match self {
            Self::Said(said) | Self::SaidLast(said) => {
                let words =
                    states::Said { state: &said.state, message: &said.message, hint: said.hint.as_deref() };
                let mut error = states::said(source, &words);
                if let Some((line, column)) = sql.zip(said.at).and_then(|(sql, at)| states::place(sql, at)) {
                    error.message.push_str(&format!(" (line {line}, column {column})"));
                }
                error
            }
            Self::Lost(why) => states::unreachable(source, why),
            Self::NoPassword => states::unreachable(source, "password missing"),
            Self::NoSuchLogin(code) => no_such_login(source, *code),
            Self::Busy => states::no_free(source),
        }
    }
}

fn no_such_login(source: &str, code: i32) -> ApiError {
    let (what, hint) = match code {
        13 => (
            "a digest of another kind than SHA-256 (authentication 13)",
            "use temporary credentials of IAM, or the Data API, which needs no password: ...?transport=data-api",
        ),
        14 => (
            "a token of an identity provider (authentication 14)",
            "use a user of the database with a password, or the Data API, which signs in by IAM: ...?transport=data-api",
        ),
        _ => (
            "a way of signing in that is not known here",
            "use a user of the database with a password, which may be stored as MD5 or SCRAM-SHA-256",
        ),
    };
    let message = format!("the source `{source}` does not let us in: it asks for {what} [{code}]");
    ApiError::new(ErrorKind::Failed, "source_login", message).hint(hint)
}
