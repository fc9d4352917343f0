//! What Databricks says went wrong, in words that tell what to check.

use super::wire::{Code, Refusal, Status};
use reqwest::StatusCode;
use wharf_protocol::{ApiError, ErrorKind};

/// What a call was about, so that a refusal names the setting to check.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum About {
    /// Who we are.
    Identity,
    /// A statement, on the warehouse of this id.
    Statement(String),
    /// A warehouse.
    Warehouse(String),
    /// The list of warehouses.
    Warehouses,
    /// A catalog, schema or table, as it is called.
    Catalog(String),
    /// A file or folder.
    File(String),
    /// The chunks of a result.
    Chunk,
}

/// A failed call, as it came.
pub(super) struct Refused {
    /// The HTTP status.
    pub(super) status: StatusCode,
    /// The code, where one was told: `PERMISSION_DENIED`, or a number.
    pub(super) code: String,
    /// Whether the gateway refused, before the service itself was asked.
    pub(super) gateway: bool,
    /// What was said, on one line.
    pub(super) message: String,
}

/// The longest part of a foreign text that is told on.
const LONGEST: usize = 2000;

impl Refused {
    /// Reads the body of a failed call, in any of the shapes there are.
    pub(super) fn read(status: StatusCode, body: &[u8]) -> Self {
        let text = String::from_utf8_lossy(body);
        let gateway = |gateway, code: String, message: String| Self { status, code, gateway, message };
        if let Ok(refusal) = serde_json::from_str::<Refusal>(&text) {
            let said = refusal.error_description.or(refusal.message).or(refusal.detail);
            return match (refusal.error_code, refusal.error) {
                (Some(Code::Number(number)), _) => {
                    gateway(true, number.to_string(), said.unwrap_or_default())
                }
                (Some(Code::Name(name)), _) => gateway(false, name, said.unwrap_or_default()),
                (None, Some(error)) if said.is_some() => gateway(false, error, said.unwrap_or_default()),
                (None, Some(error)) => gateway(false, String::new(), error),
                (None, None) => {
                    let code = refusal.scim_type.unwrap_or_else(|| format!("SCIM_{}", status.as_u16()));
                    gateway(false, code, said.unwrap_or_default())
                }
            };
        }
        let said = match text.split_once("<pre>").and_then(|(_, rest)| rest.split_once("</pre>")) {
            Some((pre, _)) => pre.to_owned(),
            None if text.trim_start().starts_with('<') => "a web page".to_owned(),
            None => text.into_owned(),
        };
        match said.split_once(": ") {
            Some((code, rest))
                if !code.is_empty() && code.chars().all(|c| c.is_ascii_uppercase() || c == '_') =>
            {
                gateway(false, code.to_owned(), rest.to_owned())
            }
            _ => gateway(false, String::new(), said),
        }
    }

    /// Whether the credential was refused, and not what it may do.
    pub(super) fn of_credential(&self) -> bool {
        // A permission that is missing on a table `tokens` is something else.
        let about_token = || {
            let text = self.message.to_ascii_lowercase();
            ["access token", "invalid token", "expired token", "token expired", "token is", "token has"]
                .iter()
                .any(|words| text.contains(words))
        };
        match self.status.as_u16() {
            401 => true,
            403 => self.gateway || self.message.is_empty() || about_token(),
            _ => false,
        }
    }

    /// The error for it.
    pub(super) fn error(&self, who: &str, machine: bool, about: &About) -> ApiError {
        let said = self.said();
        if self.of_credential() {
            return credential(who, machine, &said);
        }
        let of_warehouse = |id: &str| {
            let message = format!("{who}: there is no warehouse `{id}`: {said}");
            ApiError::new(ErrorKind::NotFound, "warehouse_not_found", message).hint(
                "check `warehouse=` in the source's address: its id stands under SQL Warehouses > Connection \
                 details, at the end of the HTTP path",
            )
        };
        let names_warehouse = {
            let text = self.message.to_ascii_lowercase();
            text.contains("warehouse") || text.contains("sql endpoint") || text.contains("endpoint id")
        };
        let make = |kind, code: &str, what: &str| ApiError::new(kind, code, format!("{who}: {what}: {said}"));
        match (self.status.as_u16(), about) {
            (403, _) => self.denied(who, about),
            (404, _) if self.code == "ENDPOINT_NOT_FOUND" => {
                make(ErrorKind::Invalid, "not_databricks", "the host does not know this part of the API")
                    .hint("check the host in the source's address: it must be the one of a workspace")
            }
            (400 | 404, About::Warehouse(id)) => of_warehouse(id),
            (400 | 404, About::Statement(id)) if names_warehouse => of_warehouse(id),
            (404, About::Statement(id)) => of_warehouse(id),
            (404, About::Catalog(name)) => {
                make(ErrorKind::NotFound, "not_in_catalog", &format!("there is no `{name}`"))
                    .hint("check catalog and schema in the source's address, and how the name is spelled")
            }
            (404, About::File(path)) => {
                make(ErrorKind::NotFound, "file_not_found", &format!("there is no `{path}`"))
                    .hint("check the path: /Volumes/CATALOG/SCHEMA/VOLUME/FOLDER/FILE")
            }
            (404 | 410, About::Chunk) => {
                make(ErrorKind::Unavailable, "result_gone", "the result is no longer kept there")
                    .hint("run the statement again")
            }
            (404, _) => make(ErrorKind::NotFound, "not_found", "it is not there"),
            (409, About::File(path)) => {
                make(ErrorKind::Conflict, "file_exists", &format!("`{path}` is already there"))
                    .hint("say that it may be overwritten, or choose another name")
            }
            (409, _) => make(ErrorKind::Conflict, "conflict", "it clashes with what is there"),
            (413, _) => make(ErrorKind::Limit, "too_large", "it is too large"),
            (429, _) => make(ErrorKind::Limit, "throttled", "too many requests for Databricks")
                .hint("wait a little, or let fewer statements run at once: `connections=` in the address"),
            (499, _) => make(ErrorKind::Cancelled, "cancelled", "it was cancelled there"),
            (300..=399, _) => make(ErrorKind::Invalid, "not_databricks", "the host sends elsewhere")
                .hint("check the host in the source's address: it must be the one of a workspace"),
            (400..=498, _) => make(ErrorKind::Failed, "bad_request", "the request was not accepted"),
            (_, _) => make(ErrorKind::Unavailable, "unavailable", "Databricks failed")
                .hint("try again; if it stays so, look at the workspace's status"),
        }
    }

    fn denied(&self, who: &str, about: &About) -> ApiError {
        let said = self.said();
        let (what, hint) = match about {
            About::Statement(id) | About::Warehouse(id) => (
                format!("the warehouse `{id}` may not be used"),
                "an admin can grant CAN USE on the warehouse, and SELECT on what is read",
            ),
            About::Catalog(name) => (
                format!("`{name}` may not be seen"),
                "an admin can grant USE CATALOG, USE SCHEMA and SELECT or BROWSE in Unity Catalog",
            ),
            About::File(path) => (
                format!("`{path}` may not be touched"),
                "an admin can grant READ VOLUME and WRITE VOLUME in Unity Catalog",
            ),
            About::Identity | About::Warehouses | About::Chunk => (
                "this may not be asked".to_owned(),
                "an admin can grant access to the workspace and to Databricks SQL",
            ),
        };
        ApiError::new(ErrorKind::Refused, "permission_denied", format!("{who}: {what}: {said}")).hint(hint)
    }

    /// What was said, with its code in brackets.
    fn said(&self) -> String {
        let message = match one_line(&self.message) {
            empty if empty.is_empty() => format!("HTTP status {}", self.status.as_u16()),
            message => message,
        };
        match &self.code[..] {
            "" => format!("{message} [{}]", self.status.as_u16()),
            code => format!("{message} [{code}]"),
        }
    }
}

/// The error for a credential that was refused.
pub(super) fn credential(who: &str, machine: bool, said: &str) -> ApiError {
    let (what, hint) = match machine {
        true => (
            "the client id or its secret is not accepted",
            "check `client_id=` in the source's address, and give the secret anew: secrets of service principals \
             expire",
        ),
        false => (
            "the token is not accepted",
            "give the source a new personal access token (User settings > Developer > Access tokens); old ones expire",
        ),
    };
    ApiError::new(ErrorKind::Unauthorized, "unauthenticated", format!("{who}: {what}: {said}")).hint(hint)
}

/// The error for a statement that ended otherwise than well.
pub(super) fn ended(who: &str, state: &str, status: Option<&Status>) -> ApiError {
    let fault = status.and_then(|status| status.error.as_ref());
    let code = fault.and_then(|fault| fault.error_code.as_deref()).unwrap_or_default();
    let message = fault.and_then(|fault| fault.message.as_deref()).unwrap_or_default();
    match state {
        "CANCELED" | "CANCELLED" => {
            let message = format!("{who}: the statement was cancelled in Databricks [{state}]");
            return ApiError::new(ErrorKind::Cancelled, "cancelled", message);
        }
        "CLOSED" => {
            let message = format!("{who}: the result is no longer kept there [CLOSED]");
            return ApiError::new(ErrorKind::Unavailable, "result_gone", message)
                .hint("run the statement again");
        }
        _ => {}
    }
    let told = one_line(message);
    let class = class(message);
    let sql_state = status
        .and_then(|status| status.sql_state.clone())
        .filter(|state| !state.is_empty())
        .or_else(|| sql_state(message).map(str::to_owned))
        .unwrap_or_default();
    let (kind, name) = kind(code, class.unwrap_or_default(), &sql_state);
    let mut text = match told.is_empty() {
        true => format!("{who}: the statement failed"),
        false => format!("{who}: {told}"),
    };
    // Beside a SQLSTATE, that the request was bad tells nothing.
    let code = if sql_state.is_empty() || code != "BAD_REQUEST" { code } else { "" };
    for extra in [&sql_state[..], code] {
        if !extra.is_empty() && !text.contains(extra) {
            text.push_str(&format!(" [{extra}]"));
        }
    }
    ApiError::new(kind, name, text).maybe_hint(hint(name).map(str::to_owned))
}

/// Which kind a failure is of, from its class, SQLSTATE and code.
fn kind(code: &str, class: &str, sql_state: &str) -> (ErrorKind, &'static str) {
    let main = class.split('.').next().unwrap_or_default();
    match (main, sql_state) {
        ("PARSE_SYNTAX_ERROR" | "PARSE_EMPTY_STATEMENT", _) | (_, "42601") => (ErrorKind::Failed, "syntax"),
        ("TABLE_OR_VIEW_NOT_FOUND", _) | (_, "42P01") => (ErrorKind::NotFound, "table_not_found"),
        ("UNRESOLVED_COLUMN", _) | (_, "42703") => (ErrorKind::NotFound, "column_not_found"),
        ("SCHEMA_NOT_FOUND", _) => (ErrorKind::NotFound, "schema_not_found"),
        ("CATALOG_NOT_FOUND" | "NO_SUCH_CATALOG_EXCEPTION", _) => (ErrorKind::NotFound, "catalog_not_found"),
        ("INSUFFICIENT_PERMISSIONS" | "PERMISSION_DENIED", _) | (_, "42501") => {
            (ErrorKind::Refused, "permission_denied")
        }
        _ => match code {
            "TEMPORARILY_UNAVAILABLE" | "SERVICE_UNDER_MAINTENANCE" | "WORKSPACE_TEMPORARILY_UNAVAILABLE" => {
                (ErrorKind::Unavailable, "unavailable")
            }
            "RESOURCE_EXHAUSTED" => (ErrorKind::Limit, "resources_exhausted"),
            "DEADLINE_EXCEEDED" => (ErrorKind::Deadline, "deadline"),
            "CANCELLED" => (ErrorKind::Cancelled, "cancelled"),
            "UNAUTHENTICATED" => (ErrorKind::Unauthorized, "unauthenticated"),
            _ => (ErrorKind::Failed, "sql"),
        },
    }
}

fn hint(name: &str) -> Option<&'static str> {
    match name {
        "table_not_found" => Some("`wharf table list` shows the tables there are"),
        "permission_denied" => Some(
            "an admin can grant USE CATALOG, USE SCHEMA and SELECT in Unity Catalog to whom the source signs in as",
        ),
        "resources_exhausted" => Some("ask for less, or use a larger warehouse: `warehouse=` in the address"),
        "unavailable" => Some("try again in a little while"),
        _ => None,
    }
}

/// The class that a message begins with: `[TABLE_OR_VIEW_NOT_FOUND] ...`, `[UNRESOLVED_COLUMN.WITH_SUGGESTION] ...`.
pub(super) fn class(message: &str) -> Option<&str> {
    let (class, _) = message.split_once('[')?.1.split_once(']')?;
    let known = |c: char| c.is_ascii_uppercase() || c.is_ascii_digit() || c == '_' || c == '.';
    (class.len() > 2 && class.chars().all(known)).then_some(class)
}

/// The SQLSTATE that a message holds.
fn sql_state(message: &str) -> Option<&str> {
    let rest = message.split_once("SQLSTATE: ")?.1;
    rest.get(..5).filter(|state| state.chars().all(|c| c.is_ascii_alphanumeric()))
}

/// Whether a statement failed because its result is too large to be handed out inline.
pub(super) fn too_large_inline(status: Option<&Status>) -> bool {
    let message = status.and_then(|status| status.error.as_ref()?.message.as_deref());
    let message = message.unwrap_or_default().to_ascii_lowercase();
    message.contains("inline")
        && ["limit", "exceed", "external_links", "too large"].iter().any(|word| message.contains(word))
}

/// A foreign text without line breaks and without what comes behind the first of them where that is the plan of a query.
fn one_line(text: &str) -> String {
    let text = text.split("\n== SQL").next().unwrap_or_default();
    let text = text.split("\n;\n").next().unwrap_or_default();
    let mut line = String::new();
    for word in text.split_whitespace() {
        if line.len() + word.len() > LONGEST {
            line.push_str(" ...");
            break;
        }
        if !line.is_empty() {
            line.push(' ');
        }
        line.push_str(word);
    }
    line
}
