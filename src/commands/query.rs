//! `wharf query`: SQL in, rows out.

use super::Context;
use super::result::{RowsRequest, print};
use super::token::seconds;
use crate::cli::{OutputArgs, QueryArgs};
use crate::link::Failure;
use std::collections::BTreeMap;
use std::io::{IsTerminal, Read};
use std::path::Path;
use std::process::ExitCode;
use wharf_protocol::{ApiError, ErrorKind, Format, Param, QueryRequest};

impl RowsRequest for QueryRequest {
    fn path(&self) -> &'static str {
        "/api/queries/stream"
    }

    fn shape(&mut self, format: Format, limit: Option<u64>, args: &OutputArgs) {
        self.format = format;
        self.limit = limit;
        self.no_header = args.no_header || args.tuples_only;
        self.null.clone_from(&args.null);
    }
}

/// Runs the command.
///
/// # Errors
/// When the statement fails.
pub async fn run(context: &Context, args: QueryArgs) -> Result<ExitCode, Failure> {
    let request = QueryRequest {
        sql: text(args.sql.as_deref(), args.file.as_deref())?,
        source: context.source(),
        params: params(&args.params)?,
        format: Format::None,
        limit: None,
        timeout_ms: args.timeout.as_deref().map(millis).transpose()?,
        write: args.write,
        only_tables: args.only_tables,
        cwd: context.cwd_text(),
        max_age: args.max_age.as_deref().map(seconds).transpose()?,
        warehouse: args.warehouse,
        role: args.role,
        no_header: false,
        null: None,
    };
    // A form that cannot be printed is told before anything runs.
    super::result::format(context, &args.output)?;
    let client = context.client().await?;
    print(context, &client, request, &args.output).await
}

fn text(sql: Option<&str>, file: Option<&Path>) -> Result<String, Failure> {
    match (sql, file) {
        (_, Some(file)) if file != Path::new("-") => read_file(file),
        (None | Some("-"), _) => {
            if std::io::stdin().is_terminal() {
                return Err(Failure::usage("there is no statement")
                    .hint("give it as an argument, with -f FILE, or through a pipe"));
            }
            let mut bytes = Vec::new();
            std::io::stdin().read_to_end(&mut bytes)?;
            utf8(bytes, "standard input")
        }
        (Some(sql), _) => Ok(sql.to_owned()),
    }
}

/// Reads a text file that a flag names.
///
/// # Errors
/// When it is missing, unreadable, a folder, or not UTF-8: with the place.
pub fn read_file(file: &Path) -> Result<String, Failure> {
    let shown = file.display().to_string();
    let bytes = std::fs::read(file).map_err(|e| {
        let (kind, code) = match e.kind() {
            std::io::ErrorKind::NotFound => (ErrorKind::NotFound, "file_not_found"),
            _ => (ErrorKind::Failed, "file_unreadable"),
        };
        let why = match e.kind() {
            std::io::ErrorKind::NotFound => "does not exist".to_owned(),
            std::io::ErrorKind::IsADirectory => "is a folder, and a file is due".to_owned(),
            _ => format!("cannot be read: {e}"),
        };
        Failure::from(ApiError::new(kind, code, format!("{shown} {why}")))
    })?;
    utf8(bytes, &shown)
}

fn utf8(bytes: Vec<u8>, name: &str) -> Result<String, Failure> {
    String::from_utf8(bytes).map_err(|e| {
        let good = &e.as_bytes()[..e.utf8_error().valid_up_to()];
        let line = good.iter().filter(|b| **b == b'\n').count() + 1;
        Failure::from(ApiError::new(
            ErrorKind::Failed,
            "not_utf8",
            format!("{name}, line {line}: this is not UTF-8 text"),
        ))
    })
}

/// A length of time in milliseconds.
///
/// # Errors
/// When it is none.
pub fn millis(text: &str) -> Result<u64, Failure> {
    let split = text.find(|c: char| !c.is_ascii_digit()).unwrap_or(text.len());
    let (digits, unit) = text.split_at(split);
    let factor = match unit {
        "ms" => 1,
        "" | "s" => 1_000,
        "m" => 60_000,
        "h" => 3_600_000,
        _ => 0,
    };
    let value = digits.parse::<u64>().ok().and_then(|n| n.checked_mul(factor)).filter(|n| *n > 0);
    value.ok_or_else(|| {
        Failure::usage(format!("`{text}` is not a length of time")).hint("write it as 500ms, 30s, 5m or 1h")
    })
}

fn params(given: &[String]) -> Result<BTreeMap<String, Param>, Failure> {
    let mut params = BTreeMap::new();
    for text in given {
        let Some((name, value)) = text.split_once('=') else {
            return Err(
                Failure::usage(format!("`{text}` is not a parameter")).hint("write --param name=value")
            );
        };
        let (name, kind) = name.split_once(':').map_or((name, None), |(n, k)| (n, Some(k)));
        let name = name.trim_start_matches('$');
        let bad =
            |what: &str| Failure::usage(format!("the parameter {name} is `{value}`, which is not {what}"));
        let param = match kind {
            Some("text") => Param::Text(value.to_owned()),
            Some("int") => Param::Int(value.parse().map_err(|_| bad("a whole number"))?),
            Some("bool") => Param::Bool(value.parse().map_err(|_| bad("true or false"))?),
            Some("null") => Param::Null,
            Some(other) => {
                return Err(Failure::usage(format!("`{other}` is not a parameter's type"))
                    .hint("the types are int, bool, text and null"));
            }
            None => guess(value),
        };
        if name.is_empty() || params.insert(name.to_owned(), param).is_some() {
            return Err(Failure::usage(format!("the parameter `{name}` has no name or stands twice")));
        }
    }
    Ok(params)
}

/// What looks like a whole number or a truth value is one; the rest is text, which SQL casts where it must.
fn guess(value: &str) -> Param {
    let plain = value.strip_prefix('-').unwrap_or(value);
    let leading_zero = plain.len() > 1 && plain.starts_with('0');
    match (value.parse::<i64>(), value.parse::<bool>()) {
        (Ok(n), _) if !leading_zero && !value.starts_with('+') => Param::Int(n),
        (_, Ok(b)) => Param::Bool(b),
        _ => Param::Text(value.to_owned()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parameters_keep_what_was_written() {
        let read = |text: &str| params(&[text.to_owned()]).map(|p| p.into_values().next().unwrap());
        assert_eq!(read("n=42").unwrap(), Param::Int(42));
        assert_eq!(read("zip=00742").unwrap(), Param::Text("00742".into()));
        assert_eq!(read("big=99999999999999999999").unwrap(), Param::Text("99999999999999999999".into()));
        assert_eq!(read("x:text=5").unwrap(), Param::Text("5".into()));
        assert_eq!(read("t=a=b").unwrap(), Param::Text("a=b".into()));
        assert_eq!(read("b=true").unwrap(), Param::Bool(true));
        assert!(read("nonsense").is_err());
        assert!(read("x:date=1").is_err());
        assert!(params(&["a=1".into(), "a=2".into()]).is_err());
    }

    #[test]
    fn lengths_of_time() {
        assert_eq!(millis("500ms").unwrap(), 500);
        assert_eq!(millis("5m").unwrap(), 300_000);
        for bad in ["", "0", "-1s", "1.5h", "soon"] {
            assert!(millis(bad).is_err(), "{bad}");
        }
    }
}
