use super::*;
use crate::tui::feed::Feed;
use crate::tui::grid::Grid;
use crate::tui::state::Picker;
use crate::tui::testing::{answered, opened, plain, rows, turn_event, typed};
use crate::tui::update::{Message, update};
use crossterm::event::{KeyCode, KeyEvent, KeyModifiers};
use ratatui::{Terminal, backend::TestBackend, widgets::Paragraph};
use std::sync::Arc;
use wharf_protocol::{ColumnKind, EventBody, Session, Text, TurnBegan};

const THEME: Theme = Theme { color: false, ascii: false };
const SIZES: [(u16, u16); 3] = [(40, 12), (80, 24), (120, 40)];

/// A picture as a terminal of this size shows it.
fn on_terminal(picture: &Picture, (columns, rows): (u16, u16)) -> String {
    let mut terminal = Terminal::new(TestBackend::new(columns, rows)).unwrap();
    terminal.draw(|f| f.render_widget(Paragraph::new(picture.lines.clone()), f.area())).unwrap();
    terminal.backend().to_string()
}

fn in_sizes(name: &str, mut draw: impl FnMut(&mut State) -> Picture, mut state: impl FnMut() -> State) {
    for size in SIZES {
        let mut state = state();
        state.size = size;
        let picture = draw(&mut state);
        assert!(
            picture.lines.len() <= usize::from(size.1),
            "{name} at {size:?} is {} lines",
            picture.lines.len()
        );
        for line in &picture.lines {
            assert!(line.width() <= usize::from(size.0), "{name} at {size:?}: {line}");
        }
        insta::assert_snapshot!(format!("{name}_{}x{}", size.0, size.1), on_terminal(&picture, size));
    }
}

fn conversation() -> State {
    let mut state = opened(0);
    let next = answered(&mut state, "a", 1);
    turn_event(
        &mut state,
        "b",
        next,
        EventBody::Session(TurnBegan { question: "and by month?".into(), title: "Sales".into() }),
    );
    turn_event(
        &mut state,
        "b",
        next + 1,
        EventBody::Status(Text { text: "reading the question against the models".into() }),
    );
    state.now = 3_000;
    state
}

#[test]
fn an_empty_screen_says_what_to_do() {
    let state = || {
        let mut state = State::new((80, 24), false);
        state.source = Some("demo".into());
        state.examples = vec![
            "revenue by month in 2024".into(),
            "top 5 products by revenue".into(),
            "orders last week".into(),
        ];
        state
    };
    in_sizes("empty", |s| live(s, Vec::new(), frame(s, THEME)), state);
}

#[test]
fn the_live_area_holds_draft_menu_and_what_goes_on() {
    in_sizes(
        "live",
        |s| {
            typed(s, "/");
            live(s, Vec::new(), frame(s, THEME))
        },
        conversation,
    );
}

#[test]
fn the_full_screen_follows_the_tail_and_scrolls() {
    let full = || {
        let mut state = conversation();
        state.full = true;
        state
    };
    in_sizes("full", |s| whole(s, THEME).unwrap(), full);
    let mut state = full();
    update(&mut state, Message::Key(KeyEvent::new(KeyCode::PageUp, KeyModifiers::NONE)), 1);
    let text = plain(&whole(&mut state, THEME).unwrap().lines);
    assert!(text.contains("lines below"), "{text}");
    for _ in 0..50 {
        update(&mut state, Message::Key(KeyEvent::new(KeyCode::PageUp, KeyModifiers::NONE)), 1);
    }
    let text = plain(&whole(&mut state, THEME).unwrap().lines);
    assert!(text.contains("revenue by region (a)"), "the first line can be reached: {text}");
}

#[test]
fn the_grid_has_types_row_numbers_and_its_place() {
    let data: Vec<Vec<Option<String>>> = (0..400)
        .map(|i| {
            let name = if i == 3 {
                None
            } else {
                Some(format!("customer {i} \u{1b}]0;title\u{7} with a very long name"))
            };
            vec![
                name,
                Some(format!("{}", i * 1001)),
                Some("日本語".into()),
                Some(String::new()),
                Some("2024-01-01".into()),
            ]
        })
        .collect();
    let data: Vec<Vec<Option<&str>>> =
        data.iter().map(|r| r.iter().map(Option::as_deref).collect()).collect();
    let data: Vec<&[Option<&str>]> = data.iter().map(|r| &r[..]).collect();
    let columns = [
        ("customer", ColumnKind::Text),
        ("revenue", ColumnKind::Number),
        ("region", ColumnKind::Text),
        ("note", ColumnKind::Text),
        ("day", ColumnKind::Time),
    ];
    let rows = Arc::new(rows(&columns, &data));
    let state = || {
        let mut state = opened(0);
        state.popup =
            Some(Popup::Grid(Box::new(Grid::new(rows.clone(), None, "revenue by customer".into(), (0, 1)))));
        state
    };
    in_sizes("grid", |s| whole(s, THEME).unwrap(), state);
    let end = |s: &mut State| {
        let _ = whole(s, THEME);
        for code in [KeyCode::End, KeyCode::Right, KeyCode::Right, KeyCode::Char('w')] {
            update(s, Message::Key(KeyEvent::new(code, KeyModifiers::NONE)), 1);
        }
        whole(s, THEME).unwrap()
    };
    in_sizes("grid_end_wide", end, state);
}

#[test]
fn a_chart_fills_the_screen() {
    let state = || {
        let mut state = conversation();
        update(&mut state, Message::Key(KeyEvent::new(KeyCode::Tab, KeyModifiers::NONE)), 1);
        update(&mut state, Message::Key(KeyEvent::new(KeyCode::Char('c'), KeyModifiers::NONE)), 1);
        state
    };
    in_sizes("chart", |s| whole(s, THEME).unwrap(), state);
}

#[test]
fn the_help_and_the_sessions_fit() {
    let help = || {
        let mut state = opened(0);
        state.popup = Some(Popup::Help);
        state
    };
    in_sizes("help", |s| whole(s, THEME).unwrap(), help);
    let session = |id: &str, title: &str, busy| Session {
        session_id: id.into(),
        title: title.into(),
        source: Some("demo".into()),
        created_at: "2024-06-01T10:00:00Z".into(),
        updated_at: "2024-06-01T10:00:00Z".into(),
        message_count: 4,
        busy,
        attached: 0,
        last_event: 9,
        last_response_metadata: None,
    };
    let picker = || {
        let mut state = opened(0);
        state.today = crate::tui::time::days("2024-06-03T10:00:00Z").unwrap();
        let sessions = vec![
            session("s", "Sales", true),
            session("x", "Returns of \u{1b}[31mred 日本語 shoes by month and by week", false),
        ];
        state.popup = Some(Popup::Picker(Picker { sessions: Some(sessions), filter: String::new(), at: 1 }));
        state
    };
    in_sizes("picker", |s| whole(s, THEME).unwrap(), picker);
}

#[test]
fn what_goes_up_reads_well() {
    for (name, theme) in [("unicode", THEME), ("ascii", Theme { color: false, ascii: true })] {
        let mut state = conversation();
        state.show_sql = true;
        let frame = frame(&state, theme);
        let mut feed = Feed::default();
        feed.take_in(&state, frame);
        insta::assert_snapshot!(format!("scrollback_{name}"), plain(&feed.flush()));
    }
}
