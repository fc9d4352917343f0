//! The audit log: who asked what, what it read, how it ended. Append-only, each line bound to the one before it.
//!
//! The hash of a line is blake3 over the hash of the line before it and the line's text, so a line that is changed,
//! removed or put in breaks the chain from there on.

use crate::clock;
use crate::state::{State, StateError};
use serde::{Deserialize, Serialize};

/// What one line says.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub struct Entry {
    /// Time, UTC.
    pub at: String,
    /// Id of the request, shared by the lines about one statement.
    pub request_id: String,
    /// `owner`, or `owner as agent` when the owner tries a policy out.
    pub principal: String,
    /// `query`, `metric`, `sample`, `profile`, `ask`, `connect`, ...
    pub action: String,
    /// The full text.
    pub statement: String,
    /// Tables and files it names.
    pub tables: Vec<String>,
    /// Where it ran.
    pub route: String,
    /// `started`, `denied`, `completed`, `failed`, `cancelled`.
    pub outcome: String,
    /// Why, for denials and failures.
    pub reason: Option<String>,
    /// Rows handed out.
    pub rows: Option<u64>,
    /// Bytes handed out.
    pub bytes: Option<u64>,
    /// Milliseconds it took.
    pub time_ms: Option<f64>,
}

/// The log. Cheap to clone.
#[derive(Clone)]
pub struct Audit {
    state: State,
}

/// The first line that does not fit, if any, and how many do.
#[derive(Debug, PartialEq, Eq)]
pub struct Verdict {
    /// Lines whose hash fits.
    pub sound: u64,
    /// Number of the first line that does not.
    pub broken_at: Option<i64>,
}

impl Audit {
    /// The log in `state`.
    pub fn new(state: State) -> Self {
        Self { state }
    }

    /// Appends a line; it is on the disk when this returns.
    ///
    /// # Errors
    /// When it is not on the disk. What was to be audited must then not happen.
    pub async fn append(&self, mut entry: Entry) -> Result<(), StateError> {
        entry.at = clock::now_text();
        let line = serde_json::to_string(&entry).map_err(|e| StateError::Other(e.to_string()))?;
        let mut write = self.state.write().await?;
        // Read within the transaction: a private daemon may write beside this one.
        let last = sqlx::query_as("select seq, hash from audit order by seq desc limit 1")
            .fetch_optional(write.on())
            .await;
        let (seq, previous): (i64, String) = last.map_err(|e| write.error(e))?.unwrap_or_default();
        let hash = chain(&previous, &line);
        let inserted = sqlx::query("insert into audit (seq, line, hash) values (?, ?, ?)")
            .bind(seq + 1)
            .bind(&line)
            .bind(&hash)
            .execute(write.on())
            .await;
        inserted.map_err(|e| write.error(e))?;
        write.commit().await
    }

    /// Checks the whole chain.
    ///
    /// # Errors
    /// When the log cannot be read.
    pub async fn verify(&self) -> Result<Verdict, StateError> {
        let mut previous = String::new();
        let mut sound = 0_u64;
        let mut after = 0_i64;
        loop {
            let page = "select seq, line, hash from audit where seq > ? order by seq limit 500";
            let rows: Vec<(i64, String, String)> = sqlx::query_as(page)
                .bind(after)
                .fetch_all(self.state.read())
                .await
                .map_err(|e| self.state.error(e))?;
            if rows.is_empty() {
                return Ok(Verdict { sound, broken_at: None });
            }
            for (seq, line, hash) in rows {
                if seq != after + 1 || chain(&previous, &line) != hash {
                    return Ok(Verdict { sound, broken_at: Some(after + 1) });
                }
                (previous, after) = (hash, seq);
                sound += 1;
            }
        }
    }
}

fn chain(previous: &str, line: &str) -> String {
    let mut hasher = blake3::Hasher::new();
    hasher.update(previous.as_bytes());
    hasher.update(b"\n");
    hasher.update(line.as_bytes());
    hasher.finalize().to_hex().to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn the_chain_holds_across_restarts_and_breaks_when_a_line_is_altered() {
        let tmp = tempfile::tempdir().unwrap();
        let state = State::open(tmp.path()).await.unwrap();
        for statement in ["select 1", "select 2"] {
            let entry = Entry { statement: statement.to_owned(), ..Entry::default() };
            Audit::new(state.clone()).append(entry).await.unwrap();
        }
        let audit = Audit::new(state.clone());
        assert_eq!(audit.verify().await.unwrap(), Verdict { sound: 2, broken_at: None });

        let mut write = state.write().await.unwrap();
        let refused = sqlx::query("update audit set line = 'x' where seq = 2").execute(write.on()).await;
        assert!(refused.unwrap_err().to_string().contains("append-only"));
        drop(write);

        let mut write = state.write().await.unwrap();
        sqlx::raw_sql("drop trigger audit_is_append_only_update; update audit set line = replace(line, 'select 2', 'select 3')")
            .execute(write.on())
            .await
            .unwrap();
        write.commit().await.unwrap();
        assert_eq!(audit.verify().await.unwrap(), Verdict { sound: 1, broken_at: Some(2) });
    }
}
