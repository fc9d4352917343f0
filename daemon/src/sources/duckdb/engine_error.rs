//! The engine's errors in words for the person who asked.

use std::path::{Path, PathBuf};
use wharf_protocol::{ApiError, ErrorKind};

/// Turns the engine's text into an error: the kind from its prefix, the place of a syntax error as line and column, the
/// engine's own suggestion as hint.
pub fn engine_error(error: &duckdb::Error) -> ApiError {
    from_text(&said(error))
}

/// The same for a statement of our own, in which a place means nothing to the person who asked.
pub(super) fn without_place(error: &duckdb::Error) -> ApiError {
    let text = said(error);
    from_text(text.split("\nLINE ").next().unwrap_or(&text))
}

fn said(error: &duckdb::Error) -> String {
    match error {
        duckdb::Error::DuckDBFailure(_, Some(text)) => text.clone(),
        other => other.to_string(),
    }
}

pub(super) fn from_text(text: &str) -> ApiError {
    let (class, rest) = match text.split_once(" Error: ") {
        Some((class, rest)) if class.len() < 30 && !class.contains('\n') => (class, rest),
        _ => ("", text),
    };
    let (kind, code) = classify(class, rest);
    let mut lines = rest.lines().map(str::trim_end).filter(|l| !l.trim().is_empty());
    let first = lines.next().unwrap_or("the engine failed").to_owned();
    let mut message = lower_first(&first);
    let mut hint = None;
    for line in rest.lines().skip(1) {
        let line = line.trim();
        if let Some(names) =
            line.strip_prefix("Did you mean ").or_else(|| line.strip_prefix("Candidate bindings: "))
        {
            hint.get_or_insert_with(|| format!("did you mean {}?", names.trim_end_matches('?')));
        }
    }
    if let Some(place) = place(rest) {
        message = format!("{message} (line {}, column {})", place.0, place.1);
    }
    if class == "Invalid Input" && rest.starts_with("CSV Error on Line") || rest.contains("CSV Error on Line")
    {
        (message, hint) = csv(rest);
    }
    if let Some(file) = rest.split_once("sniffing file \"").and_then(|(_, after)| after.split('"').next()) {
        message = format!("{file}: no way was found to read it as a table of separated values");
        hint =
            Some("look for a line with too many or too few fields, or a quote that is not closed".to_owned());
    }
    if code == "disk_full" {
        return disk_full(quoted_path(rest).as_deref());
    }
    ApiError::new(kind, code, message).maybe_hint(hint.or_else(|| advice(code)))
}

/// The disk of a file that the engine writes is full. Where the engine does not tell which, it is what did not fit into
/// memory.
pub(super) fn disk_full(file: Option<&Path>) -> ApiError {
    let (what, place) = match file {
        Some(file) => (file.display().to_string(), file.parent().unwrap_or(file).display().to_string()),
        None => ("what does not fit into memory".to_owned(), "the cache folder".to_owned()),
    };
    ApiError::new(ErrorKind::Unavailable, "disk_full", format!("the disk is full: {what} cannot be written"))
        .hint(format!("free some space on the file system of {place} and try again"))
}

/// Whether the engine says that a database file is not what it wrote.
pub fn is_damage(error: &ApiError) -> bool {
    let said = error.message.to_lowercase();
    said.contains("corrupt") || said.contains("not a valid duckdb")
}

/// The absolute path that the engine's text quotes, if it does.
fn quoted_path(text: &str) -> Option<PathBuf> {
    text.split(['"', '\'']).find(|part| part.starts_with('/')).map(PathBuf::from)
}

fn classify(class: &str, rest: &str) -> (ErrorKind, &'static str) {
    match class {
        _ if rest.contains("No space left on device") || rest.contains("max_temp_directory_size") => {
            (ErrorKind::Unavailable, "disk_full")
        }
        _ if rest.contains("Wrong encryption key") => (ErrorKind::Refused, "wrong_key"),
        _ if rest.starts_with("Cannot open encrypted database") => (ErrorKind::Refused, "key_needed"),
        _ if rest.contains("read-only crypto module") => (ErrorKind::Failed, "encrypted_read_only"),
        _ if rest.contains("file system operations are disabled") => (ErrorKind::Refused, "fenced"),
        _ if rest.contains("configuration has been locked") => (ErrorKind::Refused, "fenced"),
        "Catalog" if rest.starts_with("Table with name") => (ErrorKind::NotFound, "table_not_found"),
        "Catalog" if rest.starts_with("Schema with name") => (ErrorKind::NotFound, "schema_not_found"),
        "Catalog" => (ErrorKind::NotFound, "not_in_catalog"),
        "Binder"
            if rest.starts_with("Referenced column") || rest.contains("does not have a column named") =>
        {
            (ErrorKind::NotFound, "column_not_found")
        }
        "Binder" if rest.starts_with("Referenced table") => (ErrorKind::NotFound, "table_not_found"),
        "Binder" if rest.starts_with("Catalog") => (ErrorKind::NotFound, "catalog_not_found"),
        "IO" if rest.starts_with("No files found") => (ErrorKind::NotFound, "file_not_found"),
        "Parser" | "Syntax" => (ErrorKind::Failed, "syntax"),
        "Binder" => (ErrorKind::Failed, "binder"),
        "Conversion" => (ErrorKind::Failed, "conversion"),
        "Out of Memory" => (ErrorKind::Limit, "out_of_memory"),
        "IO" => (ErrorKind::Failed, "io"),
        "INTERRUPT" => (ErrorKind::Cancelled, "cancelled"),
        "INTERNAL" | "FATAL" => (ErrorKind::Internal, "engine"),
        _ => (ErrorKind::Failed, "sql"),
    }
}

fn advice(code: &str) -> Option<String> {
    Some(
        match code {
            "table_not_found" => "`wharf table list` shows the tables there are",
            "out_of_memory" => "ask for less, or raise limits.memory (`wharf config show`)",
            "wrong_key" | "key_needed" => "give the key: wharf source add NAME PATH --replace --secret ask",
            "encrypted_read_only" => "encrypted databases can be read here, not written",
            "fenced" => "the statement tried to reach outside the tables it may read",
            _ => return None,
        }
        .to_owned(),
    )
}

fn lower_first(text: &str) -> String {
    let mut chars = text.chars();
    match chars.next() {
        // "Table with" becomes "table with"; "CAST failed" stays.
        Some(c) if c.is_uppercase() && chars.clone().next().is_some_and(char::is_lowercase) => {
            c.to_lowercase().chain(chars).collect()
        }
        _ => text.to_owned(),
    }
    .trim_end_matches(['!', '.'])
    .to_owned()
}

/// The engine points at the place with `LINE n: text` and a caret below.
fn place(text: &str) -> Option<(usize, usize)> {
    let mut lines = text.lines().skip_while(|l| !l.starts_with("LINE "));
    let shown = lines.next()?;
    let caret = lines.next()?.find('^')?;
    let (number, _) = shown.strip_prefix("LINE ")?.split_once(':')?;
    let prefix = "LINE ".len() + number.len() + ": ".len();
    // A long line is shown cut, with dots before it: then only the line is known for sure.
    if shown[prefix.min(shown.len())..].starts_with("...") {
        return None;
    }
    Some((number.parse().ok()?, (caret + 1).checked_sub(prefix)?))
}

/// The engine's report on a malformed CSV file is a page long; this keeps file, line and cause.
fn csv(text: &str) -> (String, Option<String>) {
    let after = |key: &str| {
        text.lines()
            .find_map(|l| l.trim().strip_prefix(key))
            .map(|v| v.trim().trim_end_matches('.').to_owned())
    };
    let line = text
        .lines()
        .find_map(|l| {
            l.trim().trim_start_matches("Invalid Input Error: ").strip_prefix("CSV Error on Line: ")
        })
        .map_or_else(|| "?".to_owned(), |l| l.trim().to_owned());
    let file = after("file = ").or_else(|| after("file=")).unwrap_or_else(|| "the file".to_owned());
    let cause = text
        .lines()
        .map(str::trim)
        .skip_while(|l| !l.contains("CSV Error on Line"))
        .skip(1)
        .find(|l| !l.is_empty() && !l.starts_with("Original Line"))
        .unwrap_or("it does not fit the lines before it");
    (
        format!("{file}, line {line}: {}", lower_first(cause)),
        Some("mend that line; if the column's type is the trouble, give types with --types".to_owned()),
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(sql: &str) -> ApiError {
        let connection = duckdb::Connection::open_in_memory().unwrap();
        connection.execute_batch("create table orders (order_id int, amount int)").unwrap();
        let result = connection.prepare(sql).and_then(|mut s| s.query([]).map(|_| ()));
        engine_error(&result.unwrap_err())
    }

    #[test]
    fn mistakes_name_the_place_and_offer_the_nearest() {
        let error = of("select * from ordrs");
        assert_eq!((error.code.as_str(), error.kind.exit_code()), ("table_not_found", 6));
        assert!(
            error.message.starts_with("table with name ordrs does not exist (line 1, column 15)"),
            "{error}"
        );
        assert_eq!(error.hint.as_deref(), Some("did you mean \"orders\"?"));

        let error = of("select\n  amuont from orders");
        assert_eq!((error.code.as_str(), error.kind.exit_code()), ("column_not_found", 6));
        assert!(error.message.ends_with("(line 2, column 3)"), "{error}");
        assert!(error.hint.unwrap().contains("amount"));

        let error = of("selec 1");
        assert_eq!((error.code.as_str(), error.kind.exit_code()), ("syntax", 1));
    }

    #[test]
    fn a_malformed_csv_file_is_named_with_its_line() {
        let tmp = tempfile::tempdir().unwrap();
        let path = tmp.path().join("bad.csv");
        let read = format!("select * from read_csv('{}', columns={{'a':'INT','b':'INT'}})", path.display());
        std::fs::write(&path, "a,b\n1,2\n3,4\nx,5\n").unwrap();
        let error = of(&read);
        assert!(error.message.contains("bad.csv, line 4: "), "{error}");
        std::fs::write(&path, "a,b\n1,2\n3,4\nx\"y,z,\"q\n").unwrap();
        let error = of(&read);
        assert!(error.message.contains("bad.csv: no way was found to read it"), "{error}");
    }
}
