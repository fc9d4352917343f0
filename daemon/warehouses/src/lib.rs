//! Engines that answer from elsewhere, behind one port.
//!
//! | room | what it is for |
//! | --- | --- |
//! | [`port`] | what every one of them can do: [`Source`] |
//! | [`address`] | where one is, as people write it: `postgres://alice@db.example.com/sales` |
//! | [`Databricks`] | SQL warehouses of Databricks, Unity Catalog, files in volumes |
//! | [`Postgres`] | a PostgreSQL server, over its own protocol |
//! | [`Redshift`] | an Amazon Redshift cluster or workgroup, over the PostgreSQL protocol or the Data API |
//! | [`Snowflake`] | a Snowflake account, over its SQL API |
//!
//! The package knows nothing of policies, sessions or files of the daemon: it gets SQL that has passed the gate, and hands out
//! Arrow batches as they arrive.

pub mod address;
mod databricks;
mod guarded;
mod http;
pub mod port;
mod postgres;
mod redshift;
mod snowflake;
mod wire;

pub use address::Address;
pub use databricks::{Databricks, Volumes};
pub use guarded::Guarded;
pub use port::{
    Answer, Ask, Capabilities, Circuit, Column, Details, Estimate, FileEntry, Files, ForeignKey, JSON,
    NUMBER, Page, Reference, Session, Source, TYPE_NAME, TableFacts, TableKind, Tested,
};
pub use postgres::Postgres;
pub use redshift::{Redshift, Surroundings};
pub use snowflake::Snowflake;
