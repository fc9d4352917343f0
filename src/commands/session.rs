//! `wharf session`: conversations.

use super::Context;
use super::result::{list, out, out_json};
use super::source::encoded;
use crate::cli::SessionAction;
use crate::link::Failure;
use crate::output::note;
use serde::Deserialize;
use serde_json::{Value, json};
use std::process::ExitCode;
use wharf_protocol::{ColumnKind, Session, Turn};

#[derive(Deserialize)]
struct Sessions {
    sessions: Vec<Session>,
}

/// Runs the command.
///
/// # Errors
/// When the session is unknown.
pub async fn run(context: &Context, action: SessionAction) -> Result<ExitCode, Failure> {
    let client = context.client().await?;
    match action {
        SessionAction::List { output } => {
            let found: Sessions = client.get("/api/sessions?limit=1000").await?;
            let columns = [
                ("session_id", ColumnKind::Text),
                ("title", ColumnKind::Text),
                ("source", ColumnKind::Text),
                ("updated_at", ColumnKind::Time),
                ("message_count", ColumnKind::Number),
            ];
            let rows = found
                .sessions
                .iter()
                .map(|s| {
                    vec![
                        Some(s.session_id.clone()),
                        Some(s.title.clone()),
                        s.source.clone(),
                        Some(s.updated_at.clone()),
                        Some(s.message_count.to_string()),
                    ]
                })
                .collect();
            list(context, &output, &columns, rows, &found.sessions)
        }
        SessionAction::Show { session, json } => {
            let session: Session = client.get(&format!("/api/sessions/{}", encoded(&session))).await?;
            let turns: Vec<Turn> = client.get(&format!("/api/sessions/{}/turns", session.session_id)).await?;
            if json {
                out_json(&json!({"session": session, "turns": turns}));
                return Ok(ExitCode::SUCCESS);
            }
            let mut text = format!("# {}\n", session.title);
            for turn in turns {
                text.push_str(&format!("\n> {}\n", turn.question));
                if let Some(reading) = &turn.answer.reading {
                    text.push_str(&format!("read as: {reading}\n"));
                }
                text.push_str(&format!("\n{}\n", turn.answer.answer));
                if let Some(error) = &turn.answer.error {
                    text.push_str(&format!("[{}]\n", error.message));
                }
            }
            out(&text);
            Ok(ExitCode::SUCCESS)
        }
        SessionAction::Update { session, title } => {
            let path = format!("/api/sessions/{}", encoded(&session));
            let session: Session = client.patch(&path, &json!({"title": title})).await?;
            note(&context.terminal, &format!("{} is now called {}", session.session_id, session.title));
            Ok(ExitCode::SUCCESS)
        }
        SessionAction::Delete { session } => {
            let _: Value = client.delete(&format!("/api/sessions/{}", encoded(&session))).await?;
            note(&context.terminal, &format!("deleted {session}"));
            Ok(ExitCode::SUCCESS)
        }
    }
}
