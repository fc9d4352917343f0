//! The case files, an engine with their tables, and the comparison of rows.

use std::path::PathBuf;

use duckdb::types::{TimeUnit, Value as Cell};
use serde_json::Value;
use wharf_semantic::Model;

/// The folder of the cases, or `None` (and a line that says so) when they are not there.
pub fn folder() -> Option<PathBuf> {
    let path = PathBuf::from(concat!(env!("CARGO_MANIFEST_DIR"), "/../../../shared/cases/semantic"));
    if path.is_dir() {
        return Some(path);
    }
    println!("skipped: the shared cases are not beside the repository");
    None
}

pub fn json(folder: &std::path::Path, name: &str) -> Value {
    let text = std::fs::read_to_string(folder.join(name)).expect("a case file");
    serde_json::from_str(&text).expect("JSON")
}

/// The model out of the files of a folder.
pub fn model(folder: &std::path::Path, name: &str) -> Model {
    let mut files: Vec<(String, String)> = std::fs::read_dir(folder.join(name))
        .expect("a folder")
        .map(|entry| entry.expect("an entry").path())
        .map(|path| (path.file_name().expect("a name").to_string_lossy().into_owned(), path))
        .map(|(name, path)| (name, std::fs::read_to_string(path).expect("a file")))
        .collect();
    files.sort();
    let files: Vec<(&str, &str)> = files.iter().map(|(name, text)| (name.as_str(), text.as_str())).collect();
    Model::parse(&files).unwrap_or_else(|errors| {
        panic!("{}", errors.iter().map(ToString::to_string).collect::<Vec<_>>().join("\n"));
    })
}

/// An in-memory DuckDB with the tables of the cases.
pub fn engine(folder: &std::path::Path) -> duckdb::Connection {
    let connection = duckdb::Connection::open_in_memory().expect("DuckDB");
    let tables = json(folder, "tables.json");
    for (table, columns) in tables["tables"].as_object().expect("tables") {
        let columns: Vec<String> = columns
            .as_array()
            .expect("columns")
            .iter()
            .map(|c| {
                format!("\"{}\" {}", c["name"].as_str().expect("name"), c["type"].as_str().expect("type"))
            })
            .collect();
        let file = folder.join("data").join(format!("{table}.csv"));
        let sql = format!(
            "CREATE TABLE \"{table}\" ({}); COPY \"{table}\" FROM '{}' (HEADER, NULLSTR '')",
            columns.join(", "),
            file.display()
        );
        connection.execute_batch(&sql).expect("a table");
    }
    connection
}

/// Rows as the cases write them: by column name.
pub fn run(connection: &duckdb::Connection, sql: &str) -> Result<(Vec<String>, Vec<Vec<Value>>), String> {
    let mut statement = connection.prepare(sql).map_err(|e| e.to_string())?;
    let mut rows = statement.query([]).map_err(|e| e.to_string())?;
    let mut out = Vec::new();
    let mut names = Vec::new();
    while let Some(row) = rows.next().map_err(|e| e.to_string())? {
        if names.is_empty() {
            names = row.as_ref().column_names();
        }
        let count = row.as_ref().column_count();
        out.push((0..count).map(|at| cell(row.get::<_, Cell>(at).expect("a cell"))).collect());
    }
    if names.is_empty() {
        names = statement.column_names();
    }
    Ok((names, out))
}

fn cell(cell: Cell) -> Value {
    match cell {
        Cell::Null => Value::Null,
        Cell::Boolean(b) => b.into(),
        Cell::TinyInt(n) => n.into(),
        Cell::SmallInt(n) => n.into(),
        Cell::Int(n) => n.into(),
        Cell::BigInt(n) => n.into(),
        Cell::HugeInt(n) => (n as f64).into(),
        Cell::Float(n) => f64::from(n).into(),
        Cell::Double(n) => n.into(),
        Cell::Decimal(n) => n.to_string().parse::<f64>().expect("a number").into(),
        Cell::Text(t) => t.into(),
        Cell::Date32(days) => moment(i64::from(days) * 86_400),
        Cell::Timestamp(unit, n) => moment(match unit {
            TimeUnit::Second => n,
            TimeUnit::Millisecond => n / 1_000,
            TimeUnit::Microsecond => n / 1_000_000,
            TimeUnit::Nanosecond => n / 1_000_000_000,
        }),
        other => panic!("an unexpected cell: {other:?}"),
    }
}

fn moment(seconds: i64) -> Value {
    let at = chrono::DateTime::from_timestamp(seconds, 0).expect("a time");
    let midnight = seconds.rem_euclid(86_400) == 0;
    at.format(if midnight { "%Y-%m-%d" } else { "%Y-%m-%dT%H:%M:%S" }).to_string().into()
}

pub fn same_cell(a: &Value, b: &Value) -> bool {
    match (a.as_f64(), b.as_f64()) {
        (Some(x), Some(y)) => (x - y).abs() <= 1e-9_f64.max(x.abs().max(y.abs()) * 1e-9),
        _ => a == b,
    }
}

/// Compares rows with the expectation of a case; the reason when they differ.
pub fn differs(names: &[String], rows: &[Vec<Value>], expect: &Value) -> Option<String> {
    let wanted: Vec<&str> =
        expect["columns"].as_array()?.iter().map(|c| c["name"].as_str().unwrap_or_default()).collect();
    let mut sorted: Vec<&str> = names.iter().map(String::as_str).collect();
    let mut sorted_wanted = wanted.clone();
    sorted.sort_unstable();
    sorted_wanted.sort_unstable();
    if sorted != sorted_wanted {
        return Some(format!("columns {sorted:?}, wanted {sorted_wanted:?}"));
    }
    let at: Vec<usize> = wanted.iter().filter_map(|name| names.iter().position(|n| n == name)).collect();
    let mut got: Vec<Vec<Value>> =
        rows.iter().map(|row| at.iter().map(|&position| row[position].clone()).collect()).collect();
    let mut want: Vec<Vec<Value>> =
        expect["rows"].as_array()?.iter().map(|row| row.as_array().cloned().unwrap_or_default()).collect();
    if got.len() != want.len() {
        return Some(format!(
            "{} rows, wanted {}; first {:?}",
            got.len(),
            want.len(),
            got.iter().take(3).collect::<Vec<_>>()
        ));
    }
    if expect["ordered"] != true {
        let key = |row: &Vec<Value>| {
            row.iter()
                .map(|cell| cell.as_f64().map_or_else(|| cell.to_string(), |n| format!("{n:020.6}")))
                .collect::<Vec<_>>()
        };
        got.sort_by_key(key);
        want.sort_by_key(key);
    }
    got.iter().zip(&want).find_map(|(got, want)| {
        let same = got.len() == want.len() && got.iter().zip(want).all(|(a, b)| same_cell(a, b));
        (!same).then(|| format!("row {got:?}, wanted {want:?}"))
    })
}
