//! One statement: a query, or an EXPLAIN of one.

use super::cursor::{CLOUD, DATABRICKS, POSTGRES, POSTGRES_KIN, REDSHIFT, Read, Reader, SNOWFLAKE};
use super::facts::Facts;
use crate::denial::{Denial, DenialCode};
use crate::lexer::Token;
use crate::names::Dialect;

/// First words of statements that change data, definitions or rights, or write files.
const WRITES: &[&str] = &[
    "alter", "analyze", "cluster", "comment", "copy", "create", "delete", "drop", "export", "grant",
    "import", "insert", "load", "lock", "merge", "msck", "optimize", "put", "refresh", "reindex", "remove",
    "repair", "replace", "restore", "revoke", "rm", "truncate", "undrop", "unload", "update", "upsert",
    "vacuum", "get",
];

/// First words of other statements that are no queries.
const OTHERS: &[&str] = &[
    "abort",
    "add",
    "attach",
    "begin",
    "cache",
    "call",
    "cancel",
    "checkpoint",
    "clear",
    "close",
    "commit",
    "deallocate",
    "declare",
    "desc",
    "describe",
    "detach",
    "discard",
    "do",
    "end",
    "execute",
    "fetch",
    "let",
    "list",
    "listen",
    "ls",
    "move",
    "notify",
    "pragma",
    "prepare",
    "release",
    "reset",
    "rollback",
    "savepoint",
    "security",
    "set",
    "show",
    "signal",
    "start",
    "summarize",
    "sync",
    "uncache",
    "unlisten",
    "unset",
    "use",
];

/// Reads the statement of a text.
pub(super) fn read(text: &str, tokens: &[Token], dialect: Dialect) -> Result<Facts, Denial> {
    let mut reader = Reader::new(text, tokens, dialect);
    while reader.take_symbol(b';') {}
    if reader.take("explain") {
        reader.explain()?;
        reader.facts.explain = true;
    }
    reader.first_word()?;
    reader.query(None)?;
    let end = reader.at;
    while reader.take_symbol(b';') {}
    match reader.token(0) {
        None => Ok(reader.facts),
        Some(_) if reader.at > end => {
            let (message, hint) = ("there is more than one statement", "send one statement at a time");
            Err(reader.refuse(DenialCode::SeveralStatements, message, hint))
        }
        Some(_) => Err(reader.unexpected("the end of the statement")),
    }
}

impl Reader<'_> {
    /// What stands between EXPLAIN and the statement.
    fn explain(&mut self) -> Read {
        if self.speaks(POSTGRES_KIN) {
            if self.speaks(POSTGRES) && self.symbol(0, b'(') && !self.starts_query(1) && !self.symbol(1, b'(')
            {
                return self.bracketed(|r| r.list(Self::explain_option));
            }
            if self.speaks(POSTGRES) {
                self.take_any(&["analyze", "analyse"]);
            }
            self.take("verbose");
        }
        if self.speaks(REDSHIFT) {
            self.take("verbose");
        }
        if self.speaks(SNOWFLAKE) && self.take("using") {
            self.expect_any(&["tabular", "json", "text"])?;
        }
        if self.speaks(DATABRICKS) {
            self.take_any(&["extended", "codegen", "cost", "formatted"]);
        }
        Ok(())
    }

    fn explain_option(&mut self) -> Read {
        self.expect_any(&[
            "analyze",
            "analyse",
            "verbose",
            "costs",
            "settings",
            "generic_plan",
            "buffers",
            "serialize",
            "wal",
            "timing",
            "summary",
            "memory",
            "format",
        ])?;
        self.take_any(&["true", "false", "on", "off", "text", "xml", "json", "yaml", "none", "binary"]);
        Ok(())
    }

    /// Says what a statement is that is no query.
    fn first_word(&self) -> Read {
        if self.is_any(0, WRITES) {
            let message = format!("{} changes data or definitions", self.word(0).to_ascii_uppercase());
            return Err(self.refuse(DenialCode::Writes, &message, "only queries are run here"));
        }
        if self.is_any(0, OTHERS) {
            let message = format!("{} is not a query", self.word(0).to_ascii_uppercase());
            let hint = "write a SELECT; tables and columns are shown by `wharf table show`";
            return Err(self.refuse(DenialCode::NotAQuery, &message, hint));
        }
        Ok(())
    }

    /// Refuses a statement behind WITH or in brackets that changes data.
    pub(super) fn no_write(&self) -> Read {
        if self.is_any(0, &["insert", "update", "delete", "merge", "create", "truncate"]) {
            let message = format!("{} changes data", self.word(0).to_ascii_uppercase());
            return Err(self.refuse(DenialCode::Writes, &message, "only queries are run here"));
        }
        Ok(())
    }

    /// Refuses INTO, and the clauses that lock rows.
    pub(super) fn no_lock(&self) -> Read {
        if self.is("into") {
            let message = "SELECT INTO writes a table or a variable";
            return Err(self.refuse(DenialCode::Writes, message, "leave INTO out"));
        }
        if self.is("for") && !self.speaks(CLOUD) || self.is("lock") && self.is_at(1, "in") {
            return Err(self.refuse(DenialCode::Writes, "the query locks rows", "leave the FOR clause out"));
        }
        if self.is("for") && self.is_any(1, &["update", "share", "no", "key"]) {
            return Err(self.refuse(DenialCode::Writes, "the query locks rows", "leave the FOR clause out"));
        }
        Ok(())
    }
}
