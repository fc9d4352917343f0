//! `wharf ask`: one question, one answer.

use super::Context;
use super::query::millis;
use super::result::{out, out_json};
use super::source::encoded;
use crate::cli::AskArgs;
use crate::link::{Client, Failure};
use crate::output::{Grid, Look, Progress, note, visible, warn};
use serde::Deserialize;
use std::io::Read;
use std::process::ExitCode;
use wharf_protocol::{
    Answer, ApiError, AskRequest, AskStarted, ErrorKind, EventBody, Rows, Session, Turn, TurnStatus, headings,
};

/// Rows of an answer that are printed; `--json` has them all.
const SHOWN_ROWS: usize = 100;

/// Runs the command.
///
/// # Errors
/// When the turn fails.
pub async fn run(context: &Context, args: AskArgs) -> Result<ExitCode, Failure> {
    let (question, piped) = question(context, &args)?;
    let client = context.client().await?;
    let session = if args.continue_last { Some(latest(&client).await?) } else { args.session.clone() };
    let request = AskRequest {
        question,
        create: args.session.is_some(),
        session,
        ephemeral: args.ephemeral,
        source: context.source(),
        provider: args.provider.clone(),
        now: args.now.clone(),
        context: piped,
        timeout_ms: args.max_time.as_deref().map(millis).transpose()?,
    };
    let started: AskStarted = client.post("/api/chat/turns", &request).await?;
    let turn = follow(context, &client, &started, &args).await?;
    if args.ephemeral {
        let _: serde_json::Value = client.delete(&format!("/api/sessions/{}", started.session_id)).await?;
    }
    finish(context, &args, &turn.answer)
}

/// The question, and what came through a pipe beside it.
fn question(context: &Context, args: &AskArgs) -> Result<(String, Option<String>), Failure> {
    let mut piped = String::new();
    if args.question == "-" || !context.terminal.input {
        // A pipe that nobody writes to must not hold up a question that stands in the arguments.
        if args.question == "-" || is_pipe_or_file() {
            std::io::stdin().read_to_string(&mut piped)?;
        }
    }
    if args.question == "-" {
        return Ok((piped, None));
    }
    Ok((args.question.clone(), Some(piped).filter(|p| !p.trim().is_empty())))
}

/// Standard input is a file, or a pipe that has something in it or is closed.
fn is_pipe_or_file() -> bool {
    use rustix::event::{PollFd, PollFlags, Timespec, poll};
    let stdin = std::io::stdin();
    let Ok(stat) = rustix::fs::fstat(&stdin) else { return false };
    match rustix::fs::FileType::from_raw_mode(stat.st_mode) {
        rustix::fs::FileType::RegularFile => true,
        rustix::fs::FileType::Fifo | rustix::fs::FileType::Socket => {
            let mut fds = [PollFd::new(&stdin, PollFlags::IN)];
            poll(&mut fds, Some(&Timespec { tv_sec: 0, tv_nsec: 50_000_000 })).is_ok_and(|n| n > 0)
        }
        _ => false,
    }
}

async fn latest(client: &Client) -> Result<String, Failure> {
    #[derive(Deserialize)]
    struct Sessions {
        sessions: Vec<Session>,
    }
    let found: Sessions = client.get("/api/sessions?limit=1").await?;
    found.sessions.into_iter().next().map(|s| s.session_id).ok_or_else(|| {
        Failure::from(ApiError::new(
            ErrorKind::NotFound,
            "session_not_found",
            "there is no session to go on with",
        ))
    })
}

/// Follows the turn to its end. A stream that breaks off is taken up where it broke.
async fn follow(
    context: &Context,
    client: &Client,
    started: &AskStarted,
    args: &AskArgs,
) -> Result<Turn, Failure> {
    let progress = Progress::new(&context.terminal, "thinking");
    let mut client = client.clone();
    let mut after = started.after;
    let mut tries = 0;
    'stream: loop {
        let mut events = client.events(&started.session_id, after).await?;
        while let Some(event) = events.next().await {
            let Ok(event) = event else { break };
            after = event.seq;
            if event.turn_id != started.turn_id {
                continue;
            }
            if args.stream_json {
                out(&format!("{}\n", event.to_json().unwrap_or_default()));
            }
            if let EventBody::Status(status) = &event.body {
                progress.step(&status.text, 0, 0);
            }
            if event.body.ends_turn() {
                break 'stream;
            }
        }
        tries += 1;
        if tries > 5 {
            let error = ApiError::new(
                ErrorKind::Unavailable,
                "stream_broken",
                "the stream of events broke off again and again",
            );
            return Err(Failure::from(error)
                .hint(format!("the answer is kept: wharf session show {}", started.session_id)));
        }
        client = client.reconnect().await?;
    }
    client.get(&format!("/api/chat/turns/{}", encoded(&started.turn_id))).await
}

fn finish(context: &Context, args: &AskArgs, answer: &Answer) -> Result<ExitCode, Failure> {
    if args.json {
        out_json(answer);
    } else if !args.stream_json {
        print(context, args, answer)?;
    }
    match (&answer.status, &answer.error) {
        (TurnStatus::Completed, _) => Ok(ExitCode::SUCCESS),
        (TurnStatus::Unanswered, _) => Ok(ExitCode::from(1)),
        (_, Some(error)) => {
            let mut failure = Failure::from(error.clone());
            failure.told = args.json;
            Err(failure)
        }
        (_, None) => Err(Failure::from(ApiError::new(
            ErrorKind::Failed,
            "no_answer",
            "the turn ended without an answer",
        ))),
    }
}

/// The answer on standard output, the reading and the like on standard error.
fn print(context: &Context, args: &AskArgs, answer: &Answer) -> Result<(), Failure> {
    if let Some(reading) = &answer.reading {
        note(&context.terminal, &format!("read as: {reading}"));
    }
    if let (true, Some(sql)) = (args.show_sql, &answer.sql) {
        note(&context.terminal, &format!("\n{}\n", sql.trim_end()));
    }
    if !answer.answer.is_empty() {
        let text: Vec<String> = answer.answer.lines().map(|l| visible(l).into_owned()).collect();
        out(&format!("{}\n", text.join("\n")));
    }
    let Some(result) = answer.result.as_ref().filter(|r| r.rows.len() > 1 || r.columns.len() > 1) else {
        return Ok(());
    };
    let chart = args.chart.as_deref().unwrap_or_else(|| context.settings.text("chat.chart"));
    if let (Some(spec), true) = (&answer.chart, context.terminal.out && chart != "none") {
        let width = context.terminal.width.unwrap_or(80);
        let ascii = chart == "ascii" || !context.terminal.unicode;
        out(&format!("\n{}\n", crate::tui::draw_chart(spec, result, width, 12, ascii)));
    }
    table(context, result)
}

fn table(context: &Context, result: &Rows) -> Result<(), Failure> {
    let shown = result.rows.iter().take(SHOWN_ROWS);
    let mut columns = result.columns.clone();
    columns.iter_mut().zip(headings(&result.columns)).for_each(|(column, name)| column.name = name);
    let grid = Grid {
        columns,
        rows: shown.map(|row| row.iter().map(|c| c.text().map(str::to_owned)).collect()).collect(),
        bare: false,
        null: context.settings.text("output.null").to_owned(),
        group: true,
    };
    super::result::show(context, &grid, Look::Table, None)?;
    if result.rows.len() > SHOWN_ROWS || result.truncated {
        let more = if result.truncated { "more than " } else { "" };
        warn(&format!("showing {SHOWN_ROWS} of {more}{} rows; --json has them", result.rows.len()));
    }
    Ok(())
}
