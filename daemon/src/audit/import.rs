//! Moves the lines of earlier versions, which stood in a table of the state, into the log's first segment.

use super::Entry;
use super::line::{self, Head, Header};
use super::lock::Lock;
use super::note::Note;
use super::segment::Segment;
use crate::clock;
use crate::state::{State, StateError};
use blake3::Hash;
use chrono::{DateTime, Utc};
use serde::Deserialize;
use std::io::{BufWriter, Write};
use std::path::Path;
use wharf_settings::{Use, WholeFile};

#[derive(Deserialize)]
struct Before {
    #[serde(default)]
    at: String,
    #[serde(flatten)]
    entry: Entry,
}

type Row = (i64, String, String);

/// Moves the lines. Their own chain is checked on the way: where it breaks, the log's chain breaks too, so that what was
/// damaged before does not look sound afterwards. Killed on the way, it begins anew at the next start.
///
/// # Errors
/// When the table cannot be read or the files cannot be written.
pub(super) async fn import(state: &State, folder: &Path) -> Result<Note, StateError> {
    let io = |e: std::io::Error| StateError::Io { file: folder.to_owned(), cause: e.to_string() };
    let lock = Lock::open(folder).map_err(io)?;
    let _held = lock.hold().map_err(io)?;
    // Another process may have done it meanwhile.
    let note = Note::load(state, true).await?;
    if !note.waiting {
        return Ok(note);
    }
    let rows: Vec<Row> = sqlx::query_as("select seq, line, hash from audit order by seq")
        .fetch_all(state.at_boot())
        .await
        .map_err(|e| state.error(e))?;
    let sound = sound(&rows);
    let (first, rest) = rows.split_at(sound);
    let (mut head, mut segment) = (Head::START, 0_u64);
    if !first.is_empty() {
        segment += 1;
        head = write(folder, segment, head, head.hash, first).map_err(io)?;
    }
    if let Some((seq, _, hash)) = rest.first() {
        tracing::error!(line = seq, "the earlier audit log is broken; its lines are kept as they are");
        segment += 1;
        let elsewhere = line::chain(&head.hash, hash.as_bytes());
        head = write(folder, segment, head, elsewhere, rest).map_err(io)?;
    }
    let moved = sqlx::query("update audit_note set seq = ?, hash = ?, segment = ? where id = 1")
        .bind(i64::try_from(head.seq).unwrap_or(i64::MAX))
        .bind(head.hash.to_hex().to_string())
        .bind(i64::try_from(segment).unwrap_or(i64::MAX));
    let mut write = state.write().await?;
    moved.execute(write.on()).await.map_err(|e| write.error(e))?;
    sqlx::query("delete from audit").execute(write.on()).await.map_err(|e| write.error(e))?;
    write.commit().await?;
    Note::load(state, true).await
}

/// How many lines, from the first on, are as they were written.
fn sound(rows: &[Row]) -> usize {
    let mut previous = String::new();
    let fits = |(at, (seq, line, hash)): (usize, &Row)| {
        let text = format!("{previous}\n{line}");
        previous.clone_from(hash);
        usize::try_from(*seq) == Ok(at + 1) && blake3::hash(text.as_bytes()).to_hex().as_str() == hash
    };
    rows.iter().enumerate().map(fits).take_while(|fits| *fits).count()
}

/// Writes rows into a segment that claims to come behind a line with the hash `previous`.
fn write(folder: &Path, number: u64, head: Head, previous: Hash, rows: &[Row]) -> std::io::Result<Head> {
    let lines: Vec<(String, Entry)> = rows.iter().map(|(_, line, _)| read(line)).collect();
    let at = lines.first().map_or_else(clock::now_text, |(at, _)| at.clone());
    // From what is in the table, so that a second attempt gives the files the same names.
    let time = DateTime::parse_from_rfc3339(&at).map_or(DateTime::UNIX_EPOCH, |t| t.with_timezone(&Utc));
    let segment = Segment::new(folder, number, time);
    let header = Header {
        segment: number,
        first: head.seq + 1,
        at,
        version: env!("CARGO_PKG_VERSION").to_owned(),
        previous: previous.to_hex().to_string(),
    };
    let mut text = Vec::new();
    let mut head = header.head(line::put_header(&mut text, &header, &previous));
    let mut whole = WholeFile::create(&segment.path, Use::Own)?;
    let mut file = BufWriter::new(&mut whole.file);
    for (at, entry) in &lines {
        let entry = serde_json::to_string(entry)?;
        head = line::put(&mut text, head, at, &entry);
        file.write_all(&text)?;
        text.clear();
    }
    file.flush()?;
    drop(file);
    whole.keep()?;
    Ok(head)
}

/// What a line said. One that cannot be read is kept as text.
fn read(line: &str) -> (String, Entry) {
    let dated = |before: &Before| DateTime::parse_from_rfc3339(&before.at).is_ok();
    match serde_json::from_str::<Before>(line).ok().filter(dated) {
        Some(before) => (before.at, before.entry),
        None => {
            let reason = "this line of the earlier log cannot be read".to_owned();
            let entry = Entry::of_the_log("damaged", reason, line.to_owned());
            (clock::now_text(), entry)
        }
    }
}
