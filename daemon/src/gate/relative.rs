//! Files that a statement of the owner writes, named relative to the folder the owner stands in.
//!
//! The engine has a search path for reading, and none for writing. So the literal behind `COPY ... TO`, `EXPORT DATABASE`,
//! `IMPORT DATABASE` and `ATTACH` is made absolute; nothing else in the text is touched.

use crate::sources::duckdb::literal;
use std::path::Path;

/// The statement with those literals made absolute against `cwd`.
pub(super) fn anchored(sql: &str, cwd: &Path) -> String {
    let mut out = String::with_capacity(sql.len() + 64);
    let mut word = String::new();
    let mut rest = sql;
    while let Some(c) = rest.chars().next() {
        if let Some(end) = skipped(rest) {
            let piece = &rest[..end];
            if c == '\'' && ["TO", "DATABASE", "ATTACH", "EXISTS"].contains(&word.as_str()) {
                out.push_str(&absolute(piece, cwd));
            } else {
                out.push_str(piece);
            }
            if c == '\'' || c == '"' || c == '$' {
                word.clear();
            }
            rest = &rest[end..];
        } else if c.is_alphanumeric() || c == '_' {
            let end = rest.find(|c: char| !(c.is_alphanumeric() || c == '_')).unwrap_or(rest.len());
            word = rest[..end].to_uppercase();
            out.push_str(&rest[..end]);
            rest = &rest[end..];
        } else {
            if !c.is_whitespace() {
                word.clear();
            }
            out.push(c);
            rest = &rest[c.len_utf8()..];
        }
    }
    out
}

/// The end of a quoted text or a comment that begins here.
fn skipped(text: &str) -> Option<usize> {
    let quoted = |quote: char| {
        let mut chars = text.char_indices().skip(1).peekable();
        while let Some((at, c)) = chars.next() {
            if c == quote {
                if chars.peek().is_some_and(|(_, next)| *next == quote) {
                    chars.next();
                } else {
                    return at + c.len_utf8();
                }
            }
        }
        text.len()
    };
    let until =
        |end: &str, from: usize| text[from..].find(end).map_or(text.len(), |at| from + at + end.len());
    match text.chars().next()? {
        '\'' => Some(quoted('\'')),
        '"' => Some(quoted('"')),
        '$' => {
            let tag = text[1..].find('$')?;
            let mark = &text[..tag + 2];
            mark[1..mark.len() - 1]
                .chars()
                .all(|c| c.is_alphanumeric() || c == '_')
                .then(|| until(mark, mark.len()))
        }
        '-' if text.starts_with("--") => Some(until("\n", 2)),
        '/' if text.starts_with("/*") => Some(until("*/", 2)),
        _ => None,
    }
}

fn absolute(quoted: &str, cwd: &Path) -> String {
    let inner =
        quoted.strip_prefix('\'').and_then(|q| q.strip_suffix('\'')).unwrap_or_default().replace("''", "'");
    if inner.is_empty() || inner.starts_with('/') || inner.starts_with(':') || inner.contains("://") {
        return quoted.to_owned();
    }
    literal(&cwd.join(inner).to_string_lossy())
}

#[cfg(test)]
mod tests {
    use super::anchored;
    use std::path::Path;

    #[test]
    fn only_names_of_written_files_are_made_absolute() {
        let of = |sql: &str| anchored(sql, Path::new("/here"));
        assert_eq!(
            of("copy (select 'to' t, ' to ''x''' from 'r.csv') to 'o.csv' (header)"),
            "copy (select 'to' t, ' to ''x''' from 'r.csv') to '/here/o.csv' (header)"
        );
        assert_eq!(of("COPY t TO /* x */ '/abs.csv'"), "COPY t TO /* x */ '/abs.csv'");
        assert_eq!(of("attach if not exists 'a.duckdb' as a"), "attach if not exists '/here/a.duckdb' as a");
        assert_eq!(of("attach ':memory:' as m"), "attach ':memory:' as m");
        assert_eq!(of("export database 'out' (format csv)"), "export database '/here/out' (format csv)");
        assert_eq!(of("select $$ to 'x' $$ -- to 'y'\n, 1"), "select $$ to 'x' $$ -- to 'y'\n, 1");
        assert_eq!(of("copy t to 'it''s.csv'"), "copy t to '/here/it''s.csv'");
        assert_eq!(of("copy t to 'open"), "copy t to 'open");
    }
}
