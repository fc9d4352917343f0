//! Text from anywhere, made safe for a terminal.

use super::visible;
use proptest::prelude::*;

fn text() -> impl Strategy<Value = String> {
    let piece = prop_oneof![
        "[ -~]{0,8}",
        "\\PC{0,4}",
        any::<char>().prop_map(String::from),
        Just("\u{1b}]0;title\u{7}".to_owned()),
        Just("\u{9b}31m".to_owned()),
        Just("\u{202e}\u{2066}\u{200f}\u{feff}".to_owned()),
        Just("e\u{301}\u{1f468}\u{200d}\u{1f469}".to_owned()),
        Just("漢字\u{ff21}".to_owned()),
    ];
    prop::collection::vec(piece, 0..12).prop_map(|pieces| pieces.concat())
}

/// What acts on a terminal, breaks a line, or turns the direction of writing.
fn acts(c: char) -> bool {
    c.is_control()
        || matches!(c, '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}' | '\u{200e}' | '\u{200f}' | '\u{61c}' | '\u{2028}' | '\u{2029}')
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 5000, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn nothing_acts_on_the_terminal_and_nothing_harmless_is_lost(text in text()) {
        let shown = visible(&text);
        prop_assert!(!shown.contains(acts), "{shown:?}");
        prop_assert_eq!(visible(&shown), shown.clone(), "made safe twice");
        // The characters that stay do so in their order.
        let mut rest = shown.chars();
        for c in text.chars().filter(|c| !acts(*c) && !matches!(c, '\u{200b}' | '\u{2060}'..='\u{206f}' | '\u{feff}' | '\u{e0000}'..='\u{e007f}')) {
            prop_assert!(rest.any(|s| s == c), "{c:?} is lost: {text:?} -> {shown:?}");
        }
    }
}
