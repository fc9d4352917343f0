use super::*;
use crate::tui::state::Item;
use crate::tui::testing::{complete, event, opened, typed};
use crossterm::event::{KeyCode, KeyModifiers};
use proptest::prelude::*;
use wharf_protocol::{EventBody, Text, TurnBegan};

fn press(state: &mut State, code: KeyCode, modifiers: KeyModifiers, now: Millis) -> Vec<Effect> {
    update(state, Message::Key(KeyEvent::new(code, modifiers)), now)
}

fn esc(state: &mut State) -> Vec<Effect> {
    press(state, KeyCode::Esc, KeyModifiers::NONE, 10)
}

fn control(state: &mut State, c: char, now: Millis) -> Vec<Effect> {
    press(state, KeyCode::Char(c), KeyModifiers::CONTROL, now)
}

/// A screen with a turn that runs.
fn running() -> State {
    let mut state = opened(0);
    event(
        &mut state,
        1,
        EventBody::Session(TurnBegan { question: "revenue".into(), title: "revenue".into() }),
    );
    state
}

#[test]
fn esc_closes_the_topmost_thing_and_only_then_stops_the_turn() {
    let mut state = running();
    state.popup = Some(Popup::Help);
    state.scrolled = 3;
    typed(&mut state, "/he");
    // The menu opens only in the conversation, so the help goes first.
    assert_eq!(esc(&mut state), vec![]);
    assert!(state.popup.is_none());
    assert_eq!(esc(&mut state), vec![]);
    assert!(state.composer.is_empty() || state.scrolled == 0);
    state.composer.clear();
    state.scrolled = 0;
    typed(&mut state, "a draft");
    assert_eq!(esc(&mut state), vec![Effect::Stop("turn".into())]);
    assert_eq!(state.composer.text(), "a draft", "the draft stays");
    assert_eq!(esc(&mut state), vec![], "it is asked once");
}

#[test]
fn control_c_clears_then_stops_then_quits_on_the_second() {
    let mut state = running();
    typed(&mut state, "draft");
    assert_eq!(control(&mut state, 'c', 100), vec![]);
    assert!(state.composer.is_empty());
    assert_eq!(control(&mut state, 'c', 200), vec![Effect::Stop("turn".into())]);
    assert!(!state.done);
    assert_eq!(control(&mut state, 'c', 300), vec![]);
    assert!(state.quit_until.is_some() && !state.done, "the hint is shown");
    control(&mut state, 'c', 5_000);
    assert!(!state.done, "too late: the hint is shown again");
    control(&mut state, 'c', 5_100);
    assert!(state.done);
}

#[test]
fn control_d_quits_on_an_empty_line_only() {
    let mut state = opened(0);
    typed(&mut state, "x");
    control(&mut state, 'd', 1);
    assert!(!state.done);
    state.composer.clear();
    control(&mut state, 'd', 1);
    assert!(state.done);
}

#[test]
fn a_question_is_sent_once_and_comes_back_when_it_fails() {
    let mut state = opened(0);
    typed(&mut state, "revenue by month");
    let effects = press(&mut state, KeyCode::Enter, KeyModifiers::NONE, 1);
    assert_eq!(
        effects,
        vec![Effect::Ask { question: "revenue by month".into(), session: Some("s".into()), source: None }]
    );
    typed(&mut state, "next");
    assert_eq!(press(&mut state, KeyCode::Enter, KeyModifiers::NONE, 2), vec![]);
    assert_eq!(state.composer.text(), "next", "the draft stays while an answer is on its way");
    state.composer.clear();
    let error = ApiError::new(wharf_protocol::ErrorKind::Unavailable, "daemon_unreachable", "gone");
    update(&mut state, Message::Failed(Doing::Asking, error), 3);
    assert_eq!(state.composer.text(), "revenue by month");
    assert!(!state.busy() && state.notice.as_ref().is_some_and(|n| n.failure));
}

#[test]
fn events_are_applied_once_however_often_they_come() {
    let mut state = running();
    for _ in 0..3 {
        event(&mut state, 2, EventBody::Token(Text { text: "twelve".into() }));
    }
    event(&mut state, 1, EventBody::Session(TurnBegan { question: "again".into(), title: "t".into() }));
    assert_eq!(state.turns.len(), 1);
    assert_eq!(state.turns[0].items, vec![Item::Text("twelve".into())]);
}

#[test]
fn a_turn_cut_by_the_daemons_end_is_interrupted_and_can_be_asked_again() {
    let mut state = running();
    update(&mut state, Message::Broken("s".into()), 5);
    assert_eq!(state.link, Link::Broken(5));
    event(&mut state, 2, EventBody::Token(Text { text: "half".into() }));
    let error = ApiError::new(wharf_protocol::ErrorKind::Unavailable, "interrupted", "the daemon ended");
    event(&mut state, 3, EventBody::Error(error));
    assert_eq!(state.link, Link::Live);
    assert_eq!(state.turns[0].status, TurnStatus::Interrupted);
    assert_eq!(state.turns[0].items[0], Item::Text("half".into()), "what was said stays");
    let effects = press(&mut state, KeyCode::Enter, KeyModifiers::NONE, 9);
    assert_eq!(
        effects,
        vec![Effect::Ask { question: "revenue".into(), session: Some("s".into()), source: None }]
    );
}

#[test]
fn events_of_another_session_change_nothing() {
    let mut state = running();
    let other = wharf_protocol::Event { seq: 2, turn_id: "turn".into(), at: String::new(), body: complete() };
    update(&mut state, Message::Event { session: "other".into(), event: other }, 3);
    assert_eq!(state.turns[0].status, TurnStatus::Incomplete);
}

#[test]
fn commands_are_found_by_their_beginning_and_their_letters() {
    let names = |draft: &str| matching(draft).iter().map(|c| c.name).collect::<Vec<_>>();
    assert_eq!(names("/s"), ["sessions", "sql"]);
    assert_eq!(names("/rnm"), ["rename"]);
    assert!(names("/x").is_empty() && names("s").is_empty() && names("/rename me").is_empty());
}

#[test]
fn a_wrong_command_stays_in_the_line() {
    let mut state = opened(0);
    typed(&mut state, "/xyz 1");
    press(&mut state, KeyCode::Enter, KeyModifiers::NONE, 1);
    assert_eq!(state.composer.text(), "/xyz 1");
    assert!(state.notice.as_ref().is_some_and(|n| n.text.contains("/xyz")));
}

#[test]
fn new_leaves_the_session_and_rename_asks_for_a_title() {
    let mut state = running();
    typed(&mut state, "/rename Board figures");
    let effects = press(&mut state, KeyCode::Enter, KeyModifiers::NONE, 1);
    assert_eq!(effects, vec![Effect::Rename { session: "s".into(), title: "Board figures".into() }]);
    typed(&mut state, "/new");
    assert_eq!(press(&mut state, KeyCode::Enter, KeyModifiers::NONE, 1), vec![Effect::Unfollow]);
    assert!(state.session.is_none() && state.turns.is_empty());
}

fn any_key() -> impl Strategy<Value = KeyEvent> {
    let codes = prop_oneof![
        Just(KeyCode::Esc),
        Just(KeyCode::Enter),
        Just(KeyCode::Tab),
        Just(KeyCode::Up),
        Just(KeyCode::Down),
        Just(KeyCode::PageUp),
        Just(KeyCode::PageDown),
        Just(KeyCode::Home),
        Just(KeyCode::End),
        Just(KeyCode::Backspace),
        Just(KeyCode::Left),
        Just(KeyCode::Right),
        prop::sample::select("/?abcdjrstuwz[] 日".chars().collect::<Vec<_>>()).prop_map(KeyCode::Char),
    ];
    (codes, prop::sample::select(vec![KeyModifiers::NONE, KeyModifiers::CONTROL, KeyModifiers::ALT]))
        .prop_map(|(code, modifiers)| KeyEvent::new(code, modifiers))
}

fn any_body() -> impl Strategy<Value = EventBody> {
    use crate::tui::testing::rows;
    use wharf_protocol::{Chart, ChartField, ChartMark, ColumnKind, ErrorKind, Thinking, ToolCall};
    let field = |name: &str| ChartField { field: name.into(), r#type: "nominal".into(), title: name.into() };
    let chart = Chart {
        mark: ChartMark::Bar,
        title: "t".into(),
        x: Some(field("x")),
        y: vec![field("y")],
        color: None,
        summary: String::new(),
    };
    let table = rows(
        &[("x", ColumnKind::Text), ("y", ColumnKind::Number)],
        &[&[Some("a\u{1b}[2J"), Some("1")], &[None, None]],
    );
    prop_oneof![
        Just(EventBody::Session(TurnBegan { question: "q".into(), title: "t".into() })),
        ".{0,12}".prop_map(|text| EventBody::Token(Text { text })),
        Just(EventBody::Status(Text { text: "at work".into() })),
        Just(EventBody::Thinking(Thinking { text: "as".into(), query: None })),
        Just(EventBody::Tool(ToolCall { name: "n".into(), target: "t".into(), rows: None, time_ms: None })),
        Just(EventBody::Tool(ToolCall {
            name: "n".into(),
            target: "t".into(),
            rows: Some(1),
            time_ms: Some(2.0)
        })),
        Just(EventBody::Sql(Text { text: "select 1".into() })),
        Just(EventBody::Table(table)),
        Just(EventBody::Chart(chart)),
        Just(EventBody::Error(ApiError::new(ErrorKind::Cancelled, "cancelled", "stopped"))),
        Just(complete()),
        Just(EventBody::Unknown),
    ]
}

proptest! {
    /// Whatever comes in whatever order: nothing panics, and every view can be drawn.
    #[test]
    fn any_order_of_keys_and_events_is_survived(
        steps in proptest::collection::vec(prop_oneof![any_key().prop_map(Ok), any_body().prop_map(Err)], 0..60),
        width in 1_u16..100, height in 1_u16..40, full: bool,
    ) {
        let mut state = opened(0);
        (state.size, state.full) = ((width, height), full);
        let theme = crate::tui::theme::Theme { color: false, ascii: false };
        let mut feed = crate::tui::feed::Feed::default();
        for (i, step) in steps.into_iter().enumerate() {
            let now = i as u64 * 50;
            match step {
                Ok(key) => {
                    let before = state.running().map(|t| (t.id.clone(), t.stopping));
                    let effects = update(&mut state, Message::Key(key), now);
                    for effect in effects {
                        if let Effect::Stop(id) = effect {
                            prop_assert_eq!(before.clone(), Some((id, false)), "only a running turn is stopped, and once");
                        }
                    }
                }
                Err(body) => event(&mut state, i as u64 + 1, body),
            }
            let frame = crate::tui::views::frame(&state, theme);
            feed.take_in(&state, frame);
            let _ = crate::tui::views::whole(&mut state, theme);
            let _ = feed.let_out(now);
            let tail = feed.live(&state, frame);
            let picture = crate::tui::views::live(&state, tail, frame);
            for line in &picture.lines {
                let clean = line.to_string().chars().all(|c| !c.is_control());
                prop_assert!(clean, "{:?}", line);
            }
            if state.session.is_none() {
                state = opened(0);
                state.size = (width, height);
                feed = crate::tui::feed::Feed::default();
            }
        }
    }
}
