//! What is said on standard error.

use super::{Terminal, visible};
use crate::link::Failure;
use std::io::Write;

/// A remark; left out with `--quiet`.
pub fn note(terminal: &Terminal, text: &str) {
    if !terminal.quiet {
        let _ = writeln!(std::io::stderr(), "{}", safe(text));
    }
}

/// Something that must be known even with `--quiet`.
pub fn warn(text: &str) {
    let _ = writeln!(std::io::stderr(), "{}", safe(text));
}

/// A failure: what, why, what next; as one JSON object where the caller reads JSON.
pub fn fail(terminal: &Terminal, failure: &Failure, json: bool) {
    if failure.told {
        return;
    }
    let error = &failure.error;
    if json {
        let text = serde_json::to_string(error).unwrap_or_default();
        let _ = writeln!(std::io::stderr(), "{text}");
        return;
    }
    let head = if terminal.color_err { "\u{1b}[1;31merror\u{1b}[0m" } else { "error" };
    let _ = writeln!(std::io::stderr(), "{head}: {}", safe(&error.message));
    if let Some(hint) = &error.hint {
        let _ = writeln!(std::io::stderr(), "  {}", safe(hint));
    }
    if let (true, Some(id)) = (terminal.verbose, &error.request_id) {
        let _ = writeln!(std::io::stderr(), "  request {id}, code {}", error.code);
    }
}

/// Line breaks stay; anything else that commands a terminal does not.
fn safe(text: &str) -> String {
    text.lines().map(|line| visible(line).into_owned()).collect::<Vec<_>>().join("\n")
}
