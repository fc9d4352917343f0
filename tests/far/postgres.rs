//! A real PostgreSQL server as a source.

use super::contract;
use crate::support::postgres::{PASSWORD, Server};
use crate::support::{Place, shared, wait_until};
use serde_json::Value;

/// The shop of the semantic cases in a database of this server.
pub fn shop(server: &Server) -> bool {
    let Some(dir) = shared("cases/semantic") else { return false };
    let types: Value = serde_json::from_slice(&std::fs::read(dir.join("tables.json")).unwrap()).unwrap();
    server.run("postgres", "create database shop");
    for (table, columns) in types["tables"].as_object().unwrap() {
        if table.starts_with("aliases") {
            continue;
        }
        let columns: Vec<String> = columns
            .as_array()
            .unwrap()
            .iter()
            .map(|c| {
                format!(
                    "\"{}\" {}",
                    c["name"].as_str().unwrap(),
                    c["type"].as_str().unwrap().replace("DOUBLE", "double precision")
                )
            })
            .collect();
        server.run("shop", &format!("create table \"{table}\" ({})", columns.join(", ")));
        let file = dir.join("data").join(format!("{table}.csv"));
        server
            .run("shop", &format!("\\copy \"{table}\" from '{}' with (format csv, header)", file.display()));
    }
    true
}

fn add(place: &Place, name: &str, address: &str, more: &[&str]) -> crate::support::Ran {
    let mut args = vec!["source", "add", name, address, "--secret", "-"];
    args.extend(more);
    place.pipe(&args, format!("{PASSWORD}\n"))
}

#[test]
fn everything_works_as_with_files() {
    let Some(server) = Server::start(&[]) else { return };
    if !shop(&server) {
        return;
    }
    let place = Place::new();
    let models = shared("cases/semantic/model").unwrap();
    let added =
        add(&place, "shop", &server.address("admin", "shop"), &["--models", models.to_str().unwrap()]);
    assert_eq!(added.code, 0, "{}", added.err);
    contract::holds(&place, str::to_owned, usize::MAX);
    contract::holds_by_full_name(&place);
}

#[test]
fn values_of_all_types_come_to_the_last_digit() {
    let Some(server) = Server::start(&[]) else { return };
    server.run("postgres", "create type mood as enum ('sad', 'ok')");
    server.run(
        "postgres",
        "create table everything as select true as a, 1::int2 as b, (-2147483648)::int4 as c, 9223372036854775807::int8 as d,
           0.1::float4 as e, 1e300::float8 as f, 12345678901234567890.123456789::numeric as g, 12.30::numeric(10,2) as h,
           'größe'::text as i, 'x'::varchar(3) as j, 'y'::char(3) as k, '\\xdeadbeef'::bytea as l, '0001-01-01'::date as m,
           '2026-01-31 12:34:56.789012'::timestamp as n, '2026-01-31 12:34:56.789012+05:30'::timestamptz as o,
           '23:59:59.999999'::time as p, '1 year 2 mons 3 days 04:05:06.7'::interval as q, '{\"a\": [1]}'::json as r,
           '{\"b\": null}'::jsonb as s, '00112233-4455-6677-8899-aabbccddeeff'::uuid as t, array[1,2] as u,
           '10.0.0.1/8'::inet as v, 'ok'::mood as w, '12.5'::money as x, '04:05:06+02'::timetz as y, 'NaN'::numeric as z,
           int4range(1, 5) as aa, point(1, 2) as bb, b'101' as cc",
    );
    server.run("postgres", "insert into everything(a) values (null)");
    let place = Place::new();
    assert_eq!(add(&place, "pg", &server.address("admin", "postgres"), &[]).code, 0);
    let rows = place.json(&["query", "select * from everything order by a nulls last", "--format", "json"]);
    let row = rows[0].as_object().unwrap();
    let text = |key: &str| serde_json::to_string(&row[key]).unwrap();
    for (key, value) in [
        ("a", "true"),
        ("b", "1"),
        ("c", "-2147483648"),
        ("d", "9223372036854775807"),
        ("e", "0.1"),
        ("f", "1e300"),
        ("h", "12.30"),
        ("i", "\"größe\""),
        ("j", "\"x\""),
        ("k", "\"y  \""),
        ("l", "\"3q2+7w==\""),
        ("m", "\"0001-01-01\""),
        ("n", "\"2026-01-31T12:34:56.789012\""),
        ("o", "\"2026-01-31T07:04:56.789012Z\""),
        ("p", "\"23:59:59.999999\""),
        ("q", "\"P1Y2M3DT4H5M6.7S\""),
        ("r", "{\"a\":[1]}"),
        ("s", "{\"b\":null}"),
        ("t", "\"00112233-4455-6677-8899-aabbccddeeff\""),
        ("u", "\"{1,2}\""),
        ("v", "\"10.0.0.1/8\""),
        ("w", "\"ok\""),
        ("y", "\"04:05:06+02\""),
        ("z", "null"),
        ("aa", "\"[1,5)\""),
        ("bb", "\"(1,2)\""),
        ("cc", "\"101\""),
    ] {
        if key == "f" {
            assert_eq!(row[key].as_f64(), Some(1e300));
        } else if key != "h" {
            assert_eq!(text(key), value, "{key}");
        }
    }
    // Digits that a JSON parser would round.
    let raw = place.ok(&["query", "select g, h, z from everything where a", "--format", "csv"]);
    assert_eq!(raw, "g,h,z\n12345678901234567890.123456789,12.30,NaN\n");
    let nulls = rows[1].as_object().unwrap();
    assert!(nulls.values().all(Value::is_null), "{nulls:?}");
    let beyond = place.fails(&["query", "select 'infinity'::timestamp as t"], 1);
    assert!(beyond.contains("`t`") && beyond.contains("t::text"), "{beyond}");
    let counted = place.ok(&["query", "--write", "update everything set b = 2", "--format", "csv"]);
    assert_eq!(counted, "Count\n2\n");
}

#[test]
fn a_cancelled_statement_ends_at_the_server() {
    let Some(server) = Server::start(&[]) else { return };
    let place = Place::new();
    assert_eq!(add(&place, "pg", &server.address("admin", "postgres"), &[]).code, 0);
    let running = || {
        server.run("postgres", "select count(*) from pg_stat_activity where query like '%sleep(1000)%' and state = 'active' and pid <> pg_backend_pid()")
    };
    for signal in ["INT", "KILL"] {
        let mut child = place.start(&["query", "select pg_sleep(1000)"]);
        wait_until("the statement to run", || running() == "1");
        crate::streams::process::signal(child.id(), signal);
        child.wait().unwrap();
        wait_until("the statement to end", || running() == "0");
    }
    let late = place.fails(&["query", "select pg_sleep(1000)", "--timeout", "300ms"], 4);
    assert!(late.contains("timeout") || late.contains("deadline"), "{late}");
    wait_until("the statement to end", || running() == "0");
    assert_eq!(place.ok(&["query", "select 1 as one", "--format", "csv"]), "one\n1\n");
}

#[test]
fn what_is_wrong_with_a_server_is_told() {
    let Some(server) = Server::start(&["max_connections=5", "superuser_reserved_connections=0"]) else {
        return;
    };
    server.run("postgres", "create user nobody password 'x'");
    let place = Place::new();
    let port = server.port;
    let told = |address: &str, secret: &str| {
        let ran = place.pipe(&["source", "add", "pg", address, "--secret", "-"], format!("{secret}\n"));
        assert_ne!(ran.code, 0, "{address}");
        assert!(!ran.err.contains(secret) || secret.len() < 3, "{}", ran.err);
        ran.err
    };
    let admin = |tail: &str| format!("postgres://admin@127.0.0.1:{port}/{tail}");
    let wrong = told(&admin("postgres"), "not-the-password");
    assert!(wrong.contains("28P01") && wrong.contains("--secret"), "{wrong}");
    let missing = told(&admin("nosuch"), PASSWORD);
    assert!(
        missing.contains("nosuch") && missing.contains("3D000") && missing.contains("address"),
        "{missing}"
    );
    let port_of_none = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
    let gone = told(&format!("postgres://admin@127.0.0.1:{port_of_none}/x"), PASSWORD);
    assert!(gone.contains("pg") && gone.contains("refused") && gone.contains("port"), "{gone}");
    let plain = told(&admin("postgres?sslmode=verify-full"), PASSWORD);
    assert!(plain.contains("TLS") && plain.contains("sslmode=disable"), "{plain}");
    let option = told(&admin("postgres?sslmoed=x"), PASSWORD);
    assert!(option.contains("did you mean sslmode"), "{option}");
    let nobody = told(&format!("postgres://127.0.0.1:{port}/postgres"), PASSWORD);
    assert!(nobody.contains("names no user"), "{nobody}");
    let in_argv = told(&format!("postgres://admin:{PASSWORD}@127.0.0.1:{port}/postgres"), PASSWORD);
    assert!(in_argv.contains("password"), "{in_argv}");
    assert!(place.json(&["source", "list", "--format", "json"]).as_array().unwrap().is_empty());
    // Rights that are missing at the server.
    server.run("postgres", "create table hidden(a int); revoke all on hidden from public");
    let address = format!("postgres://nobody@127.0.0.1:{port}/postgres");
    assert_eq!(place.pipe(&["source", "add", "pg", &address, "--secret", "-"], "x\n").code, 0);
    let denied = place.fails(&["query", "select * from hidden"], 7);
    assert!(denied.contains("42501"), "{denied}");
}

#[test]
fn a_connection_beyond_this_machine_is_encrypted_and_checked() {
    let made = rcgen::generate_simple_self_signed(vec!["localhost".to_owned()]).unwrap();
    let files = [("crt", made.cert.pem()), ("key", made.key_pair.serialize_pem())];
    let files: Vec<(&str, &str)> = files.iter().map(|(name, text)| (*name, text.as_str())).collect();
    let settings = ["ssl=on", "ssl_cert_file={dir}/crt", "ssl_key_file={dir}/key"];
    let Some(server) = Server::with_files(&files, &settings) else { return };
    let place = Place::new();
    let port = server.port;
    let socket = server.path().to_str().unwrap().replace('/', "%2F");
    let authority = server.path().join("crt").display().to_string();
    let outcome = |address: &str| {
        let ran = add(&place, "pg", address, &["--replace"]);
        if ran.code != 0 {
            return Err(ran.err);
        }
        let tested = place.json(&["source", "test", "pg", "--json"]);
        let sql = "select ssl from pg_stat_ssl where pid = pg_backend_pid()";
        Ok((place.ok(&["query", sql, "--format", "csv"]).contains("true"), tested["warnings"].to_string()))
    };
    let told = |address: &str| outcome(address).unwrap_err();
    let at = |host: &str, more: &str| format!("postgres://admin@{host}:{port}/postgres{more}");
    let checked = outcome(&at("localhost", &format!("?sslrootcert={authority}"))).unwrap();
    assert!(checked.0 && !checked.1.contains("checked"), "{checked:?}");
    // The name is another than the certificate's; nobody vouches for it; a file that is none.
    assert!(told(&at("127.0.0.1", &format!("?sslrootcert={authority}"))).contains("certificate"));
    assert!(told(&at("localhost", "?sslmode=verify-full")).contains("certificate"));
    assert!(told(&at("localhost", "?sslrootcert=/nix/ca.pem")).contains("/nix/ca.pem"));
    let unchecked = outcome(&at("127.0.0.1", "?sslmode=require")).unwrap();
    assert!(unchecked.0 && unchecked.1.contains("not checked"), "{unchecked:?}");
    let plain = outcome(&at("127.0.0.1", "")).unwrap();
    assert!(!plain.0, "{plain:?}");
    let local = outcome(&format!("postgres://admin@{socket}:{port}/postgres")).unwrap();
    assert!(!local.0, "{local:?}");
}

#[test]
fn a_server_that_is_gone_is_spared_and_found_again() {
    let Some(server) = Server::start(&[]) else { return };
    let place = Place::new();
    assert_eq!(add(&place, "pg", &server.address("admin", "postgres"), &[]).code, 0);
    assert_eq!(place.ok(&["query", "select 1 as one", "--format", "csv"]), "one\n1\n");
    drop(server);
    let mut said = Vec::new();
    for _ in 0..7 {
        said.push(place.fails(&["query", "select 1 as one"], 3));
    }
    assert!(said[0].contains("pg"), "{}", said[0]);
    assert!(said[6].contains("in a row") && said[6].contains("left alone"), "{}", said[6]);
    let health = crate::streams::http::send(&place, "GET", "/api/health/pg", "", "");
    assert_eq!(health.status, 503);
    // Whoever tests is not told about yesterday.
    let tested = place.fails(&["source", "test", "pg"], 3);
    assert!(tested.contains("refused"), "{tested}");
}

#[test]
fn a_result_is_kept_for_who_takes_an_old_one() {
    let Some(server) = Server::start(&[]) else { return };
    server.run("postgres", "create table t as select 1 as a");
    let place = Place::new();
    assert_eq!(add(&place, "pg", &server.address("admin", "postgres"), &[]).code, 0);
    let ask = |more: &[&str]| {
        let args: Vec<&str> = ["query", "select a, random() as r from t", "--stats", "--format", "csv"]
            .iter()
            .chain(more)
            .copied()
            .collect();
        let ran = place.run(&args);
        assert_eq!(ran.code, 0, "{}", ran.err);
        let stats = ran.err.lines().rev().find_map(|line| serde_json::from_str::<Value>(line).ok()).unwrap();
        (ran.out, stats)
    };
    let (first, stats) = ask(&["--max-age", "1h"]);
    assert_eq!(
        (stats["cache"].as_str(), stats["route"].as_str()),
        (Some("miss"), Some("postgres")),
        "{stats}"
    );
    let (again, stats) = ask(&["--max-age", "1h"]);
    assert_eq!(
        (stats["cache"].as_str(), stats["route"].as_str()),
        (Some("hit"), Some("cache:postgres")),
        "{stats}"
    );
    assert!(again == first && stats["data_at"].is_string(), "{again} {first}");
    for fresh in [&[][..], &["--max-age", "0"], &["--max-age", "1h", "--limit", "5"]] {
        let (other, stats) = ask(fresh);
        assert!(other != first && stats["route"] == "postgres", "{fresh:?}");
    }
}
