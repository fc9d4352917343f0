//! The embedded provider: no key, no network, no guessing.
//!
//! It reads a question against the words of a source's semantic models, states how it read it, compiles the metric query
//! and takes it through the gate. What it cannot read it says so, and offers what it can.

mod compare;
mod exact;
mod vocabulary;
mod words;

use super::Question;
use super::chart;
use super::turn::{Finished, TurnLog};
use crate::clock;
use crate::gate::{Deliver, Rights, Statement};
use crate::models::Loaded;
use crate::sources::Collect;
use std::time::Instant;
use vocabulary::Vocabularies;
use wharf_protocol::{ApiError, ErrorKind, Offer, Permission, Rows, ToolCall, TurnStatus};
use wharf_question::{Cannot, Comparison, Outcome, Reading};
use wharf_semantic::MetricQuery;

/// Rows of an answer that are kept with it. More are said to be more.
const MOST_ROWS: u64 = 10_000;

#[derive(Default)]
pub(super) struct Local {
    vocabularies: Vocabularies,
}

impl Local {
    pub(super) async fn answer(&self, question: &Question, log: &mut TurnLog) -> Result<Finished, ApiError> {
        if question.has_context {
            log.status("the local provider reads the question only; the piped text is not used").await?;
        }
        log.status(&format!("reading the question against the models of {}", question.source)).await?;
        let loaded = question.models.of(&question.source).await?;
        let reader = self.vocabularies.reader(question, &loaded, log.cancel()).await?;
        let previous: Option<Reading> =
            question.follow_up.as_deref().and_then(|text| serde_json::from_str(text).ok());
        let outcome = reader.read(&question.text, question.now, previous.as_ref());
        match outcome {
            Outcome::Query(reading) => self.run(question, &loaded, *reading, log).await,
            Outcome::Cannot(cannot) => decline(cannot, question.follow_up.clone(), log).await,
        }
    }

    async fn run(
        &self,
        question: &Question,
        loaded: &Loaded,
        reading: Reading,
        log: &mut TurnLog,
    ) -> Result<Finished, ApiError> {
        let today = question.now.date_naive().to_string();
        let compiled = question.models.compile(loaded, &reading.query, Some(&today))?;
        let query = serde_json::to_value(&reading.query).map_err(|e| internal(&e))?;
        log.reading(&reading.summary, query, &compiled.sql).await?;
        let mut rows = self.rows(question, loaded, &reading.query, &compiled.sql, log).await?;
        compare::having(&mut rows, &reading.having);
        if let Some(limit) = reading.limit {
            rows.rows.truncate(usize::try_from(limit).unwrap_or(usize::MAX));
        }
        if let Some(comparison) = &reading.comparison {
            let other = match comparison {
                Comparison::OtherPeriod { query, .. } | Comparison::ShareOfTotal { query } => {
                    let sql = question.models.compile(loaded, query, Some(&today))?.sql;
                    Some(self.rows(question, loaded, query, &sql, log).await?)
                }
                Comparison::PeriodOverPeriod { .. } => None,
            };
            compare::apply(&mut rows, comparison, &reading.query.metrics, other.as_ref());
        }
        let chart = chart::choose(&rows, &compiled.columns, &reading);
        let text = words::answer(&rows, &compiled.columns, &reading);
        log.result(rows, chart).await?;
        for piece in text {
            log.say(&piece).await?;
        }
        let follow_up = serde_json::to_string(&reading).map_err(|e| internal(&e))?;
        Ok(Finished { status: TurnStatus::Completed, offers: Vec::new(), follow_up: Some(follow_up) })
    }

    async fn rows(
        &self,
        question: &Question,
        loaded: &Loaded,
        query: &MetricQuery,
        sql: &str,
        log: &mut TurnLog,
    ) -> Result<Rows, ApiError> {
        let mut call = ToolCall {
            name: "metric_query".to_owned(),
            target: query.metrics.join(", "),
            rows: None,
            time_ms: None,
        };
        log.tool(call.clone()).await?;
        let begun = Instant::now();
        let mut statement = Statement::new("ask", Rights::Source, sql).source(&loaded.source);
        let today = question.now.date_naive().to_string();
        statement.local = question.models.compile_local(loaded, query, Some(&today));
        statement.limit = Some(MOST_ROWS);
        let deliver = Deliver::Rows(Collect::default());
        let delivered =
            question.gate.run(statement, log.cancel().clone(), deliver).await.map_err(|mut e| {
                let sees = question.gate.principal().may(Permission::ViewSql);
                let place = if sees { "; the SQL is in the turn's events" } else { "" };
                e.hint.get_or_insert_with(|| format!("the question was `{}`{place}", question.text));
                e
            })?;
        let rows = delivered.consumer.map(|c| c.rows(delivered.stats.truncated)).unwrap_or_default();
        (call.rows, call.time_ms) = (Some(rows.rows.len() as u64), Some(clock::millis_since(begun)));
        log.tool(call).await?;
        Ok(rows)
    }
}

/// Says that the question cannot be answered, why, and what can be asked instead.
async fn decline(cannot: Cannot, follow_up: Option<String>, log: &mut TurnLog) -> Result<Finished, ApiError> {
    let mut text = format!("I can't answer that: {}.", cannot.message.trim_end_matches('.'));
    if !cannot.hint.is_empty() {
        text.push_str(&format!(" {}.", words::capital(cannot.hint.trim_end_matches('.'))));
    }
    log.say(&text).await?;
    if !cannot.choices.is_empty() {
        log.say(&format!("\n\nIt could mean: {}.", cannot.choices.join(", "))).await?;
    }
    let offers: Vec<Offer> =
        cannot.offers.into_iter().map(|o| Offer { text: o.text, names: o.names }).collect();
    if !offers.is_empty() {
        let list: Vec<String> = offers.iter().map(|o| format!("- {}", o.text)).collect();
        log.say(&format!("\n\nYou could ask:\n{}", list.join("\n"))).await?;
    }
    Ok(Finished { status: TurnStatus::Unanswered, offers, follow_up })
}

fn internal(e: &serde_json::Error) -> ApiError {
    ApiError::new(ErrorKind::Internal, "reading", e.to_string())
}
