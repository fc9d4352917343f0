//! What an address means for Snowflake.

use super::auth::Credential;
use super::key_pair::KeyPair;
use crate::Address;
use secrecy::{ExposeSecret, SecretString};
use std::path::PathBuf;
use url::Url;
use wharf_protocol::{ApiError, ErrorKind};

/// An address as it should look, for hints.
const EXAMPLE: &str = "snowflake://ALICE@myorg-acct/ANALYTICS/PUBLIC?warehouse=COMPUTE_WH";
/// How many statements run at once unless the address says otherwise.
const CONNECTIONS: usize = 64;

/// Where statements go and under which names they run.
#[derive(Debug)]
pub(super) struct Place {
    /// The source, for messages: ``source `sales` (Snowflake)``.
    pub(super) who: String,
    /// Scheme, host and port, without a slash at the end.
    pub(super) base: String,
    /// The account as the address has it.
    pub(super) account: String,
    /// Who signs in, as the address has it.
    pub(super) user: Option<String>,
    /// Database, spelled as Snowflake stores it.
    pub(super) database: String,
    /// Schema that names without one belong to.
    pub(super) schema: String,
    /// Warehouse; without one the user's default holds.
    pub(super) warehouse: Option<String>,
    /// Role; without one the user's default holds.
    pub(super) role: Option<String>,
    /// The session variable that row access policies read the tenant from.
    pub(super) tenant: Option<String>,
    /// How many statements may run at once.
    pub(super) connections: usize,
}

impl Place {
    /// Reads an address.
    ///
    /// # Errors
    /// Names the part or option that is missing or cannot be.
    pub(super) fn read(name: &str, address: &Address) -> Result<Self, ApiError> {
        let who = format!("source `{name}` (Snowflake)");
        let account = address.need(&address.host, "account", EXAMPLE)?;
        let database = address.need(&address.catalog, "database", EXAMPLE)?;
        let option = |name| address.option(name).filter(|value| !value.is_empty());
        let base = match option("endpoint") {
            Some(endpoint) => endpoint_base(&who, endpoint)?,
            None => {
                let port = address.port.map(|port| format!(":{port}")).unwrap_or_default();
                format!("https://{}{port}", host(&who, account)?)
            }
        };
        Ok(Self {
            base,
            account: account.to_owned(),
            user: address.user.clone(),
            database: stored(database),
            schema: address.schema.as_deref().map_or_else(|| "PUBLIC".to_owned(), stored),
            warehouse: option("warehouse").map(stored),
            role: option("role").map(stored),
            tenant: option("tenant").map(|variable| session_variable(&who, variable)).transpose()?,
            connections: match option("connections").map(str::parse) {
                None => CONNECTIONS,
                Some(Ok(number @ 1..)) => number,
                Some(_) => return Err(bad(&who, "its option `connections` is no number from 1 on")),
            },
            who,
        })
    }

    /// What signs requests.
    ///
    /// # Errors
    /// When the options contradict one another or something is missing. The key itself is read when it is first needed.
    pub(super) fn credential(
        &self,
        mut address: Address,
        secret: Option<SecretString>,
    ) -> Result<Credential, ApiError> {
        let secret = secret.filter(|secret| !secret.expose_secret().trim().is_empty());
        let auth = address.option("auth").map(str::to_ascii_lowercase);
        let key = address.options.remove("private_key").filter(|path| !path.is_empty());
        match (auth.as_deref(), key) {
            (None | Some("keypair"), Some(path)) => {
                let Some(user) = &self.user else {
                    return Err(bad(&self.who, "its address names no user, whom a key pair belongs to")
                        .hint(format!("write it like {EXAMPLE}&private_key=/path/to/rsa_key.p8")));
                };
                Ok(Credential::KeyPair(KeyPair::new(PathBuf::from(path), secret, &self.account, user)))
            }
            (Some("keypair"), None) => Err(bad(&self.who, "auth=keypair needs the path of the key")
                .hint("add private_key=/path/to/rsa_key.p8 to the address; its passphrase is the secret")),
            (None | Some("pat"), _) => {
                Ok(Credential::Pat(needed(&self.who, secret, "programmatic access token")?))
            }
            (Some("oauth"), _) => Ok(Credential::OAuth(needed(&self.who, secret, "OAuth access token")?)),
            (Some(other), _) => Err(bad(&self.who, &format!("its option auth={other} is unknown"))
                .hint("known are auth=pat, auth=oauth and auth=keypair")),
        }
    }
}

fn bad(who: &str, what: &str) -> ApiError {
    ApiError::new(ErrorKind::Invalid, "bad_address", format!("{who}: {what}"))
}

fn needed(who: &str, secret: Option<SecretString>, what: &str) -> Result<SecretString, ApiError> {
    let secret = secret.ok_or_else(|| {
        ApiError::new(ErrorKind::Unauthorized, "no_secret", format!("{who} has no {what}"))
            .hint("give it with --secret ask, --secret env:NAME or --secret file:/PATH, or sign with private_key=/path/to/rsa_key.p8")
    })?;
    // A token that was pasted or read from a file often ends with a line feed, which no header may hold.
    let trimmed = secret.expose_secret().trim();
    if !trimmed.bytes().all(|byte| byte.is_ascii_graphic()) {
        let message = format!("{who}: its {what} holds spaces or characters that no token has");
        return Err(ApiError::new(ErrorKind::Invalid, "bad_secret", message)
            .hint("copy the token again, whole and alone"));
    }
    Ok(SecretString::from(trimmed.to_owned()))
}

/// The host of an account: `MyOrg-my_acct` is reached at `myorg-my-acct.snowflakecomputing.com`.
fn host(who: &str, account: &str) -> Result<String, ApiError> {
    let known = |byte: u8| byte.is_ascii_alphanumeric() || b"-_.".contains(&byte);
    if !account.bytes().all(known) || account.starts_with('.') || account.ends_with('.') {
        return Err(bad(who, &format!("`{account}` is no account")).hint(
            "the account is what stands before .snowflakecomputing.com: myorg-acct, or xy12345.eu-central-1",
        ));
    }
    let lower = account.to_ascii_lowercase();
    Ok(match lower.contains(".snowflakecomputing.") {
        true => lower,
        false => format!("{}.snowflakecomputing.com", lower.replace('_', "-")),
    })
}

/// The base URL of an option `endpoint`. Without encryption only this machine is talked to, because the credential travels in
/// each request.
fn endpoint_base(who: &str, endpoint: &str) -> Result<String, ApiError> {
    let url = Url::parse(endpoint).map_err(|e| {
        bad(who, &format!("its option `endpoint` is no URL: {e}")).hint("write endpoint=https://HOST")
    })?;
    if url.query().is_some()
        || url.fragment().is_some()
        || !url.username().is_empty()
        || url.password().is_some()
    {
        return Err(bad(who, "its option `endpoint` has more than a host, a port and a path")
            .hint("write endpoint=https://HOST; the credential is the source's secret"));
    }
    let loopback = match url.host() {
        Some(url::Host::Domain(name)) => name == "localhost",
        Some(url::Host::Ipv4(address)) => address.is_loopback(),
        Some(url::Host::Ipv6(address)) => address.is_loopback(),
        None => false,
    };
    match url.scheme() {
        "https" if url.host().is_some() => {}
        "http" if loopback => {}
        "http" => {
            return Err(bad(
                who,
                "its option `endpoint` is without encryption, and the credential would be seen on the way",
            )
            .hint("write endpoint=https://HOST"));
        }
        _ => {
            return Err(bad(who, "its option `endpoint` names no host over https")
                .hint("write endpoint=https://HOST"));
        }
    }
    Ok(endpoint.trim_end_matches('/').to_owned())
}

/// A name as Snowflake stores it: in capitals when it is a plain word, exactly so when it is quoted or no plain word.
fn stored(name: &str) -> String {
    let quoted = name.len() > 2 && name.starts_with('"') && name.ends_with('"');
    if quoted {
        return name[1..name.len() - 1].replace("\"\"", "\"");
    }
    match is_plain(name) {
        true => name.to_ascii_uppercase(),
        false => name.to_owned(),
    }
}

fn is_plain(name: &str) -> bool {
    let mut bytes = name.bytes();
    bytes.next().is_some_and(|first| first.is_ascii_alphabetic() || first == b'_')
        && bytes.all(|byte| byte.is_ascii_alphanumeric() || b"_$".contains(&byte))
}

/// The name of a session variable, in capitals, because `GETVARIABLE` takes it so.
fn session_variable(who: &str, name: &str) -> Result<String, ApiError> {
    match is_plain(name) && name.len() <= 255 {
        true => Ok(name.to_ascii_uppercase()),
        false => Err(bad(who, &format!("its option tenant={name} is no name of a session variable"))
            .hint("a session variable is one word: tenant=TENANT, which a row access policy reads with GETVARIABLE('TENANT')")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn place(text: &str) -> Result<Place, ApiError> {
        Place::read("sales", &Address::parse(text).unwrap())
    }

    #[test]
    fn accounts_become_hosts() {
        for (account, base) in [
            ("myorg-acct", "https://myorg-acct.snowflakecomputing.com"),
            ("MyOrg-My_Acct", "https://myorg-my-acct.snowflakecomputing.com"),
            ("xy12345.eu-central-1", "https://xy12345.eu-central-1.snowflakecomputing.com"),
            ("myorg-acct.snowflakecomputing.com", "https://myorg-acct.snowflakecomputing.com"),
            ("xy.cn-north.snowflakecomputing.cn:444", "https://xy.cn-north.snowflakecomputing.cn:444"),
        ] {
            assert_eq!(place(&format!("snowflake://a@{account}/db")).unwrap().base, base);
        }
    }

    #[test]
    fn names_are_spelled_as_they_are_stored() {
        let place =
            place("snowflake://a@x/analytics/%22My%22%22Schema%22?warehouse=wh&role=b%20c&tenant=tenant")
                .unwrap();
        assert_eq!((place.database.as_str(), place.schema.as_str()), ("ANALYTICS", "My\"Schema"));
        assert_eq!((place.warehouse.as_deref(), place.role.as_deref()), (Some("WH"), Some("b c")));
        assert_eq!(place.tenant.as_deref(), Some("TENANT"));
    }

    #[test]
    fn what_is_wrong_is_told_with_the_source_and_the_setting() {
        for (text, part) in [
            ("snowflake://a@x/db?tenant=a-b", "tenant=a-b"),
            ("snowflake://a@x/db?connections=0", "`connections`"),
            ("snowflake://a@x/db?endpoint=http%3A%2F%2Fexample.com", "encryption"),
            ("snowflake://a@x/db?endpoint=ftp%3A%2F%2Fexample.com", "`endpoint`"),
            ("snowflake://a@x/db?endpoint=https%3A%2F%2Fu%3Ap%40example.com", "more than a host"),
            ("snowflake://a@x%2Fy/db", "no account"),
        ] {
            let error = place(text).unwrap_err();
            assert!(error.message.contains(part) && error.message.contains("`sales`"), "{}", error.message);
            assert!(error.hint.is_some() || part == "`connections`");
        }
        assert!(place("snowflake://a@x").unwrap_err().message.contains("database"));
        assert!(place("snowflake:///db").unwrap_err().message.contains("account"));
        assert!(
            place("snowflake://a@x/db?endpoint=http%3A%2F%2F127.0.0.1%3A9%2F").unwrap().base.ends_with(":9")
        );
    }

    #[test]
    fn credentials_are_chosen_by_what_is_there() {
        let tried = |text: &str, secret: Option<&str>| {
            let address = Address::parse(text).unwrap();
            let place = Place::read("sales", &address).unwrap();
            place
                .credential(address, secret.map(|text| SecretString::from(text.to_owned())))
                .map(|c| c.kind())
        };
        assert_eq!(tried("snowflake://a@x/db", Some("t\n")).unwrap(), "PROGRAMMATIC_ACCESS_TOKEN");
        assert_eq!(tried("snowflake://x/db?auth=OAuth", Some("t")).unwrap(), "OAUTH");
        assert_eq!(tried("snowflake://a@x/db?private_key=/k", None).unwrap(), "KEYPAIR_JWT");
        assert_eq!(
            tried("snowflake://a@x/db?auth=pat&private_key=/k", Some("t")).unwrap(),
            "PROGRAMMATIC_ACCESS_TOKEN"
        );
        for (text, secret, part) in [
            ("snowflake://a@x/db", None, "--secret ask"),
            ("snowflake://a@x/db", Some("to ken"), "copy the token"),
            ("snowflake://a@x/db?auth=keypair", Some("t"), "private_key="),
            ("snowflake://x/db?private_key=/k", None, "ALICE@"),
            ("snowflake://a@x/db?auth=magic", Some("t"), "auth=pat"),
        ] {
            let error = tried(text, secret).unwrap_err();
            assert!(error.message.contains("`sales`") && error.hint.unwrap().contains(part));
        }
    }
}
