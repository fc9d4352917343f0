//! What each key does, by what is open.

use super::{Effect, commands};
use crate::tui::grid::{Grid, Move};
use crate::tui::state::{Picker, Popup, State};
use crossterm::event::{KeyCode, KeyEvent, KeyEventKind, KeyModifiers};
use wharf_protocol::TurnStatus;

/// How long a second Ctrl-C quits, in milliseconds.
const QUIT_WINDOW: u64 = 2_000;

pub(super) fn key(state: &mut State, key: KeyEvent) -> Vec<Effect> {
    if key.kind == KeyEventKind::Release {
        return Vec::new();
    }
    let control = key.modifiers.contains(KeyModifiers::CONTROL);
    match (key.code, control) {
        (KeyCode::Char('c'), true) => return interrupt(state),
        (KeyCode::Char('z'), true) => return vec![Effect::Suspend],
        _ => state.quit_until = None,
    }
    match state.popup.take() {
        None => conversation(state, key),
        Some(Popup::Help) => {
            if !matches!(key.code, KeyCode::Esc | KeyCode::Char('q' | '?') | KeyCode::Enter) {
                state.popup = Some(Popup::Help);
            }
            Vec::new()
        }
        Some(Popup::Picker(picker)) => pick(state, picker, key),
        Some(Popup::Grid(grid)) => {
            look(state, grid, key);
            Vec::new()
        }
    }
}

pub(super) fn paste(state: &mut State, text: &str) {
    match &mut state.popup {
        Some(Popup::Picker(picker)) => {
            picker.filter.extend(text.chars().filter(|c| !c.is_control()));
            picker.at = 0;
        }
        Some(_) => {}
        None => state.composer.insert(text),
    }
}

/// Ctrl-C: closes what is open, else clears the draft, else stops the turn, else quits when it comes twice.
fn interrupt(state: &mut State) -> Vec<Effect> {
    if state.popup.take().is_some() {
        return Vec::new();
    }
    if !state.composer.is_empty() {
        state.composer.clear();
        state.menu = 0;
        return Vec::new();
    }
    if let Some(effect) = stop(state) {
        return vec![effect];
    }
    if state.quit_until.is_some_and(|until| state.now < until) {
        state.done = true;
    } else {
        state.quit_until = Some(state.now + QUIT_WINDOW);
    }
    Vec::new()
}

/// Asks for the running turn to be stopped; none if none runs or that was asked already.
fn stop(state: &mut State) -> Option<Effect> {
    let turn = state.turns.iter_mut().rev().find(|t| t.status == TurnStatus::Incomplete && !t.stopping)?;
    turn.stopping = true;
    Some(Effect::Stop(turn.id.clone()))
}

/// Esc closes the topmost thing: the menu, then the view of older lines, then the turn.
fn escape(state: &mut State) -> Vec<Effect> {
    if !commands::matching(&state.composer.text()).is_empty() {
        state.composer.clear();
        state.menu = 0;
        return Vec::new();
    }
    if state.scrolled > 0 {
        state.scrolled = 0;
        return Vec::new();
    }
    stop(state).into_iter().collect()
}

fn conversation(state: &mut State, key: KeyEvent) -> Vec<Effect> {
    let control = key.modifiers.contains(KeyModifiers::CONTROL);
    let alt = key.modifiers.contains(KeyModifiers::ALT);
    let shift = key.modifiers.contains(KeyModifiers::SHIFT);
    let menu = commands::matching(&state.composer.text());
    match (key.code, control) {
        (KeyCode::Esc, _) => return escape(state),
        (KeyCode::Char('d'), true) if state.composer.is_empty() => state.done = true,
        (KeyCode::Char('j'), true) => state.composer.newline(),
        (KeyCode::Enter, _) if alt || shift => state.composer.newline(),
        (KeyCode::Enter, false) => return enter(state, &menu),
        (KeyCode::Char('r'), true) => return commands::list(state),
        (KeyCode::Char('s'), true) => return commands::toggle_sql(state),
        (KeyCode::Char('t'), true) => return show_result(state, false),
        (KeyCode::Char('u'), true) => state.composer.kill_to_start(),
        (KeyCode::Char('_' | '7'), true) => state.composer.undo(),
        (KeyCode::Up | KeyCode::BackTab, _) if !menu.is_empty() => {
            state.menu = state.menu.checked_sub(1).unwrap_or(menu.len() - 1);
        }
        (KeyCode::Down, _) if !menu.is_empty() => state.menu = (state.menu + 1) % menu.len(),
        (KeyCode::Tab, _) if !menu.is_empty() => complete(state, &menu),
        (KeyCode::Tab, _) if state.composer.is_empty() => return tab(state),
        (KeyCode::Tab, _) => {}
        (KeyCode::Up, _) => state.composer.up(),
        (KeyCode::Down, _) => state.composer.down(),
        (KeyCode::PageUp, _) => state.scrolled = state.scrolled.saturating_add(page(state)),
        (KeyCode::PageDown, _) => state.scrolled = state.scrolled.saturating_sub(page(state)),
        (KeyCode::Char('?'), false) if state.composer.is_empty() => state.popup = Some(Popup::Help),
        _ => {
            state.composer.key(key);
            state.menu = 0;
        }
    }
    Vec::new()
}

fn page(state: &State) -> usize {
    usize::from(state.size.1).saturating_sub(6).max(1)
}

/// The chosen command is written out.
fn complete(state: &mut State, menu: &[commands::Command]) {
    if let Some(command) = menu.get(state.menu.min(menu.len() - 1)) {
        let space = if command.argument.is_empty() { "" } else { " " };
        state.composer.set(&format!("/{}{space}", command.name));
        state.menu = 0;
    }
}

/// On an empty line: the last result, or an example question where there is none yet.
fn tab(state: &mut State) -> Vec<Effect> {
    if state.turns.is_empty()
        && let Some(example) = state.examples.first().cloned()
    {
        state.composer.set(&example);
        state.examples.rotate_left(1);
        return Vec::new();
    }
    show_result(state, false)
}

fn enter(state: &mut State, menu: &[commands::Command]) -> Vec<Effect> {
    let text = state.composer.text();
    if text.trim().is_empty() {
        return match state.again().map(str::to_owned) {
            Some(question) => ask(state, question),
            None => Vec::new(),
        };
    }
    if text.starts_with('/') {
        let chosen = menu.get(state.menu.min(menu.len().saturating_sub(1))).map(|c| format!("/{}", c.name));
        state.composer.clear();
        state.menu = 0;
        return commands::run(state, &chosen.unwrap_or(text));
    }
    if state.busy() {
        state.tell("an answer is on its way; Esc stops it, your draft stays", true);
        return Vec::new();
    }
    let question = state.composer.take();
    ask(state, question)
}

/// Sends a question.
pub(super) fn ask(state: &mut State, question: String) -> Vec<Effect> {
    if state.busy() {
        state.tell("an answer is on its way; Esc stops it", true);
        return Vec::new();
    }
    state.scrolled = 0;
    state.notice = None;
    state.asking = Some(question.clone());
    let session = state.session.as_ref().map(|open| open.id.clone());
    let source = if session.is_some() { None } else { state.source.clone() };
    vec![Effect::Ask { question, session, source }]
}

/// Opens the last result, as rows or as a chart.
pub(super) fn show_result(state: &mut State, charted: bool) -> Vec<Effect> {
    let count = state.results().len();
    match count.checked_sub(1) {
        None => state.tell("there is no result yet", true),
        Some(last) => open_result(state, last, charted),
    }
    Vec::new()
}

fn open_result(state: &mut State, at: usize, charted: bool) {
    let results = state.results();
    let count = results.len();
    if let Some((rows, chart, title)) = results.into_iter().nth(at) {
        let mut grid = Grid::new(rows, chart, title, (at, count));
        grid.charted = charted && grid.chart.is_some();
        if charted && grid.chart.is_none() {
            state.tell("this result has no chart; here are its rows", false);
        }
        state.popup = Some(Popup::Grid(Box::new(grid)));
    }
}

fn pick(state: &mut State, mut picker: Picker, key: KeyEvent) -> Vec<Effect> {
    let control = key.modifiers.contains(KeyModifiers::CONTROL);
    let count = picker.matching().len();
    match (key.code, control) {
        (KeyCode::Esc, _) => return Vec::new(),
        (KeyCode::Enter, _) => {
            let chosen = picker.matching().get(picker.at).map(|s| s.session_id.clone());
            if let Some(id) = chosen {
                return vec![Effect::Open(id)];
            }
        }
        (KeyCode::Up, _) | (KeyCode::Char('p'), true) => picker.at = picker.at.saturating_sub(1),
        (KeyCode::Down, _) | (KeyCode::Char('n' | 'r'), true) => {
            picker.at = (picker.at + 1).min(count.saturating_sub(1));
        }
        (KeyCode::PageUp, _) => picker.at = picker.at.saturating_sub(page(state)),
        (KeyCode::PageDown, _) => picker.at = (picker.at + page(state)).min(count.saturating_sub(1)),
        (KeyCode::Home, _) => picker.at = 0,
        (KeyCode::End, _) => picker.at = count.saturating_sub(1),
        (KeyCode::Backspace, _) => {
            picker.filter.pop();
            picker.at = 0;
        }
        (KeyCode::Char('u'), true) => picker.filter.clear(),
        (KeyCode::Char(c), false) => {
            picker.filter.push(c);
            picker.at = 0;
        }
        _ => {}
    }
    state.popup = Some(Popup::Picker(picker));
    Vec::new()
}

fn look(state: &mut State, mut grid: Box<Grid>, key: KeyEvent) {
    let control = key.modifiers.contains(KeyModifiers::CONTROL);
    let (at, count) = grid.number;
    match key.code {
        KeyCode::Esc | KeyCode::Char('q') | KeyCode::Enter => return,
        KeyCode::Char('[') if at > 0 => return open_result(state, at - 1, grid.charted),
        KeyCode::Char(']') if at + 1 < count => return open_result(state, at + 1, grid.charted),
        KeyCode::Char('w') => grid.wide = !grid.wide,
        KeyCode::Char('c') if grid.chart.is_some() => grid.charted = true,
        KeyCode::Char('t') => grid.charted = false,
        KeyCode::Tab if grid.chart.is_some() => grid.charted = !grid.charted,
        KeyCode::Char('c') => state.tell("this result has no chart", true),
        KeyCode::Up | KeyCode::Char('k') => grid.go(Move::Up),
        KeyCode::Down | KeyCode::Char('j') => grid.go(Move::Down),
        KeyCode::Left | KeyCode::Char('h') => grid.go(Move::Left),
        KeyCode::Right | KeyCode::Char('l') => grid.go(Move::Right),
        KeyCode::PageUp => grid.go(Move::PageUp),
        KeyCode::PageDown | KeyCode::Char(' ') => grid.go(Move::PageDown),
        KeyCode::Home if control => grid.go(Move::FirstColumn),
        KeyCode::End if control => grid.go(Move::LastColumn),
        KeyCode::Home | KeyCode::Char('g') => grid.go(Move::First),
        KeyCode::End | KeyCode::Char('G') => grid.go(Move::Last),
        KeyCode::Char('0' | '^') => grid.go(Move::FirstColumn),
        KeyCode::Char('$') => grid.go(Move::LastColumn),
        _ => {}
    }
    state.popup = Some(Popup::Grid(grid));
}
