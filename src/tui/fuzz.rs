//! Text from anywhere on its way to the screen, and pastes into the composer.

use crate::tui::testing::opened;
use crate::tui::text::{cut, fit, safe, width};
use crate::tui::update::{Message, update};
use proptest::prelude::*;

fn text() -> impl Strategy<Value = String> {
    let piece = prop_oneof![
        "[ -~]{0,8}",
        "\\PC{0,4}",
        any::<char>().prop_map(String::from),
        Just("\u{1b}[201~\u{1b}]0;title\u{7}".to_owned()),
        Just("\u{202e}\u{2066}\u{61c}\u{e0041}".to_owned()),
        Just("e\u{301}\u{1f468}\u{200d}\u{1f469}\u{fe0f}".to_owned()),
        Just("漢字\u{ff21}".to_owned()),
        Just("\r\n\n\t".to_owned()),
        Just("x".repeat(3000)),
    ];
    prop::collection::vec(piece, 0..10).prop_map(|pieces| pieces.concat())
}

/// What acts on a terminal, breaks a line, or turns the direction of writing.
fn acts(c: char) -> bool {
    c.is_control()
        || matches!(c, '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}' | '\u{200e}' | '\u{200f}' | '\u{61c}' | '\u{2028}' | '\u{2029}')
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 2000, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn no_text_acts_on_the_terminal_or_leaves_its_columns(text in text(), limit in 0_usize..60, right: bool, ascii: bool) {
        let shown = safe(&text);
        prop_assert!(!shown.contains(acts), "{shown:?}");
        prop_assert_eq!(&safe(&shown), &shown);
        prop_assert!(width(&cut(&shown, limit, ascii)) <= limit);
        prop_assert_eq!(width(&fit(&shown, limit, right, ascii)), limit);
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 200, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn any_paste_is_taken_in_and_drawn(pastes in prop::collection::vec(text(), 1..4), columns in 1_u16..120, rows in 1_u16..40) {
        let theme = crate::tui::theme::Theme { color: false, ascii: false };
        let mut state = opened(0);
        for (i, paste) in pastes.into_iter().enumerate() {
            update(&mut state, Message::Paste(paste), i as u64);
            update(&mut state, Message::Resize(columns, rows), i as u64);
            let frame = crate::tui::views::frame(&state, theme);
            let mut feed = crate::tui::feed::Feed::default();
            feed.take_in(&state, frame);
            let tail = feed.live(&state, frame);
            for line in &crate::tui::views::live(&state, tail, frame).lines {
                prop_assert!(!line.to_string().contains(acts), "{line:?}");
            }
        }
    }
}
