//! Input that is wrong, odd, empty, wide or hostile.

use super::*;
use wharf_protocol::{ErrorKind, Figure};

#[tokio::test]
async fn unknown_names_come_with_the_nearest_ones() {
    let world = World::database("create table orders as select 1 as i").await;
    let error = world.try_profile("ordres", false).await.unwrap_err();
    assert_eq!((error.kind, error.code.as_str()), (ErrorKind::NotFound, "table_not_found"));
    assert!(error.hint.unwrap().contains("orders"));
}

#[tokio::test]
async fn files_that_cannot_be_profiled_say_why() {
    let world = World::new().await;
    for (name, bytes, code) in [
        ("empty.csv", &b""[..], "empty_file"),
        ("notes.docx", b"PK", "unknown_file_kind"),
        ("torn.parquet", b"PAR1 and then nothing", ""),
        ("d.duckdb", b"x", "database_file"),
    ] {
        let path = world.write(name, bytes);
        let error = world.try_profile(&path, false).await.unwrap_err();
        assert!(code.is_empty() || error.code == code, "{name}: {error:?}");
        assert!(error.message.contains(name), "{name}: {error:?}");
    }
    let error = world.try_profile("nowhere.csv", false).await.unwrap_err();
    assert_eq!((error.kind, error.code.as_str()), (ErrorKind::NotFound, "file_not_found"));
    std::fs::create_dir(world.path("folder")).unwrap();
    world.write("folder/a.csv", b"x\n1\n");
    let error = world.try_profile("./folder", false).await.unwrap_err();
    assert_eq!(error.code, "folder");
    let error = world.try_profile("t", false).await.unwrap_err();
    assert_eq!(error.code, "no_source");
}

#[tokio::test]
async fn a_table_without_rows_has_columns_and_no_alerts() {
    let world =
        World::database("create table e (i integer, x double, w varchar, d date, l integer[], b blob)").await;
    let p = world.profile("e").await;
    assert_eq!((p.rows, p.columns.len(), p.alerts.len()), (0, 6, 0));
    assert_eq!(p.duplicate_rows, Figure { value: 0, exact: true });
    for c in &p.columns {
        assert_eq!(
            (c.nulls, &c.distinct, c.min.as_ref(), c.top.len()),
            (0, &Figure { value: 0, exact: true }, None, 0)
        );
        assert!(c.histogram.is_empty());
    }
}

#[tokio::test]
async fn a_table_of_two_thousand_columns_is_profiled_whole() {
    let columns: Vec<String> = (0..2_000).map(|i| format!("{i} + r.i as c{i}")).collect();
    let world =
        World::database(&format!("create table wide as select {} from range(5) r(i)", columns.join(", ")))
            .await;
    let p = world.profile("wide").await;
    assert_eq!(p.columns.len(), 2_000);
    for (i, c) in p.columns.iter().enumerate() {
        assert_eq!(
            (c.min.as_deref(), c.max.as_deref()),
            (Some(&*i.to_string()), Some(&*(i + 4).to_string()))
        );
        assert_eq!((c.distinct.value, c.top.len(), c.histogram.len()), (5, 5, 5), "{}", c.name);
    }
    assert_eq!(p.correlations.len(), 190);
    assert!(p.notes[0].contains("first 20 of 2000"), "{:?}", p.notes);
}

#[tokio::test]
async fn a_wide_text_file_with_repeated_names_is_profiled_whole() {
    let world = World::new().await;
    let head: Vec<String> = (0..300).map(|i| format!("c{}", i % 150)).collect();
    let line: Vec<String> = (0..300).map(|i| i.to_string()).collect();
    let text = format!("{}\n{}\n{}\n", head.join(","), line.join(","), line.join(","));
    world.write("w.csv", text.as_bytes());
    let p = world.profile("w.csv").await;
    assert_eq!((p.columns.len(), p.rows, p.duplicate_rows.value), (300, 2, 1));
    let names: std::collections::HashSet<&str> = p.columns.iter().map(|c| c.name.as_str()).collect();
    assert_eq!(names.len(), 300);
    assert_eq!(p.columns[299].min.as_deref(), Some("299"));
}

#[tokio::test]
async fn hostile_names_are_only_names() {
    let world = World::database(
        "create table \"t\"\"; drop table x; --\" as select 1 as \"a\"\"b\", 2 as \"<script>\", 3 as \"x'; --\", 4 as \"select\", 5 as g, 6 as c, 7 as k0, 8 as t",
    )
    .await;
    let p = world.profile("t\"; drop table x; --").await;
    let names: Vec<&str> = p.columns.iter().map(|c| c.name.as_str()).collect();
    assert_eq!(names, ["a\"b", "<script>", "x'; --", "select", "g", "c", "k0", "t"]);
    for (i, c) in p.columns.iter().enumerate() {
        assert_eq!(top(c), [(&*(i + 1).to_string(), 1)]);
    }
}

#[tokio::test]
async fn cells_of_ten_megabytes_are_measured_and_cut() {
    let world = World::database(
        "create table cells as select repeat('x', 10000000) || i as body, i from range(12) r(i)",
    )
    .await;
    let p = world.profile("cells").await;
    let body = column(&p, "body");
    assert_eq!(body.text.as_ref().unwrap().max_length, 10_000_002);
    assert_eq!(body.min.as_ref().unwrap().chars().count(), 257);
    assert!(body.max.as_ref().unwrap().ends_with('…'));
    assert!(serde_json::to_string(&p).unwrap().len() < 50_000);
    assert_eq!(p.duplicate_rows, Figure { value: 0, exact: true });
}

#[tokio::test]
async fn parquet_and_json_files_are_read_as_tables() {
    let world = World::new().await;
    let parquet = world.path("p.parquet").to_string_lossy().into_owned();
    world.run(&format!("copy (select i, i::varchar as w from range(100) r(i)) to '{parquet}'"));
    let p = world.profile(&parquet).await;
    assert_eq!((p.rows, column(&p, "i").number.as_ref().unwrap().sum.as_deref()), (100, Some("4950")));
    world.write("j.ndjson", b"{\"a\": 1, \"b\": {\"c\": [1]}}\n{\"a\": null}\n");
    let p = world.profile("j.ndjson").await;
    assert_eq!((p.rows, column(&p, "a").nulls, column(&p, "b").nulls), (2, 1, 1));
    world.write("it's.csv", b"x\n1\n");
    assert_eq!(world.profile("it's.csv").await.rows, 1);
}
