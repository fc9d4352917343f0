//! Rows as texts, read line by line as they come.

use crate::link::Failure;
use serde::Deserialize;
use wharf_protocol::{ApiError, Column, ErrorKind, QueryStats};

/// A result as it arrives: the columns are known, the rows follow.
pub struct RowStream {
    reply: reqwest::Response,
    buffer: Vec<u8>,
    at: usize,
    /// The columns.
    pub columns: Vec<Column>,
}

/// How a result ended.
pub enum RowsEnd {
    /// A row.
    Row(Vec<Option<String>>),
    /// There are no more rows; how it went.
    Done(Box<QueryStats>),
}

#[derive(Deserialize)]
struct Head {
    columns: Vec<Column>,
}

#[derive(Deserialize)]
struct Tail {
    stats: Option<QueryStats>,
    error: Option<ApiError>,
}

impl RowStream {
    /// Reads the columns.
    ///
    /// # Errors
    /// When the stream breaks off before them.
    pub async fn begin(reply: reqwest::Response) -> Result<Self, Failure> {
        let mut stream = Self { reply, buffer: Vec::new(), at: 0, columns: Vec::new() };
        let line = stream.line().await?;
        let head: Head = serde_json::from_slice(&line).map_err(|e| misfit(&e))?;
        stream.columns = head.columns;
        Ok(stream)
    }

    /// The next row, or the end.
    ///
    /// # Errors
    /// When the statement failed half way, or the stream broke off.
    pub async fn next(&mut self) -> Result<RowsEnd, Failure> {
        let line = self.line().await?;
        if line.first() == Some(&b'[') {
            return Ok(RowsEnd::Row(serde_json::from_slice(&line).map_err(|e| misfit(&e))?));
        }
        let tail: Tail = serde_json::from_slice(&line).map_err(|e| misfit(&e))?;
        match (tail.error, tail.stats) {
            (Some(error), _) => Err(Failure::from(error)),
            (None, Some(stats)) => Ok(RowsEnd::Done(Box::new(stats))),
            (None, None) => Err(broken("its end makes no sense")),
        }
    }

    async fn line(&mut self) -> Result<Vec<u8>, Failure> {
        let mut seen = self.at;
        loop {
            if let Some(end) = self.buffer[seen..].iter().position(|b| *b == b'\n') {
                let line = self.buffer[self.at..seen + end].to_vec();
                self.at = seen + end + 1;
                return Ok(line);
            }
            self.buffer.drain(..self.at);
            self.at = 0;
            seen = self.buffer.len();
            match self.reply.chunk().await {
                Ok(Some(chunk)) => self.buffer.extend_from_slice(&chunk),
                Ok(None) => return Err(broken("it ended before its last row")),
                Err(e) => return Err(broken(&e.to_string())),
            }
        }
    }
}

fn broken(why: &str) -> Failure {
    Failure::from(
        ApiError::new(ErrorKind::Unavailable, "stream_broken", format!("the result broke off: {why}"))
            .hint("what was printed is not the whole result"),
    )
}

fn misfit(e: &serde_json::Error) -> Failure {
    broken(&format!("a line does not fit ({e})"))
}
