//! Results on their way out: which form, into which place, and what is said about them.

mod relay;
mod waiting;

use super::Context;
use crate::cli::{OutputArgs, OutputFormat};
use crate::link::{Client, Failure, RowStream, RowsEnd};
use crate::output::{Grid, Look, Paged, note, warn};
use serde::Serialize;
use std::io::Write;
use std::os::fd::AsFd;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use wharf_protocol::{ApiError, Column, ColumnKind, ErrorKind, Format, QueryStats};
use wharf_settings::{Use, WholeFile};

/// A request whose rows can be had in any form.
pub trait RowsRequest: Serialize {
    /// Where it is posted.
    fn path(&self) -> &'static str;
    /// Sets the form, the limit where there is one, and how NULL and the header are written.
    fn shape(&mut self, format: Format, limit: Option<u64>, args: &OutputArgs);
}

/// The form that was asked for: by flag, by the file's ending, by the settings.
///
/// # Errors
/// When a binary form would go to a terminal, or a file's ending says nothing.
pub fn format(context: &Context, args: &OutputArgs) -> Result<OutputFormat, Failure> {
    let asked = match (args.format, args.json, args.csv, args.ndjson) {
        (Some(format), ..) => Some(format),
        (_, true, ..) => Some(OutputFormat::Json),
        (_, _, true, _) => Some(OutputFormat::Csv),
        (.., true) => Some(OutputFormat::Ndjson),
        _ => None,
    };
    if let Some(folder) = args.output.as_deref().filter(|p| p.is_dir()) {
        return Err(Failure::usage(format!("{} is a folder, and -o needs a file", folder.display())));
    }
    let by_file = args.output.as_deref().map(|file| by_ending(file, asked)).transpose()?;
    let format = asked.or(by_file).unwrap_or_else(|| match context.settings.text("output.format") {
        "plain" => OutputFormat::Plain,
        "vertical" => OutputFormat::Vertical,
        "markdown" => OutputFormat::Markdown,
        "csv" => OutputFormat::Csv,
        "tsv" => OutputFormat::Tsv,
        "json" => OutputFormat::Json,
        "ndjson" => OutputFormat::Ndjson,
        _ => OutputFormat::Table,
    });
    let binary = matches!(format, OutputFormat::Arrow | OutputFormat::Parquet);
    if binary && args.output.is_none() && context.terminal.out {
        return Err(Failure::usage("a terminal cannot show Arrow or Parquet")
            .hint("write to a file with -o FILE, or into a pipe"));
    }
    Ok(format)
}

fn by_ending(file: &Path, asked: Option<OutputFormat>) -> Result<OutputFormat, Failure> {
    let ending = file.extension().map(|e| e.to_string_lossy().to_lowercase()).unwrap_or_default();
    Ok(match ending.as_str() {
        "csv" => OutputFormat::Csv,
        "tsv" | "tab" => OutputFormat::Tsv,
        "json" => OutputFormat::Json,
        "ndjson" | "jsonl" => OutputFormat::Ndjson,
        "arrow" | "arrows" | "ipc" => OutputFormat::Arrow,
        "parquet" | "pq" => OutputFormat::Parquet,
        "md" => OutputFormat::Markdown,
        "txt" => OutputFormat::Table,
        _ => {
            match asked {
                Some(format) => format,
                None => {
                    return Err(Failure::usage(format!("the ending of {} does not say which form is meant", file.display()))
                    .hint("end it in .csv, .tsv, .json, .ndjson, .arrow, .parquet, .md or .txt, or add --format"));
                }
            }
        }
    })
}

/// Runs a request and prints its rows.
///
/// # Errors
/// When it fails, or its rows cannot be written.
pub async fn print(
    context: &Context,
    client: &Client,
    mut request: impl RowsRequest,
    args: &OutputArgs,
) -> Result<ExitCode, Failure> {
    let format = format(context, args)?;
    let (stats, limit) = match (wire(format), look(format)) {
        (Some(wire), _) => {
            request.shape(wire, args.limit, args);
            (bulk(context, client, &request, args, wire).await?, args.limit)
        }
        (None, Some(look)) => {
            let limit = args.limit.unwrap_or_else(|| context.settings.count("output.rows"));
            request.shape(Format::Rows, Some(limit), args);
            (view(context, client, &request, args, look).await?, Some(limit))
        }
        (None, None) => return Err(Failure::usage("this form cannot be printed")),
    };
    tell(context, args, &stats, limit)
}

fn wire(format: OutputFormat) -> Option<Format> {
    match format {
        OutputFormat::Csv => Some(Format::Csv),
        OutputFormat::Tsv => Some(Format::Tsv),
        OutputFormat::Json => Some(Format::Json),
        OutputFormat::Ndjson => Some(Format::Ndjson),
        OutputFormat::Arrow => Some(Format::Arrow),
        OutputFormat::Parquet => Some(Format::Parquet),
        OutputFormat::None => Some(Format::None),
        OutputFormat::Table | OutputFormat::Plain | OutputFormat::Vertical | OutputFormat::Markdown => None,
    }
}

fn look(format: OutputFormat) -> Option<Look> {
    match format {
        OutputFormat::Table => Some(Look::Table),
        OutputFormat::Plain => Some(Look::Plain),
        OutputFormat::Vertical => Some(Look::Vertical),
        OutputFormat::Markdown => Some(Look::Markdown),
        _ => None,
    }
}

/// What is said about a result on standard error, and the exit code. `limit` is how many rows were asked for.
fn tell(
    context: &Context,
    args: &OutputArgs,
    stats: &QueryStats,
    limit: Option<u64>,
) -> Result<ExitCode, Failure> {
    if stats.truncated && limit.is_none_or(|limit| stats.rows < limit) {
        warn(&format!("only {} rows; there are more, but an admin's limit cuts results there", stats.rows));
    } else if stats.truncated {
        warn(&format!(
            "showing {} rows; there are more (--limit N shows more, --csv or -o FILE writes all)",
            stats.rows
        ));
    } else if context.terminal.out && context.terminal.err && args.format.is_none() && !args.tuples_only {
        let rows = if stats.rows == 1 { "row" } else { "rows" };
        note(&context.terminal, &format!("{} {rows}, {:.1} ms", stats.rows, stats.elapsed_ms));
    }
    if let (Some(at), Some(replica)) = (&stats.data_at, stats.route.strip_prefix("replica:")) {
        note(&context.terminal, &format!("from the replica {replica}, data of {at}"));
    }
    if let (Some(at), Some("hit")) = (&stats.data_at, stats.cache.as_deref()) {
        note(&context.terminal, &format!("cache: hit, data of {at}"));
    }
    if args.stats {
        warn(&serde_json::to_string(stats).unwrap_or_default());
    }
    if stats.truncated && args.fail_on_truncate {
        return Ok(ExitCode::from(9));
    }
    Ok(ExitCode::SUCCESS)
}

/// Rows for programs: the daemon writes them straight into our output, a server sends them.
async fn bulk(
    context: &Context,
    client: &Client,
    request: &impl RowsRequest,
    args: &OutputArgs,
    format: Format,
) -> Result<QueryStats, Failure> {
    if let Some(path) = &args.output {
        let mut file = Target::create(path)?;
        let stats = if client.is_local() {
            let (client, id) = client.hand_over(file.file().as_fd()).await?;
            client.post_into(request.path(), request, &id).await?
        } else {
            relay::copy(client, request, file.file()).await?
        };
        file.finish()?;
        return Ok(stats);
    }
    if context.terminal.out && format != Format::None {
        return relay::onto_terminal(client, request).await;
    }
    let out = std::io::stdout();
    if !client.is_local() {
        return relay::copy(client, request, &mut out.lock()).await;
    }
    let (client, id) = client.hand_over(out.as_fd()).await?;
    client.post_into(request.path(), request, &id).await
}

/// Rows for people.
async fn view(
    context: &Context,
    client: &Client,
    request: &impl RowsRequest,
    args: &OutputArgs,
    look: Look,
) -> Result<QueryStats, Failure> {
    let begun = async { RowStream::begin(client.stream(request.path(), request).await?).await };
    let mut stream = waiting::watched(context, client, begun).await?;
    let mut grid = Grid {
        columns: std::mem::take(&mut stream.columns),
        rows: Vec::new(),
        bare: args.tuples_only || args.no_header,
        null: args.null.clone().unwrap_or_else(|| context.settings.text("output.null").to_owned()),
        group: false,
    };
    let stats = loop {
        match stream.next().await? {
            RowsEnd::Row(row) => grid.rows.push(row),
            RowsEnd::Done(stats) => break *stats,
        }
    };
    show(context, &grid, look, args.output.as_deref())?;
    Ok(stats)
}

/// Writes a grid to its place. A reader that went away is no error.
///
/// # Errors
/// When a file cannot be written.
pub fn show(context: &Context, grid: &Grid, look: Look, file: Option<&Path>) -> Result<(), Failure> {
    if let Some(path) = file {
        let mut target = Target::create(path)?;
        let mut plain = context.terminal.clone();
        (plain.width, plain.color_out) = (None, false);
        grid.write(look, &plain, target.file()).map_err(|e| target.failed(&e))?;
        return target.finish();
    }
    let mut out = Paged::open(&context.terminal, grid.lines(look));
    let _ = grid.write(look, &context.terminal, &mut out).and_then(|()| out.flush());
    out.close();
    Ok(())
}

/// A list that a command prints: in a table for people, else as asked.
///
/// # Errors
/// When the form is not one of texts, or a file cannot be written.
pub fn list(
    context: &Context,
    args: &OutputArgs,
    columns: &[(&str, ColumnKind)],
    rows: Vec<Vec<Option<String>>>,
    json: &impl Serialize,
) -> Result<ExitCode, Failure> {
    let format = format(context, args)?;
    let columns: Vec<Column> = columns
        .iter()
        .map(|(name, kind)| Column { name: (*name).to_owned(), r#type: String::new(), kind: *kind })
        .collect();
    let text = match format {
        OutputFormat::Json => serde_json::to_string_pretty(json).unwrap_or_default() + "\n",
        OutputFormat::Ndjson => ndjson(json),
        OutputFormat::Csv | OutputFormat::Tsv => {
            delimited(&columns, &rows, args, format == OutputFormat::Tsv)
        }
        OutputFormat::None => String::new(),
        OutputFormat::Arrow | OutputFormat::Parquet => {
            return Err(Failure::usage("this list has no Arrow or Parquet form")
                .hint("choose csv, tsv, json, ndjson, table, plain, vertical or markdown"));
        }
        OutputFormat::Table | OutputFormat::Plain | OutputFormat::Vertical | OutputFormat::Markdown => {
            let null = args.null.clone().unwrap_or_default();
            let grid = Grid { columns, rows, bare: args.tuples_only || args.no_header, null, group: false };
            show(context, &grid, look(format).unwrap_or(Look::Table), args.output.as_deref())?;
            return Ok(ExitCode::SUCCESS);
        }
    };
    match &args.output {
        Some(path) => {
            let mut target = Target::create(path)?;
            target.file().write_all(text.as_bytes()).map_err(|e| target.failed(&e))?;
            target.finish()?;
        }
        None => out(&text),
    }
    Ok(ExitCode::SUCCESS)
}

fn ndjson(json: &impl Serialize) -> String {
    let value = serde_json::to_value(json).unwrap_or_default();
    let items = value.as_array().cloned().unwrap_or_else(|| vec![value]);
    items.iter().map(|item| format!("{item}\n")).collect()
}

fn delimited(columns: &[Column], rows: &[Vec<Option<String>>], args: &OutputArgs, tabs: bool) -> String {
    let null = args.null.clone().unwrap_or_default();
    let field = |text: &str| {
        if tabs {
            text.replace('\\', "\\\\").replace('\t', "\\t").replace('\n', "\\n").replace('\r', "\\r")
        } else if text.contains([',', '"', '\n', '\r']) || text == null {
            format!("\"{}\"", text.replace('"', "\"\""))
        } else {
            text.to_owned()
        }
    };
    let comma = if tabs { "\t" } else { "," };
    let mut text = String::new();
    if !args.no_header && !args.tuples_only {
        text.push_str(&columns.iter().map(|c| field(&c.name)).collect::<Vec<_>>().join(comma));
        text.push('\n');
    }
    for row in rows {
        let fields: Vec<String> =
            row.iter().map(|v| v.as_deref().map_or_else(|| null.clone(), field)).collect();
        text.push_str(&fields.join(comma));
        text.push('\n');
    }
    text
}

/// Text to standard output; a reader that went away is no error.
pub fn out(text: &str) {
    let mut out = std::io::stdout().lock();
    let _ = out.write_all(text.as_bytes()).and_then(|()| out.flush());
}

/// A JSON value to standard output.
pub fn out_json(value: &impl Serialize) {
    out(&(serde_json::to_string_pretty(value).unwrap_or_default() + "\n"));
}

/// A file that a command writes: it appears under its name only when it is whole.
pub struct Target {
    path: PathBuf,
    whole: WholeFile,
}

impl Target {
    /// Begins a file.
    ///
    /// # Errors
    /// When it cannot be made there.
    pub fn create(path: &Path) -> Result<Self, Failure> {
        let whole = WholeFile::create(path, Use::Asked).map_err(|e| cannot_write(path, &e))?;
        Ok(Self { path: path.to_owned(), whole })
    }

    /// The file while it is written.
    pub fn file(&mut self) -> &mut std::fs::File {
        &mut self.whole.file
    }

    /// The failure of a write.
    pub fn failed(&self, e: &std::io::Error) -> Failure {
        cannot_write(&self.path, e)
    }

    /// The file is whole: it takes its name.
    ///
    /// # Errors
    /// When it cannot be kept.
    pub fn finish(self) -> Result<(), Failure> {
        let Self { path, whole } = self;
        whole.keep().map_err(|e| cannot_write(&path, &e))
    }
}

/// The failure of a file that cannot be written.
pub fn cannot_write(path: &Path, e: &std::io::Error) -> Failure {
    let full = matches!(e.kind(), std::io::ErrorKind::StorageFull | std::io::ErrorKind::QuotaExceeded);
    let code = if full { "disk_full" } else { "output" };
    let failure = Failure::from(ApiError::new(
        ErrorKind::Failed,
        code,
        format!("{} cannot be written: {e}", path.display()),
    ));
    if full {
        failure.hint("free some space, or choose another place; nothing was left behind")
    } else {
        failure
    }
}
