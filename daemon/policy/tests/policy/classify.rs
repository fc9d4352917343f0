//! Statements of the owner.

use crate::support::Engine;
use wharf_policy::{Class, DenialCode, classify};

fn class(engine: &Engine, sql: &str) -> Class {
    let statements = classify(sql, engine).unwrap_or_else(|denial| panic!("{sql}: {denial}"));
    assert_eq!(statements.len(), 1, "{sql}");
    statements[0].class
}

#[test]
fn each_kind_has_its_class() {
    let engine = Engine::new();
    let rows: &[(Class, &[&str])] = &[
        (
            Class::Read,
            &[
                "SELECT 1",
                "FROM t",
                "TABLE t",
                "VALUES (1)",
                "WITH a AS (SELECT 1) FROM a",
                "PIVOT t ON c",
                "PIVOT t ON c IN (1)",
                "UNPIVOT t ON a",
                "SELECT * FROM 'a.csv'",
                "SELECT * FROM read_csv('a.csv')",
                "SELECT * FROM duckdb_tables()",
                "SELECT getenv('HOME')",
                "SELECT my_macro(1)",
                "(SELECT 1)",
                "SELECT * FROM query('SELECT 1')",
            ],
        ),
        (
            Class::Metadata,
            &[
                "SHOW TABLES",
                "DESCRIBE t",
                "SUMMARIZE t",
                "DESCRIBE SELECT 1",
                "EXPLAIN SELECT 1",
                "EXPLAIN DELETE FROM t",
                "EXPLAIN ANALYZE SELECT 1",
                "PRAGMA version",
                "PRAGMA table_info('t')",
                "PRAGMA show_tables",
                "PRAGMA database_list",
            ],
        ),
        (
            Class::Write,
            &[
                "INSERT INTO t VALUES (1)",
                "UPDATE t SET a = 1",
                "DELETE FROM t",
                "TRUNCATE t",
                "COPY t TO 'x.csv'",
                "COPY (SELECT 1) TO 'x.csv'",
                "COPY t FROM 'x.csv'",
                "EXPORT DATABASE 'x'",
                "EXPLAIN ANALYZE DELETE FROM t",
                "EXPLAIN (ANALYZE) INSERT INTO t VALUES (1)",
                "WITH a AS (SELECT 1) INSERT INTO t SELECT * FROM a",
                "MERGE INTO t USING u ON TRUE WHEN MATCHED THEN DELETE",
                "SELECT nextval('s')",
            ],
        ),
        (
            Class::Ddl,
            &[
                "CREATE TABLE t (a INT)",
                "CREATE VIEW v AS SELECT 1",
                "ALTER TABLE t ADD COLUMN b INT",
                "DROP TABLE t",
                "COMMENT ON TABLE t IS 'x'",
                "CREATE TABLE t AS SELECT 1",
                "CREATE MACRO m() AS 1",
                "EXPLAIN ANALYZE CREATE TABLE t AS SELECT 1",
            ],
        ),
        (
            Class::Admin,
            &[
                "ATTACH 'x.db'",
                "DETACH x",
                "USE x",
                "SET threads = 1",
                "RESET threads",
                "INSTALL httpfs",
                "LOAD httpfs",
                "PRAGMA enable_profiling",
                "PRAGMA threads = 4",
                "CALL range(3)",
                "BEGIN",
                "COMMIT",
                "ROLLBACK",
                "CHECKPOINT",
                "VACUUM",
                "PREPARE p AS SELECT 1",
                "EXECUTE p",
                "IMPORT DATABASE 'x'",
                "CREATE SECRET s (TYPE s3)",
                "SELECT * FROM force_checkpoint()",
                "SELECT * FROM enable_logging()",
                "SELECT * FROM my_table_macro()",
                "SELECT * FROM postgres_execute('a', 'b')",
                "SELECT setseed(0.5)",
                "SELECT write_log('x')",
            ],
        ),
    ];
    for (expected, statements) in rows {
        for sql in *statements {
            assert_eq!(class(&engine, sql), *expected, "{sql}");
        }
    }
}

#[test]
fn several_statements_are_told_apart() {
    let engine = Engine::new();
    let sql = "SELECT ';' AS a; -- x;\nINSERT INTO s.t SELECT * FROM u; ;COPY t TO 'out.csv';";
    let found = classify(sql, &engine).unwrap();
    let parts: Vec<&str> = found.iter().map(|statement| &sql[statement.range.clone()]).collect();
    assert_eq!(parts, ["SELECT ';' AS a", "INSERT INTO s.t SELECT * FROM u", "COPY t TO 'out.csv'"]);
    assert_eq!(found[1].relations, ["s.t", "u"]);
    assert_eq!(found[2].files, ["out.csv"]);
    assert_eq!(found[2].keyword, "COPY");
}

#[test]
fn files_and_relations_are_noted() {
    let engine = Engine::new();
    let sql =
        "SELECT * FROM a.b, 'x.csv', read_parquet(['y.parquet', 'z.parquet']), (WITH c AS (SELECT 1) FROM c)";
    let found = classify(sql, &engine).unwrap();
    assert_eq!(found[0].relations, ["a.b", "x.csv"]);
    assert_eq!(found[0].files, ["y.parquet", "z.parquet", "x.csv"]);
}

#[test]
fn what_does_not_parse_is_refused_with_its_place() {
    let engine = Engine::new();
    let denial = classify("SELECT 1;\nSELEC 2", &engine).unwrap_err();
    assert_eq!(denial.code, DenialCode::Syntax);
    assert_eq!(denial.place.map(|place| (place.line, place.column)), Some((2, 1)));
    assert_eq!(classify("", &engine).unwrap_err().code, DenialCode::Empty);
}
