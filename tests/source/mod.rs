//! Sources: files become tables, and bad files are told apart.

mod from_env;
mod guided;

use crate::support::Place;

#[test]
fn files_become_tables_and_change_with_them() {
    let place = Place::new();
    place.file("d/a.csv", "id,name\n1,x\n2,y\n");
    place.file("d/b.tsv", "id\tv\n1\t2.50\n");
    place.file("d/c.ndjson", "{\"k\": 1, \"n\": {\"z\": [1,2]}}\n");
    place.file("d/.hidden.csv", "no\n");
    place.ok(&["query", "copy (select 42 n) to 'd/p.parquet'", "--write"]);
    place.ok(&["source", "add", "d", "d"]);
    let tables: Vec<String> = place
        .json(&["table", "list", "--json"])
        .as_array()
        .unwrap()
        .iter()
        .map(|t| t["name"].as_str().unwrap().to_owned())
        .collect();
    assert_eq!(tables, ["a", "b", "c", "p"]);
    assert_eq!(place.ok(&["query", "select v from b", "--csv", "-t"]), "2.5\n");
    assert_eq!(place.ok(&["query", "select n from p", "--csv", "-t"]), "42\n");
    assert_eq!(place.ok(&["query", "select n from c", "--json"]), "[\n{\"n\":{\"z\":[1,2]}}\n]\n");
    place.file("d/a.csv", "id,name\n1,x\n2,y\n3,z\n");
    assert_eq!(place.ok(&["query", "select count(*) from a", "--csv", "-t"]), "3\n");
    place.file("d/e.csv", "q\n1\n");
    assert_eq!(place.ok(&["query", "select q from e", "--csv", "-t"]), "1\n");
    place.ok(&["source", "delete", "d", "--confirm", "d"]);
    place.fails(&["query", "select 1 from a"], 6);
    assert!(place.work().join("d/a.csv").exists());
}

#[test]
fn bad_files_and_names_are_one_clear_error_and_change_nothing() {
    let place = Place::new();
    place.file("bad/x.csv", "a,b\n1,2\n3\"x,\"4\n5,6\n");
    place.file("utf/x.csv", b"a,b\n1,\xff\xfe\n");
    place.file("empty/x.csv", "");
    place.file("twice/x.csv", "a\n1\n");
    place.file("twice/x.tsv", "a\n1\n");
    place.file("none/readme.md", "hi");
    place.file("good/x.csv", "a\n1\n");
    place.file("types.json", "{\"tables\": {\"x\": [{\"name\": \"a\", \"type\": \"DATE\"}]}}");
    place.file("broken.json", "{");
    place.file("sheet.xlsx", "PK");
    let cases: &[(&[&str], i32, &str)] = &[
        (&["utf"], 1, "utf/x.csv"),
        (&["empty"], 1, "is empty"),
        (&["twice"], 1, "would both be the table"),
        (&["none"], 6, "holds no data file"),
        (&["missing"], 6, "does not exist"),
        (&["sheet.xlsx"], 1, "Excel"),
        (&["types.json"], 1, "types.json"),
        (&["good", "--types", "types.json"], 1, "x.csv"),
        (&["good", "--types", "broken.json"], 2, "broken.json"),
        (&["good", "--models", "nowhere"], 6, "nowhere"),
    ];
    for (args, code, mention) in cases {
        if *args == ["types.json"] {
            continue;
        }
        let all: Vec<&str> = ["source", "add", "s"].into_iter().chain(args.iter().copied()).collect();
        let err = place.fails(&all, *code);
        assert!(err.contains(mention), "{args:?}: {err}");
    }
    for name in ["Shop", "9x", "a-b", "memory", "x;drop"] {
        assert!(
            place.fails(&["source", "add", name, "good"], 2).contains("cannot be a source's name"),
            "{name}"
        );
    }
    assert_eq!(place.ok(&["source", "list", "--json"]), "[]\n");
    place.ok(&["source", "add", "s", "good"]);
    assert!(place.fails(&["source", "add", "s", "good"], 1).contains("--replace"));
    assert!(place.fails(&["source", "delete", "s"], 2).contains("--confirm s"));
    place.ok(&["source", "add", "s", "good", "--replace"]);
}

#[test]
fn a_database_is_read_in_place_and_written_only_when_said() {
    let place = Place::new();
    let file = place.work().join("x.duckdb");
    let db = duckdb::Connection::open(&file).unwrap();
    db.execute_batch(
        "create schema s; create table t as select 1 a; create table s.u as select 2 b; checkpoint",
    )
    .unwrap();
    drop(db);
    place.ok(&["source", "add", "x", "x.duckdb"]);
    assert_eq!(place.ok(&["query", "select a + b from t, s.u", "--csv", "-t"]), "3\n");
    assert!(place.fails(&["query", "insert into t values (2)"], 7).contains("--write"));
    place.ok(&["query", "insert into t values (2)", "--write"]);
    assert_eq!(place.ok(&["query", "select sum(a) from t", "--csv", "-t"]), "3\n");
}

#[test]
fn samples_repeat_with_a_seed() {
    let place = Place::new();
    let rows: String = (0..5000).map(|i| format!("{i}\n")).collect();
    place.file("d/t.csv", format!("i\n{rows}"));
    place.ok(&["source", "add", "d", "d"]);
    assert_eq!(place.ok(&["sample", "t", "-n", "3", "--csv", "-t"]), "0\n1\n2\n");
    let random = |seed: &str| place.ok(&["sample", "t", "--random", "20", "--seed", seed, "--csv", "-t"]);
    assert_eq!(random("7"), random("7"));
    assert_ne!(random("7"), random("8"));
    assert_eq!(random("7").lines().count(), 20);
    let share = place.ok(&["sample", "t", "--percent", "10", "--seed", "1", "--csv", "-t"]).lines().count();
    assert!((350..650).contains(&share), "{share}");
    assert_eq!(place.ok(&["sample", "d/t.csv", "-n", "1", "--csv", "-t"]), "0\n");
}

/// A database that DuckDB itself encrypted; its own cipher may write only when it is told that this is for trials.
fn encrypted(place: &Place, key: &str) -> String {
    let file = place.work().join("vault.duckdb");
    let connection = duckdb::Connection::open_in_memory().unwrap();
    connection
        .execute_batch(&format!(
            "set force_mbedtls_unsafe = 'true'; attach '{}' as v (encryption_key '{key}'); \
             create table v.t as select 42 as answer; detach v;",
            file.display()
        ))
        .unwrap();
    file.to_string_lossy().into_owned()
}

#[test]
fn the_key_of_an_encrypted_database_is_kept_used_and_found_nowhere() {
    let place = Place::new();
    let (key, query) = ("planted-9c41-key", ["query", "select answer from vault.t", "--csv"]);
    let file = encrypted(&place, key);
    let without = place.fails(&["source", "add", "vault", &file], 7);
    assert!(without.contains("--secret"), "{without}");
    let wrong = place.pipe(&["source", "add", "vault", &file, "--secret", "-"], "another");
    assert!(wrong.code != 0 && wrong.err.contains("rong encryption key"), "{}", wrong.err);
    assert!(!place.path("s/secrets/kept.enc").exists(), "a key that opens nothing is not kept");
    let misused = place.fails(&["source", "add", "vault", &file, "--secret", key], 2);
    assert!(!misused.contains("planted"), "{misused}");
    let right = place.pipe(&["source", "add", "vault", &file, "--secret", "-"], format!("{key}\n"));
    assert_eq!(right.code, 0, "{}", right.err);
    assert_eq!(place.ok(&query), "answer\n42\n");
    // Another daemon has it too.
    place.ok(&["daemon", "restart"]);
    assert_eq!(place.ok(&query), "answer\n42\n");
    assert!(place.ok(&["source", "show", "vault"]).contains("secret  kept"));
    let write = place.run(&["query", "--write", "insert into vault.t values (1)"]);
    assert!(write.code != 0 && write.err.contains("not written"), "{}", write.err);
    // Where nobody else keeps it: state, log, audit, settings, what commands print.
    place.ok(&["daemon", "stop"]);
    let mut looked = 0;
    let mut folders = vec![place.path("s"), place.path("c"), place.path("k"), place.path("r")];
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(folder).into_iter().flatten().flatten() {
            if entry.path().is_dir() {
                folders.push(entry.path());
            } else if let Ok(bytes) = std::fs::read(entry.path()) {
                assert!(!bytes.windows(7).any(|w| w == b"planted"), "{}", entry.path().display());
                looked += 1;
            }
        }
    }
    assert!(looked > 5);
    // It goes with its source.
    place.ok(&["source", "delete", "vault", "--confirm", "vault"]);
    place.fails(&["query", "select answer from vault.t"], 6);
}

#[test]
fn the_key_of_an_encrypted_database_can_lie_elsewhere() {
    let place = Place::new();
    let file = encrypted(&place, "first");
    let key = place.file("key", "first\n");
    let reference = format!("file:{}", key.display());
    place.ok(&["source", "add", "vault", &file, "--secret", &reference]);
    assert_eq!(place.ok(&["query", "select answer from vault.t", "--csv"]), "answer\n42\n");
    assert!(place.ok(&["source", "show", "vault"]).contains(&reference));
    assert!(!place.path("s/secrets").exists(), "nothing of it is kept");
    std::fs::remove_file(&key).unwrap();
    place.ok(&["daemon", "restart"]);
    let gone = place.run(&["query", "select answer from vault.t"]);
    assert!(gone.code != 0 && gone.err.contains(key.to_str().unwrap()), "{}", gone.err);
    let unset = place.run(&["source", "add", "other", &file, "--secret", "env:WHARF_NOT_SET"]);
    assert!(unset.code != 0 && unset.err.contains("WHARF_NOT_SET is not set"), "{}", unset.err);
}
