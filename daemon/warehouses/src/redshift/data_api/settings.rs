//! What an address of the Data API says.
//!
//! ```text
//! redshift://analytics/prod?transport=data-api&region=eu-west-1                 a workgroup
//! redshift://alice@main/prod?transport=data-api&cluster=main                    a cluster, as one of its users
//! redshift://main.abc.eu-west-1.redshift.amazonaws.com/prod?transport=data-api  the endpoint, as it stands in the console
//! ```

use super::super::EXAMPLE_OF_DATA_API;
use crate::Address;
use crate::wire::encryption::is_local;
use crate::wire::number;
use url::Url;
use wharf_protocol::{ApiError, ErrorKind};

/// How many statements run at once where the address does not tell. A cluster runs few (50 at most, 15 by advice).
const CONNECTIONS: usize = 8;

/// Where statements run, and as whom.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Place {
    /// A workgroup, by name or ARN. Its user follows from who signs the request.
    Workgroup(String),
    /// A cluster, as this user of the database, or as one that follows from who signs.
    Cluster(String, Option<String>),
}

/// What an address says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Settings {
    pub(super) place: Place,
    pub(super) database: String,
    pub(super) schema: String,
    /// A secret of AWS's own keeping that holds user and password.
    pub(super) secret_arn: Option<String>,
    pub(super) region: Option<String>,
    pub(super) profile: Option<String>,
    pub(super) endpoint: Option<Url>,
    pub(super) connections: usize,
}

impl Settings {
    /// Reads them from an address.
    ///
    /// # Errors
    /// What is wrong with it, and what to write in its place.
    pub(super) fn of(address: &Address) -> Result<Self, ApiError> {
        if let Some(port) = address.port {
            return Err(bad(format!("the address has the port {port}, and the Data API has none"))
                .hint(format!("write it like {EXAMPLE_OF_DATA_API}")));
        }
        let database = address.need(&address.catalog, "database", EXAMPLE_OF_DATA_API)?.to_owned();
        let text = |name: &str| address.option(name).filter(|text| !text.is_empty()).map(str::to_owned);
        let (place, told) = place(address)?;
        let region = text("region").or(told);
        if let Some(region) = region.as_deref().filter(|name| !is_name(name, 1..=40)) {
            return Err(bad(format!("`{region}` is no name of a region")).hint("write region=eu-west-1"));
        }
        let secret_arn = text("secret_arn");
        if secret_arn.is_some() && address.user.is_some() {
            return Err(bad("the address names a user, and secret_arn another".to_owned())
                .hint("leave the user out: it stands in the secret"));
        }
        Ok(Self {
            place,
            database,
            schema: address.schema.clone().unwrap_or_else(|| "public".to_owned()),
            secret_arn,
            region,
            profile: text("profile"),
            endpoint: text("endpoint").map(|text| endpoint(&text)).transpose()?,
            connections: number(address, "connections")?
                .and_then(|n| usize::try_from(n).ok())
                .filter(|n| *n > 0)
                .unwrap_or(CONNECTIONS),
        })
    }

    /// The base of every call, in this region.
    ///
    /// # Errors
    /// When the region makes no host name.
    pub(super) fn url(&self, region: &str) -> Result<Url, ApiError> {
        if let Some(endpoint) = &self.endpoint {
            return Ok(endpoint.clone());
        }
        let tail = if region.starts_with("cn-") { "amazonaws.com.cn" } else { "amazonaws.com" };
        Url::parse(&format!("https://redshift-data.{region}.{tail}/"))
            .map_err(|_| bad(format!("`{region}` is no name of a region")))
    }
}

fn bad(message: String) -> ApiError {
    ApiError::new(ErrorKind::Invalid, "bad_address", message)
}

/// Where statements run, and the region that the host tells.
fn place(address: &Address) -> Result<(Place, Option<String>), ApiError> {
    let option = |name: &str| address.option(name).filter(|text| !text.is_empty());
    let host = address.host.as_str();
    let (told, region) = match host.split_once('.') {
        Some((name, rest)) => endpoint_of(name, rest)?,
        None => (Place::Workgroup(host.to_owned()), None),
    };
    let place = match (option("workgroup"), option("cluster")) {
        (Some(_), Some(_)) => {
            return Err(bad("the address names a workgroup and a cluster".to_owned())
                .hint("leave one of workgroup= and cluster= out"));
        }
        (Some(name), None) => Place::Workgroup(name.to_owned()),
        (None, Some(name)) => Place::Cluster(name.to_owned(), None),
        (None, None) => told.clone(),
    };
    let (Place::Workgroup(said) | Place::Cluster(said, _)) = &told;
    let (Place::Workgroup(name) | Place::Cluster(name, _)) = &place;
    // An ARN names its workgroup by a number, which the host cannot be compared with.
    let contradicts = !said.is_empty() && said != name && !name.starts_with("arn:");
    let other_kind = region.is_some() && std::mem::discriminant(&told) != std::mem::discriminant(&place);
    if contradicts || other_kind {
        return Err(bad(format!(
            "the address says two things: the host `{host}`, and `{name}` in an option"
        ))
        .hint("write the same name in both, or leave the option out"));
    }
    let place = match (place, &address.user) {
        (Place::Workgroup(name), _) if name.is_empty() => {
            return Err(bad("the address names no workgroup and no cluster".to_owned())
                .hint(format!("write it like {EXAMPLE_OF_DATA_API}, or add cluster=NAME")));
        }
        (Place::Workgroup(name), Some(user)) => {
            return Err(bad(format!("the address names the user `{user}`, and the workgroup `{name}`"))
                .hint(
                    "leave the user out: it follows from who signs; if it is a cluster, add cluster=NAME",
                ));
        }
        (Place::Workgroup(name), None) => Place::Workgroup(name),
        (Place::Cluster(name, _), user) => Place::Cluster(name, user.clone()),
    };
    let fits = match &place {
        Place::Workgroup(name) => is_name(name, 3..=63) || name.starts_with("arn:") && name.len() <= 128,
        Place::Cluster(name, _) => is_name(name, 1..=63),
    };
    if !fits {
        let (Place::Workgroup(name) | Place::Cluster(name, _)) = &place;
        return Err(bad(format!("`{name}` is no name of a workgroup or cluster"))
            .hint("such names have small letters, digits and dashes, as they stand in the console"));
    }
    Ok((place, region))
}

/// `NAME.NUMBER.REGION.redshift-serverless.amazonaws.com` or `NAME.WORD.REGION.redshift.amazonaws.com`, behind the name.
fn endpoint_of(name: &str, rest: &str) -> Result<(Place, Option<String>), ApiError> {
    let mut parts = rest.splitn(3, '.').skip(1);
    match (parts.next(), parts.next()) {
        (Some(region), Some(tail)) if tail.starts_with("redshift-serverless.amazonaws.com") => {
            Ok((Place::Workgroup(name.to_owned()), Some(region.to_owned())))
        }
        (Some(region), Some(tail)) if tail.starts_with("redshift.amazonaws.com") => {
            Ok((Place::Cluster(name.to_owned(), None), Some(region.to_owned())))
        }
        _ => Err(bad(format!("the host `{name}.{rest}` is no endpoint of Redshift"))
            .hint("write the name of the workgroup in its place, or any word beside cluster=NAME")),
    }
}

fn is_name(name: &str, lengths: std::ops::RangeInclusive<usize>) -> bool {
    let letters = |c: u8| c.is_ascii_lowercase() || c.is_ascii_digit() || c == b'-';
    lengths.contains(&name.len()) && name.bytes().all(letters)
}

/// Another base. Without encryption only on this machine: rows and tokens go there.
fn endpoint(text: &str) -> Result<Url, ApiError> {
    let url = Url::parse(text).map_err(|_| bad(format!("`{text}` is no address")))?;
    let here = url.host_str().is_some_and(is_local);
    match url.scheme() {
        "https" => Ok(url),
        "http" if here => Ok(url),
        _ => Err(bad(format!("`{text}` is not encrypted")).hint("an endpoint begins with https://")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(rest: &str) -> Result<Settings, ApiError> {
        Settings::of(&Address::parse(&format!("redshift://{rest}")).unwrap())
    }

    #[test]
    fn places_are_named_in_the_ways_that_people_have() {
        let workgroup = |name: &str| Place::Workgroup(name.to_owned());
        let cluster =
            |name: &str, user: Option<&str>| Place::Cluster(name.to_owned(), user.map(str::to_owned));
        let arn = "arn:aws:redshift-serverless:us-east-1:123456789012:workgroup/7a";
        for (rest, place, region) in [
            ("analytics/prod?region=us-east-1", workgroup("analytics"), Some("us-east-1")),
            ("analytics/prod", workgroup("analytics"), None),
            ("analytics/prod?workgroup=analytics", workgroup("analytics"), None),
            (&format!("analytics/prod?workgroup={arn}"), workgroup(arn), None),
            ("main/prod?cluster=main", cluster("main", None), None),
            ("alice@main/prod?cluster=main", cluster("main", Some("alice")), None),
            ("/prod?cluster=main", cluster("main", None), None),
            ("main.abc.eu-west-1.redshift.amazonaws.com/prod", cluster("main", None), Some("eu-west-1")),
            (
                "alice@main.abc.eu-west-1.redshift.amazonaws.com/prod?region=eu-west-2",
                cluster("main", Some("alice")),
                Some("eu-west-2"),
            ),
            (
                "wg1.123456789012.cn-north-1.redshift-serverless.amazonaws.com.cn/prod",
                workgroup("wg1"),
                Some("cn-north-1"),
            ),
        ] {
            let settings = of(rest).unwrap();
            assert_eq!((&settings.place, settings.region.as_deref()), (&place, region), "{rest}");
            assert_eq!((settings.database.as_str(), settings.schema.as_str()), ("prod", "public"));
        }
        let china = of("wg1/prod").unwrap().url("cn-north-1").unwrap();
        assert_eq!(china.as_str(), "https://redshift-data.cn-north-1.amazonaws.com.cn/");
        let plain = of("wg1/prod").unwrap().url("eu-west-1").unwrap();
        assert_eq!(plain.as_str(), "https://redshift-data.eu-west-1.amazonaws.com/");
    }

    #[test]
    fn what_does_not_go_together_is_told_with_what_to_write() {
        for (rest, words, hint) in [
            ("analytics", "no database", "redshift://analytics/prod"),
            ("/prod", "no workgroup and no cluster", "cluster=NAME"),
            ("alice@analytics/prod", "the user `alice`", "leave the user out"),
            ("a-b-c/prod?workgroup=other", "says two things", "leave the option out"),
            ("main.abc.eu-west-1.redshift.amazonaws.com/p?workgroup=main", "says two things", "same name"),
            ("main/prod?cluster=main&workgroup=main", "a workgroup and a cluster", "leave one of"),
            ("main:5439/prod?cluster=main", "port 5439", "redshift://analytics/prod"),
            ("db.example.com/prod", "no endpoint of Redshift", "cluster=NAME"),
            ("Analytics/prod", "no name of a workgroup", "small letters"),
            ("analytics/prod?region=Europe%2Fx", "no name of a region", "region=eu-west-1"),
            ("analytics/prod?endpoint=http%3A%2F%2Fexample.com", "not encrypted", "https://"),
            ("analytics/prod?endpoint=x", "no address", ""),
            ("alice@main/prod?cluster=main&secret_arn=arn%3Ax", "secret_arn another", "leave the user out"),
            ("analytics/prod?connections=many", "no whole number", ""),
        ] {
            let error = of(rest).unwrap_err();
            assert!(error.message.contains(words), "{rest}: {}", error.message);
            assert!(error.hint.unwrap_or_default().contains(hint), "{rest}");
        }
    }
}
