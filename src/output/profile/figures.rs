//! Figures in words and strokes, the same in the terminal and on the page. Pure.

use crate::output::{grouped, visible};
use unicode_segmentation::UnicodeSegmentation;
use unicode_width::UnicodeWidthStr;
use wharf_protocol::{Bin, ColumnKind, ColumnProfile, Figure};

/// A whole number in groups.
pub(super) fn whole(n: u64) -> String {
    grouped(&n.to_string())
}

/// A count that may be an estimate, which a tilde says.
pub(super) fn counted(figure: &Figure<u64>) -> String {
    format!("{}{}", if figure.exact { "" } else { "~" }, whole(figure.value))
}

/// A number with six significant digits, for reading and not for reckoning.
pub(super) fn short(value: f64) -> String {
    if value == 0.0 {
        return "0".to_owned();
    }
    let size = value.abs().log10().floor();
    if !(-5.0..15.0).contains(&size) {
        return format!("{value:.4e}");
    }
    let digits = (5.0 - size).clamp(0.0, 10.0) as usize;
    let text = format!("{value:.digits$}");
    let trimmed = if text.contains('.') { text.trim_end_matches('0').trim_end_matches('.') } else { &text };
    grouped(trimmed)
}

/// A value of a column: numbers in groups, floating point shortened, texts made safe.
pub(super) fn value(column: &ColumnProfile, text: &str) -> String {
    if column.kind != ColumnKind::Number {
        return visible(text).into_owned();
    }
    match (column.r#type.as_str(), text.parse::<f64>()) {
        ("DOUBLE" | "FLOAT", Ok(number)) if number.is_finite() => short(number),
        _ => grouped(text),
    }
}

/// A share in percent: never 0% of something, never 100% of less than all.
pub(super) fn share(part: u64, of: u64) -> String {
    if of == 0 {
        return "0%".to_owned();
    }
    let percent = part as f64 * 100.0 / of as f64;
    match percent {
        p if part > 0 && p < 0.1 => "<0.1%".to_owned(),
        p if part < of && p > 99.9 => ">99.9%".to_owned(),
        p if p == p.trunc() => format!("{p:.0}%"),
        p => format!("{p:.1}%"),
    }
}

/// A histogram as one line of characters: empty bins stay empty, others have at least the lowest stroke.
pub(super) fn sparkline(bins: &[Bin], unicode: bool) -> String {
    let strokes: Vec<char> = if unicode { "▁▂▃▄▅▆▇█" } else { ".:-=+*#@" }.chars().collect();
    let most = bins.iter().map(|b| b.count).max().unwrap_or(0).max(1);
    let stroke = |b: &Bin| match b.count {
        0 => ' ',
        n => strokes[((n as f64 / most as f64 * 8.0).ceil() as usize).clamp(1, 8) - 1],
    };
    bins.iter().map(stroke).collect()
}

/// A bar of `part` in `most`, up to `width` characters.
pub(super) fn bar(part: u64, most: u64, width: usize, unicode: bool) -> String {
    let eighths = (part as f64 / most.max(1) as f64 * width as f64 * 8.0).round() as usize;
    if !unicode {
        return "#".repeat(eighths.div_ceil(8).min(width));
    }
    let mut text = "█".repeat(eighths / 8);
    if !eighths.is_multiple_of(8) {
        text.extend(" ▏▎▍▌▋▊▉".chars().nth(eighths % 8));
    }
    text
}

/// A text in at most `width` columns of the terminal.
pub(super) fn cut(text: &str, width: usize, unicode: bool) -> String {
    if text.width() <= width {
        return text.to_owned();
    }
    let mark = if unicode { "…" } else { "~" };
    let mut out = String::new();
    let mut used = 1;
    for piece in text.graphemes(true) {
        used += piece.width();
        if used > width {
            break;
        }
        out.push_str(piece);
    }
    out + mark
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_short_and_honest() {
        let texts = [0.0, 1.5, 1234567.891, 0.000123456, -2.0, 1e20, 123.456789].map(short);
        assert_eq!(texts, ["0", "1.5", "1,234,568", "0.000123456", "-2", "1.0000e20", "123.457"]);
        assert_eq!(
            [(0, 5), (1, 9999), (9999, 10000), (1, 3), (5, 5)].map(|(a, b)| share(a, b)),
            ["0%", "<0.1%", ">99.9%", "33.3%", "100%"]
        );
        assert_eq!(counted(&Figure { value: 12345, exact: false }), "~12,345");
    }

    #[test]
    fn strokes_show_the_least_and_leave_out_nothing() {
        let bins = [0, 1, 500, 1000].map(|count| Bin { low: String::new(), high: String::new(), count });
        assert_eq!(sparkline(&bins, true), " ▁▄█");
        assert_eq!(sparkline(&bins, false), " .=@");
        assert_eq!(bar(1, 2, 5, true), "██▌");
        assert_eq!(bar(1, 2, 5, false), "###");
        assert_eq!(cut("größe🦆🦆", 6, true), "größe…");
        assert_eq!(cut("short", 6, true), "short");
    }
}
