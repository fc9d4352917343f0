//! The `/` commands.

use super::Effect;
use super::keys::{ask, show_result};
use crate::tui::state::{Item, Picker, Popup, State};

/// A command of the chat screen.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Command {
    /// Its name, without the slash.
    pub name: &'static str,
    /// What follows it.
    pub argument: &'static str,
    /// What it does, in a few words.
    pub about: &'static str,
}

const fn command(name: &'static str, argument: &'static str, about: &'static str) -> Command {
    Command { name, argument, about }
}

/// All commands, the most used first.
pub const COMMANDS: [Command; 10] = [
    command("help", "", "keys and commands"),
    command("new", "", "begin a new session"),
    command("sessions", "", "go to another session"),
    command("resume", "[TITLE]", "go to the session of this title or id"),
    command("table", "", "open the last result"),
    command("chart", "", "open the last chart"),
    command("sql", "", "show or hide SQL with the answers"),
    command("retry", "", "ask the last question again"),
    command("rename", "TITLE", "give this session another title"),
    command("quit", "", "leave; the session is kept"),
];

/// The commands that a draft may mean, the likeliest first; none if it is no command.
pub fn matching(draft: &str) -> Vec<Command> {
    let Some(typed) = draft.strip_prefix('/') else { return Vec::new() };
    if typed.contains(char::is_whitespace) {
        return Vec::new();
    }
    let typed = typed.to_lowercase();
    let begins = COMMANDS.iter().filter(|c| c.name.starts_with(&typed));
    let holds = COMMANDS.iter().filter(|c| !c.name.starts_with(&typed) && in_order(c.name, &typed));
    begins.chain(holds).copied().collect()
}

/// Whether the letters of `typed` stand in `name` in their order, beginning with the same one.
fn in_order(name: &str, typed: &str) -> bool {
    let mut letters = name.chars();
    name.chars().next() == typed.chars().next() && typed.chars().all(|t| letters.any(|l| l == t))
}

/// Runs a line that begins with a slash.
pub(super) fn run(state: &mut State, line: &str) -> Vec<Effect> {
    let (name, argument) = line[1..].split_once(char::is_whitespace).unwrap_or((&line[1..], ""));
    let argument = argument.trim();
    let known = COMMANDS.iter().find(|c| c.name == name).copied().or_else(|| {
        let found = matching(&format!("/{name}"));
        found.first().copied()
    });
    let Some(command) = known else {
        state.composer.set(line);
        state.tell(format!("there is no command /{name}; /help lists them"), true);
        return Vec::new();
    };
    match command.name {
        "help" => {
            state.popup = Some(Popup::Help);
            Vec::new()
        }
        "new" => {
            super::leave(state);
            state.tell("a new session begins with your next question", false);
            vec![Effect::Unfollow]
        }
        "resume" if !argument.is_empty() => vec![Effect::Open(argument.to_owned())],
        "sessions" | "resume" => list(state),
        "table" => show_result(state, false),
        "chart" => show_result(state, true),
        "sql" => toggle_sql(state),
        "retry" => retry(state),
        "rename" => rename(state, argument),
        _ => {
            state.done = true;
            Vec::new()
        }
    }
}

/// Opens the list of sessions.
pub(super) fn list(state: &mut State) -> Vec<Effect> {
    state.popup = Some(Popup::Picker(Picker::default()));
    vec![Effect::List]
}

/// Shows SQL with the answers from now on, or no longer.
pub(super) fn toggle_sql(state: &mut State) -> Vec<Effect> {
    state.show_sql = !state.show_sql;
    if !state.show_sql {
        state.tell("SQL is hidden", false);
        return Vec::new();
    }
    let sql = state.last_sql().map(str::to_owned);
    // What has gone up into the scrollback cannot be changed, so it is shown once more.
    match (sql, state.full) {
        (Some(sql), false) => {
            if let Some(turn) = state.turns.last_mut() {
                turn.items.push(Item::SqlAgain(sql));
            }
        }
        (Some(_), true) => {}
        (None, _) => state.tell("SQL is shown with the answers from now on", false),
    }
    Vec::new()
}

fn retry(state: &mut State) -> Vec<Effect> {
    match state.turns.last().map(|t| t.question.clone()) {
        Some(question) => ask(state, question),
        None => {
            state.tell("there is no question to ask again", true);
            Vec::new()
        }
    }
}

fn rename(state: &mut State, title: &str) -> Vec<Effect> {
    match &state.session {
        Some(_) if title.is_empty() => {
            state.composer.set("/rename ");
            state.tell("say the new title: /rename TITLE", true);
            Vec::new()
        }
        Some(open) => vec![Effect::Rename { session: open.id.clone(), title: title.to_owned() }],
        None => {
            state.tell("there is no session yet; ask something first", true);
            Vec::new()
        }
    }
}
