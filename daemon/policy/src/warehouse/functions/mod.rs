//! Which functions may be called, and why others may not.

mod databricks;
mod postgres;
mod redshift;
mod refused;
mod shared;
mod snowflake;

use super::facts::Seat;
use crate::duckdb::functions::Reason;
use crate::names::Dialect;
use crate::nearest::nearest;
use std::collections::{HashMap, HashSet};
use std::sync::LazyLock;

/// How a function stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Standing {
    /// It may be called.
    Allowed,
    /// It was looked at and refused.
    Denied(Reason),
    /// It is in no list.
    Unknown,
}

/// The lists of one dialect.
struct Lists {
    values: HashSet<&'static str>,
    tables: HashSet<&'static str>,
    types: HashSet<&'static str>,
}

impl Lists {
    fn new(values: &[&'static str], tables: &'static str, types: &'static str) -> Self {
        Self {
            values: values.iter().flat_map(|list| list.split_whitespace()).collect(),
            tables: tables.split_whitespace().collect(),
            types: shared::TYPES.split_whitespace().chain(types.split_whitespace()).collect(),
        }
    }
}

static POSTGRES: LazyLock<Lists> = LazyLock::new(|| {
    Lists::new(&[shared::VALUES, postgres::VALUES, postgres::TABLES], postgres::TABLES, postgres::TYPES)
});

static REDSHIFT: LazyLock<Lists> = LazyLock::new(|| {
    Lists::new(&[shared::VALUES, redshift::VALUES, redshift::TABLES], redshift::TABLES, redshift::TYPES)
});

static SNOWFLAKE: LazyLock<Lists> =
    LazyLock::new(|| Lists::new(&[shared::VALUES, snowflake::VALUES], snowflake::TABLES, snowflake::TYPES));

static DATABRICKS: LazyLock<Lists> = LazyLock::new(|| {
    Lists::new(
        &[shared::VALUES, databricks::VALUES, databricks::TABLES],
        databricks::TABLES,
        databricks::TYPES,
    )
});

static REFUSED: LazyLock<HashMap<&'static str, Reason>> = LazyLock::new(|| {
    let rows = refused::REFUSED.iter();
    rows.flat_map(|(reason, names)| names.split_whitespace().map(|name| (name, *reason))).collect()
});

fn lists(dialect: Dialect) -> &'static Lists {
    match dialect {
        Dialect::Postgres | Dialect::Duckdb => &POSTGRES,
        Dialect::Redshift => &REDSHIFT,
        Dialect::Snowflake => &SNOWFLAKE,
        Dialect::Databricks => &DATABRICKS,
    }
}

/// The functions that an expression of this dialect may call.
pub(crate) fn allowed(dialect: Dialect) -> impl Iterator<Item = &'static str> {
    lists(dialect).values.iter().copied()
}

/// How the function `name` (lower case) stands.
pub(super) fn standing(name: &str, seat: Seat, dialect: Dialect) -> Standing {
    let lists = lists(dialect);
    let allowed = match seat {
        Seat::Expression => lists.values.contains(name),
        Seat::From => lists.tables.contains(name),
        Seat::Word => false,
    };
    if allowed {
        return Standing::Allowed;
    }
    if let Some(reason) = REFUSED.get(name) {
        return Standing::Denied(*reason);
    }
    refused::by_prefix(name).map_or(Standing::Unknown, Standing::Denied)
}

/// Allowed functions that look like `name`.
pub(super) fn nearest_allowed(name: &str, seat: Seat, dialect: Dialect) -> Vec<String> {
    let lists = lists(dialect);
    let mut candidates: Vec<&str> = match seat {
        Seat::From => lists.tables.iter().copied().collect(),
        _ => lists.values.iter().copied().collect(),
    };
    candidates.sort_unstable();
    nearest(name, candidates)
}

/// Whether a type belongs to the engine.
pub(super) fn is_type(name: &str, dialect: Dialect) -> bool {
    lists(dialect).types.contains(name)
}

/// The types of the engine, sorted.
pub(super) fn types(dialect: Dialect) -> Vec<&'static str> {
    let mut types: Vec<&str> = lists(dialect).types.iter().copied().collect();
    types.sort_unstable();
    types
}

/// Whether a bare word reads the session when no column has its name.
pub(super) fn is_session_word(word: &str, dialect: Dialect) -> bool {
    let user = word == "user" && matches!(dialect, Dialect::Postgres | Dialect::Redshift);
    user || refused::SESSION_WORDS.contains(&word)
}

/// Whether a word of clauses is also the name of a function when a bracket follows.
pub(super) fn is_callable_word(word: &str) -> bool {
    shared::CALLABLE_WORDS.iter().any(|callable| word.eq_ignore_ascii_case(callable))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_function_is_both_allowed_and_refused() {
        for dialect in [Dialect::Postgres, Dialect::Redshift, Dialect::Snowflake, Dialect::Databricks] {
            let lists = lists(dialect);
            for name in lists.values.iter().chain(&lists.tables) {
                assert!(!REFUSED.contains_key(name), "{name} in {dialect}");
                assert!(refused::by_prefix(name).is_none(), "{name} in {dialect}");
            }
        }
    }

    #[test]
    fn the_seat_and_the_dialect_decide() {
        let is = |name, seat, dialect| standing(name, seat, dialect);
        assert_eq!(is("lower", Seat::Expression, Dialect::Postgres), Standing::Allowed);
        assert_eq!(is("lower", Seat::From, Dialect::Postgres), Standing::Unknown);
        assert_eq!(is("flatten", Seat::From, Dialect::Snowflake), Standing::Allowed);
        assert_eq!(is("flatten", Seat::From, Dialect::Postgres), Standing::Unknown);
        assert_eq!(is("lo_anything", Seat::Expression, Dialect::Postgres), Standing::Denied(Reason::Files));
        assert_eq!(
            is("java_method", Seat::Expression, Dialect::Databricks),
            Standing::Denied(Reason::HostCode)
        );
    }
}
