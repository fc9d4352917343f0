//! Helps for the tests of this room.

use crate::tui::state::{Open, State};
use crate::tui::update::{Message, update};
use ratatui::text::Line;
use wharf_protocol::{
    Cell, Chart, ChartField, ChartMark, Column, ColumnKind, Completion, Event, EventBody, Rows, Text,
    Thinking, ToolCall, TurnBegan, TurnStatus, Usage,
};

/// Lines as plain text, without blanks at their ends.
pub fn plain(lines: &[Line<'_>]) -> String {
    lines.iter().map(|l| l.to_string().trim_end().to_owned()).collect::<Vec<_>>().join("\n")
}

/// A result of these columns and values.
pub fn rows(columns: &[(&str, ColumnKind)], data: &[&[Option<&str>]]) -> Rows {
    let name = |kind: ColumnKind| if kind == ColumnKind::Number { "DOUBLE" } else { "VARCHAR" };
    let cell = |(i, value): (usize, &Option<&str>)| match value {
        None => Cell::Null,
        Some(text) if columns[i].1 == ColumnKind::Number => Cell::Number((*text).to_owned()),
        Some(text) => Cell::Text((*text).to_owned()),
    };
    Rows {
        columns: columns
            .iter()
            .map(|(n, k)| Column { name: (*n).to_owned(), r#type: name(*k).to_owned(), kind: *k })
            .collect(),
        rows: data.iter().map(|row| row.iter().enumerate().map(cell).collect()).collect(),
        truncated: false,
    }
}

/// A screen of 80 by 24 that shows the session `s`, with events up to `history` from before.
pub fn opened(history: u64) -> State {
    let mut state = State::new((80, 24), false);
    state.session =
        Some(Open { id: "s".into(), title: "Sales".into(), source: Some("demo".into()), seen: 0, history });
    state
}

/// Event number `seq` of the one turn of the session `s` happens.
pub fn event(state: &mut State, seq: u64, body: EventBody) {
    turn_event(state, "turn", seq, body);
}

/// Event number `seq` of the session `s` happens in a turn.
pub fn turn_event(state: &mut State, turn: &str, seq: u64, body: EventBody) {
    let now = state.now;
    let event = Event { seq, turn_id: turn.into(), at: String::new(), body };
    update(state, Message::Event { session: "s".into(), event }, now);
}

/// The end of an answer.
pub fn complete() -> EventBody {
    EventBody::Complete(Completion {
        status: TurnStatus::Completed,
        answer: String::new(),
        offers: Vec::new(),
    })
}

/// Text is typed.
pub fn typed(state: &mut State, text: &str) {
    state.composer.insert(text);
}

/// A whole turn: question, reading, step, result with a chart, text, end; returns the next event's number.
pub fn answered(state: &mut State, turn: &str, mut seq: u64) -> u64 {
    let data: [&[Option<&str>]; 4] = [
        &[Some("north"), Some("1234567.5")],
        &[Some("日本"), Some("-4000")],
        &[None, Some("20000")],
        &[Some("e\u{1b}[2Jvil\n"), None],
    ];
    let result = rows(&[("region", ColumnKind::Text), ("revenue", ColumnKind::Number)], &data);
    let field =
        |name: &str, kind: &str| ChartField { field: name.into(), r#type: kind.into(), title: name.into() };
    let chart = Chart {
        mark: ChartMark::Bar,
        title: "revenue by region".into(),
        x: Some(field("region", "nominal")),
        y: vec![field("revenue", "quantitative")],
        color: None,
        summary: "revenue: 3 points, from -4000 to 1234567.5, 1 missing".into(),
    };
    let call = |rows, time_ms| {
        EventBody::Tool(ToolCall { name: "metric_query".into(), target: "revenue".into(), rows, time_ms })
    };
    let text = |text: &str| EventBody::Token(Text { text: text.into() });
    let bodies = vec![
        EventBody::Session(TurnBegan {
            question: format!("revenue by region ({turn})"),
            title: "Sales".into(),
        }),
        EventBody::Status(Text { text: "reading the question".into() }),
        EventBody::Thinking(Thinking { text: "revenue by region, all time".into(), query: None }),
        EventBody::Sql(Text {
            text: "SELECT region,\n  sum(amount) AS revenue\nFROM orders\nGROUP BY 1".into(),
        }),
        call(None, None),
        call(Some(4), Some(8.2)),
        EventBody::Table(result),
        EventBody::Chart(chart),
        text("4 rows. **High"),
        text("est** revenue: 1,234,567.5 for north;"),
        text(" lowest: -4,000 for 日本.\n\n- one"),
        text("\n- two\n"),
        EventBody::Usage(Usage { time_ms: 34.0, rows: 4, ..Usage::default() }),
        complete(),
    ];
    for body in bodies {
        turn_event(state, turn, seq, body);
        seq += 1;
    }
    seq
}
