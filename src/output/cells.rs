//! Values as people see them.

/// Text that is safe on a terminal: control characters, line breaks and marks that turn the direction of writing are
/// shown as escapes, so data can neither break a table nor command the terminal.
pub fn visible(text: &str) -> std::borrow::Cow<'_, str> {
    let hostile = |c: char| {
        c.is_control()
            || matches!(c, '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2066}'..='\u{2069}' | '\u{feff}')
    };
    if !text.contains(hostile) {
        return std::borrow::Cow::Borrowed(text);
    }
    let mut out = String::with_capacity(text.len() + 8);
    for c in text.chars() {
        match c {
            '\n' => out.push_str("\\n"),
            '\r' => out.push_str("\\r"),
            '\t' => out.push_str("\\t"),
            c if hostile(c) && u32::from(c) < 0x100 => out.push_str(&format!("\\x{:02x}", u32::from(c))),
            c if hostile(c) => out.push_str(&format!("\\u{{{:x}}}", u32::from(c))),
            c => out.push(c),
        }
    }
    std::borrow::Cow::Owned(out)
}

/// Digits before the point in groups of three: for people only.
pub fn grouped(text: &str) -> String {
    let (sign, rest) = text.strip_prefix('-').map_or(("", text), |rest| ("-", rest));
    let (whole, fraction) = rest.split_once('.').map_or((rest, None), |(w, f)| (w, Some(f)));
    if whole.len() <= 3 || !whole.bytes().all(|b| b.is_ascii_digit()) {
        return text.to_owned();
    }
    let mut out = String::from(sign);
    for (i, digit) in whole.chars().enumerate() {
        if i > 0 && (whole.len() - i).is_multiple_of(3) {
            out.push(',');
        }
        out.push(digit);
    }
    if let Some(fraction) = fraction {
        out.push('.');
        out.push_str(fraction);
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_in_data_commands_the_terminal() {
        assert_eq!(visible("a\u{1b}[31mb\nc\u{202e}d\u{9b}"), "a\\x1b[31mb\\nc\\u{202e}d\\x9b");
        assert_eq!(visible("größe 🦆"), "größe 🦆");
    }

    #[test]
    fn grouping_keeps_every_digit() {
        assert_eq!(grouped("-1234567.8900"), "-1,234,567.8900");
        assert_eq!(grouped("NaN"), "NaN");
        assert_eq!(grouped("1e30"), "1e30");
    }
}
