//! Plays a script of questions and compares each reading with the one written down.
//!
//! `?` asks a first question, `+` a follow-up; `=` is a right reading (several lines: any of them), `!` says that the
//! question cannot be answered and lists texts, parted by commas, that the answer must mention.

use chrono::{DateTime, Utc};
use wharf_question::{Cannot, ChartHint, Comparison, Grain, Outcome, Reader, Reading};

struct Turn {
    line: usize,
    question: String,
    follows: bool,
    right: Vec<String>,
    cannot: Option<Vec<String>>,
}

/// Counts of a played script.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Score {
    /// Turns in all.
    pub turns: usize,
    /// Turns read as written down, or refused as written down.
    pub right: usize,
    /// Turns read as something else.
    pub wrong: usize,
}

/// Plays `text` and prints what differs.
pub fn play(reader: &Reader, now: DateTime<Utc>, text: &str) -> Score {
    let mut score = Score::default();
    let mut previous: Option<Reading> = None;
    for turn in turns(text) {
        score.turns += 1;
        let before = if turn.follows { previous.as_ref() } else { None };
        match reader.read(&turn.question, now, before) {
            Outcome::Query(reading) => {
                let got = state(&reading);
                if turn.right.contains(&got) {
                    score.right += 1;
                } else {
                    score.wrong += 1;
                    println!(
                        "line {}: WRONG {:?}\n   got {got}\n  want {}",
                        turn.line,
                        turn.question,
                        turn.right.join("\n    or ")
                    );
                }
                previous = Some(*reading);
            }
            Outcome::Cannot(cannot) => {
                let said = mention(&cannot);
                let missing = turn.cannot.as_ref().map(|texts| {
                    texts.iter().filter(|text| !said.contains(text.as_str())).collect::<Vec<_>>()
                });
                if missing.as_ref().is_some_and(Vec::is_empty) {
                    score.right += 1;
                } else {
                    println!(
                        "line {}: MISS {:?}\n  said {said}\n  want {} {missing:?}",
                        turn.line,
                        turn.question,
                        turn.right.join("\n    or ")
                    );
                }
            }
        }
    }
    score
}

/// All that a refusal says, in one text.
pub fn mention(cannot: &Cannot) -> String {
    let offers = cannot.offers.iter().map(|offer| format!("{} ({})", offer.text, offer.names.join(" ")));
    format!(
        "{:?}: {} [{}] {}",
        cannot.kind,
        cannot.message,
        cannot.choices.join(" "),
        offers.collect::<Vec<_>>().join("; ")
    )
}

fn turns(text: &str) -> Vec<Turn> {
    let mut turns: Vec<Turn> = Vec::new();
    for (number, line) in text.lines().enumerate() {
        let line = line.trim();
        let Some(mark) = line.chars().next().filter(|mark| *mark != '#') else { continue };
        let rest = line[1..].trim().to_owned();
        match (mark, turns.last_mut()) {
            ('?' | '+', _) => {
                let follows = mark == '+';
                turns.push(Turn {
                    line: number + 1,
                    question: rest,
                    follows,
                    right: Vec::new(),
                    cannot: None,
                });
            }
            ('=', Some(turn)) => turn.right.push(rest),
            ('!', Some(turn)) => {
                turn.cannot = Some(
                    rest.split(',')
                        .map(|text| text.trim().to_owned())
                        .filter(|text| !text.is_empty())
                        .collect(),
                );
            }
            _ => panic!("line {}: not a script line: {line}", number + 1),
        }
    }
    turns
}

/// A reading as one line.
fn state(reading: &Reading) -> String {
    let query = &reading.query;
    let mut line = query.metrics.join(", ");
    let mut add = |word: &str, text: String| {
        if !text.is_empty() {
            line = format!("{line} {word} {text}");
        }
    };
    add("by", query.group_by.join(", "));
    let plain = |filter: &String| {
        let filter = filter.replace("{{ Dimension('", "").replace("{{ Entity('", "");
        let filter = filter.replace("{{ TimeDimension('metric_time', '", "metric_time.");
        filter.replace("') }}", "").replace("', entity_path=['", " via ").replace("']) }}", "")
    };
    add("where", query.r#where.iter().map(plain).collect::<Vec<_>>().join(" & "));
    add("in", range(query.start_time.as_ref(), query.end_time.as_ref()));
    let having = reading
        .having
        .iter()
        .map(|having| format!("{} {} {}", having.metric, having.op.sign(), having.number));
    add("having", having.collect::<Vec<_>>().join(" & "));
    add("sort", query.order_by.join(", "));
    add("limit", query.limit.or(reading.limit).map(|limit| limit.to_string()).unwrap_or_default());
    add(
        "versus",
        match &reading.comparison {
            None => String::new(),
            Some(Comparison::ShareOfTotal { query }) => {
                format!("total{}", if query.r#where.is_empty() { "" } else { " where" })
            }
            Some(Comparison::PeriodOverPeriod { step }) => step.name().to_owned(),
            Some(Comparison::OtherPeriod { query, .. }) => {
                range(query.start_time.as_ref(), query.end_time.as_ref())
            }
        },
    );
    add(
        "chart",
        reading
            .chart
            .map(|hint| match hint {
                ChartHint::Any => "any".to_owned(),
                ChartHint::Line => "line".to_owned(),
                ChartHint::Bar => "bar".to_owned(),
                ChartHint::Table => "table".to_owned(),
            })
            .unwrap_or_default(),
    );
    line
}

fn range(start: Option<&String>, end: Option<&String>) -> String {
    match (start, end) {
        (None, None) => String::new(),
        (start, end) => {
            format!("{}..{}", start.cloned().unwrap_or_default(), end.cloned().unwrap_or_default())
        }
    }
}

/// A day at noon.
pub fn noon(day: &str) -> DateTime<Utc> {
    format!("{day}T12:00:00Z").parse().unwrap()
}

/// The finest grain of daily data, for fixtures.
pub const DAILY: Option<Grain> = Some(Grain::Day);
