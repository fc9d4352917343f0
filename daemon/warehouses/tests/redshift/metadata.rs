//! What the source tells of schemas, tables and keys, with names that are no words.

use super::{dressed, server};
use wharf_protocol::ErrorKind;
use wharf_warehouses::{ForeignKey, Reference, Session, Source, TableKind};

const ODD: &str = r#"
    create schema "Odd ""schema'";
    create table "Odd ""schema'"."t'a""b\c ö" ("Id" int not null, "x y" numeric(18,4), "größe" varchar(12) not null,
      primary key ("größe", "Id"));
    comment on table "Odd ""schema'"."t'a""b\c ö" is 'it''s odd';
    comment on column "Odd ""schema'"."t'a""b\c ö"."Id" is 'a number';
    create table "Odd ""schema'".child (a int, b varchar(12), c int references "Odd ""schema'".child2 (n),
      foreign key (b, a) references "Odd ""schema'"."t'a""b\c ö" ("größe", "Id"));
"#;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn schemas_tables_and_keys_are_told_with_odd_names() {
    let Some(server) = server() else { return };
    let child2 = r#"create table "Odd ""schema'".child2 (n int primary key);"#;
    let (first, rest) = ODD.trim_start().split_once('\n').unwrap();
    server.run("postgres", &format!("{first}{child2}{rest}"));
    server.run("postgres", r#"create view "Odd ""schema'".v as select 1 as one"#);
    server.run("postgres", r#"insert into "Odd ""schema'".child2 select generate_series(1, 42)"#);
    server.run("postgres", "analyze");
    let (_face, source) = dressed(&server).await;
    let schema = "Odd \"schema'";
    assert_eq!(source.schemas().await.unwrap(), [schema, "public"]);
    let page = source.tables(schema, None).await.unwrap();
    assert_eq!(page.next, None);
    let told: Vec<_> = page.items.iter().map(|t| (t.name.as_str(), t.kind, t.columns.len())).collect();
    let (table, view) = (TableKind::Table, TableKind::View);
    assert_eq!(told, [("child", table, 3), ("child2", table, 1), ("t'a\"b\\c ö", table, 3), ("v", view, 1)]);
    let odd = &page.items[2];
    assert_eq!(odd.comment.as_deref(), Some("it's odd"));
    let columns: Vec<_> =
        odd.columns.iter().map(|c| (c.name.as_str(), c.type_name.as_str(), c.nullable)).collect();
    let wanted = [
        ("Id", "integer", Some(false)),
        ("x y", "numeric(18,4)", Some(true)),
        ("größe", "character varying(12)", Some(false)),
    ];
    assert_eq!(columns, wanted);
    assert_eq!(odd.columns[0].comment.as_deref(), Some("a number"));
    assert_eq!(source.tables(schema, Some("child2")).await.unwrap().items.len(), 2);
    assert!(source.tables("nowhere", None).await.unwrap().items.is_empty());

    let details = source.details(schema, "t'a\"b\\c ö").await.unwrap();
    assert_eq!(details.primary_key, ["größe", "Id"]);
    assert_eq!((details.rows, details.bytes), (None, None), "what is empty is not told");
    let child = source.details(schema, "child").await.unwrap();
    let key = |columns: &[&str], table: &str, to: &[&str]| ForeignKey {
        columns: columns.iter().map(|c| (*c).to_owned()).collect(),
        to: Reference {
            schema: schema.to_owned(),
            table: table.to_owned(),
            columns: to.iter().map(|c| (*c).to_owned()).collect(),
        },
    };
    let wanted = [key(&["b", "a"], "t'a\"b\\c ö", &["größe", "Id"]), key(&["c"], "child2", &["n"])];
    assert_eq!(child.foreign_keys, wanted);
    let child2 = source.details(schema, "child2").await.unwrap();
    assert_eq!((child2.rows, child2.rows_estimated, child2.bytes), (Some(42), true, Some(1 << 20)));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_user_with_few_rights_still_gets_what_there_is() {
    let Some(server) = server() else { return };
    server.run("postgres", "create user few; create table t (n int primary key); grant select on t to few");
    let (face, _) = dressed(&server).await;
    let source = super::source_at(face.port, "few", "postgres", None).unwrap();
    // svv_table_info is for few in another sense.
    let details = source.details("public", "t").await.unwrap();
    assert_eq!((details.rows, details.primary_key), (None, vec!["n".to_owned()]));
    let estimate = source.estimate("select * from t", &Session::default()).await.unwrap().unwrap();
    assert!(estimate.rows.unwrap() > 0 && estimate.bytes.is_none());
    let refused = source.estimate("select * from nothing", &Session::default()).await.unwrap_err();
    assert_eq!(refused.kind, ErrorKind::NotFound);
    let tested = source.test().await.unwrap();
    assert_eq!((tested.user.as_str(), tested.version.as_deref()), ("few", Some("Redshift 1.0.71629")));
    assert_eq!(tested.warnings, Vec::<String>::new());
}
