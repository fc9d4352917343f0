//! `wharf token`: secrets for swarms and agents.

use super::Context;
use super::result::{list, out, out_json};
use super::source::{confirmed, encoded};
use crate::cli::{RoleArg, TokenAction, TokenKindArg};
use crate::link::{Client, Failure};
use crate::output::note;
use std::process::ExitCode;
use wharf_protocol::{ColumnKind, Role, Token, TokenCreate, TokenIssued, TokenKind, TokenRotate};

/// Runs the command.
///
/// # Errors
/// When a token is unknown, or something given does not fit.
pub async fn run(context: &Context, action: TokenAction) -> Result<ExitCode, Failure> {
    let client = context.client().await?;
    match action {
        TokenAction::Create { kind, label, swarm, tenant, roles, expires, json } => {
            let create = TokenCreate {
                kind: match kind {
                    TokenKindArg::Swarm => TokenKind::Swarm,
                    TokenKindArg::Agent => TokenKind::Agent,
                },
                label,
                swarm_id: swarm,
                tenant,
                roles: (!roles.is_empty()).then(|| roles.into_iter().map(role).collect()),
                expires_in: expires.as_deref().map(seconds).transpose()?,
            };
            let issued: TokenIssued = client.post("/api/tokens", &create).await?;
            told(context, &issued, json);
            Ok(ExitCode::SUCCESS)
        }
        TokenAction::List { output } => {
            let tokens: Vec<Token> = client.list("/api/tokens").await?;
            let columns = [
                ("token_id", ColumnKind::Text),
                ("kind", ColumnKind::Text),
                ("label", ColumnKind::Text),
                ("swarm_id", ColumnKind::Text),
                ("tenant", ColumnKind::Text),
                ("status", ColumnKind::Text),
                ("expires_at", ColumnKind::Time),
                ("last_used_at", ColumnKind::Time),
            ];
            let rows = tokens
                .iter()
                .map(|t| {
                    vec![
                        Some(t.token_id.clone()),
                        Some(kind_name(t.kind).to_owned()),
                        Some(t.label.clone()),
                        t.swarm_id.clone(),
                        t.tenant.clone(),
                        Some(t.status.clone()),
                        t.expires_at.clone(),
                        t.last_used_at.clone(),
                    ]
                })
                .collect();
            list(context, &output, &columns, rows, &tokens)
        }
        TokenAction::Show { token, json } => show(&client, &token, json).await,
        TokenAction::Rotate { token, overlap, json } => {
            let rotate = TokenRotate { overlap: overlap.as_deref().map(seconds).transpose()? };
            let path = format!("/api/tokens/{}/rotate", encoded(&token));
            let issued: TokenIssued = client.post(&path, &rotate).await?;
            told(context, &issued, json);
            Ok(ExitCode::SUCCESS)
        }
        TokenAction::Delete { token, confirm } => {
            let path = format!("/api/tokens/{}", encoded(&token));
            let found: Token = client.get(&path).await?;
            let what = format!("This revokes the {} token {} for good.", kind_name(found.kind), found.label);
            confirmed(context, &what, &token, confirm.as_deref())?;
            let revoked: Token = client.delete(&path).await?;
            note(&context.terminal, &format!("revoked {} ({})", revoked.token_id, revoked.label));
            Ok(ExitCode::SUCCESS)
        }
    }
}

async fn show(client: &Client, token: &str, json: bool) -> Result<ExitCode, Failure> {
    let token: Token = client.get(&format!("/api/tokens/{}", encoded(token))).await?;
    if json {
        out_json(&token);
        return Ok(ExitCode::SUCCESS);
    }
    let none = || "-".to_owned();
    let roles: Vec<&str> = token.roles.iter().map(|r| r.name()).collect();
    let lines = [
        ("token", token.token_id.clone()),
        ("kind", kind_name(token.kind).to_owned()),
        ("label", token.label.clone()),
        ("swarm", token.swarm_id.clone().unwrap_or_else(none)),
        ("tenant", token.tenant.clone().unwrap_or_else(none)),
        ("roles", if roles.is_empty() { none() } else { roles.join(", ") }),
        ("status", token.status.clone()),
        ("created", token.created_at.clone()),
        ("expires", token.expires_at.clone().unwrap_or_else(|| "never".to_owned())),
        ("last used", token.last_used_at.clone().unwrap_or_else(|| "never".to_owned())),
    ];
    out(&lines.iter().map(|(name, value)| format!("{name:<10} {value}\n")).collect::<String>());
    Ok(ExitCode::SUCCESS)
}

/// The secret goes to standard output alone, so that `$(...)` catches it and nothing else.
fn told(context: &Context, issued: &TokenIssued, json: bool) {
    if json {
        out_json(issued);
        return;
    }
    out(&format!("{}\n", issued.secret));
    let token = &issued.token;
    let swarm = token.swarm_id.as_ref().map(|s| format!(" of swarm {s}")).unwrap_or_default();
    let text = format!(
        "{} token {} ({}){swarm}; the secret is not shown again",
        kind_name(token.kind),
        token.token_id,
        token.label
    );
    note(&context.terminal, &text);
}

fn kind_name(kind: TokenKind) -> &'static str {
    match kind {
        TokenKind::Swarm => "swarm",
        TokenKind::Agent => "agent",
    }
}

/// A role as the wire knows it.
pub(super) fn role(role: RoleArg) -> Role {
    match role {
        RoleArg::Admin => Role::Admin,
        RoleArg::Engineer => Role::Engineer,
        RoleArg::Analyst => Role::Analyst,
        RoleArg::Agent => Role::Agent,
    }
}

/// `90s`, `12h`, `30d` in seconds.
/// A length of time, in seconds.
///
/// # Errors
/// When it is none.
pub fn seconds(text: &str) -> Result<u64, Failure> {
    wharf_settings::duration(text).map(|d| d.as_secs()).ok_or_else(|| {
        Failure::usage(format!("`{text}` is not a length of time")).hint("say 90s, 30m, 12h or 30d")
    })
}
