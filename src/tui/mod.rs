//! The chat screen: streaming answers, result tables, charts, the list of sessions.
//!
//! `update` changes the state and says what is to be done, purely; `effects` talks to the daemon; `views` make lines of the
//! state; `feed` decides which lines are finished and go up into the scrollback; `screen` puts them on the terminal.

mod app;
mod composer;
mod effects;
mod feed;
mod grid;
mod screen;
mod state;
mod terminal;
mod text;
mod theme;
mod time;
mod update;
mod views;
mod widgets;

#[cfg(test)]
mod fuzz;
#[cfg(test)]
mod testing;

use crate::link::{Client, Failure};
use wharf_protocol::{Chart, Rows};

/// Where the conversation stands on the terminal.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Screen {
    /// In the terminal's own scrollback, above a small live area.
    Inline,
    /// On the whole screen.
    Full,
}

/// How the chat begins and looks.
#[derive(Debug, Clone)]
pub struct ChatOptions {
    /// The session to open: id or title.
    pub session: Option<String>,
    /// Begin with the list of sessions.
    pub resume_picker: bool,
    /// Open the latest session.
    pub continue_last: bool,
    /// The source that new sessions are about.
    pub source: Option<String>,
    /// Where the conversation stands.
    pub screen: Screen,
    /// Draw with ASCII only.
    pub ascii: bool,
    /// Draw without colour.
    pub no_color: bool,
    /// Questions for an empty screen.
    pub examples: Vec<String>,
    /// A question to ask at once.
    pub first_question: Option<String>,
}

/// Why the chat ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Ended {
    /// The user left it.
    Left,
    /// A signal told the process to end.
    Told,
}

/// Opens the chat and stays until the user leaves it. Turns go on in the daemon.
///
/// # Errors
/// When the terminal cannot be used. What the daemon refuses is told on the screen.
pub async fn run(client: Client, options: ChatOptions) -> Result<Ended, Failure> {
    app::run(client, options).await
}

/// A chart as plain text of at most `width` columns and `height` lines, for output that is not a screen.
pub fn draw_chart(chart: &Chart, rows: &Rows, width: usize, height: usize, ascii: bool) -> String {
    let theme = theme::Theme { color: false, ascii };
    let lines = widgets::chart::draw(chart, rows, width, height, theme);
    lines.iter().map(|line| line.to_string().trim_end().to_owned()).collect::<Vec<_>>().join("\n")
}
