//! The text of a filter: what is no plain expression is refused before any parser sees it, and placeholders are found.
//!
//! Comments, several ways to write strings, and backslashes in them are refused, so that this reading of the text is the
//! engine's, whatever the dialect and its settings. Brackets must close in the text: it is put between brackets.

use super::{BadFilter, PLACEHOLDERS};
use crate::names::Dialect;

/// A part of a filter.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Piece<'a> {
    /// Text as it stands.
    Text(&'a str),
    /// The name of an attribute.
    Placeholder(&'a str),
}

/// The parts of a filter, in order.
pub(super) fn pieces(text: &str, dialect: Dialect) -> Result<Vec<Piece<'_>>, BadFilter> {
    let bytes = text.as_bytes();
    let (mut found, mut open, mut from, mut at) = (Vec::new(), Vec::new(), 0, 0);
    while let Some(&byte) = bytes.get(at) {
        let next = bytes.get(at + 1).copied().unwrap_or(0);
        match byte {
            b'\'' | b'"' | b'`' => at = quoted(text, at, dialect)?,
            b':' if next == b':' => at += 2,
            b':' if next.is_ascii_alphabetic() && stands_free(bytes, at) => {
                let end = name_end(bytes, at + 1);
                let name = text.get(at + 1..end).unwrap_or_default();
                found.push(Piece::Text(text.get(from..at).unwrap_or_default()));
                found.push(Piece::Placeholder(placeholder(text, at, end, name)?));
                (from, at) = (end, end);
            }
            b'(' | b'[' | b'{' => {
                open.push(byte);
                at += 1;
            }
            b')' | b']' | b'}' => {
                if open.pop() != Some(opening(byte)) {
                    return Err(refused("closes a bracket that is not open"));
                }
                at += 1;
            }
            b'-' if next == b'-' => return Err(refused("holds a comment")),
            b'/' if matches!(next, b'*' | b'/') && (next == b'*' || dialect != Dialect::Duckdb) => {
                return Err(refused("holds a comment"));
            }
            b';' => return Err(refused("holds a semicolon")),
            b'$' | b'?' | b'#' => return Err(refused(&format!("holds the sign {}", char::from(byte)))),
            byte if byte.is_ascii_control() && !matches!(byte, b'\t' | b'\n' | b'\r') => {
                return Err(refused("holds a control character"));
            }
            _ => at += 1,
        }
    }
    if !open.is_empty() {
        return Err(refused("leaves a bracket open"));
    }
    found.push(Piece::Text(text.get(from..).unwrap_or_default()));
    Ok(found)
}

fn opening(closing: u8) -> u8 {
    match closing {
        b')' => b'(',
        b']' => b'[',
        _ => b'{',
    }
}

/// Whether a colon starts a placeholder: not within a slice (`x[1:n]`), a structure (`{'a':n}`) or a path (`data:name`).
fn stands_free(bytes: &[u8], at: usize) -> bool {
    let before = at.checked_sub(1).and_then(|before| bytes.get(before));
    before.is_none_or(|byte| !byte.is_ascii_alphanumeric() && !b"_'\"`)]}:".contains(byte) && byte.is_ascii())
}

fn name_end(bytes: &[u8], from: usize) -> usize {
    let rest = bytes.get(from..).unwrap_or_default();
    let length = rest.iter().position(|byte| !byte.is_ascii_alphanumeric() && *byte != b'_');
    from + length.unwrap_or(rest.len())
}

/// One past the closing quote.
fn quoted(text: &str, start: usize, dialect: Dialect) -> Result<usize, BadFilter> {
    let bytes = text.as_bytes();
    let quote = bytes[start];
    let prefix = start.checked_sub(1).map(|before| bytes[before]);
    if quote == b'\'' && prefix.is_some_and(|byte| byte.is_ascii_alphanumeric() || b"_&".contains(&byte)) {
        return Err(refused("holds a string with a letter before it"));
    }
    if quote == b'`' && dialect != Dialect::Databricks {
        return Err(refused("holds the sign `"));
    }
    if quote == b'"' && dialect == Dialect::Databricks {
        return Err(refused("holds a double quote, which Databricks may read in two ways"));
    }
    let mut at = start + 1;
    while let Some(&byte) = bytes.get(at) {
        if byte == b'\\' && dialect != Dialect::Duckdb {
            return Err(BadFilter::new(
                "holds a backslash in quotes, which is read by settings",
                "write CHR(92)",
            ));
        }
        if byte != quote {
            at += 1;
        } else if bytes.get(at + 1) == Some(&quote) {
            at += 2;
        } else {
            return Ok(at + 1);
        }
    }
    Err(refused("leaves a quote open"))
}

/// The attribute named between `at` and `end`.
fn placeholder<'a>(text: &str, at: usize, end: usize, name: &'a str) -> Result<&'a str, BadFilter> {
    let Some((_, is_list)) = PLACEHOLDERS.iter().find(|(known, _)| *known == name) else {
        let known: Vec<String> = PLACEHOLDERS.iter().map(|(known, _)| format!(":{known}")).collect();
        let what = format!("names the attribute :{name}, which no principal has");
        return Err(BadFilter::new(what, format!("the attributes are {}", known.join(", "))));
    };
    if *is_list {
        let before = text.get(..at).unwrap_or_default().trim_end().strip_suffix('(').map(str::trim_end);
        let word = before.and_then(|before| before.rsplit(|c: char| c.is_whitespace() || c == ')').next());
        let alone = text.get(end..).unwrap_or_default().trim_start().starts_with(')');
        if !alone || !word.is_some_and(|word| word.eq_ignore_ascii_case("in")) {
            let what = format!("has the list :{name} outside the brackets of an IN");
            return Err(BadFilter::new(what, format!("write column IN (:{name})")));
        }
    }
    Ok(name)
}

fn refused(what: &str) -> BadFilter {
    BadFilter::new(what, "write one plain condition, such as tenant = :tenant")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names(text: &str) -> Result<Vec<&str>, String> {
        let pieces = pieces(text, Dialect::Duckdb).map_err(|bad| bad.to_string())?;
        let name = |piece: Piece<'static>| match piece {
            Piece::Placeholder(name) => Some(name),
            Piece::Text(_) => None,
        };
        let text: &'static str = text.to_owned().leak();
        let again = self::pieces(text, Dialect::Duckdb).map_err(|bad| bad.to_string())?;
        assert_eq!(pieces.len(), again.len());
        Ok(again.into_iter().filter_map(name).collect())
    }

    #[test]
    fn placeholders_are_told_from_other_colons() {
        let cases: &[(&str, &[&str])] = &[
            ("tenant = :tenant", &["tenant"]),
            (":tenant=tenant", &["tenant"]),
            ("t=:tenant AND r IN (:role)", &["tenant", "role"]),
            ("r in( :role )", &["role"]),
            ("x::varchar = ':tenant'", &[]),
            ("x[1:tenant] = 1", &[]),
            ("{'a':tenant} = x", &[]),
            ("\":tenant\" = 1", &[]),
            ("a = :user::varchar", &["user"]),
        ];
        for (text, expected) in cases {
            assert_eq!(names(text).as_deref(), Ok(*expected), "{text}");
        }
    }

    #[test]
    fn what_is_no_plain_expression_is_refused() {
        let cases = [
            "a = 1; b",
            "a -- b",
            "a /* b */",
            "a = 1) OR (b",
            "(a = 1",
            "a = $1",
            "a = ?",
            "a = 'x",
            "E'\\'' = a",
            "a[1)",
            "a = :nobody",
            "a = :role",
            "a IN (1, :role)",
            "a IN (:role, 1)",
            "f(:role)",
            "a = \u{1}",
        ];
        for text in cases {
            assert!(pieces(text, Dialect::Duckdb).is_err(), "{text}");
        }
        for dialect in [Dialect::Postgres, Dialect::Redshift, Dialect::Snowflake, Dialect::Databricks] {
            assert!(pieces(r"a = 'x\'", dialect).is_err(), "{dialect}");
            assert!(pieces("a = 'it''s'", dialect).is_ok(), "{dialect}");
        }
    }
}
