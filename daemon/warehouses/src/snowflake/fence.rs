//! The second fence around statements that run for a tenant: one statement, which neither chains further ones nor changes the
//! session that holds the tenant.
//!
//! The gate has judged the text before. This looks only at what would undo `SET TENANT`: a `;`, a chain with `->>`, and
//! statements that are not queries.

use wharf_protocol::{ApiError, ErrorKind, Param};

/// The largest value of a session variable.
const LONGEST_VALUE: usize = 16 << 10;

/// First words of statements that read.
const READING: &[&str] =
    &["SELECT", "WITH", "SHOW", "DESCRIBE", "DESC", "EXPLAIN", "VALUES", "TABLE", "LIST", "LS"];
/// First words of statements that change rows, and nothing of the session.
const WRITING: &[&str] = &[
    "INSERT", "UPDATE", "DELETE", "MERGE", "TRUNCATE", "CREATE", "DROP", "COMMENT", "COPY", "GRANT", "REVOKE",
];

/// One statement.
#[derive(Debug, PartialEq)]
pub(super) struct One<'a> {
    /// Its text, without the semicolon and whatever white space and comments follow it.
    pub(super) text: &'a str,
    /// It is a query, whose rows another may select from.
    pub(super) query: bool,
}

/// Finds the one statement of a text.
///
/// # Errors
/// When it is not one whole statement, chains others with `->>`, closes a parenthesis that it did not open, or begins with a word
/// that may change the session.
pub(super) fn one_statement<'a>(who: &str, sql: &'a str, writes: bool) -> Result<One<'a>, ApiError> {
    let refuse = |what: &str| {
        let message = format!(
            "{who}: the statement {what}; only one statement by itself is described or run for a tenant"
        );
        ApiError::new(ErrorKind::Refused, "tenant_fence", message).hint("send one plain query")
    };
    let mut end = None;
    let mut depth = 0_i64;
    let mut first = None;
    let mut last_word = String::new();
    let mut rest = sql;
    while let Some(token) = next(rest) {
        let token = token.map_err(refuse)?;
        let at = sql.len() - rest.len();
        let (text, after) = rest.split_at(token.length);
        rest = after;
        if token.kind == Kind::Space {
            continue;
        }
        if end.is_some() && text != ";" {
            return Err(refuse("is several statements"));
        }
        match text {
            ";" => {
                end.get_or_insert(at);
            }
            "->>" => return Err(refuse("chains others with ->>")),
            "(" => depth += 1,
            ")" if depth == 0 => return Err(refuse("closes a parenthesis that it did not open")),
            ")" => depth -= 1,
            _ => {}
        }
        if token.kind == Kind::Word {
            let word = text.to_ascii_uppercase();
            if word == "PROCEDURE" && last_word == "AS" {
                return Err(refuse("defines a procedure"));
            }
            first.get_or_insert_with(|| word.clone());
            last_word = word;
        } else {
            last_word.clear();
        }
    }
    if depth != 0 {
        return Err(refuse("leaves a parenthesis open"));
    }
    match first {
        Some(word) if READING.contains(&word.as_str()) => {
            let query = ["SELECT", "WITH", "VALUES"].contains(&word.as_str());
            Ok(One { text: &sql[..end.unwrap_or(sql.len())], query })
        }
        Some(word) if writes && WRITING.contains(&word.as_str()) => {
            Ok(One { text: &sql[..end.unwrap_or(sql.len())], query: false })
        }
        Some(word) => Err(refuse(&format!("begins with {word}"))),
        None => Err(refuse("is empty")),
    }
}

/// A value as a literal. Snowflake honours backslashes in literals, so they are doubled like quotes.
///
/// # Errors
/// When it is too long for a session variable or holds a NUL.
pub(super) fn literal(who: &str, value: &str) -> Result<String, ApiError> {
    if value.len() > LONGEST_VALUE || value.contains('\0') {
        let message = format!("{who}: the tenant is no text that a session variable can hold");
        return Err(ApiError::new(ErrorKind::Invalid, "tenant", message)
            .hint("a tenant has at most 16 KiB and no NUL: look at the user or token it belongs to"));
    }
    Ok(constant(value))
}

fn constant(text: &str) -> String {
    format!("'{}'", text.replace('\\', "\\\\").replace('\'', "''"))
}

/// The statement with its values in the place of its `?`, for where Snowflake binds none.
///
/// # Errors
/// When there are not as many as it has `?`, or one holds a NUL.
pub(super) fn filled(who: &str, sql: &str, values: &[(String, Param)]) -> Result<String, ApiError> {
    let bad = |what: String| ApiError::new(ErrorKind::Invalid, "parameter_missing", format!("{who}: {what}"));
    let (mut text, mut left, mut rest) = (String::with_capacity(sql.len()), values.iter(), sql);
    while let Some(token) = next(rest) {
        let token = token.map_err(|what| bad(format!("the statement {what}")))?;
        let (word, after) = rest.split_at(token.length);
        rest = after;
        if word != "?" {
            text.push_str(word);
            continue;
        }
        let (name, value) =
            left.next().ok_or_else(|| bad("the statement has more placeholders than values".to_owned()))?;
        text.push_str(&match value {
            Param::Null => "NULL".to_owned(),
            Param::Bool(truth) => truth.to_string().to_uppercase(),
            // A sign before it must not make a comment of it.
            Param::Int(number) => format!("({number})"),
            Param::Text(value) if value.contains('\0') => {
                return Err(bad(format!("the value of `{name}` holds a NUL")));
            }
            Param::Text(value) => constant(value),
        });
    }
    match left.next() {
        None => Ok(text),
        Some((name, _)) => Err(bad(format!("there is no placeholder for the value of `{name}`"))),
    }
}

/// A name in quotes.
pub(super) fn quoted(name: &str) -> String {
    format!("\"{}\"", name.replace('"', "\"\""))
}

#[derive(PartialEq)]
enum Kind {
    Space,
    Word,
    Other,
}

struct Token {
    kind: Kind,
    length: usize,
}

/// The first token of a text; an error when it does not end.
fn next(text: &str) -> Option<Result<Token, &'static str>> {
    let first = text.chars().next()?;
    let open_comment = "leaves a comment open";
    let (kind, length) = match first {
        _ if first.is_whitespace() => (Kind::Space, Some(first.len_utf8())),
        _ if text.starts_with("--") || text.starts_with("//") => {
            (Kind::Space, Some(text.find('\n').map_or(text.len(), |at| at + 1)))
        }
        _ if text.starts_with("/*") => {
            let end = text[2..].find("*/").map(|at| at + 4);
            // Whether comments nest is seen differently; nobody needs it.
            if end.is_none_or(|end| text[2..end].contains("/*")) {
                return Some(Err(open_comment));
            }
            (Kind::Space, end)
        }
        '\'' => (Kind::Other, string(text)),
        '"' => (Kind::Other, identifier(text)),
        '$' if text.starts_with("$$") => (Kind::Other, text[2..].find("$$").map(|at| at + 4)),
        _ if first.is_alphabetic() || first == '_' => {
            let end = text.find(|c: char| !(c.is_alphanumeric() || c == '_' || c == '$'));
            (Kind::Word, Some(end.unwrap_or(text.len())))
        }
        _ if text.starts_with("->>") => (Kind::Other, Some(3)),
        _ => (Kind::Other, Some(first.len_utf8())),
    };
    Some(length.map(|length| Token { kind, length }).ok_or("leaves a quote open"))
}

/// The length of a literal with its quotes: a quote in it is doubled or stands behind a backslash.
fn string(text: &str) -> Option<usize> {
    let bytes = text.as_bytes();
    let mut at = 1;
    loop {
        match bytes.get(at)? {
            b'\\' => at += 2,
            b'\'' if bytes.get(at + 1) == Some(&b'\'') => at += 2,
            b'\'' => return Some(at + 1),
            _ => at += 1,
        }
    }
}

/// The length of a quoted name: a quote in it is doubled.
fn identifier(text: &str) -> Option<usize> {
    let bytes = text.as_bytes();
    let mut at = 1;
    loop {
        match bytes.get(at)? {
            b'"' if bytes.get(at + 1) == Some(&b'"') => at += 2,
            b'"' => return Some(at + 1),
            _ => at += 1,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_take_the_place_of_placeholders_and_of_nothing_else() {
        let values =
            [Param::Text(r"o'h\'; set x='".to_owned()), Param::Int(-5), Param::Bool(true), Param::Null];
        let values: Vec<(String, Param)> = values.into_iter().map(|value| ("v".to_owned(), value)).collect();
        let sql = "select '?', \"?\", $$?$$ -- ?\n, ?, 1-?, ? /* ? */, ?";
        let text = filled("sf", sql, &values).unwrap();
        let expected = r"'o''h\\''; set x='''";
        assert_eq!(text, format!("select '?', \"?\", $$?$$ -- ?\n, {expected}, 1-(-5), TRUE /* ? */, NULL"));
        assert!(one_statement("sf", &text, false).is_ok());
        for sql in ["select ?, ?, ?", "select ?, ?, ?, ?, ?", "select 'open ?"] {
            assert_eq!(filled("sf", sql, &values).unwrap_err().code, "parameter_missing", "{sql}");
        }
        let nul = [("v".to_owned(), Param::Text("\0".to_owned()))];
        assert!(filled("sf", "select ?", &nul).unwrap_err().message.contains("NUL"));
    }

    #[test]
    fn one_query_passes_and_nothing_more() {
        for sql in [
            "select 1",
            "select ';', '->>' -- ; ->>\n from t",
            r#"select 'it''s \'; drop', $$a;b->>$$, ";->>"" ""x""#,
            "with a as (select 1) select * from a",
            "(select 1) union (select 2)",
            "/* ; */ select 1 // ; \n",
            "select a->b, procedure from t as p",
        ] {
            assert_eq!(one_statement("s", sql, false).unwrap().text, sql);
        }
        assert_eq!(
            one_statement("s", "select 1 ; -- done\n ;", false).unwrap(),
            One { text: "select 1 ", query: true }
        );
        assert!(!one_statement("s", "show tables", false).unwrap().query);
        for sql in [
            "",
            " ; ",
            "select 1; select 2",
            "select 1 ->> select 2",
            "set tenant='b'",
            "use role x",
            "call p()",
            "execute immediate 'x'",
            "begin",
            "alter session set x=1",
            "unset tenant",
            "declare x int",
            "insert into t select 1",
            "select 'a\\'; set tenant=1 --",
            "select \"a",
            "select $$a",
            "/* a",
            "/* /* */ select 1",
            "select 1) union (select 2",
            "(select 1",
            "with p as procedure() returns int language sql as 'x' call p()",
        ] {
            assert_eq!(one_statement("s", sql, false).unwrap_err().code, "tenant_fence", "{sql}");
        }
        assert!(one_statement("s", "insert into t select 1", true).is_ok());
        assert!(one_statement("s", "set tenant='b'", true).is_err());
    }

    #[test]
    fn values_stay_inside_their_quotes() {
        for (value, text) in
            [("acme", "'acme'"), ("o'h", "'o''h'"), (r"\'; x", r"'\\''; x'"), ("", "''"), ("ü\n", "'ü\n'")]
        {
            let literal = literal("s", value).unwrap();
            assert_eq!(literal, text);
            assert_eq!(string(&literal), Some(literal.len()));
        }
        assert!(literal("s", "a\0").is_err() && literal("s", &"a".repeat(20_000)).is_err());
    }
}
