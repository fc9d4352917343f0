//! Which functions may be called, and why the others may not.

mod lists;

use super::reading::Seat;
use crate::denial::DenialCode;
use crate::nearest::nearest;
use std::collections::{HashMap, HashSet};
use std::sync::LazyLock;

/// Bare words that the engine reads as functions of the session when no column has that name. `user` is left out: it is
/// too common as a column, and as a function it gives a constant.
pub(crate) const SESSION_WORDS: &[&str] =
    &["current_catalog", "current_role", "current_schema", "current_user", "session_user"];

/// Why a function is refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Reason {
    /// Reads or writes files, stages or URLs.
    Files,
    /// Opens a connection.
    Connects,
    /// Runs SQL from text, or takes a name from text.
    RunsText,
    /// Calls code of the host program.
    HostCode,
    /// Reads settings, secrets or the environment.
    Settings,
    /// Reads or changes the session.
    Session,
    /// Reads the catalogue.
    Catalogue,
    /// Advances or reads a sequence.
    Sequence,
    /// Sleeps.
    Waits,
    /// Reads or writes logs.
    Logs,
    /// Changes the state of the database.
    Admin,
    /// Is not meant for queries.
    Internal,
}

impl Reason {
    /// The code of the refusal.
    pub(crate) fn code(self) -> DenialCode {
        match self {
            Self::Files => DenialCode::FileAccess,
            Self::Catalogue => DenialCode::SystemCatalog,
            _ => DenialCode::FunctionNotAllowed,
        }
    }

    /// Goes on after the function's name.
    pub(crate) fn sentence(self) -> &'static str {
        match self {
            Self::Files => "reads or writes files; only tables may be read",
            Self::Connects => "opens a connection; only tables may be read",
            Self::RunsText => "takes SQL or names from text, which cannot be checked",
            Self::HostCode => "calls code of the host program",
            Self::Settings => "reads settings, secrets or the environment",
            Self::Session => "reads or changes the session",
            Self::Catalogue => "reads the system catalogue",
            Self::Sequence => "advances or reads a sequence",
            Self::Waits => "waits without working",
            Self::Logs => "reads or writes logs",
            Self::Admin => "changes the state of the database",
            Self::Internal => "is internal to the engine",
        }
    }

    /// What to do instead.
    pub(crate) fn hint(self) -> &'static str {
        match self {
            Self::Files | Self::Connects => "ask the owner to add the data as a source",
            Self::RunsText => "write the query itself",
            Self::Catalogue => "tables and columns are shown by `wharf table show`",
            Self::Sequence => "number rows with row_number() OVER ()",
            _ => "leave the function out",
        }
    }
}

/// How a function stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Standing {
    /// It may be called.
    Allowed,
    /// It was looked at and refused.
    Denied(Reason),
    /// It is in no list.
    Unknown,
}

/// The functions that an expression may call, operators among them.
pub(crate) fn allowed() -> impl Iterator<Item = &'static str> {
    VALUES.iter().copied()
}

/// How the function `name` (lower case) stands in a seat.
pub(crate) fn standing(name: &str, seat: Seat) -> Standing {
    let allowed = match seat {
        Seat::From => TABLE_FUNCTIONS.contains(name),
        Seat::Expression => {
            VALUES.contains(name) || name.starts_with("icu_collate_") || TABLE_FUNCTIONS.contains(name)
        }
        Seat::Word => false,
    };
    if allowed {
        return Standing::Allowed;
    }
    if name.starts_with("__internal_") {
        return Standing::Denied(Reason::Internal);
    }
    DENIED.get(name).map_or(Standing::Unknown, |reason| Standing::Denied(*reason))
}

/// Whether a function is a macro, whose arguments the engine may copy.
pub(crate) fn is_macro(name: &str) -> bool {
    MACROS.contains(name)
}

/// Why a function is refused, wherever it stands; `None` for allowed and unknown ones.
pub(crate) fn reason(name: &str) -> Option<Reason> {
    DENIED.get(name).copied()
}

/// Whether a function looks at many rows.
pub(crate) fn is_aggregate(name: &str) -> bool {
    lists::AGGREGATES.split_whitespace().any(|known| known == name)
}

/// Whether a name belongs to the allowed functions of FROM.
pub(crate) fn is_table_function(name: &str) -> bool {
    TABLE_FUNCTIONS.contains(name)
}

/// Allowed functions that look like `name`.
pub(crate) fn nearest_allowed(name: &str, seat: Seat) -> Vec<String> {
    let mut candidates: Vec<&str> = match seat {
        Seat::From => TABLE_FUNCTIONS.iter().copied().collect(),
        _ => VALUES.iter().copied().collect(),
    };
    candidates.sort_unstable();
    nearest(name, candidates)
}

/// Whether a type belongs to the engine.
pub(crate) fn is_builtin_type(name: &str) -> bool {
    TYPES.contains(name.to_ascii_lowercase().as_str())
}

/// The types of the engine.
pub(crate) fn builtin_types() -> impl Iterator<Item = &'static str> {
    lists::TYPES.split_whitespace()
}

static VALUES: LazyLock<HashSet<&'static str>> = LazyLock::new(|| {
    let all = [lists::OPERATORS, lists::SCALARS, lists::MACROS, lists::AGGREGATES];
    all.into_iter().flat_map(str::split_whitespace).collect()
});

static MACROS: LazyLock<HashSet<&'static str>> = LazyLock::new(|| lists::MACROS.split_whitespace().collect());

static TABLE_FUNCTIONS: LazyLock<HashSet<&'static str>> =
    LazyLock::new(|| lists::TABLE_FUNCTIONS.split_whitespace().collect());

static TYPES: LazyLock<HashSet<&'static str>> = LazyLock::new(|| builtin_types().collect());

static DENIED: LazyLock<HashMap<&'static str, Reason>> = LazyLock::new(|| {
    let rows = lists::DENIED.iter().chain(lists::ELSEWHERE);
    rows.flat_map(|(reason, names)| names.split_whitespace().map(|name| (name, *reason))).collect()
});

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_seat_decides() {
        assert_eq!(standing("lower", Seat::Expression), Standing::Allowed);
        assert_eq!(standing("lower", Seat::From), Standing::Unknown);
        assert_eq!(standing("range", Seat::From), Standing::Allowed);
        assert_eq!(standing("histogram", Seat::Expression), Standing::Allowed);
        assert_eq!(standing("histogram", Seat::From), Standing::Denied(Reason::RunsText));
        assert_eq!(standing("read_text", Seat::Expression), Standing::Denied(Reason::Files));
        assert_eq!(standing("current_user", Seat::Word), Standing::Denied(Reason::Session));
        assert_eq!(standing("no_such_thing", Seat::Expression), Standing::Unknown);
    }
}
