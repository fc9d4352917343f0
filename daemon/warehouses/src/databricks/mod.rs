//! Databricks: SQL warehouses through the Statement Execution API, Unity Catalog for what there is, and files in volumes.
//!
//! | file | what it is for |
//! | --- | --- |
//! | `far.rs`, `auth.rs` | the workspace: calls with a credential that is renewed in time |
//! | `statement.rs` | one statement: sent, waited for, cancelled |
//! | `chunks.rs`, `result.rs` | its rows: fetched side by side, handed on in order, never less than was told |
//! | `types.rs`, `arrow_form.rs`, `cells.rs`, `times.rs` | the engine's types and values in Arrow's terms |
//! | `catalog.rs`, `files.rs` | schemas and tables; volumes |
//! | `wire.rs`, `errors.rs` | what is answered, and what went wrong in words that help |
//!
//! Types come the same in both forms of a result: numbers, decimals and dates exactly; `TIMESTAMP` as microseconds in UTC,
//! `TIMESTAMP_NTZ` without a zone; lists, maps and structures nested; `VARIANT` as JSON text; intervals and shapes as text.

mod arrow_form;
mod auth;
mod catalog;
mod cells;
mod chunks;
mod errors;
mod far;
mod files;
mod result;
mod statement;
mod times;
mod types;
mod wire;

pub use files::Volumes;

use crate::address::Address;
use crate::http;
use crate::port::{
    Answer, Ask, Capabilities, Column, Details, Estimate, Files, Page, Session, Source, TableFacts, Tested,
};
use async_trait::async_trait;
use auth::Auth;
use errors::About;
use far::{Far, PATIENCE};
use reqwest::Client;
use secrecy::{ExposeSecret, SecretString};
use serde::Deserialize;
use statement::Way;
use std::sync::Arc;
use std::time::{Duration, Instant};
use url::Url;
use wharf_policy::Dialect;
use wharf_protocol::{ApiError, ErrorKind, SourceKind};

const EXAMPLE: &str = "databricks://adb-123.4.azuredatabricks.net/main/default?warehouse=1a2b3c";
/// The schema of names without one, where none is configured.
const DEFAULT_SCHEMA: &str = "default";

/// How many statements run at once where the address does not tell. A warehouse queues what is more than it can do.
const CONNECTIONS: usize = 32;

/// A workspace, rooted in one of its catalogs.
pub struct Databricks {
    far: Arc<Far>,
    catalog: String,
    schema: String,
}

#[derive(Deserialize, Default)]
#[serde(default)]
struct Me {
    #[serde(rename = "userName")]
    user_name: Option<String>,
    #[serde(rename = "displayName")]
    display_name: Option<String>,
    id: Option<String>,
    active: Option<bool>,
}

impl Databricks {
    /// A source by its name (for messages), where it is, and its secret: a personal access token, or the secret of the service
    /// principal that `client_id` names. Nothing is asked yet.
    ///
    /// # Errors
    /// What is wrong with the address, or that the secret is missing.
    pub fn new(name: &str, address: Address, secret: Option<SecretString>) -> Result<Self, ApiError> {
        Self::over(name, address, secret, http::client()?)
    }

    /// As [`Self::new`], with the longest silence within an answer after which it counts as broken off (60 seconds there).
    /// It must be longer than the 5 seconds that the far side may take before it begins to answer.
    ///
    /// # Errors
    /// As [`Self::new`].
    pub fn with_silence(
        name: &str,
        address: Address,
        secret: Option<SecretString>,
        silence: Duration,
    ) -> Result<Self, ApiError> {
        Self::over(name, address, secret, http::client_with(silence)?)
    }

    fn over(
        name: &str,
        address: Address,
        secret: Option<SecretString>,
        client: Client,
    ) -> Result<Self, ApiError> {
        address.need(&address.host, "host", EXAMPLE)?;
        let catalog = address.need(&address.catalog, "catalog", EXAMPLE)?.to_owned();
        let auth = sign_in(name, &address, secret)?;
        let connections = match address.option("connections").map(str::parse) {
            None => CONNECTIONS,
            Some(Ok(number @ 1..)) => number,
            Some(_) => {
                let message = format!("source `{name}`: its option `connections` is no number from 1 on");
                return Err(ApiError::new(ErrorKind::Invalid, "bad_address", message).hint(
                    "it tells how many statements may run at once: leave it out, or write connections=8",
                ));
            }
        };
        let configured = address.option("warehouse").filter(|id| !id.is_empty()).map(str::to_owned);
        let far = Far::new(name, base(&address)?, auth, configured, client, connections);
        let schema = address.schema.unwrap_or_else(|| DEFAULT_SCHEMA.to_owned());
        Ok(Self { far: Arc::new(far), catalog, schema })
    }

    /// The files of its volumes, of every catalog that may be seen.
    pub fn volumes(&self) -> Volumes {
        Volumes::new(Arc::clone(&self.far))
    }

    async fn run(&self, ask: &Ask, way: Way) -> Result<Answer, ApiError> {
        if let Some(role) = &ask.session.role {
            let message = format!("{}: there are no roles in Databricks, so not `{role}`", self.far.who);
            return Err(ApiError::new(ErrorKind::Invalid, "no_roles", message).hint("leave the role out"));
        }
        let until = statement::until(ask.deadline);
        let warehouse = self.far.warehouse(ask.session.warehouse.as_deref(), until).await?;
        let place =
            result::Place { warehouse: &warehouse, catalog: &self.catalog, schema: Some(&self.schema) };
        let answer = result::run(&self.far, ask, &place, way).await;
        if answer.as_ref().is_err_and(|error| error.code == "warehouse_not_found") {
            self.far.choose_anew().await;
        }
        answer
    }

    /// The rows of a small statement of our own: inline, but all of them.
    async fn ask_text(&self, sql: String, session: &Session) -> Result<Vec<Vec<Option<String>>>, ApiError> {
        let ask = Ask {
            id: String::new(),
            sql,
            params: Vec::new(),
            deadline: Some(Instant::now() + PATIENCE),
            session: session.clone(),
            writes: false,
            limit: None,
        };
        result::rows_of_text(self.run(&ask, Way::Inline).await?).await
    }

    /// What a table takes, where that can be asked without starting a warehouse.
    async fn size(&self, schema: &str, table: &str) -> Option<u64> {
        let until = Instant::now() + Duration::from_secs(30);
        let id = self.far.warehouse(None, until).await.ok()?;
        if self.far.warehouse_facts(&id, until).await.ok()?.state() != "RUNNING" {
            return None;
        }
        let names = [&self.catalog[..], schema, table].map(catalog::quoted).join(".");
        let ask = Ask {
            id: String::new(),
            sql: format!("DESCRIBE DETAIL {names}"),
            params: Vec::new(),
            deadline: Some(until),
            session: Session { warehouse: Some(id), ..Session::default() },
            writes: false,
            limit: None,
        };
        // Only Delta tables know it; all others, and views, fail here without harm.
        let answer = self.run(&ask, Way::Inline).await.ok()?;
        let at = answer.schema.fields().iter().position(|f| f.name().eq_ignore_ascii_case("sizeInBytes"))?;
        result::rows_of_text(answer).await.ok()?.first()?.get(at)?.as_deref()?.parse().ok()
    }
}

/// What it signs in with.
fn sign_in(name: &str, address: &Address, secret: Option<SecretString>) -> Result<Auth, ApiError> {
    let bad = |message: String| ApiError::new(ErrorKind::Invalid, "bad_address", message);
    let client_id = address.option("client_id").filter(|id| !id.is_empty());
    let machine = match (address.option("auth"), client_id) {
        (Some("m2m"), None) => {
            return Err(bad(format!(
                "source `{name}`: auth=m2m needs the service principal's application id"
            ))
            .hint("add client_id=ID to the address"));
        }
        (Some("m2m"), Some(id)) | (None, Some(id)) => Some(id),
        (Some("pat"), _) | (None, None) => None,
        (Some(other), _) => {
            return Err(bad(format!("source `{name}`: auth={other} is not known"))
                .hint("it is pat (a personal access token) or m2m (a service principal)"));
        }
    };
    let trimmed = secret.map(|secret| SecretString::from(secret.expose_secret().trim()));
    let Some(secret) = trimmed.filter(|secret| !secret.expose_secret().is_empty()) else {
        let what =
            if machine.is_some() { "the secret of its service principal" } else { "a personal access token" };
        return Err(ApiError::new(
            ErrorKind::Invalid,
            "no_secret",
            format!("source `{name}` has no secret: {what}"),
        )
        .hint("give it with --secret ask, --secret env:NAME or --secret file:/PATH"));
    };
    if !secret.expose_secret().bytes().all(|byte| byte.is_ascii_graphic()) {
        let message = format!("the secret of source `{name}` holds characters that no token has");
        return Err(ApiError::new(ErrorKind::Invalid, "bad_secret", message)
            .hint("copy it again, without quotes, blanks and line breaks"));
    }
    Ok(match machine {
        Some(id) => Auth::machine(id, secret),
        None => Auth::Token(secret),
    })
}

/// The base of every call. Without encryption only on this machine: a credential goes there.
fn base(address: &Address) -> Result<Url, ApiError> {
    let port = address.port.map(|port| format!(":{port}")).unwrap_or_default();
    let text = match address.option("endpoint") {
        Some(endpoint) => endpoint.to_owned(),
        None => format!("https://{}{port}", address.host),
    };
    let bad = |what: &str| {
        ApiError::new(ErrorKind::Invalid, "bad_address", format!("`{text}` {what}"))
            .hint(format!("write the address like {EXAMPLE}"))
    };
    let url = Url::parse(&text).map_err(|_| bad("is no address of a workspace"))?;
    let here = match url.host() {
        Some(url::Host::Ipv4(ip)) => ip.is_loopback(),
        Some(url::Host::Ipv6(ip)) => ip.is_loopback(),
        Some(url::Host::Domain(name)) => name == "localhost",
        None => return Err(bad("names no host")),
    };
    match url.scheme() {
        "https" => Ok(url),
        "http" if here => Ok(url),
        _ => Err(bad("is not encrypted: it must begin with https://")),
    }
}

#[async_trait]
impl Source for Databricks {
    fn kind(&self) -> SourceKind {
        SourceKind::Databricks
    }

    fn dialect(&self) -> Dialect {
        Dialect::Databricks
    }

    fn capabilities(&self) -> Capabilities {
        Capabilities { read_only_sessions: false, parameters: true, estimates: false, tenants: false }
    }

    fn catalog(&self) -> &str {
        &self.catalog
    }

    fn default_schema(&self) -> &str {
        &self.schema
    }

    /// Asks who we are and how the warehouse is. Neither starts it.
    fn waiting(&self) -> Option<String> {
        self.far.waiting()
    }

    fn files(&self) -> Option<Arc<dyn Files>> {
        Some(Arc::new(self.volumes()))
    }

    async fn test(&self) -> Result<Tested, ApiError> {
        let until = Instant::now() + Duration::from_secs(60);
        let url = self.far.url("/api/2.0/preview/scim/v2/Me")?;
        let me: Me = self.far.json(&self.far.get(url, About::Identity, until)).await?;
        let id = self.far.warehouse(None, until).await?;
        let warehouse = self.far.warehouse_facts(&id, until).await?;
        let mut warnings = Vec::new();
        if me.active == Some(false) {
            warnings.push("this user is not active".to_owned());
        }
        match &warehouse.state()[..] {
            "DELETED" | "DELETING" => {
                let message =
                    format!("{}: warehouse `{id}` was deleted [{}]", self.far.who, warehouse.state());
                return Err(ApiError::new(ErrorKind::NotFound, "warehouse_not_found", message)
                    .hint("name another one in the source's address: ?warehouse=ID"));
            }
            "STOPPED" | "STOPPING" => {
                warnings.push(
                    "the warehouse is stopped: the first statement starts it, which can take minutes"
                        .to_owned(),
                );
            }
            _ => {}
        }
        Ok(Tested {
            user: me.user_name.or(me.display_name).or(me.id).unwrap_or_default(),
            version: None,
            role: None,
            warehouse: Some(warehouse.told()),
            warnings,
        })
    }

    async fn execute(&self, ask: Ask) -> Result<Answer, ApiError> {
        self.run(&ask, Way::of(&ask)).await
    }

    async fn describe(&self, sql: &str, session: &Session) -> Result<Vec<Column>, ApiError> {
        let sql = sql.trim_end().trim_end_matches(';').trim_end();
        // On a line of its own, so that a comment at the end or the beginning hides nothing.
        let rows = self.ask_text(format!("DESCRIBE QUERY\n{sql}\n"), session).await?;
        let text = |cell: Option<&Option<String>>| cell.cloned().flatten();
        let columns = rows.iter().map(|row| Column {
            name: text(row.first()).unwrap_or_default(),
            type_name: text(row.get(1)).unwrap_or_default(),
            nullable: None,
            comment: text(row.get(2)).filter(|comment| !comment.is_empty()),
        });
        Ok(columns.collect())
    }

    async fn schemas(&self) -> Result<Vec<String>, ApiError> {
        catalog::schemas(&self.far, &self.catalog).await
    }

    async fn tables(&self, schema: &str, after: Option<&str>) -> Result<Page<TableFacts>, ApiError> {
        catalog::tables(&self.far, &self.catalog, schema, after).await
    }

    async fn details(&self, schema: &str, table: &str) -> Result<Details, ApiError> {
        let mut details = catalog::details(&self.far, &self.catalog, schema, table).await?;
        if details.bytes.is_none() {
            details.bytes = self.size(schema, table).await;
        }
        Ok(details)
    }

    async fn estimate(&self, _sql: &str, _session: &Session) -> Result<Option<Estimate>, ApiError> {
        Ok(None)
    }
}
