//! The face before Amazon's own driver: what it takes for Redshift is not only our opinion.

use super::server;
use std::path::Path;
use std::process::Stdio;
use tokio::io::AsyncWriteExt;
use wharf_redshift_face::{Face, Login, Nature, PASSWORD};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn amazons_own_driver_takes_the_face_for_redshift() {
    let here = Path::new(env!("CARGO_MANIFEST_DIR"));
    let python = here.join("../../.venv-redshift/bin/python");
    let there = python.exists();
    assert!(there, "Amazon's driver is missing: sh scripts/faces.sh redshift");
    let Some(server) = server() else { return };
    for login in [Login::Clear, Login::Md5, Login::Digest] {
        let face = Face::start(server.port, Nature { login, ..Nature::default() }).await;
        let mut child = tokio::process::Command::new(&python)
            .arg(here.join("tests/redshift/connector.py"))
            .arg(face.port.to_string())
            .env_clear()
            .env("LANG", "C.UTF-8")
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        child.stdin.take().unwrap().write_all(format!("{PASSWORD}\n").as_bytes()).await.unwrap();
        let out = child.wait_with_output().await.unwrap();
        let told = String::from_utf8_lossy(&out.stdout).into_owned() + &String::from_utf8_lossy(&out.stderr);
        assert!(out.status.success() && told.trim_end().ends_with("fine"), "{told}\n{:?}", face.seen());
    }
}

/// Why the source does not speak by `tokio-postgres`.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_client_that_wants_binary_results_gets_nowhere() {
    let Some(server) = server() else { return };
    let face = Face::start(server.port, Nature::default()).await;
    let at = format!("host=127.0.0.1 port={} user=admin dbname=postgres", face.port);
    let (client, connection) = tokio_postgres::connect(&at, tokio_postgres::NoTls).await.unwrap();
    tokio::spawn(connection);
    assert_eq!(client.query_one("select 1::int", &[]).await.unwrap().get::<_, i32>(0), 1);
    for sql in ["select 1.5::numeric(3,1)", "select '{}'::json", "select '\\x00'::bytea", "copy t to stdout"]
    {
        assert!(client.query(sql, &[]).await.is_err(), "{sql}");
    }
}

/// Stands there for a while, for whoever wants to try something by hand: `cargo nextest run --run-ignored only stands_there`.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "for trying by hand"]
async fn a_face_stands_there() {
    let Some(server) = server() else { return };
    server.run("postgres", "create table sales as select n as id, n % 7 as shop, (n * 1.5)::numeric(10,2) as amount, date '2025-01-01' + n % 365 as day from generate_series(1, 5000) as g(n)");
    let face = Face::start(server.port, Nature { login: Login::Md5, ..Nature::default() }).await;
    println!("redshift://admin@127.0.0.1:{}/postgres with the password {PASSWORD}", face.port);
    tokio::time::sleep(std::time::Duration::from_secs(120)).await;
}
