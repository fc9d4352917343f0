//! Text on its way to a terminal: made harmless, measured, cut and wrapped. Widths are in terminal columns.

use ratatui::text::{Line, Span};
use unicode_segmentation::UnicodeSegmentation as _;
use unicode_width::UnicodeWidthStr as _;
pub use wharf_protocol::grouped;

/// The width of a text in columns.
pub fn width(text: &str) -> usize {
    text.width()
}

/// The text with every character that would act on the terminal, or hide, shown as a visible escape.
pub fn safe(text: &str) -> String {
    crate::output::visible(text).into_owned()
}

/// The text cut to `width` columns by grapheme; what is cut shows as an ellipsis.
pub fn cut(text: &str, limit: usize, ascii: bool) -> String {
    if width(text) <= limit {
        return text.to_owned();
    }
    let (mark, mark_width) = if ascii { ("~", 1) } else { ("…", 1) };
    if limit < mark_width {
        return String::new();
    }
    let mut out = String::new();
    let mut used = 0;
    for grapheme in text.graphemes(true) {
        let wide = width(grapheme);
        if used + wide + mark_width > limit {
            break;
        }
        used += wide;
        out.push_str(grapheme);
    }
    out.push_str(mark);
    out
}

/// The text in exactly `limit` columns: cut, or filled with spaces on the left or the right.
pub fn fit(text: &str, limit: usize, right: bool, ascii: bool) -> String {
    let text = cut(text, limit, ascii);
    let fill = " ".repeat(limit.saturating_sub(width(&text)));
    if right { fill + &text } else { text + &fill }
}

/// Milliseconds as people say them: `8 ms`, `1.2 s`, `3 min 4 s`.
pub fn spell_millis(millis: f64) -> String {
    if millis < 1000.0 {
        return format!("{:.0} ms", millis.max(0.0));
    }
    let seconds = millis / 1000.0;
    if seconds < 60.0 {
        return format!("{seconds:.1} s");
    }
    format!("{} min {} s", (seconds / 60.0).floor(), (seconds % 60.0).floor())
}

/// Wraps styled text at words, and inside a word only where it is wider than a line. `first` begins the first line and
/// `next` the others.
pub fn wrap(
    spans: &[Span<'_>],
    limit: usize,
    first: &[Span<'static>],
    next: &[Span<'static>],
) -> Vec<Line<'static>> {
    let mut wrapper = Wrapper::new(limit, first, next);
    for span in spans {
        for word in span.content.split_word_bounds() {
            wrapper.word(word, span.style);
        }
    }
    wrapper.finish()
}

struct Wrapper<'a> {
    limit: usize,
    next: &'a [Span<'static>],
    lines: Vec<Line<'static>>,
    line: Vec<Span<'static>>,
    used: usize,
    begun: bool,
    // Blanks are held back until something follows them on the same line.
    blanks: Option<Span<'static>>,
    // The word that is being put together from pieces without a blank between them.
    word: Vec<Span<'static>>,
    word_width: usize,
}

fn spans_width(spans: &[Span<'_>]) -> usize {
    spans.iter().map(|s| width(&s.content)).sum()
}

impl<'a> Wrapper<'a> {
    fn new(limit: usize, first: &[Span<'static>], next: &'a [Span<'static>]) -> Self {
        let used = spans_width(first);
        Self {
            limit: limit.max(spans_width(next) + 2).max(used + 2),
            next,
            lines: Vec::new(),
            line: first.to_vec(),
            used,
            begun: false,
            blanks: None,
            word: Vec::new(),
            word_width: 0,
        }
    }

    fn word(&mut self, text: &str, style: ratatui::style::Style) {
        if text.chars().all(char::is_whitespace) {
            self.place();
            let held = self.blanks.take().map(|s| s.content.into_owned()).unwrap_or_default();
            self.blanks = Some(Span::styled(held + text, style));
        } else {
            self.word_width += width(text);
            self.word.push(Span::styled(text.to_owned(), style));
        }
    }

    /// Puts the finished word on the line, or on the next one.
    fn place(&mut self) {
        if self.word.is_empty() {
            return;
        }
        let word = std::mem::take(&mut self.word);
        let wide = std::mem::take(&mut self.word_width);
        let gap = self.blanks.as_ref().map_or(0, |b| width(&b.content));
        if self.begun && self.used + gap + wide > self.limit {
            self.blanks = None;
            self.break_line();
        } else if let Some(blanks) = self.blanks.take() {
            self.used += gap;
            self.line.push(blanks);
        }
        self.begun = true;
        for span in word {
            self.put(&span);
        }
    }

    fn put(&mut self, span: &Span<'static>) {
        let wide = width(&span.content);
        if self.used + wide <= self.limit {
            self.used += wide;
            self.line.push(span.clone());
            return;
        }
        for grapheme in span.content.graphemes(true) {
            let wide = width(grapheme);
            if self.used + wide > self.limit {
                self.break_line();
                self.begun = true;
            }
            self.used += wide;
            match self.line.last_mut() {
                Some(last) if last.style == span.style => last.content.to_mut().push_str(grapheme),
                _ => self.line.push(Span::styled(grapheme.to_owned(), span.style)),
            }
        }
    }

    fn break_line(&mut self) {
        let line = std::mem::replace(&mut self.line, self.next.to_vec());
        self.lines.push(merged(line));
        self.used = spans_width(self.next);
        self.begun = false;
    }

    fn finish(mut self) -> Vec<Line<'static>> {
        self.place();
        let line = std::mem::take(&mut self.line);
        self.lines.push(merged(line));
        self.lines
    }
}

/// The line with neighbouring spans of one style joined.
fn merged(spans: Vec<Span<'static>>) -> Line<'static> {
    let mut out: Vec<Span<'static>> = Vec::new();
    for span in spans {
        match out.last_mut() {
            Some(last) if last.style == span.style => last.content.to_mut().push_str(&span.content),
            _ => out.push(span),
        }
    }
    Line::from(out)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn plain(lines: &[Line<'_>]) -> Vec<String> {
        lines.iter().map(ToString::to_string).collect()
    }

    #[test]
    fn controls_show_and_never_act() {
        assert_eq!(safe("a\u{1b}[31m\tb\u{7}\u{9b}\u{202e}c"), "a\\x1b[31m\\tb\\x07\\x9b\\u{202e}c");
        assert_eq!(safe("naïve 👩‍👩‍👧 日本"), "naïve 👩‍👩‍👧 日本");
    }

    #[test]
    fn cutting_respects_graphemes_and_width() {
        assert_eq!(cut("日本語の表", 5, false), "日本…");
        assert_eq!(cut("e\u{301}e\u{301}e\u{301}", 2, false), "e\u{301}…");
        assert_eq!(fit("7", 3, true, false), "  7");
        assert_eq!(cut("abc", 0, false), "");
    }

    #[test]
    fn numbers_are_grouped_only_when_they_are_plain() {
        assert_eq!(grouped("-1234567.890"), "-1,234,567.890");
        assert_eq!(grouped("1e21"), "1e21");
        assert_eq!(grouped("123"), "123");
    }

    #[test]
    fn wrapping_keeps_every_word_and_the_width() {
        let spans = [Span::raw("the quick brown fox, jumped over superlongwordthatdoesnotfit")];
        let lines = plain(&wrap(&spans, 12, &[Span::raw("- ")], &[Span::raw("  ")]));
        assert_eq!(lines[0], "- the quick");
        assert!(lines.iter().all(|l| width(l) <= 12), "{lines:?}");
        let joined: String = lines.concat().replace([' ', '-'], "");
        assert_eq!(joined, "thequickbrownfox,jumpedoversuperlongwordthatdoesnotfit");
    }
}
