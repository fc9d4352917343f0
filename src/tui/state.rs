//! What the screen knows. Only [`crate::tui::update`] changes it.

use crate::tui::composer::Composer;
use crate::tui::grid::Grid;
use std::sync::Arc;
use wharf_protocol::{ApiError, Chart, Offer, Rows, Session, ToolCall, TurnStatus, Usage};

/// Milliseconds of a clock that only goes forward.
pub type Millis = u64;

/// Everything on the screen and behind it.
pub struct State {
    /// The session that is shown; none until the first question.
    pub session: Option<Open>,
    /// Its turns, oldest first.
    pub turns: Vec<Turn>,
    /// A question on its way to the daemon.
    pub asking: Option<String>,
    /// The line that is being written.
    pub composer: Composer,
    /// What lies over the conversation.
    pub popup: Option<Popup>,
    /// The entry of the `/` menu that is chosen.
    pub menu: usize,
    /// Whether the daemon answers.
    pub link: Link,
    /// A short message, gone at its time.
    pub notice: Option<Notice>,
    /// Statements are shown with each answer.
    pub show_sql: bool,
    /// Quits when Ctrl-C comes again before this time.
    pub quit_until: Option<Millis>,
    /// The screen is to close.
    pub done: bool,
    /// The source that new sessions are about.
    pub source: Option<String>,
    /// Questions for an empty screen.
    pub examples: Vec<String>,
    /// Lines above the tail in the full screen; 0 follows the tail.
    pub scrolled: usize,
    /// Columns and rows of the terminal.
    pub size: (u16, u16),
    /// The whole screen is ours; else the terminal's scrollback holds what is finished.
    pub full: bool,
    /// The clock at the last message.
    pub now: Millis,
    /// The wall clock, in days since 1970-01-01: ages are told by it.
    pub today: f64,
}

/// The session that is shown.
#[derive(Debug, Clone, PartialEq)]
pub struct Open {
    /// Its id.
    pub id: String,
    /// Its title.
    pub title: String,
    /// Its source.
    pub source: Option<String>,
    /// Number of the last event that was applied.
    pub seen: u64,
    /// Events up to this number were there before the screen opened the session.
    pub history: u64,
}

/// A question and all that came of it.
pub struct Turn {
    /// Its id.
    pub id: String,
    /// The question.
    pub question: String,
    /// How far it is.
    pub status: TurnStatus,
    /// What it is doing now.
    pub activity: String,
    /// When its first event was seen.
    pub begun: Millis,
    /// It happened before the screen opened the session.
    pub old: bool,
    /// The user asked for it to be stopped.
    pub stopping: bool,
    /// What came of it, in order.
    pub items: Vec<Item>,
    /// What it cost, once it is known.
    pub usage: Option<Usage>,
    /// What else can be asked.
    pub offers: Vec<Offer>,
}

/// One thing in a turn.
#[derive(Debug, Clone, PartialEq)]
pub enum Item {
    /// How the question was read.
    Reading(String),
    /// A tool that is done or, without rows and time, runs.
    Step(ToolCall),
    /// SQL, as it ran.
    Sql(String),
    /// SQL that was asked for afterwards.
    SqlAgain(String),
    /// A result.
    Table(Arc<Rows>),
    /// A chart over the result before it.
    Chart(Chart, Arc<Rows>),
    /// Text of the answer; it grows while it is the last item.
    Text(String),
    /// The turn failed or was stopped.
    Failed(ApiError),
}

/// What lies over the conversation.
pub enum Popup {
    /// The keys.
    Help,
    /// The list of sessions.
    Picker(Picker),
    /// A result.
    Grid(Box<Grid>),
}

/// The list of sessions.
#[derive(Default)]
pub struct Picker {
    /// The sessions, the latest first; none until they are known.
    pub sessions: Option<Vec<Session>>,
    /// What was typed.
    pub filter: String,
    /// The chosen one among those that match.
    pub at: usize,
}

/// Whether the daemon answers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Link {
    /// It does.
    Live,
    /// The stream broke; it is being taken up again since this time.
    Broken(Millis),
}

/// A short message.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Notice {
    /// What it says.
    pub text: String,
    /// It tells of a failure.
    pub failure: bool,
    /// When it goes.
    pub until: Millis,
}

impl State {
    /// A screen of this size without a session.
    pub fn new(size: (u16, u16), full: bool) -> Self {
        Self {
            session: None,
            turns: Vec::new(),
            asking: None,
            composer: Composer::default(),
            popup: None,
            menu: 0,
            link: Link::Live,
            notice: None,
            show_sql: false,
            quit_until: None,
            done: false,
            source: None,
            examples: Vec::new(),
            scrolled: 0,
            size,
            full,
            now: 0,
            today: 0.0,
        }
    }

    /// The turn that runs.
    pub fn running(&self) -> Option<&Turn> {
        self.turns.iter().rev().find(|t| t.status == TurnStatus::Incomplete)
    }

    /// Whether a question is on its way or being answered.
    pub fn busy(&self) -> bool {
        self.asking.is_some() || self.running().is_some()
    }

    /// The question that was cut or failed, if it is the last one: it can be asked again.
    pub fn again(&self) -> Option<&str> {
        let turn = self.turns.last()?;
        let cut = matches!(turn.status, TurnStatus::Interrupted | TurnStatus::Failed);
        (cut && !self.busy()).then_some(turn.question.as_str())
    }

    /// The results of the session, oldest first, each with its chart.
    pub fn results(&self) -> Vec<(Arc<Rows>, Option<Chart>, String)> {
        let mut found: Vec<(Arc<Rows>, Option<Chart>, String)> = Vec::new();
        for turn in &self.turns {
            for item in &turn.items {
                match item {
                    Item::Table(rows) => found.push((rows.clone(), None, turn.question.clone())),
                    Item::Chart(chart, _) => {
                        if let Some(last) = found.last_mut() {
                            last.1 = Some(chart.clone());
                        }
                    }
                    _ => {}
                }
            }
        }
        found
    }

    /// The SQL that ran last.
    pub fn last_sql(&self) -> Option<&str> {
        self.turns.iter().rev().flat_map(|t| t.items.iter().rev()).find_map(|item| match item {
            Item::Sql(sql) => Some(sql.as_str()),
            _ => None,
        })
    }

    /// Says something for a while.
    pub fn tell(&mut self, text: impl Into<String>, failure: bool) {
        let stay = if failure { 8_000 } else { 3_500 };
        self.notice = Some(Notice { text: text.into(), failure, until: self.now + stay });
    }

    /// Whether something on the screen moves by itself, so that it must be drawn again soon.
    pub fn moves(&self) -> bool {
        self.busy() || self.notice.is_some() || self.quit_until.is_some() || self.link != Link::Live
    }
}

impl Picker {
    /// The sessions whose title, source or id holds every word that was typed.
    pub fn matching(&self) -> Vec<&Session> {
        let words: Vec<String> = self.filter.to_lowercase().split_whitespace().map(str::to_owned).collect();
        let fits = |s: &&Session| {
            let text =
                format!("{} {} {}", s.title, s.source.as_deref().unwrap_or(""), s.session_id).to_lowercase();
            words.iter().all(|w| text.contains(w.as_str()))
        };
        self.sessions.as_deref().unwrap_or_default().iter().filter(fits).collect()
    }
}
