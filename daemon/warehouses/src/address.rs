//! Where a source is, as people write it: `KIND://[USER@]HOST[:PORT]/CATALOG[/SCHEMA][?OPTION=VALUE&...]`.
//!
//! ```text
//! postgres://alice@db.example.com:5432/sales?sslmode=verify-full&sslrootcert=/etc/ca.pem
//! redshift://alice@cluster.example.com:5439/dev
//! redshift://analytics/prod?transport=data-api&region=eu-west-1&profile=work
//! snowflake://ALICE@myorg-acct/ANALYTICS/PUBLIC?warehouse=COMPUTE_WH&role=READER
//! databricks://adb-1.azuredatabricks.net/main/default?warehouse=1a2b3c
//! ```
//! No credential stands in it: that is a secret of its own, given beside it.

use std::collections::BTreeMap;
use url::Url;
use wharf_protocol::{ApiError, ErrorKind, SourceKind};

/// Where a source is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Address {
    /// What is there.
    pub kind: SourceKind,
    /// Who signs in, where that is part of it.
    pub user: Option<String>,
    /// Host name, account or folder of a socket.
    pub host: String,
    /// Port, where given.
    pub port: Option<u16>,
    /// Catalog: database, catalog of Unity Catalog. Empty where none was given.
    pub catalog: String,
    /// Default schema, where given.
    pub schema: Option<String>,
    /// Options by name, each known to its kind.
    pub options: BTreeMap<String, String>,
}

/// Options that every kind takes: the whole base URL in the place of what the host stands for (private links, tests), and how
/// many statements may run at once.
const EVERYWHERE: &[&str] = &["endpoint", "connections"];

/// Options of each kind.
fn options_of(kind: SourceKind) -> &'static [&'static str] {
    match kind {
        SourceKind::Duckdb => &[],
        SourceKind::Postgres => &["sslmode", "sslrootcert", "application_name", "connect_timeout"],
        SourceKind::Redshift => &[
            "sslmode",
            "sslrootcert",
            "connect_timeout",
            "transport",
            "region",
            "workgroup",
            "cluster",
            "profile",
            "secret_arn",
        ],
        SourceKind::Snowflake => &["warehouse", "role", "auth", "private_key", "tenant"],
        SourceKind::Databricks => &["warehouse", "auth", "client_id"],
    }
}

impl Address {
    /// Reads an address.
    ///
    /// # Errors
    /// What is wrong with it; a password in it is refused, because others on the machine can read arguments.
    pub fn parse(text: &str) -> Result<Self, ApiError> {
        let bad = |what: String| ApiError::new(ErrorKind::Invalid, "bad_address", what);
        let kind = SourceKind::of_address(text).ok_or_else(|| {
            bad("it names no kind of source".to_owned())
                .hint("begin with postgres://, redshift://, snowflake:// or databricks://")
        })?;
        let url = Url::parse(text).map_err(|e| bad(format!("it cannot be read as an address: {e}")))?;
        if url.password().is_some() {
            return Err(bad("it holds a password, which does not belong there".to_owned()).hint(
                "leave it out and give it apart: --secret ask, --secret env:NAME or --secret file:/PATH",
            ));
        }
        let decoded = |part: &str| percent_decoded(part).ok_or_else(|| bad(format!("`{part}` is no text")));
        let host = decoded(url.host_str().unwrap_or_default())?;
        let user = Some(decoded(url.username())?).filter(|user| !user.is_empty());
        let parts: Vec<&str> = url.path().trim_matches('/').split('/').collect();
        let [catalog, schema] = match parts[..] {
            [catalog] => [catalog, ""],
            [catalog, schema] => [catalog, schema],
            _ => return Err(bad("it has more than a catalog and a schema behind the host".to_owned())),
        };
        let mut options = BTreeMap::new();
        for (name, value) in url.query_pairs() {
            let known: Vec<&str> = options_of(kind).iter().chain(EVERYWHERE).copied().collect();
            if !known.contains(&name.as_ref()) {
                let near = wharf_policy::nearest(&name, known.iter().copied());
                let hint = match &near[..] {
                    [] => format!("known are {}", known.join(", ")),
                    near => format!("did you mean {}?", near.join(" or ")),
                };
                return Err(bad(format!("it has an unknown option `{name}`")).hint(hint));
            }
            if options.insert(name.clone().into_owned(), value.into_owned()).is_some() {
                return Err(bad(format!("it has the option `{name}` twice")));
            }
        }
        Ok(Self {
            kind,
            user,
            host,
            port: url.port(),
            catalog: decoded(catalog)?,
            schema: Some(decoded(schema)?).filter(|schema| !schema.is_empty()),
            options,
        })
    }

    /// An option.
    pub fn option(&self, name: &str) -> Option<&str> {
        self.options.get(name).map(String::as_str)
    }

    /// A part that must be there.
    ///
    /// # Errors
    /// When it is empty; `what` names it, `example` shows an address that has it.
    pub fn need<'a>(&self, part: &'a str, what: &str, example: &str) -> Result<&'a str, ApiError> {
        if part.is_empty() {
            let message = format!("the address names no {what}");
            return Err(ApiError::new(ErrorKind::Invalid, "bad_address", message)
                .hint(format!("write it like {example}")));
        }
        Ok(part)
    }
}

fn percent_decoded(text: &str) -> Option<String> {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.bytes();
    while let Some(byte) = rest.next() {
        if byte != b'%' {
            bytes.push(byte);
            continue;
        }
        let digits = [rest.next()?, rest.next()?];
        bytes.push(u8::from_str_radix(std::str::from_utf8(&digits).ok()?, 16).ok()?);
    }
    String::from_utf8(bytes).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_of_all_kinds_are_read() {
        let pg =
            Address::parse("postgresql://alice%40x@db.example.com:6000/sales?sslmode=verify-full").unwrap();
        assert_eq!(
            (pg.kind, pg.user.as_deref(), pg.port),
            (SourceKind::Postgres, Some("alice@x"), Some(6000))
        );
        assert_eq!(
            (pg.host.as_str(), pg.catalog.as_str(), pg.schema.as_deref()),
            ("db.example.com", "sales", None)
        );
        let sf = Address::parse("snowflake://ALICE@myorg-acct/ANALYTICS/PUBLIC?warehouse=WH&role=R").unwrap();
        assert_eq!((sf.catalog.as_str(), sf.schema.as_deref()), ("ANALYTICS", Some("PUBLIC")));
        assert_eq!((sf.option("warehouse"), sf.option("role")), (Some("WH"), Some("R")));
        let dbx =
            Address::parse("databricks://127.0.0.1/ma%20in?warehouse=1&endpoint=http%3A%2F%2F127.0.0.1%3A9")
                .unwrap();
        assert_eq!((dbx.catalog.as_str(), dbx.option("endpoint")), ("ma in", Some("http://127.0.0.1:9")));
        let socket = Address::parse("postgres://alice@%2Ftmp%2Fpg/sales").unwrap();
        assert_eq!(socket.host, "/tmp/pg");
    }

    #[test]
    fn what_is_wrong_with_an_address_is_told() {
        let told = |text: &str| {
            let error = Address::parse(text).unwrap_err();
            format!("{}; {}", error.message, error.hint.unwrap_or_default())
        };
        assert!(told("mysql://x/y").contains("begin with postgres://"));
        assert!(told("postgres://a:secret@h/d").contains("--secret ask"));
        assert!(!told("postgres://a:secret@h/d").contains(":secret@"));
        assert!(told("postgres://a@h/d?sslmod=x").contains("did you mean sslmode?"));
        assert!(told("postgres://a@h/d?sslmode=x&sslmode=y").contains("twice"));
        assert!(told("postgres://a@h/d/s/t").contains("more than"));
        assert!(told("postgres://a@h/%ff").contains("is no text"));
        let kind = SourceKind::of_address;
        assert_eq!((kind("./data"), kind("s3://x"), kind("duckdb://x")), (None, None, None));
        assert_eq!(kind("Snowflake://a/b"), Some(SourceKind::Snowflake));
    }
}
