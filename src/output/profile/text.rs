//! A profile in the terminal: alerts first, then one block a column, as wide as the terminal and readable without colour.

use super::figures::{bar, counted, cut, share, short, sparkline, value, whole};
use crate::output::{Terminal, visible};
use unicode_width::UnicodeWidthStr;
use wharf_protocol::{ColumnProfile, Correlation, NumberStats, Profile};

/// Values listed of a column.
const TOP: usize = 5;
/// Correlations listed.
const PAIRS: usize = 5;
/// The least |r| that is listed.
const WEAK: f64 = 0.3;

/// The profile as text.
pub fn view(profile: &Profile, terminal: &Terminal, ascii: bool) -> String {
    let width = terminal.width.unwrap_or(100).clamp(40, 200);
    let mut page =
        Page { width, unicode: terminal.unicode && !ascii, color: terminal.color_out, out: String::new() };
    page.head(profile);
    for column in &profile.columns {
        page.column(column, profile);
    }
    page.correlations(&profile.correlations);
    page.foot(profile);
    page.out
}

/// From this many distinct values on, frequent ones are listed only where one stands out.
const SCATTERED: u64 = 100;
/// The share of the rows from which a value stands out.
const STANDS_OUT: f64 = 0.01;

struct Page {
    width: usize,
    unicode: bool,
    color: bool,
    out: String,
}

impl Page {
    fn head(&mut self, profile: &Profile) {
        let name = cut(&visible(&profile.table), self.width, self.unicode);
        self.line("", &[self.strong(&name)]);
        let repeated = match profile.duplicate_rows.value {
            0 => "no row repeats".to_owned(),
            _ => format!("{} rows repeat an earlier one", counted(&profile.duplicate_rows)),
        };
        let columns = format!("{} columns", whole(profile.columns.len() as u64));
        self.line("", &[format!("{} rows", whole(profile.rows)), columns, repeated]);
        if !profile.alerts.is_empty() {
            self.out.push('\n');
        }
        for alert in &profile.alerts {
            let mark = self.paint("!", "1;33");
            self.wrapped(&format!("{mark} "), "  ", &visible(&alert.message));
        }
    }

    fn column(&mut self, column: &ColumnProfile, profile: &Profile) {
        self.out.push('\n');
        let name = cut(&visible(&column.name), self.width * 2 / 3, self.unicode);
        let kind = cut(
            &visible(&column.r#type.to_lowercase()),
            self.width.saturating_sub(name.width() + 2).max(8),
            self.unicode,
        );
        self.line("", &[self.strong(&name), self.paint(&kind, "2")]);
        let mut pieces = Vec::new();
        if column.nulls > 0 {
            pieces.push(format!("null {} ({})", share(column.nulls, profile.rows), whole(column.nulls)));
        } else {
            pieces.push("no null".to_owned());
        }
        pieces.push(format!("distinct {}", counted(&column.distinct)));
        if let Some(number) = &column.number {
            let named =
                [("zero", number.zeros), ("negative", number.negative), ("not finite", number.not_finite)];
            pieces.extend(
                named.iter().filter(|(_, n)| *n > 0).map(|(name, n)| format!("{name} {}", whole(*n))),
            );
        }
        self.line("  ", &pieces);
        self.ends(column);
        if let Some(number) = &column.number {
            self.number(column, number);
        }
        if let Some(text) = &column.text {
            let lengths = format!("length {} to {}", whole(text.min_length), whole(text.max_length));
            let mut pieces = vec![lengths, format!("mean {}", short(text.mean_length))];
            if text.empty > 0 {
                pieces.push(format!("empty {}", whole(text.empty)));
            }
            self.line("  ", &pieces);
        }
        self.top(column, profile);
    }

    fn ends(&mut self, column: &ColumnProfile) {
        let (Some(min), Some(max)) = (&column.min, &column.max) else { return };
        // Of truths, the counts below tell all.
        if column.kind == wharf_protocol::ColumnKind::Bool {
            return;
        }
        let strokes = sparkline(&column.histogram, self.unicode);
        let room = (self.width.saturating_sub(strokes.width() + 8) / 2).max(12);
        let (min, max) =
            (cut(&value(column, min), room, self.unicode), cut(&value(column, max), room, self.unicode));
        if strokes.is_empty() {
            self.line("  ", &[format!("from {min}"), format!("to {max}")]);
        } else {
            let strokes = self.paint(&strokes, "36");
            self.line("  ", &[format!("{min} |{strokes}| {max}")]);
        }
    }

    fn number(&mut self, column: &ColumnProfile, number: &NumberStats) {
        let mut pieces = Vec::new();
        if let Some(mean) = number.mean {
            let std = number.std.map(|s| format!(" {} {}", if self.unicode { "±" } else { "+-" }, short(s)));
            pieces.push(format!("mean {}{}", short(mean), std.unwrap_or_default()));
        }
        if let Some(sum) = &number.sum {
            pieces.push(format!("sum {}", value(column, sum)));
        }
        self.line("  ", &pieces);
        let quantile = |q: &wharf_protocol::Quantile| {
            let mark = if q.exact { "" } else { "~" };
            format!("{:.0}% {mark}{}", q.q * 100.0, value(column, &q.value))
        };
        self.line("  ", &number.quantiles.iter().map(quantile).collect::<Vec<_>>());
    }

    /// The most frequent values, where some are more frequent than others.
    fn top(&mut self, column: &ColumnProfile, profile: &Profile) {
        let Some(most) = column.top.first().map(|t| t.count).filter(|n| *n > 1) else { return };
        // Among thousands of values none of which stands out, five tell nothing.
        if column.distinct.value > SCATTERED && (most as f64) < profile.rows as f64 * STANDS_OUT {
            return;
        }
        let shown = &column.top[..column.top.len().min(TOP)];
        let values: Vec<String> = shown
            .iter()
            .map(|t| if t.value.is_empty() { "''".to_owned() } else { value(column, &t.value) })
            .map(|text| cut(&text, (self.width / 3).max(12), self.unicode))
            .collect();
        let counts: Vec<String> =
            shown.iter().map(|t| format!("{} ({})", whole(t.count), share(t.count, profile.rows))).collect();
        let wide = |texts: &[String]| texts.iter().map(|t| t.width()).max().unwrap_or(0);
        let (left, right) = (wide(&values), wide(&counts));
        let room = self.width.saturating_sub(left + right + 6).min(30);
        let mark = if column.top_exact { "" } else { "~" };
        for ((text, count), top) in values.iter().zip(&counts).zip(shown) {
            let strokes = if room < 4 { String::new() } else { bar(top.count, most, room, self.unicode) };
            let pad = " ".repeat(left - text.width());
            let gap = " ".repeat(right - count.width());
            self.line("  ", &[format!("{text}{pad}  {gap}{mark}{count}  {}", self.paint(&strokes, "34"))]);
        }
    }

    fn correlations(&mut self, pairs: &[Correlation]) {
        let mut strong: Vec<(&Correlation, f64)> =
            pairs.iter().filter_map(|c| c.r.map(|r| (c, r))).filter(|(_, r)| r.abs() >= WEAK).collect();
        if strong.is_empty() {
            return;
        }
        strong.sort_by(|a, b| b.1.abs().total_cmp(&a.1.abs()));
        self.out.push('\n');
        self.line("", &[self.strong("correlations")]);
        for (pair, r) in strong.into_iter().take(PAIRS) {
            let room = (self.width / 2).saturating_sub(8).max(10);
            let name = |text: &str| cut(&visible(text), room, self.unicode);
            self.line("  ", &[format!("{r:+.3}"), format!("{} and {}", name(&pair.a), name(&pair.b))]);
        }
    }

    fn foot(&mut self, profile: &Profile) {
        self.out.push('\n');
        for note in &profile.notes {
            self.wrapped("", "  ", &visible(note));
        }
        let estimated = profile.columns.iter().any(|c| !c.distinct.exact)
            || !profile.duplicate_rows.exact
            || profile
                .columns
                .iter()
                .filter_map(|c| c.number.as_ref())
                .any(|n| n.quantiles.iter().any(|q| !q.exact));
        if estimated {
            self.wrapped("", "  ", "~ marks estimates; everything else is exact");
        }
        let stored = if profile.reused { "stored profile of " } else { "profiled at " };
        let time = if profile.reused {
            "; --refresh makes a new one".to_owned()
        } else {
            format!(" in {} ms", short(profile.time_ms.round()))
        };
        self.wrapped("", "  ", &format!("{stored}{}{time}", profile.created_at));
    }

    /// Pieces side by side, on the next line where they do not fit. Escapes for colour take no room.
    fn line(&mut self, indent: &str, pieces: &[String]) {
        let mut used = 0;
        for piece in pieces.iter().filter(|p| !p.is_empty()) {
            let wide = bare_width(piece);
            if used == 0 {
                self.out.push_str(indent);
                used = indent.len();
            } else if used + 3 + wide > self.width {
                self.trim();
                self.out.push('\n');
                self.out.push_str(indent);
                used = indent.len();
            } else {
                self.out.push_str("   ");
                used += 3;
            }
            self.out.push_str(piece);
            used += wide;
        }
        if used > 0 {
            self.trim();
            self.out.push('\n');
        }
    }

    /// A sentence over as many lines as it needs.
    fn wrapped(&mut self, first: &str, indent: &str, text: &str) {
        self.out.push_str(first);
        let mut used = bare_width(first);
        let start = used;
        for word in text.split(' ') {
            let word = cut(word, self.width - indent.len(), self.unicode);
            if used > start && used + 1 + word.width() > self.width {
                self.out.push('\n');
                self.out.push_str(indent);
                used = indent.len();
            } else if used > start {
                self.out.push(' ');
                used += 1;
            }
            self.out.push_str(&word);
            used += word.width();
        }
        self.out.push('\n');
    }

    fn trim(&mut self) {
        let end = self.out.trim_end_matches(' ').len();
        self.out.truncate(end);
    }

    fn strong(&self, text: &str) -> String {
        self.paint(text, "1")
    }

    fn paint(&self, text: &str, code: &str) -> String {
        if self.color && !text.is_empty() {
            format!("\u{1b}[{code}m{text}\u{1b}[0m")
        } else {
            text.to_owned()
        }
    }
}

fn bare_width(text: &str) -> usize {
    let mut plain = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(at) = rest.find('\u{1b}') {
        plain.push_str(&rest[..at]);
        rest = rest[at..].split_once('m').map_or("", |(_, rest)| rest);
    }
    plain.push_str(rest);
    plain.width()
}

#[cfg(test)]
mod tests {
    use super::super::samples::{profile, terminal};
    use super::*;

    #[test]
    fn no_line_is_wider_than_the_terminal() {
        for width in [40, 55, 80, 120, 200] {
            for ascii in [false, true] {
                let text = view(&profile(), &terminal(width, false), ascii);
                for line in text.lines() {
                    assert!(line.width() <= width, "{width}: {} {line}", line.width());
                    assert!(!line.ends_with(' '), "{line:?}");
                }
            }
        }
    }

    #[test]
    fn ascii_and_colourless_mean_it() {
        let text = view(&profile(), &terminal(80, false), true);
        assert!(text.is_ascii(), "{text}");
        assert!(!text.contains('\u{1b}'));
        let painted = view(&profile(), &terminal(80, true), false);
        let mut plain = String::new();
        let mut rest = painted.as_str();
        while let Some((before, after)) = rest.split_once('\u{1b}') {
            plain.push_str(before);
            rest = after.split_once('m').unwrap().1;
        }
        plain.push_str(rest);
        assert_eq!(plain, view(&profile(), &terminal(80, false), false), "colour changes nothing but colour");
    }

    #[test]
    fn the_figures_are_there_and_estimates_are_marked() {
        let text = view(&profile(), &terminal(80, false), false);
        for part in [
            "d.main.sales",
            "1,000 rows",
            "7 rows repeat an earlier one",
            "! amount and net go together",
            "null 25% (250)",
            "distinct ~812",
            "-12.50 |",
            "| 1,234.56",
            "mean 99.5 ± 12.25",
            "sum 74,625.00",
            "50% ~98.00",
            "north",
            "600 (60%)",
            "+0.998",
            "~ marks estimates",
        ] {
            assert!(text.contains(part), "{part:?} is missing in\n{text}");
        }
        assert!(!text.contains('\u{202e}'), "marks that turn the text are shown as escapes");
    }
}
