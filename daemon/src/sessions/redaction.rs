//! Conversations for those who may not see SQL: it is taken out of every field that can carry it, when something leaves.
//! The journal keeps the whole.
//!
//! A field that is SQL or the argument of a tool is emptied. A field of words is cut where a statement begins in it: a
//! provider may quote one in what it says it does, in its answer, or in an error of the engine. What somebody asked, and
//! the rows they got, are theirs and stay.

use super::Entry;
use serde_json::Value;
use wharf_protocol::{Answer, ApiError, Chart, Event, EventBody, Offer, Turn};

/// Stands where a statement stood.
const WITHHELD: &str = "[SQL withheld]";

/// Something that can be told without its SQL.
pub trait Redact {
    /// The same without SQL.
    #[must_use]
    fn without_sql(self) -> Self;
}

impl Redact for EventBody {
    fn without_sql(self) -> Self {
        match self {
            Self::Sql(mut text) => {
                text.text.clear();
                Self::Sql(text)
            }
            Self::Tool(mut call) => {
                call.target.clear();
                Self::Tool(call)
            }
            Self::Status(mut text) => {
                words(&mut text.text);
                Self::Status(text)
            }
            Self::Token(mut text) => {
                words(&mut text.text);
                Self::Token(text)
            }
            Self::Thinking(mut thinking) => {
                words(&mut thinking.text);
                thinking.query.iter_mut().for_each(json);
                Self::Thinking(thinking)
            }
            Self::Chart(chart) => Self::Chart(chart.without_sql()),
            Self::Error(error) => Self::Error(error.without_sql()),
            Self::Complete(mut complete) => {
                words(&mut complete.answer);
                complete.offers = complete.offers.into_iter().map(Redact::without_sql).collect();
                Self::Complete(complete)
            }
            // What was asked, what came of it, and figures.
            body @ (Self::Session(_) | Self::Table(_) | Self::Usage(_)) => body,
            // Nobody here knows what else it could carry.
            Self::Unknown => Self::Unknown,
        }
    }
}

impl Redact for Answer {
    fn without_sql(mut self) -> Self {
        words(&mut self.answer);
        self.reading.iter_mut().for_each(words);
        self.query.iter_mut().for_each(json);
        self.chart = self.chart.map(Redact::without_sql);
        self.offers = self.offers.into_iter().map(Redact::without_sql).collect();
        self.error = self.error.map(Redact::without_sql);
        Self { sql: None, ..self }
    }
}

impl Redact for Turn {
    fn without_sql(self) -> Self {
        Self { answer: self.answer.without_sql(), ..self }
    }
}

impl Redact for Entry {
    fn without_sql(self) -> Self {
        let told = Event::from_json(&self.json).and_then(|event| {
            let body = event.body.clone().without_sql();
            Event { body, ..event }.to_json()
        });
        // What cannot be read cannot be looked through.
        let json = told.unwrap_or_else(|_| "{}".to_owned());
        Self { json, ..self }
    }
}

impl Redact for Chart {
    fn without_sql(mut self) -> Self {
        words(&mut self.title);
        words(&mut self.summary);
        self
    }
}

impl Redact for Offer {
    fn without_sql(mut self) -> Self {
        words(&mut self.text);
        self.names.iter_mut().for_each(words);
        self
    }
}

impl Redact for ApiError {
    fn without_sql(mut self) -> Self {
        words(&mut self.message);
        self.hint.iter_mut().for_each(words);
        self
    }
}

/// Cuts every text of a document.
fn json(value: &mut Value) {
    match value {
        Value::String(text) => words(text),
        Value::Array(items) => items.iter_mut().for_each(json),
        Value::Object(fields) => fields.values_mut().for_each(json),
        Value::Null | Value::Bool(_) | Value::Number(_) => {}
    }
}

/// Cuts a text where a statement begins. Where it ends nobody can tell, unless it stands in a fence.
fn words(text: &mut String) {
    let mut told = String::new();
    let mut rest = text.as_str();
    while let Some(at) = begins(rest) {
        told.push_str(&rest[..at]);
        told.push_str(WITHHELD);
        let fenced = told.matches("```").count() % 2 == 1;
        rest = match rest[at..].find("```").filter(|_| fenced) {
            Some(end) => &rest[at + end..],
            None => "",
        };
    }
    if !told.is_empty() {
        told.push_str(rest);
        *text = told;
    }
}

/// Where a statement begins: at a word that begins one, with the words behind it that such a one has.
fn begins(text: &str) -> Option<usize> {
    let lower = text.to_ascii_lowercase();
    let words: Vec<(usize, &str)> = word_starts(&lower).collect();
    let later =
        |from: usize, wanted: &[&str]| words[from + 1..].iter().any(|(_, word)| wanted.contains(word));
    let next = |from: usize| words.get(from + 1).map_or("", |(_, word)| *word);
    let found = words.iter().enumerate().find(|(i, (at, word))| {
        let behind = lower[at + word.len()..].trim_start();
        match *word {
            "select" => {
                behind.starts_with(|c: char| c.is_ascii_digit() || "*('\"$".contains(c))
                    || later(*i, &["from"])
            }
            "with" => {
                words[i + 1..]
                    .iter()
                    .any(|(at, word)| *word == "as" && begins_subquery(lower[at + 2..].trim_start()))
                    && later(*i, &["select", "from"])
            }
            "from" => later(*i, &["select"]) && !words[..*i].iter().any(|(_, word)| *word == "select"),
            "insert" | "merge" => next(*i) == "into",
            "delete" => next(*i) == "from",
            "update" => later(*i, &["set"]),
            "create" | "alter" | "drop" => {
                ["table", "view", "or", "schema", "temp", "temporary"].contains(&next(*i))
            }
            "copy" => later(*i, &["to", "from"]),
            "explain" => later(*i, &["select", "from"]),
            "pivot" | "unpivot" => later(*i, &["on"]),
            _ => false,
        }
    });
    found.map(|(_, (at, _))| *at)
}

/// Whether this stands behind the AS of a WITH.
fn begins_subquery(text: &str) -> bool {
    ["(", "materialized", "not materialized"].iter().any(|begin| text.starts_with(begin))
}

/// Words with their places.
fn word_starts(text: &str) -> impl Iterator<Item = (usize, &str)> {
    text.split(|c: char| !(c.is_alphanumeric() || c == '_'))
        .filter(|word| !word.is_empty())
        .map(move |word| (word.as_ptr() as usize - text.as_ptr() as usize, word))
}

#[cfg(test)]
mod tests {
    use super::*;
    use wharf_protocol::{ErrorKind, Text, Thinking, ToolCall};

    const PLANTED: &str = "SELECT sum(amount) AS planted FROM shop.main.orders";

    #[test]
    fn a_statement_is_cut_out_of_words_and_words_stay() {
        let cut = |text: &str| {
            let mut text = text.to_owned();
            words(&mut text);
            text
        };
        for sql in [
            PLANTED,
            "select *\nfrom t",
            "Select 1",
            "select 'a'",
            "with a as (select 1) from a",
            "with a(x) as materialized (from t) from a",
            "from orders select id",
            "insert into t values (1)",
            "update t set a = 1",
            "delete from t",
            "create or replace table t as select 1",
            "copy t to 'x.csv'",
            "explain analyze select 1 from t",
            "pivot orders on tenant",
        ] {
            assert_eq!(cut(sql), WITHHELD, "{sql}");
            assert_eq!(cut(&format!("I run this: {sql}")), format!("I run this: {WITHHELD}"));
        }
        assert_eq!(
            cut(&format!("first\n```sql\n{PLANTED}\n```\nthen {PLANTED}")),
            format!("first\n```sql\n{WITHHELD}```\nthen {WITHHELD}")
        );
        for plain in [
            "12 rows. Highest revenue: 94,990.16 for 2024-05; lowest: 3 for Select Comfort.",
            "In 2023 it was 5: a change of 7 from the year before.",
            "revenue with a discount, from web, by month",
            "Revenue with discount was 5 as of May, down from 7.",
            "Customers with orders, known as new ones: 5, up from 3.",
            "reading the question against the models of shop",
            "the table orders has no column `updated`",
            "",
        ] {
            assert_eq!(cut(plain), plain);
        }
    }

    /// Planted in every field that holds text; what was asked and the rows are the asker's own.
    #[test]
    fn no_event_carries_sql() {
        let text = || Text { text: PLANTED.to_owned() };
        let error = ApiError::new(ErrorKind::Failed, "sql", PLANTED).hint(PLANTED);
        let offer = Offer { text: PLANTED.to_owned(), names: vec![PLANTED.to_owned()] };
        let chart = Chart {
            mark: wharf_protocol::ChartMark::Bar,
            title: PLANTED.to_owned(),
            x: None,
            y: Vec::new(),
            color: None,
            summary: PLANTED.to_owned(),
        };
        let query = Some(serde_json::json!({"where": [PLANTED], "deep": {"sql": PLANTED}}));
        let answer = Answer {
            answer: PLANTED.to_owned(),
            reading: Some(PLANTED.to_owned()),
            query: query.clone(),
            sql: Some(PLANTED.to_owned()),
            chart: Some(chart.clone()),
            offers: vec![offer.clone()],
            error: Some(error.clone()),
            ..crate::sessions::empty_answer("s", "t")
        };
        let bodies = [
            EventBody::Status(text()),
            EventBody::Sql(text()),
            EventBody::Token(text()),
            EventBody::Thinking(Thinking { text: PLANTED.to_owned(), query }),
            EventBody::Tool(ToolCall {
                name: "query".to_owned(),
                target: PLANTED.to_owned(),
                rows: Some(1),
                time_ms: None,
            }),
            EventBody::Chart(chart),
            EventBody::Error(error),
            EventBody::Complete(wharf_protocol::Completion {
                status: wharf_protocol::TurnStatus::Completed,
                answer: PLANTED.to_owned(),
                offers: vec![offer],
            }),
        ];
        for body in bodies {
            let event = Event { seq: 7, turn_id: "t".to_owned(), at: "now".to_owned(), body };
            let json = event.to_json().unwrap();
            assert!(json.contains("planted"));
            let entry = Entry { seq: 7, kind: event.body.kind().to_owned(), json };
            let told = entry.without_sql().json;
            assert!(!told.contains("planted") && !told.contains("orders"), "{told}");
            // It is still an event of the same type and number.
            let read = Event::from_json(&told).unwrap();
            assert_eq!((read.seq, read.body.kind()), (7, event.body.kind()));
        }
        let turn = Turn {
            question: "what was the revenue?".to_owned(),
            created_at: "now".to_owned(),
            provider: "local".to_owned(),
            answer,
        };
        let told = serde_json::to_string(&turn.without_sql()).unwrap();
        assert!(!told.contains("planted") && !told.contains("orders"), "{told}");
        assert!(told.contains("what was the revenue?"));
    }
}
