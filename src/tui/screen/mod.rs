//! Puts pictures on the terminal. Finished lines go up into the terminal's own scrollback and are never drawn again; only
//! the live area below them is, row by row where it differs.
//!
//! Each frame is one write inside a synchronized update. Lines are pushed up by plain line feeds at the bottom, which every
//! terminal and multiplexer keeps in its scrollback; scroll regions would lose them in some.

use crate::tui::views::Picture;
use crossterm::cursor::{Hide, MoveTo, Show};
use crossterm::queue;
use crossterm::terminal::{
    BeginSynchronizedUpdate, EndSynchronizedUpdate, EnterAlternateScreen, LeaveAlternateScreen,
};
use ratatui::backend::{Backend, CrosstermBackend};
use ratatui::buffer::{Buffer, Cell};
use ratatui::layout::Rect;
use ratatui::text::Line;
use std::io::{self, Write};
use unicode_width::UnicodeWidthStr as _;

/// A terminal of which we know what we drew.
pub struct Screen<W: Write> {
    sink: W,
    size: (u16, u16),
    // The first row of the live area, and its rows as they were drawn last.
    top: u16,
    drawn: Vec<Buffer>,
    // Rows of the alternate screen, while it is shown.
    whole: Option<Vec<Option<Buffer>>>,
}

impl<W: Write> Screen<W> {
    /// A screen of this size, columns and rows, whose live area begins at row `top`.
    pub fn new(sink: W, size: (u16, u16), top: u16) -> Self {
        Self { sink, size, top: top.min(size.1.saturating_sub(1)), drawn: Vec::new(), whole: None }
    }

    /// Whether the alternate screen is shown.
    pub fn is_whole(&self) -> bool {
        self.whole.is_some()
    }

    /// The terminal has another size; the live area begins at row `top` now. All of it is drawn anew.
    ///
    /// # Errors
    /// When the terminal cannot be written to.
    pub fn resize(&mut self, size: (u16, u16), top: Option<u16>) -> io::Result<()> {
        self.size = size;
        if let Some(rows) = &mut self.whole {
            *rows = vec![None; usize::from(size.1)];
            return Ok(());
        }
        self.top = top.unwrap_or(self.top).min(size.1.saturating_sub(1));
        self.drawn.clear();
        let mut out = Vec::new();
        queue!(out, MoveTo(0, self.top))?;
        out.extend_from_slice(b"\x1b[J");
        self.send(&out)
    }

    /// Draws the live area, below `finished` lines that go up into the scrollback.
    ///
    /// # Errors
    /// When the terminal cannot be written to.
    pub fn inline(&mut self, finished: &[Line<'_>], live: &Picture) -> io::Result<()> {
        let mut out = begin()?;
        if self.whole.take().is_some() {
            queue!(out, LeaveAlternateScreen)?;
        }
        let height = self.size.1.max(1);
        let lines = &live.lines[live.lines.len().saturating_sub(usize::from(height))..];
        let mut rows: Vec<Buffer> = lines.iter().map(|line| row_of(line, self.size.0)).collect();
        if rows.is_empty() {
            // The live area has one row at least, so that what goes up next has a place on the screen.
            rows.push(row_of(&Line::default(), self.size.0));
        }
        if finished.is_empty() {
            self.grow(&mut out, rows.len())?;
            self.differences(&mut out, &rows)?;
        } else {
            self.push_up(&mut out, finished, &rows)?;
        }
        let dropped = live.lines.len() - lines.len();
        let cursor = live.cursor.and_then(|(column, row)| Some((column, row.checked_sub(dropped)?)));
        self.cursor(&mut out, cursor, self.top)?;
        self.drawn = rows;
        self.send(&out)
    }

    /// Makes room for a taller live area, by line feeds where the screen ends.
    fn grow(&mut self, out: &mut Vec<u8>, rows: usize) -> io::Result<()> {
        let height = usize::from(self.size.1);
        let over = (usize::from(self.top) + rows).saturating_sub(height);
        if over > 0 {
            queue!(out, MoveTo(0, self.size.1.saturating_sub(1)))?;
            out.extend(std::iter::repeat_n(b'\n', over));
            self.top = self.top.saturating_sub(u16::try_from(over).unwrap_or(u16::MAX));
        }
        Ok(())
    }

    fn differences(&self, out: &mut Vec<u8>, rows: &[Buffer]) -> io::Result<()> {
        for (i, row) in rows.iter().enumerate() {
            if self.drawn.get(i) != Some(row) {
                put(out, row, self.top + u16::try_from(i).unwrap_or(0))?;
            }
        }
        self.clear_below(out, usize::from(self.top) + rows.len())
    }

    /// Clears what the last live area left below row `from`.
    fn clear_below(&self, out: &mut Vec<u8>, from: usize) -> io::Result<()> {
        let last = usize::from(self.top) + self.drawn.len();
        if last > from && from < usize::from(self.size.1) {
            queue!(out, MoveTo(0, u16::try_from(from).unwrap_or(0)))?;
            out.extend_from_slice(b"\x1b[J");
        }
        Ok(())
    }

    fn push_up(&mut self, out: &mut Vec<u8>, finished: &[Line<'_>], rows: &[Buffer]) -> io::Result<()> {
        let bottom = self.size.1.saturating_sub(1);
        let mut at = self.top;
        let count = finished.len() + rows.len();
        for i in 0..count {
            let finished_row = finished.get(i).map(|line| row_of(line, self.size.0));
            let row = finished_row.as_ref().or_else(|| rows.get(i - finished.len().min(i)));
            if let Some(row) = row {
                put(out, row, at)?;
            }
            if i + 1 < count {
                queue!(out, MoveTo(0, at))?;
                out.push(b'\n');
                at = (at + 1).min(bottom);
            }
        }
        let below = usize::from(at) + usize::from(count > 0);
        let old = usize::from(self.top) + self.drawn.len();
        if old > below && below <= usize::from(bottom) {
            queue!(out, MoveTo(0, u16::try_from(below).unwrap_or(0)))?;
            out.extend_from_slice(b"\x1b[J");
        }
        let end = u16::try_from(below).unwrap_or(u16::MAX);
        self.top = end.saturating_sub(u16::try_from(rows.len()).unwrap_or(u16::MAX));
        Ok(())
    }

    /// Draws a picture over the whole screen, on the alternate screen.
    ///
    /// # Errors
    /// When the terminal cannot be written to.
    pub fn whole(&mut self, picture: &Picture) -> io::Result<()> {
        let mut out = begin()?;
        let height = usize::from(self.size.1);
        let mut old = match self.whole.take() {
            Some(rows) => rows,
            None => {
                queue!(out, EnterAlternateScreen)?;
                out.extend_from_slice(b"\x1b[2J");
                vec![None; height]
            }
        };
        for (i, old) in old.iter_mut().enumerate() {
            let row = row_of(picture.lines.get(i).unwrap_or(&Line::default()), self.size.0);
            if old.as_ref() != Some(&row) {
                put(&mut out, &row, u16::try_from(i).unwrap_or(0))?;
                *old = Some(row);
            }
        }
        self.cursor(&mut out, picture.cursor, 0)?;
        self.whole = Some(old);
        self.send(&out)
    }

    /// Shows the main screen again as it is, without drawing.
    ///
    /// # Errors
    /// When the terminal cannot be written to.
    pub fn uncover(&mut self) -> io::Result<()> {
        let mut out = Vec::new();
        if self.whole.take().is_some() {
            queue!(out, LeaveAlternateScreen, Show)?;
        }
        self.send(&out)
    }

    /// Leaves the terminal as the shell likes it: the live area is gone, the cursor stands where it began.
    ///
    /// # Errors
    /// When the terminal cannot be written to.
    pub fn leave(&mut self) -> io::Result<()> {
        let mut out = Vec::new();
        if self.whole.take().is_some() {
            queue!(out, LeaveAlternateScreen)?;
        }
        queue!(out, MoveTo(0, self.top))?;
        out.extend_from_slice(b"\x1b[J");
        queue!(out, Show)?;
        self.drawn.clear();
        self.send(&out)
    }

    fn cursor(&self, out: &mut Vec<u8>, cursor: Option<(usize, usize)>, top: u16) -> io::Result<()> {
        if let Some((column, row)) = cursor {
            let column = u16::try_from(column).unwrap_or(u16::MAX).min(self.size.0.saturating_sub(1));
            let row =
                top.saturating_add(u16::try_from(row).unwrap_or(u16::MAX)).min(self.size.1.saturating_sub(1));
            queue!(out, MoveTo(column, row), Show)?;
        }
        queue!(out, EndSynchronizedUpdate)
    }

    fn send(&mut self, out: &[u8]) -> io::Result<()> {
        self.sink.write_all(out)?;
        self.sink.flush()
    }
}

fn begin() -> io::Result<Vec<u8>> {
    let mut out = Vec::with_capacity(4096);
    queue!(out, BeginSynchronizedUpdate, Hide)?;
    Ok(out)
}

/// A line as cells, cut at the width of the screen.
fn row_of(line: &Line<'_>, columns: u16) -> Buffer {
    let mut buffer = Buffer::empty(Rect::new(0, 0, columns.max(1), 1));
    buffer.set_line(0, 0, line, columns.max(1));
    buffer
}

/// Writes one row, and clears what was behind its end.
fn put(out: &mut Vec<u8>, row: &Buffer, at: u16) -> io::Result<()> {
    let blank = |cell: &Cell| {
        cell.symbol() == " " && cell.modifier.is_empty() && cell.bg == ratatui::style::Color::Reset
    };
    let used = row.content.iter().rposition(|cell| !blank(cell)).map_or(0, |last| last + 1);
    let mut cells = Vec::with_capacity(used);
    let mut next = 0;
    for (x, cell) in row.content[..used].iter().enumerate() {
        // The cell behind a wide glyph is part of it.
        if x >= next {
            cells.push((u16::try_from(x).unwrap_or(0), at, cell));
            next = x + cell.symbol().width().max(1);
        }
    }
    queue!(out, MoveTo(0, at))?;
    CrosstermBackend::new(&mut *out).draw(cells.into_iter())?;
    // At the right edge the cursor waits on the last column, where clearing would eat the last glyph.
    if next.max(used) < row.content.len() {
        out.extend_from_slice(b"\x1b[K");
    }
    Ok(())
}

#[cfg(test)]
mod tests;
