//! Unity Catalog and the files of volumes.

use super::face::{Face, Fault};
use super::support::{by, machine, source};
use serde_json::{Value, json};
use std::time::Instant;
use wharf_warehouses::{Files, Source, TableKind};

const ODD: &[&str] = &["a b", "ta.ble", "back`tick", "größe", "日本語", "semi;colon%20", "q'uote\""];

#[tokio::test]
async fn schemas_come_from_all_pages_also_behind_an_empty_one() {
    let face = Face::start().await;
    face.routes(|request| {
        assert_eq!((&request.query["catalog_name"][..], &request.query["max_results"][..]), ("main", "0"));
        let names = |names: &[&str]| names.iter().map(|name| json!({"name": name})).collect::<Value>();
        Some((
            200,
            match request.query.get("page_token").map(String::as_str) {
                None => json!({"schemas": names(&["zoo", "information_schema"]), "next_page_token": "a&b"}),
                Some("a&b") => json!({"next_page_token": "c"}),
                Some("c") => json!({"schemas": names(&["default", "größe"])}),
                other => panic!("{other:?}"),
            },
        ))
    });
    assert_eq!(source(&face).schemas().await.unwrap(), ["default", "größe", "zoo"]);
    face.routes(|_| Some((200, json!({"next_page_token": "round"}))));
    assert_eq!(source(&face).schemas().await.unwrap_err().code, "reply_unreadable");
    face.routes(|_| {
        Some((
            404,
            json!({"error_code": "CATALOG_DOES_NOT_EXIST", "message": "Catalog 'main' does not exist."}),
        ))
    });
    let error = source(&face).schemas().await.unwrap_err();
    assert_eq!(error.code, "not_in_catalog");
    assert!(error.message.contains("`main`") && error.message.contains("CATALOG_DOES_NOT_EXIST"), "{error}");
}

#[tokio::test]
async fn tables_have_their_columns_kinds_and_comments_whatever_they_are_called() {
    let face = Face::start().await;
    face.routes(|request| {
        assert_eq!(request.query["schema_name"], "a.b c");
        Some((200, match request.query.get("page_token").map(String::as_str) {
            None => json!({"next_page_token": "p2"}),
            Some("p2") => {
                let column = |name: &str, at: i32| json!({"name": name, "type_text": "map<string,int>", "type_name": "MAP", "position": at, "comment": "what it is"});
                let table = |name: &&str| json!({"name": name, "table_type": "MATERIALIZED_VIEW", "columns": [column("second", 1), column(name, 0)]});
                json!({"tables": ODD.iter().map(table).collect::<Value>(), "next_page_token": "p3"})
            }
            _ => json!({"tables": [{"name": "t", "table_type": "FOREIGN", "comment": "all of them",
                                    "properties": {"spark.sql.statistics.numRows": "42"},
                                    "columns": [{"name": "id", "type_name": "LONG", "nullable": false}]}, {"table_type": "VIEW"}]}),
        }))
    });
    let source = source(&face);
    let first = source.tables("a.b c", None).await.unwrap();
    assert_eq!((first.items.len(), first.next.as_deref()), (0, Some("p2")));
    let second = source.tables("a.b c", Some("p2")).await.unwrap();
    let mut names: Vec<_> = second.items.iter().map(|table| table.name.as_str()).collect();
    assert!(names.is_sorted());
    names.sort_unstable();
    let mut odd = ODD.to_vec();
    odd.sort_unstable();
    assert_eq!(names, odd);
    for table in &second.items {
        assert_eq!((table.kind, table.columns.len()), (TableKind::View, 2));
        assert_eq!(
            (&table.columns[0].name, &table.columns[0].type_name[..]),
            (&table.name, "map<string,int>")
        );
        assert_eq!(
            (table.columns[0].nullable, table.columns[0].comment.as_deref()),
            (Some(true), Some("what it is"))
        );
    }
    let last = source.tables("a.b c", Some("p3")).await.unwrap();
    let table = &last.items[0];
    assert_eq!((last.items.len(), last.next, table.kind, table.rows), (1, None, TableKind::Table, Some(42)));
    assert_eq!((table.comment.as_deref(), table.columns[0].nullable), (Some("all of them"), Some(false)));
    assert_eq!(table.columns[0].type_name, "LONG");
}

#[tokio::test]
async fn a_table_of_ten_thousand_columns_is_listed() {
    let face = Face::start().await;
    let columns: Vec<Value> = (0..10_000)
        .map(|i| json!({"name": format!("column {i}"), "type_text": "DECIMAL(38,18)", "position": i}))
        .collect();
    let reply = json!({"tables": [{"name": "wide", "table_type": "MANAGED", "columns": columns}]});
    face.routes(move |_| Some((200, reply.clone())));
    let begun = Instant::now();
    let page = source(&face).tables("s", None).await.unwrap();
    assert_eq!(page.items[0].columns.len(), 10_000);
    assert_eq!(page.items[0].columns[9_999].name, "column 9999");
    println!("10,000 columns in {:?}", begun.elapsed());
}

#[tokio::test]
async fn details_tell_keys_and_what_was_counted() {
    let face = Face::start().await;
    let table = json!({
        "name": "t", "properties": {"spark.sql.statistics.numRows": "7", "spark.sql.statistics.totalSize": 4096},
        "table_constraints": [
            {"primary_key_constraint": {"name": "pk", "child_columns": ["a", "b"]}},
            {"foreign_key_constraint": {"name": "fk", "child_columns": ["c"], "parent_table": "main.`s.x`.`p q`", "parent_columns": ["id"]}},
            {"foreign_key_constraint": {"child_columns": ["d"], "parent_table": "other.s.t", "parent_columns": ["id"]}},
            {"named_table_constraint": {"name": "check"}},
        ],
    });
    let told = table.clone();
    face.routes(move |request| request.path.starts_with("/api/2.1").then(|| (200, told.clone())));
    let details = source(&face).details("s", "t x").await.unwrap();
    assert_eq!(face.log()[0].path, "/api/2.1/unity-catalog/tables/main.s.t%20x");
    assert_eq!((details.rows, details.rows_estimated, details.bytes), (Some(7), true, Some(4096)));
    assert_eq!(details.primary_key, ["a", "b"]);
    assert_eq!(details.foreign_keys.len(), 1);
    let to = &details.foreign_keys[0].to;
    assert_eq!((&to.schema[..], &to.table[..], &to.columns[..]), ("s.x", "p q", &["id".to_owned()][..]));

    // The size is asked for in SQL only where that starts nothing.
    let mut bare = table;
    bare["properties"] = json!({});
    bare["table_constraints"] = json!({"table_constraints": bare["table_constraints"]});
    face.routes(move |request| request.path.starts_with("/api/2.1").then(|| (200, bare.clone())));
    let off = by(&face, "&warehouse=w-off", super::face::TOKEN).details("s", "t").await.unwrap();
    assert_eq!((off.bytes, off.primary_key.len()), (None, 2));
    assert_eq!(face.count(|request| request.method == "POST"), 0);
    source(&face).details("s`", "t").await.unwrap();
    let sent = face.log().into_iter().find(|request| request.method == "POST").unwrap();
    assert_eq!(sent.json()["statement"], "DESCRIBE DETAIL `main`.`s```.`t`");
}

#[tokio::test]
async fn files_are_written_read_listed_and_deleted() {
    let face = Face::start().await;
    let volumes = machine(&face).volumes();
    let path = "/Volumes/main/sales/models/a b#1/größe %20+?.yaml";
    volumes.make_folder("/Volumes/main/sales/models/a b#1").await.unwrap();
    volumes.write(path, b"one".to_vec(), false).await.unwrap();
    assert!(
        face.log().iter().any(|r| r.path.ends_with("/a%20b%231/gr%C3%B6%C3%9Fe%20%2520+%3F.yaml")
            && r.query["overwrite"] == "false"),
        "{:?}",
        face.log()
    );
    assert_eq!(volumes.read(path).await.unwrap(), b"one");
    let error = volumes.write(path, b"two".to_vec(), false).await.unwrap_err();
    assert_eq!((error.code.as_str(), error.kind), ("file_exists", wharf_protocol::ErrorKind::Conflict));
    volumes.write(path, vec![7; 3 << 20], true).await.unwrap();
    assert_eq!(volumes.read(path).await.unwrap().len(), 3 << 20);
    volumes.write("/Volumes/main/sales/models/a b#1/0", Vec::new(), false).await.unwrap();
    let listed = volumes.list("/Volumes/main/sales/models/a b#1/").await.unwrap();
    let found: Vec<_> = listed.iter().map(|entry| (entry.path.as_str(), entry.size, entry.folder)).collect();
    assert_eq!(found, [("/Volumes/main/sales/models/a b#1/0", Some(0), false), (path, Some(3 << 20), false)]);
    volumes.delete(path).await.unwrap();
    for error in [volumes.read(path).await.unwrap_err(), volumes.delete(path).await.unwrap_err()] {
        assert_eq!(error.code, "file_not_found");
        assert!(error.message.contains(path), "{error}");
    }
    for bad in ["", "relative", "/Volumes/a/b", "/Volumes/a/b/c/../../x/y", "/Volumes//a/b/c", "/etc/passwd"]
    {
        assert_eq!(volumes.read(bad).await.unwrap_err().code, "bad_path", "{bad}");
    }
    // A file that breaks off is fetched again, and is never short.
    volumes.write(path, vec![1; 100_000], true).await.unwrap();
    let mut left = 2;
    face.faults(move |request| {
        (request.method == "GET" && left > 0).then(|| {
            left -= 1;
            Fault::Cut
        })
    });
    assert_eq!(volumes.read(path).await.unwrap().len(), 100_000);
}
