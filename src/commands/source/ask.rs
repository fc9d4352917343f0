//! Questions at the terminal. A thread waits for the answer, so that Ctrl-C ends the command at once.

use crate::link::Failure;
use crate::output::{visible, warn};
use rustix::termios::{OptionalActions, Termios, tcgetattr, tcsetattr};
use std::io::Write;
use wharf_protocol::{ApiError, ErrorKind};
use wharf_secrets::SecretString;

/// Asks for a line until it is one that `check` takes. An empty answer is the default, where there is one.
///
/// # Errors
/// When the input ends, which ends everything.
pub async fn line<T>(
    question: &str,
    default: Option<&str>,
    check: impl Fn(&str) -> Result<T, String>,
) -> Result<T, Failure> {
    let default = default.filter(|default| !default.is_empty());
    let prompt = match default {
        Some(default) => format!("{question} [{default}]: "),
        None => format!("{question}: "),
    };
    loop {
        let answer = blocking(prompt.clone(), read_line).await?;
        let answer = answer.trim();
        match check(if answer.is_empty() { default.unwrap_or_default() } else { answer }) {
            Ok(value) => return Ok(value),
            Err(why) => warn(&format!("  {why}")),
        }
    }
}

/// Asks yes or no; `default` is what an empty answer means.
///
/// # Errors
/// When the input ends.
pub async fn yes(question: &str, default: bool) -> Result<bool, Failure> {
    let letters = if default { "Y/n" } else { "y/N" };
    line(question, Some(letters), |answer| match answer.to_lowercase().as_str() {
        "y" | "yes" => Ok(true),
        "n" | "no" => Ok(false),
        _ if answer == letters => Ok(default),
        _ => Err("say y or n".to_owned()),
    })
    .await
}

/// Asks for a secret, which is not shown. Empty is none.
///
/// # Errors
/// When the input ends.
pub async fn secret(question: &str) -> Result<Option<SecretString>, Failure> {
    let _echo = Echo::keep();
    let answer = blocking(String::new(), {
        let prompt = format!("{question}: ");
        move || match rpassword::prompt_password(prompt) {
            Ok(secret) => Ok(Some(secret)),
            Err(e) if e.kind() == std::io::ErrorKind::UnexpectedEof => Ok(None),
            Err(e) => Err(e),
        }
    })
    .await?;
    Ok(Some(answer).filter(|secret| !secret.is_empty()).map(SecretString::from))
}

fn read_line() -> std::io::Result<Option<String>> {
    let mut line = String::new();
    let read = std::io::stdin().read_line(&mut line)?;
    Ok((read > 0).then_some(line))
}

/// Shows a prompt and waits for what `read` brings.
async fn blocking(
    prompt: String,
    read: impl FnOnce() -> std::io::Result<Option<String>> + Send + 'static,
) -> Result<String, Failure> {
    if !prompt.is_empty() {
        let mut err = std::io::stderr();
        let _ = err.write_all(visible(&prompt).as_bytes()).and_then(|()| err.flush());
    }
    let mut open = OpenLine(true);
    let answer = tokio::task::spawn_blocking(read).await;
    // Enter ended the line; only a secret's stays open, and its prompt ends it by itself.
    open.0 = matches!(answer, Ok(Ok(None)));
    match answer {
        Ok(Ok(Some(text))) => Ok(text),
        Ok(Ok(None)) => Err(Failure::from(ApiError::new(
            ErrorKind::Cancelled,
            "input_ended",
            "the input ended; nothing was added",
        ))),
        // A secret's prompt hears of Ctrl-C by itself, perhaps before the command does.
        Ok(Err(e)) if e.kind() == std::io::ErrorKind::Interrupted => {
            Err(Failure::from(ApiError::new(ErrorKind::Cancelled, "interrupted", "interrupted")))
        }
        Ok(Err(e)) => Err(Failure::from(e)),
        Err(e) => Err(Failure::from(ApiError::new(ErrorKind::Internal, "panic", e.to_string()))),
    }
}

/// A prompt without an answer: what is said next begins on a line of its own.
struct OpenLine(bool);

impl Drop for OpenLine {
    fn drop(&mut self) {
        if self.0 {
            warn("");
        }
    }
}

/// The terminal as it was: who leaves in the middle of a secret leaves it with its echo.
struct Echo(Option<Termios>);

impl Echo {
    fn keep() -> Self {
        Self(tcgetattr(std::io::stdin()).ok())
    }
}

impl Drop for Echo {
    fn drop(&mut self) {
        if let Some(before) = &self.0 {
            let _ = tcsetattr(std::io::stdin(), OptionalActions::Now, before);
        }
    }
}
