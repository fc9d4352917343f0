//! What runs the statements of the face: PostgreSQL, whose types and values are told as the Data API tells Redshift's.

use base64::Engine as _;
use serde_json::{Value, json};
use tokio_postgres::types::Type;
use tokio_postgres::{CancelToken, Client, NoTls, SimpleQueryMessage};

/// One statement that has run.
#[derive(Clone, Default)]
pub struct Done {
    pub columns: Vec<Value>,
    pub rows: Vec<Value>,
    /// Rows of the result, or rows that were touched.
    pub count: i64,
}

/// A connection for one batch.
pub struct Session {
    client: Client,
    io: tokio::task::JoinHandle<()>,
}

impl Drop for Session {
    fn drop(&mut self) {
        self.io.abort();
    }
}

impl Session {
    pub async fn open(port: u16, user: &str, database: &str) -> Result<Self, String> {
        let at = format!("host=127.0.0.1 port={port} user={user} dbname={database}");
        let (client, connection) = tokio_postgres::connect(&at, NoTls).await.map_err(|e| told(&e))?;
        let io = tokio::spawn(async move {
            let _ = connection.await;
        });
        let session = Self { client, io };
        session.run("set timezone to 'UTC'").await?;
        Ok(session)
    }

    pub fn cancel(&self) -> CancelToken {
        self.client.cancel_token()
    }

    /// Runs one statement.
    pub async fn run(&self, sql: &str) -> Result<Done, String> {
        let prepared = self.client.prepare(sql).await.map_err(|e| told(&e))?;
        let kinds: Vec<(String, u32, i32)> = prepared
            .columns()
            .iter()
            .map(|column| (column.name().to_owned(), column.type_().oid(), column.type_modifier()))
            .collect();
        let mut done = Done { columns: kinds.iter().map(head).collect(), ..Done::default() };
        for message in self.client.simple_query(sql).await.map_err(|e| told(&e))? {
            match message {
                SimpleQueryMessage::Row(row) => {
                    let cells = kinds.iter().enumerate().map(|(at, (_, oid, _))| cell(*oid, row.get(at)));
                    done.rows.push(cells.collect());
                }
                SimpleQueryMessage::CommandComplete(count) => done.count = i64::try_from(count).unwrap(),
                _ => {}
            }
        }
        Ok(done)
    }
}

fn told(error: &tokio_postgres::Error) -> String {
    use tokio_postgres::error::ErrorPosition;
    let Some(said) = error.as_db_error() else { return format!("ERROR: {error}") };
    let place = match said.position() {
        Some(ErrorPosition::Original(at)) => format!("\n  Position: {at}"),
        _ => String::new(),
    };
    format!("{}: {}{place}", said.severity(), said.message())
}

/// A column as the Data API describes it.
fn head((name, oid, modifier): &(String, u32, i32)) -> Value {
    let length = (modifier - 4).max(0);
    let (kind, precision, scale) = match Type::from_oid(*oid) {
        Some(Type::BOOL) => ("bool", 1, 0),
        Some(Type::INT2) => ("int2", 5, 0),
        Some(Type::INT4) => ("int4", 10, 0),
        Some(Type::INT8) => ("int8", 19, 0),
        Some(Type::FLOAT4) => ("float4", 8, 8),
        Some(Type::FLOAT8) => ("float8", 17, 17),
        Some(Type::NUMERIC) if *modifier >= 4 => ("numeric", length >> 16, length & 0x7ff),
        Some(Type::NUMERIC) => ("numeric", 0, 0),
        Some(Type::VARCHAR) => ("varchar", length, 0),
        Some(Type::BPCHAR) => ("bpchar", length, 0),
        Some(Type::DATE) => ("date", 13, 0),
        Some(Type::TIME) => ("time", 15, 6),
        Some(Type::TIMETZ) => ("timetz", 21, 6),
        Some(Type::TIMESTAMP) => ("timestamp", 29, 6),
        Some(Type::TIMESTAMPTZ) => ("timestamptz", 35, 6),
        Some(Type::INTERVAL) if modifier >> 16 == 6 => ("intervaly2m", 32, 0),
        Some(Type::INTERVAL) => ("intervald2s", 32, 0),
        Some(Type::JSON | Type::JSONB) => ("super", 4_194_304, 0),
        Some(Type::BYTEA) => ("varbyte", 64_000, 0),
        Some(Type::POINT) => ("geometry", 0, 0),
        Some(Type::NAME) => ("name", 63, 0),
        Some(Type::OID) => ("oid", 10, 0),
        Some(Type::TEXT) => ("text", 0, 0),
        _ => ("varchar", 65_535, 0),
    };
    json!({
        "isCaseSensitive": false, "isCurrency": false, "isSigned": false, "label": name, "length": 0, "name": name,
        "nullable": 1, "precision": precision, "scale": scale, "schemaName": "", "tableName": "", "typeName": kind,
    })
}

fn cell(oid: u32, text: Option<&str>) -> Value {
    let Some(text) = text else { return json!({ "isNull": true }) };
    let float = |value: f64| match value.is_finite() {
        true => json!({ "doubleValue": value }),
        false => json!({ "doubleValue": text }),
    };
    match Type::from_oid(oid) {
        Some(Type::BOOL) => json!({ "booleanValue": text == "t" }),
        Some(Type::INT2 | Type::INT4 | Type::INT8 | Type::OID) => {
            json!({ "longValue": text.parse::<i64>().unwrap() })
        }
        // Seen at the real one: a REAL comes as the double that it is.
        Some(Type::FLOAT4) => float(f64::from(text.parse::<f32>().unwrap())),
        Some(Type::FLOAT8) => float(text.parse().unwrap()),
        Some(Type::BYTEA) => {
            let digits = text.strip_prefix("\\x").unwrap().as_bytes();
            let pair = |two: &[u8]| u8::from_str_radix(std::str::from_utf8(two).unwrap(), 16).unwrap();
            let bytes: Vec<u8> = digits.chunks(2).map(pair).collect();
            json!({ "stringValue": base64::engine::general_purpose::STANDARD.encode(bytes) })
        }
        _ => json!({ "stringValue": text }),
    }
}

/// Puts values in the place of `:name`, but not within constants, quoted names and comments, nor after another colon. Which
/// were used comes back too.
pub fn with_values(sql: &str, values: &[(String, String)]) -> (String, Vec<String>) {
    let (mut made, mut used) = (String::new(), Vec::new());
    let mut rest = sql;
    while let Some(first) = rest.chars().next() {
        let whole = |end: Option<usize>| end.map_or(rest.len(), |end| end + 2);
        let taken = match first {
            '\'' | '"' => rest[1..].find(first).map_or(rest.len(), |end| end + 2),
            '-' if rest.starts_with("--") => rest.find('\n').unwrap_or(rest.len()),
            '/' if rest.starts_with("/*") => whole(rest.find("*/")),
            ':' if rest.starts_with("::") => 2,
            ':' => {
                let name = rest[1..].split(|c: char| !c.is_ascii_alphanumeric() && c != '_').next().unwrap();
                if let Some((_, value)) = values.iter().find(|(known, _)| known == name) {
                    made.push_str(&format!("'{}'", value.replace('\'', "''")));
                    used.push(name.to_owned());
                    rest = &rest[1 + name.len()..];
                    continue;
                }
                1
            }
            other => other.len_utf8(),
        };
        made.push_str(&rest[..taken]);
        rest = &rest[taken..];
    }
    (made, used)
}
