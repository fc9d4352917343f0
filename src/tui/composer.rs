//! The line that is being written: editing, history, and where its cursor stands when it is wrapped.

use crate::tui::text::{safe, width};
use crossterm::event::KeyEvent;
use ratatui_textarea::{CursorMove, TextArea};
use unicode_segmentation::UnicodeSegmentation as _;

/// A draft, and the questions before it.
#[derive(Default)]
pub struct Composer {
    area: TextArea<'static>,
    history: Vec<String>,
    // Which entry of the history is shown, and the draft that it hides.
    at: Option<usize>,
    draft: String,
}

impl Composer {
    /// What is written.
    pub fn text(&self) -> String {
        self.area.lines().join("\n")
    }

    /// Whether nothing is written.
    pub fn is_empty(&self) -> bool {
        self.area.lines().iter().all(String::is_empty)
    }

    /// Replaces what is written; the cursor stands at its end.
    pub fn set(&mut self, text: &str) {
        self.area = TextArea::new(text.split('\n').map(str::to_owned).collect());
        self.area.move_cursor(CursorMove::Bottom);
        self.area.move_cursor(CursorMove::End);
    }

    /// Takes what is written, and remembers it.
    pub fn take(&mut self) -> String {
        let text = self.text();
        self.remember(&text);
        self.clear();
        text
    }

    /// Adds a question to the history.
    pub fn remember(&mut self, text: &str) {
        if !text.trim().is_empty() && self.history.last().map(String::as_str) != Some(text) {
            self.history.push(text.to_owned());
        }
    }

    /// Forgets what is written.
    pub fn clear(&mut self) {
        self.area = TextArea::default();
        self.at = None;
        self.draft.clear();
    }

    /// Puts text in where the cursor stands. What would act on the terminal is left out.
    pub fn insert(&mut self, text: &str) {
        let text = text.replace("\r\n", "\n").replace('\r', "\n").replace('\t', "    ");
        let clean: String = text.chars().filter(|c| *c == '\n' || !c.is_control()).collect();
        self.area.insert_str(clean);
    }

    /// Begins a new line.
    pub fn newline(&mut self) {
        self.area.insert_newline();
    }

    /// Deletes back to the beginning of the line.
    pub fn kill_to_start(&mut self) {
        self.area.delete_line_by_head();
    }

    /// Takes the last change back.
    pub fn undo(&mut self) {
        self.area.undo();
    }

    /// Edits as a key says.
    pub fn key(&mut self, key: KeyEvent) {
        self.area.input(key);
    }

    /// Goes up: within the text, then back in the history.
    pub fn up(&mut self) {
        if self.area.cursor().0 > 0 {
            self.area.move_cursor(CursorMove::Up);
            return;
        }
        let next = self.at.map_or(self.history.len(), |at| at);
        if next == 0 {
            return;
        }
        if self.at.is_none() {
            self.draft = self.text();
        }
        self.at = Some(next - 1);
        let text = self.history[next - 1].clone();
        self.set(&text);
    }

    /// Goes down: within the text, then forward in the history, at its end to the draft.
    pub fn down(&mut self) {
        if self.area.cursor().0 + 1 < self.area.lines().len() {
            self.area.move_cursor(CursorMove::Down);
            return;
        }
        let Some(at) = self.at else { return };
        if let Some(text) = self.history.get(at + 1).cloned() {
            self.at = Some(at + 1);
            self.set(&text);
        } else {
            self.at = None;
            let draft = std::mem::take(&mut self.draft);
            self.set(&draft);
        }
    }

    /// The text wrapped to `limit` columns, and row and column of the cursor in it.
    pub fn wrapped(&self, limit: usize) -> (Vec<String>, (usize, usize)) {
        let limit = limit.max(4);
        let cursor = self.area.cursor();
        let (row, column) = (cursor.0, cursor.1);
        let mut lines = Vec::new();
        let mut place = (0, 0);
        for (i, text) in self.area.lines().iter().enumerate() {
            let mut line = String::new();
            let mut used = 0;
            let mut chars = 0;
            for grapheme in text.graphemes(true) {
                let shown = safe(grapheme);
                let wide = width(&shown);
                if used + wide > limit {
                    lines.push(std::mem::take(&mut line));
                    used = 0;
                }
                if i == row && chars <= column {
                    place = (lines.len(), used);
                }
                chars += grapheme.chars().count();
                line.push_str(&shown);
                used += wide;
            }
            if i == row && column >= chars {
                if used >= limit {
                    lines.push(std::mem::take(&mut line));
                    used = 0;
                }
                place = (lines.len(), used);
            }
            lines.push(line);
        }
        (lines, place)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn history_never_destroys_the_draft() {
        let mut composer = Composer::default();
        composer.remember("first");
        composer.remember("second");
        composer.insert("draft");
        composer.up();
        composer.up();
        composer.up();
        assert_eq!(composer.text(), "first");
        composer.down();
        assert_eq!(composer.text(), "second");
        composer.down();
        assert_eq!(composer.text(), "draft");
        composer.down();
        assert_eq!(composer.text(), "draft");
    }

    #[test]
    fn the_cursor_is_found_in_wrapped_wide_text() {
        let mut composer = Composer::default();
        composer.insert("ab日本語cd\nx");
        let (lines, cursor) = composer.wrapped(4);
        assert_eq!(lines, ["ab日", "本語", "cd", "x"]);
        assert_eq!(cursor, (3, 1));
    }

    #[test]
    fn a_paste_brings_no_controls() {
        let mut composer = Composer::default();
        composer.insert("a\u{1b}[31mb\r\nc\td");
        assert_eq!(composer.text(), "a[31mb\nc    d");
    }
}
