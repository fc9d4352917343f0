//! What looks like Redshift from the wire: a PostgreSQL server behind a proxy that speaks by `pgwire`'s messages.
//!
//! PostgreSQL does the work; what Redshift lacks is refused on the way (binary results, COPY, `pg_range`, too many digits of
//! floats, settings of later versions), what only it has is put on: types, versions, ways of signing in. The proxy also breaks
//! what it is told to break.

// Helpers of tests may panic like tests.
#![allow(clippy::unwrap_used, clippy::panic, missing_docs)]

pub mod data_api;
mod login;

use login::let_in;
pub use login::{Login, PASSWORD};

use bytes::{Buf, BufMut, Bytes, BytesMut};
use futures::FutureExt;
use pgwire::messages::data::{DataRow, FieldDescription};
use pgwire::messages::extendedquery::{Bind, Parse};
use pgwire::messages::response::ErrorResponse;
use pgwire::messages::simplequery::Query;
use pgwire::messages::startup::{ParameterStatus, Startup};
use pgwire::messages::{
    DecodeContext, PgWireBackendMessage as Back, PgWireFrontendMessage as Front, SslNegotiationMetaMessage,
};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio_rustls::TlsAcceptor;

/// Statements that give a database of PostgreSQL what Redshift has beyond it; they need `allow_system_table_mods`.
pub const DRESS: &str = r#"
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
pub const HBA: &str = "host all scram 127.0.0.1/32 scram-sha-256\nhost all all 127.0.0.1/32 trust\n";

/// What goes wrong once the rows of a statement with the word `numbers` flow.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fault {
    /// The connection ends after so many bytes of rows, in the middle of one.
    Cut(usize),
    /// The server refuses after so many rows, and goes on living.
    Refuse(usize),
    /// The server refuses after so many rows and closes the connection.
    RefuseAndClose(usize),
    /// Every so many rows nothing comes for a moment.
    Slow(usize, Duration),
    /// The bytes come in pieces of this size.
    Pieces(usize),
    /// No row comes after so many, and the connection stays open.
    Stall(usize),
}

/// How the face is.
pub struct Nature {
    pub login: Login,
    pub tls: Option<TlsAcceptor>,
    pub fault: Mutex<Option<Fault>>,
    pub cancels: AtomicUsize,
    pub connections: AtomicUsize,
    /// What clients asked for, in order.
    pub seen: Mutex<Vec<String>>,
}

impl Default for Nature {
    fn default() -> Self {
        Self {
            login: Login::Anybody,
            tls: None,
            fault: Mutex::default(),
            cancels: AtomicUsize::default(),
            connections: AtomicUsize::default(),
            seen: Mutex::default(),
        }
    }
}

/// A face that listens.
pub struct Face {
    pub port: u16,
    pub nature: Arc<Nature>,
    task: tokio::task::JoinHandle<()>,
}

impl Drop for Face {
    fn drop(&mut self) {
        self.task.abort();
    }
}

impl Face {
    /// Listens on a port of its own; `server` is PostgreSQL's port.
    pub async fn start(server: u16, nature: Nature) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = listener.local_addr().unwrap().port();
        let nature = Arc::new(nature);
        let shared = nature.clone();
        let task = tokio::spawn(async move {
            let mut clients = tokio::task::JoinSet::new();
            while let Ok((client, _)) = listener.accept().await {
                clients.spawn(serve(client, server, shared.clone()).map(|_| ()));
            }
        });
        Self { port, nature, task }
    }

    pub fn set(&self, fault: Option<Fault>) {
        *self.nature.fault.lock().unwrap() = fault;
    }

    pub fn seen(&self) -> Vec<String> {
        self.nature.seen.lock().unwrap().clone()
    }
}

/// What bytes go to and fro on.
pub trait Io: AsyncRead + AsyncWrite + Send + Unpin {}
impl<T: AsyncRead + AsyncWrite + Send + Unpin> Io for T {}

type Done = Result<(), Box<dyn std::error::Error + Send + Sync>>;

/// Words of a server that refuses.
pub fn refusal(state: &str, message: &str) -> ErrorResponse {
    let field = |code: u8, text: &str| (code, text.to_owned());
    ErrorResponse::new(vec![field(b'S', "ERROR"), field(b'C', state), field(b'M', message)])
}

async fn serve(client: TcpStream, server: u16, nature: Arc<Nature>) -> Done {
    client.set_nodelay(true)?;
    let mut client: Box<dyn Io> = Box::new(client);
    let mut buffer = BytesMut::new();
    let mut context = DecodeContext::default();
    let startup = loop {
        match Front::decode(&mut buffer, &context)? {
            None => {
                if client.read_buf(&mut buffer).await? == 0 {
                    return Ok(());
                }
            }
            Some(Front::SslNegotiation(SslNegotiationMetaMessage::PostgresSsl(_))) => match &nature.tls {
                None => client.write_all(b"N").await?,
                Some(tls) => {
                    client.write_all(b"S").await?;
                    client = Box::new(tls.accept(client).await?);
                }
            },
            Some(Front::SslNegotiation(_)) => context.awaiting_frontend_ssl = false,
            Some(Front::CancelRequest(request)) => {
                nature.cancels.fetch_add(1, Ordering::SeqCst);
                let mut out = BytesMut::new();
                Front::CancelRequest(request).encode(&mut out)?;
                let mut to = TcpStream::connect(("127.0.0.1", server)).await?;
                to.write_all(&out).await?;
                let _ = to.read(&mut [0; 1]).await;
                return Ok(());
            }
            Some(Front::Startup(startup)) => break startup,
            Some(other) => return Err(format!("{other:?}").into()),
        }
    };
    context.awaiting_frontend_startup = false;
    nature.connections.fetch_add(1, Ordering::SeqCst);
    if let Err(refused) = let_in(&mut *client, &mut buffer, &context, &startup, nature.login).await? {
        return tell(&mut *client, refused).await;
    }
    let to = TcpStream::connect(("127.0.0.1", server)).await?;
    to.set_nodelay(true)?;
    Proxy::new(client, to, nature).run(&startup, buffer, context).await
}

async fn tell(client: &mut dyn Io, refused: ErrorResponse) -> Done {
    let mut out = BytesMut::new();
    Back::ErrorResponse(refused).encode(&mut out)?;
    client.write_all(&out).await?;
    Ok(client.shutdown().await?)
}

/// Types that Amazon's own driver asks for in binary even of the oldest servers. All others come as text only.
const BINARY: &[u32] = &[16, 18, 19, 20, 21, 23, 24, 25, 26, 700, 701, 705, 1042, 1043, 1114, 1184];

/// What PostgreSQL takes and Redshift does not.
const LACKED: &[&str] = &[
    " filter (",
    "distinct on",
    " lateral ",
    "distinct from",
    "string_agg",
    "array_agg",
    " tablesample ",
    "on conflict",
    " returning ",
    "to_regclass",
    "jsonb",
    "::uuid",
    "isodow",
    "make_date",
    "unnest(",
];

/// A column whose values are changed on the way.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Dressed {
    As,
    /// Redshift writes VARBYTE without `\x`.
    Hex,
}

struct Proxy {
    client: Box<dyn Io>,
    server: TcpStream,
    nature: Arc<Nature>,
    dressed: Vec<Dressed>,
    /// The types of the columns that were described last.
    oids: Vec<u32>,
    /// What the server's next error is replaced with.
    refused: Option<ErrorResponse>,
    /// The rows of a statement that is to be broken flow.
    numbers: bool,
    rows: usize,
    bytes: usize,
}

impl Proxy {
    fn new(client: Box<dyn Io>, server: TcpStream, nature: Arc<Nature>) -> Self {
        let (refused, dressed, oids) = (None, Vec::new(), Vec::new());
        Self { client, server, nature, dressed, oids, refused, numbers: false, rows: 0, bytes: 0 }
    }

    async fn run(mut self, startup: &Startup, mut from_client: BytesMut, context: DecodeContext) -> Done {
        let mut hello = Startup::default();
        (hello.protocol_number_major, hello.protocol_number_minor) = (3, 0);
        // What only Redshift knows must not reach PostgreSQL.
        for name in ["user", "database"] {
            if let Some(value) = startup.parameters.get(name) {
                hello.parameters.insert(name.to_owned(), value.clone());
            }
        }
        let mut out = BytesMut::new();
        Front::Startup(hello).encode(&mut out)?;
        self.server.write_all(&out).await?;
        let mut from_server = BytesMut::new();
        let plain = DecodeContext::new(pgwire::messages::ProtocolVersion::PROTOCOL3_0);
        loop {
            while let Some(message) = Front::decode(&mut from_client, &context)? {
                let mut out = BytesMut::new();
                if matches!(message, Front::Terminate(_)) {
                    return Ok(());
                }
                self.ask(message).encode(&mut out)?;
                self.server.write_all(&out).await?;
            }
            while let Some(message) = Back::decode(&mut from_server, &plain)? {
                if !self.answer(message).await? {
                    return Ok(());
                }
            }
            let read = tokio::select! {
                read = self.client.read_buf(&mut from_client) => read?,
                read = self.server.read_buf(&mut from_server) => read?,
            };
            if read == 0 {
                return Ok(());
            }
        }
    }

    /// A message of the client as the server gets it. What Redshift would refuse becomes nonsense, whose error is replaced: so
    /// the server keeps the books on transactions.
    fn ask(&mut self, message: Front) -> Front {
        match message {
            Front::Query(query) => Front::Query(Query::new(self.judged(query.query))),
            Front::Parse(parse) => {
                let sql = self.judged(parse.query);
                Front::Parse(Parse::new(parse.name, sql, parse.type_oids))
            }
            Front::Bind(bind) if self.asks_for_binary(&bind.result_column_format_codes) => {
                self.refused = Some(refusal("0A000", "this type has no binary form"));
                let nowhere = Some("a statement that nobody prepared".to_owned());
                Front::Bind(Bind::new(None, nowhere, vec![], vec![], vec![]))
            }
            other => other,
        }
    }

    /// Whether a column is wanted in binary that has no such form.
    fn asks_for_binary(&self, formats: &[i16]) -> bool {
        let of = |at: usize| formats.get(if formats.len() == 1 { 0 } else { at });
        self.oids.iter().enumerate().any(|(at, oid)| of(at) == Some(&1) && !BINARY.contains(oid))
    }

    fn judged(&mut self, sql: String) -> String {
        let word = sql.to_lowercase();
        self.nature.seen.lock().unwrap().push(sql.clone());
        self.numbers = word.contains("numbers");
        (self.rows, self.bytes) = (0, 0);
        let refused = if word.starts_with("copy ") && (word.contains("stdout") || word.contains("stdin")) {
            ("0A000", "COPY to or from the client is not supported".to_owned())
        } else if word.contains("pg_range") || word.contains("pg_enum") {
            ("42P01", "relation \"pg_range\" does not exist".to_owned())
        } else if word.contains("extra_float_digits to 3") || word.contains("extra_float_digits = 3") {
            (
                "22023",
                "3 is outside the valid range for parameter \"extra_float_digits\" (-15 .. 2)".to_owned(),
            )
        } else if word.contains("client_connection_check_interval") {
            ("42704", "unrecognized configuration parameter".to_owned())
        } else if let Some(lacked) = LACKED.iter().find(|lacked| word.contains(**lacked)) {
            ("0A000", format!("Redshift has no `{}`", lacked.trim()))
        } else {
            return sql;
        };
        self.refused = Some(refusal(refused.0, &refused.1));
        "refused by the face".to_owned()
    }

    /// Passes a message of the server on; false where the connection ends now.
    async fn answer(&mut self, message: Back) -> Result<bool, Box<dyn std::error::Error + Send + Sync>> {
        let message = match message {
            Back::ParameterStatus(status) if status.name == "server_version" => {
                self.send(&Back::ParameterStatus(ParameterStatus::new(
                    "padb_version".into(),
                    "1.0.71629".into(),
                )))
                .await?;
                Back::ParameterStatus(ParameterStatus::new(status.name, "8.0.2".into()))
            }
            Back::ErrorResponse(error) => Back::ErrorResponse(self.refused.take().unwrap_or(error)),
            Back::RowDescription(mut description) => {
                self.dressed = description.fields.iter_mut().map(dress).collect();
                self.oids = description.fields.iter().map(|field| field.type_id).collect();
                Back::RowDescription(description)
            }
            Back::DataRow(row) => {
                let row = Back::DataRow(DataRow::new(redressed(&row.data, &self.dressed), row.field_count));
                return self.row(row).await;
            }
            other => other,
        };
        self.send(&message).await?;
        Ok(true)
    }

    async fn send(&mut self, message: &Back) -> Done {
        let mut out = BytesMut::new();
        message.encode(&mut out)?;
        let pieces = match *self.nature.fault.lock().unwrap() {
            Some(Fault::Pieces(size)) if self.numbers => size,
            _ => out.len(),
        };
        for piece in out.chunks(pieces.max(1)) {
            self.client.write_all(piece).await?;
        }
        Ok(())
    }

    async fn row(&mut self, row: Back) -> Result<bool, Box<dyn std::error::Error + Send + Sync>> {
        let fault = self.nature.fault.lock().unwrap().filter(|_| self.numbers);
        match fault {
            Some(Fault::Cut(after)) => {
                let mut out = BytesMut::new();
                row.encode(&mut out)?;
                if self.bytes + out.len() > after {
                    self.client.write_all(&out[..after - self.bytes]).await?;
                    self.client.shutdown().await?;
                    return Ok(false);
                }
                self.bytes += out.len();
            }
            Some(Fault::Refuse(after)) if self.rows == after => {
                // PostgreSQL goes on, so the rest of its rows is left out.
                self.send(&Back::ErrorResponse(refusal("XX000", "disk full on a compute node"))).await?;
            }
            Some(Fault::RefuseAndClose(after)) if self.rows == after => {
                self.send(&Back::ErrorResponse(refusal("57P01", "the cluster is resized"))).await?;
                self.client.shutdown().await?;
                return Ok(false);
            }
            Some(Fault::Slow(every, pause)) if self.rows.is_multiple_of(every.max(1)) => {
                tokio::time::sleep(pause).await;
            }
            Some(Fault::Stall(after)) if self.rows >= after => {
                // Until the client has enough.
                let _ = self.client.read_u8().await;
                return Ok(false);
            }
            _ => {}
        }
        self.rows += 1;
        self.send(&row).await?;
        Ok(true)
    }
}

/// Gives a column Redshift's type in the place of its counterpart.
fn dress(field: &mut FieldDescription) -> Dressed {
    let (oid, dressed) = match field.type_id {
        114 | 3802 => (4000, Dressed::As),
        17 => (6551, Dressed::Hex),
        600 => (3000, Dressed::As),
        // INTERVAL YEAR TO MONTH, told by the modifier's range of fields; every other one is DAY TO SECOND.
        1186 if field.type_modifier >> 16 == 6 => (1188, Dressed::As),
        1186 => (1190, Dressed::As),
        other => (other, Dressed::As),
    };
    field.type_id = oid;
    dressed
}

fn redressed(row: &BytesMut, dressed: &[Dressed]) -> BytesMut {
    let mut cells = Bytes::copy_from_slice(row);
    let mut out = BytesMut::with_capacity(row.len());
    let mut at = 0;
    while cells.has_remaining() {
        let length = cells.get_i32();
        let Ok(length) = usize::try_from(length) else {
            out.put_i32(-1);
            at += 1;
            continue;
        };
        let mut cell = cells.split_to(length);
        if dressed.get(at) == Some(&Dressed::Hex) {
            cell.advance(2);
        }
        out.put_i32(i32::try_from(cell.len()).unwrap());
        out.put_slice(&cell);
        at += 1;
    }
    out
}
