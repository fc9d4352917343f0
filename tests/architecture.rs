//! What the layout promises.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::process::Command;

/// Rooms of the daemon from the ground up. A room may use those that stand on its line or below it... and no room above.
const FLOORS: &[&[&str]] = &[
    &["clock", "measures", "telemetry"],
    &["lifecycle"],
    &["secrets", "state"],
    &["audit", "identity"],
    &["policies"],
    &["formats", "sources"],
    &["catalog"],
    &["gate"],
    &["config"],
    &["metadata", "sampling", "profiling", "replicas", "models", "demo"],
    &["sessions"],
    &["agents"],
    &["doors", "completion"],
];

fn rust_files(dir: &Path, found: &mut Vec<PathBuf>) {
    for entry in std::fs::read_dir(dir).unwrap().flatten() {
        let path = entry.path();
        if path.is_dir() {
            if !path.ends_with("tests") {
                rust_files(&path, found);
            }
        } else if path.extension().is_some_and(|e| e == "rs") && !path.ends_with("tests.rs") {
            found.push(path);
        }
    }
}

/// Every `crate::room` that a file names outside its tests.
fn uses(path: &Path) -> BTreeSet<String> {
    let text = std::fs::read_to_string(path).unwrap();
    let code = text.split("#[cfg(test)]").next().unwrap_or_default();
    let code: String =
        code.lines().filter(|l| !l.trim_start().starts_with("//")).collect::<Vec<_>>().join("\n");
    let mut found = BTreeSet::new();
    for (at, _) in code.match_indices("crate::") {
        let rest = &code[at + "crate::".len()..];
        if let Some(group) = rest.strip_prefix('{') {
            let inside = group.split('}').next().unwrap_or_default();
            found.extend(
                inside.split(',').map(|p| p.trim().split("::").next().unwrap_or_default().to_owned()),
            );
        } else {
            found.insert(
                rest.split(|c: char| !(c.is_alphanumeric() || c == '_'))
                    .next()
                    .unwrap_or_default()
                    .to_owned(),
            );
        }
    }
    found
}

#[test]
fn arrows_between_rooms_point_down() {
    let floor: BTreeMap<&str, usize> =
        FLOORS.iter().enumerate().flat_map(|(i, rooms)| rooms.iter().map(move |r| (*r, i))).collect();
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("daemon/src");
    let mut files = Vec::new();
    rust_files(&root, &mut files);
    let mut wrong = Vec::new();
    let mut seen = BTreeSet::new();
    for file in &files {
        let room = file
            .strip_prefix(&root)
            .unwrap()
            .components()
            .next()
            .unwrap()
            .as_os_str()
            .to_string_lossy()
            .into_owned();
        let room = room.trim_end_matches(".rs").to_owned();
        if room == "lib" {
            continue;
        }
        let Some(&own) = floor.get(room.as_str()) else {
            wrong.push(format!("the room `{room}` stands on no floor"));
            continue;
        };
        seen.insert(room.clone());
        for used in uses(file) {
            match floor.get(used.as_str()) {
                Some(&below) if below > own => {
                    wrong.push(format!("{} uses `{used}`, which stands above it", file.display()));
                }
                _ => {}
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    assert!(seen.len() >= 10, "only {seen:?} were looked at");
}

#[test]
fn the_client_knows_the_protocol_and_nothing_of_the_daemons_inside() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let mut files = Vec::new();
    rust_files(&root, &mut files);
    assert!(files.len() > 20);
    for file in files.iter().filter(|f| !f.ends_with("bin/wharfd.rs")) {
        let text = std::fs::read_to_string(file).unwrap();
        for package in ["wharf_daemon", "wharf_policy", "wharf_semantic", "wharf_question", "duckdb::"] {
            assert!(!text.contains(package), "{} names {package}", file.display());
        }
    }
}

/// The names in the dynamic section of an executable.
fn needed(executable: &str) -> Option<String> {
    let output = Command::new("readelf").args(["-d", executable]).output().ok()?;
    Some(String::from_utf8_lossy(&output.stdout).into_owned())
}

#[test]
fn the_client_does_not_link_the_engine_and_the_daemon_finds_it_beside_itself() {
    let Some(client) = needed(env!("CARGO_BIN_EXE_wharf")) else {
        println!("skipped: readelf is not installed");
        return;
    };
    assert!(client.contains("libc.so"), "{client}");
    assert!(!client.contains("libduckdb"), "{client}");
    let daemon = needed(env!("CARGO_BIN_EXE_wharfd")).unwrap();
    assert!(daemon.contains("libduckdb"), "{daemon}");
    assert!(daemon.contains("$ORIGIN/../lib"), "{daemon}");
}
