//! The parts of an address, before they are one.

use crate::commands::source::encoded;
use percent_encoding::percent_decode_str;
use std::borrow::Cow;
use std::collections::BTreeMap;
use url::Url;
use wharf_protocol::SourceKind;

/// What stands behind the host of every Snowflake account.
const SNOWFLAKE: &str = ".snowflakecomputing.com";

/// What the URLs of programs may say of a server, as far as addresses can.
const URL_OPTIONS: [&str; 8] =
    ["host", "port", "user", "schema", "sslmode", "sslrootcert", "application_name", "connect_timeout"];

/// The parts of the address of a source elsewhere, some of which may still be unknown.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Parts {
    /// What is there.
    pub kind: SourceKind,
    /// Who signs in.
    pub user: Option<String>,
    /// Host, account or workgroup.
    pub host: String,
    /// Port.
    pub port: Option<u16>,
    /// Database or catalog.
    pub catalog: String,
    /// Schema.
    pub schema: Option<String>,
    /// Options by name.
    pub options: BTreeMap<String, String>,
}

impl Parts {
    /// Nothing known but the kind.
    pub fn of(kind: SourceKind) -> Self {
        Self {
            kind,
            user: None,
            host: String::new(),
            port: None,
            catalog: String::new(),
            schema: None,
            options: BTreeMap::new(),
        }
    }

    /// Reads a URL of the kind that programs keep in one variable, and the password in it.
    pub fn of_url(text: &str) -> Result<(Self, Option<String>), &'static str> {
        let (scheme, rest) = text.split_once("://").ok_or("it is no URL")?;
        // SQLAlchemy writes the driver behind the kind.
        let scheme = scheme.split('+').next().unwrap_or_default();
        let kind =
            SourceKind::of_address(&format!("{scheme}://")).ok_or("it is of no kind that wharf knows")?;
        let url = Url::parse(&format!("{}://{rest}", kind.name())).map_err(|_| "it is no URL")?;
        let decoded = |part: &str| {
            percent_decode_str(part).decode_utf8().map(Cow::into_owned).map_err(|_| "it is no text")
        };
        let mut parts = Self::of(kind);
        parts.user = Some(decoded(url.username())?).filter(|u| !u.is_empty());
        parts.host = decoded(url.host_str().unwrap_or_default())?.trim_matches(['[', ']']).to_owned();
        parts.port = url.port();
        let mut path = url.path().trim_matches('/').splitn(2, '/');
        parts.catalog = decoded(path.next().unwrap_or_default())?;
        parts.schema = path.next().map(&decoded).transpose()?;
        let mut password = url.password().map(decoded).transpose()?;
        for (name, value) in url.query_pairs() {
            match &*name {
                "password" => password = Some(value.into_owned()),
                "dbname" => parts.set("database", &value)?,
                known if URL_OPTIONS.contains(&known) => parts.set(known, &value)?,
                // Drivers have options of their own, which are not for us: pgbouncer, connection_limit.
                _ => {}
            }
        }
        Ok((parts, password.filter(|p| !p.is_empty())))
    }

    /// Sets a part or an option by the name that people call it.
    pub fn set(&mut self, part: &str, value: &str) -> Result<(), &'static str> {
        let value = value.trim();
        let some = || Some(value.to_owned()).filter(|v| !v.is_empty());
        match (self.kind, part) {
            (_, "user") => self.user = some(),
            (SourceKind::Snowflake, "account" | "host") => self.set_account(value),
            (SourceKind::Databricks, "workspace" | "host") => self.set_workspace(value),
            (SourceKind::Redshift, "workgroup") => {
                self.options.remove("cluster");
                value.clone_into(&mut self.host);
            }
            (SourceKind::Redshift, "cluster") => {
                // The host says its name too: an address with a user needs one.
                value.clone_into(&mut self.host);
                self.options.insert(part.to_owned(), value.to_owned());
            }
            (_, "host") => value.clone_into(&mut self.host),
            (_, "port") => {
                self.port = some()
                    .map(|p| p.parse().map_err(|_| "a port is a number from 1 to 65535"))
                    .transpose()?;
            }
            (_, "database" | "catalog") => value.clone_into(&mut self.catalog),
            (_, "schema") => self.schema = some(),
            (_, "sslmode") => self.set_encryption(value),
            (_, "password" | "secret" | "token") => return Err("a secret is no part of an address"),
            (_, option) if is_word(option) => match some() {
                Some(value) => drop(self.options.insert(option.to_owned(), value)),
                None => drop(self.options.remove(option)),
            },
            _ => return Err("no part of an address is called so"),
        }
        Ok(())
    }

    /// A part by the name that people call it.
    pub fn get(&self, part: &str) -> Option<String> {
        let text = match part {
            "user" => self.user.clone(),
            "account" | "host" | "workspace" | "workgroup" => Some(self.host.clone()),
            "port" => self.port.map(|p| p.to_string()),
            "database" | "catalog" => Some(self.catalog.clone()),
            "schema" => self.schema.clone(),
            option => self.options.get(option).cloned(),
        };
        text.filter(|t| !t.is_empty())
    }

    /// An account, or the URL of one.
    fn set_account(&mut self, value: &str) {
        let lower = value.to_ascii_lowercase();
        let (scheme, rest) = lower.split_once("://").unwrap_or(("https", &lower));
        let host = rest.split(['/', '?', '#']).next().unwrap_or_default();
        let name = host.strip_suffix(":443").unwrap_or(host);
        if let (Some(account), "https") = (name.strip_suffix(SNOWFLAKE), scheme) {
            // As it was written: accounts are shown in capitals by some.
            let at = value.to_ascii_lowercase().find(account).unwrap_or_default();
            value[at..at + account.len()].clone_into(&mut self.host);
        } else if lower.contains("://") {
            self.options.insert("endpoint".to_owned(), value.trim_end_matches('/').to_owned());
            if self.host.is_empty() {
                host.split(':').next().unwrap_or_default().clone_into(&mut self.host);
            }
        } else {
            value.clone_into(&mut self.host);
        }
    }

    /// A workspace's host, or its URL.
    fn set_workspace(&mut self, value: &str) {
        let Some((scheme, rest)) = value.split_once("://") else {
            value.trim_end_matches('/').clone_into(&mut self.host);
            return;
        };
        let (host, behind) = rest.split_once('/').unwrap_or((rest, ""));
        let (name, port) = match host.rsplit_once(':').map(|(name, port)| (name, port.parse().ok())) {
            Some((name, Some(port))) => (name, Some(port)),
            _ => (host, None),
        };
        name.trim_matches(['[', ']']).clone_into(&mut self.host);
        // What follows a page's address (?o=..., #setting) is of the browser.
        if scheme.eq_ignore_ascii_case("https") && (behind.is_empty() || behind.starts_with(['?', '#'])) {
            self.port = port.filter(|p| *p != 443);
        } else {
            self.options.insert("endpoint".to_owned(), value.trim_end_matches('/').to_owned());
        }
    }

    /// libpq's modes; what is not known here gives way to the default or to what is stricter.
    fn set_encryption(&mut self, mode: &str) {
        let mode = match mode {
            "allow" | "prefer" | "" => None,
            "verify-ca" => Some("verify-full"),
            // The daemon says what is known.
            mode => Some(mode),
        };
        self.options.remove("sslmode");
        self.options.extend(mode.map(|mode| ("sslmode".to_owned(), mode.to_owned())));
    }

    /// Whether statements go through AWS instead of to a server.
    pub fn is_data_api(&self) -> bool {
        self.options.get("transport").is_some_and(|t| t == "data-api")
    }

    /// What must still be said, by the names that [`Self::set`] takes.
    pub fn missing(&self) -> Vec<&'static str> {
        let key_pair = self.options.contains_key("private_key");
        let needed: &[&str] = match self.kind {
            SourceKind::Duckdb => &[],
            SourceKind::Postgres => &["host", "user", "database"],
            // A profile has its region.
            SourceKind::Redshift if self.is_data_api() && self.options.contains_key("profile") => {
                &["workgroup", "database"]
            }
            SourceKind::Redshift if self.is_data_api() => &["region", "workgroup", "database"],
            SourceKind::Redshift => &["host", "user", "database"],
            SourceKind::Snowflake if key_pair => &["account", "user", "database"],
            SourceKind::Snowflake => &["account", "database"],
            SourceKind::Databricks => &["host", "catalog"],
        };
        needed.iter().copied().filter(|part| self.get(part).is_none()).collect()
    }
}

fn is_word(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'_')
}

/// Values of options keep what an address may hold, for the eye.
fn option_value(text: &str) -> String {
    encoded(text).replace("%2F", "/").replace("%3A", ":").replace("%40", "@").replace("%2C", ",")
}

impl std::fmt::Display for Parts {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}://", self.kind.name())?;
        if let Some(user) = &self.user {
            write!(f, "{}@", encoded(user))?;
        }
        f.write_str(&encoded(&self.host))?;
        if let Some(port) = self.port {
            write!(f, ":{port}")?;
        }
        write!(f, "/{}", encoded(&self.catalog))?;
        if let Some(schema) = &self.schema {
            write!(f, "/{}", encoded(schema))?;
        }
        for (i, (name, value)) in self.options.iter().enumerate() {
            write!(f, "{}{name}={}", if i == 0 { '?' } else { '&' }, option_value(value))?;
        }
        Ok(())
    }
}

/// A name that a source may have, made of any text.
pub fn source_name(text: &str, kind: SourceKind) -> String {
    let kept: String =
        text.to_lowercase().chars().map(|c| if c.is_ascii_alphanumeric() { c } else { '_' }).collect();
    let name = kept.trim_matches('_');
    let name = match name {
        "" | "default" | "memory" | "system" | "temp" | "main" => kind.name().to_owned(),
        name if name.starts_with(|c: char| c.is_ascii_digit()) => format!("{}_{name}", kind.name()),
        name => name.to_owned(),
    };
    name.chars().take(63).collect::<String>().trim_end_matches('_').to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn set(kind: SourceKind, pairs: &[(&str, &str)]) -> String {
        let mut parts = Parts::of(kind);
        for (part, value) in pairs {
            parts.set(part, value).unwrap();
        }
        parts.to_string()
    }

    #[test]
    fn accounts_and_workspaces_are_taken_from_urls() {
        use SourceKind::{Databricks, Snowflake};
        let account = |url: &str| set(Snowflake, &[("account", url), ("database", "D")]);
        for url in [
            "MyOrg-Acct",
            "https://MyOrg-Acct.snowflakecomputing.com",
            "MyOrg-Acct.snowflakecomputing.com:443/x",
        ] {
            assert_eq!(account(url), "snowflake://MyOrg-Acct/D");
        }
        assert_eq!(
            account("https://acct.privatelink.snowflakecomputing.com/"),
            "snowflake://acct.privatelink/D"
        );
        assert_eq!(
            account("http://127.0.0.1:8123/"),
            "snowflake://127.0.0.1/D?endpoint=http://127.0.0.1:8123"
        );
        let workspace = |url: &str| set(Databricks, &[("host", url), ("catalog", "main")]);
        for url in [
            "dbc-1.cloud.databricks.com",
            "https://dbc-1.cloud.databricks.com/?o=1",
            "https://dbc-1.cloud.databricks.com:443",
        ] {
            assert_eq!(workspace(url), "databricks://dbc-1.cloud.databricks.com/main");
        }
        assert_eq!(
            workspace("http://localhost:9"),
            "databricks://localhost/main?endpoint=http://localhost:9"
        );
    }

    #[test]
    fn what_is_odd_in_a_part_is_written_so_that_it_is_read_again() {
        let text = set(
            SourceKind::Postgres,
            &[("user", "a@b c"), ("host", "::1"), ("database", "größe/x"), ("sslrootcert", "/a b/c&d.pem")],
        );
        assert_eq!(text, "postgres://a%40b%20c@%3A%3A1/gr%C3%B6%C3%9Fe%2Fx?sslrootcert=/a%20b/c%26d.pem");
        let (parts, password) =
            Parts::of_url("postgresql+asyncpg://a%40b:p%2Fw@[::1]:6000/d?sslmode=verify-ca").unwrap();
        assert_eq!(password.as_deref(), Some("p/w"));
        assert_eq!(parts.to_string(), "postgres://a%40b@%3A%3A1:6000/d?sslmode=verify-full");
        let (parts, password) =
            Parts::of_url("postgres:///d?host=/tmp&user=a&password=p&schema=s&pgbouncer=true").unwrap();
        assert_eq!((parts.to_string().as_str(), password.as_deref()), ("postgres://a@%2Ftmp/d/s", Some("p")));
        assert!(Parts::of_url("mysql://x/y").is_err());
        assert!(Parts::of_url("hello").is_err());
    }

    #[test]
    fn a_cluster_stands_in_the_place_of_a_workgroup() {
        let mut parts = Parts::of(SourceKind::Redshift);
        parts.set("transport", "data-api").unwrap();
        assert_eq!(parts.missing(), ["region", "workgroup", "database"]);
        for (part, value) in [("workgroup", "wg"), ("database", "dev"), ("region", "us-east-1")] {
            parts.set(part, value).unwrap();
        }
        assert_eq!((parts.missing().len(), parts.to_string().contains("//wg/dev?")), (0, true));
        parts.set("cluster", "c1").unwrap();
        assert_eq!(parts.to_string(), "redshift://c1/dev?cluster=c1&region=us-east-1&transport=data-api");
        assert!(parts.missing().is_empty());
        assert!(parts.set("port", "x").is_err() && parts.set("A b", "x").is_err());
    }

    #[test]
    fn any_text_gives_a_name() {
        let name = |text| source_name(text, SourceKind::Redshift);
        assert_eq!(
            (name("3VDEV"), name("DEFAULT"), name("Prod-EU.west"), name("größe")),
            ("redshift_3vdev".into(), "redshift".into(), "prod_eu_west".into(), "gr__e".into())
        );
        assert_eq!((name(""), name(&"x".repeat(99)).len()), ("redshift".into(), 63));
    }
}
