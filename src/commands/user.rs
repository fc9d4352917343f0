//! `wharf user`: people with passwords.

use super::Context;
use super::result::{list, out, out_json};
use super::source::{confirmed, encoded};
use super::token::role;
use crate::cli::UserAction;
use crate::link::{Client, Failure};
use crate::output::note;
use std::io::{BufRead, IsTerminal};
use std::process::ExitCode;
use wharf_protocol::{ColumnKind, User, UserCreate, UserUpdate};

/// Runs the command.
///
/// # Errors
/// When a user is unknown, or something given does not fit.
pub async fn run(context: &Context, action: UserAction) -> Result<ExitCode, Failure> {
    let client = context.client().await?;
    match action {
        UserAction::Create { name, roles, tenant, email, display_name, json } => {
            let create = UserCreate {
                password: password(context)?,
                username: name,
                email,
                display_name,
                roles: (!roles.is_empty()).then(|| roles.into_iter().map(role).collect()),
                tenant,
            };
            let user: User = client.post("/api/users", &create).await?;
            told(context, &user, "made", json);
            Ok(ExitCode::SUCCESS)
        }
        UserAction::List { output } => {
            let users: Vec<User> = client.list("/api/users").await?;
            let columns = [
                ("name", ColumnKind::Text),
                ("display_name", ColumnKind::Text),
                ("email", ColumnKind::Text),
                ("roles", ColumnKind::Text),
                ("tenant", ColumnKind::Text),
                ("created_at", ColumnKind::Time),
                ("disabled_at", ColumnKind::Time),
            ];
            let rows = users
                .iter()
                .map(|u| {
                    vec![
                        Some(u.id.clone()),
                        Some(u.display_name.clone()),
                        Some(u.email.clone()).filter(|e| !e.is_empty()),
                        Some(roles(u)),
                        u.tenant.clone(),
                        u.created_at.clone(),
                        u.disabled_at.clone(),
                    ]
                })
                .collect();
            list(context, &output, &columns, rows, &users)
        }
        UserAction::Show { name, json } => show(&client, &name, json).await,
        UserAction::Update { name, roles, tenant, password: asks, disable, enable, json } => {
            let update = UserUpdate {
                password: if asks { Some(password(context)?) } else { None },
                roles: (!roles.is_empty()).then(|| roles.into_iter().map(role).collect()),
                tenant,
                disabled: (disable || enable).then_some(disable),
            };
            let user: User = client.patch(&format!("/api/users/{}", encoded(&name)), &update).await?;
            told(context, &user, "changed", json);
            Ok(ExitCode::SUCCESS)
        }
        UserAction::Delete { name, confirm } => {
            let path = format!("/api/users/{}", encoded(&name));
            let _: User = client.get(&path).await?;
            confirmed(context, &format!("This deletes the user {name}."), &name, confirm.as_deref())?;
            let _: serde_json::Value = client.delete(&path).await?;
            note(&context.terminal, &format!("deleted {name}"));
            Ok(ExitCode::SUCCESS)
        }
    }
}

async fn show(client: &Client, name: &str, json: bool) -> Result<ExitCode, Failure> {
    let user: User = client.get(&format!("/api/users/{}", encoded(name))).await?;
    if json {
        out_json(&user);
        return Ok(ExitCode::SUCCESS);
    }
    let none = || "-".to_owned();
    let permissions: Vec<&str> = user.permissions.iter().map(|p| p.name()).collect();
    let lines = [
        ("name", user.id.clone()),
        ("called", user.display_name.clone()),
        ("email", if user.email.is_empty() { none() } else { user.email.clone() }),
        ("roles", roles(&user)),
        ("may", permissions.join(", ")),
        ("tenant", user.tenant.clone().unwrap_or_else(none)),
        ("created", user.created_at.clone().unwrap_or_else(none)),
        ("disabled", user.disabled_at.clone().unwrap_or_else(|| "no".to_owned())),
    ];
    out(&lines.iter().map(|(name, value)| format!("{name:<9} {value}\n")).collect::<String>());
    Ok(ExitCode::SUCCESS)
}

fn roles(user: &User) -> String {
    user.roles.iter().map(|r| r.name()).collect::<Vec<_>>().join(", ")
}

fn told(context: &Context, user: &User, done: &str, json: bool) {
    if json {
        out_json(user);
    } else {
        note(&context.terminal, &format!("{done} {} ({})", user.id, roles(user)));
    }
}

/// A password: from the terminal, twice and unseen, else the first line of standard input. Never from an argument, which others
/// on the machine can read.
fn password(context: &Context) -> Result<String, Failure> {
    if !std::io::stdin().is_terminal() {
        let mut line = String::new();
        std::io::stdin().lock().read_line(&mut line)?;
        return Ok(line.trim_end_matches(['\r', '\n']).to_owned());
    }
    if context.global.no_input {
        return Err(
            Failure::usage("a password is needed").hint("pipe it in: `wharf user create NAME < FILE`")
        );
    }
    let first = rpassword::prompt_password("Password: ")?;
    if rpassword::prompt_password("Again: ")? != first {
        return Err(Failure::usage("the two passwords differ"));
    }
    Ok(first)
}
