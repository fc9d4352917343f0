//! Names and texts in the spelling of a dialect.

use crate::names::{Dialect, TableName};

/// A name in quotes, so that it means exactly what the catalogue stores.
pub fn name(name: &str, dialect: Dialect) -> String {
    match dialect {
        Dialect::Databricks => format!("`{}`", name.replace('`', "``")),
        _ => format!("\"{}\"", name.replace('"', "\"\"")),
    }
}

/// A full name in quotes; it can be neither a CTE nor anything else that is near.
pub(crate) fn table(table: &TableName, dialect: Dialect) -> String {
    let parts = [&table.catalog, &table.schema, &table.table];
    parts.map(|part| name(part, dialect)).join(".")
}

/// A text constant; `None` for a text with NUL, which no engine takes.
///
/// DuckDB reads a backslash as itself, so only the quote is doubled. The others read it by settings of the session
/// (`standard_conforming_strings`) or as an escape, and Databricks replaces `${..}` before it parses and may read a doubled
/// quote as nothing. What is read in several ways is therefore written as `CHR(n)`, which is read in one.
pub(crate) fn text(value: &str, dialect: Dialect) -> Option<String> {
    if value.contains('\0') {
        return None;
    }
    let unsure: &[char] = match dialect {
        Dialect::Duckdb => &[],
        Dialect::Postgres | Dialect::Redshift | Dialect::Snowflake => &['\\'],
        Dialect::Databricks => &['\\', '\'', '$'],
    };
    if !value.contains(unsure) {
        return Some(plain(value));
    }
    let mut parts = Vec::new();
    let mut rest = value;
    while let Some((before, letter)) =
        rest.find(unsure).and_then(|at| Some((rest.get(..at)?, rest.get(at..)?.chars().next()?)))
    {
        if !before.is_empty() {
            parts.push(plain(before));
        }
        parts.push(format!("CHR({})", u32::from(letter)));
        rest = rest.get(before.len() + letter.len_utf8()..).unwrap_or_default();
    }
    if !rest.is_empty() {
        parts.push(plain(rest));
    }
    Some(format!("({})", parts.join(" || ")))
}

fn plain(value: &str) -> String {
    format!("'{}'", value.replace('\'', "''"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_read_in_several_ways_is_written_in_one() {
        let cases = [
            (Dialect::Duckdb, r"o'b\", r"'o''b\'"),
            (Dialect::Postgres, r"o'b\", r"('o''b' || CHR(92))"),
            (Dialect::Redshift, r"\'", r"(CHR(92) || '''')"),
            (Dialect::Snowflake, "plain", "'plain'"),
            (Dialect::Snowflake, "", "''"),
            (Dialect::Databricks, "a'${x}b", "('a' || CHR(39) || CHR(36) || '{x}b')"),
            (Dialect::Databricks, "größe", "'größe'"),
        ];
        for (dialect, value, expected) in cases {
            assert_eq!(text(value, dialect).as_deref(), Some(expected), "{dialect} {value}");
        }
        assert_eq!(text("a\0b", Dialect::Duckdb), None);
        assert_eq!(name("a\"b", Dialect::Postgres), "\"a\"\"b\"");
        assert_eq!(name("a`b", Dialect::Databricks), "`a``b`");
    }
}
