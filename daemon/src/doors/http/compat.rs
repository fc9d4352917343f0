//! The paths and shapes of the services that came before, so that their clients work unchanged. Everything here translates and
//! hands on.

use super::access::Asker;
use super::failure::{Body, Failure};
use super::identity::{end_token, make_token};
use super::samples::{SampleType, TableSample};
use super::tables::grant;
use super::{profiles, samples};
use crate::gate::{Deliver, Rights, Statement};
use crate::sources::{Cancel, Collect};
use axum::Json;
use axum::http::HeaderMap;
use axum::response::Response;
use serde::{Deserialize, Serialize};
use std::time::Duration;
use utoipa::ToSchema;
use wharf_protocol::{
    ApiError, Cell, ErrorKind, GrantAction, GrantChange, PolicyChanged, Profile, ProfileRequest, ReplicaAdd,
    Role, TokenCreate, TokenKind,
};

/// `POST /manage/tokens`
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct ManageTokens {
    action: TokenAction,
    #[serde(default)]
    token_id: Option<String>,
    #[serde(default)]
    label: Option<String>,
    #[serde(default)]
    swarm_id: Option<String>,
    #[serde(default)]
    tenant: Option<String>,
    #[serde(default)]
    roles: Option<Vec<Role>>,
    #[serde(default)]
    #[schema(format = "uint64")]
    expires_in: Option<u64>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
enum TokenAction {
    GenerateSwarm,
    GenerateAgent,
    RevokeSwarm,
    RevokeAgent,
}

/// What became of a token: its secret where one was made, a sentence where one was revoked.
#[derive(Serialize, ToSchema)]
pub(super) struct TokenManaged {
    /// `success`.
    status: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    token: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    token_id: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    message: Option<String>,
}

pub(super) async fn manage_tokens(
    asker: Asker,
    Body(request): Body<ManageTokens>,
) -> Result<Json<TokenManaged>, Failure> {
    let kind = match request.action {
        TokenAction::GenerateSwarm | TokenAction::RevokeSwarm => TokenKind::Swarm,
        TokenAction::GenerateAgent | TokenAction::RevokeAgent => TokenKind::Agent,
    };
    if matches!(request.action, TokenAction::GenerateSwarm | TokenAction::GenerateAgent) {
        let create = TokenCreate {
            kind,
            label: request.label,
            swarm_id: request.swarm_id,
            tenant: request.tenant,
            roles: request.roles,
            expires_in: request.expires_in,
        };
        let issued = make_token(&asker, create).await?;
        let (token, token_id) = (Some(issued.secret), Some(issued.token.token_id));
        return Ok(Json(TokenManaged { status: "success", token, token_id, message: None }));
    }
    let id = request.token_id.ok_or_else(|| {
        ApiError::new(ErrorKind::Invalid, "body", "revoking a token needs its token_id")
            .hint("GET /api/tokens lists them")
    })?;
    let token = asker.rooms().identity.token(&id).await?;
    if token.kind != kind {
        let message = format!("`{id}` is a token of another kind");
        return Err(Failure(ApiError::new(ErrorKind::Invalid, "token_kind", message)));
    }
    let token = end_token(&asker, &token.token_id).await?;
    let message = Some(format!("token {} is revoked", token.token_id));
    Ok(Json(TokenManaged { status: "success", token: None, token_id: None, message }))
}

/// `POST /manage/tables`
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct ManageTables {
    action: TableAction,
    table_name: String,
    #[serde(default)]
    schema_name: Option<String>,
    #[serde(default)]
    source: Option<String>,
    #[serde(default)]
    subject: Option<String>,
}

#[derive(Debug, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
enum TableAction {
    Add,
    Remove,
}

/// Adds to or takes from what may be read: by the swarm of who asks, or by everybody where no swarm asks.
pub(super) async fn manage_tables(
    asker: Asker,
    Body(request): Body<ManageTables>,
) -> Result<Json<PolicyChanged>, Failure> {
    let action = match request.action {
        TableAction::Add => GrantAction::Allow,
        TableAction::Remove => GrantAction::Deny,
    };
    let own = asker.principal().swarm.as_ref().map(|s| format!("swarm:{s}"));
    let change = GrantChange {
        action,
        table: qualified(&request.table_name, request.schema_name.as_deref()),
        source: request.source,
        subject: request.subject.or(own),
    };
    Ok(Json(grant(&asker, change).await?))
}

/// `POST /manage/duckdb`
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct ManageDuckdb {
    action: CopyAction,
    table_name: String,
    #[serde(default)]
    schema_name: Option<String>,
    /// The name of a file stands for the replica's name; where the file lies is wharf's own business.
    #[serde(default)]
    duckdb_file: Option<String>,
    /// A query whose rows are copied in the place of the whole table.
    #[serde(default)]
    sql_query: Option<String>,
    #[serde(default)]
    source: Option<String>,
}

#[derive(Debug, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
enum CopyAction {
    Replicate,
    Delete,
    Refresh,
}

/// What became of a copy.
#[derive(Serialize, ToSchema)]
pub(super) struct CopyManaged {
    /// `success`.
    status: &'static str,
    message: String,
}

impl ManageDuckdb {
    /// The replica's name: that of the file, else of schema and table.
    fn name(&self) -> String {
        let given =
            self.duckdb_file.as_deref().and_then(|file| std::path::Path::new(file).file_stem()?.to_str());
        let own = || match &self.schema_name {
            Some(schema) => format!("table_{schema}_{}", self.table_name),
            None => format!("table_{}", self.table_name),
        };
        let name = given.map_or_else(own, str::to_owned).to_lowercase();
        name.chars().map(|c| if c.is_ascii_alphanumeric() { c } else { '_' }).collect()
    }
}

/// Copies a table or a query's rows, brings the copy up to date, or deletes it. Answers when that is done.
pub(super) async fn manage_duckdb(
    asker: Asker,
    Body(request): Body<ManageDuckdb>,
) -> Result<Json<CopyManaged>, Failure> {
    let (name, cancel) = (request.name(), Cancel::default());
    let guard = super::queries::CancelOnDrop(cancel.clone());
    let silent: crate::replicas::Progress = std::sync::Arc::new(|_, _| {});
    let rows = |n: Option<u64>| n.unwrap_or_default();
    let message = match request.action {
        CopyAction::Replicate => {
            let add = ReplicaAdd {
                name,
                source: asker.gate.catalog().require(request.source.as_deref())?,
                schema: request.schema_name,
                table: request.table_name,
                columns: Vec::new(),
                filter: None,
                sql: request.sql_query,
                incremental: None,
                schedule: None,
                jitter: 0,
                max_age: None,
            };
            let replica = super::replicas::added(&asker, add, cancel, silent).await?;
            format!(
                "Replica {} holds {} rows; read it as {}",
                replica.add.name,
                rows(replica.rows),
                replica.query_as
            )
        }
        CopyAction::Refresh => {
            let replica = asker.rooms().replicas.refresh(&name, false, cancel, silent).await?;
            format!("Replica {name} holds {} rows", rows(replica.rows))
        }
        CopyAction::Delete => super::replicas::removed(&asker, &name).await?,
    };
    drop(guard);
    Ok(Json(CopyManaged { status: "success", message }))
}

fn qualified(table: &str, schema: Option<&str>) -> String {
    schema.map_or_else(|| table.to_owned(), |schema| format!("{schema}.{table}"))
}

/// `POST /profile_data`
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct ProfileData {
    table_name: String,
    #[serde(default)]
    schema_name: Option<String>,
    #[serde(default)]
    source: Option<String>,
    #[serde(default)]
    force_refresh: bool,
}

pub(super) async fn profile_data(
    asker: Asker,
    Body(request): Body<ProfileData>,
) -> Result<Json<Profile>, Failure> {
    let table = qualified(&request.table_name, request.schema_name.as_deref());
    let wanted = ProfileRequest { table, source: request.source, refresh: request.force_refresh, cwd: None };
    Ok(Json(profiles::made(&asker, &wanted).await?))
}

/// `POST /sample_data`
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct SampleData {
    table_name: String,
    #[serde(default)]
    schema_name: Option<String>,
    #[serde(default)]
    source: Option<String>,
    sample_type: SampleType,
    sample_size: f64,
    #[serde(default)]
    #[schema(format = "uint32")]
    seed: Option<u32>,
    #[serde(default)]
    output_format: Option<String>,
}

/// Rows of one table.
pub(super) async fn sample_data(
    asker: Asker,
    headers: HeaderMap,
    Body(request): Body<SampleData>,
) -> Result<Response, Failure> {
    let SampleData { table_name, schema_name, source, sample_type, sample_size, seed, output_format } =
        request;
    let table = qualified(&table_name, schema_name.as_deref());
    let asked = TableSample { sample_type, sample_size, seed, output_format };
    samples::give(&asker, &headers, table, source, asked).await
}

/// `POST /api/statements`, as Snowflake's SQL API asks.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct Statements {
    statement: String,
    /// Seconds.
    #[serde(default)]
    #[schema(format = "uint64")]
    timeout: Option<u64>,
    /// The source, under the name that Snowflake has for it.
    #[serde(default)]
    database: Option<String>,
    #[serde(default, rename = "schema")]
    _schema: Option<String>,
    #[serde(default, rename = "warehouse")]
    _warehouse: Option<String>,
    #[serde(default, rename = "role")]
    _role: Option<String>,
}

/// The reply to `POST /api/statements`. Every value is text there, so no digit is lost.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(super) struct StatementReply {
    result_set_meta_data: ResultSetMetaData,
    data: Vec<Vec<Option<String>>>,
    code: &'static str,
    sql_state: &'static str,
    statement_handle: String,
    message: &'static str,
}

#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
struct ResultSetMetaData {
    num_rows: usize,
    format: &'static str,
    row_type: Vec<RowType>,
}

#[derive(Serialize, ToSchema)]
struct RowType {
    name: String,
    r#type: String,
}

/// Rows of one answer to [`statements`].
const STATEMENT_ROWS: u64 = 10_000;

pub(super) async fn statements(
    asker: Asker,
    Body(request): Body<Statements>,
) -> Result<Json<StatementReply>, Failure> {
    let mut statement = Statement::new("query", Rights::Source, request.statement);
    statement.source = request.database.map(|d| d.to_ascii_lowercase());
    statement.timeout = request.timeout.filter(|s| *s > 0).map(Duration::from_secs);
    statement.limit = Some(STATEMENT_ROWS);
    let cancel = Cancel::default();
    let guard = super::queries::CancelOnDrop(cancel.clone());
    let deliver = Deliver::Rows(Collect::default());
    let delivered = asker.gate.run(statement, cancel, deliver).await?;
    drop(guard);
    let stats = delivered.stats;
    let rows = delivered.consumer.map(|c| c.rows(stats.truncated)).unwrap_or_default();
    if stats.truncated {
        let message = format!("the result has more than {STATEMENT_ROWS} rows");
        return Err(Failure(
            ApiError::new(ErrorKind::Limit, "answer_too_large", message)
                .hint("POST /api/queries/stream gives results of any size"),
        ));
    }
    let text = |cell: &Cell| cell.text().map(str::to_owned);
    let data: Vec<Vec<Option<String>>> = rows.rows.iter().map(|row| row.iter().map(text).collect()).collect();
    let types = rows.columns.into_iter().map(|c| RowType { name: c.name, r#type: c.r#type });
    Ok(Json(StatementReply {
        result_set_meta_data: ResultSetMetaData {
            num_rows: data.len(),
            format: "jsonv2",
            row_type: types.collect(),
        },
        data,
        code: "090001",
        sql_state: "00000",
        statement_handle: stats.query_id,
        message: "Statement executed successfully.",
    }))
}
