//! Values as people see them.

pub use wharf_protocol::grouped;

/// Text that is safe on a terminal: control characters, line breaks and marks that hide text or turn the direction of
/// writing are shown as escapes, so data can neither break a table nor command the terminal. The joiners stay, of which
/// emoji and some scripts are made.
pub fn visible(text: &str) -> std::borrow::Cow<'_, str> {
    let hostile = |c: char| {
        c.is_control()
            || matches!(c, '\u{61c}' | '\u{200b}' | '\u{200e}' | '\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{206f}')
            || matches!(c, '\u{feff}' | '\u{e0000}'..='\u{e007f}')
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
