//! Turns: begun, ended, and put in order after a crash.

use super::{Sessions, journal, store};
use crate::clock;
use crate::state::{State, StateError};
use sqlx::Row;
use sqlx::sqlite::SqliteRow;
use wharf_protocol::{Answer, ApiError, ErrorKind, EventBody, Session, Turn, TurnBegan, TurnStatus, Usage};

/// A turn that has begun: it and its first event are on the disk.
#[derive(Debug, Clone)]
pub struct Begun {
    /// The turn's id.
    pub turn_id: String,
    /// Number of the last event before it.
    pub after: u64,
    /// What the provider left at the end of the turn before, to read a follow-up.
    pub follow_up: Option<String>,
}

/// How a turn ends.
#[derive(Debug, Clone)]
pub struct Ending {
    /// The whole answer.
    pub answer: Answer,
    /// What the provider needs to read the next question.
    pub follow_up: Option<String>,
    /// The last events.
    pub events: Vec<EventBody>,
}

impl Sessions {
    /// Begins a turn: accepted once this returns.
    ///
    /// # Errors
    /// When another turn of the session runs, or it cannot be kept.
    pub async fn begin(&self, session: &Session, question: &str, provider: &str) -> Result<Begun, ApiError> {
        let id = &session.session_id;
        let mut write = self.0.state.write().await?;
        let found: Result<(i64, i64, Option<String>), _> = sqlx::query_as(
            "select coalesce(max(position), 0), coalesce(sum(status = 'incomplete'), 0), \
             (select follow_up from turns where session_id = ?1 and follow_up is not null order by position desc limit 1) \
             from turns where session_id = ?1",
        )
        .bind(id)
        .fetch_one(write.on())
        .await;
        let (position, running, follow_up) = found.map_err(|e| write.error(e))?;
        if running > 0 {
            return Err(ApiError::new(
                ErrorKind::Conflict,
                "session_busy",
                "a turn of this session is still running",
            )
            .hint("wait for it, stop it, or ask in another session"));
        }
        let (turn_id, now) = (uuid::Uuid::now_v7().to_string(), clock::now_text());
        let done = sqlx::query(
            "insert into turns (id, session_id, position, question, provider, status, created_at) \
             values (?, ?, ?, ?, ?, 'incomplete', ?)",
        )
        .bind(&turn_id)
        .bind(id)
        .bind(position + 1)
        .bind(question)
        .bind(provider)
        .bind(&now)
        .execute(write.on())
        .await;
        done.map_err(|e| write.error(e))?;
        store::touch(&mut write, id, &now).await?;
        let began = TurnBegan { question: question.to_owned(), title: session.title.clone() };
        let first = journal::insert(&mut write, id, &turn_id, vec![EventBody::Session(began)]).await?;
        write.commit().await?;
        self.told(id, first);
        Ok(Begun { turn_id, after: first - 1, follow_up })
    }

    /// Ends a turn: its answer, its last events and its status in one commit.
    ///
    /// # Errors
    /// When it cannot be kept.
    pub async fn end(&self, ending: Ending) -> Result<(), ApiError> {
        let Ending { answer, follow_up, events } = ending;
        let (session, turn) = (answer.session_id.clone(), answer.turn_id.clone());
        let mut write = self.0.state.write().await?;
        let last = journal::insert(&mut write, &session, &turn, events).await?;
        let text = serde_json::to_string(&answer).map_err(|e| StateError::Other(e.to_string()))?;
        let usage = serde_json::to_string(&answer.usage).map_err(|e| StateError::Other(e.to_string()))?;
        let now = clock::now_text();
        let done = sqlx::query(
            "update turns set status = ?, answer = ?, usage = ?, follow_up = ?, finished_at = ? where id = ?",
        )
        .bind(status_name(answer.status))
        .bind(text)
        .bind(usage)
        .bind(follow_up)
        .bind(&now)
        .bind(&turn)
        .execute(write.on())
        .await;
        done.map_err(|e| write.error(e))?;
        store::touch(&mut write, &session, &now).await?;
        write.commit().await?;
        self.told(&session, last);
        Ok(())
    }

    /// After a crash: turns that were running when the daemon died are ended as interrupted, with what they had said.
    ///
    /// # Errors
    /// When the store cannot be read or written.
    pub async fn recover(&self) -> Result<usize, ApiError> {
        let cut = sqlx::query_as("select id, session_id from turns where status = 'incomplete'");
        let cut: Vec<(String, String)> =
            cut.fetch_all(self.0.state.at_boot()).await.map_err(|e| self.0.state.error(e))?;
        for (turn, session) in &cut {
            let error = ApiError::new(
                ErrorKind::Unavailable,
                "interrupted",
                "the daemon ended while this turn was running",
            )
            .hint("nothing that was said is lost; ask again to get the rest");
            let said = self.said(session, turn).await?;
            let mut answer = empty_answer(session, turn);
            answer.status = TurnStatus::Interrupted;
            answer.answer = said;
            answer.error = Some(error.clone());
            self.end(Ending { answer, follow_up: None, events: vec![EventBody::Error(error)] }).await?;
        }
        Ok(cut.len())
    }

    async fn said(&self, session: &str, turn: &str) -> Result<String, ApiError> {
        let bodies: Vec<String> = sqlx::query_scalar(
            "select body from events where session_id = ? and turn_id = ? and kind = 'token' order by seq",
        )
        .bind(session)
        .bind(turn)
        .fetch_all(self.0.state.read())
        .await
        .map_err(|e| self.0.state.error(e))?;
        let text = |json: &String| match wharf_protocol::Event::from_json(json).ok()?.body {
            EventBody::Token(token) => Some(token.text),
            _ => None,
        };
        Ok(bodies.iter().filter_map(text).collect())
    }
}

/// The answer of a turn that has said nothing yet.
pub(crate) fn empty_answer(session: &str, turn: &str) -> Answer {
    Answer {
        status: TurnStatus::Incomplete,
        session_id: session.to_owned(),
        turn_id: turn.to_owned(),
        answer: String::new(),
        reading: None,
        query: None,
        sql: None,
        result: None,
        chart: None,
        offers: Vec::new(),
        usage: Usage::default(),
        error: None,
    }
}

/// What is told of an answer that can no longer be read.
fn damaged_answer(session: &str, turn: &str, cause: &serde_json::Error) -> Answer {
    let message = format!("the stored answer of the turn {turn} is damaged: {cause}");
    let error = ApiError::new(ErrorKind::Failed, "answer_damaged", message).hint("ask again");
    Answer { status: TurnStatus::Failed, error: Some(error), ..empty_answer(session, turn) }
}

fn status_name(status: TurnStatus) -> &'static str {
    match status {
        TurnStatus::Incomplete => "incomplete",
        TurnStatus::Completed => "completed",
        TurnStatus::Unanswered => "unanswered",
        TurnStatus::Failed => "failed",
        TurnStatus::Interrupted => "interrupted",
    }
}

const SELECT: &str = "select id, session_id, question, provider, answer, created_at from turns";

fn turn(row: &SqliteRow) -> sqlx::Result<Turn> {
    let (id, session): (String, String) = (row.try_get(0)?, row.try_get(1)?);
    let kept: Option<String> = row.try_get(4)?;
    let answer = kept.map_or_else(
        || empty_answer(&session, &id),
        |text| serde_json::from_str(&text).unwrap_or_else(|e| damaged_answer(&session, &id, &e)),
    );
    Ok(Turn { question: row.try_get(2)?, provider: row.try_get(3)?, created_at: row.try_get(5)?, answer })
}

pub(super) async fn of_session(state: &State, session: &str) -> Result<Vec<Turn>, StateError> {
    let sql = format!("{SELECT} where session_id = ? order by position");
    let rows = sqlx::query(sqlx::AssertSqlSafe(sql)).bind(session).fetch_all(state.read()).await;
    rows.and_then(|rows| rows.iter().map(turn).collect()).map_err(|e| state.error(e))
}

pub(super) async fn one(state: &State, whose: &str, id: &str) -> Result<Option<Turn>, StateError> {
    let sql =
        format!("{SELECT} where id = ? and session_id in (select id from sessions where principal = ?)");
    let row = sqlx::query(sqlx::AssertSqlSafe(sql)).bind(id).bind(whose).fetch_optional(state.read()).await;
    row.and_then(|row| row.as_ref().map(turn).transpose()).map_err(|e| state.error(e))
}

#[cfg(test)]
mod tests {
    use super::*;
    use wharf_protocol::{SessionUpdate, Text};

    #[tokio::test]
    async fn a_turn_cut_by_a_crash_is_whole_and_interrupted_afterwards_and_numbers_have_no_gap() {
        let tmp = tempfile::tempdir().unwrap();
        let state = State::open(tmp.path()).await.unwrap();
        let sessions = Sessions::new(state.clone());
        let session = sessions.create("owner", "sales  by\nmonth", None).await.unwrap();
        assert_eq!(session.title, "sales by month");
        let begun = sessions.begin(&session, "revenue?", "local").await.unwrap();
        let busy = sessions.begin(&session, "and orders?", "local").await.unwrap_err();
        assert_eq!(busy.code, "session_busy");
        for piece in ["Rev", "enue is"] {
            let token = EventBody::Token(Text { text: piece.into() });
            sessions.append(&session.session_id, &begun.turn_id, vec![token]).await.unwrap();
        }

        // As after kill -9: another process opens the same store.
        let sessions = Sessions::new(state);
        assert_eq!(sessions.recover().await.unwrap(), 1);
        let turn = sessions.turn("owner", &begun.turn_id).await.unwrap();
        assert_eq!(turn.answer.status, TurnStatus::Interrupted);
        assert_eq!(turn.answer.answer, "Revenue is");
        let events = sessions.events(&session.session_id, 0, 100).await.unwrap();
        assert_eq!(events.iter().map(|e| e.seq).collect::<Vec<_>>(), [1, 2, 3, 4]);
        assert_eq!(
            events.iter().map(|e| e.kind.as_str()).collect::<Vec<_>>(),
            ["session", "token", "token", "error"]
        );
        assert!(!sessions.find("owner", &session.session_id[..8]).await.unwrap().busy);
        assert_eq!(sessions.recover().await.unwrap(), 0);
        sessions.begin(&session, "again", "local").await.unwrap();
    }

    #[tokio::test]
    async fn a_conversation_is_there_for_whose_it_is_and_for_nobody_else() {
        let tmp = tempfile::tempdir().unwrap();
        let sessions = Sessions::new(State::open(tmp.path()).await.unwrap());
        let theirs = sessions.create("agent:red", "sales", None).await.unwrap();
        let begun = sessions.begin(&theirs, "revenue?", "local").await.unwrap();
        let ours = sessions.create("agent:blue", "sales", None).await.unwrap();
        let id = theirs.session_id.as_str();
        // The same title leads each to their own.
        assert_eq!(sessions.find("agent:red", "sales").await.unwrap().session_id, id);
        assert_eq!(sessions.find("agent:blue", "sales").await.unwrap().session_id, ours.session_id);
        for other in ["agent:blue", "owner", ""] {
            for name in [id, &id[..13]] {
                let missing = sessions.find(other, name).await.unwrap_err();
                assert_eq!(missing.message, format!("there is no session `{name}`"));
            }
            let update = SessionUpdate { title: Some("mine".to_owned()) };
            assert_eq!(sessions.update(other, id, &update).await.unwrap_err().code, "session_not_found");
            assert_eq!(sessions.delete(other, id).await.unwrap_err().code, "session_not_found");
            assert_eq!(sessions.turn(other, &begun.turn_id).await.unwrap_err().code, "turn_not_found");
        }
        assert_eq!(sessions.list("agent:blue", 10).await.unwrap().len(), 1);
        assert!(sessions.list("owner", 10).await.unwrap().is_empty());
        assert_eq!(sessions.turn("agent:red", &begun.turn_id).await.unwrap().question, "revenue?");
        // Whoever has the name next finds nothing, and the turn that still runs can end.
        sessions.create("agent:red", "more", None).await.unwrap();
        sessions.forget("agent:red").await.unwrap();
        assert!(sessions.list("agent:red", 10).await.unwrap().is_empty());
        let answer = empty_answer(id, &begun.turn_id);
        sessions.end(Ending { answer, follow_up: None, events: Vec::new() }).await.unwrap();
        assert_eq!(sessions.list("agent:blue", 10).await.unwrap().len(), 1);
    }

    #[tokio::test]
    async fn a_value_of_a_damaged_type_is_an_error_and_no_panic() {
        let tmp = tempfile::tempdir().unwrap();
        let state = State::open(tmp.path()).await.unwrap();
        let sessions = Sessions::new(state.clone());
        let session = sessions.create("owner", "sales", None).await.unwrap();
        let begun = sessions.begin(&session, "revenue?", "local").await.unwrap();
        let mut write = state.write().await.unwrap();
        let damage = "update turns set question = x'ff00'; update events set kind = x'ff00'; \
                      update sessions set title = x'ff00'";
        sqlx::raw_sql(damage).execute(write.on()).await.unwrap();
        write.commit().await.unwrap();
        assert!(sessions.turn("owner", &begun.turn_id).await.is_err());
        assert!(sessions.events(&session.session_id, 0, 10).await.is_err());
        assert!(sessions.list("owner", 10).await.is_err());
    }
}
