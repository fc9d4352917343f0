//! What is shown while a statement has not answered yet.

use crate::commands::Context;
use crate::link::{Client, Failure};
use crate::output::Progress;
use std::time::Duration;
use tokio::time::{Instant, interval_at, timeout};
use wharf_protocol::Source;

/// What is said where no reason is known.
const WAITING: &str = "waiting for the answer";
/// How often is asked what is being waited for. What is quicker asks nothing.
const ASKED: Duration = Duration::from_secs(1);
/// How long the daemon may take to say so.
const PATIENCE: Duration = Duration::from_millis(500);

/// Waits for an answer; at a terminal, with a sign that goes on, and with the reason where the source knows one: a warehouse that
/// starts.
///
/// # Errors
/// Those of `work`.
pub(super) async fn watched<T>(
    context: &Context,
    client: &Client,
    work: impl Future<Output = Result<T, Failure>>,
) -> Result<T, Failure> {
    if !context.terminal.err || context.terminal.quiet {
        return work.await;
    }
    let sign = Progress::new(&context.terminal, WAITING);
    let mut ask = interval_at(Instant::now() + ASKED, ASKED);
    tokio::pin!(work);
    loop {
        tokio::select! {
            done = &mut work => return done,
            _ = ask.tick() => {
                let asked = timeout(PATIENCE, client.get::<Vec<Source>>("/api/sources"));
                // Whoever may not see the sources is not told.
                if let Ok(Ok(sources)) = asked.await {
                    let reason = sources.into_iter().find_map(|source| source.waiting_for);
                    sign.step(reason.as_deref().unwrap_or(WAITING), 0, 0);
                }
            }
        }
    }
}
