//! Every route that is the same on the socket and over TCP: path, handler, what it needs, what it does.

use super::openapi::{Doc, Group, doc};
use super::rates::Class;
use super::{
    audit, compat, execute, health, identity, metadata, metrics, policies, profiles, queries, replicas,
    samples, tables,
};
use wharf_protocol::Permission::{Execute, Manage, Read, Write};
use wharf_protocol::{
    Catalog, Done, GrantChange, ListedTable, MetadataColumn, MetadataTable, MetricRequest, Permissions,
    PolicyBook, PolicyChange, PolicyChanged, PolicyTest, PolicyVerdict, Profile, ProfileRequest,
    QueryRequest, QueryStats, Replica, ReplicaAdd, ReplicaRefreshRequest, SampleRequest, Schema,
    SqlCompletion, Table, TableNote, Token, TokenCreate, TokenIssued, TokenResponse, TokenRotate, User,
    UserCreate, UserUpdate,
};

/// Results come in these forms.
const ROWS: &[&str] = &[
    "application/json",
    "application/x-ndjson",
    "text/csv",
    "text/tab-separated-values",
    "application/vnd.apache.arrow.stream",
    "application/vnd.apache.parquet",
    "application/vnd.wharf.rows+json",
    "application/octet-stream",
];

pub(super) fn groups() -> Vec<Group> {
    let mut all = vec![health(), own(), read(), metadata(), write(), follow(), run(), manage()];
    all.extend(super::talk::groups());
    all
}

fn health() -> Group {
    Group::new(None, Class::Health)
        .get("/health", health::quick, doc("health", "That the process answers").reply::<health::Alive>())
        .get(
            "/api/health/",
            health::service,
            doc("health", "The service and its version").reply::<health::Service>(),
        )
        .get(
            "/api/health/ready",
            health::ready,
            doc("health", "Whether everything that is needed is there").reply::<health::Ready>(),
        )
        .get(
            "/api/health/{source}",
            health::source,
            doc("health", "Whether a source answers").reply::<health::SourceHealth>(),
        )
        .get(
            "/ai/api/health",
            health::gateway,
            doc("health", "The same, as the chat gateway tells it").reply::<health::GatewayHealth>(),
        )
}

/// How to become somebody.
pub(super) fn login() -> Group {
    let login = || doc("auth", "Log in, for a JWT").body::<identity::Login>().reply::<TokenResponse>();
    Group::new(None, Class::Metadata).post("/api/auth/login", identity::login, login()).post(
        "/auth/login",
        identity::login,
        login(),
    )
}

/// What is about who asks.
fn own() -> Group {
    let logout =
        || doc("auth", "End the login: every JWT of it is worth nothing from here on").reply::<Done>();
    let jwt = || doc("auth", "Another JWT for the login").reply::<identity::Jwt>();
    Group::new(Some(Read), Class::Metadata)
        .post("/api/auth/logout", identity::logout, logout())
        .post("/auth/logout", identity::logout, logout())
        .post(
            "/api/auth/refresh",
            identity::refresh,
            doc("auth", "Another JWT for the login").reply::<TokenResponse>(),
        )
        .get("/api/auth/jwt", identity::jwt, jwt())
        .get("/api/jwt", identity::jwt, jwt())
        .get("/api/auth/me", identity::me, doc("auth", "Who asks").reply::<User>())
        .get(
            "/api/auth/permissions",
            identity::permissions,
            doc("auth", "What who asks may do").reply::<Permissions>(),
        )
}

fn read() -> Group {
    Group::new(Some(Read), Class::Metadata)
        .get(
            "/api/tables",
            tables::list,
            doc("tables", "The tables that may be read")
                .query("source", "Of this source only")
                .page::<Table>(),
        )
        .get("/api/tables/{table}", tables::show, doc("tables", "A table that may be read").reply::<Table>())
        .get(
            "/list_data",
            tables::list_data,
            doc("tables", "The tables that may be read, with their tags").list::<ListedTable>(),
        )
}

/// What there is to be read.
fn metadata() -> Group {
    let refresh = |doc: Doc| {
        doc.one_of(
            "refresh",
            &["false", "true"],
            "Whether a source elsewhere is listed anew before; absent: false",
        )
    };
    let catalog = |doc: Doc| refresh(doc.query("catalog", "Of this source only"));
    let schema = |doc: Doc| catalog(doc).query("schema", "Of this schema only");
    let search = |doc: Doc| schema(doc).query("search", "With this text in the name or the comment");
    Group::new(Some(Read), Class::Metadata)
        .get(
            "/api/metadata/catalogs",
            metadata::catalogs,
            refresh(doc("metadata", "The sources of which something may be read")).list_or_page::<Catalog>(),
        )
        .get(
            "/api/metadata/schemas",
            metadata::schemas,
            catalog(doc("metadata", "The schemas of which something may be read")).list_or_page::<Schema>(),
        )
        .get(
            "/api/metadata/tables",
            metadata::tables,
            search(doc("metadata", "The tables that may be read"))
                .query("table", "This table, with its size and its primary key where the source tells")
                .list_or_page::<MetadataTable>(),
        )
        .get(
            "/api/metadata/columns",
            metadata::columns,
            search(doc("metadata", "The columns that may be seen"))
                .query("table", "Of this table only")
                .list_or_page::<MetadataColumn>(),
        )
        .get(
            "/api/metadata/sql-autocomplete",
            metadata::autocomplete,
            doc("metadata", "What can go on where SQL is typed")
                .query("sql", "The text")
                .number(
                    "cursor",
                    "In front of which character the cursor stands, from 0 on; absent: at the end",
                )
                .query("catalog", "The source that names without one belong to")
                .number("limit", "At most this many suggestions, and at most 500; absent: 50")
                .reply::<SqlCompletion>(),
        )
}

fn write() -> Group {
    Group::new(Some(Write), Class::Metadata).patch(
        "/api/tables/{table}",
        tables::describe,
        doc("tables", "Say what a table is about").body::<TableNote>().reply::<ListedTable>(),
    )
}

/// What is about a statement that runs: it does not count as another one.
fn follow() -> Group {
    Group::new(Some(Execute), Class::Metadata)
        .get(
            "/api/queries/{id}/status",
            queries::status,
            doc("queries", "How a statement went").reply::<QueryStats>(),
        )
        .delete(
            "/api/queries/{id}",
            queries::cancel,
            doc("queries", "End a statement").reply::<queries::Cancelling>(),
        )
}

/// What runs statements.
fn run() -> Group {
    Group::new(Some(Execute), Class::Query)
        .post(
            "/api/queries/execute",
            execute::execute,
            doc("queries", "Run a statement; rows as JSON")
                .body::<execute::ExecuteRequest>()
                .reply::<execute::ExecuteReply>(),
        )
        .post(
            "/api/queries/stream",
            queries::stream,
            doc("queries", "Run a statement; rows of any number, as they come")
                .body::<QueryRequest>()
                .rows(ROWS),
        )
        .post(
            "/api/queries/validate",
            execute::validate,
            doc("queries", "Whether a statement would run")
                .body::<execute::ValidateRequest>()
                .reply::<execute::ValidateReply>(),
        )
        .post(
            "/api/tables/{table}/sample",
            samples::of_table,
            doc("tables", "Some rows of a table")
                .body::<samples::TableSample>()
                .bytes_or::<samples::Sampled>(ROWS),
        )
        .post(
            "/api/tables/{table}/profile",
            profiles::of_table,
            doc("tables", "A table's profile").body::<profiles::TableProfile>().reply::<Profile>(),
        )
        .post(
            "/api/samples/stream",
            samples::stream,
            doc("tables", "Some rows of a table").body::<SampleRequest>().rows(ROWS),
        )
        .post(
            "/api/profiles",
            profiles::create,
            doc("tables", "A table's profile, with progress: NDJSON")
                .body::<ProfileRequest>()
                .bytes(&["application/x-ndjson"]),
        )
        .post(
            "/api/metrics/query",
            metrics::query,
            doc("metrics", "Metrics by dimensions, without SQL").body::<MetricRequest>().bytes(ROWS),
        )
        .post(
            "/sample_data",
            compat::sample_data,
            doc("tables", "Some rows of a table")
                .body::<compat::SampleData>()
                .bytes_or::<samples::Sampled>(ROWS),
        )
        .post(
            "/profile_data",
            compat::profile_data,
            doc("tables", "A table's profile").body::<compat::ProfileData>().reply::<Profile>(),
        )
        .post(
            "/api/statements",
            compat::statements,
            doc("queries", "Run a statement, in the shape of Snowflake's SQL API")
                .body::<compat::Statements>()
                .reply::<compat::StatementReply>(),
        )
}

/// Which lines of the audit log are meant.
fn lines(doc: Doc) -> Doc {
    doc.query("since", "From this time on: a time, a date, or how long ago: 2h")
        .query("until", "Before this time")
        .number("after", "Behind the line of this number")
        .number("before", "Before the line of this number")
        .query("principal", "Who: user:NAME, agent:ID, or the name alone")
        .query("swarm", "Of this swarm")
        .query("tenant", "Of this tenant")
        .query("action", "What was done")
        .query("source", "On this source")
        .query("table", "Naming this table or file")
        .query("outcome", "How it ended")
        .query("request_id", "Of this request")
        .query("text", "With this text in the statement, the reason or a table's name")
}

fn manage() -> Group {
    Group::new(Some(Manage), Class::Metadata)
        .get(
            "/api/tokens",
            identity::tokens,
            doc("tokens", "All tokens, without their secrets").page::<Token>(),
        )
        .post(
            "/api/tokens",
            identity::create_token,
            doc("tokens", "Make a token; its secret is shown this once")
                .body::<TokenCreate>()
                .reply::<TokenIssued>()
                .created(),
        )
        .get(
            "/api/tokens/{id}",
            identity::token,
            doc("tokens", "A token, without its secret").reply::<Token>(),
        )
        .delete(
            "/api/tokens/{id}",
            identity::revoke_token,
            doc("tokens", "Revoke a token at once").reply::<Token>(),
        )
        .post(
            "/api/tokens/{id}/rotate",
            identity::rotate_token,
            doc("tokens", "Give a token another secret").body::<TokenRotate>().reply::<TokenIssued>(),
        )
        .get("/api/users", identity::users, doc("users", "All users").page::<User>())
        .post(
            "/api/users",
            identity::create_user,
            doc("users", "Make an account").body::<UserCreate>().reply::<User>().created(),
        )
        .get("/api/users/{name}", identity::user, doc("users", "A user").reply::<User>())
        .patch(
            "/api/users/{name}",
            identity::update_user,
            doc("users", "Change a user").body::<UserUpdate>().reply::<User>(),
        )
        .delete(
            "/api/users/{name}",
            identity::delete_user,
            doc("users", "Delete a user and end their logins").reply::<Done>(),
        )
        .post(
            "/api/tables",
            tables::change,
            doc("tables", "Let somebody read a table, or no longer")
                .body::<GrantChange>()
                .reply::<PolicyChanged>(),
        )
        .get(
            "/api/policy",
            policies::show,
            doc("policy", "Who may read what, how, and how much").reply::<PolicyBook>(),
        )
        .put(
            "/api/policy",
            policies::set,
            doc("policy", "Set how a table is seen, or how much may be taken")
                .body::<PolicyChange>()
                .reply::<PolicyChanged>(),
        )
        .post(
            "/api/policy/test",
            policies::test,
            doc("policy", "What would happen to somebody's statement")
                .body::<PolicyTest>()
                .reply::<PolicyVerdict>(),
        )
        .get(
            "/api/audit",
            audit::list,
            lines(doc("audit", "Lines of the audit log, the newest first"))
                .number("page", "From 1 on")
                .number("page_size", "At most 1000")
                .reply::<audit::AuditPage>(),
        )
        .get(
            "/api/audit/verify",
            audit::verify,
            doc("audit", "Check the whole chain").reply::<crate::audit::Verdict>(),
        )
        .get(
            "/api/audit/export",
            audit::export,
            lines(doc("audit", "The log as a stream"))
                .one_of("format", &["ndjson", "csv"], "Its form; absent: ndjson")
                .one_of("order", &["oldest", "newest"], "Which line comes first; absent: the oldest")
                .number("limit", "At most this many lines")
                .one_of("follow", &["false", "true"], "Whether the stream goes on as lines come")
                .bytes(&["application/x-ndjson", "text/csv"]),
        )
        .get(
            "/metrics",
            health::measures,
            doc("health", "What is counted, for Prometheus").bytes(&["text/plain"]),
        )
        .post(
            "/manage/tokens",
            compat::manage_tokens,
            doc("tokens", "Make or revoke a token")
                .body::<compat::ManageTokens>()
                .reply::<compat::TokenManaged>(),
        )
        .get(
            "/api/replicas",
            replicas::list,
            doc("replicas", "Local copies of tables and queries").reply::<Vec<Replica>>(),
        )
        .post(
            "/api/replicas",
            replicas::add,
            doc("replicas", "Copy a table or a query's rows; tells how far it is, then the replica")
                .body::<ReplicaAdd>()
                .bytes(&["application/x-ndjson"]),
        )
        .get(
            "/api/replicas/{name}",
            replicas::show,
            doc("replicas", "A replica and its last refreshes").reply::<Replica>(),
        )
        .delete("/api/replicas/{name}", replicas::remove, doc("replicas", "Delete a replica").reply::<Done>())
        .post(
            "/api/replicas/{name}/refresh",
            replicas::refresh,
            doc("replicas", "Bring a replica up to date; tells how far it is, then the replica")
                .body::<ReplicaRefreshRequest>()
                .bytes(&["application/x-ndjson"]),
        )
        .post(
            "/manage/duckdb",
            compat::manage_duckdb,
            doc("replicas", "Copy a table or a query's rows, refresh the copy, or delete it")
                .body::<compat::ManageDuckdb>()
                .reply::<compat::CopyManaged>(),
        )
        .post(
            "/manage/tables",
            compat::manage_tables,
            doc("tables", "Add to what may be read, or take from it")
                .body::<compat::ManageTables>()
                .reply::<PolicyChanged>(),
        )
}
