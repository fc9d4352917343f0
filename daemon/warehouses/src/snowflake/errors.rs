//! What went wrong, for whom it concerns: which source, which setting, what to check.

use super::settings::Place;
use super::wire::Failure;
use wharf_protocol::{ApiError, ErrorKind};

/// The code of a result that Snowflake cut.
pub(super) const TRUNCATED: &str = "391908";
/// From how many seconds on a clock explains a refused token.
const CLOCK: i64 = 45;

/// An answer that is not whole, however often it was asked for.
pub(super) fn broken(who: &str, why: &str) -> ApiError {
    ApiError::new(ErrorKind::Unavailable, "reply_broken", format!("an answer of {who} is not whole: {why}"))
        .hint("run it again; what had arrived is not the whole result")
}

/// The deadline has passed.
pub(super) fn late(who: &str) -> ApiError {
    ApiError::new(
        ErrorKind::Deadline,
        "deadline",
        format!("{who}: the statement did not end in time and was stopped"),
    )
    .hint("give it more time with --timeout, or ask for less")
}

/// The result was cut at the far side.
pub(super) fn truncated(who: &str) -> ApiError {
    let message = format!("{who} cut the result because it is too large [{TRUNCATED}]");
    ApiError::new(ErrorKind::Limit, "result_truncated", message)
        .hint("ask for less: fewer columns, a filter, an aggregate; or write it into a table there")
}

/// Adds the settings of the source to an error of the connection.
pub(super) fn unreached(error: ApiError, place: &Place) -> ApiError {
    let place_of = format!("{} (account {})", place.base, place.account);
    match error.code.as_str() {
        "certificate" => error.hint(format!(
            "the certificate of {place_of} is not trusted here: check the account or endpoint in the source's address, a proxy that opens connections, and the system's certificates"
        )),
        "unreachable" => error.hint(format!(
            "it was looked for at {place_of}: check the account or endpoint in the source's address, the network and a proxy between"
        )),
        _ => error,
    }
}

/// What Snowflake refused or what failed there.
pub(super) fn refused(failure: &Failure, place: &Place, credential: &str) -> ApiError {
    let who = &place.who;
    let words = one_line(&failure.message);
    let codes: Vec<&str> =
        [failure.code.as_str(), failure.state.as_str()].into_iter().filter(|code| !code.is_empty()).collect();
    let codes = match &codes[..] {
        [] => format!("[HTTP {}]", failure.status),
        codes => format!("[{}]", codes.join("/")),
    };
    let verdict = if failure.code == TRUNCATED {
        return truncated(who);
    } else if let Some(verdict) = of_code(failure, place) {
        verdict
    } else if matches!(failure.status, 401)
        || failure.code.starts_with("3901")
        || failure.code.starts_with("3903")
    {
        of_sign_in(failure, place, credential)
    } else {
        of_words(failure, place).unwrap_or_else(|| of_status(failure, place))
    };
    let (kind, code, hint) = verdict;
    let message = match words.is_empty() {
        true => format!("{who} refused the request {codes}"),
        false => format!("{who}: {words} {codes}"),
    };
    let error = ApiError::new(kind, code, message);
    match hint.is_empty() {
        true => error,
        false => error.hint(hint),
    }
}

type Verdict = (ErrorKind, &'static str, String);

fn of_code(failure: &Failure, place: &Place) -> Option<Verdict> {
    let text = |text: &str| text.to_owned();
    Some(match (failure.code.as_str(), failure.state.as_str()) {
        ("000606" | "000609", _) | (_, "57P03") => (ErrorKind::Invalid, "warehouse", warehouse_hint(place)),
        ("390201", _) => (ErrorKind::Invalid, "warehouse", warehouse_hint(place)),
        ("390189" | "390186", _) => (ErrorKind::Invalid, "role", role_hint(place)),
        ("090073", _) => (ErrorKind::Unavailable, "warehouse_stopped", warehouse_hint(place)),
        ("390420" | "390422" | "390432", _) => (
            ErrorKind::Refused,
            "network_policy",
            text(
                "a network policy of the account forbids it: ask its admin to admit this machine's address, and to put the user under a policy (a fresh access token needs one)",
            ),
        ),
        ("000604", _) => (
            ErrorKind::Cancelled,
            "cancelled",
            text("somebody or a limit of the warehouse stopped it; run it again"),
        ),
        ("000630" | "000629" | "000639", _) => (
            ErrorKind::Deadline,
            "deadline",
            text(
                "give it more time with --timeout, or ask for less; STATEMENT_TIMEOUT_IN_SECONDS of the warehouse also holds",
            ),
        ),
        ("000709", _) => (
            ErrorKind::Failed,
            "statement_unknown",
            text("results are kept for a day: run the statement again"),
        ),
        ("003001" | "003540", _) | (_, "42501") => (ErrorKind::Refused, "not_permitted", grant_hint(place)),
        ("000008", _) => (ErrorKind::Refused, "several_statements", text("send one statement at a time")),
        ("000904", _) => (
            ErrorKind::NotFound,
            "column_not_found",
            text("names without quotes are read in capitals; write \"name\" for one that was created so"),
        ),
        ("001003", _) => (ErrorKind::Failed, "syntax", String::new()),
        ("390505", _) => {
            (ErrorKind::Limit, "busy", text("Snowflake takes no more at the moment: try again in a while"))
        }
        ("390142", _) => (
            ErrorKind::Failed,
            "bad_request",
            text("check database, schema, warehouse and role in the source's address"),
        ),
        ("390144", _) => of_sign_in(failure, place, "KEYPAIR_JWT"),
        _ => return None,
    })
}

/// A credential that is not taken.
fn of_sign_in(failure: &Failure, place: &Place, credential: &str) -> Verdict {
    let user = place.user.as_deref().unwrap_or("the user");
    let account = &place.account;
    let ahead = failure.clock_ahead.unwrap_or(0);
    let hint = match credential {
        "KEYPAIR_JWT" if ahead.abs() > CLOCK => format!(
            "the clock of this machine is {} seconds {} Snowflake's, and a signed token is only valid at its time: set the clock",
            ahead.abs(),
            if ahead > 0 { "ahead of" } else { "behind" }
        ),
        "KEYPAIR_JWT" => format!(
            "check that account {account} and user {user} in the address are right, that private_key belongs to what DESC USER {user} shows as RSA_PUBLIC_KEY_FP, and that this machine's clock is right"
        ),
        "OAUTH" => format!(
            "get a new OAuth token for account {account} and give it as the source's secret: --secret ask"
        ),
        _ => format!(
            "check that the access token was made in account {account}, has not expired or been removed, and that a network policy admits this machine; give a new one as the source's secret: --secret ask"
        ),
    };
    let code = if credential == "KEYPAIR_JWT" && ahead.abs() > CLOCK { "clock" } else { "credential" };
    (ErrorKind::Unauthorized, code, hint)
}

/// What only the words tell: codes of these differ between versions.
fn of_words(failure: &Failure, place: &Place) -> Option<Verdict> {
    let words = failure.message.to_ascii_lowercase();
    let missing = words.contains("does not exist") || words.contains("not authorized");
    Some(if words.contains("jwt") || words.contains("oauth") || words.contains("access token") {
        let credential = if words.contains("jwt") {
            "KEYPAIR_JWT"
        } else if words.contains("oauth") {
            "OAUTH"
        } else {
            "PROGRAMMATIC_ACCESS_TOKEN"
        };
        of_sign_in(failure, place, credential)
    } else if words.contains("suspended") || words.contains("cannot be resumed") {
        (ErrorKind::Unavailable, "warehouse_stopped", warehouse_hint(place))
    } else if words.contains("warehouse") && (missing || words.contains("no active")) {
        (ErrorKind::Invalid, "warehouse", warehouse_hint(place))
    } else if words.contains("role") && missing {
        (ErrorKind::Invalid, "role", role_hint(place))
    } else if words.contains("insufficient privileges") {
        (ErrorKind::Refused, "not_permitted", grant_hint(place))
    } else if words.contains("timeout") && failure.code.starts_with("00") {
        (ErrorKind::Deadline, "deadline", "give it more time with --timeout, or ask for less".to_owned())
    } else if missing || failure.state == "42S02" || failure.code == "002043" {
        let hint = format!(
            "check the name ({} is the database, {} the schema of names without one; what is not quoted is read in capitals) and what role {} may see",
            place.database,
            place.schema,
            role(place)
        );
        (ErrorKind::NotFound, "table_not_found", hint)
    } else {
        return None;
    })
}

fn of_status(failure: &Failure, place: &Place) -> Verdict {
    match failure.status {
        400 | 405 | 415 => (
            ErrorKind::Failed,
            "bad_request",
            "check database, schema, warehouse and role in the source's address".to_owned(),
        ),
        403 | 404 if failure.message.is_empty() => (
            ErrorKind::NotFound,
            "account",
            format!("nobody's account answers at {}: check the account in the source's address; it is what stands before .snowflakecomputing.com", place.base),
        ),
        403 => (ErrorKind::Refused, "not_permitted", "check the credential, network policies, and the role in the source's address".to_owned()),
        404 => (ErrorKind::NotFound, "not_found", "check the account or endpoint in the source's address".to_owned()),
        408 => (ErrorKind::Deadline, "deadline", "give it more time with --timeout, or ask for less".to_owned()),
        429 => (ErrorKind::Limit, "busy", "Snowflake takes no more at the moment: try again in a while".to_owned()),
        300..400 => (
            ErrorKind::Unavailable,
            "redirected",
            "it points elsewhere, which is not followed: check the account or endpoint in the source's address".to_owned(),
        ),
        500.. => (ErrorKind::Unavailable, "upstream", "Snowflake has a fault of its own: try again in a while".to_owned()),
        _ => (ErrorKind::Failed, "statement_failed", String::new()),
    }
}

fn role(place: &Place) -> &str {
    place.role.as_deref().unwrap_or("(the user's default)")
}

fn warehouse_hint(place: &Place) -> String {
    match &place.warehouse {
        Some(warehouse) => format!(
            "check warehouse={warehouse} in the source's address: whether it exists (names are case-sensitive), is running or may resume (ALTER WAREHOUSE {warehouse} RESUME), and role {} has USAGE on it",
            role(place)
        ),
        None => "name a warehouse in the source's address: warehouse=COMPUTE_WH".to_owned(),
    }
}

fn role_hint(place: &Place) -> String {
    match &place.role {
        Some(role) => format!(
            "check role={role} in the source's address: whether it exists (names are case-sensitive) and is granted to the user"
        ),
        None => {
            "the user's default role does not hold: name one in the source's address: role=READER".to_owned()
        }
    }
}

fn grant_hint(place: &Place) -> String {
    format!("ask for a grant to role {}, or name another in the source's address: role=NAME", role(place))
}

/// Words of another on one line, not endless.
fn one_line(words: &str) -> String {
    let line = words.split_whitespace().collect::<Vec<_>>().join(" ");
    let line = line.trim_end_matches('.');
    match line.char_indices().nth(600) {
        Some((end, _)) => format!("{}...", &line[..end]),
        None => line.to_owned(),
    }
}
