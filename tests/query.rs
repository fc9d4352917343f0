//! `wharf query`: formats, limits, parameters, mistakes.

use crate::support::{Place, wait_until};
use std::io::Read;
use std::process::Stdio;

const ALL: &str = "select 170141183460469231731687303715884105727::hugeint h, 12345678901234567890.123456789::decimal(30,9) d, \
     9223372036854775807 b, 0.1::double f, 'nan'::double n, date '2024-02-29' dt, timestamp '2024-02-29 10:00:00.123' ts, \
     timestamptz '2024-07-01 12:00:00+02' tz, interval '1 month 2 days 03:04:05' iv, [1, null] l, {'a': 1, 'b': 'x'} s, \
     map {'k': 1} m, 'a,\"b\"\nc' t, '' e, null z, true y, 'x'::blob bl, 340282366920938463463374607431768211455::uhugeint u";

#[test]
fn every_format_keeps_every_digit() {
    let place = Place::new();
    let json = place.ok(&["query", ALL, "--format", "ndjson"]);
    assert_eq!(
        json.trim_end(),
        concat!(
            r#"{"h":170141183460469231731687303715884105727,"d":12345678901234567890.123456789,"b":9223372036854775807,"f":0.1,"#,
            r#""n":null,"dt":"2024-02-29","ts":"2024-02-29T10:00:00.123","tz":"2024-07-01T10:00:00Z","iv":"P1M2DT3H4M5S","#,
            r#""l":[1,null],"s":{"a":1,"b":"x"},"m":{"k":1},"t":"a,\"b\"\nc","e":"","z":null,"y":true,"bl":"eA==","#,
            r#""u":"340282366920938463463374607431768211455"}"#
        )
    );
    let csv = place.ok(&["query", ALL, "--csv"]);
    assert_eq!(
        csv,
        concat!(
            "h,d,b,f,n,dt,ts,tz,iv,l,s,m,t,e,z,y,bl,u\n",
            "170141183460469231731687303715884105727,12345678901234567890.123456789,9223372036854775807,0.1,NaN,2024-02-29,",
            "2024-02-29T10:00:00.123,2024-07-01T10:00:00Z,P1M2DT3H4M5S,\"[1,null]\",\"{\"\"a\"\":1,\"\"b\"\":\"\"x\"\"}\",",
            "\"{\"\"k\"\":1}\",\"a,\"\"b\"\"\nc\",\"\",,true,eA==,340282366920938463463374607431768211455\n"
        )
    );
    let table = place.ok(&["query", ALL, "--format", "vertical"]);
    assert!(table.contains("d   12345678901234567890.123456789\n"), "{table}");
    assert!(table.contains("t   a,\"b\"\\nc\n"), "{table}");
}

#[test]
fn repeated_and_two_thousand_columns() {
    let place = Place::new();
    assert_eq!(place.ok(&["query", "select 1 a, 2 a, 3 A, 4 a_1", "--csv"]), "a,a_2,A_3,a_1\n1,2,3,4\n");
    let wide: Vec<String> = (0..2000).map(|i| format!("{i} c{i}")).collect();
    let out = place.ok(&["query", &format!("select {}", wide.join(",")), "--csv"]);
    assert_eq!(out.lines().nth(1).unwrap().split(',').count(), 2000);
    assert!(
        place.ok(&["query", &format!("select {}", wide.join(",")), "--format", "plain"]).contains("c1999")
    );
}

#[test]
fn parquet_and_arrow_come_back_the_same() {
    let place = Place::new();
    let sql = "select i, i::hugeint * 1000 h, (i / 7)::decimal(12,4) d, 'v' || i s from range(100000) t(i)";
    for name in ["out.parquet", "out.csv"] {
        place.ok(&["query", sql, "-o", name]);
        let out = place.ok(&[
            "query",
            &format!("select count(*) n, sum(d) d, sum(h) h, max(s) s from '{name}'"),
            "--csv",
            "-t",
        ]);
        let expected = place.ok(&[
            "query",
            &format!("select count(*) n, sum(d) d, sum(h) h, max(s) s from ({sql})"),
            "--csv",
            "-t",
        ]);
        assert_eq!(out, expected, "{name}");
    }
    let left: Vec<_> = std::fs::read_dir(place.work()).unwrap().map(|e| e.unwrap().file_name()).collect();
    assert_eq!(left.len(), 2, "{left:?}");
    let arrow = place.command(&["query", sql, "--format", "arrow"]).output().unwrap();
    assert!(arrow.stdout.len() > 1_000_000);
    let cut = place.run(&["query", sql, "-o", "cut.parquet", "--limit", "10", "--fail-on-truncate"]);
    assert_eq!(cut.code, 9, "{}", cut.err);
    assert_eq!(place.ok(&["query", "select count(*) from 'cut.parquet'", "--csv", "-t"]), "10\n");
}

#[test]
fn limits_are_honest() {
    let place = Place::new();
    let ran = place.run(&["query", "from range(50)", "--csv", "-t", "--limit", "3", "-q"]);
    assert_eq!((ran.code, ran.out.as_str()), (0, "0\n1\n2\n"));
    assert!(ran.err.contains("showing 3 rows; there are more"), "{}", ran.err);
    let ran = place.run(&["query", "from range(3)", "--csv", "-t", "--limit", "3", "--stats"]);
    assert!(ran.err.contains("\"truncated\":false"), "{}", ran.err);
    assert_eq!(
        place.run(&["query", "from range(4)", "--json", "--limit", "3", "--fail-on-truncate"]).code,
        9
    );
    assert_eq!(place.ok(&["query", "from range(0)", "--json"]), "[]\n");
    assert_eq!(place.ok(&["query", "select 1 where false", "--csv"]), "1\n");
}

#[test]
fn parameters_are_bound_and_never_spliced() {
    let place = Place::new();
    let evil = "text='; drop table x; --";
    let out =
        place.ok(&["query", "select $text t, $n + 1 n", "--param", evil, "--param", "n=41", "--csv", "-t"]);
    assert_eq!(out, "'; drop table x; --,42\n");
    let err = place.fails(&["query", "select $a", "--csv"], 2);
    assert!(err.contains("the parameter $a has no value") && err.contains("--param a=VALUE"), "{err}");
    let err = place.fails(&["query", "select 1", "--param", "b=1"], 2);
    assert!(err.contains("no parameter $b"), "{err}");
    place.fails(&["query", "select 1", "--param", "novalue"], 2);
}

#[test]
fn mistakes_are_told_with_place_hint_and_exit_code() {
    let place = Place::new();
    place.file("d/orders.csv", "order_id,amount\n1,2\n");
    place.ok(&["source", "add", "d", "d"]);
    let cases: &[(&[&str], i32, &str)] = &[
        (&["query", "select * from ordrs"], 6, "orders"),
        (&["query", "select amuont from orders"], 6, "amount"),
        (&["query", "selec 1"], 1, "line 1, column 1"),
        (&["query", "select 1; select 2"], 7, "one"),
        (&["query", "drop table orders"], 7, "--write"),
        (&["query", "select * from 'missing.csv'"], 6, "missing.csv"),
        (&["query", "-f", "missing.sql"], 6, "missing.sql does not exist"),
        (&["query", "-f", "d"], 1, "is a folder"),
        (&["query", "select 1", "-o", "d"], 2, "is a folder"),
        (&["query", "select 1", "-o", "x.unknown"], 2, "ending"),
        (&["query", "select 1", "-o", "no/such/folder.csv"], 1, "folder.csv"),
        (&["query", "select 1", "--source", "dd"], 6, "did you mean d"),
        (&["query", "select 1", "--timeout", "soon"], 2, "length of time"),
        (
            &["query", "from range(1000000000000) t(i) select sum(i) where i % 3 = 1", "--timeout", "300ms"],
            4,
            "deadline",
        ),
        (&["sample", "nothing"], 6, "nothing"),
        (&["sample", "orders", "--percent", "200"], 2, "200 percent"),
    ];
    for (args, code, mention) in cases {
        let err = place.fails(args, *code);
        assert!(err.contains(mention), "{args:?}: {err}");
    }
    let ran = place.run(&["query", "select * from ordrs", "--json"]);
    let error: serde_json::Value = serde_json::from_str(&ran.err).unwrap();
    assert_eq!(
        (error["code"].as_str(), error["retryable"].as_bool()),
        (Some("table_not_found"), Some(false))
    );
    assert!(error["request_id"].is_string());
}

#[test]
fn statements_come_from_arguments_files_and_pipes() {
    let place = Place::new();
    place.file("q.sql", "select 7 as n;\n");
    assert_eq!(place.ok(&["query", "-f", "q.sql", "--csv", "-t"]), "7\n");
    assert_eq!(place.pipe(&["query", "--csv", "-t"], "select 8").out, "8\n");
    assert_eq!(place.pipe(&["query", "-", "--csv", "-t"], "select 9").out, "9\n");
    assert_eq!(place.pipe(&["query", "--csv"], [0xff, 0xfe]).code, 1);
    // Relative names mean the caller's folder, and two folders do not see each other's files.
    place.file("one/x.csv", "a\n1\n");
    place.file("two/x.csv", "a\n2\n");
    for (folder, expected) in [("one", "1\n"), ("two", "2\n"), ("one", "1\n")] {
        let out = place
            .command(&["query", "select a from 'x.csv'", "--csv", "-t"])
            .current_dir(place.work().join(folder))
            .output()
            .unwrap();
        assert_eq!(
            String::from_utf8_lossy(&out.stdout),
            expected,
            "{}",
            String::from_utf8_lossy(&out.stderr)
        );
    }
}

#[test]
fn a_reader_that_goes_away_ends_the_statement_quietly() {
    let place = Place::new();
    for format in ["csv", "json", "ndjson", "table"] {
        let mut child = place
            .command(&[
                "query",
                "select i, repeat('x', 100) t from range(100000000) t(i)",
                "--format",
                format,
                "--limit",
                "100000000",
            ])
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        if format == "table" {
            // It gathers rows first; interrupting it is what a person would do.
            let _ = child.kill();
            let _ = child.wait();
        } else {
            let mut first = [0; 64];
            child.stdout.take().unwrap().read_exact(&mut first).unwrap();
            let output = child.wait_with_output().unwrap();
            assert_eq!(output.status.code(), Some(0), "{format}");
            assert_eq!(String::from_utf8_lossy(&output.stderr), "", "{format}");
        }
    }
    wait_until("no statement runs", || place.json(&["daemon", "status", "--json"])["statements"] == 0);
}

#[test]
fn an_interrupted_client_cancels_in_the_engine() {
    let place = Place::new();
    place.ok(&["query", "select 1", "--csv"]);
    let child =
        place.start(&["query", "select count(*) from range(1000000000000) t(i) where i % 7 = 3", "--csv"]);
    wait_until("the statement runs", || place.json(&["daemon", "status", "--json"])["statements"] == 1);
    std::process::Command::new("kill").args(["-INT", &child.id().to_string()]).status().unwrap();
    assert_eq!(child.wait_with_output().unwrap().status.code(), Some(130));
    wait_until("no statement runs", || place.json(&["daemon", "status", "--json"])["statements"] == 0);
}

#[test]
fn the_same_bytes_with_and_without_the_daemon() {
    let place = Place::new();
    place.file("d/t.csv", "a,b\n1,x\n2,\n");
    place.ok(&["source", "add", "d", "d"]);
    for format in ["csv", "tsv", "json", "ndjson", "table", "plain", "vertical", "markdown"] {
        let with = place.ok(&["query", "from t", "--format", format]);
        let without = place.ok(&["query", "from t", "--format", format, "--no-daemon"]);
        assert_eq!(with, without, "{format}");
    }
    assert_eq!(place.fails(&["query", "from nix"], 6), place.fails(&["query", "from nix", "--no-daemon"], 6));
}

#[test]
fn an_agents_view_sees_its_tables_and_nothing_else() {
    let place = Place::new();
    place.file("d/open.csv", "a\n1\n");
    place.file("d/closed.csv", "a\nsecret\n");
    place.ok(&["source", "add", "d", "d"]);
    let run = |sql: &str| place.run(&["query", sql, "--csv", "-t", "--only-tables", "open"]);
    assert_eq!(run("select a from open").out, "1\n");
    for sql in [
        "select * from closed",
        "select * from d.main.closed",
        "select (select max(a) from closed)",
        "from read_csv('d/closed.csv')",
        "from 'closed.csv'",
        "select getenv('HOME')",
        "from duckdb_tables()",
        "copy open to 'x.csv'",
        "with x as (from closed) select 1",
    ] {
        let ran = run(sql);
        assert_eq!(ran.code, 7, "{sql}: {} {}", ran.out, ran.err);
        assert!(!ran.out.contains("secret"));
    }
    assert!(place.fails(&["query", "select 1", "--only-tables", "opne"], 6).contains("did you mean open"));
}

#[test]
fn relative_names_are_found_in_a_folder_with_commas_in_its_name() {
    let place = Place::new();
    place.file("a,b, c/t.csv", "x\n1\n2\n");
    let run = |args: &[&str]| place.command(args).current_dir(place.work().join("a,b, c")).output().unwrap();
    let read = run(&["query", "select sum(x) s from 't.csv'", "--csv", "-t"]);
    assert_eq!(String::from_utf8_lossy(&read.stdout), "3\n", "{}", String::from_utf8_lossy(&read.stderr));
    let sampled = run(&["sample", "t.csv", "--csv"]);
    assert_eq!(String::from_utf8_lossy(&sampled.stdout), "x\n1\n2\n");
    // The link through which it was read is gone with the statement.
    let spools =
        std::fs::read_dir(place.path("k/").join(format!("scratch-{}", place.daemon_pid().unwrap()))).unwrap();
    let links = spools.filter_map(|s| std::fs::read_dir(s.unwrap().path()).ok()).flatten().count();
    assert_eq!(links, 0);
}

#[test]
fn integers_beyond_the_digits_of_a_column_format_are_refused_and_not_cut() {
    let place = Place::new();
    let largest = format!("{}", 10_i128.pow(38) - 1);
    place.ok(&["query", &format!("select {largest}::hugeint h"), "-o", "fits.arrow"]);
    for name in ["x.arrow", "x.parquet"] {
        let err = place
            .fails(&["query", "select 170141183460469231731687303715884105727::hugeint h", "-o", name], 1);
        assert!(err.contains("170141183460469231731687303715884105727"), "{err}");
        assert!(!place.work().join(name).exists());
    }
}
