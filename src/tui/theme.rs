//! How things look: a few roles, with and without colour, with and without glyphs beyond ASCII.

use ratatui::style::{Color, Modifier, Style};

/// The look of one terminal. Colour only ever repeats what a word or a mark says already.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Theme {
    /// Colours may be used.
    pub color: bool,
    /// Only ASCII may be drawn.
    pub ascii: bool,
}

impl Theme {
    fn tint(self, color: Color) -> Style {
        if self.color { Style::new().fg(color) } else { Style::new() }
    }

    /// What stands back: hints, units, times.
    pub fn dim(self) -> Style {
        Style::new().add_modifier(Modifier::DIM)
    }

    /// What stands out: questions, headers.
    pub fn strong(self) -> Style {
        Style::new().add_modifier(Modifier::BOLD)
    }

    /// What belongs to wharf itself: prompt, marks, selected things.
    pub fn accent(self) -> Style {
        self.tint(Color::Cyan)
    }

    /// Success.
    pub fn good(self) -> Style {
        self.tint(Color::Green)
    }

    /// Something to notice.
    pub fn warn(self) -> Style {
        self.tint(Color::Yellow)
    }

    /// Failure.
    pub fn bad(self) -> Style {
        self.tint(Color::Red)
    }

    /// Code and SQL.
    pub fn code(self) -> Style {
        self.tint(Color::Blue)
    }

    /// The selected line of a list.
    pub fn selected(self) -> Style {
        Style::new().add_modifier(Modifier::REVERSED)
    }

    /// The style of the series number `index` of a chart; its marker differs too.
    pub fn series(self, index: usize) -> Style {
        const COLORS: [Color; 6] =
            [Color::Cyan, Color::Magenta, Color::Yellow, Color::Green, Color::Blue, Color::Red];
        self.tint(COLORS[index % COLORS.len()])
    }

    /// `glyph`, or `plain` where only ASCII may be drawn.
    pub fn glyph(self, glyph: &'static str, plain: &'static str) -> &'static str {
        if self.ascii { plain } else { glyph }
    }

    /// One frame of the busy mark.
    pub fn spinner(self, tick: u64) -> &'static str {
        const DOTS: [&str; 10] = ["⠋", "⠙", "⠹", "⠸", "⠼", "⠴", "⠦", "⠧", "⠇", "⠏"];
        const PLAIN: [&str; 4] = ["|", "/", "-", "\\"];
        let frames: &[&str] = if self.ascii { &PLAIN } else { &DOTS };
        frames[usize::try_from(tick).unwrap_or(0) % frames.len()]
    }
}
