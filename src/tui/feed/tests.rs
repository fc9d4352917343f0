use super::*;
use crate::tui::testing::{answered, opened, plain, turn_event};
use crate::tui::theme::Theme;
use crate::tui::views::frame;
use proptest::prelude::*;
use wharf_protocol::{EventBody, Text, TurnBegan};

const THEME: Theme = Theme { color: false, ascii: false };

fn tokens(state: &mut State, pieces: &[&str]) -> u64 {
    turn_event(state, "t", 1, EventBody::Session(TurnBegan { question: "q".into(), title: "t".into() }));
    let mut seq = 2;
    for piece in pieces {
        turn_event(state, "t", seq, EventBody::Token(Text { text: (*piece).into() }));
        seq += 1;
    }
    seq
}

#[test]
fn lines_go_up_one_a_tick_while_calm_and_all_at_once_when_behind() {
    let mut state = opened(0);
    tokens(&mut state, &["one\n\ntwo\n\nthree"]);
    let frame = frame(&state, THEME);
    let mut feed = Feed::default();
    feed.take_in(&state, frame);
    // Two lines of the question, then two of each settled paragraph.
    let first = feed.let_out(0);
    assert_eq!(first.len(), 1);
    assert!(feed.live(&state, frame).is_empty(), "nothing is shown before what stands above it");
    assert_eq!(feed.let_out(10).len(), 1);
    assert!(feed.let_out(200).len() > 1, "an old backlog is let out");
    assert!(!feed.waits());
    assert_eq!(plain(&feed.live(&state, frame)).trim(), "three");
}

#[test]
fn text_that_was_seen_below_comes_back_above_at_once() {
    let mut state = opened(0);
    let seq = tokens(&mut state, &["a paragraph"]);
    let frame = frame(&state, THEME);
    let mut feed = Feed::default();
    feed.take_in(&state, frame);
    feed.flush();
    assert_eq!(feed.live(&state, frame).len(), 2);
    turn_event(&mut state, "t", seq, EventBody::Token(Text { text: " ends.\n\nNext".into() }));
    feed.take_in(&state, frame);
    let up = plain(&feed.let_out(5));
    assert!(up.contains("a paragraph ends."), "{up:?}");
}

#[test]
fn history_is_not_performed_again() {
    let mut state = opened(1_000);
    answered(&mut state, "a", 1);
    let frame = frame(&state, THEME);
    let mut feed = Feed::default();
    feed.take_in(&state, frame);
    let lines = feed.let_out(0);
    assert!(lines.len() > 20 && !feed.waits());
    assert!(plain(&lines).contains("── Sales ──"));
}

proptest! {
    /// However the text is cut into pieces and whenever frames are drawn, the same lines go up, once and in order.
    #[test]
    fn every_line_goes_up_once(cuts in proptest::collection::vec(1_usize..9, 1..60), ticks in proptest::collection::vec(0_u64..80, 1..20)) {
        let text = "First **bold** line.\n\n- one\n- two\n\n```sql\nselect 1\n\nselect 2\n```\n\nLast paragraph with 日本 words.";
        let mut pieces = Vec::new();
        let letters: Vec<char> = text.chars().collect();
        let (mut at, mut cuts) = (0, cuts.into_iter().cycle());
        while at < letters.len() {
            let to = (at + cuts.next().unwrap_or(1)).min(letters.len());
            pieces.push(letters[at..to].iter().collect::<String>());
            at = to;
        }
        let whole = {
            let mut state = opened(0);
            let seq = tokens(&mut state, &[text]);
            turn_event(&mut state, "t", seq, crate::tui::testing::complete());
            let mut feed = Feed::default();
            feed.take_in(&state, frame(&state, THEME));
            plain(&feed.flush())
        };
        let mut state = opened(0);
        let mut feed = Feed::default();
        let mut lines = Vec::new();
        let mut seq = tokens(&mut state, &[]);
        let mut ticks = ticks.into_iter().cycle();
        for piece in &pieces {
            turn_event(&mut state, "t", seq, EventBody::Token(Text { text: piece.clone() }));
            seq += 1;
            state.now += ticks.next().unwrap_or(1);
            let frame = frame(&state, THEME);
            feed.take_in(&state, frame);
            lines.extend(feed.let_out(state.now));
            let _ = feed.live(&state, frame);
        }
        turn_event(&mut state, "t", seq, crate::tui::testing::complete());
        feed.take_in(&state, frame(&state, THEME));
        lines.extend(feed.flush());
        feed.take_in(&state, frame(&state, THEME));
        prop_assert!(!feed.waits(), "a second look brings nothing");
        prop_assert_eq!(plain(&lines), whole);
    }
}
