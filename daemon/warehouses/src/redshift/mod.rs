//! Amazon Redshift, in two ways: the PostgreSQL protocol to a cluster's or workgroup's endpoint, or the Data API, which needs
//! neither a way into its network nor a password.
//!
//! | file | what it is for |
//! | --- | --- |
//! | `server.rs` | the endpoint: statements, and what it tells of itself |
//! | `link.rs`, `login.rs`, `settings.rs`, `running.rs`, `rows.rs` | connections to it and the rows that come |
//! | `data_api/` | the Data API |
//! | `metadata.rs`, `types.rs`, `text.rs`, `times.rs`, `trouble.rs` | what both ways share: questions, types, values, errors |

#[cfg(feature = "aws")]
mod data_api;
mod link;
mod login;
mod metadata;
mod rows;
mod running;
mod server;
mod settings;
mod text;
mod times;
mod told;
mod trouble;
mod types;

use crate::Address;
use crate::port::{
    Answer, Ask, Capabilities, Column, Details, Estimate, Page, Session, Source, TableFacts, Tested,
};
use async_trait::async_trait;
use secrecy::SecretString;
use server::Server;
use std::path::PathBuf;
use std::time::Duration;
use wharf_policy::Dialect;
use wharf_protocol::{ApiError, ErrorKind, SourceKind};

/// What an address looks like.
const EXAMPLE: &str = "redshift://alice@cluster.abc.eu-west-1.redshift.amazonaws.com:5439/dev";
/// What an address of the Data API looks like.
const EXAMPLE_OF_DATA_API: &str = "redshift://analytics/prod?transport=data-api&region=eu-west-1";

/// Options that only one of the ways has.
const OF_DATA_API: &[&str] = &["region", "workgroup", "cluster", "profile", "secret_arn"];
const OF_WIRE: &[&str] = &["sslmode", "sslrootcert", "connect_timeout"];

/// A Redshift cluster or workgroup.
pub struct Redshift(Box<dyn Source>);

/// What the Data API finds around it. The PostgreSQL protocol needs none of it.
#[derive(Debug, Clone)]
pub struct Surroundings {
    /// The longest silence within an answer after which it counts as broken off. The far side is asked to hold an answer back
    /// for at most a third of it.
    pub silence: Duration,
    /// AWS's files `config` and `credentials`, in the place of those that its tools read. They hold for a source whose address
    /// names a profile.
    pub aws_files: Option<(PathBuf, PathBuf)>,
}

impl Default for Surroundings {
    fn default() -> Self {
        Self { silence: crate::http::SILENCE, aws_files: None }
    }
}

/// The way to it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Transport {
    Wire,
    DataApi,
}

impl Redshift {
    /// A source that is asked when the first statement comes. `name` is the source's, for messages; `secret` the password, which
    /// the Data API has no use for.
    ///
    /// # Errors
    /// When the address lacks something or an option makes no sense.
    pub fn new(name: &str, address: &Address, secret: Option<&SecretString>) -> Result<Self, ApiError> {
        Self::within(name, address, secret, &Surroundings::default())
    }

    /// As [`Self::new`], with what it finds around it told.
    ///
    /// # Errors
    /// As [`Self::new`].
    pub fn within(
        name: &str,
        address: &Address,
        secret: Option<&SecretString>,
        around: &Surroundings,
    ) -> Result<Self, ApiError> {
        Ok(Self(match transport(address)? {
            Transport::Wire => Box::new(Server::new(name, address, secret)?),
            Transport::DataApi => data_api(name, address, secret, around)?,
        }))
    }
}

#[cfg(feature = "aws")]
fn data_api(
    name: &str,
    address: &Address,
    secret: Option<&SecretString>,
    around: &Surroundings,
) -> Result<Box<dyn Source>, ApiError> {
    Ok(Box::new(data_api::DataApi::new(name, address, secret, around)?))
}

#[cfg(not(feature = "aws"))]
fn data_api(
    _: &str,
    _: &Address,
    _: Option<&SecretString>,
    _: &Surroundings,
) -> Result<Box<dyn Source>, ApiError> {
    let message = "this wharf was built without the Data API of Redshift";
    Err(ApiError::new(ErrorKind::Invalid, "not_built_in", message)
        .hint(format!("sign in to the cluster's or workgroup's endpoint: {EXAMPLE}")))
}

/// Which way an address wants. What belongs to the other one is refused: it would do nothing.
fn transport(address: &Address) -> Result<Transport, ApiError> {
    let bad = |message: String| ApiError::new(ErrorKind::Invalid, "bad_address", message);
    let given = |options: &[&'static str]| options.iter().copied().find(|o| address.option(o).is_some());
    match address.option("transport") {
        None | Some("wire") => match given(OF_DATA_API) {
            None => Ok(Transport::Wire),
            Some(option) => {
                let message = format!("the option `{option}` of the address belongs to the Data API");
                Err(bad(message).hint("add transport=data-api to the address, or leave the option out"))
            }
        },
        Some("data-api") => match given(OF_WIRE) {
            None => Ok(Transport::DataApi),
            Some(option) => {
                let message = format!(
                    "the option `{option}` of the address belongs to the PostgreSQL protocol, not to the Data API"
                );
                Err(bad(message).hint(format!("write the address like {EXAMPLE_OF_DATA_API}")))
            }
        },
        Some(other) => Err(bad(format!("the option `transport` of the address is `{other}`"))
            .hint("it is wire (the PostgreSQL protocol, and the default) or data-api")),
    }
}

#[async_trait]
impl Source for Redshift {
    fn kind(&self) -> SourceKind {
        SourceKind::Redshift
    }

    fn dialect(&self) -> Dialect {
        Dialect::Redshift
    }

    fn capabilities(&self) -> Capabilities {
        self.0.capabilities()
    }

    fn catalog(&self) -> &str {
        self.0.catalog()
    }

    fn default_schema(&self) -> &str {
        self.0.default_schema()
    }

    async fn test(&self) -> Result<Tested, ApiError> {
        self.0.test().await
    }

    async fn execute(&self, ask: Ask) -> Result<Answer, ApiError> {
        self.0.execute(ask).await
    }

    async fn describe(&self, sql: &str, session: &Session) -> Result<Vec<Column>, ApiError> {
        self.0.describe(sql, session).await
    }

    async fn schemas(&self) -> Result<Vec<String>, ApiError> {
        self.0.schemas().await
    }

    async fn tables(&self, schema: &str, after: Option<&str>) -> Result<Page<TableFacts>, ApiError> {
        self.0.tables(schema, after).await
    }

    async fn details(&self, schema: &str, table: &str) -> Result<Details, ApiError> {
        self.0.details(schema, table).await
    }

    async fn estimate(&self, sql: &str, session: &Session) -> Result<Option<Estimate>, ApiError> {
        self.0.estimate(sql, session).await
    }
}
