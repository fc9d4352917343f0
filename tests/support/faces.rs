//! What stands in for a vendor: a program of tests/faces with real SQL behind it. It ends with the test.

use serde_json::Value;
use std::io::{BufRead, BufReader};
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};

pub struct Face {
    process: Child,
    /// What it said when it was ready.
    pub ready: Value,
}

impl Face {
    /// Starts one with its configuration.
    pub fn start(name: &str, config: &Value) -> Self {
        let top = PathBuf::from(env!("CARGO_MANIFEST_DIR"));
        let python = top.join(format!(".venv-{name}/bin/python"));
        assert!(python.exists(), "{} is missing: run sh scripts/faces.sh {name}", python.display());
        let file = tempfile::NamedTempFile::new().unwrap();
        std::fs::write(file.path(), config.to_string()).unwrap();
        let mut process = Command::new(python)
            .arg(top.join(format!("tests/faces/{name}/face.py")))
            .arg(format!("@{}", file.path().display()))
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        let mut line = String::new();
        BufReader::new(process.stdout.as_mut().unwrap()).read_line(&mut line).unwrap();
        let ready = serde_json::from_str(&line).unwrap_or_else(|e| panic!("{name}: {e}: {line}"));
        Self { process, ready }
    }

    pub fn port(&self) -> u64 {
        self.ready["port"].as_u64().unwrap()
    }
}

impl Drop for Face {
    fn drop(&mut self) {
        // It ends by itself with its standard input, and takes what it started along.
        drop(self.process.stdin.take());
        for _ in 0..1000 {
            if !matches!(self.process.try_wait(), Ok(None)) {
                return;
            }
            std::thread::sleep(std::time::Duration::from_millis(10));
        }
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

/// The shop of the semantic cases as statements; `spell` turns a type of the cases into one of the engine.
pub fn shop(spell: impl Fn(&str) -> String) -> Option<Vec<String>> {
    let dir = super::shared("cases/semantic")?;
    let types: Value = serde_json::from_slice(&std::fs::read(dir.join("tables.json")).unwrap()).unwrap();
    let mut statements = Vec::new();
    for (table, columns) in types["tables"].as_object().unwrap() {
        if table.starts_with("aliases") {
            continue;
        }
        let columns: Vec<(&str, &str)> = columns
            .as_array()
            .unwrap()
            .iter()
            .map(|c| (c["name"].as_str().unwrap(), c["type"].as_str().unwrap()))
            .collect();
        let made: Vec<String> = columns.iter().map(|(name, of)| format!("{name} {}", spell(of))).collect();
        statements.push(format!("create table {table} ({})", made.join(", ")));
        let text = std::fs::read_to_string(dir.join("data").join(format!("{table}.csv"))).unwrap();
        let rows: Vec<String> =
            records(&text).into_iter().skip(1).map(|row| values(&row, &columns)).collect();
        for rows in rows.chunks(500) {
            statements.push(format!("insert into {table} values {}", rows.join(", ")));
        }
    }
    Some(statements)
}

/// The fields of each line; the cases quote where they must and have no line breaks in fields.
fn records(text: &str) -> Vec<Vec<Option<String>>> {
    let fields = |line: &str| {
        let (mut fields, mut field, mut quoted, mut was_quoted) = (Vec::new(), String::new(), false, false);
        let mut letters = line.chars().peekable();
        while let Some(letter) = letters.next() {
            match letter {
                '"' if quoted && letters.peek() == Some(&'"') => field.push(letters.next().unwrap()),
                '"' => (quoted, was_quoted) = (!quoted, true),
                ',' if !quoted => {
                    fields.push(Some(std::mem::take(&mut field)).filter(|f| was_quoted || !f.is_empty()));
                    was_quoted = false;
                }
                letter => field.push(letter),
            }
        }
        fields.push(Some(field).filter(|f| was_quoted || !f.is_empty()));
        fields
    };
    text.lines().map(fields).collect()
}

fn values(row: &[Option<String>], columns: &[(&str, &str)]) -> String {
    let value = |(field, (_, of)): (&Option<String>, &(&str, &str))| match field {
        None => "null".to_owned(),
        Some(text) if of.starts_with("DATE") => format!("date '{text}'"),
        Some(text) if of.starts_with("TIMESTAMP") => format!("timestamp '{}'", text.replace('T', " ")),
        Some(text) if of.starts_with("VARCHAR") => format!("'{}'", text.replace('\'', "''")),
        Some(text) => text.clone(),
    };
    format!("({})", row.iter().zip(columns).map(value).collect::<Vec<_>>().join(", "))
}
