//! The Markdown of answers as styled lines, and how much of a growing text is settled.

use crate::tui::text::{safe, wrap};
use crate::tui::theme::Theme;
use pulldown_cmark::{CodeBlockKind, Event, HeadingLevel, Options, Parser, Tag, TagEnd};
use ratatui::style::{Modifier, Style};
use ratatui::text::{Line, Span};

/// How many bytes of a growing text end before the last block: no later text changes how they read.
///
/// A block is settled when another one has begun behind it, outside any list or fenced code.
pub fn settled(text: &str) -> usize {
    let mut depth = 0_usize;
    let mut last = 0;
    for (event, range) in Parser::new_ext(text, options()).into_offset_iter() {
        match event {
            Event::Start(_) => {
                if depth == 0 {
                    last = range.start;
                }
                depth += 1;
            }
            Event::End(_) => depth = depth.saturating_sub(1),
            _ if depth == 0 => last = range.start,
            _ => {}
        }
    }
    // A block may begin behind the indentation of its line.
    text[..last].rfind('\n').map_or(0, |at| at + 1)
}

fn options() -> Options {
    Options::ENABLE_STRIKETHROUGH
}

/// Draws a text in `limit` columns, a blank line between blocks.
pub fn draw(text: &str, limit: usize, theme: Theme) -> Vec<Line<'static>> {
    let mut writer = Writer::new(limit, theme);
    for event in Parser::new_ext(text, options()) {
        writer.event(event);
    }
    writer.flush();
    writer.lines
}

struct Writer {
    limit: usize,
    theme: Theme,
    lines: Vec<Line<'static>>,
    spans: Vec<Span<'static>>,
    styles: Vec<Style>,
    // The number of the next item of each open list; none where it has bullets.
    lists: Vec<Option<u64>>,
    // What begins the next line, once.
    lead: Option<Span<'static>>,
    quotes: usize,
    code: bool,
    link: Option<String>,
}

impl Writer {
    fn new(limit: usize, theme: Theme) -> Self {
        Self {
            limit,
            theme,
            lines: Vec::new(),
            spans: Vec::new(),
            styles: Vec::new(),
            lists: Vec::new(),
            lead: None,
            quotes: 0,
            code: false,
            link: None,
        }
    }

    fn event(&mut self, event: Event<'_>) {
        match event {
            Event::Start(tag) => self.start(tag),
            Event::End(tag) => self.end(tag),
            Event::Text(text) if self.code => {
                for line in text.lines() {
                    let line = safe(&line.replace('\t', "    "));
                    self.lines.push(Line::from(vec![Span::raw("  "), Span::styled(line, self.theme.code())]));
                }
            }
            Event::Text(text) => self.push(&safe(&text), Style::new()),
            Event::Code(text) => {
                // Without colour the quotes tell that it is code.
                let text = if self.theme.color { safe(&text) } else { format!("`{}`", safe(&text)) };
                self.push(&text, self.theme.code());
            }
            Event::Html(text) | Event::InlineHtml(text) => {
                self.push(&safe(text.trim_end_matches('\n')), Style::new());
            }
            Event::SoftBreak => self.push(" ", Style::new()),
            Event::HardBreak => self.flush(),
            Event::Rule => {
                self.gap();
                let rule = self.theme.glyph("─", "-").repeat(self.limit.min(40));
                self.lines.push(Line::styled(rule, self.theme.dim()));
            }
            _ => {}
        }
    }

    fn start(&mut self, tag: Tag<'_>) {
        match tag {
            Tag::Paragraph if self.lead.is_none() && self.spans.is_empty() => self.gap(),
            Tag::Heading { level, .. } => {
                self.gap();
                let mut style = self.theme.strong();
                if level == HeadingLevel::H1 {
                    style = style.add_modifier(Modifier::UNDERLINED);
                }
                self.styles.push(style);
            }
            Tag::BlockQuote(_) => {
                self.gap();
                self.quotes += 1;
            }
            Tag::CodeBlock(kind) => {
                self.flush();
                self.gap();
                self.code = true;
                if let CodeBlockKind::Fenced(language) = kind
                    && !language.is_empty()
                {
                    self.lines.push(Line::styled(format!("  {}", safe(&language)), self.theme.dim()));
                }
            }
            Tag::List(first) => {
                self.flush();
                if self.lists.is_empty() {
                    self.gap();
                }
                self.lists.push(first);
            }
            Tag::Item => self.item(),
            Tag::Emphasis => self.styles.push(Style::new().add_modifier(Modifier::ITALIC)),
            Tag::Strong => self.styles.push(self.theme.strong()),
            Tag::Strikethrough => self.styles.push(Style::new().add_modifier(Modifier::CROSSED_OUT)),
            Tag::Link { dest_url, .. } | Tag::Image { dest_url, .. } => self.link = Some(safe(&dest_url)),
            _ => {}
        }
    }

    fn item(&mut self) {
        self.flush();
        let bullet = self.theme.glyph("•", "-");
        let mark = match self.lists.last_mut() {
            Some(Some(number)) => {
                *number += 1;
                format!("{}. ", *number - 1)
            }
            _ => format!("{bullet} "),
        };
        let indent = "  ".repeat(self.lists.len().saturating_sub(1));
        self.lead = Some(Span::styled(indent + &mark, self.theme.accent()));
    }

    fn end(&mut self, tag: TagEnd) {
        match tag {
            TagEnd::Paragraph | TagEnd::Item => self.flush(),
            TagEnd::Heading(_) => {
                self.flush();
                self.styles.pop();
            }
            TagEnd::BlockQuote(_) => {
                self.flush();
                self.quotes = self.quotes.saturating_sub(1);
            }
            TagEnd::CodeBlock => self.code = false,
            TagEnd::List(_) => {
                self.flush();
                self.lists.pop();
            }
            TagEnd::Emphasis | TagEnd::Strong | TagEnd::Strikethrough => {
                self.styles.pop();
            }
            TagEnd::Link | TagEnd::Image => {
                if let Some(link) = self.link.take().filter(|l| !l.is_empty()) {
                    self.push(&format!(" ({link})"), self.theme.dim());
                }
            }
            _ => {}
        }
    }

    fn push(&mut self, text: &str, style: Style) {
        let style = self.styles.iter().fold(Style::new(), |all, s| all.patch(*s)).patch(style);
        self.spans.push(Span::styled(text.to_owned(), style));
    }

    /// Ends the line that is being put together.
    fn flush(&mut self) {
        if self.spans.is_empty() && self.lead.is_none() {
            return;
        }
        let bar = self.theme.glyph("▏ ", "> ").repeat(self.quotes);
        let indent = "  ".repeat(self.lists.len());
        let next = Span::styled(format!("{bar}{indent}"), self.theme.dim());
        let first = self.lead.take().unwrap_or_else(|| next.clone());
        let spans = std::mem::take(&mut self.spans);
        self.lines.extend(wrap(&spans, self.limit, &[first], &[next]));
    }

    /// A blank line between two blocks.
    fn gap(&mut self) {
        if self.lines.last().is_some_and(|l| l.width() > 0) {
            self.lines.push(Line::default());
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tui::testing::plain;
    use proptest::prelude::*;

    const THEME: Theme = Theme { color: true, ascii: false };
    const TEXT: &str = "# Head\n\nThe **bold** and `code` of *it*.\nNext line.\n\n- one **two**\n- three\n  1. deep\n\n```sql\nselect 1\n  from t\n```\n\n> said\n\nEnd \u{1b}[31mred.";

    #[test]
    fn markdown_reads_as_text() {
        insta::assert_snapshot!("markdown", plain(&draw(TEXT, 40, THEME)));
    }

    #[test]
    fn a_marker_split_across_chunks_never_leaks() {
        let text = "Total is **12**.";
        assert_eq!(settled(text), 0);
        assert_eq!(plain(&draw(text, 40, THEME)), "Total is 12.");
    }

    #[test]
    fn code_is_settled_only_when_it_is_closed() {
        assert_eq!(settled("a\n\n```\nx\n\ny\n"), 3);
        assert_eq!(settled("a\n\n```\nx\n```\n\nb"), 14);
    }

    /// What is settled, drawn at once, and the rest make the same lines as the whole.
    fn in_pieces(text: &str) -> Vec<String> {
        let mut lines: Vec<String> = Vec::new();
        let mut done = 0;
        for (at, _) in text.char_indices().chain([(text.len(), ' ')]) {
            let stable = settled(&text[done..at]);
            if stable > 0 {
                lines.extend(draw(&text[done..done + stable], 40, THEME).iter().map(ToString::to_string));
                lines.push(String::new());
                done += stable;
            }
        }
        lines.extend(draw(&text[done..], 40, THEME).iter().map(ToString::to_string));
        lines
    }

    #[test]
    fn streaming_gives_the_same_lines_as_the_whole() {
        let whole: Vec<String> = draw(TEXT, 40, THEME).iter().map(ToString::to_string).collect();
        assert_eq!(in_pieces(TEXT), whole);
    }

    proptest! {
        #[test]
        fn settled_is_always_a_line_start(text in "([a-z*`#>\\- \\n1.é]{0,60})") {
            let at = settled(&text);
            prop_assert!(at == 0 || text[..at].ends_with('\n'));
            let _ = draw(&text, 10, THEME);
        }
    }
}
