//! The language of a source's metric queries, and how its tables are named in it.

use crate::catalog::Catalog;
use wharf_protocol::ApiError;
use wharf_semantic::Dialect;

/// See the module.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Language {
    pub(super) dialect: Dialect,
    source: String,
    /// The catalog that the source is rooted in, by its own name.
    catalog: String,
    /// The schema of names without one.
    pub(super) schema: String,
}

impl Language {
    /// That of a source. Blocking: what opens it may have to be read.
    pub(super) fn of(catalog: &Catalog, source: &str) -> Result<Self, ApiError> {
        use wharf_policy::Dialect as Read;
        let Some(far) = catalog.far(source)? else {
            let (source, schema) = (source.to_owned(), "main".to_owned());
            return Ok(Self { dialect: Dialect::DuckDb, catalog: source.clone(), source, schema });
        };
        let dialect = match far.dialect() {
            Read::Duckdb => Dialect::DuckDb,
            Read::Postgres => Dialect::Postgres,
            Read::Redshift => Dialect::Redshift,
            Read::Snowflake => Dialect::Snowflake,
            Read::Databricks => Dialect::Databricks,
        };
        let (catalog, schema) = (far.catalog().to_owned(), far.default_schema().to_owned());
        Ok(Self { dialect, source: source.to_owned(), catalog, schema })
    }

    /// A table of a model as SQL names it: `table`, `schema.table` or `source.schema.table`. A word without quotes means what it
    /// means in the source's own language: Snowflake reads `orders` as `ORDERS`.
    pub(super) fn relation(&self, name: &str) -> String {
        let parts: Vec<&str> = name.split('.').collect();
        let quote = |part: &str| self.dialect.quote(part);
        let catalog = quote(&self.catalog);
        match &parts[..] {
            [table] => format!("{catalog}.{}.{}", quote(&self.schema), self.dialect.quote_table(table)),
            [_, _] => format!("{catalog}.{}", self.dialect.quote_table(name)),
            [first, rest @ ..] if first.eq_ignore_ascii_case(&self.source) => {
                format!("{catalog}.{}", self.dialect.quote_table(&rest.join(".")))
            }
            _ => self.dialect.quote_table(name),
        }
    }

    /// The same table under its source's name, as the embedded engine reads a local copy of it.
    pub(super) fn local_relation(&self, name: &str) -> String {
        let quote = |part: &str| Dialect::DuckDb.quote(part);
        let parts: Vec<&str> = name.split('.').collect();
        let plain = |part: &&str| quote(part.trim_matches(['"', '`']));
        match &parts[..] {
            [table] => [quote(&self.source), quote(&self.schema), plain(table)].join("."),
            [schema, table] => [quote(&self.source), plain(schema), plain(table)].join("."),
            parts => parts.iter().map(plain).collect::<Vec<_>>().join("."),
        }
    }
}
