//! What the Data API says went wrong, in our kinds; its own code stays in the message.

use crate::wire::states;
use reqwest::StatusCode;
use reqwest::header::HeaderMap;
use serde::Deserialize;
use wharf_protocol::{ApiError, ErrorKind};

/// The longest part of a foreign text that is told on.
const LONGEST: usize = 2000;

/// A failed call, as it came.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Refused {
    pub(super) status: u16,
    /// The vendor's name of it: `ValidationException`. Empty where it tells none.
    pub(super) code: String,
    /// What it said, on one line.
    message: String,
}

#[derive(Deserialize, Default)]
#[serde(default)]
struct Words {
    #[serde(rename = "__type")]
    kind: Option<String>,
    code: Option<String>,
    message: Option<String>,
    #[serde(rename = "Message")]
    other_message: Option<String>,
}

impl Refused {
    /// Reads a failed reply.
    pub(super) fn read(status: StatusCode, headers: &HeaderMap, body: &[u8]) -> Self {
        let words: Option<Words> = serde_json::from_slice(body).ok();
        let told = words.is_some();
        let words = words.unwrap_or_default();
        let header = headers.get("x-amzn-errortype").and_then(|value| value.to_str().ok()).map(str::to_owned);
        let code = header.or(words.kind).or(words.code).unwrap_or_default();
        // `namespace#Name:http://...`
        let code = code.rsplit('#').next().unwrap_or_default().split(':').next().unwrap_or_default();
        let message = words.message.or(words.other_message).unwrap_or_else(|| match told {
            true => String::new(),
            false => "it answered with something that is not of the Data API".to_owned(),
        });
        Self { status: status.as_u16(), code: code.to_owned(), message: one_line(&message) }
    }

    /// Whether the credentials have ended, so that newer ones may do.
    pub(super) fn of_old_keys(&self) -> bool {
        matches!(
            self.code.as_str(),
            "ExpiredTokenException" | "ExpiredToken" | "TokenRefreshRequired" | "RequestExpired"
        )
    }

    /// Whether it was only too much at once, so that the same will do a moment later.
    pub(super) fn of_haste(&self) -> bool {
        self.status == 429
            || self.code.contains("Throttl")
            || matches!(
                self.code.as_str(),
                "TooManyRequestsException"
                    | "RequestLimitExceeded"
                    | "SlowDown"
                    | "ActiveStatementsExceededException"
                    | "ActiveSessionsExceededException"
            )
    }

    /// The error for it. `sign_in` is what to type to sign in anew.
    pub(super) fn error(&self, who: &str, sign_in: &str) -> ApiError {
        let said = match (self.message.as_str(), self.code.as_str()) {
            ("", "") => format!("[{}]", self.status),
            ("", code) => format!("[{code}]"),
            (message, "") => format!("{message} [{}]", self.status),
            (message, code) => format!("{message} [{code}]"),
        };
        let lower = self.message.to_ascii_lowercase();
        if self.code == "ValidationException" && too_large(&lower) {
            return result_too_large(who, &said);
        }
        let meaning = self.of_access(&lower, sign_in).unwrap_or_else(|| self.of_request(&lower));
        let (kind, code, what, hint) = meaning;
        ApiError::new(kind, code, format!("{who}: {what}: {said}"))
            .maybe_hint(Some(hint).filter(|hint| !hint.is_empty()))
    }

    /// What it means where it is about who asks.
    fn of_access(&self, lower: &str, sign_in: &str) -> Option<Meaning> {
        let of_time = ["expired", "not yet current", "skew"].iter().any(|word| lower.contains(word));
        Some(match self.code.as_str() {
            _ if self.of_old_keys() => (
                ErrorKind::Failed,
                "source_login",
                "the sign-in to AWS has ended",
                format!("sign in again: {sign_in}"),
            ),
            "InvalidSignatureException" | "SignatureDoesNotMatch" | "RequestTimeTooSkewed" if of_time => (
                ErrorKind::Failed,
                "clock",
                "the signature has the wrong time",
                "set this machine's clock: it differs by more than 5 minutes".to_owned(),
            ),
            "UnrecognizedClientException"
            | "InvalidClientTokenId"
            | "InvalidSignatureException"
            | "SignatureDoesNotMatch"
            | "IncompleteSignatureException"
            | "MissingAuthenticationTokenException" => (
                ErrorKind::Failed,
                "source_login",
                "AWS does not know these credentials",
                format!("check the profile with `aws sts get-caller-identity`, or sign in again: {sign_in}"),
            ),
            "AccessDeniedException" | "AccessDenied" => {
                let hint = "the role needs redshift-data:BatchExecuteStatement, :DescribeStatement, \
                            :GetStatementResult and :CancelStatement, and redshift-serverless:GetCredentials for a \
                            workgroup or redshift:GetClusterCredentials(WithIAM) for a cluster";
                (ErrorKind::Refused, "source_permission", "AWS does not allow it", hint.to_owned())
            }
            _ => return None,
        })
    }

    /// What it means where it is about what was asked.
    fn of_request(&self, lower: &str) -> Meaning {
        let names_place = ["workgroup", "cluster", "endpoint"].iter().any(|word| lower.contains(word));
        let (kind, code, what, hint) = match self.code.as_str() {
            _ if self.of_haste() => (
                ErrorKind::Unavailable,
                "source_busy",
                "it is asked too much at once",
                "try again in a moment, or allow fewer at once: ...&connections=N in the address",
            ),
            "ActiveWaitingRequestsExceededException" => {
                (ErrorKind::Unavailable, WAITING, "too many wait at once", "try again in a moment")
            }
            "QueryTimeoutException" => (
                ErrorKind::Deadline,
                "deadline",
                "it ran too long",
                "give it more time with --timeout, or ask for less",
            ),
            "ResourceNotFoundException" => (
                ErrorKind::Unavailable,
                "result_gone",
                "it does not know the statement any more",
                "results are kept for a day; run it again",
            ),
            "ValidationException" if names_place => (
                ErrorKind::NotFound,
                "workgroup_not_found",
                "it does not know the workgroup or cluster",
                "check its name, the region and the account of the profile in the source's address",
            ),
            "ValidationException" => (ErrorKind::Failed, "source_refused", "it refused the request", ""),
            _ if self.status >= 500 || self.status == 408 => (
                ErrorKind::Unavailable,
                "source_gone",
                "it could not serve the request",
                "try again in a moment",
            ),
            _ => (
                ErrorKind::Failed,
                "source_odd",
                "it refused the request",
                "check region and endpoint in the source's address, and a proxy between",
            ),
        };
        (kind, code, what, hint.to_owned())
    }
}

/// Kind, code, what it means, and what to do.
type Meaning = (ErrorKind, &'static str, &'static str, String);

/// The code of the error that too many requests wait for statements at once.
pub(super) const WAITING: &str = "source_waiting";

fn too_large(lower: &str) -> bool {
    lower.contains("result")
        && ["size", "exceed", "too large", "limit"].iter().any(|word| lower.contains(word))
}

fn result_too_large(who: &str, said: &str) -> ApiError {
    let message = format!("{who}: the result is larger than the Data API hands out: {said}");
    ApiError::new(ErrorKind::Limit, "result_too_large", message)
        .hint("it hands out 500 MB at most: ask for less, or take the PostgreSQL protocol for big reads")
}

/// What a statement ended as that did not end well: `FAILED` or `ABORTED`, with the server's words. `sql` is what the server got,
/// where it is what was asked, so that a place in it can be told.
pub(super) fn ended(who: &str, status: &str, error: Option<&str>, sql: Option<&str>) -> ApiError {
    let error = error.unwrap_or_default();
    let (text, place) = without_position(error);
    let text = one_line(text.trim().strip_prefix("ERROR:").unwrap_or(text).trim());
    let lower = text.to_ascii_lowercase();
    if status == "ABORTED" {
        let message = format!("{who}: somebody cancelled the statement there: {text} [{status}]");
        return ApiError::new(ErrorKind::Cancelled, "cancelled", message.replace(":  [", " ["));
    }
    if too_large(&lower) && !lower.contains("result_size") {
        return result_too_large(who, &format!("{text} [{status}]"));
    }
    let (kind, code, hint) = match state_of(&lower) {
        Some(state) => states::classify(state),
        None => (ErrorKind::Failed, "sql", None),
    };
    let mut message = match code {
        "source_login" | "source_catalog" | "source_busy" => {
            format!("{who} does not let us in: {text} [{status}]")
        }
        _ => format!("{text} [{status}]"),
    };
    if let Some((line, column)) = sql.zip(place).and_then(|(sql, at)| states::place(sql, at)) {
        message.push_str(&format!(" (line {line}, column {column})"));
    }
    ApiError::new(kind, code, message).maybe_hint(hint.map(str::to_owned))
}

/// Splits `Position: 15` off.
fn without_position(text: &str) -> (&str, Option<u32>) {
    let Some((before, behind)) = text.rsplit_once("Position: ") else { return (text, None) };
    let digits = behind.split(|c: char| !c.is_ascii_digit()).next().unwrap_or_default();
    digits.parse().map_or((text, None), |at| (before, Some(at)))
}

/// The SQLSTATE that belongs to these words, which come without it. English: Redshift has no other language.
fn state_of(lower: &str) -> Option<&'static str> {
    let has = |words: &[&str]| words.iter().any(|word| lower.contains(word));
    let missing = |what: &str| lower.starts_with(what) && has(&["does not exist", "not found"]);
    let rules = [
        (has(&["syntax error"]), "42601"),
        (missing("relation"), "42P01"),
        (missing("column"), "42703"),
        (missing("function") || missing("operator") || has(&["no function matches"]), "42883"),
        (missing("schema"), "3F000"),
        (has(&["database \""]) && has(&["does not exist"]), "3D000"),
        (has(&["read-only transaction", "transaction is read-only"]), "25006"),
        (has(&["permission denied", "must be owner"]), "42501"),
        (has(&["statement timeout", "cancelled on user", "canceled on user"]), "57014"),
        (has(&["password authentication failed"]), "28000"),
        (has(&["could not determine data type of parameter"]), "42P18"),
        (has(&["invalid input", "invalid digit", "out of range", "overflow", "by zero"]), "22000"),
        (has(&["disk full"]), "53100"),
        (has(&["too many connections", "connection limit"]), "53300"),
    ];
    rules.into_iter().find(|(holds, _)| *holds).map(|(_, state)| state)
}

/// A foreign text on one line, not too long.
fn one_line(text: &str) -> String {
    let line = text.split_whitespace().collect::<Vec<_>>().join(" ");
    match line.char_indices().nth(LONGEST) {
        Some((at, _)) => format!("{}...", &line[..at]),
        None => line,
    }
}

/// A result that is not what was told.
pub(super) fn incomplete(who: &str, what: &str) -> ApiError {
    let message = format!("{who}: the result did not come whole: {what}");
    ApiError::new(ErrorKind::Unavailable, "result_incomplete", message)
        .hint("run it again; nothing of it was kept")
}

/// An answer that makes no sense.
pub(super) fn odd(who: &str, what: &str) -> ApiError {
    ApiError::new(ErrorKind::Failed, "source_odd", format!("{who} answered in an unknown way: {what}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn refused(status: u16, body: &str) -> ApiError {
        let status = StatusCode::from_u16(status).unwrap();
        Refused::read(status, &HeaderMap::new(), body.as_bytes()).error("rs", "aws sso login --profile p")
    }

    #[test]
    fn refusals_keep_their_code_and_tell_what_to_do() {
        for (status, body, kind, code, words) in [
            (
                400,
                r#"{"__type":"com.amazonaws.x#ExpiredTokenException","message":"expired"}"#,
                ErrorKind::Failed,
                "source_login",
                "--profile p",
            ),
            (
                400,
                r#"{"__type":"ThrottlingException","message":"Rate exceeded"}"#,
                ErrorKind::Unavailable,
                "source_busy",
                "[ThrottlingException]",
            ),
            (
                400,
                r#"{"__type":"AccessDeniedException","Message":"User is not authorized"}"#,
                ErrorKind::Refused,
                "source_permission",
                "redshift-data:BatchExecuteStatement",
            ),
            (
                400,
                r#"{"__type":"InvalidSignatureException","message":"Signature expired: 20260101T000000Z is now earlier"}"#,
                ErrorKind::Failed,
                "clock",
                "clock",
            ),
            (
                403,
                r#"{"__type":"UnrecognizedClientException","message":"The security token included in the request is invalid."}"#,
                ErrorKind::Failed,
                "source_login",
                "get-caller-identity",
            ),
            (
                400,
                r#"{"__type":"ValidationException","Message":"Redshift endpoint doesn't exist in this region."}"#,
                ErrorKind::NotFound,
                "workgroup_not_found",
                "region",
            ),
            (
                400,
                r#"{"__type":"ValidationException","Message":"Parameters list contains unused parameters."}"#,
                ErrorKind::Failed,
                "source_refused",
                "unused",
            ),
            (
                400,
                r#"{"__type":"ValidationException","Message":"Query result exceeds the size limit"}"#,
                ErrorKind::Limit,
                "result_too_large",
                "500 MB",
            ),
            (
                400,
                r#"{"__type":"ResourceNotFoundException","Message":"Query does not exist."}"#,
                ErrorKind::Unavailable,
                "result_gone",
                "run it again",
            ),
            (
                500,
                r#"{"__type":"InternalServerException"}"#,
                ErrorKind::Unavailable,
                "source_gone",
                "[InternalServerException]",
            ),
            (302, "<html>", ErrorKind::Failed, "source_odd", "not of the Data API [302]"),
        ] {
            let error = refused(status, body);
            assert_eq!((error.kind, error.code.as_str()), (kind, code), "{body}");
            let told = format!("{}; {}", error.message, error.hint.unwrap_or_default());
            assert!(told.contains(words), "{told}");
        }
    }

    #[test]
    fn what_a_statement_ended_as_is_told_in_our_kinds() {
        for (text, kind, code) in [
            ("ERROR: relation \"t\" does not exist", ErrorKind::NotFound, "table_not_found"),
            ("ERROR: column \"x\" does not exist in t", ErrorKind::NotFound, "column_not_found"),
            ("ERROR: syntax error at or near \"selec\"\n  Position: 1", ErrorKind::Failed, "syntax"),
            ("ERROR: permission denied for relation t", ErrorKind::Refused, "source_permission"),
            ("ERROR: transaction is read-only", ErrorKind::Refused, "write_not_allowed"),
            ("ERROR: Query (12) cancelled on user's request", ErrorKind::Deadline, "deadline"),
            ("ERROR: canceling statement due to statement timeout", ErrorKind::Deadline, "deadline"),
            ("ERROR: Invalid digit, Value 'x', Pos 0, Type: Integer", ErrorKind::Failed, "conversion"),
            ("FATAL: database \"x\" does not exist", ErrorKind::Failed, "source_catalog"),
            ("ERROR: Result size exceeded the limit of 500 MB", ErrorKind::Limit, "result_too_large"),
            ("something", ErrorKind::Failed, "sql"),
        ] {
            let error = ended("rs", "FAILED", Some(text), None);
            assert_eq!((error.kind, error.code.as_str()), (kind, code), "{text}");
            assert!(error.message.contains("[FAILED]"), "{}", error.message);
        }
        let placed = ended(
            "rs",
            "FAILED",
            Some("ERROR: column \"x\" does not exist\n  Position: 11"),
            Some("select n,\n  x"),
        );
        assert_eq!(placed.message, "column \"x\" does not exist [FAILED] (line 2, column 1)");
        assert_eq!(ended("rs", "ABORTED", None, None).kind, ErrorKind::Cancelled);
    }
}
