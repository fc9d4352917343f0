//! What the variables of a `.env` file say about sources.

use super::dotenv::{Dotenv, Variable};
use super::{Candidate, Parts, Secret, databricks, path_in, snowflake};
use std::collections::BTreeSet;
use std::path::Path;
use wharf_protocol::SourceKind;
use wharf_secrets::Reference;

/// Kinds in the order in which they are added.
const KINDS: [SourceKind; 4] =
    [SourceKind::Snowflake, SourceKind::Databricks, SourceKind::Redshift, SourceKind::Postgres];

/// A source that a file describes.
#[derive(Debug)]
pub struct Described {
    /// It.
    pub candidate: Candidate,
    /// The variables that were used.
    pub used: Vec<String>,
}

/// What a file describes.
#[derive(Debug, Default)]
pub struct Description {
    /// Sources, one of a kind.
    pub sources: Vec<Described>,
    /// Variables that say nothing about them.
    pub ignored: Vec<String>,
    /// Faults of the file, and placeholders where values should be; with file and line.
    pub faults: Vec<String>,
}

/// Reads a file. Only the source of `kind` is looked for, if it is given.
pub fn read(text: &str, file: &Path, home: Option<&Path>, kind: Option<SourceKind>) -> Description {
    let dotenv = Dotenv::read(text);
    let mut description = Description::default();
    let at = |line: usize, what: &str| format!("{}:{line}: {what}", file.display());
    description.faults.extend(dotenv.faults.iter().map(|(line, what)| at(*line, what)));
    let mut used_by_any = BTreeSet::new();
    for kind in KINDS.into_iter().filter(|k| kind.is_none_or(|wanted| wanted == *k)) {
        let others = !description.sources.is_empty();
        let mut vars = Vars { all: &dotenv.variables, used: Vec::new() };
        let mut candidate = Candidate::new("env", kind.name(), kind, file);
        candidate.origin = file.display().to_string();
        let there = match kind {
            SourceKind::Snowflake => snowflake(&mut candidate, &mut vars, file, home),
            SourceKind::Databricks => databricks(&mut candidate, &mut vars),
            SourceKind::Redshift => redshift(&mut candidate, &mut vars, others),
            _ => postgres(&mut candidate, &mut vars),
        };
        if !there {
            continue;
        }
        for variable in dotenv.variables.iter().filter(|v| vars.used.contains(&v.name)) {
            if let Some(why) = placeholder(&variable.value) {
                description.faults.push(at(variable.line, &format!("{} {why}", variable.name)));
            }
        }
        used_by_any.extend(vars.used.iter().cloned());
        description.sources.push(Described { candidate, used: vars.used });
    }
    let names = dotenv.variables.into_iter().map(|v| v.name);
    description.ignored = names.filter(|name| !used_by_any.contains(name)).collect();
    description
}

/// Variables, and which of them were used.
struct Vars<'a> {
    all: &'a [Variable],
    used: Vec<String>,
}

impl<'a> Vars<'a> {
    fn peek(&self, names: &[&str]) -> Option<(&'a str, &'a str)> {
        let named = |name: &&str| self.all.iter().find(|v| v.name == *name && !v.value.trim().is_empty());
        names.iter().find_map(named).map(|v| (v.name.as_str(), v.value.as_str()))
    }

    /// The value of the first of these that has one.
    fn take(&mut self, names: &[&str]) -> Option<&'a str> {
        let (name, value) = self.peek(names)?;
        if !self.used.iter().any(|used| used == name) {
            self.used.push(name.to_owned());
        }
        Some(value)
    }

    fn has(&self, beginning: &str) -> bool {
        self.all.iter().any(|v| v.name.starts_with(beginning) && !v.value.trim().is_empty())
    }

    fn fill(&mut self, candidate: &mut Candidate, parts: &[(&str, &[&str])]) {
        for (part, names) in parts {
            let value = self.take(names);
            candidate.take(part, value);
        }
    }
}

fn snowflake(candidate: &mut Candidate, vars: &mut Vars<'_>, file: &Path, home: Option<&Path>) -> bool {
    if !vars.has("SNOWFLAKE_") {
        return false;
    }
    let account: &[(&str, &[&str])] = &[
        ("account", &["SNOWFLAKE_ACCOUNT", "SNOWFLAKE_ACCOUNT_IDENTIFIER", "SNOWFLAKE_ACCOUNT_LOCATOR"]),
        ("account", &["SNOWFLAKE_URL", "SNOWFLAKE_ACCOUNT_URL", "SNOWFLAKE_BASE_URL", "SNOWFLAKE_HOST"]),
        ("user", &["SNOWFLAKE_USER", "SNOWFLAKE_USERNAME"]),
        ("database", &["SNOWFLAKE_DATABASE", "SNOWFLAKE_DB"]),
        ("schema", &["SNOWFLAKE_SCHEMA"]),
        ("warehouse", &["SNOWFLAKE_WAREHOUSE"]),
        ("role", &["SNOWFLAKE_ROLE"]),
    ];
    vars.fill(candidate, account);
    if candidate.parts.catalog.is_empty() {
        // A chat service names its models and its search, which stand in the database that it is about.
        let place = vars.peek(&["SEMANTIC_MODEL_PATH", "SEARCH_SERVICE_PATH"]);
        if let Some((name, (database, schema))) =
            place.and_then(|(name, path)| Some((name, database_of(path)?)))
        {
            vars.take(&[name]);
            candidate.take("database", Some(database));
            if candidate.parts.schema.is_none() {
                candidate.take("schema", Some(schema));
            }
            candidate.remarks.push(format!("the database is taken from {name}"));
        }
    }
    let key = vars.take(&["SNOWFLAKE_PRIVATE_KEY_PATH", "SNOWFLAKE_PRIVATE_KEY_FILE"]);
    if let Some(key) = key {
        candidate.take("private_key", path_in(key, file, home).to_str());
        let phrase = vars.take(&["SNOWFLAKE_PRIVATE_KEY_PASSPHRASE", "SNOWFLAKE_PRIVATE_KEY_FILE_PWD"]);
        candidate.secret = phrase.map_or(Secret::None, Secret::value);
        return true;
    }
    if vars.peek(&["SNOWFLAKE_AUTHENTICATOR"]).is_some_and(|(_, way)| way.eq_ignore_ascii_case("oauth")) {
        vars.take(&["SNOWFLAKE_AUTHENTICATOR"]);
        candidate.take("auth", Some("oauth"));
    }
    candidate.secret = snowflake_token(candidate, vars, file, home);
    true
}

fn snowflake_token(
    candidate: &mut Candidate,
    vars: &mut Vars<'_>,
    file: &Path,
    home: Option<&Path>,
) -> Secret {
    if let Some(token) = vars.take(&["SNOWFLAKE_PAT", "SNOWFLAKE_TOKEN", "SNOWFLAKE_OAUTH_TOKEN"]) {
        return Secret::value(token);
    }
    if let Some(path) = vars.take(&["SNOWFLAKE_TOKEN_FILE_PATH", "SNOWFLAKE_TOKEN_FILE"]) {
        return Secret::At(Reference::File(path_in(path, file, home)));
    }
    match vars.peek(&["SNOWFLAKE_PASSWORD"]) {
        Some((_, password)) if snowflake::is_token(password) => {
            vars.take(&["SNOWFLAKE_PASSWORD"]);
            return Secret::value(password);
        }
        Some(_) => candidate.remarks.push(
            "SNOWFLAKE_PASSWORD is not used: Snowflake's SQL API takes no passwords, but tokens and key pairs".to_owned(),
        ),
        None => {}
    }
    Secret::Ask("programmatic access token", true)
}

/// `@DATABASE.SCHEMA.STAGE/file` and `DATABASE.SCHEMA.NAME`.
fn database_of(path: &str) -> Option<(&str, &str)> {
    let mut names = path.trim().trim_start_matches('@').split('/').next()?.split('.');
    let (database, schema) = (names.next()?, names.next()?);
    (names.next().is_some() && !database.is_empty() && !schema.is_empty()).then_some((database, schema))
}

fn databricks(candidate: &mut Candidate, vars: &mut Vars<'_>) -> bool {
    if !vars.has("DATABRICKS_") {
        return false;
    }
    let parts: &[(&str, &[&str])] = &[
        ("host", &["DATABRICKS_HOST", "DATABRICKS_SERVER_HOSTNAME", "DATABRICKS_WORKSPACE_URL"]),
        ("catalog", &["DATABRICKS_CATALOG"]),
        ("schema", &["DATABRICKS_SCHEMA"]),
        ("warehouse", &["DATABRICKS_WAREHOUSE_ID", "DATABRICKS_SQL_WAREHOUSE_ID"]),
    ];
    vars.fill(candidate, parts);
    if let Some(path) = vars.take(&["DATABRICKS_HTTP_PATH"]) {
        match databricks::warehouse(path) {
            Some(id) if candidate.parts.get("warehouse").is_none() => candidate.take("warehouse", Some(id)),
            Some(_) => {}
            None => candidate.remarks.push("DATABRICKS_HTTP_PATH is of no SQL warehouse".to_owned()),
        }
    }
    if candidate.parts.catalog.is_empty() {
        // A service that keeps its models in a volume is about the catalog of it.
        let volume = vars.peek(&["VOLUME_BASE_PATH", "DATABRICKS_VOLUME_PATH"]);
        if let Some((name, (catalog, schema))) =
            volume.and_then(|(name, path)| Some((name, catalog_of(path)?)))
        {
            vars.take(&[name]);
            candidate.take("catalog", Some(catalog));
            if candidate.parts.schema.is_none() {
                candidate.take("schema", Some(schema));
            }
            candidate.remarks.push(format!("the catalog is taken from {name}"));
        }
    }
    let token = vars.take(&["DATABRICKS_TOKEN", "DATABRICKS_ACCESS_TOKEN", "DATABRICKS_PAT"]);
    candidate.secret = match token {
        Some(token) => Secret::value(token),
        None => match vars.take(&["DATABRICKS_CLIENT_ID"]) {
            Some(id) => {
                candidate.take("auth", Some("m2m"));
                candidate.take("client_id", Some(id));
                let secret = vars.take(&["DATABRICKS_CLIENT_SECRET"]);
                secret.map_or(Secret::Ask("client secret", true), Secret::value)
            }
            None => Secret::Ask("personal access token", true),
        },
    };
    true
}

/// `/Volumes/CATALOG/SCHEMA/...`.
fn catalog_of(path: &str) -> Option<(&str, &str)> {
    let (catalog, rest) = path.trim().strip_prefix("/Volumes/")?.split_once('/')?;
    let schema = rest.split('/').next()?;
    (!catalog.is_empty() && !schema.is_empty()).then_some((catalog, schema))
}

/// A cluster by its host, or the Data API by a profile. `others`: the file is about something else already, so that variables
/// of AWS alone mean nothing.
fn redshift(candidate: &mut Candidate, vars: &mut Vars<'_>, others: bool) -> bool {
    if !vars.has("REDSHIFT_") && (others || !vars.has("AWS_PROFILE")) {
        return false;
    }
    let common: &[(&str, &[&str])] = &[
        ("database", &["REDSHIFT_DATABASE", "REDSHIFT_DB", "REDSHIFT_DBNAME"]),
        ("schema", &["REDSHIFT_SCHEMA"]),
    ];
    vars.fill(candidate, common);
    let server: &[(&str, &[&str])] = &[
        ("host", &["REDSHIFT_HOST", "REDSHIFT_ENDPOINT"]),
        ("port", &["REDSHIFT_PORT"]),
        ("user", &["REDSHIFT_USER", "REDSHIFT_USERNAME"]),
        ("sslmode", &["REDSHIFT_SSLMODE"]),
    ];
    let aws: &[(&str, &[&str])] = &[
        ("workgroup", &["REDSHIFT_WORKGROUP", "REDSHIFT_WORKGROUP_NAME"]),
        ("region", &["REDSHIFT_REGION", "AWS_REGION", "AWS_DEFAULT_REGION"]),
        ("profile", &["AWS_PROFILE", "AWS_DEFAULT_PROFILE"]),
    ];
    if vars.peek(&["REDSHIFT_HOST", "REDSHIFT_ENDPOINT"]).is_some() {
        vars.fill(candidate, server);
        let password = vars.take(&["REDSHIFT_PASSWORD"]);
        candidate.secret = password.map_or(Secret::Ask("password", true), Secret::value);
        return true;
    }
    candidate.take("transport", Some("data-api"));
    vars.fill(candidate, aws);
    if candidate.parts.host.is_empty() {
        let cluster = vars.take(&["REDSHIFT_CLUSTER", "REDSHIFT_CLUSTER_ID", "REDSHIFT_CLUSTER_IDENTIFIER"]);
        candidate.take("cluster", cluster);
    }
    if vars.has("AWS_ACCESS_KEY_ID") {
        candidate.remarks.push(
            "the keys of AWS are not taken over: put them into a profile, and name it with AWS_PROFILE"
                .to_owned(),
        );
    }
    true
}

fn postgres(candidate: &mut Candidate, vars: &mut Vars<'_>) -> bool {
    const URLS: &[&str] = &["DATABASE_URL", "POSTGRES_URL", "POSTGRESQL_URL", "PG_URL", "POSTGRES_DSN"];
    const HOSTS: &[&str] = &["PGHOST", "POSTGRES_HOST", "POSTGRES_SERVER", "PGHOSTADDR"];
    let url = vars.peek(URLS).map(|(_, url)| Parts::of_url(url.trim()));
    if let Some(Ok((parts, password))) = url
        && parts.kind == SourceKind::Postgres
    {
        vars.take(URLS);
        candidate.parts = parts;
        candidate.secret = password.as_deref().map_or(Secret::Ask("password", false), Secret::value);
        return true;
    }
    if vars.peek(HOSTS).is_none() && vars.peek(&["PGDATABASE", "POSTGRES_DB"]).is_none() {
        return false;
    }
    let parts: &[(&str, &[&str])] = &[
        ("host", HOSTS),
        ("port", &["PGPORT", "POSTGRES_PORT"]),
        ("user", &["PGUSER", "POSTGRES_USER", "POSTGRES_USERNAME"]),
        ("database", &["PGDATABASE", "POSTGRES_DB", "POSTGRES_DATABASE"]),
        ("schema", &["POSTGRES_SCHEMA"]),
        ("sslmode", &["PGSSLMODE"]),
        ("sslrootcert", &["PGSSLROOTCERT"]),
    ];
    vars.fill(candidate, parts);
    let password = vars.take(&["PGPASSWORD", "POSTGRES_PASSWORD"]);
    candidate.secret = password.map_or(Secret::Ask("password", false), Secret::value);
    true
}

/// The variable that would say what is missing.
pub fn variable_for(kind: SourceKind, part: &str) -> &'static str {
    match (kind, part) {
        (SourceKind::Snowflake, "account") => "SNOWFLAKE_URL or SNOWFLAKE_ACCOUNT",
        (SourceKind::Snowflake, "user") => "SNOWFLAKE_USER",
        (SourceKind::Snowflake, "database") => "SNOWFLAKE_DATABASE",
        (SourceKind::Snowflake, _) => "SNOWFLAKE_PAT",
        (SourceKind::Databricks, "host") => "DATABRICKS_HOST",
        (SourceKind::Databricks, "catalog") => "DATABRICKS_CATALOG",
        (SourceKind::Databricks, _) => "DATABRICKS_TOKEN",
        (SourceKind::Redshift, "host") => "REDSHIFT_HOST",
        (SourceKind::Redshift, "user") => "REDSHIFT_USER",
        (SourceKind::Redshift, "database") => "REDSHIFT_DATABASE",
        (SourceKind::Redshift, "region") => "AWS_REGION",
        (SourceKind::Redshift, "workgroup") => "REDSHIFT_WORKGROUP or REDSHIFT_CLUSTER",
        (SourceKind::Redshift, _) => "REDSHIFT_PASSWORD",
        (_, "host") => "PGHOST",
        (_, "user") => "PGUSER",
        (_, "database") => "PGDATABASE",
        (_, _) => "PGPASSWORD",
    }
}

/// Why a value is none: templates of such files hold words in the places of values.
fn placeholder(value: &str) -> Option<&'static str> {
    let lower = value.trim().to_lowercase();
    let open = |open: &str, close: &str| lower.split_once(open).is_some_and(|(_, rest)| rest.contains(close));
    let begins = |text: &str| {
        ["your-", "your_", "<", "changeme", "change-me", "change_me"].iter().any(|b| text.starts_with(b))
    };
    if open("${", "}") {
        return Some("refers to a variable that the file does not set above it");
    }
    // Parts of a URL or a path are looked at one by one: /sql/1.0/warehouses/your-warehouse-id.
    let template = open("<", ">") || open("{{", "}}") || lower.split(['/', '@']).any(begins);
    let filler = lower.len() > 2 && lower.chars().all(|c| matches!(c, 'x' | '.' | '*'));
    (template || filler).then_some("still holds a placeholder")
}
