//! The source for Redshift, before a face in this process that has PostgreSQL behind it.

// Helpers of tests may panic like tests.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::print_stdout)]

mod connector;
#[cfg(feature = "aws")]
mod data_api;
mod faults;
mod metadata;
#[path = "../../../../tests/support/postgres.rs"]
#[allow(dead_code)] // Its other half is for the tests through the executable.
mod postgres;
mod trouble;
mod values;

use arrow::array::{AsArray, RecordBatch};
use arrow::datatypes::Int32Type;

use futures::StreamExt;
use postgres::Server;
use secrecy::SecretString;
use std::time::{Duration, Instant};
use wharf_protocol::{ApiError, Param};
use wharf_redshift_face::{DRESS, Face, HBA, Nature};
use wharf_warehouses::{Address, Answer, Ask, Redshift, Session, Source};

/// A server that is dressed up; none where PostgreSQL is not installed.
fn server() -> Option<Server> {
    let settings = ["allow_system_table_mods=on", "hba_file={dir}/hba", "max_connections=40"];
    let server = Server::with_files(&[("hba", HBA)], &settings)?;
    server.run("postgres", DRESS);
    Some(server)
}

fn wait_until(what: &str, mut done: impl FnMut() -> bool) {
    let until = Instant::now() + Duration::from_secs(60);
    while !done() {
        assert!(Instant::now() < until, "waited in vain for {what}");
        std::thread::sleep(Duration::from_millis(20));
    }
}

fn source_at(port: u16, user: &str, rest: &str, secret: Option<&str>) -> Result<Redshift, ApiError> {
    let address = Address::parse(&format!("redshift://{user}@127.0.0.1:{port}/{rest}"))?;
    Redshift::new("rs", &address, secret.map(|s| SecretString::from(s.to_owned())).as_ref())
}

/// A source at an ordinary face.
async fn dressed(server: &Server) -> (Face, Redshift) {
    let face = Face::start(server.port, Nature::default()).await;
    let source = source_at(face.port, "admin", "postgres", None).unwrap();
    (face, source)
}

fn ask(sql: &str) -> Ask {
    Ask {
        id: "q-1".to_owned(),
        sql: sql.to_owned(),
        params: Vec::new(),
        deadline: Some(Instant::now() + Duration::from_secs(30)),
        session: Session::default(),
        writes: false,
        limit: None,
    }
}

fn with_params(sql: &str, values: &[Param]) -> Ask {
    let params = values.iter().enumerate().map(|(n, value)| (format!("p{n}"), value.clone())).collect();
    Ask { params, ..ask(sql) }
}

/// The batches until the end or the first error, and that error.
async fn drained(answer: Answer) -> (Vec<RecordBatch>, Option<ApiError>) {
    let mut batches = Vec::new();
    let mut stream = answer.batches;
    while let Some(batch) = stream.next().await {
        match batch {
            Ok(batch) => batches.push(batch),
            Err(error) => {
                assert!(stream.next().await.is_none(), "nothing follows an error");
                return (batches, Some(error));
            }
        }
    }
    (batches, None)
}

async fn asked(source: &Redshift, ask: Ask) -> Result<Vec<RecordBatch>, ApiError> {
    match drained(source.execute(ask).await?).await {
        (batches, None) => Ok(batches),
        (_, Some(error)) => Err(error),
    }
}

/// The text of the first column of the first row.
async fn one(source: &Redshift, ask: Ask) -> Result<Option<String>, ApiError> {
    let batches = asked(source, ask).await?;
    let column = batches[0].column(0).as_string::<i32>().clone();
    Ok(column.iter().next().unwrap().map(str::to_owned))
}

/// The whole numbers of the first column.
fn ids(batches: &[RecordBatch]) -> Vec<i32> {
    batches.iter().flat_map(|batch| batch.column(0).as_primitive::<Int32Type>().values().to_vec()).collect()
}
