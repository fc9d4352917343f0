//! The source for Redshift, before a face in this process that has PostgreSQL behind it.

// Helpers of tests may panic like tests.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::print_stdout)]

mod connector;
#[cfg(feature = "aws")]
mod data_api;
mod face;
mod faults;
mod login;
mod metadata;
#[path = "../../../../tests/support/postgres.rs"]
#[allow(dead_code)] // Its other half is for the tests through the executable.
mod postgres;
mod trouble;
mod values;

use arrow::array::{AsArray, RecordBatch};
use arrow::datatypes::Int32Type;
use face::{Face, Nature};
use futures::StreamExt;
use postgres::Server;
use secrecy::SecretString;
use std::time::{Duration, Instant};
use wharf_protocol::{ApiError, Param};
use wharf_warehouses::{Address, Answer, Ask, Redshift, Session, Source};

/// What the wire tells of a Redshift that PostgreSQL does not have.
const REDSHIFT: &str = r#"
    create or replace function pg_catalog.version() returns text stable language sql as
      $$ select 'PostgreSQL 8.0.2 on i686-pc-linux-gnu, compiled by GCC gcc (GCC) 3.4.2, Redshift 1.0.71629'::text $$;
    create view pg_catalog.svv_all_schemas as
      select current_database()::varchar as database_name, nspname::varchar as schema_name from pg_namespace;
    create view pg_catalog.svv_all_tables as
      select table_catalog::varchar as database_name, table_schema::varchar as schema_name,
        table_name::varchar as table_name,
        case table_type when 'BASE TABLE' then 'TABLE' else table_type end::varchar as table_type,
        obj_description(format('%I.%I', table_schema, table_name)::regclass)::varchar as remarks
      from information_schema.tables;
    create view pg_catalog.svv_all_columns as
      select table_catalog::varchar as database_name, table_schema::varchar as schema_name,
        table_name::varchar as table_name, column_name::varchar as column_name, ordinal_position::int as ordinal_position,
        data_type::varchar as data_type, is_nullable::varchar as is_nullable,
        character_maximum_length::int as character_maximum_length, numeric_precision::int as numeric_precision,
        numeric_scale::int as numeric_scale,
        col_description(format('%I.%I', table_schema, table_name)::regclass, ordinal_position)::varchar as remarks
      from information_schema.columns;
    create view pg_catalog.svv_table_info as
      select current_database()::varchar as "database", n.nspname::varchar as "schema", c.relname::varchar as "table",
        1::bigint as size, c.reltuples::numeric(38,0) as tbl_rows, c.reltuples::numeric(38,0) as estimated_visible_rows
      from pg_class c join pg_namespace n on n.oid = c.relnamespace where c.reltuples > 0;
    grant select on pg_catalog.svv_all_schemas, pg_catalog.svv_all_tables, pg_catalog.svv_all_columns to public;
"#;

/// Who comes in how, behind the face.
const HBA: &str = "host all scram 127.0.0.1/32 scram-sha-256\nhost all all 127.0.0.1/32 trust\n";

/// A server that is dressed up; none where PostgreSQL is not installed.
fn server() -> Option<Server> {
    let settings = ["allow_system_table_mods=on", "hba_file={dir}/hba", "max_connections=40"];
    let server = Server::with_files(&[("hba", HBA)], &settings)?;
    server.run("postgres", REDSHIFT);
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
